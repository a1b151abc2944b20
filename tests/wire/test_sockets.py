"""What really leaves and what really comes: over sockets, on this machine."""

from __future__ import annotations

import asyncio
import gzip
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import unquote

import httpx
import pytest
from msgspec.structs import replace

from engine.errors import CallError, NetworkError, NotSent, ResponseError, TimedOut, Unreachable
from engine.settings import Settings
from engine.wire.budget import Budget
from engine.wire.call import Call, Page
from engine.wire.client import Client
from engine.wire.clock import Clock
from provider_registry.model import Method
from provider_registry.protocol import Auth, Credential, Server
from tests.wire.loopback import CLOSE, HANG, Heard, http, saying
from tests.wire.methods import DELETE_IMAGE, GET_IMAGE, POST_IMAGE, TOKEN, Time, call, settings

T = TypeVar("T")
IMAGE = http(b'{"id": "a"}')
KEY = Auth(type="api_key", name="key", location="query", credentials=(Credential(env="KEY"),))


def over(
    replies: tuple[bytes | None, ...], run: Callable[[Client, Heard], Awaitable[T]], **more: Any
) -> tuple[T, Heard]:
    """Run with a client whose API is a server that gives these replies."""

    async def main() -> tuple[T, Heard]:
        async with saying(*replies) as heard:
            held = settings(servers={"linode": heard.url}, token=more.pop("token", TOKEN), **more)
            clock = Clock() if held.timeout else Time().clock
            async with Client(held, clock=clock) as client:
                return await run(client, heard), heard

    return asyncio.run(main())


async def fetch(client: Client, method: Method = GET_IMAGE, **args: Any) -> list[Page]:
    wanted = call(method, args or {"imageId": "x"})
    return [page async for page in client.pages(wanted)]


async def failure(client: Client, method: Method, args: dict[str, Any]) -> CallError:
    with pytest.raises(CallError) as raised:
        await fetch(client, method, **args)
    return raised.value


WRITES: list[tuple[Method, dict[str, Any]]] = [(POST_IMAGE, {"data__disk_id": 1}), (DELETE_IMAGE, {"imageId": "x"})]


@pytest.mark.parametrize(
    "name",
    ["private/12", "../account", "..%2Faccount", "%2e%2e", "a b", "ü'\"<>{}|\\^`", ";x=1", "a?b#c&d", "...", "~-_."],
)
def test_the_path_that_leaves(name: str) -> None:
    """Nothing on the way resolves dots or decodes a slash."""
    _, heard = over((IMAGE,), lambda client, _: fetch(client, imageId=name))
    verb, target, version = heard.lines[0].split(" ")
    assert (verb, version) == ("GET", "HTTP/1.1")
    assert [unquote(segment) for segment in target.split("/")] == ["", "v4", "images", name]
    assert target.isascii()


def test_the_request_that_leaves() -> None:
    _, heard = over((IMAGE,), lambda client, _: fetch(client))
    headers = dict(line.split(": ", 1) for line in heard.requests[0].decode().split("\r\n")[1:] if line)
    assert headers == {
        "Host": f"127.0.0.1:{heard.port}",
        "Accept": "application/json",
        "User-Agent": headers["User-Agent"],
        "Authorization": f"Bearer {TOKEN}",
    } | {name: headers[name] for name in headers if name in ("Accept-Encoding", "Connection")}
    assert headers["User-Agent"].startswith("stratoql/")


def test_a_key_in_the_query_is_added_at_the_door() -> None:
    keyed = replace(GET_IMAGE, auth=KEY)
    _, heard = over((IMAGE,), lambda client, _: fetch(client, keyed), token="a&b=c")
    assert heard.lines == ["GET /v4/images/x?key=a%26b%3Dc HTTP/1.1"]
    listed = replace(keyed, path="/images", params=GET_IMAGE.params[1:])
    _, heard = over((IMAGE,), lambda client, _: fetch(client, listed, apiVersion="v4beta"), token="k")
    assert heard.lines == ["GET /v4beta/images?key=k HTTP/1.1"]


def test_no_cookie_is_kept() -> None:
    async def twice(client: Client, _: Heard) -> None:
        await fetch(client)
        await fetch(client)

    _, heard = over((http(b"{}", headers=["Set-Cookie: session=1; Path=/"]),), twice)
    assert not any(b"ookie" in request for request in heard.requests)


def test_gzip_is_unpacked() -> None:
    packed = gzip.compress(b'{"id": "' + b"a" * 5000 + b'"}')
    pages, _ = over((http(packed, headers=["Content-Encoding: gzip"]),), lambda client, _: fetch(client))
    assert pages[0].rows[0][0] == "a" * 5000
    assert pages[0].cost.bytes == len(packed)


def test_gzip_that_is_broken_is_tried_again() -> None:
    broken = http(b"no gzip at all", headers=["Content-Encoding: gzip"])
    pages, heard = over((broken, IMAGE), lambda client, _: fetch(client))
    assert (pages[0].rows[0][0], len(heard.lines)) == ("a", 2)
    with pytest.raises(NetworkError, match=r"broke: the answer cannot be unpacked \(tried 5 times\)"):
        over((broken,), lambda client, _: fetch(client))


CUT: dict[str, bytes] = {
    "before its length": http(b'{"id": "a"}', length=100),
    "in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{",
    "at no length at all": http(b'{"id": "', length=-1),
    "in the headers": b"HTTP/1.1 200 OK\r\nConten",
    "before a word": CLOSE,
    "by something that is no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
}


@pytest.mark.parametrize("kind", CUT)
def test_a_cut_answer_to_a_read_is_asked_for_again(kind: str) -> None:
    pages, heard = over((CUT[kind], CUT[kind], IMAGE), lambda client, _: fetch(client))
    assert [page.rows for page in pages] == [[("a", None, None, None, None, None)]]
    assert len(heard.lines) == 3
    assert (pages[0].cost.requests, pages[0].cost.retries) == (3, 2)


@pytest.mark.parametrize("kind", CUT)
@pytest.mark.parametrize(("method", "args"), WRITES)
def test_a_cut_answer_to_a_write_is_not(kind: str, method: Method, args: dict[str, Any]) -> None:
    """The write may have happened: that is what the error says of itself."""
    error, heard = over((CUT[kind], IMAGE), lambda client, _: failure(client, method, args))
    assert isinstance(error, NetworkError | ResponseError)
    assert not error.harmless
    assert len(heard.lines) == 1


def test_a_cut_answer_that_stays_cut() -> None:
    with pytest.raises(NetworkError) as raised:
        over((CUT["before its length"],), lambda client, _: fetch(client))
    assert raised.value.message.startswith("the connection to 127.0.0.1 broke: peer closed connection")
    assert raised.value.message.endswith("(tried 5 times)")
    assert raised.value.request.startswith("GET http://127.0.0.1:")


def test_nobody_listens() -> None:
    async def run() -> None:
        async with saying(IMAGE) as heard:
            url = heard.url
        for scheme in ("http", "https"):
            time_ = Time()
            held = settings(servers={"linode": url.replace("http", scheme)}, token=TOKEN)
            async with Client(held, clock=time_.clock) as client:
                for method, args in WRITES:
                    error = await failure(client, method, args)
                    assert isinstance(error, Unreachable)
                    assert error.message.startswith("cannot connect to 127.0.0.1: ")
                    assert error.message.endswith("(tried 5 times)")
                    assert error.hint == "check the network, the address and the proxy"
                    assert error.harmless
            assert len(time_.slept) == 8

    asyncio.run(run())


def test_time_runs_out_while_the_answer_is_awaited() -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut) as raised:
        over((HANG,), lambda client, _: fetch(client), timeout=0.1)
    assert time.monotonic() - began < 2
    assert raised.value.message.startswith("the 0.1 s allowed are used up, waiting for the answer to GET http://127.")
    assert raised.value.hint == "allow more with --timeout, or ask for less"
    assert not raised.value.harmless


def test_time_runs_out_before_a_place_is_free() -> None:
    async def run(client: Client, _heard: Heard) -> None:
        hanging = asyncio.ensure_future(fetch(client))
        await asyncio.sleep(0.05)
        late = client.statement()
        late.budget = Budget(10, 0.05)
        with pytest.raises(TimedOut) as raised:
            _ = [page async for page in late.pages(call(POST_IMAGE, {"data__disk_id": 1}))]
        assert raised.value.message.endswith("waiting for a place among the requests under way")
        assert raised.value.harmless
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)

    _, heard = over((HANG,), run, concurrency=1)
    assert len(heard.lines) == 1


def test_a_call_that_is_given_up_frees_its_place() -> None:
    async def run(client: Client, _: Heard) -> list[Page]:
        hanging = asyncio.ensure_future(fetch(client))
        await asyncio.sleep(0.05)
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        return await fetch(client)

    found, told = over((HANG, IMAGE), run, concurrency=1)
    assert (len(found), len(told.lines)) == (1, 2)


def test_an_address_that_is_too_long() -> None:
    with pytest.raises(NotSent, match="the address cannot be used: URL too long") as raised:
        over((IMAGE,), lambda client, _: fetch(client, imageId="x" * 70_000))
    assert raised.value.harmless


def test_a_host_that_nobody_can_be_called() -> None:
    async def run() -> None:
        async with Client(settings(token=TOKEN, servers={"linode": "https://xn--a"}), clock=Time().clock) as client:
            await fetch(client)

    with pytest.raises(NotSent, match="the address cannot be used: Codepoint"):
        asyncio.run(run())


# ---- proxies


def test_a_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Heard:
        async with saying(IMAGE) as heard:
            monkeypatch.setenv("http_proxy", f"127.0.0.1:{heard.port}")
            monkeypatch.setenv("no_proxy", "direct.example")
            held = settings(servers={"linode": "http://far.example"}, insecure_http=True, token=TOKEN)
            async with Client(held, clock=Time().clock) as client:
                await fetch(client)
                await fetch(client)
        return heard

    heard = asyncio.run(run())
    assert heard.lines == ["GET http://far.example/v4/images/x HTTP/1.1"] * 2
    assert f"Bearer {TOKEN}".encode() in heard.requests[0]


def test_this_machine_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    pages, _ = over((IMAGE,), lambda client, _: fetch(client))
    assert len(pages) == 1


def fails(held: Settings, wanted: Call) -> CallError:
    async def run() -> CallError:
        async with Client(held, clock=Time().clock) as client:
            with pytest.raises(CallError) as raised:
                _ = [page async for page in client.pages(wanted)]
            return raised.value

    return asyncio.run(run())


@pytest.mark.parametrize(
    "proxy", ["ftp://me:hunter2@127.0.0.1:9", "http://me:hunter2@[::1", "socks5://me:hunter2@127.0.0.1:9"]
)
def test_a_proxy_that_cannot_be_used(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    error = fails(settings(token=TOKEN), call(GET_IMAGE, {"imageId": "x"}))
    assert isinstance(error, Unreachable)
    assert "the proxy set in the environment cannot be used" in error.message
    assert "hunter2" not in repr(vars(error))


def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "ftp://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "unreachable.invalid")
    method = replace(GET_IMAGE, server=Server(url="http://unreachable.invalid"), params=GET_IMAGE.params[:1])
    error = fails(settings(insecure_http=True), call(method, {"imageId": "x"}))
    assert isinstance(error, Unreachable)
    assert "proxy set" not in error.message


# ---- what the library raises


TROUBLE: list[tuple[Exception, type[CallError], str, int]] = [
    (httpx.ConnectTimeout(""), Unreachable, "cannot connect to api.linode.com: no connection within 10 s", 5),
    (httpx.PoolTimeout(""), Unreachable, "cannot connect to api.linode.com: PoolTimeout", 5),
    (httpx.ReadTimeout(""), NetworkError, "the connection to api.linode.com broke: no answer within 60 s", 5),
    (httpx.WriteTimeout(""), NetworkError, "broke: nothing could be sent for 60 s", 5),
    (httpx.ReadError(""), NetworkError, "broke: ReadError", 5),
    (httpx.WriteError("reset\x1b[2J"), NetworkError, "broke: reset [2J", 5),
    (httpx.LocalProtocolError("bad"), NotSent, "the request cannot be sent: bad", 1),
    (httpx.UnsupportedProtocol("bad"), NotSent, "the request cannot be sent: bad", 1),
    (httpx.ReadError(f"echo {TOKEN}"), NetworkError, "broke: echo ***", 5),
]


class Failing(httpx.AsyncBaseTransport):
    def __init__(self, error: Exception) -> None:
        self.error, self.count = error, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.count += 1
        raise self.error


@pytest.mark.parametrize(("error", "kind", "message", "attempts"), TROUBLE)
def test_trouble_on_the_way(error: Exception, kind: type[CallError], message: str, attempts: int) -> None:
    async def run() -> tuple[CallError, int]:
        transport = Failing(error)
        async with Client(settings(token=TOKEN), transport, clock=Time().clock) as client:
            with pytest.raises(CallError) as raised:
                await fetch(client)
        return raised.value, transport.count

    found, count = asyncio.run(run())
    assert type(found) is kind
    assert message in found.message
    assert count == attempts
    assert found.request == "GET https://api.linode.com/v4/images/x"


def test_a_certificate_that_is_not_trusted_is_not_tried_again() -> None:
    error = httpx.ConnectError("certificate verify failed")
    error.__context__ = ssl.SSLCertVerificationError("self-signed")
    transport = Failing(error)

    async def run() -> Unreachable:
        async with Client(settings(), transport, clock=Time().clock) as client:
            with pytest.raises(Unreachable) as raised:
                await fetch(client)
            return raised.value

    assert asyncio.run(run()).hint == "the certificate is not trusted: SSL_CERT_FILE names further ones"
    assert transport.count == 1


def test_the_librarys_own_log_sees_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    keyed = replace(GET_IMAGE, auth=KEY)
    with caplog.at_level(logging.DEBUG):
        over((IMAGE,), lambda client, _: fetch(client, keyed))
        over((IMAGE,), lambda client, _: fetch(client))
    assert any(record.name.startswith("httpx") for record in caplog.records)
    assert TOKEN not in caplog.text

"""Public files: no credential with the request, no belief in the answer."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from engine.errors import (
    ApiError,
    NetworkError,
    Refused,
    ResponseError,
    StratoqlError,
    Unreachable,
    UsageError,
    explain,
)
from engine.settings import Settings
from engine.wire import fetch as fetching
from engine.wire.client import Client
from engine.wire.events import Event
from engine.wire.fetch import fetch
from tests.wire.loopback import CLOSE, HANG, http, saying
from tests.wire.methods import Time

URL = "https://registry.example/dist/providers.yaml"
SECRETS = {"LINODE_TOKEN": "verysecret"}


def fetched(
    handler: Callable[[httpx.Request], httpx.Response],
    url: str = URL,
    heard: list[Event] | None = None,
    largest: int = 1000,
    **more: Any,
) -> bytes:
    async def main() -> bytes:
        settings = Settings(environ=SECRETS, token="verysecret", **more)
        transport = httpx.MockTransport(handler)
        async with Client(settings, transport, clock=Time().clock) as client:
            tell = heard.append if heard is not None else (lambda _: None)
            return await fetch(client, url, largest, settings, tell)

    return asyncio.run(main())


def over(*replies: bytes | None, largest: int = 1000, **more: Any) -> tuple[bytes | StratoqlError, list[bytes]]:
    """What comes over a socket, or its error, and what was heard there."""

    async def main() -> tuple[bytes | StratoqlError, list[bytes]]:
        settings = Settings(environ=SECRETS, token="verysecret", **more)
        async with saying(*replies) as heard, Client(settings) as client:
            try:
                return await fetch(client, f"{heard.url}/a.tgz", largest, settings), heard.requests
            except StratoqlError as error:
                return error, heard.requests

    return asyncio.run(main())


def test_a_file_comes_as_it_is_and_no_secret_goes_for_it() -> None:
    packed = gzip.compress(b"documents")
    found, (request,) = over(http(packed))
    assert found == packed
    lines = request.decode().lower().split("\r\n")
    assert lines[0] == "get /a.tgz http/1.1"
    assert [line for line in lines if line.startswith("accept")] == ["accept: */*", "accept-encoding: identity"]
    assert "authorization" not in request.decode().lower()
    assert b"verysecret" not in request


def test_what_the_server_packs_all_the_same_is_unpacked() -> None:
    found, _ = over(http(gzip.compress(b"documents"), headers=["Content-Encoding: gzip"]))
    assert found == b"documents"


def test_a_large_file_is_not_read_to_its_end() -> None:
    found, _ = over(http(b"x" * 2_000_000), largest=2**20)
    assert isinstance(found, ResponseError)
    assert explain(found).splitlines()[0] == "error: the answer is larger than 1 MiB"
    assert found.hint is None


@pytest.mark.parametrize(("status", "words"), [(404, "there is no such file"), (410, "the file is gone"),
                                               (403, "the file is not given")])  # fmt: skip
def test_the_server_may_say_no(status: int, words: str) -> None:
    with pytest.raises(ApiError) as no:
        fetched(lambda _: httpx.Response(status))
    assert (str(no.value), no.value.status) == (f"HTTP {status}: {words}", status)
    assert no.value.request == f"GET {URL}"


def test_a_passing_trouble_is_tried_through() -> None:
    answers: Iterator[httpx.Response | Exception] = iter(
        [httpx.Response(503), httpx.ReadError("gone"), httpx.Response(200, content=b"x")]
    )
    heard: list[Event] = []

    def handler(request: httpx.Request) -> httpx.Response:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert fetched(handler, heard=heard) == b"x"
    assert [(event.kind, event.attempt, event.status) for event in heard] == [
        ("request", 1, None), ("response", 1, 503), ("request", 2, None), ("request", 3, None), ("response", 3, 200),
    ]  # fmt: skip


def test_a_lasting_trouble_ends_it() -> None:
    with pytest.raises(ApiError, match="HTTP 503"):
        fetched(lambda _: httpx.Response(503))
    found, requests = over(CLOSE)
    assert isinstance(found, NetworkError)
    assert len(requests) == fetching.ATTEMPTS


def test_a_server_that_is_down_is_named() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(Unreachable, match=r"cannot connect to registry.example: refused"):
        fetched(handler)


def test_a_server_that_says_nothing_is_left() -> None:
    found, _ = over(HANG, timeout=0.05)
    assert isinstance(found, ResponseError)
    assert str(found) == "the file did not come within 0.05 s"


def moving(*targets: str) -> Callable[[httpx.Request], httpx.Response]:
    left = list(targets)

    def handler(request: httpx.Request) -> httpx.Response:
        if left:
            return httpx.Response(302, headers={"location": left.pop(0)})
        return httpx.Response(200, content=str(request.url).encode())

    return handler


def test_a_redirect_is_followed_from_https_to_https() -> None:
    assert fetched(moving("/v2/x", "https://files.example/x")) == b"https://files.example/x"


@pytest.mark.parametrize("target", ["http://registry.example/x", "https://user:pw@files.example/x", "ftp://x/y"])
def test_another_redirect_is_not_followed(target: str) -> None:
    with pytest.raises(ResponseError) as raised:
        fetched(moving(target))
    assert "which is not asked" in str(raised.value)
    assert "pw" not in explain(raised.value)
    assert raised.value.hint is not None


def test_plain_http_is_not_left_for_https() -> None:
    with pytest.raises(ResponseError, match="which is not asked"):
        fetched(moving("https://registry.example/x"), url="http://127.0.0.1:1/x")


def test_redirects_come_to_an_end() -> None:
    with pytest.raises(ResponseError, match="moved more than 5 times"):
        fetched(moving(*[f"/{n}" for n in range(10)]))


def test_addresses_that_are_not_asked() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise AssertionError("nothing is sent")

    with pytest.raises(UsageError) as held:
        fetched(handler, url="https://me:hidden@registry.example/x")
    assert "hidden" not in explain(held.value)
    with pytest.raises(UsageError, match=r"the address ftp://x/y must begin with https:// or http://"):
        fetched(handler, url="ftp://x/y")
    with pytest.raises(Refused, match="plain http: whoever is on the way"):
        fetched(handler, url="http://registry.example/x")
    assert fetched(lambda _: httpx.Response(200), url="http://registry.example/x", insecure_http=True) == b""

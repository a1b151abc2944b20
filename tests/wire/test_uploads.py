"""Files that are sent: what leaves, what never does, and what is tried again."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import pytest

from engine.errors import ApiError, CallError, NetworkError, NotSent, Unreachable
from engine.wire import uploads
from engine.wire.call import Cost
from engine.wire.client import Client
from engine.wire.events import Event
from engine.wire.uploads import Body
from tests.wire.loopback import HANG, http, saying
from tests.wire.methods import TOKEN, Time, settings

SECRET = "0a1b2c3d4e5f"
ADDRESS = f"https://store.example:444/bucket/{SECRET}?Signature={SECRET}"
DATA = b"\x1f\x8b" + bytes(range(200))
DENIED = f"<Error><Code>AccessDenied</Code><StringToSign>{SECRET}</StringToSign></Error>".encode()
BROKEN = httpx.WriteError("broken pipe")


def body(data: bytes = DATA, size: int | None = None) -> Body:
    stream = io.BytesIO(data)
    return Body(
        "disk.img.gz",
        len(data) if size is None else size,
        "application/octet-stream",
        stream.read,
        lambda: stream.seek(0),
    )


@dataclass
class Store(httpx.AsyncBaseTransport):
    """Gives one reply to each request, after so many bytes of it; an exception breaks the connection there."""

    replies: list[tuple[int, httpx.Response | Exception]]
    sent: list[tuple[httpx.Request, bytes]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        most, reply = self.replies.pop(0)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        found = b""
        async for chunk in request.stream:
            found += chunk
            if len(found) >= most:
                break
        else:
            most = len(found)
        self.sent.append((request, found))
        if isinstance(reply, Exception):
            raise reply
        return reply


def whole(reply: httpx.Response | Exception) -> tuple[int, httpx.Response | Exception]:
    return 10**9, reply


@dataclass
class Outcome:
    cost: Cost
    error: CallError | None
    sent: list[tuple[httpx.Request, bytes]]
    events: list[Event]
    slept: list[float]


def put(
    *replies: tuple[int, httpx.Response | Exception],
    address: str = ADDRESS,
    file: Body | None = None,
    lives: float = 3600.0,
) -> Outcome:
    time, store, events = Time(), Store(list(replies)), list[Event]()

    async def run() -> Outcome:
        async with Client(settings(token=TOKEN), store, clock=time.clock) as client:
            traffic, error = client.statement(on_event=events.append), None
            try:
                await traffic.put(address, file or body(), time.clock.wall() + lives)
            except CallError as raised:
                error = raised
            assert client.stats == traffic.cost
            return Outcome(traffic.cost, error, store.sent, events, time.slept)

    return asyncio.run(run())


OK = httpx.Response(200)


def test_what_leaves_is_the_file_and_nothing_of_ours() -> None:
    done = put(whole(OK))
    ((request, data),) = done.sent
    assert (request.method, str(request.url), data) == ("PUT", ADDRESS, DATA)
    assert dict(request.headers) == {
        "host": "store.example:444",
        "accept": "*/*",
        "user-agent": request.headers["user-agent"],
        "content-type": "application/octet-stream",
        "content-length": str(len(DATA)),
    }
    assert (done.error, done.cost.requests, done.cost.retries) == (None, 1, 0)


def test_nobody_is_told_the_address(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        outcomes = [
            put(whole(OK)),
            put(whole(httpx.Response(403, content=DENIED))),
            put(whole(httpx.ConnectError(f"no way to {SECRET[:0]}store")), whole(OK)),
            put((5, BROKEN), (5, BROKEN)),
        ]
    told = [repr(event) for outcome in outcomes for event in outcome.events]
    told += [f"{o.error} {o.error.request} {o.error.hint}" for o in outcomes if o.error]
    assert SECRET not in "".join(told) + caplog.text
    assert "PUT https://store.example:444/*** 200 0 ms attempt 1" in caplog.messages
    assert "PUT https://store.example:444/*** NetworkError 0 ms attempt 2" in caplog.messages


def test_a_broken_connection_is_tried_once_more_from_the_start() -> None:
    done = put((100, BROKEN), whole(OK))
    assert [data for _, data in done.sent] == [DATA, DATA]
    assert (done.error, done.slept) == (None, [uploads.PAUSE])
    assert done.cost == Cost(requests=2, retries=1, waited=uploads.PAUSE)
    assert [event.attempt for event in done.events if event.kind == "request"] == [1, 2]


@pytest.mark.parametrize(
    ("reply", "kind", "message"),
    [
        (BROKEN, NetworkError, "the connection to store.example broke: broken pipe"),
        (httpx.ConnectError("refused"), Unreachable, "cannot connect to store.example: refused"),
        (httpx.Response(503, content=b"<Code>SlowDown</Code>"), ApiError, "HTTP 503 SlowDown"),
    ],
)
def test_twice_is_enough(reply: httpx.Response | Exception, kind: type[CallError], message: str) -> None:
    done = put((1, reply), (1, reply))
    assert type(done.error) is kind
    assert str(done.error) == message
    assert done.error is not None
    assert done.error.request == "PUT https://store.example:444/***"
    assert len(done.sent) == done.cost.requests == 2


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (httpx.Response(403, content=DENIED), "HTTP 403 AccessDenied"),
        (httpx.Response(404), "HTTP 404"),
        (httpx.Response(403, content=f"<Code>{SECRET}</Code>".encode()), "HTTP 403"),
        (
            httpx.Response(302, headers={"Location": "https://elsewhere.example"}),
            "HTTP 302 sends the file elsewhere, where it does not go",
        ),
    ],
)
def test_a_refusal_is_not_tried_again(reply: httpx.Response, message: str) -> None:
    done = put(whole(reply))
    assert (str(done.error), done.cost.requests, done.slept) == (message, 1, [])


def test_an_address_that_has_ended_meanwhile_is_not_tried_again() -> None:
    done = put((1, BROKEN), lives=uploads.PAUSE / 2)
    assert isinstance(done.error, NetworkError)
    assert (len(done.sent), done.error.arrived) == (1, False)


def test_an_attempt_that_was_sent_whole_may_have_arrived() -> None:
    lost = httpx.ReadError("reset")
    done = put(whole(lost), whole(httpx.Response(403)))
    assert isinstance(done.error, ApiError)
    assert done.error.arrived
    done = put((len(DATA) + 1, lost), (1, BROKEN))
    assert done.error is not None
    assert done.error.arrived


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "the answer gives no address that a file could be sent to"),
        ("https:///x", "the answer gives no address that a file could be sent to"),
        ("https://[x", "the answer gives no address that a file could be sent to"),
        ("https://h:99999/", "the answer gives no address that a file could be sent to"),
        ("https://[v1.x]/", "the answer gives no address that a file could be sent to"),
        ("https://xn--a/", "the answer gives no address that a file could be sent to"),
        (f"https://h/{SECRET * 9000}", "the answer gives no address that a file could be sent to"),
        ("https://user:word@h/", "the answer gives no address that a file could be sent to"),
        ("https://h/\r\nX: y", "the answer gives no address that a file could be sent to"),
        (
            "http://store.example/x",
            "the file would be sent to http://store.example, which is not https: it stays here",
        ),
        ("ftp://127.0.0.1/x", "the file would be sent to ftp://127.0.0.1, which is not https: it stays here"),
    ],
)
def test_where_a_file_must_not_go_it_does_not(address: str, message: str) -> None:
    done = put(whole(OK), address=address)
    assert isinstance(done.error, NotSent)
    assert (str(done.error), done.sent) == (message, [])


def test_a_file_that_became_shorter_is_told() -> None:
    done = put(whole(OK), file=body(size=len(DATA) + 1))
    assert isinstance(done.error, NotSent)
    assert str(done.error) == "disk.img.gz became shorter while it was sent"


def test_a_disk_that_fails_is_told() -> None:
    def fail(*size: int) -> bytes:
        raise OSError(5, "Input/output error")

    for file in (body()._replace(read=fail), body()._replace(rewind=fail)):
        done = put(whole(OK), file=file)
        assert isinstance(done.error, NotSent)
        assert str(done.error) == "cannot read disk.img.gz: Input/output error"


def test_a_file_that_became_longer_is_sent_as_it_was_announced() -> None:
    done = put(whole(OK), file=body(size=50))
    assert [data for _, data in done.sent] == [DATA[:50]]


def test_its_progress_is_told_and_now_and_then_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uploads, "LEAST", 60)
    monkeypatch.setattr(uploads, "OFTEN", 0.0)
    monkeypatch.setattr(uploads, "ALOUD", 0.0)
    done = put(whole(OK))
    told = [(event.what, event.number, event.of) for event in done.events if event.kind == "file"]
    assert told == [("sending disk.img.gz", n, 202) for n in (0, 60, 120, 180, 202)]
    assert "60 of 202 bytes of disk.img.gz are sent" in caplog.messages


def test_an_answer_is_not_read_for_ever() -> None:
    def endless() -> httpx.Response:
        return httpx.Response(400, content=b"<Code>Odd</Code>" + b"x" * (2 * uploads._SAID))

    assert str(put(whole(endless())).error) == "HTTP 400 Odd"


def over_sockets(replies: tuple[bytes | None, ...], run: Callable[[Client, str], Awaitable[None]]) -> list[bytes]:
    async def main() -> list[bytes]:
        async with saying(*replies) as heard, Client(settings(token=TOKEN), clock=Time().clock) as client:
            await run(client, heard.url)
            return heard.requests

    return asyncio.run(main())


def test_over_a_socket_there_is_no_token_no_cookie_and_no_chunk() -> None:
    setting = ["Set-Cookie: spy=1; Path=/"]

    async def run(client: Client, url: str) -> None:
        for _ in range(2):
            await client.statement().put(f"{url}/x?Signature={SECRET}", body(), 1e12)

    requests = over_sockets((http(b"", headers=setting), http(b"")), run)
    for request in requests:
        assert request.startswith(f"PUT /x?Signature={SECRET} HTTP/1.1\r\n".encode())
        lines = request.lower().split(b"\r\n")
        names = {line.partition(b":")[0] for line in lines[1:] if line}
        assert names == {b"host", b"accept", b"user-agent", b"content-type", b"content-length"}
        assert TOKEN.encode() not in request


def test_a_file_under_way_can_be_cancelled() -> None:
    async def run(client: Client, url: str) -> None:
        task = asyncio.ensure_future(client.statement().put(f"{url}/x", body(), 1e12))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert len(over_sockets((HANG,), run)) == 1


def test_a_wait_has_time_and_requests_of_its_own() -> None:
    async def run() -> None:
        async with Client(settings(max_requests=1, timeout=5.0), Store([]), clock=Time().clock) as client:
            traffic = client.statement()
            traffic.budget.spend()
            patient = traffic.patient(100.0)
            for _ in range(50):
                patient.budget.spend()
            assert (patient.budget.left, traffic.budget.left) == (100.0, 5.0)
            assert traffic.patient(None).budget.left is None
            assert patient.clock is client.clock

    asyncio.run(run())

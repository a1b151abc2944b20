"""The sandbox behind an httpx client, in process: no socket, no thread, no network.

Whatever the host, a request is one to the API; on a host of the upload domain it is an upload. Faults show as the
errors httpx raises for the real thing. Requests are remembered, so that a test can say what left.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import NoReturn, cast

import httpx

from engine.sandbox.apart import named
from engine.sandbox.api import UPLOAD_DOMAIN, Api
from engine.sandbox.faults import Fault, Schedule
from engine.sandbox.messages import Answer, Headers, Request, request
from engine.sandbox.uploads import Refusal, Uploads

REMEMBERED = 10_000  # requests; the older half is forgotten beyond it

Sleep = Callable[[float], Awaitable[None]]


@dataclass
class Sent:
    """A request that reached the sandbox. The body of an upload is not kept, only its `size` in bytes."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)  # names in lower case; a token may be among them
    body: bytes = b""
    size: int = 0


class SandboxTransport(httpx.AsyncBaseTransport):
    """A sandbox as httpx's transport. It can serve several clients, one after another or at once.

    `requests` are those that came, in order; `peak` is how many were under way at once. `sleep` waits out the delays
    of faults (seconds; infinite for one that hangs for ever).
    """

    def __init__(
        self,
        api: Api,
        apart: Callable[[str], Api] | None = None,
        *,
        faults: Iterable[Fault] = (),
        sleep: Sleep | None = None,
    ) -> None:
        """`apart` makes the sandbox of an account apart, when it is first asked for."""
        self.api = api
        self.apart: dict[str, Api] = {}
        self._open = apart
        self.faults = Schedule(faults)
        self.requests: list[Sent] = []
        self.peak = 0
        self._under_way = 0
        self._sleep: Sleep = sleep or asyncio.sleep

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, or raise the transport error that its fault stands for."""
        self._under_way += 1
        self.peak = max(self.peak, self._under_way)
        try:
            return await self._answer(request)
        finally:
            self._under_way -= 1

    async def aclose(self) -> None:
        """Let go of the state's file. A later request opens it again."""
        for api in (self.api, *self.apart.values()):
            api.state.close()

    def _of(self, asked: Request, host: str) -> Api:
        """The sandbox that a request is for."""
        name = named(asked.headers, host)
        if name is None or self._open is None:
            return self.api
        if name not in self.apart:
            self.apart[name] = self._open(name)
        return self.apart[name]

    async def _answer(self, sent: httpx.Request) -> httpx.Response:
        host = sent.url.host
        upload = host == UPLOAD_DOMAIN or host.endswith("." + UPLOAD_DOMAIN)
        asked = _asked(sent, b"" if upload else await sent.aread())
        fault = self.faults.take(asked)
        if fault and fault.drop == "refuse":
            raise httpx.ConnectError("All connection attempts failed", request=sent)
        log = Sent(asked.method, str(sent.url), dict(asked.headers), asked.body, len(asked.body))
        self._remember(log)
        if fault and fault.takes is not None:
            await _taken(sent, fault.takes, log)
        if fault and not fault.acts:
            return await self._befallen(fault, None, sent)
        api = self._of(asked, host)
        real = await self._receive(api, asked, sent, log) if upload else api.answer(asked)
        return await self._befallen(fault, real, sent) if fault else _response(real)

    async def _receive(self, api: Api, asked: Request, sent: httpx.Request, log: Sent) -> Answer:
        """Take an upload as it streams in."""
        try:
            receipt = Uploads(api.state, api.rules, api.clock).begin(asked)
            async for chunk in cast(httpx.AsyncByteStream, sent.stream):  # httpx's client has made sure of it
                receipt.feed(chunk)
                log.size += len(chunk)
            return receipt.finish()
        except Refusal as refusal:
            return refusal.answer

    async def _befallen(self, fault: Fault, real: Answer | None, sent: httpx.Request) -> httpx.Response:
        """What a fault makes of an answer."""
        if fault.drop == "hang":
            await self._hang(fault, sent)
        if fault.delay:
            await self._wait(fault.delay, sent)
        answer = fault.answer(real)
        if answer is None:
            if fault.drop == "reset":
                raise httpx.ReadError("Connection reset by peer", request=sent)
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=sent)
        return _response(answer, cut=fault.cut)

    async def _hang(self, fault: Fault, sent: httpx.Request) -> NoReturn:
        """Say nothing until the client has waited long enough."""
        await self._wait(fault.delay or math.inf, sent)
        raise httpx.ReadTimeout("The read operation timed out", request=sent)

    async def _wait(self, seconds: float, sent: httpx.Request) -> None:
        """Wait, but not beyond the client's own read timeout."""
        patience = sent.extensions.get("timeout", {}).get("read")
        if patience is not None and patience < seconds:
            await self._sleep(patience)
            raise httpx.ReadTimeout("The read operation timed out", request=sent)
        await self._sleep(seconds)

    def _remember(self, sent: Sent) -> None:
        if len(self.requests) >= REMEMBERED:
            del self.requests[: REMEMBERED // 2]
        self.requests.append(sent)


async def _taken(sent: httpx.Request, most: int, log: Sent) -> None:
    """Let no more than so many bytes come."""
    log.size = 0
    async for chunk in cast(httpx.AsyncByteStream, sent.stream):
        log.size += len(chunk)
        if log.size >= most:
            break


def _asked(sent: httpx.Request, body: bytes) -> Request:
    headers: Headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in sent.headers.raw)
    return request(sent.method, sent.url.raw_path.decode("ascii"), headers, body)


def _response(answer: Answer, cut: int | None = None) -> httpx.Response:
    headers = [*answer.headers, ("Content-Length", str(len(answer.body)))]
    body = answer.body if cut is None else answer.body[:cut]
    return httpx.Response(answer.status, headers=headers, stream=_Body(body, len(answer.body)))


class _Body(httpx.AsyncByteStream):
    """A body that ends as it should, or breaks off before the length that was announced."""

    def __init__(self, data: bytes, announced: int) -> None:
        self._data, self._announced = data, announced

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._data
        if len(self._data) < self._announced:
            raise httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body "
                f"(received {len(self._data)} bytes, expected {self._announced})"
            )

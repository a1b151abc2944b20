"""A server on this machine that says exactly what it is told to, byte by byte, and keeps what it heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

CLOSE = b""  # nothing more: the connection is closed
HANG = None  # nothing more: the connection stays open


@dataclass
class Heard:
    """What came, request by request, headers and body as they were; and where the server is."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        """The first line of each request."""
        return [request.split(b"\r\n")[0].decode("latin-1") for request in self.requests]


@asynccontextmanager
async def saying(*replies: bytes | None) -> AsyncGenerator[Heard, None]:
    """A server that gives one of `replies` to each request and closes; the last one for ever."""
    heard, left = Heard(), list(replies)
    serving: dict[asyncio.Task[None], asyncio.Event] = {}  # each with what is set once its connection is closed

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            heard.requests.append(await reader.readuntil(b"\r\n\r\n"))
            reply = left.pop(0) if len(left) > 1 else left[0]
            if reply is HANG:
                await reader.read()
            else:
                writer.write(reply)
                await writer.drain()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        serving[task] = asyncio.Event()
        await asyncio.wait([task])
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        serving[task].set()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    heard.port = server.sockets[0].getsockname()[1]
    try:
        yield heard
    finally:
        server.close()
        for task in serving:
            task.cancel()
        for closed in serving.values():
            await closed.wait()


def http(body: bytes, status: str = "200 OK", headers: Sequence[str] = (), length: int | None = None) -> bytes:
    """A whole HTTP answer; `length` is what its Content-Length says, -1: there is none."""
    said = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers]
    lines += [f"Content-Length: {said}"] if said >= 0 else []
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body

"""A file to an address that is its own permission: streamed, without a credential, and sent again once at most."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx

from engine.errors import ApiError, CallError, NetworkError, NotSent
from engine.wire.auth import Grant, Secret
from engine.wire.call import Cost, Request
from engine.wire.clock import Clock
from engine.wire.door import ADDRESS
from engine.wire.events import Event, Listener
from engine.wire.exchange import CONNECT, SILENCE, agent, bare, trouble
from engine.wire.masking import veiled
from engine.wire.servers import loopback

if TYPE_CHECKING:
    from engine.wire.client import Client

T = TypeVar("T")
ATTEMPTS, PAUSE = 2, 1.0  # seconds before the second
LEAST, MOST = 1 << 16, 1 << 22  # bytes read and sent at a time: few where they go slowly, many where quickly
OFTEN, ALOUD = 0.1, 30.0  # seconds between two events, between two of them in the log
_PATIENCE = httpx.Timeout(SILENCE, connect=CONNECT, read=300.0)  # what was sent is checked before it is answered
log = logging.getLogger("engine.wire")
_SAID = 64 * 1024  # bytes of the answer that are looked at


class Body(NamedTuple):
    """A file as it is sent. `read` gives the next bytes and `rewind` goes back to the first."""

    name: str
    size: int
    media_type: str
    read: Callable[[int], bytes]
    rewind: Callable[[], object]


def permitted(address: str) -> None:
    """Raise NotSent for an address that a file must not be sent to: who listens on the way could take its place."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        sound = not re.search(r"[^!-~]", address) and "@" not in parts.netloc and parts.port != 0
        sound = sound and bool(httpx.URL(address).host)  # it takes fewer than the standard library does
    except (ValueError, httpx.InvalidURL):
        host, sound = "", False
    if not host or not sound:
        raise NotSent("the answer gives no address that a file could be sent to")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback(host)):
        raise NotSent(f"the file would be sent to {parts.scheme}://{host}, which is not https: it stays here")


async def put(client: Client, tell: Listener, address: str, body: Body, until: float) -> Cost:
    """PUT a file; what that cost. `until`, in seconds since 1970, the address lives.

    A connection that breaks, or a server in trouble, is tried once more. Raises CallError; its `arrived` is set where
    an attempt was sent whole and never answered: the file may be there all the same.
    """
    permitted(address)
    cost, whole, attempt, clock = Cost(), False, 0, client.clock
    while True:
        attempt += 1
        began, pieces = clock.now(), _Pieces(body, clock, tell)
        try:
            await _once(client, address, pieces, attempt, tell)
            return cost + Cost(requests=1, network=clock.now() - began)
        except CallError as error:
            cost += Cost(requests=1, network=clock.now() - began)
            whole = whole or (isinstance(error, NetworkError) and pieces.sent == body.size)
            if attempt == ATTEMPTS or not error.passing or clock.wall() + PAUSE >= until:
                error.cost, error.arrived = cost, whole
                raise bare(error) from None
            tell(Event("wait", f"waiting {PAUSE:.1f} s for a new attempt after: {error.message}", seconds=PAUSE))
        await clock.sleep(PAUSE)
        cost += Cost(retries=1, waited=PAUSE)


async def _once(client: Client, address: str, pieces: _Pieces, attempt: int, tell: Listener) -> None:
    """One attempt. Raises CallError."""
    shown, body, now = veiled(address), pieces.body, client.clock.now
    told, began = f"PUT {shown}", now()
    await _of(body, body.rewind)
    request = httpx.Request(
        "PUT",
        shown,
        headers=[
            ("Accept", "*/*"),
            ("User-Agent", agent()),
            ("Content-Type", body.media_type),
            ("Content-Length", str(body.size)),
        ],
        content=pieces.stream(),
        extensions={ADDRESS: Secret(address), "timeout": _PATIENCE.as_dict()},
    )
    tell(Event("request", told, request=told, attempt=attempt))
    log.info("%s of %s bytes begins, attempt %d", told, f"{body.size:,}", attempt)
    try:
        response = await client.http.send(request, stream=True, auth=None)
        try:
            said = await _said(response)
        finally:
            await response.aclose()
    except httpx.RequestError as error:
        found = trouble(error, Request("PUT", shown), told, Grant(raw=(Secret(address),)))
        log.info("%s %s %.0f ms attempt %d", told, type(found).__name__, (now() - began) * 1000, attempt)
        raise found from None
    status = response.status_code
    log.info("%s %d %.0f ms attempt %d", told, status, (now() - began) * 1000, attempt)
    text = f"{status} {told} in {(now() - began) * 1000:.0f} ms"
    tell(
        Event("response", text, request=told, status=status, attempt=attempt, seconds=now() - began, bytes=len(said))
    )
    if not response.is_success:
        raise _refused(status, said, told, address)


async def _said(response: httpx.Response) -> bytes:
    """The beginning of an answer: what is to be learned from it stands there."""
    found = b""
    async for chunk in response.aiter_bytes():
        found += chunk
        if len(found) > _SAID:
            break
    return found


def _refused(status: int, said: bytes, told: str, address: str) -> ApiError:
    """The error of an answer that is no success. Its text is not shown: storage quotes signatures there. A code that
    is a piece of the address is none.
    """
    found = re.search(rb"<Code>([A-Za-z0-9.]{1,60})</Code>", said)
    code = found[1].decode() if found else ""
    where = " sends the file elsewhere, where it does not go" if 300 <= status < 400 else ""
    error = ApiError(
        f"HTTP {status}{f' {code}' if code and code not in address else ''}{where}", status=status, request=told
    )
    error.passing = status >= 500
    return error


async def _of(body: Body, work: Callable[[], T]) -> T:
    """What a file is asked for, in a thread. Raises NotSent where its disk or share fails."""
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise NotSent(f"cannot read {body.name}: {error.strerror or error}") from None


class _Pieces:
    """The bytes of one attempt, as they are asked for; counts how many have been taken."""

    def __init__(self, body: Body, clock: Clock, tell: Listener) -> None:
        self.body = body
        self.sent = 0
        self._clock, self._tell, self._aloud = clock, tell, 0.0

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The file, as long as it was when it was looked at. Raises NotSent where it has become shorter."""
        began = told = last = self._clock.now()
        size = LEAST
        self._progress(0.0)
        while self.sent < self.body.size:
            piece = await _of(self.body, partial(self.body.read, min(size, self.body.size - self.sent)))
            if not piece:
                raise NotSent(f"{self.body.name} became shorter while it was sent")
            yield piece
            self.sent += len(piece)
            now = self._clock.now()
            size = min(MOST, 2 * size) if now - last < OFTEN else max(LEAST, size // 2)
            last = now
            if now - told >= OFTEN or self.sent == self.body.size:
                told = now
                self._progress(now - began)

    def _progress(self, seconds: float) -> None:
        done, of = self.sent, self.body.size
        text = f"{done:,} of {of:,} bytes of {self.body.name} are sent"
        self._tell(Event("file", text, what=f"sending {self.body.name}", number=done, of=of, seconds=seconds))
        if seconds - self._aloud >= ALOUD:
            self._aloud = seconds
            log.warning("%s", text)

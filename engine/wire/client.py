"""The one door to the network: connections, places in flight and rate limits, shared by all who ask through it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from types import TracebackType

import httpx

from engine.settings import Settings
from engine.wire.call import Call, Cost, Page
from engine.wire.clock import Clock
from engine.wire.door import Door
from engine.wire.events import Event, Listener, unheard
from engine.wire.exchange import LARGEST, TIMEOUT
from engine.wire.limits import Limits
from engine.wire.oauth import Tokens
from engine.wire.places import Places
from engine.wire.traffic import Traffic

__all__ = ["Client", "Event", "Traffic"]
KEPT = 32  # idle connections that stay open


class Client:
    """Owns the connections, the places in flight and the rate limits. Close it with `aclose`, or use it in a `with`.

    `settings` and `on_event` are those of statements that bring none of their own. `stats` is what all its
    statements have cost so far. `transport` stands in for the network. `largest` bounds an answer, unpacked, in
    bytes. It belongs to the event loop that first uses it.
    """

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        on_event: Listener | None = None,
        clock: Clock | None = None,
        largest: int = LARGEST,
    ) -> None:
        self.settings = settings
        self.stats = Cost()
        self.clock = clock or Clock()
        self.limits = Limits(self.clock)
        self.largest = largest
        self.tokens = Tokens(self.clock.now)
        self._tell = on_event or unheard
        self.places = Places()
        pool = httpx.Limits(max_connections=None, max_keepalive_connections=KEPT)  # the places are what bounds them
        self.http = httpx.AsyncClient(
            transport=Door(transport, pool), timeout=TIMEOUT, follow_redirects=False, trust_env=False
        )

    def statement(self, settings: Settings | None = None, on_event: Listener | None = None) -> Traffic:
        """The traffic of one statement: its own count of requests, time and credentials, the shared connections."""
        return Traffic(self, settings or self.settings, on_event or self._tell)

    def pages(self, call: Call) -> AsyncGenerator[Page, None]:
        """The pages of a call that is a statement of its own."""
        return self.statement().pages(call)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

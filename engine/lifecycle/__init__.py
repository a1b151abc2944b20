"""What calls begin and are not done with when they answer: files that are sent, states that are waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

from engine.wire.budget import Budget
from engine.wire.call import Call, Cost, Page
from engine.wire.clock import Clock
from engine.wire.events import Listener

if TYPE_CHECKING:
    from engine.wire.uploads import Body


class Wire(Protocol):
    """What is needed of a client."""

    tell: Listener
    budget: Budget
    cost: Cost

    @property
    def clock(self) -> Clock:
        """What it waits by."""
        ...

    def pages(self, call: Call) -> AsyncIterator[Page]:
        """The pages of a call, in order."""
        ...

    def patient(self, seconds: float | None) -> Wire:
        """Another one for a wait, with time of its own and as many requests as it takes."""
        ...

    async def put(self, address: str, body: Body, until: float) -> None:
        """Send a file to an address that lives `until`."""
        ...

"""How many requests are under way at a time, whoever sends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Places:
    """Owns the count of requests under way, and the line of those that wait. It belongs to one event loop."""

    def __init__(self) -> None:
        self._taken = 0
        self._line: list[tuple[int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def among(self, count: int) -> AsyncGenerator[None, None]:
        """Hold a place as one of at most `count`. Who waits longest comes first, of those that allow as many."""
        if self._taken < count and not any(self._taken < allowed for allowed, _ in self._line):
            self._taken += 1
        else:
            await self._turn(count)
        try:
            yield
        finally:
            self._leave()

    async def _turn(self, count: int) -> None:
        """Stand in line until a place is handed over."""
        turn = asyncio.get_running_loop().create_future()
        self._line.append((count, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise
        finally:
            self._line = [waiting for waiting in self._line if waiting[1] is not turn]

    def _leave(self) -> None:
        """Hand the place over, or give it back."""
        self._taken -= 1
        for allowed, turn in self._line:
            if self._taken < allowed and not turn.done():
                self._taken += 1
                turn.set_result(None)
                return

"""One event loop in a thread of its own: the door between the sync face and the async heart.

It works inside a notebook too, where the caller's thread already runs a loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, TypeVar

from engine.errors import Interrupted

T = TypeVar("T")
PATIENCE = 5.0  # seconds to let a cancelled statement close its requests and account for its writes


class Portal:
    """Owns the loop and its thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stratoql", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end and give the result. Ctrl-C cancels the work, waits for what it has to say, and raises
        that, or Interrupted.
        """
        tasks: list[asyncio.Task[T]] = []

        async def main() -> T:
            task = asyncio.ensure_future(work)
            tasks.append(task)
            return await task

        future = asyncio.run_coroutine_threadsafe(main(), self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
            with suppress(CancelledError, asyncio.CancelledError, TimeoutError):
                future.result(PATIENCE)
            raise Interrupted("interrupted") from None

    def close(self) -> None:
        """Stop the loop and its thread. May be called again."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            self._loop.close()

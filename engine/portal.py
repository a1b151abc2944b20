"""One event loop in a thread of its own: the door between the sync face and the async heart.

It works inside a notebook too, where the caller's thread already runs a loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
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
        task: asyncio.Task[T] | None = None
        stopped = False

        async def main() -> T:
            nonlocal task
            task = asyncio.ensure_future(work)
            if stopped:
                task.cancel()
            return await task

        def stop() -> None:
            nonlocal stopped
            stopped = True
            if task is not None:
                task.cancel()

        future = asyncio.run_coroutine_threadsafe(main(), self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            self._loop.call_soon_threadsafe(stop)
            try:
                future.result(PATIENCE)
            except TimeoutError:
                raise Interrupted(
                    "interrupted, and a request is still under way", hint="read what it may have written"
                ) from None
            except (CancelledError, asyncio.CancelledError):
                pass
            raise Interrupted("interrupted") from None

    @property
    def closed(self) -> bool:
        """Whether nothing can run any more."""
        return self._loop.is_closed()

    def close(self) -> None:
        """Stop the loop and its thread. May be called again."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            self._loop.close()

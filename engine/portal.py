"""One event loop in a thread of its own: the door between the sync face and the async heart.

It works inside a notebook too, where the caller's thread already runs a loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from concurrent.futures import wait as wait_for
from functools import partial
from time import monotonic
from typing import Any, NoReturn, TypeVar

from engine import interrupts
from engine.errors import Interrupted, Misuse, StratoqlError, explain
from engine.ways import Waiter, Way

T = TypeVar("T")
log = logging.getLogger("engine.portal")
PATIENCE = 5.0  # seconds to let a cancelled statement close its requests and account for its writes
_GLANCE = 0.2  # seconds between looks whether that is over


class Portal:
    """Owns the loop and its thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stratoql", daemon=True)
        self._thread.start()
        self._lock = threading.Lock()
        self._under_way: dict[Future[Any], Callable[[], object]] = {}  # and what stops each
        self._ending = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end and give the result. Ctrl-C cancels the work, waits for what it has to say, and raises
        that, or Interrupted.

        Where the work was done nonetheless its result is given, and the outermost `Scope` raises the Ctrl-C: it is
        for the caller to account for it before.
        """
        with interrupts.Scope():
            future, stop = self._start(work)
            with interrupts.Stopping(stop):
                _wait_for(future)
            return _outcome(future)

    async def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The same for a caller on a loop of its own, which goes on meanwhile.

        Who cancels the caller cancels the work and waits until its requests are closed; what a broken write then has
        to say is the cause of the CancelledError, and in the log.
        """
        future, stop = self._start(work)
        outcome = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError as cancelled:
            stop()
            await _ended(outcome)
            raise cancelled from _account(outcome)

    def _start(self, work: Coroutine[Any, Any, T]) -> tuple[Future[T], Callable[[], object]]:
        """Begin. What it will give, and what cancels it: that it was cancelled is an outcome like any other.

        Raises Misuse where the portal is closed, or would wait for itself.
        """
        with self._lock:
            if self._ending or threading.current_thread() is self._thread:
                work.close()
                raise _over() if self._ending else _inside()
            future, stop = self._started(work)
            self._under_way[future] = stop
        future.add_done_callback(lambda done: self._under_way.pop(done, None))
        return future, stop

    def _started(self, work: Coroutine[Any, Any, T]) -> tuple[Future[T], Callable[[], object]]:
        task: asyncio.Task[T] | None = None
        stopped = False  # a second time would stop the account of it

        async def main() -> T:
            nonlocal task
            task = asyncio.ensure_future(work)
            if stopped:
                task.cancel()
            try:
                return await task
            except asyncio.CancelledError:
                if self._ending:
                    raise _over() from None
                raise

        def cancel() -> None:
            nonlocal stopped
            if task is not None and not stopped:
                task.cancel()
            stopped = True

        future = asyncio.run_coroutine_threadsafe(main(), self._loop)
        return future, partial(self._loop.call_soon_threadsafe, cancel)

    @property
    def closed(self) -> bool:
        """Whether nothing can run any more."""
        return self._loop.is_closed()

    def close(self, last: Coroutine[Any, Any, object] | None = None) -> None:
        """Stop the loop and its thread, after `last` has run on it. May be called again.

        What other threads and tasks still wait for is cancelled: a write accounts for itself, of the rest they hear
        a Misuse.
        """
        with self._lock:
            already, self._ending = self._ending, True
            under_way = dict(self._under_way)
        if already:
            if last is not None:
                last.close()
            return
        try:
            for stop in under_way.values():
                stop()
            wait_for(under_way, PATIENCE)
            if last is not None:
                with interrupts.Scope():
                    future, stop = self._started(last)
                    with interrupts.Stopping(stop):
                        _wait_for(future)
                    _outcome(future)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            if not self._thread.is_alive():
                self._loop.close()
            for future in under_way:
                if not future.done():
                    future.set_exception(_over())


def _over() -> Misuse:
    return Misuse("the connection is closed", hint="open another one with engine.connect()")


def _inside() -> Misuse:
    return Misuse(
        "a callback is called in the thread of the requests, and cannot wait for one",
        hint="note what it was told, and run the statement elsewhere",
    )


def _wait_for(future: Future[Any]) -> None:
    """Wait for an end; after a Ctrl-C not for long."""
    until = None
    while not wait_for([future], _GLANCE).done:
        if until is None and interrupts.kept() is not None:
            until = monotonic() + PATIENCE
        if until is not None and monotonic() > until:
            return


def _outcome(future: Future[T]) -> T:
    """What came of the work."""
    if not future.done():
        _interrupt("interrupted, and a request is still under way", hint="read what it may have written")
    if future.cancelled():
        _interrupt("interrupted")
    return future.result()


def _interrupt(message: str, hint: str | None = None) -> NoReturn:
    try:
        interrupts.check()
    except KeyboardInterrupt:
        raise Interrupted(message, hint=hint) from None
    raise CancelledError


async def _ended(outcome: asyncio.Future[Any], stop: Callable[[], None] = lambda: None) -> None:
    """Wait for an end, not for long; how it ended is not asked here. What begins only now is stopped too."""
    outcome.add_done_callback(lambda done: done.cancelled() or done.exception())
    until = monotonic() + PATIENCE
    while not outcome.done() and monotonic() < until:
        stop()
        await asyncio.wait([outcome], timeout=0.1)


def _account(outcome: asyncio.Future[Any]) -> StratoqlError | None:
    """What was done nonetheless."""
    error = outcome.exception() if outcome.done() and not outcome.cancelled() else None
    return told(error) if isinstance(error, StratoqlError) else None


def told(account: StratoqlError) -> StratoqlError:
    """It is the cause of a CancelledError, which many a caller never looks at: it stands in the log too."""
    log.warning("cancelled: %s", explain(account))
    return account


async def _wait(portal: Waiter, work: Coroutine[Any, Any, T]) -> T:
    return await portal.wait(work)


async def _in_a_thread(work: Callable[[], T], stop: Callable[[], None]) -> T:
    outcome = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(outcome)
    except asyncio.CancelledError:
        await _ended(outcome, stop)
        raise


AWAITING = Way(_wait, _in_a_thread)  # on the caller's loop, which SQLite does not hold up either

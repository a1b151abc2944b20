"""One heart, two faces: how the steps of a plan and the queries of a store are waited for.

The heart is written as coroutines. On the blocking way none of them ever suspends, so `finish` runs one to its end
in a single push, without an event loop; on the way of `engine.portal` they belong to the caller's loop and leave it
free.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, Protocol, TypeVar

from engine import interrupts

T = TypeVar("T")


class Waiter(Protocol):
    """Runs coroutines on the loop of the requests: a portal."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """To the end, while the caller's thread waits."""
        ...

    async def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """To the end, while the caller's loop goes on."""
        ...


class Steps(Protocol):
    """How requests are waited for."""

    async def __call__(self, portal: Waiter, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives, run on the portal's loop."""
        ...


class Query(Protocol):
    """How SQLite is waited for."""

    async def __call__(self, work: Callable[[], T], stop: Callable[[], None]) -> T:
        """What `work` gives. `stop` interrupts it from another thread."""
        ...


class Way(NamedTuple):
    """One of the two."""

    steps: Steps
    query: Query


async def _run(portal: Waiter, work: Coroutine[Any, Any, T]) -> T:
    return portal.run(work)


async def _call(work: Callable[[], T], stop: Callable[[], None]) -> T:
    with interrupts.Stopping(stop):
        return work()


BLOCKING = Way(_run, _call)


def finish(work: Coroutine[Any, Any, T]) -> T:
    """The value of a coroutine that never suspends. What it sends it accounts for before a Ctrl-C is raised.

    >>> async def one() -> int:
    ...     return 1
    >>> finish(one())
    1
    """
    with interrupts.Scope():
        try:
            work.send(None)
        except StopIteration as done:
            value: T = done.value
            return value
        work.close()
        raise RuntimeError("the blocking way suspended")

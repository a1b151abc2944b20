"""Calls side by side: the first error stops the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from engine.planner.plan import Step
from engine.wire.events import Event, Listener

S = TypeVar("S")
T = TypeVar("T")


async def each(
    step: Step, items: Sequence[S], tell: Listener, work: Callable[[S], Coroutine[Any, Any, T]]
) -> list[T]:
    """The calls of a step side by side, each told when it is done."""
    done, of, name = 0, len(items), step.method.name

    async def one(item: S) -> T:
        nonlocal done
        found = await work(item)
        done += 1
        told()
        return found

    def told() -> None:
        if of > 1:
            tell(Event("calls", f"{done} of {of} calls of {name}", what=name, number=done, of=of))

    told()
    return await together([one(item) for item in items])


async def together(tasks: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Run side by side; the first error stops the others and is raised as it is."""
    if len(tasks) == 1:
        return [await tasks[0]]
    running = [asyncio.ensure_future(task) for task in tasks]
    try:
        return await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

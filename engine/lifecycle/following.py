"""What follows the calls of a step, once all of them are answered: their files are sent, then they are waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from engine.arguments import Job
from engine.lifecycle import Wire
from engine.lifecycle.awaiting import settle
from engine.lifecycle.sending import send
from engine.planner.plan import Step
from engine.settings import Settings
from engine.store import Store
from engine.wire.call import Page
from engine.wire.uploads import Body


async def follow(
    step: Step,
    jobs: Sequence[Job],
    answers: Sequence[list[Page]],
    bodies: Sequence[Body | None],
    store: Store,
    wire: Wire,
    settings: Settings,
    arrived: Callable[[int], Awaitable[None]] | None = None,
) -> None:
    """Send the files and wait. The newest rows stand in `answers` afterwards, whatever happens.

    `arrived` is told of each file, by the number of its call.

    The time that this takes is not the statement's: `--timeout` is no bound of it. Raises Unready.
    """
    began = wire.clock.now()
    try:
        for number, (job, pages, body) in enumerate(zip(jobs, answers, bodies, strict=True)):
            if body is not None:
                await send(step, job, pages, body, wire, settings, partial(arrived, number) if arrived else None)
        if step.awaiting is not None:
            await settle(step, jobs, answers, wire)
    finally:
        passed = wire.clock.now() - began
        wire.budget.extend(passed)
        store.extend(passed)

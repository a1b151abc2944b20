"""The calls of a write, each sent once and each accounted for.

The first failure stops what has not left. Where there is a ledger it is told before a call leaves and after: what
it cannot be told of is not sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Protocol

from engine.abreast import each
from engine.accounts import named
from engine.arguments import Job
from engine.errors import CallError, StratoqlError
from engine.outcomes import Outcome, alone, begun, made, partial, verdict
from engine.planner.plan import Step
from engine.tally import Tally
from engine.wire.call import Call, Page
from engine.wire.events import Listener


class Wire(Protocol):
    """What a write needs of a client."""

    tell: Listener

    def pages(self, call: Call) -> AsyncIterator[Page]:
        """The pages of a call, in order."""
        ...


class Witness(Protocol):
    """Who writes down what becomes of the calls, by their numbers. Raises NotSent where that cannot be done."""

    async def intend(self, number: int) -> None:
        """The call is about to leave."""
        ...

    async def settle(self, number: int, outcome: Outcome) -> None:
        """What became of it is known."""
        ...

    async def deliver(self, number: int) -> None:
        """The file that belongs to the call has arrived."""
        ...

    def conclude(self, outcomes: Sequence[Outcome]) -> None:
        """No more follows; some of what was intended may not have been settled."""
        ...


class _Nobody:
    """Where nothing is written down."""

    async def intend(self, number: int) -> None: ...

    async def settle(self, number: int, outcome: Outcome) -> None: ...

    async def deliver(self, number: int) -> None: ...

    def conclude(self, outcomes: Sequence[Outcome]) -> None: ...


NOBODY: Witness = _Nobody()


async def write(
    step: Step,
    todo: Sequence[Job],
    wire: Wire,
    places: int,
    load: Callable[[Job, Page], None],
    tally: Tally,
    witness: Witness = NOBODY,
    then: Callable[[list[list[Page]]], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Send every call once, `places` at a time; what was done is given to `load` whatever happens.

    `then` follows where all are done; what it makes of the pages of each call is what is loaded.

    Raises CallError where it was one call, else PartialWrite.
    """
    outcomes = [Outcome() for _ in todo]
    room = asyncio.Semaphore(places)
    stopped: StratoqlError | None = None
    tally.account = lambda: begun(step, todo, outcomes)

    async def send(number: int) -> None:
        nonlocal stopped
        async with room:
            if stopped is not None:
                return
            try:
                await _sent(todo[number].call, outcomes[number], number, wire, witness)
            except StratoqlError as error:
                stopped = stopped or error

    try:
        await each(step, range(len(todo)), wire.tell, send)
        if then is not None and stopped is None:
            await then([outcome.pages for outcome in outcomes])
    except asyncio.CancelledError as cancelled:
        if (account := tally.account()) is None:
            raise
        raise account from cancelled
    finally:
        witness.conclude(outcomes)
        for job, outcome in zip(todo, outcomes, strict=True):
            for page in outcome.pages if outcome.state == "done" else ():
                load(job, page)
            tally.calls += outcome.state == "done"
    if stopped is None:
        return
    if all(outcome.state == "done" for outcome in outcomes):  # only the ledger has failed, and at the very end
        tally.warnings.append(str(stopped))
        return
    raise partial(step, todo, outcomes, stopped) if len(todo) > 1 else alone(outcomes[0], stopped)


async def _sent(call: Call, outcome: Outcome, number: int, wire: Wire, witness: Witness) -> None:
    """Send one call; its outcome is known afterwards. Raises what stops the others."""
    await witness.intend(number)
    outcome.state = "sent"
    try:
        outcome.pages = [page async for page in wire.pages(call)]
        outcome.state, outcome.made = "done", made(call, outcome.pages)
    except StratoqlError as error:
        if isinstance(error, CallError):
            named(error, call.account)
        outcome.state, outcome.error = verdict(error), error
    try:
        await witness.settle(number, outcome)
    except StratoqlError as error:
        raise outcome.error or error from None
    if outcome.error is not None:
        raise outcome.error

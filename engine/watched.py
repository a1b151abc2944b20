"""A write that somebody watches: shown before it leaves, asked about, written down as it happens."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from engine import interrupts
from engine.arguments import Job
from engine.errors import Declined, PartialWrite, Refused
from engine.executor import check_number, find_writes, run_until_write, run_write
from engine.planner.plan import Plan, Step
from engine.preview import Approve, preview
from engine.result import Result
from engine.settings import Settings
from engine.store import Store
from engine.tally import Tally
from engine.ways import Way
from engine.wire.client import Traffic
from engine.wire.events import Event

if TYPE_CHECKING:
    from engine.portal import Portal


class Setting(NamedTuple):
    """Where one statement runs."""

    plan: Plan
    store: Store
    traffic: Traffic
    settings: Settings
    way: Way
    portal: Portal


async def watched(
    here: Setting, step: Step, text: str, tally: Tally, approve: Approve | None, hidden: Collection[str]
) -> None:
    """Run the steps up to the write; its calls are asked about and written down, then just those are sent.

    `text` is the statement, `hidden` are secrets that may be in it.
    """
    made, store, traffic, settings, way, portal = here
    todo = await way.steps(portal, run_until_write(made, store, traffic, settings, tally))
    if todo and approve is not None:
        _ask(here, todo, tally, approve)
    if not todo or settings.ledger is None:
        await way.steps(portal, run_write(made, todo, store, traffic, settings, tally))
        return
    from engine.ledger.witness import Witness, begin

    ledger, opened = settings.ledger, list[Witness]()  # who is cancelled while it opens closes it too
    try:
        await way.query(
            lambda: opened.append(begin(ledger, step, todo, text, settings, traffic, hidden)), lambda: None
        )
        await way.steps(portal, run_write(made, todo, store, traffic, settings, tally, opened[0]))
    except PartialWrite as error:
        if error.unsent or error.failed or error.unknown:  # not where all are done, but not ready
            error.hint = "; ".join(filter(None, (error.hint, f"stratoql resume {ledger} goes on from here")))
        raise
    finally:
        for witness in opened:
            witness.close()


def _ask(here: Setting, todo: Sequence[Job], tally: Tally, approve: Approve) -> None:
    """Whether these calls find approval; raises Declined. To think costs no time."""
    start = perf_counter()
    here.traffic.tell(Event("ask", "asking whether to go on"))
    with interrupts.Released():
        approved = approve(preview(here.plan, todo, here.settings))
    if not approved:
        raise Declined("not done: nothing was written")
    thought = perf_counter() - start
    for each in (here.traffic.budget, here.store):
        each.extend(thought)
    tally.pause(thought)


async def foreseen(here: Setting, step: Step) -> tuple[Result, Tally]:
    """The rows that a write would write: it reads what that would read, and sends nothing else."""
    made, store, traffic, settings, way, portal = here
    tally = Tally()
    todo = await way.steps(portal, find_writes(made, store, traffic, settings, tally))
    try:
        check_number(step, todo, settings)
    except Refused as error:
        tally.warnings.append(f"it would be refused: {error.message}; {error.hint}")
    return preview(made, todo, settings).result(requests=True), tally

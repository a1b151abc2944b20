"""A plan runs: its tables are filled, its calls are made, its answer is read; what has broken off is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from engine import interrupts
from engine.answers import account_of, answered, columned, plan_text, returned, stats, unchanged
from engine.discovery.requests import Log
from engine.errors import Interrupted, PartialWrite
from engine.planner.plan import Plan, Step, create_tables
from engine.planner.planner import Planned
from engine.result import Result
from engine.settings import Settings
from engine.store import Store
from engine.ways import Way

if TYPE_CHECKING:
    from engine.connections import Connection
    from engine.discovery.tables import Memory
    from engine.preview import Approve
    from engine.tally import Tally
    from engine.wire.events import Listener


class Lent(NamedTuple):
    """What a session lends a statement of its own that runs. What costs something is made when it is asked for."""

    settings: Settings  # with what the statement's own hints say
    way: Way
    log: Log
    memory: Callable[[], Memory]
    connected: Callable[[], Connection]
    heard: Listener | None
    approve: Approve | None
    hidden: Collection[str]  # secrets that may be in the statement

    @property
    def told(self) -> bool:
        """Whether somebody is told of a write before it leaves: who is asked, or a ledger."""
        return self.approve is not None or self.settings.ledger is not None


async def executed(planned: Planned, lent: Lent, text: str) -> tuple[Result, Tally | None]:
    """The answer, and what the steps did if there are any. `text` is the statement."""
    start, made, store = perf_counter(), planned.plan, Store(lent.settings.timeout)
    number, warnings = lent.log.next_statement(), list[str]()
    tally, found = _tally() if made.steps else None, list[Result]()  # what is made in a thread is there at once
    try:
        if made.shelves:
            warnings += await _filled(made, store, lent)
        if tally is not None:
            await _fetched(made, store, number, lent, text, tally)
        stop = _second(store.interrupt) if tally is not None and tally.account() else store.interrupt
        await lent.way.query(lambda: found.append(answered(planned, store, tally, start)), stop)
        interrupts.check()
        found[0].warnings = (*warnings, *found[0].warnings)
        return found[0], tally
    except BaseException as error:
        account = account_of(error, tally)
        if account is None:
            store.close()
            raise
        account.completed = columned(found[0] if found else returned(planned, store, start, account))
        if isinstance(error, Interrupted | KeyboardInterrupt):
            raise account from None
        if not isinstance(error, PartialWrite) and error.__cause__ is not account:
            from engine.portal import told

            raise error from told(account)
        raise


async def analyzed(planned: Planned, lines: Sequence[str], lent: Lent, text: str) -> Result:
    """Run it, and tell the plan, which is in `lines`, and what it cost. Its rows are read to the end and left out."""
    from engine.explain import spent
    from engine.tally import Tally

    result, tally = await executed(planned, lent, text)
    start = perf_counter()
    kept = await lent.way.query(lambda: sum(1 for _ in result), result.interrupt)
    seconds = perf_counter() - start
    result.close()
    return plan_text([*lines, *spent(planned.plan, tally or Tally(), kept, seconds)], result)


async def foreseen(made: Plan, write: Step, lent: Lent) -> Result:
    """EXPLAIN (ROWS): the rows that a write would write, and their requests."""
    from engine import watched

    start, settings = perf_counter(), lent.settings
    connection, store = lent.connected(), Store(settings.timeout)
    traffic = connection.client.statement(settings, lent.log.hearing(lent.log.next_statement(), lent.heard))
    here = watched.Setting(made, store, traffic, settings, lent.way, connection.portal)
    try:
        warnings = await _filled(made, store, lent) if made.shelves else []
        create_tables(made.steps, store)
        found, tally = await watched.foreseen(here, write)
    finally:
        store.close()
    tally.cost = traffic.cost
    found.stats, found.messages = stats(tally, perf_counter() - start), unchanged(tally)
    found.warnings = (*warnings, *tally.warnings)
    return found


async def _filled(made: Plan, store: Store, lent: Lent) -> list[str]:
    """Fill the tables of the schema `system`; what there is to warn of."""
    from engine.discovery.filling import fill

    create_tables(made.shelves, store)
    return await lent.way.query(partial(fill, made, store, lent.memory()), store.interrupt)


async def _fetched(made: Plan, store: Store, number: int, lent: Lent, text: str, tally: Tally) -> None:
    """Run the steps on the loop."""
    from engine.executor import run_steps

    create_tables(made.steps, store)
    connection, settings = lent.connected(), lent.settings
    traffic = connection.client.statement(settings, lent.log.hearing(number, lent.heard))
    if made.write is None or not lent.told:
        await lent.way.steps(connection.portal, run_steps(made, store, traffic, settings, tally))
    else:
        from engine.watched import Setting, watched

        here = Setting(made, store, traffic, settings, lent.way, connection.portal)
        await watched(here, made.write, text, tally, lent.approve, lent.hidden)
    tally.cost = traffic.cost


def _second(stop: Callable[[], None]) -> Callable[[], None]:
    """What stops at the second time only: the RETURNING of a write is told too, if it does not take for ever."""
    calls = iter([lambda: None])
    return lambda: next(calls, stop)()


def _tally() -> Tally:
    from engine.tally import Tally

    return Tally()

"""What a statement answers: rows or counts, of its tables and of what its steps did; what was done when it broke."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from time import perf_counter
from typing import TYPE_CHECKING

from engine.errors import Interrupted, PartialWrite, StratoqlError
from engine.planner.planner import Planned
from engine.result import Batches, Result, ResultColumn, Stats
from engine.store import Store, typed

if TYPE_CHECKING:
    from engine.tally import Tally

_DONE = {"insert": "inserted", "replace": "replaced", "update": "updated", "delete": "deleted", "exec": "done"}


def answered(planned: Planned, store: Store, tally: Tally | None, start: float) -> Result:
    """The output query over the tables, or a count."""
    made, written = planned.plan, planned.plan.write
    affected = tally.calls if tally is not None and written is not None else None
    messages = [_counted(affected, made.verb)] if affected is not None and made.verb in _DONE else []
    messages += unchanged(tally) if tally is not None else ()
    seconds = perf_counter() - start - (tally.paused if tally else 0.0)
    spent = stats(tally, seconds) if tally else Stats()
    warnings, account = (tally.warnings, tally.account) if tally else ((), lambda: None)
    if made.output is None or planned.output is None:
        store.close()
        return Result(
            (),
            iter(()),
            kind="done",
            affected=affected,
            messages=messages,
            warnings=warnings,
            stats=spent,
            account=account,
        )
    try:
        names, batches = store.batches(made.output, planned.late)
        if written is not None and affected is not None:
            batches = Batches(list(batches))  # now, while what has been done can still be told
    except StratoqlError as error:
        if affected:
            error.hint = f"{_counted(affected, made.verb)} nonetheless: only what it returns failed"
        raise
    columns = [ResultColumn(*pair) for pair in zip(names, planned.output.types, strict=True)]
    return Result(
        columns,
        chain.from_iterable(typed(batches, planned.output.types)),
        batches=batches,
        affected=affected,
        messages=messages,
        warnings=warnings,
        stats=spent,
        close=store.close,
        interrupt=store.interrupt,
        account=account,
    )


def returned(planned: Planned, store: Store, start: float, error: PartialWrite) -> Result | None:
    """The RETURNING of what a broken write has done; its own failure must not hide the account."""
    try:
        made = planned.plan
        return answered(planned, store, None, start) if made.output is not None and made.write else None
    except StratoqlError as failed:
        error.hint = "; ".join(filter(None, (error.hint, f"its RETURNING failed too: {failed.message}")))
        return None


def unchanged(tally: Tally) -> tuple[str, ...]:
    """The rows that are as they should become."""
    one = tally.unchanged == 1
    told = (
        f"{tally.unchanged} row{'' if one else 's'} would not change: nothing is sent for {'it' if one else 'them'}"
    )
    return (told,) if tally.unchanged else ()


def stats(tally: Tally, seconds: float) -> Stats:
    """What a statement cost, over all its steps."""
    cost, steps = tally.cost, tally.steps.values()
    return Stats(
        requests=cost.requests,
        rows=tally.rows,
        seconds=seconds,
        pages=sum(step.pages for step in steps),
        bytes=cost.bytes,
        retries=cost.retries,
        waited=cost.waited,
        network=cost.network,
        decoding=cost.decoding,
        loading=sum(step.loading for step in steps),
        first=min((step.first for step in steps if step.first is not None), default=None),
    )


def _counted(number: int | None, verb: str) -> str:
    """`1 row deleted`."""
    if verb in ("exec", "select"):
        return f"{number} call{'' if number == 1 else 's'} done"
    return f"{number} row{'' if number == 1 else 's'} {_DONE[verb]}"


def columned(result: Result | None) -> Result | None:
    """A result that has something to show."""
    return result if result is not None and result.columns else None


def account_of(error: BaseException, tally: Tally | None) -> PartialWrite | None:
    """What a write has done that ends in an error: what this says itself, or what it broke off in the middle, or
    when all was done and nobody had been told yet. Errors of the statement tell it themselves.
    """
    for told in (error, error.__cause__):  # the second where a caller's loop has cancelled it
        if isinstance(told, PartialWrite):
            return told
    if tally is None or (isinstance(error, Exception) and not isinstance(error, Interrupted)):
        return None
    return tally.account()


def plan_text(lines: Sequence[str], ran: Result | None = None) -> Result:
    """EXPLAIN's answer: one column, a line a row; with what the statement had to say where it `ran`."""
    return Result(
        [ResultColumn("plan", "string")],
        iter([(line,) for line in lines]),
        kind="plan",
        messages=ran.messages if ran else (),
        warnings=ran.warnings if ran else (),
        stats=ran.stats if ran else None,
        account=ran.account if ran else lambda: None,
    )

"""`undo`: the statements that put back what a run has changed, as far as the ledger knows what that was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from engine.accounts import COLUMN
from engine.arguments import Job
from engine.before import addressing
from engine.errors import StatementError, StratoqlError, UsageError
from engine.ledger.file import File
from engine.ledger.masks import scrubber
from engine.ledger.runs import Entry, Run, chosen, runs
from engine.ledger.witness import account, new_run, planned, write_run
from engine.replay.calls import Again, again, holds, literal, previous, row, send, wanted
from engine.session import Session
from engine.wire.masking import at_hand
from engine.wire.request import prepare

_CHANGES = ("replace", "update")


class Back(NamedTuple):
    """What puts a row back: a statement and its call; or why there is none. `left`: it is not as it was."""

    text: str
    job: Job | None = None
    left: bool = True


def undo(session: Session, file: File, name: str | None, *, same_account: bool = False) -> tuple[Again, list[Back]]:
    """What puts the rows of a run back, of the last one that has changed any where none is named. It only reads."""
    run = _run(chosen(runs(file.lines()), name))
    each = again(session, run, session.settings.account, same_account=same_account)
    return each, list(_backs(session, each))


def apply(session: Session, file: File, each: Again, backs: Sequence[Back]) -> None:
    """Put the rows back; that is a run of the same ledger."""
    todo = [back.job for back in backs if back.job is not None]
    if not todo:
        return
    run, (traffic, _) = new_run(), session.traffic()
    talks = account(todo, session.settings, traffic, run)
    scrub = scrubber([] if session.settings.sandbox is not None else at_hand(session.settings), traffic.scrub)
    calls = planned(todo, session.settings, scrub)
    statement = scrub("\n".join(back.text for back in backs if back.job is not None))
    write_run(file, each.step, calls, statement, talks, run)
    send(session, file, each, list(zip(calls, todo, strict=True)), run, statement)


def left(file: File, backs: Sequence[Back]) -> bool:
    """Whether after `apply` some row is not as it was."""
    last = list(runs(file.lines()).values())[-1]
    applied = any(back.job is not None for back in backs)
    return any(back.job is None and back.left for back in backs) or (applied and last.unfinished)


def _run(several: Sequence[Run]) -> Run:
    changing = [run for run in several if any(entry.state != "planned" for entry in run.entries.values())]
    putting = [run for run in changing if run.begun.verb in _CHANGES]
    if not changing:
        raise UsageError(
            "the ledger tells of nothing that was written",
            hint="there is nothing to undo; another run has another ledger, or another name for --run",
        )
    return (putting or changing)[-1]


def _backs(session: Session, each: Again) -> Iterator[Back]:
    for number, entry in each.run.entries.items():
        if entry.state in ("done", "sending", "unknown"):
            yield _back(session, each, entry, each.jobs[number])


def _back(session: Session, each: Again, entry: Entry, job: Job) -> Back:
    verb, key = each.step.verb, entry.planned.key
    if verb not in _CHANGES:
        return Back(_never(each, entry))
    old, new = previous(each, job), wanted(each, job)
    if entry.planned.secret or old.keys() != new.keys():
        return Back(f"-- {key}: the ledger does not know all that was changed")
    try:
        found = row(session, each, job)
    except StatementError as error:
        return Back(f"-- {key}: its row cannot be looked up: {error.message}")
    if found is None:
        return Back(f"-- {key}: the row is gone")
    if holds(each, job, found, old, loosely=True) and not holds(each, job, found, new, loosely=False):
        return Back(f"-- {key}: the row is as it was before", left=False)
    text, backwards = _statement(each, job, old, found)
    if not holds(each, job, found, new, loosely=True):
        changed = ", ".join(f"{c} = {literal(found.get(c))}" for _, c in each.held(job).values())
        return Back(f"-- {key} was changed since: {changed}; this would put it back\n-- {text}")
    try:
        prepare(backwards.call, session.settings)
    except StratoqlError as error:
        return Back(f"-- {key} cannot be put back: {error.message}")
    return Back(text, backwards)


def _never(each: Again, entry: Entry) -> str:
    """Why a call cannot be taken back, and what can be done."""
    key, verb = entry.planned.key, each.step.verb.upper()
    made = entry.last.id if entry.last else None
    if verb == "INSERT" and made is not None and each.resource.bound("delete"):
        return f"-- {key}: an INSERT is not undone; delete what it made: {made}"
    return f"-- {key}: {'a' if verb == 'DELETE' else 'an'} {verb} cannot be undone"


def _statement(each: Again, job: Job, old: dict[str, object], found: dict[str, object]) -> tuple[str, Job]:
    """The statement that puts a row back, and its call."""
    keys = {p.name: job.call.args[p.name] for p in addressing(each.step) if p.name in job.call.args}
    sets = ", ".join(f"{name} = {literal(value)}" for name, value in old.items())
    whose = {COLUMN: job.call.account} if len(each.accounts) > 1 else {}
    where = " AND ".join(f"{name} = {literal(value)}" for name, value in (whose | keys).items())
    text = f"{each.step.verb.upper()} {each.step.resource} SET {sets} WHERE {where};"
    before = {column: found.get(column) for _, column in each.held(job).values()}
    return text, replace(job, call=replace(job.call, args={**keys, **old}), before=before)

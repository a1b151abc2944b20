"""`resume`: what was certainly not sent is sent, what was done is not, and what nobody knows is looked up.

Everything it learns and does goes into the same ledger, so it can itself be interrupted and resumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from engine.arguments import Job
from engine.errors import StatementError, UsageError
from engine.ledger.file import File
from engine.ledger.lines import Line
from engine.ledger.runs import Entry, Run, chosen, runs
from engine.ledger.witness import now
from engine.lifecycle.awaiting import rows_of
from engine.lifecycle.parcels import file_of
from engine.lifecycle.sending import command
from engine.lifecycle.states import view
from engine.replay.calls import Again, again, holds, previous, row, send, wanted
from engine.session import Session

Verdict = Literal["send", "done", "decide", "failed", "masked", "file"]
Decision = Literal["done", "send"]


class Found(NamedTuple):
    """What shall become of a call that is not done, and how that is known."""

    verdict: Verdict
    why: str = ""


class Wish(NamedTuple):
    """What was asked for. `decided` settles calls by their numbers that nothing else can settle."""

    run: str | None = None
    dry_run: bool = False
    failed: bool = False  # send those again that the API refused
    same_account: bool = False
    decided: Mapping[int, Decision] = {}


class Told(NamedTuple):
    """A call, as the answer tells it."""

    run: str
    call: int
    request: str
    row: str
    state: str
    note: str | None


def resume(session: Session, file: File, wish: Wish) -> list[Told]:
    """Finish the runs of a ledger; every call that was not done before it. Raises UsageError, NotSent."""
    unfinished = [run for run in chosen(runs(file.lines()), wish.run) if run.unfinished]
    if wish.decided and len(unfinished) != 1:
        raise UsageError("--decide is about the calls of one run", hint="name it with --run")
    names = session.settings.account
    todo = [again(session, run, names, same_account=wish.same_account) for run in unfinished]  # all of them, or none
    return [told for each in todo for told in _resumed(session, file, each, wish)]


def _resumed(session: Session, file: File, each: Again, wish: Wish) -> Iterator[Told]:
    session.speak_for(each.accounts)
    left = {number: entry for number, entry in each.run.entries.items() if not entry.finished}
    if strange := wish.decided.keys() - left.keys():
        raise UsageError(
            f"run {each.run.name} has no open call {min(strange)}",
            hint=f"those that are open: {', '.join(map(str, sorted(left)))}",
        )
    found = {number: _found(session, each, entry, each.jobs[number], wish) for number, entry in left.items()}
    if wish.dry_run:
        for number, (verdict, why) in found.items():
            yield _told(each.run, left[number], "would be sent" if verdict == "send" else verdict, why)
        return
    for number, (verdict, why) in found.items():
        if verdict == "done":
            file.append(_settled(each.run, left[number], why))
    sending = [(left[number].planned, each.jobs[number]) for number, one in found.items() if one.verdict == "send"]
    for _, job in sending:
        file_of(job)  # what is wrong with a file is said before anything is sent
    if sending:
        send(session, file, each, sending, each.run.name, each.run.begun.statement or "")
    after = runs(file.lines())[each.run.name].entries
    for number, one in found.items():
        yield _told(each.run, after[number], *_state(after[number], one, each.step.verb))


def _found(session: Session, each: Again, entry: Entry, job: Job, wish: Wish) -> Found:
    """What shall become of a call. Whether it may have happened decides; then whether it can be sent."""
    decided = wish.decided.get(entry.planned.call)
    if decided == "done":
        return Found("done", "decided")
    if entry.fileless and decided is None:
        return _file(session, each, entry)
    if decided is None and entry.state == "failed" and not wish.failed:
        return Found("failed", entry.last.error or "" if entry.last else "")
    if decided is None and entry.open:
        found = _settle(session, each, job, entry.planned.secret)
        if found.verdict != "send":
            return found
    if entry.planned.secret:
        return Found("masked", "the ledger keeps no secrets, so this one cannot be sent from it")
    return Found("send")


def _settle(session: Session, each: Again, job: Job, secret: bool) -> Found:
    """Find out by reading whether a call has happened."""
    verb = each.step.verb
    if secret:
        return Found("decide", "it may have happened, and the ledger keeps no secrets to look for it with")
    if verb not in ("delete", "replace", "update"):
        return Found("decide", "it may have happened: look for it, then say --decide")
    try:
        found = row(session, each, job)
    except StatementError as error:
        return Found("decide", f"its row cannot be looked up: {error.message}")
    if verb == "delete":
        return Found("done", "the row is gone") if found is None else Found("send", "the row is there")
    if found is None:
        return Found("decide", "the row is gone")
    new, old = wanted(each, job), previous(each, job)
    for loosely in (False, True):
        if holds(each, job, found, new, loosely=loosely):
            return Found("done", "the row has the new values")
        if old.keys() == new.keys() and holds(each, job, found, old, loosely=loosely):
            return Found("send", "the row has the old values")
    return Found("decide", "the row has neither the old values nor the new ones")


def _file(session: Session, each: Again, entry: Entry) -> Found:
    """Find out by reading whether the file of a call that is done has arrived."""
    awaiting, made = each.step.awaiting, entry.last.id if entry.last else None
    found = rows_of(each.step, awaiting, [str(made)]) if awaiting is not None and made is not None else None
    if awaiting is None or found is None:
        return Found("decide", "whether its file has arrived is not known")
    (result,) = session.run(f"SELECT * FROM {found}")
    row = next(iter(result.fetchall()), None)
    if row is None:
        return Found("decide", f"{made} is gone, which waited for its file")
    seen = view(awaiting.rule.goals, dict(zip((c.name for c in result.columns), row, strict=True)), {})
    return Found("done", f"{made} is {seen.state}") if seen.verdict == "ready" else Found("file", _again(entry))


def _again(entry: Entry) -> str:
    """How the file of a call that is done is sent again."""
    made, call = entry.last.id if entry.last else None, entry.planned
    return f"its file is not known to have arrived: {command(call.file or '', str(made), compress=call.compress)}"


def _settled(run: Run, entry: Entry, note: str) -> Line:
    call = entry.planned
    return Line(
        "file" if entry.fileless else "done",
        run.name,
        now(),
        call.call,
        method=call.method,
        path=call.path,
        key=call.key,
        note=note,
        statement=run.begun.statement,
    )


def _state(entry: Entry, verdict: Found, verb: str) -> tuple[str, str]:
    """What a call is now, in words."""
    if verdict.verdict in ("decide", "masked"):
        return verdict.verdict, verdict.why
    if entry.fileless:
        return "file", _again(entry)
    if entry.state == "done":
        made = entry.last.id if entry.last and verb in ("insert", "exec") else None
        return "done", verdict.why or (f"made {made}" if made is not None else "")
    error = (entry.last.error if entry.last else None) or ""
    return {"planned": "not sent", "sending": "unknown"}.get(entry.state, entry.state), error


def _told(run: Run, entry: Entry, state: str, note: str) -> Told:
    call = entry.planned
    return Told(run.name, call.call, f"{call.method} {call.path}", call.key, state, note or None)

"""The calls of a ledger as calls again: of the same method, to the same API, for the same account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from engine.accounts import COLUMN
from engine.arguments import Job
from engine.before import addressing, identified
from engine.errors import StatementError, StratoqlError, UsageError
from engine.executor import run_write
from engine.language.text import quote_name, quote_text
from engine.ledger.file import File
from engine.ledger.lines import Planned
from engine.ledger.masks import scrubber
from engine.ledger.runs import Run
from engine.ledger.witness import Witness, account, where
from engine.planner.awaits import followed
from engine.planner.plan import COMPRESS_ARGUMENT, FILE_ARGUMENT, Plan, Step, create_tables
from engine.session import Session
from engine.store import Store
from engine.tally import Tally
from engine.wire.call import Call
from engine.wire.masking import at_hand
from engine.wire.values import alike
from provider_registry.faults import NotFound
from provider_registry.model import Param, Resource

OUT = "t_out"


class Again(Struct, frozen=True):
    """A run that can be gone on with."""

    run: Run
    step: Step
    resource: Resource
    jobs: Mapping[int, Job]
    accounts: tuple[str, ...] = ()  # by name, whose rows they are; none: nobody's by name

    def held(self, job: Job) -> dict[str, tuple[Param, str]]:
        """The attributes that a call sets and a row has as a column, with that column."""
        columns = {column.name for column in self.resource.columns}
        body = [p for p in self.step.method.body if p.name in job.call.args and not p.parents]
        return {param.name: (param, param.wire) for param in body if param.wire in columns}


def again(session: Session, run: Run, chosen: Sequence[str] = (), *, same_account: bool = False) -> Again:
    """A run with its calls; the session speaks for its accounts from here on, of which `chosen` were asked for.

    Raises UsageError where it is another API's or account's, or its document has changed.
    """
    names = _accounts(run, chosen)
    session.speak_for(names)
    step, resource = _step(session, run)
    jobs = {number: _job(step, entry.planned) for number, entry in run.entries.items()}
    for number, job in jobs.items():
        planned = run.entries[number].planned
        was = planned.method, planned.path
        now = was if planned.secret else where(job, session.settings, str)[:2]
        if now != was:
            raise UsageError(
                f"call {number} of run {run.name} was {' '.join(was)} and would be {' '.join(now)} now",
                hint="the provider's document or the API's version is another one: use what the run has used",
            )
    _check_account(session, run, jobs, same_account=same_account)
    return Again(run, step, resource, jobs, names)


def _accounts(run: Run, chosen: Sequence[str]) -> tuple[str, ...]:
    """The accounts that a run was for, by name. Raises UsageError where others were chosen."""
    named = {entry.planned.account for entry in run.entries.values()} - {None}
    names = tuple(sorted(name for name in named if name is not None))
    if chosen and not names:
        raise UsageError(
            f"run {run.name} was for no account by name, and {_listed(chosen)} is named here",
            hint="name no account, and give the token that the run has used",
        )
    if chosen and set(names) - set(chosen):
        raise UsageError(
            f"run {run.name} was for {_listed(names)}, and {_listed(chosen)} is named here",
            hint="name no account: the ledger knows whose each row is",
        )
    return names


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)


def _step(session: Session, run: Run) -> tuple[Step, Resource]:
    """The step that the run was."""
    begun = run.begun
    name, _, method_name = (begun.method or "").rpartition(".")
    try:
        provider, service, table = name.split(".")
        resource = session.names.catalog.resource(provider, service, table)
        method = session.names.catalog.method(provider, service, table, method_name)
    except (NotFound, ValueError) as error:
        raise UsageError(
            f"run {run.name} called {begun.method}, which is not known here",
            hint="use the provider's documents that the run has used: --registry names their folder",
        ) from error
    rows, columns = method.response.rows, method.response.columns
    files = any(entry.planned.file is not None for entry in run.entries.values())
    if files and method.upload is None:
        raise UsageError(
            f"run {run.name} has sent a file with {begun.method}, which takes none here",
            hint="use the provider's documents that the run has used: --registry names their folder",
        )
    step = Step(OUT, begun.provider or provider, name, begun.verb or "exec", method, columns, rows=rows, files=files)
    return followed(identified(step), None, session.names), resource


def _job(step: Step, planned: Planned) -> Job:
    call = Call(
        step.provider,
        step.method,
        planned.args,
        columns=step.fetched,
        rows=step.rows,
        account=planned.account,
    )
    file = {} if planned.file is None else {FILE_ARGUMENT: planned.file, COMPRESS_ARGUMENT: planned.compress}
    return Job(call, file, planned.before)


def _check_account(session: Session, run: Run, jobs: Mapping[int, Job], *, same_account: bool) -> None:
    """Raises UsageError where the run talked to another API, or for another account."""
    todo = [job for number, job in jobs.items() if not run.entries[number].planned.secret]
    if not todo:
        return  # nothing of it can be sent
    traffic, _ = session.traffic()
    here, begun = account(todo, session.settings, traffic, run.name), run.begun
    if here.api != begun.api:
        raise UsageError(
            f"run {run.name} has written to {begun.api}, and this would write to {here.api}",
            hint=f"use the one that it has used: --server {begun.provider}={begun.api}",
        )
    before: dict[str, str] = begun.accounts or {}
    others = [name for name, told in here.named.items() if told != before.get(name)]
    if same_account or not (others or here.account != (begun.account or "")):
        return
    whose = f"run {run.name}" if not others else f"{_listed(others)} in run {run.name}"
    raise UsageError(
        f"{whose} was signed in with another credential",
        hint="use that one, or say --same-account if this is another token of the same account",
    )


def row(session: Session, again: Again, job: Job) -> dict[str, Any] | None:
    """The row that a call is about, as it is now; None where it is gone. Raises StatementError where no row of its
    kind can be looked up.
    """
    args, given = job.call.args, [param for param in addressing(again.step) if param.name in job.call.args]
    terms = [f"{quote_name(param.key or param.name)} = {literal(args[param.name])}" for param in given]
    whose = [] if job.call.account is None else [f"{COLUMN} = {literal(job.call.account)}"]
    target = ".".join(map(quote_name, again.step.resource.split(".")))
    if not terms:
        raise StatementError(f"nothing tells the row of {job.label} from others")
    (result,) = session.run(f"SELECT * FROM {target} WHERE {' AND '.join([*whose, *terms])}")
    found = result.fetchall()
    if len(found) > 1:
        raise StatementError(f"{job.label} are several rows")
    names = [column.name for column in result.columns]
    return dict(zip(names, found[0], strict=True)) if found else None


def literal(value: Any) -> str:
    """A value as SQL spells it.

    >>> literal("it's"), literal(None), literal(True), literal(5), literal(["a"])
    ("'it''s'", 'NULL', 'true', '5', '\\'["a"]\\'')
    """
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return quote_text(str(value))
    import json

    return quote_text(json.dumps(value, ensure_ascii=False))


def holds(again: Again, job: Job, found: Mapping[str, Any], values: Mapping[str, Any], *, loosely: bool) -> bool:
    """Whether a row has these values, by attribute; `loosely`: lists in any order, as APIs sort them."""
    held = again.held(job)
    return held.keys() >= values.keys() and all(
        alike(held[name][0].shape, value, found.get(held[name][1]), any_order=loosely)
        for name, value in values.items()
    )


def previous(again: Again, job: Job) -> dict[str, Any]:
    """What the attributes that a call sets held before, as far as the ledger knows."""
    return {name: job.before[column] for name, (_, column) in again.held(job).items() if column in job.before}


def wanted(again: Again, job: Job) -> dict[str, Any]:
    """What a call sets, by attribute."""
    return {p.name: job.call.args[p.name] for p in again.step.method.body if p.name in job.call.args}


def send(
    session: Session, file: File, again: Again, entries: Sequence[tuple[Planned, Job]], name: str, statement: str
) -> None:
    """Send calls, and their files, and write down what becomes of them; how it went stands in the ledger afterwards.

    Raises what is no outcome of a call: the ledger cannot be written, somebody has interrupted it.
    """
    traffic, portal = session.traffic()
    scrub = scrubber([] if session.settings.sandbox is not None else at_hand(session.settings), traffic.scrub)
    witness = Witness(file, name, [planned for planned, _ in entries], statement, scrub)
    traffic.budget.reserve(len(entries))
    todo, made, store = [job for _, job in entries], Plan(again.step.verb, (again.step,)), Store()
    try:
        create_tables(made.steps, store)
        portal.run(run_write(made, todo, store, traffic, session.settings, Tally(), witness))
    except StratoqlError as error:
        if witness.broken is not None or isinstance(error.__context__, KeyboardInterrupt):
            raise
    finally:
        store.close()

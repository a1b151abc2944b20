"""What is known of rows before a write changes them: which cannot be written, which are as they would become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from engine.accounts import COLUMN
from engine.arguments import Job
from engine.errors import Refused
from engine.language.text import Text, quote_name, quote_text
from engine.planner.plan import Plan, Step
from engine.result import ColumnType
from engine.store import Store
from engine.wire.values import alike
from provider_registry.model import Param

TELLING = ("label", "name", "title")  # columns by which people know a row
NAMED = 10  # rows that a refusal names
DONE = {"replace": "replaced", "update": "updated", "delete": "deleted"}


def widened(plan: Plan, *, told: bool = False) -> Plan:
    """The plan with the columns fetched that a write is judged by; `told`: with those too that people know rows by,
    and those that it changes. It sends no request more.
    """
    written = plan.write
    if written is None:
        return plan
    wanted = set(written.method.writable)
    if told:
        wanted |= {*TELLING, *written.holds.values(), *filter(None, (p.key or p.name for p in addressing(written)))}
    steps = [_fetching(step, wanted) if reads(step, written) else step for step in plan.steps]
    if told:  # and the id of what is made
        steps = [identified(step) if step.writes else step for step in steps]
    return replace(plan, steps=tuple(steps))


def reads(step: Step, written: Step) -> bool:
    """Whether a step reads rows of what is written."""
    return not step.writes and step.resource == written.resource and not step.counts


def _fetching(step: Step, wanted: set[str]) -> Step:
    return replace(step, fetch=step.fetch | {column.name for column in step.columns if column.name in wanted})


def identified(step: Step) -> Step:
    """The step with what tells what it made fetched too: its id, or the object that has one."""
    names = {column.name for column in step.columns}
    objects = {column.name for column in step.columns if "id" in column.shape.fields}
    return _fetching(step, {"id"} if "id" in names else objects)


def addressing(written: Step) -> list[Param]:
    """The inputs that tell which row a call is about: what stands in its URL."""
    return [param for param in written.method.params if param.location in ("path", "query")]


def known(plan: Plan, written: Step, todo: Sequence[Job], store: Store) -> list[Job]:
    """The calls, each with what was read of its row before; nothing where it was not read."""
    found = [read for step in plan.steps if reads(step, written) and (read := _rows(step, written, todo, store))]
    if not found:
        return list(todo)
    keys = [_key(written, job) for job in todo]
    rows = [next((read[key] for read in found if key in read), {}) for key in keys]
    return [replace(job, before=row) for job, row in zip(todo, rows, strict=True)]


def _key(written: Step, job: Job) -> tuple[str, ...]:
    """What addresses a row: the values in its URL, after the account whose it is, where there are several."""
    account = () if job.call.account is None else (job.call.account,)
    return (*account, *(str(job.call.args[p.name]) for p in addressing(written) if p.name in job.call.args))


def _rows(
    read: Step, written: Step, todo: Sequence[Job], store: Store
) -> Mapping[tuple[str, ...], Mapping[str, Any]]:
    """What a step has read of the rows that the calls are about, by what addresses them."""
    columns = {column.name for column in read.table_columns}
    params = [p for p in addressing(written) if todo and p.name in todo[0].call.args]
    names = [p.key if p.key in columns else p.name for p in params]
    names = [COLUMN, *names] if names and todo[0].call.account is not None else names
    if not names or not columns.issuperset(names):
        return {}
    shown = [column.name for column in read.columns if column.name in read.fetch]
    keys = dict.fromkeys(_key(written, job) for job in todo)
    wanted = ", ".join(f"({', '.join(map(quote_text, key))})" for key in keys)
    listed, keyed = ", ".join(map(quote_name, [*names, *shown])), ", ".join(map(quote_name, names))
    sql = f"SELECT {listed} FROM {quote_name(read.table)} WHERE ({keyed}) IN (VALUES {wanted})"
    width = len(names)
    kinds = {column.name: _kind(column.shape.type) for column in read.columns}
    _, rows = store.select(Text(sql), [kinds.get(name, "any") for name in (*names, *shown)])
    return {tuple(map(str, row[:width])): dict(zip(shown, row[width:], strict=True)) for row in rows}


def _kind(shape: str) -> ColumnType:
    return "boolean" if shape == "boolean" else "json" if shape in ("array", "object") else "any"


def check_writable(written: Step, todo: Sequence[Job]) -> None:
    """Raises Refused where rows that were read are none that the API lets anybody write."""
    wanted = written.method.writable
    bad = [job for job in todo if any(_differs(job.before.get(name), value) for name, value in wanted.items())]
    if not bad:
        return
    rule = " AND ".join(f"{name} = {_literal(value)}" for name, value in wanted.items())
    named = ", ".join(" ".join(_key(written, job)) for job in bad[:NAMED])
    more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    rows = f"{len(bad)} of the {len(todo)} rows" if len(todo) > 1 else "the row"
    raise Refused(
        f"{rows} cannot be {DONE.get(written.verb, 'written')}: {named}{more}; "
        f"{written.method.name} takes only rows with {rule}",
        hint=f"leave them out: WHERE (...) AND {rule}",
    )


def _differs(found: Any, wanted: Any) -> bool:
    return found is not None and found != wanted


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote_text(value) if isinstance(value, str) else str(value)


def changed(written: Step, todo: Sequence[Job]) -> list[Job]:
    """The calls without the attributes that are computed from themselves and came out as they were.

    One that is left with nothing to change is left out.
    """
    return [rest for job in todo if (rest := _changed(written, job)) is not None]


def _changed(written: Step, job: Job) -> Job | None:
    params = {param.name: param for param in written.method.params}
    args, old = job.call.args, job.before
    same = {
        name
        for name in written.own & args.keys()
        if written.holds[name] in old and alike(params[name].shape, args[name], old[written.holds[name]])
    }
    if not same:
        return job
    left = {name: value for name, value in args.items() if name not in same}
    if not any(params[name].location == "body" for name in left):
        return None
    return replace(job, call=replace(job.call, args=left))

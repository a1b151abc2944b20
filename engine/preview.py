"""What a write is about to do: its calls, all known and none sent, and the first rows they are about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.accounts import COLUMN
from engine.arguments import Job
from engine.language.text import Text, quote_name, quote_text
from engine.planner.plan import Plan, Step
from engine.result import JsonText, Result, ResultColumn
from engine.settings import Settings
from engine.store import Store
from engine.wire.masking import hidden
from engine.wire.request import describe, prepare

SHOWN = 10  # rows
_TELLING = ("label", "name", "title")  # columns by which people know a row
_MORE = 4  # columns beside the arguments of the calls


class Preview(Struct, frozen=True):
    """A write that has not happened. `todo` is every call of it, and exactly what will be sent.

    `columns` and `rows` show the first `SHOWN` calls: their arguments, and of the rows that were read to find them
    the columns that tell most. `requests` are those calls as they would leave, `keys` the rows of all calls, by what
    each is addressed with. Secrets are masked everywhere but in `todo`.
    """

    verb: str
    resource: str
    method: str
    todo: tuple[Job, ...]
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    requests: tuple[str, ...]

    def result(self) -> Result:
        """The first rows, for a format to write."""
        return Result([ResultColumn(name) for name in self.columns], iter(self.rows))


Approve = Callable[[Preview], bool]  # asked with a write's calls in hand; False: none of them is sent


def widened(plan: Plan) -> Plan:
    """The plan with the columns that a preview shows fetched too. It sends no request more."""
    written = plan.write
    if written is None:
        return plan
    steps = (_widened(step) if _reads(step, written) else step for step in plan.steps)
    return replace(plan, steps=tuple(steps))


def preview(plan: Plan, todo: Sequence[Job], store: Store, settings: Settings) -> Preview:
    """What these calls of the plan's write would do. The store holds the rows that were read to find them."""
    step = plan.write
    assert step is not None  # calls of a write come from one
    seen: list[dict[str, Any]] = []
    for job in todo[:SHOWN]:
        given = {COLUMN: job.call.account} if job.call.account is not None else {}
        given |= {name: _value(value) for name, value in hidden(_opened(job.call.args)).items()}
        known = next((found for read in plan.steps if (found := _row(read, step, job, store))), {})
        seen.append(given | {name: value for name, value in known.items() if name not in given})
    columns = tuple(dict.fromkeys(name for row in seen for name in row))
    return Preview(
        step.verb,
        step.resource,
        step.method.name,
        tuple(todo),
        tuple(filter(None, (_key(step, job) for job in todo))),
        columns,
        tuple(tuple(row.get(name) for name in columns) for row in seen),
        tuple(_told(job, settings) for job in todo[:SHOWN]),
    )


def _told(job: Job, settings: Settings) -> str:
    """The request of a call, as it would leave."""
    whose = f"  (as {job.call.account})" if job.call.account is not None else ""
    return "  ".join(describe(prepare(job.call, settings))) + whose


def _key(step: Step, job: Job) -> str:
    """What tells the row of a call from others: `private/12`."""
    outside = [p.name for p in step.method.params if p.location in ("path", "query") and p.name in job.call.args]
    return " ".join(str(value) for value in hidden({name: job.call.args[name] for name in outside}).values())


def _reads(step: Step, written: Step) -> bool:
    """Whether a step reads rows of what is written."""
    return not step.writes and step.resource == written.resource and not step.counts


def _widened(step: Step) -> Step:
    told = {column.name for column in step.columns if column.name in _TELLING}
    return replace(step, fetch=step.fetch | told)


def _row(read: Step, written: Step, job: Job, store: Store) -> Mapping[str, Any]:
    """What was read of the row that a call is about; nothing where it was not read."""
    if not _reads(read, written):
        return {}
    columns = {column.name for column in read.table_columns}
    args = job.call.args
    keys = {COLUMN: job.call.account} if job.call.account is not None and COLUMN in columns else {}
    for param in written.method.params:
        name = param.key if param.key in columns else param.name
        if param.location != "body" and param.name in args and name in columns:
            keys[name] = str(args[param.name])
    order = [name for name in _TELLING if name in read.fetch] + sorted(read.fetch - {*_TELLING, *keys})
    if not keys.keys() - {COLUMN} or not order:
        return {}
    where = " AND ".join(f"{quote_name(name)} = {quote_text(value)}" for name, value in keys.items())
    shown = ", ".join(map(quote_name, order[:_MORE]))
    names, rows = store.select(Text(f"SELECT {shown} FROM {quote_name(read.table)} WHERE {where} LIMIT 1"))
    found: dict[str, Any] = hidden(dict(zip(names, next(rows, ()), strict=False)))
    return found


def _opened(args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with JSON documents in text opened, so that secrets inside them have names."""
    return {name: _document(value) for name, value in args.items()}


def _document(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _value(value: Any) -> Any:
    """An argument as a format can show it."""
    return JsonText(json.dumps(value)) if isinstance(value, dict | list) else value

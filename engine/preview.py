"""What a write is about to do: its calls, all known and none sent, and the rows they are about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from engine.accounts import COLUMN
from engine.arguments import Job
from engine.before import TELLING, addressing
from engine.planner.plan import Plan, Step
from engine.result import JsonText, Result, ResultColumn
from engine.settings import Settings
from engine.wire.masking import hidden
from engine.wire.request import describe, prepare

SHOWN = 10  # rows, where somebody is asked
_MORE = 4  # columns of the rows, beside what the calls are about
REQUEST = "request"


class Preview(Struct, frozen=True):
    """A write that has not happened. `todo` is every call of it, and exactly what will be sent.

    `columns` and `rows` show the calls, a row each: what each is addressed with, the old and the new values of what
    it changes, what it is given otherwise, and of the rows that were read to find them the columns that tell most.
    `requests` are the calls as they would leave, `keys` the rows by what each is addressed with. Secrets are masked
    everywhere but in `todo`.
    """

    verb: str
    resource: str
    method: str
    todo: tuple[Job, ...]
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    requests: tuple[str, ...]

    def result(self, most: int | None = None, *, requests: bool = False) -> Result:
        """The rows for a format to write, only the first if `most` is given; with `requests` as the last column."""
        columns, rows = self.columns, self.rows[:most]
        if requests:
            columns = (*columns, REQUEST)
            rows = tuple((*row, request) for row, request in zip(rows, self.requests, strict=False))
        return Result([ResultColumn(name) for name in columns], iter(rows))


Approve = Callable[[Preview], bool]  # asked with a write's calls in hand; False: none of them is sent


def preview(plan: Plan, todo: Sequence[Job], settings: Settings) -> Preview:
    """What these calls of the plan's write would do."""
    step = plan.write
    assert step is not None  # calls of a write come from one
    seen = [_row(step, job) for job in todo]
    columns = tuple(dict.fromkeys(name for row in seen for name in row))
    return Preview(
        step.verb,
        step.resource,
        step.method.name,
        tuple(todo),
        tuple(filter(None, (key(step, job) for job in todo))),
        columns,
        tuple(tuple(row.get(name) for name in columns) for row in seen),
        tuple("  ".join(_request(step, job, settings)) for job in todo),
    )


def _request(step: Step, job: Job, settings: Settings) -> list[str]:
    """A call as it would leave, and the file that would follow it."""
    lines = describe(prepare(job.call, settings))
    lines += [f"(as {job.call.account})"] if job.call.account is not None else []
    if step.files:
        from engine.lifecycle.telling import sends

        lines += sends(job)
    return lines


def key(step: Step, job: Job) -> str:
    """What tells the row of a call from others: `private/12`."""
    return " ".join(str(value) for value in hidden(_outside(step, job)).values())


def _outside(step: Step, job: Job) -> dict[str, Any]:
    """The arguments that address a call."""
    return {p.name: job.call.args[p.name] for p in addressing(step) if p.name in job.call.args}


def _row(step: Step, job: Job) -> dict[str, Any]:
    """A call as a row: its address, what people know its row by, old beside new values, what else is given."""
    address = _outside(step, job)
    given = _masked(job.call.args)
    shown: dict[str, Any] = {COLUMN: job.call.account} if job.call.account is not None else {}
    shown |= {name: given[name] for name in address}
    told = _told(step, job)
    changes: dict[str, Any] = {}
    for name, column in step.holds.items():
        if name in job.call.args:
            changes |= {f"old_{column}": _masked(job.before).get(column), f"new_{column}": given.pop(name)}
    rest = {name: value for name, value in given.items() if name not in shown}
    return shown | rest | {name: value for name, value in told.items() if name not in rest} | changes


def _told(step: Step, job: Job) -> dict[str, Any]:
    """What was read of the row and is neither its address nor changed, what tells most first."""
    keys = {p.key or p.name for p in addressing(step)}
    held = {column for name, column in step.holds.items() if name in job.call.args}
    names = [name for name in TELLING if name in job.before]
    names += sorted(job.before.keys() - {*names, *step.method.writable})
    shown = [name for name in names if name not in keys | held][:_MORE]
    return {name: _masked(job.before)[name] for name in shown}


def _masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a format can show them, the secrets among them hidden, also those in JSON documents that are text."""
    opened = {name: _document(value) for name, value in values.items()}
    found: dict[str, Any] = hidden(opened)
    return {name: _value(value) for name, value in found.items()}


def _document(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _value(value: Any) -> Any:
    return JsonText(json.dumps(value, ensure_ascii=False)) if isinstance(value, dict | list) else value

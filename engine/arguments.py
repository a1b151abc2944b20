"""The rows of a feed into the calls of a step."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from engine.accounts import COLUMN
from engine.errors import InvalidValue, Refused, UnknownName
from engine.planner.plan import JSON_ARGUMENT, Step
from engine.store import Store
from engine.wire.call import Call


class Job(Struct, frozen=True):
    """One call, and the feed row it came from; of a write, what was read before of the row that it is about."""

    call: Call
    row: Mapping[str, Any]
    before: Mapping[str, Any] = {}

    @property
    def label(self) -> str:
        """What tells it from the step's other calls: account, path and query arguments, else the start of its body.

        `imageId = private/12`
        """
        outside = [p.name for p in self.call.method.params if p.location != "body" and p.name in self.call.args]
        names = outside or [n for n in self.call.args if n.endswith(("label", "name", "id"))] or list(self.call.args)
        whose = [f"account {self.call.account}"] if self.call.account is not None else []
        return ", ".join([*whose, *(f"{name} = {self.call.args[name]}" for name in names)])


def jobs(step: Step, store: Store, *, page_size: int | None = None) -> list[Job]:
    """The calls of a step, in the order of its feed.

    Raises InvalidValue or UnknownName for a JSON argument that does not fit; nothing has been sent then.
    """
    if step.feed is None:
        return [_job(step, {}, page_size)]
    names, rows = store.select(step.feed, tables=step.reads)
    return [_job(step, dict(zip(names, row, strict=True)), page_size) for row in rows]


def _job(step: Step, row: Mapping[str, Any], page_size: int | None) -> Job:
    known = {param.name: param.shape.type for param in step.method.params}
    args = {name: value for name, value in row.items() if name in known}
    if step.verb == "select":
        args = {name: _held(value, known[name]) for name, value in args.items()}
    if row.get(JSON_ARGUMENT) is not None:
        args = _with_json(step, args, row[JSON_ARGUMENT])
    if step.verb in ("insert", "exec"):
        args = {name: value for name, value in args.items() if value is not None}  # NULL: not given
    call = Call(
        step.provider,
        step.method,
        args,
        columns=step.fetched,
        rows=step.rows,
        key=step.key,
        filter=step.filter,
        page_size=page_size,
        account=_account(step, row),
        row_limit=1 if step.counts else step.limit,
        count=step.counts,
    )
    return Job(call, row)


_DIGITS = 4000  # of a number in text: Python reads few more
_NUMBER = re.compile(r"\s*[+-]?(\d+|(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][+-]?\d+)?)\s*", re.ASCII)


def _held(value: Any, kind: str) -> Any:
    """A value that is looked for, as a column of numbers holds it: to SQLite '007' is 7 there.

    >>> [_held(text, "integer") for text in ("007", " 5 ", "1e2", "5.0", "5.5", "0x5", "")], _held("007", "string")
    ([7, 5, 100, 5, 5.5, '0x5', ''], '007')
    """
    found = _NUMBER.fullmatch(value[:_DIGITS]) if kind in ("integer", "number") and isinstance(value, str) else None
    if found is None or len(value) > _DIGITS:
        return value
    number = float(value) if found[2] else int(value)
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _account(step: Step, row: Mapping[str, Any]) -> str | None:
    """The account that a row says it is of. Only those that were named are ever used."""
    if not step.accounts:
        return None
    name = row.get(COLUMN)
    name = str(name) if isinstance(name, int) else name  # as a column of text holds a number
    if name not in step.accounts:
        told = "no account" if name is None else f"the account {name!r}, which was not named"
        raise Refused(
            f"a row of this {step.verb.upper()} says {told}",
            hint=f"{COLUMN} must be {' or '.join(map(repr, step.accounts))}",
        )
    return str(name)


def _with_json(step: Step, args: Mapping[str, Any], text: Any) -> dict[str, Any]:
    """The members of an `@@json` object as arguments, beside those given by name."""
    try:
        document = json.loads(text, object_pairs_hook=_members)
    except (ValueError, TypeError, RecursionError) as error:
        place = f" at character {error.pos + 1}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidValue(f"@@json is not JSON{place}", name=JSON_ARGUMENT, hint=_near(text, error)) from error
    if not isinstance(document, dict):
        raise InvalidValue("@@json must be a JSON object", name=JSON_ARGUMENT, hint="write it as '{...}'")
    merged = dict(args)
    for key, value in document.items():
        param = step.method.param(key)
        if param is None:
            known = [p.wire for p in step.method.params]
            raise UnknownName(f"{step.method.name} takes no {key!r}", name=key, known=known)
        if param.name in merged:
            raise Refused(f"{key} is given twice, by name and in @@json", hint="keep one of them")
        merged[param.name] = value
    absent = [p.wire for p in step.method.required if p.name not in merged]
    if absent:
        raise Refused(f"{step.method.name} needs {' and '.join(absent)}", hint=f'add "{absent[0]}": ... to @@json')
    return merged


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose members have one name each: a second of one name would silently win."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(f"{twice} is given twice in @@json", hint="keep one of them")
    return members


def _near(text: Any, error: Exception) -> str | None:
    """The piece of a JSON text around the place where it stops being JSON."""
    if not isinstance(error, json.JSONDecodeError):
        return None
    if re.search(r':\s*"\["?$', str(text)[: error.pos]):
        return 'an array takes no quotes around it: "tags": ["a", "b"]'
    before, after = str(text)[max(0, error.pos - 20) : error.pos], str(text)[error.pos : error.pos + 20]
    return f"it breaks here: ...{before} >>> {after}..."

"""X-Filter: a JSON object in a header of a list request, read into a predicate and an order.

Seen: `Cannot filter on <field>`, `Could not apply filter`, `Filter not valid JSON`, each a 400 with the field
`X-Filter`. On images `type`, `status` and `tags` work only as top-level keys, and `status` does not meet `+order_by`.
The rules nobody could show (case, nulls) are `Rules`, so that both can be tried.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.sandbox.messages import Problem, Row
from engine.sandbox.rules import Rules

HANGS_FROM = 200  # terms; the live API stops answering somewhere in the hundreds, the sandbox says 408

Test = Callable[[Row], bool]
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "+gt": operator.gt,
    "+gte": operator.ge,
    "+lt": operator.lt,
    "+lte": operator.le,
}
_OPERATORS = ("+neq", "+contains", *_ORDERINGS)
_SORTING = ("+order_by", "+order")


@dataclass(frozen=True)
class Fields:
    """What a collection can be filtered by. `known` None: by anything it has, dotted names included."""

    known: frozenset[str] | None = None
    top_level: frozenset[str] = frozenset()
    unordered: frozenset[str] = frozenset()  # these do not meet +order_by


IMAGES = Fields(
    known=frozenset({"deprecated", "is_public", "label", "size", "status", "tags", "type", "vendor"}),
    top_level=frozenset({"status", "tags", "type"}),
    unordered=frozenset({"status"}),
)


def select(text: str | None, rows: list[Row], fields: Fields, rules: Rules) -> list[Row]:
    """The rows that a header's filter keeps, in the order it asks for. Raises Problem 400, or 408 for a huge one."""
    if text is None:
        return rows
    wanted = _parse(text)
    if _terms(wanted) >= HANGS_FROM:
        raise Problem(408, ("Request timed out", None))
    tests = _tests(wanted, fields, rules, top=True)
    kept = [row for row in rows if all(test(row) for test in tests)] if tests else rows
    return _ordered(kept, wanted, fields)


def _parse(text: str) -> dict[str, Any]:
    """The filter as an object. Header text is latin-1: raw UTF-8 in it is read as such."""
    try:
        found = msgspec.json.decode(text.encode("latin-1", "replace"))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _problem("Filter not valid JSON") from None
    if not isinstance(found, dict):
        raise _problem("Could not apply filter")
    return found


def _terms(value: Any) -> int:
    """How many comparisons a filter holds."""
    if isinstance(value, dict):
        return sum(_terms(v) for k, v in value.items() if k not in _SORTING)
    return sum(map(_terms, value)) if isinstance(value, list) else 1


def _tests(wanted: dict[str, Any], fields: Fields, rules: Rules, *, top: bool) -> list[Test]:
    """The conditions of one object; all of them must hold."""
    tests: list[Test] = []
    for name, value in wanted.items():
        if name in ("+and", "+or"):
            tests.append(_group(name, value, fields, rules))
        elif name in _SORTING and top:
            continue  # read by _ordered
        elif name.startswith("+"):
            raise _problem("Could not apply filter")
        elif not top and name in fields.top_level:
            if rules.nested == "refuse":
                raise _problem(f"Cannot filter on {name}")
        else:
            tests += _field(name, value, fields, rules)
    return tests


def _group(name: str, value: Any, fields: Fields, rules: Rules) -> Test:
    """`+and` / `+or` over a list of filters."""
    if not isinstance(value, list) or not value or not all(isinstance(member, dict) for member in value):
        raise _problem("Could not apply filter")
    groups = [_tests(member, fields, rules, top=False) for member in value]
    combine = all if name == "+and" else any
    return lambda row: combine(all(test(row) for test in tests) for tests in groups)


def _field(name: str, value: Any, fields: Fields, rules: Rules) -> list[Test]:
    """The conditions on one field: a value it equals, or operators with their operands."""
    if fields.known is not None and name not in fields.known:
        raise _problem(f"Cannot filter on {name}")
    if isinstance(value, list):
        raise _problem("Could not apply filter")
    compares = value if isinstance(value, dict) else {"": value}
    path = name.split(".")
    return [_compare(path, op, operand, rules) for op, operand in compares.items()]


def _compare(path: list[str], op: str, operand: Any, rules: Rules) -> Test:
    """One comparison. Of an array, one element that fits is enough; `+neq` wants every element to differ."""
    if isinstance(operand, list | dict) or (op and op not in _OPERATORS):
        raise _problem("Could not apply filter")
    if op == "+contains" and not isinstance(operand, str):
        raise _problem("Could not apply filter")
    if op == "+neq":
        return lambda row: _differs(_at(row, path), operand, rules)
    if op == "+contains":
        needle = _fold(operand, rules.fold_contains)
        return lambda row: any(
            isinstance(v, str) and needle in _fold(v, rules.fold_contains) for v in _each(_at(row, path))
        )
    if op == "":
        return lambda row: any(_equal(v, operand, rules) for v in _each(_at(row, path)))
    return lambda row: any(_ranked(v, operand, _ORDERINGS[op]) for v in _each(_at(row, path)))


def _differs(value: Any, operand: Any, rules: Rules) -> bool:
    if value is None and operand is not None:
        return rules.neq_keeps_null
    return not any(_equal(v, operand, rules) for v in _each(value))


def _at(row: Row, path: list[str]) -> Any:
    """The value a dotted name reaches; a list on the way is entered."""
    value: Any = row
    for name in path:
        if isinstance(value, list):
            value = [member.get(name) for member in value if isinstance(member, dict)]
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _fold(text: str, fold: bool) -> str:
    return text.casefold() if fold else text


def _equal(value: Any, operand: Any, rules: Rules) -> bool:
    """Equality of JSON values: true is not 1, a number is not its text."""
    if isinstance(value, str) and isinstance(operand, str):
        return _fold(value, rules.fold_equality) == _fold(operand, rules.fold_equality)
    return isinstance(value, bool) == isinstance(operand, bool) and bool(value == operand)


def _ranked(value: Any, operand: Any, compare: Callable[[Any, Any], bool]) -> bool:
    """An ordering between two numbers or two texts; anything else is false."""
    for kind in (str, int | float):
        if isinstance(value, kind) and isinstance(operand, kind):
            return compare(value, operand)
    return False


def _ordered(rows: list[Row], wanted: dict[str, Any], fields: Fields) -> list[Row]:
    """The rows in the order asked for; nulls come first when ascending."""
    name, direction = wanted.get("+order_by"), wanted.get("+order", "asc")
    if not any(key in wanted for key in _SORTING):
        return rows
    if not isinstance(name, str) or direction not in ("asc", "desc"):
        raise _problem("Could not apply filter")
    if fields.known is not None and name not in fields.known:
        raise _problem(f"Cannot filter on {name}")
    if name in fields.unordered or any(key in fields.unordered for key in wanted):
        raise _problem("Could not apply filter")
    path = name.split(".")
    return sorted(rows, key=lambda row: _rank(_at(row, path)), reverse=direction == "desc")


def _rank(value: Any) -> tuple[int, Any]:
    """A sort key over mixed JSON values."""
    if value is None:
        return (0, 0)
    if isinstance(value, int | float):
        return (1, value)
    return (2, value if isinstance(value, str) else msgspec.json.encode(value).decode())


def _problem(reason: str) -> Problem:
    return Problem(400, (reason, "X-Filter"))

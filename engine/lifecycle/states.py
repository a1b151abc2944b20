"""How far a row is, by what its document wants of it. Nothing here waits or asks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple

from engine.wire.masking import clean
from provider_registry.model import Await, Goal

_LONG = 60  # characters of a state
FIRST, GROWTH, LONGEST = 3.0, 1.5, 15.0  # seconds between two looks


class View(NamedTuple):
    """A row as it stands: whether the wait is over, and the state in words."""

    verdict: Literal["ready", "failed", "pending"]
    state: str


def delay(number: int) -> float:
    """The seconds before look `number`, counted from 0.

    >>> [round(delay(number), 1) for number in range(6)]
    [3.0, 4.5, 6.8, 10.1, 15.0, 15.0]
    """
    return min(LONGEST, FIRST * GROWTH ** min(number, 30))


def view(goals: Sequence[Goal], row: Mapping[str, Any], wanted: Mapping[str, Sequence[str]]) -> View:
    """How far a row is. `wanted` are the elements that count, by the argument that names them.

    >>> view([Goal(column="status", ready=("available",))], {"status": "creating"}, {})
    View(verdict='pending', state='creating')
    >>> spread = Goal(column="regions", member="status", key="region", each="regions", ready=("available",))
    >>> view([spread], {"regions": '[{"region": "a", "status": "available"}]'}, {"regions": ["a", "b"]})
    View(verdict='pending', state='b missing')
    """
    verdict: Literal["ready", "failed", "pending"] = "ready"
    told: list[str] = []
    for goal in goals:
        said = list(_said(goal, row, wanted))
        open_ones = [(name, state) for name, state in said if state not in goal.ready]
        if any(state in goal.failed for _, state in open_ones):
            verdict = "failed"
        elif open_ones and verdict == "ready":
            verdict = "pending"
        told += [clean(f"{name} {state}".strip(), _LONG) for name, state in open_ones]
    return View(verdict, ", ".join(told) or _ready(goals, row))


def shown(rule: Await, row: Mapping[str, Any]) -> str:
    """What else tells how far a row is: `size 2,450 MB`; nothing of what is not known or nought yet.

    >>> shown(Await(method="m", shows=(("size", "MB"), ("speed", ""))), {"size": 2450, "speed": None})
    'size 2,450 MB'
    """
    known = [(column, unit, row.get(column)) for column, unit in rule.shows]
    return ", ".join(f"{column} {_number(value)} {unit}".strip() for column, unit, value in known if value)


def span(seconds: float) -> str:
    """A time in words.

    >>> span(0.4), span(59), span(90), span(3600), span(5400)
    ('0 s', '59 s', '1 min 30 s', '1 h', '1 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "")


def _said(goal: Goal, row: Mapping[str, Any], wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """What a column says, or each of its elements that counts, after its name."""
    value = row.get(goal.column)
    if goal.member is None:
        yield "", "unknown" if value is None else str(value)
        return
    found = [element for element in _elements(value) if isinstance(element, dict)]
    named = {str(e.get(goal.key or "")): str(e.get(goal.member, "unknown")) for e in found}
    if goal.each is not None:
        yield from ((name, named.get(name, "missing")) for name in wanted.get(goal.each, ()))
        return
    for element in found:
        name = element.get(goal.key or "")
        yield "" if name is None else str(name), str(element.get(goal.member, "unknown"))


def _elements(value: Any) -> list[Any]:
    """The elements of a list, which a row holds as JSON text."""
    with suppress(ValueError, TypeError, RecursionError):
        opened = json.loads(value)
        return opened if isinstance(opened, list) else []
    return []


def _ready(goals: Sequence[Goal], row: Mapping[str, Any]) -> str:
    """The state of a row that is as it should be."""
    plain = next((goal for goal in goals if goal.member is None), None)
    return str(row.get(plain.column)) if plain is not None else goals[0].ready[0] if goals else "done"


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)

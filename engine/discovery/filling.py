"""The tables of the schema `system` that a plan reads, filled from memory before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable

from engine.discovery.shows import notes, rows
from engine.discovery.tables import TABLES, Aim, Memory, Row
from engine.errors import StatementError
from engine.language.shows import told
from engine.planner.plan import Plan, Step
from engine.store import Store


def fill(plan: Plan, store: Store, memory: Memory) -> list[str]:
    """Fill the shelves of a plan; what there is to warn of. Raises StatementError for a SHOW of what is not there."""
    warnings: list[str] = []
    for step in plan.shelves:
        names = [column.name for column in step.columns]
        if step.method.name in TABLES:
            found = _aimed(step, store, memory, warnings)
            values: Iterable[tuple[object, ...]] = (tuple(map(row.get, names)) for row in found)
        else:
            values = _shown(step.method.name, memory, len(names), warnings)
        store.load(step.table, names, values)
    return list(dict.fromkeys(warnings))


def _aimed(step: Step, store: Store, memory: Memory, warnings: list[str]) -> Iterable[Row]:
    """The rows of a table, of those places alone that the feed names; each place once."""
    places: set[tuple[tuple[str, str], ...]] = {()}
    if step.feed is not None:
        given, feed = store.select(step.feed)
        places = {tuple(zip(given, map(_name, row), strict=True)) for row in feed}
    for place in sorted(places):
        yield from TABLES[step.method.name](memory, Aim(**dict(place), warn=warnings.append))


def _name(value: object) -> str:
    """A value as SQLite compares it with a name."""
    return str(value)


def _shown(name: str, memory: Memory, width: int, warnings: list[str]) -> list[tuple[object, ...]]:
    """The rows of a SHOW or DESCRIBE. Its places are in its own text, so errors name none."""
    try:
        asked = told(name)
        warnings += notes(asked, memory.names)
        return [tuple(row[:width]) for row in rows(asked, memory.names)]
    except StatementError as error:
        error.span = None
        raise

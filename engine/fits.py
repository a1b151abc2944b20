"""Values of templates that SQLite takes without a word, and that mean nothing where they stand.

A text beside a column of numbers is greater than every one of them; `true` beside a size is the size 1. In a template
that is a mistake in the data, and where the statement is a DELETE it is one that takes every row.
"""

from __future__ import annotations

from typing import Any

from engine.errors import InvalidValue, StratoqlError, UnknownName
from engine.language.inputs import inputs
from engine.language.parser import parse
from engine.language.pieces import Captured, Filtered, Part, Value
from engine.language.spelling import Json, Sql
from engine.language.text import quote_text
from engine.planner.comparisons import Compared, compared
from engine.planner.inputs import shape_of
from engine.planner.names import Names
from engine.script import Item, blamed
from engine.wire.values import check_compared, encode
from provider_registry.model import Shape


def check_values(item: Item, names: Names) -> None:
    """Raises InvalidValue where a template gives a value of the wrong type, which SQLite takes without a word."""
    if item.body is None or not item.values:
        return
    _check_booleans(item, names)
    for name, shape, span in _comparisons(_countable(item), names):
        start, end = item.start + span.start, item.start + span.end
        for part in item.rendered.values(start, end):
            _check(shape, _given(part, item.rendered.text[start:end], start), name, part)


def check_bare(item: Item, error: StratoqlError, names: Names) -> None:
    """Raises InvalidValue where text stands bare beside a column, and is neither another one nor what it expects."""
    if not isinstance(error, UnknownName) or item.body is None or error.place is None:
        return
    for part in item.values:
        value = part.piece.value if isinstance(part.piece, Value) else None
        if part.piece.place != error.place or not isinstance(value, str) or error.name not in value:
            continue
        start, end = part.start - item.start, part.end - item.start
        as_text = item.text[:start] + quote_text(value) + item.text[end:]
        for name, shape, span in _comparisons(as_text, names):
            if span.start == start:
                _check(shape, value, name, part)


def _check(shape: Shape, value: Any, name: str, part: Part) -> None:
    try:
        check_compared(shape, value, name)
    except InvalidValue as error:
        error.place = blamed(error, part.piece)
        raise


def _comparisons(text: str, names: Names) -> list[Compared]:
    """What a statement compares; nothing where it cannot be planned, which is told when it is."""
    try:
        return [found for statement in parse(text) for found in compared(statement.body, names)]
    except StratoqlError:
        return []


def _countable(item: Item) -> str:
    """The statement with a number of equal length for each boolean of a template: they have no place in a tree."""
    text = item.text
    for part in item.values:
        start, end = part.start - item.start, part.end - item.start
        if text[start:end] in ("TRUE", "FALSE"):
            text = f"{text[:start]}{'9' * (end - start)}{text[end:]}"
    return text


def _given(part: Part, literal: str, at: int) -> Any:
    """The value that a template has made a whole literal of; None where it has not."""
    value = part.piece.value if isinstance(part.piece, Value) else None
    if isinstance(value, Sql | Json):
        value = value.value
    around = part.start - at, at + len(literal) - part.end
    if around == (0, 0) and not isinstance(value, Captured | Filtered):
        return value
    if around == (1, 1) and literal.startswith("'"):
        return value if isinstance(value, list | dict) else literal[1:-1].replace("''", "'")
    return None


def _check_booleans(item: Item, names: Names) -> None:
    """A boolean that is all of an input must be wanted there: SQLite makes 1 of it, which fits too often."""
    if (body := item.body) is None:
        return
    for name, span in inputs(body):
        for part in item.rendered.values(item.start + span.start, item.start + span.end):
            value = part.piece.value if isinstance(part.piece, Value) else None
            whole = part.end - part.start == span.end - span.start
            if isinstance(value, bool) and whole and (shape := shape_of(body, name, names)):
                try:
                    encode(shape, value, name)
                except InvalidValue as error:
                    error.place = blamed(error, part.piece)
                    raise

"""SQLite's values as Python's: booleans, moments in UTC, documents. By columns for tables, by rows for cursors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TypeAlias

import msgspec

from engine.result import ColumnType
from engine.store import Make, Row, Values, booleans

_decode = msgspec.json.Decoder().decode
_NESTED = ("[", "{")
_BARE = len("2018-01-02T03:04:05")  # as the API writes it, without a zone


@lru_cache(maxsize=8192)
def moment(text: str) -> datetime | str:
    """A moment as the API writes it, in UTC; text that is none stays text.

    >>> moment("2018-01-02T03:04:05")
    datetime.datetime(2018, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    >>> moment("2018-01-02T04:04:05+01:00") == moment("2018-01-02T03:04:05Z")
    True
    >>> moment("soon"), moment("soon, but not today")
    ('soon', 'soon, but not today')
    """
    try:
        if len(text) == _BARE:
            return datetime.fromisoformat(text + "+00:00")
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def document(value: object) -> object:
    """A JSON column's value; only what is nested is kept as JSON.

    >>> document('["a", {"b": null}]'), document("a"), document(None)
    (['a', {'b': None}], 'a', None)
    """
    if type(value) is str and value[:1] in _NESTED:
        try:
            return _decode(value)
        except msgspec.DecodeError:
            return value
    return value


def moments(column: Values) -> list[object]:
    """Many rows hold the same moment, and it cannot change: each is read once."""
    known: dict[object, object] = {value: moment(value) for value in set(column) if type(value) is str}
    return [known.get(value, value) for value in column]


def documents(column: Values) -> list[object]:
    """Each row's own: they can change."""
    try:
        return [_decode(v) if type(v) is str and v[:1] in _NESTED else v for v in column]
    except msgspec.DecodeError:
        return [document(value) for value in column]


OBJECTS: dict[ColumnType, Make] = {"boolean": booleans, "datetime": moments, "json": documents}


Rows: TypeAlias = list[Row]
_FORMS: dict[ColumnType, str] = {  # what stands in a row for a column's value, @
    "boolean": "(truth(@, @) if @.__class__ is int else @)",
    "datetime": "moment(@)",
    "json": "(document(@) if @.__class__ is str and @[:1] in nested else @)",
}


class _Moments(dict[object, object]):
    """Those of a result that were read last: many rows hold the same."""

    def __missing__(self, text: object) -> object:
        if type(text) is not str:
            return text
        if len(self) > 8192:
            self.clear()
        found = self[text] = moment(text)
        return found


def python_rows(batches: Iterator[Rows], types: Sequence[ColumnType]) -> Iterator[Rows]:
    """SQLite's rows as Python's, batch for batch.

    >>> next(python_rows(iter([[(1, '["a"]', 2), (None, "a", 1)]]), ["boolean", "json", "integer"]))
    [(True, ['a'], 2), (None, 'a', 1)]
    """
    make = _maker(tuple(types))
    return batches if make is None else map(partial(_made, make, _Moments().__getitem__), batches)


def _made(make: Callable[..., Rows], moment_of: Callable[[object], object], batch: Rows) -> Rows:
    try:
        return make(batch, moment_of, _decode)
    except msgspec.DecodeError:  # text that only begins as a document does
        return make(batch, moment_of, document)


@lru_cache(maxsize=256)
def _maker(types: tuple[ColumnType, ...]) -> Callable[..., Rows] | None:
    """What makes the rows of these columns, written for them: to take a row apart by names is half the time of
    turning rows into columns and back. Nothing but numbers of columns goes into the text.
    """
    if not _FORMS.keys() & set(types):
        return None
    names = [f"v{number}" for number in range(len(types))]
    items = ", ".join(_FORMS.get(kind, "@").replace("@", name) for kind, name in zip(types, names, strict=True))
    source = f"lambda rows, moment, document: [({items},) for ({', '.join(names)},) in rows]"
    made: Callable[..., Rows] = eval(source, {"truth": {0: False, 1: True}.get, "nested": _NESTED})
    return made

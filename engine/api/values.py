"""SQLite's values as Python's: booleans, moments in UTC, documents. A column at a time, which is quickest."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from engine.result import ColumnType
from engine.store import Make, Values, booleans

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

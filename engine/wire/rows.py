"""JSON into rows: tuples ready for SQLite.

The fast way decodes with a msgspec struct compiled from the columns: declared scalars become values, nested values
stay the text they came as. Documents lie about types; where one does, the slow way takes the page and keeps what the
API sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from types import GenericAlias
from typing import Annotated, Any

import msgspec
from msgspec.structs import astuple

from engine.wire.keys import DEEP, EACH, Parts
from provider_registry.model import Column

Row = tuple[Any, ...]
Json = msgspec.Raw | bytes
BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # what decoding a body can raise

_NULL = msgspec.Raw(b"null")
_LOW, _HIGH = -(2**63), 2**63 - 1  # what SQLite holds as an integer
_Int = Annotated[int, msgspec.Meta(ge=_LOW, le=_HIGH)]
_SCALARS: dict[str, Any] = {
    "string": str | None,
    "integer": _Int | None,
    "number": _Int | float | None,
    "boolean": bool | None,
}
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class NoRow(Exception):
    """A value that is no row, where only objects are."""


def rows(columns: Sequence[Column], found: Json, *, objects: bool = False) -> list[Row]:
    """The rows of a JSON value: an array is many, an object one, null none; a scalar is one in the first column.

    Raises NoRow for anything but an object or null in the place of a row where only `objects` are rows.
    """
    data = bytes(found)
    if data == b"null":
        return []
    if data[:1] != b"[":
        return [_slow(columns, data, objects)]
    nested = [at for at, column in enumerate(columns) if column.shape.type not in _SCALARS]
    try:
        structs = _decoder(tuple((c.key, c.shape.type) for c in columns)).decode(data)
    except msgspec.ValidationError:
        return [_slow(columns, bytes(element), objects) for element in _ELEMENTS.decode(data)]
    if not nested:
        return [astuple(struct) for struct in structs]
    made = []
    for struct in structs:
        values = list(astuple(struct))
        for at in nested:
            text = str(values[at], "utf-8")
            values[at] = text if text[0] in "[{" else value(values[at])
        made.append(tuple(values))
    return made


def value(found: Json) -> Any:
    """A JSON value as SQLite takes it: arrays, objects and numbers that do not fit stay the text they are.

    >>> value(b'"a"'), value(b"null"), value(b'{"a": [1]}'), value(b"18446744073709551616"), value(b"1e999")
    ('a', None, '{"a": [1]}', '18446744073709551616', '1e999')
    """
    data = bytes(found)
    if data[0] in b"[{":
        return data.decode()
    if data == b"null":
        return None
    try:
        plain = msgspec.json.decode(data)
    except msgspec.ValidationError:  # a number out of range
        return data.decode()
    return data.decode() if isinstance(plain, int) and not _LOW <= plain <= _HIGH else plain


def members(found: Json) -> dict[str, msgspec.Raw] | None:
    """The members of an object; None for anything else. All of the JSON is looked at."""
    if _start(found) == b"{":
        return _MEMBERS.decode(found)
    msgspec.json.decode(found, type=msgspec.Raw)
    return None


def find(found: Json, path: Parts) -> list[Json]:
    """What stands at a path; several places where it goes through arrays. Raises KeyError: a member is missing.

    A member of an array is the member of each of its elements, and may be missing in some; where the path says so
    (`[*]`), in all. A null on the way is null at its end.

    >>> [bytes(raw) for raw in find(b'{"a": [{"b": 1}, {}, {"b": [2]}]}', ("a", "[*]", "b"))]
    [b'1', b'[2]']
    """
    if not path:
        return [found]
    part, rest = path[0], path[1:]
    if part == DEEP:
        deep = list(_anywhere(found, rest))
        if not deep:
            raise KeyError(rest[0])
        return deep
    start = _start(found)
    if start == b"[":
        elements = _ELEMENTS.decode(found)
        hits = [hit for element in elements for hit in _some(element, rest if part == EACH else path)]
        if elements and not hits and part != EACH:
            raise KeyError(part)
        return hits
    if start == b"{":
        inside = _MEMBERS.decode(found)
        if part == EACH:
            return [hit for member in inside.values() for hit in _some(member, rest)]
        return find(inside[part], rest)
    if bytes(found) == b"null":
        return [found]
    raise KeyError(part)


def _start(found: Json) -> bytes:
    return bytes(memoryview(found)[:1])


def _some(found: Json, path: Parts) -> list[Json]:
    try:
        return find(found, path)
    except KeyError:
        return []


def _anywhere(found: Json, path: Parts) -> Iterator[Json]:
    """Every place of a path, at any depth, outermost first."""
    start = _start(found)
    if start == b"{":
        yield from _some(found, path)
        for member in _MEMBERS.decode(found).values():
            yield from _anywhere(member, path)
    elif start == b"[":
        for element in _ELEMENTS.decode(found):
            yield from _anywhere(element, path)


@lru_cache(maxsize=256)
def _decoder(columns: tuple[tuple[str, str], ...]) -> msgspec.json.Decoder[list[Any]]:
    """A decoder of an array of objects; what is absent is None."""
    fields: list[Any] = []
    for at, (name, kind) in enumerate(columns):
        known = kind in _SCALARS
        default = msgspec.field(name=name, default=None if known else _NULL)
        fields.append((f"f{at}", _SCALARS.get(kind, msgspec.Raw), default))
    listed: Any = GenericAlias(list, (msgspec.defstruct("Row", fields, gc=False),))
    return msgspec.json.Decoder(listed)


def _slow(columns: Sequence[Column], data: bytes, objects: bool) -> Row:
    """One row of whatever there is."""
    if data[:1] == b"{":
        inside = _MEMBERS.decode(data)
        return tuple(value(inside.get(column.key, _NULL)) for column in columns)
    if objects and data != b"null":
        raise NoRow
    return (value(data), *(None for _ in columns[1:])) if columns else ()

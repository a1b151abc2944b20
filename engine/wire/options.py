"""What a request says beside its arguments: query options, what a document puts into every body."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.settings import Settings
from engine.wire.call import Call
from provider_registry.protocol import Location

Placed = tuple[Location, tuple[str, ...], str, Any]  # where, inside which objects, its name there, its value
_PLAIN = re.compile(r"[A-Za-z_]\w*")  # a property that an option can name


def wanted(call: Call, settings: Settings) -> Iterator[Placed]:
    """The query options of a call: the filter it was planned with, the columns it reads, how many rows.

    What a statement itself gives stands above them. Without push-down there are none.
    """
    how = call.method.filtering
    if how is None or how.algorithm != "odata" or not settings.pushdown:
        return
    said = how.options
    found: dict[str, Any] = dict(call.filter or {})
    if said.select and not call.count and (listed := _listed(call)):
        found[said.select] = said.select_delimiter.join(listed)
    if call.count and said.count:
        found[said.count] = said.count_value
    # A limit beyond the most that is taken would come back shorter than it was asked for.
    limit, most = call.row_limit, said.top_maximum
    if said.top and limit is not None and call.rows == call.method.response.rows and limit <= (most or limit):
        found[said.top] = limit
    given = {param.wire for param in call.method.params if param.location == "query" and param.name in call.args}
    yield from (("query", (), name, value) for name, value in found.items() if name not in given)


def _listed(call: Call) -> list[str]:
    """The properties that a call reads; none where all are, or one cannot be asked for."""
    how, keys = call.method.filtering, [column.key for column in call.columns]
    whole = call.rows != call.method.response.rows or len(keys) >= len(call.method.response.columns)
    taken = how.options.select_columns if how is not None else ()
    if whole or any(not _PLAIN.fullmatch(key) or (taken and key not in taken) for key in keys):
        return []
    return keys


def numbered(values: Mapping[str, Any]) -> dict[str, Any]:
    """Lists and objects of a query written out.

    >>> numbered({"Tag": [{"Key": "a"}, {"Key": "b", "On": True}], "Id": "x"})
    {'Tag.1.Key': 'a', 'Tag.2.Key': 'b', 'Tag.2.On': True, 'Id': 'x'}
    """
    return dict(pair for name, value in values.items() for pair in _flat(name, value))


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    members: Any = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value, 1)
    else:
        yield name, value
    for key, member in members:
        yield from _flat(f"{name}.{key}", member)


def merged(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """An object over another; of a member that is an object in both, the members of both.

    >>> merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 9}, "e": 4})
    {'a': {'b': 9, 'c': 2}, 'd': 3, 'e': 4}
    """
    made = dict(base)
    for name, value in values.items():
        below = made.get(name)
        made[name] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return made

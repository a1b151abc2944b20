"""Everything public of `engine`, by its name: classes, functions, and the public methods of those classes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import engine

_DATA = (
    "apilevel",
    "paramstyle",
    "threadsafety",
    "BINARY",
    "BOOLEAN",
    "DATETIME",
    "JSON",
    "NUMBER",
    "ROWID",
    "STRING",
)
_PYTHONS = ("Binary", "Date", "Time", "Timestamp")  # bytes, and the classes of datetime


def public() -> Iterator[tuple[str, object]]:
    """Names and what they stand for; inherited methods are those of the class they are inherited by."""
    for name in engine.__all__:
        if name in _DATA or name in _PYTHONS:
            continue
        found = getattr(engine, name)
        yield name, found
        if inspect.isclass(found):
            for base in found.__mro__:
                if base.__module__.startswith(("engine", "provider_registry")):
                    yield from _members(name, base)


def _members(name: str, kind: type) -> Iterator[tuple[str, object]]:
    for member, value in vars(kind).items():
        told = isinstance(value, property | staticmethod | classmethod) or inspect.isfunction(value)
        if told and not member.startswith("_"):
            yield f"{name}.{member}", value

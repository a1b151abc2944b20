"""SQL over cloud APIs: a statement is planned into calls, its answers are rows.

This is the programming interface, a module of PEP 249:

    with engine.connect() as connection:
        for row in connection.execute("SELECT id FROM linode.images.images WHERE label = :label", {"label": "web"}):
            ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api.aio import AsyncConnection, AsyncCursor
    from engine.api.catalog import Catalog
    from engine.api.connection import Connection, Cursor
    from engine.api.opening import aconnect, connect
    from engine.api.result import Result
    from engine.api.types import (
        BINARY,
        BOOLEAN,
        DATETIME,
        JSON,
        NUMBER,
        ROWID,
        STRING,
        Binary,
        Date,
        DateFromTicks,
        Time,
        TimeFromTicks,
        Timestamp,
        TimestampFromTicks,
    )
    from engine.errors import (
        ApiError,
        CallError,
        DatabaseError,
        DataError,
        Error,
        IntegrityError,
        InterfaceError,
        InternalError,
        NotSupportedError,
        OperationalError,
        PartialWrite,
        ProgrammingError,
        StratoqlError,
        TimedOut,
        Unready,
        Warning,
    )
    from engine.result import ResultColumn, Stats
    from engine.wire.events import Event

apilevel = "2.0"
threadsafety = 2  # threads may share the module and connections
paramstyle = "named"  # `?` is understood too

__all__ = [
    "BINARY",
    "BOOLEAN",
    "DATETIME",
    "JSON",
    "NUMBER",
    "ROWID",
    "STRING",
    "ApiError",
    "AsyncConnection",
    "AsyncCursor",
    "Binary",
    "CallError",
    "Catalog",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "Event",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "PartialWrite",
    "ProgrammingError",
    "Result",
    "ResultColumn",
    "Stats",
    "StratoqlError",
    "Time",
    "TimeFromTicks",
    "TimedOut",
    "Timestamp",
    "TimestampFromTicks",
    "Unready",
    "Warning",
    "aconnect",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
]

_HOMES = {
    "engine.api.aio": ("AsyncConnection", "AsyncCursor"),
    "engine.api.catalog": ("Catalog",),
    "engine.api.connection": ("Connection", "Cursor"),
    "engine.api.opening": ("aconnect", "connect"),
    "engine.api.result": ("Result",),
    "engine.result": ("ResultColumn", "Stats"),
    "engine.wire.events": ("Event",),
}


def __getattr__(name: str) -> object:
    """What is asked for, from where it lives: the command line starts without any of it."""
    if name not in __all__:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    from importlib import import_module

    home = next((module for module, names in _HOMES.items() if name in names), None)
    for module in (home,) if home else ("engine.errors", "engine.api.types"):
        found: object = getattr(import_module(module), name, None)
        if found is not None:
            globals()[name] = found
            return found
    raise AttributeError(f"module 'engine' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

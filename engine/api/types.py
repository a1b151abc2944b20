"""The type objects and constructors of PEP 249.

A column's type code is the name of its type: `string`, `integer`, `number`, `boolean`, `datetime`, `json`, and `any`
for an expression whose type SQLite decides row by row. A type object equals each of the codes that belong to it.
"""

from __future__ import annotations

import datetime


class TypeObject:
    """A kind of columns.

    >>> NUMBER == "integer", NUMBER != "string", STRING == "string", DATETIME == "datetime", STRING == NUMBER
    (True, True, True, True, False)
    """

    def __init__(self, name: str, *codes: str) -> None:
        self.name = name
        self.codes = frozenset(codes)

    def __eq__(self, other: object) -> bool:
        return other in self.codes if isinstance(other, str) else self is other

    def __hash__(self) -> int:
        return hash(self.codes)

    def __repr__(self) -> str:
        return self.name


STRING = TypeObject("STRING", "string")
BINARY = TypeObject("BINARY", "binary")
NUMBER = TypeObject("NUMBER", "integer", "number", "boolean")
DATETIME = TypeObject("DATETIME", "datetime")
ROWID = TypeObject("ROWID", "rowid")
BOOLEAN = TypeObject("BOOLEAN", "boolean")
JSON = TypeObject("JSON", "json")

Date = datetime.date
Time = datetime.time
Timestamp = datetime.datetime
Binary = bytes


def DateFromTicks(ticks: float) -> datetime.date:
    """The date, in UTC, so many seconds after 1970 began.

    Raises ValueError where that is no year of the calendar.

    >>> DateFromTicks(86400)
    datetime.date(1970, 1, 2)
    """
    return TimestampFromTicks(ticks).date()


def TimeFromTicks(ticks: float) -> datetime.time:
    """The time of day, in UTC, so many seconds after 1970 began.

    Raises ValueError where that is no year of the calendar.

    >>> TimeFromTicks(3661)
    datetime.time(1, 1, 1)
    """
    return TimestampFromTicks(ticks).time()


def TimestampFromTicks(ticks: float) -> datetime.datetime:
    """The moment, in UTC, so many seconds after 1970 began.

    Raises ValueError where that is no year of the calendar.

    >>> TimestampFromTicks(0)
    datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        return datetime.datetime.fromtimestamp(ticks, datetime.UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{ticks} is no moment of the calendar") from error

"""Python values as SQL literals: the one place where a parameter becomes part of a statement."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import uuid
from numbers import Integral, Real

from engine.errors import InvalidValue
from engine.language.text import quote_text
from engine.store import evaluate

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def literal(value: object, name: str = "") -> str:
    """A value as an SQL expression that holds nothing but it. `name` is what errors call it.

    Moments become text as the API writes it, in UTC and without a zone; one without a zone is taken for UTC. A UUID
    is text. Lists and dicts become JSON. Raises InvalidValue for what SQL has no value for.

    >>> [literal(value) for value in (None, True, -5, "it's", b"x", [1])]
    ['NULL', 'TRUE', '(-5)', "'it''s'", "x'78'", "'[1]'"]
    >>> literal(datetime.datetime(2024, 1, 2, 4, tzinfo=datetime.timezone(datetime.timedelta(hours=1))))
    "'2024-01-02T03:00:00'"
    """
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()  # a scalar of numpy's
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return _text(str(value), name)
        case Integral():
            return _integer(int(value), name)
        case Real():
            return _number(float(value), name)
        case bytes() | bytearray() | memoryview():
            return f"x'{bytes(value).hex()}'"
        case datetime.datetime() if value == value:  # pandas' NaT is one, and equals nothing
            return quote_text(utc(value).isoformat())
        case datetime.date() | datetime.time() if value == value:
            return quote_text(value.isoformat())
        case uuid.UUID():
            return quote_text(str(value))
        case list() | tuple() | dict():
            return _text(_json(value, name), name)
    hint = next((hint for kind, hint in _INSTEAD.items() if isinstance(value, kind)), "give a number, text or bytes")
    raise _unusable(f"a value of type {type(value).__name__} has no form in SQL", name, hint)


_INSTEAD: dict[type, str] = {  # of what could be several
    decimal.Decimal: "give it as a float, which may round it, or as text",
    enum.Enum: "give its value, or its name",
    datetime.timedelta: "give its seconds, or text",
    datetime.datetime: "None is NULL",
    set: "give a list",
    frozenset: "give a list",
}


def _unusable(message: str, name: str, hint: str) -> InvalidValue:
    return InvalidValue(f"parameter {name}: {message}" if name else message, name=name.lstrip(":"), hint=hint)


def _text(value: str, name: str) -> str:
    """A string; SQL text cannot hold a NUL, so it is put together around each."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _unusable("half a character cannot stand in SQL", name, "give it as bytes") from None
    parts = [quote_text(part) for part in value.split("\x00")]
    return parts[0] if len(parts) == 1 else f"({' || char(0) || '.join(parts)})"


def _integer(value: int, name: str) -> str:
    if not _SMALLEST <= value <= _LARGEST:
        raise _unusable("the integer does not fit into 64 bits", name, "give it as text")
    return str(value) if value >= 0 else f"({value})"  # in parentheses: two minus signs would begin a comment


def _number(value: float, name: str) -> str:
    if math.isnan(value):
        raise _unusable("SQL has no NaN", name, "None is NULL")
    sign, size = math.copysign(1, value), abs(value)
    text = _exact(size) if math.isfinite(size) else "9e999"  # which SQLite reads as infinite
    return text if sign > 0 else f"(-{text})"


def _exact(size: float) -> str:
    """A number that SQLite reads as just this one. Of long ones it may lose the last bit: those are calculated.

    >>> _exact(0.1), evaluate(_exact(4.76391387491265e-300)) == 4.76391387491265e-300
    ('0.1', True)
    """
    text = repr(size)
    if evaluate(text) == size:
        return text
    mantissa, exponent = math.frexp(size)
    whole, exponent = int(mantissa * 2**53), exponent - 53
    times, rest = divmod(abs(exponent), 52)
    step = "*" if exponent > 0 else "/"
    return f"({whole}.0{f' {step} {2**52}.0' * times} {step} {2**rest}.0)"  # powers of two lose nothing


def utc(moment: datetime.datetime) -> datetime.datetime:
    """A moment in UTC, its zone left out."""
    return moment if moment.tzinfo is None else moment.astimezone(datetime.UTC).replace(tzinfo=None)


def _json(value: object, name: str) -> str:
    import msgspec

    try:
        return msgspec.json.encode(_plain(value)).decode()
    except (TypeError, ValueError, UnicodeError, RecursionError) as error:
        raise _unusable(
            f"it cannot be written as JSON: {error}", name, "give text, numbers, lists and dicts"
        ) from None


def _plain(value: object) -> object:
    """A document with moments as the API writes them. Raises ValueError for numbers that JSON has not.

    >>> _plain({"since": datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC), "ids": (1, 2)})
    {'since': '2024-01-02T00:00:00', 'ids': [1, 2]}
    """
    match value:
        case dict():
            return {name: _plain(member) for name, member in value.items()}
        case list() | tuple():
            return [_plain(element) for element in value]
        case datetime.datetime() if value == value:
            return utc(value).isoformat()
        case datetime.datetime():
            raise ValueError("it has no moment that is none")
        case float() if not math.isfinite(value):
            raise ValueError(f"it has no {value}")
    return value

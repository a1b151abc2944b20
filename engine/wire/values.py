"""SQL values into JSON values, as a document's shape wants them. What does not fit is an error before it leaves.

A value at the top comes from SQL and is bent where nothing is lost: `'42'` is an integer, `1` a boolean, `7` a
string, `'["a"]'` an array. Inside arrays and objects the text was JSON already, and types must be right as they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from engine.errors import InvalidValue
from engine.wire.masking import shown
from provider_registry.model import Shape

_NO = object()  # a conversion's answer where there is none
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_COMPARED = re.compile(r"\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*", re.ASCII)  # a number to SQLite
_YEAR = re.compile(r"\d{4}(?!\d)", re.ASCII)  # what every moment begins with
_HALF = re.compile("[\ud800-\udfff]")  # a surrogate alone: JSON can spell it, UTF-8 cannot
_DIGITS = 100  # a longer number is no number
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_NOUNS = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "string": "a text",
    "array": "a JSON array",
    "object": "a JSON object",
    "any": "a JSON value",
}
_EXAMPLES: Mapping[str, Any] = {
    "integer": 42,
    "number": 1.5,
    "boolean": True,
    "string": "abc",
    "array": ["a", "b"],
    "object": {"key": "value"},
    "any": "abc",
}


def encode(shape: Shape, value: Any, name: str, *, example: Any = None) -> Any:
    """The JSON value that travels for a SQL value.

    >>> encode(Shape(type="integer"), "42", "disk_id"), encode(Shape(type="array"), '["a"]', "tags")
    (42, ['a'])

    Raises InvalidValue, which names the column, what it expects, what was given, and shows an example.
    """
    try:
        return _value(shape, value, name, _BEND)
    except _Wrong as wrong:
        line = f"for example {name} = {_literal(_example(shape) if example is None else example)}"
        raise InvalidValue(str(wrong), name=name, hint=f"{wrong.near}; {line}" if wrong.near else line) from None
    except RecursionError:
        raise InvalidValue(f"{name} is nested too deeply to be sent", name=name) from None


def check_compared(shape: Shape, value: Any, name: str) -> None:
    """Raises InvalidValue where a column of this shape can never be like the value: every row would compare the same.

    SQLite bends a text that spells a number, and a number to the text of it; a moment may be given in part.

    >>> check_compared(Shape(type="integer"), " 5 ", "size")
    >>> check_compared(Shape(format="date-time"), "2024", "created")
    >>> check_compared(Shape(type="any"), "abc", "value")
    >>> check_compared(Shape(type="integer"), "abc", "size")
    Traceback (most recent call last):
    ...
    engine.errors.statements.InvalidValue: size expects an integer, got 'abc'
    """
    if value is None or _comparable(shape, value):
        return
    plain = Shape(type=shape.type, format=shape.format)
    line = f"for example {name} = {_literal(_example(plain))}"
    if shape.type == "boolean" and str(value).lower() in ("true", "false"):
        line = f"a boolean stands without quotes: {name} = {str(value).lower()}"
    raise InvalidValue(f"{name} expects {_wanted(plain)}, got {shown(value, name)}", name=name, hint=line)


def _comparable(shape: Shape, value: Any) -> bool:
    if isinstance(value, bool):
        return shape.type in ("boolean", "any")
    text = str(value)
    match shape.type:
        case "integer" | "number":
            return not isinstance(value, list | dict) and bool(_COMPARED.fullmatch(text))
        case "boolean":
            return text in ("0", "1")
        case "string" if shape.format == "date-time":
            return bool(_YEAR.match(text))
        case "string":
            return not isinstance(value, list | dict)
        case "array" | "object":
            return not isinstance(value, int | float)
    return True


def alike(shape: Shape, one: Any, other: Any, *, any_order: bool = False) -> bool:
    """Whether two values would travel as one. `any_order`: so do two lists of the same elements.

    >>> alike(Shape(type="array"), '["a", "b"]', ["b", "a"]), alike(Shape(type="integer"), "5", 5)
    (False, True)
    >>> alike(Shape(type="array"), '["a", "b"]', ["b", "a"], any_order=True), alike(Shape(), None, "")
    (True, False)
    >>> alike(Shape(type="integer"), "five", 5)
    False
    """
    if one is None or other is None:
        return one is other
    try:
        first, second = (encode(shape, str(v) if isinstance(v, str) else v, "it") for v in (one, other))
    except InvalidValue:
        return False
    if any_order and isinstance(first, list) and isinstance(second, list):
        return {msgspec.json.encode(v) for v in first} == {msgspec.json.encode(v) for v in second}
    return bool(first == second)


class _Wrong(Exception):
    """A value does not fit; `near` says what may have been meant."""

    def __init__(self, message: str, near: str = "") -> None:
        super().__init__(message)
        self.near = near


def _value(shape: Shape, value: Any, at: str, convert: Mapping[str, Callable[[Any], Any]]) -> Any:
    """`at` is the place: `data__tags[2]`."""
    if value is None:
        if shape.nullable or shape.type == "any":
            return None
        raise _Wrong(f"{at} expects {_wanted(shape)}, not NULL")
    found = convert[shape.type](value)
    if found is _NO or not _sendable(found):
        raise _Wrong(f"{at} expects {_wanted(shape)}, got {shown(value, at)}")
    if shape.enum and found not in shape.enum:
        raise _Wrong(f"{at} expects {_wanted(shape)}, got {shown(value, at)}", _near(found, shape.enum))
    if isinstance(found, str):
        return _text(shape, found, at)
    if isinstance(found, list):
        return _elements(shape, found, at)
    if isinstance(found, dict):
        return _members(shape, found, at)
    if not isinstance(found, bool) and not _within(found, shape.minimum, shape.maximum):
        raise _Wrong(f"{at} expects {_wanted(shape)}, got {shown(value, at)}")
    return found


def _text(shape: Shape, found: str, at: str) -> str:
    if not _within(len(found), shape.min_length, shape.max_length):
        bounds = _range(shape.min_length, shape.max_length, "characters")
        raise _Wrong(f"{at} expects a text of {bounds}, got {len(found)}")
    if shape.format == "date-time":
        moment = found.replace(" ", "T", 1)  # what SQLite's datetime() writes
        if not _is_moment(moment):
            raise _Wrong(f"{at} expects {_wanted(shape)}, got {shown(found, at)}")
        return moment
    if shape.pattern and (pattern := _compiled(shape.pattern)) and not pattern.search(found):
        wanted = shape.pattern_hint or f"a text that matches {shape.pattern}"
        raise _Wrong(f"{at} expects {wanted}, got {shown(found, at)}")
    return found


def _elements(shape: Shape, found: list[Any], at: str) -> list[Any]:
    if not _within(len(found), shape.min_items, shape.max_items):
        bounds = _range(shape.min_items, shape.max_items, "elements")
        raise _Wrong(f"{at} expects an array of {bounds}, got {len(found)}")
    if shape.items is None:
        return found
    return [_value(shape.items, element, f"{at}[{index}]", _KEEP) for index, element in enumerate(found)]


def _members(shape: Shape, found: dict[str, Any], at: str) -> dict[str, Any]:
    for needed in shape.required:
        if needed not in found:
            raise _Wrong(f"{at} lacks the member {needed!r}")
    known = shape.fields
    return {
        key: _value(known[key], value, f"{at}.{key}", _KEEP) if key in known else value
        for key, value in found.items()
    }


def _near(found: Any, enum: tuple[Any, ...]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(str(found), [str(value) for value in enum], n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def _integer(value: Any) -> Any:
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) and len(value) < _DIGITS else _NO
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else _NO
    return _whole(value)


def _whole(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else _NO


def _number(value: Any) -> Any:
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value) or len(value) > _DIGITS:
            return _NO
        return int(value) if _INTEGER.fullmatch(value) else float(value)
    return _numeric(value)


def _numeric(value: Any) -> Any:
    return value if isinstance(value, float) else _whole(value)


def _boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    text = str(value).lower() if isinstance(value, int | str) else ""
    return _TRUTH.get(text, _NO)


def _string(value: Any) -> Any:
    return str(value) if _numeric(value) is not _NO and math.isfinite(value) else _of(str)(value)


def _json(kind: type) -> Callable[[Any], Any]:
    """What reads an array or object out of its JSON text."""

    def read(value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = msgspec.json.decode(value)
            except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
                return _NO
        return _of(kind)(list(value) if isinstance(value, tuple) else value)

    return read


def _of(kind: type) -> Callable[[Any], Any]:
    return lambda value: value if isinstance(value, kind) else _NO


_BEND: Mapping[str, Callable[[Any], Any]] = {  # what SQL gave
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "string": _string,
    "array": _json(list),
    "object": _json(dict),
    "any": lambda value: value,
}
_KEEP: Mapping[str, Callable[[Any], Any]] = {  # what stands inside JSON
    "integer": _whole,
    "number": _numeric,
    "boolean": _of(bool),
    "string": _of(str),
    "array": _of(list),
    "object": _of(dict),
    "any": lambda value: value,
}


def _sendable(value: Any) -> bool:
    """Whether JSON can carry it: no binary data, no infinity, no half of a character, at any depth."""
    if isinstance(value, str):
        return not _HALF.search(value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(map(_sendable, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _sendable(key) and _sendable(inner) for key, inner in value.items())
    return value is None or isinstance(value, int)


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """None where the document's dialect of regular expressions is not ours: the API will check it itself.

    There `$` is the end of the text; here it would also match before a final newline.
    """
    end = re.search(r"(?<!\\)(?:\\\\)*\$$", pattern)
    try:
        return re.compile(pattern[:-1] + r"\Z" if end else pattern)
    except re.error:
        return None


def _within(number: float, low: float | None, high: float | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)


def _wanted(shape: Shape) -> str:
    """What a shape expects, in words.

    >>> _wanted(Shape(type="integer", minimum=25, maximum=500)), _wanted(Shape(enum=("a", "b")))
    ('an integer from 25 to 500', "one of 'a', 'b'")
    """
    if shape.enum:
        listed = ", ".join(repr(value) for value in shape.enum[:20])
        return f"one of {listed}" + (", ..." if len(shape.enum) > 20 else "")
    if shape.type == "string" and shape.format == "date-time":
        return "a date and time such as 2024-01-31T12:00:00"
    bounds = _range(shape.minimum, shape.maximum, "", "from ")
    return f"{_NOUNS[shape.type]} {bounds}".strip()


def _range(low: float | None, high: float | None, unit: str, lead: str = "") -> str:
    """`1 to 50 characters`, `at least 25`."""
    if low is None and high is None:
        return ""
    words = (
        f"at least {low:g}" if high is None else f"at most {high:g}" if low is None else f"{lead}{low:g} to {high:g}"
    )
    return f"{words} {unit}".strip()


def _example(shape: Shape) -> Any:
    """A value that a shape would take, near enough to show."""
    if shape.enum:
        return shape.enum[0]
    if shape.type in ("integer", "number"):
        low = shape.minimum if shape.minimum is not None else shape.maximum
        return _EXAMPLES[shape.type] if low is None else int(low)
    if shape.format == "date-time":
        return "2024-01-31T12:00:00"
    if shape.type == "array" and shape.items is not None:
        return [_example(shape.items)]
    return _EXAMPLES[shape.type]


def _literal(value: Any) -> str:
    """A value as one would write it in SQL.

    >>> _literal("it's"), _literal(["a"]), _literal(True), _literal(42)
    ("'it''s'", '\\'["a"]\\'', 'true', '42')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return "'" + text.replace("'", "''") + "'"

"""SQL functions beyond stock SQLite, and the order of moments.

Each answers NULL when an argument is NULL, as SQL functions do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

Function = Callable[..., Any]


def _null_in_null_out(function: Function) -> Function:
    @wraps(function)
    def wrapped(*arguments: Any) -> Any:
        return None if None in arguments else function(*arguments)

    return wrapped


@lru_cache(maxsize=256)
def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(source)


@_null_in_null_out
def split_part(text: Any, separator: Any, number: int) -> str:
    """The n-th part, from 1; a negative n counts from the end; "" where there is none.

    >>> split_part("linode/debian12", "/", 2), split_part("a-b-c", "-", -1), split_part("a", "-", 5)
    ('debian12', 'c', '')
    """
    text, separator = str(text), str(separator)
    if number == 0:
        raise ValueError("split_part counts from 1, or from -1 at the end")
    parts = text.split(separator) if separator else [text]
    at = number - 1 if number > 0 else len(parts) + number
    return parts[at] if 0 <= at < len(parts) else ""


@_null_in_null_out
def regexp(pattern: Any, text: Any) -> bool:
    """`text REGEXP pattern`: whether the pattern is found anywhere in the text."""
    return _pattern(str(pattern)).search(str(text)) is not None


@_null_in_null_out
def regexp_like(text: Any, pattern: Any) -> bool:
    """Whether the pattern is found anywhere in the text."""
    return _pattern(str(pattern)).search(str(text)) is not None


@_null_in_null_out
def regexp_substr(text: Any, pattern: Any) -> str | None:
    """The first match, or NULL."""
    found = _pattern(str(pattern)).search(str(text))
    return found.group(0) if found else None


@_null_in_null_out
def regexp_replace(text: Any, pattern: Any, replacement: Any) -> str:
    """Every match replaced; `\\1` is the first group.

    >>> regexp_replace("debian11", "([a-z]+)([0-9]+)", r"\\2-\\1")
    '11-debian'
    """
    return _pattern(str(pattern)).sub(str(replacement), str(text))


@_null_in_null_out
def json_equal(left: Any, right: Any) -> bool:
    """Whether two JSON texts are the same value; the order of an object's members does not count.

    >>> json_equal('{"a": 1, "b": [2]}', '{"b": [2.0], "a": 1}'), json_equal("1", "true")
    (True, False)
    """
    return bool(_canonical(json.loads(str(left))) == _canonical(json.loads(str(right))))


def _canonical(value: Any) -> Any:
    """A value that Python compares as JSON does: true is not 1."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, dict):
        return {name: _canonical(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_canonical(member) for member in value]
    return value


def moment(left: str, right: str) -> int:
    """Compare two moments written as the API does (`T` between date and time) or as SQLite does (a space).

    >>> moment("2024-01-01T05:00:00", "2024-01-01 10:00:00"), moment("2024-01-01", "2024-01-01T00:00:00Z")
    (-1, -1)
    """
    if left[10:11] != right[10:11]:
        left, right = left.replace("T", " ", 1), right.replace("T", " ", 1)
    return (left > right) - (left < right)


# (name, number of arguments, function)
FUNCTIONS: tuple[tuple[str, int, Function], ...] = (
    ("split_part", 3, split_part),
    ("regexp", 2, regexp),
    ("regexp_like", 2, regexp_like),
    ("regexp_substr", 2, regexp_substr),
    ("regexp_replace", 3, regexp_replace),
    ("json_equal", 2, json_equal),
)
COLLATIONS: tuple[tuple[str, Callable[[str, str], int]], ...] = (("moment", moment),)
# Aggregates of SQLite that are not known as such to the parser.
AGGREGATES = frozenset(f"{json}_group_{kind}" for json in ("json", "jsonb") for kind in ("array", "object")) | {
    "total",
    "string_agg",
    "median",
    "percentile",
}

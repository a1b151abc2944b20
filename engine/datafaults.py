"""Where a data file says what no data can be: the readers of JSON and TOML find such faults, but not their place."""

from __future__ import annotations

import math
import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

DEEPEST = 250  # levels; what goes through data goes down by recursion, and YAML has the same bound
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s"{}\[\]:,]+', re.DOTALL)
_INFINITE = ("NaN", "Infinity", "-Infinity")


class Fault(NamedTuple):
    """What is wrong, and at which character."""

    what: str
    at: int


def in_json(text: str) -> Fault | None:
    """The first fault of a text that is JSON but for keys that stand twice and numbers that are none.

    >>> in_json('{"a": {"b": 1}, "b": 2, "a": 3}'), in_json('["NaN", NaN]').at, in_json("[1e999]").what
    (Fault(what="the key 'a' stands twice", at=24), 8, '1e999 is too large a number')
    """
    members: list[set[str] | None] = []  # of each object that is open; None for an array
    key: tuple[str, int] | None = None
    for found in _TOKENS.finditer(text):
        token, seen = found[0], members[-1] if members else None
        if token in "{[":
            members.append(set() if token == "{" else None)
        elif token in "}]" and members:
            members.pop()
        elif token == ":" and key is not None and seen is not None:
            if key[0] in seen:
                return Fault(f"the key {_unquoted(key[0])!r} stands twice", key[1])
            seen.add(key[0])
        elif wrong := _no_number(token):
            return Fault(wrong, found.start())
        key = (token, found.start()) if token[0] == '"' else None
    return None


def _unquoted(token: str) -> str:
    import json

    return str(json.loads(token, strict=False))


def _no_number(token: str) -> str | None:
    if token in _INFINITE:
        return f"{token} is no number that can be sent"
    if token[0] in "-0123456789" and len(token) > 3:
        try:
            return f"{token[:20]} is too large a number" if math.isinf(float(token)) else None
        except ValueError:
            return None
    return None


class Endless(ValueError):
    """A number of TOML that cannot be sent."""


def finite(text: str) -> float:
    """A number of TOML. Raises Endless for `inf`, `nan` and what is too large."""
    found = float(text)
    if not math.isfinite(found):
        raise Endless(f"{text} is no number that can be sent")
    return found


def line_of_endless(text: str) -> int:
    """The line, from 1, of the number that TOML's reader has stopped at: the fewest lines that make it stop so.

    >>> line_of_endless("a = 1\\nb = [2,\\n nan]\\nc = inf")
    3
    """
    lines = text.splitlines(keepends=True)

    def stops(count: int) -> bool:
        try:
            tomllib.loads("".join(lines[:count]), parse_float=finite)
        except Endless:
            return True
        except tomllib.TOMLDecodeError:
            pass  # cut off in the middle
        return False

    return bisect_left(range(1, len(lines)), True, key=stops) + 1


def depth(value: Any) -> int:
    """How many levels a value has, counted without recursion and not beyond `DEEPEST`.

    >>> depth(1), depth([{"a": []}])
    (0, 3)
    """
    levels, below = 0, [value]
    while levels <= DEEPEST and (below := [v for v in below if isinstance(v, dict | list)]):
        levels += 1
        below = [member for v in below for member in _members(v)]
    return levels


def _members(value: Mapping[str, Any] | list[Any]) -> Iterator[Any]:
    return iter(value.values() if isinstance(value, Mapping) else value)


def no_constant(text: str) -> NoReturn:
    """For JSON's reader, which would take `NaN` for a number."""
    raise ValueError(f"{text} is no number that can be sent")

"""What a comment that begins with a plus asks for: `/*+ AWAIT(timeout=30m) MAX_WRITES(100) */`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from engine.errors import SyntaxFault

MAX_WRITES = "MAX_WRITES"

_PARTS = re.compile(r"(\d+(?:\.\d+)?)\s*(h|m|s|)", re.IGNORECASE)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0}
_HINT = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*(?:\((?P<inside>[^()]*)\))?\s*,?\s*")


class Hint(Struct, frozen=True):
    """One hint: its name in capitals, what stands in its parentheses, and how it was written.

    `given` are the arguments with a name, `plain` the one without.
    """

    name: str
    text: str
    plain: str | None = None
    given: Mapping[str, str] = {}


def read_hints(comment: str) -> Iterator[Hint]:
    """The hints of one comment, its plus included. What cannot be read is a hint of a name that nobody knows.

    >>> for hint in read_hints("+ await(timeout=30m) MAX_WRITES(100)"):
    ...     print(hint.name, hint.plain, hint.given)
    AWAIT None {'timeout': '30m'}
    MAX_WRITES 100 {}
    """
    rest = comment.strip()[1:].strip()
    while rest:
        found = _HINT.match(rest)
        if found is None or (found.end() < len(rest) and rest[found.end()] in "()"):
            yield Hint(rest.upper(), rest)
            return
        yield _hint(found)
        rest = rest[found.end() :]


def duration(text: str) -> float | None:
    """The seconds of `90`, `90s`, `30m` or `1h30m`; None for any other text.

    >>> duration("90"), duration("30m"), duration("1h30m"), duration("soon"), duration("5 m 3"), duration("")
    (90.0, 1800.0, 5400.0, None, 303.0, None)
    """
    parts = _PARTS.findall(text)
    if not parts or re.sub(r"\s", "", text).casefold() != "".join(f"{n}{unit}" for n, unit in parts).casefold():
        return None
    return float(sum(float(number) * _SECONDS[unit.lower()] for number, unit in parts))


def _hint(found: re.Match[str]) -> Hint:
    given: dict[str, str] = {}
    plain: str | None = None
    for part in filter(None, map(str.strip, (found["inside"] or "").split(","))):
        name, equals, value = part.partition("=")
        if equals:
            given[name.strip().lower()] = value.strip()
        else:
            plain = part if plain is None else f"{plain}, {part}"
    return Hint(found["name"].upper(), found[0].strip().removesuffix(",").strip(), plain, given)


def max_writes(hints: Sequence[Hint]) -> int | None:
    """The rows that a statement's own hint lets it write; the last one counts, None where there is none.

    >>> max_writes(list(read_hints("+ MAX_WRITES(100)"))), max_writes([])
    (100, None)
    """
    allowed = None
    for hint in hints:
        if hint.name != MAX_WRITES:
            continue
        if hint.given or hint.plain is None or not hint.plain.isdecimal() or int(hint.plain) < 1:
            raise SyntaxFault(
                f"MAX_WRITES takes a whole number from 1, got {hint.text}", hint="write it as: /*+ MAX_WRITES(100) */"
            )
        allowed = int(hint.plain)
    return allowed

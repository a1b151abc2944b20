"""SQL text that remembers where it came from.

A statement is cut into pieces (a WHERE, a SET expression, a RETURNING list) and pieces are woven into the queries
that SQLite runs. Every character of a woven text either came from the user's statement or is ours; `origin` tells
which, so that an error anywhere downstream underlines what the user typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from msgspec import Struct

from engine.errors import Span


class Text(Struct, frozen=True):
    """A piece of SQL. `segments` are (start here, start in the statement, length), in order of start."""

    sql: str
    segments: tuple[tuple[int, int, int], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sql.strip())

    def origin(self, start: int, end: int) -> Span | None:
        """The span of the user's statement behind `sql[start:end]`; None where that text is ours.

        >>> piece = slice_of("SELECT a FROM t WHERE b", 22, 23)
        >>> weave("SELECT ", piece).origin(7, 8)
        Span(start=22, end=23)
        >>> weave("SELECT ", piece).origin(0, 6) is None
        True
        """
        for here, there, length in self.segments:
            if here <= start < here + length or (start == end == here + length):
                first = there + start - here
                return Span(first, max(first, min(there + end - here, there + length)))
        return None


def slice_of(statement: str, start: int, end: int) -> Text:
    """A piece of the user's statement."""
    return Text(statement[start:end], ((0, start, end - start),))


def weave(*pieces: Text | str) -> Text:
    """Pieces one after another: a str is ours, a Text is the user's.

    >>> weave("SELECT ", slice_of("x + 1", 0, 5)).sql
    'SELECT x + 1'
    """
    sql: list[str] = []
    segments: list[tuple[int, int, int]] = []
    length = 0
    for piece in pieces:
        text = piece if isinstance(piece, str) else piece.sql
        if isinstance(piece, Text):
            segments.extend((here + length, there, size) for here, there, size in piece.segments)
        sql.append(text)
        length += len(text)
    return Text("".join(sql), tuple(segments))


def splice(text: Text, edits: Sequence[tuple[int, int, Text | str]]) -> Text:
    """`text` with the ranges (start, end, replacement) replaced; they must not overlap.

    >>> splice(slice_of("SELECT a FROM p.s.r", 0, 19), [(14, 19, "t0")]).sql
    'SELECT a FROM t0'
    """
    pieces: list[Text | str] = []
    at = 0
    for start, end, replacement in sorted(edits, key=itemgetter(0, 1)):
        pieces += [cut(text, at, start), replacement]
        at = end
    pieces.append(cut(text, at, len(text.sql)))
    return weave(*pieces)


def cut(text: Text, start: int, end: int) -> Text:
    """A part of a text, origins kept."""
    segments = []
    for here, there, length in text.segments:
        first, last = max(here, start), min(here + length, end)
        if first < last:
            segments.append((first - start, there + first - here, last - first))
    return Text(text.sql[start:end], tuple(segments))


def quote_name(name: str) -> str:
    """An SQL identifier, quoted.

    >>> quote_name('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def shown_name(name: str) -> str:
    """An identifier as a hint shows it: quoted where SQL would not read it without.

    >>> shown_name("imageId"), shown_name("api-version")
    ('imageId', '"api-version"')
    """
    return name if name.isidentifier() else quote_name(name)


def quote_text(value: str) -> str:
    """An SQL string literal.

    >>> quote_text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"

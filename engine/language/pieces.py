"""What a template renders to: pieces that know where they stand in the script, and text made of them.

A piece is a `str`, so that a template's own joins and filters work on it; what it knows beside its text is lost
there, and nowhere else. `Rendered` is the text that runs: each character of it comes from a span of some source.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.errors import Place, Source, Span, StratoqlError

MASK = "***"


class Piece(str):
    """Text that a template put out, and the span of the source it comes from."""

    source: Source
    span: Span

    @classmethod
    def of(cls, text: str, source: Source, span: Span) -> Piece:
        """A piece of the script's own text."""
        piece = cls(text)
        piece.source, piece.span = source, span
        return piece

    @property
    def place(self) -> Place:
        """Where it was written."""
        return Place(self.source, self.span)


class Value(Piece):
    """What a `{{ ... }}` put out: the value itself is kept, and whether it may be shown."""

    value: Any
    secret: bool

    @property
    def written(self) -> str:
        """The `{{ ... }}` as the script has it, on one line."""
        return " ".join(self.source.text[self.span.start : self.span.end].split())


@dataclass(frozen=True)
class Absent:
    """The value of a name that nothing has: `error` unless it stands where nobody reads it."""

    error: StratoqlError


class Captured(str):
    """What a macro, a block or `{% set %}...{% endset %}` put out.

    As text it is spelled already, so that a filter over it cannot undo that; put out again it is its pieces, and
    inside quotes `plain`, its values as they are.
    """

    pieces: tuple[Piece, ...]
    plain: Callable[[], str]

    @classmethod
    def of(cls, text: str, pieces: tuple[Piece, ...], plain: Callable[[], str]) -> Captured:
        """Captured text and what it was made of."""
        captured = cls(text)
        captured.pieces, captured.plain = pieces, plain
        return captured

    @property
    def secret(self) -> bool:
        """Whether anything in it must not be shown."""
        return any(isinstance(piece, Value) and piece.secret for piece in self.pieces)


class Filtered(str):
    """What a filter made of captured text: of what is spelled, and inside quotes of what is `plain`."""

    plain: Callable[[], str]

    @classmethod
    def of(cls, text: str, plain: Callable[[], str]) -> Filtered:
        """Both texts."""
        filtered = cls(text)
        filtered.plain = plain
        return filtered


@dataclass(frozen=True)
class Part:
    """`text[start:end]` of a rendered text and the piece it comes from; `skip` characters of that are left out."""

    start: int
    end: int
    piece: Piece
    skip: int = 0


@dataclass(frozen=True)
class Rendered:
    """Text whose every character knows where the user wrote it."""

    text: str
    parts: tuple[Part, ...]

    def place(self, start: int, end: int) -> Place:
        """Where the user finds `text[start:end]`: the very characters, or the `{{ ... }}` they came from."""
        first, last = self._part(start), self._part(max(start, end - 1))
        begin = self._offset(first, start)
        stop = self._offset(last, max(start, end - 1)) + 1
        if isinstance(last.piece, Value):
            stop = last.piece.span.end
        if last.piece.source is not first.piece.source or stop <= begin:
            stop = first.piece.span.end
        return Place(first.piece.source, Span(begin, stop))

    def values(self, start: int, end: int) -> list[Part]:
        """The values that stand in `text[start:end]`, empty ones included."""
        first = max(0, bisect_right(self.parts, start, key=lambda part: part.start) - 1)
        last = bisect_left(self.parts, end, key=lambda part: part.start)
        return [p for p in self.parts[first:last] if isinstance(p.piece, Value) and p.end > start]

    def masked(self, start: int, end: int, secret: Callable[[Value], bool]) -> str:
        """`text[start:end]` with the values that are secret left out."""
        shown: list[str] = []
        at = start
        for part in self.values(start, end):
            if isinstance(part.piece, Value) and secret(part.piece):
                shown += [self.text[at : part.start], MASK]
                at = part.end
        return "".join([*shown, self.text[at:end]])

    def _part(self, at: int) -> Part:
        index = bisect_right(self.parts, at, key=lambda part: part.start) - 1
        return self.parts[max(index, 0)]

    def _offset(self, part: Part, at: int) -> int:
        if isinstance(part.piece, Value):
            return part.piece.span.start
        return part.piece.span.start + part.skip + min(at, part.end) - part.start


def unchanged(source: Source) -> Rendered:
    """A source without templates, as it is."""
    whole = Piece.of(source.text, source, Span(0, len(source.text)))
    return Rendered(source.text, (Part(0, len(source.text), whole),))

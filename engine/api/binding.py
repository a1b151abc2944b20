"""Placeholders and their values: `:name` out of a mapping, `?` out of a sequence.

Only tokens of a statement are ever replaced, each by one literal, so a value cannot become anything else, and what
looks like a placeholder in a string, a quoted name or a comment is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from msgspec import Struct

from engine.api.literals import literal
from engine.errors import Span, StatementError, StratoqlError, SyntaxFault, Unbound, suggest
from engine.explain import many
from engine.language.dialect import Piece, split, tokenize
from engine.language.parser import parse_piece
from engine.language.placeholders import placeholders
from engine.language.statements import Statement
from engine.language.text import Text, slice_of, splice

Parameters: TypeAlias = Mapping[str, object] | Sequence[object]
_FREE = " \t\r\n(),;="  # what may stand at a literal's side without becoming part of it


class Bound(Struct, frozen=True):
    """A statement with its values in it: as `written`, as `text`, and as what it says.

    `places`: each literal's span in the text, and its placeholder's in what was written.
    """

    written: str
    text: Text
    places: tuple[tuple[Span, Span], ...]
    statement: Statement


def bind(script: str, parameters: Parameters | None = None) -> list[Bound]:
    """The statements of a script with the values in the place of their placeholders.

    Raises StatementError: what is underlined is the script's own text, so that no value is ever shown.

    >>> [one.statement.text for one in bind("SELECT :a, ':a' -- :a", {"a": "it's"})]
    ["SELECT 'it''s', ':a'"]
    >>> [one.statement.text for one in bind("SELECT ?; SELECT ? || 'x'", [1, None])]
    ['SELECT 1', "SELECT NULL || 'x'"]
    """
    values = _Values(parameters)
    try:
        pieces = list(split(script))
    except SyntaxFault as error:
        error.statement = script
        raise
    found = [_bound(piece, values) for piece in pieces]
    values.check()
    return found


@contextmanager
def underlining(written: str, text: Text, places: Sequence[tuple[Span, Span]]) -> Iterator[None]:
    """An error's place, as one in what the user wrote."""
    try:
        yield
    except StratoqlError as error:
        whole, part = text.sql, error.statement or text.sql
        if error.statement != written and whole.endswith(part):
            shift = len(whole) - len(part)  # an EXPLAIN's own statement is the end of it
            if isinstance(error, StatementError) and error.span is not None:
                _place(error, Span(error.span.start + shift, error.span.end + shift), written, text, places)
            error.statement = written
        raise


def _place(error: StatementError, span: Span, written: str, text: Text, places: Sequence[tuple[Span, Span]]) -> None:
    """Where the user wrote what is at fault; a value that stands where none can is called by its placeholder."""
    error.span = text.origin(span.start, span.end)
    for ours, theirs in places:
        if ours.start <= span.start < ours.end:
            error.span = theirs
            if isinstance(error, SyntaxFault):
                error.message = f"no value can stand here, found {written[theirs.start : theirs.end]}"
                error.args = (error.message,)


def _bound(piece: Piece, values: _Values) -> Bound:
    edits: list[tuple[int, int, str]] = []
    try:
        for span, name in placeholders(piece):
            edits.append((span.start, span.end, _apart(values.take(span, name), piece.text, span)))
    except StatementError as error:
        error.statement = piece.text
        raise
    text = splice(slice_of(piece.text, 0, len(piece.text)), edits)
    places, shift = [], 0
    for start, end, replacement in edits:
        places.append((Span(start + shift, start + shift + len(replacement)), Span(start, end)))
        shift += len(replacement) - (end - start)
    with underlining(piece.text, text, places):
        again = Piece(text.sql, piece.offset, tuple(tokenize(text.sql)), piece.hints) if edits else piece
        return Bound(piece.text, text, tuple(places), parse_piece(again))


def _apart(value: str, text: str, span: Span) -> str:
    """A literal with space around it where it would grow together with its neighbour."""
    before, after = text[span.start - 1 : span.start], text[span.end : span.end + 1]
    return f"{'' if before in _FREE else ' '}{value}{'' if after in _FREE else ' '}"


class _Values:
    """The values that are there, and which of them are used."""

    def __init__(self, parameters: Parameters | None) -> None:
        if isinstance(parameters, str | bytes) or not isinstance(parameters, Mapping | Sequence | None):
            raise Unbound(
                f"parameters are a mapping or a sequence, not a {type(parameters).__name__}",
                hint="write (value,) for a single one",
            )
        self._named = parameters if isinstance(parameters, Mapping) else {}
        self._row = [] if parameters is None or isinstance(parameters, Mapping) else list(parameters)
        self._used = 0

    def take(self, span: Span, name: str | None) -> str:
        """The literal of a placeholder."""
        try:
            return self._literal(name)
        except StatementError as error:
            error.span = span
            raise

    def _literal(self, name: str | None) -> str:
        if name is None:
            self._used += 1
            if self._used > len(self._row):
                raise Unbound(f"there is no value for ? number {self._used}", hint=self._given())
            return literal(self._row[self._used - 1], f"number {self._used}")
        if name not in self._named:
            known = suggest(name, [key for key in self._named if isinstance(key, str) and key[:1] != "_"])
            raise Unbound(f"there is no value for :{name}", hint=known or self._given())
        return literal(self._named[name], f":{name}")

    def check(self) -> None:
        """Every value of a sequence has its placeholder; of a mapping some may be left over."""
        if self._row and self._used < len(self._row):
            raise Unbound(
                f"{many(len(self._row), 'value')} for {many(self._used, 'placeholder')}", hint=self._given()
            )

    def _given(self) -> str:
        if self._row:
            return "a sequence fills ? from left to right; a mapping fills :name"
        return "give a mapping for :name, a sequence for ?"

"""Scripts: files of statements, filled in with data, read whole before the first statement runs.

A script is rendered, parted and parsed at once, so that an unknown name or a typo at its end stops it before anything
has been sent. What goes wrong later is placed in the file as the user wrote it, with secrets left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from engine.data import Data, fitting, read_json, read_jsonnet
from engine.errors import (
    CallError,
    InvalidValue,
    Place,
    QueryFault,
    Source,
    Span,
    StatementError,
    StratoqlError,
    SyntaxFault,
    UnknownName,
    UsageError,
)
from engine.language.dialect import parse_query, split
from engine.language.inputs import compared_with, inputs, json_key
from engine.language.parser import parse_piece
from engine.language.pieces import Part, Piece, Rendered, Value, unchanged
from engine.language.statements import Body, Explain, Insert, Select, Statement, Use
from engine.language.text import quote_text
from engine.planner.inputs import shape_of
from engine.planner.names import Names
from engine.wire.masking import MASK, concealed, secret_name

_BLOCK = re.compile(r"(?:\s|--[^\n]*(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*\*/)*+<<<(json|jsonnet)\b", re.DOTALL)
_WORDS = {  # what `>>>` may stand in, and itself
    "json": re.compile(r'"(?:[^"\\\n]|\\.)*"|>>>'),
    "jsonnet": re.compile(
        r"""//[^\n]*|\#[^\n]*|/\*.*?\*/|\|\|\|-?[ \t]*\n.*?\n[ \t]*\|\|\||@"(?:[^"]|"")*"|@'(?:[^']|'')*'"""
        r"""|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|>>>""",
        re.DOTALL,
    ),
}


@dataclass(frozen=True)
class Item:
    """One statement of a script: `text` is `rendered.text` from `start` on."""

    text: str
    start: int
    statement: Statement | None  # None while it is parsed
    rendered: Rendered = field(repr=False)
    known_secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def body(self) -> Body | None:
        """What the statement says."""
        return self.statement.body if self.statement is not None else None

    @property
    def place(self) -> Place:
        """The statement's first line, in the script."""
        first = self.text.split("\n", 1)[0].rstrip()
        return self.rendered.place(self.start, self.start + len(first))

    @property
    def values(self) -> list[Part]:
        """What templates have put into it."""
        return self.rendered.values(self.start, self.start + len(self.text))

    @property
    def secrets(self) -> frozenset[str]:
        """The texts that must not be shown when it is told of."""
        own = (_text(part.piece.value) for part in self.values if isinstance(part.piece, Value) and part.piece.secret)
        return self.known_secrets | {text for text in own if text}

    def shown(self) -> str:
        """The statement as it may be shown."""
        secrets = self.secrets

        def secret(value: Value) -> bool:
            text = _text(value.value)
            return value.secret or any(hidden in text for hidden in secrets)

        return self.rendered.masked(self.start, self.start + len(self.text), secret)

    def placed(self, error: StratoqlError) -> StratoqlError:
        """An error of this statement, with its place in the script and without secrets."""
        if error.place is None and not (isinstance(error, UsageError) and error.statement is None):
            error.place = self._place(error)
        secrets = self.secrets
        error.message = concealed(error.message, secrets)
        error.hint = error.hint and concealed(error.hint, secrets)
        error.args = (error.message,)
        if isinstance(error, CallError):
            error.request = concealed(error.request, secrets)
        return error

    def _place(self, error: StratoqlError) -> Place:
        if isinstance(error, InvalidValue) and (part := self._giving(error)) is not None:
            return blamed(error, part.piece)
        span = error.span if isinstance(error, StatementError) else None
        if span is None or error.statement is None or not self.text.endswith(error.statement):
            return self.place
        at = self.start + len(self.text) - len(error.statement)
        return self.rendered.place(at + span.start, at + span.end)

    def bare_input(self, error: StratoqlError) -> Part | None:
        """The text that stands bare where an error is, as the whole of an input."""
        if not isinstance(error, QueryFault | UnknownName) or self.body is None or error.place is None:
            return None
        whole = {(self.start + span.start, self.start + span.end) for _, span in inputs(self.body)}
        for part in self.values:
            bare = isinstance(part.piece, Value) and isinstance(part.piece.value, str)
            if bare and part.piece.place == error.place and (part.start, part.end) in whole:
                return part
        return None

    def bare_text(self, place: Place | None) -> bool:
        """Whether a place is that of a text which stands in the statement as it is."""
        pieces = [part.piece for part in self.values if part.piece.place == place]
        return any(isinstance(piece, Value) and isinstance(piece.value, str) for piece in pieces)

    def _giving(self, error: InvalidValue) -> Part | None:
        """The value of a template that gave an input what does not fit."""
        named = error.name.rpartition("__")[2].casefold()
        found = []
        for name, span in inputs(self.body) if self.body is not None else ():
            if name.rpartition("__")[2].casefold() == named:
                found += self.rendered.values(self.start + span.start, self.start + span.end)
        for part in self.values:
            before = self.rendered.text[self.start : part.start]
            key = json_key(before) or compared_with(before)
            if key is not None and key.rpartition("__")[2].casefold() == named:
                found.append(part)
        got = error.message.rpartition(", got ")[2]
        told = [part for part in found if _tells(got, part)]
        if told or len(found) == 1:
            return (told or found)[0]
        told = [part for part in self.values if _tells(got, part)]  # of a subquery, a CTE
        return told[0] if told and (not found or len(told) == 1) else None


def clearer(item: Item, error: StratoqlError, rehearse: Callable[[str], object]) -> StratoqlError:
    """The error of a statement, placed; of bare text that is no SQL, what its input expects.

    `SELECT {{ disk_id }}` with the text abc fails for want of a column abc: `rehearse`, a dry run, is asked what it
    would be as a value.
    """
    placed = item.placed(error)
    if isinstance(placed, SyntaxFault) and placed.hint is None and item.bare_text(placed.place):
        placed.hint = "bare text is SQL, and what it makes of the statement here cannot be read"
    part = item.bare_input(error)
    if part is None or not isinstance(part.piece, Value):
        return placed
    start, end = part.start - item.start, part.end - item.start
    as_value = item.text[:start] + quote_text(str(part.piece.value)) + item.text[end:]
    try:
        rehearse(as_value)
    except InvalidValue as wrong:
        return item.placed(wrong)
    except StratoqlError:
        pass
    if placed.hint is None:
        placed.hint = f"bare text is SQL; for a text write '{part.piece.written}' or use | literal"
    return placed


def prepare(source: Source, data: Data, read: Callable[[str], str], names: Names | None = None) -> tuple[Item, ...]:
    """The statements of a script, in order. `read` gives the text of an included file, `names` the types of inputs.

    Raises StatementError with its place, or UsageError for data at its top that cannot be read; nothing has been run.
    """
    source, inline = _data_on_top(source)
    data = data.over(inline)
    rendered = _rendered(source, data, read, names)
    try:
        pieces = list(split(rendered.text))
    except StatementError as error:
        if error.span is not None:
            error.place = rendered.place(error.span.start, error.span.end)
        raise
    items, secrets = [], data.secrets
    for piece in pieces:
        item = Item(piece.text, piece.offset, None, rendered, secrets)
        try:
            statement = parse_piece(piece)
            _check(statement)
            items.append(replace(item, statement=statement))
        except StatementError as error:
            raise item.placed(error) from None
    return tuple(items)


def _check(statement: Statement) -> None:
    """Read the query in a statement too, which the planner would only do when its turn has come."""
    body = statement.body
    if isinstance(body, Explain):
        _check(body.statement)
    query = body.query if isinstance(body, Select) else body.rows if isinstance(body, Insert) else None
    if query is not None:
        try:
            parse_query(query)
        except StatementError as error:
            error.statement = statement.text
            raise


def _rendered(source: Source, data: Data, read: Callable[[str], str], names: Names | None) -> Rendered:
    """A script with its templates filled in; one without them needs no jinja2."""
    if not any(mark in source.text for mark in ("{{", "{%", "{#")):
        return unchanged(source)
    from engine.language.template import render

    try:
        return render(source, data.names, read, secret_name, partial(_type_at, names))
    except StratoqlError as error:
        error.message = concealed(error.message, data.secrets)
        error.args = (error.message,)
        raise


def _type_at(names: Names | None, text: str, at: int) -> str | None:
    """The type of the input that a place of a script gives, as the provider's document has it."""
    if names is None:
        return None
    try:
        for piece in split(text):
            body = parse_piece(piece).body
            if isinstance(body, Use):
                names = names.using(body.provider)
            for name, span in inputs(body) if piece.offset <= at < piece.offset + len(piece.text) else ():
                if span.start <= at - piece.offset < span.end:
                    shape = shape_of(body, name, names)
                    return shape.type if shape is not None else None
    except StratoqlError:
        pass  # told when the statement itself is read
    return None


def _data_on_top(source: Source) -> tuple[Source, Mapping[str, Any]]:
    """`<<<json ... >>>` at the top of a script: its data, and the script with blanks in its place."""
    match = _BLOCK.match(source.text) if "<<<" in source.text else None
    if match is None:
        return source, {}
    begin, name = match.end(), source.name or "the data on top"
    end = _end_of_block(source.text, begin, match[1])
    if end < 0:
        opened = match.start(1) - 3
        error = StatementError("this data is never closed", hint="end it with a line of >>>")
        error.place = Place(source, Span(opened, begin))
        raise error
    padded = "".join("\n" if c == "\n" else " " for c in source.text[:begin]) + source.text[begin:end]
    value = read_json(padded, name) if match[1] == "json" else read_jsonnet(padded, name)
    opened = match.start(1) - 3
    blank = "".join(c if c in "\r\n" else " " for c in source.text[opened : end + 3])
    text = source.text[:opened] + blank + source.text[end + 3 :]
    return Source(text, source.name), fitting(value, name, padded)


def _end_of_block(text: str, begin: int, kind: str) -> int:
    """Where the `>>>` stands that is in none of the data's strings and comments.

    >>> [_end_of_block(text, 0, "json") for text in ('{"a": ">>>"} >>>', '{"a": "b} >>>', "{}")]
    [13, 10, -1]
    """
    for found in _WORDS[kind].finditer(text, begin):
        if found[0] == ">>>":
            return found.start()
    return text.find(">>>", begin)  # a string is never closed, which the data's reader will tell


def blamed(error: StratoqlError, piece: Piece) -> Place:
    """The place of a value that does not fit; the error names the template that it is of."""
    if isinstance(piece, Value):
        error.message += f"; the value is that of {piece.written}"
        if piece.secret:
            error.message = re.sub(r", got .*?(?=; the value)", f", got {MASK}", error.message)
    return piece.place


def _tells(got: str, part: Part) -> bool:
    """Whether what an error says it got is, or holds, the value of a template."""
    text = _text(part.piece.value)[:40] if isinstance(part.piece, Value) else ""
    return bool(text) and text in got


def _text(value: Any) -> str:
    """A value as text, to look for it in a message."""
    import json

    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)

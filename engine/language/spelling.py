"""Values into the text around them: what a `{{ ... }}` becomes follows from where it stands.

The template's own text, each value replaced by the digit 0, is read by the one tokenizer of the language. That tells
for each value whether it stands in a string, in the JSON inside a string, in a quoted name, in a comment, or bare;
and no value can change that, because none has been put in yet. Then each is spelled so that it stays where it stands.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlglot import Token, TokenType

from engine.errors import StratoqlError, SyntaxFault, TemplateFault
from engine.language.dialect import tokenize
from engine.language.pieces import Absent, Captured, Part, Piece, Rendered, Value
from engine.language.text import quote_name, quote_text

_HOLE = "0"  # stands for a value: right in numbers, names, strings, hexadecimal strings and JSON
_TEXTS = (TokenType.STRING, TokenType.HEX_STRING, TokenType.NATIONAL_STRING)
_CLOSERS = {'"': '"', "`": "`", "[": "]"}
_NOT_APART = ("--", "/*", "''", '""', "``")

_QUOTE_IT = "put quotes around it for text: '{{ ... }}', or use | literal or | identifier"

Kind = Literal["bare", "text", "json", "json text", "name", "comment"]


class Sql(str):
    """SQL text that a filter made of a value, which stays beside it: inside quotes, the value is what counts."""

    value: Any


class Json(str):
    """JSON text that a filter made of a value."""

    value: Any


@dataclass(frozen=True)
class Hole:
    """A value's place: `alone` between the quotes around it, which may go with it; `quote` opens the name."""

    kind: Kind
    at: int
    alone: bool = False
    quote: str = ""
    key: bool = False


def spell(pieces: Sequence[Piece]) -> Rendered:
    """The text with every value spelled for its place. Raises SyntaxFault and TemplateFault with their place."""
    skeleton = _skeleton(pieces)
    holes = _holes(skeleton)
    while opened := _opened(skeleton, holes):
        skeleton = _skeleton(opened)
        holes = _holes(skeleton)
    edits: dict[int, tuple[int, int, str, bool]] = {}
    for index, hole in holes.items():
        part = skeleton.parts[index]
        assert isinstance(part.piece, Value)
        text, wider = _fitting(hole, part.piece)
        edits[index] = (part.start - wider, part.end + wider, text, hole.kind == "bare")
    return _filled(skeleton, edits)


def _opened(skeleton: Rendered, holes: Mapping[int, Hole]) -> list[Piece]:
    """The pieces, those of captured text that stands bare in its place; none where no such text is left.

    Inside quotes captured text is a text like any other, whatever quotes it holds.
    """
    opened: list[Piece] = []
    found = False
    for index, part in enumerate(skeleton.parts):
        value = part.piece.value if isinstance(part.piece, Value) else None
        if isinstance(value, Captured) and holes[index].kind == "bare":
            opened += value.pieces
            found = True
        else:
            opened.append(part.piece)
    return opened if found else []


def _skeleton(pieces: Sequence[Piece]) -> Rendered:
    """The template's own text, with a hole for each value."""
    parts: list[Part] = []
    at = 0
    for piece in pieces:
        size = len(_HOLE) if isinstance(piece, Value) else len(piece)
        if size:
            parts.append(Part(at, at + size, piece))
            at += size
    return Rendered("".join(_HOLE if isinstance(piece, Value) else piece for piece in pieces), tuple(parts))


def _holes(skeleton: Rendered) -> dict[int, Hole]:
    """What stands around each value, by the number of its part."""
    try:
        tokens = tokenize(skeleton.text)
    except SyntaxFault as error:
        if error.span is not None:
            error.place = skeleton.place(error.span.start, error.span.end)
        raise
    starts = [token.start for token in tokens]
    holes = {}
    for index, part in enumerate(skeleton.parts):
        if isinstance(part.piece, Value):
            holes[index] = _hole(skeleton.text, tokens, starts, part)
    return holes


def _filled(skeleton: Rendered, edits: dict[int, tuple[int, int, str, bool]]) -> Rendered:
    """The skeleton with its holes filled; an edit may take the quotes around its hole with it."""
    texts: list[str] = []
    parts: list[Part] = []
    at = 0

    def put(piece: Piece, text: str, skip: int, apart: bool) -> None:
        nonlocal at
        if apart and texts and (texts[-1][-1:] + text[:1]) in _NOT_APART:
            text, skip = " " + text, skip - 1
        if text:
            texts.append(text)
            parts.append(Part(at, at + len(text), piece, skip))
            at += len(text)

    begin, was_bare = 0, False
    for index, part in enumerate(skeleton.parts):
        if index in edits:
            _, begin, text, bare = edits[index]
            put(part.piece, text, 0, apart=bare or was_bare)
            was_bare = bare
            continue
        start = max(part.start, begin)
        end = min(part.end, edits[index + 1][0]) if index + 1 in edits else part.end
        put(part.piece, skeleton.text[start:end], start - part.start, apart=was_bare)
        was_bare = False
    return Rendered("".join(texts), tuple(parts))


def _hole(text: str, tokens: Sequence[Token], starts: Sequence[int], part: Part) -> Hole:
    """What stands around a hole."""
    at = part.start
    index = bisect_right(starts, at) - 1
    token = tokens[index] if index >= 0 else None
    if token is None or at > token.end:
        return Hole("comment", at)
    opening = text[token.start]
    if token.token_type is TokenType.IDENTIFIER and opening in _CLOSERS:
        return Hole("name", at, quote=opening)
    if token.token_type not in _TEXTS or text[token.end] != "'":
        return Hole("bare", at)
    begin = text.index("'", token.start) + 1
    inside = text[begin : token.end]
    if token.token_type is TokenType.STRING and _is_json(inside):
        return _json_hole(inside, at - begin, at)
    if [t.text.upper() for t in tokens[max(0, index - 4) : index]] == ["@", "@", "JSON", "="]:
        raise _unfit(part.piece, "the JSON around it cannot be read", "look for a quote, comma or brace too many")
    return Hole("text", at, alone=inside == _HOLE and begin == token.start + 1)


def _is_json(inside: str) -> bool:
    """Whether what stands in a string is JSON, an array or object, with holes in it."""
    if inside.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(inside.replace("''", "'"))
    except (ValueError, RecursionError):
        return False
    return True


def _json_hole(inside: str, within: int, at: int) -> Hole:
    """Whether the hole is in one of the JSON's strings, and whether it is all of it.

    >>> _json_hole('{"a": "0", "b": 0}', 7, 7).alone, _json_hole('{"a": "0", "b": 0}', 16, 16).kind
    (True, 'json')
    """
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"', inside, re.DOTALL):
        if match.start() < within < match.end():
            key = inside[match.end() :].lstrip()[:1] == ":"
            return Hole("json text", at, alone=match[0] == f'"{_HOLE}"', key=key)
    return Hole("json", at)


def _fitting(hole: Hole, piece: Value) -> tuple[str, int]:
    """The text for a hole, and how many characters on either side go with it."""
    value = piece.value
    if isinstance(value, Absent):
        if hole.kind == "comment":
            return "", 0
        raise value.error
    if hole.kind == "bare":
        return _bare(value, piece), 0
    if isinstance(value, Captured):
        value = _text_of(value)
    if isinstance(value, Sql | Json) and hole.kind != "json":
        value = value.value
    if hole.kind == "comment":
        return _comment(value), 0
    if hole.kind == "name":
        return _name(value, hole.quote, piece), 0
    if hole.kind == "text":
        return ("NULL", 1) if value is None and hole.alone else (_escaped(_plain(value, piece), piece), 0)
    if hole.kind == "json":
        text = (
            str(value) if isinstance(value, Json) else _json(value.value if isinstance(value, Sql) else value, piece)
        )
        return _escaped(text, piece), 0
    if hole.alone and not hole.key and (value is None or isinstance(value, list | dict)):
        return _escaped(_json(value, piece), piece), 1
    if isinstance(value, list | dict):
        raise _unfit(
            piece, f"{kind(value)} cannot be part of a text", "put it alone between its quotes, or use | join"
        )
    return _escaped(_json(_plain(value, piece), piece)[1:-1], piece), 0


def _text_of(captured: Captured) -> str:
    """Captured text as a text: its values as they are, not as SQL would spell them."""
    return "".join(_plain(p.value, p) if isinstance(p, Value) else p for p in captured.pieces)


def _bare(value: Any, piece: Value) -> str:
    """SQL: what a value is in an expression. Text is SQL already, and must end as it begins, outside quotes."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Json):
        return quote_text(_whole(str(value), piece))
    if isinstance(value, list | dict):
        return quote_text(_whole(_json(value, piece), piece))
    if not isinstance(value, str):
        return _plain(value, piece)
    text = _whole(str(value), piece)
    if wrong := _unclosed(text):
        raise _unfit(piece, f"it is SQL text here, and {wrong}", _QUOTE_IT)
    return text


def _unclosed(text: str) -> str | None:
    """How a piece of SQL would change what comes after it.

    >>> _unclosed("a = 1 AND b = ')'"), _unclosed("a = 'b"), _unclosed("1; DELETE"), _unclosed("1) OR (2")
    (None, 'opens a quote or comment that it does not close', 'ends the statement', 'closes a parenthesis that it does not open')
    """
    try:
        tokens = tokenize(f"{text} {_HOLE}")
    except StratoqlError:
        tokens = []
    if not tokens or tokens[-1].start != len(text) + 1:
        return "opens a quote or comment that it does not close"
    depth = 0
    for token in tokens:
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth < 0:
            return "closes a parenthesis that it does not open"
        if token.token_type is TokenType.SEMICOLON:
            return "ends the statement"
    return "opens a parenthesis that it does not close" if depth else None


def _plain(value: Any, piece: Value) -> str:
    """The text of a value."""
    if isinstance(value, Captured):
        return _text_of(value)
    if isinstance(value, str):
        return str(value)
    if value is None:
        raise _unfit(
            piece, "it is null, which cannot be part of a text", "use | default('...', true), or leave it out"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise _unfit(piece, f"{value} is no number that can be sent")
    return repr(value) if isinstance(value, float) else _json(value, piece)


def _name(value: Any, quote: str, piece: Value) -> str:
    """What a quoted name can hold."""
    if value is None or isinstance(value, list | dict):
        raise _unfit(piece, f"{kind(value)} cannot be a name")
    text = _whole(_plain(value, piece), piece)
    closer = _CLOSERS[quote]
    if quote == "[" and closer in text:
        raise _unfit(piece, "a name in brackets cannot hold a ]", 'write it as "{{ ... }}"')
    return text.replace(closer, closer * 2)


def _comment(value: Any) -> str:
    """Something for the eye, on one line, that cannot end the comment."""
    text = value if isinstance(value, str) else json.dumps(value, default=lambda _: "")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()).replace("*/", "* /")


def _escaped(text: str, piece: Value) -> str:
    """Text inside an SQL string."""
    return _whole(text, piece).replace("'", "''")


def _whole(text: str, piece: Value) -> str:
    """The text, where SQL text can hold it."""
    if "\x00" in text:
        raise _unfit(piece, "it holds a NUL character, which cannot stand in SQL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _unfit(piece, "it holds half a character, which cannot stand in SQL") from None
    return text


def _json(value: Any, piece: Value) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise _unfit(piece, f"it cannot be written as JSON: {error}") from None


def kind(value: Any) -> str:
    """What a person calls a value.

    >>> kind([]), kind({}), kind(None), kind("")
    ('a list', 'an object', 'null', 'a text')
    """
    kinds = {list: "a list", dict: "an object", type(None): "null", bool: "a boolean", str: "a text"}
    return kinds.get(type(value), "a number")


def _unfit(piece: Piece, why: str, hint: str | None = None) -> TemplateFault:
    written = piece.written if isinstance(piece, Value) else piece
    error = TemplateFault(f"{written} does not fit here: {why}", hint=hint)
    error.place = piece.place
    return error


def literal(value: Any) -> Sql:
    """A value as an SQL literal.

    >>> literal("it's"), literal(2), literal(None), literal(["a"])
    ("'it''s'", '2', 'NULL', '\\'["a"]\\'')
    """
    if value is None or isinstance(value, bool):
        text = {None: "NULL", True: "TRUE", False: "FALSE"}[value]
    elif isinstance(value, int | float):
        text = repr(value)
    else:
        text = quote_text(str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    found = Sql(text)
    found.value = value
    return found


def identifier(value: Any) -> Sql:
    """A name, quoted; the names of a list, joined by dots.

    >>> identifier('a"b'), identifier(["linode", "images"])
    ('"a""b"', '"linode"."images"')
    """
    names = value if isinstance(value, list | tuple) else [value]
    found = Sql(".".join(quote_name(str(name)) for name in names))
    found.value = value
    return found

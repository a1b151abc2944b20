"""Values as text: what a `{{ ... }}` becomes, spelled so that it stays where it stands."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from sqlglot import TokenType

from engine.errors import StratoqlError, TemplateFault
from engine.language.dialect import tokenize
from engine.language.holes import CLOSERS, HOLE, Hole, holes_in, opened, skeleton_of
from engine.language.pieces import Absent, Captured, Filtered, Part, Piece, Rendered, Value
from engine.language.text import quote_name, quote_text

TypeAt: TypeAlias = Callable[[str, int], str | None]
_NOT_APART = ("--", "/*", "''", '""', "``")

_QUOTE_IT = "put quotes around it for text: '{{ ... }}', or use | literal or | identifier"


class Sql(str):
    """SQL text that a filter made of a value, which stays beside it: inside quotes, the value is what counts."""

    value: Any


class Json(str):
    """JSON text that a filter made of a value."""

    value: Any


def spell(pieces: Sequence[Piece], type_at: TypeAt = lambda text, at: None) -> Rendered:
    """The text with every value spelled for its place. Raises SyntaxFault and TemplateFault with their place.

    `type_at` is asked where brackets alone leave open whether a string is JSON or a text: of what type the input is
    that this place of the text gives, None where that is not known.
    """
    skeleton = skeleton_of(pieces)
    holes = holes_in(skeleton)
    while pieces := opened(skeleton, holes):
        skeleton = skeleton_of(pieces)
        holes = holes_in(skeleton)
    edits: dict[int, tuple[int, int, str, bool]] = {}
    for index, hole in holes.items():
        part = skeleton.parts[index]
        assert isinstance(part.piece, Value)
        if hole.bracketed and isinstance(part.piece.value, str | None):
            hole = _decided(hole, type_at(skeleton.text, part.start), part.piece)
        text, wider = _fitting(hole, part.piece)
        if wider and text == "NULL":
            text = _apart(skeleton.text, part.start - wider, part.end + wider)
        edits[index] = (part.start - wider, part.end + wider, text, hole.kind == "bare")
    return _filled(skeleton, edits)


def _decided(hole: Hole, kind: str | None, piece: Value) -> Hole:
    """A value in nothing but brackets, as JSON or as text."""
    if kind == "string":
        return Hole("text")
    if kind is None and isinstance(piece.value, str) and not isinstance(piece.value, Json | Sql):
        raise _unfit(
            piece,
            "nobody can say whether the text in brackets around it is JSON",
            "write '{{ [...] | tojson }}' for JSON, and '{{ '[' ~ ... ~ ']' }}' for a text",
        )
    return hole


def _apart(text: str, start: int, end: int) -> str:
    """NULL in the place of a string, which could touch the words beside it.

    >>> _apart("SELECT'0'AS x", 6, 9), _apart("('0')", 1, 4)
    (' NULL ', 'NULL')
    """
    before, after = (" " if re.match(r"\w", one) else "" for one in (text[start - 1 : start], text[end : end + 1]))
    return f"{before}NULL{after}"


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
        if text or isinstance(piece, Value):  # an empty value has a place too
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


def _fitting(hole: Hole, piece: Value) -> tuple[str, int]:
    """The text for a hole, and how many characters on either side go with it."""
    value = piece.value
    if isinstance(value, Absent):
        if hole.kind == "comment":
            return "", 0
        raise value.error
    if hole.kind == "bare":
        return _bare(value, piece), 0
    if isinstance(value, Captured | Filtered):
        value = value.plain()
    if isinstance(value, Sql | Json) and hole.kind != "json":
        value = value.value
    if hole.kind == "comment":
        return _comment(value), 0
    if hole.kind == "name":
        return _name(value, hole.quote, piece), 0
    if hole.doubtful:
        return _escaped(_undoubted(_plain(value, piece), piece), piece), 0
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


def _undoubted(text: str, piece: Value) -> str:
    """A text that is the same whether it is escaped for JSON or not."""
    if json.dumps(text, ensure_ascii=False)[1:-1] != text:
        raise _unfit(
            piece,
            "the text around it looks like JSON and is none, so nobody can say whether its quotes must be escaped",
            "write the whole as one value: {{ ... | tojson }}",
        )
    return text


def text_of(pieces: Sequence[Piece]) -> str:
    """Captured text as a text: its values as they are, not as SQL would spell them."""
    return "".join(_plain(p.value, p) if isinstance(p, Value) else p for p in pieces)


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

    >>> _unclosed("a = 1 AND b = ')'"), _unclosed("1; DELETE"), _unclosed("1) OR (2")
    (None, 'ends the statement', 'closes a parenthesis that it does not open')
    """
    try:
        tokens = tokenize(f"{text} {HOLE}")
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
    if isinstance(value, Captured | Filtered):
        return value.plain()
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
    closer = CLOSERS[quote]
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


def _unfit(piece: Value, why: str, hint: str | None = None) -> TemplateFault:
    error = TemplateFault(f"{piece.written} does not fit here: {why}", hint=hint)
    error.place = piece.place
    return error


def literal(value: Any) -> Sql:
    """A value as an SQL literal.

    >>> literal("it's"), literal(2), literal(None), literal(["a"])
    ("'it''s'", '2', 'NULL', '\\'["a"]\\'')
    """
    if value is None or isinstance(value, bool):
        text = {None: "NULL", True: "TRUE", False: "FALSE"}[value]
    elif isinstance(value, float) and not math.isfinite(value):
        raise TemplateFault(f"{value} is no number that can be sent")
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

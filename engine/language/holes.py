"""Where the values of a template stand.

The template's own text, each value replaced by the digit 0, is read by the one tokenizer of the language. That tells
for each value whether it stands in a string, in the JSON inside a string, in a quoted name, in a comment, or bare;
and no value can change that, because none has been put in yet.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from sqlglot import Token, TokenType

from engine.errors import SyntaxFault, TemplateFault
from engine.language.dialect import tokenize
from engine.language.pieces import Captured, Part, Piece, Rendered, Value

HOLE = "0"  # stands for a value: right in numbers, names, strings, hexadecimal strings and JSON
CLOSERS = {'"': '"', "`": "`", "[": "]"}
_BRACKETS = re.compile(r"\s*\[[\s0-9,.\[\]-]*\]\s*")
_OF_TEXT = (["LIKE"], ["GLOB"], ["REGEXP"], ["||"])  # what follows them is no JSON
_TEXTS = (TokenType.STRING, TokenType.HEX_STRING, TokenType.NATIONAL_STRING)

Kind = Literal["bare", "text", "json", "json text", "name", "comment"]


@dataclass(frozen=True)
class Hole:
    """A value's place: `alone` between the quotes around it, which may go with it; `quote` opens the name."""

    kind: Kind
    alone: bool = False
    quote: str = ""
    key: bool = False
    doubtful: bool = False  # in quotes in what looks like JSON and is none
    bracketed: bool = False  # in JSON that may be a text in brackets as well


def opened(skeleton: Rendered, holes: Mapping[int, Hole]) -> list[Piece]:
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


def skeleton_of(pieces: Sequence[Piece]) -> Rendered:
    """The template's own text, with a hole for each value."""
    parts: list[Part] = []
    at = 0
    for piece in pieces:
        size = len(HOLE) if isinstance(piece, Value) else len(piece)
        if size:
            parts.append(Part(at, at + size, piece))
            at += size
    return Rendered("".join(HOLE if isinstance(piece, Value) else piece for piece in pieces), tuple(parts))


def holes_in(skeleton: Rendered) -> dict[int, Hole]:
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


def _hole(text: str, tokens: Sequence[Token], starts: Sequence[int], part: Part) -> Hole:
    """What stands around a hole."""
    at = part.start
    index = bisect_right(starts, at) - 1
    token = tokens[index] if index >= 0 else None
    if token is None or at > token.end:
        return Hole("comment")
    opening = text[token.start]
    if token.token_type is TokenType.IDENTIFIER and opening in CLOSERS:
        return Hole("name", quote=opening)
    if token.token_type not in _TEXTS or text[token.end] != "'":
        return Hole("bare")
    begin = text.index("'", token.start) + 1
    inside = text[begin : token.end]
    if token.token_type is TokenType.STRING and _is_json(inside):
        hole = _json_hole(inside, at - begin)
        before = [t.text.upper() for t in tokens[max(0, index - 4) : index]]
        if hole.kind != "json" or _BRACKETS.fullmatch(inside) is None or before == ["@", "@", "JSON", "="]:
            return hole
        joined = [t.text for t in tokens[index + 1 : index + 2]] == ["||"]
        return Hole("text") if joined or before[-1:] in _OF_TEXT else replace(hole, bracketed=True)
    alone = inside == HOLE and begin == token.start + 1
    if not alone and [t.text.upper() for t in tokens[max(0, index - 4) : index]] == ["@", "@", "JSON", "="]:
        error = TemplateFault("the JSON around this cannot be read", hint="look for a quote, comma or brace too many")
        error.place = part.piece.place
        raise error
    bracketed = inside.strip()[:1] + inside.strip()[-1:] in ("{}", "[]")
    doubtful = bracketed and _in_quotes(inside, at - begin)
    if doubtful and _touching(inside):
        error = TemplateFault(
            "two strings touch here: SQL reads them as one, with a quote where they meet, and that is no JSON",
            hint="put a comma, a space or || between them",
        )
        error.place = part.piece.place
        raise error
    return Hole("text", alone=alone, doubtful=doubtful)


@lru_cache(maxsize=4)  # asked once for each value in it
def _is_json(inside: str) -> bool:
    """Whether what stands in a string is JSON, an array or object, with holes in it."""
    if inside.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(inside.replace("''", "'"))
    except (ValueError, RecursionError):
        return False
    return True


@lru_cache(maxsize=4)
def _touching(inside: str) -> bool:
    """Whether a string is several that touch, the first or the last of them JSON. Whether its values hold quotes is
    not asked: what is no template for some values is none for the others.

    >>> _touching("[0]''[0]"), _touching("[it''s 0]")
    (True, False)
    """
    return any(_is_json(inside[: at.start()]) or _is_json(inside[at.end() :]) for at in re.finditer("''", inside))


def _in_quotes(inside: str, at: int) -> bool:
    """Whether a place is between double quotes.

    >>> _in_quotes('["0"0"0"]', 2), _in_quotes('["0"0"0"]', 4)
    (True, False)
    """
    marks = re.finditer(r'\\.|"', inside[:at], re.DOTALL)
    return sum(mark[0] == '"' for mark in marks) % 2 == 1


@lru_cache(maxsize=4)
def _strings(inside: str) -> list[tuple[int, int]]:
    """Where the strings of a JSON text are, quotes included."""
    return [match.span() for match in re.finditer(r'"(?:[^"\\]|\\.)*"', inside, re.DOTALL)]


def _json_hole(inside: str, at: int) -> Hole:
    """Whether the hole is in one of the JSON's strings, and whether it is all of it.

    >>> _json_hole('{"a": "0", "b": 0}', 7).alone, _json_hole('{"a": "0", "b": 0}', 16).kind
    (True, 'json')
    """
    strings = _strings(inside)
    index = bisect_right(strings, (at, at)) - 1
    if index < 0 or at >= strings[index][1]:
        return Hole("json")
    start, end = strings[index]
    key = re.compile(r"\s*:").match(inside, end) is not None
    return Hole("json text", alone=inside[start:end] == f'"{HOLE}"', key=key)

"""Which piece of a statement gives which input: where a value that does not fit was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlglot import Token, TokenType

from engine.errors import Span
from engine.language.dialect import tokenize
from engine.language.statements import Body, Call, Change, Insert
from engine.language.text import Text

_ENDS = ("FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "UNION", "EXCEPT", "INTERSECT", "WINDOW")
_COMPARED = re.compile(
    r"""(\w+)["`\]]?\s*(?:[=<>!]=?|<>|\bIS|\bLIKE|\bGLOB|\bBETWEEN(?:\s+\S+\s+AND)?|\bIN\s*\([^()]*)\s*'?\Z""",
    re.IGNORECASE,
)
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*(?:"(?:[^"\\]|\\.)*|\[[^\[\]]*|)\Z', re.DOTALL)


def inputs(body: Body) -> Iterator[tuple[str, Span]]:
    """The name of each input as written, and the span of the statement that gives its value."""
    pairs: Sequence[tuple[str, Text]] = ()
    if isinstance(body, Change):
        pairs = [(word.name, value) for word, value in body.assignments]
    elif isinstance(body, Call):
        pairs = [(word.name, value) for word, value in body.arguments]
    elif isinstance(body, Insert):
        yield from _of_rows([word.name for word in body.columns], body.rows)
    for name, value in pairs:
        span = value.origin(0, len(value.sql))
        if span is not None:
            yield name, span


def json_key(before: str) -> str | None:
    """The member of a JSON text whose value begins, or goes on, where `before` ends.

    >>> json_key('{"label": "a", "tags": ["'), json_key('{"disk_id": '), json_key('{"a": 1, ')
    ('tags', 'disk_id', None)
    """
    match = _KEY.search(before)
    return match[1] if match else None


def compared_with(before: str) -> str | None:
    """The name that a value is compared with, where `before` ends before the value.

    >>> [compared_with(text) for text in ("WHERE i.page = '", "AND page IN ('1', ", "a BETWEEN ", "SELECT '")]
    ['page', 'page', 'a', None]
    """
    match = _COMPARED.search(before)
    return match[1] if match else None


def _of_rows(names: Sequence[str], rows: Text) -> Iterator[tuple[str, Span]]:
    """The items of a SELECT, or of each row of VALUES, beside the columns they are for."""
    for start, end, index in _items(tokenize(rows.sql)):
        span = rows.origin(start, end)
        if span is not None and index < len(names):
            yield names[index], span


def _items(tokens: Sequence[Token]) -> Iterator[tuple[int, int, int]]:
    """Start, end and number of each item: what stands between commas after SELECT, or in the rows of VALUES.

    >>> [(start, end) for start, end, _ in _items(tokenize("SELECT DISTINCT a, f(b, c) FROM t"))]
    [(16, 17), (19, 26)]
    >>> [number for *_, number in _items(tokenize("VALUES (1, (2)), (3, 4)"))]
    [0, 1, 0, 1]
    """
    level = 1 if tokens and tokens[0].text.upper() == "VALUES" else 0  # how deep in parentheses the items stand
    depth = index = end = 0
    start, inside = -1, False
    for token in tokens:
        word = "" if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER) else token.text.upper()
        depth -= word == ")"
        if inside and _ends(word, depth - level):
            yield start, end, index
            index, start, inside = index + 1, -1, word == ","
        elif inside and start < 0 and word not in ("DISTINCT", "ALL"):
            start = token.start
        depth += word == "("
        if not inside and depth == level and word == ("(" if level else "SELECT"):
            index, start, inside = 0, -1, True
        end = token.end + 1
    if inside and start >= 0:
        yield start, end, index


def _ends(word: str, depth: int) -> bool:
    """Whether a word ends an item, `depth` parentheses inside it."""
    return (word == ")" and depth == -1) or (depth == 0 and (word == "," or word in _ENDS))

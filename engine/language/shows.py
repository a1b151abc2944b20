"""SHOW and DESCRIBE: what they ask for, and the query that each of them is.

Each is a table of the schema `system`, named by its own text: `SHOW METHODS IN p.s.r LIKE 'x%'` is the query
`SELECT * FROM system."SHOW METHODS IN p.s.r" WHERE "MethodName" LIKE 'x%'`. So one may stand wherever a query may, in
parentheses, and whatever SQL does with tables it does with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from sqlglot import Token, TokenType

from engine.errors import SyntaxFault
from engine.language.hints import Hint, read_hints
from engine.language.reader import CLOSE, OPEN, QUOTED, Reader
from engine.language.statements import Describe, Name, Show
from engine.language.text import Text, quote_name, quote_text, slice_of, weave

_KINDS: dict[str, Literal["providers", "services", "resources", "methods"]] = {
    "PROVIDERS": "providers",
    "SERVICES": "services",
    "RESOURCES": "resources",
    "METHODS": "methods",
}
_EXAMPLES = {"services": "linode", "resources": "linode.images", "methods": "linode.images.images"}
_FIRST = ("SHOW", "DESCRIBE", "DESC")
_OPERATORS = (
    "AND",
    "OR",
    "IS",
    "IN",
    "NOT",
    "LIKE",
    "GLOB",
    "BETWEEN",
    "COLLATE",
    "REGEXP",
    "ISNULL",
    "NOTNULL",
    "AS",
)
# What users of other databases ask for, and what answers it here.
_HABITS = {
    "TABLES": "tables are resources: SHOW RESOURCES IN linode.images, or SELECT * FROM system.resources",
    "VIEWS": "SHOW RESOURCES IN linode.images lists what can be selected from",
    "DATABASES": "a database is a provider: SHOW PROVIDERS",
    "SCHEMAS": "a schema is a service: SHOW SERVICES IN linode",
    "COLUMNS": "DESCRIBE linode.images.images, or SELECT * FROM system.columns",
    "FIELDS": "DESCRIBE linode.images.images, or SELECT * FROM system.columns",
    "CREATE": "DESCRIBE linode.images.images, or SHOW INSERT INTO linode.images.images for what a row takes",
    "FUNCTIONS": "the functions are SQLite's; SHOW METHODS IN linode.images.images lists what EXEC can call",
    "PROCEDURES": "SHOW METHODS IN linode.images.images lists what EXEC can call",
    "VARIABLES": "SELECT * FROM system.settings",
    "SETTINGS": "SELECT * FROM system.settings",
    "PROCESSLIST": "SELECT * FROM system.requests tells what was sent",
    "REQUESTS": "SELECT * FROM system.requests",
}


def hints_of(tokens: tuple[Token, ...]) -> tuple[Hint, ...]:
    """What the comments straight after these tokens ask for."""
    comments = (c for token in tokens for c in token.comments if c.strip().startswith("+"))
    return tuple(hint for comment in comments for hint in read_hints(comment))


def read_show(reader: Reader) -> Show:
    """`SHOW [EXTENDED] PROVIDERS | SERVICES IN p | RESOURCES IN p.s | METHODS IN p.s.r [LIKE '...'] [WHERE ...]`.

    Also `SHOW INSERT INTO p.s.r` and `SHOW MANIFEST IN p.s.r`.
    """
    begin = reader.at
    reader.take("SHOW")
    if reader.word() in ("INSERT", "MANIFEST"):
        return _template(reader, begin)
    extended = reader.take("EXTENDED")
    kind = _KINDS.get(reader.word())
    if kind is None:
        hint = _HABITS.get(reader.word())
        raise reader.fault("expected PROVIDERS, SERVICES, RESOURCES, METHODS or INSERT", hint=hint)
    reader.at += 1
    scope = None
    if kind != "providers":
        if not (reader.take("IN") or reader.take("FROM")):
            raise reader.fault("expected IN", hint=f"write it as: SHOW {kind.upper()} IN {_EXAMPLES[kind]}")
        scope = reader.name("a name")
    asked = f"SHOW {'EXTENDED ' if extended else ''}{kind.upper()}{'' if scope is None else ' IN '}"
    on = "MethodName" if kind == "methods" else "name"
    return Show(kind, scope, extended, query=_query(reader, asked, scope, on))


def _template(reader: Reader, begin: int) -> Show:
    """`SHOW INSERT [/*+ REQUIRED */] INTO p.s.r` and `SHOW MANIFEST IN p.s.r`."""
    required = any(hint.name == "REQUIRED" for hint in hints_of(reader.tokens[begin : reader.at + 1]))
    kind: Literal["insert", "manifest"] = "insert" if reader.take("INSERT") else "manifest"
    if kind == "insert":
        reader.expect("INTO", "SHOW INSERT INTO linode.images.images")
    else:
        reader.at += 1
        reader.expect("IN", "SHOW MANIFEST IN linode.images.images")
    scope = reader.name("a resource")
    asked = (
        "SHOW MANIFEST IN " if kind == "manifest" else f"SHOW INSERT {'/*+ REQUIRED */ ' if required else ''}INTO "
    )
    plain = reader.at >= reader.end
    return Show(kind, scope, required=required, query=_query(reader, asked, scope, kind), plain=plain)


def read_describe(reader: Reader) -> Describe:
    """`DESCRIBE [EXTENDED] p.s.r` and `DESCRIBE METHOD [EXTENDED] p.s.r.m`, with LIKE and WHERE."""
    reader.at += 1
    extended = reader.take("EXTENDED")
    method = reader.take("METHOD")
    extended = reader.take("EXTENDED") or extended
    target = reader.name("a method" if method else "a resource")
    asked = f"DESCRIBE {'METHOD ' if method else ''}{'EXTENDED ' if extended else ''}"
    return Describe(target, method, extended, query=_query(reader, asked, target, "name"))


def _query(reader: Reader, asked: str, scope: Name | None, on: str) -> Text:
    """The query that the statement is; its LIKE looks at the column `on`. Reads to the end."""
    pieces: list[Text | str] = ['SELECT * FROM system."', asked]
    if scope is not None:
        written = slice_of(reader.text, *scope.span)
        plain = re.fullmatch(r"[\w.]+", written.sql)
        pieces.append(written if plain else ".".join(map(quote_name, scope.parts)).replace('"', '""'))
    pieces.append('"')
    word = "WHERE"
    if reader.take("LIKE"):
        if reader.at >= reader.end or reader.tokens[reader.at].token_type is not TokenType.STRING:
            raise reader.fault("expected a pattern in quotes after LIKE")
        pieces += [f" WHERE {quote_name(on)} LIKE {quote_text(reader.tokens[reader.at].text)}"]
        reader.at += 1
        word = "AND"
    if reader.take("WHERE"):
        end = reader.find("ORDER BY", "ORDER", "LIMIT", "GROUP", "GROUP BY")
        pieces += [f" {word} (", lifted(reader, end, "a predicate"), "\n)"]
    if reader.word() in ("ORDER BY", "ORDER", "LIMIT", "GROUP", "GROUP BY"):
        shown = reader.text[reader.tokens[0].start :].partition(" ")[0].upper()
        raise reader.fault(
            f"{shown} takes LIKE and WHERE",
            hint=f"put it into a query for more: SELECT * FROM ({shown} ...) ORDER BY 1",
        )
    reader.done()
    return weave(*pieces)


def lifted(reader: Reader, end: int, what: str) -> Text:
    """The text of the coming tokens up to `end`; each SHOW or DESCRIBE in parentheses becomes the query it is."""
    begin = reader.at
    whole = reader.piece(end, what)
    first = reader.tokens[begin].start
    pieces: list[Text | str] = []
    at = first
    for start, close, query in lifts(reader, begin, end):
        pieces += [slice_of(reader.text, at, start), query]
        at = close
    if not pieces:
        return whole
    return weave(*pieces, slice_of(reader.text, at, first + len(whole.sql)))


def lifts(reader: Reader, begin: int, end: int) -> Iterator[tuple[int, int, Text]]:
    """Each `SHOW ...` and `DESCRIBE ...` that a parenthesis opens between two tokens: its place, and its query."""
    index = begin
    while index < end - 1:
        index += 1
        if reader.tokens[index - 1].token_type not in OPEN or not _begins(reader.tokens[index : index + 2]):
            continue
        ahead, close = reader.tokens[index], closing(reader, index - 1)
        inner = Reader(reader.text, reader.tokens, index, close)
        found = read_show(inner) if ahead.text.upper() == "SHOW" else read_describe(inner)
        yield ahead.start, reader.tokens[close].start, found.query
        index = close


def _begins(tokens: tuple[Token, ...]) -> bool:
    """Whether a SHOW or DESCRIBE begins here. Columns may have these names too: then an operator follows."""
    if len(tokens) < 2 or tokens[0].token_type in QUOTED or tokens[0].text.upper() not in _FIRST:
        return False
    word = tokens[1].text.upper()
    if tokens[0].text.upper() == "SHOW":
        return word in (*_KINDS, *_HABITS, "EXTENDED", "INSERT", "MANIFEST")
    return re.match(r"\w", word) is not None and word not in _OPERATORS


def closing(reader: Reader, opened: int) -> int:
    """The index of the parenthesis that closes the one at an index; every one has its partner by now."""
    depth = 1
    at = opened
    while depth:
        at += 1
        kind = reader.tokens[at].token_type
        depth += (kind in OPEN) - (kind in CLOSE)
    return at


def told(name: str) -> Show | Describe:
    """The statement that the name of its table spells.

    >>> told("SHOW METHODS IN linode.images.images").kind
    'methods'
    """
    from engine.language.dialect import tokenize

    reader = Reader(name, tuple(tokenize(name)))
    if reader.word() not in _FIRST:
        raise SyntaxFault(f"{name} is no SHOW and no DESCRIBE")
    return read_show(reader) if reader.word() == "SHOW" else read_describe(reader)

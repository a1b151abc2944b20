"""What a statement says, as frozen data. Pieces of SQL inside it are `Text`: they know their place in the source."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from engine.errors import Span
from engine.language.hints import Hint
from engine.language.text import Text


class Name(Struct, frozen=True):
    """A dotted name as written: `linode.images.images`, with its place in the statement."""

    parts: tuple[str, ...]
    span: Span

    def __str__(self) -> str:
        return ".".join(self.parts)


class Word(Struct, frozen=True):
    """One identifier and its place."""

    name: str
    span: Span


class Call(Struct, frozen=True):
    """`EXEC p.s.r.method @name = expr, ... @@json = '...'`, also as a table: `FROM (EXEC ...)`.

    `@@file = 'path'` is a file that belongs to the call; `@@compress = true` lets it be compressed on the way.
    """

    target: Name
    arguments: tuple[tuple[Word, Text], ...]
    json: Text | None = None
    file: Text | None = None
    compress: Text | None = None


class Select(Struct, frozen=True):
    """A query. `calls` are the EXEC tables in it, each keyed by the name that stands for it in `query`."""

    query: Text
    calls: tuple[tuple[str, Call], ...] = ()


class Insert(Struct, frozen=True):
    """`INSERT INTO target (columns) rows [RETURNING ...]`; `rows` is a whole query, with any WITH before it."""

    target: Name
    columns: tuple[Word, ...]
    rows: Text
    returning: Text | None = None


class Change(Struct, frozen=True):
    """`REPLACE target SET ... WHERE ...`, and UPDATE, which has the same shape and its own binding."""

    verb: Literal["replace", "update"]
    target: Name
    alias: str | None
    assignments: tuple[tuple[Word, Text], ...]
    ctes: Text | None = None
    where: Text | None = None
    returning: Text | None = None


class Delete(Struct, frozen=True):
    """`DELETE FROM target WHERE ...`."""

    target: Name
    alias: str | None
    ctes: Text | None = None
    where: Text | None = None
    returning: Text | None = None


class Explain(Struct, frozen=True):
    """`EXPLAIN statement`: the plan, nothing sent. `EXPLAIN ANALYZE statement` runs it and tells what it cost.

    `EXPLAIN (ROWS) statement` reads what a write would read, and gives the rows that it would write.
    """

    statement: Statement
    analyze: bool = False
    rows: bool = False


class Show(Struct, frozen=True):
    """`SHOW [EXTENDED] kind [IN name] [LIKE 'pattern'] [WHERE ...]`, `SHOW INSERT [/*+ REQUIRED */] INTO name`.

    `query` is what it asks, as a SELECT over a table of the schema `system`. `plain`: a template without a WHERE.
    """

    kind: Literal["providers", "services", "resources", "methods", "insert", "manifest"]
    scope: Name | None
    extended: bool = False
    required: bool = False  # insert: nothing but what must be given
    query: Text = Text("")
    plain: bool = False


class Describe(Struct, frozen=True):
    """`DESCRIBE [EXTENDED] resource` or `DESCRIBE METHOD [EXTENDED] method`, and LIKE, WHERE; `query` as of Show."""

    target: Name
    method: bool = False
    extended: bool = False
    query: Text = Text("")


class Use(Struct, frozen=True):
    """`USE provider`: names of two parts are looked up in it from here on."""

    provider: Word


class Registry(Struct, frozen=True):
    """`REGISTRY LIST [provider]` and `REGISTRY PULL provider [version]`."""

    action: Literal["list", "pull"]
    provider: Word | None = None
    version: Word | None = None


Body: TypeAlias = Select | Insert | Change | Delete | Call | Explain | Show | Describe | Use | Registry


class Statement(Struct, frozen=True):
    """A statement of a script: its own text, where that starts in the script, its hints, what it says."""

    text: str
    offset: int
    body: Body
    hints: tuple[Hint, ...] = ()

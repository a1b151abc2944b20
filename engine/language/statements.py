"""What a statement says, as frozen data. Pieces of SQL inside it are `Text`: they know their place in the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from engine.errors import Span
from engine.language.text import Text


@dataclass(frozen=True)
class Name:
    """A dotted name as written: `linode.images.images`, with its place in the statement."""

    parts: tuple[str, ...]
    span: Span

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True)
class Word:
    """One identifier and its place."""

    name: str
    span: Span


@dataclass(frozen=True)
class Call:
    """`EXEC p.s.r.method @name = expr, ... @@json = '...'`, also as a table: `FROM (EXEC ...)`."""

    target: Name
    arguments: tuple[tuple[Word, Text], ...]
    json: Text | None = None


@dataclass(frozen=True)
class Select:
    """A query. `calls` are the EXEC tables in it, each keyed by the name that stands for it in `query`."""

    query: Text
    calls: tuple[tuple[str, Call], ...] = ()


@dataclass(frozen=True)
class Insert:
    """`INSERT INTO target (columns) rows [RETURNING ...]`; `rows` is a whole query, with any WITH before it."""

    target: Name
    columns: tuple[Word, ...]
    rows: Text
    returning: Text | None = None


@dataclass(frozen=True)
class Change:
    """`REPLACE target SET ... WHERE ...`, and UPDATE, which has the same shape and its own binding."""

    verb: Literal["replace", "update"]
    target: Name
    alias: str | None
    assignments: tuple[tuple[Word, Text], ...]
    ctes: Text | None = None
    where: Text | None = None
    returning: Text | None = None


@dataclass(frozen=True)
class Delete:
    """`DELETE FROM target WHERE ...`."""

    target: Name
    alias: str | None
    ctes: Text | None = None
    where: Text | None = None
    returning: Text | None = None


@dataclass(frozen=True)
class Explain:
    """`EXPLAIN statement`: the plan, nothing sent. `EXPLAIN ANALYZE statement` runs it and tells what it cost."""

    statement: Statement
    analyze: bool = False


@dataclass(frozen=True)
class Show:
    """`SHOW [EXTENDED] kind [IN name] [LIKE 'pattern']`; `insert`: `SHOW INSERT [/*+ REQUIRED */] INTO name`."""

    kind: Literal["providers", "services", "resources", "methods", "insert", "manifest"]
    scope: Name | None
    extended: bool = False
    like: str | None = None
    required: bool = False  # insert: nothing but what must be given


@dataclass(frozen=True)
class Describe:
    """`DESCRIBE [EXTENDED] resource` or `DESCRIBE METHOD [EXTENDED] method`."""

    target: Name
    method: bool = False
    extended: bool = False


@dataclass(frozen=True)
class Use:
    """`USE provider`: names of two parts are looked up in it from here on."""

    provider: Word


Body: TypeAlias = Select | Insert | Change | Delete | Call | Explain | Show | Describe | Use


@dataclass(frozen=True)
class Statement:
    """A statement of a script: its own text, where that starts in the script, its hints, what it says."""

    text: str
    offset: int
    body: Body
    hints: tuple[str, ...] = ()

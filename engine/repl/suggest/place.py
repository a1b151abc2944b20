"""Where the cursor stands in a statement: in which clause, behind what, and which tables are in reach.

The text is a tree of parentheses, never more: a statement half typed has no other shape to rely on. Each group keeps
its items to the end, so that columns are known before the FROM that brings them is reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from engine.repl.scan import Token, meaningful, scan
from engine.repl.suggest.words import FOLLOWING, RESERVED

_CLAUSES = frozenset(FOLLOWING) | {"EXEC", "DESCRIBE", "DESC", "USE", "EXPLAIN", "FROM"}
_BEHIND = """
SELECT DISTINCT ALL WHERE AND OR NOT ON BY HAVING WHEN THEN ELSE CASE LIKE GLOB REGEXP BETWEEN SET RETURNING VALUES
LIMIT OFFSET IN FROM JOIN INTO UPDATE REPLACE DESCRIBE DESC EXTENDED METHOD EXEC USE EXPLAIN ANALYZE IS WITH RECURSIVE
( , = < > + - / % | ! ~
"""
_OPERAND = frozenset(_BEHIND.split())  # what an operand or a name stands behind
_SHOWN = ("IN", "EXTENDED")  # clauses of a SHOW alone
_FIRST = ("REPLACE", "REGISTRY")  # elsewhere a function, a name
_BODIES = ("SELECT", "VALUES", "INSERT", "REPLACE", "UPDATE", "DELETE")


@dataclass(eq=False)
class Group:
    """What stands between two parentheses, or the whole statement. `at`: how many items stand before the cursor."""

    parent: Group | None = None
    items: list[Item] = field(default_factory=list)
    at: int | None = None

    @property
    def before(self) -> list[Item]:
        """The items in front of the cursor, or of the group it stands in."""
        return self.items[: self.at]

    def words(self) -> Iterator[str]:
        """The words that stand in front of the cursor on this level."""
        return (item.word for item in self.before if isinstance(item, Token))


Item: TypeAlias = Token | Group


@dataclass(frozen=True)
class Source:
    """A table in reach: the parts of its name, what columns call it, and the query that it is where it is one."""

    parts: tuple[str, ...]
    alias: str
    query: Group | None = None
    into: bool = False  # the target of an INSERT: its columns are in reach of RETURNING alone


@dataclass(frozen=True)
class Place:
    """The cursor's surroundings. `under` is the token it stands in or behind, `path` the names dotted before it."""

    under: Token | None
    path: tuple[str, ...]
    group: Group
    cursor: int

    @property
    def prefix(self) -> str:
        """What is typed of the word under the cursor."""
        return self.under.text[: self.cursor - self.under.start] if self.under is not None else ""

    @property
    def start(self) -> int:
        """Where the word under the cursor begins."""
        return self.under.start if self.under is not None else self.cursor

    @property
    def root(self) -> Group:
        """The whole statement."""
        return list(_upwards(self.group))[-1]

    @property
    def verb(self) -> str:
        """What the statement is: the first of its words that says so."""
        words = [item.word for item in self.root.items if isinstance(item, Token)]
        if words[:1] == ["WITH"]:
            return next((word for word in words if word in _BODIES), "WITH")
        return next((word for word in words if word not in ("EXPLAIN", "ANALYZE", "QUERY", "PLAN")), "")

    @property
    def clause(self) -> str:
        """The clause around the cursor; a group without one of its own stands in its parent's."""
        for group in _upwards(self.group):
            words = list(group.words())
            shows = "SHOW" in words[:1]
            found = [
                word
                for number, word in enumerate(words)
                if word in _CLAUSES and (word not in _FIRST or number == 0) and (word not in _SHOWN or shows)
            ]
            if found:
                return "DELETE" if found[-2:] == ["DELETE", "FROM"] else found[-1]
        return ""

    @property
    def previous(self) -> Item | None:
        """What stands before the word under the cursor and its dotted path."""
        return self.group.before[-1] if self.group.before else None

    @property
    def operand(self) -> bool:
        """Whether a value or name is expected, as after a comma; else an operator or the next clause is."""
        item = self.previous
        if item is None:
            return True
        if isinstance(item, Group) or item.kind in ("string", "number", "quoted", "template", "place"):
            return False
        if item.word == "*":
            return len(self.group.before) > 1 and not _opens(self.group.before[-2])
        return item.word in _OPERAND

    def sources(self) -> list[Source]:
        """The tables in reach, the nearest first; those of the statements around a subquery come after."""
        found: list[Source] = []
        for group in _upwards(self.group):
            found += sources_of(group)
        return found

    def ctes(self) -> dict[str, Group]:
        """The queries that WITH names."""
        found: dict[str, Group] = {}
        for group in _upwards(self.group):
            items = group.items
            for number, item in enumerate(items):
                names = isinstance(item, Token) and item.word == "AS" and number > 0
                if names and number + 1 < len(items) and isinstance(query := items[number + 1], Group):
                    back = 2 if isinstance(items[number - 1], Group) else 1  # over a list of columns
                    name = items[number - back]
                    if isinstance(name, Token) and name.name and _first_word(group) == "WITH":
                        found.setdefault(name.name, query)
        return found


def locate(text: str, cursor: int) -> Place | None:
    """The place of the cursor; None where nothing is to suggest: inside a comment, right behind a closing quote."""
    tokens = scan(text)
    under = next((t for t in tokens if t.start < cursor <= t.end), None)
    if under is not None and under.kind == "comment" and (cursor < under.end or not under.closed):
        return None
    if _finished(under, cursor):
        return None
    if under is not None and under.kind in ("space", "mark", "at", "comment"):
        under = None
    ends = [token.start for token in tokens if token.text == ";"]
    first = max((end + 1 for end in ends if end < cursor), default=0)
    last = min((end for end in ends if end >= cursor), default=len(text))
    return _placed([token for token in tokens if first <= token.start < last], under, cursor)


def _finished(token: Token | None, cursor: int) -> bool:
    """Whether the cursor stands right behind something quoted that is complete."""
    return (
        token is not None and token.kind in ("string", "quoted", "template") and token.closed and cursor == token.end
    )


def _placed(run: Sequence[Token], under: Token | None, cursor: int) -> Place:
    """The tree of the statement, and the cursor's place in it."""
    group = Group()
    here: Group | None = None
    start = under.start if under is not None else cursor
    for token in meaningful(run):
        if here is None and token.start >= start:
            here = _mark(group)
        if token is under:
            continue
        if token.word == "(":
            inner = Group(group)
            group.items.append(inner)
            group = inner
        elif token.word == ")" and group.parent is not None:
            group = group.parent
        else:
            group.items.append(token)
    here = here or _mark(group)
    path = _path(here)
    return Place(under, path, here, cursor)


def _mark(group: Group) -> Group:
    """Note in the group and in those around it how far they went when the cursor was reached."""
    group.at = len(group.items)
    for outer in list(_upwards(group))[1:]:
        outer.at = len(outer.items) - 1
    return group


def _path(group: Group) -> tuple[str, ...]:
    """The names dotted before the cursor, taken out of the group: they belong to the word under it."""
    items, at = group.items, group.at or 0
    names: list[str] = []
    while at >= 2 and _is(items[at - 1], ".") and isinstance(name := items[at - 2], Token) and name.name:
        names.insert(0, name.name)
        at -= 2
    del items[at : group.at]
    group.at = at
    return tuple(names)


def sources_of(group: Group) -> Iterator[Source]:
    """The tables that a group's FROM, JOIN, INTO, UPDATE, REPLACE name."""
    items, number, listed = group.items, 0, False
    while number < len(items):
        item = items[number]
        number += 1
        if isinstance(item, Group):
            continue
        begins = item.word in ("FROM", "JOIN", "INTO", "UPDATE") or (item.word == "REPLACE" and number == 1)
        listed = begins or (listed and item.word not in _CLAUSES)
        if begins or (listed and item.word == ","):
            source, number = _source(items, number)
            if source is not None:
                yield replace(source, into=item.word == "INTO")


def _source(items: Sequence[Item], number: int) -> tuple[Source | None, int]:
    """The table that begins at an item, and the item behind it and its alias."""
    query = items[number] if number < len(items) else None
    parts: tuple[str, ...] = ()
    if isinstance(query, Group):
        number += 1
    else:
        query = None
        parts, number = dotted(items, number)
        if number < len(items) and isinstance(items[number], Group):
            number += 1  # the arguments of a table function
    alias, ahead = parts[-1] if parts else "", number
    if ahead < len(items) and _is(items[ahead], "AS"):
        ahead += 1
    word = items[ahead] if ahead < len(items) else None
    if isinstance(word, Token) and word.name and word.word not in RESERVED:
        alias, number = word.name, ahead + 1
    return (Source(parts, alias, query) if parts or query is not None else None), number


def dotted(items: Sequence[Item], number: int) -> tuple[tuple[str, ...], int]:
    """A dotted name that begins at an item, and the item behind it."""
    parts: list[str] = []
    while number < len(items) and isinstance(item := items[number], Token) and item.name:
        if not parts and item.word in RESERVED:
            break
        parts.append(item.name)
        number += 1
        if not (number + 1 < len(items) and _is(items[number], ".")):
            break
        number += 1
    return tuple(parts), number


def outputs(query: Group) -> list[str]:
    """The names that a query's SELECT list gives, as far as they can be told: the last word of each item."""
    names: list[str] = []
    last: Item | None = None
    for item in [*query.items, None]:
        word = item.word if isinstance(item, Token) else ""
        if item is None or word in (",", "FROM"):
            if isinstance(last, Token) and last.name and last.word not in RESERVED:
                names.append(last.name)
            if word == "FROM":
                break
        last = item
    return list(dict.fromkeys(names))


def _upwards(group: Group) -> Iterator[Group]:
    at: Group | None = group
    while at is not None:
        yield at
        at = at.parent


def _first_word(group: Group) -> str:
    words = (item.word for item in group.items if isinstance(item, Token))
    return next((word for word in words if word not in ("EXPLAIN", "ANALYZE")), "")


def _is(item: Item, word: str) -> bool:
    return isinstance(item, Token) and item.word == word


def _opens(item: Item) -> bool:
    """Whether a star behind this item is the star of a SELECT list."""
    return isinstance(item, Token) and item.word in ("SELECT", "DISTINCT", "ALL", ",", ".", "RETURNING")

"""Late materialisation: SQLite finds rows by the few columns it compares, the others are taken from those rows then.

`SELECT id, label, regions FROM t0 WHERE size > 5000 ORDER BY created` becomes `SELECT t0._rowid_ FROM t0 WHERE ...`,
and only `size` and `created` are ever written into a table. The user's query stays what answers wherever that fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace
from sqlglot import Token, TokenType, exp

from engine.language.dialect import parse_query, tokenize
from engine.language.text import Text, cut, quote_name, weave
from engine.planner.scopes import relations
from engine.store import Late, Store, Taken

_NUMBER = "_rowid_"
_BARRIERS = ("distinct", "group", "having", "windows", "qualify")
_DEEPER = {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}
Tables = Mapping[str, Sequence[str]]  # their columns, in order


class _Item(Struct, frozen=True):
    """An item of the SELECT list: columns of `alias`, each under its name in the answer; none: it is computed."""

    start: int
    end: int
    alias: str = ""
    columns: tuple[tuple[str, str], ...] = ()


def late(
    query: Text, tables: Tables, store: Store, compared: Mapping[str, frozenset[str]] | None = None
) -> Late | None:
    """The same answer by way of the rows' numbers; None where it would be another, or where that spares no column.

    `tables` are those in the `store` whose rows may wait beside SQLite, `compared` columns that are read unseen. That
    the query aggregates nothing is the caller's to see.
    """
    found = numbered(query, tables)
    if found is None:
        return None
    reads = store.compile(found.query).reads
    searched = {
        table: reads.get(table, frozenset()).intersection(tables[table]) | (compared or {}).get(table, frozenset())
        for table in {taken.table for taken in found.columns if taken.table is not None}
    }
    spared = any(taken.column not in searched[taken.table] for taken in found.columns if taken.table is not None)
    return replace(found, searched=searched) if spared else None


def numbered(query: Text, tables: Tables) -> Late | None:
    """The query with the numbers of rows in the place of their plain columns, and which columns these were.

    >>> made = numbered(Text("SELECT id, size * 2, label AS l FROM main.t0 AS i WHERE 1"), {"t0": ["id", "label"]})
    >>> made.query.sql
    'SELECT "i"._rowid_, size * 2 FROM main.t0 AS i WHERE 1'
    >>> [(taken.at, taken.column, taken.name) for taken in made.columns]
    [(0, 'id', 'id'), (1, '', ''), (0, 'label', 'l')]
    """
    tree = parse_query(query)
    if not isinstance(tree, exp.Select) or any(tree.args.get(barrier) for barrier in _BARRIERS) or _counted(tree):
        return None
    spans = list(_spans(tokenize(query.sql)))
    known = _aliases(tree, tables)
    if not known or len(spans) != len(tree.expressions):
        return None
    items = _items(tree, spans, known, tables)
    used = list(dict.fromkeys(item.alias for item in items if item.columns))
    stars = [isinstance(node, exp.Star | exp.Column) and node.is_star for node in tree.expressions]
    if not used or any(star and not item.columns for star, item in zip(stars, items, strict=True)):
        return None  # nobody can tell how many columns another's star has
    computed = [item for item in items if not item.columns]
    pieces: list[Text | str] = [", ".join(f"{quote_name(alias)}.{_NUMBER}" for alias in used)]
    for item in computed:
        pieces += [", ", cut(query, item.start, item.end)]
    start, end = spans[0][0], spans[-1][1]
    found = weave(cut(query, 0, start), *pieces, cut(query, end, len(query.sql)))
    places = {id(item): Taken(place) for place, item in enumerate(computed, len(used))}
    columns: list[Taken] = []
    for item in items:
        columns += [Taken(used.index(item.alias), known[item.alias], *pair) for pair in item.columns]
        columns += [places[id(item)]] if not item.columns else []
    return Late(found, tuple(columns))


def _counted(tree: exp.Select) -> bool:
    """Whether it is sorted by the place of an item: that is another's then."""
    order = tree.args.get("order")
    terms = order.expressions if order is not None else ()
    return any(term.find(exp.Column, exp.Func) is None for term in terms)


def _aliases(tree: exp.Select, tables: Tables) -> dict[str, str]:
    """The tables by what columns call them, in lower case; none where a name stands for two."""
    several = list(relations(tree))
    names = [relation.alias_or_name.casefold() for relation in several]
    if len(set(names)) < len(names):
        return {}
    return {
        name: relation.name
        for name, relation in zip(names, several, strict=True)
        if isinstance(relation, exp.Table) and relation.db == "main" and relation.name in tables
        if _NUMBER not in map(str.casefold, tables[relation.name])
    }


def _items(
    tree: exp.Select, spans: Sequence[tuple[int, int]], known: Mapping[str, str], tables: Tables
) -> list[_Item]:
    """The SELECT list: which of it are plain columns of `known` tables."""
    alone = next(iter(known)) if len(list(relations(tree))) == 1 else ""
    own = {id(node.unalias()) for node in tree.expressions}
    elsewhere = {column.name.casefold() for column in tree.find_all(exp.Column) if id(column) not in own}
    made = []
    for node, (start, end) in zip(tree.expressions, spans, strict=True):
        column = node.unalias()
        alias = (column.table.casefold() if isinstance(column, exp.Column) else "") or alone
        named = node.alias.casefold() if column is not node else None
        columns: tuple[tuple[str, str], ...] = ()
        if alias in known and named not in elsewhere:  # else another place of the query reads it under that name
            names = tables[known[alias]]
            if isinstance(column, exp.Star | exp.Column) and column.is_star:
                columns = tuple((name, name) for name in names)
            elif isinstance(column, exp.Column):
                columns = tuple((n, node.alias or n) for n in names if n.casefold() == column.name.casefold())
        made.append(_Item(start, end, alias, columns))
    return made


def _spans(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Where the items of a query's SELECT list stand."""
    depth, item = 0, list[Token]()
    begun = False
    for token in tokens:
        kind = token.token_type
        if depth == 0 and begun and kind in (TokenType.COMMA, TokenType.FROM):
            yield item[0].start, item[-1].end + 1
            item = []
            if kind is TokenType.FROM:
                return
        elif begun and (item or kind is not TokenType.ALL):
            item.append(token)
        elif depth == 0 and kind is TokenType.SELECT:
            begun = True
        depth += _DEEPER.get(kind, 0)

"""Late materialisation: SQLite finds rows by the few columns it compares, the others are taken from those rows then.

`SELECT id, label, regions FROM t0 WHERE size > 5000 ORDER BY created` becomes `SELECT t0._rowid_ FROM t0 WHERE ...`,
and only `size` and `created` are ever written into a table. The user's query stays what answers wherever that fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace
from sqlglot import Token, TokenType, exp

from engine.errors import QueryFault
from engine.language.dialect import parse_query, tokenize
from engine.language.text import Text, cut, quote_name, weave
from engine.planner.scopes import relations
from engine.store import Late, Store, Taken

_NUMBER = "_rowid_"
_BARRIERS = ("distinct", "group", "having", "windows", "qualify")
_DEEPER = {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}
Tables = Mapping[str, Sequence[str]]  # their columns, in order


class _Table(Struct, frozen=True):
    """A table of the query whose rows may wait, as it is called there."""

    alias: str
    name: str
    columns: Sequence[str]


class _Plain(Struct, frozen=True):
    """An item of the SELECT list that is columns of a table: each with its name in the answer."""

    table: _Table
    columns: Sequence[tuple[str, str]]


def late(
    query: Text, tables: Tables, store: Store, compared: Mapping[str, frozenset[str]] | None = None
) -> Late | None:
    """The same answer by way of the rows' numbers; None where it would be another, or where that spares no column.

    Rows that no ORDER BY tells apart may change places: SQLite sorts them in an index of its own by what it reads.
    `tables` are those in the `store` whose rows may wait beside SQLite, `compared` columns that are read unseen. That
    the query aggregates nothing is the caller's to see.
    """
    found = numbered(query, tables)
    if found is None:
        return None
    try:
        reads = store.compile(found.query).reads
    except QueryFault:
        return None  # SQLite gives the rows of a join in parentheses no numbers where more stands beside it
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
    'SELECT size * 2, "i"._rowid_ FROM main.t0 AS i WHERE 1'
    >>> [(taken.at, taken.column, taken.name) for taken in made.columns]
    [(1, 'id', 'id'), (0, '', None), (1, 'label', 'l')]
    """
    tree = parse_query(query)
    if not isinstance(tree, exp.Select) or any(tree.args.get(barrier) for barrier in _BARRIERS):
        return None
    known, spans, counted = _tables(tree, tables), list(_spans(tokenize(query.sql))), _counted(tree)
    if counted is None:
        return None
    items = [None if at in counted else item for at, item in enumerate(_items(tree, known), 1)]
    if not any(items) or len(spans) != len(items):
        return None
    used = list(dict.fromkeys(item.table.alias for item in items if item is not None))
    kept: list[Text | str] = []  # the items of the new SELECT list: those that are counted stay in their places
    places: list[int] = []
    for at, (item, span) in enumerate(zip(items, spans, strict=True), 1):
        places.append(len(kept))
        if item is None:
            kept.append(cut(query, *span))
        elif at < max(counted, default=0):
            kept.append("NULL")
    columns: list[Taken] = []
    for item, place in zip(items, places, strict=True):
        if item is None:
            columns.append(Taken(place))
        else:
            number = len(kept) + used.index(item.table.alias)
            columns += [Taken(number, item.table.name, *pair) for pair in item.columns]
    kept += [f"{quote_name(alias)}.{_NUMBER}" for alias in used]
    parts = [part for item in kept for part in (item, ", ")][:-1]
    head, tail = cut(query, 0, spans[0][0]), cut(query, spans[-1][1], len(query.sql))
    before, after = ("" if edge.isspace() else " " for edge in (head.sql[-1], tail.sql[0]))  # of `SELECT*FROM`
    return Late(weave(head, before, *parts, after, tail), tuple(columns))


def _counted(tree: exp.Select) -> frozenset[int] | None:
    """The items that it is sorted by, as `ORDER BY 2`, from 1; None where that cannot be told.

    >>> _counted(parse_query(Text("SELECT a, b FROM t ORDER BY 2 DESC, a"))), _counted(parse_query(Text("SELECT a")))
    (frozenset({2}), frozenset())
    """
    order = tree.args.get("order")
    terms = [_bare(term.this) for term in order.expressions] if order is not None else []
    places = [term for term in terms if not any(map(_read, term.find_all(exp.Column)))]
    if not all(isinstance(place, exp.Literal) and place.is_int for place in places):
        return None
    found = frozenset(int(place.name) for place in places)
    stars = any(item.is_star for item in tree.expressions[: max(found, default=0)])
    return None if stars else found


def _bare(term: exp.Expr) -> exp.Expr:
    """A term without the collation and parentheses around it: `(2) COLLATE nocase` is the second item still."""
    while isinstance(term, exp.Collate | exp.Paren):
        term = term.this
    return term


def _read(column: exp.Column) -> bool:
    """Whether it is a column: the parser takes the name of a collation for one."""
    return not (isinstance(column.parent, exp.Collate) and column.arg_key == "expression")


def _tables(tree: exp.Select, tables: Tables) -> dict[str, _Table]:
    """The tables by what columns call them, folded; none where a name stands for two."""
    several = {relation.alias_or_name.casefold(): relation for relation in relations(tree)}
    if len(several) < len(list(relations(tree))):
        return {}
    return {
        folded: _Table(relation.alias_or_name, relation.name, tables[relation.name])
        for folded, relation in several.items()
        if isinstance(relation, exp.Table) and relation.db == "main" and relation.name in tables
        if _NUMBER not in map(str.casefold, tables[relation.name])
    }


def _items(tree: exp.Select, known: Mapping[str, _Table]) -> list[_Plain | None]:
    """The SELECT list: which of it are plain columns. None of it where a star's columns cannot be told."""
    own = {id(node.unalias()) for node in tree.expressions}
    elsewhere = {column.name.casefold() for column in tree.find_all(exp.Column) if id(column) not in own}
    alone = next(iter(known.values())) if known and len(list(relations(tree))) == 1 else None
    if _shadowed(tree, alone):
        return []
    items: list[_Plain | None] = []
    for node in tree.expressions:
        column = node.unalias()
        if not isinstance(column, exp.Star | exp.Column):
            items.append(None)
            continue
        of = column.table if isinstance(column, exp.Column) else ""
        table = known.get(of.casefold()) if of else alone
        renamed = column is not node
        if table is None or (renamed and node.alias.casefold() in elsewhere):
            item = None  # where another place of the query reads it under its name, it must be there
        elif column.is_star:
            item = _Plain(table, [(name, name) for name in table.columns])
        else:
            same = [name for name in table.columns if _folded(name) == _folded(column.name)]
            item = _Plain(table, [(same[0], node.alias if renamed else same[0])]) if len(same) == 1 else None
        if item is None and column.is_star:
            return []
        items.append(item)
    return items


def _shadowed(tree: exp.Select, alone: _Table | None) -> bool:
    """Whether ORDER BY may mean a column of a star by a name that something else has as well: SQLite takes the first
    item of that name, and the star's columns would be gone.
    """
    stars = [node for node in tree.expressions if isinstance(node, exp.Star | exp.Column) and node.is_star]
    order = tree.args.get("order")
    if not stars or order is None:
        return False
    sorted_by = {column.name.casefold() for column in order.find_all(exp.Column) if not column.table}
    aliases = {node.alias.casefold() for node in tree.expressions if isinstance(node, exp.Alias)}
    return bool(sorted_by & aliases) or (bool(sorted_by) and alone is None)


def _folded(name: str) -> bytes:
    """A name as SQLite compares it: of all letters only those of ASCII have two cases there.

    >>> _folded("imageId") == _folded("IMAGEID"), _folded("size") == _folded("\u017fize")
    (True, False)
    """
    return name.encode().lower()


def _spans(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Where the items of a query's SELECT list stand.

    >>> list(_spans(tokenize("SELECT a, b IS DISTINCT FROM c FROM t")))
    [(7, 8), (10, 30)]
    """
    depth, item = 0, list[Token]()
    begun = False
    for token in tokens:
        kind = token.token_type
        compares = kind is TokenType.FROM and item and item[-1].token_type is TokenType.DISTINCT  # IS DISTINCT FROM
        if depth == 0 and begun and kind in (TokenType.COMMA, TokenType.FROM) and not compares:
            yield item[0].start, item[-1].end + 1
            item = []
            if kind is TokenType.FROM:
                return
        elif begun and (item or kind is not TokenType.ALL):
            item.append(token)
        elif depth == 0 and kind is TokenType.SELECT:
            begun = True
        depth += _DEEPER.get(kind, 0)

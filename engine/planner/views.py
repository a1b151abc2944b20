"""Views of documents: a resource whose rows are a SELECT over others becomes that SELECT, in parentheses.

The user's text is spliced as ever, and its WHERE stays whole. What it says of a view's columns and parameters is said
inside the view too, where that cannot change what comes out: so a parameter reaches the resource that needs it, and a
predicate the API that can answer it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from sqlglot import Token, TokenType, exp

from engine.accounts import COLUMN
from engine.errors import DocumentError, Refused, Span, UnknownName
from engine.functions import AGGREGATES
from engine.language.dialect import parse_query, tokenize
from engine.language.statements import Name
from engine.language.text import Text, quote_name, shown_name, splice
from engine.planner.names import Names
from engine.planner.pins import example
from engine.planner.predicates import Predicate, conjuncts, predicates
from engine.planner.scopes import Scope, place, relations, table_place
from provider_registry.model import Param, Resource, View

_HOLE = re.compile(r"--[^\n]*|'(?:[^']|'')*'|{{-?\s*\.?(\w+)\s*-?}}")  # a comment, a string, a hole of its own
_NAME = re.compile(r"{{-?\s*\.?(\w+)\s*-?}}")
_BARRIERS = ("with_", "distinct", "group", "having", "windows", "qualify", "limit", "offset")
_CLAUSES = (TokenType.GROUP_BY, TokenType.HAVING, TokenType.ORDER_BY, TokenType.LIMIT, TokenType.WINDOW)
_MOST = 500  # SELECTs that the values of one view's parameters may make


class _Seen(Struct, frozen=True):
    """A view as a query names it: its full name, and all that the query says of it."""

    name: str
    resource: Resource
    view: View
    said: tuple[Predicate, ...]
    span: Span | None


def expand(text: Text, tree: exp.Expr, names: Names, above: Sequence[str] = ()) -> Text:
    """A query with its views written out; the same text where it has none.

    `above` are the views that it is written inside of. In a view of its own a resource is what its methods give.

    Raises Refused: a circle of views, a parameter that is given no value.
    """
    edits: list[tuple[int, int, str]] = []
    for table in tree.find_all(exp.Table):
        found = _resource(table, names)
        if found is None or found[1].view is None:
            continue
        name, resource = found
        if above and name == above[-1] and resource.bound("select"):
            continue
        if name in above:
            circle = " -> ".join((*above[above.index(name) :], name))
            raise Refused(f"the views are written over each other in a circle: {circle}")
        seen = _Seen(name, resource, found[1].view, tuple(_said(table, resource)), text.origin(*table_place(table)))
        if names.accounts.get(name.partition(".")[0]):
            _of_all(table, seen, text)
        inner = _written(seen, names, above)
        alias = "" if table.alias else f" AS {quote_name(table.name)}"
        edits.append((*table_place(table), f"({inner}\n){alias}"))
        edits += _qualifiers(table)
    return splice(text, edits) if edits else text


def _of_all(table: exp.Table, seen: _Seen, text: Text) -> None:
    """Raise Refused for a view's `_account`: its rows are made of those of all accounts, and are nobody's own."""
    select = table.find_ancestor(exp.Select)
    assert select is not None  # a table stands in a FROM
    alias, alone = table.alias_or_name.casefold(), len(list(relations(select))) == 1
    for column in select.find_all(exp.Column) if COLUMN not in seen.view.sql.casefold() else ():
        ours = column.table.casefold() == alias if column.table else alone
        if ours and column.name.casefold() == COLUMN and column.find_ancestor(exp.Select) is select:
            raise Refused(
                f"{seen.name} is a view, which is written over the rows of all accounts: it has no {COLUMN}",
                span=text.origin(*place(column)),
                hint=f"leave {COLUMN} out and name one account at a time, or select from what the view reads",
            )


def _resource(table: exp.Table, names: Names) -> tuple[str, Resource] | None:
    """The resource that a table names, by its full name; None where it is none, which is told elsewhere."""
    if not isinstance(table.this, exp.Identifier | exp.Dot):
        return None
    parts = names.whole(tuple(part.name for part in table.parts))
    if len(parts) != 3:
        return None
    try:
        _, resource = names.resource(Name(parts, Span(0, 0)))
    except (UnknownName, DocumentError):
        return None
    return ".".join((*parts[:2], resource.name)).casefold(), resource


def _qualifiers(table: exp.Table) -> Iterator[tuple[int, int, str]]:
    """`p.s.v.column` of a table without an alias: the view's name alone stands before it."""
    select = table.find_ancestor(exp.Select)
    if table.alias or select is None:
        return
    full = tuple(part.name.casefold() for part in table.parts)
    for column in select.find_all(exp.Column):
        before = tuple(part.name.casefold() for part in column.parts[:-1])
        if len(before) > 1 and before == full:
            yield place(column)[0], column.this.meta["start"], f"{quote_name(table.name)}."


def _said(table: exp.Table, resource: Resource) -> Iterator[Predicate]:
    """The comparisons of a view's columns with constants, by the query around it."""
    select = table.find_ancestor(exp.Select)
    assert select is not None  # a table stands in a FROM
    alone = len(list(relations(select))) == 1
    params = {param.name.casefold() for param in _params(resource)}
    alias = table.alias_or_name.casefold()
    for term in conjuncts(Scope(select, {}, frozenset(), frozenset(), None)):
        for predicate in predicates(term.node) if term.may_narrow(alias) else ():
            column = predicate.column
            ours = column.table.casefold() == alias if column.table else alone or column.name.casefold() in params
            if ours and predicate.values and column.find_ancestor(exp.Select) is select:
                yield predicate


def _params(resource: Resource) -> tuple[Param, ...]:
    return resource.view.params if resource.view is not None else ()


def _written(seen: _Seen, names: Names, above: Sequence[str]) -> str:
    """The SELECT that stands for a view: one for each value of its parameters, what is said of it inside."""
    made = []
    for values in _given(seen):
        sql = _filled(seen.view.sql, values)
        tree = parse_query(Text(sql))
        if isinstance(tree, exp.Select):
            sql = _narrowed(sql, tree, seen, names, values)
        shown = {name: value for name, value in values.items() if not _gives(sql, name)}
        inner = Text(sql)
        inner = expand(inner, parse_query(inner), names, (*above, seen.name))
        stamps = "".join(f", {value} AS {quote_name(name)}" for name, value in shown.items())
        made.append(f"SELECT *{stamps} FROM ({inner.sql}\n)" if values else inner.sql)
    return "\nUNION ALL ".join(made)


def _given(seen: _Seen) -> list[Mapping[str, str]]:
    """The values of a view's parameters, as SQL: every combination of those the query names."""
    combined: list[Mapping[str, str]] = [{}]
    for param in seen.view.params:
        named = [p for p in seen.said if p.column.name.casefold() == param.name.casefold()]
        said = [p for p in named if p.operator in ("=", "IN")]
        if not said:
            raise Refused(
                f"{seen.name} cannot be read without more: it needs {param.name}",
                span=seen.span,
                hint=f"add to the WHERE: {shown_name(param.name)} = {example(param)}; a join cannot give it",
            )
        fewest = min((tuple(dict.fromkeys(p.values)) for p in said), key=len)
        combined = [{**so_far, param.name: value} for so_far in combined for value in fewest]
    if len(combined) > _MOST:
        raise Refused(
            f"{seen.name} would be read {len(combined)} times, more than the {_MOST} that are allowed",
            span=seen.span,
            hint="name fewer values",
        )
    return combined


def _filled(sql: str, values: Mapping[str, str]) -> str:
    """A view with its holes filled. Inside a string a value is joined to what stands around it.

    >>> _filled("a = '{{ x }}' AND b = {{x}} AND c = 'p/{{ .x }}/q'", {"x": "'it''s'"})
    "a = 'it''s' AND b = 'it''s' AND c = ('p/' || 'it''s' || '/q')"
    """

    def fill(match: re.Match[str]) -> str:
        if match[1]:
            return values[match[1]]
        if match[0][0] == "-" or _NAME.search(match[0]) is None:
            return match[0]
        pieces = [piece for piece in _parted(match[0][1:-1], values) if piece != "''"]
        return pieces[0] if len(pieces) == 1 else "(" + " || ".join(pieces) + ")"

    return _HOLE.sub(fill, sql)


def _parted(inside: str, values: Mapping[str, str]) -> Iterator[str]:
    at = 0
    for hole in _NAME.finditer(inside):
        yield f"'{inside[at : hole.start()]}'"
        yield values[hole[1]]
        at = hole.end()
    yield f"'{inside[at:]}'"


def _gives(sql: str, name: str) -> bool:
    """Whether a SELECT certainly gives a column of this name."""
    tree = parse_query(Text(sql))
    return isinstance(tree, exp.Query) and name.casefold() in {found.casefold() for found in tree.named_selects}


def _narrowed(sql: str, tree: exp.Select, seen: _Seen, names: Names, values: Mapping[str, str]) -> str:
    """A view with what is said of its columns in its own WHERE too: where each row that comes out once went in."""
    if any(tree.args.get(barrier) for barrier in _BARRIERS) or tree.find(exp.AggFunc, exp.Window):
        return sql
    if any(call.name.casefold() in AGGREGATES for call in tree.find_all(exp.Anonymous)):
        return sql
    outputs, starred = _outputs(tree)
    known, listed = _inputs(tree, names), _listed(tree, names) if starred else {}
    terms, carried = [], {}
    for predicate in seen.said:
        name = predicate.column.name.casefold()
        if name in {value.casefold() for value in values}:
            continue
        inner = outputs.get(name)
        if name not in outputs:
            inner = quote_name({**listed, **known}[name]) if name in known or name in listed else None
            if name in known:
                carried[known[name]] = inner
        if inner is not None:
            terms.append(_term(inner, predicate))
    return _spliced(sql, terms, carried) if terms else sql


def _outputs(tree: exp.Select) -> tuple[dict[str, str | None], bool]:
    """The columns that a SELECT names, each with the column it is of, None where it is computed; if it has a star."""
    outputs: dict[str, str | None] = {}
    starred = False
    for item in tree.expressions:
        column = item.unalias()
        if isinstance(column, exp.Star) or isinstance(column.this, exp.Star):
            starred = True
        else:
            plain = isinstance(column, exp.Column)
            outputs[item.alias_or_name.casefold()] = column.sql(dialect="sqlite") if plain else None
    return outputs, starred


def _inputs(tree: exp.Select, names: Names) -> dict[str, str]:
    """What can be given to the resources of a SELECT and is no column of their rows, by name in lower case."""
    found: dict[str, str] = {}
    for relation in relations(tree):
        named = _resource(relation, names) if isinstance(relation, exp.Table) else None
        if named is None:
            continue
        resource = named[1]
        params = [*_params(resource), *(p for method in resource.bound("select") for p in method.params)]
        columns = {column.name.casefold() for column in resource.columns}
        spelled = [name for p in params for name in (p.name, p.alias) if name]
        found |= {name.casefold(): name for name in spelled if name.casefold() not in columns}
    return found


def _listed(tree: exp.Select, names: Names) -> dict[str, str]:
    """The columns behind the star of a SELECT from one resource, by name in lower case."""
    tables = list(relations(tree))
    named = _resource(tables[0], names) if len(tables) == 1 and isinstance(tables[0], exp.Table) else None
    return {column.name.casefold(): column.name for column in named[1].columns} if named else {}


def _term(inner: str, predicate: Predicate) -> str:
    values = predicate.values
    if predicate.operator == "IN":
        return f"{inner} IN ({', '.join(values)})"
    return f"{inner} {predicate.operator} {values[0]}"


def _spliced(sql: str, terms: Sequence[str], carried: Mapping[str, str | None]) -> str:
    """A SELECT with further terms in its WHERE and further columns in its list."""
    depth = 0
    at: dict[TokenType, Token] = {}
    for token in tokenize(sql):
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        if depth == 0:
            at.setdefault(token.token_type, token)
    start = at[TokenType.FROM].start
    end = min((at[clause].start for clause in _CLAUSES if clause in at), default=len(sql))
    condition = " AND ".join(terms)
    edits = [(start, start, "".join(f"\n, {inner} AS {quote_name(name)} " for name, inner in carried.items()))]
    if (where := at.get(TokenType.WHERE)) is not None:
        edits += [(where.end + 1, where.end + 1, " ("), (end, end, f"\n) AND {condition} ")]
    else:
        edits.append((end, end, f"\nWHERE {condition} "))
    return splice(Text(sql), edits).sql

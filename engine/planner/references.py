"""To whom each column of a query belongs: a column of the rows, a parameter, the envelope of a list."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlglot import exp

from engine.accounts import COLUMN
from engine.errors import UnknownName
from engine.language.text import Text
from engine.planner.scopes import Scope, Source, place, relations


class Reference(Struct, frozen=True):
    """A column of the query and the sources it may belong to."""

    column: exp.Column
    sources: tuple[Source, ...]


def references(tree: exp.Expr, found: Sequence[Scope], text: Text) -> list[Reference]:
    """Every column of the query with the sources it belongs to; a name that nobody knows is an error.

    A name that a source's rows carry belongs to them; else a parameter belongs to every source that can take it.
    """
    by_select = {id(scope.select): scope for scope in found}
    result = []
    for column in tree.find_all(exp.Column):
        select = column.find_ancestor(exp.Select)
        scope = by_select.get(id(select)) if select is not None else None
        if scope is not None and not isinstance(column.this, exp.Star):
            result.append(Reference(column, _owners(column, scope, text)))
    return result


def _owners(column: exp.Column, scope: Scope, text: Text) -> tuple[Source, ...]:
    name, qualifier = column.name, column.table.casefold()
    at: Scope | None = scope
    opaque = False
    while at is not None:
        if qualifier:
            if qualifier in at.sources:
                return (_known(column, owned(column, at.sources[qualifier], text), text),)
            if qualifier in at.opaque:
                return ()
        else:
            if owners := tuple(s for s in at.sources.values() if s.has_column(name)):
                return owners
            if name.casefold() in at.outputs and _is_output(column, at):
                return ()
            owners = tuple(s for s in at.sources.values() if s.knows(name))
            if owners and not _elsewhere(at, name):
                return owners
        opaque = opaque or bool(at.opaque)
        at = at.parent
    if qualifier or opaque:
        return ()  # a CTE or subquery may have it; SQLite decides
    known = [n for s in scope.sources.values() for n in s.known()]
    if not known:
        return ()
    hint = _hint(name)
    if column.this.args.get("quoted"):
        hint = f"a string takes single quotes: '{name}'"
    kind = "column or parameter"
    raise UnknownName(
        f"{' and '.join(s.name for s in scope.sources.values())} has no {kind} {name!r}",
        name=name,
        known=known,
        span=text.origin(*place(column)),
        hint=hint,
    )


def owned(column: exp.Column, source: Source, text: Text) -> Source:
    """The source of a column, where the full name before the column, if there is one, is that source's."""
    whole = ".".join(part.name for part in column.parts[:-1])
    if column.args.get("db") is None or f".{source.name}".casefold().endswith(f".{whole}".casefold()):
        return source
    raise UnknownName(
        f"{whole} is no table of this query", name=whole, known=[source.name], span=text.origin(*place(column))
    )


def _known(column: exp.Column, source: Source, text: Text) -> Source:
    """A qualified column's source, which must know the name."""
    if not source.knows(column.name):
        raise UnknownName(
            f"{source.name} has no column or parameter {column.name!r}",
            name=column.name,
            known=source.known(),
            span=text.origin(*place(column)),
            hint=_hint(column.name),
        )
    return source


def _is_output(column: exp.Column, scope: Scope) -> bool:
    """Whether a name that the SELECT list gives is meant, which no rows carry.

    After the list it always is; in the WHERE a parameter of that name comes first, an envelope's field does not.
    """
    node: exp.Expr = column
    while node.parent is not None and node.parent is not scope.select:
        node = node.parent
    if node.arg_key == "where":
        return not any(source.param(column.name) for source in scope.sources.values())
    return node.arg_key in ("group", "having", "order")


def _elsewhere(scope: Scope, name: str) -> bool:
    """Whether a subquery, CTE or table function of this FROM certainly gives a column of this name."""
    for relation in relations(scope.select):
        query = relation.this if isinstance(relation, exp.Subquery) else None
        if isinstance(relation, exp.Table) and relation.alias_or_name.casefold() in scope.opaque:
            cte = next(
                (c for c in scope.select.root().find_all(exp.CTE) if c.alias.casefold() == relation.name.casefold()),
                None,
            )
            query = cte.this if cte is not None else None
            listed = cte.args["alias"].columns if cte is not None else []
            if listed:
                query = None
            if name.casefold() in {column.name.casefold() for column in listed}:
                return True
        if isinstance(query, exp.Query) and name.casefold() in {n.casefold() for n in query.named_selects}:
            return True
    return False


def _hint(name: str) -> str | None:
    """What to do about a name that is known elsewhere."""
    if name.casefold() == COLUMN:
        return "rows have it where accounts are named: --account prod,staging"
    return None

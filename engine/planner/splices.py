"""The splices that turn the user's query into one over the steps' tables. Nothing else of it is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from engine.accounts import COLUMN
from engine.errors import Refused
from engine.language.text import Text, quote_name
from engine.planner.references import Reference, owned
from engine.planner.scopes import Scope, Source, place, relations, table_place
from provider_registry.model import Column

Edit = tuple[int, int, str]  # start, end, replacement
Stamped = Mapping[Source, tuple[Column, ...]]  # sources whose tables have more columns than their rows: the rows' own


def edits(
    scopes: Sequence[Scope],
    stamped: Stamped,
    columns: Sequence[Reference],
    tables: Mapping[Source, str],
    text: Text,
    pairs: Sequence[Sequence[exp.Column]] = (),
) -> list[Edit]:
    """Every splice of a query; `tables` are the tables by source, `pairs` what joins within accounts compare."""
    owners = {id(reference.column): reference.sources[0] for reference in columns if reference.sources}
    compared = {id(column): column for pair in pairs for column in pair}
    found = [*_accounts(list(compared.values()), owners), *_tables(tables), *_qualifiers(columns)]
    for scope in scopes:
        found += _stars(scope, stamped, text)
    return found


def _tables(tables: Mapping[Source, str]) -> Iterator[Edit]:
    """Names of resources become tables. With their schema, no table expression of the user's stands before them."""
    for source, table in tables.items():
        alias = "" if source.table.alias else f" AS {quote_name(source.alias)}"
        yield (*table_place(source.table), f"main.{table}{alias}")


def _accounts(compared: Sequence[exp.Column], owners: Mapping[int, Source]) -> Iterator[Edit]:
    """`d.linodeId = i.id` of two tables of accounts: `(d.linodeId, d._account) = (i.id, i._account)`."""
    for column in compared:
        start, end = place(column)
        yield start, start, "("
        yield end, end, f", {quote_name(owners[id(column)].alias)}.{quote_name(COLUMN)})"


def _qualifiers(columns: Sequence[Reference]) -> Iterator[Edit]:
    """What stands before a column's name, where SQLite would not know it or not know which."""
    for reference in columns:
        column, sources = reference.column, reference.sources
        if column.args.get("db") is not None and sources:  # linode.images.images.id: SQLite knows the alias only
            yield place(column)[0], column.this.meta["start"], f"{quote_name(sources[0].alias)}."
        elif len(sources) > 1 and not sources[0].has_column(column.name):
            # A parameter without an alias belongs to every table that takes it; SQLite reads it off the first.
            start, _ = place(column)
            yield start, start, f"{quote_name(sources[0].alias)}."


def _stars(scope: Scope, stamped: Stamped, text: Text) -> Iterator[Edit]:
    """`*` means the columns of the rows: parameters stamped on them stay out of it."""
    wide = any(source in stamped for source in scope.sources.values())
    joins = scope.select.args.get("joins") or []
    merging = any(join.method.upper() == "NATURAL" or join.args.get("using") for join in joins)
    for item in scope.select.expressions:
        if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            source = scope.sources.get(item.table.casefold())
            if source is not None and (wide or item.args.get("db") is not None):
                yield (*place(item), _spelled(owned(item, source, text).alias, scope, stamped))
        elif isinstance(item, exp.Star) and wide:
            aliases = [relation.alias_or_name for relation in relations(scope.select)]
            if merging or not all(aliases):
                raise Refused(
                    "SELECT * cannot leave the parameters out of a join with "
                    + ("USING" if merging else "a subquery that has no alias"),
                    span=text.origin(*place(item)),
                    hint="name the columns, or write the join with ON" if merging else "give the subquery an alias",
                )
            yield (*place(item), ", ".join(_spelled(alias, scope, stamped) for alias in aliases))


def _spelled(alias: str, scope: Scope, stamped: Stamped) -> str:
    source = scope.sources.get(alias.casefold())
    if source is None or source not in stamped:
        return f"{quote_name(alias)}.*"
    return ", ".join(f"{quote_name(source.alias)}.{quote_name(column.name)}" for column in stamped[source])

"""RETURNING: what it reads of the written row, of the row before, of the arguments."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from engine.errors import Refused, UnknownName
from engine.language.dialect import parse_query
from engine.language.text import Text, weave
from engine.planner.plan import Stamp, Step
from engine.planner.scopes import place
from engine.planner.targets import parameter_of
from provider_registry.model import Column, Method, Param, Resource


def carried_by(returning: Text | None, method: Method, resource: Resource) -> tuple[Column, ...]:
    """The columns of the old row that RETURNING needs, where the response has none of its own."""
    if returning is None or method.response.columns:
        return ()
    tree = parse_query(weave("SELECT ", returning))
    if not any(tree.find_all(exp.Star)) and all(parameter_of(method, c.name) for c in tree.find_all(exp.Column)):
        return ()
    return resource.columns


def returned_by(
    step: Step, params: Sequence[Param], carried: Sequence[Column], returning: Text | None
) -> tuple[Stamp, ...]:
    """The stamps that RETURNING reads: carried columns, parameters, keys. Any other name is an error."""
    stamps = {column.name.casefold(): Stamp(column, "feed", column.name) for column in carried}
    if returning is None:
        return ()
    present = {column.name.casefold() for column in step.columns} | stamps.keys()
    tree = parse_query(weave("SELECT ", returning))
    tables = [t for t in tree.find_all(exp.Table) if isinstance(t.this, exp.Identifier)]
    more = [name for name, value in tree.args.items() if value and name not in ("expressions", "kind")]
    if tables or more or not isinstance(tree, exp.Select):
        raise Refused(
            "RETURNING takes expressions over the written row and nothing else",
            span=returning.origin(0, len(returning.sql)),
            hint="read other tables in a SELECT of their own",
        )
    for column in tree.find_all(exp.Column):
        name = column.name
        if isinstance(column.this, exp.Star) or name.casefold() in present:
            continue
        param = next((p for p in params if name.casefold() in (p.name.casefold(), (p.key or "").casefold())), None)
        if param is None and column.find_ancestor(exp.Select) is not tree:
            continue  # a subquery may have it; SQLite decides
        if param is None:
            known = [c.name for c in (*step.columns, *carried)] + [p.name for p in params if p.location != "body"]
            text = weave("SELECT ", returning)
            raise UnknownName(
                f"{step.method.name} returns no column {name!r}",
                name=name,
                known=known,
                span=text.origin(*place(column)),
            )
        stamps[name.casefold()] = Stamp(Column(name=name, shape=param.shape), "feed", param.name)
        present.add(name.casefold())
    return tuple(stamps.values())

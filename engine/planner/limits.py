"""LIMIT and ORDER BY that travel: only where nothing between list and answer can drop, merge or reorder rows."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from sqlglot import exp

from engine.planner.predicates import Conjunct, Predicate, predicates
from engine.planner.pushdown import Push, ordered
from engine.planner.scopes import Scope, relations
from provider_registry.model import Method

_BARRIERS = ("with_", "distinct", "group", "having", "joins", "windows", "qualify")


def push_limit(
    tree: exp.Expr, scopes: Sequence[Scope], terms: Sequence[Conjunct], method: Method, push: Push
) -> Push:
    """The push of a query's one source with the query's LIMIT, and its ORDER BY, where both may travel.

    One source, every term of the WHERE exact, no DISTINCT, grouping, window, aggregate or set operation; an ORDER BY
    by one column that the API sorts as SQLite does. A function that sqlglot does not know may be an aggregate.
    """
    if not isinstance(tree, exp.Select) or len(scopes) != 1 or len(list(relations(tree))) != 1:
        return push
    if any(tree.args.get(barrier) for barrier in _BARRIERS) or tree.find(exp.AggFunc, exp.Window, exp.Anonymous):
        return push
    wanted = _wanted(tree)
    if wanted is None or not all(_is_exact(term, push) for term in terms):
        return push
    order = tree.args.get("order")
    if order is None:
        return replace(push, limit=wanted)
    first, *more = order.expressions
    column = first.this
    if more or not isinstance(column, exp.Column) or first.args.get("nulls_first") != (not first.args.get("desc")):
        return push
    if column.name.casefold() in scopes[0].outputs:
        return push  # the name is the SELECT list's, whatever stands behind it
    sorted_ = ordered(method, push, column.name, descending=bool(first.args.get("desc")))
    return replace(sorted_, limit=wanted) if sorted_ is not None else push


def _wanted(tree: exp.Select) -> int | None:
    """LIMIT plus OFFSET, both plain numbers."""
    limit, offset = tree.args.get("limit"), tree.args.get("offset")
    values = [clause.expression for clause in (limit, offset) if clause is not None]
    if limit is None or not all(isinstance(v, exp.Literal) and not v.is_string and v.name.isdigit() for v in values):
        return None
    return sum(int(value.name) for value in values)


def _is_exact(term: Conjunct, push: Push) -> bool:
    """Whether the API answers a term of the WHERE just as SQL does, so that it drops nothing that came."""
    said = predicates(term.node)
    return bool(said) and all(any(_same(one, exact) for exact in push.exact) for one in said)


def _same(one: Predicate, other: Predicate) -> bool:
    return (one.column, one.operator, one.values) == (other.column, other.operator, other.values)

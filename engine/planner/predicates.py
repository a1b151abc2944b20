"""Predicates that can narrow what is asked of an API, taken out of a query's WHERE and ON.

Everything here is a hint: the whole WHERE runs again over what came back. So a predicate that is not understood is
left alone, and one that is taken must be NULL-rejecting, which keeps outer joins right: a row that was not fetched
because of it could only have come back as a row that the same predicate drops.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct
from sqlglot import exp

from engine.language.dialect import parse_query
from engine.language.text import Text
from engine.planner.scopes import Scope, relations

Operator = Literal["=", "<", "<=", ">", ">=", "IN", "LIKE", "GLOB"]


class Conjunct(Struct, frozen=True, eq=False):
    """One term of an AND. `aliases` are the sources it may narrow; None means all of its SELECT."""

    node: exp.Expr
    aliases: frozenset[str] | None = None

    def may_narrow(self, alias: str) -> bool:
        """Whether it may restrict what is fetched for a source."""
        return self.aliases is None or alias.casefold() in self.aliases


class Predicate(Struct, frozen=True, eq=False):
    """`column operator values`; `IN` has any number of values, the others one.

    A value is a constant's SQL text. Instead of values there may be another source's column (a join) or a whole
    subquery (`IN (SELECT ...)`).
    """

    column: exp.Column
    operator: Operator
    values: tuple[str, ...] = ()
    other: exp.Column | None = None
    query: exp.Query | None = None


_COMPARISONS: dict[type[exp.Expr], tuple[Operator, Operator]] = {  # as written, and with its sides exchanged
    exp.EQ: ("=", "="),
    exp.LT: ("<", ">"),
    exp.LTE: ("<=", ">="),
    exp.GT: (">", "<"),
    exp.GTE: (">=", "<="),
}
# What a constant is made of. Comparisons are left out on purpose: SQLite reads `a = 5 IN (0)` from the left, sqlglot
# does not. Functions are left out because sqlglot may write another one of the same meaning elsewhere.
_CONSTANT = (
    exp.Literal,
    exp.Null,
    exp.Boolean,
    exp.Paren,
    exp.Neg,
    exp.DPipe,
    exp.Add,
    exp.Sub,
    exp.Mul,
)


def conjuncts(scope: Scope) -> list[Conjunct]:
    """The terms of a SELECT's WHERE and of its joins' ON.

    WHERE and an inner ON may narrow every source. The ON of a LEFT JOIN may narrow only what stands on its right,
    that of a RIGHT JOIN only what stands on its left, that of a FULL JOIN nothing.
    """
    select = scope.select
    where = select.args.get("where")
    found = [Conjunct(node) for node in (terms(where.this) if where is not None else ())]
    from_ = select.args.get("from_")
    before: set[str] = set() if from_ is None else _aliases(from_.this)
    for join in select.args.get("joins") or []:
        after = _aliases(join.this)
        narrowed = {"": None, "LEFT": frozenset(after), "RIGHT": frozenset(before), "FULL": frozenset[str]()}
        if (condition := join.args.get("on")) is not None:
            aliases = narrowed.get(join.side.upper(), frozenset())
            found += [Conjunct(node, aliases) for node in terms(condition)]
        before |= after
    return found


def _aliases(relation: exp.Expr) -> set[str]:
    probe = exp.Select(from_=exp.From(this=relation.copy()))
    return {found.alias_or_name.casefold() for found in relations(probe)}


def terms(node: exp.Expr) -> Iterator[exp.Expr]:
    """The terms of an AND, parentheses opened; however many there are."""
    waiting = [node]
    while waiting:
        term = waiting.pop().unnest()
        if isinstance(term, exp.And):
            waiting += [term.right, term.left]
        else:
            yield term


def predicates(node: exp.Expr) -> list[Predicate]:
    """What a conjunct says of single columns; empty where it is not understood. BETWEEN says two things."""
    node = node.unnest()
    if not _plain(node):
        return []
    if isinstance(node, exp.Between):
        low, high = constant(node.args["low"]), constant(node.args["high"])
        if isinstance(node.this, exp.Column) and low is not None and high is not None:
            return [Predicate(node.this, ">=", (low,)), Predicate(node.this, "<=", (high,))]
        return []
    if isinstance(node, exp.Or):
        return _any_of(node)
    if isinstance(node, exp.In):
        return _in(node)
    if isinstance(node, exp.Like | exp.Glob):
        pattern = constant(node.expression)
        if isinstance(node.this, exp.Column) and pattern is not None:
            return [Predicate(node.this, "LIKE" if isinstance(node, exp.Like) else "GLOB", (pattern,))]
        return []
    return _comparison(node)


_SIDES = frozenset({"this", "expression", "expressions", "query", "low", "high"})


def _plain(node: exp.Expr) -> bool:
    """Whether a predicate is nothing but its sides. The parser may note more on it, a NOT for one (`negate`), and
    what is not known here must not be taken for nothing.
    """
    return _SIDES.issuperset(name for name, value in node.args.items() if value)


def _comparison(node: exp.Expr) -> list[Predicate]:
    words = _COMPARISONS.get(type(node))
    if words is None or not isinstance(node, exp.Binary) or not _plain(node):
        return []
    found = []
    for column, other, operator in ((node.left, node.right, words[0]), (node.right, node.left, words[1])):
        column, other = column.unnest(), other.unnest()
        if not isinstance(column, exp.Column):
            continue
        if (value := constant(other)) is not None:
            found.append(Predicate(column, operator, (value,)))
        elif isinstance(other, exp.Column) and operator == "=":
            found.append(Predicate(column, "=", other=other))
    return found


def _in(node: exp.In) -> list[Predicate]:
    if not _plain(node) or not isinstance(node.this, exp.Column):
        return []
    query = node.args.get("query")
    if query is not None:
        inner = query.unnest()
        return [Predicate(node.this, "IN", query=inner)] if isinstance(inner, exp.Query) else []
    values = [constant(value) for value in node.expressions]
    known = tuple(value for value in values if value is not None)
    return [Predicate(node.this, "IN", known)] if known and len(known) == len(values) else []


def _any_of(node: exp.Or) -> list[Predicate]:
    """`a = 1 OR a = 2 OR a IN (3)` on one column is an IN."""
    waiting: list[exp.Expr] = [node]
    values: list[str] = []
    column: exp.Column | None = None
    while waiting:
        arm = waiting.pop().unnest()
        if isinstance(arm, exp.Or):
            waiting += [arm.right, arm.left]
            continue
        said = _in(arm) if isinstance(arm, exp.In) else _comparison(arm)
        if len(said) != 1 or said[0].operator not in ("=", "IN") or not said[0].values:
            return []
        column = column or said[0].column
        if said[0].column != column:
            return []
        values += said[0].values
    assert column is not None  # an OR has arms
    return [Predicate(column, "IN", tuple(values))]


def constant(node: exp.Expr) -> str | None:
    """The SQL text of an expression that is the same for every row; None for anything else.

    Literals, their negation, sums and concatenations; anything else is left to SQLite. The text is the tree written
    anew, and must read back as the same tree.

    >>> from sqlglot import parse_one
    >>> constant(parse_one("'private/' || 12", read="sqlite"))
    "'private/' || 12"
    >>> constant(parse_one("label", read="sqlite")), constant(parse_one("5 IN (0)", read="sqlite"))
    (None, None)
    """
    if not all(isinstance(part, _CONSTANT) for part in node.walk()):
        return None
    text = node.sql(dialect="sqlite")
    return (
        text if isinstance(node, exp.Literal) or parse_query(Text(f"SELECT {text}")).expressions[0] == node else None
    )

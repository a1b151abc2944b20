"""Which values a statement compares with which columns. SQLite compares anything with anything, and tells nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlglot import exp

from engine.errors import Span
from engine.language.dialect import parse_query
from engine.language.statements import Body, Change, Delete, Explain, Insert, Select
from engine.language.text import Text, quote_name, weave
from engine.planner.names import Names
from engine.planner.references import references
from engine.planner.scopes import Source, scopes
from engine.planner.writes import plan_call
from provider_registry.model import Shape

_BETWEEN_TWO = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.NullSafeEQ, exp.NullSafeNEQ)


class Compared(NamedTuple):
    """A literal of the statement, beside the column or parameter that it is compared with."""

    name: str
    shape: Shape
    span: Span


def compared(body: Body, names: Names) -> Iterator[Compared]:
    """Every literal, `TRUE` and `FALSE` excepted, that is one side of a comparison whose other side is a name.

    Raises what planning would raise: an unknown name, text that cannot be read.
    """
    if isinstance(body, Explain):
        at = body.statement.offset
        for found in compared(body.statement.body, names):
            yield found._replace(span=Span(at + found.span.start, at + found.span.end))
        return
    text = _query(body)
    if text is None:
        return
    tree = parse_query(text)
    calls = (
        {stand_in: plan_call(call, names)[-1] for stand_in, call in body.calls} if isinstance(body, Select) else {}
    )
    owners = {id(r.column): r.sources for r in references(tree, scopes(tree, names, text, calls), text)}
    for column, values in _comparisons(tree):
        shape = _shape(column, owners.get(id(column), ()))
        for value in values:
            span = text.origin(value.meta["start"], value.meta["end"] + 1) if "start" in value.meta else None
            if shape is not None and span is not None:
                yield Compared(column.name, shape, span)


def _query(body: Body) -> Text | None:
    """The query that holds all comparisons of a statement."""
    match body:
        case Select():
            return body.query
        case Insert():
            return body.rows
        case Change() | Delete() if body.where:
            target = ".".join(map(quote_name, body.target.parts))
            alias = quote_name(body.alias or body.target.parts[-1])
            set_ = [value for _, value in body.assignments] if isinstance(body, Change) else []
            items: list[Text | str] = [piece for value in set_ for piece in ("(", value, "\n), ")]
            ctes: list[Text | str] = [body.ctes, " "] if body.ctes is not None else []
            return weave(*ctes, "SELECT ", *items, f"1 FROM {target} AS {alias} WHERE (", body.where, "\n)")
    return None


def _comparisons(tree: exp.Expr) -> Iterator[tuple[exp.Column, list[exp.Expr]]]:
    """Each column that is compared, and the literals on the other side."""
    for node in tree.find_all(*_BETWEEN_TWO, exp.In, exp.Between):
        sides = (node.this, node.args.get("expression"), node.args.get("low"), node.args.get("high"))
        opened = [side.unnest() for side in (*sides, *node.expressions) if isinstance(side, exp.Expr)]
        for column in opened[:1] if isinstance(node, exp.In | exp.Between) else opened:
            if isinstance(column, exp.Column):
                yield column, [side for side in opened if isinstance(side, exp.Literal)]


def _shape(column: exp.Column, sources: Sequence[Source]) -> Shape | None:
    """What a column holds in all the sources that it may belong to; None where they do not agree, or it may be
    that of a subquery beside them.
    """
    own = column.find_ancestor(exp.Select)
    sure = bool(column.table) or all(source.select is own for source in sources)
    shapes = [shape for source in sources for shape in source.shapes(column.name)] if sure else []
    return shapes[0] if len({(shape.type, shape.format) for shape in shapes}) == 1 else None

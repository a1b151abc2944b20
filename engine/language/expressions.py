"""Expressions whose type does not depend on any row: so that `count(*)` is a number of an empty answer too.

SQLite tells types of columns alone. Only what it cannot make otherwise is told here: `sum(size)` can be an integer or
none, and stays `any`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from sqlglot import exp
from sqlglot.expressions import DType

from engine.language.dialect import parse_query
from engine.language.text import Text

Type: TypeAlias = Literal["string", "integer", "number", "any"]


def types(query: Text) -> Sequence[Type]:
    """The type of each column of a query; none at all where they cannot be told apart from its text.

    >>> types(Text("SELECT count(*), 'a' || id, size * 2, CAST(size AS TEXT) FROM t"))
    ['integer', 'string', 'any', 'string']
    >>> types(Text("SELECT *, 1 FROM t"))
    []
    """
    tree = parse_query(query)
    if not isinstance(tree, exp.Select) or tree.is_star:
        return []
    return [_type(node.unalias()) for node in tree.expressions]


_KINDS: dict[Type, tuple[type[exp.Expr], ...]] = {
    "integer": (
        *(exp.Count, exp.Length, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Exists, exp.Boolean),
        *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Like, exp.Between),
        *(exp.Not, exp.And, exp.Or),
    ),
    "number": (exp.Avg, exp.Round),
    "string": (exp.Upper, exp.Lower, exp.Trim, exp.DPipe, exp.GroupConcat, exp.Typeof),
}
_CASTS: dict[Type, tuple[DType, ...]] = {
    "integer": (DType.INT, DType.BIGINT, DType.SMALLINT, DType.TINYINT),
    "number": (DType.FLOAT, DType.DOUBLE),
    "string": (DType.TEXT, DType.VARCHAR, DType.CHAR),
}


def _type(node: exp.Expr) -> Type:
    for kind, nodes in _KINDS.items():
        if isinstance(node, nodes):
            return kind
    match node:
        case exp.Paren() | exp.Window():
            return _type(node.this)
        case exp.Neg() if isinstance(node.this, exp.Literal) and not node.this.is_string:
            return _number(str(node.this.this), 2**63)
        case exp.Literal():
            return "string" if node.is_string else _number(str(node.this), 2**63 - 1)
        case exp.Cast():
            return next((kind for kind, names in _CASTS.items() if node.to.this in names), "any")
        case exp.Add() | exp.Sub() | exp.Mul() | exp.Div():
            return "number" if "number" in (_type(node.left), _type(node.right)) else "any"
    return "any"


def _number(text: str, largest: int) -> Type:
    """Of digits; what does not fit into 64 bits SQLite reads as a number with a point."""
    return "integer" if text.isdecimal() and int(text) <= largest else "number"

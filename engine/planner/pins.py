"""Pins: predicates that fix a method's parameter, and the method they choose.

A parameter is pinned by `param = value`, `param IN (...)`, by the same on the column it is the key of, or by an
equality with another source's column, which then feeds it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, takewhile

from msgspec import Struct
from sqlglot import TokenType, exp

from engine.accounts import COLUMN
from engine.errors import Refused, Span
from engine.language.dialect import tokenize
from engine.language.text import Text, quote_name, quote_text, shown_name
from engine.planner.predicates import Predicate
from engine.planner.scopes import Source, place
from provider_registry.model import Method, Param

TEXT = re.compile(r"'(?:[^']|'')*'")  # a string as SQL spells it
MANY = 50  # keys that are looked up one by one where a list could be read instead


class Pin(Struct, frozen=True, eq=False):
    """Where a parameter's values come from: constants, a local subquery, or the column of another source."""

    name: str  # the column or parameter that the predicate names, folded
    values: tuple[str, ...] = ()
    query: str | None = None
    source: Source | None = None
    column: str = ""
    pair: tuple[exp.Column, ...] = ()  # of a join: the two columns that it compares

    @property
    def fixed(self) -> bool:
        """Whether it is known without fetching anything."""
        return self.source is None

    def __str__(self) -> str:
        if self.source is not None:
            return f"{self.source.alias}.{self.column}"
        if self.query is not None:
            return f"IN ({self.query})"
        return self.values[0] if len(self.values) == 1 else f"IN ({', '.join(self.values)})"


class Choice(Struct, frozen=True, eq=False):
    """The method that serves a source, and the pins of its parameters."""

    method: Method
    pins: Mapping[str, Pin]  # by parameter name
    why: str


def pins_of(
    source: Source, found: Sequence[Predicate], owner: Callable[[exp.Column], tuple[Source, ...]], text: Text
) -> dict[str, list[Pin]]:
    """The pins that predicates put on a source's names, the narrowest first. `text` is the query they stand in."""
    pins: dict[str, list[Pin]] = {}
    for predicate in found:
        if source not in owner(predicate.column) or predicate.operator not in ("=", "IN"):
            continue
        pin = _pin(predicate, source, owner, text)
        if pin is not None:
            pins.setdefault(pin.name, []).append(pin)
    for several in pins.values():
        several.sort(key=lambda pin: (not pin.fixed, pin.query is not None, len(pin.values)))
    return pins


def _pin(
    predicate: Predicate, source: Source, owner: Callable[[exp.Column], tuple[Source, ...]], text: Text
) -> Pin | None:
    name = predicate.column.name.casefold()
    if predicate.values:
        return Pin(name, tuple(dict.fromkeys(predicate.values)))
    if predicate.query is not None:
        local = predicate.query.find(exp.Column, exp.Table, exp.Star) is None
        return Pin(name, query=_written(predicate.column, text)) if local else None
    assert predicate.other is not None  # a predicate has values, a query or another column
    others = [other for other in owner(predicate.other) if other is not source]
    if len(others) == 1 and others[0].select is source.select:
        return Pin(name, source=others[0], column=predicate.other.name, pair=(predicate.column, predicate.other))
    return None


def _written(column: exp.Column, text: Text) -> str:
    """The subquery of `column IN (SELECT ...)` as the user wrote it: sqlglot would spell a NUMERIC as a REAL.

    >>> from engine.language.dialect import parse_query
    >>> tree = parse_query(query := Text("SELECT 1 WHERE a IN ((SELECT CAST('3' AS NUMERIC)))"))
    >>> _written(next(tree.find_all(exp.Column)), query)
    "SELECT CAST('3' AS NUMERIC)"
    """
    _, end = place(column)
    tokens = [token for token in tokenize(text.sql) if token.start >= end][1:]
    opened = sum(1 for _ in takewhile(lambda token: token.token_type is TokenType.L_PAREN, tokens))
    inside = tokens[opened:]
    depth = accumulate((t.token_type is TokenType.L_PAREN) - (t.token_type is TokenType.R_PAREN) for t in inside)
    closing = next(token for token, deep in zip(inside, depth, strict=True) if deep < 0)
    return text.sql[tokens[opened - 1].end + 1 : closing.start]


def choose(source: Source, pins: Mapping[str, Sequence[Pin]], *, envelope: bool, span: Span | None) -> Choice:
    """The method that honours the most of what was said, then the one with most of its needs met.

    Raises Refused where no method has all it needs, naming the needs of each.
    """
    asked = {name for name in pins if source.param(name) is not None}
    candidates = []
    for order, method in enumerate(source.methods()):
        if envelope and not method.response.envelope:
            continue
        taken = {p.name: pin for p in method.params if (pin := _pin_of(p, pins)) is not None}
        if all(p.name in taken for p in method.required):
            ignored = {n for n in asked if not _honours(source, method, n, taken)}
            # One list is cheaper than a call for each row of a join or of a long IN: these give way to it.
            fed = sum(not pin.fixed or len(pin.values) > MANY for pin in taken.values())
            candidates.append(
                (bool(method.unsupported), len(ignored), fed, -len(method.required), order, method, taken, ignored)
            )
    if not candidates:
        raise _missing(source, pins, span)
    *_, method, taken, ignored = min(candidates, key=lambda c: c[:5])
    if ignored:
        names = " and ".join(sorted(p.name for n in ignored if (p := source.param(n)) is not None))
        raise Refused(
            f"{method.name} does not take {names}, and no other method of {source.name} takes all that is asked",
            span=span,
            hint=f"leave {names} out of the WHERE",
        )
    return Choice(method, taken, _why(source, method, taken))


def _pin_of(param: Param, pins: Mapping[str, Sequence[Pin]]) -> Pin | None:
    """The pin of a parameter, by its names or by the column it is the key of. Joins feed only what is required."""
    named = [pin for name in (param.name, param.alias, param.key) for pin in pins.get((name or "").casefold(), ())]
    return next((pin for pin in named if pin.fixed or param.required), None)


def _honours(source: Source, method: Method, name: str, taken: Mapping[str, Pin]) -> bool:
    """Whether a named parameter is sent, or can be checked on the rows because it is the key of a column."""
    own = method.param(name)
    if own is not None and own.name in taken:
        return True
    param = source.param(name)
    return param is not None and param.key is not None


def _why(source: Source, method: Method, taken: Mapping[str, Pin]) -> str:
    if not taken:
        return "no parameter is given"
    return ", ".join(
        f"{name} = {pin}" if not str(pin).startswith("IN") else f"{name} {pin}" for name, pin in taken.items()
    )


def _missing(source: Source, pins: Mapping[str, Sequence[Pin]], span: Span | None) -> Refused:
    """Each method with what it still needs, and a line to add."""
    needs, lines = [], []
    for method in source.methods():
        absent = [p for p in method.required if _pin_of(p, pins) is None]
        needs.append(f"{method.name} needs {' and '.join(p.name for p in absent)}")
        lines.append(" AND ".join(f"{shown_name(p.name)} = {example(p)}" for p in absent))
    return Refused(
        f"{source.name} cannot be read without more: {'; '.join(needs)}",
        span=span,
        hint=f"add to the WHERE: {lines[0]}, or join it to a table that has it" if lines else None,
    )


def example(param: Param) -> str:
    """A literal that shows what a parameter looks like.

    >>> example(Param(name="imageId", wire="imageId", location="path", example="private/12345"))
    "'private/12345'"
    """
    shape = param.shape
    offered = (param.example, param.default, *shape.enum[:1], int(shape.minimum) if shape.minimum else None)
    shown = next((value for value in offered if value is not None), None)
    if shown is None:
        shown = {"integer": 123, "number": 1.5, "boolean": True, "array": ["a"], "object": {}}.get(shape.type, "...")
    if isinstance(shown, bool):
        return "true" if shown else "false"
    if isinstance(shown, int | float):
        return str(shown)
    return quote_text(shown if isinstance(shown, str) else json.dumps(shown))


def feed_sql(
    pins: Mapping[str, Pin], tables: Mapping[Source, str], accounts: str | None = None
) -> tuple[str | None, tuple[str, ...]]:
    """The query that gives the arguments of each call, and the tables it reads; None where there are no arguments.

    `accounts` is a query of the accounts to ask. What a row feeds is asked of that row's own account: the parts are
    joined on the column they share.
    """
    parts: list[str] = []
    nullable: list[str] = []
    fed: dict[Source, list[str]] = {}
    for name, pin in pins.items():
        column = quote_name(name)
        if pin.source is not None:
            fed.setdefault(pin.source, []).append(f"{quote_name(pin.column)} AS {column}")
            nullable.append(column)
        elif pin.query is not None:
            parts.append(f"WITH _in({column}) AS ({pin.query}) SELECT {column} FROM _in")
            nullable.append(column)
        elif len(pin.values) == 1:
            parts.append(f"SELECT {pin.values[0]} AS {column}")
            nullable += [] if _literal(pin.values[0]) else [column]
        else:
            values = ", ".join(f"({value})" for value in pin.values)
            parts.append(f"SELECT column1 AS {column} FROM (VALUES {values})")
            nullable += [] if all(map(_literal, pin.values)) else [column]
    for source, cols in fed.items():
        shared = [quote_name(COLUMN)] if accounts is not None and source.accounts else []
        parts.append(f"SELECT DISTINCT {', '.join([*cols, *shared])} FROM main.{tables[source]}")
    if accounts is not None:
        parts.insert(0, accounts)
    if not parts:
        return None, ()
    reads = tuple(dict.fromkeys(tables[source] for source in fed))
    if len(parts) == 1 and not nullable:
        return parts[0], reads
    joined = (" CROSS JOIN " if accounts is None else " NATURAL JOIN ").join(f"({part})" for part in parts)
    condition = " AND ".join(f"{column} IS NOT NULL" for column in nullable)
    return f"SELECT DISTINCT * FROM {joined}" + (f" WHERE {condition}" if condition else ""), reads


def accounts_sql(accounts: Sequence[str], pins: Sequence[Pin]) -> str:
    """The query of the accounts to ask: those named that the predicates on `_account` leave.

    >>> print(accounts_sql(("prod", "staging"), [Pin("_account", ("'prod'",))]))
    SELECT column1 AS "_account" FROM (VALUES ('prod'), ('staging')) WHERE CAST(column1 AS TEXT) IN ('prod')
    """
    named = ", ".join(f"({quote_text(name)})" for name in accounts)
    # The cast has these names compare as those of the rows do: to a column of text 7 is '7'.
    tests = [f"CAST(column1 AS TEXT) IN ({pin.query or ', '.join(pin.values)})" for pin in pins if pin.fixed]
    condition = f" WHERE {' AND '.join(tests)}" if tests else ""
    return f"SELECT column1 AS {quote_name(COLUMN)} FROM (VALUES {named}){condition}"


def _literal(text: str) -> bool:
    """Whether a constant is plainly a string or a number, so that it cannot be NULL."""
    return re.fullmatch(rf"{TEXT.pattern}|-?[0-9.]+", text) is not None

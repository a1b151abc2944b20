"""The rows that a write is about: what its WHERE keeps, found by a query; or the keys that the WHERE gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec.structs import replace
from sqlglot import exp

from engine.accounts import COLUMN
from engine.errors import Refused, Span, SyntaxFault, UnknownName
from engine.language.dialect import parse_query
from engine.language.statements import Change, Delete
from engine.language.text import Text, quote_name, quote_text, weave
from engine.planner.names import ACCOUNT, Names
from engine.planner.pins import Pin, example, feed_sql
from engine.planner.plan import Step
from engine.planner.predicates import predicates, terms
from engine.planner.reads import Reading, plan_query
from provider_registry.model import Method, Param, Resource

Pieces: TypeAlias = list[Text | str]


def rows_of(
    statement: Change | Delete,
    method: Method,
    resource: Resource,
    names: Names,
    items: Pieces,
    accounts: Sequence[str],
    *,
    read: bool,
    pushdown: bool,
    remember: bool = False,
) -> tuple[Reading, list[Param]]:
    """The query that finds the rows to write, planned, and the parameters it gives.

    Where the WHERE is nothing but `parameter = value`, its rows are those values and nothing has to be read. Of
    several accounts it must name one then; else the rows are read, and each is written in the account it is of.
    """
    alias, where = statement.alias or resource.name, statement.where
    if not where:
        raise _unbounded(statement, method)
    condition = _condition(where)
    if condition.find(exp.Column) is None:
        raise Refused(
            "the WHERE names no column, so it would write every row or none",
            span=where.origin(0, len(where.sql)),
            hint=f"say which rows: {_line(method)}",
        )
    ctes: Pieces = [statement.ctes, " "] if statement.ctes is not None else []
    pins = None if read else _direct(condition, method, alias, accounts)
    if pins is not None:
        keys = [param for param in (*method.params, ACCOUNT) if param.name in pins]
        listed = ", ".join(quote_name(param.name) for param in keys)
        # The WHERE runs whole over the values that it pins: a row is written only where it says so itself.
        second = {
            p.name: other
            for p in keys
            for other in (p.key, p.alias)
            if other and other.casefold() != p.name.casefold()
        }
        spelled = "".join(f", {quote_name(name)} AS {quote_name(other)}" for name, other in second.items())
        rows = f"SELECT *{spelled} FROM ({feed_sql(pins, {})[0]})"
        text = weave(*ctes, "SELECT ", *items, listed, f" FROM ({rows}) AS {quote_name(alias)} WHERE (", where, "\n)")
        seen = _seen(statement, keys, pins, names) if remember else ()
        found = plan_query(text, names, first=len(seen), pushdown=pushdown)
        return replace(found, steps=(*seen, *found.steps)), keys
    if not resource.bound("select"):
        raise Refused(
            f"this WHERE cannot be honoured: {statement.target} cannot be read to check it",
            span=where.origin(0, len(where.sql)),
            hint=f"give nothing but values of {method.name}'s parameters: {_line(method, accounts)}",
        )
    keys = [param for param in method.required if param.location != "body"]
    keys += [ACCOUNT] if accounts else []
    sources = [f"{quote_name(alias)}.{quote_name(p.key or p.name)} AS {quote_name(p.name)}" for p in keys]
    target = ".".join(map(quote_name, statement.target.parts))
    text = weave(
        *ctes, "SELECT ", *items, ", ".join(sources), f" FROM {target} AS {quote_name(alias)} WHERE (", where, "\n)"
    )
    return plan_query(text, names, pushdown=pushdown), keys


def _seen(
    statement: Change | Delete, keys: Sequence[Param], pins: Mapping[str, Pin], names: Names
) -> tuple[Step, ...]:
    """The steps that read rows whose keys are given: for what they were, not for which they are.

    None where they cannot be read by their keys.
    """
    listed = ", ".join(quote_name(p.key or p.name) for p in keys)
    terms = " AND ".join(f"{quote_name(p.key or p.name)} IN ({', '.join(pins[p.name].values)})" for p in keys)
    target = ".".join(map(quote_name, statement.target.parts))
    try:
        return plan_query(Text(f"SELECT {listed} FROM {target} WHERE {terms}"), names).steps
    except (Refused, UnknownName):
        return ()


def _condition(where: Text) -> exp.Expr:
    """The tree of a WHERE's predicate, which nothing may follow."""
    tree = parse_query(weave("SELECT 1 WHERE ", where))
    more = [name for name, value in tree.args.items() if value and name not in ("expressions", "where", "kind")]
    if not isinstance(tree, exp.Select) or more:
        raise SyntaxFault(
            "a write takes WHERE and RETURNING, and nothing between them", span=where.origin(0, len(where.sql))
        )
    found: exp.Expr = tree.args["where"].this
    return found


def _direct(condition: exp.Expr, method: Method, alias: str, accounts: Sequence[str]) -> Mapping[str, Pin] | None:
    """The pins of a WHERE that is nothing but values of the method's parameters, each given once; else None."""
    pins: dict[str, Pin] = {}
    for term in terms(condition):
        said = predicates(term)
        if len(said) != 1 or said[0].operator not in ("=", "IN") or not said[0].values:
            return None
        column = said[0].column
        param = ACCOUNT if accounts and column.name.casefold() == COLUMN else parameter_of(method, column.name)
        plain = column.args.get("db") is None and column.table.casefold() in ("", alias.casefold())
        if not plain or param is None or param.name in pins:
            return None
        pins[param.name] = Pin(param.name, tuple(dict.fromkeys(said[0].values)))
    if len(accounts) == 1:
        pins.setdefault(COLUMN, Pin(COLUMN, (quote_text(accounts[0]),)))
    needed = {param.name for param in method.required if param.location != "body"}
    needed |= {COLUMN} if accounts else set()
    return pins if needed <= pins.keys() else None


def parameter_of(method: Method, name: str) -> Param | None:
    """The parameter, not of the body, that a column of a WHERE fixes: by its name or as the key of the column."""
    outside = [param for param in method.params if param.location != "body"]
    for spelling in ("name", "alias", "key"):
        for param in outside:
            if (getattr(param, spelling) or "").casefold() == name.casefold():
                return param
    return None


def _line(method: Method, accounts: Sequence[str] = ()) -> str:
    """A WHERE that the method understands."""
    needed = [f"{p.name} = {example(p)}" for p in method.required if p.location != "body"]
    needed += [f"{COLUMN} = {quote_text(accounts[0])}"] if len(accounts) > 1 else []
    return "WHERE " + " AND ".join(needed)


def _unbounded(statement: Change | Delete, method: Method) -> Refused:
    """A write without a WHERE, or with an empty one, as an empty template leaves it."""
    verb = statement.verb.upper() if isinstance(statement, Change) else "DELETE"
    needs = " and ".join(p.name for p in method.required if p.location != "body")
    what, span, hint = "without a WHERE", statement.target.span, f"add the line: {_line(method)}"
    if statement.where is not None and (end := statement.where.origin(0, 0)) is not None:
        what, span = "with an empty WHERE", Span(end.start - len("WHERE"), end.start)
        hint = f"say behind it which rows, in the statement or in what fills it in: {_line(method)[len('WHERE ') :]}"
    return Refused(
        f"{verb} {what} is refused: it would write every row of {statement.target}; {method.name} needs {needs}",
        span=span,
        hint=hint,
        brief=f"{verb} {what}",
    )

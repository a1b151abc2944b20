"""Writes into plans: a query finds the rows, a last step sends one call for each.

A write honours every predicate or is refused: its WHERE either is nothing but values of the method's parameters, or
runs whole over rows that were read first. It never widens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from sqlglot import exp

from engine.errors import Refused, Span, SyntaxFault, UnknownName, suggest
from engine.functions import AGGREGATES
from engine.language.dialect import parse_query
from engine.language.statements import Call, Change, Delete, Insert, Name, Word
from engine.language.text import Text, quote_name, weave
from engine.planner.names import Names, place
from engine.planner.pins import Pin, example, feed_sql
from engine.planner.plan import JSON_ARGUMENT, Plan, Stamp, Step
from engine.planner.predicates import predicates, terms
from engine.planner.reads import Reading, plan_query
from provider_registry.model import Column, Method, Param, Resource

OUT = "t_out"
Pieces: TypeAlias = list[Text | str]


def plan_insert(statement: Insert, names: Names, *, pushdown: bool = True) -> Plan:
    """One call for each row of the query, its columns named by the INSERT's list."""
    provider, resource = names.resource(statement.target)
    method = _method(resource, "insert", statement.target, statement.columns)
    params = [_param(method, word) for word in statement.columns]
    _once(params, statement.columns)
    absent = [p for p in method.required if p not in params]
    if absent:
        named, values = ", ".join(p.name for p in absent), ", ".join(example(p) for p in absent)
        raise _missing(method, absent, statement.target.span, f"add {named} to the columns and {values} to each row")
    _same_width(statement)
    reading = plan_query(statement.rows, names, pushdown=pushdown)
    columns = ", ".join(quote_name(param.name) for param in params)
    feed = weave(f"WITH feed({columns}) AS (", reading.query, "\n) SELECT * FROM feed")
    step = Step(OUT, provider, _full(names, statement.target), "insert", method, method.response.columns)
    return _plan(step, reading, feed, params, (), statement.returning, resource.name)


def plan_change(statement: Change, names: Names, *, pushdown: bool = True) -> Plan:
    """REPLACE and UPDATE: the SET expressions, and the key of each row that the WHERE keeps."""
    provider, resource = names.resource(statement.target)
    words = [word for word, _ in statement.assignments]
    method = _method(resource, statement.verb, statement.target, words)
    items: Pieces = []
    params = [_settable(method, word, resource) for word in words]
    _once(params, words)
    for word, value in statement.assignments:
        _one_row(word, value)
    for param, (_, value) in zip(params, statement.assignments, strict=True):
        items += ["(", value, f"\n) AS {quote_name(param.name)}, "]
    computed = any(_columns_in(value) for _, value in statement.assignments)
    reading, keys = _rows(statement, method, resource, names, items, read=computed, pushdown=pushdown)
    step = Step(OUT, provider, _full(names, statement.target), statement.verb, method, method.response.columns)
    alias = statement.alias or resource.name
    return _plan(step, reading, reading.query, [*params, *keys], (), statement.returning, alias)


def plan_delete(statement: Delete, names: Names, *, pushdown: bool = True) -> Plan:
    """DELETE: the key of each row that the WHERE keeps. RETURNING gives the row as it was before."""
    provider, resource = names.resource(statement.target)
    method = _method(resource, "delete", statement.target, ())
    alias = statement.alias or resource.name
    carried = _carried(statement.returning, method, resource)
    items: Pieces = [f"{quote_name(alias)}.{quote_name(column.name)}, " for column in carried]
    reading, keys = _rows(statement, method, resource, names, items, read=bool(carried), pushdown=pushdown)
    step = Step(OUT, provider, _full(names, statement.target), "delete", method, method.response.columns)
    return _plan(step, reading, reading.query, keys, carried, statement.returning, alias)


def plan_call(call: Call, names: Names, *, table: str = OUT, first: int = 0) -> tuple[Step, ...]:
    """EXEC: one call, the last step; its arguments are the one row of a query."""
    provider, resource, method = names.method(call.target)
    given = [(_param(method, word, bare=True), value) for word, value in call.arguments]
    _once([param for param, _ in given], [word for word, _ in call.arguments])
    pairs = [(param.name, value) for param, value in given]
    if call.json is not None:
        pairs.append((JSON_ARGUMENT, call.json))
    absent = [
        p
        for p in method.required
        if p not in [param for param, _ in given] and (call.json is None or p.location != "body")
    ]
    if absent:
        lines = ", ".join(f"@{p.wire} = {example(p)}" for p in absent)
        raise _missing(method, absent, call.target.span, f"add the line: {lines}", bare=True)
    items: Pieces = []
    for name, value in pairs:
        items += [", " if items else "SELECT ", "(", value, f"\n) AS {quote_name(name)}"]
    reading = plan_query(weave(*items), names, first=first) if items else Reading((), Text(""))
    step = Step(
        table,
        provider,
        ".".join(names.whole(call.target.parts, 4)[:-1]),
        "exec",
        method,
        method.response.columns,
        rows=method.response.rows,
        key=resource.identity(method) if method.paging.algorithm != "none" else (),
        feed=reading.query if items else None,
        reads=tuple(step.table for step in reading.steps),
        why="EXEC names it",
    )
    return (*reading.steps, step)


def plan_exec(call: Call, names: Names) -> Plan:
    """EXEC as a statement: the response as rows, or a count where there is none."""
    steps = plan_call(call, names)
    answers = bool(steps[-1].columns)
    return Plan("exec", steps, Text(f"SELECT * FROM {steps[-1].table}") if answers else None)


def _full(names: Names, target: Name) -> str:
    return ".".join(names.whole(target.parts))


def _plan(
    step: Step,
    reading: Reading,
    feed: Text,
    params: Sequence[Param],
    carried: Sequence[Column],
    returning: Text | None,
    alias: str,
) -> Plan:
    """The reading steps, the write over their rows, and the RETURNING over what came back."""
    stamps = _returned(step, params, carried, returning)
    step = Step(
        step.table,
        step.provider,
        step.resource,
        step.verb,
        step.method,
        step.columns,
        rows=step.method.response.rows,
        feed=feed,
        reads=tuple(s.table for s in reading.steps),
        stamps=stamps,
        why=f"{step.verb.upper()} of {step.resource}",
    )
    output = None
    if returning is not None:
        output = weave("SELECT ", returning, f" FROM {OUT} AS {quote_name(alias)}")
    return Plan(step.verb, (*reading.steps, step), output, reading.local)


def _rows(
    statement: Change | Delete,
    method: Method,
    resource: Resource,
    names: Names,
    items: Pieces,
    *,
    read: bool,
    pushdown: bool,
) -> tuple[Reading, list[Param]]:
    """The query that finds the rows to write, planned, and the parameters it gives.

    Where the WHERE is nothing but `parameter = value`, its rows are those values and nothing has to be read.
    """
    alias, where = statement.alias or resource.name, statement.where
    if where is None:
        raise _unbounded(statement, method)
    condition = _condition(where)
    if condition.find(exp.Column) is None:
        raise Refused(
            "the WHERE names no column, so it would write every row or none",
            span=where.origin(0, len(where.sql)),
            hint=f"say which rows: {_line(method)}",
        )
    ctes: Pieces = [statement.ctes, " "] if statement.ctes is not None else []
    pins = None if read else _direct(condition, method, alias)
    if pins is not None:
        keys = [param for param in method.params if param.name in pins]
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
        return plan_query(text, names, pushdown=pushdown), keys
    if not resource.bound("select"):
        raise Refused(
            f"this WHERE cannot be honoured: {statement.target} cannot be read to check it",
            span=where.origin(0, len(where.sql)),
            hint=f"give nothing but values of {method.name}'s parameters: {_line(method)}",
        )
    keys = [param for param in method.required if param.location != "body"]
    sources = [f"{quote_name(alias)}.{quote_name(p.key or p.name)} AS {quote_name(p.name)}" for p in keys]
    target = ".".join(map(quote_name, statement.target.parts))
    text = weave(
        *ctes, "SELECT ", *items, ", ".join(sources), f" FROM {target} AS {quote_name(alias)} WHERE (", where, "\n)"
    )
    return plan_query(text, names, pushdown=pushdown), keys


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


def _direct(condition: exp.Expr, method: Method, alias: str) -> Mapping[str, Pin] | None:
    """The pins of a WHERE that is nothing but values of the method's parameters, each given once; else None."""
    pins: dict[str, Pin] = {}
    for term in terms(condition):
        said = predicates(term)
        if len(said) != 1 or said[0].operator not in ("=", "IN") or not said[0].values:
            return None
        column = said[0].column
        param = _parameter(method, column.name)
        if column.table.casefold() not in ("", alias.casefold()) or param is None or param.name in pins:
            return None
        pins[param.name] = Pin(param.name, tuple(dict.fromkeys(said[0].values)))
    needed = {param.name for param in method.required if param.location != "body"}
    return pins if needed <= pins.keys() else None


def _parameter(method: Method, name: str) -> Param | None:
    """The parameter, not of the body, that a column of a WHERE fixes: by its name or as the key of the column."""
    outside = [param for param in method.params if param.location != "body"]
    for spelling in ("name", "alias", "key"):
        for param in outside:
            if (getattr(param, spelling) or "").casefold() == name.casefold():
                return param
    return None


def _once(params: Sequence[Param], words: Sequence[Word]) -> None:
    """Two spellings of one input are that input given twice."""
    seen: set[str] = set()
    for param, word in zip(params, words, strict=True):
        if param.name in seen:
            raise Refused(
                f"{word.name} is given twice, once as {param.name}", span=word.span, hint="keep one of them"
            )
        seen.add(param.name)


def _one_row(word: Word, value: Text) -> None:
    """A SET computes from one row: an aggregate would make one row of many."""
    tree = parse_query(weave("SELECT (", value, "\n)"))
    for call in tree.find_all(exp.AggFunc, exp.Anonymous):
        if call.find_ancestor(exp.Select) is not tree or call.find_ancestor(exp.Window) is not None:
            continue
        scalar = isinstance(call, exp.Max | exp.Min) and call.expressions
        if not scalar and (isinstance(call, exp.AggFunc) or call.name.casefold() in AGGREGATES):
            raise Refused(
                f"{word.name} cannot be set to an aggregate: each row is written by itself",
                span=value.origin(0, len(value.sql)),
                hint="compute it in a subquery: (SELECT ...)",
            )


def _columns_in(text: Text) -> list[exp.Column]:
    """Every column that an expression reads, those of its subqueries included."""
    return list(parse_query(weave("SELECT (", text, "\n)")).find_all(exp.Column))


def _carried(returning: Text | None, method: Method, resource: Resource) -> tuple[Column, ...]:
    """The columns of the old row that RETURNING needs, where the response has none of its own."""
    if returning is None or method.response.columns:
        return ()
    tree = parse_query(weave("SELECT ", returning))
    if not any(tree.find_all(exp.Star)) and all(_parameter(method, c.name) for c in tree.find_all(exp.Column)):
        return ()
    return resource.columns


def _returned(
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


def _method(resource: Resource, verb: str, target: Name, words: Sequence[Word]) -> Method:
    """The method for a write: the first that knows every column given and has all it needs, else the closest."""
    bound = resource.bound(verb)
    if not bound:
        has = [v.upper() for v in ("select", "insert", "replace", "update", "delete") if resource.bound(v)]
        other = {"update": "replace", "replace": "update"}.get(verb, "")
        hint = f"it has {', '.join(has)}"
        if resource.view is not None:
            hint = "it is a view: write to what it reads"
        elif resource.bound(other):
            hint = f"it has {other.upper()}: write {other.upper()} {target} SET ... WHERE ..."
        raise Refused(f"{target} has no {verb.upper()}", span=target.span, hint=hint)

    def fit(method: Method) -> tuple[int, int]:
        given = [method.param(word.name) for word in words]
        return given.count(None), sum(p not in given for p in method.required if p.location == "body")

    return min(bound, key=fit)


def _param(method: Method, word: Word, *, bare: bool = False) -> Param:
    """The parameter that a column of an INSERT or, by its bare name, an @name of an EXEC means."""
    param = method.param(word.name)
    if param is None:
        raise UnknownName(
            f"{method.name} has no parameter {word.name!r}",
            name=word.name,
            known=[p.wire if bare else p.name for p in method.params],
            span=word.span,
        )
    return param


def _settable(method: Method, word: Word, resource: Resource) -> Param:
    """The body attribute that a SET means."""
    param = method.param(word.name)
    if param is not None and param.location == "body":
        return param
    known = [p.name for p in method.body]
    bare = word.name.casefold().removeprefix("data__")
    if any(c.name.casefold() == bare for c in resource.columns) or param is not None:
        message, hint = f"{word.name} cannot be changed", f"{method.name} sets {', '.join(known)}"
    else:
        message, hint = f"{method.name} has no attribute {word.name!r}", suggest(word.name, known) or ""
    raise UnknownName(message, name=word.name, known=known, span=word.span, hint=hint)


def _same_width(statement: Insert) -> None:
    """Every row has as many values as there are columns; a star is counted by SQLite later."""
    tree = parse_query(statement.rows)
    wanted = len(statement.columns)
    values = tree.find(exp.Values) if isinstance(tree, exp.Values) else None
    rows = [row.expressions for row in values.expressions] if values is not None else []
    if isinstance(tree, exp.Query) and not any(e.is_star for e in tree.selects):
        rows.append(tree.selects)
    for row in rows:
        if len(row) != wanted:
            raise Refused(
                f"{wanted} column{'s are' if wanted > 1 else ' is'} named and {len(row)} "
                f"value{'s are' if len(row) > 1 else ' is'} given",
                span=statement.rows.origin(0, len(statement.rows.sql)),
                hint=f"the columns are {', '.join(word.name for word in statement.columns)}",
            )


def _line(method: Method) -> str:
    """A WHERE that the method understands."""
    needed = [p for p in method.required if p.location != "body"]
    return "WHERE " + " AND ".join(f"{p.name} = {example(p)}" for p in needed)


def _unbounded(statement: Change | Delete, method: Method) -> Refused:
    """A write without a WHERE."""
    verb = statement.verb.upper() if isinstance(statement, Change) else "DELETE"
    needs = " and ".join(p.name for p in method.required if p.location != "body")
    return Refused(
        f"{verb} without a WHERE is refused: it would write every row of {statement.target}; "
        f"{method.name} needs {needs}",
        span=statement.target.span,
        hint=f"add the line: {_line(method)}",
        brief=f"{verb} without a WHERE",
    )


def _missing(method: Method, absent: Sequence[Param], span: Span, hint: str, *, bare: bool = False) -> Refused:
    """Required inputs that were not given."""
    names = " and ".join(p.wire if bare else p.name for p in absent)
    return Refused(f"{method.name} needs {names}", span=span, hint=hint)

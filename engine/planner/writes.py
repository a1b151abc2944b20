"""Writes into plans: a query finds the rows, a last step sends one call for each.

A write honours every predicate or is refused: its WHERE either is nothing but values of the method's parameters, or
runs whole over rows that were read first. It never widens.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from sqlglot import exp

from engine.accounts import COLUMN
from engine.errors import QueryFault, Refused, Span, UnknownName, suggest
from engine.functions import AGGREGATES
from engine.language.dialect import parse_query
from engine.language.statements import Call, Change, Delete, Insert, Name, Word
from engine.language.text import Text, quote_name, quote_text, weave
from engine.planner.names import ACCOUNT, Names
from engine.planner.pins import accounts_sql, example
from engine.planner.plan import COMPRESS_ARGUMENT, FILE_ARGUMENT, JSON_ARGUMENT, Plan, Step, create_tables
from engine.planner.reads import Reading, account_stamp, plan_query
from engine.planner.returning import carried_by, returned_by
from engine.planner.targets import Pieces, rows_of
from engine.store import Store
from provider_registry.model import Column, Method, Param, Resource

OUT = "t_out"


def plan_insert(statement: Insert, names: Names, *, pushdown: bool = True) -> Plan:
    """One call for each row of the query, its columns named by the INSERT's list."""
    provider, resource = names.resource(statement.target)
    accounts = names.accounts.get(provider, ())
    method = method_for(resource, "insert", statement.target, statement.columns)
    params = [_param(method, word, accounts=accounts) for word in statement.columns]
    _once(params, statement.columns)
    absent = [p for p in method.required if p not in params]
    if absent:
        named, values = ", ".join(p.name for p in absent), ", ".join(example(p) for p in absent)
        raise _missing(method, absent, statement.target.span, f"add {named} to the columns and {values} to each row")
    _same_width(statement)
    reading = plan_query(statement.rows, names, pushdown=pushdown)
    columns = ", ".join(quote_name(param.name) for param in params)
    only = ""
    if accounts and ACCOUNT not in params:
        only = f", {_only(accounts, statement.target, f'add {COLUMN} to the columns')} AS {quote_name(COLUMN)}"
        params.append(ACCOUNT)
    feed = weave(f"WITH feed({columns}) AS (", reading.query, f"\n) SELECT *{only} FROM feed")
    target = _full(names, statement.target)
    step = Step(OUT, provider, target, "insert", method, method.response.columns, accounts=accounts)
    return _plan(step, reading, feed, params, (), statement.returning, resource.name)


def plan_change(statement: Change, names: Names, *, pushdown: bool = True, remember: bool = False) -> Plan:
    """REPLACE and UPDATE: the SET expressions, and the key of each row that the WHERE keeps.

    `remember`: the rows are read before, be it only to know what they were.
    """
    provider, resource = names.resource(statement.target)
    words = [word for word, _ in statement.assignments]
    method = method_for(resource, statement.verb, statement.target, words)
    items: Pieces = []
    params = [_settable(method, word, resource) for word in words]
    _once(params, words)
    for word, value in statement.assignments:
        _one_row(word, value)
    for param, (_, value) in zip(params, statement.assignments, strict=True):
        items += ["(", value, f"\n) AS {quote_name(param.name)}, "]
    computed = any(_columns_in(value) for _, value in statement.assignments)
    accounts = names.accounts.get(provider, ())
    reading, keys = rows_of(
        statement, method, resource, names, items, accounts, read=computed, pushdown=pushdown, remember=remember
    )
    alias = statement.alias or resource.name
    holds = _holds(params, resource)
    own = {
        param.name
        for param, (_, value) in zip(params, statement.assignments, strict=True)
        if param.name in holds and _reads_itself(value, holds[param.name], alias)
    }
    _row_by_row(statement, reading)
    step = Step(
        OUT,
        provider,
        _full(names, statement.target),
        statement.verb,
        method,
        method.response.columns,
        accounts=accounts,
        holds=holds,
        own=frozenset(own),
    )
    return _plan(step, reading, reading.query, [*params, *keys], (), statement.returning, alias)


def plan_delete(statement: Delete, names: Names, *, pushdown: bool = True) -> Plan:
    """DELETE: the key of each row that the WHERE keeps. RETURNING gives the row as it was before."""
    provider, resource = names.resource(statement.target)
    method = method_for(resource, "delete", statement.target, ())
    alias = statement.alias or resource.name
    carried = carried_by(statement.returning, method, resource)
    items: Pieces = [f"{quote_name(alias)}.{quote_name(column.name)}, " for column in carried]
    accounts = names.accounts.get(provider, ())
    reading, keys = rows_of(
        statement, method, resource, names, items, accounts, read=bool(carried), pushdown=pushdown
    )
    target = _full(names, statement.target)
    step = Step(OUT, provider, target, "delete", method, method.response.columns, accounts=accounts)
    return _plan(step, reading, reading.query, keys, carried, statement.returning, alias)


def plan_call(call: Call, names: Names, *, table: str = OUT, first: int = 0) -> tuple[Step, ...]:
    """EXEC: one call, the last step; its arguments are the one row of a query."""
    provider, resource, method = names.method(call.target)
    accounts = names.accounts.get(provider, ())
    given = [(_param(method, word, bare=True, accounts=accounts), value) for word, value in call.arguments]
    _once([param for param, _ in given], [word for word, _ in call.arguments])
    pairs = [(param.name, value) for param, value in given]
    if call.json is not None:
        pairs.append((JSON_ARGUMENT, call.json))
    pairs += _file(call, method)
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
    if accounts and COLUMN not in [name for name, _ in pairs]:
        items = _with_accounts(items, accounts, method, call.target)
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
        stamps=(account_stamp(),) if accounts else (),
        accounts=accounts,
        why="EXEC names it",
        files=call.file is not None,
    )
    return (*reading.steps, step)


def _file(call: Call, method: Method) -> list[tuple[str, Text]]:
    """The file of a call, as columns of its feed."""
    if call.file is None and call.compress is not None:
        raise Refused(
            "@@compress goes with @@file",
            span=call.compress.origin(0, len(call.compress.sql)),
            hint="name the file: @@file = './disk.img'",
        )
    if call.file is not None and method.upload is None:
        raise Refused(
            f"{method.name} takes no file",
            span=call.file.origin(0, len(call.file.sql)),
            hint="leave @@file out",
        )
    given = ((FILE_ARGUMENT, call.file), (COMPRESS_ARGUMENT, call.compress))
    return [(name, value) for name, value in given if value is not None]


def plan_exec(call: Call, names: Names) -> Plan:
    """EXEC as a statement: the response as rows, or a count where there is none."""
    steps = plan_call(call, names)
    listed = ", ".join(quote_name(column.name) for column in steps[-1].columns)
    return Plan("exec", steps, Text(f"SELECT {listed} FROM {steps[-1].table}") if listed else None)


def _with_accounts(items: Pieces, accounts: Sequence[str], method: Method, target: Name) -> Pieces:
    """The arguments of an EXEC for each account; what changes something is for one alone, which has to be said."""
    if method.reads:
        listed = accounts_sql(accounts, [])
        return ["SELECT * FROM (", *items, f"\n) CROSS JOIN ({listed})"] if items else [listed]
    only = _only(accounts, target, f"add the line: @{COLUMN} = {quote_text(accounts[0])}")
    return [*items, ", " if items else "SELECT ", f"{only} AS {quote_name(COLUMN)}"]


def _only(accounts: Sequence[str], target: Name, advice: str) -> str:
    """The account that is meant where a write does not say; with several, it has to."""
    if len(accounts) > 1:
        raise Refused(
            f"{' and '.join(accounts)} are named, and this does not say whose {target} it is about",
            span=target.span,
            hint=f"{advice}, or name one account",
        )
    return quote_text(accounts[0])


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
    stamps = returned_by(step, params, carried, returning)
    step = replace(
        step,
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


def _row_by_row(statement: Change, reading: Reading) -> None:
    """The query of the rows gives each of them. In `(SELECT max(i.label))` a subquery without a table of its own
    aggregates the rows around it, and they would be one; so would they be of none, and that is how it shows.
    """
    store = Store()
    try:
        create_tables(reading.steps, store)
        made = list(store.query(weave(reading.query, "\nAND false")))
    except QueryFault:
        return  # planning tells it
    finally:
        store.close()
    if made:
        raise Refused(
            "what SET computes aggregates the rows that are written: each is written by itself",
            span=statement.target.span,
            hint=f"aggregate rows of a FROM: (SELECT max(...) FROM {statement.target})",
        )


def _columns_in(text: Text) -> list[exp.Column]:
    """Every column that an expression reads, those of its subqueries included."""
    return list(parse_query(weave("SELECT (", text, "\n)")).find_all(exp.Column))


def _holds(params: Sequence[Param], resource: Resource) -> dict[str, str]:
    """The attributes that a row has as a column too, with the column."""
    columns = {column.name for column in resource.columns}
    return {param.name: param.wire for param in params if not param.parents and param.wire in columns}


def _reads_itself(value: Text, held: str, alias: str) -> bool:
    """Whether a SET expression reads the column that it sets."""
    return any(
        column.name.casefold() == held.casefold() and column.table.casefold() in ("", alias.casefold())
        for column in _columns_in(value)
    )


def method_for(resource: Resource, verb: str, target: Name, words: Sequence[Word]) -> Method:
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


def _param(method: Method, word: Word, *, bare: bool = False, accounts: Sequence[str] = ()) -> Param:
    """The parameter that a column of an INSERT or, by its bare name, an @name of an EXEC means."""
    named = bool(accounts) and word.name.casefold() == COLUMN
    param = ACCOUNT if named else method.param(word.name)
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


def _missing(method: Method, absent: Sequence[Param], span: Span, hint: str, *, bare: bool = False) -> Refused:
    """Required inputs that were not given."""
    names = " and ".join(p.wire if bare else p.name for p in absent)
    return Refused(f"{method.name} needs {names}", span=span, hint=hint)

"""A query into steps and the same query over their tables.

The user's text is spliced, never rewritten: table names become the steps' tables, a star over a table that carries
stamps is spelled out, and that is all. SQLite runs the rest as it was typed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace
from sqlglot import exp

from engine.errors import Refused
from engine.language.dialect import parse_query
from engine.language.text import Text, splice
from engine.planner.limits import push_limit
from engine.planner.names import ACCOUNT, Names
from engine.planner.pins import TEXT, Choice, Pin, accounts_sql, choose, example, feed_sql, pins_of
from engine.planner.plan import Stamp, Step
from engine.planner.predicates import Conjunct, Predicate, conjuncts, predicates
from engine.planner.pushdown import Push, push_down
from engine.planner.references import Reference, references
from engine.planner.scopes import Source, place, scopes, table_place
from engine.planner.splices import edits
from engine.planner.views import expand
from provider_registry.model import Column, Param


class Reading(Struct, frozen=True):
    """A query planned: the steps that fetch, the query over their tables, what is checked again locally."""

    steps: tuple[Step, ...]
    query: Text
    local: tuple[str, ...] = ()


class _Need(Struct, frozen=True, eq=False):
    """All that a query says of one source."""

    source: Source
    choice: Choice
    params: tuple[tuple[str, Param], ...]  # referenced, by the name used
    envelope: bool
    push: Push
    accounts: str | None = None  # the query of those to ask
    strangers: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        response = self.choice.method.response
        return response.envelope if self.envelope else response.columns

    @property
    def whole(self) -> bool:
        """Whether it is a walk over all pages of a list's rows, of which a part may be enough."""
        paging = self.choice.method.paging
        paged = any(param.wire == paging.request_key for _, param in self.params)
        return self.source.step is None and not self.envelope and not self.choice.pins and not paged

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell the rows of a walk over pages apart."""
        method = self.choice.method
        walks = method.paging.algorithm != "none" and not self.envelope
        return self.source.resource.identity(method) if walks else ()

    @property
    def stamps(self) -> tuple[Stamp, ...]:
        present = {c.name.casefold() for c in self.columns}
        named = () if self.accounts is None else (account_stamp(),)
        return (*named, *(self._stamp(n, p) for n, p in self.params if n.casefold() not in present))

    def _stamp(self, name: str, param: Param) -> Stamp:
        column = Column(name=name, shape=param.shape, description=param.description)
        method = self.choice.method
        own = method.param(param.name)
        if own is not None and own.name in self.choice.pins:
            return Stamp(column, "feed", own.name)
        if param.key is not None:
            return Stamp(column, "row", param.key)
        if method.paging.algorithm == "page_number" and param.wire == method.paging.request_key:
            return Stamp(column, "page")
        return Stamp(column, "nothing")


def account_stamp() -> Stamp:
    """The account that a row was asked of, as a column of it."""
    return Stamp(Column(name=ACCOUNT.name, description=ACCOUNT.description), "feed", ACCOUNT.name)


def plan_query(
    text: Text, names: Names, *, calls: Mapping[str, Step] | None = None, first: int = 0, pushdown: bool = True
) -> Reading:
    """Plan a query. Its tables are named t<n> from `first`; `calls` are the EXECs in its FROM, planned already.

    Raises StatementError: a name that nobody knows, a source without its parameters, a circle of feeds.
    """
    tree = parse_query(text)
    if (expanded := expand(text, tree, names)) is not text:
        text, tree = expanded, parse_query(expanded)
    for mark in tree.find_all(exp.Placeholder, exp.Parameter):
        raise Refused(f"there is no value for {mark.sql(dialect='sqlite')}", hint="write the value itself")
    found = scopes(tree, names, text, calls or {})
    columns = references(tree, found, text)
    owners = {id(reference.column): reference.sources for reference in columns}
    needs: list[_Need] = []
    local: list[str] = []
    for scope in found:
        terms = conjuncts(scope)
        said = [(term, predicate) for term in terms for predicate in predicates(term.node)]
        said += _implied(said, owners)
        for source in scope.sources.values():
            usable = [predicate for term, predicate in said if term.may_narrow(source.alias)]
            need = _need(source, usable, columns, owners, text, pushdown)
            if pushdown and need.whole:
                need = replace(need, push=push_limit(tree, found, terms, need.choice.method, need.push))
            needs.append(need)
        if scope.sources:
            local += [term.node.sql(dialect="sqlite") for term in terms]
    needs.sort(key=lambda need: table_place(need.source.table))
    steps, tables = _steps(needs, text, first)
    steps = _compared(steps, tree)
    stamped = _stamped((*steps, *(calls or {}).values()), tables, needs)
    pairs = [pin.pair for need in needs for pin in need.choice.pins.values() if _within(need, pin)]
    spliced = edits(found, stamped, columns, tables, text, pairs)
    return Reading(steps, splice(text, spliced), tuple(dict.fromkeys(local)))


def _within(need: _Need, pin: Pin) -> bool:
    """Whether a join that feeds a parameter is one of rows of accounts: then it stays within each."""
    return need.accounts is not None and pin.source is not None and bool(pin.source.accounts)


def _compared(steps: tuple[Step, ...], tree: exp.Expr) -> tuple[Step, ...]:
    """The steps with the columns that joins compare without naming them: SQLite does not tell that it reads those."""
    joins = list(tree.find_all(exp.Join))
    natural = any(join.method.upper() == "NATURAL" for join in joins)
    using = {name.name.casefold() for join in joins for name in join.args.get("using") or []}
    if not natural and not using:
        return steps
    return tuple(
        replace(s, compared=frozenset(c.name for c in s.columns if natural or c.name.casefold() in using))
        for s in steps
    )


def _stamped(
    steps: tuple[Step, ...], tables: Mapping[Source, str], needs: Sequence[_Need]
) -> dict[Source, tuple[Column, ...]]:
    """The sources whose tables have more columns than their rows, with the columns of the rows."""
    wide = {step.table for step in steps if step.stamps}
    return {need.source: need.columns for need in needs if tables[need.source] in wide}


def _implied(
    said: Sequence[tuple[Conjunct, Predicate]], owners: Mapping[int, tuple[Source, ...]]
) -> list[tuple[Conjunct, Predicate]]:
    """`a.id = b.id AND b.id IN ('x')` says `a.id IN ('x')` too, of whatever the equality may narrow.

    The two columns must be of one type: SQLite compares `5` with `'05'` differently from `'5'`.
    """
    found = []
    for term, equal in said:
        if equal.other is None:
            continue
        left, right = (_typed(column, owners) for column in (equal.column, equal.other))
        if left is None or left[1] != (right or (None, None))[1]:
            continue
        for above, fixed in said:
            named = fixed.column.name.casefold() == equal.other.name.casefold()
            everywhere = bool(fixed.values) and above.aliases is None
            if named and everywhere and right is not None and owners.get(id(fixed.column), ()) == (right[0],):
                found.append((term, Predicate(equal.column, fixed.operator, fixed.values)))
    return found


def _typed(column: exp.Column, owners: Mapping[int, tuple[Source, ...]]) -> tuple[Source, str] | None:
    """The one source of a column, and the type of the column there."""
    sources = owners.get(id(column), ())
    if len(sources) != 1:
        return None
    for method in sources[0].methods():
        for known in method.response.columns:
            if known.name.casefold() == column.name.casefold():
                return sources[0], f"{known.shape.type}/{known.shape.format}"
    param = sources[0].param(column.name)
    return (sources[0], f"{param.shape.type}/{param.shape.format}") if param is not None else None


def _need(
    source: Source,
    usable: Sequence[Predicate],
    columns: Sequence[Reference],
    owners: Mapping[int, tuple[Source, ...]],
    text: Text,
    pushdown: bool,
) -> _Need:
    """What a query says of one source, and the method that serves it."""
    span = text.origin(*table_place(source.table))
    mine = [reference for reference in columns if source in reference.sources]
    enveloped = [r for r in mine if source.in_envelope(r.column.name)]
    if enveloped:
        _check_envelope(source, mine, enveloped[0], text)
    if source.step is not None:
        return _Need(source, Choice(source.step.method, {}, ""), (), False, Push())
    pins = pins_of(source, usable, lambda column: owners.get(id(column), ()), text)
    named = pins.pop(ACCOUNT.name, []) if source.accounts else []
    choice = choose(source, pins, envelope=bool(enveloped), span=span)
    params = {r.column.name: p for r in mine if (p := source.param(r.column.name)) is not None}
    for reference in mine:
        _check_reachable(source, reference, choice, text)
    stamped = {
        r.column.name: params[r.column.name]
        for r in mine
        if r.column.name in params and r.sources[0] is source and params[r.column.name] is not ACCOUNT
    }
    paged = any(p.wire == choice.method.paging.request_key for p in params.values())
    push = Push()
    if pushdown and not enveloped and not paged:
        push = push_down(choice.method, [p for p in usable if owners.get(id(p.column), ())[:1] == (source,)])
    if not source.accounts:
        return _Need(source, choice, tuple(stamped.items()), bool(enveloped), push)
    asked = {p for p in usable if p.column.name.casefold() == ACCOUNT.name and p.operator in ("=", "IN") and p.values}
    push = replace(push, exact=push.exact | asked)  # no row of another account comes
    accounts = accounts_sql(source.accounts, named)
    strangers = _strangers(source.accounts, named)
    return _Need(source, choice, tuple(stamped.items()), bool(enveloped), push, accounts, strangers)


def _strangers(accounts: Sequence[str], pins: Sequence[Pin]) -> tuple[str, ...]:
    """The accounts that a query asks for by name and that were not named.

    >>> _strangers(("prod", "1"), [Pin("_account", ("'prod'", "'prdo'", "'pr' || 'od'", "1", "2"))])
    ('prdo', '2')
    """
    plain = [value for pin in pins for value in pin.values if value.isdecimal() or TEXT.fullmatch(value)]
    told = [value if value.isdecimal() else value[1:-1].replace("''", "'") for value in plain]
    return tuple(dict.fromkeys(name for name in told if name not in accounts))


def _check_envelope(source: Source, mine: Sequence[Reference], enveloped: Reference, text: Text) -> None:
    """The envelope of a list and its rows are two tables; one FROM is one of them."""
    for reference in mine:
        if source.has_column(reference.column.name):
            raise Refused(
                f"{enveloped.column.name} belongs to the list's envelope and {reference.column.name} to its rows; "
                "one FROM gives one or the other",
                span=text.origin(*place(reference.column)),
                hint="select data, page, pages, results alone; json_each(data) opens the rows",
            )


def _check_reachable(source: Source, reference: Reference, choice: Choice, text: Text) -> None:
    """A parameter in a WHERE, ON or HAVING must be given a value: it is an input, no column to compare with."""
    name = reference.column.name
    param = source.param(name)
    if param is None or param is ACCOUNT or param.key is not None or param.name in choice.pins:
        return
    paging = choice.method.paging
    if paging.algorithm == "page_number" and param.wire == paging.request_key:
        return  # every row knows its page
    if reference.column.find_ancestor(exp.Where, exp.Join, exp.Having) is None:
        return
    raise Refused(
        f"{name} is an input of {choice.method.name}, not a column: it takes = or IN with a value",
        span=text.origin(*place(reference.column)),
        hint=f"write {name} = {example(param)}",
    )


def _steps(needs: Sequence[_Need], text: Text, first: int) -> tuple[tuple[Step, ...], dict[Source, str]]:
    """A step for each source, in an order that respects feeds; sources that ask for the same share one."""
    tables = {need.source: need.source.step.table for need in needs if need.source.step is not None}
    steps: dict[str, Step] = {}
    waiting = [need for need in needs if need.source not in tables]
    while waiting:
        ready = [n for n in waiting if all(p.source is None or p.source in tables for p in n.choice.pins.values())]
        if not ready:
            raise _circle(waiting, text)
        for need in ready:
            step = _step(need, tables, f"t{first + len(steps)}")
            same = next((s for s in steps.values() if _key(s) == _key(step)), None)
            if same is not None:
                stamps = {s.column.name: s for s in (*same.stamps, *step.stamps)}
                step = replace(same, stamps=tuple(stamps.values()))
            steps[step.table] = step
            tables[need.source] = step.table
        waiting = [need for need in waiting if need not in ready]
    return tuple(steps.values()), tables


def _step(need: _Need, tables: Mapping[Source, str], table: str) -> Step:
    feed, reads = feed_sql(need.choice.pins, tables, need.accounts)
    return Step(
        table,
        need.source.provider,
        need.source.name,
        "select",
        need.choice.method,
        need.columns,
        rows=None if need.envelope else need.choice.method.response.rows,
        key=need.key,
        feed=Text(feed) if feed else None,
        reads=reads,
        stamps=need.stamps,
        filter=need.push.filter,
        fixed=need.push.fixed,
        limit=need.push.limit,
        accounts=need.source.accounts,
        strangers=need.strangers,
        why=need.choice.why,
    )


def _key(step: Step) -> tuple[object, ...]:
    """What makes two steps fetch the same rows."""
    feed = step.feed.sql if step.feed else ""
    return step.resource, step.method.name, step.rows, feed, json.dumps(step.filter, sort_keys=True), step.limit


def _circle(waiting: Sequence[_Need], text: Text) -> Refused:
    """Sources that each wait for another's rows."""
    feeds = [
        f"{need.source.alias}.{name} comes from {pin}"
        for need in waiting
        for name, pin in need.choice.pins.items()
        if pin.source is not None
    ]
    return Refused(
        f"the joins feed each other in a circle: {', '.join(feeds)}",
        span=text.origin(*table_place(waiting[0].source.table)),
        hint="give one of these parameters a value in the WHERE",
    )

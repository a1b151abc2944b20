"""A statement into a plan: one function a verb, then a check of the whole by SQLite before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from engine.errors import QueryFault, Refused
from engine.language.statements import Call, Change, Delete, Describe, Insert, Select, Show
from engine.language.text import Text
from engine.planner.late import late
from engine.planner.names import Names
from engine.planner.plan import Plan, Step, create_tables
from engine.planner.reads import plan_query
from engine.store import Compiled, Late, Store


class Planned(Struct, frozen=True):
    """A plan that SQLite has accepted, and what it says of the output. `late` answers the same as the output."""

    plan: Plan
    output: Compiled | None
    late: Late | None = None


Plannable: TypeAlias = Select | Insert | Change | Delete | Call | Show | Describe


def plan(body: Plannable, names: Names, *, pushdown: bool = True, remember: bool = False) -> Planned:
    """Plan one statement. Nothing has been sent when this raises.

    `remember`: rows that are changed are read before, also where the change itself does not need it.
    """
    if isinstance(body, Show | Describe):
        body = Select(body.query)
    if isinstance(body, Select):
        return checked(_select(body, names, pushdown))
    from engine.planner.writes import plan_change, plan_delete, plan_exec, plan_insert  # here: most statements read

    if isinstance(body, Insert):
        return checked(plan_insert(body, names, pushdown=pushdown))
    if isinstance(body, Change):
        return checked(plan_change(body, names, pushdown=pushdown, remember=remember))
    if isinstance(body, Delete):
        return checked(plan_delete(body, names, pushdown=pushdown))
    return checked(plan_exec(body, names))


def _select(body: Select, names: Names, pushdown: bool) -> Plan:
    steps: list[Step] = []
    calls: dict[str, Step] = {}
    for stand_in, call in body.calls:
        from engine.planner.writes import plan_call

        made = plan_call(call, names, table=f"t_{stand_in.strip('_')}", first=len(steps))
        steps += made
        calls[stand_in] = made[-1]
    reading = plan_query(body.query, names, calls=calls, first=len(steps), pushdown=pushdown)
    writing = [step for step in steps if step.writes]
    if len(writing) > 1:
        raise Refused(
            "one query calls one EXEC that changes something",
            hint="write them as statements of their own, so that each can be accounted for",
        )
    return Plan("select", (*steps, *reading.steps), reading.query, reading.local)


def checked(made: Plan) -> Planned:
    """Compile every query of a plan over empty tables: SQLite's errors come now, and unread columns stay away."""
    for step in made.steps:
        if step.method.unsupported:
            raise Refused(
                f"{step.resource}.{step.method.name} cannot be called: {step.method.unsupported}, "
                "which is not supported",
                hint=f"SHOW METHODS IN {step.resource} lists its neighbours",
            )
    store = Store()
    try:
        create_tables(made.steps, store)
        feeds = [_feed(store, step.feed) for step in made.steps if step.feed is not None]
        output = store.compile(made.output) if made.output is not None else None
        fed = {table for feed in feeds for table in feed.reads}
        found = _late(made, output, fed, store)
    finally:
        store.close()
    read: dict[str, set[str]] = {}
    for compiled in (*feeds, *([output] if output else [])):
        for table, columns in compiled.reads.items():
            read.setdefault(table, set()).update(columns)
    passing = set(output.reads) - fed if output is not None and output.passes else set()
    searched = found.searched if found is not None else {}
    known = [
        replace(
            step,
            fetch=step.compared | read.get(step.table, set()),
            passes=step.table in passing,
            searched=searched.get(step.table),
        )
        for step in made.steps
    ]
    steps, shelves = (tuple(step for step in known if step.local is memory) for memory in (False, True))
    return Planned(replace(made, steps=steps, shelves=shelves), output, found)


def _late(made: Plan, output: Compiled | None, fed: Collection[str], store: Store) -> Late | None:
    """The output by way of its rows, where these come as lists that only it reads."""
    if made.output is None or output is None or output.passes or output.aggregates:
        return None
    lists = [s for s in made.steps if s.rows is not None and s.limit is None and not s.writes and not s.local]
    tables = {s.table: [c.name for c in s.table_columns] for s in lists if s.table not in fed}
    return late(made.output, tables, store, {s.table: s.compared for s in lists}) if tables else None


def _feed(store: Store, feed: Text) -> Compiled:
    """A compiled feed; where an INSERT's star gives another number of columns than are named, in plain words."""
    try:
        return store.compile(feed)
    except QueryFault as error:
        counts = re.fullmatch(r"table feed has ([0-9]+) values for ([0-9]+) columns", error.message)
        if counts is None:
            raise
        raise Refused(f"{counts[2]} columns are named and {counts[1]} values are given") from error

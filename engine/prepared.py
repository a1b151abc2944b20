"""What a statement comes to before it runs: its plan, and that plan as rows of text."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from engine.answers import plan_text
from engine.doubts import check_write
from engine.errors import Refused, of_statement
from engine.language.hints import MAX_WRITES, max_writes
from engine.language.statements import Describe, Explain, Registry, Show, Statement, Use
from engine.planner.awaits import AWAIT, awaited, refuse
from engine.planner.names import Names
from engine.planner.plan import Plan, Step, create_tables
from engine.planner.planner import Planned, plan
from engine.result import Result, ResultColumn
from engine.settings import Settings
from engine.store import Store


def prepared(statement: Statement, names: Names, settings: Settings, *, told: bool = False) -> Planned:
    """The plan of a statement. `told`: somebody hears of a write before it leaves, so its rows are read as well."""
    assert not isinstance(statement.body, Explain | Use | Registry)  # these have no plan of their own
    planned = plan(statement.body, names, pushdown=settings.pushdown, remember=told)
    if planned.plan.write is not None:
        from engine.before import widened

        check_write(statement, names)
        planned = replace(planned, plan=widened(planned.plan, told=told))
    return awaited(planned, statement.hints, names)


def writing(statement: Statement, names: Names, settings: Settings) -> tuple[Plan, Step]:
    """The plan of a statement that writes, to be told of, and the step that does. Raises Refused for any other."""
    body = statement.body
    if not isinstance(body, Explain | Use | Registry):
        made = prepared(statement, names, settings, told=True).plan
        if made.write is not None:
            return made, made.write
    hint = "EXPLAIN alone tells the requests of any other"
    raise Refused("EXPLAIN (ROWS) is for statements that write", hint=hint)


def explained(statement: Statement, names: Names, settings: Settings) -> Result:
    """The plan as rows of text. What has no plan is answered from the catalog and sends nothing anyway."""
    body = statement.body
    max_writes(statement.hints)  # can be read
    if isinstance(body, Explain):
        return explained(body.statement, names, settings)
    if isinstance(body, Registry):
        from engine.registry.asking import planned

        return plan_text(planned(body, settings))
    if isinstance(body, Show | Describe | Use):
        unwaiting(statement)
        return plan_text(["answered from the provider documents, no request is sent"])
    from engine.explain import explain

    with of_statement(statement.text):
        made = prepared(statement, names, settings).plan
        store = Store()
        try:
            create_tables((*made.shelves, *made.steps), store)
            lines = explain(made, store, settings)
        finally:
            store.close()
    told = plan_text(lines)
    told.reads = frozenset(step.resource for step in made.steps if not step.writes)
    told.writes = frozenset(step.resource for step in made.steps if step.writes)
    return told


def template(body: Show, names: Names) -> Result:
    """What an INSERT takes, as lines that can be saved as they are."""
    from engine.discovery.shows import rows

    plan(body, names)  # what it is about is there
    lines = ((str(line),) for (line,) in rows(body, names))
    return Result([ResultColumn(body.kind, "string")], lines, kind="plan")


def unwaiting(statement: Statement) -> None:
    """Refuse a hint to wait in what is answered from memory."""
    if isinstance(statement.body, Show | Describe | Use):
        refuse(statement.hints, type(statement.body).__name__.upper())


def idle_hints(statement: Statement, result: Result) -> Iterator[str]:
    """A hint that does nothing is told, so that nobody waits for its effect."""
    for hint in statement.hints:
        if hint.name == AWAIT:
            continue  # where there is nothing to wait for it is an error
        if hint.name != MAX_WRITES:
            yield f"the hint {hint.text} is not known and has no effect"
        elif result.affected is None and result.kind != "plan" and not isinstance(statement.body, Explain):
            yield f"the hint {hint.text} has no effect, because nothing is written"

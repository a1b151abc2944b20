"""What can be known of a statement before anything is sent: its plan, and every request that depends on no answer."""

from __future__ import annotations

from collections.abc import Sequence

from engine.arguments import Job
from engine.errors import of_statement
from engine.executor import calls, check_number
from engine.language.hints import max_writes
from engine.language.statements import Explain, Registry, Statement, Use
from engine.planner.awaits import awaited
from engine.planner.names import Names
from engine.planner.plan import Plan, create_tables
from engine.planner.planner import plan
from engine.settings import Settings
from engine.store import Store


def foresee(statement: Statement, names: Names, settings: Settings, *, told: bool = False) -> Names:
    """The names in force after the statement; nothing is sent.

    Raises what running it would raise before its first request leaves: an unknown name, a value that does not fit,
    more rows than may be written. What is only `told` of may be as large as it likes.
    """
    body = statement.body
    with of_statement(statement.text):
        match body:
            case Use():
                return names.using(body.provider)
            case Explain():
                return foresee(body.statement, names, settings, told=not body.analyze)
            case Registry():
                pass  # what it would bring is not here yet
            case _:
                made = awaited(plan(body, names, pushdown=settings.pushdown), statement.hints, names).plan
                bounds = settings.allowing(max_writes(statement.hints))
                _build(made, settings, None if told else bounds)
    return names


def _look_at(todo: Sequence[Job]) -> None:
    """Raise what is wrong with the files of calls."""
    from engine.lifecycle.parcels import file_of

    for job in todo:
        file_of(job)


def _build(made: Plan, settings: Settings, bounds: Settings | None) -> None:
    """Make the tables and the first requests; `bounds` are the settings by which a write may be too large, if any."""
    store = Store(settings.timeout)
    try:
        create_tables((*made.shelves, *made.steps), store)
        for step in made.steps:
            if not step.reads or step.feed is None:
                todo = calls(step, store, settings)
                if step.files:
                    _look_at(todo)
                if step is made.write and bounds is not None:
                    check_number(step, todo, bounds)
    finally:
        store.close()

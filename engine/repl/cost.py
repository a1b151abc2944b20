"""What Enter will do, told while it is typed: planned as for EXPLAIN, in a few words, nothing sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.arguments import Job
from engine.errors import Refused, StatementError, StratoqlError, TimedOut
from engine.executor import calls
from engine.explain import many, walks
from engine.language.hints import max_writes
from engine.language.parser import parse
from engine.language.statements import Describe, Explain, Registry, Show, Statement, Use
from engine.planner.awaits import awaited
from engine.planner.names import Names
from engine.planner.plan import Step, create_tables
from engine.planner.planner import plan
from engine.repl.render import templated
from engine.repl.scan import command_in, ends
from engine.settings import Settings
from engine.store import Store
from provider_registry.faults import BadDocument

_SHOWN = 3  # statements
_PATIENCE = 0.2  # seconds that a feed may take to compute


@dataclass(frozen=True)
class Cost:
    """A line for the toolbar. `kind`: nothing to say, only reading, something is written, it will not be done."""

    text: str = ""
    kind: Literal["nothing", "reads", "writes", "refused"] = "nothing"


def cost(text: str, names: Names, settings: Settings) -> Cost:
    """What the statements of a text would send.

    While a statement is unfinished its faults are not told, but for what will be refused whatever follows.

    >>> from provider_registry.catalog import Catalog
    >>> cost("SELECT * FROM linode.images.images WHERE id = 'private/1'", Names(Catalog()), Settings())
    Cost(text='1 GET', kind='reads')
    """
    sql, _ = command_in(text)
    if not sql or templated(sql):
        return Cost()
    try:
        told = []
        for statement in parse(sql):
            told.append(_statement(statement, names, settings))
            names = names.using(statement.body.provider) if isinstance(statement.body, Use) else names
    except Refused as error:
        return Cost(f"refused: {error.brief}", "refused")
    except (StratoqlError, BadDocument, RecursionError) as error:
        wrong = isinstance(error, StatementError) and ends(sql)
        return Cost(f"error: {_brief(error)}", "refused") if wrong else Cost()
    return _together(told)


def _brief(error: Exception) -> str:
    """The first line of a message."""
    return str(error).partition("\n")[0]


def _together(told: Sequence[Cost]) -> Cost:
    """Several statements on one line."""
    if len(told) < 2:
        return told[0] if told else Cost()
    more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    kind: Literal["reads", "writes"] = "writes" if any(each.kind == "writes" for each in told) else "reads"
    return Cost("; ".join(each.text for each in told[:_SHOWN]) + more, kind)


def _statement(statement: Statement, names: Names, settings: Settings, *, writing: bool = True) -> Cost:
    """What a statement would send; with `writing` off, what it would read to know what that is."""
    body = statement.body
    if isinstance(body, Explain) and body.analyze:
        return _statement(body.statement, names, settings)
    if isinstance(body, Explain) and body.rows:
        return _statement(body.statement, names, settings, writing=False)
    if isinstance(body, Explain | Show | Describe | Use):
        return Cost("no request", "reads")
    if isinstance(body, Registry):
        return Cost("asks the registry" if body.action == "list" else "fetches provider documents", "reads")
    max_writes(statement.hints)
    made = awaited(plan(body, names, pushdown=settings.pushdown), statement.hints, names).plan
    store = Store(_PATIENCE)
    try:
        create_tables((*made.shelves, *made.steps), store)
        steps = [step for step in made.steps if writing or not step.writes]
        parts = [_step(step, store, settings) for step in steps]
    finally:
        store.close()
    parts += filter(None, map(_follows, steps))
    writes = any(step.writes for step in steps)
    return Cost(", then ".join(parts) or "no request", "writes" if writes else "reads")


def _follows(step: Step) -> str:
    """What comes after the calls of a step: `the file`, `a wait of up to 1 h`."""
    seconds = step.awaiting.seconds if step.awaiting is not None else None
    told = ["the file"] if step.files else []
    if seconds is not None:
        from engine.lifecycle.states import span

        told.append(f"a wait of up to {span(seconds)}")
    return ", then ".join(told)


def _step(step: Step, store: Store, settings: Settings) -> str:
    """`1 GET`, `all pages of images`, `a DELETE for each row found`."""
    if step.reads and step.feed is not None:
        return f"{_a(step.method.http)} for each row found"
    try:
        todo = calls(step, store, settings)
    except TimedOut:
        return f"many {step.method.http}s"
    return _calls(step, todo)


def _calls(step: Step, todo: Sequence[Job]) -> str:
    walking = [job for job in todo if walks(step, job)]
    name = step.resource.rpartition(".")[2]
    if not walking or step.counts:
        return many(len(todo), step.method.http)
    times = "" if len(todo) == 1 else f", {len(todo)} times"
    if step.limit is not None:
        return f"up to {many(step.limit, 'row')} of {name}{times}"
    return f"all pages of {name}{', filtered' if step.filter else ''}{times}"


def _a(word: str) -> str:
    return f"{'an' if word[:1] in 'AEIOU' else 'a'} {word}"

"""EXPLAIN: a plan as text, with the requests that would leave. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator

from engine.arguments import Job
from engine.executor import calls
from engine.planner.plan import Plan, Step
from engine.settings import Settings
from engine.store import Store
from engine.tally import Spent, Tally
from engine.wire.request import describe, endpoint, prepare

SHOWN = 10  # requests of one step


def explain(plan: Plan, store: Store, settings: Settings) -> list[str]:
    """The lines of a plan. `store` holds its tables, empty: a feed that reads none of them is computed."""
    lines = [f"from memory: {step.table} <- {step.resource}{_aim(step, store)}" for step in plan.shelves]
    for number, step in enumerate(plan.steps, 1):
        lines.append(f"step {number}: {step.table} <- {step.resource}.{step.method.name}")
        lines.append(f"  because: {step.why}")
        lines += [f"  {line}" for line in _requests(step, store, settings)]
        if step.awaiting is not None:
            from engine.lifecycle.telling import waits

            lines += [f"  {line}" for line in waits(step, settings)]
    lines += [f"checked again locally: {predicate}" for predicate in plan.local]
    output = "the number of calls" if plan.output is None else _one_line(plan.output.sql)
    lines.append(f"output: {output}")
    return lines


def _aim(step: Step, store: Store) -> str:
    """Where a table of the schema `system` looks."""
    if step.feed is None:
        return ""
    names, rows = store.select(step.feed)
    places = [", ".join(f"{name} = {value}" for name, value in zip(names, row, strict=True)) for row in rows]
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return f", where {' or '.join(places[:SHOWN])}{more}" if places else ", where nothing is"


def spent(plan: Plan, tally: Tally, kept: int, seconds: float) -> list[str]:
    """What a plan cost that was run: a line a step, then the output, of which `kept` rows took `seconds`."""
    lines = []
    for number, step in enumerate(plan.steps, 1):
        did = tally.steps.get(step.table, Spent())
        cost = did.cost
        first = "nothing came" if did.first is None else f"first page after {did.first:.3f} s"
        lines.append(
            f"step {number}: {many(cost.requests, 'request')}, {many(did.pages, 'page')}, "
            f"{many(did.rows, 'row')} fetched, {did.kept} kept, {cost.bytes:,} bytes, "
            f"{many(cost.retries, 'retry', 'retries')}; {first}; waited {cost.waited:.3f} s, "
            f"network {cost.network:.3f} s, decoding {cost.decoding:.3f} s, loading {did.loading:.3f} s"
        )
    lines.append(f"output: {many(kept, 'row')}, {seconds:.3f} s in SQLite")
    return lines


def many(number: int, one: str, several: str | None = None) -> str:
    """A number with its noun.

    >>> many(1, "row"), many(2, "row"), many(0, "retry", "retries")
    ('1 row', '2 rows', '0 retries')
    """
    return f"{number} {one if number == 1 else several or one + 's'}"


def _requests(step: Step, store: Store, settings: Settings) -> Iterator[str]:
    """What the step would send: the requests themselves, or their form where it depends on rows not fetched yet."""
    if step.reads and step.feed is not None:
        yield f"for each row of: {_one_line(step.feed.sql)}"
        whose = f"  (as {' or '.join(step.accounts)})" if step.accounts else ""
        yield f"send: {step.method.http} {endpoint(step.provider, step.method, settings)}{whose}"
        if fields := [p.wire for p in step.method.body if f'"{p.name}"' in step.feed.sql]:
            yield f"  body: {', '.join(fields)}"
        return
    todo = calls(step, store, settings)
    if not todo:
        yield "send: nothing, no row of the feed has a value"
    for job in todo[:SHOWN]:
        yield from _request(step, job, settings)
    if len(todo) > SHOWN:
        yield f"... and {len(todo) - SHOWN} more like these"


def _request(step: Step, job: Job, settings: Settings) -> Iterator[str]:
    first, *rest = describe(prepare(job.call, settings))
    more = "  (and every further page)" if walks(step, job) else ""
    if step.counts:
        more = "  (its count of rows is enough)"
    elif step.limit is not None:
        more = f"  (and further pages up to {step.limit} rows)" if more else ""
    whose = f"  (as {job.call.account})" if job.call.account is not None else ""
    yield f"send: {first}{whose}{more}"
    yield from (f"  {line}" for line in rest)
    if step.files:
        from engine.lifecycle.telling import sends

        yield from sends(job)


def walks(step: Step, job: Job) -> bool:
    """Whether a call goes on from page to page."""
    paging = step.method.paging
    given = {p.wire for p in step.method.params if p.name in job.call.args}
    return paging.algorithm != "none" and paging.request_key not in given


def _one_line(sql: str) -> str:
    return " ".join(sql.split())

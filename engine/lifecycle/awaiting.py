"""Waiting until what calls have begun is done: each row is looked up by its key, again and again, side by side.

A wait has time and requests of its own. `--timeout` bounds what a statement does itself, and `--max-requests` what it
asks; neither ends a wait half-way, which has the timeout of its hint.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from engine.arguments import Job
from engine.errors import ApiError, CallError, StratoqlError, TimedOut, Unready
from engine.language.text import quote_name, quote_text
from engine.lifecycle import Wire
from engine.lifecycle.states import View, delay, shown, span, view
from engine.planner.plan import Awaiting, Step
from engine.wire.call import Call, Cost, Page
from engine.wire.events import Event
from engine.wire.masking import clean
from engine.wire.values import encode
from provider_registry.model import Column

log = logging.getLogger("engine.lifecycle")
GRACE = 60.0  # seconds that the last look may take beyond the time of a wait
End = Literal["waiting", "ready", "failed", "late", "blind"]


class Watched(Struct):
    """One row that is waited for, and the newest that is known of it. `end` says how its wait ended."""

    number: int
    job: Job
    pages: list[Page]  # the answer, in which the newest row takes the place of the first
    look: Call  # looks the row up
    name: str  # private/12
    columns: tuple[Column, ...]  # those of the answer's rows
    row: dict[str, Any] = field(default_factory=dict)
    newest: dict[str, Any] = field(default_factory=dict)  # what the last look has brought
    state: str = "unknown"
    told: str = ""  # the last state that was told aloud
    end: End = "waiting"
    why: str = ""
    cost: Cost = field(default_factory=Cost)


async def settle(step: Step, jobs: Sequence[Job], answers: Sequence[list[Page]], wire: Wire) -> None:
    """Wait for what the calls of a step have begun, side by side.

    `answers` are the pages of each call, none where the call itself is the look; the newest row stands in them
    afterwards, whatever happens. Raises Unready where not all of them end well, or the wait is broken off.
    """
    awaiting = step.awaiting
    assert awaiting is not None  # who does not wait does not come here
    watched = [
        _watched(number, step, awaiting, job, pages)
        for number, (job, pages) in enumerate(zip(jobs, answers, strict=True), 1)
    ]
    polls, began = wire.patient(None if awaiting.seconds is None else awaiting.seconds + GRACE), wire.clock.now()
    running = [asyncio.ensure_future(_watch(each, awaiting, polls, watched)) for each in watched]
    try:
        await asyncio.gather(*running)
    except asyncio.CancelledError as cancelled:
        raise _unready(step, awaiting, watched, wire.clock.now() - began, broken_off=True) from cancelled
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        wire.cost += polls.cost
        for each in watched:
            _put_in(each, awaiting)
    if any(each.end != "ready" for each in watched):
        raise _unready(step, awaiting, watched, wire.clock.now() - began)


def _watched(number: int, step: Step, awaiting: Awaiting, job: Job, pages: list[Page]) -> Watched:
    look, columns = _look(step, awaiting, job, pages), step.fetched
    found = Watched(number, job, pages, look, _name(look), columns)
    if pages and pages[0].rows:
        answer = dict(zip((c.name for c in columns), pages[0].rows[0], strict=True))
        inner = answer if awaiting.rule.into is None else _opened(answer.get(awaiting.rule.into))
        found.row = {key: json.dumps(v) if isinstance(v, dict | list) else v for key, v in inner.items()}
    return found


def row_name(step: Step, job: Job, pages: list[Page]) -> str:
    """What a row that a call has made is called: `private/12`."""
    assert step.awaiting is not None  # nothing else is asked for its name
    return _name(_look(step, step.awaiting, job, pages))


def _name(look: Call) -> str:
    outside = [p.name for p in look.method.params if p.location in ("path", "query") and p.name in look.args]
    return clean(" ".join(str(look.args[each]) for each in outside)) or "the row"


def _look(step: Step, awaiting: Awaiting, job: Job, pages: Sequence[Page]) -> Call:
    """The call that looks one row up, with the columns that the wait or the statement reads."""
    rule, method = awaiting.rule, awaiting.method
    if method.name == step.method.name:
        return job.call
    answer: Mapping[str, Any] = {}
    if pages and pages[0].rows:
        answer = dict(zip((c.name for c in step.fetched), pages[0].rows[0], strict=True))
    servers = [p.name for p in method.params if p.location == "server" and p.name in job.call.args]
    args = {name: job.call.args[name] for name in servers}
    for name, source in rule.keys:
        param = method.param(name)
        value = _at(answer, source) if source.startswith("$.") else _argument(job.call, source)
        if param is not None and value is not None:
            args[param.name] = value
    wanted = {column.name for column in step.fetched}
    read = {goal.column for goal in rule.goals} | {column for column, _ in rule.shows}
    columns = method.response.columns
    if rule.into is None:
        columns = tuple(column for column in columns if column.name in wanted | read)
    return Call(step.provider, method, args, columns=columns, rows=method.response.rows)


def _argument(call: Call, name: str) -> Any:
    param = call.method.param(name)
    return call.args.get(param.name) if param is not None else None


def _at(answer: Mapping[str, Any], path: str) -> Any:
    """What stands at `$.image.id` of an answer."""
    first, *rest = path.removeprefix("$.").split(".")
    found = answer.get(first)
    for name in rest:
        found = _opened(found).get(name)
    return found


def _opened(value: Any) -> dict[str, Any]:
    """An object, which a row holds as JSON text."""
    try:
        found = json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


async def _watch(each: Watched, awaiting: Awaiting, polls: Wire, everybody: Sequence[Watched]) -> None:
    """Look until the row is ready, has failed, or the time is up: then once more. What ended it is in `each`."""
    clock, seconds = polls.clock, awaiting.seconds
    wanted = {goal.each: _wanted(each.job.call, goal.each) for goal in awaiting.rule.goals if goal.each}
    began, number = clock.now(), 0
    if each.row:
        each.state = view(awaiting.rule.goals, each.row, wanted).state
    if not each.row or seconds is None or each.look is each.job.call:
        await _looked(each, awaiting, polls)
    while each.end == "waiting":
        passed = clock.now() - began
        _judge(each, view(awaiting.rule.goals, each.row, wanted), seconds, passed)
        _tell(each, awaiting, polls, everybody, passed)
        if each.end == "waiting" and seconds is not None:
            await clock.sleep(min(delay(number), seconds - passed))
            number += 1
            await _looked(each, awaiting, polls)


def _judge(each: Watched, seen: View, seconds: float | None, passed: float) -> None:
    each.state = seen.state
    if seen.verdict == "failed":
        each.end, each.why = "failed", f"it is {seen.state}"
    elif seen.verdict == "ready" or seconds is None:  # who looks once takes what he sees
        each.end = "ready"
    elif passed >= seconds:
        each.end = "late"


async def _looked(each: Watched, awaiting: Awaiting, polls: Wire) -> None:
    """One look. What may go away by itself does not end a wait."""
    try:
        pages = [page async for page in polls.pages(each.look)]
    except TimedOut:
        each.end = "late"
    except CallError as error:
        each.cost += error.cost or Cost()
        if isinstance(error, ApiError) and error.status == 404:
            last = f", last seen {each.state}" if each.row else ""
            means = f"; {awaiting.rule.gone}" if awaiting.rule.gone else ""
            each.end, each.why = "failed", f"it is gone ({error.message}){last}{means}"
        elif error.passing and awaiting.seconds is not None:
            log.warning("%s could not be looked at: %s", each.name, error.message)
        else:
            each.end, each.why = "blind", error.message
    except StratoqlError as error:  # the answer does not say what it is to be looked up by
        each.end, each.why = "blind", error.message
    else:
        each.cost += sum((page.cost for page in pages), Cost())
        row = next((row for page in pages for row in page.rows), None)
        if row is None:
            each.end, each.why = "failed", "nothing is there"
            return
        each.newest = dict(zip((column.name for column in each.look.columns), row, strict=True))
        each.row |= each.newest


def _wanted(call: Call, name: str) -> list[str]:
    """The elements of an argument that is a list, as texts."""
    param = call.method.param(name)
    value = encode(param.shape, call.args[param.name], param.name) if param and param.name in call.args else []
    return [str(element) for element in value] if isinstance(value, list) else [str(value)]


def _tell(each: Watched, awaiting: Awaiting, polls: Wire, everybody: Sequence[Watched], seconds: float) -> None:
    """Say how far a row is."""
    more = shown(awaiting.rule, each.row)
    told = f"{each.name}: {each.state}" + (f", {more}" if more else "")
    ready = sum(other.end == "ready" for other in everybody)
    text = f"{told}, after {span(seconds)}"
    polls.tell(Event("await", text, what=told, walk=each.number, number=ready, of=len(everybody), seconds=seconds))
    if each.end == "waiting" and each.state != each.told:
        each.told = each.state
        log.warning("waiting for %s", told)


def _put_in(each: Watched, awaiting: Awaiting) -> None:
    """The newest row in the place of the one that the call answered."""
    if not each.newest:
        return
    first = each.pages[0] if each.pages else Page(1, [])
    old = dict(zip((c.name for c in each.columns), first.rows[0], strict=True)) if first.rows else {}
    if awaiting.rule.into is None:
        new = old | each.newest
    else:
        nested = {c.name for c in each.look.columns if c.shape.type in ("array", "object", "any")}
        whole = {name: _value(v) if name in nested else v for name, v in each.newest.items() if v is not None}
        new = old | {awaiting.rule.into: json.dumps(_opened(old.get(awaiting.rule.into)) | whole)}
    row = tuple(new.get(column.name) for column in each.columns)
    each.pages[:] = [replace(first, rows=[row, *first.rows[1:]], cost=first.cost + each.cost), *each.pages[1:]]


def _value(text: Any) -> Any:
    """What nested JSON text says."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return text


def _unready(
    step: Step, awaiting: Awaiting, watched: Sequence[Watched], seconds: float, *, broken_off: bool = False
) -> Unready:
    """The error of a wait that did not end well for all."""
    lines = list(_lines(awaiting, watched, seconds, broken_off))
    late = [each for each in watched if each.end in ("waiting", "late", "blind") and each.look.args]
    done = f"{step.method.name} is done, but " if step.writes else ""
    message = done + lines[0]
    if len(watched) > 1:
        ready = sum(each.end == "ready" for each in watched)
        head = f"of {len(watched)} rows {ready} {'is' if ready == 1 else 'are'} ready after {span(seconds)}"
        message = "\n".join([f"{done}{'the wait was broken off: ' if broken_off else ''}{head}", *lines])
    return Unready(
        message,
        states={each.name: each.state for each in watched},
        done=[dict(each.job.call.args) for each in watched] if step.writes else (),
        hint=_goes_on(step, awaiting, late),
    )


def _lines(awaiting: Awaiting, watched: Sequence[Watched], seconds: float, broken_off: bool) -> Iterator[str]:
    """What became of each row."""
    several = len(watched) > 1
    for each in watched:
        more = shown(awaiting.rule, each.row)
        state = each.state + (f", {more}" if more else "")
        if several:
            words: Mapping[End, str] = {"failed": f"failed: {each.why}", "blind": f"not seen any more: {each.why}"}
            word = "ready" if each.end == "ready" else "not ready"
            yield f"  {word:<10} {each.name}: {words.get(each.end, state)}"
        elif each.end == "failed":
            yield f"{each.name} failed after {span(seconds)}: {each.why}"
        elif each.end == "blind":
            yield f"{each.name} cannot be looked at, last seen {state}: {each.why}"
        elif broken_off:
            yield f"the wait for {each.name} was broken off after {span(seconds)}: {state}"
        else:
            yield f"{each.name} is not ready after {span(seconds)}: {state}"


def _goes_on(step: Step, awaiting: Awaiting, late: Sequence[Watched]) -> str | None:
    """How to go on waiting for rows that may still come."""
    if not late:
        return None
    if (statement := resuming(step, awaiting, [each.name for each in late])) is None:
        return "it goes on without anybody waiting for it"
    return f"it goes on; to wait for it again: {statement}"


def unawaited(step: Step, done: Sequence[tuple[Job, list[Page]]], hint: str | None) -> str | None:
    """What to say of calls that are done, and are not waited for because others have failed."""
    awaiting = step.awaiting
    if awaiting is None or awaiting.seconds is None or not done:
        return hint
    statement = resuming(step, awaiting, [_name(_look(step, awaiting, job, pages)) for job, pages in done])
    told = f"what is done is not waited for{f': {statement} does that' if statement else ''}"
    return f"{hint}; {told}" if hint else told


def resuming(step: Step, awaiting: Awaiting, names: Sequence[str]) -> str | None:
    """The statement that goes on waiting."""
    found = rows_of(step, awaiting, names)
    return found and f"SELECT /*+ AWAIT */ * FROM {found}"


def rows_of(step: Step, awaiting: Awaiting, names: Sequence[str]) -> str | None:
    """The rows of these names, for a FROM: `linode.images.images WHERE id = 'private/12'`."""
    if awaiting.key is None:
        return None
    values = ", ".join(map(quote_text, names))
    where = f"= {values}" if len(names) == 1 else f"IN ({values})"
    key = awaiting.key if awaiting.key.isidentifier() else quote_name(awaiting.key)
    return f"{step.resource} WHERE {key} {where}"

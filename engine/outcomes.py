"""What became of the calls of a write, and the account of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

from msgspec import Struct

from engine.arguments import Job
from engine.errors import CallError, NetworkError, PartialWrite, StratoqlError
from engine.planner.plan import Step
from engine.wire.call import Call, Page

State = Literal["unsent", "sent", "done", "failed", "unknown"]


class Outcome(Struct):
    """What became of one write."""

    state: State = "unsent"
    pages: list[Page] = []
    made: Any = None  # the id of what came into being, where the answer tells it
    error: StratoqlError | None = None


def made(call: Call, pages: Sequence[Page]) -> Any:
    """The id in an answer, its own or that of an object in it; None where it has none, or none was decoded."""
    row = next((row for page in pages for row in page.rows), ())
    found = dict(zip((column.name for column in call.columns), row, strict=False))
    if "id" in found:
        return found["id"]
    for value in found.values():
        with suppress(ValueError, RecursionError):
            opened = json.loads(value) if isinstance(value, str) and value.startswith("{") else None
            if isinstance(opened, dict) and "id" in opened:
                return opened["id"]
    return None


def verdict(error: StratoqlError) -> Literal["failed", "unknown"]:
    """Whether a failed write certainly did nothing."""
    return "unknown" if isinstance(error, CallError) and not error.harmless else "failed"


def alone(outcome: Outcome, error: StratoqlError) -> StratoqlError:
    """The error of a statement that was one call."""
    if outcome.state == "unknown":
        warning = "whether it took effect is unknown: read the row before you send it again"
        error.hint = f"{error.hint}; {warning}" if error.hint else warning
    return error


def begun(step: Step, todo: Sequence[Job], outcomes: Sequence[Outcome]) -> PartialWrite | None:
    """The account of a write that somebody broke off, None where nothing was sent."""
    return None if all(outcome.state == "unsent" for outcome in outcomes) else partial(step, todo, outcomes)


def partial(
    step: Step, todo: Sequence[Job], outcomes: Sequence[Outcome], stopped: StratoqlError | None = None
) -> PartialWrite:
    """Every call of a write that stopped, in exactly one list."""
    pairs = list(zip(todo, outcomes, strict=True))
    interrupted = NetworkError("interrupted before the answer came")
    done = [job for job, o in pairs if o.state == "done"]
    failed = [(job, o.error) for job, o in pairs if o.state == "failed" and o.error]
    unknown = [(job, o.error or interrupted) for job, o in pairs if o.state in ("unknown", "sent")]
    unsent = [job for job, o in pairs if o.state == "unsent"]
    counts = [
        f"{len(jobs_)} {word}"
        for word, jobs_ in (("done", done), ("failed", failed), ("unknown", unknown), ("not sent", unsent))
        if jobs_ or word == "done"
    ]
    lines = [f"  done     {job.label}" for job in done]
    lines += [f"  failed   {job.label}: {error}" for job, error in failed]
    lines += [f"  unknown  {job.label}: {error}" for job, error in unknown]
    lines += [f"  not sent {job.label}" for job in unsent]
    if stopped is not None and all(o.error is not stopped for o in outcomes):
        lines.append(f"because {stopped}")
    how = "stopped part-way" if len(done) < len(todo) else "was interrupted when all was written"
    return PartialWrite(
        "\n".join([f"{step.verb.upper()} {how}, of {len(todo)} rows: {', '.join(counts)}", *lines]),
        done=[dict(job.call.args) for job in done],
        failed=[(dict(job.call.args), error) for job, error in failed],
        unknown=[(dict(job.call.args), error) for job, error in unknown],
        unsent=[dict(job.call.args) for job in unsent],
        hint="rows marked unknown may have been written: read them before you send them again" if unknown else None,
    )

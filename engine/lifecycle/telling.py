"""What would follow the calls of a step, as EXPLAIN tells it. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator

from engine.arguments import Job
from engine.lifecycle.parcels import file_of
from engine.lifecycle.states import FIRST, LONGEST, span
from engine.planner.plan import Awaiting, Step
from engine.settings import Settings
from engine.wire.masking import MASK
from engine.wire.request import endpoint
from provider_registry.model import Goal


def sends(job: Job) -> Iterator[str]:
    """The file of a call: where it would go is known only when the call is answered, and shown to nobody then."""
    rule, found = job.call.method.upload, file_of(job)
    if rule is not None and found is not None:
        yield f"then: PUT {MASK} (the {rule.url.removeprefix('$.')} of the answer), without the credential"
        yield f"  Content-Type: {rule.media_type}"
        yield f"  {found.told}"


def waits(step: Step, settings: Settings) -> Iterator[str]:
    """What a step would wait for."""
    awaiting = step.awaiting
    if awaiting is None:
        return
    look = f"{awaiting.method.http} {endpoint(step.provider, awaiting.method, settings)}"
    if awaiting.seconds is None:
        yield f"then: {look} once, to see what became of it"
        return
    yield f"then: {look} every {FIRST:.0f} to {LONGEST:.0f} s, for at most {span(awaiting.seconds)}"
    yield from (f"  until {line}" for line in _goals(awaiting))


def _goals(awaiting: Awaiting) -> Iterator[str]:
    yield from map(_goal, awaiting.rule.goals)


def _goal(goal: Goal) -> str:
    """A goal in words.

    >>> _goal(Goal(column="status", ready=("available",)))
    'status is available'
    >>> _goal(Goal(column="regions", member="status", key="region", each="regions", ready=("available",)))
    'status is available in regions for each of @regions'
    """
    ready = " or ".join(goal.ready)
    if goal.member is None:
        return f"{goal.column} is {ready}"
    return f"{goal.member} is {ready} in {goal.column} for each" + (f" of @{goal.each}" if goal.each else "")

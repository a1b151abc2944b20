"""`/*+ AWAIT */`: a plan whose calls wait until what they began is done, where their documents say how to tell."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from engine.errors import InvalidValue, Refused
from engine.language.hints import Hint, duration
from engine.planner.names import Names
from engine.planner.plan import Awaiting, Plan, Step
from engine.planner.planner import Planned
from provider_registry.model import Await, Resource

AWAIT = "AWAIT"
USUAL = 3600.0  # seconds that a wait may take where it is not said
_EXAMPLE = "/*+ AWAIT(timeout=30m) */"


def awaited(planned: Planned, hints: Sequence[Hint], names: Names) -> Planned:
    """The plan, waiting where a hint asks for it; the outcome of a file that was sent is looked at in any case.

    Raises InvalidValue for a time that is none, Refused where there is nothing to wait for.
    """
    seconds, made = patience(hints), planned.plan
    for step in made.steps:
        if seconds is not None and step.method.upload is not None and not step.files:
            raise Refused(
                f"AWAIT would wait for a file that nobody sends to what {step.method.name} makes",
                hint="name it: @@file = './disk.img.gz'; or leave AWAIT out",
            )
    steps = tuple(followed(step, seconds, names) for step in made.steps)
    if seconds is not None and not any(step.awaiting for step in steps):
        raise _idle(made)
    return replace(planned, plan=replace(made, steps=steps))


def patience(hints: Sequence[Hint]) -> float | None:
    """The seconds for which the hints would wait; None: they do not ask for that."""
    asked = [hint for hint in hints if hint.name == AWAIT]
    if not asked:
        return None
    hint = asked[-1]
    if unknown := sorted(hint.given.keys() - {"timeout"}):
        raise InvalidValue(f"AWAIT takes a timeout, and no {unknown[0]}", name=unknown[0], hint=f"write {_EXAMPLE}")
    text = hint.given.get("timeout", hint.plain)
    if text is None:
        return USUAL
    found = duration(text)
    if not found:
        raise InvalidValue(
            f"the timeout of AWAIT expects a time such as 90s, 30m or 1h30m, got {text!r}",
            name="timeout",
            hint=f"write {_EXAMPLE}",
        )
    return found


def refuse(hints: Sequence[Hint], what: str) -> None:
    """Raise Refused where a statement that only tells things is asked to wait."""
    if patience(hints) is not None:
        raise Refused(f"{what} has nothing to wait for", hint="leave AWAIT out")


def followed(step: Step, seconds: float | None, names: Names) -> Step:
    """A step that waits, or looks at what became of its file. What the wait must know of a row is fetched too."""
    rule = step.method.awaits
    if rule is None or (seconds is None and not step.files):
        return step
    resource = names.catalog.resource(*step.resource.split("."))
    look = resource.methods[rule.method]
    needed = {goal.column for goal in rule.goals} | {column for column, _ in rule.shows}
    needed |= {source.removeprefix("$.").split(".")[0] for _, source in rule.keys if source.startswith("$.")}
    needed |= {rule.into} if rule.into else set()
    if step.files and step.method.upload is not None:
        needed.add(step.method.upload.url.removeprefix("$.").split(".")[0])
    awaiting = Awaiting(rule, look, seconds, _key(resource, rule))
    return replace(step, awaiting=awaiting, fetch=step.fetch | needed)


def _key(resource: Resource, rule: Await) -> str | None:
    """The column by whose value a SELECT looks the same row up and can wait for it too."""
    look = resource.methods[rule.method]
    keys = [param.key for param in look.required if param.location == "path"]
    selects = rule.method in resource.verbs.get("select", ()) and look.awaits is not None
    return keys[0] if selects and len(keys) == 1 else None


def _idle(made: Plan) -> Refused:
    """Nothing in a plan can be waited for."""
    if not made.steps:
        return Refused("AWAIT has nothing to wait for: nothing is asked of an API", hint="leave AWAIT out")
    step = made.write or made.steps[-1]
    if step.writes:
        return Refused(
            f"{step.method.name} has nothing to wait for: it is done when it answers", hint="leave AWAIT out"
        )
    return Refused(
        f"{step.method.name} has nothing to wait for: its document names no state that it could reach",
        hint="what can be waited for is one row, looked up by its key: WHERE id = '...'",
    )

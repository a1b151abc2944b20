"""How a script goes: what is foreseen before it starts, how far it has come, what is told of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from engine.doubts import check_write
from engine.errors import InvalidValue, StratoqlError
from engine.fits import check_bare, check_values
from engine.foresight import foresee
from engine.language.foreign import advise
from engine.language.parser import parse
from engine.language.statements import Registry
from engine.planner.names import Names
from engine.result import Result, ResultColumn
from engine.script import Item, clearer
from engine.settings import Settings
from engine.wire.masking import clean, concealed

_LINES, _WIDTH = 30, 300  # of a statement that an error tells of


def check(items: Sequence[Item], names: Names, settings: Settings) -> None:
    """Plan every statement before the first is run, and build what requests can be built; nothing is sent.

    Raises the first fault, placed in its script.
    """
    for number, item in enumerate(items):
        if item.statement is None:
            continue
        if isinstance(item.body, Registry) and item.body.action == "pull":
            return  # it brings documents that what follows may need
        try:
            after = foresee(item.statement, names, settings)
            check_values(item, names)
            check_write(item.statement, names)
        except StratoqlError as error:
            placed = told_better(item, error, names, settings)
            note_statement(placed, items, number)
            placed.add_note("nothing has been run: all statements are looked at before the first one is")
            raise placed from (None if placed is error else error)
        names = after


def told_better(item: Item, error: StratoqlError, names: Names, settings: Settings) -> StratoqlError:
    """The error of a statement, placed; of bare text that is no SQL, what is expected in its place."""
    advise(error, item.text)
    placed = clearer(item, error, _rehearsal(names, settings))
    try:
        check_bare(item, placed, names)
    except InvalidValue as wrong:
        return item.placed(wrong)
    return placed


def _rehearsal(names: Names, settings: Settings) -> Callable[[str], None]:
    """What looks at a statement's text without sending anything, and raises what running it would raise before."""

    def rehearse(text: str) -> None:
        for statement in parse(text):
            foresee(statement, names, settings)

    return rehearse


def note_statement(error: StratoqlError, items: Sequence[Item], number: int) -> None:
    """The statement as it was filled in, where its place in the script does not show that."""
    item = items[number]
    if item.values or "\n" in item.text:
        error.add_note(told(items, number))


@dataclass
class Course:
    """How far a script has come. `writers` are the statements that a dry run has passed, by what they write."""

    items: Sequence[Item]
    outcomes: list[str] = field(default_factory=list)
    writers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outcomes = ["did not run"] * len(self.items)


def rehearsed(course: Course, number: int, result: Result) -> Result:
    """The result of a dry run, below the statement it is of."""
    items, item = course.items, course.items[number]
    lines = [f"{item.place}: statement {number + 1} of {len(items)}"]
    lines += [f"  {line}" for line in item.shown().splitlines()]
    for resource in sorted(result.reads & course.writers.keys()):
        earlier = course.writers[resource]
        lines.append(
            f"depends on earlier writes: statement {earlier + 1} ({items[earlier].place}) writes {resource}, "
            "so the rows read here are known only when it has run"
        )
    course.writers |= dict.fromkeys(result.writes, number)
    secrets = item.secrets
    rows = ((concealed(str(line), secrets),) for (line, *_) in result.fetchall()) if result.kind == "plan" else ()
    return Result(
        [ResultColumn("plan", "string")],
        iter([*((line,) for line in lines), *rows]),
        kind="plan",
        messages=result.messages,
        warnings=result.warnings,
        reads=result.reads,
        writes=result.writes,
    )


def account(course: Course) -> str:
    """What became of each statement, a line each; equal ones of one line, as a loop makes them, together.

    Empty where there is but one.
    """
    if len(course.items) < 2:
        return ""
    lines: list[str] = []
    pairs = zip(course.items, course.outcomes, strict=True)
    numbered = ((number, _where(item), outcome) for number, (item, outcome) in enumerate(pairs, 1))
    for (where, outcome), same in groupby(numbered, key=lambda each: each[1:]):
        first, *rest = (number for number, *_ in same)
        which = f"statements {first}-{rest[-1]}" if rest else f"statement {first}"
        lines.append(f"  {which} ({where}): {outcome}")
    return "\n".join(["what became of each statement:", *lines])


def _where(item: Item) -> str:
    name, line = item.place.source.name, item.place.line
    return f"{name}:{line}" if name else f"line {line}"


def told(items: Sequence[Item], number: int) -> str:
    """A statement as it was filled in: its number, its place, its lines, some left out where they are many."""
    item = items[number]
    which = f"statement {number + 1} of {len(items)}, {_where(item)}," if len(items) > 1 else "the statement"
    lines = [_line(line) for line in item.shown().splitlines()]
    if len(lines) > _LINES:
        lines[_LINES:] = [f"... ({len(lines) - _LINES} lines more)"]
    if len(lines) == 1:
        return f"{which} was: {lines[0]}"
    return "\n".join([f"{which} was:", *(f"  {line}".rstrip() for line in lines)])


def _line(line: str) -> str:
    """A line with its indentation, on one line whatever it holds."""
    indent = len(line) - len(line.lstrip(" "))
    return " " * indent + clean(line, _WIDTH)

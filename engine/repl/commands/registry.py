"""Commands register by a decorator; help and completion are made from what they register."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from engine.repl.desk import Desk

Run: TypeAlias = Callable[["Desk", str], None]


@dataclass(frozen=True)
class Command:
    """A backslash command. `takes` is the kind of its argument, for completion; `trailing`: may end a statement."""

    name: str
    usage: str
    what: str
    takes: str
    trailing: bool
    run: Run


COMMANDS: dict[str, Command] = {}


def command(name: str, usage: str = "", *, takes: str = "", trailing: bool = False) -> Callable[[Run], Run]:
    """Register a function as a command; the first line of its docstring is its help."""

    def register(run: Run) -> Run:
        what = (getdoc(run) or "").partition("\n")[0].rstrip(".")
        COMMANDS[name] = Command(name, usage, what[:1].lower() + what[1:], takes, trailing, run)
        return run

    return register

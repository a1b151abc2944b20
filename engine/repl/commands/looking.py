"""Commands that look at what there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.planner.local import SCHEMA
from engine.repl.commands.registry import COMMANDS, command
from engine.result import Result, ResultColumn

if TYPE_CHECKING:
    from engine.repl.desk import Desk

_KEYS = """\
Tab completes; the right arrow takes what is suggested in grey from the history
Ctrl-R searches the history; Ctrl-X Ctrl-E opens $EDITOR; Ctrl-D leaves
Ctrl-C cancels what runs, or clears what is typed; Esc Enter runs without semicolon
\\g \\watch \\e \\explain take the statement before them, or the one run last
F3: Enter runs at a semicolon or always; F4: keys of emacs or of vi"""


@command("\\?")
def help_(desk: Desk, argument: str) -> None:
    """This help."""
    rows = [(f"{c.name} {c.usage}".rstrip(), c.what) for _, c in sorted(COMMANDS.items())]
    widest = max(len(usage) for usage, _ in rows)
    desk.say("\n".join(f"{usage.ljust(widest)}  {what}" for usage, what in rows))
    desk.say(f"{_KEYS}\nStatements end with a semicolon; SHOW PROVIDERS is a good one to begin with.")


@command("\\d", "[NAME]", takes="resource")
def describe(desk: Desk, argument: str) -> None:
    """The columns of a resource; of less, what is in it."""
    argument = _whole(desk, argument)
    depth = len(argument.split(".")) + (desk.session.names.provider is not None and bool(argument))
    shown = {
        1: "SHOW SERVICES IN {}",
        2: "SHOW EXTENDED RESOURCES IN {}",
        3: "DESCRIBE EXTENDED {}",
        4: "DESCRIBE METHOD EXTENDED {}",
    }
    if not argument:
        rows = [(name, resource.title) for name, resource in desk.tables()]
        return desk.show(_text(("resource", "title"), rows))
    provider = desk.session.names.provider or ""
    if argument.partition(".")[0].casefold() in {provider.casefold(), *_providers(desk)}:
        depth = len(argument.split("."))  # a whole name, also after USE
    if argument.partition(".")[0].casefold() == SCHEMA:
        depth = len(argument.split(".")) + 1  # which has no provider
    if depth not in shown:
        raise UsageError(f"{argument} has too many parts", hint="provider.service.resource.method has all four")
    return desk.look(shown[depth].format(argument))


@command("\\dm", "[RESOURCE | METHOD]", takes="method")
def methods(desk: Desk, argument: str) -> None:
    """The methods of a resource; what one takes and gives."""
    if not argument:
        rows = [
            (f"{whole}.{name}", resource.verb_of(name).upper(), ", ".join(p.name for p in method.required))
            for whole, resource in desk.tables()
            for name, method in resource.methods.items()
        ]
        return desk.show(_text(("method", "SQL verb", "needs"), rows))
    argument = _whole(desk, argument)
    parts = len(argument.split("."))
    method = parts == 4 or (parts == 3 and argument.partition(".")[0].casefold() not in _providers(desk))
    return desk.look(f"{'DESCRIBE METHOD EXTENDED' if method else 'SHOW METHODS IN'} {argument}")


def _whole(desk: Desk, name: str) -> str:
    """The whole name of the one resource whose name ends so; a name that begins with a provider is whole.

    Raises UsageError where several end so.
    """
    begins, end = name.partition(".")[0].casefold(), f".{name.casefold()}"
    if not name or desk.session.names.provider is not None or begins in {SCHEMA, *_providers(desk)}:
        return name
    found = [whole for whole, _ in desk.tables() if whole.casefold().endswith(end)]
    if len(found) > 1:
        raise UsageError(f"several resources are called {name}", hint=f"one of {', '.join(found[:5])}")
    return found[0] if found else name


def _providers(desk: Desk) -> set[str]:
    return {provider.name.casefold() for provider in desk.session.names.catalog.providers()}


def _text(names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Result:
    return Result([ResultColumn(name, "string") for name in names], iter(rows))

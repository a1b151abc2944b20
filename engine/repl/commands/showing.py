"""Commands that change how results are shown and where they go."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.errors import UsageError, suggest
from engine.formats import FORMATS
from engine.repl.commands.registry import command

if TYPE_CHECKING:
    from engine.repl.desk import Desk


@command("\\x", "[on|off|auto]", takes="expanded")
def expanded(desk: Desk, argument: str) -> None:
    """A field a line; auto: where a table is too wide."""
    following = {"auto": "on", "on": "off", "off": "auto"}
    choice = argument or following[desk.preferences.expanded]
    if choice not in following:
        raise UsageError(f"\\x takes on, off or auto, not {argument!r}")
    desk.prefer(expanded=choice)
    desk.say(f"expanded is {choice}")


@command("\\o", "[FORMAT]", takes="format")
def output(desk: Desk, argument: str) -> None:
    """The output format."""
    if argument and argument not in FORMATS:
        raise UsageError(f"there is no format {argument!r}", hint=suggest(argument, list(FORMATS)))
    if argument:
        desk.given.output, desk.given.chosen = argument, True
    desk.say(f"output is {desk.given.output}" + ("" if argument else f"; it can be {', '.join(FORMATS)}"))


@command("\\out", "[FILE]", takes="file")
def out(desk: Desk, argument: str) -> None:
    """Data to a file, as its name says (.csv) or \\o; without one to the screen again."""
    before = desk.given.outfile
    desk.redirect(os.path.expanduser(argument) if argument else None)
    if argument:
        desk.say(f"data goes to {argument}; \\out alone ends that and completes the file")
    else:
        desk.say(f"{before} is complete; data goes to the screen" if before else "data goes to the screen")


@command("\\timing", "[on|off]", takes="switch")
def timing(desk: Desk, argument: str) -> None:
    """Requests and seconds of each statement, on or off."""
    desk.prefer(timing=switched(argument, desk.preferences.timing, "\\timing"))
    desk.say(f"timing is {'on' if desk.preferences.timing else 'off'}")


@command("\\pager", "[auto|off|COMMAND]", takes="pager")
def pager(desk: Desk, argument: str) -> None:
    """What shows results taller than the screen."""
    if argument:
        desk.prefer(pager="auto" if argument == "on" else argument)
    desk.say(f"pager is {desk.preferences.pager}")


def switched(argument: str, now: bool, name: str) -> bool:
    """What on, off or nothing makes of a switch."""
    choices = {"": not now, "on": True, "off": False}
    if argument not in choices:
        raise UsageError(f"{name} takes on or off, not {argument!r}")
    return choices[argument]

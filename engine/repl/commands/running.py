"""Commands that run statements."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from engine.cli.scripts import read_script
from engine.cli.terminal import Terminated
from engine.errors import Interrupted, Source, UsageError
from engine.repl import editor, named
from engine.repl.commands.registry import command

if TYPE_CHECKING:
    from engine.repl.desk import Desk

_SHORTEST = 1.0  # seconds of \watch


@command("\\g", takes="statement", trailing=True)
def go(desk: Desk, argument: str) -> None:
    """Run the statement before it, or the last one again."""
    desk.run(argument or _last(desk, "\\g"))


@command("\\watch", "[SECONDS]", trailing=True)
def watch(desk: Desk, argument: str) -> None:
    """Run it again and again, until Ctrl-C."""
    sql = _last(desk, "\\watch")
    try:
        seconds = float(argument or 2)
    except ValueError:
        seconds = 0.0
    if not _SHORTEST <= seconds < 1e6:
        raise UsageError(f"\\watch takes seconds from {_SHORTEST:g}, not {argument!r}", hint="SELECT ... \\watch 10")
    if desk.cost(sql).kind == "writes":
        raise UsageError("\\watch repeats what reads, and this writes", hint="\\g runs it once more")
    try:
        while True:
            desk.say(f"{time.strftime('%H:%M:%S')}, every {seconds:g} s; Ctrl-C ends it")
            desk.run(sql)
            time.sleep(seconds)
    except (KeyboardInterrupt, Interrupted) as stopped:
        if Terminated in (type(stopped), type(stopped.__context__)):
            raise
        desk.say("stopped")


@command("\\i", "FILE", takes="file")
def include(desk: Desk, argument: str) -> None:
    """Run a script, filled in with what \\set has set."""
    if not argument:
        raise UsageError("\\i needs the name of a file")
    path = os.path.expanduser(argument)
    desk.script(Source(read_script(path), path))


@command("\\e", takes="statement", trailing=True)
def edit(desk: Desk, argument: str) -> None:
    """Edit it in $EDITOR; what comes back waits for Enter."""
    desk.draft = editor.edited(argument or desk.last)


@command("\\explain", "[SQL]", takes="statement", trailing=True)
def explain(desk: Desk, argument: str) -> None:
    """What it would send; nothing is sent."""
    sql = argument or _last(desk, "\\explain")
    desk.look(sql, dry_run=True)
    desk.last = sql


@command("\\n", "[NAME VALUE...]", takes="query statement")
def queries(desk: Desk, argument: str) -> None:
    """Named queries; \\n save NAME [SQL], \\n delete NAME."""
    name, _, rest = argument.partition(" ")
    if not name:
        texts = {query: named.read(desk.queries, query) for query in named.names(desk.queries)}
        return desk.say(
            "\n".join(f"{n}: {' '.join(t.split())}" for n, t in texts.items()) or "no query has a name yet"
        )
    if name == "save" and rest:
        kept, _, sql = rest.strip().partition(" ")
        named.save(desk.queries, kept, sql.strip() or _last(desk, "\\n save"))
        return desk.say(f"saved; \\n {kept} runs it")
    if name == "delete" and rest:
        named.delete(desk.queries, rest.strip())
        return desk.say(f"{rest.strip()} is deleted")
    return desk.run(named.filled(named.read(desk.queries, name), rest))


def _last(desk: Desk, name: str) -> str:
    if not desk.last:
        raise UsageError(f"{name} needs a statement, and none was run yet")
    return desk.last

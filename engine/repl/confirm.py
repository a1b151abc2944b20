"""Before a write: what it will do, in full, and a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO

from engine.cli.terminal import Terminated
from engine.explain import many
from engine.formats import FORMATS, Options
from engine.preview import SHOWN, Preview

ASKED = ("delete", "replace", "update", "exec")  # an INSERT of one row does what it says


def needed(preview: Preview) -> bool:
    """Whether a write is worth a question: it changes or removes what is there, or it is more than one."""
    return preview.verb in ASKED or len(preview.todo) > 1


def told(preview: Preview, where: str = "") -> str:
    """What a write will do: how many calls, on which rows, the first of them in full."""
    return "\n".join(_lines(preview, where))


def _lines(preview: Preview, where: str) -> Iterator[str]:
    rows, calls = len(preview.todo), many(len(preview.todo), "call")
    of = (
        f"{preview.resource}.{preview.method}"
        if preview.verb == "exec"
        else f"{many(rows, 'row')} of {preview.resource}"
    )
    yield f"{preview.verb.upper()} {of}{where}: {calls} of {preview.method}"
    if preview.columns:
        table = StringIO()
        FORMATS["table"](preview.result(SHOWN), table, Options())
        yield table.getvalue().rstrip("\n")
    if (rest := rows - SHOWN) > 0:
        listed = preview.keys[SHOWN:]
        yield f"and {rest} more{': ' if listed else ''}{', '.join(listed)}"
    yield f"first: {preview.requests[0]}" if rows > 1 else preview.requests[0]


def yes(answer: str) -> bool:
    """Whether an answer is a plain yes.

    >>> [yes(answer) for answer in ("y", "YES", "", "n", "yeah")]
    [True, True, False, False, False]
    """
    return answer.strip().lower() in ("y", "yes")


def approved(preview: Preview, say: Callable[[str], None], ask: Callable[[str], str], where: str = "") -> bool:
    """Show a write and ask. Whoever leaves the question has not said yes."""
    if not needed(preview):
        return True
    say(told(preview, where))
    try:
        return yes(ask("Go on? [y/N] "))
    except Terminated:
        raise
    except (KeyboardInterrupt, EOFError):
        return False

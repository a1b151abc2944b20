"""What a ledger says as a whole: its runs, and what is known of each call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from engine.errors import UsageError
from engine.ledger.lines import Line, Planned

Known = Literal["planned", "sending", "done", "failed", "unknown"]


class Entry(Struct):
    """A call and what the last line about it says. `planned`: it certainly was not sent; `sending`: it was to be, and
    nobody wrote down what became of it. `filed`: the file that belongs to it has arrived.
    """

    planned: Planned
    state: Known = "planned"
    last: Line | None = None
    filed: bool = False

    @property
    def open(self) -> bool:
        """Whether it may or may not have happened."""
        return self.state in ("sending", "unknown")

    @property
    def fileless(self) -> bool:
        """Whether it is done but for its file, of which nobody wrote down that it has arrived."""
        return self.state == "done" and self.planned.file is not None and not self.filed

    @property
    def finished(self) -> bool:
        """Whether nothing is left of it."""
        return self.state == "done" and not self.fileless


class Run(Struct):
    """One write: its first line, and its calls by their numbers."""

    begun: Line
    entries: dict[int, Entry]

    @property
    def name(self) -> str:
        """What tells it from the other runs."""
        return self.begun.run

    @property
    def unfinished(self) -> bool:
        """Whether some call is not done."""
        return not all(entry.finished for entry in self.entries.values())


def runs(lines: Iterable[Line]) -> dict[str, Run]:
    """The runs of a ledger, the oldest first.

    Raises UsageError for a call of which no run says what it is: the ledger has lost its beginning.
    """
    found: dict[str, Run] = {}
    for line in lines:
        if line.event == "run":
            found[line.run] = Run(line, {call.call: Entry(call) for call in line.calls or []})
            continue
        run = found.get(line.run)
        entry = run.entries.get(line.call or 0) if run is not None else None
        if entry is None:
            raise UsageError(
                f"the ledger does not say what call {line.call} of run {line.run} is",
                hint="its beginning is lost: name the whole file, or look up by a SELECT what was written",
            )
        if line.event == "file":
            entry.filed = True
        else:
            entry.state, entry.last, entry.filed = "planned" if line.event == "unsent" else line.event, line, False
    return found


def chosen(found: dict[str, Run], name: str | None) -> list[Run]:
    """The run of that name, or all. Raises UsageError where there is none."""
    if name is None:
        return list(found.values())
    if name not in found:
        raise UsageError(f"the ledger has no run {name}", hint=f"its runs: {', '.join(list(found)[-10:]) or 'none'}")
    return [found[name]]

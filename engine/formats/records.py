"""One field a line, for rows that are wider than a terminal. Streams."""

from __future__ import annotations

from typing import Any, TextIO

from engine.formats.cells import batches, indented, paint, printable, shown, width
from engine.formats.options import Options
from engine.result import JsonText, Result

_RULE = 60  # columns


def vertical(result: Result, stream: TextIO, options: Options) -> int:
    """Each row under a numbered rule, a field a line: `name | value`. Hidden headers leave an empty line instead."""
    if result.kind == "done":
        return 0
    names = [printable(column.name) for column in result.columns]
    widest = max(map(width, names), default=0)
    labels = [paint(name, "bold", options.color) + " " * (widest - width(name)) for name in names]
    null, count = printable(options.null), 0
    for batch in batches(result):
        for row in batch:
            count += 1
            stream.write(_rule(count, options.headers))
            for label, value in zip(labels, row, strict=True):  # the lines of a value stand under its first
                for line in _lines(value, null, options):
                    stream.write(f"{label} | {line}\n")
                    label = " " * widest
    return count


def _lines(value: Any, null: str, options: Options) -> list[str]:
    """A value as a reader sees it; a JSON document over several lines where that is wanted."""
    if options.pretty and isinstance(value, JsonText):
        return [printable(line) for line in indented(value).split("\n")]
    return [shown(value, null, options.color)]


def _rule(number: int, headers: bool) -> str:
    """What stands above a record."""
    if headers:
        return f"-[ RECORD {number} ]".ljust(_RULE, "-") + "\n"
    return "\n" if number > 1 else ""

"""One field a line, for rows that are wider than a terminal. Streams."""

from __future__ import annotations

from typing import TextIO

from engine.formats.cells import batches, paint, printable, shown, width
from engine.formats.options import Options
from engine.result import Result

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
            for label, value in zip(labels, row, strict=True):
                stream.write(f"{label} | {shown(value, null, options.color)}\n")
    return count


def _rule(number: int, headers: bool) -> str:
    """What stands above a record."""
    if headers:
        return f"-[ RECORD {number} ]".ljust(_RULE, "-") + "\n"
    return "\n" if number > 1 else ""

"""A table where it fits a screen, a field a line where it is wider."""

from __future__ import annotations

from io import StringIO
from typing import TextIO

from engine.formats.cells import plain, width
from engine.formats.grid import table
from engine.formats.options import Options
from engine.formats.records import vertical
from engine.result import Result


def fitted(result: Result, stream: TextIO, options: Options, columns: int) -> int:
    """The rows for a screen of so many columns. Answers how many rows."""
    rows = list(result)
    held = StringIO()
    count = table(Result(result.columns, iter(rows)), held, options)
    first = held.getvalue().partition("\n")[0]
    if width(plain(first)) > columns:
        return vertical(Result(result.columns, iter(rows)), stream, options._replace(pretty=True))
    stream.write(held.getvalue())
    return count

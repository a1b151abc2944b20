"""Columns side by side: table for a terminal, markdown for a document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TextIO

from engine.formats.cells import batches, paint, printable, shown, spell, write_plan
from engine.formats.options import Options
from engine.result import Result, ResultColumn

_NUMERIC = ("integer", "number")
_LINE_END = re.compile("\r\n|\r|\n")


def table(result: Result, stream: TextIO, options: Options) -> int:
    """A frame around all rows, numbers to the right. No cell is ever cut; widths need every row in memory."""
    from tabulate import tabulate

    if result.kind == "done":
        return 0
    if result.kind == "plan":
        return write_plan(result, stream)
    rows = list(result)
    null = printable(options.null)
    text = tabulate(
        [[shown(value, null, options.color) for value in row] for row in rows],
        headers=[paint(printable(c.name), "bold", options.color) for c in result.columns] if options.headers else (),
        tablefmt="psql",
        colalign=[_side(column, n, rows) for n, column in enumerate(result.columns)] if rows else None,
        disable_numparse=True,  # a label "1e5" is a label
        preserve_whitespace=True,
    )
    stream.write(text + "\n" if text else "")
    return len(rows)


def _side(column: ResultColumn, position: int, rows: Sequence[tuple[Any, ...]]) -> str:
    """Where a column's values stand. SQLite decides the type of an expression row by row: then all rows are asked."""
    if column.type != "any":
        return "right" if column.type in _NUMERIC else "left"
    kinds = {type(row[position]) for row in rows} - {type(None)}
    return "right" if kinds and kinds <= {int, float} else "left"


def markdown(result: Result, stream: TextIO, options: Options) -> int:
    """A table of GitHub's Markdown. It cannot do without its first line: hidden headers leave that one empty."""
    if result.kind == "done":
        return 0
    names = [_markdown(c.name) if options.headers else "" for c in result.columns]
    rules = ["---:" if c.type in _NUMERIC else "---" for c in result.columns]
    stream.write(_bar(names) + _bar(rules))
    null, count = _markdown(options.null), 0
    for batch in batches(result):
        count += len(batch)
        stream.write("".join([_bar([null if v is None else _markdown(spell(v)) for v in row]) for row in batch]))
    return count


def _bar(cells: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |\n"


def _markdown(text: str) -> str:
    r"""Text that ends no cell, no line and starts no HTML.

    >>> print(_markdown("a|b\n<i> \\"))
    a\|b<br>&lt;i> \\
    """
    escaped = text.replace("\\", r"\\").replace("|", r"\|").replace("<", "&lt;")
    return "<br>".join(printable(line) for line in _LINE_END.split(escaped))

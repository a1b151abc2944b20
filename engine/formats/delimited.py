"""One line a row, fields apart by a character: csv, tsv, text. All stream."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TextIO, TypeAlias

from engine.formats.cells import batches, printable, shown, spell, write_plan
from engine.formats.options import Options
from engine.result import Result

_Line: TypeAlias = Callable[[Iterable[Any]], str]

_TSV = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def csv(result: Result, stream: TextIO, options: Options) -> int:
    r"""RFC 4180 with `\n` between records. NULL is an empty field, the empty string is `""`.

    The one exception: where a row is a single NULL it is `""` too, because readers skip empty lines.
    """
    special = re.compile(f'["\r\n{re.escape(options.delimiter)}]')
    null = '""' if len(result.columns) == 1 else ""

    def field(value: Any) -> str:
        if value is None:
            return null
        text = spell(value)
        return text if text and not special.search(text) else '"' + text.replace('"', '""') + '"'

    return _write(result, stream, options, lambda row: options.delimiter.join(map(field, row)))


def tsv(result: Result, stream: TextIO, options: Options) -> int:
    r"""Fields apart by tabs; tab, newline, carriage return, backslash are `\t \n \r \\` in them. NULL is empty."""
    return _write(result, stream, options, lambda row: "\t".join(spell(value).translate(_TSV) for value in row))


def text(result: Result, stream: TextIO, options: Options) -> int:
    """Values joined by the delimiter and nothing else: no quotes, NULL as a word, control characters escaped."""
    if result.kind == "plan":
        return write_plan(result, stream)
    color, null = options.color, printable(options.null)
    return _write(
        result, stream, options, lambda row: options.delimiter.join(shown(value, null, color) for value in row)
    )


def _write(result: Result, stream: TextIO, options: Options, line: _Line) -> int:
    """The names if wanted, then the rows, each as `line` puts it."""
    if result.kind == "done":
        return 0
    if options.headers:
        stream.write(line([column.name for column in result.columns]) + "\n")
    count = 0
    for batch in batches(result):
        count += len(batch)
        stream.write("".join([line(row) + "\n" for row in batch]))
    return count

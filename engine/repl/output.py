"""Results on a terminal: as a table where it fits, a field a line where not; paged where taller than the screen."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
from io import StringIO
from time import perf_counter
from types import FrameType
from typing import Any, NamedTuple, TextIO

from engine.cli import terminal
from engine.cli.running import many, options_for
from engine.formats import FORMATS
from engine.formats.cells import plain, spell, width
from engine.formats.fitted import fitted
from engine.result import Result

_LEAST = 20  # characters of a column that is cut
_AROUND = 2  # blanks that a table has behind the name of a column, if no value is longer


class Screen(NamedTuple):
    """A terminal: its size in characters, and the command of its pager; without one nothing is paged."""

    columns: int
    rows: int
    pager: tuple[str, ...] = ()


def screen(pager: str) -> Screen:
    """The terminal as it is now. `pager` is the preference of that name; nobody pages through a file."""
    columns, rows = shutil.get_terminal_size()
    return Screen(columns, rows, _command(pager) if sys.stdout.isatty() else ())


def _command(pager: str) -> tuple[str, ...]:
    """The pager's command: `auto` is $PAGER, else less, else none."""
    if pager == "off":
        return ()
    if pager != "auto":
        return tuple(shlex.split(pager))
    if named := os.environ.get("PAGER"):
        return tuple(shlex.split(named))
    return ("less",) if shutil.which("less") else ()


class Gone(Exception):
    """The pager was left before the end."""


class Pages(StringIO):
    """Text for a screen, held back until it is taller; then it goes to the pager. Owns the pager's process.

    `waited`: the seconds in which somebody read.
    """

    def __init__(self, out: TextIO, screen: Screen) -> None:
        super().__init__()
        self._out = out
        self.screen = screen
        self._lines = 0
        self._pager: subprocess.Popen[str] | None = None
        self._before: Any = None
        self.waited = 0.0

    def write(self, text: str) -> int:
        if self._pager is not None:
            return self._send(text)
        self._lines += tall(text, self.screen.columns)
        super().write(text)
        if self._lines > self.screen.rows - 2 and self.screen.pager:  # the prompt and the toolbar need a line each
            self._open()
        return len(text)

    def finish(self) -> None:
        """Print what is held, or wait until the pager is left."""
        start = perf_counter()
        pager, self._pager = self._pager, None
        if pager is None:
            self._out.write(self.getvalue())
            return
        try:
            if pager.stdin is not None:
                pager.stdin.close()
        except BrokenPipeError:
            pass
        finally:
            pager.wait()
            signal.signal(signal.SIGINT, self._before)
            self.waited += perf_counter() - start

    def _open(self) -> None:
        """Start the pager. Ctrl-C is its own from here on."""
        environ = {"LESS": "-RS", **os.environ}
        try:
            self._pager = subprocess.Popen(
                self.screen.pager, stdin=subprocess.PIPE, encoding="utf-8", errors="replace", env=environ
            )
        except OSError as error:
            named = shlex.join(self.screen.pager)
            terminal.say(f"note: cannot start the pager {named}: {error.strerror}; \\pager off goes without")
            self.screen = self.screen._replace(pager=())
            return
        self._before = signal.signal(signal.SIGINT, _ignored)
        self._send(self.getvalue())

    def _send(self, text: str) -> int:
        assert self._pager is not None
        assert self._pager.stdin is not None
        try:
            return self._pager.stdin.write(text)
        except BrokenPipeError:
            raise Gone from None


def _ignored(number: int, frame: FrameType | None) -> None:
    """A Ctrl-C for the pager; as a function, so that the pager does not inherit it."""


def tall(text: str, columns: int) -> int:
    """The lines that a text takes on a terminal, those that wrap counted as often as they do.

    >>> tall("ab\\nabcdef\\n", 4), tall("", 4)
    (3, 0)
    """
    if not text:
        return 0
    lines = text.removesuffix("\n").split("\n")
    return sum(max(1, -(-width(plain(line)) // columns)) for line in lines)


def write(
    result: Result, stream: TextIO, given: argparse.Namespace, *, expanded: str, screen: Screen
) -> tuple[int | None, float]:
    """A result to a terminal. Answers its rows, None where the reader left before all were out, and the seconds
    of it in which somebody read.
    """
    pages = Pages(stream, screen)
    plain_options, pretty = options_for(stream, given), options_for(stream, given, pretty=True)
    tabular = given.output == "table" and result.kind == "rows"
    try:
        if tabular and expanded == "auto":
            count = fitted(result, pages, plain_options, pages.screen.columns)
        elif tabular and expanded == "on":
            count = FORMATS["vertical"](result, pages, pretty)
        else:
            count = FORMATS[given.output](result, pages, plain_options)
    except Gone:
        pages.finish()
        return None, pages.waited
    except BaseException:
        pages.finish()
        raise
    pages.finish()
    return count, pages.waited


def narrowed(result: Result, columns: int) -> Result:
    """The same rows, the last column cut so that a table of them is no wider than that, if it can be."""
    rows = [[spell(value) for value in row] for row in result]
    names = [column.name for column in result.columns]
    named = [name + " " * _AROUND for name in names]
    widths = [max(map(width, column)) for column in zip(named, *rows, strict=True)]
    room = max(_LEAST, columns - sum(widths[:-1]) - 3 * len(widths) - 1)
    cut = [(*row[:-1], row[-1] if width(row[-1]) <= room else row[-1][: room - 3] + "...") for row in rows]
    return Result(result.columns, iter(cut), messages=result.messages, warnings=result.warnings, stats=result.stats)


def footer(result: Result, count: int | None, seconds: float, *, timing: bool) -> str:
    """What stands under the rows: how many, and what they cost.

    >>> from engine.result import Stats
    >>> footer(Result((), iter(()), stats=Stats(requests=1)), 3, 0.25, timing=True)
    '3 rows, 1 request, 0.250 s'
    """
    words = [many(count, "row")] if count is not None and result.kind == "rows" else []
    if timing:
        words += [many(result.stats.requests, "request"), f"{seconds:.3f} s"]
    return ", ".join(words)

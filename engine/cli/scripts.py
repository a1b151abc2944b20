"""Where statements come from: the command line, files, standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.errors import Source, UsageError

STDIN = "-"


def read_script(path: str) -> str:
    """The text of a script. It is UTF-8, with or without a byte order mark; `-` is standard input."""
    name = "standard input" if path == STDIN else path
    try:
        data = _stdin() if path == STDIN else Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror or error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"cannot read {name}: line {line} is not UTF-8 text", hint="save it as UTF-8") from error


def from_file(path: str) -> Source:
    """A script with the name errors call it by."""
    return Source(read_script(path), "standard input" if path == STDIN else path)


def from_argument(sql: str) -> Source:
    """The statements on the command line. A shell can pass bytes there that are no text."""
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"the statement is not UTF-8 text from character {error.start + 1} on") from error
    return Source(sql)


def _stdin() -> bytes:
    """All of standard input, as bytes: its own decoding follows the locale."""
    if sys.stdin is None:
        raise UsageError("there is no standard input to read statements from")
    return sys.stdin.buffer.read()

"""How a result is to be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TextIO, TypeAlias

from engine.result import Result


class Options(NamedTuple):
    """What a format may be told; each takes what means something to it.

    `delimiter` (one character) counts for csv and text, `null` (how NULL reads) and `color` (ANSI styles) for the
    formats made for eyes: table, vertical, text, markdown.
    """

    delimiter: str = ","
    headers: bool = True
    null: str = "NULL"
    color: bool = False
    pretty: bool = False


# Writes the rest of a result to a stream and answers how many rows that were.
Format: TypeAlias = Callable[[Result, TextIO, Options], int]

"""What SQLite would do for a query, read off its own program.

A row of EXPLAIN is an instruction: its address, opcode, p1, p2, p3 (https://www.sqlite.org/opcode.html). Text comes
as bytes, for among the constants may be what is no text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

Instruction: TypeAlias = Sequence[Any]
_PASSES = re.compile(rb"Init OpenRead Rewind (Column )+ResultRow Next Halt Transaction Goto")


def columns_read(program: Sequence[Instruction]) -> list[int] | None:
    """The columns that a query gives of its only table, in their order; None where the query does more than that.

    A loop of nothing but these instructions gives every row once, as it is.
    """
    if _PASSES.fullmatch(b" ".join(row[1] for row in program)) is None:
        return None
    columns = [row for row in program if row[1] == b"Column"]
    first, count = next(row[2:4] for row in program if row[1] == b"ResultRow")
    filled = [register for _, _, _, _, register, *_ in columns]
    return [row[3] for row in columns] if filled == list(range(first, first + count)) else None


def aggregates(program: Sequence[Instruction]) -> bool:
    """Whether one row is made of many anywhere, in windows too."""
    return any(row[1].startswith(b"Agg") for row in program)

"""Rows that leave as they came: where the output is nothing but columns of one table, SQLite need not hold them.

To write rows into a table and to read them again costs more than all else that is done with them. A spool keeps them
as they are, the first megabytes in memory and the rest in a file without a name, and gives them back in their order.
It keeps columns: they take half the room of rows, and tables of Arrow are made of them.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

Row = tuple[Any, ...]
_IN_MEMORY = 8 * 2**20  # bytes
_NONE = type(None)

_KEPT: Mapping[str, frozenset[type]] = {
    "TEXT": frozenset({str, _NONE}),
    "STRATOQL_TEXT_MOMENT": frozenset({str, _NONE}),
    "STRATOQL_TEXT_JSON": frozenset({str, _NONE}),
    "INTEGER": frozenset({int, _NONE}),
    "NUMERIC": frozenset({int, float, _NONE}),
    "STRATOQL_BOOLEAN": frozenset({bool, int, _NONE}),
}  # by a column's declared type: the values that SQLite gives back as it was given them, or nearly


class Spool:
    """Owns rows of one table. `declared` are its columns and their declared types."""

    def __init__(self, declared: Mapping[str, str]) -> None:
        from tempfile import SpooledTemporaryFile  # here: most statements keep no rows

        self.declared = declared
        with ExitStack() as stack:
            self._file = stack.enter_context(SpooledTemporaryFile(_IN_MEMORY))
            self._open = stack.pop_all()

    def add(self, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Keep rows; values in the order of `columns`, the table's other columns are NULL."""
        if not (kept := list(rows)):
            return
        data = marshal.dumps((list(columns), len(kept), list(zip(*kept, strict=True))))
        self._file.write(len(data).to_bytes(8))
        self._file.write(data)

    def __iter__(self) -> Iterator[tuple[list[str], int, list[Sequence[Any]]]]:
        """What was added, piece by piece: the columns' names, how many rows, the columns."""
        self._file.seek(0)
        while size := self._file.read(8):
            yield marshal.loads(self._file.read(int.from_bytes(size)))

    def close(self) -> None:
        """Drop the rows."""
        self._open.close()

    def __del__(self) -> None:
        """Nobody must close a result that they did not read."""
        self.close()


def rows_of(count: int, columns: Sequence[Sequence[Any]]) -> list[Row]:
    """Columns as rows again; rows without columns are rows, too.

    >>> rows_of(2, [(1, 2), "ab"]), rows_of(2, [])
    ([(1, 'a'), (2, 'b')], [(), ()])
    """
    return list(zip(*columns, strict=True)) if columns else [()] * count


def projected(
    names: Sequence[str], given: Mapping[str, Sequence[Any]], count: int, declared: Mapping[str, str]
) -> list[Sequence[Any]] | None:
    """The columns of these `names`, as SQLite would give them; None where it would change a value.

    >>> projected(["b", "a", "c"], {"a": "x", "b": [True]}, 1, {"a": "TEXT", "b": "STRATOQL_BOOLEAN", "c": "TEXT"})
    [[1], 'x', [None]]
    >>> projected(["a"], {"a": [1]}, 1, {"a": "TEXT"}) is None
    True
    """
    found: list[Sequence[Any]] = []
    for name in names:
        values = given.get(name)
        made = [None] * count if values is None else _stored(values, declared[name])
        if made is None:
            return None
        found.append(made)
    return found


def _stored(values: Sequence[Any], declared: str) -> Sequence[Any] | None:
    """A column's values as SQLite would give them back: 1 for True. None where that is more than a glance tells."""
    kinds = set(map(type, values))
    if not kinds <= _KEPT.get(declared, frozenset()):
        return None
    if bool in kinds:
        return [value if value is None else int(value) for value in values]
    if float in kinds and any(type(value) is float and (value != value or value.is_integer()) for value in values):
        return None  # it makes NULL of what is no number, and an integer of 2.0
    return values


_PASSES = re.compile(rb"Init OpenRead Rewind (Column )+ResultRow Next Halt Transaction Goto")


def columns_read(program: Sequence[Row]) -> list[int] | None:
    """The columns that a query gives of its only table, in their order; None where the query does more than that.

    `program` is what EXPLAIN tells of it, text as bytes. A row is an instruction: its address, opcode, p1, p2, p3
    (https://www.sqlite.org/opcode.html). A loop of nothing but these gives every row once, as it is.
    """
    if _PASSES.fullmatch(b" ".join(row[1] for row in program)) is None:
        return None
    columns = [row for row in program if row[1] == b"Column"]
    first, count = next(row[2:4] for row in program if row[1] == b"ResultRow")
    filled = [register for _, _, _, _, register, *_ in columns]
    return [row[3] for row in columns] if filled == list(range(first, first + count)) else None

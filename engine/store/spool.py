"""Rows whose values SQLite need not hold: those that leave as they came, those that it only has to find.

To write values into a table and to read them again costs more than all else that is done with them. A spool keeps
them as they are, by columns, and gives them back: all in their order, or those of the rows that SQLite has found by
the few columns it compares. The very values wait in memory, up to some megabytes; more of them in a file without a
name.
"""

from __future__ import annotations

import marshal
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from operator import itemgetter
from typing import IO, Any

from msgspec import Struct

Row = tuple[Any, ...]
_IN_MEMORY = 32 * 2**20  # bytes
_SEARCHED = 64 * 2**20  # bytes, of rows that may be asked for in any order
_TEXT, _OTHER = 57, 16  # bytes that a value takes and its place in a column, about; of text its characters too
_NONE = type(None)

_KEPT: Mapping[str, frozenset[type]] = {
    "TEXT": frozenset({str, _NONE}),
    "STRATOQL_TEXT_MOMENT": frozenset({str, _NONE}),
    "STRATOQL_TEXT_JSON": frozenset({str, _NONE}),
    "INTEGER": frozenset({int, _NONE}),
    "NUMERIC": frozenset({int, float, _NONE}),
    "STRATOQL_BOOLEAN": frozenset({bool, int, _NONE}),
}  # by a column's declared type: the values that SQLite gives back as it was given them, or nearly


class Piece(Struct, frozen=True):
    """Rows that came together, by columns. `plain`: the values are as SQLite would give them back."""

    count: int
    columns: Mapping[str, Sequence[Any]]
    plain: bool

    def rows(self) -> list[Row]:
        """The rows again; without columns they are rows, too.

        >>> Piece(2, {"a": (1, 2), "b": "xy"}, True).rows(), Piece(2, {}, True).rows()
        ([(1, 'x'), (2, 'y')], [(), ()])
        """
        return list(zip(*self.columns.values(), strict=True)) if self.columns else [()] * self.count

    def column(self, name: str) -> Sequence[Any]:
        """A column's values; one that did not come is NULL."""
        found = self.columns.get(name)
        return [None] * self.count if found is None else found


class Spool:
    """Owns rows of one table, whose columns `declared` are with their declared types.

    `searched` are the columns by which SQLite finds rows, and holds too; None: it gives all of them, in their order.
    """

    def __init__(self, declared: Mapping[str, str], searched: Collection[str] | None = None) -> None:
        self.declared, self.searched = declared, searched
        self.at_hand = True  # every value is in memory, and as SQLite would give it back
        self._room = _IN_MEMORY if searched is None else _SEARCHED
        self._size = 0  # bytes, about
        self._pieces: list[Piece] = []
        self._file: IO[bytes] | None = None
        self._open = ExitStack()

    def add(self, columns: Sequence[str], rows: Iterable[Row]) -> Piece:
        """Keep rows; values in the order of `columns`, the table's other columns are NULL."""
        if not (kept := list(rows)):
            return Piece(0, {}, True)
        values = dict(zip(columns, zip(*kept, strict=True), strict=True)) if columns else {}
        stored = {name: _stored(column, self.declared[name]) for name, column in values.items()}
        plain = {name: column for name, column in stored.items() if column is not None}
        whole = len(plain) == len(values)
        piece = Piece(len(kept), plain if whole else values, whole)
        self._size += _size(kept)
        self._pieces.append(piece)
        if self._size > self._room:
            if self.searched is None:
                self._write()
            self.at_hand = False
        self.at_hand = self.at_hand and whole
        return piece

    def _write(self) -> None:
        if self._file is None:
            from tempfile import TemporaryFile  # here: most statements keep few rows

            with ExitStack() as stack:
                self._file = stack.enter_context(TemporaryFile())
                self._open = stack.pop_all()
        for piece in self._pieces:
            data = marshal.dumps((piece.count, dict(piece.columns), piece.plain))
            self._file.write(len(data).to_bytes(8) + data)
        self._pieces.clear()

    def __iter__(self) -> Iterator[Piece]:
        """What was added, piece by piece."""
        if self._file is not None:
            self._file.seek(0)
            while size := self._file.read(8):
                yield Piece(*marshal.loads(self._file.read(int.from_bytes(size))))
        yield from self._pieces

    def whole(self, names: Collection[str]) -> dict[str, list[Any]]:
        """These columns' values, at the rows' numbers: they count from 1, and what stands at 0 is of no row.

        >>> kept = Spool({"a": "TEXT", "b": "INTEGER"})
        >>> _ = kept.add(["a"], [("x",), ("y",)]), kept.add(["b", "a"], [(3, "z")])
        >>> kept.whole(["a", "b"])
        {'a': [None, 'x', 'y', 'z'], 'b': [None, None, None, 3]}
        """
        found: dict[str, list[Any]] = {name: [None] for name in names}
        for piece in self:
            for name, values in found.items():
                values += piece.column(name)
        return found

    def close(self) -> None:
        """Drop the rows."""
        self._pieces.clear()
        self._open.close()

    def __del__(self) -> None:
        """Nobody must close a result that they did not read."""
        self.close()


def at(values: Sequence[Any], numbers: Sequence[int | None]) -> Sequence[Any]:
    """The values of these rows. A row that an outer join did not find has no number.

    >>> at([None, "a", "b"], [2, None, 2]), at([None, "a"], [1]), at([None, "a"], [])
    (('b', None, 'b'), ['a'], [])
    """
    known = [number or 0 for number in numbers] if None in numbers else numbers
    return itemgetter(*known)(values) if len(known) > 1 else [values[number or 0] for number in known]


def _size(rows: Sequence[Row]) -> int:
    """The bytes that the values of these rows take in memory, about: by the first row and every further hundredth.

    >>> _size([("four", None, 1)]), _size([("four", None, 1)] * 1000)
    (93, 93000)
    """
    seen = rows[::100]
    taken = sum(_TEXT + len(value) if type(value) is str else _OTHER for row in seen for value in row)
    return taken * len(rows) // len(seen)


def _stored(values: Sequence[Any], declared: str) -> Sequence[Any] | None:
    """A column's values as SQLite would give them back: 1 for True. None where that is more than a glance tells.

    >>> _stored((True, None), "STRATOQL_BOOLEAN"), _stored((1,), "TEXT"), _stored((2.0,), "NUMERIC")
    ([1, None], None, None)
    """
    kinds = set(map(type, values))
    if not kinds <= _KEPT.get(declared, frozenset()):
        return None
    if bool in kinds:
        return [value if value is None else int(value) for value in values]
    if float in kinds and any(type(value) is float and (value != value or value.is_integer()) for value in values):
        return None  # it makes NULL of what is no number, and an integer of 2.0
    return values

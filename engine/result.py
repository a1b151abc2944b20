"""What a statement answers: typed columns, rows as they come, messages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from engine.errors import StratoqlError

ColumnType = Literal["string", "integer", "number", "boolean", "datetime", "json", "any"]
Kind = Literal["rows", "done", "plan"]


class JsonText(str):
    """A JSON document as text, as the API sent it. Formats print it as JSON, not as a string of JSON."""

    __slots__ = ()


@dataclass(frozen=True)
class ResultColumn:
    """A column of a result. `any` is an expression whose type SQLite decides row by row."""

    name: str
    type: ColumnType = "any"


@dataclass(frozen=True)
class Stats:
    """What a statement cost: requests sent, rows fetched, seconds in all."""

    requests: int = 0
    rows: int = 0
    seconds: float = 0.0


class Result:
    """Rows that stream out of the store, once. Values are None, bool, int, float, str, bytes or JsonText.

    kind `rows`: a query or a RETURNING; `done`: a write without RETURNING, where `affected` counts the calls that
    succeeded; `plan`: the text of EXPLAIN, one line a row. `reads` and `writes` are the resources that a plan would.
    """

    def __init__(
        self,
        columns: Sequence[ResultColumn],
        rows: Iterator[tuple[Any, ...]],
        *,
        kind: Kind = "rows",
        affected: int | None = None,
        messages: Sequence[str] = (),
        warnings: Sequence[str] = (),
        stats: Stats | None = None,
        reads: Collection[str] = (),
        writes: Collection[str] = (),
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.columns = tuple(columns)
        self.kind: Kind = kind
        self.affected = affected
        self.messages = tuple(messages)
        self.warnings = tuple(warnings)
        self.stats = stats or Stats()
        self.reads = frozenset(reads)
        self.writes = frozenset(writes)
        self._rows = rows
        self._close = close

    def telling(self, statement: str) -> Result:
        """The same result; an error while its rows stream carries the text of its statement."""
        self._rows = _telling(self._rows, statement)
        return self

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        """At most `size` further rows."""
        return list(islice(self._rows, size))

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All further rows; the store behind them is released."""
        rows = list(self._rows)
        self.close()
        return rows

    def close(self) -> None:
        """Release the store behind the rows. May be called again."""
        close, self._close = self._close, lambda: None
        self._rows = iter(())
        close()


def _telling(rows: Iterator[tuple[Any, ...]], statement: str) -> Iterator[tuple[Any, ...]]:
    try:
        yield from rows
    except StratoqlError as error:
        error.statement = error.statement or statement
        raise

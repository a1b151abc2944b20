"""What a statement answers: typed columns, rows as they come, messages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from engine.errors import PartialWrite, StratoqlError

ColumnType = Literal["string", "integer", "number", "boolean", "datetime", "json", "any"]
Kind = Literal["rows", "done", "plan"]
T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]
Columns: TypeAlias = Sequence[Sequence[Any]]  # the values of each


class JsonText(str):
    """A JSON document as text, as the API sent it. Formats print it as JSON, not as a string of JSON."""

    __slots__ = ()


class ResultColumn(NamedTuple):
    """A column of a result. `any` is an expression whose type SQLite decides row by row.

    `type` is one of string, integer, number, boolean, datetime, json, any.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     connection.query('SELECT id, 1 FROM linode.images.images').columns[0]
    ResultColumn(name='id', type='string')
    """

    name: str
    type: ColumnType = "any"


class Stats(NamedTuple):
    """What a statement cost. Times are in seconds; those of calls side by side add up, and may exceed `seconds`.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     stats = connection.query("SELECT id FROM linode.images.images WHERE id = 'linode/arch'").stats
    ...     stats.requests, stats.rows, stats.retries
    (1, 1, 0)
    """

    requests: int = 0  # that left, those sent again included
    rows: int = 0  # fetched
    seconds: float = 0.0  # from the plan to the first row of the answer
    pages: int = 0
    bytes: int = 0  # of bodies, as they came over the network
    retries: int = 0
    waited: float = 0.0  # for rate limits, for a place among the requests in flight, before sending again
    network: float = 0.0
    decoding: float = 0.0
    loading: float = 0.0  # rows into SQLite
    first: float | None = None  # until the first page was here


class Batches(Iterator[list[Row]]):
    """Rows, some hundred at a time, read once: by rows or by columns. One way is how they are held, the other is made
    of it.

    >>> list(Batches(columns=iter([[(1, 2), "ab"]]))), list(Batches(iter([[(1, "a"), (2, "b")]])).columns())
    ([[(1, 'a'), (2, 'b')]], [[(1, 2), ('a', 'b')]])
    """

    def __init__(self, rows: Iterable[list[Row]] = (), columns: Iterator[Columns] | None = None) -> None:
        self._rows = iter(rows if columns is None else (list(zip(*batch, strict=True)) for batch in columns))
        self._columns = columns

    def __next__(self) -> list[Row]:
        return next(self._rows)

    def columns(self) -> Iterator[Columns]:
        """A batch as its columns."""
        return (
            self._columns if self._columns is not None else (list(zip(*batch, strict=True)) for batch in self._rows)
        )

    def telling(self, statement: str) -> Batches:
        """The same; errors while they stream carry the text of their statement."""
        if self._columns is not None:
            return Batches(columns=_telling(self._columns, statement))
        return Batches(_telling(self._rows, statement))


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
        interrupt: Callable[[], None] = lambda: None,
        account: Callable[[], PartialWrite | None] = lambda: None,
        batches: Batches | None = None,
    ) -> None:
        """`batches`: where `rows` come from, in SQLite's own types, for readers with other wishes."""
        self.columns = tuple(columns)
        self.kind: Kind = kind
        self.affected = affected
        self.messages = tuple(messages)
        self.warnings = tuple(warnings)
        self.stats = stats or Stats()
        self.reads = frozenset(reads)
        self.writes = frozenset(writes)
        self._rows = rows
        self._batches = batches if batches is not None else Batches(_some(rows))
        self._close = close
        self.account = account  # what was written, for whom a Ctrl-C keeps from telling the result
        self.interrupt = interrupt  # stops the query behind the rows, from another thread

    def telling(self, statement: str) -> Result:
        """The same result; an error while its rows stream carries the text of its statement."""
        self._rows = _telling(self._rows, statement)
        self._batches = self._batches.telling(statement)
        return self

    def batches(self) -> Batches:
        """The rows, some hundred at a time, with booleans, moments and JSON as SQLite holds them: 0, 1 and text.

        In the place of the iterator's rows: who reads both loses some.
        """
        return self._batches

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
        close, self._close, self.interrupt = self._close, lambda: None, lambda: None
        self._rows, self._batches = iter(()), Batches()
        close()


def _some(rows: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(rows, 500)):
        yield batch


def _telling(rows: Iterator[T], statement: str) -> Iterator[T]:
    try:
        yield from rows
    except StratoqlError as error:
        error.statement = error.statement or statement
        raise

"""What a query answers, for programs: rows as Python values, or whole as a table of Arrow, pandas or Polars."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from operator import index
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from engine.api import tables
from engine.api.extras import extra
from engine.api.uncollected import uncollected
from engine.api.values import python_rows
from engine.errors import Misuse, UsageError
from engine.formats import FORMATS, Options
from engine.formats.jsons import unique
from engine.language.expressions import types
from engine.language.statements import Select, Statement
from engine.result import Batches, Kind, ResultColumn, Stats
from engine.result import Result as Answer
from engine.store import Row

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

T = TypeVar("T")
_namedtuple: Any = namedtuple  # its fields are known when the columns are
_SUFFIXES = {"csv": "csv", "tsv": "tsv", "json": "json", "jsonl": "jsonl", "ndjson": "jsonl", "md": "markdown"}


def _read() -> Misuse:
    return Misuse("rows of this result have been read already", hint="run the query again")


def _gone() -> Row:
    raise _read()


def counted(size: int, least: int = 0) -> int:
    """A number of rows. Raises Misuse for what is none.

    >>> counted(5)
    5
    """
    try:
        number = index(size)
    except TypeError:
        number = -1
    if number < least:
        raise Misuse(f"a number of rows is {least} or more, found {size!r}", hint="fetchall reads all of them")
    return number


def typed_columns(columns: tuple[ResultColumn, ...], statement: Statement) -> tuple[ResultColumn, ...]:
    """The columns of a statement's rows; an expression has the type that it must have, whatever the rows are."""
    if not isinstance(statement.body, Select) or all(column.type != "any" for column in columns):
        return columns
    found = types(statement.body.query)
    if len(found) != len(columns):
        return columns
    return tuple(c if c.type != "any" else c._replace(type=kind) for c, kind in zip(columns, found, strict=True))


class Result:
    """The rows of one statement. They are fetched already, and read once: they stream out of a temporary database.

    Values are None, bool, int, float, str, bytes; `datetime` in UTC for moments; lists and dicts for JSON columns.
    `columns` have a `name` and a `type`; `affected` counts the calls of a write that succeeded; `messages` and
    `warnings` are what the statement had to say; `stats` is what it cost, times in seconds.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     result = connection.query("SELECT id, is_public FROM linode.images.images WHERE id = 'linode/debian12'")
    ...     result.columns[1].type, result.to_dicts(), result.stats.requests
    ('boolean', [{'id': 'linode/debian12', 'is_public': True}], 1)
    """

    def __init__(self, answer: Answer, columns: tuple[ResultColumn, ...] | None = None) -> None:
        self._answer = answer
        self._begun = False
        self._table: pyarrow.Table | None = None
        self._rows: Iterator[Row] = chain.from_iterable(
            python_rows(answer.batches(), [column.type for column in answer.columns])
        )
        self.columns: tuple[ResultColumn, ...] = answer.columns if columns is None else columns
        self.kind: Kind = answer.kind
        self.affected: int | None = answer.affected
        self.messages: tuple[str, ...] = answer.messages
        self.warnings: tuple[str, ...] = answer.warnings
        self.stats: Stats = answer.stats

    def __repr__(self) -> str:
        told = ", ".join(column.name for column in self.columns) or ", ".join(self.messages) or "no rows"
        return f"<engine.Result: {told}>"

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        self._begun = True
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, None after the last.

        Raises OperationalError where reading takes longer than `timeout`, ProgrammingError for a fault in the query,
        and where the rows have gone into a table or a file.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.query('SELECT 1').fetchone()
        (1,)
        """
        return next(iter(self), None)

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        """At most `size` further rows.

        Raises as `fetchone` does, and ProgrammingError for a size that is no number of rows.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.query('VALUES (1), (2), (3)').fetchmany(2)
        [(1,), (2,)]
        """
        return list(islice(iter(self), counted(size)))

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All further rows.

        Raises as `fetchone` does.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.query('VALUES (1), (2)').fetchall()
        [(1,), (2,)]
        """
        with uncollected(self.columns):
            rows = list(self)
        self.close()
        return rows

    def batches(self, size: int = 1000) -> Iterator[list[tuple[Any, ...]]]:
        """Lists of at most `size` rows, one or more: no more are in memory at a time.

        Raises as `fetchmany` does.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     list(connection.query('VALUES (1), (2), (3)').batches(2))
        [[(1,), (2,)], [(3,)]]
        """
        return iter(partial(self.fetchmany, counted(size, least=1)), [])

    def dicts(self) -> Iterator[dict[str, Any]]:
        """Each row as a dict; a second column of one name gets a number: `id_2`.

        Raises as `fetchone` does.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     list(connection.query('SELECT 1 AS id, 2 AS id').dicts())
        [{'id': 1, 'id_2': 2}]
        """
        names = unique([column.name for column in self.columns])
        return (dict(zip(names, row, strict=True)) for row in self)

    def namedtuples(self) -> Iterator[Any]:
        """Each row as a named tuple; columns whose names are none of Python's are called `_0`, `_1` by their place.

        Raises as `fetchone` does.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     [row.id for row in connection.query("SELECT 'a' AS id, 1 + 1").namedtuples()]
        ['a']
        """
        row: Any = _namedtuple("Row", [column.name for column in self.columns], rename=True)
        return map(row._make, self)

    def to_dicts(self) -> list[dict[str, Any]]:
        """All further rows as dicts.

        Raises as `fetchone` does.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.query('SELECT 1 AS one').to_dicts()
        [{'one': 1}]
        """
        with uncollected(self.columns):
            rows = list(self.dicts())
        self.close()
        return rows

    def to_arrow(self) -> pyarrow.Table:
        """All rows as an Arrow table. Extra `arrow`.

        Moments are timestamps of microseconds in UTC, JSON is text. Raises InvalidValue for a value that is not of
        its column's type, UsageError where pyarrow is not installed, Misuse where rows have been read already.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.query('SELECT id, size FROM linode.images.images').to_arrow().schema.names
        ['id', 'size']
        """
        if self._table is None:
            self._table = self._whole(tables.arrow_table)
        return self._table

    def to_pandas(self) -> pandas.DataFrame:
        """All rows as a DataFrame, in dtypes that know NULL; JSON columns hold objects. Extra `pandas`.

        Raises as `to_arrow` does.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     str(connection.query('SELECT size FROM linode.images.images').to_pandas()['size'].dtype)
        'Int64'
        """
        return self._whole(tables.pandas_frame)

    def to_polars(self) -> polars.DataFrame:
        """All rows as a DataFrame of Polars; JSON is text. Extra `polars`. Raises as `to_arrow` does.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.query('SELECT id, size FROM linode.images.images').to_polars().columns
        ['id', 'size']
        """
        return self._whole(tables.polars_frame)

    def reader(self) -> pyarrow.RecordBatchReader:
        """The rows as a stream of Arrow batches, one in memory at a time. Extra `arrow`. Raises as `to_arrow` does.

        With a column of type `any` all of them are read at once, for only they can tell its type.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     sum(batch.num_rows for batch in connection.query('SELECT 1 AS n').reader())
        1
        """
        return tables.arrow_reader(self.columns, self._unread())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """What pyarrow, Polars, DuckDB and pandas take Arrow from. Some ask twice: the rows are kept, as Arrow."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def write(self, path: str | os.PathLike[str]) -> int:
        """All rows to a file, whose suffix tells the format: csv, tsv, json, jsonl, md, parquet. Answers how many.

        The file appears, or changes, only when all of it is written. Raises UsageError where it cannot be, else as
        `to_arrow` does.

        >>> import os, tempfile, engine
        >>> with engine.connect(sandbox=True) as connection, tempfile.TemporaryDirectory() as folder:
        ...     connection.query('SELECT 1 AS one').write(os.path.join(folder, 'one.csv'))
        1
        """
        target = Path(path)
        suffix = target.suffix.lstrip(".").lower()
        if suffix not in (*_SUFFIXES, "parquet"):
            raise UsageError(
                f"the suffix of {target} names no format", hint=f"known ones: {', '.join(_SUFFIXES)}, parquet"
            )
        real = Path(os.path.realpath(target))  # a link stays a link
        part = real.with_name(f".{real.name}.{os.getpid()}.{threading.get_ident()}.part")
        made = False
        try:
            if real.exists() and not os.access(real, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            part.touch(exist_ok=False)  # never through a link that someone put there
            made = True
            count = self._parquet(part) if suffix == "parquet" else self._text(part, _SUFFIXES[suffix])
            if real.exists():
                shutil.copymode(real, part)
            part.replace(real)
        except OSError as error:
            told = f"cannot write {target}: {error.strerror or error}"
            raise UsageError(told, hint="name a file in a folder that is there and yours to write in") from error
        finally:
            if made:
                part.unlink(missing_ok=True)
        return count

    def _text(self, path: Path, format_: str) -> int:
        self._unread()
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            count = FORMATS[format_](self._answer, stream, Options())
        self._taken()
        return count

    def _parquet(self, path: Path) -> int:
        reader = self.reader()
        count = 0
        with extra("pyarrow.parquet", "arrow").ParquetWriter(path, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
                count += batch.num_rows
        self._taken()
        return count

    def _put_back(self, rows: Iterable[Row]) -> None:
        """Rows that were read too early are the next again."""
        self._rows = chain(tuple(rows), self._rows)

    def _unread(self) -> Batches:
        """The batches, if nobody has read any."""
        if self._begun:
            raise _read()
        self._begun = True
        return self._answer.batches()

    def _taken(self) -> None:
        """All rows have gone elsewhere: to find none here would say that there were none."""
        self.close()
        self._rows = iter(_gone, None)

    def _whole(self, make: Callable[[Sequence[ResultColumn], Batches], T]) -> T:
        with uncollected(self.columns):
            made = make(self.columns, self._unread())
        self._taken()
        return made

    def interrupt(self) -> None:
        """Stop the reading of rows that goes on in another thread.

        Who reads on has an OperationalError.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     result = connection.query('SELECT 1')
        ...     result.interrupt()
        ...     try:
        ...         result.fetchall()
        ...     except engine.OperationalError as error:
        ...         print(error)
        interrupted
        """
        self._answer.interrupt()

    def close(self) -> None:
        """Let go of the rows. May be called again.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     result = connection.query('SELECT 1')
        ...     result.close()
        ...     result.fetchall()
        []
        """
        self._begun = True
        self._rows = iter(())
        self._answer.close()

    def __enter__(self) -> Result:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

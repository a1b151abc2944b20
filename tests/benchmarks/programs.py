"""What a program gets of 100,000 rows of 12 columns that are here already, beside what sqlite3 and pyarrow take."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any

import msgspec
import pyarrow

from engine.api.result import Result
from engine.language.text import Text
from engine.planner.late import late
from engine.result import ColumnType, ResultColumn
from engine.result import Result as Answer
from engine.store import Late, Store
from provider_registry.model import Column, Shape

ROWS = 100_000
KINDS: tuple[ColumnType, ...] = (
    *("string", "string", "string", "string", "string", "integer", "integer"),
    *("boolean", "boolean", "datetime", "datetime", "string"),
)
NAMES = [f"c{number}" for number in range(len(KINDS))]
_SHAPES = {"datetime": Shape(format="date-time"), "json": Shape(type="array"), "boolean": Shape(type="boolean")}
_ARROW = {
    "integer": pyarrow.int64(),
    "boolean": pyarrow.bool_(),
    "datetime": pyarrow.timestamp("us", "UTC"),
}
SCHEMA = pyarrow.schema([(n, _ARROW.get(k, pyarrow.string())) for n, k in zip(NAMES, KINDS, strict=True)])


def rows() -> Iterator[tuple[object, ...]]:
    """Rows like an image's, moments and JSON as text."""
    for i in range(ROWS):
        moment = f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}T03:{i % 60:02}:{i % 60:02}"
        texts = (f"private/{i}", f"image-{i}", "web server", f"user{i % 50}", "manual")
        yield (*texts, i % 6000, i, i % 2, 0, moment, "2024-01-02T03:04:05", '["prod", "web"]')


class Fetched:
    """Owns the rows twice: in a store, and in a plain table of sqlite3. The last column is text, or `documents`."""

    def __init__(self, *, documents: bool = False) -> None:
        self.kinds: tuple[ColumnType, ...] = (*KINDS[:-1], "json") if documents else KINDS
        self.store = Store()
        shapes = [_SHAPES.get(kind, Shape(type="integer" if kind == "integer" else "string")) for kind in self.kinds]
        self.columns = [Column(name=n, shape=s) for n, s in zip(NAMES, shapes, strict=True)]
        self.store.create("t", self.columns)
        self.store.load("t", NAMES, rows())
        self.plain = sqlite3.connect("")
        self.plain.execute(f"CREATE TABLE t ({', '.join(NAMES)})")
        self.plain.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(NAMES))})", rows())

    def result(self) -> Result:
        """As SQLite gives it."""
        return self._result(self.store, "SELECT * FROM t")

    def _result(self, store: Store, sql: str, late: Late | None = None) -> Result:
        _, batches = store.batches(Text(sql), late)
        columns = [ResultColumn(name, kind) for name, kind in zip(NAMES, self.kinds, strict=True)]
        return Result(Answer(columns, iter(()), batches=batches))

    def passing(self, count: int) -> Iterator[Result]:
        """So many results of `SELECT *`, whose rows came by pages and are all here: each can be read once."""
        for _ in range(count):
            store = Store()
            store.create("t", self.columns, passes=True)
            yield self._result(_filled(store), "SELECT * FROM t")

    def found(self, count: int) -> Iterator[Result]:
        """So many results of all columns of rows that SQLite has filtered and sorted."""
        sql = "SELECT * FROM main.t AS t WHERE c5 < 6000 ORDER BY c6 DESC"
        for _ in range(count):
            store = Store()
            made = late(Text(sql), {"t": NAMES}, self.store)
            assert made is not None
            store.create("t", self.columns, searched=made.searched["t"])
            yield self._result(_filled(store), sql, made)

    def tuples(self) -> list[tuple[Any, ...]]:
        """The floor of `fetchall`."""
        return self.plain.execute("SELECT * FROM t").fetchall()

    def decoded(self) -> list[tuple[Any, ...]]:
        """The same, the documents decoded."""
        decode = msgspec.json.decode
        return [(*row[:-1], decode(row[-1])) for row in self.tuples()]

    def alone(self) -> Any:
        """What pyarrow itself takes, of columns that are lists of Python's values already: no rows are fetched."""
        return pyarrow.table(self.values, schema=SCHEMA)

    @cached_property
    def values(self) -> list[list[Any]]:
        """The result's own values, by columns."""
        return [list(column) for column in zip(*self.result().fetchall(), strict=True)]

    def table(self) -> Any:
        """The floor of `to_arrow`: the columns out of sqlite3, then the table."""
        columns: list[Any] = [list(column) for column in zip(*self.tuples(), strict=True)]
        for at in (9, 10):
            columns[at] = pyarrow.array(columns[at], pyarrow.string()).cast(pyarrow.timestamp("us"))
            columns[at] = columns[at].cast(SCHEMA.types[at])
        for at in (7, 8):
            columns[at] = pyarrow.array(columns[at], pyarrow.int64()).cast(pyarrow.bool_())
        return pyarrow.table(columns, schema=SCHEMA)


def _filled(store: Store) -> Store:
    several = rows()
    while page := list(islice(several, 500)):
        store.load("t", NAMES, page)
    return store

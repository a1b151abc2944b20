"""The only door to SQLite: load pages into tables, run the final SQL over them.

A store is a private temporary database that spills to disk, so results larger than memory need nothing else.
Tables are declared with the document's types; the declared type survives subqueries and joins, and converters turn
values back into booleans and JSON on the way out.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from time import monotonic
from typing import Any

from msgspec import Struct

from engine.errors import Interrupted, Misuse, QueryFault, TimedOut
from engine.functions import COLLATIONS, FUNCTIONS, Function
from engine.language.text import Text, quote_name, quote_text
from engine.result import Batches, Columns, ColumnType
from engine.store.faults import closed, hint_of, no_room, place_of
from engine.store.programs import aggregates, columns_read
from engine.store.spool import Spool, at
from engine.store.values import MOMENT, TYPES, Row, declared, typed
from provider_registry.model import Column

_TOGETHER = 250  # rows: so few stay in the processor's cache while they are turned into what they are


class Compiled(Struct, frozen=True):
    """What SQLite says of a query before it runs: its columns' types, and which columns of which tables it reads.

    `passes`: it gives columns of one table, all rows as they stand there, and does nothing else. `aggregates`: it
    makes one row of many.
    """

    types: tuple[ColumnType, ...]
    reads: dict[str, frozenset[str]] = {}
    passes: bool = False
    aggregates: bool = False


class Taken(Struct, frozen=True):
    """A column of an answer whose rows are found first: it stands at `at` in what was found, under its name there.

    With a `table` there stand the numbers of rows of it, and the values are its column's.
    """

    at: int
    table: str | None = None
    column: str = ""
    name: str | None = None


class Late(Struct, frozen=True):
    """A query that finds rows by the few columns it compares, and what is taken from them once they are found.

    `searched` are those columns, by the tables that values are taken from.
    """

    query: Text
    columns: tuple[Taken, ...]
    searched: dict[str, frozenset[str]] = {}


class Store:
    """One statement's tables. Used by one thread at a time."""

    def __init__(self, timeout: float | None = None) -> None:
        """`timeout`: the seconds from now after which a query is stopped."""
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        for name, arity, function in FUNCTIONS:
            self._db.create_function(name, arity, self._remembering(name, function), deterministic=True)
        for name, compare in COLLATIONS:
            self._db.create_collation(name, compare)
        # Between some steps of a query SQLite calls back, so that Python can see a Ctrl-C and stop it.
        self._timeout, self._deadline = timeout, math.inf if timeout is None else monotonic() + timeout
        self._db.set_progress_handler(self._overdue, 100_000)
        self._cause: str | None = None
        self._spools: dict[str, Spool] = {}
        self._whole: dict[str, dict[str, list[Any]]] = {}  # of tables the columns that are taken late
        self._stopped = self._closed = False

    def extend(self, seconds: float) -> None:
        """Move the deadline, for time that passed while nothing was to do."""
        self._deadline += seconds

    def _overdue(self) -> bool:
        return monotonic() > self._deadline

    def _remembering(self, name: str, function: Function) -> Function:
        """SQLite reports that a function failed, not why: keep the reason for the error's text."""

        def remembering(*arguments: object) -> object:
            try:
                return function(*arguments)
            except Exception as error:
                self._cause = f"{name}: {error}"
                raise

        return remembering

    def create(
        self, table: str, columns: Sequence[Column], *, passes: bool = False, searched: Collection[str] | None = None
    ) -> None:
        """An empty table. `passes`: its rows will likely leave as they came, and wait for that beside SQLite; with
        `searched`: they are found by these columns before, which SQLite holds.
        """
        if (passes or searched is not None) and columns:
            kinds = {column.name: declared(column.shape).removesuffix(MOMENT) for column in columns}
            self._spools[table] = Spool(kinds, searched)
        body = ", ".join(f"{quote_name(c.name)} {declared(c.shape)}" for c in columns) or '"_" TEXT'
        self._run(f"CREATE TABLE {quote_name(table)} ({body})")
        if not self._db.in_transaction:
            self._db.execute("BEGIN")  # one transaction for all loads: there is nobody to commit for

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Add rows; values in the order of `columns`, the table's other columns stay NULL."""
        spool = self._spools.get(table)
        if spool is None or (spool.searched is not None and not spool.at_hand):
            self._insert(table, columns, rows)
            return
        try:
            piece = spool.add(columns, rows)
        except OSError as error:
            raise no_room(error) from error
        if spool.searched is None:
            return
        held = [name for name in columns if name in spool.searched]
        found = zip(*map(piece.column, held), strict=True) if held else [()] * piece.count
        self._insert(table, held, found)

    def _insert(self, table: str, columns: Sequence[str], rows: Iterable[Row], how: str = "INSERT") -> None:
        names, marks = ", ".join(map(quote_name, columns)), ", ".join("?" * len(columns))
        values = f"({names}) VALUES ({marks})" if columns else "DEFAULT VALUES"
        try:
            self._db.executemany(f"{how} INTO {quote_name(table)} {values}", rows)
        except sqlite3.Error as error:
            raise self._fault(error, Text("")) from error

    def repeat(self, table: str, columns: Sequence[str], row: Row, count: int) -> None:
        """Add the same row `count` times."""
        self._settle([table])
        names = ", ".join(map(quote_name, columns)) or quote_name(self._first_column(table))
        marks = ", ".join("?" * len(columns)) or "NULL"
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        if count > 0:
            sql = f"INSERT INTO {quote_name(table)} ({names}) {numbers} SELECT {marks} FROM n"
            try:
                self._db.execute(sql, (count, *row))
            except sqlite3.Error as error:
                raise self._fault(error, Text("")) from error

    def forget(self, table: str, column: str, value: str) -> None:
        """Drop the rows that have this value."""
        self._settle([table])
        self._run(f"DELETE FROM {quote_name(table)} WHERE {quote_name(column)} = {quote_text(value)}")

    def _first_column(self, table: str) -> str:
        return str(self._db.execute(f"SELECT name FROM pragma_table_info({quote_text(table)})").fetchone()[0])

    def query(self, sql: Text | str) -> Iterator[Row]:
        """The rows of a query, as SQLite finds them."""
        return self.select(sql if isinstance(sql, Text) else Text(sql))[1]

    def select(
        self, sql: Text, types: Sequence[ColumnType] = (), *, tables: Collection[str] | None = None
    ) -> tuple[tuple[str, ...], Iterator[Row]]:
        """The names of a query's columns and its rows, booleans and JSON as such where `types` says so.

        `tables`: see `batches`.
        """
        names, batches = self.batches(sql, tables=tables)
        return names, chain.from_iterable(typed(batches, types))

    def batches(
        self, sql: Text, late: Late | None = None, *, tables: Collection[str] | None = None
    ) -> tuple[tuple[str, ...], Batches]:
        """The names of a query's columns and its rows, many at a time, in SQLite's own types. See `typed`.

        `late` answers the same, where its rows are still kept beside SQLite. `tables` are all that the query reads,
        where that is known: rows of others go on waiting.
        """
        if self._stopped:
            raise self._interrupted()  # of a spool that was broken off nothing is left
        if late is not None and all(name in self._spools and self._spools[name].at_hand for name in late.searched):
            return self._found(late)
        passing = self._passing(sql)
        if passing is None:
            self._settle(tables)
        cursor = self._run(sql)
        names = _names(cursor)
        if passing is None:
            return names, Batches(self._batches(cursor, sql))
        return names, Batches(columns=self._passed(*passing, sql))

    def _found(self, late: Late) -> tuple[tuple[str, ...], Batches]:
        cursor = self._run(late.query)
        found = _names(cursor)
        wanted = {name: {t.column for t in late.columns if t.table == name} for name in late.searched}
        self._whole = {name: self._spools[name].whole(columns) for name, columns in wanted.items()}
        return tuple(found[t.at] if t.name is None else t.name for t in late.columns), Batches(
            columns=self._taken(cursor, late)
        )

    def _taken(self, cursor: sqlite3.Cursor, late: Late) -> Iterator[Columns]:
        """The columns of the rows that a query finds."""
        for batch in self._batches(cursor, late.query):
            self._check()
            found = list(zip(*batch, strict=True))
            kept = self._whole
            yield [found[t.at] if t.table is None else at(kept[t.table][t.column], found[t.at]) for t in late.columns]

    def _passing(self, sql: Text) -> tuple[str, list[str]] | None:
        """The spool that holds all that a query gives, and which of its columns the query gives."""
        if not self._spools:
            return None
        order = columns_read(self._program(sql))
        tables = self.compile(sql).reads.keys() if order is not None else ()
        if order is None or len(tables) != 1 or not self._spools.keys() >= tables:
            return None
        (table,) = tables
        spool = self._spools[table]
        columns = list(spool.declared)
        return (table, [columns[at] for at in order]) if spool.searched is None else None

    def _passed(self, table: str, names: Sequence[str], sql: Text) -> Iterator[Columns]:
        """The columns of a spool; what SQLite would change something in goes through it after all."""
        self._check()
        spool = self._spools.pop(table)
        for piece in spool:
            self._check()
            if piece.plain:
                yield list(map(piece.column, names))
                continue
            self._insert(table, list(piece.columns), piece.rows())
            rows = chain.from_iterable(self._batches(self._run(sql), sql))
            yield list(zip(*rows, strict=True))
            self._run(f"DELETE FROM {quote_name(table)}")
        spool.close()

    def _settle(self, tables: Collection[str] | None = None) -> None:
        """What is kept beside SQLite becomes tables, these or all: somebody asks for more than it as it came."""
        for table in [name for name in self._spools if tables is None or name in tables]:
            spool, first = self._spools.pop(table), 1
            for piece in spool:
                columns, rows = list(piece.columns), piece.rows()
                if spool.searched is None:
                    self._insert(table, columns, rows)
                else:  # by its columns the row is there already
                    numbered = [(number, *row) for number, row in enumerate(rows, first)]
                    self._insert(table, ["_rowid_", *columns], numbered, "REPLACE")
                first += piece.count
            spool.close()

    def _batches(self, cursor: sqlite3.Cursor, text: Text) -> Iterator[list[Row]]:
        try:
            while batch := cursor.fetchmany(_TOGETHER):
                yield batch
        except sqlite3.Error as error:
            raise self._fault(error, text) from error

    def compile(self, sql: Text) -> Compiled:
        """Check a query against the tables without running it; every error SQLite would raise is raised here."""
        reads: dict[str, set[str]] = {}

        def note(action: int, table: str | None, column: str | None, *_: object) -> int:
            if action == sqlite3.SQLITE_READ and table is not None and column is not None:
                reads.setdefault(table, set()).add(column)
            return sqlite3.SQLITE_DENY if action in _NEVER else sqlite3.SQLITE_OK

        self._db.set_authorizer(note)
        try:
            program = self._program(sql)
        finally:
            self._db.set_authorizer(None)
        passes = len(reads) == 1 and columns_read(program) is not None
        known = {table: frozenset(names) for table, names in reads.items()}
        return Compiled(self._types(sql), known, passes, aggregates(program))

    def _program(self, sql: Text) -> list[Row]:
        """What SQLite would do, an instruction a row, text as bytes: among its constants may be what is no text."""
        self._db.text_factory = bytes
        try:
            return self._run(Text("EXPLAIN " + sql.sql, tuple((h + 8, t, n) for h, t, n in sql.segments))).fetchall()
        finally:
            self._db.text_factory = str

    def _types(self, sql: Text) -> tuple[ColumnType, ...]:
        """The types of a query's columns. The table_info of a view keeps declared types, also where no row comes."""
        self._run(f"CREATE TEMP VIEW _shape AS {sql.sql}")
        rows = self._run("PRAGMA temp.table_info(_shape)").fetchall()
        self._run("DROP VIEW temp._shape")
        return tuple(TYPES.get(str(row[2]), "any") for row in rows)

    def interrupt(self) -> None:
        """Stop the query that another thread is running."""
        self._stopped = True
        self._db.interrupt()

    def close(self) -> None:
        """Drop everything. Who reads on hears of it: what they have is not all."""
        self._closed = True
        self._db.close()
        self._whole.clear()
        for spool in self._spools.values():
            spool.close()

    def _run(self, sql: Text | str) -> sqlite3.Cursor:
        text = sql if isinstance(sql, Text) else Text(sql)
        try:
            return self._db.execute(text.sql)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise self._fault(error, text) from error

    def _check(self) -> None:
        """Raises where no more rows are to be given."""
        if self._closed:
            raise closed()
        if self._stopped or self._overdue():
            raise self._interrupted()

    def _fault(self, error: Exception, text: Text) -> QueryFault | Interrupted | TimedOut | Misuse:
        """SQLite's error in our tree, placed on the name its message holds."""
        if self._closed:
            return closed()
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            return self._interrupted()
        if self._cause:
            cause, self._cause = self._cause, None
            return QueryFault(cause, span=place_of(cause, text))
        return QueryFault(str(error), span=place_of(str(error), text), hint=hint_of(str(error)))

    def _interrupted(self) -> Interrupted | TimedOut:
        if self._overdue():
            return TimedOut(
                f"the {self._timeout:g} s allowed are used up, in SQLite",
                hint="allow more with --timeout, or ask for less",
            )
        return Interrupted("interrupted")


@lru_cache(maxsize=1024)
def evaluate(sql: str) -> object:
    """The value of a constant expression; None where it has none.

    >>> evaluate("'private/' || 12"), evaluate("1 +")
    ('private/12', None)
    """
    store = Store()
    try:
        return next(store.query(f"SELECT {sql}"))[0]
    except QueryFault:
        return None
    finally:
        store.close()


def _names(cursor: sqlite3.Cursor) -> tuple[str, ...]:
    return tuple(entry[0] for entry in cursor.description)


_NEVER = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA}  # nothing outside this database

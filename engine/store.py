"""The only door to SQLite: load pages into tables, run the final SQL over them.

A store is a private temporary database that spills to disk, so results larger than memory need nothing else.
Tables are declared with the document's types; the declared type survives subqueries and joins, and converters turn
values back into booleans and JSON on the way out.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from time import monotonic

from msgspec import Struct

from engine.errors import Interrupted, QueryFault, Span, TimedOut
from engine.functions import COLLATIONS, FUNCTIONS, Function
from engine.language.text import Text, quote_name, quote_text
from engine.result import Batches, Columns, ColumnType, JsonText
from engine.spool import Spool, columns_read, projected, rows_of
from provider_registry.model import Column, Shape

_TOGETHER = 250  # rows: so few stay in the processor's cache while they are turned into what they are
Row = tuple[object, ...]
Values = Sequence[object]  # of one column
Make = Callable[[Values], list[object]]

# The declared type decides SQLite's affinity (by the letters INT, TEXT, ...) and tells what a column's values are.
_DECLARED: dict[str, ColumnType] = {
    "TEXT": "string",
    "INTEGER": "integer",
    "NUMERIC": "number",
    "STRATOQL_BOOLEAN": "boolean",
    "STRATOQL_TEXT_MOMENT": "datetime",
    "STRATOQL_TEXT_JSON": "json",
}


_MOMENT = " COLLATE moment"


def declared(shape: Shape) -> str:
    """The declaration of a column of this shape, after its name.

    Moments compare as moments, written `2024-01-01T00:00:00` or as SQLite's datetime() does, with a space.

    >>> declared(Shape(type="boolean")), declared(Shape(format="date-time"))
    ('STRATOQL_BOOLEAN', 'STRATOQL_TEXT_MOMENT COLLATE moment')
    """
    if shape.type == "string" and shape.format == "date-time":
        return f"STRATOQL_TEXT_MOMENT{_MOMENT}"
    names = {"string": "TEXT", "integer": "INTEGER", "number": "NUMERIC", "boolean": "STRATOQL_BOOLEAN"}
    return names.get(shape.type, "STRATOQL_TEXT_JSON")


class Compiled(Struct, frozen=True):
    """What SQLite says of a query before it runs: its columns' types, and which columns of which tables it reads.

    `passes`: it gives columns of one table, all rows as they stand there, and does nothing else.
    """

    types: tuple[ColumnType, ...]
    reads: dict[str, frozenset[str]] = {}
    passes: bool = False


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
        self._stopped = False

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

    def create(self, table: str, columns: Sequence[Column], *, passes: bool = False) -> None:
        """An empty table. `passes`: its rows will likely leave as they came, and wait for that beside SQLite."""
        if passes and columns:
            self._spools[table] = Spool({c.name: declared(c.shape).removesuffix(_MOMENT) for c in columns})
        body = ", ".join(f"{quote_name(c.name)} {declared(c.shape)}" for c in columns) or '"_" TEXT'
        self._run(f"CREATE TABLE {quote_name(table)} ({body})")
        if not self._db.in_transaction:
            self._db.execute("BEGIN")  # one transaction for all loads: there is nobody to commit for

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Add rows; values in the order of `columns`, the table's other columns stay NULL."""
        if table in self._spools:
            try:
                self._spools[table].add(columns, rows)
            except OSError as error:
                raise _no_room(error) from error
            return
        names, marks = ", ".join(map(quote_name, columns)), ", ".join("?" * len(columns))
        values = f"({names}) VALUES ({marks})" if columns else "DEFAULT VALUES"
        try:
            self._db.executemany(f"INSERT INTO {quote_name(table)} {values}", rows)
        except sqlite3.Error as error:
            raise self._fault(error, Text("")) from error

    def repeat(self, table: str, columns: Sequence[str], row: Row, count: int) -> None:
        """Add the same row `count` times."""
        self._settle()
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
        self._settle()
        self._run(f"DELETE FROM {quote_name(table)} WHERE {quote_name(column)} = {quote_text(value)}")

    def _first_column(self, table: str) -> str:
        return str(self._db.execute(f"SELECT name FROM pragma_table_info({quote_text(table)})").fetchone()[0])

    def query(self, sql: Text | str) -> Iterator[Row]:
        """The rows of a query, as SQLite finds them."""
        return self.select(sql if isinstance(sql, Text) else Text(sql))[1]

    def select(self, sql: Text, types: Sequence[ColumnType] = ()) -> tuple[tuple[str, ...], Iterator[Row]]:
        """The names of a query's columns and its rows, booleans and JSON as such where `types` says so."""
        names, batches = self.batches(sql)
        return names, chain.from_iterable(typed(batches, types))

    def batches(self, sql: Text) -> tuple[tuple[str, ...], Batches]:
        """The names of a query's columns and its rows, many at a time, in SQLite's own types. See `typed`."""
        if self._stopped:
            raise self._interrupted()  # of a spool that was broken off nothing is left
        passing = self._passing(sql)
        if passing is None:
            self._settle()
        cursor = self._run(sql)
        names = tuple(entry[0] for entry in cursor.description)
        if passing is None:
            return names, Batches(self._batches(cursor, sql))
        return names, Batches(columns=self._passed(*passing, sql))

    def _passing(self, sql: Text) -> tuple[str, list[str]] | None:
        """The spool that holds all that a query gives, and which of its columns the query gives."""
        if not self._spools:
            return None
        order = columns_read(self._program(sql))
        tables = self.compile(sql).reads.keys() if order is not None else ()
        if order is None or len(tables) != 1 or not self._spools.keys() >= tables:
            return None
        (table,) = tables
        columns = list(self._spools[table].declared)
        return table, [columns[at] for at in order]

    def _passed(self, table: str, names: Sequence[str], sql: Text) -> Iterator[Columns]:
        """The columns of a spool; those in which SQLite would change something go through it after all."""
        spool = self._spools.pop(table)
        for columns, count, values in spool:
            if self._stopped or self._overdue():
                raise self._interrupted()
            given = dict(zip(columns, values, strict=True))
            found: Columns | None = projected(names, given, count, spool.declared)
            if found is None:
                self.load(table, columns, rows_of(count, values))
                rows = chain.from_iterable(self._batches(self._run(sql), sql))
                found = list(zip(*rows, strict=True))
                self._run(f"DELETE FROM {quote_name(table)}")
            yield found
        spool.close()

    def _settle(self) -> None:
        """Whatever is kept beside SQLite becomes tables: somebody asks for more than it as it came."""
        while self._spools:
            table, spool = self._spools.popitem()
            for columns, count, values in spool:
                self.load(table, columns, rows_of(count, values))
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
        return Compiled(self._types(sql), {table: frozenset(names) for table, names in reads.items()}, passes)

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
        return tuple(_DECLARED.get(str(row[2]), "any") for row in rows)

    def interrupt(self) -> None:
        """Stop the query that another thread is running."""
        self._stopped = True
        self._db.interrupt()

    def close(self) -> None:
        """Drop everything."""
        self._db.close()
        for spool in self._spools.values():
            spool.close()

    def _run(self, sql: Text | str) -> sqlite3.Cursor:
        text = sql if isinstance(sql, Text) else Text(sql)
        try:
            return self._db.execute(text.sql)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise self._fault(error, text) from error

    def _fault(self, error: Exception, text: Text) -> QueryFault | Interrupted | TimedOut:
        """SQLite's error in our tree, placed on the name its message holds."""
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            return self._interrupted()
        if self._cause:
            cause, self._cause = self._cause, None
            return QueryFault(cause, span=_place(cause, text))
        return QueryFault(str(error), span=_place(str(error), text), hint=_hint(str(error)))

    def _interrupted(self) -> Interrupted | TimedOut:
        if self._overdue():
            return TimedOut(
                f"the {self._timeout:g} s allowed are used up, in SQLite",
                hint="allow more with --timeout, or ask for less",
            )
        return Interrupted("interrupted")


def _no_room(error: OSError) -> QueryFault:
    """What keeps rows from waiting in a file."""
    return QueryFault(
        f"the rows cannot be kept in a temporary file: {error.strerror or error}",
        hint="make room there, or name another folder in TMPDIR; a WHERE or a LIMIT needs less",
    )


def typed(
    batches: Iterator[list[Row]], types: Sequence[ColumnType], made: Mapping[ColumnType, Make] | None = None
) -> Iterator[list[Row]]:
    """SQLite's integers and texts as what they are: booleans and JSON, or whatever `made` makes of a type's column.

    A value of another kind, of a UNION say, stays what it is.
    """
    makes = _MADE if made is None else made
    found = [(at, makes[kind]) for at, kind in enumerate(types) if kind in makes]
    if not found:
        return batches
    return (_typed_batch(batch, found) for batch in batches)


def _typed_batch(batch: list[Row], made: Sequence[tuple[int, Make]]) -> list[Row]:
    """Column by column: it takes half the time of row by row."""
    columns: list[Values] = list(zip(*batch, strict=True))
    for at, make in made:
        columns[at] = make(columns[at])
    return list(zip(*columns, strict=True))


def booleans(column: Values) -> list[object]:
    """SQLite's 0 and 1 as False and True."""
    return [value == 1 if type(value) is int and value in (0, 1) else value for value in column]


def _documents(column: Values) -> list[object]:
    """What is nested is kept as JSON, nothing else is."""
    return [JsonText(value) if type(value) is str and value[:1] in ("[", "{") else value for value in column]


_MADE: dict[ColumnType, Make] = {"boolean": booleans, "json": _documents}


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


_NEVER = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA}  # nothing outside this database
_HINTS = {
    "incomplete input": "the statement ends too early",
    "ambiguous column name": "put the table's alias before it: alias.column",
    "misuse of aggregate": "aggregates belong in SELECT, HAVING or ORDER BY; to filter on one use HAVING",
}


def _hint(message: str) -> str | None:
    return next((hint for begin, hint in _HINTS.items() if message.startswith(begin)), None)


def _place(message: str, text: Text) -> Span | None:
    """Where the name in SQLite's message (`no such column: i.x`, `near "x": ...`) stands in the statement."""
    if message == "incomplete input":
        end = len(text.sql.rstrip())
        return text.origin(end - 1, end)
    found = re.match(r'(?:near "(?P<near>.+?)"|[^:]*: (?P<name>\S+)|.*function (?P<call>\w+)\()', message)
    name = found and (found["near"] or found["name"] or found["call"])
    if not name:
        return None
    edges = (r"(?<!\w)", r"(?!\w)") if name.isidentifier() else ("", "")
    found_at = list(re.finditer(re.escape(name).join(edges), text.sql, re.IGNORECASE))
    return text.origin(found_at[0].start(), found_at[0].end()) if len(found_at) == 1 else None  # else it is a guess

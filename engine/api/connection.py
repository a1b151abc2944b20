"""PEP 249: connections and cursors for callers who wait."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from types import TracebackType

from engine.api.binding import Parameters
from engine.api.link import Link
from engine.api.reading import Reading, Row
from engine.api.result import Result
from engine.api.script import Given, Script, each, prepared, results
from engine.api.uncollected import uncollected
from engine.ways import finish


class Connection(Link):
    """A connection to APIs. Made by `engine.connect`; threads may share it, a cursor belongs to one of them.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     connection.execute("SELECT id FROM linode.images.images WHERE id = ?", ["linode/arch"]).fetchall()
    [('linode/arch',)]
    """

    def cursor(self) -> Cursor:
        """A cursor of its own answers.

        Raises ProgrammingError where the connection is closed.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.cursor().execute('SELECT 1').fetchone()
        (1,)
        """
        self._check()
        return Cursor(self)

    def execute(self, sql: str, parameters: Parameters | None = None) -> Cursor:
        """A new cursor that has executed the statements.

        `parameters`, and what is raised: as `Cursor.execute`.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.execute('SELECT ?', [2]).fetchone()
        (2,)
        """
        return self.cursor().execute(sql, parameters)

    def query(self, sql: str, parameters: Parameters | None = None) -> Result:
        """The answer to one statement, whole.

        `parameters`, and what is raised: as `Cursor.execute`. A text of several statements is a ProgrammingError.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.query("SELECT upper(:name) AS name", {"name": "arch"}).to_dicts()
        [{'name': 'ARCH'}]
        """
        return finish(self._single(sql, parameters))

    def explain(self, sql: str, parameters: Parameters | None = None) -> str:
        """The plan of one statement: the requests it would send, and what is left to do here. Nothing is sent.

        Raises ProgrammingError and DataError as running it would before anything is sent.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     print(connection.explain("SELECT 1"))
        output: SELECT 1
        """
        return "\n".join(str(line) for (line,) in finish(self._single(sql, parameters, dry_run=True)))

    def dry_run(self, sql: str, parameters: Parameters | None = None) -> list[str]:
        """The plan of each statement of a text. Nothing is sent.

        Raises as `explain` does.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.dry_run("SELECT 1; SELECT :x", {"x": 2})
        ['output: SELECT 1', 'output: SELECT 2']
        """
        return finish(self._plans(sql, parameters))

    def script(
        self, script: Script, data: Given | None = None, *, allow_env: Iterable[str] = (), dry_run: bool = False
    ) -> Generator[Result, None, None]:
        """The results of a script, each statement run when its result is asked for.

        `script`: a path, also as text that ends in `.iql`, else the script itself. `data` fills its templates in: a
        mapping, or the paths of data files, merged from left to right; `allow_env` names the environment variables
        that `{{ env.NAME }}` may read. All of it is read and planned at once: where this call raises, nothing has
        been run. With `dry_run` each result is a plan, and nothing is sent.

        Raises the classes of PEP 249. An error's `place` has the script's `source`, `line` and `span`, its notes the
        statement and what became of each; values that are secrets are left out.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     for result in connection.script("SELECT '{{ who }}' AS a; SELECT {{ n }};", {"who": "it's", "n": 2}):
        ...         result.fetchall()
        [("it's",)]
        [(2,)]
        """
        course = prepared(self, script, data, allow_env, dry_run=dry_run)
        return each(results(self, course, dry_run=dry_run))

    def commit(self) -> None:
        """Does nothing: each write stands when it has been sent.

        Raises ProgrammingError where the connection is closed.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.commit()
        """
        self._settle()

    def rollback(self) -> None:
        """Does nothing. Raises NotSupportedError where something was written since the last commit,
        ProgrammingError where the connection is closed.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.rollback()
        ...     connection.execute("DELETE FROM linode.images.images WHERE id = 'private/19044871'").rowcount
        ...     try:
        ...         connection.rollback()
        ...     except engine.NotSupportedError as error:
        ...         print(error)
        1
        what a write has sent cannot be taken back
        """
        self._roll_back()

    def close(self) -> None:
        """Let go of the network. May be called again.

        >>> import engine
        >>> connection = engine.connect(sandbox=True)
        >>> connection.close()
        >>> connection.closed
        True
        """
        self._close()
        self.session.close()

    def __enter__(self) -> Connection:
        self._check()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Cursor(Reading):
    """Runs statements and reads their rows.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection, connection.cursor() as cursor:
    ...     cursor.execute("SELECT 1 AS one; SELECT 'b' AS two").fetchone(), cursor.nextset(), cursor.fetchall()
    ...     cursor.description[0].name, cursor.nextset()
    ((1,), True, [('b',)])
    ('two', None)
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.connection = connection

    def execute(self, sql: str, parameters: Parameters | None = None) -> Cursor:
        """Run the statements of a text, all of them; `nextset` goes to the next one's answer.

        `parameters`: a mapping for `:name`, a sequence for `?`. Raises the classes of PEP 249, which are those of
        `engine.errors`: an ApiError has `status`, `errors`, `request`, `retry_after` (seconds), a PartialWrite tells
        what is `done`, `failed`, `unknown` and `unsent`, its `completed` are the rows of RETURNING.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.cursor().execute("SELECT :a || 's', ':a'", {'a': "it'"}).fetchall()
        [("it's", ':a')]
        """
        finish(self._execute(sql, parameters))
        return self

    def executemany(self, sql: str, several: Iterable[Parameters]) -> Cursor:
        """A write once for each set of values; `rowcount` counts them all. An error ends it and says where.

        Raises ProgrammingError for what does not write, DataError for a value that does not fit, before any is sent.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     cursor = connection.cursor()
        ...     sql = "DELETE FROM linode.images.images WHERE id = ?"
        ...     cursor.executemany(sql, [["private/19044871"], ["private/19044872"]]).rowcount
        2
        """
        finish(self._executemany(sql, several))
        return self

    def fetchone(self) -> Row | None:
        """The next row, None after the last.

        Values are as in a `Result`. Raises ProgrammingError where there are no rows to fetch, OperationalError where
        reading them takes longer than `timeout`.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     cursor = connection.execute('SELECT 1')
        ...     cursor.fetchone(), cursor.fetchone()
        ((1,), None)
        """
        return self._rows().fetchone()

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """At most `size` further rows, `arraysize` where that is not given.

        Raises as `fetchone` does.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.execute('VALUES (1), (2), (3)').fetchmany(2)
        [(1,), (2,)]
        """
        return self._rows().fetchmany(self.arraysize if size is None else size)

    def fetchall(self) -> list[Row]:
        """All further rows.

        Raises as `fetchone` does.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.execute('VALUES (1), (2)').fetchall()
        [(1,), (2,)]
        """
        result = self._rows()
        with uncollected(result.columns):
            return list(result)

    def nextset(self) -> bool | None:
        """To the next statement's answer; None where there is none.

        Raises ProgrammingError where the cursor is closed.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     cursor = connection.execute('SELECT 1; SELECT 2')
        ...     cursor.nextset(), cursor.fetchall(), cursor.nextset()
        (True, [(2,)], None)
        """
        self._check()
        return self._advance() or None

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows())

    def __next__(self) -> Row:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def close(self) -> None:
        """Let go of the rows. May be called again.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     cursor = connection.execute('SELECT 1')
        ...     cursor.close()
        ...     cursor.closed
        True
        """
        self._end()

    def __enter__(self) -> Cursor:
        self._check()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

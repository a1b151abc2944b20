"""What a cursor holds, however its caller waits: the answers to the statements it has run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from engine.api.binding import Parameters
from engine.api.link import Link
from engine.api.result import Result
from engine.errors import Misuse, Warning
from engine.explain import many
from engine.language.statements import Call, Change, Delete, Insert


class Described(NamedTuple):
    """A column as PEP 249 describes it. An API tells its name and type; the rest is None."""

    name: str
    type_code: str
    display_size: None = None
    internal_size: None = None
    precision: None = None
    scale: None = None
    null_ok: None = None


class Reading:
    """The state of a cursor."""

    def __init__(self, link: Link) -> None:
        self.arraysize = 1
        self.closed = False
        self.lastrowid: None = None  # an API's ids are no row numbers
        self._link = link
        self._result: Result | None = None
        self._further: deque[Result] = deque()
        self._affected: int | None = None

    @property
    def description(self) -> tuple[Described, ...] | None:
        """The columns of the rows, None where the statement has none.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.execute('SELECT id FROM linode.images.images').description[0][:2]
        ('id', 'string')
        """
        if self._result is None or self._result.kind == "done":
            return None
        return tuple(Described(column.name, column.type) for column in self._result.columns)

    @property
    def rowcount(self) -> int:
        """The rows that a write has written; -1 for a query, whose rows are not counted before they are read.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.execute("DELETE FROM linode.images.images WHERE id = 'private/19044871'").rowcount
        1
        """
        return -1 if self._affected is None else self._affected

    @property
    def messages(self) -> list[tuple[type[Warning], Warning]]:
        """What the statement had to say.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     delete = "DELETE FROM linode.images.images WHERE id = 'private/19044871'"
        ...     [str(message) for _, message in connection.execute(delete).messages]
        ['1 row deleted']
        """
        found = self._result
        return [(Warning, Warning(text)) for text in (*found.warnings, *found.messages)] if found else []

    @property
    def result(self) -> Result:
        """What the statement answers, whole: for Arrow, pandas, Polars, files and what it cost.

        Raises ProgrammingError where nothing has been executed.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.execute('SELECT 1 AS one').result.to_dicts()
        [{'one': 1}]
        """
        return self._held()

    def setinputsizes(self, sizes: Sequence[object]) -> None:
        """Does nothing: values bring their types.

        Raises ProgrammingError where the cursor is closed.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.cursor().setinputsizes([20])
        """
        self._check()

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Does nothing: every value is whole.

        Raises ProgrammingError where the cursor is closed.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.cursor().setoutputsize(1000)
        """
        self._check()

    async def _execute(self, sql: str, parameters: Parameters | None) -> None:
        self._check()
        self._forget()
        self._further.extend(await self._link._all(sql, parameters))
        self._advance()

    async def _executemany(self, sql: str, several: Iterable[Parameters]) -> None:
        """Once for each set of values, all of them looked at before the first is sent."""
        self._check()
        if isinstance(several, str | bytes) or not isinstance(several, Iterable):
            raise Misuse(
                f"executemany takes several sets of values, not a {type(several).__name__}",
                hint="give a list of them",
            )
        self._forget()
        bound = [one for parameters in several for one in self._link._bound(sql, parameters)]
        for one in bound:
            if not isinstance(one.statement.body, Insert | Change | Delete | Call):
                raise Misuse("executemany is for statements that write", hint="a query is run with execute")
        written = 0
        for done, one in enumerate(bound):
            try:
                result = await self._link._answer(one)
            except BaseException as error:
                error.add_note(f"before it, {done} of {many(len(bound), 'statement')} had been done")
                raise
            written += result.affected or 0
            result.close()
        self._affected = written

    def _held(self) -> Result:
        """The result, if there is one."""
        self._check()
        if self._result is None:
            raise Misuse("nothing has been executed yet", hint="call execute first")
        return self._result

    def _rows(self) -> Result:
        """The result, if there are rows in it."""
        found = self._held()
        if found.kind == "done":
            raise Misuse("the statement gives no rows", hint="a write gives rows with RETURNING")
        return found

    def _advance(self) -> bool:
        """To the next statement's answer; whether there is one."""
        if not self._further:
            return False
        if self._result is not None:
            self._result.close()
        self._result = self._further.popleft()
        self._affected = self._result.affected
        return True

    def _forget(self) -> None:
        """Let go of what was executed before."""
        for result in (self._result, *self._further):
            if result is not None:
                result.close()
        self._result, self._affected = None, None
        self._further.clear()

    def _check(self) -> None:
        if self.closed:
            raise Misuse("the cursor is closed", hint="open another one with connection.cursor()")
        self._link._check()

    def _end(self) -> None:
        """What was written stays counted: SQLAlchemy asks when it has closed the cursor."""
        affected = self._affected
        self._forget()
        self._affected, self.closed = affected, True


Row = tuple[Any, ...]

"""The same for callers on an event loop, their own or a notebook's: it goes on while requests and SQLite work."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable
from types import TracebackType
from typing import Any, TypeVar

from engine.api.binding import Parameters
from engine.api.link import Link
from engine.api.reading import Reading, Row
from engine.api.result import Result, counted
from engine.api.script import Given, Script, prepared, results
from engine.portal import AWAITING

T = TypeVar("T")
AHEAD = 1000  # rows that are read at a time: to go to SQLite's thread for each would cost more than the row


class AsyncConnection(Link):
    """A connection to APIs. Made by `engine.aconnect`; its statements may run side by side.

    All of a process's connections share one client and one limiter, which live on a loop of their own; cancelling a
    statement cancels its requests there and waits until they are closed.

    >>> import asyncio, engine
    >>> async def main() -> None:
    ...     async with engine.aconnect(sandbox=True) as connection:
    ...         sql = "SELECT id FROM linode.images.images WHERE id = ?"
    ...         found = await asyncio.gather(*(connection.query(sql, [f"linode/{n}"]) for n in ("debian12", "arch")))
    ...         print([result.fetchall() for result in found])
    >>> asyncio.run(main())
    [[('linode/debian12',)], [('linode/arch',)]]
    """

    def cursor(self) -> AsyncCursor:
        """A cursor of its own answers.

        Raises ProgrammingError where the connection is closed.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         cursor = await connection.cursor().execute('SELECT 1')
        ...         print(await cursor.fetchall())
        >>> asyncio.run(main())
        [(1,)]
        """
        self._check()
        return AsyncCursor(self)

    async def execute(self, sql: str, parameters: Parameters | None = None) -> AsyncCursor:
        """A new cursor that has executed the statements.

        `parameters`, and what is raised: as `Cursor.execute`.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         cursor = await connection.execute('SELECT ?', [2])
        ...         print(await cursor.fetchone())
        >>> asyncio.run(main())
        (2,)
        """
        return await self.cursor().execute(sql, parameters)

    async def query(self, sql: str, parameters: Parameters | None = None) -> Result:
        """The answer to one statement, whole. Its rows are here already: reading them awaits nothing.

        `parameters`, and what is raised: as `Connection.query`.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         print((await connection.query('SELECT :n AS n', {'n': 2})).to_dicts())
        >>> asyncio.run(main())
        [{'n': 2}]
        """
        return await self._single(sql, parameters)

    async def explain(self, sql: str, parameters: Parameters | None = None) -> str:
        """The plan of one statement. Nothing is sent.

        Raises as `Connection.explain` does.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         print(await connection.explain('SELECT 1'))
        >>> asyncio.run(main())
        output: SELECT 1
        """
        return "\n".join(str(line) for (line,) in await self._single(sql, parameters, dry_run=True))

    async def dry_run(self, sql: str, parameters: Parameters | None = None) -> list[str]:
        """The plan of each statement of a text. Nothing is sent.

        Raises as `Connection.dry_run` does.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         print(await connection.dry_run('SELECT 1; SELECT 2'))
        >>> asyncio.run(main())
        ['output: SELECT 1', 'output: SELECT 2']
        """
        return await self._plans(sql, parameters)

    def script(
        self, script: Script, data: Given | None = None, *, allow_env: Iterable[str] = (), dry_run: bool = False
    ) -> AsyncGenerator[Result, None]:
        """As `Connection.script`, for `async for`. The script is read and planned before this returns.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         async for result in connection.script("SELECT {{ n }}; SELECT {{ n }} + 1", {"n": 1}):
        ...             print(result.fetchall())
        >>> asyncio.run(main())
        [(1,)]
        [(2,)]
        """
        course = prepared(self, script, data, allow_env, dry_run=dry_run)
        return results(self, course, dry_run=dry_run)

    async def commit(self) -> None:
        """Does nothing: each write stands when it has been sent.

        Raises ProgrammingError where the connection is closed.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         await connection.commit()
        >>> asyncio.run(main())
        """
        self._settle()

    async def rollback(self) -> None:
        """As `Connection.rollback`, and what is raised.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         await connection.rollback()
        >>> asyncio.run(main())
        """
        self._roll_back()

    async def close(self) -> None:
        """Let go of the network. May be called again.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     connection = await engine.aconnect(sandbox=True)
        ...     await connection.close()
        ...     print(connection.closed)
        >>> asyncio.run(main())
        True
        """
        self._close()
        await _aside(self.session.close)

    def __await__(self) -> Generator[Any, None, AsyncConnection]:
        return _ready(self).__await__()

    async def __aenter__(self) -> AsyncConnection:
        self._check()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class AsyncCursor(Reading):
    """Runs statements and reads their rows; one task at a time.

    >>> import asyncio, engine
    >>> async def main() -> None:
    ...     async with engine.aconnect(sandbox=True) as connection:
    ...         async for row in await connection.execute('VALUES (1), (2)'):
    ...             print(row)
    >>> asyncio.run(main())
    (1,)
    (2,)
    """

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.connection = connection
        self._ahead: deque[Row] = deque()
        self._turn = asyncio.Lock()  # tasks that read one result take turns

    @property
    def result(self) -> Result:
        """As `Cursor.result`, whole but for the rows that were fetched.

        Raises ProgrammingError where nothing has been executed.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         cursor = await connection.execute('VALUES (1), (2)')
        ...         print(await cursor.fetchone(), cursor.result.fetchall())
        >>> asyncio.run(main())
        (1,) [(2,)]
        """
        found = self._held()
        found._put_back(self._ahead)
        self._ahead = deque()
        return found

    async def execute(self, sql: str, parameters: Parameters | None = None) -> AsyncCursor:
        """As `Cursor.execute`.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         cursor = await connection.cursor().execute('SELECT :a', {'a': 1})
        ...         print(await cursor.fetchall())
        >>> asyncio.run(main())
        [(1,)]
        """
        self._ahead.clear()
        await self._execute(sql, parameters)
        return self

    async def executemany(self, sql: str, several: Iterable[Parameters]) -> AsyncCursor:
        """As `Cursor.executemany`.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         cursor = connection.cursor()
        ...         sql = "DELETE FROM linode.images.images WHERE id = ?"
        ...         await cursor.executemany(sql, [["private/19044871"], ["private/19044872"]])
        ...         print(cursor.rowcount)
        >>> asyncio.run(main())
        2
        """
        self._ahead.clear()
        await self._executemany(sql, several)
        return self

    async def fetchone(self) -> Row | None:
        """The next row, None after the last.

        Raises ProgrammingError where there are no rows to fetch, OperationalError where reading them fails.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         cursor = await connection.execute('SELECT 1')
        ...         print(await cursor.fetchone(), await cursor.fetchone())
        >>> asyncio.run(main())
        (1,) None
        """
        found = await self.fetchmany(1)
        return found[0] if found else None

    async def fetchmany(self, size: int | None = None) -> list[Row]:
        """At most `size` further rows, `arraysize` where that is not given.

        Raises as `fetchone` does.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         cursor = await connection.execute('VALUES (1), (2), (3)')
        ...         print(await cursor.fetchmany(2))
        >>> asyncio.run(main())
        [(1,), (2,)]
        """
        wanted = counted(self.arraysize if size is None else size)
        async with self._turn:
            result = self._rows()
            while len(self._ahead) < wanted:
                more = await _aside(lambda: result.fetchmany(max(AHEAD, wanted)), result)
                self._ahead.extend(more)
                if not more:
                    break
            return [self._ahead.popleft() for _ in range(min(wanted, len(self._ahead)))]

    async def fetchall(self) -> list[Row]:
        """All further rows.

        Raises as `fetchone` does.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         cursor = await connection.execute('VALUES (1), (2)')
        ...         print(await cursor.fetchall())
        >>> asyncio.run(main())
        [(1,), (2,)]
        """
        async with self._turn:
            result = self._rows()
            more = await _aside(lambda: list(result), result)
            rows = [*self._ahead, *more]
            self._ahead.clear()
            return rows

    async def nextset(self) -> bool | None:
        """To the next statement's answer; None where there is none.

        Raises ProgrammingError where the cursor is closed.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         cursor = await connection.execute('SELECT 1; SELECT 2')
        ...         print(await cursor.nextset(), await cursor.fetchall())
        >>> asyncio.run(main())
        True [(2,)]
        """
        self._check()
        if not self._advance():
            return None
        self._ahead.clear()
        return True

    async def __aiter__(self) -> AsyncIterator[Row]:
        while (row := self._ahead.popleft() if self._ahead else await self.fetchone()) is not None:
            yield row  # one at a time: who leaves the loop finds the others where they were

    async def close(self) -> None:
        """Let go of the rows. May be called again.

        >>> import asyncio, engine
        >>> async def main() -> None:
        ...     async with engine.aconnect(sandbox=True) as connection:
        ...         cursor = await connection.execute('SELECT 1')
        ...         await cursor.close()
        ...         print(cursor.closed)
        >>> asyncio.run(main())
        True
        """
        self._ahead.clear()
        self._end()

    async def __aenter__(self) -> AsyncCursor:
        self._check()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _ready(connection: AsyncConnection) -> AsyncConnection:
    return connection


async def _aside(work: Any, result: Result | None = None) -> Any:
    """In a thread, so that the loop goes on; who cancels it stops SQLite."""
    return await AWAITING.query(work, result.interrupt if result is not None else _nothing)


def _nothing() -> None:
    """A close is not to be stopped."""

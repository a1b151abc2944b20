"""The same on an event loop: side by side, cancelled, inside a notebook's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

import engine
from engine.errors import PartialWrite
from engine.portal import PATIENCE
from engine.sandbox.faults import Fault
from tests.api.opened import IMAGE, awaiting, opened, wire
from tests.test_connections import serving

ONE = f"SELECT id FROM {IMAGE} WHERE id = :id"
THREE = "'private/11', 'private/12', 'private/13'"


def sent(number: int) -> tuple[asyncio.Event, Callable[[engine.Event], None]]:
    """What is set when so many requests have left, and the listener that sees to it from their thread."""
    left, loop, seen = asyncio.Event(), asyncio.get_running_loop(), 0

    def hear(event: engine.Event) -> None:
        nonlocal seen
        seen += event.kind == "request"
        if seen == number:
            loop.call_soon_threadsafe(left.set)

    return left, hear


def test_everything_a_cursor_does() -> None:
    async def main() -> None:
        async with awaiting() as connection, connection.cursor() as cursor:
            await cursor.execute("WITH n(i) AS (VALUES (1), (2), (3), (4), (5)) SELECT i FROM n; SELECT ?", [7])
            assert await cursor.fetchone() == (1,)
            assert await cursor.fetchmany(2) == [(2,), (3,)]
            assert [row async for row in cursor] == [(4,), (5,)]
            assert await cursor.fetchone() is None
            assert (await cursor.nextset(), await cursor.fetchall()) == (True, [(7,)])
            assert await cursor.nextset() is None
            await cursor.executemany(f"DELETE FROM {IMAGE} WHERE id = ?", [["private/11"], ["private/12"]])
            assert cursor.rowcount == 2
            with pytest.raises(engine.NotSupportedError):
                await connection.rollback()
            await connection.commit()
            await connection.rollback()
            assert await connection.explain("SELECT 1") == "output: SELECT 1"
            assert await connection.dry_run("SELECT 1; SELECT 2") == ["output: SELECT 1", "output: SELECT 2"]
            again = await connection.execute(ONE, {"id": "private/13"})
            assert await again.fetchall() == [("private/13",)]
        with pytest.raises(engine.ProgrammingError, match="the connection is closed"):
            await connection.query("SELECT 1")

    asyncio.run(main())


def test_it_may_be_awaited_too() -> None:
    async def main() -> None:
        connection = await engine.aconnect(sandbox=True)
        assert (await connection.query("SELECT 1")).fetchall() == [(1,)]
        await connection.close()

    asyncio.run(main())


def test_queries_run_side_by_side_within_one_limit() -> None:
    delay = 0.25
    through = wire([Fault("GET", "^/images/", delay=delay, times=None)])

    async def main() -> list[str]:
        async with awaiting(through=through, concurrency=4) as connection:
            asked = (connection.query(ONE, {"id": f"private/{n}"}) for n in (11, 12, 13, 11, 12, 13, 11, 12))
            return [row[0] for result in await asyncio.gather(*asked) for row in result]

    start = time.perf_counter()
    found = asyncio.run(main())
    assert found == [f"private/{n}" for n in (11, 12, 13, 11, 12, 13, 11, 12)]
    assert through.peak == 4
    assert time.perf_counter() - start < 8 * delay


def test_the_callers_loop_goes_on() -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

    async def main() -> None:
        async with awaiting() as connection:
            query = asyncio.ensure_future(connection.query(endless))
            for _ in range(10):
                await asyncio.sleep(0.005)
                assert not query.done()
            query.cancel()
            with pytest.raises(asyncio.CancelledError):
                await query

    asyncio.run(main())


def test_cancelling_closes_the_requests() -> None:
    through = wire([Fault("GET", "^/images/", delay=30, times=None)])

    async def main() -> float:
        left, on_event = sent(1)
        async with awaiting(through=through, on_event=on_event) as connection:
            query = asyncio.ensure_future(connection.query(ONE, {"id": "private/11"}))
            await left.wait()
            start = time.perf_counter()
            query.cancel()
            with pytest.raises(asyncio.CancelledError):
                await query
            assert through._under_way == 0
            return time.perf_counter() - start

    assert asyncio.run(main()) < 15  # of the 30 s


def test_cancelling_a_write_accounts_for_it() -> None:
    through = wire([Fault("PUT", nth=2, delay=30)])

    async def main() -> BaseException | None:
        left, on_event = sent(2)
        async with awaiting(through=through, on_event=on_event, concurrency=1) as connection:
            query = asyncio.ensure_future(
                connection.query(f"REPLACE {IMAGE} SET label = 'x' WHERE id IN ({THREE}) RETURNING id")
            )
            await left.wait()
            query.cancel()
            try:
                await query
            except asyncio.CancelledError as cancelled:
                return cancelled.__cause__
            return None

    cause = asyncio.run(main())
    assert isinstance(cause, PartialWrite)
    assert [row["imageId"] for row in cause.done] == ["private/11"]
    assert cause.completed.fetchall() == [("private/11",)]
    assert [row["imageId"] for row, _ in cause.unknown] == ["private/12"]
    assert [row["imageId"] for row in cause.unsent] == ["private/13"]


def test_cancelling_stops_sqlite() -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {} FROM n"

    async def main() -> float:
        async with awaiting() as connection:
            start = time.perf_counter()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await connection.query(endless.format("max(i)"))
            cursor = await connection.execute(endless.format("i"))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await cursor.fetchall()
            return time.perf_counter() - start

    assert asyncio.run(main()) < 2 * PATIENCE  # after which it would give up


def test_the_blocking_face_works_inside_a_running_loop() -> None:
    async def notebook() -> list[tuple[object, ...]]:
        with opened() as connection:
            return connection.execute(ONE, {"id": "private/11"}).fetchall()

    assert asyncio.run(notebook()) == [("private/11",)]


def test_both_faces_share_one_client() -> None:
    sql = f"SELECT id FROM {IMAGE} WHERE id = 'private/1'"

    async def main(server: dict[str, str]) -> None:
        async with engine.aconnect(server=server, token="x") as connection:
            assert len((await connection.query(sql)).fetchall()) == 1

    with serving() as server:
        address = {"linode": server.url}
        with engine.connect(server=address, token="x") as connection:
            assert len(connection.execute(sql).fetchall()) == 1
            asyncio.run(main(address))
            assert len(connection.execute(sql).fetchall()) == 1
        assert server.connections == 1


def test_rows_that_are_read_ahead_are_not_lost() -> None:
    async def main() -> None:
        many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) SELECT i FROM n"
        async with awaiting() as connection:
            cursor = await connection.execute(many)
            async for row in cursor:
                if row == (3,):
                    break
            assert await cursor.fetchone() == (4,)
            assert cursor.result.fetchmany(2) == [(5,), (6,)]
            assert await cursor.fetchmany(2) == [(7,), (8,)]
            assert await anext(aiter(cursor)) == (9,)
            assert len(await cursor.fetchall()) == 2991
            with pytest.raises(engine.ProgrammingError, match="a number of rows is 0 or more"):
                await cursor.fetchmany(-1)

    asyncio.run(main())


def test_tasks_that_read_one_cursor_take_turns() -> None:
    async def main() -> None:
        many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT i FROM n"
        async with awaiting() as connection:
            cursor = await connection.execute(many)
            parts = await asyncio.gather(*(cursor.fetchmany(3000) for _ in range(5)), cursor.fetchall())
        assert sorted(row for part in parts for row in part) == [(n,) for n in range(1, 20001)]

    asyncio.run(main())


def test_closing_ends_what_tasks_wait_for() -> None:
    async def main() -> None:
        through = wire([Fault("GET", drop="hang", times=None)])
        left, hear = sent(1)
        connection = awaiting(through=through, on_event=hear)
        task = asyncio.create_task(connection.query(f"SELECT id FROM {IMAGE}"))
        await left.wait()
        await connection.close()
        with pytest.raises(engine.ProgrammingError, match="the connection is closed"):
            await asyncio.wait_for(task, 5)

    asyncio.run(main())

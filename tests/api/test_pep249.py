"""PEP 249, clause by clause."""

from __future__ import annotations

import datetime
import gc
import json
import threading
import time
from typing import Any

import pytest

import engine
from engine.sandbox.faults import Fault
from tests.api.opened import IMAGE, opened, wire

SOME = f"SELECT id, size, is_public, created, tags FROM {IMAGE} WHERE id IN ('private/11', 'private/12')"


def test_the_module_says_what_it_is() -> None:
    assert (engine.apilevel, engine.threadsafety, engine.paramstyle) == ("2.0", 2, "named")
    assert callable(engine.connect)


def test_the_tree_of_exceptions() -> None:
    assert issubclass(engine.Warning, Exception)
    assert issubclass(engine.Error, Exception)
    assert not issubclass(engine.Warning, engine.Error)
    for direct in (engine.InterfaceError, engine.DatabaseError):
        assert direct.__bases__ == (engine.Error,)
    for below in (
        engine.DataError,
        engine.OperationalError,
        engine.IntegrityError,
        engine.InternalError,
        engine.ProgrammingError,
        engine.NotSupportedError,
    ):
        assert below.__bases__ == (engine.DatabaseError,)


def test_every_error_of_ours_is_one_of_them() -> None:
    standard = (
        engine.InterfaceError,
        engine.DataError,
        engine.OperationalError,
        engine.ProgrammingError,
        engine.NotSupportedError,
    )
    waiting, leaves = [engine.StratoqlError], []
    while waiting:
        kind = waiting.pop()
        below = kind.__subclasses__()
        waiting += below
        leaves += [] if below else [kind]
    assert len(leaves) > 12
    for leaf in leaves:
        assert sum(issubclass(leaf, each) for each in standard) == 1, leaf


def test_constructors_and_type_objects() -> None:
    assert engine.Date(2002, 12, 25) == engine.DateFromTicks(1040774400 + 3600)
    assert engine.Time(13, 45, 30) == engine.TimeFromTicks(49530)
    assert engine.TimestampFromTicks(0) == engine.Timestamp(1970, 1, 1, tzinfo=datetime.UTC)
    assert engine.Binary(b"x") == b"x"
    with opened() as connection:
        described = connection.execute(SOME).description
        assert described is not None
        kinds = [engine.STRING, engine.NUMBER, engine.NUMBER, engine.DATETIME, engine.JSON]
        assert [column[1] for column in described] == kinds
        assert [column[0] for column in described] == ["id", "size", "is_public", "created", "tags"]
        assert {len(column) for column in described} == {7}
        assert described[2].type_code == engine.BOOLEAN
        assert described[0].type_code != engine.NUMBER
        assert hash(engine.STRING) != hash(engine.NUMBER)
        assert engine.BINARY != engine.ROWID


def test_values_are_pythons() -> None:
    with opened() as connection:
        rows = connection.execute(SOME + " ORDER BY id").fetchall()
    ident, size, public, created, tags = rows[0]
    assert (ident, type(size), public) == ("private/11", int, False)
    assert isinstance(created, datetime.datetime)
    assert created.tzinfo is datetime.UTC
    assert isinstance(tags, list)


def test_fetching() -> None:
    with opened() as connection, connection.cursor() as cursor:
        assert cursor.description is None
        assert cursor.rowcount == -1
        cursor.execute("WITH n(i) AS (VALUES (1), (2), (3), (4), (5), (6), (7)) SELECT i FROM n")
        assert cursor.rowcount == -1
        assert cursor.fetchone() == (1,)
        assert cursor.fetchmany() == [(2,)]
        cursor.arraysize = 2
        assert cursor.fetchmany() == [(3,), (4,)]
        assert cursor.fetchmany(1) == [(5,)]
        assert next(cursor) == (6,)
        assert list(cursor) == [(7,)]
        assert cursor.fetchone() is None
        assert cursor.fetchmany() == []
        assert cursor.fetchall() == []
        assert cursor.lastrowid is None
        cursor.setinputsizes([10])
        cursor.setoutputsize(100)
        cursor.setoutputsize(100, 0)


@pytest.mark.parametrize("size", [-1, "2", 1.5])
def test_a_size_that_is_no_number_of_rows(size: Any) -> None:
    with opened() as connection:
        cursor = connection.execute("VALUES (1), (2)")
        with pytest.raises(engine.ProgrammingError, match="a number of rows is 0 or more"):
            cursor.fetchmany(size)
        cursor.arraysize = size
        with pytest.raises(engine.ProgrammingError, match="a number of rows is 0 or more"):
            cursor.fetchmany()
        for wrong in (size, 0):
            with pytest.raises(engine.ProgrammingError, match="a number of rows is 1 or more"):
                connection.query("SELECT 1").batches(wrong)
        assert cursor.fetchall() == [(1,), (2,)]


def test_several_statements_are_several_sets() -> None:
    with opened() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT :a; SELECT ':a', :b; SELECT 3", {"a": 1, "b": 2})
        assert cursor.fetchall() == [(1,)]
        assert cursor.nextset() is True
        assert cursor.fetchall() == [(":a", 2)]
        assert cursor.nextset() is True
        assert cursor.nextset() is None
        assert cursor.fetchall() == [(3,)]


def test_all_statements_of_a_text_run_whether_anybody_looks_or_not() -> None:
    through = wire()
    with opened(through=through) as connection:
        connection.execute(
            f"DELETE FROM {IMAGE} WHERE id = ?; DELETE FROM {IMAGE} WHERE id = ?", ["private/11", "private/12"]
        )
    assert [request.method for request in through.requests] == ["DELETE", "DELETE"]


def test_writes_are_counted() -> None:
    with opened() as connection, connection.cursor() as cursor:
        cursor.execute(
            f"REPLACE {IMAGE} SET label = 'x' WHERE id IN ('private/11', 'private/12') RETURNING id, label"
        )
        assert cursor.rowcount == 2
        assert sorted(cursor.fetchall()) == [("private/11", "x"), ("private/12", "x")]
        cursor.execute(f"DELETE FROM {IMAGE} WHERE id = 'private/11'")
        assert (cursor.rowcount, cursor.description) == (1, None)
        assert [str(message) for _, message in cursor.messages] == ["1 row deleted"]
        with pytest.raises(engine.ProgrammingError, match="gives no rows"):
            cursor.fetchall()


def test_many_writes() -> None:
    through = wire()
    with opened(through=through) as connection, connection.cursor() as cursor:
        sql = f"INSERT INTO {IMAGE} (data__disk_id, data__label) VALUES (:disk, :label)"
        cursor.executemany(sql, [{"disk": 25674130, "label": "a"}, {"disk": 25674130, "label": "b"}])
        assert cursor.rowcount == 2
        assert [json.loads(request.body)["label"] for request in through.requests] == ["a", "b"]
        with pytest.raises(engine.DataError):  # the second is wrong, so the first is not sent
            cursor.executemany(sql, [{"disk": 25674130, "label": "a"}, {"disk": float("nan"), "label": "b"}])
        with pytest.raises(engine.ProgrammingError, match="executemany is for statements that write"):
            cursor.executemany("SELECT ?", [[1], [2]])
        for wrong in (None, "ab", 5):
            with pytest.raises(engine.ProgrammingError, match="executemany takes several sets of values"):
                cursor.executemany(sql, wrong)  # type: ignore[arg-type]
        assert len(through.requests) == 2


def test_many_writes_say_how_far_they_got() -> None:
    with opened() as connection, connection.cursor() as cursor, pytest.raises(engine.ApiError) as raised:
        cursor.executemany(f"DELETE FROM {IMAGE} WHERE id = ?", [["private/11"], ["private/999999"], ["private/12"]])
    assert "before it, 1 of 3 statements had been done" in raised.value.__notes__


def test_there_is_nothing_to_commit_and_nothing_to_take_back() -> None:
    with opened() as connection:
        connection.execute("SELECT 1")
        connection.rollback()
        connection.execute(f"DELETE FROM {IMAGE} WHERE id = 'private/11'")
        with pytest.raises(engine.NotSupportedError, match="what a write has sent cannot be taken back"):
            connection.rollback()
        connection.commit()
        connection.rollback()


def test_what_is_closed_says_so() -> None:
    connection = opened()
    cursor = connection.cursor()
    with pytest.raises(engine.ProgrammingError, match="there is no statement in the text"):
        cursor.execute("-- nothing;")
    with pytest.raises(engine.ProgrammingError, match="a statement is text, not a bytes"):
        cursor.execute(b"SELECT 1")  # type: ignore[arg-type]
    with pytest.raises(engine.ProgrammingError, match="nothing has been executed yet"):
        cursor.fetchone()
    cursor.close()
    cursor.close()
    for use in (
        cursor.fetchone,
        cursor.fetchall,
        cursor.nextset,
        lambda: cursor.execute("SELECT 1"),
        lambda: cursor.setinputsizes([1]),
        lambda: cursor.setoutputsize(1),
    ):
        with pytest.raises(engine.ProgrammingError, match="the cursor is closed") as raised:
            use()
        assert raised.value.hint == "open another one with connection.cursor()"
    other = connection.cursor()
    connection.close()
    connection.close()
    for use in (connection.cursor, connection.commit, connection.rollback, lambda: other.execute("SELECT 1")):
        with pytest.raises(engine.Error, match="the connection is closed"):
            use()


def test_threads_share_a_connection() -> None:
    found: list[object] = []
    with opened() as connection:

        def ask(number: int) -> None:
            sql = f"SELECT id, :n FROM {IMAGE} WHERE id = :id"
            values = {"n": number, "id": f"private/1{number}"}
            found.extend(connection.execute(sql, values).fetchall() for _ in range(5))

        threads = [threading.Thread(target=ask, args=(number,)) for number in (1, 2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(map(str, found)) == sorted(str([(f"private/1{n}", n)]) for n in (1, 2, 3) for _ in range(5))


def test_closing_ends_what_other_threads_wait_for() -> None:
    through = wire([Fault("GET", drop="hang", times=None)])
    connection, told = opened(through=through), list[BaseException]()

    def ask() -> None:
        try:
            connection.execute(f"SELECT id FROM {IMAGE}")
        except BaseException as error:
            told.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not through.requests:
        time.sleep(0.01)
    connection.close()
    thread.join(5)
    assert [(type(error).__mro__[2], str(error)) for error in told] == [
        (engine.ProgrammingError, "the connection is closed")
    ]


def test_closing_has_a_write_account_for_itself() -> None:
    through = wire([Fault("DELETE", nth=2, drop="hang", times=None)])
    connection, told = opened(through=through), list[engine.PartialWrite]()

    def ask() -> None:
        try:
            connection.execute(f"DELETE FROM {IMAGE} WHERE id IN ('private/11', 'private/12')")
        except engine.PartialWrite as error:
            told.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while len(through.requests) < 2:
        time.sleep(0.01)
    connection.close()
    thread.join(5)
    assert len(told[0].done) == len(told[0].unknown) == 1


def test_a_connection_that_nobody_has_closed_lets_go() -> None:
    def threads() -> int:
        return sum(thread.name.startswith("stratoql") for thread in threading.enumerate())

    before = threads()
    for _ in range(3):
        opened().execute(f"SELECT id FROM {IMAGE}").fetchone()
    gc.collect()
    until = time.monotonic() + 5
    while threads() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threads() <= before
    connection = opened()
    connection.close()
    assert not connection._left.alive  # nothing is left to let go

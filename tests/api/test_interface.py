"""The programming interface as a program uses it: PEP 249's faces, values and errors, in the sandbox."""

from __future__ import annotations

import asyncio
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine

ONE = "SELECT id, size, is_public, tags, created FROM linode.images.images WHERE id = :id"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), TEXTS)
KEY = {"id": "private/23100417"}


def test_the_module_says_what_it_is() -> None:
    assert (engine.apilevel, engine.paramstyle) == ("2.0", "named")
    assert engine.threadsafety >= 1
    assert all(hasattr(engine, name) for name in engine.__all__)


def test_a_row_has_the_types_of_python() -> None:
    with engine.connect(sandbox=True) as connection, connection.cursor() as cursor:
        cursor.execute(ONE, KEY)
        assert cursor.description is not None
        assert [column[0] for column in cursor.description] == ["id", "size", "is_public", "tags", "created"]
        assert all(len(column) == 7 for column in cursor.description)
        row = cursor.fetchone()
        assert row is not None
        assert (row[0], row[2], row[3]) == ("private/23100417", False, ["prod", "web"])
        assert isinstance(row[1], int)
        assert isinstance(row[4], datetime.datetime)
        assert cursor.fetchone() is None


@given(VALUES)
def test_a_parameter_is_a_value_whatever_it_holds(value: object) -> None:
    with engine.connect(sandbox=True) as connection:
        (found,) = connection.execute("SELECT :x", {"x": value}).fetchall()
        assert found == ((int(value) if isinstance(value, bool) else value),)


def test_question_marks_too() -> None:
    with engine.connect(sandbox=True) as connection:
        assert connection.execute("SELECT ?, '?', ?", ["it's", 2]).fetchall() == [("it's", "?", 2)]


def test_what_goes_wrong_has_the_class_of_the_standard() -> None:
    connection = engine.connect(sandbox=True)
    with pytest.raises(engine.ProgrammingError, match="no column or parameter 'lable'"):
        connection.execute("SELECT lable FROM linode.images.images")
    with pytest.raises(engine.ProgrammingError):
        connection.execute("SELECT :x", {})
    with pytest.raises(engine.OperationalError) as raised:
        connection.execute("DELETE FROM linode.images.images WHERE id = 'private/1'")
    assert isinstance(raised.value, engine.ApiError)
    assert raised.value.status == 404
    connection.close()
    with pytest.raises(engine.Error):
        connection.cursor()


def test_many_at_once_on_a_loop_of_ones_own() -> None:
    async def main() -> list[int]:
        async with engine.aconnect(sandbox=True) as connection:

            async def count(size: int) -> int:
                cursor = await connection.execute("SELECT count(*) FROM linode.images.images WHERE size > ?", [size])
                row = await cursor.fetchone()
                assert row is not None
                return int(row[0])

            return await asyncio.gather(*(count(size) for size in (0, 1000, 10**9)))

    some, fewer, none = asyncio.run(main())
    assert some > fewer > none == 0


def test_an_empty_name_of_a_sandbox_is_one_in_memory() -> None:
    with engine.connect(sandbox="") as connection:  # never the network
        assert connection.execute("SELECT count(*) FROM linode.images.images").fetchone() != (0,)

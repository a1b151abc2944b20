"""Rows that pass through: the same answer whether SQLite held them or not."""

from __future__ import annotations

import itertools
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import Interrupted, Misuse, QueryFault, TimedOut
from engine.language.text import Text
from engine.store import Store, typed
from provider_registry.model import Column, Shape

SHAPES = (
    Shape(),
    Shape(type="integer"),
    Shape(type="number"),
    Shape(type="boolean"),
    Shape(type="array"),
    Shape(format="date-time"),
)
COLUMNS = [Column(name=f"c{at}", shape=shape) for at, shape in enumerate(SHAPES)]
NAMES = [column.name for column in COLUMNS]
PLAIN = [
    "SELECT * FROM t",
    'SELECT * FROM main.t AS "images"',
    "SELECT c3, c0 AS again, c4 FROM t",
    "SELECT x.c1, x.c1 FROM t x",
    "SELECT * FROM (SELECT c5, c2 FROM t)",
    "WITH q AS (SELECT * FROM t) SELECT c3, c2 FROM q",
]
MORE = [
    "SELECT c0, rowid FROM t",
    "SELECT c0 FROM t LIMIT 1",
    "SELECT c0 FROM t WHERE c1 = 1",
    "SELECT c0 FROM t WHERE 1 = 0",
    "SELECT c0 FROM t ORDER BY c1",
    "SELECT DISTINCT c0 FROM t",
    "SELECT count(*) FROM t",
    "SELECT c0, 1 FROM t",
    "SELECT c0 || '' FROM t",
    "SELECT cast(c2 AS text) FROM t",
    "SELECT c0 FROM t UNION ALL SELECT c4 FROM t",
    "SELECT a.c0 FROM t a, t b",
    "SELECT c0 FROM t ORDER BY rowid DESC",
    "SELECT (SELECT 1) FROM t",
    "SELECT 1",
]
# What an API may send in any place: also what its document did not promise.
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.sampled_from(["1", "2.0", "1e3", " 7 ", "[1]", "0x10", "9223372036854775808", "a\0b"]),
)
pieces = st.lists(st.lists(st.tuples(*[values] * len(SHAPES)), max_size=4), max_size=4)


def filled(batches: Sequence[Sequence[tuple[Any, ...]]], *, passes: bool, columns: Sequence[str] = NAMES) -> Store:
    store = Store()
    store.create("t", COLUMNS, passes=passes)
    for batch in batches:
        store.load("t", columns, batch)
    return store


def exactly(store: Store, sql: str) -> list[str]:
    """The rows, each value with its type."""
    types = store.compile(Text(sql)).types
    rows = [row for batch in typed(store.batches(Text(sql))[1], types) for row in batch]
    store.close()
    return [repr(row) for row in rows]


@example([[("", 1, 2.0, True, None, "")]], "SELECT * FROM t")
@example([[("", 1, math.nan, False, None, "")]], "SELECT * FROM t")
@example([[("", 1, 0.5, None, None, "")]], "SELECT * FROM t")
@given(pieces, st.sampled_from(PLAIN + MORE))
def test_it_makes_no_difference_where_the_rows_waited(batches: list[list[tuple[Any, ...]]], sql: str) -> None:
    assert exactly(filled(batches, passes=True), sql) == exactly(filled(batches, passes=False), sql)


@example([[("", 1, math.nan, False, None, "")], [("", 1, 2.5, False, None, "")]], "SELECT * FROM t")
@given(pieces, st.sampled_from(PLAIN + MORE))
def test_columns_hold_what_rows_hold(batches: list[list[tuple[Any, ...]]], sql: str) -> None:
    by_columns, by_rows = (filled(batches, passes=True).batches(Text(sql))[1] for _ in range(2))
    turned = [row for columns in by_columns.columns() for row in zip(*columns, strict=True)]
    assert repr(turned) == repr([row for batch in by_rows for row in batch])


def test_a_column_that_was_not_loaded_is_null() -> None:
    store = filled([[("x", True)]], passes=True, columns=["c0", "c3"])
    assert list(store.query("SELECT * FROM t")) == [("x", None, None, 1, None, None)]


@pytest.mark.parametrize("sql", PLAIN)
def test_sqlite_tells_that_a_query_only_passes_rows_on(sql: str) -> None:
    assert filled([], passes=False).compile(Text(sql)).passes


@pytest.mark.parametrize("sql", MORE)
def test_sqlite_tells_that_a_query_does_more(sql: str) -> None:
    assert not filled([], passes=False).compile(Text(sql)).passes


def test_who_asks_for_more_finds_a_table() -> None:
    store = filled([[("a", 1, 1, None, None, None)], [("b", 2, 2, None, None, None)]], passes=True)
    assert list(store.query("SELECT sum(c1) FROM t")) == [(3,)]
    store.load("t", ["c1"], [(4,)])
    assert list(store.query("SELECT c1 FROM t")) == [(1,), (2,), (4,)]


def test_a_table_without_columns_has_rows_nonetheless() -> None:
    store = Store()
    store.create("t", [], passes=True)
    store.load("t", [], [(), ()])
    assert len(list(store.query("SELECT * FROM t"))) == 2


def test_a_row_can_be_repeated_among_rows_that_pass() -> None:
    store = filled([[("a", 1, 1, None, None, None)]], passes=True)
    store.repeat("t", ["c1"], (7,), 2)
    assert list(store.query("SELECT c1 FROM t")) == [(1,), (7,), (7,)]


def test_rows_can_be_forgotten_among_rows_that_pass() -> None:
    store = filled([[("a", 1, 1, None, None, None), ("b", 2, 2, None, None, None)]], passes=True)
    store.forget("t", "c0", "a")
    assert list(store.query("SELECT c0 FROM t")) == [("b",)]


def test_many_rows_wait_in_a_file() -> None:
    long = [(f"{number:04000}", number, None, None, None, None) for number in range(10_000)]
    store = filled([long[at : at + 500] for at in range(0, 10_000, 500)], passes=True)
    assert [row[:2] for row in store.query("SELECT * FROM t")] == [row[:2] for row in long]


def test_a_folder_without_room_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    many = [(f"{number:04000}", *[None] * 5) for number in range(10_000)]
    with pytest.raises(QueryFault, match="cannot be kept in a temporary file: No such file or directory") as raised:
        filled([many], passes=True)
    assert "TMPDIR" in str(raised.value.hint)


def test_passing_rows_can_be_stopped() -> None:
    store = filled([[("a", *[None] * 5)], [("b", *[None] * 5)]], passes=True)
    rows = store.query("SELECT * FROM t")
    next(rows)
    store.interrupt()
    with pytest.raises(Interrupted, match=r"\Ainterrupted\Z"):
        next(rows)


def test_passing_rows_know_the_time_allowed() -> None:
    store = Store(0.01)
    store.create("t", COLUMNS, passes=True)
    store.load("t", ["c0"], [("a",)])
    time.sleep(0.02)
    with pytest.raises(TimedOut, match=r"the 0\.01 s allowed are used up, in SQLite"):
        list(store.query("SELECT * FROM t"))


@pytest.mark.parametrize("passes", [True, False])
@pytest.mark.parametrize("begun", [0, 300])
def test_who_reads_on_in_a_closed_store_hears_that_it_is_not_all(passes: bool, begun: int) -> None:
    pages = [[(str(number), *[None] * 5) for number in range(at, at + 300)] for at in range(0, 900, 300)]
    store = filled(pages, passes=passes)
    rows = store.query("SELECT * FROM t")
    assert len(list(itertools.islice(rows, begun))) == begun
    store.close()
    with pytest.raises(Misuse, match="the result is closed, and its other rows are gone") as raised:
        list(rows)
    assert raised.value.hint == "read all of them before: fetchall() does"

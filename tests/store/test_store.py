"""The door to SQLite: types survive, errors are placed, nothing outside the store can be reached."""

from __future__ import annotations

import threading
import time

import pytest

from engine.errors import Interrupted, QueryFault, Span, TimedOut
from engine.language.text import Text, slice_of
from engine.result import JsonText
from engine.store import Store, declared, evaluate
from provider_registry.model import Column, Shape

COLUMNS = (
    Column(name="id"),
    Column(name="size", shape=Shape(type="integer")),
    Column(name="ratio", shape=Shape(type="number")),
    Column(name="public", shape=Shape(type="boolean")),
    Column(name="tags", shape=Shape(type="array")),
    Column(name="made", shape=Shape(format="date-time")),
)


@pytest.fixture
def store() -> Store:
    made = Store()
    made.create("t", COLUMNS)
    made.load(
        "t",
        [c.name for c in COLUMNS],
        [
            ("a", 1, 0.5, True, '["x"]', "2024-01-01T05:00:00"),
            ("b", 2, 2, False, None, "2024-01-01T15:00:00"),
            ("c", None, None, None, "[]", None),
        ],
    )
    return made


def whole(sql: str) -> Text:
    return slice_of(sql, 0, len(sql))


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT public, tags FROM t WHERE id = 'a'", [(True, JsonText('["x"]'))]),
        ("SELECT * FROM (SELECT public AS p FROM t) WHERE p = true", [(True,)]),
        ("WITH w AS (SELECT * FROM t) SELECT w.public FROM w LEFT JOIN t ON t.id = w.id ORDER BY w.id", None),
        ("SELECT id FROM t WHERE size = '2'", [("b",)]),
        ("SELECT id FROM t WHERE made < '2024-01-01 10:00:00'", [("a",)]),
        ("SELECT id FROM t WHERE made BETWEEN datetime('2024-01-01 14:00') AND '2024-01-01T16'", [("b",)]),
        ("SELECT max(made) FROM t", [("2024-01-01T15:00:00",)]),
        ("SELECT ratio FROM t WHERE id = 'b'", [(2,)]),
    ],
)
def test_values_come_back_as_what_they_are(store: Store, sql: str, rows: list[tuple[object, ...]] | None) -> None:
    found = list(store.select(whole(sql), store.compile(whole(sql)).types)[1])
    assert found == (rows if rows is not None else [(True,), (False,), (None,)])
    assert [[type(v) for v in row] for row in found] == [[type(v) for v in row] for row in rows or found]


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT public FROM t WHERE id = 'a' UNION ALL SELECT '1' UNION ALL SELECT 900", [True, "1", 900]),
        ("SELECT tags FROM t WHERE id = 'a' UNION ALL SELECT id FROM t WHERE id = 'b'", ['["x"]', "b"]),
        ("SELECT tags FROM t WHERE id = 'b' UNION ALL SELECT x'ff'", [None, b"\xff"]),
    ],
)
def test_what_a_union_mixes_in_stays_what_it_is(store: Store, sql: str, values: list[object]) -> None:
    rows = [row[0] for row in store.select(whole(sql), store.compile(whole(sql)).types)[1]]
    assert rows == values
    assert [type(r) in (str, int, bytes, bool, type(None), JsonText) for r in rows] == [True] * len(rows)


def test_a_boolean_that_is_none_stays_what_it_is(store: Store) -> None:
    store.load("t", ["id", "public"], [("d", "perhaps")])
    assert list(store.query("SELECT public FROM t WHERE id = 'd'")) == [("perhaps",)]


def test_a_table_without_columns_counts_its_rows() -> None:
    store = Store()
    store.create("t", ())
    store.load("t", (), [(), ()])
    assert list(store.query("SELECT count(*) FROM t")) == [(2,)]


@pytest.mark.parametrize(
    ("sql", "types"),
    [
        ("SELECT * FROM t", ("string", "integer", "number", "boolean", "json", "datetime")),
        ("SELECT x.public, count(*) FROM (SELECT public FROM t) x GROUP BY 1", ("boolean", "any")),
        ("SELECT id, id FROM t UNION SELECT 1, 2", ("string", "string")),
        ("VALUES (1, 2)", ("any", "any")),
    ],
)
def test_types_are_known_before_a_row_is(store: Store, sql: str, types: tuple[str, ...]) -> None:
    assert store.compile(whole(sql)).types == types


def test_compiling_tells_which_columns_are_read(store: Store) -> None:
    store.create("u", COLUMNS)
    reads = store.compile(whole("SELECT t.id FROM t, json_each(t.tags) j WHERE EXISTS (SELECT 1 FROM u)")).reads
    assert reads["t"] == {"id", "tags"}
    assert reads["u"] == {""}


def test_compiling_runs_nothing(store: Store) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    start = time.perf_counter()
    assert store.compile(whole(endless)).types == ("any",)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("sql", "message", "span"),
    [
        ("SELECT nope FROM t", "no such column: nope", Span(7, 11)),
        ("SELECT t.nope FROM t", "no such column: t.nope", Span(7, 13)),
        ("SELECT frob(id) FROM t", "no such function: frob", Span(7, 11)),
        ("SELECT split_part(id) FROM t", "wrong number of arguments to function split_part()", Span(7, 17)),
        ("SELECT id FROM nowhere", "no such table: nowhere", Span(15, 22)),
        ("SELECT", "incomplete input", Span(5, 6)),
        ("SELECT id, FROM t", 'near "FROM": syntax error', Span(11, 15)),
        ("SELECT t.id FROM t JOIN t u ON size = 1", "ambiguous column name: size", Span(31, 35)),
    ],
)
def test_errors_of_sqlite_are_placed(store: Store, sql: str, message: str, span: Span) -> None:
    with pytest.raises(QueryFault) as raised:
        store.compile(whole(sql))
    assert raised.value.message == message
    assert raised.value.span == span


def test_an_ambiguous_name_says_what_to_do(store: Store) -> None:
    with pytest.raises(QueryFault) as raised:
        store.compile(whole("SELECT size FROM t JOIN t u"))
    assert raised.value.hint == "put the table's alias before it: alias.column"


@pytest.mark.parametrize("sql", ["PRAGMA database_list", "ATTACH 'x.db' AS x"])
def test_nothing_outside_the_store_is_reached(store: Store, sql: str) -> None:
    with pytest.raises(QueryFault):
        store.compile(whole(sql))


def test_a_failing_function_says_why(store: Store) -> None:
    with pytest.raises(QueryFault, match="split_part counts from 1") as raised:
        list(store.query(whole("SELECT split_part(id, 'a', 0) FROM t")))
    assert raised.value.span == Span(7, 17)


def test_a_function_that_fails_on_a_later_row_says_why(store: Store) -> None:
    with pytest.raises(QueryFault, match="split_part counts from 1"):
        list(store.query(whole("SELECT split_part(id, 'a', size - 2) FROM t WHERE size > 0")))


def test_a_bad_pattern_says_why(store: Store) -> None:
    with pytest.raises(QueryFault, match="regexp: missing \\)"):
        list(store.query("SELECT 1 FROM t WHERE id REGEXP '('"))


def test_loading_what_no_table_has_is_a_fault(store: Store) -> None:
    with pytest.raises(QueryFault, match="no column named"):
        store.load("t", ["nope"], [(1,)])


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("split_part('a-b-c', '-', 2)", "b"),
        ("split_part('a-b-c', '-', -1)", "c"),
        ("split_part('a-b-c', '-', 9)", ""),
        ("split_part('abc', '', 1)", "abc"),
        ("split_part(NULL, '-', 1)", None),
        ("regexp_like('Debian 12', '[0-9]+$')", 1),
        ("regexp_substr('Debian 12', '[0-9]+')", "12"),
        ("regexp_substr('Debian', '[0-9]+')", None),
        ("regexp_replace('a1b2', '[0-9]', '#')", "a#b#"),
        ("'abc' REGEXP 'b'", 1),
        ('json_equal(\'{"a":1,"b":[1,2]}\', \'{"b":[1,2],"a":1.0}\')', 1),
        ("json_equal('[1,2]', '[2,1]')", 0),
        ("json_equal('true', '1')", 0),
        ("json_equal('{\"a\":true}', '{\"a\":1}')", 0),
        ("sqrt(16)", 4.0),
        ("iif(1 > 0, 'y', 'n')", "y"),
        ("1 +", None),
    ],
)
def test_functions(sql: str, value: object) -> None:
    assert evaluate(sql) == value


def test_declarations_choose_the_affinity() -> None:
    assert [declared(c.shape).split()[0] for c in COLUMNS] == [
        "TEXT",
        "INTEGER",
        "NUMERIC",
        "STRATOQL_BOOLEAN",
        "STRATOQL_TEXT_JSON",
        "STRATOQL_TEXT_MOMENT",
    ]


def test_time_in_which_nothing_was_to_do_is_given_back() -> None:
    late = Store(timeout=0.001)
    time.sleep(0.01)
    late.extend(60)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000) SELECT count(*) FROM n"
    assert list(late.query(endless)) == [(50000,)]
    late.close()


def test_more_rows_than_there_is_time_for() -> None:
    store = Store(timeout=0.05)
    store.create("t", (Column(name="a"),))
    with pytest.raises(TimedOut, match=r"the 0.05 s allowed are used up, in SQLite"):
        store.repeat("t", ["a"], ("x",), 10**11)
    store.close()


def test_another_thread_stops_a_query() -> None:
    store = Store()
    store.create("t", (Column(name="a"),))
    stopping = threading.Timer(0.2, store.interrupt)
    stopping.start()
    with pytest.raises(Interrupted):
        store.repeat("t", ["a"], ("x",), 10**11)
    stopping.join()
    store.close()


def test_of_what_was_interrupted_nothing_is_asked_again() -> None:
    store = Store()
    store.interrupt()
    with pytest.raises(Interrupted, match=r"\Ainterrupted\Z"):
        store.query("SELECT 1")

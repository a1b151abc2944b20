"""Rows that SQLite only finds: the same answer whether it held their values or not."""

from __future__ import annotations

import itertools
import math
import time
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import Interrupted, Misuse, QueryFault, TimedOut
from engine.language.text import Text, slice_of
from engine.planner.late import late, numbered
from engine.store import Late, Store
from engine.store import spool as module
from provider_registry.model import Column, Shape
from tests.accounts.asked import ask
from tests.statements.fixtures import run

T0 = [
    Column(name="id", shape=Shape()),
    Column(name="label", shape=Shape()),
    Column(name="size", shape=Shape(type="integer")),
    Column(name="weight", shape=Shape(type="number")),
    Column(name="is_public", shape=Shape(type="boolean")),
    Column(name="tags", shape=Shape(type="array")),
    Column(name="created", shape=Shape(format="date-time")),
]
T1 = [Column(name="id", shape=Shape()), Column(name="x", shape=Shape(type="integer"))]
TABLES = {"t0": [column.name for column in T0], "t1": [column.name for column in T1]}

FOUND = {  # what becomes of a query
    "SELECT * FROM main.t0 AS i WHERE size > 1 ORDER BY label": (
        'SELECT "i"._rowid_ FROM main.t0 AS i WHERE size > 1 ORDER BY label'
    ),
    "SELECT i.id, upper(label) AS u FROM main.t0 AS i WHERE size > 1 ORDER BY u": (
        'SELECT upper(label) AS u, "i"._rowid_ FROM main.t0 AS i WHERE size > 1 ORDER BY u'
    ),
    "SELECT ALL id, (SELECT max(x), 2), label l FROM main.t0 AS i LIMIT 3 OFFSET 1": (
        'SELECT ALL (SELECT max(x), 2), "i"._rowid_ FROM main.t0 AS i LIMIT 3 OFFSET 1'
    ),
    "SELECT ID, [Label] FROM main.t0 AS i LIMIT 1": 'SELECT "i"._rowid_ FROM main.t0 AS i LIMIT 1',
    "SELECT a.*, b.x FROM main.t0 AS a LEFT JOIN main.t1 AS b ON a.id = b.id": (
        'SELECT "a"._rowid_, "b"._rowid_ FROM main.t0 AS a LEFT JOIN main.t1 AS b ON a.id = b.id'
    ),
    "SELECT a.label, r.value FROM main.t0 AS a, json_each(a.tags) AS r": (
        'SELECT r.value, "a"._rowid_ FROM main.t0 AS a, json_each(a.tags) AS r'
    ),
    "WITH q AS (SELECT 1 AS one) SELECT i.label FROM main.t0 AS i, q WHERE i.size = one": (
        'WITH q AS (SELECT 1 AS one) SELECT "i"._rowid_ FROM main.t0 AS i, q WHERE i.size = one'
    ),
    "SELECT label AS l, size AS s FROM main.t0 AS i ORDER BY s": (
        'SELECT size AS s, "i"._rowid_ FROM main.t0 AS i ORDER BY s'
    ),
    "SELECT id, label, size, tags FROM main.t0 AS i ORDER BY 3 DESC, 2, id": (
        'SELECT NULL, label, size, "i"._rowid_ FROM main.t0 AS i ORDER BY 3 DESC, 2, id'
    ),
    "SELECT id, label, size FROM main.t0 AS i ORDER BY (2) COLLATE nocase": (
        'SELECT NULL, label, "i"._rowid_ FROM main.t0 AS i ORDER BY (2) COLLATE nocase'
    ),
    "SELECT id, upper(label) FROM main.t0 AS i ORDER BY 2": (
        'SELECT NULL, upper(label), "i"._rowid_ FROM main.t0 AS i ORDER BY 2'
    ),
    "SELECT*,upper(label)FROM main.t0 AS i": 'SELECT upper(label), "i"._rowid_ FROM main.t0 AS i',
    'SELECT"id","label"FROM main.t0 AS i': 'SELECT "i"._rowid_ FROM main.t0 AS i',
    "SELECT id IS DISTINCT FROM label, id FROM main.t0 AS i": (
        'SELECT id IS DISTINCT FROM label, "i"._rowid_ FROM main.t0 AS i'
    ),
    "SELECT id, label IS NOT DISTINCT FROM size FROM main.t0 AS i": (
        'SELECT label IS NOT DISTINCT FROM size, "i"._rowid_ FROM main.t0 AS i'
    ),
}
NOT_FOUND = [
    "SELECT DISTINCT id, label FROM main.t0 AS i ORDER BY size",
    "SELECT id, label FROM main.t0 AS i GROUP BY size",
    "SELECT id, label FROM main.t0 AS i ORDER BY size, -1",
    "SELECT id, label FROM main.t0 AS i ORDER BY likely(2 COLLATE nocase)",
    "SELECT *, id FROM main.t0 AS i ORDER BY 2",
    "SELECT id FROM main.t0 AS i ORDER BY 1",
    "SELECT label AS id FROM main.t0 AS i ORDER BY id",
    "SELECT id FROM main.t0 AS i UNION ALL SELECT id FROM main.t1 AS j",
    "SELECT id FROM (SELECT id FROM main.t0 AS i) AS i",
    "SELECT upper(id) FROM main.t0 AS i",
    "SELECT (SELECT * FROM main.t1 AS j) FROM main.t0 AS i",
    "SELECT size, label FROM main.t0 AS a, main.t1 AS b",
    "SELECT * FROM main.t0 AS a, main.t1 AS b",
    "SELECT a.*, b.* FROM main.t0 AS a, json_each(a.tags) AS b",
    "SELECT a.x FROM main.t1 AS a, json_each('[1]') AS a",
    "SELECT *, upper(label) AS size FROM main.t0 AS i ORDER BY size",
    "SELECT i.*, label AS Size FROM main.t0 AS i ORDER BY sIZE",
    'SELECT "\u017fize" FROM main.t0 AS i',
    "SELECT (SELECT i.id FROM main.t0 AS i)",
    "VALUES (1)",
    "SELECT *, tags AS size FROM main.t0 AS i ORDER BY size, id",
    "SELECT *, upper(label) AS label FROM main.t0 AS i ORDER BY label, id",
    "SELECT a.*, b.* FROM main.t0 AS a JOIN main.t1 AS b ON a.size = b.x ORDER BY id",
]


@pytest.mark.parametrize("sql", FOUND)
def test_numbers_of_rows_stand_for_their_columns(sql: str) -> None:
    made = numbered(Text(sql), TABLES)
    assert made is not None
    assert made.query.sql == FOUND[sql]


@pytest.mark.parametrize("sql", NOT_FOUND)
def test_another_query_stays_as_it_is(sql: str) -> None:
    assert numbered(Text(sql), TABLES) is None


def test_a_table_that_calls_a_column_like_the_number_keeps_its_values() -> None:
    assert numbered(Text("SELECT a FROM main.t AS t WHERE b"), {"t": ["a", "b", "_ROWID_"]}) is None


def test_rows_without_numbers_keep_their_values() -> None:
    sql = "SELECT i.label, j.x FROM (main.t0 AS i JOIN main.t1 AS j ON i.id = j.id) AS k WHERE i.size > 1"
    assert late(Text(sql), TABLES, created()) is None


def test_what_is_compared_anyway_is_no_gain() -> None:
    store = created()
    assert late(Text("SELECT id, size FROM main.t0 AS i WHERE id > 'a' ORDER BY size"), TABLES, store) is None
    spared = late(Text("SELECT id, size FROM main.t0 AS i WHERE id > 'a'"), TABLES, store)
    assert spared is not None
    assert spared.searched == {"t0": {"id"}}


ITEMS = ["*", "i.*", "j.x", "id", "i.id", "label", "i.tags", "size AS id", "label AS size", "weight w", "is_public"]
ITEMS += [
    "upper(label)",
    "i.size + 1 AS n",
    "(SELECT count(*) FROM main.t1)",
    "1",
    "created",
    "i.rowid",
    "tags 'it''s'",
]
ITEMS += ["upper(label) AS size", "label IS DISTINCT FROM i.id", "i.label AS x"]
ITEMS += ["row_number() OVER (ORDER BY i.id, i.rowid)", 'i."LABEL"', "main.i.id", "nothing", '"nothing"', "j.*"]
FROMS = [
    "main.t0 AS i",
    "main.t0 AS i LEFT JOIN main.t1 AS j ON i.id = j.id",
    "main.t0 AS i NATURAL JOIN main.t1 AS j",
]
FROMS += [
    "main.t0 AS i JOIN main.t1 AS j USING (id)",
    "main.t0 AS i, json_each(i.tags) AS j",
    "main.t1 AS i, main.t0",
]
FROMS += [
    "(SELECT * FROM main.t0) AS i",
    "main.t1 AS j FULL JOIN main.t0 AS i ON i.size = j.x",
    "main.t0 AS I",
    'main.t0 AS "\u0130"',
    'main.t0 AS "i"" ',
    "(main.t0 AS i JOIN main.t1 AS j ON i.id = j.id)",
    "(main.t0 AS i JOIN main.t1 AS j ON i.id = j.id) AS k",
    "main.t1 AS k, (main.t0 AS i JOIN main.t1 AS j ON i.id = j.id)",
]
TERMS = [
    "size > 1",
    "i.id IN (SELECT id FROM main.t1)",
    "id < 'b'",
    "n > 1",
    "w IS NULL",
    "is_public",
    "i.label LIKE 'a%'",
]
TERMS += ["created > '2024-01-01 00:00:00'", "EXISTS (SELECT 1 FROM main.t1 AS k WHERE k.id = i.id)", "true"]
ORDERS = [
    "size",
    "id DESC",
    "label, i.rowid",
    "2",
    "i.created",
    "n",
    "w DESC NULLS LAST",
    "abs(i.size) > 2",
    "upper(id)",
    "1 + 0",
]


@st.composite
def queries(draw: st.DrawFn) -> str:
    sql = f"SELECT {', '.join(draw(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=4)))}"
    sql += f" FROM {draw(st.sampled_from(FROMS))}"
    if terms := draw(st.lists(st.sampled_from(TERMS), max_size=2)):
        sql += f" WHERE {' AND '.join(terms)}"
    sql += draw(st.sampled_from(["", "", "", " GROUP BY i.id", " GROUP BY 1 HAVING count(*) > 0"]))
    order = draw(st.one_of(st.none(), st.sampled_from(ORDERS)))
    if order is None:
        return sql
    last = ", j.rowid" if " AS j" in sql else ""  # no two rows are alike: their order is known
    return f"{sql} ORDER BY {order}, i.rowid{last}" + draw(st.sampled_from(["", " LIMIT 2", " LIMIT 2 OFFSET 1"]))


texts = st.sampled_from([None, "a", "b", "ab", ""])
rows0 = st.tuples(
    texts,
    texts,
    st.sampled_from([None, 0, 1, 2, 3, "2"]),
    st.sampled_from([None, 0.5, 1, 2.0, math.nan]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, "[]", '["a", 1]']),
    st.sampled_from([None, "2024-01-01T00:00:00", "2024-01-02 00:00:00", "soon"]),
)
rows1 = st.tuples(texts, st.sampled_from([None, 1, 2]))


def created(searched: dict[str, frozenset[str]] | None = None) -> Store:
    store = Store()
    for name, columns in (("t0", T0), ("t1", T1)):
        store.create(name, columns, searched=(searched or {}).get(name))
    return store


def made_of(sql: str) -> Late | None:
    store = created()
    merged = frozenset({"id"} if "NATURAL" in sql or "USING" in sql else ())
    try:
        if store.compile(Text(sql)).aggregates:
            return None
        return late(Text(sql), TABLES, store, dict.fromkeys(TABLES, merged))
    finally:
        store.close()


def answer(sql: str, made: Late | None, zero: Sequence[Sequence[Any]], one: Sequence[Any]) -> list[str]:
    store = created(made.searched if made is not None else {})
    for rows in zero:
        store.load("t0", TABLES["t0"], rows)
    store.load("t1", TABLES["t1"], one)
    names, batches = store.batches(Text(sql), made)
    found = [repr(row) for batch in batches for row in batch]
    store.close()
    return [repr(names), *(found if "ORDER BY" in sql else sorted(found))]


@example("SELECT label AS size FROM main.t0 AS i ORDER BY size, i.rowid", [[("a", "b", 1, 1, True, "[]", None)]], [])
@example("SELECT i.id, j.x FROM main.t0 AS i LEFT JOIN main.t1 AS j ON i.id = j.id", [[("a", *[None] * 6)]], [])
@example("SELECT * FROM main.t0 AS i LIMIT 2", [[("a", "b", "2", 1, True, "[]", None)]], [])
@given(queries(), st.lists(st.lists(rows0, max_size=3), max_size=3), st.lists(rows1, max_size=3))
def test_it_makes_no_difference_where_the_values_waited(sql: str, zero: list[list[Any]], one: list[Any]) -> None:
    try:
        created().compile(Text(sql))
    except QueryFault:
        return  # no query over these tables
    made = made_of(sql)
    assert answer(sql, made, zero, one) == answer(sql, None, zero, one)


def test_most_of_these_queries_are_found_late() -> None:
    plain = [f"SELECT {item} FROM {FROMS[0]} WHERE {term}" for item, term in itertools.product(ITEMS[3:7], TERMS[:3])]
    assert sum(made_of(sql) is not None for sql in plain) > len(plain) / 2


def test_sqlite_holds_no_more_than_it_searches_by() -> None:
    sql = "SELECT * FROM main.t0 AS i WHERE size > 1"
    made = made_of(sql)
    assert made is not None
    store = created(made.searched)
    store.load("t0", TABLES["t0"], [("a", "b", 2, 0.5, True, "[]", None)])
    assert list(store.batches(Text(sql), made)[1]) == [[("a", "b", 2, 0.5, 1, "[]", None)]]
    assert store._db.execute("SELECT * FROM t0").fetchall() == [(None, None, 2, None, None, None, None)]
    assert list(store.query(sql)) == [("a", "b", 2, 0.5, 1, "[]", None)]  # who asks for more finds a table
    assert list(store.batches(Text(sql), made)[1]) == [[("a", "b", 2, 0.5, 1, "[]", None)]]


def test_more_rows_than_may_wait_go_to_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SEARCHED", 500)
    sql = "SELECT label FROM main.t0 AS i WHERE size > 0 ORDER BY size DESC"
    made = made_of(sql)
    assert made is not None
    store = created(made.searched)
    for number in range(0, 20, 2):
        store.load("t0", ["label", "size"], [(f"l{number}", number), (f"l{number + 1}", number + 1)])
    held = store._db.execute("SELECT count(label), count(size) FROM t0").fetchone()
    assert 0 < held[0] < held[1] == 20
    found = [row[0] for batch in store.batches(Text(sql), made)[1] for row in batch]
    assert found == [f"l{number}" for number in range(19, 0, -1)]
    assert [row[0] for row in store.query("SELECT label FROM t0")] == [f"l{number}" for number in range(20)]


def test_how_much_waits_is_not_told_by_a_first_row_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SEARCHED", 1_000_000)
    store = created({"t0": frozenset({"size"})})
    for _ in range(2):
        store.load("t0", ["label", "size"], [("", 1), *[("long" * 5000, 2)] * 499])
    assert store._db.execute("SELECT count(label), count(*) FROM t0").fetchone() == (500, 1000)


def test_who_asks_for_another_table_leaves_rows_waiting() -> None:
    made = made_of("SELECT label FROM main.t0 AS i WHERE size > 1")
    assert made is not None
    store = created(made.searched)
    store.load("t0", ["label", "size"], [("a", 2)])
    store.load("t1", ["id"], [("a",), ("b",)])
    assert list(store.select(Text("SELECT id FROM t1 ORDER BY id"), tables=["t1"])[1]) == [("a",), ("b",)]
    store.forget("t1", "id", "b")
    store.repeat("t1", ["id"], ("c",), 2)
    assert store._db.execute("SELECT label, size FROM t0").fetchall() == [(None, 2)]
    assert list(store.select(Text("SELECT label FROM t0"), tables=["t0"])[1]) == [("a",)]


def test_rows_of_several_accounts_wait_too(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Late] = []
    found = Store._found

    def noted(store: Store, made: Late) -> Any:
        taken.append(made)
        return found(store, made)

    monkeypatch.setattr(Store, "_found", noted)
    sql = "SELECT label, _account FROM linode.images.images WHERE size > 1 ORDER BY id"
    whole, forgotten = ask(sql), ask(sql, partial=True, environ={"PROD_TOKEN": "revoked"})
    assert len(taken) == 1  # where rows were forgotten their numbers are no longer theirs
    monkeypatch.setattr("engine.planner.planner.late", lambda *_: None)
    assert (ask(sql), ask(sql, partial=True, environ={"PROD_TOKEN": "revoked"})) == (whole, forgotten)
    assert len(whole.rows) > len(forgotten.rows) > 0


def test_a_fault_in_what_is_computed_is_placed_in_the_users_text() -> None:
    sql = "SELECT label, json_extract(tags, '$[') FROM main.t0 AS i"
    made = late(slice_of(sql, 0, len(sql)), TABLES, created())
    assert made is not None
    start = made.query.sql.index("json_extract")
    span = made.query.origin(start, start + 4)
    assert span is not None
    assert sql[span.start :].startswith("json_extract")


def test_rows_that_are_found_can_be_stopped() -> None:
    store, made = created({"t0": frozenset()}), made_of("SELECT label FROM main.t0 AS i LIMIT 900")
    store.load("t0", ["label"], [("a",)] * 900)
    batches = store.batches(Text(""), made)[1]
    next(batches)
    store.interrupt()
    with pytest.raises(Interrupted, match=r"\Ainterrupted\Z"):
        next(batches)


def test_rows_that_are_found_know_the_time_allowed() -> None:
    store, made = Store(0.05), made_of("SELECT label FROM main.t0 AS i LIMIT 900")
    store.create("t0", T0, searched=frozenset())
    store.load("t0", ["label"], [("a",)] * 900)
    batches = store.batches(Text(""), made)[1]
    time.sleep(0.06)
    with pytest.raises(TimedOut, match=r"the 0\.05 s allowed are used up, in SQLite"):
        next(batches)


def test_what_is_closed_keeps_no_values_whoever_keeps_the_result() -> None:
    store, made = created({"t0": frozenset()}), made_of("SELECT label FROM main.t0 AS i LIMIT 900")
    tracemalloc.start()
    try:
        store.load("t0", ["label"], [(str(number) * 1000,) for number in range(100, 1000)])
        batches = store.batches(Text(""), made)[1]
        next(batches)
        assert tracemalloc.get_traced_memory()[0] > 2_500_000
        store.close()
        assert tracemalloc.get_traced_memory()[0] < 1_500_000
    finally:
        tracemalloc.stop()
    with pytest.raises(Misuse, match="the result is closed, and its other rows are gone"):
        next(batches)


def test_what_is_closed_before_it_is_read_says_so() -> None:
    store, made = created({"t0": frozenset()}), made_of("SELECT label FROM main.t0 AS i LIMIT 9")
    store.load("t0", ["label"], [("a",)])
    batches = store.batches(Text(""), made)[1]
    store.close()
    with pytest.raises(Misuse, match="the result is closed, and its other rows are gone"):
        next(batches)


def test_an_order_of_the_query_s_own_comes_through() -> None:
    seen = run("SELECT id, label FROM linode.images.images WHERE size > 0 ORDER BY size DESC, id LIMIT 3")
    plain = run("SELECT id, label, size FROM linode.images.images WHERE size > 0 ORDER BY 3 DESC, id LIMIT 3")
    assert [row[:2] for row in plain.values] == list(seen.values)

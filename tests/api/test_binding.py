"""Parameters are values whatever they look like, and errors underline what the user wrote."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import uuid
from typing import Any

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.api.binding import bind
from engine.errors import explain
from engine.language.dialect import tokenize
from tests.api.opened import IMAGE, opened, wire

LATER = datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
Colour = enum.Enum("Colour", "RED")
circle: list[object] = []
circle.append(circle)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["'", "''", "' OR 1=1 --", "*/", "/*", ";", ":x", "?", "\x00", "a\x00'b", "{{ x }}", "\\", "\u2028", "%", "NULL"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.sampled_from([4.76391387491265e-300, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 1e23])
    | texts
    | st.binary(max_size=20)
)


@pytest.fixture(scope="module")
def connection() -> Any:
    with opened() as found:
        yield found


@given(value=scalars)
def test_any_value_comes_back_as_it_went(connection: engine.Connection, value: object) -> None:
    rows = connection.execute("SELECT :x, typeof(:x)", {"x": value}).fetchall()
    (again, _), *more = connection.execute("SELECT ?, ?", [value, "x"]).fetchall()
    assert (rows[0][0], again, more) == (value, value, [])
    if not isinstance(value, bool):  # SQLite's are 0 and 1
        assert type(rows[0][0]) is type(value)


@settings(max_examples=30)
@given(document=st.recursive(st.none() | st.booleans() | st.integers(0, 99) | texts, lambda inner: st.lists(inner)))
def test_documents_become_json(connection: engine.Connection, document: object) -> None:
    (text,) = connection.execute("SELECT ?", [[document]]).fetchall()[0]
    assert json.loads(text) == [document]


@given(before=texts, value=texts)
def test_only_the_placeholder_is_replaced(before: str, value: str) -> None:
    """Around it nothing changes, whatever stands in strings and comments, and the value is one literal."""
    quoted = before.replace("\x00", "").replace("'", "''")
    comment = before.replace("\x00", "").replace("*/", "").replace("\n", " ").replace("\r", " ").removesuffix("*")
    sql = f"SELECT '{quoted}' /* {comment} */, ?, \":x\" FROM t"
    (bound,) = bind(sql, [value])
    plain = tokenize(sql.replace("*/, ?,", "*/, 'P',"))
    if "\x00" not in value:
        found = tokenize(bound.statement.text)
        assert [t.text if t.text != "P" else value for t in plain] == [t.text for t in found]
    ((ours, theirs),) = bound.places
    assert bound.text.sql[: ours.start] == sql[: theirs.start]
    assert bound.text.sql[ours.end :] == sql[theirs.end :]


@pytest.mark.parametrize(
    ("sql", "parameters", "rows"),
    [
        ("SELECT:x", {"x": 1}, [(1,)]),
        ("SELECT 1-:x", {"x": -1}, [(2,)]),
        ("SELECT ?||?", ["a", "b"], [("ab",)]),
        ("SELECT 5 LIMIT :n", {"n": 1}, [(5,)]),
        ("SELECT :from, :Order", {"from": 1, "Order": 2}, [(1, 2)]),
        ("SELECT 1 WHERE 1 = :group ORDER BY 1", {"group": 1}, [(1,)]),
        ("SELECT ':x', \":x\", [:x], 1 -- :x ?\n", {}, None),
        ("SELECT x'3a78'", {}, [(b":x",)]),
        ("SELECT :é", {"é": 1}, [(1,)]),
        ("SELECT :x", {"x": 1, "unused": object()}, [(1,)]),
        ("SELECT :t", {"t": datetime.datetime(2024, 1, 2, 3, 4, 5)}, [("2024-01-02T03:04:05",)]),
        ("SELECT :t", {"t": datetime.date(2024, 1, 2)}, [("2024-01-02",)]),
        ("SELECT ?", [uuid.UUID(int=5)], [("00000000-0000-0000-0000-000000000005",)]),
        ("SELECT ?", [[LATER]], [('["2024-01-02T01:04:05"]',)]),  # as outside a list
    ],
)
def test_where_placeholders_stand(connection: engine.Connection, sql: str, parameters: Any, rows: Any) -> None:
    if rows is None:
        assert bind(sql, parameters)[0].places == ()
    else:
        assert connection.execute(sql, parameters).fetchall() == rows


def test_values_travel_as_those_of_the_statement_do() -> None:
    through = wire()
    zone = datetime.timezone(datetime.timedelta(hours=2))
    with opened(through=through) as connection:
        sql = f"SELECT id FROM {IMAGE} WHERE id = :id AND created < :before"
        moment = datetime.datetime(2100, 1, 1, tzinfo=zone)
        assert connection.execute(sql, {"id": "private/11", "before": moment}).fetchall() == [("private/11",)]
        connection.execute(f"SELECT id FROM {IMAGE} WHERE is_public = ?", [False])
        connection.execute(
            f"REPLACE {IMAGE} SET tags = :tags, description = :text WHERE id = :id",
            {"tags": ["prod", "web"], "text": "it's", "id": "private/11"},
        )
    one, listed, write = through.requests
    assert one.url.endswith("/images/private%2F11")
    assert listed.headers["x-filter"] == '{"is_public":false}'
    assert json.loads(write.body) == {"tags": ["prod", "web"], "description": "it's"}


@pytest.mark.parametrize(
    ("sql", "parameters", "kind", "told"),
    [
        (
            "SELECT :lable",
            {"label": 1},
            engine.ProgrammingError,
            "\n         ^^^^^^\nhint: did you mean label?",
        ),
        ("SELECT ?, ?", [1], engine.ProgrammingError, "there is no value for ? number 2"),
        ("SELECT ?", [1, 2], engine.ProgrammingError, "2 values for 1 placeholder"),
        ("SELECT ?", {"x": 1}, engine.ProgrammingError, "give a mapping for :name, a sequence for ?"),
        ("SELECT :x", None, engine.ProgrammingError, "there is no value for :x"),
        ("SELECT ?1", [1], engine.ProgrammingError, "hint: give them names: :first, :second"),
        ("SELECT $a", {"a": 1}, engine.ProgrammingError, "$a is no placeholder that is known\nline 1, column 8"),
        ("SELECT $a", {"a": 1}, engine.ProgrammingError, "hint: write it as :a"),
        ("SELECT ?", "a", engine.ProgrammingError, "parameters are a mapping or a sequence, not a str"),
        ("SELECT ?", [float("nan")], engine.DataError, "SQL has no NaN\nline 1, column 8:"),
        ("SELECT :n", {"n": 2**63}, engine.DataError, "parameter :n: the integer does not fit into 64 bits"),
        ("SELECT ?", [decimal.Decimal(1)], engine.DataError, "a value of type Decimal has no form in SQL"),
        (
            "SELECT ?",
            [decimal.Decimal(1)],
            engine.DataError,
            "hint: give it as a float, which may round it, or as text",
        ),
        ("SELECT ?", [Colour.RED], engine.DataError, "hint: give its value, or its name"),
        ("SELECT ?", [datetime.timedelta(1)], engine.DataError, "hint: give its seconds, or text"),
        ("SELECT ?", [{1}], engine.DataError, "hint: give a list"),
        ("SELECT ?", [[float("nan")]], engine.DataError, "it cannot be written as JSON: it has no nan"),
        ("SELECT ?", [{"a": [float("inf")]}], engine.DataError, "it cannot be written as JSON: it has no inf"),
        ("SELECT ?", [[pandas.NaT]], engine.DataError, "it cannot be written as JSON: it has no moment"),
        ("SELECT ?", [circle], engine.DataError, "it cannot be written as JSON: maximum recursion depth"),
        ("SELECT ?", ["\ud800"], engine.DataError, "half a character"),
        ("SELECT ?", [[object()]], engine.DataError, "it cannot be written as JSON"),
        (
            "SELECT lable\nFROM {I} WHERE 's' = :x",
            {"x": "s"},
            engine.ProgrammingError,
            "SELECT lable\n         ^^^^^",
        ),
        ("SELECT :x FROM {I}\nWHERE lable = 1", {"x": "long" * 9}, engine.ProgrammingError, "line 2, column 7"),
        ("EXPLAIN SELECT :x, lable FROM {I}", {"x": 1}, engine.ProgrammingError, "column 20"),
        ("SELECT 1 FROM a b :x", {"x": "hush"}, engine.ProgrammingError, "no value can stand here, found :x"),
    ],
)
def test_what_cannot_be(
    connection: engine.Connection, sql: str, parameters: Any, kind: type[engine.StratoqlError], told: str
) -> None:
    with pytest.raises(kind) as raised:
        connection.execute(sql.replace("{I}", IMAGE), parameters)
    assert told in explain(raised.value)
    assert "hush" not in explain(raised.value)
    assert (raised.value.statement or sql) in sql.replace("{I}", IMAGE)


def test_scalars_of_numpy_are_values(connection: engine.Connection) -> None:
    import numpy

    row = [numpy.int64(5), numpy.float64(0.5), numpy.bool_(True), numpy.str_("a")]
    assert connection.execute("SELECT ?, ?, ?, ?", row).fetchall() == [(5, 0.5, 1, "a")]

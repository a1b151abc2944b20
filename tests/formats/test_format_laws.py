"""What holds for any values: nothing is lost on the way out, nothing takes hold of a terminal."""

from __future__ import annotations

import base64
import csv
import json
import math
import unicodedata
from io import BytesIO, StringIO, TextIOWrapper
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

from engine.formats import FORMATS, Options
from engine.formats.cells import spell
from engine.result import JsonText, Result, ResultColumn
from tests.formats.results import result, written

Table: TypeAlias = tuple[list[ResultColumn], list[tuple[Any, ...]]]

few = settings(deadline=None, max_examples=60)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DOCUMENT = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
JSON = st.tuples(DOCUMENT, st.sampled_from([None, 2])).map(
    lambda made: JsonText(json.dumps(made[0], indent=made[1], ensure_ascii=False))
)
VALUE = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | TEXT | st.binary(max_size=5) | JSON
)


@st.composite
def tables(draw: st.DrawFn, values: st.SearchStrategy[Any] = VALUE) -> Table:
    """Columns with any names, equal ones too, and rows of any values."""
    names = draw(st.lists(TEXT | st.sampled_from(["id", "id_2"]), min_size=1, max_size=4))
    rows = draw(st.lists(st.tuples(*[values for _ in names]), max_size=4))
    return [ResultColumn(name) for name in names], rows


def as_json(value: Any) -> Any:
    """What a value is once it has been JSON."""
    if isinstance(value, JsonText):
        return json.loads(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return None if isinstance(value, float) and not math.isfinite(value) else value


@few
@given(tables())
def test_json_keeps_every_value_under_a_name_of_its_own(
    table: Table,
) -> None:
    columns, rows = table
    text = written("json", result(columns, rows))
    assert text.count("\n") == 1
    assert text.endswith("\n")
    objects = json.loads(text)
    assert [list(each.values()) for each in objects] == [[as_json(value) for value in row] for row in rows]
    assert [msgspec.json.decode(line) for line in written("jsonl", result(columns, rows)).split("\n")[:-1]] == objects
    first = {column.name: n for n, column in reversed(list(enumerate(columns)))}
    for each in objects:
        assert all(list(each)[n] == name for name, n in first.items()), "the first of each name keeps it"


@few
@given(tables(), st.sampled_from(",;|\t:é."))
def test_csv_reads_back(table: Table, delimiter: str) -> None:
    columns, rows = table
    text = written("csv", result(columns, rows), Options(delimiter=delimiter))
    read = list(csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True))
    assert read == [[column.name for column in columns], *([spell(value) for value in row] for row in rows)]


@few
@given(tables())
def test_tsv_reads_back(table: Table) -> None:
    columns, rows = table
    lines = written("tsv", result(columns, rows)).split("\n")
    assert lines.pop() == ""
    read = [[_untabbed(field) for field in line.split("\t")] for line in lines]
    assert read == [[column.name for column in columns], *([spell(value) for value in row] for row in rows)]


def _untabbed(field: str) -> str:
    signs = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
    parts = iter(field)
    return "".join(signs[next(parts)] if c == "\\" else c for c in parts)


@pytest.mark.parametrize("name", ["table", "vertical", "text", "markdown"])
@few
@given(table=tables(TEXT | JSON | st.none()))
def test_no_value_takes_hold_of_a_terminal(name: str, table: Table) -> None:
    text = written(name, result(*table))
    kinds = {unicodedata.category(c) for c in text if c not in "\n\u200c\u200d"}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    columns, rows = table
    lines = {"vertical": len(rows) * (1 + len(columns)), "table": 4 + len(rows), "markdown": 2 + len(rows)}
    assert text.count("\n") == lines.get(name, 1 + len(rows))


@few
@given(tables(st.text("aé日\u0301\n\x1b ", max_size=8) | st.integers() | st.none()))
def test_the_lines_of_a_table_are_equally_wide(table: Table) -> None:
    columns, rows = table
    plain = [ResultColumn(f"column {n}", column.type) for n, column in enumerate(columns)]
    lines = written("table", result(plain, rows)).splitlines()
    assert len({wcswidth(line) for line in lines}) == 1


@pytest.mark.parametrize("name", ["json", "jsonl"])
@few
@given(value=TEXT | JSON, key=TEXT)
def test_json_is_json_in_any_encoding(name: str, value: str, key: str) -> None:
    raw = BytesIO()
    stream = TextIOWrapper(raw, encoding="ascii", newline="\n")
    FORMATS[name](result([ResultColumn(key)], [(value,)]), stream, Options())
    stream.flush()
    found = json.loads(raw.getvalue())
    assert (found if name == "jsonl" else found[0]) == {key: as_json(value)}


def test_csv_tells_null_from_the_empty_string() -> None:
    two = [ResultColumn("a"), ResultColumn("b")]
    assert written("csv", result(two, [(None, ""), ("", None)])) == 'a,b\n,""\n"",\n'


def test_csv_writes_no_line_that_readers_skip() -> None:
    assert written("csv", result([ResultColumn("a")], [(None,), ("x",)])) == 'a\n""\nx\n'


def test_streaming_formats_write_before_the_last_row_is_there() -> None:
    """A broken result leaves JSON without its end, so that nobody takes the part for the whole."""
    for name in ("json", "jsonl", "csv", "tsv", "markdown", "vertical", "text"):

        def rows() -> Any:
            yield from ((n,) for n in range(600))
            raise KeyError("the 601st")

        stream = StringIO()
        with pytest.raises(KeyError):
            FORMATS[name](Result([ResultColumn("n", "integer")], rows()), stream, Options())
        assert "499" in stream.getvalue()
        assert stream.getvalue().endswith("\n")
        assert not stream.getvalue().rstrip().endswith("]")


def test_a_table_is_aligned_by_what_a_column_holds() -> None:
    columns = [ResultColumn("declared", "integer"), ResultColumn("counted"), ResultColumn("mixed")]
    text = written("table", result(columns, [(1, 1.5, 1), (None, None, "x"), (10**18, 22, True)]))
    assert text.splitlines()[3:6] == [
        "|                   1 |       1.5 | 1       |",
        "|                NULL |      NULL | x       |",
        "| 1000000000000000000 |        22 | true    |",
    ]


def test_a_result_without_columns_is_no_trouble() -> None:
    found = {name: written(name, result([], [(), ()])) for name in FORMATS}
    assert (found["json"], found["jsonl"]) == ("[{},{}]\n", "{}\n{}\n")
    assert set(found["table"] + found["text"] + found["csv"]) <= set("+-\n")


def test_no_cell_is_cut() -> None:
    long = "x" * 5000
    for name in FORMATS:
        assert long in written(name, result([ResultColumn("a")], [(long,)]))

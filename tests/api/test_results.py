"""A result as rows, as tables of other libraries, as files."""

from __future__ import annotations

import datetime
import json
import stat
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest

import engine
from tests.api.opened import IMAGE, opened

COLUMNS = "id, size, is_public, created, eol, tags, size / 2.0 AS half"
SQL = f"SELECT {COLUMNS} FROM {IMAGE} WHERE id IN ('private/11', 'private/12', 'linode/debian12') ORDER BY id"
NONE = f"SELECT {COLUMNS.rpartition(',')[0]} FROM {IMAGE} WHERE label = 'nowhere'"


@pytest.fixture(scope="module")
def connection() -> Any:
    with opened() as found:
        yield found


def test_rows_in_three_forms(connection: engine.Connection) -> None:
    tuples = connection.query(SQL).fetchall()
    dicts = connection.query(SQL).to_dicts()
    named = list(connection.query(SQL).namedtuples())
    assert [tuple(row.values()) for row in dicts] == tuples == named
    assert named[0].is_public is dicts[0]["is_public"]
    assert connection.query('SELECT 1 AS id, 2 AS id, 3 AS "a b"').to_dicts() == [{"id": 1, "id_2": 2, "a b": 3}]
    assert next(connection.query('SELECT 1 AS id, 3 AS "a b"').namedtuples())._fields == ("id", "_1")


def test_columns_messages_and_costs(connection: engine.Connection) -> None:
    result = connection.query(SQL)
    types = ["string", "integer", "boolean", "datetime", "datetime", "json", "number"]
    assert [column.type for column in result.columns] == types
    assert (result.kind, result.affected, result.messages, result.stats.requests) == ("rows", None, (), 3)
    with pytest.warns(engine.Warning, match="the hint HURRY is not known"):
        assert connection.query("SELECT /*+ HURRY */ 1").warnings


def test_batches_hold_no_more_than_asked(connection: engine.Connection) -> None:
    with connection.query("WITH n(i) AS (VALUES (1), (2), (3)) SELECT i FROM n") as result:
        assert list(result.batches(2)) == [[(1,), (2,)], [(3,)]]


@pytest.mark.parametrize("sql", [SQL, NONE], ids=["rows", "empty"])
def test_arrow(connection: engine.Connection, sql: str) -> None:
    table = connection.query(sql).to_arrow()
    kinds = ["string", "int64", "bool", "timestamp[us, tz=UTC]", "timestamp[us, tz=UTC]", "string", "double"]
    assert [str(kind) for kind in table.schema.types] == kinds[: table.num_columns]
    rows = connection.query(sql).to_dicts()
    assert table.num_rows == len(rows)
    for ours, theirs in zip(rows, table.to_pylist(), strict=True):
        assert {**ours, "tags": None} == {**theirs, "tags": None}
        assert json.loads(theirs["tags"]) == ours["tags"]
    assert table.equals(connection.query(sql).reader().read_all())


@pytest.mark.parametrize("sql", [SQL, NONE], ids=["rows", "empty"])
def test_pandas(connection: engine.Connection, sql: str) -> None:
    frame = connection.query(sql).to_pandas()
    kinds = ["string", "Int64", "boolean", "datetime64[us, UTC]", "datetime64[us, UTC]", "object", "Float64"]
    assert [str(kind) for kind in frame.dtypes] == kinds[: len(frame.columns)]
    rows = connection.query(sql).to_dicts()
    assert [dict(row) for row in frame.astype(object).where(frame.notna(), None).to_dict("records")] == rows


@pytest.mark.parametrize("sql", [SQL, NONE], ids=["rows", "empty"])
def test_polars(connection: engine.Connection, sql: str) -> None:
    frame = connection.query(sql).to_polars()
    moment = polars.Datetime("us", "UTC")
    kinds = [polars.String, polars.Int64, polars.Boolean, moment, moment, polars.String, polars.Float64]
    assert frame.dtypes == kinds[: frame.width]
    rows = connection.query(sql).to_dicts()
    assert [{**row, "tags": json.loads(row["tags"])} for row in frame.to_dicts()] == rows


def test_other_libraries_take_it_as_it_is(connection: engine.Connection) -> None:
    sql = f"SELECT id, size, created FROM {IMAGE} WHERE is_public = false"
    count = len(connection.query(sql).fetchall())
    with duckdb.connect() as duck:
        duck.register("images", connection.query(sql))
        assert duck.execute("SELECT count(*), min(created) < now() FROM images").fetchall() == [(count, True)]
    assert pyarrow.table(connection.query(sql)).num_rows == count
    assert polars.DataFrame(connection.query(sql)).height == count
    assert pandas.DataFrame.from_arrow(connection.query(sql)).shape == (count, 3)


@pytest.mark.parametrize("name", ["to_arrow", "to_pandas", "to_polars"])
def test_columns_of_expressions_are_what_their_values_are(connection: engine.Connection, name: str) -> None:
    mixed = "iif(i = 1, 'a', i), i * 1.5, NULL, x'00', iif(i = 1, 1, 0.5)"
    table = getattr(connection.query(f"WITH n(i) AS (VALUES (1), (2)) SELECT i, i, {mixed} FROM n"), name)()
    frame = table if name == "to_arrow" else pyarrow.table(table)
    assert [str(kind).removeprefix("large_").removesuffix("_view") for kind in frame.schema.types] == [
        *("int64", "int64", "string", "double", "string", "binary", "double")
    ]
    assert [tuple(row.values())[2] for row in frame.to_pylist()] == ["a", "2"]


@pytest.mark.parametrize("name", ["to_arrow", "to_pandas", "to_polars"])
def test_a_value_of_another_type_is_told_not_bent(connection: engine.Connection, name: str) -> None:
    result = connection.query(f"SELECT size FROM {IMAGE} UNION ALL SELECT 'much'")
    with pytest.raises(engine.DataError, match="column 'size' is of type integer, and a value in it is not"):
        getattr(result, name)()


def test_moments_with_zones_in_all_of_them(connection: engine.Connection) -> None:
    sql = f"SELECT created FROM {IMAGE} WHERE id = 'private/11' UNION ALL SELECT '2024-01-01T02:00:00+02:00'"
    wanted = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    assert connection.query(sql).fetchall()[1] == (wanted,)
    assert connection.query(sql).to_arrow()["created"].to_pylist()[1] == wanted
    assert connection.query(sql).to_polars()["created"].to_list()[1] == wanted
    assert connection.query(sql).to_pandas()["created"][1] == wanted


def test_rows_are_read_once(connection: engine.Connection) -> None:
    result = connection.query(SQL)
    result.fetchone()
    with pytest.raises(engine.ProgrammingError, match="have been read already") as raised:
        result.to_arrow()
    assert raised.value.hint == "run the query again"


READ: dict[str, Callable[[Path], int]] = {
    "csv": lambda path: len(pandas.read_csv(path)),
    "json": lambda path: len(json.loads(path.read_text())),
    "jsonl": lambda path: len(pandas.read_json(path, lines=True)),
    "parquet": lambda path: int(pyarrow.parquet.read_table(path).num_rows),
}


@pytest.mark.parametrize("suffix", READ)
def test_files(connection: engine.Connection, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"images.{suffix}"
    path.write_text("before")
    assert connection.query(SQL).write(path) == 3
    assert READ[suffix](path) == 3
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", READ)
def test_a_file_keeps_what_it_is(connection: engine.Connection, tmp_path: Path, suffix: str) -> None:
    path, link = tmp_path / f"images.{suffix}", tmp_path / f"link.{suffix}"
    path.touch(mode=0o600)
    link.symlink_to(path)
    assert connection.query(SQL).write(link) == 3
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert READ[suffix](path) == 3


def test_threads_write_one_file_side_by_side(connection: engine.Connection, tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT i FROM n"
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: connection.query(many).write(path), range(8))) == [20000] * 8
    assert len(path.read_text().splitlines()) == 20001
    assert list(tmp_path.iterdir()) == [path]


def test_rows_that_have_gone_elsewhere_are_not_said_to_be_none(connection: engine.Connection, tmp_path: Path) -> None:
    takes: list[Callable[[Any], object]] = [
        engine.Result.to_arrow,
        engine.Result.to_pandas,
        polars.DataFrame,
        lambda result: result.write(tmp_path / "x.csv"),
        lambda result: result.write(tmp_path / "x.parquet"),
    ]
    for take in takes * 2:
        result = connection.query("SELECT 1 AS one")
        take(result)
        with pytest.raises(engine.ProgrammingError, match="have been read already"):
            result.fetchall()
    assert repr(connection.query("SELECT 1 AS one, 2 AS two")) == "<engine.Result: one, two>"


def test_files_that_cannot_be(connection: engine.Connection, tmp_path: Path) -> None:
    with pytest.raises(engine.InterfaceError, match="names no format") as raised:
        connection.query(SQL).write(tmp_path / "images.xls")
    assert raised.value.hint == "known ones: csv, tsv, json, jsonl, ndjson, md, parquet"
    for name in ("images.csv", "images.parquet"):
        with pytest.raises(
            engine.InterfaceError, match=r"cannot write .*images.*: No such file or directory$"
        ) as raised:
            connection.query(SQL).write(tmp_path / "nowhere" / name)
        assert raised.value.hint == "name a file in a folder that is there and yours to write in"
    kept = tmp_path / "kept.parquet"
    kept.write_text("before")
    with pytest.raises(engine.DataError):
        connection.query(f"SELECT size FROM {IMAGE} UNION ALL SELECT 'much'").write(kept)
    assert kept.read_text() == "before"


@pytest.mark.parametrize(
    ("module", "name", "extra"),
    [("pyarrow", "to_arrow", "arrow"), ("pandas", "to_pandas", "pandas"), ("polars", "to_polars", "polars")],
)
def test_what_is_not_installed_is_named(
    connection: engine.Connection, monkeypatch: pytest.MonkeyPatch, module: str, name: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(engine.InterfaceError, match=f"{module} is not installed") as raised:
        getattr(connection.query("SELECT 1"), name)()
    assert raised.value.hint == f'pip install "stratoql[{extra}]"'


EXPRESSIONS = """
    count(*) AS n, count(size) OVER () AS over, length(label) AS long, row_number() OVER () AS place,
    size > 3 AS large, label LIKE 'w%' AS web, NOT is_public AS own, id IN ('a') AS one, eol IS NULL AS alive,
    1 AS i, -5 AS minus, -9223372036854775808 AS least, (2) AS two, TRUE AS truth, 9223372036854775808 AS great,
    1.5 AS half, 'x' AS text,
    CAST(size AS INTEGER) AS whole, CAST(size AS REAL) AS real, CAST(size AS TEXT) AS words,
    size / 2.0 AS part, round(size / 3) AS round, avg(size) AS mean,
    upper(label) AS big, label || size AS both, trim(label) AS trimmed, typeof(size) AS kind, group_concat(id) AS ids
"""


def test_expressions_have_types_whether_there_are_rows_or_not(connection: engine.Connection) -> None:
    """And the values are of them: pyarrow and polars refuse what is not."""
    full = connection.query(f"SELECT {EXPRESSIONS} FROM {IMAGE} GROUP BY id")
    empty = connection.query(f"SELECT {EXPRESSIONS} FROM {IMAGE} WHERE id = '' GROUP BY id")
    assert full.columns == empty.columns
    assert {column.type for column in full.columns} == {"integer", "number", "string"}
    full_table, empty_table = full.to_arrow(), empty.to_arrow()
    assert (full_table.num_rows > 3, empty_table.num_rows) == (True, 0)
    assert full_table.schema == empty_table.schema
    described = connection.execute(f"SELECT count(*), 'a', 1.5 FROM {IMAGE}").description
    assert described is not None
    assert [column.type_code for column in described] == [engine.NUMBER, engine.STRING, engine.NUMBER]
    for sql in (f"SELECT max(size), sum(size), coalesce(size, 'a'), size + 1, x'00' FROM {IMAGE}", "VALUES (1)"):
        assert {column.type for column in connection.query(sql).columns} == {"any"}  # only the rows can tell
    assert [column.type for column in connection.query(f"SELECT *, 1 AS n FROM {IMAGE}").columns][-1] == "any"

"""Scripts through the programming interface: data, order, places of errors, dry runs, secrets."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.sandbox import TOKEN
from engine.sandbox.faults import Fault
from tests.api.opened import IMAGE, awaiting, opened, wire

KEY = "hunter2hunter2"
SCRIPT = f"""\
USE linode;
DELETE FROM images.images WHERE id = 'private/{{{{ n }}}}' RETURNING id;
SELECT label FROM {IMAGE}
  WHERE id = 'private/{{{{ m }}}}';
"""


def test_results_come_as_they_are_asked_for(tmp_path: Path) -> None:
    through = wire()
    with opened(through=through) as connection:
        results = connection.script(SCRIPT, {"n": 11, "m": 12})
        assert through.requests == []
        assert (next(results).kind, through.requests) == ("done", [])
        deleted = next(results)
        assert [request.method for request in through.requests] == ["DELETE"]
        assert (deleted.affected, deleted.fetchall()) == (1, [("private/11",)])
        assert [len(result.fetchall()) for result in results] == [1]


def test_a_file_and_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib.iql").write_text("SELECT '{{ a }}', '{{ b }}'")
    (tmp_path / "a.iql").write_text("{% include 'lib.iql' %}; SELECT '{{ env.WHO }}'")
    (tmp_path / "one.yaml").write_text("a: 1\nb: 1")
    (tmp_path / "two.json").write_text('{"b": "it\'s"}')
    monkeypatch.setenv("WHO", "me")
    data: list[str | Path] = [tmp_path / "one.yaml", str(tmp_path / "two.json")]
    with opened() as connection:
        for script in (tmp_path / "a.iql", str(tmp_path / "a.iql")):
            found = connection.script(script, data, allow_env=["WHO"])
            assert [result.fetchall() for result in found] == [[("1", "it's")], [("me",)]]
        (only,) = connection.script("SELECT '{{ a }}'", tmp_path / "one.yaml")
        assert only.fetchall() == [("1",)]
        with pytest.raises(engine.InterfaceError, match=r"cannot read nowhere\.iql: No such file"):
            connection.script("nowhere.iql")
        with pytest.raises(engine.ProgrammingError, match="a script is text or a path, not a bytes"):
            connection.script(b"SELECT 1")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("last", "kind", "line", "column"),
    [
        ("SELECT\n {{ nobody }}", engine.ProgrammingError, 3, 2),
        ("SELECT lable\nFROM linode.images.images", engine.ProgrammingError, 2, 8),
        ("SELEC 1", engine.ProgrammingError, 2, 1),
        ("INSERT INTO linode.images.images (data__disk_id) VALUES ('{{ x }}')", engine.DataError, 2, 59),
    ],
)
def test_a_fault_anywhere_stops_all_of_it(
    last: str, kind: type[engine.Error], line: int, column: int, tmp_path: Path
) -> None:
    through = wire()
    (tmp_path / "a.iql").write_text(f"DELETE FROM {IMAGE} WHERE id = 'private/11';\n{last}")
    with opened(through=through) as connection, pytest.raises(kind) as raised:
        connection.script(tmp_path / "a.iql", {"x": "abc"})
    error = raised.value
    assert isinstance(error, engine.StratoqlError)
    assert error.place is not None
    assert (error.place.source.name, error.place.line, error.place.column) == (str(tmp_path / "a.iql"), line, column)
    assert f"a.iql:{line}:{column}:" in error.__notes__[0]
    assert through.requests == []


@pytest.mark.parametrize(
    ("script", "given", "hint"),
    [
        ("SELECT {{ a }}", {}, "give it with data={...}"),
        ("SELECT '{{ env.HOME }}'", {}, "allow it with allow_env=['HOME']"),
        ("SELECT 1", {"data": 5}, 'write data={"name": value}, or data=["data.json"]'),
        ("SELECT 1", {"data": [{"a": 1}]}, 'write data={"name": value}, or data=["data.json"]'),
    ],
)
def test_hints_are_for_programs(script: str, given: dict[str, Any], hint: str) -> None:
    with opened() as connection, pytest.raises(engine.Error) as raised:
        connection.script(script, **given)
    assert raised.value.hint == hint


def test_one_variable_of_the_environment_may_be_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "test")
    with opened() as connection:
        (result,) = connection.script("SELECT '{{ env.STAGE }}'", allow_env="STAGE")
        assert result.fetchall() == [("test",)]


def test_what_fails_later_tells_what_became_of_each() -> None:
    with opened(Fault("DELETE", nth=2, status=400, times=None)) as connection:
        seen: list[Any] = []
        with pytest.raises(engine.OperationalError) as raised:
            seen.extend(
                connection.script(
                    "{% for n in ids %}DELETE FROM linode.images.images WHERE id = 'private/{{ n }}';\n{% endfor %}",
                    {"ids": [11, 12, 13]},
                )
            )
        assert len(seen) == 1
        assert raised.value.status == 400
        assert raised.value.__notes__[-2:] == [
            f"statement 2 of 3, line 1, was: DELETE FROM {IMAGE} WHERE id = 'private/12'",
            "what became of each statement:\n  statement 1 (line 1): ran, 1 row deleted\n"
            "  statement 2 (line 1): failed\n  statement 3 (line 1): did not run",
        ]
        with pytest.raises(engine.NotSupportedError):
            connection.rollback()


def test_a_dry_run_sends_nothing() -> None:
    through = wire()
    with opened(through=through) as connection:
        plans = [result.to_dicts() for result in connection.script(SCRIPT, {"n": 11, "m": 12}, dry_run=True)]
    lines = [[row["plan"] for row in plan] for plan in plans]
    assert lines[1][0] == "line 2, column 1: statement 2 of 3"
    assert any(line.startswith("  send: DELETE https://") for line in lines[1])
    assert any(line.startswith("depends on earlier writes: statement 2") for line in lines[2])
    assert through.requests == []


def test_secrets_are_not_told(caplog: pytest.LogCaptureFixture) -> None:
    script = f"SELECT id FROM {IMAGE} WHERE id = 'private/{{{{ api_key }}}}'; SELECT {{{{ api_key | literal }}}} + n;"
    data = {"api_key": "hunter2hunter2"}
    with opened() as connection, caplog.at_level(logging.DEBUG, "engine"):
        with pytest.raises(engine.ProgrammingError) as raised:
            list(connection.script(script, data))
        told = [str(raised.value), *raised.value.__notes__]
        told += [str(row) for result in connection.script(script.split(";")[0], data, dry_run=True) for row in result]
        list(connection.script(script.split(";")[0], data))
    assert "GET /v4/images/private%2F***" in caplog.text
    assert "hunter2" not in "".join([*told, caplog.text])


def test_secrets_are_in_no_warning_and_no_ledger(tmp_path: Path) -> None:
    """Of a script's data, or the token itself."""
    script = f"SELECT id FROM {IMAGE} WHERE status = '{{{{ api_key }}}}' AND type = '{TOKEN}';"
    write = f"REPLACE {IMAGE} SET data__description = '{{{{ api_key }}}}' WHERE imageId = 'private/12';"
    ledger = tmp_path / "ledger.jsonl"
    with opened(ledger=ledger) as connection, pytest.warns(engine.Warning) as warned:
        told = [text for found in connection.script(script + write, {"api_key": KEY}) for text in found.warnings]
    assert [text.partition(",")[0] for text in told] == ["status is never '***'", "type is never '***'"]
    assert "***" in ledger.read_text()
    assert not [text for text in (*told, *map(str, warned), ledger.read_text()) if KEY in text or TOKEN in text]


def test_the_same_on_a_loop() -> None:
    through = wire([Fault("GET", "^/images/", delay=30, times=None)])

    async def main() -> None:
        async with awaiting(through=through) as connection:
            with pytest.raises(engine.ProgrammingError, match="nobody is not defined"):
                connection.script("SELECT {{ nobody }}")
            results = connection.script(SCRIPT, {"n": 11, "m": 12})
            assert [(await anext(results)).affected, (await anext(results)).affected] == [None, 1]
            with pytest.raises(TimeoutError) as raised:
                await asyncio.wait_for(anext(results), 0.3)
            cause = raised.value.__cause__
            assert cause is not None
            assert "  statement 3 (line 3): interrupted" in cause.__notes__[-1]

    asyncio.run(main())

"""Statements in, data on standard output, everything else on standard error, an exit code."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from pathlib import Path

import pytest

from engine.cli import main, read_script
from engine.errors import (
    ApiError,
    CallError,
    Interrupted,
    PartialWrite,
    Reason,
    Span,
    StratoqlError,
    SyntaxFault,
    UsageError,
)
from engine.result import Result, ResultColumn, Stats
from tests.cli.fakes import Answer, FakeSession, done, rows

TWO = (("private/1", 20), ("private/2", None))


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STRATOQL_CONFIG", os.devnull)
    monkeypatch.chdir(tmp_path)


def typed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """What stands on standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="ascii"))


def failing(error: StratoqlError, statement: str | None = "SELECT 1") -> StratoqlError:
    error.statement = statement
    return error


def test_rows_are_data(capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession([rows(*TWO)])
    assert main(["exec", "-o", "csv", "SELECT id, size FROM t"], session=session) == 0
    assert capsys.readouterr() == ("id,size\nprivate/1,20\nprivate/2,\n", "")
    assert (session.asked, session.closed) == ([("SELECT id, size FROM t", False)], 1)


def test_each_statement_with_rows_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    answers = [rows(*TWO), done(1, "1 row deleted"), rows()]
    assert main(["-o", "json", "exec", "..."], session=FakeSession(answers)) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [
        [{"id": "private/1", "size": 20}, {"id": "private/2", "size": None}],
        [],
    ]
    assert err == "1 row deleted\n"


@pytest.mark.parametrize(
    ("result", "err"),
    [
        (done(1, "1 row deleted"), "1 row deleted\n"),
        (done(3), "3 rows affected\n"),
        (done(1, warnings=["page 2 had fewer rows"]), "warning: page 2 had fewer rows\n1 row affected\n"),
        (Result([], iter(()), kind="done", messages=["using linode"]), "using linode\n"),
        (Result([], iter(()), kind="done"), ""),
        (rows(messages=["3 rows inserted"]), "3 rows inserted\n"),
        (done(1, "label \x1b]0;owned\x07"), "label \\u001b]0;owned\\u0007\n"),
    ],
)
def test_messages_go_to_the_person(result: Result, err: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "-H", "-o", "csv", "..."], session=FakeSession([result])) == 0
    assert capsys.readouterr() == ("", err)


def test_timing(capsys: pytest.CaptureFixture[str]) -> None:
    answers = [rows(*TWO, stats=Stats(requests=1)), done(1, "1 row deleted", stats=Stats(requests=2))]
    assert main(["exec", "--timing", "-o", "jsonl", "..."], session=FakeSession(answers)) == 0
    first, message, second = capsys.readouterr().err.splitlines()
    assert first.startswith("2 rows, 1 request, 0.")
    assert first.endswith(" s")
    assert message == "1 row deleted"
    assert second.startswith("1 row, 2 requests, 0.")


def test_a_dry_run_plans(capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession([Result([ResultColumn("plan")], iter([("GET /images",)]), kind="plan")])
    assert main(["exec", "--dryrun", "..."], session=session) == 0
    assert session.asked == [("...", True)]
    assert capsys.readouterr() == ("GET /images\n", "")


def test_results_are_released(capsys: pytest.CaptureFixture[str]) -> None:
    closed: list[int] = []
    answers = [rows(close=lambda n=n: closed.append(n)) for n in (1, 2)]
    assert main(["exec", "..."], session=FakeSession(answers)) == 0
    assert closed == [1, 2]


@pytest.mark.parametrize(
    ("error", "code", "err"),
    [
        (
            failing(SyntaxFault("what is this", span=Span(7, 8), hint="try 1")),
            1,
            "error: what is this\nline 1, column 8:\n  SELECT 1\n         ^\nhint: try 1\n",
        ),
        (
            failing(ApiError("not found", status=404, errors=[Reason("Not found")], request="GET https://h/x")),
            1,
            "error: not found\nrequest: GET https://h/x\n",
        ),
        (failing(UsageError("no such file to upload")), 1, "error: no such file to upload\n"),
        (failing(UsageError("the registry is no folder"), None), 2, "error: the registry is no folder\n"),
        (failing(Interrupted("interrupted after 2 of 5 rows")), 130, "interrupted after 2 of 5 rows\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (
            ValueError("odd\x1b[2J"),
            1,
            "internal error: ValueError: odd\\u001b[2J\nhint: run it again with -v to see where\n",
        ),
        (failing(CallError("label \x1b[2J\r\n taken")), 1, "error: label \\u001b[2J\\r\n taken\n"),
    ],
)
def test_an_error_ends_the_script(
    error: BaseException, code: int, err: str, capsys: pytest.CaptureFixture[str]
) -> None:
    session = FakeSession([rows(("private/1", 20)), error, rows(("private/2", 30))])
    assert main(["exec", "-o", "jsonl", "..."], session=session) == code
    assert capsys.readouterr() == ('{"id":"private/1","size":20}\n', err)
    assert session.closed == 1


def test_what_a_broken_write_has_done_is_data(capsys: pytest.CaptureFixture[str]) -> None:
    error = PartialWrite("1 of 2 rows written", done=[], failed=[], unknown=[], unsent=[])
    error.completed = rows(("private/9", 1))
    assert main(["exec", "-o", "jsonl", "..."], session=FakeSession([error])) == 1
    assert capsys.readouterr() == ('{"id":"private/9","size":1}\n', "error: 1 of 2 rows written\n")
    error.completed = None
    assert main(["exec", "..."], session=FakeSession([error])) == 1


def test_an_interrupted_write_exits_as_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    error = PartialWrite("1 of 2 rows written", done=[], failed=[], unknown=[], unsent=[])
    error.__context__ = KeyboardInterrupt()
    assert main(["exec", "..."], session=FakeSession([error])) == 130
    assert capsys.readouterr().err == "error: 1 of 2 rows written\n"


def test_an_account_that_a_second_ctrl_c_cut_short_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    pressed = KeyboardInterrupt()
    pressed.__context__ = PartialWrite("1 of 2 rows written", done=[], failed=[], unknown=[], unsent=[])
    assert main(["exec", "..."], session=FakeSession([pressed])) == 130
    assert capsys.readouterr().err == "error: 1 of 2 rows written\n"


def test_a_write_that_was_done_before_the_ctrl_c_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.cli.running.show_result", interrupted)
    result = Result((), iter(()), kind="done", affected=2, messages=["2 rows updated"])
    assert main(["exec", "..."], session=FakeSession([result])) == 130
    assert capsys.readouterr().err == "interrupted\nnote: 2 rows updated nonetheless\n"


def test_a_traceback_is_for_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "-v", "..."], session=FakeSession([ValueError("odd")])) == 1
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert err.endswith("ValueError: odd\n")


def test_the_log_is_for_those_who_ask_and_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "-v", "SELECT 1"], session=FakeSession()) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(" ms engine.fake: asked for \\u001b[2JSELECT 1\n")
    assert main(["exec", "SELECT 1"], session=FakeSession()) == 0
    assert capsys.readouterr() == ("", "")


def test_a_wait_is_told_to_everybody(capsys: pytest.CaptureFixture[str]) -> None:
    def answers(text: str) -> list[Answer]:
        logging.getLogger("engine.wire").warning("waiting %d s for %s", 30, "the rate limit")
        return []

    assert main(["exec", "SELECT 1"], session=FakeSession(answers)) == 0
    assert capsys.readouterr() == ("", "note: waiting 30 s for the rate limit\n")


TOLD = """\
error: no
b.iql:1:1:
  SELECT 'b'
  ^^^^^^^^^^
note: what became of each statement:
  statement 1 (a.iql:1): ran
  statement 2 (b.iql:1): failed
  statement 3 (c.iql:1): did not run
"""


def test_files_run_in_order_up_to_the_first_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.iql").write_text(f"SELECT '{name}'", encoding="utf-8")

    session = FakeSession(lambda text: [failing(SyntaxFault("no"), text)] if "'b'" in text else [rows((text, 1))])
    assert main(["run", "a.iql", "b.iql", "c.iql", "-o", "jsonl"], session=session) == 1
    assert [text for text, _ in session.asked] == ["SELECT 'a'", "SELECT 'b'"]
    assert capsys.readouterr() == ('{"id":"SELECT \'a\'","size":1}\n', TOLD)


def test_no_file_runs_unless_all_are_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.iql").write_text("SELECT 1", encoding="utf-8")
    session = FakeSession()
    assert main(["run", "a.iql", "absent.iql"], session=session) == 2
    assert session.asked == []
    assert capsys.readouterr().err == "error: cannot read absent.iql: No such file or directory\n"


@pytest.mark.parametrize("argv", [["exec", "-i", "-"], ["run", "-"], [], ["-i", "-"]])
def test_standard_input_is_a_script(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, b"\xef\xbb\xbfSELECT 'd\xc3\xa9j\xc3\xa0';\r\n")
    session = FakeSession([failing(SyntaxFault("no"))])
    assert main(argv, session=session) == 1
    assert session.asked == [("SELECT 'déjà'", False)]
    assert capsys.readouterr().err == "error: no\nstandard input:1:1:\n  SELECT 'déjà';\n  ^^^^^^^^^^^^^\n"


def test_a_script_is_utf8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "a.iql"
    script.write_bytes(b"\xef\xbb\xbfSELECT 1;\r\n-- \xc3\xa9")
    assert read_script(str(script)) == "SELECT 1;\r\n-- é"
    script.write_bytes(b"SELECT 1;\n-- caf\xe9")
    assert main(["exec", "-i", str(script)], session=FakeSession()) == 2
    assert (
        capsys.readouterr().err == f"error: cannot read {script}: line 2 is not UTF-8 text\nhint: save it as UTF-8\n"
    )
    assert main(["exec", "-i", str(tmp_path)], session=FakeSession()) == 2
    assert capsys.readouterr().err == f"error: cannot read {tmp_path}: Is a directory\n"


def test_a_statement_that_is_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "SELECT '\udcff'"], session=FakeSession()) == 2
    assert capsys.readouterr().err == "error: the statement is not UTF-8 text from character 9 on\n"


def test_no_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main([], session=FakeSession()) == 2
    assert capsys.readouterr().err == "error: there is no standard input to read statements from\n"


def test_a_configuration_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.toml").write_text("concurrency = 0", encoding="utf-8")
    monkeypatch.setenv("STRATOQL_CONFIG", str(tmp_path / "bad.toml"))
    assert main(["exec", "..."], session=FakeSession()) == 2
    assert capsys.readouterr().err == "error: setting concurrency must be at least 1, got 0\n"


@pytest.mark.parametrize(
    ("argv", "no_color", "painted"),
    [
        ([], "", False),
        (["--color", "always"], "", True),
        (["--color", "always"], "1", True),
        (["--color", "never"], "", False),
    ],
)
def test_colors_are_for_terminals_and_for_those_who_ask(
    argv: list[str],
    no_color: str,
    painted: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    answers: list[Answer] = [rows(warnings=["thin"]), failing(SyntaxFault("no", hint="yes"))]
    assert main(["exec", "-o", "vertical", *argv, "..."], session=FakeSession(answers)) == 1
    err = capsys.readouterr().err
    assert ("\x1b[1;31merror:\x1b[0m no\n\x1b[2mhint: yes\x1b[0m\n" in err) is painted
    assert ("\x1b[33mwarning:\x1b[0m thin" in err) is painted
    assert ("\x1b" in err) is painted


@pytest.mark.parametrize(
    ("environment", "painted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_gets_colors(
    environment: dict[str, str],
    painted: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["exec", "-o", "table", "..."], session=FakeSession([rows(("private/1", None))])) == 0
    out = capsys.readouterr().out
    assert ("\x1b[1mid\x1b[0m" in out) is painted
    assert ("\x1b[2mNULL\x1b[0m" in out) is painted

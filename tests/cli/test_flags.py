"""Flags: where they may stand, what they set, what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.cli import main
from tests.cli.fakes import FakeSession

DEFAULTS: dict[str, Any] = {
    "servers": {},
    "registry": (),
    "sandbox": None,
    "concurrency": 8,
    "page_size": None,
    "max_requests": 1000,
    "max_writes": 25,
    "timeout": None,
    "pushdown": True,
    "insecure_http": False,
}


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "stratoql.toml").touch()
    monkeypatch.setenv("STRATOQL_CONFIG", str(tmp_path / "stratoql.toml"))


@pytest.mark.parametrize(
    ("flags", "settings"),
    [
        ([], {}),
        (["--server", "linode=http://127.0.0.1:8080"], {"servers": {"linode": "http://127.0.0.1:8080"}}),
        (
            ["--server", "linode=https://a", "--server=other=https://b/v9"],
            {"servers": {"linode": "https://a", "other": "https://b/v9"}},
        ),
        (["--registry", "one", "--registry=two"], {"registry": ("one", "two")}),
        (["--sandbox"], {"sandbox": ""}),
        (["--sandbox=state.db"], {"sandbox": "state.db"}),
        (["--timeout", "1.5"], {"timeout": 1.5}),
        (["--max-requests", "7"], {"max_requests": 7}),
        (["--max-writes", "8"], {"max_writes": 8}),
        (["--concurrency", "9"], {"concurrency": 9}),
        (["--page-size", "50"], {"page_size": 50}),
        (["--no-pushdown"], {"pushdown": False}),
        (["--insecure-http"], {"insecure_http": True}),
    ],
)
@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_flags_set_settings_wherever_they_stand(flags: list[str], settings: dict[str, Any], place: str) -> None:
    session = FakeSession()
    argv = {
        "before": [*flags, "exec", "SELECT 1"],
        "between": ["exec", *flags, "SELECT 1"],
        "after": ["exec", "SELECT 1", *flags],
    }
    assert main(argv[place], session=session) == 0
    assert session.asked == [("SELECT 1", False)]
    assert {name: getattr(session.settings[0], name) for name in DEFAULTS} == DEFAULTS | settings


def test_repeated_flags_add_up_across_the_command() -> None:
    session = FakeSession()
    argv = ["--registry", "a", "--server", "x=http://a", "exec", "", "--registry", "b", "--server", "y=http://b"]
    assert main(argv, session=session) == 0
    assert session.settings[0].registry == ("a", "b")
    assert session.settings[0].servers == {"x": "http://a", "y": "http://b"}


def test_a_flag_stands_above_the_configuration_and_adds_to_its_servers(tmp_path: Path) -> None:
    (tmp_path / "stratoql.toml").write_text(
        'max_writes = 3\nconcurrency = 2\n[servers]\nlinode = "http://a"\nother = "http://b"', encoding="utf-8"
    )
    session = FakeSession()
    assert main(["exec", "", "--max-writes", "4", "--server", "other=http://c"], session=session) == 0
    found = session.settings[0]
    assert (found.max_writes, found.concurrency) == (4, 2)
    assert found.servers == {"linode": "http://a", "other": "http://c"}


@pytest.mark.parametrize("sql", ["-- a comment\nSELECT 1 = 1", "SELECT 1 -- --sandbox", "/* x */", ""])
def test_a_statement_may_begin_with_anything(sql: str) -> None:
    session = FakeSession()
    assert main(["exec", sql], session=session) == 0
    assert session.asked == [(sql, False)]


def test_what_stands_after_two_dashes_is_no_flag() -> None:
    session = FakeSession()
    assert main(["exec", "--", "--sandbox"], session=session) == 0
    assert session.asked == [("--sandbox", False)]
    assert session.settings[0].sandbox is None


FORMATS = "table, json, jsonl, csv, tsv, markdown, vertical, text"


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (["exec"], "exec needs statements", 'stratoql exec "SELECT ..." or stratoql exec -i FILE'),
        (
            ["exec", "-i", "x.iql", "SELECT 1"],
            "exec takes statements or --infile, not both",
            'stratoql exec "SELECT ..." or stratoql exec -i FILE',
        ),
        (["run"], "the following arguments are required: FILE", "`stratoql run --help` lists what there is"),
        (["run", "-i", "x", "y"], "--infile does not go with run", "stratoql exec -i FILE"),
        (["shell", "-i", "x"], "--infile does not go with shell", "stratoql exec -i FILE"),
        (
            ["exec", "-o", "jsno", ""],
            "argument -o/--output: no format 'jsno'; did you mean json or jsonl?",
            "`stratoql exec --help` lists what there is",
        ),
        (
            ["-o", "?"],
            f"argument -o/--output: no format '?'; valid names: {FORMATS}",
            "`stratoql --help` lists what there is",
        ),
        (["exec", "", "--timming"], "cannot make sense of the argument '--timming'", "did you mean --timing?"),
        (["exec", "", "--max-write=4"], "cannot make sense of the argument '--max-write=4'", "--max-writes"),
        (["exec", "", "-d", "ab"], "argument -d/--delimiter: 'ab' is not one character that can part fields", ""),
        (["exec", "", "-d", '"'], "argument -d/--delimiter: '\"' is not one character that can part fields", ""),
        (["exec", "", "--server", "linode"], "argument --server: 'linode' is not PROVIDER=URL, such as", ""),
        (["exec", "", "--server", "=http://x"], "argument --server: '=http://x' is not PROVIDER=URL", ""),
        (["exec", "", "--server", "x=ftp://x"], "argument --server: 'x=ftp://x' is not PROVIDER=URL", ""),
        (["exec", "", "--server", "x=http://[x"], "argument --server: 'x=http://[x' is not PROVIDER=URL", ""),
        (["exec", "", "--timeout", "0"], "argument --timeout: '0' is not a number of seconds above 0", ""),
        (["exec", "", "--timeout", "nan"], "argument --timeout: 'nan' is not a number of seconds above 0", ""),
        (["exec", "", "--timeout", "soon"], "argument --timeout: 'soon' is not a number of seconds above 0", ""),
        (["exec", "", "--max-writes", "0"], "argument --max-writes: '0' is not a whole number from 1", ""),
        (["exec", "", "--concurrency", "many"], "argument --concurrency: 'many' is not a whole number from 1", ""),
        (["sandbox", "--port", "65536"], "argument --port: '65536' is not a port from 0 to 65535", ""),
        (["completion", "elvish"], "argument shell: invalid choice: 'elvish'", ""),
        (
            ["query", "SELECT 1"],
            "argument COMMAND: invalid choice: 'query'",
            'here that is: stratoql exec "SELECT ..."',
        ),
        (["exec", "", "--json"], "cannot make sense of the argument '--json'", "here that is: --output json"),
        (
            ["images.iql"],
            "argument COMMAND: invalid choice: 'images.iql'",
            "a script is run by: stratoql run images.iql",
        ),
        (
            ["SELECT 1"],
            "argument COMMAND: invalid choice: 'SELECT 1'",
            'a statement is one argument, in quotes: stratoql exec "SELECT ..."',
        ),
        (
            ["exec", "select", "1"],
            "cannot make sense of the argument '1'",
            'a statement is one argument, in quotes: stratoql exec "SELECT ..."',
        ),
        (
            ["exec", "", "-o", "images.json"],
            "argument -o/--output: no format 'images.json'; a file is named with --outfile",
            "",
        ),
        (["exce", "SELECT 1"], "argument COMMAND: invalid choice: 'exce'", "did you mean exec?"),
        (["frob", "SELECT 1"], "argument COMMAND: invalid choice: 'frob'", "`stratoql --help` lists what there is"),
    ],
)
def test_misuse_is_told_and_runs_nothing(
    argv: list[str], message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    session = FakeSession()
    assert main(argv, session=session) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {message}")
    assert f"hint: {hint}" in err or f"hint: did you mean {hint}" in err
    assert session.settings == []


@pytest.mark.parametrize(("given", "delimiter"), [(r"\t", "\t"), ("tab", "\t"), ("\t", "\t"), (";", ";")])
def test_the_delimiter(given: str, delimiter: str, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.cli.fakes import rows

    assert main(["exec", "-o", "csv", "-d", given, ""], session=FakeSession([rows(("private/1", 2))])) == 0
    assert capsys.readouterr().out == f"id{delimiter}size\nprivate/1{delimiter}2\n"


@pytest.mark.parametrize("argv", [["--help"], ["exec", "--help"], ["registry", "validate", "-h"]])
def test_help_names_the_flags(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0
    out, err = capsys.readouterr()
    assert "--outfile" in out
    assert err == ""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert main(["exec", "--version"]) == 0
    assert capsys.readouterr().out.split()[::2][:1] == ["stratoql"]

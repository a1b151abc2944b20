"""What the shell keeps and reads: preferences, history, named queries; and `config`, which tells of them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli import main
from engine.cli.config import template
from engine.errors import UsageError
from engine.repl import history, named, preferences
from engine.repl.preferences import Preferences
from engine.settings import KINDS, Settings, load
from engine.store import Store
from engine.wire.masking import at_hand


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home" / "config.toml"
    monkeypatch.setenv("STRATOQL_CONFIG", str(path))
    for name in ("PAGER", "LINODE_TOKEN", "LINODE_CLI_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return path


def test_init_writes_once_what_sets_nothing(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "init"]) == 0
    assert capsys.readouterr().err == f"written: {config}\n"
    assert load() == Settings()
    assert preferences.load() == Preferences()
    config.write_text("max_writes = 3\n")
    assert main(["config", "init"]) == 2
    assert "is there already, and stays as it is" in capsys.readouterr().err
    assert config.read_text() == "max_writes = 3\n"


def test_every_line_of_it_can_be_put_in_force(tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") if " = " in line else line for line in template().splitlines()]
    path = tmp_path / "config.toml"
    path.write_text("\n".join(lines))
    whole = tomllib.loads(path.read_text())
    assert set(whole) == {*KINDS, "accounts", "shell"}
    assert preferences.load(path=path) == Preferences()
    assert load(path=path).concurrency == Settings.concurrency


def test_show_says_where_each_is_from(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config.parent.mkdir()
    config.write_text('concurrency = 4\nmax_writes = 9\n[shell]\ntheme = "monokai"\nconfirm = false\n')
    monkeypatch.setenv("LINODE_TOKEN", "s3cret-token")
    monkeypatch.setenv("PAGER", "more")
    assert main(["config", "show", "-o", "csv", "--max-writes", "7", "--no-history"]) == 0
    out = capsys.readouterr().out
    rows = {line.split(",")[0]: line.split(",")[1:] for line in out.splitlines()}
    assert rows["concurrency"] == ["4", str(config)]
    assert rows["max_writes"] == ["7", "argument"]
    assert rows["max_requests"] == ["1000", "default"]
    assert rows["token"] == ["***", "environment LINODE_TOKEN"]
    assert rows["config"] == [str(config), "environment STRATOQL_CONFIG"]
    assert rows["shell.confirm"] == ["false", str(config)]
    assert rows["shell.history"] == ["false", "argument"]
    assert rows["shell.pager"][-1] == "environment PAGER"
    assert "s3cret" not in out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[shell]\ntheem = 'x'", "unknown setting shell.'theem'"),
        ("[shell]\nconfirm = 'no'", "shell.confirm must be of type bool, got 'no'"),
        ("[shell]\nkeys = 'nano'", "shell.keys is one of emacs, vi, not 'nano'"),
        ("shell = 3", "shell must be a table"),
        ("[shel]\n", "unknown setting 'shel'"),
    ],
)
def test_a_wrong_file_is_told_as_such(
    text: str, message: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.parent.mkdir()
    config.write_text(text)
    assert main(["config", "show"]) == 2
    assert f"error: {config}: {message}" in capsys.readouterr().err


def test_the_history_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history"
    environ = {"LINODE_TOKEN": "brief-2", "HOME": "/home/me", "DB_PASSWORD": "it's-3"}
    settings = Settings(token="short-1", environ=environ)
    kept = history.history(path, lambda: at_hand(settings))
    kept.append_string("SELECT 'short-1', '/home/me';")
    kept.append_string("SELECT 'brief-2';")
    kept.append_string("SELECT 'it''s-3';")
    kept.append_string("SELECT '/home/me';")
    secret = "0123456789abcdef" * 4
    for text in ("SELECT 1;", "\\token", f"SELECT '{secret}';", "EXEC p.s.r.m @root_pass = 'hunter2';", "SELECT 2;"):
        kept.append_string(text)
    assert path.stat().st_mode & 0o777 == 0o600
    written = path.read_text(encoding="utf-8")
    assert "SELECT 1;" in written
    assert "SELECT 2;" in written
    assert "SELECT '/home/me';" in written
    assert all(word not in written for word in ("token", secret, "hunter2", "short-1", "brief-2", "s-3"))
    path.chmod(0o644)
    history.history(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_place_for_a_history_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    history.history(tmp_path / "file" / "history").append_string("SELECT 1;")


@given(st.text(alphabet="ab'\"; -$1\\\n", max_size=12), st.integers(-99, 99))
def test_an_argument_is_a_value_and_nothing_else(text: str, number: int) -> None:
    import shlex

    filled = named.filled("SELECT $1, '<$1>', $2", f"{shlex.quote(text)} {number}")
    store = Store()
    try:
        ((alone, inside, two),) = list(store.query(filled))
    finally:
        store.close()
    same: Any = int(text) if text.lstrip("-").isdigit() else text
    assert (str(alone), inside, two) == (str(same), f"<{text}>", number)


@pytest.mark.parametrize(
    ("text", "arguments", "told"),
    [
        ("SELECT $2", "1", "the query takes 2 values, and 1 is given"),
        ("SELECT 1", "1 2", "the query takes 0 values, and 2 are given"),
        ("SELECT $1", "'open", "No closing quotation"),
    ],
)
def test_arguments_that_do_not_fit(text: str, arguments: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        named.filled(text, arguments)


def test_named_queries_are_files_of_their_owner(tmp_path: Path) -> None:
    named.save(tmp_path / "queries", "stale", "SELECT 1;\n")
    (path,) = (tmp_path / "queries").iterdir()
    assert (path.name, path.read_text(), path.stat().st_mode & 0o777) == ("stale.sql", "SELECT 1;\n", 0o600)
    assert (named.names(path.parent), named.read(path.parent, "stale")) == (["stale"], "SELECT 1;")

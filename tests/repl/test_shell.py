"""The shell, driven with keys as a person presses them."""

from __future__ import annotations

from pathlib import Path

import pytest
from prompt_toolkit import PromptSession
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from engine.cli import arguments
from engine.repl.shell import run
from engine.settings import Settings


def typed(keys: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Type keys into a shell on the sandbox; the exit code, what it printed, what it said."""
    given = arguments.parse(["shell", "--color", "never"])
    assert given is not None
    with create_pipe_input() as pipe:
        pipe.send_text(keys)
        reader: PromptSession[str] = PromptSession(input=pipe, output=DummyOutput())
        code = run(Settings(sandbox="", environ={}), given, reader=reader)
    return code, *capsys.readouterr()


def test_a_statement_over_several_lines(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = typed("SELECT id\rFROM linode.images.images\rWHERE id = 'linode/debian12';\r\\q\r", capsys)
    assert code == 0
    assert "| linode/debian12 |" in out
    assert "\\? helps" in err


def test_an_error_is_told_and_the_shell_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = typed("SELECT lable FROM linode.images.images;\rSELECT 40 + 2 AS n;\r\\q\r", capsys)
    assert "did you mean label?" in err
    assert "42" in out


def test_control_d_leaves_and_control_c_clears(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = typed("SELECT nonsense\x03SELECT 7;\r\x04", capsys)
    assert code == 0
    assert "7" in out
    assert "nonsense" not in out + err


def test_commands(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = typed(
        "\\?\r\\o\r\\o json\rSELECT 1 AS a;\r\\timing\rSELECT 2 AS b;\r\\timing\r\\frob\r\\q\r", capsys
    )
    assert '[{"a":1}]\n[{"b":2}]\n' in out
    for said in (
        "\\o FORMAT",
        "output is table; it can be table, json",
        "timing is on",
        "1 row, 0 requests",
        "no command",
    ):
        assert said in err


def test_a_write_tells_its_count(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = typed("DELETE FROM linode.images.images WHERE id = 'private/19044871';\r\\q\r", capsys)
    assert "1 row deleted" in err


def test_the_history_is_its_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.repl import shell

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    history = shell._history()
    history.append_string("SELECT 1;")
    (kept,) = tmp_path.rglob("history")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "SELECT 1;" in kept.read_text(encoding="utf-8")


def test_no_place_for_a_history_is_no_reason_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.repl import shell

    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert shell._history() is not None

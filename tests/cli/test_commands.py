"""The commands that run no statement of the user's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine import repl, settings
from engine.cli import main
from engine.errors import UsageError
from engine.sandbox import command
from engine.settings import Settings
from provider_registry.layout import BUILT_IN
from tests.cli.fakes import FakeSession, rows


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATOQL_CONFIG", os.devnull)


@pytest.mark.parametrize("argv", [[], ["shell"], ["--color", "never"]])
def test_a_terminal_gets_the_shell(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Settings] = []

    def shell(settings: Settings, given: object) -> int:
        opened.append(settings)
        return 7

    monkeypatch.setattr(repl, "main", shell)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert main([*argv, "--sandbox", "--max-writes", "3"]) == 7
    assert [(settings.sandbox, settings.max_writes) for settings in opened] == [("", 3)]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], (0, None, True, ())),
        (
            ["--port", "8080", "--state", "s.db", "--no-rate-limit", "--fault", "GET status=503", "--fault", "cut=9"],
            (8080, "s.db", False, ("GET status=503", "cut=9")),
        ),
    ],
)
def test_the_sandbox_is_served(argv: list[str], expected: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[Any, ...]] = []

    def run(port: int, path: str | None = None, *, rate_limit: bool = True, faults: Any = ()) -> int:
        served.append((port, path, rate_limit, faults))
        return 0

    monkeypatch.setattr(command, "run", run)
    assert main(["sandbox", *argv]) == 0
    assert served == [expected]


def test_a_fault_that_cannot_be_read_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", "--fault", "GET statsu=503"]) == 2
    assert "did you mean status?" in capsys.readouterr().err


def test_registry_list_is_a_result_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession([rows(("linode", 1))])
    assert main(["registry", "list", "-o", "jsonl"], session=session) == 0
    assert main(["registry", "list", "linode", "-o", "jsonl", "-f", "/dev/null"], session=session) == 0
    assert session.asked == [("REGISTRY LIST", False), ("REGISTRY LIST 'linode'", False)]
    assert capsys.readouterr().out == '{"id":"linode","size":1}\n'


def test_registry_validate_prints_a_line_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "provider.yaml"
    document.write_text("name: x", encoding="utf-8")
    assert main(["registry", "validate", str(document)]) == 1
    lines = [f"error: {document}#: the key {key} is missing" for key in ("version", "providerServices")]
    assert capsys.readouterr() == ("".join(f"{line}\n" for line in lines), "2 errors\n")
    assert main(["registry", "validate", "-f", str(tmp_path / "faults"), str(document)]) == 1
    assert (tmp_path / "faults").read_text(encoding="utf-8").splitlines() == lines


def test_registry_validate_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["registry", "validate", str(BUILT_IN)]) == 0
    assert capsys.readouterr() == ("", f"no faults in {BUILT_IN}\n")
    assert main(["registry", "validate", "absent"]) == 2
    assert capsys.readouterr().err.startswith(
        "error: cannot read absent: there is no such file, folder or provider\n"
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_commands_and_flags(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("exec", "registry", "validate", "--outfile", "jsonl"):
        assert word in script
    if shell == "bash":
        checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_a_configuration_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "max-writes.toml"
    monkeypatch.setenv("STRATOQL_CONFIG", str(file))
    with pytest.raises(UsageError, match=f"names the configuration file {file}, which is not there") as raised:
        settings.load()
    assert "stratoql config init" in str(raised.value.hint)
    file.write_text("max_writes = 5\n")
    assert settings.load().max_writes == 5

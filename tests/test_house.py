"""The house is clean: style, types, the commands of the README, and no word that does not belong in it."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Passing

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "check", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=lambda check: " ".join(check)
)
def test_style_and_types(check: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *check], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_gate_runs_the_readmes_test_command() -> None:
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for line in gate.splitlines() if line.startswith("python3 -m venv")]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(commands) == 1
    assert f"\n{commands[0]}\n" in readme


def test_top_level_holds_what_it_should() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split("/")[0] for line in tracked.splitlines()} == {
        ".ci",
        ".gitignore",
        "LICENSE",
        "README.md",
        "engine",
        "provider_registry",
        "pyproject.toml",
        "samples",
        "tests",
    }


def test_the_tour_of_the_readme_runs(passing: Passing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every SQL block, in the sandbox, one session, as a reader would who has an image to upload."""
    from engine.session import Session
    from engine.settings import Settings

    blocks = re.findall(r"```sql\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 6
    monkeypatch.chdir(tmp_path)
    Path("debian.img.gz").write_bytes(gzip.compress(b"a disk"))
    with Session(Settings(sandbox="", environ={})) as session:
        for block in blocks:
            for result in session.run(block):
                result.fetchall()


def test_the_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Every block, one after another, as a reader would."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 7
    names: dict[str, Any] = {}
    told = []
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
        told.append(capsys.readouterr().out)
    names["connection"].close()
    names["database"].dispose()
    assert told[0].startswith("('private/")
    assert told[1].endswith("2025-09-02T08:15:30+00:00 False ['prod', 'web']\n")
    assert "send: DELETE https://" in told[2]

"""Every sample runs in the sandbox as its comment says, and puts out what is written down for it."""

from __future__ import annotations

import gzip
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from engine.cli import arguments, main
from tests.conftest import Passing

ROOT = Path(__file__).parent.parent
SAMPLES = sorted((ROOT / "samples").glob("*.iql"))
OPERATIONS = {"list", "get", "capture", "update", "delete", "upload", "replicate"}
JOBS = {"inventory", "cleanup", "capture_and_wait", "upload_and_replicate", "deprecated", "accounts"}
QUESTIONS = {"capturable_disks", "capture_history", "deprecated_instances", "replica_regions", "unused_images"}


@pytest.fixture(autouse=True)
def _a_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, passing: Passing) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("STRATOQL_CONFIG", os.devnull)
    monkeypatch.chdir(ROOT)


def commands(path: Path) -> list[list[str]]:
    """The command lines in the comment on top; what each does stands behind them, after two blanks."""
    comment = path.read_text(encoding="utf-8").split("\n\n")[0]
    lines = re.findall(r"^--   stratoql (\S.*?)(?:  .*)?$", comment, re.MULTILINE)
    return [shlex.split(line) for line in lines]


def rehearsal(path: Path) -> list[str]:
    return next(command for command in commands(path) if "--sandbox" in command)


def settled(text: str) -> str:
    """Output without what no two runs share: the moments and signatures of new containers, at their length."""
    text = re.sub(r'(?<="(?:created|updated)":")[^"]+', "2026-01-01T00:00:00", text)
    return re.sub(r"Signature=\w+&Expires=\d+", "Signature=" + 40 * "x" + "&Expires=" + 10 * "9", text)


def test_there_is_one_for_each_operation_and_job() -> None:
    assert {path.stem for path in SAMPLES} == OPERATIONS | JOBS | QUESTIONS


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_says_how_to_run_it(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("-- ")
    for command in commands(path):
        given = arguments.parse(command)
        assert given is not None
        assert given.files == [f"samples/{path.name}"]
        assert all((ROOT / name).is_file() for name in given.iqldata)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_puts_out_what_is_expected(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", sys.stdout)  # one after the other, as on a terminal
    assert main(rehearsal(path)) == 0
    expected = (ROOT / "samples" / "expected" / f"{path.stem}.txt").read_text(encoding="utf-8")
    assert settled(capsys.readouterr().out) == expected


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_can_be_rehearsed_without_sending(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*rehearsal(path), "--dryrun", "-o", "text"]) == 0
    out = capsys.readouterr().out
    assert f"samples/{path.name}:" in out.splitlines()[0]
    assert "send: " in out


def test_a_wait_that_was_left_can_be_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    again = ["run", "--sandbox", "samples/capture_and_wait.iql", "--var", "image=private/25112200", "-o", "csv"]
    assert main(again) == 0
    assert capsys.readouterr().out == "id,label,status,size\nprivate/25112200,db-replica,available,9102\n"


def test_an_upload_sends_the_file_that_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "disk.img.gz").write_bytes(gzip.compress(b"disk"))
    command = [*rehearsal(ROOT / "samples" / "upload.iql"), "--var", f"file={tmp_path}/disk.img.gz", "-o", "csv"]
    assert main(command) == 0
    assert "Signature" not in capsys.readouterr().out

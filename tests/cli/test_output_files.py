"""`--outfile`: it changes only when all has arrived, and nothing is lost when it has not."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from engine.cli import main
from engine.errors import QueryFault
from tests.cli.fakes import Answer, FakeSession, done, rows


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("STRATOQL_CONFIG", os.devnull)
    folder = tmp_path / "out"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run(answers: list[Answer], path: str, *more: str) -> int:
    return main(["exec", "-o", "jsonl", "-f", path, *more, "..."], session=FakeSession(answers))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


ROW = '{"id":"é","size":1}\n'


def test_the_data_is_in_the_file_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([rows(("é", 1)), done(1, "1 row deleted"), rows(("é", 1))], "a.jsonl") == 0
    assert (folder / "a.jsonl").read_bytes() == ROW.encode() * 2
    assert capsys.readouterr() == ("", "1 row deleted\n")
    assert names(folder) == ["a.jsonl"]


def test_a_file_is_replaced_and_keeps_its_mode(folder: Path) -> None:
    (folder / "a.jsonl").write_text("old")
    (folder / "a.jsonl").chmod(0o640)
    assert run([rows(("é", 1))], "a.jsonl") == 0
    assert (folder / "a.jsonl").read_text(encoding="utf-8") == ROW
    assert stat.S_IMODE((folder / "a.jsonl").stat().st_mode) == 0o640


def test_a_link_stays_a_link(folder: Path) -> None:
    (folder / "real").write_text("old")
    (folder / "link").symlink_to("real")
    assert run([rows(("é", 1))], "link") == 0
    assert (folder / "link").is_symlink()
    assert (folder / "real").read_text(encoding="utf-8") == ROW


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [(QueryFault("malformed JSON"), 1, "error: malformed JSON"), (KeyboardInterrupt(), 130, "interrupted")],
)
def test_half_an_answer_stands_beside_the_file(
    error: BaseException, code: int, told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.jsonl").write_text("old")
    assert run([rows(("é", 1)), error], "a.jsonl") == code
    assert (folder / "a.jsonl").read_text() == "old"
    assert (folder / "a.jsonl.partial").read_text(encoding="utf-8") == ROW
    assert names(folder) == ["a.jsonl", "a.jsonl.partial"]
    kept = folder / "a.jsonl.partial"
    assert capsys.readouterr().err == f"{told}\nnote: a.jsonl is as it was; what came before the error is in {kept}\n"


def test_no_answer_leaves_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([QueryFault("no")], "a.jsonl") == 1
    assert names(folder) == []
    assert capsys.readouterr().err == "error: no\n"


def test_a_file_that_cannot_be_written_runs_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = FakeSession([rows()])
    (folder / "folder").mkdir()
    for path, reason in (("absent/a", "No such file or directory"), ("folder", "Is a directory")):
        assert main(["exec", "-f", path, "..."], session=session) == 2
        assert capsys.readouterr().err == f"error: cannot write {path}: {reason}\n"
    assert main(["exec", "-f", "", "..."], session=session) == 2
    assert capsys.readouterr().err.startswith("error: --outfile is empty\n")
    assert session.settings == []


def test_a_file_that_is_not_to_be_written(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anything
    assert run([rows()], "a") == 2
    assert capsys.readouterr().err == "error: cannot write a: Permission denied\n"
    assert (folder / "a").read_text() == "old"


def test_a_device_is_written_not_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run([rows(("é", 1))], "pipe") == 0
        assert os.read(reader, 100).decode() == ROW
    finally:
        os.close(reader)
    assert (folder / "pipe").is_fifo()
    assert run([rows(("é", 1))], os.devnull) == 0


def test_a_full_disk_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this platform")
    assert run([rows(("é", 1))], "/dev/full") == 1
    assert capsys.readouterr().err == "error: cannot write /dev/full: No space left on device\n"


def test_a_dash_is_standard_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([rows(("é", 1))], "-") == 0
    assert capsys.readouterr().out == ROW


def test_a_file_has_no_colors_unless_they_are_asked_for(folder: Path) -> None:
    main(["exec", "-f", "a", "..."], session=FakeSession([rows(("x", None))]))
    main(["exec", "-f", "b", "--color", "always", "..."], session=FakeSession([rows(("x", None))]))
    assert ["\x1b" in (folder / name).read_text() for name in ("a", "b")] == [False, True]


@pytest.mark.parametrize(
    ("name", "flags", "wanted"),
    [
        ("images.csv", [], "id,size\nx,1\n"),
        ("images.JSON", [], '[{"id":"x","size":1}]\n'),
        ("images.ndjson", [], '{"id":"x","size":1}\n'),
        ("images.csv", ["-o", "jsonl"], '{"id":"x","size":1}\n'),
        ("images.csv", ["-o", "text"], "id,size\nx,1\n"),
        ("images", ["-o", "csv"], "id,size\nx,1\n"),
    ],
)
def test_a_file_is_what_its_name_says_where_no_format_is_chosen(
    folder: Path, name: str, flags: list[str], wanted: str
) -> None:
    assert main(["exec", "-f", name, *flags, "..."], session=FakeSession([rows(("x", 1))])) == 0
    assert (folder / name).read_text() == wanted


def test_what_says_no_format_is_a_table(folder: Path) -> None:
    for name in ("csv", "images.txt"):
        main(["exec", "-f", name, "..."], session=FakeSession([rows(("x", 1))]))
        assert (folder / name).read_text().startswith("+-")


@pytest.mark.parametrize(
    ("columns", "flags", "upright"), [("80", [], False), ("16", [], True), ("16", ["-o", "table"], False)]
)
def test_what_a_terminal_is_too_narrow_for_is_a_field_a_line(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: str,
    flags: list[str],
    upright: bool,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    main(["exec", *flags, "--color", "always", "..."], session=FakeSession([rows(("private/1", 1))]))
    assert ("RECORD 1" in capsys.readouterr().out) is upright

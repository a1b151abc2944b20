"""`--ledger`, `resume` and `undo` as commands; a set of rows shown before it is written, wherever that is asked."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

import engine
from engine.cli import main
from engine.formats import FORMATS
from tests.ledger.played import lines

TMP = "label GLOB 'tmp-*'"
RENAME = f"REPLACE linode.images.images SET data__label = 'old-' || label WHERE {TMP}"
DELETE = f"DELETE FROM linode.images.images WHERE {TMP}"


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The flag of a sandbox that keeps its state."""
    (tmp_path / "config.toml").touch()
    monkeypatch.setenv("STRATOQL_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.chdir(tmp_path)
    return f"--sandbox={tmp_path / 'state.db'}"


def test_a_whole_round(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", state, "--ledger", "l.jsonl", RENAME]) == 0
    assert main(["resume", state, "l.jsonl"]) == 0
    assert capsys.readouterr() == ("", "2 rows replaced\nnothing is left to do\n")
    assert main(["undo", state, "l.jsonl"]) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(
        rf"-- run \S+: {re.escape(RENAME)}\n"
        r"REPLACE linode.images.images SET data__label = 'tmp-build-4711' WHERE imageId = 'private/19044871';\n"
        r"REPLACE linode.images.images SET data__label = 'tmp-build-4712' WHERE imageId = 'private/19044872';\n",
        out,
    )
    assert err == "2 rows can be put back; --apply does it\n"
    Path("undo.iql").write_text(out, encoding="utf-8")
    assert main(["run", state, "--dryrun", "undo.iql"]) == 0
    assert main(["undo", state, "l.jsonl", "--apply", "--dryrun"]) == 0
    capsys.readouterr()
    assert main(["undo", state, "l.jsonl", "--apply"]) == 0
    assert capsys.readouterr().err == "all rows are as they were before\n"
    assert main(["exec", state, "-o", "csv", "-H", f"SELECT count(*) FROM linode.images.images WHERE {TMP}"]) == 0
    assert capsys.readouterr().out == "2\n"
    assert main(["undo", state, "l.jsonl", "--run", lines(Path("l.jsonl"))[0]["run"]]) == 0
    assert capsys.readouterr().err == "0 rows can be put back\n"


def test_what_is_left_is_told_and_is_the_exit_code(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["exec", state, "--ledger", "l.jsonl", "--concurrency", "1", RENAME])
    whole = Path("l.jsonl").read_bytes()
    Path("l.jsonl").write_bytes(whole[: whole.rindex(b'{"event":"sending"')])
    main(["exec", state, "--ledger", "l.jsonl", "INSERT INTO linode.images.images (disk_id) VALUES (25674130)"])
    whole = Path("l.jsonl").read_bytes()
    Path("l.jsonl").write_bytes(whole[: whole.rindex(b'{"event":"done"')])
    capsys.readouterr()
    assert main(["resume", state, "l.jsonl", "--dryrun", "-o", "csv", "-H"]) == 1
    out, err = capsys.readouterr()
    look = "it may have happened: look for it, then say --decide"
    assert [row[1:] for row in csv.reader(io.StringIO(out))] == [
        ["2", "PUT /v4/images/private%2F19044872", "imageId = private/19044872", "would be sent", ""],
        ["1", "POST /v4/images", "data__disk_id = 25674130", "decide", look],
    ]
    assert err == "1 would be sent, 1 decide\n"
    assert main(["resume", state, "l.jsonl"]) == 1
    out, err = capsys.readouterr()
    assert re.findall(r"\| (done|decide) +\|", out) == ["done", "decide"]
    assert err == "1 done, 1 decide\n"
    assert main(["resume", state, "l.jsonl", "--decide", "1=done"]) == 0
    assert capsys.readouterr().err == "1 done\n"


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["resume"], "the following arguments are required: LEDGER"),
        (["resume", "absent"], "cannot open the ledger absent: No such file or directory"),
        (["resume", "absent"], "hint: name the file that the run has written with --ledger"),
        (["undo", "absent"], "cannot open the ledger absent: No such file or directory"),
        (["resume", "l", "--decide", "x"], "'x' is not CALL=done or CALL=send, such as 3=done"),
        (["exec", "--ledger", "", "SELECT 1"], "setting ledger is empty"),
    ],
)
def test_wrong_usage(argv: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    assert told in capsys.readouterr().err


def test_the_ledger_of_the_configuration_file(state: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.toml").write_text(f'ledger = "{tmp_path}/l.jsonl"\n')
    assert main(["exec", state, DELETE]) == 0
    assert [line["event"] for line in lines(tmp_path / "l.jsonl")].count("done") == 2


def test_secrets_of_a_script_are_not_written_down(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("s.iql").write_text(
        "INSERT INTO linode.images.images (disk_id, label) VALUES (25674130, '{{ root_pass }}');"
    )
    assert main(["run", state, "s.iql", "--var", "root_pass=correct-horse", "--ledger", "l.jsonl"]) == 0
    assert "correct-horse" not in Path("l.jsonl").read_text()
    assert lines(Path("l.jsonl"))[0]["calls"][0]["secret"] is True


def test_the_interface_for_programs_has_it(tmp_path: Path) -> None:
    with engine.connect(sandbox=True, ledger=tmp_path / "l.jsonl") as connection:
        rows = connection.execute(f"EXPLAIN (ROWS) {RENAME}").fetchall()
        assert [row[:3] for row in rows] == [
            ("private/19044871", "tmp-build-4711", "old-tmp-build-4711"),
            ("private/19044872", "tmp-build-4712", "old-tmp-build-4712"),
        ]
        assert not (tmp_path / "l.jsonl").exists()
        assert connection.writes(f"EXPLAIN (ROWS) {RENAME}") == []
        connection.execute(RENAME)
    assert len(lines(tmp_path / "l.jsonl")) == 5


@pytest.mark.parametrize("output", list(FORMATS))
def test_the_rows_of_a_write_in_every_format(output: str, state: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", state, "-o", output, f"EXPLAIN (ROWS) {RENAME}"]) == 0
    out = capsys.readouterr().out
    for word in (
        "imageId",
        "old_label",
        "new_label",
        "request",
        "private/19044872",
        "old-tmp-build-4712",
        "PUT https",
    ):
        assert word in out
    if output == "json":
        assert json.loads(out)[0] == {
            "imageId": "private/19044871",
            "old_label": "tmp-build-4711",
            "new_label": "old-tmp-build-4711",
            "request": 'PUT https://api.linode.com/v4/images/private%2F19044871  {"label": "old-tmp-build-4711"}',
        }


@pytest.mark.parametrize("output", list(FORMATS))
def test_what_a_broken_write_has_done_in_every_format(
    output: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from engine.sandbox.faults import Fault
    from engine.sandbox.server import serving

    monkeypatch.setenv("LINODE_TOKEN", "sandbox")
    with serving(faults=[Fault("DELETE", nth=2, status=403)]) as url:
        argv = ["exec", "--server", f"linode={url}", "--concurrency", "1", "-o", output, f"{DELETE} RETURNING id"]
        assert main(argv) == 1
    out, err = capsys.readouterr()
    assert "private/19044871" in out
    assert "private/19044872" not in out
    assert "of 2 rows: 1 done, 1 failed\n" in err


def test_a_script_and_a_dry_run(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("s.iql").write_text(f"EXPLAIN (ROWS) {DELETE};\n{DELETE};")
    assert main(["run", state, "-o", "csv", "-H", "s.iql"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith("private/19044871,tmp-build-4711,DELETE https://")
    assert err == "2 rows deleted\n"
    assert main(["exec", state, "--dryrun", "--ledger", "l.jsonl", f"EXPLAIN (ROWS) {DELETE}"]) == 0
    assert capsys.readouterr().out.startswith("step 1: ")
    assert not Path("l.jsonl").exists()

"""The whole product behind the command line, against the sandbox."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main

MAIN_JOB = "SELECT id, label, status, size FROM linode.images.images WHERE is_public = false"


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Where the sandbox keeps its state; no configuration of this machine is in the way."""
    monkeypatch.setenv("STRATOQL_CONFIG", os.devnull)
    return str(tmp_path / "state.db")


def objects(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """One list of rows per statement."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_main_job(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "--sandbox", MAIN_JOB]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].replace(" ", "") == "|id|label|status|size|"
    assert "| private/23100417 | web-golden " in out
    assert "linode/" not in out
    assert err == ""


def test_rows_are_typed(capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT id, is_public, regions, tags, eol, size FROM linode.images.images WHERE id = '{}'"
    assert (
        main(["exec", "--sandbox", "-o", "json", f"{sql.format('private/23100417')};{sql.format('linode/debian12')}"])
        == 0
    )
    [private], [public] = objects(capsys)
    assert private["is_public"] is False
    assert {region["status"] for region in private["regions"]} == {"available"}
    assert private["tags"] == ["prod", "web"]
    assert private["eol"] is None
    assert isinstance(private["size"], int)
    assert (public["is_public"], public["regions"]) == (True, None)


def test_state_is_kept_and_a_dry_run_leaves_it_alone(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    sandbox = f"--sandbox={state}"
    delete = "DELETE FROM linode.images.images WHERE label LIKE 'tmp-%'"
    count = "SELECT count(*) AS n FROM linode.images.images WHERE label LIKE 'tmp-%'"
    assert main(["exec", sandbox, "--dryrun", delete]) == 0
    assert "DELETE https://api.linode.com/v4/images/{imageId}" in capsys.readouterr().out
    assert main(["exec", sandbox, "-o", "json", count]) == 0
    assert objects(capsys) == [[{"n": 2}]]
    assert main(["exec", sandbox, delete]) == 0
    assert capsys.readouterr() == ("", "2 rows deleted\n")
    assert main(["exec", sandbox, "-o", "json", count]) == 0
    assert objects(capsys) == [[{"n": 0}]]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "SELECT lable FROM linode.images.images",
            "  SELECT lable FROM linode.images.images\n         ^^^^^\nhint: did you mean label?\n",
        ),
        ("SELECT 1 FROM linode.image.images", "hint: did you mean images?\n"),
        ("SELECT FROM", "error: "),
        ("DELETE FROM linode.images.images", "imageId"),
        ("DELETE FROM linode.images.images WHERE id = 'private/1'", "404"),
    ],
)
def test_a_statement_that_fails_says_why(sql: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "--sandbox", f"SELECT 1 AS before; {sql}", "-o", "csv"]) == 1
    assert told in capsys.readouterr().err


def test_a_registry_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "--registry", str(tmp_path), "SHOW PROVIDERS"]) == 2
    assert capsys.readouterr().err.startswith(f"error: the registry {tmp_path} is not a folder with src/ in it\n")
    assert main(["exec", "SHOW PROVIDERS", "-o", "json"]) == 0
    assert [row["name"] for row in objects(capsys)[0]] == ["linode"]


def test_timing_counts_requests(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["exec", "--sandbox", "--timing", "SELECT id FROM linode.images.images WHERE id = 'linode/debian12'"])
        == 0
    )
    assert capsys.readouterr().err.startswith("1 row, 1 request, ")


def test_the_log_holds_requests_and_no_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LINODE_TOKEN", "5ecret")
    assert main(["exec", "--sandbox", "-v", "-o", "csv", "SELECT id FROM linode.images.images LIMIT 1"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("id\n")
    assert "GET" in err
    assert "engine.wire" in err
    assert "5ecret" not in err
    assert "Bearer" not in err

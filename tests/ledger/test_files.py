"""A call and the file that belongs to it: what a ledger knows of both, and what a resume makes of that."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from engine.errors import InvalidValue, StratoqlError, UsageError, explain
from engine.ledger.file import opened
from engine.replay.resume import Told, Wish, resume
from engine.sandbox import TOKEN, transport
from engine.sandbox.faults import Fault
from engine.sandbox.rules import Rules
from engine.session import Session
from engine.settings import Settings
from tests.conftest import Passing
from tests.ledger.played import events, lines

TABLE = "linode.images.images"
UPLOAD = (
    f"""EXEC {TABLE}.post_upload_image @@json = '{{"label": "x", "region": "us-east"}}', @@file = 'disk.img.gz'"""
)
POST, PUT = "POST /v4/images/upload", "PUT /images-uploads/28000001"
LOST = Fault("PUT", "uploads", drop="reset", cut=10, times=2)


class Api:
    """An account in memory, which lasts from one session to the next."""

    def __init__(self, passing: Passing, *faults: Fault) -> None:
        rules = Rules(rate_limit=False, upload_seconds=20)
        self.wire = transport(images=[], clock=lambda: passing.now, rules=rules, faults=list(faults))

    def session(self, ledger: Path | None = None) -> Session:
        named = None if ledger is None else str(ledger)
        return Session(Settings(environ={}, token=TOKEN, ledger=named), transport=self.wire)

    def run(self, sql: str, ledger: Path) -> str:
        with self.session(ledger) as session:
            try:
                for result in session.run(sql):
                    result.fetchall()
            except StratoqlError as error:
                return explain(error)
        return ""

    def resume(self, ledger: Path, **wish: Any) -> list[Told]:
        with self.session() as session, opened(str(ledger)) as file:
            return resume(session, file, Wish(**wish))

    @property
    def writes(self) -> list[str]:
        return [f"{r.method} {urlsplit(r.url).path}" for r in self.wire.requests if r.method != "GET"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    Path("disk.img.gz").write_bytes(gzip.compress(os.urandom(50_000), mtime=0))
    return tmp_path


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def cut_after(ledger: Path, number: int) -> None:
    """As it is where the process was killed after that many lines."""
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:number]))


def test_the_ledger_knows_the_file_and_that_it_has_arrived(passing: Passing, ledger: Path, folder: Path) -> None:
    api = Api(passing)
    assert api.run(UPLOAD, ledger) == ""
    assert events(ledger) == ["sending 1", "done 1", "file 1"]
    assert lines(ledger)[0]["calls"][0]["file"] == str(folder / "disk.img.gz")
    assert b"Signature" not in ledger.read_bytes()
    assert api.resume(ledger) == []


def test_a_call_that_was_not_sent_is_resumed_with_its_file(
    passing: Passing, ledger: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(passing)
    api.run(UPLOAD, ledger)
    cut_after(ledger, 1)
    api.wire.requests.clear()
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")  # the path in the ledger holds there too
    (told,) = api.resume(ledger)
    assert (told.state, told.note) == ("done", "made private/28000002")
    assert api.writes == [POST, "PUT /images-uploads/28000002"]
    assert events(ledger) == ["sending 1", "done 1", "file 1"]
    assert api.resume(ledger) == []


def test_a_file_that_is_gone_makes_nothing(passing: Passing, ledger: Path, folder: Path) -> None:
    api = Api(passing)
    api.run(UPLOAD, ledger)
    cut_after(ledger, 1)
    api.wire.requests.clear()
    (folder / "disk.img.gz").unlink()
    with pytest.raises(InvalidValue, match=r"cannot read .*disk\.img\.gz: No such file"):
        api.resume(ledger)
    assert api.writes == events(ledger) == []


def test_one_that_may_have_happened_is_for_a_decision(passing: Passing, ledger: Path) -> None:
    api = Api(passing)
    api.run(UPLOAD, ledger)
    cut_after(ledger, 2)
    api.wire.requests.clear()
    assert [told.state for told in api.resume(ledger)] == ["decide"]
    assert api.writes == []
    assert [told.state for told in api.resume(ledger, decided={1: "send"})] == ["done"]
    assert events(ledger) == ["sending 1", "sending 1", "done 1", "file 1"]


def test_a_file_that_did_not_arrive_is_not_forgotten(passing: Passing, ledger: Path, folder: Path) -> None:
    api = Api(passing, LOST)
    error = api.run(UPLOAD, ledger)
    assert "the file did not arrive" in error
    assert "resume" not in error  # which would make another one
    again = f"stratoql upload {folder / 'disk.img.gz'} --to private/28000001"
    for rehearsal in (True, False):
        (told,) = api.resume(ledger, dry_run=rehearsal)
        assert (told.state, told.note) == ("file", f"its file is not known to have arrived: {again}")
    assert api.writes == [POST, PUT, PUT]
    with api.session() as session:
        session.upload("disk.img.gz", "private/28000001")
    assert [told.state for told in api.resume(ledger)] == ["file"]  # nobody can tell yet
    passing.now += 60
    (told,) = api.resume(ledger)
    assert (told.state, told.note) == ("done", "private/28000001 is available")
    assert api.resume(ledger) == []


def test_what_waited_for_its_file_and_is_gone_is_begun_again_where_asked(passing: Passing, ledger: Path) -> None:
    api = Api(passing, LOST)
    api.run(UPLOAD, ledger)
    passing.now += 100_000
    (told,) = api.resume(ledger)
    assert (told.state, told.note) == ("decide", "private/28000001 is gone, which waited for its file")
    assert [told.state for told in api.resume(ledger, decided={1: "send"})] == ["done"]
    assert api.writes == [POST, PUT, PUT, POST, "PUT /images-uploads/28000002"]


def test_a_resume_whose_file_does_not_arrive_says_how_to_send_it(passing: Passing, ledger: Path) -> None:
    api = Api(passing, replace(LOST, nth=2))
    api.run(UPLOAD, ledger)
    cut_after(ledger, 1)
    (told,) = api.resume(ledger)
    assert (told.state, told.note and told.note.endswith("--to private/28000002")) == ("file", True)
    assert api.writes == [POST, PUT, POST, *["PUT /images-uploads/28000002"] * 2]


def test_a_decision_settles_a_file_that_cannot_be_looked_for(passing: Passing, ledger: Path) -> None:
    api = Api(passing, LOST)
    api.run(UPLOAD, ledger)
    written = ledger.read_text().replace('"id":"private/28000001",', "")
    ledger.write_text(written)
    (told,) = api.resume(ledger)
    assert (told.state, told.note) == ("decide", "whether its file has arrived is not known")
    assert [told.state for told in api.resume(ledger, decided={1: "done"})] == ["done"]
    assert api.resume(ledger) == []


def test_a_disk_that_is_full_when_the_file_is_there_is_a_warning(
    passing: Passing, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.ledger.file import File

    put = File._put
    monkeypatch.setattr(File, "_put", lambda self, data: 0 if b'"file","run"' in data else put(self, data))
    api = Api(passing)
    with api.session(ledger) as session:
        (result,) = session.run(UPLOAD)
    assert "there is no room for a whole line" in " ".join(result.warnings)
    assert api.writes == [POST, PUT]


def test_a_document_that_takes_no_file_any_more_sends_nothing(passing: Passing, ledger: Path) -> None:
    api = Api(passing)
    api.run(UPLOAD, ledger)
    text = json.loads(ledger.read_text().splitlines()[0])
    ledger.write_text(
        json.dumps({**text, "method": f"{TABLE}.post_image", "verb": "insert"}, separators=(",", ":")) + "\n"
    )
    with pytest.raises(UsageError, match="which takes none here"):
        api.resume(ledger)


def test_what_is_done_and_only_waited_for_is_not_to_be_resumed(passing: Passing, ledger: Path) -> None:
    api = Api(passing)
    error = api.run(UPLOAD.replace("EXEC", "EXEC /*+ AWAIT(timeout=5s) */"), ledger)
    assert "private/28000001 is not ready after 5 s" in error
    assert "to wait for it again: SELECT /*+ AWAIT */" in error
    assert "resume" not in error
    assert api.resume(ledger) == []

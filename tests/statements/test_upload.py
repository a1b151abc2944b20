"""Files that belong to calls: looked at first, sent without a credential, sent again where that makes sense."""

from __future__ import annotations

import gzip
import json
import logging
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import TracebackException
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from engine.cli import main
from engine.errors import StratoqlError, Unready, UsageError, explain
from engine.lifecycle import kept
from engine.preview import Preview
from engine.sandbox import TOKEN, transport
from engine.sandbox.faults import Fault
from engine.sandbox.inprocess import Sent
from engine.sandbox.rules import Rules
from engine.session import Session
from engine.settings import Settings
from engine.wire.events import Event
from tests.conftest import Passing

TABLE = "linode.images.images"
RAW = os.urandom(70_000)
GZ = gzip.compress(RAW, mtime=0)
BODY = """@@json = '{"label": "x", "region": "us-east"}'"""
RULES = Rules(rate_limit=False, upload_seconds=20)
PUT_ONCE = ["POST /v4/images/upload", "PUT /images-uploads/28000001", "GET /v4/images/private%2F28000001"]


@dataclass
class Ran:
    """What one run gave."""

    rows: list[dict[str, Any]]
    error: str
    requests: list[Sent]
    events: list[Event]
    completed: list[dict[str, Any]]

    @property
    def lines(self) -> list[str]:
        return [f"{request.method} {urlsplit(request.url).path}" for request in self.requests]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files to send, in the folder where the program is started; a folder for what it keeps."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("STRATOQL_CONFIG", os.devnull)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    Path("disk.img").write_bytes(RAW)
    Path("disk.img.gz").write_bytes(GZ)
    return here


def exec_(file: str = "./disk.img.gz", hint: str = "", more: str = "") -> str:
    return f"EXEC {hint} {TABLE}.post_upload_image {BODY}, @@file = '{file}'{more}"


def ran(passing: Passing, sql: str, settings: Settings | None = None, **sandbox: Any) -> Ran:
    wire = transport(images=[], clock=lambda: passing.now, **{"rules": RULES, **sandbox})
    held = replace(settings or Settings(environ={}), token=TOKEN)
    outcome = Ran([], "", wire.requests, [], [])
    with Session(held, transport=wire, on_event=outcome.events.append) as session:
        try:
            for result in session.run(sql):
                outcome.rows = rows(result)
        except StratoqlError as error:
            outcome.error = explain(error)
            completed = getattr(error, "completed", None)
            outcome.completed = rows(completed) if completed else []
    return outcome


def rows(result: Any) -> list[dict[str, Any]]:
    return [dict(zip((c.name for c in result.columns), row, strict=True)) for row in result.fetchall()]


def uploads() -> list[Path]:
    return sorted(kept.folder().glob("*"))


def test_the_file_goes_where_the_answer_says_and_its_outcome_is_looked_at(passing: Passing) -> None:
    outcome = ran(passing, exec_())
    assert (outcome.error, outcome.lines) == ("", PUT_ONCE)
    put = outcome.requests[1]
    assert (put.size, put.headers["content-length"]) == (len(GZ), str(len(GZ)))
    assert put.headers["content-type"] == "application/octet-stream"
    assert "authorization" not in put.headers
    assert "cookie" not in put.headers
    (row,) = outcome.rows
    assert json.loads(row["image"])["status"] == "pending_upload"
    assert row["upload_to"] is None, "what has been used is shown to nobody"
    assert uploads() == []


def test_with_await_it_returns_when_the_image_is_available(passing: Passing) -> None:
    outcome = ran(passing, exec_(hint="/*+ AWAIT */"))
    image = json.loads(outcome.rows[0]["image"])
    assert (image["status"], image["size"], image["regions"]) == (
        "available",
        1,
        [{"region": "us-east", "status": "available"}],
    )
    assert passing.slept == [3.0, 4.5, 6.75, 10.125]
    assert outcome.lines == [*PUT_ONCE, *PUT_ONCE[2:] * 3]


def test_without_a_file_the_row_shows_where_it_may_go(passing: Passing) -> None:
    outcome = ran(passing, f"EXEC {TABLE}.post_upload_image {BODY}")
    (row,) = outcome.rows
    assert row["upload_to"].startswith("https://us-east-1.sandbox-objects.invalid/")
    assert json.loads(row["image"])["status"] == "pending_upload"
    assert outcome.lines == PUT_ONCE[:1]


def test_as_a_table_and_by_names_it_is_the_same(passing: Passing) -> None:
    call = f"EXEC {TABLE}.post_upload_image @label = 'x', @region = 'us-east', @@file = './disk' || '.img.gz'"
    outcome = ran(passing, f"SELECT json_extract(image, '$.id') AS id FROM ({call}) u")
    assert (outcome.rows, outcome.lines) == ([{"id": "private/28000001"}], PUT_ONCE)


def test_what_is_not_compressed_can_be_on_the_way(passing: Passing, tmp_path: Path) -> None:
    outcome = ran(passing, exec_("disk.img", "/*+ AWAIT */", ", @@compress = true"))
    assert json.loads(outcome.rows[0]["image"])["status"] == "available"
    put = outcome.requests[1]
    assert put.headers["content-length"] == str(put.size)
    assert next(event.what for event in outcome.events if event.kind == "file") == "compressing disk.img"
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["disk.img", "disk.img.gz"], "nothing is left behind"
    twice = ran(passing, exec_(more=", @@compress = true"))
    assert twice.requests[1].size == len(GZ), "what is compressed already is sent as it is"


@pytest.mark.parametrize(
    ("file", "more", "words"),
    [
        ("none.gz", "", "error: @@file: cannot read none.gz: No such file or directory; it was looked for from /"),
        ("/nowhere/x.gz", "", "error: @@file: cannot read /nowhere/x.gz: No such file or directory\nhint: look at"),
        (".", "", "@@file: . is a folder\nhint: name a regular file"),
        ("pipe", "", "@@file: pipe is no file with a size, so it cannot be announced"),
        ("empty.gz", "", "@@file: empty.gz is empty"),
        ("", "", "@@file: expects the path of a file, such as './disk.img.gz'"),
        ("disk.img", "", "disk.img is not gzip-compressed, and nothing else is taken\nhint: add @@compress = true, "
         "or run: gzip -k disk.img, and send disk.img.gz"),
        ("a disk.img", "", "or run: gzip -k 'a disk.img', and send a disk.img.gz"),
        ("disk.img", ", @@compress = false", "is not gzip-compressed"),
        ("disk.img", ", @@compress = 'perhaps'", "@@compress expects true or false, got 'perhaps'"),
        ("large.gz", "", "large.gz has 5,368,709,121 bytes, more than the 5,368,709,120 that a file may have as it"),
        ("large.img", ", @@compress = true", "large.img has 6,000,000,001 bytes, more than the 6,000,000,000 that a "
         "file may have before it is compressed"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_found_before_anything_is_made(
    passing: Passing, file: str, more: str, words: str
) -> None:
    os.mkfifo("pipe")
    Path("empty.gz").touch()
    Path("a disk.img").write_bytes(b"raw")
    for name, size, start in (("large.gz", 5 * 2**30 + 1, b"\x1f\x8b"), ("large.img", 6 * 10**9 + 1, b"MBR")):
        with open(name, "wb") as stream:
            stream.write(start)
            stream.truncate(size)  # a hole: nothing of it is on the disk
    outcome = ran(passing, exec_(file, more=more))
    assert words in outcome.error
    assert outcome.requests == []


def test_a_file_that_may_not_be_read(passing: Passing, monkeypatch: pytest.MonkeyPatch) -> None:
    real = open

    def denied(path: Any, *mode: Any, **more: Any) -> Any:
        if str(path) == "disk.img.gz":
            raise PermissionError(13, "Permission denied")
        return real(path, *mode, **more)

    monkeypatch.setattr("builtins.open", denied)
    assert "@@file: cannot read disk.img.gz: Permission denied" in ran(passing, exec_("disk.img.gz")).error


def test_what_grows_too_large_when_it_is_compressed_makes_nothing(
    passing: Passing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.lifecycle.parcels._PIECE", 1000)
    monkeypatch.setattr("engine.lifecycle.parcels._check_size", _small)
    outcome = ran(passing, exec_("disk.img", more=", @@compress = true"))
    assert outcome.error == "error: disk.img.gz is too large"
    assert outcome.requests == []


def _small(name: str, size: int, most: int | None, raw: bool) -> None:
    if not raw and size > 20_000:
        raise StratoqlError(f"{name} is too large")


def test_no_room_to_compress_is_told_and_makes_nothing(passing: Passing, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gzip.GzipFile.write", full)
    outcome = ran(passing, exec_("disk.img", more=", @@compress = true"))
    assert "disk.img cannot be compressed in " in outcome.error
    assert "No space left on device\nhint: TMPDIR names another folder" in outcome.error
    assert outcome.requests == []


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (f"EXEC {TABLE}.post_replicate_image @imageId = 'private/1', @regions = '[]', @@file = 'x'",
         "post_replicate_image takes no file"),
        (f"EXEC {TABLE}.post_upload_image {BODY}, @@compress = true", "@@compress goes with @@file"),
        (f"EXEC {TABLE}.post_upload_image {BODY}, @@file = NULL", "@@file: expects the path of a file, such as"),
        (f"EXEC {TABLE}.post_upload_image {BODY}, @@fil = 'x'", "@@fil is not known"),
        (f"EXEC {TABLE}.post_upload_image {BODY}, @@file = 'x', @@FILE = 'y'", "@@FILE is given twice"),
    ],
)  # fmt: skip
def test_a_file_has_its_place(passing: Passing, sql: str, words: str) -> None:
    outcome = ran(passing, sql)
    assert words in outcome.error
    assert outcome.requests == []


def test_the_plan_tells_of_the_file_and_masks_where_it_goes(passing: Passing) -> None:
    plan = [row["plan"] for row in ran(passing, f"EXPLAIN {exec_()}").rows]
    assert plan[4:8] == [
        "  then: PUT *** (the upload_to of the answer), without the credential",
        "    Content-Type: application/octet-stream",
        f"    disk.img.gz, {len(GZ):,} bytes",
        "  then: GET https://api.linode.com/v4/images/{imageId} once, to see what became of it",
    ]
    plan = [row["plan"] for row in ran(passing, f"EXPLAIN {exec_('disk.img', more=', @@compress = true')}").rows]
    assert plan[6] == "    disk.img, 70,000 bytes, compressed before it is sent"
    assert "cannot read nothing.gz" in ran(passing, f"EXPLAIN {exec_('nothing.gz')}").error


def test_a_person_who_is_asked_sees_the_file(passing: Passing) -> None:
    asked: list[Preview] = []

    def approve(preview: Preview) -> bool:
        asked.append(preview)
        return False

    session = Session(Settings(sandbox="", environ={}), approve=approve)
    with session, pytest.raises(StratoqlError, match="not done"):
        list(session.run(exec_()))
    assert "then: PUT *** (the upload_to of the answer), without the credential  " in asked[0].requests[0]
    assert "disk.img.gz" in asked[0].requests[0]


def test_a_broken_connection_is_tried_once_more(passing: Passing) -> None:
    outcome = ran(passing, exec_(), faults=[Fault("PUT", drop="reset", cut=10_000)])
    assert (outcome.error, outcome.lines) == ("", [PUT_ONCE[0], PUT_ONCE[1], *PUT_ONCE[1:]])
    assert outcome.requests[2].size == len(GZ)


def test_what_does_not_arrive_says_how_to_send_it_again(passing: Passing) -> None:
    outcome = ran(passing, exec_("./disk.img.gz"), faults=[Fault("PUT", drop="reset", cut=10_000, times=2)])
    until = kept.moment(passing.now - 1 + 86400)
    assert outcome.error == (
        "error: the file did not arrive: the connection to us-east-1.sandbox-objects.invalid broke: "
        "Connection reset by peer\n"
        f"  private/28000001 waits for it at us-east-1.sandbox-objects.invalid until {until}\n"
        "hint: send it again while it waits: stratoql upload ./disk.img.gz --to private/28000001"
    )
    assert outcome.lines == [PUT_ONCE[0], PUT_ONCE[1], PUT_ONCE[1]]
    (row,) = outcome.completed
    assert (json.loads(row["image"])["id"], row["upload_to"]) == ("private/28000001", None)
    (path,) = uploads()
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)


def test_an_address_that_is_refused_is_not_tried_again(passing: Passing) -> None:
    denied = Fault("PUT", status=403, body="<Error><Code>AccessDenied</Code></Error>")
    outcome = ran(passing, exec_(), faults=[denied])
    assert outcome.error.startswith("error: the file did not arrive: HTTP 403 AccessDenied\n")
    assert outcome.lines == PUT_ONCE[:2]


def test_where_it_may_have_arrived_it_is_looked_at_before_it_is_sent_again(passing: Passing) -> None:
    outcome = ran(passing, exec_(), faults=[Fault("PUT", drop="reset", effect=True)])
    assert outcome.error.startswith("error: whether the file arrived is not known: HTTP 403 SignatureDoesNotMatch")
    assert (
        "hint: an attempt was sent whole and never answered, so look first: "
        f"SELECT /*+ AWAIT */ * FROM {TABLE} WHERE id = 'private/28000001'; or send it again while it waits: "
        "stratoql upload ./disk.img.gz --to private/28000001"
    ) in outcome.error


def test_nobody_is_shown_the_address(passing: Passing, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ran(passing, exec_())
        broken = ran(passing, exec_(), faults=[Fault("PUT", drop="reset", cut=10_000, times=2)])
    told = caplog.text + broken.error + repr(broken.events) + repr(broken.completed)
    (path,) = uploads()
    found = msgspec.json.decode(path.read_bytes(), type=kept.Kept)
    secret = found.address.partition("Signature=")[2].partition("&")[0]
    assert len(secret) > 20
    assert secret not in told
    assert "Signature" not in told
    assert secret not in repr(found)


@pytest.mark.parametrize(
    "faults",
    [[Fault("PUT", status=403)], [Fault("PUT", drop="reset", times=2)], []],
    ids=["refused", "broken", "never sent"],
)
def test_a_traceback_with_its_variables_does_not_show_it(passing: Passing, faults: list[Fault]) -> None:
    secret = "f00dS1gnature"
    host = "far.example" if faults else "xn--a"  # which no client can ask
    answer = {"image": {"id": "private/1"}, "upload_to": f"https://{host}/x?Signature={secret}"}
    posted = Fault("POST", "upload", body=answer, status=200)
    wire = transport(images=[], clock=lambda: passing.now, rules=RULES, faults=[posted, *faults])
    with Session(Settings(environ={}, token=TOKEN), transport=wire) as session, pytest.raises(Unready) as raised:
        list(session.run(exec_()))
    error, frames = raised.value, raised.tb.tb_next  # without this test's own variables
    trace = "".join(TracebackException(type(error), error, frames, capture_locals=True).format())
    assert "engine/lifecycle/sending.py" in trace
    assert secret not in trace


def test_an_answer_without_an_address_sends_nothing(passing: Passing) -> None:
    for patch in ({"upload_to": None}, {"upload_to": "http://store.example/x"}):
        outcome = ran(passing, exec_(), faults=[Fault("POST", "upload", patch=patch)])
        assert "error: the file did not arrive: the " in outcome.error
        assert outcome.lines == PUT_ONCE[:1]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            {"image": {"id": "private/1"}, "upload_to": "http://far.example/x"},
            "private/1 waits for it at far.example until",
        ),
        ({"image": {"id": "private/1"}, "upload_to": "https://[x"}, "private/1 waits for it until"),
        ({"image": {"id": "private/1"}, "upload_to": 5}, "private/1 waits for it until"),
    ],
)
def test_an_address_that_nothing_is_sent_to_is_not_kept(answer: Any, words: str, passing: Passing) -> None:
    outcome = ran(passing, exec_(), faults=[Fault("POST", "upload", body=answer, status=200)])
    assert words in outcome.error
    assert outcome.error.endswith("hint: begin the upload again; its address was not kept")
    assert (outcome.lines, uploads()) == (PUT_ONCE[:1], [])


def test_what_is_advised_can_be_pasted_whatever_the_answer_says(passing: Passing) -> None:
    image = {"id": "private/1; rm x\x1b[31m\n"}
    answer = Fault("POST", "upload", body={"image": image, "upload_to": "https://h.example/x"}, status=200)
    again = "stratoql upload ./disk.img --to 'private/1; rm x [31m' --compress"
    outcome = ran(passing, exec_("./disk.img", more=", @@compress = true"), faults=[answer, Fault("PUT", status=403)])
    assert outcome.error.endswith(f"hint: send it again while it waits: {again}")
    assert "\x1b" not in outcome.error


def test_a_file_that_was_no_disk_image_is_told_as_failed(passing: Passing) -> None:
    Path("odd.gz").write_bytes(b"\x1f\x8b and then nonsense")
    outcome = ran(passing, exec_("odd.gz", "/*+ AWAIT */"))
    assert "post_upload_image is done, but private/28000001 failed after 24 s: it is gone" in outcome.error
    gone = ran(passing, exec_("odd.gz"), faults=[Fault("GET", "private", status=404)])
    assert "private/28000001 failed after 0 s: it is gone (HTTP 404: Not found), last seen pending_up" in gone.error


def test_a_file_takes_no_time_of_the_statement(passing: Passing) -> None:
    outcome = ran(
        passing,
        exec_(hint="/*+ AWAIT */"),
        Settings(environ={}, timeout=2.0, max_requests=1),
        faults=[Fault("PUT", drop="close", cut=5)],
    )
    assert (outcome.error, len(outcome.rows)) == ("", 1)


@pytest.fixture
def begun(passing: Passing, tmp_path: Path) -> list[str]:
    """An upload that broke off, in a sandbox with a file of its own; the flags that lead there."""
    state = str(tmp_path / "sandbox.db")
    wire = transport(state, images=[], rules=RULES, faults=[Fault("PUT", drop="reset", times=2)])
    session = Session(Settings(environ={}, token=TOKEN, sandbox=state), transport=wire)
    with session, pytest.raises(StratoqlError, match="did not arrive"):
        list(session.run(exec_()))
    return [f"--sandbox={state}", "-o", "csv"]


def test_a_broken_upload_is_sent_again(begun: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upload", "disk.img.gz", "--to", "private/28000001", *begun]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[1].startswith("private/28000001,")
    assert told.err.splitlines() == [
        "disk.img.gz is sent to private/28000001",
        f"hint: to wait until it is ready: SELECT /*+ AWAIT */ * FROM {TABLE} WHERE id = 'private/28000001'",
    ]
    assert uploads() == []
    assert main(["upload", "disk.img.gz", "--to", "private/28000001", *begun]) == 2
    assert "error: no upload of private/28000001 is waiting for its file\n" in capsys.readouterr().err


def test_what_is_sent_again_is_looked_at_first(begun: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upload", "disk.img", "--to", "private/28000001", *begun]) == 1
    told = capsys.readouterr().err
    assert "disk.img is not gzip-compressed" in told
    assert "add --compress, or run" in told
    assert main(["upload", "disk.img", "--to", "private/28000001", "--compress", *begun]) == 0


def test_one_that_waits_elsewhere_is_not_found(begun: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upload", "disk.img.gz", "--to", "private/2", *begun]) == 2
    told = capsys.readouterr().err
    assert "no upload of private/2 is waiting for its file; waiting here: private/28000001 (until 20" in told
    assert main(["upload", "disk.img.gz", "--to", "private/28000001", "--sandbox"]) == 2
    assert "no upload of private/28000001 is waiting for its file\nhint: begin one" in capsys.readouterr().err


def test_an_upload_whose_time_is_over_says_so(
    begun: list[str], passing: Passing, capsys: pytest.CaptureFixture[str]
) -> None:
    passing.now += 86401
    assert main(["upload", "disk.img.gz", "--to", "private/28000001", *begun]) == 2
    told = capsys.readouterr().err
    assert "error: the address for private/28000001 ended at 20" in told
    assert "hint: begin the upload again: EXEC ... @@file = '...'" in told
    assert uploads() == []


def test_one_that_breaks_off_again_goes_on_waiting(
    begun: list[str], passing: Passing, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = begun[0].partition("=")[2]
    wire = transport(state, rules=RULES, clock=lambda: passing.now, faults=[Fault("PUT", drop="reset", times=2)])
    session = Session(Settings(environ={}, token=TOKEN, sandbox=state), transport=wire)
    with session, pytest.raises(StratoqlError, match="Connection reset by peer") as raised:
        session.upload("disk.img.gz", "private/28000001")
    assert str(raised.value.hint).startswith("private/28000001 waits until 20")
    assert len(uploads()) == 1


def test_those_whose_time_is_over_are_forgotten_and_others_left_alone(passing: Passing) -> None:
    old = kept.Kept("private/1", "w", TABLE, "https://h/x", passing.now - 1, _rule())
    assert kept.keep(old, passing.now - 10)
    stranger = kept.folder() / "notes.json"
    stranger.write_text("no upload")
    assert kept.keep(kept.Kept("private/2", "w", TABLE, "https://h/y", passing.now + 10, _rule()), passing.now)
    assert len(uploads()) == 2
    assert stranger in uploads()
    with pytest.raises(UsageError, match="no upload of private/1"):
        kept.find("private/1", lambda _: True, passing.now)


def test_where_nothing_can_be_kept_the_error_says_so(passing: Passing, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    outcome = ran(passing, exec_(), faults=[Fault("PUT", status=403)])
    assert "hint: begin the upload again; its address was not kept" in outcome.error
    assert uploads() == []
    in_memory = ran(passing, exec_(), Settings(environ={}, sandbox=""), faults=[Fault("PUT", status=403)])
    assert "its address was not kept" in in_memory.error


def _rule() -> Any:
    from provider_registry.catalog import Catalog

    return Catalog().method("linode", "images", "images", "post_upload_image").upload


def test_a_method_that_takes_a_file_is_described_so() -> None:
    with Session(Settings(environ={})) as session:
        (result,) = session.run(f"DESCRIBE METHOD EXTENDED {TABLE}.post_upload_image")
        (row,) = [row for row in rows(result) if row["name"] == "@@file"]
        (other,) = session.run(f"DESCRIBE METHOD {TABLE}.post_image")
        assert "@@file" not in [each["name"] for each in rows(other)]
    assert (row["type"], row["param_type"]) == ("file (gzip)", "input_optional")
    assert row["description"] == "The path of a file of at most 5,368,709,120 bytes, which is sent to upload_to."

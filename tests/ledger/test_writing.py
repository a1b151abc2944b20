"""What stands in a ledger, and when."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import httpx
import pytest

from engine.errors import ApiError, NotSent, PartialWrite, UsageError
from engine.ledger.file import File, opened
from tests.ledger.played import TOKEN, Account, events, lines

SET = "REPLACE linode.images.images SET data__label = 'new-' || label WHERE label LIKE 'old%'"


def test_all_is_planned_before_the_first_is_sent(account: Account, ledger: Path) -> None:
    seen: list[list[str]] = []

    def meet(request: httpx.Request) -> None:
        if request.method == "PUT":
            seen.append([line["event"] for line in lines(ledger)])

    account.meet = meet
    assert account.run(SET, ledger) is None
    assert seen[0] == ["run", "sending"]
    assert seen[1] == ["run", "sending", "done", "sending"]
    begun, *rest = lines(ledger)
    assert begun["statement"] == SET
    assert (begun["method"], begun["verb"], begun["provider"]) == (
        "linode.images.images.put_image",
        "replace",
        "linode",
    )
    assert begun["api"] == "https://api.linode.com:443"
    assert begun["calls"][2] == {
        "call": 3,
        "method": "PUT",
        "path": "/v4/images/private%2F3",
        "key": "imageId = private/3",
        "args": {"data__label": "new-old-3", "imageId": "private/3"},
        "before": {"id": "private/3", "is_public": False, "label": "old-3"},
    }
    done = rest[-1]
    assert {name: done[name] for name in ("event", "call", "method", "path", "status", "id", "statement")} == {
        "event": "done",
        "call": 3,
        "method": "PUT",
        "path": "/v4/images/private%2F3",
        "status": 200,
        "id": "private/3",
        "statement": SET,
    }
    assert done["time"].endswith("Z")
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600
    assert TOKEN not in ledger.read_text()


def test_reads_open_no_ledger_and_writes_add_to_it(account: Account, ledger: Path) -> None:
    assert account.run("SELECT id FROM linode.images.images; EXPLAIN " + SET, ledger) is None
    assert account.run(f"{SET} AND label = 'none'", ledger) is None
    assert not ledger.exists()
    assert account.run("INSERT INTO linode.images.images (disk_id, label) VALUES (5, 'a')", ledger) is None
    assert account.run("DELETE FROM linode.images.images WHERE id = 'private/1'", ledger) is None
    assert [line["event"] for line in lines(ledger)] == ["run", "sending", "done"] * 2
    assert lines(ledger)[2]["id"] == "private/903"
    assert len({line["run"] for line in lines(ledger)}) == 2


def test_a_replace_by_its_key_is_read_before(account: Account, ledger: Path) -> None:
    sql = """REPLACE linode.images.images SET data__tags = '["x-y"]' WHERE id = 'private/2'"""
    assert account.run(sql, ledger) is None
    assert account.sent == ["GET private/2", "PUT private/2"]
    assert lines(ledger)[0]["calls"][0]["before"]["tags"] == ["one", "two"]
    error = account.run(sql.replace("/2", "/77"), ledger)  # as without a ledger: the API says that it is not there
    assert isinstance(error, ApiError)
    assert events(ledger)[-1] == "failed 1"
    assert lines(ledger)[-1]["status"] == 404


def test_each_outcome_has_its_word(account: Account, ledger: Path) -> None:
    def meet(request: httpx.Request) -> httpx.Response | None:
        if account.sent[-1] == "PUT private/2":
            account.act("PUT", "private/2", json.loads(request.content))
            raise httpx.ReadError("connection lost")
        return None

    account.meet = meet
    error = account.run(SET, ledger)
    assert isinstance(error, PartialWrite)
    assert events(ledger) == ["sending 1", "done 1", "sending 2", "unknown 2"]
    account.meet = lambda request: httpx.Response(403) if request.method == "PUT" else None
    account.run(SET, ledger)
    assert events(ledger)[4:] == ["sending 1", "failed 1"]
    assert lines(ledger)[-1]["error"] == "HTTP 403: Forbidden"


def test_no_secret_is_written_down(account: Account, ledger: Path) -> None:
    sql = f"INSERT INTO linode.images.images (disk_id, label, description) VALUES (5, '{TOKEN}', 'hunter2-long')"
    with account.session(ledger, environ={"DB_PASSWORD": "hunter2-long"}) as session:
        list(session.run(sql))
    text = ledger.read_text()
    assert TOKEN not in text
    assert "hunter2" not in text
    begun = lines(ledger)[0]
    assert begun["calls"][0]["secret"] is True
    assert begun["calls"][0]["args"]["data__disk_id"] == 5
    assert begun["statement"] == (
        "INSERT INTO linode.images.images (disk_id, label, description) VALUES ('***', '***', '***')"
    )
    assert begun["account"] not in ("", TOKEN)


def test_a_ledger_that_cannot_be_written_stops_all(account: Account, ledger: Path, tmp_path: Path) -> None:
    error = account.run(SET, tmp_path / "absent" / "ledger")
    assert isinstance(error, UsageError)
    assert error.message == f"cannot open the ledger {tmp_path}/absent/ledger: No such file or directory"
    assert error.hint == "name a file that can be written, in a folder that is there"
    error = account.run(SET, Path("/dev/null"))
    assert isinstance(error, UsageError)
    assert error.message == "the ledger /dev/null is no file"
    assert account.writes == []


@pytest.mark.parametrize(("room", "written"), [(0, 0), (1, 0), (2, 1), (3, 1), (5, 2)])
def test_a_full_disk_stops_what_has_not_left(
    room: int, written: int, account: Account, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many lines have room, the next one half."""
    left = room

    def put(self: File, data: bytes) -> int:
        nonlocal left
        left -= 1
        return whole(self, data if left >= 0 else data[:20])

    whole = File._put
    monkeypatch.setattr(File, "_put", put)
    error = account.run(SET, ledger)
    assert sum(account.effects.values()) == written == len(account.writes)
    assert f"cannot write the ledger {ledger}: there is no room for a whole line" in str(error)
    if written:
        assert isinstance(error, PartialWrite)
        assert (len(error.done), len(error.unsent)) == (written, 3 - written)
    else:
        assert isinstance(error, NotSent | PartialWrite)
    monkeypatch.undo()
    told = account.resume(ledger) if room else []
    assert {one.state for one in told} <= {"done"}
    assert account.effects == ({f"PUT private/{n}": 1 for n in (1, 2, 3)} if room else {})


def test_the_last_outcome_that_has_no_room_is_a_warning(
    account: Account, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = 2

    def put(self: File, data: bytes) -> int:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")
        return whole(self, data)

    whole = File._put
    monkeypatch.setattr(File, "_put", put)
    with account.session(ledger) as session:
        (result,) = session.run("DELETE FROM linode.images.images WHERE id = 'private/1'")
    assert result.messages == ("1 row deleted",)
    assert result.warnings == (f"cannot write the ledger {ledger}: No space left on device",)


def test_an_api_that_says_no_is_told_though_the_disk_is_full(
    account: Account, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meet(request: httpx.Request) -> httpx.Response | None:
        if request.method != "DELETE":
            return None
        monkeypatch.setattr(File, "_put", lambda self, data: 0)
        return httpx.Response(403)

    account.meet = meet
    error = account.run("DELETE FROM linode.images.images WHERE id = 'private/1'", ledger)
    assert isinstance(error, ApiError)
    assert error.status == 403


def test_who_writes_shares_the_ledger_and_who_resumes_does_not(account: Account, ledger: Path) -> None:
    one, other = File(str(ledger)), File(str(ledger))
    with pytest.raises(UsageError, match="written by a run that is under way"):
        File(str(ledger), alone=True)
    one.close()
    other.close()
    with opened(str(ledger)):
        assert str(account.run(SET, ledger)) == f"the ledger {ledger} is being resumed"
    assert account.writes == []


def test_a_ledger_is_found_in_the_home(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert account.run(SET, Path("~/ledger")) is None
    assert (tmp_path / "ledger").exists()

"""The state in a file: shared by processes, kept over SIGKILL, and never someone else's file."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.sandbox.api import Api, open_state
from engine.sandbox.rows import private
from engine.sandbox.rules import Rules
from engine.sandbox.seeds import DISK
from tests.sandbox.asking import Clock, ask, ids, told

ROOT = Path(__file__).parents[2]
# Makes images in a state file, as many as it is told or for ever, and says the id of each once it is kept.
WRITER = f"""
import sys
from engine.sandbox.api import Api, open_state
api = Api(open_state(sys.argv[1], ()))
count = 0
while count != int(sys.argv[2]):
    body = b'{{"disk_id": {DISK}, "label": "%s"}}' % sys.argv[3].encode()
    answer = api.handle("POST", "/v4/images", {{"Authorization": "Bearer sandbox"}}, body)
    sys.stdout.write(answer.body.decode().split('"id":"')[1].split('"')[0] + "\\n")
    sys.stdout.flush()
    count += 1
api.state.close()
"""


def writer(path: Path, count: int, label: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", WRITER, str(path), str(count), label]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def labels(path: Path) -> dict[str, str]:
    state = open_state(str(path), ())
    try:
        page = told(ask(Api(state, rules=Rules(rate_limit=False)), "GET /images?page_size=500"))
        return {row["id"]: row["label"] for row in page["data"]}
    finally:
        state.close()


def test_a_state_is_there_again_when_the_file_is_opened_again(tmp_path: Path) -> None:
    clock = Clock()
    path = str(tmp_path / "state.db")
    api = Api(open_state(path, None, clock), clock=clock)
    made = told(ask(api, "POST /images", {"disk_id": DISK, "label": "kept"}))["id"]
    ask(api, "DELETE /images/private/23100417")
    ask(api, "PUT /images/private/21875002", {"label": "geändert"})
    before = ids(ask(api, "GET /images"))
    api.state.close()
    clock.now += 2
    again = Api(open_state(path, [private(1)], clock), clock=clock)
    assert ids(ask(again, "GET /images")) == before, "what a file has stands above what a new one would start with"
    assert told(ask(again, f"GET /images/{made}"))["status"] == "available"
    assert told(ask(again, "GET /images/private/21875002"))["label"] == "geändert"
    again.state.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.db"], "no other file is left behind"


def test_two_openers_see_each_other_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    one, two = (Api(open_state(path, ()), rules=Rules(rate_limit=False)) for _ in range(2))
    made = [told(ask(api, "POST /images", {"disk_id": DISK}))["id"] for api in (one, two, one, two)]
    assert ids(ask(one, "GET /images")) == ids(ask(two, "GET /images")) == made
    ask(one, f"DELETE /images/{made[0]}")
    assert ask(two, f"DELETE /images/{made[0]}").status == 404
    ask(two, f"PUT /images/{made[1]}", {"label": "new"})
    assert told(ask(one, f"GET /images/{made[1]}"))["label"] == "new"
    for api in (one, two):
        api.state.close()
        api.state.close()
    assert len(ids(ask(one, "GET /images"))) == 3, "a closed state opens again by itself"
    one.state.close()


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    writers = [writer(path, 40, label) for label in ("one", "two")]
    made = [process.communicate(timeout=30)[0].split() for process in writers]
    assert [process.returncode for process in writers] == [0, 0]
    assert len({*made[0], *made[1]}) == 80, "no number is given twice"
    assert labels(path) == dict.fromkeys(made[0], "one") | dict.fromkeys(made[1], "two")


def test_a_killed_process_leaves_all_it_had_said(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    process = writer(path, -1, "doomed")
    assert process.stdout
    made = [process.stdout.readline().strip() for _ in range(25)]
    os.kill(process.pid, signal.SIGKILL)
    made += process.communicate(timeout=30)[0].split()
    found = labels(path)
    assert set(made) <= set(found)
    assert len(found) - len(made) <= 1, "at most the one that was kept but not yet said"
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


def test_threads_of_one_process_lose_nothing(tmp_path: Path) -> None:
    api = Api(open_state(str(tmp_path / "state.db"), ()), rules=Rules(rate_limit=False))

    def work() -> None:
        for _ in range(10):
            assert ask(api, "POST /images", {"disk_id": DISK}).status == 200

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids(ask(api, "GET /images")))) == 40
    api.state.close()


@pytest.mark.parametrize("path", [None, "state.db"])
def test_a_request_that_fails_changes_nothing(path: str | None, tmp_path: Path) -> None:
    api = Api(open_state(path and str(tmp_path / path), [private(1)]))

    def fails() -> None:
        with api.state.writing() as images:
            images.remove("private/1")
            images.new_number()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        fails()
    assert ids(ask(api, "GET /images")) == ["private/1"]
    assert told(ask(api, "POST /images", {"disk_id": DISK}))["id"] == "private/28000001"
    api.state.close()


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        open_state(str(path), ())
    assert caught.value.hint
    return caught.value.message


def test_a_file_that_is_not_a_state_is_refused_and_not_touched(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("x" * 5000)
    assert refused(text) == f"cannot use {text} as a sandbox's state: file is not a database"
    assert text.read_text() == "x" * 5000
    other = tmp_path / "other.db"
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE precious (a)")
    db.commit()
    db.close()
    assert refused(other) == f"{other} is an SQLite file, but not a state of this sandbox"
    newer = tmp_path / "newer.db"
    open_state(str(newer), ()).close()
    db = sqlite3.connect(newer)
    db.execute("PRAGMA user_version = 99")
    db.close()
    assert "not a state of this sandbox" in refused(newer)


def test_a_path_that_cannot_be_used_is_said_at_once(tmp_path: Path) -> None:
    assert refused(tmp_path / "no" / "state.db").endswith("unable to open database file")
    assert refused(tmp_path).endswith("unable to open database file")


def test_a_damaged_record_is_said_and_not_hidden(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    open_state(str(path), [private(1)]).close()
    db = sqlite3.connect(path)
    db.execute("UPDATE images SET record = '{'")
    db.commit()
    db.close()
    assert refused(path).startswith(f"cannot use {path} as a sandbox's state: Input data was truncated")


def test_a_state_s_file_is_of_this_layout(tmp_path: Path) -> None:
    """Files of released versions stay readable: a new layout needs a new number and a way to read the old."""
    path = tmp_path / "state.db"
    open_state(str(path), [private(1)]).close()
    db = sqlite3.connect(path)
    ((record,),) = db.execute("SELECT record FROM images")
    assert json.loads(record) == {"row": private(1)}
    assert db.execute("PRAGMA user_version").fetchone() == (2,)
    db.close()


def test_the_secret_of_an_upload_is_in_no_repr() -> None:
    api = Api(open_state(None, ()))
    answer = told(ask(api, "POST /images/upload", {"label": "x", "region": "us-east"}))
    with api.state.reading() as images:
        image = images.get(answer["image"]["id"])
    assert image
    assert image.secret
    assert image.secret not in repr(image)

"""Real processes against a real port: killed, interrupted, out of room. The proof is what the server received."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main
from engine.sandbox import TOKEN
from engine.sandbox.faults import Fault
from engine.sandbox.messages import Answer, Request
from engine.sandbox.rows import private
from engine.sandbox.seeds import DISK
from engine.sandbox.server import Server
from tests.ledger.played import events, lines

ROOT = Path(__file__).parent.parent.parent
ROWS = 25
STATEMENTS = {
    "DELETE": "DELETE FROM linode.images.images WHERE label LIKE 'old-%'",
    "PUT": "REPLACE linode.images.images SET data__label = 'new-' || label WHERE label LIKE 'old-%'",
    "POST": f"""INSERT INTO linode.images.images (disk_id, label)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
        SELECT {DISK}, 'made-' || i FROM n""",
}


class Api:
    """A served sandbox that answers writes late, and what it has received: a write by its method and row."""

    def __init__(self, *faults: Fault) -> None:
        rows = [private(n, label=f"old-{n}") for n in range(1, ROWS + 1)]
        slow = [Fault(method, delay=0.2, times=None) for method in STATEMENTS]
        self.server = Server(images=rows, faults=[*faults, *slow], rate_limit=False)
        self.received: Counter[str] = Counter()
        self.under_way: set[int] = set()  # requests that have come and are not answered yet
        real = self.server.api.answer

        def answer(asked: Request) -> Answer:
            whole = len(asked.body) == int(asked.headers.get("content-length", "0"))
            if asked.method != "GET" and whole:  # of one that was cut off in its body nothing comes
                label = json.loads(asked.body or b"{}").get("label", "") if asked.method == "POST" else ""
                self.received[f"{asked.method} {label or '/'.join(asked.segments[2:])}"] += 1
            self.under_way.add(id(asked))
            try:
                return real(asked)
            finally:
                self.under_way.discard(id(asked))

        vars(self.server.api)["answer"] = answer


@pytest.fixture
def api() -> Iterator[Callable[..., Api]]:
    opened: list[Api] = []

    def open_(*faults: Fault) -> Api:
        opened.append(Api(*faults))
        return opened[-1]

    yield open_
    for each in opened:
        each.server.close()


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STRATOQL_CONFIG", os.devnull)
    monkeypatch.setenv("LINODE_TOKEN", TOKEN)
    return tmp_path / "ledger.jsonl"


def start(api: Api, ledger: Path, sql: str, **more: Any) -> subprocess.Popen[bytes]:
    argv = ["exec", "-o", "jsonl", "--server", f"linode={api.server.url}", "--ledger", str(ledger), sql]
    command = [sys.executable, "-m", "engine", *argv]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def wait_for(ledger: Path, done: int) -> None:
    """Until so many calls are done."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if ledger.exists() and ledger.read_bytes().count(b'{"event":"done"') >= done:
            return
        time.sleep(0.005)
    raise AssertionError("nothing was written down")


def wait_for_quiet(api: Api) -> None:
    """Until what was under way has arrived and is done, or never will."""
    quiet, seen = time.monotonic(), api.received.total()
    while time.monotonic() < quiet + 0.5:
        if api.under_way or api.received.total() != seen:
            quiet, seen = time.monotonic(), api.received.total()
        time.sleep(0.01)


def resumed(api: Api, ledger: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, dict[int, str]]:
    """The exit code, and the states by call."""
    capsys.readouterr()
    code = main(["resume", str(ledger), "--server", f"linode={api.server.url}", "-o", "json", *flags])
    out = capsys.readouterr().out
    return code, {row["call"]: row["state"] for row in json.loads(out)} if out else {}


@pytest.mark.parametrize("verb", list(STATEMENTS))
def test_killed_during_25_writes(
    verb: str, api: Callable[..., Api], ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played = api()
    process = start(played, ledger, STATEMENTS[verb])
    wait_for(ledger, 8)
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    process.communicate()
    wait_for_quiet(played)
    before = Counter(played.received)
    sending = {line["call"] for line in _whole(ledger) if line["event"] == "sending"}
    unknown = sending - {line["call"] for line in _whole(ledger) if line["event"] == "done"}
    assert 8 <= len(sending) < ROWS
    code, told = resumed(played, ledger, capsys)
    if verb == "POST":
        assert {call for call, state in told.items() if state == "decide"} == unknown
        assert all(count == 1 for count in played.received.values())
        assert len(played.received) == len(before) + ROWS - len(sending)
        assert code == (1 if unknown else 0)
    else:
        assert set(told.values()) == {"done"}
        assert len(played.received) == ROWS
        assert set(played.received.values()) == {1}
        assert code == 0
    seen = Counter(played.received)
    code, told = resumed(played, ledger, capsys)
    assert (set(told), played.received) == (unknown if verb == "POST" else set(), seen)


def _whole(ledger: Path) -> list[dict[str, Any]]:
    """The lines, but for what is left of one."""
    return [json.loads(line) for line in ledger.read_bytes().split(b"\n")[:-1]]


def test_ctrl_c_accounts_for_every_row(
    api: Callable[..., Api], ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played = api()
    process = start(played, ledger, f"{STATEMENTS['DELETE']} RETURNING id")
    wait_for(ledger, 8)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    told = err.decode()
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (done|unknown|not sent)", told.partition("\n")[0])}
    assert sum(counts.values()) == ROWS
    assert len(out.splitlines()) == counts["done"]  # RETURNING gives the rows that are done
    found = Counter(line["event"] for line in lines(ledger))
    assert (found["done"], found["unknown"]) == (counts["done"], counts["unknown"])
    assert found["sending"] == counts["done"] + counts["unknown"] + found["unsent"]
    code, states = resumed(played, ledger, capsys)
    assert (code, set(states.values())) == (0, {"done"})
    assert played.received == {f"DELETE private/{n}": 1 for n in range(1, ROWS + 1)}


FIVE = "DELETE FROM linode.images.images WHERE label IN ('old-1', 'old-2', 'old-3', 'old-4', 'old-5') RETURNING id"


@pytest.mark.parametrize(
    ("fault", "word", "state"),
    [
        (Fault("DELETE", nth=3, status=500), "unknown", "done"),
        (Fault("DELETE", nth=3, drop="close", effect=True), "unknown", "done"),
        (Fault("DELETE", nth=3, status=403), "failed", "failed"),
    ],
    ids=["500 on the third of five", "cut after it was sent", "refused"],
)
def test_trouble_in_the_middle(
    fault: Fault, word: str, state: str, api: Callable[..., Api], ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played = api(fault)
    common = ["--server", f"linode={played.server.url}", "--concurrency", "1"]
    assert main(["exec", "-o", "csv", "-H", *common, "--ledger", str(ledger), FIVE]) == 1
    out, err = capsys.readouterr()
    assert out == "private/1\nprivate/2\n"
    assert f"of 5 rows: 2 done, 1 {word}, 2 not sent" in err
    assert f"{word:8} imageId = private/3" in err
    assert f"stratoql resume {ledger} goes on from here" in err
    assert events(ledger)[-2:] == ["sending 3", f"{word} 3"]
    code, told = resumed(played, ledger, capsys)
    assert told == {3: state, 4: "done", 5: "done"}
    assert code == (state != "done")
    done = {f"DELETE private/{n}": 1 for n in (1, 2, 3, 4, 5) if state == "done" or n != 3}
    assert played.received == done


def test_too_many_requests_in_the_middle_is_waited_for(
    api: Callable[..., Api], ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played = api(Fault("DELETE", nth=3, status=429, headers={"Retry-After": "0"}))
    common = ["--server", f"linode={played.server.url}", "--concurrency", "1"]
    assert main(["exec", "-o", "csv", "-H", *common, "--ledger", str(ledger), FIVE]) == 0
    assert events(ledger) == [f"{event} {n}" for n in (1, 2, 3, 4, 5) for event in ("sending", "done")]
    assert played.received == {f"DELETE private/{n}": 1 for n in (1, 2, 3, 4, 5)}
    assert resumed(played, ledger, capsys) == (0, {})


def test_a_disk_without_room(api: Callable[..., Api], ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A real limit of the operating system, in the middle of a write."""
    played = api()
    limit = 12_000

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = start(played, ledger, STATEMENTS["PUT"], preexec_fn=limited)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"because cannot write the ledger {ledger}" in err.decode()
    received = len(played.received)
    assert 0 < received < ROWS
    assert f"of {ROWS} rows: {received} done, {ROWS - received} not sent" in err.decode()
    assert os.path.getsize(ledger) <= limit
    code, told = resumed(played, ledger, capsys)
    assert (code, set(told.values())) == (0, {"done"})
    assert set(played.received.values()) == {1}
    assert len(played.received) == ROWS

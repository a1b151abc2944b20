"""Uploads and waits as whole processes: memory, Ctrl-C, a terminal."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.cli.progress import BYTE, ROW, Standing
from engine.sandbox import TOKEN, serving
from engine.sandbox.faults import Fault
from engine.sandbox.rules import Rules
from engine.wire.events import Event
from tests.cli.test_progress import seen

ROOT = Path(__file__).parents[2]
TABLE = "linode.images.images"
UPLOAD = f"""EXEC {TABLE}.post_upload_image @@json = '{{"label": "x", "region": "us-east"}}', @@file = '"""
MEASURED = """
import re, sys
from engine.cli import main
code = main(sys.argv[1:])
print("peak", re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1], file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("STRATOQL_CONFIG", os.devnull)
    monkeypatch.setenv("LINODE_TOKEN", TOKEN)


class Sink:
    """An API and a store in one that keep nothing of a file but its length, and take it slowly until `go`."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.requests: list[tuple[str, int]] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                self._answer(connection)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _answer(self, connection: socket.socket) -> None:
        head, buffer = b"", bytearray(1 << 20)
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        first, _, rest = head.partition(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", first, re.IGNORECASE)
        length = int(found[1]) if found else 0
        came = len(rest)
        while came < length and (size := connection.recv_into(buffer, 0 if self.go.is_set() else 1 << 17)):
            came += size
            if first.startswith(b"PUT"):
                self.go.wait(0.05)
        line = first.split(b"\r\n")[0].decode()
        self.requests.append((line.rpartition(" ")[0], came))
        image = {"id": "private/1", "status": "pending_upload"}
        body = json.dumps({"image": image, "upload_to": f"{self.url}/put"} if line.startswith("POST") else image)
        connection.sendall(
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"Connection: close\r\n\r\n{body}".encode()
        )


@contextmanager
def sink() -> Iterator[Sink]:
    served = Sink()
    thread = threading.Thread(target=served.serve, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.close()
        thread.join(5)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_two_gibibytes_are_sent_in_little_memory(tmp_path: Path) -> None:
    size = 2 * 2**30
    with open(tmp_path / "disk.img.gz", "wb") as stream:
        stream.write(b"\x1f\x8b")
        stream.truncate(size)  # a hole: nothing of it is on the disk
    with sink() as served:
        served.go.set()
        command = [sys.executable, "-c", MEASURED, "exec", "--server", f"linode={served.url}", "-o", "csv"]
        done = subprocess.run(
            [*command, f"{UPLOAD}{tmp_path}/disk.img.gz'"], cwd=ROOT, capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
    assert served.requests == [
        ("POST /v4/images/upload", len('{"label":"x","region":"us-east"}')),
        ("PUT /put", size),
        ("GET /v4/images/private%2F1", 0),
    ]
    peak = int(done.stderr.rpartition("peak ")[2])
    assert peak < 150 * 1024, f"{peak} kB"


def interrupted(url: str, sql: str, after: str) -> tuple[int, str, str]:
    """Exit code and output of a run that gets a Ctrl-C once it has said something."""
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", "exec", "-v", "-o", "csv", "--server", f"linode={url}", sql],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    while after not in said:
        said += (line := process.stderr.readline())
        assert line, said
    time.sleep(0.3)  # what has been said is about to happen
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, said + err


def test_a_ctrl_c_says_how_to_go_on_waiting() -> None:
    sql = f"INSERT /*+ AWAIT */ INTO {TABLE} (data__disk_id) VALUES (25674130) RETURNING id, status"
    with serving(rate_limit=False, rules=Rules(capture_seconds=600)) as url:
        code, out, err = interrupted(url, sql, "waiting for private/28000001: creating")
    assert code == 130
    assert out == "id,status\nprivate/28000001,creating\n"
    assert "post_image is done, but the wait for private/28000001 was broken off after " in err
    assert f"to wait for it again: SELECT /*+ AWAIT */ * FROM {TABLE} WHERE id = 'private/28000001'" in err


def test_a_ctrl_c_in_the_middle_of_a_file_says_how_to_send_it_again(tmp_path: Path) -> None:
    (tmp_path / "disk.img.gz").write_bytes(gzip.compress(os.urandom(100_000)))
    hangs = Fault("PUT", drop="hang")
    with serving(rate_limit=False, faults=[hangs]) as url:
        sql = f"{UPLOAD}{tmp_path}/disk.img.gz'"
        code, _, err = interrupted(url, sql, " bytes begins")
        assert code == 130
        assert "the file did not arrive: interrupted" in err
        again = re.search(r"stratoql (upload \S+ --to private/28000001)", err)
        assert again is not None
        command = [sys.executable, "-m", "engine", *again[1].split(), "--server", f"linode={url}", "-o", "csv"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout.splitlines()[1][:17]) == (0, "private/28000001,")


def test_a_terminal_shows_the_state_and_how_long_it_takes() -> None:
    sql = f"INSERT /*+ AWAIT */ INTO {TABLE} (data__disk_id) VALUES (25674130) RETURNING id"
    with serving(rate_limit=False, rules=Rules(capture_seconds=1.5)) as url:
        _, told = seen(url, sql)
    assert re.search(r"\rprivate/28000001: creating, size 25,600 MB \[00:\d\d\]", told)
    assert "note:" not in told


def standing(*events: Event) -> Standing:
    found = Standing()
    for event in events:
        found.hear(event)
    return found


def test_a_file_counts_in_bytes_until_it_is_there() -> None:
    parts = [Event("file", "", what="sending a.gz", number=n, of=9) for n in (4, 9)]
    assert standing(parts[0]).now() == ("sending a.gz", BYTE, 4, 9)
    assert standing(*parts).now() == ("", "page", 0, None)


def test_of_several_rows_the_newest_state_is_shown_and_how_many_are_ready() -> None:
    first = Event("await", "", what="private/1: creating", walk=1, number=0, of=2)
    second = Event("await", "", what="private/2: creating", walk=2, number=0, of=2)
    assert standing(first, second).now() == ("private/2: creating", ROW, 0, 2)
    again = first._replace(what="private/1: available", number=1)
    assert standing(first, second, again).now() == ("private/1: available", ROW, 1, 2)


def test_a_terminal_shows_rate_and_remaining_time_of_a_file(tmp_path: Path) -> None:
    with open(tmp_path / "disk.img.gz", "wb") as stream:
        stream.write(b"\x1f\x8b")
        stream.truncate(32 * 2**20)  # more than fits on the way

    def watch(shown: str) -> None:
        if line.search(shown):
            served.go.set()

    line = re.compile(r"sending disk.img.gz \|.*\| \d+\.?\d*[kM]/33\.6M \[00:\d\d<\d\d:\d\d, +\d+\.?\d*[kM]B/s\]")
    with sink() as served:
        _, told = seen(served.url, f"{UPLOAD}{tmp_path}/disk.img.gz'", watch=watch)
        assert served.go.is_set()
    assert line.search(told)

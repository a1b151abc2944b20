"""The sandbox over real sockets."""

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
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UsageError
from engine.sandbox import serving
from engine.sandbox.faults import Fault
from engine.sandbox.rows import private
from engine.sandbox.rules import Rules
from engine.sandbox.seeds import DISK
from engine.sandbox.server import LARGEST_BODY, Server
from tests.sandbox.asking import SANDBOX, Clock

ROOT = Path(__file__).parents[2]


def connect(url: str) -> HTTPConnection:
    return HTTPConnection(url.removeprefix("http://"), timeout=10)


def call(
    connection: HTTPConnection, line: str, body: Any = None, headers: dict[str, str] = SANDBOX
) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON and headers of one request on a connection that is kept."""
    method, target = line.split(" ")
    connection.request(method, target, body if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    text = response.read()
    return response.status, json.loads(text) if text else None, dict(response.getheaders())


def test_it_listens_on_this_machine_alone() -> None:
    with serving() as url:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)


def test_a_connection_is_kept_for_many_requests() -> None:
    with serving() as url:
        connection = connect(url)
        for line, status in (
            ("GET /v4/images/linode%2Fdebian12", 200),
            ("GET /v4/images/linode/debian12", 200),
            ("POST /v4/images", 400),
            ("DELETE /v4/images/private/1", 404),
            ("PATCH /v4/images", 405),
            ("BREW /v4/images", 405),
            (f"GET {url}/v4/images", 200),
        ):
            assert call(connection, line)[0] == status
            assert connection.sock is not None, "not closed"
        socket_of = connection.sock
        assert call(connection, "GET /v4/regions")[2]["X-RateLimit-Limit"] == "200"
        assert connection.sock is socket_of
        connection.close()


def test_head_has_no_body_and_the_connection_lives_on() -> None:
    with serving() as url:
        connection = connect(url)
        assert call(connection, "HEAD /v4/images")[1] is None
        assert call(connection, "GET /v4/images")[0] == 200
        connection.close()


def test_a_chunked_body_is_read() -> None:
    with serving(images=[private(1)]) as url:
        connection = connect(url)
        pieces = iter([b'{"label":', b' "in pieces"}'])
        connection.request("PUT", "/v4/images/private/1", pieces, SANDBOX, encode_chunked=True)
        response = connection.getresponse()
        assert json.loads(response.read())["label"] == "in pieces"
        assert call(connection, "GET /v4/images")[0] == 200
        connection.close()


def raw(url: str, sent: bytes) -> bytes:
    """What comes back on a connection on which these bytes were sent, until it ends."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while piece := connection.recv(65536):
            found += piece
        return found


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /v4/images HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST /v4/images HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", b"400"),
        (b"POST /v4/images HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"POST /v4/images HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}no", b"400"),
        (
            b"POST /v4/images HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY + 1)
            + b" " * (LARGEST_BODY + 1),
            b"413",
        ),
        (b"POST /v4/images HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n", b"401"),
        (b"POST /v4/images HTTP/1.1\r\nContent-Length: 10\r\n\r\n{", b"401"),
        (b"GET /v4/images HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /v4/images HTTP/1.1\r\nConnection: close\r\n\r\n", b"200"),
        (b"nonsense\r\n\r\n", b""),
    ],
)
def test_bytes_that_are_hardly_http(sent: bytes, status: bytes) -> None:
    with serving() as url:
        assert raw(url, sent).startswith(b"HTTP/1.1 " + status if status else b"")
        connection = connect(url)
        assert call(connection, "GET /v4/regions")[0] == 200, "others are still served"
        connection.close()


def test_an_upload_goes_to_another_origin() -> None:
    clock = Clock()
    with serving(clock=clock) as url:
        api = connect(url)
        made = call(api, "POST /v4/images/upload", {"label": "x", "region": "us-east"})[1]
        origin, _, target = made["upload_to"].removeprefix("http://").partition("/")
        assert origin != url.removeprefix("http://")
        file = gzip.compress(bytes(2_000_000))
        storage = connect("http://" + origin)
        octets = {"Content-Type": "application/octet-stream", "Content-Length": str(len(file))}
        for headers, status in (({**octets, **SANDBOX}, 400), (octets, 200), (octets, 403)):
            storage.request("PUT", "/" + target, iter([file[:500], file[500:]]), headers)
            response = storage.getresponse()
            assert (response.status, len(response.read()) > 0) == (status, status != 200)
        storage.request("PUT", "/" + target, iter([file]), {"Content-Type": "application/octet-stream"})
        assert storage.getresponse().read().count(b"MissingContentLength") == 1
        clock.now += 2
        assert call(api, f"GET /v4/images/{made['image']['id']}")[1]["size"] == 2
        for connection in (api, storage):
            connection.close()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(drop="close"), RemoteDisconnected),
        (Fault(drop="refuse"), RemoteDisconnected),
        (Fault(drop="reset"), ConnectionResetError),
        (Fault(drop="close", effect=True), RemoteDisconnected),
        (Fault(drop="hang", delay=0.05), RemoteDisconnected),
        (Fault(cut=30), IncompleteRead),
    ],
)
def test_a_fault_cuts_the_real_socket(fault: Fault, error: type[Exception]) -> None:
    with serving(images=[], faults=[fault]) as url:
        connection = connect(url)
        with pytest.raises(error):
            call(connection, "POST /v4/images", {"disk_id": DISK})
        connection.close()
        assert call(connection, "GET /v4/images")[1]["results"] == (1 if fault.acts else 0)
        connection.close()


def test_a_fault_answers_in_the_place_of_the_api() -> None:
    faults = [Fault(status=503, headers={"X-Maintenance-Mode": "1"}), Fault(delay=0.05), Fault(status=204, body=b"")]
    with serving(images=[], faults=faults) as url:
        connection = connect(url)
        status, body, headers = call(connection, "POST /v4/images", {"disk_id": DISK})
        assert (status, headers["X-Maintenance-Mode"]) == (503, "1")
        assert body == {"errors": [{"reason": "Service Unavailable"}]}
        begun = time.monotonic()
        assert call(connection, "GET /v4/images")[1]["results"] == 0
        assert time.monotonic() - begun >= 0.05
        assert call(connection, "GET /v4/images")[:2] == (204, None)
        assert call(connection, "GET /v4/images")[0] == 200
        connection.close()


def test_one_that_hangs_does_not_keep_the_server_from_ending() -> None:
    with serving(faults=[Fault(drop="hang"), Fault(delay=100)]) as url:
        waiting = [connect(url) for _ in range(2)]
        for connection in waiting:
            connection.request("GET", "/v4/images")
        time.sleep(0.1)
        begun = time.monotonic()
    assert time.monotonic() - begun < 1.5
    for connection in waiting:
        connection.close()


def test_closing_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    server = Server(rate_limit=False, rules=Rules())
    connection = connect(server.url)
    assert {call(connection, "GET /v4/images")[0] for _ in range(21)} == {200}
    server.close()
    server.close()
    connection.close()
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(1)
    assert not any(thread.is_alive() for thread in left)


def test_a_port_that_is_taken_is_said() -> None:
    with serving() as url, pytest.raises(UsageError) as caught:
        Server(int(url.rsplit(":", 1)[1]))
    assert caught.value.message.endswith("Address already in use")
    assert caught.value.hint == "choose another port, or 0 for any free one"
    with pytest.raises(UsageError, match="cannot listen on"):
        Server(70000)


def test_a_state_that_breaks_while_it_serves_is_a_500_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with serving(str(path)) as url:
        connection = connect(url)
        assert call(connection, "GET /v4/images")[0] == 200
        path.write_bytes(b"no longer a database" * 500)
        status, body, _ = call(connection, "GET /v4/images")
        assert status == 500
        assert f"cannot use {path} as a sandbox's state" in body["errors"][0]["reason"]
        connection.close()


def command(*arguments: Any) -> subprocess.Popen[str]:
    """`run` of the command in a process of its own."""
    program = (
        f"from engine.sandbox.command import run; raise SystemExit(run(*{arguments[:2]!r}, faults={arguments[2:]!r}))"
    )
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_stopped(stop: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    process = command(0, str(path), "GET ^/profile$ status=503")
    assert process.stderr
    greeting = [process.stderr.readline() for _ in range(4)]
    url = greeting[0].split(" at ")[1].strip()
    assert greeting[1:] == [
        f"  state: {path}\n",
        f"  point clients at it: export LINODE_URL={url} LINODE_TOKEN=sandbox\n",
        "  stop it: Ctrl-C\n",
    ]
    connection = connect(url)
    assert call(connection, "GET /v4/images")[0] == 200
    assert [call(connection, "GET /v4/profile")[0] for _ in range(2)] == [503, 200]
    os.kill(process.pid, stop)
    out, rest = process.communicate(timeout=10)
    connection.close()
    assert (process.returncode, out, rest) == (0, "", "")


def test_a_fault_that_cannot_be_read_stops_the_command_before_it_serves() -> None:
    from engine.sandbox.command import run

    with pytest.raises(UsageError, match="has no such setting: stauts"):
        run(0, None, faults=["stauts=503"])

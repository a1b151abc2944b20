"""One port: HTTP/1.1 with connections that are kept alive, a thread for each, on the standard library's server.

What it lacks in speed it has in needing nothing. A body comes to its side in pieces; a fault does to the socket what
it says.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Protocol

from engine.errors import StratoqlError, UsageError
from engine.sandbox.faults import Fault, Schedule
from engine.sandbox.messages import JSON, Answer, Problem, Request, request, whole

HOST = "127.0.0.1"
_PIECE = 64 * 1024
_KNOWN = frozenset(HTTPStatus)
_FAREWELL = 2.0  # seconds that closing waits for requests under way


class Side(Protocol):
    """What answers on one port."""

    def answer(self, asked: Request, pieces: Iterator[bytes]) -> Answer:
        """Answer a request whose body comes in pieces. Not all of them need to be taken."""


class Unreadable(Exception):
    """A body whose end cannot be found, or that is too large; the connection is of no more use."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Listener(ThreadingHTTPServer):
    """One port. It knows its open connections, so that closing ends them and leaves nothing behind."""

    daemon_threads = True
    request_queue_size = 128
    side: Side  # from start() on

    def __init__(self, port: int, schedule: Schedule) -> None:
        try:
            super().__init__((HOST, port), _Connection)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(
                f"cannot listen on {HOST}:{port}: {reason}", hint="choose another port, or 0 for any free one"
            ) from error
        self.schedule = schedule
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._none_open = threading.Condition()
        self._thread: threading.Thread | None = None

    def server_bind(self) -> None:
        """Bind, without the base class's look-up of this machine's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def start(self, side: Side) -> None:
        """Begin to answer."""
        self.side = side
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end every connection."""
        self.stopping.set()
        if self._thread:
            with contextlib.suppress(OSError):
                socket.create_connection((HOST, self.server_port), _FAREWELL).close()  # wakes the one who waits
            self._thread.join(_FAREWELL)
        self.server_close()
        with self._none_open:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._none_open.wait_for(lambda: not self._open, _FAREWELL)

    def _accept(self) -> None:
        """Take connections until it is time to stop. Unlike the base class's loop it does not poll."""
        while not self.stopping.is_set():
            self.handle_request()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """No connection is taken any more once it is time to stop."""
        return not self.stopping.is_set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, and remember it."""
        with self._none_open:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """The end of a connection."""
        super().shutdown_request(request)
        with self._none_open:
            self._open.discard(request)
            self._none_open.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of ours; anything else is said on stderr by the base class."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    """One connection: requests one after another."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def __getattr__(self, name: str) -> Any:
        """Every method of HTTP is answered in one place; the base class looks for do_GET, do_PUT and so on."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """No log: the first line of a request may hold an upload's signature."""

    def _serve(self) -> None:
        """Answer one request, or do what its fault says."""
        asked = request(self.command, self.path, tuple(self.headers.items()))
        fault = self.server.schedule.take(asked)
        real: Answer | None = None
        try:
            if fault is None or fault.acts:
                real = self._act(asked)
            elif not fault.drop:
                _exhaust(self._pieces())
            elif fault.takes is not None:
                _exhaust(self._pieces(), fault.takes)
        except Unreadable as error:
            fault, real = None, self._sorry(error.status, HTTPStatus(error.status).phrase)
        except StratoqlError as error:
            fault, real = None, self._sorry(500, error.message)
        if fault:
            self._befall(fault, real)
        elif real:
            self._send(real)

    def _act(self, asked: Request) -> Answer:
        """Let a request take effect."""
        pieces = self._pieces()
        answer = self.server.side.answer(asked, pieces)
        _exhaust(pieces)  # what was not read would be taken for the next request
        return answer

    def _sorry(self, status: int, reason: str) -> Answer:
        """An error after which the connection is of no more use."""
        self.close_connection = True
        return Answer(status, (JSON,), Problem(status, (reason, None)).body)

    def _befall(self, fault: Fault, real: Answer | None) -> None:
        """Do to the connection what a fault says."""
        if fault.drop == "hang":
            self._hang(fault.delay or math.inf)
        else:
            self.server.stopping.wait(fault.delay)
        answer = fault.answer(real)
        if answer:
            self._send(answer, fault.cut)
        else:
            self._break_off(reset=fault.drop == "reset")

    def _send(self, answer: Answer, cut: int | None = None) -> None:
        """Write an answer in one piece; with `cut`, only so many bytes of its body, and end the connection."""
        bare = answer.status in (204, 304)
        headers = [*answer.headers, *([] if bare else [("Content-Length", str(len(answer.body)))])]
        if self.close_connection:
            headers.append(("Connection", "close"))
        phrase = HTTPStatus(answer.status).phrase if answer.status in _KNOWN else "Unknown"
        lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {value}" for name, value in headers), "", ""]
        body = b"" if bare or self.command == "HEAD" else answer.body[:cut]
        self.wfile.write("\r\n".join(lines).encode("latin-1", "replace") + body)
        self.close_connection = self.close_connection or cut is not None

    def _break_off(self, *, reset: bool) -> None:
        """End the connection without an answer; `reset` leaves the client no doubt that it broke."""
        self.close_connection = True
        if reset:
            linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)  # on, for no time: closing resets
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            socket.close(self.connection.detach())

    def _hang(self, seconds: float) -> None:
        """Say nothing until the client goes, the time is up, or the server stops."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.server.stopping.wait(0.02):
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                break

    def _pieces(self) -> Iterator[bytes]:
        """The body as it comes, in small pieces."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            yield from self._chunks()
            return
        length = whole(self.headers.get("Content-Length", "0"))
        if length is None:
            raise Unreadable(400)
        yield from self._exactly(length)

    def _chunks(self) -> Iterator[bytes]:
        """A chunked body; extensions and trailers are read over."""
        while True:
            digits = self.rfile.readline(256).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", digits):
                raise Unreadable(400)
            if not int(digits, 16):
                break
            yield from self._exactly(int(digits, 16))
            if self.rfile.readline(3) != b"\r\n":
                raise Unreadable(400)
        while self.rfile.readline(_PIECE) not in (b"\r\n", b"\n", b""):
            pass

    def _exactly(self, length: int) -> Iterator[bytes]:
        """So many bytes; fewer where the client goes away."""
        while length:
            piece = self.rfile.read(min(length, _PIECE))
            if not piece:
                self.close_connection = True
                return
            length -= len(piece)
            yield piece


def _exhaust(pieces: Iterator[bytes], most: float = math.inf) -> None:
    """Read what comes, or so many bytes of it."""
    taken = 0
    for piece in pieces:
        taken += len(piece)
        if taken >= most:
            break

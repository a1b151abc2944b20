"""The sandbox behind real sockets on 127.0.0.1: one port for the API, one for the upload origin.

Threads and the standard library's HTTP server: what it lacks in speed it has in needing nothing. Connections are
kept alive; an upload streams through; a fault does to the socket what it says.
"""

from __future__ import annotations

import contextlib
import math
import re
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from engine.errors import StratoqlError, UsageError
from engine.sandbox.api import Api, Clock, open_state
from engine.sandbox.faults import Fault, Schedule
from engine.sandbox.messages import JSON, Answer, Problem, Request, Row, request
from engine.sandbox.rules import Rules, in_force
from engine.sandbox.seeds import Account
from engine.sandbox.uploads import Refusal, Uploads

HOST = "127.0.0.1"
LARGEST_BODY = 4 * 1024 * 1024  # of a request to the API
_PIECE = 64 * 1024
_KNOWN = frozenset(HTTPStatus)
_FAREWELL = 2.0  # seconds that closing waits for requests under way


class Server:
    """Owns the two sockets and their threads. `url` is the API's scheme, host and port.

    `port` 0 takes any free one. Raises UsageError where the port is taken.
    """

    def __init__(
        self,
        port: int = 0,
        path: str | None = None,
        *,
        images: Iterable[Row] | None = None,
        faults: Iterable[Fault] = (),
        rate_limit: bool = True,
        rules: Rules | None = None,
        account: Account | None = None,
        clock: Clock = time.time,
    ) -> None:
        state = open_state(path, images, clock)
        self._schedule = Schedule(faults)
        with contextlib.ExitStack() as undo:
            undo.callback(state.close)
            storage = undo.enter_context(contextlib.closing(_Listener(0, self._schedule)))
            self.upload_url = f"http://{HOST}:{storage.server_port}"
            self.api = Api(
                state, rules=in_force(rules, rate_limit), account=account, clock=clock, uploads=self.upload_url
            )
            front = undo.enter_context(contextlib.closing(_Listener(port, self._schedule)))
            self.url = f"http://{HOST}:{front.server_port}"
            front.start(_ApiSide(self.api))
            storage.start(_UploadSide(Uploads(state, self.api.rules, clock)))
            self._undo = undo.pop_all()

    def close(self) -> None:
        """Stop listening, end every connection, let go of the state. May be called again."""
        self._undo.close()


@contextmanager
def serving(path: str | None = None, *, port: int = 0, **options: Any) -> Iterator[str]:
    """A server for as long as the block runs; gives its URL. The options are those of Server."""
    with contextlib.closing(Server(port, path, **options)) as server:
        yield server.url


class _ApiSide:
    """Answers requests to the API."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def answer(self, asked: Request, pieces: Iterator[bytes]) -> Answer:
        body = b""
        for piece in pieces:
            body += piece
            if len(body) > LARGEST_BODY:
                raise _Unreadable(413)
        whole = Request(asked.method, asked.segments, asked.query, asked.headers, body)
        try:
            return self._api.answer(whole)
        except StratoqlError as error:
            return Answer(500, (JSON,), Problem(500, (error.message, None)).body)


class _UploadSide:
    """Answers uploads."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    def answer(self, asked: Request, pieces: Iterator[bytes]) -> Answer:
        try:
            receipt = self._uploads.begin(asked)
            for piece in pieces:
                receipt.feed(piece)
            return receipt.finish()
        except Refusal as refusal:
            return refusal.answer


class _Unreadable(Exception):
    """A body whose end cannot be found, or that is too large; the connection is of no more use."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Listener(ThreadingHTTPServer):
    """One port. It knows its open connections, so that closing ends them and leaves nothing behind."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, schedule: Schedule) -> None:
        try:
            super().__init__((HOST, port), _Connection)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(
                f"cannot listen on {HOST}:{port}: {reason}", hint="choose another port, or 0 for any free one"
            ) from error
        self.schedule = schedule
        self.side: _ApiSide | _UploadSide | None = None
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._none_open = threading.Condition()
        self._thread: threading.Thread | None = None

    def server_bind(self) -> None:
        """Bind, without the base class's look-up of this machine's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def start(self, side: _ApiSide | _UploadSide) -> None:
        """Begin to answer."""
        self.side = side
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end every connection."""
        self.stopping.set()
        if self._thread:
            self.shutdown()
            self._thread.join()
        self.server_close()
        with self._none_open:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._none_open.wait_for(lambda: not self._open, _FAREWELL)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._none_open:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
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
    server: _Listener

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
        if fault is None or fault.acts or not fault.drop:
            pieces = self._pieces()
            try:
                if self.server.side and (fault is None or fault.acts):
                    real = self.server.side.answer(asked, pieces)
                for _ in pieces:  # what was not read would be taken for the next request
                    pass
            except _Unreadable as error:
                self.close_connection = True
                problem = Problem(error.status, (HTTPStatus(error.status).phrase, None))
                self._send(Answer(error.status, (JSON,), problem.body))
                return
        answer = real
        if fault:
            if fault.drop == "hang":
                self._hang(fault.delay or math.inf)
            else:
                self.server.stopping.wait(fault.delay)
            answer = fault.answer(real)
        if answer:
            self._send(answer, fault.cut if fault else None)
        else:
            self._break_off(reset=fault is not None and fault.drop == "reset")

    def _send(self, answer: Answer, cut: int | None = None) -> None:
        """Write an answer in one piece; `cut` after so many bytes of its body, and end the connection."""
        self.close_connection = self.close_connection or cut is not None
        bare = answer.status in (204, 304)
        headers = [*answer.headers, *([] if bare else [("Content-Length", str(len(answer.body)))])]
        if self.close_connection:
            headers.append(("Connection", "close"))
        phrase = HTTPStatus(answer.status).phrase if answer.status in _KNOWN else "Unknown"
        lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {value}" for name, value in headers), "", ""]
        body = b"" if bare or self.command == "HEAD" else answer.body[:cut]
        self.wfile.write("\r\n".join(lines).encode("latin-1", "replace") + body)

    def _break_off(self, *, reset: bool) -> None:
        """End the connection without an answer; `reset` leaves the client no doubt that it broke."""
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
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
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise _Unreadable(400)
        yield from self._exactly(int(length))

    def _chunks(self) -> Iterator[bytes]:
        """A chunked body; extensions and trailers are read over."""
        while True:
            digits = self.rfile.readline(256).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", digits):
                raise _Unreadable(400)
            if not int(digits, 16):
                break
            yield from self._exactly(int(digits, 16))
            if self.rfile.readline(3) != b"\r\n":
                raise _Unreadable(400)
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

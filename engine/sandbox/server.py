"""The sandbox behind real sockets on 127.0.0.1: one port for the API, one for the upload origin."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from engine.sandbox.api import Api, Clock, open_state
from engine.sandbox.faults import Fault, Schedule
from engine.sandbox.listener import HOST, Listener, Unreadable
from engine.sandbox.messages import Answer, Request, Row
from engine.sandbox.rules import Rules, in_force
from engine.sandbox.seeds import Account
from engine.sandbox.uploads import Refusal, Uploads

LARGEST_BODY = 4 * 1024 * 1024  # of a request to the API


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
        schedule = Schedule(faults)
        with contextlib.ExitStack() as undo:
            undo.callback(state.close)
            storage = undo.enter_context(contextlib.closing(Listener(0, schedule)))
            self.upload_url = f"http://{HOST}:{storage.server_port}"
            self.api = Api(
                state, rules=in_force(rules, rate_limit), account=account, clock=clock, uploads=self.upload_url
            )
            front = undo.enter_context(contextlib.closing(Listener(port, schedule)))
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
        """Answer a request once its body is here."""
        body = b""
        for piece in pieces:
            body += piece
            if len(body) > LARGEST_BODY:
                raise Unreadable(413)
        return self._api.answer(replace(asked, body=body))


class _UploadSide:
    """Answers uploads."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    def answer(self, asked: Request, pieces: Iterator[bytes]) -> Answer:
        """Take a file as it comes."""
        try:
            receipt = self._uploads.begin(asked)
            for piece in pieces:
                receipt.feed(piece)
            return receipt.finish()
        except Refusal as refusal:
            return refusal.answer

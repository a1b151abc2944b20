"""What a session sent: a line a request, the last thousand of them, for `system.requests`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from engine.wire.events import Event, Listener

KEPT = 1000  # requests


class Sent(NamedTuple):
    """One request and its answer; no secret is in it. `error` is what came in the place of an answer."""

    time: str  # when it left, in UTC
    statement: int
    account: str | None
    provider: str
    method: str
    http: str
    url: str
    status: int | None
    error: str | None
    attempt: int
    ms: float
    bytes: int


class Log:
    """Owns the last requests of a session, and the count of its statements."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._sent: deque[Sent] = deque(maxlen=KEPT)
        self._statements = 0

    def __iter__(self) -> Iterator[Sent]:
        return iter(list(self._sent))  # a copy: requests of another statement may be under way

    def next_statement(self) -> int:
        """The number of the statement that begins now."""
        self._statements += 1
        return self._statements

    def hearing(self, statement: int, also: Listener | None) -> Listener:
        """A listener that writes down the requests of a statement, and hands every event on to another one."""

        def hear(event: Event) -> None:
            if event.kind == "response":
                self._sent.append(self._line(event, statement))
            if also is not None:
                also(event)

        return hear

    def _line(self, event: Event, statement: int) -> Sent:
        from datetime import UTC, datetime  # here: most sessions start without it

        http, _, url = event.request.partition(" ")
        left = datetime.fromtimestamp(self._clock() - event.seconds, UTC)
        error = event.text.partition(" ")[0] if event.status is None else None
        return Sent(
            left.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
            statement,
            event.account or None,
            event.provider,
            event.what,
            http,
            url,
            event.status,
            error,
            event.attempt,
            round(event.seconds * 1000, 1),
            event.bytes,
        )

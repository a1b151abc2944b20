"""`stratoql sandbox`: serve the sandbox until it is stopped."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from engine.sandbox import TOKEN
from engine.sandbox.faults import parse
from engine.sandbox.server import Server

_STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name))


def run(port: int, path: str | None = None, *, rate_limit: bool = True, faults: Sequence[str] = ()) -> int:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM; the exit code. `faults` are lines, as `faults.parse` reads them.

    Raises UsageError where the port is taken, the state cannot be used, or a fault cannot be read.
    """
    ordered = [parse(line) for line in faults]
    with (
        _signalled() as stop,
        contextlib.closing(Server(port, path, faults=ordered, rate_limit=rate_limit)) as server,
    ):
        sys.stderr.write(_greeting(server.url, path))
        sys.stderr.flush()
        while not stop.wait(0.5):  # a wait without an end cannot be interrupted on every platform
            pass
    return 0


def _greeting(url: str, path: str | None) -> str:
    """What to tell whoever started it."""
    return (
        f"a sandbox of the Linode Images API at {url}\n"
        f"  state: {path or 'in memory, gone when this ends'}\n"
        f"  point clients at it: export LINODE_URL={url} LINODE_TOKEN={TOKEN}\n"
        "  stop it: Ctrl-C\n"
    )


@contextmanager
def _signalled() -> Iterator[threading.Event]:
    """An event that the signals to stop set, instead of what they did before."""
    stop = threading.Event()

    def handler(number: int, frame: Any) -> None:
        stop.set()

    before = {number: signal.signal(number, handler) for number in _STOPPING}
    try:
        yield stop
    finally:
        for number, old in before.items():
            signal.signal(number, old)

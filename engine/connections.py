"""The loop and the client that the sessions of one process share: one pool, one limiter, one thread.

They come into being with the first session that sends something and end with the last one that did. A session whose
requests do not go to the network, to a sandbox say, has a pair of its own: its world is not the others'.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from engine.portal import Portal
from engine.settings import Settings
from engine.wire.client import Client

if TYPE_CHECKING:
    import httpx


class Connection:
    """Owns a loop in its thread, and the client that lives on it. `users` are the sessions that hold it."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.portal = Portal()
        self.client = Client(settings, transport)
        self.users = 1
        self._process = os.getpid()

    @property
    def alive(self) -> bool:
        """Whether its thread is in this process: a fork leaves it to the parent."""
        return self._process == os.getpid()

    def close(self) -> None:
        """Close the connections and stop the loop. May be called again."""
        self.portal.close(self.client.aclose())


_lock = threading.Lock()
_shared: Connection | None = None


def connect(settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> Connection:
    """The connection of a session: the process's own, or one apart for a `transport`. `release` it in the end."""
    global _shared
    if transport is not None:
        return Connection(settings, transport)
    with _lock:
        if _shared is None:
            _shared = Connection(settings)
        else:
            _shared.users += 1
        return _shared


def release(connection: Connection) -> None:
    """A session needs it no longer; the last one closes it."""
    global _shared
    if not connection.alive:
        return
    with _lock:
        connection.users -= 1
        if connection.users:
            return
        if _shared is connection:
            _shared = None
    connection.close()


def _forget() -> None:
    """After a fork: the thread and the sockets are the parent's, and so may be the lock."""
    global _lock, _shared
    _lock, _shared = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

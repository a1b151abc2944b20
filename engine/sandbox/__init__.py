"""A faithful Linode Images API without account or network: in process behind httpx, or served on 127.0.0.1.

    httpx.AsyncClient(transport=transport())             in memory, gone with the process
    httpx.AsyncClient(transport=transport("state.db"))   kept in a file that several processes can use at once
    with serving() as url: ...                           over real sockets, for any client

Around the images it has, to be read, instances with their disks, regions, volumes, tags, share groups and events.

Its tokens are `sandbox` (may do everything) and `sandbox-readonly`; any other is a 401.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from engine.sandbox.faults import Fault
    from engine.sandbox.inprocess import SandboxTransport, Sleep
    from engine.sandbox.rules import Rules
    from engine.sandbox.seeds import Account

TOKEN = "sandbox"


def transport(
    path: str | None = None,
    *,
    images: Iterable[dict[str, Any]] | None = None,
    faults: Iterable[Fault] = (),
    rate_limit: bool = True,
    clock: Callable[[], float] | None = None,
    rules: Rules | None = None,
    account: Account | None = None,
    sleep: Sleep | None = None,
) -> SandboxTransport:
    """A sandbox as httpx's transport, its state in memory or in a file.

    `images` are the rows a new state starts with (`engine.sandbox.rows` builds them); a file that already has a
    state keeps it. `clock` gives seconds since 1970, `sleep` waits out delays: with both, no test needs real time.
    `rate_limit=False` stands above `rules`. Raises UsageError where the path cannot be used.
    """
    import time

    from engine.sandbox.api import Api, open_state
    from engine.sandbox.inprocess import SandboxTransport
    from engine.sandbox.rules import in_force

    clock = clock or time.time
    state = open_state(path, images, clock)
    api = Api(state, rules=in_force(rules, rate_limit), account=account, clock=clock)
    return SandboxTransport(api, faults=faults, sleep=sleep)


def serving(path: str | None = None, **options: Any) -> AbstractContextManager[str]:
    """A served sandbox for as long as a `with` block runs; gives its URL. Options: see `engine.sandbox.server`."""
    from engine.sandbox.server import serving

    return serving(path, **options)

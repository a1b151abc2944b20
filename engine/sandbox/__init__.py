"""A faithful Linode Images API without account or network: in process behind httpx, or served on 127.0.0.1.

    httpx.AsyncClient(transport=transport())             in memory, gone with the process
    httpx.AsyncClient(transport=transport("state.db"))   kept in a file that several processes can use at once
    with serving() as url: ...                           over real sockets, for any client

Around the images it has instances with their disks, volumes, tags and share groups, all of which can be changed, and
regions and events.

Its tokens are `sandbox` (may do everything) and `sandbox-readonly`; any other is a 401. In process a token of
`token("prod")` stands for an account apart, with a state of its own that begins as the others do: in memory, or in a
file beside the path that is given, `state.prod.db` beside `state.db`.
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


def token(account: str) -> str:
    """The token of an account apart.

    >>> token("prod")
    'sandbox:prod'
    """
    return f"{TOKEN}:{account}"


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

    from engine.sandbox.apart import alone, beside, uploads
    from engine.sandbox.api import Api, open_state
    from engine.sandbox.inprocess import SandboxTransport
    from engine.sandbox.rules import in_force

    clock = clock or time.time
    rows = None if images is None else list(images)
    whole = in_force(rules, rate_limit)
    api = Api(open_state(path, rows, clock), rules=whole, account=account, clock=clock)

    def apart(name: str) -> Api:
        state = open_state(beside(path, name), rows, clock)
        return Api(state, rules=whole, account=alone(account, name), clock=clock, uploads=uploads(name))

    return SandboxTransport(api, apart, faults=faults, sleep=sleep)


def serving(path: str | None = None, **options: Any) -> AbstractContextManager[str]:
    """A served sandbox for as long as a `with` block runs; gives its URL. Options: see `engine.sandbox.server`."""
    from engine.sandbox.server import serving

    return serving(path, **options)

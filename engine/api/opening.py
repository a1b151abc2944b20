"""`engine.connect` and `engine.aconnect`: settings out of arguments, and the two kinds of connections."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from engine.api.connection import Connection
from engine.api.link import Heard, listener
from engine.errors import UsageError, suggest
from engine.session import Session
from engine.settings import Settings, load
from engine.ways import BLOCKING, Way

if TYPE_CHECKING:
    from typing import Unpack

    from engine.api.aio import AsyncConnection

Path: TypeAlias = str | os.PathLike[str]


class Options(TypedDict, total=False):
    """What a connection may be told. What is left out is found in the environment, then the configuration file.

    token            the API's token, in the place of the one in the environment
    account          whose account statements speak for, of those in the configuration file; several names: each
    partial          True: a query goes on without an account that fails, with a warning
    sandbox          True: the simulated API, in memory; a path: one that keeps its state there
    registry         folders of provider documents that come before the built-in ones
    server           another base URL, by provider
    concurrency      requests under way at a time
    page_size        rows to a page
    max_requests     that one statement may send
    max_writes       rows that one statement may write
    timeout          seconds that one statement may take
    pushdown         False: no filter travels to the API
    insecure_http    plain http to hosts other than this one
    ledger           a file in which every write is written down, as it happens
    on_request, on_page, on_wait, on_event
                     called with an Event when a request leaves or is answered, rows arrive, something is waited for
                     or a file is sent; with each event. They are called in the thread of the requests: be quick.
    """

    token: str | None
    account: str | Sequence[str]
    partial: bool
    sandbox: bool | Path | None
    registry: Path | Sequence[Path]
    server: Mapping[str, str]
    concurrency: int
    page_size: int | None
    max_requests: int
    max_writes: int
    timeout: float | None
    pushdown: bool
    insecure_http: bool
    ledger: Path | None
    on_request: Heard | None
    on_page: Heard | None
    on_wait: Heard | None
    on_event: Heard | None


def connect(**options: Unpack[Options]) -> Connection:
    """A connection, as PEP 249 has it; see `Options`. Nothing is sent until a statement needs it.

    Raises UsageError, which is an InterfaceError, for settings that cannot be, TypeError for an unknown one.

    >>> with connect(sandbox=True, max_requests=10) as connection:
    ...     connection.query("SELECT label FROM linode.images.images WHERE id = 'linode/debian12'").fetchall()
    [('Debian 12',)]
    """
    return Connection(_session(options, BLOCKING))


def aconnect(**options: Unpack[Options]) -> AsyncConnection:
    """The same for an event loop: `async with engine.aconnect() as connection`, or `await engine.aconnect()`.

    Takes the options of `connect`. Raises as `connect` does.

    >>> import asyncio, engine
    >>> async def main() -> None:
    ...     async with engine.aconnect(sandbox=True) as connection:
    ...         print((await connection.query('SELECT 1')).fetchall())
    >>> asyncio.run(main())
    [(1,)]
    """
    from engine.api.aio import AsyncConnection
    from engine.portal import AWAITING

    return AsyncConnection(_session(options, AWAITING))


def _session(options: Options, way: Way) -> Session:
    for name in options:
        if name not in Options.__annotations__:
            hint = suggest(name, list(Options.__annotations__))
            raise TypeError(f"connect() has no option {name}" + (f"; {hint}" if hint else ""))
    _check(options)
    heard = listener(
        options.get("on_event"),
        {
            "request": options.get("on_request"),
            "response": options.get("on_request"),
            "page": options.get("on_page"),
            "calls": options.get("on_page"),
            "wait": options.get("on_wait"),
            "await": options.get("on_wait"),
            "file": options.get("on_wait"),
        },
    )
    return Session(_settings(options), on_event=heard, way=way)


# What an option may be, and the words for it.
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "token": ((str,), "text"),
    "account": ((str, Sequence), "a name, or a list of them"),
    "partial": ((bool,), "True or False"),
    "sandbox": ((bool, str, os.PathLike), "True, False or a path"),
    "registry": ((str, os.PathLike, Sequence), "a path, or a list of them"),
    "server": ((Mapping,), "a mapping of providers to base URLs"),
    "concurrency": ((int,), "a whole number"),
    "page_size": ((int,), "a whole number"),
    "max_requests": ((int,), "a whole number"),
    "max_writes": ((int,), "a whole number"),
    "timeout": ((int, float), "a number of seconds"),
    "pushdown": ((bool,), "True or False"),
    "insecure_http": ((bool,), "True or False"),
    "ledger": ((str, os.PathLike), "a path"),
    **dict.fromkeys(("on_request", "on_page", "on_wait", "on_event"), ((object,), "a function of an Event")),
}


def _check(options: Options) -> None:
    """Raise UsageError for a value of a wrong type; None is one left out. Values are not told: one is a token."""
    for name, value in options.items():
        kinds, words = _KINDS[name]
        members = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        member = (str, os.PathLike) if name == "registry" else (str,)
        fits = isinstance(value, kinds) and not isinstance(value, bytes if bool in kinds else bytes | bool)
        fits = fits and (object not in kinds or (callable(value) and not iscoroutinefunction(value)))
        if value is not None and not (fits and all(isinstance(each, member) for each in members)):
            raise UsageError(
                f"{name} takes {words}, not {value.__class__.__name__}",
                hint="its names and kinds: help(engine.api.opening.Options)",
            )


def _settings(options: Options) -> Settings:
    given = {name: value for name, value in options.items() if not name.startswith("on_")}
    sandbox, registry = options.get("sandbox"), options.get("registry")
    given["sandbox"] = None if sandbox is None or sandbox is False else "" if sandbox is True else os.fspath(sandbox)
    if registry is not None:
        given["registry"] = _paths(registry)
    if (ledger := options.get("ledger")) is not None:
        given["ledger"] = os.fspath(ledger)
    if "server" in given:
        given["servers"] = given.pop("server")
    return load(given)


def _paths(registry: Path | Sequence[Path]) -> tuple[str, ...]:
    several = [registry] if isinstance(registry, str | os.PathLike) else registry
    return tuple(os.fspath(path) for path in several)

"""What can be set, frozen: defaults < configuration file < environment < arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine import accounts as accounts_
from engine.accounts import Profile
from engine.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """Everything a session can be told. Times are in seconds.

    `token` overrides every credential the provider's document names. `servers` maps a provider's name to another
    base URL; one without a path replaces the scheme and host alone. `sandbox` None uses the network, "" a sandbox
    in memory, a path one that keeps its state there. `ledger` is a file that every write is written down in.
    `account` are the names of those of `accounts` that statements speak for; `partial` lets a query go on without one
    of them that fails.
    """

    token: str | None = field(default=None, repr=False)
    account: tuple[str, ...] = ()
    accounts: Mapping[str, Profile] = field(default_factory=dict)
    partial: bool = False
    servers: Mapping[str, str] = field(default_factory=dict)
    registry: tuple[str, ...] = ()
    sandbox: str | None = None
    concurrency: int = 8
    page_size: int | None = None
    max_requests: int = 1000
    max_writes: int = 25
    timeout: float | None = None
    pushdown: bool = True
    insecure_http: bool = False
    ledger: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    def __post_init__(self) -> None:
        for name in ("concurrency", "page_size", "max_requests", "max_writes"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise UsageError(f"setting {name} must be at least 1, got {getattr(self, name)}")
        if self.ledger == "":
            raise UsageError("setting ledger is empty", hint="name a file, or leave it out")
        if self.timeout is not None and not self.timeout > 0:
            raise UsageError(f"setting timeout must be more than 0 seconds, got {self.timeout}")

    def allowing(self, max_writes: int | None) -> Settings:
        """The same for a statement whose own hint lets it write so many rows; None: it has no such hint."""
        return self if max_writes is None else replace(self, max_writes=max_writes)


def config_path() -> Path:
    """Where the configuration file is looked for on this platform (`STRATOQL_CONFIG` overrides it)."""
    if named := os.environ.get("STRATOQL_CONFIG"):
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path("stratoql", appauthor=False) / "config.toml"


def load(arguments: Mapping[str, Any] | None = None, *, path: Path | None = None) -> Settings:
    """The settings in force. `arguments` are the highest layer; those that are None do not count.

    Servers add up by provider: naming one on the command line does not send the others back to production.
    """
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    if path is None and (named := os.environ.get("STRATOQL_CONFIG")) and not Path(named).exists():
        raise UsageError(
            f"STRATOQL_CONFIG names the configuration file {named}, which is not there",
            hint="correct the name, write the file with `stratoql config init`, or unset the variable",
        )
    try:
        below = Settings(**_read(path or config_path()))
    except UsageError as error:  # what lies behind it holds what the file says, tokens too
        error.__cause__ = error.__context__ = None
        raise error.with_traceback(None) from None
    if "account" in given:
        given["account"] = accounts_.names(given["account"])
    if "servers" in given:
        given["servers"] = {**below.servers, **given["servers"]}
    return replace(below, **given)


def _read(path: Path) -> dict[str, Any]:
    """The settings of a configuration file; an absent file sets nothing."""
    values = tables(path)
    values.pop("shell", None)  # the shell checks its own table, when it opens
    profiles = values.pop("accounts", None)
    found = checked(path, values, KINDS)
    if "account" in found:
        found["account"] = accounts_.names(found["account"])
    return found if profiles is None else {**found, "accounts": accounts_.profiles(path, profiles)}


def tables(path: Path) -> dict[str, Any]:
    """All that a configuration file says, unchecked but for a token; an absent file says nothing."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"cannot read the configuration {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read the configuration {path}: it is not UTF-8 text") from error
    import tomllib  # here: most starts have no such file

    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: {error}") from error
    if "token" in values:
        raise UsageError(
            f"{path}: a token does not belong in this file", hint="set LINODE_TOKEN in the environment instead"
        )
    return values


def checked(
    path: Path, values: Mapping[str, Any], kinds: Mapping[str, tuple[type, ...]], table: str = ""
) -> dict[str, Any]:
    """The values of one table of the file, each of a name and a type that are known. Lists become tuples."""
    for name in values:
        if name not in kinds:
            from engine.errors import suggest

            raise UsageError(f"{path}: unknown setting {table}{name!r}", hint=suggest(name, sorted(kinds)))
    return {name: _typed(path, table + name, value, kinds[name]) for name, value in values.items()}


# What a configuration file may set, and the types of the values there.
KINDS: Mapping[str, tuple[type, ...]] = {
    "account": (str, list),
    "partial": (bool,),
    "servers": (dict,),
    "registry": (list,),
    "concurrency": (int,),
    "page_size": (int,),
    "max_requests": (int,),
    "max_writes": (int,),
    "timeout": (int, float),
    "pushdown": (bool,),
    "insecure_http": (bool,),
    "ledger": (str,),
}


def _typed(path: Path, name: str, value: Any, wanted: tuple[type, ...]) -> Any:
    """A value of the file, checked against the kind of the setting."""
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise UsageError(f"{path}: {name} must be of type {wanted[0].__name__}, got {value!r}")
    for key, inner in value.items() if isinstance(value, dict) else ():
        _typed(path, f"{name}.{key}", inner, (str,))
    return tuple(value) if isinstance(value, list) else value

"""Accounts: whose token a request carries, by names that the user gives them in the configuration file.

    [accounts.prod]
    token_env = "PROD_TOKEN"

Columns and messages know an account by its name; its token is looked up when a request needs it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import CallError, CredentialError, UsageError, suggest

COLUMN = "_account"  # what every row has beside its columns, where accounts are named
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_PLACES = ("token_env", "token_file", "token")
_KEYS = (*_PLACES, "provider")


class Profile(NamedTuple):
    """An account: the provider that it is one of, and the one place where its token is."""

    name: str
    provider: str = "linode"
    token_env: str | None = None
    token_file: str | None = None
    token: str | None = None

    def __repr__(self) -> str:
        return f"Profile({self.name!r}, from {self.place})"  # without the token

    @property
    def place(self) -> str:
        """Where the token is, never the token."""
        if self.token_env is not None:
            return self.token_env
        return self.token_file if self.token_file is not None else "the configuration file"


def profiles(path: Path, tables: Any) -> dict[str, Profile]:
    """The accounts of a configuration file, checked. Raises UsageError with the first fault."""
    if not isinstance(tables, Mapping):
        raise UsageError(f"{path}: accounts is a table of accounts", hint='[accounts.prod], then token_env = "..."')
    return {str(name): _profile(path, str(name), values) for name, values in tables.items()}


def names(given: str | Sequence[str]) -> tuple[str, ...]:
    """The names of `prod,staging`, or of several such texts, each once.

    >>> names("prod, staging"), names(("prod", "staging,prod"))
    (('prod', 'staging'), ('prod', 'staging'))
    """
    texts = [given] if isinstance(given, str) else given
    found = [name.strip() for text in texts for name in text.split(",")]
    for name in found:
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} cannot name an account", hint="letters, digits, _ and - make a name")
    return tuple(dict.fromkeys(found))


def check(chosen: Iterable[str], known: Mapping[str, Profile]) -> None:
    """Raises UsageError for a name that no account has."""
    for name in chosen:
        if name not in known:
            hint = suggest(name, sorted(known)) if known else None
            define = f'[accounts.{name}] with token_env = "..." in the configuration file makes it one'
            raise UsageError(f"there is no account {name!r}", hint=hint or define)


def token_of(profile: Profile, environ: Mapping[str, str]) -> str:
    """The token of an account. Raises CredentialError, naming the account and where it should be."""
    if profile.token_env is not None:
        if not environ.get(profile.token_env):
            raise CredentialError(
                f"account {profile.name} has no token: {profile.token_env} is not set",
                hint=f"set {profile.token_env}, or leave the account out",
            )
        return environ[profile.token_env]
    if profile.token_file is not None:
        return _from_file(profile.name, profile.token_file)
    return profile.token or ""


def _from_file(name: str, file: str) -> str:
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CredentialError(
            f"account {name} has no token: cannot read {file}: {why}", hint="write the token there, and nothing else"
        ) from None
    if not text:
        raise CredentialError(f"account {name} has no token: {file} is empty", hint="write the token there")
    return text


def _profile(path: Path, name: str, values: Any) -> Profile:
    place = f"{path}: accounts.{name}"
    if not _NAME.fullmatch(name):
        raise UsageError(f"{place} is no name of an account", hint="letters, digits, _ and - make a name")
    if not isinstance(values, Mapping):
        raise UsageError(f"{place} is a table", hint=f'[accounts.{name}], then token_env = "..."')
    for key, value in values.items():
        if key not in _KEYS:
            raise UsageError(f"{place} has an unknown setting {key!r}", hint=suggest(key, list(_KEYS)))
        if not isinstance(value, str) or not value:
            raise UsageError(f"{place}.{key} must be a text", hint=f'write {key} = "..."')
    if len([key for key in _PLACES if key in values]) != 1:
        raise UsageError(
            f"{place} needs one of token_env, token_file and token",
            hint=f'token_env = "{re.sub("[^A-Z0-9]", "_", name.upper())}_TOKEN" names a variable of the environment',
        )
    if "token" in values and not _private(path):
        raise UsageError(
            f"{place} holds a token, and others may read this file",
            hint=f'chmod 600 {path}, or name a variable: token_env = "..."',
        )
    file = values.get("token_file")
    where = None if file is None else str(path.parent / Path(file).expanduser())
    return Profile(name, values.get("provider", "linode"), values.get("token_env"), where, values.get("token"))


def _private(path: Path) -> bool:
    """Whether nobody but its owner can read a file, as far as its permissions tell; on Windows they do not."""
    return os.name != "nt" and path.stat().st_mode & 0o077 == 0


def named(error: CallError, account: str | None) -> None:
    """Let an error say whose request it was."""
    if account is None or error.account is not None:
        return
    error.account = account
    if not error.message.startswith(f"account {account} "):
        error.message = f"account {account}: {error.message}"
        error.args = (error.message,)


def stranger(name: str, named: Sequence[str]) -> str:
    """What to say of an account that a query asks for, and that it is not asked in.

    >>> stranger("prdo", ("prod", "staging"))
    "no rows of an account 'prdo': it was not named; did you mean prod?"
    """
    return f"no rows of an account {name!r}: it was not named; {suggest(name, named)}"

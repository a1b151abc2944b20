"""Accounts apart: each has a sandbox of its own, told from the others by its token and by the host of its uploads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.sandbox import TOKEN, token
from engine.sandbox.api import UPLOAD_DOMAIN
from engine.sandbox.seeds import Account, User


def named(headers: Mapping[str, str], host: str) -> str | None:
    """The account that a request is of; None: none apart.

    >>> named({"authorization": "Bearer sandbox:prod"}, "api.linode.com")
    'prod'
    >>> named({}, "us-east-1.prod.sandbox-objects.invalid")
    'prod'
    >>> named({"authorization": "Bearer sandbox"}, "api.linode.com") is None
    True
    """
    if host.endswith("." + UPLOAD_DOMAIN):
        parts = host.removesuffix("." + UPLOAD_DOMAIN).split(".")
        return parts[1] if len(parts) == 2 else None
    sent = headers.get("authorization", "").partition(" ")[2]
    return sent.removeprefix(f"{TOKEN}:") if sent.startswith(f"{TOKEN}:") else None


def alone(account: Account | None, name: str) -> Account:
    """What an account apart begins with: what the others do, but its one token is its own."""
    return replace(account or Account(), tokens={token(name): User(name, ("*",))})


def beside(path: str | None, name: str) -> str | None:
    """The file of its state.

    >>> beside("/tmp/state.db", "prod"), beside(None, "prod")
    ('/tmp/state.prod.db', None)
    """
    if not path:
        return None
    whole = Path(path)
    return str(whole.with_name(f"{whole.stem}.{name}{whole.suffix}"))


def uploads(name: str) -> str:
    """The origin of its uploads; `{region}` in it is replaced."""
    return f"https://{{region}}-1.{name}.{UPLOAD_DOMAIN}"

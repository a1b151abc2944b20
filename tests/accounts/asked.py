"""Statements of several accounts in one sandbox: each has its own images and its own token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from engine.accounts import Profile
from engine.errors import StratoqlError, explain
from engine.sandbox import rows, token
from engine.sandbox.apart import alone
from engine.sandbox.api import Api, open_state
from engine.sandbox.faults import Fault
from engine.sandbox.inprocess import SandboxTransport
from engine.sandbox.rules import Rules
from engine.sandbox.seeds import Disk
from engine.session import Session
from engine.settings import Settings

IMAGES: dict[str, list[dict[str, Any]]] = {
    "prod": [rows.private(1, label="web"), rows.private(2, label="db", size=50), rows.public("debian12")],
    "staging": [rows.private(3, label="web"), rows.public("debian12")],
    "lab": [rows.private(4, label="tmp"), rows.private(5, label="web"), rows.public("debian12")],
    "7": [rows.private(6, label="web"), rows.public("debian12")],  # SQLite may take its name for a number
}
LINODES: dict[str, tuple[dict[str, Any], ...]] = {
    "prod": ({"id": 1, "label": "one", "region": "us-east", "image": "private/1", "tags": []},),
    "staging": ({"id": 1, "label": "uno", "region": "us-east", "image": "private/3", "tags": []},),
    "lab": (),
    "7": (),
}
DISKS = {
    "prod": (Disk(11, 1, "us-east", "root", 2000, 900), Disk(12, 1, "us-east", "swap", 512, 16, "swap")),
    "staging": (Disk(21, 1, "us-east", "root", 2000, 900),),
    "lab": (),
    "7": (),
}
VARIABLES = {f"{name.upper()}_TOKEN": token(name) for name in IMAGES}
PROFILES = {name: Profile(name, token_env=f"{name.upper()}_TOKEN") for name in IMAGES}


class Asked(NamedTuple):
    """What a text gave: rows of its last statement, requests as `account GET /v4/...`, warnings, the error's text."""

    rows: list[tuple[Any, ...]]
    requests: list[str]
    warnings: tuple[str, ...]
    error: str


def wire(faults: Iterable[Fault] = ()) -> SandboxTransport:
    """The accounts behind one transport; a token of none of them is a 401."""

    def account(name: str) -> Api:
        own = replace(alone(None, name), linodes=LINODES[name], disks=DISKS[name])
        return Api(open_state(None, IMAGES[name]), rules=Rules(rate_limit=False), account=own)

    return SandboxTransport(Api(open_state(None, ())), account, faults=faults)


def ask(sql: str, *names: str, faults: Iterable[Fault] = (), environ: Any = None, **more: Any) -> Asked:
    """Run a text for these accounts, prod and staging where none is given."""
    transport = wire(faults)
    settings = Settings(
        account=names or ("prod", "staging"), accounts=PROFILES, environ=VARIABLES | (environ or {}), **more
    )
    found: list[tuple[Any, ...]] = []
    warnings: tuple[str, ...] = ()
    error = ""
    with Session(settings, transport=transport) as session:
        try:
            for result in session.run(sql):
                found, warnings = result.fetchall(), result.warnings
        except StratoqlError as raised:
            error = explain(raised)
    return Asked(found, [_line(sent) for sent in transport.requests], warnings, error)


def _line(sent: Any) -> str:
    whose = sent.headers.get("authorization", "").removeprefix("Bearer sandbox:")
    path = str(sent.url).removeprefix("https://api.linode.com")
    return f"{whose} {sent.method} {path}" + (f" {sent.body.decode()}" if sent.body else "")

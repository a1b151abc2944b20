"""Connections to a sandbox whose requests and faults a test sees."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import engine
from engine.api.aio import AsyncConnection
from engine.api.connection import Connection
from engine.portal import AWAITING
from engine.sandbox import TOKEN, transport
from engine.sandbox.faults import Fault
from engine.sandbox.inprocess import SandboxTransport
from engine.session import Session
from engine.settings import Settings
from tests.statements.fixtures import IMAGES

IMAGE = "linode.images.images"


def wire(faults: Iterable[Fault] = ()) -> SandboxTransport:
    return transport(images=IMAGES, faults=faults, rate_limit=False)


def opened(*faults: Fault, through: SandboxTransport | None = None, **settings: Any) -> engine.Connection:
    given = Settings(**{"environ": {}, "token": TOKEN, **settings})
    return Connection(Session(given, transport=through or wire(faults)))


def awaiting(
    *faults: Fault,
    through: SandboxTransport | None = None,
    on_event: Callable[[engine.Event], None] | None = None,
    **settings: Any,
) -> engine.AsyncConnection:
    given = Settings(**{"environ": {}, "token": TOKEN, **settings})
    return AsyncConnection(Session(given, on_event=on_event, transport=through or wire(faults), way=AWAITING))

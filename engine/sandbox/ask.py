"""What was asked of the sandbox, by whom and when."""

from __future__ import annotations

from dataclasses import dataclass

from engine.sandbox.messages import Request
from engine.sandbox.rules import Rules
from engine.sandbox.seeds import Account, User


@dataclass(frozen=True)
class Ask:
    """What was asked: the request, the names its path held, by whom (None: no token) and when."""

    request: Request
    names: tuple[str, ...]
    user: User | None
    now: float
    rules: Rules
    account: Account
    uploads: str  # the upload origin; `{region}` in it is replaced

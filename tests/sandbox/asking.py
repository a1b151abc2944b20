"""How the tests ask the sandbox: a clock that stands still until it is moved, and requests in one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.sandbox.api import Api, open_state
from engine.sandbox.messages import Answer
from engine.sandbox.rules import Rules

START = 1_700_000_000.0  # 2023-11-14T22:13:20
SANDBOX = {"Authorization": "Bearer sandbox"}
READER = {"Authorization": "Bearer sandbox-readonly"}


@dataclass
class Clock:
    """Seconds since 1970, moved by hand."""

    now: float = START

    def __call__(self) -> float:
        return self.now


def sandbox(
    images: list[dict[str, Any]] | None = None, *, clock: Clock | None = None, rules: Rules | None = None
) -> Api:
    """A sandbox in memory, without rate limits unless `rules` set them."""
    clock = clock or Clock()
    return Api(open_state(None, images, clock), rules=rules or Rules(rate_limit=False), clock=clock)


def ask(api: Api, line: str, body: Any = None, *, headers: Mapping[str, str] = SANDBOX, find: Any = None) -> Answer:
    """Send `GET /images`, below /v4; `body` goes as JSON, `find` as X-Filter."""
    method, target = line.split(" ", 1)
    target = target if target.startswith("/v4") else "/v4" + target
    more = {} if find is None else {"X-Filter": find if isinstance(find, str) else json.dumps(find)}
    sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return api.handle(method, target, {**headers, **more}, sent)


def told(answer: Answer) -> Any:
    """The JSON of an answer."""
    return json.loads(answer.body)


def header(answer: Answer, name: str) -> str | None:
    """One header of an answer."""
    return dict(answer.headers).get(name)


def ids(answer: Answer) -> list[str]:
    """The ids of a page."""
    assert answer.status == 200, answer.body
    return [row["id"] for row in told(answer)["data"]]

"""The Linode Images API as a function: a request in, an answer out. It knows nothing of sockets.

Seen of authentication: 401 `Invalid Token` stands for a missing, wrong or expired token, and X-OAuth-Scopes
`unknown` says so; a token without the scope is a 401 too, with its scopes in X-OAuth-Scopes and the wanted one in
X-Accepted-OAuth-Scopes. Lists of images, regions, types and kernels need no token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from engine.sandbox import lifecycle
from engine.sandbox.ask import Ask
from engine.sandbox.messages import JSON, Answer, Headers, Problem, Request, Row, request
from engine.sandbox.quotas import Quotas
from engine.sandbox.routes import Route, find
from engine.sandbox.rules import Rules
from engine.sandbox.seeds import Account, User, starting_images
from engine.sandbox.state import Images, State

Clock = Callable[[], float]  # seconds since 1970
UPLOAD_DOMAIN = "sandbox-objects.invalid"
UPLOAD_ORIGIN = f"https://{{region}}-1.{UPLOAD_DOMAIN}"
_PLAIN: Headers = (
    JSON,
    ("X-Spec-Version", "4.235.1"),
    ("Vary", "Authorization, X-Filter"),
    ("Cache-Control", "max-age=0, no-cache, no-store"),
)
_NO_IMAGES = Images({}, 0, {})


class Api:
    """One sandbox: its images and its counts of requests. Safe to use from several threads.

    `uploads` is the origin that upload URLs are on; `{region}` in it is replaced.
    """

    def __init__(
        self,
        state: State,
        *,
        rules: Rules | None = None,
        account: Account | None = None,
        clock: Clock = time.time,
        uploads: str = UPLOAD_ORIGIN,
    ) -> None:
        self.state = state
        self.rules = rules or Rules()
        self.account = account or Account()
        self.clock = clock
        self._uploads = uploads
        self._quotas = Quotas()

    def handle(
        self, method: str, target: str, headers: Mapping[str, str] | Headers = (), body: bytes = b""
    ) -> Answer:
        """Answer one request. `target` is the path with its query, or the whole URL."""
        return self.answer(request(method, target, headers, body))

    def answer(self, asked: Request) -> Answer:
        """Answer one request."""
        now = self.clock()
        route, names = find(asked)
        user, trusted = self._user(asked)
        quota = self._quotas.count(asked.headers.get("authorization", "") if user else "", route.quota, now)
        try:
            _allow(route, user, trusted)
            if quota.exceeded and self.rules.rate_limit:
                raise Problem(429, ("Too many requests", None))
            ask = Ask(asked, names, user, now, self.rules, self.account, self._uploads)
            status, body = 200, msgspec.json.encode(self._run(route, ask))
        except Problem as problem:
            status, body = problem.status, problem.body
        return Answer(status, (*_PLAIN, *_scopes(route, user), *quota.headers), body)

    def _run(self, route: Route, ask: Ask) -> Any:
        if route.images == "none":
            return route.run(ask, _NO_IMAGES)
        with self.state.writing() if route.images == "write" else self.state.reading() as held:
            return route.run(ask, held)

    def _user(self, asked: Request) -> tuple[User | None, bool]:
        """Whom the token stands for, and whether to go on: without a token yes, with a wrong one no."""
        sent = asked.headers.get("authorization")
        if sent is None:
            return None, True
        scheme, _, token = sent.partition(" ")
        user = self.account.tokens.get(token.strip()) if scheme.lower() == "bearer" else None
        return user, user is not None


def open_state(path: str | None = None, images: Iterable[Row] | None = None, clock: Clock = time.time) -> State:
    """The state at a path, or in memory. `images` are the rows a new one starts with; None: the starting set."""

    def seed() -> list[lifecycle.Image]:
        now = clock()
        return [lifecycle.seeded(row, now) for row in (starting_images() if images is None else images)]

    return State(path or None, seed)


def _allow(route: Route, user: User | None, trusted: bool) -> None:
    """Raises Problem 401 where the token is missing, wrong, or without the scope."""
    if not trusted or (user is None and not route.open):
        raise Problem(401, ("Invalid Token", None))
    if user and route.scope and not user.may(route.scope):
        raise Problem(401, ("Your OAuth token is not authorized to use this endpoint.", None))


def _scopes(route: Route, user: User | None) -> Headers:
    return (
        ("X-OAuth-Scopes", " ".join(user.scopes) if user else "unknown"),
        ("X-Accepted-OAuth-Scopes", route.scope or "*"),
    )

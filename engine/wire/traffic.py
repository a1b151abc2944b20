"""What one statement sends: waiting for its turn, sending again where that may be, and counting what it costs."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace as settings_with
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from engine.errors import ApiError, CallError, CredentialError, ResponseError
from engine.settings import Settings
from engine.wire import paging
from engine.wire.auth import Grant, Secret, authorize
from engine.wire.auth import client as client_of
from engine.wire.budget import Budget
from engine.wire.call import Call, Cost, Page, Request
from engine.wire.claims import Answer
from engine.wire.clock import Clock
from engine.wire.events import Event, Listener
from engine.wire.exchange import bare, exchange
from engine.wire.limits import LONG, Key
from engine.wire.masking import masked
from engine.wire.refusals import refusal, unlisted
from engine.wire.request import prepare
from engine.wire.response import Content, Reply, Scrub, read
from engine.wire.retry import decide
from engine.wire.servers import origin
from engine.wire.uploads import Body, put
from provider_registry.protocol import Auth

if TYPE_CHECKING:
    from engine.wire.client import Client

T = TypeVar("T")
AHEAD = 2  # pages under way or waiting for their turn, for each connection
_LARGE = 2 * 2**20  # bytes of a body that takes long to decode: the loop belongs to every session of the process
log = logging.getLogger("engine.wire")


class Traffic:
    """What one statement sends. `cost` is what all of it came to; `tell` hears what happens."""

    def __init__(self, client: Client, settings: Settings, tell: Listener) -> None:
        self.budget = Budget(settings.max_requests, settings.timeout, client.clock)
        self.cost = Cost()
        self.tell = tell
        self._client = client
        self._settings = settings
        self._walks = 0
        self._grants: dict[tuple[str | None, str, Auth, str, str, int], Grant] = {}

    async def pages(self, call: Call) -> AsyncGenerator[Page, None]:
        """The pages of a call, in order.

        A filter that the API refuses is left out, and the whole list is asked for: a row limit counted on the filter,
        so it goes too. The page says so in `filtered` and in a warning.

        Raises StatementError before anything is sent, CallError after.
        """
        home, began = origin(prepare(call, self._settings).url), False
        try:
            async with aclosing(self._walk(call, home)) as pages:
                async for page in pages:
                    if not began:
                        page = replace(page, warnings=(*page.warnings, *await self._left_out(call, home)))
                    began = True
                    yield page
            return
        except ApiError as error:
            if began or not _refuses_filter(call, error):
                raise
            whole = f"{call.method.name} was read whole, because the API refused the filter: {error.message}"
            vain = error.cost or Cost()
        async with aclosing(self._walk(replace(call, filter=None, row_limit=None), home)) as pages:
            async for page in pages:
                if not began:
                    short = await self._left_out(replace(call, filter=None), home)
                    page = replace(page, warnings=(*page.warnings, whole, *short), cost=page.cost + vain)
                began = True
                yield replace(page, filtered=False)

    async def _left_out(self, call: Call, home: str) -> tuple[str, ...]:
        """What to warn of where a list leaves rows out because no credential was sent, and nobody asked it to."""
        bare = call.method.bare
        if not bare or bare.items() <= (call.filter or {}).items():
            return ()
        if (await self.grant(call, home, home)).source:
            return ()
        return (unlisted(call.method),)

    @property
    def clock(self) -> Clock:
        """What it waits by."""
        return self._client.clock

    def patient(self, seconds: float | None) -> Traffic:
        """The traffic of a wait: it has `seconds` of its own, and as many requests as it takes.

        Its cost is its own too: add it where the wait is over.
        """
        return Traffic(
            self._client, settings_with(self._settings, timeout=seconds, max_requests=sys.maxsize), self.tell
        )

    async def put(self, address: str, body: Body, until: float) -> None:
        """Send a file to an address that needs no other permission and lives `until`. Raises CallError."""
        spent = Cost()
        try:
            spent = await put(self._client, self.tell, address, body, until)
        except CallError as error:
            spent = error.cost or spent
            raise
        finally:
            self.cost += spent
            self._client.stats += spent

    async def _walk(self, call: Call, home: str) -> AsyncGenerator[Page, None]:
        """The pages of a call, each told as it comes."""

        async def fetch(cursor: paging.Cursor) -> Answer:
            self.budget.spend()
            request = paging.request_for(call, self._settings, cursor)

            def accept(reply: Reply, scrub: Scrub) -> tuple[Content, Reply]:
                return read(reply, call, scrub), reply

            (content, reply), cost = await self.send(call, request, accept, home=home)
            return Answer(content, reply.headers, request, cost, reply.status)

        ahead = AHEAD * self._settings.concurrency
        self._walks += 1
        number = self._walks
        try:
            async with aclosing(paging.walk(call, fetch, self.budget, ahead)) as pages:
                async for page in pages:
                    self.tell(_told(call, page, number))
                    yield page
        except CallError as error:
            error.message = self.scrub(error.message)
            error.args = (error.message,)
            raise bare(error) from None

    async def send(
        self, call: Call, request: Request, accept: Callable[[Reply, Scrub], T], *, home: str
    ) -> tuple[T, Cost]:
        """Send a request, again where that helps and cannot harm; what `accept` makes of the success, and the cost.

        `accept` is given the answer and what takes secrets out of a text; a CallError of its own is a failed attempt.
        `home` is the only origin that may see the credential. Raises CallError.
        """
        client, method, attempt = self._client, call.method, 0
        grant = await self.grant(call, request.url, home)
        spent: list[Cost] = []
        try:
            while True:
                attempt += 1
                try:
                    reply = await self._once(call, request, grant, attempt, spent)
                    if not 200 <= reply.status < 300:
                        raise refusal(reply, method, grant, client.clock.wall())
                    began = client.clock.now()
                    large = len(reply.body) > _LARGE
                    found = (
                        await asyncio.to_thread(accept, reply, grant.scrub) if large else accept(reply, grant.scrub)
                    )
                    spent.append(Cost(decoding=client.clock.now() - began))
                    return found, sum(spent, Cost())
                except CallError as error:
                    if isinstance(error, ApiError) and error.status == 401:
                        client.tokens.forget(grant)
                    wait = decide(method, attempt, error, client.clock.random)
                    if wait is None:
                        error.cost = sum(spent, Cost())
                        _tried(error, attempt)
                        raise bare(error) from None
                    failed = error
                status = failed.status if isinstance(failed, ApiError | ResponseError) else None
                told = f"a new attempt after: {failed.message}"
                self.budget.check(wait.seconds, told, request=failed.request, status=status)
                if wait.shared:
                    client.limits.block(_limit_key(call, request, grant), wait.seconds)
                self._wait_told(told, wait.seconds)
                await client.clock.sleep(wait.seconds)
                spent.append(Cost(retries=1, waited=wait.seconds))
        finally:
            total = sum(spent, Cost())
            self.cost += total
            client.stats += total

    async def grant(self, call: Call, url: str, home: str) -> Grant:
        """What authentication adds to a request. Looked up once: a file is not read again for every page."""
        auth, token = call.method.auth, None
        given = self._settings.token is not None or call.account is not None
        if auth.type == "oauth2" and not given and origin(url) == home:
            token = await self._client.tokens.token(call, self._settings, home, self._exchanged)
        return self._authorized(call, url, home, token)

    def _authorized(self, call: Call, url: str, home: str, token: str | None) -> Grant:
        auth = call.method.auth
        key = (call.account, call.provider, auth, origin(url), home, hash(token))
        if key not in self._grants:
            grant = authorize(
                auth, call.provider, self._settings, url=url, home=home, account=call.account, token=token
            )
            self._grants[key] = grant
            if call.account is not None:
                self._client.limits.accounts[grant.account] = call.account
        return self._grants[key]

    def fingerprint(self, call: Call, url: str, home: str, salt: str) -> str:
        """What tells whose requests these are, in other processes too.

        A token that credentials are changed for lives shortly, so the credentials tell. Raises CredentialError.
        """
        auth, given = call.method.auth, self._settings.token is not None or call.account is not None
        try:
            if auth.type == "oauth2" and not given:
                credentials = Secret(":".join(client_of(auth, call.provider, self._settings)))
                return Grant(headers=(("Authorization", credentials),)).fingerprint(salt)
            return self._authorized(call, url, home, None).fingerprint(salt)
        except CredentialError as error:
            raise bare(error) from None

    async def _exchanged(self, call: Call, request: Request, grant: Grant) -> Reply:
        """The answer of an address that gives tokens."""
        self.budget.spend()
        spent: list[Cost] = []
        try:
            return await self._once(call, request, grant, 1, spent)
        finally:
            self.cost += sum(spent, Cost())
            self._client.stats += sum(spent, Cost())

    def scrub(self, text: str) -> str:
        """A text without any secret that has been used."""
        for grant in self._grants.values():
            text = grant.scrub(text)
        return text

    async def _once(self, call: Call, request: Request, grant: Grant, attempt: int, spent: list[Cost]) -> Reply:
        """Send a request once: wait for the rate limit and for a place, then for the whole answer.

        Raises CallError where no whole answer came; an error status is an answer. What it cost is added to `spent`.
        """
        client, budget, now = self._client, self.budget, self._client.clock.now
        told, key = f"{request.method} {masked(request.url)}", _limit_key(call, request, grant)
        began, sent = now(), None
        stage = f"the rate limit of {key[1]}"
        budget.check(0.0, stage, request=told)
        try:
            async with asyncio.timeout(budget.left):
                await client.limits.acquire(key, call.method.limit, budget, self._wait_told)
                try:
                    stage = "a place among the requests under way"
                    async with client.places.among(self._settings.concurrency):
                        stage, sent = f"the answer to {told}", now()
                        spent.append(Cost(requests=1, waited=sent - began))
                        self.tell(_about(call, Event("request", told, request=told, attempt=attempt)))
                        reply, size = await exchange(client.http, request, grant, client.largest)
                    client.limits.observe(key, reply.headers)
                finally:
                    client.limits.release(key)
        except TimeoutError:
            if sent is not None:
                self._note(call, request, "TimedOut", None, attempt, now() - sent, 0)
            raise budget.over(stage, request=told, harmless=sent is None) from None
        except CallError as error:
            if sent is not None:
                self._note(call, request, type(error).__name__, None, attempt, now() - sent, 0)
            raise
        seconds = now() - sent
        spent.append(Cost(bytes=size, network=seconds))
        self._note(call, request, str(reply.status), reply.status, attempt, seconds, size)
        return reply

    def _note(
        self, call: Call, request: Request, outcome: str, status: int | None, attempt: int, seconds: float, size: int
    ) -> None:
        """One line a request, to the log and to whoever listens."""
        url = masked(request.url)
        log.info(
            "%s %s %s %.0f ms attempt %d",
            request.method,
            url.removeprefix(_site(url)),
            outcome,
            seconds * 1000,
            attempt,
        )
        told = f"{request.method} {url}"
        text = f"{outcome} {told} in {seconds * 1000:.0f} ms"
        event = Event("response", text, request=told, status=status, attempt=attempt, seconds=seconds, bytes=size)
        self.tell(_about(call, event))

    def _wait_told(self, what: str, seconds: float) -> None:
        """Say what a wait is for, aloud where it is long."""
        if seconds > LONG:
            log.warning("waiting %.0f s for %s", seconds, what)
        self.tell(Event("wait", f"waiting {seconds:.1f} s for {what}", seconds=seconds))


def _about(call: Call, event: Event) -> Event:
    """An event with the call that it is about."""
    return event._replace(what=call.method.name, provider=call.provider, account=call.account or "")


def _site(url: str) -> str:
    """Scheme and host of a URL, as written."""
    return "://".join(urlsplit(url)[:2])


def _limit_key(call: Call, request: Request, grant: Grant) -> Key:
    """The bucket a request draws on: APIs count by limit and account."""
    limit = call.method.limit
    return origin(request.url), limit.name if limit else call.method.path, grant.account


def _refuses_filter(call: Call, error: ApiError) -> bool:
    """Whether a 400 is about the filter's header; of query options a refusal seldom says what it is about."""
    rule = call.method.filtering
    if error.status not in (400, 501) or not call.filter or rule is None or not call.method.reads:
        return False
    if rule.algorithm == "odata":
        return True
    return any((reason.field or "").lower() == rule.header.lower() for reason in error.errors)


def _tried(error: CallError, attempts: int) -> None:
    """Let an error tell how often it was tried."""
    if attempts > 1:
        error.message = f"{error.message} (tried {attempts} times)"
        error.args = (error.message,)


def _told(call: Call, page: Page, walk: int) -> Event:
    name, rows = call.method.name, len(page.rows)
    text = f"page {page.number}{f' of {page.pages}' if page.pages else ''} of {name}: {rows} rows"
    return Event("page", text, what=name, walk=walk, number=page.number, of=page.pages, rows=rows)

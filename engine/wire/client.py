"""The one door to the network: a client that all statements of a session share, and the traffic of one statement."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Literal
from urllib.parse import urlencode, urlsplit

import httpx

from engine.errors import (
    ApiError,
    CallError,
    NetworkError,
    NotSent,
    ResponseError,
    Unreachable,
)
from engine.settings import Settings
from engine.wire.auth import proof
from engine.wire.call import Call, Page, Request
from engine.wire.limits import Limiter, Sleep
from engine.wire.paging import Answer, Asking, walk
from engine.wire.request import prepare
from engine.wire.response import api_error
from engine.wire.retry import pause

log = logging.getLogger("engine.wire")
LARGEST = 256 * 2**20  # bytes of one answer
TIMES = httpx.Timeout(60.0, connect=10.0)  # seconds


@dataclass(frozen=True)
class Event:
    """Something that happened on the wire, for whoever shows progress. `text` holds no secret."""

    kind: Literal["request", "response", "wait", "retry"]
    text: str
    seconds: float = 0.0


class Client:
    """Owns the connections, the places in flight and the rate limits. Close it with `aclose`."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        on_event: Callable[[Event], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.settings = settings
        self._on_event = on_event
        self._sleep = sleep
        self._places = asyncio.Semaphore(settings.concurrency)
        self._limiter = Limiter(clock, sleep, lambda why, seconds: self._tell(Event("wait", why, seconds)))
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=TIMES,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency),
            headers={"User-Agent": f"stratoql/{_version()}", "Accept": "application/json"},
        )

    def statement(self) -> Traffic:
        """The traffic of one statement: its own count of requests, the shared connections."""
        return Traffic(self)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _tell(self, event: Event) -> None:
        if event.kind == "wait" and event.seconds >= 2:
            log.warning("waiting %.0f s for %s", event.seconds, event.text)
        if self._on_event is not None:
            self._on_event(event)


class Traffic:
    """What one statement sends. `requests` counts every one that left, retries included."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.requests = 0
        self.bytes = 0
        self.retries = 0

    async def pages(self, call: Call) -> AsyncIterator[Page]:
        """The pages of a call, in order. Raises CallError.

        A filter that the API refuses is left out and asked again: the engine checks every row anyway.
        """
        settings = self._client.settings
        warning: tuple[str, ...] = ()

        async def fetch(asking: Asking) -> Answer:
            nonlocal call, warning
            try:
                return await self._answer(call, asking)
            except ApiError as error:
                if not _refuses_filter(call, error):
                    raise
                warning = (f"{call.method.name} refused the filter and was read whole: {error.message}",)
                call = replace(call, filter=None)
                return await self._answer(call, asking)

        concurrency = settings.concurrency
        async for page in walk(call, fetch, concurrency=concurrency, most=settings.max_requests):
            yield replace(page, warnings=(*page.warnings, *warning)) if warning else page

    async def _answer(self, call: Call, asking: Asking) -> Answer:
        """One answer, tried again as the law on retries allows."""
        settings, method = self._client.settings, call.method
        request = prepare(call, settings, asking.query)
        if asking.url is not None:
            request = replace(request, url=asking.url)
        added = proof(call.provider, method.auth, settings)
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._sent(call, request, added.headers, added.query, attempt)
            except CallError as error:
                seconds = pause(method, error, attempt)
                if seconds is None:
                    raise
                self.retries += 1
                self._client._tell(Event("retry", f"{request}: {error.message}", seconds))
                await self._client._sleep(seconds)

    async def _sent(
        self, call: Call, request: Request, secret: Mapping[str, str], query: Mapping[str, str], attempt: int
    ) -> Answer:
        client, settings = self._client, self._client.settings
        origin = "://".join(urlsplit(request.url)[:2])
        if self.requests >= settings.max_requests:
            raise NotSent(
                f"the {settings.max_requests} requests allowed for a statement are used up",
                request=str(request),
                hint="narrow the WHERE, or allow more with --max-requests",
            )
        async with client._places:
            await client._limiter.take(origin, call.method.limit)
            self.requests += 1
            client._tell(Event("request", str(request)))
            start = time.perf_counter()
            try:
                status, headers, body = await self._exchange(request, secret, query)
            except CallError as error:
                _logged(request, type(error).__name__, start, attempt)
                raise
        _logged(request, str(status), start, attempt)
        client._tell(Event("response", f"{status} {request}", time.perf_counter() - start))
        client._limiter.learn(origin, call.method.limit, headers)
        if 200 <= status < 300:
            return Answer(str(request), headers, body)
        if 300 <= status < 400:
            host = urlsplit(headers.get("location", "")).hostname or "another place"
            raise ResponseError(f"HTTP {status} sends on to {host}, which is not followed", request=str(request))
        raise api_error(status, headers, body, request=str(request), auth=call.method.auth, retry=call.method.retry)

    async def _exchange(
        self, request: Request, secret: Mapping[str, str], query: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """Send and read whole; what goes wrong on the way, in our tree."""
        url = request.url + (("&" if "?" in request.url else "?") + urlencode(query) if query else "")
        sent = self._client._http.build_request(
            request.method, httpx.URL(url), headers=[*request.headers, *secret.items()], content=request.body
        )
        try:
            response = await self._client._http.send(sent, stream=True)
            try:
                body = await self._read(response, request)
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise _unreachable(error, request) from error
        except httpx.DecodingError as error:
            raise ResponseError(f"the answer cannot be unpacked: {error}", request=str(request)) from error
        except httpx.TransportError as error:
            raise NetworkError(
                _told(error), request=str(request), hint="the connection broke; run it again"
            ) from error
        self.bytes += len(body)
        return response.status_code, {k.lower(): v for k, v in response.headers.items()}, body

    async def _read(self, response: httpx.Response, request: Request) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > LARGEST:
                raise ResponseError(f"the answer is larger than {LARGEST // 2**20} MiB", request=str(request))
            chunks.append(chunk)
        return b"".join(chunks)


def _refuses_filter(call: Call, error: ApiError) -> bool:
    if error.status != 400 or not call.filter or call.method.filtering is None or not call.method.reads:
        return False
    return any(reason.field == call.method.filtering.header for reason in error.errors)


def _unreachable(error: httpx.TransportError | httpx.UnsupportedProtocol, request: Request) -> Unreachable:
    """No connection. A certificate that is not trusted does not get better by trying again."""
    host = urlsplit(request.url).hostname
    found = Unreachable(
        f"cannot reach {host}: {_told(error)}", request=str(request), hint="check the network, the host and the proxy"
    )
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            found.passing = False
            found.hint = "the host's certificate is not trusted: SSL_CERT_FILE names further ones"
        cause = cause.__cause__ or cause.__context__
    return found


def _told(error: Exception) -> str:
    """What a transport error says; some say nothing but their name."""
    return str(error) or {
        httpx.ReadTimeout: "no answer within 60 s",
        httpx.ConnectTimeout: "no connection within 10 s",
    }.get(type(error), type(error).__name__)


def _logged(request: Request, outcome: str, start: float, attempt: int) -> None:
    """One line a request: method, path without query, outcome, milliseconds, attempt."""
    path = urlsplit(request.url).path
    milliseconds = (time.perf_counter() - start) * 1000
    log.info("%s %s %s %.0f ms attempt %d", request.method, path, outcome, milliseconds, attempt)


def _version() -> str:
    try:
        return version("stratoql")
    except PackageNotFoundError:
        return "0"

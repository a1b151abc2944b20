"""A public file over the network: no credential goes with the request, and nothing of the answer is believed.

Registries of provider documents are asked so. A file is asked for again when the network stumbles; a redirect is
followed from https to https only.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urljoin, urlsplit

from engine.errors import ApiError, CallError, Refused, ResponseError, UsageError
from engine.settings import Settings
from engine.wire.auth import Grant
from engine.wire.call import Request
from engine.wire.client import Client
from engine.wire.events import Event, Listener, unheard
from engine.wire.exchange import exchange
from engine.wire.masking import clean, masked
from engine.wire.response import Reply
from engine.wire.servers import address_fault, loopback

ATTEMPTS, PAUSE = 3, 0.5  # seconds, twice as long each time
PATIENCE = 300.0  # seconds for one file, all attempts and redirects together
_HOPS = 5
_MOVED = (301, 302, 303, 307, 308)
_PASSING = (408, 429, 500, 502, 503, 504)
_HEADERS = (("Accept", "*/*"), ("Accept-Encoding", "identity"))  # an archive is compressed already


async def fetch(client: Client, url: str, largest: int, settings: Settings, tell: Listener = unheard) -> bytes:
    """The file at an address, no larger than `largest` bytes.

    Raises UsageError or Refused for an address that is not asked, ApiError where the server says no (404: there is
    no such file), NetworkError and Unreachable where it does not answer, ResponseError for anything else.
    """
    check(url, insecure=settings.insecure_http)
    patience = min(settings.timeout or PATIENCE, PATIENCE)
    try:
        async with asyncio.timeout(patience):
            for _ in range(_HOPS):
                reply = await _got(client, url, largest, tell)
                if reply.status not in _MOVED:
                    return _body(reply)
                url = _onward(url, reply)
    except TimeoutError:
        raise ResponseError(
            f"the file did not come within {patience:g} s", request=f"GET {masked(url)}", hint="try again later"
        ) from None
    raise ResponseError(f"the file was moved more than {_HOPS} times", request=f"GET {masked(url)}")


def check(url: str, *, insecure: bool) -> None:
    """Look at an address before it is asked. Raises UsageError, Refused."""
    if fault := address_fault(url):
        where = "" if "@" in url else f" {clean(url, 100)}"
        raise UsageError(f"the address{where} {fault}", hint="write it as https://host/path")
    parts = urlsplit(url)
    if parts.scheme == "http" and not insecure and not loopback(parts.hostname or ""):
        raise Refused(
            f"{url} is plain http: whoever is on the way could change what comes",
            hint="use https, or allow it with --insecure-http",
        )


async def _got(client: Client, url: str, largest: int, tell: Listener) -> Reply:
    """The answer to a request, which is sent again where that may help."""
    request, attempt = Request("GET", url, _HEADERS), 0
    while True:
        attempt += 1
        tell(Event("request", f"GET {masked(url)}", request=f"GET {masked(url)}", attempt=attempt))
        try:
            reply, size = await exchange(client.http, request, Grant(), largest)
            text = f"{reply.status} {reply.request}"
            tell(Event("response", text, request=reply.request, status=reply.status, attempt=attempt, bytes=size))
            if reply.status not in _PASSING or attempt == ATTEMPTS:
                return reply
        except CallError as error:
            if isinstance(error, ResponseError):
                error.hint = None  # it is about pages
            if not error.passing or attempt == ATTEMPTS:
                raise
        await client.clock.sleep(PAUSE * 2 ** (attempt - 1))


def _body(reply: Reply) -> bytes:
    if reply.status == 200:
        return reply.body
    told = {404: "there is no such file", 410: "the file is gone"}.get(reply.status, "the file is not given")
    raise ApiError(f"HTTP {reply.status}: {told}", status=reply.status, request=reply.request)


def _onward(url: str, reply: Reply) -> str:
    """Where a redirect leads."""
    target = urljoin(url, reply.headers.get("location", ""))
    safe = url.startswith("https://") and target.startswith("https://") and "@" not in urlsplit(target).netloc
    if not safe:
        raise ResponseError(
            f"HTTP {reply.status}: it was moved to {clean(target.rpartition('@')[2], 100)}, which is not asked",
            request=reply.request,
            status=reply.status,
            hint="only a redirect from https to https is followed; name the new address yourself if you trust it",
        )
    return target

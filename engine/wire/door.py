"""The last step before the socket: here, and nowhere earlier, a request receives its secrets.

The client, its log and its errors only ever see the request without them. TLS is set up when an https address is
first asked: to load the trusted certificates costs as much as a whole request.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode
from urllib.request import getproxies, proxy_bypass

import httpx

from engine.wire.auth import Grant
from engine.wire.servers import loopback

GRANT = "stratoql_grant"  # the request's extension that carries its Grant
ADDRESS = "stratoql_address"  # the one that carries, as a Secret, the address that stands for the request's own
_LIBRARY = logging.getLogger("httpcore.http11")  # it logs the headers that came


class Door(httpx.AsyncBaseTransport):
    """Owns the connection pools: one for each way out. `inner` stands in for all of them.

    Proxies are those of the environment; this machine is never asked through one.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport | None, limits: httpx.Limits) -> None:
        self._inner = inner
        self._limits = limits
        self._pools: dict[tuple[bool, str], httpx.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send with the secrets added. Raises httpx.TransportError, ProxyError for a proxy that cannot be used."""
        grant, address = request.extensions.pop(GRANT, Grant()), request.extensions.pop(ADDRESS, None)
        way = self._inner or self._pool(request.url)
        if address is not None:
            request = _addressed(request, address.reveal())
        with _discreet(grant if address is None else Grant(raw=(address,))):
            return await way.handle_async_request(_granted(request, grant) if grant.source else request)

    async def aclose(self) -> None:
        """Close every pool."""
        for pool in (self._inner, *self._pools.values()):
            if pool is not None:
                await pool.aclose()

    def _pool(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        proxy = _proxy(url)
        way = (url.scheme == "https", proxy)
        if way not in self._pools:
            secure = way[0] or bool(proxy)
            try:
                self._pools[way] = httpx.AsyncHTTPTransport(
                    verify=secure, limits=self._limits, proxy=httpx.Proxy(proxy) if proxy else None
                )
            except (ValueError, ImportError, httpx.InvalidURL):  # their texts would quote it, password and all
                raise httpx.ProxyError("the proxy set in the environment cannot be used") from None
        return self._pools[way]


class _Scrubbing(logging.Filter):
    """Takes the secrets of a request out of what is logged."""

    def __init__(self, grant: Grant) -> None:
        super().__init__()
        self._grant = grant

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record, without secrets."""
        record.msg, record.args = self._grant.scrub(record.getMessage()), ()
        return True


@contextmanager
def _discreet(grant: Grant) -> Iterator[None]:
    """Who has the library's own log written down finds no secret there that a server repeats in its headers."""
    if not _LIBRARY.isEnabledFor(logging.DEBUG):
        yield
        return
    scrubbing = _Scrubbing(grant)
    _LIBRARY.addFilter(scrubbing)
    try:
        yield
    finally:
        _LIBRARY.removeFilter(scrubbing)


def _granted(request: httpx.Request, grant: Grant) -> httpx.Request:
    """A copy of a request with the secrets in it."""
    url, stream = str(request.url), request.stream
    for name, secret in grant.query:
        url += f"{'&' if '?' in url else '?'}{quote(name, safe='')}={quote(secret.reveal(), safe='')}"
    headers = request.headers
    if grant.form:
        content = b"&".join(
            filter(None, (request.content, urlencode([(n, s.reveal()) for n, s in grant.form]).encode()))
        )
        stream = httpx.ByteStream(content)
        headers = httpx.Headers({**headers, "content-length": str(len(content))})
    sealed = httpx.Request(request.method, url, headers=headers, stream=stream, extensions=request.extensions)
    for name, secret in grant.headers:
        sealed.headers[name] = secret.reveal()
    return sealed


def _addressed(request: httpx.Request, url: str) -> httpx.Request:
    """A copy of a request to where it really goes, on the same host."""
    return httpx.Request(
        request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
    )


def _proxy(url: httpx.URL) -> str:
    """The proxy that the environment names for a URL; empty: none."""
    if loopback(url.host):
        return ""
    proxies = getproxies()
    found = proxies.get(url.scheme) or proxies.get("all") or ""
    if not found or proxy_bypass(url.host):
        return ""
    return found if "://" in found else f"http://{found}"

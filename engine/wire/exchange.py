"""One request out, one whole answer in; what goes wrong on the way becomes an error of ours."""

from __future__ import annotations

import ssl
from functools import lru_cache
from urllib.parse import urlsplit

import httpx

from engine.errors import CallError, NetworkError, NotSent, ResponseError, Unreachable
from engine.wire.auth import Grant
from engine.wire.call import Request
from engine.wire.door import GRANT
from engine.wire.masking import clean, masked
from engine.wire.response import Reply

CONNECT, SILENCE = 10.0, 60.0  # seconds
TIMEOUT = httpx.Timeout(SILENCE, connect=CONNECT)
LARGEST = 256 * 2**20  # bytes

_NEVER_OPENED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_NEVER_LEFT = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_WORDS: dict[type[Exception], str] = {
    httpx.ConnectTimeout: f"no connection within {CONNECT:.0f} s",
    httpx.ReadTimeout: f"no answer within {SILENCE:.0f} s",
    httpx.WriteTimeout: f"nothing could be sent for {SILENCE:.0f} s",
    httpx.DecodingError: "the answer cannot be unpacked",
}


async def exchange(http: httpx.AsyncClient, request: Request, grant: Grant, largest: int) -> tuple[Reply, int]:
    """The answer, whatever its status, and the bytes that came for it.

    Raises Unreachable or NotSent where nothing left, NetworkError where no whole answer came, ResponseError for one
    larger than `largest` bytes.
    """
    told = f"{request.method} {masked(request.url)}"
    headers = [*_usual(request), ("User-Agent", agent()), *request.headers]
    try:
        sent = httpx.Request(
            request.method, request.url, headers=headers, content=request.body, extensions={GRANT: grant}
        )
        response = await http.send(sent, stream=True, auth=None)
        try:
            body = await _body(response, told, largest)
        finally:
            await response.aclose()
    except (httpx.InvalidURL, UnicodeError) as error:  # the second of a name such as xn--a
        raise NotSent(f"the address cannot be used: {clean(str(error))}", request=told) from None
    except httpx.RequestError as error:
        raise trouble(error, request, told, grant) from None
    found = {name.lower(): value for name, value in response.headers.items()}
    return Reply(told, response.status_code, found, body), response.num_bytes_downloaded or len(body)


def _usual(request: Request) -> list[tuple[str, str]]:
    """What is accepted, where the request does not say it."""
    return [] if any(name == "Accept" for name, _ in request.headers) else [("Accept", "application/json")]


async def _body(response: httpx.Response, told: str, largest: int) -> bytes:
    """The body, unpacked, as long as it is not too large to hold."""
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > largest:
            raise ResponseError(
                f"the answer is larger than {largest / 2**20:.0f} MiB",
                request=told,
                status=response.status_code,
                hint="ask for smaller pages",
            )
    return b"".join(chunks)


def trouble(error: httpx.RequestError, request: Request, told: str, grant: Grant) -> CallError:
    """What a transport error means for whoever asked."""
    words = _WORDS.get(type(error)) or clean(grant.scrub(str(error))) or type(error).__name__
    host = urlsplit(request.url).hostname
    if isinstance(error, _NEVER_OPENED):
        untrusted = _untrusted(error)
        found = Unreachable(
            f"cannot connect to {host}: {words}",
            request=told,
            hint="the certificate is not trusted: SSL_CERT_FILE names further ones"
            if untrusted
            else "check the network, the address and the proxy",
        )
        found.passing = not untrusted
        return found
    if isinstance(error, _NEVER_LEFT):
        return NotSent(f"the request cannot be sent: {words}", request=told)
    return NetworkError(
        f"the connection to {host} broke: {words}", request=told, hint="check the network, then run it again"
    )


def bare(error: CallError) -> CallError:
    """An error without the frames and errors behind it: they hold requests with secrets in them, and answers that
    quote those, for whoever prints tracebacks with their variables.
    """
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def _untrusted(error: BaseException) -> bool:
    """Whether a certificate is at the root: that does not go away by itself."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


@lru_cache(maxsize=1)
def agent() -> str:
    """What a request says it comes from."""
    from importlib.metadata import PackageNotFoundError, version  # here: it costs as much as a request

    try:
        return f"stratoql/{version('stratoql')}"
    except PackageNotFoundError:
        return "stratoql/0"

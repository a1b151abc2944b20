"""OAuth 2: a client's id and secret are changed for a token, which is kept in memory until it expires.

The secret goes to the token's address and nowhere else, and that address must be the provider's own: a document could
name any other.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote, quote_plus, urlencode, urlsplit

import msgspec
from msgspec import Struct

from engine.errors import CredentialError
from engine.settings import Settings
from engine.wire.auth import Grant, Secret, client
from engine.wire.call import Call, Request
from engine.wire.masking import clean
from engine.wire.response import Reply
from engine.wire.servers import loopback, origin
from provider_registry.protocol import ENV, Auth

Send = Callable[[Call, Request, Grant], Awaitable[Reply]]
LIFE, MARGIN = 300.0, 30.0  # seconds: of a token that does not say how long it lives; before its end it is not used
_FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


class _Token(Struct, frozen=True):
    secret: Secret
    until: float


class _Answer(Struct):
    """What an address that gives tokens says."""

    access_token: str = ""
    token_type: str = "bearer"
    expires_in: float | str | None = None
    error: str = ""
    error_description: str = ""


class Tokens:
    """The tokens of a process, by who asked for them and what for. `now`: seconds that only go up."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: dict[tuple[object, ...], _Token] = {}
        self._asking: dict[tuple[object, ...], asyncio.Lock] = {}

    async def token(self, call: Call, settings: Settings, home: str, send: Send) -> str:
        """A token for a call; those who want the same one wait for one exchange.

        Raises CredentialError: no credentials, an address that must not see them, no token for them.
        """
        auth = call.method.auth
        name, secret = client(auth, call.provider, settings)
        url = address(auth, call, settings, home)
        key = (url, name, hash(secret), auth.scopes, auth.values)
        async with self._asking.setdefault(key, asyncio.Lock()):
            kept = self._kept.get(key)
            if kept is None or kept.until <= self._now():
                kept = self._kept[key] = await self._asked(call, url, name, secret, send)
            return kept.secret.reveal()

    def forget(self, grant: Grant) -> None:
        """Let go of a token that the API does not take."""
        used = {secret.reveal() for secret in grant.raw}
        self._kept = {key: token for key, token in self._kept.items() if token.secret.reveal() not in used}

    async def _asked(self, call: Call, url: str, name: str, secret: str, send: Send) -> _Token:
        """A new token: the credentials in the header, and where that is refused, in the body."""
        auth = call.method.auth
        first, *other = {"any": ("header", "body")}.get(auth.style, (auth.style,))
        request, grant = _request(auth, url, name, secret, first)
        reply = await send(call, request, grant)
        if other and reply.status in (400, 401):
            request, grant = _request(auth, url, name, secret, other[0])
            reply = await send(call, request, grant)
        return self._told(call, reply, grant)

    def _told(self, call: Call, reply: Reply, grant: Grant) -> _Token:
        """The token of an answer; what is no token is told in the words of who refused it, secrets left out."""
        try:
            said = msgspec.json.decode(reply.body, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = _Answer(error="no JSON in its answer")
        if not 200 <= reply.status < 300 or not said.access_token or said.token_type.lower() != "bearer":
            kind = "" if said.token_type.lower() == "bearer" else f"a token of type {said.token_type}"
            why = grant.scrub(": ".join(filter(None, (said.error, said.error_description, kind))))
            why = clean(Grant(raw=(Secret(said.access_token),)).scrub(why))
            variables = [c.env for c in (call.method.auth.username, *call.method.auth.credentials) if c and c.env]
            raise CredentialError(
                f"{call.provider} gave no token for the client's credentials: HTTP {reply.status}"
                + (f", {why}" if why else ""),
                request=reply.request,
                hint=f"check {' and '.join(variables)}",
            )
        try:
            life = float(said.expires_in or LIFE)
        except ValueError:
            life = LIFE
        return _Token(Secret(said.access_token), self._now() + max(0.0, life - MARGIN))


def address(auth: Auth, call: Call, settings: Settings, home: str) -> str:
    """Where the token is asked for: a host of the provider's own, in TLS.

    Raises CredentialError for any other.
    """

    def variable(match: re.Match[str]) -> str:
        value = settings.environ.get(match[1])
        if not value:
            raise CredentialError(f"the token of {call.provider} needs {match[1]}", hint=f"set {match[1]}")
        return quote(value, safe="")

    url = ENV.sub(variable, auth.token_url)
    try:
        parts = urlsplit(url)
        host, whole = (parts.hostname or "").rstrip("."), origin(url)
    except ValueError:
        host, whole = "", ""
    here = urlsplit(home).hostname or ""
    local = loopback(host) and loopback(here)
    if not host or "@" in parts.netloc or (parts.scheme != "https" and not (parts.scheme == "http" and local)):
        raise CredentialError(
            f"the token of {call.provider} is not asked for at {clean(url)}: that is no https address"
        )
    own = urlsplit(re.sub(r"[{}]", "", call.method.server.url)).hostname or ""
    if whole != home and not _one_site(host, own):
        raise CredentialError(
            f"the client's credentials of {call.provider} do not go to {host}: its API is at {own or here}",
            hint="get a token there yourself and give it as the token",
        )
    return url


def _one_site(host: str, own: str) -> bool:
    """Whether two hosts are of one owner, as far as names tell: `auth.acme.com` and `api.acme.com`.

    >>> _one_site("auth.acme.com", "api.acme.com"), _one_site("acme.com.evil.net", "api.acme.com")
    (True, False)
    >>> _one_site("auth.co.uk", "acme.co.uk"), _one_site("id.acme.co.uk", "api.acme.co.uk")
    (False, True)
    """
    labels = own.lower().rstrip(".").split(".")
    above = labels[1:] if len(labels) > 2 else labels
    if len(above) == 2 and len(above[1]) == 2 and len(above[0]) <= 3:
        above = labels  # `co.uk` is everybody's
    site, name = ".".join(above), host.lower()
    return "." in site and (name == site or name.endswith(f".{site}"))


def _request(auth: Auth, url: str, name: str, secret: str, style: str) -> tuple[Request, Grant]:
    """The request of a token, and the secrets that it receives at the door."""
    fields = [("grant_type", "client_credentials"), *auth.values]
    if auth.scopes:
        fields.append(("scope", " ".join(auth.scopes)))
    request = Request("POST", url, _FORM, urlencode(fields).encode())
    raw = (Secret(secret), Secret(quote_plus(secret)))
    if style == "body":
        return request, Grant(source=url, raw=raw, form=(("client_id", Secret(name)), ("client_secret", raw[0])))
    coded = base64.b64encode(f"{quote_plus(name)}:{quote_plus(secret)}".encode()).decode()
    return request, Grant((("Authorization", Secret(f"Basic {coded}")),), (), url, (*raw, Secret(coded)))

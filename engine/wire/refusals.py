"""An answer that is no success into an error of ours: what the API gives as its reasons, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec

from engine.errors import ApiError, CallError, Reason, ResponseError
from engine.wire.auth import Grant
from engine.wire.masking import clean
from engine.wire.response import Reply
from engine.wire.retry import retry_after
from engine.wire.rows import BAD_JSON
from provider_registry.model import Method
from provider_registry.protocol import Auth

_SAYING = ("reason", "message", "detail", "error_description", "description", "title", "msg")


def refusal(reply: Reply, method: Method, grant: Grant, now: float) -> CallError:
    """The error of a status that is no 2xx. `now`: seconds since 1970.

    `passing` and `harmless` of the error say whether it may go away by itself and whether a write certainly did
    nothing.
    """
    if reply.status < 400:
        return _redirect(reply, grant)
    found = tuple(Reason(grant.scrub(r.reason), r.field and grant.scrub(r.field)) for r in reasons(reply.body))
    told = "; ".join(map(str, found)) or _phrase(reply.status)
    after = retry_after(reply.status, reply.headers, now)
    error = ApiError(
        f"HTTP {reply.status}: {told}",
        status=reply.status,
        errors=found,
        request=reply.request,
        retry_after=after,
        hint=_hint(reply, method, grant, after),
    )
    busy = reply.status == 400 and any(reason.reason in method.retry.busy_reasons for reason in found)
    edge = reply.status >= 500 and "html" in reply.headers.get("content-type", "").lower()
    error.passing = busy or ((reply.status in method.retry.statuses or edge) and not _maintenance(reply, method))
    error.harmless = 400 <= reply.status < 500 and reply.status != 408
    return error


def reasons(body: bytes) -> list[Reason]:
    """What an error's body says, in the forms that APIs have: a list of `{reason, field}`, an `error`, a `message`.

    >>> [str(reason) for reason in reasons(b'{"errors": [{"reason": "Must be 25-500", "field": "page_size"}]}')]
    ['page_size: Must be 25-500']
    >>> [str(reason) for reason in reasons(b'{"error": {"code": 7, "message": "no such zone"}}')]
    ['no such zone']
    """
    try:
        found = msgspec.json.decode(body)
    except BAD_JSON:
        text = clean(body[:4096].decode("utf-8", "replace"))  # enough for `clean` to see that it goes on
        return [Reason(text)] if text and not text.startswith("<") else []
    listed = found.get("errors") if isinstance(found, dict) else found
    entries = listed if isinstance(listed, list) and listed else [found]
    return [reason for entry in entries[:20] if (reason := _reason(entry)) is not None]


def _reason(entry: Any) -> Reason | None:
    if isinstance(entry, str) and entry:
        return Reason(clean(entry))
    if not isinstance(entry, dict):
        return None
    named = entry.get("field")
    text = next((entry[key] for key in _SAYING if isinstance(entry.get(key), str) and entry[key]), None)
    if text is not None:
        return Reason(clean(text), clean(named, 60) if isinstance(named, str) and named else None)
    inner = entry.get("error")
    return _reason(inner) if isinstance(inner, dict | str) else None


def _redirect(reply: Reply, grant: Grant) -> ResponseError:
    """Redirects are not followed: the credential would travel along. The target may hold secrets, its host too."""
    try:
        host = urlsplit(grant.scrub(reply.headers.get("location", ""))).hostname
    except ValueError:
        host = None
    to = f" to {clean(host, 100)}" if host else ""
    return ResponseError(
        f"HTTP {reply.status}: the API sends us on{to}, and redirects are not followed",
        request=reply.request,
        status=reply.status,
        hint="if that is where the API lives now, name it with --server",
    )


def _maintenance(reply: Reply, method: Method) -> bool:
    header = method.retry.maintenance_header
    return reply.status == 503 and header is not None and header.lower() in reply.headers


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"


def _hint(reply: Reply, method: Method, grant: Grant, after: float | None) -> str | None:
    if reply.status == 401:
        return _unauthorized(reply.headers, method.auth, grant)
    if _maintenance(reply, method):
        return "the API is under maintenance; try again later"
    return {
        403: "the account behind the credential may not do this",
        404: "nothing is there, or it is not the account's to see: check the values in the statement",
        429: "the rate limit is used up; try again " + (f"in {after:.0f} s" if after else "later"),
    }.get(reply.status, "the API has a problem of its own; try again later" if reply.status >= 500 else None)


def unlisted(method: Method) -> str:
    """What to say of a list that answers whoever sends no credential with less, and as if that were all."""
    rule = " and ".join(f"{name} = {msgspec.json.encode(value).decode()}" for name, value in method.bare.items())
    variable = _variable(method.auth)
    more = f"; set {variable} to see the others" if variable else ""
    return f"no credential was sent, so {method.name} lists only what has {rule}{more}"


def _variable(auth: Auth) -> str | None:
    return next((credential.env for credential in auth.credentials if credential.env), None)


def _unauthorized(headers: Mapping[str, str], auth: Auth, grant: Grant) -> str:
    """A bad credential and one that may not do this are the same status; two headers can tell them apart."""
    if not grant.source:
        variable = _variable(auth)
        return "no credential was sent" + (f": set {variable}" if variable else "")
    has = headers.get((auth.scopes_header or "").lower(), "")
    wanted = headers.get((auth.wanted_scopes_header or "").lower(), "")
    if not has:
        return f"the credential from {grant.source} was not accepted"
    if has.strip().lower() == "unknown":
        return f"the credential from {grant.source} is wrong or has expired: make a new one"
    needs = f" and this needs {clean(wanted, 100)}" if wanted else ""
    return grant.scrub(f"the credential from {grant.source} lacks a scope: it has {clean(has, 100)}{needs}")

"""A server that says back what it was sent: the secret is in no error, no log and no traceback, whatever the form."""

from __future__ import annotations

import asyncio
import json
import logging
from traceback import TracebackException
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from engine.errors import CallError, CredentialError, explain
from engine.wire.client import Client
from provider_registry.protocol import Auth
from tests.wire.loopback import http
from tests.wire.methods import GET_IMAGES, call, settings
from tests.wire.test_sockets import failure, fetch, over

TOKEN = "Sup3r/Secr+tToken=="
START = TOKEN[:8]


def said(text: str, status: str = "400 Bad Request") -> bytes:
    return http(json.dumps({"errors": [{"reason": text, "field": text}]}).encode(), status=status)


LIES = {
    "plainly": said(f"the token {TOKEN} is bad", "500 Broken"),
    "at the end of what is shown": said("x" * 190 + TOKEN),
    "behind blanks that are not shown": said(" " * 790 + TOKEN),
    "encoded for a URL": said(quote(TOKEN)),
    "encoded whole": said(quote(TOKEN, safe="")),
    "as text": http(b"y" * 190 + TOKEN.encode(), status="500 Broken", headers=("Content-Type: text/plain",)),
    "as text behind blanks": http(
        "\u3000".encode() * 330 + TOKEN.encode(), status="500 Broken", headers=("Content-Type: text/plain",)
    ),
    "in a page": http(b"<p>" + TOKEN.encode(), headers=("Content-Type: text/html",)),
    "in no JSON": http(b"{" + b"z" * 150 + TOKEN.encode()),
    "in no rows": http(json.dumps({"data": TOKEN}).encode()),
    "as the number of a page": http(json.dumps({"data": [], "page": TOKEN, "pages": 1, "results": 0}).encode()),
    "as scopes": http(
        b"{}", status="401 Unauthorized", headers=(f"X-OAuth-Scopes: {TOKEN}", f"X-Accepted-OAuth-Scopes: {TOKEN}")
    ),
    "as where it lives now": http(b"", status="302 Found", headers=(f"Location: https://{TOKEN}.evil.test/",)),
}


@pytest.mark.parametrize("reply", LIES.values(), ids=LIES)
def test_a_secret_that_is_said_back(reply: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    error, heard = over((reply,), lambda client, _: failure(client, GET_IMAGES, {"page_size": 25}), token=TOKEN)
    assert TOKEN in heard.requests[0].decode()
    assert isinstance(error, CallError)
    trace = TracebackException.from_exception(error, capture_locals=True)
    for told in (explain(error), repr(vars(error)), "".join(trace.format()), caplog.text):
        assert START.lower() not in told.lower().replace("%2f", "/")
    assert error.__context__ is None


def test_the_librarys_own_log_holds_no_secret_that_came_back(caplog: pytest.LogCaptureFixture) -> None:
    reply = http(b'{"data": [], "page": 1, "pages": 1, "results": 0}', headers=(f"X-Echo: Bearer {TOKEN}",))
    with caplog.at_level(logging.DEBUG, "httpcore"):
        over((reply,), lambda client, _: fetch(client, GET_IMAGES, page_size=25), token=TOKEN)
    assert "(b'X-Echo', b'***')" in caplog.text
    assert START not in caplog.text
    assert not logging.getLogger("httpcore.http11").filters


def test_a_credential_that_cannot_be_sent_is_in_no_traceback() -> None:
    method = replace(GET_IMAGES, auth=Auth(type="bearer"))

    async def run() -> None:
        async with Client(settings(token=f"{TOKEN} {TOKEN}")) as client:
            client.statement().fingerprint(
                call(method), "https://api.linode.com/v4", "https://api.linode.com:443", ""
            )

    with pytest.raises(CredentialError, match="holds a blank") as raised:
        asyncio.run(run())
    trace = TracebackException(type(raised.value), raised.value, raised.tb, capture_locals=True)
    assert START not in "".join(trace.format())

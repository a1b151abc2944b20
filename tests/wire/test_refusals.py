"""What an API says when it says no, and what to do next."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from engine.errors import ApiError, Reason, ResponseError
from engine.wire.auth import Grant, Secret
from engine.wire.refusals import reasons, refusal
from engine.wire.response import Reply
from provider_registry.model import Method
from provider_registry.protocol import Auth
from tests.wire.methods import GET_IMAGES, TOKEN

GRANT = Grant((("Authorization", Secret(f"Bearer {TOKEN}")),), (), "LINODE_TOKEN", (Secret(TOKEN),))


def refused(
    status: int,
    body: Any = b"",
    headers: dict[str, str] | None = None,
    grant: Grant = GRANT,
    method: Method = GET_IMAGES,
) -> ApiError | ResponseError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = refusal(Reply("GET https://h/x", status, headers or {}, data), method, grant, 0)
    assert isinstance(error, ApiError | ResponseError)
    assert error.request == "GET https://h/x"
    return error


REASONS: list[tuple[Any, list[Reason]]] = [
    ({"errors": [{"reason": "Must be 25-500", "field": "page_size"}]}, [Reason("Must be 25-500", "page_size")]),
    ({"errors": [{"reason": "a"}, {"reason": "b", "field": "x.y[0]"}]}, [Reason("a"), Reason("b", "x.y[0]")]),
    ({"errors": ["a", {"message": "b"}, 5, {}, "", {"reason": 5}]}, [Reason("a"), Reason("b")]),
    ({"errors": []}, []),
    ({"errors": [], "message": "m"}, [Reason("m")]),
    ({"errors": {"a": ["b"]}, "title": "t"}, [Reason("t")]),
    ({"error": {"code": 5, "message": "m"}}, [Reason("m")]),
    ({"error": "e"}, [Reason("e")]),
    ({"error": "e", "error_description": "d"}, [Reason("d")]),
    ({"error": 5}, []),
    ({"detail": "d"}, [Reason("d")]),
    ({"detail": ["d"], "title": "t"}, [Reason("t")]),
    ([{"message": "m"}], [Reason("m")]),
    ("text", [Reason("text")]),
    (5, []),
    (b"plain\r\ntext \x1b[2J", [Reason("plain text [2J")]),
    (b"<html>", []),
    (b"", []),
    (b"\xff", [Reason("\ufffd")]),
    ({"errors": [{"reason": "x" * 1000}]}, [Reason("x" * 197 + "...")]),
    ({"errors": [{"reason": "a", "field": 5}]}, [Reason("a")]),
]


@pytest.mark.parametrize(("body", "found"), REASONS)
def test_reasons(body: Any, found: list[Reason]) -> None:
    assert reasons(body if isinstance(body, bytes) else json.dumps(body).encode()) == found


def test_messages_name_status_field_and_reason() -> None:
    error = refused(400, {"errors": [{"field": "label", "reason": "Must be 3-50"}, {"reason": "And more"}]})
    assert error.message == "HTTP 400: label: Must be 3-50; And more"
    assert isinstance(error, ApiError)
    assert (error.status, error.errors) == (400, (Reason("Must be 3-50", "label"), Reason("And more")))
    assert refused(502, b"<html>").message == "HTTP 502: Bad Gateway"
    assert refused(599).message == "HTTP 599: no reason given"


def test_what_is_sent_back_is_scrubbed() -> None:
    error = refused(400, {"errors": [{"field": TOKEN, "reason": f"bad token Bearer {TOKEN}"}]})
    assert error.message == "HTTP 400: ***: bad token ***"
    assert TOKEN not in repr(vars(error))


SCOPES = {"x-oauth-scopes": "linodes:read_only", "x-accepted-oauth-scopes": "images:read_write"}
PLAIN = replace(GET_IMAGES, auth=Auth(type="bearer"))

HINTS: list[tuple[int, dict[str, str], Grant, Method, str | None]] = [
    (401, {}, Grant(), GET_IMAGES, "no credential was sent: set LINODE_TOKEN"),
    (401, {}, Grant(), PLAIN, "no credential was sent"),
    (401, {}, GRANT, PLAIN, "the credential from LINODE_TOKEN was not accepted"),
    (401, {"x-oauth-scopes": "unknown"}, GRANT, GET_IMAGES,
     "the credential from LINODE_TOKEN is wrong or has expired: make a new one"),
    (401, SCOPES, GRANT, GET_IMAGES,
     "the credential from LINODE_TOKEN lacks a scope: it has linodes:read_only and this needs images:read_write"),
    (401, {"x-oauth-scopes": "a"}, GRANT, GET_IMAGES, "the credential from LINODE_TOKEN lacks a scope: it has a"),
    (403, {}, GRANT, GET_IMAGES, "the account behind the credential may not do this"),
    (404, {}, GRANT, GET_IMAGES,
     "nothing is there, or it is not the account's to see: check the values in the statement"),
    (429, {}, GRANT, GET_IMAGES, "the rate limit is used up; try again later"),
    (429, {"retry-after": "30"}, GRANT, GET_IMAGES, "the rate limit is used up; try again in 30 s"),
    (503, {"x-maintenance-mode": "x"}, GRANT, GET_IMAGES, "the API is under maintenance; try again later"),
    (503, {}, GRANT, GET_IMAGES, "the API has a problem of its own; try again later"),
    (400, {}, GRANT, GET_IMAGES, None),
]  # fmt: skip


@pytest.mark.parametrize(("status", "headers", "grant", "method", "hint"), HINTS)
def test_hints(status: int, headers: dict[str, str], grant: Grant, method: Method, hint: str | None) -> None:
    assert refused(status, b"", headers, grant, method).hint == hint


@pytest.mark.parametrize(("status", "seconds"), [(429, 30.0), (503, 30.0), (500, None), (400, None)])
def test_retry_after_is_a_fact_of_the_error(status: int, seconds: float | None) -> None:
    error = refused(status, b"", {"retry-after": "30"})
    assert isinstance(error, ApiError)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("https://other.example/x?token=hunter2", "HTTP 302: the API sends us on to other.example, and"),
        ("/elsewhere?token=hunter2", "HTTP 302: the API sends us on, and redirects are not followed"),
        ("https://[hunter2", "HTTP 302: the API sends us on, and"),
        ("", "HTTP 302: the API sends us on, and"),
    ],
)
def test_redirects_are_not_followed(location: str, message: str) -> None:
    error = refused(302, b"", {"location": location})
    assert isinstance(error, ResponseError)
    assert message in error.message
    assert "hunter2" not in repr(vars(error))
    assert not error.passing
    assert not error.harmless


@pytest.mark.parametrize(
    ("status", "harmless"),
    [(400, True), (404, True), (429, True), (408, False), (500, False), (503, False), (303, False)],
)
def test_whether_a_write_certainly_did_nothing(status: int, harmless: bool) -> None:
    assert refused(status).harmless is harmless

"""The client: sends again where that helps and cannot harm, says what it does, and counts what it costs."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from engine.errors import (
    ApiError,
    CallError,
    CredentialError,
    InvalidValue,
    NetworkError,
    Refused,
    ResponseError,
    TimedOut,
    Unreachable,
)
from engine.wire.call import Call, Cost, Page, Request
from engine.wire.client import Client
from engine.wire.response import read
from provider_registry.protocol import Auth, Credential, Limit, Server
from tests.wire.methods import (
    AUTH,
    DELETE_IMAGE,
    GET_IMAGE,
    GET_IMAGES,
    POST_IMAGE,
    TOKEN,
    Handler,
    Time,
    Wire,
    answers,
    call,
    image,
    listing,
    settings,
)

ONE = httpx.Response(200, json=image(1))
READ = call(GET_IMAGE, {"imageId": "private/1"})
WRITE = call(POST_IMAGE, {"data__disk_id": 1})
DOWN = httpx.Response(503)
BUSY = httpx.Response(400, json={"errors": [{"reason": "Linode busy."}]})
RAN = httpx.Response(429, headers={"Retry-After": "7"})


def wire(*replies: httpx.Response | Exception, **more: Any) -> Wire:
    return Wire(answers(*replies), settings(**more))


def test_a_read() -> None:
    held = wire(ONE)
    (page,) = held.pages(READ)
    assert page.rows == [("private/1", "image 1", 1, False, '["one","two"]', None)]
    assert (page.number, page.total, page.pages, page.warnings, page.filtered) == (1, None, None, (), True)


def test_a_large_answer_is_decoded_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.wire import traffic

    def threads(**fields: Any) -> list[str]:
        found = []

        def noting(*given: Any) -> Any:
            found.append(threading.current_thread().name)
            return read(*given)

        monkeypatch.setattr(traffic, "read", noting)
        held = wire(httpx.Response(200, json={**image(1), **fields}))
        held.largest = 2**22
        (page,) = held.pages(READ)
        assert page.rows[0][0] == "private/1"
        return found

    assert threads() == [threading.current_thread().name]
    assert threads(description="x" * (2**21 + 1)) != [threading.current_thread().name]


def test_a_write_sends_its_body() -> None:
    held = wire(ONE)
    held.pages(WRITE)
    (sent,) = held.sent
    assert (sent.method, json.loads(sent.content)) == ("POST", {"disk_id": 1})
    assert sent.headers["content-type"] == "application/json"


def test_nothing_leaves_for_a_wrong_argument() -> None:
    held = wire(ONE)
    with pytest.raises(InvalidValue, match="data__disk_id expects an integer, got 'x'"):
        held.pages(call(POST_IMAGE, {"data__disk_id": "x"}))
    with pytest.raises(CredentialError):
        held.pages(call(replace(GET_IMAGE, auth=replace(AUTH, optional=False)), {"imageId": "x"}))
    assert held.sent == []


# ---- sending again


@pytest.mark.parametrize(
    ("trouble", "wanted", "slept"),
    [
        (DOWN, READ, [0.25, 0.5]),
        (httpx.ReadError("x"), READ, [0.25, 0.5]),
        (httpx.ConnectError("x"), READ, [0.25, 0.5]),
        (httpx.ConnectError("x"), WRITE, [0.25, 0.5]),
        (BUSY, READ, [0.25, 0.5]),
        (BUSY, WRITE, [0.25, 0.5]),
        (httpx.Response(502, html="<html>"), READ, [0.25, 0.5]),
        (httpx.Response(503, headers={"Retry-After": "3"}), READ, [3.25, 3.5]),
    ],
)
def test_what_passes_is_waited_out(trouble: httpx.Response | Exception, wanted: Call, slept: list[float]) -> None:
    held = wire(trouble, trouble, ONE)
    (page,) = held.pages(wanted)
    assert page.rows[0][0] == "private/1"
    assert held.time.slept == slept
    assert (page.cost.requests, page.cost.retries, page.cost.waited) == (3, 2, sum(slept))


@pytest.mark.parametrize(
    ("trouble", "kind", "harmless"),
    [
        (httpx.Response(500), ApiError, False),
        (httpx.Response(502, html="<html>"), ApiError, False),
        (DOWN, ApiError, False),
        (httpx.Response(408), ApiError, False),
        (httpx.ReadError("x"), NetworkError, False),
        (httpx.ReadTimeout("x"), NetworkError, False),
        (httpx.RemoteProtocolError("x"), NetworkError, False),
        (httpx.Response(200, html="<html>"), ResponseError, False),
        (httpx.Response(302, headers={"Location": "https://x/"}), ResponseError, False),
        (httpx.Response(403), ApiError, True),
        (httpx.Response(404), ApiError, True),
    ],
)
def test_a_write_is_sent_once(trouble: httpx.Response | Exception, kind: type[CallError], harmless: bool) -> None:
    """`harmless` tells those that certainly did nothing from those whose outcome is unknown."""
    for wanted in (WRITE, call(DELETE_IMAGE, {"imageId": "x"}), call(replace(POST_IMAGE, http="PUT"), WRITE.args)):
        held = wire(trouble, ONE)
        with pytest.raises(kind) as raised:
            held.pages(wanted)
        assert raised.value.harmless is harmless
        assert (len(held.sent), held.time.slept) == (1, [])


@pytest.mark.parametrize(
    ("trouble", "kind"), [(RAN, ApiError), (BUSY, ApiError), (httpx.ConnectError("x"), Unreachable)]
)
def test_a_write_that_was_turned_away_for_good_did_nothing(
    trouble: httpx.Response | Exception, kind: type[CallError]
) -> None:
    with pytest.raises(kind) as raised:
        wire(trouble).pages(WRITE)
    assert raised.value.harmless
    assert raised.value.message.endswith("(tried 5 times)")


def test_what_does_not_pass_is_given_up() -> None:
    held = wire(DOWN)
    with pytest.raises(ApiError) as raised:
        held.pages(READ)
    assert raised.value.message == "HTTP 503: Service Unavailable (tried 5 times)"
    assert str(raised.value) == raised.value.message
    assert held.time.slept == [0.25, 0.5, 1, 2]


def test_maintenance_is_not_waited_out() -> None:
    held = wire(httpx.Response(503, headers={"X-Maintenance-Mode": "x", "Retry-After": "1"}))
    with pytest.raises(ApiError, match=r"HTTP 503: Service Unavailable$") as raised:
        held.pages(READ)
    assert raised.value.hint == "the API is under maintenance; try again later"
    assert len(held.sent) == 1


def test_retry_after_of_a_success_means_nothing() -> None:
    held = wire(httpx.Response(200, headers={"Retry-After": "60"}, json=image(1)))
    held.pages(READ)
    assert held.time.slept == []


def test_a_429_holds_back_all_calls_under_its_limit() -> None:
    time = Time(chance=0.0)
    left: list[float] = []
    ran = [True]

    def handler(request: httpx.Request) -> httpx.Response:
        left.append(time.seconds)
        if ran.pop() if ran else False:
            return RAN
        return ONE

    async def run() -> None:
        async with Wire(handler, settings(concurrency=1), time).client() as client:
            await asyncio.gather(*(client.pages(READ).__anext__() for _ in range(3)))

    asyncio.run(run())
    assert left == [1000, 1007, 1007, 1007]


def test_the_rate_limit_of_the_document_is_kept() -> None:
    limited = replace(GET_IMAGE, limit=Limit(name="rest", requests=2, seconds=60))
    held = wire(ONE)

    async def run() -> list[Page]:
        async with held.client() as client:
            return [page for _ in range(4) async for page in client.pages(call(limited, READ.args))]

    pages = asyncio.run(run())
    assert held.time.slept == [30, 30]
    assert [page.cost.waited for page in pages] == [0, 0, 30, 30]
    waits = [event for event in held.events if event.kind == "wait"]
    assert [event.text for event in waits] == ["waiting 30.0 s for the rate limit of rest"] * 2


# ---- time


def test_a_wait_that_would_outlast_the_time_allowed_is_not_begun() -> None:
    held = wire(RAN, timeout=5.0)
    with pytest.raises(TimedOut) as raised:
        held.pages(WRITE)
    assert raised.value.message == (
        "the 5 s allowed are used up, waiting for a new attempt after: HTTP 429: Too Many Requests"
    )
    assert raised.value.request == "POST https://api.linode.com/v4/images"
    assert raised.value.harmless
    assert raised.value.status == 429
    assert raised.value.retry_after is not None
    assert raised.value.retry_after > 5
    assert held.time.slept == []


def test_a_statement_whose_time_is_over_sends_nothing() -> None:
    held = wire(ONE, timeout=5.0)

    async def run() -> None:
        async with held.client() as client:
            traffic = client.statement()
            held.time.seconds += 5
            with pytest.raises(TimedOut, match="the 5 s allowed are used up") as raised:
                _ = [page async for page in traffic.pages(WRITE)]
            assert raised.value.harmless

    asyncio.run(run())
    assert held.sent == []


def test_the_time_allowed_bounds_all_attempts() -> None:
    held = wire(DOWN, timeout=1.0)
    with pytest.raises(TimedOut, match="waiting for a new attempt after: HTTP 503") as raised:
        held.pages(READ)
    assert (raised.value.status, raised.value.retry_after) == (503, 1.0)
    assert held.time.slept == [0.25, 0.5]


def test_a_rate_limit_that_would_outlast_the_time_allowed(caplog: pytest.LogCaptureFixture) -> None:
    method = replace(POST_IMAGE, limit=Limit(name="rest", requests=1, seconds=60))
    held = wire(ONE, timeout=5.0)

    async def run() -> None:
        async with held.client() as client:
            traffic = client.statement()
            assert [page async for page in traffic.pages(call(method, WRITE.args))]
            with pytest.raises(TimedOut) as raised:
                _ = [page async for page in traffic.pages(call(method, WRITE.args))]
            assert "waiting for the rate limit of rest, 60 s more" in raised.value.message
            assert raised.value.harmless
            assert raised.value.status is None
            assert raised.value.retry_after == pytest.approx(60)
            assert traffic.cost.requests == 1

    with caplog.at_level(logging.INFO, "engine.wire"):
        asyncio.run(run())
    assert len([record for record in caplog.records if record.name == "engine.wire"]) == 1


def test_each_statement_has_its_own_time_and_count() -> None:
    held = wire(ONE, max_requests=2, timeout=10.0)

    async def run() -> None:
        async with held.client() as client:
            for _ in range(5):
                traffic = client.statement()
                for _ in range(2):
                    assert [page async for page in traffic.pages(READ)]
                with pytest.raises(Refused, match="this would send 3 requests, more than the 2 allowed"):
                    _ = [page async for page in traffic.pages(READ)]
                assert traffic.cost.requests == 2
                held.time.seconds += 8
            assert client.stats.requests == 10

    asyncio.run(run())


# ---- filters


def refusing(field: str = "X-Filter", status: int = 400) -> Handler:
    whole = listing(60)

    def handler(request: httpx.Request) -> httpx.Response:
        if "x-filter" not in request.headers:
            return whole(request)
        return httpx.Response(status, json={"errors": [{"field": field, "reason": "Cannot filter on vendor"}]})

    return handler


def test_a_refused_filter_is_asked_again_without() -> None:
    """And without the row limit: it counted on the filter."""
    held = Wire(refusing())
    pages = held.pages(call(filter={"vendor": "x"}, row_limit=10, page_size=25))
    assert [row[0] for page in pages for row in page.rows] == [f"private/{n}" for n in range(60)]
    assert [page.filtered for page in pages] == [False] * 3
    assert [page.warnings for page in pages] == [
        (
            "get_images was read whole, because the API refused the filter: "
            "HTTP 400: X-Filter: Cannot filter on vendor",
        ),
        (),
        (),
    ]
    assert [request.headers.get("x-filter") for request in held.sent] == ['{"vendor":"x"}', None, None, None]


@pytest.mark.parametrize(
    ("handler", "wanted"),
    [
        (refusing(field="page_size"), call(filter={"vendor": "x"})),
        (refusing(status=422), call(filter={"vendor": "x"})),
        (answers(httpx.Response(400, json={"errors": [{"field": "X-Filter", "reason": "no"}]})), call()),
        (
            answers(httpx.Response(400, json={"errors": [{"field": "X-Filter", "reason": "no"}]})),
            call(replace(GET_IMAGES, http="POST"), filter={"a": 1}),
        ),
    ],
)
def test_other_refusals_are_errors(handler: Handler, wanted: Call) -> None:
    held = Wire(handler)
    with pytest.raises(ApiError):
        held.pages(wanted)
    assert len(held.sent) == 1


# ---- lists that leave rows out where no credential is sent

BARE = replace(GET_IMAGES, bare={"is_public": True})
UNLISTED = "no credential was sent, so get_images lists only what has is_public = true"


def warned(wanted: Call, handler: Handler | None = None, **environ: str) -> list[tuple[str, ...]]:
    return [page.warnings for page in Wire(handler or listing(60), settings(environ)).pages(wanted)]


def test_a_list_without_a_credential_is_not_taken_for_all_there_is() -> None:
    told = (f"{UNLISTED}; set LINODE_TOKEN to see the others",)
    assert warned(call(BARE, page_size=25)) == [told, (), ()]
    assert warned(call(BARE, filter={"is_public": False})) == [told]
    assert warned(call(BARE, filter={"vendor": "x"}), refusing())[0][1:] == told


def test_nothing_is_left_out_where_a_credential_is_sent_or_the_rest_is_not_asked_for() -> None:
    assert warned(call(BARE), LINODE_TOKEN=TOKEN) == [()]
    assert warned(call(BARE, filter={"vendor": "x", "is_public": True})) == [()]


def test_no_variable_is_named_where_the_document_has_none() -> None:
    method = replace(BARE, auth=replace(BARE.auth, credentials=(Credential(ini="linode-cli"),)))
    assert warned(call(method)) == [(UNLISTED,)]


def test_a_filter_that_is_refused_later_is_an_error() -> None:
    """Pages of two kinds would be no answer to anything."""
    refused = httpx.Response(400, json={"errors": [{"field": "x-filter", "reason": "no"}]})
    held = Wire(listing(60, lambda number, page: refused if number == 2 else page))
    with pytest.raises(ApiError, match="page 2 of 3: HTTP 400: x-filter: no"):
        held.pages(call(filter={"vendor": "x"}, page_size=25))


# ---- bounds


def test_an_answer_that_is_too_large_is_an_error() -> None:
    held = wire(httpx.Response(200, content=b"x" * (2**20 + 1)))
    with pytest.raises(ResponseError) as raised:
        held.pages(READ)
    assert (raised.value.message, raised.value.hint) == ("the answer is larger than 1 MiB", "ask for smaller pages")
    assert len(held.sent) == 1


# ---- what it tells


def test_events_tell_what_happens() -> None:
    held = wire(DOWN, httpx.ReadError("x"), httpx.Response(200, json=image(1)))
    held.pages(READ)
    url = "GET https://api.linode.com/v4/images/private%2F1"
    assert [(event.kind, event.text.partition(" in ")[0], event.attempt) for event in held.events] == [
        ("request", url, 1),
        ("response", f"503 {url}", 1),
        ("wait", "waiting 0.2 s for a new attempt after: HTTP 503: Service Unavailable", 1),
        ("request", url, 2),
        ("response", f"NetworkError {url}", 2),
        ("wait", "waiting 0.5 s for a new attempt after: the connection to api.linode.com broke: x", 1),
        ("request", url, 3),
        ("response", f"200 {url}", 3),
        ("page", "page 1 of get_image: 1 rows", 1),
    ]
    assert {event.request for event in held.events if event.kind in ("request", "response")} == {url}
    assert [event.status for event in held.events if event.kind == "response"] == [503, None, 200]
    assert held.events[-2].bytes == len(httpx.Response(200, json=image(1)).content)


def test_pages_are_told_as_they_come() -> None:
    held = Wire(listing(60))
    held.pages(call(page_size=25))
    told = [event for event in held.events if event.kind == "page"]
    assert [(event.text, event.number, event.of, event.rows) for event in told] == [
        (f"page {number} of 3 of get_images: {rows} rows", number, 3, rows)
        for number, rows in ((1, 25), (2, 25), (3, 10))
    ]


def test_one_line_a_request_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    secretive = replace(
        GET_IMAGES, params=(*GET_IMAGES.params, replace(GET_IMAGES.params[0], name="sig", wire="sig"))
    )
    with caplog.at_level(logging.INFO, "engine.wire"):
        wire(DOWN, httpx.ReadError("x"), ONE).pages(READ)
        with pytest.raises(ResponseError):
            wire(ONE).pages(call(secretive, {"sig": 1234567}))
    lines = [record.getMessage() for record in caplog.records if record.name == "engine.wire"]
    assert [(line.split(" ms ")[0].rpartition(" ")[0], line[-9:]) for line in lines] == [
        ("GET /v4/images/private%2F1 503", "attempt 1"),
        ("GET /v4/images/private%2F1 NetworkError", "attempt 2"),
        ("GET /v4/images/private%2F1 200", "attempt 3"),
        ("GET /v4/images?*** 200", "attempt 1"),
    ]
    assert "1234567" not in caplog.text


def test_long_waits_are_told_aloud(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "engine.wire"):
        wire(DOWN, RAN, ONE).pages(READ)
    assert [record.getMessage() for record in caplog.records] == [
        "waiting 8 s for a new attempt after: HTTP 429: Too Many Requests"
    ]


def test_what_it_costs() -> None:
    held = Wire(listing(60))

    async def run() -> tuple[Cost, Cost, list[Page]]:
        async with held.client() as client:
            traffic = client.statement()
            pages = [page async for page in traffic.pages(call(page_size=25))]
            _ = [page async for page in client.pages(call(row_limit=1))]
            return traffic.cost, client.stats, pages

    cost, stats, pages = asyncio.run(run())
    assert sum((page.cost for page in pages), Cost()) == cost
    assert (cost.requests, cost.retries, stats.requests) == (3, 0, 4)
    assert stats.bytes > cost.bytes > 60 * 50


def test_what_takes_time() -> None:
    """The clock stands still but for the server's and the decoder's work."""
    time = Time()

    def slow(_: httpx.Request) -> httpx.Response:
        time.seconds += 2
        return ONE

    (page,) = Wire(slow, settings(), time).pages(READ)
    assert page.cost == Cost(requests=1, bytes=len(ONE.content), network=2)


def test_a_failure_costs_too() -> None:
    held = wire(DOWN)

    async def run() -> Cost:
        async with held.client() as client:
            traffic = client.statement()
            with pytest.raises(ApiError):
                _ = [page async for page in traffic.pages(READ)]
            return traffic.cost

    cost = asyncio.run(run())
    assert (cost.requests, cost.retries, cost.waited) == (5, 4, 3.75)


# ---- credentials


def test_a_credential_is_looked_up_once(tmp_path: Path) -> None:
    file = tmp_path / "linode-cli"
    file.write_text(f"[me]\ntoken = {TOKEN}\n")
    held = Wire(listing(60), settings({"XDG_CONFIG_HOME": str(tmp_path)}))

    async def run() -> None:
        async with held.client() as client:
            traffic = client.pages(call(page_size=25))
            await anext(traffic)
            file.unlink()
            _ = [page async for page in traffic]

    asyncio.run(run())
    assert {request.headers["authorization"] for request in held.sent} == {f"Bearer {TOKEN}"}
    assert len(held.sent) == 3


def test_a_foreign_address_never_sees_it() -> None:
    held = wire(ONE, token=TOKEN)

    async def run() -> None:
        async with held.client() as client:
            foreign = Request("PUT", "https://objects.example/upload?sig=x", (), b"data")
            home = "https://api.linode.com:443"
            with pytest.raises(CredentialError, match=r"https://objects\.example:443 must not see the credential"):
                await client.statement().send(READ, foreign, lambda reply, _: reply, home=home)
            bare = call(replace(GET_IMAGE, auth=Auth()), {"imageId": "x"})
            reply, cost = await client.statement().send(bare, foreign, lambda reply, _: reply, home=home)
            assert (reply.status, cost.requests) == (200, 1)

    asyncio.run(run())
    assert [str(request.url) for request in held.sent] == ["https://objects.example/upload?sig=x"]
    assert "authorization" not in held.sent[0].headers


def test_a_public_read_goes_bare() -> None:
    held = wire(ONE)
    held.pages(READ)
    assert "authorization" not in held.sent[0].headers


def test_a_client_can_be_closed_twice_and_belongs_to_whoever_opens_it() -> None:
    async def run() -> None:
        client = Client(settings())
        await client.aclose()
        await client.aclose()

    asyncio.run(run())


# ---- no secret in anything that can be read


PAGES = call(filter={"vendor": "x"}, page_size=25)
ECHO = f"you sent Bearer {TOKEN} ({TOKEN})"
ANSWERS: list[httpx.Response | Exception] = [
    *(httpx.Response(status, text=ECHO) for status in (400, 401, 403, 404, 408, 422, 429, 500, 502, 503, 504)),
    *(httpx.Response(status, json={"errors": [{"reason": ECHO, "field": ECHO}]}) for status in (400, 401, 500)),
    httpx.Response(401, headers={"X-OAuth-Scopes": "unknown"}),
    httpx.Response(401, headers={"X-OAuth-Scopes": "a", "X-Accepted-OAuth-Scopes": "b"}),
    httpx.Response(302, headers={"Location": f"https://x.example/?{TOKEN}"}),
    httpx.Response(302, headers={"Location": f"https://{TOKEN}@x.example/"}),
    httpx.Response(200, html=f"<html>{ECHO}"),
    httpx.Response(200, text=ECHO),
    httpx.Response(200, json={"message": ECHO}),
    httpx.Response(200, json={"data": [], "page": TOKEN, "pages": TOKEN, "next": TOKEN}),
    httpx.ReadError(ECHO),
    httpx.ConnectError(ECHO),
    httpx.ProxyError(ECHO),
    httpx.LocalProtocolError(ECHO),
    httpx.RemoteProtocolError(ECHO),
]
LEAKY: list[tuple[Handler, Call]] = [
    *((answers(reply), wanted) for wanted in (READ, WRITE, PAGES) for reply in ANSWERS),
    (listing(100, lambda number, page: page if number < 3 else httpx.Response(500, text=ECHO)), PAGES),
    (listing(100, lambda number, page: page if number < 3 else page | {"page": TOKEN}), PAGES),
    (listing(100, lambda _, page: page | {"warnings": [{"title": ECHO, "details": ECHO}]}), PAGES),
]
WAYS: list[Auth] = [
    AUTH,
    Auth(type="api_key", name="key", location="query", credentials=AUTH.credentials),
    Auth(type="custom", name="X-Key", prefix="Key ", credentials=AUTH.credentials),
    Auth(type="basic", credentials=AUTH.credentials, username=Credential(env="ME")),
]


@pytest.mark.parametrize("auth", WAYS, ids=lambda auth: auth.type)
def test_no_secret_leaks(auth: Auth, caplog: pytest.LogCaptureFixture) -> None:
    """Every way of going wrong, with a sentinel for the token: no message, fact, event, log or repr holds it."""
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    for handler, wanted in LEAKY:
        held = Wire(handler, settings({"LINODE_TOKEN": TOKEN, "ME": "me"}))
        method = replace(wanted.method, auth=auth)
        asked = call(method, wanted.args, filter=wanted.filter, page_size=wanted.page_size)
        try:
            seen += [repr((page.warnings, page.cost)) for page in held.pages(asked)]
        except CallError as error:
            chain: BaseException | None = error
            while chain is not None:
                seen += [str(chain), repr(chain), repr(vars(chain))]
                chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
        assert any(TOKEN in str(request.url) or TOKEN in str(request.headers.raw) for request in held.sent) or (
            auth.type == "basic"
        )
        seen += map(repr, held.events)
        seen.append(
            repr(
                asyncio.run(
                    held.client().statement().grant(asked, "https://api.linode.com/", "https://api.linode.com:443")
                )
            )
        )
    assert len(seen) > 300
    assert [text for text in seen if TOKEN in text] == []
    assert TOKEN not in caplog.text


def test_a_key_in_the_query_stays_out_of_the_errors_address() -> None:
    keyed = replace(GET_IMAGE, auth=WAYS[1], server=Server(url="https://api.linode.com"), params=GET_IMAGE.params[:1])
    held = wire(httpx.Response(404), token=TOKEN)
    with pytest.raises(ApiError) as raised:
        held.pages(call(keyed, {"imageId": "x"}))
    assert held.targets == [f"/images/x?key={TOKEN}"]
    assert raised.value.request == "GET https://api.linode.com/images/x"

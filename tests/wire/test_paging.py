"""How lists are walked: every page, in order, side by side where that can be; or an error that names the page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.errors import ApiError, Refused, ResponseError, StratoqlError
from engine.wire.call import Call
from engine.wire.client import Client
from provider_registry.model import Method, Param
from provider_registry.protocol import Limit, PageSize, Paging
from tests.wire.methods import (
    ENVELOPE,
    GET_IMAGES,
    NUMBERED,
    Handler,
    Time,
    Wire,
    answers,
    call,
    chained,
    image,
    listing,
    settings,
)

Envelope = dict[str, Any]


def labels(wire: Wire, wanted: Call) -> list[str]:
    return [row[0] for page in wire.pages(wanted) for row in page.rows]


def numbers(wire: Wire) -> list[int]:
    """The pages that were asked for."""
    return [int(request.url.params["page"]) for request in wire.sent]


def named(count: int) -> list[str]:
    return [f"private/{number}" for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 25, 26, 99, 100, 1234])
@pytest.mark.parametrize("size", [25, 500])
@pytest.mark.parametrize("concurrency", [1, 16])
def test_every_page_once_and_in_order(count: int, size: int, concurrency: int) -> None:
    wire = Wire(listing(count), settings(concurrency=concurrency))
    pages = wire.pages(call(page_size=size))
    assert [row[0] for page in pages for row in page.rows] == named(count)
    assert [page.number for page in pages] == list(range(1, max(1, -(-count // size)) + 1))
    assert {(page.total, page.pages) for page in pages} == {(count, -(-count // size))}
    assert sorted(numbers(wire)) == [page.number for page in pages]
    assert sum(page.cost.requests for page in pages) == len(wire.sent)


EMPTY: list[Envelope] = [
    {"data": [], "page": 1, "pages": 1, "results": 0},
    {"data": [], "page": 1, "pages": 0, "results": 0},
    {"data": [], "page": 0, "pages": 0, "results": 0},
]


@pytest.mark.parametrize("envelope", EMPTY)
def test_an_empty_list_has_three_shapes(envelope: Envelope) -> None:
    wire = Wire(answers(httpx.Response(200, json=envelope)))
    (page,) = wire.pages(call())
    assert (page.number, page.rows, page.total, page.warnings) == (1, [], 0, ())
    assert len(wire.sent) == 1


def test_pages_leave_together_and_wait_for_their_turn() -> None:
    """Answers come in the order 1, 4, 3, 2: rows keep the order of the pages."""
    released: list[int] = []

    async def run() -> tuple[list[int], int]:
        gates = {number: asyncio.Event() for number in range(1, 5)}
        gates[1].set()
        base = listing(100)

        class Slow(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                number = int(request.url.params["page"])
                under_way.add(number)
                if under_way == {1, 2, 3, 4}:
                    gates[4].set()
                await gates[number].wait()
                released.append(number)
                gates.get(number - 1, asyncio.Event()).set()
                return base(request)

        under_way: set[int] = set()
        async with Client(settings(concurrency=4), Slow()) as client:
            return [page.number async for page in client.pages(call(page_size=25))], len(under_way)

    found, peak = asyncio.run(run())
    assert found == [1, 2, 3, 4]
    assert released == [1, 4, 3, 2]
    assert peak == 4


def test_the_look_ahead_is_bounded() -> None:
    """With the consumer standing still, only so many pages are fetched: memory does not grow with the list."""

    async def run() -> tuple[int, int]:
        wire = Wire(listing(2500), settings(concurrency=3))
        async with wire.client() as client:
            pages = client.pages(call(page_size=25))
            await anext(pages)
            await anext(pages)
            for _ in range(200):
                await asyncio.sleep(0)
            standing = len(wire.sent)
            await pages.aclose()
            for _ in range(200):
                await asyncio.sleep(0)
            return standing, len(wire.sent)

    standing, after = asyncio.run(run())
    assert standing <= 2 + 2 * 3
    assert after == standing


def test_no_more_in_flight_than_allowed() -> None:
    async def run(concurrency: int) -> int:
        now = peak = 0
        base = listing(1000)

        class Counting(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                nonlocal now, peak
                now += 1
                peak = max(peak, now)
                await asyncio.sleep(0)
                now -= 1
                return base(request)

        async with Client(settings(concurrency=concurrency), Counting()) as client:

            async def scan() -> None:
                assert sum([len(page.rows) async for page in client.pages(call(page_size=25))]) == 1000

            await asyncio.gather(scan(), scan(), scan())
        return peak

    assert [asyncio.run(run(concurrency)) for concurrency in (1, 5)] == [1, 5]


PINNED: list[tuple[dict[str, Any], int, list[str]]] = [
    ({"page": "2", "page_size": "25"}, 2, named(50)[25:]),
    ({"page": 1, "page_size": 25}, 1, named(25)),
    ({"page": 9, "page_size": 25}, 9, []),
    ({"page": 2.0, "page_size": 25}, 2, named(50)[25:]),
]


@pytest.mark.parametrize(("args", "number", "found"), PINNED)
def test_a_page_that_is_named_is_read_alone(args: dict[str, Any], number: int, found: list[str]) -> None:
    wire = Wire(listing(60))
    (page,) = wire.pages(call(args=args))
    assert (page.number, [row[0] for row in page.rows], page.total, page.pages) == (number, found, 60, 3)
    assert len(wire.sent) == 1


def test_a_page_named_in_words_is_read_as_it_is() -> None:
    words = replace(GET_IMAGES, params=(Param(name="page", wire="page", location="query"),))
    wire = Wire(answers(httpx.Response(200, json={"data": [], "page": 5, "pages": 1, "results": 0})))
    (page,) = wire.pages(call(words, {"page": "last"}))
    assert (page.number, wire.targets) == (1, ["/v4/images?page=last&page_size=500"])


LIMITED: list[tuple[int, int, int, list[str]]] = [  # rows there are, wanted, of each page; requests
    (1000, 10, 25, ["page=1"]),
    (1000, 25, 25, ["page=1"]),
    (1000, 26, 26, ["page=1"]),
    (1000, 501, 500, ["page=1", "page=2"]),
    (2000, 1500, 500, ["page=1", "page=2", "page=3"]),
    (10, 500, 500, ["page=1"]),
    (1000, 0, 25, ["page=1"]),
]


@pytest.mark.parametrize(("count", "limit", "size", "asked"), LIMITED)
def test_a_row_limit_asks_for_no_more_than_it_needs(count: int, limit: int, size: int, asked: list[str]) -> None:
    wire = Wire(listing(count))
    found = labels(wire, call(row_limit=limit))
    assert found[:limit] == named(count)[:limit]
    assert sorted(wire.targets) == [f"/v4/images?{page}&page_size={size}" for page in asked]


def test_a_row_limit_goes_on_where_pages_came_short() -> None:
    def short(number: int, page: Envelope) -> Envelope:
        return page | {"data": page["data"][: 10 if number < 4 else 25]}

    wire = Wire(listing(100, short))
    assert len(labels(wire, call(row_limit=50, args={"page_size": 25}))) == 55
    assert sorted(numbers(wire)) == [1, 2, 3, 4]


def test_the_envelope_is_one_row_a_page() -> None:
    wire = Wire(listing(60))
    pages = wire.pages(call(rows=None, columns=ENVELOPE, page_size=25))
    assert [row[1:] for page in pages for row in page.rows] == [(1, 3, 60), (2, 3, 60), (3, 3, 60)]
    wire = Wire(listing(60))
    pages = wire.pages(call(rows=None, columns=ENVELOPE, page_size=25, row_limit=2))
    assert [row[1:] for page in pages for row in page.rows] == [(1, 3, 60), (2, 3, 60)]
    assert sorted(numbers(wire)) == [1, 2]


def test_a_list_that_grows_is_read_to_its_new_end() -> None:
    def grow(number: int, page: Envelope) -> Envelope:
        if number == 1:
            return page | {"pages": 2, "results": 50}
        return page

    wire = Wire(listing(100, grow))
    pages = wire.pages(call(page_size=25))
    assert [row[0] for page in pages for row in page.rows] == named(100)
    assert [page.warnings for page in pages] == [
        (),
        (
            "get_images changed while it was read: page 1 counts 50 rows on 2 pages, page 2 100 rows on 4 pages; "
            "rows may be missing or double",
        ),
        (),
        (),
    ]


def test_a_list_that_shrinks_is_a_warning() -> None:
    def shrink(number: int, page: Envelope) -> Envelope:
        if number >= 3:
            return {"data": [], "page": number, "pages": 2, "results": 50}
        return page

    wire = Wire(listing(100, shrink))
    pages = wire.pages(call(page_size=25))
    assert [len(page.rows) for page in pages] == [25, 25, 0, 0]
    assert [len(page.warnings) for page in pages] == [0, 0, 1, 0]


def test_a_list_that_vanishes_is_a_warning() -> None:
    def vanish(number: int, page: Envelope) -> Envelope:
        return page if number == 1 else {"data": [], "page": 0, "pages": 0, "results": 0}

    pages = Wire(listing(50, vanish)).pages(call(page_size=25))
    assert [len(page.rows) for page in pages] == [25, 0]
    assert "page 2 0 rows on 0 pages" in pages[1].warnings[0]


LIES: list[tuple[str, int, Envelope, str]] = [
    ("another page", 1, {"page": 2}, "page 1 was asked for, and page 2 came"),
    ("another page later", 3, {"page": 1}, "page 3 was asked for, and page 1 came"),
    ("page 0 of some", 1, {"page": 0}, "page 1 was asked for, and page 0 came"),
    ("a negative page", 1, {"page": -1}, "$.page should be a count, and is -1"),
    ("no pages", 1, {"pages": None}, "the answer does not say how many pages there are, in $.pages"),
    ("no pages later", 2, {"pages": None}, "the answer does not say how many pages there are"),
    ("negative pages", 1, {"pages": -3}, "$.pages should be a count, and is -3"),
    ("pages in words", 1, {"pages": "many"}, "$.pages should be a count, and is 'many'"),
    ("true pages", 1, {"pages": True}, "$.pages should be a count, and is true"),
    ("half a page", 1, {"pages": 1.5}, "$.pages should be a count, and is 1.5"),
    ("pages beyond measure", 1, {"pages": 10**30}, "$.pages should be a count, and is '1000000"),
    ("rows on no pages", 1, {"pages": 0}, "page 1 has 25 rows, and says that there are 0 pages"),
    ("a negative total", 1, {"results": -1}, "$.results should be a count, and is -1"),
    ("a total in words", 2, {"results": "x"}, "$.results should be a count, and is 'x'"),
    ("an empty first page", 1, {"data": []}, "page 1 of 4 is empty"),
    ("an empty page", 2, {"data": []}, "page 2 of 4 is empty"),
    ("an empty last page", 4, {"data": []}, "page 4 of 4 is empty"),
    ("too few rows", 2, {"data": [image(1)]}, "the list counts 100 rows and gave 76"),
    ("fewer pages than rows", 1, {"pages": 1}, "the list counts 100 rows and gave 25"),
]


@pytest.mark.parametrize(("on", "change", "message"), [lie[1:] for lie in LIES], ids=[lie[0] for lie in LIES])
def test_a_list_that_contradicts_itself_is_an_error(on: int, change: Envelope, message: str) -> None:
    wire = Wire(listing(100, lambda number, page: page | change if number == on else page))
    with pytest.raises(ResponseError) as raised:
        wire.pages(call(page_size=25))
    assert message in raised.value.message
    assert raised.value.request.startswith("GET https://api.linode.com/v4/images?page=")
    assert raised.value.hint is not None
    assert len(wire.sent) <= 4


COUNTS: list[Any] = [None, 0, 1, 2, 3, 4, 5, 60, -1, 1.5, True, "3", "x", "", [], 10**12, 10**30]
NUMBERS = st.sampled_from(COUNTS)
PATCH = st.fixed_dictionaries({}, optional={"page": NUMBERS, "pages": NUMBERS})


@hypothesis.settings(deadline=None)
@given(st.integers(1, 4), PATCH, st.floats(0, 1), st.sampled_from([24, 25, 26, 60, 100]))
def test_whatever_one_page_says_it_is_never_less_without_a_word(
    on: int, patch: Envelope, kept: float, count: int
) -> None:
    """Whatever it lacks and whatever pages it speaks of: the whole right answer, an error, or a warning."""

    def change(number: int, page: Envelope) -> Envelope:
        if number != on:
            return page
        return page | {"data": page["data"][: round(len(page["data"]) * kept)]} | patch

    try:
        pages = Wire(listing(count, change)).pages(call(page_size=25))
    except (ResponseError, Refused):
        return
    found = [row[0] for page in pages for row in page.rows]
    assert found == named(count) or any(page.warnings for page in pages)


def test_one_page_that_counts_more_than_it_has() -> None:
    for envelope in (
        {"data": [], "page": 1, "pages": 1, "results": 5},
        {"data": [image(1)], "page": 1, "pages": 1, "results": 5},
    ):
        with pytest.raises(ResponseError, match=r"page 1 of 1 is empty|the list counts 5 rows and gave 1"):
            Wire(answers(httpx.Response(200, json=envelope))).pages(call())


def test_numbers_as_text_are_numbers() -> None:
    as_text = listing(60, lambda _, page: {k: str(v) if isinstance(v, int) else v for k, v in page.items()})
    assert labels(Wire(as_text), call(page_size=25)) == named(60)


def test_a_list_that_does_not_tell_its_page_is_read() -> None:
    silent = listing(60, lambda _, page: {k: v for k, v in page.items() if k in ("data", "pages")})
    assert labels(Wire(silent), call(page_size=25)) == named(60)


def test_a_plan_beyond_the_requests_allowed_is_refused_before_it_is_sent() -> None:
    wire = Wire(listing(100), settings(max_requests=3))
    with pytest.raises(Refused) as raised:
        wire.pages(call(page_size=25))
    assert raised.value.message == "this would send 4 requests (4 pages in all), more than the 3 allowed"
    assert raised.value.hint == "narrow the WHERE, or allow them: --max-requests 4"
    assert len(wire.sent) == 1
    wire = Wire(listing(100, lambda _, page: page | {"pages": 10**9}))
    with pytest.raises(Refused, match="this would send 1000000000 requests"):
        wire.pages(call(page_size=25))
    assert len(wire.sent) == 1
    assert len(labels(Wire(listing(100), settings(max_requests=3)), call(page_size=25, row_limit=75))) == 75
    assert len(labels(Wire(listing(100), settings(max_requests=4)), call(page_size=25))) == 100


@pytest.mark.parametrize("page", [1, 2, 4])
def test_a_page_that_cannot_be_had_is_named(page: int) -> None:
    broken = listing(100, lambda number, held: httpx.Response(403) if number == page else held)
    with pytest.raises(ApiError) as raised:
        Wire(broken).pages(call(page_size=25))
    assert raised.value.message == ("" if page == 1 else f"page {page} of 4: ") + "HTTP 403: Forbidden"
    assert str(raised.value) == raised.value.message
    assert f"page={page}&" in raised.value.request


# ---- without a word on how many pages there are


UNTOLD = replace(NUMBERED, terminator_key=None, total_key=None)


@pytest.mark.parametrize(
    ("count", "paging", "asked"),
    [
        (60, UNTOLD, [1, 2, 3]),
        (50, UNTOLD, [1, 2, 3]),
        (0, UNTOLD, [1]),
        (150, replace(UNTOLD, size=None), [1, 2, 3]),
    ],
)
def test_without_a_count_the_page_that_is_not_full_is_the_last(count: int, paging: Paging, asked: list[int]) -> None:
    wire = Wire(listing(count))
    assert labels(wire, call(replace(GET_IMAGES, paging=paging), page_size=25)) == named(count)
    assert numbers(wire) == asked


def test_a_row_limit_without_a_count() -> None:
    for paging in (UNTOLD, replace(UNTOLD, size=None)):
        wire = Wire(listing(1000))
        assert len(labels(wire, call(replace(GET_IMAGES, paging=paging), row_limit=150))) >= 150
        assert len(wire.sent) <= 2


def test_a_total_without_a_count_of_pages() -> None:
    paging = replace(UNTOLD, total_key="$.results")
    grows = listing(60, lambda number, page: page | {"results": 60 + number})
    pages = Wire(grows).pages(call(replace(GET_IMAGES, paging=paging), page_size=25))
    assert pages[1].warnings == (
        "get_images changed while it was read: page 1 counts 61 rows, page 2 62 rows; rows may be missing or double",
    )


def test_a_list_without_an_end_is_stopped() -> None:
    endless = answers(httpx.Response(200, json={"data": [image(n) for n in range(25)]}))
    wire = Wire(endless, settings(max_requests=5))
    with pytest.raises(Refused, match="this would send 6 requests"):
        wire.pages(call(replace(GET_IMAGES, paging=UNTOLD), page_size=25))
    assert len(wire.sent) == 5


def test_an_unknown_number_of_pages_in_an_error() -> None:
    broken = listing(100, lambda number, held: httpx.Response(403) if number == 2 else held)
    with pytest.raises(ApiError, match="page 2 of an unknown number: HTTP 403: Forbidden"):
        Wire(broken).pages(call(replace(GET_IMAGES, paging=UNTOLD), page_size=25))


# ---- lists whose pages name the next one


def chain(tell: Callable[[int], tuple[Envelope, dict[str, str]]], seen: str = "pageToken") -> Handler:
    """Pages of two rows each; `tell` gives what page n says of the next one, in body and headers."""

    def handler(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get(seen) or request.headers.get(seen) or 1)
        body, headers = tell(number)
        data = [image(2 * number), image(2 * number + 1)]
        return httpx.Response(200, content=json.dumps({"data": data, **body}), headers=headers)

    return handler


def next_link(number: int, last: int = 3) -> str:
    if number == last:
        return '<https://api.linode.com/v4/images?pageToken=1>; rel="first"'
    return (
        f'<https://api.linode.com/v4/images?pageToken=1>; rel="first", '
        f'<https://api.linode.com/v4/images?pageToken={number + 1}&a=%2F>; title="x, y"; rel="x next", <x>; rel=last'
    )


CHAINS: list[tuple[Method, Callable[[int], tuple[Envelope, dict[str, str]]]]] = [
    (chained("token", "$.next"), lambda n: ({"next": str(n + 1) if n < 3 else ""}, {})),
    (chained("token", "$.next"), lambda n: ({"next": n + 1} if n < 3 else {}, {})),
    (chained("token", "$.next"), lambda n: ({"next": n + 1 if n < 3 else False}, {})),
    (chained("token", "$.meta.next"), lambda n: ({"meta": {"next": str(n + 1) if n < 3 else None}}, {})),
    (
        chained("token", "X-Next", response_location="header", request_location="header"),
        lambda n: ({}, {"x-next": str(n + 1)} if n < 3 else {}),
    ),
    (chained("link_header", "Link"), lambda n: ({}, {"Link": next_link(n)})),
    (chained("link_header", "Link"), lambda n: ({}, {"Link": f"<?pageToken={n + 1}>;rel=next"} if n < 3 else {})),
    (
        chained("next_url", "$.next"),
        lambda n: ({"next": f"https://API.linode.com:443/v4/images?pageToken={n + 1}#x" if n < 3 else None}, {}),
    ),
    (chained("next_url", "$.next"), lambda n: ({"next": f"?pageToken={n + 1}&q=a b é" if n < 3 else ""}, {})),
    (
        chained("next_url", "X-Next", response_location="header"),
        lambda n: ({}, {"X-Next": f"/v4/images?pageToken={n + 1}"} if n < 3 else {}),
    ),
]


@pytest.mark.parametrize(("method", "tell"), CHAINS)
def test_pages_that_name_the_next_one(method: Method, tell: Callable[[int], tuple[Envelope, dict[str, str]]]) -> None:
    wire = Wire(chain(tell))
    pages = wire.pages(call(method))
    assert [row[0] for page in pages for row in page.rows] == [f"private/{n}" for n in range(2, 8)]
    assert [page.number for page in pages] == [1, 2, 3]
    assert len(wire.sent) == 3
    assert {page.pages for page in pages} == {None}


def test_a_chain_keeps_what_was_asked() -> None:
    method = replace(
        chained("token", "$.next", size=PageSize(key="limit", minimum=1, maximum=100)),
        params=(Param(name="q", wire="q", location="query"), Param(name="limit", wire="limit", location="query")),
    )
    wire = Wire(chain(lambda n: ({"next": str(n + 1) if n < 3 else None}, {})))
    wire.pages(call(method, {"q": "a b"}, page_size=50))
    assert wire.targets == [
        "/v4/images?q=a%20b&limit=50",
        "/v4/images?q=a%20b&pageToken=2&limit=50",
        "/v4/images?q=a%20b&pageToken=3&limit=50",
    ]


def test_a_row_limit_ends_a_chain() -> None:
    wire = Wire(chain(lambda n: ({"next": str(n + 1)}, {})))
    assert len(labels(wire, call(chained("token", "$.next"), row_limit=3))) == 4
    assert len(wire.sent) == 2


def test_a_token_that_is_named_is_read_alone() -> None:
    wire = Wire(chain(lambda n: ({"next": str(n + 1)}, {})))
    assert len(labels(wire, call(chained("token", "$.next"), {"pageToken": "2"}))) == 2
    assert len(wire.sent) == 1


BROKEN: list[tuple[Method, Envelope, type[StratoqlError], str]] = [
    (chained("token", "$.next"), {"next": True}, ResponseError, "$.next should name the next page, and is true"),
    (chained("token", "$.next"), {"next": 1.5}, ResponseError, "$.next should name the next page, and is 1.5"),
    (chained("token", "$.next"), {"next": "2"}, ResponseError,
     "page 2 names one that came before as the next: the list goes in a circle"),
    (chained("next_url", "$.next"), {"next": "/v4/images"}, ResponseError, "page 1 names one that came before"),
    (chained("next_url", "$.next"), {"next": "https://api.linode.com/v4/images#top"}, ResponseError, "in a circle"),
    (chained("next_url", "$.next"), {"next": "https://evil.example/v4?token=x"}, ResponseError,
     "the next page is on https://evil.example:443, not on https://api.linode.com:443: it is not asked"),
    (chained("next_url", "$.next"), {"next": "http://api.linode.com/v4"}, ResponseError, "is on http://api.linode.com:80"),
    (chained("next_url", "$.next"), {"next": "//evil.example/"}, ResponseError, "is on https://evil.example:443"),
    (chained("next_url", "$.next"), {"next": "https://me:x@api.linode.com/v4"}, ResponseError, "it is not asked"),
    (chained("next_url", "$.next"), {"next": "https://api.linode.com:x/"}, ResponseError, "next page is none"),
    (chained("next_url", "$.next"), {"next": "https://[::1"}, ResponseError, "next page is none"),
    (chained("next_url", "$.next"), {"next": "file:///etc/passwd"}, ResponseError, "is on file://:0"),
    (chained("next_url", "$.next"), {"next": "\\\\evil.example\\x"}, Refused, "this would send 6 requests"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "told", "kind", "message"), BROKEN)
def test_a_chain_that_leads_astray(method: Method, told: Envelope, kind: type[StratoqlError], message: str) -> None:
    count = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal count
        count += 1
        assert request.url.host == "api.linode.com"
        more = {"next": f"\\x{count}"} if "\\" in str(told["next"]) else told
        return httpx.Response(200, json={"data": [image(1)], **more})

    wire = Wire(handler, settings(max_requests=5, token="abcdef"))
    with pytest.raises(kind) as raised:
        wire.pages(call(method))
    assert message in raised.value.message


def test_a_link_to_another_host() -> None:
    wire = Wire(chain(lambda _: ({}, {"Link": '<https://evil.example/>; rel="next"'})))
    with pytest.raises(ResponseError, match=r"the next page is on https://evil\.example:443"):
        wire.pages(call(chained("link_header", "Link")))


@pytest.mark.parametrize("link", ["", "nonsense", "<x>", '<x>; rel="prev"', "<x>; title=next", "<x>; rel"])
def test_links_that_lead_nowhere(link: str) -> None:
    wire = Wire(chain(lambda _: ({}, {"Link": link})))
    assert len(wire.pages(call(chained("link_header", "Link")))) == 1


def test_a_broken_link_of_a_chain_is_named() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if "pageToken" in request.url.params:
            return httpx.Response(403)
        return httpx.Response(200, json={"data": [], "next": "2"})

    with pytest.raises(ApiError, match=r"^page 2: HTTP 403: Forbidden$"):
        Wire(handler).pages(call(chained("token", "$.next")))
    with pytest.raises(ApiError, match=r"^HTTP 403: Forbidden$"):
        Wire(answers(httpx.Response(403))).pages(call(chained("token", "$.next")))


def test_a_chain_without_an_end_is_stopped() -> None:
    wire = Wire(chain(lambda n: ({"next": str(n + 1)}, {})), settings(max_requests=5))
    with pytest.raises(Refused, match="this would send 6 requests, more than the 5 allowed"):
        wire.pages(call(chained("token", "$.next")))
    assert len(wire.sent) == 5


def test_pages_wait_for_the_rate_limit() -> None:
    time = Time()
    limited = replace(GET_IMAGES, limit=Limit(name="images", requests=20, seconds=60))
    wire = Wire(listing(1000), settings(), time)
    assert len(labels(wire, call(limited, page_size=25))) == 1000
    assert time.seconds - 1000 == pytest.approx(60)


# ---- a list that shifts while it is read


def shifted(by: int, *, grows: bool) -> Handler:
    """A list of 60 before which `by` rows appear while page 1 is on its way; `grows`: the later pages count them."""

    def shift(number: int, page: Envelope) -> Envelope:
        if number == 1:
            return page
        start = (number - 1) * 25 - by
        end = min(number * 25 - by, 60)
        counted = {"results": 60 + by} if grows else {}
        return page | {"data": [image(n) for n in range(start, end)], **counted}

    return listing(60, shift)


KEYED = call(key=("id",), page_size=25)


def test_a_row_that_a_shift_brings_again_is_there_once() -> None:
    pages = Wire(shifted(3, grows=True)).pages(KEYED)
    assert [row[0] for page in pages for row in page.rows] == named(60)
    assert [page.repeated for page in pages] == [0, 3, 0]
    assert [page.warnings for page in pages] == [
        (),
        (
            "get_images changed while it was read: page 1 counts 60 rows on 3 pages, page 2 63 rows on 3 pages; "
            "rows may be missing",
        ),
        (),
    ]


def test_a_shift_that_no_count_shows_is_a_warning_too() -> None:
    pages = Wire(shifted(2, grows=False)).pages(KEYED)
    assert [row[0] for page in pages for row in page.rows] == named(60)
    assert [page.warnings for page in pages] == [
        (),
        ("get_images changed while it was read: 2 rows of page 2 had come before; rows may be missing",),
        (),
    ]


def test_without_a_key_nothing_is_left_out() -> None:
    pages = Wire(shifted(3, grows=True)).pages(call(page_size=25))
    assert sum(len(page.rows) for page in pages) == 63
    assert "rows may be missing or double" in pages[1].warnings[0]


def test_a_row_limit_counts_each_row_once() -> None:
    wire = Wire(shifted(10, grows=True))
    found = labels(wire, call(key=("id",), args={"page_size": 25}, row_limit=50))
    assert found[:50] == named(60)[:50]
    assert sorted(numbers(wire)) == [1, 2, 3]


def test_rows_without_a_key_are_all_kept() -> None:
    nameless = listing(60, lambda _, page: page | {"data": [row | {"id": None} for row in page["data"]]})
    pages = Wire(nameless).pages(KEYED)
    assert sum(len(page.rows) for page in pages) == 60
    assert all(not page.warnings for page in pages)


def test_a_key_of_several_columns() -> None:
    same = listing(60, lambda _, page: page | {"data": [row | {"id": "same"} for row in page["data"]]})
    assert sum(len(page.rows) for page in Wire(same).pages(call(key=("id", "size"), page_size=25))) == 60
    pages = Wire(shifted(3, grows=False)).pages(call(key=("id", "size"), page_size=25))
    assert [page.repeated for page in pages] == [0, 3, 0]


def test_a_chain_of_pages_that_shifts() -> None:
    replies = [
        {"items": [image(1), image(2)], "next": "b"},
        {"items": [image(2), image(3)], "next": "c"},
        {"items": [image(3), image(4)]},
    ]
    method = replace(chained("token", "$.next"), response=replace(GET_IMAGES.response, rows="$.items"))
    wire = Wire(answers(*(httpx.Response(200, json=reply) for reply in replies)))
    pages = wire.pages(call(method, key=("id",)))
    assert [row[0] for page in pages for row in page.rows] == ["private/1", "private/2", "private/3", "private/4"]
    assert [page.warnings for page in pages] == [
        (),
        ("get_images changed while it was read: 1 row of page 2 had come before; rows may be missing",),
        (),
    ]

"""Lists that are walked by the number of rows to skip: every row once, or an error, or a warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from engine.errors import ApiError, ResponseError
from engine.wire.call import Page
from provider_registry.model import Method, Param
from provider_registry.protocol import PageSize, Paging
from tests.wire.methods import GET_IMAGES, Handler, Wire, answers, call, image

OFFSET = Param(name="skip", wire="skip", location="query")
LIMIT = Param(name="limit", wire="limit", location="query")
BARE = Paging(algorithm="offset", request_key="skip")
SIZED = replace(BARE, size=PageSize(key="limit", maximum=10))
COUNTED = replace(SIZED, total_key="$.results")


def listed(paging: Paging) -> Method:
    return replace(GET_IMAGES, params=(OFFSET, LIMIT), paging=paging, filtering=None)


def skipping(count: int, change: Callable[[int, dict[str, Any]], dict[str, Any]] = lambda _, page: page) -> Handler:
    """A list of `count` images, ten at a time; `change` gets what is skipped, and the answer."""

    def handler(request: httpx.Request) -> httpx.Response:
        skip, size = (int(request.url.params.get(name, default)) for name, default in (("skip", 0), ("limit", 10)))
        page = {"data": [image(n) for n in range(count)[skip : skip + size]], "results": count}
        return httpx.Response(200, json=change(skip, page))

    return handler


def ids(pages: list[Page]) -> list[str]:
    return [row[0] for page in pages for row in page.rows]


@pytest.mark.parametrize("count", [0, 9, 10, 11, 35, 40])
@pytest.mark.parametrize("paging", [BARE, SIZED, COUNTED])
def test_every_row_once(count: int, paging: Paging) -> None:
    wire = Wire(skipping(count))
    pages = wire.pages(call(listed(paging)))
    assert ids(pages) == [f"private/{n}" for n in range(count)]
    asked = [int(request.url.params.get("skip", 0)) for request in wire.sent]
    assert asked == list(range(0, 10 * len(asked), 10)) or asked[:-1] == list(range(0, count, 10))
    if paging is COUNTED:
        assert len(asked) == max(1, -(-count // 10))


def test_a_row_limit_ends_it() -> None:
    wire = Wire(skipping(100))
    assert len(ids(wire.pages(call(listed(BARE), row_limit=15)))) == 20
    assert len(wire.sent) == 2


def test_an_offset_that_is_named_is_read_alone() -> None:
    wire = Wire(skipping(100))
    assert ids(wire.pages(call(listed(COUNTED), {"skip": 30})))[:1] == ["private/30"]
    assert len(wire.sent) == 1


def test_a_list_that_gives_less_than_it_counts_is_an_error() -> None:
    def short(skip: int, page: dict[str, Any]) -> dict[str, Any]:
        return page if skip < 20 else {**page, "data": []}

    with pytest.raises(ResponseError, match="the list counts 35 rows and gave 20"):
        Wire(skipping(35, short)).pages(call(listed(COUNTED)))


def test_a_list_that_changes_is_a_warning() -> None:
    def grown(skip: int, page: dict[str, Any]) -> dict[str, Any]:
        return page if skip == 0 else {**page, "data": [image(n - 2) for n in range(skip, 37)][:10], "results": 37}

    pages = Wire(skipping(35, grown)).pages(call(listed(COUNTED), key=("id",)))
    assert ids(pages) == [f"private/{n}" for n in range(35)]
    (warning,) = [warning for page in pages for warning in page.warnings]
    assert warning == "get_images changed while it was read: 2 rows of page 2 had come before; rows may be missing"

    def recounted(skip: int, page: dict[str, Any]) -> dict[str, Any]:
        return page if skip == 0 else {**page, "results": 34}

    pages = Wire(skipping(35, recounted)).pages(call(listed(COUNTED)))
    assert "it counts 35 rows, then 34; rows may be missing or double" in pages[1].warnings[0]


def test_a_page_that_cannot_be_had_is_named() -> None:
    first = skipping(100)
    replies = [first(httpx.Request("GET", "https://x/")), httpx.Response(403, json={})]
    with pytest.raises(ApiError, match="the rows from 11 on: HTTP 403"):
        Wire(answers(*replies)).pages(call(listed(SIZED)))
    with pytest.raises(ApiError, match=r"^HTTP 403"):
        Wire(answers(replies[1])).pages(call(listed(SIZED)))

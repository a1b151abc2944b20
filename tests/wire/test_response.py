"""A success is what was promised, or an error: never an empty table."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from engine.errors import ResponseError
from engine.wire.call import Call
from engine.wire.response import Reply, read
from provider_registry.model import Response
from provider_registry.protocol import Paging
from tests.wire.methods import DELETE_IMAGE, ENVELOPE, GET_IMAGE, GET_IMAGES, POST_IMAGE, call, chained, columns

NONE = (None,) * 6
ID = {"imageId": "x"}
TWO = columns(a="integer", warnings="array")


def reply(body: str | bytes, status: int = 200, **headers: str) -> Reply:
    data = body.encode() if isinstance(body, str) else body
    kept = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply("GET https://h/x", status, {"content-type": "application/json", **kept}, data)


GOOD: list[tuple[Call, str, list[tuple[Any, ...]]]] = [
    (call(), '{"data": [{"id": "a"}], "page": 1}', [("a", *[None] * 5)]),
    (call(), '{"page": 1, "pages": 1, "results": 0, "data": []}', []),
    (call(), '{"data": null}', []),
    (call(), '\ufeff  {"data": [{"id": "a"}]}\r\n', [("a", *[None] * 5)]),
    (call(rows="data"), '{"data": {"id": "a"}}', [("a", *[None] * 5)]),
    (call(rows="$.a[*].b"), '{"a": [{"b": [{"id": "x"}, {"id": "y"}]}, {"b": {"id": "z"}}]}',
     [("x", *[None] * 5), ("y", *[None] * 5), ("z", *[None] * 5)]),
    (call(rows="$..image"), '{"x": {"image": {"id": "a"}}}', [("a", *[None] * 5)]),
    (call(rows="$.a[*].b"), '{"a": []}', []),
    (call(rows="$.a.b"), '[{"a": {"b": {"id": "x"}}}]', [("x", *[None] * 5)]),
    (call(GET_IMAGE), '{"id": "a", "size": 5}', [("a", None, 5, None, None, None)]),
    (call(GET_IMAGE), '[{"id": "a"}, {"id": "b"}]', [("a", *[None] * 5), ("b", *[None] * 5)]),
    (call(GET_IMAGE), "null", []),
    (call(replace(GET_IMAGE, response=Response(columns=columns(value="any")))), '"text"', [("text",)]),
    (call(replace(GET_IMAGE, response=Response(columns=columns(value="any")))), '["a", 5]', [("a",), (5,)]),
    (call(), '{"data": [null]}', [NONE]),
    (call(POST_IMAGE), '"done"', [("done", *[None] * 5)]),
    (call(rows=None, columns=ENVELOPE), '{"data": [1], "page": 1, "pages": 2, "results": 3}', [("[1]", 1, 2, 3)]),
    (call(POST_IMAGE), "", [NONE]),
    (call(POST_IMAGE), "{}", [NONE]),
    (call(POST_IMAGE), "null", [NONE]),
    (call(POST_IMAGE, rows="$.image"), "{}", [NONE]),
    (call(POST_IMAGE, rows="$.image"), '{"image": {"id": "a"}}', [("a", *[None] * 5)]),
    (call(replace(GET_IMAGE, http="HEAD")), "", [NONE]),
    (call(DELETE_IMAGE), "{}", [()]),
    (call(DELETE_IMAGE), "", [()]),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "body", "found"), GOOD)
def test_rows(wanted: Call, body: str, found: list[tuple[Any, ...]]) -> None:
    assert read(reply(body), wanted).rows == found


def test_a_read_that_says_there_is_nothing() -> None:
    assert read(reply("", 204), call(GET_IMAGE)).rows == []


BAD: list[tuple[Call, Reply, str]] = [
    (call(), reply("<html><title>Down</title>", content_type="text/html; charset=utf-8"),
     "HTTP 200 with HTML in its body: <html><title>Down</title>"),
    (call(), reply('{"data": []}', content_type="text/html"), "HTTP 200 with HTML in its body"),
    (call(), reply("Service \x1b[2J unavailable"), "HTTP 200 with no JSON in its body: Service [2J unavailable"),
    (call(), reply('{"data": [{"id": "a"'), 'HTTP 200 with no JSON in its body: {"data": [{"id": "a"'),
    (call(), reply('{"data": [}'), "with no JSON"),
    (call(), reply('{"data": []} x'), "with no JSON"),
    (call(), reply('{"data": [{"id": NaN}]}'), "with no JSON"),
    (call(), reply(b'{"data": [{"id": "\xff"}]}'), "with no JSON"),
    (call(), reply(b'{"data": [{"tags": ["\xff"]}]}'), "with no JSON"),
    (call(), reply("[" * 100_000), "with no JSON"),
    (call(GET_IMAGE), reply("nonsense"), "with no JSON"),
    (call(GET_IMAGE), reply('{"id": 5} {'), "with no JSON"),
    (call(), reply(""), "HTTP 200 with an empty body, where JSON was expected"),
    (call(), reply(" \r\n"), "HTTP 200 with an empty body"),
    (call(), reply('{"items": []}'), 'the answer has no $.data: {"items": []}'),
    (call(), reply("{}"), "the answer has no $.data: {}"),
    (call(), reply("[1]"), "the answer has no $.data: [1]"),
    (call(), reply('"data"'), 'the answer has no $.data: "data"'),
    (call(rows="$..x"), reply('{"a": [1]}'), "the answer has no $..x"),
    (call(), reply('{"data": 5}'), 'the answer has something else than rows in $.data: {"data": 5}'),
    (call(), reply('{"data": [{"id": "a"}, "b"]}'), "the answer has something else than rows in $.data"),
    (call(columns=()), reply('{"data": [5]}'), "the answer has something else than rows in $.data"),
    (call(GET_IMAGE), reply("true"), "the answer has something else than rows in its body: true"),
    (call(POST_IMAGE, rows="$.image"), reply('{"id": 1}'), "the answer has no $.image"),
    (call(POST_IMAGE), reply("ok"), "with no JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "answer", "message"), BAD)
def test_what_was_not_promised(wanted: Call, answer: Reply, message: str) -> None:
    with pytest.raises(ResponseError) as raised:
        read(answer, wanted)
    assert message in raised.value.message
    assert (raised.value.status, raised.value.request) == (200, "GET https://h/x")
    assert len(raised.value.message) < 250


@pytest.mark.parametrize("body", ['{"data": [', "", "nonsense"])
@pytest.mark.parametrize(
    ("headers", "passing"), [({}, True), ({"content-length": "10"}, False), ({"transfer-encoding": "chunked"}, False)]
)
def test_only_a_body_without_a_length_may_have_been_cut(body: str, headers: dict[str, str], passing: bool) -> None:
    with pytest.raises(ResponseError) as raised:
        read(Reply("", 200, headers, body.encode()), call())
    assert raised.value.passing is passing


def test_secrets_are_taken_out_of_what_is_quoted() -> None:
    for body in ('{"you": "sent hunter2"}', "hunter2", "<html>hunter2"):
        with pytest.raises(ResponseError) as raised:
            read(reply(body), call(), lambda text: text.replace("hunter2", "***"))
        assert "***" in raised.value.message
        assert "hunter2" not in raised.value.message


WARNINGS: list[tuple[str, tuple[str, ...]]] = [
    ('[{"title": "Old", "details": "Use\\nthe new one"}]', ("Old: Use the new one",)),
    ('[{"title": "Old"}, {"details": "x"}, "plain", {}, 5, {"title": 5}, ""]', ("Old", "x", "plain")),
    ('"text"', ()),
    ("null", ()),
    ("{}", ()),
]


@pytest.mark.parametrize(("sent", "told"), WARNINGS)
def test_warnings_of_the_api(sent: str, told: tuple[str, ...]) -> None:
    assert read(reply(f'{{"data": [], "warnings": {sent}}}'), call()).warnings == told


def test_a_column_called_warnings_is_none() -> None:
    found = read(reply('{"a": 1, "warnings": ["x"]}'), call(GET_IMAGE, columns=TWO))
    assert (found.rows, found.warnings) == ([(1, '["x"]')], ())


def test_facts() -> None:
    body = '{"data": [], "page": 1, "pages": 3, "results": 4.5}'
    assert read(reply(body), call()).facts == {"$.page": 1, "$.pages": 3, "$.results": 4.5}
    assert read(reply('{"data": []}'), call()).facts == {"$.page": None, "$.pages": None, "$.results": None}
    assert read(reply(body), call(replace(GET_IMAGES, paging=Paging()))).facts == {}
    deep = chained("next_url", "$.links.next")
    assert read(reply('{"data": [], "links": {"next": "/x"}}'), call(deep)).facts == {"$.links.next": "/x"}
    assert read(reply('{"data": [], "links": []}'), call(deep)).facts == {"$.links.next": None}
    header = chained("token", "X-Next", response_location="header")
    assert read(reply('{"data": []}'), call(header)).facts == {}


def test_an_answer_prints_without_its_body() -> None:
    assert repr(reply("what was sent comes back")).count("comes back") == 0

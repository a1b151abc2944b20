"""A method and its arguments as the request that leaves: each value in its place, and only there."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import httpx
import hypothesis
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.errors import InvalidValue, Refused, StratoqlError, UnknownName
from engine.wire.call import Call, Request
from engine.wire.request import describe, endpoint, page_size, prepare, whole
from provider_registry.model import Param, Shape
from provider_registry.protocol import Filtering, Location, Paging, Server, Variable
from tests.wire.methods import (
    DELETE_IMAGE,
    GET_IMAGE,
    GET_IMAGES,
    IMAGE_ID,
    PAGE,
    POST_IMAGE,
    TEXT,
    VERSION,
    body,
    call,
    chained,
    settings,
)

BASE = "https://api.linode.com/v4"


def place(location: Location, wire: str = "X", shape: Shape | None = None) -> Param:
    return Param(name="x", wire=wire, location=location, shape=shape or Shape())


def one(param: Param, value: Any, **more: Any) -> Request:
    """The request of a GET with one input."""
    method = replace(GET_IMAGE, path="/things", params=(param,), **more)
    return prepare(call(method, {param.name: value}), settings())


URLS: list[tuple[Call, str]] = [
    (call(), "/images?page=1&page_size=500"),
    (call(args={"page": "2"}), "/images?page=2&page_size=500"),
    (call(args={"page": 2, "page_size": "100"}), "/images?page=2&page_size=100"),
    (call(page_size=100), "/images?page=1&page_size=100"),
    (call(page_size=5000), "/images?page=1&page_size=500"),
    (call(page_size=1), "/images?page=1&page_size=25"),
    (call(row_limit=10), "/images?page=1&page_size=25"),
    (call(row_limit=100), "/images?page=1&page_size=100"),
    (call(row_limit=900), "/images?page=1&page_size=500"),
    (call(row_limit=300, page_size=50), "/images?page=1&page_size=50"),
    (call(row_limit=0), "/images?page=1&page_size=25"),
    (call(row_limit=10, rows=None), "/images?page=1&page_size=500"),
    (call(row_limit=10, args={"page_size": 50}), "/images?page_size=50&page=1"),
    (call(replace(GET_IMAGES, paging=Paging())), "/images"),
    (call(GET_IMAGE, {"imageId": "private/12"}), "/images/private%2F12"),
    (call(GET_IMAGE, {"imageId": "../account"}), "/images/..%2Faccount"),
    (call(GET_IMAGE, {"imageId": "a b?c#d%2F&ü'"}), "/images/a%20b%3Fc%23d%252F%26%C3%BC%27"),
    (call(GET_IMAGE, {"imageId": "%2e%2e"}), "/images/%252e%252e"),
    (call(GET_IMAGE, {"imageId": "..."}), "/images/..."),
    (call(GET_IMAGE, {"imageId": 12}), "/images/12"),
    (call(DELETE_IMAGE, {"imageId": "private/1"}), "/images/private%2F1"),
    (call(chained("token", "$.next"), {}), "/images"),
    (call(chained("token", "$.next"), {"pageToken": "a&b"}), "/images?pageToken=a%26b"),
]


@pytest.mark.parametrize(("wanted", "target"), URLS)
def test_urls(wanted: Call, target: str) -> None:
    assert prepare(wanted, settings()).url == BASE + target


QUERIES: list[tuple[Shape, Any, str]] = [
    (Shape(), "a b+c&d=é", "?X=a%20b%2Bc%26d%3D%C3%A9"),
    (Shape(), "", "?X="),
    (Shape(type="boolean"), 1, "?X=true"),
    (Shape(type="integer"), "7", "?X=7"),
    (Shape(type="number"), 1.5, "?X=1.5"),
    (Shape(type="array"), '["a", "b c"]', "?X=a&X=b%20c"),
    (Shape(type="array"), "[]", "?X="),
    (Shape(type="array"), "[[1, 2], null]", "?X=1%2C2&X=null"),
    (Shape(type="object"), '{"a": [1]}', "?X=%7B%22a%22%3A%5B1%5D%7D"),
]


@pytest.mark.parametrize(("shape", "value", "target"), QUERIES)
def test_queries(shape: Shape, value: Any, target: str) -> None:
    assert one(place("query", shape=shape), value).url == f"{BASE}/things{target}"


def test_the_name_of_a_parameter_is_encoded_too() -> None:
    assert one(place("query", "a&b[]"), "c").url == f"{BASE}/things?a%26b%5B%5D=c"


@pytest.mark.parametrize(("value", "shape"), [("a b", Shape()), ("", Shape()), ("a,b", Shape(type="array"))])
def test_header_inputs(value: str, shape: Shape) -> None:
    given = json.dumps(value.split(",")) if shape.type == "array" else value
    assert one(place("header", "X-Thing", shape), given).headers == (("X-Thing", value),)


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\x00b", " a", "a ", "ü", "a\tb"])
def test_a_header_input_cannot_begin_another_header(value: str) -> None:
    with pytest.raises(InvalidValue, match="x-thing is a header: it expects printable ASCII"):
        one(place("header", "x-thing"), value)


@pytest.mark.parametrize("name", ["Authorization", "host", "Content-Length", "Transfer-Encoding", "a b", "a:b", ""])
def test_some_headers_are_not_a_statements_to_set(name: str) -> None:
    with pytest.raises(Refused, match="is not a statement's to set"):
        one(place("header", name), "x")


BODIES: list[tuple[dict[str, Any], Any]] = [
    ({"data__disk_id": "42"}, {"disk_id": 42}),
    (
        {"data__disk_id": 42, "data__label": "a", "data__cloud_init": 1, "data__tags": '["abc"]'},
        {"disk_id": 42, "label": "a", "cloud_init": True, "tags": ["abc"]},
    ),
    ({"data__disk_id": 1, "data__description": None}, {"disk_id": 1, "description": None}),
    ({"data__disk_id": 1, "data__description": 'a"b\n'}, {"disk_id": 1, "description": 'a"b\n'}),
]


@pytest.mark.parametrize(("args", "wanted"), BODIES)
def test_bodies(args: dict[str, Any], wanted: Any) -> None:
    request = prepare(call(POST_IMAGE, args), settings())
    assert (request.method, request.url) == ("POST", f"{BASE}/images")
    assert json.loads(request.body or b"") == wanted
    assert request.headers == (("Content-Type", "application/json"),)


def test_attributes_below_others() -> None:
    params = (
        body("a", parents=("outer", "inner")),
        body("b", parents=("outer",)),
        body("c", Shape(type="object")),
    )
    made = prepare(
        call(replace(POST_IMAGE, params=params), {"data__a": 1, "data__b": 2, "data__c": "{}"}), settings()
    )
    assert json.loads(made.body or b"") == {"outer": {"inner": {"a": "1"}, "b": "2"}, "c": {}}


@pytest.mark.parametrize(
    ("http", "params", "wanted"),
    [("POST", (body("a"),), b"{}"), ("PUT", (body("a"),), b"{}"), ("DELETE", (body("a"),), None), ("POST", (), None)],
)
def test_a_body_with_nothing_in_it(http: str, params: tuple[Param, ...], wanted: bytes | None) -> None:
    made = prepare(call(replace(POST_IMAGE, http=http, params=params)), settings())
    assert made.body == wanted
    assert bool(made.headers) is (wanted is not None)


@pytest.mark.parametrize(
    ("media", "sent", "wanted"),
    [
        ("", "application/json", b'{"a":"x y","b":["c","d"]}'),
        ("application/json; charset=utf-8", "application/json", b'{"a":"x y","b":["c","d"]}'),
        ("application/merge-patch+json", "application/merge-patch+json", b'{"a":"x y","b":["c","d"]}'),
        ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded", b"a=x+y&b=c&b=d"),
    ],
)
def test_media_types(media: str, sent: str, wanted: bytes) -> None:
    method = replace(POST_IMAGE, media_type=media, params=(body("a"), body("b", Shape(type="array"))))
    made = prepare(call(method, {"data__a": "x y", "data__b": '["c","d"]'}), settings())
    assert made.body == wanted
    assert made.headers == (("Content-Type", sent),)


def test_a_media_type_that_is_out_of_reach() -> None:
    with pytest.raises(Refused, match="wants a body of type multipart/form-data, which cannot be sent"):
        prepare(call(replace(POST_IMAGE, media_type="multipart/form-data"), {"data__disk_id": 1}), settings())


def test_filters() -> None:
    made = prepare(call(filter={"label": {"+contains": "é\r\n\ud800"}, "size": 5}), settings())
    assert made.headers == (("X-Filter", '{"label":{"+contains":"\\u00e9\\r\\n\\ud800"},"size":5}'),)
    assert prepare(call(filter={}), settings()).headers == ()
    fifty = {"+or": [{"size": n} for n in range(50)], "+order_by": "size", "+order": "desc"}
    assert len(prepare(call(filter=fifty), settings()).headers) == 1


@pytest.mark.parametrize(
    ("filtering", "wanted", "message"),
    [
        (None, {"a": 1}, "get_images takes no filter"),
        (Filtering(), {"+or": [{"a": n} for n in range(51)]}, "the filter has 51 terms"),
        (Filtering(max_terms=1), {"a": {"+gt": 1, "+lt": 2}}, "the filter has 2 terms"),
        (Filtering(max_bytes=10), {"label": "0123456789"}, "and 22 bytes, and the API takes 50 and 10"),
        (Filtering(), {"a": float("nan")}, "the filter holds a number that JSON cannot carry"),
    ],
)
def test_a_filter_that_the_api_would_not_survive(filtering: Filtering | None, wanted: Any, message: str) -> None:
    with pytest.raises(Refused) as raised:
        prepare(call(replace(GET_IMAGES, filtering=filtering), filter=wanted), settings())
    assert message in raised.value.message


BAD: list[tuple[Call, type[StratoqlError], str]] = [
    (call(GET_IMAGE), InvalidValue, "get_image needs imageId"),
    (call(POST_IMAGE, {"data__label": "a"}), InvalidValue, "post_image needs data__disk_id"),
    (call(GET_IMAGE, {"imageId": None}), InvalidValue, "imageId expects a text, not NULL"),
    (call(GET_IMAGE, {"imageId": ""}), InvalidValue, "imageId is empty, and is a part of the path"),
    (call(GET_IMAGE, {"imageId": "."}), InvalidValue, "imageId cannot be '.': that is a step in a path"),
    (call(GET_IMAGE, {"imageId": ".."}), InvalidValue, "imageId cannot be '..'"),
    (call(GET_IMAGE, {"imageId": "a", "lable": "b"}), UnknownName, "get_image takes no 'lable'"),
    (call(GET_IMAGE, {"imageId": "a", "apiVersion": "v9"}), InvalidValue, "apiVersion expects one of 'v4', 'v4beta'"),
    (call(POST_IMAGE, {"data__disk_id": "x"}), InvalidValue, "data__disk_id expects an integer, got 'x'"),
    (
        call(POST_IMAGE, {"data__disk_id": 1, "data__tags": '["a"]'}),
        InvalidValue,
        "data__tags[0] expects a text of 3",
    ),
    (call(args={"page": 0}), InvalidValue, "page expects an integer at least 1, got 0"),
    (call(args={"page_size": 10}), InvalidValue, "page_size expects an integer from 25 to 500, got 10"),
]


@pytest.mark.parametrize(("wanted", "kind", "message"), BAD)
def test_the_last_door_names_what_is_wrong(wanted: Call, kind: type[StratoqlError], message: str) -> None:
    with pytest.raises(kind) as raised:
        prepare(wanted, settings())
    assert message in raised.value.message


def test_all_that_is_missing_is_named_at_once() -> None:
    method = replace(GET_IMAGE, path="/{a}/{b}", params=(replace(IMAGE_ID, name="a"), replace(IMAGE_ID, name="b")))
    with pytest.raises(InvalidValue, match="get_image needs a and b") as raised:
        prepare(call(method), settings())
    assert raised.value.hint == "give a and b a value in the statement"


def test_null_is_only_for_bodies() -> None:
    with pytest.raises(InvalidValue, match="x cannot be NULL: it stands outside the body"):
        one(place("query", shape=TEXT), None)


def test_a_required_input_with_a_default_is_sent() -> None:
    params = (replace(PAGE, name="a", wire="a", required=True, default=7), replace(PAGE, name="b", default=8))
    assert prepare(call(replace(GET_IMAGE, path="/x", params=params)), settings()).url == f"{BASE}/x?a=7"


def test_a_default_that_is_always_sent_gives_way_to_what_is_said_and_to_paging() -> None:
    version = replace(PAGE, name="api-version", wire="api-version", location="header", default="1", always=True)
    page = replace(PAGE, default=1, always=True)
    method = replace(GET_IMAGES, params=(version, page))
    first, second = prepare(call(method), settings()), prepare(call(method, {"api-version": 2}), settings(), 7)
    assert (first.headers, second.headers) == ((("api-version", "1"),), (("api-version", "2"),))
    assert ("page=1" in first.url, "page=7" in second.url, second.url.count("page=")) == (True, True, 1)


def test_a_variable_of_the_address_may_come_from_outside() -> None:
    server = Server(url="https://{region}.example.com", variables={"region": Variable(default="", env="REGION")})
    region = Param(name="region", wire="region", location="server", required=True)
    method = replace(GET_IMAGE, path="/x", params=(region,), server=server)
    assert prepare(call(method, {"region": "eu"}), settings()).url == "https://eu.example.com/x"
    assert prepare(call(method), settings({"REGION": "us"})).url == "https://us.example.com/x"
    with pytest.raises(InvalidValue, match="get_image needs region"):
        prepare(call(method), settings())
    assert endpoint("linode", method, settings()) == "https://{region}.example.com/x"


def test_placeholders_inside_a_segment() -> None:
    method = replace(
        GET_IMAGE, path="/users('{a}')/{b}:{c}", params=tuple(replace(IMAGE_ID, name=n, wire=n) for n in "abc")
    )
    assert (
        prepare(call(method, {"a": "x'", "b": "y:", "c": "z/"}), settings()).url == f"{BASE}/users('x%27')/y%3A:z%2F"
    )
    dotted = replace(GET_IMAGE, path="/{a}{b}", params=method.params[:2])
    with pytest.raises(InvalidValue, match=r"a and b cannot be '\.\.'"):
        prepare(call(dotted, {"a": ".", "b": "."}), settings())


def test_a_documents_own_dots_are_its_own() -> None:
    assert prepare(call(replace(GET_IMAGE, path="/./x", params=())), settings()).url == f"{BASE}/./x"


def test_a_placeholder_that_nobody_declares() -> None:
    with pytest.raises(Refused, match=r"the path of get_image has \{imageId\}, which its document declares nowhere"):
        prepare(call(replace(GET_IMAGE, params=())), settings())


def test_a_path_always_begins_with_a_slash() -> None:
    """Without it the path would become a part of the host."""
    method = replace(GET_IMAGE, path="{imageId}", server=Server(url="https://a.example"))
    assert prepare(call(method, {"imageId": ".evil.com"}), settings()).url == "https://a.example/.evil.com"


@pytest.mark.parametrize(
    ("location", "target", "headers", "sent"),
    [
        ("query", "/images?pageToken=n", (), None),
        ("header", "/images", (("pageToken", "n"),), None),
        ("body", "/images", (("Content-Type", "application/json"),), b'{"pageToken":"n"}'),
    ],
)
def test_a_token_goes_where_the_document_says(
    location: Location, target: str, headers: tuple[tuple[str, str], ...], sent: bytes | None
) -> None:
    method = chained("token", "$.next", request_location=location)
    assert prepare(call(method), settings(), "n") == Request("GET", BASE + target, headers, sent)


def test_a_page_of_a_number() -> None:
    assert prepare(call(), settings(), 7).url == f"{BASE}/images?page=7&page_size=500"


def test_page_sizes_that_nobody_can_count() -> None:
    assert page_size(call(chained("token", "$.next"))) is None
    words = replace(GET_IMAGES, params=(PAGE, Param(name="page_size", wire="page_size", location="query")))
    assert page_size(call(words, {"page_size": "many"})) is None
    assert whole("9" * 30) is None


def test_describing_a_request() -> None:
    made = prepare(call(filter={"label": "é"}), settings())
    assert describe(made) == [f"GET {BASE}/images?page=1&page_size=500", 'X-Filter: {"label":"\\u00e9"}']
    made = prepare(call(POST_IMAGE, {"data__disk_id": 1, "data__label": "é"}), settings())
    assert describe(made) == [f"POST {BASE}/images", '{"disk_id": 1, "label": "é"}']
    assert str(made) == f"POST {BASE}/images"


def test_describing_shows_no_secrets() -> None:
    params = (
        body("root_pass"),
        body("user", Shape(type="object")),
        Param(name="token", wire="token", location="query"),
    )
    args = {"data__root_pass": "hunter2", "data__user": '{"password": "hunter2", "name": "a"}', "token": "hunter2"}
    method = replace(POST_IMAGE, params=params)
    assert describe(prepare(call(method, args), settings())) == [
        f"POST {BASE}/images?token=***",
        '{"root_pass": "***", "user": {"password": "***", "name": "a"}}',
    ]
    headed = replace(GET_IMAGE, path="/x", params=(place("header", "X-Api-Key"), place("header", "X-Plain")))
    headed = replace(headed, params=(headed.params[0], replace(headed.params[1], name="y")))
    assert describe(prepare(call(headed, {"x": "hunter2", "y": "seen"}), settings()))[1:] == [
        "X-Api-Key: ***",
        "X-Plain: seen",
    ]
    form = replace(method, media_type="application/x-www-form-urlencoded")
    assert describe(prepare(call(form, {"data__root_pass": "hunter2"}), settings())) == [
        f"POST {BASE}/images",
        "Content-Type: application/x-www-form-urlencoded",
        "root_pass=***",
    ]


def test_endpoints() -> None:
    assert endpoint("linode", GET_IMAGE, settings()) == f"{BASE}/images/{{imageId}}"
    assert VERSION.default == "v4"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@hypothesis.settings(deadline=None)
@given(TEXTS.filter(lambda text: text not in (".", "..")))
@example("../account")
@example("%2e%2e/%2F")
@example("a\r\nb\x00")
def test_any_text_stays_in_its_segment(text: str) -> None:
    url = httpx.URL(prepare(call(GET_IMAGE, {"imageId": text}), settings()).url)
    path = url.raw_path.decode("ascii")
    assert [unquote(segment, errors="strict") for segment in path.split("/")] == ["", "v4", "images", text]
    assert "?" not in path
    assert url.host == "api.linode.com"


@hypothesis.settings(deadline=None)
@given(TEXTS, TEXTS)
@example("a+b c", "&x=1#")
def test_any_text_stays_in_its_parameter(name: str, text: str) -> None:
    url = httpx.URL(one(place("query", name), text).url)
    path, _, query = url.raw_path.decode("ascii").partition("?")
    assert path == "/v4/things"
    assert [tuple(map(unquote, pair.split("="))) for pair in query.split("&")] == [(name, text)]

"""Whatever comes, the sandbox answers as the API does: JSON, a status it knows, and no exception."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.sandbox.rows import private, public
from engine.sandbox.seeds import DISK
from tests.sandbox.asking import READER, SANDBOX, ask, sandbox, told

FIELDS = ["label", "size", "tags", "type", "status", "regions", "disk_id", "region", "description", "cloud_init", "x"]
WORDS = ["+and", "+or", "+gt", "+neq", "+contains", "+order_by", "+order", *FIELDS]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(WORDS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=8,
)
BODIES = VALUES.map(json.dumps).map(str.encode) | st.binary(max_size=20)
FILTERS = VALUES.map(json.dumps) | st.text(st.characters(max_codepoint=255), max_size=20)
PIECES = ["images", "upload", "regions", "private", "1", "private%2F1", "linode%2Fdebian12", "..", "", "%", "%2F"]
PATHS = st.lists(st.sampled_from(PIECES), max_size=5).map("/".join)
QUERIES = st.sampled_from(["", "?page=2", "?page=0", "?page_size=25&page=", "?page_size=x", "?&&=", "?page=%ff"])


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", ""]),
    st.sampled_from(["/v4/", "/v4beta/", "/", ""]),
    PATHS,
    QUERIES,
    st.sampled_from([SANDBOX, READER, {}, {"Authorization": "?"}]),
    BODIES,
    st.none() | FILTERS,
)
def test_there_is_always_an_answer(
    method: str, version: str, path: str, query: str, headers: Any, body: bytes, find: str | None
) -> None:
    api = sandbox([private(1), private(2, size=None, tags=None), public("debian12")])
    more = {} if find is None else {"X-Filter": find}
    answer = api.handle(method, f"{version}{path}{query}", {**headers, **more}, body)
    assert answer.status in (200, 400, 401, 403, 404, 405)
    found = told(answer)
    assert answer.status == 200 or found["errors"][0]["reason"]


@settings(max_examples=80, deadline=None)
@given(VALUES)
def test_every_body_is_taken_or_refused(value: Any) -> None:
    api = sandbox([private(1)])
    extra = value if isinstance(value, dict) else {"label": value}
    for line, base in (
        ("POST /images", {"disk_id": DISK}),
        ("POST /images/upload", {"label": "x", "region": "us-east"}),
        ("PUT /images/private/1", {}),
        ("POST /images/private/1/regions", {"regions": ["us-east"]}),
    ):
        answer = ask(api, line, json.dumps(base | extra).encode())
        assert answer.status in (200, 400)
        assert ask(api, "GET /images").status == 200


@settings(max_examples=80, deadline=None)
@given(FILTERS)
def test_every_filter_is_applied_or_refused(find: str) -> None:
    answer = ask(
        sandbox([private(1, tags=["abc"]), private(2, label=None), public("arch")]), "GET /images", find=find
    )
    assert answer.status in (200, 400)
    if answer.status == 400:
        assert told(answer)["errors"][0]["field"] == "X-Filter"

"""Faults: which request they befall, and what they make of its answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import UsageError
from engine.sandbox.faults import Fault, Schedule, parse
from engine.sandbox.messages import Answer, request

REAL = Answer(200, (("Content-Type", "application/json"), ("Retry-After", "60")), b'{"page": 1, "pages": 2}')


def met(faults: list[Fault], *lines: str) -> list[int | None]:
    """Which fault each request meets, by its place."""
    schedule = Schedule(faults)
    taken = [schedule.take(request(line.split()[0], line.split()[1])) for line in lines]
    return [None if fault is None else faults.index(fault) for fault in taken]


LIST, SECOND, ONE = "GET /v4/images", "GET /v4beta/images?page=2&page_size=25", "GET /v4/images/private%2F1"


@pytest.mark.parametrize(
    ("faults", "lines", "expected"),
    [
        ([Fault()], [LIST, LIST], [0, None]),
        ([Fault("POST")], [LIST, "POST /v4/images"], [None, 0]),
        ([Fault(path="^/images$")], [ONE, LIST], [None, 0]),
        ([Fault(path="private/1")], [LIST, ONE], [None, 0]),
        ([Fault(path="^/images-uploads/")], [LIST, "PUT /images-uploads/1?a=b"], [None, 0]),
        ([Fault(query={"page": "2"})], [LIST, SECOND], [None, 0]),
        ([Fault(query={"page": "2", "page_size": "100"})], [SECOND], [None]),
        ([Fault(nth=3)], [LIST] * 4, [None, None, 0, None]),
        ([Fault(nth=2, times=2)], [LIST] * 4, [None, 0, 0, None]),
        ([Fault(times=None)], [LIST] * 3, [0, 0, 0]),
        ([Fault(nth=2, times=None)], [LIST] * 3, [None, 0, 0]),
        ([Fault(status=500), Fault(status=503)], [LIST] * 3, [0, 1, None]),
        ([Fault(), Fault(nth=2)], [LIST] * 4, [0, None, 1, None]),
    ],
)
def test_which_request_meets_which_fault(faults: list[Fault], lines: list[str], expected: list[int | None]) -> None:
    assert met(faults, *lines) == expected


def test_a_fault_can_be_added_later() -> None:
    schedule = Schedule()
    assert schedule.take(request("GET", "/v4/images")) is None
    schedule.add(Fault(status=503))
    assert schedule.take(request("GET", "/v4/images")) is not None


def answered(fault: Fault, real: Answer | None = None) -> tuple[int, str, bytes]:
    answer = fault.answer(real)
    assert answer
    return answer.status, dict(answer.headers)["Content-Type"], answer.body


@pytest.mark.parametrize(
    ("fault", "acts", "status", "media", "body"),
    [
        (Fault(status=429), False, 429, "application/json", b'{"errors":[{"reason":"Too many requests"}]}'),
        (Fault(status=404), False, 404, "application/json", b'{"errors":[{"reason":"Not found"}]}'),
        (Fault(status=503), False, 503, "application/json", b'{"errors":[{"reason":"Service Unavailable"}]}'),
        (Fault(status=599), False, 599, "application/json", b'{"errors":[{"reason":"Unknown"}]}'),
        (Fault(status=400, body={"errors": [{"reason": "Linode busy."}]}), False, 400, "application/json",
         b'{"errors":[{"reason":"Linode busy."}]}'),
        (Fault(body="[]"), False, 200, "application/json", b"[]"),
        (Fault(body=b"\xff"), False, 200, "application/json", b"\xff"),
        (Fault(html=True), False, 502, "text/html",
         b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"),
        (Fault(html=True, status=200, body="<p>back soon</p>"), False, 200, "text/html", b"<p>back soon</p>"),
        (Fault(status=504, effect=True), True, 504, "application/json", b'{"errors":[{"reason":"Gateway Timeout"}]}'),
        (Fault(delay=5), True, 200, "application/json", REAL.body),
        (Fault(cut=3), True, 200, "application/json", REAL.body),
        (Fault(patch={"pages": 9}), True, 200, "application/json", b'{"page":1,"pages":9}'),
        (Fault(status=200, body=[1], patch={"pages": 9}), False, 200, "application/json", b"[1]"),
    ],
)  # fmt: skip
def test_what_a_fault_answers(fault: Fault, acts: bool, status: int, media: str, body: bytes) -> None:
    assert fault.acts is acts
    assert answered(fault, REAL if acts else None) == (status, media, body)


@pytest.mark.parametrize(
    ("fault", "acts"),
    [
        (Fault(drop="close"), False),
        (Fault(drop="refuse", effect=True), False),
        (Fault(drop="reset", effect=True), True),
        (Fault(status=503, drop="hang"), False),
    ],
)
def test_a_dropped_request_has_no_answer(fault: Fault, acts: bool) -> None:
    assert fault.acts is acts
    assert fault.answer(REAL) is None


def test_headers_are_added_or_replaced() -> None:
    fault = Fault(status=503, headers={"retry-after": "7", "X-Maintenance-Mode": "true"})
    answer = fault.answer(None)
    assert answer
    assert sorted(answer.headers) == [
        ("Content-Type", "application/json"), ("X-Maintenance-Mode", "true"), ("retry-after", "7"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("GET ^/images$?page=2 status=503", Fault("GET", "^/images$", {"page": "2"}, status=503)),
        ("POST /images drop=close effect", Fault("POST", "/images", drop="close", effect=True)),
        ("status=429 times=always header=Retry-After:2", Fault(status=429, times=None, headers={"Retry-After": "2"})),
        ("DELETE delay=0.5 nth=2 times=3", Fault("DELETE", delay=0.5, nth=2, times=3)),
        ("/images html cut=10", Fault(path="/images", html=True, cut=10)),
        ("/images html=true effect=false", Fault(path="/images", html=True)),
        (
            """PUT /images status=400 body='{"errors": []}' 'header=X-A: b c'""",
            Fault("PUT", "/images", status=400, body='{"errors": []}', headers={"X-A": "b c"}),
        ),
        ("header=A:1 header=B:2", Fault(headers={"A": "1", "B": "2"})),
    ],
)
def test_a_fault_as_a_line(line: str, fault: Fault) -> None:
    assert parse(line) == fault


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("GET /images statsu=503", "the fault 'GET /images statsu=503' has no such setting: statsu", "mean status"),
        ("GET /images", "says which requests, but not what happens to them", "add status=503"),
        ("", "says which requests, but not what happens to them", "add status=503"),
        ("nth=2 effect", "says which requests, but not what happens to them", "add status=503"),
        ("status", "leaves status without a value", "write status="),
        ("status=9", "has a status that cannot be read: '9'", None),
        ("status=never", "has a status that cannot be read: 'never'", None),
        ("html=perhaps", "has a html that cannot be read: 'perhaps'", None),
        ("drop=gently", "has a drop that cannot be read: 'gently'", None),
        ("delay=-1", "has a delay that cannot be read: '-1'", None),
        ("delay=inf", "has a delay that cannot be read: 'inf'", None),
        ("cut=-1", "has a cut that cannot be read: '-1'", None),
        ("times=0", "has a times that cannot be read: '0'", None),
        ("header=none", "has a header that cannot be read: 'none'", None),
        ("'header=A:b\nC:d'", "has a header that cannot be read", None),
        ("get /images status=503", "has no such setting: get", None),
        ("body='x", "cannot be read: No closing quotation", None),
        ("/images[ status=503", "has a path that is no regular expression", None),
    ],
)
def test_a_line_that_is_no_fault(line: str, message: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        parse(line)
    assert message in caught.value.message
    assert hint is None or hint in (caught.value.hint or "")


def test_a_patch_leaves_what_is_no_object_alone() -> None:
    assert json.loads(answered(Fault(patch={"a": 1}), Answer(200, REAL.headers, b"[]"))[2]) == []


def test_the_settings_of_a_line_are_those_of_a_fault() -> None:
    from engine.sandbox.faults import _READERS

    spelled: dict[str, Any] = {"header": "headers"}
    assert {spelled.get(key, key) for key in _READERS} <= set(Fault.__dataclass_fields__)

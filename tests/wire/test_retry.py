"""The law on retries: reads may be sent again, writes only when it is certain that nothing happened."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.errors import CallError, NetworkError, NotSent, ResponseError, Unreachable
from engine.wire.auth import Grant
from engine.wire.refusals import refusal
from engine.wire.response import Reply
from engine.wire.retry import LONGEST, Wait, decide, retry_after
from provider_registry.model import Method
from provider_registry.protocol import Retry
from tests.wire.methods import DELETE_IMAGE, GET_IMAGES, POST_IMAGE

PUT = replace(POST_IMAGE, http="PUT")


def status(code: int, body: bytes = b"", **headers: str) -> CallError:
    found = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal(Reply("GET https://h/", code, found, body), GET_IMAGES, Grant(), 0)


BUSY = b'{"errors": [{"reason": "Linode busy."}]}'
OTHER = b'{"errors": [{"reason": "Too busy.", "field": "x"}]}'
BOTH, READS, NONE = (True, True), (True, False), (False, False)

LAW: list[tuple[str, CallError, tuple[bool, bool]]] = [
    *((f"{code}", status(code), READS) for code in (408, 500, 502, 503, 504)),
    ("429", status(429), BOTH),
    *((f"{code}", status(code), NONE) for code in (400, 401, 403, 404, 405, 409, 422, 501, 505, 520)),
    ("400 busy", status(400, BUSY), BOTH),
    ("400 else", status(400, OTHER), NONE),
    ("404 busy", status(404, BUSY), NONE),
    ("503 maintenance", status(503, x_maintenance_mode="1"), NONE),
    ("500 maintenance", status(500, x_maintenance_mode="1"), READS),
    ("520 HTML", status(520, b"<html>", content_type="text/html; charset=utf-8"), READS),
    ("404 HTML", status(404, b"<html>", content_type="text/html"), NONE),
    ("503 HTML in maintenance", status(503, b"<html>", content_type="text/html", x_maintenance_mode="1"), NONE),
    ("302", status(302, location="https://h/elsewhere"), NONE),
    ("no connection", Unreachable("x"), BOTH),
    ("broken connection", NetworkError("x"), READS),
    ("no JSON", ResponseError("x"), NONE),
    ("never left", NotSent("x"), NONE),
]


@pytest.mark.parametrize(("error", "law"), [case[1:] for case in LAW], ids=[case[0] for case in LAW])
def test_the_law(error: CallError, law: tuple[bool, bool]) -> None:
    reads = [
        decide(method, 1, error, lambda: 0.5) is not None for method in (GET_IMAGES, replace(GET_IMAGES, http="HEAD"))
    ]
    writes = [decide(method, 1, error, lambda: 0.5) is not None for method in (POST_IMAGE, DELETE_IMAGE, PUT)]
    assert (set(reads), set(writes)) == ({law[0]}, {law[1]})


def test_a_document_can_only_narrow_it() -> None:
    few = replace(GET_IMAGES, retry=Retry(statuses=(503,)))
    busy = Reply("", 429, {}, b"")
    assert decide(few, 1, refusal(busy, few, Grant(), 0)) is None
    many = replace(POST_IMAGE, retry=Retry(statuses=(408, 500, 502, 503, 504)))
    for code in many.retry.statuses:
        assert decide(many, 1, refusal(Reply("", code, {}, b""), many, Grant(), 0)) is None


def waits(method: Method, error: CallError, chance: float) -> list[float | None]:
    found = [decide(method, attempt, error, lambda: chance) for attempt in range(1, 8)]
    return [None if wait is None else wait.seconds for wait in found]


def test_waits_double_are_drawn_and_capped() -> None:
    method = replace(GET_IMAGES, retry=Retry(max_attempts=7, initial_delay=0.5, max_delay=5))
    assert waits(method, NetworkError("x"), 1.0) == [0.5, 1, 2, 4, 5, 5, None]
    assert waits(method, NetworkError("x"), 0.5) == [0.25, 0.5, 1, 2, 2.5, 2.5, None]
    assert waits(method, NetworkError("x"), 0.0) == [0, 0, 0, 0, 0, 0, None]
    assert decide(replace(method, retry=Retry(max_attempts=10**6)), 10**5, NetworkError("x"), lambda: 1.0) == Wait(20)


def test_retry_after_is_waited_out() -> None:
    assert decide(GET_IMAGES, 1, status(429, retry_after="7"), lambda: 0.5) == Wait(7.25, shared=True)
    assert decide(POST_IMAGE, 1, status(429, retry_after="7"), lambda: 0.5) == Wait(7.25, shared=True)
    assert decide(GET_IMAGES, 1, status(503, retry_after="7"), lambda: 0.5) == Wait(7.25)
    assert decide(GET_IMAGES, 1, status(429, retry_after=str(int(LONGEST) + 1)), lambda: 0.5) is None
    assert decide(GET_IMAGES, 1, status(500, retry_after="7"), lambda: 0.5) == Wait(0.25)
    assert decide(GET_IMAGES, 3, status(429, retry_after="7"), lambda: 1.0) == Wait(7.5, shared=True)


@pytest.mark.parametrize(
    ("code", "text", "seconds"),
    [
        (429, "30", 30.0),
        (503, " 30 ", 30.0),
        (200, "30", None),
        (500, "30", None),
        (429, "", None),
        (429, "soon", None),
        (429, "-5", None),
        (429, "²", None),
        (429, "9" * 50, 999999999.0),
        (429, "Thu, 01 Jan 1970 00:00:50 GMT", 40.0),
        (429, "Thu, 01 Jan 1970 00:00:05 GMT", 0.0),
        (429, "Thu, 99 Jan 1970 00:00:05 GMT", None),
    ],
)
def test_reading_retry_after(code: int, text: str, seconds: float | None) -> None:
    assert retry_after(code, {"retry-after": text}, 10) == seconds

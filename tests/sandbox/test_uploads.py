"""The upload origin: what it takes, what it refuses, and what becomes of the image."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from engine.sandbox.api import Api
from engine.sandbox.messages import Answer, request
from engine.sandbox.rules import Rules
from engine.sandbox.uploads import MB, Refusal, Uploads
from tests.sandbox.asking import Clock, ask, sandbox, told

RULES = Rules(rate_limit=False, upload_seconds=10)
OCTETS = {"Content-Type": "application/octet-stream"}
FILE = gzip.compress(b"\1" * (2 * MB + 5))


def container(api: Api) -> tuple[str, str]:
    """A new container: its id and upload URL."""
    answer = told(ask(api, "POST /images/upload", {"label": "x", "region": "fr-par", "cloud_init": True}))
    return answer["image"]["id"], answer["upload_to"]


def put(api: Api, url: str, body: bytes = FILE, method: str = "PUT", **headers: str | None) -> Answer:
    """Upload in pieces of an odd size; a header of None is left out (underscores stand for dashes)."""
    sent: dict[str, Any] = OCTETS | {"Content-Length": str(len(body))}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    asked = request(method, url, {name: value for name, value in sent.items() if value is not None})
    try:
        receipt = Uploads(api.state, api.rules, api.clock).begin(asked)
        for start in range(0, len(body), 777):
            receipt.feed(body[start : start + 777])
        return receipt.finish()
    except Refusal as refusal:
        return refusal.answer


def test_an_upload_goes_from_pending_to_available_with_the_size_of_what_is_inside() -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=RULES)
    image, url = container(api)
    parts = urlsplit(url)
    assert (parts.hostname, parts.path) == ("fr-par-1.sandbox-objects.invalid", f"/images-uploads/{image[8:]}")
    answer = put(api, url)
    assert (answer.status, answer.body) == (200, b"")
    assert told(ask(api, f"GET /images/{image}"))["status"] == "pending_upload"
    clock.now += 10
    row = told(ask(api, f"GET /images/{image}"))
    assert (row["status"], row["size"], row["total_size"]) == ("available", 3, 3)
    assert row["regions"] == [{"region": "fr-par", "status": "available"}]
    assert row["capabilities"] == ["cloud-init", "distributed-sites"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"Authorization": "Bearer sandbox"}, 400, "InvalidArgument"),
        ({"Content_Type": "application/gzip"}, 403, "SignatureDoesNotMatch"),
        ({"Content_Type": None}, 403, "SignatureDoesNotMatch"),
        ({"Content_Length": None}, 411, "MissingContentLength"),
        ({"Content_Length": "-1"}, 411, "MissingContentLength"),
        ({"Content_Length": str(5 * 2**30 + 1)}, 400, "EntityTooLarge"),
        ({"Content_Length": "100000"}, 400, "IncompleteBody"),
        ({"method": "POST"}, 405, "MethodNotAllowed"),
    ],
)
def test_what_is_refused_leaves_the_container_waiting(change: dict[str, Any], status: int, code: str) -> None:
    api = sandbox(rules=RULES)
    image, url = container(api)
    answer = put(api, url, **change)
    assert answer.status == status
    assert f"<Code>{code}</Code>".encode() in answer.body
    assert b"sandbox" not in answer.body, "a secret is not repeated"
    assert told(ask(api, f"GET /images/{image}"))["status"] == "pending_upload"
    assert put(api, url).status == 200, "and it can be sent again"


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("Signature=", "Signature=0", 403),
        ("Signature=", "Sig=", 403),
        ("Expires=", "Expires=x", 403),
        ("/images-uploads/", "/elsewhere/", 404),
        ("/images-uploads/", "/images-uploads/9", 404),
    ],
)
def test_a_url_that_was_tampered_with_opens_nothing(old: str, new: str, status: int) -> None:
    api = sandbox(rules=RULES)
    _, url = container(api)
    assert put(api, url.replace(old, new)).status == status


def test_a_url_is_good_for_a_day_and_for_one_file() -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=RULES)
    _, url = container(api)
    assert put(api, url).status == 200
    assert put(api, url).status == 403
    _, url = container(api)
    clock.now += 86401
    assert b"expired" in put(api, url).body


def test_the_starting_set_s_container_cannot_be_filled() -> None:
    url = "/images-uploads/25112345?Expires=1800000000&Signature="
    assert put(sandbox(), url).status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no gzip at all",
        b"\x1f\x8b and then nonsense",
        FILE[:-4],
        FILE[:-8] + b"oops" + FILE[-4:],
        FILE + b"trailing",
        gzip.compress(b"\1" * (4 * MB)),
    ],
    ids=["empty", "text", "magic only", "cut", "damaged", "trailing", "too large inside"],
)
def test_a_file_that_is_no_disk_image_fails_later_and_the_image_disappears(body: bytes) -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=Rules(rate_limit=False, upload_seconds=10, max_raw=4 * MB - 1))
    image, url = container(api)
    assert put(api, url, body).status == 200
    assert told(ask(api, f"GET /images/{image}"))["status"] == "pending_upload"
    clock.now += 10
    assert ask(api, f"GET /images/{image}").status == 404


@pytest.mark.parametrize(
    ("raw", "size"), [(0, 1), (1, 1), (MB, 1), (MB + 1, 2), (4 * MB, 4), (8 * MB, 8), (8 * MB + 1, 9)]
)
def test_the_size_is_that_of_the_disk_image_rounded_up(raw: int, size: int) -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=RULES)
    image, url = container(api)
    assert put(api, url, gzip.compress(b"\0" * raw)).status == 200
    clock.now += 10
    assert told(ask(api, f"GET /images/{image}"))["size"] == size


def test_several_gzip_members_are_one_file() -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=RULES)
    image, url = container(api)
    put(api, url, gzip.compress(b"a" * MB) + gzip.compress(b"b" * MB))
    clock.now += 10
    assert told(ask(api, f"GET /images/{image}"))["size"] == 2


def test_an_image_deleted_while_its_file_comes_stays_deleted() -> None:
    api = sandbox(rules=RULES)
    image, url = container(api)
    receipt = Uploads(api.state, api.rules, api.clock).begin(
        request("PUT", url, OCTETS | {"Content-Length": str(len(FILE))})
    )
    ask(api, f"DELETE /images/{image}")
    receipt.feed(FILE)
    with pytest.raises(Refusal, match="no longer waits"):
        receipt.finish()
    assert ask(api, f"GET /images/{image}").status == 404


def test_a_file_is_not_held_however_well_it_is_packed() -> None:
    def pieces() -> Iterator[bytes]:
        piece = gzip.compress(b"\0" * (8 * MB))
        for _ in range(4):
            yield piece

    api = sandbox(rules=RULES)
    _, url = container(api)
    length = sum(map(len, pieces()))
    receipt = Uploads(api.state, api.rules, api.clock).begin(
        request("PUT", url, OCTETS | {"Content-Length": str(length)})
    )
    tracemalloc.start()
    try:
        for piece in pieces():
            receipt.feed(piece)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert receipt.finish().status == 200
    assert receipt.unpacker.raw == 32 * MB
    assert kept < MB
    assert peak < 20 * MB

"""The sandbox behind httpx, in process."""

from __future__ import annotations

import asyncio
import gzip
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from engine.sandbox import TOKEN, transport
from engine.sandbox.faults import Fault
from engine.sandbox.inprocess import REMEMBERED, SandboxTransport
from engine.sandbox.rows import many, private
from engine.sandbox.rules import Rules
from engine.sandbox.seeds import DISK
from tests.sandbox.asking import SANDBOX, Clock

T = TypeVar("T")
LIST = "https://api.linode.com/v4/images"


def using(wire: SandboxTransport, work: Callable[[httpx.AsyncClient], Awaitable[T]], **options: Any) -> T:
    """Run work with a client of a sandbox."""

    async def main() -> T:
        async with httpx.AsyncClient(transport=wire, headers=SANDBOX, **options) as client:
            return await work(client)

    return asyncio.run(main())


def get(wire: SandboxTransport, url: str = LIST, **options: Any) -> httpx.Response:
    return using(wire, lambda client: client.get(url), **options)


def test_whatever_the_host_it_is_the_api() -> None:
    wire = transport()
    for url in (LIST, "http://127.0.0.1:8080/v4/images", "https://elsewhere.example/v4beta/images"):
        response = get(wire, url)
        assert (response.status_code, response.json()["results"]) == (200, 49)
        assert int(response.headers["Content-Length"]) == len(response.content)
    assert wire.requests[0].url == LIST


def test_requests_are_remembered_without_showing_their_token() -> None:
    wire = transport(images=[private(1)])
    using(wire, lambda client: client.put(f"{LIST}/private%2F1", json={"label": "new"}))
    (sent,) = wire.requests
    assert (sent.method, sent.url, sent.body) == ("PUT", f"{LIST}/private%2F1", b'{"label":"new"}')
    assert (sent.headers["authorization"], sent.size) == (f"Bearer {TOKEN}", 15)
    assert "Bearer" not in repr(wire.requests)


def test_what_is_remembered_has_an_end() -> None:
    wire = transport(images=[], rate_limit=False)
    get(wire)
    wire.requests *= REMEMBERED
    get(wire)
    assert len(wire.requests) == REMEMBERED // 2 + 1


@pytest.mark.parametrize("text", ['{"label": "größe"}'.encode(), b'{"label": "gr\\u00f6\\u00dfe"}'])
def test_a_filter_may_be_raw_utf_8_or_escaped(text: bytes) -> None:
    wire = transport(images=[private(1, label="größe"), private(2, label="plain")])
    response = using(wire, lambda client: client.get(LIST, headers={b"X-Filter": text}))
    assert [row["label"] for row in response.json()["data"]] == ["größe"]


async def chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def test_an_upload_streams_to_its_own_host_without_the_token() -> None:
    clock = Clock()
    wire = transport(clock=clock)
    file = gzip.compress(bytes(range(256)) * 10_000)

    async def work(client: httpx.AsyncClient) -> tuple[int, int, str]:
        made = (await client.post(f"{LIST}/upload", json={"label": "x", "region": "us-east"})).json()
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(file))}
        refused = await client.put(made["upload_to"], content=chunks(file, 100), headers=headers)
        del client.headers["Authorization"]
        taken = await client.put(made["upload_to"], content=chunks(file, 100), headers=headers)
        clock.now += 2
        row = (await client.get(f"{LIST}/{made['image']['id']}", headers=SANDBOX)).json()
        return refused.status_code, taken.status_code, row["status"]

    assert using(wire, work) == (400, 200, "available")
    sent = wire.requests[2]
    assert (sent.method, sent.body, sent.size) == ("PUT", b"", len(file))
    assert "authorization" not in sent.headers


def test_a_transport_serves_one_client_after_another(tmp_path: Path) -> None:
    for path in (None, str(tmp_path / "state.db")):
        wire = transport(path)
        made = using(wire, lambda client: client.post(LIST, json={"disk_id": DISK})).json()["id"]
        assert get(wire, f"{LIST}/{made}").status_code == 200
    assert get(transport(""), LIST).status_code == 200, "an empty path is memory"


def test_the_rate_limit_can_be_switched_off_above_the_rules() -> None:
    async def twice_ten(client: httpx.AsyncClient) -> set[int]:
        return {(await client.get(LIST)).status_code for _ in range(21)}

    assert using(transport(), twice_ten) == {200, 429}
    assert using(transport(rate_limit=False), twice_ten) == {200}
    assert using(transport(rules=Rules(), rate_limit=False), twice_ten) == {200}
    assert using(transport(rules=Rules(rate_limit=False)), twice_ten) == {200}


def test_requests_under_way_at_once_are_counted() -> None:
    wire = transport(images=many(300), faults=[Fault(delay=0.01, times=None)])

    async def work(client: httpx.AsyncClient) -> None:
        await asyncio.gather(*(client.get(f"{LIST}?page_size=25&page={page}") for page in range(1, 8)))

    using(wire, work)
    assert wire.peak == 7


# --- faults ---


@pytest.mark.parametrize(
    ("fault", "error", "arrived"),
    [
        (Fault(drop="refuse"), httpx.ConnectError, False),
        (Fault(drop="close"), httpx.RemoteProtocolError, True),
        (Fault(drop="reset"), httpx.ReadError, True),
        (Fault(drop="hang"), httpx.ReadTimeout, True),
        (Fault(cut=10), httpx.RemoteProtocolError, True),
        (Fault(cut=0, status=503), httpx.RemoteProtocolError, True),
        (Fault(delay=6), httpx.ReadTimeout, True),
    ],
)
def test_a_fault_shows_as_httpx_shows_the_real_thing(
    fault: Fault, error: type[httpx.TransportError], arrived: bool
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    wire = transport(faults=[fault], sleep=sleep)
    with pytest.raises(error):
        get(wire, timeout=5)
    assert len(wire.requests) == arrived
    assert waits == ([5] if error is httpx.ReadTimeout else [])
    assert get(wire).status_code == 200, "the next one is spared"


def test_one_that_hangs_without_a_timeout_hangs_for_as_long_as_it_is_let() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    wire = transport(faults=[Fault(drop="hang"), Fault(drop="hang", delay=3), Fault(delay=4)], sleep=sleep)
    for _ in range(2):
        with pytest.raises(httpx.ReadTimeout):
            get(wire, timeout=None)
    assert get(wire, timeout=None).status_code == 200
    assert waits == [math.inf, 3, 4]

    async def cancelled(client: httpx.AsyncClient) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.get(LIST), 0.01)

    using(transport(faults=[Fault(drop="hang")]), cancelled, timeout=None)


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        (Fault("POST", drop="close"), 0),
        (Fault("POST", drop="close", effect=True), 1),
        (Fault("POST", drop="reset", effect=True), 1),
        (Fault("POST", cut=20), 1),
        (Fault("POST", delay=9), 1),
        (Fault("POST", drop="hang"), 0),
    ],
)
def test_a_lost_answer_may_have_been_of_a_request_that_took_effect(fault: Fault, made: int) -> None:
    async def sleep(seconds: float) -> None:
        pass

    wire = transport(images=[], faults=[fault], sleep=sleep)
    with pytest.raises(httpx.TransportError):
        using(wire, lambda client: client.post(LIST, json={"disk_id": DISK}), timeout=5)
    assert get(wire).json()["results"] == made


def test_a_status_in_the_place_of_an_answer() -> None:
    wire = transport(
        images=[],
        faults=[
            Fault("POST", status=504, effect=True),
            Fault("GET", "^/images$", status=302, headers={"Location": "https://elsewhere.example/v4/images"}),
        ],
    )
    assert using(wire, lambda client: client.post(LIST, json={"disk_id": DISK})).status_code == 504
    response = get(wire, follow_redirects=True)
    assert response.json()["results"] == 0, "httpx keeps the token from another host"
    assert ["authorization" in sent.headers for sent in wire.requests] == [True, True, False]
    assert get(wire).json()["results"] == 1, "the one that answered 504 took effect"


def test_a_fault_can_befall_an_upload() -> None:
    wire = transport(
        faults=[Fault("PUT", "^/images-uploads/", status=503), Fault("PUT", "^/images-uploads/", drop="reset")]
    )
    file = gzip.compress(b"raw")

    async def work(client: httpx.AsyncClient) -> list[Any]:
        made = (await client.post(f"{LIST}/upload", json={"label": "x", "region": "us-east"})).json()
        del client.headers["Authorization"]
        outcomes: list[Any] = []
        for _ in range(3):
            try:
                headers = {"Content-Type": "application/octet-stream"}
                outcomes.append((await client.put(made["upload_to"], content=file, headers=headers)).status_code)
            except httpx.TransportError as error:
                outcomes.append(type(error))
        return outcomes

    assert using(wire, work) == [503, httpx.ReadError, 200]

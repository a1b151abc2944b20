"""A write is shown before it leaves, and what was shown is what leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from engine.arguments import Job
from engine.errors import Declined, Refused
from engine.planner.plan import Plan, Step
from engine.planner.writes import OUT
from engine.preview import Preview, preview
from engine.session import Session
from engine.settings import Settings
from engine.wire.call import Call
from provider_registry.model import Method, Param, Shape
from provider_registry.protocol import Server
from tests.planner.demo import ROOT, api

IMAGES = [
    {
        "id": f"private/{n}",
        "label": f"old-{n}",
        "created": "2020-01-01T00:00:00",
        "type": "manual",
        "is_public": False,
    }
    for n in range(1, 4)
]


class Account:
    """Images behind a transport, and every request that changed them."""

    def __init__(self) -> None:
        self.images: list[dict[str, Any]] = [dict(image) for image in IMAGES]
        self.written: list[str] = []
        self.read = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            self.read += 1
            body = {"data": self.images, "page": 1, "pages": 1, "results": len(self.images)}
            return httpx.Response(200, json=body)
        self.written.append(f"{request.method} {request.url.path} {request.content.decode()}".strip())
        return httpx.Response(200, json={"id": "private/1"})

    def session(self, approve: Callable[[Preview], bool] | None, settings: Settings | None = None) -> Session:
        given = settings or Settings(token="t0k3n-of-a-test", environ={})
        return Session(given, approve=approve, transport=httpx.MockTransport(self.answer))


def noting(seen: list[Preview], answer: bool) -> Callable[[Preview], bool]:
    """An approval that keeps what it is shown."""

    def approve(preview: Preview) -> bool:
        seen.append(preview)
        return answer

    return approve


def run(session: Session, sql: str) -> list[Any]:
    with session:
        return [row for result in session.run(sql) for row in (*result.fetchall(), *result.messages)]


DELETE = "DELETE FROM linode.images.images WHERE created < '2024'"


def test_what_was_shown_is_what_is_written_whatever_came_since() -> None:
    account, seen = Account(), []

    def approve(preview: Preview) -> bool:
        seen.append(preview)
        assert account.written == []
        account.images.append({**IMAGES[0], "id": "private/99", "label": "came since"})
        return True

    assert run(account.session(approve), DELETE) == ["3 rows deleted"]
    assert sorted(account.written) == [f"DELETE /v4/images/private/{n}" for n in (1, 2, 3)]
    assert account.read == 1
    (preview,) = seen
    assert (preview.verb, preview.resource, preview.method) == ("delete", "linode.images.images", "delete_image")
    assert [job.label for job in preview.todo] == [f"imageId = private/{n}" for n in (1, 2, 3)]
    assert preview.columns == ("imageId", "label", "created")
    assert preview.result().fetchall()[0] == ("private/1", "old-1", "2020-01-01T00:00:00")
    assert preview.requests[0] == "DELETE https://api.linode.com/v4/images/private%2F1"


@pytest.mark.parametrize("sql", [DELETE, f"EXPLAIN ANALYZE {DELETE}"])
def test_no_is_no(sql: str) -> None:
    account = Account()
    with pytest.raises(Declined, match="nothing was written"):
        run(account.session(lambda _: False), sql)
    assert account.written == []


def test_nothing_to_write_and_nothing_that_writes_is_no_question() -> None:
    account, seen = Account(), list[Preview]()
    for sql in ("SELECT id FROM linode.images.images", f"{DELETE} AND label = 'none'", f"EXPLAIN {DELETE}"):
        run(account.session(noting(seen, False)), sql)
    assert seen == []
    with pytest.raises(Refused, match="more than the 2 allowed"):  # before a question, not after it
        run(account.session(noting(seen, False), Settings(token="t", max_writes=2)), DELETE)
    assert (seen, account.written) == ([], [])


def test_the_new_values_stand_beside_the_old_ones() -> None:
    seen: list[Preview] = []
    sql = """REPLACE linode.images.images SET data__label = upper(label), data__tags = '["a-b"]'
        WHERE label GLOB 'old-*'"""
    run(Account().session(noting(seen, True)), sql)
    assert seen[0].columns == ("imageId", "old_label", "new_label", "old_tags", "new_tags")
    assert seen[0].rows[2] == ("private/3", "old-3", "OLD-3", None, '["a-b"]')
    sql = "EXEC acme.shop.notes.note @text = 'x'"
    session = Session(
        Settings(registry=(ROOT,), environ={}),
        approve=noting(seen, True),
        transport=httpx.MockTransport(api),
    )
    assert run(session, sql) == ["1 call done"]
    assert (seen[1].rows, seen[1].requests) == ((("x",),), ('POST https://api.acme.test/v1/notes  {"text": "x"}',))


def test_secrets_are_not_shown() -> None:
    params = (
        Param(name="data__root_pass", wire="root_pass", location="body"),
        Param(name="data__users", wire="users", location="body", shape=Shape(type="array")),
    )
    method = Method(name="make", http="POST", path="/things", server=Server(url="https://h"), params=params)
    step = Step(OUT, "p", "p.s.things", "insert", method, ())
    args = {"data__root_pass": "hunter2", "data__users": '[{"password": "hunter3"}]'}
    shown = preview(Plan("insert", (step,)), [Job(Call("p", method, args), {})], Settings(environ={}))
    assert shown.rows == (("***", '[{"password": "***"}]'),)
    assert "hunter" not in "".join(shown.requests)


def test_two_keys_find_their_row() -> None:
    seen: list[Preview] = []

    def orders(request: httpx.Request) -> httpx.Response:
        row = {"id": 11, "customer": 1, "total": 5.5, "note": "n"}
        return httpx.Response(200, content=json.dumps({"items": [row]}))

    session = Session(
        Settings(registry=(ROOT,), environ={}),
        approve=noting(seen, False),
        transport=httpx.MockTransport(orders),
    )
    with pytest.raises(Declined):
        run(session, "DELETE FROM acme.shop.orders WHERE customerId = 1 AND total > 5")
    assert dict(zip(seen[0].columns, seen[0].rows[0], strict=True)) == {"customerId": 1, "orderId": 11, "total": 5.5}


def test_time_to_think_is_not_the_statements() -> None:
    account = Account()
    heard: list[str] = []

    def slowly(_: Preview) -> bool:
        time.sleep(0.6)
        return heard[-1] == "ask"

    settings = Settings(token="t", timeout=0.5, environ={})
    with account.session(slowly, settings) as session:
        session.on_event = lambda event: heard.append(event.kind)
        (result,) = session.run(f"{DELETE} RETURNING id")
        assert len(result.fetchall()) == 3
        assert result.stats.seconds < 0.5
        assert heard.count("ask") == 1
        assert heard[-1] != "ask"


def test_another_token_and_what_is_left_of_a_limit() -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        headers = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "17", "x-ratelimit-reset": "55"}
        body = {"data": [], "page": 1, "pages": 1, "results": 0}
        return httpx.Response(200, json=body, headers=headers)

    with Session(Settings(environ={}), transport=httpx.MockTransport(answer)) as session:
        assert session.allowances() == {}
        list(session.run("SELECT id FROM linode.images.images"))
        assert session.allowances() == {"images:list": (17, 20)}
        session.sign_in("n3w-token")
        list(session.run("SELECT id FROM linode.images.images"))
    assert seen == [None, "Bearer n3w-token"]

"""What goes wrong, as the classes of PEP 249, with facts and a hint."""

from __future__ import annotations

import asyncio
import logging
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.sandbox.faults import Fault
from engine.wire.events import Event
from tests.api.opened import IMAGE, opened, wire

ONE = f"SELECT id FROM {IMAGE} WHERE id = 'private/11'"
THREE = "'private/11', 'private/12', 'private/13'"
SECRET = "a-token-nobody-may-see"


async def asleep(event: Event) -> None:
    raise AssertionError("nobody awaits it")


def test_a_refused_token() -> None:
    with opened(token=SECRET) as connection, pytest.raises(engine.OperationalError) as raised:
        connection.execute(ONE)
    error = raised.value
    assert (error.status, [reason.reason for reason in error.errors]) == (401, ["Invalid Token"])
    assert error.request.startswith("GET https://api.linode.com/v4/images/private%2F11")
    assert error.hint
    assert SECRET not in "".join([str(error), error.request, error.hint, *error.__notes__])


def test_an_api_that_is_busy() -> None:
    busy = Fault("POST", "^/images$", status=429, headers={"Retry-After": "7200"}, times=None)
    insert = f"INSERT INTO {IMAGE} (data__disk_id) VALUES (25674130)"
    with opened(busy, timeout=1) as connection, pytest.raises(engine.OperationalError) as raised:
        connection.execute(insert)
    assert (raised.value.status, raised.value.retry_after) == (429, 7200)
    with opened(Fault("DELETE", status=400, body={"errors": [{"reason": "No.", "field": "id"}]})) as connection:
        with pytest.raises(engine.ApiError) as refused:
            connection.execute(f"DELETE FROM {IMAGE} WHERE id = 'private/11'")
        assert (refused.value.status, refused.value.errors) == (400, (("No.", "id"),))


def test_a_server_that_hangs() -> None:
    hangs = Fault("GET", "^/images/", drop="hang", times=None)
    waited = r"the 0\.2 s allowed are used up, waiting for the answer to GET https://api\.linode\.com/v4/images"
    with opened(hangs, timeout=0.2) as connection, pytest.raises(engine.OperationalError, match=waited) as raised:
        connection.execute(ONE)
    assert raised.value.hint == "allow more with timeout=..., or ask for less"
    with opened(max_requests=1) as connection, pytest.raises(engine.ProgrammingError) as refused:
        connection.execute(f"SELECT id FROM {IMAGE} WHERE id IN ({THREE})")
    assert refused.value.hint == "narrow the WHERE, or allow them: max_requests=3"


def test_a_write_that_breaks_tells_what_is_done() -> None:
    broken = Fault("PUT", nth=2, status=500, times=None)
    with opened(broken, concurrency=1) as connection, pytest.raises(engine.OperationalError) as raised:
        connection.execute(f"REPLACE {IMAGE} SET label = 'x' WHERE id IN ({THREE}) RETURNING id, tags")
    error = raised.value
    assert isinstance(error, engine.PartialWrite)
    assert isinstance(error.completed, engine.Result)
    ((ident, tags),) = error.completed.fetchall()
    assert (ident, type(tags)) == ("private/11", list)
    assert [row["imageId"] for row in error.unsent] == ["private/13"]


def test_wrong_settings(tmp_path: Path) -> None:
    wrong: list[dict[str, Any]] = [{"concurrency": 0}, {"timeout": -1}, {"registry": tmp_path}]
    for options in wrong:
        with pytest.raises(engine.InterfaceError):
            engine.connect(sandbox=True, **options)
    with pytest.raises(TypeError, match="no option colour"):
        engine.connect(colour="red")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"concurrency": "4"}, "concurrency takes a whole number, not str"),
        ({"concurrency": True}, "concurrency takes a whole number, not bool"),
        ({"page_size": "50"}, "page_size takes a whole number, not str"),
        ({"page_size": 0}, "setting page_size must be at least 1, got 0"),
        ({"timeout": "soon"}, "timeout takes a number of seconds, not str"),
        ({"timeout": float("nan")}, "setting timeout must be more than 0 seconds, got nan"),
        ({"token": b"hush"}, "token takes text, not bytes"),
        ({"server": "https://h"}, "server takes a mapping of providers to base URLs, not str"),
        ({"server": {"linode": 5}}, "server takes a mapping of providers to base URLs, not dict"),
        ({"registry": 5}, "registry takes a path, or a list of them, not int"),
        ({"account": [5]}, "account takes a name, or a list of them, not list"),
        ({"sandbox": 5}, "sandbox takes True, False or a path, not int"),
        ({"pushdown": "no"}, "pushdown takes True or False, not str"),
        ({"ledger": 5}, "ledger takes a path, not int"),
        ({"on_request": "print"}, "on_request takes a function of an Event, not str"),
        ({"on_page": asleep}, "on_page takes a function of an Event, not function"),
    ],
)
def test_options_of_a_wrong_kind(options: Any, told: str) -> None:
    with pytest.raises(engine.InterfaceError) as raised:
        engine.connect(**{"sandbox": True, **options})
    assert str(raised.value) == told


def test_settings_come_from_where_they_always_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("max_requests = 7\nconcurrency = 3\n")
    monkeypatch.setenv("STRATOQL_CONFIG", str(config))
    with engine.connect(sandbox=tmp_path / "state.db", concurrency=2, server={"linode": "https://h"}) as connection:
        settings = connection.session.settings
    assert (settings.max_requests, settings.concurrency, settings.servers) == (7, 2, {"linode": "https://h"})
    assert settings.sandbox == str(tmp_path / "state.db")


def test_events_and_the_log_tell_what_happens(caplog: pytest.LogCaptureFixture) -> None:
    heard: dict[str, list[Event]] = {"request": [], "page": [], "wait": [], "event": []}
    with (
        caplog.at_level(logging.INFO, "engine"),
        engine.connect(
            sandbox=True,
            token=SECRET,
            on_request=heard["request"].append,
            on_page=heard["page"].append,
            on_wait=heard["wait"].append,
            on_event=heard["event"].append,
        ) as connection,
    ):
        connection.execute(f"SELECT id FROM {IMAGE}")
    assert [event.kind for event in heard["request"]] == ["request", "response"]
    assert [(event.kind, event.number) for event in heard["page"]] == [("page", 1)]
    assert heard["wait"] == []
    assert len(heard["event"]) == 3
    (line,) = [record.getMessage() for record in caplog.records if record.name == "engine.wire"]
    assert line.startswith("GET /v4/images?page=1&page_size=500 200 ")
    assert line.endswith(" ms attempt 1")
    assert SECRET not in caplog.text


def test_a_callback_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("mine")

    with engine.connect(sandbox=True, on_request=broken) as connection:
        assert connection.execute(ONE.replace("private/11", "linode/arch")).fetchall() == [("linode/arch",)]
    assert "a callback failed on: GET https://" in caplog.text


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_not_even_an_exit_in_a_callback(caplog: pytest.LogCaptureFixture, raised: type[BaseException]) -> None:
    """The thread that it is called in is everybody's."""

    def leave(event: Event) -> None:
        raise raised

    with engine.connect(sandbox=True, on_request=leave, timeout=5) as connection:
        assert connection.execute("SELECT id FROM linode.images.images WHERE id = 'linode/arch'").fetchall()
    assert "a callback failed on: " in caplog.text


def test_a_callback_that_would_wait_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    sql = "SELECT id FROM linode.images.images WHERE id = 'linode/arch'"

    def ask(event: Event) -> None:
        connection.execute(sql)

    with engine.connect(sandbox=True, on_page=ask, timeout=5) as connection:
        assert connection.execute(sql).fetchall()
    assert "a callback is called in the thread of the requests, and cannot wait for one" in caplog.text


def test_plans_send_nothing() -> None:
    through = wire()
    with opened(through=through) as connection:
        delete = f"DELETE FROM {IMAGE} WHERE id = :id"
        told = connection.explain(delete, {"id": "private/11"})
        assert "send: DELETE https://api.linode.com/v4/images/private%2F11" in told
        assert connection.dry_run(f"{delete}; SELECT 1", {"id": "private/11"}) == [told, "output: SELECT 1"]
        assert connection.writes(f"SELECT 1; {delete}; EXPLAIN {delete}", {"id": "private/11"}) == [delete]
        with pytest.raises(engine.ProgrammingError, match="one statement is expected here, found 2"):
            connection.explain("SELECT 1; SELECT 2")
    assert through.requests == []


def test_the_catalog_is_for_tools() -> None:
    with opened() as connection:
        catalog = connection.catalog
        assert "linode" in [provider.name for provider in catalog.providers()]
        assert "images" in [service.name for service in catalog.services("linode")]
        assert "images" in [resource.name for resource in catalog.resources("linode.images")]
        assert catalog.method("linode.images.images.delete_image").http == "DELETE"
        assert all(column.description for column in catalog.columns(IMAGE))
        with pytest.raises(engine.ProgrammingError) as raised:
            catalog.methods("linode.images.imags")
        assert raised.value.hint == "did you mean images?"
        with pytest.raises(engine.ProgrammingError, match="a name is text, not a NoneType"):
            catalog.methods(None)  # type: ignore[arg-type]


def test_an_error_goes_to_another_process() -> None:
    """As pools of them, and test runners, send it: with its facts, its notes and its class."""
    busy = Fault("GET", status=429, headers={"Retry-After": "9"}, times=None)
    broken = Fault("DELETE", nth=2, status=400, body={"errors": [{"reason": "no", "field": "imageId"}]})
    for sql, fault in [
        (ONE, busy),
        (f"DELETE FROM {IMAGE} WHERE id IN ({THREE})", broken),
        (f"DELETE FROM {IMAGE} WHERE id IN ({THREE}) RETURNING id", broken),
        (f"SELECT lable FROM {IMAGE}", busy),
        ("SELECT ?", busy),
        (f"INSERT INTO {IMAGE} (data__disk_id) VALUES ('x')", busy),
        ("SELEC", busy),
        (f"SELECT /*+ AWAIT */ id FROM {IMAGE} WHERE id = 'private/1'", Fault("POST")),
    ]:
        with opened(fault, timeout=4) as connection, pytest.raises(engine.Error) as raised:
            connection.execute(sql)
        error = raised.value
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.hint) == (type(error), str(error), error.hint)
        assert again.__notes__ == error.__notes__
        for fact in ("status", "errors", "request", "retry_after", "done", "unsent", "span", "place", "states"):
            assert getattr(again, fact, None) == getattr(error, fact, None)


def test_a_warning_stands_at_the_line_that_called() -> None:
    """Where Python's filters look: one told of the engine's own line would be told once."""

    async def main() -> None:
        async with engine.aconnect(sandbox=True) as connection:
            await connection.query("SELECT /*+ HURRY */ 2")

    with warnings.catch_warnings(record=True) as told, opened() as connection:
        warnings.simplefilter("always")
        connection.execute("SELECT /*+ HURRY */ 1")
        connection.query("SELECT /*+ HURRY */ 1")
        list(connection.script("SELECT /*+ HURRY */ 1"))
        asyncio.run(main())
    assert [warning.category for warning in told] == [engine.Warning] * 4
    assert [warning.filename for warning in told] == [__file__] * 4

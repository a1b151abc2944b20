"""AWAIT: what is waited for, how it is asked, how it ends. The requests that leave are part of what is expected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.errors import StratoqlError, Unready, explain
from engine.language.parser import parse
from engine.lifecycle.states import View, view
from engine.planner.awaits import USUAL
from engine.portal import AWAITING
from engine.sandbox import TOKEN, transport
from engine.sandbox.faults import Fault
from engine.sandbox.rules import Rules
from engine.sandbox.seeds import DAMAGED_DISK
from engine.session import Session
from engine.settings import Settings
from engine.wire.events import Event
from provider_registry.model import Goal
from tests.conftest import Passing
from tests.registry import shop as stock
from tests.statements.fixtures import IMAGES, Outcome, run

TABLE = "linode.images.images"
RULES = Rules(rate_limit=False, capture_seconds=20, replicate_seconds=10)
COLUMNS = f"INTO {TABLE} (data__disk_id, data__label)"
INSERT = f"INSERT /*+ AWAIT */ {COLUMNS} VALUES (25674130, 'gold') RETURNING id, label, status, size"
SPREAD = f"EXEC /*+ AWAIT */ {TABLE}.post_replicate_image @imageId = 'private/12', @regions = "
POST = 'POST /v4/images  {"disk_id":25674130,"label":"gold"}'
LOOK = "GET /v4/images/private%2F28000001"
GO_ON = f"SELECT /*+ AWAIT */ * FROM {TABLE} WHERE id = "


def waiting(passing: Passing, sql: str, settings: Settings | None = None, **more: Any) -> Outcome:
    """Run SQL where time passes only while somebody waits."""
    options = {"clock": lambda: passing.now, "rules": RULES, **more}
    return run(sql, settings, **options)


def test_a_capture_is_looked_up_by_its_id_until_it_is_available(passing: Passing) -> None:
    outcome = waiting(passing, INSERT)
    assert outcome.rows == ("private/28000001 | gold | available | 2210",)
    assert outcome.requests == (POST, *[LOOK] * 4)
    assert passing.slept == [3.0, 4.5, 6.75, 10.125]
    assert outcome.warnings == ()


def test_a_wait_takes_longer_steps_up_to_a_quarter_of_a_minute(passing: Passing) -> None:
    waiting(passing, INSERT, rules=Rules(capture_seconds=600))
    assert passing.slept[3:7] == [10.125, 15.0, 15.0, 15.0]
    assert sum(passing.slept) >= 600


def test_several_rows_are_waited_for_side_by_side(passing: Passing) -> None:
    sql = f"INSERT /*+ AWAIT */ {COLUMNS} VALUES (25674130, 'a'), (25674142, 'b') RETURNING label, status"
    began = passing.now
    outcome = waiting(passing, sql)
    assert outcome.rows == ("a | available", "b | available")
    assert sorted(outcome.requests[2:]) == sorted([LOOK, f"{LOOK[:-1]}2"] * 4)
    assert len(passing.slept) == 8
    assert passing.now - began == 3.0 + 4.5 + 6.75 + 10.125  # the time of one, not of two


def test_where_one_row_fails_the_others_are_named_and_not_waited_for(passing: Passing) -> None:
    sql = f"INSERT /*+ AWAIT */ {COLUMNS} VALUES (25674130, 'a'), (25674142, 'b'), (1, 'no') RETURNING label, status"
    outcome = waiting(passing, sql)
    assert "of 3 rows: 2 done, 1 failed" in outcome.error
    go_on = GO_ON.replace("= ", "IN ('private/28000001', 'private/28000002')")
    assert outcome.error.endswith(f"hint: what is done is not waited for: {go_on} does that")
    assert not passing.slept
    nothing = waiting(
        passing, sql, faults=[Fault("POST", drop="reset", effect=True)], settings=Settings(concurrency=1)
    )
    assert "not waited for" not in nothing.error


def test_without_returning_a_count_comes_when_all_are_ready(passing: Passing) -> None:
    outcome = waiting(passing, INSERT.partition(" RETURNING")[0])
    assert len(outcome.requests) == 5


def test_replicas_are_waited_for_one_by_one(passing: Passing) -> None:
    outcome = waiting(passing, SPREAD + """'["us-east", "us-ord"]'""")
    regions = outcome.values[0][outcome.columns.index("regions")]
    assert {each["region"]: each["status"] for each in json.loads(regions)} == {
        "us-east": "available",
        "us-ord": "available",
    }
    assert outcome.requests[1:] == ("GET /v4/images/private%2F12",) * 3


def test_what_is_there_already_needs_no_look(passing: Passing) -> None:
    outcome = waiting(passing, SPREAD + """'["us-east"]'""")
    assert (len(outcome.requests), passing.slept, len(outcome.rows)) == (1, [], 1)


def test_a_select_waits_for_the_rows_it_looks_up(passing: Passing) -> None:
    images = [
        {**IMAGES[1], "status": "creating"},
        {**IMAGES[2], "regions": [{"region": "a", "status": "pending deletion"}]},
    ]
    sql = f"SELECT /*+ AWAIT(10s) */ id, status FROM {TABLE} WHERE id IN ('private/12', 'private/13')"
    assert waiting(passing, sql, images=images[1:] + IMAGES[1:2]).rows == (
        "private/12 | available",
        "private/13 | available",
    )
    assert waiting(passing, sql, images=images).error.splitlines() == [
        "error: of 2 rows 1 is ready after 10 s",
        "  not ready  private/12: creating, size 1,200 MB",
        "  ready      private/13: available, size 900 MB",
        f"hint: it goes on; to wait for it again: {GO_ON}'private/12'",
    ]
    found = waiting(passing, f"SELECT /*+ AWAIT */ id, status FROM {TABLE} WHERE id = 'linode/debian12'")
    assert (found.rows, found.requests) == (
        ("linode/debian12 | available",),
        ("GET /v4/images/linode%2Fdebian12",),
    )
    copying = waiting(passing, f"SELECT /*+ AWAIT(10s) */ id FROM {TABLE} WHERE id = 'private/11'")
    assert "private/11 is not ready after 10 s: eu-central replicating, size 2,500 MB" in copying.error


def test_a_query_over_an_exec_waits_too(passing: Passing) -> None:
    call = SPREAD.replace(" /*+ AWAIT */", "") + """'["us-east", "fr-par"]'"""
    sql = f"SELECT /*+ AWAIT */ id, json_array_length(regions) AS copies FROM ({call}) r"
    outcome = waiting(passing, sql)
    assert outcome.rows == ("private/12 | 2",)
    assert len(outcome.requests) == 4


def test_a_time_out_says_what_is_done_and_how_to_go_on(passing: Passing) -> None:
    outcome = waiting(passing, INSERT.replace("AWAIT", "AWAIT(timeout=10s)"))
    assert outcome.error == (
        "error: post_image is done, but private/28000001 is not ready after 10 s: creating, size 13,905 MB\n"
        f"hint: it goes on; to wait for it again: {GO_ON}'private/28000001'"
    )
    assert outcome.rows == ("private/28000001 | gold | creating | 13905",)  # as it was last seen
    assert passing.slept == [3.0, 4.5, 2.5]  # the last look is when the time is up
    assert outcome.requests == (POST, *[LOOK] * 3)


def test_of_several_rows_each_is_accounted_for(passing: Passing) -> None:
    rows = f"VALUES (25674130, 'a'), ({DAMAGED_DISK}, 'b'), (25674142, 'c')"
    sql = f"INSERT /*+ AWAIT(30s) */ {COLUMNS} {rows} RETURNING id"
    faults = [Fault("GET", "28000003", patch={"status": "creating"}, times=None)]
    outcome = waiting(passing, sql, faults=faults)
    assert outcome.error.splitlines() == [
        "error: post_image is done, but of 3 rows 1 is ready after 30 s",
        "  ready      private/28000001: available, size 2,210 MB",
        "  not ready  private/28000002: failed: it is gone (HTTP 404: Not found), last seen creating; "
        "an image whose capture or upload fails is removed",
        "  not ready  private/28000003: creating, size 5,310 MB",
        f"hint: it goes on; to wait for it again: {GO_ON}'private/28000003'",
    ]
    assert len(outcome.rows) == 3


def test_of_several_late_rows_one_statement_goes_on_waiting(passing: Passing) -> None:
    sql = f"INSERT /*+ AWAIT(3s) */ {COLUMNS} VALUES (25674130, 'a'), (25674142, 'b')"
    assert waiting(passing, sql).error.endswith("WHERE id IN ('private/28000001', 'private/28000002')")


def test_a_row_that_is_gone_has_failed(passing: Passing) -> None:
    outcome = waiting(passing, INSERT.replace("25674130", str(DAMAGED_DISK)))
    assert outcome.error == (
        "error: post_image is done, but private/28000001 failed after 24 s: it is gone (HTTP 404: Not found), "
        "last seen creating; an image whose capture or upload fails is removed"
    )
    missing = waiting(passing, f"SELECT /*+ AWAIT */ id FROM {TABLE} WHERE id = 'private/9'")
    assert missing.error.startswith("error: private/9 failed after 0 s: it is gone (HTTP 404: Not found); an image")


def test_a_state_that_the_document_calls_failed_ends_a_wait() -> None:
    goals = [Goal(column="status", ready=("up",), failed=("broken",)), Goal(column="id", ready=("a",))]
    assert view(goals, {"status": "broken", "id": "b"}, {}) == View("failed", "broken, b")
    assert view(goals, {"status": "up", "id": "a"}, {}) == View("ready", "up")
    assert view(goals, {"status": None, "id": "a"}, {}) == View("pending", "unknown")


def test_replicas_in_any_form_are_read() -> None:
    every = [Goal(column="regions", member="status", key="region", ready=("up",))]
    assert view(every, {"regions": '[{"region": "a", "status": "up"}, {"status": "on"}, 5]'}, {}).state == "on"
    for empty in (None, "[]", "no JSON", '{"a": 1}'):
        assert view(every, {"regions": empty}, {}) == View("ready", "up")
    assert view([], {}, {}) == View("ready", "done")


def test_trouble_on_the_way_does_not_end_a_wait(passing: Passing, caplog: pytest.LogCaptureFixture) -> None:
    """Each look is tried again as any read is, and where that does not help the next look may."""
    outcome = waiting(passing, INSERT, faults=[Fault("GET", "private", status=503, times=7)])
    assert outcome.rows == ("private/28000001 | gold | available | 2210",)
    assert "private/28000001 could not be looked at: HTTP 503" in caplog.text
    assert "waiting for private/28000001: creating, size 25,600 MB" in caplog.text


def test_what_does_not_go_away_ends_it(passing: Passing) -> None:
    outcome = waiting(passing, INSERT, faults=[Fault("GET", "private", status=403, times=None)])
    assert outcome.error.startswith(
        "error: post_image is done, but private/28000001 cannot be looked at, "
        "last seen creating, size 25,600 MB: HTTP 403"
    )
    assert GO_ON in outcome.error
    sql = f"INSERT /*+ AWAIT */ {COLUMNS} VALUES (25674130, 'a'), (25674142, 'b')"
    outcome = waiting(passing, sql, faults=[Fault("GET", "private", status=403, times=None)])
    assert "  not ready  private/28000001: not seen any more: HTTP 403" in outcome.error


def test_a_look_that_finds_no_row_has_found_that_it_failed(passing: Passing) -> None:
    outcome = waiting(passing, INSERT, faults=[Fault("GET", "private", body="null")])
    assert "failed after 3 s: nothing is there" in outcome.error


def test_a_look_that_hangs_ends_with_the_wait(passing: Passing) -> None:
    async def hanging(seconds: float) -> None:
        await asyncio.sleep(60)

    settings = Settings(environ={})
    faults = [Fault("GET", "private", drop="hang", times=None)]
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patched:
        patched.setattr("engine.lifecycle.awaiting.GRACE", 0.05)
        outcome = waiting(passing, INSERT.replace("AWAIT", "AWAIT(3s)"), settings, faults=faults, sleep=hanging)
    assert "private/28000001 is not ready after 3 s: creating" in outcome.error


def test_a_wait_is_no_part_of_what_a_statement_may_take(passing: Passing) -> None:
    """--max-requests counts what the statement asks, --timeout the time it takes for itself."""
    outcome = waiting(
        passing, INSERT, Settings(environ={}, max_requests=1, timeout=5.0), rules=Rules(capture_seconds=99)
    )
    assert outcome.rows == ("private/28000001 | gold | available | 2210",)
    assert passing.slept[-1] == 15.0


def test_a_write_that_breaks_is_accounted_for_as_ever_and_not_waited_for(passing: Passing) -> None:
    sql = f"INSERT /*+ AWAIT */ {COLUMNS} VALUES (25674130, 'a'), (25674142, 'b')"
    outcome = waiting(passing, sql, Settings(environ={}, concurrency=1), faults=[Fault("POST", nth=2, status=500)])
    assert "INSERT stopped part-way, of 2 rows: 1 done, 1 unknown" in outcome.error
    assert (len(outcome.requests), passing.slept) == (2, [])


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        ("AWAIT(timeout=soon)", "the timeout of AWAIT expects a time such as 90s, 30m or 1h30m, got 'soon'"),
        ("AWAIT(timeout=)", "the timeout of AWAIT expects a time such as 90s, 30m or 1h30m, got ''"),
        ("AWAIT(0)", "the timeout of AWAIT expects a time such as 90s, 30m or 1h30m, got '0'"),
        ("AWAIT(-5m)", "got '-5m'\nhint: write /*+ AWAIT(timeout=30m) */"),
        ("AWAIT(every=5s)", "AWAIT takes a timeout, and no every"),
    ],
)
def test_a_hint_that_says_no_time_is_told(hint: str, words: str) -> None:
    outcome = run(INSERT.replace("AWAIT", hint))
    assert words in outcome.error
    assert outcome.requests == ()


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            f"SELECT /*+ AWAIT */ id FROM {TABLE} WHERE label = 'x'",
            "get_images has nothing to wait for: its document",
        ),
        (f"SELECT /*+ AWAIT */ id FROM {TABLE}", "looked up by its key: WHERE id = '...'"),
        (
            f"DELETE /*+ AWAIT */ FROM {TABLE} WHERE id = 'private/11'",
            "delete_image has nothing to wait for: it is done",
        ),
        (f"REPLACE /*+ AWAIT */ {TABLE} SET data__label = 'x' WHERE id = 'private/11'", "put_image has nothing"),
        ("SELECT /*+ AWAIT */ 1", "AWAIT has nothing to wait for: nothing is asked of an API"),
        ("SHOW /*+ AWAIT */ PROVIDERS", "SHOW has nothing to wait for"),
        (
            f"EXEC /*+ AWAIT */ {TABLE}.post_upload_image @label = 'x', @region = 'us-east'",
            "AWAIT would wait for a file that nobody sends to what post_upload_image makes",
        ),
    ],
)
def test_where_there_is_nothing_to_wait_for_nothing_is_sent(sql: str, words: str) -> None:
    outcome = run(sql)
    assert words in outcome.error
    assert outcome.requests == ()


def test_the_plan_tells_of_the_wait_and_sends_nothing(passing: Passing) -> None:
    plan = waiting(passing, f"EXPLAIN {INSERT.replace('AWAIT', 'AWAIT(1h30m)')}")
    assert plan.rows[4:6] == (
        "  then: GET https://api.linode.com/v4/images/{imageId} every 3 to 15 s, for at most 1 h 30 min",
        "    until status is available",
    )
    dry = run(SPREAD + """'["us-east"]'""", dry_run=True)
    assert "    until status is available in regions for each of @regions" in dry.rows
    assert plan.requests == dry.requests == ()


def test_explain_analyze_counts_the_looks(passing: Passing) -> None:
    told = "\n".join(waiting(passing, f"EXPLAIN ANALYZE {INSERT}").rows)
    assert "step 1: 5 requests, 1 page, 1 row fetched" in told


def test_the_hint_of_an_explain_is_that_of_what_it_explains(passing: Passing) -> None:
    outcome = run(f"EXPLAIN /*+ AWAIT */ SELECT id FROM {TABLE}")
    assert "get_images has nothing to wait for" in outcome.error
    plan = waiting(passing, f"EXPLAIN /*+ AWAIT(1h30m) */ {INSERT.replace('/*+ AWAIT */', '')}")
    assert "    until status is available" in plan.rows
    assert plan.warnings == plan.requests == ()
    assert "SHOW has nothing to wait for" in run("EXPLAIN /*+ AWAIT */ SHOW PROVIDERS").error


@pytest.mark.parametrize(
    "sql",
    [
        f"/*+ AWAIT */ {INSERT.replace('/*+ AWAIT */', '')}",
        f"SELECT 1; /*+ AWAIT */ {INSERT.replace('/*+ AWAIT */', '')}",
        INSERT.replace("/*+ AWAIT */ INTO", "INTO /*+ AWAIT */"),
        f"{INSERT.replace('/*+ AWAIT */', '')} -- to the end\n/*+ AWAIT */;",
        INSERT.replace("INSERT", "WITH x AS (SELECT 25674130) INSERT").replace(
            "VALUES (25674130, 'gold')", "SELECT *, 'gold' FROM x"
        ),
    ],
)
def test_a_hint_counts_wherever_it_stands(sql: str, passing: Passing) -> None:
    outcome = waiting(passing, sql)
    assert outcome.rows[-1] == "private/28000001 | gold | available | 2210"
    assert outcome.warnings == ()


def test_a_call_in_a_from_is_waited_for(passing: Passing) -> None:
    call = SPREAD.replace("EXEC", "SELECT id FROM (EXEC") + """'["us-east", "us-ord"]') x"""
    outcome = waiting(passing, call)
    assert (outcome.error, outcome.rows) == ("", ("private/12",))
    assert passing.slept


def test_an_hour_is_waited_where_nothing_is_said() -> None:
    (statement,) = parse(INSERT)
    assert (statement.hints[0].name, USUAL) == ("AWAIT", 3600.0)


def events(passing: Passing, sql: str, **more: Any) -> list[Event]:
    heard: list[Event] = []
    wire = transport(images=IMAGES, rules=RULES, clock=lambda: passing.now, **more)
    with Session(Settings(token=TOKEN, environ={}), transport=wire, on_event=heard.append) as session:
        for result in session.run(sql):
            result.fetchall()
    return [event for event in heard if event.kind == "await"]


def test_how_far_each_row_is_can_be_heard(passing: Passing) -> None:
    told = [event.text for event in events(passing, INSERT)]
    assert told == [
        "private/28000001: creating, size 25,600 MB, after 0 s",
        "private/28000001: creating, size 25,600 MB, after 3 s",
        "private/28000001: creating, size 25,600 MB, after 8 s",
        "private/28000001: creating, size 13,905 MB, after 14 s",
        "private/28000001: available, size 2,210 MB, after 24 s",
    ]


def test_a_caller_on_a_loop_that_is_cancelled_learns_what_was_written(passing: Passing) -> None:
    wire = transport(images=IMAGES, rules=Rules(capture_seconds=1e6), clock=lambda: passing.now)
    session = Session(Settings(token=TOKEN, environ={}), transport=wire, way=AWAITING)
    (statement,) = parse(INSERT)

    async def main() -> BaseException | None:
        loop, waits = asyncio.get_running_loop(), asyncio.Event()

        def heard(event: Event) -> None:
            if event.kind == "await":
                loop.call_soon_threadsafe(waits.set)

        session.on_event = heard
        task = asyncio.ensure_future(session.answer(statement))
        await waits.wait()
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as cancelled:
            return cancelled.__cause__
        return None

    with session:
        cause = asyncio.run(main())
    assert isinstance(cause, Unready)
    assert cause.message.startswith("post_image is done, but the wait for private/28000001 was broken off after ")
    assert cause.hint == f"it goes on; to wait for it again: {GO_ON}'private/28000001'"
    assert cause.states == {"private/28000001": "creating"}
    assert cause.done == ({"data__disk_id": 25674130, "data__label": "gold"},)
    assert [row[0] for row in cause.completed.fetchall()] == ["private/28000001"]


def test_a_program_sees_that_a_wait_wrote_nothing_or_something(passing: Passing) -> None:
    import engine

    with engine.connect(sandbox=True) as connection:
        with pytest.raises(engine.Unready) as raised:
            connection.execute(f"SELECT /*+ AWAIT(5s) */ id FROM {TABLE} WHERE id = 'private/25112200'")
        assert raised.value.done == ()
        connection.rollback()  # nothing was written
        with pytest.raises(engine.OperationalError, match="is not ready after 1 s"):
            connection.execute(INSERT.replace("AWAIT", "AWAIT(1s)"))
        with pytest.raises(engine.NotSupportedError):
            connection.rollback()


def shop(tmp_path: Path, rule: str, states: Iterator[Any], sql: str) -> tuple[list[tuple[Any, ...]], list[str], str]:
    """Another API, which is described in YAML alone: rows, requests, error."""
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(f"{request.method} {request.url.path}")
        return httpx.Response(200, json={} if request.method == "POST" else {"id": "7", "name": next(states)})

    root = stock.write(tmp_path, stock.edited(stock.STOCK, {f"{stock.ADD}/x-stratoql-await": rule}))
    settings = Settings(environ={}, token="t", registry=(str(root),))
    with Session(settings, transport=httpx.MockTransport(answer)) as session:
        try:
            return [row for result in session.run(sql) for row in result.fetchall()], sent, ""
        except StratoqlError as error:
            return [], sent, explain(error)


ORDER = "INSERT /*+ AWAIT(20s) */ INTO shop.stock.items (data__name) VALUES ('a') RETURNING id, name"
STOCKED = "{method: get_item, keys: {itemId: name}, until: [{column: name, ready: [here], failed: [lost]}]}"


def test_any_api_whose_document_says_so_is_waited_for(tmp_path: Path, passing: Passing) -> None:
    rows, sent, _ = shop(tmp_path, STOCKED, iter(["coming", "here"]), ORDER)
    assert (rows, sent) == ([("7", "here")], ["POST /api/items", "GET /api/items/a", "GET /api/items/a"])
    _, sent, error = shop(tmp_path, STOCKED, iter(["coming", "lost"]), ORDER)
    assert error == "error: add_item is done, but a failed after 8 s: it is lost"
    assert len(sent) == 3


def test_an_answer_that_does_not_say_what_it_made_cannot_be_waited_for(tmp_path: Path, passing: Passing) -> None:
    _, sent, error = shop(tmp_path, STOCKED.replace("{itemId: name}", "{itemId: $.id}"), repeat("here"), ORDER)
    assert error == (
        "error: add_item is done, but the row cannot be looked at, last seen unknown: get_item needs itemId"
    )
    assert sent == ["POST /api/items"]


def test_where_no_select_can_wait_none_is_named(tmp_path: Path, passing: Passing) -> None:
    _, _, error = shop(tmp_path, STOCKED, repeat("coming"), ORDER)
    assert error == (
        "error: add_item is done, but a is not ready after 20 s: coming\n"
        "hint: it goes on without anybody waiting for it"
    )

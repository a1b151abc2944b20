"""A session: what it opens and when, what it keeps, how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import DocumentError, Interrupted, PartialWrite, StratoqlError, TimedOut, UsageError, explain
from engine.portal import Portal
from engine.sandbox import TOKEN, transport
from engine.sandbox.faults import Fault
from engine.session import Session
from engine.settings import Settings
from engine.wire.events import Event
from tests.statements.fixtures import IMAGES

THREE = "'private/11', 'private/12', 'private/13'"
ONE = "SELECT id FROM linode.images.images WHERE id = 'linode/debian12'"


def session(**settings: object) -> Session:
    return Session(Settings(**{"sandbox": "", "environ": {}, **settings}))  # type: ignore[arg-type]


def test_what_needs_no_network_opens_none() -> None:
    program = (
        "import sys\n"
        "from engine.session import Session\n"
        "from engine.settings import Settings\n"
        "with Session(Settings(environ={})) as session:\n"
        "    list(session.run('SELECT 1; SHOW PROVIDERS; DESCRIBE linode.images.images'))\n"
        "print(sorted({'httpx', 'asyncio', 'prompt_toolkit', 'jinja2', 'jsonschema'} & set(sys.modules)))\n"
    )
    # Twice: the first run may have to compile the provider's documents.
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_sandbox_is_never_shown_a_real_token() -> None:
    held = session(environ={"LINODE_TOKEN": "a-real-secret"}, token="another-secret")
    assert held.settings.token == TOKEN
    assert "secret" not in repr(held.settings)


def test_a_sandbox_file_keeps_what_was_done(tmp_path: Path) -> None:
    state = str(tmp_path / "state.db")
    with session(sandbox=state) as first:
        list(first.run("DELETE FROM linode.images.images WHERE id = 'private/19044871'"))
    with session(sandbox=state) as second:
        (result,) = second.run("SELECT count(*) FROM linode.images.images WHERE id = 'private/19044871'")
        assert result.fetchall() == [(0,)]


def test_several_sessions_at_once() -> None:
    with session() as one, session() as two:
        for held in (one, two, one):
            assert next(held.run(ONE)).fetchall() == [("linode/debian12",)]


def test_results_come_one_by_one() -> None:
    with session() as held:
        results = held.run("SELECT 1; SELECT nonsense()")
        assert next(results).fetchall() == [(1,)]
        with pytest.raises(StratoqlError) as raised:
            next(results)
        assert raised.value.statement == "SELECT nonsense()"


def test_a_syntax_error_anywhere_runs_nothing() -> None:
    with session() as held, pytest.raises(StratoqlError, match="a statement cannot begin with 'FROB'"):
        next(held.run("SELECT 1; FROB"))


def test_costs_are_told() -> None:
    with session() as held:
        result = next(held.run("SELECT * FROM linode.images.images"))
        assert result.stats.requests == 1
        assert result.stats.rows == len(result.fetchall())
        assert result.stats.seconds > 0


def test_use_is_remembered_and_checked() -> None:
    with session() as held:
        list(held.run("USE Linode"))
        assert next(held.run("SELECT id FROM images.images WHERE id = 'linode/debian12'")).fetchall()
        (plan,) = held.run("EXPLAIN SHOW SERVICES IN linode")
        assert plan.fetchall() == [("answered from the provider documents, no request is sent",)]
        with pytest.raises(StratoqlError) as raised:
            list(held.run("USE linod"))
        assert "did you mean linode?" in explain(raised.value)


@pytest.mark.parametrize(
    ("sql", "columns", "first"),
    [
        ("SHOW PROVIDERS", ("name", "version", "source"), None),
        ("SHOW PROVIDERS LIKE 'LIN%'", ("name", "version", "source"), "linode"),
        ("SHOW SERVICES IN linode", ("id", "name", "title"), None),
        ("SHOW EXTENDED SERVICES IN linode", ("id", "name", "title", "description", "version"), None),
        ("SHOW RESOURCES IN linode.images", ("name", "id"), "images"),
        ("SHOW EXTENDED RESOURCES IN linode.images", ("name", "id", "description"), "images"),
        (
            "SHOW METHODS IN linode.images.images LIKE 'post%'",
            ("MethodName", "RequiredParams", "SQLVerb"),
            "post_image",
        ),
        (
            "SHOW EXTENDED METHODS IN linode.images.images",
            ("MethodName", "RequiredParams", "SQLVerb", "description"),
            "get_image",
        ),
        ("DESCRIBE linode.images.images", ("name", "type"), "id"),
        ("DESCRIBE EXTENDED linode.images.images", ("name", "type", "description"), "id"),
        (
            "DESCRIBE METHOD linode.images.images.post_image",
            ("name", "type", "param_type", "shape"),
            None,
        ),
    ],
)
def test_what_is_there_is_a_table(sql: str, columns: tuple[str, ...], first: str | None) -> None:
    with session() as held:
        (result,) = held.run(sql)
        rows = result.fetchall()
        assert tuple(column.name for column in result.columns) == columns
        assert rows
        assert first is None or rows[0][0] == first


def test_describing_a_method_tells_inputs_and_outputs() -> None:
    with session() as held:
        (result,) = held.run("DESCRIBE METHOD linode.images.images.get_images")
        rows = result.fetchall()
    assert {
        ("page", "integer", "input_optional", "query"),
        ("page", "integer", "output", "envelope"),
        ("tags", "array of string", "output", "row"),
        ("created", "string (date-time)", "output", "row"),
    } <= set(rows)


def test_a_registry_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder with src/ in it"):
        session(registry=(str(tmp_path),))


def test_a_broken_document_tells_all_its_faults(tmp_path: Path) -> None:
    folder = tmp_path / "src" / "bad" / "v1.0.0"
    folder.mkdir(parents=True)
    (folder / "provider.yaml").write_text("id: bad\nname: [\n", encoding="utf-8")
    with session(registry=(str(tmp_path),)) as held:
        for statement in ("SELECT * FROM bad.x.y", "SHOW SERVICES IN bad"):
            with pytest.raises(DocumentError) as raised:
                list(held.run(statement))
            assert "provider.yaml" in explain(raised.value)


def _press_ctrl_c() -> None:
    """A terminal's SIGINT reaches the main thread, wherever it waits."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def interrupting(nth: int) -> Callable[[Event], None]:
    """Press Ctrl-C a moment after the nth request has left."""
    left = 0

    def heard(event: Event) -> None:
        nonlocal left
        left += event.kind == "request"
        if event.kind == "request" and left == nth:
            threading.Timer(0.1, _press_ctrl_c).start()

    return heard


def test_ctrl_c_stops_a_read_and_leaves_the_session_usable() -> None:
    slow = [Fault("GET", "^/images$", delay=30)]
    wire = transport(images=IMAGES, faults=slow)
    with Session(Settings(environ={}, token=TOKEN), transport=wire, on_event=interrupting(1)) as held:
        with pytest.raises(Interrupted):
            next(held.run("SELECT id FROM linode.images.images"))
        assert next(held.run(ONE)).fetchall() == [("linode/debian12",)]


def test_ctrl_c_in_a_write_accounts_for_it() -> None:
    slow = [Fault("PUT", nth=2, delay=30)]
    wire = transport(images=IMAGES, faults=slow, rate_limit=False)
    given = Settings(environ={}, token=TOKEN, concurrency=1)
    with Session(given, transport=wire, on_event=interrupting(2)) as held, pytest.raises(PartialWrite) as raised:
        next(held.run(f"REPLACE linode.images.images SET label = 'x' WHERE id IN ({THREE})"))
    assert [done["imageId"] for done in raised.value.done] == ["private/11"]
    assert [args["imageId"] for args, _ in raised.value.unknown] == ["private/12"]
    assert [args["imageId"] for args in raised.value.unsent] == ["private/13"]


def test_long_conditions_are_read_however_long() -> None:
    arms = " OR ".join(f"size = {n}" for n in range(900))
    terms = " AND ".join(f"size <> {n}" for n in range(900))
    with session() as held:
        assert next(held.run(f"SELECT count(*) >= 0 FROM linode.images.images WHERE {arms}")).fetchall() == [(1,)]
        assert next(held.run(f"SELECT count(*) > 0 FROM linode.images.images WHERE {terms}")).fetchall() == [(1,)]


def test_wrong_settings_are_no_fault_of_the_statement() -> None:
    with Session(Settings(environ={}, servers={"linode": "ftp://far.example"})) as held:
        with pytest.raises(UsageError) as raised:
            list(held.run(ONE))
        assert raised.value.statement is None
        assert "linode" in explain(raised.value)


def test_a_hint_that_nobody_knows_is_told() -> None:
    with session() as held:
        (result,) = held.run("SELECT /*+ HURRY */ 1")
        assert result.warnings == ("the hint HURRY is not known and has no effect",)


def test_explaining_an_explanation_explains_it() -> None:
    with session() as held:
        (once,) = held.run(f"EXPLAIN {ONE}")
        (twice,) = held.run(f"EXPLAIN EXPLAIN {ONE}")
        assert twice.fetchall() == once.fetchall()


def test_analyzing_runs_and_tells_what_it_cost() -> None:
    with session(page_size=25) as held:
        (result,) = held.run("EXPLAIN ANALYZE SELECT label FROM linode.images.images WHERE size > 2000")
        lines = [row[0] for row in result.fetchall()]
        assert result.stats.requests == 1
        assert lines[0] == "step 1: t0 <- linode.images.images.get_images"
        assert lines[-2].startswith("step 1: 1 request, 1 page, ")
        assert "0 retries; first page after 0." in lines[-2]
        assert lines[-1].startswith("output: ")
        (again,) = held.run("EXPLAIN ANALYZE SELECT 1; ")
        assert again.fetchall()[-1][0].startswith("output: 1 row, 0.")
        (shown,) = held.run("EXPLAIN ANALYZE SHOW PROVIDERS")
        assert shown.fetchall() == [("answered from the provider documents, no request is sent",)]
        (dry,) = held.run("EXPLAIN ANALYZE DELETE FROM linode.images.images WHERE id = 'private/1'", dry_run=True)
        assert dry.fetchall()[-1] == ("output: the number of calls",)
        with pytest.raises(StratoqlError) as raised:
            list(held.run("EXPLAIN ANALYZE SELECT id FROM linode.images.images WHERE lable = 1"))
        assert raised.value.statement == "SELECT id FROM linode.images.images WHERE lable = 1"


def test_analyzing_a_write_writes() -> None:
    with session() as held:
        (result,) = held.run(
            "EXPLAIN ANALYZE DELETE FROM linode.images.images WHERE id IN ('private/19044871', 'private/19044872')"
        )
        assert result.messages == ("2 rows deleted",)
        assert result.fetchall()[-2][0].startswith("step 1: 2 requests, 2 pages, 2 rows fetched, 2 kept, ")


def test_ctrl_c_stops_a_query_in_sqlite() -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    timer = threading.Timer(0.3, _press_ctrl_c)
    with session() as held:
        timer.start()
        with pytest.raises((Interrupted, KeyboardInterrupt)):
            next(held.run(endless)).fetchall()
    timer.join()


def test_time_runs_out_in_sqlite_too() -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {} FROM n"
    with session(timeout=0.3) as held:
        for what in ("max(i)", "i"):
            with pytest.raises(TimedOut, match=r"the 0\.3 s allowed are used up, in SQLite"):
                for _ in next(held.run(endless.format(what))):
                    pass


def test_a_portal_runs_inside_a_running_loop() -> None:
    import asyncio

    async def answer() -> int:
        return 42

    async def notebook() -> int:
        portal = Portal()
        try:
            return portal.run(answer())
        finally:
            portal.close()
            portal.close()

    assert asyncio.run(notebook()) == 42

"""The schema `system`: what a WHERE pins changes what is read and never what is answered; nothing of it is sent."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

import engine
from engine.discovery.requests import KEPT, Log
from engine.planner.local import tables
from engine.sandbox import transport
from engine.sandbox.faults import Fault
from engine.session import Session
from engine.settings import Settings
from engine.wire.events import Event
from provider_registry.layout import BUILT_IN

DEMO = str(Path(__file__).parent / "demo")
PLACES = {
    "provider": ["linode", "acme", "LINODE", "nobody"],
    "service": ["images", "shop", "tags", "Images"],
    "resource": ["images", "orders", "tags", "nothing"],
    "method": ["get_images", "put_image", "get_order"],
}
SHARED = Session(Settings(registry=(DEMO,), environ={}))


def answer(sql: str, session: Session = SHARED) -> list[tuple[object, ...]]:
    *_, last = session.run(sql)
    return last.fetchall()


@st.composite
def predicates(draw: st.DrawFn) -> tuple[str, str]:
    """A table, and a WHERE over its places."""
    table = draw(st.sampled_from(["services", "resources", "methods", "parameters", "columns"]))
    names = [name for name in PLACES if name in {c.name for c in tables().resources[table].columns}]
    terms = []
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3)):
        values = draw(st.lists(st.sampled_from(PLACES[name]), min_size=1, max_size=3))
        listed = ", ".join(f"'{value}'" for value in values)
        terms.append(f"{name} = {listed}" if len(values) == 1 else f"{name} IN ({listed})")
    return table, draw(st.sampled_from([" AND ", " OR "])).join(terms)


@given(predicates())
@examples(max_examples=60, deadline=None)
def test_what_is_pinned_never_changes_an_answer(said: tuple[str, str]) -> None:
    table, where = said
    hidden = where
    for name in PLACES:
        hidden = hidden.replace(f"{name} ", f"({name} || '') ")
    pinned = answer(f"SELECT * FROM system.{table} WHERE {where}")
    whole = answer(f"SELECT * FROM system.{table} WHERE {hidden}")
    assert sorted(map(repr, pinned)) == sorted(map(repr, whole))


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A registry whose provider has one service that cannot be used."""
    shutil.copytree(BUILT_IN / "src" / "linode", tmp_path / "src" / "linode")
    (tmp_path / "src" / "linode" / "v1.0.0" / "services" / "tags.yaml").write_text("paths: [")
    return str(tmp_path)


def test_only_the_documents_that_are_aimed_at_are_read(broken: str) -> None:
    with Session(Settings(registry=(broken,), environ={})) as session:
        (found,) = session.run("SELECT count(*) FROM system.columns WHERE provider = 'linode' AND service = 'images'")
        assert found.warnings == ()
        assert found.fetchall()[0] > (20,)
        assert session.names.catalog._services.keys() == {("linode", "images")}


def test_a_document_that_cannot_be_used_is_told_and_hides_no_other(broken: str) -> None:
    with Session(Settings(registry=(broken,), environ={})) as session:
        (found,) = session.run("SELECT DISTINCT service FROM system.resources WHERE provider = 'linode' ORDER BY 1")
        assert found.fetchall() == [(name,) for name in ("account", "images", "linode", "regions", "volumes")]
        (warning,) = found.warnings
        assert warning.startswith("a document cannot be used and is left out: ")
        assert "tags.yaml" in warning
        with pytest.raises(engine.OperationalError):
            list(session.run("SHOW RESOURCES IN linode.tags"))


def test_it_needs_no_client_and_no_loop() -> None:
    code = (
        "import sys, threading\n"
        "from engine.session import Session\n"
        "from engine.settings import Settings\n"
        "with Session(Settings()) as session:\n"
        "    for result in session.run('SELECT * FROM system.columns; SELECT * FROM system.limits'):\n"
        "        result.fetchall()\n"
        "print(sorted({'httpx', 'asyncio'} & set(sys.modules)), threading.active_count())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[] 1\n", done.stderr


def test_a_loop_of_the_caller_s_own() -> None:
    async def asked() -> list[object]:
        async with engine.aconnect(sandbox=True) as connection:
            found = await connection.query("SELECT m.MethodName FROM (SHOW METHODS IN linode.tags.tags) m")
            return [row[0] for row in found.fetchall()]

    assert asyncio.run(asked()) == ["get_tags", "post_tag", "delete_tag"]


def test_the_log_keeps_the_last_thousand() -> None:
    log = Log(clock=lambda: 1_000_000_000.5)
    heard: list[Event] = []
    hear = log.hearing(log.next_statement(), heard.append)
    for number in range(KEPT + 5):
        hear(Event("request", "", request="GET https://h/x"))
        hear(Event("response", "200 ...", request=f"GET https://h/{number}", status=200, seconds=0.25))
    lines = list(log)
    assert len(lines) == KEPT
    assert (lines[0].url, lines[-1].url) == ("https://h/5", f"https://h/{KEPT + 4}")
    assert (lines[0].time, lines[0].ms) == ("2001-09-09T01:46:40.250", 250.0)
    assert len(heard) == 2 * (KEPT + 5)


@pytest.mark.parametrize(
    ("fault", "row"),
    [
        (Fault(drop="reset", method="GET", times=1), (None, "NetworkError", 1)),
        (Fault(status=503, method="GET", times=1), (503, None, 1)),
    ],
)
def test_an_attempt_that_failed_is_told_too(fault: Fault, row: tuple[object, ...], no_waiting: None) -> None:
    with Session(Settings(environ={}), transport=transport(faults=[fault])) as session:
        answer("SELECT id FROM linode.images.images WHERE id = 'linode/arch'", session)
        rows = answer("SELECT status, error, attempt FROM system.requests", session)
        assert rows == [row, (200, None, 2)]


def test_a_time_that_ran_out_is_told_too() -> None:
    slow = Fault(method="GET", delay=5, times=None)
    with Session(Settings(environ={}, timeout=0.2), transport=transport(faults=[slow])) as session:
        with pytest.raises(engine.OperationalError):
            answer("SELECT id FROM linode.images.images WHERE id = 'linode/arch'", session)
        assert answer("SELECT status, error FROM system.requests", session) == [(None, "TimedOut")]


def test_no_secret_is_in_it() -> None:
    settings = Settings(token="s3cret-token", environ={}, servers={"linode": "https://api.linode.com/v4"})
    with Session(settings, transport=transport()) as session:
        with pytest.raises(engine.OperationalError, match="Invalid Token"):
            answer("SELECT id FROM linode.images.images WHERE id = 'private/1'", session)
        for table in tables().resources:
            assert "s3cret" not in repr(answer(f"SELECT * FROM system.{table}", session))

"""Sessions of one process share a client: connections, places in flight, rate limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.connections import connect, release
from engine.result import Stats
from engine.session import Session
from engine.settings import Settings

ONE = "SELECT id FROM linode.images.images WHERE id = 'private/1'"


@dataclass
class Server:
    """What a server on this machine saw."""

    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)  # that it answers with
    connections: int = 0
    under_way: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def settings(self, token: str = "secret-one", concurrency: int = 8) -> Settings:
        return Settings(token=token, environ={"LINODE_URL": self.url}, concurrency=concurrency)


@contextmanager
def serving(delay: float = 0.0) -> Iterator[Server]:
    saw = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            with saw.lock:
                saw.connections += 1

        def answer(self) -> None:
            with saw.lock:
                saw.under_way += 1
                saw.most = max(saw.most, saw.under_way)
            time.sleep(delay)
            body = json.dumps({"id": self.path.rpartition("/")[2].replace("%2F", "/")}).encode()
            with saw.lock:
                saw.under_way -= 1
            self.send_response(200)
            for name, value in {"Content-Length": str(len(body)), **saw.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):  # where http.server looks for each method of HTTP
                return self.answer
            raise AttributeError(name)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    saw.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield saw
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def cost(session: Session, sql: str = ONE) -> Stats:
    (result,) = session.run(sql)
    assert result.fetchall()
    return result.stats


def test_one_connection_serves_several_sessions() -> None:
    with serving() as server, Session(server.settings()) as first, Session(server.settings("another")) as second:
        for session in (first, second, first, second):
            cost(session)
        assert server.connections == 1


def test_what_the_api_allows_is_shared_by_the_sessions_of_one_account() -> None:
    with serving() as server:
        mine, others = server.settings(), server.settings("another")
        with Session(mine) as first, Session(mine) as second, Session(others) as third:
            server.headers = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}
            cost(first)
            server.headers = {}
            assert cost(third).waited < 0.5
            assert cost(second).waited > 0.5


def test_places_in_flight_are_shared() -> None:
    wanted = ", ".join(f"'private/{n}'" for n in range(12))
    sql = f"SELECT id FROM linode.images.images WHERE id IN ({wanted})"
    answers: list[int] = []

    def ask(settings: Settings) -> None:
        with Session(settings) as session:
            (result,) = session.run(sql)
            answers.append(len(result.fetchall()))

    with serving(delay=0.02) as server:
        with Session(server.settings(concurrency=3)) as holder:
            cost(holder)
            asking = [threading.Thread(target=ask, args=(server.settings(concurrency=3),)) for _ in range(4)]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
        assert answers == [12] * 4
        assert 1 < server.most <= 3


def test_places_are_shared_by_sessions_that_allow_themselves_more_and_less() -> None:
    keys = ", ".join(f"'private/{n}'" for n in range(9))
    sql = f"SELECT id FROM linode.images.images WHERE id IN ({keys})"

    with serving(delay=0.02) as server:
        sessions = [Session(server.settings(concurrency=allowed)) for allowed in (2, 4)]
        cost(sessions[0])
        asking = [threading.Thread(target=cost, args=(each, sql)) for each in sessions]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        for each in sessions:
            each.close()
        assert 1 < server.most <= 4


def test_a_heavy_query_of_one_session_leaves_the_others_their_loop() -> None:
    heavy = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT max(i) FROM n"
    took: dict[str, float] = {}

    def timed(name: str, session: Session, sql: str) -> None:
        start = time.perf_counter()
        (result,) = session.run(sql)
        result.fetchall()
        took[name] = time.perf_counter() - start

    with serving() as server, Session(server.settings()) as first, Session(server.settings()) as second:
        cost(first)
        insert = f"INSERT INTO linode.images.images (data__disk_id) {heavy} RETURNING id"
        busy = threading.Thread(target=timed, args=("heavy", first, insert))
        busy.start()
        time.sleep(0.05)
        timed("light", second, ONE)
        assert busy.is_alive()
        busy.join()
    assert took["light"] < took["heavy"] / 2


def test_the_last_session_closes_what_they_share() -> None:
    settings = Settings(environ={})
    first, second = connect(settings), connect(settings)
    assert first is second
    open_ = []
    for each in (first, second):
        open_.append(not first.portal.closed)
        release(each)
    assert [*open_, first.portal.closed] == [True, True, True]
    third = connect(settings)
    assert third is not first
    release(third)


def test_a_session_closed_twice_lets_go_once() -> None:
    with serving() as server, Session(server.settings()) as kept:
        cost(kept)
        other = Session(server.settings())
        cost(other)
        other.close()
        other.close()
        cost(kept)
        assert server.connections == 1


def test_sandboxes_are_worlds_of_their_own() -> None:
    with Session(Settings(sandbox="", environ={})) as one, Session(Settings(sandbox="", environ={})) as other:
        for result in one.run("DELETE FROM linode.images.images WHERE id = 'private/19044871'"):
            assert result.affected == 1
        (result,) = other.run("SELECT id FROM linode.images.images WHERE id = 'private/19044871'")
        assert len(result.fetchall()) == 1


FORKING = """
import os, sys
from engine.session import Session
from engine.settings import Settings

settings = Settings(token="x", environ={"LINODE_URL": sys.argv[1]})
def ask(session):
    (result,) = session.run(sys.argv[2])
    return len(result.fetchall())
with Session(settings) as session:
    assert ask(session) == 1
    child = os.fork()
    if child == 0:
        with Session(settings) as mine:
            own = ask(mine)
        inherited = ask(session)  # on a connection of the child's own: the parent's thread is not here
        session.close()
        os._exit(40 + own + inherited)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
    assert ask(session) == 1
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform knows no fork")
def test_a_forked_process_opens_its_own() -> None:
    with serving() as server:
        command = [sys.executable, "-c", FORKING, server.url, ONE]
        done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, timeout=60, text=True)
        assert done.returncode == 0, done.stderr
        assert server.connections == 3

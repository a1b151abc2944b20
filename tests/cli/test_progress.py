"""The progress line: what it adds up to, and what a terminal shows of it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

from engine.cli.progress import SOON, Standing, shown
from engine.sandbox import TOKEN, serving
from engine.sandbox.faults import Fault
from engine.sandbox.rows import private
from engine.wire.events import Event, Listener

ROOT = Path(__file__).parents[2]
IMAGES = [private(number) for number in range(60)]
SLOW = Fault("GET", "/images", query={"page": "2"}, delay=1.6)
SCAN = "SELECT count(DISTINCT tags) AS n FROM linode.images.images"


def page(walk: int, number: int, of: int | None, rows: int = 500) -> Event:
    return Event("page", "", what="get_images", walk=walk, number=number, of=of, rows=rows)


def standing(*events: Event) -> Standing:
    found = Standing()
    for event in events:
        found.hear(event)
    return found


def test_pages_of_all_walks_add_up() -> None:
    found = standing(page(1, 1, 4), page(2, 1, 3), page(1, 2, 4))
    assert found.now() == ("get_images", "page", 3, 7)
    assert found.rows == 1500


def test_a_list_that_does_not_say_its_length() -> None:
    assert standing(Event("page", "", what="get_things", walk=1, number=3)).now() == ("get_things", "page", 3, 3)
    assert standing().now() == ("", "page", 0, None)


def test_calls_side_by_side_count_before_their_pages() -> None:
    calls = [Event("calls", "", what="get_image", number=n, of=9) for n in (0, 1)]
    assert standing(calls[0], page(1, 1, None, 1), calls[1]).now() == ("get_image", "call", 1, 9)


def test_the_longest_wait_is_told_whatever_leaves_meanwhile() -> None:
    wait = Event("wait", "waiting 12.0 s for the rate limit of images", seconds=12)
    shorter = Event("wait", "waiting 3.0 s for a new attempt", seconds=3)
    found = standing(wait, shorter, Event("request", "GET https://h/"))
    assert found.waiting() == "waiting 12 s for the rate limit of images"
    assert standing(Event("wait", "waiting 0.0 s for a new attempt", seconds=0.0)).waiting() == ""


def test_two_lots_of_calls_add_up_until_one_is_done() -> None:
    one = [Event("calls", "", what="get_image", number=n, of=9) for n in (1, 9)]
    other = Event("calls", "", what="get_region", number=2, of=4)
    assert standing(one[0], other).now() == ("get_region", "call", 3, 13)
    assert standing(one[0], other, one[1]).now() == ("get_region", "call", 2, 4)


def test_pages_are_told_again_when_the_calls_are_done() -> None:
    done = Event("calls", "", what="get_image", number=9, of=9)
    assert standing(done, page(1, 3, 40)).now() == ("get_images", "page", 3, 40)


def test_the_listener_of_a_session_still_hears() -> None:
    class Heard:
        def __init__(self) -> None:
            self.events: list[Event] = []
            self.on_event: Listener | None = self.events.append

    session = Heard()
    with shown(session, True):
        assert session.on_event is not None
        session.on_event(page(1, 1, 1))
    assert session.events == [page(1, 1, 1)]


def test_the_listener_of_a_session_is_given_back() -> None:
    class Quiet:
        on_event: Listener | None = None

    session = Quiet()
    for wanted in (True, False):
        with shown(session, wanted):
            assert (session.on_event is not None) is wanted
        assert session.on_event is None


def seen(
    url: str, *argv: str, terminal: bool = True, watch: Callable[[str], object] = lambda shown: None
) -> tuple[str, str]:
    """Standard output, and what a person sees, of a run against a served sandbox. `watch` sees it as it comes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    environ = {**os.environ, "LINODE_TOKEN": TOKEN, "LINODE_URL": url, "TERM": "xterm"}
    command = [sys.executable, "-m", "engine", "exec", "-o", "csv", "--page-size", "25", *argv]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=theirs if terminal else subprocess.PIPE
    )
    os.close(theirs)
    shown, told = b"", b""
    if terminal:
        try:
            while chunk := os.read(ours, 4096):
                shown += chunk
                watch(shown.decode(errors="ignore"))
        except OSError:  # the other end is closed
            pass
    out, err = process.communicate(timeout=30)
    os.close(ours)
    told = err or b""
    assert process.returncode == 0, (shown, told)
    return out.decode(), (shown + told).decode()


def test_a_long_scan_shows_its_pages_and_leaves_no_trace() -> None:
    with serving(rate_limit=False, images=IMAGES, faults=[SLOW]) as url:
        out, told = seen(url, SCAN)
    assert out.startswith("n\n")
    assert re.search(r"get_images \|.*\| 1/[2-9] pages \[00:01", told)
    assert told.rpartition("\r")[0].endswith(" ")  # the line is wiped


def test_nothing_is_counted_before_there_is_something() -> None:
    with serving(rate_limit=False, images=IMAGES, faults=[Fault("GET", "^/images$", delay=1.5)]) as url:
        _, told = seen(url, SCAN)
    assert "working [00:01]" in told
    assert "0/?" not in told


def test_nobody_at_a_terminal_sees_nothing() -> None:
    with serving(rate_limit=False, images=IMAGES, faults=[SLOW]) as url:
        assert seen(url, SCAN, terminal=False)[1] == ""


def test_a_quick_statement_shows_nothing() -> None:
    with serving(rate_limit=False) as url:
        for _ in range(3):
            _, told = seen(url, SCAN, "--timing")
            (seconds,) = re.findall(r", (\d+\.\d{3}) s: ", told)
            quick = float(seconds) < SOON  # where others are busy on the machine it may not be
            assert re.fullmatch(r"1 row, \d+ requests?, [^\r\n]*\r\n", told) or not quick, told
            if quick:
                break


def test_calls_side_by_side_and_a_wait() -> None:
    faults = [
        Fault("GET", "private", delay=1.3),
        Fault("GET", "debian11", status=429, headers={"Retry-After": "2"}),
    ]
    with serving(rate_limit=False, faults=faults) as url:
        sql = f"{SCAN} WHERE id IN ('private/23100417', 'linode/debian12', 'linode/debian11')"
        _, told = seen(url, sql)
        assert re.search(r"get_image \|.*\| [12]/3 calls", told)
        assert "waiting 1 s for " in told
        told = seen(url, sql, terminal=False)[1]
        assert told == ""


def test_a_long_wait_is_told_without_a_terminal() -> None:
    with serving(rate_limit=False, faults=[Fault(status=429, headers={"Retry-After": "3"})]) as url:
        told = seen(url, "SELECT id FROM linode.images.images WHERE id = 'linode/debian12'", terminal=False)[1]
    assert re.fullmatch(r"note: waiting 3 s for a new attempt after: HTTP 429.*\n", told)

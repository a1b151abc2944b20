"""How far a statement is, in one line of standard error that comes when it takes long and goes when it is done.

The wire tells what happens from the thread it works in; a thread of the line's own draws it, so that a wait counts
down too.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, time
from typing import Protocol

from engine.formats.cells import printable
from engine.wire.events import Event, Listener

BYTE, ROW = "B", "row"  # units that have a form of their own
SOON, OFTEN = 1.0, 0.1  # seconds: until the line comes, between two drawings of it


class Heard(Protocol):
    """What tells events: a session."""

    on_event: Listener | None


class Standing:
    """What the events of one statement add up to, and who holds the pen.

    `wipe` clears what was drawn; nothing is drawn from a question on until the next request leaves.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.asking = False
        self.pen = threading.Lock()
        self.wipe: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._pages: dict[int, tuple[str, int, int]] = {}  # by walk: of what, how many are here, how many there are
        self._calls: dict[tuple[str, int], int] = {}  # by what is called and how often: how many are done
        self._wait: tuple[str, float] | None = None  # for what, until when
        self._file: tuple[str, int, int] | None = None  # what is done to which, how many bytes, of how many
        self._began = 0.0  # when that was, in seconds since 1970
        self._looks: dict[int, tuple[str, int, int]] = {}  # by row: its state, how many rows are ready, of how many

    def hear(self, event: Event) -> None:
        """Take an event into account. Called from another thread than the readers'."""
        if event.kind == "ask":
            with self.pen:
                self.asking = True
                self.wipe()
        elif event.kind == "request":
            self.asking = False
        with self._lock:
            match event.kind:
                case "page":
                    number = event.number or 0
                    self._pages[event.walk] = (event.what, number, max(number, event.of or 0))
                    self.rows += event.rows
                case "calls":
                    self._calls[event.what, event.of or 0] = event.number or 0
                case "file":
                    self._file = (event.what, event.number or 0, event.of or 0)
                    self._began = time() - event.seconds
                case "await":
                    self._looks.pop(event.walk, None)  # the newest is the last
                    self._looks[event.walk] = (event.what, event.number or 0, event.of or 0)
                case "wait":
                    until = monotonic() + event.seconds
                    if self._wait is None or until > self._wait[1]:
                        self._wait = (event.text.partition(" s for ")[2], until)

    def now(self) -> tuple[str, str, int, int | None]:
        """What is going on: of what, the unit, how many are done, how many there are."""
        with self._lock:
            if self._file is not None and self._file[1] < self._file[2]:
                what, done, of = self._file
                return what, BYTE, done, of
            if self._looks:
                what, done, of = list(self._looks.values())[-1]
                return what, ROW, done, of
            calls = [(what, done, of) for (what, of), done in self._calls.items() if done < of]
            if calls:
                return calls[-1][0], "call", sum(done for _, done, _ in calls), sum(of for *_, of in calls)
            walks = list(self._pages.values())
            what = walks[-1][0] if walks else ""
            return what, "page", sum(done for _, done, _ in walks), sum(of for _, _, of in walks) or None

    def since(self, unit: str, whole: float) -> float:
        """When what is counted in `unit` began: the rate of a file is its own. `whole`: when the statement did."""
        return self._began if unit == BYTE else whole

    def waiting(self) -> str:
        """What is waited for, where that takes longer: `12 s for the rate limit of images`."""
        with self._lock:
            if self._wait is None or (left := self._wait[1] - monotonic()) < OFTEN:
                return ""
            return f"waiting {left:.0f} s for {printable(self._wait[0])}"


@contextmanager
def shown(session: Heard, wanted: bool) -> Iterator[None]:
    """Draw the progress of what `session` does while this lasts, if it takes longer than a second."""
    if not wanted:
        yield
        return
    standing, over = Standing(), threading.Event()
    before = session.on_event

    def hear(event: Event) -> None:
        standing.hear(event)
        if before is not None:
            before(event)

    session.on_event = hear
    drawing = threading.Thread(target=_draw, args=(standing, over), name="progress", daemon=True)
    drawing.start()
    try:
        yield
    finally:
        session.on_event = before
        over.set()
        drawing.join()


def _draw(standing: Standing, over: threading.Event) -> None:
    if over.wait(SOON):
        return
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # a thread of its own that nobody needs
    with tqdm(file=sys.stderr, leave=False, delay=SOON, dynamic_ncols=True, bar_format=_FORMAT) as bar:
        bar.start_t = began = bar.start_t - SOON
        standing.wipe = bar.clear
        while not over.wait(OFTEN):
            what, unit, done, of = standing.now()
            waiting = standing.waiting()
            bar.start_t = standing.since(unit, began)
            # in a narrow terminal the wait is what must be seen
            bar.bar_format = _WAITING if waiting else _form(what, unit, of)
            bar.set_description_str(waiting or printable(what) or "working", refresh=False)
            bar.unit, bar.n, bar.total = unit if unit == BYTE else f"{unit}s", done, of
            bar.unit_scale = unit == BYTE
            rows = f"{standing.rows:,} rows" if standing.rows else ""
            bar.set_postfix_str(rows, refresh=False)
            with standing.pen:
                if not standing.asking:
                    bar.refresh()


def _form(what: str, unit: str, of: int | None) -> str:
    """The form of the line. There is nothing to count before the first page, nor of a wait for one state."""
    if not what or (unit == ROW and (of or 0) <= 1):
        return "{desc} [{elapsed}]"
    return _FORMATS.get(unit, _FORMAT)


_WAITING = "{desc} | {n_fmt}/{total_fmt} {unit} [{elapsed}{postfix}]"
_FORMAT = "{desc} |{bar:20}| {n_fmt}/{total_fmt} {unit} [{elapsed}{postfix}]"
_FORMATS = {
    BYTE: "{desc} |{bar:20}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}]",
    ROW: "{desc} | {n_fmt}/{total_fmt} ready [{elapsed}]",
}

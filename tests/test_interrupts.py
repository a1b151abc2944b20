"""A Ctrl-C at any moment of a write: whatever has left is accounted for, or nothing has left."""

from __future__ import annotations

import asyncio
import linecache
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from engine import interrupts
from engine.errors import Interrupted, PartialWrite
from engine.language.parser import parse
from engine.portal import AWAITING
from engine.sandbox import TOKEN, transport
from engine.sandbox.faults import Fault
from engine.session import Session
from engine.settings import Settings
from engine.wire.events import Event
from tests.statements.fixtures import IMAGES

ROOT = Path(__file__).parents[1]
ROOMS = {
    str(ROOT / "engine" / f"{name}.py") for name in ("session", "answers", "portal", "ways", "interrupts", "watched")
}
THREE = ["private/11", "private/12", "private/13"]
SETTINGS = Settings(environ={}, token=TOKEN, concurrency=1)
REPLACE = f"REPLACE linode.images.images SET label = 'x' WHERE id IN ({', '.join(map(repr, THREE))}) RETURNING id"


class Pressing:
    """Presses Ctrl-C before the nth line that the main thread runs in the rooms where statements are waited for."""

    def __init__(self, nth: int) -> None:
        self.left = nth
        self.where = ""

    def called(self, frame: FrameType, event: str, arg: Any) -> Any:
        return self.line if frame.f_code.co_filename in ROOMS else None

    def line(self, frame: FrameType, event: str, arg: Any) -> Any:
        text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        if event == "line" and text != "yield result":  # nothing is called before it: no signal is raised there
            self.left -= 1
            if self.left == 0:
                self.where = f"{frame.f_code.co_name}: {text}"
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
        return self.line


def wire(sent: list[str], **more: Any) -> tuple[Any, Any]:
    """A transport and a listener that notes which PUT has left."""

    def heard(event: Event) -> None:
        if event.kind == "request" and (event.request or "").startswith("PUT"):
            sent.append((event.request or "").rpartition("/")[2].replace("%2F", "/"))

    return transport(images=IMAGES, rate_limit=False, **more), heard


def ids(account: PartialWrite) -> list[str]:
    told = [*account.done, *(args for args, _ in account.unknown)]
    return sorted(args["imageId"] for args in told)


def run(session: Session, sql: str) -> Any:
    """As the program reads results: a for loop leaves no moment between getting one and having it."""
    for result in session.run(sql):
        return result
    raise AssertionError("no statement")


@pytest.mark.parametrize("approved", [False, True])
@pytest.mark.filterwarnings("ignore:coroutine")
def test_a_ctrl_c_before_any_line_loses_no_account(approved: bool) -> None:
    approve = (lambda preview: True) if approved else None
    sent: list[str] = []
    through, heard = wire(sent)
    before, nth, told = signal.getsignal(signal.SIGINT), 0, 0
    with Session(SETTINGS, transport=through, on_event=heard, approve=approve) as session:
        run(session, "SELECT id FROM linode.images.images WHERE id = 'linode/debian12'")  # the loop is there
        while True:
            sent.clear()
            nth += 3 if approved else 1  # with every line it takes three times as long
            result: Any = None
            account: PartialWrite | None = None
            pressing = Pressing(nth)
            sys.settrace(pressing.called)
            try:
                result = run(session, REPLACE.replace("'x'", f"'x{nth}'"))
            except PartialWrite as error:
                account = error
            except (Interrupted, KeyboardInterrupt):
                assert sent == [], pressing.where
            finally:
                sys.settrace(None)
            if account is not None:
                assert ids(account) == sent, pressing.where
                assert account.completed, pressing.where
                assert account.completed.fetchall() == [(args["imageId"],) for args in account.done]
                told += 1
            assert signal.getsignal(signal.SIGINT) == before
            assert interrupts._scope is None
            if not pressing.where:
                break
    assert result.fetchall() == [(name,) for name in THREE]
    assert nth > 100
    assert told > 5


def pressing_at(number: int, times: int = 1) -> tuple[list[str], Any, Any]:
    """What is sent, a transport whose PUT of this number is slow, and a listener that presses when that has left."""
    sent: list[str] = []
    through, heard = wire(sent, faults=[Fault("PUT", nth=number, delay=30)])

    def hear(event: Event) -> None:
        before = len(sent)
        heard(event)
        if before < len(sent) == number:
            for _ in range(times):
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    return sent, through, hear


@pytest.mark.parametrize("times", [1, 3])
def test_pressing_it_again_does_not_stop_the_account(times: int) -> None:
    sent, through, hear = pressing_at(2, times)
    with (
        Session(SETTINGS, transport=through, on_event=hear) as session,
        pytest.raises(PartialWrite) as raised,
    ):
        run(session, REPLACE)
    assert ids(raised.value) == sent == THREE[:2]
    assert [args["imageId"] for args in raised.value.done] == THREE[:1]
    assert isinstance(raised.value.__context__, Interrupted | KeyboardInterrupt)


def test_what_does_not_end_after_a_ctrl_c_is_told_as_far_as_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.portal.PATIENCE", 0.1)
    sent, through, hear = pressing_at(2)
    free = threading.Event()

    def holding(event: Event) -> None:
        before = len(sent)
        hear(event)
        if before < len(sent) == 2:
            free.wait(10)  # the loop itself is held up

    with Session(SETTINGS, transport=through, on_event=holding) as session:
        with pytest.raises(PartialWrite) as raised:
            run(session, REPLACE)
        free.set()
        run(session, "SELECT id FROM linode.images.images WHERE id = 'linode/debian12'")  # what was left has ended
    assert [args["imageId"] for args in raised.value.done] == THREE[:1]
    assert [args["imageId"] for args, _ in raised.value.unknown] == THREE[1:2]


def test_a_ctrl_c_while_the_session_closes_hides_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    def close(session: Session) -> None:
        signal.raise_signal(signal.SIGINT)

    account = PartialWrite("half", done=[], failed=[], unknown=[], unsent=[])
    session = Session(SETTINGS)
    monkeypatch.setattr(Session, "close", close)
    with pytest.raises(PartialWrite), session:
        raise account
    with pytest.raises(KeyboardInterrupt), session:
        pass


@pytest.mark.parametrize("late", [False, True])
def test_a_task_that_is_cancelled_when_all_is_written_accounts_for_it(
    late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cancellation arrives with the last answer, or while the rows of RETURNING are made."""
    sent: list[str] = []
    through, heard = wire(sent)

    async def main() -> BaseException | None:
        task = asyncio.ensure_future(session.answer(statement))
        loop, wait = asyncio.get_running_loop(), asyncio.wrap_future

        def wrapped(future: Any) -> Any:
            outcome = wait(future)
            outcome.add_done_callback(lambda done: loop.call_soon(task.cancel) if late else task.cancel())
            return outcome

        monkeypatch.setattr("engine.portal.asyncio.wrap_future", wrapped)
        try:
            await task
        except asyncio.CancelledError as cancelled:
            return cancelled.__cause__
        return None

    (statement,) = parse(REPLACE)
    with Session(SETTINGS, transport=through, on_event=heard, way=AWAITING) as session:
        account = asyncio.run(main())
    assert isinstance(account, PartialWrite)
    assert "REPLACE was interrupted when all was written, of 3 rows: 3 done" in account.message
    assert ids(account) == sent == THREE
    assert account.completed.fetchall() == [(name,) for name in THREE]


def test_a_handler_that_raises_nothing_stops_nothing() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with interrupts.Scope(), interrupts.Stopping(lambda: heard.append(-1)):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]


def test_what_is_asked_meanwhile_is_interrupted_at_once() -> None:
    with interrupts.Scope():
        with pytest.raises(KeyboardInterrupt), interrupts.Released():
            signal.raise_signal(signal.SIGINT)
        assert interrupts.kept() is None
    with pytest.raises(KeyboardInterrupt), interrupts.Scope():
        pressed_and(interrupts.check)


def pressed_and(then: Callable[[], None]) -> None:
    signal.raise_signal(signal.SIGINT)
    then()


def fail() -> None:
    raise ValueError("because")


def test_an_error_tells_more_than_the_ctrl_c_that_it_arose_in() -> None:
    with pytest.raises(ValueError, match="because") as raised, interrupts.Scope():
        pressed_and(fail)
    assert isinstance(raised.value.__context__, KeyboardInterrupt)

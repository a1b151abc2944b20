"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from engine.wire.clock import Clock


def pytest_configure() -> None:
    """A shell that starts the tests in the background has them ignore Ctrl-C, and their children with them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _nothing_is_pulled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The documents that whoever runs the tests has pulled are not there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sleeps wakes at once, and the clock says that the time has passed."""
    slept = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal slept
        slept += seconds

    def clock() -> Clock:
        return Clock(now=lambda: time.monotonic() + slept, wall=lambda: time.time() + slept, sleep=sleep)

    monkeypatch.setattr("engine.wire.client.Clock", clock)

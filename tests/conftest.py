"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import engine.sandbox
from engine.wire.clock import Clock

# How long an example takes is the machine's affair: others may be busy on it.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


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


@dataclass
class Passing:
    """Time that passes only while somebody sleeps. `at` are things to do when a moment has come."""

    now: float = field(default_factory=time.time)
    slept: list[float] = field(default_factory=list)
    at: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.now + seconds
        await asyncio.sleep(0)  # others who sleep as long begin at the same moment
        self.now = max(self.now, until)
        for moment, act in self.at:
            if moment <= self.now:
                act()

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, wall=lambda: self.now, sleep=self.sleep)


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Passing:
    """Who waits for a sandbox waits no time: the clocks of both go on by what is slept."""
    time, real = Passing(), engine.sandbox.transport

    def transport(*args: Any, **more: Any) -> Any:
        return real(*args, **{"clock": lambda: time.now, **more})

    monkeypatch.setattr("engine.wire.client.Clock", lambda: time.clock)
    monkeypatch.setattr("engine.sandbox.transport", transport)
    return time

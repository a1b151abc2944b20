"""Fixtures that several rooms' tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Retries wait no time at all: the policy is told that chance came out as zero."""
    import engine.wire.retry as retry

    monkeypatch.setattr(retry.pause, "__kwdefaults__", {"chance": lambda: 0.0})
    yield

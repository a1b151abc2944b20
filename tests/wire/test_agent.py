"""The name under which requests go out, installed or not."""

from __future__ import annotations

import importlib.metadata

import pytest

from engine.wire import exchange


def test_the_agent_names_the_version_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.2.3")
    assert exchange.agent.__wrapped__() == "stratoql/1.2.3"
    monkeypatch.setattr(importlib.metadata, "version", absent)
    assert exchange.agent.__wrapped__() == "stratoql/0"

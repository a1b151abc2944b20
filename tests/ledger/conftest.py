"""A ledger that is not there yet, and an account with three images to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ledger.played import Account, image


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


@pytest.fixture
def account() -> Account:
    return Account(image(n, f"old-{n}") for n in (1, 2, 3))

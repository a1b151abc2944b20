"""Every sample runs in the sandbox, says how on top, and gives rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.session import Session
from engine.settings import Settings

SAMPLES = sorted((Path(__file__).parent.parent / "samples").glob("*.iql"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_runs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("-- ")
    assert f"samples/{path.name}" in text.split("\n\n")[0]
    with Session(Settings(sandbox="", environ={})) as session:
        answers = [result.fetchall() for result in session.run(text)]
    assert all(answers)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_can_be_rehearsed(path: Path) -> None:
    with Session(Settings(sandbox="", environ={})) as session:
        for plan in session.run(path.read_text(encoding="utf-8"), dry_run=True):
            assert plan.fetchall()

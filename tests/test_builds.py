"""sqlglot's two builds, pure Python and compiled, give the same plans."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.pure import compiled, plans


def test_both_builds_of_the_parser_give_the_same_plans() -> None:
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "tests.pure"], cwd=root, capture_output=True, text=True, timeout=50, check=True
    )
    pure = json.loads(done.stdout)
    assert compiled(), "the compiled build is not installed, so nothing is compared"
    assert not pure["compiled"]
    assert pure["plans"] == plans()

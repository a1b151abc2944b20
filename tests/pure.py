"""Run a program with sqlglot's Python sources even where its compiled build is installed.

`python -m tests.pure` prints the plan of every fixture case, one JSON object, so that the two builds can be compared;
`python -m tests.pure pytest ...` runs tests.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.machinery import FileFinder, ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType


class _Sources:
    """Finds sqlglot's modules as sources only."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.split(".")[0] != "sqlglot":
            return None
        for folder in path or ():
            spec = FileFinder(folder, (SourceFileLoader, [".py"])).find_spec(name)
            if spec is not None:
                return spec
        return PathFinder.find_spec(name, path) if path is None else None


def plans() -> dict[str, list[str]]:
    """The explanation, or the error, of every fixture case."""
    from tests.statements.fixtures import cases, run

    found = {}
    for case in cases():
        outcome = run(case.sql, dry_run=True)
        found[case.name] = [*outcome.rows, outcome.error]
    return found


def compiled() -> bool:
    """Whether sqlglot's parser is machine code."""
    import sqlglot.parser

    return not str(sqlglot.parser.__file__).endswith(".py")


if __name__ == "__main__":
    sys.meta_path.insert(0, _Sources())
    if sys.argv[1:2] == ["pytest"]:
        import pytest

        sys.exit(pytest.main(sys.argv[2:]))
    sys.stdout.write(json.dumps({"compiled": compiled(), "plans": plans()}))

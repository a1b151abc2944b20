"""Who may import whom: each room knows only the rooms below it, and each third party has one owner."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# From the ground up. Rooms of one floor do not know each other, but where it says so.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"engine.errors", "engine.functions", "engine.interrupts", "engine.datafaults"}),
    frozenset({"engine.ways", "engine.accounts"}),
    frozenset({"engine.settings", "engine.result"}),
    frozenset({"engine.language"}),
    frozenset({"engine.store"}),
    frozenset({"engine.planner", "engine.wire", "engine.sandbox"}),
    frozenset({"engine.arguments", "engine.portal", "engine.data"}),
    frozenset(
        {"engine.abreast", "engine.before", "engine.connections", "engine.doubts", "engine.outcomes", "engine.tally"}
    ),
    frozenset({"engine.lifecycle"}),
    frozenset({"engine.ledger", "engine.writing", "engine.preview"}),
    frozenset({"engine.executor", "engine.discovery"}),
    frozenset({"engine.answers", "engine.explain", "engine.watched", "engine.foresight"}),
    frozenset({"engine.registry"}),
    frozenset({"engine.prepared", "engine.running"}),
    frozenset({"engine.session"}),
    frozenset({"engine.formats", "engine.replay", "engine.script"}),
    frozenset({"engine.fits"}),
    frozenset({"engine.course"}),
    frozenset({"engine.api"}),
    frozenset({"engine.cli", "engine.repl", "engine.alchemy"}),
    frozenset({"engine.notebook"}),
    frozenset({"engine.__main__"}),
)
OWNERS = {
    "sqlglot": {"engine.language", "engine.planner"},
    "httpx": {"engine.wire", "engine.sandbox", "engine.connections", "engine.session"},  # the last two: for a type
    "sqlite3": {"engine.store", "engine.sandbox"},  # the sandbox keeps its state in a file of its own
    "yaml": {"provider_registry"},  # data files are read by the documents' own rules
    "dotenv": {"engine.data"},
    "jsonschema": {"provider_registry"},
    "jinja2": {"engine.language"},
    "prompt_toolkit": {"engine.repl"},
    "pygments": {"engine.repl"},
    "tabulate": {"engine.formats"},
    "tqdm": {"engine.cli"},
    "shtab": {"engine.cli"},
    "pyarrow": {"engine.api"},
    "pandas": {"engine.api", "engine.notebook"},  # the last for a type
    "polars": {"engine.api"},
    "sqlalchemy": {"engine.alchemy"},
    "IPython": {"engine.notebook"},
}


def modules() -> Iterator[Path]:
    for package in ("engine", "provider_registry"):
        yield from sorted((ROOT / package).rglob("*.py"))


def room(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "engine" else parts[0]


def imports(path: Path) -> Iterator[str]:
    """The modules a file imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "engine":
                yield from (f"engine.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", list(modules()), ids=name)
def test_a_room_knows_only_the_rooms_below_it(path: Path) -> None:
    here = room(name(path))
    above = {r: height for height, floor in enumerate(FLOORS) for r in floor}
    for imported in imports(path):
        there = room(imported)
        if here == "provider_registry":
            assert not imported.startswith("engine"), f"{name(path)} imports {imported}"
        elif {here, there} == {"engine.cli", "engine.repl"}:
            continue  # the two faces of one program: the command opens the shell, the shell shows as the command does
        elif imported.startswith("engine.") and there != here and here != "engine":
            assert above[there] < above[here], f"{name(path)} imports {imported}"


@pytest.mark.parametrize("path", list(modules()), ids=name)
def test_each_third_party_has_one_owner(path: Path) -> None:
    for imported in imports(path):
        owners = OWNERS.get(imported.split(".")[0])
        assert owners is None or room(name(path)) in owners, f"{name(path)} imports {imported}"


def test_every_room_has_a_floor() -> None:
    rooms = {room(name(path)) for path in modules()} - {"provider_registry", "engine"}
    assert rooms == {r for floor in FLOORS for r in floor}

"""The reference in the README is the program's own."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from engine.cli import arguments, program
from engine.cli.commands import COMMANDS
from engine.formats import FORMATS
from engine.functions import FUNCTIONS
from provider_registry.catalog import Catalog
from tests.markdown import code, table_under

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLATFORM = {"HOME", "USERPROFILE", "XDG_CONFIG_HOME", "TERM"}  # variables that are not ours to explain


def test_flags() -> None:
    written = {frozenset(code(row[0])) for row in table_under(README, "### Flags")}
    actions = {id(action): action for _, action in arguments.spellings(arguments.build())}.values()
    assert written == {frozenset(_spelled(action)) for action in actions}


def _spelled(action: argparse.Action) -> list[str]:
    """The spellings of a flag as help shows them, the long one with what it takes."""
    *short, long = action.option_strings
    if action.nargs == 0:
        return [*short, long]
    takes = action.metavar or "{" + ",".join(action.choices or ()) + "}"
    return [*short, f"{long} [{takes}]" if action.nargs == "?" else f"{long} {takes}"]


def test_defaults_in_the_flags() -> None:
    from engine.settings import Settings

    rows = {code(row[0])[-1].split()[0]: row[1] for row in table_under(README, "### Flags")}
    for name in ("max_requests", "max_writes", "concurrency"):
        assert rows[f"--{name.replace('_', '-')}"].endswith(f"default {getattr(Settings(), name)}")


def test_commands() -> None:
    rows = table_under(README, "### Commands")
    written = {words[1] for row in rows for line in code(row[0]) if (words := line.split())[1:]}
    assert written == {name for name in COMMANDS if name}


def test_commands_of_the_shell() -> None:
    from engine.repl.commands import COMMANDS as OF_THE_SHELL

    rows = table_under(README, "### Commands of the shell")
    written = {code(row[0])[0].split()[0]: row[1].startswith("+") for row in rows}
    assert written == {command.name: command.trailing for command in OF_THE_SHELL.values()}


def test_functions() -> None:
    told = " ".join(row[0] for row in table_under(README, "### Functions"))
    assert [name for name, *_ in FUNCTIONS if f"{name}(" not in told and f" {name.upper()} " not in told] == []


def test_formats() -> None:
    assert [code(row[0]) for row in table_under(README, "### Formats")] == [[name] for name in FORMATS]
    output = next(row[1] for row in table_under(README, "### Flags") if "--output FORMAT" in row[0])
    assert code(output) == list(FORMATS)


def test_exit_codes() -> None:
    assert [code(row[0]) for row in table_under(README, "### Exit codes")] == [
        [str(number)]
        for number in sorted(
            [0, program.FAILED, program.MISUSED, program.INTERRUPTED, program.PIPE_CLOSED, program.TERMINATED]
        )
    ]


def test_environment() -> None:
    written = {code(row[0])[0] for row in table_under(README, "### Environment")}
    assert written == _read_by_the_code() - PLATFORM | _named_by_the_documents()


def _read_by_the_code() -> set[str]:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "engine").rglob("*.py"))
    return set(re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", sources))


def _named_by_the_documents() -> set[str]:
    found: set[str | None] = set()
    for method in Catalog().resource("linode", "images", "images").methods.values():
        found |= {method.server.env, *(variable.env for variable in method.server.variables.values())}
        for place in method.auth.credentials:
            found |= {place.env, place.ini and f"{place.ini.upper().replace('-', '_')}_CONFIG"}
    return {name for name in found if name}

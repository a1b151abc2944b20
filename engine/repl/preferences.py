"""How the shell looks and behaves: defaults < the table [shell] of the configuration file < flags."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.settings import checked, config_path, tables

# What the file may set, what it means and, where it is one of some words, those words.
OPTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "prompt": ("what stands before what you type; {where} is sandbox or stratoql, {provider} what USE chose", ()),
    "theme": ("colours, by the name of a pygments style such as monokai or friendly", ()),
    "keys": ("how lines are edited; F4 changes it", ("emacs", "vi")),
    "multiline": ("Enter runs only what ends in a semicolon; F3 changes it", ()),
    "confirm": ("show what a write will do, and ask", ()),
    "expanded": ("a field a line; auto: where a table is wider than the terminal", ("auto", "on", "off")),
    "pager": ("for what is taller than the terminal: auto ($PAGER, else less), off, or a command", ()),
    "timing": ("requests and seconds of each statement", ()),
    "history": ("keep what is typed, but nothing that may hold a secret", ()),
    "init_command": ("statements or a backslash command to begin with", ()),
}


@dataclass(frozen=True)
class Preferences:
    """What OPTIONS explains, by the same names."""

    prompt: str = "{where}> "
    theme: str = "default"
    keys: str = "emacs"
    multiline: bool = True
    confirm: bool = True
    expanded: str = "auto"
    pager: str = "auto"
    timing: bool = True
    history: bool = True
    init_command: str = ""

    def __post_init__(self) -> None:
        for name, (_, words) in OPTIONS.items():
            if words and getattr(self, name) not in words:
                raise UsageError(f"{name} is one of {', '.join(words)}, not {getattr(self, name)!r}")


_KINDS: Mapping[str, tuple[type, ...]] = {field.name: (type(field.default),) for field in fields(Preferences)}


def from_file(path: Path) -> dict[str, Any]:
    """What the file sets, by name."""
    table = tables(path).get("shell", {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: shell must be a table", hint="write the line [shell] above its settings")
    return checked(path, table, _KINDS, "shell.")


def given(flags: argparse.Namespace) -> dict[str, Any]:
    """The preferences among the flags, None where a flag is absent. `--timing` asks for what is the default here."""
    named = {name: getattr(flags, name) for name in ("prompt", "init_command", "history", "confirm")}
    return named | {"timing": True if flags.timing else None}


def load(arguments: Mapping[str, Any] | None = None, *, path: Path | None = None) -> Preferences:
    """The preferences in force; arguments that are None do not count."""
    path = path or config_path()
    try:
        below = Preferences(**from_file(path))
    except UsageError as error:
        if not error.message.startswith(str(path)):
            error.message = f"{path}: shell.{error.message}"
            error.args = (error.message,)
        raise
    return replace(below, **{name: value for name, value in (arguments or {}).items() if value is not None})

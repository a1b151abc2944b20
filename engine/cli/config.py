"""`config`: a commented file to begin with, and where each setting in force comes from."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from engine import settings
from engine.cli import arguments, terminal
from engine.cli.output import destination
from engine.cli.running import show_result
from engine.errors import CredentialError, UsageError
from engine.repl import preferences
from engine.repl.preferences import OPTIONS, Preferences
from engine.result import Result, ResultColumn
from engine.settings import KINDS, Settings

# What the file may set beside the shell's table: what it means, and an example where the default says nothing.
_WHAT: Mapping[str, tuple[str, Any]] = {
    "concurrency": ("requests under way at a time", None),
    "page_size": ("rows to a page; by default the largest the API allows", 100),
    "max_requests": ("the requests a statement may send", None),
    "max_writes": ("the rows a statement may write", None),
    "timeout": ("the seconds a statement may take; by default no end", 60),
    "pushdown": ("let filters travel to the API", None),
    "insecure_http": ("allow plain http to hosts other than this one", None),
    "ledger": ("a file in which every write is written down", "~/stratoql-ledger.jsonl"),
    "account": ("the accounts that statements speak for", ["prod"]),
    "partial": ("let a query go on without an account that fails, with a warning", None),
    "registry": (
        "registries of provider documents, before all others: folders, addresses",
        ["~/providers"],
    ),
    "servers": ("another base URL for a provider", {"linode": "https://api.linode.com/v4beta"}),
}

_ACCOUNTS = (
    "accounts by name: the token of each is in a variable (token_env), in a file (token_file), or here (token),",
    "where nobody but you can read this file; their provider is linode, where no other is said",
    'prod = { token_env = "PROD_TOKEN" }',
)


def init(given: argparse.Namespace) -> int:
    """`config init`: the file, every setting in it commented out. One that is there stays as it is."""
    path = settings.config_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(template())
    except FileExistsError:
        raise UsageError(
            f"{path} is there already, and stays as it is", hint="stratoql config show tells what it sets"
        ) from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    terminal.say(f"written: {path}", given.color)
    return 0


def template() -> str:
    """A configuration file that sets nothing and says what could be set."""
    lines = ["# What stands here is in force where no flag says otherwise.", ""]
    for name, (what, example) in _WHAT.items():
        value = getattr(Settings(environ={}), name)
        lines += [f"# {what}", f"# {name} = {_toml(example if example is not None else value)}", ""]
    lines += ["[accounts]", "", *(f"# {line}" for line in _ACCOUNTS), ""]
    lines += ["[shell]", ""]
    for name, (what, words) in OPTIONS.items():
        shown = f"{what}: {', '.join(words)}" if words else what
        lines += [f"# {shown}", f"# {name} = {_toml(getattr(Preferences(), name))}", ""]
    return "\n".join(lines)


def show(given: argparse.Namespace) -> int:
    """`config show`: every setting, its value, and where that is from."""
    rows = list(_rows(given, settings.config_path()))
    columns = [ResultColumn(name, "string") for name in ("setting", "value", "source")]
    with destination(given.outfile) as stream:
        show_result(Result(columns, iter(rows)), stream, given)
    return 0


def _rows(given: argparse.Namespace, path: Path) -> Iterator[tuple[str, str | None, str]]:
    flags = {name: value for name, value in arguments.settings_given(given).items() if value is not None}
    top = settings.tables(path)
    loaded = settings.load(flags, path=path)
    yield "config", str(path), _path_source(path)
    for name in KINDS:
        source = "argument" if name in flags else str(path) if name in top else "default"
        if name == "servers" and name in flags and name in top:
            source = f"argument and {path}"
        yield name, _spelled(getattr(loaded, name)), source
    yield "token", *_token(loaded)
    for profile in loaded.accounts.values():
        yield f"accounts.{profile.name}", f"{profile.provider}, token from {profile.place}", str(path)
    chosen = {name: value for name, value in preferences.given(given).items() if value is not None}
    inside, shell = preferences.from_file(path), preferences.load(chosen, path=path)
    for field in fields(Preferences):
        name, value = field.name, getattr(shell, field.name)
        source = "argument" if name in chosen else str(path) if name in inside else "default"
        if name == "pager" and value == "auto" and os.environ.get("PAGER"):
            value, source = os.environ["PAGER"], "environment PAGER"
        yield f"shell.{name}", _spelled(value), source


def _path_source(path: Path) -> str:
    there = "" if path.exists() else ", no such file"
    return ("environment STRATOQL_CONFIG" if os.environ.get("STRATOQL_CONFIG") else "default") + there


def _token(loaded: Settings) -> tuple[str | None, str]:
    """Whether there is a token for the first provider, masked, and where it is from."""
    from engine.registry import catalog
    from engine.wire.auth import found_in
    from engine.wire.masking import MASK
    from provider_registry.protocol import Auth

    found = catalog(loaded).signing()
    try:
        source = found_in(found[1].auth if found is not None else Auth(), loaded)
    except CredentialError as error:
        return None, error.message
    if source is None:
        return None, "nowhere"
    return MASK, f"environment {source}" if source in loaded.environ else source


def _spelled(value: Any) -> str | None:
    """A value as the file would have it; None where there is none."""
    return None if value is None else _toml(value)


def _toml(value: Any) -> str:
    """A value in TOML.

    >>> _toml({"linode": "https://h"}), _toml(("a",)), _toml(True), _toml(8)
    ('{ "linode" = "https://h" }', '["a"]', 'true', '8')
    """
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{json.dumps(name)} = {_toml(inner)}" for name, inner in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)

"""Tests as a language: SQL, the requests that must leave, the rows that must come.

A file holds cases. A case begins with `## what it shows`, then its SQL, then sections:

    === requests     one a line: `GET /v4/images?page=1&page_size=500`, after two spaces `X-Filter: ...` or a body;
                     absent: not looked at; empty: nothing may leave
    === rows         one a line, values joined by ` | `; NULL, true, false, JSON without blanks; of the last statement
    === message      what is said of the last statement
    === warning      lines that its warnings must contain
    === error        lines that the explained error must contain
    === plan         the lines of EXPLAIN

`{I}` in SQL stands for linode.images.images.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.errors import StratoqlError, explain
from engine.result import JsonText
from engine.sandbox import TOKEN, transport
from engine.session import Session
from engine.settings import Settings

HERE = Path(__file__).parent
IMAGES: list[dict[str, Any]] = json.loads((HERE / "images.json").read_text(encoding="utf-8"))
NOW = 1_735_689_600.0  # 2025-01-01T00:00:00Z, when every test takes place


@dataclass(frozen=True)
class Case:
    """One case of a file."""

    name: str
    sql: str
    sections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What running a case gave."""

    requests: tuple[str, ...]
    rows: tuple[str, ...] = ()
    values: tuple[tuple[Any, ...], ...] = ()
    columns: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""


def cases(*names: str) -> Iterator[Case]:
    """The cases of the fixture files, all of them or those named."""
    for path in sorted(HERE.glob("*.test")):
        if not names or path.stem in names:
            yield from cases_in(path)


def cases_in(path: Path) -> Iterator[Case]:
    """The cases of one file."""
    for block in path.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, body = block.partition("\n")
        sql, *sections = body.split("\n=== ")
        parts = {}
        for section in sections:
            word, _, lines = section.partition("\n")
            parts[word.strip()] = tuple(line for line in lines.rstrip().split("\n") if line.strip())
        yield Case(f"{path.stem}: {title.strip()}", sql.strip().replace("{I}", "linode.images.images"), parts)


def run(sql: str, settings: Settings | None = None, *, dry_run: bool = False, **sandbox: Any) -> Outcome:
    """Run SQL in a sandbox of the fixture images; errors are part of the outcome. A dry run gives all its lines."""
    wire = transport(**{"images": IMAGES, "rate_limit": False, "clock": lambda: NOW, **sandbox})
    base = settings or Settings(environ={})
    outcome = Outcome(())
    with Session(replace(base, token=base.token or TOKEN), transport=wire) as session:
        try:
            for result in session.run(sql, dry_run=dry_run):
                values = (*(outcome.values if dry_run else ()), *result.fetchall())
                outcome = Outcome(
                    (),
                    tuple(" | ".join(map(shown, row)) for row in values),
                    values,
                    tuple(column.name for column in result.columns),
                    result.messages,
                    result.warnings,
                )
        except StratoqlError as error:
            completed = getattr(error, "completed", None)
            rows = tuple(" | ".join(map(shown, row)) for row in completed.fetchall()) if completed else ()
            outcome = Outcome((), rows, error=explain(error))
    return replace(outcome, requests=tuple(_line(request) for request in wire.requests))


def shown(value: Any) -> str:
    """A value as a fixture writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, JsonText):
        return json.dumps(json.loads(value), separators=(",", ":"), ensure_ascii=False)
    return str(value).replace("\n", "\\n")


def _line(request: Any) -> str:
    """A request of the sandbox's log as a fixture writes it."""
    parts = urlsplit(str(request.url))
    line = f"{request.method} {parts.path}{'?' + parts.query if parts.query else ''}"
    headers = {name.lower(): value for name, value in dict(request.headers).items()}
    if "x-filter" in headers:
        line += f"  X-Filter: {json.dumps(json.loads(headers['x-filter']), separators=(',', ':'))}"
    if request.body:
        line += f"  {request.body.decode()}"
    return same(line)


def same(line: str) -> str:
    """A request with the members of its body in one order: an object has none."""
    head, _, body = line.partition("  {")
    if not body:
        return line
    return f"{head}  {json.dumps(json.loads('{' + body), separators=(',', ':'), ensure_ascii=False, sort_keys=True)}"

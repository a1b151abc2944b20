"""An account with images behind a transport, which counts what took effect; and a ledger read as data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from engine.errors import StratoqlError
from engine.ledger.file import opened
from engine.replay.resume import Told, Wish, resume
from engine.session import Session
from engine.settings import Settings

TOKEN = "t0k3n-of-a-test"


def image(number: int, label: str) -> dict[str, Any]:
    return {"id": f"private/{number}", "label": label, "tags": ["one", "two"], "is_public": False, "type": "manual"}


class Account:
    """Images by id. `effects` counts the writes that took effect, `sent` lists all requests that came.

    `meet` is asked before each request; what it raises or answers stands in the place of the account's own answer.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.rows = {str(row["id"]): dict(row) for row in rows}
        self.effects: Counter[str] = Counter()
        self.sent: list[str] = []
        self.meet: Callable[[httpx.Request], httpx.Response | None] = lambda request: None

    @property
    def writes(self) -> list[str]:
        return [line for line in self.sent if not line.startswith("GET")]

    def answer(self, request: httpx.Request) -> httpx.Response:
        key = unquote(request.url.raw_path.decode().partition("?")[0]).partition("/images")[2].strip("/")
        body = json.loads(request.content or b"{}")
        self.sent.append(f"{request.method} {key or body.get('label', '')}".strip())
        return self.meet(request) or self.act(request.method, key, body)

    def act(self, method: str, key: str, body: Mapping[str, Any]) -> httpx.Response:
        """What the API does."""
        if method == "GET" and not key:
            rows = list(self.rows.values())
            return httpx.Response(200, json={"data": rows, "page": 1, "pages": 1, "results": len(rows)})
        if method == "POST":
            made = image(900 + len(self.rows), body["label"])
            self.rows[made["id"]] = made
            self.effects[f"POST {body['label']}"] += 1
            return httpx.Response(200, json=made)
        if key not in self.rows:
            return httpx.Response(404, json={"errors": [{"reason": "Not found"}]})
        row = self.rows[key]
        if method == "GET":
            return httpx.Response(200, json=row)
        self.effects[f"{method} {key}"] += 1
        if method == "DELETE":
            del self.rows[key]
            return httpx.Response(200, json={})
        row.update({**body, "tags": sorted(body.get("tags", row["tags"]))})  # as the API sorts them
        return httpx.Response(200, json=row)

    def session(self, ledger: Path | None = None, **settings: Any) -> Session:
        given = {"token": TOKEN, "environ": {}, "concurrency": 1, **settings}
        named = None if ledger is None else str(ledger)
        return Session(Settings(ledger=named, **given), transport=httpx.MockTransport(self.answer))

    def run(self, sql: str, ledger: Path, **settings: Any) -> StratoqlError | None:
        """Run a write; its error."""
        try:
            with self.session(ledger, **settings) as session:
                for result in session.run(sql):
                    result.fetchall()
        except StratoqlError as error:
            return error
        return None

    def resume(self, ledger: Path, settings: Mapping[str, Any] | None = None, **wish: Any) -> list[Told]:
        with self.session(None, **(settings or {})) as session, opened(str(ledger)) as file:
            return resume(session, file, Wish(**wish))


def lines(ledger: Path) -> list[dict[str, Any]]:
    """The lines of a ledger that is whole."""
    return [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]


def events(ledger: Path) -> list[str]:
    """`sending 1`, `done 1`, ..."""
    return [f"{line['event']} {line['call']}" for line in lines(ledger) if line["event"] != "run"]

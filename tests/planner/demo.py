"""The made-up provider of tests/demo, played by a function."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from engine.errors import StratoqlError, explain
from engine.session import Session
from engine.settings import Settings

ROOT = str(Path(__file__).parent.parent / "demo")
CUSTOMERS: list[dict[str, Any]] = [
    {"id": 1, "name": "ann", "favourite": "tea"},
    {"id": 2, "name": "bob", "favourite": None},
    {"id": 3, "name": "cid", "favourite": "rum"},
]
ORDERS: dict[int, list[tuple[int, float]]] = {1: [(11, 5.5), (12, 7)], 2: [], 3: [(31, 1)]}
ITEMS: dict[int, list[tuple[str, int]]] = {11: [("tea", 2)], 12: [("tea", 1), ("rum", 1)], 31: [("rum", 9)]}


def api(request: httpx.Request) -> httpx.Response:
    """The API: what a path answers."""
    match unquote(request.url.path).strip("/").split("/")[1:]:
        case ["customers"]:
            return httpx.Response(200, json={"items": CUSTOMERS})
        case ["customers", customer, "orders"] if request.method == "GET":
            rows = [{"id": i, "customer": int(customer), "total": t} for i, t in ORDERS.get(int(customer), [])]
            return httpx.Response(200, json={"items": rows})
        case ["customers", customer, "orders", order] if request.method == "PATCH":
            return httpx.Response(
                200, json={"id": int(order), "customer": int(customer), **json.loads(request.content)}
            )
        case ["customers", _, "orders", order, "items"]:
            return httpx.Response(200, json=[{"sku": s, "count": n} for s, n in ITEMS.get(int(order), [])])
        case ["stock", sku]:
            return httpx.Response(200, json={"sku": sku, "place": "cellar", "left": len(sku)})
        case ["warehouses", place]:
            return httpx.Response(200, json={"sku": "tea", "place": place, "left": 1})
    return httpx.Response(204)


def ask(sql: str, settings: Settings | None = None, *, dry_run: bool = False) -> tuple[list[Any], list[str], str]:
    """The rows of the last statement, the requests that left in order of their paths, the explained error."""
    sent: list[str] = []

    def played(request: httpx.Request) -> httpx.Response:
        body = f"  {request.content.decode()}" if request.content else ""
        sent.append(f"{request.method} {request.url.raw_path.decode().removeprefix('/v1')}{body}")
        return api(request)

    given = replace(settings or Settings(environ={}), registry=(ROOT,))
    rows: list[Any] = []
    with Session(given, transport=httpx.MockTransport(played)) as session:
        try:
            for result in session.run(sql, dry_run=dry_run):
                rows = [*result.fetchall()] or [*result.messages]
        except StratoqlError as error:
            return rows, sorted(sent), explain(error)
    return rows, sorted(sent), ""

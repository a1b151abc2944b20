"""A loopback list of image-shaped rows with latency: fast enough not to be what is measured.

Pages are built once, and a limit is told that nobody reaches. It understands page, page_size, one GET by key, and
three filters: a label, an order, none.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


def row(number: int) -> dict[str, Any]:
    """A private image as the API sends one."""
    return {
        "id": f"private/{number}",
        "label": f"image-{number}",
        "description": "a disk image of ordinary size and history",
        "created": "2024-01-10T08:00:00",
        "updated": "2024-01-11T09:30:00",
        "created_by": "somebody",
        "deprecated": False,
        "eol": None,
        "expiry": None,
        "is_public": False,
        "type": "manual",
        "status": "available",
        "size": number % 5000,
        "total_size": number % 5000,
        "vendor": None,
        "capabilities": ["cloud-init", "distributed-sites"],
        "tags": ["prod", "web"],
        "regions": [{"region": "us-east", "status": "available"}, {"region": "fr-par", "status": "available"}],
    }


class _Pages:
    """The answers, each built when first asked for."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._built: dict[tuple[int, int], bytes] = {}

    def answer(self, target: str, filter_: str) -> bytes:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if not parts.path.endswith("/images"):
            return json.dumps(row(int(unquote(parts.path).rpartition("/")[2]))).encode()
        wanted = json.loads(filter_) if filter_ else {}
        if "label" in wanted:
            found = [row(int(wanted["label"].rpartition("-")[2]))]
            return json.dumps({"data": found, "page": 1, "pages": 1, "results": 1}).encode()
        page, size = int(query.get("page", 1)), int(query.get("page_size", 100))
        if (page, size) not in self._built:
            rows = [row(n) for n in range((page - 1) * size, min(page * size, self.count))]
            body = {"data": rows, "page": page, "pages": -(-self.count // size), "results": self.count}
            self._built[page, size] = json.dumps(body, separators=(",", ":")).encode()
        return self._built[page, size]


async def _serve(pages: _Pages, latency: float, pipe: Connection) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                target = head.split(" ", 2)[1]
                filter_ = next(
                    (line[9:].strip() for line in head.split("\r\n") if line.lower().startswith("x-filter")), ""
                )
                body = pages.answer(target, filter_)
                await asyncio.sleep(latency)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-RateLimit-Limit: 1000000\r\n"
                    b"X-RateLimit-Remaining: 999999\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    for page in range(1, -(-pages.count // 500) + 1):
        pages.answer(f"/v4/images?page={page}&page_size=500", "")
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _main(count: int, latency: float, pipe: Connection) -> None:
    asyncio.run(_serve(_Pages(count), latency, pipe))


@contextmanager
def served(count: int, latency: float = 0.05) -> Iterator[str]:
    """`http://127.0.0.1:N` of a list of `count` rows; every answer takes `latency` seconds. Stops with the block."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_main, args=(count, latency, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()

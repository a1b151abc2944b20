"""What the engine costs beside the least that could be paid: `python -m tests.benchmarks [--short]`.

Each case is measured against a floor in the same run, and the ratio is what counts: absolute times are the machine's.
The floor of a scan is plain httpx and msgspec fetching the same pages with the same concurrency. A scan stays below
the 20 lists a minute that the document allows, or it would measure the wait for them.
"""

from __future__ import annotations

import asyncio
import io
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import msgspec

from engine.formats import FORMATS, Options
from engine.session import Session
from engine.settings import Settings
from tests.benchmarks.server import served

ALL = "SELECT * FROM linode.images.images"
CONCURRENCY = 8


def best(work: Callable[[], Any], times: int) -> float:
    """The shortest of several runs, in seconds."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def floor(url: str, pages: int) -> None:
    """Fetch and decode the pages, nothing else."""

    async def fetch() -> None:
        places = asyncio.Semaphore(CONCURRENCY)
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=CONCURRENCY), timeout=60) as client:

            async def one(page: int) -> None:
                async with places:
                    answer = await client.get(f"{url}/v4/images?page={page}&page_size=500")
                msgspec.json.decode(answer.content)

            await one(1)
            await asyncio.gather(*(one(page) for page in range(2, pages + 1)))

    asyncio.run(fetch())


def get(url: str, path: str) -> None:
    """One plain GET, on a new connection."""
    msgspec.json.decode(httpx.get(f"{url}{path}").content)


def query(url: str, sql: str) -> int:
    """A statement to JSON, in a new session."""
    out = io.StringIO()
    with Session(Settings(environ={"LINODE_URL": url}, concurrency=CONCURRENCY)) as session:
        for result in session.run(sql):
            FORMATS["json"](result, out, Options())
            return result.stats.requests
    return 0


def cpu(work: Callable[[], Any]) -> float:
    """Seconds of processor time that this process spends."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cold(*argv: str) -> Callable[[], Any]:
    """A fresh interpreter."""
    return lambda: subprocess.run([sys.executable, *argv], check=True, capture_output=True)


def say(case: str, ratio: float, goal: str, more: str = "") -> None:
    sys.stdout.write(f"| {case} | {ratio:.2f} | {goal} | {more} |\n")
    sys.stdout.flush()


def main(short: bool) -> None:
    rows, times = (5_000, 2) if short else (9_000, 5)
    sys.stdout.write("| case | ratio to its floor | goal | |\n|---|---|---|---|\n")
    with served(rows) as url:
        query(url, ALL)  # warm: documents compiled, modules loaded
        least = best(lambda: floor(url, rows // 500), times)
        ours = best(lambda: query(url, ALL), times)
        say(f"{rows:,} rows, all columns, to JSON", ours / least, "<= 1.5")
        own = (cpu(lambda: query(url, ALL)) - cpu(lambda: floor(url, rows // 500))) / rows * 1e6
        say("the same, processor time beyond the floor's", own / 15, "<= 1 (15 us a row)", f"{own:.1f} us a row")
        single = best(lambda: get(url, "/v4/images?page=1&page_size=25"), times)
        for sql in (
            f"{ALL} WHERE label = 'image-77'",
            "SELECT id, size FROM linode.images.images ORDER BY size DESC LIMIT 10",
            "SELECT id FROM linode.images.images LIMIT 10",
            "SELECT count(*) FROM linode.images.images",
        ):
            sent = query(url, sql)
            say(f"`{sql}`", best(partial(query, url, sql), times) / single, "<= 1.2", f"{sent} request")
    with served(100) as url:
        imports = best(cold("-c", "import sqlglot"), times)
        say('`exec "SELECT 1"` cold', best(cold("-m", "engine", "exec", "SELECT 1"), times) / imports, "<= 1.6")
        base = best(cold("-c", "import sqlglot, httpx, msgspec, yaml, sqlite3"), times)
        sql = "SELECT id FROM linode.images.images WHERE id = 'private/7'"
        one = best(cold("-m", "engine", "exec", "--server", f"linode={url}", sql), times)
        say("`exec` of one GET by id, cold", one / (base + 0.05), "<= 1.3")


if __name__ == "__main__":
    main("--short" in sys.argv)

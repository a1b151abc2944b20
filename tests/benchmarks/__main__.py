"""What the engine costs beside the least that could be paid: `python -m tests.benchmarks [--short]`.

Each case is measured against a floor in the same run, and the ratio is what counts: absolute times are the machine's.
Both are run in turn, several times, and the best of each is taken, so that whatever else the machine does befalls
both. The floor of a scan is plain httpx and msgspec fetching the same pages with the same concurrency.

`--short` has fewer rows and rounds, for a gate. The exit code is 1 where a case sends more requests than it may, or
is further beyond its goal than the noise of a busy machine explains.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec

from engine.formats import FORMATS, Options
from engine.session import Session
from engine.settings import Settings
from tests.benchmarks.documents import large
from tests.benchmarks.programs import Fetched
from tests.benchmarks.server import served

ALL = "SELECT * FROM linode.images.images"
ONE = "SELECT id FROM linode.images.images WHERE id = 'private/7'"
CONCURRENCY = 8
NOISE = 2  # a ratio this many times its goal is no accident
ROOT = Path(__file__).parents[2]
Work = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """A line of the table: a ratio, the most it should be, what else there is to say."""

    name: str
    ratio: float
    goal: float
    more: str = ""
    right: bool = True
    judged: bool = True  # an absolute time says as much of the machine

    def __str__(self) -> str:
        return f"| {self.name} | {self.ratio:.2f} | {self.goal:g} | {self.more} |"


def beside(work: Work, floor: Work, rounds: int, measure: Callable[[Work], float]) -> tuple[float, float]:
    """The best of several rounds of each, taken in turn."""
    pairs = [(measure(work), measure(floor)) for _ in range(rounds)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def clock(work: Work) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def making(work: Work) -> float:
    """Seconds until it is made; to let go of it again is not counted."""
    start = time.perf_counter()
    made = work()
    seconds = time.perf_counter() - start
    del made
    return seconds


def cpu(work: Work) -> float:
    """Seconds of processor time that this process spends on it."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def fetch(url: str, pages: int) -> None:
    """Fetch and decode the pages, nothing else."""

    async def main() -> None:
        places = asyncio.Semaphore(CONCURRENCY)
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=CONCURRENCY), timeout=60) as client:

            async def one(page: int) -> None:
                async with places:
                    answer = await client.get(f"{url}/v4/images?page={page}&page_size=500")
                msgspec.json.decode(answer.content)

            await one(1)
            await asyncio.gather(*(one(page) for page in range(2, pages + 1)))

    asyncio.run(main())


def get(url: str, path: str) -> None:
    """One plain GET, on a new connection."""
    msgspec.json.decode(httpx.get(f"{url}{path}").content)


def query(url: str, sql: str) -> int:
    """A statement to JSON, in a new session; the requests it sent."""
    out = io.StringIO()
    with Session(Settings(environ={"LINODE_URL": url}, concurrency=CONCURRENCY)) as session:
        (result,) = session.run(sql)
        FORMATS["json"](result, out, Options())
        return result.stats.requests


def cold(*argv: str) -> Work:
    """A fresh interpreter, all modules compiled."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return partial(subprocess.run, [sys.executable, *argv], check=True, capture_output=True, cwd=ROOT, env=environ)


def scans(rows: int, rounds: int) -> list[Case]:
    """A whole list, and what one request can answer of it."""
    with served(rows) as url:
        query(url, ALL)  # warm: documents compiled, modules loaded
        work, floor = partial(query, url, ALL), partial(fetch, url, rows // 500)
        ours, least = beside(work, floor, rounds, clock)
        found = [Case(f"{rows:,} rows, all columns, to JSON", ours / least, 1.5)]
        spent, needed = beside(work, floor, rounds, cpu)
        own = (spent - needed) / rows * 1e6
        found.append(
            Case(
                "the same, processor time a row beyond the floor's, by 15 us",
                own / 15,
                1,
                f"{own:.1f} us",
                judged=False,
            )
        )
        for sql in (
            f"{ALL} WHERE label = 'image-77'",
            "SELECT id, size FROM linode.images.images ORDER BY size DESC LIMIT 10",
            "SELECT id FROM linode.images.images LIMIT 10",
            "SELECT count(*) FROM linode.images.images",
        ):
            sent = query(url, sql)
            plain = partial(get, url, "/v4/images?page=1&page_size=25")
            ours, least = beside(partial(query, url, sql), plain, rounds, clock)
            found.append(Case(f"`{sql}`", ours / least, 1.2, f"{sent} request", sent == 1))
        return found


def starts(rounds: int) -> list[Case]:
    """From nothing to the answer."""
    with served(100) as url:
        plain = f"import sqlglot, httpx, msgspec, yaml, sqlite3; httpx.get('{url}/v4/images/private%2F7')"
        one = cold("-m", "engine", "exec", "--server", f"linode={url}", ONE)
        for warm in (cold("-m", "engine", "exec", "SELECT 1"), one):
            warm()
        nothing = beside(cold("-m", "engine", "exec", "SELECT 1"), cold("-c", "import sqlglot"), rounds, clock)
        lookup = beside(one, cold("-c", plain), rounds, clock)
    return [
        Case('`exec "SELECT 1"`, cold, by `import sqlglot`', nothing[0] / nothing[1], 1.6),
        Case("`exec` of one GET by id, cold, by the imports and that GET", lookup[0] / lookup[1], 1.3),
    ]


def programs(rounds: int) -> list[Case]:
    """What is here already, as a program takes it."""
    fetched, documents = Fetched(), Fetched(documents=True)
    assert fetched.result().to_arrow().equals(fetched.table())
    tuples = beside(lambda: fetched.result().fetchall(), fetched.tuples, rounds, making)
    decoded = beside(lambda: documents.result().fetchall(), documents.decoded, rounds, making)
    arrow = beside(lambda: fetched.result().to_arrow(), fetched.table, rounds, making)
    alone = beside(lambda: fetched.result().to_arrow(), fetched.alone, rounds, making)
    ready, found = list(fetched.passing(rounds)), list(fetched.found(rounds))
    passed = beside(lambda: ready.pop().to_arrow(), fetched.alone, rounds, making)
    taken = beside(lambda: found.pop().to_arrow(), fetched.alone, rounds, making)
    return [
        Case("100,000 x 12 rows as Python's values, by sqlite3's `fetchall`", tuples[0] / tuples[1], 1.3),
        Case("with a column of JSON, by `fetchall` and msgspec", decoded[0] / decoded[1], 1.3),
        Case("the same rows as Arrow, by sqlite3's columns into pyarrow", arrow[0] / arrow[1], 2),
        Case("rows of a `SELECT *` as Arrow, by pyarrow from columns of Python's", passed[0] / passed[1], 2),
        Case("rows of a `SELECT *` that SQLite filters and sorts as Arrow, by the same", taken[0] / taken[1], 2),
        # where SQLite computes every column; to fetch them alone is most of that: it gives values one by one
        Case("twelve computed columns out of SQLite as Arrow, by the same", alone[0] / alone[1], 2, judged=False),
    ]


def documents(rounds: int) -> list[Case]:
    """A large service document, read for the first time and from the compiled cache."""
    with large() as held:
        size = held.file.stat().st_size / 1e6
        first, events = beside(held.read, held.events, rounds, clock)
        cached, least = beside(held.look_up, held.look_at, rounds, clock)
    return [
        Case(f"a document of {size:.1f} MB, by its YAML events alone", first / events, 10, f"{first:.2f} s"),
        Case("one resource of it, compiled, by reading the files", cached / least, 4, f"{cached * 1000:.0f} ms"),
    ]


def growth(rounds: int) -> list[Case]:
    """Ten times the rows: time and memory."""
    best: dict[tuple[int, str], tuple[float, float]] = {}
    found = f"{ALL} WHERE length(label) > 3 ORDER BY size DESC, id"
    for rows in (20_000, 200_000):
        with served(rows) as url:
            for sql in (ALL, found):
                scan = cold("-m", "tests.benchmarks.scan", url, sql)
                runs = [json.loads(scan().stdout) for _ in range(rounds)]
                assert all(run["rows"] == rows for run in runs)
                best[rows, sql] = min(run["seconds"] for run in runs), min(run["peak"] for run in runs)
    cases = []
    for sql, name in ((ALL, "200,000 rows by 20,000"), (found, "the same, filtered and sorted by SQLite")):
        (seconds, peak), (more_seconds, more_peak) = best[20_000, sql], best[200_000, sql]
        cases.append(Case(f"{name}: time", more_seconds / seconds, 10))
        cases.append(Case(f"{name}: peak memory", more_peak / peak, 3, f"{more_peak / 2**20:.0f} MiB"))
    return cases


def main(short: bool) -> int:
    rounds = 3 if short else 7
    sys.stdout.write(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n\n")
    sys.stdout.write("| case | ratio to its floor | goal | |\n|---|---|---|---|\n")
    code = 0
    for cases in (
        partial(scans, 5_000 if short else 20_000),
        starts,
        programs,
        documents,
        *(() if short else (growth,)),
    ):
        for case in cases(rounds):
            sys.stdout.write(f"{case}\n")
            sys.stdout.flush()
            code = code or int(not case.right or (case.judged and case.ratio > case.goal * NOISE))
    return code


if __name__ == "__main__":
    sys.exit(main("--short" in sys.argv))

"""One scan to JSON in a process of its own: `python -m tests.benchmarks.scan URL SQL`. Prints seconds, bytes."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from engine.formats import FORMATS, Options
from engine.session import Session
from engine.settings import Settings


def main(url: str, sql: str) -> None:
    start, count = time.perf_counter(), 0
    with Session(Settings(environ={"LINODE_URL": url})) as session, open(os.devnull, "w", encoding="utf-8") as out:
        for result in session.run(sql):
            count = FORMATS["json"](result, out, Options())
    seconds = time.perf_counter() - start
    sys.stdout.write(json.dumps({"rows": count, "seconds": seconds, "peak": peak()}) + "\n")


def peak() -> int:
    """The most bytes of memory that this process has had. Not ru_maxrss: that begins with what its parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(*sys.argv[1:])

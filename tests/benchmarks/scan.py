"""One scan to JSON in a process of its own: `python -m tests.benchmarks.scan URL`. Prints seconds and peak bytes."""

from __future__ import annotations

import json
import os
import resource
import sys
import time

from engine.formats import FORMATS, Options
from engine.session import Session
from engine.settings import Settings


def main(url: str) -> None:
    start, count = time.perf_counter(), 0
    with Session(Settings(environ={"LINODE_URL": url})) as session, open(os.devnull, "w", encoding="utf-8") as out:
        for result in session.run("SELECT * FROM linode.images.images"):
            count = FORMATS["json"](result, out, Options())
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.write(json.dumps({"rows": count, "seconds": seconds, "peak": peak}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

"""How many requests a minute: seen, 20 lists of images, 200 other lists, 1600 of everything else, for each token.

The counts are this process's own; they are not in a state file, since a read would then have to write it.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from engine.sandbox.messages import Headers

WINDOW = 60.0  # seconds
LIMITS = {"images": 20, "lists": 200, "rest": 1600}


@dataclass(frozen=True)
class Quota:
    """Where a caller stands after a request. `reset` is a time of the clock."""

    limit: int
    used: int
    reset: float
    now: float

    @property
    def exceeded(self) -> bool:
        """Whether this request was one too many."""
        return self.used > self.limit

    @property
    def headers(self) -> Headers:
        """Seen: Retry-After is on every response, also where it means nothing, and counts down to the reset."""
        return (
            ("X-RateLimit-Limit", str(self.limit)),
            ("X-RateLimit-Remaining", str(max(0, self.limit - self.used))),
            ("X-RateLimit-Reset", str(math.ceil(self.reset))),
            ("Retry-After", str(math.ceil(self.reset - self.now))),
        )


class Quotas:
    """Owns the counts of each caller in windows of a minute that begin with their first request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}

    def count(self, caller: str, kind: str, now: float) -> Quota:
        """Count a request of a caller against the limit of its kind."""
        with self._lock:
            began, used = self._windows.get((caller, kind), (now, 0))
            if not began <= now < began + WINDOW:
                began, used = now, 0
            self._windows[caller, kind] = began, used + 1
        return Quota(LIMITS[kind], used + 1, began + WINDOW, now)

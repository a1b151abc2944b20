"""What one statement may still spend: requests and time. All its calls draw on the same budget."""

from __future__ import annotations

from engine.errors import Refused, TimedOut
from engine.wire.clock import Clock


class Budget:
    """Owns the count of one statement's requests, those sent again not counted, and its deadline."""

    def __init__(self, max_requests: int, timeout: float | None = None, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._most = max_requests
        self._timeout = timeout
        self._deadline = None if timeout is None else self._clock.now() + timeout
        self.sent = 0
        self._reserved = 0  # of calls and pages that are known to follow

    @property
    def left(self) -> float | None:
        """Seconds; None: for ever."""
        return None if self._deadline is None else self._deadline - self._clock.now()

    def extend(self, seconds: float) -> None:
        """Move the deadline: a person was asked, and their time to think is not the statement's."""
        if self._deadline is not None:
            self._deadline += seconds

    def reserve(self, more: int, what: str = "") -> None:
        """Keep room for `more` further requests. Raises Refused, and keeps none, where they would be too many."""
        would = self.sent + self._reserved + more
        if would > self._most:
            told = f" ({what})" if what else ""
            raise Refused(
                f"this would send {would} requests{told}, more than the {self._most} allowed",
                hint=f"narrow the WHERE, or allow them: --max-requests {would}",
            )
        self._reserved += more

    def spend(self) -> None:
        """Take one request, one that was reserved if there is any. Raises Refused where there is none left."""
        if not self._reserved:
            self.reserve(1)
        self._reserved -= 1
        self.sent += 1

    def check(self, wait: float, what: str, *, request: str = "", status: int | None = None) -> None:
        """Raises TimedOut where `wait` seconds for `what` are more than is left: to wait for them would be vain.

        `status` is what the API has answered last.
        """
        if self.left is not None and wait >= self.left:
            error = self.over(what, request=request, harmless=True)
            error.status, error.retry_after = status, wait or None
            raise error

    def over(self, what: str, *, request: str = "", harmless: bool) -> TimedOut:
        """The error of a statement whose time is up while it waits for `what`.

        `harmless`: nothing was under way, so a write certainly did nothing.
        """
        error = TimedOut(
            f"the {self._timeout:g} s allowed are used up, waiting for {what}",
            request=request,
            hint="allow more with --timeout, or ask for less",
        )
        error.harmless = harmless
        return error

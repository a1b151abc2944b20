"""Rate limits: a bucket of tokens for each, filled as the document says, corrected by what the API says.

Seen on the live API: `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds since 1970) on every answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from msgspec import Struct, field

from engine.wire.budget import Budget
from engine.wire.clock import Clock
from provider_registry.protocol import Limit

LONG = 2.0  # seconds: a longer wait is told
Key = tuple[str, str, int]  # origin, name of the limit, account
Tell = Callable[[str, float], None]  # what a wait is for, its seconds
_EPOCH = 1e9  # a reset above it is a time, one below it a number of seconds


class _Bucket(Struct):
    """The state of one limit. Times are of the clock's `now`. Without a rate only a block holds calls back."""

    name: str
    capacity: float
    seconds: float  # in which `capacity` tokens flow in
    rated: bool
    tokens: float
    stamp: float
    blocked: float = 0.0  # until when
    renewed: float | None = None  # when the API's own window begins anew
    window: float | None = None  # the API's word for that moment
    under_way: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # who waits first is served first
    told: list[Tell] = []  # who knows of the wait that lasts

    def delay(self, now: float) -> float:
        """Seconds until a token is there."""
        if self.renewed is not None and now >= self.renewed:
            self.tokens, self.renewed = self.capacity, None
        else:
            self.tokens = min(self.capacity, self.tokens + (now - self.stamp) * self.capacity / self.seconds)
        self.stamp = now
        if now < self.blocked:
            return self.blocked - now
        if not self.rated or self.tokens >= 1 - 1e-9:
            return 0.0
        return (1 - self.tokens) * self.seconds / self.capacity

    def left(self, now: float) -> int:
        """How many requests could leave at once; 0 while a block lasts."""
        if now < self.blocked:
            return 0
        if self.renewed is not None and now >= self.renewed:
            return int(self.capacity)
        return int(min(self.capacity, self.tokens + (now - self.stamp) * self.capacity / self.seconds))


class Limits:
    """Owns the buckets of one client."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[Key, _Bucket] = {}
        self.accounts: dict[int, str] = {}  # the names of those accounts that have one

    async def acquire(self, key: Key, limit: Limit | None, budget: Budget, tell: Tell) -> None:
        """Wait for the right to send one request. `release` must follow. `tell` hears of every wait that is long, and
        once where others wait before it.

        Raises TimedOut where the wait would be longer than the time left.
        """
        bucket = self._bucket(key, limit)
        what = f"the rate limit of {bucket.name}"
        if bucket.turn.locked() and tell not in bucket.told and (delay := bucket.delay(self._clock.now())) > LONG:
            bucket.told.append(tell)  # another statement stands before this one: it waits as long, at least
            tell(what, delay)
        async with bucket.turn:
            while (delay := bucket.delay(self._clock.now())) > 0:
                budget.check(delay, f"{what}, {delay:.0f} s more")
                if delay > LONG:
                    bucket.told.append(tell)
                    tell(what, delay)
                await self._clock.sleep(delay)
            bucket.tokens -= 1
            bucket.told.clear()
            bucket.under_way += 1

    def release(self, key: Key) -> None:
        """The request has been answered, or never will be."""
        self._buckets[key].under_way -= 1

    def left(self) -> dict[str, tuple[int, int]]:
        """By the name of each limit that has a rate: the requests that could leave now, and its capacity.

        Of several accounts it is that of the one with the fewest left.
        """
        now = self._clock.now()
        found = sorted(
            ((b.left(now), int(b.capacity), b.name) for b in self._buckets.values() if b.rated), reverse=True
        )
        return {name: (left, capacity) for left, capacity, name in found}

    def standing(self) -> list[tuple[str, str | None, str, int, int, float]]:
        """Of each limit that has a rate: name, account, origin, what could leave now, capacity, seconds."""
        now = self._clock.now()
        return [
            (b.name, self.accounts.get(account), home, b.left(now), int(b.capacity), b.seconds)
            for (home, _, account), b in self._buckets.items()
            if b.rated
        ]

    def block(self, key: Key, seconds: float) -> None:
        """Send nothing under this limit for so long: the API said so."""
        bucket = self._buckets[key]
        bucket.blocked = max(bucket.blocked, self._clock.now() + seconds)

    def observe(self, key: Key, headers: Mapping[str, str]) -> None:
        """Learn from an answer; call it before `release`. Headers in lower case; what makes no sense is ignored.

        What is said to remain does not count requests still under way. Within one window it can only get less: an
        older answer may come later.
        """
        remaining = _number(headers, "x-ratelimit-remaining")
        if remaining is None:
            return
        bucket, now = self._buckets[key], self._clock.now()
        bucket.delay(now)
        limit, reset = _number(headers, "x-ratelimit-limit"), _number(headers, "x-ratelimit-reset")
        anew = limit is not None and limit > 0 and limit != bucket.capacity
        if limit is not None and anew:
            bucket.capacity = limit
        if reset is not None and (bucket.window is None or reset > bucket.window + 1):
            anew, bucket.window = True, reset
        free = max(0.0, remaining - (bucket.under_way - 1))
        bucket.tokens = free if anew else min(bucket.tokens, free)
        ends = self._ends(reset, headers)
        if remaining == 0 and ends is not None and 0 < ends <= 2 * bucket.seconds:
            bucket.renewed = now + ends
            if bucket.rated:
                bucket.blocked = max(bucket.blocked, bucket.renewed)

    def _ends(self, reset: float | None, headers: Mapping[str, str]) -> float | None:
        """Seconds to the end of the API's window, by the API's own clock where it tells the time."""
        if reset is None or reset < _EPOCH:
            return reset
        try:
            return reset - parsedate_to_datetime(headers.get("date", "")).timestamp()
        except (ValueError, TypeError):
            return reset - self._clock.wall()

    def _bucket(self, key: Key, limit: Limit | None) -> _Bucket:
        if key not in self._buckets:
            count, seconds = (limit.requests, limit.seconds) if limit else (1, 60.0)
            self._buckets[key] = _Bucket(
                name=limit.name if limit else key[1],
                capacity=count,
                seconds=seconds,
                rated=limit is not None,
                tokens=count,
                stamp=self._clock.now(),
            )
        return self._buckets[key]


def _number(headers: Mapping[str, str], name: str) -> float | None:
    text = headers.get(name, "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None

"""Rate limits: no faster than the document says, corrected by what the API says, first come first served."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from functools import partial
from typing import TypeVar

import pytest

from engine.errors import Refused, TimedOut
from engine.wire.budget import Budget
from engine.wire.clock import Clock
from engine.wire.limits import Limits, Tell
from provider_registry.protocol import Limit
from tests.wire.methods import Time

KEY = ("https://h:443", "lists", 0)
TWENTY = Limit(name="lists", requests=20, seconds=60)
T = TypeVar("T")


class Case:
    """One client's limits on a clock of its own."""

    def __init__(self, limit: Limit | None = TWENTY) -> None:
        self.time, self.limit, self.told = Time(), limit, list[tuple[str, float]]()
        self.limits = Limits(self.time.clock)
        self.budget = Budget(10**6, None, self.time.clock)

    def tell(self, what: str, seconds: float) -> None:
        self.told.append((what, round(seconds, 3)))

    async def take(self, count: int = 1) -> float:
        """Seconds that so many requests, each answered at once, took."""
        began = self.time.seconds
        for _ in range(count):
            await self.limits.acquire(KEY, self.limit, self.budget, self.tell)
            self.limits.release(KEY)
        return round(self.time.seconds - began, 3)

    async def heard(self, **headers: object) -> None:
        """Take one, and get these headers in its answer."""
        await self.limits.acquire(KEY, self.limit, self.budget, self.tell)
        self.say(**headers)
        self.limits.release(KEY)

    def say(self, **headers: object) -> None:
        names = {name: f"x-ratelimit-{name}" for name in ("limit", "remaining", "reset")}
        self.limits.observe(KEY, {names.get(name, name): str(value) for name, value in headers.items()})

    def wall(self, seconds: float) -> int:
        """So many seconds from now, since 1970."""
        return int(self.time.clock.wall() + seconds)


def unheard(what: str, seconds: float) -> None:
    """Whom nobody listens to."""


def scenario(run: Callable[[Case], Awaitable[T]], limit: Limit | None = TWENTY) -> tuple[T, Case]:
    async def main() -> tuple[T, Case]:
        case = Case(limit)
        return await run(case), case

    return asyncio.run(main())


def test_a_full_bucket_then_one_by_one() -> None:
    async def run(case: Case) -> list[float]:
        return [await case.take(20), await case.take(), await case.take(2)]

    taken, case = scenario(run)
    assert taken == [0, 3, 6]
    assert case.told == [("the rate limit of lists", 3.0)] * 3


def test_tokens_come_back_but_never_more_than_fit() -> None:
    async def run(case: Case) -> list[float]:
        await case.take(20)
        await case.time.sleep(1000)
        return [await case.take(20), await case.take()]

    assert scenario(run)[0] == [0, 3]


def test_short_waits_are_not_told() -> None:
    assert scenario(lambda case: case.take(70), Limit(name="lists", requests=60, seconds=60))[1].told == []


def test_without_a_limit_nothing_waits() -> None:
    assert scenario(lambda case: case.take(1000), None)[0] == 0


def test_a_block_holds_everybody_back() -> None:
    async def run(case: Case) -> list[float]:
        await case.take()
        case.limits.block(KEY, 30)
        case.limits.block(KEY, 5)
        return [await case.take(), await case.take()]

    for limit in (TWENTY, None):
        assert scenario(run, limit)[0] == [30, 0]


def test_what_remains_is_believed() -> None:
    async def run(case: Case) -> list[float]:
        await case.heard(limit=20, remaining=2, reset=case.wall(60))
        return [await case.take(2), await case.take()]

    assert scenario(run)[0] == [0, 3]


def test_nothing_remains_until_the_reset() -> None:
    async def run(case: Case) -> list[float]:
        await case.heard(limit=20, remaining=0, reset=case.wall(45))
        return [await case.take(), await case.take(19), await case.take()]

    assert scenario(run)[0] == [45, 0, 3]


def test_without_a_limit_of_ours_what_remains_is_no_reason_to_wait() -> None:
    async def run(case: Case) -> float:
        await case.heard(limit=20, remaining=0, reset=case.wall(45))
        return await case.take(50)

    assert scenario(run, None)[0] == 0


def test_the_reset_is_read_by_the_servers_own_clock() -> None:
    async def run(case: Case) -> float:
        wall = case.wall(5000)
        await case.heard(remaining=0, reset=wall + 10, date=formatdate(wall, usegmt=True))
        return await case.take()

    assert scenario(run)[0] == 10


@pytest.mark.parametrize(("reset", "waited"), [(7, 7), (0, 3), (100_000, 3)])
def test_a_reset_in_seconds(reset: int, waited: float) -> None:
    async def run(case: Case) -> float:
        await case.heard(remaining=0, reset=reset)
        return await case.take()

    assert scenario(run)[0] == waited


@pytest.mark.parametrize("offset", [-3600, 3600])
def test_a_reset_that_makes_no_sense_is_ignored(offset: int) -> None:
    async def run(case: Case) -> float:
        await case.heard(remaining=0, reset=case.wall(offset))
        return await case.take()

    assert scenario(run)[0] == 3


def test_the_apis_own_limit_is_learnt() -> None:
    async def run(case: Case) -> list[float]:
        await case.heard(limit=60, remaining=59, reset=case.wall(60))
        return [await case.take(59), await case.take()]

    assert scenario(run)[0] == [0, 1]


def test_requests_under_way_are_counted() -> None:
    async def run(case: Case) -> float:
        for _ in range(5):
            await case.limits.acquire(KEY, case.limit, case.budget, case.tell)
        case.say(remaining=6, reset=case.wall(60))
        case.limits.release(KEY)
        return await case.take(2) or await case.take()

    assert scenario(run)[0] == 3


def test_within_one_window_it_only_gets_less() -> None:
    async def run(case: Case) -> list[float]:
        reset = case.wall(60)
        await case.heard(remaining=3, reset=reset)
        await case.heard(remaining=19, reset=reset)
        first = [await case.take(2), await case.take()]
        await case.heard(remaining=10, reset=reset + 60)
        return [*first, await case.take(10), await case.take()]

    assert scenario(run)[0] == [0, 3, 0, 3]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"limit": 20},
        {"remaining": "many"},
        {"remaining": "-1"},
        {"remaining": 19, "limit": 0, "reset": "x"},
        {"remaining": "9" * 40},
    ],
)
def test_headers_that_make_no_sense_are_ignored(headers: dict[str, object]) -> None:
    async def run(case: Case) -> list[float]:
        await case.heard(**headers)
        return [await case.take(19), await case.take()]

    assert scenario(run)[0] == [0, 3]


def test_who_waits_first_is_served_first() -> None:
    async def run(case: Case) -> list[int]:
        await case.take(20)
        served: list[int] = []

        async def one(number: int) -> None:
            await case.take()
            served.append(number)

        await asyncio.gather(*(one(number) for number in range(10)))
        return served

    assert scenario(run)[0] == list(range(10))


def test_a_wait_can_be_cancelled_and_takes_nothing() -> None:
    async def run() -> None:
        time, gate = Time(), asyncio.Event()

        async def forever(_: float) -> None:
            await gate.wait()

        limits = Limits(Clock(now=lambda: time.seconds, sleep=forever))
        budget = Budget(100)
        for _ in range(20):
            await limits.acquire(KEY, TWENTY, budget, lambda *_: None)
        first, second = (
            asyncio.ensure_future(limits.acquire(KEY, TWENTY, budget, lambda *_: None)) for _ in range(2)
        )
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        time.seconds += 3
        gate.set()
        await second
        limits.release(KEY)

    asyncio.run(run())


def test_a_wait_that_is_longer_than_the_time_left_is_not_begun() -> None:
    async def run(case: Case) -> None:
        case.budget = Budget(100, 2.0, case.time.clock)
        await case.take(20)
        with pytest.raises(TimedOut) as raised:
            await case.take()
        assert str(raised.value) == "the 2 s allowed are used up, waiting for the rate limit of lists, 3 s more"
        assert raised.value.harmless
        assert case.time.slept == []

    scenario(run)


def test_the_budget_of_requests() -> None:
    budget = Budget(3)
    budget.spend()
    budget.spend()
    with pytest.raises(Refused) as raised:
        budget.reserve(2, "9 pages in all")
    assert raised.value.message == "this would send 4 requests (9 pages in all), more than the 3 allowed"
    assert raised.value.hint == "narrow the WHERE, or allow them: --max-requests 4"
    budget.spend()
    with pytest.raises(Refused, match="this would send 4 requests, more than the 3 allowed"):
        budget.spend()
    assert budget.sent == 3
    assert budget.left is None
    budget.check(10**9, "anything")


def test_what_is_left_can_be_asked_without_taking_it() -> None:
    async def run(case: Case) -> list[dict[str, tuple[int, int]]]:
        seen = [case.limits.left()]
        await case.take(5)
        seen.append(case.limits.left())
        case.time.seconds += 6
        seen.append(case.limits.left())
        await case.heard(remaining=0, reset=case.wall(30))
        seen.append(case.limits.left())
        case.time.seconds += 31
        seen.append(case.limits.left())
        case.limits.block(KEY, 5)
        seen.append(case.limits.left())
        return seen

    seen, _ = scenario(run)
    assert [left.get("lists", (-1, 0))[0] for left in seen] == [-1, 15, 17, 0, 20, 0]
    assert scenario(Case.take, None)[1].limits.left() == {}


def test_time_in_which_nothing_was_to_do_is_given_back() -> None:
    time = Time()
    budget = Budget(3, 2.0, time.clock)
    time.seconds += 5
    assert budget.left == -3
    budget.extend(5)
    assert budget.left == 2
    endless = Budget(3)
    endless.extend(5)
    assert endless.left is None


def test_what_is_reserved_is_nobody_elses() -> None:
    budget = Budget(5)
    budget.reserve(3, "a write")
    with pytest.raises(Refused, match="would send 6 requests"):
        budget.reserve(3)
    for _ in range(3):
        budget.spend()
    budget.reserve(2)
    assert budget.sent == 3


class Slow(Time):
    """A clock that lets the others come before it moves."""

    async def sleep(self, seconds: float) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        await super().sleep(seconds)


def test_who_stands_in_line_is_told_once() -> None:
    heard: dict[str, list[float]] = {"a": [], "b": []}

    async def main() -> None:
        time = Slow()
        limits, budget = Limits(time.clock), Budget(100, None, time.clock)
        tells: dict[str, Tell] = {name: partial(_note, heard[name]) for name in heard}

        async def send(name: str) -> None:
            await limits.acquire(KEY, Limit(name="lists", requests=1, seconds=3), budget, tells[name])
            limits.release(KEY)

        await send("a")
        await asyncio.gather(*map(send, "aabb"))

    asyncio.run(main())
    # The first waits for itself and the second behind it; the others are told as they come and when they are first.
    assert heard == {"a": [3.0] * 2, "b": [3.0] * 3}


def _note(heard: list[float], _: str, seconds: float) -> None:
    heard.append(seconds)

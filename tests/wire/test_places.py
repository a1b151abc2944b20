"""Places in flight: never more than a statement allows, whoever else sends; first come, first served."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from engine.wire.places import Places

rounds = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 3), st.booleans()), max_size=20
)  # what each allows, how long it stays, whether it gives up meanwhile


@given(rounds)
def test_nobody_is_more_than_it_allows_and_all_get_there(given: list[tuple[int, int, bool]]) -> None:
    async def main() -> None:
        places, here, done = Places(), 0, 0

        async def one(allowed: int, stay: int) -> None:
            nonlocal here, done
            async with places.among(allowed):
                here += 1
                assert here <= allowed
                try:
                    for _ in range(stay):
                        await asyncio.sleep(0)
                finally:
                    here -= 1
            done += 1

        tasks = [asyncio.ensure_future(one(allowed, stay)) for allowed, stay, _ in given]
        await asyncio.sleep(0)
        for task, (_, _, gives_up) in zip(tasks, given, strict=True):
            if gives_up:
                task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await asyncio.wait_for(task, 5)
        assert here == 0
        assert done >= sum(not gives_up for _, _, gives_up in given)
        await asyncio.wait_for(one(1, 0), 5)  # every place has been given back

    asyncio.run(main())


def test_who_waits_longest_comes_first() -> None:
    order: list[int] = []

    async def main() -> None:
        places = Places()

        async def one(number: int) -> None:
            async with places.among(1):
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*map(one, range(5)))

    asyncio.run(main())
    assert order == [0, 1, 2, 3, 4]


def test_who_allows_more_does_not_wait_behind_one_who_allows_less() -> None:
    async def main() -> list[str]:
        places, entered, leave = Places(), list[str](), asyncio.Event()

        async def one(name: str, allowed: int) -> None:
            async with places.among(allowed):
                entered.append(name)
                await leave.wait()

        tasks = [asyncio.ensure_future(one(*each)) for each in (("a", 1), ("b", 1), ("c", 2))]
        for _ in range(3):
            await asyncio.sleep(0)
        before = list(entered)
        leave.set()
        await asyncio.gather(*tasks)
        return before

    assert asyncio.run(main()) == ["a", "c"]


def test_a_place_handed_to_one_who_just_gave_up_is_given_back() -> None:
    async def main() -> None:
        places = Places()
        async with places.among(1):
            waiting = asyncio.ensure_future(_hold(places))
            await asyncio.sleep(0)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(_hold(places), 5)

    asyncio.run(main())


async def _hold(places: Places) -> None:
    async with places.among(1):
        pass

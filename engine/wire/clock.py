"""Time and chance as the wire uses them, in one place, so that a test can stand in for both."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct


class Clock(Struct, frozen=True):
    """`now`: seconds that only go up. `wall`: seconds since 1970. `random`: from 0 up to, not including, 1."""

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random

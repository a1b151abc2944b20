"""Whether to send again, and when. A pure policy: it waits for nothing and knows no library.

Reads may be sent again. A write may only where it is certain that nothing happened: the API turned it away for the
rate (429) or because it was busy, or the connection never opened. A document cannot widen that.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from msgspec import Struct

from engine.errors import ApiError, CallError
from provider_registry.model import Method

LONGEST = 300.0  # seconds: an API that asks for more is given up, with its own number in the error
_TIMED = (429, 503)  # where Retry-After means something; some APIs send it on every answer


class Wait(Struct, frozen=True):
    """Send again after so many seconds. `shared`: all calls under the same rate limit should wait as long."""

    seconds: float
    shared: bool = False


def decide(
    method: Method, attempt: int, error: CallError, chance: Callable[[], float] = random.random
) -> Wait | None:
    """What to do after attempt number `attempt` (from 1) ended in `error`; None: give up.

    The wait is drawn from all of an interval that grows (full jitter), so that calls that failed together do not
    come back together. `chance` gives numbers from 0 up to 1.
    """
    policy = method.retry
    if attempt >= policy.max_attempts or not error.passing or not (method.safe or error.harmless):
        return None
    if policy.methods and method.http not in policy.methods:
        return None
    jitter = chance() * min(policy.max_delay, policy.initial_delay * policy.multiplier ** min(attempt - 1, 30))
    if not isinstance(error, ApiError) or error.retry_after is None:
        return Wait(jitter)
    if error.retry_after > LONGEST:
        return None
    return Wait(error.retry_after + min(jitter, policy.initial_delay), shared=error.status == 429)


def retry_after(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that `Retry-After` asks for, where it means something. `now`: seconds since 1970.

    >>> retry_after(429, {"retry-after": "30"}, 0), retry_after(200, {"retry-after": "30"}, 0)
    (30.0, None)
    >>> retry_after(503, {"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 20)
    40.0
    """
    text = headers.get("retry-after", "").strip()
    if status not in _TIMED or not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None

"""What may vary in the sandbox's behaviour, frozen: speeds, limits, and what nobody knows of the live API."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

DAY = 86400.0  # seconds: how long an upload URL is good


@dataclass(frozen=True)
class Rules:
    """One sandbox's behaviour. Times are in seconds, sizes in bytes.

    The filter's unknowns are choices, and whoever uses the API must be right under each of them:
    `fold_contains`, `fold_equality` say whether `+contains` and equality ignore case, `neq_keeps_null` whether a
    null satisfies `+neq`, `nested` what becomes of `type`, `status` and `tags` inside `+and` / `+or`: refused with a
    400, or ignored, as if they were not written. `filters=False` ignores X-Filter altogether and answers everything,
    as some collections of the live API do. `empty` is the (page, pages) of a list without rows; None gives each
    collection the shape seen on it.
    """

    rate_limit: bool = True
    capture_seconds: float = 2.0  # from `creating` to `available`
    upload_seconds: float = 2.0  # from the last byte received to `available`
    replicate_seconds: float = 2.0  # from `pending replication` to `available`
    boot_seconds: float = 2.0  # until an instance has started or stopped, until a disk or a volume is made
    filters: bool = True
    fold_contains: bool = True
    fold_equality: bool = False
    neq_keeps_null: bool = False
    nested: Literal["refuse", "ignore"] = "refuse"
    empty: tuple[int, int] | None = None
    max_upload: int = 5 * 2**30  # of the compressed file
    max_raw: int = 6 * 10**9  # of the disk image inside it


def in_force(rules: Rules | None, rate_limit: bool) -> Rules:
    """The rules given, or the usual ones; without rate limits where `rate_limit` is False."""
    chosen = rules or Rules()
    return chosen if rate_limit else replace(chosen, rate_limit=False)

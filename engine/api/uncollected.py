"""Documents by the hundred thousand hold no cycles: to look for some again and again takes longer than to make them.

Rows of plain values need no such care: Python finds out by itself that they cannot be part of one.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from engine.result import ResultColumn


@contextmanager
def uncollected(columns: Sequence[ResultColumn]) -> Iterator[None]:
    """No search for cycles while rows with documents are made. What has no cycle is freed as ever.

    >>> with uncollected([ResultColumn("tags", "json")]):
    ...     gc.isenabled()
    False
    """
    before = gc.isenabled()
    if any(column.type == "json" for column in columns):
        gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()

"""How much a template may make: two loops, one inside the other, are quickly written and may never end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from engine.errors import TemplateFault

TEXT = 10_000_000  # characters that a template may make
STEPS = 1_000_000  # values, rounds of loops, calls of macros
CAPTURE = 50  # steps that captured text is: its quotes are looked at
_PADDING = ("center", "indent", "ljust", "rjust", "zfill", "expandtabs")
_BITS = 100_000  # of a number
T = TypeVar("T")


class Bounds:
    """Counts what one template has made so far. Raises TemplateFault where it is too much."""

    def __init__(self) -> None:
        self._steps = 0
        self._size = 0

    def step(self, cost: int = 1) -> None:
        """One thing more was done."""
        self._steps += cost
        if self._steps > STEPS:
            raise TemplateFault(
                f"the template goes on for more than {STEPS:,} steps",
                hint="its loops are too long, or stand in each other; let SQL do it, or make several scripts of it",
            )

    def put_out(self, text: str) -> None:
        """So much more text stands in the script."""
        self.step()
        self._size += len(text)
        if self._size > TEXT:
            raise _too_long()

    def counted(self, items: Iterable[T]) -> Iterator[T]:
        """The rounds of a loop."""
        for item in items:
            self.step()
            yield item

    def sized(self, made: T) -> T:
        """What was made, if it is no text or list beyond measure."""
        if isinstance(made, str | list) and len(made) > TEXT:
            raise _too_long()
        return made

    def check_widths(self, name: str, given: Iterable[Any]) -> None:
        """Numbers given to a filter or method of this name, which may make text of that size."""
        if name in _PADDING and any(isinstance(each, int) and each > TEXT for each in given):
            raise _too_long()

    def check_product(self, operator: str, left: Any, right: Any) -> None:
        """What `*`, `**` or `%` would make, before it is made."""
        if operator == "%" and isinstance(left, str):
            widths = re.findall(r"%[-+ #0]*(\d+)", left)
            self.check_widths("center", (int(width[:20]) for width in widths))
        for one, times in ((left, right), (right, left)):
            if operator == "*" and isinstance(one, str | list) and isinstance(times, int) and len(one) * times > TEXT:
                raise _too_long()
        if isinstance(left, int) and isinstance(right, int):
            bits = {"*": left.bit_length() + right.bit_length(), "**": left.bit_length() * max(right, 0)}
            if bits.get(operator, 0) > _BITS:
                raise TemplateFault("the template makes a number beyond measure")


def _too_long() -> TemplateFault:
    return TemplateFault(
        f"the template makes more than {TEXT // 1_000_000} MB of text",
        hint="a script is read whole before it runs: make several of it",
    )

"""What the steps of one statement did and cost, counted while they run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter

from msgspec import Struct, field

from engine.errors import CallError, PartialWrite
from engine.planner.plan import Step
from engine.wire.call import Cost, Page


class Spent(Struct):
    """What one step cost. Times are in seconds; those of calls side by side add up."""

    pages: int = 0
    rows: int = 0  # fetched
    kept: int = 0  # of them; the others came twice
    cost: Cost = field(default_factory=Cost)
    first: float | None = None  # from the start of the statement to the first page
    loading: float = 0.0


class Tally(Struct):
    """What the steps of one statement did."""

    calls: int = 0  # of the step that writes
    unchanged: int = 0  # rows that are as the write would make them: nothing is sent for those
    rows: int = 0  # fetched
    warnings: list[str] = []
    steps: dict[str, Spent] = {}  # by table
    began: float = field(default_factory=perf_counter)
    cost: Cost = field(default_factory=Cost)  # of all requests, those that failed included
    account: Callable[[], PartialWrite | None] = lambda: None  # what the write has done by now; None: nothing
    paused: float = 0.0  # seconds in which a person was asked
    asked: set[str] = set()  # accounts
    absent: dict[str, CallError] = {}  # accounts that a partial answer goes without, and why
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # at the store, for steps side by side

    def pause(self, seconds: float) -> None:
        """The time in which a person thought about a write is no time of the statement."""
        self.began += seconds
        self.paused += seconds

    def came(self, step: Step) -> None:
        """A page of a step is here."""
        spent = self.steps.setdefault(step.table, Spent())
        spent.first = perf_counter() - self.began if spent.first is None else spent.first

    def add(self, step: Step, page: Page, began: float) -> None:
        """A page is loaded; `began` is when that was started."""
        self.came(step)
        rows = len(page.rows) + page.repeated
        spent = self.steps[step.table]
        spent.pages += 1
        spent.rows += rows
        spent.kept += len(page.rows)
        spent.cost += page.cost
        spent.loading += perf_counter() - began
        self.rows += rows
        self.warnings += [w for w in page.warnings if w not in self.warnings]

"""How a list is walked: one function for each algorithm, in a table.

Each yields pages in their order. A page that cannot be had is an error that names it; a list that contradicts itself
is an error, one that changes while it is read a warning: never a shorter answer.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import urljoin

import msgspec

from engine.errors import CallError, ResponseError
from engine.settings import Settings
from engine.wire.budget import Budget
from engine.wire.call import Call, Cost, Page, Request
from engine.wire.masking import clean, masked, shown
from engine.wire.request import page_size, pinned, prepare
from engine.wire.response import Content
from engine.wire.rows import Row
from engine.wire.servers import origin

Cursor = int | str | None  # a page's number, a token, a URL; None: the first page


@dataclass(frozen=True)
class Answer:
    """One page as it came."""

    content: Content
    headers: Mapping[str, str]  # names in lower case
    request: Request
    cost: Cost = Cost()


Fetch = Callable[[Cursor], Awaitable[Answer]]


@dataclass(frozen=True)
class Walk:
    """A list to walk. `ahead` is how many pages may be under way, or here and waiting for their turn."""

    call: Call
    fetch: Fetch
    budget: Budget
    ahead: int


def walk(call: Call, fetch: Fetch, budget: Budget, ahead: int) -> AsyncIterator[Page]:
    """The pages of a call, in order. One that the statement itself names is read alone."""
    paging = call.method.paging
    alone = pinned(call, paging.request_location, paging.request_key) is not None
    return ALGORITHMS["none" if alone else paging.algorithm](Walk(call, fetch, budget, max(1, ahead)))


def request_for(call: Call, settings: Settings, cursor: Cursor) -> Request:
    """The request of a page."""
    if call.method.paging.algorithm in ("link_header", "next_url") and cursor is not None:
        return replace(prepare(call, settings), url=str(cursor))
    return prepare(call, settings, cursor)


async def _single(walk: Walk) -> AsyncIterator[Page]:
    """One request; of a list, the page that the statement names."""
    call, paging = walk.call, walk.call.method.paging
    answer = await walk.fetch(None)
    number, total = 1, None
    if paging.algorithm == "page_number":
        param = pinned(call, paging.request_location, paging.request_key)
        number = int(call.args[param.name]) if param is not None else 1
        total = _Numbers(call).note(number, answer)
    yield _page(answer, number, total)


async def _numbered(walk: Walk) -> AsyncIterator[Page]:
    """Page 1 tells how many there are; the rest leave together, a bounded number ahead of what is taken."""
    numbers = _Numbers(walk.call)
    ready: deque[asyncio.Future[Answer]] = deque()
    done, asked = 0, 1
    ready.append(asyncio.ensure_future(walk.fetch(1)))
    try:
        while ready:
            try:
                answer = await ready.popleft()
            except CallError as error:
                raise _named(error, f"page {done + 1} of {numbers.pages}") if done else error
            done += 1
            total = numbers.note(done, answer)
            goal = numbers.goal(done)
            if goal > asked:
                walk.budget.ask(goal - asked, f"{goal} pages in all")
            yield _page(answer, done, total, numbers.warn(done))
            while asked < goal and len(ready) < walk.ahead:
                asked += 1
                ready.append(asyncio.ensure_future(walk.fetch(asked)))
    finally:
        for page in ready:
            page.cancel()
        await asyncio.gather(*ready, return_exceptions=True)


@dataclass
class _Numbers:
    """What the pages of one walk have said of the list so far."""

    call: Call
    pages: int = 0  # the most that any page has said there are
    rows: int = 0
    first: tuple[int, int | None] | None = None  # pages and total, as page 1 said
    changed: str = ""
    ended: bool = False  # a page that was not full, where only that tells the end

    def note(self, number: int, answer: Answer) -> int | None:
        """Check a page's word against what was asked and against itself; the total it tells.

        An empty list has three shapes, all seen: page 1 of 1, page 1 of 0, page 0 of 0.
        """
        paging, facts, request = self.call.method.paging, answer.content.facts, answer.request
        count = len(answer.content.rows)
        page = _whole(facts, paging.response_key, request)
        pages = _whole(facts, paging.terminator_key, request)
        total = _whole(facts, paging.total_key, request)
        if paging.terminator_key is not None and pages is None:
            raise _lie(f"the answer does not say how many pages there are: no {paging.terminator_key}", request)
        if page is not None and page != number and (page, pages) != (0, 0):
            raise _lie(f"page {number} was asked for, and page {page} came", request)
        if self.call.rows is not None and pages is not None:
            _check_rows(number, pages, total, count, request)
        self.rows += count
        self.pages = max(self.pages, pages or 0)
        self.ended = pages is None and (count == 0 or count < (page_size(self.call) or 0))
        said = (pages or 0, total)
        if self.first is None:
            self.first = said
        elif said != self.first and not self.changed:
            self.changed = f"page {number} counts {_counted(said)}, page 1 {_counted(self.first)}"
        elif number == self.pages:
            self._check_sum(total, request)
        return total

    def goal(self, done: int) -> int:
        """The last page that is wanted, as far as is known after `done` pages."""
        last = self.pages if self.call.method.paging.terminator_key is not None else done + (not self.ended)
        limit = self.call.row_limit
        if limit is None:
            return last
        if self.rows >= limit:
            return done
        size = (page_size(self.call) or max(1, self.rows // done)) if self.call.rows is not None else 1
        return min(last, done - (self.rows - limit) // size)

    def warn(self, number: int) -> tuple[str, ...]:
        """The warning that goes with the page on which the change was seen."""
        if not self.changed.startswith(f"page {number} "):
            return ()
        name = self.call.method.name
        return (f"{name} changed while it was read ({self.changed}): rows may be missing or double; run it again",)

    def _check_sum(self, total: int | None, request: Request) -> None:
        if self.call.rows is not None and total is not None and self.rows < total:
            raise _lie(f"the list counts {total} rows and gave {self.rows}", request)


def _check_rows(number: int, pages: int, total: int | None, count: int, request: Request) -> None:
    """A page that is there has rows."""
    if count and pages == 0:
        raise _lie(f"page {number} has {count} rows, and says that there are 0 pages", request)
    if not count and (number < pages or (number == pages and (number > 1 or total))):
        raise _lie(f"page {number} of {pages} is empty", request)


def _counted(said: tuple[int, int | None]) -> str:
    return f"{said[0]} pages" if said[1] is None else f"{said[1]} rows"

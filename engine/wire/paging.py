"""How a list is walked: one function for each algorithm, in a table.

Each yields pages in their order. A page that cannot be had is an error that names it; a list that contradicts itself
is an error, one that changes while it is read a warning: never a shorter answer.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial
from urllib.parse import quote, urldefrag, urljoin, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from engine.errors import CallError, ResponseError
from engine.settings import Settings
from engine.wire.budget import Budget
from engine.wire.call import Call, Cost, Page, Request
from engine.wire.masking import clean, masked, shown
from engine.wire.request import page_size, pinned, prepare, whole
from engine.wire.response import Content
from engine.wire.servers import origin
from engine.wire.values import encode

Cursor = int | str | None  # a page's number, a token, a URL; None: the first page


class Answer(Struct, frozen=True):
    """One page as it came."""

    content: Content
    headers: Mapping[str, str]  # names in lower case
    request: Request
    cost: Cost


Fetch = Callable[[Cursor], Awaitable[Answer]]


class Walk(Struct, frozen=True):
    """A list to walk. `ahead` is how many pages may be under way, or here and waiting for their turn."""

    call: Call
    fetch: Fetch
    budget: Budget
    ahead: int


def walk(call: Call, fetch: Fetch, budget: Budget, ahead: int) -> AsyncGenerator[Page, None]:
    """The pages of a call, in order. One that the statement itself names is read alone."""
    paging = call.method.paging
    alone = pinned(call, paging.request_location, paging.request_key) is not None
    return ALGORITHMS["none" if alone else paging.algorithm](Walk(call, fetch, budget, max(1, ahead)))


def request_for(call: Call, settings: Settings, cursor: Cursor) -> Request:
    """The request of a page."""
    if call.method.paging.algorithm in ("link_header", "next_url") and cursor is not None:
        return replace(prepare(call, settings), url=str(cursor))
    return prepare(call, settings, cursor)


async def _single(walk: Walk) -> AsyncGenerator[Page, None]:
    """One request; of a list, the page that the statement names."""
    call, paging = walk.call, walk.call.method.paging
    answer = await walk.fetch(None)
    param = pinned(call, paging.request_location, paging.request_key)
    number = None if param is None else whole(encode(param.shape, call.args[param.name], param.name))
    if paging.algorithm == "page_number" and number is not None:
        _Numbers(call).note(number, answer)
    yield _page(call, answer, number or 1)


async def _numbered(walk: Walk) -> AsyncGenerator[Page, None]:
    """Page 1 tells how many there are; the rest leave together, a bounded number ahead of what is taken."""
    numbers = _Numbers(walk.call)
    ready: deque[asyncio.Future[Answer]] = deque([asyncio.ensure_future(walk.fetch(1))])
    done, asked = 0, 1
    try:
        while True:
            try:
                answer = await ready.popleft()
            except CallError as error:
                if done:
                    _name(error, f"page {done + 1} of {numbers.pages or 'an unknown number'}")
                raise
            done += 1
            numbers.note(done, answer)
            goal = numbers.goal(done)
            if goal > asked:
                walk.budget.ask(goal - asked, f"{goal} pages in all")
            if goal == done:
                numbers.check_sum(answer)
            yield _page(walk.call, answer, done, numbers.warning(done))
            if goal == done:
                return
            while asked < goal and len(ready) < walk.ahead:
                asked += 1
                ready.append(asyncio.ensure_future(walk.fetch(asked)))
    finally:
        for page in ready:
            page.cancel()
        await asyncio.gather(*ready, return_exceptions=True)


class _Numbers(Struct):
    """What the pages of one walk have said of the list so far."""

    call: Call
    pages: int = 0  # the most that any page has said there are
    rows: int = 0
    ended: bool = False  # a page was not full, where only that tells the end
    first: str = ""  # how page 1 counts the list
    changed: str = ""  # how the first page that counts otherwise does
    changed_at: int = 0

    def note(self, number: int, answer: Answer) -> None:
        """Check a page's word against what was asked and against itself.

        An empty list has three shapes, all seen: page 1 of 1, page 1 of 0, page 0 of 0.
        """
        paging, count = self.call.method.paging, len(answer.content.rows)
        page, pages, total = (
            _whole(answer, key) for key in (paging.response_key, paging.terminator_key, paging.total_key)
        )
        if paging.terminator_key is not None and pages is None:
            raise _lie(f"the answer does not say how many pages there are, in {paging.terminator_key}", answer)
        if page is not None and page != number and (page, pages) != (0, 0):
            raise _lie(f"page {number} was asked for, and page {page} came", answer)
        if self.call.rows is not None and pages is not None:
            _check_rows(number, pages, total, answer)
        self.rows += count
        self.pages = max(self.pages, pages or 0)
        self.ended = count == 0 or count < (page_size(self.call) or 0)
        counted = " on ".join(
            f"{count} {noun}" for count, noun in ((total, "rows"), (pages, "pages")) if count is not None
        )
        self.first = self.first or counted
        if counted != self.first and not self.changed:
            self.changed, self.changed_at = counted, number

    def goal(self, done: int) -> int:
        """The last page that is wanted, as far as is known after `done` pages."""
        last = done + (not self.ended) if self.call.method.paging.terminator_key is None else max(done, self.pages)
        limit = self.call.row_limit
        if limit is None:
            return last
        if self.rows >= limit:
            return done
        size = (page_size(self.call) or max(1, self.rows // done)) if self.call.rows is not None else 1
        return min(last, done - (self.rows - limit) // size)

    def warning(self, number: int) -> tuple[str, ...]:
        """What to say beside the page on which the change was seen."""
        if number != self.changed_at:
            return ()
        return (
            f"{self.call.method.name} changed while it was read: page 1 counts {self.first}, page {number} "
            f"{self.changed}; rows may be missing or double",
        )

    def check_sum(self, answer: Answer) -> None:
        """After the last page: all rows that were counted came, unless the list changed or not all were wanted."""
        total, limit = _whole(answer, self.call.method.paging.total_key), self.call.row_limit
        if total is None or self.changed or self.call.rows is None or (limit is not None and self.rows >= limit):
            return
        if self.rows < total:
            raise _lie(f"the list counts {total} rows and gave {self.rows}", answer)


def _check_rows(number: int, pages: int, total: int | None, answer: Answer) -> None:
    """A page that is there has rows, and one that is not has none."""
    count = len(answer.content.rows)
    if count and pages == 0:
        raise _lie(f"page {number} has {count} rows, and says that there are 0 pages", answer)
    if not count and (number < pages or (number == pages and (number > 1 or total))):
        raise _lie(f"page {number} of {pages} is empty", answer)


async def _chained(onward: Callable[[Call, Answer], Cursor], walk: Walk) -> AsyncGenerator[Page, None]:
    """Each page names the next one."""
    call, cursor, number, rows = walk.call, None, 0, 0
    seen: set[Cursor] = set()
    while number == 0 or cursor is not None:
        number += 1
        try:
            answer = await walk.fetch(cursor)
        except CallError as error:
            if number > 1:
                _name(error, f"page {number}")
            raise
        rows += len(answer.content.rows)
        yield _page(call, answer, number)
        if call.row_limit is not None and rows >= call.row_limit:
            return
        seen |= {cursor, answer.request.url}
        cursor = onward(call, answer)
        if cursor is not None and cursor in seen:
            raise _lie(f"page {number} names one that came before as the next: the list goes in a circle", answer)


def _token(call: Call, answer: Answer) -> Cursor:
    """The token of the next page."""
    paging = call.method.paging
    if paging.response_location == "header":
        return answer.headers.get(paging.response_key.lower()) or None
    found = answer.content.facts.get(paging.response_key)
    if found is None or found is False or found == "":
        return None
    if isinstance(found, bool | float):
        raise _lie(f"{paging.response_key} should name the next page, and is {shown(found)}", answer)
    return str(found)


def _next_url(call: Call, answer: Answer) -> Cursor:
    """The URL of the next page, out of the body or a header."""
    found = _token(call, answer)
    return None if found is None else _same_origin(str(found), answer)


_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"[^"]*"|[^\s";,]*))?)*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s";,]*))', re.IGNORECASE)


def _link(_: Call, answer: Answer) -> Cursor:
    """The URL of the next page, out of `Link: <...>; rel="next"`."""
    for link in _LINK.finditer(answer.headers.get("link", "")):
        rel = _REL.search(link[2])
        if rel and "next" in (rel[1] or rel[2] or "").lower().split():
            return _same_origin(link[1], answer)
    return None


def _same_origin(text: str, answer: Answer) -> str:
    """A URL of the next page, complete. It must stay where the credential belongs."""
    here = answer.request.url
    try:
        url = urljoin(here, quote(text.strip(), safe="%/:?#[]@!$&'()*+,;=~"))
        there, user = origin(url), "@" in urlsplit(url).netloc
    except ValueError:
        raise _lie("the address of the next page is none", answer) from None
    if there != origin(here) or user:
        raise _lie(f"the next page is on {clean(there, 100)}, not on {origin(here)}: it is not asked", answer)
    return urldefrag(url).url


def _page(call: Call, answer: Answer, number: int, warnings: tuple[str, ...] = ()) -> Page:
    content, paging = answer.content, call.method.paging
    return Page(
        number,
        content.rows,
        total=_whole(answer, paging.total_key),
        pages=_whole(answer, paging.terminator_key) if paging.algorithm == "page_number" else None,
        warnings=(*content.warnings, *warnings),
        cost=answer.cost,
    )


def _whole(answer: Answer, key: str | None) -> int | None:
    """A count out of the body; None where there is none."""
    found = answer.content.facts.get(key or "")
    if found is None:
        return None
    if (number := whole(found)) is None:
        raise _lie(f"{key} should be a count, and is {shown(found)}", answer)
    return number


def _lie(message: str, answer: Answer) -> ResponseError:
    return ResponseError(
        message,
        request=f"{answer.request.method} {masked(answer.request.url)}",
        hint="the answer contradicts itself, so its rows may be incomplete; run it again",
    )


def _name(error: CallError, where: str) -> None:
    """Let an error tell which page could not be had."""
    error.message = f"{where}: {error.message}"
    error.args = (error.message,)


ALGORITHMS: Mapping[str, Callable[[Walk], AsyncGenerator[Page, None]]] = {
    "none": _single,
    "page_number": _numbered,
    "token": partial(_chained, _token),
    "link_header": partial(_chained, _link),
    "next_url": partial(_chained, _next_url),
}

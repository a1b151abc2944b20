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

from engine.errors import CallError
from engine.settings import Settings
from engine.wire.budget import Budget
from engine.wire.call import Call, Page, Request
from engine.wire.claims import Answer, Numbers, Seen, changing, count_at, lie, repeats
from engine.wire.masking import clean, shown
from engine.wire.request import page_size, pinned, prepare, whole
from engine.wire.servers import origin
from engine.wire.values import encode

Cursor = int | str | None  # a page's number, a token, a URL; None: the first page


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
        Numbers(call).note(number, answer)
    yield _page(call, answer, number or 1)


async def _numbered(walk: Walk) -> AsyncGenerator[Page, None]:
    """Page 1 tells how many there are; the rest leave together, a bounded number ahead of what is taken."""
    numbers, seen = Numbers(walk.call), Seen(walk.call)
    ready: deque[asyncio.Future[Answer]] = deque([asyncio.ensure_future(walk.fetch(1))])
    done, asked, reserved = 0, 1, 1
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
            answer, repeated = seen.apart(answer)
            numbers.rows -= repeated
            goal = numbers.goal(done)
            if goal > reserved:
                walk.budget.reserve(goal - reserved, f"{goal} pages in all")
                reserved = goal
            warnings = numbers.warning(done, repeated)
            if goal == done:
                numbers.check_sum(answer)
            yield _page(walk.call, answer, done, warnings, repeated)
            if goal == done:
                return
            while asked < goal and len(ready) < walk.ahead:
                asked += 1
                ready.append(asyncio.ensure_future(walk.fetch(asked)))
    finally:
        for page in ready:
            page.cancel()
        await asyncio.gather(*ready, return_exceptions=True)


async def _chained(onward: Callable[[Call, Answer], Cursor], walk: Walk) -> AsyncGenerator[Page, None]:
    """Each page names the next one."""
    call, cursor, number, rows = walk.call, None, 0, 0
    cursors: set[Cursor] = set()
    seen, warned = Seen(call), False
    while number == 0 or cursor is not None:
        number += 1
        try:
            answer = await walk.fetch(cursor)
        except CallError as error:
            if number > 1:
                _name(error, f"page {number}")
            raise
        answer, repeated = seen.apart(answer)
        rows += len(answer.content.rows)
        warnings = (changing(call, repeats(number, repeated)),) if repeated and not warned else ()
        warned = warned or bool(warnings)
        yield _page(call, answer, number, warnings, repeated)
        if call.row_limit is not None and rows >= call.row_limit:
            return
        cursors |= {cursor, answer.request.url}
        cursor = onward(call, answer)
        if cursor is not None and cursor in cursors:
            raise lie(f"page {number} names one that came before as the next: the list goes in a circle", answer)


async def _offsets(walk: Walk) -> AsyncGenerator[Page, None]:
    """Each request leaves out the rows that have come. Only a page that is not full, or a count of all, is an end."""
    call, skipped, number, rows, first = walk.call, 0, 0, 0, None
    seen, changed = Seen(call), ""
    while True:
        number += 1
        try:
            answer = await walk.fetch(skipped or None)
        except CallError as error:
            if number > 1:
                _name(error, f"the rows from {skipped + 1} on")
            raise
        came, total = len(answer.content.rows), count_at(answer, call.method.paging.total_key)
        skipped += came
        first = total if number == 1 else first
        answer, repeated = seen.apart(answer)
        rows += came - repeated
        found = repeats(number, repeated) if repeated else f"it counts {first} rows, then {total}"
        warnings = (changing(call, found),) if (repeated or total != first) and not changed else ()
        changed = changed or "".join(warnings)
        enough = call.row_limit is not None and rows >= call.row_limit
        ended = not came or (skipped >= total if total is not None else came < (page_size(call) or 0))
        if ended and total is not None and skipped < total and not changed:
            raise lie(f"the list counts {total} rows and gave {skipped}", answer)
        yield _page(call, answer, number, warnings, repeated)
        if enough or ended:
            return


def _token(call: Call, answer: Answer) -> Cursor:
    """The token of the next page."""
    paging = call.method.paging
    if paging.response_location == "header":
        return answer.headers.get(paging.response_key.lower()) or None
    found = answer.content.facts.get(paging.response_key)
    if found is None or found is False or found == "":
        return None
    if isinstance(found, bool | float):
        raise lie(f"{paging.response_key} should name the next page, and is {shown(found)}", answer)
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
        raise lie("the address of the next page is none", answer) from None
    if there != origin(here) or user:
        raise lie(f"the next page is on {clean(there, 100)}, not on {origin(here)}: it is not asked", answer)
    return urldefrag(url).url


def _page(call: Call, answer: Answer, number: int, warnings: tuple[str, ...] = (), repeated: int = 0) -> Page:
    content, paging = answer.content, call.method.paging
    return Page(
        number,
        content.rows,
        total=count_at(answer, paging.total_key),
        pages=count_at(answer, paging.terminator_key) if paging.algorithm == "page_number" else None,
        warnings=(*content.warnings, *warnings),
        repeated=repeated,
        cost=answer.cost,
        status=answer.status,
    )


def _name(error: CallError, where: str) -> None:
    """Let an error tell which page could not be had."""
    error.message = f"{where}: {error.message}"
    error.args = (error.message,)


ALGORITHMS: Mapping[str, Callable[[Walk], AsyncGenerator[Page, None]]] = {
    "none": _single,
    "page_number": _numbered,
    "offset": _offsets,
    "token": partial(_chained, _token),
    "link_header": partial(_chained, _link),
    "next_url": partial(_chained, _next_url),
}

"""What the pages of one list say of it, held against each other: its length, its end, rows that come again.

A list that contradicts itself is an error, one that changes while it is read a warning: never a shorter answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.errors import ResponseError
from engine.wire.call import Call, Cost, Request
from engine.wire.masking import masked, shown
from engine.wire.request import page_size, whole
from engine.wire.response import Content


class Answer(Struct, frozen=True):
    """One page as it came."""

    content: Content
    headers: Mapping[str, str]  # names in lower case
    request: Request
    cost: Cost
    status: int = 200


class Numbers(Struct):
    """What the pages of one walk have said of the list so far."""

    call: Call
    pages: int = 0  # the most that any page has said there are
    rows: int = 0
    ended: bool = False  # a page was not full, where only that tells the end
    first: str = ""  # how page 1 counts the list
    warned: bool = False
    changed: str = ""  # how the list was first seen to change: what a page counts, or repeats

    def note(self, number: int, answer: Answer) -> None:
        """Check a page's word against what was asked and against itself.

        An empty list has three shapes, all seen: page 1 of 1, page 1 of 0, page 0 of 0.
        """
        paging, count = self.call.method.paging, len(answer.content.rows)
        page, pages, total = (
            count_at(answer, key) for key in (paging.response_key, paging.terminator_key, paging.total_key)
        )
        if paging.terminator_key is not None and pages is None:
            raise lie(f"the answer does not say how many pages there are, in {paging.terminator_key}", answer)
        if page is not None and page != number and (page, pages) != (0, 0):
            raise lie(f"page {number} was asked for, and page {page} came", answer)
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
            self.changed = f"page 1 counts {self.first}, page {number} {counted}"

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

    def warning(self, number: int, repeated: int) -> tuple[str, ...]:
        """What to say beside the page on which the list is first seen to have changed."""
        if repeated and not self.changed:
            self.changed = repeats(number, repeated)
        if self.warned or not self.changed:
            return ()
        self.warned = True
        return (changing(self.call, self.changed),)

    def check_sum(self, answer: Answer) -> None:
        """After the last page: all rows that were counted came, unless the list changed or not all were wanted."""
        total, limit = count_at(answer, self.call.method.paging.total_key), self.call.row_limit
        if total is None or self.changed or self.call.rows is None or (limit is not None and self.rows >= limit):
            return
        if self.rows < total:
            raise lie(f"the list counts {total} rows and gave {self.rows}", answer)


class Seen:
    """Owns the keys of the rows that came so far: a row that a shift brings again on a later page counts once."""

    def __init__(self, call: Call) -> None:
        names = [column.name for column in call.columns]
        self._at = [names.index(name) for name in call.key]
        self._keys: set[object] = set()

    def apart(self, answer: Answer) -> tuple[Answer, int]:
        """The answer without rows that an earlier page had, and how many those were. A row without a key stays."""
        if not self._at:
            return answer, 0
        rows = answer.content.rows
        keys = [row[self._at[0]] for row in rows] if len(self._at) == 1 else [self._several(row) for row in rows]
        before = self._keys
        if not before.isdisjoint(keys):
            kept = [row for row, key in zip(rows, keys, strict=True) if key not in before]
            answer = replace(answer, content=replace(answer.content, rows=kept))
        before.update(keys)
        before.discard(None)
        return answer, len(rows) - len(answer.content.rows)

    def _several(self, row: tuple[Any, ...]) -> tuple[Any, ...] | None:
        parts = tuple(row[at] for at in self._at)
        return None if None in parts else parts


def repeats(number: int, repeated: int) -> str:
    """How a page shows that rows moved."""
    return f"{repeated} {'row' if repeated == 1 else 'rows'} of page {number} had come before"


def changing(call: Call, seen: str) -> str:
    """The warning of a list that changes under the reader."""
    return (
        f"{call.method.name} changed while it was read: {seen}; rows may be missing{'' if call.key else ' or double'}"
    )


def _check_rows(number: int, pages: int, total: int | None, answer: Answer) -> None:
    """A page that is there has rows, and one that is not has none."""
    count = len(answer.content.rows)
    if count and pages == 0:
        raise lie(f"page {number} has {count} rows, and says that there are 0 pages", answer)
    if not count and (number < pages or (number == pages and (number > 1 or total))):
        raise lie(f"page {number} of {pages} is empty", answer)


def count_at(answer: Answer, key: str | None) -> int | None:
    """A count out of the body; None where there is none."""
    found = answer.content.facts.get(key or "")
    if found is None:
        return None
    if (number := whole(found)) is None:
        raise lie(f"{key} should be a count, and is {shown(found)}", answer)
    return number


def lie(message: str, answer: Answer) -> ResponseError:
    return ResponseError(
        message,
        request=f"{answer.request.method} {masked(answer.request.url)}",
        hint="the answer contradicts itself, so its rows may be incomplete; run it again",
    )

"""A plan is steps and a final SELECT.

`Step = method x feed x table`: for each row of the feed, call the method, load what comes back into the table.
Plans are frozen data that print themselves: EXPLAIN, dry runs, logs and tests read the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct

from engine.language.text import Text
from engine.store import Store
from provider_registry.model import LOCAL, Await, Column, Method

JSON_ARGUMENT = "@@json"  # the feed column that holds a whole request body
FILE_ARGUMENT = "@@file"  # the one that names a file which belongs to the call
COMPRESS_ARGUMENT = "@@compress"  # whether that may be compressed


class Stamp(Struct, frozen=True):
    """A column added to every row a call brings: the parameters that fetched it, the page it stood on.

    `origin`: `feed` copies the feed row's column `source`; `row` the row's own column `source`; `page` the number of
    the page; `nothing` is NULL, a parameter that was not given.
    """

    column: Column
    origin: Literal["feed", "row", "page", "nothing"]
    source: str = ""


class Awaiting(Struct, frozen=True):
    """What a step's calls wait for before they count as done: rows that `method` looks up reach the goals of `rule`.

    `seconds` bounds the wait of each; None: it is looked at once. `key` is the column by which a SELECT of the
    resource goes on waiting; None where none can.
    """

    rule: Await
    method: Method
    seconds: float | None = None
    key: str | None = None


class Step(Struct, frozen=True):
    """For each row of `feed`, call `method`, load the rows into `table`."""

    table: str
    provider: str
    resource: str  # linode.images.images
    verb: str  # the SQL verb it serves
    method: Method
    columns: tuple[Column, ...]  # of the response's rows; the table has these and the stamps
    rows: str | None = None  # the object key of the rows; None: the body is the row
    key: tuple[str, ...] = ()  # the columns that tell its rows apart, where it walks over pages
    feed: Text | None = None  # None: one row without columns
    reads: tuple[str, ...] = ()  # the tables the feed reads
    stamps: tuple[Stamp, ...] = ()
    filter: Mapping[str, Any] | None = None
    fixed: Mapping[str, Any] = {}  # columns that the filter makes one value in every row
    limit: int | None = None  # no more rows than this are wanted
    compared: frozenset[str] = frozenset()  # the columns that a USING or NATURAL join compares
    fetch: frozenset[str] = frozenset()  # the columns that somebody reads
    passes: bool = False  # its rows leave as they came: the output is columns of this table, and nobody else reads it
    searched: frozenset[str] | None = None  # the columns by which its rows are found; what is taken of them waits
    accounts: tuple[str, ...] = ()  # the feed's column `_account` is one of them; none: it has no such column
    strangers: tuple[str, ...] = ()  # accounts that the query asks for and nobody has named
    why: str = ""
    holds: Mapping[str, str] = {}  # the columns that hold now what the attributes that are set will hold
    own: frozenset[str] = frozenset()  # of these the attributes that are computed from what they hold
    files: bool = False  # whether a file belongs to each call
    awaiting: Awaiting | None = None

    @property
    def writes(self) -> bool:
        """Whether a call may change something."""
        return not self.method.reads

    @property
    def local(self) -> bool:
        """Whether its rows come from memory: nothing is sent."""
        return self.method.http == LOCAL

    @property
    def fetched(self) -> tuple[Column, ...]:
        """The columns to decode: those that the statement, a stamp or the walk over pages reads."""
        wanted = self.fetch | {s.source for s in self.stamps if s.origin == "row"} | set(self.key)
        return tuple(c for c in self.columns if c.name in wanted)

    @property
    def counts(self) -> bool:
        """Whether the number of rows is all that is wanted: every column that is read has one value in all of them.

        Then a list's own count stands for its rows.
        """
        if self.awaiting is not None:
            return False
        constant = all(stamp.origin in ("feed", "nothing") for stamp in self.stamps)
        named = {column.name for column in self.columns}
        listed = self.rows is not None and self.method.paging.total_key is not None and self.limit is None
        return listed and constant and not self.writes and (self.fetch & named) <= self.fixed.keys()

    @property
    def table_columns(self) -> tuple[Column, ...]:
        """What the table is created with: unknown to nobody, whether fetched or not."""
        return (*self.columns, *(s.column for s in self.stamps))


class Plan(Struct, frozen=True):
    """Steps in an order that respects their feeds, then the user's SELECT over the tables.

    `shelves` are steps too, but of the schema `system`: they are answered from memory, before the others, and read
    nothing of them. `output` None: the statement answers with a count of the calls. `local` are the predicates that
    are checked again over what came back, because the API is not trusted with them.
    """

    verb: str
    steps: tuple[Step, ...] = ()
    output: Text | None = None
    local: tuple[str, ...] = ()
    shelves: tuple[Step, ...] = ()

    @property
    def write(self) -> Step | None:
        """The step that changes something, if there is one. It is the last."""
        return next((step for step in self.steps if step.writes), None)


def create_tables(steps: Iterable[Step], store: Store) -> None:
    """The tables of steps, empty."""
    for step in steps:
        store.create(step.table, step.table_columns, passes=step.passes, searched=step.searched)


def waves(steps: tuple[Step, ...]) -> list[list[Step]]:
    """Steps in groups that can run side by side: each reads only tables of earlier groups. Writes stand alone.

    >>> from provider_registry.protocol import Server
    >>> get, post = (Method(name=n, http=n, path="/", server=Server(url="")) for n in ("GET", "POST"))
    >>> a = Step("a", "p", "p.s.r", "select", get, ())
    >>> b = Step("b", "p", "p.s.r", "select", get, (), reads=("a",))
    >>> c = Step("c", "p", "p.s.r", "exec", post, ())
    >>> [[step.table for step in wave] for wave in waves((a, b, c))]
    [['a'], ['b'], ['c']]
    """
    waiting = list(steps)
    done = {table for step in steps for table in step.reads} - {step.table for step in steps}  # there already
    result: list[list[Step]] = []
    while waiting:
        ready = [s for s in waiting if not s.writes and done.issuperset(s.reads)] or waiting[:1]
        result.append(ready)
        done |= {step.table for step in ready}
        waiting = [step for step in waiting if step.table not in done]
    return result

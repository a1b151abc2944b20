"""Plans into rows: waves of steps, each calling the wire and loading what comes, then the output over the tables.

The executor knows no SQL verb. A step that writes differs in three things only: all its calls are known and checked
before the first leaves, a failure stops the calls that have not left, and each call is accounted for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import dropwhile
from time import perf_counter
from typing import Any, Literal, Protocol, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from engine.accounts import COLUMN, token_of
from engine.arguments import Job, jobs
from engine.errors import (
    ApiError,
    CallError,
    InvalidValue,
    NetworkError,
    PartialWrite,
    Refused,
    StratoqlError,
    TimedOut,
)
from engine.planner.plan import Plan, Step, waves
from engine.settings import Settings
from engine.store import Row, Store
from engine.wire.budget import Budget
from engine.wire.call import Call, Cost, Page, Request
from engine.wire.events import Event, Listener
from engine.wire.request import page_size, prepare

S = TypeVar("S")
T = TypeVar("T")


class Wire(Protocol):
    """What the executor needs of a client."""

    tell: Listener
    budget: Budget

    def pages(self, call: Call) -> AsyncIterator[Page]:
        """The pages of a call, in order."""
        ...


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
    rows: int = 0  # fetched
    warnings: list[str] = []
    steps: dict[str, Spent] = {}  # by table
    began: float = field(default_factory=perf_counter)
    cost: Cost = field(default_factory=Cost)  # of all requests, those that failed included
    paused: float = 0.0  # seconds in which a person was asked
    asked: set[str] = set()  # accounts
    absent: dict[str, CallError] = {}  # accounts that a partial answer goes without, and why

    def pause(self, seconds: float) -> None:
        """The time in which a person thought about a write is no time of the statement."""
        self.began += seconds
        self.paused += seconds

    def add(self, step: Step, page: Page, began: float) -> None:
        """A page is loaded; `began` is when that was started."""
        rows = len(page.rows) + page.repeated
        spent = self.steps.setdefault(step.table, Spent())
        spent.first = began - self.began if spent.first is None else spent.first
        spent.pages += 1
        spent.rows += rows
        spent.kept += len(page.rows)
        spent.cost += page.cost
        spent.loading += perf_counter() - began
        self.rows += rows
        self.warnings += [w for w in page.warnings if w not in self.warnings]


async def run_steps(plan: Plan, store: Store, wire: Wire, settings: Settings) -> Tally:
    """Run every step; the store then holds the tables of the output.

    Raises CallError, and PartialWrite where some of several writes were done and some were not.
    """
    tally = Tally()
    todo = await run_until_write(plan, store, wire, settings, tally)
    await run_write(plan, todo, store, wire, settings, tally)
    return tally


async def run_until_write(plan: Plan, store: Store, wire: Wire, settings: Settings, tally: Tally) -> list[Job]:
    """Run the steps before the one that writes, and answer its calls: all of them, checked, none sent.

    A plan without a write is run to its end. Raises Refused where the write would be too large.
    """
    for wave in waves(plan.steps):
        if wave[0].writes:
            return _allowed(wave[0], calls(wave[0], store, settings), wire, settings)
        await _wave(plan, wave, store, wire, settings, tally)
    return []


async def run_write(
    plan: Plan, todo: Sequence[Job], store: Store, wire: Wire, settings: Settings, tally: Tally
) -> None:
    """Send exactly these calls, then run the steps that wait for their answers."""
    for wave in dropwhile(lambda wave: not wave[0].writes, waves(plan.steps)):
        if wave[0].writes:
            await _write(wave[0], todo, store, wire, settings, tally)
        else:
            await _wave(plan, wave, store, wire, settings, tally)


async def _wave(plan: Plan, wave: Sequence[Step], store: Store, wire: Wire, settings: Settings, tally: Tally) -> None:
    """Steps side by side. An account that failed in one of them is left out of all the tables, where that may be."""
    before = len(tally.absent)
    partial = settings.partial and plan.write is None
    await _together([_run(step, store, wire, settings, tally, partial=partial) for step in wave])
    if len(tally.absent) == before:
        return
    if tally.asked <= tally.absent.keys():
        raise next(iter(tally.absent.values()))
    for step in plan.steps:
        for name in tally.absent if step.accounts else ():
            store.forget(step.table, COLUMN, name)
    tally.warnings += [f"without {error.message}" for error in list(tally.absent.values())[before:]]


async def _run(step: Step, store: Store, wire: Wire, settings: Settings, tally: Tally, *, partial: bool) -> None:
    todo = [job for job in calls(step, store, settings) if job.call.account not in tally.absent]
    todo = _allowed(step, todo, wire, settings)
    tally.asked |= {job.call.account for job in todo if job.call.account is not None}

    async def pages(job: Job) -> list[Page]:
        found: list[Page] = []
        with _spared(job, tally, partial=partial):
            found += await _all(job, wire)
        return found

    async def count(job: Job) -> None:
        with _spared(job, tally, partial=partial):
            await _count(step, job, store, wire, tally)

    if step.counts:
        await _each(step, todo, wire, count)
    elif len(todo) == 1:
        with _spared(todo[0], tally, partial=partial):
            async for page in _pages(todo[0], wire):
                _load(step, todo[0], page, store, tally)
    else:
        fetched = await _each(step, todo, wire, pages)
        for job, found in zip(todo, fetched, strict=True):  # in the order of the feed, whichever came first
            for page in found:
                _load(step, job, page, store, tally)


@contextmanager
def _spared(job: Job, tally: Tally, *, partial: bool) -> Iterator[None]:
    """What goes wrong names its account; of a partial answer it makes an absence. Time that is up is up for all."""
    account = job.call.account
    try:
        yield
    except CallError as error:
        _name(error, account)
        if account is None or not partial or isinstance(error, TimedOut):
            raise
        tally.absent.setdefault(account, error)


def _name(error: CallError, account: str | None) -> None:
    """Let an error say whose request it was."""
    if account is None or error.account is not None:
        return
    error.account = account
    if not error.message.startswith(f"account {account} "):
        error.message = f"account {account}: {error.message}"
        error.args = (error.message,)


def _allowed(step: Step, todo: list[Job], wire: Wire, settings: Settings) -> list[Job]:
    """The calls, if they are not more than may be sent or written. Room for all of them is kept: a write that has
    begun does not run out of requests.
    """
    if step.writes and len(todo) > settings.max_writes:
        raise Refused(
            f"this {step.verb.upper()} would write {len(todo)} rows, more than the {settings.max_writes} allowed",
            hint=f"narrow the WHERE, look at the rows with EXPLAIN, or allow them: --max-writes {len(todo)}",
        )
    if step.writes or not settings.partial:  # a token that is missing is told before anything is sent
        for name in dict.fromkeys(job.call.account for job in todo):
            if name is not None:
                token_of(settings.accounts[name], settings.environ)
    wire.budget.reserve(len(todo))
    return todo


def calls(step: Step, store: Store, settings: Settings) -> list[Job]:
    """The calls of a step, each once, all of them built: a bad value in the last stops the first.

    A read by a key that no row can have is a row that is not there. Rows to insert may well be the same.
    """
    todo = jobs(step, store, page_size=settings.page_size)
    found: dict[tuple[str | None, Request], Job] = {}
    every: list[Job] = []
    for number, job in enumerate(todo, 1):
        try:
            found.setdefault((job.call.account, prepare(job.call, settings)), job)
        except InvalidValue as error:
            param = job.call.method.param(error.name)
            if step.verb == "select" and param is not None and param.key is not None:
                continue
            if len(todo) > 1:
                error.message = f"row {number} of {len(todo)}: {error.message}"
                error.args = (error.message,)
            raise
        every.append(job)
    return every if step.verb in ("insert", "exec") else _consistent(found)


def _consistent(found: Mapping[tuple[str | None, Request], Job]) -> list[Job]:
    """Calls that are all different; two changes of one row that differ are refused."""
    bodies: dict[tuple[str | None, str, str], Job] = {}
    for (account, request), job in found.items():
        if bodies.setdefault((account, request.method, request.url), job) is not job and request.body is not None:
            raise Refused(
                f"two rows of the query would change {job.label} differently",
                hint="make the query give each row once",
            )
    return list(found.values())


async def _pages(job: Job, wire: Wire) -> AsyncIterator[Page]:
    """The pages of a read. One thing looked up by its key that is not there is no row, not an error."""
    looked_up = any(p.location == "path" for p in job.call.method.params)
    try:
        async for page in wire.pages(job.call):
            yield page
    except ApiError as error:
        if error.status != 404 or not looked_up:
            raise
        yield Page(1, [], total=0, cost=error.cost or Cost())


async def _count(step: Step, job: Job, store: Store, wire: Wire, tally: Tally) -> None:
    """As many rows as the list says it has, each with the values that the filter leaves no choice about.

    A list that does not say, that contradicts itself or that was not filtered is read whole.
    """
    pages = await _all(job, wire)
    first = pages[0]
    if first.filtered and first.total is not None and _adds_up(first, first.total, job):
        began = perf_counter()
        values = {**step.fixed, **{s.column.name: job.row.get(s.source) for s in step.stamps}}
        store.repeat(step.table, list(values), tuple(values.values()), first.total)
        tally.add(step, first, began)
        return
    if first.filtered:
        pages = await _all(replace(job, call=replace(job.call, row_limit=None)), wire)
    for page in pages:
        _load(step, job, page, store, tally)


def _adds_up(page: Page, total: int, job: Job) -> bool:
    """Whether the first page holds what its own count of rows and pages says."""
    size, pages = page_size(job.call), page.pages
    if size is None:
        return len(page.rows) <= total
    counted = pages is None or (pages - 1) * size < total <= pages * size or (total == 0 and pages <= 1)
    return counted and len(page.rows) == min(size, total)


async def _all(job: Job, wire: Wire) -> list[Page]:
    return [page async for page in _pages(job, wire)]


def _load(step: Step, job: Job, page: Page, store: Store, tally: Tally) -> None:
    """Rows and their stamps into the step's table."""
    began = perf_counter()
    columns = [column.name for column in step.fetched]
    rows: Sequence[Row] = page.rows
    if step.stamps:
        given = {"page": page.number, "nothing": None}
        copied = [columns.index(s.source) if s.origin == "row" else None for s in step.stamps]
        fixed = [job.row.get(s.source) if s.origin == "feed" else given.get(s.origin) for s in step.stamps]
        pairs = list(zip(copied, fixed, strict=True))
        rows = [(*row, *(value if at is None else row[at] for at, value in pairs)) for row in page.rows]
    store.load(step.table, [*columns, *(stamp.column.name for stamp in step.stamps)], rows)
    tally.add(step, page, began)


class _Outcome(Struct):
    """What became of one write."""

    state: Literal["unsent", "sent", "done", "failed", "unknown"] = "unsent"
    pages: list[Page] = []
    error: StratoqlError | None = None


async def _write(step: Step, todo: Sequence[Job], store: Store, wire: Wire, settings: Settings, tally: Tally) -> None:
    """Send every call once. The first failure stops what has not left; what was done is loaded whatever happens."""
    outcomes = [_Outcome() for _ in todo]
    places = asyncio.Semaphore(settings.concurrency)
    stopped = False

    async def send(number: int) -> None:
        nonlocal stopped
        async with places:
            if stopped:
                return
            outcome = outcomes[number]
            outcome.state = "sent"
            try:
                outcome.pages = [page async for page in wire.pages(todo[number].call)]
                outcome.state = "done"
            except StratoqlError as error:
                if isinstance(error, CallError):
                    _name(error, todo[number].call.account)
                outcome.state, outcome.error = _verdict(error), error
                stopped = True

    try:
        await _each(step, range(len(todo)), wire, send)
    except asyncio.CancelledError as cancelled:
        if all(outcome.state == "unsent" for outcome in outcomes):
            raise
        stopped = True
        raise _partial(step, todo, outcomes) from cancelled
    finally:
        for job, outcome in zip(todo, outcomes, strict=True):
            for page in outcome.pages if outcome.state == "done" else ():
                _load(step, job, page, store, tally)
            tally.calls += outcome.state == "done"
    if stopped:
        raise _partial(step, todo, outcomes) if len(todo) > 1 else _alone(outcomes[0])


def _verdict(error: StratoqlError) -> Literal["failed", "unknown"]:
    """Whether a failed write certainly did nothing."""
    return "unknown" if isinstance(error, CallError) and not error.harmless else "failed"


def _alone(outcome: _Outcome) -> StratoqlError:
    """The error of a statement that was one call."""
    error = outcome.error or StratoqlError("the write failed")
    if outcome.state == "unknown":
        warning = "whether it took effect is unknown: read the row before you send it again"
        error.hint = f"{error.hint}; {warning}" if error.hint else warning
    return error


def _partial(step: Step, todo: Sequence[Job], outcomes: Sequence[_Outcome]) -> PartialWrite:
    """Every call of a write that stopped, in exactly one list."""
    pairs = list(zip(todo, outcomes, strict=True))
    interrupted = NetworkError("interrupted before the answer came")
    done = [job for job, o in pairs if o.state == "done"]
    failed = [(job, o.error) for job, o in pairs if o.state == "failed" and o.error]
    unknown = [(job, o.error or interrupted) for job, o in pairs if o.state in ("unknown", "sent")]
    unsent = [job for job, o in pairs if o.state == "unsent"]
    counts = [
        f"{len(jobs_)} {word}"
        for word, jobs_ in (("done", done), ("failed", failed), ("unknown", unknown), ("not sent", unsent))
        if jobs_ or word == "done"
    ]
    lines = [f"  done     {job.label}" for job in done]
    lines += [f"  failed   {job.label}: {error}" for job, error in failed]
    lines += [f"  unknown  {job.label}: {error}" for job, error in unknown]
    lines += [f"  not sent {job.label}" for job in unsent]
    return PartialWrite(
        "\n".join([f"{step.verb.upper()} stopped part-way, of {len(todo)} rows: {', '.join(counts)}", *lines]),
        done=[dict(job.call.args) for job in done],
        failed=[(dict(job.call.args), error) for job, error in failed],
        unknown=[(dict(job.call.args), error) for job, error in unknown],
        unsent=[dict(job.call.args) for job in unsent],
        hint="rows marked unknown may have been written: read them before you send them again" if unknown else None,
    )


async def _each(step: Step, items: Sequence[S], wire: Wire, work: Callable[[S], Coroutine[Any, Any, T]]) -> list[T]:
    """The calls of a step side by side, each told when it is done."""
    done, of, name = 0, len(items), step.method.name

    async def one(item: S) -> T:
        nonlocal done
        found = await work(item)
        done += 1
        told()
        return found

    def told() -> None:
        if of > 1:
            wire.tell(Event("calls", f"{done} of {of} calls of {name}", what=name, number=done, of=of))

    told()
    return await _together([one(item) for item in items])


async def _together(tasks: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Run side by side; the first error stops the others and is raised as it is."""
    if len(tasks) == 1:
        return [await tasks[0]]
    running = [asyncio.ensure_future(task) for task in tasks]
    try:
        return await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

"""Plans into rows: waves of steps, each calling the wire and loading what comes, then the output over the tables.

The executor knows no SQL verb. A step that writes differs in three things only: all its calls are known and checked
before the first leaves, a failure stops the calls that have not left, and each call is accounted for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import dropwhile
from time import perf_counter
from typing import Any, TypeVar

from msgspec.structs import replace

from engine import before
from engine.abreast import each, together
from engine.accounts import COLUMN, named, stranger, token_of
from engine.arguments import Job, jobs
from engine.errors import (
    ApiError,
    CallError,
    InvalidValue,
    NotSent,
    PartialWrite,
    Refused,
    TimedOut,
    Unready,
)
from engine.lifecycle import Wire
from engine.planner.plan import Plan, Step, waves
from engine.portal import AWAITING
from engine.settings import Settings
from engine.store import Row, Store
from engine.tally import Tally
from engine.wire.call import Cost, Page, Request
from engine.wire.request import page_size, prepare
from engine.writing import NOBODY, Witness, write

T = TypeVar("T")
_MANY = 2000  # rows of a page that take long to load


async def run_steps(plan: Plan, store: Store, wire: Wire, settings: Settings, tally: Tally) -> None:
    """Run every step; the store then holds the tables of the output.

    Raises CallError, and PartialWrite where some of several writes were done and some were not.
    """
    todo = await run_until_write(plan, store, wire, settings, tally)
    await run_write(plan, todo, store, wire, settings, tally)


async def run_until_write(plan: Plan, store: Store, wire: Wire, settings: Settings, tally: Tally) -> list[Job]:
    """Run the steps before the one that writes, and answer its calls: all of them, checked, none sent.

    A plan without a write is run to its end. Raises Refused where the write would be too large.
    """
    todo = await find_writes(plan, store, wire, settings, tally)
    if plan.write is not None:
        check_number(plan.write, todo, settings)
    wire.budget.reserve(len(todo))  # a write that has begun does not run out of requests
    return todo


async def find_writes(plan: Plan, store: Store, wire: Wire, settings: Settings, tally: Tally) -> list[Job]:
    """The same, however many there are."""
    for wave in waves(plan.steps):
        if wave[0].writes:
            return await _aside(partial(_writes, plan, wave[0], store, settings, tally), store, tally)
        await _wave(plan, wave, store, wire, settings, tally)
    return []


async def run_write(
    plan: Plan,
    todo: Sequence[Job],
    store: Store,
    wire: Wire,
    settings: Settings,
    tally: Tally,
    witness: Witness = NOBODY,
) -> None:
    """Send exactly these calls, then run the steps that wait for their answers."""
    for wave in dropwhile(lambda wave: not wave[0].writes, waves(plan.steps)):
        if wave[0].writes:
            await _write(wave[0], todo, store, wire, settings, tally, witness)
        else:
            await _wave(plan, wave, store, wire, settings, tally)


async def _write(
    step: Step,
    todo: Sequence[Job],
    store: Store,
    wire: Wire,
    settings: Settings,
    tally: Tally,
    witness: Witness,
) -> None:
    """The calls, and what follows them: files that are sent, states that are waited for."""
    done: list[tuple[Job, list[Page]]] = []

    def load(job: Job, page: Page) -> None:
        done.append((job, [page]))
        _load(step, job, page, store, tally)

    sent = partial(write, step, todo, wire, settings.concurrency, load)
    if step.awaiting is None:
        await sent(tally, witness)
        return
    from engine.lifecycle.awaiting import unawaited
    from engine.lifecycle.following import follow
    from engine.lifecycle.parcels import parcels

    # all that can be wrong with a file is found before anything is made
    async with parcels(step, todo, wire) as bodies:

        def then(answers: list[list[Page]]) -> Coroutine[Any, Any, None]:
            return follow(step, todo, answers, bodies, store, wire, settings, arrived)

        async def arrived(number: int) -> None:
            try:
                await witness.deliver(number)
            except NotSent as error:  # the file is there all the same
                tally.warnings.append(str(error))

        try:
            await sent(tally, witness, then)
        except Unready:
            raise
        except PartialWrite as error:
            error.hint = unawaited(step, done, error.hint)
            raise


async def _wave(plan: Plan, wave: Sequence[Step], store: Store, wire: Wire, settings: Settings, tally: Tally) -> None:
    """Steps side by side. An account that failed in one of them is left out of all the tables, where that may be."""
    absent = len(tally.absent)
    spare = settings.partial and plan.write is None
    await together([_run(step, store, wire, settings, tally, spare=spare) for step in wave])
    if len(tally.absent) == absent:
        return
    if tally.asked <= tally.absent.keys():
        raise next(iter(tally.absent.values()))
    for step in plan.steps:
        for name in tally.absent if step.accounts else ():
            store.forget(step.table, COLUMN, name)
    tally.warnings += [f"without {error.message}" for error in list(tally.absent.values())[absent:]]


async def _run(step: Step, store: Store, wire: Wire, settings: Settings, tally: Tally, *, spare: bool) -> None:
    find = partial(calls, step, store, settings)
    found = find() if step.feed is None else await _aside(find, store, tally)
    todo = [job for job in found if job.call.account not in tally.absent]
    if not settings.partial:
        _check_tokens(todo, settings)
    wire.budget.reserve(len(todo))
    tally.warnings += [stranger(name, step.accounts) for name in step.strangers]
    tally.asked |= {job.call.account for job in todo if job.call.account is not None}

    async def pages(job: Job) -> list[Page]:
        got: list[Page] = []
        with _spared(job, tally, spare=spare):
            got += await _all(step, job, wire, tally)
        return got

    async def count(job: Job) -> None:
        with _spared(job, tally, spare=spare):
            await _count(step, job, store, wire, tally)

    if step.awaiting is not None:
        await _wait(step, todo, store, wire, settings, tally)
    elif step.counts:
        await each(step, todo, wire.tell, count)
    elif len(todo) == 1:
        with _spared(todo[0], tally, spare=spare):
            async for page in _pages(step, todo[0], wire, tally):
                await _loaded(step, todo[0], page, store, tally)
    else:
        fetched = await each(step, todo, wire.tell, pages)
        for job, got in zip(todo, fetched, strict=True):  # in the order of the feed, whichever came first
            for page in got:
                await _loaded(step, job, page, store, tally)


@contextmanager
def _spared(job: Job, tally: Tally, *, spare: bool) -> Iterator[None]:
    """What goes wrong names its account; of a partial answer it makes an absence. Time that is up is up for all."""
    account = job.call.account
    try:
        yield
    except CallError as error:
        named(error, account)
        if account is None or not spare or isinstance(error, TimedOut):
            raise
        tally.absent.setdefault(account, error)


def _check_tokens(todo: Sequence[Job], settings: Settings) -> None:
    """A token that is missing is told before anything is sent."""
    for name in dict.fromkeys(job.call.account for job in todo):
        if name is not None:
            token_of(settings.accounts[name], settings.environ)


async def _wait(step: Step, todo: list[Job], store: Store, wire: Wire, settings: Settings, tally: Tally) -> None:
    """Look rows up until they are as their document wants them."""
    from engine.lifecycle.following import follow

    answers: list[list[Page]] = [[] for _ in todo]
    try:
        await follow(step, todo, answers, [None] * len(todo), store, wire, settings)
    finally:
        for job, pages in zip(todo, answers, strict=True):
            for page in pages:
                _load(step, job, page, store, tally)


async def _loaded(step: Step, job: Job, page: Page, store: Store, tally: Tally) -> None:
    work = partial(_load, step, job, page, store, tally)
    if len(page.rows) > _MANY:
        await _aside(work, store, tally)
    else:
        async with tally.turn:
            work()


async def _aside(work: Callable[[], T], store: Store, tally: Tally) -> T:
    """Work of SQLite that may take long, in a thread: the loop belongs to every session of the process."""
    async with tally.turn:
        return await AWAITING.query(work, store.interrupt)


def check_number(step: Step, todo: Sequence[Job], settings: Settings) -> None:
    """Raises Refused where these are more rows than may be written."""
    rows, verb = len(todo), step.verb.upper()
    if rows > settings.max_writes:
        fewer = "give fewer rows" if step.verb == "insert" else "narrow the WHERE"
        raise Refused(
            f"this {verb} would write {rows} rows, more than the {settings.max_writes} allowed",
            hint=f"{fewer}, look at the rows with EXPLAIN (ROWS), or allow them: {verb} "
            f"/*+ MAX_WRITES({rows}) */, or --max-writes {rows}",
        )


def _writes(plan: Plan, step: Step, store: Store, settings: Settings, tally: Tally) -> list[Job]:
    """The calls of the step that writes, all checked, each with what was read of its row."""
    found = before.known(plan, step, jobs(step, store, page_size=settings.page_size), store)
    before.check_writable(step, found)
    todo = before.changed(step, found)
    tally.unchanged = len(found) - len(todo)
    _check_tokens(todo, settings)
    return _checked(step, todo, settings)


def calls(step: Step, store: Store, settings: Settings) -> list[Job]:
    """The calls of a step, each once, all of them built: a bad value in the last stops the first."""
    return _checked(step, jobs(step, store, page_size=settings.page_size), settings)


def _checked(step: Step, todo: Sequence[Job], settings: Settings) -> list[Job]:
    """Calls whose requests can be built, each once.

    A read by a key that no row can have is a row that is not there. Rows to insert may well be the same.
    """
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


async def _pages(step: Step, job: Job, wire: Wire, tally: Tally) -> AsyncIterator[Page]:
    """The pages of a read. One thing looked up by its key that is not there is no row, not an error."""
    looked_up = any(p.location == "path" for p in job.call.method.params)
    try:
        async for page in wire.pages(job.call):
            tally.came(step)
            yield page
    except ApiError as error:
        if error.status != 404 or not looked_up:
            raise
        tally.came(step)
        yield Page(1, [], total=0, cost=error.cost or Cost())


async def _count(step: Step, job: Job, store: Store, wire: Wire, tally: Tally) -> None:
    """As many rows as the list says it has, each with the values that the filter leaves no choice about.

    A list that does not say, that contradicts itself or that was not filtered is read whole.
    """
    pages = await _all(step, job, wire, tally)
    first = pages[0]
    if first.filtered and first.total is not None and _adds_up(first, first.total, job):
        began = perf_counter()
        values = {**step.fixed, **{s.column.name: job.row.get(s.source) for s in step.stamps}}
        repeat = partial(store.repeat, step.table, list(values), tuple(values.values()), first.total)
        await _aside(repeat, store, tally)
        tally.add(step, first, began)
        return
    if first.filtered:
        pages = await _all(step, replace(job, call=replace(job.call, row_limit=None)), wire, tally)
    for page in pages:
        await _loaded(step, job, page, store, tally)


def _adds_up(page: Page, total: int, job: Job) -> bool:
    """Whether the first page holds what its own count of rows and pages says."""
    size, pages = page_size(job.call), page.pages
    if size is None:
        return len(page.rows) <= total
    counted = pages is None or (pages - 1) * size < total <= pages * size or (total == 0 and pages <= 1)
    return counted and len(page.rows) == min(size, total)


async def _all(step: Step, job: Job, wire: Wire, tally: Tally) -> list[Page]:
    return [page async for page in _pages(step, job, wire, tally)]


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

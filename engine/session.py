"""parse -> plan -> execute: one statement after another, each a Result.

A session owns its catalog and shares the HTTP client and the loop it runs on with the process's other sessions; these
come into being when a statement first needs them, so that one without a remote table starts nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from engine.errors import Declined, DocumentError, PartialWrite, StratoqlError, SyntaxFault, UsageError
from engine.language.parser import parse
from engine.language.statements import Describe, Explain, Registry, Show, Statement, Use
from engine.planner.names import Names
from engine.planner.plan import Plan
from engine.planner.planner import Plannable, Planned, plan
from engine.registry import catalog
from engine.result import Result, ResultColumn, Stats
from engine.settings import Settings
from engine.store import Store, typed
from engine.ways import BLOCKING, Way, finish
from provider_registry.faults import BadDocument

if TYPE_CHECKING:
    import httpx

    from engine.connections import Connection
    from engine.executor import Tally
    from engine.language.hints import Hint
    from engine.portal import Portal
    from engine.preview import Approve
    from engine.registry.installing import Consent
    from engine.wire.client import Event, Traffic

_DONE = {"insert": "inserted", "replace": "replaced", "update": "updated", "delete": "deleted", "exec": "done"}


class Session:
    """A conversation with APIs in SQL. A context manager; its statements may run side by side, in threads or tasks.

    `approve` is asked before a write, when every call of it is known and none is sent. Where it says yes exactly
    those calls are sent; where it says no the statement ends in Declined.

    >>> with Session(Settings(sandbox="")) as session:
    ...     for result in session.run("SELECT id FROM linode.images.images WHERE id = 'linode/debian12'"):
    ...         result.fetchall()
    [('linode/debian12',)]
    """

    def __init__(
        self,
        settings: Settings,
        *,
        on_event: Callable[[Event], None] | None = None,
        approve: Approve | None = None,
        consent: Consent | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        way: Way = BLOCKING,
    ) -> None:
        """`transport` stands in for the network. `way`: how `answer` waits; `run` is for the blocking one."""
        self.settings = _for_sandbox(settings) if settings.sandbox is not None else settings
        self.on_event = on_event  # asked for by each statement as it starts
        self._approve = approve
        self._consent = consent
        self._transport = transport
        self._way = way
        self._opening = threading.Lock()
        self._connection: Connection | None = None
        self._names = Names(catalog(settings))

    @property
    def names(self) -> Names:
        """Where its statements look names up: the catalog, and the provider that USE chose."""
        return self._names

    def allowances(self) -> dict[str, tuple[int, int]]:
        """By rate limit, the requests left now and those it has in all; of limits not met yet nothing is known."""
        return self._connection.client.limits.left() if self._connection is not None else {}

    def sign_in(self, token: str | None) -> None:
        """Another token from here on; None: the one that is found where the provider's document says."""
        if self.settings.sandbox is not None:
            raise UsageError("the sandbox has a token of its own", hint="leave --sandbox out to talk to the real API")
        self.close()  # a client remembers what it found
        self.settings = replace(self.settings, token=token)

    def run(self, text: str, *, dry_run: bool = False) -> Iterator[Result]:
        """The result of each statement, executed as the iterator advances.

        With `dry_run` each is planned and explained, and nothing is sent. The whole text is parsed first: a syntax
        error anywhere runs nothing.

        Raises StratoqlError; its `statement` is the text of the one that failed.
        """
        for statement in parse(text):
            yield finish(self.answer(statement, dry_run=dry_run))

    async def answer(self, statement: Statement, *, dry_run: bool = False) -> Result:
        """The result of one statement. On the blocking way `engine.ways.finish` runs it.

        Raises StratoqlError; its `statement` is the text of the one that failed.
        """
        try:
            result = await self._one(statement, dry_run)
            result.warnings = (*result.warnings, *map(_unknown_hint, statement.hints))
            return result.telling(statement.text)
        except UsageError:
            raise  # no fault of the statement
        except StratoqlError as error:
            error.statement = error.statement or statement.text
            raise
        except RecursionError:
            fault = SyntaxFault("the statement is nested too deeply")
            fault.statement = statement.text
            raise fault from None
        except BadDocument as bad:
            raise DocumentError("a provider document cannot be used:", bad.faults) from bad

    def writes(self, statement: Statement) -> bool:
        """Whether it would send what may change something. Raises what planning it raises."""
        body = statement.body
        if isinstance(body, Explain):
            return body.analyze and self.writes(body.statement)
        return not isinstance(body, Show | Describe | Use | Registry) and self._planned(body).plan.write is not None

    async def _one(self, statement: Statement, dry_run: bool) -> Result:
        body = statement.body
        match body:
            case Explain():
                if body.analyze and not dry_run:
                    return await self._analyzed(body.statement)
                told = self._explained(body.statement)
                if not body.analyze:
                    told.writes = frozenset()  # nor would it, if this were no dry run
                return told
            case Show() | Describe():
                return self._discovered(body)
            case Use():
                self._names = self._names.using(body.provider)
                return Result((), iter(()), kind="done", messages=[f"using {self._names.provider}"])
        if dry_run:
            return self._explained(statement)
        if isinstance(body, Registry):
            return await self._registered(body)
        result, _ = await self._executed(self._planned(body))
        return result

    def _discovered(self, body: Show | Describe) -> Result:
        from engine import discovery

        return discovery.show(body, self._names) if isinstance(body, Show) else discovery.describe(body, self._names)

    async def _registered(self, body: Registry) -> Result:
        from engine.registry import asking, installing
        from engine.wire.events import unheard
        from engine.wire.fetch import fetch

        async def get(url: str, largest: int) -> bytes:
            connection = self._connected()
            file = fetch(connection.client, url, largest, self.settings, self.on_event or unheard)
            return await self._way.steps(connection.portal, file)

        if body.action == "list":
            return await asking.listed(body, self.settings, self._names.catalog, get)
        found = await asking.fetched(body, self.settings, get)
        work = partial(installing.installed, found, self.settings, self._consent)
        result = await self._way.query(work, lambda: None)
        self._names = msgspec.structs.replace(self._names, catalog=catalog(self.settings))
        return result

    def _planned(self, body: Plannable) -> Planned:
        return plan(body, self._names, pushdown=self.settings.pushdown)

    def _explained(self, statement: Statement) -> Result:
        """The plan as rows of text. What has no plan is answered from the catalog and sends nothing anyway."""
        body = statement.body
        if isinstance(body, Explain):
            return self._explained(body.statement)
        if isinstance(body, Registry):
            from engine.registry.asking import planned

            return _plan_text(planned(body, self.settings))
        if isinstance(body, Show | Describe | Use):
            return _plan_text(["answered from the provider documents, no request is sent"])
        from engine.executor import create_tables
        from engine.explain import explain

        try:
            made = self._planned(body).plan
            store = Store()
            try:
                create_tables(made, store)
                lines = explain(made, store, self.settings)
            finally:
                store.close()
        except StratoqlError as error:
            error.statement = error.statement or statement.text
            raise
        told = _plan_text(lines)
        told.reads = frozenset(step.resource for step in made.steps if not step.writes)
        told.writes = frozenset(step.resource for step in made.steps if step.writes)
        return told

    async def _analyzed(self, statement: Statement) -> Result:
        """Run it, and tell the plan and what it cost. Its rows are read to the end and left out."""
        from engine.executor import Tally
        from engine.explain import spent

        body = statement.body
        if isinstance(body, Explain | Show | Describe | Use | Registry):
            return self._explained(statement)
        lines = self._explained(statement).fetchall()
        try:
            planned = self._planned(body)
            result, tally = await self._executed(planned)
            start = perf_counter()
            kept = await self._way.query(lambda: sum(1 for _ in result), result.interrupt)
            seconds = perf_counter() - start
        except StratoqlError as error:
            error.statement = error.statement or statement.text
            raise
        result.close()
        told = spent(planned.plan, tally or Tally(), kept, seconds)
        return _plan_text([*(str(line) for (line,) in lines), *told], result)

    async def _executed(self, planned: Planned) -> tuple[Result, Tally | None]:
        start, made, store = perf_counter(), planned.plan, Store(self.settings.timeout)
        try:
            tally = await self._fetched(made, store) if made.steps else None
            work = partial(self._answer, planned, store, tally, start)
            return await self._way.query(work, store.interrupt), tally
        except PartialWrite as error:
            error.completed = self._returned(planned, store, start, error)
            raise
        except BaseException as error:
            if isinstance(account := error.__cause__, PartialWrite):  # a caller's loop has cancelled it
                account.completed = self._returned(planned, store, start, account)
            else:
                store.close()
            raise

    def _returned(self, planned: Planned, store: Store, start: float, error: PartialWrite) -> Result | None:
        """The RETURNING of what a broken write has done; its own failure must not hide the account."""
        try:
            return self._answer(planned, store, None, start) if planned.plan.output is not None else None
        except StratoqlError as failed:
            error.hint = "; ".join(filter(None, (error.hint, f"its RETURNING failed too: {failed.message}")))
            return None

    async def _fetched(self, made: Plan, store: Store) -> Tally:
        """Run the steps on the loop."""
        from engine.executor import create_tables, run_steps

        create_tables(made, store)
        connection = self._connected()
        traffic = connection.client.statement(self.settings, self.on_event)
        if self._approve is None or made.write is None:
            tally = await self._way.steps(connection.portal, run_steps(made, store, traffic, self.settings))
        else:
            tally = await self._asked(made, store, traffic, connection.portal, self._approve)
        tally.cost = traffic.cost
        return tally

    async def _asked(self, made: Plan, store: Store, traffic: Traffic, portal: Portal, approve: Approve) -> Tally:
        """Run the steps up to the write; where its calls find approval, send just those. To think costs no time."""
        from engine.executor import Tally, run_until_write, run_write
        from engine.preview import preview, widened
        from engine.wire.events import Event

        tally, made = Tally(), widened(made)
        todo = await self._way.steps(portal, run_until_write(made, store, traffic, self.settings, tally))
        if todo:
            start = perf_counter()
            traffic.tell(Event("ask", "asking whether to go on"))
            if not approve(preview(made, todo, store, self.settings)):
                raise Declined("not done: nothing was written")
            thought = perf_counter() - start
            for each in (traffic.budget, store):
                each.extend(thought)
            tally.pause(thought)
        await self._way.steps(portal, run_write(made, todo, store, traffic, self.settings, tally))
        return tally

    def _answer(self, planned: Planned, store: Store, tally: Tally | None, start: float) -> Result:
        """The output query over the tables, or a count."""
        made, written = planned.plan, planned.plan.write
        affected = tally.calls if tally is not None and written is not None else None
        messages = [_counted(affected, made.verb)] if affected is not None and made.verb in _DONE else []
        seconds = perf_counter() - start - (tally.paused if tally else 0.0)
        stats = _stats(tally, seconds) if tally else Stats()
        warnings = tally.warnings if tally else ()
        if made.output is None or planned.output is None:
            store.close()
            return Result(
                (), iter(()), kind="done", affected=affected, messages=messages, warnings=warnings, stats=stats
            )
        try:
            names, batches = store.batches(made.output)
            if written is not None and affected is not None:
                batches = iter(list(batches))  # now, while what has been done can still be told
        except StratoqlError as error:
            if affected:
                error.hint = f"{_counted(affected, made.verb)} nonetheless: only what it returns failed"
            raise
        columns = [ResultColumn(*pair) for pair in zip(names, planned.output.types, strict=True)]
        return Result(
            columns,
            chain.from_iterable(typed(batches, planned.output.types)),
            batches=batches,
            affected=affected,
            messages=messages,
            warnings=warnings,
            stats=stats,
            close=store.close,
            interrupt=store.interrupt,
        )

    def _connected(self) -> Connection:
        """The loop and the client, opened when first needed."""
        with self._opening:
            if self._connection is None or not self._connection.alive:
                from engine.connections import connect

                transport = self._transport
                if transport is None and self.settings.sandbox is not None:
                    from engine.sandbox import transport as sandbox

                    transport = sandbox(self.settings.sandbox or None)
                self._connection = connect(self.settings, transport)
            return self._connection

    def close(self) -> None:
        """Let go of the connections and the loop. May be called again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            from engine.connections import release

            release(connection)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _unknown_hint(hint: Hint) -> str:
    """A hint that does nothing is told, so that nobody waits for its effect."""
    return f"the hint {hint.text} is not known and has no effect"


def _stats(tally: Tally, seconds: float) -> Stats:
    """What a statement cost, over all its steps."""
    cost, steps = tally.cost, tally.steps.values()
    return Stats(
        requests=cost.requests,
        rows=tally.rows,
        seconds=seconds,
        pages=sum(step.pages for step in steps),
        bytes=cost.bytes,
        retries=cost.retries,
        waited=cost.waited,
        network=cost.network,
        decoding=cost.decoding,
        loading=sum(step.loading for step in steps),
        first=min((step.first for step in steps if step.first is not None), default=None),
    )


def _counted(number: int | None, verb: str) -> str:
    """`1 row deleted`."""
    if verb in ("exec", "select"):
        return f"{number} call{'' if number == 1 else 's'} done"
    return f"{number} row{'' if number == 1 else 's'} {_DONE[verb]}"


def _plan_text(lines: Sequence[str], ran: Result | None = None) -> Result:
    """EXPLAIN's answer: one column, a line a row; with what the statement had to say where it `ran`."""
    return Result(
        [ResultColumn("plan", "string")],
        iter([(line,) for line in lines]),
        kind="plan",
        messages=ran.messages if ran else (),
        warnings=ran.warnings if ran else (),
        stats=ran.stats if ran else None,
    )


def _for_sandbox(settings: Settings) -> Settings:
    """The sandbox has a token of its own: no real one is ever shown to it."""
    from engine.sandbox import TOKEN

    return replace(settings, token=TOKEN)

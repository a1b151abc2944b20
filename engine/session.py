"""parse -> plan -> execute: one statement after another, each a Result.

A session owns its catalog and shares the HTTP client and the loop it runs on with the process's other sessions; these
come into being when a statement first needs them, so that one without a remote table starts nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING

from msgspec import structs

from engine import accounts, interrupts
from engine.answers import account_of, answered, columned, plan_text, returned, stats, unchanged
from engine.discovery.requests import Log
from engine.errors import DocumentError, Interrupted, PartialWrite, Refused, StratoqlError, SyntaxFault, UsageError
from engine.language.hints import MAX_WRITES, max_writes
from engine.language.parser import parse
from engine.language.statements import Describe, Explain, Registry, Show, Statement, Use
from engine.planner.awaits import AWAIT, awaited, refuse
from engine.planner.names import Names
from engine.planner.plan import Plan, create_tables
from engine.planner.planner import Planned, plan
from engine.registry import catalog
from engine.result import Result, ResultColumn
from engine.settings import Settings
from engine.store import Store
from engine.ways import BLOCKING, Way, finish
from provider_registry.faults import BadDocument

if TYPE_CHECKING:
    import httpx

    from engine.connections import Connection
    from engine.discovery.tables import Memory
    from engine.lifecycle.kept import Kept
    from engine.portal import Portal
    from engine.preview import Approve
    from engine.registry.installing import Consent
    from engine.tally import Tally
    from engine.wire.client import Event, Traffic


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
        if settings.account and settings.token is not None:
            raise UsageError("a token and an account are two answers to one question", hint="leave one of them out")
        self.settings = _for_sandbox(settings) if settings.sandbox is not None else settings
        accounts.check(self.settings.account, self.settings.accounts)
        self.on_event = on_event  # asked for by each statement as it starts
        self.secrets: frozenset[str] = frozenset()  # what the ledger leaves out, beside those it finds
        self._approve = approve
        self._consent = consent
        self._transport = transport
        self._way = way
        self._log = Log()
        self._opening = threading.Lock()
        self._connection: Connection | None = None
        self._names = Names(catalog(settings), accounts=_by_provider(self.settings))

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
        if self.settings.account:
            raise UsageError("the accounts that are named have their own tokens", hint="open it without --account")
        self.close()  # a client remembers what it found
        self.settings = replace(self.settings, token=token)

    def speak_for(self, names: Sequence[str]) -> None:
        """Other accounts from here on; none: whose token is found where the provider's document says."""
        settings = replace(self.settings, account=tuple(names))
        if settings.sandbox is not None:
            settings = _for_sandbox(settings)
        elif names and settings.token is not None:
            raise UsageError("a token was given, which speaks for its own account", hint="open it without a token")
        accounts.check(settings.account, settings.accounts)
        self.settings = settings
        self._names = structs.replace(self._names, accounts=_by_provider(settings))

    def run(self, text: str, *, dry_run: bool = False) -> Iterator[Result]:
        """The result of each statement, executed as the iterator advances.

        With `dry_run` each is planned and explained, and nothing is sent. The whole text is parsed first: a syntax
        error anywhere runs nothing.

        Raises StratoqlError; its `statement` is the text of the one that failed.
        """
        for statement in parse(text):
            result = None
            try:
                with interrupts.Scope():
                    result = finish(self.answer(statement, dry_run=dry_run))
            except KeyboardInterrupt:
                if result is None or (account := result.account()) is None:
                    raise
                account.statement = statement.text
                account.completed = columned(result)
                raise account from None
            yield result

    async def answer(self, statement: Statement, *, dry_run: bool = False) -> Result:
        """The result of one statement. On the blocking way `engine.ways.finish` runs it.

        Raises StratoqlError; its `statement` is the text of the one that failed.
        """
        try:
            result = await self._one(statement, dry_run)
            result.warnings = (*result.warnings, *_idle_hints(statement, result))
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

    def upload(self, path: str, name: str, *, compress: bool = False) -> Kept:
        """Send a file to an upload that waits for it here, because it has broken off; which one that was.

        Raises UsageError where none of that name waits.
        """
        from engine.lifecycle.sending import send_again

        connection = self._connected()
        traffic = connection.client.statement(self.settings, self.on_event)
        work = send_again(path, name, traffic, self.settings, self._names.catalog, compress=compress)
        return finish(self._way.steps(connection.portal, work))

    def writes(self, statement: Statement) -> bool:
        """Whether it would send what may change something. Raises what planning it raises."""
        body = statement.body
        if isinstance(body, Explain):
            return body.analyze and self.writes(body.statement)
        return not isinstance(body, Use | Registry) and self._planned(statement).plan.write is not None

    async def _one(self, statement: Statement, dry_run: bool) -> Result:
        body = statement.body
        settings = self._allowing(statement)
        if isinstance(body, Show | Describe | Use):
            refuse(statement.hints, type(body).__name__.upper())
        match body:
            case Explain():
                if body.rows and not dry_run:
                    return await self._foreseen(body.statement)
                if body.analyze and not dry_run:
                    return await self._analyzed(body.statement)
                told = self._explained(body.statement)
                if not body.analyze:
                    told.writes = frozenset()  # nor would it, if this were no dry run
                return told
            case Show(plain=True):
                return self._template(body)
            case Use():
                self._names = self._names.using(body.provider)
                return Result((), iter(()), kind="done", messages=[f"using {self._names.provider}"])
        if dry_run:
            from engine.foresight import foresee

            foresee(statement, self._names, self.settings)
            return self._explained(statement)
        if isinstance(body, Registry):
            with interrupts.Released():  # nothing is written that somebody has to account for
                return await self._registered(body)
        result, _ = await self._executed(self._planned(statement, written=True), settings, statement.text)
        return result

    def _allowing(self, statement: Statement) -> Settings:
        """The settings of one statement, with what its own hints say."""
        allowed = max_writes(statement.hints)
        return self.settings if allowed is None else replace(self.settings, max_writes=allowed)

    def _template(self, body: Show) -> Result:
        """What an INSERT takes, as lines that can be saved as they are."""
        from engine.discovery.shows import rows

        plan(body, self._names)  # what it is about is there
        lines = ((str(line),) for (line,) in rows(body, self._names))
        return Result([ResultColumn(body.kind, "string")], lines, kind="plan")

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
        self._names = structs.replace(self._names, catalog=catalog(self.settings))
        return result

    def _memory(self) -> Memory:
        """What the schema `system` is read from."""
        from engine.discovery.tables import Memory

        connection = self._connection
        limits = connection.client.limits.standing if connection is not None else tuple
        return Memory(self._names, self._log, self.settings, limits)

    def _planned(self, statement: Statement, *, written: bool = False, shown: bool = False) -> Planned:
        """`written`: it is to be run, so whoever looks at a write before, or writes it down, knows the rows too."""
        assert not isinstance(statement.body, Explain | Use | Registry)  # these have no plan of their own
        told = shown or (written and (self._approve is not None or self.settings.ledger is not None))
        planned = plan(statement.body, self._names, pushdown=self.settings.pushdown, remember=told)
        if planned.plan.write is not None:
            from engine.before import widened

            planned = structs.replace(planned, plan=widened(planned.plan, told=told))
        return awaited(planned, statement.hints, self._names)

    def _explained(self, statement: Statement) -> Result:
        """The plan as rows of text. What has no plan is answered from the catalog and sends nothing anyway."""
        body = statement.body
        self._allowing(statement)
        if isinstance(body, Explain):
            return self._explained(body.statement)
        if isinstance(body, Registry):
            from engine.registry.asking import planned

            return plan_text(planned(body, self.settings))
        if isinstance(body, Show | Describe | Use):
            refuse(statement.hints, type(body).__name__.upper())
            return plan_text(["answered from the provider documents, no request is sent"])
        from engine.explain import explain

        try:
            made = self._planned(statement).plan
            store = Store()
            try:
                create_tables((*made.shelves, *made.steps), store)
                lines = explain(made, store, self.settings)
            finally:
                store.close()
        except StratoqlError as error:
            error.statement = error.statement or statement.text
            raise
        told = plan_text(lines)
        told.reads = frozenset(step.resource for step in made.steps if not step.writes)
        told.writes = frozenset(step.resource for step in made.steps if step.writes)
        return told

    async def _analyzed(self, statement: Statement) -> Result:
        """Run it, and tell the plan and what it cost. Its rows are read to the end and left out."""
        from engine.explain import spent
        from engine.tally import Tally

        body = statement.body
        if isinstance(body, Explain | Show | Describe | Use | Registry):
            return self._explained(statement)
        lines = self._explained(statement).fetchall()
        try:
            planned = self._planned(statement, written=True)
            result, tally = await self._executed(planned, self._allowing(statement), statement.text)
            start = perf_counter()
            kept = await self._way.query(lambda: sum(1 for _ in result), result.interrupt)
            seconds = perf_counter() - start
        except StratoqlError as error:
            error.statement = error.statement or statement.text
            raise
        result.close()
        told = spent(planned.plan, tally or Tally(), kept, seconds)
        return plan_text([*(str(line) for (line,) in lines), *told], result)

    async def _executed(self, planned: Planned, settings: Settings, text: str) -> tuple[Result, Tally | None]:
        start, made, store = perf_counter(), planned.plan, Store(self.settings.timeout)
        statement, warnings = self._log.next_statement(), list[str]()
        tally, found = _tally() if made.steps else None, list[Result]()  # what is made in a thread is there at once
        try:
            if made.shelves:
                warnings += await self._filled(made, store)
            if tally is not None:
                await self._fetched(made, store, statement, settings, text, tally)
            stop = _second(store.interrupt) if tally is not None and tally.account() else store.interrupt
            await self._way.query(lambda: found.append(answered(planned, store, tally, start)), stop)
            interrupts.check()
            found[0].warnings = (*warnings, *found[0].warnings)
            return found[0], tally
        except BaseException as error:
            account = account_of(error, tally)
            if account is None:
                store.close()
                raise
            account.completed = columned(found[0] if found else returned(planned, store, start, account))
            if isinstance(error, Interrupted | KeyboardInterrupt):
                raise account from None
            if not isinstance(error, PartialWrite) and error.__cause__ is not account:
                from engine.portal import told

                raise error from told(account)
            raise

    async def _filled(self, made: Plan, store: Store) -> list[str]:
        """Fill the tables of the schema `system`; what there is to warn of."""
        from engine.discovery.filling import fill

        create_tables(made.shelves, store)
        return await self._way.query(partial(fill, made, store, self._memory()), store.interrupt)

    async def _fetched(
        self, made: Plan, store: Store, statement: int, settings: Settings, text: str, tally: Tally
    ) -> None:
        """Run the steps on the loop."""
        from engine.executor import run_steps

        create_tables(made.steps, store)
        connection = self._connected()
        traffic = connection.client.statement(settings, self._log.hearing(statement, self.on_event))
        if made.write is None or (self._approve is None and settings.ledger is None):
            await self._way.steps(connection.portal, run_steps(made, store, traffic, settings, tally))
        else:
            from engine.watched import Setting, watched

            here = Setting(made, store, traffic, settings, self._way, connection.portal)
            await watched(here, made.write, text, tally, self._approve, self.secrets)
        tally.cost = traffic.cost

    async def _foreseen(self, statement: Statement) -> Result:
        """EXPLAIN (ROWS): the rows that a write would write, and their requests."""
        from engine.watched import Setting, foreseen

        body, start = statement.body, perf_counter()
        made = None if isinstance(body, Explain | Use | Registry) else self._planned(statement, shown=True).plan
        if made is None or made.write is None:
            hint = "EXPLAIN alone tells the requests of any other"
            raise Refused("EXPLAIN (ROWS) is for statements that write", hint=hint)
        settings, connection, store = self._allowing(statement), self._connected(), Store(self.settings.timeout)
        traffic = connection.client.statement(settings, self._log.hearing(self._log.next_statement(), self.on_event))
        try:
            warnings = await self._filled(made, store) if made.shelves else []
            create_tables(made.steps, store)
            found, tally = await foreseen(
                Setting(made, store, traffic, settings, self._way, connection.portal), made.write
            )
        finally:
            store.close()
        tally.cost = traffic.cost
        found.stats, found.messages = stats(tally, perf_counter() - start), unchanged(tally)
        found.warnings = (*warnings, *tally.warnings)
        return found

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

    def traffic(self) -> tuple[Traffic, Portal]:
        """What one further statement sends through, and the loop that it is sent on."""
        connection = self._connected()
        return connection.client.statement(self.settings, self.on_event), connection.portal

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
        try:
            self.close()
        except (KeyboardInterrupt, Interrupted):
            if error is None:  # else that is what there is to tell
                raise


def _idle_hints(statement: Statement, result: Result) -> Iterator[str]:
    """A hint that does nothing is told, so that nobody waits for its effect."""
    for hint in statement.hints:
        if hint.name == AWAIT:
            continue  # where there is nothing to wait for it is an error
        if hint.name != MAX_WRITES:
            yield f"the hint {hint.text} is not known and has no effect"
        elif result.affected is None and result.kind != "plan" and not isinstance(statement.body, Explain):
            yield f"the hint {hint.text} has no effect, because nothing is written"


def _second(stop: Callable[[], None]) -> Callable[[], None]:
    """What stops at the second time only: the RETURNING of a write is told too, if it does not take for ever."""
    calls = iter([lambda: None])
    return lambda: next(calls, stop)()


def _tally() -> Tally:
    from engine.tally import Tally

    return Tally()


def _for_sandbox(settings: Settings) -> Settings:
    """The sandbox has tokens of its own, one for each account: no real one is ever shown to it."""
    from engine.sandbox import TOKEN, token

    known = settings.accounts
    named = {
        n: accounts.Profile(n, known[n].provider if n in known else "linode", token=token(n))
        for n in settings.account
    }
    return replace(settings, token=TOKEN, accounts={**known, **named})


def _by_provider(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The accounts that are named, by the provider that they are accounts of."""
    found: dict[str, tuple[str, ...]] = {}
    for name in settings.account:
        provider = settings.accounts[name].provider
        found[provider] = (*found.get(provider, ()), name)
    return found

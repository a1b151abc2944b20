"""parse -> plan -> execute: one statement after another, each a Result.

A session owns its catalog and shares the HTTP client and the loop it runs on with the process's other sessions; these
come into being when a statement first needs them, so that one without a remote table starts nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING

from msgspec import structs

from engine import accounts, interrupts
from engine.answers import columned
from engine.discovery.requests import Log
from engine.doubts import doubts
from engine.errors import DocumentError, Interrupted, StatementError, UsageError, of_statement
from engine.language.foreign import advise
from engine.language.hints import max_writes
from engine.language.parser import parse
from engine.language.statements import Describe, Explain, Registry, Show, Statement, Use
from engine.planner.names import Names
from engine.prepared import explained, idle_hints, prepared, template, unwaiting, writing
from engine.registry import catalog
from engine.result import Result
from engine.running import Lent, analyzed, executed, foreseen
from engine.settings import Settings
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
        self.secrets: frozenset[str] = frozenset()  # what ledger and warnings leave out, beside those at hand
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

    def _discreet(self, warnings: Sequence[str]) -> tuple[str, ...]:
        """Warnings without secrets: they may quote a value of the statement."""
        from engine.wire.masking import at_hand, concealed

        played = self.settings.sandbox is not None  # its tokens are no secrets
        settings = replace(self.settings, token=None, accounts={}) if played else self.settings
        known = (*self.secrets, *at_hand(settings))
        return tuple(concealed(text, known) for text in warnings)

    async def answer(self, statement: Statement, *, dry_run: bool = False) -> Result:
        """The result of one statement. On the blocking way `engine.ways.finish` runs it.

        Raises StratoqlError; its `statement` is the text of the one that failed.
        """
        try:
            with of_statement(statement.text, usage=False):
                result = await self._one(statement, dry_run)
                told = (*result.warnings, *idle_hints(statement, result), *doubts(statement, self._names))
                result.warnings = self._discreet(told) if told else ()
                return result.telling(statement.text)
        except StatementError as fault:
            advise(fault, statement.text)
            raise
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
        if isinstance(body, Use | Registry):
            return False
        return prepared(statement, self._names, self.settings).plan.write is not None

    async def _one(self, statement: Statement, dry_run: bool) -> Result:
        body, lent = statement.body, self._lent(statement)
        unwaiting(statement)
        match body:
            case Explain():
                if body.rows and not dry_run:
                    made, write = writing(body.statement, self._names, self.settings)
                    return await foreseen(made, write, self._lent(body.statement))
                if body.analyze and not dry_run:
                    return await self._analyzed(body.statement)
                told = explained(body.statement, self._names, self.settings)
                if not body.analyze:
                    told.writes = frozenset()  # nor would it, if this were no dry run
                return told
            case Show(plain=True):
                return template(body, self._names)
            case Use():
                self._names = self._names.using(body.provider)
                return Result((), iter(()), kind="done", messages=[f"using {self._names.provider}"])
        if dry_run:
            from engine.foresight import foresee

            foresee(statement, self._names, self.settings)
            return explained(statement, self._names, self.settings)
        if isinstance(body, Registry):
            with interrupts.Released():  # nothing is written that somebody has to account for
                return await self._registered(body)
        planned = prepared(statement, self._names, self.settings, told=lent.told)
        result, _ = await executed(planned, lent, statement.text)
        return result

    async def _analyzed(self, statement: Statement) -> Result:
        """EXPLAIN ANALYZE: the plan of what has run, and what it cost."""
        told = explained(statement, self._names, self.settings)
        if isinstance(statement.body, Explain | Show | Describe | Use | Registry):
            return told
        with of_statement(statement.text):
            lent = self._lent(statement)
            planned = prepared(statement, self._names, self.settings, told=lent.told)
            return await analyzed(planned, [str(line) for (line,) in told.fetchall()], lent, statement.text)

    def _lent(self, statement: Statement) -> Lent:
        """What a statement that runs has of the session, with what its own hints say."""
        settings = self.settings.allowing(max_writes(statement.hints))
        return Lent(
            settings,
            self._way,
            self._log,
            self._memory,
            self._connected,
            heard=self.on_event,
            approve=self._approve,
            hidden=self.secrets,
        )

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

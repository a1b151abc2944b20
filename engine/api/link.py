"""What a connection is, however its caller waits: a session, statements with their parameters, their answers."""

from __future__ import annotations

import logging
import re
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from engine import errors
from engine.api.binding import Bound, Parameters, bind, underlining
from engine.api.catalog import Catalog
from engine.api.result import Result, typed_columns
from engine.errors import Misuse, NotPossible, PartialWrite, StratoqlError, Unready, Warning, explain
from engine.explain import many
from engine.language.statements import Statement
from engine.result import Result as Answer
from engine.session import Session
from engine.wire.events import Event, Listener

log = logging.getLogger("engine.api")
_FLAG = re.compile(
    r"--(var, or in a file with --iqldata|max-requests|max-writes|timeout|concurrency|page-size|insecure-http"
    r"|sandbox|server|registry|account|allow-env)(?: (\d+|(?<=account )[\w,]+|(?<=allow-env )\w+))?"
)
_WRITTEN = {
    "var, or in a file with --iqldata": "data={...}",
    "insecure-http": "insecure_http=True",
    "sandbox": "sandbox",
    "server": "server={...}",
}
Heard: TypeAlias = Callable[[Event], object]


class Link:
    """Owns a session. What a write has sent stays sent: there is nothing to commit, and nothing to take back.

    It has the exceptions of PEP 249 as attributes, for programs that know several drivers.
    """

    Warning, Error, InterfaceError, DatabaseError = (
        errors.Warning,
        errors.Error,
        errors.InterfaceError,
        errors.DatabaseError,
    )
    DataError, OperationalError, IntegrityError = errors.DataError, errors.OperationalError, errors.IntegrityError
    InternalError, ProgrammingError = errors.InternalError, errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    def __init__(self, session: Session) -> None:
        self.session = session
        self.closed = False
        self._written = False  # since the last commit
        self._left = weakref.finalize(self, _let_go, session)
        self._left.atexit = False

    @property
    def catalog(self) -> Catalog:
        """What there is to call: providers, services, resources, methods.

        Raises ProgrammingError where the connection is closed.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     [service.name for service in connection.catalog.services('linode')][:1]
        ['images']
        """
        self._check()
        return Catalog(self.session.names)

    def _bound(self, sql: str, parameters: Parameters | None) -> list[Bound]:
        """The statements of a text, their parameters in place. Nothing has been run where this raises."""
        self._check()
        if not isinstance(sql, str):
            raise Misuse(f"a statement is text, not a {type(sql).__name__}", hint="give it as a str")
        with telling():
            return bind(sql, parameters)

    async def _answer(self, bound: Bound, *, dry_run: bool = False) -> Result:
        """The answer to one statement."""
        with telling(), underlining(bound.written, bound.text, bound.places):
            found = await self._answered(bound.statement, dry_run=dry_run)
            return Result(found, typed_columns(found.columns, bound.statement))

    async def _answered(self, statement: Statement, *, dry_run: bool = False) -> Answer:
        """The same, as the engine has it. Its warnings are Python's too, so that they are seen."""
        self._check()
        try:
            found = await self.session.answer(statement, dry_run=dry_run)
        except BaseException as error:
            for account in (error, error.__cause__):
                if isinstance(account, PartialWrite):
                    self._written = self._written or not isinstance(account, Unready) or bool(account.done)
                    account.completed = account.completed and Result(account.completed)
            raise
        self._written = self._written or found.affected is not None
        for text in found.warnings:
            warnings.warn(text, Warning, stacklevel=outside("engine"))
        return found

    def writes(self, sql: str, parameters: Parameters | None = None) -> list[str]:
        """Those statements of a text that would send what may change something, as they are written. Nothing is sent.

        A statement of a service that an earlier USE of the same text chooses is looked up before that: name it whole.

        Raises ProgrammingError and DataError as running them would before anything is sent.

        >>> import engine
        >>> with engine.connect(sandbox=True) as connection:
        ...     connection.writes("SELECT 1; DELETE FROM linode.images.images WHERE id = 'private/1'")
        ["DELETE FROM linode.images.images WHERE id = 'private/1'"]
        """
        found = []
        for bound in self._bound(sql, parameters):
            with telling(), underlining(bound.written, bound.text, bound.places):
                if self.session.writes(bound.statement):
                    found.append(bound.written)
        return found

    async def _single(self, sql: str, parameters: Parameters | None, *, dry_run: bool = False) -> Result:
        return await self._answer(_one(self._bound(sql, parameters)), dry_run=dry_run)

    async def _all(self, sql: str, parameters: Parameters | None) -> list[Result]:
        """The answers to all statements of a text. One that fails says how many were run before it."""
        found: list[Result] = []
        several = self._bound(sql, parameters)
        if not several:
            raise Misuse("there is no statement in the text", hint="SELECT 1 is one")
        for bound in several:
            try:
                found.append(await self._answer(bound))
            except BaseException as error:
                for result in found:
                    result.close()
                if found:
                    error.add_note(f"before it, {many(len(found), 'statement')} of the text had been run")
                raise
        return found

    async def _plans(self, sql: str, parameters: Parameters | None) -> list[str]:
        """The plan of each statement, as EXPLAIN tells it. Nothing is sent."""
        return [_text(await self._answer(bound, dry_run=True)) for bound in self._bound(sql, parameters)]

    def _settle(self) -> None:
        """What was written stays."""
        self._check()
        self._written = False

    def _roll_back(self) -> None:
        """Nothing, where nothing was written; else it cannot be."""
        self._check()
        if self._written:
            raise NotPossible(
                "what a write has sent cannot be taken back",
                hint="look at the plan before: connection.explain(sql)",
            )

    def _close(self) -> None:
        self.closed = True
        self._left.detach()

    def _check(self) -> None:
        if self.closed:
            raise Misuse("the connection is closed", hint="open another one with engine.connect()")


def outside(*packages: str) -> int:
    """The stacklevel of a warning for the line that called: the first one that is in none of these packages."""
    level, frame = 0, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in packages:
        level, frame = level + 1, frame.f_back
    return level + 1


def _let_go(session: Session) -> None:
    """Nobody has closed it. In a thread: whose it is that finds out may be the very one that closing waits for."""
    threading.Thread(target=session.close, name="stratoql-close", daemon=True).start()


def _one(bound: list[Bound]) -> Bound:
    if len(bound) != 1:
        raise Misuse(f"one statement is expected here, found {len(bound)}", hint="a cursor's execute takes several")
    return bound[0]


def _text(plan: Result) -> str:
    return "\n".join(str(line) for (line,) in plan.fetchall())


def _option(flag: re.Match[str]) -> str:
    """A flag of the command line as a program writes it: `--max-requests 5` is `max_requests=5`.

    >>> [_FLAG.sub(_option, flag) for flag in ("--max-requests 5", "--account a,b", "leave --sandbox out")]
    ['max_requests=5', "account=['a', 'b']", 'leave sandbox out']
    """
    name, value = flag[1], flag[2]
    if name in _WRITTEN:
        return _WRITTEN[name]
    told = "..." if value is None else value if value.isdecimal() else repr(value.split(","))
    return f"{name.replace('-', '_')}={told}"


@contextmanager
def telling() -> Iterator[None]:
    """A traceback shows of an error what the command line does."""
    try:
        yield
    except StratoqlError as error:
        tell(error)
        raise


def tell(error: StratoqlError) -> None:
    """Place, request and hint as notes, which a traceback shows; before those that are there."""
    error.hint = error.hint and _FLAG.sub(_option, error.hint)
    error.__notes__ = [*explain(error).split("\n")[1:], *getattr(error, "__notes__", ())]


def listener(on_event: Heard | None, by_kind: Mapping[str, Heard | None]) -> Listener | None:
    """One who hears every event, or those of a kind. What goes wrong in a callback is logged, and stops nothing."""
    if on_event is None and not any(by_kind.values()):
        return None

    def hear(event: Event) -> None:
        for called in (on_event, by_kind.get(event.kind)):
            if called is not None:
                try:
                    called(event)
                except BaseException:  # sys.exit() too: it would end the thread that everybody's requests live in
                    log.exception("a callback failed on: %s", event.text)

    return hear

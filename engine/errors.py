"""Every error a user can meet. Each says what happened, where, and what to do next.

    StratoqlError
    ├── UsageError             settings, flags, files
    ├── StatementError         the text of a statement; carries the span to underline
    │   ├── SyntaxFault        it cannot be read
    │   ├── TemplateFault      its template cannot be read or filled in
    │   ├── UnknownName        no such provider, service, resource, method, column, parameter
    │   ├── InvalidValue       a value is not what the document declares
    │   ├── Refused            it is understood and will not be done
    │   ├── Unbound            a placeholder without a value, or the other way round
    │   └── QueryFault         SQLite refuses the query
    ├── DocumentError          a provider document has faults (all of them are listed)
    ├── CallError              a request went wrong; carries method, URL
    │   ├── NotSent            certainly nothing happened
    │   │   ├── Unreachable    no connection was opened
    │   │   └── CredentialError  none found, or a host that must not see it
    │   ├── NetworkError       no whole answer came; a write's outcome is unknown
    │   ├── ResponseError      an answer that is not what the API promises
    │   ├── ApiError           the API said no: status, errors
    │   └── TimedOut           the time given is used up
    ├── Misuse                 a closed cursor, rows where there are none
    ├── NotPossible            what no API can do: take a write back
    ├── PartialWrite           some rows of a write are done, some are not: each is accounted for
    │   └── Unready            the calls are done, what they began is not: a wait or a file that did not end well
    ├── Interrupted            the user stopped it
    └── Declined               the user was asked, and said no: nothing was written

Errors carry facts as attributes, so nobody parses a message; `hint` is the next step in one sentence.

Each is at the same time one of the classes that PEP 249 wants of a database module, so `except OperationalError` and
`except ApiError` catch the same objects, never copies:

    Warning
    Error
    ├── InterfaceError         UsageError
    └── DatabaseError
        ├── DataError          InvalidValue
        ├── OperationalError   DocumentError, CallError, PartialWrite, Interrupted, Declined
        ├── IntegrityError
        ├── InternalError
        ├── ProgrammingError   SyntaxFault, TemplateFault, UnknownName, Refused, Unbound, QueryFault, Misuse
        └── NotSupportedError  NotPossible
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from provider_registry.faults import Fault


class Span(NamedTuple):
    """A piece of a statement's text: offsets in characters, end exclusive."""

    start: int
    end: int


class Source(NamedTuple):
    """A text that statements come from; `name` is what errors call it, None on the command line."""

    text: str
    name: str | None = None


class Place(NamedTuple):
    """A piece of a source: where the user finds it in a file, whatever a template has made of it since."""

    source: Source
    span: Span

    @property
    def line(self) -> int:
        """Counted from 1."""
        return self.source.text.count("\n", 0, self.span.start) + 1

    @property
    def column(self) -> int:
        """Counted from 1."""
        return self.span.start - self.source.text.rfind("\n", 0, self.span.start)

    def __str__(self) -> str:
        """`cleanup.iql:7:13`, columns counted from 1.

        >>> str(Place(Source("SELECT 1;\\nSELECT lable", "a.iql"), Span(17, 22)))
        'a.iql:2:8'
        """
        name = self.source.name
        return f"{name}:{self.line}:{self.column}" if name else f"line {self.line}, column {self.column}"


class Warning(UserWarning):
    """What an answer has to say that its reader should not miss.

    >>> import warnings, engine
    >>> with engine.connect(sandbox=True) as connection, warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter('always')
    ...     rows = connection.execute('SELECT /*+ HURRY */ 1').fetchall()
    >>> issubclass(told[0].category, engine.Warning)
    True
    """


class Error(Exception):
    """The root of PEP 249. What is raised is a StratoqlError too; `hint` is the next step in one sentence.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     try:
    ...         connection.execute('SELEC 1')
    ...     except engine.Error as error:
    ...         print(error.hint)
    did you mean SELECT?
    """

    hint: str | None = None


class InterfaceError(Error):
    """The module is used wrongly.

    >>> import engine
    >>> try:
    ...     engine.connect(sandbox=True, concurrency=0)
    ... except engine.InterfaceError as error:
    ...     print(error)
    setting concurrency must be at least 1, got 0
    """


class DatabaseError(Error):
    """A statement, or what it asks of the API, went wrong.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     try:
    ...         connection.execute('SELECT absent')
    ...     except engine.DatabaseError as error:
    ...         print(error)
    no such column: absent
    """


class DataError(DatabaseError):
    """A value is at fault.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     try:
    ...         connection.execute("INSERT INTO linode.images.images (data__disk_id) VALUES ('x')")
    ...     except engine.DataError as error:
    ...         print(error)
    data__disk_id expects an integer at least 1, got 'x'
    """


class OperationalError(DatabaseError):
    """Something that is not in the program's hands: the network, the API, time.

    `request` never holds a secret; `completed` are the RETURNING rows of what a broken write has done.

    `retry_after` is in seconds.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     try:
    ...         connection.execute("DELETE FROM linode.images.images WHERE id = 'private/1'")
    ...     except engine.OperationalError as error:
    ...         print(error.status, error.errors[0], error.request)
    404 Not found DELETE https://api.linode.com/v4/images/private%2F1
    """

    status: int | None = None  # of the answer, where one came
    errors: tuple[Reason, ...] = ()  # what the API said
    request: str = ""
    retry_after: float | None = None  # seconds
    completed: Any = None  # a Result


class IntegrityError(DatabaseError):
    """Never raised: what an API finds contradictory is an ApiError. PEP 249 wants it.

    >>> issubclass(IntegrityError, DatabaseError)
    True
    """


class InternalError(DatabaseError):
    """Never raised. PEP 249 wants it.

    >>> issubclass(InternalError, DatabaseError)
    True
    """


class ProgrammingError(DatabaseError):
    """The statement is at fault, or used wrongly.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     try:
    ...         connection.execute('SELECT lable FROM linode.images.images')
    ...     except engine.ProgrammingError as error:
    ...         print(error, '-', error.hint)
    linode.images.images has no column or parameter 'lable' - did you mean label?
    """


class NotSupportedError(DatabaseError):
    """What an API cannot do, such as taking a write back.

    See `engine.Connection.rollback`.

    >>> issubclass(NotSupportedError, DatabaseError)
    True
    """


class StratoqlError(Error):
    """The root. `str(error)` is the message alone; `explain(error)` adds place and hint.

    `statement` is the whole text of the statement that failed; `place` where a script has it, with `source.name`,
    `line` and `column`.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     try:
    ...         list(connection.script('SELECT 1;\\n SELECT {{ nobody }}'))
    ...     except engine.StratoqlError as error:
    ...         print(error.place.line, error.place.column)
    2 9
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.statement: str | None = None  # set by the session: the whole text of the failing statement
        self.place: Place | None = None  # set for scripts: where the user wrote it


class UsageError(StratoqlError, InterfaceError):
    """Settings, flags or files are wrong; nothing was run."""


class StatementError(StratoqlError, DatabaseError):
    """The text of a statement is at fault; nothing was sent."""

    def __init__(self, message: str, *, hint: str | None = None, span: Span | None = None) -> None:
        super().__init__(message, hint=hint)
        self.span = span


class SyntaxFault(StatementError, ProgrammingError):
    """The statement cannot be read."""


class TemplateFault(StatementError, ProgrammingError):
    """A template cannot be read, or cannot be filled in. Its `place` is in the script."""


class UnknownName(StatementError, ProgrammingError):
    """A name that is not in the catalog. `known` are the names that would have been valid there."""

    def __init__(
        self,
        message: str,
        *,
        name: str,
        known: Sequence[str] = (),
        hint: str | None = None,
        span: Span | None = None,
    ) -> None:
        super().__init__(message, hint=hint or suggest(name, known), span=span)
        self.name = name
        self.known = tuple(known)


class InvalidValue(StatementError, DataError):
    """A value that the document does not allow. `name` is the column or parameter."""

    def __init__(self, message: str, *, name: str = "", hint: str | None = None, span: Span | None = None) -> None:
        super().__init__(message, hint=hint, span=span)
        self.name = name


class Refused(StatementError, ProgrammingError):
    """Understood, and not done: it would be unsafe, unbounded or not what was meant. `brief`: what, in some words."""

    def __init__(
        self, message: str, *, hint: str | None = None, span: Span | None = None, brief: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, span=span)
        self.brief = brief or message


class Unbound(StatementError, ProgrammingError):
    """A placeholder without a value, or a value without a placeholder."""


class QueryFault(StatementError, ProgrammingError):
    """SQLite refuses the query; the message is SQLite's."""


class DocumentError(StratoqlError, OperationalError):
    """A provider document cannot be used. `faults` lists every fault found, not the first."""

    def __init__(self, message: str, faults: Sequence[Fault], *, hint: str | None = None) -> None:
        lines = "".join(f"\n  {fault}" for fault in faults)
        super().__init__(message + lines, hint=hint)
        self.faults = tuple(faults)


class CallError(StratoqlError, OperationalError):
    """A request went wrong. `request` is `GET https://host/path`, never with a secret in it.

    `passing`: it may go away by itself, so that trying again makes sense. `harmless`: certainly nothing happened.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     try:
    ...         connection.execute("DELETE FROM linode.images.images WHERE id = 'private/1'")
    ...     except engine.CallError as error:
    ...         print(error.request, error.harmless)
    DELETE https://api.linode.com/v4/images/private%2F1 True
    """

    passing = False
    harmless = False

    account: str | None = None  # whose request it was, where accounts are named

    def __init__(self, message: str, *, request: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.request = request
        self.cost: Any = None  # what its attempts came to, as the wire counts
        self.arrived = False  # of a file that was sent: an attempt went out whole, and its answer was lost


class NotSent(CallError):
    """The request did not leave, or the API certainly did nothing with it."""

    harmless = True


class Unreachable(NotSent):
    """No connection was opened."""

    passing = True


class CredentialError(NotSent):
    """No credential was found, or the host must not see it."""


class NetworkError(CallError):
    """No whole answer came. For a write the outcome is unknown."""

    passing = True


class ResponseError(CallError):
    """A 2xx answer that is not what the API promises: HTML, cut JSON, a missing page."""

    def __init__(
        self, message: str, *, request: str = "", status: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, request=request, hint=hint)
        self.status = status


class Reason(NamedTuple):
    """One entry of the API's error list."""

    reason: str
    field: str | None = None

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


class ApiError(CallError):
    """The API answered with an error status.

    `status` is that of HTTP, `errors` what the API said, `retry_after` seconds.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     try:
    ...         connection.execute("DELETE FROM linode.images.images WHERE id = 'private/1'")
    ...     except engine.ApiError as error:
    ...         print(error.status, error.errors)
    404 (Reason(reason='Not found', field=None),)
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        errors: Sequence[Reason] = (),
        request: str = "",
        retry_after: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, request=request, hint=hint)
        self.status = status
        self.errors = tuple(errors)
        self.retry_after = retry_after  # seconds


class TimedOut(CallError):
    """The time given for the statement is used up; says what it was waiting for.

    >>> import engine
    >>> with engine.connect(sandbox=True, timeout=1e-6) as connection:
    ...     try:
    ...         connection.execute("SELECT id FROM linode.images.images WHERE id = 'linode/arch'")
    ...     except engine.TimedOut as error:
    ...         print(str(error)[:31])
    the 1e-06 s allowed are used up
    """


class Misuse(StratoqlError, ProgrammingError):
    """The programming interface is used out of turn."""


class NotPossible(StratoqlError, NotSupportedError):
    """What no API can do."""


class PartialWrite(StratoqlError, OperationalError):
    """A write of several rows stopped part-way. Every row is in exactly one of the lists.

    `done`, `failed`, `unknown`, `unsent` hold the arguments of each call (a dict of parameter names to values);
    `failed` pairs them with their errors. `unknown` are requests that left without an answer coming back.

    >>> done, unsent = [{'imageId': 'private/1'}], [{'imageId': 'private/2'}]
    >>> error = PartialWrite('stopped', done=done, failed=[], unknown=[], unsent=unsent)
    >>> [row['imageId'] for row in error.unsent]
    ['private/2']
    """

    def __init__(
        self,
        message: str,
        *,
        done: Sequence[dict[str, Any]],
        failed: Sequence[tuple[dict[str, Any], StratoqlError]],
        unknown: Sequence[tuple[dict[str, Any], StratoqlError]],
        unsent: Sequence[dict[str, Any]],
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.done = tuple(done)
        self.failed = tuple(failed)
        self.unknown = tuple(unknown)
        self.unsent = tuple(unsent)
        self.completed = None


class Unready(PartialWrite):
    """What calls began has not come to a good end: it failed, it takes too long, or nobody waits any more.

    `states` says by its key in which state each row was last seen. `done` are the calls that were made to write, none
    of a SELECT: nothing of them is taken back.

    >>> import engine
    >>> with engine.connect(sandbox=True) as connection:
    ...     try:
    ...         connection.execute("SELECT /*+ AWAIT */ id FROM linode.images.images WHERE id = 'private/1'")
    ...     except engine.Unready as error:
    ...         print(error.states)
    {'private/1': 'unknown'}
    """

    def __init__(
        self,
        message: str,
        *,
        states: Mapping[str, str],
        done: Sequence[dict[str, Any]] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, done=done, failed=(), unknown=(), unsent=(), hint=hint)
        self.states = dict(states)


class Interrupted(StratoqlError, OperationalError):
    """The user stopped the statement."""


class Declined(StratoqlError, OperationalError):
    """The user was shown what a write would do, and said no."""


def suggest(name: str, known: Sequence[str], *, likeness: float = 0.6) -> str | None:
    """The sentence that names the closest valid names, or the valid ones where none is close.

    >>> suggest("lable", ["label", "id", "size"])
    'did you mean label?'
    >>> suggest("zzz", ["label", "id"])
    'valid names: label, id'
    """
    from difflib import SequenceMatcher, get_close_matches

    if not known:
        return None
    by_fold = {k.casefold(): k for k in known}
    close = get_close_matches(name.casefold(), by_fold, n=3, cutoff=likeness)
    if close:
        ratios = [SequenceMatcher(None, name.casefold(), match).ratio() for match in close]
        near = [by_fold[match] for match, ratio in zip(close, ratios, strict=True) if ratio >= ratios[0] - 0.1]
        return f"did you mean {' or '.join(near)}?"
    shown = ", ".join(known[:20])
    return f"valid names: {shown}" + (", ..." if len(known) > 20 else "")


def underline(text: str, span: Span, name: str | None = None) -> str:
    """The line of `text` that `span` starts in, numbered, with the span underlined; `name` is that of the file.

    >>> print(underline("SELECT lable\\nFROM t", Span(7, 12)))
    line 1, column 8:
      SELECT lable
             ^^^^^
    """
    start = max(0, min(span.start, len(text)))
    head = text.rfind("\n", 0, start) + 1
    tail = text.find("\n", start)
    line = text[head : tail if tail >= 0 else len(text)].rstrip("\r")
    number, column = text.count("\n", 0, start) + 1, start - head
    width = max(1, min(span.end, head + len(line)) - start)
    lead = "".join("\t" if c == "\t" else " " for c in line[:column])
    where = f"{name}:{number}:{column + 1}:" if name else f"line {number}, column {column + 1}:"
    return f"{where}\n  {line}\n  {lead}{'^' * width}"


def explain(error: StratoqlError) -> str:
    """The whole text a user reads: message, place, request, hint."""
    parts = [f"error: {error.message}"]
    if error.place:
        parts.append(underline(error.place.source.text, error.place.span, error.place.source.name))
    elif isinstance(error, StatementError) and error.span and error.statement:
        parts.append(underline(error.statement, error.span))
    if isinstance(error, CallError) and error.request:
        parts.append(f"request: {error.request}")
    if error.hint:
        parts.append(f"hint: {error.hint}")
    return "\n".join(parts)

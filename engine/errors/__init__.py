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

from engine.errors.calls import (
    ApiError,
    CallError,
    CredentialError,
    NetworkError,
    NotSent,
    Reason,
    ResponseError,
    TimedOut,
    Unreachable,
)
from engine.errors.dbapi import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,
)
from engine.errors.places import Place, Source, Span, underline
from engine.errors.root import Declined, DocumentError, Interrupted, Misuse, NotPossible, StratoqlError, UsageError
from engine.errors.statements import (
    InvalidValue,
    QueryFault,
    Refused,
    StatementError,
    SyntaxFault,
    TemplateFault,
    Unbound,
    UnknownName,
    of_statement,
    suggest,
)
from engine.errors.writes import PartialWrite, Unready

__all__ = [
    "ApiError",
    "CallError",
    "CredentialError",
    "DataError",
    "DatabaseError",
    "Declined",
    "DocumentError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "Interrupted",
    "InvalidValue",
    "Misuse",
    "NetworkError",
    "NotPossible",
    "NotSent",
    "NotSupportedError",
    "OperationalError",
    "PartialWrite",
    "Place",
    "ProgrammingError",
    "QueryFault",
    "Reason",
    "Refused",
    "ResponseError",
    "Source",
    "Span",
    "StatementError",
    "StratoqlError",
    "SyntaxFault",
    "TemplateFault",
    "TimedOut",
    "Unbound",
    "UnknownName",
    "Unreachable",
    "Unready",
    "UsageError",
    "Warning",
    "explain",
    "of_statement",
    "suggest",
    "underline",
]


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

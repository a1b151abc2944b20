"""What is wrong with the text of a statement; which names a wrong one may have meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.errors.dbapi import DatabaseError, DataError, ProgrammingError
from engine.errors.root import StratoqlError, UsageError

if TYPE_CHECKING:
    from engine.errors.places import Span


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


@contextmanager
def of_statement(text: str, *, usage: bool = True) -> Iterator[None]:
    """Errors inside carry the text of their statement, which may be nested too deeply for who works on it.

    Without `usage` a UsageError does not: it is no fault of the statement.
    """
    try:
        yield
    except StratoqlError as error:
        if usage or not isinstance(error, UsageError):
            error.statement = error.statement or text
        raise
    except RecursionError:
        fault = SyntaxFault("the statement is nested too deeply")
        fault.statement = text
        raise fault from None


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

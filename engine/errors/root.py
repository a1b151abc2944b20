"""The root of the tree, and the errors that hang from it alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.errors.dbapi import Error, InterfaceError, NotSupportedError, OperationalError, ProgrammingError

if TYPE_CHECKING:
    from engine.errors.places import Place
    from provider_registry.faults import Fault


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

    def __reduce__(self) -> tuple[Any, ...]:
        """It goes from process to process with its facts. Rows that stream out of a store of this one stay here."""
        facts = {name: fact for name, fact in self.__dict__.items() if name != "completed"}
        return _again, (type(self), self.args), facts


def _again(kind: type[StratoqlError], args: tuple[object, ...]) -> StratoqlError:
    return kind.__new__(kind, *args)


class UsageError(StratoqlError, InterfaceError):
    """Settings, flags or files are wrong; nothing was run."""


class DocumentError(StratoqlError, OperationalError):
    """A provider document cannot be used. `faults` lists every fault found, not the first."""

    def __init__(self, message: str, faults: Sequence[Fault], *, hint: str | None = None) -> None:
        lines = "".join(f"\n  {fault}" for fault in faults)
        super().__init__(message + lines, hint=hint)
        self.faults = tuple(faults)


class Misuse(StratoqlError, ProgrammingError):
    """The programming interface is used out of turn."""


class NotPossible(StratoqlError, NotSupportedError):
    """What no API can do."""


class Interrupted(StratoqlError, OperationalError):
    """The user stopped the statement."""


class Declined(StratoqlError, OperationalError):
    """The user was shown what a write would do, and said no."""

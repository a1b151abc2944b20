"""What can go wrong with a request, told apart by what is certain: that nothing happened, or not even that.

Annotations are not postponed here, as in `places`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.errors.dbapi import OperationalError
from engine.errors.root import StratoqlError


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

    `status` is what the API answered last, `retry_after` the seconds that would have to be waited; None: neither.

    >>> import engine
    >>> with engine.connect(sandbox=True, timeout=1e-6) as connection:
    ...     try:
    ...         connection.execute("SELECT id FROM linode.images.images WHERE id = 'linode/arch'")
    ...     except engine.TimedOut as error:
    ...         print(str(error)[:31])
    the 1e-06 s allowed are used up
    """

    status: int | None = None
    retry_after: float | None = None

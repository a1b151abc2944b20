"""The classes that PEP 249 wants of a database module. Whatever is raised is one of the tree's own as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.errors.calls import Reason


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

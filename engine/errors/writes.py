"""Writes that came to no good end: what is known of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors.dbapi import OperationalError
from engine.errors.root import StratoqlError


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

"""Ctrl-C while something is under way that must be accounted for: it stops that, and is raised when the account is
there.

Python raises KeyboardInterrupt between any two instructions of the main thread: between the answer to the last call
of a write and the line that tells of it, too. So while a `Scope` lasts a signal is heard as its handler hears it, but
what the handler raises is kept until the end. Handlers that raise nothing are not concerned. In threads other than
the main one nothing is ever raised, and all of this does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

_scope: Scope | None = None  # the outermost one of the main thread


class Scope:
    """How long signals are held back. A context manager; inside another it holds back nothing of its own.

    At its end what was kept is raised; an error that ends it tells more, and has what was kept as its context.
    """

    def __init__(self) -> None:
        self.kept: BaseException | None = None
        self.stops: list[Stopping] = []
        self._handlers: dict[int, Any] = {}  # that are put back

    def __enter__(self) -> None:
        global _scope
        if threading.current_thread() is threading.main_thread() and _scope is None:
            self.arm()
            _scope = self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        global _scope
        if (scope := _here()) is None:
            return
        if scope is self:
            _scope = None
            self.disarm()
        if scope.kept is not None and error is not None:
            _behind(error, scope.kept)
        elif scope.kept is not None and scope is self:
            raise scope.kept

    def arm(self) -> None:
        """Hold back from here on."""
        import signal  # costs a millisecond where nothing is run

        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                handler = signal.getsignal(number)
                if callable(handler) and handler != self._hear:
                    self._handlers[number] = handler
                    signal.signal(number, self._hear)
        except BaseException:
            self._restore()
            raise

    def disarm(self) -> None:
        """Raise at once again."""
        try:
            self._restore()
        except BaseException as raised:  # a signal that came as the first handler was back
            self._keep(raised)
            self._restore()

    def _restore(self) -> None:
        import signal

        for number, handler in self._handlers.items():
            if signal.getsignal(number) == self._hear:
                signal.signal(number, handler)

    def _hear(self, number: int, frame: object) -> None:
        try:
            self._handlers[number](number, frame)
        except BaseException as raised:  # whatever a handler means by it
            self._keep(raised)
            if self.stops:
                self.stops[-1].call()

    def _keep(self, raised: BaseException) -> None:
        """Keep what a handler has raised. A SIGTERM after a Ctrl-C says more than it."""
        if self.kept is None or type(raised) is not KeyboardInterrupt:
            self.kept = raised


class Stopping:
    """While this lasts, every signal that is held back calls `stop`. One that has come before calls it at once."""

    def __init__(self, stop: Callable[[], object]) -> None:
        self._stop = stop
        self._scope: Scope | None = None
        self._called = False

    def __enter__(self) -> None:
        self._scope = _here()
        if self._scope is not None:
            self._scope.stops.append(self)
            if self._scope.kept is not None and not self._called:
                self.call()

    def __exit__(self, *error: object) -> None:
        if self._scope is not None:
            self._scope.stops.pop()

    def call(self) -> None:
        """A signal has come."""
        self._called = True
        self._stop()


class Released:
    """While this lasts, signals are raised at once: a person is asked something."""

    def __enter__(self) -> None:
        if (scope := _here()) is not None:
            scope.disarm()
            check()

    def __exit__(self, *error: object) -> None:
        if (scope := _here()) is not None:
            scope.arm()


def kept() -> BaseException | None:
    """What has been raised meanwhile."""
    scope = _here()
    return scope.kept if scope is not None else None


def check() -> None:
    """Raise what has been kept."""
    if (raised := kept()) is not None:
        raise raised


def _behind(error: BaseException, raised: BaseException) -> None:
    """Let an error have this as the context that it arose in."""
    each: BaseException | None = error
    while each is not None and each is not raised:
        each = each.__context__
    if each is None:
        raised.__context__, error.__context__ = error.__context__, raised


def _here() -> Scope | None:
    return _scope if threading.current_thread() is threading.main_thread() else None

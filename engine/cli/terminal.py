"""What is said to the person: on standard error, escaped, in colour where that is wanted."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal, NoReturn, TextIO

from engine.cli.output import discard
from engine.formats.cells import paint, printable

Color = Literal["auto", "always", "never"]

_LABELS = {"error:": "red", "internal error:": "red", "warning:": "yellow"}
_DIM = ("hint:", "note:")


def wants_color(choice: Color, stream: TextIO | None) -> bool:
    """Whether to paint on a stream. `always` stands above NO_COLOR, because it was asked for just now."""
    if choice != "auto" or stream is None:
        return choice == "always"
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(text: str, choice: Color = "auto") -> None:
    """Lines on standard error. Nobody reading them is no reason to stop."""
    if sys.stderr is None:
        return
    color = wants_color(choice, sys.stderr)
    lines = (_styled(line, color) for line in printable(text, keep="\n\t").split("\n"))
    try:
        sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        discard(sys.stderr)


def _styled(line: str, color: bool) -> str:
    """A line with its label painted; one that is an aside is dim altogether."""
    if line.startswith(_DIM):
        return paint(line, "dim", color)
    label = next((label for label in _LABELS if line.startswith(label)), "")
    return paint(label, _LABELS[label], color) + line[len(label) :] if label else line


class Terminated(KeyboardInterrupt):
    """SIGTERM. Whoever winds up after a Ctrl-C does the same for this."""


def shows_progress(verbose: bool) -> bool:
    """Whether somebody looks at standard error and would like to see how far things are."""
    return not verbose and sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def logged(verbose: bool) -> Iterator[None]:
    """The engine's log on standard error while this lasts: all of it, or what a person waits for where no progress
    line tells that.
    """
    import logging

    class Lines(logging.Formatter):
        """One record, harmless to a terminal whatever it quotes."""

        def format(self, record: logging.LogRecord) -> str:
            return printable(super().format(record), keep="\n\t")

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines("%(relativeCreated)7.0f ms %(name)s: %(message)s" if verbose else "note: %(message)s"))
    log = logging.getLogger("engine")
    level, propagate = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.DEBUG if verbose else logging.ERROR if shows_progress(verbose) else logging.WARNING)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagate


@contextmanager
def without(secrets: frozenset[str]) -> Iterator[None]:
    """The engine's log leaves these texts out while this lasts."""
    if not secrets:
        yield
        return
    import logging

    from engine.wire.masking import concealed

    def conceal(record: logging.LogRecord) -> bool:
        record.msg, record.args = concealed(record.getMessage(), secrets), ()
        return True

    handlers = list(logging.getLogger("engine").handlers)
    for handler in handlers:
        handler.addFilter(conceal)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(conceal)


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM unwinds as Ctrl-C does while this lasts: writes are accounted for, no half file stays."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated

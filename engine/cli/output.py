"""Where data goes: standard output, or a file that changes only when all of it has arrived."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Literal, TextIO

from engine.errors import StratoqlError, UsageError


class ClosedPipe(Exception):
    """The reader of the data has gone (`| head`): there is nobody left to tell."""


@contextmanager
def destination(path: str | None) -> Iterator[TextIO]:
    """The stream to write data to. A file is written beside its place and moved there in the end."""
    if path is None or path == "-":
        yield standard_output()
    elif not path:
        raise UsageError("--outfile is empty", hint="name a file, or leave the flag out for standard output")
    elif os.path.exists(path) and not os.path.isfile(path):
        with _opened(path, path, "w") as stream:  # a device or a pipe: moving a file onto it would destroy it
            yield stream
    else:
        with _replacement(path) as stream:
            yield stream


def standard_output() -> TextIO:
    """Standard output, if there is one."""
    if sys.stdout is None:
        raise UsageError("there is no standard output to write to", hint="name a file with --outfile")
    return sys.stdout


def prepare_standard_streams() -> None:
    """No encoding makes a write fail: what it lacks is escaped. Line ends are data and stay as they are."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(newline="\n")


@contextmanager
def writing(name: str) -> Iterator[None]:
    """A write to the destination: its failure is an error of ours, and a reader that went away is no error."""
    try:
        yield
    except BrokenPipeError as error:
        raise ClosedPipe from error
    except OSError as error:
        raise StratoqlError(f"cannot write {name}: {error.strerror or error}") from error


def finish_standard_output() -> None:
    """Everything out, now: at the interpreter's own end nobody could report a failure."""
    if sys.stdout is not None:
        with writing("standard output"):
            sys.stdout.flush()


def discard(stream: TextIO | None) -> None:
    """What a broken stream still holds goes nowhere: the interpreter would try again at its end, and say so."""
    with suppress(OSError, ValueError, AttributeError):
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def _replacement(path: str) -> Iterator[TextIO]:
    """A new file for `path`. After a failure `path` is as it was, and what was written so far stands beside it."""
    target = Path(os.path.realpath(path))  # a link stays a link
    if target.exists() and not os.access(target, os.W_OK):
        raise UsageError(f"cannot write {path}: Permission denied")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with _opened(part, path, "x") as stream:  # never through a link that someone put there
            yield stream
        with writing(path):
            if target.exists():
                shutil.copymode(target, part)
            part.replace(target)
    except BaseException as error:
        if kept := _keep(part, target):
            error.add_note(f"{path} is as it was; what came before the error is in {kept}")
        raise


@contextmanager
def _opened(path: str | Path, name: str, mode: Literal["w", "x"]) -> Iterator[TextIO]:
    """An open file; opening it fails before anything runs, closing it fails like a write."""
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(
                Path(path).open(mode, encoding="utf-8", errors="backslashreplace", newline="\n")
            )
        except OSError as error:
            raise UsageError(f"cannot write {name}: {error.strerror or error}") from error
        try:
            yield stream
        except BaseException:
            with suppress(OSError):  # a full disk is not told twice
                stream.close()
            raise
        with writing(name):
            stream.close()


def _keep(part: Path, target: Path) -> Path | None:
    """What was written before a failure, under a name that says so; nothing where nothing was."""
    kept = target.with_name(target.name + ".partial")
    with suppress(OSError):
        if part.stat().st_size:
            part.replace(kept)
            return kept
        part.unlink()
    return None

"""The program: arguments in, exit code out, and no traceback whatever happens between."""

from __future__ import annotations

import argparse
import gc
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from engine.cli import arguments, output, terminal
from engine.cli.commands import COMMANDS
from engine.cli.running import OpenSession, Statements, accounting
from engine.errors import Interrupted, StratoqlError, UsageError, explain
from engine.settings import Settings

FAILED, MISUSED = 1, 2
INTERRUPTED, PIPE_CLOSED, TERMINATED = 130, 141, 143  # 128 and SIGINT, SIGPIPE, SIGTERM, as shells count


def main(argv: Sequence[str] | None = None, *, session: OpenSession | None = None) -> int:
    """Run the command line; `session` opens another session than the engine's."""
    given = argparse.Namespace(color="auto", verbose=False)
    gc.set_threshold(100_000, 20, 50)  # imports and rows make much and leave no cycles: looking for them is a tenth
    try:
        output.prepare_standard_streams()
        with terminal.terminable():
            found = arguments.parse(sys.argv[1:] if argv is None else argv)
            given = found or given
            code = _run(found, session or _open_session) if found else 0
            output.finish_standard_output()
            return code
    except BaseException as error:
        try:
            return _report(error, given)
        except KeyboardInterrupt:  # a second Ctrl-C is no reason to leave it untold
            return _report(error, given)


def _run(given: argparse.Namespace, open_session: OpenSession) -> int:
    """Do what the command says."""
    if given.infile is not None and given.command not in (None, "exec"):  # statements that nothing would run
        raise UsageError(f"--infile does not go with {given.command}", hint="stratoql exec -i FILE")
    if given.command not in (None, "exec", "run", "shell"):  # data that nothing would use
        for flag in arguments.data_flags(given):
            raise UsageError(f"{flag} does not go with {given.command}", hint="stratoql run FILE fills scripts in")
    with terminal.logged(given.verbose):
        return COMMANDS[given.command](given, open_session)


def _open_session(settings: Settings) -> AbstractContextManager[Statements]:
    """The engine's session, imported when there is something to run."""
    from engine.session import Session

    return Session(settings)


def _report(error: BaseException, given: argparse.Namespace) -> int:
    """Tell the person what ended the program; answer the exit code."""
    try:
        output.finish_standard_output()
    except (output.ClosedPipe, StratoqlError):
        output.discard(sys.stdout)
    code = _code(error)
    error = accounting(error)
    for line in (_text(error, given.verbose), *(f"note: {note}" for note in getattr(error, "__notes__", ()))):
        if line:
            terminal.say(line, given.color)
    return code


def _code(error: BaseException) -> int:
    """The exit code of an error. A signal behind it counts for more than what it made of the work under way."""
    chain = list(_behind(error))
    if any(isinstance(each, terminal.Terminated) for each in chain):
        return TERMINATED
    if any(isinstance(each, KeyboardInterrupt | Interrupted) for each in chain):
        return INTERRUPTED
    match error:
        case output.ClosedPipe():
            return PIPE_CLOSED
        case UsageError() if error.statement is None:
            return MISUSED
    return FAILED


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those during whose handling it arose."""
    while error is not None:
        yield error
        error = error.__context__


def _text(error: BaseException, verbose: bool) -> str:
    """What to say of an error; nothing of an end that is none of ours."""
    match error:
        case output.ClosedPipe():
            return ""
        case terminal.Terminated():
            return "terminated"
        case KeyboardInterrupt():
            return "interrupted"
        case Interrupted():
            return explain(error).removeprefix("error: ")  # it was what the user wanted
        case StratoqlError():
            return explain(error)
    if verbose:
        return "".join(traceback.format_exception(error)).rstrip()
    return f"internal error: {type(error).__name__}: {error}\nhint: run it again with -v to see where"

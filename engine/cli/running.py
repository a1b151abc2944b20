"""Scripts through a session, their results to the destination."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from time import perf_counter
from typing import TYPE_CHECKING, Protocol, TextIO, TypeAlias

from engine.cli import output, progress, terminal
from engine.cli.scripts import read_script
from engine.errors import Interrupted, PartialWrite, Source, StratoqlError, UsageError, explain
from engine.formats import FORMATS, Options
from engine.result import Result, Stats
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.course import Course
    from engine.data import Data
    from engine.planner.names import Names
    from engine.script import Item


class Statements(progress.Heard, Protocol):
    """What runs statements: a session. `secrets` are texts that it writes down nowhere."""

    secrets: frozenset[str]

    @property
    def names(self) -> Names:
        """Where its statements look names up."""
        ...

    def run(self, text: str, *, dry_run: bool = False) -> Iterator[Result]:
        """One result per statement, each executed when it is asked for."""
        ...


OpenSession: TypeAlias = Callable[[Settings], AbstractContextManager[Statements]]
Write: TypeAlias = Callable[[Result, TextIO, argparse.Namespace], int]  # answers the rows


def run_statements(text: str, settings: Settings, given: argparse.Namespace, open_session: OpenSession) -> None:
    """Statements as they were typed, in order, each result written as it comes; the first error ends it."""
    with output.destination(given.outfile) as stream, open_session(settings) as session:
        run_text(text, session, stream, given)


def run_text(
    text: str,
    session: Statements,
    stream: TextIO,
    given: argparse.Namespace,
    show: Write | None = None,
    before: Callable[[Result], Result] = lambda result: result,
) -> None:
    """The statements of a text, each result handed to `before` and shown as `show` shows it.

    What a broken write has done is shown before its error.
    """
    show = show or show_result
    results = session.run(text, dry_run=given.dryrun)
    while True:
        start, result = perf_counter(), None
        try:
            with progress.shown(session, terminal.shows_progress(given.verbose)):
                for found in results:  # unlike next(), this leaves no moment in which a Ctrl-C loses it
                    result = found
                    break
            if result is None:
                return
            count = show(before(result), stream, given)
        except PartialWrite as error:
            if error.completed is not None:
                show(error.completed, stream, given)
            raise
        except KeyboardInterrupt as pressed:
            if result is not None and result.affected is not None:
                for message in result.messages:
                    pressed.add_note(f"{message} nonetheless")
            raise
        if given.timing:
            terminal.say(timing(count, perf_counter() - start, result.stats), given.color)


def accounting(error: BaseException) -> BaseException:
    """The error to tell: where a Ctrl-C came while the account of a write was under way to the person, that."""
    each: BaseException | None = error
    while isinstance(each, KeyboardInterrupt | Interrupted):
        each = each.__context__
    return each if isinstance(each, PartialWrite) else error


def timing(rows: int, seconds: float, stats: Stats) -> str:
    """What a statement cost, in a line. Times of calls side by side add up.

    >>> timing(1, 0.25, Stats())
    '1 row, 0 requests, 0.250 s'
    """
    told = f"{many(rows, 'row')}, {many(stats.requests, 'request')}, {seconds:.3f} s"
    if not stats.requests:
        return told
    first = f", first page after {stats.first:.3f} s" if stats.first is not None else ""
    retries = f", {stats.retries} sent again" if stats.retries else ""
    return (
        f"{told}: {many(stats.pages, 'page')} of {many(stats.rows, 'row')}, {stats.bytes:,} bytes{retries}{first}; "
        f"waited {stats.waited:.3f} s, network {stats.network:.3f} s, decoding {stats.decoding:.3f} s, "
        f"loading {stats.loading:.3f} s, output {max(0.0, seconds - stats.seconds):.3f} s"
    )


def run_scripts(
    scripts: Sequence[Source], data: Data, settings: Settings, given: argparse.Namespace, open_session: OpenSession
) -> None:
    """The statements of all scripts, in order, each result written as it comes. All are read before one is run, and
    planned too where an error ends it.

    An error ends it, or is told and counted where `--on-error continue` says so; then what became of each statement
    is told.
    """
    from engine.course import check
    from engine.script import prepare

    with open_session(settings) as session:
        names = session.names
        items = [item for script in scripts for item in prepare(script, data, read_script, names)]
        session.secrets = frozenset().union(*(item.secrets for item in items))
        with terminal.without(session.secrets):
            if given.on_error == "stop" and not given.dryrun:
                check(items, names, settings)
            with output.destination(given.outfile) as stream:
                run_items(items, session, settings, stream, given)


def run_items(
    items: Sequence[Item],
    session: Statements,
    settings: Settings,
    stream: TextIO,
    given: argparse.Namespace,
    show: Write | None = None,
) -> None:
    """The statements of scripts, in order; what became of each is told where one fails. `show` as of `run_text`."""
    from engine.course import Course, account

    course = Course(items)
    failed = 0
    try:
        for number in range(len(items)):
            try:
                _run_item(number, course, session, settings, stream, given, show)
            except StratoqlError as error:
                failed += 1
                if given.on_error == "stop" or _ends_all(error):
                    raise
                for line in (explain(error), *(f"note: {note}" for note in getattr(error, "__notes__", ()))):
                    terminal.say(line, given.color)
        if failed:
            raise StratoqlError(f"{many(failed, 'statement')} of {len(items)} failed")
    except (StratoqlError, KeyboardInterrupt) as error:
        if told := account(course):
            error.add_note(told)
        raise


def _run_item(
    number: int,
    course: Course,
    session: Statements,
    settings: Settings,
    stream: TextIO,
    given: argparse.Namespace,
    show: Write | None,
) -> None:
    """One statement of a script; what became of it stands in the course when this returns or raises."""
    from engine.course import note_statement, rehearsed, told_better
    from engine.fits import check_values

    item, outcomes, ran = course.items[number], course.outcomes, ""

    def before(result: Result) -> Result:
        nonlocal ran
        ran = ", ".join(["ran", *result.messages]) if result.affected is not None else ""
        return rehearsed(course, number, result) if given.dryrun else result

    outcomes[number] = "interrupted"
    try:
        if given.dryrun or given.on_error != "stop":  # else all have been looked at before the first
            check_values(item, session.names)
        run_text(item.text, session, stream, given, show, before=before)
        outcomes[number] = ran or ("was planned" if given.dryrun else "ran")
    except StratoqlError as error:
        outcomes[number] = f"{ran}; what it returns was not shown" if ran else _failed(error)
        told = told_better(item, error, session.names, settings)
        note_statement(told, course.items, number)
        if told is error:
            raise
        raise told from error


def _failed(error: StratoqlError) -> str:
    """What became of a statement that raised this."""
    if isinstance(error, PartialWrite):
        return "failed part-way, as its error tells"
    return "interrupted" if isinstance(error, Interrupted) else "failed"


def _ends_all(error: StratoqlError) -> bool:
    """Whether an error is of more than its statement: going on would meet it again, or is not wanted."""
    stopped = isinstance(error, Interrupted) or isinstance(error.__context__, KeyboardInterrupt)
    return stopped or (isinstance(error, UsageError) and error.statement is None)


def options_for(stream: TextIO, given: argparse.Namespace, *, pretty: bool = False) -> Options:
    """What the flags say of the format."""
    color = terminal.wants_color(given.color, stream)
    return Options(delimiter=given.delimiter, headers=not given.hideheaders, color=color, pretty=pretty)


def write_result(result: Result, stream: TextIO, given: argparse.Namespace) -> int:
    """The rows in the format that the flags name."""
    options = options_for(stream, given)
    if given.output == "table" and not given.chosen and result.kind == "rows" and stream.isatty():
        from engine.formats.fitted import fitted

        return fitted(result, stream, options, shutil.get_terminal_size().columns)
    return FORMATS[given.output](result, stream, options)


def show_result(result: Result, stream: TextIO, given: argparse.Namespace, write: Write = write_result) -> int:
    """One result: its rows to the stream, the rest to the person. Answers the rows, of a write those affected."""
    for warning in result.warnings:
        terminal.say(f"warning: {warning}", given.color)
    try:
        with output.writing(given.outfile or "standard output"):
            count = write(result, stream, given)
            stream.flush()
    finally:
        result.close()
    for message in _messages(result):
        terminal.say(message, given.color)
    return count if result.kind != "done" else result.affected or 0


def _messages(result: Result) -> Sequence[str]:
    """What a result has to say; a write that says nothing is counted."""
    if result.messages or result.kind != "done" or result.affected is None:
        return result.messages
    return (f"{many(result.affected, 'row')} affected",)


def many(number: int, what: str) -> str:
    """A number with its noun.

    >>> many(1, "row"), many(0, "request")
    ('1 row', '0 requests')
    """
    return f"{number} {what}{'' if number == 1 else 's'}"

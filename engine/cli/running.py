"""Scripts through a session, their results to the destination."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from time import perf_counter
from typing import Protocol, TextIO, TypeAlias

from engine.cli import output, terminal
from engine.cli.scripts import Script
from engine.errors import PartialWrite, StratoqlError
from engine.formats import FORMATS, Options
from engine.result import Result
from engine.settings import Settings


class Statements(Protocol):
    """What runs statements: a session."""

    def run(self, text: str, *, dry_run: bool = False) -> Iterator[Result]:
        """One result per statement, each executed when it is asked for."""
        ...


OpenSession: TypeAlias = Callable[[Settings], AbstractContextManager[Statements]]
Write: TypeAlias = Callable[[Result, TextIO, argparse.Namespace], int]  # answers the rows


def run_scripts(
    scripts: Sequence[Script], settings: Settings, given: argparse.Namespace, open_session: OpenSession
) -> None:
    """Every statement of every script in order, each result written as it comes; the first error ends it."""
    with output.destination(given.outfile) as stream, open_session(settings) as session:
        for script in scripts:
            try:
                run_text(script.text, session, stream, given)
            except StratoqlError as error:
                if script.name:
                    error.add_note(f"in {script.name}")
                raise


def run_text(
    text: str, session: Statements, stream: TextIO, given: argparse.Namespace, show: Write | None = None
) -> None:
    """The statements of a text, each result as `show` shows it. What a broken write did comes before its error."""
    show = show or show_result
    results = session.run(text, dry_run=given.dryrun)
    while True:
        start = perf_counter()
        try:
            result = next(results, None)
        except PartialWrite as error:
            if error.completed is not None:
                show(error.completed, stream, given)
            raise
        if result is None:
            return
        count = show(result, stream, given)
        if given.timing:
            cost = (many(count, "row"), many(result.stats.requests, "request"), f"{perf_counter() - start:.3f} s")
            terminal.say(", ".join(cost), given.color)


def options_for(stream: TextIO, given: argparse.Namespace, *, pretty: bool = False) -> Options:
    """What the flags say of the format."""
    color = terminal.wants_color(given.color, stream)
    return Options(delimiter=given.delimiter, headers=not given.hideheaders, color=color, pretty=pretty)


def write_result(result: Result, stream: TextIO, given: argparse.Namespace) -> int:
    """The rows in the format that the flags name."""
    return FORMATS[given.output](result, stream, options_for(stream, given))


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

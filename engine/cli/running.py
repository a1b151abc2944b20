"""Scripts through a session, their results to the destination."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from time import perf_counter
from typing import Protocol, TextIO, TypeAlias

from engine.cli import output, progress, terminal
from engine.cli.scripts import Script
from engine.errors import PartialWrite, StratoqlError
from engine.formats import FORMATS, Options
from engine.result import Result, Stats
from engine.settings import Settings


class Statements(progress.Heard, Protocol):
    """What runs statements: a session."""

    def run(self, text: str, *, dry_run: bool = False) -> Iterator[Result]:
        """One result per statement, each executed when it is asked for."""
        ...


OpenSession: TypeAlias = Callable[[Settings], AbstractContextManager[Statements]]


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


def run_text(text: str, session: Statements, stream: TextIO, given: argparse.Namespace) -> None:
    """The statements of a text. What a broken write has done is shown before its error."""
    results = session.run(text, dry_run=given.dryrun)
    while True:
        start = perf_counter()
        try:
            with progress.shown(session, terminal.shows_progress(given.verbose)):
                result = next(results, None)
        except PartialWrite as error:
            if error.completed is not None:
                show(error.completed, stream, given)
            raise
        if result is None:
            return
        count = show(result, stream, given)
        if given.timing:
            terminal.say(timing(count, perf_counter() - start, result.stats), given.color)


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


def show(result: Result, stream: TextIO, given: argparse.Namespace) -> int:
    """One result: its rows to the stream, the rest to the person. Answers the rows, of a write those affected."""
    for warning in result.warnings:
        terminal.say(f"warning: {warning}", given.color)
    color = terminal.wants_color(given.color, stream)
    options = Options(delimiter=given.delimiter, headers=not given.hideheaders, color=color)
    try:
        with output.writing(given.outfile or "standard output"):
            count = FORMATS[given.output](result, stream, options)
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

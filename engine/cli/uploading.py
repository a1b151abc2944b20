"""`upload`: a file once more to an upload that has broken off, while its address lives."""

from __future__ import annotations

import argparse

from engine.cli import output, progress, terminal
from engine.cli.running import run_text
from engine.settings import Settings


def upload(settings: Settings, given: argparse.Namespace) -> int:
    """Send it, then show what has become of its row."""
    from engine.session import Session

    with output.destination(given.outfile) as stream, Session(settings) as session:
        with progress.shown(session, terminal.shows_progress(given.verbose)):
            waiting = session.upload(given.file, given.to, compress=given.compress)
        terminal.say(f"{given.file} is sent to {waiting.name}", given.color)
        if waiting.rows is not None:
            run_text(f"SELECT * FROM {waiting.rows}", session, stream, given)
            terminal.say(f"hint: to wait until it is ready: {waiting.waits}", given.color)
    return 0

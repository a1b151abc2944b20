"""`resume` and `undo`: what a ledger tells to do, and what became of it."""

from __future__ import annotations

import argparse
from collections import Counter

from engine import settings
from engine.cli import arguments, output, progress, terminal
from engine.cli.running import OpenSession, many, show_result
from engine.result import Result, ResultColumn
from engine.settings import Settings


def resume(given: argparse.Namespace, open_session: OpenSession) -> int:
    """`resume`: the calls that were not done, and what they are now; 1 where one is not done in the end."""
    from engine.ledger.file import opened
    from engine.replay.resume import Told, Wish
    from engine.replay.resume import resume as finish
    from engine.session import Session

    wish = Wish(given.run, given.dryrun, given.failed, given.same_account, dict(given.decided))
    with output.destination(given.outfile) as stream, opened(given.ledger_file) as file:
        with Session(_settings(given)) as session, progress.shown(session, terminal.shows_progress(given.verbose)):
            found = finish(session, file, wish)
        if not found:
            terminal.say("nothing is left to do", given.color)
            return 0
        columns = [ResultColumn(name, "integer" if name == "call" else "string") for name in Told._fields]
        show_result(Result(columns, iter(found)), stream, given)
    counts = Counter(told.state for told in found)
    terminal.say(", ".join(f"{number} {state}" for state, number in counts.items()), given.color)
    return 0 if counts.keys() == {"done"} else 1


def undo(given: argparse.Namespace, open_session: OpenSession) -> int:
    """`undo`: the statements that put rows back; with `--apply` they are run; 1 where a row is not as it was."""
    from engine.ledger.file import opened
    from engine.replay import undo as undoing
    from engine.session import Session

    with output.destination(given.outfile) as stream, opened(given.ledger_file) as file:
        with Session(_settings(given)) as session, progress.shown(session, terminal.shows_progress(given.verbose)):
            each, backs = undoing.undo(session, file, given.run, same_account=given.same_account)
            lines = [f"-- run {each.run.name}: {each.run.begun.statement}".replace("\n", "\n-- ")]
            lines += [back.text for back in backs]
            rows = iter([(line,) for text in lines for line in text.split("\n")])
            show_result(Result([ResultColumn("plan", "string")], rows, kind="plan"), stream, given)
            back = sum(one.job is not None for one in backs)
            if not given.apply or given.dryrun:
                hint = "; --apply does it" if back else ""
                terminal.say(f"{many(back, 'row')} can be put back{hint}", given.color)
                return 0
            undoing.apply(session, file, each, backs)
        left = undoing.left(file, backs)
    terminal.say(f"{'not all' if left else 'all'} rows are as they were before", given.color)
    return 1 if left else 0


def _settings(given: argparse.Namespace) -> Settings:
    return settings.load(arguments.settings_given(given))

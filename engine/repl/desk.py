"""What lies on the shell's desk: the session, the choices made so far, the last statement, where data goes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, TextIO

from engine.cli import output as destinations
from engine.cli import terminal
from engine.cli.running import run_items, run_text, show_result, write_result
from engine.cli.scripts import read_script
from engine.errors import Source
from engine.formats import by_suffix
from engine.preview import Preview
from engine.repl import confirm, named, output
from engine.repl.cost import Cost, cost
from engine.repl.preferences import Preferences
from engine.repl.render import render, told_here, typed
from engine.repl.suggest import Suggestion, suggest
from engine.repl.suggest.known import Known
from engine.repl.toolbar import Facts, account
from engine.result import Result
from engine.session import Session
from engine.settings import Settings
from provider_registry.model import Resource

Ask = Callable[..., str]  # the question; `secret=True` hides what is typed


class Desk:
    """Owns the session and the file of `\\out`; a context manager. Commands change it, the loop does not know it."""

    def __init__(
        self, settings: Settings, preferences: Preferences, given: argparse.Namespace, ask: Ask, queries: Path
    ) -> None:
        self.preferences = preferences
        self.given = argparse.Namespace(**{**vars(given), "timing": False})  # the footer tells it
        self.ask = ask
        self.queries = queries  # the folder of the named ones
        self.variables: dict[str, str] = {}
        self.multiline = preferences.multiline
        self.last = ""  # the statements run last
        self.spent = ""  # what they cost
        self.draft = ""  # what the next prompt begins with
        self._file = ExitStack()
        self._stream: TextIO | None = None
        self.session = Session(settings, approve=self._approve if preferences.confirm else None)
        self.account = ""
        self.look_up_account()

    def __enter__(self) -> Desk:
        self.redirect(self.given.outfile)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.redirect(None)
        self.session.close()

    def say(self, text: str) -> None:
        """Tell the person."""
        terminal.say(text, self.given.color)

    def run(self, sql: str) -> None:
        """Run statements and show their results; they are the last ones from then on."""
        text = render(sql, self.variables)
        self.last = sql
        run_text(text, self.session, self._stream or destinations.standard_output(), self.given, self._show)

    def look(self, sql: str, *, dry_run: bool = False) -> None:
        """Run a statement that a command stands for; it is not what the person ran last.

        On the terminal its last column, a description, is cut to fit.
        """
        stream = self._stream or destinations.standard_output()
        given = argparse.Namespace(**{**vars(self.given), "dryrun": dry_run or self.given.dryrun})
        columns = output.screen("off").columns if self._stream is None and given.output == "table" else None

        def show(result: Result, stream: TextIO, given: argparse.Namespace) -> int:
            fitting = output.narrowed(result, columns) if columns is not None and result.kind == "rows" else result
            return self._show(fitting, stream, given)

        run_text(render(sql, self.variables), self.session, stream, given, show)

    def script(self, source: Source) -> None:
        """Run a file as `stratoql run` does: all of it is read and planned before its first statement runs."""
        from engine.course import check
        from engine.data import Data
        from engine.script import prepare

        names, settings = self.session.names, self.session.settings
        with told_here():
            items = prepare(source, Data(typed(self.variables)), read_script, names)
            self.session.secrets = frozenset().union(*(item.secrets for item in items))
            try:
                check(items, names, settings)
                stream = self._stream or destinations.standard_output()
                run_items(items, self.session, settings, stream, self.given, self._show)
            finally:
                self.session.secrets = frozenset()

    def tables(self) -> tuple[tuple[str, Resource], ...]:
        """Every resource by its whole name."""
        return Known(self.session.names.catalog).tables()

    def show(self, result: Result) -> None:
        """Show a result that no statement gave."""
        self._show(result, self._stream or destinations.standard_output(), self.given)

    def redirect(self, path: str | None) -> None:
        """Send data to a file from here on, or to the terminal again; the file is whole when this returns."""
        self._stream, self.given.outfile = None, None
        self._file.close()
        if path is not None:
            self._stream = self._file.enter_context(destinations.destination(path))
            self.given.outfile = path

    def _show(self, result: Result, stream: TextIO, given: argparse.Namespace) -> int:
        start, seen = perf_counter(), [0.0]
        rows: list[int | None] = []

        def write(result: Result, stream: TextIO, given: argparse.Namespace) -> int:
            if self._stream is not None:
                form = given.output if given.chosen else by_suffix(given.outfile) or given.output
                rows.append(write_result(result, stream, argparse.Namespace(**{**vars(given), "output": form})))
            else:
                screen = output.screen(self.preferences.pager)
                count, seen[0] = output.write(
                    result, stream, given, expanded=self.preferences.expanded, screen=screen
                )
                rows.append(count)
            return rows[0] or 0

        shown = show_result(result, stream, given, write)
        seconds = result.stats.seconds + perf_counter() - start - seen[0]
        foot = output.footer(result, rows[0], seconds, timing=self.preferences.timing)
        self.spent = f"{seconds:.3f} s"
        if foot:
            self.say(foot)
        return shown

    def _approve(self, preview: Preview) -> bool:
        where = " in the sandbox" if self.session.settings.sandbox is not None else ""
        return confirm.approved(preview, self.say, self.ask, where)

    def look_up_account(self) -> None:
        """Find out whose account statements speak for."""
        names = self.session.names
        if accounts := self.session.settings.account:
            self.account = f"accounts {', '.join(accounts)}" if len(accounts) > 1 else f"account {accounts[0]}"
            return
        self.account = "" if self.sandbox else account(self.session.settings, names.catalog, names.provider)

    @property
    def sandbox(self) -> bool:
        """Whether nothing of this is real."""
        return self.session.settings.sandbox is not None

    def prompt(self) -> str:
        """What stands before what is typed."""
        where = "sandbox" if self.sandbox else "stratoql"
        provider = self.session.names.provider or ""
        return self.preferences.prompt.replace("{where}", where).replace("{provider}", provider)

    def prefer(self, **choices: Any) -> None:
        """Change preferences while this shell lasts."""
        self.preferences = replace(self.preferences, **choices)

    def suggestions(self, text: str, cursor: int) -> list[Suggestion]:
        """What may stand at the cursor."""
        from engine.repl.commands import COMMANDS

        names = self.session.names
        return suggest(
            text,
            cursor,
            names.catalog,
            provider=names.provider,
            variables=self.variables,
            queries=named.names(self.queries),
            commands=list(COMMANDS.values()),
        )

    def cost(self, text: str) -> Cost:
        """What Enter would do."""
        return cost(text, self.session.names, self.session.settings)

    def facts(self) -> Facts:
        """What the toolbar tells of the desk."""
        return Facts(
            account=self.account,
            sandbox=self.sandbox,
            allowances=self.session.allowances(),
            last=self.spent,
            multiline=self.multiline,
        )

"""The loop of the shell: read a statement, run it, show it.

Enter runs what ends in a semicolon, or a command that begins with a backslash; otherwise it opens another line.
Ctrl-C cancels the running statement, or clears what is typed; Ctrl-D leaves. A failed statement is told and the shell
goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from engine.cli import terminal
from engine.cli.running import run_text
from engine.errors import StratoqlError, explain
from engine.formats import FORMATS
from engine.language.dialect import split
from engine.session import Session
from engine.settings import Settings

_HELP = """\\o FORMAT  the output format
\\timing    rows, requests and seconds of each statement, on or off
\\q         leave (Ctrl-D)
\\?         this help
Statements end with a semicolon; SHOW PROVIDERS is a good one to begin with."""


def run(settings: Settings, given: argparse.Namespace, *, reader: PromptSession[str] | None = None) -> int:
    """Read and run statements until the end of input. Answers the exit code."""
    where = "sandbox" if settings.sandbox is not None else "stratoql"
    prompt = reader or PromptSession(history=_history())
    terminal.say("Statements end with a semicolon; \\? helps, \\q leaves.", given.color)
    with Session(settings) as session:
        while True:
            try:
                text = prompt.prompt(
                    f"{where}> ",
                    multiline=True,
                    key_bindings=_keys(),
                    prompt_continuation="...> ".rjust(len(where) + 2),
                ).strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return 0
            if text.startswith("\\"):
                if _command(text, given):
                    return 0
            elif text:
                _statements(text, session, given)


def _command(text: str, given: argparse.Namespace) -> bool:
    """A backslash command; answers whether to leave."""
    word, _, argument = text.rstrip(";").partition(" ")
    argument = argument.strip()
    if word == "\\q":
        return True
    if word == "\\timing":
        given.timing = not given.timing
        terminal.say(f"timing is {'on' if given.timing else 'off'}", given.color)
    elif word == "\\o" and argument in FORMATS:
        given.output = argument
    elif word == "\\o":
        terminal.say(f"output is {given.output}; it can be {', '.join(FORMATS)}", given.color)
    elif word == "\\?":
        terminal.say(_HELP, given.color)
    else:
        terminal.say(f"there is no command {word}; \\? lists them", given.color)
    return False


def _statements(text: str, session: Session, given: argparse.Namespace) -> None:
    """Run what was typed; an error is told and ends it."""
    try:
        run_text(text, session, sys.stdout, given)
    except KeyboardInterrupt:
        terminal.say("interrupted", given.color)
    except StratoqlError as error:
        terminal.say(explain(error), given.color)


def complete(text: str) -> bool:
    """Whether Enter should run the text: a command, or statements of which the last is closed.

    >>> complete("SELECT 1"), complete("SELECT ';'"), complete("SELECT 1;"), complete("SELECT 1; -- done")
    (False, False, True, True)
    """
    if not text.strip() or text.lstrip().startswith("\\"):
        return True
    try:
        pieces = list(split(text))
    except StratoqlError:
        return False  # an open quote or comment goes on in the next line
    return not pieces or ";" in text[pieces[-1].offset + len(pieces[-1].text) :]


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if complete(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return keys


def _history() -> History:
    """The history file, readable by its owner alone; memory where it cannot be had."""
    from platformdirs import user_state_path

    path = Path(user_state_path("stratoql", appauthor=False)) / "history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND, 0o600))
        path.chmod(0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))

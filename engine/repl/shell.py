"""The loop of the shell: read what is typed, do it, tell what went wrong. It owns nothing.

Enter runs what ends in a semicolon, or a command that begins with a backslash; otherwise it opens another line.
Ctrl-C cancels the running statement, or clears what is typed; Ctrl-D leaves. A failed statement is told and the shell
goes on.
"""

from __future__ import annotations

import argparse

from prompt_toolkit import PromptSession

from engine.cli.running import accounting
from engine.cli.terminal import Terminated
from engine.errors import Declined, Interrupted, StratoqlError, UsageError, explain
from engine.repl import named
from engine.repl.commands import COMMANDS
from engine.repl.commands.asking import Leave
from engine.repl.desk import Desk
from engine.repl.elsewhere import advice, dotted
from engine.repl.preferences import Preferences
from engine.repl.prompting import prompting
from engine.repl.scan import command_in
from engine.settings import Settings

_WORDS = {"help": "\\?", "quit": "\\q", "exit": "\\q"}  # what people type who do not know this shell yet


def run(settings: Settings, preferences: Preferences, given: argparse.Namespace) -> int:
    """Read and run until the end of input. Answers the exit code."""
    with Desk(settings, preferences, given, ask, named.folder()) as desk:
        prompt = prompting(desk)
        desk.say("Statements end with a semicolon; \\? helps, \\q leaves.")
        try:
            if preferences.init_command:
                attempt(desk, preferences.init_command)
            while True:
                try:
                    attempt(desk, read(prompt, desk))
                except Terminated:
                    raise
                except KeyboardInterrupt:
                    continue  # what was typed is cleared
        except (Leave, EOFError):
            return 0


def read(prompt: PromptSession[str], desk: Desk) -> str:
    """What is typed next. Raises EOFError at the end."""
    draft, desk.draft = desk.draft, ""
    return prompt.prompt(default=draft)


def attempt(desk: Desk, text: str) -> None:
    """Do what was typed; an error is told and ends it."""
    try:
        enter(desk, text)
    except (Declined, Interrupted) as error:  # as it was wanted
        if isinstance(error.__context__, Terminated):
            raise
        desk.say(explain(error).removeprefix("error: "))
        _say_notes(desk, error)
    except Terminated:
        raise
    except KeyboardInterrupt as pressed:
        account = accounting(pressed)
        desk.say(explain(account) if isinstance(account, StratoqlError) else "interrupted")
        _say_notes(desk, pressed)
    except StratoqlError as error:
        if isinstance(error.__context__, Terminated):
            raise
        desk.say(explain(error))
        _say_notes(desk, error)


def _say_notes(desk: Desk, error: BaseException) -> None:
    for note in getattr(error, "__notes__", ()):
        desk.say(f"note: {note}")


def enter(desk: Desk, text: str) -> None:
    """Do what was typed: statements, a command, or statements and the command that ends them."""
    sql, line = command_in(text)
    if not line and (word := _WORDS.get(sql.rstrip("; ").lower())):
        sql, line = "", word
    if not line:
        if name := dotted(sql):
            raise UsageError(f"there is no command {name}", hint=advice(name, COMMANDS))
        if sql:
            desk.run(sql)
        return
    name, _, argument = line.partition(" ")
    command = COMMANDS.get(name.rstrip(";"))
    if command is None:
        raise UsageError(f"there is no command {name}", hint=advice(name.rstrip(";"), COMMANDS))
    if sql and not command.trailing:
        raise UsageError(f"{name} stands alone", hint="run the statement first")
    argument = argument.strip()
    if "statement" not in command.takes:
        argument = argument.rstrip("; ")
    desk.last = sql or desk.last
    command.run(desk, argument)


def ask(question: str, *, secret: bool = False) -> str:
    """An answer that no history keeps."""
    return PromptSession[str]().prompt(question, is_password=secret, enable_suspend=True)

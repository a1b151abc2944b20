"""The loop of the shell: read a statement, run it, show it.

Enter runs what ends in a semicolon, or a command that begins with a backslash; otherwise it opens another line.
Ctrl-C cancels the running statement, or clears what is typed; Ctrl-D leaves. A failed statement is told and the shell
goes on.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from engine.errors import Interrupted, PartialWrite, StratoqlError, explain
from engine.formats import FORMATS, Options
from engine.formats.cells import printable
from engine.language.dialect import split
from engine.result import Result
from engine.session import Session
from engine.settings import Settings


def run(settings: Settings, *, prompt: PromptSession[str] | None = None) -> int:
    """Read and run statements until the end of input. Answers the exit code."""
    where = "sandbox" if settings.sandbox is not None else "stratoql"
    reader = prompt or PromptSession(
        history=_history(), multiline=Condition(lambda: True), key_bindings=_keys(), prompt_continuation="      ... "
    )
    _say(f"{where}: SQL ends with a semicolon; \\? helps, \\q leaves")
    with Session(settings) as session:
        form = "table"
        while True:
            try:
                text = reader.prompt(f"{where}> ").strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return 0
            if text.startswith("\\"):
                form, leave = _command(text, form)
                if leave:
                    return 0
            elif text:
                _statements(text, session, form)


def _command(text: str, form: str) -> tuple[str, bool]:
    """A backslash command: the output format in force after it, and whether to leave."""
    word, _, argument = text.rstrip(";").partition(" ")
    argument = argument.strip()
    if word == "\\q":
        return form, True
    if word == "\\o" and argument in FORMATS:
        return argument, False
    if word == "\\o":
        _say(f"output is {form}; it can be {', '.join(FORMATS)}")
    elif word == "\\?":
        _say("\\o FORMAT  sets the output format\n\\q         leaves\n\\?         shows this")
    else:
        _say(f"no command {word}; \\? lists them")
    return form, False


def _statements(text: str, session: Session, form: str) -> None:
    """Run what was typed; an error is told and ends it."""
    try:
        for result in session.run(text):
            _show(result, form)
    except KeyboardInterrupt:
        _say("interrupted")
    except PartialWrite as error:
        if error.completed is not None:
            _show(error.completed, form)
        _say(explain(error))
    except Interrupted:
        _say("interrupted")
    except StratoqlError as error:
        _say(explain(error))


def _show(result: Result, form: str) -> None:
    """A result to the terminal, what it has to say after it."""
    try:
        count = FORMATS[form](result, sys.stdout, Options())
        sys.stdout.flush()
    finally:
        result.close()
    for line in (*(f"warning: {w}" for w in result.warnings), *result.messages):
        _say(line)
    if result.kind == "rows":
        _say(f"({count} row{'' if count == 1 else 's'}, {result.stats.seconds:.3f} s)")


def _say(text: str) -> None:
    """A line for the person, harmless to the terminal."""
    sys.stderr.write(printable(text, keep="\n\t") + "\n")
    sys.stderr.flush()


def _complete(text: str) -> bool:
    """Whether Enter should run the text: a command, or statements of which the last is closed.

    >>> _complete("SELECT 1"), _complete("SELECT ';'"), _complete("SELECT 1;"), _complete("SELECT 1; -- done")
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
        if _complete(buffer.text):
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

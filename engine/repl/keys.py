"""Keys beyond those that prompt_toolkit knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit.enums import DEFAULT_BUFFER, EditingMode
from prompt_toolkit.filters import completion_is_selected, has_completions, has_focus
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from engine.repl.elsewhere import dotted
from engine.repl.scan import command_in, ends

if TYPE_CHECKING:
    from engine.repl.desk import Desk

WORDS = ("help", "quit", "exit")  # commands that take no backslash


def complete(text: str, *, multiline: bool = True) -> bool:
    r"""Whether Enter should run the text: a command, or statements of which the last is closed.

    >>> complete("SELECT 1"), complete("SELECT 1;"), complete(r"SELECT 1 \g"), complete("SELECT 1", multiline=False)
    (False, True, True, True)
    """
    sql, command = command_in(text)
    return not multiline or not sql or bool(command) or ends(sql) or sql.lower() in WORDS or bool(dotted(sql))


def keys(desk: Desk) -> KeyBindings:
    """The bindings of a shell."""
    bound = KeyBindings()

    typing = has_focus(DEFAULT_BUFFER)  # and not searching in the history

    @bound.add("enter", filter=typing & completion_is_selected & has_completions)
    def _(event: KeyPressEvent) -> None:
        """Take the suggestion; the next Enter runs."""
        event.current_buffer.complete_state = None

    @bound.add("enter", filter=typing & ~completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if complete(buffer.text, multiline=desk.multiline):
            buffer.validate_and_handle()
        else:
            buffer.newline(copy_margin=False)

    @bound.add("escape", "enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        """Run, whatever it ends in."""
        event.current_buffer.validate_and_handle()

    @bound.add("f3")
    def _(event: KeyPressEvent) -> None:
        desk.multiline = not desk.multiline

    @bound.add("f4")
    def _(event: KeyPressEvent) -> None:
        vi = event.app.editing_mode is EditingMode.VI
        event.app.editing_mode = EditingMode.EMACS if vi else EditingMode.VI

    @bound.add("c-x", "c-e", filter=typing)
    def _(event: KeyPressEvent) -> None:
        """Edit in $EDITOR; what comes back waits for Enter."""
        event.current_buffer.open_in_editor()

    return bound

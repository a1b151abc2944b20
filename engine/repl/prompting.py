"""The prompt: prompt_toolkit, told what this shell wants of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.layout.processors import HighlightMatchingBracketProcessor
from prompt_toolkit.output import ColorDepth

from engine.cli import terminal
from engine.repl import history
from engine.repl.forecast import Forecast
from engine.repl.keys import keys
from engine.repl.lexer import Colours, style
from engine.repl.toolbar import toolbar
from engine.wire.masking import at_hand

if TYPE_CHECKING:
    from engine.repl.desk import Desk


_COMMON = ("keyword", "function", "verb")


class Suggestions(Completer):
    """The desk's suggestions, as prompt_toolkit takes them. Words that fit everywhere wait for a letter or Tab."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        cursor = document.cursor_position
        for found in self._desk.suggestions(document.text, cursor):
            if found.start == cursor and found.kind in _COMMON and not complete_event.completion_requested:
                continue
            yield Completion(found.text, found.start - cursor, display_meta=found.detail or found.kind)


def prompting(desk: Desk) -> PromptSession[str]:
    """A prompt for a desk."""
    look, given = desk.preferences, desk.given
    forecast = Forecast(desk.cost)
    color = terminal.wants_color(given.color, sys.stdout)
    return PromptSession(
        desk.prompt,
        multiline=True,
        prompt_continuation=_continued,
        history=history.history(history.place() if look.history else None, lambda: at_hand(desk.session.settings)),
        lexer=Colours(),
        style=style(look.theme, color=color),
        color_depth=None if color else ColorDepth.DEPTH_1_BIT,
        include_default_pygments_style=False,
        completer=Suggestions(desk),
        complete_in_thread=True,
        complete_while_typing=True,
        auto_suggest=AutoSuggestFromHistory(),
        editing_mode=EditingMode.VI if look.keys == "vi" else EditingMode.EMACS,
        key_bindings=keys(desk),
        input_processors=[HighlightMatchingBracketProcessor()],
        enable_suspend=True,
        bottom_toolbar=lambda: _toolbar(desk, forecast),
        tempfile_suffix=".sql",
    )


def _continued(columns: int, line: int, wrapped: int) -> str:
    """What stands before a further line; nothing where the terminal only wrapped one."""
    return " " * columns if wrapped else "...> ".rjust(columns)[:columns]


def _toolbar(desk: Desk, forecast: Forecast) -> StyleAndTextTuples:
    app = get_app()
    vi = ""
    if app.editing_mode is EditingMode.VI:
        vi = {InputMode.INSERT: "insert", InputMode.NAVIGATION: "normal"}.get(app.vi_state.input_mode, "edit")
    facts = replace(desk.facts(), cost=forecast.of(app.current_buffer.text, desk.session.names), vi=vi)
    return [*toolbar(facts, app.output.get_size().columns)]

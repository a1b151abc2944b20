"""A shell on the sandbox, driven with keys as a person presses them."""

from __future__ import annotations

from typing import Any

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from engine.cli import arguments
from engine.repl.preferences import Preferences
from engine.repl.shell import run
from engine.settings import Settings


def typed(
    pressed: str, capsys: pytest.CaptureFixture[str], settings: Settings | None = None, **preferences: Any
) -> tuple[int, str, str]:
    """Press keys; the exit code, what was printed, what was said. Nothing is kept but what a test asks for."""
    given = arguments.parse(["shell", "--color", "never"])
    assert given is not None
    chosen = Preferences(**{"history": False, "pager": "off", **preferences})
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        pipe.send_text(pressed)
        code = run(settings or Settings(sandbox="", environ={}), chosen, given)
    return code, *capsys.readouterr()

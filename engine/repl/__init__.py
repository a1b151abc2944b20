"""The shell: statements as they are typed.

`shell` is the loop, `desk` what it works on, `prompting` the prompt with its `keys`, `lexer`, `toolbar`, `history`.
`suggest` completes, `cost` foretells, `confirm` asks before a write, `output` fits results to the terminal;
`commands` are what begins with a backslash. Only this room imports prompt_toolkit and pygments, and only when a shell
opens.
"""

from __future__ import annotations

import argparse

from engine.settings import Settings


def main(settings: Settings, given: argparse.Namespace) -> int:
    """Open the shell with the command line's choices; answers the exit code."""
    from engine.repl import preferences
    from engine.repl.shell import run

    return run(settings, preferences.load(preferences.given(given)), given)

"""The shell: statements as they are typed."""

from __future__ import annotations

import argparse

from engine.settings import Settings


def main(settings: Settings, given: argparse.Namespace) -> int:
    """Open the shell with the command line's choices; answers the exit code. Only here prompt_toolkit is imported."""
    from engine.repl.shell import run

    return run(settings, given)

"""The shell: statements as they are typed."""

from __future__ import annotations

from engine.settings import Settings


def main(settings: Settings) -> int:
    """Open the shell; answers the exit code. prompt_toolkit is imported here, and nowhere else."""
    from engine.repl.shell import run

    return run(settings)

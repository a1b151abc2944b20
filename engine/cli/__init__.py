"""The command line: `stratoql`, or `python -m engine`.

`arguments` reads flags, `commands` does what a command says, `running` sends scripts through a session, `output` is
where data goes, `terminal` is where everything else goes, `program` holds them together and answers the exit code.
"""

from __future__ import annotations

from engine.cli.program import main
from engine.cli.scripts import read_script

__all__ = ["main", "read_script"]

"""The shell's backslash commands. Importing this registers all of them."""

from engine.repl.commands import asking, looking, running, showing
from engine.repl.commands.registry import COMMANDS, Command

__all__ = ["COMMANDS", "Command", "asking", "looking", "running", "showing"]

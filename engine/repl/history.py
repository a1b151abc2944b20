"""What was typed before, in a file of its owner alone, without anything that may be a secret."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from engine.wire.masking import concealed, secret_name

_LONG = re.compile(r"(?<![\w/.-])(?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{32,}(?![\w/])")  # no word anybody types


def secret(text: str, known: Sequence[str] = ()) -> bool:
    """Whether a text may hold a secret: one that is known, a word that names one, a long run of letters and digits.

    >>> secret("SELECT 1"), secret("EXEC p.s.r.m @root_pass = 'x'"), secret("SELECT '" + "0a" * 32 + "'")
    (False, True, True)
    """
    if _LONG.search(text) or concealed(text, known) != text:  # however it is spelled
        return True
    return any(secret_name(word) for word in re.findall(r"[\w-]+", text))


class Remembered(FileHistory):
    """A history file that a secret never enters; the running shell remembers it all the same.

    `known` gives the secrets at hand.
    """

    def __init__(self, path: Path, known: Callable[[], Sequence[str]]) -> None:
        super().__init__(str(path))
        self._known = known

    def store_string(self, string: str) -> None:
        if not secret(string, self._known()):
            super().store_string(string)


def history(path: Path | None, known: Callable[[], Sequence[str]] = list) -> History:
    """The history of a file, readable by its owner alone; in memory where there is none or it cannot be had."""
    if path is None:
        return InMemoryHistory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND, 0o600))
        path.chmod(0o600)
    except OSError:
        return InMemoryHistory()
    return Remembered(path, known)


def place() -> Path:
    """Where the history is on this platform."""
    from platformdirs import user_state_path

    return Path(user_state_path("stratoql", appauthor=False)) / "history"

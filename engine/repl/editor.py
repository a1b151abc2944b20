"""A text through the person's editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from engine.errors import StratoqlError


def edited(text: str) -> str:
    """What the editor leaves of a text. The file is its owner's alone and does not stay."""
    command = [*shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")]
    handle, name = tempfile.mkstemp(suffix=".sql")
    path = Path(name)
    try:
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        code = subprocess.call([*command, name])
        if code:
            raise StratoqlError(f"{command[0]} ended with code {code}; nothing was changed")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise StratoqlError(
            f"cannot start the editor {command[0]}: {error.strerror}", hint="set EDITOR to one that is there"
        ) from error
    finally:
        path.unlink(missing_ok=True)

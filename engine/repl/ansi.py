"""Text that carries colours."""

from __future__ import annotations

import re

_STYLED = re.compile(r"\x1b\[[0-9;]*m")


def plain(text: str) -> str:
    r"""The text without its colours.

    >>> plain("\x1b[1mid\x1b[0m")
    'id'
    """
    return _STYLED.sub("", text) if "\x1b" in text else text

"""Text as it is being typed, in tokens: nothing in it has to be whole, and nothing is an error.

The language's own tokenizer refuses an open quote; while somebody types, one is open half of the time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<string>'(?:[^']|'')*(?:'|\Z))
    |(?P<quoted>"(?:[^"]|"")*(?:"|\Z)|`[^`]*(?:`|\Z)|\[[^\]]*(?:\]|\Z))
    |(?P<template>\{\{.*?(?:\}\}|\Z))
    |(?P<number>[0-9][\w.]*)
    |(?P<word>[^\W\d]\w*)
    |(?P<place>\$[0-9]+)
    |(?P<at>@@?)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_CLOSERS = {"'": "'", '"': '"', "`": "`", "[": "]", "/": "*/", "{": "}}"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text. `kind` is the name of its group in `_TOKEN`."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """Its upper-cased text where it is a bare word or a mark; "" for everything quoted."""
        return self.text.upper() if self.kind in ("word", "mark", "at") else ""

    @property
    def name(self) -> str:
        """What it calls, quotes taken off; "" where it is no name."""
        if self.kind == "quoted":
            return self.text[1:-1] if self.closed else self.text[1:]
        return self.text if self.kind == "word" else ""

    @property
    def closed(self) -> bool:
        """Whether a quote or comment that begins here also ends here."""
        if self.kind == "comment" and self.text.startswith("--"):
            return False  # a line comment takes whatever is typed behind it
        if self.kind not in ("string", "quoted", "comment", "template"):
            return True
        closer = _CLOSERS[self.text[0]]
        inside = self.text[1:]
        if self.kind == "string":
            return inside.endswith("'") and (len(inside) - len(inside.rstrip("'"))) % 2 == 1
        return inside.endswith(closer) and len(self.text) >= 2 * len(closer)


def scan(text: str) -> list[Token]:
    """Every token of a text, white space included: together they are the text.

    >>> [(token.kind, token.text) for token in scan("x = 'it''s")]
    [('word', 'x'), ('space', ' '), ('mark', '='), ('space', ' '), ('string', "'it''s")]
    """
    return [Token(str(found.lastgroup), found[0], found.start()) for found in _TOKEN.finditer(text)]


def meaningful(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without white space and comments."""
    return [token for token in tokens if token.kind not in ("space", "comment")]


def command_in(text: str) -> tuple[str, str]:
    r"""The statement of a text and the backslash command that ends it; either may be empty.

    >>> command_in(r"SELECT '\x' AS a \g"), command_in(r"\d images"), command_in("SELECT 1;")
    (("SELECT '\\x' AS a", '\\g'), ('', '\\d images'), ('SELECT 1;', ''))
    """
    for token in scan(text):
        if token.text == "\\":
            return text[: token.start].strip(), text[token.start :].strip()
    return text.strip(), ""


def ends(text: str) -> bool:
    """Whether the last statement of a text is closed by a semicolon.

    >>> ends("SELECT 1"), ends("SELECT ';'"), ends("SELECT 1; -- done"), ends("SELECT 1; SELECT")
    (False, False, True, False)
    """
    tokens = meaningful(scan(text))
    return bool(tokens) and tokens[-1].text == ";"

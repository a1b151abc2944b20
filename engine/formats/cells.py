"""One value as text, and what keeps text from taking hold of a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from json import dumps
from typing import Any, TextIO

from engine.result import JsonText, Result

BATCH = 500  # rows held at a time by the formats that stream

_STYLED = re.compile(r"\x1b\[[0-9;]*m")
_STYLES = {"bold": "1", "dim": "2", "red": "1;31", "yellow": "33"}
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, invisible formats, surrogates, line separators
_JOINERS = "\u200c\u200d"  # invisible as well, but they spell words and emoji


def batches(result: Result) -> Iterator[list[tuple[Any, ...]]]:
    """The rest of the rows, some hundred at a time."""
    while batch := result.fetchmany(BATCH):
        yield batch


def printable(text: str, *, keep: str = "") -> str:
    r"""Text that occupies one line and moves no cursor: what would is written as JSON escapes it.

    Control characters, line separators, bidirectional overrides and other invisible marks are escaped, except those
    in `keep`. A backslash stays single: this is for reading, not for reading back.

    >>> printable("a\nb\x1b[2J\u202e")
    'a\\nb\\u001b[2J\\u202e'
    >>> printable("a\nb\tc", keep="\n")
    'a\nb\\tc'
    """
    if text.isprintable():
        return text
    safe = _JOINERS + keep
    return "".join(
        dumps(c)[1:-1]
        if unicodedata.category(c) in _HARMFUL and c not in safe
        else c  # quotes of the JSON string off
        for c in text
    )


def escape(character: str) -> str:
    r"""A character as JSON escapes it.

    >>> escape("\x9b"), escape("\U000e0041")
    ('\\u009b', '\\udb40\\udc41')
    """
    return dumps(character)[1:-1]


def spell(value: Any, null: str = "") -> str:
    """A value as text: the one spelling that all formats but JSON share.

    >>> [spell(v) for v in (None, True, 7, 0.5, "x", b"\\x01\\xff", JsonText('{"a": [1, 2]}'))]
    ['', 'true', '7', '0.5', 'x', '01ff', '{"a":[1,2]}']
    """
    return null if value is None else _SPELLINGS.get(type(value), str)(value)


def compact(document: str) -> str:
    """A JSON document without the white space between its tokens; text that is no JSON stays as it is."""
    import msgspec

    try:
        return msgspec.json.format(str(document), indent=-1)
    except msgspec.DecodeError:
        return str(document)


def indented(document: str) -> str:
    """A JSON document over as many lines as it has members; text that is no JSON stays as it is.

    >>> print(indented('{"a":[1]}'))
    {
      "a": [
        1
      ]
    }
    """
    import msgspec

    try:
        return msgspec.json.format(str(document), indent=2)
    except msgspec.DecodeError:
        return str(document)


_SPELLINGS: dict[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    bytes: bytes.hex,
    JsonText: compact,
}


def plain(text: str) -> str:
    r"""The text without its colours.

    >>> plain("\x1b[1mid\x1b[0m")
    'id'
    """
    return _STYLED.sub("", text) if "\x1b" in text else text


def width(text: str) -> int:
    """The columns of a terminal that printable text occupies.

    >>> width("ab"), width("日本")
    (2, 4)
    """
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth

    return int(wcswidth(text))


def paint(text: str, style: str, color: bool) -> str:
    """Text in a style of `_STYLES`, where colours are wanted."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if color else text


def shown(value: Any, null: str, color: bool) -> str:
    """A value as a reader sees it: printable, NULL set apart."""
    return paint(null, "dim", color) if value is None else printable(spell(value))


def write_plan(result: Result, stream: TextIO) -> int:
    """The lines of a plan, without a frame around them."""
    lines = ["".join(printable(spell(value)) for value in row) + "\n" for row in result]
    stream.write("".join(lines))
    return len(lines)

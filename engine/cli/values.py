"""What may stand behind a flag: each reads its text or says what is wrong with it."""

from __future__ import annotations

import argparse
import math
from typing import Any
from urllib.parse import urlsplit

from engine.errors import suggest
from engine.formats import FORMATS


def output_format(text: str) -> str:
    """A name of FORMATS."""
    if text not in FORMATS:
        what = "a file is named with --outfile" if "." in text or "/" in text else suggest(text, list(FORMATS))
        raise argparse.ArgumentTypeError(f"no format {text!r}; {what}")
    return text


def delimiter(text: str) -> str:
    r"""One character; `\t` and `tab` are a tab."""
    character = {"\\t": "\t", "tab": "\t"}.get(text, text)
    if len(character) != 1 or character in '"\r\n':
        raise argparse.ArgumentTypeError(f"{text!r} is not one character that can part fields")
    return character


def server(text: str) -> tuple[str, str]:
    """`PROVIDER=URL` as a pair."""
    name, _, url = text.partition("=")
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if not name or parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is not PROVIDER=URL, such as linode=https://api.example.com")
    return name, url


def variable(text: str) -> tuple[str, Any]:
    """`NAME=VALUE` as a pair, the value typed as a plain scalar of YAML."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, such as label=web")
    from provider_registry.source import scalar

    return name, scalar(value)


def count(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def decision(text: str) -> tuple[int, str]:
    """`CALL=done` or `CALL=send` as a pair."""
    number, _, word = text.partition("=")
    if not number.isdecimal() or word not in ("done", "send"):
        raise argparse.ArgumentTypeError(f"{text!r} is not CALL=done or CALL=send, such as 3=done")
    return int(number), word


def port(text: str) -> int:
    """A port; 0 is any free one."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def seconds(text: str) -> float:
    """A time above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds

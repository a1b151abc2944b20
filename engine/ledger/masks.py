"""What of a write may be written down: no secret, wherever it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from engine.wire.masking import MASK, concealed, hidden

Scrub = Callable[[str], str]
_LITERAL = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\b[0-9][\w.]*""")


def scrubber(secrets: Sequence[str], scrub: Scrub) -> Scrub:
    """What takes the secrets at hand out of a text, and those that were used."""

    def clean(text: str) -> str:
        return scrub(concealed(text, secrets)) if secrets else scrub(text)

    return clean


def statement(text: str, *, secret: bool, scrub: Scrub) -> str:
    """A statement as it may be kept. Where one of its arguments is a secret no value in it is.

    >>> statement("EXEC p.s.r2.m @label = 'web', @root_pass = 'it''s', @pin = 1234", secret=True, scrub=str)
    "EXEC p.s.r2.m @label = '***', @root_pass = '***', @pin = '***'"
    """
    return scrub(_LITERAL.sub(f"'{MASK}'", text) if secret else text)


def arguments(args: Mapping[str, Any], scrub: Scrub) -> tuple[dict[str, Any], bool]:
    """Arguments as they may be kept, and whether something had to be masked.

    >>> arguments({"data__label": "web", "data__root_pass": "x"}, str)
    ({'data__label': 'web', 'data__root_pass': '***'}, True)
    >>> arguments({"data__users": '[{"name": "me", "password": "x"}]', "data__tags": '["a"]'}, str)
    ({'data__users': [{'name': 'me', 'password': '***'}], 'data__tags': '["a"]'}, True)
    """
    kept = {name: _masked(name, value, scrub) for name, value in args.items()}
    return kept, any(kept[name] != value for name, value in args.items())


def _masked(name: str, value: Any, scrub: Scrub) -> Any:
    """A value; JSON that is text is looked into, and stays text where there is nothing to hide."""
    opened = document(value)
    kept = _scrubbed(hidden({name: opened})[name], scrub)
    return value if kept == opened else kept


def _scrubbed(value: Any, scrub: Scrub) -> Any:
    if isinstance(value, dict):
        return {key: _scrubbed(inner, scrub) for key, inner in value.items()}
    if isinstance(value, list):
        return [_scrubbed(inner, scrub) for inner in value]
    return scrub(value) if isinstance(value, str) else value


def document(value: Any) -> Any:
    """JSON that is text, opened; any other value as it is.

    >>> document('["a"]'), document("[a"), document(5)
    (['a'], '[a', 5)
    """
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value

"""The words before the SQL of a `%sql`."""

from __future__ import annotations

import json
import keyword
import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from engine.errors import UsageError, suggest

_OPTION = re.compile(r"""\s*--(?P<name>[a-z][a-z-]*)(?P<value>=(?:"[^"]*"|'[^']*'|\S)*)?""")
_VALUE = re.compile(r"""\s+((?:"[^"]*"|'[^']*'|\S)+)""")
_TAKES = {"out": True, "var": True, "connection": True, "sandbox": None, "write": False}  # None: after = only


class Options(NamedTuple):
    """What a `%sql` is told.

    --out NAME          the rows as a DataFrame in a variable, instead of shown
    --var NAME=VALUE    a value for :name, before the notebook's variables; numbers, true, false, null are such
    --write             the statements may write
    --connection NAME   a variable that holds a connection, from here on
    --sandbox[=FILE]    the simulated API, from here on
    """

    sql: str
    out: str | None = None
    variables: Mapping[str, object] = {}
    write: bool = False
    connection: str | None = None
    sandbox: str | None = None  # "": in memory


def read(text: str) -> Options:
    """The options of a magic's text, and the SQL after them. Raises UsageError.

    >>> read("--out df --var size=5 --var label='a b' SELECT :size -- no option")[:3]
    ('SELECT :size -- no option', 'df', {'size': 5, 'label': 'a b'})
    >>> read("--sandbox SELECT 1").sandbox, read("SELECT 1").sandbox
    ('', None)
    """
    found: dict[str, str] = {}
    variables: dict[str, object] = {}
    at = 0
    while option := _OPTION.match(text, at):
        name, at = option["name"], option.end()
        if name not in _TAKES:
            raise UsageError(f"%sql knows no --{name}", hint=suggest(name, list(_TAKES)))
        value = option["value"][1:] if option["value"] is not None else None
        if value is not None and _TAKES[name] is False:
            raise UsageError(f"--{name} takes no value, found {value}", hint=f"write --{name}, or leave it out")
        if value is None and _TAKES[name]:
            word = _VALUE.match(text, at)
            if word is None:
                raise UsageError(f"--{name} needs a value", hint=f"write it as --{name} NAME")
            value, at = word[1], word.end()
        if name == "var":
            key, equals, written = (value or "").partition("=")
            if not (equals and key.isidentifier()):
                raise UsageError(f"--var takes NAME=VALUE, found {key}", hint="write it as --var size=5")
            variables[key] = _value(_unquoted(written))
        else:
            found[name] = _unquoted(value or "")
            if name == "out" and (not found[name].isidentifier() or keyword.iskeyword(found[name])):
                raise UsageError(f"--out takes the name of a variable, found {value}", hint="write it as --out df")
    sql = text[at:].strip()
    if not sql and not {"connection", "sandbox"} & found.keys():
        raise UsageError("%sql needs a statement", hint="%sql SELECT id FROM linode.images.images")
    return Options(sql, found.get("out"), variables, "write" in found, found.get("connection"), found.get("sandbox"))


def _unquoted(text: str) -> str:
    try:
        return "".join(shlex.split(text)) if text[:1] in ("'", '"') else text
    except ValueError:
        raise UsageError(f"a quote is not closed: {text}", hint="write it as --var name='a b'") from None


def _value(text: str) -> object:
    """A number, true, false or null as such; all else is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if value is None or isinstance(value, bool | int | float) else text

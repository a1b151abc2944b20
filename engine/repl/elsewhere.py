r"""Commands of other shells, and what does the same here: hands remember what they typed for years."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.errors import suggest

_DOTTED = re.compile(r"\.[a-z_]+\b", re.IGNORECASE)
_SAME = {
    "\\d": "dt dv d+ dt+ tables schema schemas describe inspect list",
    "\\dm": "df da do",
    "SHOW PROVIDERS": "l l+ list+ databases connections connection",
    "SHOW SERVICES IN a provider": "dn dn+",
    "\\use, or \\account for another account": "c connect conninfo search_path search_path_prefix open database",
    "\\?": "h help ?",
    "\\q": "quit exit",
    "\\x and \\g": "gx G",
    "\\i": "ir include read",
    "\\o": "mode output separator header headers a t H pset f nullvalue nullstr",
    "\\out": "once copy w export excel dump save",
    "\\e": "edit ef ev",
    "\\timing": "timer",
    "\\pager": "P nopager",
    "\\watch": "watch",
    "\\n": "ns nd fs fd",
    "\\token": "password",
    "Ctrl-R, which searches the history": "s history",
    "Ctrl-C, which clears what is typed": "r reset clear",
    "F3, which has Enter run at once": "multi multiline",
    "F4, which has the keys of vi": "vi",
}
_BY_NAME = {name: here for here, names in _SAME.items() for name in names.split()}


def dotted(text: str) -> str:
    r"""The command with a dot that a text is, as SQLite's shell and Steampipe's have them; "" where it is none.

    >>> dotted(".tables"), dotted(".inspect linode.images"), dotted("select 1\n.5"), dotted(".5;")
    ('.tables', '.inspect', '', '')
    """
    found = _DOTTED.match(text.lstrip())
    return found[0] if found else ""


def advice(name: str, known: Iterable[str]) -> str | None:
    r"""What to say of a command that is none here.

    >>> advice(".tables", []), advice("\\dt", []), advice(".timing", ["\\timing"])
    ('here that is \\d', 'here that is \\d', 'commands begin with a backslash: \\timing')
    >>> advice("\\wach", ["\\watch"]), advice(".frob", []), advice("\\zzz", ["\\d"])
    ('did you mean \\watch?', 'commands begin with a backslash; \\? lists them', '\\? lists the commands')
    """
    bare, known = name[1:], list(known)
    if (same := f"\\{bare}") in known:
        return f"commands begin with a backslash: {same}"
    if here := _BY_NAME.get(bare, _BY_NAME.get(bare.lower())):
        return f"here that is {here}"
    if name.startswith("."):
        return "commands begin with a backslash; \\? lists them"
    close = suggest(name, known)
    return close if close and close.startswith("did you mean") else "\\? lists the commands"

"""What SQLite complains of, placed in the statement and with what to do."""

from __future__ import annotations

import re

from engine.errors import Misuse, QueryFault, Span
from engine.language.text import Text


def no_room(error: OSError) -> QueryFault:
    """What keeps rows from waiting in a file."""
    return QueryFault(
        f"the rows cannot be kept in a temporary file: {error.strerror or error}",
        hint="make room there, or name another folder in TMPDIR; a WHERE or a LIMIT needs less",
    )


def closed() -> Misuse:
    """What keeps the rows from going on that were not read yet."""
    return Misuse(
        "the result is closed, and its other rows are gone", hint="read all of them before: fetchall() does"
    )


_HINTS = {
    "incomplete input": "the statement ends too early",
    "ambiguous column name": "put the table's alias before it: alias.column",
    "misuse of aggregate": "aggregates belong in SELECT, HAVING or ORDER BY; to filter on one use HAVING",
}


def hint_of(message: str) -> str | None:
    """What to do about it."""
    return next((hint for begin, hint in _HINTS.items() if message.startswith(begin)), None)


def place_of(message: str, text: Text) -> Span | None:
    """Where the name in SQLite's message (`no such column: i.x`, `near "x": ...`) stands in the statement."""
    if message == "incomplete input":
        end = len(text.sql.rstrip())
        return text.origin(end - 1, end)
    found = re.match(r'(?:near "(?P<near>.+?)"|[^:]*: (?P<name>\S+)|.*function (?P<call>\w+)\()', message)
    name = found and (found["near"] or found["name"] or found["call"])
    if not name:
        return None
    edges = (r"(?<!\w)", r"(?!\w)") if name.isidentifier() else ("", "")
    found_at = list(re.finditer(re.escape(name).join(edges), text.sql, re.IGNORECASE))
    return text.origin(found_at[0].start(), found_at[0].end()) if len(found_at) == 1 else None  # else it is a guess

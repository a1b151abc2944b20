"""Comparisons that are the same for every row, whatever is in it: SQLite answers them, and nobody can have meant one.

`is_public = 'false'` compares a boolean with a text, so no row is like it and every row unlike. A query is answered
as it stands, with a warning; a write that picks its rows so is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engine.errors import InvalidValue, Span, StratoqlError, suggest
from engine.language.statements import Change, Delete, Insert, Statement
from engine.planner.names import Names
from provider_registry.model import Shape

_COMPARES = re.compile(r"[=<>]|\b(in|is|between)\b", re.IGNORECASE)
_MEMBER = "to look for a member: 'web' IN (SELECT value FROM json_each({}))"


class _Literal(NamedTuple):
    """What is compared with a column of this shape, and where it stands."""

    name: str
    shape: Shape
    text: str
    span: Span


def check_write(statement: Statement, names: Names) -> None:
    """Raises InvalidValue for a write that compares a column with what none of its values can be like."""
    if isinstance(statement.body, Insert | Change | Delete):
        for error in _unlike(_literals(statement, names)):
            raise error


def doubts(statement: Statement, names: Names) -> Iterator[str]:
    """What to warn of in a statement that has been answered."""
    found = _literals(statement, names)
    if not isinstance(statement.body, Insert | Change | Delete):  # else it would have been refused
        for error in _unlike(found):
            yield f"{error.message}, which says the same of every row; {error.hint}"
    for name, shape, text, _ in found:
        if shape.enum and text not in map(str, shape.enum):
            from engine.wire.masking import shown

            known = suggest(text, [str(value) for value in shape.enum])
            yield f"{name} is never {shown(text, name)}, as far as its document knows; {known}"


def _unlike(found: Sequence[_Literal]) -> Iterator[InvalidValue]:
    for name, shape, text, span in found:
        from engine.wire.values import check_compared

        try:
            if shape.type in ("array", "object") and text[:1] not in ("[", "{"):
                raise InvalidValue(f"{name} is JSON, and this is a plain text", name=name, hint=_MEMBER.format(name))
            check_compared(shape, text, name)
        except InvalidValue as error:
            error.span = span
            yield error


def _literals(statement: Statement, names: Names) -> list[_Literal]:
    if _COMPARES.search(statement.text) is None:
        return []
    from engine.planner.comparisons import compared  # here: to read a statement once more costs some time

    try:
        found = list(compared(statement.body, names))
    except StratoqlError:
        return []  # what only a write knows, a parameter of its own, is checked when its calls are made
    made = []
    for name, shape, span in found:
        literal = statement.text[span.start : span.end]
        text = literal[1:-1].replace("''", "'") if literal.startswith("'") else literal
        made.append(_Literal(name, shape, text, span))
    return made

"""Predicates as OData writes them. Which of them may travel is `pushdown`'s to say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_WORDS = {"=": "eq", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_WILD = {"LIKE": "%_A-Za-z", "GLOB": "*?"}  # what does not stand for itself


def comparison(field: str, operator: str, values: Sequence[Any], known: Sequence[str]) -> str | None:
    """A predicate as a term of `$filter`; None where the API's operators cannot say it. None `known`: all are.

    >>> comparison("age", ">=", [5], ()), comparison("name", "=", ["O'Neil"], ["eq"])
    ('age ge 5', "name eq 'O''Neil'")
    >>> comparison("age", "IN", [1, 2], ["eq", "or"]), comparison("age", "IN", [1, 2], ["in"])
    ('(age eq 1 or age eq 2)', 'age in (1,2)')
    >>> comparison("name", "GLOB", ["Al*"], ()), comparison("name", "GLOB", ["Al*"], ["eq"])
    ("startswith(name,'Al')", None)
    """
    if operator in ("LIKE", "GLOB"):
        return _piece(field, operator, str(values[0]), known)
    if operator == "IN" and len(values) > 1:
        if not known or {"eq", "or"} <= set(known):
            return "(" + " or ".join(f"{field} eq {literal(value)}" for value in values) + ")"
        return f"{field} in ({','.join(map(literal, values))})" if "in" in known else None
    word = _WORDS["=" if operator == "IN" else operator]
    return f"{field} {word} {literal(values[0])}" if not known or word in known else None


def literal(value: Any) -> str:
    """A constant as OData writes it.

    >>> literal("it's"), literal(True), literal(1.5), literal(-3)
    ("'it''s'", 'true', '1.5', '-3')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def names(field: str) -> bool:
    """Whether a property can be named in an option."""
    return re.fullmatch(r"[A-Za-z_]\w*", field) is not None


def _piece(field: str, operator: str, pattern: str, known: Sequence[str]) -> str | None:
    """What every match of a pattern begins with, ends with or contains.

    LIKE does not tell `a` from `A` and the API may, so letters of one cannot travel. A GLOB tells them apart.

    >>> _piece("n", "LIKE", "2024-%", ()), _piece("n", "LIKE", "web%", ()), _piece("n", "GLOB", "*.iso", ["endswith"])
    ("startswith(n,'2024-')", None, "endswith(n,'.iso')")
    >>> _piece("n", "GLOB", "*x[0-9]", ()), _piece("n", "GLOB", "x*-[0-9]y", ())
    ("contains(n,'x')", "startswith(n,'x')")
    >>> _piece("n", "LIKE", "%-0_7%", ()), _piece("n", "GLOB", "*", ()), _piece("n", "GLOB", "a*b", ["contains"])
    ("contains(n,'-0')", None, "contains(n,'a')")
    """
    plain = pattern.partition("[")[0] if operator == "GLOB" else pattern
    parts = re.split(f"[{_WILD[operator]}]", plain)
    choices = [("startswith", parts[0]), ("contains", max(parts, key=len))]
    if plain == pattern:
        choices.insert(1, ("endswith", parts[-1]))
    usable = [
        (word, text) for word, text in choices if text.strip() == text and text and (not known or word in known)
    ]
    if not usable:
        return None
    word, text = max(usable, key=lambda choice: len(choice[1]))
    return f"{word}({field},{literal(text)})"

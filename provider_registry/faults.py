"""What can be wrong with a document, and with a name that is looked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple


class Fault(NamedTuple):
    """One fault of a document: where (file and JSON pointer) and what."""

    file: str
    pointer: str
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.file}#{self.pointer}: {self.message}"


class BadDocument(Exception):
    """A document cannot be used. `faults` holds every fault found, not the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class NotFound(Exception):
    """A name that is not in the catalog: what kind of thing, where it was sought, which names are there."""

    def __init__(self, kind: str, name: str, parent: str, known: Sequence[str]) -> None:
        self.kind, self.name, self.parent, self.known = kind, name, parent, tuple(known)
        super().__init__(f"no {kind} {name!r}" + (f" in {parent}" if parent else ""))


def closest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """The end of a fault's sentence that names what was probably meant. A common `prefix` makes no two names alike.

    >>> closest("selct", ["select", "insert"])
    "; did you mean 'select'?"
    >>> closest("zzz", ["select", "insert"])
    '; known here: select, insert'
    >>> closest("x-zzz", ["x-key", "x-limit"], "x-")
    '; known here: x-key, x-limit'
    >>> closest("zzz", [])
    ''
    """
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(name.removeprefix(prefix), [known.removeprefix(prefix) for known in names], n=1)
    if near:
        return f"; did you mean {prefix + near[0]!r}?"
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return f"; known here: {shown}" if names else ""

"""Backslash commands: their names, and what each takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from engine.formats import FORMATS
from engine.repl.scan import scan
from engine.repl.suggest.candidates import names
from engine.repl.suggest.known import Known, Suggestion
from engine.repl.suggest.place import locate

_MANY = 200  # files of a folder


@dataclass(frozen=True)
class Line:
    """What may stand from `start` on in a command; where a statement follows it, that begins at `statement`."""

    start: int
    found: Iterable[Suggestion] = ()
    statement: int | None = None


def command_line(text: str, cursor: int, known: Known) -> Line | None:
    """The command that the cursor stands in; None where it stands in a statement."""
    begin = next((token.start for token in scan(text) if token.text == "\\"), len(text) + 1)
    if begin >= cursor:
        return None
    name, blank, argument = text[begin:cursor].partition(" ")
    if not blank:
        whole = begin == 0 or not text[:begin].strip()
        listed = (c for c in known.commands if whole or c.trailing)
        return Line(begin, [Suggestion(c.name, "command", f"{c.usage}  {c.what}".strip()) for c in listed])
    command = next((c for c in known.commands if c.name == name), None)
    takes = command.takes if command is not None else ""
    behind = cursor - len(argument)
    if takes == "query statement":  # the text of a query follows its name
        words = argument.split(maxsplit=2)
        if words[:1] == ["save"] and (len(words) > 2 or (len(words) == 2 and argument.endswith(" "))):
            return Line(cursor, statement=cursor - len(words[2] if len(words) > 2 else ""))
    if takes == "statement":
        return Line(behind, statement=behind)
    last = argument.rpartition(" ")[2] if takes != "file" else argument
    return Line(*_ARGUMENTS.get(takes, _nothing)(last, cursor, known))


_Found = tuple[int, Iterable[Suggestion]]


def _nothing(argument: str, cursor: int, known: Known) -> _Found:
    return cursor, ()


def _name(depth: int) -> Callable[[str, int, Known], _Found]:
    """A name of so many parts, as DESCRIBE completes it."""

    def found(argument: str, cursor: int, known: Known) -> _Found:
        place = locate(f"DESCRIBE {argument}", len("DESCRIBE ") + len(argument))
        if place is None:
            return cursor, ()
        return cursor - len(place.prefix), names(place, known, depth)

    return found


def _of(words: Callable[[Known], Iterable[tuple[str, str]]]) -> Callable[[str, int, Known], _Found]:
    """One of some words, each with what is told of it."""

    def found(argument: str, cursor: int, known: Known) -> _Found:
        return cursor - len(argument), [Suggestion(word, "argument", detail) for word, detail in words(known)]

    return found


def _files(argument: str, cursor: int, known: Known) -> _Found:
    """The files of the folder that is typed; folders end in a slash."""
    folder, _, begun = argument.rpartition("/")
    return cursor - len(begun), _entries(folder + "/" if "/" in argument else ".", hidden=begun.startswith("."))


def _entries(folder: str, *, hidden: bool) -> Iterator[Suggestion]:
    with suppress(OSError), os.scandir(os.path.expanduser(folder)) as entries:
        for _, entry in zip(range(_MANY), sorted(entries, key=lambda entry: entry.name), strict=False):
            if hidden or not entry.name.startswith("."):
                folders = entry.is_dir()
                yield Suggestion(entry.name + "/" * folders, "file", "folder" if folders else "file")


_ARGUMENTS: Mapping[str, Callable[[str, int, Known], _Found]] = {
    "resource": _name(3),
    "method": _name(4),
    "file": _files,
    "provider": _of(lambda known: [(p.name, p.title) for p in known.providers()]),
    "format": _of(lambda known: [(name, "") for name in FORMATS]),
    "switch": _of(lambda known: [("on", ""), ("off", "")]),
    "expanded": _of(lambda known: [("auto", "where a table is too wide"), ("on", ""), ("off", "")]),
    "pager": _of(lambda known: [("auto", "$PAGER or less"), ("off", "")]),
    "variable": _of(lambda known: known.variables.items()),
    "query statement": _of(
        lambda known: [*((name, "query") for name in known.queries), ("save", "NAME SQL"), ("delete", "NAME")]
    ),
}

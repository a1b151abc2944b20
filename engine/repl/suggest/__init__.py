"""Completion: from a text and a cursor to suggestions, a pure function of what is known.

`place` finds where the cursor stands, `candidates` what fits there, `inside` what fits inside quotes, `ranking` what
of it fits what is typed. Nothing here touches the network; documents are read from the disk, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.repl.suggest.candidates import candidates
from engine.repl.suggest.inside import hints, inside
from engine.repl.suggest.known import Known, Suggestion
from engine.repl.suggest.lines import command_line
from engine.repl.suggest.place import locate
from engine.repl.suggest.ranking import ranked
from provider_registry.catalog import Catalog

if TYPE_CHECKING:
    from engine.repl.commands.registry import Command

__all__ = ["Suggestion", "suggest"]


def suggest(
    text: str,
    cursor: int,
    catalog: Catalog,
    *,
    provider: str | None = None,
    variables: Mapping[str, str] | None = None,
    queries: Sequence[str] = (),
    commands: Sequence[Command] = (),
) -> list[Suggestion]:
    """What may stand at the cursor, the likeliest first.

    >>> text = "SELECT  FROM linode.images.images WHERE status = 'a"
    >>> [s.text for s in suggest(text, len(text), Catalog())]
    ["'available'"]
    >>> [s.text for s in suggest(text, 7, Catalog())][:3]
    ['id', 'capabilities', 'created']
    """
    known = Known(catalog, provider, variables or {}, queries, commands)
    return list(_suggested(text, cursor, known))


def _suggested(text: str, cursor: int, known: Known) -> Iterator[Suggestion]:
    line = command_line(text, cursor, known)
    if line is not None:
        if line.statement is None:
            yield from ranked(line.found, text[line.start : cursor], line.start)
            return
        text, cursor, shift = text[line.statement :], cursor - line.statement, line.statement
    else:
        shift = 0
    hinted = hints(text, cursor)
    if hinted is not None:
        yield from (
            replace(suggestion, start=suggestion.start + shift)
            for suggestion in ranked(hinted.found, text[hinted.start : cursor], hinted.start)
        )
        return
    place = locate(text, cursor)
    if place is None:
        return
    quoted = inside(place, text, cursor, known)
    if quoted is not None:
        found = ranked(quoted.found, text[quoted.start : cursor], quoted.start)
    elif place.under is not None and place.under.kind in ("number", "place"):
        return
    else:
        found = ranked(candidates(place, known), place.prefix, place.start)
    yield from (replace(suggestion, start=suggestion.start + shift) for suggestion in found)

"""What of the candidates fits what is typed, and in which order: fuzzy, the plain match before the far one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.repl.suggest.known import Suggestion

_CASED = ("keyword", "verb")
_FARTHEST = {"keyword": 1, "verb": 1, "value": 1, "function": 2}  # of what is in every menu, only what fits well


def ranked(found: Iterable[Suggestion], prefix: str, start: int) -> Iterator[Suggestion]:
    """Those that fit, best first, each text once. Words of the language take the case of what is typed.

    >>> found = [Suggestion("total_size", "column"), Suggestion("size", "column"), Suggestion("SELECT", "verb")]
    >>> [s.text for s in ranked(found, "s", 0)], [s.text for s in ranked(found, "tsz", 0)]
    (['size', 'select', 'total_size'], ['total_size'])
    """
    folded = prefix.casefold()
    lower = bool(prefix) and prefix.islower()
    scored = []
    for number, suggestion in enumerate(found):
        distance = far(suggestion.text.casefold(), folded)
        if distance is not None and distance <= _FARTHEST.get(suggestion.kind, 3):
            scored.append((distance, suggestion.rank, number, suggestion))
    seen: set[str] = set()
    for *_, suggestion in sorted(scored, key=lambda entry: entry[:3]):
        text = suggestion.text.lower() if lower and suggestion.kind in _CASED else suggestion.text
        if text not in seen and not (text == prefix and suggestion.kind in _CASED):
            seen.add(text)
            yield replace(suggestion, text=text, start=start)


def far(text: str, typed: str) -> int | None:
    """How far a text is from what is typed of it; None: it is something else. Both in lower case.

    The beginning, the beginning of a part, anywhere, letters in this order with others between.

    >>> [far("linode.images.images", typed) for typed in ("", "lin", "ima", "mages", "lii", "xl")]
    [0, 0, 1, 2, 3, None]
    """
    if text.startswith(typed):
        return 0
    at = text.find(typed)
    if at > 0:
        parts = (at > 0 and not text[n - 1].isalnum() for n in range(len(text)) if text.startswith(typed, n))
        return 1 if any(parts) else 2
    letters = iter(text)
    return 3 if all(letter in letters for letter in typed) else None

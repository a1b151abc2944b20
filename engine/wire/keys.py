"""Paths into a JSON body, as the model spells them: `$.data`, `$.a[*].b`, `$['odd name']`, `$..x`, a bare key."""

from __future__ import annotations

import re
from functools import lru_cache

Parts = tuple[str, ...]  # names of members; EACH is every element of an array, DEEP any depth
EACH, DEEP = "[*]", ".."  # neither can be a name: the grammar below keeps dots and brackets for odd names only
_PART = re.compile(
    r"(?P<deep>\.\.)(?P<below>[^.\[\]]+)|\.?(?P<name>[^.\[\]]+)|\[(?P<each>\*)\]|\[(?P<quote>['\"])(?P<odd>.+?)(?P=quote)\]"
)


@lru_cache(maxsize=1024)
def parts(key: str | None) -> Parts:
    """The parts of a path; a text that is no path is the name of one member.

    >>> parts("$.a[*].b"), parts("data"), parts("$"), parts(None)
    (('a', '[*]', 'b'), ('data',), (), ())
    >>> parts("$['@odata.nextLink']"), parts("$..x"), parts("/Response/Items")
    (('@odata.nextLink',), ('..', 'x'), ('/Response/Items',))
    """
    if not key:
        return ()
    found: list[str] = []
    at = 1 if key.startswith("$") and (len(key) == 1 or key[1] in ".[") else 0
    while at < len(key):
        match = _PART.match(key, at)
        if match is None:
            return (key,)
        at = match.end()
        if match["deep"]:
            found += [DEEP, match["below"]]
        else:
            found.append(EACH if match["each"] or match["name"] == "*" else match["name"] or match["odd"])
    return tuple(found)

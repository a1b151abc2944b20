"""Names for SQL out of paths and ids: in snake case, each different from the others."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\dA-Za-z_]+")
_EDITION = re.compile(r"v[0-9]+([._-]?[0-9]+)*((alpha|beta|rc)[0-9]*)?|api", re.IGNORECASE)
_FILE = re.compile(r"\.(json|xml|ya?ml)$", re.IGNORECASE)

_SPOKEN = """
alter and as between create cross distinct drop else except fetch for from glob having inner insert intersect into
join lateral like not notnull on or outer qualify regexp returning rollback select tablesample then union using values
when where with
"""  # words that cannot stand in a dotted name without quotes


def sayable(name: str) -> str:
    """A name that SQL takes between dots without quotes.

    >>> sayable("values"), sayable("orders")
    ('values_', 'orders')
    """
    return f"{name}_" if name in _SPOKEN.split() else name


def snake(text: str, default: str = "unnamed") -> str:
    """A text as a name that SQL takes without quotes.

    >>> [snake(text) for text in ("listPets", "HTTPServers", "Pet Owners", "v2-beta", "123go", "日本", "{}")]
    ['list_pets', 'http_servers', 'pet_owners', 'v_2_beta', '_123_go', '日本', 'unnamed']
    """
    name = "_".join(_WORD.findall(text)).lower()
    name = re.sub(r"\W", "_", name)
    return (f"_{name}" if name[:1].isdigit() else name) or default


def path_parts(path: str) -> list[tuple[str, bool]]:
    """The parts of a path, and of each whether it is a placeholder. What is behind a colon is a part of its own.

    >>> path_parts("/pets/{petId}/toys.json")
    [('pets', False), ('petId', True), ('toys', False)]
    >>> path_parts("/jobs/{id}:cancel")
    [('jobs', False), ('id', True), ('cancel', False)]
    """
    found: list[tuple[str, bool]] = []
    for part in filter(None, path.split("/")):
        if part.startswith("{"):
            name, _, rest = part[1:].partition("}")
            found.append((name, True))
            action = rest.rpartition(":")[2] if ":" in rest else ""
            found += [(action, False)] if action else []
        else:
            word, _, action = _FILE.sub("", part).partition(":")
            found += [(text, False) for text in (word, action) if text]
    return found


def words(path: str) -> tuple[str, ...]:
    """The fixed parts of a path by which things are called; the edition of the API is none.

    >>> words("/api/v4beta/images/{imageId}/regions")
    ('images', 'regions')
    """
    fixed = [text for text, placeholder in path_parts(path) if not placeholder]
    while fixed and _EDITION.fullmatch(fixed[0]):
        fixed.pop(0)
    return tuple(snake(text) for text in fixed)


def distinct(keys: Sequence[tuple[str, ...]]) -> list[str]:
    """A name for each key: its last word, or as many of its last words as tell it from the others; then a number.

    >>> distinct([("repos",), ("users", "repos"), ("orgs", "repos"), ("orgs",), ("orgs",)])
    ['repos', 'users_repos', 'orgs_repos', 'orgs', 'orgs_2']
    """
    lengths = [1] * len(keys)
    while True:
        groups = defaultdict(list)
        for index, (key, length) in enumerate(zip(keys, lengths, strict=True)):
            groups["_".join(key[-length:])].append(index)
        grow = [i for group in groups.values() if len(group) > 1 for i in group if lengths[i] < len(keys[i])]
        if not grow:
            return numbered("_".join(key[-length:]) for key, length in zip(keys, lengths, strict=True))
        for index in grow:
            lengths[index] += 1


def numbered(names: Iterable[str]) -> list[str]:
    """The same names, those that come again with a number.

    >>> numbered(["get", "get", "get_2", "get"])
    ['get', 'get_3', 'get_2', 'get_4']
    """
    listed = list(names)
    taken, found = set(listed), []
    seen: set[str] = set()
    for name in listed:
        free, number = name, 2
        while free in seen or (free != name and free in taken):
            free, number = f"{name}_{number}", number + 1
        seen.add(free)
        found.append(free)
    return found

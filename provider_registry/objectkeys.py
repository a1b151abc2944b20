"""Object keys: where in a response something stands.

Documents write them as `$.data`, `data`, `$.a[*].b`, `$['odd name']`, `$..x`. The model keeps one spelling of each.
The dot in names such as `@odata.nextLink` is part of the name.
"""

from __future__ import annotations

import re
from collections import deque

from provider_registry.nodes import Node
from provider_registry.shapes import fold

Parts = tuple[str, ...]  # names of members; `*` is each element of an array, `..` any depth
_FAR = 1000  # schemas looked at for `$..x`
EACH, DEEP = "*", ".."
_PART = re.compile(
    r"\.\.(?=[\w@$-])|\.?(?P<name>@\w+\.\w+|[\w@$-]+)|\[(?P<each>\*)\]|\[(?P<quote>['\"])(?P<odd>.+?)(?P=quote)\]|\.(?P<all>\*)"
)


def parts(key: str) -> Parts | None:
    """The parts of an object key; None where it is in no form that is known, an XPath for one.

    >>> parts("$.a[*].b"), parts("data"), parts("$"), parts("$['@odata.nextLink']"), parts("$..x")
    (('a', '*', 'b'), ('data',), (), ('@odata.nextLink',), ('..', 'x'))
    >>> parts("/Response/Items")
    """
    found: list[str] = []
    at = 1 if key.startswith("$") and (len(key) == 1 or key[1] in ".[") else 0
    while at < len(key):
        match = _PART.match(key, at)
        if match is None:
            return None
        at = match.end()
        name = match["name"] or match["odd"]
        found.append(name or (EACH if match["each"] or match["all"] else DEEP))
    return tuple(found)


def spelled(found: Parts) -> str | None:
    """The one spelling of an object key; None for the body itself. A final `[*]` says nothing more.

    >>> spelled(("a", "*", "b")), spelled(("data", "*")), spelled(()), spelled(("@odata.nextLink",))
    ('$.a[*].b', '$.data', None, "$['@odata.nextLink']")
    """
    while found and found[-1] == EACH:
        found = found[:-1]
    text = "$"
    for part in found:
        if part == EACH:
            text += "[*]"
        elif part == DEEP:
            text += "."
        else:
            text += f".{part}" if re.fullmatch(r"[\w$-]+", part) else f"['{part}']"
    return text if found else None


def locate(schema: Node, found: Parts) -> Node | None:
    """The schema of what an object key names; None where the schema does not know it."""
    for index, part in enumerate(found):
        folded = fold(schema)
        if part == DEEP:
            return _anywhere(schema, found[index + 1 :])
        if folded.type == "array" and "items" in folded.words:
            schema = folded.words["items"]  # a member of an array is the member of each of its elements
            if part == EACH:
                continue
            folded = fold(schema)
        if part not in folded.properties:
            return None
        schema = folded.properties[part]
    return schema


def _anywhere(schema: Node, found: Parts) -> Node | None:
    """The same below, at the least depth; schemas that lead back to themselves are looked at once."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    pending = deque([schema])
    while pending and len(seen) < _FAR:
        node = pending.popleft()
        if (node.file, node.pointer) in seen:
            continue
        seen.add((node.file, node.pointer))
        if (here := locate(node, found)) is not None:
            return here
        folded = fold(node)
        pending.extend(folded.properties.values())
        if "items" in folded.words:
            pending.append(folded.words["items"])
    return None

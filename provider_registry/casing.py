"""Names in snake case beside the API's own: a provider's `snake_case_aliases`, a method's `request.nativeCasing`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from provider_registry.config import Levels, nearest
from provider_registry.inputs import Pair
from provider_registry.model import Column
from provider_registry.nodes import Node

_BODY = "data__"
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake(name: str) -> str:
    """A name in snake case. One that has an underscore already is left as it is, whatever else is in it.

    >>> [snake(name) for name in ("displayName", "VPCId", "page-size", "data__diskId", "is_Public", "id", "VPCs")]
    ['display_name', 'vpc_id', 'page_size', 'data__disk_id', 'is_Public', 'id', 'vpcs']
    """
    prefix, rest = (_BODY, name.removeprefix(_BODY)) if name.startswith(_BODY) else ("", name)
    if "_" in rest:
        return name
    plural = re.sub(r"([A-Z]{2,})s(?=$|[A-Z])", lambda match: match[0].title(), rest)  # an acronym in the plural
    return prefix + _WORD.sub("_", plural).replace("-", "_").lower()


def snaked(levels: Levels) -> bool:
    """Whether a document wants its names in snake case."""
    node = nearest(levels, "snake_case_aliases")
    return node is not None and node.value is True


def renamed(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Columns in snake case; one whose name would be another's keeps its own."""
    taken = {column.name.casefold() for column in columns if snake(column.name) == column.name}
    made = []
    for column in columns:
        name = snake(column.name)
        if name != column.name and name.casefold() not in taken:
            taken.add(name.casefold())
            column = replace(column, name=name, wire=column.name)
        made.append(column)
    return tuple(made)


def spelled(pairs: Sequence[Pair], method: Node, levels: Levels) -> list[Pair]:
    """Inputs that answer to snake case: as their name where the provider wants that, else as a second name."""
    first = snaked(levels)
    if not first and not method.get("request").text("nativeCasing"):
        return list(pairs)
    taken = {name.casefold() for param, _ in pairs for name in (param.name, param.alias) if name}
    made = []
    for param, node in pairs:
        name = snake(param.name)
        if name.casefold() not in taken:
            taken.add(name.casefold())
            if first:
                param = replace(param, name=name, alias=param.alias or param.name)
            elif param.alias is None:
                param = replace(param, alias=name)
        made.append((param, node))
    return made

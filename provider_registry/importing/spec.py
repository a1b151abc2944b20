"""An OpenAPI document, read and checked: its operations, and what all of them share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from provider_registry.faults import BadDocument, Fault
from provider_registry.importing.editions import lifted
from provider_registry.nodes import Library, Node, broken_references

READ = ("get", "put", "post", "delete", "patch")  # the verbs of HTTP that something in SQL stands for


class Operation(NamedTuple):
    """One verb on one path. `item` is the path's whole item, a reference to it followed."""

    path: str
    http: str
    item: Node
    node: Node

    @property
    def title(self) -> str:
        """What remarks call it."""
        return f"{self.http.upper()} {self.path}"

    def parameters(self) -> dict[tuple[str, str], Node]:
        """By place and name; those of the operation stand above the item's."""
        found = {}
        for node in (*self.item.elements("parameters"), *self.node.elements("parameters")):
            found[(node.text("in"), node.text("name"))] = node
        return found

    def query(self) -> dict[str, Node]:
        """The parameters of the query, by name."""
        return {name: node for (place, name), node in self.parameters().items() if place == "query"}


def read(path: Path) -> Node:
    """The document in a file, with every file it refers to. Raises BadDocument with all its faults."""
    library = Library(path.absolute().parent)
    document = library.open(path.absolute())
    _refuse(library)
    said = document.value if isinstance(document.value, dict) else {}
    if "swagger" in said:
        raise _bad(document, "/swagger", "this is Swagger 2.0: convert it to OpenAPI 3, then import that")
    if not str(said.get("openapi", "")).startswith("3."):
        raise _bad(document, "", "this is no OpenAPI 3 document: it has no key openapi that says 3.0 or 3.1")
    seen: set[str] = set()
    while fresh := [root for root in library.files() if root.file not in seen]:
        for root in fresh:
            seen.add(root.file)
            broken_references(root)
    _refuse(library)
    if not any(operations(document)):
        raise _bad(document, "/paths", "there is no operation in it that SQL could stand for")
    _refuse(library)
    return lifted(document)


def operations(document: Node) -> Iterator[Operation]:
    """What SQL can stand for, in document order."""
    for path, item in document.entries("paths"):
        if path.startswith("/"):
            for http in item.mapping():
                if http in READ:
                    yield Operation(path, http, item, item.get(http))


def references(value: Any) -> Iterator[str]:
    """Every `$ref` in a value."""
    pending = [value]
    while pending:
        at = pending.pop()
        if isinstance(at, dict):
            if isinstance(at.get("$ref"), str):
                yield at["$ref"]
            pending.extend(at.values())
        elif isinstance(at, list):
            pending.extend(at)


def _refuse(library: Library) -> None:
    """A reference that leads nowhere is an error here: what it meant cannot be asked of anybody later."""
    if library.faults:
        raise BadDocument([fault._replace(severity="error") for fault in library.faults])


def _bad(document: Node, pointer: str, message: str) -> BadDocument:
    return BadDocument([Fault(document.file, pointer, message)])

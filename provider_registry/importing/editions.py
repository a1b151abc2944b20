"""A placeholder that every path begins with, `/{apiVersion}/images`: a part of the address, not of each call."""

from __future__ import annotations

from typing import Any

from provider_registry.nodes import Node
from provider_registry.shapes import fold


def lifted(document: Node) -> Node:
    """A document with such a placeholder made a variable of its servers, where it is known what may stand there."""
    paths = [path for path, _ in document.entries("paths") if path.startswith("/")]
    first = {path.split("/")[1] for path in paths}
    start = next(iter(first), "")
    if len(first) != 1 or not (start.startswith("{") and start.endswith("}")) or f"/{start}" in paths:
        return document
    name = start[1:-1]
    variable = _variable(name, document)
    if variable is None:
        return document
    value = {**document.value, "servers": [_server(node, name, variable) for node in document.elements("servers")]}
    value["paths"] = {path.removeprefix(f"/{start}"): _item(item, name) for path, item in document.entries("paths")}
    return Node(value, document.file, document.pointer, document.library)


def _variable(name: str, document: Node) -> dict[str, Any] | None:
    """What may stand in the placeholder's place, by its first declaration that says so."""
    for _, item in document.entries("paths"):
        for place in (item, *(item.get(http) for http in item.mapping() if isinstance(item.value[http], dict))):
            for parameter in place.elements("parameters"):
                if (parameter.text("in"), parameter.text("name")) == ("path", name):
                    folded = fold(parameter.get("schema"))
                    values = [str(value) for value in folded.word("enum") or ()]
                    default = folded.word("default") or next(iter(values), None)
                    return (
                        None if default is None else {"default": str(default), **({"enum": values} if values else {})}
                    )
    return None


def _server(node: Node, name: str, variable: dict[str, Any]) -> dict[str, Any]:
    variables = {**node.get("variables").mapping(), name: variable}
    return {**node.mapping(), "url": f"{node.text('url').rstrip('/')}/{{{name}}}", "variables": variables}


def _item(item: Node, name: str) -> Any:
    """A path's item, a reference to it followed, without the declarations of the placeholder."""
    if item.file != item.library.files()[0].file:
        return item.value  # another file's references would change their meaning
    made = {key: value for key, value in item.mapping().items() if key != "$ref"}
    for key, value in made.items():
        if key == "parameters":
            made[key] = _without(item, name)
        elif isinstance(value, dict) and "parameters" in value:
            made[key] = {**value, "parameters": _without(item.get(key), name)}
    return made


def _without(owner: Node, name: str) -> list[Any]:
    listed = owner.get("parameters").sequence()
    nodes = owner.elements("parameters")
    return [
        raw for raw, node in zip(listed, nodes, strict=True) if (node.text("in"), node.text("name")) != ("path", name)
    ]

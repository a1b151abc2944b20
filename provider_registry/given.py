"""What a document gives itself: values of inputs, what is in every body, second names of its attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from msgspec.structs import replace

from provider_registry.config import Levels, nearest
from provider_registry.inputs import Pair
from provider_registry.nodes import Node
from provider_registry.shapes import plain
from provider_registry.source import parse


def preset(node: Node, inputs: Sequence[Pair]) -> tuple[dict[str, Any], list[Pair]]:
    """What a document gives to inputs itself, by their SQL names, and the inputs: those need not be given."""
    said = node.get("parameters").mapping()
    found: dict[str, Any] = {}
    pairs = []
    for param, where in inputs:
        if param.wire in said:
            found[param.name] = plain(said[param.wire])
            param = replace(param, required=False)
        pairs.append((param, where))
    for name in said:
        if name not in [param.wire for param, _ in inputs]:
            node.get("parameters").fault(f"the method has no input {name!r}", name, severity="warning")
    return found, pairs


def constant(node: Node, key: str) -> dict[str, Any]:
    """What a body holds before anything is put in it: written as a mapping, or as the text of JSON."""
    said = node.get("request").child(key)
    value = parse(said.value.encode())[0] if isinstance(said.value, str) else said.value
    if value is not None and not isinstance(value, dict):
        said.fault("must be a mapping or the text of a JSON object")
    return cast(dict[str, Any], plain(value)) if isinstance(value, dict) else {}


def naming(levels: Levels) -> Node | None:
    """The block that says how attributes of a body are called. Some documents say it of the request."""
    found, other = nearest(levels, "requestBodyTranslate"), nearest(levels, "requestTranslate")
    return other if found is None and other is not None and other.text("algorithm").startswith("naive") else found


def second_names(node: Node, attributes: Sequence[Pair]) -> list[Pair]:
    """Attributes with the names that `projection_map` gives them beside their own."""
    said = node.get("request").get("projection_map").mapping()
    names = {wire: name for name, wire in said.items() if isinstance(wire, str)}
    return [(replace(p, alias=p.alias or names.get(p.wire)), where) for p, where in attributes]

"""The inputs of a method: parameters of path, query and header, attributes of the body, variables of the server."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from msgspec.structs import replace

from provider_registry.faults import closest
from provider_registry.model import Param, Shape
from provider_registry.nodes import Node
from provider_registry.protocol import Location, Server, Variable
from provider_registry.shapes import example, fold, place_of, plain, read_only, shape

PLACEHOLDER = re.compile(r"{([^{}]*)}")
_IGNORED_HEADERS = ("accept", "content-type", "authorization")  # OpenAPI gives these another place
_FORM = re.compile(r"{([^{}:]+):[^{}]*}")  # `{site:.+}`: a variable and a form of its values, which is not looked at
Pair = tuple[Param, Node]  # a parameter, and where it is declared


def parameters(path: str, item: Node, operation: Node) -> list[Pair]:
    """The declared parameters of a path; those of the operation stand above the path item's.

    A placeholder that is spelled otherwise than its parameter (`{a_b}`, `a-b`: seen in published documents) is
    matched to it.
    """
    declared: dict[tuple[str, str], Node] = {}
    for node in (*item.elements("parameters"), *operation.elements("parameters")):
        if node.text("in") and node.text("name"):
            declared[(node.text("in"), node.text("name"))] = node
        else:
            node.fault("a parameter has a name and a place: in is path, query or header")
    found = [(param, node) for node in declared.values() if (param := _parameter(node)) is not None]
    names = PLACEHOLDER.findall(path)
    pairs = [(matched, node) for param, node in found if (matched := _placed(param, node, names)) is not None]
    known = [param.wire for param, _ in pairs if param.location == "path"]
    for name in names:
        if name not in known:
            near = closest(name, [param.wire for param, _ in found if param.location == "path"])
            item.fault(f"the path has {{{name}}}, but there is no path parameter of that name{near}")
    return pairs


def _parameter(node: Node) -> Param | None:
    name, place = node.text("name"), node.text("in")
    if place == "cookie" or (place == "header" and name.lower() in _IGNORED_HEADERS):
        if place == "cookie":
            node.fault(f"the cookie {name} is not sent", severity="warning")
        return None
    if place not in ("path", "query", "header"):
        near = closest(place, ("path", "query", "header"))
        node.fault(f"a parameter cannot be in {place!r}{near}", "in")
        return None
    schema = _schema(node)
    folded = fold(schema) if schema else None
    given, default = node.child("example").value, folded.word("default") if folded else None
    needed = place == "path" or (node.flag("required") and not node.flag("allowEmptyValue"))
    return Param(
        name=name,
        wire=name,
        location=cast(Location, place),
        shape=shape(schema, sent=True) if schema else Shape(),
        required=needed and default is None,
        default=default,
        # what is required and has a default, as `api-version` has, nobody wants to say; nor the version in a header
        always=default is not None and (needed or (place == "header" and not node.flag("allowEmptyValue"))),
        alias=node.text("x-stackQL-alias") or None,
        key=node.text("x-stratoql-key") or None,
        description=node.text("description"),
        example=plain(given) if given is not None or not folded else example(folded),
    )


def _schema(node: Node) -> Node | None:
    """The schema of a parameter: its own, that of its first media type, or, in the older style, the node itself."""
    if node.has("schema"):
        return node.get("schema")
    media = next((media for _, media in node.entries("content")), None)
    if media:
        return media.get("schema")
    return node if node.has("type") else None


def _placed(param: Param, node: Node, names: Sequence[str]) -> Param | None:
    """A parameter matched to the path's placeholders; a path parameter without one is left out."""
    if param.location != "path" or param.name in names:
        return param
    near = next((name for name in names if _folded(name) == _folded(param.name)), None)
    if near is None:
        node.fault(f"the path has no {{{param.name}}}, so this parameter is left out", severity="warning")
        return None
    node.fault(f"the path spells this parameter {{{near}}}", "name", severity="warning")
    return replace(param, wire=near, alias=param.alias or near)


def _folded(name: str) -> str:
    return name.replace("-", "_").lower()


def distinct(pairs: Iterable[Pair]) -> list[Pair]:
    """The same inputs, each of a name of its own: of two that share one, the later is called after its place too."""
    names: set[str] = set()
    found: list[Pair] = []
    for param, node in pairs:
        if param.name.casefold() in names:
            free = f"{param.location}__{param.name}"
            node.fault(f"{param.name} is the name of another input: in SQL this one is {free}", severity="warning")
            param = replace(param, name=free)
        names.add(param.name.casefold())
        found.append((param, node))
    return found


@dataclass(frozen=True)
class Attribute:
    """An attribute of the body, before it has its SQL name."""

    wire: str
    node: Node
    required: bool
    parents: tuple[str, ...] = ()


Naming = Callable[[Node, str], list[tuple[str, Attribute]]]  # body's schema, rest of the algorithm's name


def _prefixed(schema: Node, _: str) -> list[tuple[str, Attribute]]:
    return [(f"data__{attribute.wire}", attribute) for attribute in _attributes(schema)]


def _bare(schema: Node, _: str) -> list[tuple[str, Attribute]]:
    return [(attribute.wire, attribute) for attribute in _attributes(schema)]


def _below(schema: Node, path: str) -> list[tuple[str, Attribute]]:
    """Below the path, attributes have their bare names; those beside it are prefixed."""
    parents: tuple[str, ...] = ()
    inner = schema
    for part in path.split("."):
        members = fold(inner).properties
        if part not in members:
            inner.fault(f"the body has no attribute {part!r} for naive_{path}{closest(part, members)}")
            return _prefixed(schema, "")
        parents, inner = (*parents, part), members[part]
    below = [(a.wire, dataclasses.replace(a, parents=parents)) for a in _attributes(inner)]
    return below + [(name, a) for name, a in _prefixed(schema, "") if a.wire != parents[0]]


NAMINGS: Mapping[str, Naming] = {"default": _prefixed, "naive": _bare, "naive_": _below}  # `x_` takes a path after it


def _attributes(schema: Node) -> list[Attribute]:
    """What can be sent: read-only attributes have no place in a body."""
    folded = fold(schema)
    return [
        Attribute(name, node, name in folded.required or fold(node).word("x-alwaysRequired") is True)
        for name, node in folded.properties.items()
        if not read_only(node)
    ]


def body(schema: Node, translate: Node | None, required: Iterable[str], taken: Iterable[str]) -> list[Pair]:
    """The attributes of a body as parameters, named by the algorithm of `requestBodyTranslate`.

    A parameter of the same name wins: the attribute keeps the prefix then, and is not required, for what it says
    stands in the parameter already.
    """
    algorithm = translate.text("algorithm", "default") if translate else "default"
    naming, path = NAMINGS.get(algorithm), ""
    if naming is None and "_" in algorithm:
        head, _, path = algorithm.partition("_")
        naming = NAMINGS.get(f"{head}_")
    if naming is None:
        (translate or schema).fault(f"there is no algorithm {algorithm!r}{closest(algorithm, NAMINGS)}", "algorithm")
        naming = _prefixed
    names, needed, pairs = {name.casefold() for name in taken}, set(required), []
    for name, attribute in naming(schema, path):
        clash = name.casefold() in names
        free = name
        while free.casefold() in names:
            free = f"data__{free}"
        names.add(free.casefold())
        must = attribute.required or (attribute.wire in needed and not attribute.parents)
        pairs.append((_body_param(free, attribute, must and not clash), attribute.node))
    return pairs


def _body_param(name: str, attribute: Attribute, required: bool) -> Param:
    """An attribute as a parameter. What creates a thing mostly takes the attributes of what changes it."""
    node = attribute.node
    place, memo = (*place_of(node), name, attribute.wire, attribute.parents, required), node.library.memo
    if place not in memo:
        memo[place] = _made(name, attribute, required)
    return cast(Param, memo[place])


def _made(name: str, attribute: Attribute, required: bool) -> Param:
    folded = fold(attribute.node)
    alias = folded.word("x-stackQL-alias")
    return Param(
        name=name,
        wire=attribute.wire,
        location="body",
        parents=attribute.parents,
        shape=shape(attribute.node, sent=True),
        required=required,
        default=folded.word("default"),
        alias=alias if isinstance(alias, str) else None,
        description=str(folded.word("description") or ""),
        example=example(folded),
    )


def server(places: Iterable[Node]) -> tuple[Server, list[Pair]]:
    """The server of a method, from the nearest place that names one, and its variables as parameters."""
    chosen = next((place for place in places if place and place.value), None)
    node = chosen.get("0") if chosen is not None and isinstance(chosen.value, list) else chosen
    if node is None or not node:
        return Server(url=""), []
    if isinstance(node.value, str):  # baseUrl
        node = Node({"url": node.value}, node.file, node.pointer, node.library)
    url = _FORM.sub(r"{\1}", node.text("url")).rstrip("/")
    if not re.match(r"https?://[^/]", url):
        node.fault(f"the address of a server begins with https://, got {url!r}", "url")
    variables = dict(node.entries("variables"))
    for name in PLACEHOLDER.findall(url):
        if name not in variables:
            node.fault(f"the address has {{{name}}}, but there is no variable of that name", "url")
    used = {name: variable for name, variable in variables.items() if f"{{{name}}}" in url}
    pairs = [(_server_param(name, variable), variable) for name, variable in used.items()]
    env = node.text("x-stratoql-env") or None
    return Server(url=url, variables={name: _variable(v) for name, v in used.items()}, env=env), pairs


def _variable(node: Node) -> Variable:
    return Variable(
        default=node.text("default"),
        enum=node.texts("enum"),
        env=_env(node),
        description=node.text("description"),
    )


def _env(node: Node) -> str | None:
    return node.text("x-stratoql-env") or node.text("x-stackQL-envVar") or None


def _server_param(name: str, node: Node) -> Param:
    """A variable as an input; without a default, and a variable of the environment, it has to be given."""
    default: Any = node.text("default") or None
    if default is not None and node.texts("enum") and default not in node.texts("enum"):
        node.fault(f"the default {default!r} is not among the values of enum", "default")
    return Param(
        name=name,
        wire=name,
        location="server",
        shape=Shape(enum=node.texts("enum")),
        required=default is None and _env(node) is None,
        default=default,
        description=node.text("description"),
    )

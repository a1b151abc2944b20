"""Resources into the documents of their services, as plain values: what of the document they need, and our keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from provider_registry.importing import security
from provider_registry.importing.answers import Answer, answered, is_list, object_key, pages, row_of, sized
from provider_registry.importing.names import path_parts, snake
from provider_registry.importing.paths import Drafted, Table
from provider_registry.importing.spec import Operation, references
from provider_registry.inputs import PLACEHOLDER
from provider_registry.model import VERBS
from provider_registry.nodes import Node, pointer_parts, pointer_text
from provider_registry.shapes import fold

RESOURCES = "#/components/x-stackQL-resources"
_EXACT = ["=", "<", "<=", ">", ">=", "IN"]
_FILTERS: Mapping[str, dict[str, Any]] = {  # by the type of a column: what of X-Filter is safe for it
    "boolean": {"exact": ["="]},
    "integer": {"exact": _EXACT},
    "number": {"exact": _EXACT},
    "string": {"inexact": ["=", "IN"]},
}
Rewrite = Callable[[Any, str], Any]  # a value of a file, its references made those of a service's document
Remark = Callable[[str], None]


class Shared(NamedTuple):
    """What the documents of all services share."""

    document: Node
    servers: list[Any]
    schemes: Mapping[str, security.Block]
    auth: dict[str, Any] | None  # that of most operations; it stands on the provider
    rewrite: Rewrite
    remark: Remark


def service(name: str, tables: Sequence[Table], shared: Shared) -> dict[str, Any]:
    """The document of a service."""
    resources = {table.name: _resource(table, shared) for table in tables}
    config = _lift(resources)
    paths = {}
    for table in tables:
        for method in table.methods:
            paths[method.operation.path] = _item(method.operation.path, table, shared)
    described = _tag(name, shared.document)
    info = {"title": described.text("name") or name.replace("_", " ").capitalize()}
    info |= {"description": described.text("description")} if described.text("description") else {}
    version = shared.document.get("info").text("version")
    made: dict[str, Any] = {
        "openapi": shared.document.text("openapi"),
        "info": info | {"version": version or "1"},
        "servers": shared.servers,
        **({"x-stackQL-config": config} if config else {}),
        "paths": paths,
        "components": {},
    }
    _gather(made, shared)
    made["components"]["x-stackQL-resources"] = resources
    return made


def _tag(name: str, document: Node) -> Node:
    """The tag that a service is made of."""
    found = (tag for tag in document.elements("tags") if snake(tag.text("name")) == name)
    return next(found, Node(None, document.file, (), document.library))


def _resource(table: Table, shared: Shared) -> dict[str, Any]:
    methods = {method.name: _method(method, table, shared) for method in table.methods}
    verbs: dict[str, list[dict[str, str]]] = {}
    for verb in VERBS:
        names = [method.name for method in table.methods if method.verb == verb]
        if names:
            verbs[verb] = [{"$ref": f"{RESOURCES}/{table.name}/methods/{name}"} for name in names]
    return {
        "id": f"{table.service}.{table.name}",
        "name": table.name,
        "title": table.name.replace("_", " ").capitalize(),
        "methods": methods,
        "sqlVerbs": verbs,
    }


def _method(method: Drafted, table: Table, shared: Shared) -> dict[str, Any]:
    operation, answer = method.operation, answered(method.operation)
    made: dict[str, Any] = {"operation": {"$ref": f"#{pointer_text(('paths', operation.path, operation.http))}"}}
    if media := _request_media(operation):
        made["request"] = {"mediaType": media}
    made["response"] = {"mediaType": answer.media or "application/json"}
    made["response"] |= {"openAPIDocKey": answer.code} if answer.code else {}
    config: dict[str, Any] = {}
    if method.verb == "select" and answer.schema is not None:
        key = object_key(answer.schema, (table.name, *_short(table)), item=method.item)
        made["response"] |= {"objectKey": key} if key else {}
        config |= _paged(operation, answer, key, shared)
        made |= _filtered(operation, answer, key)
    if operation.node.has("security"):
        auth, remark = security.chosen(operation.node.get("security"), shared.schemes)
        if remark:
            shared.remark(f"{operation.title}: {remark}")
        if auth != shared.auth:
            config["auth"] = auth or dict(security.NONE)
    return {**made, **({"config": config} if config else {})}


def _short(table: Table) -> tuple[str, ...]:
    """What rows of a resource may be called in an answer: its last word, and that without an s."""
    last = table.name.rpartition("_")[2]
    return last, last.removesuffix("s"), table.name.removesuffix("s")


def _request_media(operation: Operation) -> str:
    content = operation.node.get("requestBody").get("content").mapping()
    return next((name for name in content if "json" in name.lower()), next(iter(content), ""))


def _paged(operation: Operation, answer: Answer, key: str | None, shared: Shared) -> dict[str, Any]:
    """How a list goes on. One of which a part can be asked for and nothing tells the rest is remarked."""
    assert answer.schema is not None  # the caller has looked
    if not is_list(answer.schema, key):
        return {}
    found = pages(operation, answer, key)
    if found is not None:
        return {"pagination": found.block, "x-inherits": found.inherits}
    if sized(operation):
        shared.remark(f"{operation.title}: nothing tells how the list goes on, so only its first part may be read")
    return {}


def _filtered(operation: Operation, answer: Answer, key: str | None) -> dict[str, Any]:
    """Filters by Linode's own marks: `x-linode-filterable` on the columns of a list that counts its pages."""
    assert answer.schema is not None  # the caller has looked
    if not is_list(answer.schema, key):
        return {}
    rows = fold(row_of(answer.schema, key)).properties
    columns = {name: rule for name, node in rows.items() if (rule := _filter(node))}
    if not columns:
        return {}
    return {"x-stratoql-filtering": {"algorithm": "x_filter", "header": "X-Filter", "columns": columns}}


def _filter(node: Node) -> dict[str, Any]:
    """What of the filter is safe for a marked column. Moments are compared in a spelling of the API's own."""
    folded = fold(node)
    marked = isinstance(node.value, dict) and node.value.get("x-linode-filterable") is True
    if not marked or folded.type not in _FILTERS or folded.word("format") in ("date-time", "date"):
        return {}
    return {**_FILTERS[folded.type], **({"top_level": True} if folded.word("enum") else {})}


def _lift(resources: dict[str, Any]) -> dict[str, Any]:
    """One pagination that all lists of a service share stands on the service, and not on each of them."""
    configs = [method["config"] for each in resources.values() for method in each["methods"].values()
               if "pagination" in method.get("config", {})]  # fmt: skip
    inherits = [config.pop("x-inherits") for config in configs]
    blocks = [config["pagination"] for config in configs]
    if not blocks or not all(inherits) or any(block != blocks[0] for block in blocks):
        return {}
    for each in resources.values():
        for method in each["methods"].values():
            if "pagination" in method.get("config", {}):
                del method["config"]["pagination"]
                if not method["config"]:
                    del method["config"]
    return {"pagination": blocks[0]}


def _item(path: str, table: Table, shared: Shared) -> dict[str, Any]:
    """A path's item as the document has it, with the key of its rows marked and missing placeholders declared."""
    members = [method.operation for method in table.methods if method.operation.path == path]
    item = members[0].item
    made: dict[str, Any] = shared.rewrite(item.value, item.file)
    made.pop("$ref", None)
    made = {key: value for key, value in made.items() if not key.startswith("x-stratoql-")}
    keyed = _key_of(path, table)
    for operation in members:
        if keyed is not None:
            _mark(made.get("parameters"), item, path, keyed)
            _mark(made[operation.http].get("parameters"), operation.node, path, keyed)
    declared = {name for operation in members for place, name in operation.parameters() if place == "path"}
    for name in dict.fromkeys(PLACEHOLDER.findall(path)):
        if name not in declared:
            shared.remark(f"{path}: {{{name}}} was not declared; it is a text now")
            parameter: dict[str, Any] = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            parameter |= {"x-stratoql-key": keyed[1]} if keyed is not None and keyed[0] == name else {}
            made["parameters"] = [*made.get("parameters", []), parameter]
    return made


def _key_of(path: str, table: Table) -> tuple[str, str] | None:
    """The last placeholder of a row's own path, and the column that holds the same value."""
    looks_up = [m for m in table.methods if m.item and m.operation.path == path]
    if not looks_up:
        return None
    name = path_parts(path)[-1][0]
    columns: dict[str, None] = {}
    for method in table.methods:
        answer = answered(method.operation)
        if method.verb == "select" and answer.schema is not None:
            key = object_key(answer.schema, (table.name, *_short(table)), item=method.item)
            columns |= dict.fromkeys(fold(row_of(answer.schema, key)).properties)
    spelled = snake(name)
    guesses = [name, *(column for column in columns if snake(column) == spelled)]
    for end in ("id", "name", "slug", "uuid", "key", "code"):
        if spelled == end or spelled.endswith(f"_{end}"):
            guesses += [column for column in columns if snake(column) == end]
    found = next((column for column in guesses if column in columns), None)
    return (name, found) if found is not None else None


def _mark(listed: Any, owner: Node, path: str, keyed: tuple[str, str]) -> None:
    """Mark the parameter that holds the key of a row."""
    for index, entry in enumerate(listed if isinstance(listed, list) else ()):
        node = owner.get("parameters").get(str(index))
        if (node.text("in"), node.text("name")) == ("path", keyed[0]) and isinstance(entry, dict):
            entry["x-stratoql-key"] = keyed[1]


def _gather(made: dict[str, Any], shared: Shared) -> None:
    """Copy into a document all that it refers to in the one it was made of, and all that this refers to."""
    pending = list(references({key: made[key] for key in ("paths", "servers")}))
    seen: set[str] = set()
    while pending:
        reference = pending.pop()
        if not reference.startswith("#/") or reference in seen:
            continue
        seen.add(reference)
        for written in dict.fromkeys((unquote(reference[1:]), reference[1:])):
            place = pointer_parts(written)
            pending += _copied(made, place[: 3 if place[0] == "components" else 2], shared)
    made["components"] = {
        kind: dict(sorted(members.items())) if isinstance(members, dict) else members
        for kind, members in sorted(made["components"].items())
    }


def _copied(made: dict[str, Any], place: Sequence[str], shared: Shared) -> Iterable[str]:
    """Copy what stands at a place, unless it is there; what it refers to in turn."""
    source = shared.document
    for part in place:
        source = source.child(part)
    target = made
    for part in place[:-1] if source else ():
        target = target.setdefault(part, {})
    if not source or place[-1] in target:
        return ()
    target[place[-1]] = shared.rewrite(source.value, source.file)
    return references(target[place[-1]])

"""Operations into resources: which belong together, in which service, and which verb of SQL each serves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

from provider_registry.importing.answers import answered
from provider_registry.importing.names import distinct, numbered, path_parts, sayable, snake, words
from provider_registry.importing.spec import Operation

ServiceBy = Literal["tag", "path"]
_VERBS = {"put": "replace", "patch": "update", "delete": "delete"}


class Drafted(NamedTuple):
    """A method: its name, its operation, the verb it serves; `item`: it is addressed by the key of one row."""

    name: str
    operation: Operation
    verb: str
    item: bool


class Table(NamedTuple):
    """A resource: where it is, what it is called, its methods in document order."""

    service: str
    name: str
    methods: tuple[Drafted, ...]


def tables(operations: Sequence[Operation], service_by: ServiceBy | None, provider: str) -> list[Table]:
    """The resources of a document, sorted by service; within one in document order.

    Paths that differ in a placeholder at their end only are one resource. A path that can be POSTed to and nothing
    else is an action of the resource above it, where there is one.
    """
    by = service_by or ("tag" if all(_tag(each) for each in operations) else "path")
    groups: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        groups[_key(operation.path)].append(operation)
    homes = {key: _home(key, groups) for key in groups}
    gathered: dict[str, list[Operation]] = {key: [] for key in groups if homes[key] == key}
    for operation in operations:
        gathered[homes[_key(operation.path)]].append(operation)
    services: dict[str, list[str]] = defaultdict(list)
    for key, members in gathered.items():
        services[_service(key, members, by, provider)].append(key)
    found = []
    for service in sorted(services):
        keys = services[service]
        names = map(sayable, distinct([words(key) or (snake(provider),) for key in keys]))
        found += [
            Table(service, name, _methods(key, name, gathered[key])) for key, name in zip(keys, names, strict=True)
        ]
    return found


def _key(path: str) -> str:
    """A path up to its last fixed part, its placeholders without names.

    >>> _key("/pets/{petId}/toys/{toyId}"), _key("/jobs/{id}:cancel")
    ('/pets/{}/toys', '/jobs/{}/cancel')
    """
    parts = path_parts(path)
    while parts and parts[-1][1]:
        parts.pop()
    return "".join("/{}" if placeholder else f"/{text}" for text, placeholder in parts)


def _action(key: str, groups: dict[str, list[Operation]]) -> bool:
    """Whether all that can be done there is one POST to the path itself."""
    return all(each.http == "post" and not _ends_with_key(each.path) for each in groups[key])


def _home(key: str, groups: dict[str, list[Operation]]) -> str:
    """The resource that an action belongs to; any other path is its own."""
    above = _key(key.rpartition("/")[0])
    if key and _action(key, groups) and above in groups and above and not _action(above, groups):
        return above
    return key


def _tag(operation: Operation) -> str:
    return next(iter(operation.node.texts("tags")), "")


def _service(key: str, members: Sequence[Operation], by: ServiceBy, provider: str) -> str:
    """What most of the operations say; of two that are named as often the first."""
    tags = Counter(tag for each in members if (tag := _tag(each)))
    if by == "tag" and tags:
        return sayable(snake(tags.most_common(1)[0][0]))
    return sayable(next(iter(words(key)), snake(provider)))


def _methods(key: str, name: str, members: Sequence[Operation]) -> tuple[Drafted, ...]:
    names = numbered(snake(each.node.text("operationId"), f"{each.http}_{name}") for each in members)
    return tuple(
        Drafted(called, each, _verb(each, key), item=_key(each.path) == key and _ends_with_key(each.path))
        for called, each in zip(names, members, strict=True)
    )


def _ends_with_key(path: str) -> bool:
    """Whether a path is that of one row: its last part is a placeholder."""
    return path_parts(path)[-1:] != [] and path_parts(path)[-1][1]


def _verb(operation: Operation, key: str) -> str:
    """The verb of SQL that an operation serves."""
    if operation.http == "get":
        return "select" if answered(operation).schema is not None else "exec"
    if operation.http == "post":
        return "insert" if _key(operation.path) == key and not _ends_with_key(operation.path) else "exec"
    return _VERBS[operation.http]

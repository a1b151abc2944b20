"""The rows of the schema `system`: of the documents that a table is pointed at, or of the session.

A table is a function from a `Memory` and an `Aim` to dicts: columns by name, those left out are NULL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, NamedTuple, TypeVar

from engine.discovery.requests import Log
from engine.planner.names import Names
from engine.settings import Settings
from engine.wire.masking import MASK, masked
from provider_registry.catalog import Catalog
from provider_registry.faults import BadDocument
from provider_registry.model import VERBS, Column, Method, Param, Provider, Resource

T = TypeVar("T")
Row = dict[str, Any]
Allowance = tuple[str, str | None, str, int, int, float]  # name, account, host, left, capacity, seconds


class Memory(NamedTuple):
    """What the schema is read from: documents, the session's log, settings and limits."""

    names: Names
    log: Log
    settings: Settings
    limits: Callable[[], Sequence[Allowance]] = tuple


class Aim(NamedTuple):
    """Where to look: names that must be just so; None: anywhere. `warn` hears of documents that cannot be read."""

    provider: str | None = None
    service: str | None = None
    resource: str | None = None
    method: str | None = None
    warn: Callable[[str], None] = print


class Found(NamedTuple):
    """A resource and where it is."""

    provider: str
    service: str
    resource: Resource

    @property
    def row(self) -> Row:
        """Where it is, as columns."""
        return {"provider": self.provider, "service": self.service, "resource": self.resource.name}

    @property
    def id(self) -> str:
        """Its whole name."""
        return f"{self.provider}.{self.service}.{self.resource.name}"


def providers(memory: Memory, aim: Aim) -> Iterator[Row]:
    """Those that can be read."""
    for provider in _providers(memory.names.catalog, aim):
        yield {
            "provider": provider.name,
            "version": provider.version,
            "title": provider.title,
            "description": provider.description,
            "source": memory.names.catalog.source(provider.name),
            "services": len(provider.services),
        }


def services(memory: Memory, aim: Aim) -> Iterator[Row]:
    """As their providers tell of them: none is read."""
    for provider in _providers(memory.names.catalog, aim):
        for service in provider.services.values():
            if aim.service in (None, service.name):
                yield {
                    "provider": provider.name,
                    "service": service.name,
                    "id": f"{provider.name}.{service.name}",
                    "title": service.title,
                    "description": service.description,
                    "version": service.version,
                }


def resources(memory: Memory, aim: Aim) -> Iterator[Row]:
    """Each once."""
    for found in _resources(memory.names.catalog, aim):
        resource = found.resource
        yield found.row | {
            "id": found.id,
            "title": resource.title,
            "description": resource.description,
            "verbs": json.dumps([verb for verb, names in resource.verbs.items() if names]),
            "methods": len(resource.methods),
        }


def methods(memory: Memory, aim: Aim) -> Iterator[Row]:
    """Each once for every verb that calls it."""
    for found, verb, method in _methods(memory.names.catalog, aim):
        limit = method.limit
        yield found.row | {
            "method": method.name,
            "id": f"{found.id}.{method.name}",
            "verb": verb,
            "http": method.http,
            "path": method.path,
            "required": json.dumps([param.name for param in method.required]),
            "paged": method.paging.algorithm != "none",
            "rate": limit and limit.requests,
            "seconds": limit and limit.seconds,
            "limit_name": limit and limit.name,
            "title": method.title,
            "description": method.description,
        }


def parameters(memory: Memory, aim: Aim) -> Iterator[Row]:
    """The inputs of each method, then the columns that it filters by."""
    seen: set[str] = set()
    for found, _, method in _methods(memory.names.catalog, aim):
        if (whole := f"{found.id}.{method.name}") in seen:
            continue
        seen.add(whole)
        place = found.row | {"method": method.name}
        for param in method.params:
            yield place | _typed(param) | _input(param)
        for column in method.response.columns if method.filtering is not None else ():
            if column.filter is not None:
                travels = _filter(column)
                yield place | _typed(column) | travels | {
                    "wire": column.filter.field, "location": "filter", "required": False
                }  # fmt: skip


def columns(memory: Memory, aim: Aim) -> Iterator[Row]:
    """In the order of the documents."""
    for found in _resources(memory.names.catalog, aim):
        for position, column in enumerate(found.resource.columns, 1):
            example = column.example
            yield found.row | _typed(column) | _filter(column) | {
                "position": position,
                "nullable": column.shape.nullable,
                "read_only": column.read_only,
                "orderable": column.filter is not None and column.filter.orderable,
                "example": json.dumps(example) if isinstance(example, dict | list) else example,
            }  # fmt: skip


def requests(memory: Memory, aim: Aim) -> Iterator[Row]:
    """The oldest first."""
    return (sent._asdict() for sent in memory.log)


def limits(memory: Memory, aim: Aim) -> Iterator[Row]:
    """Those that some request was counted by."""
    names = ("name", "account", "host", "remaining", "capacity", "seconds")
    return (dict(zip(names, each, strict=True)) for each in memory.limits())


def settings(memory: Memory, aim: Aim) -> Iterator[Row]:
    """All but the environment; of secrets whether there is one."""
    plain = Settings(environ={})
    for field in fields(Settings):
        if field.name != "environ":
            yield {
                "name": field.name,
                "value": _shown(field.name, getattr(memory.settings, field.name)),
                "default_value": _shown(field.name, getattr(plain, field.name)),
            }


TABLES: Mapping[str, Callable[[Memory, Aim], Iterator[Row]]] = {
    "providers": providers,
    "services": services,
    "resources": resources,
    "methods": methods,
    "parameters": parameters,
    "columns": columns,
    "requests": requests,
    "limits": limits,
    "settings": settings,
}


def _providers(catalog: Catalog, aim: Aim) -> Iterator[Provider]:
    """The providers to look at."""
    for name in catalog.names():
        provider = _read(partial(catalog.provider, name), aim)
        if provider is not None and aim.provider in (None, provider.name):
            yield provider


def _resources(catalog: Catalog, aim: Aim) -> Iterator[Found]:
    """The resources to look at. Only the documents of services that are aimed at are read."""
    for provider in _providers(catalog, aim):
        for name in provider.services if aim.service is None else {aim.service} & provider.services.keys():
            service = _read(partial(catalog.service, provider.name, name), aim)
            found = service.resources.values() if service is not None else ()
            yield from (Found(provider.name, name, each) for each in found if aim.resource in (None, each.name))


def _read(look: Callable[[], T], aim: Aim) -> T | None:
    """A document; None where it cannot be used, which is told and hides no other."""
    try:
        return look()
    except BadDocument as bad:
        more = f" and {len(bad.faults) - 1} more" if len(bad.faults) > 1 else ""
        aim.warn(f"a document cannot be used and is left out: {bad.faults[0]}{more}")
        return None


def _methods(catalog: Catalog, aim: Aim) -> Iterator[tuple[Found, str, Method]]:
    """The methods to look at, with each verb that calls them, in the order of SHOW METHODS."""
    for found in _resources(catalog, aim):
        resource = found.resource
        bound = [(verb, method) for verb in VERBS for method in resource.bound(verb)]
        called = {method.name for _, method in bound}
        bound += [("exec", method) for method in resource.methods.values() if method.name not in called]
        yield from ((found, verb, method) for verb, method in bound if aim.method in (None, method.name))


def _typed(thing: Column | Param) -> Row:
    shape = thing.shape
    kind = f"array of {shape.items.type}" if shape.type == "array" and shape.items is not None else shape.type
    return {"name": thing.name, "type": kind, "format": shape.format, "description": thing.description}


def _input(param: Param) -> Row:
    """What is worth knowing of an input. It is sent as it is given, so an equality with it is exact."""
    default = param.default
    return {
        "wire": param.wire,
        "location": param.location,
        "required": param.required,
        "filterable": False,
        "operators": json.dumps([] if param.location == "body" else ["=", "IN"]),
        "exactness": json.dumps({} if param.location == "body" else {"=": "exact", "IN": "exact"}),
        "default_value": None if default is None else default if isinstance(default, str) else json.dumps(default),
        "allowed": json.dumps(param.shape.enum) if param.shape.enum else None,
        "key": param.key,
    }


def _filter(column: Column) -> Row:
    """Which predicates on a column travel."""
    rule = column.filter
    exact, inexact = (rule.exact, rule.inexact) if rule is not None else ((), ())
    words = dict.fromkeys(exact, "exact") | dict.fromkeys(inexact, "inexact")
    return {"filterable": bool(words), "operators": json.dumps(list(words)), "exactness": json.dumps(words)}


def _shown(name: str, value: Any) -> str | None:
    """A setting as text."""
    if value is None or (name == "token" and not value):
        return None
    if name == "token":
        return MASK
    if isinstance(value, Mapping):
        return json.dumps({key: masked(each) if isinstance(each, str) else str(each) for key, each in value.items()})
    return value if isinstance(value, str) else json.dumps(value)

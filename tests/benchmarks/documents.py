"""A service document as large as the large ones that are published: 1.5 MB, 3 kB a method, which is dense for one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from provider_registry.catalog import Catalog
from provider_registry.documents import read_service
from provider_registry.layout import digest

RESOURCES, FIELDS = 100, 24
_KINDS = ("string", "integer", "boolean", "string")
_PAGING = {
    "algorithm": "page_number",
    "requestToken": {"key": "page", "location": "query"},
    "responseToken": {"key": "$.page", "location": "body"},
    "responseTerminator": {"key": "$.pages", "location": "body"},
}
_PROVIDER = {
    "name": "big",
    "version": "v1.0.0",
    "providerServices": {"all": {"service": {"$ref": "big/v1.0.0/services/all.yaml"}}},
    "config": {"auth": {"type": "null_auth"}},
}


def document() -> dict[str, Any]:
    """The document: schemas that refer to each other, lists and look-ups, writes."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    resources: dict[str, Any] = {}
    for number in range(RESOURCES):
        name = f"thing{number}"
        schemas[name] = _schema(number)
        paths |= _paths(name)
        resources[name] = _resource(name)
    return {
        "openapi": "3.0.3",
        "info": {"title": "All", "version": "v1"},
        "servers": [{"url": "https://api.big.example/v1"}],
        "x-stackQL-config": {"pagination": _PAGING},
        "paths": paths,
        "components": {"schemas": schemas, "x-stackQL-resources": resources},
    }


def _schema(number: int) -> dict[str, Any]:
    told = "What this field of a thing holds, told at the length at which descriptions of APIs tell such things. " * 4
    fields = {f"field_{k}": {"type": _KINDS[k % 4], "description": f"{told} ({k})"} for k in range(FIELDS)}
    beside = {"$ref": f"#/components/schemas/thing{(number + 1) % RESOURCES}"}
    return {"type": "object", "properties": {"id": {"type": "string"}, **fields, "next": beside}}


def _answer(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": "what it is", "content": {"application/json": {"schema": schema}}}


def _paths(name: str) -> dict[str, Any]:
    ref = {"$ref": f"#/components/schemas/{name}"}
    listed = {"data": {"type": "array", "items": ref}, "page": {"type": "integer"}, "pages": {"type": "integer"}}
    page = {"name": "page", "in": "query", "schema": {"type": "integer"}}
    key = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    body = {"requestBody": {"content": {"application/json": {"schema": ref}}}, "responses": {"200": _answer(ref)}}
    many = _answer({"type": "object", "properties": listed})
    return {
        f"/{name}": {"get": {"parameters": [page], "responses": {"200": many}}, "post": body},
        f"/{name}/{{id}}": {
            "parameters": [key],
            "get": {"responses": {"200": _answer(ref)}},
            "put": body,
            "delete": {"responses": {"204": {"description": "gone"}}},
        },
    }


def _resource(name: str) -> dict[str, Any]:
    calls = {
        "list": (name, "get"),
        "get": (f"{name}~1{{id}}", "get"),
        "add": (name, "post"),
        "put": (f"{name}~1{{id}}", "put"),
        "drop": (f"{name}~1{{id}}", "delete"),
    }
    methods: dict[str, Any] = {
        method: {"operation": {"$ref": f"#/paths/~1{path}/{verb}"}} for method, (path, verb) in calls.items()
    }
    methods["list"]["response"] = {"objectKey": "$.data"}
    verbs = {"select": ("get", "list"), "insert": ("add",), "replace": ("put",), "delete": ("drop",)}
    ref = f"#/components/x-stackQL-resources/{name}/methods/"
    bound = {verb: [{"$ref": ref + method} for method in named] for verb, named in verbs.items()}
    return {"id": f"big.all.{name}", "name": name, "methods": methods, "sqlVerbs": bound}


class Large:
    """The document in a folder, and the ways of reading it that are compared."""

    def __init__(self, folder: Path) -> None:
        self.root, self.cache = folder / "registry", folder / "cache"
        self.file = self.root / "src/big/v1.0.0/services/all.yaml"
        self.file.parent.mkdir(parents=True)
        dumper = type("Dumper", (yaml.CSafeDumper,), {"ignore_aliases": lambda *_: True})
        self.file.write_text(yaml.dump(document(), Dumper=dumper, sort_keys=False), encoding="utf-8")
        (self.root / "src/big/v1.0.0/provider.yaml").write_text(json.dumps(_PROVIDER), encoding="utf-8")
        self.catalog().resource("big", "all", "thing7")  # compiled

    def catalog(self) -> Catalog:
        return Catalog([self.root], self.cache)

    def read(self) -> None:
        """All of it, for the first time."""
        read_service(self.catalog().provider("big").services["all"], whole=False).checked()

    def events(self) -> None:
        """The least that reading YAML costs."""
        for _ in yaml.parse(self.file.read_bytes(), Loader=yaml.CSafeLoader):
            pass

    def look_up(self) -> None:
        """One resource from the compiled cache."""
        self.catalog().resource("big", "all", "thing7")

    def look_at(self) -> None:
        """The least that it costs to know that the cache holds, and to read it."""
        digest(self.file.read_bytes())
        for file in self.cache.iterdir():
            file.read_bytes()


@contextmanager
def large() -> Iterator[Large]:
    """The document, for as long as it is measured."""
    with tempfile.TemporaryDirectory() as folder:
        yield Large(Path(folder))

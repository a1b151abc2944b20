"""`config.views.select` -> a View: the first of its forms that is SQLite's."""

from __future__ import annotations

import re

from provider_registry.model import Column, Param, Shape, Type, View
from provider_registry.nodes import Node

_DIALECT = re.compile(r"sqlDialect\s*==\s*[\"']([^\"']*)[\"']")
_HOLE = re.compile(r"{{-?\s*\.?(\w+)\s*-?}}")
_OURS = ("sqlite3", "sqlite", "stackql")
_TYPES: dict[str, Type] = {"integer": "integer", "number": "number", "boolean": "boolean", "array": "array"}
_MOST = 10  # fallbacks of fallbacks


def view(resource: Node) -> View | None:
    """The view of a resource. One that has none in SQLite's dialect is a warning."""
    node = resource.child("config").get("views").get("select")
    if not node:
        return None
    said = node
    for _ in range(_MOST):
        if _is_ours(said):
            return _made(said, resource)
        said = said.get("fallback")
    node.fault("no form of this view is for SQLite", severity="warning")
    return None


def _is_ours(node: Node) -> bool:
    found = _DIALECT.search(node.text("predicate"))
    return bool(node.text("ddl")) and (found is None or found[1] in _OURS)


def _made(node: Node, resource: Node) -> View:
    docs = resource.child("config").get("docs")
    sql = node.text("ddl").strip().rstrip(";").rstrip()
    told = {entry.text("name"): entry for entry in docs.elements("requiredParams")}
    names = dict.fromkeys((*told, *_HOLE.findall(sql)))
    params = [
        Param(
            name=name,
            wire=name,
            location="query",
            required=True,
            shape=_shape(told.get(name)),
            description=told[name].text("description") if name in told else "",
        )
        for name in names
    ]
    columns = [
        Column(name=entry.text("name"), shape=_shape(entry), description=entry.text("description"))
        for entry in docs.elements("fields")
        if entry.text("name")
    ]
    return View(sql=sql, params=tuple(params), columns=tuple(columns))


def _shape(node: Node | None) -> Shape:
    named = node.text("type") if node is not None else ""
    return Shape(type=_TYPES.get(named, "object" if named == "object" else "string"), nullable=True)

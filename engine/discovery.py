"""SHOW and DESCRIBE: what the catalog holds, as rows, with StackQL's columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.errors import Refused
from engine.language.statements import Describe, Name, Show
from engine.language.text import Text, quote_name, quote_text
from engine.planner.names import Names
from engine.result import Result, ResultColumn
from engine.store import Store
from provider_registry.model import VERBS, Column, Method, Param

Table = tuple[Sequence[str], Iterable[Sequence[str]]]


def show(statement: Show, names: Names) -> Result:
    """The rows of a SHOW, filtered by its LIKE on the name."""
    columns, rows = _TABLES[statement.kind](statement, names)
    return _result(columns, rows, like=statement.like, on="MethodName" if statement.kind == "methods" else "name")


def describe(statement: Describe, names: Names) -> Result:
    """The columns of a resource, or the inputs and outputs of a method."""
    if statement.method:
        _, _, method = names.method(statement.target)
        return _method(method, extended=statement.extended)
    _, resource = names.resource(statement.target)
    if not resource.columns:
        raise Refused(
            f"{statement.target} has no columns: nothing selects from it",
            span=statement.target.span,
            hint=f"SHOW METHODS IN {statement.target} lists what it does",
        )
    rows = [(c.name, _type(c), c.description) for c in resource.columns]
    return _trimmed(("name", "type", "description"), rows, extended=statement.extended)


def _providers(statement: Show, names: Names) -> Table:
    rows = [(p.name, p.version) for p in names.catalog.providers()]
    return ("name", "version"), rows


def _services(statement: Show, names: Names) -> Table:
    provider = names.provider_of(_scope(statement))
    rows = [
        (f"{provider.name}.{s.name}", s.name, s.title, s.description, s.version) for s in provider.services.values()
    ]
    return _cut(("id", "name", "title", "description", "version"), rows, 5 if statement.extended else 3)


def _resources(statement: Show, names: Names) -> Table:
    provider, service = names.service(_scope(statement))
    rows = [(r.name, f"{provider}.{service.name}.{r.name}", r.description) for r in service.resources.values()]
    return _cut(("name", "id", "description"), rows, 3 if statement.extended else 2)


def _methods(statement: Show, names: Names) -> Table:
    _, resource = names.resource(_scope(statement))
    found = [(verb, resource.methods[name]) for verb in VERBS for name in resource.verbs.get(verb, ())]
    bound = {method.name for _, method in found}
    found += [("exec", method) for method in resource.methods.values() if method.name not in bound]
    rows = [(m.name, ", ".join(p.name for p in m.required), verb.upper(), m.description) for verb, m in found]
    columns = ("MethodName", "RequiredParams", "SQLVerb", "description")
    return _cut(columns, rows, 4 if statement.extended else 3)


_TABLES = {"providers": _providers, "services": _services, "resources": _resources, "methods": _methods}


def _scope(statement: Show) -> Name:
    assert statement.scope is not None  # the parser demands one for all but PROVIDERS
    return statement.scope


def _method(method: Method, *, extended: bool) -> Result:
    inputs = {True: "input_required", False: "input_optional"}
    rows: list[Sequence[str]] = [
        *((p.name, _type(p), inputs[p.required], p.location, p.description) for p in method.params),
        *((c.name, _type(c), "output", "row", c.description) for c in method.response.columns),
        *((c.name, _type(c), "output", "envelope", c.description) for c in method.response.envelope),
    ]
    return _trimmed(("name", "type", "param_type", "shape", "description"), rows, extended=extended)


def _type(thing: Column | Param) -> str:
    """`string`, `string (date-time)`, `array of string`.

    >>> from provider_registry.model import Shape
    >>> _type(Column(name="x", shape=Shape(format="date-time")))
    'string (date-time)'
    """
    shape = thing.shape
    if shape.type == "array" and shape.items is not None:
        return f"array of {shape.items.type}"
    return f"{shape.type} ({shape.format})" if shape.format else shape.type


def _trimmed(columns: Sequence[str], rows: Sequence[Sequence[str]], *, extended: bool) -> Result:
    """Descriptions, the last column, belong to EXTENDED."""
    return _result(*_cut(columns, rows, len(columns) if extended else len(columns) - 1))


def _cut(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Table:
    return columns[:width], [row[:width] for row in rows]


def _result(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, like: str | None = None, on: str = "name"
) -> Result:
    """Rows through SQLite, so that LIKE means what it means in a query."""
    store = Store()
    store.create("shown", [Column(name=name) for name in columns])
    store.load("shown", columns, [tuple(row) for row in rows])
    condition = f" WHERE {quote_name(on)} LIKE {quote_text(like)}" if like is not None else ""
    names, found = store.select(Text(f"SELECT * FROM shown{condition}"))
    return Result([ResultColumn(name, "string") for name in names], found, close=store.close)

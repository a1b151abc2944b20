"""SHOW and DESCRIBE: what the catalog holds, as rows, with StackQL's columns."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from engine.errors import Refused
from engine.language.statements import Describe, Name, Select, Show
from engine.language.text import Text, quote_name, quote_text
from engine.planner.names import Names
from engine.result import Result, ResultColumn
from engine.store import Store
from provider_registry.model import VERBS, Column, Method, Param, Resource

Table = tuple[Sequence[str], Iterable[Sequence[str]]]


def show(statement: Show, names: Names) -> Result:
    """The rows of a SHOW, filtered by its LIKE on the name; a template or a manifest as lines."""
    if statement.kind in _LINES:
        lines = _LINES[statement.kind](statement, names)
        return Result([ResultColumn(statement.kind, "string")], iter([(line,) for line in lines]), kind="plan")
    columns, rows = _TABLES[statement.kind](statement, names)
    return _result(columns, rows, like=statement.like, on="MethodName" if statement.kind == "methods" else "name")


def describe(statement: Describe, names: Names) -> Result:
    """The columns of a resource, or the inputs and outputs of a method."""
    if statement.method:
        _, _, method = names.method(statement.target)
        return _method(method, extended=statement.extended)
    _, resource = names.resource(statement.target)
    if resource.view is not None and not resource.columns:
        return _viewed(statement, resource, names)
    if not resource.columns:
        raise Refused(
            f"{statement.target} has no columns: nothing selects from it",
            span=statement.target.span,
            hint=f"SHOW METHODS IN {statement.target} lists what it does",
        )
    rows = [(c.name, _type(c), c.description) for c in resource.columns]
    return _trimmed(("name", "type", "description"), rows, extended=statement.extended)


def _viewed(statement: Describe, resource: Resource, names: Names) -> Result:
    """The columns of a view whose document does not tell them: those of its SELECT."""
    from engine.planner.pins import example
    from engine.planner.planner import plan

    params = resource.view.params if resource.view is not None else ()
    given = " AND ".join(f"{quote_name(param.name)} = {example(param)}" for param in params)
    target = ".".join(map(quote_name, statement.target.parts))
    made = plan(Select(Text(f"SELECT * FROM {target}" + (f" WHERE {given}" if given else ""))), names)
    store = Store()
    for step in made.plan.steps:
        store.create(step.table, step.table_columns)
    columns, _ = store.select(made.plan.output or Text(""))
    store.close()
    types = made.output.types if made.output is not None else ()
    rows = [(name, kind, "") for name, kind in zip(columns, types, strict=True)]
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


def _insert(statement: Show, names: Names) -> Iterator[str]:
    """The INSERT of a resource as a template: its names are those of the manifest."""
    target = _scope(statement)
    method = _insert_method(target, names)
    params = _insertable(method, required=statement.required)
    holes = [hole if param.shape.type in _BARE else f"'{hole}'" for param in params for hole in [_hole(param)]]
    yield f"INSERT INTO {'.'.join(names.whole(target.parts))} ("
    yield from _listed([param.name for param in params])
    yield ")"
    yield "SELECT"
    yield from _listed(holes, [" -- required" if param.required else "" for param in params])
    if method.response.columns:
        yield "RETURNING"
        yield from _listed([column.name for column in method.response.columns])
    yield ";"


_BARE = ("integer", "number", "boolean")


def _hole(param: Param) -> str:
    return f"{{{{ {_given_name(param)} }}}}"


def _given_name(param: Param) -> str:
    """What templates and manifests call an input.

    >>> _given_name(Param(name="data__disk_id", wire="disk_id", location="body"))
    'disk_id'
    >>> _given_name(Param(name="x-y", wire="x-y", location="query"))
    'x_y'
    """
    name = re.sub(r"\W", "_", param.name.removeprefix("data__"))
    return name if name.isidentifier() else f"_{name}"


def _listed(items: Sequence[str], notes: Sequence[str] | None = None) -> Iterator[str]:
    """Items a line each, with their commas."""
    for number, (item, note) in enumerate(zip(items, notes or [""] * len(items), strict=True), 1):
        yield f"  {item}{',' if number < len(items) else ''}{note}"


def _insert_method(target: Name, names: Names) -> Method:
    """The method an INSERT calls."""
    _, resource = names.resource(target)
    bound = resource.bound("insert")
    if not bound:
        has = ", ".join(verb.upper() for verb in VERBS if resource.bound(verb))
        raise Refused(f"{target} has no INSERT", span=target.span, hint=f"it has {has}" if has else None)
    return bound[0]


def _insertable(method: Method, *, required: bool = False) -> list[Param]:
    """What a person gives a new row: not what chooses a server, which has its default."""
    return [p for p in method.params if p.required or not (required or p.location == "server")]


def _manifest(statement: Show, names: Names) -> Iterator[str]:
    """A data file for the template of the INSERT, in YAML: each property with its type where its value belongs."""
    target = _scope(statement)
    method = _insert_method(target, names)
    yield f"# What INSERT INTO {'.'.join(names.whole(target.parts))} takes. Put a value in the place of each type,"
    yield "# or null to leave the property out; descriptions are for the reader."
    yield f"- name: {names.whole(target.parts)[-1]}"
    yield "  props:"
    for param in _insertable(method):
        yield f"    - name: {_given_name(param)}"
        yield f"      value: {param.shape.type}"
        told = " ".join("".join(c if c.isprintable() else " " for c in param.description).split())
        if told := " ".join(filter(None, ["Required." if param.required else "", told])):
            yield "      description: >-"
            yield from textwrap.wrap(
                told, 100, initial_indent=" " * 8, subsequent_indent=" " * 8, break_long_words=False
            )


_LINES: Mapping[str, Callable[[Show, Names], Iterator[str]]] = {"insert": _insert, "manifest": _manifest}
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

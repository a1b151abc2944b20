"""SHOW and DESCRIBE: what the catalog holds, as rows, with StackQL's columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from engine.discovery.templates import LINES
from engine.errors import Refused
from engine.language.statements import Describe, Name, Select, Show
from engine.language.text import Text, quote_name
from engine.planner.names import Names
from engine.planner.plan import FILE_ARGUMENT, create_tables
from engine.store import Store
from provider_registry.model import VERBS, Column, Method, Param, Resource

Rows = Iterable[Sequence[object]]


def rows(asked: Show | Describe, names: Names) -> Rows:
    """The rows of a SHOW or DESCRIBE with all columns that it may have: those of EXTENDED are the last."""
    if isinstance(asked, Describe):
        return _method(asked, names) if asked.method else _columns(asked, names)
    if asked.kind in LINES:
        return ((line,) for line in LINES[asked.kind](asked, names))
    return _TABLES[asked.kind](asked, names)


def notes(asked: Show | Describe, names: Names) -> list[str]:
    """What the rows cannot tell: a view has no method, and may need parameters."""
    if not isinstance(asked, Show) or asked.kind != "methods":
        return []
    _, resource = names.resource(_scope(asked))
    if resource.view is None:
        return []
    needs = " and ".join(param.name for param in resource.view.params)
    return [f"{_scope(asked)} is a view: SELECT reads it" + (f", with a value for {needs}" if needs else "")]


def _columns(asked: Describe, names: Names) -> Rows:
    _, resource = names.resource(asked.target)
    if resource.view is not None and not resource.columns:
        return _viewed(asked.target, resource, names)
    if not resource.columns:
        raise Refused(
            f"{asked.target} has no columns: nothing selects from it",
            hint=f"SHOW METHODS IN {asked.target} lists what it does",
        )
    return [(c.name, type_of(c), c.description) for c in resource.columns]


def _viewed(target: Name, resource: Resource, names: Names) -> Rows:
    """The columns of a view whose document does not tell them: those of its SELECT."""
    from engine.planner.pins import example
    from engine.planner.planner import plan

    params = resource.view.params if resource.view is not None else ()
    given = " AND ".join(f"{quote_name(param.name)} = {example(param)}" for param in params)
    table = ".".join(map(quote_name, target.parts))
    made = plan(Select(Text(f"SELECT * FROM {table}" + (f" WHERE {given}" if given else ""))), names)
    store = Store()
    create_tables((*made.plan.shelves, *made.plan.steps), store)
    columns, _ = store.select(made.plan.output or Text(""))
    store.close()
    types = made.output.types if made.output is not None else ()
    return [(name, kind, "") for name, kind in zip(columns, types, strict=True)]


def _method(asked: Describe, names: Names) -> Rows:
    _, _, method = names.method(asked.target)
    inputs = {True: "input_required", False: "input_optional"}
    return [
        *((p.name, type_of(p), inputs[p.required], p.location, p.description) for p in method.params),
        *_file(method),
        *((c.name, type_of(c), "output", "row", c.description) for c in method.response.columns),
        *((c.name, type_of(c), "output", "envelope", c.description) for c in method.response.envelope),
    ]


def _file(method: Method) -> Iterator[tuple[str, ...]]:
    """The file that belongs to a call, as one of its inputs."""
    if (rule := method.upload) is not None:
        kind = "file (gzip)" if rule.gzip else "file"
        most = f" of at most {rule.max_bytes:,} bytes" if rule.max_bytes is not None else ""
        told = f"The path of a file{most}, which is sent to {rule.url[2:]}."
        yield FILE_ARGUMENT, kind, "input_optional", "file", told


def _providers(asked: Show, names: Names) -> Rows:
    return [(p.name, p.version, names.catalog.source(p.name)) for p in names.catalog.providers()]


def _services(asked: Show, names: Names) -> Rows:
    provider = names.provider_of(_scope(asked))
    services = provider.services.values()
    return [(f"{provider.name}.{s.name}", s.name, s.title, s.description, s.version) for s in services]


def _resources(asked: Show, names: Names) -> Rows:
    provider, service = names.service(_scope(asked))
    within = ".".join(filter(None, (provider, service.name)))
    return [(r.name, f"{within}.{r.name}", r.description) for r in service.resources.values()]


def _methods(asked: Show, names: Names) -> Rows:
    _, resource = names.resource(_scope(asked))
    found: list[tuple[str, Method]] = [
        (verb, resource.methods[name]) for verb in VERBS for name in resource.verbs.get(verb, ())
    ]
    bound = {method.name for _, method in found}
    found += [("exec", method) for method in resource.methods.values() if method.name not in bound]
    return [(m.name, ", ".join(p.name for p in m.required), verb.upper(), m.description) for verb, m in found]


_TABLES: Mapping[str, Callable[[Show, Names], Rows]] = {
    "providers": _providers,
    "services": _services,
    "resources": _resources,
    "methods": _methods,
}


def _scope(asked: Show) -> Name:
    assert asked.scope is not None  # the parser demands one for all but PROVIDERS
    return asked.scope


def type_of(thing: Column | Param) -> str:
    """`string`, `string (date-time)`, `array of string`.

    >>> from provider_registry.model import Shape
    >>> type_of(Column(name="x", shape=Shape(format="date-time")))
    'string (date-time)'
    """
    shape = thing.shape
    if shape.type == "array" and shape.items is not None:
        return f"array of {shape.items.type}"
    return f"{shape.type} ({shape.format})" if shape.format else shape.type

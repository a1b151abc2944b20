"""What an INSERT takes, to be filled in: as a statement with holes, and as a data file for those."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence

from engine.errors import Refused
from engine.language.statements import Name, Show
from engine.planner.names import Names
from provider_registry.model import VERBS, Method, Param


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


LINES: Mapping[str, Callable[[Show, Names], Iterator[str]]] = {"insert": _insert, "manifest": _manifest}


def _scope(statement: Show) -> Name:
    assert statement.scope is not None  # the parser demands one for all but PROVIDERS
    return statement.scope

"""What an operand may be where it is compared with something, set or inserted: the values that are allowed there."""

from __future__ import annotations

from collections.abc import Iterator

from engine.language.text import quote_text
from engine.repl.scan import Token
from engine.repl.suggest.known import Known, Suggestion
from engine.repl.suggest.place import Group, Place, sources_of
from provider_registry.model import Method, Resource, Shape

_COMPARING = ("=", "<", ">", "IN", "LIKE", "GLOB")


def compared(place: Place, known: Known) -> tuple[Shape, str] | None:
    """The shape of what the operand under the cursor is compared with or set to, and its name."""
    items = list(place.group.before)
    parent = place.group.parent
    listed = [item.word for item in items if isinstance(item, Token)]
    if parent is not None and parent.before and isinstance(before := parent.before[-1], Token):
        if before.word == "IN":
            items = list(parent.before)
        elif before.word in ("VALUES", ","):
            return _inserted(place, known, listed.count(","))
    marks = 0
    while marks < len(items) and isinstance(mark := items[-1 - marks], Token) and mark.word in (*_COMPARING, "NOT"):
        marks += 1
    if not marks or marks == len(items):
        return None
    column = items[-1 - marks]
    return _shape(column.name, place, known) if isinstance(column, Token) and column.name else None


def _inserted(place: Place, known: Known, position: int) -> tuple[Shape, str] | None:
    """The shape of the value at a position of VALUES."""
    columns = next((item for item in place.root.items if isinstance(item, Group)), None)
    listed = [item.name for item in columns.items if isinstance(item, Token) and item.name] if columns else []
    found = written(place, known, "insert")
    param = found[1].param(listed[position]) if found is not None and position < len(listed) else None
    return (param.shape, param.name) if param is not None else None


def _shape(name: str, place: Place, known: Known) -> tuple[Shape, str] | None:
    """The shape of a column or input of a table in reach."""
    folded = name.casefold()
    for source in place.sources():
        resource = known.resource(source.parts)
        for column in resource.columns if resource is not None else ():
            if column.name.casefold() == folded:
                return column.shape, column.name
        for method in resource.methods.values() if resource is not None else ():
            if (param := method.param(name)) is not None:
                return param.shape, param.name
    return None


def written(place: Place, known: Known, verb: str) -> tuple[Resource, Method] | None:
    """The resource that the statement writes, and the method that does."""
    target = next(iter(sources_of(place.root)), None)
    resource = known.resource(target.parts) if target is not None else None
    bound = resource.bound(verb) if resource is not None else ()
    return (resource, bound[0]) if resource is not None and bound else None


def values(shape: Shape, name: str) -> Iterator[Suggestion]:
    """The values that a shape allows, as SQL writes them."""
    for number, value in enumerate(shape.enum):
        text = quote_text(value) if isinstance(value, str) else str(value)
        yield Suggestion(text, "value", f"value of {name}", rank=number - len(shape.enum))
    if shape.type == "boolean":
        yield from (Suggestion(word, "value", f"value of {name}", rank=0) for word in ("true", "false"))

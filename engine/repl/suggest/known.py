"""What can be suggested: the catalog's names, read from documents and never from the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from engine.planner.local import SCHEMA
from engine.planner.local import tables as system_tables
from provider_registry.catalog import Catalog
from provider_registry.faults import BadDocument, NotFound
from provider_registry.model import Column, Method, Param, Provider, Resource, Service, Shape

if TYPE_CHECKING:
    from engine.repl.commands.registry import Command

MANY = 60  # services of a provider: more are not all read to complete a name without its provider


@dataclass(frozen=True)
class Suggestion:
    """What may stand from `start` to the cursor. `kind` says what it is, `detail` what is worth knowing of it.

    `rank` orders suggestions that fit what is typed equally well: the least first.
    """

    text: str
    kind: str
    detail: str = ""
    start: int = 0
    rank: int = 5


@dataclass(frozen=True)
class Known:
    """Everything that has a name here."""

    catalog: Catalog
    provider: str | None = None  # that USE chose
    variables: Mapping[str, str] = field(default_factory=dict)
    queries: Sequence[str] = ()
    commands: Sequence[Command] = ()

    def providers(self) -> list[Provider]:
        with suppress(BadDocument):
            return self.catalog.providers()
        return []

    def services(self, provider: str) -> Iterator[Service]:
        """The services of a provider that can be read."""
        with suppress(BadDocument, NotFound):
            for name in self.catalog.provider(provider).services:
                with suppress(BadDocument):
                    yield self.catalog.service(provider, name)

    def service(self, provider: str, name: str) -> Service | None:
        with suppress(BadDocument, NotFound):
            return self.catalog.service(provider, name)
        return None

    def resource(self, parts: Sequence[str]) -> Resource | None:
        """A resource by its parts; two are enough after USE."""
        whole = (self.provider, *parts) if self.provider and len(parts) == 2 else tuple(parts)
        if len(parts) == 2 and parts[0].casefold() == SCHEMA:
            return self.system().get(parts[1].casefold())
        if len(whole) != 3:
            return None
        with suppress(BadDocument, NotFound):
            return self.catalog.resource(*whole)
        return None

    def method(self, parts: Sequence[str]) -> Method | None:
        """A method by its parts; three are enough after USE."""
        owner = self.resource(parts[:-1]) if len(parts) in (3, 4) else None
        folded = parts[-1].casefold() if parts else ""
        return next((m for n, m in owner.methods.items() if n.casefold() == folded), None) if owner else None

    def system(self) -> Mapping[str, Resource]:
        """The tables of the schema `system`."""
        return system_tables().resources

    def tables(self) -> tuple[tuple[str, Resource], ...]:
        """Every resource by its whole name, but of providers with more services than are worth reading for that."""
        if self.catalog not in _TABLES:
            _TABLES[self.catalog] = tuple(
                (f"{provider.name}.{service.name}.{name}", resource)
                for provider in self.providers()
                if len(provider.services) <= MANY
                for service in self.services(provider.name)
                for name, resource in service.resources.items()
            )
        return _TABLES[self.catalog]


_TABLES: WeakKeyDictionary[Catalog, tuple[tuple[str, Resource], ...]] = WeakKeyDictionary()


def kind_of(shape: Shape) -> str:
    """The type of a value in a word or two.

    >>> kind_of(Shape(type="array", items=Shape())), kind_of(Shape(format="date-time"))
    ('array of string', 'date-time')
    """
    if shape.type == "array" and shape.items is not None:
        return f"array of {shape.items.type}"
    return shape.format or shape.type


def told(thing: Column | Param) -> str:
    """What a menu says of a column or a parameter.

    >>> told(Param(name="imageId", wire="imageId", location="path", required=True))
    'string, required'
    """
    words = [kind_of(thing.shape)]
    if isinstance(thing, Param):
        words += ["required"] if thing.required else []
    elif thing.filter is not None:
        words.append("filterable")
    return ", ".join(words)

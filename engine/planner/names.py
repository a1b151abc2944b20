"""Where names are looked up: the catalog, by what USE chose; the schema `system`, which no API answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from engine.accounts import COLUMN
from engine.errors import DocumentError, Span, SyntaxFault, UnknownName
from engine.language.shows import told
from engine.language.statements import Describe, Name, Show, Word
from engine.planner import local
from provider_registry.catalog import Catalog
from provider_registry.faults import BadDocument, NotFound
from provider_registry.model import Method, Param, Provider, Resource, Service

T = TypeVar("T")
_LOOKED_INTO = 50  # services of a provider, for what may be meant by part of a name
_SHOWN = 3
_CATALOGS = "the tables that tell what there is are those of the schema system: SHOW RESOURCES IN system lists them"
_HABITS = dict.fromkeys(
    ("system", "information_schema", "pg_catalog", "sqlite_master", "sqlite_schema", "duckdb_tables"), _CATALOGS
)


# Whose account a row is of: beside the columns of every row of a provider whose accounts are named.
ACCOUNT = Param(name=COLUMN, wire=COLUMN, location="header", description="The account it was asked of.")


class Names(Struct, frozen=True):
    """Where names are looked up: the catalog, the provider that USE chose; the accounts to ask, by provider."""

    catalog: Catalog
    provider: str | None = None
    accounts: Mapping[str, tuple[str, ...]] = {}

    def resource(self, name: Name) -> tuple[str, Resource]:
        """The provider and resource behind `p.s.r`, or `s.r` after USE; `system.t` is a table that no API answers."""
        if self.is_local(name.parts):
            return local.SCHEMA, self._local(name)
        parts = self._full(name, 3, "provider.service.resource", "linode.images.images")
        return parts[0].casefold(), _found(name, lambda: self.catalog.resource(*parts))

    def method(self, name: Name) -> tuple[str, Resource, Method]:
        """The provider, resource and method behind `p.s.r.m`."""
        example = "linode.images.images.post_upload_image"
        parts = self._full(name, 4, "provider.service.resource.method", example)
        resource = _found(name, lambda: self.catalog.resource(*parts[:3]))
        return parts[0].casefold(), resource, _found(name, lambda: self.catalog.method(*parts))

    def service(self, name: Name) -> tuple[str, Service]:
        """The provider and service behind `p.s`, or `s` after USE; `system` has no provider."""
        if len(name.parts) == 1 and name.parts[0].casefold() == local.SCHEMA:
            return "", local.tables()
        parts = self._full(name, 2, "provider.service", "linode.images")
        return parts[0].casefold(), _found(name, lambda: self.catalog.service(*parts))

    def provider_of(self, name: Name) -> Provider:
        """The provider behind `p`."""
        parts = self._full(name, 1, "provider", "linode")
        return _found(name, lambda: self.catalog.provider(*parts))

    def using(self, word: Word) -> Names:
        """The same names after USE."""
        provider = self.provider_of(Name((word.name,), word.span))
        return replace(self, provider=provider.name)

    def is_local(self, parts: Sequence[str]) -> bool:
        """Whether a name is one of the schema `system`; a service that is called so has its provider before it."""
        return len(parts) == 2 and parts[0].casefold() == local.SCHEMA

    def _local(self, name: Name) -> Resource:
        """A table of the schema `system`; of a SHOW or DESCRIBE what it is about is looked up too."""
        try:
            found = local.table(name.parts[1])
        except SyntaxFault as fault:
            fault.span = name.span
            raise
        if found is None:
            known = list(local.tables().resources)
            raise UnknownName(
                f"system has no table {name.parts[1]!r}", name=name.parts[1], known=known, span=name.span
            )
        if found.name not in local.tables().resources:
            self._check(told(found.name), name.span)
        return found

    def _check(self, asked: Show | Describe, span: Span) -> None:
        """What a SHOW or DESCRIBE is about is there."""
        about = asked.target if isinstance(asked, Describe) else asked.scope
        if about is None:
            return
        kind = ("method" if asked.method else "") if isinstance(asked, Describe) else asked.kind
        look: Mapping[str, Callable[[Name], object]] = {
            "method": self.method,
            "services": self.provider_of,
            "resources": self.service,
        }
        look.get(kind, self.resource)(Name(about.parts, span))

    def whole(self, parts: tuple[str, ...], length: int = 3) -> tuple[str, ...]:
        """A name with the provider that USE chose, where it lacks one."""
        lacking = self.provider and len(parts) == length - 1 and not self.is_local(parts)
        return (self.provider, *parts) if lacking and self.provider else parts

    def _ending(self, parts: Sequence[str]) -> list[str]:
        """The resources whose names end so, of services that can be read; few of them."""
        end = f".{'.'.join(parts)}".casefold()
        found: list[str] = []
        for provider in self.catalog.names():
            with suppress(BadDocument):
                for service in islice(self.catalog.provider(provider).services, _LOOKED_INTO):
                    resources = self.catalog.service(provider, service).resources
                    found += [f"{provider}.{service}.{resource}" for resource in resources]
        return [whole for whole in found if whole.casefold().endswith(end)][:_SHOWN]

    def _full(self, name: Name, length: int, form: str, example: str) -> tuple[str, ...]:
        parts = self.whole(name.parts, length)
        if len(parts) != length:
            kind = form.rpartition(".")[2]
            meant = self._ending(name.parts) if kind == "resource" else []
            such = f": {', '.join(meant)}" if meant else f", for example {example}"
            hint = _HABITS.get(name.parts[0].casefold(), f"a {kind} is named {form}{such}")
            raise UnknownName(f"{name} does not name a {kind}", name=str(name), span=name.span, hint=hint)
        return parts


def _found(name: Name, look_up: Callable[[], T]) -> T:
    """A look-up in the catalog; what it raises, as an error in the statement."""
    try:
        return look_up()
    except NotFound as missing:
        raise UnknownName(
            f"{missing.parent or 'the registry'} has no {missing.kind} {missing.name!r}",
            name=missing.name,
            known=missing.known,
            span=name.span,
        ) from missing
    except BadDocument as bad:
        raise DocumentError(f"the document behind {name} cannot be used:", bad.faults) from bad

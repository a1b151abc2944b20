"""Names -> providers, services, resources, methods, over several roots; each document read when it is asked for.

Importing this reads nothing and imports no YAML: with a warm cache, yaml never is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from provider_registry.compiled import load, store
from provider_registry.faults import BadDocument, Fault, NotFound
from provider_registry.layout import BUILT_IN, PROVIDER_FILE, Root, newest, origin_of, provider_folders
from provider_registry.model import Method, Provider, Resource, Service, ServiceRef

if TYPE_CHECKING:
    from provider_registry.documents import Reading

T = TypeVar("T")
D = TypeVar("D", Provider, Service)


def default_cache() -> Path:
    """The folder of compiled documents on this platform."""
    from platformdirs import user_cache_path

    return user_cache_path("stratoql", appauthor=False) / "documents"


class Catalog:
    """What can be called, by name, in any case. Of a provider in several roots the first root's counts.

    `roots` are folders that hold `src/`; the built-in documents are the last root. `cache` is where compiled
    documents are kept; None keeps none. Methods raise NotFound, and BadDocument for a document with errors.
    """

    def __init__(self, roots: Sequence[Path | Root] = (), cache: Path | None = None) -> None:
        self._places = (*(root if isinstance(root, Root) else Root(Path(root)) for root in roots), Root(BUILT_IN))
        self.roots = tuple(place.path for place in self._places)
        self.cache = cache
        self._folders: dict[str, list[Root]] = {}
        self._providers: dict[str, Provider] = {}
        self._services: dict[tuple[str, str], Service] = {}

    def names(self) -> list[str]:
        """The names of all providers, in lower case, sorted; no document is read."""
        return self._names()

    def providers(self) -> list[Provider]:
        """All providers, sorted by name."""
        return [self.provider(name) for name in self._names()]

    def provider(self, name: str) -> Provider:
        """A provider; its services are known, none is read."""
        folded = name.casefold()
        if folded not in self._providers:
            file = self.folder(name) / PROVIDER_FILE
            self._providers[folded] = self._value(str(file), folded, Provider, lambda: _read_provider(file))
        return self._providers[folded]

    def service(self, provider: str, service: str) -> Service:
        """A service, read now if it was not yet."""
        owner = self.provider(provider)
        ref = _named("service", service, owner.name, owner.services)
        place = (owner.name, ref.name)
        if place not in self._services:
            self._services[place] = self._value(ref.path, ref.name, Service, lambda: _read_service(ref))
        return self._services[place]

    def resource(self, provider: str, service: str, resource: str) -> Resource:
        """A resource of a service."""
        owner = self.service(provider, service)
        parent = f"{self.provider(provider).name}.{owner.name}"
        return _named("resource", resource, parent, owner.resources)

    def method(self, provider: str, service: str, resource: str, method: str) -> Method:
        """A method of a resource."""
        owner = self.resource(provider, service, resource)
        parent = f"{self.provider(provider).name}.{self.service(provider, service).name}.{owner.name}"
        return _named("method", method, parent, owner.methods)

    def folder(self, name: str) -> Path:
        """The folder of the documents of a provider that count; none of them is read."""
        file = self._file(name.casefold())
        if file is None:
            raise NotFound("provider", name, "", self._names())
        return file.parent

    def source(self, name: str) -> str:
        """Where the documents of a provider are from, in words."""
        provider = self.provider(name)
        if Path(provider.root) == BUILT_IN:
            return "built in"
        origin = origin_of(self.folder(name))
        return f"pulled from {origin}" if origin else provider.root

    def signing(self, provider: str | None = None) -> tuple[str, Method] | None:
        """A method that asks for a credential and its service, of this provider or the first; None: none does."""
        try:
            owner = self.provider(provider) if provider else self.providers()[0]
            for name in list(owner.services)[:1]:
                for resource in self.service(owner.name, name).resources.values():
                    for method in resource.methods.values():
                        if method.auth.type != "null_auth":
                            return name, method
        except (BadDocument, NotFound, IndexError):
            pass
        return None

    def _all(self) -> Mapping[str, Sequence[Root]]:
        """The folders of every provider, by name in lower case; those of earlier roots first."""
        if not self._folders:
            found: dict[str, list[Root]] = {}
            for root, origin in self._places:
                try:
                    folders = provider_folders(root)
                except OSError as error:
                    fault = Fault(str(root), "", f"not a registry, its folder src cannot be read: {error.strerror}")
                    raise BadDocument([fault]) from error
                for name, folder in folders.items():
                    found.setdefault(name, []).append(Root(folder, origin))
            self._folders = found
        return self._folders

    def _file(self, name: str) -> Path | None:
        """The provider document that counts."""
        return next((file for place in self._all().get(name, ()) if (file := newest(*place)) is not None), None)

    def _names(self) -> list[str]:
        return sorted(name for name in self._all() if self._file(name) is not None)

    def _value(self, file: str, name: str, kind: type[D], read: Callable[[], Reading[D]]) -> D:
        """What a document says under a name, from the cache where that still holds."""
        if self.cache is not None and (kept := load(self.cache, file, name, kind)) is not None:
            return kept
        reading = read()
        value = reading.checked()
        if self.cache is not None:
            store(self.cache, file, name, value, reading.digests)
        return value


def _read_provider(file: Path) -> Reading[Provider]:
    from provider_registry.documents import read_provider

    return read_provider(file)


def _read_service(ref: ServiceRef) -> Reading[Service]:
    from provider_registry.documents import read_service

    return read_service(ref, whole=False)


def _named(kind: str, name: str, parent: str, members: Mapping[str, T]) -> T:
    """A member by its name, else by its name in any case."""
    if name in members:
        return members[name]
    folded = name.casefold()
    for known in members:  # not items(): a member may have to be decoded
        if known.casefold() == folded:
            return members[known]
    raise NotFound(kind, name, parent, list(members))

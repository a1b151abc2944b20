"""Provider documents -> the model: `provider.yaml` to a Provider, a service's document to a Service.

The format is StackQL's: OpenAPI 3.0 with `x-stackQL-*` keys, and a few `x-stratoql-*` keys of ours (README.md). One
pass over a document finds every fault; errors are raised together, each with file and JSON pointer. What published
documents are known to get wrong, and what is not honoured yet, is a warning: `validate` shows those too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from provider_registry.config import Levels
from provider_registry.extensions import unknown_extensions
from provider_registry.faults import BadDocument, Fault
from provider_registry.layout import PROVIDER_FILE, provider_name
from provider_registry.methods import resource
from provider_registry.model import Provider, Service, ServiceRef
from provider_registry.nodes import Library, Node, broken_references

T = TypeVar("T", Provider, Service)
_PROTOCOLS = ("http", "https")


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What was read: the value, all faults found on the way, and the digest of every file it rests on, by path."""

    value: T
    faults: tuple[Fault, ...]
    digests: Mapping[str, bytes]

    def checked(self) -> T:
        """The value. Raises BadDocument with all errors where there are any."""
        if errors := [fault for fault in self.faults if fault.severity == "error"]:
            raise BadDocument(errors)
        return self.value


def read_provider(file: Path) -> Reading[Provider]:
    """A `provider.yaml` and what is wrong with it; its services are not read."""
    library = _library(file)
    document = library.open(file)
    for key in ("name", "version", "providerServices") if document.mapping() else ():
        if not document.has(key):
            document.fault(f"the key {key} is missing")
    services = document.get("providerServices")
    protocol = _protocol(document)
    refs = {name: _service_ref(name, services.child(name), library, protocol) for name in services.mapping()}
    folder = file.absolute().parent
    value = Provider(
        name=_provider_name(document, folder),
        version=folder.name,
        title=document.text("title"),
        description=document.text("description"),
        services={name: ref for name, ref in refs.items() if ref is not None},
        root=str(folder.parent.parent.parent),
    )
    unknown_extensions(document)
    return Reading(value, tuple(library.faults), library.digests)


def _protocol(node: Node, default: str = "http") -> str:
    """How services are called. Where it is in another way the provider is known, and no service of it is read."""
    protocol = node.text("protocolType", default)
    if protocol not in _PROTOCOLS:
        node.fault(f"the protocol {protocol!r} is not supported", "protocolType", severity="warning")
    return protocol


def _provider_name(document: Node, folder: Path) -> str:
    """The name it is looked up by: in a registry its folder tells it."""
    declared = document.text("name")
    if folder.parent.parent.name != "src":
        return declared or folder.parent.name
    known = provider_name(folder.parent.name)
    if declared.casefold() == known.casefold():
        return declared
    if declared:
        document.fault(f"in this folder it is called {known!r}, not {declared!r}", "name", severity="warning")
    return known


def _service_ref(name: str, node: Node, library: Library, protocol: str) -> ServiceRef | None:
    """A service as provider.yaml knows it. References are relative to `src`; a few documents' to themselves."""
    reference = node.child("service").child("$ref").value
    if not isinstance(reference, str):
        node.fault("a service has service.$ref, the path of its document", "service")
        return None
    tried = [os.path.join(base, reference) for base in (library.source, os.path.dirname(node.file))]
    path = os.path.realpath(next((path for path in tried if os.path.isfile(path)), tried[0]))
    if not Path(path).is_relative_to(library.folder):
        node.fault(f"{reference} is outside the folder {library.folder}", "service", "$ref")
        return None
    if not os.path.isfile(path):  # others of the same provider can still be used
        node.fault(f"there is no file {reference}", "service", "$ref", severity="warning")
    return ServiceRef(
        name=name,
        path=path,
        title=node.text("title"),
        description=node.text("description"),
        version=node.text("version"),
        protocol=_protocol(node, protocol),
    )


def read_service(ref: ServiceRef, *, whole: bool = True) -> Reading[Service]:
    """A service's document and what is wrong with it. Its provider's document is read for the config in it.

    `whole`: also look at what no resource leads to, where nothing can be worse than a warning.
    """
    file = Path(ref.path)
    library = _library(file)
    document = library.open(file)
    if ref.protocol not in _PROTOCOLS:
        document.fault(f"the protocol {ref.protocol!r} is not supported here: only HTTP is")
        return Reading(Service(name=ref.name), tuple(library.faults), library.digests)
    levels, items_key = _outer(ref.name, document, library)
    resources = _resources(ref.name, document, library)
    if document.mapping() and not resources:
        document.fault("a service has resources", "components", "x-stackQL-resources")
    info = document.get("info")
    value = Service(
        name=ref.name,
        title=info.text("title", ref.title),
        description=info.text("description", ref.description),
        version=info.text("version", ref.version),
        resources={
            name: resource(name, resources.get(name), document, levels, items_key) for name in resources.mapping()
        },
    )
    for root in library.files():
        unknown_extensions(root)
    if whole:
        broken_references(document)
    return Reading(value, tuple(library.faults), library.digests)


def _resources(name: str, document: Node, library: Library) -> Node:
    """The resources of a service: in its own document, or in the file that its provider names for them."""
    own = document.get("components").get("x-stackQL-resources")
    file = Path(library.folder) / PROVIDER_FILE
    if own or not file.is_file():
        return own
    apart = library.open(file).get("providerServices").child(name).get("resources")
    within = apart.get("components").get("x-stackQL-resources") if apart.has("components") else apart.get("resources")
    return within if within else own


def _outer(name: str, document: Node, library: Library) -> tuple[Levels, str]:
    """The config blocks around all resources of a service, nearest first, and the provider's key of rows."""
    blocks = [document.get("x-stackQL-config"), document.get("components").get("x-stackQL-config")]
    file = Path(library.folder) / PROVIDER_FILE
    if not file.is_file():
        return blocks, ""
    provider = library.open(file)
    blocks += [provider.get("providerServices").child(name).get("config"), provider.get("config")]
    return blocks, provider.get("responseKeys").text("selectItemsKey")


def _library(file: Path) -> Library:
    """The files that belong with one: those of its version folder; references may be relative to `src`."""
    version = version_folder(file)
    return Library(version, version.parent.parent)


def version_folder(file: Path) -> Path:
    """Where the provider's document lies, the services below `services`; a document elsewhere has its own folder.

    >>> version_folder(Path("/nowhere/drafts/stock.yaml")).as_posix()
    '/nowhere/drafts'
    """
    folder = file.absolute().parent
    below_services = (place.parent for place in (folder, *folder.parents) if place.name == "services")
    return next((place for place in below_services if (place / PROVIDER_FILE).is_file()), folder)

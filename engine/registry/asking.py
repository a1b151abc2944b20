"""REGISTRY LIST and the first half of PULL: what registries have, and an archive from one of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine.errors import ApiError, CallError, DocumentError, Refused, UnknownName, suggest
from engine.language.statements import Registry, Word
from engine.registry import home, named
from engine.result import Result, ResultColumn
from engine.settings import Settings
from provider_registry.catalog import Catalog
from provider_registry.faults import BadDocument, NotFound
from provider_registry.layout import folder_name, plain_name
from provider_registry.remote import pulling
from provider_registry.remote.archives import PACKED
from provider_registry.remote.index import FILE, Index, folder_index, read_index, same_version
from provider_registry.remote.sources import PUBLIC, Source

INDEX = 4 * 2**20  # bytes
_COLUMNS = (
    ResultColumn("provider", "string"),
    ResultColumn("version", "string"),
    ResultColumn("pulled", "boolean"),
    ResultColumn("in_use", "string"),
    ResultColumn("registry", "string"),
)
Get = Callable[[str, int], Awaitable[bytes]]  # an address, the most bytes; raises CallError


class Fetched(Struct, frozen=True):
    """Documents that are here and not looked at yet: an archive, or a folder of a registry on this machine.

    `pinned`: the version was asked for by its name.
    """

    source: Source
    provider: str
    version: str
    found: bytes | Path
    pinned: bool


def registries(settings: Settings) -> list[Source]:
    """The registries that are asked: those named, else the public one. Raises Refused in the sandbox."""
    found = named(settings) or [Source(url=PUBLIC)]
    if settings.sandbox is not None and any(source.url for source in found):
        raise Refused(
            "the sandbox has no network, so no registry is asked",
            hint="leave --sandbox out, or name a folder with --registry",
        )
    return found


def planned(body: Registry, settings: Settings) -> list[str]:
    """What a statement would fetch, in lines; nothing is."""
    lines = []
    found = registries(settings)
    for source in found:
        lines.append(f"send: GET {source.url}/{source.dist}/{FILE}" if source.url else f"read: {source.folder}")
        if source.url and body.provider is not None and body.action == "pull":
            version = body.version.name if body.version else "{newest version}"
            lines.append(f"send: GET {source.url}/{_archive_name(source, body.provider.name, version)}")
    if body.action == "pull":
        lines.append(f"install below: {home(found[0]) / 'src'}")
    return lines


async def listed(body: Registry, settings: Settings, catalog: Catalog, get: Get) -> Result:
    """REGISTRY LIST: a row a provider with its newest version; of one provider a row a version, the newest first."""
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    known: list[str] = []
    wanted = body.provider.name.casefold() if body.provider else ""
    for source in registries(settings):
        index, here = await _index(source, get), pulling.pulled(home(source))
        known += index
        for provider, versions in index.items():
            if wanted and provider.casefold() != wanted:
                continue
            for version in versions if wanted else versions[:1]:
                there = version in here.get(provider.casefold(), ())
                row = (provider, version, there, _in_use(provider, catalog), source.name)
                rows.setdefault((provider, version if wanted else ""), row)
    if body.provider is not None and not rows:
        raise _unknown(body.provider, known)
    return Result(_COLUMNS, iter(rows.values()))


async def fetched(body: Registry, settings: Settings, get: Get) -> Fetched:
    """The documents that a PULL asks for, from the first registry that has the provider.

    Raises UnknownName for a provider or version that no registry has, DocumentError for an index that cannot be
    read, CallError for a registry that cannot be asked.
    """
    wanted = body.provider
    known: list[str] = []
    assert wanted is not None  # the parser demands one
    for source in registries(settings):
        index = await _index(source, get)
        known += index
        for provider, versions in index.items():
            if provider.casefold() == wanted.name.casefold():
                version = _version(body.version, versions)
                found = await _documents(source, provider, version, get)
                if found is None:
                    raise _no_version(source, provider, version, body.version, versions)
                return Fetched(source, provider, version, found, body.version is not None)
    raise _unknown(wanted, known)


def _version(wanted: Word | None, versions: Any) -> str:
    """The version that is meant. One that the index does not list may be there all the same."""
    if wanted is None:
        return str(versions[0])
    if not plain_name(wanted.name):
        raise UnknownName(f"{wanted.name!r} is no version", name=wanted.name, known=versions, span=wanted.span)
    return same_version(wanted.name, versions) or wanted.name


def _no_version(source: Source, provider: str, version: str, wanted: Word | None, known: Any) -> UnknownName:
    return UnknownName(
        f"{source.name} has no version {version} of {provider}",
        name=version,
        known=known,
        span=wanted.span if wanted else None,
    )


def _unknown(provider: Word, known: list[str]) -> UnknownName:
    return UnknownName(
        f"the registry has no provider {provider.name!r}",
        name=provider.name,
        known=known,
        hint=suggest(provider.name, known) or "it is empty",
        span=provider.span,
    )


async def _index(source: Source, get: Get) -> Index:
    """What a registry has. Raises DocumentError, CallError."""
    try:
        if source.folder is None:
            return read_index(await _index_file(source, get), FILE)
        file = source.folder / source.dist / FILE
        return read_index(file.read_bytes(), str(file)) if file.is_file() else folder_index(source.folder)
    except BadDocument as bad:
        raise DocumentError(
            f"the registry {source.name} has an index that cannot be read:",
            bad.faults,
            hint="tell who keeps it, or name another with --registry",
        ) from bad
    except OSError as error:
        raise DocumentError(
            f"the registry {source.name} cannot be read: {error.strerror}",
            (),
            hint="see that you may read the folder, or name another with --registry",
        ) from error


async def _index_file(source: Source, get: Get) -> bytes:
    """The index: beside the archives, or at the top of the registry."""
    try:
        return await _get(source, f"{source.dist}/{FILE}", INDEX, get)
    except ApiError as error:
        if error.status != 404:
            raise
    try:
        return await _get(source, FILE, INDEX, get)
    except ApiError as error:
        if error.status == 404:
            error.hint = f"is {source.url} a registry? One has the file {source.dist}/{FILE}"
        raise


def _archive_name(source: Source, provider: str, version: str) -> str:
    return f"{source.dist}/{folder_name(provider)}/{version}.tgz"


async def _documents(source: Source, provider: str, version: str, get: Get) -> bytes | Path | None:
    """The documents of a version: its archive; in a folder without archives, where they stand. None: not there."""
    name = _archive_name(source, provider, version)
    if source.folder is not None:
        archive, folder = source.folder / name, source.folder / "src" / folder_name(provider) / version
        return archive.read_bytes() if archive.is_file() else folder if folder.is_dir() else None
    try:
        return await _get(source, name, PACKED, get)
    except ApiError as error:
        if error.status != 404:
            raise
        return None


async def _get(source: Source, name: str, largest: int, get: Get) -> bytes:
    """A file of a registry; what went wrong names the registry, and says what can be done without it."""
    try:
        return await get(f"{source.url}/{name}", largest)
    except CallError as error:
        if not isinstance(error, ApiError) or error.status != 404:
            error.message = f"the registry {source.url} cannot be asked: {error.message}"
            error.args = (error.message,)
            error.hint = "; ".join(filter(None, (error.hint, "SHOW PROVIDERS lists what is here without it")))
        raise


def _in_use(provider: str, catalog: Catalog) -> str | None:
    try:
        return catalog.provider(provider).version
    except (NotFound, BadDocument):
        return None

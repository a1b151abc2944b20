"""What a registry has: its index of providers and versions, or the folders that lie in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from provider_registry.faults import BadDocument, Fault
from provider_registry.layout import plain_name, provider_folders, provider_name, version_key, versions

FILE = "providers.yaml"
Index = Mapping[str, Sequence[str]]  # versions by provider, the newest first


def read_index(data: bytes, name: str) -> Index:
    """The providers of an index file. Entries whose names could not be those of folders are left out.

    Raises BadDocument. `name` is what faults call the file.

    >>> dict(read_index(b"providers: {shop: {versions: [v1.9.0, v1.10.0]}}", "x"))
    {'shop': ['v1.10.0', 'v1.9.0']}
    """
    from provider_registry.source import parse

    value, problems = parse(data)
    if problems:
        raise BadDocument([Fault(name, "", f"line {line}: {problem}") for line, problem in problems])
    listed = value.get("providers") if isinstance(value, dict) else None
    if not isinstance(listed, dict):
        raise BadDocument([Fault(name, "/providers", "an index has providers, each with its versions")])
    found = {provider_name(str(key)): _versions(said) for key, said in listed.items() if plain_name(str(key))}
    return {provider: found[provider] for provider in sorted(found) if found[provider]}


def folder_index(folder: Path) -> Index:
    """The providers of a folder that holds `src/`."""
    found = {name: versions(place) for name, place in provider_folders(folder).items()}
    return {name: listed for name, listed in found.items() if listed}


def _versions(said: Any) -> list[str]:
    listed = said.get("versions") if isinstance(said, dict) else said
    texts = [str(version) for version in listed] if isinstance(listed, list) else []
    return sorted({text for text in texts if plain_name(text)}, key=version_key, reverse=True)


def same_version(wanted: str, listed: Sequence[str]) -> str | None:
    """The version that is meant, with or without its `v`.

    >>> same_version("1.10.0", ["v1.10.0", "v1.9.0"]), same_version("v2", ["v1.9.0"])
    ('v1.10.0', None)
    """
    bare = wanted.lower().removeprefix("v")
    return next((version for version in listed if version == wanted), None) or next(
        (version for version in listed if version.lower().removeprefix("v") == bare), None
    )

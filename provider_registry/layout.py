"""Where documents lie: `<root>/src/<provider>/<version>/provider.yaml`, its services beside it.

Nothing here reads a document, so that looking names up stays cheap.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

PROVIDER_FILE = "provider.yaml"
ORIGIN = "origin.json"  # beside a provider's document that was pulled: where it is from
PIN = "pinned"  # in a provider's folder: the version that counts, whatever newer ones there are
BUILT_IN = Path(__file__).parent  # the root of the documents that come with the product
_FOLDERS: Mapping[str, str] = {"googleapis.com": "google"}  # folders whose provider has another name
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")  # one folder, and no way out of it


class Root(NamedTuple):
    """A folder that holds `src/`. With an `origin` only what was pulled from there counts in it."""

    path: Path
    origin: str | None = None


def provider_folders(root: Path) -> dict[str, Path]:
    """The folders of a root's providers, by the providers' names in lower case, sorted."""
    with os.scandir(root / "src") as entries:
        folders = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    return {provider_name(name).casefold(): root / "src" / name for name in folders}


def provider_name(folder: str) -> str:
    """The name of the provider in a folder of this name."""
    return _FOLDERS.get(folder, folder)


def folder_name(provider: str) -> str:
    """The folder of a provider of this name."""
    return next((folder for folder, name in _FOLDERS.items() if name == provider), provider)


def plain_name(text: str) -> bool:
    """Whether a text can name a provider or a version.

    >>> [plain_name(text) for text in ("digital-ocean", "v24.11.00274", "googleapis.com", "..", ".hidden", "a/b", "")]
    [True, True, True, False, False, False, False]
    """
    return _NAME.fullmatch(text) is not None


def newest(folder: Path, origin: str | None = None) -> Path | None:
    """The provider document that counts in a provider's folder: the pinned version's, else the newest's.

    None where there is none. With an `origin` only those count that were pulled from there.
    """
    chosen = versions(folder)
    if origin is not None:
        chosen = [version for version in chosen if origin_of(folder / version) == origin]
    if (kept := pin(folder)) in chosen:
        chosen.insert(0, kept)
    files = (folder / version / PROVIDER_FILE for version in chosen)
    return next((file for file in files if file.is_file()), None)


def versions(folder: Path) -> list[str]:
    """The versions in a provider's folder, the newest first; none where there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            found = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    return sorted(found, key=version_key, reverse=True)


def pin(folder: Path) -> str:
    """The version that is pinned in a provider's folder; empty where none is."""
    try:
        return (folder / PIN).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def origin_of(version: Path) -> str:
    """Where the documents of a version's folder were pulled from; empty where they were not."""
    found = record(version).get("origin")
    return found if isinstance(found, str) else ""


def record(version: Path) -> dict[str, Any]:
    """What was noted when the documents of a version's folder were pulled; nothing where they were not."""
    try:
        found = msgspec.json.decode((version / ORIGIN).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return {}
    return found if isinstance(found, dict) else {}


def version_key(version: str) -> tuple[tuple[int, ...], bool, tuple[tuple[int, str], ...]]:
    """The natural order of versions: numbers as numbers, a release after what came before it.

    >>> sorted(["v1.10.0", "v1.9.0", "v00.00.00000", "v1.10.0-beta.2", "v1.10.0-beta.10", "dev"], key=version_key)
    ['dev', 'v00.00.00000', 'v1.9.0', 'v1.10.0-beta.2', 'v1.10.0-beta.10', 'v1.10.0']
    """
    release, _, suffix = version.lower().removeprefix("v").partition("-")
    numbers = tuple(map(int, re.findall(r"[0-9]+", release)))
    parts = tuple(
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.findall(r"[0-9]+|[^0-9.]+", suffix)
    )
    return numbers, not suffix, parts


def digest(data: bytes) -> bytes:
    """What stands for the content of a file."""
    from hashlib import blake2b  # here: OpenSSL comes with it, and many statements read no document

    return blake2b(data, digest_size=16).digest()

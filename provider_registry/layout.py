"""Where documents lie: `<root>/src/<provider>/<version>/provider.yaml`, its services beside it.

Nothing here reads a document, so that looking names up stays cheap.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

PROVIDER_FILE = "provider.yaml"
BUILT_IN = Path(__file__).parent  # the root of the documents that come with the product
_FOLDERS: Mapping[str, str] = {"googleapis.com": "google"}  # folders whose provider has another name


def provider_folders(root: Path) -> dict[str, Path]:
    """The folders of a root's providers, by the providers' names in lower case, sorted."""
    with os.scandir(root / "src") as entries:
        folders = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    return {provider_name(name).casefold(): root / "src" / name for name in folders}


def provider_name(folder: str) -> str:
    """The name of the provider in a folder of this name."""
    return _FOLDERS.get(folder, folder)


def newest(folder: Path) -> Path | None:
    """The provider document of the newest version in a provider's folder; None where there is none."""
    with os.scandir(folder) as entries:
        versions = sorted((entry.name for entry in entries if entry.is_dir()), key=version_key, reverse=True)
    files = (folder / version / PROVIDER_FILE for version in versions)
    return next((file for file in files if file.is_file()), None)


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
    return blake2b(data, digest_size=16).digest()

"""Documents into the folder of pulled ones: staged beside it, read to the end, put in their place in one step.

Until `install` nothing has changed, and a stage that is left unfinished is in nobody's way. Two processes may pull
one version at once: the last one's stays, and there is no moment at which half of one can be seen.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from provider_registry.faults import BadDocument, Fault
from provider_registry.layout import (
    BUILT_IN,
    ORIGIN,
    PIN,
    PROVIDER_FILE,
    folder_name,
    newest,
    plain_name,
    provider_folders,
    provider_name,
    record,
    version_key,
    versions,
)
from provider_registry.remote import sources
from provider_registry.remote.archives import BadArchive, unpack
from provider_registry.remote.reach import Change, Inspected, Reach, changes, inspect, noted

_STAGES = ".incoming"
_STALE = 24 * 3600  # seconds: a stage of a process that was killed
_MOST = 100  # times that another process may come first


class Staged(Struct, frozen=True):
    """Documents that were read and are not in their place yet."""

    provider: str
    version: str
    folder: Path  # where they lie now
    found: Inspected


@contextmanager
def stage(home: Path) -> Iterator[Path]:
    """A folder beside the pulled documents, gone in the end."""
    stages = home / _STAGES
    stages.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in stages.iterdir():
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > _STALE:
                shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=stages))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def from_archive(data: bytes, stage: Path, provider: str = "", version: str = "") -> Staged:
    """The documents of an archive, unpacked and read. Raises BadArchive, BadDocument.

    An archive holds `<version>/provider.yaml` or that file at its top; then `version` says which one it is.
    """
    unpacked = stage / "unpacked"
    unpacked.mkdir()
    unpack(data, unpacked)
    files = sorted(unpacked.rglob(PROVIDER_FILE))
    if len(files) != 1:
        raise BadArchive(f"it holds {len(files)} files {PROVIDER_FILE}" if files else f"it holds no {PROVIDER_FILE}")
    folder = files[0].parent
    inner = "" if folder == unpacked else folder.name
    return _placed(folder, stage, provider or _declared(files[0]), inner or version)


def from_folder(folder: Path, stage: Path) -> Staged:
    """The documents of a version's folder, copied and read. Raises BadArchive, BadDocument."""
    copy = stage / "unpacked"
    for place in sorted(folder.rglob("*")):
        if place.is_symlink():
            raise BadArchive(f"{place} is a link, and only plain files are taken")
    shutil.copytree(folder, copy)
    (copy / ORIGIN).unlink(missing_ok=True)
    provider = provider_name(folder.parent.name) if folder.parent.parent.name == "src" else ""
    return _placed(copy, stage, provider or _declared(copy / PROVIDER_FILE), folder.name)


def _declared(file: Path) -> str:
    from provider_registry.documents import read_provider

    return read_provider(file).value.name


def _placed(folder: Path, stage: Path, provider: str, version: str) -> Staged:
    """Documents moved to where they would lie in a registry, which their references count on, and read there."""
    for name in (provider, version):
        if not plain_name(name):
            raise BadArchive(f"{name!r} cannot be the name of a folder" if name else "nothing says its version")
    place = stage / "src" / folder_name(provider) / version
    place.parent.mkdir(parents=True)
    folder.rename(place)
    found = inspect(place / PROVIDER_FILE)
    wrong = [fault for fault in found.faults if fault.severity == "error"]
    if wrong and (len(found.broken) == len(found.services) or any(f.file.endswith(PROVIDER_FILE) for f in wrong)):
        raise BadDocument([_inside(fault, place) for fault in wrong])
    return Staged(provider=provider, version=version, folder=place, found=found)


def _inside(fault: Fault, place: Path) -> Fault:
    """A fault as told by the place in the archive: the stage will be gone."""
    return fault._replace(file=os.path.relpath(fault.file, os.path.realpath(place)))


def change(staged: Staged, home: Path) -> tuple[Change, str]:
    """What is new in where the documents reach, and which version that is held against, in words."""
    known = {name: (version, reach) for name, version, reach in _reaches(home)}
    before = known.pop(staged.provider.casefold(), None)
    others = {name: reach for name, (_, reach) in known.items()}
    return changes(staged.found.reach, before[1] if before else None, others), before[0] if before else ""


def _reaches(home: Path) -> Iterator[tuple[str, str, Reach]]:
    """Of every provider that is built in or pulled: its version, and where it reaches. What counts comes last."""
    for root in dict.fromkeys((BUILT_IN, sources.home(), home)):
        for name, folder in _folders(root).items():
            file = newest(folder)
            if file is not None:
                words = f"{file.parent.name} (built in)" if root == BUILT_IN else file.parent.name
                yield name, words, noted(record(file.parent)) or inspect(file).reach


def install(staged: Staged, home: Path, origin: str, *, pinned: bool) -> Path:
    """Put documents in their place. `pinned`: their version counts from here on, whatever newer ones there are."""
    note = {"origin": origin, **staged.found.reach.noted()}
    (staged.folder / ORIGIN).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    folder = home / "src" / folder_name(staged.provider)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / staged.version
    _swap(staged.folder, target, home)
    _pin(folder, staged.version if pinned else "")
    return target


def _swap(new: Path, target: Path, home: Path) -> None:
    """Move a folder to its place. One that is there goes first: no rename replaces a folder that has files."""
    with stage(home) as aside:
        for attempt in range(_MOST):
            try:
                new.rename(target)
                return
            except OSError:
                if attempt == _MOST - 1 or not target.exists():
                    raise
            with suppress(FileNotFoundError):  # another process was quicker
                target.rename(aside / str(attempt))


def _pin(folder: Path, version: str) -> None:
    if not version:
        (folder / PIN).unlink(missing_ok=True)
        return
    handle, written = tempfile.mkstemp(dir=folder, prefix=".")
    with open(handle, "w", encoding="utf-8") as stream:
        stream.write(f"{version}\n")
    os.replace(written, folder / PIN)


def remove(home: Path, provider: str, version: str = "") -> list[str]:
    """Take away what was pulled of a provider, or one version of it. The versions that were there, newest first."""
    folder = next((f for name, f in _folders(home).items() if name == provider.casefold()), None)
    there = versions(folder) if folder is not None else []
    wanted = [found for found in there if not version or found == version]
    if folder is None or not wanted:
        return []
    with stage(home) as aside:
        for found in wanted:
            with suppress(FileNotFoundError):
                (folder / found).rename(aside / found)
    if not version or ((folder / PIN).exists() and (folder / PIN).read_text(encoding="utf-8").strip() == version):
        (folder / PIN).unlink(missing_ok=True)
    with suppress(OSError):  # not empty
        folder.rmdir()
    return wanted


def pulled(home: Path) -> dict[str, list[str]]:
    """What is pulled: versions by provider, the newest first."""
    return {name: sorted(versions(folder), key=version_key, reverse=True) for name, folder in _folders(home).items()}


def _folders(home: Path) -> dict[str, Path]:
    return provider_folders(home) if (home / "src").is_dir() else {}

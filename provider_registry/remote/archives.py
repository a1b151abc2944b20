"""Archives of documents, unpacked with suspicion: plain files only, inside one folder, bounded in every way."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

PACKED = 64 * 2**20  # bytes of an archive as it comes
TOTAL = 512 * 2**20  # bytes that come out of it, headers and all
MEMBERS = 20_000
LARGEST = 64 * 2**20  # bytes of one file
_STEP = 2**20  # bytes read at a time; whoever wants more was told to by the archive
_DEPTH = 12  # folders
_BROKEN = (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, OverflowError, UnicodeError)


class BadArchive(Exception):
    """An archive that is not unpacked, and why."""


def unpack(data: bytes, folder: Path) -> None:
    """The files of a `.tar.gz`, or of a bare tar, into a folder that is empty. Raises BadArchive half way through."""
    if len(data) > PACKED:
        raise BadArchive(f"it is larger than {PACKED // 2**20} MiB")
    stream: Any = io.BytesIO(data)
    if data[:2] == b"\x1f\x8b":
        stream = gzip.GzipFile(fileobj=stream)
    bounded: Any = _Bounded(stream)
    try:
        with tarfile.open(fileobj=bounded, mode="r:") as archive:
            _members(archive, folder)
    except BadArchive:
        raise
    except _BROKEN as error:
        raise BadArchive(f"it cannot be read: {error}") from error


def _members(archive: tarfile.TarFile, folder: Path) -> None:
    seen: set[str] = set()
    for number, member in enumerate(archive, 1):
        if number > MEMBERS:
            raise BadArchive(f"it holds more than {MEMBERS} files")
        parts = _parts(member.name)
        if not (member.isreg() or member.isdir()) or member.issparse():
            raise BadArchive(f"{member.name!r} is a {_kind(member)}, and only plain files are unpacked")
        if member.isdir():
            continue
        if member.size > LARGEST:
            raise BadArchive(f"{member.name!r} is larger than {LARGEST // 2**20} MiB")
        place = "/".join(parts).casefold()  # one file where case is not told apart
        if place in seen:
            raise BadArchive(f"{member.name!r} is in it twice")
        seen.add(place)
        tarfile.data_filter(member, str(folder))  # the library's own eyes
        _write(archive, member, folder.joinpath(*parts))


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a member's name, below the folder it is unpacked into."""
    parts = tuple(part for part in PurePosixPath(name).parts if part != ".")
    if name.startswith("/") or ".." in parts:
        raise BadArchive(f"{name!r} leads out of it")
    if len(parts) > _DEPTH or any(not _plain(part) for part in parts):
        raise BadArchive(f"{name!r} is no name of a document")
    return parts


def _plain(part: str) -> bool:
    """Whether a name means the same file on every platform."""
    return part.isprintable() and not set(part) & set('\\:*?"<>|') and len(part) < 200 and part == part.rstrip(". ")


def _kind(member: tarfile.TarInfo) -> str:
    return "link" if member.issym() or member.islnk() else "sparse file" if member.issparse() else "device"


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    source = archive.extractfile(member)
    path.parent.mkdir(parents=True, exist_ok=True)
    if source is not None:
        with source, path.open("xb") as target:
            shutil.copyfileobj(source, target, _STEP)
        if os.path.getsize(path) != member.size:
            raise BadArchive(f"{member.name!r} is cut off")


class _Bounded:
    """A stream that gives no more than `TOTAL` bytes, and never much at once: headers tell how long they are."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        """So many bytes."""
        self._check(size if size <= _STEP else TOTAL + 1)
        found: bytes = self._stream.read(size)
        return found

    def seek(self, position: int) -> int:
        """Go on from a place."""
        self._check(position - self.tell())
        found: int = self._stream.seek(position)
        return found

    def tell(self) -> int:
        """How far it was read."""
        found: int = self._stream.tell()
        return found

    def _check(self, more: int) -> None:
        if self.tell() + more > TOTAL:
            raise BadArchive(f"more than {TOTAL // 2**20} MiB would come out of it")

"""Documents compiled: a Provider or Service as MessagePack beside the digests of the files it was read from.

Of a service only the names of its resources are decoded at first: a statement uses one or two of what may be many.

An entry counts only while every one of those files has the digest it had, and the code that read them is the code
that runs. Anything else (a cut file, an older format, a folder that cannot be written) is no entry and no error.
Neither yaml nor jsonschema is imported here: a warm start needs neither.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from provider_registry.layout import digest
from provider_registry.model import Provider, Resource, Service

T = TypeVar("T", Provider, Service)
_HERE = os.path.dirname(__file__)
READERS = (  # the modules whose change makes entries stale
    *("model", "protocol", "source", "nodes", "shapes", "objectkeys", "config", "auth", "inputs", "methods", "waits"),
    *("casing", "extensions", "documents", "layout", "faults", "compiled", "options", "given", "views", "spoken"),
)


class _Entry(msgspec.Struct, array_like=True, frozen=True):
    code: bytes
    digests: dict[str, bytes]
    value: msgspec.Raw  # MessagePack of its own: looked at only once the rest holds


class _Stored(msgspec.Struct, frozen=True):
    """A Service with its resources as they are in the file."""

    name: str
    title: str = ""
    description: str = ""
    version: str = ""
    resources: dict[str, msgspec.Raw] = {}


class Kept(Mapping[str, Resource]):
    """Resources by name, each decoded when it is first asked for."""

    def __init__(self, stored: Mapping[str, msgspec.Raw]) -> None:
        self._stored = stored
        self._decoded: dict[str, Resource] = {}

    def __getitem__(self, name: str) -> Resource:
        if name not in self._decoded:
            self._decoded[name] = msgspec.msgpack.decode(self._stored[name], type=Resource)
        return self._decoded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._stored

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


def load(folder: Path, document: str, name: str, kind: type[T]) -> T | None:
    """What was stored of a document under a name, if it still holds."""
    try:
        with open(_file(folder, document, name), "rb") as stream:
            entry = msgspec.msgpack.decode(stream.read(), type=_Entry)
        if entry.code == code() and all(_digest_of(path) == known for path, known in entry.digests.items()):
            return _decoded(entry.value, kind)
    except (OSError, msgspec.MsgspecError):
        pass
    return None


def _decoded(value: msgspec.Raw, kind: type[T]) -> T:
    if kind is not Service:
        return msgspec.msgpack.decode(value, type=kind)
    found = msgspec.msgpack.decode(value, type=_Stored)
    return Service(
        name=found.name,
        title=found.title,
        description=found.description,
        version=found.version,
        resources=Kept(found.resources),
    )


def store(folder: Path, document: str, name: str, value: Provider | Service, digests: Mapping[str, bytes]) -> None:
    """Keep a value for the next start. A reader sees the old file or the new one, never half of one."""
    import tempfile

    try:
        data = msgspec.msgpack.encode((code(), dict(digests), value))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, written = tempfile.mkstemp(dir=folder, suffix=".part")
        try:
            with open(handle, "wb") as stream:
                stream.write(data)
            os.replace(written, _file(folder, document, name))
        except OSError:
            os.unlink(written)
    except (OSError, ValueError):  # ValueError: a path or a text that is no Unicode cannot be encoded
        return


def _digest_of(path: str) -> bytes:
    with open(path, "rb") as stream:
        return digest(stream.read())


def _file(folder: Path, document: str, name: str) -> str:
    """One file for each document and name: two services of a provider can share a document."""
    place = digest(os.fsencode(f"{os.path.abspath(document)}#{name}")).hex()
    return os.path.join(folder, f"{name}-{place}.msgpack" if name.isidentifier() else f"{place}.msgpack")


@cache
def code() -> bytes:
    """What stands for the code that reads documents: its place, the sizes and times of its modules."""
    times = [_size_and_time(os.path.join(_HERE, f"{name}.py")) for name in READERS]
    return digest(repr((_HERE, times)).encode(errors="surrogateescape"))


def _size_and_time(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:  # the code is in an archive
        return 0, 0
    return found.st_size, found.st_mtime_ns

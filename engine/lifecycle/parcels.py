"""Files that belong to calls: looked at before anything is sent, compressed where that is wanted, held open until
they are.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import shlex
import stat
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import IO, Any, NamedTuple

from engine.arguments import Job
from engine.errors import InvalidValue, Refused
from engine.lifecycle import Wire
from engine.planner.plan import COMPRESS_ARGUMENT, FILE_ARGUMENT, Step
from engine.wire.events import Event
from engine.wire.uploads import OFTEN, Body
from provider_registry.model import Upload

_MAGIC = b"\x1f\x8b"  # how a gzip file begins
_PIECE = 1 << 22  # bytes compressed at a time
_LEVEL = 6


class File(NamedTuple):
    """A file that may be sent. `packs`: it is compressed before."""

    path: Path
    size: int
    packs: bool

    @property
    def told(self) -> str:
        """`debian.img.gz, 1,234 bytes`."""
        return f"{self.path}, {self.size:,} bytes" + (", compressed before it is sent" if self.packs else "")


def file_of(job: Job) -> File | None:
    """The file of a call, looked at. Raises InvalidValue for what is no file, Refused for what would be in vain."""
    rule = job.call.method.upload
    if FILE_ARGUMENT not in job.row or rule is None:
        return None
    given = job.row[FILE_ARGUMENT]
    if not isinstance(given, str) or not given or "\0" in given:
        raise _wrong("expects the path of a file, such as './disk.img.gz'")
    return looked_at(given, rule, _yes(job.row.get(COMPRESS_ARGUMENT)))


def looked_at(given: str, rule: Upload, compress: bool, option: str = f"{COMPRESS_ARGUMENT} = true") -> File:
    """A file by its path, which is relative to the folder the program was started in; `~` is the user's home.

    `option` is what asks for `compress`, where an error advises it.
    """
    path = Path(given).expanduser()
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            what = "a folder" if stat.S_ISDIR(found.st_mode) else "no file with a size, so it cannot be announced"
            raise _wrong(f"{given} is {what}", "name a regular file")
        with open(path, "rb") as stream:
            packed = stream.read(len(_MAGIC)) == _MAGIC
    except OSError as error:
        seen_from = "" if path.is_absolute() else f"; it was looked for from {Path.cwd()}"
        raise _wrong(f"cannot read {given}: {error.strerror}{seen_from}", "look at the path") from None
    if not found.st_size:
        raise _wrong(f"{given} is empty", "name the file with the data")
    packs = rule.gzip and not packed
    if packs and not compress:
        raise Refused(
            f"{given} is not gzip-compressed, and nothing else is taken",
            hint=f"add {option}, or run: gzip -k {shlex.quote(given)}, and send {given}.gz",
        )
    _check_size(given, found.st_size, rule.max_raw_bytes if packs else rule.max_bytes, packs)
    return File(path, found.st_size, packs)


def _check_size(name: str, size: int, most: int | None, raw: bool) -> None:
    if most is not None and size > most:
        what = "before it is compressed" if raw else "as it is sent"
        raise Refused(
            f"{name} has {size:,} bytes, more than the {most:,} that a file may have {what}",
            hint="make the disk smaller before you image it",
        )


def _yes(value: Any) -> bool:
    if value in (None, 0, 1, "true", "false"):
        return value in (1, "true")
    raise InvalidValue(
        f"{COMPRESS_ARGUMENT} expects true or false, got {value!r}",
        name=COMPRESS_ARGUMENT,
        hint=f"write {COMPRESS_ARGUMENT} = true",
    )


def _wrong(what: str, hint: str = "write it as @@file = './disk.img.gz'") -> InvalidValue:
    return InvalidValue(f"{FILE_ARGUMENT}: {what}", name=FILE_ARGUMENT, hint=hint)


@asynccontextmanager
async def parcels(step: Step, jobs: Sequence[Job], wire: Wire) -> AsyncIterator[list[Body | None]]:
    """The files of calls, open and as they will be sent; what was compressed for that is removed in the end.

    All that can be wrong with them is found here, before anything has been created.
    """
    async with AsyncExitStack() as held:
        bodies: list[Body | None] = []
        for job in jobs:
            found, rule = file_of(job), step.method.upload
            if found is None or rule is None:
                bodies.append(None)
            else:
                bodies.append(await held.enter_async_context(parcel(found, rule, wire)))
        yield bodies


@asynccontextmanager
async def parcel(file: File, rule: Upload, wire: Wire) -> AsyncIterator[Body]:
    """One file, open."""
    try:
        source = await asyncio.to_thread(open, file.path, "rb")
    except OSError as error:
        raise _wrong(f"cannot read {file.path}: {error.strerror}") from None
    with closing(source):
        if not file.packs:
            yield _body(file.path.name, source, rule)
            return
        with tempfile.TemporaryDirectory(prefix="stratoql-") as folder:  # a folder of its owner alone
            packed = Path(folder, f"{file.path.name}.gz")
            await _compress(file, source, packed, rule, wire)
            with await asyncio.to_thread(open, packed, "rb") as stream:
                yield _body(packed.name, stream, rule)


def _body(name: str, stream: IO[bytes], rule: Upload) -> Body:
    size = os.fstat(stream.fileno()).st_size
    _check_size(name, size, rule.max_bytes, raw=False)
    return Body(name, size, rule.media_type, stream.read, lambda: stream.seek(0))


async def _compress(file: File, source: IO[bytes], target: Path, rule: Upload, wire: Wire) -> None:
    """Compress piece by piece. Raises Refused as soon as the outcome is too large, or has no room."""
    began = told = wire.clock.now()
    done = 0
    try:
        with gzip.GzipFile(target, "wb", compresslevel=_LEVEL, mtime=0) as packed:
            while piece := await asyncio.to_thread(source.read, _PIECE):
                await asyncio.to_thread(packed.write, piece)
                done += len(piece)
                _check_size(target.name, os.stat(target).st_size, rule.max_bytes, raw=False)
                now = wire.clock.now()
                if now - told >= OFTEN or done == file.size:
                    told = now
                    what = f"compressing {file.path.name}"
                    text = f"{done:,} of {file.size:,} bytes of {file.path.name} are compressed"
                    wire.tell(Event("file", text, what=what, number=done, of=file.size, seconds=now - began))
    except OSError as error:
        raise Refused(
            f"{file.path} cannot be compressed in {tempfile.gettempdir()}: {error.strerror}",
            hint="TMPDIR names another folder for that, with more room; or compress it yourself with gzip",
        ) from None

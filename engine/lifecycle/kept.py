"""Addresses of files that are still to be sent: kept for as long as they live, so that a broken upload can go on.

An address is a permission. It stands in a file that its owner alone can read, in a folder that its owner alone can
open, and is gone with the upload or with its own end.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.errors import UsageError, suggest
from provider_registry.model import Upload


class Kept(Struct, frozen=True):
    """An upload that waits for its file. `where` is the API it belongs to, `expires` is in seconds since 1970."""

    name: str  # private/12
    where: str
    resource: str
    address: str
    expires: float
    rule: Upload
    rows: str | None = None  # its row, for a FROM: linode.images.images WHERE id = 'private/12'
    file: str = ""  # as it was named

    def __repr__(self) -> str:
        return f"Kept({self.name!r}, {self.where!r})"  # without the address

    @property
    def until(self) -> str:
        """The end of its life: `2025-01-02 03:04 UTC`."""
        return moment(self.expires)

    @property
    def waits(self) -> str:
        """The statement that waits for what becomes of it."""
        return f"SELECT /*+ AWAIT */ * FROM {self.rows}" if self.rows else "its row, if it has one"


def moment(seconds: float) -> str:
    """A time as people read it.

    >>> moment(1735787045)
    '2025-01-02 03:04 UTC'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def folder() -> Path:
    """Where they are on this platform."""
    from platformdirs import user_state_path

    return Path(user_state_path("stratoql", appauthor=False)) / "uploads"


def keep(kept: Kept, now: float) -> bool:
    """Keep one, and forget those whose life is over. False where the folder cannot be written."""
    place = folder()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.chmod(0o700)
        for path, other in _all():
            if other.expires <= now:
                path.unlink(missing_ok=True)
        handle, written = tempfile.mkstemp(dir=place, suffix=".part")  # readable by its owner alone
        try:
            with open(handle, "wb") as stream:
                stream.write(msgspec.json.encode(kept))
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(written, place / _file(kept.name, kept.where))
        except OSError:
            os.unlink(written)
            raise
    except OSError:
        return False
    return True


def drop(kept: Kept) -> None:
    """Forget one."""
    with suppress(OSError):
        (folder() / _file(kept.name, kept.where)).unlink(missing_ok=True)


def find(name: str, belongs: Callable[[Kept], bool], now: float) -> Kept:
    """The one of that name that belongs here. Raises UsageError where there is none, or where its life is over."""
    known = {kept.name: kept for _, kept in _all() if belongs(kept)}
    found = known.get(name)
    alive = [kept for kept in known.values() if kept.expires > now]
    if found is None:
        listed = ", ".join(f"{kept.name} (until {kept.until})" for kept in alive)
        raise UsageError(
            f"no upload of {name} is waiting for its file" + (f"; waiting here: {listed}" if listed else ""),
            hint=(listed and suggest(name, [kept.name for kept in alive]))
            or "begin one with EXEC ... @@file = '...'",
        )
    if found.expires <= now:
        drop(found)
        raise UsageError(
            f"the address for {name} ended at {found.until}, and what waited for the file with it",
            hint="begin the upload again: EXEC ... @@file = '...'",
        )
    return found


def _all() -> Iterator[tuple[Path, Kept]]:
    """All there are; a file that is none of ours is left alone."""
    for path in sorted(folder().glob("*.json")):
        with suppress(OSError, msgspec.MsgspecError):
            yield path, msgspec.json.decode(path.read_bytes(), type=Kept)


def _file(name: str, where: str) -> str:
    return hashlib.sha256(f"{where} {name}".encode()).hexdigest()[:32] + ".json"

"""What a sandbox holds, in memory or in an SQLite file that several processes share.

Its images are kept whole. Of what stands around them only changes are: a thing that is new or changed by its name, or
that it is gone; the rest is as the account began.


Every request runs alone: within a process behind a lock, between processes behind SQLite's own (BEGIN IMMEDIATE for
whatever writes). What a request puts or removes is kept when it ends well, and in a file it is there after SIGKILL.
In memory stands a decoded copy of the file, read anew whenever another process has changed it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import msgspec

from engine.errors import UsageError
from engine.sandbox.lifecycle import Image
from engine.sandbox.seeds import FIRST_NUMBER

_APPLICATION = 0x53514C69  # marks a file as a sandbox's, in SQLite's application_id
_LAYOUT = 2
_BEFORE = (_APPLICATION, 1)  # of a file that has images alone
_UNKNOWN = -1
_WAIT = 30.0  # seconds to wait for another process's request to end
_THINGS = "CREATE TABLE things (name TEXT PRIMARY KEY, record BLOB)"  # a record of NULL: it is gone
_TABLES = f"""
{_THINGS};
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE images (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record BLOB NOT NULL);
INSERT INTO counters VALUES ('revision', 0), ('number', {FIRST_NUMBER});
"""

Seed = Callable[[], Iterable[Image]]
Things = dict[str, Image | None]  # by `kind:id`; None: it is gone


class Images:
    """The images and things as one request sees them, and what it does to them."""

    def __init__(self, kept: Mapping[str, Image], number: int, things: Mapping[str, Image | None]) -> None:
        self._kept = kept
        self.number = number  # the last one given to a private image
        self.changed: Things = {}
        self._things = things
        self.done: Things = {}

    def __iter__(self) -> Iterator[Image]:
        """Every image, in the order of the list: private, then public, deprecated last."""
        return iter(self._kept.values())

    def get(self, name: str) -> Image | None:
        """The image of an id."""
        return self._kept.get(name)

    def new_number(self) -> int:
        """A number no image has had."""
        self.number += 1
        while f"private/{self.number}" in self._kept:  # rows of a starting set may carry any number
            self.number += 1
        return self.number

    def things(self, kind: str) -> Things:
        """What is not as it began, of this kind, by id."""
        found = {**self._things, **self.done}
        return {name.partition(":")[2]: thing for name, thing in found.items() if name.startswith(f"{kind}:")}

    def keep(self, kind: str, name: object, thing: Image | None) -> None:
        """Keep a thing, new or changed; None: it is gone."""
        self.done[f"{kind}:{name}"] = thing

    def put(self, image: Image) -> None:
        """Keep an image, new or changed."""
        self.changed[image.id] = image

    def remove(self, name: str) -> None:
        """Forget an image."""
        self.changed[name] = None


class State:
    """Owns the images and, with a path, the file they live in. `seed` fills a new one."""

    def __init__(self, path: str | None, seed: Seed) -> None:
        self._lock = threading.RLock()
        self._kept: dict[str, Image] = {}
        self._things: Things = {}
        self._number = FIRST_NUMBER
        self._file = _File(Path(path).expanduser().absolute(), seed) if path else None
        if self._file is None:
            self._kept = _in_order(seed())
        with self.reading():
            pass  # a path that cannot be used is told now, not at the first request

    @contextmanager
    def reading(self) -> Iterator[Images]:
        """The images, for a request that changes nothing."""
        with self._lock:
            if self._file:
                with self._file.reading():
                    self._refresh(self._file)
            yield Images(self._kept, self._number, self._things)

    @contextmanager
    def writing(self) -> Iterator[Images]:
        """The images, for a request that may change them: all its changes are kept, or none if it raises."""
        with self._lock, self._file.writing() if self._file else nullcontext():
            if self._file:
                self._refresh(self._file)
            images = Images(self._kept, self._number, self._things)
            yield images
            if self._file:
                self._file.save(images)
            self._number = images.number
            self._things.update(images.done)
            self._keep(images.changed)

    def close(self) -> None:
        """Let go of the file. The next request opens it again."""
        with self._lock:
            if self._file:
                self._file.close()

    def _keep(self, changed: Mapping[str, Image | None]) -> None:
        """Do to our copy what a request did."""
        grown = any(image and name not in self._kept for name, image in changed.items())
        for name, image in changed.items():
            if image is None:
                self._kept.pop(name, None)
            else:
                self._kept[name] = image
        if grown:
            self._kept = _in_order(self._kept.values())

    def _refresh(self, file: _File) -> None:
        """Read the file again if it is not what we have."""
        if (found := file.load()) is not None:
            self._kept, self._number, self._things = found


class _File:
    """An SQLite file: opened when first used, and seeded when new."""

    def __init__(self, path: Path, seed: Seed) -> None:
        self._path, self._seed = path, seed
        self._open: sqlite3.Connection | None = None
        self._revision = _UNKNOWN  # of what was last loaded or saved

    def reading(self) -> AbstractContextManager[None]:
        """A transaction that sees one state of the file."""
        return self._transaction("BEGIN")

    def writing(self) -> AbstractContextManager[None]:
        """A transaction that no other process can write beside."""
        return self._transaction("BEGIN IMMEDIATE")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        with self._told():
            db = self._connection()
            db.execute(begin)
        before = self._revision
        try:
            yield
            with self._told():
                db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            if self._revision != before:
                self._revision = _UNKNOWN  # what is in memory may have run ahead of the file
            raise

    def load(self) -> tuple[dict[str, Image], int, Things] | None:
        """The images in order, the last number, the things; None where nothing changed since the last look."""
        with self._told():
            db = self._connection()
            counters = dict(db.execute("SELECT name, value FROM counters"))
            if counters["revision"] == self._revision:
                return None
            records = db.execute("SELECT record FROM images ORDER BY position").fetchall()
            kept = db.execute("SELECT name, record FROM things ORDER BY rowid").fetchall()
            decode = msgspec.json.Decoder(Image).decode
            images = [decode(record) for (record,) in records]
            things = {name: None if record is None else decode(record) for name, record in kept}
        self._revision = counters["revision"]
        return _in_order(images), counters["number"], things

    def save(self, images: Images) -> None:
        """Write what a request changed."""
        if not images.changed and not images.done:
            return
        with self._told():
            db = self._connection()
            for name, image in images.changed.items():
                if image is None:
                    db.execute("DELETE FROM images WHERE id = ?", (name,))
                else:
                    _write(db, image)
            for name, thing in images.done.items():
                record = None if thing is None else msgspec.json.encode(thing)
                db.execute(
                    "INSERT INTO things VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET record = excluded.record",
                    (name, record),
                )
            db.execute("UPDATE counters SET value = ? WHERE name = 'number'", (images.number,))
            db.execute("UPDATE counters SET value = value + 1 WHERE name = 'revision'")
        self._revision += 1

    def close(self) -> None:
        """Close the connection."""
        if self._open:
            self._open.close()
        self._open = None

    def _connection(self) -> sqlite3.Connection:
        """The open connection; the file is made and seeded on the first."""
        if self._open is None:
            db = sqlite3.connect(self._path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
            try:
                db.execute("PRAGMA synchronous = NORMAL")
                self._prepare(db)
            except BaseException:
                db.close()
                raise
            self._open, self._revision = db, _UNKNOWN
        return self._open

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Make and fill a new file; refuse one that is something else."""
        if _mark(db) == (_APPLICATION, _LAYOUT):
            return
        db.execute("BEGIN IMMEDIATE")  # one of several processes that start together fills it
        if _mark(db) == _BEFORE:
            db.execute(_THINGS)
            db.execute(f"PRAGMA user_version = {_LAYOUT}")
        elif _mark(db) != (_APPLICATION, _LAYOUT):
            if _mark(db) != (0, 0) or db.execute("SELECT 1 FROM sqlite_master").fetchone():
                db.execute("ROLLBACK")
                raise UsageError(
                    f"{self._path} is an SQLite file, but not a state of this sandbox",
                    hint="name a file that does not exist yet: it will be made",
                )
            for statement in _TABLES.strip().split("\n"):
                db.execute(statement)
            for image in self._seed():
                _write(db, image)
            db.execute(f"PRAGMA application_id = {_APPLICATION}")
            db.execute(f"PRAGMA user_version = {_LAYOUT}")
        db.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Says SQLite's errors as ours."""
        try:
            yield
        except (sqlite3.Error, msgspec.DecodeError, msgspec.ValidationError) as error:
            raise UsageError(
                f"cannot use {self._path} as a sandbox's state: {error}",
                hint="name a file in a folder you can write to, or no file to keep the state in memory",
            ) from error


def _mark(db: sqlite3.Connection) -> tuple[int, int]:
    """What the file says it is."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (layout,) = db.execute("PRAGMA user_version").fetchone()
    return application, layout


def _write(db: sqlite3.Connection, image: Image) -> None:
    db.execute(
        "INSERT INTO images (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
        (image.id, msgspec.json.encode(image)),
    )


def _in_order(images: Iterable[Image]) -> dict[str, Image]:
    """Images by id in the order of the list: private, then public, deprecated last; else as they came."""
    ranked = sorted(images, key=lambda i: (bool(i.row.get("is_public")), bool(i.row.get("deprecated"))))
    return {image.id: image for image in ranked}

"""The file of a ledger: lines go to its end, and are on the disk when that is said."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import NotSent, UsageError
from engine.ledger.lines import Line, read, spell

if sys.platform != "win32":  # it has no locks of this kind: there two processes are not kept apart
    import fcntl


class File:
    """Owns the open file. Who writes holds a share of its lock, who resumes holds all of it: a run that is under way
    cannot be resumed, and the lock is gone with the process, however that ends.
    """

    def __init__(self, path: str, *, alone: bool = False, new: bool = True) -> None:
        """`alone`: nobody else may have it open. `new`: made where it is not there. Raises UsageError."""
        self.path = path
        flags = os.O_RDWR | os.O_APPEND | (os.O_CREAT if new else 0)
        try:
            self._file = os.open(Path(path).expanduser(), flags | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise UsageError(
                f"cannot open the ledger {path}: {error.strerror or error}",
                hint="name a file that can be written, in a folder that is there"
                if new
                else "name the file that the run has written with --ledger",
            ) from error
        try:
            self._check(alone)
            self._whole = self._ends_whole()
        except BaseException:
            self.close()
            raise

    def _check(self, alone: bool) -> None:
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise UsageError(f"the ledger {self.path} is no file", hint="name a file that can be read again")
        if sys.platform != "win32":
            try:
                fcntl.flock(self._file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            except BlockingIOError as error:
                doing = "written by a run that is under way" if alone else "being resumed"
                raise UsageError(f"the ledger {self.path} is {doing}", hint="wait until that has ended") from error
            except OSError as error:
                raise UsageError(
                    f"cannot lock the ledger {self.path}: {error.strerror or error}",
                    hint="keep it on a disk of this machine",
                ) from error

    def _ends_whole(self) -> bool:
        """Whether the last line has an end: a process that was killed may have left half of one."""
        size = os.fstat(self._file).st_size
        if size == 0:
            return True
        os.lseek(self._file, -1, os.SEEK_END)
        return os.read(self._file, 1) == b"\n"

    def append(self, line: Line) -> None:
        """Add a line; it is on the disk when this returns. Raises NotSent."""
        data = spell(line) if self._whole else b"\n" + spell(line)
        try:
            self._whole = self._put(data) == len(data)
            if self._whole:
                os.fsync(self._file)
        except OSError as error:
            raise NotSent(f"cannot write the ledger {self.path}: {error.strerror or error}") from error
        if not self._whole:
            raise NotSent(f"cannot write the ledger {self.path}: there is no room for a whole line")

    def _put(self, data: bytes) -> int:
        """In one piece, so that lines of several processes do not mix; how much of it there was room for."""
        return os.write(self._file, data)

    def lines(self) -> list[Line]:
        """All that is in it. Raises UsageError where something is that no ledger holds."""
        with open(self._file, "rb", closefd=False) as stream:
            stream.seek(0)
            data = stream.read()
        found = []
        for number, line in read(data):
            if line is None:
                raise UsageError(
                    f"line {number} of {self.path} is no line of a ledger",
                    hint="name the file that the run has written with --ledger, as it was written",
                )
            found.append(line)
        return found

    def close(self) -> None:
        """Close it, and let go of the lock."""
        os.close(self._file)


@contextmanager
def opened(path: str) -> Iterator[File]:
    """A ledger that is there, for one who resumes: nobody else writes to it meanwhile."""
    file = File(path, alone=True, new=False)
    try:
        yield file
    finally:
        file.close()

"""The lines of a ledger as data, and how they are spelled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

Event = Literal["run", "sending", "done", "failed", "unknown", "unsent", "file"]
MARK = b'{"event":"'  # how every line begins; inside a JSON string its quotes would be escaped


class Planned(Struct, frozen=True, omit_defaults=True):
    """A call of a run: what is needed to send it, and what was read of its row before.

    `secret`: some of its arguments are masked, so it cannot be sent from here again. `file`: what is sent after it.
    `account` is whose it is by name, where accounts were named.
    """

    call: int
    method: str  # PUT
    path: str
    key: str
    account: str | None = None
    args: dict[str, Any] = {}
    before: dict[str, Any] = {}
    secret: bool = False
    file: str | None = None
    compress: bool = False


class Line(Struct, frozen=True, omit_defaults=True):
    """One line. Which fields it has follows from its event."""

    event: Event
    run: str
    time: str
    call: int | None = None
    method: str | None = None  # PUT; of a run: linode.images.images.put_image
    path: str | None = None
    key: str | None = None
    status: int | None = None
    id: Any = None  # of what was created
    error: str | None = None
    note: str | None = None  # how it is known, where nobody was answered
    verb: str | None = None
    provider: str | None = None
    api: str | None = None  # the origin that the run talks to
    account: str | None = None  # a fingerprint of the credential, salted with the run
    accounts: dict[str, str] | None = None  # the same of each account that was named, by its name
    calls: list[Planned] | None = None
    statement: str | None = None


def spell(line: Line) -> bytes:
    r"""A line as it stands in the file.

    >>> spell(Line("sending", "r", "2026-01-01T00:00:00Z", call=1))
    b'{"event":"sending","run":"r","time":"2026-01-01T00:00:00Z","call":1}\n'
    """
    return _ENCODER.encode(line) + b"\n"


def read(data: bytes) -> Iterator[tuple[int, Line | None]]:
    r"""The lines of a file, each with its number from 1. None is what is no line: who reads has to say so.

    A write that was cut off leaves the beginning of a line. At the end of the file, or glued to the next line, it
    counts as not written, which is what it was.

    >>> one = spell(Line("sending", "r", "t", call=1))
    >>> [line and line.call for _, line in read(one + one[:20] + one + one[:9])]
    [1, 1]
    >>> [line for _, line in read(b"id,label\n")]
    [None]
    """
    for number, text in enumerate(data.split(b"\n"), 1):
        if not text.strip():
            continue
        at = 0
        while at >= 0:
            try:
                yield number, _DECODER.decode(text[at:])
                break
            except msgspec.DecodeError:
                at = text.find(MARK, at + 1)
        else:
            if not text.startswith(MARK[: len(text)]):
                yield number, None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)

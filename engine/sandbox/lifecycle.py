"""An image over time: a row, and the changes time will bring to it.

Nothing runs in the background. A change is written down with its moment when its cause happens, and whoever looks
later sees every change that has come due. So reading never writes, and a state file needs no process to stay alive.

Seen on the live API: a capture goes `creating` -> `available` and shrinks from the size of its disk; an upload goes
`pending_upload` -> `available` with a size from 0 to n; there is no failed state: an image that fails disappears.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from engine.sandbox.messages import Row, moment
from engine.sandbox.rows import private, total_size
from engine.sandbox.rules import DAY, Rules
from engine.sandbox.seeds import Disk

CAPTURE_OF_THE_SEED = 600.0  # seconds until the starting set's capture is ready


class Change(msgspec.Struct, frozen=True):
    """At a moment (seconds of the clock) these fields get these values; None: the image is gone."""

    at: float
    fields: Row | None


class Image(msgspec.Struct, frozen=True, omit_defaults=True):
    """One image. `secret` and `region` are those of the upload it waits for, `disk` is what it was captured from."""

    row: Row
    changes: tuple[Change, ...] = ()
    secret: str | None = None
    region: str = ""
    disk: int = 0

    def __repr__(self) -> str:
        return f"Image({self.id!r})"  # without the secret

    @property
    def id(self) -> str:
        """Its id, which never changes."""
        return str(self.row["id"])

    def at(self, now: float) -> Row | None:
        """Its row as it stands now; None once it has disappeared."""
        if not self.changes:
            return self.row
        row = self.row
        for change in self.changes:
            if change.at > now:
                break
            if change.fields is None:
                return None
            row = row | change.fields
        return row

    def edited(self, fields: Row, now: float) -> Image:
        """With fields set by its owner; what time has brought stays under them, what it will bring still comes."""
        row = (self.at(now) or self.row) | fields | {"updated": moment(now)}
        to_come = tuple(change for change in self.changes if change.at > now)
        return msgspec.structs.replace(self, row=row, changes=to_come)


def seeded(row: Row, now: float) -> Image:
    """A row of the starting set; one that is on its way gets its future."""
    size = max(1, row["size"] // 9) if isinstance(row.get("size"), int) else 1
    ready = {"status": "available", "size": size, "total_size": size, "regions": _replicas(["fr-par"])}
    futures = {
        "creating": (Change(now + CAPTURE_OF_THE_SEED, ready),),
        "pending_upload": (Change(now + DAY, None),),
    }
    return Image(row, futures.get(str(row.get("status")), ()))


def captured(number: int, disk: Disk, fields: Row, now: float, rules: Rules) -> Image:
    """A capture that begins now. Of a damaged disk it fails: the image disappears when it should be ready."""
    row = _born(number, now, size=disk.size, status="creating", **{"label": disk.label, **fields})
    done = now + rules.capture_seconds
    if disk.used is None:
        return Image(row, (Change(done, None),), disk=disk.id)
    half = Change(now + rules.capture_seconds / 2, {"size": (disk.size + disk.used) // 2})
    return Image(row, (half, _ready(done, disk.used, disk.region, row["capabilities"])), disk=disk.id)


def container(number: int, region: str, secret: str, fields: Row, now: float) -> Image:
    """A container for a file that is still to come; without it, gone after a day."""
    row = _born(number, now, size=0, status="pending_upload", **fields)
    return Image(row, (Change(now + DAY, None),), secret, region)


def received(image: Image, size: int | None, now: float, rules: Rules) -> Image:
    """A container whose file is here: `size` in MB, None where it is no gzipped disk image, which fails later."""
    done = now + rules.upload_seconds
    if size is None:
        return Image(image.row, (Change(done, None),))
    return Image(image.row, (_ready(done, size, image.region, image.row["capabilities"]),))


def replicated(image: Image, wanted: Sequence[str], now: float, rules: Rules) -> Image:
    """An image whose replicas become those of `wanted`: the missing ones come, the others go."""
    row = image.at(now) or image.row
    kept, gone = _split(row.get("regions") or [], wanted)
    come = [place for place in wanted if place not in {replica["region"] for replica in kept}]
    coming = [r["region"] for r in kept if r["status"] != "available"] + come
    steady = [replica for replica in kept if replica["status"] == "available"]
    leaving = [{"region": replica["region"], "status": "pending deletion"} for replica in gone]
    stages = [
        _spread(steady, coming, "pending replication") + leaving,
        _spread(steady, coming, "replicating") + leaving,
        _spread(steady, coming, "available"),
    ]
    first, half, last = ({"regions": replicas} for replicas in stages)
    final = row | last
    seconds = rules.replicate_seconds
    changes = (Change(now + seconds / 2, half), Change(now + seconds, last | {"total_size": total_size(final)}))
    return msgspec.structs.replace(image, row=row | first, changes=changes if coming or leaving else ())


def _split(replicas: Sequence[Row], wanted: Sequence[str]) -> tuple[list[Row], list[Row]]:
    """The replicas that stay, and those that go. One that was already going comes anew if it is wanted."""
    kept = [r for r in replicas if r["region"] in wanted and r["status"] != "pending deletion"]
    return kept, [r for r in replicas if r["region"] not in wanted]


def _spread(steady: list[Row], coming: Sequence[str], status: str) -> list[Row]:
    return steady + _replicas(coming, status)


def _replicas(places: Sequence[str], status: str = "available") -> list[Row]:
    return [{"region": place, "status": status} for place in places]


def _born(number: int, now: float, *, cloud_init: bool = False, **fields: Any) -> Row:
    """The row of a new private image."""
    return private(
        number,
        created=moment(now),
        updated=moment(now),
        regions=[],
        total_size=0,
        capabilities=["cloud-init"] if cloud_init else [],
        **fields,
    )


def _ready(at: float, size: int, region: str, capabilities: Sequence[str]) -> Change:
    """The moment an image becomes available in its first region."""
    return Change(
        at,
        {
            "status": "available",
            "size": size,
            "total_size": size,
            "regions": _replicas([region]),
            "updated": moment(at),
            "capabilities": [*capabilities, "distributed-sites"],  # seen: it joins when the image is ready
        },
    )

"""What happened in the account: the events of the seed, and those of captures and uploads that were begun here.

Nothing is written down for them: an event says what has become of an image, and time tells that. The event of an
image that was deleted is gone with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.sandbox.images import Ask
from engine.sandbox.lifecycle import Image
from engine.sandbox.messages import Row
from engine.sandbox.neighbours import happened, image_entity, instance_entity
from engine.sandbox.seeds import FIRST_NUMBER
from engine.sandbox.state import Images

_FIRST_EVENT = 990000000


def listed(ask: Ask, images: Images) -> list[Row]:
    """Every event, the newest first."""
    return [*sorted(_of_images(ask, images), key=lambda row: -int(row["id"])), *ask.account.events]


def _of_images(ask: Ask, images: Images) -> Iterator[Row]:
    for image in images:
        kind, _, number = image.id.partition("/")
        if kind == "private" and int(number) > FIRST_NUMBER:
            yield _event(ask, image, _FIRST_EVENT + int(number) - FIRST_NUMBER)


def _event(ask: Ask, image: Image, number: int) -> Row:
    """The capture or the upload that an image came from, as it stands now."""
    itself = image_entity(image.id, str(image.row["label"]))
    told = {"created": str(image.row["created"]), **_stand(image, ask.now), "username": image.row["created_by"]}
    disk = next((disk for disk in ask.account.disks if disk.id == image.disk), None)
    if disk is None:
        return happened(number, action="image_upload", entity=itself, **told)
    host = next(row for row in ask.account.linodes if row["id"] == disk.linode)
    return happened(number, action="disk_imagize", entity=instance_entity(host), secondary_entity=itself, **told)


def _stand(image: Image, now: float) -> Row:
    """How far it is, by the state of the image: one that has disappeared failed."""
    row = image.at(now)
    if row is None:
        return {"status": "failed", "percent_complete": 0, "message": "The image could not be made."}
    under_way = {"creating": ("started", 50), "pending_upload": ("scheduled", 0)}
    status, percent = under_way.get(str(row["status"]), ("finished", 100))
    return {"status": status, "percent_complete": percent}

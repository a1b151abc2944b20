"""What happened in the account: the events of the seed, those of images begun here, and those of other writes.

Nothing is written down for the images: such an event says what has become of an image, and time tells that. The event
of an image that was deleted is gone with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.sandbox import things
from engine.sandbox.ask import Ask
from engine.sandbox.lifecycle import Image
from engine.sandbox.messages import Problem, Row
from engine.sandbox.neighbours import happened, image_entity, instance_entity
from engine.sandbox.seeds import FIRST_NUMBER
from engine.sandbox.state import Images


def listed(ask: Ask, held: Images) -> list[Row]:
    """Every event, the newest first."""
    found = [*_of_images(ask, held), *things.rows(ask, held, "event")]
    mark = held.things("seen").get("events")
    last = mark.row["id"] if mark is not None else 0
    ordered = sorted(found, key=lambda row: -int(row["id"]))
    return [row | {"seen": True} if row["id"] <= last else row for row in ordered]


def got(ask: Ask, held: Images) -> Row:
    """GET /account/events/{eventId}."""
    for row in listed(ask, held):
        if str(row["id"]) == ask.names[0]:
            return row
    raise Problem(404, ("Not found", None))


def seen(ask: Ask, held: Images) -> Row:
    """POST /account/events/{eventId}/seen: this one, and all before it."""
    held.keep("seen", "events", Image({"id": got(ask, held)["id"]}))
    return {}


def _of_images(ask: Ask, held: Images) -> Iterator[Row]:
    for image in held:
        kind, _, number = image.id.partition("/")
        if kind == "private" and int(number) > FIRST_NUMBER:
            yield _event(ask, held, image, things.FIRST_EVENT + int(number) - FIRST_NUMBER)


def _event(ask: Ask, held: Images, image: Image, number: int) -> Row:
    """The capture or the upload that an image came from, as it stands now."""
    itself = image_entity(image.id, str(image.row["label"]))
    told = {"created": str(image.row["created"]), **_stand(image, ask.now), "username": image.row["created_by"]}
    if not image.disk:
        return happened(number, action="image_upload", entity=itself, **told)
    disk = next((disk for disk in things.disks(ask, held) if disk.id == image.disk), None)
    hosts = {row["id"]: row for row in things.rows(ask, held, "linode")}
    gone = {"id": disk.linode if disk is not None else None, "label": None}  # the disk or its instance was deleted
    host = hosts.get(disk.linode, gone) if disk is not None else gone
    return happened(number, action="disk_imagize", entity=instance_entity(host), secondary_entity=itself, **told)


def _stand(image: Image, now: float) -> Row:
    """How far it is, by the state of the image: one that has disappeared failed."""
    row = image.at(now)
    if row is None:
        return {"status": "failed", "percent_complete": 0, "message": "The image could not be made."}
    under_way = {"creating": ("started", 50), "pending_upload": ("scheduled", 0)}
    status, percent = under_way.get(str(row["status"]), ("finished", 100))
    return {"status": status, "percent_complete": percent}

"""Instances and their disks: made, changed, started, stopped, removed. What the API refuses is refused here too.

Its words for most refusals are not known; those here are the sandbox's own.
"""

from __future__ import annotations

from engine.sandbox import checks, things
from engine.sandbox.ask import Ask
from engine.sandbox.messages import Problem, Row, moment
from engine.sandbox.neighbours import SPECS, instance_entity, new_instance
from engine.sandbox.state import Images

SWAP = 512  # MB, unless something else is said


def listed_disks(ask: Ask, held: Images) -> Row:
    """GET /linode/instances/{linodeId}/disks."""
    instance = things.one(ask, held, "linode", ask.names[0])
    return things.listing(ask, _disks(ask, held, instance), (1, 0))


def got_disk(ask: Ask, held: Images) -> Row:
    """GET /linode/instances/{linodeId}/disks/{diskId}."""
    return things.shown(_disk(ask, held)[1])


def created(ask: Ask, held: Images) -> Row:
    """POST /linode/instances: with an image it gets a disk of it and one to swap to, and is started."""
    fields = checks.read(ask.request.body, checks.INSTANCE)
    things.known_region(ask, fields["region"])
    plan = next((row for row in ask.account.types if row["id"] == fields["type"]), None)
    if plan is None:
        raise Problem(400, ("A valid plan type by that ID was not found", "type"))
    image = _image(ask, held, fields)
    number = things.new_id(ask, held, "linode")
    label = fields.get("label", f"linode{number}")
    things.taken(ask, held, "linode", label)
    row = new_instance(
        number, label, fields["region"], plan["id"], image["id"] if image else None, moment(ask.now),
        tags=fields.get("tags", []), status="provisioning",
        backups={"enabled": fields.get("backups_enabled", False), "available": False, "last_successful": None,
                 "schedule": {}},
    )  # fmt: skip
    starts = fields.get("booted", image is not None)
    later = {"status": "running" if starts else "offline"}
    made = things.keep(ask, held, "linode", row, later=later, seconds=ask.rules.boot_seconds)
    if image is not None:
        swap = fields.get("swap_size", SWAP)
        _make_disk(ask, held, row, f"{image['label']} Disk"[:50], plan["disk"] - swap, "ext4", image["size"])
        if swap:
            _make_disk(ask, held, row, f"{swap} MB Swap Image", swap, "swap", 1)
    things.tell(ask, held, "linode_create", instance_entity(row))
    return made


def edited(ask: Ask, held: Images) -> Row:
    """PUT /linode/instances/{linodeId}: a partial update."""
    return things.edited(ask, held, "linode", checks.INSTANCE_EDIT)


def deleted(ask: Ask, held: Images) -> Row:
    """DELETE /linode/instances/{linodeId}: gone with its disks; its volumes stay, without it."""
    row = _instance(ask, held)
    for disk in _disks(ask, held, row):
        held.keep("disk", disk["id"], None)
    for volume in things.rows(ask, held, "volume"):
        if volume["linode_id"] == row["id"]:
            things.change(ask, held, "volume", volume, {"linode_id": None, "linode_label": None})
    held.keep("linode", row["id"], None)
    things.tell(ask, held, "linode_delete", instance_entity(row))
    return {}


def booted(ask: Ask, held: Images) -> Row:
    """POST /linode/instances/{linodeId}/boot."""
    return _power(ask, held, "linode_boot", "offline", "booting", "running")


def rebooted(ask: Ask, held: Images) -> Row:
    """POST /linode/instances/{linodeId}/reboot."""
    return _power(ask, held, "linode_reboot", "running", "rebooting", "running")


def shut_down(ask: Ask, held: Images) -> Row:
    """POST /linode/instances/{linodeId}/shutdown."""
    return _power(ask, held, "linode_shutdown", "running", "shutting_down", "offline")


def created_disk(ask: Ask, held: Images) -> Row:
    """POST /linode/instances/{linodeId}/disks: of an image, or empty."""
    instance = _instance(ask, held)
    fields = checks.read(ask.request.body, checks.DISK)
    image = _image(ask, held, fields)
    size = fields["size"]
    _check_room(ask, held, instance, size)
    if image is not None and size < image["size"]:
        raise Problem(400, (f"size must be at least {image['size']} for this image", "size"))
    filesystem = "ext4" if image is not None else fields.get("filesystem", "ext4")
    label = fields.get("label", f"{image['label'] if image else 'Disk'} Disk"[:50])
    row = _make_disk(ask, held, instance, label, size, filesystem, image["size"] if image else 1)
    things.tell(ask, held, "disk_create", instance_entity(instance))
    return row


def edited_disk(ask: Ask, held: Images) -> Row:
    """PUT /linode/instances/{linodeId}/disks/{diskId}: its label."""
    _, row = _disk(ask, held)
    fields = checks.read(ask.request.body, checks.DISK_EDIT)
    return things.change(ask, held, "disk", row, fields)


def deleted_disk(ask: Ask, held: Images) -> Row:
    """DELETE /linode/instances/{linodeId}/disks/{diskId}: of an instance that is off."""
    instance, row = _disk(ask, held)
    _check_off(instance)
    held.keep("disk", row["id"], None)
    things.tell(ask, held, "disk_delete", instance_entity(instance))
    return {}


def resized_disk(ask: Ask, held: Images) -> Row:
    """POST /linode/instances/{linodeId}/disks/{diskId}/resize: what is on it must fit, and it into the plan."""
    instance, row = _disk(ask, held)
    size = checks.read(ask.request.body, checks.RESIZE)["size"]
    _check_off(instance)
    if size < (row["_used"] or row["size"]):
        raise Problem(400, ("size is too small for what is on the disk", "size"))
    _check_room(ask, held, instance, size - row["size"])
    things.change(ask, held, "disk", row, {"size": size})
    things.tell(ask, held, "disk_resize", instance_entity(instance))
    return {}


def _instance(ask: Ask, held: Images) -> Row:
    return things.one(ask, held, "linode", ask.names[0])


def _disks(ask: Ask, held: Images, instance: Row) -> list[Row]:
    return [row for row in things.rows(ask, held, "disk") if row["_linode"] == instance["id"]]


def _disk(ask: Ask, held: Images) -> tuple[Row, Row]:
    """The instance and the disk that a path names."""
    instance = _instance(ask, held)
    for row in _disks(ask, held, instance):
        if str(row["id"]) == ask.names[1]:
            return instance, row
    raise Problem(404, ("Not found", None))


def _power(ask: Ask, held: Images, action: str, wanted: str, now: str, then: str) -> Row:
    """From one state over another to a third."""
    row = _instance(ask, held)
    checks.read(ask.request.body, checks.BOOT)
    if row["status"] != wanted:
        raise Problem(400, (f"Linode {row['id']} is {row['status']}, and not {wanted}", None))
    later = {"status": then}
    things.keep(ask, held, "linode", row | {"status": now}, later=later, seconds=ask.rules.boot_seconds)
    things.tell(ask, held, action, instance_entity(row))
    return {}


def _image(ask: Ask, held: Images, fields: Row) -> Row | None:
    """The image that a disk is to be of, which is there and ready; then there must be a password too."""
    name = fields.get("image")
    if name is None:
        return None
    image = held.get(name)
    row = image.at(ask.now) if image is not None else None
    if row is None or row["status"] != "available":
        raise Problem(400, ("image is not valid", "image"))
    if "root_pass" not in fields:
        raise Problem(400, ("root_pass is required", "root_pass"))
    return row


def _make_disk(ask: Ask, held: Images, instance: Row, label: str, size: int, filesystem: str, used: int) -> Row:
    row: Row = {
        "id": things.new_id(ask, held, "disk"),
        "label": label,
        "status": "not ready",
        "size": size,
        "filesystem": filesystem,
        "created": moment(ask.now),
        "updated": moment(ask.now),
        "disk_encryption": "enabled",
        "_linode": instance["id"],
        "_region": instance["region"],
        "_used": min(used, size),
    }
    return things.keep(ask, held, "disk", row, later={"status": "ready"}, seconds=ask.rules.boot_seconds)


def _check_room(ask: Ask, held: Images, instance: Row, more: int) -> None:
    """Raises Problem 400 where the plan has no room for so many MB more."""
    room = SPECS[instance["type"]]["disk"] if instance.get("type") in SPECS else instance["specs"]["disk"]
    if sum(row["size"] for row in _disks(ask, held, instance)) + more > room:
        raise Problem(400, ("Insufficient space on this Linode for a disk of this size", "size"))


def _check_off(instance: Row) -> None:
    if instance["status"] != "offline":
        raise Problem(400, ("The Linode must be offline for this", None))

"""Volumes: made, given to instances and taken from them, grown, copied, removed."""

from __future__ import annotations

from engine.sandbox import checks, things
from engine.sandbox.ask import Ask
from engine.sandbox.messages import Problem, Row, moment
from engine.sandbox.neighbours import new_volume
from engine.sandbox.state import Images

SIZE = 20  # GB, unless something else is said


def created(ask: Ask, held: Images) -> Row:
    """POST /volumes: in the region that is named, or in that of the instance it is given to."""
    fields = checks.read(ask.request.body, checks.VOLUME)
    instance = _instance(ask, held, fields)
    region = fields.get("region") or (instance["region"] if instance else None)
    if region is None:
        raise Problem(400, ("Must provide a region or a Linode ID", "region"))
    things.known_region(ask, region)
    if instance is not None and instance["region"] != region:
        raise Problem(400, ("The Linode is in another region", "linode_id"))
    return _make(ask, held, "volume_create", fields, region, instance)


def edited(ask: Ask, held: Images) -> Row:
    """PUT /volumes/{volumeId}: a partial update."""
    return things.edited(ask, held, "volume", checks.VOLUME_EDIT)


def deleted(ask: Ask, held: Images) -> Row:
    """DELETE /volumes/{volumeId}: one that no instance has."""
    row = _volume(ask, held)
    if row["linode_id"] is not None:
        raise Problem(400, ("The volume must be detached before it can be deleted", None))
    held.keep("volume", row["id"], None)
    things.tell(ask, held, "volume_delete", _entity(row))
    return {}


def attached(ask: Ask, held: Images) -> Row:
    """POST /volumes/{volumeId}/attach."""
    row = _volume(ask, held)
    instance = _instance(ask, held, checks.read(ask.request.body, checks.ATTACH))
    assert instance is not None  # its number is required
    if row["linode_id"] is not None:
        raise Problem(400, ("The volume is attached already", None))
    if row["region"] != instance["region"]:
        raise Problem(400, ("The Linode is in another region", "linode_id"))
    whose = {"linode_id": instance["id"], "linode_label": instance["label"]}
    things.tell(ask, held, "volume_attach", _entity(row))
    return things.change(ask, held, "volume", row, whose)


def detached(ask: Ask, held: Images) -> Row:
    """POST /volumes/{volumeId}/detach."""
    row = _volume(ask, held)
    if row["linode_id"] is None:
        raise Problem(400, ("The volume is not attached", None))
    things.change(ask, held, "volume", row, {"linode_id": None, "linode_label": None})
    things.tell(ask, held, "volume_detach", _entity(row))
    return {}


def resized(ask: Ask, held: Images) -> Row:
    """POST /volumes/{volumeId}/resize: it can only grow."""
    row = _volume(ask, held)
    size = checks.read(ask.request.body, checks.RESIZE)["size"]
    if size <= row["size"]:
        raise Problem(400, (f"size must be more than {row['size']}", "size"))
    things.tell(ask, held, "volume_resize", _entity(row))
    return things.change(ask, held, "volume", row, {"size": size})


def cloned(ask: Ask, held: Images) -> Row:
    """POST /volumes/{volumeId}/clone."""
    row = _volume(ask, held)
    fields = checks.read(ask.request.body, checks.CLONE) | {"size": row["size"], "encryption": row["encryption"]}
    return _make(ask, held, "volume_clone", fields, row["region"], None)


def _make(ask: Ask, held: Images, action: str, fields: Row, region: str, instance: Row | None) -> Row:
    things.taken(ask, held, "volume", fields["label"])
    number = things.new_id(ask, held, "volume")
    row = new_volume(
        number, fields["label"], region, fields.get("size", SIZE), instance,
        tags=fields.get("tags", []), encryption=fields.get("encryption", "disabled"), status="creating",
        created=moment(ask.now), updated=moment(ask.now),
    )  # fmt: skip
    things.tell(ask, held, action, _entity(row))
    return things.keep(ask, held, "volume", row, later={"status": "active"}, seconds=ask.rules.boot_seconds)


def _volume(ask: Ask, held: Images) -> Row:
    return things.one(ask, held, "volume", ask.names[0])


def _instance(ask: Ask, held: Images, fields: Row) -> Row | None:
    """The instance that a body names."""
    number = fields.get("linode_id")
    if number is None:
        return None
    for row in things.rows(ask, held, "linode"):
        if row["id"] == number:
            return row
    raise Problem(400, ("linode_id does not name a Linode of this account", "linode_id"))


def _entity(row: Row) -> Row:
    return {"id": row["id"], "label": row["label"], "type": "volume", "url": f"/v4/volumes/{row['id']}"}

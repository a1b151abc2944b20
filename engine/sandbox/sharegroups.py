"""Share groups: who may use which images of the account, under which names."""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

from engine.sandbox import checks, things
from engine.sandbox.ask import Ask
from engine.sandbox.lists import page
from engine.sandbox.messages import Problem, Row, moment
from engine.sandbox.seeds import FIRST_NUMBER
from engine.sandbox.state import Images


def listed(ask: Ask, held: Images) -> Row:
    """GET /images/sharegroups."""
    return things.listing(ask, [_shown(ask, held, row) for row in things.rows(ask, held, "group")])


def got(ask: Ask, held: Images) -> Row:
    """GET /images/sharegroups/{sharegroupId}."""
    return _shown(ask, held, _group(ask, held))


def created(ask: Ask, held: Images) -> Row:
    """POST /images/sharegroups: empty, or with images."""
    fields = checks.read(ask.request.body, checks.GROUP)
    number = things.new_id(ask, held, "group")
    row: Row = {
        "id": number,
        "uuid": str(uuid5(NAMESPACE_OID, f"group {number}")),
        "label": fields["label"],
        "description": fields.get("description", ""),
        "is_suspended": False,
        "images_count": 0,
        "members_count": 0,
        "created": moment(ask.now),
        "updated": None,
        "expiry": None,
    }
    things.keep(ask, held, "group", row)
    _share(ask, held, number, fields.get("images", []))
    return _shown(ask, held, row)


def edited(ask: Ask, held: Images) -> Row:
    """PUT /images/sharegroups/{sharegroupId}: a partial update."""
    row = _group(ask, held)
    fields = checks.read(ask.request.body, checks.GROUP_EDIT)
    return _shown(ask, held, things.change(ask, held, "group", row, fields))


def deleted(ask: Ask, held: Images) -> Row:
    """DELETE /images/sharegroups/{sharegroupId}: with its members and what was shared."""
    number = _group(ask, held)["id"]
    for row in _in(ask, held, "member", number):
        held.keep("member", row["token_uuid"], None)
    for row in _in(ask, held, "share", number):
        held.keep("share", row["id"], None)
    held.keep("group", number, None)
    return {}


def members(ask: Ask, held: Images) -> Row:
    """GET /images/sharegroups/{sharegroupId}/members."""
    return things.listing(ask, _in(ask, held, "member", _group(ask, held)["id"]))


def member(ask: Ask, held: Images) -> Row:
    """GET /images/sharegroups/{sharegroupId}/members/{tokenUuid}."""
    return things.shown(_member(ask, held))


def taken_in(ask: Ask, held: Images) -> Row:
    """POST /images/sharegroups/{sharegroupId}/members. What identifies it is made of the token, which is not kept."""
    number = _group(ask, held)["id"]
    fields = checks.read(ask.request.body, checks.MEMBER)
    identity = str(uuid5(NAMESPACE_OID, fields["token"]))
    if any(row["token_uuid"] == identity for row in _in(ask, held, "member", number)):
        raise Problem(400, ("This token is a member already", "token"))
    row: Row = {
        "token_uuid": identity,
        "label": fields["label"],
        "status": "active",
        "created": moment(ask.now),
        "updated": None,
        "expiry": None,
        "_group": number,
    }
    return things.keep(ask, held, "member", row)


def named(ask: Ask, held: Images) -> Row:
    """PUT /images/sharegroups/{sharegroupId}/members/{tokenUuid}: its label."""
    fields = checks.read(ask.request.body, checks.MEMBER_EDIT)
    return things.change(ask, held, "member", _member(ask, held), fields)


def sent_away(ask: Ask, held: Images) -> Row:
    """DELETE /images/sharegroups/{sharegroupId}/members/{tokenUuid}."""
    held.keep("member", _member(ask, held)["token_uuid"], None)
    return {}


def images(ask: Ask, held: Images) -> Row:
    """GET /images/sharegroups/{sharegroupId}/images: as the members see them, under ids of their own."""
    found = [_seen(ask, held, row) for row in _shares(ask, held, _group(ask, held)["id"])]
    return page(found, ask.request.query, ask.rules.empty or (1, 1))


def shared(ask: Ask, held: Images) -> Row:
    """POST /images/sharegroups/{sharegroupId}/images: the images that were added."""
    number = _group(ask, held)["id"]
    fields = checks.read(ask.request.body, checks.SHARE)
    added = _share(ask, held, number, fields["images"])
    return page([_seen(ask, held, row) for row in added], {}, (1, 1))


def renamed(ask: Ask, held: Images) -> Row:
    """PUT /images/sharegroups/{sharegroupId}/images/{imageId}: what members see."""
    row = _share_of(ask, held)
    fields = checks.read(ask.request.body, checks.SHARE_EDIT)
    kept = row | {f"_{name}": value for name, value in fields.items()}
    things.keep(ask, held, "share", kept)
    return _seen(ask, held, kept)


def withdrawn(ask: Ask, held: Images) -> Row:
    """DELETE /images/sharegroups/{sharegroupId}/images/{imageId}: the image itself stays."""
    held.keep("share", _share_of(ask, held)["id"], None)
    return {}


def _group(ask: Ask, held: Images) -> Row:
    return things.one(ask, held, "group", ask.names[0])


def _in(ask: Ask, held: Images, kind: str, group: int) -> list[Row]:
    return [row for row in things.rows(ask, held, kind) if row["_group"] == group]


def _member(ask: Ask, held: Images) -> Row:
    number = _group(ask, held)["id"]
    for row in _in(ask, held, "member", number):
        if row["token_uuid"] == ask.names[1]:
            return row
    raise Problem(404, ("Not found", None))


def _shares(ask: Ask, held: Images, group: int) -> list[Row]:
    """What is shared with a group and still there."""
    return [row for row in _in(ask, held, "share", group) if _image(ask, held, row["_image"]) is not None]


def _share_of(ask: Ask, held: Images) -> Row:
    number = _group(ask, held)["id"]
    for row in _shares(ask, held, number):
        if row["id"] == ask.names[1]:
            return row
    raise Problem(404, ("Not found", None))


def _image(ask: Ask, held: Images, name: str) -> Row | None:
    image = held.get(name)
    return image.at(ask.now) if image is not None else None


def _seen(ask: Ask, held: Images, share: Row) -> Row:
    """A shared image as members see it."""
    row = dict(_image(ask, held, share["_image"]) or {}) | {"id": share["id"], "type": "shared", "created_by": None}
    return row | {name: share[f"_{name}"] for name in ("label", "description") if share.get(f"_{name}") is not None}


def _share(ask: Ask, held: Images, group: int, entries: list[Row]) -> list[Row]:
    """Put images into a group. Raises Problem 400 for those that cannot be shared, all of them at once."""
    there = {row["_image"] for row in _in(ask, held, "share", group)}
    wrong = []
    for place, entry in enumerate(entries):
        row = _image(ask, held, str(entry["id"]))
        if row is None or not str(entry["id"]).startswith("private/") or row["status"] != "available":
            wrong.append(("id must name an available private image of this account", f"images[{place}].id"))
        elif entry["id"] in there:
            wrong.append(("The image is in the group already", f"images[{place}].id"))
        there.add(entry["id"])
    if wrong:
        raise Problem(400, *wrong)
    added = []
    for entry in entries:
        named = {f"_{name}": entry[name] for name in ("label", "description") if entry.get(name) is not None}
        number = held.new_number() - FIRST_NUMBER + 1
        added.append({"id": f"shared/{number}", "_group": group, "_image": entry["id"]} | named)
        things.keep(ask, held, "share", added[-1])
    return added


def _shown(ask: Ask, held: Images, row: Row) -> Row:
    """A group with the counts of what is in it."""
    counts = {
        "images_count": len(_shares(ask, held, row["id"])),
        "members_count": len(_in(ask, held, "member", row["id"])),
    }
    return things.shown(row) | counts

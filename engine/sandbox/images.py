"""The seven operations of images. Each takes what was asked and the images, and gives the JSON of its answer."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from engine.sandbox import checks, filters, lifecycle, things
from engine.sandbox.ask import Ask
from engine.sandbox.lifecycle import Image
from engine.sandbox.lists import page
from engine.sandbox.messages import Problem, Row
from engine.sandbox.rules import DAY
from engine.sandbox.state import Images

EMPTY = (0, 0)  # page and pages of an empty list of images, as seen
UPLOADS = "/images-uploads/"  # the path of the upload origin


def listed(ask: Ask, images: Images) -> Row:
    """GET /images: all the user may see; without a token the public ones."""
    rows = [row for image in images if (ask.user or _public(image)) and (row := image.at(ask.now)) is not None]
    if ask.rules.filters:
        rows = filters.select(ask.request.headers.get("x-filter"), rows, filters.IMAGES, ask.rules)
    return page(rows, ask.request.query, ask.rules.empty or EMPTY)


def got(ask: Ask, images: Images) -> Row:
    """GET /images/{imageId}. Without a token only a public one: of the others nothing is told."""
    image = images.get(ask.names[0])
    if ask.user is None and not (image and _public(image)):
        raise Problem(401, ("Invalid Token", None))
    row = image.at(ask.now) if image else None
    if row is None:
        raise Problem(404, ("Not found", None))
    return row


def created(ask: Ask, images: Images) -> Row:
    """POST /images: a capture of a disk begins. Without a label it gets the disk's."""
    fields = checks.read(ask.request.body, checks.CAPTURE)
    number = fields.pop("disk_id")
    disk = next((disk for disk in things.disks(ask, images) if disk.id == number), None)
    if disk is None:
        raise Problem(400, ("disk_id does not name a disk of this account", "disk_id"))
    image = lifecycle.captured(images.new_number(), disk, _owned(ask, fields), ask.now, ask.rules)
    images.put(image)
    return image.row


def uploaded(ask: Ask, images: Images) -> Row:
    """POST /images/upload: a container, and the URL its file goes to. The URL's signature is its only key."""
    fields = checks.read(ask.request.body, checks.UPLOAD)
    region = fields.pop("region")
    if not ask.account.stores_images(region):
        raise Problem(400, ("region is not valid", "region"))
    number, secret = images.new_number(), secrets.token_hex(20)
    image = lifecycle.container(number, region, secret, _owned(ask, fields), ask.now)
    images.put(image)
    query = urlencode({"Signature": secret, "Expires": int(ask.now + DAY)})
    return {"image": image.row, "upload_to": f"{ask.uploads.format(region=region)}{UPLOADS}{number}?{query}"}


def edited(ask: Ask, images: Images) -> Row:
    """PUT /images/{imageId}: a partial update."""
    image = _own(ask, images)
    fields = checks.read(ask.request.body, checks.EDIT)
    if fields:
        image = image.edited(fields, ask.now)
        images.put(image)
    return _shown(ask, image)


def deleted(ask: Ask, images: Images) -> Row:
    """DELETE /images/{imageId}: gone at once, with its replicas."""
    images.remove(_own(ask, images).id)
    return {}


def replicated(ask: Ask, images: Images) -> Row:
    """POST /images/{imageId}/regions: the full set of regions wanted, one of which must have it already."""
    image = _own(ask, images)
    wanted = list(dict.fromkeys(checks.read(ask.request.body, checks.REPLICATE)["regions"]))
    bad = [place for place, region in enumerate(wanted) if not ask.account.stores_images(region)]
    if bad:
        raise Problem(400, *[("region is not valid", f"regions[{place}]") for place in bad])
    row = _shown(ask, image)
    if row.get("status") != "available":
        raise Problem(400, ("Image must be available to be replicated", None))
    there = {replica["region"] for replica in row.get("regions") or () if replica["status"] == "available"}
    if not there & set(wanted):
        raise Problem(400, ("regions must keep one in which the image is available", "regions"))
    image = lifecycle.replicated(image, wanted, ask.now, ask.rules)
    images.put(image)
    return image.row


def _own(ask: Ask, images: Images) -> Image:
    """An image that can be changed: one of the account's own."""
    image = images.get(ask.names[0])
    if image is None or image.at(ask.now) is None:
        raise Problem(404, ("Not found", None))
    if not image.id.startswith("private/"):
        raise Problem(403, ("Unauthorized", None))
    return image


def _shown(ask: Ask, image: Image) -> Row:
    """The row of an image that is known to be there."""
    return image.at(ask.now) or image.row


def _owned(ask: Ask, fields: Row) -> Row:
    return fields | {"created_by": ask.user.name if ask.user else None}


def _public(image: Image) -> bool:
    return bool(image.row.get("is_public"))

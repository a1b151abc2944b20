"""What the body of a request may hold: tables of fields and their rules, and every fault of a body at once.

Documented: labels of 1 to 50 characters, tags of 3 to 100 characters and at most 500 of them, which come back
sorted. The wording of most refusals is the sandbox's own; `<f> is not an editable field.` is the live API's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.sandbox.messages import Problem, Row

Complaints = Iterator[tuple[str, str]]  # (reason, field)
Check = Callable[[str, Any], Complaints]


@dataclass(frozen=True)
class Body:
    """The fields of a body. `editable`: whatever is not among them is refused instead of ignored."""

    fields: Mapping[str, Check]
    required: tuple[str, ...] = ()
    editable: bool = False


def read(body: bytes, rules: Body) -> Row:
    """The fields of a body that passed. Raises Problem 400 with everything that is wrong with it.

    A field that is null counts as not sent, unless the body is an edit.
    """
    try:
        sent = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Problem(400, ("Invalid JSON", None)) from None
    if not isinstance(sent, dict):
        raise Problem(400, ("Invalid JSON: an object is expected", None))
    if not rules.editable:
        sent = {name: value for name, value in sent.items() if value is not None}
    complaints = list(_complaints(sent, rules))
    if complaints:
        raise Problem(400, *complaints)
    return {name: _tidied(name, sent[name]) for name in rules.fields if name in sent}


def _complaints(sent: Row, rules: Body) -> Complaints:
    for name in rules.required:
        if name not in sent:
            yield f"{name} is required", name
    for name, value in sent.items():
        if name in rules.fields:
            yield from rules.fields[name](name, value)
        elif rules.editable:
            yield f"{name} is not an editable field.", name


def _tidied(name: str, value: Any) -> Any:
    return sorted(set(value)) if name == "tags" else value


def text(low: int, high: int, *, nullable: bool = False) -> Check:
    """A string of so many characters."""

    def check(field: str, value: Any) -> Complaints:
        if value is None and nullable:
            return
        if not isinstance(value, str):
            yield f"{field} must be a string", field
        elif not low <= len(value) <= high:
            yield f"Length must be {low}-{high} characters", field

    return check


def whole(field: str, value: Any) -> Complaints:
    """An integer."""
    if not isinstance(value, int) or isinstance(value, bool):
        yield f"{field} must be an integer", field


def flag(field: str, value: Any) -> Complaints:
    """A boolean."""
    if not isinstance(value, bool):
        yield f"{field} must be a boolean", field


def array(low: int, high: int, each: Check) -> Check:
    """An array of so many members, each of which is checked; a fault's field is `tags[3]`."""

    def check(field: str, value: Any) -> Complaints:
        if not isinstance(value, list):
            yield f"{field} must be an array", field
        elif not low <= len(value) <= high:
            yield f"{field} must have {low}-{high} members", field
        else:
            for place, member in enumerate(value):
                yield from each(f"{field}[{place}]", member)

    return check


LABEL = text(1, 50)
DESCRIPTION = text(0, 65000, nullable=True)
TAGS = array(0, 500, text(3, 100))
CAPTURE = Body(
    {"disk_id": whole, "label": LABEL, "description": DESCRIPTION, "cloud_init": flag, "tags": TAGS},
    required=("disk_id",),
)
UPLOAD = Body(
    {"label": LABEL, "region": text(1, 50), "description": DESCRIPTION, "cloud_init": flag, "tags": TAGS},
    required=("label", "region"),
)
EDIT = Body({"label": LABEL, "description": DESCRIPTION, "tags": TAGS}, editable=True)


def choice(*words: str) -> Check:
    """One of some words."""

    def check(field: str, value: Any) -> Complaints:
        if value not in words:
            yield f"{field} must be one of {', '.join(words)}", field

    return check


def least(low: int) -> Check:
    """An integer from a number on."""

    def check(field: str, value: Any) -> Complaints:
        yield from whole(field, value)
        if isinstance(value, int) and value < low:
            yield f"{field} must be at least {low}", field

    return check


def anything(field: str, value: Any) -> Complaints:
    """Whatever it is."""
    return iter(())


def entry(field: str, value: Any) -> Complaints:
    """An image to share: its id, and what to call it."""
    if not isinstance(value, dict):
        yield f"{field} must be an object", field
        return
    yield from text(1, 100)(f"{field}.id", value.get("id"))
    for name in ("label", "description"):
        yield from text(0, 65000, nullable=True)(f"{field}.{name}", value.get(name))


REPLICATE = Body({"regions": array(1, 100, text(1, 50))}, required=("regions",))

_ROOT = {
    "root_pass": text(7, 128),
    "authorized_keys": array(0, 100, text(1, 4096)),
    "authorized_users": array(0, 100, text(1, 64)),
}
_NUMBERS = array(0, 500, whole)
INSTANCE = Body(
    {
        "region": text(1, 50),
        "type": text(1, 50),
        "image": text(1, 100),
        "label": text(3, 64),
        **_ROOT,
        "backups_enabled": flag,
        "booted": flag,
        "private_ip": flag,
        "stackscript_id": whole,
        "stackscript_data": anything,
        "swap_size": least(0),
        "tags": TAGS,
    },
    required=("region", "type"),
)
INSTANCE_EDIT = Body({"label": text(3, 64), "tags": TAGS, "watchdog_enabled": flag}, editable=True)
BOOT = Body({"config_id": whole})
DISK = Body(
    {
        "size": least(1),
        "label": LABEL,
        "filesystem": choice("raw", "swap", "ext3", "ext4", "initrd"),
        "image": text(1, 100),
        **_ROOT,
    },
    required=("size",),
)
DISK_EDIT = Body({"label": LABEL}, editable=True)
RESIZE = Body({"size": least(1)}, required=("size",))
VOLUME = Body(
    {
        "label": text(1, 32),
        "region": text(1, 50),
        "size": least(10),
        "linode_id": whole,
        "config_id": whole,
        "encryption": choice("enabled", "disabled"),
        "tags": TAGS,
    },
    required=("label",),
)
VOLUME_EDIT = Body({"label": text(1, 32), "tags": TAGS}, editable=True)
ATTACH = Body({"linode_id": whole, "config_id": whole}, required=("linode_id",))
CLONE = Body({"label": text(1, 32)}, required=("label",))
TAG = Body(
    {"label": text(3, 50), "linodes": _NUMBERS, "volumes": _NUMBERS, "domains": _NUMBERS, "nodebalancers": _NUMBERS},
    required=("label",),
)
SHARES = array(1, 500, entry)
GROUP = Body({"label": LABEL, "description": DESCRIPTION, "images": SHARES}, required=("label",))
GROUP_EDIT = Body({"label": LABEL, "description": DESCRIPTION}, editable=True)
MEMBER = Body({"token": text(1, 4096), "label": LABEL}, required=("token", "label"))
MEMBER_EDIT = Body({"label": LABEL}, required=("label",), editable=True)
SHARE = Body({"images": SHARES}, required=("images",))
SHARE_EDIT = Body({"label": LABEL, "description": DESCRIPTION}, editable=True)

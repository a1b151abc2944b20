"""Image rows, whole, as the API has shown them: builders for the starting set and for tests.

Every field can be overridden by name; a value of `ABSENT` leaves its key out.
"""

from __future__ import annotations

from typing import Any

from engine.sandbox.messages import Row

ABSENT: Any = object()
_BORN = "2018-01-02T03:04:05"


def private(number: int, /, **fields: Any) -> Row:
    """The row of an image of the account: `private/<number>`, manual, available in us-east, 1024 MB.

    >>> private(7, label="web")["id"], private(7, label="web")["label"]
    ('private/7', 'web')
    """
    row: Row = {
        "id": f"private/{number}",
        "label": f"image-{number}",
        "description": "",
        "created": _BORN,
        "updated": _BORN,
        "size": 1024,
        "created_by": "sandbox",
        "type": "manual",
        "tags": [],
        "is_public": False,
        "is_shared": False,
        "deprecated": False,
        "vendor": None,
        "expiry": None,
        "eol": None,
        "status": "available",
        "capabilities": [],
        "regions": [{"region": "us-east", "status": "available"}],
        "image_sharing": None,
    } | fields
    return _without_absent(row | {"total_size": fields.get("total_size", total_size(row))})


def public(slug: str, /, **fields: Any) -> Row:
    """The row of a distribution: `linode/<slug>`. Its regions are null and it has no total_size.

    >>> row = public("debian12", label="Debian 12", vendor="Debian")
    >>> row["id"], row["regions"], "total_size" in row
    ('linode/debian12', None, False)
    """
    row: Row = {
        "id": f"linode/{slug}",
        "label": slug,
        "deprecated": False,
        "size": 1500,
        "created": _BORN,
        "updated": _BORN,
        "description": "",
        "created_by": "linode",
        "type": "manual",
        "is_public": True,
        "is_shared": None,
        "vendor": None,
        "expiry": None,
        "eol": None,
        "status": "available",
        "capabilities": [],
        "tags": [],
        "regions": None,
        "image_sharing": None,
    } | fields
    return _without_absent(row)


def many(count: int) -> list[Row]:
    """`count` private images that differ in every way a filter can tell apart, in no order of their ids."""
    step = next(step for step in (7919, 7907) if count % step or not count)  # prime to count: every place once
    return [_varied(place * step % count + 1) for place in range(count)]


def total_size(row: Row) -> int:
    """The sum over the replicas that are there; 0 of a row without a size."""
    size, regions = row.get("size"), row.get("regions")
    if not isinstance(size, int) or not isinstance(regions, list):
        return 0
    return size * sum(1 for replica in regions if replica["status"] == "available")


def _varied(number: int) -> Row:
    """One of many: its fields follow from its number."""
    return private(
        number,
        label=f"image-{number % 1000:03}" if number % 10 else "golden",
        description=f"build {number}" if number % 3 else "",
        created=f"20{10 + number % 15}-{1 + number % 12:02}-{1 + number % 28:02}T{number % 24:02}:00:00",
        size=500 + number * 37 % 6000,
        type="automatic" if number % 4 == 0 else "manual",
        tags=sorted({f"team-{number % 5}", f"env-{number % 3}"}),
        capabilities=["cloud-init"] if number % 2 else [],
    )


def _without_absent(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not ABSENT}

"""What stands around the images, as rows that can change: what the account began with, under what was done since.

A row keeps what the API does not show under names that begin with `_`: of a disk the instance it is of, of a member
its group. A kind is named as events name it: linode, disk, volume, group, member, share, tag, event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from engine.sandbox import checks, filters, neighbours
from engine.sandbox.ask import Ask
from engine.sandbox.lifecycle import Change, Image
from engine.sandbox.lists import page
from engine.sandbox.messages import Problem, Row, moment
from engine.sandbox.neighbours import happened
from engine.sandbox.seeds import FIRST_NUMBER, Account, Disk
from engine.sandbox.state import Images

_ANY = filters.Fields()
FIRST_EVENT = 990000000
_KEYS: Mapping[str, str] = {"member": "token_uuid", "tag": "label"}  # what identifies a row, where it is not its id


def _disk(disk: Disk) -> Row:
    return disk.row() | {"_linode": disk.linode, "_region": disk.region, "_used": disk.used}


_BEGAN: Mapping[str, Callable[[Account], Iterable[Row]]] = {
    "linode": lambda account: account.linodes,
    "disk": lambda account: map(_disk, account.disks),
    "volume": lambda account: account.volumes,
    "group": lambda account: neighbours.SHARE_GROUPS,
    "member": lambda account: (row | {"_group": group} for group, rows in neighbours.MEMBERS.items() for row in rows),
    "share": lambda account: neighbours.SHARES,
    "event": lambda account: account.events,
}


def rows(ask: Ask, held: Images, kind: str) -> list[Row]:
    """All rows of a kind as they stand now, hidden fields included: those it began with, then new ones."""
    key, done = _KEYS.get(kind, "id"), held.things(kind)
    found = {str(row[key]): row for row in _BEGAN[kind](ask.account)} if kind in _BEGAN else {}
    for name, thing in done.items():
        row = thing.at(ask.now) if thing is not None else None
        if row is None:
            found.pop(name, None)
        else:
            found[name] = row
    return list(found.values())


def one(ask: Ask, held: Images, kind: str, name: str) -> Row:
    """A row by what identifies it. Raises Problem 404."""
    key = _KEYS.get(kind, "id")
    for row in rows(ask, held, kind):
        if str(row[key]) == name:
            return row
    raise Problem(404, ("Not found", None))


def shown(row: Row) -> Row:
    """A row as the API shows it."""
    return {name: value for name, value in row.items() if not name.startswith("_")}


def listing(ask: Ask, found: Iterable[Row], empty: tuple[int, int] = (1, 1)) -> Row:
    """The page of some rows that was asked for, filtered."""
    kept = filters.select(ask.request.headers.get("x-filter"), list(map(shown, found)), _ANY, ask.rules)
    return page(kept, ask.request.query, ask.rules.empty or empty)


def new_id(ask: Ask, held: Images, kind: str) -> int:
    """A number that no row of a kind has or had."""
    known: list[int] = [row["id"] for row in _BEGAN[kind](ask.account)]
    return max([*known, *map(int, held.things(kind)), 0]) + 1


def keep(ask: Ask, held: Images, kind: str, row: Row, *, later: Row | None = None, seconds: float = 0.0) -> Row:
    """Keep a row, new or changed, which in so many seconds has these fields; the row as it is shown."""
    changes = (Change(ask.now + seconds, later),) if later is not None else ()
    held.keep(kind, row[_KEYS.get(kind, "id")], Image(row, changes))
    return shown(row)


def change(ask: Ask, held: Images, kind: str, row: Row, fields: Mapping[str, Any]) -> Row:
    """Set fields of a row that is there; what time will bring it still comes. No field is no change."""
    if not fields:
        return shown(row)
    name = str(row[_KEYS.get(kind, "id")])
    thing = held.things(kind).get(name)
    now = (thing or Image(row)).edited(dict(fields), ask.now)
    if "updated" not in row:
        now = msgspec.structs.replace(now, row={k: v for k, v in now.row.items() if k != "updated"})
    held.keep(kind, name, now)
    return shown(now.at(ask.now) or now.row)


def edited(ask: Ask, held: Images, kind: str, rules: checks.Body) -> Row:
    """A partial update of the row that the path names; its label stays the only one of its kind."""
    row, fields = one(ask, held, kind, ask.names[0]), checks.read(ask.request.body, rules)
    taken(ask, held, kind, fields.get("label"), row["id"])
    return change(ask, held, kind, row, fields)


def tell(ask: Ask, held: Images, action: str, entity: Row, secondary: Row | None = None) -> None:
    """Write down that something was done. It has a number in the line of the images', which have their own events."""
    number = held.new_number() - FIRST_NUMBER + FIRST_EVENT
    row = happened(
        number,
        moment(ask.now),
        action,
        entity,
        secondary_entity=secondary,
        username=ask.user.name if ask.user else None,
    )
    held.keep("event", number, Image(row))


def disks(ask: Ask, held: Images) -> list[Disk]:
    """The disks of the account, as what captures are taken of."""
    return [
        Disk(row["id"], row["_linode"], row["_region"], row["label"], row["size"], row["_used"], row["filesystem"])
        for row in rows(ask, held, "disk")
    ]


def taken(ask: Ask, held: Images, kind: str, label: object, own: object = None) -> None:
    """Raises Problem 400 where another row of a kind has the label."""
    if any(row["label"] == label and row["id"] != own for row in rows(ask, held, kind)):
        raise Problem(400, ("Label must be unique among your things of this kind", "label"))


def known_region(ask: Ask, name: object) -> None:
    """Raises Problem 400 where there is no such region."""
    if not any(row["id"] == name for row in ask.account.regions):
        raise Problem(400, ("region is not valid", "region"))

"""Tags: those that things have, and those that were made without any."""

from __future__ import annotations

from engine.sandbox import checks, things
from engine.sandbox.ask import Ask
from engine.sandbox.lists import page
from engine.sandbox.messages import Problem, Row
from engine.sandbox.state import Images

_KINDS = {"linodes": "linode", "volumes": "volume"}  # by how a body calls them


def listed(ask: Ask, held: Images) -> Row:
    """GET /tags: in order."""
    return page([{"label": label} for label in _labels(ask, held)], ask.request.query, ask.rules.empty or (1, 1))


def objects(ask: Ask, held: Images) -> Row:
    """GET /tags/{tagLabel}: what has a tag; images are not told."""
    label = ask.names[0]
    if label not in _labels(ask, held):
        raise Problem(404, ("Not found", None))
    found = [
        {"type": kind, "data": things.shown(row)}
        for kind in _KINDS.values()
        for row in things.rows(ask, held, kind)
        if label in row["tags"]
    ]
    return page(found, ask.request.query, ask.rules.empty or (1, 1))


def created(ask: Ask, held: Images) -> Row:
    """POST /tags: a tag, and what gets it."""
    fields = checks.read(ask.request.body, checks.TAG)
    label = fields["label"]
    if label in _labels(ask, held):
        raise Problem(400, ("Tag already exists", "label"))
    getting = []
    for name in ("linodes", "volumes", "domains", "nodebalancers"):
        known = {row["id"]: row for row in things.rows(ask, held, _KINDS[name])} if name in _KINDS else {}
        for place, number in enumerate(fields.get(name, [])):
            if number not in known:
                raise Problem(400, (f"{name} names nothing of this account", f"{name}[{place}]"))
            getting.append((_KINDS[name], known[number]))
    for kind, row in getting:
        things.change(ask, held, kind, row, {"tags": sorted({*row["tags"], label})})
    return things.keep(ask, held, "tag", {"label": label})


def deleted(ask: Ask, held: Images) -> Row:
    """DELETE /tags/{tagLabel}: it is taken off everything that has it."""
    label = ask.names[0]
    if label not in _labels(ask, held):
        raise Problem(404, ("Not found", None))
    for kind in _KINDS.values():
        for row in things.rows(ask, held, kind):
            if label in row["tags"]:
                things.change(ask, held, kind, row, {"tags": [tag for tag in row["tags"] if tag != label]})
    for image in list(held):
        row = image.at(ask.now) or {}
        if label in (row.get("tags") or ()):
            held.put(image.edited({"tags": [tag for tag in row["tags"] if tag != label]}, ask.now))
    held.keep("tag", label, None)
    return {}


def _labels(ask: Ask, held: Images) -> list[str]:
    """Every tag of an instance, a volume or an image, and those that nothing has, in order."""
    rows = [row for kind in _KINDS.values() for row in things.rows(ask, held, kind)]
    rows += [row for image in held if (row := image.at(ask.now)) is not None]
    alone = {row["label"] for row in things.rows(ask, held, "tag")}
    return sorted({tag for row in rows for tag in row.get("tags") or ()} | alone)

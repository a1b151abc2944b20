"""Which request is which operation: a table of methods and paths, and how a path finds its place in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from engine.sandbox import events, filters, images, neighbours
from engine.sandbox.images import Ask
from engine.sandbox.lists import page
from engine.sandbox.messages import Problem, Request, Row
from engine.sandbox.state import Images

VERSIONS = ("v4", "v4beta")
_ANY = filters.Fields()

Operation = Callable[[Ask, Images], Any]
Rows = Callable[[Ask], Iterable[Row]]


@dataclass(frozen=True)
class Route:
    """One operation. `{}` in the path stands for one segment; `images` is what it does with them."""

    method: str
    path: str
    run: Operation
    scope: str | None = None  # what a token needs; None: any token will do
    open: bool = False  # no token is needed
    quota: Literal["images", "lists", "rest"] = "rest"
    images: Literal["none", "read", "write"] = "none"
    beta: bool = False  # answers under /v4beta alone


def _refused(status: int, reason: str) -> Route:
    """Where a request ends that has no operation."""

    def run(ask: Ask, _: Images) -> Any:
        raise Problem(status, (reason, None))

    return Route("", "", run, open=True)


def _list(
    path: str,
    rows: Rows,
    *,
    empty: tuple[int, int] = (1, 1),
    filtered: bool = True,
    fields: filters.Fields = _ANY,
    **more: Any,
) -> Route:
    """A list of fixed rows. Some lists of the live API ignore the filter: so do those not `filtered`."""

    def run(ask: Ask, _: Images) -> Row:
        found = list(rows(ask))
        if filtered:
            found = filters.select(ask.request.headers.get("x-filter"), found, fields, ask.rules)
        return page(found, ask.request.query, ask.rules.empty or empty)

    return Route("GET", path, run, quota="lists", **more)


def _one(path: str, rows: Rows, **more: Any) -> Route:
    """One of fixed rows, by the last name of the path."""

    def run(ask: Ask, _: Images) -> Row:
        for row in rows(ask):
            if str(row["id"]) == ask.names[-1]:
                return row
        raise Problem(404, ("Not found", None))

    return Route("GET", path, run, **more)


def _disks(ask: Ask) -> list[Row]:
    """The disks of a Linode."""
    if not any(str(row["id"]) == ask.names[0] for row in ask.account.linodes):
        raise Problem(404, ("Not found", None))
    return [disk.row() for disk in ask.account.disks if str(disk.linode) == ask.names[0]]


def _group(ask: Ask) -> int:
    """The share group of the path."""
    number = next((row["id"] for row in neighbours.SHARE_GROUPS if str(row["id"]) == ask.names[0]), None)
    if number is None:
        raise Problem(404, ("Not found", None))
    return int(number)


def _members(ask: Ask) -> Iterable[Row]:
    return neighbours.MEMBERS.get(_group(ask), ())


def _member(ask: Ask, _: Images) -> Row:
    """One member of a share group."""
    for row in _members(ask):
        if row["token_uuid"] == ask.names[1]:
            return row
    raise Problem(404, ("Not found", None))


def _shared(ask: Ask, held: Images) -> Row:
    """The images of a share group, as its members see them: under ids of their own."""
    found = [image.at(ask.now) for name in neighbours.SHARED.get(_group(ask), ()) if (image := held.get(name))]
    seen = {"type": "shared", "created_by": None}
    rows = [row | seen | {"id": f"shared/{number}"} for number, row in enumerate(found, 1) if row]
    return page(rows, ask.request.query, ask.rules.empty or (1, 1))


def _events(ask: Ask, held: Images) -> Row:
    found = filters.select(ask.request.headers.get("x-filter"), events.listed(ask, held), _EVENTS, ask.rules)
    return page(found, ask.request.query, ask.rules.empty or (1, 1))


def _event(ask: Ask, held: Images) -> Row:
    for row in events.listed(ask, held):
        if str(row["id"]) == ask.names[0]:
            return row
    raise Problem(404, ("Not found", None))


def _tags(ask: Ask, held: Images) -> Row:
    """Every tag of an instance, a volume or an image, in order."""
    rows = [*ask.account.linodes, *ask.account.volumes, *(row for image in held if (row := image.at(ask.now)))]
    labels = sorted({tag for row in rows for tag in row.get("tags") or ()})
    return page([{"label": label} for label in labels], ask.request.query, ask.rules.empty or (1, 1))


def _tagged(ask: Ask) -> list[Row]:
    """What has a tag: images are not told."""
    kinds = (("linode", ask.account.linodes), ("volume", ask.account.volumes))
    found = [{"type": kind, "data": row} for kind, rows in kinds for row in rows if ask.names[0] in row["tags"]]
    if not found:
        raise Problem(404, ("Not found", None))
    return found


def _profile(ask: Ask, _: Images) -> Row:
    """Whom the token stands for."""
    return {"username": ask.user.name if ask.user else None, "restricted": False, "timezone": "UTC"}


_EVENTS = filters.Fields(known=frozenset({"id", "action", "created", "read", "entity.id", "entity.type"}))
_INSTANCES = filters.Fields(known=frozenset({"id", "label", "region", "ipv4", "group", "tags"}))
_VOLUMES = filters.Fields(known=frozenset({"label", "tags"}))
_READ, _WRITE, _LINODES = "images:read_only", "images:read_write", "linodes:read_only"
ROUTES = (
    Route("GET", "images", images.listed, _READ, open=True, quota="images", images="read"),
    Route("POST", "images", images.created, _WRITE, images="write"),
    Route("POST", "images/upload", images.uploaded, _WRITE, images="write"),
    _list("images/sharegroups", lambda ask: neighbours.SHARE_GROUPS, scope=_READ, beta=True),
    _one("images/sharegroups/{}", lambda ask: neighbours.SHARE_GROUPS, scope=_READ, beta=True),
    _list("images/sharegroups/{}/members", _members, scope=_READ, beta=True),
    Route("GET", "images/sharegroups/{}/members/{}", _member, _READ, beta=True),
    Route("GET", "images/sharegroups/{}/images", _shared, _READ, quota="lists", images="read", beta=True),
    Route("GET", "images/{}", images.got, _READ, open=True, images="read"),
    Route("PUT", "images/{}", images.edited, _WRITE, images="write"),
    Route("DELETE", "images/{}", images.deleted, _WRITE, images="write"),
    Route("POST", "images/{}/regions", images.replicated, _WRITE, images="write"),
    _list("regions", lambda ask: ask.account.regions, filtered=False, open=True),
    _one("regions/{}", lambda ask: ask.account.regions, open=True),
    _list("linode/types", lambda ask: ask.account.types, filtered=False, open=True),
    _one("linode/types/{}", lambda ask: ask.account.types, open=True),
    _list("linode/kernels", lambda ask: ask.account.kernels, open=True),
    _one("linode/kernels/{}", lambda ask: ask.account.kernels, open=True),
    _list("linode/instances", lambda ask: ask.account.linodes, fields=_INSTANCES, scope=_LINODES),
    _one("linode/instances/{}", lambda ask: ask.account.linodes, scope=_LINODES),
    _list("linode/instances/{}/disks", _disks, empty=(1, 0), scope=_LINODES),
    _one("linode/instances/{}/disks/{}", _disks, scope=_LINODES),
    _list("volumes", lambda ask: ask.account.volumes, fields=_VOLUMES, scope="volumes:read_only"),
    _one("volumes/{}", lambda ask: ask.account.volumes, scope="volumes:read_only"),
    Route("GET", "tags", _tags, quota="lists", images="read"),
    _list("tags/{}", _tagged, filtered=False),
    Route("GET", "account/events", _events, "events:read_only", quota="lists", images="read"),
    Route("GET", "account/events/{}", _event, "events:read_only", images="read"),
    Route("GET", "profile", _profile),
)
_NOWHERE = _refused(404, "Not found")
_OTHER_METHOD = _refused(405, "Method Not Allowed")


def find(asked: Request) -> tuple[Route, tuple[str, ...]]:
    """The route of a request and the names in its path; one that answers 404 or 405 where there is no other."""
    version, *rest = asked.segments
    if version not in VERSIONS:
        return _NOWHERE, ()
    segments = _joined(rest)
    fits = [
        (route, names)
        for route in ROUTES
        if (names := _names(route.path, segments)) is not None and not (route.beta and version == "v4")
    ]
    chosen = next(((route, names) for route, names in fits if route.method == asked.method), None)
    return chosen or (_OTHER_METHOD if fits else _NOWHERE, ())


def _joined(segments: list[str]) -> list[str]:
    """The path with an image's id in one segment, whichever way its slash was sent.

    >>> _joined(["images", "private", "1", "regions"]), _joined(["images", "private/1", "regions"])
    (['images', 'private/1', 'regions'], ['images', 'private/1', 'regions'])
    """
    if segments[:1] == ["images"] and len(segments) >= 3 and segments[1] != "sharegroups" and "/" not in segments[1]:
        return ["images", "/".join(segments[1:3]), *segments[3:]]
    return segments


def _names(path: str, segments: list[str]) -> tuple[str, ...] | None:
    """The segments in the places of `{}`; None where the path is another one.

    >>> _names("images/{}/regions", ["images", "private/1", "regions"])
    ('private/1',)
    """
    pattern = path.split("/")
    if len(pattern) != len(segments) or any(w not in ("{}", s) for w, s in zip(pattern, segments, strict=True)):
        return None
    return tuple(segment for want, segment in zip(pattern, segments, strict=True) if want == "{}")

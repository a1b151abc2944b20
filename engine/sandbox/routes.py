"""Which request is which operation: a table of methods and paths, and how a path finds its place in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.sandbox import events, filters, images, instances, sharegroups, tags, things, volumes
from engine.sandbox.ask import Ask
from engine.sandbox.lists import page
from engine.sandbox.messages import Problem, Request, Row
from engine.sandbox.seeds import Account
from engine.sandbox.state import Images

VERSIONS = ("v4", "v4beta")
_ANY = filters.Fields()

Operation = Callable[[Ask, Images], Any]


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
    kind: str,
    *,
    empty: tuple[int, int] = (1, 1),
    filtered: bool = True,
    fields: filters.Fields = _ANY,
    **more: Any,
) -> Route:
    """A list of things of a kind, or of what never changes. Some lists of the live API ignore the filter: so do those
    not `filtered`.
    """

    def run(ask: Ask, held: Images) -> Row:
        found = _rows(ask, held, kind)
        if filtered:
            found = filters.select(ask.request.headers.get("x-filter"), found, fields, ask.rules)
        return page(found, ask.request.query, ask.rules.empty or empty)

    return Route("GET", path, run, quota="lists", images="read", **more)


def _one(path: str, kind: str, **more: Any) -> Route:
    """One of these, by the last name of the path."""

    def run(ask: Ask, held: Images) -> Row:
        for row in _rows(ask, held, kind):
            if str(row["id"]) == ask.names[-1]:
                return row
        raise Problem(404, ("Not found", None))

    return Route("GET", path, run, images="read", **more)


def _write(method: str, path: str, run: Operation, scope: str, **more: Any) -> Route:
    """An operation that changes something."""
    return Route(method, path, run, scope, images="write", **more)


_FIXED: Mapping[str, Callable[[Account], Iterable[Row]]] = {
    "region": lambda account: account.regions,
    "type": lambda account: account.types,
    "kernel": lambda account: account.kernels,
}


def _rows(ask: Ask, held: Images, kind: str) -> list[Row]:
    if kind in _FIXED:
        return list(_FIXED[kind](ask.account))
    return [things.shown(row) for row in things.rows(ask, held, kind)]


def _events(ask: Ask, held: Images) -> Row:
    found = filters.select(ask.request.headers.get("x-filter"), events.listed(ask, held), _EVENTS, ask.rules)
    return page(found, ask.request.query, ask.rules.empty or (1, 1))


def _profile(ask: Ask, _: Images) -> Row:
    """Whom the token stands for."""
    return {"username": ask.user.name if ask.user else None, "restricted": False, "timezone": "UTC"}


_EVENTS = filters.Fields(known=frozenset({"id", "action", "created", "read", "entity.id", "entity.type"}))
_INSTANCES = filters.Fields(known=frozenset({"id", "label", "region", "ipv4", "group", "tags"}))
_VOLUMES = filters.Fields(known=frozenset({"label", "tags"}))
_READ, _WRITE = "images:read_only", "images:read_write"
_LINODES, _LINODES_WRITE = "linodes:read_only", "linodes:read_write"
_VOLUMES_READ, _VOLUMES_WRITE = "volumes:read_only", "volumes:read_write"
_GROUPS, _GROUP = "images/sharegroups", "images/sharegroups/{}"
_LINODE, _VOLUME = "linode/instances/{}", "volumes/{}"
ROUTES = (
    Route("GET", "images", images.listed, _READ, open=True, quota="images", images="read"),
    Route("POST", "images", images.created, _WRITE, images="write"),
    Route("POST", "images/upload", images.uploaded, _WRITE, images="write"),
    Route("GET", _GROUPS, sharegroups.listed, _READ, quota="lists", images="read", beta=True),
    _write("POST", _GROUPS, sharegroups.created, _WRITE, beta=True),
    Route("GET", _GROUP, sharegroups.got, _READ, images="read", beta=True),
    _write("PUT", _GROUP, sharegroups.edited, _WRITE, beta=True),
    _write("DELETE", _GROUP, sharegroups.deleted, _WRITE, beta=True),
    Route("GET", f"{_GROUP}/members", sharegroups.members, _READ, quota="lists", images="read", beta=True),
    _write("POST", f"{_GROUP}/members", sharegroups.taken_in, _WRITE, beta=True),
    Route("GET", f"{_GROUP}/members/{{}}", sharegroups.member, _READ, images="read", beta=True),
    _write("PUT", f"{_GROUP}/members/{{}}", sharegroups.named, _WRITE, beta=True),
    _write("DELETE", f"{_GROUP}/members/{{}}", sharegroups.sent_away, _WRITE, beta=True),
    Route("GET", f"{_GROUP}/images", sharegroups.images, _READ, quota="lists", images="read", beta=True),
    _write("POST", f"{_GROUP}/images", sharegroups.shared, _WRITE, beta=True),
    _write("PUT", f"{_GROUP}/images/{{}}", sharegroups.renamed, _WRITE, beta=True),
    _write("DELETE", f"{_GROUP}/images/{{}}", sharegroups.withdrawn, _WRITE, beta=True),
    Route("GET", "images/{}", images.got, _READ, open=True, images="read"),
    Route("PUT", "images/{}", images.edited, _WRITE, images="write"),
    Route("DELETE", "images/{}", images.deleted, _WRITE, images="write"),
    Route("POST", "images/{}/regions", images.replicated, _WRITE, images="write"),
    _list("regions", "region", filtered=False, open=True),
    _one("regions/{}", "region", open=True),
    _list("linode/types", "type", filtered=False, open=True),
    _one("linode/types/{}", "type", open=True),
    _list("linode/kernels", "kernel", open=True),
    _one("linode/kernels/{}", "kernel", open=True),
    _list("linode/instances", "linode", fields=_INSTANCES, scope=_LINODES),
    _write("POST", "linode/instances", instances.created, _LINODES_WRITE),
    _one(_LINODE, "linode", scope=_LINODES),
    _write("PUT", _LINODE, instances.edited, _LINODES_WRITE),
    _write("DELETE", _LINODE, instances.deleted, _LINODES_WRITE),
    _write("POST", f"{_LINODE}/boot", instances.booted, _LINODES_WRITE),
    _write("POST", f"{_LINODE}/reboot", instances.rebooted, _LINODES_WRITE),
    _write("POST", f"{_LINODE}/shutdown", instances.shut_down, _LINODES_WRITE),
    Route("GET", f"{_LINODE}/disks", instances.listed_disks, _LINODES, quota="lists", images="read"),
    _write("POST", f"{_LINODE}/disks", instances.created_disk, _LINODES_WRITE),
    Route("GET", f"{_LINODE}/disks/{{}}", instances.got_disk, _LINODES, images="read"),
    _write("PUT", f"{_LINODE}/disks/{{}}", instances.edited_disk, _LINODES_WRITE),
    _write("DELETE", f"{_LINODE}/disks/{{}}", instances.deleted_disk, _LINODES_WRITE),
    _write("POST", f"{_LINODE}/disks/{{}}/resize", instances.resized_disk, _LINODES_WRITE),
    _list("volumes", "volume", fields=_VOLUMES, scope=_VOLUMES_READ),
    _write("POST", "volumes", volumes.created, _VOLUMES_WRITE),
    _one(_VOLUME, "volume", scope=_VOLUMES_READ),
    _write("PUT", _VOLUME, volumes.edited, _VOLUMES_WRITE),
    _write("DELETE", _VOLUME, volumes.deleted, _VOLUMES_WRITE),
    _write("POST", f"{_VOLUME}/attach", volumes.attached, _VOLUMES_WRITE),
    _write("POST", f"{_VOLUME}/detach", volumes.detached, _VOLUMES_WRITE),
    _write("POST", f"{_VOLUME}/resize", volumes.resized, _VOLUMES_WRITE),
    _write("POST", f"{_VOLUME}/clone", volumes.cloned, _VOLUMES_WRITE),
    Route("GET", "tags", tags.listed, quota="lists", images="read"),
    _write("POST", "tags", tags.created, "account:read_write"),
    Route("GET", "tags/{}", tags.objects, quota="lists", images="read"),
    _write("DELETE", "tags/{}", tags.deleted, "account:read_write"),
    Route("GET", "account/events", _events, "events:read_only", quota="lists", images="read"),
    Route("GET", "account/events/{}", events.got, "events:read_only", images="read"),
    _write("POST", "account/events/{}/seen", events.seen, "events:read_only"),
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
    if segments[:2] == ["images", "sharegroups"] and segments[3:4] == ["images"] and len(segments) == 6:
        return [*segments[:4], "/".join(segments[4:])]
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

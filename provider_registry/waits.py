"""What a call begins and is not done with when it answers: a state to wait for, a file to send."""

from __future__ import annotations

import re

from provider_registry.faults import closest
from provider_registry.model import Await, Goal, Method, Resource, Upload
from provider_registry.nodes import Node

_PATH = re.compile(r"\$(\.[\w-]+)+")  # a plain one: each part is the name of a member
AWAIT, UPLOAD = "x-stratoql-await", "x-stratoql-upload"


def awaits(name: str, method: Node) -> Await | None:
    """How to wait for what the method `name` begins."""
    node = method.get(AWAIT)
    if not node:
        return None
    return Await(
        method=node.text("method", name),
        keys=tuple((key, node.get("keys").text(key)) for key in node.get("keys").mapping()),
        goals=tuple(_goal(goal) for goal in node.elements("until")),
        shows=tuple((column, node.get("shows").text(column)) for column in node.get("shows").mapping()),
        into=node.text("into") or None,
        gone=node.text("gone"),
    )


def _goal(node: Node) -> Goal:
    member, key, each = (node.text(word) or None for word in ("member", "key", "each"))
    if each and not (member and key):
        node.fault("each names the elements that count: it goes with key, which holds them, and member", "each")
    if not node.texts("ready"):
        node.fault("names no state in ready, so nobody would ever be done waiting")
    return Goal(
        column=node.text("column"),
        ready=node.texts("ready"),
        failed=node.texts("failed"),
        member=member,
        key=key,
        each=each,
    )


def upload(method: Node) -> Upload | None:
    """The file that belongs to a method's call."""
    node = method.get(UPLOAD)
    if not node:
        return None
    said = Upload(url=node.text("url"))
    return Upload(
        url=said.url,
        media_type=node.text("media_type", said.media_type),
        gzip=node.flag("gzip"),
        max_bytes=node.integer("max_bytes"),
        max_raw_bytes=node.integer("max_raw_bytes"),
        seconds=node.number("seconds") or said.seconds,
    )


def check(methods: Node, made: Resource) -> None:
    """Note what the waits of a resource name and is not there."""
    for name, method in made.methods.items():
        node = methods.get(name)
        if method.upload is not None:
            _answered(node.get(UPLOAD), method.upload.url, method, "url")
            if method.upload.url.count(".") > 1:
                node.get(UPLOAD).fault("the address stands in a column of the answer, not deeper", "url")
            if method.awaits is None:
                node.fault(f"a file is sent to something that can be looked up: say how in {AWAIT}", UPLOAD)
        if method.awaits is not None:
            _check_await(node.get(AWAIT), method.awaits, method, made)


def _check_await(node: Node, rule: Await, method: Method, made: Resource) -> None:
    look = made.methods.get(rule.method)
    if look is None:
        node.fault(f"there is no method {rule.method!r} here{closest(rule.method, made.methods)}", "method")
        return
    if not look.reads:
        node.fault(f"{look.name} does not read: it cannot look whether something is done", "method")
    if not rule.goals:
        node.fault("says nothing to wait for in until")
    for name, source in rule.keys:
        if look.param(name) is None:
            node.get("keys").fault(f"{look.name} has no parameter {name!r}{_like(name, look)}", name)
        if source.startswith("$"):
            _answered(node.get("keys"), source, method, name)
        elif method.param(source) is None:
            node.get("keys").fault(f"{method.name} has no parameter {source!r}{_like(source, method)}", name)
    given = {param.name for name, _ in rule.keys if (param := look.param(name))}
    absent = [param.name for param in look.required if param.location == "path" and param.name not in given]
    if look is not method and absent:
        node.fault(f"{look.name} needs {' and '.join(absent)}: say in keys where it comes from")
    for index, goal in enumerate(rule.goals):
        _column(node.get("until").get(str(index)), goal.column, look, "column")
        if goal.each is not None and method.param(goal.each) is None:
            node.get("until").fault(
                f"{method.name} has no parameter {goal.each!r}{_like(goal.each, method)}", str(index), "each"
            )
    for column, _ in rule.shows:
        _column(node.get("shows"), column, look, column)
    if rule.into is not None:
        _column(node, rule.into, method, "into")


def _answered(node: Node, path: str, method: Method, key: str) -> None:
    """A path into a method's answer begins with a column of it."""
    if not _PATH.fullmatch(path):
        node.fault(f"{path!r} is not a path into the answer such as $.id", key)
        return
    _column(node, path.split(".")[1], method, key)


def _column(node: Node, name: str, method: Method, key: str) -> None:
    known = [column.name for column in method.response.columns]
    if known and name not in known:
        node.fault(f"the rows of {method.name} have no column {name!r}{closest(name, known)}", key)


def _like(name: str, method: Method) -> str:
    return closest(name, [param.wire for param in method.params])

"""Documents as values that know where they stand, so that every fault has a file and a pointer.

A `Node` is a value with its file and its JSON pointer. Members are read through it: a `$ref` is followed on the way,
and a value of the wrong kind is a fault there and then, after which reading goes on as if it were absent. That is
how one pass over a document finds all that is wrong with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import unquote

from msgspec import Struct

from provider_registry.faults import Fault, closest
from provider_registry.layout import digest
from provider_registry.source import parse

LARGEST = 64 * 2**20  # bytes of a document: the largest that is published has eight million
Pointer = tuple[str, ...]
Severity = Literal["error", "warning"]
T = TypeVar("T")
_HOLDERS = (dict, list, type(None))  # what may have members
PAYLOADS = ("example", "examples", "default", "enum", "const")  # data, in which a `$ref` refers to nothing


def pointer_text(pointer: Pointer) -> str:
    """A JSON pointer as it is written.

    >>> pointer_text(("paths", "/images/{imageId}", "get"))
    '/paths/~1images~1{imageId}/get'
    """
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in pointer)


def pointer_parts(text: str) -> Pointer:
    """The parts of a written JSON pointer: `/paths/~1images/get` is `paths`, `/images`, `get`."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


class Library:
    """The files under one folder, each read once; their digests; the faults found in them.

    `folder` bounds what a `$ref` may reach. `source` is the folder that references may also be relative to.
    """

    def __init__(self, folder: Path, source: Path | None = None) -> None:
        self.folder = os.path.realpath(folder)
        self.source = os.path.realpath(source) if source else self.folder
        self.digests: dict[str, bytes] = {}
        self._faults: dict[tuple[str, Pointer, str], Fault] = {}
        self._roots: dict[str, Node] = {}
        self.targets: dict[tuple[str, str], tuple[Node, Pointer]] = {}  # file, reference -> what was found there
        self.memo: dict[tuple[object, ...], Any] = {}  # for readers: what they made of a node
        self.extended: set[str] = set()  # the files in which a key of ours stands, or is only mentioned

    @property
    def faults(self) -> list[Fault]:
        """Every fault so far, in the order of finding."""
        return list(self._faults.values())

    def report(self, file: str, pointer: Pointer, message: str, severity: Severity = "error") -> None:
        """Note a fault; the same one twice counts once, at its first severity."""
        fault = Fault(file, pointer_text(pointer), message, severity)
        self._faults.setdefault((file, pointer, message), fault)

    def open(self, path: Path | str) -> Node:
        """The root of a file. One that cannot be read is a fault and an absent value."""
        file = str(path) if str(path) in self._roots else os.path.realpath(path)
        if file not in self._roots:
            self._roots[file] = Node(self._read(file), file, (), self)
        return self._roots[file]

    def files(self) -> list[Node]:
        """The roots of all files read so far."""
        return list(self._roots.values())

    def _read(self, file: str) -> Any:
        try:
            if (size := os.path.getsize(file)) > LARGEST:
                self.report(
                    file, (), f"has {size / 2**20:.0f} MiB, more than the {LARGEST / 2**20:.0f} that are read"
                )
                return None
            with open(file, "rb") as stream:
                data = stream.read()
        except OSError as error:
            self.report(file, (), f"cannot be read: {error.strerror}")
            return None
        self.digests[file] = digest(data)
        if b"x-stratoql-" in data.lower():
            self.extended.add(file)
        value, problems = parse(data)
        for line, problem in problems:
            self.report(file, (), f"line {line}: {problem}")
        if value is None and not problems:
            self.report(file, (), "the document is empty")
        return value


class Node(Struct, frozen=True, eq=False):
    """A value, where it stands, and the library it belongs to. An absent value is None."""

    value: Any
    file: str
    pointer: Pointer
    library: Library

    def __bool__(self) -> bool:
        return self.value is not None

    def fault(self, message: str, *keys: str, severity: Severity = "error") -> None:
        """Note a fault here, or at a member below."""
        self.library.report(self.file, (*self.pointer, *keys), message, severity)

    def child(self, key: str) -> Node:
        """A member as it stands, its `$ref` not followed."""
        value = None
        if self.value.__class__ is dict:
            value = self.value.get(key)
        elif isinstance(self.value, list) and key.isdecimal() and int(key) < len(self.value):
            value = self.value[int(key)]
        return Node(value, self.file, (*self.pointer, key), self.library)

    def get(self, key: str) -> Node:
        """A member of a mapping or list, its `$ref` followed; absent where there is none."""
        below = self.child(key)
        if below.value is None and not isinstance(self.value, _HOLDERS):
            self.fault(f"must be a mapping, got {shown(self.value)}")
        return follow(below) if below.value.__class__ is dict and "$ref" in below.value else below

    def has(self, key: str) -> bool:
        """Whether a mapping has this key, be its value null."""
        return isinstance(self.value, dict) and key in self.value

    def mapping(self) -> dict[str, Any]:
        """The value as a mapping; anything else is a fault and an empty one."""
        return self._of(dict, "a mapping") or {}

    def sequence(self) -> list[Any]:
        """The value as a list; anything else is a fault and an empty one."""
        return self._of(list, "a list") or []

    def entries(self, key: str) -> Iterator[tuple[str, Node]]:
        """The members of a mapping below, each followed, in document order."""
        below = self.get(key)
        return ((name, below.get(name)) for name in below.mapping())

    def elements(self, key: str) -> Iterator[Node]:
        """The elements of a list below, each followed."""
        below = self.get(key)
        return (below.get(str(index)) for index in range(len(below.sequence())))

    def text(self, key: str, default: str = "") -> str:
        """A text below. Numbers and booleans count as their text: versions and defaults are often written so."""
        below = self.get(key)
        if isinstance(below.value, bool | int | float):
            return shown(below.value)
        return below._of(str, "text") or default

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts below."""
        below = self.get(key)
        found = (below.text(str(index)) for index in range(len(below.sequence())))
        return tuple(text for text in found if text)

    def flag(self, key: str) -> bool:
        """A boolean below; absent is false."""
        return self.get(key)._of(bool, "true or false") or False

    def integer(self, key: str) -> int | None:
        """A whole number below."""
        below = self.get(key)
        whole = isinstance(below.value, float) and below.value.is_integer()
        return int(below.value) if whole else below._of(int, "a whole number")

    def number(self, key: str) -> float | None:
        """A number below."""
        below = self.get(key)
        value = below.value if isinstance(below.value, float) else below._of(int, "a number")
        return None if value is None else float(value)

    def _of(self, kind: type[T], words: str) -> T | None:
        if self.value is None:
            return None
        if isinstance(self.value, kind) and (kind is bool or not isinstance(self.value, bool)):
            return self.value
        self.fault(f"must be {words}, got {shown(self.value)}")
        return None


def shown(value: Any) -> str:
    """A value as a fault's sentence names it, short.

    >>> shown({"a": 1}), shown([]), shown(True), shown("x" * 100)
    ('a mapping', 'a list', 'true', "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...")
    """
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    words = {"None": "null", "True": "true", "False": "false"}
    text = words.get(repr(value), repr(value))
    return text if len(text) <= 41 else text[:38] + "..."


def follow(node: Node, severity: Severity = "error") -> Node:
    """What a node refers to, through any number of `$ref`s; a node that refers to nothing is itself.

    Keys beside a `$ref` stand above those of its target. A reference that leads nowhere is a fault where it stands.
    """
    seen: set[tuple[str, Pointer]] = set()
    while isinstance(node.value, dict) and isinstance(node.value.get("$ref"), str):
        place = (node.file, node.pointer)
        if place in seen:
            node.fault(f"{node.value['$ref']} refers to itself", "$ref", severity=severity)
            return Node(None, node.file, node.pointer, node.library)
        seen.add(place)
        target = _target(node, node.value["$ref"], severity)
        if target is None:
            return Node(None, node.file, node.pointer, node.library)
        found, _ = target
        beside = {key: value for key, value in node.value.items() if key != "$ref"}
        if beside and isinstance(found.value, dict):
            found = Node({**found.value, **beside}, found.file, found.pointer, found.library)
        node = found
    return node


def referred(node: Node) -> Pointer:
    """The pointer that a node's `$ref` names, as it stands there; nothing where it leads nowhere."""
    target = _target(node, node.text("$ref"), "error") if node.has("$ref") else None
    return target[1] if target else ()


def _target(node: Node, reference: str, severity: Severity) -> tuple[Node, Pointer] | None:
    """The node that a reference names, its own `$ref` not followed yet, and the pointer that led there."""
    known = node.library.targets
    if (node.file, reference) in known:
        return known[(node.file, reference)]
    name, _, fragment = reference.partition("#")
    file = _file(node, name, severity) if name else node.file
    root = node.library.open(file) if file else None
    if root is None or root.value is None:
        return None
    for parts in dict.fromkeys((pointer_parts(unquote(fragment)), pointer_parts(fragment))):
        last, missing = _descend(root, parts, severity)
        if missing is None:
            return known.setdefault((node.file, reference), (last, parts))
    near = closest(missing or "", last.value) if isinstance(last.value, dict) else ""
    node.fault(f"{reference} leads nowhere: there is no {missing!r}{near}", "$ref", severity=severity)
    return None


def _descend(root: Node, parts: Pointer, severity: Severity) -> tuple[Node, str | None]:
    """The node that a pointer names; or the last one on the way, and the part that it does not have."""
    at = root
    for part in parts:
        here = follow(at, severity)
        at = here.child(part)
        if at.value is None:
            return here, part
    return at, None


def _file(node: Node, name: str, severity: Severity) -> str | None:
    """The path of another file that a reference names: relative to its own file, or to the `src` folder."""
    library, name = node.library, name.replace("\0", "")
    near, far = (os.path.realpath(os.path.join(base, name)) for base in (os.path.dirname(node.file), library.source))
    found = next((path for path in (near, far) if os.path.isfile(path)), None)
    if "://" in name:
        fault = f"{name} is an address: documents refer only to files beside them"
    elif found is None:
        fault = f"there is no file {name}"
    elif not Path(found).is_relative_to(library.folder):
        fault = f"{name} is outside the folder {library.folder}"
    else:
        return found
    node.fault(fault, "$ref", severity=severity)
    return None


def broken_references(root: Node) -> None:
    """Note, as warnings, the references of a document that lead nowhere and were not followed by reading it."""
    for node in walk(root):
        if isinstance(node.value.get("$ref"), str):
            follow(node, "warning")


def walk(root: Node) -> Iterator[Node]:
    """Every mapping of a document, outside of examples and other data, each once however often it is aliased."""
    seen: set[int] = set()
    pending: list[tuple[Any, Pointer]] = [(root.value, root.pointer)] if isinstance(root.value, dict | list) else []
    while pending:
        value, pointer = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        members: Sequence[tuple[str, Any]]
        if isinstance(value, dict):
            yield Node(value, root.file, pointer, root.library)
            named = pointer[-1:] == ("properties",)
            members = [pair for pair in value.items() if named or pair[0] not in PAYLOADS]
        else:
            members = [(str(index), member) for index, member in enumerate(value)]
        pending += [(m, (*pointer, key)) for key, m in reversed(members) if m.__class__ in (dict, list)]

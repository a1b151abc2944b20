"""The whole of an import: read, draft, try out, write. Nothing is written that could not be used."""

from __future__ import annotations

import copy
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from provider_registry.documents import read_provider, read_service
from provider_registry.faults import BadDocument, Fault
from provider_registry.importing import security
from provider_registry.importing.drafts import RESOURCES, Shared, service
from provider_registry.importing.paths import ServiceBy, Table, tables
from provider_registry.importing.spec import Operation, operations, read
from provider_registry.layout import PROVIDER_FILE, folder_name
from provider_registry.model import VERBS, Resource
from provider_registry.nodes import Node
from provider_registry.source import dump

_FILES = "spec"  # the folder of further files that the document refers to
_SHOWN = 40  # remarks in the comment on top


class Made(Struct, frozen=True):
    """What was written: where, how much, and what had to be guessed or left out."""

    folder: Path
    services: int
    resources: int
    methods: int
    remarks: tuple[str, ...]


class Taken(Exception):
    """There is something already where documents would be written."""


def make(path: Path, provider: str, out: Path, service_by: ServiceBy | None = None, server: str = "") -> Made:
    """Provider documents out of an OpenAPI document, below `out/src`.

    `server` is the base URL where the document names none that is whole. Raises BadDocument with all faults, Taken.
    """
    document = read(path)
    found = list(operations(document))
    remarks: dict[str, None] = {}
    version = _version(document.get("info").text("version"))
    target = out / "src" / folder_name(provider) / version
    if target.exists():
        raise Taken(str(target))
    schemes = security.blocks(document, provider)
    auth, remark = security.chosen(document.get("security"), schemes) if document.has("security") else _common(
        found, schemes
    )  # fmt: skip
    if remark:
        remarks[remark] = None
    shared = Shared(
        document=document,
        servers=_servers(document, server),
        schemes=schemes,
        auth=auth,
        rewrite=_rewriter(document),
        remark=lambda told: remarks.update({told: None}),
    )
    listed = tables(found, service_by, provider)
    services: dict[str, list[Table]] = {}
    for table in listed:
        services.setdefault(table.service, []).append(table)
    drafts = {name: service(name, members, shared) for name, members in services.items()}
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".import-") as place:
        folder = Path(place) / "src" / folder_name(provider) / version
        _write(folder, provider, drafts, shared)
        _tell_apart(folder, drafts, remarks)
        _write(folder, provider, drafts, shared, _comment(path, provider, document, tuple(remarks)))
        _check(folder, document)
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(target)
    methods = sum(len(table.methods) for table in listed)
    return Made(target, len(services), len(listed), methods, tuple(remarks))


def _common(found: Iterable[Operation], schemes: Any) -> tuple[dict[str, Any] | None, str]:
    """Without a word for the whole document: the auth that most operations name."""
    named = [each.node.get("security") for each in found if each.node.has("security")]
    counts = Counter(repr(node.value) for node in named)
    most = next((node for node in named if repr(node.value) == counts.most_common(1)[0][0]), None)
    return security.chosen(most, schemes) if most is not None else (None, "")


def _version(said: str) -> str:
    """The version as the name of a folder.

    >>> _version("4.176.0"), _version("v2 beta"), _version("")
    ('v4.176.0', 'v2-beta', 'v1.0.0')
    """
    text = re.sub(r"[^0-9A-Za-z.]+", "-", said).strip("-.")[:50]
    return text if text[:1].lower() == "v" and text[1:2].isdigit() else f"v{text}" if text[:1].isdigit() else "v1.0.0"


def _servers(document: Node, server: str) -> list[Any]:
    """The addresses of a document. One that is not whole needs to be told which host it is on."""
    whole = [node.value for node in document.elements("servers") if re.match(r"https?://[^/]", node.text("url"))]
    if server:
        return [{"url": server}]
    if not whole:
        message = "the document names no server with https:// and a host"
        raise BadDocument([Fault(document.file, "/servers", message)])
    return [copy.deepcopy(value) for value in whole]


def _rewriter(document: Node) -> Any:
    """What makes the references of a file those of a document in `services`."""
    base = document.library.folder

    def rewrite(value: Any, file: str) -> Any:
        if isinstance(value, list):
            return [rewrite(member, file) for member in value]
        if not isinstance(value, dict):
            return value
        made = {key: rewrite(member, file) for key, member in value.items()}
        if isinstance(value.get("$ref"), str):
            made["$ref"] = _moved(value["$ref"], file, document.file, base)
        return made

    return rewrite


def _moved(reference: str, file: str, root: str, base: str) -> str:
    """A reference, as it is written two folders away. What is in the document itself is copied."""
    name, _, pointer = reference.partition("#")
    path = os.path.normpath(os.path.join(os.path.dirname(file), unquote(name))) if name else file
    if os.path.realpath(path) == root:
        return f"#{pointer}"
    moved = f"../{_FILES}/{Path(os.path.relpath(os.path.realpath(path), base)).as_posix()}"
    return f"{moved}#{pointer}" if pointer or "#" in reference else moved


def _write(folder: Path, provider: str, drafts: dict[str, Any], shared: Shared, top: str = "") -> None:
    """The documents, each below the comment `top`, and the further files that they refer to."""
    (folder / "services").mkdir(parents=True, exist_ok=True)
    for name, draft in drafts.items():
        (folder / "services" / f"{name}.yaml").write_text(top + dump(draft), encoding="utf-8")
    written = dump(_provider(provider, folder.name, drafts, shared))
    (folder / PROVIDER_FILE).write_text(top + written, encoding="utf-8")
    others = [root.file for root in shared.document.library.files()]
    for file in others if len(others) > 1 else ():
        copied = folder / _FILES / os.path.relpath(file, shared.document.library.folder)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copied)


def _comment(path: Path, provider: str, document: Node, remarks: Sequence[str]) -> str:
    """How it was made, and what a person should look at."""
    info = document.get("info")
    named = " ".join(f"{info.text('title')} {info.text('version')}".split())
    lines = [f"Made of {path.name} ({named}) by: stratoql registry import {path.name} --provider {provider}"]
    lines += ["It is yours to edit: stratoql registry validate checks it."]
    lines += ["", "Worth a look:", *(f"- {remark}" for remark in remarks[:_SHOWN])] if remarks else []
    lines += [f"- and {len(remarks) - _SHOWN} more"] if len(remarks) > _SHOWN else []
    printable = ("".join(c if c.isprintable() else " " for c in line) for line in lines)
    return "".join(f"# {line}".rstrip() + "\n" for line in printable) + "\n"


def _provider(provider: str, version: str, drafts: dict[str, Any], shared: Shared) -> dict[str, Any]:
    info = shared.document.get("info")
    services = {
        name: {
            "id": f"{name}:{version}",
            "name": name,
            "title": draft["info"]["title"],
            "version": version,
            "description": draft["info"].get("description", ""),
            "preferred": True,
            "service": {"$ref": f"{folder_name(provider)}/{version}/services/{name}.yaml"},
        }
        for name, draft in drafts.items()
    }
    return {
        "id": provider,
        "name": provider,
        "title": info.text("title") or provider,
        "version": version,
        "description": info.text("description"),
        "protocolType": "http",
        "providerServices": services,
        **({"config": {"auth": shared.auth}} if shared.auth else {}),
    }


def _tell_apart(folder: Path, drafts: dict[str, Any], remarks: dict[str, None]) -> None:
    """Of the methods of one verb that need the same parameters only the first could be chosen: others are EXEC's."""
    for ref in read_provider(folder / PROVIDER_FILE).value.services.values():
        for name, resource in read_service(ref).value.resources.items():
            draft = drafts[ref.name]["components"]["x-stackQL-resources"][name]
            for verb in VERBS[:-1]:
                for method, first in _alike(resource, verb):
                    told = f"{method} needs what {first} needs, so it is EXEC's alone, and no {verb.upper()}"
                    remarks[f"{ref.name}.{name}: {told}"] = None
                    _demote(draft, name, verb, method)


def _alike(resource: Resource, verb: str) -> list[tuple[str, str]]:
    """Methods that cannot be chosen, each with the one that is chosen instead."""
    seen: dict[frozenset[str], str] = {}
    found = []
    for method in resource.bound(verb):
        first = seen.setdefault(method.told_by, method.name)
        if first != method.name:
            found.append((method.name, first))
    return found


def _demote(draft: dict[str, Any], resource: str, verb: str, method: str) -> None:
    entry = {"$ref": f"{RESOURCES}/{resource}/methods/{method}"}
    verbs = draft["sqlVerbs"]
    verbs[verb].remove(entry)
    verbs["exec"] = [*verbs.get("exec", []), entry]


def _check(folder: Path, document: Node) -> None:
    """Read what was written as a session would. Raises BadDocument; faults are told where the user can mend them."""
    reading = read_provider(folder / PROVIDER_FILE)
    faults = list(reading.faults)
    for ref in reading.value.services.values():
        faults += read_service(ref).faults
    wrong = [_source(fault, document) for fault in faults if fault.severity == "error"]
    if wrong:
        raise BadDocument(list(dict.fromkeys(wrong)))


def _source(fault: Fault, document: Node) -> Fault:
    """A fault where it stands in the document that was imported; what we have made has no other place."""
    ours = fault.pointer.startswith("/components/x-stackQL-resources") or not fault.pointer
    return fault._replace(file=os.path.basename(fault.file) if ours else document.file)

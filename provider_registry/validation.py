"""Every fault of a document: what the JSON Schemas in `schema/` say of its form, and what reading it finds.

The schemas are for editors and for this; reading a document to use it does not need them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource

from provider_registry.documents import read_provider, read_service, version_folder
from provider_registry.extensions import PREFIX
from provider_registry.faults import Fault, closest
from provider_registry.layout import PROVIDER_FILE
from provider_registry.model import ServiceRef
from provider_registry.nodes import Library, pointer_text, shown

SCHEMAS = Path(__file__).parent / "schema"


def validate(path: Path) -> list[Fault]:
    """The faults of a document, or of every provider and service document below a folder; warnings come last.

    A file with `providerServices` is a provider's document, any other a service's.
    """
    files = sorted(_documents(path)) if path.is_dir() else [path]
    found = [fault for file in files for fault in _faults(file)]
    if not files:
        found.append(Fault(str(path), "", f"there is no {PROVIDER_FILE} below this folder"))
    return sorted(dict.fromkeys(found), key=lambda fault: fault.severity)


def _documents(folder: Path) -> Iterator[Path]:
    for provider in folder.rglob(PROVIDER_FILE):
        yield provider
        yield from (file for file in provider.parent.glob("services/*") if file.suffix in (".yaml", ".yml", ".json"))


def _faults(file: Path) -> list[Fault]:
    document = Library(file.parent).open(file)
    provider = document.has("providerServices") or file.name == PROVIDER_FILE
    reading = read_provider(file) if provider else read_service(_ref(file))
    if not document:
        return list(reading.faults)
    told = {(fault.file, fault.pointer) for fault in reading.faults}
    errors = _validator("provider" if provider else "service").iter_errors(document.value)
    formal = (Fault(document.file, pointer, message) for error in errors for pointer, message in _told(error))
    return [*reading.faults, *(fault for fault in formal if (fault.file, fault.pointer) not in told)]


def _ref(file: Path) -> ServiceRef:
    """A service document as its provider knows it, for the config that it inherits; else by its own name."""
    path = file.resolve()
    above = version_folder(path) / PROVIDER_FILE
    if above.is_file():
        for ref in read_provider(above).value.services.values():
            if Path(ref.path) == path:
                return ref
    return ServiceRef(name=path.stem, path=str(path))


@cache
def _validator(name: str) -> Draft202012Validator:
    schemas = {file.name: json.loads(file.read_text(encoding="utf-8")) for file in SCHEMAS.glob("*.json")}
    registry: Registry[Any] = Registry().with_resources(
        (known, Resource.from_contents(schema)) for known, schema in schemas.items()
    )
    return Draft202012Validator(schemas[f"{name}.schema.json"], registry=registry)


def _told(error: ValidationError) -> Iterable[tuple[str, str]]:
    """Pointer and sentence of what a schema refuses, in our words."""
    place = tuple(str(part) for part in error.absolute_path)
    rule: Any = error.validator_value
    if error.validator == "not":  # a key that a schema forbids; all of those are ours
        return [(pointer_text(place), f"the key {place[-1]!r} has no place here{_closest_key(place[-1], error)}")]
    if "propertyNames" in error.absolute_schema_path:
        key = str(error.instance)
        return [(pointer_text((*place, key)), f"there is no key {key!r} here{closest(key, rule)}")]
    say = _SENTENCES.get(str(error.validator))
    told = say(rule, error.instance) if say else [((), error.message)]
    return [(pointer_text((*place, *below)), text) for below, text in told]


def _closest_key(key: str, error: ValidationError) -> str:
    """What may stand here: the names that the forbidding pattern leaves out."""
    pattern = str(list(error.absolute_schema_path)[-2])
    allowed = re.search(r"\(\?!\((.*)\)\$\)", pattern)
    return closest(key, [PREFIX + name for name in allowed[1].split("|")] if allowed else [], PREFIX)


Told = Sequence[tuple[tuple[str, ...], str]]  # keys below the place; sentence


def _type(wanted: Any, value: Any) -> Told:
    words = {"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number"}
    words |= {"number": "a number", "boolean": "true or false"}
    kinds = [wanted] if isinstance(wanted, str) else wanted
    return [((), f"must be {' or '.join(words[kind] for kind in kinds)}, got {shown(value)}")]


def _required(keys: Any, value: Any) -> Told:
    return [((), f"the key {key} is missing") for key in keys if key not in value]


def _enum(known: Any, value: Any) -> Told:
    names = [str(name) for name in known]
    near = closest(value, names) if isinstance(value, str) else ""
    return [((), f"must be one of {', '.join(names)}, got {shown(value)}{near if 'did you mean' in near else ''}")]


def _pattern(form: Any, value: Any) -> Told:
    return [((), f"{shown(value)} is not of the form {form}")]


def _least(least: Any, value: Any) -> Told:
    return [((), f"must be at least {least}, got {shown(value)}")]


def _more(bound: Any, value: Any) -> Told:
    return [((), f"must be more than {bound}, got {shown(value)}")]


def _empty(_: Any, __: Any) -> Told:
    return [((), "must not be empty")]


_SENTENCES: Mapping[str, Callable[[Any, Any], Told]] = {
    "type": _type,
    "required": _required,
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _least,
    "exclusiveMinimum": _more,
    "minLength": _empty,
    "minProperties": _empty,
}

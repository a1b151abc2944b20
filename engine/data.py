"""The data that fills in a script: files by their extension, variables of the command line, the environment.

Several are merged from left to right: objects member by member, anything else as a whole. Beside plain objects, a
manifest counts: a list of resources with the properties to give them, as `stratoql manifest` prints it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from engine.datafaults import DEEPEST, Endless, depth, finite, in_json, line_of_endless, no_constant
from engine.errors import UsageError
from engine.language.given import Allowed, Unset
from engine.wire.masking import secret_name

ENVIRONMENT = "env"  # the name that scripts read the environment by


@dataclass(frozen=True)
class Data:
    """What names stand for, and the environment variables that scripts may read."""

    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    allowed: Allowed | None = None

    def over(self, values: Mapping[str, Any]) -> Data:
        """The same, laid over `values`."""
        return Data(merged(values, self.values), self.allowed)

    @property
    def names(self) -> dict[str, Any]:
        """Every name a script can use. Without `allowed`, `env` is a name like any other, if the data has it."""
        if self.allowed is None:
            return {ENVIRONMENT: Allowed((), {}), **self.values}
        return {**self.values, ENVIRONMENT: self.allowed}

    @property
    def secrets(self) -> frozenset[str]:
        """The texts that must not be shown: of the environment, and of members with the name of a secret."""
        found = [*(self.allowed or {}).values(), *_secret_texts(self.values, hide=False)]
        return frozenset(text for text in found if text)


def gather(
    files: Sequence[str],
    variables: Iterable[tuple[str, Any]] = (),
    allowed: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Data:
    """Everything that the command line names. Raises UsageError with file and line."""
    values: Mapping[str, Any] = {}
    for path in files:
        values = merged(values, read(path))
    values = merged(values, dict(variables))
    names = frozenset(allowed)
    if names and ENVIRONMENT in values:
        raise UsageError("the data has a name env, which is the environment's here", hint="rename it in the data")
    return Data(values, Allowed(names, os.environ if environ is None else environ) if names else None)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two objects as one; where both have a value, that of `above`.

    >>> merged({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}})
    {'a': 1, 'b': {'c': 2, 'd': 3}}
    """
    found = dict(below)
    for name, value in above.items():
        both = isinstance(value, dict) and isinstance(found.get(name), dict)
        found[name] = merged(found[name], value) if both else value
    return found


def read(path: str) -> dict[str, Any]:
    """The data of a file."""
    kind = _kind(path)
    text = read_text(path)
    return fitting(_KINDS[kind](text, path), path, text)


def read_text(path: str) -> str:
    """The text of a file. It is UTF-8, with or without a byte order mark."""
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UsageError(f"cannot read {path}: line {line} is not UTF-8 text", hint="save it as UTF-8") from error


def fitting(value: Any, name: str, text: str = "") -> dict[str, Any]:
    """The names in what a file holds: an object's members, or the properties of a manifest. `text` is the file's."""
    if depth(value) > DEEPEST:
        raise UsageError(f"{name} nests more than {DEEPEST} levels deep", hint="make it flatter")
    if _is_manifest(value):
        return _properties(value, partial(_in_manifest, name, text))
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UsageError(f"{name} does not hold names and values", hint="write an object, such as `label: web`")
    return value


def read_json(text: str, name: str) -> Any:
    """The value of a JSON text. Raises UsageError with the line."""
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_constant=no_constant, parse_float=finite)
    except json.JSONDecodeError as error:
        raise UsageError(f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise UsageError(f"{name} nests more than {DEEPEST} levels deep", hint="make it flatter") from error
    except ValueError as error:
        if (fault := in_json(text)) is None:
            raise UsageError(f"{name}: not JSON: {error}") from error
        line, column = text.count("\n", 0, fault.at) + 1, fault.at - text.rfind("\n", 0, fault.at)
        raise UsageError(f"{name}:{line}:{column}: {fault.what}") from error
    return value


def read_jsonnet(text: str, name: str) -> Any:
    """The value of a Jsonnet text; imports are relative to its file."""
    from importlib import import_module

    try:
        jsonnet: Any = import_module("_jsonnet")
    except ImportError as error:
        hint = "pip install 'stratoql[jsonnet]'"
        raise UsageError(f"{name} is Jsonnet, for which a library is missing", hint=hint) from error
    try:
        return json.loads(jsonnet.evaluate_snippet(name, text))
    except RuntimeError as error:
        raise UsageError(_jsonnet_fault(str(error))) from error


def _jsonnet_fault(text: str) -> str:
    """The library's account in one line that begins with the place.

    >>> _jsonnet_fault("STATIC ERROR: a.jsonnet:1:14: Unknown variable: y\\n")
    'a.jsonnet:1:14: Unknown variable: y'
    >>> _jsonnet_fault("RUNTIME ERROR: too bad\\n\\ta.jsonnet:1:5-14\\tobject <anonymous>\\n")
    'a.jsonnet:1:5: too bad'
    """
    first, _, trace = text.partition("\n")
    kind, _, message = first.partition(": ")
    place = re.match(r"\s*(\S.*?:\d+:\d+)", trace)
    return f"{place[1]}: {message}" if kind == "RUNTIME ERROR" and place else message or first


def _read_yaml(text: str, name: str) -> Any:
    from provider_registry.source import parse

    value, problems = parse(text.encode())
    if problems:
        line, what = problems[0]
        raise UsageError(f"{name}:{line}: {what}")
    return value


def _read_toml(text: str, name: str) -> Any:
    import tomllib

    text = text.replace("\r\n", "\n")
    try:
        value = tomllib.loads(text, parse_float=finite)
    except tomllib.TOMLDecodeError as error:
        what, _, at = str(error).rpartition(" (at ")
        place = ":".join(re.findall(r"\d+", at)) or len(text.splitlines())  # it may say: end of document
        raise UsageError(f"{name}:{place}: not TOML: {what}") from error
    except Endless as error:
        raise UsageError(f"{name}:{line_of_endless(text)}: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{name} nests more than {DEEPEST} levels deep", hint="make it flatter") from error
    return _without_moments(value) if depth(value) <= DEEPEST else value


def _read_env(text: str, name: str) -> Any:
    from io import StringIO

    from dotenv.parser import parse_stream

    found: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            raise UsageError(f"{name}:{binding.original.line}: not NAME=value")
        if binding.key is not None and binding.value is not None:
            found[binding.key] = binding.value
    return found


_KINDS: Mapping[str, Callable[[str, str], Any]] = {
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".json": read_json,
    ".toml": _read_toml,
    ".env": _read_env,
    ".jsonnet": read_jsonnet,
    ".libsonnet": read_jsonnet,
}


def _kind(path: str) -> str:
    """The extension; `.env` and `.env.production` have that of an `.env` too, `.env.json` has not."""
    name = Path(path).name.lower()
    kind = Path(name).suffix
    if kind not in _KINDS and (name == ".env" or name.startswith(".env.")):
        return ".env"
    if kind not in _KINDS:
        hint = f"name it {', '.join(_KINDS)}"
        raise UsageError(f"cannot tell from its name what kind of data {path} is", hint=hint)
    return kind


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice")
    return found


def _without_moments(value: Any) -> Any:
    """TOML's dates and times as the text they were."""
    if isinstance(value, dict):
        return {name: _without_moments(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_without_moments(element) for element in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


_MANIFEST = "a manifest is a list of `name: ...` and `props:`, and each of these has a `name` and a `value`"
_TYPES = ("string", "integer", "number", "boolean", "array", "object", "any")


def _is_manifest(value: Any) -> bool:
    """A list in which anything has properties is meant as one."""
    return isinstance(value, list) and any(isinstance(each, dict) and "props" in each for each in value)


def _in_manifest(name: str, text: str, what: str, hint: str, *path: str | int) -> UsageError:
    """A fault of a manifest, with its line where the file has lines that tell it."""
    from provider_registry.source import line_of

    line = line_of(text, path)
    return UsageError(f"{name}:{line}: {what}" if line else f"{name}: {what}", hint=hint)


def _properties(manifest: Sequence[Any], fault: Callable[..., UsageError]) -> dict[str, Any]:
    """The properties of all resources, and each resource's own under its name."""
    found: dict[str, Any] = {}
    resources: dict[str, Any] = {}
    for number, resource in enumerate(manifest):
        if not isinstance(resource, dict) or not isinstance(resource.get("props"), list):
            raise fault("this resource of the manifest has no list of props", _MANIFEST, number)
        own: dict[str, Any] = {}
        for at, prop in enumerate(resource["props"]):
            if not isinstance(prop, dict) or not isinstance(prop.get("name"), str) or "value" not in prop:
                whose = f"a property of {resource.get('name')}"
                raise fault(f"{whose} has no name or no value", _MANIFEST, number, "props", at)
            key, value = prop["name"], prop["value"]
            if key in found:
                hint = "give each resource a file of its own" if key not in own else "keep one of them"
                raise fault(f"{key} is given twice", hint, number, "props", at)
            found[key] = own[key] = _unset(key, value) if isinstance(value, str) and value in _TYPES else value
        resources[str(resource.get("name"))] = own
    return {**resources, **found}


def _unset(name: str, kind: str) -> Unset:
    article = "an" if kind[0] in "aio" else "a"
    what = "a value" if kind == "any" else f"{article} {kind}"
    return Unset(
        f"{name} is not filled in: the manifest still has its type, {kind}, for its value",
        f"give it {what}, or null to leave it out",
    )


def _secret_texts(value: Any, *, hide: bool) -> Iterator[str]:
    """Every text below a member with the name of a secret."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _secret_texts(member, hide=hide or secret_name(str(name)))
    elif isinstance(value, list):
        for element in value:
            yield from _secret_texts(element, hide=hide)
    elif hide and value is not None and not isinstance(value, bool | Unset):
        yield str(value)

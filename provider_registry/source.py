"""YAML as data: what a document says, its keys as text, and every line that cannot be meant as it stands.

Documents are read by the rules of YAML 1.2: `on`, `no` and `2021-08-14` are text, `010` is ten. The older rules,
which PyYAML follows by itself, would turn country codes into booleans and versions into dates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, cast

import yaml

if TYPE_CHECKING:
    from yaml import SafeLoader as _Safe
else:
    _Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader is eight times as fast; not everywhere

Problem = tuple[int, str]  # line, counted from 1; what is wrong there
_MAX_DEPTH = 250  # levels; the C loader goes down by recursion and would take the process with it
_MAX_GROWTH = 20  # values per byte, all aliases written out; without aliases there is less than one
_NESTING = re.compile(rb"([-?][ \t]+){50}|^[ ]{200}", re.MULTILINE)
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_TAG = "tag:yaml.org,2002:"
_SCALARS: tuple[tuple[str, str, str], ...] = (  # kind, form, first characters
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    ("merge", r"<<", "<"),
)


class _Loader(_Safe):
    def __init__(self, stream: bytes) -> None:
        super().__init__(stream)
        self.problems: list[Problem] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping with keys as they are written; a key that stands twice is a problem, and the last one counts."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != f"{_TAG}merge" and isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    self.problems.append((key.start_mark.line + 1, f"the key {key.value!r} stands twice"))
                seen.add(key.value)
        self.flatten_mapping(node)
        return {self._key(key): self.construct_object(value, deep=deep) for key, value in node.value}

    def _key(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode):
            return cast(str, node.value)
        raise yaml.constructor.ConstructorError(None, None, "a key must be text", node.start_mark)


def _integer(_: _Loader, node: yaml.ScalarNode) -> int:
    text = cast(str, node.value)
    return int(text, 0) if text[:2] in ("0x", "0o") else int(text, 10)


def _float(loader: _Loader, node: yaml.ScalarNode) -> float:
    """What no JSON can carry is a problem: `.inf`, `.nan`, and `1e999`, which is too large."""
    value = loader.construct_yaml_float(node)
    if not math.isfinite(value):
        problem = f"{cast(str, node.value)[:20]} is no number that can be sent"
        loader.problems.append((node.start_mark.line + 1, problem))
    return float(value)


_Loader.yaml_implicit_resolvers = {}
for _kind, _form, _first in _SCALARS:
    for _character in (*_first, *([""] if _kind == "null" else [])):
        _Loader.yaml_implicit_resolvers.setdefault(_character, []).append(
            (_TAG + _kind, re.compile(rf"(?:{_form})\Z"))
        )
_Loader.add_constructor(f"{_TAG}int", _integer)
_Loader.add_constructor(f"{_TAG}float", _float)


def parse(data: bytes) -> tuple[Any, list[Problem]]:
    """The value of a YAML document and its problems; with a problem of syntax the value is None.

    >>> parse(b"country: NO")
    ({'country': 'NO'}, [])
    >>> parse(b"a: 1\\na: 2")
    ({'a': 2}, [(2, "the key 'a' stands twice")])
    >>> parse(b"a: 1\\n? [x]\\n: 2")
    (None, [(2, 'not YAML: a key must be text')])
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, [(data.count(b"\n", 0, error.start) + 1, "not UTF-8")]
    try:
        if _may_be_deep(data) and _depth(data) > _MAX_DEPTH:
            return None, [(1, f"not YAML that can be read: it nests more than {_MAX_DEPTH} levels deep")]
        loader = _Loader(data)
        try:
            value = loader.get_single_data()
        finally:
            loader.dispose()
        if b"&" in data and _size(value, {}) > _MAX_GROWTH * len(data):
            return None, [(1, "not YAML that can be read: its aliases make it grow beyond measure")]
        return value, loader.problems
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, [(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}")]
    except yaml.reader.ReaderError as error:
        return None, [(data.count(b"\n", 0, error.position) + 1, f"not YAML: {error.reason}")]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return None, [(1, f"not YAML: {error}")]


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line, from 1, on which a member or an element of a YAML document begins; None where that cannot be told.

    >>> line_of("- a: 1\\n- b:\\n  - 2\\n", [1, "b", 0]), line_of("[1]", [3])
    (3, None)
    """
    loader = _Loader(text.encode())
    try:
        node: Any = loader.get_single_node()
        for step in path:
            if isinstance(node, yaml.MappingNode):
                node = next(value for key, value in node.value if key.value == step)
            else:
                node = node.value[step]
        return int(node.start_mark.line) + 1
    except (yaml.YAMLError, LookupError, StopIteration, TypeError, AttributeError, RecursionError):
        return None
    finally:
        loader.dispose()


def scalar(text: str) -> Any:
    """A plain scalar as a document would have it, and quoted text without its quotes; anything else is text.

    >>> [scalar(text) for text in ("7", "true", "null", "NO", "1.5", "a: b", "#1", "'7'", "")]
    [7, True, None, 'NO', 1.5, 'a: b', '#1', '7', None]
    """
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        value, problems = parse(text.encode())
        return text if problems or not isinstance(value, str) else value
    loader: Any = _Loader(b"")
    try:
        node = yaml.ScalarNode(loader.resolve(yaml.ScalarNode, text, (True, False)), text)
        return text if node.tag == f"{_TAG}merge" else loader.construct_object(node)
    finally:
        loader.dispose()


def _may_be_deep(data: bytes) -> bool:
    """A cheap look, so that only odd documents pay for counting."""
    depth = deepest = 0
    for bracket in data.translate(None, delete=_NO_BRACKET):
        depth = depth + 1 if bracket in b"[{" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest > _MAX_DEPTH // 2 or _NESTING.search(data) is not None


def _depth(data: bytes) -> int:
    """How deep a document nests, by its events: those are read without recursion."""
    depth = deepest = 0
    for event in yaml.parse(data, Loader=_Safe):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            deepest = max(deepest, depth)
            if deepest > _MAX_DEPTH:
                break
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return deepest


def _size(value: Any, known: dict[int, int]) -> int:
    """How many values a document has with its aliases written out. Raises ValueError where one leads in a circle."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = -1  # being counted
        members = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(member, known) for member in members)
    if known[id(value)] < 0:
        raise ValueError("an alias leads back to where it stands")
    return known[id(value)]

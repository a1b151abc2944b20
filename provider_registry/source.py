"""YAML as data: what a document says, its keys as text, and every line that cannot be meant as it stands.

Documents are read by the rules of YAML 1.2: `on`, `no` and `2021-08-14` are text, `010` is ten. The older rules,
which PyYAML follows by itself, would turn country codes into booleans and versions into dates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from yaml import SafeDumper as _SafeDumper
    from yaml import SafeLoader as _Safe
else:
    _Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser is eight times as fast; not everywhere
    _SafeDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

Problem = tuple[int, str]  # line, counted from 1; what is wrong there
_MAX_DEPTH = 250  # levels
_MAX_GROWTH = 20  # values per byte, all aliases written out; without aliases there is less than one
_TAG = "tag:yaml.org,2002:"
_TRUTH = {"true": True, "false": False}
_NUMBER = "-+.0123456789"


def _none(_: str) -> None:
    return None


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTH:
        raise ValueError(f"{text!r} is neither true nor false")
    return _TRUTH[text.lower()]


def _integer(text: str) -> int:
    return int(text, 0) if text[:2] in ("0x", "0o") else int(text, 10)


def _beyond(text: str) -> float:
    """Infinity, or no number at all."""
    return float(text.replace(".", ""))


_SCALARS: tuple[tuple[str, str, Callable[[str], Any]], ...] = (  # first characters, form, what it means
    ("~nN", r"~|null|Null|NULL", _none),
    ("tTfF", r"true|True|TRUE|false|False|FALSE", _truth),
    (_NUMBER, r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", _integer),
    (_NUMBER, r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
    ("-+.", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", _beyond),
)
_TAGGED: Mapping[str, Callable[[str], Any]] = {  # by the name of a tag that is written out, `!!int`
    **{"null": _none, "bool": _truth, "int": _integer, "float": float},
    **dict.fromkeys(("str", "binary", "timestamp"), str),
}
_COLLECTIONS = ("map", "seq", "set", "omap", "pairs")
_FORMS: dict[str, list[tuple[Callable[[str], Any], Callable[[str], Any]]]] = {}
for _first, _form, _make in _SCALARS:
    for _character in _first:
        _FORMS.setdefault(_character, []).append((re.compile(_form).fullmatch, _make))


class _Fault(Exception):
    """What is wrong, and at which line, counted from 0."""

    def __init__(self, line: int, text: str) -> None:
        self.line, self.text = line, text
        super().__init__(text)


class _Events(NamedTuple):
    """What is read from, and what is known so far.

    `anchors` are values by name, each with the text of a scalar; `under_way` are the ids of collections that have
    begun and not ended.
    """

    next: Callable[[], Any]
    anchors: dict[str, tuple[Any, str | None]]
    under_way: set[int]
    problems: list[Problem]


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
        loader = _Safe(data)
        try:
            value, problems = _document(loader)
        finally:
            loader.dispose()
        if b"&" in data and _size(value, {}) > _MAX_GROWTH * len(data):
            raise _Fault(0, "not YAML that can be read: its aliases make it grow beyond measure")
        return value, problems
    except _Fault as fault:
        return None, [(fault.line + 1, fault.text)]
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
    try:
        node: Any = yaml.compose(text, Loader=_Safe)
        for step in path:
            if isinstance(node, yaml.MappingNode):
                node = next(value for key, value in node.value if key.value == step)
            else:
                node = node.value[step]
        return int(node.start_mark.line) + 1
    except (yaml.YAMLError, LookupError, StopIteration, TypeError, AttributeError, RecursionError):
        return None


def scalar(text: str) -> Any:
    """A plain scalar as a document would have it, and quoted text without its quotes; anything else is text.

    >>> [scalar(text) for text in ("7", "true", "null", "NO", "1.5", "a: b", "#1", "'7'", "")]
    [7, True, None, 'NO', 1.5, 'a: b', '#1', '7', None]
    """
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        value, problems = parse(text.encode())
        return text if problems or not isinstance(value, str) else value
    return _plain(text)


class _Dumper(_SafeDumper):
    """Writes for people, and so that both readings of YAML, the older one too, find the same values."""

    def ignore_aliases(self, data: Any) -> bool:
        """What stands twice is written twice."""
        return True


def _quoted(dumper: _Dumper, text: str) -> yaml.Node:
    odd = not isinstance(_plain(text), str) or text == "<<"  # without quotes it would be no text
    return dumper.represent_scalar(f"{_TAG}str", text, style="'" if odd else "|" if "\n" in text else None)


_Dumper.add_representer(str, _quoted)


def dump(value: Any) -> str:
    """A value as YAML, keys in their order; `parse` gives it back.

    >>> print(dump({"openapi": "3.0", "country": "NO", "count": 10, "odd": "0o17"}), end="")
    openapi: '3.0'
    country: 'NO'
    count: 10
    odd: '0o17'
    """
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _plain(text: str) -> Any:
    """What a scalar without quotes means."""
    if not text:
        return None
    for matches, made in _FORMS.get(text[0], ()):
        if matches(text):
            return made(text)
    return text


def _document(loader: _Safe) -> tuple[Any, list[Problem]]:
    """The value of the one document, made of the parser's events.

    PyYAML's own way, events into nodes into values, takes four times as long.
    """
    events = _Events(loader.get_event, {}, set(), [])
    value, documents = None, 0
    while (kind := type(event := events.next())) is not yaml.StreamEndEvent:
        if kind is yaml.DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise _Fault(event.start_mark.line, "not YAML: expected a single document in the stream")
            first = events.next()
            value = _MADE[type(first)](events, first, 1)
    return value, events.problems


def _text(events: _Events, event: Any, _: int) -> Any:
    """A scalar."""
    tag, text = event.tag, event.value
    if tag is None or tag == "!":
        value = _plain(text) if event.implicit[0] else text
    else:
        value = _tagged(event, _TAGGED)(text)
    if type(value) is float and not math.isfinite(value):  # `.inf`, `.nan`, and `1e999`, which is too large
        events.problems.append((event.start_mark.line + 1, f"{text[:20]} is no number that can be sent"))
    if event.anchor:
        events.anchors[event.anchor] = value, text
    return value


def _tagged(event: Any, known: Mapping[str, Callable[[str], Any]]) -> Callable[[str], Any]:
    """What a written tag makes of a value; one that is not YAML's own means nothing here."""
    made = known.get(event.tag.removeprefix(_TAG)) if event.tag.startswith(_TAG) else None
    if made is None:
        raise _Fault(event.start_mark.line, f"not YAML: the tag {event.tag!r} means nothing here")
    return made


def _alias(events: _Events, event: Any, _: int) -> Any:
    if event.anchor not in events.anchors:
        raise _Fault(event.start_mark.line, f"not YAML: found undefined alias {event.anchor!r}")
    value = events.anchors[event.anchor][0]
    if id(value) in events.under_way:
        raise _Fault(event.start_mark.line, "not YAML: an alias leads back to where it stands")
    return value


def _begun(events: _Events, event: Any, made: Any, depth: int) -> None:
    """Note a collection that begins."""
    if depth > _MAX_DEPTH:
        raise _Fault(0, f"not YAML that can be read: it nests more than {_MAX_DEPTH} levels deep")
    if event.tag not in (None, "!") and event.tag.removeprefix(_TAG) not in _COLLECTIONS:
        raise _Fault(event.start_mark.line, f"not YAML: the tag {event.tag!r} means nothing here")
    if event.anchor:
        events.anchors[event.anchor] = made, None
        events.under_way.add(id(made))


def _sequence(events: _Events, start: Any, depth: int) -> list[Any]:
    made: list[Any] = []
    _begun(events, start, made, depth)
    while type(event := events.next()) is not yaml.SequenceEndEvent:
        made.append(_MADE[type(event)](events, event, depth + 1))
    events.under_way.discard(id(made))
    return made


def _mapping(events: _Events, start: Any, depth: int) -> dict[str, Any]:
    """A mapping with keys as they are written; a key that stands twice is a problem, and the last one counts."""
    made: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    _begun(events, start, made, depth)
    while type(event := events.next()) is not yaml.MappingEndEvent:
        key = _key(events, event)
        following = events.next()
        value = _MADE[type(following)](events, following, depth + 1)
        if key == "<<" and type(event) is yaml.ScalarEvent and event.implicit[0]:
            merged = _merge(value, event) | merged
            continue
        if key in made:
            events.problems.append((event.start_mark.line + 1, f"the key {key!r} stands twice"))
        made[key] = value
    events.under_way.discard(id(made))
    if merged:  # in place: an alias may already have it
        own = dict(made)
        made.clear()
        made.update(merged | own)
    return made


def _key(events: _Events, event: Any) -> str:
    """A key as it is written."""
    kind = type(event)
    if kind is yaml.ScalarEvent:
        if event.anchor:
            _text(events, event, 0)
        return str(event.value)
    known = events.anchors.get(event.anchor) if kind is yaml.AliasEvent else None
    written = known[1] if known else None
    if written is None:
        raise _Fault(event.start_mark.line, "not YAML: a key must be text")
    return written


def _merge(value: Any, event: Any) -> dict[str, Any]:
    """What `<<` brings: a mapping, or of several the first that has a key."""
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, dict) for part in parts):
        raise _Fault(event.start_mark.line, "not YAML: << takes a mapping or a list of mappings")
    return {key: member for part in reversed(parts) for key, member in part.items()}


_MADE: Mapping[Any, Callable[[_Events, Any, int], Any]] = {
    yaml.ScalarEvent: _text,
    yaml.AliasEvent: _alias,
    yaml.MappingStartEvent: _mapping,
    yaml.SequenceStartEvent: _sequence,
}


def _size(value: Any, known: dict[int, int]) -> int:
    """How many values a document has with its aliases written out."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        members = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(member, known) for member in members)
    return known[id(value)]

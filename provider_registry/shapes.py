"""JSON Schemas of a document -> shapes and columns.

Schemas are folded first: `allOf` is the sum of its parts, `anyOf` and `oneOf` are what their arms have in common with
the properties of all of them, a null among the types makes it nullable. What is folded is read word by word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from provider_registry.faults import closest
from provider_registry.model import Column, Shape, Type
from provider_registry.nodes import PAYLOADS, Node

LEVELS, SIZE = 6, 200  # how far a value that is sent is described: so much can be checked before it leaves
COLUMN_LEVELS, COLUMN_SIZE = 2, 30  # one that comes back: JSON text in SQL, described for people
_MAX_FOLDS = 32  # allOf within allOf; more is a circle
_TYPES: tuple[str, ...] = get_args(Type)
_WORDS = (
    *("type", "format", "nullable", "enum", "const", "minimum", "maximum", "minLength", "maxLength", "pattern"),
    *("minItems", "maxItems", "items", "readOnly", "writeOnly", "default", "example", "examples", "description"),
    *("x-stackQL-alias", "x-alwaysRequired", "x-stratoql-pattern-hint"),
)
ANONYMOUS = "column_anon"  # the column of rows that are no objects, as StackQL calls it


@dataclass
class Folded:
    """A schema without allOf, anyOf, oneOf: its words as nodes, its properties in order."""

    node: Node
    types: tuple[str, ...] = ()
    nullable: bool = False
    words: dict[str, Node] = field(default_factory=dict)
    properties: dict[str, Node] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    def word(self, key: str) -> Any:
        """The plain value of a keyword, or None."""
        return plain(self.words[key].value) if key in self.words else None

    @property
    def type(self) -> str:
        """The one type, told or guessed from what else is said; `any` where there are several or none."""
        if self.types:
            return self.types[0] if len(self.types) == 1 else "any"
        if self.properties:
            return "object"
        return "array" if "items" in self.words else "any"


def fold(node: Node, depth: int = 0) -> Folded:
    """A schema with its parts folded in. What is no mapping is a fault and describes anything."""
    place, memo = place_of(node), node.library.memo
    if place not in memo:
        memo[place] = _fold(node, depth)
    return cast(Folded, memo[place])


def place_of(node: Node) -> tuple[object, ...]:
    """What tells a schema from others. A mapping is itself: keys beside a `$ref` make two of one place."""
    return (id(node.value),) if node.value.__class__ is dict else (node.file, node.pointer)


def _fold(node: Node, depth: int) -> Folded:
    folded = Folded(node)  # keeps the node, so that its id stays its own
    if depth > _MAX_FOLDS:
        node.fault("allOf, anyOf and oneOf lead in a circle")
        return folded
    if isinstance(node.value, bool):  # true: anything goes
        return folded
    words = node.mapping()
    for key in ("allOf", "anyOf", "oneOf"):
        if key in words:
            parts = [fold(part, depth + 1) for part in node.elements(key)]
            _add(folded, _all(node, parts) if key == "allOf" else _some(node, parts))
    own = Folded(node, *_types(node))
    own.words = {key: node.child(key) if key in PAYLOADS else node.get(key) for key in _WORDS if key in words}
    own.properties = dict(node.entries("properties"))
    own.required = node.texts("required") if isinstance(words.get("required"), list) else ()
    _add(folded, own)
    return folded


def _types(node: Node) -> tuple[tuple[str, ...], bool]:
    """The declared types, and whether null is among them."""
    declared = node.child("type").value
    names = node.texts("type") if isinstance(declared, list) else (node.text("type"),) if declared else ()
    for name in names:
        if name not in (*_TYPES, "null"):
            node.fault(f"there is no type {name!r}{closest(name, _TYPES)}", "type")
    known = tuple(name for name in names if name in _TYPES and name != "any")
    return known, "null" in names or node.child("nullable").value is True


def _add(whole: Folded, part: Folded) -> None:
    """Let a part stand above what is there; properties keep the place they had first."""
    whole.types = part.types or whole.types
    whole.nullable = whole.nullable or part.nullable
    whole.words |= part.words
    whole.properties |= part.properties
    whole.required = tuple(dict.fromkeys((*whole.required, *part.required)))


def _all(node: Node, parts: Sequence[Folded]) -> Folded:
    whole = Folded(node)
    for part in parts:
        _add(whole, part)
    return whole


def _some(node: Node, arms: Sequence[Folded]) -> Folded:
    """What is true of every arm, and the properties of all."""
    some = Folded(node, nullable=any(arm.nullable for arm in arms))
    real = [arm for arm in arms if arm.type != "any" or not arm.nullable]  # {type: null} only makes it nullable
    for arm in real:
        some.properties |= {name: node for name, node in arm.properties.items() if name not in some.properties}
    some.types = tuple(dict.fromkeys(arm.type for arm in real if arm.type != "any"))
    if any(arm.type == "any" for arm in real):
        some.types = ()
    if len(real) == 1:
        some.words, some.required = dict(real[0].words), real[0].required
    elif real:
        some.required = tuple(name for name in real[0].required if all(name in arm.required for arm in real))
    return some


def shape(node: Node, *, sent: bool = False, levels: int = LEVELS, size: int = SIZE) -> Shape:
    """What a value must look like. In one that is `sent`, read-only members have no place.

    Published schemas nest without end, so a value is described some `levels` deep, and no deeper than where it has
    more than `size` parts. Of what is below only the type is told.
    """
    if not node:
        return Shape(type="any", nullable=True)
    sizes = (_sized(node, sent, deep) for deep in range(levels, 1, -1))
    return next((found for found, parts in sizes if parts <= size), _sized(node, sent, 1)[0])


def _sized(node: Node, sent: bool, deep: int) -> tuple[Shape, int]:
    """A shape of so many levels, and of how many parts it is. Parts that are alike are one object in memory."""
    if not node:
        return Shape(type="any", nullable=True), 1
    folded, memo = fold(node), node.library.memo
    inner = folded.words.get("items")
    if inner is None and not folded.properties:
        sent, deep = False, 0  # nothing below, however it is looked at
    place = (*place_of(node), sent, deep)
    if place not in memo:
        members = {name: m for name, m in folded.properties.items() if not (sent and read_only(m))} if deep else {}
        items = _sized(inner, sent, deep - 1) if inner and deep else None
        fields = {name: _sized(m, sent, deep - 1) for name, m in members.items()}
        parts = 1 + (items[1] if items else 0) + sum(count for _, count in fields.values())
        memo[place] = _made(folded, items[0] if items else None, {name: f for name, (f, _) in fields.items()}), parts
    return cast(tuple[Shape, int], memo[place])


def _made(folded: Folded, items: Shape | None, fields: dict[str, Shape]) -> Shape:
    return Shape(
        type=cast(Type, folded.type),
        format=_text(folded, "format"),
        nullable=folded.nullable,
        enum=_enum(folded),
        minimum=_bound(folded, "minimum"),
        maximum=_bound(folded, "maximum"),
        min_length=_count(folded, "minLength"),
        max_length=_count(folded, "maxLength"),
        pattern=_pattern(folded),
        pattern_hint=_text(folded, "x-stratoql-pattern-hint"),
        min_items=_count(folded, "minItems"),
        max_items=_count(folded, "maxItems"),
        items=items,
        fields=fields,
        required=tuple(name for name in folded.required if name in fields),
    )


def _text(folded: Folded, key: str) -> str | None:
    value = folded.word(key)
    return value if isinstance(value, str) and value else None


def _enum(folded: Folded) -> tuple[Any, ...]:
    if "const" in folded.words:
        return (folded.word("const"),)
    values = folded.word("enum")
    return tuple(value for value in values if value is not None) if isinstance(values, list) else ()


def _bound(folded: Folded, key: str) -> float | None:
    return _parent(folded, key).number(key) if key in folded.words else None


def _count(folded: Folded, key: str) -> int | None:
    return _parent(folded, key).integer(key) if key in folded.words else None


def _parent(folded: Folded, key: str) -> Node:
    """A node of which a word, wherever it was folded in from, is the member."""
    word = folded.words[key]
    return Node({key: word.value}, word.file, word.pointer[:-1], word.library)


def _pattern(folded: Folded) -> str | None:
    """A regular expression that Python understands too; another one cannot be checked here, so it is left out."""
    pattern = _text(folded, "pattern")
    if pattern is None:
        return None
    try:
        re.compile(pattern)
    except re.error as error:
        folded.words["pattern"].fault(f"the pattern cannot be checked here: {error}", severity="warning")
        return None
    return pattern


def read_only(node: Node) -> bool:
    """Whether a schema says that the API alone sets the value."""
    return fold(node).word("readOnly") is True


def columns(row: Node) -> tuple[Column, ...]:
    """The columns of rows of this schema. Rows that are no objects have one column, without a name of their own.

    Most methods of a resource answer with the same rows.
    """
    place, memo = (*place_of(row), "columns"), row.library.memo
    if place not in memo:
        memo[place] = _columns(row)
    return cast(tuple[Column, ...], memo[place])


def _columns(row: Node) -> tuple[Column, ...]:
    folded = fold(row)
    if folded.properties:
        members = {name: member for name, member in folded.properties.items() if not _write_only(member)}
        return tuple(column(name, member) for name, member in members.items())
    if not row or folded.type in ("object", "any"):
        return ()
    return (column(ANONYMOUS, row),)


def _write_only(node: Node) -> bool:
    return fold(node).word("writeOnly") is True


def column(name: str, node: Node) -> Column:
    """A column: what its schema says of values that come back."""
    folded = fold(node)
    return Column(
        name=name,
        shape=shape(node, levels=COLUMN_LEVELS, size=COLUMN_SIZE),
        description=_text(folded, "description") or "",
        example=example(folded),
        read_only=folded.word("readOnly") is True,
    )


def example(folded: Folded) -> Any:
    """The example of a schema, or the first of several."""
    several = folded.word("examples")
    return (
        folded.word("example")
        if "example" in folded.words
        else (several[0] if isinstance(several, list) and several else None)
    )


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON can hold it: what YAML has beyond that becomes text, and so do integers beyond 64 bits.

    >>> plain({"a": (1, 2**70, b"x")})
    {'a': [1, '1180591620717411303424', "b'x'"]}
    """
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, dict) and depth < 50:
        return {str(key): plain(member, depth + 1) for key, member in value.items()}
    if isinstance(value, list | tuple) and depth < 50:
        return [plain(member, depth + 1) for member in value]
    return str(value)

"""JSON into rows: the fast way and the slow one give the same, whatever the API sends."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wire.keys import DEEP, parts
from engine.wire.rows import find, members, rows, value
from provider_registry.model import Column, Shape, Type
from tests.wire.methods import IMAGE, columns

ALL = columns(s="string", i="integer", n="number", b="boolean", a="array", o="object", x="any")

KEPT: list[tuple[str, Any]] = [
    ('"text"', "text"),
    ('"a\\u00e9\\n"', "aé\n"),
    ("12", 12),
    ("-9223372036854775808", -(2**63)),
    ("9223372036854775807", 2**63 - 1),
    ("9223372036854775808", "9223372036854775808"),
    ("-9223372036854775809", "-9223372036854775809"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("1.5", 1.5),
    ("1e400", "1e400"),
    ("true", True),
    ("false", False),
    ("null", None),
    ('["a", {"b": 1.50}]', '["a", {"b": 1.50}]'),
    ('{"k":  "\\u00e9"}', '{"k":  "\\u00e9"}'),
    ("[]", "[]"),
]


@pytest.mark.parametrize(("text", "wanted"), KEPT)
@pytest.mark.parametrize("name", [column.name for column in ALL])
def test_a_value_is_kept_whatever_was_declared(name: str, text: str, wanted: Any) -> None:
    (row,) = rows(ALL, f'[{{"{name}": {text}}}]'.encode())
    found = row[[column.name for column in ALL].index(name)]
    assert found == wanted
    assert type(found) is type(wanted)
    assert sum(cell is not None for cell in row) == (wanted is not None)
    sqlite3.connect(":memory:").execute("SELECT ?", (found,)).fetchone()


SHAPES: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("[]", []),
    ("null", []),
    ('{"id": "a", "size": 1}', [("a", None, 1, None, None, None)]),
    ("{}", [(None,) * 6]),
    ("[{}]", [(None,) * 6]),
    ("[null]", [(None,) * 6]),
    ('["a", "b"]', [("a", *[None] * 5), ("b", *[None] * 5)]),
    ("[[1, 2]]", [("[1, 2]", *[None] * 5)]),
    ("5", [(5, *[None] * 5)]),
    ('"text"', [("text", *[None] * 5)]),
    ("true", [(True, *[None] * 5)]),
    ('[{"id": "a", "unknown": {"deep": [1]}}]', [("a", *[None] * 5)]),
    ('[{"id": "a", "id": "b", "tags": [1], "tags": null}]', [("b", *[None] * 5)]),
    ('[{"id": 7}, {"id": "b", "size": "big"}]', [(7, *[None] * 5), ("b", None, "big", None, None, None)]),
]


@pytest.mark.parametrize(("text", "wanted"), SHAPES)
def test_shapes(text: str, wanted: list[tuple[Any, ...]]) -> None:
    assert rows(IMAGE, text.encode()) == wanted


def test_rows_without_columns() -> None:
    assert rows((), b"[{}, {}]") == [(), ()]
    assert rows((), b'"x"') == [()]
    assert rows((), b'[{"a": 1}, 5]') == [(), ()]


def test_columns_of_any_name() -> None:
    odd = tuple(Column(name=name, shape=Shape(type="integer")) for name in ("class", "a b", "f0", "é"))
    assert rows(odd, '[{"class": 1, "a b": 2, "f0": 3, "é": 4}]'.encode()) == [(1, 2, 3, 4)]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
TYPES: tuple[Type, ...] = ("string", "integer", "number", "boolean", "array", "object", "any")


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.dictionaries(st.sampled_from("abcd"), JSON), max_size=4),
    st.lists(st.sampled_from(TYPES), min_size=4, max_size=4),
)
def test_both_ways_agree(sent: list[dict[str, Any]], types: list[Type]) -> None:
    declared = tuple(Column(name=name, shape=Shape(type=kind)) for name, kind in zip("abcd", types, strict=True))
    encoded = [msgspec.json.encode(row) for row in sent]
    one_by_one = [row for text in encoded for row in rows(declared, text)]
    assert rows(declared, b"[" + b",".join(encoded) + b"]") == one_by_one
    for row, source in zip(one_by_one, sent, strict=True):
        for name, cell in zip("abcd", row, strict=True):
            _check(cell, source.get(name))


def _check(cell: Any, sent: Any) -> None:
    if isinstance(sent, dict | list) or (isinstance(sent, int) and not -(2**63) <= sent < 2**63):
        assert isinstance(cell, str)
        assert json.loads(cell) == sent
    else:
        assert cell == sent


FOUND: list[tuple[str, str | None, list[str]]] = [
    ('{"a": 1}', None, ['{"a": 1}']),
    ('{"a": 1}', "$", ['{"a": 1}']),
    ('{"a": 1}', "a", ["1"]),
    ('{"a": {"b": [2]}}', "$.a.b", ["[2]"]),
    ('{"a": [{"b": 1}, {"c": 2}, {"b": [3]}, 4]}', "$.a[*].b", ["1", "[3]"]),
    ('{"a": [{"b": 1}, {"b": 2}]}', "$.a.b", ["1", "2"]),
    ('{"a": {"x": {"b": 1}, "y": {}, "z": {"b": 2}}}', "$.a.*.b", ["1", "2"]),
    ('{"a": []}', "$.a[*].b", []),
    ('{"a": null}', "$.a.b", ["null"]),
    ('{"odd.name": 1}', "$['odd.name']", ["1"]),
    ('{"x": [1], "a": [{"x": {"x": 2}}]}', "$..x", ["[1]", '{"x": 2}', "2"]),
    ('{"x": {"y": 1}, "a": {"x": {"z": 1}}}', "$..x.y", ["1"]),
]


@pytest.mark.parametrize(("text", "key", "wanted"), FOUND)
def test_finding(text: str, key: str | None, wanted: list[str]) -> None:
    assert [bytes(place).decode() for place in find(text.encode(), parts(key))] == wanted


@pytest.mark.parametrize(
    ("text", "key"), [('{"a": 1}', "$.b"), ('{"a": 1}', "$.a.b"), ("5", "a"), ('{"a": [1]}', "$..x"), ("1", "$..x")]
)
def test_not_finding(text: str, key: str) -> None:
    with pytest.raises(KeyError):
        find(text.encode(), parts(key))


def test_members() -> None:
    assert {name: bytes(raw) for name, raw in (members(b'{"a": [1]}') or {}).items()} == {"a": b"[1]"}
    assert members(b"[1]") is None
    with pytest.raises(msgspec.DecodeError):
        members(b"[1")


def test_keys() -> None:
    assert parts("$.a..b") == ("a", DEEP, "b")
    assert parts("$.*.b") == ("[*]", "b")
    assert parts("a[") == ("a[",)
    assert parts('$["a"]') == ("a",)


def test_a_value_that_is_no_json_is_an_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        value(b"nonsense")

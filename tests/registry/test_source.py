"""YAML as data, object keys and the order of versions: the small readers that the rest stands on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provider_registry.layout import version_key
from provider_registry.nodes import Library, Node, follow, walk
from provider_registry.objectkeys import locate, parts, spelled
from provider_registry.source import parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("On", "On"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("010", 10),
        ("08", 8),
        ("0x1F", 31),
        ("0o17", 15),
        ("-7", -7),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.10.0", "1.10.0"),
        ("2021-08-14", "2021-08-14"),
        ("2021-08-14T22:44:02", "2021-08-14T22:44:02"),
        ("'1'", "1"),
        ("=", "="),
        ("{200: a, true: b, ~: c}", {"200": "a", "true": "b", "~": "c"}),
    ],
)
def test_values_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    got, problems = parse(f"v: {text}\n".encode())
    assert problems == []
    assert repr(got) == repr({"v": value})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("---\n...\n", None),
        ("[]", []),
        ("v: !!str 1", {"v": "1"}),
        ("v: !!int '7'", {"v": 7}),
        ("v: !!bool TRUE", {"v": True}),
        ("v: !!null x", {"v": None}),
        ("v: !!timestamp 2021-08-14", {"v": "2021-08-14"}),
        ("v: !!set {a, b}", {"v": {"a": None, "b": None}}),
        ("? a\n: 1", {"a": 1}),
        ("&k a: 1\nb: *k\n*k : 2", {"a": 2, "b": "a"}),
        ("a: &x {b: 1}\nc: [*x, *x]", {"a": {"b": 1}, "c": [{"b": 1}, {"b": 1}]}),
        ('"<<": 1', {"<<": 1}),
        ("a: &a {x: 1}\nb: &b {x: 2, y: 3}\nc: {<<: [*a, *b], z: 4}",
         {"a": {"x": 1}, "b": {"x": 2, "y": 3}, "c": {"x": 1, "y": 3, "z": 4}}),
        ("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: *b", {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1, "y": 2}}),
    ],
)  # fmt: skip
def test_what_yaml_has_beyond_json(text: str, value: Any) -> None:
    assert parse(text.encode())[0] == value


def test_merged_keys_are_no_second_ones() -> None:
    assert parse(b"a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n") == ({"a": {"x": 1, "y": 2}, "b": {"y": 2, "x": 3}}, [])


@pytest.mark.parametrize(
    ("data", "line", "text"),
    [
        (b"a: \xe9", 1, "not UTF-8"),
        (b"a: 1\nb: \xff", 2, "not UTF-8"),
        ("a: 1".encode("utf-16"), 1, "not UTF-8"),
        (b"a: 1\nb: \x00", 2, "not YAML: "),
        (b"a: !custom 1", 1, "not YAML: "),
        (b"a: 1\n? [x]\n: 2", 2, "not YAML: a key must be text"),
        (b"a: *gone", 1, "not YAML: "),
        (b"a: " + b"9" * 5000, 1, "not YAML: "),
        (b"- " * 300 + b"x", 1, "it nests more than 250 levels deep"),
        (b"{a: " * 300 + b"1" + b"}" * 300, 1, "it nests more than 250 levels deep"),
        (b"\n".join(b" " * depth + b"a:" for depth in range(300)), 1, "it nests more than 250 levels deep"),
        (b"a: &a {b: *a}", 1, "an alias leads back to where it stands"),
        (b"a: &a [1, *a]", 1, "an alias leads back to where it stands"),
        (b"a: 1\n---\nb: 2", 2, "expected a single document"),
        (b"a: 1\nb: !!bool perhaps", 1, "'perhaps' is neither true nor false"),
        (b"a: 1\nb: !custom {}", 2, "the tag '!custom' means nothing here"),
        (b"a: 1\nb: !!float x", 1, "could not convert"),
        (b"a: 1\n<<: 2", 2, "<< takes a mapping or a list of mappings"),
        (b"a: &a [1]\n*a : 2", 2, "a key must be text"),
        (b"a: [1", 2, "not YAML: "),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(data: bytes, line: int, text: str) -> None:
    value, problems = parse(data)
    assert value is None
    ((at, problem),) = problems
    assert at == line
    assert text in problem


def test_brackets_in_text_are_no_depth() -> None:
    text = "[" * 300
    assert parse(f"a: '{text}'\n".encode()) == ({"a": text}, [])


def test_aliases_that_grow_beyond_measure_are_refused() -> None:
    laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    laughs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    value, ((_, problem),) = parse("\n".join(laughs).encode())
    assert (value, problem) == (None, "not YAML that can be read: its aliases make it grow beyond measure")
    assert parse(b"a: &a [x, y]\nb: *a\nc: *a\n") == ({"a": ["x", "y"], "b": ["x", "y"], "c": ["x", "y"]}, [])


@pytest.mark.parametrize("key", ["/Response/Items", "//Volume", "$.", "$.a[0]", "a b", "$.a[", "..", "$['']"])
def test_what_is_no_object_key(key: str) -> None:
    assert parts(key) is None


@pytest.mark.parametrize(
    ("key", "spelling"),
    [
        ("", None),
        ("$", None),
        ("$[*]", None),
        ("$.*", None),
        ("items", "$.items"),
        ("$.items", "$.items"),
        ("$.items[*]", "$.items"),
        ('$["items"]', "$.items"),
        ("$.a.*.b", "$.a[*].b"),
        ("a.b", "$.a.b"),
        ("$..b", "$..b"),
        ("$.a..b", "$.a..b"),
        ("next-page", "$.next-page"),
        ("@odata.nextLink", "$['@odata.nextLink']"),
        ("$.a.@odata.nextLink", "$.a['@odata.nextLink']"),
    ],
)
def test_object_keys_have_one_spelling(key: str, spelling: str | None) -> None:
    found = parts(key)
    assert found is not None
    assert spelled(found) == spelling
    if spelling:
        assert spelled(parts(spelling) or ()) == spelling


def document(tmp_path: Path, text: str) -> Node:
    (tmp_path / "d.yaml").write_text(text)
    return Library(tmp_path).open(tmp_path / "d.yaml")


def test_locating_what_is_not_there(tmp_path: Path) -> None:
    schema = document(tmp_path, "properties: {a: {type: array, items: {$ref: '#'}}, b: {type: string}}")
    assert locate(schema, ("c",)) is None
    assert locate(schema, ("..", "c")) is None  # and comes to an end
    assert locate(schema, ("a", "*", "b")) is not None
    assert locate(schema, ("a", "b")) is not None
    assert locate(schema, ("b", "x")) is None


def test_a_walk_sees_each_mapping_once_and_no_data(tmp_path: Path) -> None:
    text = "a: &a {b: {}}\nc: *a\nexample: {d: {}}\nproperties: {example: {e: {}}}\n"
    seen = ["/".join(node.pointer) for node in walk(document(tmp_path, text))]
    assert seen == ["", "a", "a/b", "properties", "properties/example", "properties/example/e"]


def test_references_in_data_are_data(tmp_path: Path) -> None:
    root = document(tmp_path, "schema: {example: {$ref: '#/nowhere'}}\n")
    assert root.get("schema").child("example").value == {"$ref": "#/nowhere"}
    assert root.library.faults == []


def test_references_that_chase_each_other_end(tmp_path: Path) -> None:
    root = document(tmp_path, "a: {$ref: '#/b'}\nb: {$ref: '#/a'}\n")
    assert follow(root.child("a")).value is None
    assert [fault.message for fault in root.library.faults] == ["#/b refers to itself"]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("v00.00.00000", "v1.0.0"),
        ("v24.9.00001", "v24.11.00274"),
        ("v1.2", "v1.2.1"),
        ("v1.0.0-alpha", "v1.0.0-beta"),
        ("v1.0.0-beta.9", "v1.0.0-beta.10"),
        ("v1.0.0-rc.1", "v1.0.0"),
        ("dev", "v0.0.1"),
        ("v9", "10"),
    ],
)
def test_versions_in_their_natural_order(older: str, newer: str) -> None:
    assert version_key(older) < version_key(newer)

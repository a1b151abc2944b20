"""SQL values become what the document declares, or an error that says what would have."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import InvalidValue
from engine.wire.values import encode
from provider_registry.model import Shape

INTEGER = Shape(type="integer")
BOOLEAN = Shape(type="boolean")
NUMBER = Shape(type="number")
STRING = Shape()
MOMENT = Shape(format="date-time")
ARRAY = Shape(type="array")
OBJECT = Shape(type="object")
TAGS = Shape(type="array", items=Shape(min_length=3, max_length=5), min_items=1, max_items=2)
DEVICE = Shape(type="object", fields={"id": INTEGER, "on": BOOLEAN}, required=("id",))
NUMBERS = Shape(type="array", items=NUMBER)

GOOD: list[tuple[Shape, Any, Any]] = [
    (INTEGER, 42, 42),
    (INTEGER, "42", 42),
    (INTEGER, "-7", -7),
    (INTEGER, 5.0, 5),
    (INTEGER, 2**70, 2**70),
    (NUMBER, 4, 4),
    (NUMBER, 4.5, 4.5),
    (NUMBER, "4.5", 4.5),
    (NUMBER, "1e3", 1000.0),
    (NUMBER, "12", 12),
    (BOOLEAN, 1, True),
    (BOOLEAN, 0, False),
    (BOOLEAN, True, True),
    (BOOLEAN, "TRUE", True),
    (BOOLEAN, "false", False),
    (BOOLEAN, "0", False),
    (STRING, "a", "a"),
    (STRING, "", ""),
    (STRING, 42, "42"),
    (STRING, 4.5, "4.5"),
    (Shape(nullable=True), None, None),
    (Shape(type="array", nullable=True), None, None),
    (ARRAY, '["a", 1]', ["a", 1]),
    (ARRAY, ["a"], ["a"]),
    (ARRAY, ("a",), ["a"]),
    (OBJECT, '{"a": {"b": null}}', {"a": {"b": None}}),
    (OBJECT, {"a": 1}, {"a": 1}),
    (DEVICE, '{"id": 1, "on": true, "more": 4.5}', {"id": 1, "on": True, "more": 4.5}),
    (TAGS, '["abc", "abcde"]', ["abc", "abcde"]),
    (NUMBERS, "[1, 1.5]", [1, 1.5]),
    (Shape(type="any"), "x", "x"),
    (Shape(type="any"), None, None),
    (Shape(type="any"), {"x": 1}, {"x": 1}),
    (Shape(type="array", items=Shape(type="any")), '[1, "a", null, {}]', [1, "a", None, {}]),
    (Shape(type="array", items=Shape(type="array")), "[[1]]", [[1]]),
    (Shape(type="array", items=OBJECT), "[{}]", [{}]),
    (MOMENT, "2024-01-31T12:00:00", "2024-01-31T12:00:00"),
    (MOMENT, "2024-01-31 12:00:00", "2024-01-31T12:00:00"),
    (MOMENT, "2024-01-31T12:00:00Z", "2024-01-31T12:00:00Z"),
    (Shape(enum=("a", "b")), "b", "b"),
    (Shape(type="integer", minimum=1, maximum=9), 9, 9),
    (Shape(pattern="^a+$"), "aaa", "aaa"),
    (Shape(pattern=r"cost: \$$"), "cost: $", "cost: $"),
    (Shape(pattern="(?<broken"), "anything", "anything"),
    (Shape(min_length=1, max_length=3), "abc", "abc"),
]


@pytest.mark.parametrize(("shape", "given", "wanted"), GOOD)
def test_values_are_typed_by_the_document(shape: Shape, given: Any, wanted: Any) -> None:
    found = encode(shape, given, "x")
    assert found == wanted
    assert type(found) is type(wanted)


BAD: list[tuple[Shape, Any, str]] = [
    (INTEGER, 4.5, "x expects an integer, got 4.5"),
    (INTEGER, "4.5", "x expects an integer, got '4.5'"),
    (INTEGER, "042", "x expects an integer, got '042'"),
    (INTEGER, " 42", "x expects an integer, got ' 42'"),
    (INTEGER, "٤٢", "x expects an integer, got '٤٢'"),
    (INTEGER, "", "x expects an integer, got ''"),
    (INTEGER, "9" * 200, "x expects an integer, got '9999"),
    (INTEGER, True, "x expects an integer, got true"),
    (INTEGER, None, "x expects an integer, not NULL"),
    (INTEGER, b"1", "x expects an integer, got binary data"),
    (NUMBER, "x", "x expects a number, got 'x'"),
    (NUMBER, "1e999", "x expects a number, got '1e999'"),
    (NUMBER, float("nan"), "x expects a number, got nan"),
    (NUMBER, True, "x expects a number, got true"),
    (NUMBER, "1" * 200, "x expects a number, got '1111"),
    (BOOLEAN, 2, "x expects true or false, got 2"),
    (BOOLEAN, 1.0, "x expects true or false, got 1.0"),
    (BOOLEAN, "yes", "x expects true or false, got 'yes'"),
    (BOOLEAN, None, "x expects true or false, not NULL"),
    (STRING, True, "x expects a text, got true"),
    (STRING, ["a"], "x expects a text, got ['a']"),
    (STRING, float("inf"), "x expects a text, got inf"),
    (STRING, b"a", "x expects a text, got binary data"),
    (STRING, "a\ud800", "x expects a text, got 'a\\ud800'"),
    (ARRAY, "a", "x expects a JSON array, got 'a'"),
    (ARRAY, "{}", "x expects a JSON array, got '{}'"),
    (ARRAY, "\ud800", "x expects a JSON array, got '\\ud800'"),
    (ARRAY, 5, "x expects a JSON array, got 5"),
    (ARRAY, [float("nan")], "x expects a JSON array, got [nan]"),
    (ARRAY, [b"x"], "x expects a JSON array, got [b'x']"),
    (ARRAY, [object], "x expects a JSON array, got [<class 'object'>]"),
    (ARRAY, "[" * 100_000, "x expects a JSON array, got '[[["),
    (OBJECT, "[]", "x expects a JSON object, got '[]'"),
    (OBJECT, {1: 2}, "x expects a JSON object, got {1: 2}"),
    (OBJECT, {"a": "\ud800"}, "x expects a JSON object, got {'a': '\\ud800'}"),
    (Shape(type="any"), b"x", "x expects a JSON value, got binary data"),
    (DEVICE, "{}", "x lacks the member 'id'"),
    (DEVICE, '{"id": "1"}', "x.id expects an integer, got '1'"),
    (DEVICE, '{"id": 1, "on": 1}', "x.on expects true or false, got 1"),
    (TAGS, "[]", "x expects an array of 1 to 2 elements, got 0"),
    (TAGS, '["abc","abc","abc"]', "x expects an array of 1 to 2 elements, got 3"),
    (TAGS, '["abc", "ab"]', "x[1] expects a text of 3 to 5 characters, got 2"),
    (TAGS, '["abc", 5]', "x[1] expects a text, got 5"),
    (TAGS, '["abc", null]', "x[1] expects a text, not NULL"),
    (NUMBERS, '["1"]', "x[0] expects a number, got '1'"),
    (MOMENT, "yesterday", "x expects a date and time such as 2024-01-31T12:00:00, got 'yesterday'"),
    (Shape(enum=("available", "creating")), "avail", "x expects one of 'available', 'creating', got 'avail'"),
    (Shape(enum=tuple(map(str, range(30)))), "z", "'18', '19', ..., got 'z'"),
    (Shape(type="integer", minimum=25, maximum=500), 10, "x expects an integer from 25 to 500, got 10"),
    (Shape(type="integer", minimum=25), 10, "x expects an integer at least 25, got 10"),
    (Shape(type="number", maximum=1.5), 2, "x expects a number at most 1.5, got 2"),
    (Shape(pattern="^a+$"), "aab", "x expects a text that matches ^a+$, got 'aab'"),
    (Shape(pattern="^a+$"), "aaa\n", "x expects a text that matches ^a+$, got 'aaa\\n'"),
    (Shape(pattern="^a$", pattern_hint="the letter a"), "b", "x expects the letter a, got 'b'"),
    (Shape(max_length=3), "abcd", "x expects a text of at most 3 characters, got 4"),
    (Shape(min_length=3), "ab", "x expects a text of at least 3 characters, got 2"),
]


@pytest.mark.parametrize(("shape", "given", "message"), BAD)
def test_a_value_that_does_not_fit_names_what_would(shape: Shape, given: Any, message: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        encode(shape, given, "x")
    assert message in raised.value.message
    assert raised.value.name == "x"
    assert raised.value.hint is not None
    assert "for example x = " in raised.value.hint


HINTS: list[tuple[Shape, Any, str]] = [
    (INTEGER, None, "for example x = 42"),
    (INTEGER, 7, "for example x = 7"),
    (Shape(type="integer", minimum=25), None, "for example x = 25"),
    (Shape(type="integer", maximum=9), None, "for example x = 9"),
    (BOOLEAN, None, "for example x = true"),
    (BOOLEAN, False, "for example x = false"),
    (MOMENT, None, "for example x = '2024-01-31T12:00:00'"),
    (ARRAY, None, 'for example x = \'["a","b"]\''),
    (Shape(type="array", items=INTEGER), None, "for example x = '[42]'"),
    (STRING, "it's", "for example x = 'it''s'"),
    (Shape(enum=("u", "v")), None, "for example x = 'u'"),
]


@pytest.mark.parametrize(("shape", "example", "hint"), HINTS)
def test_the_hint_is_an_example(shape: Shape, example: Any, hint: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        encode(shape, b"", "x", example=example)
    assert raised.value.hint == hint


def test_the_hint_names_what_was_probably_meant() -> None:
    with pytest.raises(InvalidValue) as raised:
        encode(Shape(enum=("available", "creating")), "avialable", "status")
    assert raised.value.hint == "did you mean 'available'?; for example status = 'available'"


def test_a_secret_is_never_shown() -> None:
    for shape, given in ((INTEGER, "hunter2"), (Shape(enum=("a",)), "hunter2"), (Shape(pattern="^x"), "hunter2")):
        with pytest.raises(InvalidValue) as raised:
            encode(shape, given, "data__root_pass")
        assert "got ***" in raised.value.message
    with pytest.raises(InvalidValue) as raised:
        encode(Shape(type="object", fields={"password": INTEGER}), {"password": "hunter2"}, "data__user")
    assert raised.value.message == "data__user.password expects an integer, got ***"


def test_nesting_without_end_is_no_crash() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidValue, match="x is nested too deeply to be sent"):
        encode(ARRAY, deep, "x")


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(InvalidValue) as raised:
        encode(INTEGER, "x" * 10_000, "x")
    assert len(raised.value.message) < 120

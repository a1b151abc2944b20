"""Which expressions are constants, and what examples of parameters look like."""

from __future__ import annotations

import pytest

from engine.language.dialect import parse_query
from engine.language.text import Text
from engine.planner.pins import example
from engine.planner.predicates import constant
from provider_registry.model import Param, Shape


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("'it''s'", "'it''s'"),
        ("-5", "-5"),
        ("NULL", "NULL"),
        ("true", "TRUE"),
        ("'a' || ('b' || 1 + 2)", "'a' || (('b' || 1) + 2)"),
        ("lower('B')", None),
        ("CAST('007' AS STRING)", None),
        ("5 IN (0)", None),
        ("5 BETWEEN 0 AND 9", None),
        ("5 IS NULL", None),
        ("NOT 1", None),
        ("x'61'", None),
        ("label", None),
        ("(SELECT 1)", None),
        ("'a' COLLATE NOCASE", None),
        ("random()", None),
        ("abs(random())", None),
        ("last_insert_rowid()", None),
        ("sum(1)", None),
        (":name", None),
        ("?", None),
    ],
)
def test_constants(sql: str, text: str | None) -> None:
    assert constant(parse_query(Text(f"SELECT {sql}")).expressions[0]) == text


@pytest.mark.parametrize(
    ("param", "text"),
    [
        ({"example": "private/1"}, "'private/1'"),
        ({"example": ["a", "b"]}, '\'["a", "b"]\''),
        ({"default": 100, "shape": Shape(type="integer")}, "100"),
        ({"shape": Shape(enum=("manual", "automatic"))}, "'manual'"),
        ({"shape": Shape(type="integer", minimum=25)}, "25"),
        ({"shape": Shape(type="boolean")}, "true"),
        ({"example": False, "shape": Shape(type="boolean")}, "false"),
        ({"shape": Shape(type="number")}, "1.5"),
        ({}, "'...'"),
    ],
)
def test_examples(param: dict[str, object], text: str) -> None:
    assert example(Param(name="p", wire="p", location="query", **param)) == text  # type: ignore[arg-type]

"""Which expressions are constants, and what examples of parameters look like."""

from __future__ import annotations

import pytest
from sqlglot import exp

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
        ("'a' || lower('B')", "'a' || LOWER('B')"),
        ("date('now', '-1 day')", "DATE('now', '-1 day')"),
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


def test_a_tree_that_does_not_read_back_is_no_constant() -> None:
    assert constant(exp.Anonymous(this="a b (")) is None


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

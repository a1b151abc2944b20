"""Schemas: what is known of a value, and how far it is described."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provider_registry.model import Shape
from tests.registry import shop
from tests.registry.shop import BODY, ITEM

SCHEMAS: list[tuple[str, dict[str, Any]]] = [
    ("{type: [string, 'null']}", {"type": "string", "nullable": True}),
    ("{type: string, nullable: true, format: date-time}", {"nullable": True, "format": "date-time"}),
    ("{anyOf: [{type: integer}, {type: 'null'}]}", {"type": "integer", "nullable": True}),
    ("{oneOf: [{type: integer}, {type: string}]}", {"type": "any"}),
    ("{oneOf: [{type: integer}, {}]}", {"type": "any"}),
    ("{type: [integer, string]}", {"type": "any"}),
    ("{type: string, anyOf: []}", {"type": "string"}),
    ("{}", {"type": "any"}),
    ("true", {"type": "any"}),
    ("{const: x}", {"enum": ("x",)}),
    ("{enum: [a, null, 3]}", {"enum": ("a", 3)}),
    ("{items: {type: integer}}", {"type": "array"}),
    ("{properties: {a: {type: integer}}, required: [a]}", {"type": "object", "required": ("a",)}),
    ("{allOf: [{type: integer, minimum: 1}, {maximum: 5}]}", {"type": "integer", "minimum": 1.0, "maximum": 5.0}),
    (f"{{allOf: [{shop.ITEM_REF}], nullable: true}}", {"type": "object", "nullable": True}),
    ("{$ref: '#/components/schemas/Item', nullable: true}", {"type": "object", "nullable": True}),
    ("{type: array, minItems: 1, maxItems: 3}", {"min_items": 1, "max_items": 3}),
    ("{type: string, minLength: 2.0, required: true}", {"min_length": 2, "required": ()}),
    ("{type: string, pattern: '(?<name>x)'}", {"pattern": None}),  # not in Python's words
]


@pytest.mark.parametrize(("schema", "expected"), SCHEMAS, ids=[s[0] for s in SCHEMAS])
def test_a_schema_says(schema: str, expected: dict[str, Any], tmp_path: Path) -> None:
    found = shop.method(tmp_path, "get_item", {f"{ITEM}/properties/tags": schema})
    shape = found.response.columns[3].shape
    assert {key: getattr(shape, key) for key in expected} == expected


def test_all_of_is_the_sum_of_its_parts_in_order(tmp_path: Path) -> None:
    base = "{type: object, required: [made], properties: {made: {type: string}, name: {type: string}}}"
    parts = "[{$ref: '#/components/schemas/Base'}, {properties: {seen: {type: boolean}}}]"
    found = shop.method(tmp_path, "add_item", {"/components/schemas/Base": base, f"{ITEM}/allOf": parts})
    assert shop.columns(found) == ["made", "name", "seen", "id", "price", "tags"]
    assert [p.name for p in found.required] == ["data__made", "data__name"]
    assert shop.param(found, "data__name").shape.max_length == 20  # the nearer of its two declarations


def test_any_of_has_the_properties_of_every_arm_and_needs_what_all_need(tmp_path: Path) -> None:
    one, two = "{required: [a, b], properties: {a: {}, b: {}}}", "{required: [a], properties: {a: {}, c: {}}}"
    found = shop.method(tmp_path, "add_item", {BODY: f"{{anyOf: [{one}, {two}]}}"})
    assert shop.names(found, "body") == ["data__a", "data__b", "data__c"]
    assert [p.name for p in found.required] == ["data__a"]


def test_schemas_that_lead_back_to_themselves_end(tmp_path: Path) -> None:
    found = shop.method(tmp_path, "add_item", {f"{ITEM}/properties/tags": f"{{type: array, items: {shop.ITEM_REF}}}"})
    item = shop.param(found, "data__tags").shape.items
    assert item is not None
    assert item.fields["name"].max_length == 20
    assert item.fields["tags"].type == "array"
    assert depth(shop.param(found, "data__tags").shape) == 6
    assert depth(found.response.columns[3].shape) == 2


def nested(levels: int, width: int) -> dict[str, str]:
    """Schemas S0, S1, ...: each has `width` properties of the next one."""
    refs = {
        level: ", ".join(f"p{i}: {{$ref: '#/components/schemas/S{level + 1}'}}" for i in range(width))
        for level in range(levels)
    }
    schemas = {f"/components/schemas/S{level}": f"{{properties: {{{inner}}}}}" for level, inner in refs.items()}
    return schemas | {f"/components/schemas/S{levels}": "{type: integer}"}


def depth(shape: Shape) -> int:
    below = [depth(field) for field in shape.fields.values()] + ([depth(shape.items)] if shape.items else [])
    return 1 + max(below, default=-1)


@pytest.mark.parametrize(
    ("levels", "width", "sent", "returned"),
    [(1, 3, 1, 1), (3, 3, 3, 2), (9, 1, 6, 2), (5, 6, 2, 1), (5, 40, 1, 1), (2, 500, 1, 1)],
)
def test_a_vast_schema_is_described_so_far_as_it_fits(
    levels: int, width: int, sent: int, returned: int, tmp_path: Path
) -> None:
    edits = nested(levels, width) | {f"{ITEM}/properties/tags": "{$ref: '#/components/schemas/S0'}"}
    found = shop.method(tmp_path, "add_item", edits)
    asked, answered = shop.param(found, "data__tags").shape, found.response.columns[3].shape
    assert (depth(asked), depth(answered)) == (sent, returned)
    assert len(asked.fields) == len(answered.fields) == width
    assert {field.type for field in asked.fields.values()} == {"integer" if levels == 1 else "object"}

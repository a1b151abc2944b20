"""Parameters, attributes of bodies, variables of servers: what a method can be given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.registry import shop
from tests.registry.shop import ADD, ADDED, BODY, DROP, ITEM, ITEMS, LISTED, ONE, PROVIDER, STOCK

NAIVE = {f"{ADD}/config": "{requestBodyTranslate: {algorithm: naive}}"}


def attribute(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = getattr(value, part)
    return value


def test_parameters_of_the_path_item_count_for_its_operations(tmp_path: Path) -> None:
    found = shop.items(shop.write(tmp_path)).methods["drop_item"]
    assert shop.param(found, "itemId").required
    assert shop.param(found, "itemId").key == "id"


def test_parameters_of_the_operation_stand_above_the_path_items(tmp_path: Path) -> None:
    own = {f"{ONE}/delete/parameters": "[{name: itemId, in: path, required: true, schema: {type: integer}}]"}
    found = shop.items(shop.write(tmp_path, shop.edited(STOCK, own)))
    assert shop.param(found.methods["drop_item"], "itemId").shape.type == "integer"
    assert shop.param(found.methods["get_item"], "itemId").shape.type == "string"


PARAMETERS: list[tuple[str, dict[str, Any]]] = [
    ("in: query, required: true, schema: {type: string}", {"required": True}),
    ("in: query, required: true, allowEmptyValue: true, schema: {type: string}", {"required": False}),
    ("in: query, x-stackQL-alias: query, schema: {type: string}", {"alias": "query"}),
    ("in: header, description: d, schema: {type: string}", {"location": "header", "description": "d"}),
    ("in: query, schema: {type: string, default: x}", {"default": "x", "required": False, "always": False}),
    ("in: query, required: true, schema: {type: string, default: x}", {"required": False, "always": True}),
    ("in: header, schema: {type: string, default: x}", {"required": False, "always": True}),
    ("in: header, allowEmptyValue: true, schema: {type: string, default: x}", {"always": False}),
    ("in: header, required: true, schema: {type: string}", {"required": True, "always": False}),
    ("in: query, example: e, schema: {type: string, example: s}", {"example": "e"}),
    ("in: query, schema: {type: string, example: s}", {"example": "s"}),
    ("in: query, schema: {type: string, examples: [s, t]}", {"example": "s"}),
    ("in: query", {"shape.type": "string"}),
    ("in: query, type: integer", {"shape.type": "integer"}),
    ("in: query, content: {application/json: {schema: {type: object}}}", {"shape.type": "object"}),
    ("in: query, schema: {type: string, enum: [no, on]}", {"shape.enum": ("no", "on")}),
    ("in: query, schema: {type: integer, minimum: 1, maximum: 9}", {"shape.minimum": 1.0, "shape.maximum": 9.0}),
    ("in: query, schema: {pattern: ^a, x-stratoql-pattern-hint: starts with a}", {"shape.pattern": "^a"}),
    ("in: query, schema: {x-stratoql-pattern-hint: starts with a}", {"shape.pattern_hint": "starts with a"}),
]


@pytest.mark.parametrize(("declared", "expected"), PARAMETERS, ids=[p[0] for p in PARAMETERS])
def test_a_parameter_says(declared: str, expected: dict[str, Any], tmp_path: Path) -> None:
    edits = {f"{LISTED}/parameters/2": f"{{name: q, {declared}}}"}
    found = shop.param(shop.method(tmp_path, "list_items", edits), "q")
    assert {path: attribute(found, path) for path in expected} == expected


@pytest.mark.parametrize(("place", "telling"), [("query", True), ("header", False)])
def test_what_has_a_default_need_not_be_said(place: str, telling: bool, tmp_path: Path) -> None:
    said = f"{{name: version, in: {place}, required: true, schema: {{type: string, default: '2'}}}}"
    found = shop.method(tmp_path, "list_items", {f"{LISTED}/parameters/2": said})
    assert "version" not in [param.name for param in found.required]
    assert ("version" in found.told_by) == telling  # who gives it asks for this method


@pytest.mark.parametrize("name", ["Accept", "content-type", "Authorization"])
def test_headers_that_openapi_gives_another_place_are_no_parameters(name: str, tmp_path: Path) -> None:
    edits = {f"{LISTED}/parameters/2": f"{{name: {name}, in: header, required: true, schema: {{type: string}}}}"}
    assert shop.names(shop.method(tmp_path, "list_items", edits), "header") == []


def test_body_attributes_have_a_prefix_and_read_only_ones_no_place(tmp_path: Path) -> None:
    found = shop.items(shop.write(tmp_path)).methods["add_item"]
    assert [(p.name, p.wire) for p in found.body] == [
        ("data__name", "name"),
        ("data__price", "price"),
        ("data__tags", "tags"),
    ]
    assert [p.name for p in found.required] == ["data__name"]  # the read-only id is required in answers
    assert (shop.param(found, "data__name").shape.min_length, shop.param(found, "data__name").shape.max_length) == (
        1,
        20,
    )


def test_read_only_members_of_an_attribute_have_no_place_either(tmp_path: Path) -> None:
    inner = (
        "{type: object, required: [a, b], properties: {a: {readOnly: true}, b: {type: string, x-stackQL-alias: bee}}}"
    )
    found = shop.method(tmp_path, "add_item", {BODY: f"{{type: object, properties: {{spec: {inner}}}}}"})
    shape = shop.param(found, "data__spec").shape
    assert (list(shape.fields), shape.required) == (["b"], ("b",))


def test_an_attribute_can_have_a_second_name(tmp_path: Path) -> None:
    edits = {f"{ITEM}/properties/price": "{type: number, x-stackQL-alias: cost}"}
    assert shop.param(shop.method(tmp_path, "add_item", edits), "data__price").alias == "cost"


def test_naive_attributes_have_their_own_names(tmp_path: Path) -> None:
    assert shop.names(shop.method(tmp_path, "add_item", NAIVE), "body") == ["name", "price", "tags"]


def test_a_parameter_wins_over_a_naive_attribute_of_its_name(tmp_path: Path) -> None:
    edits = NAIVE | {f"{ADDED}/parameters": "[{name: Name, in: query, schema: {type: string}}]"}
    found = shop.method(tmp_path, "add_item", edits)
    assert shop.param(found, "Name").location == "query"
    assert [(p.name, p.wire, p.required) for p in found.body] == [
        ("data__name", "name", False),
        ("price", "price", False),
        ("tags", "tags", False),
    ]


def test_naive_below_a_path(tmp_path: Path) -> None:
    schema = f"{{type: object, required: [kind], properties: {{kind: {{type: string}}, spec: {shop.ITEM_REF}}}}}"
    edits = {BODY: schema, f"{ADD}/config": "{requestBodyTranslate: {algorithm: naive_spec}}"}
    found = shop.method(tmp_path, "add_item", edits)
    assert [(p.name, p.wire, p.parents, p.required) for p in found.body] == [
        ("name", "name", ("spec",), True),
        ("price", "price", ("spec",), False),
        ("tags", "tags", ("spec",), False),
        ("data__kind", "kind", (), True),
    ]


@pytest.mark.parametrize(
    "edits",
    [
        {f"{ITEM}/properties/price": "{type: number, x-alwaysRequired: true}"},
        {f"{ADD}/request": "{required: [price]}"},
    ],
    ids=["on the attribute", "on the method"],
)
def test_attributes_can_be_required_beyond_the_schema(edits: shop.Edits, tmp_path: Path) -> None:
    assert [p.name for p in shop.method(tmp_path, "add_item", edits).required] == ["data__name", "data__price"]


def test_the_media_type_of_the_body(tmp_path: Path) -> None:
    patch = {f"{ADDED}/requestBody/content": f"{{application/merge-patch+json: {{schema: {shop.ITEM_REF}}}}}"}
    assert shop.method(tmp_path / "a", "add_item", patch).media_type == "application/merge-patch+json"
    both = {f"{ADDED}/requestBody/content/text~1x": "{}", f"{ADD}/request": "{mediaType: text/x}"}
    assert shop.method(tmp_path / "b", "add_item", both).media_type == "text/x"
    assert shop.method(tmp_path / "c", "drop_item", {}).media_type == "application/json"


def test_a_schema_of_the_method_stands_above_the_operations(tmp_path: Path) -> None:
    short = "{schema_override: {$ref: '#/components/schemas/Short'}}"
    edits = {
        "/components/schemas/Short": "{type: object, properties: {only: {type: string}}}",
        f"{ADD}/request": short,
        f"{ADD}/response": short,
    }
    found = shop.method(tmp_path, "add_item", edits)
    assert shop.names(found, "body") == ["data__only"]
    assert shop.columns(found) == ["only"]


def test_variables_of_the_server_are_parameters_with_defaults(tmp_path: Path) -> None:
    found = shop.items(shop.write(tmp_path)).methods["get_item"]
    assert found.server.url == "https://{region}.shop.example/api"
    assert (found.server.variables["region"].default, found.server.variables["region"].enum) == ("eu", ("eu", "us"))
    region = shop.param(found, "region")
    assert (region.location, region.default, region.required) == ("server", "eu", False)
    assert region.shape.enum == ("eu", "us")


def test_a_variable_without_a_default_has_to_be_given(tmp_path: Path) -> None:
    edits = {"/servers/0/variables/region": "{description: where}"}
    found = shop.param(shop.method(tmp_path, "get_item", edits), "region")
    assert (found.required, found.default, found.description) == (True, None, "where")


def test_a_variable_that_the_address_does_not_use_is_none(tmp_path: Path) -> None:
    found = shop.method(tmp_path, "get_item", {"/servers/0/url": "https://shop.example"})
    assert (found.server.variables, shop.names(found, "server")) == ({}, [])


def test_a_variable_of_the_name_of_a_parameter_has_another(tmp_path: Path) -> None:
    found = shop.method(tmp_path, "list_items", {f"{LISTED}/parameters/2": "{name: region, in: query}"})
    assert [(p.name, p.wire) for p in found.params][2:] == [("region", "region"), ("server__region", "region")]


def test_inputs_stand_in_order_of_place(tmp_path: Path) -> None:
    edits = {f"{ADDED}/parameters": "[{name: dry, in: query}]"}
    found = [p.name for p in shop.method(tmp_path, "add_item", edits).params]
    assert found == ["dry", "data__name", "data__price", "data__tags", "region"]


def test_a_service_may_lie_deeper_than_its_provider(tmp_path: Path) -> None:
    provider = PROVIDER.replace("services/stock", "services/eu/stock")
    root = shop.write(tmp_path, provider=provider, services__eu__stock=STOCK)
    assert shop.items(root).methods["list_items"].auth.type == "bearer"


def test_environment_variables_of_a_server(tmp_path: Path) -> None:
    edits = {
        "/servers/0/x-stratoql-env": "SHOP_URL",
        "/servers/0/variables/region/x-stratoql-env": "SHOP_REGION",
    }
    found = shop.method(tmp_path, "get_item", edits).server
    assert (found.env, found.variables["region"].env) == ("SHOP_URL", "SHOP_REGION")


SERVERS = {  # from the farthest to the nearest
    "resource": {f"{ITEMS}/baseUrl": "https://resource.example/"},
    "path": {f"{ONE}/servers": "[{url: https://path.example}]"},
    "operation": {f"{ONE}/delete/servers": "[{url: https://operation.example}]"},
    "method": {f"{DROP}/servers": "[{url: https://method.example}]"},
}


@pytest.mark.parametrize("nearest", SERVERS)
def test_the_nearest_server_counts(nearest: str, tmp_path: Path) -> None:
    edits: dict[str, str] = {}
    for place in list(SERVERS)[: list(SERVERS).index(nearest) + 1]:
        edits |= SERVERS[place]
    assert shop.method(tmp_path, "drop_item", edits).server.url == f"https://{nearest}.example"


def test_a_placeholder_spelled_otherwise_finds_its_parameter(tmp_path: Path) -> None:
    edits = {
        "/paths/~1items~1{item_id}": "{parameters: [{name: item-id, in: path, required: true}], delete: {}}",
        f"{DROP}/operation/$ref": "'#/paths/~1items~1{item_id}/delete'",
    }
    found = shop.method(tmp_path, "drop_item", edits)
    given = shop.param(found, "item-id")
    assert (found.path, given.wire, given.alias) == ("/items/{item_id}", "item_id", "item_id")


def test_an_input_answers_to_its_names_in_any_case(tmp_path: Path) -> None:
    edits = {f"{ITEM}/properties/price": "{type: number, x-stackQL-alias: cost}"}
    found = shop.method(tmp_path, "add_item", edits)
    price = shop.param(found, "data__price")
    assert [found.param(name) for name in ("DATA__price", "Cost", "price")] == [price] * 3
    assert found.param("prize") is None
    assert not found.reads

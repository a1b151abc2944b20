"""What documents say, and what becomes of it in the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provider_registry.documents import load_provider, load_service
from provider_registry.faults import NotFound
from provider_registry.model import Limit, Method, Param, Retry, Shape
from tests.registry import shop
from tests.registry.shop import ADD, ADDED, ANSWER, BODY, DROP, GET, ITEM, ITEMS, LIST, LISTED, ONE, PROVIDER, STOCK

NAIVE = {f"{ADD}/config": "{requestBodyTranslate: {algorithm: naive}}"}
ITEM_REF = "{$ref: '#/components/schemas/Item'}"


def names(found: Method, location: str) -> list[str]:
    return [param.name for param in found.params if param.location == location]


def param(found: Method, name: str) -> Param:
    return next(param for param in found.params if param.name == name)


def columns(found: Method) -> list[str]:
    return [column.name for column in found.response.columns]


def attribute(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = getattr(value, part)
    return value


def test_the_shop_has_no_faults(tmp_path: Path) -> None:
    assert shop.faults(shop.write(tmp_path)) == []


def test_a_provider_knows_its_services_without_reading_them(tmp_path: Path) -> None:
    root = shop.write(tmp_path, stock="not: [YAML")
    provider = load_provider(root, "SHOP")
    assert (provider.name, provider.version, provider.title) == ("shop", "v1.0.0", "A shop")
    assert Path(provider.services["stock"].path) == root / "src/shop/v1.0.0/services/stock.yaml"
    assert provider.services["stock"].title == "Stock"
    assert provider.root == str(root)


def test_the_newest_version_counts(tmp_path: Path) -> None:
    for version in ("v1.9.0", "v1.10.0", "v1.10.0-rc.1"):
        shop.write(tmp_path, provider=PROVIDER.replace("v1.0.0", version), version=version)
    (tmp_path / "src/shop/v2.0.0").mkdir()  # without a document it is no version
    assert load_provider(tmp_path, "shop").version == "v1.10.0"


def test_google_lies_in_another_folder(tmp_path: Path) -> None:
    folder = tmp_path / "src/googleapis.com/v1.0.0"
    folder.mkdir(parents=True)
    (folder / "provider.yaml").write_text("name: google\nversion: v1.0.0\nproviderServices: {}\n")
    assert load_provider(tmp_path, "Google").name == "google"


def test_unknown_names_are_told_with_the_known_ones(tmp_path: Path) -> None:
    root = shop.write(tmp_path)
    with pytest.raises(NotFound, match=r"^no provider 'shpo'$") as missing:
        load_provider(root, "shpo")
    assert missing.value.known == ("shop",)
    with pytest.raises(NotFound, match=r"^no service 'stok' in shop$") as missing:
        load_service(load_provider(root, "shop"), "stok")
    assert missing.value.known == ("stock",)


def test_methods_and_verbs_in_document_order(tmp_path: Path) -> None:
    found = shop.items(shop.write(tmp_path))
    assert [(m.name, m.http, m.path) for m in found.methods.values()] == [
        ("get_item", "GET", "/items/{itemId}"),
        ("list_items", "GET", "/items"),
        ("add_item", "POST", "/items"),
        ("drop_item", "DELETE", "/items/{itemId}"),
    ]
    assert found.verbs == {
        "select": ("get_item", "list_items"),
        "insert": ("add_item",),
        "delete": ("drop_item",),
    }


def test_a_method_of_no_verb_can_be_executed(tmp_path: Path) -> None:
    stock = shop.edited(STOCK, {f"{ITEMS}/sqlVerbs/insert": None})
    found = shop.items(shop.write(tmp_path, stock))
    assert found.verbs["exec"] == ("add_item",)
    assert found.verb_of("add_item") == "exec"


def test_methods_that_exec_names_come_first_and_in_its_order(tmp_path: Path) -> None:
    refs = ", ".join(f"{{$ref: '#{method}'}}" for method in (DROP, ADD))
    edits = {
        f"{ITEMS}/sqlVerbs/insert": "[]",
        f"{ITEMS}/sqlVerbs/delete": "[]",
        f"{ITEMS}/sqlVerbs/exec": f"[{refs}]",
    }
    assert shop.items(shop.write(tmp_path, shop.edited(STOCK, edits))).verbs["exec"] == ("drop_item", "add_item")


def test_rows_columns_and_envelope(tmp_path: Path) -> None:
    found = shop.items(shop.write(tmp_path)).methods["list_items"].response
    assert found.rows == "$.data"
    assert [(c.name, c.shape.type) for c in found.columns] == [
        ("id", "string"),
        ("name", "string"),
        ("price", "number"),
        ("tags", "array"),
    ]
    assert [(c.name, c.shape.type) for c in found.envelope] == [
        ("data", "array"),
        ("page", "integer"),
        ("pages", "integer"),
    ]
    assert [c.name for c in found.columns if c.read_only] == ["id"]
    assert [c.name for c in found.columns if c.shape.nullable] == ["price"]


def test_an_answer_without_content_has_no_columns(tmp_path: Path) -> None:
    found = shop.items(shop.write(tmp_path)).methods["drop_item"].response
    assert (found.rows, found.columns, found.envelope) == (None, (), ())


def test_without_a_named_answer_the_first_good_one_counts(tmp_path: Path) -> None:
    assert columns(shop.method(tmp_path, "add_item", {f"{ADD}/response": "{}"})) == ["id", "name", "price", "tags"]


def test_parameters_of_the_path_item_count_for_its_operations(tmp_path: Path) -> None:
    found = shop.items(shop.write(tmp_path)).methods["drop_item"]
    assert param(found, "itemId").required
    assert param(found, "itemId").key == "id"


def test_parameters_of_the_operation_stand_above_the_path_items(tmp_path: Path) -> None:
    own = {f"{ONE}/delete/parameters": "[{name: itemId, in: path, required: true, schema: {type: integer}}]"}
    found = shop.items(shop.write(tmp_path, shop.edited(STOCK, own)))
    assert param(found.methods["drop_item"], "itemId").shape.type == "integer"
    assert param(found.methods["get_item"], "itemId").shape.type == "string"


PARAMETERS: list[tuple[str, dict[str, Any]]] = [
    ("in: query, required: true, schema: {type: string}", {"required": True}),
    ("in: query, required: true, allowEmptyValue: true, schema: {type: string}", {"required": False}),
    ("in: query, x-stackQL-alias: query, schema: {type: string}", {"alias": "query"}),
    ("in: header, description: d, schema: {type: string}", {"location": "header", "description": "d"}),
    ("in: query, schema: {type: string, default: x}", {"default": "x", "required": False}),
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
    found = param(shop.method(tmp_path, "list_items", edits), "q")
    assert {path: attribute(found, path) for path in expected} == expected


@pytest.mark.parametrize("name", ["Accept", "content-type", "Authorization"])
def test_headers_that_openapi_gives_another_place_are_no_parameters(name: str, tmp_path: Path) -> None:
    edits = {f"{LISTED}/parameters/2": f"{{name: {name}, in: header, required: true, schema: {{type: string}}}}"}
    assert names(shop.method(tmp_path, "list_items", edits), "header") == []


def test_body_attributes_have_a_prefix_and_read_only_ones_no_place(tmp_path: Path) -> None:
    found = shop.items(shop.write(tmp_path)).methods["add_item"]
    assert [(p.name, p.wire) for p in found.body] == [
        ("data__name", "name"),
        ("data__price", "price"),
        ("data__tags", "tags"),
    ]
    assert [p.name for p in found.required] == ["data__name"]  # the read-only id is required in answers
    assert (param(found, "data__name").shape.min_length, param(found, "data__name").shape.max_length) == (1, 20)


def test_read_only_members_of_an_attribute_have_no_place_either(tmp_path: Path) -> None:
    inner = (
        "{type: object, required: [a, b], properties: {a: {readOnly: true}, b: {type: string, x-stackQL-alias: bee}}}"
    )
    found = shop.method(tmp_path, "add_item", {BODY: f"{{type: object, properties: {{spec: {inner}}}}}"})
    shape = param(found, "data__spec").shape
    assert (list(shape.fields), shape.required) == (["b"], ("b",))


def test_an_attribute_can_have_a_second_name(tmp_path: Path) -> None:
    edits = {f"{ITEM}/properties/price": "{type: number, x-stackQL-alias: cost}"}
    assert param(shop.method(tmp_path, "add_item", edits), "data__price").alias == "cost"


def test_naive_attributes_have_their_own_names(tmp_path: Path) -> None:
    assert names(shop.method(tmp_path, "add_item", NAIVE), "body") == ["name", "price", "tags"]


def test_a_parameter_wins_over_a_naive_attribute_of_its_name(tmp_path: Path) -> None:
    edits = NAIVE | {f"{ADDED}/parameters": "[{name: Name, in: query, schema: {type: string}}]"}
    found = shop.method(tmp_path, "add_item", edits)
    assert param(found, "Name").location == "query"
    assert [(p.name, p.wire, p.required) for p in found.body] == [
        ("data__name", "name", False),
        ("price", "price", False),
        ("tags", "tags", False),
    ]


def test_naive_below_a_path(tmp_path: Path) -> None:
    schema = f"{{type: object, required: [kind], properties: {{kind: {{type: string}}, spec: {ITEM_REF}}}}}"
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
    patch = {f"{ADDED}/requestBody/content": f"{{application/merge-patch+json: {{schema: {ITEM_REF}}}}}"}
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
    assert names(found, "body") == ["data__only"]
    assert columns(found) == ["only"]


def test_variables_of_the_server_are_parameters_with_defaults(tmp_path: Path) -> None:
    found = shop.items(shop.write(tmp_path)).methods["get_item"]
    assert found.server.url == "https://{region}.shop.example/api"
    assert (found.server.variables["region"].default, found.server.variables["region"].enum) == ("eu", ("eu", "us"))
    region = param(found, "region")
    assert (region.location, region.default, region.required) == ("server", "eu", False)
    assert region.shape.enum == ("eu", "us")


def test_a_variable_without_a_default_has_to_be_given(tmp_path: Path) -> None:
    edits = {"/servers/0/variables/region": "{description: where}"}
    found = param(shop.method(tmp_path, "get_item", edits), "region")
    assert (found.required, found.default, found.description) == (True, None, "where")


def test_a_variable_that_the_address_does_not_use_is_none(tmp_path: Path) -> None:
    found = shop.method(tmp_path, "get_item", {"/servers/0/url": "https://shop.example"})
    assert (found.server.variables, names(found, "server")) == ({}, [])


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


ROW = "{type: object, properties: {a: {}}}"
ROWS = f"{{type: array, items: {ROW}}}"
ANSWERS: list[tuple[str, str, str | None, list[str]]] = [  # schema, object key, rows, columns
    (f"{{type: array, items: {ROW}}}", "", None, ["a"]),
    (ROW, "", None, ["a"]),
    (f"{{type: object, properties: {{items: {ROWS}, b: {{}}}}}}", "", "$.items", ["a"]),
    (f"{{type: object, properties: {{items: {ROW}, b: {{}}}}}}", "", None, ["items", "b"]),
    (f"{{type: object, properties: {{x: {ROWS}}}}}", "x", "$.x", ["a"]),
    (f"{{type: object, properties: {{x: {ROWS}}}}}", "$.x[*]", "$.x", ["a"]),
    (f"{{type: object, properties: {{x: {{type: object, properties: {{y: {ROW}}}}}}}}}", "$.x.y", "$.x.y", ["a"]),
    (f"{{type: object, properties: {{x: {{type: object, properties: {{y: {ROWS}}}}}}}}}", "$..y", "$..y", ["a"]),
    (f"{{type: object, properties: {{x: {{items: {{properties: {{b: {ROW}}}}}}}}}}}", "$.x[*].b", "$.x[*].b", ["a"]),
    (f"{{type: array, items: {{type: object, properties: {{x: {ROW}}}}}}}", "$[*].x", "$[*].x", ["a"]),
    (f"{{type: object, properties: {{odd.key: {ROWS}}}}}", "$['odd.key']", "$['odd.key']", ["a"]),
    (f"{{type: array, items: {ROWS}}}", "", None, ["a"]),
    ("{type: array, items: {type: string}}", "", None, ["column_anon"]),
    ("{type: integer}", "", None, ["column_anon"]),
    ("{type: object}", "", None, []),
    ("{type: object, properties: {a: {}, b: {writeOnly: true}}}", "", None, ["a"]),
]


@pytest.mark.parametrize(("schema", "key", "rows", "expected"), ANSWERS)
def test_where_the_rows_are(schema: str, key: str, rows: str | None, expected: list[str], tmp_path: Path) -> None:
    edits = {ANSWER: schema, f"{GET}/response/objectKey": f'"{key}"', f"{ONE}/parameters/0/x-stratoql-key": None}
    found = shop.method(tmp_path, "get_item", edits)
    assert found.response.rows == rows
    assert columns(found) == expected
    assert bool(found.response.envelope) is (rows is not None and schema.startswith("{type: object"))


def test_a_provider_can_name_the_property_of_rows(tmp_path: Path) -> None:
    schema = "{properties: {entries: {type: array, items: {properties: {id: {}}}}}}"
    provider = PROVIDER + "responseKeys: {selectItemsKey: entries}\n"
    assert shop.method(tmp_path, "get_item", {ANSWER: schema}, provider).response.rows == "$.entries"


def test_a_paged_list_without_an_object_key_has_its_rows_in_its_only_array(tmp_path: Path) -> None:
    found = shop.method(tmp_path, "list_items", {f"{LIST}/response/objectKey": None})
    assert found.response.rows == "$.data"
    assert columns(found) == ["id", "name", "price", "tags"]


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
    (f"{{allOf: [{ITEM_REF}], nullable: true}}", {"type": "object", "nullable": True}),
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
    assert columns(found) == ["made", "name", "seen", "id", "price", "tags"]
    assert [p.name for p in found.required] == ["data__made", "data__name"]
    assert param(found, "data__name").shape.max_length == 20  # the nearer of its two declarations


def test_any_of_has_the_properties_of_every_arm_and_needs_what_all_need(tmp_path: Path) -> None:
    one, two = "{required: [a, b], properties: {a: {}, b: {}}}", "{required: [a], properties: {a: {}, c: {}}}"
    found = shop.method(tmp_path, "add_item", {BODY: f"{{anyOf: [{one}, {two}]}}"})
    assert names(found, "body") == ["data__a", "data__b", "data__c"]
    assert [p.name for p in found.required] == ["data__a"]


def test_schemas_that_lead_back_to_themselves_end(tmp_path: Path) -> None:
    found = shop.method(tmp_path, "add_item", {f"{ITEM}/properties/tags": f"{{type: array, items: {ITEM_REF}}}"})
    item = param(found, "data__tags").shape.items
    assert item is not None
    assert item.fields["name"].max_length == 20
    assert item.fields["tags"].type == "array"
    assert depth(param(found, "data__tags").shape) == 6
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
    asked, answered = param(found, "data__tags").shape, found.response.columns[3].shape
    assert (depth(asked), depth(answered)) == (sent, returned)
    assert len(asked.fields) == len(answered.fields) == width
    assert {field.type for field in asked.fields.values()} == {"integer" if levels == 1 else "object"}


def test_references_reach_other_files_of_the_version(tmp_path: Path) -> None:
    data = f"{LISTED}/responses/200/content/application~1json/schema/properties/data/items"
    stock = shop.edited(STOCK, {data: "{$ref: '../common/things.yaml#/Thing'}"})
    things = "Thing: {type: object, properties: {id: {$ref: '#/Id'}}}\nId: {type: integer}\n"
    found = shop.items(shop.write(tmp_path, stock, common__things=things)).methods["list_items"].response
    assert [(c.name, c.shape.type) for c in found.columns] == [("id", "integer")]


def test_references_may_be_relative_to_src(tmp_path: Path) -> None:
    stock = shop.edited(STOCK, {f"{ADD}/operation/$ref": "shop/v1.0.0/more.yaml#/paths/~1extra/post"})
    more = "paths: {/extra: {parameters: [{name: p, in: query}], post: {summary: More}}}\n"
    found = shop.items(shop.write(tmp_path, stock, more=more)).methods["add_item"]
    assert (found.path, found.title, names(found, "query")) == ("/extra", "More", ["p"])


def test_references_may_be_percent_encoded(tmp_path: Path) -> None:
    edits = {f"{GET}/operation/$ref": "'#/paths/~1items~1%7BitemId%7D/get'"}
    assert names(shop.method(tmp_path, "get_item", edits), "path") == ["itemId"]


def test_keys_beside_a_reference_stand_above_its_target(tmp_path: Path) -> None:
    edits = {ANSWER: "{properties: {id: {$ref: '#/components/schemas/Item', description: mine}}}"}
    assert shop.method(tmp_path, "get_item", edits).response.columns[0].description == "mine"


LEVELS = ("method", "resource", "service", "provider's service", "provider")  # from the nearest to the farthest


def limited(root: Path, limits: dict[str, str]) -> Path:
    """The shop with a limit on some levels."""
    places = {"method": f"{LIST}/config", "resource": f"{ITEMS}/config", "service": "/x-stackQL-config"}
    above = {"provider's service": "/providerServices/stock/config", "provider": "/config"}
    stock = {f"{places[level]}/x-stratoql-limit": limit for level, limit in limits.items() if level in places}
    provider = {f"{above[level]}/x-stratoql-limit": limit for level, limit in limits.items() if level in above}
    return shop.write(root, shop.edited(STOCK, stock), shop.edited(PROVIDER, provider))


@pytest.mark.parametrize("index", range(len(LEVELS)), ids=LEVELS)
def test_the_nearest_config_counts(index: int, tmp_path: Path) -> None:
    limits = {level: f"{{name: {level.replace(' ', '-')}, requests: 3, seconds: 1.5}}" for level in LEVELS[index:]}
    found = shop.items(limited(tmp_path, limits)).methods
    assert found["list_items"].limit == Limit(name=LEVELS[index].replace(" ", "-"), requests=3, seconds=1.5)
    other = LEVELS[1].replace(" ", "-") if index == 0 else LEVELS[index].replace(" ", "-")
    assert found["get_item"].limit == Limit(name=other, requests=3, seconds=1.5)


def test_a_limit_is_per_minute_where_it_does_not_say(tmp_path: Path) -> None:
    root = limited(tmp_path, {"provider": "{name: n, requests: 3}"})
    assert shop.items(root).methods["list_items"].limit == Limit(name="n", requests=3, seconds=60.0)
    assert shop.items(shop.write(tmp_path / "b")).methods["list_items"].limit is None


def test_retry(tmp_path: Path) -> None:
    declared = """{max_attempts: 3, initial_delay_ms: 250, max_delay_ms: 4000,
        retryable_conditions: {status_codes: [429, 503]},
        x-stratoql-busy-reasons: [busy], x-stratoql-maintenance-header: M}"""
    provider = shop.edited(PROVIDER, {"/config/retry": declared})
    assert shop.method(tmp_path / "a", "list_items", {}, provider).retry == Retry(
        max_attempts=3,
        initial_delay=0.25,
        max_delay=4.0,
        statuses=(429, 503),
        busy_reasons=("busy",),
        maintenance_header="M",
    )
    partly = shop.edited(PROVIDER, {"/config/retry": "{x-stratoql-busy-reasons: [busy]}"})
    assert shop.method(tmp_path / "b", "list_items", {}, partly).retry == Retry(busy_reasons=("busy",))
    assert shop.method(tmp_path / "c", "list_items", {}).retry == Retry()


def test_filters_stand_on_the_columns_of_their_method_and_of_the_resource(tmp_path: Path) -> None:
    declared = """{header: F, max_terms: 5, max_bytes: 100, columns: {
        price: {field: cost, exact: ['=', '<'], inexact: [IN], orderable: true},
        name: {inexact: [LIKE], top_level: true, unordered: true}}}"""
    found = shop.items(shop.write(tmp_path, shop.edited(STOCK, {f"{LIST}/x-stratoql-filtering": declared})))
    how = found.methods["list_items"].filtering
    assert how is not None
    assert (how.algorithm, how.header, how.max_terms, how.max_bytes) == ("x_filter", "F", 5, 100)
    filters = {c.name: c.filter for c in found.methods["list_items"].response.columns if c.filter}
    assert list(filters) == ["name", "price"]
    price, name = filters["price"], filters["name"]
    assert (price.field, price.exact, price.inexact, price.orderable) == ("cost", ("=", "<"), ("IN",), True)
    assert (name.field, name.inexact, name.top_level, name.unordered) == ("name", ("LIKE",), True, True)
    assert found.methods["get_item"].filtering is None
    assert not any(c.filter for c in found.methods["get_item"].response.columns)
    assert [c.name for c in found.columns] == ["id", "name", "price", "tags"]
    assert [c.name for c in found.columns if c.filter] == ["name", "price"]


def test_idempotence_is_declared(tmp_path: Path) -> None:
    assert shop.method(tmp_path / "a", "drop_item", {f"{DROP}/x-stratoql-idempotent": "true"}).idempotent
    assert not shop.method(tmp_path / "b", "drop_item", {}).idempotent


def test_a_placeholder_spelled_otherwise_finds_its_parameter(tmp_path: Path) -> None:
    edits = {
        "/paths/~1items~1{item_id}": "{parameters: [{name: item-id, in: path, required: true}], delete: {}}",
        f"{DROP}/operation/$ref": "'#/paths/~1items~1{item_id}/delete'",
    }
    found = shop.method(tmp_path, "drop_item", edits)
    given = param(found, "item-id")
    assert (found.path, given.wire, given.alias) == ("/items/{item_id}", "item_id", "item_id")


def test_an_input_answers_to_its_names_in_any_case(tmp_path: Path) -> None:
    edits = {f"{ITEM}/properties/price": "{type: number, x-stackQL-alias: cost}"}
    found = shop.method(tmp_path, "add_item", edits)
    price = param(found, "data__price")
    assert [found.param(name) for name in ("DATA__price", "Cost", "price")] == [price] * 3
    assert found.param("prize") is None
    assert not found.reads

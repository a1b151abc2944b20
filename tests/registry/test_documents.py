"""What documents say, and what becomes of it in the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider_registry.catalog import Catalog
from provider_registry.faults import NotFound
from tests.registry import shop
from tests.registry.shop import ADD, ANSWER, DROP, GET, ITEMS, LIST, LISTED, ONE, PROVIDER, STOCK


def test_the_shop_has_no_faults(tmp_path: Path) -> None:
    assert shop.faults(shop.write(tmp_path)) == []


def test_a_provider_knows_its_services_without_reading_them(tmp_path: Path) -> None:
    root = shop.write(tmp_path, stock="not: [YAML")
    provider = Catalog([root]).provider("SHOP")
    assert (provider.name, provider.version, provider.title) == ("shop", "v1.0.0", "A shop")
    assert Path(provider.services["stock"].path) == root / "src/shop/v1.0.0/services/stock.yaml"
    assert provider.services["stock"].title == "Stock"
    assert provider.root == str(root)


def test_the_newest_version_counts(tmp_path: Path) -> None:
    for version in ("v1.9.0", "v1.10.0", "v1.10.0-rc.1"):
        shop.write(tmp_path, provider=PROVIDER.replace("v1.0.0", version), version=version)
    (tmp_path / "src/shop/v2.0.0").mkdir()  # without a document it is no version
    assert Catalog([tmp_path]).provider("shop").version == "v1.10.0"


def test_google_lies_in_another_folder(tmp_path: Path) -> None:
    folder = tmp_path / "src/googleapis.com/v1.0.0"
    folder.mkdir(parents=True)
    (folder / "provider.yaml").write_text("name: google\nversion: v1.0.0\nproviderServices: {}\n")
    assert Catalog([tmp_path]).provider("Google").name == "google"


def test_unknown_names_are_told_with_the_known_ones(tmp_path: Path) -> None:
    root = shop.write(tmp_path)
    with pytest.raises(NotFound, match=r"^no provider 'shpo'$") as missing:
        Catalog([root]).provider("shpo")
    assert missing.value.known == tuple(Catalog([root]).names())
    assert "shop" in missing.value.known
    with pytest.raises(NotFound, match=r"^no service 'stok' in shop$") as missing:
        Catalog([root]).service("shop", "stok")
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
    assert shop.columns(shop.method(tmp_path, "add_item", {f"{ADD}/response": "{}"})) == [
        "id",
        "name",
        "price",
        "tags",
    ]


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
    assert shop.columns(found) == expected
    assert bool(found.response.envelope) is (rows is not None and schema.startswith("{type: object"))


def test_a_provider_can_name_the_property_of_rows(tmp_path: Path) -> None:
    schema = "{properties: {entries: {type: array, items: {properties: {id: {}}}}}}"
    provider = PROVIDER + "responseKeys: {selectItemsKey: entries}\n"
    assert shop.method(tmp_path, "get_item", {ANSWER: schema}, provider).response.rows == "$.entries"


def test_a_paged_list_without_an_object_key_has_its_rows_in_its_only_array(tmp_path: Path) -> None:
    found = shop.method(tmp_path, "list_items", {f"{LIST}/response/objectKey": None})
    assert found.response.rows == "$.data"
    assert shop.columns(found) == ["id", "name", "price", "tags"]


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
    assert (found.path, found.title, shop.names(found, "query")) == ("/extra", "More", ["p"])


def test_references_may_be_percent_encoded(tmp_path: Path) -> None:
    edits = {f"{GET}/operation/$ref": "'#/paths/~1items~1%7BitemId%7D/get'"}
    assert shop.names(shop.method(tmp_path, "get_item", edits), "path") == ["itemId"]


def test_keys_beside_a_reference_stand_above_its_target(tmp_path: Path) -> None:
    edits = {ANSWER: "{properties: {id: {$ref: '#/components/schemas/Item', description: mine}}}"}
    assert shop.method(tmp_path, "get_item", edits).response.columns[0].description == "mine"


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

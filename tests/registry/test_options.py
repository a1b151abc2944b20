"""Query options, names in snake case, views, presets: what of them reaches the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider_registry.catalog import Catalog
from provider_registry.compiled import Kept
from provider_registry.faults import BadDocument
from provider_registry.model import Filter, Resource
from provider_registry.protocol import Options, Retry
from tests.registry import shop
from tests.registry.shop import ADD, DROP, ITEM, ITEMS, LIST, LISTED, PROVIDER, STOCK

PUSH = f"{LIST}/config/queryParamPushdown"


def options(tmp_path: Path, declared: str) -> tuple[Options | None, dict[str, Filter]]:
    found = shop.method(tmp_path, "list_items", {f"{LIST}/config": f"{{queryParamPushdown: {declared}}}"})
    filters = {column.name: column.filter for column in found.response.columns if column.filter}
    return found.filtering.options if found.filtering else None, filters


def test_odata_names_its_options_itself(tmp_path: Path) -> None:
    declared = (
        "{select: {dialect: odata}, filter: {dialect: odata}, orderBy: {dialect: odata}, "
        "top: {dialect: odata, maxValue: 9}, count: {dialect: odata}, skip: {dialect: odata}}"
    )
    said, filters = options(tmp_path, declared)
    assert said == Options(
        filter="$filter", order="$orderby", top="$top", top_maximum=9, select="$select", count="$count"
    )
    assert filters == {
        "id": Filter(field="id", inexact=("=", "IN", "LIKE")),
        "name": Filter(field="name", inexact=("=", "IN", "LIKE")),
        "price": Filter(field="price", exact=("=", "<", "<=", ">", ">=", "IN"), orderable=True),
    }


@pytest.mark.parametrize(
    ("listed", "exact", "inexact"),
    [
        ("[eq]", ("=",), ("=",)),
        ("[gt, le]", ("<=", ">"), ()),
        ("[eq, or]", ("=", "IN"), ("=", "IN")),
        ("[in, contains]", (), ("LIKE",)),
        ("['*']", ("=", "<", "<=", ">", ">=", "IN"), ("=", "IN", "LIKE")),
    ],
)
def test_only_the_operators_that_are_listed(
    listed: str, exact: tuple[str, ...], inexact: tuple[str, ...], tmp_path: Path
) -> None:
    _, filters = options(tmp_path, f"{{filter: {{dialect: odata, supportedOperators: {listed}}}}}")
    assert (filters["price"].exact if "price" in filters else ()) == exact
    assert (filters["name"].inexact if "name" in filters else ()) == inexact


def test_only_the_columns_that_are_listed(tmp_path: Path) -> None:
    declared = (
        "{filter: {dialect: odata, supportedColumns: [name]}, orderBy: {dialect: odata, supportedColumns: [price]}}"
    )
    _, filters = options(tmp_path, declared)
    assert {name: bool(found.inexact) for name, found in filters.items()} == {"name": True, "price": False}
    assert filters["price"] == Filter(field="price", orderable=True)


def test_a_dialect_of_its_own(tmp_path: Path) -> None:
    declared = (
        "{select: {paramName: fields, delimiter: ';', supportedColumns: [id]}, top: {paramName: size}, "
        "count: {paramName: total, paramValue: 1, responseKey: $.page}}"
    )
    said, _ = options(tmp_path, declared)
    expected = Options(
        top="size", select="fields", select_columns=("id",), select_delimiter=";", count="total", count_value="1"
    )
    assert said == expected
    edits = {f"{LIST}/config": f"{{queryParamPushdown: {declared}}}"}
    assert shop.method(tmp_path / "b", "list_items", edits).paging.total_key == "$.page"
    silent = {f"{LIST}/config": "{queryParamPushdown: {count: {paramName: total}}}"}
    assert shop.method(tmp_path / "c", "list_items", silent).paging.total_key is None


@pytest.mark.parametrize(
    ("declared", "pointer", "sentence"),
    [
        ("{tpo: {}}", f"{PUSH}/tpo", "there is no option 'tpo'; did you mean 'top'?"),
        ("{top: {}}", f"{PUSH}/top", "an option of the dialect custom names its parameter with paramName"),
        ("{top: {dialect: odta}}", f"{PUSH}/top/dialect", "there is no dialect 'odta'; did you mean 'odata'?"),
        (
            "{count: {paramName: n, responseKey: /meta}}",
            f"{PUSH}/count/responseKey",
            "'/meta' is not a path into the body such as $.meta.total",
        ),
    ],
)
def test_a_fault_of_options_is_told(declared: str, pointer: str, sentence: str, tmp_path: Path) -> None:
    root = shop.write(tmp_path, shop.edited(STOCK, {f"{LIST}/config": f"{{queryParamPushdown: {declared}}}"}))
    assert (pointer, sentence) in {(fault.pointer, fault.message) for fault in shop.faults(root)}


def test_retries_as_a_document_has_them(tmp_path: Path) -> None:
    declared = "{multiplier: 3, retryable_methods: [get, HEAD]}"
    found = shop.method(tmp_path / "a", "list_items", {f"{LIST}/config": f"{{retry: {declared}}}"}).retry
    assert found == Retry(multiplier=3.0, methods=("GET", "HEAD"))
    steady = shop.method(tmp_path / "b", "list_items", {f"{LIST}/config": "{retry: {algorithm: constant}}"}).retry
    assert steady.multiplier == 1.0
    bad = {f"{LIST}/config": "{retry: {algorithm: exponentail, multiplier: 0.5}}"}
    told = [fault.message for fault in shop.faults(shop.write(tmp_path / "c", shop.edited(STOCK, bad)))]
    assert "there is no algorithm 'exponentail'; did you mean 'exponential'?" in told
    assert "must be at least 1, got 0.5" in told


def test_names_in_snake_case_stand_beside_the_apis_own(tmp_path: Path) -> None:
    camel = {f"{ITEM}/properties/unitPrice": "{type: number}", f"{LISTED}/parameters/1/name": "pageSize"}
    provider = shop.edited(PROVIDER, {"/config/snake_case_aliases": "true"})
    found = shop.method(tmp_path / "a", "list_items", camel, provider)
    assert [(c.name, c.wire) for c in found.response.columns if c.wire] == [("unit_price", "unitPrice")]
    size = shop.param(found, "page_size")
    assert (size.wire, size.alias) == ("pageSize", "pageSize")
    body = shop.method(tmp_path / "b", "add_item", camel, provider)
    assert shop.param(body, "data__unit_price").wire == "unitPrice"
    native = shop.method(tmp_path / "c", "list_items", {**camel, f"{LIST}/request": "{nativeCasing: camel}"})
    assert shop.param(native, "pageSize").alias == "page_size"
    assert "unitPrice" in shop.columns(native)


def test_what_a_document_gives_itself(tmp_path: Path) -> None:
    edits = {
        f"{ADD}/request": "{base: '{\"a\": 1}', default: {name: x}, projection_map: {title: name}}",
        f"{DROP}/parameters": "{itemId: '7'}",
    }
    added = shop.method(tmp_path / "a", "add_item", edits)
    assert (added.base, added.fallback, shop.param(added, "data__name").alias) == ({"a": 1}, {"name": "x"}, "title")
    dropped = shop.method(tmp_path / "b", "drop_item", edits)
    assert (dropped.preset, dropped.required) == ({"itemId": "7"}, ())
    bad = shop.write(tmp_path / "c", shop.edited(STOCK, {f"{ADD}/request": "{base: '[1]'}"}))
    assert "must be a mapping or the text of a JSON object" in [fault.message for fault in shop.faults(bad)]


def test_what_a_verb_says_of_a_method(tmp_path: Path) -> None:
    ref = f"[{{$ref: '#{LIST}'}}]"
    deleting = shop.method(tmp_path / "a", "list_items", {f"{ITEMS}/sqlVerbs": f"{{delete: {ref}}}"})
    assert (deleting.reads, deleting.safe) == (False, False)
    adding = f"[{{$ref: '#{ADD}'}}]"
    selecting = shop.method(tmp_path / "b", "add_item", {f"{ITEMS}/sqlVerbs": f"{{select: {adding}}}"})
    assert (selecting.reads, selecting.safe) == (True, False)


def test_a_view_in_the_form_for_sqlite(tmp_path: Path) -> None:
    forms = (
        "{predicate: 'sqlDialect == \"postgres\"', ddl: SELECT 1, fallback: "
        "{predicate: 'sqlDialect == \"sqlite3\"', ddl: 'SELECT {{ .a }}, ''{{ b }}'' ; '}}"
    )
    docs = "{fields: [{name: x, type: integer}, {}], requiredParams: [{name: b, type: object, description: d}]}"
    edits = {f"{ITEMS}/config": f"{{docs: {docs}, views: {{select: {forms}}}}}", f"{ITEMS}/methods": None}
    found = shop.items(shop.write(tmp_path, shop.edited(STOCK, {**edits, f"{ITEMS}/sqlVerbs": None})))
    assert found.view is not None
    assert found.view.sql == "SELECT {{ .a }}, '{{ b }}'"
    assert [(p.name, p.shape.type, p.description) for p in found.view.params] == [
        ("b", "object", "d"),
        ("a", "string", ""),
    ]
    assert [(c.name, c.shape.type) for c in found.columns] == [("x", "integer")]


def test_variables_of_the_environment(tmp_path: Path) -> None:
    servers = "[{url: 'https://{site:[a-z.]+}.shop.example', variables: {site: {x-stackQL-envVar: SHOP_SITE}}}]"
    found = shop.method(tmp_path, "list_items", {"/servers": servers})
    assert found.server.url == "https://{site}.shop.example"
    assert found.server.variables["site"].env == "SHOP_SITE"
    assert not shop.param(found, "site").required


def test_another_protocol_is_told_by_the_services_of_it(tmp_path: Path) -> None:
    root = shop.write(tmp_path, provider=shop.edited(PROVIDER, {"/protocolType": "local_templated"}))
    catalog = Catalog([root])
    assert catalog.provider("shop").services["stock"].protocol == "local_templated"
    with pytest.raises(BadDocument, match="the protocol 'local_templated' is not supported here: only HTTP is"):
        catalog.service("shop", "stock")


def test_a_compiled_resource_is_decoded_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = {f"/components/x-stackQL-resources/{name}": f"{{$ref: '#{ITEMS}'}}" for name in ("a", "b")}
    root, cache = shop.write(tmp_path, shop.edited(STOCK, more)), tmp_path / "cache"
    read = Catalog([root], cache).service("shop", "stock")
    decoded: list[str] = []
    plain = Kept.__getitem__

    def noted(self: Kept, name: str) -> Resource:
        decoded.append(name)
        return plain(self, name)

    monkeypatch.setattr(Kept, "__getitem__", noted)
    kept = Catalog([root], cache)
    assert kept.resource("shop", "stock", "A").name == "a"
    assert decoded == ["a"]
    assert list(kept.service("shop", "stock").resources) == list(read.resources)
    assert kept.service("shop", "stock").resources["b"] is kept.service("shop", "stock").resources["b"]
    assert dict(kept.service("shop", "stock").resources) == dict(read.resources)

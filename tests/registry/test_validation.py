"""The validator, the JSON Schemas behind it and the README that tells of our keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from provider_registry.extensions import KEYS
from provider_registry.layout import BUILT_IN
from provider_registry.model import OPERATORS, VERBS
from provider_registry.source import parse
from provider_registry.validation import SCHEMAS, validate
from tests.registry import shop
from tests.registry.shop import ADD, ANSWER, DROP, ITEM, ITEMS, LIST, LISTED, PROVIDER, STOCK

README = (BUILT_IN / "README.md").read_text(encoding="utf-8")
DOCUMENTS = {name: json.loads((SCHEMAS / f"{name}.schema.json").read_text()) for name in ("provider", "service")}

FORMAL: list[tuple[str, shop.Edits, str, str]] = [
    ("missing key", {"/openapi": None}, "", "the key openapi is missing"),
    ("wrong version", {"/openapi": "'2.0'"}, "/openapi", "'2.0' is not of the form ^3\\."),
    ("text for a mapping", {"/info": "Stock"}, "/info", "must be a mapping, got 'Stock'"),
    ("list for a text", {"/info/description": "[a]"}, "/info/description", "must be text, got a list"),
    ("several kinds", {"/info/version": "[2]"}, "/info/version", "must be text"),
    ("word of a list", {f"{ITEM}/properties/id/type": "strng"}, f"{ITEM}/properties/id/type",
     "there is no type 'strng'; did you mean 'string'?"),
    ("place of a parameter", {"/components/parameters": "{p: {name: p, in: body}}"}, "/components/parameters/p/in",
     "must be one of path, query, header, cookie, got 'body'"),
    ("name of a parameter", {"/components/parameters": "{p: {name: '', in: query}}"}, "/components/parameters/p/name",
     "must not be empty"),
    ("key that has no place here", {f"{LIST}/x-stratoql-env": "E"}, f"{LIST}/x-stratoql-env",
     "'x-stratoql-env' has no place here; known here: x-stratoql-await, x-stratoql-bare, x-stratoql-filtering, "
     "x-stratoql-upload"),
    ("key of ours where none may stand", {"/info/x-stratoql-limit": "{}"}, "/info/x-stratoql-limit",
     "the key 'x-stratoql-limit' has no place here"),
    ("misspelled key of ours", {f"{LIST}/x-stratoql-filterng": "true"}, f"{LIST}/x-stratoql-filterng",
     "there is no key 'x-stratoql-filterng'; did you mean 'x-stratoql-filtering'?"),
    ("unknown key in ours", {f"{LIST}/x-stratoql-filtering": "{colums: {}}"},
     f"{LIST}/x-stratoql-filtering/colums", "there is no key 'colums' here; did you mean 'columns'?"),
    ("unknown key in a filter", {f"{LIST}/x-stratoql-filtering": "{columns: {price: {inexakt: []}}}"},
     f"{LIST}/x-stratoql-filtering/columns/price/inexakt", "did you mean 'inexact'?"),
    ("bound of ours", {f"{LIST}/x-stratoql-filtering": "{max_terms: 0}"},
     f"{LIST}/x-stratoql-filtering/max_terms", "must be at least 1, got 0"),
    ("seconds of a limit", {"/x-stackQL-config/x-stratoql-limit": "{name: n, requests: 1, seconds: -1}"},
     "/x-stackQL-config/x-stratoql-limit/seconds", "must be more than 0, got -1"),
    ("form of a reference", {f"{ITEMS}/sqlVerbs/exec": "[{$ref: 3}]"}, f"{ITEMS}/sqlVerbs/exec/0/$ref",
     "must be text, got 3"),
    ("form of an algorithm", {f"{ADD}/config": "{requestBodyTranslate: {algorithm: nave}}"},
     f"{ADD}/config/requestBodyTranslate/algorithm", "there is no algorithm 'nave'"),
]  # fmt: skip


def stock_of(root: Path) -> Path:
    return root / "src/shop/v1.0.0/services/stock.yaml"


@pytest.mark.parametrize(("edits", "pointer", "sentence"), [f[1:] for f in FORMAL], ids=[f[0] for f in FORMAL])
def test_a_fault_of_form_is_told_where_it_stands(
    edits: shop.Edits, pointer: str, sentence: str, tmp_path: Path
) -> None:
    found = validate(stock_of(shop.write(tmp_path, shop.edited(STOCK, edits))))
    assert any(f.pointer == pointer and sentence in f.message for f in found), found


def test_a_sound_document_has_no_faults(tmp_path: Path) -> None:
    root = shop.write(tmp_path)
    assert validate(stock_of(root)) == []
    assert validate(root / "src/shop/v1.0.0/provider.yaml") == []
    assert validate(root) == []


def test_faults_of_form_and_of_meaning_come_together_and_once(tmp_path: Path) -> None:
    edits = {
        "/info": "Stock",
        f"{ITEM}/properties/price/type": "numbr",
        f"{ANSWER}/$ref": "'#/components/schemas/Gone'",
        f"{LISTED}/parameters/1/schema/minimum": "few",
        "/components/responses": "{Bad: {$ref: '#/components/responses/Gone'}}",
    }
    found = validate(stock_of(shop.write(tmp_path, shop.edited(STOCK, edits))))
    places = [(fault.pointer, fault.severity) for fault in found]
    assert len(set(places)) == len(places)
    assert {
        ("/info", "error"),
        (f"{ITEM}/properties/price/type", "error"),
        (f"{ANSWER}/$ref", "error"),
        (f"{LISTED}/parameters/1/schema/minimum", "error"),
    } <= set(places)
    assert places[-1] == ("/components/responses/Bad/$ref", "warning")


def test_a_provider_document_is_known_by_its_services(tmp_path: Path) -> None:
    root = shop.write(tmp_path, provider=shop.edited(PROVIDER, {"/config/x-stratoql-limt": "{}", "/name": "''"}))
    file = (root / "src/shop/v1.0.0/provider.yaml").rename(root / "src/shop/v1.0.0/other.yaml")
    found = {(f.pointer, f.message) for f in validate(file)}
    assert ("/name", "must not be empty") in found
    assert any("did you mean 'x-stratoql-limit'?" in message for _, message in found)


def test_a_folder_is_all_that_is_below_it(tmp_path: Path) -> None:
    root = shop.write(tmp_path, shop.edited(STOCK, {"/info": "Stock"}), shop.edited(PROVIDER, {"/version": None}))
    assert [(Path(f.file).name, f.message) for f in validate(root)] == [
        ("provider.yaml", "the key version is missing"),
        ("stock.yaml", "must be a mapping, got 'Stock'"),
    ]
    (tmp_path / "empty").mkdir()
    (fault,) = validate(tmp_path / "empty")
    assert fault.message == "there is no provider.yaml below this folder"


def test_a_service_inherits_from_its_provider_when_validated_alone(tmp_path: Path) -> None:
    edits = {"/providerServices/stock/config": "{x-stratoql-limit: {name: n}}"}
    provider = shop.edited(PROVIDER, edits)
    root = shop.write(tmp_path / "a", provider=provider)
    assert [f.pointer for f in validate(stock_of(root))] == ["/providerServices/stock/config/x-stratoql-limit"]
    provider = provider.replace("services/stock", "services/eu/stock")
    deeper = shop.write(tmp_path / "b", provider=provider, services__eu__stock=STOCK) / "src/shop/v1.0.0/services/eu"
    found = validate(deeper / "stock.yaml")
    assert [f.pointer for f in found] == ["/providerServices/stock/config/x-stratoql-limit"]


def test_a_service_without_a_provider_stands_for_itself(tmp_path: Path) -> None:
    (tmp_path / "provider.yaml").write_text("not: [YAML")  # of something else
    (tmp_path / "drafts").mkdir()
    (tmp_path / "drafts" / "stock.yaml").write_text(STOCK)
    assert validate(tmp_path / "drafts" / "stock.yaml") == []


def test_a_service_that_its_provider_does_not_list_has_its_config_still(tmp_path: Path) -> None:
    provider = shop.edited(PROVIDER, {"/config/x-stratoql-limit": "{name: n}"})
    root = shop.write(tmp_path, provider=provider, services__other=STOCK)
    found = validate(root / "src/shop/v1.0.0/services/other.yaml")
    assert [(Path(f.file).name, f.pointer) for f in found] == [("provider.yaml", "/config/x-stratoql-limit")]


@pytest.mark.parametrize("text", ["a: [1", "", "a: &a [*a]"])
def test_what_is_not_yaml_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text)
    assert len(validate(tmp_path / "x.yaml")) == 1


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    (fault,) = validate(tmp_path / "x.yaml")
    assert fault.message.startswith("cannot be read: ")


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema within a schema."""
    if isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


def allowed(schema: dict[str, Any]) -> dict[str, set[str]]:
    """Our keys that each guarded schema lets through, beside those it describes."""
    described = {key for key in schema.get("properties", {}) if key.startswith("x-stratoql-")}
    guards = [key for key in schema.get("patternProperties", {}) if key.startswith("^x-stratoql-")]
    through = {f"x-stratoql-{name}" for guard in guards for name in re.findall(r"[\w-]+(?=[|)])", guard[13:])}
    return {"described": described, "through": through}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(DOCUMENTS[name])
    assert DOCUMENTS[name]["$id"] == f"{name}.schema.json"


def test_the_schemas_describe_just_our_keys() -> None:
    described = {
        key
        for document in DOCUMENTS.values()
        for schema in objects(document)
        for key in schema.get("properties", {})
        if key.startswith("x-stratoql-")
    }
    assert described == set(KEYS)
    for document in DOCUMENTS.values():
        for schema in objects(document):
            if "patternProperties" in schema and "properties" in schema:
                assert allowed(schema)["described"] == allowed(schema)["through"]


def test_the_schemas_know_the_words_of_the_model() -> None:
    known = DOCUMENTS["service"]["$defs"]
    assert set(known["sqlVerbs"]["properties"]) == set(VERBS)
    assert known["filter"]["properties"]["exact"]["items"]["enum"] == list(OPERATORS)


def examples() -> dict[str, str]:
    """The README's example of each of our keys."""
    parts = re.split(r"^### `(x-stratoql-[a-z-]+)`\n", README, flags=re.MULTILINE)[1:]
    bodies = [body.split("\n## ")[0] for body in parts[1::2]]
    return {
        key: "\n".join(re.findall(r"```yaml\n(.*?)```", body, re.DOTALL))
        for key, body in zip(parts[::2], bodies, strict=True)
    }


def test_the_readme_tells_of_every_key_and_of_no_other() -> None:
    assert list(examples()) == sorted(KEYS)
    assert set(re.findall(r"x-stratoql-[a-z]+(?:-[a-z]+)*", README)) == set(KEYS)


PLACES = {  # where the README's examples belong in the shop
    "retry": "/x-stackQL-config/retry",
    "auth": "/x-stackQL-config/auth",
    "pagination": "/x-stackQL-config/pagination",
    "config": f"{LIST}/config",
    "servers": "/servers",
    "schema": "/paths/~1items~1{itemId}/parameters/0/schema",
    "x-stratoql-filtering": f"{LIST}/x-stratoql-filtering",
    "x-stratoql-bare": f"{LIST}/x-stratoql-bare",
    "x-stratoql-await": f"{ADD}/x-stratoql-await",
    "x-stratoql-upload": f"{ADD}/x-stratoql-upload",
}
README_NAMES = {
    "page_size": "size",
    "$.results": "$.page",
    "size: {": "price: {",
    "label: {": "name: {",
    "status: {": "tags: {",
    "apiVersion": "region",
    "is_public: false": "price: 5",
    "is_public: true": "price: 5",
    "get_image": "get_item",
    "keys: { imageId:": "keys: { itemId:",
    "column: status": "column: name",
    "column: regions, each: regions": "column: tags, each: tags",
    "size: MB": "price: EUR",
    "$.upload_to": "$.name",
}


WAIT = "{method: get_item, keys: {itemId: $.id}, until: [{column: name, ready: [here]}]}"


@pytest.mark.parametrize("key", KEYS)
def test_every_example_of_the_readme_is_sound(key: str, tmp_path: Path) -> None:
    text = examples()[key]
    assert key in text
    for name, here in README_NAMES.items():
        text = text.replace(name, here)
    value, problems = parse(text.encode())
    assert problems == []
    if isinstance(value, list):  # a parameter
        edits = {"/paths/~1items~1{itemId}/parameters": json.dumps(value).replace("imageId", "itemId")}
    elif "put_image" in value:
        edits = {f"{DROP}/{key}": json.dumps(value["put_image"][key])}
    else:
        edits = {PLACES[place]: json.dumps(inner) for place, inner in value.items()}
    if "upload" in key:  # what is uploaded can be waited for
        edits[PLACES["x-stratoql-await"]] = WAIT
    assert validate(stock_of(shop.write(tmp_path, shop.edited(STOCK, edits)))) == []


def test_the_readme_names_every_auth_type_and_pagination() -> None:
    known = DOCUMENTS["service"]["$defs"]
    for word in (
        *known["auth"]["properties"]["type"]["enum"],
        *known["pagination"]["properties"]["algorithm"]["enum"],
    ):
        assert f"`{word}`" in README, word

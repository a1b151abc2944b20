"""What is read out of a specification, piece by piece."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from engine.session import Session
from engine.settings import Settings
from provider_registry.catalog import Catalog
from provider_registry.faults import BadDocument
from provider_registry.importing.writing import make
from provider_registry.model import Method, Resource
from provider_registry.source import dump, parse
from provider_registry.validation import validate
from tests.importing.kennels import get, listed, made, spec

ROW = {"type": "object", "properties": {"id": {"type": "integer"}, "tags": {"type": "array"}}}
ROWS = {"type": "array", "items": ROW}
WHOLE, SMALL = {"type": "integer"}, {"type": "integer", "maximum": 100}


def resources(folder: Path) -> dict[str, Resource]:
    """By `service.resource`. What was written has no faults."""
    root = folder / "out"
    assert [fault for fault in validate(root) if fault.severity == "error"] == []
    catalog = Catalog([root])
    found = {}
    for service in catalog.provider("api").services:
        for name, resource in catalog.service("api", service).resources.items():
            found[f"{service}.{name}"] = resource
    return found


def method(folder: Path, paths: dict[str, Any], **more: Any) -> Method:
    """The one method of a specification."""
    made(folder, paths, **more)
    (resource,) = resources(folder).values()
    (found,) = resource.methods.values()
    return found


KEYS: list[tuple[str, str, Any, str | None, bool]] = [
    ("a bare array", "/pets", ROWS, None, False),
    ("an envelope", "/pets", listed(page="integer", total="integer"), "$.data", False),
    ("the name of the resource", "/pets", {"properties": {"pets": ROWS, "owner": ROW}}, "$.pets", False),
    ("two levels", "/pets", {"properties": {"data": {"properties": {"items": ROWS, "total": WHOLE}}}},
     "$.data.items", False),
    ("HAL", "/pets", {"properties": {"_embedded": {"properties": {"pets": ROWS}}, "_links": ROW}},
     "$._embedded.pets", False),
    ("an odd name", "/pets", {"properties": {"the pets": ROWS, "count": WHOLE}}, "$['the pets']", False),
    ("a row with a list", "/pets/{id}", ROW, None, True),
    ("a row with items", "/pets/{id}", {"properties": {"id": WHOLE, "items": ROWS}}, None, True),
    ("a row in an envelope", "/pets/{id}", {"properties": {"data": ROW, "status": WHOLE}}, "$.data", False),
    ("a row under its name", "/pets/{id}", {"properties": {"pet": ROW}}, "$.pet", False),
    ("a thing of its own", "/status", {"properties": {"ok": {"type": "boolean"}}}, None, True),
]  # fmt: skip


@pytest.mark.parametrize(("path", "schema", "key", "single"), [k[1:] for k in KEYS], ids=[k[0] for k in KEYS])
def test_where_the_rows_are(path: str, schema: Any, key: str | None, single: bool, tmp_path: Path) -> None:
    response = method(tmp_path, {path: get(schema)}).response
    assert (response.rows, response.single) == (key, single)
    assert [column.name for column in response.columns][:1] in (["id"], ["ok"])


PAGES: list[tuple[str, Any, tuple[Any, ...], tuple[Any, ...]]] = [
    ("pages that are counted", listed(page="integer", pages="integer", results="integer"),
     ("page", ("page_size", SMALL)), ("page_number", "page", "$.page", "$.pages", "$.results", "page_size")),
    ("pages in meta", listed(meta={"properties": {"current_page": WHOLE, "total_pages": WHOLE}}),
     ("pageNumber", ("perPage", SMALL)),
     ("page_number", "pageNumber", "$.meta.current_page", "$.meta.total_pages", None, "perPage")),
    ("a cursor", listed(nextPageToken="string"), ("pageToken",),
     ("token", "pageToken", "$.nextPageToken", None, None, None)),
    ("a cursor that may be null", listed(meta={"properties": {"next_cursor": {"type": "string", "nullable": True}}}),
     ("cursor",), ("token", "cursor", "$.meta.next_cursor", None, None, None)),
    ("an address", listed(next={"type": "string", "format": "uri"}), ("offset", "limit"),
     ("next_url", "pageToken", "$.next", None, None, None)),
    ("an address among links", listed(links={"properties": {"next": {"type": "string"}}}), ("page",),
     ("next_url", "pageToken", "$.links.next", None, None, None)),
    ("HAL's address", listed(_links={"properties": {"next": {"properties": {"href": {"type": "string"}}}}}), (),
     ("next_url", "pageToken", "$._links.next.href", None, None, None)),
    ("OData", {"properties": {"value": ROWS, "@odata.nextLink": {"type": "string"}}}, (),
     ("next_url", "pageToken", "$['@odata.nextLink']", None, None, None)),
    ("an offset", listed(total="integer"), ("offset", ("limit", SMALL)),
     ("offset", "offset", "", None, "$.total", "limit")),
    ("pages that nobody counts", listed(), ("page",), ("page_number", "page", "$.page", None, None, None)),
    ("all at once", listed(count="integer"), (), ("none",)),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "query", "expected"), [p[1:] for p in PAGES], ids=[p[0] for p in PAGES])
def test_how_a_list_goes_on(schema: Any, query: tuple[Any, ...], expected: tuple[Any, ...], tmp_path: Path) -> None:
    found = method(tmp_path, {"/pets": get(schema, *query)}).paging
    size = found.size.key if found.size else None
    told = (found.algorithm, found.request_key, found.response_key, found.terminator_key, found.total_key, size)
    assert told[: len(expected)] == expected


def test_a_header_link(tmp_path: Path) -> None:
    operation = get(ROWS, "page")
    operation["get"]["responses"]["200"]["headers"] = {"link": {"schema": {"type": "string"}}}
    found = method(tmp_path, {"/pets": operation}).paging
    assert (found.algorithm, found.response_location, found.response_key) == ("link_header", "header", "Link")


def test_a_list_of_which_nobody_knows_the_rest_is_remarked(tmp_path: Path) -> None:
    assert made(tmp_path, {"/pets": get(listed(), "limit")}).remarks == (
        "GET /pets: nothing tells how the list goes on, so only its first part may be read",
    )


def test_one_pagination_for_all_lists_stands_on_the_service(tmp_path: Path) -> None:
    page = get(listed(page="integer", pages="integer"), "page")
    made(tmp_path, {"/api/pets": page, "/api/pets/{id}": get(ROW), "/api/pets/{id}/toys": page})
    document = parse((tmp_path / "out/src/api/v1.2/services/pets.yaml").read_bytes())[0]
    assert document["x-stackQL-config"]["pagination"]["algorithm"] == "page_number"
    assert {m.paging.algorithm for m in resources(tmp_path)["pets.toys"].methods.values()} == {"page_number"}
    assert {m.name: m.paging.algorithm for m in resources(tmp_path)["pets.pets"].methods.values()} == {
        "get_pets": "page_number", "get_pets_2": "none",
    }  # fmt: skip


DONE = {"responses": {"200": {"description": ""}}}


def test_verbs_follow_from_the_methods_of_http(tmp_path: Path) -> None:
    made(
        tmp_path,
        {
            "/v1/pets": {**get(ROWS), "post": DONE, "head": DONE},
            "/v1/pets/{id}": {**get(ROW), "put": DONE, "patch": DONE, "delete": DONE, "post": DONE},
            "/v1/pets/{id}/feed": {"post": {**DONE, "operationId": "feedPet"}},
            "/v1/pets/{id}:wash": {"post": {**DONE, "operationId": "washPet"}},
            "/v1/pets/{id}/photo": {"get": {**DONE, "operationId": "download"}},
            "/v1/login": {"post": DONE},
        },
    )
    found = {name: dict(resource.verbs) for name, resource in resources(tmp_path).items()}
    assert found == {
        "login.login": {"insert": ("post_login",)},
        "pets.pets": {
            "select": ("get_pets", "get_pets_2"),
            "insert": ("post_pets",),
            "delete": ("delete_pets",),
            "update": ("patch_pets",),
            "replace": ("put_pets",),
            "exec": ("post_pets_2", "feed_pet", "wash_pet"),
        },
        "pets.photo": {"exec": ("download",)},
    }


def test_names_that_meet_grow(tmp_path: Path) -> None:
    paths = ("/repos", "/orgs/{org}/repos", "/users/{user}/repos", "/users", "/users/{user}/repos/{repo}/Big Files")
    tagged = {path: get(ROWS, tags=["Code Hosting"]) for path in paths}
    made(tmp_path, tagged)
    assert list(resources(tmp_path)) == [
        f"code_hosting.{name}" for name in ("repos", "orgs_repos", "users_repos", "users", "big_files")
    ]


WORDS = """
abort add all alter and as asc begin between by case cast check collate column commit constraint create cross
current default delete desc distinct do drop each else end escape except exists explain fail filter first for
foreign from full glob group having if in index indexed inner insert intersect into is isnull join key last
left like limit match natural no not nothing notnull null of offset on or order outer over partition plan
primary query raise range references regexp release rename replace returning right rollback row rows savepoint
select set table temp then to transaction trigger union unique update using vacuum values view virtual when
where window with without exec show describe use registry
"""


@pytest.mark.parametrize("path", ["/things/{}", "/{}/things"])
def test_no_word_of_sql_is_in_the_way(path: str, tmp_path: Path) -> None:
    make(spec(tmp_path, {path.format(word): get(ROWS) for word in WORDS.split()}), "api", tmp_path / "out", "path")
    with Session(Settings(registry=(str(tmp_path / "out"),), environ={})) as session:
        for name in resources(tmp_path):
            (plan,) = session.run(f"EXPLAIN SELECT x.id FROM api.{name} x WHERE x.id = 1")
            assert plan.fetchall()[0] == (f"step 1: t0 <- api.{name}.get_{name.partition('.')[2]}",)


def test_services_by_tag_or_by_path(tmp_path: Path) -> None:
    paths = {"/pets": get(ROWS, tags=["Animals"]), "/pets/{id}/toys": get(ROWS), "/toys": get(ROWS, tags=["Things"])}
    made(tmp_path / "guess", paths)
    assert list(resources(tmp_path / "guess")) == ["pets.pets", "pets.toys", "toys.toys"]
    make(spec(tmp_path / "tag", paths), "api", tmp_path / "tag/out", "tag")
    assert list(resources(tmp_path / "tag")) == ["animals.pets", "pets.toys", "things.toys"]


def test_of_methods_that_cannot_be_told_apart_the_first_stays(tmp_path: Path) -> None:
    paths = {
        "/pets": {**get(ROWS), "delete": DONE},
        "/pets/{id}": {**get(ROW), "put": DONE},
        "/pets/{name}": {"put": DONE},
    }
    remarks = made(tmp_path, {**paths, "/pets/{id}/": {"put": {**DONE, "operationId": "again"}}}).remarks
    assert "pets.pets: again needs what put_pets needs, so it is EXEC's alone, and no REPLACE" in remarks
    verbs = resources(tmp_path)["pets.pets"].verbs
    assert (verbs["replace"], verbs["exec"]) == (("put_pets", "put_pets_2"), ("again",))


def test_the_key_of_a_row_is_known(tmp_path: Path) -> None:
    identified = [{"name": "petId", "in": "path", "required": True, "schema": WHOLE}]
    item = {**get(ROW), "delete": DONE, "parameters": identified}
    toys = {
        **get({"type": "array", "items": {"properties": {"id": WHOLE, "label": WHOLE}}}),
        "parameters": identified,
    }
    made(tmp_path, {"/pets": get(ROWS), "/pets/{petId}": item, "/pets/{petId}/toys": toys})
    found = resources(tmp_path)
    keys = {m.name: p.key for r in found.values() for m in r.methods.values() for p in m.params if p.wire == "petId"}
    assert keys == {"get_pets_2": "id", "delete_pets": "id", "get_toys": None}


SCHEMES: list[tuple[str, Any, dict[str, Any]]] = [
    ("bearer", {"type": "http", "scheme": "Bearer"}, {"type": "bearer", "prefix": "Bearer ", "env": ["API_TOKEN"]}),
    ("basic", {"type": "http", "scheme": "basic"}, {"type": "basic", "env": ["API_PASSWORD", "API_USERNAME"]}),
    ("a key in a header", {"type": "apiKey", "in": "header", "name": "X-Key"},
     {"type": "api_key", "name": "X-Key", "location": "header", "env": ["API_API_KEY"]}),
    ("a key in the query", {"type": "apiKey", "in": "query", "name": "key"},
     {"type": "api_key", "name": "key", "location": "query"}),
    ("client credentials",
     {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://a.example/t", "scopes": {"read": ""}}}},
     {"type": "oauth2", "token_url": "https://a.example/t", "scopes": ("read",),
      "env": ["API_CLIENT_SECRET", "API_CLIENT_ID"]}),
    ("another flow", {"type": "oauth2", "flows": {"implicit": {}}}, {"type": "bearer", "env": ["API_TOKEN"]}),
    ("OpenID", {"type": "openIdConnect", "openIdConnectUrl": "https://a.example"}, {"type": "bearer"}),
    ("a cookie", {"type": "apiKey", "in": "cookie", "name": "c"}, {"type": "null_auth"}),
    ("digest", {"type": "http", "scheme": "digest"}, {"type": "null_auth"}),
    ("a certificate", {"type": "mutualTLS"}, {"type": "null_auth"}),
]  # fmt: skip


@pytest.mark.parametrize(("scheme", "expected"), [s[1:] for s in SCHEMES], ids=[s[0] for s in SCHEMES])
def test_credentials(scheme: Any, expected: dict[str, Any], tmp_path: Path) -> None:
    security = {"security": [{"one": []}], "components": {"securitySchemes": {"one": scheme}}}
    auth = method(tmp_path, {"/pets": get(ROWS)}, **security).auth
    places = [*auth.credentials, *([auth.username] if auth.username else [])]
    told = {name: getattr(auth, name) for name in expected if name != "env"} | {
        "env": [place.env for place in places]
    }
    assert {name: told[name] for name in expected} == expected


def test_a_scheme_that_cannot_be_spoken_is_remarked(tmp_path: Path) -> None:
    schemes = {"securitySchemes": {"one": {"type": "http", "scheme": "digest"}}}
    remarks = made(tmp_path, {"/pets": get(ROWS)}, security=[{"one": []}], components=schemes).remarks
    assert remarks == ("credentials of HTTP's scheme digest cannot be sent",)


def test_choices_of_credentials(tmp_path: Path) -> None:
    schemes = {
        "cookie": {"type": "apiKey", "in": "cookie", "name": "c"},
        "token": {"type": "http", "scheme": "bearer"},
    }
    operations = {
        "/a": get(ROWS),
        "/b": get(ROWS, security=[]),
        "/c": get(ROWS, security=[{}, {"token": []}]),
        "/d": get(ROWS, security=[{"token": []}]),
    }
    made(tmp_path, operations, security=[{"cookie": []}, {"token": []}], components={"securitySchemes": schemes})
    auths = {name: next(iter(r.methods.values())).auth for name, r in resources(tmp_path).items()}
    assert {name: (auth.type, auth.optional) for name, auth in auths.items()} == {
        "a.a": ("bearer", False), "b.b": ("null_auth", False), "c.c": ("bearer", True), "d.d": ("bearer", False),
    }  # fmt: skip
    provider = (tmp_path / "out/src/api/v1.2/provider.yaml").read_text()
    assert "credentialsenvvar: API_TOKEN" in provider
    assert "config" not in (tmp_path / "out/src/api/v1.2/services/d.yaml").read_text()


def test_references_into_other_files_are_kept_by_file(tmp_path: Path) -> None:
    folder = tmp_path / "spec"
    (folder / "schemas").mkdir(parents=True)
    (folder / "schemas/pet.json").write_text(
        json.dumps({"properties": {"id": WHOLE, "toy": {"$ref": "toy.yaml#/Toy"}}})
    )
    (folder / "schemas/toy.yaml").write_text(
        "Toy: {properties: {name: {$ref: '../spec.json#/components/schemas/Name'}}}"
    )
    (folder / "pets.yaml").write_text(
        "get:\n  responses:\n    '200':\n      content:\n        application/json:\n"
        "          schema: {type: array, items: {$ref: schemas/pet.json}}\n"
    )
    paths = {
        "/pets": {"$ref": "pets.yaml"},
        "/toys": get({"type": "array", "items": {"$ref": "schemas/toy.yaml#/Toy"}}),
    }
    make(spec(folder, paths, components={"schemas": {"Name": {"type": "string"}}}), "api", tmp_path / "out")
    found = resources(tmp_path)
    columns = {name: [c.name for c in resource.columns] for name, resource in found.items()}
    assert columns == {"pets.pets": ["id", "toy"], "toys.toys": ["name"]}
    written = {
        str(p.relative_to(tmp_path / "out/src/api/v1.2")) for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
    assert written == {
        "provider.yaml", "services/pets.yaml", "services/toys.yaml",
        "spec/spec.json", "spec/pets.yaml", "spec/schemas/pet.json", "spec/schemas/toy.yaml",
    }  # fmt: skip


def test_only_what_a_service_needs_is_in_its_document(tmp_path: Path) -> None:
    schemas = {"Pet": {**ROW, "additionalProperties": {"$ref": "#/components/schemas/Toy"}}, "Toy": ROW, "Other": ROW}
    paths = {
        "/pets": get({"$ref": "#/components/schemas/Pet"}),
        "/others": get({"$ref": "#/components/schemas/Other"}),
    }
    made(tmp_path, paths, components={"schemas": schemas})
    document = parse((tmp_path / "out/src/api/v1.2/services/pets.yaml").read_bytes())[0]
    assert list(document["components"]["schemas"]) == ["Pet", "Toy"]
    assert list(document["paths"]) == ["/pets"]


def test_an_edition_before_every_path_is_a_part_of_the_address(tmp_path: Path) -> None:
    edition = [
        {"name": "ver", "in": "path", "required": True, "schema": {"type": "string", "enum": ["v4", "v4beta"]}}
    ]
    items = {"/{ver}/pets": {**get(ROWS), "parameters": edition}, "/{ver}/toys": get(ROWS)}
    items["/{ver}/toys"]["get"]["parameters"] = edition
    made(tmp_path, items)
    found = resources(tmp_path)
    assert list(found) == ["pets.pets", "toys.toys"]
    for resource in found.values():
        (each,) = resource.methods.values()
        assert (each.server.url, each.server.variables["ver"].default) == ("https://a.example/{ver}", "v4")
        assert (each.required, each.path.count("{")) == ((), 0)


def test_a_broken_reference_is_told_with_all_others_and_nothing_is_written(tmp_path: Path) -> None:
    schema = {"properties": {"a": {"$ref": "#/components/schemas/Gone"}, "b": {"$ref": "gone.yaml"}}}
    with pytest.raises(BadDocument) as bad:
        made(tmp_path, {"/pets": get(schema), "/toys": get({"$ref": "https://a.example/x.yaml"})})
    assert [fault.message.partition("; known here")[0] for fault in bad.value.faults] == [
        "#/components/schemas/Gone leads nowhere: there is no 'components'",
        "there is no file gone.yaml",
        "https://a.example/x.yaml is an address: documents refer only to files beside them",
    ]
    assert not (tmp_path / "out").exists()


def test_a_fault_is_told_where_it_can_be_mended(tmp_path: Path) -> None:
    with pytest.raises(BadDocument) as bad:
        made(tmp_path, {"/pets": {"get": {"parameters": [{"name": "x", "in": "nowhere"}], "responses": {}}}})
    (fault,) = bad.value.faults
    assert (fault.file, fault.pointer) == (str(tmp_path / "spec.json"), "/paths/~1pets/get/parameters/0/in")


def test_types_of_3_1_may_be_null(tmp_path: Path) -> None:
    rows = {"type": "array", "items": {"type": "object", "properties": {
        "a": {"type": ["string", "null"]}, "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}}}  # fmt: skip
    columns = method(tmp_path, {"/pets": get(rows)}, openapi="3.1.0").response.columns
    assert [(c.name, c.shape.type, c.shape.nullable) for c in columns] == [
        ("a", "string", True),
        ("b", "integer", True),
    ]


ODD = [
    "on",
    "no",
    "0o17",
    "1e5",
    "0x1f",
    "1_000",
    "2021-08-14",
    "<<",
    "~",
    "=",
    "null",
    "a\nb\n",
    " x ",
    "'",
    "- a",
    "#",
]
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@examples(max_examples=300, deadline=None)
@given(DATA)
def test_what_is_written_is_read_again(value: Any) -> None:
    text = dump({"top": value})
    found, problems = parse(text.encode("utf-8"))
    assert (found, problems) == ({"top": value}, [])

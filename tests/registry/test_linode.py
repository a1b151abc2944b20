"""The document of Linode's images says what the API does."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider_registry.catalog import Catalog
from provider_registry.documents import read_provider, read_service
from provider_registry.layout import BUILT_IN
from provider_registry.model import Filter, Method, Resource
from provider_registry.protocol import Credential, Limit, PageSize
from provider_registry.validation import validate

SERVICES = ("account", "images", "linode", "regions", "tags", "volumes")
READS = ("get_image", "get_images")
PRIVATE = ("put_image", "delete_image", "post_replicate_image")

#        name, type, format, nullable, read-only
COLUMNS = """
id             string   -          no   read-only
capabilities   array    -          no   read-only
created        string   date-time  no   read-only
created_by     string   -          yes  read-only
deprecated     boolean  -          no   read-only
description    string   -          yes  writable
eol            string   date-time  yes  read-only
expiry         string   date-time  yes  read-only
is_public      boolean  -          no   read-only
label          string   -          no   writable
regions        array    -          yes  read-only
size           integer  -          no   read-only
status         string   -          no   read-only
tags           array    -          no   writable
total_size     integer  -          yes  read-only
type           string   -          no   read-only
updated        string   date-time  no   read-only
vendor         string   -          yes  read-only
""".strip()

#        method, parameter, on the wire, where, type, must
PARAMS = """
get_image             imageId            imageId      path   string   required
get_images            page               page         query  integer  optional
get_images            page_size          page_size    query  integer  optional
post_image            data__disk_id      disk_id      body   integer  required
post_image            data__label        label        body   string   optional
post_image            data__description  description  body   string   optional
post_image            data__cloud_init   cloud_init   body   boolean  optional
post_image            data__tags         tags         body   array    optional
put_image             imageId            imageId      path   string   required
put_image             data__label        label        body   string   optional
put_image             data__description  description  body   string   optional
put_image             data__tags         tags         body   array    optional
delete_image          imageId            imageId      path   string   required
post_upload_image     data__label        label        body   string   required
post_upload_image     data__region       region       body   string   required
post_upload_image     data__description  description  body   string   optional
post_upload_image     data__cloud_init   cloud_init   body   boolean  optional
post_upload_image     data__tags         tags         body   array    optional
post_replicate_image  imageId            imageId      path   string   required
post_replicate_image  data__regions      regions      body   array    required
""".strip()

METHODS = """
get_image             GET     /images/{imageId}          select
get_images            GET     /images                    select
post_image            POST    /images                    insert
put_image             PUT     /images/{imageId}          replace
delete_image          DELETE  /images/{imageId}          delete
post_upload_image     POST    /images/upload             exec
post_replicate_image  POST    /images/{imageId}/regions  exec
""".strip()


@pytest.fixture(scope="module")
def images() -> Resource:
    return Catalog().resource("linode", "images", "images")


def table(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def names(method: Method) -> list[str]:
    return [column.name for column in method.response.columns]


def test_the_documents_have_no_faults_and_no_warnings() -> None:
    assert validate(BUILT_IN) == []
    provider = read_provider(BUILT_IN / "src/linode/v1.0.0/provider.yaml")
    assert provider.faults == ()
    assert {name: read_service(ref).faults for name, ref in provider.value.services.items()} == dict.fromkeys(
        SERVICES, ()
    )


def test_the_version_is_the_folders() -> None:
    folder = next((BUILT_IN / "src/linode").iterdir())
    assert f"\nversion: {folder.name}\n" in (folder / "provider.yaml").read_text()
    assert Catalog().provider("linode").version == folder.name


def test_methods(images: Resource) -> None:
    found = [[m.name, m.http, m.path, images.verb_of(m.name)] for m in images.methods.values()]
    assert sorted(found) == sorted(table(METHODS))
    assert images.verbs == {
        "select": READS,
        "insert": ("post_image",),
        "delete": ("delete_image",),
        "replace": ("put_image",),
        "exec": ("post_upload_image", "post_replicate_image"),
    }


@pytest.mark.parametrize("name", [*READS, "post_image", "put_image", "post_replicate_image"])
def test_the_18_columns_in_order(name: str, images: Resource) -> None:
    found = [
        [
            c.name,
            c.shape.type,
            c.shape.format or "-",
            "yes" if c.shape.nullable else "no",
            "read-only" if c.read_only else "writable",
        ]
        for c in images.methods[name].response.columns
    ]
    assert found == table(COLUMNS)


def test_every_column_and_parameter_is_explained(images: Resource) -> None:
    for method in images.methods.values():
        assert method.title
        assert method.description
        told = [(c.name, c.description) for c in (*method.response.columns, *method.response.envelope)]
        told += [(p.name, p.description) for p in method.params]
        assert [name for name, text in told if not text.endswith(".")] == []
        for column in method.response.columns:
            assert column.example is not None or column.name == "image", column.name


def test_the_envelope_of_the_list(images: Resource) -> None:
    found = images.methods["get_images"].response
    assert found.rows == "$.data"
    assert [(c.name, c.shape.type) for c in found.envelope] == [
        ("data", "array"),
        ("page", "integer"),
        ("pages", "integer"),
        ("results", "integer"),
    ]
    assert all(images.methods[m].response.envelope == () for m in images.methods if m != "get_images")


def test_other_answers(images: Resource) -> None:
    assert names(images.methods["delete_image"]) == []
    upload = images.methods["post_upload_image"].response.columns
    assert [(c.name, c.shape.type) for c in upload] == [("image", "object"), ("upload_to", "string")]


def test_parameters(images: Resource) -> None:
    found = [
        [m.name, p.name, p.wire, p.location, p.shape.type, "required" if p.required else "optional"]
        for m in images.methods.values()
        for p in m.params
        if p.location != "server"
    ]
    assert sorted(found) == sorted(table(PARAMS))


def test_the_id_is_the_key_of_the_rows(images: Resource) -> None:
    for name in ("get_image", *PRIVATE):
        param = images.methods[name].param("imageId")
        assert param is not None
        assert (param.key, param.example) == ("id", "private/12345")
    read = images.methods["get_image"].param("imageid")
    assert read is not None
    assert (read.shape.pattern, read.shape.min_length) == (None, 1)  # an empty id would be the list's address


def test_only_private_images_can_be_changed(images: Resource) -> None:
    for name in PRIVATE:
        param = images.methods[name].param("imageId")
        assert param is not None
        assert param.shape.pattern == "^private/[0-9]+$"
        assert param.shape.pattern_hint is not None
        assert param.shape.pattern_hint.startswith("the id of a private image")


def test_limits_of_values(images: Resource) -> None:
    page, size = (images.methods["get_images"].param(name) for name in ("page", "page_size"))
    assert page is not None
    assert size is not None
    assert (page.shape.minimum, page.shape.maximum, page.default) == (1, None, None)
    assert (size.shape.minimum, size.shape.maximum, size.default) == (25, 500, 100)
    for name in ("post_image", "put_image", "post_upload_image"):
        tags, label = (images.methods[name].param(bare) for bare in ("tags", "label"))
        assert tags is not None
        assert label is not None
        assert tags.shape.items is not None
        assert (tags.shape.items.min_length, tags.shape.items.max_length, tags.shape.max_items) == (3, 100, 500)
        assert (label.shape.min_length, label.shape.max_length) == (1, None)
    regions = images.methods["post_replicate_image"].param("data__regions")
    assert regions is not None
    assert regions.shape.min_items == 1


def test_words_a_value_can_be(images: Resource) -> None:
    shapes = {column.name: column.shape for column in images.columns}
    assert shapes["status"].enum == ("creating", "pending_upload", "available")
    assert shapes["type"].enum == ("manual", "automatic", "shared")
    region = shapes["regions"].items
    assert region is not None
    assert list(region.fields) == ["region", "status"]
    assert "pending replication" in region.fields["status"].enum


def test_the_server_and_what_sets_it(images: Resource) -> None:
    for method in images.methods.values():
        assert method.server.url == "https://api.linode.com/{apiVersion}"
        assert method.server.env == "LINODE_URL"
        version = method.server.variables["apiVersion"]
        assert (version.default, version.enum, version.env) == ("v4", ("v4", "v4beta"), "LINODE_API_VERSION")


def test_auth(images: Resource) -> None:
    for method in images.methods.values():
        auth = method.auth
        assert (auth.type, auth.optional, auth.name, auth.prefix) == ("bearer", True, "Authorization", "Bearer ")
        assert auth.credentials == (
            Credential(env="LINODE_TOKEN"),
            Credential(env="LINODE_CLI_TOKEN"),
            Credential(ini="linode-cli", ini_key="token"),
        )
        assert (auth.scopes_header, auth.wanted_scopes_header) == ("X-OAuth-Scopes", "X-Accepted-OAuth-Scopes")


def test_paging(images: Resource) -> None:
    paging = images.methods["get_images"].paging
    assert (paging.algorithm, paging.request_key, paging.request_location) == ("page_number", "page", "query")
    assert (paging.terminator_key, paging.total_key) == ("$.pages", "$.results")
    assert paging.size == PageSize(key="page_size", minimum=25, maximum=500, default=100)
    assert {m.name for m in images.methods.values() if m.paging.algorithm != "none"} == {"get_images"}


def test_limits_and_retries(images: Resource) -> None:
    for method in images.methods.values():
        expected = ("images:list", 20) if method.name == "get_images" else ("default", 1600)
        assert method.limit == Limit(name=expected[0], requests=expected[1], seconds=60)
        assert method.retry.busy_reasons == ("Linode busy.",)
        assert method.retry.maintenance_header == "X-Maintenance-Mode"
        assert method.retry.statuses == (408, 429, 500, 502, 503, 504)


FILTERS = {
    "deprecated": Filter(field="deprecated", exact=("=",)),
    "is_public": Filter(field="is_public", exact=("=",)),
    "label": Filter(field="label", inexact=("=", "IN", "LIKE")),
    "size": Filter(field="size", exact=("=", "<", "<=", ">", ">=", "IN"), orderable=True),
    "status": Filter(field="status", exact=("=",), top_level=True, unordered=True),
    "type": Filter(field="type", exact=("=",), top_level=True),
    "vendor": Filter(field="vendor", inexact=("=", "IN")),
}


def test_filters(images: Resource) -> None:
    listed = images.methods["get_images"]
    assert {c.name: c.filter for c in listed.response.columns if c.filter} == FILTERS
    assert {c.name for c in images.columns if c.filter} == set(FILTERS)
    assert listed.filtering is not None
    assert (listed.filtering.header, listed.filtering.max_terms, listed.filtering.max_bytes) == ("X-Filter", 50, 4096)
    assert [m.name for m in images.methods.values() if m.filtering] == ["get_images"]


def test_the_readme_says_why_each_filter_is_what_it_is() -> None:
    text = (BUILT_IN / "README.md").read_text(encoding="utf-8")
    reasons = text[text.index("## Filters of linode.images.images") :]
    for name in (*FILTERS, "tags"):
        assert f"`{name}`" in reasons


def test_no_secret_stands_in_the_documents() -> None:
    for file in Path(BUILT_IN / "src").rglob("*.yaml"):
        text = file.read_text(encoding="utf-8").lower()
        assert "signature=" not in text
        assert "eyj" not in text


def test_the_id_tells_the_rows_of_the_list_apart() -> None:
    images = Catalog().resource("linode", "images", "images")
    assert images.identity(images.methods["get_images"]) == ("id",)
    assert images.identity(images.methods["get_image"]) == ()

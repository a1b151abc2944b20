"""The documents of what stands around images: resources, their methods, what may travel, and where they live."""

from __future__ import annotations

import pytest

from provider_registry.catalog import Catalog
from provider_registry.model import Resource

RESOURCES = {  # resource: what reads it, and the verbs that it has beside
    "regions.regions": ("get_region get_regions", ""),
    "linode.instances": ("get_linode_instance get_linode_instances", "insert delete replace exec"),
    "linode.disks": ("get_linode_disk get_linode_disks", "insert delete replace exec"),
    "account.events": ("get_event get_events", "exec"),
    "volumes.volumes": ("get_volume get_volumes", "insert delete replace exec"),
    "tags.tags": ("get_tags", "insert delete"),
    "tags.tagged_objects": ("get_tagged_objects", ""),
    "images.sharegroups": ("get_sharegroup get_sharegroups", "insert delete replace"),
    "images.sharegroup_members": (
        "get_sharegroup_member_token get_sharegroup_members",
        "insert delete replace",
    ),
    "images.sharegroup_images": ("get_sharegroup_images", "insert delete replace"),
}
FILTERS = {  # resource: column, and its exact and inexact operators
    "linode.instances": {"id": (6, 0), "label": (0, 3), "region": (0, 2)},
    "account.events": {"id": (6, 0), "action": (0, 2), "created": (0, 4), "read": (1, 0)},
    "volumes.volumes": {"label": (0, 3)},
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog()


def found(catalog: Catalog, name: str) -> Resource:
    return catalog.resource("linode", *name.split("."))


@pytest.mark.parametrize("name", RESOURCES)
def test_what_each_can(name: str, catalog: Catalog) -> None:
    reads, verbs = RESOURCES[name]
    resource = found(catalog, name)
    assert [method.name for method in resource.bound("select")] == reads.split()
    assert [verb for verb in resource.verbs if verb != "select"] == verbs.split()
    assert all(column.description for column in resource.columns)


@pytest.mark.parametrize("name", RESOURCES)
def test_every_list_walks_its_pages_and_counts_against_its_limit(name: str, catalog: Catalog) -> None:
    for method in found(catalog, name).bound("select"):
        listed = method.response.rows == "$.data"
        assert (method.paging.algorithm == "page_number") is listed
        assert (method.limit is not None and method.limit.name) == ("lists" if listed else "default")
        if listed:
            assert method.paging.size is not None
            assert [column.name for column in method.response.envelope] == ["data", "page", "pages", "results"]


@pytest.mark.parametrize("name", RESOURCES)
def test_what_may_travel(name: str, catalog: Catalog) -> None:
    columns = {column.name: column.filter for column in found(catalog, name).columns}
    told = {name: (len(rule.exact), len(rule.inexact)) for name, rule in columns.items() if rule is not None}
    assert told == FILTERS.get(name, {})


def test_share_groups_are_asked_of_v4beta_whatever_else_is(catalog: Catalog) -> None:
    for name in RESOURCES:
        for method in found(catalog, name).methods.values():
            version = method.server.variables["apiVersion"]
            beta = name.startswith("images.sharegroup")
            assert (version.default, version.env) == (("v4beta", None) if beta else ("v4", "LINODE_API_VERSION"))
            assert method.server.env == "LINODE_URL"


def test_a_disk_needs_its_instance_and_knows_its_own_id(catalog: Catalog) -> None:
    one, listed = found(catalog, "linode.disks").bound("select")
    assert [param.name for param in listed.required] == ["linodeId"]
    assert {param.name: param.key for param in one.required} == {"linodeId": None, "diskId": "id"}

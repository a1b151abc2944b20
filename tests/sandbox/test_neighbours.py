"""What stands around the images changes, and stays changed: over requests, processes and layouts of the file."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from engine.sandbox.api import Api, open_state
from engine.sandbox.rules import Rules
from tests.sandbox.asking import READER, Clock, ask, ids, sandbox, told

VOLUME = {"label": "v", "region": "us-east", "size": 10}
INSTANCE = {"region": "us-east", "type": "g6-nanode-1", "image": "linode/debian12", "root_pass": "correct-horse"}


def test_a_file_keeps_what_was_made_changed_and_removed(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    first = Api(open_state(path), rules=Rules(rate_limit=False))
    made = told(ask(first, "POST /volumes", VOLUME))
    assert ask(first, "PUT /volumes/812003", {"label": "renamed"}).status == 200
    assert ask(first, "DELETE /linode/instances/61300106").status == 200
    second = Api(open_state(path), rules=Rules(rate_limit=False))
    labels = {row["id"]: row["label"] for row in told(ask(second, "GET /volumes"))["data"]}
    assert labels == {812001: "db-data", 812002: "web-assets", 812003: "renamed", made["id"]: "v"}
    assert ask(second, "GET /linode/instances/61300106").status == 404
    assert ask(second, f"DELETE /volumes/{made['id']}").status == 200
    assert ask(first, f"GET /volumes/{made['id']}").status == 404  # what another process did is seen
    assert told(ask(second, "POST /volumes", VOLUME))["id"] == made["id"] + 1  # a number is given once


def test_a_file_of_the_layout_before_is_read_and_grows(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    open_state(str(path)).close()
    db = sqlite3.connect(path)
    db.executescript("DROP TABLE things; PRAGMA user_version = 1;")
    db.close()
    api = Api(open_state(str(path)), rules=Rules(rate_limit=False))
    assert len(ids(ask(api, "GET /images"))) == 49
    assert ask(api, "POST /volumes", VOLUME).status == 200


def test_time_brings_an_instance_up_and_a_disk_to_be_ready() -> None:
    clock = Clock()
    api = sandbox(clock=clock)
    number = told(ask(api, "POST /linode/instances", INSTANCE))["id"]
    where = f"/linode/instances/{number}"
    assert told(ask(api, f"GET {where}"))["label"] == f"linode{number}"
    assert [disk["status"] for disk in told(ask(api, f"GET {where}/disks"))["data"]] == ["not ready", "not ready"]
    assert ask(api, f"POST {where}/shutdown").status == 400  # it is not running yet
    clock.now += 3
    assert told(ask(api, f"GET {where}"))["status"] == "running"
    assert [disk["status"] for disk in told(ask(api, f"GET {where}/disks"))["data"]] == ["ready", "ready"]
    for action, on_the_way, then in (
        ("reboot", "rebooting", "running"),
        ("shutdown", "shutting_down", "offline"),
        ("boot", "booting", "running"),
    ):
        assert told(ask(api, f"POST {where}/{action}", {"config_id": 1})) == {}
        assert told(ask(api, f"GET {where}"))["status"] == on_the_way
        clock.now += 3
        assert told(ask(api, f"GET {where}"))["status"] == then


def test_an_edit_while_it_comes_up_does_not_stop_it() -> None:
    clock = Clock()
    api = sandbox(clock=clock)
    number = told(ask(api, "POST /linode/instances", INSTANCE | {"label": "one", "swap_size": 0}))["id"]
    assert told(ask(api, f"PUT /linode/instances/{number}", {"tags": ["b-tag", "a-tag"]}))["tags"] == [
        "a-tag",
        "b-tag",
    ]
    clock.now += 3
    row = told(ask(api, f"GET /linode/instances/{number}"))
    assert (row["status"], row["tags"]) == ("running", ["a-tag", "b-tag"])
    assert len(told(ask(api, f"GET /linode/instances/{number}/disks"))["data"]) == 1
    assert "root_pass" not in row


@pytest.mark.parametrize(
    ("line", "body", "field"),
    [
        ("POST /linode/instances", {"type": "g6-nanode-1"}, "region"),
        ("POST /linode/instances", INSTANCE | {"region": "moon"}, "region"),
        ("POST /linode/instances", INSTANCE | {"type": "huge"}, "type"),
        ("POST /linode/instances", INSTANCE | {"image": "private/1"}, "image"),
        ("POST /linode/instances", INSTANCE | {"label": "web-1"}, "label"),
        ("POST /linode/instances", INSTANCE | {"root_pass": "short"}, "root_pass"),
        ("POST /linode/instances", INSTANCE | {"swap_size": -1}, "swap_size"),
        ("PUT /linode/instances/61300101", {"region": "us-ord"}, "region"),
        ("POST /linode/instances/61300101/disks", {"size": 1}, "size"),
        ("POST /linode/instances/61300106/disks", {"size": 100, "filesystem": "zfs"}, "filesystem"),
        (
            "POST /linode/instances/61300106/disks",
            {"size": 100, "image": "linode/debian12", "root_pass": "correct-horse"},
            "size",
        ),
        ("POST /linode/instances/61300103/disks/25674155/resize", {"size": 90000}, "size"),
        ("POST /volumes", {"label": "v"}, "region"),
        ("POST /volumes", VOLUME | {"region": "moon"}, "region"),
        ("POST /volumes", VOLUME | {"size": 5}, "size"),
        ("POST /volumes", VOLUME | {"label": "db-data"}, "label"),
        ("POST /volumes", VOLUME | {"linode_id": 1}, "linode_id"),
        ("POST /volumes", VOLUME | {"linode_id": 61300102}, "linode_id"),
        ("POST /volumes/812003/attach", {"linode_id": 61300101}, "linode_id"),
        ("POST /volumes/812001/attach", {"linode_id": 61300102}, None),
        ("POST /volumes/812003/detach", None, None),
        ("POST /tags", {"label": "web"}, "label"),
        ("POST /tags", {"label": "new-tag", "linodes": [61300101, 1]}, "linodes[1]"),
        ("POST /tags", {"label": "new-tag", "domains": [1]}, "domains[0]"),
        ("POST /v4beta/images/sharegroups", {"label": "g", "images": [1]}, "images[0]"),
        ("POST /v4beta/images/sharegroups", {"label": "g", "images": [{"id": 1}]}, "images[0].id"),
        ("POST /v4beta/images/sharegroups/41/images", {"images": [{"id": "private/25000033"}]}, "images[0].id"),
        ("PUT /v4beta/images/sharegroups/41", {"images_count": 9}, "images_count"),
    ],
)
def test_what_is_refused_names_its_field_and_changes_nothing(line: str, body: Any, field: str | None) -> None:
    api = sandbox()
    answer = ask(api, line, body)
    assert answer.status == 400
    assert told(answer)["errors"][0].get("field") == field
    with api.state.reading() as held:
        assert [held.things(kind) for kind in ("linode", "disk", "volume", "group", "tag", "event")] == [{}] * 6


def test_a_member_comes_once() -> None:
    api, where = sandbox(), "/v4beta/images/sharegroups/42/members"
    made = told(ask(api, f"POST {where}", {"token": "hunter2-token", "label": "them"}))
    assert "hunter2" not in str(made)
    assert told(ask(api, f"POST {where}", {"token": "hunter2-token", "label": "us"}))["errors"][0]["field"] == "token"
    assert told(ask(api, f"GET {where}/{made['token_uuid']}")) == made
    assert ask(api, f"DELETE {where}/{made['token_uuid']}").status == 200
    assert ask(api, f"GET {where}/{made['token_uuid']}").status == 404
    assert ask(api, "DELETE /v4beta/images/sharegroups/42/images/shared/9").status == 404


@pytest.mark.parametrize(
    "line",
    [
        "DELETE /volumes/1",
        "PUT /linode/instances/1",
        "DELETE /linode/instances/61300101/disks/1",
        "DELETE /tags/nothing",
        "GET /tags/nothing",
        "POST /account/events/1/seen",
        "DELETE /v4beta/images/sharegroups/1",
    ],
)
def test_what_is_not_there(line: str) -> None:
    assert ask(sandbox(), line).status == 404


@pytest.mark.parametrize(
    "line", ["POST /volumes", "POST /linode/instances", "DELETE /tags/web", "POST /v4beta/images/sharegroups"]
)
def test_a_token_that_only_reads_writes_nothing(line: str) -> None:
    assert ask(sandbox(), line, VOLUME, headers=READER).status == 401


def test_an_empty_edit_changes_nothing() -> None:
    api = sandbox()
    for line in (
        "PUT /volumes/812001",
        "PUT /linode/instances/61300101",
        "PUT /linode/instances/61300101/disks/25674130",
        "PUT /v4beta/images/sharegroups/41",
    ):
        before = told(ask(api, line.replace("PUT", "GET")))
        assert told(ask(api, line, {})) == before


def test_the_event_of_a_capture_outlives_the_disk() -> None:
    api = sandbox()
    ask(api, "POST /images", {"disk_id": 25674155})
    ask(api, "DELETE /linode/instances/61300103")
    newest = told(ask(api, "GET /account/events"))["data"][:2]
    assert [row["action"] for row in newest] == ["linode_delete", "disk_imagize"]
    assert newest[1]["entity"]["label"] is None


def test_an_image_that_goes_leaves_its_groups() -> None:
    api = sandbox()
    assert told(ask(api, "GET /v4beta/images/sharegroups/41"))["images_count"] == 1
    ask(api, "DELETE /images/private%2F25000033")
    assert told(ask(api, "GET /v4beta/images/sharegroups/41"))["images_count"] == 0
    assert told(ask(api, "GET /v4beta/images/sharegroups/41/images"))["data"] == []


def test_every_method_that_a_document_binds_is_answered() -> None:
    """No operation of the documents meets a 405: what can be planned can be rehearsed."""
    from provider_registry.catalog import Catalog

    catalog, api = Catalog(), sandbox()
    for service in catalog.provider("linode").services:
        for resource in catalog.service("linode", service).resources.values():
            for method in resource.methods.values():
                path = re.sub(r"{\w+}", "1", method.path.replace("{imageId}", "private%2F1"))
                version = "/v4beta" if "sharegroups" in path else "/v4"
                answer = ask(api, f"{method.http} {version}{path}", {})
                assert answer.status != 405, method.name
                assert answer.status in (200, 400, 404), method.name

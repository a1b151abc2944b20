"""What time brings to an image: captures, uploads that never come, replicas."""

from __future__ import annotations

from typing import Any

import pytest

from engine.sandbox.rows import private
from engine.sandbox.rules import Rules
from engine.sandbox.seeds import DAMAGED_DISK, DISK, SWAP
from tests.sandbox.asking import Clock, ask, ids, sandbox, told

RULES = Rules(rate_limit=False, capture_seconds=100, upload_seconds=100, replicate_seconds=100)


def test_a_capture_begins_with_the_disk_s_size_and_shrinks() -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=RULES)
    made = told(ask(api, "POST /images", {"disk_id": DISK, "cloud_init": True, "label": "gold", "description": "d"}))
    assert made["status"] == "creating"
    assert (made["size"], made["regions"], made["total_size"]) == (25600, [], 0)
    assert (made["label"], made["description"], made["created_by"]) == ("gold", "d", "sandbox")
    assert (made["capabilities"], made["expiry"], made["eol"], made["vendor"]) == (["cloud-init"], None, None, None)
    seen = []
    for _ in range(3):
        row = told(ask(api, f"GET /images/{made['id']}"))
        seen.append((row["status"], row["size"], row["total_size"], row["regions"], row["updated"]))
        clock.now += 50
    assert seen == [
        ("creating", 25600, 0, [], "2023-11-14T22:13:20"),
        ("creating", 13905, 0, [], "2023-11-14T22:13:20"),
        ("available", 2210, 2210, [{"region": "us-east", "status": "available"}], "2023-11-14T22:15:00"),
    ]


def test_a_capture_of_a_damaged_disk_disappears() -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=RULES)
    made = told(ask(api, "POST /images", {"disk_id": DAMAGED_DISK}))
    clock.now += 99
    assert told(ask(api, f"GET /images/{made['id']}"))["status"] == "creating"
    clock.now += 1
    for line in ("GET", "PUT", "DELETE"):
        assert ask(api, f"{line} /images/{made['id']}").status == 404
    assert made["id"] not in ids(ask(api, "GET /images"))


def test_what_is_edited_on_the_way_stays_edited() -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=RULES)
    made = told(ask(api, "POST /images", {"disk_id": SWAP}))
    ask(api, f"PUT /images/{made['id']}", {"label": "renamed"})
    clock.now += 100
    row = told(ask(api, f"GET /images/{made['id']}"))
    assert (row["label"], row["status"]) == ("renamed", "available")


def test_an_edit_after_a_change_has_come_stands_above_it() -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=RULES)
    made = told(ask(api, "POST /images", {"disk_id": SWAP}))
    clock.now += 200
    edited = told(ask(api, f"PUT /images/{made['id']}", {"label": "renamed"}))
    assert (edited["updated"], edited["status"], edited["size"]) == ("2023-11-14T22:16:40", "available", 16)
    assert told(ask(api, f"GET /images/{made['id']}")) == edited


def test_a_capture_can_be_deleted_on_the_way() -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=RULES)
    made = told(ask(api, "POST /images", {"disk_id": DISK}))
    assert ask(api, f"DELETE /images/{made['id']}").status == 200
    clock.now += 100
    assert ask(api, f"GET /images/{made['id']}").status == 404


def test_a_container_without_its_file_is_gone_after_a_day() -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=RULES)
    answer = told(ask(api, "POST /images/upload", {"label": "x", "region": "us-east"}))
    made = answer["image"]
    assert (made["status"], made["size"], made["regions"]) == ("pending_upload", 0, [])
    clock.now += 86399
    assert ask(api, f"GET /images/{made['id']}").status == 200
    clock.now += 1
    assert ask(api, f"GET /images/{made['id']}").status == 404


def test_the_starting_set_s_two_images_on_their_way() -> None:
    clock = Clock()
    api = sandbox(clock=clock)
    assert told(ask(api, "GET /images/private/25112200"))["status"] == "creating"
    clock.now += 600
    assert told(ask(api, "GET /images/private/25112200"))["status"] == "available"
    assert told(ask(api, "GET /images/private/25112345"))["status"] == "pending_upload"
    clock.now += 86400
    assert ask(api, "GET /images/private/25112345").status == 404


def replicas(row: Any) -> dict[str, str]:
    return {replica["region"]: replica["status"] for replica in row["regions"]}


@pytest.mark.parametrize(
    ("before", "wanted", "stages", "total"),
    [
        (
            {"us-east": "available"},
            ["us-east", "fr-par"],
            [
                {"us-east": "available", "fr-par": "pending replication"},
                {"us-east": "available", "fr-par": "replicating"},
                {"us-east": "available", "fr-par": "available"},
            ],
            2000,
        ),
        (
            {"us-east": "available", "fr-par": "available"},
            ["fr-par"],
            [
                {"fr-par": "available", "us-east": "pending deletion"},
                {"fr-par": "available", "us-east": "pending deletion"},
                {"fr-par": "available"},
            ],
            1000,
        ),
        (
            {"us-east": "available", "fr-par": "replicating", "jp-osa": "pending deletion"},
            ["us-east", "fr-par", "jp-osa", "jp-osa"],
            [
                {"us-east": "available", "fr-par": "pending replication", "jp-osa": "pending replication"},
                {"us-east": "available", "fr-par": "replicating", "jp-osa": "replicating"},
                {"us-east": "available", "fr-par": "available", "jp-osa": "available"},
            ],
            3000,
        ),
        ({"us-east": "available"}, ["us-east"], [{"us-east": "available"}] * 3, 1000),
    ],
)
def test_replication_brings_the_full_set_wanted(
    before: dict[str, str], wanted: list[str], stages: list[dict[str, str]], total: int
) -> None:
    clock = Clock()
    there = [{"region": region, "status": status} for region, status in before.items()]
    api = sandbox([private(1, size=1000, regions=there)], clock=clock, rules=RULES)
    seen = [replicas(told(ask(api, "POST /images/private/1/regions", {"regions": wanted})))]
    for _ in range(2):
        clock.now += 50
        seen.append(replicas(told(ask(api, "GET /images/private%2F1"))))
    assert seen == stages
    assert told(ask(api, "GET /images/private%2F1"))["total_size"] == total


def test_replication_can_be_changed_while_it_runs() -> None:
    clock = Clock()
    api = sandbox([private(1)], clock=clock, rules=RULES)
    ask(api, "POST /images/private/1/regions", {"regions": ["us-east", "fr-par"]})
    clock.now += 50
    row = told(ask(api, "POST /images/private%2F1/regions", {"regions": ["us-east"]}))
    assert replicas(row) == {"us-east": "available", "fr-par": "pending deletion"}
    clock.now += 100
    assert replicas(told(ask(api, "GET /images/private/1"))) == {"us-east": "available"}


def test_an_image_with_odd_fields_can_still_be_replicated_or_refused() -> None:
    api = sandbox([{"id": "private/1", "status": "available", "regions": None}, {"id": "private/2"}])
    for name in ("private/1", "private/2"):
        assert ask(api, f"POST /images/{name}/regions", {"regions": ["us-east"]}).status == 400

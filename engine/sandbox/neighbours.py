"""What stands around the images of a new sandbox: instances, volumes, tags, share groups, and what happened so far.

Rows as the API shows them, with fixed dates, so that queries over them have fixed answers.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.sandbox.messages import Row

SPECS: Mapping[str, Row] = {
    "g6-nanode-1": {"disk": 25600, "memory": 1024, "vcpus": 1, "transfer": 1000},
    "g6-standard-2": {"disk": 81920, "memory": 4096, "vcpus": 2, "transfer": 4000},
}


def new_instance(
    number: int, label: str, region: str, plan: str, image: str | None, created: str, **more: object
) -> Row:
    """An instance, running, as the API shows it."""
    row: Row = {
        "id": number,
        "label": label,
        "region": region,
        "type": plan,
        "image": image,
        "status": "running",
        "tags": [],
        "ipv4": [f"192.0.2.{number % 250}"],
        "ipv6": f"2001:db8::{number % 250}/128",
        "specs": SPECS[plan],
        "alerts": {"cpu": 90, "io": 10000, "network_in": 10, "network_out": 10, "transfer_quota": 80},
        "backups": {"enabled": False, "available": False, "last_successful": None, "schedule": {}},
        "hypervisor": "kvm",
        "host_uuid": None,
        "watchdog_enabled": True,
        "has_user_data": False,
        "created": created,
        "updated": created,
    }
    return row | more


INSTANCES: tuple[Row, ...] = (
    new_instance(61300101, "web-1", "us-east", "g6-nanode-1", "linode/debian12", "2024-03-01T09:00:00", tags=["web"]),
    new_instance(
        61300102, "db-1", "fr-par", "g6-standard-2", "linode/ubuntu24.04", "2024-06-11T14:20:00", tags=["db"]
    ),
    new_instance(
        61300103, "ci-1", "us-iad", "g6-standard-2", "linode/debian10", "2021-02-17T07:45:00", status="offline"
    ),
    new_instance(
        61300104, "web-2", "us-east", "g6-nanode-1", "private/23100417", "2025-09-21T10:00:00", tags=["web"]
    ),
    new_instance(61300105, "legacy", "eu-west", "g6-nanode-1", "linode/centos7", "2019-08-30T12:00:00", tags=["old"]),
    new_instance(61300106, "empty", "us-ord", "g6-nanode-1", None, "2025-10-02T16:30:00", status="offline"),
)


def new_volume(number: int, label: str, region: str, size: int, instance: Row | None = None, **more: object) -> Row:
    """A volume as the API shows it."""
    row: Row = {
        "id": number,
        "label": label,
        "status": "active",
        "size": size,
        "region": region,
        "linode_id": instance["id"] if instance else None,
        "linode_label": instance["label"] if instance else None,
        "filesystem_path": f"/dev/disk/by-id/scsi-0Linode_Volume_{label}",
        "hardware_type": "nvme",
        "encryption": "enabled",
        "tags": [],
        "created": "2024-06-11T15:00:00",
        "updated": "2024-06-11T15:00:00",
    }
    return row | more


VOLUMES: tuple[Row, ...] = (
    new_volume(812001, "db-data", "fr-par", 200, INSTANCES[1], tags=["db"]),
    new_volume(812002, "web-assets", "us-east", 40, INSTANCES[0], tags=["web"]),
    new_volume(812003, "old-backups", "us-ord", 500, encryption="disabled", tags=["old"]),
)

SHARE_GROUPS: tuple[Row, ...] = (
    {
        "id": 41,
        "uuid": "7a9c2f04-5d1b-4c86-9a37-2f6f0b8f3a10",
        "label": "golden images",
        "description": "what new servers start from",
        "is_suspended": False,
        "images_count": 1,
        "members_count": 2,
        "created": "2025-10-01T08:00:00",
        "updated": None,
        "expiry": None,
    },
    {
        "id": 42,
        "uuid": "0f3be6b9-8f52-4a0e-8a64-d1c5a6e7b921",
        "label": "for the auditors",
        "description": "",
        "is_suspended": False,
        "images_count": 0,
        "members_count": 0,
        "created": "2025-11-03T11:11:11",
        "updated": None,
        "expiry": None,
    },
)
MEMBERS: Mapping[int, tuple[Row, ...]] = {
    41: tuple(
        {
            "token_uuid": uuid,
            "label": label,
            "status": "active",
            "created": "2025-10-02T09:00:00",
            "updated": None,
            "expiry": None,
        }
        for uuid, label in (
            ("4591075e-4ba8-43c9-a521-928c3d4a135d", "the web team"),
            ("c2a1de77-9b0a-4f7e-9a92-0d4b3a2f6c58", "a partner"),
        )
    ),
}
SHARES: tuple[Row, ...] = ({"id": "shared/1", "_group": 41, "_image": "private/25000033"},)  # images in groups


def happened(number: int, created: str, action: str, entity: Row, **more: object) -> Row:
    """An event; what is not said of it is as it is of one that went well."""
    row: Row = {
        "id": number,
        "action": action,
        "created": created,
        "duration": 0,
        "entity": entity,
        "secondary_entity": None,
        "message": None,
        "percent_complete": 100,
        "rate": None,
        "read": False,
        "seen": True,
        "status": "finished",
        "time_remaining": None,
        "username": "sandbox",
    }
    return row | more


def instance_entity(row: Row) -> Row:
    """An instance as an event names it."""
    place = f"/v4/linode/instances/{row['id']}"
    return {"id": row["id"], "label": row["label"], "type": "linode", "url": place}


def image_entity(name: str, label: str) -> Row:
    """An image as an event names it."""
    return {"id": name, "label": label, "type": "image", "url": f"/v4/images/{name}"}


EVENTS: tuple[Row, ...] = (  # the newest first, as the API lists them
    happened(
        980000007, "2025-11-20T12:00:00", "image_upload", image_entity("private/25112345", "appliance"),
        status="scheduled", percent_complete=0, seen=False,
    ),
    happened(
        980000006, "2025-11-20T10:00:00", "disk_imagize", instance_entity(INSTANCES[1]), username="maria",
        secondary_entity=image_entity("private/25112200", "db-replica"), status="started", percent_complete=40,
        seen=False,
    ),
    happened(
        980000005, "2025-11-18T03:00:00", "disk_imagize", instance_entity(INSTANCES[2]), username="ci-bot",
        secondary_entity=image_entity("private/25090017", "runner-image"), status="failed", duration=312.5,
        percent_complete=0, message="The disk could not be read.",
    ),
    happened(
        980000004, "2025-11-01T02:00:00", "disk_imagize", instance_entity(INSTANCES[0]), username="ci-bot",
        secondary_entity=image_entity("private/25000033", "nightly"), duration=245.0,
    ),
    happened(
        980000003, "2025-10-15T09:12:00", "image_delete", image_entity("private/22000801", "tmp-build-5120"),
        username="ci-bot", status="notification", percent_complete=None,
    ),
    happened(
        980000002, "2025-10-02T16:30:00", "linode_create", instance_entity(INSTANCES[5]), duration=21.0, read=True,
    ),
    happened(
        980000001, "2025-09-21T10:00:00", "linode_create", instance_entity(INSTANCES[3]), duration=58.0, read=True,
    ),
)  # fmt: skip

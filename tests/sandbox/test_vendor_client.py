"""The referee: the vendor's own Python client, against the served sandbox."""

from __future__ import annotations

import gzip
import importlib
import io
from collections.abc import Iterator
from typing import Any

import pytest

from engine.sandbox import TOKEN, serving
from engine.sandbox.faults import Fault
from engine.sandbox.rows import many, private
from engine.sandbox.rules import Rules
from engine.sandbox.seeds import DAMAGED_DISK, DISK
from tests.sandbox.asking import Clock

vendor: Any = importlib.import_module("linode_api4")  # it has no types
filtering: Any = importlib.import_module("linode_api4.objects.filtering")
RULES = Rules(rate_limit=False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[Any]:
    with serving(clock=clock, rules=RULES) as url:
        client = vendor.LinodeClient(TOKEN, base_url=f"{url}/v4", retry_rate_limit_interval=0.01)
        yield client
        client.session.close()


def test_list(client: Any) -> None:
    images = client.images()
    assert len(images) == 49
    assert images[0].id == "private/23100417"
    assert images[0].regions[0].region == "us-east"
    assert images[-1].deprecated is True
    assert {image.status for image in images} == {"available", "creating", "pending_upload"}


def test_walk_of_many_pages() -> None:
    with serving(images=many(260), rules=RULES) as url:
        client = vendor.LinodeClient(TOKEN, base_url=f"{url}/v4beta", page_size=25)
        assert len({image.id for image in client.images()}) == 260
        assert len(client.images()[100:130]) == 30
        client.session.close()


def test_an_empty_list() -> None:
    with serving(images=[], rules=RULES) as url:
        client = vendor.LinodeClient(TOKEN, base_url=f"{url}/v4")
        assert list(client.images()) == []
        client.session.close()


def test_filter(client: Any) -> None:
    image = vendor.Image
    assert [found.id for found in client.images(image.vendor == "Gentoo")] == ["linode/gentoo"]
    assert len(client.images(image.label == "web-golden")) == 2
    either = client.images(filtering.or_(image.vendor == "Kali", image.vendor == "Arch"))
    assert {found.vendor for found in either} == {"Kali", "Arch"}
    small = client.images(image.size < 1000, filtering.Filter({"is_public": False}))
    assert sorted(found.size for found in small) == [0, 16, 980]
    ordered = client.images(filtering.order_by(image.size, desc=True))
    assert ordered[0].size == max(found.size for found in client.images())
    assert [found.label for found in client.images(image.label.contains("größe"))] == ["größe-データ ✓"]


def test_a_filter_that_is_refused(client: Any) -> None:
    with pytest.raises(vendor.ApiError, match="X-Filter: Cannot filter on created") as caught:
        client.images(vendor.Image.created > "2024")
    assert caught.value.status == 400
    with pytest.raises(vendor.ApiError, match="Cannot filter on type"):
        client.images(vendor.Image.type == "manual", vendor.Image.size > 5)


def test_get(client: Any) -> None:
    image = client.load(vendor.Image, "private/24555310")
    assert (image.label, image.size, image.created.year) == ("db-primary", 5310, 2025)
    public = client.load(vendor.Image, "linode/debian12")
    assert (public.regions, public.total_size, public.is_public) == (None, None, True)
    shared = client.load(vendor.Image, "private/23100417")
    assert shared.image_sharing.shared_with.sharegroup_count == 0


def test_create_of_a_disk_of_a_linode_then_save_and_delete(client: Any, clock: Clock) -> None:
    linode = client.linode.instances(vendor.Instance.label == "web-1").first()
    disk = next(disk for disk in linode.disks if disk.id == DISK)
    image = client.images.create(disk, label="captured", description="by the vendor's client", tags=["zeta", "alpha"])
    assert (image.status, image.size, image.tags) == ("creating", 25600, ["alpha", "zeta"])
    clock.now += 2
    image.invalidate()
    assert (image.status, image.size, image.regions[0].status) == ("available", 2210, "available")
    image.label, image.tags = "renamed", ["web-tier", "base"]
    assert image.save()
    again = client.load(vendor.Image, image.id)
    assert (again.label, again.description, again.tags) == ("renamed", "by the vendor's client", ["base", "web-tier"])
    assert image.delete()
    with pytest.raises(vendor.ApiError, match="Not found"):
        client.load(vendor.Image, image.id)


def test_create_with_nothing_but_a_disk(client: Any) -> None:
    assert client.image_create(DISK).label == "Debian 12 Disk"


def test_a_capture_that_fails_disappears(client: Any, clock: Clock) -> None:
    image = client.images.create(DAMAGED_DISK)
    clock.now += 2
    with pytest.raises(vendor.ApiError) as caught:
        client.load(vendor.Image, image.id)
    assert caught.value.status == 404


def test_upload(client: Any, clock: Clock) -> None:
    file = io.BytesIO(gzip.compress(bytes(3_000_000)))
    image = client.image_upload("uploaded", "us-ord", file, description="a file", tags=["abc"])
    assert (image.status, image.size) == ("pending_upload", 0)
    clock.now += 2
    image._api_get()
    assert (image.status, image.size, image.regions[0].region) == ("available", 3, "us-ord")


def test_replicate(client: Any, clock: Clock) -> None:
    image = client.load(vendor.Image, "private/21875002")
    image.replicate(["us-east", client.load(vendor.Region, "fr-par")])
    assert {replica.region: replica.status for replica in image.regions} == {
        "us-east": "available", "fr-par": "pending replication",
    }  # fmt: skip
    clock.now += 2
    image._api_get()
    assert image.total_size == 2 * image.size
    with pytest.raises(vendor.ApiError, match=r"regions\[0\]: region is not valid"):
        image.replicate(["mars"])


def test_what_else_it_reads(client: Any) -> None:
    assert "us-east" in {region.id for region in client.regions()}
    assert client.profile().username == "sandbox"
    assert len(client.linode.types()) == 2
    assert len(client.linode.kernels()) == 2


def test_a_wrong_token(client: Any) -> None:
    stranger = vendor.LinodeClient("wrong", base_url=client.base_url)
    with pytest.raises(vendor.ApiError, match=r"\[401\] Invalid Token"):
        stranger.images()
    stranger.session.close()


def test_it_waits_and_tries_again_when_told_too_many() -> None:
    faults = [Fault("GET", "^/images$", status=429, times=2)]
    with serving(images=[private(1)], faults=faults) as url:
        client = vendor.LinodeClient(TOKEN, base_url=f"{url}/v4", retry_rate_limit_interval=0.01)
        assert len(client.images()) == 1
        client.session.close()

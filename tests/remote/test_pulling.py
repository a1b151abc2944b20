"""Documents into their place: read first, in one step, whoever else does the same."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provider_registry.catalog import Catalog
from provider_registry.faults import BadDocument
from provider_registry.layout import Root
from provider_registry.remote import pulling
from provider_registry.remote.archives import BadArchive
from tests.registry import shop
from tests.registry.shop import LIST
from tests.remote.served import archive, documents, installed


def pull(home: Path, files: dict[str, str], origin: str = "https://r.example", *, pinned: bool = False) -> str:
    with pulling.stage(home) as stage:
        staged = pulling.from_archive(archive(files), stage, "shop")
        pulling.install(staged, home, origin, pinned=pinned)
        return staged.version


def version(home: Path, origin: str | None = None) -> str:
    return Catalog([Root(home, origin)]).provider("shop").version


def test_what_is_pulled_can_be_used(tmp_path: Path) -> None:
    assert pull(tmp_path, documents()) == "v1.0.0"
    assert installed(tmp_path) == [
        f"src/shop/v1.0.0/{name}" for name in ("origin.json", "provider.yaml", "services/stock.yaml")
    ]
    catalog = Catalog([tmp_path])
    assert "get_item" in catalog.resource("shop", "stock", "items").methods
    assert catalog.source("shop") == "pulled from https://r.example"


def test_an_archive_may_hold_the_documents_at_its_top(tmp_path: Path) -> None:
    files = {name.removeprefix("v1.0.0/"): text for name, text in documents().items()}
    with pulling.stage(tmp_path) as stage:
        staged = pulling.from_archive(archive(files), stage, "shop", "v1.0.0")
        assert (staged.provider, staged.version) == ("shop", "v1.0.0")
    with pulling.stage(tmp_path) as stage, pytest.raises(BadArchive, match="nothing says its version"):
        pulling.from_archive(archive(files), stage, "shop")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"v1/readme.md": "x"}, "it holds no provider.yaml"),
        ({**documents("v1"), **documents("v2")}, "it holds 2 files provider.yaml"),
    ],
)
def test_an_archive_holds_one_provider(files: dict[str, str], reason: str, tmp_path: Path) -> None:
    with pulling.stage(tmp_path) as stage, pytest.raises(BadArchive, match=reason):
        pulling.from_archive(archive(files), stage, "shop")
    assert installed(tmp_path) == []


def test_the_newest_counts_unless_another_is_pinned(tmp_path: Path) -> None:
    for each in ("v1.10.0", "v1.9.0"):
        pull(tmp_path, documents(each))
    assert version(tmp_path) == "v1.10.0"
    pull(tmp_path, documents("v1.9.0"), pinned=True)
    assert version(tmp_path) == "v1.9.0"
    pull(tmp_path, documents("v1.11.0"))
    assert version(tmp_path) == "v1.11.0"


def test_what_is_from_one_registry_counts_before_what_is_not(tmp_path: Path) -> None:
    pull(tmp_path, documents("v1.0.0"), "https://own.example")
    pull(tmp_path, documents("v2.0.0"), "https://public.example")
    assert version(tmp_path) == "v2.0.0"
    assert version(tmp_path, "https://own.example") == "v1.0.0"


def test_all_faults_come_together_and_nothing_is_installed(tmp_path: Path) -> None:
    edits: shop.Edits = {f"{LIST}/operation": None, "/info/version": "[1]", "/servers": "[{url: nowhere}]"}
    with pytest.raises(BadDocument) as bad:
        pull(tmp_path, documents(stock=edits))
    assert {(f.file, f.pointer) for f in bad.value.faults} >= {
        ("services/stock.yaml", f"{LIST}/operation"),
        ("services/stock.yaml", "/info/version"),
        ("services/stock.yaml", "/servers/0/url"),
    }
    assert installed(tmp_path) == []


def test_a_document_that_is_no_yaml_is_one_clear_fault(tmp_path: Path) -> None:
    with pytest.raises(BadDocument) as bad:
        pull(tmp_path, {**documents(), "v1.0.0/services/stock.yaml": "a: [1"})
    (fault,) = bad.value.faults
    assert str(fault).startswith("services/stock.yaml#: line 2: not YAML: ")


def test_one_service_that_is_broken_does_not_keep_the_others_away(tmp_path: Path) -> None:
    added = '{id: "x", name: x, title: X, service: {$ref: shop/v1.0.0/services/x.yaml}}'
    files = documents(provider={"/providerServices/x": added})
    with pulling.stage(tmp_path) as stage:
        staged = pulling.from_archive(archive({**files, "v1.0.0/services/x.yaml": "openapi: 3.0.0"}), stage, "shop")
        assert (staged.found.services, staged.found.broken) == (("stock", "x"), ("x",))


def test_a_folder_with_links_is_not_copied(tmp_path: Path) -> None:
    root = shop.write(tmp_path / "r")
    (root / "src/shop/v1.0.0/services/link.yaml").symlink_to("/etc/passwd")
    with pulling.stage(tmp_path / "home") as stage, pytest.raises(BadArchive, match="is a link"):
        pulling.from_folder(root / "src/shop/v1.0.0", stage)


def test_what_a_killed_process_left_goes_after_a_day(tmp_path: Path) -> None:
    old, fresh = (tmp_path / ".incoming" / name for name in ("old", "fresh"))
    for folder in (old, fresh):
        folder.mkdir(parents=True)
    past = time.time() - 2 * 24 * 3600
    os.utime(old, (past, past))
    with pulling.stage(tmp_path):
        assert (old.exists(), fresh.exists()) == (False, True)


def test_removing_gives_back_what_was_before(tmp_path: Path) -> None:
    for each in ("v1.0.0", "v2.0.0"):
        pull(tmp_path, documents(each))
    pull(tmp_path, documents("v1.0.0"), pinned=True)
    assert pulling.remove(tmp_path, "shop", "v1.0.0") == ["v1.0.0"]
    assert version(tmp_path) == "v2.0.0"
    assert pulling.remove(tmp_path, "shop", "v9") == []
    assert pulling.remove(tmp_path, "SHOP") == ["v2.0.0"]
    assert installed(tmp_path) == []
    assert pulling.pulled(tmp_path) == {}


RACE = """
import sys
from pathlib import Path
from tests.remote.test_pulling import pull, documents
home, host = Path(sys.argv[1]), sys.argv[2]
for _ in range(12):
    pull(home, documents(host=host))
"""


def test_processes_that_pull_at_once_leave_one_whole_version(tmp_path: Path) -> None:
    """And whoever looks meanwhile sees a whole one or, between two of them, none."""
    hosts = ("a.example", "b.example")
    races = [subprocess.Popen([sys.executable, "-c", RACE, str(tmp_path), host]) for host in hosts]
    seen = set()
    while any(race.poll() is None for race in races):
        file = tmp_path / "src/shop/v1.0.0/services/stock.yaml"
        if file.exists():
            try:
                text = file.read_text()
            except FileNotFoundError:
                continue
            seen.add(next(host for host in hosts if host in text))
            assert text.endswith("}")
    assert [race.wait() for race in races] == [0, 0]
    assert seen <= set(hosts)
    assert len(installed(tmp_path)) == 3
    assert list((tmp_path / ".incoming").iterdir()) == []
    assert version(tmp_path) == "v1.0.0"

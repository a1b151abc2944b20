"""Names over several roots, and the cache of compiled documents."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from provider_registry import catalog as catalogs
from provider_registry import compiled, layout
from provider_registry.catalog import Catalog, default_cache
from provider_registry.documents import Reading, read_provider, read_service
from provider_registry.faults import BadDocument, NotFound
from provider_registry.model import Column, Method, Param, Provider, Resource, Response, Service, ServiceRef, Shape
from provider_registry.protocol import Server
from tests.registry import shop
from tests.registry.shop import ITEM, PROVIDER, STOCK


def test_names_in_any_case(tmp_path: Path) -> None:
    catalog = Catalog([shop.write(tmp_path)])
    assert catalog.provider("SHOP").name == "shop"
    assert catalog.service("Shop", "Stock").name == "stock"
    assert catalog.resource("shop", "STOCK", "Items").name == "items"
    assert catalog.method("shop", "stock", "items", "GET_ITEM").name == "get_item"


def test_the_exact_name_wins_over_another_case(tmp_path: Path) -> None:
    methods = "/components/x-stackQL-resources/items/methods"
    edits = {f"{methods}/GET_ITEM": f"{{operation: {{$ref: '#{shop.ONE}/delete'}}}}"}
    catalog = Catalog([shop.write(tmp_path, shop.edited(STOCK, edits))])
    assert catalog.method("shop", "stock", "items", "GET_ITEM").http == "DELETE"
    assert catalog.method("shop", "stock", "items", "get_item").http == "GET"


@pytest.mark.parametrize(
    ("ask", "text", "kind", "known"),
    [
        (lambda c: c.provider("shpo"), "no provider 'shpo'", "provider", ("linode", "shop")),
        (lambda c: c.service("shop", "stok"), "no service 'stok' in shop", "service", ("stock",)),
        (lambda c: c.resource("shop", "stock", "itms"), "no resource 'itms' in shop.stock", "resource", ("items",)),
        (
            lambda c: c.method("shop", "stock", "items", "get"),
            "no method 'get' in shop.stock.items",
            "method",
            ("get_item", "list_items", "add_item", "drop_item"),
        ),
    ],
    ids=["provider", "service", "resource", "method"],
)
def test_what_is_not_there_is_told_with_what_is(
    ask: object, text: str, kind: str, known: tuple[str, ...], tmp_path: Path
) -> None:
    assert callable(ask)
    with pytest.raises(NotFound) as missing:
        ask(Catalog([shop.write(tmp_path)]))
    assert (str(missing.value), missing.value.kind, missing.value.known) == (text, kind, known)


def test_earlier_roots_win_and_the_built_in_one_is_last(tmp_path: Path) -> None:
    first = shop.write(tmp_path / "a", provider=PROVIDER.replace("A shop", "The first"))
    second = shop.write(tmp_path / "b", provider=PROVIDER.replace("A shop", "The second"), version="v9.0.0")
    catalog = Catalog([first, second])
    assert catalog.provider("shop").title == "The first"
    assert [p.name for p in catalog.providers()] == ["linode", "shop"]
    assert catalog.roots[-1] == layout.BUILT_IN
    assert [p.name for p in Catalog().providers()] == ["linode"]


def test_a_folder_without_a_version_does_not_hide_a_later_root(tmp_path: Path) -> None:
    (tmp_path / "a/src/shop/v1.0.0").mkdir(parents=True)
    (tmp_path / "a/src/.git").mkdir()
    (tmp_path / "a/src/README.md").touch()
    catalog = Catalog([tmp_path / "a", shop.write(tmp_path / "b")])
    assert catalog.provider("shop").title == "A shop"
    only = Catalog([tmp_path / "a"])
    assert [p.name for p in only.providers()] == ["linode"]
    with pytest.raises(NotFound):
        only.provider("shop")


def test_a_root_that_is_no_registry_is_told_each_time(tmp_path: Path) -> None:
    catalog = Catalog([shop.write(tmp_path / "a"), tmp_path / "nothing"])
    for _ in range(2):
        with pytest.raises(
            BadDocument, match="nothing#: not a registry, its folder src cannot be read: No such file"
        ):
            catalog.provider("shop")


def test_a_service_is_read_only_when_it_is_asked_for(tmp_path: Path) -> None:
    catalog = Catalog([shop.write(tmp_path, stock="not: [YAML")])
    assert "stock" in catalog.provider("shop").services
    with pytest.raises(BadDocument, match="not YAML"):
        catalog.service("shop", "stock")


def test_a_document_is_read_once(tmp_path: Path) -> None:
    catalog = Catalog([shop.write(tmp_path)])
    first = catalog.service("shop", "stock")
    shop.write(tmp_path, stock="not: [YAML")
    assert catalog.service("SHOP", "STOCK") is first


def test_services_can_share_a_document(tmp_path: Path) -> None:
    config = "{x-stratoql-limit: {name: depot, requests: 1}}"
    depot_ref = f"{{service: {{$ref: shop/v1.0.0/services/stock.yaml}}, config: {config}}}"
    edits = {"/providerServices/depot": depot_ref}
    root = shop.write(tmp_path / "r", provider=shop.edited(PROVIDER, edits))
    for _ in range(2):
        catalog = Catalog([root], tmp_path / "cache")
        stock, depot = (catalog.service("shop", name) for name in ("stock", "depot"))
        assert (stock.name, depot.name) == ("stock", "depot")
        limits = [service.resources["items"].methods["list_items"].limit for service in (stock, depot)]
        assert [limit.name if limit else None for limit in limits] == [None, "depot"]


# the cache


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of documents as they are read, rather than taken from the cache."""
    seen: list[str] = []
    provider, service = catalogs._read_provider, catalogs._read_service

    def read_provider(file: Path) -> Reading[Provider]:
        seen.append(file.parts[-3])
        return provider(file)

    def read_service(ref: ServiceRef) -> Reading[Service]:
        seen.append(ref.name)
        return service(ref)

    monkeypatch.setattr(catalogs, "_read_provider", read_provider)
    monkeypatch.setattr(catalogs, "_read_service", read_service)
    return seen


def test_documents_are_read_once_for_all_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, seen = shop.write(tmp_path / "r"), reads(monkeypatch)
    first = Catalog([root], tmp_path / "cache").service("shop", "stock")
    assert seen == ["shop", "stock"]
    second = Catalog([root], tmp_path / "cache").service("shop", "stock")
    assert seen == ["shop", "stock"]
    assert second == first


@pytest.mark.parametrize("changed", ["services/stock.yaml", "provider.yaml", "things.yaml"])
def test_a_change_of_any_file_behind_a_service_is_seen(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock = shop.edited(STOCK, {f"{ITEM}/properties/tags": "{$ref: '../things.yaml#/Tags'}"})
    root, seen = shop.write(tmp_path / "r", stock, things="Tags: {type: array}\n"), reads(monkeypatch)
    Catalog([root], tmp_path / "cache").service("shop", "stock")
    file = root / "src/shop/v1.0.0" / changed
    kept = file.stat()
    file.write_text(file.read_text().replace("a", "a", 1) + "\n")
    os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))  # the content counts, not the time
    seen.clear()
    Catalog([root], tmp_path / "cache").service("shop", "stock")
    assert "stock" in seen
    assert ("shop" in seen) is (changed == "provider.yaml")


def test_a_change_of_the_code_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, seen = shop.write(tmp_path / "r"), reads(monkeypatch)
    Catalog([root], tmp_path / "cache").service("shop", "stock")
    monkeypatch.setattr(compiled, "code", lambda: b"another release")
    Catalog([root], tmp_path / "cache").service("shop", "stock")
    assert seen == ["shop", "stock", "shop", "stock"]


def test_every_module_that_reads_documents_counts_as_code() -> None:
    package = Path(compiled.__file__).parent
    apart = {"__init__", "catalog", "validation"}  # they read no document into the model
    assert {file.stem for file in package.glob("*.py")} - apart == set(compiled.READERS)


def test_code_in_an_archive_has_no_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_HERE", "/nowhere/stratoql.zip/provider_registry")
    compiled.code.cache_clear()
    try:
        assert compiled.code() == layout.digest(repr((compiled._HERE, [(0, 0)] * len(compiled.READERS))).encode())
    finally:
        compiled.code.cache_clear()


@pytest.mark.parametrize(
    "content", [b"", b"\x93", b"\xff" * 100, b"\x93\xc4\x00\x80\x80"], ids=["empty", "cut", "noise", "older"]
)
def test_a_spoilt_entry_is_no_entry(content: bytes, tmp_path: Path) -> None:
    root, cache = shop.write(tmp_path / "r"), tmp_path / "cache"
    expected = Catalog([root], cache).service("shop", "stock")
    for entry in cache.iterdir():
        entry.write_bytes(content)
    assert Catalog([root], cache).service("shop", "stock") == expected
    assert all(entry.read_bytes() != content for entry in cache.iterdir())


def test_an_entry_that_holds_something_else_is_no_entry(tmp_path: Path) -> None:
    root, cache = shop.write(tmp_path / "r"), tmp_path / "cache"
    Catalog([root], cache).service("shop", "stock")
    for entry in cache.iterdir():
        code, digests, _ = msgspec.msgpack.decode(entry.read_bytes())
        entry.write_bytes(msgspec.msgpack.encode((code, digests, {"name": 3})))
    assert Catalog([root], cache).service("shop", "stock").name == "stock"


def test_an_odd_name_of_a_service_is_no_path(tmp_path: Path) -> None:
    provider = PROVIDER.replace("  stock:\n", '  "../up":\n')
    root, cache = shop.write(tmp_path / "r", provider=provider), tmp_path / "new" / "cache"
    assert Catalog([root], cache).service("shop", "../up").name == "../up"
    assert len(list(cache.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, seen = shop.write(tmp_path / "r"), reads(monkeypatch)
    (tmp_path / "file").touch()
    for _ in range(2):
        assert Catalog([root], tmp_path / "file" / "cache").service("shop", "stock").name == "stock"
    assert seen == ["shop", "stock"] * 2


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, target: str) -> None:
        raise PermissionError(13, "no", target)

    root, cache = shop.write(tmp_path / "r"), tmp_path / "cache"
    monkeypatch.setattr("provider_registry.compiled.os.replace", refuse)
    assert Catalog([root], cache).service("shop", "stock").name == "stock"
    assert list(cache.iterdir()) == []


def test_entries_are_for_their_owner(tmp_path: Path) -> None:
    root, cache = shop.write(tmp_path / "r"), tmp_path / "new" / "cache"
    Catalog([root], cache).service("shop", "stock")
    assert sorted(entry.name.split("-")[0] for entry in cache.iterdir()) == ["shop", "stock"]
    if os.name == "posix":
        assert cache.stat().st_mode & 0o077 == 0
        assert all(entry.stat().st_mode & 0o077 == 0 for entry in cache.iterdir())


def test_a_document_with_errors_is_not_kept(tmp_path: Path) -> None:
    root = shop.write(tmp_path / "r", shop.edited(STOCK, {"/servers": None}))
    for _ in range(2):
        with pytest.raises(BadDocument, match="no server"):
            Catalog([root], tmp_path / "cache").service("shop", "stock")
    assert [entry.name.split("-")[0] for entry in (tmp_path / "cache").iterdir()] == ["shop"]


def test_without_a_cache_nothing_is_written(tmp_path: Path) -> None:
    Catalog([shop.write(tmp_path)]).service("shop", "stock")
    assert [path.name for path in tmp_path.iterdir()] == ["src"]


def test_the_default_cache_is_the_platforms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache().parts[-2:] == ("stratoql", "documents")


@pytest.mark.parametrize("name", ["linode", "shop"])
def test_compiled_is_what_was_read(name: str, tmp_path: Path) -> None:
    root = shop.write(tmp_path)
    provider = Catalog([root]).provider(name)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(provider), type=Provider) == provider
    for ref in provider.services.values():
        service = read_service(ref).value
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(service), type=Service)
        assert again == service
        assert repr(again) == repr(service)  # 1 and 1.0 and True are equal, and not the same


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(example=values, minimum=st.integers(-5, 5) | st.floats(-5, 5), several=st.lists(values, max_size=3))
def test_compiled_is_what_was_read_whatever_stands_in_examples(
    example: object, minimum: float, several: list[object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    schema = {"type": "integer", "example": example, "minimum": minimum, "enum": several, "default": example}
    stock = shop.edited(STOCK, {f"{ITEM}/properties/price": json.dumps(schema)})
    root = shop.write(tmp_path_factory.mktemp("r"), stock)
    ref = read_provider(root / "src/shop/v1.0.0/provider.yaml").value.services["stock"]
    service = read_service(ref).value
    assert repr(msgspec.msgpack.decode(msgspec.msgpack.encode(service), type=Service)) == repr(service)


def test_the_model_is_frozen_and_has_no_shared_state() -> None:
    one, two, field = Column(name="a"), Column(name="b"), "name"
    assert one.shape == two.shape == Shape()
    with pytest.raises(AttributeError):
        setattr(one, field, "c")


WARM = """
import sys
from pathlib import Path
from provider_registry.catalog import Catalog
catalog = Catalog(cache=Path(sys.argv[1]))
print(len(catalog.resource("linode", "images", "images").methods))
print(sorted({"yaml", "jsonschema", "platformdirs", "tempfile", "provider_registry.documents"} & set(sys.modules)))
"""


def test_a_warm_start_imports_neither_yaml_nor_jsonschema(tmp_path: Path) -> None:
    def start() -> list[str]:
        command = [sys.executable, "-c", WARM, str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    methods, cold = start()
    assert methods == "7"
    assert "yaml" in cold
    assert "jsonschema" not in cold
    assert start() == ["7", "[]"]


def test_what_tells_rows_apart_stands_in_a_look_up_of_one_row() -> None:
    def path(name: str, key: str | None = None) -> Param:
        return Param(name=name, wire=name, location="path", required=True, key=key)

    row = (Column(name="id"), Column(name="zone"))
    server = Server(url="https://h.example")
    listing = Method(
        name="list",
        http="GET",
        path="/a/{a}/b",
        server=server,
        params=(path("a"),),
        response=Response(rows="$.data", columns=row),
    )
    one = Method(name="get", http="GET", path="/", server=server, response=Response(columns=row, single=True))

    def identity(*params: Param, **more: Response) -> tuple[str, ...]:
        found = structs.replace(one, params=params, **more)
        resource = Resource(name="b", methods={"list": listing, "get": found}, verbs={"select": ("list", "get")})
        return resource.identity(listing)

    assert identity(path("a"), path("b", "id")) == ("id",)
    assert identity(path("a"), path("z", "zone"), path("b", "id")) == ("zone", "id")
    assert identity(path("a"), path("b", "id"), path("c")) == ()  # a part of the key that no column holds
    assert identity(path("a"), path("b", "other")) == ()
    assert identity(path("a")) == ()
    assert identity(path("b", "id"), response=Response(rows="$.data", columns=row)) == ()  # another list
    assert identity(path("b", "id"), response=Response(columns=row)) == ()  # an array of rows is a list too

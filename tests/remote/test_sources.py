"""How a registry is named, and what one says it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider_registry.faults import BadDocument
from provider_registry.layout import Root
from provider_registry.remote import sources
from provider_registry.remote.index import folder_index, read_index, same_version
from provider_registry.remote.sources import PUBLIC, BadSource, Source, read, roots
from tests.registry import shop


def test_a_folder_and_its_address_are_one(tmp_path: Path) -> None:
    root = shop.write(tmp_path / "a b")
    assert read(str(root)) == Source(folder=root)
    assert read(root.as_uri()).folder == root
    assert read(f'{{"url": "{root.as_uri()}", "verifyConfig": {{"nopVerify": true}}}}').folder == root


def test_an_address(tmp_path: Path) -> None:
    assert read("https://r.example/providers/") == Source(url="https://r.example/providers")
    said = f'{{"url": "http://r.example", "localDocRoot": "{tmp_path}", "distPrefix": "d", "verifyConfig": {{}}}}'
    assert read(said) == Source(url="http://r.example", dist="d", home=tmp_path, signed=True)
    assert read("{}") == Source(url=PUBLIC)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("/nowhere", "the registry /nowhere is not a folder with src/ in it"),
        ("file:///nowhere", "the registry file:///nowhere is not a folder with src/ in it"),
        ("file://far/x", "the registry file://far/x is no address that can be read here"),
        ("ftp://r.example", "the registry ftp://r.example is no address that can be read here"),
        ("https://me:hidden@r.example", "the registry's address holds a user or a password, and none is sent"),
        ("http://[", "the registry http://[ is no address that can be read here"),
        ("{url: x}", "the registry is named in JSON that cannot be read: Expecting property name"),
        ('{"ulr": "x"}', "a registry has no 'ulr'; did you mean 'url'?"),
        ('{"url": 3}', "of a registry, url must be text, got 3"),
        ('{"srcPrefix": "s"}', "of a registry, srcPrefix can only be src"),
    ],
)
def test_what_is_no_registry(entry: str, message: str) -> None:
    with pytest.raises(BadSource) as bad:
        read(entry)
    assert str(bad.value).startswith(message)


def test_what_is_named_comes_first_and_what_is_pulled_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, own, pulled = (shop.write(tmp_path / name) for name in ("named", "own", "pulled"))
    monkeypatch.setattr(sources, "home", lambda: pulled)
    given = [Source(url="https://r.example"), Source(folder=named), Source(url="https://s.example", home=own)]
    assert roots(given) == [Root(pulled, "https://r.example"), Root(named), Root(own), Root(pulled)]
    monkeypatch.setattr(sources, "home", lambda: tmp_path / "absent")
    assert roots([]) == []


def test_an_index_has_the_newest_first_and_no_odd_names() -> None:
    listed = "{googleapis.com: {versions: [v1.9.0, v1.10.0]}, ../x: [v1], empty: {}, a: [v1, ../v2]}"
    assert read_index(f"providers: {listed}".encode(), "x") == {"a": ["v1"], "google": ["v1.10.0", "v1.9.0"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "x#: line 2: not YAML"),
        ("[a]", "x#/providers: an index has providers"),
        ("<html>", "x#/providers: an index has providers"),
    ],
)
def test_an_index_that_is_none(text: str, told: str) -> None:
    with pytest.raises(BadDocument) as bad:
        read_index(text.encode(), "x")
    assert str(bad.value).startswith(told)


def test_a_folder_is_its_own_index(tmp_path: Path) -> None:
    shop.write(tmp_path, version="v2.0.0")
    assert folder_index(shop.write(tmp_path)) == {"shop": ["v2.0.0", "v1.0.0"]}


def test_versions_with_and_without_their_v() -> None:
    listed = ["v2.0.0", "1.0.0"]
    assert [same_version(text, listed) for text in ("2.0.0", "V2.0.0", "v1.0.0", "3")] == [
        "v2.0.0",
        "v2.0.0",
        "1.0.0",
        None,
    ]

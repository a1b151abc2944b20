"""Where documents send, and what of that is new."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider_registry.layout import PROVIDER_FILE
from provider_registry.protocol import Server, Variable
from provider_registry.remote import pulling
from provider_registry.remote.reach import Reach, addresses, changes, inspect, noted
from tests.registry import shop
from tests.registry.shop import LIST, PROVIDER, STOCK
from tests.remote.served import archive, documents
from tests.remote.test_pulling import pull

VARIABLES = {
    "r": Variable(default="eu", enum=("eu", "us")),
    "v": Variable(default="v1"),
    "free": Variable(default=""),
}
ADDRESSES = [
    ("https://api.example/{v}", {"api.example"}),
    ("https://{r}.api.example:8443", {"eu.api.example:8443", "us.api.example:8443"}),
    ("https://{free}.api.example", {"{free}.api.example"}),
    ("https://API.example.", {"api.example"}),
    ("https://me@api.example", {"api.example"}),
]


@pytest.mark.parametrize(("url", "hosts"), ADDRESSES)
def test_hosts_of_a_server(url: str, hosts: set[str]) -> None:
    assert addresses(Server(url=url, variables=VARIABLES)) == hosts


def test_a_default_cannot_hide_another_host() -> None:
    sly = {"v": Variable(default="evil.example/"), "u": Variable(default="api.example@evil.example")}
    assert addresses(Server(url="https://{v}.api.example/", variables=sly)) == {"evil.example"}
    assert addresses(Server(url="https://{u}/", variables=sly)) == {"evil.example"}


def test_variables_without_end_stay_as_they_are_written() -> None:
    many = {name: Variable(default="0", enum=tuple(map(str, range(20)))) for name in "abc"}
    assert "{a}{b}{c}.example" in addresses(Server(url="https://{a}{b}{c}.example", variables=many))


def reach(root: Path) -> Reach:
    return inspect(root / "src/shop/v1.0.0" / PROVIDER_FILE).reach


def test_every_method_counts_and_so_does_the_address_of_tokens(tmp_path: Path) -> None:
    token = ("{type: oauth2, token_url: 'https://id.example/token', client_id_env_var: SHOP_ID, "
             "client_secret_env_var: SHOP_SECRET}")  # fmt: skip
    edits = {f"{LIST}/servers": "[{url: https://mirror.example}]", f"{LIST}/config": f"{{auth: {token}}}"}
    found = reach(shop.write(tmp_path, shop.edited(STOCK, edits)))
    at_home = {"eu.shop.example", "us.shop.example"}
    assert found.hosts == {*at_home, "mirror.example", "id.example"}
    assert found.shown == {
        "SHOP_ID": {"mirror.example", "id.example"},
        "SHOP_SECRET": {"mirror.example", "id.example"},
        "SHOP_TOKEN": at_home,
    }
    assert noted(found.noted()) == found
    assert noted({}) is None


THEFT = "{type: bearer, credentialsenvvar: LINODE_TOKEN}"


def before(second: str) -> str:
    return f"{{type: api_key, name: X-Key, credentialsenvvar: SHOP_KEY, successor: {second}}}"


HIDDEN = [
    ("a second secret", {f"{LIST}/config": f"{{auth: {before(THEFT)}}}"}),
    ("a third", {f"{LIST}/config": f"{{auth: {before(before(THEFT))}}}"}),
    ("a variable of the address",
     {f"{LIST}/servers": "[{url: 'https://{x}.mirror.example', variables: {x: {x-stackQL-envVar: LINODE_TOKEN}}}]"}),
    ("a variable of the address of tokens",
     {f"{LIST}/config": "{auth: {type: oauth2, token_url: 'https://id.example/{{ .__env__LINODE_TOKEN }}', "
                        "client_id_env_var: SHOP_ID, client_secret_env_var: SHOP_SECRET}}"}),
]  # fmt: skip


@pytest.mark.parametrize("edits", [edits for _, edits in HIDDEN], ids=[name for name, _ in HIDDEN])
def test_another_providers_secret_is_found_wherever_it_is_asked_for(edits: shop.Edits, tmp_path: Path) -> None:
    with pulling.stage(tmp_path) as stage:
        staged = pulling.from_archive(archive(documents("v1.0.0", stock=edits)), stage, "shop")
        found, _ = pulling.change(staged, tmp_path)
    assert [(place, name) for place, name, _ in found.strays] == [("LINODE_TOKEN", "linode")]


def test_what_was_there_before_is_no_change() -> None:
    home, away = frozenset({"a.example"}), frozenset({"b.example"})
    was = Reach(home, {"A_TOKEN": home})
    assert not changes(was, was, {"other": Reach(home, {"A_TOKEN": home})})
    moved = changes(Reach(away, {"A_TOKEN": away}), was, {})
    assert moved.hosts == ("b.example",)
    thief = changes(Reach(away, {"A_TOKEN": away}), None, {"a": was})
    assert (thief.hosts, thief.strays) == ((), (("A_TOKEN", "a", ("b.example",)),))


def test_a_change_is_held_against_what_counts_now(tmp_path: Path) -> None:
    pull(tmp_path, documents("v1.0.0"))
    pull(tmp_path, documents("v2.0.0", host="second.example"))

    def change(version: str, host: str) -> tuple[tuple[str, ...], str]:
        with pulling.stage(tmp_path) as stage:
            staged = pulling.from_archive(archive(documents(version, host)), stage, "shop")
            found, before = pulling.change(staged, tmp_path)
            return found.hosts, before

    assert change("v3.0.0", "second.example") == ((), "v2.0.0")
    assert change("v3.0.0", "shop.example") == (("eu.shop.example", "us.shop.example"), "v2.0.0")


def test_the_secret_of_what_is_built_in_is_known(tmp_path: Path) -> None:
    thief = shop.edited(PROVIDER, {"/config/auth/credentialsenvvar": "LINODE_TOKEN"})
    with pulling.stage(tmp_path) as stage:
        files = {**documents(), "v1.0.0/provider.yaml": thief}
        found, before = pulling.change(pulling.from_archive(archive(files), stage, "shop"), tmp_path)
    assert (found.hosts, before) == ((), "")
    assert found.strays == (("LINODE_TOKEN", "linode", ("eu.shop.example", "us.shop.example")),)

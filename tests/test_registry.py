"""REGISTRY LIST and PULL in a session, against a registry on this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import portal
from engine.errors import (
    ApiError,
    Declined,
    DocumentError,
    Refused,
    StratoqlError,
    UnknownName,
    Unreachable,
    UsageError,
    explain,
)
from engine.registry.installing import Question
from engine.session import Session
from engine.settings import Settings
from provider_registry.remote import sources
from tests.registry import shop
from tests.registry.shop import LIST, PROVIDER
from tests.remote.served import Asked, archive, documents, installed, registry, serving, shops

LINODE = "SELECT count(*) FROM linode.images.images WHERE id = 'linode/debian12'"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pulls are kept in a test."""
    monkeypatch.setattr(sources, "home", lambda: tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def served(home: Path) -> Iterator[Callable[..., Asked]]:
    """Starts registries of these files."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield lambda files: stack.enter_context(serving(registry(files)))


def opened(*registries: str, **more: Any) -> Session:
    settings = {name: more.pop(name) for name in ("sandbox", "token", "timeout") if name in more}
    return Session(Settings(registry=registries, environ={"SHOP_TOKEN": "verysecret"}, **settings), **more)


def rows(session: Session, sql: str, *, dry_run: bool = False) -> list[tuple[Any, ...]]:
    (result,) = session.run(sql, dry_run=dry_run)
    return result.fetchall()


def failure(session: Session, sql: str) -> StratoqlError:
    with pytest.raises(StratoqlError) as raised:
        rows(session, sql)
    return raised.value


def test_what_a_registry_has(served: Callable[..., Asked]) -> None:
    asked = served(shops("v1.9.0", "v1.10.0"))
    with opened(asked.url, token="verysecret") as session:
        assert rows(session, "REGISTRY LIST") == [("shop", "v1.10.0", False, None, asked.url)]
        (result,) = session.run("REGISTRY LIST Shop")
        assert [column.name for column in result.columns] == ["provider", "version", "pulled", "in_use", "registry"]
        assert [row[1] for row in result] == ["v1.10.0", "v1.9.0"]
    assert asked.lines == ["GET /dist/providers.yaml"] * 2
    assert "verysecret" not in json.dumps(asked.headers)


def test_a_pull_brings_the_newest_and_it_is_there_at_once(served: Callable[..., Asked], home: Path) -> None:
    asked = served(shops("v1.9.0", "v1.10.0"))
    with opened(asked.url) as session:
        assert isinstance(failure(session, "SHOW SERVICES IN shop"), UnknownName)
        (result,) = session.run("REGISTRY PULL shop")
        assert result.fetchall() == [("shop", "v1.10.0", 1, asked.url)]
        assert result.messages == (f"installed in {home / 'src/shop/v1.10.0'}",)
        assert rows(session, "SHOW SERVICES IN shop")[0][1] == "stock"
        assert rows(session, "REGISTRY LIST") == [("shop", "v1.10.0", True, "v1.10.0", asked.url)]
    assert asked.lines[:2] == ["GET /dist/providers.yaml", "GET /dist/shop/v1.10.0.tgz"]
    with opened() as another:
        assert ("shop", "v1.10.0", f"pulled from {asked.url}") in rows(another, "SHOW PROVIDERS")


@pytest.mark.parametrize("version", ["v1.9.0", "1.9.0", "'v1.9.0'"])
def test_a_version_that_is_named_is_pinned(version: str, served: Callable[..., Asked]) -> None:
    with opened(served(shops("v1.9.0", "v1.10.0")).url) as session:
        rows(session, "REGISTRY PULL shop")
        rows(session, f"REGISTRY PULL shop {version}")
        assert [row[2:4] for row in rows(session, "REGISTRY LIST shop")] == [(True, "v1.9.0"), (True, "v1.9.0")]
        rows(session, "REGISTRY PULL shop")
        assert rows(session, "REGISTRY LIST")[0][3] == "v1.10.0"


def test_an_index_may_be_at_the_top_and_need_not_list_all(served: Callable[..., Asked]) -> None:
    files = shops("v1.0.0", "v2.0.0")
    files["/providers.yaml"] = files.pop("/dist/providers.yaml").replace(b', "v2.0.0"', b"")
    with opened(served(files).url) as session:
        assert rows(session, "REGISTRY PULL shop v2.0.0")[0][1] == "v2.0.0"


def test_names_that_are_not_there(served: Callable[..., Asked], home: Path) -> None:
    asked = served(shops("v1.9.0", "v1.10.0"))
    with opened(asked.url) as session:
        unknown = failure(session, "REGISTRY PULL shp")
        assert explain(unknown).splitlines() == [
            "error: the registry has no provider 'shp'",
            "line 1, column 15:",
            "  REGISTRY PULL shp",
            "                ^^^",
            "hint: did you mean shop?",
        ]
        assert str(failure(session, "REGISTRY LIST shp")) == "the registry has no provider 'shp'"
        version = failure(session, "REGISTRY PULL shop v1.8.0")
        assert str(version) == f"{asked.url} has no version v1.8.0 of shop"
        assert version.hint == "did you mean v1.9.0 or v1.10.0?"
        assert str(failure(session, "REGISTRY PULL shop '../../x'")) == "'../../x' is no version"
    assert installed(home) == []


def test_nothing_is_fetched_in_a_dry_run(served: Callable[..., Asked], home: Path) -> None:
    asked = served(shops("v1.0.0"))
    with opened(asked.url) as session:
        told = [
            (f"send: GET {asked.url}/dist/providers.yaml",),
            (f"send: GET {asked.url}/dist/shop/{{newest version}}.tgz",),
            (f"install below: {home / 'src'}",),
        ]
        assert rows(session, "REGISTRY PULL shop", dry_run=True) == told
        assert rows(session, "EXPLAIN REGISTRY PULL shop") == told
        assert rows(session, "EXPLAIN ANALYZE REGISTRY PULL shop") == told
        assert rows(session, "REGISTRY LIST", dry_run=True) == told[:1]
        assert rows(session, "EXPLAIN REGISTRY PULL shop v1.0.0")[1] == (
            f"send: GET {asked.url}/dist/shop/v1.0.0.tgz",
        )
    assert (asked.lines, installed(home)) == ([], [])


def test_a_registry_that_is_down_says_what_to_do(home: Path, no_waiting: None) -> None:
    with serving(registry({})) as gone:
        pass
    with opened(gone.url) as session:
        down = failure(session, "REGISTRY PULL shop")
        assert isinstance(down, Unreachable)
        assert str(down).startswith(f"the registry {gone.url} cannot be asked: cannot connect to 127.0.0.1: ")
        assert down.request == f"GET {gone.url}/dist/providers.yaml"
        assert down.hint is not None
        assert down.hint.endswith("SHOW PROVIDERS lists what is here without it")
        assert [row[0] for row in rows(session, "SHOW PROVIDERS")] == ["linode"]


def test_an_address_that_is_no_registry(served: Callable[..., Asked], no_waiting: None) -> None:
    with opened(served({}).url) as session:
        missing = failure(session, "REGISTRY LIST")
        assert isinstance(missing, ApiError)
        assert missing.hint is not None
        assert missing.hint.endswith(" a registry? One has the file dist/providers.yaml")
    with opened(served({"/dist/providers.yaml": b"<html>"}).url) as session:
        odd = failure(session, "REGISTRY LIST")
        assert isinstance(odd, DocumentError)
        assert "providers.yaml#/providers: an index has providers, each with its versions" in str(odd)
    for broken in (500, 403):
        with serving(lambda *_, broken=broken: (broken, b"", {})) as asked, opened(asked.url) as session:
            assert f"HTTP {broken}" in str(failure(session, "REGISTRY LIST"))


BROKEN = [
    ("harm", archive({"../evil.yaml": "x"}),
     "the archive of shop v1.0.0 is refused: '../evil.yaml' leads out of it", "nothing was installed"),
    ("no archive", b"<html>", "the archive of shop v1.0.0 is refused: it cannot be read", "nothing was installed"),
    ("faults", archive(documents(stock={f"{LIST}/operation": None, "/info/version": "[1]"})),
     "shop v1.0.0 cannot be used and was not installed:\n  services/stock.yaml#", None),
]  # fmt: skip


@pytest.mark.parametrize(("data", "message", "hint"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_nothing_is_half_installed(
    data: bytes, message: str, hint: str | None, served: Callable[..., Asked], home: Path
) -> None:
    with opened(served({**shops("v1.0.0"), "/dist/shop/v1.0.0.tgz": data}).url) as session:
        refused = failure(session, "REGISTRY PULL shop")
        assert isinstance(refused, DocumentError)
        assert (str(refused).startswith(message), refused.hint) == (True, hint)
        assert [row[0] for row in rows(session, "SHOW PROVIDERS")] == ["linode"]
    assert installed(home) == []


def moved(**more: bytes) -> dict[str, bytes]:
    """A registry whose second version of the shop sends elsewhere."""
    return shops("v1.0.0", "v2.0.0") | {
        "/dist/shop/v2.0.0.tgz": archive(documents("v2.0.0", "evil.example")), **more
    }  # fmt: skip


TOLD = (
    "shop v2.0.0 sends to eu.evil.example, us.evil.example, where shop v1.0.0 did not\n"
    "the secret in SHOP_TOKEN would go there"
)


def test_a_document_that_sends_elsewhere_is_refused_where_nobody_can_be_asked(
    served: Callable[..., Asked], home: Path
) -> None:
    asked = served(moved())
    with opened(asked.url) as session:
        rows(session, "REGISTRY PULL shop v1.0.0")
        before = installed(home)
        refused = failure(session, "REGISTRY PULL shop")
        assert isinstance(refused, Refused)
        assert str(refused) == TOLD
        command = f"stratoql registry pull shop v2.0.0 --registry {asked.url} --yes"
        assert refused.hint == f"nothing was installed; if that is right: {command}"
        assert rows(session, "SHOW PROVIDERS")[1][1] == "v1.0.0"
    assert installed(home) == before


def test_who_is_asked_decides(served: Callable[..., Asked], home: Path) -> None:
    asked, heard = served(moved()), list[Question]()
    answers = iter([False, True])

    def consent(question: Question) -> bool:
        heard.append(question)
        return next(answers)

    with opened(asked.url, consent=consent) as session:
        rows(session, "REGISTRY PULL shop v1.0.0")
        assert isinstance(failure(session, "REGISTRY PULL shop"), Declined)
        assert not (home / "src/shop/v2.0.0").exists()
        rows(session, "REGISTRY PULL shop")
        rows(session, "REGISTRY PULL shop")
    assert [question.text for question in heard] == [TOLD, TOLD]


def test_the_built_in_provider_is_not_to_be_moved_either(served: Callable[..., Asked]) -> None:
    from provider_registry.layout import BUILT_IN

    folder = BUILT_IN / "src/linode/v1.0.0"
    files = {f"v9.0.0/{path.relative_to(folder)}": path.read_text() for path in folder.rglob("*.yaml")}
    files = {name: text.replace("linode/v1.0.0", "linode/v9.0.0") for name, text in files.items()}
    evil = {name: text.replace("https://api.linode.com", "https://evil.example") for name, text in files.items()}
    listed = b"providers: {linode: {versions: [v9.0.0]}}"
    asked = served({"/dist/providers.yaml": listed, "/dist/linode/v9.0.0.tgz": archive(evil)})
    with opened(asked.url) as session:
        told = str(failure(session, "REGISTRY PULL linode")).splitlines()
        assert told == [
            "linode v9.0.0 sends to evil.example, where linode v1.0.0 (built in) did not",
            "the secret in LINODE_TOKEN or LINODE_CLI_TOKEN or linode-cli would go there",
        ]
    good = served({"/dist/providers.yaml": listed, "/dist/linode/v9.0.0.tgz": archive(files)})
    with opened(good.url) as session:
        rows(session, "REGISTRY PULL linode")
        assert rows(session, "SHOW PROVIDERS") == [("linode", "v9.0.0", f"pulled from {good.url}")]


def test_another_providers_secret_is_not_to_be_taken(served: Callable[..., Asked]) -> None:
    thief = documents(provider={"/config/auth/credentialsenvvar": "LINODE_TOKEN"})
    with opened(served({**shops("v1.0.0"), "/dist/shop/v1.0.0.tgz": archive(thief)}).url) as session:
        assert str(failure(session, "REGISTRY PULL shop")) == (
            "shop v1.0.0 would send the secret in LINODE_TOKEN, which linode uses too, "
            "to eu.shop.example, us.shop.example"
        )


def test_a_folder_stands_before_what_is_pulled_and_that_before_what_is_built_in(
    served: Callable[..., Asked], tmp_path: Path
) -> None:
    asked = served(shops("v1.0.0", "v2.0.0"))
    folder = shop.write(tmp_path / "own", provider=PROVIDER.replace("v1.0.0", "v0.1.0"), version="v0.1.0")
    with opened(asked.url) as session:
        rows(session, "REGISTRY PULL shop")
    with opened(str(folder)) as session:
        assert rows(session, "SHOW PROVIDERS")[1] == ("shop", "v0.1.0", str(folder))
    with opened(asked.url, folder.as_uri()) as session:
        assert rows(session, "SHOW PROVIDERS")[1] == ("shop", "v2.0.0", f"pulled from {asked.url}")


def test_a_folder_is_a_registry_of_its_own(tmp_path: Path, home: Path) -> None:
    folder = shop.write(tmp_path / "own", version="v1.0.0")
    with opened(str(folder), sandbox="") as session:
        assert rows(session, "REGISTRY LIST") == [("shop", "v1.0.0", False, "v1.0.0", str(folder))]
        assert rows(session, "REGISTRY PULL shop") == [("shop", "v1.0.0", 1, str(folder))]
        assert rows(session, "REGISTRY LIST")[0][2] is True
        assert rows(session, "EXPLAIN REGISTRY LIST") == [(f"read: {folder}",)]
    (folder / "dist/shop").mkdir(parents=True)
    (folder / "dist/providers.yaml").write_bytes(shops("v3.0.0")["/dist/providers.yaml"])
    (folder / "dist/shop/v3.0.0.tgz").write_bytes(archive(documents("v3.0.0")))
    with opened(str(folder)) as session:
        assert rows(session, "REGISTRY PULL shop")[0][1] == "v3.0.0"
        assert str(failure(session, "REGISTRY PULL shop v4")) == f"{folder} has no version v4 of shop"
    assert "src/shop/v3.0.0/origin.json" in installed(home)


def test_stackqls_way_to_name_a_registry(served: Callable[..., Asked], tmp_path: Path, home: Path) -> None:
    asked = served(shops("v1.0.0"))
    said = json.dumps(
        {"url": asked.url, "localDocRoot": str(tmp_path / "local"), "verifyConfig": {"nopVerify": False}}
    )
    with opened(said) as session:
        (result,) = session.run("REGISTRY PULL shop")
        assert result.warnings == (
            "signatures are not checked: what protects the documents is https, and that you are asked",
        )
        assert rows(session, "SHOW PROVIDERS")[1][:2] == ("shop", "v1.0.0")
    assert "src/shop/v1.0.0/provider.yaml" in installed(tmp_path / "local")
    assert installed(home) == []


def test_one_broken_service_is_a_warning(served: Callable[..., Asked]) -> None:
    added = '{id: "x", name: x, title: X, service: {$ref: shop/v1.0.0/services/x.yaml}}'
    files = {**documents(provider={"/providerServices/x": added}), "v1.0.0/services/x.yaml": "openapi: 3.0.0"}
    with opened(served({**shops("v1.0.0"), "/dist/shop/v1.0.0.tgz": archive(files)}).url) as session:
        (result,) = session.run("REGISTRY PULL shop")
        assert result.warnings == ("1 service of shop cannot be used (x): stratoql registry validate shop tells why",)


def test_the_sandbox_asks_no_registry() -> None:
    with opened(sandbox="") as session:
        refused = failure(session, "REGISTRY LIST")
        assert isinstance(refused, Refused)
        assert str(refused) == "the sandbox has no network, so no registry is asked"


def test_a_registry_is_named_well_or_not_at_all() -> None:
    with pytest.raises(UsageError, match="did you mean 'url'"):
        opened('{"ulr": "https://r.example"}')
    with opened("http://r.example") as session:
        assert "plain http" in str(failure(session, "REGISTRY LIST"))


def test_a_loop_of_its_own_pulls_too(served: Callable[..., Asked]) -> None:
    from engine.language.parser import parse

    asked = served(shops("v1.0.0"))

    async def main() -> list[tuple[Any, ...]]:
        with opened(asked.url, way=portal.AWAITING) as session:
            return (await session.answer(parse("REGISTRY PULL shop")[0])).fetchall()

    assert asyncio.run(main()) == [("shop", "v1.0.0", 1, asked.url)]


def test_pulling_writes_nothing_that_an_api_has() -> None:
    from engine.language.parser import parse

    with opened() as session:
        assert session.writes(parse("REGISTRY PULL shop")[0]) is False

"""`stratoql registry`: documents found, installed, taken away, checked and made, on the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from engine.cli import main
from provider_registry.remote import sources
from tests.registry import shop
from tests.registry.shop import LIST, STOCK
from tests.remote.served import Asked, archive, documents, installed, registry, serving, shops

KENNEL = Path(__file__).parent.parent / "importing" / "kennel.yaml"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pulls are kept in a test."""
    monkeypatch.setenv("STRATOQL_CONFIG", os.devnull)
    monkeypatch.setattr(sources, "home", lambda: tmp_path / "data/stratoql/providers")
    return tmp_path / "data/stratoql/providers"


@pytest.fixture
def asked() -> Iterator[Asked]:
    """A registry whose second version of the shop sends elsewhere."""
    files = shops("v1.0.0", "v2.0.0") | {"/dist/shop/v2.0.0.tgz": archive(documents("v2.0.0", "evil.example"))}
    with serving(registry(files)) as found:
        yield found


def test_list_and_pull(asked: Asked, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    at = ["--registry", asked.url, "-o", "csv"]
    assert main(["registry", "list", *at]) == 0
    assert capsys.readouterr().out == f"provider,version,pulled,in_use,registry\nshop,v2.0.0,false,,{asked.url}\n"
    assert main(["registry", "pull", "shop", "1.0.0", *at]) == 0
    out, err = capsys.readouterr()
    assert out == f"provider,version,services,registry\nshop,v1.0.0,1,{asked.url}\n"
    assert err == f"installed in {home / 'src/shop/v1.0.0'}\n"
    assert main(["registry", "list", "shop", *at, "-H"]) == 0
    assert [line.split(",")[1:4] for line in capsys.readouterr().out.splitlines()] == [
        ["v2.0.0", "false", "v1.0.0"], ["v1.0.0", "true", "v1.0.0"],
    ]  # fmt: skip


def test_a_pull_that_has_to_be_asked_about(asked: Asked, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    at = ["--registry", asked.url]
    assert main(["registry", "pull", "shop", "v1.0.0", *at]) == 0
    capsys.readouterr()
    assert main(["registry", "pull", "shop", *at]) == 1
    told = capsys.readouterr().err
    assert "where shop v1.0.0 did not\nthe secret in SHOP_TOKEN would go there\n" in told
    assert told.endswith(f"if that is right: stratoql registry pull shop v2.0.0 --registry {asked.url} --yes\n")
    assert main(["registry", "pull", "shop", "v2.0.0", *at, "--yes"]) == 0
    assert "shop v2.0.0 sends to eu.evil.example, us.evil.example" in capsys.readouterr().err
    assert (home / "src/shop/v2.0.0/provider.yaml").exists()


def test_a_dry_run_fetches_nothing(asked: Asked, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert main(["registry", "pull", "shop", "--registry", asked.url, "--dryrun"]) == 0
    assert f"send: GET {asked.url}/dist/providers.yaml" in capsys.readouterr().out
    for action in (["add", "x"], ["remove", "x"], ["import", "x", "--provider", "x"]):
        assert main(["registry", *action, "--dryrun"]) == 2
        assert f"--dryrun does not go with registry {action[0]}" in capsys.readouterr().err
    assert (asked.lines, installed(home)) == ([], [])


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1), ("\x04", 1), ("\x03", 130)])
def test_on_a_terminal_somebody_is_asked(answer: str, code: int, asked: Asked, tmp_path: Path) -> None:
    environ = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "TERM": "dumb"}
    at = f"--registry {asked.url}"
    first = pexpect.run(f"{sys.executable} -m engine registry pull shop v1.0.0 {at}", env=environ, encoding="utf-8")
    assert "installed in" in first
    child = pexpect.spawn(
        sys.executable, ["-m", "engine", "registry", "pull", "shop", *at.split()], env=environ, encoding="utf-8"
    )
    try:
        child.expect_exact("the secret in SHOP_TOKEN would go there", timeout=20)
        child.expect_exact("Install it? [y/N] ")
        if answer.isprintable():
            child.sendline(answer)
        else:
            child.send(answer)
        child.expect(pexpect.EOF)
        child.wait()
    finally:
        child.close()
    assert child.exitstatus == code
    versions = sorted(
        path.name for path in (tmp_path / "data/stratoql/providers/src/shop").iterdir() if path.is_dir()
    )
    assert versions == (["v1.0.0", "v2.0.0"] if code == 0 else ["v1.0.0"])


@pytest.mark.parametrize("shape", ["root", "provider", "version", "archive"])
def test_add_takes_what_documents_come_in(
    shape: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    root = shop.write(tmp_path / "own")
    packed = tmp_path / "shop.tgz"
    packed.write_bytes(archive(documents()))
    paths = {"root": root, "provider": root / "src/shop", "version": root / "src/shop/v1.0.0", "archive": packed}
    assert main(["registry", "add", str(paths[shape]), "-o", "csv", "-H"]) == 0
    out, err = capsys.readouterr()
    assert out == f"shop,v1.0.0,1,{paths[shape]}\n"
    assert err == f"installed in {home / 'src/shop/v1.0.0'}\n"
    assert main(["exec", "SHOW PROVIDERS LIKE 'shop'", "-o", "csv", "-H"]) == 0
    assert capsys.readouterr().out == f"shop,v1.0.0,pulled from {paths[shape]}\n"


def test_add_refuses_what_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert main(["registry", "add", str(tmp_path / "absent")]) == 2
    assert "there is no such file or folder" in capsys.readouterr().err
    assert main(["registry", "add", str(tmp_path)]) == 1
    assert (
        "hint: name an archive (.tgz), the folder of a version, or a folder that holds src/"
        in capsys.readouterr().err
    )
    assert main(["registry", "add", str(shop.write(tmp_path / "bad", shop.edited(STOCK, {"/servers": "[]"})))]) == 1
    told = capsys.readouterr().err
    assert "own" not in told
    assert told.count("no server: neither the method nor its document names one in servers") == 4
    assert installed(home) == []


def test_remove_tells_what_is_in_use_then(tmp_path: Path, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    for version in ("v1.0.0", "v2.0.0"):
        packed = tmp_path / f"{version}.tgz"
        packed.write_bytes(archive(documents(version)))
        assert main(["registry", "add", str(packed)]) == 0
    capsys.readouterr()
    assert main(["registry", "remove", "shop", "v2.0.0"]) == 0
    assert capsys.readouterr().err == (
        f"removed: shop v2.0.0\nshop is v1.0.0 now, pulled from {tmp_path / 'v1.0.0.tgz'}\n"
    )
    assert main(["registry", "remove", "shop", "v9"]) == 2
    assert (
        capsys.readouterr().err
        == "error: shop v9 was not pulled, so there is nothing to remove\nhint: there are v1.0.0\n"
    )
    assert main(["registry", "remove", "shop"]) == 0
    assert capsys.readouterr().err == "removed: shop v1.0.0\nshop is not known any more\n"
    assert main(["registry", "remove", "linode"]) == 2
    assert "linode was not pulled" in capsys.readouterr().err


def test_validate_knows_providers_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["registry", "validate", "linode"]) == 0
    assert capsys.readouterr() == ("", "no faults in linode\n")
    edits: shop.Edits = {f"{LIST}/operation": None, "/info/version": "[1]"}
    root = shop.write(tmp_path / "own", shop.edited(STOCK, edits))
    assert main(["registry", "validate", "shop", "--registry", str(root)]) == 1
    out, err = capsys.readouterr()
    file = root / "src/shop/v1.0.0/services/stock.yaml"
    lines = out.splitlines()
    assert all(line.startswith(f"error: {file}#") for line in lines)
    assert {line.partition("#")[2].partition(":")[0] for line in lines} >= {f"{LIST}/operation", "/info/version"}
    assert err == f"{len(lines)} errors\n"
    assert main(["registry", "validate", "lnode"]) == 2
    assert capsys.readouterr().err == (
        "error: cannot read lnode: there is no such file, folder or provider\nhint: did you mean linode?\n"
    )


def test_import_writes_documents_that_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made"
    given = ["registry", "import", str(KENNEL), "--provider", "kennel", "--out", str(out)]
    assert main(given) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[-2:] == [
        f"written: {out / 'src/kennel/v2.4.0'}: 2 services, 5 resources, 13 methods",
        f'hint: stratoql exec --registry {out} "SHOW SERVICES IN kennel"',
    ]
    assert main(["registry", "validate", str(out)]) == 0
    assert main(["exec", "--registry", str(out), "SHOW RESOURCES IN kennel.staff", "-o", "csv", "-H"]) == 0
    assert [line.split(",")[0] for line in capsys.readouterr().out.splitlines()] == ["keepers", "search", "contract"]
    assert main(given) == 2
    assert "is there already, and stays as it is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("swagger: '2.0'", 1, "/swagger: this is Swagger 2.0: convert it to OpenAPI 3, then import that"),
        ("a: 1", 1, "this is no OpenAPI 3 document"),
        ("a: [", 1, "line 2: not YAML"),
        ("openapi: 3.0.0", 1, "there is no operation in it that SQL could stand for"),
        ("{openapi: 3.0.0, paths: {/a: {get: {responses: {}}}}, servers: [{url: /v1}]}", 1,
         "hint: say where it is: --server kennel=https://..."),
    ],
)  # fmt: skip
def test_import_refuses_what_is_none(
    text: str, code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "spec.yaml").write_text(text)
    out = tmp_path / "made"
    spec = str(tmp_path / "spec.yaml")
    assert main(["registry", "import", spec, "--provider", "kennel", "--out", str(out)]) == code
    assert told in capsys.readouterr().err
    assert not out.exists() or list(out.iterdir()) == []


def test_import_wants_a_file_and_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["registry", "import", str(tmp_path / "absent"), "--provider", "x"]) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert main(["registry", "import", str(KENNEL), "--provider", "my-api"]) == 2
    assert "'my-api' is no name for a provider" in capsys.readouterr().err
    assert main(["registry", "import", str(KENNEL)]) == 2
    assert "--provider" in capsys.readouterr().err

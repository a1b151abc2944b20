"""Secrets: found where the document says, sent where they belong, shown to nobody."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from engine.errors import CredentialError
from engine.settings import Settings
from engine.wire.auth import Grant, Secret, authorize, found_in, places
from provider_registry.protocol import Auth, Credential
from tests.wire.methods import AUTH, TOKEN, settings

HOME = "https://api.linode.com:443"
URL = "https://api.linode.com/v4/images"
NEEDED = replace(AUTH, optional=False)
INI = Auth(type="bearer", credentials=(Credential(ini="linode-cli"),))


def grant(auth: Auth, held: Settings, url: str = URL) -> Grant:
    return authorize(auth, "linode", held, url=url, home=HOME)


def added(found: Grant) -> list[tuple[str, str, str]]:
    """Where each secret goes, its name, its value."""
    return [("header", n, s.reveal()) for n, s in found.headers] + [("query", n, s.reveal()) for n, s in found.query]


SIMPLE: list[tuple[Auth, tuple[str, str, str]]] = [
    (Auth(type="bearer", prefix="Bearer "), ("header", "Authorization", f"Bearer {TOKEN}")),
    (Auth(type="bearer"), ("header", "Authorization", f"Bearer {TOKEN}")),
    (Auth(type="bearer", prefix="Token "), ("header", "Authorization", f"Token {TOKEN}")),
    (Auth(type="bearer", name="X", location="query"), ("header", "Authorization", f"Bearer {TOKEN}")),
    (Auth(type="api_key", name="X-Key"), ("header", "X-Key", TOKEN)),
    (Auth(type="api_key", name="key", location="query"), ("query", "key", TOKEN)),
    (Auth(type="custom", name="X-Auth", prefix="Key "), ("header", "X-Auth", f"Key {TOKEN}")),
    (Auth(type="basic"), ("header", "Authorization", f"Basic {TOKEN}")),
]


@pytest.mark.parametrize(("auth", "wanted"), SIMPLE)
def test_types(auth: Auth, wanted: tuple[str, str, str]) -> None:
    found = grant(replace(auth, credentials=(Credential(env="KEY"),)), settings({"KEY": TOKEN}))
    assert added(found) == [wanted]
    assert found.source == "KEY"


def test_user_and_password() -> None:
    auth = Auth(type="basic", credentials=(Credential(env="PASSWORD"),), username=Credential(env="ME"))
    found = grant(auth, settings({"ME": "jörg", "PASSWORD": "pass word: ü"}))
    coded = base64.b64encode("jörg:pass word: ü".encode()).decode()
    assert added(found) == [("header", "Authorization", f"Basic {coded}")]
    assert found.scrub(f"sent pass word: ü as {coded}") == "sent *** as ***"
    with pytest.raises(CredentialError, match="no credential for linode: looked at ME"):
        grant(auth, settings({"PASSWORD": "x"}))
    for environ in ({"ME": "a:b", "PASSWORD": "x"}, {"ME": "a\n", "PASSWORD": "x"}, {"ME": "a", "PASSWORD": "b\x00"}):
        with pytest.raises(CredentialError, match=r"the (user|credential) from (ME|PASSWORD) holds"):
            grant(auth, settings(environ))


def test_no_authentication() -> None:
    assert grant(Auth(), settings(token=TOKEN), url="https://evil.example") == Grant()


def test_the_token_that_was_given_stands_above_all() -> None:
    found = grant(AUTH, settings({"LINODE_TOKEN": "other"}, token=TOKEN))
    assert added(found) == [("header", "Authorization", f"Bearer {TOKEN}")]
    assert found.source == "the settings"


@pytest.mark.parametrize(
    ("environ", "source"),
    [
        ({"LINODE_TOKEN": TOKEN, "LINODE_CLI_TOKEN": "other"}, "LINODE_TOKEN"),
        ({"LINODE_TOKEN": "", "LINODE_CLI_TOKEN": TOKEN}, "LINODE_CLI_TOKEN"),
    ],
)
def test_places_are_tried_in_order(environ: dict[str, str], source: str) -> None:
    found = grant(AUTH, settings(environ))
    assert (added(found)[0][2], found.source) == (f"Bearer {TOKEN}", source)


def test_without_a_credential() -> None:
    assert grant(AUTH, settings()) == Grant()
    with pytest.raises(CredentialError) as raised:
        grant(NEEDED, settings({"HOME": "/home/me", "XDG_CONFIG_HOME": "/cfg"}))
    assert raised.value.message == (
        "no credential for linode: looked at LINODE_TOKEN, LINODE_CLI_TOKEN, token in /home/me/.linode-cli, "
        "token in /cfg/linode-cli"
    )
    assert raised.value.hint == "set LINODE_TOKEN"
    assert raised.value.harmless
    with pytest.raises(CredentialError, match="looked at no place, its document names none"):
        grant(Auth(type="bearer"), settings())


@pytest.mark.parametrize("auth", [Auth(type="oauth2"), Auth(type="unsupported", unsupported="aws_signing_v4")])
def test_ways_of_signing_in_that_are_out_of_reach(auth: Auth) -> None:
    with pytest.raises(CredentialError, match=f"linode signs in with {auth.unsupported or 'oauth2'}, which"):
        grant(auth, settings())


def test_a_token_does_for_oauth2() -> None:
    found = grant(Auth(type="oauth2"), settings(token=TOKEN))
    assert added(found) == [("header", "Authorization", f"Bearer {TOKEN}")]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v4",
        "http://api.linode.com/v4",
        "https://api.linode.com:8443/",
        "https://x.api.linode.com",
    ],
)
def test_no_other_origin_sees_it(url: str) -> None:
    with pytest.raises(CredentialError) as raised:
        grant(AUTH, settings(token=TOKEN), url)
    assert "must not see the credential of linode, which belongs to https://api.linode.com:443" in str(raised.value)


@pytest.mark.parametrize(
    "text", [f"{TOKEN}\n", f" {TOKEN}", f"{TOKEN}\x00", f"{TOKEN}é", f"{TOKEN}\r\nX: y", f"a {TOKEN}"]
)
def test_a_credential_that_cannot_be_sent_is_not_printed(text: str) -> None:
    with pytest.raises(CredentialError) as raised:
        grant(AUTH, settings({"LINODE_TOKEN": text}))
    assert raised.value.message == (
        "the credential from LINODE_TOKEN holds a blank, a line break or a character that is not ASCII"
    )
    assert TOKEN not in str(raised.value.hint)


def test_a_fingerprint_compares_credentials_and_gives_none_away() -> None:
    one, other = (grant(AUTH, Settings(token=token, environ={})) for token in ("one-token", "other-token"))
    assert one.fingerprint("run") == grant(AUTH, Settings(token="one-token", environ={})).fingerprint("run")
    assert len({one.fingerprint("run"), other.fingerprint("run"), one.fingerprint("another run")}) == 3
    assert "one-token" not in one.fingerprint("run")
    assert Grant().fingerprint("run") == ""


def test_an_empty_token_is_none() -> None:
    with pytest.raises(CredentialError, match="the credential from the settings is empty"):
        grant(AUTH, settings(token=""))


def test_secrets_print_masked() -> None:
    found = grant(AUTH, settings(token=TOKEN))
    assert TOKEN not in f"{found} {found!r} {Secret(TOKEN)} {Secret(TOKEN)!r} {msgspec.structs.asdict(found)}"
    assert found.scrub(f"a {TOKEN} b Bearer {TOKEN}") == "a *** b ***"
    assert grant(AUTH, settings(token="ab")).scrub("about") == "about"
    keyed = Auth(type="api_key", name="key", location="query")
    assert grant(keyed, settings(token="a&b/c=d")).scrub("key=a%26b%2Fc%3Dd or a&b/c=d") == "key=*** or ***"


FILES: list[tuple[str, str]] = [
    (f"[DEFAULT]\ndefault-user = me\n[other]\ntoken = x\n[me]\ntoken = {TOKEN}\n", TOKEN),
    (f"[me]\ntoken = {TOKEN}\n", TOKEN),
    (f"[DEFAULT]\ntoken = {TOKEN}\n", TOKEN),
    (f"\ufeff[me]\ntoken={TOKEN}\n", TOKEN),
    ("[me]\ntoken = 50%off\n", "50%off"),
    ("[me]\nregion = us-east\n", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "token"), FILES)
def test_the_file_of_the_vendors_tool(text: str, token: str, tmp_path: Path) -> None:
    (tmp_path / "linode-cli").write_text(text, encoding="utf-8")
    held = settings({"XDG_CONFIG_HOME": str(tmp_path)})
    if token:
        found = grant(INI, held)
        assert (added(found)[0][2], found.source) == (f"Bearer {token}", str(tmp_path / "linode-cli"))
    else:
        with pytest.raises(CredentialError, match="no credential for linode"):
            grant(INI, held)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"token = {TOKEN}", "it is no ini file"),
        (f"[a]\ntoken = {TOKEN}\n[a]\n", "it is no ini file"),
        (f"[a]\ntoken = {TOKEN}\n[b]\n", "has 2 users and names none as default-user"),
        (f"[DEFAULT]\ndefault-user = c\n[a]\ntoken = {TOKEN}\n", "names a default-user that has no section in it"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_even_where_no_token_is_needed(
    text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "linode-cli").write_text(text, encoding="utf-8")
    with pytest.raises(CredentialError) as raised:
        grant(replace(INI, optional=True), settings({"XDG_CONFIG_HOME": str(tmp_path)}))
    assert message in raised.value.message
    assert TOKEN not in repr(raised.value) + str(raised.value.__cause__) + str(raised.value.hint)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "linode-cli").write_bytes(b"[a]\ntoken = \xff\xfe\n")
    with pytest.raises(CredentialError, match="it is no ini file"):
        grant(INI, settings({"XDG_CONFIG_HOME": str(tmp_path)}))


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "linode-cli").write_text("[a]\ntoken = x\n")

    def denied(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(CredentialError, match="linode-cli: Permission denied"):
        grant(INI, settings({"XDG_CONFIG_HOME": str(tmp_path)}))


def test_a_home_of_somebody_else_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", denied)
    assert grant(replace(INI, optional=True), settings({"HOME": "/root"})) == Grant()


@pytest.mark.parametrize(
    ("environ", "looked"),
    [
        ({"HOME": "/h"}, ["token in /h/.linode-cli", "token in /h/.config/linode-cli"]),
        ({"USERPROFILE": "/u"}, ["token in /u/.linode-cli", "token in /u/.config/linode-cli"]),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/c"}, ["token in /h/.linode-cli", "token in /c/linode-cli"]),
        ({"HOME": "/h", "LINODE_CLI_CONFIG": "/else/where"}, ["token in /else/where"]),
        ({}, []),
    ],
)
def test_where_the_file_may_be(environ: dict[str, str], looked: list[str]) -> None:
    assert places(INI.credentials, settings(environ)) == looked


def test_the_older_place_stands_first(tmp_path: Path) -> None:
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "linode-cli").write_text("[a]\ntoken = newer\n")
    held = settings({"HOME": str(tmp_path)})
    assert added(grant(INI, held))[0][2] == "Bearer newer"
    (tmp_path / ".linode-cli").write_text("[a]\ntoken = older\n")
    assert added(grant(INI, held))[0][2] == "Bearer older"


@pytest.mark.parametrize("name", ["../.aws/credentials", "/etc/passwd", "a\\b"])
def test_a_document_names_no_file_of_others(name: str) -> None:
    assert places((Credential(ini=name),), settings({"HOME": "/h"})) == []


def test_where_it_is_found_can_be_asked_without_seeing_it() -> None:
    assert found_in(NEEDED, settings(token=TOKEN)) == "the settings"
    assert found_in(NEEDED, settings(environ={"LINODE_TOKEN": TOKEN})) == "LINODE_TOKEN"
    assert found_in(NEEDED, settings(environ={})) is None

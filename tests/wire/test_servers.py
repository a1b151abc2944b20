"""Where requests go, and where they never go."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import InvalidValue, Refused, StratoqlError, UsageError
from engine.wire.servers import base_url, loopback, origin, set_outside, template
from provider_registry.protocol import Server, Variable
from tests.wire.methods import SERVER, settings

REGIONAL = Server(
    url="https://{region}.example.com/{base}/",
    variables={"region": Variable(default=""), "base": Variable(default="api/v2", env="EXAMPLE_BASE")},
)

GOOD: list[tuple[Server, dict[str, str], dict[str, Any], dict[str, str], str]] = [
    (SERVER, {}, {}, {}, "https://api.linode.com/v4"),
    (SERVER, {"LINODE_API_VERSION": "v4beta"}, {}, {}, "https://api.linode.com/v4beta"),
    (SERVER, {"LINODE_API_VERSION": ""}, {}, {}, "https://api.linode.com/v4"),
    (SERVER, {"LINODE_API_VERSION": "v4beta"}, {}, {"apiVersion": "v4"}, "https://api.linode.com/v4"),
    (SERVER, {"LINODE_URL": "https://other.example"}, {}, {}, "https://other.example/v4"),
    (SERVER, {"LINODE_URL": "https://other.example/"}, {}, {}, "https://other.example/v4"),
    (SERVER, {"LINODE_URL": "https://other.example/base/"}, {}, {}, "https://other.example/base"),
    (SERVER, {"LINODE_URL": "https://a.example"}, {"linode": "http://127.0.0.1:80"}, {}, "http://127.0.0.1:80/v4"),
    (SERVER, {}, {"linode": "http://[::1]:8080/v5"}, {}, "http://[::1]:8080/v5"),
    (SERVER, {}, {"linode": "http://localhost:8080"}, {}, "http://localhost:8080/v4"),
    (SERVER, {}, {"another": "http://localhost:8080"}, {}, "https://api.linode.com/v4"),
    (REGIONAL, {}, {}, {"region": "eu-1"}, "https://eu-1.example.com/api/v2"),
    (REGIONAL, {"EXAMPLE_BASE": "v3"}, {}, {"region": "eu.central"}, "https://eu.central.example.com/v3"),
    (REGIONAL, {}, {"linode": "https://there.example/x"}, {}, "https://there.example/x"),
]


@pytest.mark.parametrize(("server", "environ", "servers", "given", "wanted"), GOOD)
def test_the_nearest_word_wins(
    server: Server, environ: dict[str, str], servers: dict[str, Any], given: dict[str, str], wanted: str
) -> None:
    assert base_url("linode", server, settings(environ, servers=servers), given) == wanted


BAD: list[tuple[str, type[StratoqlError], str]] = [
    ("api.linode.com", UsageError, "the server set for linode must begin with https:// or http://: 'api.linode.com'"),
    ("ftp://api.linode.com", UsageError, "must begin with https:// or http://"),
    ("https://", UsageError, "names no host"),
    ("https://:443", UsageError, "names no host"),
    ("https://a b", UsageError, "has characters that no address has"),
    ("https://a\r\nHost: b", UsageError, "has characters that no address has"),
    ("https://ü.example", UsageError, "has characters that no address has"),
    ("https://a\\@b", UsageError, "has characters that no address has"),
    ("https://{host}", UsageError, "has characters that no address has"),
    ("https://a:b", UsageError, "is no address"),
    ("https://[::1", UsageError, "is no address"),
    ("https://a%2Fb", UsageError, "names no host"),
    ("https://a:99999", UsageError, "is no address"),
    (
        "https://host/path?x=1",
        UsageError,
        "has a query or a fragment, which a base address has not: 'https://host/path'",
    ),
    ("https://host/path?", UsageError, "has a query or a fragment"),
    ("https://host/#x", UsageError, "has a query or a fragment"),
    ("https://host/a/../b", UsageError, "has . or .. in its path"),
    ("https://me:hunter2@host", UsageError, "holds a user or a password; credentials have another place"),
    ("https://me:hunter2@ho st", UsageError, "has characters that no address has"),
    ("http://api.linode.com", Refused, "plain http would show the credential to everyone on the way"),
    ("http://localhost.example.com", Refused, "plain http"),
    ("http://127.0.0.1.example.com", Refused, "plain http"),
    ("http://0.0.0.0", Refused, "plain http"),
]


@pytest.mark.parametrize(("url", "kind", "message"), BAD)
def test_an_address_is_looked_at_with_suspicion(url: str, kind: type[StratoqlError], message: str) -> None:
    with pytest.raises(kind) as raised:
        base_url("linode", SERVER, settings(servers={"linode": url}), {})
    assert message in raised.value.message
    assert raised.value.hint
    assert "hunter2" not in raised.value.message


def test_the_documents_own_address_is_looked_at_too() -> None:
    with pytest.raises(Refused, match=r"the address of far is http://far\.example: plain http"):
        base_url("far", Server(url="http://far.example"), settings(), {})
    with pytest.raises(UsageError, match="the address of far names no host"):
        base_url("far", Server(url="https:///x"), settings(), {})


def test_plain_http_is_allowed_where_it_is_asked_for() -> None:
    held = settings({"LINODE_URL": "http://far.example"}, insecure_http=True)
    assert base_url("linode", SERVER, held, {}) == "http://far.example/v4"


VARIABLES: list[tuple[Server, dict[str, str], dict[str, str], str]] = [
    (SERVER, {}, {"apiVersion": "v9"}, "apiVersion expects one of 'v4', 'v4beta', got 'v9'"),
    (SERVER, {"LINODE_API_VERSION": "v9"}, {}, "LINODE_API_VERSION expects one of 'v4', 'v4beta', got 'v9'"),
    (REGIONAL, {}, {}, "the address of linode needs region"),
    (REGIONAL, {}, {"region": "evil.com/"}, "region is a part of the address and expects letters"),
    (REGIONAL, {}, {"region": "evil.com#"}, "region is a part of the address"),
    (REGIONAL, {}, {"region": "a@b"}, "region is a part of the address"),
    (REGIONAL, {}, {"region": ""}, "region is a part of the address"),
    (REGIONAL, {}, {"region": ".."}, "region is a part of the address"),
    (REGIONAL, {"EXAMPLE_BASE": "../x"}, {"region": "eu"}, "EXAMPLE_BASE is a part of the address"),
]


@pytest.mark.parametrize(("server", "environ", "given", "message"), VARIABLES)
def test_a_variable_cannot_leave_its_place(
    server: Server, environ: dict[str, str], given: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidValue) as raised:
        base_url("linode", server, settings(environ), given)
    assert message in raised.value.message


def test_a_template_keeps_what_nobody_has_set() -> None:
    assert template("x", REGIONAL, settings(), {}) == "https://{region}.example.com/api/v2"


def test_what_is_set_outside_a_statement() -> None:
    server = Server(
        url="https://{a}.{b}.{c}",
        variables={"a": Variable(default="x"), "b": Variable(default="", env="B"), "c": Variable(default="")},
    )
    held = settings({"B": "y"})
    assert [set_outside(name, server, held) for name in "abcd"] == [True, True, False, False]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/x", "https://A.example:443/y?z", True),
        ("https://a.example./x", "https://a.example", True),
        ("http://a.example", "http://a.example:80", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example", "https://b.a.example", False),
        ("ftp://a.example", "https://a.example", False),
    ],
)
def test_origins(one: str, other: str, same: bool) -> None:
    assert (origin(one) == origin(other)) is same


@pytest.mark.parametrize(
    ("host", "here"),
    [("LOCALHOST.", True), ("127.1.2.3", True), ("::1", True), ("127.1", False), ("2130706433", False), ("", False)],
)
def test_loopback(host: str, here: bool) -> None:
    assert loopback(host) is here

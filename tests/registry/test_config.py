"""Blocks of config: which one counts; authentication, pagination, limits and retries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provider_registry.protocol import Auth, Credential, Limit, PageSize, Paging, Retry
from tests.registry import shop
from tests.registry.shop import ITEMS, LIST, ONE, PAGES, PROVIDER, STOCK


def env(name: str) -> Credential:
    return Credential(env=name)


AUTHS: list[tuple[str, Auth]] = [
    ("{type: null_auth}", Auth()),
    (
        "{type: bearer, credentialsenvvar: T}",
        Auth(type="bearer", credentials=(env("T"),), prefix="Bearer "),
    ),
    (
        "{type: bearer, api_key_var: T, valuePrefix: 'Token '}",
        Auth(type="bearer", credentials=(env("T"),), prefix="Token "),
    ),
    (
        "{type: api_key, credentialsenvvar: K, name: key, location: query}",
        Auth(type="api_key", credentials=(env("K"),), name="key", location="query"),
    ),
    (
        "{type: custom, credentialsenvvar: K, name: X-Key, location: header, valuePrefix: 'k='}",
        Auth(type="custom", credentials=(env("K"),), name="X-Key", prefix="k="),
    ),
    (
        "{type: basic, username_var: U, password_var: P}",
        Auth(type="basic", credentials=(env("P"),), username=env("U"), prefix="Basic "),
    ),
    (
        "{type: basic, credentialsenvvar: B}",
        Auth(type="basic", credentials=(env("B"),), prefix="Basic "),
    ),
    (
        """{type: oauth2, grant_type: client_credentials, token_url: https://t.example,
            client_id_env_var: I, client_secret_env_var: S, scopes: [read, write]}""",
        Auth(
            type="oauth2",
            credentials=(env("S"),),
            username=env("I"),
            prefix="Bearer ",
            token_url="https://t.example",
            scopes=("read", "write"),
        ),
    ),
    (
        """{type: bearer, x-stratoql-credentials: [{env: A}, {ini: tool, key: k}, {ini: other}],
            x-stratoql-optional: true, x-stratoql-scopes-header: S, x-stratoql-wanted-scopes-header: W}""",
        Auth(
            type="bearer",
            credentials=(env("A"), Credential(ini="tool", ini_key="k"), Credential(ini="other")),
            prefix="Bearer ",
            optional=True,
            scopes_header="S",
            wanted_scopes_header="W",
        ),
    ),
    ("{type: oauth2, grant_type: password}", Auth(type="unsupported", unsupported="oauth2 with grant_type password")),
    ("{type: aws_signing_v4, credentialsenvvar: A}", Auth(type="unsupported", unsupported="aws_signing_v4")),
    ("{type: service_account}", Auth(type="unsupported", unsupported="service_account")),
    ("{type: azure_default}", Auth(type="unsupported", unsupported="azure_default")),
    ("{type: interactive}", Auth(type="unsupported", unsupported="interactive")),
    (
        "{type: custom, name: A, credentialsenvvar: K, successor: {type: custom, name: B, credentialsenvvar: L}}",
        Auth(
            type="custom",
            name="A",
            credentials=(Credential(env="K"),),
            successor=Auth(type="custom", name="B", credentials=(Credential(env="L"),)),
        ),
    ),
    (
        "{type: bearer, credentialsenvvar: K, successor: {type: azure_default}}",
        Auth(
            type="bearer",
            credentials=(Credential(env="K"),),
            prefix="Bearer ",
            successor=Auth(type="unsupported", unsupported="a successor of type azure_default"),
        ),
    ),
    (
        "{type: oauth2, token_url: u, client_id_env_var: I, client_secret_env_var: S, auth_style: 1, "
        "values: {audience: [a, b], resource: c}}",
        Auth(
            type="oauth2",
            credentials=(Credential(env="S"),),
            username=Credential(env="I"),
            prefix="Bearer ",
            token_url="u",
            style="body",
            values=(("audience", "a"), ("audience", "b"), ("resource", "c")),
        ),
    ),
    (
        "{type: basic, api_key_var: K, api_secret_var: S}",
        Auth(type="basic", credentials=(Credential(env="S"),), username=Credential(env="K"), prefix="Basic "),
    ),
]


@pytest.mark.parametrize(("declared", "expected"), AUTHS, ids=[a[0] for a in AUTHS])
def test_auth(declared: str, expected: Auth, tmp_path: Path) -> None:
    provider = shop.edited(PROVIDER, {"/config/auth": declared})
    assert shop.method(tmp_path, "list_items", {}, provider).auth == expected


def test_without_auth_nothing_is_sent(tmp_path: Path) -> None:
    provider = shop.edited(PROVIDER, {"/config": None})
    assert shop.method(tmp_path, "list_items", {}, provider).auth == Auth()


def paged(algorithm: Any, **more: Any) -> Paging:
    return Paging(algorithm=algorithm, **more)


NUMBERED = paged("page_number", terminator_key="$.pages")
PAGINGS: list[tuple[str, Paging]] = [
    ("{algorithm: none}", Paging()),
    ("{}", Paging()),
    ("{algorithm: page_number, responseTerminator: {key: $.pages}}", NUMBERED),
    ("{algorithm: page_number, responseToken: {key: page}, responseTerminator: {key: pages}}", NUMBERED),
    (
        """{algorithm: page_number, responseTerminator: {key: $.pages}, x-stratoql-page-size: size,
            x-stratoql-total: $.page}""",
        paged(
            "page_number",
            terminator_key="$.pages",
            total_key="$.page",
            size=PageSize(key="size", minimum=10, maximum=50, default=20),
        ),
    ),
    (
        "{requestToken: {key: at}, responseToken: {key: page}}",
        paged("token", request_key="at", response_key="$.page"),
    ),
    (
        "{requestToken: {key: at, location: body}, responseToken: {key: page}}",
        paged("token", request_key="at", request_location="body", response_key="$.page"),
    ),
    (
        "{requestToken: {key: at}, responseToken: {key: X-Next, location: header}}",
        paged("token", request_key="at", response_key="X-Next", response_location="header"),
    ),
    (
        "{requestToken: {key: '', location: request}, responseToken: {key: Link, location: header}}",
        paged("link_header", request_key="pageToken", response_key="Link", response_location="header"),
    ),
    (
        "{algorithm: next_url, responseToken: {key: $.page}}",
        paged("next_url", request_key="pageToken", response_key="$.page"),
    ),
    ("{responseToken: {key: nextPageToken}}", Paging()),  # the answer's schema has none
    ("{algorithm: odata_next_link}", Paging()),
]


@pytest.mark.parametrize(("declared", "expected"), PAGINGS, ids=[p[0] for p in PAGINGS])
def test_pagination(declared: str, expected: Paging, tmp_path: Path) -> None:
    found = shop.items(shop.write(tmp_path, shop.edited(shop.STOCK, {PAGES: declared})))
    assert found.methods["list_items"].paging == expected
    assert found.methods["add_item"].paging == Paging()  # writes have no pages


@pytest.mark.parametrize("schema", ["{}", "{type: object}", "{type: object, additionalProperties: true}"])
def test_an_answer_that_is_not_described_can_hold_what_steers_the_pages(schema: str, tmp_path: Path) -> None:
    edits = {shop.ANSWER: schema, f"{ONE}/parameters/0/x-stratoql-key": None}
    assert shop.method(tmp_path, "get_item", edits).paging.algorithm == "page_number"


def test_pagination_of_a_service_leaves_single_objects_alone(tmp_path: Path) -> None:
    spurious = {f"{ONE}/get/parameters": "[{name: page, in: query, schema: {type: integer}}]"}  # seen so
    assert shop.method(tmp_path, "get_item", spurious).paging == Paging()


def test_an_empty_block_nearby_turns_a_farther_one_off(tmp_path: Path) -> None:
    found = shop.method(tmp_path, "list_items", {f"{LIST}/config": "{pagination: {}, auth: null}"})
    assert (found.paging, found.auth) == (Paging(), Auth())


LEVELS = ("method", "resource", "service", "provider's service", "provider")  # from the nearest to the farthest


def limited(root: Path, limits: dict[str, str]) -> Path:
    """The shop with a limit on some levels."""
    places = {"method": f"{LIST}/config", "resource": f"{ITEMS}/config", "service": "/x-stackQL-config"}
    above = {"provider's service": "/providerServices/stock/config", "provider": "/config"}
    stock = {f"{places[level]}/x-stratoql-limit": limit for level, limit in limits.items() if level in places}
    provider = {f"{above[level]}/x-stratoql-limit": limit for level, limit in limits.items() if level in above}
    return shop.write(root, shop.edited(STOCK, stock), shop.edited(PROVIDER, provider))


@pytest.mark.parametrize("index", range(len(LEVELS)), ids=LEVELS)
def test_the_nearest_config_counts(index: int, tmp_path: Path) -> None:
    limits = {level: f"{{name: {level.replace(' ', '-')}, requests: 3, seconds: 1.5}}" for level in LEVELS[index:]}
    found = shop.items(limited(tmp_path, limits)).methods
    assert found["list_items"].limit == Limit(name=LEVELS[index].replace(" ", "-"), requests=3, seconds=1.5)
    other = LEVELS[1].replace(" ", "-") if index == 0 else LEVELS[index].replace(" ", "-")
    assert found["get_item"].limit == Limit(name=other, requests=3, seconds=1.5)


def test_a_limit_is_per_minute_where_it_does_not_say(tmp_path: Path) -> None:
    root = limited(tmp_path, {"provider": "{name: n, requests: 3}"})
    assert shop.items(root).methods["list_items"].limit == Limit(name="n", requests=3, seconds=60.0)
    assert shop.items(shop.write(tmp_path / "b")).methods["list_items"].limit is None


def test_retry(tmp_path: Path) -> None:
    declared = """{max_attempts: 3, initial_delay_ms: 250, max_delay_ms: 4000,
        retryable_conditions: {status_codes: [429, 503]},
        x-stratoql-busy-reasons: [busy], x-stratoql-maintenance-header: M}"""
    provider = shop.edited(PROVIDER, {"/config/retry": declared})
    assert shop.method(tmp_path / "a", "list_items", {}, provider).retry == Retry(
        max_attempts=3,
        initial_delay=0.25,
        max_delay=4.0,
        statuses=(429, 503),
        busy_reasons=("busy",),
        maintenance_header="M",
    )
    partly = shop.edited(PROVIDER, {"/config/retry": "{x-stratoql-busy-reasons: [busy]}"})
    assert shop.method(tmp_path / "b", "list_items", {}, partly).retry == Retry(busy_reasons=("busy",))
    assert shop.method(tmp_path / "c", "list_items", {}).retry == Retry()

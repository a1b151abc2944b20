"""A client's credentials for a token: where they go, how long it is kept, what is said where there is none."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from engine.errors import ApiError, CredentialError, StratoqlError
from engine.wire.oauth import LIFE, MARGIN
from provider_registry.protocol import Auth, Credential, Retry, Server
from tests.wire.methods import GET_IMAGE, Wire, call, settings

SECRET = "v3ry/s3cret+id"
ENVIRON = {"ID": "client-1", "SECRET": SECRET}
CLIENT = Auth(
    type="oauth2",
    username=Credential(env="ID"),
    credentials=(Credential(env="SECRET"),),
    token_url="https://login.acme.com/token",
    style="header",
)
API = Server(url="https://api.acme.com/v1")
READ = replace(GET_IMAGE, auth=CLIENT, server=API, retry=Retry(max_attempts=1))


def asked(auth: Auth = CLIENT, server: Server = API) -> Any:
    return call(replace(READ, auth=auth, server=server), {"imageId": "1"})


class Played:
    """An API with an address for tokens; `token` is what that answers."""

    def __init__(self, token: httpx.Response | None = None, **said: Any) -> None:
        self.token, self.said = token, {"access_token": "tok", "token_type": "bearer", **said}
        self.given: list[httpx.Request] = []
        self.asked: list[str] = []
        self.refused = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            self.given.append(request)
            found = {**self.said, "access_token": f"{self.said['access_token']}{len(self.given)}"}
            return self.token or httpx.Response(200, json=found)
        self.asked.append(request.headers["Authorization"])
        if self.asked[-1] == self.refused:
            return httpx.Response(401, json={"message": f"{self.asked[-1]} has expired"})
        return httpx.Response(200, json={"id": "1"})


def wire(played: Played, **environ: str) -> Wire:
    return Wire(played, settings({**ENVIRON, **environ}))


def rounds(held: Wire, *pauses: float) -> list[str]:
    """A call after each pause, all on one client; what the API refused."""

    told: list[str] = []

    async def run() -> None:
        async with held.client() as client:
            for pause in pauses:
                held.time.seconds += pause
                try:
                    [page async for page in client.pages(asked())]
                except ApiError as error:
                    told.append(str(error))

    asyncio.run(run())
    return told


def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    played = Played(expires_in=1000)
    rounds(wire(played), 0, 900, 100, 0)
    assert played.asked == ["Bearer tok1", "Bearer tok1", "Bearer tok2", "Bearer tok2"]


@pytest.mark.parametrize("said", [{}, {"expires_in": None}, {"expires_in": "soon"}, {"expires_in": str(LIFE)}])
def test_a_token_that_does_not_say_how_long_it_lives_lives_a_while(said: dict[str, Any]) -> None:
    played = Played(**said)
    rounds(wire(played), 0, LIFE - MARGIN - 1, 2)
    assert played.asked == ["Bearer tok1", "Bearer tok1", "Bearer tok2"]


def test_a_token_that_the_api_refuses_is_not_used_again() -> None:
    played = Played(expires_in=1000)
    played.refused = "Bearer tok1"
    (told,) = rounds(wire(played), 0, 0)
    assert "has expired" in told
    assert "tok1" not in told
    assert played.asked == ["Bearer tok1", "Bearer tok2"]


def test_those_who_want_the_same_token_wait_for_one() -> None:
    played = Played()

    async def run() -> None:
        async with wire(played).client() as client:

            async def one() -> None:
                assert [page async for page in client.pages(asked())]

            await asyncio.gather(*(one() for _ in range(10)))

    asyncio.run(run())
    assert len(played.given) == 1
    assert len(played.asked) == 10


def test_what_is_asked_in_the_header_and_in_the_body() -> None:
    played = Played()
    more = {"scopes": ("read", "list"), "values": (("audience", "a b"),)}
    wire(played).pages(asked(replace(CLIENT, **more)))
    wire(played).pages(asked(replace(CLIENT, style="body")))
    first, second = played.given
    assert first.headers["Authorization"].startswith("Basic ")
    assert first.content == b"grant_type=client_credentials&audience=a+b&scope=read+list"
    assert "Authorization" not in second.headers
    assert b"client_id=client-1&client_secret=v3ry%2Fs3cret%2Bid" in second.content
    assert int(second.headers["Content-Length"]) == len(second.content)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            httpx.Response(401, json={"error": "invalid_client", "error_description": f"{SECRET} is wrong"}),
            "linode gave no token for the client's credentials: HTTP 401, invalid_client: *** is wrong",
        ),
        (httpx.Response(200, html="<p>Log in</p>"), "credentials: HTTP 200, no JSON in its answer"),
        (httpx.Response(200, json={}), "credentials: HTTP 200"),
        (httpx.Response(200, json={"access_token": "t", "token_type": "mac"}), "HTTP 200, a token of type mac"),
        (
            httpx.Response(200, json={"access_token": "t0k-9/a", "token_type": "mac", "error": "no t0k-9%2Fa here"}),
            "HTTP 200, no *** here: a token of type mac",
        ),
    ],
)
def test_what_is_no_token_is_told_without_the_secret(answer: httpx.Response, told: str) -> None:
    with pytest.raises(CredentialError) as raised:
        wire(Played(answer)).pages(asked())
    assert raised.value.message.endswith(told)
    assert raised.value.hint == "check ID and SECRET"


def test_no_secret_is_logged_or_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    played = Played(httpx.Response(500, json={"error": f"broken by {SECRET}"}))
    held = wire(played)
    for style in ("header", "body"):
        with pytest.raises(CredentialError) as raised:
            held.pages(asked(replace(CLIENT, style=style)))
        assert SECRET not in f"{raised.value}{raised.value!r}{vars(raised.value)}"
    assert played.given
    assert SECRET not in caplog.text + "".join(map(repr, held.events))


@pytest.mark.parametrize("missing", ["ID", "SECRET"])
def test_a_credential_that_is_not_set_is_named(missing: str) -> None:
    played = Played()
    with pytest.raises(CredentialError, match=f"no credential for linode: looked at {missing}$"):
        wire(played, **{missing: ""}).pages(asked())
    assert not played.given


REFUSED = [
    ("http://login.acme.com/token", "that is no https address"),
    ("https://ann@login.acme.com/token", "that is no https address"),
    ("https://[/token", "that is no https address"),
    ("/token", "that is no https address"),
    ("http://127.0.0.1/token", "that is no https address"),
    ("https://login.evil.net/token", "do not go to login.evil.net: its API is at api.acme.com"),
    ("https://api.acme.com.evil.net/token", "do not go to api.acme.com.evil.net"),
    ("https://notacme.com/token", "do not go to notacme.com"),
    ("https://com/token", "do not go to com"),
    ("https://127.0.0.1/token", "do not go to 127.0.0.1"),
    ("https://{{ .__env__HOST }}/token", "the token of linode needs HOST"),
]


@pytest.mark.parametrize(("url", "told"), REFUSED)
def test_the_credentials_go_nowhere_else(url: str, told: str) -> None:
    played = Played()
    with pytest.raises(CredentialError) as raised:
        wire(played).pages(asked(replace(CLIENT, token_url=url)))
    assert told in raised.value.message
    assert not played.given


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://api.acme.com/v1/token", API),
        ("https://acme.com/token", API),
        ("https://{{ .__env__TENANT }}.acme.com/token", API),
        ("https://eu.login.acme.co.uk/token", Server(url="https://api.acme.co.uk")),
        ("http://127.0.0.1:1/token", Server(url="http://127.0.0.1:1/v1")),
        ("https://deep.api.example/token", Server(url="https://{region}.api.example", variables={})),
    ],
)
def test_the_providers_own_hosts_may_be_asked(url: str, server: Server) -> None:
    played = Played()
    wanted = asked(replace(CLIENT, token_url=url), server)
    if "{" in server.url:
        server = Server(url=server.url.replace("{region}", "eu"))
        wanted = asked(replace(CLIENT, token_url=url), server)
    wire(played, TENANT="t-1").pages(wanted)
    assert [request.url.path.endswith("/token") for request in played.given] == [True]


def test_a_token_that_is_given_needs_no_exchange() -> None:
    played = Played()
    Wire(played, settings(ENVIRON, token="mine")).pages(asked())
    assert (played.given, played.asked) == ([], ["Bearer mine"])


def test_a_second_secret_goes_with_the_first() -> None:
    second = Auth(type="api_key", name="X-App", credentials=(Credential(env="APP"),))
    nothing = Auth(successor=second)
    seen: list[httpx.Headers] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200, json={"id": "1"})

    held = Wire(handler, settings({"APP": "app-secret"}, token="mine"))
    held.pages(asked(replace(CLIENT, successor=second)))
    held.pages(asked(nothing))
    assert [headers.get("Authorization") for headers in seen] == ["Bearer mine", None]
    assert [headers["X-App"] for headers in seen] == ["app-secret", "app-secret"]
    with pytest.raises(StratoqlError, match="looked at APP"):
        Wire(handler, settings({}, token="mine")).pages(asked(nothing))


def test_another_process_knows_the_client_by_its_credentials_and_a_token_that_is_given_by_itself() -> None:
    def told(salt: str = "run", **given: Any) -> str:
        held = Wire(Played(), settings(**given))
        home = "https://api.acme.com:443"
        return held.client().statement().fingerprint(asked(), f"{home}/v1/images/1", home, salt)

    mine = told(environ=ENVIRON)
    assert mine == told(environ=ENVIRON)
    others = (
        told(environ=ENVIRON | {"ID": "client-2"}),
        told(environ=ENVIRON, token="mine"),
        told("b", environ=ENVIRON),
    )
    assert len({mine, *others}) == 4
    with pytest.raises(CredentialError, match="looked at ID"):
        told(environ={})

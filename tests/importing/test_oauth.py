"""A specification whose API gives tokens to clients: imported, and called with no more than credentials."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from engine.errors import StratoqlError, explain
from engine.session import Session
from engine.settings import Settings
from tests.importing.kennels import get, listed, made

ENVIRON = {"API_CLIENT_ID": "client-1", "API_CLIENT_SECRET": "s3cret"}
SCOPES = {"pets.read": "to read", "pets.write": "to write"}


def scheme(url: str) -> dict[str, Any]:
    flow = {"tokenUrl": url, "scopes": SCOPES}
    return {"securitySchemes": {"machine": {"type": "oauth2", "flows": {"clientCredentials": flow}}}}


def run(folder: Path, url: str, environ: dict[str, str]) -> tuple[list[tuple[Any, ...]], list[str]]:
    """The rows of the imported list, and the requests that left for them."""
    sent: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(f"{request.method} {request.url} {request.headers.get('Authorization', '')}")
        if request.method == "POST":
            sent[-1] += f" {parse_qs(request.content.decode())}"
            return httpx.Response(200, json={"access_token": "tok", "expires_in": 60, "token_type": "Bearer"})
        return httpx.Response(200, json={"data": [{"id": 1}]})

    security = [{"machine": ["pets.read"]}]
    made(folder, {"/pets": get(listed(), security=security)}, components=scheme(url))
    settings = Settings(registry=(str(folder / "out"),), environ=environ)
    with Session(settings, transport=httpx.MockTransport(handler)) as session:
        (result,) = session.run("SELECT id FROM api.pets.pets")
        return result.fetchall(), sent


def test_credentials_are_changed_for_a_token(tmp_path: Path) -> None:
    rows, sent = run(tmp_path, "https://a.example/token", ENVIRON)
    assert rows == [(1,)]
    assert sent == [
        "POST https://a.example/token Basic Y2xpZW50LTE6czNjcmV0 "
        "{'grant_type': ['client_credentials'], 'scope': ['pets.read pets.write']}",
        "GET https://a.example/pets Bearer tok",
    ]


@pytest.mark.parametrize(
    ("url", "environ", "told"),
    [
        ("https://a.example/token", {}, "no credential for api: looked at API_CLIENT_ID\nhint: set API_CLIENT_ID"),
        ("https://b.example/token", ENVIRON, "the client's credentials of api do not go to b.example"),
        ("http://a.example/token", ENVIRON, "is not asked for at http://a.example/token: that is no https address"),
    ],
)
def test_credentials_that_are_missing_or_would_go_astray(
    url: str, environ: dict[str, str], told: str, tmp_path: Path
) -> None:
    with pytest.raises(StratoqlError) as raised:
        run(tmp_path, url, environ)
    assert told in explain(raised.value)

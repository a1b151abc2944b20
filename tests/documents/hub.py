"""The API behind the demo's `hub` and `lab`, played by a function: it does what it is asked, and says how."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

import httpx

PEOPLE: list[dict[str, Any]] = [
    {"id": 1, "name": "Ann", "city": "Oslo", "age": 31, "score": 1.5, "active": True, "born": "1994-01-01T00:00:00Z"},
    {
        "id": 2,
        "name": "bob",
        "city": "oslo",
        "age": 17,
        "score": 2.0,
        "active": False,
        "born": "2008-01-01T00:00:00Z",
    },
    {"id": 3, "name": "Cid", "city": "Rome", "age": None, "score": 0.5, "active": True, "born": None},
    {"id": 4, "name": "7up", "city": "O'Fallon", "age": 64, "score": 9.9, "active": True, "born": None},
    {"id": 5, "name": "Eva", "city": "Oslo", "age": 44, "score": 3.0, "active": True, "born": None},
]
PAGE = 2  # people a page
Answer = Callable[["Api", httpx.Request, Mapping[str, str]], Any]


def one(number: int) -> dict[str, Any]:
    return {"id": number, "name": f"n{number}"}


@dataclass
class Api:
    """The API and what it was asked, in its order. It counts what it must fail first."""

    asked: list[str] = field(default_factory=list)
    tokens: int = 0
    failures: int = 0
    refuses: bool = False  # whether it takes no filter at all
    folds: bool = False  # whether it takes `A` for `a`

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(_line(request))
        query = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        path = unquote(request.url.path).removeprefix("/v1") or "/"
        found = ANSWERS.get(path, _record)(self, request, query)
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)


def _line(request: httpx.Request) -> str:
    """A request as a case writes it: what is left out is what all of them share."""
    url = str(request.url).removeprefix("https://api.acme.test/v1").removeprefix("https://")
    kept = [
        f"  {name}: {request.headers[name]}" for name in ("Authorization", "X-Api-Key") if name in request.headers
    ]
    body = f"  {request.content.decode()}" if request.content else ""
    return f"{request.method} {unquote_plus(url)}{''.join(kept)}{body}"


def _numbers(_: Api, __: httpx.Request, query: Mapping[str, str]) -> Any:
    page = int(query.get("page", 1))
    return {"data": [one(page * 10), one(page * 10 + 1)], "page": page, "pages": 3}


def _tokens(_: Api, __: httpx.Request, query: Mapping[str, str]) -> Any:
    at = int(query.get("pageToken", "0"))
    return {"items": [one(at)], **({"nextPageToken": str(at + 1)} if at < 2 else {})}


def _links(_: Api, request: httpx.Request, query: Mapping[str, str]) -> Any:
    at = int(query.get("at", "0"))
    headers = {"Link": f'<{request.url.copy_with(query=None)}?at={at + 1}>; rel="next"'} if at < 2 else {}
    return httpx.Response(200, json=[one(at)], headers=headers)


def _urls(_: Api, __: httpx.Request, query: Mapping[str, str]) -> Any:
    at = int(query.get("at", "0"))
    return {"rows": [one(at)], "paging": {"next": f"/v1/urls?at={at + 1}" if at < 2 else None}}


def _search(_: Api, request: httpx.Request, __: Mapping[str, str]) -> Any:
    said = json.loads(request.content)
    at = int(said.get("cursor", 0))
    found = {"id": at, "name": said.get("text", "all")}
    return {"items": [found], **({"next": str(at + 1)} if at < 1 else {})}


def _boxes(_: Api, __: httpx.Request, ___: Mapping[str, str]) -> Any:
    return {"boxes": [{"things": [one(1), one(2)]}, {}, {"things": [one(3)]}], "deep": {"down": [one(9)]}}


def _people(api: Api, request: httpx.Request, query: Mapping[str, str]) -> Any:
    """An OData service, as far as this: `and` of comparisons, one order, top, select, count, pages of two."""
    said = query.get("$filter", "")
    if said and api.refuses:
        return httpx.Response(400, json={"error": {"code": "BadRequest", "message": "no filters here"}})
    everyone = [{k: fold(v) for k, v in p.items()} for p in PEOPLE] if api.folds else PEOPLE
    terms = [term for term in (fold(said) if api.folds else said).split(" and ") if term]
    kept = [p for p, seen in zip(PEOPLE, everyone, strict=True) if all(_holds(seen, term) for term in terms)]
    if order := query.get("$orderby"):
        name, _, way = order.partition(" ")
        kept.sort(key=lambda p: (p[name] is not None, p[name] or 0), reverse=way == "desc")
    total, top, skip = len(kept), int(query.get("$top", 1000)), int(query.get("skip", 0))
    page = kept[:top][skip : skip + PAGE]
    if names := query.get("$select"):
        page = [{name: p[name] for name in names.split(",")} for p in page]
    found: dict[str, Any] = {"value": page}
    if query.get("$count") == "true":
        found["@odata.count"] = total
    if skip + PAGE < min(top, total):
        found["@odata.nextLink"] = str(request.url.copy_set_param("skip", skip + PAGE))
    return found


def fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _holds(person: Mapping[str, Any], term: str) -> bool:
    """Whether a person is kept by a term. Letters are told apart: the strictest that an API can be."""
    if term.startswith("("):
        return any(_holds(person, arm) for arm in term[1:-1].split(" or "))
    if match := re.fullmatch(r"startswith\((\w+),'(.*)'\)", term):
        return str(person[match[1]]).startswith(match[2].replace("''", "'"))
    name, word, text = term.split(" ", 2)
    value = json.loads(text) if not text.startswith("'") else text[1:-1].replace("''", "'")
    have = person[name]
    if have is None:
        return False
    return bool(getattr(operator, word)(have, value))


def _logs(_: Api, __: httpx.Request, query: Mapping[str, str]) -> Any:
    rows = PEOPLE[: int(query.get("limit", 1000))]
    if names := query.get("fields"):
        rows = [{name: p[name] for name in names.split("|")} for p in rows]
    return {"logs": rows, **({"meta": {"total": len(PEOPLE)}} if query.get("with_total") == "1" else {})}


def _gadgets(_: Api, request: httpx.Request, __: Mapping[str, str]) -> Any:
    gadget = {"gadgetId": 7, "displayName": "saw", "VPCId": "v-1", "vpc_id": "old", "innerParts": {"screwCount": 4}}
    if request.method == "POST":
        return httpx.Response(201, json={**gadget, **json.loads(request.content)})
    return [gadget]


def _jobs(_: Api, request: httpx.Request, __: Mapping[str, str]) -> Any:
    return httpx.Response(201, json={"id": 1, "name": json.loads(request.content).get("name")})


def _login(api: Api, request: httpx.Request, _: Mapping[str, str]) -> Any:
    """Gives tokens for the body's credentials; those in a header it refuses, as some do."""
    said = dict(parse_qsl(request.content.decode()))
    if said.get("client_secret") != "s3cret/id":
        return httpx.Response(401, json={"error": "invalid_client", "error_description": f"{said} is wrong"})
    api.tokens += 1
    return {"access_token": f"tok-{api.tokens}", "token_type": "Bearer", "expires_in": 3600}


def _flaky(api: Api, _: httpx.Request, __: Mapping[str, str]) -> Any:
    api.failures += 1
    return httpx.Response(418, json={"message": "short and stout"}) if api.failures < 3 else [one(1)]


def _record(_: Api, request: httpx.Request, __: Mapping[str, str]) -> Any:
    match = re.fullmatch(r"/dns/zones/(.+)/records/(\d+)", unquote(request.url.path))
    return {"id": int(match[2]), "name": match[1]} if match else httpx.Response(404, json={"message": "no such path"})


ANSWERS: Mapping[str, Answer] = {
    "/numbers": _numbers,
    "/tokens": _tokens,
    "/links": _links,
    "/urls": _urls,
    "/search": _search,
    "/boxes": _boxes,
    "/people": _people,
    "/logs": _logs,
    "/gadgets": _gadgets,
    "/jobs": _jobs,
    "/token": _login,
    "/flaky": _flaky,
    "/count": lambda *_: 42,
    "/bare": lambda *_: {"data": [one(1), one(2)], "page": 1, "pages": 1},
    "/kebabs": lambda *_: [one(1)],
    "/secrets": lambda *_: [one(1)],
    "/": lambda *_: {"done": True},
    "/samples": lambda *_: {"data": [{"id": 1, "name": "root", "parent": None, "children": [one(2)]}]},
    "/customers/1/orders": lambda *_: {"items": [{"id": 11, "customer": 1, "total": 5.5}]},
    "/customers/2/orders": lambda *_: {"items": [{"id": 21, "customer": 2, "total": 7}]},
}

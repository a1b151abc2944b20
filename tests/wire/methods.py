"""Methods built by hand, the shape of a document's, and what else the tests of the wire share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from msgspec.structs import replace

from engine.settings import Settings
from engine.wire.call import Call, Page
from engine.wire.client import Client, Event
from engine.wire.clock import Clock
from provider_registry.model import Column, Method, Param, Response, Shape, Type
from provider_registry.protocol import Auth, Credential, Filtering, PageSize, Paging, Retry, Server, Variable

TOKEN = "s3ntinel-t0ken-0123456789"
TEXT = Shape(nullable=True)
SERVER = Server(
    url="https://api.linode.com/{apiVersion}",
    variables={"apiVersion": Variable(default="v4", enum=("v4", "v4beta"), env="LINODE_API_VERSION")},
    env="LINODE_URL",
)
AUTH = Auth(
    type="bearer",
    credentials=(Credential(env="LINODE_TOKEN"), Credential(env="LINODE_CLI_TOKEN"), Credential(ini="linode-cli")),
    prefix="Bearer ",
    optional=True,
    scopes_header="X-OAuth-Scopes",
    wanted_scopes_header="X-Accepted-OAuth-Scopes",
)
RETRY = Retry(busy_reasons=("Linode busy.",), maintenance_header="X-Maintenance-Mode")


def columns(**types: Type) -> tuple[Column, ...]:
    return tuple(Column(name=name, shape=Shape(type=kind, nullable=True)) for name, kind in types.items())


IMAGE = columns(id="string", label="string", size="integer", is_public="boolean", tags="array", regions="array")
ENVELOPE = columns(data="array", page="integer", pages="integer", results="integer")

PAGE = Param(name="page", wire="page", location="query", shape=Shape(type="integer", minimum=1), default=1)
PAGE_SIZE = Param(
    name="page_size", wire="page_size", location="query", shape=Shape(type="integer", minimum=25, maximum=500)
)
IMAGE_ID = Param(name="imageId", wire="imageId", location="path", required=True, key="id", example="private/12345")
VERSION = Param(
    name="apiVersion", wire="apiVersion", location="server", shape=Shape(enum=("v4", "v4beta")), default="v4"
)
NUMBERED = Paging(
    algorithm="page_number",
    terminator_key="$.pages",
    total_key="$.results",
    size=PageSize(key="page_size", minimum=25, maximum=500, default=100),
)

GET_IMAGES = Method(
    name="get_images",
    http="GET",
    path="/images",
    server=SERVER,
    params=(PAGE, PAGE_SIZE, VERSION),
    response=Response(rows="$.data", columns=IMAGE, envelope=ENVELOPE),
    paging=NUMBERED,
    filtering=Filtering(),
    auth=AUTH,
    retry=RETRY,
)
GET_IMAGE = replace(
    GET_IMAGES,
    name="get_image",
    path="/images/{imageId}",
    params=(IMAGE_ID, VERSION),
    response=Response(columns=IMAGE),
    paging=Paging(),
    filtering=None,
)


def body(name: str, shape: Shape | None = None, **more: Any) -> Param:
    return Param(name=f"data__{name}", wire=name, location="body", shape=shape or Shape(), **more)


POST_IMAGE = replace(
    GET_IMAGE,
    name="post_image",
    http="POST",
    path="/images",
    params=(
        body("disk_id", Shape(type="integer"), required=True),
        body("label", Shape(min_length=1, max_length=50)),
        body("description", TEXT),
        body("cloud_init", Shape(type="boolean")),
        body("tags", Shape(type="array", items=Shape(min_length=3, max_length=100), max_items=500)),
        VERSION,
    ),
)
DELETE_IMAGE = replace(GET_IMAGE, name="delete_image", http="DELETE", response=Response())


def chained(algorithm: str, response_key: str, **more: Any) -> Method:
    """A list whose pages name the next one."""
    given = {"algorithm": algorithm, "request_key": "pageToken", "response_key": response_key, **more}
    paging = Paging(**given)
    token = Param(name="pageToken", wire="pageToken", location="query")
    return replace(GET_IMAGES, params=(token,), paging=paging, filtering=None)


def call(method: Method = GET_IMAGES, args: Mapping[str, Any] | None = None, **more: Any) -> Call:
    """A call as the executor makes it."""
    given: dict[str, Any] = {"columns": method.response.columns, "rows": method.response.rows, **more}
    return Call("linode", method, args or {}, **given)


def settings(environ: Mapping[str, str] | None = None, **more: Any) -> Settings:
    return Settings(environ=environ or {}, **more)


@dataclass
class Time:
    """A clock that only moves when somebody sleeps."""

    seconds: float = 1000.0
    slept: list[float] = field(default_factory=list)
    chance: float = 0.5

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)

    @property
    def clock(self) -> Clock:
        return Clock(
            now=lambda: self.seconds,
            wall=lambda: self.seconds + 1_700_000_000,
            sleep=self.sleep,
            random=lambda: self.chance,
        )


Handler = Callable[[httpx.Request], httpx.Response]


@dataclass
class Wire:
    """A client over a handler, and what went through it."""

    handler: Handler
    given: Settings = field(default_factory=settings)
    time: Time = field(default_factory=Time)
    sent: list[httpx.Request] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    largest: int = 2**20

    def client(self) -> Client:
        def remember(request: httpx.Request) -> httpx.Response:
            self.sent.append(request)
            return self.handler(request)

        return Client(
            self.given,
            httpx.MockTransport(remember),
            on_event=self.events.append,
            clock=self.time.clock,
            largest=self.largest,
        )

    def pages(self, wanted: Call) -> list[Page]:
        async def run() -> list[Page]:
            async with self.client() as client:
                return [page async for page in client.pages(wanted)]

        return asyncio.run(run())

    @property
    def targets(self) -> list[str]:
        """Path and query of each request that left."""
        return [request.url.raw_path.decode() for request in self.sent]


def answers(*replies: httpx.Response | Exception) -> Handler:
    """One reply after another; the last one for ever."""
    left = list(replies)

    def handler(_: httpx.Request) -> httpx.Response:
        reply = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    return handler


def image(number: int) -> dict[str, Any]:
    return {
        "id": f"private/{number}",
        "label": f"image {number}",
        "size": number,
        "is_public": False,
        "tags": ["one", "two"],
        "regions": None,
    }


def listing(count: int, change: Callable[[int, dict[str, Any]], Any] = lambda _, page: page) -> Handler:
    """A list of `count` images in pages. `change` gets each page's number and envelope, and gives what is sent."""

    def handler(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page", 1))
        size = int(request.url.params.get("page_size", 100))
        data = [image(n) for n in range(count)[(number - 1) * size : number * size]]
        envelope = {"data": data, "page": number, "pages": -(-count // size), "results": count}
        changed = change(number, envelope)
        return changed if isinstance(changed, httpx.Response) else httpx.Response(200, content=json.dumps(changed))

    return handler

"""What comes into the sandbox and what goes out of it: frozen data, free of any HTTP library.

Header values are latin-1 text, one character a byte, as HTTP carries them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

Row = dict[str, Any]
Headers = tuple[tuple[str, str], ...]
JSON = ("Content-Type", "application/json")


@dataclass(frozen=True)
class Request:
    """A request: `segments` of the path, each decoded once; header names in lower case."""

    method: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)  # a token may be among them
    body: bytes = b""

    @property
    def path(self) -> str:
        """The decoded path: `/v4/images/private/1`, whichever way its slash was sent."""
        return "/" + "/".join(self.segments)


@dataclass(frozen=True)
class Answer:
    """A response, whole."""

    status: int
    headers: Headers = ()
    body: bytes = b""


class Problem(Exception):
    """An error answer on its way out: a status and the `(reason, field)` pairs of its body."""

    def __init__(self, status: int, *errors: tuple[str, str | None]) -> None:
        super().__init__(f"{status} {errors}")
        self.status, self.errors = status, errors

    @property
    def body(self) -> bytes:
        """The JSON body; `field` is left out where there is none."""
        listed = [{"reason": reason} | ({"field": field} if field else {}) for reason, field in self.errors]
        return msgspec.json.encode({"errors": listed})


def request(method: str, target: str, headers: Mapping[str, str] | Headers = (), body: bytes = b"") -> Request:
    """A request from its first line, headers and body. `target` is a path with its query, or a whole URL.

    >>> request("GET", "https://h/v4/images/private%2F1?page=2").segments
    ('v4', 'images', 'private/1')
    >>> request("GET", "/v4/images/private%252F1").path
    '/v4/images/private%2F1'
    """
    path, _, query = target.partition("?")
    if "://" in path and not path.startswith("/"):
        path = path.partition("://")[2].partition("/")[2]
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return Request(
        method=method.upper(),
        segments=tuple(unquote(segment) for segment in path.removeprefix("/").split("/")),
        query=dict(reversed(parse_qsl(query, keep_blank_values=True))),  # the first of a repeated name counts
        headers={name.lower(): value for name, value in pairs},
        body=body,
    )


def whole(text: str) -> int | None:
    """The number that a text of digits stands for; None for any other text, and for one beyond all measure.

    >>> whole("25"), whole("-1"), whole(""), whole("²"), whole("9" * 5000)
    (25, None, None, None, None)
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def moment(seconds: float) -> str:
    """A time of the clock as the API writes it: UTC, without a zone.

    >>> moment(1514862245.9)
    '2018-01-02T03:04:05'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")

"""What the executor asks of the wire, and what it gets back: frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from provider_registry.model import Column, Method


class Call(Struct, frozen=True):
    """One method called with one row of arguments.

    `args` maps SQL parameter names to values as SQLite gave them (None, int, float, str, bytes) or, from a JSON
    document, as Python objects. A name that is absent is not sent. A None is sent as JSON null where the shape
    is nullable and is an error elsewhere.
    """

    provider: str
    method: Method
    args: Mapping[str, Any] = {}
    columns: tuple[Column, ...] = ()  # what to decode of each row, in this order
    rows: str | None = None  # the object key of the rows; None: the body itself
    key: tuple[str, ...] = ()  # those of `columns` that tell the rows of a list apart; none: nobody knows
    filter: Mapping[str, Any] | None = None  # the API's filter, as a JSON object
    page_size: int | None = None  # None: the largest the document allows
    account: str | None = None  # whose token it carries; None: nobody's by name
    row_limit: int | None = None  # stop asking for pages once this many rows came
    count: bool = False  # only the number of rows is wanted


class Cost(Struct, frozen=True):
    """What was spent on one answer, or on many: costs add up. Times are in seconds."""

    requests: int = 0  # that left, those sent again included
    retries: int = 0
    bytes: int = 0  # of bodies, as they came over the network
    waited: float = 0.0  # for rate limits, for a place among the requests in flight, before sending again
    network: float = 0.0  # from a request to the last byte of its answer
    decoding: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.requests + other.requests,
            self.retries + other.retries,
            self.bytes + other.bytes,
            self.waited + other.waited,
            self.network + other.network,
            self.decoding + other.decoding,
        )


class Page(Struct, frozen=True):
    """The rows of one answer: tuples in the order of `Call.columns`.

    Values are None, bool, int, float, str; arrays and objects are JSON text (str); an integer beyond 64 bits is
    text. A field that is absent is None.
    """

    number: int  # the page as the API counts; 1 where the method is not paged
    rows: list[tuple[Any, ...]]
    total: int | None = None  # rows over all pages, where the API says; with a filter, of those it keeps
    pages: int | None = None  # how many there are, where the API says
    warnings: tuple[str, ...] = ()
    filtered: bool = True  # False: the API refused the call's filter, and rows and total are of the whole list
    repeated: int = 0  # rows left out, because an earlier page had them: the list shifted while it was read
    cost: Cost = Cost()
    status: int = 200  # of the answer


class Request(Struct, frozen=True):
    """An HTTP request as it will leave, before authentication is added to it."""

    method: str
    url: str  # encoded, complete
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.url}"

"""`config` blocks -> paging, retry, limit, filtering. The nearest block that has a key decides it.

Blocks stand on the provider, the service, the resource and the method, and a key of a nearer one replaces the whole
key of a farther one: that is StackQL's rule. What we add is prefixed `x-stratoql-` and told in the README.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from msgspec.structs import replace

from provider_registry.faults import closest
from provider_registry.model import OPERATORS, Column, Filter, Param
from provider_registry.nodes import Node
from provider_registry.objectkeys import locate, parts, spelled
from provider_registry.protocol import Filtering, Limit, Location, PageSize, Paging, Retry
from provider_registry.shapes import fold

Levels = Sequence[Node]  # config blocks, nearest first
Algorithm = Literal["none", "page_number", "offset", "token", "link_header", "next_url"]


@dataclass(frozen=True)
class Known:
    """A pagination algorithm of ours, and what it needs where a document leaves it out."""

    algorithm: Algorithm
    response_key: str = "$.nextPageToken"
    request_key: str = "pageToken"


ALGORITHMS: Mapping[str, Known] = {  # by the names that documents give them
    "": Known("token"),
    "none": Known("none"),
    "token": Known("token"),
    "page_number": Known("page_number", "$.page", "page"),
    "offset": Known("offset", "", "offset"),
    "link_header": Known("link_header", "Link"),
    "link_header_uri": Known("link_header", "Link"),
    "next_url": Known("next_url", "$.next"),
    "odata_next_link": Known("next_url", "$['@odata.nextLink']"),
}


_DELAYS: Mapping[str, float | None] = {"exponential": None, "constant": 1.0, "fixed": 1.0}  # how delays grow


def nearest(levels: Levels, key: str) -> Node | None:
    """The nearest block's value of a key; None where no block has it."""
    return next((level.get(key) for level in levels if level.has(key)), None)


def paging(levels: Levels, params: Iterable[Param], body: Node | None) -> Paging:
    """How a read continues. `body` is the schema of its answer.

    Pagination is mostly declared once for a service, so it also reaches methods that answer one object: what the
    schema of the answer does not have, cannot steer anything. What a method says of itself is taken at its word.
    """
    node = nearest(levels, "pagination")
    if node is None or not node.value:
        return Paging()
    request, response, end = map(node.get, ("requestToken", "responseToken", "responseTerminator"))
    named = node.text("algorithm")
    if not named and response.text("location") == "header" and response.text("key").lower() == "link":
        named = "link_header"
    if named not in ALGORITHMS:
        node.fault(f"there is no pagination {named!r}{closest(named, [n for n in ALGORITHMS if n])}", "algorithm")
        return Paging()
    known = ALGORITHMS[named]
    header = response.text("location") == "header" or known.algorithm == "link_header"
    answer = response.text("key", known.response_key)
    response_key = answer if header else _body_key(response, answer)
    terminator = _body_key(end, end.text("key")) if end.text("key") else None
    own = levels[0].has("pagination")
    if known.algorithm == "none" or not (header or own or _steers(body, terminator or response_key)):
        return Paging()
    return Paging(
        algorithm=known.algorithm,
        request_key=request.text("key") or known.request_key,
        request_location=_location(request),
        response_key=response_key,
        response_location="header" if header else "body",
        terminator_key=terminator,
        total_key=_body_key(node, node.text("x-stratoql-total"), "x-stratoql-total") or None,
        size=_page_size(node, params),
    )


def _body_key(node: Node, key: str, name: str = "key") -> str:
    found = parts(key)
    if found is None:
        node.fault(f"{key!r} is not a path into the body such as $.pages", name)
        return key
    return spelled(found) or ""


def _steers(body: Node | None, key: str) -> bool:
    """Whether an answer can hold what steers the pages: without a schema anything, as an array nothing."""
    if not body:
        return True
    if fold(body).type == "array":
        return False
    described = locate(body, ())
    return described is None or not described.has("properties") or locate(body, parts(key) or ()) is not None


def _location(request: Node) -> Location:
    """Where a token is sent. `request` is StackQL's word for "in the next address", which is no place of ours."""
    found = request.text("location", "query")
    if found not in ("query", "header", "body", "path", "request"):
        request.fault(f"there is no place {found!r}{closest(found, ('query', 'header', 'body'))}", "location")
    return cast(Location, found if found in ("header", "body", "path") else "query")


def _page_size(node: Node, params: Iterable[Param]) -> PageSize | None:
    """The parameter that sets the size of a page, its bounds taken from its own schema."""
    name = node.text("x-stratoql-page-size")
    if not name:
        return None
    found = {param.name: param for param in params}
    if name not in found:
        node.fault(f"there is no parameter {name!r}{closest(name, found)}", "x-stratoql-page-size")
        return None
    size, bounds = found[name], found[name].shape
    if bounds.maximum is None:
        node.fault(f"the parameter {name!r} has no maximum, so no size can be chosen", "x-stratoql-page-size")
        return None
    return PageSize(
        key=size.wire,
        location=size.location,
        minimum=int(bounds.minimum or 1),
        maximum=int(bounds.maximum),
        default=size.default if isinstance(size.default, int) else None,
    )


def retry(levels: Levels) -> Retry:
    """What a document says of retries; what it does not say is as the model has it."""
    node, said = nearest(levels, "retry"), Retry()
    if node is None:
        return said
    attempts, first, longest = (node.number(k) for k in ("max_attempts", "initial_delay_ms", "max_delay_ms"))
    for key, number, least in (
        ("max_attempts", attempts, 1),
        ("initial_delay_ms", first, 0),
        ("max_delay_ms", longest, 0),
    ):
        if number is not None and number < least:
            node.fault(f"must be at least {least}, got {number:g}", key)
    statuses, multiplier = _statuses(node.get("retryable_conditions")), node.number("multiplier")
    if multiplier is not None and multiplier < 1:
        node.fault(f"must be at least 1, got {multiplier:g}", "multiplier")
    if node.text("algorithm", "exponential") not in _DELAYS:
        node.fault(
            f"there is no algorithm {node.text('algorithm')!r}{closest(node.text('algorithm'), _DELAYS)}", "algorithm"
        )
    return Retry(
        max_attempts=said.max_attempts if attempts is None else int(attempts),
        initial_delay=said.initial_delay if first is None else first / 1000,
        max_delay=said.max_delay if longest is None else longest / 1000,
        multiplier=_DELAYS.get(node.text("algorithm")) or multiplier or said.multiplier,
        methods=tuple(method.upper() for method in node.texts("retryable_methods")),
        statuses=said.statuses if statuses is None else statuses,
        busy_reasons=node.texts("x-stratoql-busy-reasons"),
        maintenance_header=node.text("x-stratoql-maintenance-header") or None,
    )


def _statuses(node: Node) -> tuple[int, ...] | None:
    if not node.has("status_codes"):
        return None
    codes = (node.get("status_codes").integer(str(i)) for i in range(len(node.get("status_codes").sequence())))
    return tuple(code for code in codes if code is not None)


def limit(levels: Levels) -> Limit | None:
    """The rate limit that calls are counted against."""
    node = nearest(levels, "x-stratoql-limit")
    if node is None or not node.value:
        return None
    requests, seconds = node.integer("requests"), node.number("seconds")
    if not node.text("name") or not requests or requests < 1 or (seconds is not None and seconds <= 0):
        node.fault("a limit has a name, a number of requests and the seconds they are counted in")
        return None
    return Limit(name=node.text("name"), requests=requests, seconds=60.0 if seconds is None else seconds)


def filtering(method: Node, columns: Sequence[Column]) -> tuple[Filtering | None, tuple[Column, ...]]:
    """How filters travel with a method, and its columns with what may be asked of each."""
    node = method.get("x-stratoql-filtering")
    if not node:
        return None, tuple(columns)
    known = {column.name: column for column in columns}
    filters: dict[str, Filter] = {}
    for name, declared in node.entries("columns"):
        if name in known:
            filters[name] = _filter(known[name].key, declared)
        else:
            node.get("columns").fault(f"the rows have no column {name!r}{closest(name, known)}", name)
    if node.text("algorithm", "x_filter") != "x_filter":
        node.fault(f"there is no filtering {node.text('algorithm')!r}; known here: x_filter", "algorithm")
    said = Filtering()
    how = Filtering(
        header=node.text("header", said.header),
        max_terms=node.integer("max_terms") or said.max_terms,
        max_bytes=node.integer("max_bytes") or said.max_bytes,
    )
    return how, tuple(_filtered(column, filters.get(column.name)) for column in columns)


def _filter(field: str, node: Node) -> Filter:
    exact, inexact = node.texts("exact"), node.texts("inexact")
    for key, words in (("exact", exact), ("inexact", inexact)):
        for index, word in enumerate(words):
            if word not in OPERATORS:
                node.fault(f"there is no operator {word!r}{closest(word, OPERATORS)}", key, str(index))
            elif key == "inexact" and word in exact:
                node.fault(f"{word} cannot be exact and inexact", key, str(index))
    return Filter(
        field=node.text("field", field),
        exact=exact,
        inexact=inexact,
        top_level=node.flag("top_level"),
        orderable=node.flag("orderable"),
        unordered=node.flag("unordered"),
    )


def _filtered(column: Column, found: Filter | None) -> Column:
    return replace(column, filter=found) if found else column

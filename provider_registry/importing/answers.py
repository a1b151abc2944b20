"""Where the rows of an answer are, and how a list goes on: read out of names that many APIs share."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from provider_registry.importing.names import snake
from provider_registry.importing.spec import Operation
from provider_registry.nodes import Node
from provider_registry.objectkeys import spelled
from provider_registry.shapes import Folded, fold

_LISTS = ("data", "items", "results", "values", "value", "records", "entries", "rows", "list", "content", "objects",
          "elements", "collection", "hits", "nodes", "resources")  # fmt: skip
_WRAPS = ("data", "result", "response", "payload", "embedded", "body")  # what holds a list, or the one row
# What stands around rows, and is none.
_AROUND = re.compile(
    r"(current_|next_|prev_|previous_|first_|last_|total_|per_|num_|has_|starting_|page_|odata_).*|page|pages|limit|"
    r"offset|total|totals|count|size|results|skip|next|prev|previous|first|last|links|meta|metadata|paging|pagination|"
    r"pager|page_info|cursor|cursors|object|kind|type|etag|self|href|url|status|success|ok|code|message|errors|error|"
    r"warnings|request_id|response_metadata|took|timestamp|truncated|incomplete_results|continuation.*|marker"
)
_CURSORS = ("cursor", "page_token", "next_token", "next_page_token", "page_cursor", "starting_after", "after",
            "marker", "continuation_token", "continuation", "bookmark", "start_cursor", "next_cursor", "next",
            "token")  # fmt: skip
_TOKENS = ("next_cursor", "next_page_token", "next_token", "next_marker", "continuation_token", "continuation",
           "end_cursor", "next_page", "after", "bookmark", "cursor", "next")  # fmt: skip
_PAGE = ("page", "page_number", "page_num", "page_index", "current_page", "p")
_PAGES = ("pages", "total_pages", "page_count", "num_pages", "last_page", "pages_total", "number_of_pages")
_NUMBER = ("page", "current_page", "page_number", "number", "page_index", "current")
_TOTAL = ("total", "total_count", "total_results", "total_items", "total_records", "results")
_URLS = ("next", "next_url", "next_page_url", "next_link", "next_href", "next_page", "odata_next_link")
_OFFSET = ("offset", "skip", "start", "start_index", "start_at", "from")
_SIZE = ("page_size", "per_page", "limit", "size", "max_results", "page_limit", "results_per_page", "count", "top")
_LEVELS = 3  # how deep around the rows one looks for what steers the pages


class Answer(NamedTuple):
    """The answer that counts: its status, media type and schema, where it has one that is read."""

    code: str = ""
    media: str = ""
    schema: Node | None = None
    linked: bool = False  # it has a header Link


class Pages(NamedTuple):
    """How a list goes on, as a block of pagination. `inherits`: it may as well stand on the service."""

    block: dict[str, Any]
    inherits: bool


def answered(operation: Operation) -> Answer:
    """The first success of an operation."""
    responses = operation.node.get("responses")
    codes = sorted(code for code in responses.mapping() if code[:1] == "2") or (
        ["default"] if responses.has("default") else []
    )
    for code in codes:
        said = responses.get(code)
        content = said.get("content").mapping()
        media = next((name for name in content if "json" in name.lower()), None)
        schema = said.get("content").get(media).get("schema") if media else None
        linked = any(name.lower() == "link" for name in said.get("headers").mapping())
        if media is not None or code == codes[-1]:
            return Answer(code, media or "", schema or None, linked)
    return Answer()


def object_key(schema: Node, names: Collection[str], *, item: bool) -> str | None:
    """Where the rows are. None: the answer is an array, or the row; `$`: the row, in spite of a list in it.

    `names` are those of the resource; `item`: the path ends with the key of a row.
    """
    folded = fold(schema)
    if folded.type == "array" or not folded.properties:
        return None
    found = _rows(folded, names, item=item)
    if found is None:
        return "$" if any(fold(member).type == "array" for member in folded.properties.values()) else None
    return spelled(found)


def _rows(folded: Folded, names: Collection[str], *, item: bool, level: int = 0) -> tuple[str, ...] | None:
    members = folded.properties
    lists = [name for name, member in members.items() if fold(member).type == "array"]
    known = [name for name in lists if snake(name) in (*names, *_LISTS)]
    for name in (*known, *(lists if len(lists) == 1 else ())):
        if _alone(name, members) or (name in known and not item and snake(name) in names):
            return (name,)
    wraps = [name for name, member in members.items() if fold(member).properties and _alone(name, members)]
    for name in wraps if level == 0 else ():
        inner = _rows(fold(members[name]), names, item=item, level=1)
        if inner is not None:
            return (name, *inner)
        if len(members) == 1 or snake(name).strip("_") in (*_WRAPS, *names):
            return (name,)
    return None


def _alone(name: str, members: Mapping[str, Node]) -> bool:
    """Whether all else is only what stands around rows."""
    return all(_AROUND.fullmatch(snake(other)) for other in members if other != name)


def row_of(schema: Node, key: str | None) -> Node:
    """The schema of one row."""
    from provider_registry.objectkeys import locate, parts

    row = locate(schema, parts(key or "$") or ()) or schema
    while (folded := fold(row)).type == "array" and "items" in folded.words:
        row = folded.words["items"]
    return row


def is_list(schema: Node, key: str | None) -> bool:
    """Whether there may be several rows."""
    from provider_registry.objectkeys import locate, parts

    return fold(locate(schema, parts(key or "$") or ()) or schema).type == "array"


def pages(operation: Operation, answer: Answer, key: str | None) -> Pages | None:
    """How a list goes on; None where nothing says so."""
    assert answer.schema is not None  # only a list of rows is asked about
    asked, said = operation.query(), list(_around(answer.schema, key or ""))
    page = (
        _odata(said) or _cursor(asked, said) or _numbered(asked, said) or _next(said)
        or _linked(answer) or _blind(asked, said) or _offset(asked)
    )  # fmt: skip
    if page is None:
        return None
    block = dict(page.block)
    size = _first(asked, _SIZE)
    if size is not None and fold(asked[size].get("schema")).word("maximum") is not None:
        block["x-stratoql-page-size"] = size
    total = _at(said, _TOTAL, ("integer", "number"))
    if total is not None and page.block.get("algorithm") in ("page_number", "offset"):
        block["x-stratoql-total"] = total
    return Pages(block, page.inherits)


def sized(operation: Operation) -> bool:
    """Whether a list can be asked for in parts."""
    return _first(operation.query(), (*_SIZE, *_PAGE, *_OFFSET, *_CURSORS)) is not None


Said = Sequence[tuple[tuple[str, ...], Node]]  # what stands around the rows: path and schema


def _around(schema: Node, key: str, level: int = 1) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Everything of an answer that is not in its rows, the nearest first."""
    members = [(name, member) for name, member in fold(schema).properties.items() if f"$.{name}" != key]
    yield from (((name,), member) for name, member in members)
    for name, member in members if level < _LEVELS else ():
        yield from (((name, *path), below) for path, below in _around(member, "", level + 1))


def _first(asked: Mapping[str, Node], names: Sequence[str]) -> str | None:
    """The parameter of the first of these names, however it is spelled."""
    spelling = {snake(name): name for name in reversed(list(asked))}
    return next((spelling[name] for name in names if name in spelling), None)


def _at(said: Said, names: Sequence[str], types: Collection[str]) -> str | None:
    """The path of the first of these names whose value is of such a type."""
    for name in names:
        for path, node in said:
            if snake(path[-1]) == name and fold(node).type in types:
                return spelled(path)
    return None


def _block(algorithm: str, request: str | None, response: str | None) -> dict[str, Any]:
    block: dict[str, Any] = {"algorithm": algorithm}
    if request is not None:
        block["requestToken"] = {"key": request, "location": "query"}
    if response is not None:
        block["responseToken"] = {"key": response, "location": "body"}
    return block


def _odata(said: Said) -> Pages | None:
    key = next((spelled(path) for path, _ in said if path[-1].lower() == "@odata.nextlink"), None)
    return Pages(_block("odata_next_link", None, key), inherits=True) if key else None


def _cursor(asked: Mapping[str, Node], said: Said) -> Pages | None:
    """A token in the answer that is sent back. An address is none."""
    request = _first(asked, _CURSORS)
    tokens = [(path, node) for path, node in said if not _is_address(path, node)]
    response = _at(tokens, _TOKENS, ("string", "integer", "any")) if request else None
    return Pages(_block("token", request, response), inherits=True) if response else None


def _numbered(asked: Mapping[str, Node], said: Said) -> Pages | None:
    """Pages that are counted, and the answer says how many there are."""
    request, last = _first(asked, _PAGE), _at(said, _PAGES, ("integer", "number"))
    if request is None or last is None:
        return None
    block = _block("page_number", request, _at(said, _NUMBER, ("integer", "number")))
    block["responseTerminator"] = {"key": last, "location": "body"}
    return Pages(block, inherits=True)


def _next(said: Said) -> Pages | None:
    """The address of the next page in the answer."""
    for path, node in said:
        if _is_address(path, node):
            return Pages(_block("next_url", None, spelled(path)), inherits=True)
    return None


def _is_address(path: tuple[str, ...], node: Node) -> bool:
    folded, name = fold(node), snake(path[-1])
    if folded.type != "string":
        return False
    if name == "href" and len(path) > 1 and snake(path[-2]) == "next":
        return True
    told = folded.word("format") in ("uri", "url", "uri-reference") or name.endswith(("url", "link", "href"))
    linked = len(path) > 1 and snake(path[-2]).strip("_") == "links"
    return name in _URLS and (told or linked)


def _linked(answer: Answer) -> Pages | None:
    """The header Link."""
    if not answer.linked:
        return None
    block = {"algorithm": "link_header", "responseToken": {"key": "Link", "location": "header"}}
    return Pages(block, inherits=False)


def _blind(asked: Mapping[str, Node], said: Said) -> Pages | None:
    """Pages that are counted, and only an empty one tells the end."""
    request = _first(asked, _PAGE)
    if request is None:
        return None
    return Pages(_block("page_number", request, _at(said, _NUMBER, ("integer",))), inherits=False)


def _offset(asked: Mapping[str, Node]) -> Pages | None:
    """The number of rows to skip."""
    request = _first(asked, _OFFSET)
    return Pages(_block("offset", request, None), inherits=False) if request else None

"""A success into rows and the facts that steer paging. One that is not what was promised is an error, never an empty
table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from engine.errors import ResponseError
from engine.wire.call import Call
from engine.wire.keys import parts
from engine.wire.masking import clean
from engine.wire.rows import BAD_JSON, Json, NoRow, Row, find, members, rows, value

Scrub = Callable[[str], str]  # takes secrets out of a text


class Reply(Struct, frozen=True):
    """An answer, whole. `request` names what was asked, without secrets; names of headers are in lower case."""

    request: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Reply({self.request!r}, {self.status})"  # no body: it may quote what was sent


class Content(Struct, frozen=True):
    """What an answer holds. `facts` are the values at the paths that a method's paging names; absent ones None."""

    rows: list[Row]
    facts: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def read(reply: Reply, call: Call, scrub: Scrub = str) -> Content:
    """The content of a 2xx.

    Raises ResponseError: HTML, no JSON, or nothing where the rows should be. Its `passing` is set where the body may
    have been cut on the way.
    """
    body = reply.body.removeprefix(b"\xef\xbb\xbf").strip()
    kind = reply.headers.get("content-type", "").lower()
    if "html" in kind:
        raise _not_json(reply, "HTML", scrub)
    if not body:
        return _empty(reply, call)
    try:
        return _content(body, reply, call, scrub)
    except BAD_JSON:
        error = _not_json(reply, "no JSON", scrub)
        error.passing = _may_be_cut(reply)
        raise error from None  # the cause would quote the body


def _content(body: bytes, reply: Reply, call: Call, scrub: Scrub) -> Content:
    top = members(body)
    found = _rows(body, top, reply, call, scrub)
    named = call.rows is None and any(column.key == "warnings" for column in call.columns)
    warnings = () if top is None or named else _warnings(top, scrub)
    facts = {key: _fact(top, key) for key in steering(call)} if top is not None else {}
    return Content(found, facts, warnings)


def steering(call: Call) -> tuple[str, ...]:
    """The paths into the body that tell how a list continues."""
    paging = call.method.paging
    answer = paging.response_key if paging.response_location == "body" else None
    keys = (answer, paging.terminator_key, paging.total_key) if paging.algorithm != "none" else (paging.total_key,)
    return tuple(key for key in keys if key)


def _rows(body: bytes, top: Mapping[str, msgspec.Raw] | None, reply: Reply, call: Call, scrub: Scrub) -> list[Row]:
    """The rows at the call's object key. A write that says nothing more of itself is one row of nothing.

    A read whose document declares several columns takes objects only; a write may have been done whatever it says.
    """
    path, reads = parts(call.rows), call.method.reads
    if not reads and (body == b"null" or (top is not None and not top)):
        return [(None,) * len(call.columns)]
    try:
        found: list[Json] = [body]
        if path:
            found = find(top[path[0]], path[1:]) if top is not None and path[0] in top else find(body, path)
        objects = reads and len(call.method.response.columns) > 1
        return [row for place in found for row in rows(call.columns, place, objects=objects)]
    except KeyError:
        raise _odd(f"has no {call.rows}", reply, scrub) from None
    except NoRow:
        raise _odd(f"has something else than rows in {call.rows or 'its body'}", reply, scrub) from None


def _odd(what: str, reply: Reply, scrub: Scrub) -> ResponseError:
    return ResponseError(
        f"the answer {what}: {scrub(_start(reply))}",
        request=reply.request,
        status=reply.status,
        hint="the API answered in another form than its document says",
    )


def _fact(top: Mapping[str, msgspec.Raw], key: str) -> Any:
    path = parts(key)
    try:
        return value(find(top[path[0]], path[1:])[0])
    except (KeyError, IndexError):
        return None


def _warnings(top: Mapping[str, msgspec.Raw], scrub: Scrub) -> tuple[str, ...]:
    """What the API warns of beside its answer: `{"warnings": [{"title": ..., "details": ...}]}`."""
    found = msgspec.json.decode(top["warnings"]) if "warnings" in top else None
    told = []
    for entry in found if isinstance(found, list) else ():
        texts = [entry.get("title"), entry.get("details")] if isinstance(entry, dict) else [entry]
        line = ": ".join(text for text in texts if isinstance(text, str) and text)
        told += [scrub(clean(line, 500))] if line else []
    return tuple(told)


def _empty(reply: Reply, call: Call) -> Content:
    """No body: a write's whole answer, a read's only where the method or the status says that there is none."""
    if not call.method.reads or call.method.http == "HEAD":
        return Content([(None,) * len(call.columns)], {})
    if reply.status == 204:
        return Content([], {})
    error = ResponseError(
        f"HTTP {reply.status} with an empty body, where JSON was expected", request=reply.request, status=reply.status
    )
    error.passing = _may_be_cut(reply)
    raise error


def _may_be_cut(reply: Reply) -> bool:
    """Whether only the end of the connection ended the body; otherwise HTTP itself has seen that it is whole."""
    return not ({"content-length", "transfer-encoding"} & reply.headers.keys())


def _not_json(reply: Reply, what: str, scrub: Scrub) -> ResponseError:
    return ResponseError(
        f"HTTP {reply.status} with {what} in its body: {scrub(_start(reply))}",
        request=reply.request,
        status=reply.status,
        hint="something between here and the API may have answered in its place: a proxy, a login, maintenance",
    )


def _start(reply: Reply) -> str:
    return clean(reply.body[:4096].decode("utf-8", "replace"), 160)

"""A method and its arguments into an HTTP request, whole but for authentication.

Values are data: each is typed by the document and encoded for the one place it stands in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from engine.errors import InvalidValue, Refused, UnknownName
from engine.settings import Settings
from engine.wire import servers
from engine.wire.call import Call, Request
from engine.wire.masking import MASK, hidden, masked, secret_name, shown
from engine.wire.options import merged, numbered, wanted
from engine.wire.values import encode
from provider_registry.model import Method, Param
from provider_registry.protocol import Filtering, Location

Placed = tuple[Location, tuple[str, ...], str, Any]  # where, inside which objects, its name there, its JSON value
_PLACEHOLDER = re.compile(r"{([^{}]*)}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a header's name
_OWN = frozenset({"authorization", "connection", "content-length", "content-type", "host", "transfer-encoding"})
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


def prepare(call: Call, settings: Settings, cursor: int | str | None = None) -> Request:
    """The request of a call. `cursor` is the page, a number or a token; None: the first.

    Raises UnknownName or InvalidValue for the arguments, Refused for what will not be sent, UsageError for an
    address that is none. Nothing has been sent then.
    """
    method = call.method
    placed = _override(_arguments(call, settings), [*_paging(call, cursor), *wanted(call, settings)])
    at: dict[Location, dict[str, Any]] = {"path": {}, "query": {}, "header": {}, "server": {}, "body": {}}
    for location, parents, name, value in placed:
        inner = at[location]
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[name] = value
    base = servers.base_url(call.provider, method.server, settings, {k: _plain(v) for k, v in at["server"].items()})
    query = numbered(at["query"]) if method.numbered else at["query"]
    url = base + _path(method, at["path"])
    if method.form:
        pairs = [(name, _plain(one)) for name, value in query.items() for one in _each(value)]
        headers = [*_headers(at["header"]), *_filter(call), ("Content-Type", _FORM)]
        return Request("POST", url, tuple(headers), urlencode(pairs).encode())
    url += _query(query)
    body, media_type = _body(method, at["body"])
    headers = [*_headers(at["header"]), *_filter(call)]
    if media_type:
        headers.append(("Content-Type", media_type))
    return Request(method.http, url, tuple(headers), body)


def endpoint(provider: str, method: Method, settings: Settings) -> str:
    """The URL of a method with what its arguments will fill still in braces."""
    return servers.template(provider, method.server, settings, {}) + method.path


def describe(request: Request) -> list[str]:
    """A request in lines to read: method and URL, headers that the call brings, body. Secrets are masked."""
    lines = [f"{request.method} {masked(request.url)}"]
    headers = [(name, MASK if secret_name(name) else value) for name, value in request.headers]
    lines += [f"{name}: {value}" for name, value in headers if (name, value) != ("Content-Type", _JSON)]
    if request.body:
        lines.append(_described(request.body))
    return lines


def page_size(call: Call) -> int | None:
    """How many rows a page of a call has; None where nobody can say.

    No larger than what is still wanted: `LIMIT 10` asks for one small page.
    """
    size = call.method.paging.size
    if size is None:
        return None
    if (given := pinned(call, size.location, size.key)) is not None:
        return whole(encode(given.shape, call.args[given.name], given.name))
    wanted = call.page_size or size.maximum
    if call.row_limit is not None and call.rows is not None:
        wanted = min(wanted, call.row_limit)
    return max(size.minimum, min(size.maximum, wanted))


def whole(value: Any) -> int | None:
    """A JSON value that counts something, as a number; None where it is no count.

    >>> whole(5), whole("12"), whole(True), whole(-1), whole("x")
    (5, 12, None, None, None)
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def pinned(call: Call, location: Location, key: str) -> Param | None:
    """The parameter of that name on the wire, where the statement itself gives it a value."""
    for param in call.method.params:
        if (param.location, param.wire) == (location, key) and param.name in call.args:
            return param
    return None


def _arguments(call: Call, settings: Settings) -> list[Placed]:
    """The arguments, typed, in the order of the statement."""
    method = call.method
    known = {param.name: param for param in method.params}
    values: dict[str, Any] = {}
    for name, value in call.args.items():
        if (param := known.get(name)) is None:
            raise UnknownName(f"{method.name} takes no {name!r}", name=name, known=list(known))
        values[name] = encode(param.shape, value, name, example=param.example)
        if values[name] is None and param.location != "body":
            raise InvalidValue(f"{name} cannot be NULL: it stands outside the body", name=name, hint="leave it out")
    for name, value in method.preset.items():
        values.setdefault(name, value)
    for param in method.params:
        if param.default is not None and (param.required or param.always) and not _is_server(param):
            values.setdefault(param.name, param.default)
    _check_missing(method, values, settings)
    return [(known[name].location, known[name].parents, known[name].wire, value) for name, value in values.items()]


def _check_missing(method: Method, values: Mapping[str, Any], settings: Settings) -> None:
    missing = [
        param
        for param in method.required
        if param.name not in values and not (_is_server(param) and _set_outside(param, method, settings))
    ]
    if missing:
        names = " and ".join(param.name for param in missing)
        raise InvalidValue(
            f"{method.name} needs {names}", name=missing[0].name, hint=f"give {names} a value in the statement"
        )


def _is_server(param: Param) -> bool:
    return param.location == "server"


def _set_outside(param: Param, method: Method, settings: Settings) -> bool:
    return servers.set_outside(param.wire, method.server, settings)


def _paging(call: Call, cursor: int | str | None) -> list[Placed]:
    """What the page adds; what the statement itself gives stays."""
    paging = call.method.paging
    added: list[Placed] = []
    if paging.algorithm == "none":
        return added
    first = 1 if paging.algorithm == "page_number" else None
    position = first if cursor is None else cursor
    if position is not None and pinned(call, paging.request_location, paging.request_key) is None:
        added.append((paging.request_location, (), paging.request_key, position))
    size = page_size(call)
    if paging.size is not None and pinned(call, paging.size.location, paging.size.key) is None:
        added.append((paging.size.location, (), paging.size.key, size))
    return added


def _override(placed: Sequence[Placed], added: Sequence[Placed]) -> list[Placed]:
    taken = {entry[:3] for entry in added}
    return [entry for entry in placed if entry[:3] not in taken] + list(added)


def _path(method: Method, values: Mapping[str, Any]) -> str:
    """The path, each value encoded into its own segment.

    A segment that comes out as `.`, `..` or nothing is refused: clients and servers on the way resolve those, however
    they are encoded, and the request would reach another resource.
    """
    for name in _PLACEHOLDER.findall(method.path):
        if name not in values:
            raise Refused(f"the path of {method.name} has {{{name}}}, which its document declares nowhere")
        if _plain(values[name]) == "":
            raise InvalidValue(f"{name} is empty, and is a part of the path", name=name, hint=f"give {name} a value")
    segments = [""]  # whatever the document says, what follows the host begins with a slash
    for segment in method.path.removeprefix("/").split("/"):
        filled = _PLACEHOLDER.sub(lambda match: quote(_plain(values[match[1]]), safe=""), segment)
        names = _PLACEHOLDER.findall(segment)
        if names and filled in (".", ".."):
            what = f"{' and '.join(names)} cannot be {shown(filled)}"
            raise InvalidValue(f"{what}: that is a step in a path, not a value", name=names[0])
        segments.append(filled)
    return "/".join(segments)


def _query(values: Mapping[str, Any]) -> str:
    """The query; an array repeats its name."""
    pairs = [(name, one) for name, value in values.items() for one in _each(value)]
    text = "&".join(f"{quote(name, safe='')}={quote(_plain(value), safe='')}" for name, value in pairs)
    return f"?{text}" if text else ""


def _each(value: Any) -> list[Any]:
    """The elements of an array; an empty one is said as such, for to leave it out would ask for something else."""
    return (value or [""]) if isinstance(value, list) else [value]


def _headers(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        text = _plain(value)
        if name.lower() in _OWN or not _TOKEN.fullmatch(name):
            raise Refused(f"the header {shown(name)} is not a statement's to set")
        if not re.fullmatch(r"[!-~]([ -~]*[!-~])?|", text):
            raise InvalidValue(
                f"{name} is a header: it expects printable ASCII without blanks around it, got {shown(value, name)}",
                name=name,
            )
        yield name, text


def _filter(call: Call) -> Iterator[tuple[str, str]]:
    """The filter's header. The JSON encoder escapes all that is not ASCII."""
    if not call.filter:
        return
    bounds = call.method.filtering
    if bounds is None:
        raise Refused(f"{call.method.name} takes no filter")
    if bounds.algorithm == "odata":
        return  # in the query
    try:
        text = json.dumps(call.filter, separators=(",", ":"), allow_nan=False)
    except ValueError:
        raise Refused("the filter holds a number that JSON cannot carry") from None
    _check_bounds(bounds, _terms(call.filter), len(text))
    yield bounds.header, text


def _check_bounds(bounds: Filtering, terms: int, size: int) -> None:
    if terms > bounds.max_terms or size > bounds.max_bytes:
        raise Refused(
            f"the filter has {terms} terms and {size} bytes, "
            f"and the API takes {bounds.max_terms} and {bounds.max_bytes}",
            hint="name fewer values, or ask without push-down",
        )


def _terms(part: Any) -> int:
    """How many comparisons a filter makes. The order it asks for is none."""
    if isinstance(part, Mapping):
        return sum(_terms(value) for key, value in part.items() if key not in ("+order", "+order_by"))
    return sum(map(_terms, part)) if isinstance(part, list | tuple) else 1


def _body(method: Method, values: Mapping[str, Any]) -> tuple[bytes | None, str]:
    """The body and its media type. A method that could send one sends `{}` rather than nothing."""
    values = merged(method.base, values or method.fallback)
    if not values and (method.http in ("GET", "HEAD", "DELETE", "OPTIONS") or not method.body):
        return None, ""
    kind = method.media_type.partition(";")[0].strip().lower()
    if kind in ("", "*/*", _JSON):
        return msgspec.json.encode(values), _JSON
    if kind.endswith("+json"):
        return msgspec.json.encode(values), method.media_type
    if kind == _FORM:
        pairs = [(name, _plain(one)) for name, value in values.items() for one in _each(value)]
        return urlencode(pairs).encode(), _FORM
    raise Refused(f"{method.name} wants a body of type {method.media_type}, which cannot be sent from a statement")


def _plain(value: Any) -> str:
    """A JSON value as text outside JSON: strings bare, lists joined by commas, objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join(map(_plain, value))
    return msgspec.json.encode(value).decode()


def _described(body: bytes) -> str:
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:  # a form
        return masked("?" + body.decode())[1:]
    return json.dumps(hidden(value), ensure_ascii=False)

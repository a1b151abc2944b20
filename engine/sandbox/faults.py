"""Trouble on order: what a network, an edge or the API itself can do to a request, at a moment of one's choosing.

    Fault(path="^/images$", query={"page": "2"}, status=503)       the second page fails once
    Fault("POST", "^/images$", drop="close", effect=True)          the image is made, the answer lost
    Fault("GET", "^/images$", cut=200, times=None)                 every list breaks off after 200 bytes

The same as a line, for a command: `GET ^/images$?page=2 status=503`, `POST ^/images$ drop=close effect`. There, what
follows the first `?` is the query.
"""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl

import msgspec

from engine.errors import UsageError, suggest
from engine.sandbox.messages import JSON, Answer, Request
from engine.sandbox.routes import VERSIONS

Drop = Literal["close", "reset", "refuse", "hang"]
_HTML = ("Content-Type", "text/html")
_PAGE = "<html><head><title>{status} {phrase}</title></head><body><h1>{phrase}</h1></body></html>"
_REASONS = {404: "Not found", 408: "Request timed out", 429: "Too many requests"}


@dataclass(frozen=True)
class Fault:
    """A fault and the requests it befalls.

    It befalls a request whose method is `method`, whose path without the version matches the regular expression
    `path`, and whose query holds `query`; the `nth` such request is the first, and `times` of them in all (None:
    every one from there).

    What then happens: the answer comes `delay` seconds late. `status`, `body` (text, bytes, or what becomes JSON) or
    `html` stand in the place of the API's own answer, which then does nothing unless `effect` is set. `patch` is
    laid over the JSON object the API answers. `headers` are added. `cut` sends so many bytes of the body and closes.
    `drop` gives no answer at all: `close` ends the connection, `reset` breaks it, `refuse` never opens it (over
    a real socket it is closed at once), `hang` keeps it open without a word, for `delay` seconds where that is set.
    `cut` beside `close` or `reset` lets so many bytes of what is sent come first.
    """

    method: str | None = None
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    nth: int = 1
    times: int | None = 1
    status: int | None = None
    body: Any = None
    html: bool = False
    patch: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int | None = None
    drop: Drop | None = None
    effect: bool = False

    @property
    def acts(self) -> bool:
        """Whether the request takes effect. One whose connection never opened cannot."""
        return self.drop != "refuse" and (self.effect or not (self.drop or self._replaces))

    @property
    def _replaces(self) -> bool:
        return self.status is not None or self.body is not None or self.html

    @property
    def takes(self) -> int | None:
        """How much of what is sent comes before the connection ends; None: that is not said."""
        return self.cut if self.drop in ("close", "reset") and not self.effect else None

    def befalls(self, asked: Request) -> bool:
        """Whether a request is one of those meant."""
        if self.method not in (None, asked.method):
            return False
        segments = asked.segments[1:] if asked.segments[:1] and asked.segments[0] in VERSIONS else asked.segments
        matches = re.search(self.path, "/" + "/".join(segments)) is not None
        return matches and all(asked.query.get(name) == value for name, value in self.query.items())

    def answer(self, real: Answer | None) -> Answer | None:
        """What is answered; `real` is the API's own answer, where the request took effect. None: nothing is."""
        if self.drop:
            return None
        if self._replaces or real is None:
            status, content = self._content()
            real = Answer(status, (content[0], ("Retry-After", "0")), content[1])
        if self.patch:
            real = replace(real, body=_patched(real.body, self.patch))
        kept = tuple((n, v) for n, v in real.headers if n.lower() not in {name.lower() for name in self.headers})
        return replace(real, headers=(*kept, *self.headers.items()))

    def _content(self) -> tuple[int, tuple[tuple[str, str], bytes]]:
        """The status, media type and body that stand in the place of the API's."""
        status = self.status or (502 if self.html else 200)
        phrase = _phrase(status)
        if isinstance(self.body, bytes | str):
            body = self.body.encode() if isinstance(self.body, str) else self.body
            return status, (_HTML if self.html else JSON, body)
        if self.html:
            return status, (_HTML, _PAGE.format(status=status, phrase=phrase).encode())
        reason = {"errors": [{"reason": _REASONS.get(status, phrase)}]}
        return status, (JSON, msgspec.json.encode(reason if self.body is None else self.body))


class Schedule:
    """Owns the count of what has befallen: which fault the next request meets."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._met: list[tuple[Fault, int]] = [(fault, 0) for fault in faults]

    def add(self, fault: Fault) -> None:
        """Put a further fault behind the others; its count starts now."""
        with self._lock:
            self._met.append((fault, 0))

    def take(self, asked: Request) -> Fault | None:
        """The fault that befalls a request. The first that is due does; those behind it do not count the request."""
        with self._lock:
            for place, (fault, met) in enumerate(self._met):
                if not fault.befalls(asked):
                    continue
                self._met[place] = fault, met + 1
                if met + 1 >= fault.nth and (fault.times is None or met + 1 < fault.nth + fault.times):
                    return fault
        return None


def parse(line: str) -> Fault:
    """A fault from its line: `[METHOD] [/path?query] key=value ...`. Raises UsageError.

    >>> parse("GET ^/images$?page=2 status=503 times=3").times
    3
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"the fault {line!r} cannot be read: {error}") from error
    given: dict[str, Any] = {}
    if words and words[0].isalpha() and words[0].isupper():
        given["method"] = words.pop(0)
    if words and words[0].startswith(("/", "^")):
        path, _, query = words.pop(0).partition("?")
        given |= {"path": path, "query": dict(parse_qsl(query, keep_blank_values=True))}
    for word in words:
        _word(line, word, given)
    _check(line, given)
    return Fault(**given)


def _word(line: str, word: str, given: dict[str, Any]) -> None:
    """Read one `key=value` of a line; a flag may stand alone."""
    key, has_value, value = word.partition("=")
    if key not in _READERS:
        raise UsageError(f"the fault {line!r} has no such setting: {key}", hint=suggest(key, sorted(_READERS)))
    if not has_value and key not in _FLAGS:
        raise UsageError(f"the fault {line!r} leaves {key} without a value", hint=f"write {key}=...")
    try:
        read = _READERS[key](value)
    except ValueError:
        raise UsageError(f"the fault {line!r} has a {key} that cannot be read: {value!r}") from None
    if key == "header":
        given.setdefault("headers", {}).update(read)
    else:
        given[key] = read


def _check(line: str, given: Mapping[str, Any]) -> None:
    """Refuse a line that would do nothing, or whose path is no regular expression."""
    try:
        re.compile(given.get("path", ""))
    except re.error as error:
        raise UsageError(f"the fault {line!r} has a path that is no regular expression: {error}") from error
    if not given.keys() - {"method", "path", "query", "nth", "times", "effect"}:
        raise UsageError(
            f"the fault {line!r} says which requests, but not what happens to them",
            hint="add status=503, delay=2, cut=100, html or drop=close",
        )


def _times(text: str) -> int | None:
    return None if text == "always" else _count(text)


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _status(text: str) -> int:
    if not 200 <= (number := int(text)) <= 599:
        raise ValueError(text)
    return number


def _seconds(text: str) -> float:
    if not 0 <= (number := float(text)) < 1e6:
        raise ValueError(text)
    return number


def _bytes(text: str) -> int:
    if (number := int(text)) < 0:
        raise ValueError(text)
    return number


def _drop(text: str) -> str:
    if text not in get_args(Drop):
        raise ValueError(text)
    return text


def _header(text: str) -> dict[str, str]:
    name, colon, value = text.partition(":")
    if not (colon and re.fullmatch(r"[\w-]+", name, re.ASCII)) or not value.isprintable():
        raise ValueError(text)
    return {name: value.strip()}


def _flag(text: str) -> bool:
    if text not in ("", "true", "false"):
        raise ValueError(text)
    return text != "false"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _patched(body: bytes, patch: Mapping[str, Any]) -> bytes:
    """A JSON object with members replaced; any other body as it is."""
    found = msgspec.json.decode(body)
    return msgspec.json.encode(found | dict(patch)) if isinstance(found, dict) else body


_FLAGS = ("html", "effect")
_READERS: dict[str, Callable[[str], Any]] = {
    "nth": _count,
    "times": _times,
    "status": _status,
    "body": str,
    "html": _flag,
    "header": _header,
    "delay": _seconds,
    "cut": _bytes,
    "drop": _drop,
    "effect": _flag,
}

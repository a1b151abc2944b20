"""Inside quotes: values of an enumeration, members of a JSON body, variables of a template; else nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.repl.scan import Token, scan
from engine.repl.suggest.known import Known, Suggestion, kind_of, told
from engine.repl.suggest.place import Place, dotted
from engine.repl.suggest.values import compared
from engine.repl.suggest.words import HINTS
from provider_registry.model import Method, Shape

_TEMPLATE = re.compile(r"\{\{\s*(\w*)\Z")
_HINT, _TYPED = "/*+", re.compile(r"[\w(=]*\Z")
_JSON = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)|[{}\[\]:,]|[^\s{}\[\]:,"]+')


@dataclass(frozen=True)
class Quoted:
    """What may stand from `start` on."""

    start: int
    found: Iterable[Suggestion] = ()


def hints(text: str, cursor: int) -> Quoted | None:
    """The hints, where the cursor stands in a comment that begins with a plus.

    >>> text = "DELETE /*+ m"
    >>> quoted = hints(text, len(text))
    >>> quoted and (quoted.start, [suggestion.text for suggestion in quoted.found])
    (11, ['AWAIT', 'AWAIT(timeout=30m)', 'MAX_WRITES(100)'])
    >>> hints("DELETE /* m", 11)
    """
    under = next((token for token in scan(text) if token.start < cursor <= token.end), None)
    if under is None or not under.text.startswith(_HINT) or cursor < under.start + len(_HINT):
        return None
    if under.closed and cursor > under.end - 2:
        return None
    word = _TYPED.search(text, under.start + len(_HINT), cursor)
    return Quoted(word.start() if word else cursor, [Suggestion(name, "hint", what) for name, what in HINTS.items()])


def inside(place: Place, text: str, cursor: int, known: Known) -> Quoted | None:
    """What fits inside the quotes that the cursor stands in; None where it stands in none."""
    template = _TEMPLATE.search(text, 0, cursor)
    under = place.under
    if template is not None and (under is None or under.kind in ("template", "string", "word")):
        found = [Suggestion(name, "variable", value) for name, value in known.variables.items()]
        return Quoted(template.start(1), found)
    if under is None or under.kind not in ("string", "quoted", "template"):
        return None
    if under.kind != "string":
        return Quoted(cursor)
    if (method := _body(place, known)) is not None:
        return _json(method, under, cursor)
    return _value(place, under, known)


def _value(place: Place, under: Token, known: Known) -> Quoted:
    """The values of an enumeration; their quotes are part of them."""
    shape = compared(place, known) or _argument(place, known)
    words = [value for value in shape[0].enum if isinstance(value, str)] if shape is not None else []
    name = shape[1] if shape is not None else ""
    found = (Suggestion(f"'{word}'", "value", f"value of {name}", rank=n) for n, word in enumerate(words))
    return Quoted(under.start, found)


def _called(place: Place, known: Known) -> Method | None:
    """The method of the EXEC around the cursor."""
    items = place.group.before
    at = next((n for n, item in enumerate(items) if isinstance(item, Token) and item.word == "EXEC"), None)
    return known.method(dotted(items, at + 1)[0]) if at is not None else None


def _argument(place: Place, known: Known) -> tuple[Shape, str] | None:
    """The shape of the argument of an EXEC that the string is the value of."""
    method, before = _called(place, known), place.group.before
    name = before[-2] if len(before) > 1 else None
    param = method.param(name.name) if method is not None and isinstance(name, Token) and name.name else None
    return (param.shape, param.name) if param is not None else None


def _body(place: Place, known: Known) -> Method | None:
    """The method whose whole body the string under the cursor is: it stands behind `@@json =`."""
    before = [item.text.lower() if isinstance(item, Token) else "" for item in place.group.before[-3:]]
    return _called(place, known) if before == ["@@", "json", "="] else None


def _json(method: Method, under: Token, cursor: int) -> Quoted:
    """Members that the object around the cursor may have and has not, required first; or values of a member."""
    whole = under.text[1 : cursor - under.start]
    top = Shape(
        type="object",
        fields={param.wire: param.shape for param in method.body if not param.parents},
        required=tuple(param.wire for param in method.body if param.required and not param.parents),
    )
    path, member, expected, partial = _walk(whole)
    shape = _at(top, path)
    start = cursor - len(partial)
    if expected == "value":
        child = _at(top, [*path, member])
        words = [f'"{word}"' for word in child.enum if isinstance(word, str)] if child is not None else []
        words += ["true", "false"] if child is not None and child.type == "boolean" else []
        return Quoted(start, [Suggestion(word, "value", f"value of {member}") for word in words])
    if expected != "key" or shape is None:
        return Quoted(cursor)
    there = set(re.findall(r'"((?:[^"\\]|\\.)*)"\s*:', under.text))
    details = {param.wire: told(param) for param in method.body} if not path else {}
    found = [
        Suggestion(f'"{name}": ', "key", details.get(name, kind_of(inner)), rank=1 if name in shape.required else 2)
        for name, inner in shape.fields.items()
        if name not in there
    ]
    return Quoted(start, found)


def _walk(text: str) -> tuple[list[str], str, str, str]:
    """Where a JSON text stops: the members around it, the last member, what is expected, what is begun of it.

    >>> _walk('{"label": "x", "di'), _walk('{"a": {"b": tr'), _walk('{"tags": ["x", ')
    (([], '', 'key', '"di'), (['a'], 'b', 'value', 'tr'), (['tags'], '*', 'value', ''))
    """
    around: list[tuple[str, str]] = []  # each bracket, and the member or `*` that it is the value of
    member, expected, partial = "", "", ""
    for token in _tokens(text):
        whole = (len(token) > 1 and token.endswith('"')) if token.startswith('"') else not text.endswith(token)
        partial = ""
        if token in "{[":
            around.append((token, member))
            member, expected = ("", "key") if token == "{" else ("*", "value")
        elif token in "}]":
            member, expected = around.pop()[1] if around else "", ""
        elif token == ",":
            member, expected = ("", "key") if around and around[-1][0] == "{" else ("*", "value")
        elif token == ":":
            expected = "value"
        elif whole:
            member, expected = (token.strip('"') if expected == "key" else member), ""
        else:
            partial = token
    return [name for _, name in around[1:]], member, expected, partial


def _tokens(text: str) -> Iterator[str]:
    return (found[0] for found in _JSON.finditer(text))


def _at(shape: Shape | None, path: list[str]) -> Shape | None:
    """The shape below a shape, by members; `*` is any element."""
    for name in path:
        if shape is None:
            return None
        shape = shape.items if name == "*" else shape.fields.get(name)
    return shape

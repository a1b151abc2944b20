"""Which predicates travel to the API as a filter: only those that cannot lose a row.

A document says per column which operators the API understands and whether it keeps exactly the rows SQL keeps, or at
least those. The filter is a hint either way: the WHERE runs again over what comes back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import product
from math import isfinite
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from engine.planner.predicates import Predicate
from engine.store import evaluate
from provider_registry.model import Column, Filter, Method
from provider_registry.protocol import Filtering


class Push(Struct, frozen=True):
    """What travels with the calls of a source.

    `exact` are the predicates that the API answers just as SQL does. `fixed` are the columns that an exact equality
    gives one value in every row. `limit` is how many rows are wanted.
    """

    filter: Mapping[str, Any] | None = None
    exact: frozenset[Predicate] = frozenset()
    fixed: Mapping[str, Any] = {}
    limit: int | None = None


_Sent: TypeAlias = tuple[Column, Predicate, Any]  # what a filter has of a column: the value is that of an equality
_WORDS = {"<": "+lt", "<=": "+lte", ">": "+gt", ">=": "+gte"}


def push_down(method: Method, found: Sequence[Predicate]) -> Push:
    """The filter for a call of `method`, from the predicates of its source.

    Terms are sibling keys, which the API ANDs. A column that is named twice keeps its first equality or merges its
    ranges; what does not fit the bounds of the document is left out, last first.
    """
    bounds = method.filtering
    if bounds is None:
        return Push()
    if bounds.algorithm == "odata":
        return _options(method, bounds, found)
    columns = {c.name.casefold(): c for c in method.response.columns}
    pushed: dict[str, Any] = {}
    sent: list[_Sent] = []
    terms = 0
    for predicate in found:
        column = columns.get(predicate.column.name.casefold())
        term = _term(column, predicate) if column is not None else None
        if column is None or term is None:
            continue
        merged, more = _merged(pushed, term), len(term.get("+or", "1"))
        size = len(json.dumps(merged)) if merged is not None else 0
        if merged is None or terms + more > bounds.max_terms or size > bounds.max_bytes:
            continue
        pushed, terms = merged, terms + more
        sent.append((column, predicate, next(iter(term.values()))))
    return _push(pushed, sent)


def _options(method: Method, bounds: Filtering, found: Sequence[Predicate]) -> Push:
    """The `$filter` of the predicates that may travel, joined by `and`."""
    from engine.planner.odata import comparison, names

    columns = {c.name.casefold(): c for c in method.response.columns}
    terms: list[str] = []
    sent: list[_Sent] = []
    values = 0
    for predicate in found:
        column = columns.get(predicate.column.name.casefold())
        given = _values(column, predicate) if column is not None else None
        if column is None or column.filter is None or given is None or not names(column.filter.field):
            continue
        term = comparison(column.filter.field, predicate.operator, given, bounds.options.operators)
        values += len(given)
        if term is None or values > bounds.max_terms or len(" and ".join([*terms, term])) > bounds.max_bytes:
            continue
        terms += [term] if term not in terms else []
        sent.append((column, predicate, given[0]))
    return _push({bounds.options.filter: " and ".join(terms)} if bounds.options.filter and terms else {}, sent)


def _push(filter_: Mapping[str, Any], sent: Sequence[_Sent]) -> Push:
    """A filter, and what is certain of the rows that it lets through."""
    exact = [(column, predicate, value) for column, predicate, value in sent if _exact(column, predicate)]
    fixed = {column.name: value for column, predicate, value in exact if _word(predicate) == "="}
    return Push(filter_ or None, frozenset(predicate for _, predicate, _ in exact), fixed)


def ordered(method: Method, push: Push, name: str, *, descending: bool) -> Push | None:
    """The same push with an order that the API keeps as SQLite would; None where it does not."""
    columns = {c.name.casefold(): c for c in method.response.columns}
    column = columns.get(name.casefold())
    unordered = {c.filter.field for c in columns.values() if c.filter is not None and c.filter.unordered}
    if (
        column is None
        or column.filter is None
        or not column.filter.orderable
        or unordered & (push.filter or {}).keys()
    ):
        return None
    direction = "desc" if descending else "asc"
    if method.filtering is not None and method.filtering.algorithm == "odata":
        option = method.filtering.options.order or ""
        return replace(push, filter={**(push.filter or {}), option: f"{column.filter.field} {direction}"})
    filter_ = {**(push.filter or {}), "+order_by": column.filter.field, "+order": direction}
    bounds = method.filtering
    if bounds is None or len(json.dumps(filter_)) > bounds.max_bytes:
        return None
    return replace(push, filter=filter_)


def _term(column: Column, predicate: Predicate) -> dict[str, Any] | None:
    """A predicate as filter keys; None where it has to stay local."""
    rule = column.filter
    word = _word(predicate)
    values = _values(column, predicate)
    if rule is None or values is None or (word == "IN" and rule.top_level):
        return None
    if column.shape.format == "date-time" and predicate.operator in _WORDS:
        return _since(rule.field, predicate.operator, str(values[0]))
    if word == "=":
        return {rule.field: values[0]}
    if word == "IN":
        return {"+or": [{rule.field: value} for value in values]}
    if predicate.operator in _WORDS:
        return {rule.field: {_WORDS[predicate.operator]: values[0]}}
    return _contains(rule, predicate.operator, str(values[0]))


def _contains(rule: Filter, operator: str, pattern: str) -> dict[str, Any] | None:
    """What every match of a pattern contains. A field that stands at the top level alone takes one spelling."""
    if operator == "GLOB":
        found = _glob_fragments(pattern)
    else:
        found = _like_fragments(pattern, 0 if rule.top_level else _LETTERS)
    terms: list[dict[str, Any]] = [{rule.field: {"+contains": fragment}} for fragment in found]
    return {"+or": terms} if len(terms) > 1 else next(iter(terms), None)


def _exact(column: Column, predicate: Predicate) -> bool:
    """Whether the API keeps just the rows that SQL keeps. A value that the column never has may be one in other
    letters for an API that does not tell case.
    """
    if column.filter is None or _word(predicate) not in column.filter.exact:
        return False
    known = column.shape.enum
    return not known or all(evaluate(text) in known for text in predicate.values)


def _values(column: Column, predicate: Predicate) -> list[Any] | None:
    """The constants of a predicate as the API takes them; None where one is none, or the operator is not its."""
    rule = column.filter
    if rule is None or not predicate.values or _word(predicate) not in (*rule.exact, *rule.inexact):
        return None
    if column.shape.format == "date-time" and _word(predicate) in ("=", "IN"):
        return None  # to SQL a moment with a blank in it is the one with a T; to the API it may be another text
    values = [_value(column, text) for text in predicate.values]
    return None if any(value is None for value in values) else values


_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d))?")


def _since(field: str, operator: str, text: str) -> dict[str, Any] | None:
    """A bound in time as the API writes moments; None for text in another form, which compares as text alone.

    A day without a time stands before every moment of that day: what is after it begins with midnight.

    >>> _since("created", ">", "2024-03-01"), _since("created", "<=", "2024-03-01 10:00:00")
    ({'created': {'+gte': '2024-03-01T00:00:00'}}, {'created': {'+lte': '2024-03-01T10:00:00'}})
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    day, time = found.groups()
    word = "+gte" if operator == ">" and not time else _WORDS[operator]
    return {field: {word: f"{day}T{time or '00:00:00'}"}}


def _word(predicate: Predicate) -> str:
    """The operator as documents name it: GLOB is a LIKE, a list of one is an equality."""
    if predicate.operator == "IN" and len(predicate.values) == 1:
        return "="
    return "LIKE" if predicate.operator == "GLOB" else predicate.operator


def _merged(pushed: Mapping[str, Any], term: Mapping[str, Any]) -> dict[str, Any] | None:
    """Both at once; None where the two cannot stand side by side, and then the first alone is enough."""
    ((key, value),) = term.items()
    present = pushed.get(key)
    if key == "+or" and present is not None:
        return {**pushed, "+and": [*pushed.get("+and", ()), term]}
    if present is None:
        return {**pushed, key: value}
    if isinstance(present, dict) and isinstance(value, dict) and not present.keys() & value.keys():
        return {**pushed, key: {**present, **value}}
    return None


def _value(column: Column, text: str) -> Any:
    """A constant's value as the API takes it for this column; None where SQL and the API might not mean the same.

    A boolean takes 0 and 1, an integer a whole number, a number any that is finite, a string a text not empty.
    SQLite computes the constant, so that an expression means what it means in the query.
    """
    value = evaluate(text)
    kind = column.shape.type
    if kind == "boolean":
        return bool(value) if value in (0, 1) and isinstance(value, int) else None
    if kind == "integer":
        return value if isinstance(value, int) else None
    if kind == "number":
        return value if isinstance(value, int | float) and isfinite(value) else None
    return value if kind == "string" and isinstance(value, str) and value else None


_LETTERS = 4  # of a fragment that travels in every spelling: 16 of them
_TELLING = 4  # characters of a fragment without letters that are enough


def _like_fragments(pattern: str, letters: int = _LETTERS) -> list[str]:
    """The longest text that every match of a LIKE contains, in each spelling that LIKE takes for the same.

    LIKE does not tell `a` from `A`; whether the API does is unknown. So what holds letters travels in all cases of
    them, and no more than so many `letters` do.

    >>> _like_fragments("%2024-11%"), _like_fragments("a1%"), _like_fragments("%")
    (['2024-11'], ['a1', 'A1'], [])
    >>> len(_like_fragments("tmp-%")), _like_fragments("debian%", letters=0)
    (8, [])
    """
    parts = re.split("[%_]", pattern)
    fragment = max((_narrow(part, 0) for part in parts), key=len)
    if len(fragment) < _TELLING:
        fragment = max((_narrow(part, letters) for part in parts), key=len)
    spellings = product(*((c.lower(), c.upper()) if _LETTER.match(c) else (c,) for c in fragment))
    return ["".join(spelling) for spelling in spellings] if fragment else []


_LETTER = re.compile("[A-Za-z]")  # LIKE knows no other letters


def _narrow(text: str, letters: int) -> str:
    """The longest piece of a text that holds no more than so many letters, without blanks around it."""
    begin, found, best = 0, 0, ""
    for end, character in enumerate(text, 1):
        found += bool(_LETTER.match(character))
        while found > letters:
            found -= bool(_LETTER.match(text[begin]))
            begin += 1
        best = max(best, text[begin:end].strip(), key=len)
    return best


def _glob_fragments(pattern: str) -> list[str]:
    """The longest text that every match of a GLOB contains: it tells `a` from `A`, so one spelling is enough.

    >>> _glob_fragments("*debian*"), _glob_fragments("tmp-?[0-9]x"), _glob_fragments("*")
    (['debian'], ['tmp-'], [])
    """
    fragment = max((part.strip() for part in re.split(r"[*?]", pattern.split("[")[0])), key=len)
    return [fragment] if fragment else []

"""`queryParamPushdown` -> the query options a method takes, and what may be asked of its columns.

A document says what an API understands, not what it makes of letters and moments. So numbers and truth values travel
exact; text travels where the API can only keep more rows than SQL does, and moments not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from provider_registry.config import Levels, nearest
from provider_registry.faults import closest
from provider_registry.model import Column, Filter
from provider_registry.nodes import Node
from provider_registry.objectkeys import parts, spelled
from provider_registry.protocol import Filtering, Options

_WORDS: Mapping[str, str] = {"eq": "=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}  # OData's, and SQL's
_PIECES = ("startswith", "endswith", "contains")
_OPERATORS = (*_WORDS, "ne", "and", "or", "not", "in", *_PIECES)
_NAMES = {"select": "$select", "filter": "$filter", "orderBy": "$orderby", "top": "$top", "count": "$count"}
_KINDS = (*_NAMES, "skip")  # `skip` has no use: the OFFSET of a statement is SQLite's
_COUNT = "$['@odata.count']"
_PLAIN = (None, "email", "hostname", "ipv4", "ipv6", "uri", "url", "password")  # formats of text that is only text


def options(levels: Levels, columns: Sequence[Column]) -> tuple[Filtering | None, tuple[Column, ...], str | None]:
    """How a list's query options travel, its columns with what may be asked of each, where its count stands."""
    node = nearest(levels, "queryParamPushdown")
    if node is None or not node.value:
        return None, tuple(columns), None
    for kind in node.mapping():
        if kind not in _KINDS:
            node.fault(f"there is no option {kind!r}{closest(kind, _KINDS)}", kind)
    names = {kind: _name(node.get(kind), kind) for kind in _NAMES if node.has(kind)}
    select, count = node.get("select"), node.get("count")
    said = Options(
        filter=names.get("filter") if _spoken(node.get("filter")) else None,
        operators=_operators(node.get("filter")),
        order=names.get("orderBy") if _spoken(node.get("orderBy")) else None,
        top=names.get("top"),
        top_maximum=node.get("top").integer("maxValue"),
        select=names.get("select"),
        select_columns=_columns(select),
        select_delimiter=select.text("delimiter", ","),
        count=names.get("count"),
        count_value=count.text("paramValue", "true"),
    )
    filters = {column.name: _filter(column, said, node) for column in columns}
    made = tuple(replace(column, filter=filters[column.name]) for column in columns)
    return Filtering(algorithm="odata", options=said), made, _total(count) if said.count else None


def _name(node: Node, kind: str) -> str | None:
    """The query parameter of an option: as it is named, or as OData names it."""
    dialect = node.text("dialect", "custom")
    if dialect not in ("odata", "custom"):
        node.fault(f"there is no dialect {dialect!r}{closest(dialect, ('odata', 'custom'))}", "dialect")
    named = node.text("paramName") or (_NAMES[kind] if dialect == "odata" else "")
    if not named:
        node.fault("an option of the dialect custom names its parameter with paramName")
    return named or None


def _spoken(node: Node) -> bool:
    """Whether an option's value is written as OData does: no other way is known here."""
    syntax = node.text("syntax", "odata" if node.text("dialect") == "odata" else "")
    if node and syntax != "odata":
        node.fault(f"the syntax {syntax or 'of the API'!r} is not honoured: it stays local", severity="warning")
    return syntax == "odata"


def _operators(node: Node) -> tuple[str, ...]:
    found = node.texts("supportedOperators")
    for index, word in enumerate(found):
        if word not in (*_OPERATORS, "*"):
            near = closest(word, _OPERATORS)
            node.fault(f"there is no operator {word!r}{near}", "supportedOperators", str(index), severity="warning")
    return () if "*" in found else found


def _columns(node: Node) -> tuple[str, ...]:
    found = node.texts("supportedColumns")
    return () if "*" in found else found


def _supports(node: Node, key: str) -> bool:
    listed = _columns(node)
    return not listed or key in listed


def _filter(column: Column, said: Options, node: Node) -> Filter | None:
    """What may be asked of a column."""
    kind = column.shape.type
    exact, inexact = [], []
    if said.filter and _supports(node.get("filter"), column.key):
        known = said.operators or _OPERATORS
        words = [word for odata, word in _WORDS.items() if odata in known]
        several = ["IN"] if "=" in words and {"or", "in"} & set(known) else []
        if kind in ("integer", "number"):
            exact = [*words, *several]
        elif kind == "boolean":
            exact = words[:1] if "=" in words else []
        elif kind == "string" and column.shape.format in _PLAIN:
            inexact = [*words[: int("=" in words)], *several, *(["LIKE"] if set(_PIECES) & set(known) else [])]
    orderable = bool(said.order) and kind in ("integer", "number") and _supports(node.get("orderBy"), column.key)
    if not exact and not inexact and not orderable:
        return None
    return Filter(field=column.key, exact=tuple(exact), inexact=tuple(inexact), orderable=orderable)


def _total(node: Node) -> str | None:
    """Where an answer says how many rows there are."""
    key = node.text("responseKey")
    if not key:
        return _COUNT if node.text("dialect") == "odata" else None
    found = (key,) if key.startswith("@") else parts(key)
    if found is None:
        node.fault(f"{key!r} is not a path into the body such as $.meta.total", "responseKey")
        return None
    return spelled(found)

"""What StackQL's documents may ask for that is not spoken here: XML, GraphQL, templates that rewrite a message.

That is a warning of the document, and an error of whoever calls the method: its neighbours can be used.
"""

from __future__ import annotations

from collections.abc import Iterator

from provider_registry.config import Levels, nearest
from provider_registry.nodes import Node

_FORM = "get_query_to_post_form_utf_8"
_NUMBERED = "AWSCanonical"
_NOTHING = ("", "default", "drop_double_underscore_params")  # nothing of ours is called `data__` in a query
_BODIES = ("naive",)  # `requestTranslate` that means the body


def translated(levels: Levels) -> tuple[bool, bool]:
    """Whether the query is sent as a form, and whether lists in it are written out."""
    return _algorithm(levels, "requestTranslate") == _FORM, _algorithm(levels, "queryParamTranspose") == _NUMBERED


def unspoken(method: Node, operation: Node, levels: Levels) -> str:
    """Why a method cannot be called, as the end of a sentence; empty where it can."""
    found = next(_reasons(method, operation, levels), "")
    if found:
        method.fault(f"{found}, which is not supported: it cannot be called", severity="warning")
    return found


def _reasons(method: Node, operation: Node, levels: Levels) -> Iterator[str]:
    for node in (method, operation):
        if any(node.has(key) for key in ("x-stackQL-graphQL", "x-stackql-graphQL", "graphql")):
            yield "it is a GraphQL query"
    for part in ("request", "response"):
        transform = method.get(part).get("transform")
        if transform:
            yield f"its {part} is rewritten by a template ({transform.text('type', 'of no type')})"
    if _is_xml(method.get("response").text("mediaType")) or _answers_xml(operation):
        yield "it answers in XML"
    asked = operation.get("requestBody").get("content").mapping()
    if _is_xml(method.get("request").text("mediaType")) or (asked and all(map(_is_xml, asked))):
        yield "it is asked in XML"
    translate, transpose = _algorithm(levels, "requestTranslate"), _algorithm(levels, "queryParamTranspose")
    if translate not in (*_NOTHING, _FORM) and not translate.startswith(_BODIES):
        yield f"its request is translated by {translate!r}"
    if transpose not in (*_NOTHING, _NUMBERED):
        yield f"its query is transposed by {transpose!r}"


def _algorithm(levels: Levels, key: str) -> str:
    node = nearest(levels, key)
    return node.text("algorithm") if node is not None else ""


def _answers_xml(operation: Node) -> bool:
    """Whether the successes of an operation are in XML alone."""
    responses = operation.get("responses")
    kinds = [
        kind
        for code in responses.mapping()
        if code[:1] == "2"
        for kind in responses.get(code).get("content").mapping()
    ]
    return bool(kinds) and all(map(_is_xml, kinds))


def _is_xml(kind: str) -> bool:
    return kind.partition(";")[0].strip().lower().endswith(("/xml", "+xml"))

"""`securitySchemes` -> blocks of auth. Where secrets are looked for is named after the provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from provider_registry.nodes import Node

NONE: Mapping[str, Any] = {"type": "null_auth"}


class Block(NamedTuple):
    """A block of auth, and what is to be said of it."""

    block: dict[str, Any]
    remark: str = ""


def blocks(document: Node, provider: str) -> dict[str, Block]:
    """The schemes of a document that can be spoken, by name; those that cannot have an empty block."""
    prefix = provider.upper().replace("-", "_").replace(".", "_")
    schemes = document.get("components").entries("securitySchemes")
    return {name: _block(scheme, prefix) for name, scheme in schemes}


def chosen(requirements: Node, known: Mapping[str, Block]) -> tuple[dict[str, Any] | None, str]:
    """The auth of a `security` list, and a remark on it: the first of its choices that can be spoken.

    An empty list, or an empty choice alone, is no auth. An empty choice among others makes it optional.
    """
    choices = [list(choice.mapping()) for choice in _choices(requirements)]
    named = [choice for choice in choices if choice]
    if not named:
        return dict(NONE), ""
    for choice in named:
        found = [known[name] for name in choice if name in known]
        if len(found) != len(choice) or not all(block.block for block in found):
            continue
        block = dict(found[0].block)
        if len(found) > 1:
            block["successor"] = dict(found[1].block)
        if len(choices) > len(named):
            block["x-stratoql-optional"] = True
        return block, found[0].remark
    remarks = [known[name].remark for choice in named for name in choice if name in known and known[name].remark]
    return None, next(iter(remarks), f"there is no security scheme {named[0][0]!r}")


def _choices(requirements: Node) -> list[Node]:
    return [requirements.child(str(index)) for index in range(len(requirements.sequence()))]


def _block(scheme: Node, prefix: str) -> Block:
    kind = scheme.text("type")
    make = _TYPES.get(kind)
    return make(scheme, prefix) if make else Block({}, f"credentials of the type {kind} cannot be sent")


def _http(scheme: Node, prefix: str) -> Block:
    named = scheme.text("scheme").lower()
    if named == "bearer":
        return _bearer(prefix)
    if named == "basic":
        user, password = f"{prefix}_USERNAME", f"{prefix}_PASSWORD"
        return Block({"type": "basic", "username_var": user, "password_var": password})
    return Block({}, f"credentials of HTTP's scheme {named} cannot be sent")


def _bearer(prefix: str, remark: str = "") -> Block:
    return Block({"type": "bearer", "credentialsenvvar": f"{prefix}_TOKEN"}, remark)


def _api_key(scheme: Node, prefix: str) -> Block:
    place, name = scheme.text("in"), scheme.text("name")
    if place not in ("header", "query"):
        return Block({}, f"a key in a {place} cannot be sent")
    block = {"type": "api_key", "credentialsenvvar": f"{prefix}_API_KEY", "location": place, "name": name}
    return Block(block)


def _oauth2(scheme: Node, prefix: str) -> Block:
    """Of OAuth's flows only the one between machines; the token of another is got elsewhere."""
    flow = scheme.get("flows").get("clientCredentials")
    if not flow.text("tokenUrl").startswith("http"):
        return _bearer(prefix, f"a token comes from the vendor's own tool: put it into {prefix}_TOKEN")
    block = {
        "type": "oauth2",
        "grant_type": "client_credentials",
        "token_url": flow.text("tokenUrl"),
        "client_id_env_var": f"{prefix}_CLIENT_ID",
        "client_secret_env_var": f"{prefix}_CLIENT_SECRET",
    }
    scopes = list(flow.get("scopes").mapping())
    return Block({**block, "scopes": scopes} if scopes else block)


def _open_id(_: Node, prefix: str) -> Block:
    return _bearer(prefix, f"a token comes from the vendor's own tool: put it into {prefix}_TOKEN")


_TYPES: Mapping[str, Callable[[Node, str], Block]] = {
    "http": _http,
    "apiKey": _api_key,
    "oauth2": _oauth2,
    "openIdConnect": _open_id,
}

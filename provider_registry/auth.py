"""`config.auth` -> how requests are authenticated: a table of types, each a function from the block to the model.

Secrets stand in the environment or in files of the user, never in a document: one that does is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec.structs import replace

from provider_registry.config import Levels, nearest
from provider_registry.faults import closest
from provider_registry.nodes import Node
from provider_registry.protocol import Auth, Credential

_LITERALS = ("api_key", "api_secret", "username", "password", "client_secret")


def auth(levels: Levels) -> Auth:
    """How a method's requests are authenticated; without a block, not at all."""
    node = nearest(levels, "auth")
    if node is None or not node.value:
        return Auth()
    named = node.text("type")
    for key in _LITERALS:
        if node.has(key):
            node.fault("a secret in a document is not read: name an environment variable", key, severity="warning")
    return _auth(node, named)


def _auth(node: Node, named: str) -> Auth:
    if named in UNSUPPORTED:
        return Auth(type="unsupported", unsupported=named)
    if named not in TYPES:
        node.fault(f"there is no auth type {named!r}{closest(named, (*TYPES, *UNSUPPORTED))}", "type")
        return Auth()
    return replace(
        TYPES[named](node),
        successor=_successor(node.get("successor")),
        optional=node.flag("x-stratoql-optional"),
        scopes_header=node.text("x-stratoql-scopes-header") or None,
        wanted_scopes_header=node.text("x-stratoql-wanted-scopes-header") or None,
    )


def _successor(node: Node) -> Auth | None:
    """A second secret that goes with the first one, such as a key of the application beside that of the account."""
    if not node:
        return None
    found = _auth(node, node.text("type"))
    if found.type in ("oauth2", "unsupported"):
        return Auth(type="unsupported", unsupported=f"a successor of type {node.text('type')}")
    return found


def _credentials(node: Node, *keys: str) -> tuple[Credential, ...]:
    """Where the secret may be: the variables StackQL's keys name, then our further places in order."""
    named = [Credential(env=node.text(key)) for key in keys if node.text(key)]
    for place in node.elements("x-stratoql-credentials"):
        env, ini = place.text("env") or None, place.text("ini") or None
        if (env is None) == (ini is None):
            place.fault("a credential is either env, a variable, or ini, a file")
            continue
        named.append(Credential(env=env, ini=ini, ini_key=place.text("key", "token")))
    return tuple(named)


def _location(node: Node) -> Literal["header", "query"]:
    found = node.text("location", "header")
    if found not in ("header", "query"):
        node.fault(f"a secret travels in a header or the query, not in {found!r}", "location")
    return "query" if found == "query" else "header"


def _null(_: Node) -> Auth:
    return Auth()


def _bearer(node: Node) -> Auth:
    return _secret(node, "bearer", "Bearer ")


def _api_key(node: Node) -> Auth:
    return _secret(node, "api_key", "")


def _custom(node: Node) -> Auth:
    return _secret(node, "custom", "")


def _secret(node: Node, kind: Literal["bearer", "api_key", "custom"], prefix: str) -> Auth:
    """One secret in a header or a query parameter."""
    return Auth(
        type=kind,
        credentials=_needed(node, "credentialsenvvar", "api_key_var"),
        name=node.text("name", "Authorization"),
        location=_location(node),
        prefix=node.text("valuePrefix", prefix),
    )


def _basic(node: Node) -> Auth:
    """User and password; or, with `credentialsenvvar`, both in one variable, encoded as they will be sent."""
    user = node.text("username_var") or node.text("api_key_var")
    return Auth(
        type="basic",
        credentials=_needed(node, "password_var", "api_secret_var", "credentialsenvvar"),
        username=Credential(env=user) if user else None,
        prefix=node.text("valuePrefix", "Basic "),
    )


def _oauth2(node: Node) -> Auth:
    """The client's id and secret are changed for a token at `token_url`."""
    grant = node.text("grant_type", "client_credentials")
    if grant != "client_credentials":
        return Auth(type="unsupported", unsupported=f"oauth2 with grant_type {grant}")
    client = node.text("client_id_env_var")
    if not client or not node.text("token_url"):
        node.fault("oauth2 needs token_url and client_id_env_var")
    return Auth(
        type="oauth2",
        credentials=_needed(node, "client_secret_env_var"),
        username=Credential(env=client) if client else None,
        prefix="Bearer ",
        token_url=node.text("token_url"),
        scopes=node.texts("scopes"),
        style=_STYLES.get(node.text("auth_style"), "any"),
        values=tuple((key, one) for key, value in node.entries("values") for one in _several(value)),
    )


def _several(node: Node) -> list[str]:
    """A value that may be a list of them."""
    values = node.value if isinstance(node.value, list) else [node.value]
    return [str(value) for value in values]


def _needed(node: Node, *keys: str) -> tuple[Credential, ...]:
    """Credentials, of which there must be a place at least."""
    found = _credentials(node, *keys)
    if not found:
        node.fault(f"no place to find the secret: name a variable with {keys[0]}")
    return found


TYPES: Mapping[str, Callable[[Node], Auth]] = {
    "null_auth": _null,
    "bearer": _bearer,
    "api_key": _api_key,
    "basic": _basic,
    "custom": _custom,
    "oauth2": _oauth2,
}
UNSUPPORTED = (  # schemes of cloud vendors
    *("aws_signing_v4", "aws_assume_role", "service_account", "azure_default", "oci_signing_v1", "interactive"),
)
_STYLES: Mapping[str, Literal["any", "body", "header"]] = {"1": "body", "2": "header"}

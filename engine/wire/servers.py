"""Where a method's requests go: the base URL a document names, or the one that takes its place.

The credential follows this address, so what may change it is looked at closely.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from engine.errors import InvalidValue, Refused, UsageError
from engine.settings import Settings
from engine.wire.masking import masked, shown
from provider_registry.protocol import Server

_VARIABLE = re.compile(r"{([^{}]*)}")
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
_SAFE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")  # what a variable may hold: no way out of its place
_PORTS = {"http": 80, "https": 443}


def base_url(provider: str, server: Server, settings: Settings, given: Mapping[str, str]) -> str:
    """The base URL, without a trailing slash. `given` are the values of its variables from the statement.

    `settings.servers` stands above the environment variable that the document names, and that above the document.

    Raises InvalidValue for a variable, UsageError for an address that is none, Refused for plain http to a far host.
    """
    url = template(provider, server, settings, given)
    if missing := _VARIABLE.findall(url):
        raise InvalidValue(
            f"the address of {provider} needs {' and '.join(missing)}",
            name=missing[0],
            hint=f"add {missing[0]} = '...'",
        )
    _check(url, f"the address of {provider}", settings)
    return url


def template(provider: str, server: Server, settings: Settings, given: Mapping[str, str]) -> str:
    """The same, with the variables that nobody has set still in braces, and not checked."""
    values = _values(server, settings, given)
    url = _VARIABLE.sub(lambda match: values.get(match[1], match[0]), server.url).rstrip("/")
    source, other = _override(provider, server, settings)
    if not other:
        return url
    parts = _check(other, source, settings)
    if parts.path.strip("/"):
        return other.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{urlsplit(url).path}"


def origin(url: str) -> str:
    """Scheme, host and port of a URL, always with the port: what two URLs of one origin share.

    >>> origin("https://API.linode.com/v4/images?page=1")
    'https://api.linode.com:443'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{(parts.hostname or '').rstrip('.')}:{parts.port or _PORTS.get(parts.scheme, 0)}"


def loopback(host: str) -> bool:
    """Whether a host is this machine.

    >>> [host for host in ("localhost", "127.0.0.9", "::1", "10.0.0.1", "localhost.it") if loopback(host)]
    ['localhost', '127.0.0.9', '::1']
    """
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def set_outside(name: str, server: Server, settings: Settings) -> bool:
    """Whether a variable of the address has a value without the statement giving one."""
    variable = server.variables.get(name)
    return variable is not None and bool(variable.default or settings.environ.get(variable.env or ""))


def _values(server: Server, settings: Settings, given: Mapping[str, str]) -> dict[str, str]:
    """The variables' values: argument > environment > default. A default is the document's own word."""
    found = {}
    for name, variable in server.variables.items():
        source, value = name, given.get(name)
        if value is None and variable.env and settings.environ.get(variable.env):
            source, value = variable.env, settings.environ[variable.env]
        if value is None:
            if variable.default:
                found[name] = variable.default
            continue
        if variable.enum and value not in variable.enum:
            listed = ", ".join(map(repr, variable.enum))
            raise InvalidValue(f"{source} expects one of {listed}, got {shown(value)}", name=name)
        if not variable.enum and not _SAFE.fullmatch(value):
            raise InvalidValue(
                f"{source} is a part of the address and expects letters, digits, dots and dashes, got {shown(value)}",
                name=name,
            )
        found[name] = value
    return found


def _override(provider: str, server: Server, settings: Settings) -> tuple[str, str]:
    """Another address, and who names it."""
    if settings.servers.get(provider):
        return f"the server set for {provider}", settings.servers[provider]
    return server.env or "", settings.environ.get(server.env or "", "")


def _check(url: str, source: str, settings: Settings) -> SplitResult:
    """Look at an address with suspicion; `source` is who names it."""
    if fault := address_fault(url):
        where = "" if "@" in url else f": {shown(url.partition('?')[0])}"  # there may be a password in it
        raise UsageError(f"{source} {fault}{where}", hint="write it as https://host, or https://host/path")
    parts = urlsplit(url)
    if parts.scheme == "http" and not settings.insecure_http and not loopback(parts.hostname or ""):
        raise Refused(
            f"{source} is {masked(url)}: plain http would show the credential to everyone on the way",
            hint="use https, or allow it with --insecure-http",
        )
    return parts


def address_fault(url: str) -> str:
    """What is wrong with an address; empty where nothing is."""
    if not re.fullmatch(r"[!-~]+", url) or re.search(r'[\\"<>^`|{}]', url):
        return "has characters that no address has"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in _PORTS:
        return "must begin with https:// or http://"
    host = parts.netloc.rpartition("@")[2].removesuffix(f":{port}")
    if "@" in parts.netloc:
        return "holds a user or a password; credentials have another place"
    if not _HOST.fullmatch(host):
        return "names no host"
    if parts.query or parts.fragment or "?" in url or "#" in url:
        return "has a query or a fragment, which a base address has not"
    if any(segment in (".", "..") for segment in parts.path.split("/")):
        return "has . or .. in its path"
    return ""

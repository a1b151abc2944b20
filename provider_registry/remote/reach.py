"""Where the documents of a provider send requests, and which credentials go with them.

A credential goes to the server that a document names. So who changes that server in a document, or names another
provider's variable in one of his own, is given the credential: that is what `changes` looks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from provider_registry.documents import read_provider, read_service
from provider_registry.faults import Fault
from provider_registry.inputs import PLACEHOLDER
from provider_registry.model import Method
from provider_registry.protocol import ENV, Auth, Server

_MOST = 1000  # addresses of one server


class Reach(Struct, frozen=True):
    """The hosts that requests go to, and by place of a credential (a variable, a file) those it is shown to."""

    hosts: frozenset[str] = frozenset()
    shown: Mapping[str, frozenset[str]] = {}

    def noted(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {"hosts": sorted(self.hosts), "shown": {place: sorted(hosts) for place, hosts in self.shown.items()}}


class Inspected(Struct, frozen=True):
    """A provider's documents, read to the end: what is in them, what is wrong with them, where they reach."""

    name: str
    services: tuple[str, ...]
    broken: tuple[str, ...]  # services that cannot be used
    faults: tuple[Fault, ...]
    reach: Reach


class Change(Struct, frozen=True):
    """What a document would send where nothing of it went before. `hosts`: those that are new of this provider.

    `strays` are credentials that belong to another provider: their place, that provider, the hosts they would go to.
    """

    hosts: tuple[str, ...] = ()
    strays: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hosts or self.strays)


def inspect(file: Path) -> Inspected:
    """Read a provider's document and all its services."""
    reading = read_provider(file)
    faults, methods, broken = list(reading.faults), [], []
    for ref in reading.value.services.values():
        service = read_service(ref)
        faults += [fault for fault in service.faults if fault not in faults]
        if any(fault.severity == "error" for fault in service.faults):
            broken.append(ref.name)
        methods += [m for resource in service.value.resources.values() for m in resource.methods.values()]
    return Inspected(
        name=reading.value.name,
        services=tuple(reading.value.services),
        broken=tuple(broken),
        faults=tuple(faults),
        reach=_reach(methods),
    )


def noted(record: Mapping[str, Any]) -> Reach | None:
    """The reach that was noted of documents; None where it cannot be read."""
    hosts, shown = record.get("hosts"), record.get("shown")
    if not isinstance(hosts, list) or not isinstance(shown, dict):
        return None
    return Reach(frozenset(map(str, hosts)), {place: frozenset(map(str, found)) for place, found in shown.items()})


def changes(new: Reach, before: Reach | None, others: Mapping[str, Reach]) -> Change:
    """What is new in a reach: against the same provider's `before`, and against what other providers' secrets reach.

    >>> was, now = Reach(frozenset({"a.example"})), Reach(frozenset({"a.example", "b.example"}))
    >>> changes(now, was, {}).hosts, bool(changes(was, now, {})), bool(changes(now, None, {}))
    (('b.example',), False, False)
    """
    strays = []
    for place, hosts in sorted(new.shown.items()):
        if before is not None and hosts <= before.shown.get(place, frozenset()):
            continue
        for name, other in sorted(others.items()):
            if place in other.shown and (foreign := hosts - other.shown[place]):
                strays.append((place, name, tuple(sorted(foreign))))
    return Change(tuple(sorted(new.hosts - before.hosts)) if before is not None else (), tuple(strays))


def _reach(methods: Iterable[Method]) -> Reach:
    known: dict[tuple[str, str], frozenset[str]] = {}
    hosts: set[str] = set()
    shown: dict[str, set[str]] = {}
    for method in methods:
        key = (method.server.url, repr(method.server.variables))
        if key not in known:
            known[key] = addresses(method.server)
        asked = known[key] | _hosts([method.auth.token_url] if method.auth.token_url else [])
        hosts |= asked
        for place in (*_places(method.auth), *_spelled(method)):
            shown.setdefault(place, set()).update(asked)
    return Reach(frozenset(hosts), {place: frozenset(found) for place, found in shown.items()})


def _places(auth: Auth) -> list[str]:
    """Where the secrets of a request are looked for: a variable's name, or a file's."""
    credentials = (*auth.credentials, *([auth.username] if auth.username else []))
    found = [place for credential in credentials if (place := credential.env or credential.ini)]
    return found if auth.successor is None else [*found, *_places(auth.successor)]


def _spelled(method: Method) -> list[str]:
    """The variables of the environment that stand in addresses: a secret among them would be told to who is there.

    One that takes nothing but the document's own values tells none.
    """
    found = [variable.env for variable in method.server.variables.values() if variable.env and not variable.enum]
    return [*found, *ENV.findall(method.auth.token_url)]


def addresses(server: Server) -> frozenset[str]:
    """The hosts of a server, each value that a document gives to a variable put in. A free one stays in braces.

    >>> from provider_registry.protocol import Variable
    >>> regions = {"region": Variable(default="eu", enum=("eu", "us"))}
    >>> sorted(addresses(Server(url="https://{region}.shop.example/{v}", variables=regions)))
    ['eu.shop.example', 'us.shop.example']
    """
    scheme, _, rest = server.url.partition("://")
    place = rest.partition("/")[0]
    names = [name for name in PLACEHOLDER.findall(place) if name in server.variables]
    choices: list[Sequence[str]] = [_values(server, name) for name in names]
    found = []
    for count, values in enumerate(product(*choices)):
        if count >= _MOST:
            found.append(f"{scheme}://{place}")
            break
        address = rest
        for name, value in zip(names, values, strict=True):
            address = address.replace(f"{{{name}}}", value)
        found.append(f"{scheme}://{address}")
    return _hosts(found)


def _values(server: Server, name: str) -> Sequence[str]:
    variable = server.variables[name]
    return tuple(dict.fromkeys(filter(None, (variable.default, *variable.enum)))) or (f"{{{name}}}",)


def _hosts(urls: Iterable[str]) -> frozenset[str]:
    """Host and port of addresses, without a user. What is no address counts as it is written."""
    found = set()
    for url in urls:
        try:
            found.add(urlsplit(url).netloc.rpartition("@")[2].lower().rstrip(".") or url)
        except ValueError:
            found.add(url)
    return frozenset(found)

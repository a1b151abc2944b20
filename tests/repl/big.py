"""A made-up registry of 150 resources and 450 methods; run as a program, it measures completion by hand."""

from __future__ import annotations

import sys
import time

from engine.repl.suggest import suggest
from provider_registry.catalog import Catalog
from provider_registry.model import Column, Method, Param, Provider, Resource, Response, Service, ServiceRef, Shape
from provider_registry.protocol import Server

SERVICES, RESOURCES = 15, 10
CLAUSES = (
    "SELECT {} FROM big.s3.r33 WHERE status = 'done'",
    "SELECT a.{} FROM big.s3.r33 a JOIN big.s4.r41 b ON a.id = b.id",
    "SELECT * FROM {}",
    "SELECT * FROM r1{}",
    "SELECT * FROM big.s3.r33 WHERE {}",
    "INSERT INTO big.s3.r33 ({})",
    "EXEC big.s3.r33.{}",
    "SELECT up{} FROM big.s3.r33",
)


class Big(Catalog):
    """The registry, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._made = {f"s{number}": _service(number) for number in range(SERVICES)}

    def providers(self) -> list[Provider]:
        return [Provider(name="big", services={name: ServiceRef(name=name, path="") for name in self._made})]

    def provider(self, name: str) -> Provider:
        return self.providers()[0]

    def service(self, provider: str, service: str) -> Service:
        return self._made[service]


def _service(number: int) -> Service:
    resources = (_resource(f"r{number}{index}") for index in range(RESOURCES))
    return Service(name=f"s{number}", resources={resource.name: resource for resource in resources})


def _resource(name: str) -> Resource:
    fields = [f"field_{number}" for number in range(20)]
    columns = (
        Column(name="id"),
        Column(name="status", shape=Shape(enum=("done", "open"))),
        *(Column(name=field) for field in fields),
    )
    body = tuple(Param(name=f"data__{field}", wire=field, location="body") for field in fields)
    server = Server(url="https://big.test")
    methods = {
        "get": Method(name="get", http="GET", path=f"/{name}", server=server, response=Response(columns=columns)),
        "post": Method(name="post", http="POST", path=f"/{name}", server=server, params=body),
        "delete": Method(name="delete", http="DELETE", path=f"/{name}", server=server),
    }
    verbs: dict[str, tuple[str, ...]] = {"select": ("get",), "insert": ("post",), "delete": ("delete",)}
    return Resource(name=name, methods=methods, verbs=verbs)


def timings(catalog: Catalog, rounds: int) -> list[float]:
    """Seconds of each suggestion, sorted; of this thread's own work, whatever else the machine does."""
    taken = []
    for clause in CLAUSES * rounds:
        cursor = clause.index("{}")
        text = clause.replace("{}", "")
        start = time.thread_time()
        assert suggest(text, cursor, catalog)
        taken.append(time.thread_time() - start)
    return sorted(taken)


if __name__ == "__main__":
    made = Big()
    timings(made, 1)
    found = timings(made, 50)
    middle, late = found[len(found) // 2], found[len(found) * 95 // 100]
    sys.stdout.write(f"p50 {middle * 1e3:.2f} ms, p95 {late * 1e3:.2f} ms, worst {found[-1] * 1e3:.2f} ms\n")

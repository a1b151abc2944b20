"""A registry on this machine: archives, their index, and a server that plays them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.registry import shop
from tests.registry.shop import PROVIDER, STOCK

Answer = tuple[int, bytes, Mapping[str, str]]


@dataclass
class Asked:
    """What a server was asked: method and path, headers, body; and where it is."""

    url: str = ""
    lines: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[str, str, Any], Answer]) -> Iterator[Asked]:
    """A server that gives what `answer` makes of a method, a path and a body of JSON."""
    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.lines.append(f"{self.command} {self.path}")
            asked.headers.append({name.lower(): value for name, value in self.headers.items()})
            asked.bodies.append(json.loads(body) if body else None)
            status, data, headers = answer(self.command, self.path, asked.bodies[-1])
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        for verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            locals()[f"do_{verb}"] = answer

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing to standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    asked.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def registry(files: Mapping[str, bytes]) -> Callable[[str, str, Any], Answer]:
    """What a server of these files answers."""
    return lambda _, path, __: (200, files[path], {}) if path in files else (404, b"not here", {})


def archive(files: Mapping[str, str | bytes], *members: tarfile.TarInfo) -> bytes:
    """A `.tgz` of these files, and of whatever else."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size) if member.isreg() else None)
    return packed.getvalue()


def documents(version: str = "v1.0.0", host: str = "shop.example", **edits: shop.Edits) -> dict[str, str]:
    """The shop's documents as an archive of a version holds them; `stock` and `provider` are edits of them."""
    stock = shop.edited(STOCK, edits.get("stock", {})).replace("shop.example", host)
    provider = shop.edited(PROVIDER, edits.get("provider", {})).replace("v1.0.0", version)
    return {f"{version}/provider.yaml": provider, f"{version}/services/stock.yaml": stock}


def shops(*versions: str, **more: bytes) -> dict[str, bytes]:
    """The files of a registry that has the shop in these versions."""
    files = {f"/dist/shop/{version}.tgz": archive(documents(version)) for version in versions}
    listed = json.dumps({"providers": {"shop": {"versions": list(versions)}}})
    return {"/dist/providers.yaml": listed.encode(), **files, **more}


def installed(home: Path) -> list[str]:
    """Every file below a folder of pulled documents."""
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def bomb(size: int) -> bytes:
    """A small archive of which much comes out."""
    member = tarfile.TarInfo("v1.0.0/services/zeros.yaml")
    member.size = size
    head = member.tobuf(tarfile.GNU_FORMAT)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as stream:
        stream.write(head)
        for _ in range(size // 2**20):
            stream.write(bytes(2**20))
    return packed.getvalue()

"""Where registries are: a folder, an address, or StackQL's JSON, as a setting spells it; and where pulls are kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from provider_registry.faults import closest
from provider_registry.layout import Root

PUBLIC = "https://registry.stackql.app/providers"
_JSON_KEYS = ("url", "localDocRoot", "srcPrefix", "distPrefix", "useEmbedded", "allowSrcDownload", "verifyConfig")


class BadSource(Exception):
    """What names a registry cannot be one. `hint` is what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Source(Struct, frozen=True):
    """A registry. `folder` is read where it stands, `url` is asked over the network: one of them is there.

    `home` is where its pulls are kept, None: where all are. `dist` is the folder of its archives. `signed`: who named
    it wants signatures checked, which is not done here.
    """

    folder: Path | None = None
    url: str = ""
    dist: str = "dist"
    home: Path | None = None
    signed: bool = False

    @property
    def name(self) -> str:
        """What people call it."""
        return self.url or str(self.folder)


def home() -> Path:
    """The folder of pulled documents on this platform; it holds `src/` like any registry."""
    from platformdirs import user_data_path

    return user_data_path("stratoql", appauthor=False) / "providers"


def read(entry: str) -> Source:
    """The registry that a setting names. Raises BadSource.

    >>> read("https://registry.example/providers/").url
    'https://registry.example/providers'
    >>> read('{"url": "https://registry.example", "localDocRoot": "/work"}').home.as_posix()
    '/work'
    """
    text = entry.strip()
    if text.startswith("{"):
        return _from_json(text)
    if "://" in text:
        return _from_url(text)
    folder = Path(entry).expanduser()
    if not (folder / "src").is_dir():
        raise BadSource(f"the registry {entry} is not a folder with src/ in it", "name the folder above src/")
    return Source(folder=folder)


def roots(sources: Iterable[Source]) -> list[Root]:
    """Where documents are looked for, in order: the registries that were named, then everything pulled."""
    found: list[Root] = []
    for source in sources:
        if source.folder is not None:
            found.append(Root(source.folder))
        kept = source.home or home()
        if source.home is not None or source.url:
            found.append(Root(kept, source.url if source.home is None else None))
    found.append(Root(home()))
    return [root for root in dict.fromkeys(found) if (root.path / "src").is_dir()]


def _from_url(text: str, dist: str = "dist", kept: Path | None = None, signed: bool = False) -> Source:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    scheme = parts.scheme.lower()
    if "@" in parts.netloc:  # not told: there may be a password in it
        raise BadSource("the registry's address holds a user or a password, and none is sent to a registry")
    if scheme in ("http", "https"):
        return Source(url=text.rstrip("/"), dist=dist, home=kept, signed=signed)
    if scheme != "file" or parts.netloc not in ("", "localhost"):
        raise BadSource(
            f"the registry {text} is no address that can be read here",
            "name a folder, or a file://, https:// or http:// address",
        )
    from urllib.request import url2pathname  # here: it brings half of the library's network with it

    folder = Path(url2pathname(parts.path))
    if not any((folder / name).is_dir() for name in ("src", dist)):
        raise BadSource(f"the registry {text} is not a folder with src/ in it", "name the folder above src/")
    return Source(folder=folder, dist=dist, home=kept, signed=signed)


def _from_json(text: str) -> Source:
    """StackQL's way to name a registry. What it says of embedded documents has no meaning here."""
    try:
        said = json.loads(text)
    except ValueError as error:
        raise BadSource(f"the registry is named in JSON that cannot be read: {error}") from None
    for key in said:
        if key not in _JSON_KEYS:
            raise BadSource(f"a registry has no {key!r}{closest(key, _JSON_KEYS)}")
    for key in ("url", "localDocRoot", "srcPrefix", "distPrefix"):
        if not isinstance(said.get(key, ""), str):
            raise BadSource(f"of a registry, {key} must be text, got {said[key]!r}")
    if said.get("srcPrefix", "src") != "src":
        raise BadSource("of a registry, srcPrefix can only be src", "move the documents below src/")
    kept = Path(said["localDocRoot"]).expanduser() if said.get("localDocRoot") else None
    return _from_url(said.get("url") or PUBLIC, said.get("distPrefix", "dist"), kept, _wants_signatures(said))


def _wants_signatures(said: Mapping[str, Any]) -> bool:
    config = said.get("verifyConfig")
    return isinstance(config, dict) and not config.get("nopVerify")

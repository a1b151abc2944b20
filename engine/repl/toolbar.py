"""The line at the bottom: what Enter will do, whose account it is, what is left of the API's patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.errors import CredentialError
from engine.formats.cells import width
from engine.repl.cost import Cost
from engine.settings import Settings
from engine.wire.auth import found_in
from engine.wire.masking import MASK
from provider_registry.catalog import Catalog

Fragments: TypeAlias = list[tuple[str, str]]  # style, text
_STYLES = {"nothing": "", "reads": "class:cost.reads", "writes": "class:cost.writes", "refused": "class:cost.refused"}


@dataclass(frozen=True)
class Facts:
    """What the toolbar tells."""

    cost: Cost = field(default_factory=Cost)
    account: str = ""
    sandbox: bool = False
    allowances: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    last: str = ""  # what the last statement cost
    multiline: bool = True
    vi: str = ""  # the mode of vi; empty with emacs' keys


def toolbar(facts: Facts, columns: int) -> Fragments:
    """The line, cut to the width of the terminal: the cost first, what matters least goes first.

    >>> [text for _, text in toolbar(Facts(Cost("1 GET", "reads"), "no token: public images", last="0.2 s"), 60)]
    [' 1 GET', ' | no token: public images', ' | 0.2 s']
    """
    scarcest = sorted((now, of, name) for name, (now, of) in facts.allowances.items())[:1]
    left = [f"{name} {now}/{of} left" for now, of, name in scarcest]
    keys = [f"vi {facts.vi}"] if facts.vi else []
    keys += [] if facts.multiline else ["Enter runs (F3)"]
    parts = [("class:account", facts.account), *(("", text) for text in [*left, facts.last, *keys])]
    told = [("class:sandbox", " SANDBOX ")] if facts.sandbox else []
    room = columns - sum(width(text) for _, text in told)
    shown: Fragments = []
    spare = room - width(facts.cost.text) - 1
    for style, text in parts:
        piece = f" | {text}"
        if text and width(piece) <= spare:
            shown.append((style, piece))
            spare -= width(piece)
    space = room - sum(width(text) for _, text in shown) - 1
    cost = _shortened(facts.cost.text, space)
    if shown and not cost:
        shown[0] = (shown[0][0], shown[0][1].removeprefix(" |"))
    return [*told, *([(_STYLES[facts.cost.kind], f" {cost}")] if cost else []), *shown]


def _shortened(text: str, space: int) -> str:
    if width(text) <= space:
        return text
    return text[: space - 3] + "..." if space > 3 else ""


def account(settings: Settings, catalog: Catalog, provider: str | None = None) -> str:
    """Whose account statements speak for: where the token is from, never the token.

    >>> account(Settings(environ={}), Catalog()), account(Settings(environ={"LINODE_TOKEN": "secret"}), Catalog())
    ('no token: public images', 'token *** of LINODE_TOKEN')
    """
    found = catalog.signing(provider)
    if found is None:
        return ""
    service, method = found
    try:
        source = found_in(method.auth, settings)
    except CredentialError as error:
        return error.message
    if source is not None:
        return f"token {MASK} of {source}"
    return f"no token: public {service}" if method.auth.optional else "no token"

"""The keys that we add to StackQL's format. The README tells of each; the JSON Schemas say where each may stand."""

from __future__ import annotations

from provider_registry.faults import closest
from provider_registry.nodes import Node, walk

PREFIX = "x-stratoql-"
KEYS = (
    "x-stratoql-await",
    "x-stratoql-bare",
    "x-stratoql-busy-reasons",
    "x-stratoql-credentials",
    "x-stratoql-env",
    "x-stratoql-filtering",
    "x-stratoql-key",
    "x-stratoql-limit",
    "x-stratoql-maintenance-header",
    "x-stratoql-optional",
    "x-stratoql-page-size",
    "x-stratoql-pattern-hint",
    "x-stratoql-scopes-header",
    "x-stratoql-total",
    "x-stratoql-upload",
    "x-stratoql-wanted-scopes-header",
    "x-stratoql-writable",
)


def unknown_extensions(root: Node) -> None:
    """Note every key of a document that has our prefix and is none of ours: it would be ignored without a word."""
    for node in walk(root) if root.file in root.library.extended else ():
        for key in node.value:
            if key.lower().startswith(PREFIX) and key not in KEYS:
                node.fault(f"there is no key {key!r}{closest(key, KEYS, PREFIX)}", key)

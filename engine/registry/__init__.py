"""Registries in a session: where documents are looked for, and REGISTRY LIST and PULL.

This file is what every session needs; `asking` comes in with the first REGISTRY statement.
"""

from __future__ import annotations

from pathlib import Path

from engine.errors import UsageError
from engine.settings import Settings
from provider_registry.catalog import Catalog, default_cache
from provider_registry.remote import sources
from provider_registry.remote.sources import BadSource, Source


def named(settings: Settings) -> list[Source]:
    """The registries that the settings name, in order. Raises UsageError."""
    try:
        return [sources.read(entry) for entry in settings.registry]
    except BadSource as bad:
        raise UsageError(str(bad), hint=bad.hint or None) from None


def catalog(settings: Settings) -> Catalog:
    """What can be called: by the registries named, then by what was pulled, then by what is built in."""
    return Catalog(sources.roots(named(settings)), default_cache())


def home(source: Source) -> Path:
    """The folder that pulls from a registry are kept in."""
    return source.home or sources.home()

"""Libraries that are there if they were asked for: `pip install "stratoql[arrow]"`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from engine.errors import UsageError


def extra(module: str, name: str) -> Any:
    """A library that belongs to an extra. Raises UsageError, naming that, where it is not installed.

    >>> extra("no_such_library", "arrow")
    Traceback (most recent call last):
    engine.errors.root.UsageError: no_such_library is not installed
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise  # it is there, and broken
        raise UsageError(f"{module} is not installed", hint=f'pip install "stratoql[{name}]"') from None

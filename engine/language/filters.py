"""The filters of templates: jinja2's, without those for HTML, and those that spell values for SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any

from jinja2.runtime import Undefined

from engine.errors import TemplateFault
from engine.language import spelling
from engine.language.bounds import Bounds
from engine.language.given import Unset
from engine.language.pieces import Captured, Filtered
from engine.language.unknown import Used

Filter = Callable[..., Any]
_UNFIT = ("e", "escape", "forceescape", "pprint", "xmlattr", "urlize")


def filters(known: Mapping[str, Filter], bounds: Bounds) -> dict[str, Filter]:
    """The filters of a script, of which jinja2's own are `known`."""
    ours: dict[str, Filter] = {
        "literal": _of_data(spelling.literal),
        "identifier": _of_data(spelling.identifier),
        "tojson": _of_data(_to_json),
        "safe": lambda value: value,  # nothing here is HTML
    }
    every = {name: found for name, found in {**known, **ours}.items() if name not in _UNFIT}
    return {name: _twofold(name, found, bounds) for name, found in every.items()}


def _twofold(name: str, found: Filter, bounds: Bounds) -> Filter:
    """The filter, which changes of captured text both what it is as SQL and what it is inside quotes."""
    at = int(hasattr(found, "jinja_pass_arg"))  # what stands before the value

    @wraps(found)
    def filter_(*given: Any, **named: Any) -> Any:
        bounds.check_widths(name, (*given[at + 1 :], *named.values()))
        captured = given[at] if len(given) > at else None
        if not isinstance(captured, Captured | Filtered):
            return bounds.sized(found(*given, **named))

        def of_plain() -> Any:
            return bounds.sized(found(*given[:at], captured.plain(), *given[at + 1 :], **named))

        made = bounds.sized(found(*given, **named))
        return Filtered.of(made, of_plain) if isinstance(made, str) else of_plain()

    return filter_


def _of_data(spell: Filter) -> Filter:
    """A filter of data: a name that nothing has, however deep in it, is told as such."""

    @wraps(spell)
    def strict(value: Any, *more: Any, **named: Any) -> Any:
        _check(value)
        return spell(value, *more, **named)

    return strict


def _check(value: Any) -> None:
    if isinstance(value, Undefined):
        raise Used(value)
    if isinstance(value, Unset):
        raise TemplateFault(value.why, hint=value.hint)
    if isinstance(value, Mapping):
        value = value.values()
    if not isinstance(value, str) and isinstance(value, Iterable):
        for each in list(value) if not isinstance(value, Iterator) else ():
            _check(each)


def _to_json(value: Any, indent: int | None = None) -> spelling.Json:
    """jinja2's own escapes what HTML may not hold."""
    found = spelling.Json(json.dumps(value, ensure_ascii=False, indent=indent))
    found.value = value
    return found

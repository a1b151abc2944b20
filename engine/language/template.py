"""Scripts as jinja2 templates: filled in before anything is parsed, so that an unknown name stops all of a script."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2.environment import Template
from jinja2.exceptions import (
    SecurityError,
    TemplateAssertionError,
    TemplateNotFound,
    TemplateSyntaxError,
)

from engine.errors import Place, Source, StratoqlError, TemplateFault
from engine.language.environment import Read, ScriptEnvironment, Used, pieces_of
from engine.language.pieces import Rendered
from engine.language.spelling import spell

_RAW = "text that holds {{, {% or {# as it is stands between {% raw %} and {% endraw %}"


def render(
    source: Source, values: Mapping[str, Any], read: Read, secret: Callable[[str], bool] = lambda name: False
) -> Rendered:
    """A script with its templates filled in. `read` gives the text of an included file by its path.

    `secret` says whether what has this name must not be shown. Raises TemplateFault, UnknownName or SyntaxFault, with
    their place in the script or in the file it includes.

    >>> def fill(text, **values):
    ...     return render(Source(text), values, str).text
    >>> fill("SELECT '{{ a }}', {{ b }}, '{{ c }}'", a="it's", b=2, c=["x"])
    'SELECT \\'it\\'\\'s\\', 2, \\'["x"]\\''
    >>> fill('''EXEC m @@json = '{"label": "{{ a }}", "tags": "{{ c }}"}' ''', a="web", c=["x"])
    'EXEC m @@json = \\'{"label": "web", "tags": ["x"]}\\' '
    """
    environment = ScriptEnvironment(source, values, read, secret)
    try:
        template = environment.get_template(environment.main)
        context = template.new_context(environment.given)
        return spell(pieces_of(template.root_render_func(context)))
    except StratoqlError as error:
        error.place = error.place or _place(error, environment)
        raise
    except Exception as error:
        raise _fault(error, environment) from error


def _fault(error: Exception, environment: ScriptEnvironment) -> StratoqlError:
    """What went wrong in a template, as an error of ours with its place."""
    if isinstance(error, Used):
        fault = environment.unknown(error.unknown)
    elif isinstance(error, TemplateSyntaxError):
        hint = None if isinstance(error, TemplateAssertionError) else _RAW
        told = re.sub(r" at [0-9]+$", "", (error.message or "").rstrip("."))  # a position that `place` tells better
        fault = TemplateFault(f"cannot read the template: {told}", hint=hint)
    else:
        fault = TemplateFault(_message(error))
    fault.place = _syntax_place(error, environment) if isinstance(error, TemplateSyntaxError) else None
    fault.place = fault.place or _place(error, environment)
    return fault


def _message(error: Exception) -> str:
    match error:
        case TemplateNotFound():
            return f"cannot include {error.name}: {error.message}"
        case SecurityError():
            return f"a template may not do this: {str(error).rstrip('.')}"
        case RecursionError():
            return "the template goes on without end: it includes or calls itself"
    return f"cannot fill in the template: {error}"


def _syntax_place(error: TemplateSyntaxError, environment: ScriptEnvironment) -> Place | None:
    name = error.name or environment.main
    source = environment.sources.get(name)
    return Place(source, environment.span(name, error.lineno)) if source is not None else None


def _place(error: Exception, environment: ScriptEnvironment) -> Place | None:
    """The innermost place of a template that the error passed through."""
    place, trace = None, error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template) and template.name in environment.sources:
            at = template.get_corresponding_lineno(trace.tb_lineno)
            place = Place(environment.sources[template.name], environment.span(template.name, at))
        trace = trace.tb_next
    return place

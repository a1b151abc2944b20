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
from engine.language.environment import Read, ScriptEnvironment, pieces_of
from engine.language.pieces import Rendered
from engine.language.spelling import TypeAt, spell
from engine.language.unknown import Used

_RAW = "text that holds {{, {% or {# as it is stands between {% raw %} and {% endraw %}"
_MAY_BE_TEXT = re.compile(r"unexpected char|unknown tag|Missing end|expected token|Unexpected end")


def render(
    source: Source,
    values: Mapping[str, Any],
    read: Read,
    secret: Callable[[str], bool] = lambda name: False,
    type_at: TypeAt = lambda text, at: None,
) -> Rendered:
    """A script with its templates filled in. `read` gives the text of an included file by its path.

    `secret` says whether what has this name must not be shown; `type_at` of what type the input is that a place of
    the text gives, where that decides what a value becomes. Raises TemplateFault, UnknownName or SyntaxFault, with
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
        return spell(pieces_of(template.root_render_func(context)), type_at)
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
        return _unreadable(error, environment)
    else:
        fault = TemplateFault(_message(error))
    fault.place = _place(error, environment)
    return fault


def _unreadable(error: TemplateSyntaxError, environment: ScriptEnvironment) -> StratoqlError:
    """A template that cannot be read; of a block that is never closed, where it begins and what would close it."""
    name, told = error.name or environment.main, (error.message or "").rstrip(".")
    block = environment.innermost(name)
    if block is not None and (found := re.search(r"innermost block that needs to be closed is '(\w+)'", told)):
        close, opened = f"{{% end{found[1]} %}}", Place(environment.sources[name], block)
        if told.startswith("Unexpected end"):
            fault = TemplateFault(f"this {found[1]} is never closed", hint=f"write {close} where it ends")
            fault.place = opened
            return fault
        wrong = re.search(r"tag '(\w+)'", told)
        fault = TemplateFault(
            f"{wrong[1] if wrong else 'this'} does not belong here: the {found[1]} of {opened} is still open",
            hint=f"close it first, with {close}",
        )
    else:
        told = re.sub(r" at [0-9]+$", "", told)  # a position that `place` tells better
        closing = re.fullmatch(r"Encountered unknown tag '(end\w+)'", told)
        hint = _RAW if not isinstance(error, TemplateAssertionError) and _MAY_BE_TEXT.search(told) else None
        fault = TemplateFault(f"cannot read the template: {told}", hint=hint)
        if closing:
            fault = TemplateFault(f"this {closing[1]} closes nothing", hint="write the tag that it ends before it")
    fault.place = _syntax_place(error, environment) or _place(error, environment)
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

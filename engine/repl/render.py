r"""Templates in what is typed: the one seam through which a text and the variables of `\set` meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from engine.errors import Source, StratoqlError
from engine.repl.scan import scan


def render(text: str, variables: Mapping[str, str]) -> str:
    """The text with its templates filled in, as a script's are. One without templates is left alone.

    A variable is typed as `--var` types it. Raises StratoqlError with the place in what was typed.
    """
    if not templated(text):
        return text
    from engine.cli.scripts import read_script
    from engine.language.template import render as filled
    from engine.wire.masking import secret_name

    with told_here():
        return filled(Source(text), typed(variables), read_script, secret_name).text


def typed(variables: Mapping[str, str]) -> dict[str, Any]:
    """Their values, as `--var` types them."""
    from engine.cli.values import variable

    return dict(variable(f"{name}={value}") for name, value in variables.items())


@contextmanager
def told_here() -> Iterator[None]:
    """What is not defined is defined by `\\set` in the shell."""
    try:
        yield
    except StratoqlError as error:
        if error.hint and error.hint.startswith("give it with --var"):
            error.hint = "\\set gives it a value: \\set label web"
        raise


def templated(text: str) -> bool:
    """Whether a text has a template outside its comments, also inside a string.

    >>> templated("SELECT '{{ label }}'"), templated("SELECT 1 -- {{ label }}"), templated("SELECT '{ {'")
    (True, False, False)
    """
    return any(token.kind != "comment" and "{{" in token.text for token in scan(text))

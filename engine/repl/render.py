r"""Templates in what is typed: the one seam through which a text and the variables of `\set` meet."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import Refused
from engine.repl.scan import scan


def render(text: str, variables: Mapping[str, str]) -> str:
    """The text with its templates filled in. One without templates is left alone.

    Raises Refused for a text with a template: nothing fills them in yet.
    """
    if not templated(text):
        return text
    hint = "write the value itself" if not variables else "write the values that \\set holds themselves"
    raise Refused("templates ({{ ... }}) cannot be filled in here", hint=hint)


def templated(text: str) -> bool:
    """Whether a text has a template outside its comments, also inside a string.

    >>> templated("SELECT '{{ label }}'"), templated("SELECT 1 -- {{ label }}"), templated("SELECT '{ {'")
    (True, False, False)
    """
    return any(token.kind != "comment" and "{{" in token.text for token in scan(text))

"""Where a statement leaves room for values: `:name` and `?`, as tokens. Elsewhere they are what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import TokenType

from engine.errors import Span, Unbound
from engine.language.dialect import Piece

_NAME = re.compile(r"[^\W\d]\w*")


def placeholders(piece: Piece) -> Iterator[tuple[Span, str | None]]:
    """The places and names of a statement's placeholders; `?` has no name. Raises Unbound for a `?1` and a `$a`.

    >>> from engine.language.dialect import split
    >>> (piece,) = split("SELECT :a, ':b', \\"?\\" /* :c */ WHERE x = ?")
    >>> [name for _, name in placeholders(piece)]
    ['a', None]
    """
    for token in piece.tokens:
        end = token.end + 1
        if token.token_type is TokenType.COLON and (found := _NAME.match(piece.text, end)):
            yield Span(token.start, found.end()), found[0]
        elif token.token_type is TokenType.PLACEHOLDER and token.text == "?":
            if piece.text[end : end + 1].isdigit():
                raise Unbound(
                    "numbered placeholders are not known",
                    span=Span(token.start, end + 1),
                    hint="give them names: :first, :second",
                )
            yield Span(token.start, end), None
        elif token.token_type is TokenType.VAR and token.text.startswith("$"):
            raise Unbound(
                f"{token.text} is no placeholder that is known",
                span=Span(token.start, end),
                hint=f"write it as :{token.text[1:]}",
            )

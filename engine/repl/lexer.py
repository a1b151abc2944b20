"""Colours of what is typed, from the tokens that completion reads too; a theme is a pygments style."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import split_lines
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import BaseStyle, Style, merge_styles, style_from_pygments_cls
from prompt_toolkit.styles.pygments import pygments_token_to_classname
from pygments.styles import get_all_styles, get_style_by_name
from pygments.token import Comment, Keyword, Name, Number, Operator, String
from pygments.util import ClassNotFound

from engine.errors import UsageError, suggest
from engine.repl.scan import Token, scan
from engine.repl.suggest.words import RESERVED, functions

_TOKENS = {
    "comment": Comment,
    "string": String,
    "quoted": Name,
    "template": Name.Variable,
    "place": Name.Variable,
    "number": Number,
    "at": Operator,
    "keyword": Keyword,
    "function": Name.Function,
}
_CLASSES = {kind: f"class:{pygments_token_to_classname(token)}" for kind, token in _TOKENS.items()}
_OURS = {
    "cost.reads": "",
    "cost.writes": "bold",
    "cost.refused": "ansired bold",
    "sandbox": "bg:ansiyellow fg:ansiblack",
    "bottom-toolbar": "noreverse bg:#333333 #cccccc",
}


class Colours(Lexer):
    """Text into styled fragments, line by line."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        lines = list(split_lines(fragments(document.text)))
        return lambda number: lines[number] if number < len(lines) else []


def fragments(text: str) -> StyleAndTextTuples:
    """The text in pieces, each with the class of its kind.

    >>> fragments(""), fragments("SELECT 1")
    ([], [('class:pygments.keyword', 'SELECT'), ('', ' '), ('class:pygments.literal.number', '1')])
    """
    return list(_fragments(text))


def _fragments(text: str) -> Iterator[tuple[str, str]]:
    tokens = scan(text)
    for token, following in zip_longest(tokens, tokens[1:]):
        kind = _word(token, following) if token.kind == "word" else token.kind
        yield _CLASSES.get(kind, ""), token.text


def _word(token: Token, following: Token | None) -> str:
    """What a bare word is: a function where a parenthesis opens behind it, a word of the language, or a name."""
    if following is not None and following.text == "(" and token.text.lower() in functions():
        return "function"
    return "keyword" if token.word in RESERVED else ""


def style(theme: str, *, color: bool) -> BaseStyle:
    """The style of a theme. Without colour everything is plain, but for what is marked bold."""
    try:
        named = get_style_by_name(theme)
    except ClassNotFound:
        hint = suggest(theme, sorted(get_all_styles()))
        raise UsageError(f"there is no theme {theme!r}", hint=hint) from None
    if not color:
        return Style([("cost.refused", "bold")])
    return merge_styles([style_from_pygments_cls(named), Style(list(_OURS.items()))])

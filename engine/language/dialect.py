"""The front door: text into tokens, tokens into statements' texts, query text into a sqlglot tree.

The language is SQLite's with StackQL's verbs around it. sqlglot's compiled build cannot have its Parser
subclassed, so nothing is: the words SQLite does not know are read from tokens by `parser`, and only queries reach
sqlglot. Positions are kept throughout: every identifier of a tree knows where it stands in its text.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import ClassVar

from msgspec import Struct
from sqlglot import Token, TokenType, exp
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import ParseError, TokenError

from engine.errors import Span, SyntaxFault
from engine.language.text import Text

log = logging.getLogger("sqlglot")


class _Tokenizer(SQLite.Tokenizer):
    """SQLite's tokens; without COMMANDS, which would swallow the rest of a SHOW or REPLACE as one string."""

    COMMANDS: ClassVar[set[TokenType]] = set()


class Piece(Struct, frozen=True):
    """One statement of a script: its text from first to last token, its tokens, and where it starts.

    `hints` are its comments that begin with a plus, wherever they stand: before its first word too.
    """

    text: str
    offset: int
    tokens: tuple[Token, ...]
    hints: tuple[str, ...] = ()


def tokenize(text: str) -> list[Token]:
    """The tokens of a text; offsets count characters. Raises SyntaxFault at an open quote or comment."""
    if "\x00" in text:
        at = text.index("\x00")
        raise SyntaxFault("a NUL character cannot stand in SQL", span=Span(at, at + 1))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SyntaxFault("half a character cannot stand in SQL", span=Span(error.start, error.end)) from error
    try:
        return _Tokenizer(dialect=SQLite()).tokenize(text)
    except TokenError as error:
        opened = _open_quote(text)
        if opened is None:
            raise _bad_blob(text) from error
        start, what = opened
        raise SyntaxFault(
            f"this {what} is never closed", span=Span(start, start + 1), hint="close it before the statement ends"
        ) from error


def split(script: str) -> Iterator[Piece]:
    """The statements of a script, parted at semicolons that stand outside quotes and comments.

    >>> [piece.text for piece in split("SELECT 1; -- one;\\nSELECT ';';;")]
    ['SELECT 1', "SELECT ';'"]
    """
    script = script.removeprefix("\ufeff")  # a byte order mark says nothing
    run: list[Token] = []
    hints: list[str] = []
    for token in [*tokenize(script), None]:
        marked = [] if token is None else [comment for comment in token.comments if comment.startswith("+")]
        if token is not None and token.token_type is not TokenType.SEMICOLON:
            run.append(token)
            hints += marked
            continue
        if run:
            start, end = run[0].start, run[-1].end + 1
            # Comments before a semicolon hang on the semicolon's left neighbour; the text may end in none.
            text = script[start:end]
            if run[0].text.upper() in ("INSERT", "EXPLAIN", "WITH"):
                text = _commas_of_markers(text, [t.start - start for t in run], [t.end - start for t in run])
            yield Piece(text, start, tuple(tokenize(text)), tuple(hints))
            run, hints = [], []
        hints += marked  # what hangs on a semicolon stands behind it
    if hints:
        raise SyntaxFault(
            f"the hint /*{hints[0]}*/ stands behind the last statement",
            hint="put it after the statement's first word",
        )


def _commas_of_markers(text: str, starts: Sequence[int], ends: Sequence[int]) -> str:
    """`x --required,` followed by no comma: the marker's comma counts. Same length, so that positions hold.

    >>> _commas_of_markers("1 --required,\\n2", [0, 14], [0, 14])
    '1 ,          \\n2'
    """
    import re

    for end, start in zip(ends, starts[1:], strict=False):
        gap = text[end + 1 : start]
        if text[start] != "," and (marker := re.search(r"--[ \t]*required[ \t]*,[ \t\r]*(?=\n)", gap)):
            first, last = end + 1 + marker.start(), end + 1 + marker.end()
            text = text[:first] + ",".ljust(last - first) + text[last:]
    return text


def parse_query(text: Text) -> exp.Expr:
    """The tree of a SELECT, VALUES or WITH. Raises SyntaxFault with the place in the user's statement."""
    tokens = tokenize(text.sql)
    log.disabled = True  # what sqlglot warns of is no warning here: SQLite has the last word
    try:
        trees = SQLite().parser().parse(tokens, text.sql)
    except ParseError as error:
        raise _syntax_fault(text, tokens, error) from None
    except RecursionError:
        raise SyntaxFault("the statement is nested too deeply to be read") from None
    except (TypeError, ValueError, AttributeError, KeyError, IndexError) as error:
        raise SyntaxFault("cannot read the statement") from error  # sqlglot stumbled over its own feet
    finally:
        log.disabled = False
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Query | exp.Values):
        span = text.origin(tokens[0].start, tokens[-1].end + 1)
        raise SyntaxFault("expected a query: SELECT, VALUES or WITH", span=span)
    return tree


def _syntax_fault(text: Text, tokens: Sequence[Token], error: ParseError) -> SyntaxFault:
    """sqlglot's complaint in our words, placed on the token it stands at."""
    facts = error.errors[0] if error.errors else {}
    line, column = facts.get("line") or 1, facts.get("col") or 1
    at = next((t for t in tokens if (t.line, t.col) == (line, column)), tokens[-1])
    span = text.origin(at.start, at.end + 1)
    if span is None:  # it stands at a word of ours: the user's last one before it is where it went wrong
        theirs = [t for t in tokens if t.start <= at.start and text.origin(t.start, t.end + 1) is not None]
        if theirs:
            span = text.origin(theirs[-1].start, theirs[-1].end + 1)
            return SyntaxFault(f"cannot read the statement after {theirs[-1].text!r}", span=span)
    description = str(facts.get("description") or "")
    ends_early = at is tokens[-1] and ("SENTINEL" in description or "Required" in description)
    if ends_early:
        return SyntaxFault(f"the statement ends too early, after {at.text!r}", span=span)
    if "Expecting )" in description:
        return SyntaxFault("a parenthesis is not closed here", span=span)
    return SyntaxFault(f"cannot read the statement at {at.text!r}", span=span)


def _bad_blob(text: str) -> SyntaxFault:
    """The fault of an `x'...'` or a `0x...` that is not hexadecimal: the one other thing that is no token."""
    import re

    found = re.search(r"[xX]'(?![0-9a-fA-F]*')[^']*'|0[xX](?![0-9a-fA-F])\w*", text)
    span = Span(*found.span()) if found else None
    return SyntaxFault("a blob is written in hexadecimal digits", span=span, hint="such as x'c0ffee'")


def _open_quote(text: str) -> tuple[int, str] | None:
    """Where the quote or comment opens that never closes, and what it is; None where all are closed."""
    closers = {"'": ("'", "string"), '"': ('"', "name"), "`": ("`", "name"), "[": ("]", "name")}
    at = 0
    while at < len(text):
        if text.startswith("--", at):
            closer, what = "\n", "comment"
        elif text.startswith("/*", at):
            closer, what = "*/", "comment"
        elif text[at] in closers:
            closer, what = closers[text[at]]
        else:
            at += 1
            continue
        end = text.find(closer, at + (2 if what == "comment" else 1))
        if end < 0:
            return at, what
        at = end + len(closer)
    return None

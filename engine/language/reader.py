"""A place in the tokens of one statement: what comes next, stepped over, named, or complained about."""

from __future__ import annotations

import re

from sqlglot import Token, TokenType

from engine.errors import Span, SyntaxFault
from engine.language.statements import Name, Word
from engine.language.text import Text, slice_of

OPEN, CLOSE = {TokenType.L_PAREN}, {TokenType.R_PAREN}
QUOTED = (TokenType.STRING, TokenType.IDENTIFIER)
_IDENTIFIER = re.compile(r"[^\W\d]\w*\Z")


class Reader:
    """A place in the tokens of one statement."""

    def __init__(self, text: str, tokens: tuple[Token, ...], at: int = 0, end: int | None = None) -> None:
        self.text = text
        self.tokens = tokens
        self.at = at
        self.end = len(tokens) if end is None else end

    def word(self, ahead: int = 0) -> str:
        """The upper-cased text of a coming token that is no quoted thing; "" at the end."""
        index = self.at + ahead
        if index >= self.end or self.tokens[index].token_type in QUOTED:
            return ""
        return self.tokens[index].text.upper()

    def take(self, *words: str) -> bool:
        """Step over these words if they come next."""
        if all(self.word(i) == word for i, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def expect(self, word: str, example: str) -> None:
        """Step over a word, or say what belongs here."""
        if not self.take(word):
            raise self.fault(f"expected {word}", hint=f"write it as: {example}")

    def span(self) -> Span:
        """The coming token's place, or the last one's at the end."""
        token = self.tokens[min(self.at, self.end - 1)]
        return Span(token.start, token.end + 1)

    def fault(self, message: str, *, hint: str | None = None) -> SyntaxFault:
        """An error at the coming token."""
        found = "the end of the statement" if self.at >= self.end else repr(self.tokens[self.at].text)
        return SyntaxFault(f"{message}, found {found}", span=self.span(), hint=hint)

    def identifier(self, what: str) -> Word:
        """One name, bare or quoted."""
        if self.at < self.end:
            token = self.tokens[self.at]
            bare = token.token_type is not TokenType.STRING and _IDENTIFIER.match(token.text)
            if bare or token.token_type is TokenType.IDENTIFIER:
                self.at += 1
                return Word(token.text, Span(token.start, token.end + 1))
        raise self.fault(f"expected {what}")

    def name(self, what: str) -> Name:
        """A dotted name."""
        words = [self.identifier(what)]
        while self.take("."):
            words.append(self.identifier(what))
        return Name(tuple(w.name for w in words), Span(words[0].span.start, words[-1].span.end))

    def spaced(self, what: str) -> Word:
        """What stands up to the next space: `digital-ocean`, `v24.11.00274`; or a quoted text."""
        if self.at >= self.end:
            raise self.fault(f"expected {what}")
        first = last = self.tokens[self.at]
        self.at += 1
        if first.token_type in QUOTED:
            return Word(first.text, Span(first.start, first.end + 1))
        while self.at < self.end and self.tokens[self.at].start == last.end + 1:
            last = self.tokens[self.at]
            self.at += 1
        return Word(self.text[first.start : last.end + 1], Span(first.start, last.end + 1))

    def find(self, *words: str) -> int:
        """The index of the first of these words outside parentheses, or the end."""
        depth = 0
        for index in range(self.at, self.end):
            token = self.tokens[index]
            depth += (token.token_type in OPEN) - (token.token_type in CLOSE)
            if depth == 0 and token.token_type not in QUOTED and token.text.upper() in words:
                return index
        return self.end

    def piece(self, end: int, what: str) -> Text:
        """The text of the coming tokens up to `end`, which must not be empty."""
        if self.at >= end:
            raise self.fault(f"expected {what}")
        first, last = self.tokens[self.at], self.tokens[end - 1]
        self.at = end
        return slice_of(self.text, first.start, last.end + 1)

    def done(self) -> None:
        """Nothing may follow."""
        if self.at < self.end:
            raise self.fault("the statement should end here")

    def check_parentheses(self) -> None:
        """Every parenthesis has its partner, so that no piece of the text can reach outside itself."""
        opened: list[Token] = []
        for token in self.tokens:
            if token.token_type in OPEN:
                opened.append(token)
            elif token.token_type in CLOSE:
                if not opened:
                    span = Span(token.start, token.end + 1)
                    raise SyntaxFault("this parenthesis closes nothing", span=span)
                opened.pop()
        if opened:
            raise SyntaxFault("this parenthesis is never closed", span=Span(opened[-1].start, opened[-1].end + 1))

"""What comes from other databases, and from web pages: known for what it is, so that the error can say what is meant.

SQLite says `near "x": syntax error` to all of it.
"""

from __future__ import annotations

import re

from sqlglot import TokenType

from engine.errors import Span, SyntaxFault
from engine.language.reader import QUOTED, Reader

_NONE = "a write stands when it has been sent: there are no transactions"
_SAID = {
    "rows are deleted with DELETE FROM linode.images.images WHERE ...": "DROP TRUNCATE REMOVE",
    "a new row is made with INSERT INTO linode.images.images (...) VALUES (...)": "CREATE POST",
    "rows are changed with REPLACE linode.images.images SET ... WHERE ...": "ALTER MERGE UPSERT PUT PATCH",
    "rows are read with SELECT * FROM linode.images.images": "GET LIST FROM TABLE FETCH",
    "a method is called with EXEC linode.images.images.post_replicate_image @imageId = '...'": "CALL DO",
    "to see what a statement costs: EXPLAIN ANALYZE SELECT ...": "ANALYZE PROFILE",
    "settings are flags, or stand in the configuration file: stratoql config show": "SET PRAGMA RESET",
    "rows go to a file with --outfile FILE, and in the shell with \\out FILE": "COPY EXPORT UNLOAD",
    "in the shell \\? helps; SHOW PROVIDERS is a good one to begin with": "HELP ?",
    _NONE: "BEGIN COMMIT ROLLBACK START SAVEPOINT RELEASE END ABORT",
    "other providers come with REGISTRY PULL name": "ATTACH INSTALL LOAD IMPORT",
    "commands of the shell stand there alone: stratoql opens it": "\\ .",
}
_BY_WORD = {word: said for said, words in _SAID.items() for word in words.split()}
_PASTED = re.compile("[\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u00a0\u2007\u200b\u200c\u200d\u202f\u2060\ufeff]")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTES = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e"


def advice(word: str) -> str | None:
    """What to say of a statement that begins with a word of another language; None of any other word.

    >>> advice("COMMIT")
    'a write stands when it has been sent: there are no transactions'
    """
    return _BY_WORD.get(word.upper())


def check_foreign(reader: Reader) -> None:
    """Raises SyntaxFault for what SQLite cannot read and other programs write: quotes and blanks of a word processor,
    `::`, ILIKE. What stands in strings, quoted names and comments is left alone.
    """
    for number, token in enumerate(reader.tokens):
        following = reader.tokens[number + 1].token_type if number + 1 < len(reader.tokens) else None
        if token.token_type is TokenType.DCOLON:
            raise _fault("there is no :: here", token.start, 2, "write CAST(... AS TEXT), or AS INTEGER, REAL")
        if token.token_type is TokenType.ILIKE and following is TokenType.STRING:
            raise _fault("there is no ILIKE here", token.start, 5, "LIKE does so: it ignores the case of A to Z")
    if _PASTED.search(reader.text):
        _check_pasted(reader)


def _check_pasted(reader: Reader) -> None:
    at = 0
    for token in (*reader.tokens, None):
        end = token.start if token is not None else len(reader.text)
        between = _COMMENT.sub(lambda comment: " " * len(comment[0]), reader.text[at:end])
        _look_at(between, at)
        if token is not None:
            at = token.end + 1
            if token.token_type not in QUOTED:
                _look_at(reader.text[token.start : at], token.start)


def _look_at(text: str, start: int) -> None:
    found = _PASTED.search(text)
    if found is None:
        return
    if found[0] in _QUOTES:
        raise _fault(
            f"{found[0]} is no quote of SQL", start + found.start(), 1, "a string takes straight ones: 'web'"
        )
    code = f"U+{ord(found[0]):04X}"
    raise _fault(f"{code} is no blank of SQL", start + found.start(), 1, "it looks like one: type it again")


def _fault(message: str, at: int, length: int, hint: str) -> SyntaxFault:
    return SyntaxFault(message, span=Span(at, at + length), hint=hint)

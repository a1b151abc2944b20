"""What comes from other databases, and from web pages: known for what it is, so that the error can say what is meant.

SQLite says `near "x": syntax error` to all of it.
"""

from __future__ import annotations

import re

from sqlglot import TokenType

from engine.errors import Span, StatementError, StratoqlError, SyntaxFault
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
_CALLED = {
    "the moment is datetime('now'), and datetime(created, '+1 day') one after another": (
        "NOW GETDATE SYSDATE CURDATE DATEADD DATE_ADD DATE_SUB"
    ),
    "a moment is taken apart by strftime('%Y-%m', created)": (
        "TO_CHAR DATE_FORMAT DATE_TRUNC DATE_PART EXTRACT YEAR MONTH DAY"
    ),
    "the days between two moments are julianday(a) - julianday(b)": "AGE DATEDIFF DATE_DIFF",
    "a pattern is found with REGEXP: label REGEXP '^web'": "REGEXP_MATCH REGEXP_MATCHES",
    "a member of a list is found with: 'prod' IN (SELECT value FROM json_each(tags))": (
        "ANY UNNEST FLATTEN JSON_ARRAY_ELEMENTS JSONB_ARRAY_ELEMENTS JSONB_ARRAY_ELEMENTS_TEXT ARRAY_CONTAINS"
    ),
    "the length of a list is json_array_length(tags)": "JSONB_ARRAY_LENGTH ARRAY_LENGTH CARDINALITY",
    "values are gathered by group_concat(label, ', '), or as JSON by json_group_array(label)": (
        "STRING_AGG ARRAY_AGG LISTAGG JSON_AGG JSONB_AGG"
    ),
    "JSON is made by json_object('id', id) and json_array(id), and read by json(tags)": (
        "TO_JSON TO_JSONB ROW_TO_JSON JSONB_BUILD_OBJECT JSON_BUILD_OBJECT"
    ),
    "texts are joined with ||": "CONCAT CONCAT_WS",
    "the length of a text is length(label)": "LEN CHAR_LENGTH",
    "the first value that is not NULL is coalesce(a, b)": "NVL ISNULL",
    "the larger of two values is max(a, b), the smaller min(a, b)": "GREATEST LEAST",
}
_STANDING = {
    "INTERVAL": "a moment before now is datetime('now', '-7 days'), one after another datetime(created, '+1 day')",
    "~": "a pattern is found with REGEXP: label REGEXP '^web'",
    "@": "a member of a list is found with: 'prod' IN (SELECT value FROM json_each(tags))",
    "FETCH": "so many rows and no more: LIMIT 10",
    "TOP": "so many rows and no more: LIMIT 10",
    "DISTINCT ON": "one row of each: GROUP BY",
}
_BY_NAME = {name: said for said, names in _CALLED.items() for name in names.split()}
_LAST_WORD = re.compile(r"(\w+)\s*\Z")
_PASTED = re.compile("[\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u00a0\u2007\u200b\u200c\u200d\u202f\u2060\ufeff]")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTES = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e"


def advice(word: str) -> str | None:
    """What to say of a statement that begins with a word of another language; None of any other word.

    >>> advice("COMMIT")
    'a write stands when it has been sent: there are no transactions'
    """
    return _BY_WORD.get(word.upper())


def advise(error: StratoqlError, text: str) -> None:
    """Give an error of a statement's text its hint, where it has none and its place tells what was meant."""
    if isinstance(error, StatementError) and error.hint is None and error.span is not None:
        error.hint = hint_at(text, error.span)


def hint_at(text: str, span: Span) -> str | None:
    """What to say of an error at a place, where that is what another database would have there; else None.

    >>> hint_at("SELECT concat(1, 2)", Span(7, 13)), hint_at("SELECT frob()", Span(7, 11))
    ('texts are joined with ||', None)
    >>> hint_at("SELECT top 5 id", Span(11, 12)), hint_at("SELECT DISTINCT ON (id) id", Span(16, 18))
    ('so many rows and no more: LIMIT 10', 'one row of each: GROUP BY')
    """
    at, found = text[span.start : span.end].upper(), _LAST_WORD.search(text[: span.start])
    before = found[1].upper() if found else ""
    if text[span.end :].lstrip().startswith("(") and at in _BY_NAME:
        return _BY_NAME[at]
    return _STANDING.get(f"{before} {at}") or _STANDING.get(at) or _STANDING.get(before)


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

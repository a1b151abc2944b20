"""Statements' texts into dataclasses. StackQL's verbs are read from tokens here; queries stay text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec.structs import replace
from sqlglot import TokenType

from engine.errors import Refused, Span, SyntaxFault, suggest
from engine.language.dialect import Piece, split, tokenize
from engine.language.foreign import advice, check_foreign
from engine.language.hints import read_hints
from engine.language.reader import OPEN, Reader
from engine.language.shows import closing, lifted, lifts, read_describe, read_show
from engine.language.statements import (
    Body,
    Call,
    Change,
    Delete,
    Explain,
    Insert,
    Registry,
    Select,
    Show,
    Statement,
    Use,
    Word,
)
from engine.language.text import Text, slice_of, splice, weave

_WHOLE = ("json", "file", "compress")  # what an EXEC is given with two at signs
_REQUIRED = "REQUIRED"  # the hint of a SHOW INSERT
_CLAUSES = ("SET", "WHERE", "RETURNING", "FROM", "ORDER BY", "LIMIT", "USING", "JOIN")


def parse(script: str) -> list[Statement]:
    """Every statement of a script. Raises SyntaxFault with a span into the script; then nothing has been run."""
    try:
        pieces = list(split(script))
    except SyntaxFault as error:
        error.statement = script
        raise
    return [parse_piece(piece) for piece in pieces]


def parse_piece(piece: Piece) -> Statement:
    """One statement. Errors carry its text."""
    reader = Reader(piece.text, piece.tokens)
    try:
        check_foreign(reader)
        reader.check_parentheses()
        body = _body(reader)
    except (SyntaxFault, Refused) as error:
        error.statement = error.statement or piece.text
        raise
    hints = tuple(hint for comment in piece.hints for hint in read_hints(comment))
    if isinstance(body, Show) and body.kind in ("insert", "manifest") and any(h.name == _REQUIRED for h in hints):
        body, hints = replace(body, required=True), tuple(hint for hint in hints if hint.name != _REQUIRED)
    if isinstance(body, Explain):  # they are meant for what is explained
        body = replace(body, statement=replace(body.statement, hints=hints))
    return Statement(piece.text, piece.offset, body, hints)


def _body(reader: Reader) -> Body:
    """What the statement says, by its first word."""
    word = reader.word()
    read = _VERBS.get(word)
    if read is None:
        first = reader.tokens[reader.at] if reader.at < reader.end else reader.tokens[-1]
        # a wrong verb may write, so it must be quite alike
        hint = advice(first.text) or suggest(first.text, sorted(_VERBS), likeness=0.8)
        raise SyntaxFault(
            f"a statement cannot begin with {first.text!r}", span=Span(first.start, first.end + 1), hint=hint
        )
    return read(reader)


def _select(reader: Reader, ctes: Text | None = None) -> Body:
    """A query, with the EXEC tables in it lifted out, and each SHOW in it as the query it is."""
    edits: list[tuple[int, int, Text | str]] = []
    calls: list[tuple[str, Call]] = []
    begin = reader.tokens[reader.at].start
    shows = list(lifts(reader, reader.at, reader.end))
    while reader.at < reader.end:
        if reader.word() == "(" and reader.word(1) == "EXEC":
            if reader.word(-1) not in ("FROM", "JOIN", ","):
                raise reader.fault("EXEC stands in FROM, as a table", hint="write FROM (EXEC ...) x")
            close = closing(reader, reader.at)
            stand_in = f"_exec_{len(calls)}"
            inner = Reader(reader.text, reader.tokens, reader.at + 1, close)
            calls.append((stand_in, _exec(inner)))
            edits.append((reader.tokens[reader.at].start - begin, reader.tokens[close].end + 1 - begin, stand_in))
            reader.at = close
        reader.at += 1
    inside = [(start - begin, end - begin, query) for start, end, query in shows]
    edits += [edit for edit in inside if not any(start < edit[0] < end for start, end, _ in edits)]
    whole = splice(slice_of(reader.text, begin, reader.tokens[reader.end - 1].end + 1), edits)
    return Select(whole if ctes is None else weave(ctes, " ", whole), tuple(calls))


def _with(reader: Reader) -> Body:
    """WITH before a query or a write. The CTEs become part of the query that finds the rows."""
    ctes = lifted(reader, reader.find(*_AFTER_WITH), "a common table expression")
    _no_exec(reader, 0, reader.at)
    verb = reader.word()
    if verb not in _AFTER_WITH:
        raise reader.fault("expected SELECT, VALUES, INSERT, REPLACE, UPDATE or DELETE after WITH")
    return _AFTER_WITH[verb](reader, ctes)


def _insert(reader: Reader, ctes: Text | None = None) -> Body:
    """`INSERT INTO p.s.r (column, ...) SELECT ... | VALUES ... [RETURNING ...]`."""
    example = "INSERT INTO linode.images.images (data__disk_id, data__label) VALUES (123, 'web') RETURNING id"
    reader.take("INSERT")
    if reader.word() == "OR":
        raise Refused("INSERT OR has no meaning for an API: it has no conflicts to resolve", span=reader.span())
    reader.expect("INTO", example)
    target = reader.name("a resource")
    if reader.word() != "(":
        raise reader.fault("expected the list of columns", hint=f"write it as: {example}")
    columns = _columns(reader)
    end = reader.find("RETURNING")
    for index in range(reader.at, end - 1):
        if [t.text.upper() for t in reader.tokens[index : index + 2]] == ["ON", "CONFLICT"]:
            token = reader.tokens[index]
            raise Refused("ON CONFLICT has no meaning for an API", span=Span(token.start, token.end + 1))
    if reader.word() not in ("SELECT", "VALUES", "WITH"):
        raise reader.fault("expected VALUES or SELECT", hint=f"write it as: {example}")
    _no_exec(reader, reader.at, end)
    rows = lifted(reader, end, "VALUES or SELECT")
    return Insert(target, columns, rows if ctes is None else weave(ctes, " ", rows), _returning(reader))


def _no_exec(reader: Reader, start: int, end: int) -> None:
    """EXEC as a table belongs to the FROM of a plain SELECT."""
    for before, token in zip(reader.tokens[start:end], reader.tokens[start + 1 : end], strict=False):
        if before.token_type in OPEN and token.text.upper() == "EXEC":
            raise SyntaxFault(
                "EXEC cannot stand in WITH or in the rows of an INSERT",
                span=Span(token.start, token.end + 1),
                hint="put it into the FROM of a SELECT, or run it as a statement of its own",
            )


def _columns(reader: Reader) -> tuple[Word, ...]:
    """`(a, b, c)`; the same name twice is an error."""
    reader.take("(")
    words = [reader.identifier("a column")]
    while reader.take(","):
        words.append(reader.identifier("a column"))
    if not reader.take(")"):
        raise reader.fault("expected , or ) in the list of columns")
    _no_doubles(words)
    return tuple(words)


def _no_doubles(words: list[Word]) -> None:
    """Each column is set once."""
    seen: set[str] = set()
    for word in words:
        if word.name.casefold() in seen:
            raise SyntaxFault(f"{word.name} is given twice", span=word.span, hint="keep one of them")
        seen.add(word.name.casefold())


def _change(reader: Reader, ctes: Text | None = None) -> Body:
    """`REPLACE p.s.r SET column = expression, ... WHERE ... [RETURNING ...]`, and UPDATE alike."""
    verb: Literal["replace", "update"] = "replace" if reader.word() == "REPLACE" else "update"
    example = f"{verb.upper()} linode.images.images SET data__label = 'web' WHERE imageId = 'private/123'"
    reader.at += 1
    if reader.word() in ("INTO", "OR"):
        raise reader.fault(f"{verb.upper()} takes the resource at once", hint=f"write it as: {example}")
    target = reader.name("a resource")
    alias = _alias(reader, "SET")
    reader.expect("SET", example)
    end = reader.find("WHERE", "RETURNING", "FROM", "ORDER BY", "LIMIT")
    assignments = []
    while reader.at < end:
        word = reader.identifier("a column")
        if not reader.take("="):
            raise reader.fault("expected =", hint=f"write it as: {example}")
        assignments.append((word, lifted(reader, min(reader.find(","), end), "a value")))
        if reader.take(",") and reader.at >= end:
            raise reader.fault("expected column = value after the comma")
    if not assignments:
        raise reader.fault("expected column = value", hint=f"write it as: {example}")
    _no_doubles([word for word, _ in assignments])
    where = _where(reader, verb.upper())
    return Change(verb, target, alias, tuple(assignments), ctes, where, _returning(reader))


def _delete(reader: Reader, ctes: Text | None = None) -> Body:
    """`DELETE FROM p.s.r WHERE ... [RETURNING ...]`."""
    reader.take("DELETE")
    reader.expect("FROM", "DELETE FROM linode.images.images WHERE imageId = 'private/123'")
    target = reader.name("a resource")
    alias = _alias(reader, "WHERE")
    where = _where(reader, "DELETE")
    return Delete(target, alias, ctes, where, _returning(reader))


def _alias(reader: Reader, before: str) -> str | None:
    """`[AS] alias`, where the next word is not `before`."""
    if reader.take("AS"):
        return reader.identifier("an alias").name
    if reader.at < reader.end and reader.word() not in (before, *_CLAUSES):
        return reader.identifier(f"{before} or an alias").name
    return None


def _where(reader: Reader, verb: str) -> Text | None:
    """`[WHERE predicate]`; an empty text where the predicate is not there. Nothing else narrows a write."""
    if reader.word() in _CLAUSES[3:]:
        raise Refused(
            f"{verb} takes no {reader.word()}",
            span=reader.span(),
            hint="say which rows in WHERE; a subquery there may join, order and limit",
        )
    if not reader.take("WHERE"):
        return None
    end = reader.find("RETURNING", "ORDER BY", "LIMIT")
    if reader.at == end:
        behind = reader.tokens[end - 1].end + 1
        return slice_of(reader.text, behind, behind)
    where = lifted(reader, end, "a predicate")
    if reader.word() in ("ORDER BY", "LIMIT"):
        _where(reader, verb)
    return where


def _returning(reader: Reader) -> Text | None:
    """`[RETURNING expression, ...]`, the last clause."""
    if not reader.take("RETURNING"):
        reader.done()
        return None
    return lifted(reader, reader.end, "a column after RETURNING")


def _exec(reader: Reader) -> Call:
    """`EXEC p.s.r.method @name = expression [,] ... @@json = '...' [,] @@file = '...'`."""
    reader.take("EXEC")
    target = reader.name("a method")
    arguments: list[tuple[Word, Text]] = []
    whole_ones: dict[str, Text] = {}
    while reader.at < reader.end:
        if not reader.take("@"):
            raise reader.fault("expected @name = value", hint="write it as: EXEC p.s.r.method @name = 'value'")
        whole = reader.take("@")
        word = reader.identifier("the name of a parameter")
        if not reader.take("="):
            raise reader.fault(f"expected = after @{word.name}")
        end = reader.find("@")
        comma = end < reader.end and reader.tokens[end - 1].token_type is TokenType.COMMA
        value = lifted(reader, end - comma, f"a value for @{word.name}")
        reader.at = end
        if not whole:
            arguments.append((word, value))
            continue
        name = word.name.casefold()
        if name not in _WHOLE or name in whole_ones:
            known = "the body is given once, as @@json, and a file as @@file, with @@compress = true to compress it"
            what = "is given twice" if name in whole_ones else "is not known"
            raise SyntaxFault(f"@@{word.name} {what}", span=word.span, hint=known)
        whole_ones[name] = value
    _no_doubles([word for word, _ in arguments])
    return Call(target, tuple(arguments), *(whole_ones.get(name) for name in _WHOLE))


def _explain(reader: Reader) -> Body:
    """`EXPLAIN [(ROWS) | ANALYZE] [QUERY PLAN] statement`; an EXPLAIN of an EXPLAIN is one."""
    analyze = rows = False
    while reader.take("EXPLAIN"):
        rows = reader.take("(", "ROWS", ")") or rows
        analyze = reader.take("ANALYZE") or analyze
        reader.take("QUERY", "PLAN")
    if rows and analyze:
        raise reader.fault("EXPLAIN (ROWS) writes nothing and ANALYZE does", hint="keep one of them")
    if reader.at >= reader.end:
        raise reader.fault("expected a statement after EXPLAIN")
    if reader.word() == "(":
        raise reader.fault(
            "expected a statement after EXPLAIN", hint="write EXPLAIN (ROWS) to list what a write writes"
        )
    first = reader.tokens[reader.at]
    text = reader.text[first.start :]
    return Explain(parse_piece(Piece(text, first.start, tuple(tokenize(text)))), analyze, rows)


def _use(reader: Reader) -> Body:
    """`USE provider`."""
    reader.take("USE")
    word = reader.identifier("a provider")
    reader.done()
    return Use(word)


def _registry(reader: Reader) -> Body:
    """`REGISTRY LIST [provider]` and `REGISTRY PULL provider [version]`."""
    reader.take("REGISTRY")
    action: Literal["list", "pull"] = "list" if reader.word() == "LIST" else "pull"
    if reader.word() not in ("LIST", "PULL"):
        raise reader.fault("expected LIST or PULL", hint="write it as: REGISTRY LIST, or REGISTRY PULL provider")
    reader.at += 1
    provider = reader.spaced("a provider") if action == "pull" or reader.at < reader.end else None
    version = reader.spaced("a version") if action == "pull" and reader.at < reader.end else None
    reader.done()
    return Registry(action, provider, version)


_VERBS: dict[str, Callable[[Reader], Body]] = {
    "SELECT": _select,
    "VALUES": _select,
    "WITH": _with,
    "INSERT": _insert,
    "REPLACE": _change,
    "UPDATE": _change,
    "DELETE": _delete,
    "EXEC": _exec,
    "EXPLAIN": _explain,
    "SHOW": read_show,
    "DESCRIBE": read_describe,
    "DESC": read_describe,
    "USE": _use,
    "REGISTRY": _registry,
}

_AFTER_WITH: dict[str, Callable[[Reader, Text | None], Body]] = {
    "SELECT": _select,
    "VALUES": _select,
    "INSERT": _insert,
    "REPLACE": _change,
    "UPDATE": _change,
    "DELETE": _delete,
}

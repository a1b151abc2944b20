"""Statements' texts into dataclasses, and what is said of those that cannot be read."""

from __future__ import annotations

import pytest

from engine.errors import StatementError, SyntaxFault, explain
from engine.language.dialect import parse_query, split
from engine.language.hints import Hint
from engine.language.parser import parse
from engine.language.statements import Call, Change, Delete, Describe, Explain, Insert, Registry, Select, Show, Use
from engine.language.text import cut, slice_of, splice, weave


@pytest.mark.parametrize(
    ("script", "texts"),
    [
        ("", []),
        (" ;; ", []),
        ("-- nothing\n/* at all */", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT ';' ; SELECT \";\"", ["SELECT ';'", 'SELECT ";"']),
        ("SELECT 1 -- a;b\n; /* c;d */ SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT 'it''s; ok';SELECT '--';", ["SELECT 'it''s; ok'", "SELECT '--'"]),
        ("SELECT 1\r\n;\r\nSELECT '\r\n'", ["SELECT 1", "SELECT '\r\n'"]),
        ("SELECT 1 --required,\n, 2", ["SELECT 1 --required,\n, 2"]),
        ("INSERT x 1 --required,\n2", ["INSERT x 1 ,          \n2"]),
        ("INSERT x 1 -- required ,\r\n2", ["INSERT x 1 ,             \n2"]),
        ("SELECT 1 --required,\n2", ["SELECT 1 --required,\n2"]),
        ("INSERT x 1 -- required, they say\n2", ["INSERT x 1 -- required, they say\n2"]),
        ("SELECT '--required,' 'x'", ["SELECT '--required,' 'x'"]),
        ("SELECT 'ü😀';SELECT 2", ["SELECT 'ü😀'", "SELECT 2"]),
    ],
)
def test_statements_are_parted_at_semicolons(script: str, texts: list[str]) -> None:
    pieces = list(split(script))
    assert [piece.text for piece in pieces] == texts
    for piece in pieces:
        assert script[piece.offset] == piece.text[0]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SELECT 1", Select),
        ("VALUES (1)", Select),
        ("WITH a AS (SELECT 1) SELECT * FROM a", Select),
        ("insert into p.s.r (a) values (1)", Insert),
        ("WITH a AS (SELECT 1) INSERT INTO p.s.r (x) SELECT * FROM a RETURNING *", Insert),
        ("REPLACE p.s.r SET a = 1 WHERE b = 2", Change),
        ("UPDATE p.s.r AS x SET a = 1, c = f(2, 3) WHERE b = 2 RETURNING a", Change),
        ("DELETE FROM p.s.r x WHERE x.a = 1", Delete),
        ("EXEC p.s.r.m @a = 1 @b = 'x', @@json = '{}'", Call),
        ("EXEC p.s.r.m", Call),
        ("EXPLAIN SELECT 1", Explain),
        ("EXPLAIN QUERY PLAN DELETE FROM p.s.r", Explain),
        ("SHOW PROVIDERS", Show),
        ("SHOW EXTENDED SERVICES IN p LIKE '%x'", Show),
        ("SHOW RESOURCES FROM p.s", Show),
        ("SHOW METHODS IN p.s.r", Show),
        ("REGISTRY LIST", Registry),
        ("REGISTRY LIST p", Registry),
        ("REGISTRY PULL p", Registry),
        ("DESCRIBE p.s.r", Describe),
        ("DESC EXTENDED p.s.r", Describe),
        ("DESCRIBE METHOD EXTENDED p.s.r.m", Describe),
        ("DESCRIBE EXTENDED METHOD p.s.r.m", Describe),
        ("USE p", Use),
    ],
)
def test_the_first_word_decides(text: str, kind: type) -> None:
    (statement,) = parse(text)
    assert isinstance(statement.body, kind)
    assert statement.text == text


def test_pieces_know_their_place() -> None:
    text = "UPDATE p.s.r SET a = upper(b), c = 2 WHERE d = 'x' RETURNING e AS f"
    change = parse(text)[0].body
    assert isinstance(change, Change)
    assert [(word.name, value.sql) for word, value in change.assignments] == [("a", "upper(b)"), ("c", "2")]
    assert change.where is not None
    assert change.returning is not None
    assert (change.where.sql, change.returning.sql) == ("d = 'x'", "e AS f")
    span = change.where.origin(0, 1)
    assert span is not None
    assert text[span.start : span.end] == "d"


def test_an_exec_in_a_from_is_lifted_out() -> None:
    select = parse("SELECT * FROM (EXEC p.s.r.m @a = (1 + 2)) x JOIN (exec p.s.r.n) y")[0].body
    assert isinstance(select, Select)
    assert select.query.sql == "SELECT * FROM _exec_0 x JOIN _exec_1 y"
    assert [str(call.target) for _, call in select.calls] == ["p.s.r.m", "p.s.r.n"]


def test_hints_stand_after_the_verb() -> None:
    assert parse("INSERT /*+ AWAIT */ INTO p.s.r (a) VALUES (1)")[0].hints == (Hint("AWAIT", "AWAIT"),)
    assert parse("SELECT /* plain */ 1")[0].hints == ()
    assert parse("EXEC /*+ await(timeout=30m), MAX_WRITES( 9 ) */ p.s.r.m")[0].hints == (
        Hint("AWAIT", "await(timeout=30m)", given={"timeout": "30m"}),
        Hint("MAX_WRITES", "MAX_WRITES( 9 )", "9"),
    )
    assert [hint.name for hint in parse("SELECT /*+ LEADING(a (b)) x */ 1")[0].hints] == ["LEADING(A (B)) X"]


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("/*+ A */ DELETE FROM p.s.r WHERE x = 1", ["A"]),
        ("DELETE FROM /*+ A */ p.s.r WHERE x = 1 /*+ B */; /*+ C */ SELECT 1 /*+ D */", ["A B", "C D"]),
        ("WITH x AS (SELECT 1) DELETE /*+ A */ FROM p.s.r WHERE x = 1;;\n-- and\n/*+ B */\nSELECT 1", ["A", "B"]),
        ("EXPLAIN /*+ A */ DELETE /*+ B */ FROM p.s.r WHERE x = 1", ["A B"]),
        ("SELECT 1 -- /*+ A */\n, '/*+ B */' -- + C\n/* + D */", [""]),
        ("SHOW INSERT INTO p.s.r /*+ REQUIRED */; SHOW PROVIDERS /*+ REQUIRED */", ["", "REQUIRED"]),
    ],
)
def test_hints_count_wherever_they_stand(script: str, names: list[str]) -> None:
    assert [" ".join(hint.name for hint in statement.hints) for statement in parse(script)] == names


def test_what_is_explained_has_the_hints_of_its_explain() -> None:
    (statement,) = parse("EXPLAIN /*+ A */ EXPLAIN /*+ B */ DELETE /*+ C */ FROM p.s.r WHERE x = 1 /*+ D */")
    assert isinstance(statement.body, Explain)
    assert [hint.name for hint in statement.body.statement.hints] == ["A", "B", "C", "D"]


def test_a_hint_behind_everything_is_for_nothing() -> None:
    with pytest.raises(SyntaxFault, match=r"MAX_WRITES\(1\) \*/ stands behind the last statement"):
        parse("DELETE FROM p.s.r WHERE x = 1; /*+ MAX_WRITES(1) */")


def test_what_a_page_was_copied_from_may_stand_in_strings_names_and_comments() -> None:
    text = "SELECT 'it\u2019s \u00a0 a::b' AS \"\u201ca\u201d\", 1 AS ilike /* \u00a0 */ , 'x' -- \u2019 \u200b"
    assert len(parse(text)) == 1


@pytest.mark.parametrize(
    ("text", "told", "underlined"),
    [
        ("FROB x", "a statement cannot begin with 'FROB'", "FROB"),
        ("SELCT 1", "did you mean SELECT?", "SELCT"),
        ("DROP TABLE x", "rows are deleted with DELETE FROM", "DROP"),
        ("commit", "there are no transactions", "commit"),
        ("\\d", "commands of the shell stand there alone", "\\"),
        ("SELECT \u2018web\u2019", "\u2018 is no quote of SQL", "\u2018"),
        ("SELECT 'it\u2019s' /* \u2019 */, a\u00a0b", "U+00A0 is no blank of SQL", "\u00a0"),
        ("SELECT 1\u200b", "U+200B is no blank of SQL", "\u200b"),
        ("SELECT '::', a::text", "there is no :: here", "::"),
        ("SELECT a FROM t WHERE a ILIKE 'x'", "there is no ILIKE here", "ILIKE"),
        ("(SELECT 1)", "a statement cannot begin with '('", "("),
        ("SELECT 'abc", "this string is never closed", "'"),
        ('SELECT "abc', "this name is never closed", '"'),
        ("SELECT /* abc", "this comment is never closed", "/"),
        ("SELECT [abc", "this name is never closed", "["),
        ("SELECT '' || 'x", "this string is never closed", "'"),
        ("SELECT -- ok\n `x", "this name is never closed", "`"),
        ("SELECT 1, x'zz'", "a blob is written in hexadecimal digits", "x'zz'"),
        ("SELECT '\udcff'", "half a character cannot stand in SQL", "\udcff"),
        ("SELECT 1 \x00", "a NUL character cannot stand in SQL", "\x00"),
        ("SELECT (1", "this parenthesis is never closed", "("),
        ("SELECT 1)", "this parenthesis closes nothing", ")"),
        ("DELETE FROM p.s.r WHERE a = 1) OR (b = 2", "this parenthesis closes nothing", ")"),
        ("INSERT OR REPLACE INTO p.s.r (a) VALUES (1)", "INSERT OR has no meaning for an API", "OR"),
        ("INSERT p.s.r (a) VALUES (1)", "expected INTO, found 'p'", "p"),
        ("INSERT INTO p.s.r VALUES (1)", "expected the list of columns", "VALUES"),
        ("INSERT INTO p.s.r (a b) VALUES (1)", "expected , or ) in the list of columns", "b"),
        ("INSERT INTO p.s.r (a, A) VALUES (1, 2)", "A is given twice", "A"),
        ("INSERT INTO p.s.r (a) DEFAULT VALUES", "expected VALUES or SELECT", "DEFAULT"),
        ("INSERT INTO p.s.r (a)", "expected VALUES or SELECT, found the end of the statement", ")"),
        ("INSERT INTO p.s.r ('a') VALUES (1)", "expected a column", "'a'"),
        ("INSERT INTO p.s.r (a) VALUES (1) RETURNING", "expected a column after RETURNING", "RETURNING"),
        ("REPLACE INTO p.s.r (a) VALUES (1)", "REPLACE takes the resource at once", "INTO"),
        ("REPLACE p.s.r WHERE a = 1", "expected SET", "WHERE"),
        ("REPLACE p.s.r SET WHERE a = 1", "expected column = value", "WHERE"),
        ("REPLACE p.s.r SET a 1 WHERE a = 1", "expected =", "1"),
        ("REPLACE p.s.r SET a = WHERE a = 1", "expected a value", "WHERE"),
        ("REPLACE p.s.r SET a = 1, WHERE a = 1", "expected column = value after the comma", "WHERE"),
        ("UPDATE p.s.r SET a = 1 FROM x WHERE a = 1", "UPDATE takes no FROM", "FROM"),
        ("DELETE p.s.r", "expected FROM", "p"),
        ("DELETE FROM p.s.r WHERE a = 1 ORDER BY a", "DELETE takes no ORDER", "ORDER"),
        ("DELETE FROM p.s.r USING x WHERE a = 1", "DELETE takes no USING", "USING"),
        ("DELETE FROM p.s.r AS WHERE a = 1", "the statement should end here", "a"),
        ("EXEC p.s.r.m a = 1", "expected @name = value", "a"),
        ("EXEC p.s.r.m @a", "expected = after @a", "a"),
        ("EXEC p.s.r.m @a =", "expected a value for @a", "="),
        ("EXEC p.s.r.m @a = 1, @A = 2", "A is given twice", "A"),
        ("EXEC p.s.r.m @@body = '{}'", "@@body is not known", "body"),
        ("EXEC p.s.r.m @@json = '{}', @@json = '{}'", "the body is given once", "json"),
        ("EXPLAIN", "expected a statement after EXPLAIN", "EXPLAIN"),
        ("EXPLAIN FROB", "a statement cannot begin with 'FROB'", "FROB"),
        ("WITH a AS (SELECT 1) FROB", "expected SELECT, VALUES, INSERT", "FROB"),
        ("SHOW TABLES", "expected PROVIDERS, SERVICES, RESOURCES, METHODS or INSERT", "TABLES"),
        ("SHOW METHODS", "write it as: SHOW METHODS IN linode.images.images", "METHODS"),
        ("SHOW METHODS IN p.s.r LIKE x", "expected a pattern in quotes after LIKE", "x"),
        ("SHOW PROVIDERS please", "the statement should end here", "please"),
        ("USE", "expected a provider", "USE"),
        ("REGISTRY", "expected LIST or PULL", "REGISTRY"),
        ("REGISTRY LST p", "write it as: REGISTRY LIST, or REGISTRY PULL provider", "LST"),
        ("REGISTRY PULL", "expected a provider", "PULL"),
        ("REGISTRY LIST p v1", "the statement should end here", "v1"),
        ("SELECT * FROM (EXEC p.s.r.m @a 1) x", "expected = after @a", "1"),
    ],
)
def test_what_cannot_be_read_is_underlined(text: str, told: str, underlined: str) -> None:
    with pytest.raises(StatementError) as raised:
        parse(f"{text}")
    assert told in explain(raised.value)
    span = raised.value.span
    assert span is not None
    assert (raised.value.statement or "")[span.start : span.end].startswith(underlined)


@pytest.mark.parametrize(
    ("query", "told", "underlined"),
    [
        ("SELECT a FROM", "the statement ends too early, after 'FROM'", "FROM"),
        ("SELECT a FROM t WHERE", "the statement ends too early, after 'WHERE'", "WHERE"),
        ("SELECT a b c FROM t", "cannot read the statement at 'c'", "c"),
        ("SELECT f(a b) FROM t", "a parenthesis is not closed here", "b"),
        ("SELECT 1 SELECT 2", "cannot read the statement at 'SELECT'", "SELECT"),
        ("DELETE FROM t", "expected a query", "DELETE FROM t"),
    ],
)
def test_a_query_that_cannot_be_read_is_underlined(query: str, told: str, underlined: str) -> None:
    with pytest.raises(SyntaxFault) as raised:
        parse_query(weave("/* ours */ ", slice_of(query, 0, len(query))))
    assert told in str(raised.value)
    span = raised.value.span
    assert span is not None
    assert query[span.start : span.end] == underlined


def test_a_fault_in_a_script_runs_nothing_and_keeps_the_script() -> None:
    with pytest.raises(SyntaxFault) as raised:
        parse("SELECT 1;\nSELECT 'x")
    assert "line 2, column 8" in explain(raised.value)


def test_text_that_is_ours_has_no_origin() -> None:
    woven = weave("a", slice_of("xyz", 1, 2), "b")
    assert woven.sql == "ayb"
    assert woven.origin(0, 1) is None
    assert woven.origin(1, 2) == woven.origin(1, 3)
    assert not weave("  ")
    assert cut(woven, 1, 2).origin(0, 1) == woven.origin(1, 2)
    assert splice(woven, [(2, 3, "!")]).sql == "ay!"


@pytest.mark.parametrize("query", ["SELECT ->> 1", "SELECT datetime(``)", "SELECT " + "(" * 800 + "1" + ")" * 800])
def test_what_the_parser_stumbles_over_is_a_fault_of_the_statement(query: str) -> None:
    with pytest.raises(SyntaxFault):
        parse_query(slice_of(query, 0, len(query)))


def test_an_explanation_of_explanations_is_one() -> None:
    (statement,) = parse("EXPLAIN " * 400 + "ANALYZE SELECT 1")
    assert isinstance(statement.body, Explain)
    assert isinstance(statement.body.statement.body, Select)
    assert statement.body.analyze


@pytest.mark.parametrize(
    ("written", "provider", "version"),
    [
        ("linode", "linode", None),
        ("digital-ocean v24.11.00274", "digital-ocean", "v24.11.00274"),
        ("googleapis.com 1.0.0-beta.2 -- the last", "googleapis.com", "1.0.0-beta.2"),
        ("\"select\" 'v1 x'", "select", "v1 x"),
    ],
)
def test_a_registry_is_asked_by_names_as_registries_have_them(
    written: str, provider: str, version: str | None
) -> None:
    (statement,) = parse(f"REGISTRY PULL {written};")
    assert isinstance(statement.body, Registry)
    assert statement.body.provider is not None
    assert statement.body.provider.name == provider
    assert (statement.body.version.name if statement.body.version else None) == version

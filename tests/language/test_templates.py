"""Templates: what a value becomes follows from where it stands, and no value can change that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import TokenType

from engine.errors import Source, StratoqlError, UsageError, explain
from engine.language.dialect import split, tokenize
from engine.language.given import Allowed, Unset
from engine.language.pieces import Rendered
from engine.language.template import render
from tests.statements.fixtures import cases


def no_file(path: str) -> str:
    raise UsageError(f"cannot read {path}: No such file or directory")


def rendered(text: str, **values: Any) -> Rendered:
    return render(Source(text, "a.iql"), values, no_file)


def fill(text: str, **values: Any) -> str:
    return rendered(text, **values).text


def fault(text: str, **values: Any) -> str:
    with pytest.raises(StratoqlError) as raised:
        fill(text, **values)
    return explain(raised.value)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        # in a string
        ("'{{ x }}'", {"x": 'it\'s "me"'}, "'it''s \"me\"'"),
        ("'a {{ x }} b'", {"x": "'; DROP"}, "'a ''; DROP b'"),
        ("'{{ x }}'", {"x": 2}, "'2'"),
        ("'{{ x }}'", {"x": True}, "'true'"),
        ("'{{ x }}'", {"x": ["it's", 1]}, "'[\"it''s\", 1]'"),
        ("'{{ x }}'", {"x": {"k": None}}, "'{\"k\": null}'"),
        ("'{{ x }}'", {"x": None}, "NULL"),
        ("label LIKE '{{ x }}%'", {"x": "50%_"}, "label LIKE '50%_%'"),
        ("'[{{ x }}]*' '[a-z]{{ x }}'", {"x": "'"}, "'['']*' '[a-z]'''"),
        # in JSON in a string
        ("""'{"a": "{{ x }}"}'""", {"x": 'it\'s "me"\\\n'}, """'{"a": "it''s \\"me\\"\\\\\\n"}'"""),
        ("""'{"a": "web-{{ x }}"}'""", {"x": '"'}, """'{"a": "web-\\""}'"""),
        ("""'{"a": "{{ x }}"}'""", {"x": ["it's"]}, """'{"a": ["it''s"]}'"""),
        ("""'{"a": "{{ x }}"}'""", {"x": {"k": [True]}}, """'{"a": {"k": [true]}}'"""),
        ("""'{"a": "{{ x }}"}'""", {"x": None}, """'{"a": null}'"""),
        ("""'{"a": "{{ x }}"}'""", {"x": 7}, """'{"a": "7"}'"""),
        ("""'{"a": {{ x }}}'""", {"x": False}, """'{"a": false}'"""),
        ("""'{"a": {{ x }}}'""", {"x": ["'"]}, """'{"a": [\"''\"]}'"""),
        ("""'{"a": {{ x }}}'""", {"x": 'b", "c": "d'}, """'{"a": "b\\", \\"c\\": \\"d"}'"""),
        ("""'{"a": {{ x | tojson }}}'""", {"x": ["it's"]}, """'{"a": ["it''s"]}'"""),
        ("""'["{{ x }}", "{{ y }}"]'""", {"x": "a", "y": [1]}, """'["a", [1]]'"""),
        ("""'{"{{ x }}": 1}'""", {"x": 'k"'}, """'{"k\\"": 1}'"""),
        ("EXEC m @@json = '{{ x }}'", {"x": {"k": "it's"}}, "EXEC m @@json = '{\"k\": \"it''s\"}'"),
        # bare
        ("{{ x }}", {"x": 12}, "12"),
        ("5-{{ x }}", {"x": -1}, "5- -1"),
        ("{{ x }}", {"x": 1.5}, "1.5"),
        ("{{ x }}", {"x": True}, "TRUE"),
        ("{{ x }}", {"x": None}, "NULL"),
        ("{{ x }}", {"x": ["it's"]}, "'[\"it''s\"]'"),
        ("WHERE {{ x }}", {"x": "label = 'a' AND size > 1"}, "WHERE label = 'a' AND size > 1"),
        ("{{ x | literal }}", {"x": "it's"}, "'it''s'"),
        ("'{{ x | literal }}'", {"x": "it's"}, "'it''s'"),
        ("{{ x | literal }}{{ x | literal }}", {"x": "a"}, "'a' 'a'"),
        ("{{ x | identifier }}", {"x": 'a"b'}, '"a""b"'),
        ("{{ x | identifier }}", {"x": ["linode", "images"]}, '"linode"."images"'),
        ("{{ x | tojson }}", {"x": {"k": "it's"}}, "'{\"k\": \"it''s\"}'"),
        ("({{ x | map('literal') | join(', ') }})", {"x": ["it's", 2]}, "('it''s', 2)"),
        ("alias_{{ x }}", {"x": 3}, "alias_3"),
        # in a quoted name, in a comment
        ('"{{ x }}"', {"x": 'a"b'}, '"a""b"'),
        ("`{{ x }}`", {"x": "a`b"}, "`a``b`"),
        ("[{{ x }}]", {"x": "a b"}, "[a b]"),
        ("1 -- {{ x }}\n", {"x": "a\nDELETE"}, "1 -- a DELETE\n"),
        ("1 /* {{ x }} */", {"x": "*/ DELETE /*"}, "1 /* * / DELETE /* */"),
        ("1 -- {{ nobody.knows }}", {}, "1 -- "),
        # what stays as it is
        ("{% raw %}'{{ x }}'{% endraw %}", {}, "'{{ x }}'"),
        ("'{{ x }}'", {"x": "{{ y }} {% z %}"}, "'{{ y }} {% z %}'"),
        ("'{{ '{{' }}'", {}, "'{{'"),
        ("'a;\r\n{{ x }}'\r\n", {"x": "b\r\n"}, "'a;\r\nb\r\n'\r\n"),
        ("{# a remark #}1", {}, "1"),
        # the language of templates
        ("{% for i in x %}{{ i }}{{ ', ' if not loop.last }}{% endfor %}", {"x": [1, 2]}, "1, 2"),
        ("{{ x.items }} {{ x['k'] }} {{ x.y | default('1') }}", {"x": {"items": 3, "k": 4}}, "3 4 1"),
        (
            "{% macro m(v) %}a = '{{ v }}'{% endmacro %}{{ m(x) }} {{ m(x) | upper }}",
            {"x": "o'b"},
            "a = 'o''b' A = 'O''B'",
        ),
        ("{% set s %}web-{{ x }}{% endset %}'{{ s }}'{% if s == 'web-1' %}!{% endif %}", {"x": 1}, "'web-1'!"),
        ("{% macro m(v) %}it's {{ v }}{% endmacro %}'{{ m(x) }}'", {"x": "o'b"}, "'it''s o''b'"),
        ("{% set s %}it's {{ x }}{{ y }}{% endset %}'{{ s | upper }}'", {"x": "o'b", "y": 7}, "'IT''S O''B7'"),
        ("{% set s | upper %}a '{{ x }}' {{ y }}{% endset %}'{{ s }}'", {"x": "o'b", "y": True}, "'A ''O''B'' TRUE'"),
        (
            "{% set s %}{{ x }}, {{ y }}{% endset %}'{{ s }}' '{{ s | trim }}'",
            {"x": ["a'"], "y": True},
            "'[\"a''\"], true' '[\"a''\"], true'",
        ),
        ("{% set s | trim %} {{ x }}{% endset %}{{ s }} '{{ s }}'", {"x": ["a'"]}, "'[\"a''\"]' '[\"a''\"]'"),
        ("{% set s %}{{ x }}{% endset %}{{ s | length }} {{ s | trim | upper }}", {"x": True}, "4 TRUE"),
        ("'{{ m | map('trim') | join }}'", {"m": [" a'", "b "]}, "'a''b'"),
        ("{% set s %}'{{ x }}'{% endset %}{{ [s] | map('upper') | first }}", {"x": "ab"}, "'AB'"),
        (
            "{{ x | default(99999999) }} '{{ '%d 99999999999' % 99999999 }}'",
            {},
            "99999999 '99999999 99999999999'",
        ),
        ("'{{ '{}'.format(99999999) }}{{ '-' * 3 }}{{ 7 % 4 }}{{ 2 ** 8 }}'", {}, "'99999999---3256'"),
        (
            "{% for t in x recursive %}'{{ t.n }}'{% if t.c %} + ({{ loop(t.c) }}){% endif %}{% endfor %}",
            {"x": [{"n": "a!", "c": [{"n": "b", "c": []}]}]},
            "'a!' + ('b')",
        ),
        (
            "'[{{ x }}]' || 'a' || '[{{ x }}]' LIKE '[{{ x }}]' GLOB '[{{ x }}]'",
            {"x": "b"},
            "'[b]' || 'a' || '[b]' LIKE '[b]' GLOB '[b]'",
        ),
        ("{% filter upper %}a = '{{ x }}'{% endfilter %}", {"x": "o'b"}, "A = 'O''B'"),
        ("{% macro m() %}({{ caller() }}){% endmacro %}{% call m() %}'{{ x }}'{% endcall %}", {"x": "'"}, "('''')"),
        ("{% block b %}'{{ x }}'{% endblock %}||{{ self.b() }}", {"x": "'"}, "''''||''''"),
        ("{{ range(2) }} {{ x | map('upper') }}", {"x": ["a"]}, "'[0, 1]' '[\"A\"]'"),
        ("{{ 'a' if false }}1", {}, "1"),
    ],
)
def test_a_value_is_spelled_for_its_place(text: str, values: dict[str, Any], expected: str) -> None:
    assert fill(text, **values) == expected


@pytest.mark.parametrize(
    ("text", "values", "told"),
    [
        ("SELECT 1;\n {% if x %}2{% for a in x %}{% endfor %}", {"x": 1},
         "error: this if is never closed\na.iql:2:2:\n   {% if x %}2{% for a in x %}{% endfor %}\n   ^^^^^^^^^^\n"
         "hint: write {% endif %} where it ends"),
        ("{% for a in [1] %}\n{% endif %}", {},
         "error: endif does not belong here: the for of a.iql:1:1 is still open\na.iql:2:4:\n  {% endif %}\n"
         "     ^^^^^\nhint: close it first, with {% endfor %}"),
        ("{% set a %}b", {}, "this set is never closed"),
        ("{% set a = 1 %}{% endset %}", {}, "error: this endset closes nothing\na.iql:1:19:"),
        ("{% iff x %}", {}, "unknown tag 'iff'\na.iql:1:4:\n  {% iff x %}\n     ^^^\nhint: text that holds {{"),
        ("{{ x + }}", {"x": 1}, "unexpected 'end of print statement'\na.iql:1:1:\n  {{ x + }}\n  ^^^^^^^^^"),
        ("SELECT '[{{ x }}]'", {"x": "a"}, "nobody can say whether the text in brackets around it is JSON"),
        # beyond measure
        (2 * "{% for i in range(99999) %}" + 2 * "{% endfor %}", {},
         "error: the template goes on for more than 1,000,000 steps\na.iql:1:1:\n"),
        ("{% macro m(n) %}{% if n %}{% set a = m(n - 1) ~ m(n - 1) %}{% endif %}{% endmacro %}{{ m(40) }}", {},
         "the template goes on for more than 1,000,000 steps"),
        ("1;\n{% for i in range(99999) %}{{ x * 1000 }}{% endfor %}", {"x": "a"},
         "error: the template makes more than 10 MB of text\na.iql:2:28:"),
        ("{% set n = namespace(a='a') %}{% for i in range(60) %}{% set n.a = n.a ~ n.a %}{% endfor %}", {}, "10 MB"),
        ("{% set n = namespace(a='a') %}{% for i in range(60) %}{% set n.a = n.a + n.a %}{% endfor %}", {}, "10 MB"),
        ("{{ 'a' * 99999999999 }}", {}, "makes more than 10 MB of text"),
        ("{{ 99999999999 * [1] }}", {}, "makes more than 10 MB of text"),
        ("{{ '%099999999999d' % 1 }}", {}, "makes more than 10 MB of text"),
        ("{{ 'a'.ljust(99999999999) }}", {}, "makes more than 10 MB of text"),
        ("{{ 'a' | center(99999999999) }}", {}, "makes more than 10 MB of text"),
        ("{{ 9 ** 999999 }}", {}, "makes a number beyond measure"),
        ("{{ range(999999) | list }}", {}, "Range too big"),
        ("SELECT {{ lable }}", {"label": 1},
         "lable is not defined\na.iql:1:8:\n  SELECT {{ lable }}\n         ^^^^^^^^^^^\n"
         "hint: did you mean label? known names: label"),
        ("SELECT\n\t{{ zzz | upper }}", {"label": 1},
         "a.iql:2:2:\n  \t{{ zzz | upper }}\n  \t^^^^^^^^^^^^^^^^^\nhint: known"),
        ("{% if zzz %}{% endif %}", {},
         "a.iql:1:1:\n  {% if zzz %}{% endif %}\n  ^^^^^^^^^^^^\nhint: give it with --var"),
        ("{% for a in zzz %}{% endfor %}", {}, "zzz is not defined"),
        ("{{ x.y.z }}", {"x": {"k": 1}}, "there is no y in this object\n"),
        ("{{ x.y }}", {"x": 1}, "there is no y in a number"),
        ("{{ x == zzz }}", {"x": 1}, "zzz is not defined"),
        ("{% set a %}{{ zzz }}{% endset %}{{ a | trim }}", {}, "a.iql:1:12:"),
        ("{{ x }}", {"x": Unset("x is not filled in", "give it one")}, "error: x is not filled in\n"),
        ("{% for v in o.values() %}{{ v }}{% endfor %}", {"o": {"x": Unset("not filled in", "")}}, "not filled in"),
        ("{{ o.x }}", {"o": {"x": Unset("x is not filled in", "give it one")}}, "hint: give it one"),
        ("{{ env.HOME }}", {"env": Allowed((), {"HOME": "/root"})}, "hint: allow it with --allow-env HOME"),
        ("{{ env.A }}", {"env": Allowed(("A",), {})}, "the environment variable A is not set"),
        ("{{ x }}", {"x": "a'"}, "{{ x }} does not fit here: it is SQL text here, and opens a quote or comment"),
        ("{{ x }}", {"x": "a --"}, "opens a quote or comment that it does not close"),
        ("{{ x }}", {"x": "1; DELETE FROM t"}, "it is SQL text here, and ends the statement\n"),
        ("{{ x }}", {"x": "1) OR (1 = 1"}, "closes a parenthesis that it does not open"),
        ("{{ x }}", {"x": "f(1"}, "opens a parenthesis that it does not close"),
        ("{{ x }}", {"x": float("inf")}, "inf is no number that can be sent"),
        ("'{{ x }}'", {"x": "\x00"}, "it holds a NUL character"),
        ("'{{ x }}'", {"x": "\udcff"}, "it holds half a character"),
        ("'a{{ x }}'", {"x": None}, "it is null, which cannot be part of a text"),
        ("""'{"a": "b{{ x }}"}'""", {"x": [1]}, "a list cannot be part of a text"),
        ("""'{"{{ x }}": 1}'""", {"x": {}}, "an object cannot be part of a text"),
        ('"{{ x }}"', {"x": None}, "null cannot be a name"),
        ("[{{ x }}]", {"x": "]"}, "a name in brackets cannot hold a ]"),
        ("{{ range }}", {}, "{{ range }} is not a value"),
        ("SELECT '{{' || 1", {}, "cannot read the template: unexpected char \"'\"\na.iql:1:9:"),
        ("SELECT '{# '", {}, "a.iql:1:9:\n  SELECT '{# '\n          ^\nhint: text that holds {{, {% or {#"),
        ("{{ 1 | nofilter }}", {}, "No filter named 'nofilter'\na.iql:1:1:"),
        ("1;\r\n  {% iff %}", {}, "a.iql:2:6:\n    {% iff %}\n       ^^^\n"),
        ("{{ x + 'a' }}", {"x": 1}, "cannot fill in the template: unsupported operand"),
        ("{{ ''.__class__ }}", {}, "a template may not use __class__"),
        ("{{ x.append(1) }}", {"x": []}, "a template may not"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", {}, "the template goes on without end"),
        ("{% include 'b.iql' %}", {}, "cannot include b.iql: cannot read b.iql: No such file"),
        ("{% include '/etc/passwd' %}", {}, "cannot include /etc/passwd: an include is relative"),
        ("EXEC m @@json = '{\"a\": \"{{ x }}\"'", {"x": 1}, "the JSON around this cannot be read"),
        ("""SELECT '{"a": "{{ x }}"}''{"a": 1}'""", {"x": 1},
         "error: two strings touch here: SQL reads them as one, with a quote where they meet, and that is no JSON\n"
         "a.iql:1:16:\n  SELECT '{\"a\": \"{{ x }}\"}''{\"a\": 1}'\n                 ^^^^^^^\n"
         "hint: put a comma, a space or || between them"),
        ("SELECT '{{ x }}", {"x": 1}, "this string is never closed\na.iql:1:8:"),
    ],
)  # fmt: skip
def test_faults_are_placed_in_the_script(text: str, values: dict[str, Any], told: str) -> None:
    assert told in fault(text, **values)


def test_includes_are_relative_and_place_their_own_faults() -> None:
    files = {"jobs/common/b.iql": "'{{ x }}'\n{% include '../c.iql' %}", "jobs/c.iql": "\n  {{ nobody }}"}
    with pytest.raises(StratoqlError) as raised:
        render(Source("{% include 'common/b.iql' %}", "jobs/a.iql"), {"x": "'"}, files.__getitem__)
    assert "jobs/c.iql:2:3:\n    {{ nobody }}\n" in explain(raised.value)
    files["jobs/c.iql"] = "{{ y }}"
    found = render(Source("-- {% include 'common/b.iql' %}", "jobs/a.iql"), {"x": "'", "y": 1}, files.__getitem__)
    assert found.text == "-- '''\n1"


# For any text, a statement differs from its template's in that literal and in nothing else.

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12) | st.text(
    "'\"\\;-/*`[]{}%#\n\r x0é😀", max_size=12
)
PLACES = (
    ("'{{ x }}'", lambda x: x),
    ("'a''{{ x }} b'", lambda x: f"a'{x} b"),
    ("x.y || '{{ x }}' -- '", lambda x: x),
    ("{{ x | literal }}", lambda x: x),
    ("{% set y = x %}'{{ y }}'", lambda x: x),
    ("{% macro m(v) %}'{{ v }}'{% endmacro %}{{ m(x) }}", lambda x: x),
    ("{% macro m(v) %}'{{ v }}'{% endmacro %}{{ m(x) | replace('~', '~') }}", lambda x: x),
)


def shape(text: str) -> list[tuple[TokenType, str]]:
    return [(token.token_type, token.text) for token in tokenize(text)]


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.sampled_from(PLACES))
def test_a_text_stays_in_its_literal(value: str, place: tuple[str, Any]) -> None:
    part, expected = place
    template = f"SELECT {part}, 'b' FROM t; DELETE FROM u WHERE v = '{{{{ x }}}}'"
    kept = shape(fill(template, x=""))
    found = shape(fill(template, x=value))
    assert len(found) == len(kept)
    changed = {n for n, (one, other) in enumerate(zip(kept, found, strict=True)) if one != other}
    texts = [n for n, (kind, _) in enumerate(kept) if kind is TokenType.STRING]
    first, last = texts[0], texts[-1]
    assert changed <= {first, last}
    assert found[first][1] == expected(value)
    assert found[last][1] == value


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS)
def test_a_text_stays_in_its_json_string(one: str, other: str) -> None:
    template = (
        """EXEC p.s.r.m @@json = '{"a": "{{ x }}", "b''s": ["pre {{ y }} {{ x }}", {{ y }}], "k{{ x }}": {{ l }}}'"""
    )
    *_, (kind, text) = shape(fill(template, x=one, y=other, l=[one]))
    assert kind is TokenType.STRING
    assert json.loads(text) == {"a": one, "b's": [f"pre {other} {one}", other], f"k{one}": [one]}


@settings(max_examples=100, deadline=None)
@given(TEXTS.filter(bool))
def test_a_text_stays_in_its_name(value: str) -> None:
    kept = shape(fill('SELECT "{{ x }}", `{{ x }}`, {{ x | identifier }} FROM t', x="a"))
    found = shape(fill('SELECT "{{ x }}", `{{ x }}`, {{ x | identifier }} FROM t', x=value))
    assert found == [(kind, value if text == "a" else text) for kind, text in kept]


JSON = """'{"a": "{{ x }}", "b": ["{{ y }} {{x}}"]}'"""
FRAGMENTS = (
    *(
        "'{{ x }}'",
        "'a {{ x }} b {{ y }}'",
        '"{{ x }}"',
        "`{{ y }}`",
        "-- {{ x }}\n",
        "/* {{ y }} */",
        "{{ n }}",
        "{{ l }}",
    ),
    *("-", "/", "*", "(", ")", " ", "\r\n", ";", "abc", "1", "'it''s'", "{% raw %}'{{ x'{% endraw %}"),
    *("{{ x | literal }}", "{{ m(x) }}", "'{{ t(x) }}'", "{{ m(y) | replace('~', '~') }}", "{{ c }}", "'{{ c }}'"),
    *(JSON, """'{"q": {{ l }}, "z": {{ x }}, "w": {{ n }}}'"""),
    *("{% set z = y ~ x %}'{{ z }}'", "{%- if x %} '{{ y }}' {%- endif %}", "x'{{ n }}0'", "[{{ n }}]"),
)
MACROS = (
    "{% macro m(v) %}'{{ v }}'{% endmacro %}{% macro t(v) %}it's {{ v }}{% endmacro %}"
    "{% set c %}'{{ x }}{{ y }}'{% endset %}"
)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=8), TEXTS.filter(bool), TEXTS.filter(bool))
@example([JSON], "0", "\x1f")
@example([JSON], "0", '"')
@example([JSON, JSON], "0", "\x1f")
@example([JSON, """'{"q": {{ l }}, "z": {{ x }}, "w": {{ n }}}'"""], "0", '"')
@example(["{% raw %}'{{ x'{% endraw %}", JSON], '"', "0")
def test_no_value_changes_what_stands_around_it(parts: list[str], one: str, other: str) -> None:
    template = MACROS + "".join(parts)
    try:
        kept = [kind for kind, _ in shape(fill(template, x="ab", y="cd", n=7, l=["q"]))]
    except StratoqlError:
        return  # it is no template of anything
    found = fill(template, x=one, y=other, n=7, l=[one, {"k": other}])
    assert [kind for kind, _ in shape(found)] == kept


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_a_text_stays_in_its_comment(value: str) -> None:
    found = shape(fill("SELECT 1 -- {{ x }}\n, 2 /* {{ x }} */, 3 /* {{ y }} */", x=value, y=[value]))
    assert found == shape("SELECT 1, 2, 3")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(["a 'b;' ", "\r\n", "{{ x }}", "'{{ y }}' ", "'{{ n }}' ", "-- {{ x }}\n", "é😀 "]),
        max_size=12,
    )
)
def test_every_character_knows_where_it_was_written(parts: list[str]) -> None:
    source = "".join(parts)
    found = rendered(source, x=-1, y="it's", n=None)
    for at, character in enumerate(found.text):
        place = found.place(at, at + 1)
        written = source[place.span.start : place.span.end]
        assert written == character or written.startswith("{{"), (at, character, written)


def test_a_statement_cut_out_of_a_script_is_the_same_statement() -> None:
    for case in cases():
        try:
            pieces = list(split(case.sql))
        except StratoqlError:
            continue
        for piece in pieces:
            assert [again.text for again in split(piece.text)] == [piece.text]


# What is made of a secret is one

SECRETS = {"env": Allowed(("KEY",), {"KEY": "s3cr3t-value"}), "api_key": "another-one", "label": "web"}


@pytest.mark.parametrize(
    "text",
    [
        "'{{ env.KEY }}'",
        "'{{ api_key }}'",
        "'{{ env.KEY | upper }}'",
        "'{{ env['KEY'][:3] }}'",
        "{% set a = 'x' ~ env.KEY %}{% set b = a | reverse %}'{{ b }}'",
        "{% set a %}{{ api_key | lower }}{% endset %}'{{ a | title }}'",
        "{% for c in env.KEY %}'{{ c }}'{% endfor %}",
        "{% for k, v in env | dictsort %}'{{ v }}'{% endfor %}",
        "{% with a = api_key | length %}{{ a }}{% endwith %}",
        "{% macro m(v) %}'{{ v | upper }}'{% endmacro %}{{ m(env.KEY) }}",
        "{% macro m() %}'{{ env.KEY | upper }}'{% endmacro %}{{ m() | trim }}",
        "{% set n = namespace() %}{% set n.a = env.KEY | upper %}'{{ n.a }}'",
    ],
)
def test_what_is_made_of_a_secret_is_a_secret(text: str) -> None:
    from engine.wire.masking import secret_name

    found = render(Source(text + " '{{ label }}'"), SECRETS, no_file, secret_name)
    shown = found.masked(0, len(found.text), lambda value: value.secret)
    assert set(shown.replace("'", " ").split()) == {"***", "web"}


def test_an_included_file_is_read_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def read(path: str) -> str:
        asked.append(path)
        return "{{ x }}"

    text = "{% for x in [1, 2] %}{% include 'b.iql' %}{% endfor %}"
    assert render(Source(text), {}, read).text == "12"
    assert asked == ["b.iql"]


COMMAS = """'[{% for t in tags %}"{{ t }}"{{ ", " if not loop.last }}{% endfor %}]'"""


def test_what_looks_like_json_and_is_none_takes_no_quotes() -> None:
    assert fill(COMMAS, tags=["a", "it's"]) == """'["a", "it''s"]'"""
    told = fault(COMMAS, tags=["a", 'b", "c'])
    assert "{{ t }} does not fit here: the text around it looks like JSON and is none" in told
    assert "hint: write the whole as one value: {{ ... | tojson }}" in told


@pytest.mark.parametrize(
    "text",
    [
        "{{ [nope] | tojson }}",
        "{{ {'a': nope} | literal }}",
        "{{ nope | abs }}",
        "{{ range(nope) }}",
        "{{ nope | tojson }}",
    ],
)
def test_an_unknown_name_is_told_wherever_it_is(text: str) -> None:
    told = fault(text, label="x")
    assert "error: nope is not defined" in told
    assert "known names: label" in told


def test_a_value_that_is_not_filled_in_is_told_wherever_it_is() -> None:
    images = {"label": Unset("label is not filled in", "give it"), "tags": ["a"]}
    for text in ("'{{ images.values() | join(',') }}'", "{{ images | tojson }}", "'{{ images.label ~ 'x' }}'"):
        assert "error: label is not filled in" in fault(text, images=images)


def test_null_stays_apart_from_words() -> None:
    assert fill("SELECT'{{ n }}'AS a", n=None) == "SELECT NULL AS a"
    assert fill("('{{ n }}')", n=None) == "(NULL)"


def test_what_html_needs_is_not_here() -> None:
    assert fill("'{\"tags\": {{ tags | tojson | safe }}}'", tags=["a"]) == """'{"tags": ["a"]}'"""
    assert "No filter named 'e'" in fault("'{{ x | e }}'", x="<")


def test_infinite_numbers_are_told() -> None:
    assert "inf is no number that can be sent" in fault("{{ x | literal }}", x=float("inf"))

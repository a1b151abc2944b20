"""Scripts through the command line: order, errors in their place, accounts, dry runs, secrets."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from engine.cli import main
from tests.cli.fakes import Answer, FakeSession, rows

IMAGES = "linode.images.images"


@pytest.fixture(autouse=True)
def _a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STRATOQL_CONFIG", os.devnull)
    monkeypatch.chdir(tmp_path)


def write(name: str, text: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(text.encode())
    return name


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main([*argv, "--sandbox", "-o", "csv", "-H"])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_script_is_filled_in_and_run(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", "SELECT '{{ who }}', {{ n }}, '{{ l }}';\r\n{% for i in l %}SELECT {{ i }};{% endfor %}")
    write("a.yaml", "who: O'Brien\nl: [1, 2]\n")
    for argv in (["run", "a.iql"], ["exec", "-i", "a.iql"], ["-i", "a.iql"]):
        given = [*argv, "-q", "a.yaml", "--var", "n=7"]
        assert run(capsys, *given) == (0, 'O\'Brien,7,"[1, 2]"\n1\n2\n', "")


@pytest.mark.parametrize("argv", [["run", "-"], ["exec", "-i", "-"], []])
def test_standard_input_includes_from_here(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write("lib/b.iql", "SELECT '{{ x }}'")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{% include 'lib/b.iql' %};")))
    assert run(capsys, *argv, "--var", "x=a b") == (0, "a b\n", "")


def test_what_is_typed_is_a_template_where_data_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "exec", "SELECT '{{ x }}'") == (0, "{{ x }}\n", "")
    assert run(capsys, "exec", "SELECT '{{ x }}'", "--var", "x=1") == (0, "1\n", "")
    code, out, err = run(capsys, "exec", "SELECT 1;\nSELECT {{ x }} + n", "--var", "x=1", "--dryrun")
    assert (code, out) == (1, '"line 1, column 1: statement 1 of 2"\n  SELECT 1\noutput: SELECT 1\n')
    assert err.endswith("\n  statement 1 (line 1): was planned\n  statement 2 (line 2): failed\n")
    code, out, err = run(capsys, "exec", "SELECT\n'{{ y }}'", "--var", "x=1")
    assert (code, out) == (1, "")
    assert err.startswith("error: y is not defined\nline 2, column 2:\n  '{{ y }}'\n")


@pytest.mark.parametrize(
    ("variable", "value"),
    [("x=7", "7"), ("x=true", "1"), ("x=null", ""), ("x='NO'", '"NO"'), ("x='#a: b'", '"#a: b"')],
)
def test_variables_are_typed_as_in_yaml(variable: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "exec", "SELECT {{ x | tojson }}", "--var", variable)
    assert (code, out.strip().replace('"""', '"')) == (0, {"true": "true", "1": "true", "": "null"}.get(value, value))


@pytest.mark.parametrize("flag", ["x", "=1", "a-b=1"])
def test_a_variable_has_a_name(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "exec", "SELECT 1", "--var", flag)
    assert code == 2
    assert "is not NAME=VALUE, such as label=web" in err


def test_data_that_nothing_would_use_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "registry", "list", "--var", "x=1")
    assert (code, err) == (2, "error: --var does not go with registry\nhint: stratoql run FILE fills scripts in\n")


DATA_ON_TOP = """\
-- a report
<<<{kind}
{{"who": "me", "n": 1, "o": {{"k": ">>> 1"}}}}
>>>
SELECT '{{{{ who }}}}', {{{{ n }}}}, '{{{{ o.k }}}}';
SELECT {{{{ nobody }}}};
"""


@pytest.mark.parametrize("kind", ["json", "jsonnet"])
def test_data_on_top_of_a_script(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = DATA_ON_TOP.format(kind=kind)
    write("a.iql", text.replace("SELECT {{ nobody }};\n", ""))
    assert run(capsys, "run", "a.iql", "--var", "n=2") == (0, "me,2,>>> 1\n", "")
    write("a.iql", text)
    assert "a.iql:6:8:\n  SELECT {{ nobody }};" in run(capsys, "run", "a.iql")[2]


@pytest.mark.parametrize(
    "block",
    [
        'json {"a": ">>>",\n"b": "\\">>>\n"}'.replace('\n"}', '"}'),
        'json\n{"a": "x",\n"b": ">>>"}',
        "jsonnet {a: '>>>', // it's >>>\n b: @'a''>>>', /* >>> */ c: |||\n  >>>\n|||,\n}",
        'jsonnet {a: "it\'s", # >>>\n b: 1}',
    ],
)
def test_the_mark_that_ends_data_may_stand_inside_it(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", f"<<<{block} >>> SELECT '{{{{ a }}}}'")
    code, out, err = run(capsys, "run", "a.iql")
    assert (code, err) == (0, "")
    assert out in (">>>\n", "x\n", "it's\n")


def test_data_on_top_that_cannot_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", '\n<<<json\n{"a": 1,\n "b" 2}\n>>>\nSELECT 1')
    assert run(capsys, "run", "a.iql") == (2, "", "error: a.iql:4:6: not JSON: Expecting ':' delimiter\n")
    write("a.iql", '<<<json {"a": 1}\nSELECT 1')
    code, _, err = run(capsys, "run", "a.iql")
    assert code == 1
    assert err.startswith("error: this data is never closed\na.iql:1:1:\n  <<<json")


def test_all_is_read_before_anything_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", "SELECT 1;")
    write("b.iql", "SELECT 2;\nSELECT {{ x }}")
    write("c.iql", "SELECT 3;\r\n  FROB it")
    session = FakeSession([rows()])
    assert main(["run", "a.iql", "b.iql"], session=session) == 1
    assert "error: x is not defined\nb.iql:2:8:\n" in capsys.readouterr().err
    assert main(["run", "a.iql", "c.iql"], session=session) == 1
    assert (
        "error: a statement cannot begin with 'FROB'\nc.iql:2:3:\n    FROB it\n    ^^^^\n" in capsys.readouterr().err
    )
    write("c.iql", "SELECT 'a;\n")
    assert main(["run", "a.iql", "c.iql"], session=session) == 1
    assert "this string is never closed\nc.iql:1:8:" in capsys.readouterr().err
    assert session.asked == []


FAILING = f"""\
-- comments; and a semicolon
SELECT 'a;b';

{{% for id in ["19044871", "19044872"] %}}
DELETE FROM {IMAGES} WHERE id = 'private/{{{{ id }}}}';
{{% endfor %}}
DELETE FROM {IMAGES} WHERE id =
  'private/{{{{ x }}}}';
SELECT 9;
"""


UNDER = "^" * len(f"DELETE FROM {IMAGES} WHERE id =")


def test_a_script_that_stops_tells_what_became_of_each_statement(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", FAILING)
    code, out, err = run(capsys, "run", "a.iql", "--var", "x=1")
    assert (code, out) == (1, "a;b\n")
    assert err == (
        "1 row deleted\n1 row deleted\n"
        f"error: HTTP 404: Not found\na.iql:7:1:\n  DELETE FROM {IMAGES} WHERE id =\n  {UNDER}\n"
        "request: DELETE https://api.linode.com/v4/images/private%2F1\n"
        "hint: nothing is there, or it is not the account's to see: check the values in the statement\n"
        f"note: statement 4 of 5, a.iql:7, was:\n  DELETE FROM {IMAGES} WHERE id =\n    'private/1'\n"
        "note: what became of each statement:\n"
        "  statement 1 (a.iql:2): ran\n"
        "  statements 2-3 (a.iql:5): ran, 1 row deleted\n"
        "  statement 4 (a.iql:7): failed\n"
        "  statement 5 (a.iql:9): did not run\n"
    )


def test_a_script_may_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", FAILING + "SELECT lable FROM linode.images.images;\n")
    code, out, err = run(capsys, "run", "a.iql", "--var", "x=1", "--on-error", "continue", "-f", "out.csv")
    assert (code, out) == (1, "")
    assert Path("out.csv.partial").read_text() == "a;b\n9\n"
    assert "error: HTTP 404: Not found\na.iql:7:1:\n" in err
    assert "error: linode.images.images has no column or parameter 'lable'\na.iql:10:8:\n" in err
    assert "error: 2 statements of 6 failed\n" in err
    assert "  statement 4 (a.iql:7): failed\n  statement 5 (a.iql:9): ran\n  statement 6 (a.iql:10): failed" in err
    assert not Path("out.csv").exists()


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (
            f"SELECT id FROM {IMAGES}\n  WHERE lable = '{{{{ x }}}}';",
            "has no column or parameter 'lable'\nb.iql:3:9:",
        ),
        ("SELECT 1 FROM linode.images.imgs;", "linode.images has no resource 'imgs'\nb.iql:2:15:"),
        (f"DELETE FROM {IMAGES};", "DELETE without a WHERE is refused"),
        (f"UPDATE {IMAGES} SET label = 'a' WHERE id = 'private/1';", "has no UPDATE\nb.iql:2:8:"),
        (
            f"INSERT INTO {IMAGES} (data__disk_id) VALUES (1), ('abc');",
            "row 2 of 2: data__disk_id expects an integer",
        ),
        (f"EXPLAIN SELECT lable FROM {IMAGES};", "no column or parameter 'lable'\nb.iql:2:16:"),
        ("SHOW METHODS IN linode.images.imgs;", "linode.images has no resource 'imgs'"),
        ("DESCRIBE linode.images.imgs;", "linode.images has no resource 'imgs'"),
        ("USE linod;", "did you mean linode?"),
        (f"SELECT 1 WHERE 1 {f'IN (SELECT size FROM {IMAGES} WHERE size ' * 300}= 1{')' * 300}", "nested too deeply"),
        (f"EXEC {IMAGES}.post_replicate_image @imageId = 'private/1';", "post_replicate_image needs regions"),
        (f"DELETE /*+ MAX_WRITES(x) */ FROM {IMAGES} WHERE id = 'private/1';", "MAX_WRITES takes a whole number"),
        (f"SELECT /*+ AWAIT(soon) */ * FROM {IMAGES} WHERE id = 'private/1';", "the timeout of AWAIT expects a time"),
        (
            f"EXEC {IMAGES}.post_upload_image @label = 'x', @region = 'us-east', @@file = 'nowhere.gz';",
            "cannot read nowhere.gz",
        ),
    ],
)
def test_a_script_with_a_fault_anywhere_does_nothing(
    last: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a.iql", "USE linode;\nDELETE FROM images.images WHERE id = 'private/{{ x }}';")
    write("b.iql", "SELECT 1;\n" + last)
    code, out, err = run(capsys, "run", "a.iql", "b.iql", "--var", "x=19044871")
    assert (code, out) == (1, "")
    assert told in err
    assert err.endswith("note: nothing has been run: all statements are looked at before the first one is\n")
    assert "deleted" not in err


def test_what_is_foreseen_needs_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """A value that only an earlier answer can tell is looked at when it is there."""
    write("a.iql", f"INSERT INTO {IMAGES} (data__disk_id) SELECT label FROM {IMAGES} WHERE id = 'linode/arch';")
    _, _, err = run(capsys, "run", "a.iql")
    assert "data__disk_id expects an integer at least 1, got 'Arch Linux'" in err
    assert "nothing has been run" not in err


def test_an_error_of_the_api_is_placed_too(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", f"SELECT 1;\nDELETE\n FROM {IMAGES}\n WHERE imageId = 'private/1';")
    code, _, err = run(capsys, "run", "a.iql")
    assert code == 1
    assert "\na.iql:2:1:\n  DELETE\n  ^^^^^^\n" in err
    assert "  statement 2 (a.iql:2): failed\n" in err


@pytest.mark.parametrize(
    ("text", "variable", "told"),
    [
        ("INSERT INTO IMAGES (data__label, data__disk_id)\nSELECT 'a', {{ d }}", "d=abc", "2:13:\n  SELECT"),
        ("INSERT INTO IMAGES (data__label, data__disk_id) VALUES\n('a', '{{ d }}')", "d=a'b", "2:8:\n  ('a', '{{"),
        ("REPLACE IMAGES\nSET data__tags = '{{ d }}' WHERE id = 'private/1'", "d=5", "2:19:\n  SET data__tags"),
        ("EXEC IMAGES.post_image @disk_id =\n{{ d }}", "d=1.5", "2:1:\n  {{ d }}\n"),
        ('EXEC IMAGES.post_image @@json =\n\'{"label": "x", "disk_id": "{{ d }}"}\'', 'd=a"b', "2:29:\n"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_names_variable_column_and_type(
    text: str, variable: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a.iql", text.replace("IMAGES", IMAGES))
    code, _, err = run(capsys, "run", "a.iql", "--var", variable)
    assert code == 1
    assert "; the value is that of {{ d }}\n" in err
    assert "data__tags expects a JSON array" in err if "tags" in text else "disk_id expects an integer" in err
    assert f"a.iql:{told}" in err


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (
            "''",
            "WHERE {{ w }}\n                                   ^^^^^\nhint: say behind it which rows, in the",
        ),
        ("WHERE id = 1", "^^^^^^^\nhint: bare text is SQL, and what it makes of the statement here cannot be read\n"),
        ("private", "has no column or parameter 'private'\na.iql:1:40:\n"),
    ],
)
def test_a_bare_condition_that_is_none(value: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", f"DELETE FROM {IMAGES} WHERE {{{{ w }}}}")
    code, _, err = run(capsys, "run", "a.iql", "--var", f"w={value}")
    assert code == 1
    assert told in err
    assert run(capsys, "run", "a.iql", "--var", "w=id = 'private/19044871'")[::2] == (0, "1 row deleted\n")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("SELECT page FROM IMAGES\nWHERE page = '{{ a }}' AND page_size = '{{ p }}'", "2:15"),
        ("SELECT page FROM IMAGES WHERE page\nIN (1, '{{ p }}')", "2:9"),
        ("WITH v(x, d) AS (SELECT '{{ a }}',\n'{{ p }}') INSERT INTO IMAGES (data__disk_id) SELECT d FROM v", "2:2"),
        ("INSERT INTO IMAGES (data__disk_id)\nSELECT d FROM (SELECT '{{ p }}' AS d) WHERE '{{ a }}' = '7'", "2:25"),
        ("EXEC IMAGES.post_image @disk_id = (SELECT\n'{{ p }}')", "2:2"),
    ],
)
def test_a_wrong_value_of_a_subquery_names_its_variable_too(
    text: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a.iql", text.replace("IMAGES", IMAGES))
    code, _, err = run(capsys, "run", "a.iql", "--var", "p=abc", "--var", "a=7")
    assert code == 1
    named = "a" if "page_size" in text else "p"
    assert f"; the value is that of {{{{ {named} }}}}\na.iql:{place}:\n" in err or "got 'abc'; the value is" in err
    assert " expects an integer" in err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "INSERT INTO IMAGES (data__disk_id) SELECT\n{{ x }}",
            "data__disk_id expects an integer at least 1, got true",
        ),
        ("INSERT INTO IMAGES (data__disk_id, data__label) VALUES (1,\n{{ x }})", "data__label expects a text"),
        ("EXEC IMAGES.post_image @disk_id =\n{{ x }}", "disk_id expects an integer at least 1, got true"),
        ("REPLACE IMAGES SET label =\n{{ x }} WHERE id = 'private/1'", "label expects a text"),
    ],
)
def test_a_boolean_is_one_only_where_one_is_wanted(text: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", text.replace("IMAGES", IMAGES))
    code, _, err = run(capsys, "run", "a.iql", "--var", "x=true")
    assert code == 1
    assert told in err
    assert "got true; the value is that of {{ x }}\na.iql:2:1:\n" in err
    write("a.iql", f"INSERT INTO {IMAGES} (data__disk_id, data__cloud_init) VALUES (25674130, {{{{ x }}}})")
    assert run(capsys, "run", "a.iql", "--var", "x=true")[0] == 0


@pytest.mark.parametrize(
    ("condition", "value", "told"),
    [
        ("size = {{ x }}", "true", "size expects an integer, got true"),
        ("NOT {{ x }} > i.size", "true", "size expects an integer, got true"),
        ("size < '{{ x }}'", "soon", "size expects an integer, got 'soon'"),
        ("size < {{ x | literal }}", "soon", "size expects an integer, got 'soon'"),
        ("size < {{ x }}", "soon", "size expects an integer, got 'soon'"),
        ("size BETWEEN 1 AND '{{ x }}'", "", "size expects an integer, got ''"),
        ("size IN (1, '{{ x }}')", "1_0", "size expects an integer, got '1_0'"),
        ("label <> {{ x }}", "false", "label expects a text, got false"),
        ("is_public = {{ x }}", "2", "is_public expects true or false, got 2"),
        ("is_public IS '{{ x }}'", "true", "is_public expects true or false, got 'true'"),
        ("created < '{{ x }}'", "soon", "created expects a date and time such as 2024-01-31T12:00:00, got 'soon'"),
        ("tags = {{ x }}", "5", "tags expects a JSON array, got 5"),
        ("imageId = {{ x }}", "true", "imageId expects a text, got true"),
    ],
)
@pytest.mark.parametrize(
    "statement", ["SELECT id FROM IMAGES i WHERE ", "DELETE FROM IMAGES i WHERE i.id LIKE 'p%' AND "]
)
@pytest.mark.parametrize("flags", [(), ("--dryrun",), ("--on-error", "continue")])
def test_what_a_column_cannot_be_like_is_not_compared_with_it(
    statement: str, condition: str, value: str, told: str, flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """SQLite would: a text is larger than every number, and the DELETE would take all rows."""
    write("a.iql", statement.replace("IMAGES", IMAGES) + "\n" + condition)
    code, out, err = run(capsys, "run", "a.iql", "--var", f"x='{value}'" if value == "" else f"x={value}", *flags)
    assert (code, out) == (1, "")
    assert f"error: {told}; the value is that of {{{{ x" in err
    assert f"\na.iql:2:{condition.index('{{') + 1}:\n" in err
    assert "HTTP" not in err


@pytest.mark.parametrize(
    "text",
    [
        "EXPLAIN ANALYZE SELECT id FROM IMAGES WHERE size < '{{ x }}'",
        "INSERT INTO IMAGES (data__disk_id) SELECT 1 FROM IMAGES WHERE size < '{{ x }}'",
        "WITH a AS (VALUES (1)) REPLACE IMAGES SET label = CASE WHEN size < '{{ x }}' THEN 1 END WHERE id = 'x'",
        "SELECT 1 FROM (EXEC IMAGES.get_image @imageId = 'linode/arch') e WHERE size < '{{ x }}'",
    ],
)
def test_comparisons_of_any_statement_are_looked_at(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", text.replace("IMAGES", IMAGES))
    code, _, err = run(capsys, "run", "a.iql", "--var", "x=soon")
    assert code == 1
    assert "size expects an integer, got 'soon'; the value is that of {{ x }}\na.iql:1:" in err
    assert "nothing has been run" in err
    shown = "SHOW RESOURCES IN linode.images LIKE '{{ x }}'"
    write("a.iql", f"{shown}; SELECT results FROM {IMAGES} WHERE results <> '{{{{ x }}}}'")
    assert "results expects an integer" in run(capsys, "run", "a.iql", "--var", "x=soon")[2]


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("size > '{{ x }}'", "'1e3 '"),
        ("size IS {{ x }}", "null"),
        ("size < '{{ x }}0'", "9"),
        ("size < total_size + {{ x }}", "true"),
        ("size < {{ x }}", "total_size"),
        ("is_public = {{ x }}", "1"),
        ("is_public = {{ x }}", "'true'"),
        ("label = '{{ x }}'", "true"),
        ("label = {{ x }}", "5"),
        ("created >= '{{ x }}'", "2024-01"),
        ("created LIKE '{{ x }}'", "%-01-%"),
        ("tags = '{{ x }}'", '["a"]'),
        ("{{ x }} = 1", "true"),
        ("id IN (SELECT size FROM (SELECT label AS size FROM IMAGES) WHERE size = '{{ x }}')", "soon"),
        ("id IN (WITH images(size) AS (SELECT label FROM IMAGES) SELECT 1 FROM images WHERE size > '{{ x }}')", "a"),
    ],
)
def test_what_may_be_alike_is_compared(condition: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", f"SELECT id FROM {IMAGES} WHERE {condition.replace('IMAGES', IMAGES)}")
    assert run(capsys, "run", "a.iql", "--var", f"x={value}")[::2] == (0, "")


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO {IMAGES} (data__disk_id, data__label) VALUES " + ", ".join(["(25674130, 'x')"] * 30),
        f"DELETE FROM {IMAGES} WHERE id IN ({', '.join(repr(f'private/{n}') for n in range(30))})",
        f"EXPLAIN ANALYZE DELETE FROM {IMAGES} WHERE id IN ({', '.join(repr(f'private/{n}') for n in range(30))})",
    ],
)
def test_too_many_rows_are_foreseen(statement: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", f"DELETE FROM {IMAGES} WHERE id = 'private/19044871';\n{statement}")
    code, out, err = run(capsys, "run", "a.iql")
    assert (code, out) == (1, "")
    assert "would write 30 rows, more than the 25 allowed\na.iql:2:1:" in err
    assert "nothing has been run" in err
    assert ("narrow the WHERE" in err) == ("DELETE FROM" in statement)
    assert "would write 30 rows" in run(capsys, "run", "a.iql", "--dryrun")[2] or "ANALYZE" in statement
    assert run(capsys, "run", "a.iql", "--dryrun", "--max-writes", "30")[0] == 0
    write("a.iql", "EXPLAIN " + statement.removeprefix("EXPLAIN ANALYZE "))
    assert run(capsys, "run", "a.iql")[0] == 0


def test_what_cannot_be_waited_for_is_foreseen(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", f"DELETE FROM {IMAGES} WHERE id = 'private/19044871';\nSELECT /*+ AWAIT */ id FROM {IMAGES}")
    _, _, err = run(capsys, "run", "a.iql")
    assert "has nothing to wait for" in err
    assert "nothing has been run" in err


def test_a_text_in_brackets_is_json_where_the_document_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    write(
        "a.iql",
        "USE linode; INSERT INTO images.images (data__disk_id, data__label, data__tags)\n"
        "VALUES (25674130, '[{{ x }}]', '[{{ x }}]') RETURNING label, tags",
    )
    assert run(capsys, "run", "a.iql", "--var", "x=web")[:2] == (0, '[web],"[""web""]"\n')
    write("a.iql", "SELECT '[{{ x }}]' AS a")
    code, _, err = run(capsys, "run", "a.iql", "--var", "x=web")
    assert code == 1
    assert (
        "{{ x }} does not fit here: nobody can say whether the text in brackets around it is JSON\na.iql:1:10:" in err
    )
    assert "hint: write '{{ [...] | tojson }}' for JSON, and '{{ '[' ~ ... ~ ']' }}' for a text\n" in err
    assert run(capsys, "run", "a.iql", "--var", "x=7")[1] == "[7]\n"


def test_bare_text_that_is_no_sql_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", f"INSERT INTO {IMAGES} (data__disk_id, data__label) SELECT 1, {{{{ label }}}}")
    _, _, err = run(capsys, "run", "a.iql", "--var", "label=web")
    assert err.startswith("error: no such column: web\na.iql:1:")
    assert "hint: bare text is SQL; for a text write '{{ label }}' or use | literal\n" in err


def test_what_fails_after_a_write_leaves_nothing_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this platform")
    write("a.iql", f"DELETE FROM {IMAGES} WHERE id = 'private/19044871' RETURNING label;\nSELECT 1;")
    code, _, err = run(capsys, "run", "a.iql", "-f", "/dev/full")
    assert code == 1
    assert "  statement 1 (a.iql:1): ran, 1 row deleted; what it returns was not shown\n" in err


def test_a_write_that_breaks_off_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    from engine.errors import Interrupted, PartialWrite

    write("a.iql", "SELECT 1;\nSELECT 2;\nSELECT 3;")
    broken = PartialWrite("1 of 2 rows written", done=[], failed=[], unknown=[], unsent=[])
    answers: dict[str, Answer] = {"1": broken, "2": Interrupted("interrupted after 1 row"), "3": rows()}
    session = FakeSession(lambda text: [answers[text[-1]]])
    assert main(["run", "a.iql", "--on-error", "continue"], session=session) == 130
    told = (
        "  statement 1 (a.iql:1): failed part-way, as its error tells\n"
        "  statement 2 (a.iql:2): interrupted\n  statement 3 (a.iql:3): did not run\n"
    )
    assert capsys.readouterr().err.endswith(told)


def test_an_interrupted_script_tells_how_far_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", "SELECT 1;\nSELECT 2;\nSELECT 3;")
    session = FakeSession(lambda text: [KeyboardInterrupt()] if "2" in text else [rows()])
    assert main(["run", "a.iql", "-H", "-o", "csv", "--on-error", "continue"], session=session) == 130
    told = (
        "  statement 1 (a.iql:1): ran\n  statement 2 (a.iql:2): interrupted\n  statement 3 (a.iql:3): did not run\n"
    )
    assert capsys.readouterr().err == f"interrupted\nnote: what became of each statement:\n{told}"


DRY = f"""\
INSERT INTO {IMAGES} (data__disk_id, data__label) VALUES (25674130, '{{{{ label }}}}');
SELECT label FROM {IMAGES}
WHERE label = '{{{{ label }}}}';
EXPLAIN DELETE FROM {IMAGES} WHERE id = 'private/1';
SELECT 1;
"""


def test_a_dry_run_shows_statements_requests_and_what_depends_on_what(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", DRY)
    assert main(["run", "a.iql", "--sandbox", "--var", "label=it's", "--dryrun"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    at = {line: number for number, line in enumerate(lines)}
    assert lines[0] == "a.iql:1:1: statement 1 of 4"
    assert f"  INSERT INTO {IMAGES} (data__disk_id, data__label) VALUES (25674130, 'it''s')" in at
    assert '    {"disk_id": 25674130, "label": "it\'s"}' in at
    second = at["a.iql:2:1: statement 2 of 4"]
    assert lines[second + 1 : second + 4] == [
        f"  SELECT label FROM {IMAGES}",
        "  WHERE label = 'it''s'",
        f"depends on earlier writes: statement 1 (a.iql:1:1) writes {IMAGES}, "
        "so the rows read here are known only when it has run",
    ]
    assert sum(line.startswith("depends on") for line in lines) == 1


def test_a_dry_run_finds_what_would_fail(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", DRY + f"DELETE FROM {IMAGES};")
    code, _, err = run(capsys, "run", "a.iql", "--var", "label=x", "--dryrun")
    assert code == 1
    assert "a.iql:6:13:\n" in err
    assert "  statement 3 (a.iql:4): was planned\n" in err


SECRET = "correct-horse's battery"


@pytest.mark.parametrize("flags", [["--dryrun"], [], ["-v"], ["--dryrun", "-v"]])
def test_secrets_are_not_shown(
    flags: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEPLOY_KEY", SECRET)
    write(
        "a.iql",
        f"SELECT id FROM {IMAGES} WHERE id = 'private/{{{{ env.DEPLOY_KEY }}}}';\n"
        f"SELECT id FROM {IMAGES} WHERE label = '{{{{ admin.password | upper }}}}';\n"
        f"INSERT INTO {IMAGES} (data__disk_id, data__label)\n"
        "VALUES ('{{ env.DEPLOY_KEY }}', '{{ env.DEPLOY_KEY }}');",
    )
    write("a.yaml", "admin: {password: hunter2-hunter2}\n")
    given = ["-q", "a.yaml", "--allow-env", "DEPLOY_KEY", "--on-error", "continue", *flags]
    code, out, err = run(capsys, "run", "a.iql", *given)
    assert code == 1
    assert "got ***" in err
    assert "***" in out or not out
    for part in ("correct", "horse", "battery", "hunter", "HUNTER"):
        assert part not in out + err


def test_a_script_without_templates_needs_no_jinja(tmp_path: Path) -> None:
    import subprocess

    write("a.iql", "SELECT 1;")
    program = (
        "import sys; from engine.cli import main; main(['run', 'a.iql']);"
        "print({'jinja2', 'yaml', 'dotenv'} & sys.modules.keys(), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "set()\n")


def test_the_insert_and_its_manifest_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", f"SHOW INSERT INTO {IMAGES}", "-f", "insert.iql"]) == 0
    assert main(["manifest", IMAGES, "-f", "images.yaml"]) == 0
    capsys.readouterr()
    code, _, err = run(capsys, "run", "insert.iql", "-q", "images.yaml")
    assert (code, err.splitlines()[0]) == (
        1, "error: disk_id is not filled in: the manifest still has its type, integer, for its value"
    )  # fmt: skip
    values = {"integer": "25674130", "boolean": "true", "string": "it's", "array": '["web", "its"]'}
    text = Path("images.yaml").read_text()
    for kind, value in values.items():
        text = text.replace(f"value: {kind}\n", f"value: {value}\n")
    Path("images.yaml").write_text(text)
    code, out, err = run(capsys, "run", "insert.iql", "-q", "images.yaml", "-o", "jsonl")
    assert (code, err) == (0, "1 row inserted\n")
    assert out


@pytest.mark.parametrize(
    "statement", [f"SHOW INSERT /*+ REQUIRED */ INTO {IMAGES}", f"SHOW /*+ REQUIRED */ INSERT INTO {IMAGES}"]
)
def test_the_insert_of_what_is_required(statement: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", statement]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    start = f"INSERT INTO {IMAGES} (\n  data__disk_id\n)\nSELECT\n  {{{{ disk_id }}}} -- required\nRETURNING\n  id,\n"
    assert out.startswith(start)
    assert out.endswith("  vendor\n;\n")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["exec", "SHOW INSERT linode.images.images"], "expected INTO"),
        (["manifest", "linode.images.imgs"], "did you mean images?"),
        (["manifest", "linode images"], "the statement should end here, found 'images'"),
        (["exec", "SHOW INSERT INTO linode.images.images ORDER BY 1"], "SHOW takes LIKE and WHERE"),
    ],
)
def test_an_insert_that_cannot_be_shown(argv: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 1
    assert told in capsys.readouterr().err


def test_an_include_stays_in_the_scripts_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("secret.txt", "SELECT 'hunter2'")
    write("jobs/lib/b.iql", "SELECT 'here';")
    Path("jobs/link.iql").symlink_to(tmp_path / "secret.txt")
    for told in ("../secret.txt", "link.iql", "lib"):
        write("jobs/a.iql", f"{{% include '{told}' %}}")
        code, out, err = run(capsys, "run", "jobs/a.iql")
        assert (code, out) == (1, "")
        assert "an include is a file in the script's own folder or below it" in err
        assert "hunter2" not in err
    for script in ("jobs/a.iql", str(tmp_path / "jobs" / "a.iql")):
        write("jobs/a.iql", "{% include 'lib/b.iql' %}")
        assert run(capsys, "run", script) == (0, "here\n", "")


def test_many_comments_on_top_take_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", "/* a */ " * 60 + "\nSELECT '<<<';")
    assert run(capsys, "run", "a.iql") == (0, "<<<\n", "")


@pytest.mark.parametrize(
    "template",
    [
        "{% for k, v in conf.items() %}{{ v | lower }};{% endfor %}",
        "{{ conf | tojson | lower }}",
        "{{ conf.values() | map('lower') | join }}",
        "{{ conf.get('root_pass')[:5] }}",
        "{{ users | map(attribute='token') | map('upper') | join }}",
        "{{ users[0]['to' ~ 'ken'] | upper }}",
        "{{ [0][conf.root_pass | lower] }}",
    ],
)
def test_a_secret_is_none_the_less_one_inside_an_object(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.yaml", "conf: {label: web, root_pass: Hunter22}\nusers: [{name: me, token: Sekrit99}]\n")
    write("a.iql", f"SELECT '{template}' AS a, '{{{{ conf.label }}}}' AS b")
    _, out, err = run(capsys, "run", "a.iql", "-q", "a.yaml", "--dryrun")
    for part in ("hunte", "sekrit"):
        assert part not in (out + err).lower()
    assert "***" in out or "such member" in err


def test_a_typo_in_the_last_query_stops_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    upload = f'EXEC {IMAGES}.post_upload_image @@json=\'{{"label":"w","region":"us-east"}}\';\n'
    for wrong, column in (("SELECT 1 +;", 10), (f"INSERT INTO {IMAGES} (data__disk_id) SELECT 1 +;", 59)):
        write("a.iql", upload + wrong)
        code, out, err = run(capsys, "run", "a.iql")
        assert (code, out) == (1, "")
        assert f"a.iql:2:{column}:" in err
        assert "1 call done" not in err


def test_a_wrong_value_is_that_of_its_own_variable(capsys: pytest.CaptureFixture[str]) -> None:
    write(
        "a.iql",
        f"INSERT INTO {IMAGES} (data__disk_id, data__label) VALUES ('{{{{ a }}}}', 'x'), ('{{{{ b }}}}', 'y')",
    )
    _, _, err = run(capsys, "run", "a.iql", "--var", "a=1", "--var", "b=abc")
    assert "got 'abc'; the value is that of {{ b }}" in err


def test_a_statement_of_several_lines_is_told_whole(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.iql", f"DELETE FROM {IMAGES}\nWHERE id = 'private/99999999';")
    _, _, err = run(capsys, "run", "a.iql")
    assert f"note: the statement was:\n  DELETE FROM {IMAGES}\n  WHERE id = 'private/99999999'\n" in err

"""The shell, driven with keys as a person presses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.repl import shell
from engine.settings import Settings
from tests.repl.driven import typed

DELETE = "DELETE FROM linode.images.images WHERE id = 'private/19044871';\r"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("PAGER", "VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "24")
    return tmp_path


def test_the_loop_stays_small() -> None:
    assert len(Path(str(shell.__file__)).read_text(encoding="utf-8").splitlines()) < 120


def test_a_statement_over_several_lines(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = typed("SELECT id\rFROM linode.images.images\rWHERE id = 'linode/debian12';\r\\q\r", capsys)
    assert code == 0
    assert "| linode/debian12 |" in out
    assert "\\? helps" in err
    assert "1 row, 1 request, 0." in err


def test_an_error_is_told_and_the_shell_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = typed("SELECT lable FROM linode.images.images;\rSELECT 40 + 2 AS n;\r\\q\r", capsys)
    assert "did you mean label?" in err
    assert "42" in out


def test_control_d_leaves_and_control_c_clears(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = typed("SELECT nonsense\x03SELECT 7;\r\x04", capsys)
    assert code == 0
    assert "7" in out
    assert "nonsense" not in out + err


@pytest.mark.parametrize("word", ["quit", "exit;", "\\q"])
def test_ways_to_leave(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(f"{word}\r", capsys)[0] == 0


def test_enter_f3_and_escape_enter(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = typed("SELECT 1 AS a\x1b\r\x1bORSELECT 2 AS b\r\x1bORSELECT 3\rAS c;\r\\q\r", capsys)
    assert [name for name in ("| a |", "|   a |", "|   b |", "|   c |") if name in out] == [
        "|   a |",
        "|   b |",
        "|   c |",
    ]


def test_f4_changes_between_emacs_and_vi(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = typed("SELECT 1 AS badd;\x1bOS\x1bhx\r\x04", capsys)
    assert "bad |" in out
    _, out, _ = typed("SELECT 1 AS worse;\x1bhx\r\x04", capsys, keys="vi")
    assert "wors |" in out


def test_commands(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = typed(
        "\\?\r\\o\r\\o json\rSELECT 1 AS a;\r\\timing\rSELECT 2 AS b;\r\\timing on\r\\frob\r\\o yml\rhelp\r\\q\r",
        capsys,
    )
    assert out == '[{"a":1}]\n[{"b":2}]\n'
    for said in (
        "\\o [FORMAT]",
        "output is table; it can be table, json",
        "timing is off",
        "1 row, 0 requests, ",
        "there is no command \\frob",
        "there is no format 'yml'",
    ):
        assert said in err
    assert err.count("Ctrl-R searches") == 2
    assert max(map(len, err.split("\\o [FORMAT]")[0].splitlines())) <= 84


def test_a_write_is_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    count = "SELECT count(*) AS n FROM linode.images.images WHERE id = 'private/19044871';\r"
    _, out, err = typed(f"{DELETE}n\r{DELETE}\x04{DELETE}\x03{count}{DELETE}y\r{count}\\q\r", capsys)
    assert err.count("DELETE 1 row of linode.images.images in the sandbox: 1 call of delete_image") == 4
    assert err.count("not done: nothing was written") == 3
    assert err.count("1 row deleted") == 1
    assert (out.index("|   1 |"), "|   0 |" in out) != (-1, False)


def test_an_insert_of_one_row_and_a_shell_that_need_not_ask_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    insert = "INSERT INTO linode.images.images (data__disk_id, data__label) VALUES (25674130, 'x1'){};\r\\q\r"
    assert "1 row inserted" in typed(insert.format(""), capsys)[2]
    assert "1 row deleted" in typed(f"{DELETE}\\q\r", capsys, confirm=False)[2]
    several = typed(insert.format(", (25674130, 'x2')").replace("\\q", "n\r\\q"), capsys)[2]
    assert "INSERT 2 rows" in several
    assert "not done" in several


def test_looking_around(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        "\\d",
        "\\d linode",
        "\\d linode.images",
        "\\d linode.images.images;",
        "\\d linode.images.images.put_image",
    ]
    lines += [
        "\\dm",
        "\\dm linode.images.images",
        "\\dm linode.images.images.put_image",
        "\\d a.b.c.d.e",
        "\\use linode",
    ]
    lines += [
        "\\d images.images",
        "\\dm images.images",
        "\\dm images.images.put_image",
        "\\use",
        "\\use nowhere",
        "\\q",
    ]
    _, out, err = typed("\r".join(lines) + "\r", capsys)
    assert out.count("| linode.images.images ") == 2  # \d and its service
    assert out.count("| total_size ") >= 2
    assert out.count("input_required") >= 2
    assert "linode.images.images.post_replicate_image" in out  # beside its verb, or above it where lines are short
    assert "a.b.c.d.e has too many parts" in err
    assert "using linode" in err
    assert "no provider 'nowhere'" in err


def test_the_last_statement(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    script = tmp_path / "s.sql"
    script.write_text("SELECT 5 AS five;")
    keys = f"\\g\rSELECT 1 AS one;\r\\g\rSELECT 2 AS two \\g\r\\i {script}\r\\explain\r\\i\r\\q\r"
    _, out, err = typed(keys, capsys)
    assert [out.count(name) for name in ("one |", "two |", "five |")] == [2, 1, 1]
    assert "output: SELECT 2 AS two" in out
    assert "\\g needs a statement, and none was run yet" in err
    assert "\\i needs the name of a file" in err


def test_a_script_is_one_here_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With data on its top, loops, places in the file, and nothing run where a statement further down is wrong."""
    good, bad = tmp_path / "good.iql", tmp_path / "bad.iql"
    good.write_text(
        '<<<json {"names": ["one", "two"], "three": 4} >>>\n{% for n in names %}SELECT 1 AS {{ n }};{% endfor %}'
    )
    bad.write_text("SELECT 'first' AS a;\n\nSELECT '{{ three }}' AS b;\nDELETE FROM linode.images.images;\n")
    keys = f"\\i {good}\r\\i {bad}\r\\set three 3\r\\i {bad}\r\\q\r"
    _, out, err = typed(keys, capsys)
    assert [out.count(name) for name in ("| one |", "|   one |", "|   two |", "first")] == [0, 1, 1, 0]
    assert f"error: three is not defined\n{bad}:3:9:" in err
    assert "hint: \\set gives it a value" in err
    assert "error: DELETE without a WHERE is refused: it would write every row of linode.images.images" in err
    assert f"\n{bad}:4:13:" in err
    assert "nothing has been run" in err


def test_named_queries(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    keys = (
        "\\n\r\\n save big SELECT id FROM linode.images.images WHERE size > $1 AND label LIKE '%$2%' LIMIT 2\r"
        "\\n\r\\n big 0 Debian\r\\n big 0\r\\n bug\r\\n save a/b SELECT 1\r\\n delete big\r\\n big 1 2\r\\q\r"
    )
    _, out, err = typed(keys, capsys)
    assert "no query has a name yet" in err
    assert "big: SELECT id FROM linode.images.images WHERE size > $1" in err
    assert out.count("| private/") == 2
    assert "the query takes 2 values, and 1 is given" in err
    assert "did you mean big?" in err
    assert "'a/b' cannot name a query" in err
    assert "there is no query 'big'" in err


def test_variables_and_templates_meet_at_one_seam(capsys: pytest.CaptureFixture[str]) -> None:
    keys = (
        "\\set\r\\set region us-east\r\\set api_token abc\r\\set\r\\set region\r\\set x\r\\set 1x y\r"
        "SELECT '{{ region }}' AS r, {{ n }} AS n;\r\\set n 40 + 2\rSELECT '{{ region }}' AS r, {{ n }} AS n;\r"
        "\\unset region\r\\unset region\r\\q\r"
    )
    _, out, err = typed(keys, capsys)
    assert "no variable is set" in err
    assert "region = us-east\napi_token = ***\nregion = us-east\n" in err
    assert "x is not set" in err
    assert "'1x' cannot name a variable" in err
    assert "error: n is not defined\n" in err
    assert "hint: known names: api_token, region" in err
    assert "us-east" in out
    assert "42" in out
    assert err.count("region is not set") == 1


def test_data_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    keys = f"\\o csv\r\\out {target}\rSELECT 1 AS a;\rSELECT 2 AS a;\r\\out\rSELECT 3 AS a;\r\\q\r"
    _, out, err = typed(keys, capsys)
    assert target.read_text() == "a\n1\na\n2\n"
    assert out == "a\n3\n"
    assert f"{target} is complete" in err


def test_a_file_is_what_its_name_says_until_a_format_is_chosen(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    keys = f"\\out {one}\rSELECT 1 AS a;\r\\out\rSELECT 2 AS a;\r\\o table\r\\out {two}\rSELECT 3 AS a;\r\\q\r"
    _, out, _ = typed(keys, capsys)
    assert one.read_text() == "a\n1\n"
    assert "|   2 |" in out
    assert "|   3 |" in two.read_text()


def test_a_token_is_never_typed_where_it_shows(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    keys = "\\token 0123456789abcdef\r\\token\r5ecret-of-mine\r\\token\r\r\\q\r"
    _, out, err = typed(keys, capsys, Settings(environ={}), history=True)
    assert "a token does not belong on the screen" in err
    assert "no token: public images\ntoken *** of the settings\ntoken *** of the settings\n" in err
    kept = "".join(path.read_text() for path in home.rglob("history"))
    assert "5ecret" not in out + err + kept
    assert "0123456789abcdef" not in out + err + kept
    assert "\\q" in kept
    assert "the sandbox has a token of its own" in typed("\\token\rx\r\\q\r", capsys)[2]


def test_watching_ends_with_control_c(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("engine.repl.commands.running.time.sleep", sleep)
    write = "DELETE FROM linode.images.images WHERE id = 'private/19044871' \\watch\r"
    _, out, err = typed(f"SELECT 7 AS n \\watch 5\r\\watch 0\r{write}\\q\r", capsys)
    assert (out.count("|   7 |"), slept) == (3, [5.0] * 3)
    assert "every 5 s; Ctrl-C ends it" in err
    assert "\\watch takes seconds from 1, not '0'" in err
    assert "\\watch repeats what reads, and this writes" in err


def test_the_editor(capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = home / "ed"
    editor.write_text('#!/bin/sh\nsed -i s/1/8/ "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(editor))
    _, out, _ = typed("SELECT 1 AS n;\r\\e\r\r\\q\r", capsys)
    assert [out.count(cell) for cell in ("|   1 |", "|   8 |")] == [1, 1]
    monkeypatch.setenv("EDITOR", "no-such-editor")
    assert "cannot start the editor no-such-editor" in typed("\\e\r\\q\r", capsys)[2]


def test_what_runs_first_and_the_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = typed("SELECT count(*) > 0 AS t FROM images.images;\r\\q\r", capsys, init_command="USE linode")
    assert "using linode" in err
    assert "| t |" in out or "|   t |" in out
    assert typed("", capsys, init_command="\\q")[0] == 0


def test_a_theme_that_is_none_is_told_before_the_shell_opens(capsys: pytest.CaptureFixture[str]) -> None:
    from engine.errors import UsageError

    with pytest.raises(UsageError, match="there is no theme 'monokay'") as raised:
        typed("", capsys, theme="monokay")
    assert raised.value.hint == "did you mean monokai?"


def test_expanded(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    wide = "SELECT id, label, regions FROM linode.images.images WHERE label GLOB 'web-*' LIMIT 1;\r"
    _, out, err = typed(f"{wide}\\x\rSELECT 1 AS a;\r\\x off\r{wide}\\x wide\r\\q\r", capsys)
    assert "-[ RECORD 1 ]" in out
    assert 'regions | [\n        |   {\n        |     "region": ' in out
    assert "a | 1" in out
    assert out.count("| id ") == 1
    assert "\\x takes on, off or auto" in err


def test_accounts(capsys: pytest.CaptureFixture[str]) -> None:
    count = "SELECT _account, count(*) AS n FROM linode.images.images GROUP BY 1;\r"
    _, out, err = typed(f"\\account\r\\account prod,staging\r{count}\\account none\r{count}\\q\r", capsys)
    assert "no account is named: \\account NAMES names some" in err
    assert "speaking for prod, staging" in err
    assert ("| prod " in out, "| staging " in out) == (True, True)
    assert "has no column or parameter '_account'" in err
    assert "\\account a b" not in typed("\\account a b\r\\q\r", capsys)[1]


def test_looking_at_the_schema_system(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = typed("\\d system\r\\d system.limits\rUSE linode;\r\\d system.requests\r\\q\r", capsys)
    assert "error" not in err
    assert all(word in out for word in ("system.settings", "remaining", "attempt"))


def test_commands_of_other_shells_are_told_what_they_are_here(capsys: pytest.CaptureFixture[str]) -> None:
    """And end at Enter: nobody waits for the semicolon of a command."""
    code, out, err = typed(".tables\r\\dt\r.timing\r\\l\r\\frob\r  .inspect linode;\rSELECT .5;\r\x04", capsys)
    assert [line for line in err.splitlines() if line.startswith(("error", "hint"))] == [
        "error: there is no command .tables",
        "hint: here that is \\d",
        "error: there is no command \\dt",
        "hint: here that is \\d",
        "error: there is no command .timing",
        "hint: commands begin with a backslash: \\timing",
        "error: there is no command \\l",
        "hint: here that is SHOW PROVIDERS",
        "error: there is no command \\frob",
        "hint: \\? lists the commands",
        "error: there is no command .inspect",
        "hint: here that is \\d",
    ]
    assert "|  0.5 |" in out
    assert code == 0


def test_a_resource_is_looked_at_by_the_end_of_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = typed("\\d images\r\\dm Volumes.volumes\r\\d frob\r\\d system\r\\q\r", capsys)
    assert "What identifies the image" in out
    assert "delete_volume" in out
    assert "error: the registry has no provider 'frob'" in err
    assert "| requests " in out

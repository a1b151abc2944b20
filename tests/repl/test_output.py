"""Results on a terminal: what fits, what is paged."""

from __future__ import annotations

import argparse
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from engine.formats import FORMATS, Options
from engine.repl.output import Screen, narrowed, tall, write
from engine.result import JsonText, Result, ResultColumn

READER = "import sys; text = sys.stdin.read(); open(sys.argv[1], 'w').write(text)"
LEAVER = "import sys; sys.stdin.readline()"


def result(count: int, width: int = 3) -> Result:
    rows = ((n, "x" * width, JsonText('{"a":[1]}')) for n in range(count))
    return Result(
        [ResultColumn("n", "integer"), ResultColumn("text", "string"), ResultColumn("doc", "json")], iter(rows)
    )


def shown(what: Result, screen: Screen, expanded: str = "auto", output: str = "table") -> tuple[str, int | None]:
    out = StringIO()
    given = argparse.Namespace(output=output, delimiter=",", hideheaders=False, color="never")
    count, _ = write(what, out, given, expanded=expanded, screen=screen)
    return out.getvalue(), count


@pytest.mark.parametrize(
    ("width", "expanded", "upright"),
    [(3, "auto", False), (60, "auto", True), (60, "off", False), (3, "on", True)],
)
def test_a_table_where_it_fits(width: int, expanded: str, upright: bool) -> None:
    text, count = shown(result(2, width), Screen(40, 99), expanded)
    assert (count, "-[ RECORD 2 ]" in text) == (2, upright)
    if upright:
        assert '\ndoc  | {\n     |   "a": [\n     |     1\n     |   ]\n     | }\n' in text
    else:
        assert text.startswith("+---")


def test_other_formats_are_what_they_are() -> None:
    assert shown(result(1, 60), Screen(40, 99), output="csv")[0].startswith("n,text,doc\n0,")


def test_the_pager_gets_what_is_taller_than_the_screen_and_all_of_it(tmp_path: Path) -> None:
    kept = tmp_path / "paged"
    pager = (sys.executable, "-c", READER, str(kept))
    assert shown(result(5), Screen(40, 24, pager))[1] == 5
    assert not kept.exists()
    text, count = shown(result(300), Screen(40, 24, pager))
    assert (text, count) == ("", 300)
    assert kept.read_text().count("\n") == 304
    shown(result(300), Screen(40, 24, pager), output="jsonl")
    assert kept.read_text().count("\n") == 300


def test_a_pager_that_is_left_early_ends_the_reading() -> None:
    drawn = []

    def rows() -> Any:
        for number in range(10_000_000):
            drawn.append(number)
            yield (number,)

    endless = Result([ResultColumn("n", "integer")], rows())
    text, count = shown(endless, Screen(40, 24, (sys.executable, "-c", LEAVER)), output="csv")
    assert (text, count) == ("", None)
    assert len(drawn) < 1_000_000


def test_a_pager_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    text, count = shown(result(30), Screen(40, 24, ("no-such-pager",)))
    assert (text.count("\n"), count) == (34, 30)
    assert "cannot start the pager no-such-pager: No such file or directory; \\pager off" in capsys.readouterr().err


def test_lines_that_wrap_are_tall() -> None:
    assert (tall("abc\n", 2), tall("日本\n", 2), tall("\x1b[1mab\x1b[0m\n", 2), tall("\n\n", 2)) == (2, 2, 1, 2)


def test_a_last_column_gives_way() -> None:
    wide = Result([ResultColumn("a"), ResultColumn("b")], iter([("x", "word " * 20), ("y", None)]))
    rows = narrowed(wide, 40).fetchall()
    assert rows == [("x", "word word word word word wo..."), ("y", "")]
    FORMATS["table"](Result(wide.columns, iter(rows)), out := StringIO(), Options())
    assert {len(line) for line in out.getvalue().splitlines()} == {40}

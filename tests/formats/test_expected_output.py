"""Each format writes what `expected/` says, for every kind of result."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.formats import FORMATS, Options
from engine.result import ResultColumn
from tests.formats.results import CASES, result, visible, written

WAYS = {"": Options(), " bare": Options(delimiter="|", headers=False, null="-"), " in color": Options(color=True)}
FOR_EYES = ("table", "vertical", "text")
EXPECTED = Path(__file__).with_name("expected")


def sections(case: str) -> dict[str, str]:
    """A file of expected output, apart by lines `==> format <==`."""
    text = (EXPECTED / f"{case}.txt").read_text(encoding="utf-8")
    parts = re.split(r"^==> (.+) <==\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("case", CASES)
def test_every_format_has_its_expected_output(case: str) -> None:
    found = {
        (name + way): visible(written(name, CASES[case](), options))
        for way, options in WAYS.items()
        for name in FORMATS
        if way != " in color" or name in FOR_EYES
    }
    assert found == sections(case)


@pytest.mark.parametrize("name", FORMATS)
def test_a_write_without_returning_writes_nothing(name: str) -> None:
    assert written(name, result([], [], kind="done")) == ""


@pytest.mark.parametrize("name", FORMATS)
def test_rows_are_counted(name: str) -> None:
    from io import StringIO

    rows = [(n, str(n)) for n in range(1234)]
    given = result([ResultColumn("n", "integer"), ResultColumn("s")], rows)
    assert FORMATS[name](given, StringIO(), Options()) == 1234

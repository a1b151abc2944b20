"""Laws that hold for every query of the fixtures, whatever it says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from engine.language.parser import parse
from engine.language.statements import Select, Use
from engine.settings import Settings
from tests.statements.fixtures import IMAGES, Case, Outcome, cases, run

# `page` and `page_size` are the user's own words about paging, so paging may change their answers.
READS = [
    case
    for case in cases()
    if "error" not in case.sections and all(isinstance(s.body, Select | Use) for s in parse(case.sql))
]
QUERIES = [case for case in READS if not re.search(r"\bpages?\b|EXEC", case.sql)]
EVERYWHERE = pytest.mark.parametrize("case", QUERIES, ids=lambda case: case.name)
pytestmark = pytest.mark.usefixtures("no_waiting")  # scripts of many lists would wait for the rate limit


def many() -> list[dict[str, Any]]:
    """The fixture images and sixty more, so that pages of 25 are several."""
    more = [
        {**IMAGES[n % 8], "id": f"private/{100 + n}", "label": f"more-{n % 7}", "is_public": False, "size": n * 50}
        for n in range(60)
    ]
    return [*IMAGES[:5], *more, *IMAGES[5:]]


def answer(case: Case, images: list[dict[str, Any]] | None = None, **settings: Any) -> Outcome:
    outcome = run(case.sql, Settings(environ={}, **settings), images=images or IMAGES)
    assert outcome.error == ""
    return outcome


@EVERYWHERE
def test_push_down_never_changes_an_answer(case: Case) -> None:
    assert sorted(answer(case, pushdown=False).rows) == sorted(answer(case).rows)


@EVERYWHERE
def test_where_values_wait_never_changes_an_answer(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    found = answer(case)
    monkeypatch.setattr("engine.planner.planner.late", lambda *_: None)
    assert sorted(answer(case).rows) == sorted(found.rows)
    assert (answer(case).columns, answer(case).requests) == (found.columns, found.requests)


@EVERYWHERE
def test_page_size_never_changes_an_answer(case: Case) -> None:
    rows = many()
    assert answer(case, rows, page_size=25).rows == answer(case, rows, page_size=500).rows


@EVERYWHERE
def test_concurrency_never_changes_an_answer(case: Case) -> None:
    rows = many()
    one = answer(case, rows, page_size=25, concurrency=1)
    many_ = answer(case, rows, page_size=25, concurrency=16)
    assert one.rows == many_.rows
    assert sorted(one.requests) == sorted(many_.requests)


@EVERYWHERE
def test_a_query_inside_another_answers_the_same(case: Case) -> None:
    *before, last = parse(case.sql)
    wrapped = "; ".join([*(s.text for s in before), f"SELECT * FROM ({last.text}\n)"])
    plain, inner = answer(case), run(wrapped, Settings(environ={}))
    assert inner.error == ""
    assert inner.rows == plain.rows


@pytest.mark.parametrize("case", READS, ids=lambda case: case.name)
def test_explaining_sends_nothing(case: Case) -> None:
    outcome = run(case.sql, dry_run=True)
    assert outcome.error == ""
    assert outcome.requests == ()
    assert any(row.startswith(("output: ", "answered from")) for row in outcome.rows)


@pytest.mark.parametrize(
    "case", [c for c in cases("writes") if "error" not in c.sections], ids=lambda case: case.name
)
def test_explaining_a_write_sends_nothing(case: Case) -> None:
    outcome = run(case.sql, dry_run=True)
    assert outcome.error == ""
    assert outcome.requests == ()

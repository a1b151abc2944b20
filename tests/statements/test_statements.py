"""Every case of the fixture files: the rows, the requests, the words."""

from __future__ import annotations

import pytest

from tests.statements.fixtures import Case, cases, run, same


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    outcome = run(case.sql)
    wanted = case.sections
    if "error" in wanted:
        for line in wanted["error"]:
            assert line in outcome.error
    else:
        assert outcome.error == ""
    if "requests" in wanted:
        assert sorted(outcome.requests) == sorted(map(same, wanted["requests"]))
        sent = [request.startswith("GET") for request in outcome.requests]
        assert sent == sorted(sent, reverse=True), "a write left before the last read"
    if "rows" in wanted:
        assert outcome.rows == wanted["rows"]
    if "plan" in wanted:
        assert outcome.rows == wanted["plan"]
    if "message" in wanted:
        assert outcome.messages == wanted["message"]
    for line in wanted.get("warning", ()):
        assert line in "\n".join(outcome.warnings)


def test_no_case_is_without_an_expectation() -> None:
    assert [case.name for case in cases() if not case.sections] == []

"""Push-down is a hint: with query options or without, whatever an API makes of letters, an answer is the same."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.session import Session
from engine.settings import Settings
from tests.documents.hub import Api
from tests.documents.test_features import ROOTS

NUMBERS = st.sampled_from(["id", "age", "score"])
TEXTS = st.sampled_from(["name", "city", "born"])
CONSTANTS = st.sampled_from(["1", "17", "31", "2.0", "1.5", "-1", "64", "3"])
WORDS = st.sampled_from(["'Oslo'", "'oslo'", "'O''Fallon'", "'Ann'", "'7up'", "''", "'2008'", "5"])
PATTERNS = st.sampled_from(["'O%'", "'%o'", "'7%'", "'%''%'", "'a_n'", "'%'", "'2008-%'"])
GLOBS = st.sampled_from(["'O*'", "'*o'", "'7*'", "'A?n'", "'[AE]*'", "'*'", "'*[a-z]'", "'*-01-*'"])
ATOMS = st.one_of(
    st.builds("{} {} {}".format, NUMBERS, st.sampled_from(["=", "<", "<=", ">", ">=", "<>", "IS NOT"]), CONSTANTS),
    st.builds("{} IN ({}, {})".format, NUMBERS, CONSTANTS, CONSTANTS),
    st.builds("{} BETWEEN {} AND {}".format, NUMBERS, CONSTANTS, CONSTANTS),
    st.builds("{} {} {}".format, TEXTS, st.sampled_from(["=", "<", ">=", "<>"]), WORDS),
    st.builds("{} IN ({}, {})".format, TEXTS, WORDS, WORDS),
    st.builds("{} LIKE {}".format, TEXTS, PATTERNS),
    st.builds("{} GLOB {}".format, TEXTS, GLOBS),
    st.builds("active = {}".format, st.sampled_from(["true", "false", "1", "2"])),
    st.builds("{} IS NULL".format, st.sampled_from(["age", "born", "name"])),
)
TERMS = st.one_of(ATOMS, st.builds("({} OR {})".format, ATOMS, ATOMS), st.builds("NOT ({})".format, ATOMS))
LISTS = st.sampled_from(
    ["*", "id", "name, age", "count(*)", "max(age), city", "DISTINCT city", "upper(name) AS name, id"]
)
ORDERS = st.sampled_from(["", " ORDER BY age", " ORDER BY age DESC", " ORDER BY score, id", " ORDER BY name DESC"])
LIMITS = st.sampled_from(["", " LIMIT 1", " LIMIT 2", " LIMIT 3 OFFSET 1", " LIMIT 0", " LIMIT 9"])
FROMS = st.sampled_from(["apex.hub.people", "(SELECT * FROM apex.hub.people LIMIT 4) p"])


@st.composite
def queries(draw: st.DrawFn) -> str:
    where = " AND ".join(draw(st.lists(TERMS, max_size=3)))
    clause = f" WHERE {where}" if where else ""
    order, limit = draw(ORDERS), draw(LIMITS)
    if limit and order:  # among equals SQLite may choose
        order += ", id"
    return f"SELECT {draw(LISTS)} FROM {draw(FROMS)}{clause}{order}{limit}"


Both = dict[bool, Session]


@pytest.fixture(scope="module", params=[False, True], ids=["tells letters apart", "takes A for a"])
def sessions(request: pytest.FixtureRequest) -> Iterator[Both]:
    """A session that pushes down and one that does not, over the same API."""
    api = Api(folds=request.param)
    made = {
        pushdown: Session(Settings(environ={}, registry=ROOTS, pushdown=pushdown), transport=httpx.MockTransport(api))
        for pushdown in (True, False)
    }
    yield made
    for session in made.values():
        session.close()


@given(sql=queries())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_push_down_changes_no_answer(sessions: Both, sql: str) -> None:
    answers = []
    for session in sessions.values():
        (result,) = session.run(sql)
        answers.append(result.fetchall())
    if " ORDER BY" not in sql and "LIMIT" not in sql:
        answers = [sorted(rows, key=repr) for rows in answers]
    assert answers[0] == answers[1], sql

"""What documents can ask for: the SQL, the requests that leave, the rows that come, case by case of features.test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from engine.accounts import Profile
from engine.errors import StratoqlError, explain
from engine.session import Session
from engine.settings import Settings
from tests.documents.hub import Api
from tests.statements.fixtures import Case, cases_in, shown

HERE = Path(__file__).parent
ROOTS = (str(HERE / "demo"), str(HERE.parent / "demo"))  # views read the shop of the other demo
ENVIRON = {
    "ACME_ID": "acme-id",
    "ACME_SECRET": "s3cret/id",
    "ACME_USER": "ann",
    "ACME_PASS": "pw",
    "ACME_KEY": "key-1",
    "ACME_APP": "app-1",
}
MANY = ", ".join(map(str, range(501)))
CASES = list(cases_in(HERE / "features.test"))


@dataclass(frozen=True)
class Told:
    """What came of running a case."""

    rows: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    error: str = ""


def run(sql: str, api: Api, *, pushdown: bool = True) -> Told:
    """The last statement's rows and messages, or the error as it is explained."""
    settings = Settings(environ=ENVIRON, registry=ROOTS, pushdown=pushdown)
    told = Told()
    with Session(settings, transport=httpx.MockTransport(api)) as session:
        try:
            for result in session.run(sql.replace("{H}", "apex.hub").replace("{MANY}", MANY)):
                rows = tuple(" | ".join(map(shown, row)) for row in result.fetchall())
                told = Told(rows, (*result.messages, *result.warnings))
        except StratoqlError as error:
            return Told(error=explain(error))
    return told


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.usefixtures("no_waiting")
def test_a_feature(case: Case) -> None:
    api = Api()
    told = run(case.sql, api)
    assert bool(told.error) == ("error" in case.sections), told.error
    if "requests" in case.sections:
        assert sorted(api.asked) == sorted(case.sections["requests"])
    if "rows" in case.sections:
        assert told.rows == case.sections["rows"]
    for line in case.sections.get("error", ()):
        assert line in told.error
    if "message" in case.sections:
        assert told.messages == case.sections["message"]


def reads() -> Iterator[Case]:
    return (case for case in CASES if "rows" in case.sections and "error" not in case.sections)


@pytest.mark.parametrize("case", list(reads()), ids=lambda case: case.name)
@pytest.mark.usefixtures("no_waiting")
def test_without_push_down_every_answer_is_the_same(case: Case) -> None:
    api = Api()
    assert run(case.sql, api, pushdown=False).rows == case.sections["rows"]
    assert not [line for line in api.asked if "$" in line or "fields=" in line or "with_total" in line]


@pytest.mark.parametrize("limit", ["", " LIMIT 2"])
def test_an_api_that_refuses_a_filter_is_asked_for_all(limit: str) -> None:
    api = Api(refuses=True)
    told = run(f"SELECT id FROM {{H}}.people WHERE age > 40{limit}", api)
    assert told.rows == ("4", "5")
    assert [line for line in told.messages if "was read whole, because the API refused the filter" in line]
    first, *rest = api.asked
    assert "$filter=age gt 40" in first
    assert rest == [f"GET /people?$select=id,age{more}" for more in ("", "&skip=2", "&skip=4")]


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("SELECT who FROM {V} WHERE _account = 'b' AND years > 40", "has no _account"),
        ("SELECT v.who FROM {V} v JOIN {P} p ON v.id = p.id AND v._account = p._account", "has no _account"),
        ("SELECT v.who FROM {V} v JOIN {P} p ON v.id = p.id AND p._account = 'b' WHERE v.years > 60", ""),
        ("SELECT who FROM {V} WHERE years > 60 AND (SELECT count(*) FROM {P} WHERE _account = 'b') = 5", ""),
    ],
)
def test_a_view_is_of_all_accounts(sql: str, fault: str) -> None:
    profiles = {name: Profile(name, provider="apex", token=f"token-{name}") for name in "ab"}
    held = Settings(environ={}, registry=ROOTS, account=("a", "b"), accounts=profiles)
    text = sql.replace("{V}", "apex.hub.vw_adults").replace("{P}", "apex.hub.people")
    with Session(held, transport=httpx.MockTransport(Api())) as session:
        if not fault:
            assert [row for result in session.run(text) for row in result.fetchall()] == [("7up",), ("7up",)]
            return
        with pytest.raises(StratoqlError) as raised:
            list(session.run(text))
    assert explain(raised.value).startswith(
        "error: apex.hub.vw_adults is a view, which is written over the rows of all accounts: it has no _account\n"
    )
    assert "hint: leave _account out and name one account at a time" in explain(raised.value)

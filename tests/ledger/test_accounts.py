"""A ledger of several accounts: each call is finished, looked up and undone in the account it was of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.accounts import Profile
from engine.errors import StratoqlError, UsageError, explain
from engine.ledger.file import opened
from engine.replay import undo as undoing
from engine.replay.resume import Told, Wish, resume
from engine.session import Session
from engine.settings import Settings
from tests.ledger.played import Account, image, lines

PROFILES = {name: Profile(name, token_env=f"{name.upper()}_KEY") for name in ("prod", "staging", "lab")}
VARIABLES = {f"{name.upper()}_KEY": f"key-of-{name}" for name in PROFILES} | {"LINODE_TOKEN": "key-of-prod"}
RENAME = "REPLACE linode.images.images SET data__label = 'new-' || label WHERE label LIKE 'old%'"


class Several:
    """Accounts that have images of the same ids, each behind its own token."""

    def __init__(self) -> None:
        self.each = {name: Account(image(n, f"old-{name}-{n}") for n in (1, 2)) for name in PROFILES}

    def answer(self, request: httpx.Request) -> httpx.Response:
        return self.each[request.headers["authorization"].removeprefix("Bearer key-of-")].answer(request)

    def session(self, *names: str, **settings: Any) -> Session:
        given = {"accounts": PROFILES, "environ": VARIABLES, "account": names, "concurrency": 1, **settings}
        return Session(Settings(**given), transport=httpx.MockTransport(self.answer))

    def run(self, sql: str, ledger: Path, *names: str) -> None:
        with self.session(*names, ledger=str(ledger)) as session:
            for result in session.run(sql):
                result.fetchall()

    def broken(self, sql: str, ledger: Path, name: str) -> None:
        """Run a write of prod and staging; the connection of one is lost in each answer of a change."""
        account = self.each[name]

        def lost(request: httpx.Request) -> httpx.Response | None:
            if request.method == "GET":
                return None
            account.act(request.method, "private/1", json.loads(request.content or b"{}"))
            raise httpx.ReadError("cut off")

        account.meet = lost
        with pytest.raises(StratoqlError):
            self.run(sql, ledger, "prod", "staging")
        account.meet = lambda request: None

    def resume(self, ledger: Path, *names: str, settings: Mapping[str, Any] | None = None, **wish: Any) -> list[Told]:
        with self.session(*names, **(settings or {})) as session, opened(str(ledger)) as file:
            return resume(session, file, Wish(**wish))

    def labels(self, name: str) -> list[str]:
        return [row["label"] for row in self.each[name].rows.values()]


@pytest.fixture
def several() -> Several:
    return Several()


@pytest.mark.parametrize("names", [(), ("staging", "prod", "lab")])
def test_each_call_is_finished_in_its_account(several: Several, ledger: Path, names: tuple[str, ...]) -> None:
    several.broken(RENAME, ledger, "prod")
    assert several.labels("staging") == ["old-staging-1", "old-staging-2"]
    told = several.resume(ledger, *names)
    assert [(one.call, one.state, one.note) for one in told] == [
        (1, "done", "the row has the new values"),  # by a look into prod, not into another
        (2, "done", None),
        (3, "done", None),
        (4, "done", None),
    ]
    assert "account staging" in told[3].row
    assert several.labels("prod") == ["new-old-prod-1", "new-old-prod-2"]
    assert several.labels("staging") == ["new-old-staging-1", "new-old-staging-2"]
    assert several.each["lab"].sent == []
    assert [a.effects for a in several.each.values()] == [
        {"PUT private/1": 1, "PUT private/2": 1} if name != "lab" else {} for name in PROFILES
    ]


def test_one_account_alone(several: Several, ledger: Path) -> None:
    several.run(RENAME, ledger, "staging")
    assert several.resume(ledger) == []
    with several.session() as session, opened(str(ledger)) as file:
        each, backs = undoing.undo(session, file, None)
        undoing.apply(session, file, each, backs)
    assert "_account" not in backs[0].text  # nothing else can be meant
    assert several.labels("staging") == ["old-staging-1", "old-staging-2"]
    assert several.each["prod"].sent == []


def test_it_is_put_back_where_it_was_changed(several: Several, ledger: Path) -> None:
    several.run(RENAME, ledger, "prod", "staging")
    several.each["staging"].rows["private/2"]["label"] = "by another hand"
    with several.session() as session, opened(str(ledger)) as file:
        each, backs = undoing.undo(session, file, None)
        undoing.apply(session, file, each, backs)
        assert undoing.left(file, backs)
    assert backs[2].text == (
        "REPLACE linode.images.images SET data__label = 'old-staging-1' "
        "WHERE _account = 'staging' AND imageId = 'private/1';"
    )
    assert several.labels("prod") == ["old-prod-1", "old-prod-2"]
    assert several.labels("staging") == ["old-staging-1", "by another hand"]


def test_runs_for_accounts_and_for_nobody_by_name(several: Several, ledger: Path) -> None:
    for names, name in ((("staging",), "staging"), ((), "prod")):
        several.each[name].meet = lambda request: httpx.Response(500) if request.method == "PUT" else None
        with pytest.raises(StratoqlError):
            several.run(RENAME, ledger, *names)
        several.each[name].meet = lambda request: None
    (first, second) = (line["run"] for line in lines(ledger) if line["event"] == "run")
    assert {one.state for one in several.resume(ledger, decided={}, failed=True)} == {"done"}
    assert several.labels("prod") == ["new-old-prod-1", "new-old-prod-2"]
    assert several.labels("staging") == ["new-old-staging-1", "new-old-staging-2"]
    assert first != second


def test_another_account_is_refused(several: Several, ledger: Path) -> None:
    several.broken(RENAME, ledger, "prod")
    sent = {name: list(account.sent) for name, account in several.each.items()}

    def refused(*names: str, **settings: Any) -> str:
        with pytest.raises(UsageError) as raised:
            several.resume(ledger, *names, settings=settings)
        return explain(raised.value)

    assert "was for prod and staging, and lab is named here\nhint: name no account" in refused("lab")
    assert "a token was given, which speaks for its own account" in refused(token="key-of-prod")
    assert "staging in run" in refused(environ=VARIABLES | {"STAGING_KEY": "key-of-lab"})
    assert "there is no account 'prod'" in refused(accounts={"lab": PROFILES["lab"]})
    assert {name: account.sent for name, account in several.each.items()} == sent


def test_a_run_for_nobody_by_name_is_not_taken_for_an_accounts(several: Several, ledger: Path) -> None:
    several.each["prod"].meet = lambda request: httpx.Response(500) if request.method == "PUT" else None
    with pytest.raises(StratoqlError):
        several.run(RENAME, ledger)
    with pytest.raises(UsageError, match="was for no account by name, and staging is named here"):
        several.resume(ledger, "staging")


def test_no_token_of_an_account_is_written_down(several: Several, ledger: Path) -> None:
    several.run("REPLACE linode.images.images SET data__label = 'key-of-lab' WHERE id = 'private/1'", ledger, "prod")
    assert "key-of" not in ledger.read_text()

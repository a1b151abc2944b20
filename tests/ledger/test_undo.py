"""What a REPLACE has changed is put back, as far as the ledger knows it and nobody has changed it since."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from engine.errors import UsageError
from engine.ledger.file import opened
from engine.ledger.runs import runs
from engine.replay import undo as undoing
from tests.ledger.played import Account, events, image

RENAME = """REPLACE linode.images.images
    SET data__label = 'new-' || label, data__tags = json_insert(tags, '$[#]', 'it''s') WHERE label LIKE 'old%'"""


def planned(account: Account, ledger: Path, run: str | None = None) -> list[str]:
    with account.session() as session, opened(str(ledger)) as file:
        return [back.text for back in undoing.undo(session, file, run)[1]]


def applied(account: Account, ledger: Path) -> bool:
    """Put back what can be; whether something is left."""
    with account.session() as session, opened(str(ledger)) as file:
        each, backs = undoing.undo(session, file, None)
        undoing.apply(session, file, each, backs)
        return undoing.left(file, backs)


def test_the_statements_that_put_it_back(account: Account, ledger: Path) -> None:
    before = {key: dict(row) for key, row in account.rows.items()}
    assert account.run(RENAME, ledger) is None
    assert account.rows["private/2"] == image(2, "new-old-2") | {"tags": ["it's", "one", "two"]}
    written, size = len(account.writes), ledger.stat().st_size
    texts = planned(account, ledger)
    assert texts[1] == (
        "REPLACE linode.images.images SET data__label = 'old-2', data__tags = '[\"one\", \"two\"]' "
        "WHERE imageId = 'private/2';"
    )
    assert (len(account.writes), ledger.stat().st_size) == (written, size)  # it has only read
    with account.session() as session:  # they are SQL like any other
        list(session.run("\n".join(texts)))
    assert account.rows == before


def test_it_is_applied_and_written_down_and_can_be_undone_itself(account: Account, ledger: Path) -> None:
    before = {key: dict(row) for key, row in account.rows.items()}
    account.run(RENAME, ledger)
    after = {key: dict(row) for key, row in account.rows.items()}
    assert applied(account, ledger) is False
    assert account.rows == before
    assert events(ledger)[6:] == [f"{event} {n}" for n in (1, 2, 3) for event in ("sending", "done")]
    assert len(runs_of(ledger)) == 2
    assert applied(account, ledger) is False
    assert account.rows == after
    first, second, third = runs_of(ledger)
    assert planned(account, ledger, first) == planned(account, ledger, third)
    assert {text.rpartition(": ")[2] for text in planned(account, ledger, second)} == {"the row is as it was before"}


def runs_of(ledger: Path) -> list[str]:
    with opened(str(ledger)) as file:
        return list(runs(file.lines()))


def test_a_row_that_was_changed_since_is_left_alone(account: Account, ledger: Path) -> None:
    account.run(RENAME, ledger)
    account.rows["private/1"]["label"] = "by another hand"
    account.rows["private/2"].update(image(2, "old-2"))
    del account.rows["private/3"]
    texts = planned(account, ledger)
    assert texts == [
        "-- imageId = private/1 was changed since: label = 'by another hand', "
        'tags = \'["it\'\'s","one","two"]\'; this would put it back\n'
        "-- REPLACE linode.images.images SET data__label = 'old-1', data__tags = '[\"one\", \"two\"]' "
        "WHERE imageId = 'private/1';",
        "-- imageId = private/2: the row is as it was before",
        "-- imageId = private/3: the row is gone",
    ]
    written = len(account.writes)
    assert applied(account, ledger) is True
    assert len(account.writes) == written


def test_one_that_may_have_happened_is_put_back_if_it_has(account: Account, ledger: Path) -> None:
    def lost(request: httpx.Request) -> httpx.Response | None:
        if account.sent[-1] == "PUT private/2":
            account.act("PUT", "private/2", {"label": "new-old-2"})
            raise httpx.ReadError("connection lost")
        return None

    account.meet = lost
    account.run("REPLACE linode.images.images SET label = 'new-' || label WHERE label LIKE 'old%'", ledger)
    account.meet = lambda request: None
    assert applied(account, ledger) is False
    assert {row["label"] for row in account.rows.values()} == {"old-1", "old-2", "old-3"}


def test_one_that_fails_is_left(account: Account, ledger: Path) -> None:
    account.run(RENAME, ledger)
    account.meet = lambda request: httpx.Response(403) if request.method == "PUT" else None
    assert applied(account, ledger) is True


def test_what_cannot_be_undone_is_said(account: Account, ledger: Path) -> None:
    account.run("INSERT INTO linode.images.images (disk_id, label) VALUES (5, 'a')", ledger)
    assert planned(account, ledger) == [
        "-- data__disk_id = 5, data__label = a: an INSERT is not undone; delete what it made: private/903"
    ]
    account.run("DELETE FROM linode.images.images WHERE id = 'private/1'", ledger)
    assert planned(account, ledger) == ["-- imageId = private/1: a DELETE cannot be undone"]
    account.run("REPLACE linode.images.images SET data__label = 'x' WHERE id = 'private/2'", ledger)
    account.run("DELETE FROM linode.images.images WHERE id = 'private/3'", ledger)
    assert planned(account, ledger)[0].startswith("REPLACE ")  # the last run that changed what can be put back
    assert applied(account, ledger) is False


def test_an_old_value_that_the_api_does_not_take_is_said(account: Account, ledger: Path) -> None:
    account.rows["private/1"]["description"] = None
    account.run("REPLACE linode.images.images SET description = 'x' WHERE id = 'private/1'", ledger)
    (text,) = planned(account, ledger)
    assert text.startswith("-- imageId = private/1 cannot be put back: data__description expects a text")


def test_a_secret_and_a_row_that_was_not_read_cannot_be_put_back(account: Account, ledger: Path) -> None:
    secret = {"environ": {"DB_PASSWORD": "hunter2-long"}}
    account.run("REPLACE linode.images.images SET label = 'hunter2-long' WHERE id = 'private/1'", ledger, **secret)
    assert planned(account, ledger) == ["-- imageId = private/1: the ledger does not know all that was changed"]


def test_a_ledger_without_a_write(account: Account, ledger: Path) -> None:
    account.meet = lambda request: httpx.Response(403) if request.method != "GET" else None
    ledger.touch()
    with pytest.raises(UsageError, match="the ledger tells of nothing that was written") as raised:
        planned(account, ledger)
    assert raised.value.hint == "there is nothing to undo; another run has another ledger, or another name for --run"

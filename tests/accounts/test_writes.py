"""Writes of several accounts: each row is written where it is, and what does not say where is refused."""

from __future__ import annotations

import pytest

from engine.preview import Preview
from engine.sandbox.faults import Fault
from engine.session import Session
from engine.settings import Settings
from tests.accounts.asked import PROFILES, VARIABLES, ask, wire

TABLE = "linode.images.images"


def written(requests: list[str]) -> list[str]:
    return sorted(line for line in requests if " GET " not in line)


def test_a_row_is_deleted_where_it_was_found() -> None:
    asked = ask(f"DELETE FROM {TABLE} WHERE label = 'web' RETURNING _account, id")
    assert sorted(asked.rows) == [("prod", "private/1"), ("staging", "private/3")]
    assert written(asked.requests) == [
        "prod DELETE /v4/images/private%2F1",
        "staging DELETE /v4/images/private%2F3",
    ]


def test_a_key_alone_is_looked_up_to_find_its_account() -> None:
    asked = ask(f"DELETE FROM {TABLE} WHERE id = 'private/3'")
    assert asked.error == ""
    assert written(asked.requests) == ["staging DELETE /v4/images/private%2F3"]
    assert len(asked.requests) == 3


def test_a_key_with_its_account_needs_no_looking_up() -> None:
    asked = ask(f"DELETE FROM {TABLE} WHERE id = 'private/3' AND _account = 'staging'")
    assert asked.requests == ["staging DELETE /v4/images/private%2F3"]
    asked = ask(f"DELETE FROM {TABLE} WHERE id = 'private/3'", "staging")
    assert asked.requests == ["staging DELETE /v4/images/private%2F3"]


def test_a_change_is_made_where_the_row_is() -> None:
    asked = ask(
        f"REPLACE {TABLE} SET data__label = _account || '-' || label WHERE label = 'web' RETURNING _account, label"
    )
    assert sorted(asked.rows) == [("prod", "prod-web"), ("staging", "staging-web")]
    asked = ask(f"REPLACE {TABLE} SET data__label = 'x' WHERE _account = 'prod' AND label = 'web'")
    assert [line.split()[0] for line in asked.requests] == ["prod", "prod"]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            f"INSERT INTO {TABLE} (data__disk_id) VALUES (11)",
            f"prod and staging are named, and this does not say whose {TABLE} it is about",
        ),
        (
            f"INSERT INTO {TABLE} (data__disk_id) VALUES (11)",
            "hint: add _account to the columns, or name one account",
        ),
        (
            f"EXEC {TABLE}.post_upload_image @label = 'x', @region = 'us-east'",
            "hint: add the line: @_account = 'prod', or name one account",
        ),
        (
            f"INSERT INTO {TABLE} (_account, data__disk_id) VALUES ('lab', 11)",
            "a row of this INSERT says the account 'lab', which was not named\nhint: _account must be",
        ),
        (f"INSERT INTO {TABLE} (_account, data__disk_id) VALUES (NULL, 11)", "a row of this INSERT says no account"),
        (
            f"DELETE FROM {TABLE} WHERE id = 'private/4' AND _account = 'lab'",
            "says the account 'lab', which was not named",
        ),
    ],
)
def test_what_does_not_say_whose_is_refused(sql: str, told: str) -> None:
    asked = ask(sql)
    assert written(asked.requests) == []
    assert told in asked.error


def test_rows_say_where_they_are_made() -> None:
    sql = f"INSERT INTO {TABLE} (_account, data__disk_id, data__label) VALUES ('prod', 11, 'a'), ('staging', 21, 'b')"
    asked = ask(f"{sql} RETURNING _account, label")
    assert sorted(asked.rows) == [("prod", "a"), ("staging", "b")]
    assert written(asked.requests) == [
        'prod POST /v4/images {"disk_id":11,"label":"a"}',
        'staging POST /v4/images {"disk_id":21,"label":"b"}',
    ]


def test_an_insert_from_a_query_takes_the_account_of_its_rows() -> None:
    asked = ask(
        f"INSERT INTO {TABLE} (_account, data__disk_id, data__label) "
        "SELECT d._account, d.id, i.label FROM linode.linode.instances i "
        "JOIN linode.linode.disks d ON d.linodeId = i.id WHERE d.label = 'root'"
    )
    assert written(asked.requests) == [
        'prod POST /v4/images {"disk_id":11,"label":"one"}',
        'staging POST /v4/images {"disk_id":21,"label":"uno"}',
    ]


def test_one_account_is_enough_said() -> None:
    asked = ask(f"INSERT INTO {TABLE} (data__disk_id, data__label) VALUES (11, 'a') RETURNING _account", "prod")
    assert asked.rows == [("prod",)]
    asked = ask(f"EXEC {TABLE}.post_upload_image @label = 'x', @region = 'us-east'", "staging")
    assert [line.split()[0] for line in asked.requests] == ["staging"]
    asked = ask(f"EXEC {TABLE}.post_upload_image @label = 'x', @region = 'us-east', @_account = 'prod'")
    assert [line.split()[0] for line in asked.requests] == ["prod"]


def test_a_missing_token_stops_a_write_before_it_begins() -> None:
    sql = f"INSERT INTO {TABLE} (_account, data__disk_id) VALUES ('prod', 11), ('staging', 21)"
    asked = ask(sql, environ={"STAGING_TOKEN": ""}, partial=True)
    assert asked.requests == []
    assert "account staging has no token: STAGING_TOKEN is not set" in asked.error


def test_a_write_is_never_partial() -> None:
    asked = ask(f"DELETE FROM {TABLE} WHERE label = 'web'", environ={"STAGING_TOKEN": "wrong"}, partial=True)
    assert written(asked.requests) == []
    assert "account staging: HTTP 401" in asked.error


def test_a_broken_write_tells_whose_rows_are_done() -> None:
    fault = Fault(method="DELETE", path="private/3$", status=403, times=1)
    asked = ask(f"DELETE FROM {TABLE} WHERE label = 'web'", concurrency=1, faults=[fault])
    assert "done     account prod, imageId = private/1" in asked.error
    assert "failed   account staging, imageId = private/3: account staging: HTTP 403" in asked.error


def test_who_is_asked_sees_whose_rows_they_are() -> None:
    seen: list[Preview] = []

    def refuse(preview: Preview) -> bool:
        seen.append(preview)
        return False

    settings = Settings(account=("prod", "staging"), accounts=PROFILES, environ=VARIABLES)
    with Session(settings, transport=wire(), approve=refuse) as session, pytest.raises(Exception, match="not done"):
        list(session.run(f"DELETE FROM {TABLE} WHERE label = 'web'"))
    (preview,) = seen
    assert preview.columns == ("_account", "imageId", "label")
    assert sorted(preview.rows) == [("prod", "private/1", "web"), ("staging", "private/3", "web")]
    assert sorted(request[-15:].split("(")[1] for request in preview.requests) == ["as prod)", "as staging)"]

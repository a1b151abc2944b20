"""An account may be called by a number. Its column is of text, and compares with a number as such a column does."""

from __future__ import annotations

import pytest

from tests.accounts.asked import ask
from tests.accounts.test_writes import written

TABLE = "linode.images.images"
NAMES = ("prod", "7")
LIST = "7 GET /v4/images?page=1&page_size=500"


@pytest.mark.parametrize(
    "predicate",
    ["_account = '7'", "_account = 7", "7 = i._account", "_account IN (7, 8)", "_account IN (SELECT 7)"],
)
def test_it_is_found_by_its_number(predicate: str) -> None:
    asked = ask(f"SELECT _account, id FROM {TABLE} i WHERE {predicate} AND is_public = false", *NAMES)
    assert asked.rows == [("7", "private/6")]
    assert asked.requests == [LIST]


@pytest.mark.parametrize("predicate", ["_account = '07'", "_account = 7.0"])
def test_text_that_spells_the_number_otherwise_is_another_name(predicate: str) -> None:
    asked = ask(f"SELECT id FROM {TABLE} WHERE {predicate}", *NAMES)
    assert (asked.rows, asked.requests) == ([], [])
    everywhere = ask(f"SELECT id FROM {TABLE} WHERE +{predicate}", *NAMES)
    assert everywhere.rows == []


def test_a_number_that_nobody_is_called_by_is_told() -> None:
    asked = ask(f"SELECT id FROM {TABLE} WHERE _account IN (7, 8) AND is_public = false", *NAMES)
    assert asked.rows == [("private/6",)]
    assert asked.warnings == ("no rows of an account '8': it was not named; valid names: prod, 7",)


@pytest.mark.parametrize(
    ("sql", "request_", "rows"),
    [
        (
            f"DELETE FROM {TABLE} WHERE id = 'private/6' AND _account = 7 RETURNING _account, id",
            "7 DELETE /v4/images/private%2F6",
            [("7", "private/6")],
        ),
        (
            f"DELETE FROM {TABLE} WHERE imageId = 'private/6' AND _account IN (7, '7')",
            "7 DELETE /v4/images/private%2F6",
            [],
        ),
        (
            f"REPLACE {TABLE} SET data__label = label || _account WHERE _account = 7 AND is_public = 0 "
            "RETURNING _account, label",
            '7 PUT /v4/images/private%2F6 {"label":"web7"}',
            [("7", "web7")],
        ),
        (
            f"REPLACE {TABLE} SET data__label = 'x' WHERE _account = 7 AND id = 'private/6' RETURNING _account, id",
            '7 PUT /v4/images/private%2F6 {"label":"x"}',
            [("7", "private/6")],
        ),
        (
            f"EXEC {TABLE}.post_upload_image @_account = 7, @label = 'x', @region = 'us-east'",
            '7 POST /v4/images/upload {"label":"x","region":"us-east"}',
            None,
        ),
    ],
)
def test_it_is_written_in_by_its_number(sql: str, request_: str, rows: list[tuple[str, ...]] | None) -> None:
    asked = ask(sql, *NAMES)
    assert asked.error == ""
    assert written(asked.requests) == [request_]
    assert rows is None or asked.rows == rows


def test_a_number_that_nobody_is_called_by_is_not_written_in() -> None:
    asked = ask(f"DELETE FROM {TABLE} WHERE imageId = 'private/6' AND _account = 8", *NAMES)
    assert asked.requests == []
    assert "a row of this DELETE says the account '8', which was not named" in asked.error

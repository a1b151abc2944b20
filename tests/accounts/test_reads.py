"""Queries of several accounts: each row knows whose it is, and no request carries another's token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from engine.sandbox.faults import Fault
from engine.session import Session
from engine.settings import Settings
from tests.accounts.asked import IMAGES, PROFILES, VARIABLES, ask, wire

TABLE = "linode.images.images"
LISTS = "GET /v4/images?page=1&page_size=500"


def test_every_account_is_asked_and_rows_say_whose_they_are() -> None:
    asked = ask(f"SELECT _account, id FROM {TABLE} WHERE is_public = false ORDER BY id")
    assert asked.rows == [("prod", "private/1"), ("prod", "private/2"), ("staging", "private/3")]
    assert sorted(asked.requests) == [f"prod {LISTS}", f"staging {LISTS}"]


def test_the_account_is_no_column_of_a_star() -> None:
    asked = ask(f"SELECT * FROM {TABLE} WHERE id = 'private/3'")
    assert len(asked.rows) == 1
    assert "staging" not in asked.rows[0]
    assert ask(f"SELECT i.*, 1 AS one FROM {TABLE} i WHERE id = 'private/3'").rows[0][-1] == 1


def test_it_is_grouped_filtered_ordered_and_joined() -> None:
    grouped = (
        f"SELECT _account, count(*), max(label) FROM {TABLE} WHERE is_public = false GROUP BY _account ORDER BY 1"
    )
    assert ask(grouped).rows == [("prod", 2, "web"), ("staging", 1, "web")]
    across = (
        f"SELECT a.id, b.id FROM {TABLE} a JOIN {TABLE} b ON a.label = b.label AND a._account < b._account "
        "WHERE a.is_public = false AND b.is_public = false"
    )
    assert ask(across).rows == [("private/1", "private/3")]
    within = f"SELECT count(*) FROM {TABLE} a JOIN {TABLE} b ON a.id = b.id AND a._account = b._account"
    assert ask(within).rows == [(5,)]


@pytest.mark.parametrize(
    "predicate",
    ["_account = 'prod'", "_account IN ('prod', 'elsewhere')", "'prod' = i._account", "_account = 'pr' || 'od'"],
)
def test_a_predicate_prunes_the_requests(predicate: str) -> None:
    asked = ask(f"SELECT id FROM {TABLE} i WHERE {predicate} AND is_public = false ORDER BY 1")
    assert asked.rows == [("private/1",), ("private/2",)]
    assert [line.split()[0] for line in asked.requests] == ["prod"]


def test_a_predicate_that_leaves_nobody_sends_nothing() -> None:
    asked = ask(f"SELECT id FROM {TABLE} WHERE _account = 'prod' AND _account = 'staging'")
    assert (asked.rows, asked.requests) == ([], [])
    assert asked.warnings == ()
    assert ask(f"SELECT count(*) FROM {TABLE} WHERE _account = 'elsewhere'").requests == []


@pytest.mark.parametrize("sql", ["_account = 'prdo'", "_account IN ('prdo', 'staging') AND is_public = false"])
def test_an_account_that_was_not_named_is_told(sql: str) -> None:
    asked = ask(f"SELECT a.id FROM {TABLE} a WHERE {sql}")
    assert [row[0] for row in asked.rows] == (["private/3"] if "staging" in sql else [])
    assert asked.warnings == ("no rows of an account 'prdo': it was not named; did you mean prod?",)


def test_a_limit_travels_with_it_and_a_count_adds_up() -> None:
    asked = ask(f"SELECT id FROM {TABLE} WHERE _account = 'prod' LIMIT 1")
    assert asked.requests == ["prod GET /v4/images?page=1&page_size=25"]
    asked = ask(f"SELECT count(*) FROM {TABLE}")
    assert asked.rows == [(5,)]
    assert sorted(asked.requests) == [f"{name} GET /v4/images?page=1&page_size=25" for name in ("prod", "staging")]


def test_a_join_that_feeds_stays_within_an_account() -> None:
    sql = (
        "SELECT i._account, d._account, i.label, count(d.id) FROM linode.linode.instances i "
        "JOIN linode.linode.disks d ON d.linodeId = i.id GROUP BY 1, 2, 3 ORDER BY 1"
    )
    asked = ask(sql)
    assert sorted(asked.requests) == sorted(
        f"{name} GET /v4/linode/instances{path}?page=1&page_size=500"
        for name in ("prod", "staging")
        for path in ("", "/1/disks")
    )
    assert asked.rows == [("prod", "prod", "one", 2), ("staging", "staging", "uno", 1)]  # both instances are number 1
    outer = sql.replace("JOIN", "LEFT JOIN").replace("= i.id", "= i.id AND d._account = 'prod'")
    assert ask(outer).rows == [("prod", "prod", "one", 2), ("staging", None, "uno", 0)]
    comma = sql.replace("JOIN", ",").replace(" ON ", " WHERE ")
    assert ask(comma).rows == asked.rows


@given(st.lists(st.sampled_from(sorted(IMAGES)), min_size=1, max_size=3, unique=True), st.booleans(), st.booleans())
@examples(max_examples=15, deadline=None)
def test_no_key_is_asked_of_another_account(names: list[str], pushdown: bool, outer: bool) -> None:
    """What one account's rows name is never asked with another's token, and never answers another's rows."""
    sql = (
        f"SELECT a._account, b._account, b.id FROM (SELECT _account, id FROM {TABLE}) x "
        f"JOIN {TABLE} a ON a.id = x.id AND a._account = x._account "
        f"{'LEFT ' if outer else ''}JOIN linode.tags.tagged_objects o ON o.tagLabel = a.label "
        f"JOIN {TABLE} b ON b.id = a.id AND b._account = a._account"
    )
    asked = ask(sql, *names, pushdown=pushdown)
    assert asked.error == ""
    assert all(row[0] == row[1] for row in asked.rows)
    for line in asked.requests:
        name, _, path = line.split(" ")[:3]
        if path.startswith("/v4/tags/"):
            assert path.removeprefix("/v4/tags/").split("?")[0] in {row["label"] for row in IMAGES[name]}


def test_what_a_where_feeds_stays_within_an_account_too() -> None:
    sql = (
        "SELECT t._account, o._account FROM linode.tags.tags t, linode.tags.tagged_objects o "
        "WHERE (t.label) = o.tagLabel"
    )
    rows = ask(sql).rows
    assert rows
    assert all(one == other for one, other in rows)


def test_one_account_has_the_column_too_and_none_has_not() -> None:
    assert ask(f"SELECT _account FROM {TABLE} LIMIT 1", "lab").rows == [("lab",)]
    from tests.statements.fixtures import run

    told = run(f"SELECT _account FROM {TABLE}").error
    assert "linode.images.images has no column or parameter '_account'" in told
    assert "hint: rows have it where accounts are named: --account prod,staging" in told
    assert "--account prod,staging" in run(f"SELECT i._account FROM {TABLE} i").error


def test_a_failure_names_its_account() -> None:
    broken = Fault(method="GET", path="^/images$", status=403, times=1, headers={})
    asked = ask(f"SELECT id FROM {TABLE}", "staging", faults=[broken])
    assert asked.error.startswith("error: account staging: HTTP 403")
    assert "request: GET https://api.linode.com/v4/images?page=1&page_size=500" in asked.error


def test_a_missing_token_names_the_account_and_the_variable_before_anything_is_sent() -> None:
    asked = ask(f"SELECT id FROM {TABLE}", environ={"STAGING_TOKEN": ""})
    assert asked.requests == []
    assert asked.error == (
        "error: account staging has no token: STAGING_TOKEN is not set\n"
        "hint: set STAGING_TOKEN, or leave the account out"
    )
    pruned = ask(f"SELECT count(*) FROM {TABLE} WHERE _account = 'prod'", environ={"STAGING_TOKEN": ""})
    assert pruned.rows == [(3,)]


def test_a_wrong_token_is_told_without_it() -> None:
    asked = ask(f"SELECT id FROM {TABLE}", environ={"STAGING_TOKEN": "wr0ng-secret"})
    assert "account staging: HTTP 401: Invalid Token" in asked.error
    assert "the credential from STAGING_TOKEN (account staging) is wrong or has expired" in asked.error
    assert "wr0ng-secret" not in asked.error


PARTIAL = [
    {"STAGING_TOKEN": "wr0ng-secret"},
    {"STAGING_TOKEN": ""},
]


@pytest.mark.parametrize("trouble", PARTIAL, ids=["wrong", "missing"])
@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        (
            f"SELECT _account, id FROM {TABLE} WHERE is_public = false ORDER BY 2",
            [("prod", "private/1"), ("prod", "private/2")],
        ),
        (f"SELECT count(*) FROM {TABLE}", [(3,)]),
        (f"SELECT id FROM {TABLE} WHERE id IN ('private/1', 'private/3')", [("private/1",)]),
        (
            "SELECT i.label, d.id FROM linode.linode.instances i JOIN linode.linode.disks d ON d.linodeId = i.id",
            [("one", 11), ("one", 12)],
        ),
    ],
    ids=["rows", "count", "keys", "join"],
)
def test_a_partial_answer_is_that_of_the_others_with_a_warning(
    sql: str, rows: list[tuple[object, ...]], trouble: dict[str, str]
) -> None:
    asked = ask(sql, partial=True, environ=trouble)
    assert asked.error == ""
    assert asked.rows == rows
    assert len(asked.warnings) == 1
    assert asked.warnings[0].startswith("without account staging")
    assert "wr0ng-secret" not in asked.warnings[0]


def test_an_account_that_fails_late_leaves_nothing_behind() -> None:
    sql = (
        "SELECT i._account, count(*) FROM linode.linode.instances i "
        "LEFT JOIN linode.linode.disks d ON d.linodeId = i.id GROUP BY 1"
    )
    kept = ask(sql, partial=True, faults=[Fault(method="GET", path="/disks$", status=403, times=1)])
    assert len(kept.rows) == 1  # all of the one, nothing of the other
    assert len(kept.warnings) == 1
    assert kept.rows[0][0] not in kept.warnings[0]


def test_a_partial_answer_of_nobody_is_an_error() -> None:
    asked = ask(f"SELECT id FROM {TABLE}", partial=True, environ={"STAGING_TOKEN": "", "PROD_TOKEN": ""})
    assert asked.rows == []
    assert "account prod has no token: PROD_TOKEN is not set" in asked.error
    once = ask(f"SELECT id FROM {TABLE} WHERE id = 'private/1'", "prod", partial=True, environ={"PROD_TOKEN": "x"})
    assert "account prod: HTTP 401" in once.error


def test_time_that_is_up_is_up_for_all() -> None:
    slow = Fault(method="GET", path="^/images$", delay=5, times=None)
    asked = ask(f"SELECT id FROM {TABLE}", partial=True, timeout=0.2, faults=[slow])
    assert "the 0.2 s allowed are used up" in asked.error


def test_all_share_one_budget() -> None:
    asked = ask(f"SELECT id FROM {TABLE}", max_requests=1)
    assert asked.requests == []
    assert "this would send 2 requests, more than the 1 allowed" in asked.error


def test_the_log_and_the_limits_name_accounts() -> None:
    asked = ask(f"SELECT count(*) FROM {TABLE}; SELECT account, method, count(*) FROM system.requests GROUP BY 1, 2")
    assert asked.rows == [("prod", "get_images", 1), ("staging", "get_images", 1)]
    asked = ask(f"SELECT count(*) FROM {TABLE}; SELECT name, account, remaining FROM system.limits ORDER BY 2")
    assert asked.rows == [("images:list", "prod", 19), ("images:list", "staging", 19)]  # to each its own


def test_accounts_are_asked_side_by_side() -> None:
    slow = wire([Fault(method="GET", delay=0.05, times=None)])
    settings = Settings(account=("prod", "staging", "lab"), accounts=PROFILES, environ=VARIABLES)
    with Session(settings, transport=slow) as session:
        list(session.run(f"SELECT id FROM {TABLE}"))
    assert slow.peak == 3


def test_a_natural_join_and_using_stay_within_an_account_or_say_why_not() -> None:
    sql = f"SELECT count(*) FROM {TABLE} a NATURAL JOIN (SELECT id, _account FROM {TABLE}) b"
    assert ask(sql).rows == [(5,)]
    assert (
        "SELECT * cannot leave the parameters out" in ask(f"SELECT * FROM {TABLE} a JOIN {TABLE} b USING (id)").error
    )


def test_an_exec_that_reads_asks_each() -> None:
    sql = f"SELECT _account, id FROM (EXEC {TABLE}.get_image @imageId = 'linode/debian12') x ORDER BY 1"
    assert ask(sql).rows == [("prod", "linode/debian12"), ("staging", "linode/debian12")]
    assert (
        len(ask(f"SELECT * FROM (EXEC {TABLE}.get_image @imageId = 'private/3', @_account = 'staging') x").rows) == 1
    )
    assert len(ask(f"EXEC {TABLE}.get_images").rows) == 5


def test_explain_says_as_whom() -> None:
    plan = "\n".join(row[0] for row in ask(f"EXPLAIN SELECT id FROM {TABLE} WHERE id = 'private/1'").rows)
    assert "send: GET https://api.linode.com/v4/images/private%2F1  (as prod)" in plan
    assert "send: GET https://api.linode.com/v4/images/private%2F1  (as staging)" in plan
    assert "sandbox:" not in plan

"""What Enter will do, foretold; and the line that tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.planner.names import Names
from engine.repl.cost import Cost, cost
from engine.repl.toolbar import Facts, account, toolbar
from engine.settings import Settings
from provider_registry.catalog import Catalog
from tests.planner.demo import ROOT

IMAGES = "linode.images.images"
CATALOG = Catalog([Path(ROOT)])
PIECES = f"""SELECT * DELETE INSERT INTO REPLACE SET EXEC WITH FROM {IMAGES} acme.shop.orders WHERE id = 'private/1' (
) , ; VALUES 1 AS a data__label RETURNING EXPLAIN ANALYZE USE linode JOIN ON customerId IN @x @@json ' " --
\\g""".split()
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Cost()),
        ("\\d images", Cost()),
        ("SELECT", Cost()),
        ("SELECT lable FROM linode.ima", Cost()),
        ("SELECT '{{ x }}'", Cost()),
        ("SELECT 1", Cost("no request", "reads")),
        ("SHOW PROVIDERS;", Cost("no request", "reads")),
        ("REGISTRY LIST", Cost("asks the registry", "reads")),
        ("REGISTRY PULL shop", Cost("fetches provider documents", "reads")),
        (f"EXPLAIN DELETE FROM {IMAGES} WHERE id = 'private/1'", Cost("no request", "reads")),
        (f"SELECT * FROM {IMAGES}", Cost("all pages of images", "reads")),
        (f"SELECT * FROM {IMAGES} WHERE is_public = true", Cost("all pages of images, filtered", "reads")),
        (f"SELECT * FROM {IMAGES} LIMIT 5", Cost("up to 5 rows of images", "reads")),
        (f"SELECT count(*) FROM {IMAGES} WHERE is_public = true", Cost("1 GET", "reads")),
        (f"SELECT * FROM {IMAGES} WHERE id IN ('private/1', 'private/2') \\g", Cost("2 GETs", "reads")),
        ("SELECT * FROM acme.shop.customers c JOIN acme.shop.orders o ON o.customerId = c.id",
         Cost("1 GET, then a GET for each row found", "reads")),
        (f"DELETE FROM {IMAGES} WHERE id = 'private/1'", Cost("1 DELETE", "writes")),
        (f"EXPLAIN ANALYZE DELETE FROM {IMAGES} WHERE id = 'private/1'", Cost("1 DELETE", "writes")),
        (f"DELETE FROM {IMAGES} WHERE created < '2024'",
         Cost("all pages of images, then a DELETE for each row found", "writes")),
        (f"INSERT INTO {IMAGES} (data__disk_id) VALUES (1), (2)", Cost("2 POSTs", "writes")),
        (f"INSERT INTO {IMAGES} (data__disk_id) {ENDLESS}", Cost("many POSTs", "writes")),
        (f"USE linode; SELECT * FROM images.images; DELETE FROM {IMAGES} WHERE id = 'private/1'; SELECT 1",
         Cost("no request; all pages of images; 1 DELETE; and 1 more", "writes")),
        (f"EXPLAIN (ROWS) DELETE FROM {IMAGES} WHERE created < '2024'", Cost("all pages of images", "reads")),
        (f"EXPLAIN (ROWS) DELETE FROM {IMAGES} WHERE id = 'private/1'", Cost("no request", "reads")),
        (f"SELECT /*+ AWAIT(90s) */ * FROM {IMAGES} WHERE id = 'private/1'",
         Cost("1 GET, then a wait of up to 1 min 30 s", "reads")),
        (f"EXEC /*+ AWAIT */ {IMAGES}.post_upload_image @label = 'x', @region = 'us-east', @@file = 'x.gz'",
         Cost("1 POST, then the file, then a wait of up to 1 h", "writes")),
        (f"DELETE /*+ AWAIT */ FROM {IMAGES} WHERE id = 'private/1'",
         Cost("refused: delete_image has nothing to wait for: it is done when it answers", "refused")),
        (f"DELETE /*+ MAX_WRITES(0) */ FROM {IMAGES} WHERE id = 'private/1';",
         Cost("error: MAX_WRITES takes a whole number from 1, got MAX_WRITES(0)", "refused")),
        (f"DELETE FROM {IMAGES}", Cost("refused: DELETE without a WHERE", "refused")),
        (f"REPLACE {IMAGES} SET data__label = 'x'", Cost("refused: REPLACE without a WHERE", "refused")),
        ("SELECT lable FROM linode.ima.x;", Cost("error: linode has no service 'ima'", "refused")),
        ("SELECT (;", Cost("error: this parenthesis is never closed", "refused")),
    ],
)  # fmt: skip
def test_cost(text: str, expected: Cost) -> None:
    assert cost(text, Names(CATALOG), Settings(environ={})) == expected


@given(st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join))
def test_whatever_is_typed_it_is_no_more_than_a_line(text: str) -> None:
    told = cost(text, Names(CATALOG), Settings(environ={}))
    assert "\n" not in told.text
    assert bool(told.text) == (told.kind != "nothing")


def shown(facts: Facts, columns: int) -> str:
    return "".join(text for _, text in toolbar(facts, columns))


def test_the_toolbar_keeps_what_matters_most() -> None:
    facts = Facts(
        cost=Cost("all pages of images, then a DELETE for each row found", "writes"),
        account="token *** of LINODE_TOKEN",
        sandbox=True,
        allowances={"default": (1598, 1600), "images:list": (18, 20)},
        last="0.312 s",
        multiline=False,
        vi="insert",
    )
    assert shown(facts, 200) == (
        " SANDBOX  all pages of images, then a DELETE for each row found | token *** of LINODE_TOKEN"
        " | images:list 18/20 left | 0.312 s | vi insert | Enter runs (F3)"
    )
    assert shown(facts, 80) == " SANDBOX  all pages of images, then a DELETE for each row found | 0.312 s"
    assert shown(facts, 40) == " SANDBOX  all pages of images, then a..."
    assert shown(Facts(account="no token", last="1 s"), 60) == " no token | 1 s"
    assert shown(Facts(), 60) == ""
    for columns in range(12, 120):
        assert len(shown(facts, columns)) <= columns
    assert toolbar(facts, 200)[1][0] == "class:cost.writes"


def test_whose_account(tmp_path: Path) -> None:
    assert account(Settings(token="s3cret", environ={}), CATALOG, "linode") == "token *** of the settings"
    bad = tmp_path / "linode-cli"
    bad.write_text("no ini")
    settings = Settings(environ={"LINODE_CLI_CONFIG": str(bad)})
    assert account(settings, CATALOG, "linode") == f"cannot read {bad}: it is no ini file"
    assert account(Settings(environ={}), CATALOG, "acme") == ""

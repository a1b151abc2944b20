"""Parameters that come from other tables, and methods that have to be chosen."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from engine.session import Session
from engine.settings import Settings
from tests.planner.demo import ROOT, api, ask

PEOPLE, ORDERS, ITEMS, STOCK, NOTES = (f"acme.shop.{n}" for n in ("customers", "orders", "items", "stock", "notes"))


@pytest.mark.parametrize(
    ("sql", "rows", "sent"),
    [
        pytest.param(
            f"SELECT o.id FROM {PEOPLE} c JOIN {ORDERS} o ON o.customerId = c.id ORDER BY 1",
            [(11,), (12,), (31,)],
            ["GET /customers", "GET /customers/1/orders", "GET /customers/2/orders", "GET /customers/3/orders"],
            id="a join feeds a required parameter",
        ),
        pytest.param(
            f"SELECT c.name, o.id FROM {PEOPLE} c LEFT JOIN {ORDERS} o ON c.id = o.customerId WHERE c.name = 'bob'",
            [("bob", None)],
            ["GET /customers", "GET /customers/1/orders", "GET /customers/2/orders", "GET /customers/3/orders"],
            id="a left join feeds its right side",
        ),
        pytest.param(
            f"SELECT o.customerId, o.id FROM {ORDERS} o WHERE customerId IN (1, '3') ORDER BY 2",
            [(1, 11), (1, 12), (3, 31)],
            ["GET /customers/1/orders", "GET /customers/3/orders"],
            id="IN on a parameter, which is a column of the rows too",
        ),
        pytest.param(
            f"SELECT id FROM {ORDERS} WHERE customerId IN (SELECT 1 UNION SELECT 3)",
            [(11,), (12,), (31,)],
            ["GET /customers/1/orders", "GET /customers/3/orders"],
            id="IN a subquery of constants",
        ),
        pytest.param(
            f"SELECT i.sku, i.count FROM {ORDERS} o "
            f"JOIN {ITEMS} i ON i.orderId = o.id AND i.customerId = o.customerId "
            "WHERE o.customerId = 1 ORDER BY 1, 2",
            [("rum", 1), ("tea", 1), ("tea", 2)],
            ["GET /customers/1/orders", "GET /customers/1/orders/11/items", "GET /customers/1/orders/12/items"],
            id="two parameters out of the same row, not their product",
        ),
        pytest.param(
            f"SELECT c.name, i.sku FROM {PEOPLE} c JOIN {ORDERS} o ON o.customerId = c.id "
            f"JOIN {ITEMS} i ON i.customerId = c.id AND i.orderId = o.id WHERE c.id = 3",
            [("cid", "rum")],
            None,
            id="a chain of feeds",
        ),
        pytest.param(
            f"SELECT c.name, s.left FROM {PEOPLE} c JOIN {STOCK} s ON s.sku = c.favourite ORDER BY 1",
            [("ann", 3), ("cid", 3)],
            ["GET /customers", "GET /stock/rum", "GET /stock/tea"],
            id="a NULL feeds nothing",
        ),
        pytest.param(
            f"SELECT left FROM {STOCK} WHERE place = 'attic'",
            [(1,)],
            ["GET /warehouses/attic"],
            id="the method that can be called",
        ),
        pytest.param(
            f"SELECT depth, left FROM {STOCK} WHERE place = 'attic' AND depth = '2'",
            [(2, 1)],
            ["GET /warehouses/attic?depth=2"],
            id="an optional parameter",
        ),
        pytest.param(
            f"SELECT city, name FROM {PEOPLE} WHERE city = 'Rome' AND id = 1",
            [("Rome", "ann")],
            ["GET /customers?city=Rome"],
            id="a parameter that the rows do not carry is stamped on them",
        ),
        pytest.param(
            f"SELECT DISTINCT depth FROM {STOCK} WHERE sku = 'x'",
            [(None,)],
            ["GET /stock/x"],
            id="a parameter not given",
        ),
        pytest.param(
            f"SELECT a.id FROM {ORDERS} a JOIN {ORDERS} b ON a.id = b.id WHERE customerId = 3",
            [(31,)],
            ["GET /customers/3/orders"],
            id="an unqualified parameter belongs to every table that takes it",
        ),
        pytest.param(
            f"SELECT * FROM {ORDERS} o JOIN {PEOPLE} c ON c.id = o.customer WHERE o.customerId = 3",
            [(31, 3, 1, None, 3, "cid", "rum")],
            ["GET /customers", "GET /customers/3/orders"],
            id="a star leaves the parameter out and keeps the other tables whole",
        ),
        pytest.param(
            f"SELECT o.*, x.* FROM {ORDERS} o, (SELECT 1 AS one) x WHERE customerId = 3",
            [(31, 3, 1, None, 1)],
            ["GET /customers/3/orders"],
            id="a star of one table",
        ),
        pytest.param(
            f"SELECT id FROM (SELECT * FROM {ORDERS} WHERE customerId = 3) JOIN {PEOPLE} USING (id)",
            [],
            ["GET /customers", "GET /customers/3/orders"],
            id="a parameter in a subquery",
        ),
        pytest.param(
            f"DELETE FROM {ORDERS} WHERE customerId = 1 AND orderId = 12 AND force = true",
            ["1 row deleted"],
            ["DELETE /customers/1/orders/12?force=true"],
            id="a delete by all its parameters",
        ),
        pytest.param(
            f"DELETE FROM {ORDERS} WHERE customerId = 1 AND total < 6 RETURNING id, customerId, total",
            [(11, 1, 5.5)],
            ["DELETE /customers/1/orders/11", "GET /customers/1/orders"],
            id="a delete of what a read finds, within the parameter given",
        ),
        pytest.param(
            f"UPDATE {ORDERS} SET note = 'late', total = total * 2 "
            "WHERE customerId = 1 AND total > 6 RETURNING id, total",
            [(12, 14)],
            ['PATCH /customers/1/orders/12  {"note":"late","total":14}', "GET /customers/1/orders"],
            id="an update computes from the row",
        ),
        pytest.param(
            f"UPDATE {ORDERS} SET note = NULL WHERE customerId = 1 AND id = 11",
            ["1 row updated"],
            ['PATCH /customers/1/orders/11  {"note":null}'],
            id="NULL is sent where it may be",
        ),
        pytest.param(
            f"WITH big AS (SELECT 12 AS n) DELETE FROM {ORDERS} AS o "
            "WHERE o.customerId = 1 AND o.id IN (SELECT n FROM big)",
            ["1 row deleted"],
            ["DELETE /customers/1/orders/12", "GET /customers/1/orders"],
            id="a table expression before a write",
        ),
        pytest.param(
            f"WITH t AS (SELECT name FROM {PEOPLE} WHERE id = 1) INSERT INTO {NOTES} (text) SELECT name FROM t",
            ["1 row inserted"],
            ["GET /customers", 'POST /notes  {"text":"ann"}'],
            id="a table expression before an insert",
        ),
        pytest.param(
            f"DELETE FROM {NOTES} WHERE noteId = 5", ["1 row deleted"], ["DELETE /notes/5"], id="no select at all"
        ),
        pytest.param(
            f"EXEC {NOTES}.forget @noteId = 2 + 3", ["1 call done"], ["DELETE /notes/5"], id="an exec without rows"
        ),
        pytest.param(
            f"EXEC {NOTES}.note @text = (SELECT max(name) FROM {PEOPLE})",
            ["1 call done"],
            ["GET /customers", 'POST /notes  {"text":"cid"}'],
            id="an exec whose argument is a query",
        ),
    ],
)
def test_feeds(sql: str, rows: list[Any], sent: list[str] | None) -> None:
    found, requests, error = ask(sql)
    assert error == ""
    assert found == rows
    if sent is not None:
        assert requests == sorted(sent)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (f"SELECT * FROM {ORDERS}", ["orders needs customerId", "add to the WHERE: customerId = 123"]),
        (f"SELECT * FROM {ITEMS} WHERE customerId = 1", ["items needs orderId"]),
        (f"SELECT * FROM {STOCK}", ["stock needs sku; warehouse needs place", "add to the WHERE: sku = '...'"]),
        (
            f"SELECT * FROM {ORDERS} a JOIN {ORDERS} b ON a.customerId = b.customerId",
            ["in a circle", "a.customerId comes from b.customerId", "give one of these parameters a value"],
        ),
        (f"SELECT * FROM {STOCK} WHERE sku = 'x' AND depth = 1", ["stock does not take depth", "leave depth out"]),
        (
            f"SELECT * FROM {PEOPLE} WHERE city <> 'Rome'",
            ["city is an input of list, not a column", "write city = '...'"],
        ),
        (f"SELECT * FROM {PEOPLE} WHERE id = 1 OR city = 'Rome'", ["city is an input of list"]),
        (
            f"SELECT * FROM {PEOPLE} JOIN {ORDERS} USING (id) WHERE customerId = 1",
            ["SELECT * cannot leave the parameters out of a join with USING"],
        ),
        (
            f"SELECT 1 FROM {PEOPLE} c WHERE EXISTS (SELECT 1 FROM {ORDERS} o WHERE o.customerId = c.id)",
            ["orders needs customerId"],
        ),
        (f"DELETE FROM {NOTES} WHERE text = 'x'", ["this WHERE cannot be honoured", "WHERE noteId = 123"]),
        (f"DELETE FROM {ORDERS} WHERE id = 1", ["orders needs customerId"]),
        (
            f"DELETE FROM {ORDERS} WHERE customerId = 1 AND total > 1 AND force = true",
            ["no column or parameter 'force'"],
        ),
        (f"UPDATE {ORDERS} SET total = NULL WHERE customerId = 1 AND id = 11", ["data__total", "NULL"]),
        (f"UPDATE {ORDERS} SET colour = 1 WHERE customerId = 1 AND id = 11", ["amend has no attribute 'colour'"]),
        (f"INSERT INTO {PEOPLE} (name) VALUES ('x')", ["acme.shop.customers has no INSERT", "it has SELECT"]),
        (f"SELECT * FROM {NOTES}", ["cannot be selected from", "SHOW METHODS IN acme.shop.notes"]),
        (f"INSERT INTO {NOTES} (text) VALUES ('x') RETURNING id", ["note returns no column 'id'"]),
        (f"DELETE FROM {NOTES} WHERE noteId = 5 RETURNING (SELECT 1 FROM {PEOPLE})", ["RETURNING takes expressions"]),
        (
            f"EXEC {NOTES}.note @@json = 'nope'",
            ["@@json is not JSON at character 1", "it breaks here: ... >>> nope..."],
        ),
        (f'EXEC {NOTES}.note @@json = \'{{"text": "["a"]"}}\'', ["an array takes no quotes around it"]),
        (f"EXEC {NOTES}.note @@json = 5", ["@@json is not JSON"]),
        (f"EXEC {NOTES}.note @@json = x'ff'", ["@@json is not JSON"]),
        (
            f"SELECT * FROM {ORDERS} WHERE customerId IN (1, 2, 3)",
            ["this would send 3 requests, more than the 2 allowed"],
        ),
        (f"EXEC {NOTES}.note @@json = '[1]'", ["@@json must be a JSON object"]),
        (f"EXEC {NOTES}.note @text = 'a', @@json = '{{\"text\": \"b\"}}'", ["text is given twice"]),
        (f"EXEC {NOTES}.note @@json = '{{}}'", ["note needs text", 'add "text": ... to @@json']),
        ("DESCRIBE acme.shop.notes", ["has no columns"]),
    ],
)
def test_refusals_say_what_to_do_and_send_nothing(sql: str, told: list[str]) -> None:
    _, requests, error = ask(sql, Settings(environ={}, max_requests=2))
    for words in told:
        assert words in error
    assert requests == []


def test_explaining_what_depends_on_rows_shows_the_form_of_the_request() -> None:
    rows, sent, error = ask(f"UPDATE {ORDERS} SET note = 'x' WHERE customerId = 1 AND total > 6", dry_run=True)
    assert (sent, error) == ([], "")
    assert [row[0] for row in rows] == [
        "step 1: t0 <- acme.shop.orders.orders",
        "  because: customerId = 1",
        "  send: GET https://api.acme.test/v1/customers/1/orders",
        "step 2: t_out <- acme.shop.orders.amend",
        "  because: UPDATE of acme.shop.orders",
        '  for each row of: SELECT (\'x\' ) AS "data__note", "orders"."customerId" AS "customerId", '
        '"orders"."id" AS "orderId" FROM main.t0 AS "orders" WHERE (customerId = 1 AND total > 6 )',
        "  send: PATCH https://api.acme.test/v1/customers/{customerId}/orders/{orderId}",
        "    body: note",
        "checked again locally: customerId = 1",
        "checked again locally: total > 6",
        "output: the number of calls",
    ]


def test_a_long_list_of_requests_is_cut_short() -> None:
    rows, _, _ = ask(f"SELECT * FROM {ORDERS} WHERE customerId IN ({', '.join(map(str, range(25)))})", dry_run=True)
    assert "  ... and 15 more like these" in [row[0] for row in rows]


def test_nothing_to_send_is_said() -> None:
    rows, _, _ = ask(f"SELECT * FROM {ORDERS} WHERE customerId = NULL", dry_run=True)
    assert "  send: nothing, no row of the feed has a value" in [row[0] for row in rows]


def test_rows_are_read_before_they_change_where_that_is_wanted_and_possible() -> None:
    """A ledger wants it: one list more, and the change itself is what it was; what cannot be read is changed too."""
    with TemporaryDirectory() as folder:
        kept = Settings(environ={}, ledger=f"{folder}/ledger")
        sql = f"UPDATE {ORDERS} SET note = 'n' WHERE customerId = 1 AND orderId IN (11, 12)"
        changes = ['PATCH /customers/1/orders/11  {"note":"n"}', 'PATCH /customers/1/orders/12  {"note":"n"}']
        assert ask(sql)[1] == changes
        assert ask(sql, kept)[1] == ["GET /customers/1/orders", *changes]
        begun = json.loads(Path(kept.ledger or "").read_text(encoding="utf-8").splitlines()[0])
        assert [call["before"] for call in begun["calls"]] == [{"id": 11, "note": None}, {"id": 12, "note": None}]


def test_what_cannot_be_read_is_changed_unread(tmp_path: Path) -> None:
    """The demo's orders without a list."""
    copied = tmp_path / "demo"
    copytree(ROOT, copied)
    (document,) = copied.glob("src/acme/*/services/shop.yaml")
    text = document.read_text(encoding="utf-8")
    select = '[{$ref: "#/components/x-stackQL-resources/orders/methods/orders"}]'
    assert text.count(select) == 1
    document.write_text(text.replace(f"select: {select}", "select: []"))
    sent: list[str] = []

    def played(request: httpx.Request) -> httpx.Response:
        sent.append(f"{request.method} {request.url.path}")
        return api(request)

    settings = Settings(environ={}, registry=(str(copied),), ledger=str(tmp_path / "ledger"))
    with Session(settings, transport=httpx.MockTransport(played)) as session:
        list(session.run(f"UPDATE {ORDERS} SET note = 'n' WHERE customerId = 1 AND orderId = 11"))
    assert sent == ["PATCH /v1/customers/1/orders/11"]

"""Completion as data: a text with a bar where the cursor is, and what is offered there."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.planner.local import tables as system_tables
from engine.repl.commands import COMMANDS
from engine.repl.suggest import Suggestion, suggest
from engine.repl.suggest.words import VERBS, functions
from engine.store import Store
from provider_registry.catalog import Catalog
from tests.planner.demo import ROOT
from tests.repl import big

CATALOG = Catalog([Path(ROOT)])
IMAGES = "linode.images.images"
UPLOAD = f"EXEC {IMAGES}.post_upload_image"
COLUMNS = {column.name for column in CATALOG.resource("linode", "images", "images").columns}
NEIGHBOURS = {
    name
    for service in CATALOG.provider("linode").services
    for resource in CATALOG.service("linode", service).resources
    for name in (f"linode.{service}.{resource}", f"{service}.{resource}", resource, service)
} - {"images", "images.images", IMAGES} | {f"system.{table}" for table in system_tables().resources}
TABLES = {
    IMAGES, "acme.shop.customers", "acme.shop.orders", "acme.shop.items", "acme.shop.stock", "acme.shop.notes"
}  # fmt: skip


def offered(text: str, **more: Any) -> list[Suggestion]:
    """The suggestions at the bar."""
    return suggest(text.replace("|", "", 1), text.index("|"), CATALOG, **more)


def texts(text: str, *kinds: str, **more: Any) -> set[str]:
    """What is offered at the bar, of these kinds or of all; the built-in neighbours of images left out."""
    found = [each for each in offered(text, **more) if not kinds or each.kind in kinds]
    return {each.text for each in found if each.kind not in ("service", "resource") or each.text not in NEIGHBOURS}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # keywords by position
        ("|", set(VERBS)),
        ("sel|", {"select"}),
        ("SEL|", {"SELECT"}),
        ("SHOW |", {"PROVIDERS", "SERVICES IN", "RESOURCES IN", "METHODS IN", "EXTENDED"}),
        ("REGISTRY |", {"LIST", "PULL"}),
        ("REGISTRY PULL |", set()),
        ("SHOW EXTENDED |", {"SERVICES IN", "RESOURCES IN", "METHODS IN"}),
        (f"SELECT * FROM {IMAGES} w|", {"where"}),
        (f"REPLACE {IMAGES} |", {"SET", "AS"}),
        (f"DELETE FROM {IMAGES} |", {"WHERE", "AS"}),
        (f"SELECT * FROM {IMAGES} ORDER BY id d|", {"desc"}),
        # names, part by part and whole
        ("USE |", {"linode", "acme"}),
        ("SHOW SERVICES IN |", {"linode", "acme"}),
        ("SHOW RESOURCES IN linode.|", {"images"}),
        ("SELECT * FROM acme.shop.|", {"customers", "orders", "items", "stock"}),
        ("SELECT * FROM acme.shop.ord|", {"orders"}),
        ("SELECT * FROM ima|", {IMAGES}),
        ("INSERT INTO acme.shop.|", {"notes"}),
        ("DELETE FROM |", {IMAGES, "acme.shop.orders", "acme.shop.notes", "linode", "acme"}),
        ("REPLACE |", {IMAGES, "linode", "acme"}),
        ("UPDATE |", {"acme.shop.orders", "linode", "acme"}),
        ("DESCRIBE |", {*TABLES, "linode", "acme", "EXTENDED", "METHOD", "METHOD EXTENDED"}),
        ("SHOW METHODS IN |", {*TABLES, "linode", "acme"}),
        ("SELECT * FROM system.|", set(system_tables().resources)),
        ("SELECT * FROM system.col|", {"columns"}),
        ("DESCRIBE system.lim|", {"limits"}),
        ("DELETE FROM system.|", set()),
        ("SELECT * FROM (SHOW METHODS IN acme.shop.notes) m WHERE m.|", {"MethodName", "RequiredParams", "SQLVerb"}),
        ("SELECT * FROM (SHOW PROVIDERS LIKE 'x') m WHERE m.v|", {"version"}),
        ("SELECT * FROM (SHOW METHODS) m WHERE m.|", set()),
        ("SELECT * FROM system.limits WHERE rema|", {"remaining"}),
        # what a write sets and what addresses it
        (f"INSERT INTO {IMAGES} (data__label, data__tags, data__c|)", {"data__cloud_init", "data__description"}),
        (f"REPLACE {IMAGES} SET |", {"data__label", "data__description", "data__tags"}),
        (f"REPLACE {IMAGES} SET data__label = 'x', |", {"data__description", "data__tags"}),
        ("UPDATE acme.shop.orders SET | WHERE customerId = 1", {"data__note", "data__total"}),
        # values
        (f"SELECT * FROM {IMAGES} WHERE status = '|", {"'available'", "'creating'", "'pending_upload'"}),
        (f"SELECT * FROM {IMAGES} i WHERE i.status <> '|'", {"'available'", "'creating'", "'pending_upload'"}),
        (f"SELECT * FROM {IMAGES} WHERE type IN ('manual', 'a|", {"'automatic'"}),
        (f"SELECT * FROM {IMAGES} WHERE label = '|", set()),
        # EXEC
        ("EXEC linode.images.images.post_u|", {"post_upload_image"}),
        (f"{UPLOAD} @|", {"label = ", "region = ", "description = ", "cloud_init = ", "tags = ", "apiVersion = "}),
        (f"{UPLOAD} @label = 'x', @re|", {"region = "}),
        (f"{UPLOAD} @@|", {"json = '{", "file = '", "compress = true"}),
        (f"{UPLOAD} @@file = 'x', @@|", {"json = '{", "compress = true"}),
        (f"EXEC {IMAGES}.post_image @@|", {"json = '{"}),
        ("DELETE /*+ |", {"AWAIT", "AWAIT(timeout=30m)", "MAX_WRITES(100)"}),
        (f"DELETE /*+ ma| */ FROM {IMAGES}", {"MAX_WRITES(100)"}),
        (f"EXEC /*+ AWAIT(t| {IMAGES}", {"AWAIT(timeout=30m)"}),
        ("DELETE /*|+ x */", set()),
        ("DELETE /*+ x */|", {"AS", "WHERE"}),
        ("DELETE /* |", set()),
        (f"{UPLOAD} @@json = '{{|", {'"label": ', '"region": ', '"description": ', '"cloud_init": ', '"tags": '}),
        (f"{UPLOAD} @@json = '{{\"label\": \"x\", \"re|", {'"region": '}),
        (f"{UPLOAD} @@json = '{{\"cloud_init\": |", {"true", "false"}),
        (f"{UPLOAD} @@json = '{{\"label\": \"|", set()),
        # inside strings and comments: nothing
        ("SELECT 'a|'", set()),
        ("SELECT 'it''s|'", set()),
        ('SELECT "a|"', set()),
        ("SELECT 1 -- a|", set()),
        ("SELECT /* a| */ 1", set()),
        ("SELECT 12|", set()),
        # only the statement under the cursor
        (f"SELECT * FROM acme.shop.stock; sel|; SELECT * FROM {IMAGES}", {"select"}),
        (f"SELECT 1;; SELECT id FROM {IMAGES} ord|", {"order by"}),
    ],
)  # fmt: skip
def test_what_is_offered(text: str, expected: set[str]) -> None:
    assert texts(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"SELECT | FROM {IMAGES}", COLUMNS),
        (f"SELECT id, | FROM {IMAGES}", COLUMNS),
        (f"SELECT count(| FROM {IMAGES}", COLUMNS),
        (f"SELECT * FROM {IMAGES} WHERE lower(|) = 'x'", COLUMNS),
        (f"SELECT * FROM {IMAGES} WHERE is_public AND |", COLUMNS),
        (f"SELECT * FROM {IMAGES} GROUP BY |", COLUMNS),
        (f"SELECT i.| FROM {IMAGES} i JOIN acme.shop.stock s", COLUMNS),
        (f"SELECT * FROM {IMAGES} i JOIN acme.shop.stock s ON s.|", {"sku", "place", "left"}),
        ("SELECT | FROM acme.shop.stock, acme.shop.customers c", {"sku", "place", "left", "id", "name", "favourite"}),
        (f"WITH big AS (SELECT id, size * 2 AS mb FROM {IMAGES}) SELECT | FROM big", {"id", "mb"}),
        (f"SELECT | FROM (SELECT label AS l FROM {IMAGES}) x", {"l"}),
        (f"SELECT * FROM acme.shop.stock WHERE sku IN (SELECT | FROM {IMAGES})", COLUMNS | {"sku", "place", "left"}),
        (f"SELECT | FROM (EXEC {IMAGES}.post_replicate_image @imageId = '') x", COLUMNS),
        (f"SELECT r.| FROM {IMAGES} i, json_each(i.regions) r", {"key", "value", "type"}),
        (f"DELETE FROM {IMAGES} WHERE id = 'x' RETURNING |", COLUMNS),
        (f"INSERT INTO {IMAGES} (data__label) SELECT | FROM acme.shop.stock", {"sku", "place", "left"}),
        (f"EXPLAIN SELECT | FROM {IMAGES}", COLUMNS),
        (f"SELECT 1; SELECT | FROM {IMAGES}; SELECT 2", COLUMNS),
    ],
)
def test_columns_also_when_the_from_comes_later(text: str, expected: set[str]) -> None:
    known = CATALOG.resource("linode", "images", "images").columns
    assert len(known) == 18
    assert texts(text, "column") == expected


def test_required_inputs_come_first() -> None:
    assert offered("SELECT * FROM acme.shop.orders WHERE |")[0].text == "customerId"
    assert "required" in offered("SELECT * FROM acme.shop.orders WHERE |")[0].detail
    assert "customerId" not in texts("SELECT * FROM acme.shop.orders WHERE customerId = 1 AND |", "parameter")
    assert offered(f"DELETE FROM {IMAGES} WHERE |")[0].text == "imageId"
    assert offered(f"INSERT INTO {IMAGES} (|")[0].text == "data__disk_id"
    assert [found.text for found in offered(f"{UPLOAD} |")][:2] == ["@label = ", "@region = "]
    assert [found.text for found in offered(f"{UPLOAD} @@json = '{{|")][:2] == ['"label": ', '"region": ']


def test_each_tells_what_it_is() -> None:
    details = {found.text: found.detail for found in offered(f"SELECT | FROM {IMAGES}")}
    assert details["label"] == "string, filterable"
    assert details["created"] == "date-time"
    assert details["tags"] == "array of string"
    assert details["imageId"] == "string, required, of get_image"
    assert details["split_part("].startswith("split_part(text, separator, number): The n-th part")
    assert all(found.detail or found.kind in ("keyword", "command") for found in offered(f"SELECT | FROM {IMAGES}"))


def test_the_neighbours_of_images_are_offered() -> None:
    assert {each.text for each in offered("SELECT * FROM linode.linode.|")} == {"disks", "instances"}
    assert {"account", "images", "linode", "regions", "tags", "volumes"} == {
        each.text for each in offered("SHOW RESOURCES IN linode.|")
    }


def test_what_no_api_answers_has_no_methods_to_call() -> None:
    assert any(each.text == "system.requests" for each in offered("SELECT * FROM |"))
    assert not [each for each in offered("EXEC |") if each.text.startswith("system")]
    assert offered("EXEC system.|") == []


def test_names_after_use() -> None:
    assert texts("SELECT * FROM images.|", provider="linode") == {"images"}
    assert texts("SELECT | FROM images.images", "column", provider="linode") == COLUMNS
    assert "images" in texts("SELECT * FROM |", "service", provider="linode")


def test_ctes_aliases_functions_variables() -> None:
    assert "recent" in texts("WITH recent AS (SELECT 1) SELECT * FROM |", "cte")
    assert texts(f"SELECT | FROM {IMAGES} pics", "alias") == {"pics"}
    assert {"upper(", "split_part(", "json_extract("} <= texts("SELECT |", "function")
    assert texts("SELECT '{{ re|", variables={"region": "us-east", "x": "1"}) == {"region"}
    assert texts("SELECT {{ |", variables={"region": "us-east"}) == {"region"}


def test_commands_and_what_they_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.sql").write_text("")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    commands = list(COMMANDS.values())
    assert texts("\\|", commands=commands) == set(COMMANDS)
    assert texts("\\d|", commands=commands) >= {"\\d", "\\dm"}
    assert texts("SELECT 1 \\|", commands=commands) == {"\\g", "\\watch", "\\e", "\\explain"}
    assert texts("\\i |", commands=commands) == {"a.sql", "folder/"}
    assert texts(f"\\out {tmp_path}/f|", commands=commands) == {"folder/"}
    assert texts("\\x |", commands=commands) == {"auto", "on", "off"}
    assert "vertical" in texts("\\o |", commands=commands)
    assert texts("\\d linode.images.|", commands=commands) == {"images"}
    assert "put_image" in texts(f"\\dm {IMAGES}.|", commands=commands)
    assert texts("\\use |", commands=commands) == {"linode", "acme"}
    assert texts("\\n |", commands=commands, queries=["stale"]) == {"stale", "save", "delete"}
    assert texts(f"\\n save q SELECT | FROM {IMAGES}", "column", commands=commands) == COLUMNS
    assert texts(f"\\explain SELECT | FROM {IMAGES}", "column", commands=commands) == COLUMNS
    assert texts("\\set |", commands=commands, variables={"a": "1"}) == {"a"}
    (found,) = offered(f"\\explain SELECT lab| FROM {IMAGES}", commands=commands)[:1]
    assert (found.text, found.start) == ("label", len("\\explain SELECT "))


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (f"SELECT la| FROM {IMAGES}", f"SELECT label FROM {IMAGES}"),
        (f"SELECT * FROM {IMAGES} WHERE status = 'av|", f"SELECT * FROM {IMAGES} WHERE status = 'available'"),
        ("SELECT * FROM linode.im|", "SELECT * FROM linode.images"),
        (f"{UPLOAD} @@json = '{{\"reg|", f'{UPLOAD} @@json = \'{{"region": '),
    ],
)
def test_what_is_taken_replaces_what_is_typed(text: str, taken: str) -> None:
    found, cursor = offered(text)[0], text.index("|")
    assert text[: found.start] + found.text + text[cursor + 1 :] == taken


def test_the_functions_are_sqlites() -> None:
    store = Store()
    try:
        there = {str(name) for (name,) in store.query("SELECT DISTINCT name FROM pragma_function_list")}
    finally:
        store.close()
    newer = {"concat", "format", "unixepoch", "iif"}  # than some SQLites that run this
    assert set(functions()) - newer - {"json_each", "json_tree"} <= there


@given(st.text(alphabet="SELECTFROM WHERE linode.images.images()'\"@{}[]/*-,;=\\\n$1", max_size=60), st.data())
def test_no_text_is_too_strange(text: str, data: st.DataObject) -> None:
    cursor = data.draw(st.integers(0, len(text)))
    for found in suggest(text, cursor, CATALOG, variables={"a": "b"}, commands=list(COMMANDS.values())):
        assert 0 <= found.start <= cursor
        assert found.text


def test_quick_with_a_large_catalog_and_without_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("completion opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refused)
    catalog = big.Big()
    resources = [r for n in range(big.SERVICES) for r in catalog.service("big", f"s{n}").resources.values()]
    assert (len(resources), sum(len(r.methods) for r in resources)) == (150, 450)
    big.timings(catalog, 1)
    late = [taken[len(taken) * 95 // 100] for taken in (big.timings(catalog, 5) for _ in range(5))]
    assert min(late) < 0.010, late

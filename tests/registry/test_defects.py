"""What published documents are known to get wrong, and get along with: one defect each, read, told and used."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from engine.errors import UnknownName
from engine.session import Session
from engine.settings import Settings
from provider_registry.faults import Fault
from provider_registry.validation import validate
from tests.registry import shop
from tests.registry.shop import ADDED, ANSWER, GET, ITEM, LIST, LISTED, ONE, PROVIDER, STOCK


def told(root: Path) -> list[Fault]:
    return validate(root)


def rows(root: Path, sql: str, answer: object) -> tuple[list[tuple[object, ...]], list[str]]:
    """What a statement gives of an answer, and what was asked."""
    asked: list[str] = []

    def played(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.raw_path.decode()}  {request.content.decode()}".strip())
        return httpx.Response(200, json=answer)

    given = Settings(environ={"SHOP_TOKEN": "s-0123456789"}, registry=(str(root),))
    with Session(given, transport=httpx.MockTransport(played)) as session:
        (result,) = session.run(sql)
        return result.fetchall(), asked


def test_no_object_key_on_a_paged_list(tmp_path: Path) -> None:
    root = shop.write(tmp_path, shop.edited(STOCK, {f"{LIST}/response/objectKey": None}))
    assert told(root) == []
    answer = {"data": [{"id": "a"}, {"id": "b"}], "page": 1, "pages": 1}
    assert rows(root, "SELECT id FROM shop.stock.items", answer)[0] == [("a",), ("b",)]


def test_path_parameters_on_the_path_item_alone(tmp_path: Path) -> None:
    root = shop.write(tmp_path)  # so the shop has them
    assert told(root) == []
    found, asked = rows(root, "SELECT id FROM shop.stock.items WHERE itemId = 'x/y'", {"id": "x/y"})
    assert (found, asked) == ([("x/y",)], ["GET /api/items/x%2Fy"])


def test_a_placeholder_spelled_otherwise_than_its_parameter(tmp_path: Path) -> None:
    root = shop.write(
        tmp_path, shop.edited(STOCK, {f"{ONE}/parameters/0/name": "item-id"}).replace("{itemId}", "{item_id}")
    )
    (warning,) = told(root)
    assert (warning.severity, warning.message) == ("warning", "the path spells this parameter {item_id}")
    for name in ('"item-id"', "item_id"):
        assert rows(root, f"SELECT id FROM shop.stock.items WHERE {name} = '7'", {"id": "7"})[1] == [
            "GET /api/items/7"
        ]


def test_read_only_fields_in_a_body(tmp_path: Path) -> None:
    root = shop.write(tmp_path)
    sql = "INSERT INTO shop.stock.items (data__name) VALUES ('nut') RETURNING id"
    found, asked = rows(root, sql, {"id": "a", "name": "nut"})
    assert (found, asked) == ([("a",)], ['POST /api/items  {"name":"nut"}'])
    with pytest.raises(UnknownName, match="add_item has no parameter 'data__id'"):
        rows(root, "INSERT INTO shop.stock.items (data__name, data__id) VALUES ('nut', '1')", {})


def test_types_that_the_api_does_not_keep(tmp_path: Path) -> None:
    answer = {"data": [{"id": 5, "price": "cheap", "tags": "none"}, {"id": "b", "price": 2}], "page": 1, "pages": 1}
    found, _ = rows(shop.write(tmp_path), "SELECT id, price, tags FROM shop.stock.items", answer)
    assert [tuple(map(str, row)) for row in found] == [("5", "cheap", "none"), ("b", "2", "None")]


def test_fields_that_are_not_declared(tmp_path: Path) -> None:
    answer = {"data": [{"id": "a", "colour": "red"}], "page": 1, "pages": 1, "trace": 7}
    assert rows(shop.write(tmp_path), "SELECT * FROM shop.stock.items", answer)[0] == [("a", None, None, None)]


def test_null_where_nothing_says_so(tmp_path: Path) -> None:
    answer = {"data": [{"id": None, "name": None, "tags": None}, None], "page": 1, "pages": 1}
    found, _ = rows(shop.write(tmp_path), "SELECT id, tags FROM shop.stock.items", answer)
    assert found == [(None, None), (None, None)]


def test_a_bare_array(tmp_path: Path) -> None:
    edits = {f"{ANSWER}": f"{{type: array, items: {shop.ITEM_REF}}}", f"{GET}/response/objectKey": "$[*]"}
    root = shop.write(tmp_path, shop.edited(STOCK, edits))
    assert told(root) == []
    sql = "SELECT name FROM shop.stock.items WHERE itemId = '1'"
    assert rows(root, sql, [{"name": "x"}, {"name": "y"}])[0] == [("x",), ("y",)]


def test_a_page_on_the_look_up_of_one(tmp_path: Path) -> None:
    spurious = {f"{ONE}/get/parameters": "[{name: page, in: query, schema: {type: integer}}]"}
    root = shop.write(tmp_path, shop.edited(STOCK, spurious))
    assert told(root) == []
    found, asked = rows(root, "SELECT id FROM shop.stock.items WHERE itemId = '1'", {"id": "1"})
    assert (found, asked) == ([("1",)], ["GET /api/items/1"])


def test_a_path_parameter_that_no_path_has(tmp_path: Path) -> None:
    stray = {f"{LISTED}/parameters/2": "{name: shelf, in: path, required: true, schema: {type: string}}"}
    root = shop.write(tmp_path, shop.edited(STOCK, stray))
    (warning,) = told(root)
    assert (warning.severity, warning.message) == (
        "warning",
        "the path has no {shelf}, so this parameter is left out",
    )
    assert rows(root, "SELECT id FROM shop.stock.items", {"data": [], "page": 1, "pages": 0})[0] == []


def test_an_answer_without_a_schema(tmp_path: Path) -> None:
    root = shop.write(tmp_path, shop.edited(STOCK, {f"{ADDED}/responses": '{"201": {description: made}}'}))
    assert told(root) == []
    assert rows(root, "INSERT INTO shop.stock.items (data__name) VALUES ('nut')", {"id": 1})[1]


def test_a_schema_that_no_reference_reaches(tmp_path: Path) -> None:
    root = shop.write(
        tmp_path, shop.edited(STOCK, {"/components/schemas/Old": "{$ref: '#/components/schemas/Gone'}"})
    )
    (warning,) = told(root)
    assert warning.severity == "warning"
    assert "leads nowhere" in warning.message
    assert rows(root, "SELECT id FROM shop.stock.items", {"data": [{"id": "a"}], "page": 1, "pages": 1})[0] == [
        ("a",)
    ]


def test_schemas_that_lead_back_to_themselves(tmp_path: Path) -> None:
    edits = {f"{ITEM}/properties/parts": f"{{type: array, items: {shop.ITEM_REF}}}"}
    root = shop.write(tmp_path, shop.edited(STOCK, edits))
    assert told(root) == []
    answer = {"data": [{"id": "a", "parts": [{"id": "b"}]}], "page": 1, "pages": 1}
    assert rows(root, "SELECT parts FROM shop.stock.items", answer)[0] == [('[{"id":"b"}]',)]


def test_a_document_of_more_than_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = shop.write(tmp_path)
    monkeypatch.setattr("provider_registry.nodes.LARGEST", len(PROVIDER) + 1)
    (fault,) = [fault for fault in told(root) if fault.severity == "error"]
    assert "MiB, more than the 0 that are read" in fault.message

"""X-Filter: what it keeps, what it refuses, and the rules nobody knows, each way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.sandbox.filters import HANGS_FROM, Fields, select
from engine.sandbox.rows import private, public
from engine.sandbox.rules import Rules
from tests.sandbox.asking import ask, ids, sandbox, told

ROWS = [
    private(1, label="Web Golden", size=100, tags=["prod", "web"]),
    private(2, label="web", size=200, type="automatic", tags=["ci"]),
    private(3, label="größe", size=300, status="creating"),
    private(4, label="O'Brien", size=400, vendor=None),
    public("debian12", label="Debian 12", size=500, vendor="Debian"),
    public("centos7", label="CentOS 7", size=600, vendor="CentOS", deprecated=True),
]
NAMES = {row["id"].split("/")[1]: row["id"] for row in ROWS}


def kept(find: Any, rules: Rules | None = None) -> list[str]:
    return [name.split("/")[1] for name in ids(ask(sandbox(ROWS, rules=rules), "GET /images", find=find))]


@pytest.mark.parametrize(
    ("find", "expected"),
    [
        ({}, "1 2 3 4 debian12 centos7"),
        ({"label": "web"}, "2"),
        ({"label": "größe"}, "3"),
        ({"label": "O'Brien"}, "4"),
        ({"size": 300}, "3"),
        ({"size": "300"}, ""),
        ({"size": {"+gt": 200, "+lte": 500}}, "3 4 debian12"),
        ({"size": {"+gte": 500}}, "debian12 centos7"),
        ({"size": {"+lt": 200}}, "1"),
        ({"size": {"+gt": "200"}}, ""),
        ({"size": {}}, "1 2 3 4 debian12 centos7"),
        ({"is_public": False}, "1 2 3 4"),
        ({"is_public": 0}, ""),
        ({"deprecated": True}, "centos7"),
        ({"vendor": "Debian"}, "debian12"),
        ({"vendor": None}, "1 2 3 4"),
        ({"vendor": {"+neq": "Debian"}}, "centos7"),
        ({"vendor": {"+neq": None}}, "debian12 centos7"),
        ({"label": {"+contains": "web"}}, "1 2"),
        ({"label": {"+contains": ""}}, "1 2 3 4 debian12 centos7"),
        ({"label": {"+gt": "web"}}, ""),
        ({"type": "automatic"}, "2"),
        ({"status": "creating"}, "3"),
        ({"tags": "web"}, "1"),
        ({"tags": {"+contains": "r"}}, "1"),
        ({"tags": {"+neq": "ci"}}, "1 3 4 debian12 centos7"),
        ({"type": "manual", "is_public": False, "size": {"+lt": 400}}, "1 3"),
        ({"+or": [{"label": "web"}, {"size": {"+gte": 600}}]}, "2 centos7"),
        ({"+and": [{"size": {"+gt": 100}}, {"+or": [{"label": "web"}, {"label": "größe"}]}]}, "2 3"),
        ({"is_public": False, "+or": [{"size": 100}, {"vendor": "Debian"}]}, "1"),
        ({"+order_by": "size", "+order": "desc"}, "centos7 debian12 4 3 2 1"),
        ({"is_public": False, "+order_by": "label"}, "4 1 3 2"),
        ({"+order_by": "vendor"}, "1 2 3 4 centos7 debian12"),
    ],
)
def test_what_a_filter_keeps(find: Any, expected: str) -> None:
    assert kept(find) == expected.split()


@pytest.mark.parametrize(
    ("find", "reason"),
    [
        ({"foo": "bar"}, "Cannot filter on foo"),
        ({"id": "private/1"}, "Cannot filter on id"),
        ({"description": "x"}, "Cannot filter on description"),
        ({"created": {"+gt": "2024"}}, "Cannot filter on created"),
        ({"regions.region": "us-east"}, "Cannot filter on regions.region"),
        ({"+and": [{"created": "x"}]}, "Cannot filter on created"),
        ({"+and": [{"type": "manual"}]}, "Cannot filter on type"),
        ({"+or": [{"label": "x"}, {"status": "available"}]}, "Cannot filter on status"),
        ({"+or": [{"+and": [{"tags": "x"}]}]}, "Cannot filter on tags"),
        ({"+order_by": "created"}, "Cannot filter on created"),
        ({"+order_by": "status"}, "Could not apply filter"),
        ({"status": "available", "+order_by": "label"}, "Could not apply filter"),
        ({"+order": "desc"}, "Could not apply filter"),
        ({"+order_by": "label", "+order": "up"}, "Could not apply filter"),
        ({"+order_by": ["label"]}, "Could not apply filter"),
        ({"+and": [{"+order_by": "label"}]}, "Could not apply filter"),
        ({"tags": ["a", "b"]}, "Could not apply filter"),
        ({"label": {"+like": "x"}}, "Could not apply filter"),
        ({"label": {"gt": "x"}}, "Could not apply filter"),
        ({"label": {"+gt": [1]}}, "Could not apply filter"),
        ({"label": {"+contains": 5}}, "Could not apply filter"),
        ({"+not": {"label": "x"}}, "Could not apply filter"),
        ({"+or": {"label": "x"}}, "Could not apply filter"),
        ({"+or": []}, "Could not apply filter"),
        ({"+and": ["label"]}, "Could not apply filter"),
        ([], "Could not apply filter"),
        ("label", "Filter not valid JSON"),
        ("", "Filter not valid JSON"),
        ("{'label': 'x'}", "Filter not valid JSON"),
        ('{"label": "x"', "Filter not valid JSON"),
        ("[" * 5000, "Filter not valid JSON"),
    ],
)
def test_what_a_filter_refuses(find: Any, reason: str) -> None:
    answer = ask(sandbox(ROWS), "GET /images", find=find)
    assert answer.status == 400
    assert told(answer) == {"errors": [{"reason": reason, "field": "X-Filter"}]}


def test_a_label_may_be_sent_as_raw_utf_8() -> None:
    raw = json.dumps({"label": "größe"}, ensure_ascii=False).encode().decode("latin-1")
    assert kept(raw) == ["3"]


@pytest.mark.parametrize(
    ("find", "rules", "expected"),
    [
        ({"label": {"+contains": "WEB"}}, Rules(), "1 2"),
        ({"label": {"+contains": "WEB"}}, Rules(fold_contains=False), ""),
        ({"label": {"+contains": "web"}}, Rules(fold_contains=False), "2"),
        ({"label": "WEB"}, Rules(), ""),
        ({"label": "WEB"}, Rules(fold_equality=True), "2"),
        ({"label": {"+neq": "WEB"}}, Rules(fold_equality=True), "1 3 4 debian12 centos7"),
        ({"vendor": {"+neq": "Debian"}}, Rules(neq_keeps_null=True), "1 2 3 4 centos7"),
        ({"+and": [{"type": "manual"}, {"label": "web"}]}, Rules(nested="ignore"), "2"),
        ({"+or": [{"type": "automatic"}, {"label": "web"}]}, Rules(nested="ignore"), "1 2 3 4 debian12 centos7"),
    ],
)
def test_the_unknown_rules_can_be_either(find: Any, rules: Rules, expected: str) -> None:
    assert kept(find, rules) == expected.split()


def test_a_filter_can_be_ignored_altogether() -> None:
    assert len(kept({"label": "web"}, Rules(filters=False))) == len(ROWS)
    assert len(kept("no JSON", Rules(filters=False))) == len(ROWS)


def test_a_filter_of_hundreds_of_terms_gets_no_answer_in_time() -> None:
    terms = [{"label": f"x{number}"} for number in range(HANGS_FROM)]
    assert ask(sandbox(ROWS), "GET /images", find={"+or": terms}).status == 408
    assert ask(sandbox(ROWS), "GET /images", find={"+or": terms[:-1], "+order_by": "size"}).status == 200


def test_dotted_names_reach_into_objects_and_arrays() -> None:
    api = sandbox()
    assert ids(ask(api, "GET /linode/kernels", find={"version": "2.06"})) == ["linode/grub2"]
    rows: list[dict[str, Any]] = [
        {"id": 1, "specs": {"disk": 5}, "parts": [{"at": "a"}, {"at": "b"}]},
        {"id": 2, "specs": None, "parts": ["a"]},
    ]

    def found(find: Any) -> list[Any]:
        return [row["id"] for row in select(json.dumps(find), rows, Fields(), Rules())]

    assert found({"specs.disk": {"+gte": 5}}) == [1]
    assert found({"specs.disk": None}) == [2]
    assert found({"parts.at": "b"}) == [1]
    assert found({"+order_by": "specs", "+order": "desc"}) == [1, 2]


def test_a_filter_is_applied_before_pages_are_counted() -> None:
    page = told(ask(sandbox(ROWS), "GET /images?page=2&page_size=25", find={"is_public": True}))
    assert (page["page"], page["pages"], page["results"], page["data"]) == (2, 1, 2, [])

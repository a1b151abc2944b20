"""What the live API does with a request, fact by fact."""

from __future__ import annotations

from typing import Any

import pytest

from engine.sandbox.messages import request
from engine.sandbox.quotas import LIMITS
from engine.sandbox.routes import ROUTES
from engine.sandbox.rows import ABSENT, many, private, public
from engine.sandbox.rules import Rules
from engine.sandbox.seeds import DISK, starting_images
from tests.sandbox.asking import READER, SANDBOX, Clock, ask, header, ids, sandbox, told

WRONG = {"Authorization": "Bearer no-such-token"}
NO_IMAGES = {"Authorization": "Bearer sandbox-linodes"}
ANYONE: dict[str, str] = {}
NOT_FOUND = {"errors": [{"reason": "Not found"}]}
INVALID_TOKEN = {"errors": [{"reason": "Invalid Token"}]}


@pytest.mark.parametrize("version", ["/v4", "/v4beta"])
@pytest.mark.parametrize("path", ["linode/debian12", "linode%2Fdebian12", "linode%2fdebian12"])
def test_an_image_answers_to_both_forms_of_its_path_in_both_versions(version: str, path: str) -> None:
    answer = ask(sandbox(), f"GET {version}/images/{path}")
    assert (answer.status, told(answer)["id"]) == (200, "linode/debian12")


@pytest.mark.parametrize(
    "line",
    [
        "GET /images/linode%252Fdebian12",
        "GET /images/no-such-image",
        "GET /images/private/1",
        "GET /images/..%2Faccount",
        "GET /images/../account",
        "GET /images/private%2F23100417%2Fregions",
        "GET /images/",
        "GET /images/upload",
        "GET /images/sharegroups",
        "GET /nowhere",
        "GET /v41/images",
        "GET /v4",
        "PUT /images/private/1",
        "DELETE /images/private/1",
        "POST /images/private/1/regions",
        "GET /regions/mars",
        "GET /linode/instances/1/disks",
        "GET /linode/instances/61300101/disks/1",
    ],
)
def test_what_is_not_there_is_a_404(line: str) -> None:
    answer = ask(sandbox(), line)
    assert (answer.status, told(answer)) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    "line", ["PATCH /images/private/1", "PUT /images", "POST /regions", "GET /images/private/1/regions"]
)
def test_a_path_with_another_method_is_a_405(line: str) -> None:
    assert ask(sandbox(), line).status == 405


def test_share_groups_answer_under_v4beta_alone() -> None:
    assert [row["id"] for row in told(ask(sandbox(), "GET /v4beta/images/sharegroups"))["data"]] == [41, 42]


# --- rows ---


def test_a_public_image_has_null_regions_and_no_total_size() -> None:
    row = told(ask(sandbox(), "GET /images/linode/ubuntu24.04"))
    assert row["regions"] is None
    assert "total_size" not in row
    assert (row["created_by"], row["is_public"], row["vendor"]) == ("linode", True, "Ubuntu")


def test_the_list_is_private_then_public_then_deprecated_and_not_in_order_of_ids() -> None:
    rows = told(ask(sandbox(), "GET /images"))["data"]
    ranks = [(row["is_public"], row["deprecated"]) for row in rows]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == 3
    names = [row["id"] for row in rows]
    assert names != sorted(names)


def test_a_new_image_joins_the_private_ones() -> None:
    api = sandbox()
    made = told(ask(api, "POST /images", {"disk_id": DISK}))["id"]
    names = ids(ask(api, "GET /images"))
    assert names.index(made) == sum(name.startswith("private/") for name in names) - 1


def test_the_starting_set_shows_every_kind_of_row() -> None:
    rows = starting_images()
    own = [row for row in rows if not row["is_public"]]
    assert {row["status"] for row in own} == {"available", "creating", "pending_upload"}
    assert {row["type"] for row in own} == {"manual", "automatic"}
    assert all((row["type"] == "automatic") == (row["expiry"] is not None) for row in rows)
    assert {row["description"] for row in own} >= {"", None}
    assert len({row["label"] for row in own}) < len(own)
    assert any("'" in row["label"] for row in own)
    assert any(not row["label"].isascii() for row in own)
    assert {replica["status"] for row in own for replica in row["regions"]} == {
        "available", "creating", "pending replication", "pending deletion", "replicating",
    }  # fmt: skip
    assert all(row["tags"] == sorted(row["tags"]) for row in rows)
    assert len({row["id"] for row in rows}) == len(rows) == 49
    assert sum(row["deprecated"] for row in rows) == 10


def test_rows_of_ones_own_are_served_as_they_are() -> None:
    odd = private(5, size="large", tags=None, regions=ABSENT, colour="blue")
    assert told(ask(sandbox([odd]), "GET /images"))["data"] == [odd]
    assert "regions" not in odd


def test_no_images_at_all() -> None:
    assert told(ask(sandbox([]), "GET /images")) == {"data": [], "page": 0, "pages": 0, "results": 0}


# --- pages ---


@pytest.mark.parametrize(
    ("query", "rows", "envelope"),
    [
        ("", 100, (1, 3, 260)),
        ("?page=3", 60, (3, 3, 260)),
        ("?page_size=500", 260, (1, 1, 260)),
        ("?page_size=25&page=11", 10, (11, 11, 260)),
        ("?page=4", 0, (4, 3, 260)),
        ("?page=1&page=2", 100, (1, 3, 260)),
    ],
)
def test_pages(query: str, rows: int, envelope: tuple[int, int, int]) -> None:
    page = told(ask(sandbox(many(260)), f"GET /images{query}"))
    assert (len(page["data"]), (page["page"], page["pages"], page["results"])) == (rows, envelope)


@pytest.mark.parametrize("value", ["24", "501", "0", "-1", "many", "", "99999999999", "२५"])
def test_the_size_of_a_page_has_limits(value: str) -> None:
    answer = ask(sandbox(), f"GET /images?page_size={value}")
    assert answer.status == 400
    assert told(answer) == {"errors": [{"field": "page_size", "reason": "Must be 25-500"}]}


@pytest.mark.parametrize("value", ["0", "-1", "two", ""])
def test_pages_are_counted_from_one(value: str) -> None:
    answer = ask(sandbox(), f"GET /images?page={value}")
    assert (answer.status, told(answer)["errors"][0]["field"]) == (400, "page")


@pytest.mark.parametrize(
    ("line", "rules", "shape"),
    [
        ("GET /images", Rules(), (0, 0)),
        ("GET /v4beta/images/sharegroups", Rules(), (1, 1)),
        ("GET /linode/instances/61300102/disks", Rules(), (1, 0)),
        ("GET /images", Rules(empty=(1, 0)), (1, 0)),
        ("GET /images?page=2", Rules(), (2, 0)),
    ],
)
def test_an_empty_list_has_three_shapes(line: str, rules: Rules, shape: tuple[int, int]) -> None:
    page = told(ask(sandbox([], rules=rules), line, find={"label": "no such"}))
    assert (page["page"], page["pages"], page["results"], page["data"]) == (*shape, 0, [])


def test_the_envelope_s_keys_come_in_any_order() -> None:
    api = sandbox(many(400))
    orders = {tuple(told(ask(api, f"GET /images?page={number}"))) for number in (1, 2, 3, 4)}
    assert len(orders) == 4


def test_many_makes_rows_that_differ() -> None:
    rows = many(7919 * 2)
    assert len({row["id"] for row in rows}) == len(rows)
    assert many(0) == []


# --- tokens ---


def test_without_a_token_a_list_holds_the_public_images() -> None:
    rows = told(ask(sandbox(), "GET /images", headers=ANYONE))["data"]
    assert len(rows) == 35
    assert all(row["is_public"] for row in rows)


@pytest.mark.parametrize("line", ["GET /regions", "GET /linode/types", "GET /linode/kernels", "GET /regions/us-east"])
def test_public_lists_need_no_token(line: str) -> None:
    assert ask(sandbox(), line, headers=ANYONE).status == 200


@pytest.mark.parametrize(
    ("line", "headers"),
    [
        ("GET /images", WRONG),
        ("GET /regions", WRONG),
        ("GET /images", {"Authorization": "Basic sandbox"}),
        ("GET /images", {"Authorization": ""}),
        ("GET /images/private/23100417", ANYONE),
        ("GET /images/private/1", ANYONE),
        ("POST /images", ANYONE),
        ("PUT /images/private/23100417", ANYONE),
        ("DELETE /images/private/23100417", ANYONE),
        ("POST /images/upload", ANYONE),
        ("POST /images/private/23100417/regions", WRONG),
        ("GET /profile", ANYONE),
        ("GET /linode/instances", ANYONE),
    ],
)
def test_a_missing_and_a_wrong_token_are_the_same_401(line: str, headers: dict[str, str]) -> None:
    answer = ask(sandbox(), line, headers=headers)
    assert (answer.status, told(answer)) == (401, INVALID_TOKEN)
    assert header(answer, "X-OAuth-Scopes") == "unknown"


@pytest.mark.parametrize(
    ("line", "headers", "has", "wants"),
    [
        ("POST /images", READER, "images:read_only", "images:read_write"),
        ("POST /images/upload", READER, "images:read_only", "images:read_write"),
        ("PUT /images/private/23100417", READER, "images:read_only", "images:read_write"),
        ("DELETE /images/private/23100417", READER, "images:read_only", "images:read_write"),
        ("POST /images/private/23100417/regions", READER, "images:read_only", "images:read_write"),
        ("GET /linode/instances", READER, "images:read_only", "linodes:read_only"),
        ("GET /images", NO_IMAGES, "account:read_only linodes:read_write", "images:read_only"),
    ],
)
def test_a_missing_scope_is_a_401_that_names_it(line: str, headers: dict[str, str], has: str, wants: str) -> None:
    answer = ask(sandbox(), line, {}, headers=headers)
    assert answer.status == 401
    assert told(answer) == {"errors": [{"reason": "Your OAuth token is not authorized to use this endpoint."}]}
    assert (header(answer, "X-OAuth-Scopes"), header(answer, "X-Accepted-OAuth-Scopes")) == (has, wants)


def test_a_scope_that_writes_also_reads() -> None:
    assert ask(sandbox(), "GET /linode/instances", headers=NO_IMAGES).status == 200
    assert ask(sandbox(), "GET /images", headers=READER).status == 200
    assert ask(sandbox(), "GET /images", headers={"Authorization": "bearer  sandbox"}).status == 200


# --- what every response carries ---


@pytest.mark.parametrize("line", ["GET /images", "GET /nowhere", "DELETE /images/private/1", "GET /images?page=0"])
def test_every_response_is_json_with_limits_and_a_retry_after_that_means_nothing(line: str) -> None:
    answer = ask(sandbox(), line)
    assert header(answer, "Content-Type") == "application/json"
    assert header(answer, "Retry-After") == "60"
    limit, left = header(answer, "X-RateLimit-Limit"), header(answer, "X-RateLimit-Remaining")
    assert int(left or 0) == int(limit or 0) - 1
    assert header(answer, "X-RateLimit-Reset") == "1700000060"


def test_the_twenty_first_list_of_images_in_a_minute_is_a_429() -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=Rules())
    assert {ask(api, "GET /images").status for _ in range(20)} == {200}
    clock.now += 18
    answer = ask(api, "GET /images")
    assert (answer.status, told(answer)) == (429, {"errors": [{"reason": "Too many requests"}]})
    assert (header(answer, "Retry-After"), header(answer, "X-RateLimit-Remaining")) == ("42", "0")
    assert ask(api, "GET /images/linode/debian12").status == 200, "one image is not a list"
    assert ask(api, "GET /images", headers=READER).status == 200, "each token has its own count"
    clock.now += 42
    assert ask(api, "GET /images").status == 200


def test_other_lists_have_limits_of_their_own() -> None:
    api = sandbox(rules=Rules())
    for line, limit in (("GET /regions", 200), ("GET /images/linode/debian12", 1600), ("GET /images", 20)):
        assert header(ask(api, line), "X-RateLimit-Limit") == str(limit)
    assert {ask(api, "GET /regions").status for _ in range(199)} == {200}
    assert ask(api, "GET /regions").status == 429


def test_the_limit_can_be_switched_off() -> None:
    api = sandbox()
    assert {ask(api, "GET /images").status for _ in range(25)} == {200}


def test_a_clock_that_is_set_back_begins_a_new_minute() -> None:
    clock = Clock()
    api = sandbox(clock=clock, rules=Rules())
    for _ in range(21):
        ask(api, "GET /images")
    clock.now -= 3600
    assert ask(api, "GET /images").status == 200


def test_every_route_has_a_limit() -> None:
    assert {route.quota for route in ROUTES} == set(LIMITS)


# --- bodies ---

MINE = "private/23100417"


@pytest.mark.parametrize(
    ("line", "body", "errors"),
    [
        ("POST /images", {}, {"disk_id": "disk_id is required"}),
        ("POST /images", None, {"disk_id": "disk_id is required"}),
        ("POST /images", {"disk_id": None}, {"disk_id": "disk_id is required"}),
        ("POST /images", {"disk_id": str(DISK)}, {"disk_id": "disk_id must be an integer"}),
        ("POST /images", {"disk_id": True}, {"disk_id": "disk_id must be an integer"}),
        ("POST /images", {"disk_id": 1}, {"disk_id": "disk_id does not name a disk of this account"}),
        ("POST /images", {"disk_id": DISK, "label": ""}, {"label": "Length must be 1-50 characters"}),
        ("POST /images", {"disk_id": DISK, "label": "x" * 51}, {"label": "Length must be 1-50 characters"}),
        ("POST /images", {"disk_id": DISK, "label": 5}, {"label": "label must be a string"}),
        ("POST /images", {"disk_id": DISK, "cloud_init": "yes"}, {"cloud_init": "cloud_init must be a boolean"}),
        ("POST /images", {"disk_id": DISK, "tags": "a,b"}, {"tags": "tags must be an array"}),
        ("POST /images", {"disk_id": DISK, "tags": ["abc", "ab"]}, {"tags[1]": "Length must be 3-100 characters"}),
        ("POST /images", {"disk_id": DISK, "tags": ["abc", 5]}, {"tags[1]": "tags[1] must be a string"}),
        ("POST /images", {"disk_id": DISK, "tags": ["abc"] * 501}, {"tags": "tags must have 0-500 members"}),
        ("POST /images", {"label": "", "tags": ["x"]}, {
            "disk_id": "disk_id is required", "label": "Length must be 1-50 characters",
            "tags[0]": "Length must be 3-100 characters"}),
        ("POST /images/upload", {}, {"label": "label is required", "region": "region is required"}),
        ("POST /images/upload", {"label": "x", "region": "mars"}, {"region": "region is not valid"}),
        ("POST /images/upload", {"label": "x", "region": "us-central"}, {"region": "region is not valid"}),
        ("POST /images/upload", {"label": "x", "region": "us-den-1"}, {"region": "region is not valid"}),
        (f"PUT /images/{MINE}", {"label": None}, {"label": "label must be a string"}),
        (f"PUT /images/{MINE}", {"tags": None}, {"tags": "tags must be an array"}),
        (f"PUT /images/{MINE}", {"size": 1}, {"size": "size is not an editable field."}),
        (f"PUT /images/{MINE}", {"id": MINE, "label": "x"}, {"id": "id is not an editable field."}),
        (f"PUT /images/{MINE}", {"regions": []}, {"regions": "regions is not an editable field."}),
        (f"POST /images/{MINE}/regions", {}, {"regions": "regions is required"}),
        (f"POST /images/{MINE}/regions", {"regions": []}, {"regions": "regions must have 1-100 members"}),
        (f"POST /images/{MINE}/regions", {"regions": ["us-east", "mars"]}, {"regions[1]": "region is not valid"}),
        (f"POST /images/{MINE}/regions", {"regions": ["jp-osa"]}, {
            "regions": "regions must keep one in which the image is available"}),
        ("POST /images/private/25112200/regions", {"regions": ["us-east"]}, {
            None: "Image must be available to be replicated"}),
    ],
)  # fmt: skip
def test_a_body_that_is_wrong_is_a_400_that_names_every_fault(
    line: str, body: Any, errors: dict[str | None, str]
) -> None:
    answer = ask(sandbox(), line, body)
    assert answer.status == 400
    assert {error.get("field"): error["reason"] for error in told(answer)["errors"]} == errors


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_a_400(body: bytes) -> None:
    answer = ask(sandbox(), "POST /images", body)
    assert answer.status == 400
    assert told(answer)["errors"][0]["reason"].startswith("Invalid JSON")


def test_an_edit_is_partial_and_tags_come_back_sorted() -> None:
    api = sandbox()
    before = told(ask(api, f"GET /images/{MINE}"))
    after = told(ask(api, f"PUT /images/{MINE}", {"tags": ["zeta", "alpha", "mid", "alpha"]}))
    assert after == before | {"tags": ["alpha", "mid", "zeta"], "updated": "2023-11-14T22:13:20"}
    assert told(ask(api, f"GET /images/{MINE}")) == after
    assert told(ask(api, f"PUT /images/{MINE}", {"description": None}))["description"] is None
    assert told(ask(api, f"PUT /images/{MINE}", {})) == after | {"description": None}


def test_what_a_post_does_not_know_it_ignores() -> None:
    row = told(ask(sandbox(), "POST /images", {"disk_id": DISK, "colour": "blue", "label": None, "size": 7}))
    assert "colour" not in row
    assert (row["label"], row["size"]) == ("Debian 12 Disk", 25600)


@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("DELETE /images/linode/debian12", None),
        ("PUT /images/linode/debian12", {"label": "mine"}),
        ("POST /images/linode/debian12/regions", {"regions": ["us-east"]}),
        ("DELETE /images/shared/5854", None),
    ],
)
def test_only_private_images_can_be_changed(line: str, body: Any) -> None:
    api = sandbox([private(1), public("debian12"), private(2, id="shared/5854", type="shared")])
    answer = ask(api, line, body)
    assert (answer.status, told(answer)) == (403, {"errors": [{"reason": "Unauthorized"}]})


def test_a_deleted_image_is_gone_and_its_number_is_not_given_again() -> None:
    api = sandbox()
    made = told(ask(api, "POST /images", {"disk_id": DISK}))["id"]
    answer = ask(api, f"DELETE /images/{made}")
    assert (answer.status, answer.body) == (200, b"{}")
    assert ask(api, f"GET /images/{made}").status == 404
    assert ask(api, f"DELETE /images/{made}").status == 404
    assert told(ask(api, "POST /images", {"disk_id": DISK}))["id"] != made


def test_a_new_number_is_one_that_no_row_has() -> None:
    api = sandbox([private(28000001)])
    assert told(ask(api, "POST /images", {"disk_id": DISK}))["id"] == "private/28000002"


# --- the rest of the account ---


def test_regions_say_where_images_can_be() -> None:
    rows = told(ask(sandbox(), "GET /regions"))["data"]
    assert {row["id"]: "Object Storage" in row["capabilities"] for row in rows}["us-east"]
    assert told(ask(sandbox(), "GET /regions/us-den-1"))["site_type"] == "distributed"


def test_some_lists_ignore_a_filter() -> None:
    assert len(ids(ask(sandbox(), "GET /regions", find={"id": "us-east"}))) > 20
    assert [row["label"] for row in told(ask(sandbox(), "GET /linode/instances", find={"tags": "db"}))["data"]] == [
        "db-1"
    ]


def test_linodes_and_their_disks() -> None:
    disks = told(ask(sandbox(), "GET /linode/instances/61300101/disks"))["data"]
    assert [disk["id"] for disk in disks] == [DISK, DISK + 1]
    assert told(ask(sandbox(), f"GET /linode/instances/61300101/disks/{DISK}")) == disks[0]
    assert told(ask(sandbox(), "GET /profile"))["username"] == "sandbox"
    assert told(ask(sandbox(), "GET /profile", headers=READER))["username"] == "auditor"


def test_the_token_is_in_no_repr() -> None:
    api = sandbox()
    assert "Bearer" not in repr(api.account)
    assert "sandbox-readonly" not in repr(api.account)
    assert "Bearer" not in repr(request("GET", "/v4/images", SANDBOX))

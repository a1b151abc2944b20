"""What a network, an edge and an API can do to a statement: the whole right answer or an error, never less; and every
row of a write accounted for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.errors import ApiError, NetworkError, PartialWrite, StratoqlError
from engine.sandbox import TOKEN, transport
from engine.sandbox.faults import Fault
from engine.session import Session
from engine.settings import Settings
from tests.statements.fixtures import IMAGES, NOW, run
from tests.statements.test_laws import many

SCAN = "SELECT id FROM linode.images.images"
PASSING = {
    "408": Fault(status=408),
    "429": Fault(status=429, headers={"Retry-After": "0"}),
    "500": Fault(status=500),
    "502 HTML": Fault(status=502, html=True),
    "503": Fault(status=503),
    "504": Fault(status=504),
    "cut": Fault(cut=100),
    "reset": Fault(drop="reset"),
    "closed": Fault(drop="close"),
    "refused": Fault(drop="refuse"),
}
LASTING = {
    "HTML": Fault(html=True, status=200),
    "no JSON": Fault(body="{]", status=200, times=None),
    "half JSON": Fault(body='{"data": [{"id": "private/1"}', status=200, times=None),
    "no envelope": Fault(body={"data": []}, status=200),
    "no rows": Fault(body={"page": 1, "pages": 3, "results": 65}, status=200),
    "another page": Fault(patch={"page": 99}),
    "negative": Fault(patch={"pages": -1}),
    "no number": Fault(patch={"pages": "three"}),
    "401": Fault(status=401),
    "403": Fault(status=403),
    "404": Fault(status=404),
    "maintenance": Fault(status=503, headers={"X-Maintenance-Mode": "1"}),
    "redirect": Fault(status=302, headers={"Location": "https://elsewhere.example/"}),
    "500 for ever": Fault(status=500, times=None),
    "cut for ever": Fault(cut=10, times=None),
}
PAGES = pytest.mark.parametrize("page", ["1", "2", "3"])


def at(fault: Fault, page: str) -> Fault:
    return replace(fault, method="GET", path="^/images$", query={"page": page})


@PAGES
@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_changes_nothing(name: str, page: str, no_waiting: None) -> None:
    rows = many()
    outcome = run(SCAN, Settings(environ={}, page_size=25), images=rows, faults=[at(PASSING[name], page)])
    assert outcome.error == ""
    assert sorted(outcome.rows) == sorted(row["id"] for row in rows)


@PAGES
@pytest.mark.parametrize("name", LASTING)
def test_a_lasting_fault_is_an_error_never_a_shorter_answer(name: str, page: str, no_waiting: None) -> None:
    outcome = run(SCAN, Settings(environ={}, page_size=25), images=many(), faults=[at(LASTING[name], page)])
    assert outcome.rows == ()
    assert outcome.error.startswith("error: ")
    assert "request: GET https://api.linode.com/v4/images?page=" in outcome.error
    if page != "1" and name not in ("another page", "negative", "no number", "no envelope", "no rows", "half JSON"):
        assert f"page {page}" in outcome.error
    assert TOKEN not in outcome.error


@PAGES
@pytest.mark.parametrize("fault", [Fault(drop="hang", times=None), Fault(delay=5, times=None)], ids=["hang", "late"])
def test_a_page_that_never_comes_is_an_error_that_names_it(fault: Fault, page: str) -> None:
    base = Settings(environ={}, page_size=25, timeout=0.3)
    outcome = run(SCAN, base, images=many(), faults=[at(fault, page)])
    assert outcome.rows == ()
    assert f"waiting for the answer to GET https://api.linode.com/v4/images?page={page}" in outcome.error


def test_a_refused_filter_is_asked_again_without(no_waiting: None) -> None:
    refusal = {"errors": [{"reason": "Cannot filter on is_public", "field": "X-Filter"}]}
    outcome = run(
        f"{SCAN} WHERE is_public = true", faults=[Fault("GET", "^/images$", status=400, body=refusal)], images=IMAGES
    )
    assert len(outcome.rows) == 3
    assert len(outcome.requests) == 2
    assert "X-Filter" not in outcome.requests[1]
    assert "Cannot filter on is_public" in outcome.warnings[0]


COUNT = "SELECT count(*) FROM linode.images.images WHERE is_public = true"


def test_a_count_whose_filter_is_refused_reads_rows(no_waiting: None) -> None:
    refusal = {"errors": [{"reason": "Cannot filter on is_public", "field": "X-Filter"}]}
    outcome = run(COUNT, faults=[Fault("GET", "^/images$", status=400, body=refusal, times=None)])
    assert "HTTP 400" in outcome.error
    outcome = run(COUNT, faults=[Fault("GET", "^/images$", status=400, body=refusal)])
    assert outcome.rows == ("3",)


@pytest.mark.parametrize("told", [{"results": 2}, {"results": 0, "pages": 3}, {"results": 10**11}])
def test_a_count_that_its_page_contradicts_is_never_believed(told: dict[str, int], no_waiting: None) -> None:
    sql = "SELECT count(*) FROM linode.images.images"
    outcome = run(sql, images=many(), faults=[Fault("GET", "^/images$", patch=told)])
    assert outcome.rows in ((), ("68",))
    assert outcome.error or outcome.rows == ("68",)


def test_a_write_does_not_run_out_of_requests_part_way(no_waiting: None) -> None:
    where = "type = 'manual' AND is_public = false AND size >= 0 AND label LIKE '%'"
    limited = Settings(environ={}, max_requests=4, concurrency=1)
    outcome = run(f"DELETE FROM linode.images.images WHERE {where}", limited)
    assert "this would send 5 requests, more than the 4 allowed" in outcome.error
    assert "--max-requests 5" in outcome.error
    assert [line for line in outcome.requests if line.startswith("DELETE")] == []


@pytest.mark.parametrize(
    "sql", ["EXEC linode.images.images.get_images", "SELECT id FROM (EXEC linode.images.images.get_images)"]
)
def test_a_list_that_is_called_and_shifts_is_a_warning_too(sql: str, no_waiting: None) -> None:
    by_id = {row["id"]: row for row in many()}
    listed = [by_id[name] for name in run(SCAN, images=many()).rows]
    shifted = replace(at(Fault(), "2"), patch={"data": listed[24:49]})
    outcome = run(sql, Settings(environ={}, page_size=25), images=many(), faults=[shifted])
    assert len(outcome.rows) == 67
    assert "1 row of page 2 had come before" in outcome.warnings[0]


def test_a_long_value_and_an_order_stay_within_what_the_api_takes(no_waiting: None) -> None:
    sql = f"{SCAN} WHERE type = '{'x' * 4060}' ORDER BY size DESC LIMIT 10"
    assert run(sql).error == ""


def test_a_list_that_does_not_say_its_count_is_counted(no_waiting: None) -> None:
    outcome = run(COUNT, faults=[Fault("GET", "^/images$", patch={"results": None}, times=None)])
    assert outcome.rows == ("3",)


def test_a_list_that_changes_while_it_is_read_is_a_warning(no_waiting: None) -> None:
    fault = replace(at(Fault(), "2"), patch={"results": 64})
    outcome = run(SCAN, Settings(environ={}, page_size=25), images=many(), faults=[fault])
    assert outcome.error == ""
    assert len(outcome.warnings) == 1
    assert len(outcome.rows) == 68


def test_a_row_that_comes_twice_because_the_list_shifts_is_answered_once(no_waiting: None) -> None:
    by_id = {row["id"]: row for row in many()}
    listed = [by_id[name] for name in run(SCAN, images=many()).rows]
    shifted = replace(at(Fault(), "2"), patch={"data": listed[24:49]})
    small = Settings(environ={}, page_size=25)
    outcome = run("SELECT label FROM linode.images.images", small, images=many(), faults=[shifted])
    assert outcome.error == ""
    assert outcome.rows == tuple(row["label"] for row in listed if row is not listed[49])
    assert outcome.warnings == (
        "get_images changed while it was read: 1 row of page 2 had come before; rows may be missing",
    )


def test_one_page_too_many_is_refused_before_it_is_sent(no_waiting: None) -> None:
    outcome = run(SCAN, Settings(environ={}, page_size=25, max_requests=2), images=many())
    assert "2" in outcome.error
    assert len(outcome.requests) <= 2


def test_a_broken_lookup_is_no_missing_row(no_waiting: None) -> None:
    outcome = run(f"{SCAN} WHERE id = 'private/11'", faults=[Fault("GET", "^/images/", status=500, times=None)])
    assert "HTTP 500" in outcome.error


# ---- writes


def writing(sql: str, *given: Fault, settings: Settings | None = None) -> tuple[StratoqlError | None, list[Any], Any]:
    """Run a write; its error, the rows it returned, the sandbox's images afterwards by id."""
    wire = transport(images=IMAGES, rate_limit=False, clock=lambda: NOW, faults=given)
    error: StratoqlError | None = None
    rows: list[Any] = []
    with Session(replace(settings or Settings(environ={}, concurrency=1), token=TOKEN), transport=wire) as session:
        try:
            for result in session.run(sql):
                rows = result.fetchall()
        except StratoqlError as raised:
            error = raised
        sent = [(r.method, str(r.url).rpartition("/")[2]) for r in wire.requests]
        left = {row[0]: row[1] for row in next(session.run("SELECT id, label FROM linode.images.images")).fetchall()}
    return error, rows, (sent, left)


RENAME = "REPLACE linode.images.images SET label = 'renamed' WHERE id IN ({}) RETURNING id"
FOUR = RENAME.format(", ".join(f"'private/{n}'" for n in (11, 12, 13, 14)))


def test_a_write_that_fails_part_way_accounts_for_every_row(no_waiting: None) -> None:
    error, _, (sent, left) = writing(FOUR, Fault("PUT", nth=3, status=403))
    assert isinstance(error, PartialWrite)
    assert [done["imageId"] for done in error.done] == ["private/11", "private/12"]
    assert [args["imageId"] for args, _ in error.failed] == ["private/13"]
    assert [args["imageId"] for args in error.unsent] == ["private/14"]
    assert error.unknown == ()
    assert error.completed.fetchall() == [("private/11",), ("private/12",)]
    assert "REPLACE stopped part-way, of 4 rows: 2 done, 1 failed, 1 not sent" in str(error)
    assert "not sent imageId = private/14" in str(error)
    assert [left[f"private/{n}"] for n in (11, 12, 13)] == ["renamed", "renamed", "tmp-build-2"]
    assert len(sent) == 3


@pytest.mark.parametrize(
    "fault",
    [Fault("PUT", nth=2, drop="close", effect=True), Fault("PUT", nth=2, status=500), Fault("PUT", nth=2, cut=5)],
)
def test_a_write_without_an_answer_is_unknown_and_not_sent_again(fault: Fault, no_waiting: None) -> None:
    error, _, (sent, _) = writing(FOUR, fault)
    assert isinstance(error, PartialWrite)
    assert [args["imageId"] for args, _ in error.unknown] == ["private/12"]
    assert [args["imageId"] for args in error.unsent] == ["private/13", "private/14"]
    assert error.hint is not None
    assert "read them before you send them again" in error.hint
    assert len(sent) == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault("PUT", status=429, headers={"Retry-After": "0"}),
        Fault("PUT", drop="refuse"),
        Fault("PUT", status=400, body={"errors": [{"reason": "Linode busy."}]}),
    ],
)
def test_a_write_that_certainly_did_nothing_is_sent_again(fault: Fault, no_waiting: None) -> None:
    error, rows, _ = writing(FOUR, fault)
    assert error is None
    assert len(rows) == 4


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_single_write_that_may_have_happened_says_so(status: int, no_waiting: None) -> None:
    error, _, (sent, _) = writing(
        "INSERT INTO linode.images.images (disk_id) VALUES (25674130)", Fault("POST", status=status)
    )
    assert isinstance(error, ApiError)
    assert error.hint is not None
    assert "whether it took effect is unknown" in error.hint
    assert len(sent) == 1


def test_a_cut_write_says_so(no_waiting: None) -> None:
    error, _, _ = writing("DELETE FROM linode.images.images WHERE id = 'private/12'", Fault("DELETE", drop="reset"))
    assert isinstance(error, NetworkError)
    assert error.hint is not None
    assert "whether it took effect is unknown" in error.hint


def test_too_many_rows_are_refused_before_the_first(no_waiting: None) -> None:
    limited = Settings(environ={}, max_writes=2)
    error, _, (sent, _) = writing(FOUR, settings=limited)
    assert str(error) == "this REPLACE would write 4 rows, more than the 2 allowed"
    assert sent == []


def test_one_row_changed_in_two_ways_is_refused(no_waiting: None) -> None:
    error, _, (sent, _) = writing(
        "REPLACE linode.images.images AS i SET label = 'x' WHERE id IN ('private/11') RETURNING id; "
        "DELETE FROM linode.images.images WHERE id IN ('private/12', 'private/12')"
    )
    assert error is None
    assert [method for method, _ in sent] == ["PUT", "DELETE"]


def test_time_runs_out_with_a_word_on_what_was_waited_for() -> None:
    slow = [Fault("GET", "^/images$", delay=5, times=None)]
    outcome = run(SCAN, Settings(environ={}, timeout=0.2), faults=slow)
    assert "the 0.2 s allowed are used up, waiting for the answer" in outcome.error

"""Joins that feed a parameter: each value once, side by side, within bounds, and an outer join keeps its rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Refused
from engine.sandbox import TOKEN, transport
from engine.sandbox.faults import Fault
from engine.sandbox.rows import private
from engine.session import Session
from engine.settings import Settings
from tests.statements.fixtures import run

JOIN = (
    "SELECT i.id, o.type FROM linode.images.images i {side} JOIN linode.tags.tagged_objects o "
    "ON o.tagLabel = i.label {more} WHERE i.is_public = false ORDER BY 1"
)
TAGS = ("web", "db", "old")


def images(labels: list[str]) -> list[dict[str, Any]]:
    return [private(number, label=label) for number, label in enumerate(labels, 1)]


def asked(requests: tuple[str, ...]) -> list[str]:
    return sorted(line.split("/v4/tags/")[1].split("?")[0] for line in requests if "/v4/tags/" in line)


def test_each_value_is_asked_once() -> None:
    outcome = run(JOIN.format(side="", more=""), images=images(["web", "db", "web", "none", "web"]))
    assert asked(outcome.requests) == ["db", "none", "web"]
    assert outcome.rows.count("private/1 | linode") == 2


def test_calls_leave_side_by_side_and_no_more_than_allowed() -> None:
    slow = Fault(method="GET", path="^/tags/", delay=0.05, times=None)
    wire = transport(images=images([f"label-{n}" for n in range(12)]), rate_limit=False, faults=[slow])
    with Session(replace(Settings(environ={}), token=TOKEN, concurrency=3), transport=wire) as session:
        (found,) = session.run(JOIN.format(side="LEFT", more=""))
        assert len(found.fetchall()) == 12
    assert wire.peak == 3


def test_more_than_may_be_sent_is_refused_before_the_first_of_them() -> None:
    wire = transport(images=images([f"label-{n}" for n in range(12)]), rate_limit=False)
    bounded = Session(replace(Settings(environ={}), token=TOKEN, max_requests=10), transport=wire)
    with bounded as session, pytest.raises(Refused, match="this would send 13 requests, more than the 10 allowed"):
        list(session.run(JOIN.format(side="", more="")))
    assert len(wire.requests) == 1


@given(st.lists(st.sampled_from([*TAGS, "none"]), min_size=1, max_size=5), st.sampled_from(["", "AND i.size > 5000"]))
@settings(max_examples=20, deadline=None)
def test_an_outer_join_keeps_every_row_of_its_left_side(labels: list[str], more: str) -> None:
    outer = run(JOIN.format(side="LEFT", more=more), images=images(labels))
    inner = run(JOIN.format(side="", more=more), images=images(labels))
    assert outer.error == inner.error == ""
    met = {row.split(" | ")[0] for row in inner.rows}
    assert {row.split(" | ")[0] for row in outer.rows} == {f"private/{n}" for n in range(1, len(labels) + 1)}
    assert sorted(outer.rows) == sorted(
        [*inner.rows, *(f"private/{n} | NULL" for n in range(1, len(labels) + 1) if f"private/{n}" not in met)]
    )

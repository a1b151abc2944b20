"""Any query over any images answers as plain SQLite would over all of them, whatever was pushed down.

`STRATOQL_EXAMPLES` sets how many queries are tried; the suite's own number is small.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.sandbox.rules import Rules
from engine.settings import Settings
from tests.statements.fixtures import IMAGES, run

EXAMPLES = int(os.environ.get("STRATOQL_EXAMPLES", "60"))
COLUMNS = [*(name for name in IMAGES[0] if name != "total_size"), "total_size"]
ABSENT = object()  # a field that the API leaves out
LABELS = ["web", "Web", "WEB-1", "tmp-1", "tmp_1", "a%b", "it's", "", "ü", "Ü", " x ", '"q"', "1", "\\"]
VALUES: dict[str, list[str]] = {
    "label": [f"'{label.replace(chr(39), chr(39) * 2)}'" for label in LABELS] + ["NULL", "1", "'%'"],
    "size": ["0", "5", "'5'", "5.5", "-1", "NULL", "9223372036854775807", "'abc'", "2 + 3"],
    "status": ["'available'", "'creating'", "'Available'", "NULL"],
    "type": ["'manual'", "'automatic'", "''"],
    "vendor": ["'Debian'", "'debian'", "NULL"],
    "is_public": ["true", "false", "0", "1", "2", "'true'", "NULL"],
    "deprecated": ["true", "false", "NULL"],
    "id": ["'private/1'", "'private/2'", "'linode/a0'", "NULL", "'private/' || 3"],
    "created": ["'2024-01-01T00:00:00'", "'2024-01-01 12:00:00'", "datetime('2024-01-02')"],
    "tags": ["'[]'", "'[\"a-tag\"]'"],
    "description": ["''", "NULL", "'x'"],
    "created_by": ["'somebody'", "NULL", "'linode'"],
    "updated": ["'2024-01-01'", "'2024-01-01 18:00:00'", "NULL"],
    "eol": ["'2026-07-01T04:00:00'", "datetime('2026-07-01', '+4 hours')", "NULL"],
    "expiry": ["NULL", "'2025-01-01T00:00:00'"],
    "total_size": ["0", "5", "'5'", "NULL"],
    "regions": ["NULL", "'[]'"],
    "capabilities": ["'[]'", "'[\"cloud-init\"]'"],
}

images = st.lists(
    st.fixed_dictionaries(
        {
            "label": st.sampled_from(LABELS),
            "size": st.sampled_from([0, 1, 5, 6, 100]),
            "status": st.sampled_from(["available", "creating", "pending_upload"]),
            "type": st.sampled_from(["manual", "automatic"]),
            "vendor": st.sampled_from([None, "Debian", "debian"]),
            "is_public": st.booleans(),
            "deprecated": st.booleans(),
            "created": st.sampled_from(["2024-01-01T00:00:00", "2024-01-01T18:00:00", "2024-01-02T00:00:00"]),
            "tags": st.sampled_from([[], ["a-tag"], ["a-tag", "b-tag"]]),
            "description": st.sampled_from([None, "", "x"]),
            "created_by": st.sampled_from([None, "linode", "somebody"]),
            "updated": st.sampled_from(["2024-01-01T00:00:00", "2024-01-01T18:00:00"]),
            "eol": st.sampled_from([None, "2026-07-01T04:00:00", ABSENT]),
            "expiry": st.sampled_from([None, "2025-01-01T00:00:00", ABSENT]),
            "total_size": st.sampled_from([ABSENT, None, 0, 5]),
            "regions": st.sampled_from([None, [], [{"region": "us-east", "status": "available"}]]),
            "capabilities": st.sampled_from([[], ["cloud-init"]]),
        }
    ),
    max_size=40,
)


def _in(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(values)})"


@st.composite
def comparisons(draw: st.DrawFn, alias: str) -> str:
    """A predicate on one column, of a form that may travel or may not."""
    name = draw(st.sampled_from(sorted(VALUES)))
    value = st.sampled_from(VALUES[name])
    column = alias + name
    form = draw(st.integers(0, 7))
    if form == 0:
        return _in(column, draw(st.lists(value, min_size=1, max_size=3)))
    if form == 1:
        return f"{column} BETWEEN {draw(value)} AND {draw(value)}"
    if form == 2:
        return f"{column} {draw(st.sampled_from(['LIKE', 'GLOB', 'NOT LIKE']))} " + draw(
            st.sampled_from(
                [
                    "'%tmp%'",
                    "'tmp-_'",
                    "'*tmp*'",
                    "'w%'",
                    "'TMP-%'",
                    "'%Mp_%'",
                    "'%-1'",
                    "'*-[0-9]'",
                    "'% %'",
                    "'%'",
                    "'*'",
                ]
            )
        )
    if form == 3:
        return f"{column} IS {draw(st.sampled_from(['', 'NOT ']))}NULL"
    operator = draw(st.sampled_from(["=", "==", "<>", "<", "<=", ">", ">=", "IS"]))
    left, right = (column, draw(value)) if form < 7 else (draw(value), column)
    return f"{left} {operator} {right}"


def predicates(alias: str = "") -> st.SearchStrategy[str]:
    """A condition on the columns of a table."""
    return st.recursive(
        comparisons(alias),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda p: f"({p[0]} AND {p[1]})"),
            st.tuples(inner, inner).map(lambda p: f"({p[0]} OR {p[1]})"),
            inner.map(lambda p: f"NOT ({p})"),
        ),
        max_leaves=4,
    )


ANY_ORDER = "SELECT id, vendor, total_size, eol, is_public, tags FROM {t}"
SHAPES = [
    ANY_ORDER,
    "SELECT id, label, is_public FROM {t} WHERE {p} ORDER BY id",
    "SELECT count(*), sum(size) FROM {t} WHERE {p}",
    "SELECT id FROM {t} WHERE {p} ORDER BY size DESC, id LIMIT 5",
    "SELECT count(*) FROM {t} WHERE {p}",
    "SELECT size FROM {t} WHERE {p} ORDER BY size DESC LIMIT 4 OFFSET 1",
    "SELECT size FROM {t} WHERE {p} ORDER BY size LIMIT 3",
    "SELECT (SELECT count(*) FROM {t} WHERE {p}), EXISTS (SELECT 1 FROM {t} WHERE {p})",
    "SELECT vendor, count(*) FROM {t} WHERE {p} GROUP BY vendor HAVING count(*) > 1 ORDER BY 1",
    "SELECT status, eol, max(total_size) FROM {t} WHERE {p} GROUP BY status, eol ORDER BY 1, 2",
    "SELECT eol, expiry, total_size, regions, capabilities FROM {t} WHERE {p} ORDER BY total_size, id LIMIT 7",
    "SELECT id FROM {t} WHERE {p} ORDER BY vendor IS NULL, vendor DESC, updated, id LIMIT 6 OFFSET 2",
    "SELECT a.id, b.id FROM {t} a LEFT JOIN {t} b ON a.id = b.id AND ({b}) ORDER BY 1, 2",
    "SELECT a.id, b.id FROM {t} a FULL JOIN {t} b ON a.label = b.label AND ({b}) ORDER BY 1, 2",
    "SELECT a.id, b.id FROM {t} a JOIN {t} b ON a.id = b.id WHERE ({b}) ORDER BY 1, 2",
    "SELECT a.id, b.label FROM {t} a LEFT JOIN {t} b USING (id) WHERE b.id IS NULL OR ({b}) ORDER BY 1, 2",
    "SELECT count(*), max(size) FROM (SELECT id, size FROM {t} WHERE {p}) NATURAL JOIN {t}",
    "SELECT id, tags, label AS l, upper(status), eol FROM {t} WHERE {p} ORDER BY l, id",
    "SELECT a.id, b.label, a.tags, b.eol FROM {t} a LEFT JOIN {t} b ON a.size < b.size AND ({b}) ORDER BY a.id, b.id",
    "SELECT a.id, a.eol, r.value FROM {t} a, json_each(a.tags) r WHERE EXISTS (SELECT 1 FROM {t} b WHERE {b}) "
    "ORDER BY a.id, r.key LIMIT 9",
    "SELECT DISTINCT label FROM {t} WHERE {p} UNION SELECT vendor FROM {t} WHERE NOT ({p}) ORDER BY 1",
    "WITH x AS (SELECT * FROM {t} WHERE {p}) SELECT id FROM {t} WHERE id NOT IN (SELECT id FROM x) ORDER BY 1",
]


def numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Whole images: the ids and the fields that the strategy leaves alone."""
    whole = []
    for number, row in enumerate(rows):
        name = f"linode/{chr(97 + number % 26)}{number // 26}" if row["is_public"] else f"private/{number}"
        whole.append({**IMAGES[0], **row, "id": name})
    return [{name: value for name, value in row.items() if value is not ABSENT} for row in whole]


def moment(left: str, right: str) -> int:
    left, right = left.replace("T", " "), right.replace("T", " ")
    return (left > right) - (left < right)


def plain(sql: str, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What SQLite answers over all rows, typed as the document types them."""
    database = sqlite3.connect(":memory:")
    database.create_collation("moment", moment)
    types = {"size": "INTEGER", "total_size": "INTEGER", "is_public": "BOOLEAN", "deprecated": "BOOLEAN"}
    types |= dict.fromkeys(("created", "updated", "eol", "expiry"), "TEXT COLLATE moment")
    columns = ", ".join(f"{column} {types.get(column, 'TEXT')}" for column in COLUMNS)
    database.execute(f"CREATE TABLE images ({columns})")
    for row in rows:
        held = [row.get(column) for column in COLUMNS]
        values = [json.dumps(v, separators=(",", ":")) if isinstance(v, list) else v for v in held]
        database.execute(f"INSERT INTO images VALUES ({', '.join('?' * len(COLUMNS))})", values)
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    images,
    st.sampled_from(SHAPES),
    predicates("{a}"),
    predicates("b."),
    st.sampled_from([25, 500]),
    st.sampled_from([1, 16]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_every_answer_is_sqlites(
    rows: list[dict[str, Any]],
    shape: str,
    predicate: str,
    other: str,
    page_size: int,
    concurrency: int,
    push: bool,
    fold: bool,
    aliased: bool,
) -> None:
    whole = numbered(rows)
    in_order = shape != ANY_ORDER
    if aliased:
        shape = re.sub(r"\{t\}(?! [ab]\b)", "{t} AS i", shape)
    sql = shape.replace("{p}", predicate).replace("{b}", other).replace("{a}", "i." if aliased else "")
    expected = plain(sql.replace("{t}", "images"), whole)
    base = Settings(environ={}, page_size=page_size, concurrency=concurrency, pushdown=push)
    rules = Rules(fold_contains=fold, fold_equality=fold, rate_limit=False)
    outcome = run(sql.replace("{t}", "linode.images.images"), base, images=whole, rules=rules)
    assert outcome.error == ""
    found = list(outcome.values)
    if not in_order:
        found, expected = sorted(found), sorted(expected)
    assert found == expected, outcome.requests

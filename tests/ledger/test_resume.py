"""After a crash, wherever it came: each write happens once, and what nobody can know is reported, not repeated."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError, explain
from engine.ledger.lines import Line, read
from engine.ledger.runs import runs
from tests.ledger.played import Account, events, image, lines

ROWS = 4
STATEMENTS = {
    "DELETE": "DELETE FROM linode.images.images WHERE label LIKE 'old%'",
    "PUT": """REPLACE linode.images.images SET data__label = 'new-' || label, data__tags = '["zwei-b", "zwei-a"]'
        WHERE label LIKE 'old%'""",
    "POST": "INSERT INTO linode.images.images (disk_id, label) VALUES (5, 'a'), (5, 'b'), (5, 'c'), (5, 'd')",
}


def fresh() -> Account:
    return Account(image(n, f"old-{n}") for n in range(1, ROWS + 1))


@cache
def whole(verb: str) -> tuple[bytes, tuple[str, ...]]:
    """The ledger of a run that came to its end, and what it did, call by call."""
    account = fresh()
    with TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger"
        assert account.run(STATEMENTS[verb], ledger) is None
        wanted = tuple(
            f"{verb} {line['args'].get('imageId') or line['args']['data__label']}"
            for line in lines(ledger)[0]["calls"]
        )
        return ledger.read_bytes(), wanted


def reached(data: bytes) -> list[Line]:
    return [line for _, line in read(data) if line is not None]


def crashed(data: bytes, known: set[int], taken: list[bool]) -> tuple[Account, set[int], set[int]]:
    """An account as it may be when the ledger has come so far, the calls that have happened in it, and those of which
    nobody knows: they were to be sent, and no outcome stands there.

    `known` have happened anyway; `taken` is chance: whether a call of which nobody knows has.
    """
    found = reached(data)
    sent = {line.call for line in found if line.event == "sending" and line.call}
    done = {line.call for line in found if line.event == "done" and line.call}
    account, happened = fresh(), set[int]()
    for call in next((line.calls or [] for line in found if line.event == "run"), []):
        if call.call in known | done or (call.call in sent and taken[call.call - 1]):
            args = {name.removeprefix("data__"): value for name, value in call.args.items() if name != "imageId"}
            if "tags" in args:
                args["tags"] = json.loads(args["tags"])
            account.act(call.method, str(call.args.get("imageId", "")), args)
            happened.add(call.call)
    return account, happened, sent - done


@pytest.mark.parametrize("verb", list(STATEMENTS))
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_wherever_it_is_cut_each_write_happens_once(verb: str, data: st.DataObject) -> None:
    """Twice: what has resumed it is cut too."""
    chances = st.lists(st.booleans(), min_size=ROWS, max_size=ROWS)
    full, wanted = whole(verb)
    known, least = set[int](), 0
    with TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger"
        for _ in range(2):
            cut = full[: data.draw(st.integers(least, len(full)))]
            account, known, unknown = crashed(cut, known, data.draw(chances))
            ledger.write_bytes(cut)
            told = account.resume(ledger)
            if not any(line.event == "run" for line in reached(cut)):
                assert (told, account.sent) == ([], [])
                return
            for number, write in enumerate(wanted, 1):
                blind = verb == "POST" and number in unknown
                assert account.effects[write] == (number in known if blind else 1)
                assert blind == any((one.call, one.state) == (number, "decide") for one in told)
            sent = list(account.writes)
            assert [one for one in account.resume(ledger) if one.state != "decide"] == []
            assert account.writes == sent
            full, least = ledger.read_bytes(), len(cut)


def test_what_the_row_tells_decides(tmp_path: Path) -> None:
    """A REPLACE without an answer: the new values, the old ones, others; a DELETE: gone or there."""
    ledger, account = tmp_path / "ledger", fresh()

    def lost(request: httpx.Request) -> httpx.Response | None:
        if request.method == "GET":
            return None
        raise httpx.ReadError("connection lost")

    account.meet = lost
    account.run(STATEMENTS["PUT"], ledger)
    account.meet = lambda request: None
    assert events(ledger) == ["sending 1", "unknown 1"]
    account.rows["private/1"]["label"] = "by another hand"
    first, *rest = account.resume(ledger)
    assert (first.state, first.note) == ("decide", "the row has neither the old values nor the new ones")
    assert (first.request, first.row) == ("PUT /v4/images/private%2F1", "imageId = private/1")
    assert {one.state for one in rest} == {"done"}
    del account.rows["private/1"]
    (first,) = account.resume(ledger)
    assert (first.state, first.note) == ("decide", "the row is gone")
    (first,) = account.resume(ledger, decided={1: "done"})
    assert (first.state, first.note) == ("done", "decided")
    assert lines(ledger)[-1]["note"] == "decided"
    assert account.resume(ledger) == []


def test_a_decision_to_send_is_followed(tmp_path: Path) -> None:
    ledger, account = tmp_path / "ledger", fresh()
    account.meet = lambda request: httpx.Response(500)
    account.run("INSERT INTO linode.images.images (disk_id, label) VALUES (5, 'a')", ledger)
    account.meet = lambda request: None
    (told,) = account.resume(ledger)
    assert (told.state, told.note) == ("decide", "it may have happened: look for it, then say --decide")
    (told,) = account.resume(ledger, decided={1: "send"})
    assert (told.state, account.effects) == ("done", {"POST a": 1})
    with pytest.raises(UsageError, match="--decide is about the calls of one run"):
        account.resume(ledger, decided={1: "send"})


def test_a_decision_about_a_call_that_is_done(tmp_path: Path) -> None:
    ledger, account = tmp_path / "ledger", fresh()
    account.meet = lambda request: httpx.Response(500) if account.sent[-1] == "PUT private/2" else None
    account.run(STATEMENTS["PUT"], ledger)
    with pytest.raises(UsageError, match=r"has no open call 1$") as raised:
        account.resume(ledger, decided={1: "send"})
    assert raised.value.hint == "those that are open: 2, 3, 4"


def test_what_the_api_refused_is_listed_and_sent_again_where_asked(tmp_path: Path) -> None:
    ledger, account = tmp_path / "ledger", fresh()
    account.meet = lambda request: httpx.Response(403) if account.sent[-1] == "DELETE private/3" else None
    account.run(STATEMENTS["DELETE"], ledger)
    told = {one.call: (one.state, one.note) for one in account.resume(ledger)}
    assert told == {3: ("failed", "HTTP 403: Forbidden"), 4: ("done", None)}
    (refused,) = account.resume(ledger, failed=True)
    assert (refused.state, refused.note) == ("failed", "HTTP 403: Forbidden")
    account.meet = lambda request: None
    (refused,) = account.resume(ledger, failed=True)
    assert refused.state == "done"
    assert account.effects == {f"DELETE private/{n}": 1 for n in (1, 2, 3, 4)}


def test_a_rehearsal_only_reads(tmp_path: Path) -> None:
    ledger, account = tmp_path / "ledger", fresh()

    def lost(request: httpx.Request) -> httpx.Response | None:
        if account.sent[-1] != "DELETE private/2":
            return None
        account.act("DELETE", "private/2", {})
        raise httpx.ReadError("connection lost")

    account.meet = lost
    account.run(STATEMENTS["DELETE"], ledger)
    account.meet, size, written = lambda request: None, ledger.stat().st_size, len(account.writes)
    told = {one.call: (one.state, one.note) for one in account.resume(ledger, dry_run=True)}
    assert told == {2: ("done", "the row is gone"), 3: ("would be sent", None), 4: ("would be sent", None)}
    assert (ledger.stat().st_size, len(account.writes)) == (size, written)


def test_it_is_the_same_api_and_account_or_nothing(tmp_path: Path) -> None:
    ledger, account = tmp_path / "ledger", fresh()
    account.meet = lambda request: httpx.Response(403) if account.sent[-1] == "PUT private/2" else None
    account.run(STATEMENTS["PUT"], ledger)
    account.meet, sent = lambda request: None, list(account.sent)
    with pytest.raises(UsageError) as raised:
        account.resume(ledger, {"token": "another-token"})
    assert "was signed in with another credential" in explain(raised.value)
    assert "--same-account" in explain(raised.value)
    with pytest.raises(
        UsageError, match=re.escape("has written to https://api.linode.com:443, and this would")
    ) as elsewhere:
        account.resume(ledger, {"servers": {"linode": "http://127.0.0.1:1"}})
    assert elsewhere.value.hint == "use the one that it has used: --server linode=https://api.linode.com:443"
    with pytest.raises(UsageError, match=r"was PUT /v4/images/private%2F1 and would be PUT /v4beta/images"):
        account.resume(ledger, {"environ": {"LINODE_API_VERSION": "v4beta"}})
    with pytest.raises(UsageError, match="the ledger has no run x"):
        account.resume(ledger, run="x")
    assert account.sent == sent
    told = account.resume(ledger, {"token": "another-token"}, same_account=True)
    assert {one.call: one.state for one in told} == {2: "failed", 3: "done", 4: "done"}


def test_a_secret_is_not_in_the_ledger_so_it_cannot_be_sent_from_it(tmp_path: Path) -> None:
    ledger, account = tmp_path / "ledger", fresh()
    secret = {"environ": {"DB_PASSWORD": "hunter2-long"}}
    sql = "INSERT INTO linode.images.images (disk_id, label) VALUES (5, 'a'), (5, 'hunter2-long'), (5, 'c')"
    account.meet = lambda request: httpx.Response(403)
    account.run(sql, ledger, **secret)
    account.meet = lambda request: None
    told = {one.call: one.state for one in account.resume(ledger, failed=True)}
    assert told == {1: "done", 2: "masked", 3: "done"}
    assert "hunter2" not in ledger.read_text()


def test_one_that_may_have_happened_is_not_looked_up_by_what_is_masked(tmp_path: Path) -> None:
    """Nothing is there under `***`, and that does not mean that it is gone."""
    ledger, account = tmp_path / "ledger", fresh()
    account.meet = lambda request: httpx.Response(500) if request.method == "DELETE" else None
    secret = {"environ": {"DB_PASSWORD": "private/1"}}
    account.run("DELETE FROM linode.images.images WHERE id = 'private/1'", ledger, **secret)
    account.meet, sent = lambda request: None, list(account.sent)
    (told,) = account.resume(ledger)
    assert (told.state, account.sent) == ("decide", sent)


def test_several_runs_and_torn_lines_in_one_file(tmp_path: Path) -> None:
    """A process that is killed in the middle of a line, and others that go on writing behind it."""
    ledger, account = tmp_path / "ledger", fresh()
    full, _ = whole("DELETE")
    cut = full.index(b'{"event":"sending"') + 30
    ledger.write_bytes(full[:cut])
    assert account.run("INSERT INTO linode.images.images (disk_id, label) VALUES (5, 'a')", ledger) is None
    with ledger.open("ab") as stream:
        stream.write(full[:50] + full[:50])
    found = runs(reached(ledger.read_bytes()))
    assert [run.unfinished for run in found.values()] == [True, False]
    account.resume(ledger)
    assert not account.rows.keys() & {f"private/{n}" for n in range(1, ROWS + 1)}
    assert account.effects["POST a"] == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"id,label\n", "line 1 of {} is no line of a ledger"),
        (b'{"event":"done","run":"r","time":"t","call":1}\n', "the ledger does not say what call 1 of run r is"),
        (
            b'{"event":"run","run":"r","time":"t","method":"a.b.c.d","calls":[]}\n'
            b'{"event":"sending","run":"r","time":"t","call":1}\n',
            "the ledger does not say what call 1 of run r is",
        ),
    ],
)
def test_what_is_no_ledger(text: bytes, told: str, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    ledger.write_bytes(text)
    with pytest.raises(UsageError) as raised:
        fresh().resume(ledger)
    assert raised.value.message == told.format(ledger)
    assert raised.value.hint in (
        "name the file that the run has written with --ledger, as it was written",
        "its beginning is lost: name the whole file, or look up by a SELECT what was written",
    )


def test_a_method_that_is_gone(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    full, _ = whole("DELETE")
    ledger.write_bytes(full[: full.index(b"\n") + 1].replace(b"delete_image", b"remove_image"))
    with pytest.raises(UsageError, match=r"images\.remove_image, which is not known here") as raised:
        fresh().resume(ledger)
    assert raised.value.hint == "use the provider's documents that the run has used: --registry names their folder"

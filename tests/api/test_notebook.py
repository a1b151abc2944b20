"""Notebooks: the magics in a shell, and a real notebook from its file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nbformat
import pandas
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

import engine
from engine.notebook.table import SHOWN, Table
from tests.api.opened import IMAGE, opened, wire


@pytest.fixture
def shell() -> Iterator[Any]:
    found = Shell()
    found.run_line_magic("load_ext", "engine.notebook")
    yield found
    found.history_manager.end_session() if found.history_manager is not None else None
    InteractiveShell.clear_instance()


def test_values_come_from_the_notebook(shell: Any) -> None:
    shell.user_ns.update({"label": "web%", "size": "not a size", "connection": opened()})
    shell.run_line_magic("sql", "--connection connection")
    table = shell.run_line_magic("sql", "--var size=1 SELECT :label, :size + 1, '$HOME {label} :no'")
    assert isinstance(table, Table)
    assert table.rows == [("web%", 2, "$HOME {label} :no")]
    with pytest.raises(UsageError, match="there is no value for :nowhere") as raised:
        shell.run_line_magic("sql", "SELECT :nowhere")
    assert str(raised.value).endswith("hint: valid names: label, size, connection")  # none of IPython's own


def test_rows_into_a_variable(shell: Any) -> None:
    shell.user_ns["connection"] = opened()
    sql = f"SELECT id, tags, created\nFROM {IMAGE} WHERE id = :id"
    assert shell.run_cell_magic("sql", "--connection connection --out found --var id=private/11", sql) is None
    frame = shell.user_ns["found"]
    assert isinstance(frame, pandas.DataFrame)
    assert [str(kind) for kind in frame.dtypes] == ["string", "object", "datetime64[us, UTC]"]
    assert type(frame["tags"][0]) is list
    shell.run_line_magic("sql", f"--out found SELECT id, size FROM {IMAGE} WHERE 1 = 0")
    assert [str(kind) for kind in shell.user_ns["found"].dtypes] == ["string", "Int64"]
    shell.run_line_magic("sql", f"--out found --write DELETE FROM {IMAGE} WHERE id = 'private/11'")
    assert shell.user_ns["found"].shape == (0, 0)  # it was written, so there is nothing to raise


def test_nothing_is_written_by_surprise(shell: Any) -> None:
    through = wire()
    shell.user_ns["connection"] = opened(through=through)
    delete = f"DELETE FROM {IMAGE} WHERE id = 'private/11'"
    shell.run_line_magic("sql", "--connection connection")
    for sql in (f"SELECT 1; {delete}", f"EXPLAIN ANALYZE {delete}"):
        for no in ("--write=false", "--write=no", "--write="):
            with pytest.raises(UsageError, match="--write takes no value"):
                shell.run_line_magic("sql", f"{no} {sql}")
        with pytest.raises(UsageError, match="this would write, and nothing was sent") as raised:
            shell.run_line_magic("sql", sql)
        assert "then run it with --write" in str(raised.value)
    assert "send: DELETE" in repr(shell.run_line_magic("sql", f"EXPLAIN {delete}"))
    assert through.requests == []
    assert shell.run_line_magic("sql", f"--write {delete}").told().startswith("1 row deleted; 1 request, ")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "%sql needs a statement"),
        ("--writ SELECT 1", "did you mean write?"),
        ("--out", "--out needs a value"),
        ("--out a.b SELECT 1", "--out takes the name of a variable, found a.b"),
        ("--out class SELECT 1", "--out takes the name of a variable, found class"),
        ('--out "" SELECT 1', "--out takes the name of a variable"),
        ("--var x='a SELECT :x", "a quote is not closed: 'a"),
        ("--var 5 SELECT 1", "--var takes NAME=VALUE"),
        ("--connection nobody SELECT 1", "nobody is no connection"),
        ("--sandbox SELECT lable FROM linode.images.images", "did you mean label?"),
    ],
)
def test_what_cannot_be(shell: Any, line: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        shell.run_line_magic("sql", line)
    assert told in str(raised.value)


def test_a_table_is_html_that_cannot_be_more_than_text() -> None:
    with opened() as connection:
        html = Table(connection.query('SELECT ? AS "<b>", NULL AS n', ["<script>\u202e"]))._repr_html_()
        assert "<th>&lt;b&gt;</th><th>n</th>" in html
        assert "<td>&lt;script&gt;\\u202e</td><td><i>NULL</i></td>" in html
        many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 150) SELECT i FROM n"
        table = Table(connection.query(many))
        assert table._repr_html_().count("<tr>") == SHOWN + 1
        assert (len(table), len(table.to_pandas())) == (150, 150)
        assert "150 rows; the first 100 are shown; 0 requests" in repr(table)


v4: Any = nbformat.v4
Shell: Any = InteractiveShell
BOTH = """
import engine
async with engine.aconnect(sandbox=True) as connection:
    result = await connection.query('SELECT 1')
len(df) > 3, result.fetchall()
"""


def test_a_real_notebook_runs() -> None:
    """In a kernel of its own, whose loop runs."""
    cells = [
        "%load_ext engine.notebook\nlabel = 'web%'",
        f"%sql --sandbox SELECT id, label FROM {IMAGE} WHERE label LIKE :label LIMIT 1",
        f"%%sql --out df\nSELECT id, size FROM {IMAGE}\nWHERE is_public = false",
        BOTH,
    ]
    book = v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells])
    NotebookClient(book, timeout=60, kernel_name="python3").execute()
    shown = book.cells[1].outputs[0]["data"]["text/html"]
    assert shown.startswith("<table><thead><tr><th>id</th><th>label</th></tr></thead>")
    assert book.cells[2].outputs == []
    assert book.cells[3].outputs[0]["data"]["text/plain"] == "(True, [(1,)])"


def test_the_shells_connection_is_its_own(shell: Any) -> None:
    shell.run_line_magic("sql", "--sandbox SELECT 1")
    first = shell.magics_manager.registry["Sql"].connection
    assert isinstance(first, engine.Connection)
    shell.run_line_magic("sql", "SELECT 2")
    assert shell.magics_manager.registry["Sql"].connection is first
    first.close()

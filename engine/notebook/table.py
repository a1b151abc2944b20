"""The rows of a `%sql` as a notebook shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from engine.api.result import Result
from engine.explain import many
from engine.formats.cells import printable, spell

if TYPE_CHECKING:
    import pandas

SHOWN = 100  # rows


class Table:
    """Columns and rows of one answer, held; `rows` are Python's values."""

    def __init__(self, result: Result) -> None:
        self.columns = [column.name for column in result.columns]
        self.kind = result.kind
        self.messages = result.messages
        self.stats = result.stats
        self._columns = result.columns
        self.rows: list[tuple[Any, ...]] = result.fetchall()

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a DataFrame. Extra `pandas`."""
        from engine.api.tables import pandas_frame
        from engine.result import Batches

        return pandas_frame(self._columns, Batches([self.rows] if self.rows else []))

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        if self.kind == "plan":
            return "\n".join(str(line) for (line,) in self.rows)
        lines = [" | ".join(cells) for cells in (self.columns, *(map(shown, row) for row in self.rows[:SHOWN]))]
        return "\n".join((lines if self.kind == "rows" else []) + [self.told()])

    def _repr_html_(self) -> str:
        """The first rows as a table, and how many there are."""
        if self.kind == "plan":
            return f"<pre>{escape(repr(self))}</pre>"
        told = f"<p>{escape(self.told())}</p>"
        if self.kind == "done":
            return told
        head = "".join(f"<th>{escape(printable(name))}</th>" for name in self.columns)
        body = "".join(f"<tr>{_cells(row)}</tr>" for row in self.rows[:SHOWN])
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{told}"

    def told(self) -> str:
        """How many rows there are, what they cost, what else there is to say."""
        rows = "" if self.kind == "done" else many(len(self.rows), "row")
        cut = f"the first {SHOWN} are shown" if len(self.rows) > SHOWN else ""
        cost = f"{many(self.stats.requests, 'request')}, {self.stats.seconds:.2f} s"
        return "; ".join(filter(None, (rows, cut, *self.messages, cost)))


def shown(value: object) -> str:
    """A value on one line.

    >>> shown(None), shown(True), shown(["a"]), shown("a\\nb")
    ('NULL', 'true', '["a"]', 'a\\\\nb')
    """
    if isinstance(value, datetime):
        return value.isoformat(" ").removesuffix("+00:00")
    if isinstance(value, list | dict):
        return printable(json.dumps(value, ensure_ascii=False))
    return printable(spell(value, "NULL"))


def _cells(row: Sequence[object]) -> str:
    return "".join("<td><i>NULL</i></td>" if value is None else f"<td>{escape(shown(value))}</td>" for value in row)

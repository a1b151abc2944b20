"""Output formats: each writes one result to a text stream.

A new format is a function of type `Format` and a row in `FORMATS`; the command line, its help and the shell's
completion take their choices from there. All but `table` stream: they hold a batch of rows, never all of them.

NULL, booleans, JSON and bytes in each: json and jsonl write `null`, `true`, embedded JSON and base64; csv and tsv
leave NULL empty; the formats for eyes show `NULL`. Everywhere but in json and jsonl a boolean is `true` or `false`,
JSON is compact text and bytes are hexadecimal digits.

A result of kind `done` has no rows and writes nothing. One of kind `plan` is plain lines in table and text.
"""

from __future__ import annotations

from engine.formats import delimited, grid, jsons, records
from engine.formats.options import Format, Options

FORMATS: dict[str, Format] = {
    "table": grid.table,
    "json": jsons.array,
    "jsonl": jsons.lines,
    "csv": delimited.csv,
    "tsv": delimited.tsv,
    "markdown": grid.markdown,
    "vertical": records.vertical,
    "text": delimited.text,
}

SUFFIXES = {"csv": "csv", "tsv": "tsv", "json": "json", "jsonl": "jsonl", "ndjson": "jsonl", "md": "markdown"}


def by_suffix(path: str | None) -> str | None:
    """The format that the name of a file says; None where it says none.

    >>> by_suffix("out/images.CSV"), by_suffix("images.txt"), by_suffix("-"), by_suffix(None)
    ('csv', None, None, None)
    """
    return SUFFIXES.get((path or "").rpartition(".")[2].lower()) if "." in (path or "") else None


__all__ = ["FORMATS", "SUFFIXES", "Format", "Options", "by_suffix"]

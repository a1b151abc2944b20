"""Results to format: one row of each kind of value, hostile text, nothing at all, a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from engine.formats import FORMATS, Options
from engine.result import JsonText, Kind, Result, ResultColumn


def result(columns: Sequence[ResultColumn], rows: Iterable[tuple[Any, ...]], kind: Kind = "rows") -> Result:
    return Result(columns, iter(list(rows)), kind=kind)


def written(name: str, given: Result, options: Options | None = None) -> str:
    """What a format writes, in an encoding that holds everything."""
    stream = StringIO()
    FORMATS[name](given, stream, options or Options())
    return stream.getvalue()


def visible(text: str) -> str:
    """Text with what an editor would not show spelled out, for files of expected output."""
    return "".join(c if c.isprintable() or c == "\n" else f"<U+{ord(c):04X}>" for c in text)


def images() -> Result:
    columns = [
        ResultColumn("id", "string"),
        ResultColumn("label", "string"),
        ResultColumn("size", "integer"),
        ResultColumn("is_public", "boolean"),
        ResultColumn("regions", "json"),
        ResultColumn("created", "datetime"),
        ResultColumn("size / 3.0", "any"),
    ]
    rows = [
        ("linode/debian12", "Debian 12", 1500, True, None, "2023-06-14T17:12:11", 500.0),
        (
            "private/1",
            'quoted "label", with comma',
            20,
            False,
            JsonText('[{"region": "us-east", "status": "available"}]'),
            "2024-01-02T03:04:05",
            6.666666666666667,
        ),
        ("private/2", "", None, None, JsonText("[]"), None, None),
    ]
    return result(columns, rows)


def hostile() -> Result:
    columns = [ResultColumn("a|b", "string"), ResultColumn("a|b", "any"), ResultColumn('say "\x1b[1m"\n', "any")]
    rows = [
        ("\x1b[2Jgone\x07", "two\r\nlines\tand | pipe", JsonText('{\n  "k": "\x9b31m"\n}')),
        ("\u202eright to left\u2066", "C:\\temp <b>&", b"\x00\xff"),
        ("日本語 👩\u200d💻", JsonText("no JSON at all"), float("inf")),
        ("NULL", " spaces ", "007"),
    ]
    return result(columns, rows)


def empty() -> Result:
    return result([ResultColumn("id", "string"), ResultColumn("size", "integer")], [])


def plan() -> Result:
    lines = ["SELECT id FROM linode.images.images", "  get_images  GET /images", "", "  local: label LIKE 'a|b%'"]
    return result([ResultColumn("plan", "string")], [(line,) for line in lines], kind="plan")


CASES: Mapping[str, Callable[[], Result]] = {"images": images, "hostile": hostile, "empty": empty, "plan": plan}

"""JSON: an array of objects per result, or an object per line. Both stream.

An object's keys are the columns' names, made unique so that no value is lost. JSON columns are embedded, not quoted;
infinite numbers are null, because JSON has none; bytes are base64.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count as count_up
from itertools import starmap
from typing import Any, TextIO

from engine.formats.cells import escape
from engine.formats.options import Options
from engine.result import Result

_C1 = re.compile("[\x80-\x9f]")  # legal in JSON, and a terminal obeys them
_NOT_ASCII = re.compile("[^\x00-\x7f]")


def array(result: Result, stream: TextIO, options: Options) -> int:
    """The rows as one array on one line. Broken off half-way, it has no end: nobody takes it for all of them."""
    if result.kind == "done":
        return 0
    count = 0
    try:
        for size, objects in _encoded(result, stream, lines=False):
            stream.write(("," if count else "[") + objects[1:-1])
            count += size
    except BaseException:
        stream.write("\n" if count else "")  # the error that follows begins a line
        raise
    stream.write("]\n" if count else "[]\n")
    return count


def lines(result: Result, stream: TextIO, options: Options) -> int:
    """Each row as an object on a line of its own."""
    if result.kind == "done":
        return 0
    count = 0
    for size, objects in _encoded(result, stream, lines=True):
        stream.write(objects)
        count += size
    return count


def unique(names: Sequence[str]) -> list[str]:
    """The names with repeated ones numbered; a name that stands there already is not taken again.

    >>> unique(["id", "id", "id_2", "id"])
    ['id', 'id_3', 'id_2', 'id_4']
    """
    taken, seen, found = set(names), set[str](), []
    for name in names:
        if name in seen:
            name = next(new for n in count_up(2) if (new := f"{name}_{n}") not in taken)
            taken.add(name)
        seen.add(name)
        found.append(name)
    return found


def _encoded(result: Result, stream: TextIO, *, lines: bool) -> Iterator[tuple[int, str]]:
    """Batches of rows as text that any terminal survives and the stream's encoding can hold, with their sizes."""
    import msgspec

    from engine.store import booleans, typed

    embed = _embedder()
    encoder = msgspec.json.Encoder(enc_hook=embed)
    encode = encoder.encode_lines if lines else encoder.encode
    row = _row([column.name for column in result.columns])
    narrow = not (stream.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    kinds = [column.type for column in result.columns]

    def documents(column: Sequence[object]) -> list[object]:
        return [embed(v) if isinstance(v, str) and v[:1] in ("[", "{") else v for v in column]

    for batch in typed(result.batches(), kinds, {"boolean": booleans, "json": documents}):
        data = encode(list(starmap(row, batch)))
        text = data.decode()
        if narrow or b"\xc2" in data:  # the lead byte of the C1 controls in UTF-8
            text = (_NOT_ASCII if narrow else _C1).sub(lambda found: escape(found[0]), text)
        yield len(batch), text


def _row(names: Sequence[str]) -> Callable[..., Any]:
    """What makes an object of a row's values: a struct with these keys, half the time of a dict.

    A struct's keys cannot hold what JSON would have to escape; names that do take the dict.
    """
    import msgspec

    keys = {f"f{n}": name for n, name in enumerate(unique(names))}
    if any('"' in name or "\\" in name or not name.isprintable() for name in names):
        return lambda *values: dict(zip(keys.values(), values, strict=True))
    return msgspec.defstruct("Row", [(field, Any) for field in keys], rename=keys, gc=False)


def _embedder() -> Callable[[str], Any]:
    """What embeds a JSON column, once it is known to be JSON; one that is not (a UNION with text) is a string."""
    import msgspec

    check = msgspec.json.Decoder(msgspec.Raw).decode

    def embed(value: str) -> Any:
        text = str(value)
        try:
            document = check(text)
        except msgspec.DecodeError:
            return text
        if "\n" in text or "\r" in text:  # between tokens, for within them it would be no JSON
            return msgspec.Raw(msgspec.json.format(bytes(document), indent=-1))
        return document

    return embed

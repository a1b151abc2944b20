"""A result's rows as columns: Arrow, pandas, Polars. Types come from the document, so an empty result has them too.

Columns of type `any` are what their values are: integers, numbers, bytes, else text. Arrow and Polars hold JSON as
text, pandas as Python objects. Moments are in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from engine.api.extras import extra
from engine.api.values import OBJECTS
from engine.errors import InvalidValue
from engine.formats.cells import spell
from engine.formats.jsons import unique
from engine.result import Batches, ColumnType, ResultColumn
from engine.store import Values

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

Kind: TypeAlias = ColumnType | Literal["binary"]
_TOGETHER = 16_000  # rows, or somewhat more, in one of Arrow's batches
_ALONE: dict[type, Kind] = {int: "integer", float: "number", bytes: "binary", str: "string"}


def arrow_table(columns: Sequence[ResultColumn], batches: Batches) -> pyarrow.Table:
    """All rows. Python holds a batch of them at a time, but for columns of type `any`."""
    pa = extra("pyarrow", "arrow")
    names = unique([column.name for column in columns])
    kinds: list[Kind] = [column.type for column in columns]
    found: list[list[Any]] = [[] for _ in columns]
    for part in _parts(columns, batches):
        for at, (name, kind, values) in enumerate(zip(names, kinds, part, strict=True)):
            if kind == "any":
                found[at] += values
            else:
                found[at].append(_array(pa, name, kind, values))
    chunks = []
    for name, kind, held in zip(names, kinds, found, strict=True):
        if kind == "any":
            kind, settled_values = settled(held)
            held = [_array(pa, name, kind, settled_values)]
        chunks.append(pa.chunked_array(held, type=_arrow_type(pa, kind)))
    return pa.table(dict(zip(names, chunks, strict=True)))


def arrow_reader(columns: Sequence[ResultColumn], batches: Batches) -> pyarrow.RecordBatchReader:
    """The rows as a stream, a batch in memory at a time; with a column of type `any` all of them, as Arrow."""
    pa = extra("pyarrow", "arrow")
    if any(column.type == "any" for column in columns):
        return arrow_table(columns, batches).to_reader()
    names = unique([column.name for column in columns])
    schema = pa.schema([(name, _arrow_type(pa, c.type)) for name, c in zip(names, columns, strict=True)])

    def made() -> Iterator[pyarrow.RecordBatch]:
        for part in _parts(columns, batches):
            arrays = [_array(pa, n, c.type, values) for n, c, values in zip(names, columns, part, strict=True)]
            yield pa.record_batch(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, made())


def pandas_frame(columns: Sequence[ResultColumn], batches: Batches) -> pandas.DataFrame:
    """All rows, in dtypes that know NULL."""
    pd = extra("pandas", "pandas")
    made = {}
    for name, kind, values in _columns(columns, batches, objects=True):
        try:
            made[name] = pd.Series(values, dtype=_PANDAS[kind])
        except (TypeError, ValueError, OverflowError) as error:
            raise _unlike(name, kind) from error
    return pd.DataFrame(made)


def polars_frame(columns: Sequence[ResultColumn], batches: Batches) -> polars.DataFrame:
    """All rows."""
    pl = extra("polars", "polars")
    made = []
    for name, kind, values in _columns(columns, batches, objects=False):
        try:
            made.append(pl.Series(name, values, dtype=_polars_type(pl, kind), strict=True))
        except (TypeError, ValueError, OverflowError) as error:
            raise _unlike(name, kind) from error
    frame: polars.DataFrame = pl.DataFrame(made)
    return frame


def settled(values: Sequence[object]) -> tuple[Kind, Sequence[object]]:
    """What the values of a column of type `any` are, and they as that.

    >>> settled([1, None, 2.5]), settled([None]), settled([1, "a"])
    (('number', [1, None, 2.5]), ('string', [None]), ('string', ['1', 'a']))
    """
    kinds = set(map(type, values)) - {type(None)}
    if len(kinds) == 1:
        return _ALONE[kinds.pop()], values
    if kinds == {int, float}:
        return "number", values
    return "string", [None if value is None else spell(value) for value in values]


def _parts(columns: Sequence[ResultColumn], batches: Batches) -> Iterator[list[list[object]]]:
    """The rows as columns, some thousand at a time."""
    held: list[list[object]] = [[] for _ in columns]
    for batch in batches.columns():
        for column, values in zip(held, batch, strict=True):
            column += values
        if len(held[0]) >= _TOGETHER:
            yield held
            held = [[] for _ in columns]
    if held and held[0]:
        yield held


def _columns(
    columns: Sequence[ResultColumn], batches: Batches, *, objects: bool
) -> Iterator[tuple[str, Kind, Sequence[object]]]:
    """Every column whole: its name, what it is, its values. `objects`: JSON decoded."""
    held: list[list[object]] = [[] for _ in columns]
    makes = {kind: make for kind, make in OBJECTS.items() if objects or kind != "json"}
    for part in _parts(columns, batches):
        for column, values, more in zip(columns, held, part, strict=True):
            values.extend(makes[column.type](more) if column.type in makes else more)
    for name, column, values in zip(unique([c.name for c in columns]), columns, held, strict=True):
        kind, final = settled(values) if column.type == "any" else (column.type, values)
        yield name, kind, final


def _array(pa: Any, name: str, kind: Kind, values: Values) -> Any:
    """Values as an Arrow array. Arrow itself reads moments and booleans: Python need not make objects of them."""
    try:
        if kind == "datetime":
            return _moments(pa, values)
        if kind == "boolean":
            return pa.array(values, pa.int64()).cast(pa.bool_())
        return pa.array(values, _arrow_type(pa, kind))
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError, ValueError) as error:
        raise _unlike(name, kind) from error


def _moments(pa: Any, values: Values) -> Any:
    kind = _arrow_type(pa, "datetime")
    try:
        return pa.array(values, pa.string()).cast(pa.timestamp("us")).cast(kind)
    except pa.ArrowInvalid:  # a zone is written somewhere
        return pa.array(OBJECTS["datetime"](values), kind)


def _arrow_type(pa: Any, kind: Kind) -> Any:
    return {
        "integer": pa.int64,
        "number": pa.float64,
        "boolean": pa.bool_,
        "datetime": lambda: pa.timestamp("us", "UTC"),
        "binary": pa.binary,
    }.get(kind, pa.string)()


def _polars_type(pl: Any, kind: Kind) -> Any:
    types = {"integer": pl.Int64, "number": pl.Float64, "boolean": pl.Boolean, "binary": pl.Binary}
    return pl.Datetime("us", "UTC") if kind == "datetime" else types.get(kind, pl.String)


_PANDAS: dict[Kind, str] = {
    "string": "string",
    "integer": "Int64",
    "number": "Float64",
    "boolean": "boolean",
    "datetime": "datetime64[us, UTC]",
    "json": "object",
    "binary": "object",
}


def _unlike(name: str, kind: Kind) -> InvalidValue:
    """Two arms of a UNION, or an API that does not keep its word: no silent guess."""
    return InvalidValue(
        f"column {name!r} is of type {kind}, and a value in it is not",
        name=name,
        hint=f"write CAST({name} AS TEXT) AS {name} for a column of text",
    )

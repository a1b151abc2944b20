"""What a docstring says is raised is what is raised: each public callable is made to fail, or shown not to."""

from __future__ import annotations

import asyncio
import builtins
import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import engine
import engine.errors
from engine.api.opening import Options
from tests.api.opened import IMAGE, awaiting, opened
from tests.api.walk import public

_AS = re.compile(r"\b[Aa]s `([\w.]+)`")
_WRONG = f"SELECT lable FROM {IMAGE}"
_DELETE = f"DELETE FROM {IMAGE} WHERE id = 'private/11'"


def closed() -> Any:
    connection = opened()
    connection.close()
    return connection


def closed_cursor() -> Any:
    cursor = opened().cursor()
    cursor.close()
    return cursor


def read() -> Any:
    """A result whose rows have gone elsewhere."""
    result = opened().query("SELECT 1 AS one")
    result.to_arrow()
    result.__dict__["_table"] = None
    return result


def on_a_loop(use: Callable[[Any], Any], *, cursor: bool) -> None:
    async def main() -> None:
        connection = awaiting()
        used = connection.cursor() if cursor else connection
        await used.close()
        found = use(used)
        if inspect.isawaitable(found):
            await found

    asyncio.run(main())


def written() -> Any:
    connection = opened()
    connection.execute(_DELETE)
    return connection


STATEMENT = {"execute", "query", "explain", "dry_run", "script", "writes", "executemany"}
CONNECTION = ("cursor", "commit", "rollback", "catalog", *sorted(STATEMENT - {"executemany"}))
CURSOR = ("execute", "executemany", "fetchone", "fetchmany", "fetchall", "nextset", "result", "setinputsizes")


def used(name: str) -> Callable[[Any], Any]:
    """What uses a member: with a statement or what else it takes."""
    given: dict[str, tuple[Any, ...]] = {
        "executemany": ("SELECT ?", []),
        "setinputsizes": ([1],),
        "setoutputsize": (1,),
    }
    arguments = given.get(name, ("SELECT 1",) if name in STATEMENT else ())
    return lambda it: getattr(it, name)(*arguments) if name not in ("catalog", "result") else getattr(it, name)


def cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Names, and what makes them raise."""
    for name in CONNECTION:
        yield f"Connection.{name}", partial(lambda name: used(name)(closed()), name)
        yield f"AsyncConnection.{name}", partial(lambda name: on_a_loop(used(name), cursor=False), name)
    for name in (*CURSOR, "setoutputsize"):
        yield f"Cursor.{name}", partial(lambda name: used(name)(closed_cursor()), name)
        yield f"AsyncCursor.{name}", partial(lambda name: on_a_loop(used(name), cursor=True), name)
    for name in ("explain", "dry_run", "query", "execute", "writes", "script"):
        yield f"Connection.{name}", partial(lambda name: list(getattr(opened(), name)(_WRONG)), name)
    yield "Connection.query", lambda: opened().query("SELECT 1; SELECT 2")
    yield "Connection.execute", lambda: opened().execute(f"DELETE FROM {IMAGE} WHERE id = 'private/999'")
    yield "Connection.rollback", lambda: written().rollback()
    yield "Cursor.executemany", lambda: opened().cursor().executemany("SELECT ?", [[1]])
    yield (
        "Cursor.executemany",
        lambda: opened().cursor().executemany(f"DELETE FROM {IMAGE} WHERE id = ?", [[object()]]),
    )
    for name in ("fetchone", "fetchall", "to_dicts", "to_pandas", "to_polars", "reader", "to_arrow"):
        yield f"Result.{name}", partial(lambda name: getattr(read(), name)(), name)
    for name in ("dicts", "namedtuples", "batches"):
        yield f"Result.{name}", partial(lambda name: list(getattr(read(), name)()), name)
    yield "Result.fetchmany", lambda: read().fetchmany(-1)
    yield "Result.write", lambda: read().write("x.nothing")
    yield "Result.write", lambda: read().write(Path("/") / "nowhere" / "x.csv")
    for name in ("services", "resources", "resource", "methods", "method", "columns"):
        yield f"Catalog.{name}", partial(lambda name: getattr(opened().catalog, name)("nobody.knows.it"), name)
    for opening in ("connect", "aconnect"):
        yield opening, partial(lambda opening: getattr(engine, opening)(timeout=-1), opening)
        yield opening, partial(lambda opening: getattr(engine, opening)(tokn="x"), opening)
    for ticks in ("DateFromTicks", "TimeFromTicks", "TimestampFromTicks"):
        yield ticks, partial(lambda ticks: getattr(engine, ticks)(1e30), ticks)


QUIET: dict[str, Callable[[], Any]] = {  # raises nothing, which is shown on what is closed
    "Connection.close": lambda: closed().close(),
    "Cursor.description": lambda: closed_cursor().description,
    "Cursor.rowcount": lambda: closed_cursor().rowcount,
    "Cursor.messages": lambda: closed_cursor().messages,
    "Cursor.close": lambda: closed_cursor().close(),
    "AsyncConnection.close": lambda: on_a_loop(used("close"), cursor=False),
    "AsyncCursor.close": lambda: on_a_loop(used("close"), cursor=True),
    "AsyncCursor.description": lambda: on_a_loop(lambda it: it.description, cursor=True),
    "AsyncCursor.rowcount": lambda: on_a_loop(lambda it: it.rowcount, cursor=True),
    "AsyncCursor.messages": lambda: on_a_loop(lambda it: it.messages, cursor=True),
    "Result.close": lambda: read().close(),
    "Result.interrupt": lambda: read().interrupt(),
    "Catalog.providers": lambda: opened().catalog.providers(),
}
DOCS = dict(public())


def told(name: str) -> set[type[BaseException]]:
    """The classes that a docstring says are raised, and those that it refers to by `as`."""
    owner = name.rpartition(".")[0]
    text = (inspect.getdoc(DOCS[name]) or "").partition(">>>")[0]
    if owner == "Catalog":
        text += (engine.Catalog.__doc__ or "").partition(">>>")[0]  # which says it of every method
    found: set[type[BaseException]] = set()
    for word in re.findall(r"\w+", text) if "aise" in text or "is a ProgrammingError" in text else []:
        kind = getattr(engine.errors, word, getattr(builtins, word, None))
        if inspect.isclass(kind) and issubclass(kind, BaseException):
            found.add(kind)
    if "Raises the classes of PEP 249" in text:
        found.add(engine.Error)
    for other in _AS.findall(text):
        full = other if other in DOCS else f"{owner}.{other}"
        assert full in DOCS, f"{name} refers to {other}"
        if full != name:
            found |= told(full)
    return found


CASES = list(cases())


@pytest.mark.parametrize(("name", "use"), CASES, ids=[name for name, _ in CASES])
def test_what_is_raised_is_told(name: str, use: Callable[[], Any]) -> None:
    raised: Exception | None = None
    try:
        use()
    except Exception as error:
        raised = error
    assert isinstance(raised, tuple(told(name))), (raised, told(name))


@pytest.mark.parametrize("name", QUIET)
def test_what_is_told_to_raise_nothing_does_not(name: str) -> None:
    QUIET[name]()
    assert "Raises" not in (inspect.getdoc(DOCS[name]) or "")


def test_nothing_public_is_left_out() -> None:
    classes = ("Connection", "Cursor", "AsyncConnection", "AsyncCursor", "Result", "Catalog")
    callables = {name for name in DOCS if name.partition(".")[0] in classes and "." in name}
    callables |= {name for name, found in DOCS.items() if inspect.isfunction(found) and "." not in name}
    assert callables == {name for name, _ in CASES} | set(QUIET)


def test_sizes_and_times_have_units() -> None:
    units = {"size": "row", "ticks": "seconds", "timeout": "seconds"}
    for name, found in DOCS.items():
        if inspect.isfunction(found) and not name.endswith("setoutputsize"):
            for parameter in inspect.signature(found).parameters:
                if parameter in units:
                    assert units[parameter] in (found.__doc__ or ""), (name, parameter)
    lines = {line.split()[0].rstrip(","): line for line in (Options.__doc__ or "").splitlines() if line.strip()}
    for option in get_type_hints(Options):
        assert option in (Options.__doc__ or ""), f"{option} is not told"
    assert "seconds" in lines["timeout"]
    assert "rows" in lines["page_size"]
    assert "seconds" in (engine.Stats.__doc__ or "")
    assert "seconds" in (engine.OperationalError.__doc__ or "")

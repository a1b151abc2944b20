"""What `engine` shows: all of it, typed and documented, and nothing of it at the command line's cost."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, assert_type

import pytest

import engine
from tests.api.opened import IMAGE
from tests.api.walk import public


def test_all_is_true() -> None:
    assert len(set(engine.__all__)) == len(engine.__all__)
    for name in engine.__all__:
        assert getattr(engine, name) is not None
    assert set(engine.__all__) <= set(dir(engine))
    assert not hasattr(engine, "nonsense")
    namespace: dict[str, object] = {}
    exec("from engine import *", namespace)
    assert set(engine.__all__) <= set(namespace)


def test_everything_public_has_an_example() -> None:
    """Which are run: all modules of the engine are collected for doctests."""
    named = list(public())
    assert len(named) > 80
    for name, found in named:
        told = found.__doc__ or ""
        assert ">>> " in told, f"{name} has no example"
        assert told.strip()[0].isupper(), f"{name} is not told"
    for name in ("BINARY", "BOOLEAN", "DATETIME", "JSON", "NUMBER", "ROWID", "STRING"):
        assert type(getattr(engine, name)).__doc__


def test_who_only_starts_pays_for_none_of_it() -> None:
    program = (
        "import sys, engine, engine.cli\n"
        "print(sorted({'engine.api', 'engine.session', 'asyncio', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_users_of_the_interface_have_types() -> None:
    """The house's mypy --strict reads this as a user's program; an ignore of what is no error is one."""
    with engine.connect(sandbox=True, max_requests=5) as connection:
        cursor = connection.execute("SELECT :x", {"x": 1})
        assert_type(cursor, engine.Cursor)
        assert_type(cursor.fetchone(), tuple[Any, ...] | None)
        assert_type(connection.query("SELECT ?", [2]).to_dicts(), list[dict[str, Any]])
        assert_type(connection.catalog.method(f"{IMAGE}.get_image").http, str)
    assert_type(engine.OperationalError().status, int | None)
    assert_type(engine.aconnect(timeout=1.5), engine.AsyncConnection)
    with pytest.raises(TypeError, match="no option tokn; did you mean token"):
        engine.connect(tokn="x")  # type: ignore[call-arg]
    with pytest.raises(engine.ProgrammingError):
        connection.query("SELECT ?", 5)  # type: ignore[arg-type]

"""SQLAlchemy: reflection, queries, writes, pandas."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pandas
import pytest
import sqlalchemy as sa

import engine
from engine.alchemy import StratoqlDialect

SERVICE = "linode.images"


@pytest.fixture(scope="module")
def database() -> Iterator[sa.Engine]:
    found = sa.create_engine("stratoql:///?sandbox=true")
    yield found
    found.dispose()


@pytest.fixture(scope="module")
def images(database: sa.Engine) -> sa.Table:
    return sa.Table("images", sa.MetaData(), schema=SERVICE, autoload_with=database)


def test_what_is_there_is_reflected(database: sa.Engine, images: sa.Table) -> None:
    seen = sa.inspect(database)
    assert SERVICE in seen.get_schema_names()
    assert seen.get_table_names() == []
    assert "images" in seen.get_table_names(SERVICE)
    assert (seen.get_view_names(SERVICE), seen.get_foreign_keys("images", SERVICE)) == ([], [])
    assert seen.has_table("images", SERVICE)
    assert not seen.has_table("imags", SERVICE)
    assert images.comment
    assert all(column.comment for column in images.columns)
    assert [column.name for column in images.primary_key] == ["id"]
    kinds = {column.name: type(column.type) for column in images.columns}
    assert (kinds["id"], kinds["size"], kinds["is_public"]) == (sa.String, sa.BigInteger, sa.Boolean)
    assert (kinds["created"], kinds["tags"]) == (sa.DateTime, sa.JSON)


def test_queries(database: sa.Engine, images: sa.Table) -> None:
    query = (
        sa.select(images.c.id, images.c.created, images.c.tags, images.c.is_public)
        .where(images.c.is_public.is_(False), images.c.label.startswith("web"))
        .order_by(images.c.size.desc())
        .limit(2)
    )
    with database.connect() as connection:
        rows = connection.execute(query).all()
        assert len(rows) == 2
        assert {(type(r.created), type(r.tags), r.is_public) for r in rows} == {(datetime.datetime, list, False)}
        counted = sa.select(sa.func.count()).where(images.c.id.in_(["linode/arch", "linode/debian12"]))
        assert connection.execute(counted).scalar() == 2
        text = sa.text(f"SELECT :x AS x FROM {SERVICE}.images WHERE id = :id")
        assert connection.execute(text, {"x": "it's", "id": "linode/arch"}).all() == [("it's",)]


def test_writes(images: sa.Table) -> None:
    database = sa.create_engine("stratoql:///?sandbox=true")
    with database.begin() as connection:
        assert connection.execute(images.delete().where(images.c.id == "private/19044871")).rowcount == 1
    with database.connect() as connection:
        left = sa.select(images.c.id).where(images.c.id == "private/19044871")
        assert connection.execute(left).all() == []
        with pytest.raises(sa.exc.ProgrammingError, match="no column or parameter 'lable'"):
            connection.execute(sa.text(f"SELECT lable FROM {SERVICE}.images"))
    database.dispose()


def test_pandas_reads_through_it(database: sa.Engine) -> None:
    frame = pandas.read_sql("SELECT id, size, created FROM linode.images.images LIMIT 3", database)
    assert list(frame.columns) == ["id", "size", "created"]
    assert len(frame) == 3
    whole = pandas.read_sql_table("images", database, schema=SERVICE, columns=["id", "is_public"])
    assert len(whole) > 20


def test_a_token_in_the_place_of_a_user_is_refused_and_not_shown() -> None:
    with pytest.raises(engine.InterfaceError, match="takes no user") as raised:
        sa.create_engine("stratoql://s3cret-token@/?sandbox=true").connect()
    assert "s3cret" not in str(raised.value)


def test_a_time_that_is_none_is_told() -> None:
    with pytest.raises(engine.InterfaceError, match="timeout expects seconds, got 'soon'"):
        sa.create_engine("stratoql:///?sandbox=true&timeout=soon").connect()


def test_the_url() -> None:
    dialect = StratoqlDialect()

    def options(url: str) -> object:
        return dialect.create_connect_args(sa.make_url(url))[1]

    assert options("stratoql://") == {}
    assert options("stratoql://:hush@/") == {"token": "hush"}
    assert "hush" not in repr(sa.make_url("stratoql://:hush@/"))
    assert options("stratoql:///?sandbox=a.db&timeout=1.5&max_writes=3&pushdown=no&server.linode=https://h") == {
        "sandbox": "a.db",
        "timeout": 1.5,
        "max_writes": 3,
        "pushdown": False,
        "server": {"linode": "https://h"},
    }
    with pytest.raises(engine.InterfaceError, match="takes no host"):
        options("stratoql://api.example")

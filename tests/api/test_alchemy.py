"""SQLAlchemy: reflection, queries, writes, pandas."""

from __future__ import annotations

import datetime
import re
import warnings
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
    assert seen.get_materialized_view_names(SERVICE) == seen.get_temp_table_names() == []
    assert seen.get_table_options("images", SERVICE) == {}
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
    new = sa.table("images", sa.column("data__disk_id"), sa.column("data__label"), schema=SERVICE)
    with database.begin() as connection:
        one = {"data__disk_id": 25674130, "data__label": "one"}
        assert connection.execute(sa.insert(new).values(one)).rowcount == 1
        assert connection.execute(sa.insert(new), [one, one]).rowcount == 2
        frame = pandas.DataFrame([one, one])
        assert frame.to_sql("images", connection, schema=SERVICE, if_exists="append", index=False) == 2
        made = connection.execute(sa.insert(new).values(one).returning(images.c.label)).all()
        assert made == [("one",)]
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
    assert options("stratoql:///?account=a&account=b&partial=true") == {"account": ["a", "b"], "partial": True}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("stratoql://api.example", "takes no host"),
        ("stratoql://me:hush@/", "takes no user: a token"),
        ("stratoql:///linode", "takes no database, found linode"),
        ("stratoql:///?tokn=x", "no option tokn"),
        ("stratoql:///?on_event=print", "no option on_event"),
        ("stratoql:///?timeout=soon", "the option timeout is no number: soon"),
        ("stratoql:///?max_writes=many", "the option max_writes is no number: many"),
        ("stratoql:///?pushdown=perhaps", "the option pushdown is true or false, found perhaps"),
        ("stratoql:///?timeout=1&timeout=2", "the option timeout is given 2 times"),
    ],
)
def test_a_url_that_cannot_be(url: str, told: str) -> None:
    with pytest.raises(engine.InterfaceError, match=re.escape(told)) as raised:
        StratoqlDialect().create_connect_args(sa.make_url(url))
    assert raised.value.hint


def test_expressions_have_the_types_that_sqlalchemy_gives_them(database: sa.Engine, images: sa.Table) -> None:
    columns, day = images.c, datetime.date(2024, 1, 2)
    query = sa.select(
        sa.func.max(columns.created),
        columns.tags[0],
        columns.tags[0].as_string(),
        sa.cast(columns.size, sa.String),
        columns.size > 0,
        sa.literal(day),
    ).where(columns.id == "private/23100417")
    with database.connect() as connection:
        made, tag, text, size, large, date = connection.execute(query).one()
        assert isinstance(made, datetime.datetime)
        assert (tag, text, type(size), large, date) == ("prod", "prod", str, True, day)
        since = sa.select(columns.id).where(columns.created >= made.replace(tzinfo=None)).order_by(columns.id)
        spelled = str(since.compile(database, compile_kwargs={"literal_binds": True}))
        rows = connection.execute(since).all()
        assert rows == connection.execute(sa.text(spelled)).all()
        assert ("private/23100417",) in rows


def test_what_was_written_and_rolled_back_is_told() -> None:
    database = sa.create_engine("stratoql:///?sandbox=true")
    numbers = iter((19044871, 19044872, 22680119, 22991004))

    def delete(connection: sa.Connection) -> None:
        connection.execute(sa.text(f"DELETE FROM {SERVICE}.images WHERE id = 'private/{next(numbers)}'"))

    with database.connect() as connection:
        delete(connection)
        connection.commit()
    with pytest.warns(engine.Warning, match="cannot be taken back") as told, database.connect() as connection:
        delete(connection)
    assert told[0].filename == __file__
    aware = database.execution_options(isolation_level="AUTOCOMMIT")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with aware.connect() as connection:
            assert connection.get_isolation_level() == "AUTOCOMMIT"
            delete(connection)
    with pytest.warns(engine.Warning, match="never committed"), database.connect() as connection:
        delete(connection)  # the pool's connection is not the other one's any more
    with database.connect() as connection, pytest.raises(engine.NotSupportedError, match="no savepoints"):
        connection.begin_nested()
    database.dispose()

"""SQLAlchemy's dialect: `create_engine("stratoql://")`. It speaks SQLite's SQL and reflects the provider documents.

    stratoql://                                   settings of the environment
    stratoql:///?sandbox=true&max_requests=50     what `engine.connect` takes, by name
    stratoql://:TOKEN@/                           the token as the password, which SQLAlchemy shows to nobody

A service is a schema, `linode.images`; its resources are the tables. A transaction is none: what a write has sent
stays, and where SQLAlchemy rolls it back an `engine.Warning` says so, but for who has asked for AUTOCOMMIT.
"""

from __future__ import annotations

import json
import warnings
import weakref
from collections.abc import Callable
from datetime import date
from types import ModuleType
from typing import Any

from sqlalchemy import URL, pool, types
from sqlalchemy.dialects.sqlite import json as sqlite_json
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler, SQLiteTypeCompiler
from sqlalchemy.engine import default, reflection
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.sql import compiler

import engine
from engine.api.link import outside
from engine.api.opening import Options
from engine.api.values import moment
from engine.errors import NotPossible, UnknownName, UsageError, suggest
from provider_registry.model import Column, Resource, Shape

_NUMBERS: dict[str, Callable[[str], Any]] = {
    "concurrency": int,
    "page_size": int,
    "max_requests": int,
    "max_writes": int,
    "timeout": float,
}
_TRUTHS = ("sandbox", "partial", "pushdown", "insecure_http")
_SEVERAL = ("account", "registry")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class Document(types.JSON):
    """A JSON column: the driver takes and gives Python objects. What SQL has taken out of one is text."""

    def bind_processor(self, dialect: Any) -> Callable[[Any], Any] | None:
        """None: values go as they are."""
        return None

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[Any], Any] | None:
        """None for a column's own values, which come as they are."""
        return None if coltype == "json" else _text_as(_loaded)


class Moment(types.DateTime):
    """A moment: the driver gives those of columns as such, and text where an expression has made it."""

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[Any], Any] | None:
        """None for a column's own values, which come as they are."""
        return None if coltype == "datetime" else _text_as(moment)


class Day(types.Date):
    """A date, which SQL has as text."""

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[Any], Any] | None:
        """Dates out of text."""
        return _text_as(date.fromisoformat)


class Truth(types.Boolean):
    """A boolean: SQL calculates with 1 and 0."""

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[Any], Any] | None:
        """None for a column's own values, which come as they are."""
        return None if coltype == "boolean" else lambda value: bool(value) if isinstance(value, int) else value


def _text_as(made: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: made(value) if isinstance(value, str) else value


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


_TYPES: Any = {
    types.JSON: Document,
    types.JSON.JSONIndexType: sqlite_json.JSONIndexType,
    types.JSON.JSONPathType: sqlite_json.JSONPathType,
    types.DateTime: Moment,
    types.Date: Day,
    types.Boolean: Truth,
}


class Preparer(compiler.IdentifierPreparer):
    """Quotes names; a schema is two of them."""

    reserved_words = compiler.RESERVED_WORDS

    def quote_schema(self, schema: str, force: Any = None) -> str:
        """`linode.images`, each part quoted where it needs to be."""
        return ".".join(self.quote(part) for part in str(schema).split("."))


class Compiler(SQLiteCompiler):
    """SQLite's SQL; a write names its columns without their table, and booleans are words."""

    def visit_column(self, column: Any, *arguments: Any, **more: Any) -> str:
        """A column's name."""
        if self.isinsert or self.isupdate or self.isdelete:
            more["include_table"] = False
        return super().visit_column(column, *arguments, **more)

    def visit_true(self, expr: Any, **kw: Any) -> str:
        """What is_public = true compares with."""
        return "true"

    def visit_false(self, expr: Any, **kw: Any) -> str:
        """What is_public = false compares with."""
        return "false"


class StratoqlDialect(default.DefaultDialect):
    """What SQLAlchemy needs to know."""

    name = "stratoql"
    driver = "engine"
    default_paramstyle = "named"
    statement_compiler = Compiler
    type_compiler_cls = SQLiteTypeCompiler
    preparer = Preparer
    poolclass = pool.QueuePool
    colspecs = _TYPES
    supports_statement_cache = True
    supports_native_boolean = True
    supports_sane_rowcount = True
    supports_sane_multi_rowcount = False
    supports_multivalues_insert = True
    supports_default_values = False
    supports_alter = False
    supports_cast = True
    supports_comments = False
    insert_returning = True
    update_returning = True
    delete_returning = True
    postfetch_lastrowid = False
    requires_name_normalize = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._settled: weakref.WeakSet[engine.Connection] = weakref.WeakSet()  # who asked for AUTOCOMMIT

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """The module of PEP 249."""
        return engine

    def create_connect_args(self, url: URL) -> tuple[list[Any], dict[str, Any]]:
        """What `engine.connect` is called with. Raises UsageError for what it would not know."""
        options: dict[str, Any] = {"token": url.password} if url.password else {}
        for name, value in url.query.items():
            options[name] = _option(name, value)
        if url.username:
            raise UsageError(
                "stratoql:// takes no user: a token that stands there would be shown wherever the address is",
                hint="give the token as the password, stratoql://:TOKEN@/, or set LINODE_TOKEN in the environment",
            )
        for part, found in (("host", url.host), ("database", url.database)):
            if found:
                raise UsageError(
                    f"stratoql:// takes no {part}, found {found}",
                    hint="what engine.connect takes goes behind a question mark: stratoql:///?timeout=30",
                )
        servers = {name[7:]: options.pop(name) for name in list(options) if name.startswith("server.")}
        return [], {**options, "server": servers} if servers else options

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Nothing, which is told where something was written: SQLAlchemy ends every connection's use with one."""
        if dbapi_connection.closed:
            return
        try:
            dbapi_connection.rollback()
        except engine.NotSupportedError as error:
            dbapi_connection.commit()
            if _driver(dbapi_connection) not in self._settled:
                told = f"{error}: it was rolled back, or never committed"
                warnings.warn(told, engine.Warning, stacklevel=outside("engine", "sqlalchemy", "contextlib"))

    def do_savepoint(self, connection: Any, name: str) -> None:
        """Raises NotPossible."""
        raise NotPossible("an API has no savepoints", hint="leave begin_nested out")

    def get_isolation_level_values(self, dbapi_conn: Any) -> Any:
        """The only one there is."""
        return ["AUTOCOMMIT"]

    def get_isolation_level(self, dbapi_connection: Any) -> Any:
        """Each write stands when it has been sent."""
        return "AUTOCOMMIT"

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """Whoever asks for it knows."""
        self._settled.add(_driver(dbapi_connection))

    def reset_isolation_level(self, dbapi_conn: Any) -> None:
        """The next one who is lent the connection may not."""
        if self._on_connect_isolation_level is None:
            self._settled.discard(_driver(dbapi_conn))

    def do_ping(self, dbapi_connection: Any) -> bool:
        """There is no session with a server that could have ended."""
        return not dbapi_connection.closed

    def _get_server_version_info(self, connection: Any) -> None:
        return None

    def _get_default_schema_name(self, connection: Any) -> Any:
        return None

    @reflection.cache
    def get_schema_names(self, connection: Any, **kw: Any) -> list[str]:
        """Every service: `linode.images`."""
        catalog = _catalog(connection)
        return [f"{p.name}.{name}" for p in catalog.providers() for name in p.services]

    @reflection.cache
    def get_table_names(self, connection: Any, schema: str | None = None, **kw: Any) -> list[str]:
        """The resources of a schema that can be selected from."""
        if schema is None:
            return []
        return [resource.name for resource in _catalog(connection).resources(schema) if resource.columns]

    @reflection.cache
    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> bool:
        """Whether there is such a resource."""
        try:
            return bool(_resource(connection, table_name, schema).columns)
        except NoSuchTableError:
            return False

    @reflection.cache
    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        """The columns of a resource's rows, with the document's descriptions as comments."""
        return [_reflected(column) for column in _resource(connection, table_name, schema).columns]

    @reflection.cache
    def get_pk_constraint(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        """The columns that the document calls the key of one row."""
        keys = {p.key for m in _resource(connection, table_name, schema).methods.values() for p in m.params if p.key}
        return {"constrained_columns": sorted(keys), "name": None}

    @reflection.cache
    def get_table_comment(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        """The resource's description."""
        found = _resource(connection, table_name, schema)
        return {"text": found.description or found.title or None}

    def get_table_options(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> Any:
        """None."""
        return {}

    def _none(self, connection: Any, *where: Any, **kw: Any) -> list[Any]:
        """Documents know nothing of the kind."""
        return []

    get_foreign_keys = get_indexes = get_unique_constraints = get_check_constraints = _none
    get_view_names = get_materialized_view_names = get_temp_table_names = get_temp_view_names = _none
    get_sequence_names = _none


def _option(name: str, given: str | tuple[str, ...]) -> Any:
    """A value of the URL as `engine.connect` takes it. Raises UsageError."""
    if (name not in Options.__annotations__ and not name.startswith("server.")) or name.startswith("on_"):
        known = [each for each in Options.__annotations__ if not each.startswith("on_")]
        raise UsageError(f"stratoql:// has no option {name}", hint=suggest(name, known))
    if not isinstance(given, str):
        if name in _SEVERAL:
            return list(given)
        raise UsageError(f"the option {name} is given {len(given)} times", hint="give it once")
    try:
        return _NUMBERS[name](given) if name in _NUMBERS else _truth(name, given)
    except ValueError:
        raise UsageError(f"the option {name} is no number: {given}", hint=f"write {name}=30") from None


def _truth(name: str, text: str) -> Any:
    if name in _TRUTHS and text.lower() in (*_TRUE, *_FALSE):
        return text.lower() in _TRUE
    if name in _TRUTHS and name != "sandbox":
        raise UsageError(f"the option {name} is true or false, found {text}", hint=f"write {name}=true")
    return text


def _driver(connection: Any) -> Any:
    """The connection itself, where a pool has wrapped it up."""
    return getattr(connection, "driver_connection", connection)


def _catalog(connection: Any) -> engine.Catalog:
    found: engine.Catalog = connection.connection.driver_connection.catalog
    return found


def _resource(connection: Any, name: str, schema: str | None) -> Resource:
    full = f"{schema}.{name}" if schema else name
    try:
        return _catalog(connection).resource(full)
    except UnknownName as error:
        raise NoSuchTableError(full) from error


def _reflected(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": _type(column.shape)(),
        "nullable": True,  # what is declared can be absent
        "default": None,
        "comment": column.description or None,
    }


def _type(shape: Shape) -> type[types.TypeEngine[Any]]:
    if shape.type == "string":
        return types.DateTime if shape.format == "date-time" else types.String
    known: dict[str, type[types.TypeEngine[Any]]] = {
        "integer": types.BigInteger,
        "number": types.Float,
        "boolean": types.Boolean,
    }
    return known.get(shape.type, types.JSON)

"""SQLAlchemy's dialect: `create_engine("stratoql://")`. It speaks SQLite's SQL and reflects the provider documents.

    stratoql://                                   settings of the environment
    stratoql:///?sandbox=true&max_requests=50     what `engine.connect` takes, by name
    stratoql://:TOKEN@/                           the token as the password, which SQLAlchemy shows to nobody

A service is a schema, `linode.images`; its resources are the tables. A transaction is none: what a write has sent
stays.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from sqlalchemy import URL, pool, types
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler, SQLiteTypeCompiler
from sqlalchemy.engine import default, reflection
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.sql import compiler

import engine
from engine.errors import UnknownName, UsageError
from provider_registry.model import Column, Resource, Shape

_WHOLE = ("concurrency", "page_size", "max_requests", "max_writes")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class Document(types.JSON):
    """A JSON column: the driver takes and gives Python objects, so there is nothing to convert."""

    def bind_processor(self, dialect: Any) -> Callable[[Any], Any] | None:
        """None: values go as they are."""
        return None

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[Any], Any] | None:
        """None: values come as they are."""
        return None


_TYPES: Any = {types.JSON: Document}


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
    supports_comments = False
    insert_returning = True
    update_returning = True
    delete_returning = True
    postfetch_lastrowid = False
    requires_name_normalize = False

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """The module of PEP 249."""
        return engine

    def create_connect_args(self, url: URL) -> tuple[list[Any], dict[str, Any]]:
        """What `engine.connect` is called with. Raises UsageError for what it would not know."""
        options: dict[str, Any] = {"token": url.password} if url.password else {}
        for name, value in url.query.items():
            options[name] = _option(name, value if isinstance(value, str) else value[-1])
        if url.username and not url.password:
            raise UsageError(
                "stratoql:// takes no user: a token that stands there would be shown wherever the address is",
                hint="give the token as the password, stratoql://:TOKEN@/, or set LINODE_TOKEN in the environment",
            )
        if url.host:
            raise UsageError(
                f"stratoql:// takes no host, found {url.host}",
                hint="name another server as stratoql:///?server.linode=https://...",
            )
        servers = {name[7:]: options.pop(name) for name in list(options) if name.startswith("server.")}
        return [], {**options, "server": servers} if servers else options

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Nothing: SQLAlchemy ends every connection's use with one, written or not."""

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
    def get_view_names(self, connection: Any, schema: str | None = None, **kw: Any) -> list[str]:
        """None."""
        return []

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

    def _nothing(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> list[Any]:
        """Documents know nothing of the kind."""
        return []

    get_foreign_keys = get_indexes = get_unique_constraints = get_check_constraints = _nothing


def _option(name: str, text: str) -> Any:
    """A value of the URL as `engine.connect` takes it; a name that it does not know it refuses itself."""
    if name in _WHOLE and text.isdigit():
        return int(text)
    if name == "timeout":
        try:
            return float(text)
        except ValueError:
            raise UsageError(f"timeout expects seconds, got {text!r}", hint="write timeout=60") from None
    if name in ("sandbox", "pushdown", "insecure_http") and text.lower() in (*_TRUE, *_FALSE):
        return text.lower() in _TRUE
    return text


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

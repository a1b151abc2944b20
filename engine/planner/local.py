"""The schema `system`: tables that no API answers, as resources like any other.

Each has one method, whose verb is LOCAL and whose optional parameters are those of its columns that say where to
look: what a WHERE pins of them is handed to whoever fills the table (`engine.discovery`), so that no document is read
in vain. A SHOW or DESCRIBE is a table too, named by its own text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.language.shows import told
from engine.language.statements import Describe, Show
from provider_registry.model import LOCAL, Column, Method, Param, Resource, Response, Service, Shape, Type
from provider_registry.protocol import Server

SCHEMA = "system"
_WHERE = ("provider", "service", "resource", "method")  # columns that say where to look

# By table: what it is, and its columns, `name type what`.
_TABLES: Mapping[str, tuple[str, str]] = {
    "providers": (
        "What has documents here.",
        """
        provider string what a name begins with
        version string of its documents
        title string what people call it
        description string what it is
        source string where its documents are from: built in, or a folder
        services integer how many it has
        """,
    ),
    "services": (
        "The schemas of each provider.",
        """
        provider string whose it is
        service string its name in SQL
        id string provider.service
        title string what people call it
        description string what is in it
        version string of its document
        """,
    ),
    "resources": (
        "The tables of each service.",
        """
        provider string whose it is
        service string where it is
        resource string its name in SQL
        id string provider.service.resource
        title string what people call it
        description string what its rows are
        verbs array the SQL verbs it has
        methods integer how many it has
        """,
    ),
    "methods": (
        "What can be called, and the verb that calls it.",
        """
        provider string whose it is
        service string where it is
        resource string what it belongs to
        method string its name
        id string provider.service.resource.method
        verb string the SQL verb that calls it; exec where no other does
        http string the verb of its request
        path string where its request goes
        required array the parameters it cannot do without
        paged boolean whether it is a list of several pages
        rate integer the requests that its limit allows
        seconds number in so many seconds
        limit_name string what that limit is shared under
        title string what it does
        description string what else is to be known of it
        """,
    ),
    "parameters": (
        "What can be said to a method: its inputs, and the columns that its list filters by.",
        """
        provider string whose it is
        service string where it is
        resource string what it belongs to
        method string the method that takes it
        name string its name in SQL
        wire string its name in the request
        location string path, query, header, server or body; filter: a column that the list filters by
        type string of its values
        format string what more is known of them, such as date-time
        required boolean whether the method cannot do without
        filterable boolean whether predicates on a column travel through it
        operators array the SQL operators that travel
        exactness object by operator: exact, where the API keeps the rows that SQL keeps; inexact: at least those
        default_value string what it is where nothing is said
        allowed array its values, where they are few
        key string the column of the rows that has the same value
        description string what it means
        """,
    ),
    "columns": (
        "The columns of each resource.",
        """
        provider string whose it is
        service string where it is
        resource string what it belongs to
        name string its name in SQL and JSON
        position integer its place among them, from 1
        type string of its values
        format string what more is known of them, such as date-time
        nullable boolean whether it may be NULL
        read_only boolean whether nobody can set it
        filterable boolean whether predicates on it travel to the API
        operators array the SQL operators that travel
        exactness object by operator: exact, where the API keeps the rows that SQL keeps; inexact: at least those
        orderable boolean whether ORDER BY can travel
        example any what it may look like
        description string what it means
        """,
    ),
    "requests": (
        "What this session sent, the last thousand requests.",
        """
        time moment when it left, in UTC
        statement integer the statement that sent it, from 1
        account string whose token it carried, where accounts are named
        provider string to whom
        method string the method that was called
        http string the verb of the request
        url string where it went; secrets are masked
        status integer of the answer; NULL where none came
        error string what came in the place of an answer
        attempt integer 1, or more where it was sent again
        ms number how long the answer took
        bytes integer of the answer's body
        """,
    ),
    "limits": (
        "The rate limits met so far.",
        """
        name string what it is shared under
        account string whose it is, where accounts are named
        host string who counts
        remaining integer the requests that could leave now
        capacity integer the requests it has in all
        seconds number in so many seconds
        """,
    ),
    "settings": (
        "What is in force in this session.",
        """
        name string what it is called
        value string what it is; secrets are masked
        default_value string what it is where nothing is said
        """,
    ),
}
_SHAPES: Mapping[str, Shape] = {
    "moment": Shape(format="date-time", nullable=True),
    "array": Shape(type="array", items=Shape(), nullable=True),
}
_SHOWN: Mapping[str, tuple[str, ...]] = {  # by what is shown, StackQL's columns; the last are those of EXTENDED
    "providers": ("name", "version", "source"),
    "services": ("id", "name", "title", "description", "version"),
    "resources": ("name", "id", "description"),
    "methods": ("MethodName", "RequiredParams", "SQLVerb", "description"),
    "insert": ("insert",),
    "manifest": ("manifest",),
    "columns": ("name", "type", "description"),
    "method": ("name", "type", "param_type", "shape", "description"),
}
_EXTENDED: Mapping[str, int] = {"services": 2, "resources": 1, "methods": 1, "columns": 1, "method": 1}


def table(name: str) -> Resource | None:
    """A table of the schema by its name in any case; a SHOW or DESCRIBE by its text. None: there is none.

    >>> [param.name for param in table("columns").methods["columns"].params]
    ['provider', 'service', 'resource']
    """
    folded = name.casefold()
    if folded in _TABLES:
        what, columns = _TABLES[folded]
        return _resource(folded, what, [_column(line) for line in columns.strip().splitlines()])
    if folded.split(" ")[0] in ("show", "describe"):
        columns_ = [Column(name=each) for each in shown(told(name))]
        return _resource(name, "", columns_)
    return None


def tables() -> Service:
    """All of them."""
    found = {name: resource for name in _TABLES if (resource := table(name)) is not None}
    return Service(name=SCHEMA, title="System", description="What there is, and what was sent.", resources=found)


def shown(asked: Show | Describe) -> tuple[str, ...]:
    """The columns of a SHOW or DESCRIBE.

    >>> shown(told("SHOW METHODS IN p.s.r")), shown(told("DESCRIBE METHOD EXTENDED p.s.r.m"))[-1]
    (('MethodName', 'RequiredParams', 'SQLVerb'), 'description')
    """
    kind = asked.kind if isinstance(asked, Show) else "method" if asked.method else "columns"
    columns = _SHOWN[kind]
    return columns if asked.extended else columns[: len(columns) - _EXTENDED.get(kind, 0)]


def _column(line: str) -> Column:
    name, kind, what = line.strip().split(" ", 2)
    return Column(name=name, shape=_shape(kind), description=what[0].upper() + what[1:] + ".", read_only=True)


def _shape(kind: str) -> Shape:
    kinds: Mapping[str, Type] = {
        "string": "string", "integer": "integer", "number": "number", "boolean": "boolean", "object": "object",
    }  # fmt: skip
    return _SHAPES[kind] if kind in _SHAPES else Shape(type=kinds.get(kind, "any"), nullable=True)


def _resource(name: str, what: str, columns: Sequence[Column]) -> Resource:
    params = [
        Param(name=c.name, wire=c.name, location="query", key=c.name, shape=c.shape)
        for c in columns
        if c.name in _WHERE and name != "requests"
    ]
    response = Response(columns=tuple(columns))
    method = Method(
        name=name, http=LOCAL, path="", server=Server(url=""), params=tuple(params), response=response, title=what
    )
    return Resource(name=name, title=what, description=what, methods={name: method}, verbs={"select": (name,)})

"""What a provider document says, as frozen data and nothing else.

Provider -> Service -> Resource -> Method -> Param / Column. `documents` builds these from YAML, `catalog` finds
them by name, the engine only reads them. How the API behind a method is spoken with stands in `protocol`. They are
msgspec structs so that a whole service can be kept as one compiled file beside the documents' cache and read back in
milliseconds.

Annotations are not postponed here: msgspec would evaluate each as text when it builds its decoder, which costs every
start three milliseconds.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from provider_registry.protocol import Auth, Filtering, Limit, Location, Paging, Retry, Server

Type = Literal["string", "integer", "number", "boolean", "array", "object", "any"]
Verb = Literal["select", "insert", "replace", "update", "delete", "exec"]
VERBS: tuple[Verb, ...] = ("select", "insert", "delete", "update", "replace", "exec")
LOCAL = "LOCAL"  # the verb of a method that is answered from memory
OPERATORS = ("=", "<", "<=", ">", ">=", "IN", "LIKE")


class _Data(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Frozen, keyword-only, compact when encoded."""


class Shape(_Data, frozen=True):
    """What a JSON value must look like: the part of a JSON Schema that can be checked before sending."""

    type: Type = "string"
    format: str | None = None  # "date-time", ...
    nullable: bool = False
    enum: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None  # a regular expression that must match somewhere, anchors included
    pattern_hint: str | None = None  # what to tell whoever gives a value that the pattern refuses
    min_items: int | None = None
    max_items: int | None = None
    items: "Shape | None" = None  # the elements of an array
    fields: dict[str, "Shape"] = {}  # the declared members of an object
    required: tuple[str, ...] = ()  # the members of an object that must be there


class Filter(_Data, frozen=True):
    """How a predicate on one column may travel to the API.

    Operators are the SQL words of `OPERATORS`. An exact one keeps precisely the rows SQL keeps; an inexact one
    keeps at least those. An operator in neither set stays local. `LIKE` says that the API can look for a piece of
    text inside, its case rule unknown: a LIKE, which does not tell `a` from `A`, then travels in every spelling.
    """

    field: str  # the API's name of the column
    exact: tuple[str, ...] = ()
    inexact: tuple[str, ...] = ()
    top_level: bool = False  # only as a top-level key, never inside +and / +or
    orderable: bool = False  # the API can sort by it as SQLite would
    unordered: bool = False  # never in one request with an order, by whatever column


class Column(_Data, frozen=True):
    """One field of a row."""

    name: str  # its SQL name
    wire: str | None = None  # its name in JSON, where that is another
    shape: Shape = Shape()
    description: str = ""
    example: Any = None
    read_only: bool = False
    filter: Filter | None = None

    @property
    def key(self) -> str:
        """Its name in JSON."""
        return self.wire or self.name


class Param(_Data, frozen=True):
    """One input of a method: a path, query, header or server variable, or an attribute of the body."""

    name: str  # its SQL name: imageId, page, data__label
    wire: str  # its name on the wire: imageId, page, label
    location: Location
    parents: tuple[str, ...] = ()  # body: the objects it stands in, outermost first; none: the body's top level
    shape: Shape = Shape()
    required: bool = False
    default: Any = None
    always: bool = False  # where it is not given, its default is sent
    alias: str | None = None  # a second SQL name
    key: str | None = None  # the column of this resource's rows that holds the same value
    description: str = ""
    example: Any = None


class Response(_Data, frozen=True):
    """What comes back: where the rows are and which columns they have.

    `rows` is the object key (`$.data`); None means the body itself. `columns` describe one row. `envelope`
    describes the whole body of a list whose rows are elsewhere in it: its fields can be selected instead of the
    rows, one row a page.
    """

    rows: str | None = None
    single: bool = False  # the body is an object, and that is the row
    columns: tuple[Column, ...] = ()
    envelope: tuple[Column, ...] = ()


class Goal(_Data, frozen=True):
    """What one column of a row must say before a wait is over; a value of `failed` ends it at once.

    With `member` the column is a list of objects and that member of each must say it; with `each`, an argument of
    the call that is a list too, only of those whose member `key` is in it, and all of them must be there.
    """

    column: str
    ready: tuple[str, ...]
    failed: tuple[str, ...] = ()
    member: str | None = None
    key: str | None = None
    each: str | None = None


class Await(_Data, frozen=True):
    """How to find out whether what a call has begun is done: a row that is looked up until it has reached its goals.

    `method` is that of the same resource that looks; `keys` pairs its parameters with what fills them: `$.id`, a path
    into the call's own answer, or the name of an argument of the call.
    """

    method: str
    keys: tuple[tuple[str, str], ...] = ()
    goals: tuple[Goal, ...] = ()
    shows: tuple[tuple[str, str], ...] = ()  # columns that tell of progress, with their unit
    into: str | None = None  # the column of the answer that holds the row; None: the answer is the row
    gone: str = ""  # what it means when the row is no longer there


class Upload(_Data, frozen=True):
    """A file that belongs to a call: the answer says where to PUT it. The address itself is the permission."""

    url: str  # `$.upload_to`: a path into the answer
    media_type: str = "application/octet-stream"
    gzip: bool = False  # whether the file must be gzipped
    max_bytes: int | None = None
    max_raw_bytes: int | None = None  # of a file before it is compressed here
    seconds: float = 3600.0  # that the address lives


class Method(_Data, frozen=True):
    """One operation: an HTTP verb on a path, its inputs and its answer."""

    name: str
    http: str  # GET, POST, PUT, PATCH, DELETE; LOCAL where no request is sent
    path: str  # /images/{imageId}
    server: Server
    params: tuple[Param, ...] = ()
    response: Response = Response()
    paging: Paging = Paging()
    filtering: Filtering | None = None
    limit: Limit | None = None
    retry: Retry = Retry()
    auth: Auth = Auth()
    media_type: str = "application/json"  # of the request's body
    bare: dict[str, Any] = {}  # a list without a credential: the value of each of these columns in all rows
    writable: dict[str, Any] = {}  # a write: the value that each of these columns has in a row that can be written
    awaits: Await | None = None
    upload: Upload | None = None
    preset: dict[str, Any] = {}  # what inputs are unless a statement says otherwise, by their SQL names
    base: dict[str, Any] = {}  # what its body holds before anything is put in it
    fallback: dict[str, Any] = {}  # its body where nothing is put in it
    form: bool = False  # its query is sent as the form of a POST
    numbered: bool = False  # lists and objects in its query are written out: `Tag.1.Key=a`
    effect: Literal["", "none", "some"] = ""  # whether calling it changes something, where HTTP's verb does not say
    unsupported: str = ""  # why it cannot be called: "it answers in XML"
    title: str = ""
    description: str = ""

    @property
    def reads(self) -> bool:
        """Whether calling it changes nothing."""
        return self.effect == "none" if self.effect else self.safe

    @property
    def safe(self) -> bool:
        """Whether HTTP itself says that it changes nothing, so that it may be sent again."""
        return self.http in ("GET", "HEAD", "OPTIONS", LOCAL) and self.effect != "some"

    @property
    def required(self) -> tuple[Param, ...]:
        """The inputs without which it cannot be called."""
        return tuple(p for p in self.params if p.required)

    @property
    def told_by(self) -> frozenset[str]:
        """The names of the inputs that tell it from others of its verb: what it needs, be there a default or not."""
        needed = (p for p in self.params if p.required or (p.always and p.location != "header"))
        return frozenset(p.name for p in needed)

    @property
    def body(self) -> tuple[Param, ...]:
        """The attributes of the request's body."""
        return tuple(p for p in self.params if p.location == "body")

    def param(self, name: str) -> Param | None:
        """The input that SQL calls `name`, in any case; body attributes also answer to their bare name."""
        folded = name.casefold()
        for spelling in ("name", "alias", "wire"):
            for param in self.params:
                if (getattr(param, spelling) or "").casefold() == folded:
                    return param
        return None


class View(_Data, frozen=True):
    """A SELECT over resources that stands for the rows of one. `{{ name }}` in it is a parameter."""

    sql: str
    params: tuple[Param, ...] = ()
    columns: tuple[Column, ...] = ()  # where the document tells them


class Resource(_Data, frozen=True):
    """A table: methods by name, and for each SQL verb the methods that serve it, in document order.

    Where it has a view, its rows are the view's.
    """

    name: str
    title: str = ""
    description: str = ""
    methods: dict[str, Method] = {}
    verbs: dict[str, tuple[str, ...]] = {}
    view: View | None = None

    def bound(self, verb: str) -> tuple[Method, ...]:
        """The methods that serve a verb."""
        return tuple(self.methods[name] for name in self.verbs.get(verb, ()))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of its rows: those of all select methods, in document order, each once."""
        if self.view is not None:
            return self.view.columns
        found: dict[str, Column] = {}
        for method in self.bound("select"):
            for column in method.response.columns:
                known = found.setdefault(column.name, column)
                if column.filter and not known.filter:  # a list tells more of a column than a look-up does
                    found[column.name] = column
        return tuple(found.values())

    def identity(self, method: "Method") -> tuple[str, ...]:
        """The columns that tell the rows of a list apart: what a look-up of one takes beside what the list demands.

        Empty where the document does not say. A method that is a list itself looks up nothing: its body has rows at a
        key or is an array of them.
        """
        inputs = {param.wire for param in method.required}
        columns = {column.name for column in method.response.columns}
        for other in self.bound("select"):
            path = [param for param in other.params if param.location == "path" and param.wire not in inputs]
            keys = tuple(param.key for param in path if param.key in columns and param.key is not None)
            if other.response.single and keys and len(keys) == len(path):
                return keys
        return ()

    def verb_of(self, method: str) -> str:
        """The SQL verb a method serves; `exec` when no other does."""
        return next((verb for verb, names in self.verbs.items() if method in names), "exec")


class Service(_Data, frozen=True):
    """A schema: resources by SQL name."""

    name: str
    title: str = ""
    description: str = ""
    version: str = ""
    resources: Mapping[str, Resource] = {}


class ServiceRef(_Data, frozen=True):
    """A service that is known but not read yet."""

    name: str
    path: str  # of its document, absolute
    title: str = ""
    description: str = ""
    version: str = ""
    protocol: str = "http"


class Provider(_Data, frozen=True):
    """A database: services by SQL name, each read only when a statement asks for it."""

    name: str
    version: str = ""
    title: str = ""
    description: str = ""
    services: dict[str, ServiceRef] = {}
    root: str = ""  # the folder that holds `src/`

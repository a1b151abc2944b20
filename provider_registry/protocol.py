"""How an API is spoken with, as frozen data and nothing else.

Where it is and with whose secret, how lists continue and filters travel, how often it may be asked and when again.
Annotations are not postponed here, as in `model`.
"""

import re
from typing import Literal

import msgspec

Location = Literal["path", "query", "header", "server", "body"]


class _Data(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Frozen, keyword-only, compact when encoded."""


class PageSize(_Data, frozen=True):
    """The parameter that sets how many rows a page has."""

    key: str
    maximum: int
    minimum: int = 1
    default: int | None = None
    location: Location = "query"


class Paging(_Data, frozen=True):
    """How a list continues. Keys of responses are `$.a.b` paths into the body or header names."""

    algorithm: Literal["none", "page_number", "offset", "token", "link_header", "next_url"] = "none"
    request_key: str = "page"
    request_location: Location = "query"
    response_key: str = "$.page"
    response_location: Literal["body", "header"] = "body"
    terminator_key: str | None = None  # page_number: where the number of pages stands
    total_key: str | None = None  # where the number of rows over all pages stands
    size: PageSize | None = None


class Options(_Data, frozen=True):
    """The query options of OData, or of an API that has some of them under names of its own.

    Each is the name of a query parameter, and none where the API does not take it. Which columns may be asked for in
    a filter, and in an order, stands with the columns.
    """

    filter: str | None = None
    operators: tuple[str, ...] = ()  # of OData: eq, gt, startswith; none: all
    order: str | None = None
    top: str | None = None
    top_maximum: int | None = None
    select: str | None = None
    select_columns: tuple[str, ...] = ()  # by their names in JSON; none: all
    select_delimiter: str = ","
    count: str | None = None
    count_value: str = "true"


class Filtering(_Data, frozen=True):
    """How filters travel: in a header as a JSON object, or in query options, with the bounds the API survives."""

    algorithm: Literal["x_filter", "odata"] = "x_filter"
    header: str = "X-Filter"
    max_terms: int = 50
    max_bytes: int = 4096
    options: Options = Options()  # odata


class Limit(_Data, frozen=True):
    """A rate limit: `requests` per `seconds`, shared by all methods of the same `name`."""

    name: str
    requests: int
    seconds: float = 60.0


class Retry(_Data, frozen=True):
    """What a document says of retries; the engine's own laws on writes stand above it."""

    max_attempts: int = 5
    initial_delay: float = 0.5  # seconds
    max_delay: float = 20.0  # seconds
    multiplier: float = 2.0  # from one delay to the next
    methods: tuple[str, ...] = ()  # of HTTP; none: all
    statuses: tuple[int, ...] = (408, 429, 500, 502, 503, 504)
    busy_reasons: tuple[str, ...] = ()  # reasons of a 400 that mean "nothing happened, try again"
    maintenance_header: str | None = None  # a 503 that carries it is not retried


class Variable(_Data, frozen=True):
    """A variable of a server URL."""

    default: str
    enum: tuple[str, ...] = ()
    env: str | None = None  # an environment variable that sets it
    description: str = ""


class Server(_Data, frozen=True):
    """The base URL of a method, without a trailing slash; variables in braces."""

    url: str
    variables: dict[str, Variable] = {}
    env: str | None = None  # an environment variable holding another scheme + host


class Credential(_Data, frozen=True):
    """One place where a secret may be found. Places are tried in the order of the document."""

    env: str | None = None  # an environment variable
    ini: str | None = None  # a file in the user's configuration directory, in INI form
    ini_key: str = "token"


ENV = re.compile(r"{{-?\s*\.__env__(\w+)\s*-?}}")  # a variable of the environment in a `token_url`


class Auth(_Data, frozen=True):
    """How requests are authenticated. `optional`: without a credential the request is sent bare."""

    type: Literal["null_auth", "bearer", "api_key", "basic", "custom", "oauth2", "unsupported"] = "null_auth"
    credentials: tuple[Credential, ...] = ()
    name: str = "Authorization"  # api_key / custom: header or query parameter
    location: Literal["header", "query"] = "header"
    prefix: str = ""  # what stands before the secret, "Bearer " for bearer
    username: Credential | None = None  # basic: the user; oauth2: the client's id
    token_url: str = ""  # oauth2: where the client's credentials are changed for a token
    scopes: tuple[str, ...] = ()  # oauth2: what the token is asked for
    style: Literal["any", "body", "header"] = "any"  # oauth2: where the client's credentials stand
    values: tuple[tuple[str, str], ...] = ()  # oauth2: what else is said to the token's address
    successor: "Auth | None" = None  # a second secret in the same request
    optional: bool = False
    scopes_header: str | None = None  # a 401's header that lists the token's scopes ("unknown": a bad token)
    wanted_scopes_header: str | None = None
    unsupported: str = ""  # the type the document names, where we cannot do it

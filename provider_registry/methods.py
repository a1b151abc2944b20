"""Resources and their methods: an operation of OpenAPI, StackQL's `methods` entry and the config around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec.structs import replace

from provider_registry.auth import auth
from provider_registry.casing import renamed, snaked
from provider_registry.casing import spelled as respelled
from provider_registry.config import Levels, filtering, limit, paging, retry
from provider_registry.faults import closest
from provider_registry.given import constant, naming, preset, second_names
from provider_registry.inputs import Pair, body, distinct, parameters, server
from provider_registry.model import VERBS, Column, Method, Resource, Response
from provider_registry.nodes import Node, Severity, follow, pointer_parts, referred
from provider_registry.objectkeys import locate, parts, spelled
from provider_registry.options import options
from provider_registry.protocol import Paging, Server
from provider_registry.shapes import column, columns, fold, plain
from provider_registry.spoken import translated, unspoken
from provider_registry.views import view
from provider_registry.waits import awaits, check, upload

HTTP = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_SAFE = ("get", "head", "options")
_ITEMS = "items"  # the property that holds the rows where nothing else is said
_UNREAD = {  # what StackQL has and is not honoured here yet, by where it stands
    "response": ("projection_map", "overrideMediaType", "async_schema_override"),
    "": ("apiMethod", "inverse"),
}


@dataclass(frozen=True)
class Surroundings:
    """What stands around a method: its document, its resource, and config blocks, nearest first."""

    document: Node
    resource: Node
    levels: Levels
    items_key: str = _ITEMS
    serving: Mapping[str, str] = field(default_factory=dict)  # the verb of each method that serves one


def resource(name: str, node: Node, document: Node, outer: Levels, items_key: str = _ITEMS) -> Resource:
    """A resource with all its methods; the faults of each are noted."""
    around = Surroundings(document, node, (node.get("config"), *outer), items_key or _ITEMS, _serving(node))
    seen = view(node)
    built: dict[str, Method] = {}
    keyed: list[tuple[str, Node]] = []
    picky: list[tuple[str, Node]] = []
    for method_name, declared in node.entries("methods"):
        found = method(method_name, declared, around)
        if found is not None:
            built[method_name], pairs = found
            keyed += [(param.key, where) for param, where in pairs if param.key]
            picky += [(name, declared.get("x-stratoql-bare")) for name in built[method_name].bare]
            picky += [(name, declared.get("x-stratoql-writable")) for name in built[method_name].writable]
    if not node.get("methods") and seen is None:
        node.fault("a resource has methods")
    made = Resource(
        name=name,
        title=node.text("title"),
        description=node.text("description"),
        methods=built,
        verbs=_verbs(node, built),
        view=seen,
    )
    known = [c.name for c in made.columns or tuple(c for m in built.values() for c in m.response.columns)]
    for key, where in keyed:
        if key not in known:
            where.fault(f"the rows of {name} have no column {key!r}{closest(key, known)}", "x-stratoql-key")
    for key, where in picky:
        if key not in known:
            where.fault(f"the rows of {name} have no column {key!r}{closest(key, known)}", key)
    _told_apart(node, made)
    check(node.get("methods"), made)
    return made


def _verbs(node: Node, built: dict[str, Method]) -> dict[str, tuple[str, ...]]:
    """The methods of each verb. A method that no verb names can only be executed."""
    verbs = node.get("sqlVerbs")
    found: dict[str, tuple[str, ...]] = {}
    declared = list(node.get("methods").mapping())
    for verb in verbs.mapping():
        if verb not in VERBS:
            verbs.fault(f"there is no verb {verb!r}{closest(verb, VERBS)}", verb)
            continue
        names = [_named(entry, declared) for entry in _entries(verbs, verb)]
        found[verb] = tuple(name for name in names if name in built)
    named = {name for names in found.values() for name in names}
    found["exec"] = (*found.get("exec", ()), *(name for name in built if name not in named))
    return {verb: found[verb] for verb in VERBS if found.get(verb)}


def _serving(node: Node) -> dict[str, str]:
    """The verb of each method; of one that serves several, the one that changes least."""
    found: dict[str, str] = {}
    for verb in ("exec", "delete", "replace", "update", "insert", "select"):
        for entry in _entries(node.get("sqlVerbs"), verb):
            reference = entry.child("$ref").value
            if isinstance(reference, str):
                found[reference.rpartition("/")[2]] = verb
    return found


def _effect(verb: str, http: str, form: bool) -> Literal["", "none", "some"]:
    """Whether a method changes something, where its verb of SQL and that of HTTP are not of one mind."""
    if verb == "select":
        return "" if http in _SAFE else "none"
    acts = verb in ("insert", "update", "replace", "delete") or form
    return "some" if acts and http in _SAFE else ""


def _entries(verbs: Node, verb: str) -> Iterator[Node]:
    entries = verbs.get(verb)
    return (entries.child(str(index)) for index in range(len(entries.sequence())))


def _named(entry: Node, declared: Sequence[str]) -> str:
    """The method that an entry of `sqlVerbs` refers to."""
    reference = entry.child("$ref").value
    if not isinstance(reference, str):
        entry.fault("an entry is a $ref to a method of this resource")
        return ""
    name = pointer_parts(reference.partition("#")[2])[-1:] or ("",)
    if name[0] not in declared:
        entry.fault(f"there is no method {name[0]!r} in this resource{closest(name[0], declared)}", "$ref")
    else:
        follow(entry)
    return name[0]


def _told_apart(node: Node, made: Resource) -> None:
    """Of two selects that need the same parameters only the first could ever be chosen."""
    seen: dict[frozenset[str], str] = {}
    for entry in (method for method in made.bound("select") if not method.unsupported):
        needs = entry.told_by
        first = seen.setdefault(needs, entry.name)
        if first != entry.name:
            words = ", ".join(sorted(needs)) or "none"
            node.get("methods").fault(
                f"{first} and {entry.name} both serve select and need the same parameters ({words}): "
                f"{entry.name} would never be called",
                entry.name,
            )


def method(name: str, node: Node, around: Surroundings) -> tuple[Method, list[Pair]] | None:
    """A method and its parameters with their places; None, and a fault, where it has no operation."""
    found = _operation(node)
    if found is None:
        return None
    path, http, item, operation = found
    _warn_unread(node)
    levels = (node.get("config"), *around.levels)
    base, variables = _server(node, item, operation, around)
    given = distinct((*parameters(path, item, operation), *variables))
    media_type, inputs = _body(node, operation, levels, given)
    answer = _answer(node, operation)
    form, numbered = translated(levels)
    effect = _effect(around.serving.get(name, ""), http, form)
    params = tuple(param for param, _ in inputs)
    pages = paging(levels, params, answer) if http == "get" or effect == "none" else Paging()
    response = _response(node, answer, pages, around.items_key, snaked(levels))
    filters, filtered = filtering(node, response.columns)
    if filters is None and not response.single:
        filters, filtered, total = options(levels, response.columns)
        pages = replace(pages, total_key=pages.total_key or total)
    values, inputs = preset(node, respelled(inputs, node, levels))
    made = Method(
        name=name,
        http=http.upper(),
        path=path,
        server=base,
        params=tuple(param for param, _ in inputs),
        response=replace(response, columns=filtered),
        paging=pages,
        filtering=filters,
        limit=limit(levels),
        retry=retry(levels),
        auth=auth(levels),
        media_type=media_type,
        bare=_bare(node, http),
        writable=_writable(node, http),
        awaits=awaits(name, node),
        upload=upload(node),
        preset=values,
        base=constant(node, "base"),
        fallback=constant(node, "default"),
        form=form and http == "get",
        numbered=numbered,
        effect=effect,
        unsupported=unspoken(node, operation, levels),
        title=operation.text("summary"),
        description=operation.text("description"),
    )
    return made, inputs


def _writable(node: Node, http: str) -> dict[str, Any]:
    """The values of the columns that a row must have to be written: of a method that writes rows that can be read."""
    said = node.get("x-stratoql-writable")
    if said and http == "get":
        node.fault("a method that reads writes nothing", "x-stratoql-writable")
    return _values(said)


def _bare(node: Node, http: str) -> dict[str, Any]:
    """The values of the columns of all that a list answers where no credential is sent."""
    said = node.get("x-stratoql-bare")
    if said and http != "get":
        node.fault("a method that writes lists nothing", "x-stratoql-bare")
    return _values(said)


def _values(said: Node) -> dict[str, Any]:
    """A value for each of some columns."""
    found: dict[str, Any] = {}
    for name in said.mapping():
        value = said.child(name).value
        if isinstance(value, bool | int | float | str):
            found[name] = plain(value)
        else:
            said.fault("expects a text, a number, true or false", name)
    return found


def _server(node: Node, item: Node, operation: Node, around: Surroundings) -> tuple[Server, list[Pair]]:
    """The server of a method and its variables as parameters."""
    places = [place.get("servers") for place in (node, operation, item)]
    found = server((*places, around.resource.get("baseUrl"), around.document.get("servers")))
    if not found[0].url:
        node.fault("no server: neither the method nor its document names one in servers")
    return found


def _body(node: Node, operation: Node, levels: Levels, given: list[Pair]) -> tuple[str, list[Pair]]:
    """The media type of the body, and all inputs: those given, the attributes of the body, the server's."""
    media_type, schema = _request(node, operation)
    if not schema:
        return media_type, given
    taken = [param.name for param, _ in given]
    required = node.get("request").texts("required")
    attributes = second_names(node, body(schema, naming(levels), required, taken))
    return media_type, sorted((*given, *attributes), key=lambda pair: pair[0].location == "server")


def _operation(node: Node) -> tuple[str, str, Node, Node] | None:
    """Path, HTTP verb, path item and operation that a method refers to."""
    declared = node.child("operation")
    reference = declared.child("$ref").value
    if not isinstance(reference, str):
        node.fault("a method has an operation: a $ref to a path and an HTTP verb, #/paths/~1images/get", "operation")
        return None
    place, operation = referred(declared), follow(declared)
    if not operation:
        return None
    if len(place) != 3 or place[0] != "paths" or place[2] not in HTTP:
        near = closest(place[-1], HTTP) if len(place) == 3 else ""
        node.fault(f"{reference} is no path and HTTP verb{near}", "operation", "$ref")
        return None
    item = Node({"$ref": reference.rpartition("/")[0]}, node.file, declared.pointer, node.library)
    return place[1], place[2], follow(item), operation


def _warn_unread(node: Node) -> None:
    for part, keys in _UNREAD.items():
        where = node.get(part) if part else node
        for key in keys:
            if where.has(key):
                where.fault(f"{key} is not honoured yet", key, severity="warning")


def _request(node: Node, operation: Node) -> tuple[str, Node | None]:
    """Media type and schema of the request's body."""
    content = operation.get("requestBody").get("content")
    wanted = node.get("request").text("mediaType")
    name = wanted if wanted and (content.has(wanted) or not content) else next(iter(content.mapping()), "")
    override = node.get("request").get("schema_override")
    schema = override if override else content.get(name).get("schema")
    if schema and fold(schema).type not in ("object", "any"):
        schema.fault("the body is no object: only EXEC with @@json can send it", severity="warning")
        schema = Node(None, schema.file, schema.pointer, schema.library)
    return name or wanted or "application/json", schema or None


def _answer(node: Node, operation: Node) -> Node | None:
    """The schema of the answer that counts: that of `openAPIDocKey`, or of the first 2xx."""
    said = node.get("response")
    override = said.get("schema_override")
    if override:
        return override
    codes = list(operation.get("responses").mapping())
    key = said.text("openAPIDocKey", "200")
    if key not in codes:
        if said.has("openAPIDocKey"):
            near = closest(key, codes)
            said.fault(f"the operation has no response {key!r}{near}", "openAPIDocKey", severity="warning")
        key = next((code for code in codes if code.startswith("2")), "default")
    content = operation.get("responses").get(key).get("content")
    wanted = said.text("mediaType", "application/json")
    if not content.has(wanted):
        wanted = next((name for name in content.mapping() if "json" in name), next(iter(content.mapping()), wanted))
    return content.get(wanted).get("schema") or None


def _response(node: Node, answer: Node | None, pages: Paging, items_key: str, snake: bool) -> Response:
    """Where the rows are, what they look like, and what stands around them."""
    said = node.get("response")
    key = said.text("objectKey")
    found = parts(key)
    if found is None:
        known: Severity = "warning" if key.startswith("/") else "error"  # an XPath, into an answer in XML
        said.fault(f"{key!r} is not read here: an object key is a path such as $.data", "objectKey", severity=known)
        found = ()
    if answer is None:
        return Response(rows=spelled(found))
    if not key:
        found = _default_key(answer, pages, items_key)
    row = locate(answer, found)
    if row is None:
        said.fault(f"the answer's schema has no {key}: the columns are unknown", "objectKey", severity="warning")
        return Response(rows=spelled(found), envelope=_envelope(answer))
    listed = fold(row).type == "array"
    while (folded := fold(row)).type == "array" and "items" in folded.words:
        row = folded.words["items"]
    rows = spelled(found)
    single = rows is None and not listed
    made, around = columns(row), _envelope(answer) if rows else ()
    if snake:
        made, around = renamed(made), renamed(around)
    return Response(rows=rows, single=single, columns=made, envelope=around)


def _default_key(answer: Node, pages: Paging, items_key: str) -> tuple[str, ...]:
    """Where the rows are when a document does not say: in `items`; in a paged answer, in its only list."""
    lists = [name for name, member in fold(answer).properties.items() if fold(member).type == "array"]
    if items_key in lists:
        return (items_key,)
    if pages.algorithm != "none" and len(lists) == 1:
        return (lists[0],)
    return ()


def _envelope(answer: Node) -> tuple[Column, ...]:
    return tuple(column(name, member) for name, member in fold(answer).properties.items())

"""Candidates by where the cursor stands: each function gives what fits one kind of place, whatever is typed there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from engine.errors import StatementError
from engine.language.shows import told as shown_by
from engine.planner.local import SCHEMA
from engine.planner.local import shown as columns_of
from engine.repl.scan import Token
from engine.repl.suggest.known import Known, Suggestion, told
from engine.repl.suggest.place import Group, Place, Source, dotted, outputs
from engine.repl.suggest.values import compared, values, written
from engine.repl.suggest.words import FOLLOWING, STARTING, TABLE_FUNCTIONS, VERBS, functions
from provider_registry.model import Method, Param, Resource

Found = Iterator[Suggestion]
_FEW = 20  # tables
_VERB_OF = {"INTO": "insert", "UPDATE": "update", "REPLACE": "replace", "DELETE": "delete"}


def candidates(place: Place, known: Known) -> Found:
    """Everything that fits the place."""
    clause = place.clause
    if not clause or (clause == "EXPLAIN" and not place.path):
        yield from _beginnings(place, clause)
    elif clause in ("SHOW", "EXTENDED"):
        yield from _words(FOLLOWING[clause])
    elif clause == "REGISTRY":
        yield from _words(FOLLOWING[clause] if len(place.group.before) == 1 else ())
    elif clause in ("IN", "DESCRIBE", "DESC", "USE"):
        yield from _scope(place, known, clause)
    elif clause == "EXEC":
        yield from _call(place, known)
    elif clause in ("FROM", "JOIN", "INTO", "UPDATE", "REPLACE", "DELETE"):
        yield from _table_place(place, known, clause)
    else:
        yield from _expression(place, known, clause)


def _beginnings(place: Place, clause: str) -> Found:
    """The verbs; behind EXPLAIN too."""
    if place.previous is None or clause == "EXPLAIN":
        yield from (Suggestion(verb, "verb", what) for verb, what in VERBS.items())
        yield from _words(STARTING["EXPLAIN"] if clause == "EXPLAIN" and place.group.at == 1 else ())


def _words(words: Sequence[str], rank: int = 7) -> Found:
    return (Suggestion(word, "keyword", rank=rank) for word in words)


def _scope(place: Place, known: Known, clause: str) -> Found:
    """The name behind SHOW ... IN, DESCRIBE, USE: as long as what is shown has parts."""
    words = list(place.group.words())
    if not place.operand:
        yield from _words(FOLLOWING["IN"] if clause == "IN" else ())
        return
    method = "METHOD" in words
    depth = {"SERVICES": 1, "RESOURCES": 2, "METHODS": 3}
    shown = next((depth[word] for word in words if word in depth), 3)
    yield from names(place, known, 1 if clause == "USE" else 4 if method else shown)
    if clause in ("DESCRIBE", "DESC") and not place.path and words[-1] in ("DESCRIBE", "DESC"):
        yield from _words(STARTING["DESCRIBE"])


def names(place: Place, known: Known, depth: int, verb: str = "") -> Found:
    """The next part of a name of so many parts; without a dot yet also whole names, of what can do the verb."""
    path = place.path
    if verb in ("", "select") and depth == 3 and [part.casefold() for part in path] in ([], [SCHEMA]):
        dotted_ = "" if path else f"{SCHEMA}."
        yield from (Suggestion(f"{dotted_}{n}", "resource", r.title, rank=6) for n, r in known.system().items())
        if path:
            return
    if known.provider and path and path[0].casefold() not in {p.name.casefold() for p in known.providers()}:
        path = (known.provider, *path)
    if len(path) >= depth:
        return
    if len(path) == 3:
        resource = known.resource(path)
        yield from _methods(resource) if resource is not None else ()
    elif len(path) == 2:
        service = known.service(*path)
        for name, resource in service.resources.items() if service is not None else ():
            if not verb or resource.bound(verb):
                yield Suggestion(name, "resource", resource.title)
    elif len(path) == 1:
        for provider in known.providers():
            if provider.name.casefold() == path[0].casefold():
                yield from (Suggestion(s.name, "service", s.title) for s in provider.services.values())
    else:
        yield from (Suggestion(p.name, "provider", p.title, rank=4) for p in known.providers())
        if depth >= 3:
            for whole, resource in known.tables():
                if not verb or resource.bound(verb):
                    yield Suggestion(whole, "resource", resource.title, rank=3)
        if known.provider and depth >= 2:
            yield from (Suggestion(s.name, "service", s.title, rank=3) for s in known.services(known.provider))


def _methods(resource: Resource) -> Found:
    """Methods that only EXEC can call come first."""
    for name, method in resource.methods.items():
        verb = resource.verb_of(name)
        needs = ", ".join(param.wire for param in method.required)
        detail = f"{verb}{f', needs {needs}' if needs else ''}"
        yield Suggestion(name, "method", detail, rank=2 if verb == "exec" else 4)


def _table_place(place: Place, known: Known, clause: str) -> Found:
    """A table is expected, or is there already."""
    if clause == "INTO" and _inside(place, "INTO"):
        yield from _attributes(place, known, "insert")
        return
    if not place.operand and not place.path:
        yield from _words(FOLLOWING[clause])
        return
    verb = _VERB_OF.get(clause, "select")
    yield from names(place, known, 3, verb)
    if verb == "select" and not place.path:
        yield from (Suggestion(name, "cte", "WITH", rank=2) for name in place.ctes())
        yield from (Suggestion(f"{f}(", "function", functions()[f][0]) for f in sorted(TABLE_FUNCTIONS))
        yield from _words(STARTING.get(clause, ()))


def _inside(place: Place, word: str) -> bool:
    """Whether the cursor stands in parentheses that belong to a clause of the parent: `INTO t (|`."""
    parent = place.group.parent
    words = [item.word for item in parent.before if isinstance(item, Token)] if parent is not None else []
    return word in words and "VALUES" not in words and "SELECT" not in words


def _attributes(place: Place, known: Known, verb: str) -> Found:
    """What a write can set and was not set yet, required first."""
    found = written(place, known, verb)
    here = {item.name.casefold() for item in place.group.items if isinstance(item, Token)}
    for param in found[1].params if found is not None else ():
        outside = verb != "insert" and param.location != "body"
        if not outside and not here & {param.name.casefold(), param.wire.casefold()}:
            rank = 1 if param.required else 6 if param.location == "server" else 2
            yield Suggestion(param.name, "attribute", told(param), rank=rank)


def _call(place: Place, known: Known) -> Found:
    """EXEC: the method, then its arguments, required first, as many as are left."""
    items = place.group.before
    parts, _ = dotted(items, _exec_at(items) + 1)
    if not parts:
        yield from names(place, known, 4)
        return
    method = known.method(parts)
    if method is None:
        return
    given = {
        item.name.casefold()
        for before, item in zip(place.group.items, place.group.items[1:], strict=False)
        if isinstance(item, Token) and isinstance(before, Token) and before.kind == "at"
    }
    previous = place.previous
    mark = previous.text if isinstance(previous, Token) and previous.kind == "at" else ""
    if isinstance(previous, Token) and previous.word == "=":
        yield from _argument_values(place, method)
        return
    for param in method.params if mark != "@@" else ():
        if param.wire.casefold() not in given:
            rank = 1 if param.required else 6 if param.location == "server" else 3
            yield Suggestion(f"{'' if mark else '@'}{param.wire} = ", "argument", told(param), rank=rank)
    whole = {"json = '{": "the whole body"} if method.body else {}
    if method.upload is not None:
        whole |= {"file = '": "the file that it sends", "compress = true": "compresses the file where it must be"}
    for text, what in whole.items() if mark != "@" else ():
        if text.split()[0] not in given:
            yield Suggestion(f"{'' if mark else '@@'}{text}", "argument", what, rank=4)


def _exec_at(items: Sequence[object]) -> int:
    return next(n for n, item in enumerate(items) if isinstance(item, Token) and item.word == "EXEC")


def _argument_values(place: Place, method: Method) -> Found:
    name = place.group.before[-2] if len(place.group.before) > 1 else None
    param = method.param(name.name) if isinstance(name, Token) and name.name else None
    if param is not None:
        yield from values(param.shape, param.name)


def _expression(place: Place, known: Known, clause: str) -> Found:
    """An operand or what may follow one."""
    if place.path:
        yield from _of_alias(place, known)
        return
    if clause == "SET" and _assigning(place):
        yield from _attributes(place, known, place.verb.lower())
        return
    shape = compared(place, known)
    if shape is not None:
        yield from values(*shape)
    if not place.operand:
        yield from _words(FOLLOWING.get(clause, ()), rank=5)
        return
    yield from _columns(place, known)
    yield from _functions()
    yield from _words(STARTING.get(clause, ()))


def _assigning(place: Place) -> bool:
    """Whether the left side of an assignment is expected: behind SET or its comma."""
    previous = place.previous
    return place.group is place.root and isinstance(previous, Token) and previous.word in ("SET", ",")


def _functions() -> Found:
    for name, (shown, what) in functions().items():
        if name not in TABLE_FUNCTIONS:
            yield Suggestion(f"{name}(", "function", f"{shown}: {what}" if what else shown, rank=8)


def _columns(place: Place, known: Known) -> Found:
    """Columns and inputs of every table in reach, and the names of those tables."""
    returned = place.clause == "RETURNING"
    sources = [source for source in place.sources() if not source.into or returned]
    for source in sources:
        yield from _of_source(source, place, known)
    if place.verb in ("REPLACE", "UPDATE", "DELETE") and place.clause in ("WHERE", "RETURNING"):
        found = written(place, known, place.verb.lower())
        yield from _inputs(found[1], place) if found is not None and place.clause == "WHERE" else ()
    yield from (Suggestion(s.alias, "alias", ".".join(s.parts), rank=6) for s in sources if s.alias)
    if not sources and place.clause == "SELECT" and place.verb != "INSERT":
        yield from _anywhere(known)


def _anywhere(known: Known) -> Found:
    """Columns before any FROM: of all tables, where those are few."""
    tables = known.tables()
    for whole, resource in tables if len(tables) <= _FEW else ():
        yield from (Suggestion(c.name, "column", f"{told(c)}, of {whole}", rank=4) for c in resource.columns)


def _of_alias(place: Place, known: Known) -> Found:
    """The columns of the table that the name before the dot means."""
    name = place.path[-1].casefold()
    for source in place.sources():
        if source.alias.casefold() == name:
            yield from _of_source(source, place, known)
            return


def _of_source(source: Source, place: Place, known: Known) -> Found:
    """The columns of a table in FROM: of a resource, of a query, of a CTE, of an EXEC."""
    query = source.query
    if query is None and len(source.parts) == 1:
        query = next((g for name, g in place.ctes().items() if name.casefold() == source.parts[0].casefold()), None)
        if query is None and source.parts[0].casefold() in TABLE_FUNCTIONS:
            yield from (Suggestion(name, "column", "of " + source.parts[0]) for name in ("key", "value", "type"))
            return
    if query is not None:
        yield from _of_query(query, known)
        return
    resource = known.resource(source.parts)
    if resource is None:
        return
    for column in resource.columns:
        yield Suggestion(column.name, "column", told(column), rank=2)
    reading = resource.bound("select")
    least = min((sum(p.required for p in m.params) for m in reading), default=0)
    present = {column.name.casefold() for column in resource.columns}
    for method in reading:
        for param in _unseen(method, place):
            needed = param.required and least > 0
            if param.name.casefold() not in present:
                rank = 1 if needed and place.clause in ("WHERE", "ON") else 4
                yield Suggestion(param.name, "parameter", f"{told(param)}, of {method.name}", rank=rank)
        for field in method.response.envelope:
            yield Suggestion(field.name, "envelope", f"{told(field)}, of the list", rank=9)


def _of_query(query: Group, known: Known) -> Found:
    first = query.items[0] if query.items else None
    if isinstance(first, Token) and first.word == "EXEC":
        method = known.method(dotted(query.items, 1)[0])
        for column in method.response.columns if method is not None else ():
            yield Suggestion(column.name, "column", told(column), rank=2)
        return
    if isinstance(first, Token) and first.word in ("SHOW", "DESCRIBE", "DESC"):
        asked = " ".join(item.text for item in query.items if isinstance(item, Token))
        with suppress(StatementError):
            yield from (
                Suggestion(each, "column", "of what is shown", rank=2) for each in columns_of(shown_by(asked))
            )
        return
    yield from (Suggestion(name, "column", "of the subquery", rank=2) for name in outputs(query))


def _inputs(method: Method, place: Place) -> Found:
    """What a write is addressed by."""
    for param in _unseen(method, place):
        if param.location != "body":
            yield Suggestion(param.name, "parameter", told(param), rank=1 if param.required else 4)


def _unseen(method: Method, place: Place) -> Iterator[Param]:
    """The inputs of a method that the clause does not give already."""
    seen = {item.name.casefold() for item in place.group.items if isinstance(item, Token) and item.name}
    return (param for param in method.params if param.name.casefold() not in seen)

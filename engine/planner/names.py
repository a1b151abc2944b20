"""Which name in a query means what: remote tables, their columns, parameters and envelopes.

Analysis works on the tree sqlglot made of the user's text; the text itself is only ever spliced. SQLite has the
last word on every name: what is found here decides which calls are made, never what the query means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from sqlglot import exp

from engine.accounts import COLUMN
from engine.errors import DocumentError, Refused, Span, SyntaxFault, UnknownName
from engine.language.shows import told
from engine.language.statements import Describe, Name, Show, Word
from engine.language.text import Text
from engine.planner import local
from engine.planner.plan import Step
from provider_registry.catalog import Catalog
from provider_registry.faults import BadDocument, NotFound
from provider_registry.model import Method, Param, Provider, Resource, Service, Shape

T = TypeVar("T")
_CATALOGS = "the tables that tell what there is are those of the schema system: SHOW RESOURCES IN system lists them"
_HABITS = dict.fromkeys(
    ("system", "information_schema", "pg_catalog", "sqlite_master", "sqlite_schema", "duckdb_tables"), _CATALOGS
)


# Whose account a row is of: beside the columns of every row of a provider whose accounts are named.
ACCOUNT = Param(name=COLUMN, wire=COLUMN, location="header", description="The account it was asked of.")


class Names(Struct, frozen=True):
    """Where names are looked up: the catalog, the provider that USE chose; the accounts to ask, by provider."""

    catalog: Catalog
    provider: str | None = None
    accounts: Mapping[str, tuple[str, ...]] = {}

    def resource(self, name: Name) -> tuple[str, Resource]:
        """The provider and resource behind `p.s.r`, or `s.r` after USE; `system.t` is a table that no API answers."""
        if self.is_local(name.parts):
            return local.SCHEMA, self._local(name)
        parts = self._full(name, 3, "provider.service.resource", "linode.images.images")
        return parts[0].casefold(), _found(name, lambda: self.catalog.resource(*parts))

    def method(self, name: Name) -> tuple[str, Resource, Method]:
        """The provider, resource and method behind `p.s.r.m`."""
        example = "linode.images.images.post_upload_image"
        parts = self._full(name, 4, "provider.service.resource.method", example)
        resource = _found(name, lambda: self.catalog.resource(*parts[:3]))
        return parts[0].casefold(), resource, _found(name, lambda: self.catalog.method(*parts))

    def service(self, name: Name) -> tuple[str, Service]:
        """The provider and service behind `p.s`, or `s` after USE; `system` has no provider."""
        if len(name.parts) == 1 and name.parts[0].casefold() == local.SCHEMA:
            return "", local.tables()
        parts = self._full(name, 2, "provider.service", "linode.images")
        return parts[0].casefold(), _found(name, lambda: self.catalog.service(*parts))

    def provider_of(self, name: Name) -> Provider:
        """The provider behind `p`."""
        parts = self._full(name, 1, "provider", "linode")
        return _found(name, lambda: self.catalog.provider(*parts))

    def using(self, word: Word) -> Names:
        """The same names after USE."""
        provider = self.provider_of(Name((word.name,), word.span))
        return replace(self, provider=provider.name)

    def is_local(self, parts: Sequence[str]) -> bool:
        """Whether a name is one of the schema `system`; a service that is called so has its provider before it."""
        return len(parts) == 2 and parts[0].casefold() == local.SCHEMA

    def _local(self, name: Name) -> Resource:
        """A table of the schema `system`; of a SHOW or DESCRIBE what it is about is looked up too."""
        try:
            found = local.table(name.parts[1])
        except SyntaxFault as fault:
            fault.span = name.span
            raise
        if found is None:
            known = list(local.tables().resources)
            raise UnknownName(
                f"system has no table {name.parts[1]!r}", name=name.parts[1], known=known, span=name.span
            )
        if found.name not in local.tables().resources:
            self._check(told(found.name), name.span)
        return found

    def _check(self, asked: Show | Describe, span: Span) -> None:
        """What a SHOW or DESCRIBE is about is there."""
        about = asked.target if isinstance(asked, Describe) else asked.scope
        if about is None:
            return
        kind = ("method" if asked.method else "") if isinstance(asked, Describe) else asked.kind
        look: Mapping[str, Callable[[Name], object]] = {
            "method": self.method,
            "services": self.provider_of,
            "resources": self.service,
        }
        look.get(kind, self.resource)(Name(about.parts, span))

    def whole(self, parts: tuple[str, ...], length: int = 3) -> tuple[str, ...]:
        """A name with the provider that USE chose, where it lacks one."""
        lacking = self.provider and len(parts) == length - 1 and not self.is_local(parts)
        return (self.provider, *parts) if lacking and self.provider else parts

    def _full(self, name: Name, length: int, form: str, example: str) -> tuple[str, ...]:
        parts = self.whole(name.parts, length)
        if len(parts) != length:
            kind = form.rpartition(".")[2]
            hint = _HABITS.get(name.parts[0].casefold(), f"a {kind} is named {form}, for example {example}")
            raise UnknownName(f"{name} does not name a {kind}", name=str(name), span=name.span, hint=hint)
        return parts


def _found(name: Name, look_up: Callable[[], T]) -> T:
    """A look-up in the catalog; what it raises, as an error in the statement."""
    try:
        return look_up()
    except NotFound as missing:
        raise UnknownName(
            f"{missing.parent or 'the registry'} has no {missing.kind} {missing.name!r}",
            name=missing.name,
            known=missing.known,
            span=name.span,
        ) from missing
    except BadDocument as bad:
        raise DocumentError(f"the document behind {name} cannot be used:", bad.faults) from bad


class Source(Struct, frozen=True, eq=False):
    """One appearance of a resource, or of an EXEC, in a FROM."""

    alias: str
    name: str  # linode.images.images
    provider: str
    resource: Resource
    table: exp.Table
    select: exp.Select
    step: Step | None = None  # of an EXEC: planned already
    accounts: tuple[str, ...] = ()  # that are asked; none: nobody by name

    def methods(self) -> tuple[Method, ...]:
        """The methods that may serve it."""
        return (self.step.method,) if self.step else self.resource.bound("select")

    def has_column(self, name: str) -> bool:
        """Whether its rows carry a column of this name."""
        return name.casefold() in {c.name.casefold() for m in self.methods() for c in m.response.columns}

    def in_envelope(self, name: str) -> bool:
        """Whether only the envelope of a list carries this name."""
        if self.has_column(name) or self.param(name):
            return False
        return name.casefold() in {c.name.casefold() for m in self.methods() for c in m.response.envelope}

    def param(self, name: str) -> Param | None:
        """The parameter of this name, if the rows do not carry it as a column."""
        if self.accounts and name.casefold() == COLUMN:
            return ACCOUNT
        if self.step or self.has_column(name):
            return None
        found = (m.param(name) for m in self.methods())
        return next((p for p in found if p is not None), None)

    def knows(self, name: str) -> bool:
        """Whether the name means anything here."""
        return self.has_column(name) or self.param(name) is not None or self.in_envelope(name)

    def shapes(self, name: str) -> list[Shape]:
        """What the name may hold here: as a column, else as a parameter, else in the envelope of a list."""
        columns = [
            c.shape for m in self.methods() for c in m.response.columns if c.name.casefold() == name.casefold()
        ]
        if columns or self.step:
            return columns
        if (param := self.param(name)) is not None:
            return [param.shape]
        return [c.shape for m in self.methods() for c in m.response.envelope if c.name.casefold() == name.casefold()]

    def known(self) -> list[str]:
        """Every name it has: columns, parameters, envelope."""
        names = [c.name for m in self.methods() for c in m.response.columns]
        names += [p.name for m in self.methods() for p in m.params] if not self.step else []
        names += [c.name for m in self.methods() for c in m.response.envelope]
        return list(dict.fromkeys(names))


class Scope(Struct, frozen=True, eq=False):
    """One SELECT: its remote sources by alias, and whether it also reads anything else."""

    select: exp.Select
    sources: dict[str, Source]
    opaque: frozenset[str]  # aliases of CTEs, subqueries, table functions
    outputs: frozenset[str]  # names its own SELECT list gives
    parent: Scope | None


class Reference(Struct, frozen=True):
    """A column of the query and the sources it may belong to."""

    column: exp.Column
    sources: tuple[Source, ...]


def scopes(tree: exp.Expr, names: Names, text: Text, calls: Mapping[str, Step]) -> list[Scope]:
    """Every SELECT of a query, outer before inner."""
    ctes = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    found: dict[int, Scope] = {}
    for select in tree.find_all(exp.Select):
        sources: dict[str, Source] = {}
        opaque: set[str] = set()
        for relation in relations(select):
            alias = _alias(relation)
            if alias.casefold() in sources or alias.casefold() in opaque:
                raise Refused(
                    f"two tables are called {alias}",
                    span=_span(relation, text),
                    hint="give each an alias: FROM linode.images.images a JOIN linode.images.images b",
                )
            source = _source(relation, select, alias, names, text, calls, ctes)
            if source is None:
                opaque.add(alias.casefold())
            else:
                sources[alias.casefold()] = source
        parent = select.find_ancestor(exp.Select)
        outputs = frozenset(e.alias.casefold() for e in select.expressions if _renames(e))
        above = found.get(id(parent)) if parent is not None else None
        found[id(select)] = Scope(select, sources, frozenset(opaque), outputs, above)
    return list(found.values())


def relations(select: exp.Select) -> Iterator[exp.Expr]:
    """What a SELECT reads from, in order; parenthesised joins flattened."""
    from_ = select.args.get("from_")
    if from_ is not None:
        yield from _flat(from_.this)
    for join in select.args.get("joins") or []:
        yield from _flat(join.this)


def _flat(relation: exp.Expr) -> Iterator[exp.Expr]:
    inner = relation
    while isinstance(inner, exp.Subquery | exp.Paren):
        inner = inner.this
    if isinstance(inner, exp.Table) and inner is not relation:
        yield from _flat(relation.this)
    else:
        yield relation
    for join in relation.args.get("joins") or []:
        yield from _flat(join.this)


def _alias(relation: exp.Expr) -> str:
    """What columns call it; an unnamed subquery has a name nobody can write."""
    return relation.alias_or_name or f"({id(relation)})"


def _source(
    relation: exp.Expr,
    select: exp.Select,
    alias: str,
    names: Names,
    text: Text,
    calls: Mapping[str, Step],
    ctes: set[str],
) -> Source | None:
    """The remote source behind a relation; None for a CTE, a subquery or a table function."""
    if not isinstance(relation, exp.Table) or not isinstance(relation.this, exp.Identifier | exp.Dot):
        return None
    parts = tuple(part.name for part in relation.parts)
    if len(parts) == 1 and (step := calls.get(parts[0])):
        name = f"{step.resource}.{step.method.name}"
        return Source(alias, name, step.provider, Resource(name=name), relation, select, step, step.accounts)
    if len(parts) == 1 and parts[0].casefold() in ctes:
        return None
    written = Name(parts, _span(relation, text) or Span(0, 0))
    provider, resource = names.resource(written)
    if not resource.bound("select"):
        raise Refused(
            f"{written} cannot be selected from: it has no select method",
            span=written.span,
            hint=f"SHOW METHODS IN {written} lists what it has",
        )
    accounts = names.accounts.get(provider, ())
    shown = ".".join(names.whole(parts)) if " " not in parts[-1] else parts[-1]
    return Source(alias, shown, provider, resource, relation, select, accounts=accounts)


def place(node: exp.Expr) -> tuple[int, int]:
    """The range of a dotted name in its text: from its first identifier to its last, quotes included."""
    marked = [part.meta for part in node.find_all(exp.Identifier, exp.Star) if "start" in part.meta]
    return min(m["start"] for m in marked), max(m["end"] for m in marked) + 1


def table_place(table: exp.Table) -> tuple[int, int]:
    """The range of a table's name, its alias excluded."""
    marked = [part.meta for part in table.parts]
    return min(m["start"] for m in marked), max(m["end"] for m in marked) + 1


def _span(relation: exp.Expr, text: Text) -> Span | None:
    """Where the user named a table; of a SHOW, what it is about, which ends its name."""
    if not isinstance(relation, exp.Table):
        return None
    start, end = table_place(relation)
    about = relation.name.rpartition(" ")[2]
    return text.origin(start, end) or (text.origin(end - 1 - len(about), end - 1) if about else None)


def references(tree: exp.Expr, found: Sequence[Scope], text: Text) -> list[Reference]:
    """Every column of the query with the sources it belongs to; a name that nobody knows is an error.

    A name that a source's rows carry belongs to them; else a parameter belongs to every source that can take it.
    """
    by_select = {id(scope.select): scope for scope in found}
    result = []
    for column in tree.find_all(exp.Column):
        select = column.find_ancestor(exp.Select)
        scope = by_select.get(id(select)) if select is not None else None
        if scope is not None and not isinstance(column.this, exp.Star):
            result.append(Reference(column, _owners(column, scope, text)))
    return result


def _owners(column: exp.Column, scope: Scope, text: Text) -> tuple[Source, ...]:
    name, qualifier = column.name, column.table.casefold()
    at: Scope | None = scope
    opaque = False
    while at is not None:
        if qualifier:
            if qualifier in at.sources:
                return (_known(column, owned(column, at.sources[qualifier], text), text),)
            if qualifier in at.opaque:
                return ()
        else:
            if owners := tuple(s for s in at.sources.values() if s.has_column(name)):
                return owners
            if name.casefold() in at.outputs and _is_output(column, at):
                return ()
            owners = tuple(s for s in at.sources.values() if s.knows(name))
            if owners and not _elsewhere(at, name):
                return owners
        opaque = opaque or bool(at.opaque)
        at = at.parent
    if qualifier or opaque:
        return ()  # a CTE or subquery may have it; SQLite decides
    known = [n for s in scope.sources.values() for n in s.known()]
    if not known:
        return ()
    hint = _hint(name)
    if column.this.args.get("quoted"):
        hint = f"a string takes single quotes: '{name}'"
    kind = "column or parameter"
    raise UnknownName(
        f"{' and '.join(s.name for s in scope.sources.values())} has no {kind} {name!r}",
        name=name,
        known=known,
        span=text.origin(*place(column)),
        hint=hint,
    )


def _renames(item: exp.Expr) -> bool:
    """Whether an item of a SELECT list gives a name that is not just a column's own."""
    return isinstance(item, exp.Alias) and not (
        isinstance(item.this, exp.Column) and item.this.name.casefold() == item.alias.casefold()
    )


def _is_output(column: exp.Column, scope: Scope) -> bool:
    """Whether a name that the SELECT list gives is meant, which no rows carry.

    After the list it always is; in the WHERE a parameter of that name comes first, an envelope's field does not.
    """
    node: exp.Expr = column
    while node.parent is not None and node.parent is not scope.select:
        node = node.parent
    if node.arg_key == "where":
        return not any(source.param(column.name) for source in scope.sources.values())
    return node.arg_key in ("group", "having", "order")


def owned(column: exp.Column, source: Source, text: Text) -> Source:
    """The source of a column, where the full name before the column, if there is one, is that source's."""
    whole = ".".join(part.name for part in column.parts[:-1])
    if column.args.get("db") is None or f".{source.name}".casefold().endswith(f".{whole}".casefold()):
        return source
    raise UnknownName(
        f"{whole} is no table of this query", name=whole, known=[source.name], span=text.origin(*place(column))
    )


def _known(column: exp.Column, source: Source, text: Text) -> Source:
    """A qualified column's source, which must know the name."""
    if not source.knows(column.name):
        raise UnknownName(
            f"{source.name} has no column or parameter {column.name!r}",
            name=column.name,
            known=source.known(),
            span=text.origin(*place(column)),
            hint=_hint(column.name),
        )
    return source


def _hint(name: str) -> str | None:
    """What to do about a name that is known elsewhere."""
    if name.casefold() == COLUMN:
        return "rows have it where accounts are named: --account prod,staging"
    return None


def _elsewhere(scope: Scope, name: str) -> bool:
    """Whether a subquery, CTE or table function of this FROM certainly gives a column of this name."""
    for relation in relations(scope.select):
        query = relation.this if isinstance(relation, exp.Subquery) else None
        if isinstance(relation, exp.Table) and relation.alias_or_name.casefold() in scope.opaque:
            cte = next(
                (c for c in scope.select.root().find_all(exp.CTE) if c.alias.casefold() == relation.name.casefold()),
                None,
            )
            query = cte.this if cte is not None else None
            listed = cte.args["alias"].columns if cte is not None else []
            if listed:
                query = None
            if name.casefold() in {column.name.casefold() for column in listed}:
                return True
        if isinstance(query, exp.Query) and name.casefold() in {n.casefold() for n in query.named_selects}:
            return True
    return False

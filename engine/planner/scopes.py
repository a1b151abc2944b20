"""The SELECTs of a query and what each reads from: which relations are remote, and which names those know.

Analysis works on the tree sqlglot made of the user's text; the text itself is only ever spliced. SQLite has the
last word on every name: what is found here decides which calls are made, never what the query means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from sqlglot import exp

from engine.accounts import COLUMN
from engine.errors import Refused, Span
from engine.language.statements import Name
from engine.language.text import Text
from engine.planner.names import ACCOUNT, Names
from engine.planner.plan import Step
from provider_registry.model import Method, Param, Resource, Shape


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


def _renames(item: exp.Expr) -> bool:
    """Whether an item of a SELECT list gives a name that is not just a column's own."""
    return isinstance(item, exp.Alias) and not (
        isinstance(item.this, exp.Column) and item.this.name.casefold() == item.alias.casefold()
    )


def _span(relation: exp.Expr, text: Text) -> Span | None:
    """Where the user named a table; of a SHOW, what it is about, which ends its name."""
    if not isinstance(relation, exp.Table):
        return None
    start, end = table_place(relation)
    about = relation.name.rpartition(" ")[2]
    return text.origin(start, end) or (text.origin(end - 1 - len(about), end - 1) if about else None)


def place(node: exp.Expr) -> tuple[int, int]:
    """The range of a dotted name in its text: from its first identifier to its last, quotes included."""
    marked = [part.meta for part in node.find_all(exp.Identifier, exp.Star) if "start" in part.meta]
    return min(m["start"] for m in marked), max(m["end"] for m in marked) + 1


def table_place(table: exp.Table) -> tuple[int, int]:
    """The range of a table's name, its alias excluded."""
    marked = [part.meta for part in table.parts]
    return min(m["start"] for m in marked), max(m["end"] for m in marked) + 1

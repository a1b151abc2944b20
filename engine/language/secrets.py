"""Which expressions of a template are made of something that must not be shown.

A name is secret if it says so itself, or if anything secret is assigned to it, somewhere in the file: order and scope
are not looked at, so that rather too much is left out of a dry run than too little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jinja2 import nodes

Secret = Callable[[str], bool]
_NOWHERE = object()


def mentions(node: nodes.Node, secret: Secret, names: set[str], values: Mapping[str, Any]) -> bool:
    """Whether a node, or one inside it, is a secret name, a member with one, or a value of `values` with one."""
    if any(name in names or secret(name) for each in _all(node) for name in _names(each)):
        return True
    return _opens(node, secret, values)


def secret_names(template: nodes.Template, secret: Secret, known: set[str], values: Mapping[str, Any]) -> set[str]:
    """The names that a template gives to what is secret, and those `known` already."""
    names = set(known)
    while True:
        found = {n for targets, sources in _flows(template) if _any(sources, secret, names, values) for n in targets}
        if found <= names:
            return names
        names |= found


def _any(sources: Iterable[nodes.Node], secret: Secret, names: set[str], values: Mapping[str, Any]) -> bool:
    return any(mentions(source, secret, names, values) for source in sources)


def _opens(node: nodes.Node, secret: Secret, values: Mapping[str, Any]) -> bool:
    """Whether an object or list with a secret in it is used as a whole: `conf.items()`, where `conf.label` is not."""
    found = _at(node, values)
    if found is not _NOWHERE:
        return _holds(found, secret)
    return any(_opens(child, secret, values) for child in node.iter_child_nodes())


def _at(node: nodes.Node, values: Mapping[str, Any]) -> Any:
    """What a path of names leads to in the data."""
    if isinstance(node, nodes.Name):
        return values.get(node.name, _NOWHERE)
    names = list(_names(node)) if isinstance(node, nodes.Getattr | nodes.Getitem) else []
    above = _at(node.node, values) if names and isinstance(node, nodes.Getattr | nodes.Getitem) else _NOWHERE
    return above.get(names[0], _NOWHERE) if isinstance(above, Mapping) else _NOWHERE


def _holds(value: Any, secret: Secret) -> bool:
    """Whether a member of a value, however deep, has the name of a secret."""
    if isinstance(value, Mapping):
        return any(secret(str(name)) or _holds(each, secret) for name, each in value.items())
    return isinstance(value, list) and any(_holds(each, secret) for each in value)


def _flows(template: nodes.Template) -> Iterator[tuple[list[str], list[nodes.Node]]]:
    """From what to which names values go."""
    for node in _all(template):
        if isinstance(node, nodes.Assign):
            yield _targets(node.target), [node.node]
        elif isinstance(node, nodes.AssignBlock):
            yield _targets(node.target), list(node.body)
        elif isinstance(node, nodes.For):
            yield _targets(node.target), [node.iter]
        elif isinstance(node, nodes.With):
            yield [name for target in node.targets for name in _targets(target)], list(node.values)
        elif isinstance(node, nodes.Macro):
            yield [node.name], list(node.body)
        elif isinstance(node, nodes.CallBlock):
            yield ["caller"], list(node.body)
        elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            called, arguments = node.node.name, [*node.args, *node.kwargs]
            for macro in template.find_all(nodes.Macro):
                if macro.name == called:
                    yield [argument.name for argument in macro.args], arguments


def _targets(node: nodes.Node) -> list[str]:
    return [name for each in _all(node) for name in _names(each)]


def _all(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    yield from node.find_all(nodes.Node)


def _names(node: nodes.Node) -> Iterator[str]:
    """The name that a node is, or the member it takes."""
    if isinstance(node, nodes.Name | nodes.NSRef):
        yield node.name
    elif isinstance(node, nodes.Getattr):
        yield node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        yield node.arg.value

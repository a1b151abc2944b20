"""Of what type an input is that a statement gives a value to: as the document says."""

from __future__ import annotations

from engine.errors import StratoqlError
from engine.language.statements import Body, Call, Change, Explain, Insert
from engine.planner.names import Names
from engine.planner.writes import method_for
from provider_registry.model import Method, Shape


def shape_of(body: Body, name: str, names: Names) -> Shape | None:
    """The shape of an input, by its name in the statement; None where nobody knows, which planning will tell."""
    try:
        method = _method(body, names)
    except StratoqlError:
        return None
    param = method.param(name) if method is not None else None
    return param.shape if param is not None else None


def _method(body: Body, names: Names) -> Method | None:
    match body:
        case Explain():
            return _method(body.statement.body, names)
        case Call():
            return names.method(body.target)[2]
        case Insert():
            return method_for(names.resource(body.target)[1], "insert", body.target, body.columns)
        case Change():
            words = [word for word, _ in body.assignments]
            return method_for(names.resource(body.target)[1], body.verb, body.target, words)
    return None

"""Scripts: files of statements, filled in with data, read whole before the first statement runs.

A script is rendered, parted and parsed at once, so that an unknown name or a typo at its end stops it before anything
has been sent. What goes wrong later is placed in the file as the user wrote it, with secrets left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.data import Data, fitting, read_json, read_jsonnet
from engine.errors import (
    CallError,
    InvalidValue,
    Place,
    QueryFault,
    Source,
    Span,
    StatementError,
    StratoqlError,
    UnknownName,
    UsageError,
)
from engine.language.dialect import parse_query, split
from engine.language.inputs import inputs, json_key
from engine.language.parser import parse_piece
from engine.language.pieces import Part, Rendered, Value, unchanged
from engine.language.statements import Body, Explain, Insert, Select, Statement
from engine.language.text import quote_text
from engine.result import Result, ResultColumn
from engine.wire.masking import MASK, clean, concealed, secret_name

_BLOCK = re.compile(r"(?:\s|--[^\n]*(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*\*/)*+<<<(json|jsonnet)\b", re.DOTALL)
_WORDS = {  # what `>>>` may stand in, and itself
    "json": re.compile(r'"(?:[^"\\\n]|\\.)*"|>>>'),
    "jsonnet": re.compile(
        r"""//[^\n]*|\#[^\n]*|/\*.*?\*/|\|\|\|-?[ \t]*\n.*?\n[ \t]*\|\|\||@"(?:[^"]|"")*"|@'(?:[^']|'')*'"""
        r"""|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|>>>""",
        re.DOTALL,
    ),
}
_SHOWN = 160  # characters of a statement in an account


@dataclass(frozen=True)
class Item:
    """One statement of a script: `text` is `rendered.text` from `start` on."""

    text: str
    start: int
    body: Body | None  # None while it is parsed
    rendered: Rendered = field(repr=False)
    known_secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def place(self) -> Place:
        """The statement's first line, in the script."""
        first = self.text.split("\n", 1)[0].rstrip()
        return self.rendered.place(self.start, self.start + len(first))

    @property
    def values(self) -> list[Part]:
        """What templates have put into it."""
        return self.rendered.values(self.start, self.start + len(self.text))

    @property
    def secrets(self) -> frozenset[str]:
        """The texts that must not be shown when it is told of."""
        own = (_text(part.piece.value) for part in self.values if isinstance(part.piece, Value) and part.piece.secret)
        return self.known_secrets | {text for text in own if text}

    def shown(self) -> str:
        """The statement as it may be shown."""
        secrets = self.secrets

        def secret(value: Value) -> bool:
            text = _text(value.value)
            return value.secret or any(hidden in text for hidden in secrets)

        return self.rendered.masked(self.start, self.start + len(self.text), secret)

    def placed(self, error: StratoqlError) -> StratoqlError:
        """An error of this statement, with its place in the script and without secrets."""
        if error.place is None and not (isinstance(error, UsageError) and error.statement is None):
            error.place = self._place(error)
        secrets = self.secrets
        error.message = concealed(error.message, secrets)
        error.hint = error.hint and concealed(error.hint, secrets)
        error.args = (error.message,)
        if isinstance(error, CallError):
            error.request = concealed(error.request, secrets)
        return error

    def _place(self, error: StratoqlError) -> Place:
        if isinstance(error, InvalidValue) and (part := self._giving(error)) is not None:
            if isinstance(part.piece, Value):
                error.message += f"; the value is that of {part.piece.written}"
                if part.piece.secret:
                    error.message = re.sub(r", got .*?(?=; the value)", f", got {MASK}", error.message)
            return part.piece.place
        span = error.span if isinstance(error, StatementError) else None
        if span is None or error.statement is None or not self.text.endswith(error.statement):
            return self.place
        at = self.start + len(self.text) - len(error.statement)
        return self.rendered.place(at + span.start, at + span.end)

    def bare_input(self, error: StratoqlError) -> Part | None:
        """The text that stands bare where an error is, as the whole of an input."""
        if not isinstance(error, QueryFault | UnknownName) or self.body is None or error.place is None:
            return None
        whole = {(self.start + span.start, self.start + span.end) for _, span in inputs(self.body)}
        for part in self.values:
            bare = isinstance(part.piece, Value) and isinstance(part.piece.value, str)
            if bare and part.piece.place == error.place and (part.start, part.end) in whole:
                return part
        return None

    def _giving(self, error: InvalidValue) -> Part | None:
        """The value of a template that gave an input what does not fit."""
        named = error.name.rpartition("__")[2].casefold()
        found = []
        for name, span in inputs(self.body) if self.body is not None else ():
            if name.rpartition("__")[2].casefold() == named:
                found += self.rendered.values(self.start + span.start, self.start + span.end)
        for part in self.values:
            key = json_key(self.rendered.text[self.start : part.start])
            if key is not None and key.casefold() == named:
                found.append(part)
        got = error.message.rpartition(", got ")[2]
        texts = [(p, _text(p.piece.value)[:40]) for p in found if isinstance(p.piece, Value)]
        told = [part for part, text in texts if text and text in got]
        return told[0] if told else found[0] if len(found) == 1 else None


def clearer(item: Item, error: StratoqlError, rehearse: Callable[[str], object]) -> StratoqlError:
    """The error of a statement, placed; of bare text that is no SQL, what its input expects.

    `SELECT {{ disk_id }}` with the text abc fails for want of a column abc: `rehearse`, a dry run, is asked what it
    would be as a value.
    """
    placed = item.placed(error)
    part = item.bare_input(error)
    if part is None or not isinstance(part.piece, Value):
        return placed
    start, end = part.start - item.start, part.end - item.start
    as_value = item.text[:start] + quote_text(str(part.piece.value)) + item.text[end:]
    try:
        rehearse(as_value)
    except InvalidValue as wrong:
        return item.placed(wrong)
    except StratoqlError:
        pass
    if placed.hint is None:
        placed.hint = f"bare text is SQL; for a text write '{part.piece.written}' or use | literal"
    return placed


def prepare(source: Source, data: Data, read: Callable[[str], str]) -> tuple[Item, ...]:
    """The statements of a script, in order. `read` gives the text of an included file.

    Raises StatementError with its place, or UsageError for data at its top that cannot be read; nothing has been run.
    """
    source, inline = _data_on_top(source)
    data = data.over(inline)
    rendered = _rendered(source, data, read)
    try:
        pieces = list(split(rendered.text))
    except StatementError as error:
        if error.span is not None:
            error.place = rendered.place(error.span.start, error.span.end)
        raise
    items, secrets = [], data.secrets
    for piece in pieces:
        item = Item(piece.text, piece.offset, None, rendered, secrets)
        try:
            statement = parse_piece(piece)
            _check(statement)
            items.append(replace(item, body=statement.body))
        except StatementError as error:
            raise item.placed(error) from None
    return tuple(items)


def _check(statement: Statement) -> None:
    """Read the query in a statement too, which the planner would only do when its turn has come."""
    body = statement.body
    if isinstance(body, Explain):
        _check(body.statement)
    query = body.query if isinstance(body, Select) else body.rows if isinstance(body, Insert) else None
    if query is not None:
        try:
            parse_query(query)
        except StatementError as error:
            error.statement = statement.text
            raise


def _rendered(source: Source, data: Data, read: Callable[[str], str]) -> Rendered:
    """A script with its templates filled in; one without them needs no jinja2."""
    if not any(mark in source.text for mark in ("{{", "{%", "{#")):
        return unchanged(source)
    from engine.language.template import render

    try:
        return render(source, data.names, read, secret_name)
    except StratoqlError as error:
        error.message = concealed(error.message, data.secrets)
        error.args = (error.message,)
        raise


def _data_on_top(source: Source) -> tuple[Source, Mapping[str, Any]]:
    """`<<<json ... >>>` at the top of a script: its data, and the script with blanks in its place."""
    match = _BLOCK.match(source.text) if "<<<" in source.text else None
    if match is None:
        return source, {}
    begin, name = match.end(), source.name or "the data on top"
    end = _end_of_block(source.text, begin, match[1])
    if end < 0:
        opened = match.start(1) - 3
        error = StatementError("this data is never closed", hint="end it with a line of >>>")
        error.place = Place(source, Span(opened, begin))
        raise error
    padded = "".join("\n" if c == "\n" else " " for c in source.text[:begin]) + source.text[begin:end]
    value = read_json(padded, name) if match[1] == "json" else read_jsonnet(padded, name)
    opened = match.start(1) - 3
    blank = "".join(c if c in "\r\n" else " " for c in source.text[opened : end + 3])
    text = source.text[:opened] + blank + source.text[end + 3 :]
    return Source(text, source.name), fitting(value, name)


def _end_of_block(text: str, begin: int, kind: str) -> int:
    """Where the `>>>` stands that is in none of the data's strings and comments.

    >>> [_end_of_block(text, 0, "json") for text in ('{"a": ">>>"} >>>', '{"a": "b} >>>', "{}")]
    [13, 10, -1]
    """
    for found in _WORDS[kind].finditer(text, begin):
        if found[0] == ">>>":
            return found.start()
    return text.find(">>>", begin)  # a string is never closed, which the data's reader will tell


@dataclass
class Course:
    """How far a script has come. `writers` are the statements that a dry run has passed, by what they write."""

    items: Sequence[Item]
    outcomes: list[str] = field(default_factory=list)
    writers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outcomes = ["did not run"] * len(self.items)


def rehearsed(course: Course, number: int, result: Result) -> Result:
    """The result of a dry run, below the statement it is of."""
    items, item = course.items, course.items[number]
    lines = [f"{item.place}: statement {number + 1} of {len(items)}"]
    lines += [f"  {line}" for line in item.shown().splitlines()]
    for resource in sorted(result.reads & course.writers.keys()):
        earlier = course.writers[resource]
        lines.append(
            f"depends on earlier writes: statement {earlier + 1} ({items[earlier].place}) writes {resource}, "
            "so the rows read here are known only when it has run"
        )
    course.writers |= dict.fromkeys(result.writes, number)
    secrets = item.secrets
    rows = ((concealed(str(line), secrets),) for (line, *_) in result.fetchall()) if result.kind == "plan" else ()
    return Result(
        [ResultColumn("plan", "string")],
        iter([*((line,) for line in lines), *rows]),
        kind="plan",
        messages=result.messages,
        warnings=result.warnings,
        reads=result.reads,
        writes=result.writes,
    )


def account(course: Course) -> str:
    """What became of each statement, a line each; equal ones of one line, as a loop makes them, together.

    Empty where there is but one.
    """
    if len(course.items) < 2:
        return ""
    lines: list[list[Any]] = []
    for item, outcome in zip(course.items, course.outcomes, strict=True):
        name, line = item.place.source.name, item.place.line
        where = f"{name}:{line}" if name else f"line {line}"
        if lines and lines[-1][:2] == [where, outcome]:
            lines[-1][2] += 1
        else:
            lines.append([where, outcome, 1])
    told = [f"  {where}: {outcome}{f' ({n} statements)' if n > 1 else ''}" for where, outcome, n in lines]
    return "\n".join(["what became of each statement:", *told])


def brief(item: Item) -> str:
    """A statement on one line, as an error tells of it."""
    return clean(item.shown(), _SHOWN)


def _text(value: Any) -> str:
    """A value as text, to look for it in a message."""
    import json

    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)

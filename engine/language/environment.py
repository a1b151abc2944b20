"""jinja2 as scripts need it: in a sandbox, strict, with exact places and typed output.

jinja2 counts lines. Here every position it carries is an offset into the source instead, so that a fault has a column
and a carriage return stays where it is; and what it would join into one string is kept as pieces, so that a number is
still a number where `spelling` puts it into the text.
"""

from __future__ import annotations

import os.path
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NoReturn

from jinja2 import nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError, TemplateNotFound, TemplateSyntaxError
from jinja2.lexer import TokenStream
from jinja2.loaders import BaseLoader
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from engine.errors import Source, Span, StratoqlError, TemplateFault, UnknownName, suggest
from engine.language import spelling
from engine.language.bounds import CAPTURE, Bounds
from engine.language.filters import filters
from engine.language.given import Allowed, Unset
from engine.language.pieces import Absent, Captured, Piece, Value
from engine.language.secrets import mentions, secret_names
from engine.language.unknown import Unknown

Read = Callable[[str], str]
SHOWN = 30  # names in a hint
_TAG = re.compile(r"\{%[-+]?\s*(\w+)(.*)", re.DOTALL)
_BLOCKS = ("for", "if", "macro", "call", "filter", "set", "block", "with", "autoescape")
_COUNTED = "counted"  # what each loop goes through


class _Generator(CodeGenerator):
    """Code that puts out pieces in the place of text. Nothing is put out at compile time."""

    environment: ScriptEnvironment

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._are_values: list[bool] = []

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> NoReturn:
        raise nodes.Impossible

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if isinstance(node, nodes.TemplateData):
            self.write(f"environment.text({self.name!r}, {node.lineno}, ")
        else:
            secret = self.environment.mentions_secret(node)
            self.write(f"environment.value({self.name!r}, {node.lineno}, {secret}, ")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(")")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.sized(")
        super().visit_Concat(node, frame)
        self.write(")")

    def start_write(self, frame: Frame, node: nodes.Node | None = None) -> None:
        """What is captured and put out at once, a called block say, is a value; it is written between these two."""
        super().start_write(frame, node)
        is_value = isinstance(node, nodes.FilterBlock | nodes.CallBlock | nodes.For)
        if is_value and node is not None:
            secret = self.environment.mentions_secret(node)
            self.write(f"environment.value({self.name!r}, {node.lineno}, {secret}, ")
        self._are_values.append(is_value)

    def end_write(self, frame: Frame) -> None:
        if self._are_values.pop():
            self.write(")")
        super().end_write(frame)


class _Loader(BaseLoader):
    """Files by their path, each read once."""

    def __init__(self, main: str, source: Source, read: Read) -> None:
        self.sources = {main: source}
        self._home = os.path.dirname(main) or "."
        self._read = read

    def _is_near(self, template: str) -> bool:
        """Whether a path stays in the script's folder, links followed: what lies elsewhere may be a secret."""
        home, path = os.path.realpath(self._home), os.path.realpath(template)
        return os.path.commonpath([home, path]) == home and (not os.path.exists(path) or os.path.isfile(path))

    def get_source(self, environment: Any, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        if template not in self.sources:
            if not self._is_near(template):
                raise TemplateNotFound(template, "an include is a file in the script's own folder or below it")
            try:
                self.sources[template] = Source(self._read(template), template)
            except StratoqlError as error:
                raise TemplateNotFound(template, error.message) from error
        return self.sources[template].text, None, None


class ScriptEnvironment(ImmutableSandboxedEnvironment):
    """jinja2 for one script and what it includes."""

    code_generator_class = _Generator
    intercepted_binops = frozenset(["+", "*", "**", "%"])

    def __init__(self, source: Source, values: Mapping[str, Any], read: Read, secret: Callable[[str], bool]) -> None:
        self.main = source.name or "the command line"
        loader = _Loader(self.main, source, read)
        super().__init__(loader=loader, undefined=Unknown, keep_trailing_newline=True)
        self.sources = loader.sources
        self._spans: dict[str, list[tuple[int, int]]] = {}  # of each {{ ... }} and {% ... %}
        self._secret = secret
        self._secret_names = {name for name, value in values.items() if isinstance(value, Allowed)}
        self._values = values
        self.given = {name: self._given(name, value) for name, value in values.items()}
        del self.globals["lipsum"]
        self.bounds = Bounds()
        self.filters = {**filters(self.filters, self.bounds), _COUNTED: _counted}

    def _given(self, name: str, value: Any) -> Any:
        return Unknown(obj=value, name=name) if isinstance(value, Unset) else value

    # Offsets in the place of lines

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        placed = self._placed(source, name or self.main, filename, state)
        return TokenStream(self.lexer.wrap(placed, name, filename), name, filename)

    def _placed(
        self, source: str, name: str, filename: str | None, state: str | None
    ) -> Iterator[tuple[int, str, str]]:
        """The lexer's tokens, each with its offset. It is shown no `\\r`: it would make every line end its own."""
        shown = source.replace("\r", " ")
        spans = self._spans.setdefault(name, [])
        at = begin = last = 0
        try:
            for _, kind, value in self.lexer.tokeniter(shown, name, filename, state):
                while not shown.startswith(value, at):
                    at += 1  # blanks that a {%- has taken
                if kind in ("variable_begin", "block_begin"):
                    begin = at
                elif kind in ("variable_end", "block_end"):
                    spans.append((begin, at + len(value.rstrip())))
                yield at, kind, value if kind == "data" else source[at : at + len(value)]
                at += len(value)
                last = at - len(value) if kind.endswith("_begin") else at
        except TemplateSyntaxError as error:
            error.lineno = max(0, min(last, len(source) - 1))
            raise

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        self._secret_names |= secret_names(source, self._secret, self._secret_names, self._values)
        for loop in list(source.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.iter.lineno)
            loop.iter.set_environment(self)
        return super()._generate(source, name, filename, defer_init)

    def handle_exception(self, source: str | None = None) -> NoReturn:
        """Raise what is being handled: jinja2 would rewrite its traceback to lines, taken from our offsets."""
        raise

    def join_path(self, template: str, parent: str) -> str:
        """The path of an include."""
        if os.path.isabs(template):
            raise TemplateNotFound(template, "an include is relative to the file that has it")
        return os.path.normpath(os.path.join(os.path.dirname(parent), template))

    def span(self, name: str, at: int) -> Span:
        """The `{{ ... }}` or `{% ... %}` around an offset, else what stands there."""
        spans = self._spans.get(name, [])
        index = bisect_right(spans, (at, len(self.sources[name].text))) - 1
        if index >= 0 and spans[index][0] <= at < spans[index][1]:
            return Span(*spans[index])
        word = re.compile(r"\w*").match(self.sources[name].text, at)
        return Span(at, max(at + 1, word.end() if word else 0))

    def innermost(self, name: str) -> Span | None:
        """The innermost block that is open where the reading of a template stopped."""
        opened: list[Span] = []
        for start, end in self._spans.get(name, []):
            tag = _TAG.match(self.sources[name].text[start:end])
            if tag is None or (tag[1] == "set" and "=" in tag[2]):
                continue
            if tag[1] in _BLOCKS:
                opened.append(Span(start, end))
            elif tag[1].startswith("end") and opened:
                opened.pop()
        return opened[-1] if opened else None

    # Pieces in the place of text

    def mentions_secret(self, node: nodes.Node) -> bool:
        """Whether something is made of something that must not be shown."""
        return mentions(node, self._secret, self._secret_names, self._values)

    def text(self, name: str, at: int, text: str) -> Piece:
        """A piece of a file's own text, as it stands there."""
        self.bounds.put_out(text)
        source = self.sources[name]
        return Piece.of(source.text[at : at + len(text)], source, Span(at, at + len(text)))

    def value(self, name: str, at: int, secret: bool, value: Any) -> Piece:
        """What a `{{ ... }}` puts out."""
        piece = Value(value if isinstance(value, str) else "")
        self.bounds.put_out(piece)
        piece.source, piece.span, piece.secret = self.sources[name], self.span(name, at), secret
        piece.value = self._plain(value, piece)
        if isinstance(value, Captured):
            piece.secret = secret or value.secret
            for inner in value.pieces:
                if isinstance(inner, Value):
                    inner.secret |= secret
        return piece

    def _plain(self, value: Any, piece: Value) -> Any:
        """A value as data: what JSON has, or text."""
        value = self._given("", value)
        if isinstance(value, Unknown):
            return Absent(self.unknown(value, piece))
        if isinstance(value, Undefined):  # of an `if` without an `else`
            return ""
        if value is None or isinstance(value, str | int | float):
            return value
        if isinstance(value, Mapping):
            return {str(key): self._member(each, piece) for key, each in value.items()}
        if isinstance(value, Iterable) and not isinstance(value, bytes):
            return [self._member(each, piece) for each in value]
        fault = TemplateFault(f"{piece.written} is not a value", hint="call it, or name one of its members")
        fault.place = piece.place
        raise fault

    def _member(self, value: Any, piece: Value) -> Any:
        found = self._plain(value, piece)
        if isinstance(found, Absent):
            raise found.error
        return found

    def concat(self, pieces: Iterable[str]) -> str:
        """Captured text."""
        self.bounds.step(CAPTURE)
        kept = pieces_of(pieces)
        for piece in kept:
            if isinstance(piece, Value) and isinstance(piece.value, Absent):
                raise piece.value.error
        try:
            text = spelling.spell(kept).text
        except StratoqlError:  # it is no whole piece of SQL
            text = spelling.text_of(kept)
        return Captured.of(text, kept, partial(spelling.text_of, kept))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """A product, where it is not too large."""
        self.bounds.check_product(operator, left, right)
        return self.sized(super().call_binop(context, operator, left, right))

    def sized(self, made: Any) -> Any:
        """What was made, where it is not too large."""
        return self.bounds.sized(made)

    def call(self, context: Context, obj: Any, *given: Any, **named: Any) -> Any:
        """A function, where it would not make too much."""
        if isinstance(getattr(obj, "__self__", None), str):
            self.bounds.check_widths(obj.__name__, (*given, *named.values()))
        return self.sized(super().call(context, obj, *given, **named))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A member of an object before a method of Python's: `{{ image.items }}` is data."""
        if isinstance(obj, Mapping) and attribute in obj:
            return self._given(attribute, obj[attribute])
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """An element or a member."""
        return self._given(str(argument), super().getitem(obj, argument))

    def unknown(self, unknown: Undefined, piece: Piece | None = None) -> StratoqlError:
        """The fault of using a name that nothing has."""
        obj, name = unknown._undefined_obj, str(unknown._undefined_name)
        owner = self._values if obj is missing else obj
        error: StratoqlError
        if isinstance(piece, Value) and piece.secret and owner is not self._values and not isinstance(owner, Allowed):
            name = "such member"  # a computed name may be the secret itself
        if isinstance(owner, Unset):
            error = TemplateFault(owner.why, hint=owner.hint)
        elif isinstance(owner, Allowed):
            error = _not_in_environment(name, owner)
        elif unknown._undefined_exception is SecurityError:
            error = TemplateFault(f"a template may not use {name}")
        elif isinstance(owner, Mapping):
            known = sorted(str(key) for key, value in owner.items() if not _useless(value))
            what = f"{name} is not defined" if owner is self._values else f"there is no {name} in this object"
            error = UnknownName(what, name=name, known=known, hint=_known(name, known))
        else:
            error = TemplateFault(unknown._undefined_hint or f"there is no {name} in {spelling.kind(owner)}")
        error.place = piece.place if piece is not None else None
        return error


def pieces_of(put_out: Iterable[str]) -> tuple[Piece, ...]:
    """What a template put out, which is pieces and nothing else: all output goes through `text` and `value`."""
    pieces = []
    for each in put_out:
        assert isinstance(each, Piece), "text that is no piece has no place, and must not be lost"
        pieces.append(each)
    return tuple(pieces)


@pass_context
def _counted(context: Context, items: Any) -> Any:
    """The rounds of a loop. With a context, so that no loop is taken for a constant."""
    environment = context.environment
    assert isinstance(environment, ScriptEnvironment)
    return environment.bounds.counted(items)


def _not_in_environment(name: str, allowed: Allowed) -> StratoqlError:
    if name in allowed.names:
        hint = f"set {name}, or write {{{{ env.{name} | default('...') }}}}"
        return TemplateFault(f"the environment variable {name} is not set", hint=hint)
    return TemplateFault(
        f"the environment variable {name} is not allowed in scripts", hint=f"allow it with --allow-env {name}"
    )


def _useless(value: Any) -> bool:
    return isinstance(value, Allowed) and not value.names


def _known(name: str, known: list[str]) -> str:
    """The names there are, the likely one first."""
    if not known:
        return "give it with --var, or in a file with --iqldata"
    near = suggest(name, known) or ""
    listed = f"known names: {', '.join(known[:SHOWN])}{', ...' if len(known) > SHOWN else ''}"
    return f"{near} {listed}" if near.startswith("did") else listed

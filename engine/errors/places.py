"""Where a thing stands in a text: a span of a statement, a place in the file the user wrote; how one is shown.

Annotations are not postponed here: each of a NamedTuple would be compiled as text, at every start.
"""

from typing import NamedTuple


class Span(NamedTuple):
    """A piece of a statement's text: offsets in characters, end exclusive."""

    start: int
    end: int


class Source(NamedTuple):
    """A text that statements come from; `name` is what errors call it, None on the command line."""

    text: str
    name: str | None = None


class Place(NamedTuple):
    """A piece of a source: where the user finds it in a file, whatever a template has made of it since."""

    source: Source
    span: Span

    @property
    def line(self) -> int:
        """Counted from 1."""
        return self.source.text.count("\n", 0, self.span.start) + 1

    @property
    def column(self) -> int:
        """Counted from 1."""
        return self.span.start - self.source.text.rfind("\n", 0, self.span.start)

    def __str__(self) -> str:
        """`cleanup.iql:7:13`, columns counted from 1.

        >>> str(Place(Source("SELECT 1;\\nSELECT lable", "a.iql"), Span(17, 22)))
        'a.iql:2:8'
        """
        name = self.source.name
        return f"{name}:{self.line}:{self.column}" if name else f"line {self.line}, column {self.column}"


def underline(text: str, span: Span, name: str | None = None) -> str:
    """The line of `text` that `span` starts in, numbered, with the span underlined; `name` is that of the file.

    >>> print(underline("SELECT lable\\nFROM t", Span(7, 12)))
    line 1, column 8:
      SELECT lable
             ^^^^^
    """
    start = max(0, min(span.start, len(text)))
    head = text.rfind("\n", 0, start) + 1
    tail = text.find("\n", start)
    line = text[head : tail if tail >= 0 else len(text)].rstrip("\r")
    number, column = text.count("\n", 0, start) + 1, start - head
    width = max(1, min(span.end, head + len(line)) - start)
    lead = "".join("\t" if c == "\t" else " " for c in line[:column])
    where = f"{name}:{number}:{column + 1}:" if name else f"line {number}, column {column + 1}:"
    return f"{where}\n  {line}\n  {lead}{'^' * width}"

"""A session that answers what a test tells it to; also a program of its own, for tests of whole processes."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Any, Self

from engine.cli import main
from engine.planner.names import Names
from engine.result import Result, ResultColumn, Stats
from engine.settings import Settings
from engine.wire.events import Listener
from provider_registry.catalog import Catalog

Answer = Result | BaseException


def rows(*values: tuple[Any, ...], **more: Any) -> Result:
    """Two columns, `id` and `size`."""
    return Result([ResultColumn("id", "string"), ResultColumn("size", "integer")], iter(values), **more)


def done(affected: int, *messages: str, **more: Any) -> Result:
    return Result([], iter(()), kind="done", affected=affected, messages=messages, **more)


@dataclass
class FakeSession:
    """Gives its answers to each script in turn; remembers what it was asked and when it was closed."""

    answers: Sequence[Answer] | Callable[[str], Sequence[Answer]] = ()
    asked: list[tuple[str, bool]] = field(default_factory=list)
    settings: list[Settings] = field(default_factory=list)
    closed: int = 0
    on_event: Listener | None = None
    names: Names = field(default_factory=lambda: Names(Catalog([])))
    secrets: frozenset[str] = frozenset()

    def __call__(self, settings: Settings) -> Self:
        """Opens it."""
        self.settings.append(settings)
        return self

    def run(self, text: str, *, dry_run: bool = False) -> Iterator[Result]:
        self.asked.append((text, dry_run))
        logging.getLogger("engine.fake").info("asked for \x1b[2J%s", text)
        for answer in self.answers(text) if callable(self.answers) else self.answers:
            if isinstance(answer, BaseException):
                raise answer
            yield answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closed += 1


def endless() -> Iterator[tuple[str, int]]:
    """More rows than any pipe takes."""
    return ((f"private/{n}", n) for n in count())


def wait() -> Iterator[tuple[str, int]]:
    """A row, a sign that it was written, then nothing for a long time."""
    yield ("private/1", 1)
    sys.stderr.write("waiting\n")
    sys.stderr.flush()
    time.sleep(60)


ANSWERS: dict[str, Callable[[], Sequence[Answer]]] = {
    "two": lambda: [rows(("private/1", 20), ("private/2", 30))],
    "endless": lambda: [rows(), Result([ResultColumn("id"), ResultColumn("size")], endless())],
    "wait": lambda: [Result([ResultColumn("id"), ResultColumn("size")], wait(), stats=Stats())],
    "accent": lambda: [rows(("é日", 1))],
    "broken": lambda: [rows(("private/1", 20)), RuntimeError("wires crossed")],
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], session=FakeSession(ANSWERS[sys.argv[1]]())))

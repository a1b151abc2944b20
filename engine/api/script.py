"""Scripts for programs: the same templates, data and places of errors as at the command line."""

from __future__ import annotations

import datetime
import logging
import os
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from engine.api.link import Link, tell, telling
from engine.api.literals import utc
from engine.api.result import Result, typed_columns
from engine.course import Course, account, check, note_statement, rehearsed, told_better
from engine.data import Data, gather, read_text
from engine.errors import Misuse, PartialWrite, Source, StratoqlError
from engine.fits import check_values
from engine.script import prepare
from engine.ways import finish
from engine.wire.masking import concealed

Path: TypeAlias = str | os.PathLike[str]
Script: TypeAlias = str | os.PathLike[str]
Given: TypeAlias = Mapping[str, object] | Path | Sequence[Path]


def prepared(link: Link, script: Script, data: Given | None, allow_env: Iterable[str], *, dry_run: bool) -> Course:
    """A script read, filled in and, but for a dry run, planned whole. Nothing has been run where this raises."""
    link._check()
    session = link.session
    with telling():
        items = prepare(_source(script), _data(data, allow_env), read_text, session.names)
        if not dry_run:
            check(items, session.names, session.settings)
    return Course(items)


async def results(link: Link, course: Course, *, dry_run: bool) -> AsyncGenerator[Result, None]:
    """The result of each statement, which runs when it is asked for."""
    for number, item in enumerate(course.items):
        if item.statement is None:
            continue
        names, course.outcomes[number] = link.session.names, "interrupted"
        try:
            if dry_run:
                check_values(item, names)
            link.session.secrets |= item.secrets
            with _concealing(item.secrets):
                found = await link._answered(item.statement, dry_run=dry_run)
        except StratoqlError as error:
            course.outcomes[number] = "failed part-way, as its error tells" if _broken(error) else "failed"
            told = told_better(item, error, names, link.session.settings)
            tell(told)
            note_statement(told, course.items, number)
            _account(told, course)
            raise told from (None if told is error else error)
        except BaseException as error:
            _account(error, course)
            raise
        course.outcomes[number] = ", ".join(["was planned" if dry_run else "ran", *found.messages])
        found = rehearsed(course, number, found) if dry_run else found
        yield Result(found, typed_columns(found.columns, item.statement))


def each(steps: AsyncGenerator[Result, None]) -> Generator[Result, None, None]:
    """The same for a caller who waits."""
    while True:
        try:
            found = finish(steps.__anext__())
        except StopAsyncIteration:
            return
        yield found


def _source(script: Script) -> Source:
    """A path, or one line of text that ends as the name of a script does, is a file; other text is the script."""
    if isinstance(script, os.PathLike) or (isinstance(script, str) and _names_a_file(script)):
        path = os.fspath(script)
        return Source(read_text(path), path)
    if not isinstance(script, str):
        raise Misuse(f"a script is text or a path, not a {type(script).__name__}", hint="give it as a str")
    return Source(script)


def _names_a_file(text: str) -> bool:
    """Whether a text is the name of a script.

    >>> _names_a_file("jobs/clean up.iql"), _names_a_file("SELECT 1"), _names_a_file("SELECT 1\\n-- a.iql")
    (True, False, False)
    """
    return text.endswith((".iql", ".sql")) and "\n" not in text


def _data(given: Given | None, allow_env: Iterable[str]) -> Data:
    """A mapping, or files that are merged from left to right; `allow_env` of one name may be that name."""
    allow_env = [allow_env] if isinstance(allow_env, str) else allow_env
    if isinstance(given, Mapping):
        return gather((), _plain(given).items(), allow_env)
    several = [given] if isinstance(given, str | os.PathLike) else [] if given is None else given
    if not isinstance(several, Sequence) or not all(isinstance(path, str | os.PathLike) for path in several):
        raise Misuse(
            f"data is a mapping, or the paths of files, not a {type(given).__name__}",
            hint='write data={"name": value}, or data=["data.json"]',
        )
    return gather([os.fspath(path) for path in several], (), allow_env)


def _plain(value: Any) -> Any:
    """A program's value as data has it: moments as the API spells them, tuples as lists.

    >>> _plain({"since": datetime.datetime(2024, 1, 2), "ids": (1, 2)})
    {'since': '2024-01-02T00:00:00', 'ids': [1, 2]}
    """
    match value:
        case Mapping():
            return {str(name): _plain(member) for name, member in value.items()}
        case list() | tuple() | set():
            return [_plain(element) for element in value]
        case datetime.datetime():
            return utc(value).isoformat()
        case datetime.date() | datetime.time():
            return value.isoformat()
    return value


def _broken(error: StratoqlError) -> bool:
    return isinstance(error, PartialWrite)


def _account(error: BaseException, course: Course) -> None:
    if told := account(course):
        error.add_note(told)


@contextmanager
def _concealing(secrets: frozenset[str]) -> Iterator[None]:
    """The log of requests leaves these texts out while this lasts."""

    def conceal(record: logging.LogRecord) -> bool:
        record.msg, record.args = concealed(record.getMessage(), secrets), ()
        return True

    log = logging.getLogger("engine.wire")
    if secrets:
        log.addFilter(conceal)
    try:
        yield
    finally:
        log.removeFilter(conceal)

"""Named queries: a file of SQL each, so that they can be read, kept under version control and shared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from engine.errors import StratoqlError, UsageError, suggest
from engine.language.text import quote_text
from engine.repl.scan import Token, scan

_NAME = re.compile(r"[^\W\d][\w-]*")
_PLACE = re.compile(r"\$([0-9]+)")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def folder() -> Path:
    """Where they are on this platform."""
    from platformdirs import user_data_path

    return Path(user_data_path("stratoql", appauthor=False)) / "queries"


def names(where: Path) -> list[str]:
    """Those that there are."""
    return sorted(path.stem for path in where.glob("*.sql") if _NAME.fullmatch(path.stem))


def read(where: Path, name: str) -> str:
    """The text of one."""
    try:
        return _path(where, name).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        hint = suggest(name, names(where)) or "\\n save NAME SQL keeps one"
        raise UsageError(f"there is no query {name!r}", hint=hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise StratoqlError(f"cannot read the query {name}: {error}") from error


def save(where: Path, name: str, text: str) -> None:
    """Keep a text under a name; one that was there is replaced."""
    path = _path(where, name)
    try:
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(text.strip() + "\n", encoding="utf-8")
    except OSError as error:
        raise StratoqlError(f"cannot save the query {name}: {error.strerror or error}") from error


def delete(where: Path, name: str) -> None:
    """Forget one."""
    read(where, name)
    _path(where, name).unlink()


def filled(text: str, arguments: str) -> str:
    """A query with its `$1`, `$2` replaced. An argument is a value: it cannot leave its place or its quotes.

    >>> filled("SELECT $1, 'a $2' -- $3", "5 it's")
    Traceback (most recent call last):
    ...
    engine.errors.root.UsageError: No closing quotation
    >>> filled("SELECT $1, 'a $2' -- $3", '5 "it\\'s"')
    "SELECT 5, 'a it''s' -- $3"
    """
    try:
        values = shlex.split(arguments)
    except ValueError as error:
        raise UsageError(str(error), hint='a value with blanks takes quotes: "like this"') from None
    tokens = scan(text)
    wanted = {
        int(number) for token in tokens if token.kind in ("place", "string") for number in _PLACE.findall(token.text)
    }
    if max(wanted, default=0) != len(values) or 0 in wanted:
        takes = f"takes {max(wanted, default=0)} value{'' if wanted == {1} else 's'}, and {len(values)} "
        raise UsageError(
            f"the query {takes}{'is' if len(values) == 1 else 'are'} given", hint="$1 is the first of them"
        )
    return "".join(_filled(token, values) for token in tokens)


def _filled(token: Token, values: list[str]) -> str:
    if token.kind == "place":
        value = values[int(token.text[1:]) - 1]
        return value if _NUMBER.fullmatch(value) else quote_text(value)
    if token.kind == "string":
        return _PLACE.sub(lambda found: values[int(found[1]) - 1].replace("'", "''"), token.text)
    return token.text


def _path(where: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a query", hint="letters, digits, _ and - make a name")
    return where / f"{name}.sql"

"""`stratoql registry`: provider documents, here and elsewhere."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from engine.cli import output, terminal
from engine.cli.running import OpenSession, Statements, many, run_statements, show_result
from engine.errors import DocumentError, UsageError, suggest
from engine.formats.cells import printable
from engine.language.text import quote_text
from engine.registry import catalog, home, named
from engine.settings import Settings
from provider_registry.faults import BadDocument, Fault, NotFound
from provider_registry.layout import plain_name

if TYPE_CHECKING:
    from engine.registry.installing import Consent, Question

Action: TypeAlias = Callable[[argparse.Namespace, Settings, OpenSession], int]


def listing(given: argparse.Namespace, settings: Settings, open_session: OpenSession) -> int:
    """`registry list`: what REGISTRY LIST answers, in any format."""
    run_statements(_statement("LIST", given.provider), settings, given, open_session)
    return 0


def pull(given: argparse.Namespace, settings: Settings, _: OpenSession) -> int:
    """`registry pull`: REGISTRY PULL, and somebody to ask."""

    def opened(settings: Settings) -> AbstractContextManager[Statements]:
        from engine.session import Session

        return Session(settings, consent=_consent(given))

    run_statements(_statement("PULL", given.provider, given.version), settings, given, opened)
    return 0


def add(given: argparse.Namespace, settings: Settings, _: OpenSession) -> int:
    """`registry add`: documents of this machine, as if they were pulled."""
    from engine.registry.installing import added

    _no_dry_run(given)
    if not Path(given.path).exists():
        raise UsageError(f"cannot read {given.path}: there is no such file or folder")
    with output.destination(given.outfile) as stream:
        for result in added(Path(given.path), settings, _consent(given)):
            show_result(result, stream, given)
    return 0


def remove(given: argparse.Namespace, settings: Settings, _: OpenSession) -> int:
    """`registry remove`: what was pulled or added goes; what is in use from then on is told."""
    from provider_registry.remote import pulling, sources

    _no_dry_run(given)
    kept = next((home(source) for source in named(settings) if source.home), sources.home())
    there = pulling.pulled(kept)
    gone = pulling.remove(kept, given.provider, given.version or "")
    if not gone:
        versions = there.get(given.provider.casefold(), ())
        what = " ".join(filter(None, (given.provider, given.version)))
        hint = f"there are {', '.join(versions)}" if versions else suggest(given.provider, list(there))
        raise UsageError(f"{what} was not pulled, so there is nothing to remove", hint=hint)
    terminal.say(f"removed: {given.provider} {', '.join(gone)}", given.color)
    found = catalog(settings)
    try:
        now = f"{given.provider} is {found.provider(given.provider).version} now, {found.source(given.provider)}"
    except NotFound:
        now = f"{given.provider} is not known any more"
    terminal.say(now, given.color)
    return 0


def validate(given: argparse.Namespace, settings: Settings, _: OpenSession) -> int:
    """`registry validate`: a line a fault; errors make the exit code 1, warnings do not."""
    from provider_registry.validation import validate as faults_of

    faults = faults_of(_documents(given.path, settings))
    with output.destination(given.outfile) as stream, output.writing(given.outfile or "standard output"):
        stream.writelines(f"{line}\n" for line in _lines(faults))
    counts = Counter(fault.severity for fault in faults)
    told = [many(counts[severity], severity) for severity in ("error", "warning") if counts[severity]]
    terminal.say(", ".join(told) or f"no faults in {given.path}", given.color)
    return 1 if counts["error"] else 0


def importing(given: argparse.Namespace, settings: Settings, _: OpenSession) -> int:
    """`registry import`: an OpenAPI document into provider documents, and what to look at in them."""
    from provider_registry.importing.writing import Taken, make

    _no_dry_run(given)
    path, out = Path(given.path), Path(given.out)
    if not path.is_file():
        raise UsageError(f"cannot read {given.path}: there is no such file")
    if not (plain_name(given.provider) and given.provider.isidentifier()):
        raise UsageError(
            f"{given.provider!r} is no name for a provider", hint="letters, digits and _, such as my_api"
        )
    try:
        made = make(path, given.provider, out, given.service_by, settings.servers.get(given.provider, ""))
    except Taken as taken:
        raise UsageError(
            f"{taken} is there already, and stays as it is", hint="move it away, or write elsewhere with --out"
        ) from None
    except BadDocument as bad:
        raise DocumentError(f"{given.path} cannot be imported:", bad.faults, hint=_mended(bad, given)) from bad
    except OSError as error:
        raise UsageError(f"cannot write {error.filename or out}: {error.strerror or error}") from error
    for remark in made.remarks:
        terminal.say(f"note: {remark}", given.color)
    counts = (many(made.services, "service"), many(made.resources, "resource"), many(made.methods, "method"))
    terminal.say(f"written: {made.folder}: {', '.join(counts)}", given.color)
    terminal.say(f'hint: stratoql exec --registry {given.out} "SHOW SERVICES IN {given.provider}"', given.color)
    return 0


def _mended(bad: BadDocument, given: argparse.Namespace) -> str | None:
    """What to do where the document alone does not say enough."""
    if [fault.pointer for fault in bad.faults] == ["/servers"]:
        return f"say where it is: --server {given.provider}=https://..."
    return None


def _lines(faults: list[Fault]) -> list[str]:
    return [printable(f"{fault.severity}: {fault}") for fault in faults]


def _documents(path: str, settings: Settings) -> Path:
    """What a person means: a file or folder, or else a provider."""
    if Path(path).exists():
        return Path(path)
    try:
        return catalog(settings).folder(path)
    except NotFound as missing:
        raise UsageError(
            f"cannot read {path}: there is no such file, folder or provider", hint=suggest(path, missing.known)
        ) from None


def _statement(action: str, *words: str | None) -> str:
    return " ".join(["REGISTRY", action, *(quote_text(word) for word in words if word is not None)])


def _no_dry_run(given: argparse.Namespace) -> None:
    if given.dryrun:
        raise UsageError(f"--dryrun does not go with registry {given.action}", hint="it sends nothing anyway")


def _consent(given: argparse.Namespace) -> Consent | None:
    """Who is asked before documents reach further than before: a flag, a person, nobody."""
    if given.yes:
        return lambda question: _say(question, given)
    if sys.stdin is None or sys.stderr is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return lambda question: _say(question, given) and _answered()


def _say(question: Question, given: argparse.Namespace) -> bool:
    terminal.say(question.text, given.color)
    return True


def _answered() -> bool:
    """Whether a person says yes. Whoever leaves the question has not."""
    from engine.repl.confirm import yes

    sys.stderr.write("Install it? [y/N] ")
    sys.stderr.flush()
    return yes(sys.stdin.readline())


ACTIONS: Mapping[str, Action] = {
    "list": listing,
    "pull": pull,
    "add": add,
    "remove": remove,
    "validate": validate,
    "import": importing,
}

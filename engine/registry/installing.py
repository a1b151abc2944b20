"""The second half of PULL, and `add`: documents read to the end, asked about, and put in their place.

What a document would change about where requests and credentials go is asked before it is installed. `Consent` is
shown it; without one there is nobody to ask, and the documents are refused.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from engine.errors import Declined, DocumentError, Refused, StratoqlError
from engine.explain import many
from engine.registry import home, named
from engine.registry.asking import Fetched
from engine.result import Result, ResultColumn
from engine.settings import Settings
from provider_registry.faults import BadDocument
from provider_registry.layout import PROVIDER_FILE, newest, provider_folders
from provider_registry.remote import pulling
from provider_registry.remote.archives import BadArchive
from provider_registry.remote.pulling import Staged
from provider_registry.remote.reach import Change
from provider_registry.remote.sources import Source

_SHOWN = 10  # hosts, services
_COLUMNS = (
    ResultColumn("provider", "string"),
    ResultColumn("version", "string"),
    ResultColumn("services", "integer"),
    ResultColumn("registry", "string"),
)


class Question(Struct, frozen=True):
    """Documents that would send what was not sent so far. `command` is the one that says yes to it."""

    text: str
    command: str


Consent = Callable[[Question], bool]


def installed(fetched: Fetched, settings: Settings, consent: Consent | None) -> Result:
    """Install what a PULL fetched. Raises DocumentError, Declined, Refused; then everything is as it was."""
    command = f"stratoql registry pull {shlex.quote(fetched.provider)} {shlex.quote(fetched.version)}"
    return _installed(fetched, command, settings, consent)


def added(path: Path, settings: Settings, consent: Consent | None) -> Iterator[Result]:
    """Documents of this machine, installed as if they were pulled: an archive's, or a folder's."""
    kept = next((source.home for source in named(settings) if source.home), None)
    source = Source(folder=path.absolute(), home=kept)
    command = f"stratoql registry add {shlex.quote(str(path))}"
    for place in _documents(path):
        found = place.read_bytes() if place.is_file() else place
        yield _installed(Fetched(source, "", "", found, pinned=False), command, settings, consent)


def _documents(path: Path) -> Iterator[Path]:
    """What is at a path: an archive, the folder of a version, or what counts below a folder with `src/`."""
    if path.is_file() or (path / PROVIDER_FILE).is_file():
        yield path
        return
    folders = list(provider_folders(path).values()) if (path / "src").is_dir() else [path]
    found = [file.parent for folder in folders if path.is_dir() and (file := newest(folder)) is not None]
    if not found:
        raise DocumentError(
            f"there are no provider documents in {path}",
            (),
            hint="name an archive (.tgz), the folder of a version, or a folder that holds src/",
        )
    yield from found


def _installed(fetched: Fetched, command: str, settings: Settings, consent: Consent | None) -> Result:
    source = fetched.source
    try:
        with pulling.stage(home(source)) as stage:
            staged = _staged(fetched, stage)
            change, before = pulling.change(staged, home(source))
            if change:
                _ask(Question(_told(staged, change, before), _whole(command, settings)), consent)
            target = pulling.install(staged, home(source), source.name, pinned=fetched.pinned)
    except OSError as error:
        raise StratoqlError(
            f"cannot write {error.filename or home(source)}: {error.strerror or error}",
            hint="nothing was installed; make the folder writable, or make room there, and say it again",
        ) from error
    return _result(staged, source, target)


def _staged(fetched: Fetched, stage: Path) -> Staged:
    """Documents unpacked or copied, and read. Raises DocumentError with all that is wrong."""
    what = f"{fetched.provider} {fetched.version}".strip() or fetched.source.name
    try:
        if isinstance(fetched.found, Path):
            return pulling.from_folder(fetched.found, stage)
        return pulling.from_archive(fetched.found, stage, fetched.provider, fetched.version)
    except BadArchive as bad:
        raise DocumentError(f"the archive of {what} is refused: {bad}", (), hint="nothing was installed") from bad
    except BadDocument as bad:
        raise DocumentError(f"{what} cannot be used and was not installed:", bad.faults) from bad


def _ask(question: Question, consent: Consent | None) -> None:
    if consent is None:
        raise Refused(question.text, hint=f"nothing was installed; if that is right: {question.command}")
    if not consent(question):
        raise Declined("not installed: everything is as it was")


def _whole(command: str, settings: Settings) -> str:
    """A command with the registries it is about, and the answer."""
    return " ".join([command, *(f"--registry {shlex.quote(entry)}" for entry in settings.registry), "--yes"])


def _told(staged: Staged, change: Change, before: str) -> str:
    """What would be sent where, a line each."""
    what, lines = f"{staged.provider} {staged.version}", []
    if change.hosts:
        lines.append(f"{what} sends to {_listed(change.hosts)}, where {staged.provider} {before} did not")
        going = [place for place, hosts in staged.found.reach.shown.items() if hosts & set(change.hosts)]
        if going:
            lines.append(f"the secret in {' or '.join(going)} would go there")
    for place, other, hosts in change.strays:
        lines.append(f"{what} would send the secret in {place}, which {other} uses too, to {_listed(hosts)}")
    return "\n".join(lines)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _result(staged: Staged, source: Source, target: Path) -> Result:
    services, broken = len(staged.found.services), staged.found.broken
    warnings = []
    if broken:
        told = f"{many(len(broken), 'service')} of {staged.provider} cannot be used ({_listed(broken)})"
        warnings.append(f"{told}: stratoql registry validate {staged.provider} tells why")
    if source.signed:
        warnings.append("signatures are not checked: what protects the documents is https, and that you are asked")
    return Result(
        _COLUMNS,
        iter([(staged.provider, staged.version, services, source.name)]),
        messages=[f"installed in {target}"],
        warnings=warnings,
    )

"""The file of a call to where its answer says. Its address is kept until then, so that it can be sent again."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from msgspec.structs import replace

from engine.arguments import Job
from engine.errors import CallError, NotSent, StratoqlError, Unready
from engine.lifecycle import Wire, kept
from engine.lifecycle.awaiting import row_name, rows_of
from engine.lifecycle.kept import Kept
from engine.lifecycle.parcels import looked_at, parcel
from engine.planner.plan import COMPRESS_ARGUMENT, FILE_ARGUMENT, Step
from engine.settings import Settings
from engine.wire.call import Page
from engine.wire.exchange import bare
from engine.wire.masking import clean
from engine.wire.request import prepare
from engine.wire.servers import base_url, origin
from engine.wire.uploads import Body, permitted
from provider_registry.catalog import Catalog
from provider_registry.faults import BadDocument, NotFound
from provider_registry.model import Upload


async def send(
    step: Step,
    job: Job,
    pages: list[Page],
    body: Body,
    wire: Wire,
    settings: Settings,
    arrived: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Send the file of a call that has been answered. Its address leaves `pages`: it is of no more use.

    Raises Unready where the file did not arrive; then it says how to send it again.
    """
    rule, awaiting = step.method.upload, step.awaiting
    assert rule is not None  # a call without the one has no file
    assert awaiting is not None  # nor without the other
    name = row_name(step, job, pages)
    waiting = Kept(
        name=name,
        where=where(settings, origin(prepare(job.call, settings).url)),
        resource=step.resource,
        address=_taken_out(step, pages, rule),  # in no variable of its own, which a traceback could show
        expires=wire.clock.wall() + rule.seconds,
        rule=rule,
        rows=rows_of(step, awaiting, [name]),
        file=str(job.row.get(FILE_ARGUMENT)),
    )
    try:
        permitted(waiting.address)
    except NotSent as error:
        raise _not_there(step, job, waiting, str(error), keeping=False) from bare(error)
    keeping = settings.sandbox != "" and kept.keep(waiting, wire.clock.wall())  # one in memory is gone with us
    try:
        await wire.put(waiting.address, body, waiting.expires)
    except CallError as error:
        raise _not_there(step, job, waiting, str(error), keeping, arrived=error.arrived) from bare(error)
    except asyncio.CancelledError as cancelled:
        raise _not_there(step, job, waiting, "interrupted", keeping) from cancelled.with_traceback(None)
    if arrived is not None:
        await arrived()
    kept.drop(waiting)


async def send_again(
    path: str, name: str, wire: Wire, settings: Settings, catalog: Catalog, *, compress: bool
) -> Kept:
    """Send a file to an upload that waits for it; which one that was.

    Raises UsageError where none of that name waits, InvalidValue or Refused for the file, CallError where it did not
    arrive; the address is kept then.
    """
    waiting = kept.find(name, lambda each: _belongs(each, settings, catalog), wire.clock.wall())
    async with parcel(looked_at(path, waiting.rule, compress, "--compress"), waiting.rule, wire) as body:
        try:
            await wire.put(waiting.address, body, waiting.expires)
        except CallError as error:
            error.hint = f"{name} waits until {waiting.until}: {error.hint or 'send it again'}"
            raise bare(error) from None
    kept.drop(waiting)
    return waiting


def _belongs(each: Kept, settings: Settings, catalog: Catalog) -> bool:
    """Whether an upload is one of the API that the settings lead to."""
    try:
        provider, *rest = each.resource.split(".")
        method = next(iter(catalog.resource(provider, *rest).methods.values()))
        home = origin(base_url(provider, method.server, settings, {}))
    except (NotFound, BadDocument, StratoqlError):
        return False
    return each.where == where(settings, home)


def where(settings: Settings, home: str) -> str:
    """Which API an upload belongs to: ids of a sandbox are none of the real one's."""
    return home if settings.sandbox is None else f"sandbox {os.path.abspath(settings.sandbox)}"


def _taken_out(step: Step, pages: list[Page], rule: Upload) -> str:
    """The address in an answer, which leaves the row: it is a permission, and about to be used."""
    column = rule.url.removeprefix("$.")
    names = [each.name for each in step.fetched]
    if column not in names or not pages or not pages[0].rows:
        return ""
    at, row = names.index(column), list(pages[0].rows[0])
    address, row[at] = row[at], None
    pages[0] = replace(pages[0], rows=[tuple(row), *pages[0].rows[1:]])
    return address if isinstance(address, str) else ""


def command(file: str, name: str, *, compress: bool) -> str:
    """What sends a file again; whatever is in the names, a shell takes them for names."""
    return f"stratoql upload {shlex.quote(file)} --to {shlex.quote(name)}{' --compress' if compress else ''}"


def _at(address: str) -> str:
    """Where a file would go, as far as anybody may know; nothing where there is no such place."""
    try:
        host = urlsplit(address).hostname
    except ValueError:
        return ""
    return f" at {clean(host)}" if host else ""


def _not_there(step: Step, job: Job, waiting: Kept, why: str, keeping: bool, *, arrived: bool = False) -> Unready:
    """What to do about a file that did not arrive."""
    lines = [
        f"the file did not arrive: {why}" if not arrived else f"whether the file arrived is not known: {why}",
        f"{waiting.name} waits for it{_at(waiting.address)} until {waiting.until}",
    ]
    again = command(waiting.file, waiting.name, compress=job.row.get(COMPRESS_ARGUMENT) in (1, "true"))
    hint = f"send it again while it waits: {again}" if keeping else "begin the upload again; its address was not kept"
    if arrived:
        hint = f"an attempt was sent whole and never answered, so look first: {waiting.waits}; or {hint}"
    return Unready(
        "\n  ".join(lines), states={waiting.name: "without its file"}, done=[dict(job.call.args)], hint=hint
    )

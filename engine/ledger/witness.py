"""A run of a write in the ledger: what is planned, what is about to be sent, what became of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from engine.arguments import Job
from engine.errors import ApiError, NotSent
from engine.ledger import masks
from engine.ledger.file import File
from engine.ledger.lines import Event, Line, Planned
from engine.ledger.masks import Scrub
from engine.outcomes import Outcome
from engine.planner.plan import COMPRESS_ARGUMENT, FILE_ARGUMENT, Step
from engine.settings import Settings
from engine.wire.call import Call
from engine.wire.masking import at_hand, clean, masked
from engine.wire.request import prepare
from engine.wire.servers import origin

_SHOWN = 200  # characters of the statement in the line of a call; the line of the run has all of it


class Account(NamedTuple):
    """With whom a run talks: the API's origin, and a fingerprint of the credential that only serves to compare.

    `named` has one for each account that was named, by its name; then there is no other.
    """

    api: str
    account: str
    named: dict[str, str]


def new_run() -> str:
    """A name for a run: when it began, and what tells it from others of that second."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def planned(todo: Sequence[Job], settings: Settings, scrub: Scrub) -> list[Planned]:
    """The calls as the line of a run has them."""
    return [_planned(number, job, settings, scrub) for number, job in enumerate(todo, 1)]


def _planned(number: int, job: Job, settings: Settings, scrub: Scrub) -> Planned:
    args, secret = masks.arguments(job.call.args, scrub)
    before, _ = masks.arguments({name: masks.document(value) for name, value in job.before.items()}, scrub)
    file, compress = _file(job)
    if file is not None and scrub(file) != file:
        file, secret = scrub(file), True
    return Planned(number, *where(job, settings, scrub), job.call.account, args, before, secret, file, compress)


def _file(job: Job) -> tuple[str | None, bool]:
    """The file of a call, by a path that holds in other folders too, and whether it may be compressed."""
    given = job.row.get(FILE_ARGUMENT)
    if given is None:
        return None, False
    return str(Path(given).expanduser().absolute()), job.row.get(COMPRESS_ARGUMENT) in (1, "true")


def where(job: Job, settings: Settings, scrub: Scrub) -> tuple[str, str, str]:
    """Method, path and label of a call."""
    request = prepare(job.call, settings)
    parts = urlsplit(masked(request.url))
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return request.method, scrub(path), scrub(job.label)


class Witness:
    """Writes down what becomes of the calls of a run. Lines are written in a thread of its own, one after another:
    the loop, which others' reads share, does not wait for the disk.
    """

    def __init__(self, file: File, run: str, calls: Sequence[Planned], statement: str, scrub: Scrub) -> None:
        self._file = file
        self.run = run
        self._calls = calls
        self._statement = clean(statement, _SHOWN)
        self._scrub = scrub
        self._thread = ThreadPoolExecutor(1, "ledger")
        self.broken: NotSent | None = None  # why nothing more can be written down
        self._open: set[int] = set()  # calls of which the last line says that they are about to be sent

    async def intend(self, number: int) -> None:
        """A call is about to leave."""
        try:
            await self._write("sending", number)
        except NotSent as error:
            error.hint = error.hint or "nothing is sent that cannot be written down"
            raise

    async def settle(self, number: int, outcome: Outcome) -> None:
        """What became of a call is known."""
        await self._write(_event(outcome), number, **self._facts(outcome))

    async def deliver(self, number: int) -> None:
        """The file of a call has arrived."""
        await self._write("file", number, note=self._calls[number].file)

    def conclude(self, outcomes: Sequence[Outcome]) -> None:
        """After an interruption: what had been sent is unknown, what had only been intended was not sent."""
        self._thread.shutdown()  # what was being written is written
        try:
            for number in sorted(self._open):
                self._append(_event(outcomes[number]), number, **self._facts(outcomes[number]))
        except NotSent:
            return  # who reads the ledger takes it for unknown, which is no more than is true

    def close(self) -> None:
        """Let go of the file. Nothing is under way any more."""
        self._file.close()

    async def _write(self, event: Event, number: int, **more: Any) -> None:
        def append() -> None:
            self._append(event, number, **more)

        await asyncio.get_running_loop().run_in_executor(self._thread, append)

    def _append(self, event: Event, number: int, **more: Any) -> None:
        call = self._calls[number]
        more |= {"method": call.method, "path": call.path, "key": call.key}
        if event != "sending":
            more["statement"] = self._statement
        try:
            self._file.append(Line(event, self.run, now(), call.call, **more))
        except NotSent as error:
            self.broken = error
            raise
        # Here, not where it is waited for: who is cancelled meanwhile does not come back to it.
        (self._open.add if event == "sending" else self._open.discard)(number)

    def _facts(self, outcome: Outcome) -> dict[str, Any]:
        """Status, id and error of an outcome."""
        if outcome.state == "done":
            page = outcome.pages[0] if outcome.pages else None
            return {"status": page.status if page else None, "id": outcome.made}
        if outcome.error is None:
            return {"error": "interrupted before the answer came"} if outcome.state == "sent" else {}
        status = outcome.error.status if isinstance(outcome.error, ApiError) else None
        return {"status": status, "error": self._scrub(outcome.error.message)}


def _event(outcome: Outcome) -> Event:
    match outcome.state:
        case "done" | "failed" | "unsent":
            return outcome.state
    return "unknown"


def now() -> str:
    """The moment, in UTC, to the second."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


class Signed(Protocol):
    """What knows the credentials of a statement: its traffic."""

    def fingerprint(self, call: Call, url: str, home: str, salt: str) -> str:
        """What tells whose requests these are, for one salt."""
        ...

    def scrub(self, text: str) -> str:
        """A text without any secret that has been used."""
        ...


def account(todo: Sequence[Job], settings: Settings, traffic: Signed, run: str) -> Account:
    """With whom the calls of a run talk. A sandbox is an API of its own. Raises CredentialError."""
    first = todo[0]
    url = prepare(first.call, settings).url
    each = {job.call.account: job for job in todo}
    prints = {name: traffic.fingerprint(job.call, url, origin(url), run) for name, job in each.items()}
    named = {name: told for name, told in prints.items() if name is not None}
    if settings.sandbox is None:
        return Account(origin(url), prints.get(None, ""), named)
    kept = f"the sandbox {Path(settings.sandbox).absolute()}" if settings.sandbox else "a sandbox in memory"
    return Account(kept, prints.get(None, ""), named)


def begin(
    path: str,
    step: Step,
    todo: Sequence[Job],
    statement: str,
    settings: Settings,
    traffic: Signed,
    hidden: Collection[str] = (),
) -> Witness:
    """Open the ledger and write down what is planned, before any of it leaves.

    `hidden` are secrets beside those at hand. Raises UsageError, NotSent, CredentialError.
    """
    run = new_run()
    talks = account(todo, settings, traffic, run)
    scrub = masks.scrubber([*hidden, *([] if settings.sandbox is not None else at_hand(settings))], traffic.scrub)
    calls = planned(todo, settings, scrub)
    told = masks.statement(statement, secret=any(call.secret for call in calls), scrub=scrub)
    file = File(path)
    try:
        write_run(file, step, calls, told, talks, run)
    except BaseException:
        file.close()
        raise
    return Witness(file, run, calls, told, scrub)


def write_run(file: File, step: Step, calls: Sequence[Planned], statement: str, talks: Account, run: str) -> None:
    """Write down what is planned. Nothing masked may be left in it. Raises NotSent."""
    file.append(
        Line(
            "run",
            run,
            now(),
            method=f"{step.resource}.{step.method.name}",
            verb=step.verb,
            provider=step.provider,
            api=talks.api,
            account=talks.account,
            accounts=talks.named or None,
            calls=list(calls),
            statement=statement,
        )
    )

"""What each command does. A command answers its exit code or raises."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import TypeAlias

from engine import settings
from engine.cli import arguments, output
from engine.cli.ledgers import resume, undo
from engine.cli.running import OpenSession, run_scripts, run_statements
from engine.cli.scripts import STDIN, from_argument, from_file
from engine.errors import Source, UsageError

Command: TypeAlias = Callable[[argparse.Namespace, OpenSession], int]


def execute(given: argparse.Namespace, open_session: OpenSession) -> int:
    """`exec`: the statements of the command line or of a file."""
    if (given.sql is None) == (given.infile is None):
        wrong = "exec needs statements" if given.sql is None else "exec takes statements or --infile, not both"
        raise UsageError(
            wrong, hint='stratoql exec "SELECT ..." or stratoql exec -i FILE; `-i -` reads what is piped in'
        )
    if given.sql is None:
        return _run([from_file(given.infile)], given, open_session)
    source = from_argument(given.sql)
    if given.on_error == "continue" or arguments.data_flags(given):
        return _run([source], given, open_session)
    run_statements(source.text, _settings(given), given, open_session)  # as typed: no template is looked for
    return 0


def run(given: argparse.Namespace, open_session: OpenSession) -> int:
    """`run`: files, all of which must be there before the first is run."""
    return _run([from_file(path) for path in given.files], given, open_session)


def shell(given: argparse.Namespace, open_session: OpenSession) -> int:
    """`shell`: statements as they are typed; piped in, they are a script like any other."""
    if sys.stdin is None or not sys.stdin.isatty():
        return _run([from_file(STDIN)], given, open_session)
    for flag in arguments.data_flags(given):
        raise UsageError(f"{flag} does not go with the shell", hint="stratoql run FILE fills scripts in")
    from engine import repl

    return repl.main(_settings(given), given)


def unnamed(given: argparse.Namespace, open_session: OpenSession) -> int:
    """No command: a file if one is given, else the shell."""
    if given.infile is None:
        return shell(given, open_session)
    return _run([from_file(given.infile)], given, open_session)


def sandbox(given: argparse.Namespace, open_session: OpenSession) -> int:
    """`sandbox`: the simulated API on a port, until it is stopped."""
    from engine.sandbox.command import run as serve

    return serve(given.port, given.state, rate_limit=not given.no_rate_limit, faults=given.faults)


def registry(given: argparse.Namespace, open_session: OpenSession) -> int:
    """`registry`: provider documents, here and elsewhere."""
    from engine.cli.registry import ACTIONS

    return ACTIONS[given.action](given, _settings(given), open_session)


def manifest(given: argparse.Namespace, open_session: OpenSession) -> int:
    """`manifest`: what an INSERT takes, as a file to fill in."""
    run_statements(f"SHOW MANIFEST IN {given.resource}", _settings(given), given, open_session)
    return 0


def upload(given: argparse.Namespace, open_session: OpenSession) -> int:
    """`upload`: a file again, to an upload that has broken off."""
    from engine.cli.uploading import upload as send

    return send(_settings(given), given)


def config(given: argparse.Namespace, open_session: OpenSession) -> int:
    """`config`: a file to begin with, or what is in force and why."""
    from engine.cli import config as configuration

    return {"init": configuration.init, "show": configuration.show}[given.action](given)


def completion(given: argparse.Namespace, open_session: OpenSession) -> int:
    """`completion`: a script for the user's shell, made from the parser."""
    import shtab

    parser = arguments.build()
    for _, action in arguments.spellings(parser):
        if action.metavar in ("FILE", "FOLDER"):
            vars(action)["complete"] = shtab.FILE if action.metavar == "FILE" else shtab.DIRECTORY
    with output.writing("standard output"):
        output.standard_output().write(shtab.complete(parser, given.shell) + "\n")
    return 0


def _run(scripts: list[Source], given: argparse.Namespace, open_session: OpenSession) -> int:
    from engine.data import gather

    data = gather(given.iqldata, given.var, given.allow_env)
    run_scripts(scripts, data, _settings(given), given, open_session)
    return 0


def _settings(given: argparse.Namespace) -> settings.Settings:
    return settings.load(arguments.settings_given(given))


COMMANDS: Mapping[str | None, Command] = {
    None: unnamed,
    "exec": execute,
    "run": run,
    "shell": shell,
    "sandbox": sandbox,
    "registry": registry,
    "manifest": manifest,
    "upload": upload,
    "config": config,
    "completion": completion,
    "resume": resume,
    "undo": undo,
}

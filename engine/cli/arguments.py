"""The flags and commands, as argparse knows them.

Every flag may stand before or after the command: the parser of each command has them all. A test compares them with
the reference in the README.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from engine.cli import values
from engine.cli.flags import FLAGS, PROGRAM, Gather
from engine.cli.mistaken import of_argument, of_command
from engine.errors import UsageError
from engine.formats import by_suffix

SHELLS = ("bash", "zsh", "tcsh")
SETTINGS = (
    "account",
    "partial",
    "servers",
    "registry",
    "sandbox",
    "timeout",
    "max_requests",
    "max_writes",
    "concurrency",
    "page_size",
    "pushdown",
    "insecure_http",
    "ledger",
)
SHELL = ("prompt", "init_command", "history", "confirm")
_DEFAULTS: dict[str, Any] = {
    "command": None,
    "infile": None,
    "iqldata": (),
    "var": (),
    "allow_env": (),
    "on_error": "stop",
    "output": None,
    "outfile": None,
    "delimiter": ",",
    "hideheaders": False,
    "dryrun": False,
    "timing": False,
    "verbose": False,
    "color": "auto",
    **dict.fromkeys(SHELL),
    **dict.fromkeys(SETTINGS),
}
_EPILOG = """\
examples:
  stratoql exec --sandbox "SELECT id, label, size FROM linode.images.images WHERE is_public = false"
  stratoql run -o csv -f images.csv report.iql
  echo "SHOW PROVIDERS" | stratoql
"""


def parse(argv: Sequence[str]) -> argparse.Namespace | None:
    """What the command line says; None where it asked for help or the version, and got it. Raises UsageError."""
    parser = build()
    try:
        given, unknown = parser.parse_known_args(_sandbox_apart(argv), argparse.Namespace(**_DEFAULTS))
    except SystemExit:
        return None
    if unknown:
        flags = sorted({name for name, _ in spellings(parser)})
        hint = of_argument(unknown[0], flags)
        raise UsageError(f"cannot make sense of the argument {unknown[0]!r}", hint=hint)
    given.chosen = given.output is not None  # else a table may become what suits the screen better
    given.output = given.output or by_suffix(given.outfile) or "table"
    return given


def settings_given(given: argparse.Namespace) -> dict[str, Any]:
    """The settings among the flags, by the names `settings.load` knows; None where a flag is absent."""
    found = {name: getattr(given, name) for name in SETTINGS}
    return found | {"servers": found["servers"] and dict(found["servers"])}


def data_flags(given: argparse.Namespace) -> list[str]:
    """The flags among those given that fill scripts in."""
    return [f"--{name.replace('_', '-')}" for name in ("iqldata", "var", "allow_env") if getattr(given, name)]


def spellings(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """Every flag of a parser and of its commands, spelling by spelling; shared ones come once a command."""
    for action in parser._actions:
        yield from ((name, action) for name in action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from spellings(command)


def _sandbox_apart(argv: Sequence[str]) -> list[str]:
    """The arguments with a bare `--sandbox` made whole, or it would take the statement behind it for its file."""
    end = argv.index("--") if "--" in argv else len(argv)
    return ["--sandbox=" if word == "--sandbox" else word for word in argv[:end]] + list(argv[end:])


class _Parser(argparse.ArgumentParser):
    """A parser that raises where argparse would print and exit."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"`{self.prog} --help` lists what there is")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """What is no command may be a statement or a file, or one that is misspelled."""
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            if not isinstance(action, argparse._SubParsersAction):
                raise
            hint = of_command(value, list(action.choices)) or f"`{self.prog} --help` lists what there is"
            raise UsageError(str(error), hint=hint) from None


def build() -> argparse.ArgumentParser:
    """The whole parser."""
    flags = _Parser(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
    for names, what in FLAGS.items():
        flags.add_argument(*names, **what)
    parser = _Parser(
        prog=PROGRAM,
        description="SQL over cloud APIs. Without a command: a shell on a terminal, else the statements piped in.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
        parents=[flags],
    )
    _add_commands(parser, flags)
    return parser


def _add_commands(parser: argparse.ArgumentParser, flags: argparse.ArgumentParser) -> None:
    """The commands, each with all flags."""
    common: dict[str, Any] = {
        "parents": [flags],
        "argument_default": argparse.SUPPRESS,
        "allow_abbrev": False,
    }
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=_Parser)

    execute = commands.add_parser("exec", help="run the statements given here or in a file (-i)", **common)
    execute.add_argument("sql", metavar="SQL", nargs="?", default=None, help="statements, apart by `;`")

    run = commands.add_parser("run", help="run scripts in order, filled in with data", **common)
    run.add_argument("files", metavar="FILE", nargs="+", help="a file of statements; `-` is standard input")

    commands.add_parser("shell", help="type statements and see their rows", **common)

    sandbox = commands.add_parser("sandbox", help="serve the simulated API on this machine", **common)
    sandbox.add_argument(
        "--port", metavar="N", type=values.port, default=0, help="where to listen on 127.0.0.1; default any"
    )
    sandbox.add_argument("--state", metavar="FILE", default=None, help="keep the sandbox's state in FILE")
    sandbox.add_argument("--no-rate-limit", action="store_true", default=False, help="answer as often as asked")
    sandbox.add_argument(
        "--fault", metavar="SPEC", action=Gather, dest="faults", default=(), help="a fault to show; may be repeated"
    )

    _add_registry(commands, common)

    manifest = commands.add_parser("manifest", help="print a data file for an INSERT, to fill in", **common)
    manifest.add_argument("resource", metavar="RESOURCE", help="such as linode.images.images")

    upload = commands.add_parser(
        "upload",
        help="send a file again to an upload that has broken off",
        description="Sends the file of an EXEC ... @@file again, where that broke off and its address still lives.",
        **common,
    )
    upload.add_argument("file", metavar="FILE", help="the file, relative to where you are")
    upload.add_argument("--to", metavar="ID", required=True, help="what waits for it, as the error named it")
    upload.add_argument("--compress", action="store_true", default=False, help="compress it before, where it must be")

    config = commands.add_parser("config", help="the configuration file: begin one, see what is in force", **common)
    actions = config.add_subparsers(
        dest="action", metavar="ACTION", title="actions", required=True, parser_class=_Parser
    )
    actions.add_parser("init", help="write a commented file, unless there is one", **common)
    actions.add_parser("show", help="every setting, its value, and where that is from", **common)

    resume = commands.add_parser("resume", help="finish the writes of a ledger that were not done", **common)
    undo = commands.add_parser("undo", help="put back what a run of a ledger has changed", **common)
    for command in (resume, undo):
        command.add_argument("ledger_file", metavar="LEDGER", help="a file that --ledger has written")
        command.add_argument("--run", metavar="ID", default=None, help="the run of the ledger that is meant")
        command.add_argument(
            "--same-account",
            action="store_true",
            default=False,
            help="the token is another one of the account that the run was signed in with",
        )
    resume.add_argument("--failed", action="store_true", default=False, help="send those again that the API refused")
    resume.add_argument(
        "--decide",
        metavar="CALL=done|send",
        type=values.decision,
        action=Gather,
        dest="decided",
        default=(),
        help="what became of a call that only you can know: it is done, or shall be sent; may be repeated",
    )
    undo.add_argument("--apply", action="store_true", default=False, help="do it, and write it down in the ledger")

    completion = commands.add_parser("completion", help="print a script that completes commands and flags", **common)
    completion.add_argument("shell", choices=SHELLS, help="the shell it is for")


def _add_registry(commands: Any, common: dict[str, Any]) -> None:
    """`registry` and its actions."""
    registry = commands.add_parser("registry", help="provider documents: find, install, check, make them", **common)
    actions = registry.add_subparsers(
        dest="action", metavar="ACTION", title="actions", required=True, parser_class=_Parser
    )
    yes: dict[str, Any] = {"action": "store_true", "default": False}
    yes["help"] = "install documents that send requests to further hosts, without a question"
    provider: dict[str, Any] = {"metavar": "PROVIDER", "help": "such as linode"}

    listing = actions.add_parser("list", help="what can be pulled; of one provider, its versions", **common)
    listing.add_argument("provider", nargs="?", default=None, **provider)
    pull = actions.add_parser("pull", help="install the documents of a provider", **common)
    pull.add_argument("provider", **provider)
    pull.add_argument("version", metavar="VERSION", nargs="?", default=None, help="default the newest")
    pull.add_argument("--yes", **yes)
    add = actions.add_parser("add", help="install documents of this machine", **common)
    add.add_argument("path", metavar="PATH", help="an archive, a version's folder, or one that holds src/")
    add.add_argument("--yes", **yes)
    remove = actions.add_parser("remove", help="take away documents that were installed", **common)
    remove.add_argument("provider", **provider)
    remove.add_argument("version", metavar="VERSION", nargs="?", default=None, help="default all")
    validate = actions.add_parser("validate", help="every fault of documents", **common)
    validate.add_argument("path", metavar="PATH", help="a folder, a document, or the name of a provider")
    importing = actions.add_parser("import", help="make provider documents out of an OpenAPI document", **common)
    importing.add_argument("path", metavar="FILE", help="an OpenAPI document, 3.0 or 3.1, YAML or JSON")
    importing.add_argument("--provider", metavar="NAME", required=True, help="what SQL calls the provider")
    importing.add_argument(
        "--service-by",
        choices=("tag", "path"),
        default=None,
        help="what makes a service: the tag of its operations, or the first part of their paths",
    )
    importing.add_argument("--out", metavar="FOLDER", default="providers", help="where to write; default providers")

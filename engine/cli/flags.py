"""The flags as a table, from which help, shell completion and the README's reference come."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from engine.cli import values
from engine.formats import FORMATS
from engine.settings import Settings

PROGRAM = "stratoql"


class Gather(argparse.Action):
    """A repeatable flag. argparse's own `append` forgets, after the command, what stood before it."""

    def __init__(self, option_strings: Sequence[str], dest: str, **rest: Any) -> None:
        super().__init__(option_strings, dest, **rest)
        self.gathered: tuple[Any, ...] = ()

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: Any = None) -> None:
        self.gathered += (values,)
        setattr(namespace, self.dest, self.gathered)


class Version(argparse.Action):
    """Prints the version; looked up only now, because that costs as much as the rest of the start."""

    def __init__(self, option_strings: Sequence[str], dest: str, **rest: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **rest)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version(PROGRAM)
        except PackageNotFoundError:
            number = "(not installed)"
        sys.stdout.write(f"{PROGRAM} {number}\n")
        parser.exit()


FLAGS: Mapping[tuple[str, ...], dict[str, Any]] = {
    ("-i", "--infile"): {"metavar": "FILE", "help": "read the statements from FILE; `-` is standard input"},
    ("-q", "--iqldata"): {
        "metavar": "FILE",
        "action": Gather,
        "help": "fill scripts in with the data of FILE (yaml, json, toml, env, jsonnet); may be repeated",
    },
    ("--var",): {
        "metavar": "NAME=VALUE",
        "type": values.variable,
        "action": Gather,
        "help": "fill scripts in with a value, typed as in YAML; may be repeated",
    },
    ("--allow-env",): {
        "metavar": "NAME",
        "action": Gather,
        "help": "let scripts read an environment variable as {{ env.NAME }}; may be repeated",
    },
    ("--on-error",): {
        "choices": ("stop", "continue"),
        "help": "what a script does when a statement fails; default stop",
    },
    ("-o", "--output"): {
        "metavar": "FORMAT",
        "type": values.output_format,
        "choices": tuple(FORMATS),
        "help": f"{', '.join(FORMATS)}; default table",
    },
    ("-f", "--outfile"): {"metavar": "FILE", "help": "write the data to FILE, which changes only if all goes well"},
    ("-d", "--delimiter"): {
        "metavar": "CHARACTER",
        "type": values.delimiter,
        "help": r"what parts the fields of csv and text; default `,`; `\t` is a tab",
    },
    ("-H", "--hideheaders"): {"action": "store_true", "help": "leave the columns' names out"},
    ("--dryrun",): {
        "action": "store_true",
        "help": "print the plan and requests of each statement; send nothing",
    },
    ("--timing",): {"action": "store_true", "help": "tell what each statement cost: rows, requests, bytes, times"},
    ("-v", "--verbose"): {"action": "store_true", "help": "log what happens, and show tracebacks"},
    ("--color",): {
        "choices": ("auto", "always", "never"),
        "help": "colours; default auto: on a terminal, unless NO_COLOR is set",
    },
    ("--sandbox",): {
        "metavar": "FILE",
        "nargs": "?",
        "help": "talk to a simulated API instead of the network; `--sandbox=FILE` keeps its state in FILE",
    },
    ("--account",): {
        "metavar": "NAMES",
        "action": Gather,
        "help": "speak for accounts of the configuration file, such as prod,staging; may be repeated",
    },
    ("--partial",): {
        "action": "store_const",
        "const": True,
        "help": "let a query go on without an account that fails, with a warning",
    },
    ("--registry",): {
        "metavar": "REGISTRY",
        "action": Gather,
        "help": "a folder with src/, an address, or StackQL's JSON, before all other documents; may be repeated",
    },
    ("--server",): {
        "metavar": "PROVIDER=URL",
        "dest": "servers",
        "type": values.server,
        "action": Gather,
        "help": "send the requests of PROVIDER to another base URL; may be repeated",
    },
    ("--timeout",): {
        "metavar": "SECONDS",
        "type": values.seconds,
        "help": "the time a statement may take; default no end",
    },
    ("--max-requests",): {
        "metavar": "N",
        "type": values.count,
        "help": f"the requests a statement may send; default {Settings.max_requests}",
    },
    ("--max-writes",): {
        "metavar": "N",
        "type": values.count,
        "help": f"the rows a statement may write; default {Settings.max_writes}",
    },
    ("--concurrency",): {
        "metavar": "N",
        "type": values.count,
        "help": f"requests under way at a time; default {Settings.concurrency}",
    },
    ("--page-size",): {
        "metavar": "N",
        "type": values.count,
        "help": "rows to a page; default the largest the API allows",
    },
    ("--no-pushdown",): {
        "action": "store_const",
        "const": False,
        "dest": "pushdown",
        "help": "let no filter travel to the API: the same answer, from more data",
    },
    ("--insecure-http",): {
        "action": "store_const",
        "const": True,
        "help": "allow plain http to hosts other than this one",
    },
    ("--ledger",): {
        "metavar": "FILE",
        "help": "write down every write in FILE as it happens, for resume and undo",
    },
    ("--prompt",): {"metavar": "TEXT", "help": "what stands before what is typed in the shell"},
    ("--init-command",): {"metavar": "SQL", "help": "what the shell runs first"},
    ("--no-history",): {
        "action": "store_const",
        "const": False,
        "dest": "history",
        "help": "keep nothing of what is typed in the shell",
    },
    ("--no-confirm",): {
        "action": "store_const",
        "const": False,
        "dest": "confirm",
        "help": "let the shell write without a question",
    },
    ("--version",): {"action": Version, "help": "print the version"},
}

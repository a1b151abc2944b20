"""What people type who know other programs, and what it is here."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import suggest

_QUOTED = 'a statement is one argument, in quotes: stratoql exec "SELECT ..."'
_COMMANDS = {
    "stratoql --help": "help ? usage",
    "stratoql --version": "version",
    'stratoql exec "SELECT ..."': "query sql execute eval select show describe insert delete",
    "stratoql shell": "repl cli console interactive",
    "stratoql sandbox --port 8080": "serve server srv mock service",
    "stratoql registry pull NAME": "install pull plugin provider init",
    "stratoql config init": "configure login auth",
}
_FLAGS = {
    "--output json": "--json --format --mode --output-format --as",
    "--output csv": "--csv",
    "--infile FILE": "--file --input --script",
    'exec "SELECT ..."': "-c -e --command --execute --query --sql --cmd",
    "--version": "-V",
    "--ledger FILE": "--journal",
    "--dryrun": "--dry-run --check --plan --simulate",
    "--hideheaders": "--no-headers --noheader --no-header --header -t --tuples-only",
    "--outfile FILE": "--out-file --output-file --write-to",
    "LINODE_TOKEN=... in the environment": "--token --auth --api-token --api-key --pat",
    "--max-writes N": "--force",
    "registry pull --yes": "-y",
}
_BY_COMMAND = {word: here for here, words in _COMMANDS.items() for word in words.split()}
_BY_FLAG = {word: here for here, words in _FLAGS.items() for word in words.split()}


def of_command(word: str, known: Sequence[str]) -> str | None:
    """What to say of a word that is no command: it may be a statement, a script, or one that is misspelled.

    >>> of_command("report.iql", []), of_command("query", [])
    ('a script is run by: stratoql run report.iql', 'here that is: stratoql exec "SELECT ..."')
    >>> of_command("exce", ["exec"]), of_command("frob", ["run"])
    ('did you mean exec?', None)
    """
    if " " in word.strip():
        return _QUOTED
    if word.endswith((".iql", ".sql")):
        return f"a script is run by: stratoql run {word}"
    if here := _BY_COMMAND.get(word.lower()):
        return f"here that is: {here}"
    close = suggest(word, known) or ""
    return close if close.startswith("did you mean") else None


def of_argument(word: str, flags: Sequence[str]) -> str | None:
    """What to say of an argument that has no place.

    >>> of_argument("--dry-run", []), of_argument("1", [])
    ('here that is: --dryrun', 'a statement is one argument, in quotes: stratoql exec "SELECT ..."')
    """
    flag = word.partition("=")[0]
    if here := _BY_FLAG.get(flag):
        return f"here that is: {here}"
    return suggest(flag, flags) if word.startswith("-") else _QUOTED

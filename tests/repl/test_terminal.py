"""The shell in a real terminal, a program of its own, from the first key to the last."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from engine.sandbox import TOKEN, serving
from engine.sandbox.faults import Fault

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 20  # seconds, for machines with other things to do


COLOURED = re.compile(r"\x1b\[[0-9;]*(3[0-7]|38)[0-9;]*m")


class Terminal:
    """A shell in a terminal of 100 by 24."""

    def __init__(self, home: Path, *flags: str, prompt: str = "sandbox>", jobs: bool = False, **environ: str) -> None:
        self.prompt = prompt
        editor = home / "editor"
        editor.write_text('#!/bin/sh\nsed -i s/41/42/ "$1"\necho edited\n')
        editor.chmod(0o700)
        (home / "config.toml").touch()
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        settled = {
            "HOME": str(home),
            "TERM": "xterm",
            "STRATOQL_CONFIG": str(home / "config.toml"),
            "EDITOR": str(editor),
            "PAGER": "wc -l",
        }
        command = [sys.executable, "-m", "engine", *flags]
        self.child: pexpect.spawn[str] = pexpect.spawn(
            "bash" if jobs else command[0],
            ["--norc", "--noprofile", "-i"] if jobs else command[1:],
            cwd=str(ROOT),
            env={**kept, **settled, **environ},
            dimensions=(24, 100),
            encoding="utf-8",
            timeout=PATIENCE,
        )
        self.child.delaybeforesend = None
        if jobs:
            self.types(shlex.join(command) + "\r")
        self.ready()

    def sees(self, text: str) -> str:
        """Wait for a text; answers what came before it. The shell asks where the cursor is, and is told."""
        came = ""
        while self.child.expect_exact([text, "\x1b[6n"]):
            came += self.child.before or ""
            self.child.send("\x1b[1;1R")
        return came + (self.child.before or "")

    def ready(self) -> str:
        """Wait for the prompt: what is typed before it the terminal takes for itself. Answers what came before."""
        return self.sees(self.prompt)

    def types(self, keys: str) -> None:
        self.child.send(keys)

    def leaves(self) -> int | None:
        self.types("\x04")
        while self.child.expect_exact([pexpect.EOF, "\x1b[6n"]):
            self.child.send("\x1b[1;1R")
        self.child.close()
        return self.child.exitstatus


@pytest.fixture
def slow() -> Iterator[str]:
    """The address of an API whose lists never come."""
    with serving(faults=[Fault("GET", "^/images$", delay=60, times=None)]) as url:
        yield url


def test_type_complete_run_page_edit_and_leave(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "--sandbox")
    terminal.types("SELECT id AS key FROM linode.images.images WHERE status = 'pend")
    assert COLOURED.search(terminal.sees("value of status"))  # the menu is there
    terminal.types("\t AND is_public = false;\r")
    terminal.sees("private/25112345")
    terminal.sees("1 row, 1 request")
    terminal.ready()
    terminal.types("SELECT id FROM linode.images.images;\r")
    assert terminal.sees("49 rows").endswith("53\r\n")  # wc counted what the pager got, frame and all
    terminal.ready()
    terminal.types("SELECT 41 AS answer;\x18\x05")
    terminal.sees("edited")
    terminal.sees("\x1b[?25h")  # the cursor is back in the prompt
    terminal.types("\r")
    terminal.sees("|       42 |")
    terminal.ready()
    terminal.types("SELECT 'tail' AS t;\r")
    terminal.sees("| tail |")
    terminal.ready()
    terminal.types("\x12AS answer\r\r")  # what was run a while ago, found again
    terminal.sees("|       42 |")
    terminal.ready()
    terminal.types("DELETE FROM linode.images.images")
    terminal.sees("refused: DELETE without a WHERE")
    terminal.types(" WHERE id = 'private/25112345'")
    terminal.sees("1 DELETE")
    terminal.types(";\r")
    terminal.sees("Go on? [y/N]")
    terminal.types("y\r")
    terminal.sees("1 row deleted")
    terminal.ready()
    assert terminal.leaves() == 0
    (history,) = tmp_path.rglob("history")
    assert history.stat().st_mode & 0o777 == 0o600
    assert "SELECT 42 AS answer;" in history.read_text()
    assert "+y" not in history.read_text()


def test_control_c_cancels_what_runs_and_the_shell_goes_on(tmp_path: Path, slow: str) -> None:
    terminal = Terminal(
        tmp_path, "--server", f"linode={slow}", "--no-history", prompt="stratoql>", LINODE_TOKEN=TOKEN
    )
    terminal.sees("token *** of LINODE_TOKEN")
    terminal.types("SELECT id FROM linode.images.images;")
    terminal.sees("all pages of images")
    terminal.types("\r")
    time.sleep(0.7)
    terminal.types("\x03")
    terminal.sees("interrupted")
    terminal.ready()
    terminal.types("SELECT id FROM linode.images.images WHERE id = 'linode/debian12';\r")
    terminal.sees("1 row, 1 request")
    terminal.ready()
    assert terminal.leaves() == 0
    assert not list(tmp_path.rglob("history"))


def test_control_z_stops_it_and_what_was_typed_is_still_there(tmp_path: Path) -> None:
    """Only a shell with jobs can have one stopped."""
    terminal = Terminal(tmp_path, "--sandbox", jobs=True, PS1="jobs>")
    terminal.types("SELECT 40 + \x1a")
    terminal.sees("Stopped")
    terminal.types("fg\r")
    terminal.ready()
    terminal.types("2 AS answer;\r")
    terminal.sees("|       42 |")
    terminal.ready()
    terminal.types("DELETE FROM linode.images.images WHERE id = 'private/25112345';\r")
    terminal.sees("Go on? [y/N]")
    terminal.types("\x1a")
    terminal.sees("Stopped")
    terminal.types("fg\r")
    terminal.sees("Go on? [y/N]")
    terminal.types("\x03")
    terminal.sees("not done: nothing was written")
    terminal.ready()
    terminal.types("\\q\r")
    terminal.sees("jobs>")
    terminal.types("exit 7\r")
    assert terminal.leaves() == 7


def test_no_colour_where_none_is_wanted(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "--sandbox", "--prompt", "({where}) ", prompt="(sandbox)", NO_COLOR="1")
    terminal.types("SELECT 'x' AS y;\r")
    assert not COLOURED.search(terminal.sees("1 row") + terminal.ready())
    terminal.leaves()


def test_a_termination_ends_it(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "--sandbox")
    terminal.child.kill(signal.SIGTERM)
    terminal.sees("terminated")
    terminal.child.expect(pexpect.EOF)
    terminal.child.close()
    assert terminal.child.exitstatus == 143


def test_piped_in_it_is_a_script(tmp_path: Path) -> None:
    environ = {**os.environ, "STRATOQL_CONFIG": os.devnull}
    delete = "DELETE FROM linode.images.images WHERE id = 'private/19044871'; SELECT 1 AS a;"
    done = subprocess.run(
        [sys.executable, "-m", "engine", "--sandbox", "-o", "csv"],
        cwd=ROOT,
        env=environ,
        input=delete,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "a\n1\n", "1 row deleted\n")

"""Whole processes: what only the operating system can show."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    names = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_START")
    kept = {name: value for name in names if (value := os.environ.get(name)) is not None}
    return kept | {"STRATOQL_CONFIG": os.devnull, "PYTHONWARNINGS": "error"}


def start(
    environment: dict[str, str], *argv: str, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    command = [sys.executable, *argv]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
    )


def finished(process: subprocess.Popen[bytes]) -> tuple[int, bytes | None, bytes | None]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def fake(*argv: str) -> tuple[str, ...]:
    """A run whose session gives the answers of that name."""
    return ("-m", "tests.cli.fakes", *argv)


def test_a_reader_that_goes_away_ends_it_quietly(environment: dict[str, str]) -> None:
    for output in ("json", "csv", "vertical"):
        process = start(environment, *fake("endless", "exec", "-H", "-o", output, "..."))
        assert process.stdout is not None
        process.stdout.read(100)
        process.stdout.close()
        assert process.stderr is not None
        assert (process.stderr.read(), process.wait(30)) == (b"", 141)
        process.stderr.close()


def test_a_reader_that_never_was(environment: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    for argv in (fake("two", "exec", "..."), ("-m", "engine", "--help"), ("-m", "engine", "completion", "bash")):
        assert finished(start(environment, *argv, stdout=writer)) == (141, None, b"")
    os.close(writer)


def test_a_full_disk_is_told(environment: dict[str, str]) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this platform")
    with open("/dev/full", "wb") as full:
        process = start(environment, *fake("two", "exec", "..."), stdout=full.fileno())
        assert finished(process) == (1, None, b"error: cannot write standard output: No space left on device\n")


def test_nobody_listening_to_errors_is_no_error(environment: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code, out, _ = finished(start(environment, *fake("broken", "exec", "-o", "jsonl", "..."), stderr=writer))
    os.close(writer)
    assert (code, out) == (1, b'{"id":"private/1","size":20}\n')


@pytest.mark.parametrize(
    ("number", "code", "told"), [(signal.SIGINT, 130, b"interrupted"), (signal.SIGTERM, 143, b"terminated")]
)
def test_signals_end_it_cleanly(
    number: signal.Signals, code: int, told: bytes, environment: dict[str, str], tmp_path: Path
) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("old")
    process = start(environment, *fake("wait", "exec", "-o", "jsonl", "-f", str(target), "..."))
    assert process.stderr is not None
    assert process.stderr.readline() == b"waiting\n"
    process.send_signal(number)
    assert finished(process) == (code, b"", told + b"\n")
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert target.read_text() == "old"


@pytest.mark.parametrize(
    ("output", "out"),
    [
        ("json", b'[{"id":"\\u00e9\\u65e5","size":1}]\n'),
        ("csv", b"\\xe9\\u65e5,1\n"),
        ("text", b"\\xe9\\u65e5,1\n"),
    ],
)
def test_an_encoding_without_the_letter_is_no_error(output: str, out: bytes, environment: dict[str, str]) -> None:
    environment["PYTHONIOENCODING"] = "ascii"
    assert finished(start(environment, *fake("accent", "exec", "-H", "-o", output, "..."))) == (0, out, b"")


def test_closed_streams(environment: dict[str, str]) -> None:
    run = f"{sys.executable} -m tests.cli.fakes two exec -H -o csv ..."
    for redirection, expected in {
        "<&-": (0, b"private/1,20\nprivate/2,30\n", b""),
        "2>&-": (0, b"private/1,20\nprivate/2,30\n", b""),
        ">&-": (2, b"", b"error: there is no standard output to write to\nhint: name a file with --outfile\n"),
    }.items():
        done = subprocess.run(["sh", "-c", f"{run} {redirection}"], cwd=ROOT, env=environment, capture_output=True)
        assert (done.returncode, done.stdout, done.stderr) == expected


def test_the_version_needs_nothing_heavy(environment: dict[str, str]) -> None:
    heavy = [
        "sqlglot",
        "httpx",
        "asyncio",
        "yaml",
        "jsonschema",
        "jinja2",
        "prompt_toolkit",
        "pygments",
        "tabulate",
        "msgspec",
    ]
    program = (
        "import sys; from engine.cli import main; code = main(['--version']);"
        f"sys.stderr.write(' '.join(name for name in {heavy} if name in sys.modules)); sys.exit(code)"
    )
    code, out, err = finished(start(environment, "-c", program))
    assert out is not None
    assert (code, out.split()[0], err) == (0, b"stratoql", b"")


def test_python_m_engine_is_the_program(environment: dict[str, str]) -> None:
    code, out, err = finished(start(environment, "-m", "engine", "exec"))
    assert (code, out) == (2, b"")
    assert err is not None
    assert err.startswith(b"error: exec needs statements\n")

"""The command line, run in a process of its own."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest

Cli = Callable[..., subprocess.CompletedProcess[str]]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**clean, "COLUMNS": "100", **(more or {})}


@pytest.fixture
def cli() -> Cli:
    """``cli("migrate", dsn, env={…})`` runs the command line in a process of its own."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "pgledger", *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            env=environment(env),
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


def failed(done: subprocess.CompletedProcess[str], pattern: str, *, code: int = 1) -> str:
    """Asserts how a command failed: one line and a hint on standard error."""
    assert done.returncode == code, (done.stdout, done.stderr)
    lines = done.stderr.splitlines()
    said = [line for line in lines if line.startswith("pgledger: ")]
    assert len(said) == 1, done.stderr
    assert re.search(pattern, said[0]), done.stderr
    return done.stderr


def watched(*arguments: str, term: str = "xterm") -> tuple[int, str, str]:
    """Runs the command line with a terminal for its errors, and returns what each stream got."""
    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pgledger", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=other_end,
        env=environment({"TERM": term}),
    )
    os.close(other_end)
    seen = b""
    # On Linux a terminal whose other end is closed is an error, elsewhere an end of file.
    while chunk := _read(terminal):
        seen += chunk
    os.close(terminal)
    assert process.stdout is not None
    with process:
        printed = process.stdout.read().decode()
    return process.returncode, printed, seen.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""

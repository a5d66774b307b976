"""The server's process: what its pid file and the operating system say of it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .accounts import Account
from .environment import server_environment
from .errors import EmbeddedError

START_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.02

LOG_TAIL_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What a running server writes into its pid file."""

    pid: int
    port: int
    socket_directory: str
    ready: bool


def data_of(directory: Path) -> Path:
    """Returns PostgreSQL's own data directory in a server's directory."""
    return directory / "pgdata"


def log_of(directory: Path) -> Path:
    """Returns the server's log in its directory."""
    return directory / "server.log"


def _read_pid_file(directory: Path) -> Postmaster | None:
    try:
        lines = (data_of(directory) / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    try:
        return Postmaster(
            pid=int(lines[0]),
            port=int(lines[3]),
            socket_directory=lines[4],
            ready=len(lines) > 7 and lines[7].strip() == "ready",
        )
    except (IndexError, ValueError):
        # The file is being written at this moment.
        return Postmaster(0, 0, "", ready=False)


def find_running(directory: Path) -> Postmaster | None:
    """Returns the server that runs in the directory, waiting while it comes up or goes down."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        found = _read_pid_file(directory)
        if found is None:
            return None
        if found.pid and not is_postgres(found.pid):
            # Another program may have this number by now. PostgreSQL checks only whether the
            # number is in use, and would not start, so the stale file is removed.
            if is_alive(found.pid):
                (data_of(directory) / "postmaster.pid").unlink(missing_ok=True)
            return None
        if found.ready and _accepts(found):
            return found
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"a server (process {found.pid}) holds {directory} but does not answer",
                f"See {log_of(directory)}.",
            )
        time.sleep(POLL_SECONDS)


def open_log(directory: Path) -> int:
    """Opens the log to write at its end; refuses a link that somebody put in its place."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(log_of(directory), flags, 0o600)


def launch(command: Sequence[str], account: Account | None, log: int) -> subprocess.Popen[bytes]:
    """Starts the server as the account; all its output goes into the open log."""
    return subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        env=server_environment(),
        # Ctrl-C at the terminal is for this process, which then stops the server.
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def await_ready(directory: Path, process: subprocess.Popen[bytes], log_start: int) -> None:
    """Waits until the server takes connections; its part of the log begins at log_start."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        status = process.poll()
        if status is not None:
            raise EmbeddedError(
                f"the server in {directory} ended while starting (status {status}):\n"
                f"{_log_tail(directory, log_start)}"
            )
        found = _read_pid_file(directory)
        if found is not None and found.pid == process.pid and found.ready:
            return
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"the server in {directory} was not ready after {START_SECONDS:.0f} "
                f"seconds:\n{_log_tail(directory, log_start)}"
            )
        time.sleep(POLL_SECONDS)


def _log_tail(directory: Path, start: int) -> str:
    with contextlib.suppress(OSError), log_of(directory).open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(start, size - LOG_TAIL_BYTES))
        text = log.read().decode(errors="replace").strip()
        if text:
            return text
    return "(the server wrote nothing to its log)"


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_postgres(pid: int) -> bool:
    """Whether a process of this number runs and is a PostgreSQL server, as far as one can see."""
    if not is_alive(pid):
        return False
    proc = Path(f"/proc/{pid}/stat")
    if sys.platform == "linux" and proc.exists():
        with contextlib.suppress(OSError):
            text = proc.read_text()
            name = text[text.index("(") + 1 : text.rindex(")")]
            state = text[text.rindex(")") + 2]
            return name in {"postgres", "postmaster"} and state not in {"Z", "X"}
        return False
    done = subprocess.run(
        ["ps", "-o", "stat=,comm=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, name = done.stdout.strip().partition(" ")
    return Path(name.strip()).name in {"postgres", "postmaster"} and not state.startswith("Z")


def _accepts(found: Postmaster) -> bool:
    path = f"{found.socket_directory}/.s.PGSQL.{found.port}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(5)
            probe.connect(path)
    except OSError:
        return False
    return True

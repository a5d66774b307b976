"""The PostgreSQL server that the tests run on.

Each test process (with pytest-xdist: each worker) starts one of its own, of the major version in
``PGLEDGER_TEST_MAJOR`` (18 when unset). A version that cannot be had is an error, never a skip.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pgledger.embedded import EmbeddedServer, server_binaries

MAJOR = int(os.environ.get("PGLEDGER_TEST_MAJOR", "18"))

SETTINGS: Mapping[str, str] = {
    # A test server outlives no power cut.
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    # Printed times are compared with text.
    "timezone": "UTC",
    # A deadlock that we promise cannot happen should fail its test at once.
    "deadlock_timeout": "200ms",
}

# The servers of two test processes and those that their tests start use less.
ROOM_BYTES = 4 * 2**30

NewServer = Callable[..., EmbeddedServer]


@contextmanager
def short_directory() -> Iterator[Path]:
    """Makes a directory that servers can be started in, and removes it at the end.

    A socket's path may have about 100 bytes, which the usual temporary directories exceed. Under
    root the server runs as another user, who can pass through here.
    """
    directory = Path(tempfile.mkdtemp(prefix="pgl-", dir=_parent()))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _parent() -> str | None:
    # A clone of the schema is some 450 files, which take a disk's file system several times as
    # long as memory's.
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= ROOM_BYTES:
        return str(memory)
    return "/tmp" if os.access("/tmp", os.W_OK) else None


@contextmanager
def running_server(
    major: int = MAJOR, settings: Mapping[str, str] | None = None
) -> Iterator[EmbeddedServer]:
    """Runs a new, empty server in a directory of its own, and removes both at the end.

    Args:
        major: Version of PostgreSQL.
        settings: Server settings on top of SETTINGS.
    """
    with short_directory() as directory:
        reaper = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("reaper.py")), str(directory)],
            stdin=subprocess.PIPE,
            # Ctrl-C reaches a whole process group, and the reaper is there for what comes after.
            start_new_session=True,
        )
        try:
            with EmbeddedServer(
                directory / "data",
                bin_dir=server_binaries(major),
                settings={**SETTINGS, **(settings or {})},
            ) as server:
                yield server
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            assert reaper.stdin is not None
            reaper.stdin.close()
            reaper.wait(timeout=30)


@pytest.fixture(scope="session")
def server_bin() -> Path:
    """Directory of the programs (psql, pg_dump, pgbench, …) of the version under test."""
    return Path(server_binaries(MAJOR))


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The server of this test process."""
    with running_server() as started:
        yield started


@pytest.fixture
def new_server() -> Iterator[NewServer]:
    """Starts a further, empty server: ``new_server(major=…, settings=…)``; stopped at the end."""
    with ExitStack() as stack:

        def start(
            *, major: int = MAJOR, settings: Mapping[str, str] | None = None
        ) -> EmbeddedServer:
            return stack.enter_context(running_server(major, settings))

        yield start


def pytest_configure() -> None:
    """Lets a request to end stop the run as Ctrl-C does, with all that has to be cleaned up."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)


def pytest_report_header() -> str:
    """Says which PostgreSQL the run is about."""
    return f"postgresql: {MAJOR}"

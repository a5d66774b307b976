"""The server that is killed."""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import psycopg

from pgledger.embedded import EmbeddedError, EmbeddedServer

# What is killed: one session's process, after which the server recovers by itself; the server's
# first process alone, whose others end by themselves; or all processes at once.
WAYS: Final = ("backend", "postmaster", "server")
DURABLE: Final[Mapping[str, str]] = {"fsync": "on", "full_page_writes": "on"}
# What is acknowledged and not written yet, and nothing writes it.
FORGETFUL: Final[Mapping[str, str]] = {
    **DURABLE,
    "synchronous_commit": "off",
    "wal_writer_delay": "10s",
    "wal_writer_flush_after": "1GB",
    "wal_buffers": "64MB",
    "bgwriter_lru_maxpages": "0",
    "autovacuum": "off",
}
POLL_SECONDS: Final = 0.01
RECOVERY_SECONDS: Final = 120.0
DATABASE: Final = "crashes"


class NotBackError(Exception):
    """The server did not come back."""


class Stage:
    """A server in a directory, which is killed and started again.

    Args:
        directory: Where its data is.
        settings: Its settings.
    """

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        common = {"max_connections": "60", "timezone": "UTC", "restart_after_crash": "on"}
        self.server = EmbeddedServer(directory, settings={**common, **settings})

    @property
    def dsn(self) -> str:
        return self.server.dsn(DATABASE)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self.server.start()
        try:
            yield
        finally:
            self.server.stop()

    def kill(self, way: str, dice: random.Random, backends: list[int]) -> float:
        """Kills, and returns how many seconds it took until a session was answered again.

        Raises:
            NotBackError: None was.
        """
        postmaster = int((self.server.data_directory / "postmaster.pid").read_text().split()[0])
        children = [pid for pid, parent in _parents().items() if parent == postmaster]
        if way == "backend":
            os.kill(dice.choice(backends), signal.SIGKILL)
            begun = time.monotonic()
            self._await_death_of(backends)
        else:
            if way == "server":
                # Stopped, it starts no more of them.
                os.kill(postmaster, signal.SIGSTOP)
                children = [pid for pid, parent in _parents().items() if parent == postmaster]
            begun = time.monotonic()
            for pid in (*(children if way == "server" else ()), postmaster):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._await_death_of(children)
            self.server.stop()
            self._start()
        self._await_answer(begun)
        return time.monotonic() - begun

    def _start(self) -> None:
        deadline = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                self.server.start()
            except EmbeddedError as error:
                if time.monotonic() > deadline:
                    raise NotBackError(f"the server does not start: {error}") from error
                time.sleep(POLL_SECONDS)
            else:
                return

    @staticmethod
    def _await_death_of(pids: list[int]) -> None:
        deadline = time.monotonic() + RECOVERY_SECONDS
        while (living := set(pids) & set(_parents())) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if living:
            raise NotBackError(f"these processes go on: {sorted(living)}")

    def _await_answer(self, begun: float) -> None:
        while True:
            try:
                with psycopg.connect(self.dsn, connect_timeout=5) as connection:
                    connection.execute("select count(*) from deeds")
            except psycopg.OperationalError as error:
                if time.monotonic() - begun > RECOVERY_SECONDS:
                    raise NotBackError(f"the server does not answer: {error}") from error
                time.sleep(POLL_SECONDS)
            else:
                return


def _parents() -> dict[int, int]:
    """Returns the parent of every living process."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    return {
        int(pid): int(parent)
        for pid, parent, state in map(str.split, listed.splitlines())
        if not state.startswith("Z")
    }


def connect(dsn: str) -> psycopg.Connection[Any]:
    return psycopg.connect(dsn, autocommit=True, connect_timeout=10)

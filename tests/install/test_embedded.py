"""The embedded server: it starts wherever it may, and nothing of it stays behind."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgledger import embedded
from pgledger.embedded import (
    EmbeddedError,
    EmbeddedServer,
    copies,
    postmaster,
    programs,
    server_binaries,
)
from support.server import MAJOR, SETTINGS, short_directory

IS_ROOT = os.geteuid() == 0
OTHER_MAJOR = 17 if MAJOR != 17 else 18


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short name that the server's account can pass through."""
    with short_directory() as directory:
        yield directory


def make(directory: Path, *, major: int = MAJOR, **more: str) -> EmbeddedServer:
    return EmbeddedServer(directory, bin_dir=server_binaries(major), settings={**SETTINGS, **more})


def ask(server: EmbeddedServer, text: str) -> object:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        row = connection.execute(text.encode()).fetchone()
        return row[0] if row else None


def pid_of(server: EmbeddedServer) -> int:
    return int((server.data_directory / "postmaster.pid").read_text().split()[0])


def is_alive(pid: int) -> bool:
    return postmaster.is_postgres(pid)


def wait_for_end(pid: int, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


def owner_program(directory: Path, last: str) -> subprocess.Popen[str]:
    """Another process that owns a server in the directory, then runs the last line."""
    program = f"""
import sys, time, os
from pathlib import Path
from pgledger.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), bin_dir=Path(sys.argv[2]), settings={{"fsync": "off"}})
server.start()
print(server.is_owner, server.dsn(), flush=True)
{last}
"""
    return subprocess.Popen(
        [sys.executable, "-c", program, str(directory), str(server_binaries(MAJOR))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_runs_stops_and_keeps_its_data(place: Path) -> None:
    server = make(place / "a b 'c' \"d\" $HOME; é")
    with server:
        pid = pid_of(server)
        assert ask(server, "show server_encoding") == "UTF8"
        assert ask(server, "show listen_addresses") == ""
        assert ask(server, "select 'a' < 'B'") is False
        assert ask(server, "select upper('é')") == "É"
        assert Path(server.host).stat().st_mode & 0o077 == 0
        assert server.data_directory.stat().st_mode & 0o077 == 0
        with psycopg.connect(server.dsn()) as connection:
            connection.execute("create table kept (x integer)")
        assert server.run("psql", "-Atc", "select 6 * 7").stdout == "42\n"
    assert not is_alive(pid)
    with pytest.raises(EmbeddedError, match="not running"):
        server.dsn()
    server.stop()
    with make(server.directory) as again:
        assert ask(again, "select count(*) from kept") == 0


def test_settings_are_stock_unless_told(place: Path) -> None:
    with EmbeddedServer(place / "x", bin_dir=server_binaries(MAJOR)) as server:
        assert ask(server, "show fsync") == "on"
        assert ask(server, "show synchronous_commit") == "on"
        assert ask(server, "show full_page_writes") == "on"
    with make(place / "x", work_mem="17MB", application_name="it's") as server:
        assert ask(server, "show work_mem") == "17MB"
    with EmbeddedServer(place / "x", bin_dir=server_binaries(MAJOR), port=6789) as server:
        assert server.port == 6789
        assert ask(server, "show port") == "6789"


def test_long_paths_and_commas_get_another_socket(place: Path) -> None:
    for name in ("x" * 120, "one, two"):
        with make(place / name) as server:
            socket = Path(server.host)
            assert not socket.is_relative_to(place)
            assert socket.stat().st_mode & 0o077 == 0
            assert ask(server, "select 1") == 1
            with make(place / name) as joined:
                assert ask(joined, "select 1") == 1
        assert not socket.exists()


def test_second_start_joins_and_does_not_stop(place: Path) -> None:
    with make(place / "x") as first:
        pid = pid_of(first)
        with make(place / "x") as second:
            assert first.is_owner
            assert not second.is_owner
            assert second.dsn() == first.dsn()
        assert ask(first, "select 1") == 1
        other = owner_program(place / "x", "pass")
        out, err = other.communicate(timeout=60)
        assert out.startswith("False "), err
        assert is_alive(pid)
    assert not is_alive(pid)


def test_eight_starts_at_once_make_one_server(place: Path) -> None:
    others = [owner_program(place / "x", "sys.stdin.readline()") for _ in range(8)]
    lines = [other.stdout.readline() if other.stdout else "" for other in others]
    # A program that failed has printed nothing; what it said stands in the message.
    failed = [other.communicate()[1] for other, line in zip(others, lines, strict=True) if not line]
    assert failed == []
    assert sorted(line.split()[0] for line in lines) == ["False"] * 7 + ["True"]
    assert len({line.split(" ", 1)[1] for line in lines}) == 1
    pid = int((place / "x" / "pgdata" / "postmaster.pid").read_text().split()[0])
    for other in others:
        _, err = other.communicate("\n", timeout=60)
        assert (other.returncode, err) == (0, "")
    wait_for_end(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ends_with_its_owner(place: Path, number: signal.Signals) -> None:
    owner = owner_program(place / "x", "time.sleep(60)")
    assert owner.stdout is not None
    with owner:
        assert owner.stdout.readline().startswith("True ")
        pid = int((place / "x" / "pgdata" / "postmaster.pid").read_text().split()[0])
        assert is_alive(pid)
        owner.send_signal(number)
        owner.communicate(timeout=60)
    assert owner.returncode != 0
    assert not is_alive(pid)
    assert not (place / "x" / "pgdata" / "postmaster.pid").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_at_any_moment_of_the_start_leaves_nothing(
    place: Path, number: signal.Signals
) -> None:
    for delay in (0.05, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8):
        directory = place / f"after {delay}"
        owner = owner_program(directory, "time.sleep(60)")
        with owner:
            time.sleep(delay)
            owner.send_signal(number)
            owner.communicate(timeout=60)
        assert _servers_in(directory) == []
        with make(directory) as server:
            assert ask(server, "select 1") == 1


def _servers_in(directory: Path) -> list[str]:
    listed = subprocess.run(
        ["ps", "-ww", "-A", "-o", "pid=,command="], capture_output=True, text=True, check=True
    ).stdout
    return [
        line for line in listed.splitlines() if str(directory) in line and "postgres -D" in line
    ]


def test_left_behind_by_a_killed_owner_it_is_taken_over(place: Path) -> None:
    owner = owner_program(place / "x", "time.sleep(60)")
    assert owner.stdout is not None
    with owner:
        owner.stdout.readline()
        pid = int((place / "x" / "pgdata" / "postmaster.pid").read_text().split()[0])
        owner.kill()
    assert is_alive(pid)
    with make(place / "x") as server:
        assert server.is_owner
        assert pid_of(server) == pid
        assert ask(server, "select 1") == 1
    assert not is_alive(pid)


def test_forked_child_does_not_stop_it(place: Path) -> None:
    owner = owner_program(
        place / "x",
        "child = os.fork()\n"
        "if child == 0:\n"
        "    sys.exit(0)\n"
        "os.waitpid(child, 0)\n"
        "import psycopg\n"
        "print(psycopg.connect(server.dsn()).execute('select 1').fetchone(), flush=True)\n",
    )
    out, err = owner.communicate(timeout=60)
    assert out.splitlines()[-1] == "(1,)", err
    assert _servers_in(place / "x") == []


def test_killed_it_recovers(place: Path) -> None:
    server = EmbeddedServer(place / "x", bin_dir=server_binaries(MAJOR))
    with server:
        with psycopg.connect(server.dsn()) as connection:
            connection.execute("create table kept as select 1 as x")
        server.kill()
        server.start()
        assert ask(server, "select x from kept") == 1


def test_stale_pid_file_of_another_program_is_no_obstacle(place: Path) -> None:
    server = make(place / "x")
    with server:
        lines = (server.data_directory / "postmaster.pid").read_text().splitlines()
    # As after a power cut, with the number now another program's: ours.
    lines[0] = str(os.getppid())
    stale = server.data_directory / "postmaster.pid"
    stale.write_text("\n".join(lines) + "\n")
    owner = server.data_directory.stat()
    os.chown(stale, owner.st_uid, owner.st_gid)
    with make(place / "x") as again:
        assert ask(again, "select 1") == 1


def test_half_made_data_is_made_again(place: Path) -> None:
    (place / "x").mkdir()
    (place / "x" / "start.lock").touch()
    (place / "x" / "pgdata.new-dead").mkdir()
    (place / "x" / "pgdata.new-dead" / "PG_VERSION").write_text(f"{MAJOR}\n")
    with make(place / "x") as server:
        assert ask(server, "select 1") == 1
    assert not (place / "x" / "pgdata.new-dead").exists()


def test_failure_shows_the_log(place: Path) -> None:
    with pytest.raises(EmbeddedError, match=r'"shared_buffers".*nonsense') as raised:
        make(place / "x", shared_buffers="nonsense").start()
    assert "ended while starting" in raised.value.message
    assert _servers_in(place / "x") == []
    with make(place / "x") as server:
        assert ask(server, "select 1") == 1


def test_data_of_another_version_is_refused(place: Path) -> None:
    make(place / "x").start()
    _stop_all(place / "x")
    (place / "x" / "pgdata" / "PG_VERSION").write_text(f"{OTHER_MAJOR}\n")
    with pytest.raises(
        EmbeddedError, match=f"of PostgreSQL {OTHER_MAJOR}, the server is"
    ) as raised:
        make(place / "x").start()
    assert "pg_dump" in raised.value.hint


def _stop_all(directory: Path) -> None:
    pid = int((directory / "pgdata" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGINT)
    wait_for_end(pid)


def test_foreign_directories_are_refused_and_left_alone(place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(EmbeddedError, match="is not empty"):
        make(place / "mine").start()
    (place / "cluster").mkdir()
    (place / "cluster" / "PG_VERSION").write_text(f"{MAJOR}\n")
    with pytest.raises(EmbeddedError, match="data directory of another"):
        make(place / "cluster").start()
    with pytest.raises(EmbeddedError, match="line break"):
        make(place / "a\nb")
    (place / "file").write_text("")
    with pytest.raises(EmbeddedError, match="cannot use the directory"):
        make(place / "file" / "x").start()
    assert sorted(path.name for path in place.iterdir()) == ["cluster", "file", "mine"]
    assert [path.name for path in (place / "mine").iterdir()] == ["thesis.txt"]


def test_temporary_server_leaves_nothing() -> None:
    with EmbeddedServer.temporary(bin_dir=server_binaries(MAJOR), settings=SETTINGS) as server:
        directory = server.directory
        pid = pid_of(server)
        assert ask(server, "select 1") == 1
    assert not directory.exists()
    assert not is_alive(pid)


def test_environment_of_the_caller_does_not_lead_elsewhere(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGDATA": "/nowhere",
        "PGHOST": "nowhere.invalid",
        "PGPORT": "1",
        "PGOPTIONS": "-c nonsense=1",
        "PGSERVICE": "nothing",
        "LC_ALL": "xx_YY.UTF-8",
    }.items():
        monkeypatch.setenv(name, value)
    with make(place / "x") as server:
        assert server.run("psql", "-Atc", "select 1").stdout == "1\n"


@pytest.mark.parametrize("major", [15, 14, 99])
def test_programs_that_are_not_there_are_an_error_with_a_hint(
    major: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "system_directories", lambda _: iter(()))
    with pytest.raises(EmbeddedError, match=f"PostgreSQL {major}") as raised:
        server_binaries(major)
    assert f"Install PostgreSQL {major}" in raised.value.hint


def test_missing_wheel_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "system_directories", lambda _: iter(()))
    monkeypatch.setattr(programs, "wheel_directory", lambda _: None)
    with pytest.raises(EmbeddedError) as raised:
        EmbeddedServer("/nowhere")
    assert "pip install 'pgledger[embedded]'" in raised.value.hint


def modes_above(directory: Path) -> list[tuple[int, int, int]]:
    found = [path.stat() for path in directory.parents]
    return [(status.st_mode, status.st_uid, status.st_gid) for status in found]


def test_under_root_it_runs_as_another_user_and_opens_nothing(place: Path) -> None:
    before = modes_above(place / "x")
    with make(place / "x") as server:
        owner = server.data_directory.stat().st_uid
        if not IS_ROOT:
            assert owner == os.geteuid()
            return
        assert owner != 0
        assert pwd.getpwuid(owner).pw_name in embedded.ACCOUNTS
        assert Path(f"/proc/{pid_of(server)}").stat().st_uid == owner
        assert modes_above(place / "x") == before
    # As a caller's own mkdtemp makes it: root's, and closed to everybody else.
    closed = Path(tempfile.mkdtemp(prefix="pgl-", dir=place))
    with make(closed) as server:
        assert ask(server, "select 1") == 1
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_under_root_a_closed_parent_is_named(place: Path) -> None:
    closed = place / "private"
    closed.mkdir(mode=0o700)
    if not IS_ROOT:
        with make(closed / "deep" / "x") as server:
            assert ask(server, "select 1") == 1
        return
    for directory in (closed / "x", closed / "deep" / "x"):
        with pytest.raises(EmbeddedError, match=f"cannot pass through {closed} to") as raised:
            make(directory).start()
        assert f"chmod o+x {closed}" in raised.value.hint
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert list(closed.iterdir()) == []


@pytest.fixture
def hidden_programs(place: Path) -> Path:
    """The programs in a place that only root can reach, arranged as a wheel is."""
    # A wheel's, for any version under test: a system's programs are out of nobody's reach.
    source = server_binaries(18)
    root = place / "root home"
    root.mkdir(mode=0o700)
    package = source.parent.parent
    shutil.copytree(source.parent, root / package.name / source.parent.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, root / libraries.name, symlinks=True)
    return root / package.name / source.parent.name / source.name


def test_programs_out_of_reach_are_copied_once(
    place: Path, hidden_programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = place / "cache"
    cache.mkdir(mode=0o755)
    monkeypatch.setattr(copies, "cache_directory", lambda: cache)
    used: list[Path] = []
    for name in ("x", "y"):
        with EmbeddedServer(place / name, bin_dir=hidden_programs, settings=SETTINGS) as server:
            assert ask(server, "select 1") == 1
            assert server.run("psql", "-Atc", "select 2").stdout == "2\n"
            used.append(server.bin_dir)
    if not IS_ROOT:
        assert used == [hidden_programs] * 2
        return
    assert used[0] == used[1]
    assert used[0].is_relative_to(cache)
    assert len(list(cache.iterdir())) == 1
    assert stat.S_IMODE((place / "root home").stat().st_mode) == 0o700
    # What a cleaner of caches took a file from is copied again.
    (used[0] / "initdb").unlink()
    with EmbeddedServer(place / "z", bin_dir=hidden_programs, settings=SETTINGS) as server:
        assert ask(server, "select 1") == 1
    assert len(list(cache.iterdir())) == 1


def test_planted_copies_are_not_run(
    place: Path, hidden_programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = place / "cache"
    cache.mkdir(mode=0o755)
    monkeypatch.setattr(copies, "cache_directory", lambda: cache)
    if not IS_ROOT:
        # Nothing that others could write into is trusted, and nothing of an ordinary user's.
        assert not copies.is_ours(cache)
        return
    first = copies.copy_programs(hidden_programs)
    copy = next(cache.iterdir())
    nobody = pwd.getpwnam("nobody")
    os.chown(copy, nobody.pw_uid, nobody.pw_gid)
    (first / "postgres").write_text("#!/bin/sh\ntouch /tmp/pgledger-was-here\n")
    with pytest.raises((EmbeddedError, OSError)):
        copies.copy_programs(hidden_programs)
    assert not copies.is_ours(copy)
    os.chown(copy, 0, 0)
    copy.chmod(0o777)
    assert not copies.is_ours(copy)
    (place / "link").symlink_to(cache)
    assert not copies.is_ours(place / "link")

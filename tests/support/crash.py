"""Killing what writes, with SIGKILL, at a moment that is known.

Nothing is told to end and nothing can tidy up: of a session, the server's own process dies, and the
server recovers in its place; of a server, every process dies. What a power cut takes besides, which
is what the operating system had not written yet, stays.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from pgledger.embedded import EmbeddedServer
from support.at_once import Call
from support.subscriptions import Session
from support.waiting import DEADLINE_SECONDS, LOOK_EVERY_SECONDS

RECOVERY_SECONDS = 60.0

# What a server needs for ``IN_COMMIT``: a session in which synchronous_commit is on waits for a
# standby that there is not, with its commit on disk already. All other sessions do not.
COMMITS_CAN_WAIT = {"synchronous_standby_names": "nobody", "synchronous_commit": "local"}

BLOCKED = "select cardinality(pg_blocking_pids(%s)) > 0"
WAITS_FOR_STANDBY = "select wait_event = 'SyncRep' from pg_stat_activity where pid = %s"


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill.

    Attributes:
        name: For the test's id.
        doomed: What the session does first that is to be killed.
        holder: What another session does before, to stand in its way.
        come: Query that is true of the doomed session's pid once it is time.
        seconds: How long to wait instead; without either, for the answer.
        checkpoint: Whether what is half done goes to disk before.
    """

    name: str
    doomed: str = "select"
    holder: str = "select"
    come: str | None = None
    seconds: float | None = None
    checkpoint: bool = False


# For work that ends with a COMMIT of its own, which waits a moment before it goes to disk.
COMMIT_SENT = Moment(
    "as its commit is sent",
    doomed="set commit_delay = 100000; set commit_siblings = 0",
    come="select query = 'COMMIT' from pg_stat_activity where pid = %s",
)
IN_COMMIT = Moment("in its commit", doomed="set synchronous_commit = on", come=WAITS_FOR_STANDBY)
ANSWERED = Moment("after its answer")


def after(seconds: float) -> Moment:
    return Moment(f"after {seconds:.3f} s", seconds=seconds)


def before_write(number: int) -> Moment:
    """Stops before that write of a database that ``count_writes`` was told to count in."""
    return Moment(
        f"before write {number}",
        doomed=f"set test.stop_at = {number}",
        holder="select pg_advisory_lock(1)",
        come=BLOCKED,
        checkpoint=number % 2 == 0,
    )


def count_writes(conn: Session, schema: str) -> None:
    """Lets each session count the rows that it writes to the tables of a schema."""
    conn.execute(
        """
        create function public.count_write() returns trigger
        language plpgsql
        as $$
        declare
          v_number text := coalesce(nullif(current_setting('test.writes', true), '')::int, 0) + 1;
        begin
          perform set_config('test.writes', v_number, false);
          if v_number = current_setting('test.stop_at', true) then
            perform pg_advisory_xact_lock(1);
          end if;
          return new;
        end
        $$
        """
    )
    for (table,) in conn.execute(
        "select oid::regclass::text from pg_class where relnamespace = %s::regnamespace"
        " and relkind = 'r'",
        [schema],
    ).fetchall():
        conn.execute(
            f"create trigger count_write before insert or update on {table}"
            " for each row execute function public.count_write()".encode()
        )


def writes(conn: Session) -> int:
    """Returns how many rows this session has written so far."""
    row = conn.execute("select current_setting('test.writes')::int").fetchone()
    assert row is not None
    return int(row[0])


def crash(
    server: EmbeddedServer, connect: Callable[[], Session], way: str, work: Call, moment: Moment
) -> Future[Any]:
    """Lets a session of its own do the work, kills it, and returns once the server is back.

    Args:
        server: Where it happens.
        connect: Opens sessions.
        way: What is killed: the ``backend`` of that session, or the ``server``.
        work: What the session does.
        moment: When to kill.

    Returns:
        What has become of the work: its result, if there was an answer, or the error.
    """
    with (
        closing(connect()) as doomed,
        closing(connect()) as holder,
        closing(connect()) as bystander,
    ):
        holder.execute(moment.holder.encode())
        doomed.execute(moment.doomed.encode())
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(work, doomed)
            try:
                _await(moment, holder, doomed.info.backend_pid, future)
            except BaseException:
                doomed.cancel()
                raise
            if moment.checkpoint:
                holder.execute("checkpoint")
            if way == "server":
                kill_server(server)
            else:
                os.kill(doomed.info.backend_pid, signal.SIGKILL)
            future.exception(RECOVERY_SECONDS)
        # Told by the server, or cut off: as soon as it has seen the one dead, it ends all others,
        # and takes new ones only after recovery.
        with pytest.raises(psycopg.OperationalError):
            bystander.execute("select pg_sleep(60)")
    if way == "server":
        server.stop()
        server.start()
    else:
        _await_recovery(server)
    return future


def _await(moment: Moment, watch: Session, pid: int, future: Future[Any]) -> None:
    if moment.seconds is not None:
        time.sleep(moment.seconds)
        return
    if moment.come is None:
        future.result(DEADLINE_SECONDS)
        return
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        is_over = future.done() or time.monotonic() > deadline
        if watch.execute(moment.come.encode(), [pid]).fetchone() == (True,):
            return
        assert not is_over, f"was not to be seen {moment.name}"
        time.sleep(LOOK_EVERY_SECONDS)


def _await_recovery(server: EmbeddedServer) -> None:
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            psycopg.connect(server.dsn()).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(LOOK_EVERY_SECONDS)
        else:
            return


# Servers


def processes() -> dict[int, tuple[int, str]]:
    """Returns the parent and the state of every process there is."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    return {
        int(pid): (int(parent), state) for pid, parent, state in map(str.split, listed.splitlines())
    }


def kill_server(server: EmbeddedServer) -> None:
    """Kills every process of a server, and waits until all are gone."""
    text = (server.data_directory / "postmaster.pid").read_text()
    postmaster = int(text.splitlines()[0])
    # Stopped, it starts no more of them.
    os.kill(postmaster, signal.SIGSTOP)
    children = [pid for pid, (parent, _) in processes().items() if parent == postmaster]
    for pid in (*children, postmaster):
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while any(
        pid in (*children, postmaster) and not state.startswith("Z")
        for pid, (_, state) in processes().items()
    ):
        assert time.monotonic() < deadline
        time.sleep(LOOK_EVERY_SECONDS)

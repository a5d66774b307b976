"""``handle_sigterm=True``: SIGTERM delivers what a meter has, and then does what it did before."""

import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pgledger import AsyncMeter, Billing, Meter
from pgledger.meter import termination

PROGRAM = """
import asyncio, os, signal, sys, threading, time
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
import psycopg
from pgledger import AsyncMeter, Meter, MeterClosed

class Pool:
    @contextmanager
    def connection(self):
        with psycopg.connect(sys.argv[1]) as conn:
            yield conn

class AsyncPool:
    @asynccontextmanager
    async def connection(self):
        async with await psycopg.AsyncConnection.connect(sys.argv[1]) as conn:
            yield conn

LATER = timedelta(minutes=10)

def new_meter(kind=Meter, pool=Pool, app="app"):
    return kind(pool(), app, flush_interval=LATER, max_buffered=100_000, handle_sigterm=True)

def ready():
    print("ready", flush=True)
"""

# What a program does while it waits for its end.
SLEEPS = """
meter = new_meter()
for number in range(250):
    meter.record("t", "calls", 1)
ready()
time.sleep(60)
"""


@pytest.fixture
def billing(conn: psycopg.Connection[Any]) -> Billing:
    for app in ("app", "other"):
        Billing(conn).create_feature(app, "calls", "Calls")
    conn.commit()
    conn.autocommit = True
    return Billing(conn)


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
    assert not termination._METERS


def counted(conn: psycopg.Connection[Any], app: str = "app") -> int:
    row = conn.execute(
        "select coalesce(sum(quantity), 0)::int from ledger_usage_events where app_id = %s", (app,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def end(program: str, dsn: str, *, signals: int = 1) -> subprocess.CompletedProcess[str]:
    """Runs a program, sends SIGTERM when it says that it is ready, and returns how it ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM + textwrap.dedent(program), dsn],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        try:
            said = process.stdout.readline()
            if said == "ready\n":
                for _ in range(signals):
                    process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert said == "ready\n", err
    return subprocess.CompletedProcess([], process.returncode, out, err)


def test_without_it_events_are_lost(billing: Billing, conn, ledger_dsn: str):
    done = end(SLEEPS.replace("new_meter()", "Meter(Pool(), 'app')"), ledger_dsn)
    assert done.returncode == -signal.SIGTERM
    assert counted(conn) < 250


@pytest.mark.parametrize("signals", [1, 3])
def test_all_events_arrive_and_the_status_is_that_of_the_signal(
    billing: Billing, conn, ledger_dsn: str, signals: int
):
    done = end(SLEEPS, ledger_dsn, signals=signals)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
    assert counted(conn) == 250


def test_all_that_was_taken_arrives_from_a_program_that_goes_on(
    billing: Billing, conn, ledger_dsn: str
):
    done = end(
        """
        meter = new_meter()
        def record():
            try:
                while True:
                    meter.record("t", "calls", 1)
                    taken[0] += 1
                    time.sleep(0.0005)
            except MeterClosed:
                pass
            os.write(1, f"{taken[0]}\\n".encode())
        taken = [0]
        meter.record("t", "calls", 1)
        taken[0] += 1
        ready()
        record()
        """,
        ledger_dsn,
    )
    # The main thread ended by itself, meanwhile or not: who sent the signal sees its status.
    assert done.returncode == -signal.SIGTERM, done.stderr
    if done.stdout:
        assert counted(conn) == int(done.stdout)
    assert counted(conn) > 0


@pytest.mark.parametrize(
    ("handler", "status"),
    [
        ("sys.exit(7)", 7),
        ("os._exit(8)", 8),
        ("signal.signal(number, signal.SIG_DFL); os.kill(os.getpid(), number)", -signal.SIGTERM),
        ("raise KeyboardInterrupt", -signal.SIGINT),
    ],
)
def test_a_handler_of_the_applications_is_called_after_it(
    billing: Billing, conn, ledger_dsn: str, handler: str, status: int
):
    program = f"""
def handle(number, frame):
    print("handled", number, flush=True)
    {handler}
signal.signal(signal.SIGTERM, handle)
{SLEEPS}
"""
    done = end(program, ledger_dsn, signals=2)
    assert done.returncode == status
    assert done.stdout == f"handled {int(signal.SIGTERM)}\n"
    assert counted(conn) == 250


def test_a_server_that_finishes_its_work_records_to_its_end(
    billing: Billing, conn, ledger_dsn: str
):
    """As uvicorn and gunicorn do: a flag, then what is begun is finished."""
    done = end(
        """
        stopping = threading.Event()
        original = signal.signal(signal.SIGTERM, lambda number, frame: stopping.set())
        meter = new_meter()
        meter.record("t", "calls", 1)
        ready()
        while not stopping.wait(0.01):
            pass
        for number in range(50):
            meter.record("t", "calls", 1)
        assert meter.flush()
        # What comes now does not wait for others, so a moment is enough.
        meter.record("t", "calls", 1)
        while meter.buffered:
            time.sleep(0.005)
        # As uvicorn ends: with the handler from before, and the signal once more.
        signal.signal(signal.SIGTERM, original)
        signal.raise_signal(signal.SIGTERM)
        """,
        ledger_dsn,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
    assert counted(conn) == 52


def test_a_handler_that_is_put_in_its_place_and_taken_away_again(
    billing: Billing, conn, ledger_dsn: str
):
    """A meter made before uvicorn begins: its handler is restored, and then gets the signal."""
    done = end(
        """
        meter = new_meter()
        stopping = threading.Event()
        original = signal.signal(signal.SIGTERM, lambda number, frame: stopping.set())
        meter.record("t", "calls", 3)
        ready()
        while not stopping.wait(0.01):
            pass
        signal.signal(signal.SIGTERM, original)
        signal.raise_signal(signal.SIGTERM)
        time.sleep(60)
        """,
        ledger_dsn,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
    assert counted(conn) == 3


def test_several_meters_all_deliver(billing: Billing, conn, ledger_dsn: str):
    done = end(
        """
        first, second = new_meter(), new_meter(app="other")
        third = new_meter()
        third.close()
        for number in range(50):
            first.record("t", "calls", 1)
            second.record("t", "calls", 2)
        ready()
        time.sleep(60)
        """,
        ledger_dsn,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
    assert (counted(conn), counted(conn, "other")) == (50, 100)


def test_a_database_that_is_away_does_not_keep_the_process(billing: Billing, tmp_path):
    done = end(
        f"import pgledger.meter.termination as t; t.SIGTERM_SECONDS = 0.5\n{SLEEPS}",
        f"host={tmp_path} connect_timeout=2",
    )
    assert done.returncode == -signal.SIGTERM
    assert "SIGTERM ends the process with 250 usage events undelivered" in done.stderr


def test_where_it_is_ignored_it_stays_so(billing: Billing, conn, ledger_dsn: str):
    done = end(
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with new_meter() as meter:
            meter.record("t", "calls", 1)
            os.kill(os.getpid(), signal.SIGTERM)
            ready()
            sys.stdin.read()
        print("goes on")
        """,
        ledger_dsn,
    )
    assert (done.returncode, done.stdout) == (0, "goes on\n")
    assert counted(conn) == 1


@pytest.mark.parametrize("used_before", [False, True])
def test_a_fork_ends_as_it_did(billing: Billing, conn, ledger_dsn: str, used_before: bool):
    done = end(
        f"""
        meter = new_meter()
        if {used_before}:
            meter.record("t", "calls", 100)
        child = os.fork()
        if child == 0:
            if not {used_before}:
                meter.record("t", "calls", 1)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        meter.record("t", "calls", 10)
        assert status == -signal.SIGTERM, status
        ready()
        time.sleep(60)
        """,
        ledger_dsn,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
    assert counted(conn) == (110 if used_before else 11)


def test_a_closed_meter_leaves_the_signal_alone(billing: Billing, conn, ledger_dsn: str):
    done = end(
        """
        with new_meter() as meter:
            meter.record("t", "calls", 1)
        ready()
        time.sleep(60)
        """,
        ledger_dsn,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
    assert counted(conn) == 1


# Tasks

TASK = """
async def main():
    meter = new_meter(AsyncMeter, AsyncPool)
    for number in range(250):
        meter.record("t", "calls", 1)
    ready()
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_all_events_of_tasks_arrive(billing: Billing, conn, ledger_dsn: str):
    done = end(TASK, ledger_dsn, signals=2)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
    assert counted(conn) == 250


def test_a_handler_of_the_loop_is_called_once(billing: Billing, conn, ledger_dsn: str):
    done = end(
        """
        async def main():
            stopping = asyncio.Event()
            calls = []
            def stop():
                calls.append(1)
                stopping.set()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
            meter = new_meter(AsyncMeter, AsyncPool)
            meter.record("t", "calls", 5)
            ready()
            await stopping.wait()
            while meter.buffered:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.2)
            print(len(calls))
            await meter.close()
        asyncio.run(main())
        """,
        ledger_dsn,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
    assert counted(conn) == 5


def test_a_handler_from_before_the_loop_is_called_after_it(billing: Billing, conn, ledger_dsn: str):
    done = end(
        "signal.signal(signal.SIGTERM, lambda number, frame: os._exit(9))\n" + TASK,
        ledger_dsn,
    )
    assert done.returncode == 9, done.stderr
    assert counted(conn) == 250


# Refusals


@pytest.mark.parametrize("kind", [Meter, AsyncMeter])
def test_off_the_main_thread_it_is_refused(kind: type[Meter]):
    class Pool:
        def connection(self) -> Any: ...

    found: list[BaseException] = []

    def make() -> None:
        try:
            kind(Pool(), "app", handle_sigterm=True)
        except RuntimeError as error:
            found.append(error)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    assert "handle_sigterm needs the main thread" in str(found[0])
    assert signal.getsignal(signal.SIGTERM) == before

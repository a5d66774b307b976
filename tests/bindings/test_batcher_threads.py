"""Transfers of many threads that are sent together."""

import datetime as dt
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from pgledger import (
    BatcherClosed,
    BatcherFull,
    Ledger,
    TransferBatcher,
    errors,
)
from support.pools import Pool

AT_ONCE = dt.timedelta(0)
SOON = dt.timedelta(seconds=0.05)
DEADLINE_SECONDS = 60.0


class Gate(Pool):
    """A pool of one connection that is lent when the test says so."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.conn = psycopg.connect(dsn)
        self.is_open = threading.Event()
        self.is_open.set()
        self.asked = threading.Event()
        self.at_once = 0
        self.most_at_once = 0

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        self.loans += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.asked.set()
        assert self.is_open.wait(DEADLINE_SECONDS)
        try:
            yield self.conn
        finally:
            self.at_once -= 1


@pytest.fixture
def ledger(conn: psycopg.Connection[Any]) -> Ledger:
    conn.autocommit = True
    return Ledger(conn)


@pytest.fixture
def hot(ledger: Ledger) -> str:
    return ledger.create_account("hot", "USD").id


@pytest.fixture
def other(ledger: Ledger) -> str:
    return ledger.create_account("other", "USD").id


@pytest.fixture
def gate(ledger_dsn: str) -> Iterator[Gate]:
    gate = Gate(ledger_dsn)
    yield gate
    gate.is_open.set()
    gate.conn.close()


@pytest.fixture(autouse=True)
def no_threads_are_left() -> Iterator[None]:
    yield
    wait_for(lambda: all(each.name != "pgledger batcher" for each in threading.enumerate()))


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def callers(count: int) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(count) as executor:
        yield executor


def test_a_lone_caller_makes_the_call_itself(ledger, hot, other, gate: Gate):
    with TransferBatcher(gate) as batcher:
        versions = [batcher.create_transfer(hot, other, 1).to_account_version for _ in range(3)]
        assert all(each.name != "pgledger batcher" for each in threading.enumerate())
    assert versions == [1, 2, 3]
    assert gate.loans == 3


def test_threads_are_answered_each_by_itself(ledger, hot, other, gate: Gate):
    purse = ledger.create_account("purse", "USD", min_balance=0).id
    with TransferBatcher(gate) as batcher, callers(20) as executor:
        gate.is_open.clear()
        first = executor.submit(batcher.create_transfer, other, hot, 1)
        gate.asked.wait()
        futures = [
            executor.submit(batcher.create_transfer, purse if n % 4 == 0 else other, hot, n)
            for n in range(1, 20)
        ]
        wait_for(lambda: batcher.waiting == 19)
        gate.is_open.set()
        first.result()
        for number, future in enumerate(futures, 1):
            if number % 4 == 0:
                with pytest.raises(errors.InsufficientFunds):
                    future.result()
            else:
                assert ledger.get_transfer(future.result().id).amount == number
    assert gate.loans == 2
    assert ledger.get_account(hot).version == 16


def test_many_threads_make_each_of_their_transfers_once(ledger, hot, other, gate: Gate):
    """And only one call is made at a time, so that they are made in the order they come in."""
    made: list[list[int]] = []

    def use(batcher: TransferBatcher) -> None:
        start.wait()
        made.append([batcher.create_transfer(other, hot, 1).to_account_version for _ in range(30)])

    start = threading.Barrier(40)
    with TransferBatcher(gate, batch_size=25, max_waiting=10) as batcher, callers(40) as executor:
        for future in [executor.submit(use, batcher) for _ in range(40)]:
            future.result(DEADLINE_SECONDS)
    assert sorted(version for versions in made for version in versions) == list(range(1, 1201))
    assert all(versions == sorted(versions) for versions in made)
    assert gate.most_at_once == 1
    assert gate.loans < 1200
    assert not gate.conn.autocommit


def test_there_is_room_for_so_many(ledger, hot, other, gate: Gate):
    with TransferBatcher(gate, max_waiting=1) as batcher, callers(4) as executor:
        gate.is_open.clear()
        futures = [executor.submit(batcher.create_transfer, other, hot, 1)]
        gate.asked.wait()
        futures.append(executor.submit(batcher.create_transfer, other, hot, 1, timeout=AT_ONCE))
        wait_for(lambda: batcher.waiting == 1)
        for timeout in (AT_ONCE, SOON):
            with pytest.raises(BatcherFull):
                batcher.create_transfer(other, hot, 1, timeout=timeout)
        futures.append(executor.submit(batcher.create_transfer, other, hot, 1))
        wait_for(lambda: batcher.waiting == 2)
        gate.is_open.set()
        assert [future.result().to_account_version for future in futures] == [1, 2, 3]


def is_closed(batcher: TransferBatcher, other: str, hot: str) -> bool:
    try:
        batcher.create_transfer(other, hot, 1, timeout=AT_ONCE)
    except BatcherFull:
        return False
    except BatcherClosed as error:
        return str(error) == "the batcher was closed; this transfer was not sent"
    raise AssertionError("there was room")


def test_closing_while_full_sends_what_waits(ledger, hot, other, gate: Gate):
    batcher = TransferBatcher(gate, max_waiting=1)
    with callers(7) as executor:
        gate.is_open.clear()
        futures = [executor.submit(batcher.create_transfer, other, hot, 1) for _ in range(5)]
        wait_for(lambda: batcher.waiting == 4)
        closing = [executor.submit(batcher.close) for _ in range(2)]
        wait_for(lambda: is_closed(batcher, other, hot))
        gate.is_open.set()
        assert [future.result(DEADLINE_SECONDS) for future in closing] == [True, True]
        assert all(future.done() for future in futures)
    assert sorted(f.result().to_account_version for f in futures) == [1, 2, 3, 4, 5]


def test_closing_without_time_tells_everybody(ledger, hot, other, gate: Gate):
    batcher = TransferBatcher(gate, batch_size=1)
    with callers(4) as executor:
        gate.is_open.clear()
        alone = executor.submit(batcher.create_transfer, other, hot, 1)
        gate.asked.wait()
        waiting = [executor.submit(batcher.create_transfer, other, hot, 1) for _ in range(3)]
        wait_for(lambda: batcher.waiting == 3)
        assert not batcher.close(SOON)
        for future in waiting:
            with pytest.raises(BatcherClosed, match="not sent: the batcher was closed"):
                future.result(DEADLINE_SECONDS)
        gate.is_open.set()
        # Who sends for himself cannot be stopped, and is told the truth.
        assert alone.result().to_account_version == 1
    assert batcher.close()
    assert batcher.waiting == 0
    assert ledger.get_account(hot).version == 1


class Interrupted(BaseException):
    """What a handler of signals raises, as that of Ctrl-C does."""


class OutOfTime(Exception):
    """What a handler raises that limits how long a job may take, as those of job queues do."""


@pytest.mark.parametrize("kind", [Interrupted, OutOfTime])
def test_an_interrupted_caller_is_told_what_became_of_its_transfer(
    ledger, hot, other, gate: Gate, kind: type[BaseException]
):
    def interrupt(*_: object) -> None:
        raise kind

    previous = signal.signal(signal.SIGUSR1, interrupt)
    main = threading.main_thread().ident
    assert main is not None
    try:
        with TransferBatcher(gate) as batcher, callers(2) as executor:
            gate.is_open.clear()
            first = executor.submit(batcher.create_transfer, other, hot, 1)
            gate.asked.wait()

            def stop() -> None:
                wait_for(lambda: batcher.waiting == 1)
                time.sleep(0.02)
                signal.pthread_kill(main, signal.SIGUSR1)

            executor.submit(stop)
            with pytest.raises(kind) as interrupted:
                batcher.create_transfer(other, hot, 1)
            assert interrupted.value.__notes__ == ["the transfer was not sent"]
            assert batcher.waiting == 0
            gate.is_open.set()
            assert first.result().to_account_version == 1
            assert batcher.create_transfer(other, hot, 1).to_account_version == 2
    finally:
        signal.signal(signal.SIGUSR1, previous)


def test_an_interrupted_caller_who_sends_for_himself_lets_others_go_on(
    ledger, hot, other, gate: Gate
):
    def interrupt(*_: object) -> None:
        raise Interrupted

    previous = signal.signal(signal.SIGUSR1, interrupt)
    main = threading.main_thread().ident
    assert main is not None
    try:
        with TransferBatcher(gate) as batcher, callers(2) as executor:
            gate.is_open.clear()

            def come() -> int:
                gate.asked.wait()
                answer = executor.submit(batcher.create_transfer, other, hot, 1)
                wait_for(lambda: batcher.waiting == 1)
                signal.pthread_kill(main, signal.SIGUSR1)
                gate.is_open.wait(DEADLINE_SECONDS)
                return answer.result(DEADLINE_SECONDS).to_account_version

            version = executor.submit(come)
            with pytest.raises(Interrupted) as interrupted:
                batcher.create_transfer(other, hot, 1)
            (note,) = interrupted.value.__notes__
            assert "nobody knows whether transfer pglt_" in note
            gate.is_open.set()
            assert version.result(DEADLINE_SECONDS) == 1
    finally:
        signal.signal(signal.SIGUSR1, previous)


# Processes


def run(program: str, dsn: str, *arguments: str) -> str:
    text = textwrap.dedent(program)
    return subprocess.run(
        [sys.executable, "-c", text, dsn, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=DEADLINE_SECONDS,
    ).stdout


def test_a_fork_does_not_send_what_is_not_its_own(ledger, hot, other, ledger_dsn: str):
    said = run(
        """
        import os, sys
        from pgledger import BatcherClosed, TransferBatcher
        from support.pools import Pool

        dsn, hot, other = sys.argv[1:]
        used, unused = TransferBatcher(Pool(dsn)), TransferBatcher(Pool(dsn))
        used.create_transfer(other, hot, 1)
        if os.fork() == 0:
            try:
                used.create_transfer(other, hot, 1)
            except BatcherClosed as error:
                print(error, flush=True)
            assert used.close()
            unused.create_transfer(other, hot, 1)
            assert unused.close()
            os._exit(0)
        os.wait()
        used.create_transfer(other, hot, 1)
        assert used.close()
        assert unused.close()
        """,
        ledger_dsn,
        hot,
        other,
    )
    assert said == "the batcher was used before this process was forked: make another\n"
    assert ledger.get_account(hot).version == 3


def test_a_program_that_does_not_close_it_ends(ledger, hot, other, ledger_dsn: str):
    run(
        """
        import sys, threading
        from pgledger import TransferBatcher
        from support.pools import Pool

        dsn, hot, other = sys.argv[1:]
        batcher = TransferBatcher(Pool(dsn))
        for _ in range(8):
            threading.Thread(target=batcher.create_transfer, args=(other, hot, 1)).start()
        """,
        ledger_dsn,
        hot,
        other,
    )
    assert ledger.get_account(hot).version == 8

"""Batchers whose connections, backends and servers go away.

What a caller was told stays; what it was not told is found out by asking again with the same id,
so that nothing is made twice; and where nobody can find out, the error names the id.
"""

import asyncio
import datetime as dt
import functools
import pickle
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest

from pgledger import (
    AsyncTransferBatcher,
    BatcherClosed,
    Ledger,
    PostedTransfer,
    TransferBatcher,
    TransferUnsettled,
    ids,
)
from pgledger.batcher.calls_async import AsyncBatchCaller
from pgledger.batcher.failures import Stage, Verdict, judge
from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate
from support.crash import COMMITS_CAN_WAIT, WAITS_FOR_STANDBY, kill_server
from support.pools import AsyncPool, Pool, lost
from support.server import NewServer
from support.waiting import DEADLINE_SECONDS, LOOK_EVERY_SECONDS

AT_ONCE = dt.timedelta(0)


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
def apool(ledger_dsn: str) -> AsyncPool:
    return AsyncPool(ledger_dsn)


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Errors that the next calls fail with, one each, after they were committed."""
    errors: list[Exception] = []
    send = AsyncBatchCaller.send

    async def committed_and_lost(self: AsyncBatchCaller, requests: Any) -> Any:
        cursor = await send(self, requests)
        if errors:
            raise errors.pop(0)
        return cursor

    monkeypatch.setattr(AsyncBatchCaller, "send", committed_and_lost)
    return errors


async def many(batcher: AsyncTransferBatcher, *calls: Any) -> list[Any]:
    """Sends the first alone, and meanwhile collects the others for one call."""
    return await asyncio.gather(
        *(batcher.create_transfer(*call[:3], **call[3]) for call in calls), return_exceptions=True
    )


# Answers that are lost


async def test_a_lost_answer_of_a_lone_request_is_found_by_its_id(
    ledger, hot, other, apool, losses
):
    losses += [lost(), lost()]
    async with AsyncTransferBatcher(apool) as batcher:
        posted = await batcher.create_transfer(other, hot, 1)
        assert posted.replayed
        assert (posted.to_account_version, posted.to_account_balance) == (1, 1)
        assert not (await batcher.create_transfer(other, hot, 1)).replayed
    assert ledger.get_account(hot).version == 2


async def test_lost_answers_of_a_batch_are_found_by_their_ids(ledger, hot, other, apool, losses):
    async with AsyncTransferBatcher(apool) as batcher:
        chosen = ids.generate("pglt")
        call: Any = (other, hot, 1, {})
        losses += [lost(), lost(), lost()]
        answers = await many(
            batcher,
            call,
            call,
            (other, hot, 10**30, {}),
            (other, hot, 1, {"id": chosen}),
            (other, hot, 1, {"idempotency_key": "k"}),
        )
    refused = answers.pop(2)
    assert type(refused).__name__ == "InvalidAmount"
    assert [posted.to_account_version for posted in answers] == [1, 2, 3, 4]
    assert [posted.replayed for posted in answers] == [True] * 4
    assert answers[2].id == chosen
    assert ledger.get_account(hot).version == 4


async def test_what_cannot_be_found_out_in_time_names_the_id(ledger, hot, other, apool, losses):
    call: Any = (other, hot, 1, {})
    key: Any = {"idempotency_key": "k"}
    losses += [lost(), lost()]
    async with AsyncTransferBatcher(apool, retry_for=AT_ONCE) as batcher:
        answers = await many(batcher, call, call, (other, hot, 1, key))
    assert [type(answer) for answer in answers] == [TransferUnsettled] * 3
    for answer in answers[:2]:
        assert str(answer) == (
            f"nobody knows whether transfer {answer.id} was made (server closed the connection "
            "unexpectedly): ask for it with get_transfer, or make the same request again with this "
            "id, which takes effect once"
        )
        assert isinstance(answer.__cause__, psycopg.OperationalError)
        assert ledger.get_transfer(answer.id).id == answer.id
        copied = pickle.loads(pickle.dumps(answer))
        assert (str(copied), copied.id) == (str(answer), answer.id)
    assert (answers[2].id, answers[2].idempotency_key) == (None, "k")
    assert "under key 'k' was made" in str(answers[2])
    assert "same request again with this key" in str(answers[2])
    async with AsyncTransferBatcher(apool) as batcher:
        again = await batcher.create_transfer(other, hot, 1, id=answers[0].id)
        assert again.replayed
        assert (await batcher.create_transfer(other, hot, 1, **key)).replayed
    assert ledger.get_account(hot).version == 3


async def test_an_error_of_another_attempt_does_not_settle_what_was_unknown(
    ledger, hot, other, apool, losses
):
    losses += [lost(), psycopg.errors.InsufficientPrivilege("no more")]
    async with AsyncTransferBatcher(apool) as batcher:
        # The pool's own trouble in between, which says nothing about the transfer either.
        apool.before += [None, lambda: psycopg.ProgrammingError("mistaken")]
        with pytest.raises(TransferUnsettled, match="mistaken"):
            await batcher.create_transfer(other, hot, 1)
        # What pgledger refuses was not made before: repeats are looked for first.
        losses[:] = [lost()]
        with pytest.raises(psycopg.Error) as refused:
            await batcher.create_transfer(other, hot, 10**30)
        assert type(refused.value).__name__ == "InvalidAmount"
    assert ledger.get_account(hot).version == 1


async def test_an_answer_counts_although_the_connection_cannot_be_given_back(
    ledger, hot, other, apool, caplog
):
    apool.after.append(lambda: psycopg.errors.InsufficientPrivilege("reset failed"))
    async with AsyncTransferBatcher(apool) as batcher:
        assert not (await batcher.create_transfer(other, hot, 1)).replayed
    assert "a connection could not be given back: reset failed" in caplog.text
    assert apool.loans == 1
    assert ledger.get_account(hot).version == 1


# Pools that lend nothing


async def test_an_exhausted_pool_is_asked_again(ledger, hot, other, apool):
    timeout = psycopg.OperationalError("couldn't get a connection after 30.00 sec")
    apool.before += [lambda: timeout] * 3
    call: Any = (other, hot, 1, {})
    async with AsyncTransferBatcher(apool) as batcher:
        answers = await many(batcher, call, call, call)
    assert sorted(posted.to_account_version for posted in answers) == [1, 2, 3]
    assert not any(posted.replayed for posted in answers)


async def test_a_pool_that_stays_exhausted_is_everybodys_error(ledger, hot, other, ledger_dsn):
    class Slow(AsyncPool):
        @asynccontextmanager
        async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
            await asyncio.sleep(0.01)
            async with super().connection() as conn:
                yield conn

    pool = Slow(ledger_dsn)
    timeout = psycopg.OperationalError("couldn't get a connection after 30.00 sec")
    pool.before += [lambda: timeout] * 2
    call: Any = (other, hot, 1, {})
    async with AsyncTransferBatcher(pool, retry_for=AT_ONCE) as batcher:
        answers = await many(batcher, call, call, call)
    # The first asks alone, and the others together.
    assert pool.loans == 2
    assert [type(answer) for answer in answers] == [psycopg.OperationalError] * 3
    assert [str(answer) for answer in answers] == [str(timeout)] * 3
    assert len({id(answer) for answer in answers}) == 3
    assert ledger.get_account(hot).version == 0


async def test_a_pool_that_is_closed_is_not_asked_again(ledger, hot, other, apool):
    apool.before += [lambda: psycopg.OperationalError("the pool is already closed")] * 9
    apool.closed = True
    async with AsyncTransferBatcher(apool) as batcher:
        with pytest.raises(psycopg.OperationalError, match="already closed"):
            await batcher.create_transfer(other, hot, 1)
    assert apool.loans == 1


async def test_a_connection_that_is_lent_in_a_transaction_is_refused(
    ledger, hot, other, ledger_dsn
):
    async with await psycopg.AsyncConnection.connect(ledger_dsn) as conn:

        class InTransaction(AsyncPool):
            @asynccontextmanager
            async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
                await conn.execute("select")
                yield conn

        async with AsyncTransferBatcher(InTransaction(ledger_dsn)) as batcher:
            with pytest.raises(psycopg.ProgrammingError, match="already in a transaction"):
                await batcher.create_transfer(other, hot, 1)
        assert not conn.autocommit


@pytest.mark.parametrize("autocommit", [True, False])
async def test_a_lent_connection_comes_back_as_it_was(ledger, hot, other, ledger_dsn, autocommit):
    async with await psycopg.AsyncConnection.connect(ledger_dsn, autocommit=autocommit) as conn:

        class One(AsyncPool):
            @asynccontextmanager
            async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
                yield conn

        async with AsyncTransferBatcher(One(ledger_dsn)) as batcher:
            call: Any = (other, hot, 1, {})
            await many(batcher, call, call, (other, other, 1, {}), call)
            assert conn.autocommit is autocommit
            with pytest.raises(psycopg.Error):
                await batcher.create_transfer(other, other, 1)
            assert conn.autocommit is autocommit
            assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert ledger.get_account(hot).version == 3


# Errors of the whole call


async def test_serialization_failures_are_tried_again(ledger, conn, hot, other, apool):
    conn.execute("create sequence public.attempts")
    conn.execute(
        """
        create function public.fail_twice() returns trigger language plpgsql security definer as $$
        begin
          if nextval('public.attempts') % 3 <> 0 then
            raise exception 'try again' using errcode = '40001';
          end if;
          return null;
        end $$
        """
    )
    conn.execute(
        "create trigger fail_twice after insert on pgledger.transfers"
        " for each statement execute function public.fail_twice()"
    )
    call: Any = (other, hot, 1, {})
    async with AsyncTransferBatcher(apool) as batcher:
        answers = await many(batcher, call, call, call)
        assert sorted(posted.to_account_version for posted in answers) == [1, 2, 3]
        assert not any(posted.replayed for posted in answers)
    async with AsyncTransferBatcher(apool, retry_for=AT_ONCE) as batcher:
        with pytest.raises(psycopg.errors.SerializationFailure):
            await batcher.create_transfer(other, hot, 1)


async def test_what_fails_at_the_commit_fails_alone(ledger, conn, hot, other, apool):
    """Nothing is acknowledged before its commit: here that is where one of them is refused."""
    conn.execute(
        """
        create function public.refuse() returns trigger language plpgsql as $$
        begin
          raise exception 'not on a Sunday' using errcode = 'check_violation';
        end $$
        """
    )
    conn.execute(
        "create constraint trigger refuse after insert on pgledger.transfers"
        " deferrable initially deferred for each row when (new.amount = 7)"
        " execute function public.refuse()"
    )
    async with AsyncTransferBatcher(apool) as batcher:
        answers = await many(batcher, *((other, hot, number, {}) for number in range(1, 13)))
        with pytest.raises(psycopg.errors.CheckViolation, match="not on a Sunday"):
            await batcher.create_transfer(other, hot, 7)
    assert isinstance(answers.pop(6), psycopg.errors.CheckViolation)
    assert [posted.to_account_version for posted in answers] == list(range(1, 12))
    assert ledger.get_account(hot).version == 11


class Silent(psycopg.OperationalError):
    sqlstate = "57P01"


@pytest.mark.parametrize(
    ("error", "stage", "verdict"),
    [
        (psycopg.OperationalError("no connection"), Stage.LENDING, Verdict.AGAIN),
        (psycopg.InterfaceError("closed"), Stage.LENDING, Verdict.AGAIN),
        (OSError("unreachable"), Stage.LENDING, Verdict.AGAIN),
        (psycopg.ProgrammingError("in a transaction"), Stage.LENDING, Verdict.REFUSED),
        (TypeError("not a pool"), Stage.LENDING, Verdict.REFUSED),
        (psycopg.errors.DeadlockDetected(), Stage.SENDING, Verdict.AGAIN),
        (psycopg.errors.LockNotAvailable(), Stage.SENDING, Verdict.AGAIN),
        (psycopg.OperationalError("connection lost"), Stage.SENDING, Verdict.UNKNOWN),
        (psycopg.InterfaceError("closed"), Stage.SENDING, Verdict.UNKNOWN),
        (Silent("terminating connection"), Stage.SENDING, Verdict.UNKNOWN),
        (psycopg.DataError("zero character"), Stage.SENDING, Verdict.REFUSED),
        (psycopg.DataError("unreadable"), Stage.READING, Verdict.UNKNOWN),
        (psycopg.errors.DeadlockDetected(), Stage.READING, Verdict.UNKNOWN),
        (MemoryError(), Stage.SENDING, Verdict.UNKNOWN),
    ],
)
def test_what_an_error_says_about_the_transfers(error, stage, verdict):
    assert judge(error, stage) is verdict


# Servers and backends that die


class Lending(Pool):
    """Keeps connections from call to call, as real pools do, and counts the threads' turns."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.conn: psycopg.Connection[Any] | None = None
        self.settings: list[str] = []

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        if self.conn is None or self.conn.closed:
            self.conn = psycopg.connect(self.dsn)
            if self.settings:
                self.conn.autocommit = True
                self.conn.execute(self.settings.pop(0).encode())
                self.conn.autocommit = False
        yield self.conn

    def close(self) -> None:
        if self.conn is not None:
            self.conn.close()


def books_of(server: EmbeddedServer) -> tuple[str, str, str]:
    with psycopg.connect(server.dsn()) as conn:
        ledger = Ledger(conn)
        hot, other = (ledger.create_account(name, "USD").id for name in ("hot", "other"))
    return server.dsn(), hot, other


def wait_for(what: Callable[[], object]) -> None:
    waited = threading.Event()
    for _ in range(int(DEADLINE_SECONDS / LOOK_EVERY_SECONDS)):
        if what():
            return
        waited.wait(LOOK_EVERY_SECONDS)
    raise AssertionError("it has not come to that")


def waits_for_standby(watch: psycopg.Connection[Any], pid: int) -> bool:
    return watch.execute(WAITS_FOR_STANDBY, [pid]).fetchone() == (True,)


def has_grown(acknowledged: list[str], least: int) -> bool:
    return len(acknowledged) > least


def test_a_backend_that_is_terminated_in_its_commit_has_made_its_transfers_once(
    new_server: NewServer,
):
    """The commit is on disk and waits for a standby; nobody answers for it any more."""
    server = new_server(settings=COMMITS_CAN_WAIT)
    migrate(server.dsn())
    dsn, hot, other = books_of(server)
    pool = Lending(dsn)
    answers: list[PostedTransfer] = []
    with psycopg.connect(dsn, autocommit=True) as watch, TransferBatcher(pool) as batcher:
        for others in (0, 3):
            pool.close()
            pool.settings = ["set synchronous_commit = on"]
            threads = [
                threading.Thread(
                    target=lambda: answers.append(batcher.create_transfer(other, hot, 1))
                )
                for _ in range(1 + others)
            ]
            # The first goes alone and is cut off; the others wait, and go after it.
            threads[0].start()
            wait_for(lambda: pool.conn is not None and not pool.conn.closed)
            assert pool.conn is not None
            pid = pool.conn.info.backend_pid
            wait_for(functools.partial(waits_for_standby, watch, pid))
            for thread in threads[1:]:
                thread.start()
            watch.execute("select pg_terminate_backend(%s)", [pid])
            for thread in threads:
                thread.join(DEADLINE_SECONDS)
        pool.close()
        assert len(answers) == 5
        assert sorted(posted.to_account_version for posted in answers) == [1, 2, 3, 4, 5]
        assert sum(posted.replayed for posted in answers) == 2
        assert watch.execute("select count(*) from pgledger.transfers").fetchone() == (5,)


def test_a_server_that_is_killed_under_it_loses_and_doubles_nothing(new_server: NewServer):
    """Callers that wait until it is back, and callers that soon give up."""
    server = new_server(settings={"autovacuum": "off"})
    migrate(server.dsn())
    for retry_for in (dt.timedelta(minutes=1), dt.timedelta(seconds=0.02)):
        kill_under_callers(server, retry_for)


def kill_under_callers(server: EmbeddedServer, retry_for: dt.timedelta) -> None:
    """Eight callers with known ids: each is told the truth, whatever it was told."""
    dsn, hot, other = books_of(server)
    pool = Lending(dsn)
    acknowledged: list[str] = []
    unsettled: list[str] = []
    asked: list[str] = []
    stop = threading.Event()

    def use(batcher: TransferBatcher) -> None:
        while not stop.is_set():
            own = ids.generate("pglt")
            asked.append(own)
            try:
                posted = batcher.create_transfer(other, hot, 1, id=own)
            except TransferUnsettled as error:
                unsettled.append(error.id or "")
            else:
                acknowledged.append(posted.id)

    with TransferBatcher(pool, retry_for=retry_for) as batcher:
        callers = [threading.Thread(target=_quietly, args=(use, batcher)) for _ in range(8)]
        for caller in callers:
            caller.start()
        try:
            for number in range(2):
                wait_for(functools.partial(has_grown, acknowledged, len(acknowledged) + 20))
                threading.Event().wait(0.011 * number)
                kill_server(server)
                server.stop()
                server.start()
        finally:
            stop.set()
            for caller in callers:
                caller.join(DEADLINE_SECONDS)
        with psycopg.connect(dsn) as conn:
            rows = conn.execute(
                "select id from pgledger_transfers_view where to_account_id = %s", [hot]
            ).fetchall()
            made = {name for (name,) in rows}
            assert len(rows) == len(made)
            assert set(acknowledged) <= made <= set(asked)
            assert set(unsettled) <= set(asked)
            # What nobody could say is asked for once more with the same id.
            for own in unsettled:
                assert batcher.create_transfer(other, hot, 1, id=own).replayed is (own in made)
            if retry_for > dt.timedelta(seconds=1):
                # With enough time, everybody was told.
                assert set(acknowledged) == set(asked)
            account = Ledger(conn).get_account(hot)
            assert account.version == account.balance == len(made | set(unsettled))
            assert all(check.ok for check in Ledger(conn).verify())
    pool.close()


def _quietly(use: Callable[[TransferBatcher], None], batcher: TransferBatcher) -> None:
    while True:
        try:
            return use(batcher)
        except (psycopg.OperationalError, BatcherClosed):
            # The server is away for longer than it is asked again: nothing was sent.
            continue

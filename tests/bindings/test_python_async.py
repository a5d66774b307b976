"""The asynchronous client: source of the synchronous one, whose tests go deeper."""

import asyncio
import contextlib
import datetime as dt
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from pgledger import (
    AsyncLedger,
    Ledger,
    TransferRequest,
    errors,
    ids,
    run_transaction_async,
)

UTC = dt.UTC

Pair = tuple[str, str]


@pytest.fixture
async def pair(aconn: psycopg.AsyncConnection[Any]) -> Pair:
    """Ids of two accounts, committed."""
    ledger = AsyncLedger(aconn)
    made = [(await ledger.create_account(name, "USD")).id for name in ("buyer", "shop")]
    await aconn.commit()
    return made[0], made[1]


async def test_every_call_answers(aconn, pair: Pair):
    ledger = AsyncLedger(aconn)
    buyer, shop = pair
    transfer = await ledger.create_transfer(buyer, shop, Decimal("12.34"), metadata={"order": 1})
    assert transfer.to_account_balance == Decimal("12.34")
    assert await ledger.get_transfer(transfer.id) == transfer

    event_at = dt.datetime(2025, 7, 1, tzinfo=UTC)
    batch = await ledger.create_transfers(
        [(buyer, shop, 1), TransferRequest(shop, buyer, 2, event_at=event_at)], group_id="order-7"
    )
    assert [made.amount for made in batch] == [1, 2]
    assert batch[1].event_at == event_at

    account = await ledger.get_account(shop)
    assert (account.balance, account.version) == (Decimal("11.34"), 3)
    entries = await ledger.account_entries(shop, page_size=2)
    assert [entry.account_version for entry in entries] == [3, 2]
    assert await ledger.balance_at(shop, transfer.created_at) == Decimal("12.34")
    assert all(check.ok for check in await ledger.verify())
    assert ids.is_valid(await ledger.generate_id("pgla"), "pgla")


async def test_business_rows_and_transfers_roll_back_together(aconn, pair: Pair):
    await aconn.execute("create table orders (id integer)")
    await aconn.commit()
    await aconn.execute("insert into orders values (1)")
    await AsyncLedger(aconn).create_transfer(*pair, 1)
    await aconn.rollback()
    cursor = await aconn.execute(
        "select (select count(*) from orders), (select count(*) from pgledger_transfers_view)"
    )
    assert await cursor.fetchone() == (0, 0)


async def test_a_refused_transfer_in_a_savepoint_leaves_the_rest(aconn, pair: Pair):
    ledger = AsyncLedger(aconn)
    poor = await ledger.create_account("poor", "USD", allow_negative_balance=False)
    await aconn.execute("create table orders (id integer)")
    with pytest.raises(errors.InsufficientFunds):
        async with aconn.transaction():
            await ledger.create_transfer(poor.id, pair[1], 5)
    await aconn.execute("insert into orders values (1)")
    await aconn.commit()
    cursor = await aconn.execute("select count(*) from orders")
    assert await cursor.fetchone() == (1,)
    assert (await ledger.get_account(poor.id)).version == 0


@pytest.mark.parametrize("newest_first", [True, False])
async def test_all_entries_are_iterated_once(aconn, pair: Pair, newest_first):
    ledger = AsyncLedger(aconn)
    await ledger.create_transfers([(*pair, 1)] * 10)
    versions = [
        entry.account_version
        async for entry in ledger.iter_entries(pair[1], page_size=3, newest_first=newest_first)
    ]
    assert versions == (list(range(10, 0, -1)) if newest_first else list(range(1, 11)))


async def test_wrong_types_are_refused_before_anything_is_sent(aconn, pair: Pair):
    ledger = AsyncLedger(aconn)
    with pytest.raises(TypeError, match="amount must be a Decimal or an int, not float"):
        await ledger.create_transfer(*pair, 12.34)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="request 1: amount"):
        await ledger.create_transfers([(*pair, True)])
    with pytest.raises(ValueError, match="has no time zone"):
        await ledger.create_transfer(*pair, 1, event_at=dt.datetime(2025, 7, 1))  # noqa: DTZ001
    assert aconn.info.transaction_status == TransactionStatus.IDLE


async def test_tasks_may_share_a_connection(aconn, pair: Pair):
    ledger = AsyncLedger(aconn)
    made = await asyncio.gather(*(ledger.create_transfer(*pair, amount) for amount in range(1, 21)))
    assert [transfer.amount for transfer in made] == list(range(1, 21))


async def test_any_row_factory_and_a_pipeline_will_do(aconn, pair: Pair):
    aconn.row_factory = dict_row
    ledger = AsyncLedger(aconn, schema="public")
    async with aconn.pipeline():
        first = await ledger.create_transfer(*pair, 1)
        second = await ledger.create_transfer(*pair, 2)
        with pytest.raises(errors.InvalidAmount):
            async with aconn.transaction():
                await ledger.create_transfer(*pair, 0)
    assert [first.to_account_balance, second.to_account_balance] == [1, 3]


async def test_the_wrong_kind_of_connection_is_refused(aconn):
    with pytest.raises(TypeError, match=r"Ledger needs a psycopg.Connection, not AsyncConnection"):
        Ledger(aconn)


# Transactions that are run again


class GivesUp:
    """A function that PostgreSQL gives up a number of times."""

    def __init__(self, times: int, sqlstate: str = "40001") -> None:
        self.times = times
        self.sqlstate = sqlstate
        self.calls = 0

    async def __call__(self, conn: psycopg.AsyncConnection[Any]) -> int:
        self.calls += 1
        await conn.execute("insert into tried values (%s)", [self.calls])
        if self.calls <= self.times:
            await conn.execute(
                f"do $$ begin raise exception 'again' using errcode = '{self.sqlstate}'; "
                "end $$".encode()
            )
        return self.calls


@pytest.fixture
async def tried(aconn: psycopg.AsyncConnection[Any]) -> psycopg.AsyncConnection[Any]:
    await aconn.execute("create table tried (attempt integer)")
    await aconn.commit()
    return aconn


async def attempts_that_stayed(conn: psycopg.AsyncConnection[Any]) -> list[tuple[int]]:
    cursor = await conn.execute("select attempt from tried")
    return await cursor.fetchall()


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
async def test_a_transaction_given_up_is_run_again(tried, sqlstate):
    assert await run_transaction_async(tried, GivesUp(3, sqlstate)) == 4
    assert tried.info.transaction_status == TransactionStatus.IDLE
    assert await attempts_that_stayed(tried) == [(4,)]


async def test_after_the_last_attempt_the_error_is_raised(tried):
    giving_up = GivesUp(100)
    with pytest.raises(psycopg.errors.SerializationFailure):
        await run_transaction_async(tried, giving_up, attempts=3)
    assert giving_up.calls == 3
    assert await attempts_that_stayed(tried) == []


async def test_attempts_go_on_until_the_time_is_over(tried, monkeypatch):
    assert await run_transaction_async(tried, GivesUp(11)) == 12
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("pgledger._transactions_async.asyncio.sleep", sleep)
    monkeypatch.setattr("pgledger._retries.monotonic", lambda: sum(slept))
    with pytest.raises(psycopg.errors.SerializationFailure) as raised:
        await run_transaction_async(tried, GivesUp(10_000), retry_for=dt.timedelta(seconds=3))
    assert sum(slept) == pytest.approx(3)
    assert raised.value.__notes__ == [
        f"run_transaction_async gave up after {len(slept) + 1} attempts"
    ]


async def test_other_errors_are_raised_at_once(tried):
    giving_up = GivesUp(100, "LG024")
    with pytest.raises(errors.InsufficientFunds):
        await run_transaction_async(tried, giving_up)
    assert giving_up.calls == 1


async def test_a_rollback_asked_for_is_told(tried):
    async def change_mind(conn: psycopg.AsyncConnection[Any]) -> int:
        raise psycopg.Rollback

    with pytest.raises(psycopg.Rollback):
        await run_transaction_async(tried, change_mind)


async def test_an_error_caught_without_a_savepoint_is_no_success(tried, pair: Pair):
    async def hush(conn: psycopg.AsyncConnection[Any]) -> str:
        await conn.execute("insert into tried values (1)")
        with contextlib.suppress(errors.InvalidAmount):
            await AsyncLedger(conn).create_transfer(*pair, -1)
        return "paid"

    with pytest.raises(psycopg.ProgrammingError, match="nothing was committed"):
        await run_transaction_async(tried, hush)
    assert tried.info.transaction_status == TransactionStatus.IDLE
    assert await attempts_that_stayed(tried) == []


async def test_an_error_caught_outside_of_a_savepoint_is_survived(tried, pair: Pair):
    async def go_on(conn: psycopg.AsyncConnection[Any]) -> str:
        await conn.execute("insert into tried values (1)")
        with contextlib.suppress(errors.InvalidAmount):
            async with conn.transaction():
                await AsyncLedger(conn).create_transfer(*pair, -1)
        return "refused"

    assert await run_transaction_async(tried, go_on) == "refused"
    assert await attempts_that_stayed(tried) == [(1,)]


async def test_a_connection_in_a_transaction_is_refused(tried):
    await tried.execute("select 1")
    with pytest.raises(psycopg.ProgrammingError, match="already in a transaction"):
        await run_transaction_async(tried, GivesUp(0))
    await tried.rollback()
    async with tried.pipeline():
        with pytest.raises(psycopg.ProgrammingError, match="pipeline"):
            await run_transaction_async(tried, GivesUp(0))


async def test_the_isolation_level_is_the_transactions_alone(aconn):
    async def shown(conn: psycopg.AsyncConnection[Any]) -> Any:
        return await (await conn.execute("show transaction_isolation")).fetchone()

    assert await run_transaction_async(
        aconn, shown, isolation_level=IsolationLevel.SERIALIZABLE
    ) == ("serializable",)
    assert await run_transaction_async(aconn, shown) == ("read committed",)


async def test_a_cancelled_task_leaves_nothing(tried):
    begun = asyncio.Event()

    async def wait_for_ever(conn: psycopg.AsyncConnection[Any]) -> None:
        await conn.execute("insert into tried values (1)")
        begun.set()
        await asyncio.sleep(3600)

    task = asyncio.create_task(run_transaction_async(tried, wait_for_ever))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tried.info.transaction_status == TransactionStatus.IDLE
    assert await attempts_that_stayed(tried) == []

"""asyncpg: every type and error of the interface arrives, through SQL alone."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from support.clock import SetClock

Accounts = tuple[str, str, str]


@pytest.fixture
async def other(ledger_dsn: str) -> AsyncIterator[Any]:
    """A connection of asyncpg to the test's database."""
    place = conninfo_to_dict(ledger_dsn)
    connection = await asyncpg.connect(
        host=place["host"], port=place["port"], user=place["user"], database=place["dbname"]
    )
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
    )
    yield connection
    await connection.close()


@pytest.fixture
async def accounts(other: Any) -> Accounts:
    open_one = "select id from pgledger_create_account($1, 'USD', allow_negative_balance => $2)"
    cash = await other.fetchval(open_one, "cash", True)
    wallet = await other.fetchval(open_one, "wallet", False)
    sales = await other.fetchval(open_one, "sales", True)
    return cash, wallet, sales


PAY = "select * from pgledger_create_transfer($1, $2, $3)"
BATCH = "select * from pgledger_create_transfers_from_rows($1)"


@pytest.mark.parametrize(
    "amount", ["0.000000000000000001", "999999999999999999999999999999.999999999999999999", "1.50"]
)
async def test_amounts_keep_every_digit(other: Any, accounts: Accounts, amount: str) -> None:
    cash, _, sales = accounts
    row = await other.fetchrow(PAY, cash, sales, Decimal(amount))
    assert row["amount"].as_tuple() == Decimal(amount).as_tuple()
    assert row["to_account_balance"] == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "code"),
    [(0.1, "LG010"), (Decimal("NaN"), "LG010"), (Decimal(0), "LG010"), (Decimal(99), "LG024")],
)
async def test_refusals_have_our_code(
    other: Any, accounts: Accounts, amount: Any, code: str
) -> None:
    _, wallet, sales = accounts
    with pytest.raises(asyncpg.PostgresError) as raised:
        await other.fetchrow(PAY, wallet, sales, amount)
    assert raised.value.sqlstate == code
    with pytest.raises(asyncpg.PostgresError) as raised:
        await other.fetch(BATCH, [(wallet, sales, amount)])
    assert raised.value.sqlstate == code


async def test_an_array_of_transfers_needs_no_type(other: Any, accounts: Accounts) -> None:
    cash, wallet, sales = accounts
    rows = [(cash, wallet, Decimal(50)), (wallet, sales, Decimal("19.99"))]
    made = await other.fetch(BATCH, rows)
    assert [row["to_account_balance"] for row in made] == [50, Decimal("19.99")]


async def test_a_block_in_a_block_is_a_savepoint(other: Any, accounts: Accounts) -> None:
    cash, wallet, sales = accounts
    async with other.transaction():
        await other.fetchrow(PAY, cash, wallet, 20)
        with pytest.raises(asyncpg.PostgresError):
            async with other.transaction():
                await other.fetchrow(PAY, wallet, sales, 99)
        await other.fetchrow(PAY, wallet, sales, 5)
    balances = await other.fetch("select name, balance from pgledger_accounts_view")
    assert dict(balances) == {"cash": -20, "wallet": 15, "sales": 5}


async def test_without_a_savepoint_the_block_is_lost(other: Any, accounts: Accounts) -> None:
    cash, wallet, sales = accounts
    async with other.transaction():
        await other.fetchrow(PAY, cash, wallet, 20)
        with pytest.raises(asyncpg.PostgresError):
            await other.fetchrow(PAY, wallet, sales, 99)
    assert await other.fetchval("select sum(version)::int from pgledger_accounts_view") == 0


async def test_times_keep_their_microseconds(
    other: Any, accounts: Accounts, conn: psycopg.Connection[Any], set_clock: SetClock
) -> None:
    cash, wallet, _ = accounts
    set_clock(conn, "date_trunc('second', clock_timestamp()) + interval '1.678901 seconds'")
    made = await other.fetchrow(PAY, cash, wallet, 7)
    assert made["created_at"].microsecond == 678901
    balance = "select pgledger_balance_at($1, $2)"
    assert await other.fetchval(balance, wallet, made["created_at"]) == 7


async def test_metadata_travels_with_a_codec(
    other: Any, accounts: Accounts, conn: psycopg.Connection[Any]
) -> None:
    cash, wallet, _ = accounts
    noted = {"a": [1.5, {"ü": "☃ $1 %s"}], "b": None}
    bulk = "select id, metadata from pgledger_create_transfers_bulk($1, $2, $3, metadatas => $4)"
    rows = await other.fetch(bulk, [cash] * 2, [wallet] * 2, [1, 2], [noted, None])
    assert [row["metadata"] for row in rows] == [noted, None]
    stored = conn.execute(
        "select metadata from pgledger_transfers_view where id = %s", (rows[0]["id"],)
    ).fetchone()
    assert stored == (noted,)

"""Batches that answer with rows, with ids or with a number do the same."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgledger import AsyncLedger, Ledger, TransferRequest, errors, ids
from support.database import Connect

Session = psycopg.Connection[Any]

FIRST = "pglt_00000000000000000000000001"
SECOND = "pglt_00000000000000000000000002"


@pytest.fixture
def accounts(conn: Session) -> list[str]:
    return [Ledger(conn).create_account(name, "USD").id for name in "abc"]


def books(conn: Session) -> list[tuple[Any, ...]]:
    return conn.execute(
        """
        select key, version, balance, updated_at = (
          select max(created_at) from pgledger.transfers where accounts.key in (from_key, to_key)
        )
        from pgledger.accounts
        order by key
        """
    ).fetchall()


def stored(conn: Session) -> list[tuple[Any, ...]]:
    return conn.execute(
        """
        select
          from_key, to_key, from_version, to_version, amount, from_balance, to_balance, event_at,
          group_id, metadata, created_at - min(created_at) over ()
        from pgledger.transfers
        order by created_at
        """
    ).fetchall()


def requests(accounts: Sequence[str]) -> list[TransferRequest]:
    a, b, c = accounts
    return [
        TransferRequest(a, b, Decimal("1.50")),
        TransferRequest(b, a, Decimal("0.500"), metadata={"n": 1}),
        TransferRequest(b, c, 7),
        TransferRequest(c, a, 2),
        TransferRequest(a, b, 1),
    ]


def test_three_answers_stand_for_the_same_transfers(conn, accounts):
    ledger = Ledger(conn)
    seen = []
    for make in (
        ledger.create_transfers,
        ledger.create_transfers_ids,
        ledger.create_transfers_count,
    ):
        with conn.transaction(force_rollback=True):
            answer = make(requests(accounts), group_id="order-7")
            made = [row[0] for row in conn.execute("select id from pgledger.transfers order by 1")]
            if isinstance(answer, int):
                assert answer == 5
            else:
                assert [getattr(one, "id", one) for one in answer] == made
            assert all(ids.is_valid(one, "pglt") for one in made)
            seen.append((books(conn), stored(conn)))
    assert seen[0] == seen[1] == seen[2]
    assert all(is_newest for *_, is_newest in seen[0][0])


@pytest.mark.parametrize("with_id", [False, True])
def test_rows_say_what_is_stored(conn, accounts, with_id):
    ledger = Ledger(conn)
    given = requests(accounts)
    if with_id:
        given.append(TransferRequest(accounts[0], accounts[2], 3, id=FIRST))
    made = ledger.create_transfers(given, group_id="order-7")
    for transfer in made:
        read = ledger.get_transfer(transfer.id)
        assert transfer.replayed is False
        assert {**vars_of(transfer), "replayed": None} == vars_of(read)
    assert [transfer.amount for transfer in made] == [request.amount for request in given]


def vars_of(transfer: Any) -> dict[str, Any]:
    return {name: getattr(transfer, name) for name in transfer.__dataclass_fields__}


def test_what_is_repeated_has_an_id_and_is_not_counted(conn, accounts):
    ledger = Ledger(conn)
    pair = accounts[:2]
    batch = [
        TransferRequest(pair[0], pair[1], 1, id=chosen) for chosen in (FIRST, None, SECOND, FIRST)
    ]
    assert ledger.create_transfers_count(batch) == 3
    assert ledger.create_transfers_count([batch[0], batch[2]]) == 0
    again = ledger.create_transfers_ids(batch)
    assert again[0] == again[3] == FIRST
    assert again[2] == SECOND
    assert ids.is_valid(again[1], "pglt")
    assert ledger.get_account(pair[1]).version == 4


def test_nothing_asked_is_nothing_made(conn):
    ledger = Ledger(conn)
    assert ledger.create_transfers_ids([]) == []
    assert ledger.create_transfers_count([]) == 0


async def test_asynchronous_calls_answer_the_same(aconn):
    ledger = AsyncLedger(aconn)
    a, b = [(await ledger.create_account(name, "USD")).id for name in "ab"]
    made = await ledger.create_transfers_ids([(a, b, 1), (b, a, 2)])
    assert [(await ledger.get_transfer(one)).amount for one in made] == [1, 2]
    assert await ledger.create_transfers_count([(a, b, 1)]) == 1


def test_currencies_may_differ_between_requests_and_not_within_one(conn, accounts):
    ledger = Ledger(conn)
    euros = [ledger.create_account(name, "EUR").id for name in "de"]
    both = [(*accounts[:2], 1), (*euros, 2), (accounts[2], accounts[0], 3)]
    assert [made.currency for made in ledger.create_transfers(both)] == ["USD", "EUR", "USD"]
    with pytest.raises(errors.CurrencyMismatch, match="request 3 of 4"):
        ledger.create_transfers_count([*both[:2], (euros[0], accounts[0], 1), both[2]])


def test_a_limit_is_named_after_a_currency_and_at_the_first_request(conn, accounts):
    ledger = Ledger(conn)
    poor = ledger.create_account("poor", "USD", allow_negative_balance=False).id
    euro = ledger.create_account("euro", "EUR").id
    batch = [(accounts[0], poor, 5), (poor, accounts[1], 5), (poor, accounts[1], 1)]
    with (
        pytest.raises(errors.InsufficientFunds, match="request 3 of 4") as refused,
        conn.transaction(),
    ):
        ledger.create_transfers_count([*batch, (poor, accounts[1], 1)])
    assert "0 less 1 would leave -1" in str(refused.value)
    with pytest.raises(errors.CurrencyMismatch, match="request 4 of 4"):
        ledger.create_transfers_ids([*batch, (euro, accounts[1], 1)])


@pytest.mark.parametrize("offset", [0, 500, 999, 1_023_000, 1_023_999])
def test_ids_of_a_batch_are_those_of_their_times(conn, offset):
    """Heads change every 1.024 seconds, and digits with each millisecond and microsecond."""
    count = 2500
    rows = conn.execute(
        """
        with begin as (
          select
            timestamptz 'epoch' + (1024000 * 1700000::bigint + %s) * step.width as at, step.width
          from (select interval '1 microsecond' as width) as step
        )
        select
          given.place, given.id, pgledger.new_ulid(begin.at + (given.place - 1) * begin.width)
        from begin
        cross join lateral unnest(pgledger.new_transfer_ids(begin.at, %s))
          with ordinality as given (id, place)
        order by given.place
        """,
        [offset, count],
    ).fetchall()
    assert len(rows) == count
    assert [made[5:19] for _, made, _ in rows] == [single[:14] for _, _, single in rows]
    assert len({made[19:] for _, made, _ in rows}) == 1
    assert [made for _, made, _ in rows] == sorted({made for _, made, _ in rows})


def plan_of(conn: Session, statement: str) -> str:
    (answer,) = conn.execute(f"explain (format json) {statement}".encode()).fetchone() or ("",)
    return json.dumps(answer)


def test_rows_of_a_batch_are_not_written_down_on_their_way(conn):
    plan = plan_of(
        conn,
        "select posted.id from pgledger.posted_transfers(array['a'], array['b'], null, null, null,"
        " null, '', null, array['c'], now(), array[1.5], array[1, 2], array[1.5], array[1.5],"
        " array[1::bigint], array[1::bigint], array['USD'], array['a', 'b'], array['', ''])"
        " as posted",
    )
    assert "posted_transfers" not in plan
    assert "ProjectSet" in plan


def test_a_plan_holds_the_digits_of_microseconds(conn):
    assert "microsecond_digits" not in plan_of(conn, "select pgledger.microsecond_digits()")


def test_batches_are_planned_once(conn):
    """A plan for the arrays at hand would be made anew by each call, and hold their values."""
    options = conn.execute(
        "select proconfig from pg_proc where oid = 'pgledger.post_transfers'::regproc"
    ).fetchone()
    assert options is not None
    assert set(options[0]) == {
        "plan_cache_mode=force_generic_plan",
        "enable_nestloop=off",
        "enable_mergejoin=off",
        "enable_seqscan=off",
        "jit=off",
    }


def test_a_batch_reads_its_accounts_by_index_even_when_the_table_was_small(connect: Connect):
    """The session planned while there were two accounts, and no statistics told it of the rest."""
    conn = connect(autocommit=True)
    conn.execute("alter table pgledger.accounts set (autovacuum_enabled = off)")
    ledger = Ledger(conn)
    a, b = [ledger.create_account(name, "USD").id for name in "ab"]
    for _ in range(7):
        assert ledger.create_transfers_count([(a, b, 1)]) == 1
    conn.execute(
        "select count(pgledger_create_account('more', 'USD')) from generate_series(1, 3000)"
    )
    ones = [row[0] for row in conn.execute("select id from pgledger_accounts_v1").fetchall()]
    pairs = zip(ones[:1000], ones[1000:2000], [1] * 1000, strict=True)
    before = reads_of_accounts(conn)
    assert ledger.create_transfers_count(pairs) == 1000
    by_index, by_scan = reads_of_accounts(conn)
    assert by_scan == before[1]
    # A few times each: to lock it, and to write its balance.
    assert by_index - before[0] <= 3 * 2000


def reads_of_accounts(conn: Session) -> tuple[int, int]:
    """Rows that were read by index, and by reading the table from end to end."""
    conn.execute("select pg_stat_force_next_flush()")
    found = conn.execute(
        "select idx_tup_fetch, seq_tup_read from pg_stat_user_tables where relname = 'accounts'"
    ).fetchone()
    assert found is not None
    return found[0], found[1]

"""Whether a result was made by the call that returns it, or by an earlier one that it repeats."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest

FIRST = "pglt_00000000000000000000000001"
SECOND = "pglt_00000000000000000000000002"


@pytest.fixture
def accounts(conn: psycopg.Connection[Any]) -> tuple[str, str]:
    rows = conn.execute(
        """
        select made.id
        from unnest(array['a', 'b']) as name
        cross join lateral pgledger_create_account(name, 'USD') as made
        """
    ).fetchall()
    return rows[0][0], rows[1][0]


def one(conn: psycopg.Connection[Any], call: str, *arguments: Any) -> Any:
    row = conn.execute(f"select id, replayed from {call}".encode(), arguments).fetchone()
    assert row is not None
    return row


def bulk(
    conn: psycopg.Connection[Any], accounts: tuple[str, str], ids: list[str | None]
) -> list[Any]:
    return conn.execute(
        """
        select id, replayed, from_account_version
        from pgledger_create_transfers_bulk(%s, %s, %s, ids => %s)
        """,
        [
            [accounts[0]] * len(ids),
            [accounts[1]] * len(ids),
            [Decimal(1)] * len(ids),
            ids,
        ],
    ).fetchall()


def test_an_account_is_replayed_from_the_second_call_on(conn):
    call = "pgledger_create_account('a', 'USD', id => %s)"
    chosen = "pgla_00000000000000000000000001"
    assert one(conn, call, chosen) == (chosen, False)
    assert one(conn, call, chosen) == (chosen, True)
    assert one(conn, call, chosen) == (chosen, True)
    assert one(conn, "pgledger_create_account('a', 'USD')")[1] is False


def test_a_transfer_is_replayed_from_the_second_call_on(conn, accounts):
    call = "pgledger_create_transfer(%s, %s, 1, id => %s)"
    assert one(conn, call, *accounts, FIRST) == (FIRST, False)
    assert one(conn, call, *accounts, FIRST) == (FIRST, True)
    assert one(conn, "pgledger_create_transfer(%s, %s, 1)", *accounts)[1] is False


def test_a_replay_is_the_first_result_but_for_saying_so(conn, accounts):
    call = """
        select *
        from pgledger_create_transfer(
          %s, %s, 1.50, event_at => '2025-01-01Z', metadata => '{"n": 1}', id => %s
        )
    """
    first = conn.execute(call, [*accounts, FIRST]).fetchone()
    conn.execute("select pgledger_create_transfer(%s, %s, 1)", accounts)
    again = conn.execute(call, [*accounts, FIRST]).fetchone()
    assert first is not None
    assert again is not None
    assert (first[-1], again[-1]) == (False, True)
    assert again[:-1] == first[:-1]


def test_a_batch_replays_what_its_own_requests_and_earlier_calls_made(conn, accounts):
    conn.execute("select pgledger_create_transfer(%s, %s, 1, id => %s)", [*accounts, FIRST])
    (first, second, third, repeated, fifth) = bulk(
        conn, accounts, [FIRST, SECOND, None, SECOND, None]
    )
    assert first == (FIRST, True, 1)
    assert second == (SECOND, False, 2)
    assert third[1:] == (False, 3)
    assert repeated == (SECOND, True, 2)
    assert fifth[1:] == (False, 4)
    assert [row[:2] for row in bulk(conn, accounts, [SECOND, FIRST])] == [
        (SECOND, True),
        (FIRST, True),
    ]


def test_batches_without_ids_replay_nothing(conn, accounts):
    assert [row[1] for row in bulk(conn, accounts, [None, None])] == [False, False]
    rows = conn.execute(
        "select replayed from pgledger_create_transfers((%s, %s, 1), (%s, %s, 1))",
        [*accounts, *accounts],
    ).fetchall()
    assert rows == [(False,), (False,)]


def test_readers_asked_for_nothing_new(conn, accounts):
    conn.execute("select pgledger_create_transfer(%s, %s, 1, id => %s)", [*accounts, FIRST])
    assert one(conn, "pgledger_get_account(%s)", accounts[0]) == (accounts[0], None)
    assert one(conn, "pgledger_get_transfer(%s)", FIRST) == (FIRST, None)

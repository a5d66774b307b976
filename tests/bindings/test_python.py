"""The synchronous Python client: on the caller's transaction, whatever its connection is like."""

import contextlib
import copy
import dataclasses
import datetime as dt
import decimal
import inspect
import json
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, get_type_hints

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import ClientCursor, IsolationLevel, RawCursor
from psycopg.adapt import Dumper, Loader
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row, namedtuple_row, scalar_row

from pgledger import (
    Account,
    Check,
    Entry,
    Ledger,
    PgledgerError,
    Transfer,
    TransferRequest,
    errors,
    ids,
    run_transaction,
)
from pgledger.ledger import AsyncLedger
from scripts import retry_storm
from support.database import Connect

UTC = dt.UTC


@dataclasses.dataclass(frozen=True)
class Books:
    """A ledger with two accounts, committed."""

    ledger: Ledger
    shop: Account
    buyer: Account


def open_books(conn: psycopg.Connection[Any], **options: Any) -> Books:
    ledger = Ledger(conn)
    books = Books(
        ledger,
        shop=ledger.create_account("shop", "USD"),
        buyer=ledger.create_account("buyer", "USD", **options),
    )
    conn.commit()
    return books


@pytest.fixture
def books(conn: psycopg.Connection[Any]) -> Books:
    return open_books(conn)


def status(conn: psycopg.Connection[Any]) -> TransactionStatus:
    return conn.info.transaction_status


# On the caller's transaction


def test_business_rows_and_transfers_roll_back_together(conn, connect: Connect, books: Books):
    conn.execute("create table orders (id integer primary key, transfer_id text)")
    conn.commit()

    conn.execute("insert into orders values (1)")
    transfer = books.ledger.create_transfer(books.buyer.id, books.shop.id, Decimal("12.34"))
    conn.execute("update orders set transfer_id = %s", [transfer.id])
    conn.rollback()

    other = connect()
    assert other.execute("select count(*) from orders").fetchone() == (0,)
    assert other.execute("select count(*) from pgledger_transfers_view").fetchone() == (0,)
    assert Ledger(other).get_account(books.shop.id).balance == 0


def test_business_rows_and_transfers_commit_together(conn, connect: Connect, books: Books):
    conn.execute("create table orders (id integer primary key, transfer_id text)")
    other = connect(autocommit=True)
    transfer = books.ledger.create_transfer(books.buyer.id, books.shop.id, Decimal("12.34"))
    conn.execute("insert into orders values (1, %s)", [transfer.id])
    assert other.execute("select count(*) from pgledger_transfers_view").fetchone() == (0,)
    conn.commit()

    assert other.execute("select transfer_id from orders").fetchone() == (transfer.id,)
    assert Ledger(other).get_transfer(transfer.id) == transfer


def test_a_refused_transfer_in_a_savepoint_leaves_the_rest(conn):
    books = open_books(conn, allow_negative_balance=False)
    conn.execute("create table orders (id integer primary key, state text)")

    conn.execute("insert into orders values (1, 'new')")
    try:
        with conn.transaction():
            conn.execute("update orders set state = 'paid'")
            books.ledger.create_transfer(books.buyer.id, books.shop.id, 5)
        pytest.fail("the transfer should have been refused")
    except errors.InsufficientFunds:
        pass
    conn.execute("update orders set state = 'refused' where state = 'new'")
    conn.commit()

    assert conn.execute("select state from orders").fetchone() == ("refused",)
    assert books.ledger.get_account(books.buyer.id).version == 0


def test_a_refusal_without_savepoint_aborts_the_transaction(conn, books: Books):
    conn.execute("create table orders (id integer)")
    with pytest.raises(errors.SameAccount):
        books.ledger.create_transfer(books.shop.id, books.shop.id, 1)
    assert status(conn) == TransactionStatus.INERROR
    conn.rollback()


def test_no_call_commits_or_rolls_back(conn, connect: Connect):
    ledger = Ledger(conn)
    calls: list[Callable[[], object]] = [
        lambda: ledger.generate_id("pgla"),
        lambda: ledger.create_account("a", "USD"),
        lambda: ledger.create_transfer(a.id, b.id, 1),
        lambda: ledger.create_transfers([(a.id, b.id, 1)]),
        lambda: ledger.get_account(a.id),
        lambda: ledger.get_transfer(transfer.id),
        lambda: ledger.account_entries(a.id),
        lambda: list(ledger.iter_entries(a.id)),
        lambda: ledger.balance_at(a.id, dt.datetime.now(UTC)),
        lambda: ledger.verify(),
    ]
    a, b = (ledger.create_account(name, "USD") for name in "ab")
    transfer = ledger.create_transfer(a.id, b.id, 1)
    begun = conn.execute("select pg_current_xact_id()::text").fetchone()
    for call in calls:
        call()
        assert status(conn) == TransactionStatus.INTRANS
        assert conn.execute("select pg_current_xact_id()::text").fetchone() == begun
    conn.rollback()
    assert Ledger(connect()).verify() == ledger.verify()
    assert conn.execute("select count(*) from pgledger_accounts_view").fetchone() == (0,)


def test_in_autocommit_each_call_is_its_own_transaction(connect: Connect):
    conn = connect(autocommit=True)
    books = open_books(conn)
    books.ledger.create_transfer(books.buyer.id, books.shop.id, 1)
    assert status(conn) == TransactionStatus.IDLE
    assert Ledger(connect()).get_account(books.shop.id).balance == 1


def test_calls_leave_no_state_in_the_session(connect: Connect):
    conn = connect(prepare_threshold=None)
    books = open_books(conn)
    for _ in range(10):
        books.ledger.create_transfer(books.buyer.id, books.shop.id, 1)
        books.ledger.create_transfers([(books.buyer.id, books.shop.id, 1)])
        books.ledger.account_entries(books.shop.id)
        books.ledger.balance_at(books.shop.id, dt.datetime.now(UTC))
    run_transaction_elsewhere = connect()
    assert conn.execute("select count(*) from pg_prepared_statements").fetchone() == (0,)
    assert conn.execute("select count(*) from pg_cursors").fetchone() == (0,)
    conn.commit()
    held = run_transaction_elsewhere.execute(
        "select locktype, mode from pg_locks where pid = %s", [conn.info.backend_pid]
    ).fetchall()
    assert held == []
    set_here = "select name from pg_settings where source = 'session'"
    assert (
        conn.execute(set_here).fetchall() == run_transaction_elsewhere.execute(set_here).fetchall()
    )
    assert conn.execute(
        "select count(*) from pg_class where relnamespace = pg_my_temp_schema()"
    ).fetchone() == (0,)


def test_each_call_is_prepared_once_whatever_its_arguments(connect: Connect):
    conn = connect(prepare_threshold=0, autocommit=True)
    books = open_books(conn)
    pair = (books.buyer.id, books.shop.id)
    books.ledger.create_transfer(*pair, 1)
    books.ledger.create_transfer(*pair, Decimal("0.5"), event_at=dt.datetime.now(UTC))
    books.ledger.create_transfer(*pair, 2**40, metadata={"order": 1}, id=ids.generate("pglt"))
    prepared = conn.execute(
        "select count(*) from pg_prepared_statements "
        "where statement like 'select r.id%create_transfer(%'"
    ).fetchone()
    assert prepared == (1,)


# Wrong types are refused before anything is sent


@pytest.mark.parametrize(
    "amount", [12.34, 0.0, float("nan"), True, False, "12.34", None, 1 + 2j, b"1", [1]]
)
def test_only_decimals_and_ints_are_amounts(conn, books: Books, amount):
    with pytest.raises(TypeError, match="amount must be a Decimal or an int, not"):
        books.ledger.create_transfer(books.buyer.id, books.shop.id, amount)
    with pytest.raises(TypeError, match=r"request 2: amount must be a Decimal or an int, not"):
        books.ledger.create_transfers(
            [(books.buyer.id, books.shop.id, 1), (books.buyer.id, books.shop.id, amount)]
        )
    assert status(conn) == TransactionStatus.IDLE


NAIVE = dt.datetime(2025, 7, 1, 12, 34, 56)  # noqa: DTZ001


class ZoneWithoutOffset(dt.tzinfo):
    """A time zone that does not say how far from UTC it is: as good as none."""

    def utcoffset(self, when: dt.datetime | None, /) -> None:
        return None

    dst = utcoffset

    def tzname(self, when: dt.datetime | None, /) -> None:
        return None


def test_naive_times_are_refused(conn, books: Books):
    pair = (books.buyer.id, books.shop.id)
    for naive in (NAIVE, NAIVE.replace(tzinfo=ZoneWithoutOffset())):
        with pytest.raises(ValueError, match=r"event_at .* has no time zone"):
            books.ledger.create_transfer(*pair, 1, event_at=naive)
        with pytest.raises(ValueError, match=r"request 1: event_at .* has no time zone"):
            books.ledger.create_transfers([TransferRequest(*pair, 1, event_at=naive)])
        with pytest.raises(ValueError, match=r"at .* has no time zone"):
            books.ledger.balance_at(books.shop.id, naive)
    assert status(conn) == TransactionStatus.IDLE


@pytest.mark.parametrize("time", [dt.date(2025, 7, 1), "2025-07-01T12:34:56Z", 1_751_373_296])
def test_only_datetimes_are_times(conn, books: Books, time):
    pair = (books.buyer.id, books.shop.id)
    with pytest.raises(TypeError, match="event_at must be a datetime with a time zone, not"):
        books.ledger.create_transfer(*pair, 1, event_at=time)
    with pytest.raises(TypeError, match="at must be a datetime with a time zone, not"):
        books.ledger.balance_at(books.shop.id, time)
    assert status(conn) == TransactionStatus.IDLE


@pytest.mark.parametrize("flag", [None, 0, 1, "false"])
def test_only_booleans_are_flags(conn, books: Books, flag):
    pair = (books.buyer.id, books.shop.id)
    calls: dict[str, Callable[[], object]] = {
        "allow_negative_balance": lambda: books.ledger.create_account(
            "a", "USD", allow_negative_balance=flag
        ),
        "allow_positive_balance": lambda: books.ledger.create_account(
            "a", "USD", allow_positive_balance=flag
        ),
        "allow_future_event_at": lambda: books.ledger.create_transfer(
            *pair, 1, allow_future_event_at=flag
        ),
        "newest_first": lambda: books.ledger.account_entries(books.shop.id, newest_first=flag),
    }
    for name, call in calls.items():
        with pytest.raises(TypeError, match=f"{name} must be True or False, not"):
            call()
    with pytest.raises(TypeError, match="allow_future_event_at must be True or False, not"):
        books.ledger.create_transfers([(*pair, 1)], allow_future_event_at=flag)
    assert status(conn) == TransactionStatus.IDLE


@pytest.mark.parametrize("metadata", [[], ["a"], "{}", 1, b"{}"])
def test_only_mappings_are_metadata(conn, books: Books, metadata):
    with pytest.raises(TypeError, match="metadata must be a mapping"):
        books.ledger.create_account("a", "USD", metadata=metadata)
    with pytest.raises(TypeError, match="metadata must be a mapping"):
        books.ledger.create_transfer(books.buyer.id, books.shop.id, 1, metadata=metadata)
    assert status(conn) == TransactionStatus.IDLE


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"rate": float("nan")}, ValueError),
        ({"rate": float("inf")}, ValueError),
        ({"when": NAIVE}, TypeError),
        ({"what": object()}, TypeError),
    ],
)
def test_metadata_that_json_cannot_hold_is_refused(conn, books: Books, metadata, kind):
    with pytest.raises(kind):
        books.ledger.create_transfer(books.buyer.id, books.shop.id, 1, metadata=metadata)
    assert status(conn) == TransactionStatus.IDLE


@pytest.mark.parametrize("number", [True, 1.0, "10", None])
def test_only_ints_are_page_sizes(conn, books: Books, number):
    with pytest.raises(TypeError, match="page_size must be an int, not"):
        books.ledger.account_entries(books.shop.id, page_size=number)
    assert status(conn) == TransactionStatus.IDLE


@pytest.mark.parametrize(
    "request_", [(), ("a", "b"), ("a", "b", 1, 2), ["a", "b", 1], "abc", None, {"amount": 1}]
)
def test_only_requests_and_tuples_of_three_make_a_batch(conn, books: Books, request_):
    good = (books.buyer.id, books.shop.id, 1)
    with pytest.raises(TypeError, match=r"request 3: .* is no request"):
        books.ledger.create_transfers([good, good, request_])
    assert status(conn) == TransactionStatus.IDLE


def test_ids_in_a_batch_are_texts(conn, books: Books):
    with pytest.raises(TypeError, match="request 2: to_account_id must be a str, not Account"):
        books.ledger.create_transfers(
            [
                (books.buyer.id, books.shop.id, 1),
                (books.buyer.id, books.shop, 1),  # type: ignore[list-item]
            ]
        )
    assert status(conn) == TransactionStatus.IDLE


def test_an_account_is_not_an_id(books: Books):
    with pytest.raises(psycopg.ProgrammingError, match="cannot adapt type 'Account'"):
        books.ledger.get_account(books.shop)  # type: ignore[arg-type]


def test_the_wrong_kind_of_connection_is_refused(conn):
    with pytest.raises(TypeError, match=r"AsyncLedger needs a psycopg.AsyncConnection, not Conn"):
        AsyncLedger(conn)
    with pytest.raises(TypeError, match=r"Ledger needs a psycopg.Connection, not str"):
        Ledger("dbname=books")  # type: ignore[arg-type]


# Values come back as they went in


def test_an_account_comes_back_whole(books: Books):
    chosen = ids.generate("pgla")
    account = books.ledger.create_account(
        "Käse & <Brot> 'x' \\ \N{PILE OF POO}",
        "EUR",
        allow_negative_balance=False,
        allow_positive_balance=True,
        metadata={"ref": "a\\\"'b", "n": [1, 1.5, None, True], "\N{SNOWMAN}": {"deep": {}}},
        id=chosen,
        app_id="app",
        tenant_id="tenant",
        max_balance=Decimal("1000.50"),
    )
    assert account == Account(
        id=chosen,
        name="Käse & <Brot> 'x' \\ \N{PILE OF POO}",
        currency="EUR",
        balance=Decimal(0),
        version=0,
        allow_negative_balance=False,
        allow_positive_balance=True,
        metadata={"ref": "a\\\"'b", "n": [1, 1.5, None, True], "\N{SNOWMAN}": {"deep": {}}},
        created_at=account.created_at,
        updated_at=account.created_at,
        app_id="app",
        tenant_id="tenant",
        min_balance=Decimal(0),
        max_balance=Decimal("1000.5"),
        held_out=Decimal(0),
        held_in=Decimal(0),
        available_balance=Decimal(0),
        status="open",
        amount_scale=None,
        replayed=False,
    )
    assert not account.replayed
    assert account.created_at.utcoffset() == dt.timedelta(0)
    # Equal whichever call it came from.
    assert books.ledger.get_account(chosen, app_id="app") == account
    assert books.ledger.get_account(chosen, app_id="app").replayed is None
    assert get_type_hints(Account)["replayed"] == bool | None
    with pytest.raises(errors.AccountNotFound):
        books.ledger.get_account(chosen)


def test_a_transfer_comes_back_whole(books: Books):
    event_at = dt.datetime(2025, 7, 1, 14, 34, 56, 789, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    transfer = books.ledger.create_transfer(
        books.buyer.id,
        books.shop.id,
        Decimal("12.340"),
        event_at=event_at,
        metadata=MappingProxyType({"order": "o-1"}),
    )
    assert transfer == Transfer(
        id=transfer.id,
        from_account_id=books.buyer.id,
        to_account_id=books.shop.id,
        amount=Decimal("12.34"),
        created_at=transfer.created_at,
        event_at=event_at,
        metadata={"order": "o-1"},
        currency="USD",
        from_account_name="buyer",
        to_account_name="shop",
        from_account_balance=Decimal("-12.34"),
        to_account_balance=Decimal("12.34"),
        from_account_version=1,
        to_account_version=1,
        group_id=None,
        app_id="",
        from_tenant_id="",
        to_tenant_id="",
        origin_id=None,
        replayed=False,
    )
    assert transfer.replayed is False
    assert transfer.event_at.utcoffset() == dt.timedelta(0)
    assert books.ledger.get_transfer(transfer.id) == transfer


@pytest.mark.parametrize(
    "amount",
    [
        Decimal("0.000000000000000001"),
        Decimal("999999999999999999999999999999.999999999999999999"),
        Decimal("1E+2"),
        Decimal("1.50"),
        10**29,
        1,
    ],
)
def test_amounts_are_exact(books: Books, amount):
    transfer = books.ledger.create_transfer(books.buyer.id, books.shop.id, amount)
    assert transfer.amount == amount
    assert transfer.to_account_balance == amount
    # A minus sign would round to the 28 digits of decimal's default context.
    assert transfer.from_account_balance == Decimal(amount).copy_negate()
    (batched,) = books.ledger.create_transfers([(books.shop.id, books.buyer.id, amount)])
    assert batched.amount == amount
    assert batched.to_account_balance == 0


@given(st.decimals("0.01", "1e20", places=18))
def test_any_amount_is_exact(conn, amount):
    with conn.transaction(force_rollback=True):
        ledger = Ledger(conn)
        a, b = (ledger.create_account(name, "USD").id for name in "ab")
        assert ledger.create_transfer(a, b, amount).amount == amount
        assert ledger.create_transfers([(a, b, amount)])[0].amount == amount


def test_amounts_are_exact_under_any_decimal_context(books: Books):
    amount = Decimal("123456789012345678901234567.123456789012345678")
    with decimal.localcontext(decimal.Context(prec=3, traps=[decimal.Inexact])):
        transfer = books.ledger.create_transfer(books.buyer.id, books.shop.id, amount)
        assert transfer.amount == amount
        assert transfer.to_account_balance == amount


@pytest.mark.parametrize("amount", ["NaN", "-NaN", "NaN123", "sNaN", "Infinity", "-Infinity", "-1"])
def test_amounts_that_are_no_amounts_get_the_named_error(conn, books: Books, amount):
    pair = (books.buyer.id, books.shop.id)
    with pytest.raises(errors.InvalidAmount), conn.transaction():
        books.ledger.create_transfer(*pair, Decimal(amount))
    with pytest.raises(errors.InvalidAmount, match=r"request 2 of 2"), conn.transaction():
        books.ledger.create_transfers([(*pair, 1), (*pair, Decimal(amount))])


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_earliest_and_the_latest_time_come_back(connect: Connect, zone):
    conn = connect(options=f"-c TimeZone={zone}")
    books = open_books(conn)
    pair = (books.buyer.id, books.shop.id)
    for event_at in (
        dt.datetime.min.replace(tzinfo=UTC),
        dt.datetime.max.replace(tzinfo=UTC),
        dt.datetime(1, 1, 1, tzinfo=dt.timezone(-dt.timedelta(hours=12))),
        dt.datetime(9999, 12, 31, tzinfo=dt.timezone(dt.timedelta(hours=14))),
        dt.datetime(1893, 3, 31, tzinfo=dt.timezone(dt.timedelta(minutes=53, seconds=28))),
    ):
        transfer = books.ledger.create_transfer(
            *pair, 1, event_at=event_at, allow_future_event_at=True
        )
        assert transfer.event_at == event_at
        (batched,) = books.ledger.create_transfers(
            [TransferRequest(*pair, 1, event_at=event_at)], allow_future_event_at=True
        )
        assert batched.event_at == event_at


RESULTS = [
    lambda books: books.shop,
    lambda books: books.ledger.create_transfer(books.buyer.id, books.shop.id, 1, metadata={"a": 1}),
    lambda books: books.ledger.account_entries(books.shop.id)[0],
    lambda books: books.ledger.verify()[0],
]


@pytest.mark.parametrize("make", RESULTS)
def test_results_are_values(books: Books, make):
    books.ledger.create_transfer(books.buyer.id, books.shop.id, 1, metadata={"a": {"b": 1}})
    result = make(books)
    name = dataclasses.fields(result)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(result, name, "other")
    with pytest.raises((AttributeError, TypeError)):
        result.unknown = 1
    assert not hasattr(result, "__dict__")
    assert copy.deepcopy(result) == result
    assert pickle.loads(pickle.dumps(result)) == result
    assert hash(result) == hash(copy.copy(result))
    assert dataclasses.replace(result, **{name: "other"}) != result


# Batches


def test_a_batch_returns_its_transfers_in_order(books: Books):
    chosen = ids.generate("pglt")
    event_at = dt.datetime(2025, 6, 30, 23, 55, tzinfo=UTC)
    requests: list[TransferRequest | tuple[str, str, Decimal | int]] = [
        (books.buyer.id, books.shop.id, Decimal("1.5")),
        TransferRequest(books.shop.id, books.buyer.id, 2, metadata={"n": 'a"b\\c{},'}),
        TransferRequest(books.buyer.id, books.shop.id, 3, event_at=event_at),
        TransferRequest(books.buyer.id, books.shop.id, 4, id=chosen),
    ]
    transfers = books.ledger.create_transfers(
        iter(requests),
        group_id='order-"7",{x}\\',
    )
    assert [transfer.amount for transfer in transfers] == [Decimal("1.5"), 2, 3, 4]
    assert [transfer.to_account_version for transfer in transfers] == [1, 2, 3, 4]
    assert [transfer.metadata for transfer in transfers] == [None, {"n": 'a"b\\c{},'}, None, None]
    assert transfers[2].event_at == event_at
    assert transfers[1].event_at == transfers[1].created_at
    assert transfers[3].id == chosen
    assert {transfer.group_id for transfer in transfers} == {'order-"7",{x}\\'}
    assert books.ledger.get_account(books.shop.id).balance == Decimal("6.5")


def test_an_empty_batch_returns_nothing(books: Books):
    assert books.ledger.create_transfers([]) == []


def test_a_batch_is_all_or_nothing_and_names_the_request(conn, books: Books):
    good = (books.buyer.id, books.shop.id, 1)
    missing = ids.generate("pgla")
    with (
        pytest.raises(errors.AccountNotFound, match=r"^request 3 of 4: "),
        conn.transaction(),
    ):
        books.ledger.create_transfers([good, good, (missing, books.shop.id, 1), good])
    assert books.ledger.get_account(books.shop.id).version == 0


@pytest.mark.parametrize(
    "text", ["", "NULL", "null", '"', "\\", "{}", "a,b", '","', "\\\\", "'", "%s", " ", "\n"]
)
def test_odd_texts_reach_the_database_as_they_are(conn, books: Books, text):
    with pytest.raises(errors.InvalidId) as single, conn.transaction():
        books.ledger.create_transfer(books.buyer.id, text, 1)
    with pytest.raises(errors.InvalidId) as batched, conn.transaction():
        books.ledger.create_transfers([(books.buyer.id, text, 1)])
    assert batched.value.diag.message_primary == (
        f"request 1 of 1: {single.value.diag.message_primary}"
    )


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=10),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-(10**20), 10**20),
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        ),
        max_size=5,
    )
)
def test_any_metadata_comes_back_single_and_batched(conn, metadata):
    with conn.transaction(force_rollback=True):
        ledger = Ledger(conn)
        a, b = (ledger.create_account(name, "USD").id for name in "ab")
        assert ledger.create_transfer(a, b, 1, metadata=metadata).metadata == metadata
        requests = [TransferRequest(a, b, 1, metadata=metadata), TransferRequest(a, b, 1)]
        assert [transfer.metadata for transfer in ledger.create_transfers(requests)] == [
            metadata,
            None,
        ]


def test_an_id_repeats_a_call(books: Books):
    chosen = ids.generate("pglt")
    first = books.ledger.create_transfer(books.buyer.id, books.shop.id, 1, id=chosen)
    assert books.ledger.create_transfer(books.buyer.id, books.shop.id, 1, id=chosen) == first
    assert books.ledger.create_transfers(
        [TransferRequest(books.buyer.id, books.shop.id, 1, id=chosen)]
    ) == [first]
    with pytest.raises(errors.IdempotencyConflict):
        books.ledger.create_transfer(books.buyer.id, books.shop.id, 2, id=chosen)


# Reading


@pytest.fixture
def history(books: Books) -> Books:
    books.ledger.create_transfers([(books.buyer.id, books.shop.id, n) for n in range(1, 26)])
    return books


def test_entries_come_page_by_page(history: Books):
    ledger, shop = history.ledger, history.shop
    newest = ledger.account_entries(shop.id, page_size=10)
    assert [entry.account_version for entry in newest] == list(range(25, 15, -1))
    assert all(isinstance(entry, Entry) for entry in newest)
    rest = ledger.account_entries(shop.id, page_size=100, after_version=16)
    assert [entry.account_version for entry in rest] == list(range(15, 0, -1))
    oldest = ledger.account_entries(shop.id, page_size=10, newest_first=False, after_version=5)
    assert [entry.account_version for entry in oldest] == list(range(6, 16))
    assert newest[0].account_current_balance == ledger.get_account(shop.id).balance == 325


@pytest.mark.parametrize("page_size", [1, 5, 7, 25, 26, 1000])
@pytest.mark.parametrize("newest_first", [True, False])
def test_all_entries_are_iterated_once(history: Books, page_size, newest_first):
    versions = [
        entry.account_version
        for entry in history.ledger.iter_entries(
            history.shop.id, page_size=page_size, newest_first=newest_first
        )
    ]
    assert versions == (list(range(25, 0, -1)) if newest_first else list(range(1, 26)))


def test_iterating_goes_on_from_a_version_and_stops_anywhere(history: Books):
    entries = history.ledger.iter_entries(history.shop.id, page_size=3, after_version=10)
    assert [next(entries).account_version for _ in range(4)] == [9, 8, 7, 6]
    history.ledger.create_transfer(history.buyer.id, history.shop.id, 1)
    assert next(entries).account_version == 5
    assert isinstance(entries, Iterator)


def test_balances_of_the_past(history: Books):
    ledger, shop = history.ledger, history.shop
    for entry in ledger.iter_entries(shop.id):
        assert ledger.balance_at(shop.id, entry.created_at) == entry.account_current_balance
        before = entry.created_at - dt.timedelta(microseconds=1)
        assert ledger.balance_at(shop.id, before) == entry.account_previous_balance
    assert ledger.balance_at(shop.id, dt.datetime(2000, 1, 1, tzinfo=UTC)) == 0
    with pytest.raises(errors.PgledgerError):
        ledger.balance_at(shop.id, None)  # type: ignore[arg-type]


def test_books_verify(history: Books):
    checks = history.ledger.verify()
    assert checks
    assert {type(check) for check in checks} == {Check}
    assert all(check.ok for check in checks)
    assert not Check("balances", 10, 1, "account a").ok


def test_ids_are_made_by_the_database(books: Books):
    made = books.ledger.generate_id("pglt")
    assert ids.is_valid(made, "pglt")
    with pytest.raises(errors.InvalidIdPrefix):
        books.ledger.generate_id("PGLT")


# Errors


def error_classes() -> dict[str, type[PgledgerError]]:
    return {
        name: kind
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, PgledgerError) and kind is not PgledgerError
    }


def test_every_registered_error_has_its_class(conn):
    registry = dict(conn.execute("select name, code from pgledger_errors_v1").fetchall())
    assert {name: kind.sqlstate for name, kind in error_classes().items()} == registry
    assert sorted([*registry, "PgledgerError"]) == errors.__all__


def test_every_class_arrives_from_a_raw_statement(connect: Connect):
    conn = connect(autocommit=True)
    for kind in error_classes().values():
        with pytest.raises(PgledgerError, match="whatever") as raised:
            conn.execute(
                f"do $$ begin raise exception 'whatever' using errcode = '{kind.sqlstate}'; "
                "end $$".encode()
            )
        assert type(raised.value) is kind
        assert raised.value.sqlstate == kind.sqlstate
        assert raised.value.diag.sqlstate == kind.sqlstate
        assert psycopg.errors.lookup(str(kind.sqlstate)) is kind
        assert isinstance(raised.value, psycopg.DatabaseError)
        again = pickle.loads(pickle.dumps(raised.value))
        assert type(again) is kind
        assert str(again) == str(raised.value)


def test_refusals_arrive_the_same_from_raw_statements_and_from_calls(conn, books: Books):
    with pytest.raises(errors.SameAccount) as raw, conn.transaction():
        conn.execute("select pgledger_create_transfer(%s, %s, 1)", [books.shop.id, books.shop.id])
    with pytest.raises(errors.SameAccount) as called, conn.transaction():
        books.ledger.create_transfer(books.shop.id, books.shop.id, 1)
    assert called.value.diag.message_primary == raw.value.diag.message_primary
    assert called.value.diag.message_hint


def test_errors_of_postgresql_pass_through(connect: Connect, books: Books):
    stranger = connect(autocommit=True)
    stranger.execute("create role stranger_to_the_books")
    try:
        stranger.execute("set role stranger_to_the_books")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            Ledger(stranger).create_account("a", "USD")
    finally:
        stranger.execute("reset role")
        stranger.execute("drop role stranger_to_the_books")


# Whatever the connection is like


class Spoiled(Exception):
    """An adapter of the caller's was asked to do the ledger's work."""


class SpoilingDumper(Dumper):
    def dump(self, obj: Any) -> bytes:
        raise Spoiled(obj)


class SpoilingLoader(Loader):
    def load(self, data: Any) -> Any:
        raise Spoiled(data)


class SpoilingBinaryLoader(SpoilingLoader):
    format = psycopg.pq.Format.BINARY


def spoil_adapters(conn: psycopg.Connection[Any]) -> None:
    for kind in (str, int, Decimal, dt.datetime, bool, dict, list):
        conn.adapters.register_dumper(kind, SpoilingDumper)
    for name in ("text", "numeric", "int8", "bool", "timestamptz", "jsonb"):
        conn.adapters.register_loader(name, SpoilingLoader)
        conn.adapters.register_loader(name, SpoilingBinaryLoader)


CONNECTIONS: Mapping[str, dict[str, Any]] = {
    "plain": {},
    "autocommit": {"autocommit": True},
    "dictionaries": {"row_factory": dict_row},
    "named tuples": {"row_factory": namedtuple_row},
    "scalars": {"row_factory": scalar_row},
    "client-side binding": {"cursor_factory": ClientCursor},
    "raw placeholders": {"cursor_factory": RawCursor},
    "always prepared": {"prepare_threshold": 0},
    "never prepared": {"prepare_threshold": None},
    "German dates": {"options": "-c DateStyle=German"},
    "SQL dates": {"options": "-c DateStyle=SQL,DMY"},
    "a zone far east": {"options": "-c TimeZone=Pacific/Kiritimati"},
    "a zone of PostgreSQL's own": {"options": "-c TimeZone=<+0545>-05:45"},
    "Latin-1": {"client_encoding": "latin1"},
    "few digits": {"options": "-c extra_float_digits=-15 -c bytea_output=escape"},
    "quirky quotes": {"options": "-c standard_conforming_strings=off -c backslash_quote=off"},
}


@pytest.mark.parametrize("options", CONNECTIONS.values(), ids=CONNECTIONS.keys())
@pytest.mark.parametrize("spoiled", [False, True], ids=["", "spoiled"])
def test_any_connection_will_do(connect: Connect, options, spoiled):
    conn = connect(**options)
    if spoiled:
        spoil_adapters(conn)
    ledger = Ledger(conn)
    event_at = dt.datetime(2025, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    for _ in range(7):
        a, b = (
            ledger.create_account(name, "USD", metadata={"ü": 'a"\\b'}).id for name in ("ä", "b'\\")
        )
        transfer = ledger.create_transfer(
            a, b, Decimal("12.34"), event_at=event_at, metadata={"ü": 'a"\\b'}
        )
        assert transfer.event_at == event_at
        assert transfer.from_account_name == "ä"
        assert transfer.to_account_balance == Decimal("12.34")
        assert transfer.metadata == {"ü": 'a"\\b'}
        (batched,) = ledger.create_transfers(
            [TransferRequest(a, b, 1, event_at=event_at, metadata={"ü": 'a"\\b'})]
        )
        assert (
            dataclasses.replace(
                batched,
                id=transfer.id,
                amount=transfer.amount,
                created_at=transfer.created_at,
                from_account_balance=transfer.from_account_balance,
                to_account_balance=transfer.to_account_balance,
                from_account_version=1,
                to_account_version=1,
            )
            == transfer
        )
        assert ledger.get_transfer(transfer.id) == transfer
        assert ledger.get_account(b).balance == Decimal("13.34")
        assert [entry.amount for entry in ledger.account_entries(b)] == [1, Decimal("12.34")]
        assert ledger.balance_at(b, transfer.created_at) == Decimal("12.34")
        assert all(check.ok for check in ledger.verify())
        with pytest.raises(errors.InvalidAmount), conn.transaction():
            ledger.create_transfer(a, b, 0)
    assert isinstance(conn, psycopg.Connection)


def test_calls_work_in_a_pipeline(connect: Connect):
    conn = connect()
    books = open_books(conn)
    with conn.pipeline():
        conn.execute("create table orders (id integer)")
        transfer = books.ledger.create_transfer(books.buyer.id, books.shop.id, 1)
        conn.execute("insert into orders values (1)")
        batch = books.ledger.create_transfers([(books.buyer.id, books.shop.id, 2)])
        assert [batch[0].to_account_balance, transfer.to_account_balance] == [3, 1]
        with pytest.raises(errors.InvalidAmount), conn.transaction():
            books.ledger.create_transfer(books.buyer.id, books.shop.id, 0)
        assert books.ledger.get_account(books.shop.id).balance == 3
    conn.commit()
    assert conn.execute("select count(*) from orders").fetchone() == (1,)


def test_the_callers_cursors_are_left_alone(conn, books: Books):
    conn.row_factory = dict_row
    cursor = conn.execute("select n from generate_series(1, 3) as n")
    assert cursor.fetchone() == {"n": 1}
    books.ledger.create_transfer(books.buyer.id, books.shop.id, 1)
    assert cursor.fetchall() == [{"n": 2}, {"n": 3}]
    assert conn.row_factory is dict_row


def test_threads_may_share_a_connection(conn, books: Books):
    results: dict[int, Transfer] = {}

    def pay(amount: int) -> None:
        results[amount] = books.ledger.create_transfer(books.buyer.id, books.shop.id, amount)

    threads = [threading.Thread(target=pay, args=(amount,)) for amount in range(1, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {amount: transfer.amount for amount, transfer in results.items()} == {
        amount: amount for amount in range(1, 21)
    }


def test_a_schema_can_be_named(connect: Connect, books: Books):
    conn = connect(options="-c search_path=pg_catalog")
    with pytest.raises(psycopg.errors.UndefinedFunction):
        Ledger(conn).get_account(books.shop.id)
    conn.rollback()
    ledger = Ledger(conn, schema="public")
    assert ledger.schema == "public"
    assert ledger.get_account(books.shop.id) == books.shop
    ledger.create_transfer(books.buyer.id, books.shop.id, 1)
    assert len(ledger.account_entries(books.shop.id)) == 1


def test_odd_schema_names_are_quoted(conn, connect: Connect, books: Books):
    odd = 'Löhne "x" 100%s %'
    conn.execute(
        psycopg.sql.SQL("alter schema public rename to {}").format(psycopg.sql.Identifier(odd))
    )
    conn.commit()
    ledger = Ledger(connect(options="-c search_path=pg_catalog"), schema=odd)
    assert ledger.get_account(books.shop.id) == books.shop
    assert ledger.create_transfer(books.buyer.id, books.shop.id, 1).amount == 1
    assert ledger.generate_id("pgla")


# Transactions that are run again


class GivesUp:
    """A function that PostgreSQL gives up a number of times."""

    def __init__(self, times: int, sqlstate: str = "40001") -> None:
        self.times = times
        self.sqlstate = sqlstate
        self.calls = 0

    def __call__(self, conn: psycopg.Connection[Any]) -> int:
        self.calls += 1
        conn.execute("insert into tried values (%s)", [self.calls])
        if self.calls <= self.times:
            conn.execute(
                f"do $$ begin raise exception 'again' using errcode = '{self.sqlstate}'; "
                "end $$".encode()
            )
        return self.calls


@pytest.fixture
def tried(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    conn.execute("create table tried (attempt integer)")
    conn.commit()
    return conn


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("pgledger._transactions_sync.time.sleep", slept.append)
    return slept


def test_a_transaction_commits_and_returns(tried, connect: Connect):
    assert run_transaction(tried, GivesUp(0)) == 1
    assert status(tried) == TransactionStatus.IDLE
    assert connect().execute("select attempt from tried").fetchall() == [(1,)]


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
def test_a_transaction_given_up_is_run_again(tried, no_pauses, sqlstate):
    assert run_transaction(tried, GivesUp(3, sqlstate)) == 4
    assert tried.execute("select attempt from tried").fetchall() == [(4,)]
    assert len(no_pauses) == 3


def test_pauses_grow_and_vary(tried, no_pauses, monkeypatch):
    bounds: list[float] = []

    def longest(low: float, high: float) -> float:
        assert low == 0
        bounds.append(high)
        return high

    monkeypatch.setattr("pgledger._retries.random.uniform", longest)
    run_transaction(tried, GivesUp(9), attempts=10)
    assert bounds == [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 1.0]
    assert no_pauses == bounds


@pytest.fixture
def passing_time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits are over at once, but the clock moves by them."""
    slept: list[float] = []
    monkeypatch.setattr("pgledger._transactions_sync.time.sleep", slept.append)
    monkeypatch.setattr("pgledger._retries.monotonic", lambda: sum(slept))
    return slept


def test_attempts_go_on_until_the_time_is_over(tried, passing_time):
    # A storm needs as many rounds as it needs; ten are not enough.
    assert run_transaction(tried, GivesUp(40)) == 41
    assert sum(passing_time) < 60
    passing_time.clear()
    giving_up = GivesUp(10_000)
    with pytest.raises(psycopg.errors.SerializationFailure) as raised:
        run_transaction(tried, giving_up, retry_for=dt.timedelta(seconds=7))
    assert sum(passing_time) == pytest.approx(7)
    assert raised.value.__notes__ == [
        f"run_transaction gave up after {len(passing_time) + 1} attempts"
    ]
    assert giving_up.calls == len(passing_time) + 1
    assert max(passing_time) <= 1


def test_an_attempt_that_outlives_the_time_is_the_last(tried, passing_time):
    def slow(conn: psycopg.Connection[Any]) -> None:
        passing_time.append(8)
        GivesUp(1)(conn)

    with pytest.raises(psycopg.errors.SerializationFailure):
        run_transaction(tried, slow, retry_for=dt.timedelta(seconds=7))
    assert passing_time == [8]


def test_no_time_is_one_attempt(tried, no_pauses):
    giving_up = GivesUp(1)
    with pytest.raises(psycopg.errors.SerializationFailure):
        run_transaction(tried, giving_up, retry_for=dt.timedelta(0))
    assert (giving_up.calls, no_pauses) == (1, [])


@pytest.mark.parametrize(
    ("retry_for", "kind", "message"),
    [
        (5, TypeError, "retry_for must be a timedelta, not int 5"),
        (None, TypeError, "retry_for must be a timedelta, not None"),
        (dt.timedelta(seconds=-1), ValueError, "retry_for must not be negative"),
    ],
)
def test_times_to_retry_for_are_timedeltas(tried, retry_for, kind, message):
    never = GivesUp(0)
    with pytest.raises(kind, match=message):
        run_transaction(tried, never, retry_for=retry_for)
    assert never.calls == 0


@pytest.mark.slow
def test_all_come_through_a_storm(ledger_dsn: str):
    batches = retry_storm.make_batches(500, seed=7)
    outcome = retry_storm.storm(ledger_dsn, batches, workers=16)
    assert retry_storm.faults(ledger_dsn, batches, outcome) == []
    assert len(outcome.batches) == len(batches)
    assert outcome.retries > 0


def test_after_the_last_attempt_the_error_is_raised(tried, no_pauses):
    giving_up = GivesUp(100)
    with pytest.raises(psycopg.errors.SerializationFailure):
        run_transaction(tried, giving_up, attempts=4)
    assert giving_up.calls == 4
    assert len(no_pauses) == 3
    assert status(tried) == TransactionStatus.IDLE
    assert tried.execute("select count(*) from tried").fetchone() == (0,)


@pytest.mark.parametrize("sqlstate", ["LG024", "23505", "57014"])
def test_other_errors_are_raised_at_once(tried, no_pauses, sqlstate):
    giving_up = GivesUp(100, sqlstate)
    with pytest.raises(psycopg.errors.lookup(sqlstate)):
        run_transaction(tried, giving_up)
    assert giving_up.calls == 1
    assert no_pauses == []
    assert tried.execute("select count(*) from tried").fetchone() == (0,)


def test_errors_of_the_function_roll_back(tried):
    def fail(conn: psycopg.Connection[Any]) -> None:
        conn.execute("insert into tried values (1)")
        raise KeyError("mine")

    with pytest.raises(KeyError):
        run_transaction(tried, fail)
    assert status(tried) == TransactionStatus.IDLE
    assert tried.execute("select count(*) from tried").fetchone() == (0,)


def test_a_rollback_asked_for_is_told(tried):
    def change_mind(conn: psycopg.Connection[Any]) -> int:
        conn.execute("insert into tried values (1)")
        raise psycopg.Rollback

    with pytest.raises(psycopg.Rollback):
        run_transaction(tried, change_mind)
    assert tried.execute("select count(*) from tried").fetchone() == (0,)


def test_an_error_caught_without_a_savepoint_is_no_success(
    tried, books: Books, no_pauses, connect: Connect
):
    def hush(conn: psycopg.Connection[Any]) -> str:
        conn.execute("insert into tried values (1)")
        with contextlib.suppress(errors.SameAccount):
            Ledger(conn).create_transfer(books.shop.id, books.shop.id, 1)
        return "paid"

    with pytest.raises(psycopg.ProgrammingError, match="nothing was committed") as told:
        run_transaction(tried, hush)
    assert "conn.transaction()" in str(told.value)
    assert books.shop.id in str(told.value), "the error is named"
    assert no_pauses == []
    assert status(tried) == TransactionStatus.IDLE
    assert connect().execute("select count(*) from tried").fetchone() == (0,)


def test_an_error_caught_outside_of_a_savepoint_is_survived(tried, books: Books):
    def go_on(conn: psycopg.Connection[Any]) -> str:
        conn.execute("insert into tried values (1)")
        try:
            with conn.transaction():
                Ledger(conn).create_transfer(books.shop.id, books.shop.id, 1)
        except errors.SameAccount:
            return "refused"
        return "paid"

    assert run_transaction(tried, go_on) == "refused"
    assert tried.execute("select count(*) from tried").fetchone() == (1,)


@pytest.mark.parametrize("end", ["rollback", "commit"])
def test_a_transaction_that_the_function_ended_is_no_success(tried, end):
    def end_it(conn: psycopg.Connection[Any]) -> None:
        conn.execute("insert into tried values (1)")
        conn.execute(end)

    with pytest.raises(psycopg.ProgrammingError, match="ended the transaction itself"):
        run_transaction(tried, end_it)
    assert status(tried) == TransactionStatus.IDLE


@pytest.mark.parametrize("lose", ["closed", "terminated"])
def test_a_connection_lost_quietly_is_no_success(tried, connect: Connect, lose):
    def go_on(conn: psycopg.Connection[Any]) -> str:
        conn.execute("insert into tried values (1)")
        if lose == "closed":
            conn.close()
        else:
            with contextlib.suppress(psycopg.OperationalError):
                conn.execute("select pg_terminate_backend(pg_backend_pid())")
        return "paid"

    with pytest.raises(psycopg.OperationalError, match="closed or lost before the commit"):
        run_transaction(tried, go_on)
    assert connect().execute("select count(*) from tried").fetchone() == (0,)


def test_a_connection_in_a_transaction_is_refused(tried):
    never = GivesUp(0)
    tried.execute("select 1")
    with pytest.raises(psycopg.ProgrammingError, match=r"already in a transaction \(INTRANS\)"):
        run_transaction(tried, never)
    assert status(tried) == TransactionStatus.INTRANS
    with pytest.raises(psycopg.errors.DivisionByZero):
        tried.execute("select 1 / 0")
    with pytest.raises(psycopg.ProgrammingError, match=r"already in a transaction \(INERROR\)"):
        run_transaction(tried, never)
    tried.rollback()
    with tried.pipeline(), pytest.raises(psycopg.ProgrammingError, match="pipeline"):
        run_transaction(tried, never)
    assert never.calls == 0


def test_a_transaction_within_another_is_refused(tried):
    with pytest.raises(psycopg.ProgrammingError, match="already in a transaction"):
        run_transaction(tried, lambda conn: run_transaction(conn, GivesUp(0)))


def test_no_attempt_is_refused(tried):
    with pytest.raises(ValueError, match="attempts must be at least 1, not 0"):
        run_transaction(tried, GivesUp(0), attempts=0)


def test_a_closed_connection_says_so(connect: Connect):
    conn = connect()
    conn.close()
    with pytest.raises(psycopg.OperationalError, match="closed"):
        run_transaction(conn, GivesUp(0))


@pytest.mark.parametrize("level", list(IsolationLevel))
@pytest.mark.parametrize("autocommit", [False, True])
def test_the_isolation_level_is_the_transactions_alone(connect: Connect, level, autocommit):
    conn = connect(autocommit=autocommit, row_factory=scalar_row)

    def shown(conn: psycopg.Connection[Any]) -> Any:
        return conn.execute("select current_setting('transaction_isolation')").fetchone()

    assert run_transaction(conn, shown, isolation_level=level) == (
        level.name.lower().replace("_", " ")
    )
    assert conn.isolation_level is None
    assert run_transaction(conn, shown) == "read committed"


def test_the_connections_own_isolation_level_is_kept(connect: Connect):
    conn = connect(row_factory=scalar_row)
    conn.isolation_level = IsolationLevel.REPEATABLE_READ
    assert (
        run_transaction(conn, lambda conn: conn.execute("show transaction_isolation").fetchone())
        == "repeatable read"
    )


@pytest.mark.parametrize("level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE])
def test_a_hot_account_takes_every_transfer(connect: Connect, books: Books, level):
    sessions, each = 6, 10
    together = threading.Barrier(sessions)
    failures: list[BaseException] = []

    def pay(conn: psycopg.Connection[Any]) -> None:
        together.wait()
        try:
            for _ in range(each):
                run_transaction(
                    conn,
                    lambda conn: Ledger(conn).create_transfer(books.buyer.id, books.shop.id, 1),
                    isolation_level=level,
                    attempts=50,
                )
        except BaseException as error:  # noqa: BLE001 -- told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=pay, args=(connect(),)) for _ in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert books.ledger.get_account(books.shop.id).balance == sessions * each
    assert all(check.ok for check in books.ledger.verify())


def test_a_deadlock_of_the_callers_making_is_survived(connect: Connect, tried):
    tried.execute("insert into tried values (1), (2)")
    tried.commit()
    first_locks_held = threading.Barrier(2)
    calls = [0, 0]

    def lock_both(index: int) -> Callable[[psycopg.Connection[Any]], int]:
        def lock(conn: psycopg.Connection[Any]) -> int:
            calls[index] += 1
            order = (1, 2) if index == 0 else (2, 1)
            conn.execute("update tried set attempt = attempt where attempt = %s", [order[0]])
            if calls[index] == 1:
                first_locks_held.wait(timeout=30)
            conn.execute("update tried set attempt = attempt where attempt = %s", [order[1]])
            return index

        return lock

    done: list[int] = []

    def run(index: int, conn: psycopg.Connection[Any]) -> None:
        done.append(run_transaction(conn, lock_both(index)))

    threads = [threading.Thread(target=run, args=(index, connect())) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 1]
    assert sorted(calls) == [1, 2]


def test_examples_of_metadata_are_json(books: Books):
    transfer = books.ledger.create_transfer(books.buyer.id, books.shop.id, 1, metadata={1: "x"})  # type: ignore[dict-item]
    assert json.loads(json.dumps(transfer.metadata)) == {"1": "x"}

"""``pgledger_create_transfers_outcomes``: each request by itself, as in a savepoint of its own."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure
from psycopg.types.range import Range

from pgledger import Ledger, PgledgerError, TransferOutcome, TransferRequest, errors, ids
from support.at_once import PATIENCE
from support.database import Connect
from support.refusing import NAMES, accounts_that_refuse
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]

SINGLE = """
  select id, created_at, from_account_balance, to_account_balance, from_account_version,
    to_account_version, replayed
  from pgledger_create_transfer(
    %s, %s, %s::numeric, %s, %s, %s, require_from_version => %s, require_to_version => %s,
    require_from_balance => %s::numrange, require_to_balance => %s::numrange,
    idempotency_key => %s
  )
"""
OUTCOMES = """
  select * from pgledger_create_transfers_outcomes(
    %s::text[], %s::text[], %s::text[]::numeric[], %s::timestamptz[], %s::jsonb[], %s::text[],
    require_from_versions => %s::bigint[], require_to_versions => %s::bigint[],
    require_from_balances => %s::text[]::numrange[], require_to_balances => %s::text[]::numrange[],
    idempotency_keys => %s::text[]
  )
"""
TAKEN = ids.generate("pglt")

MANY = "array_fill('{}'::text, array[100001])".format

# From, to, amount, event_at, metadata, id, what is required, and a key.
Request = tuple[Any, ...]


@pytest.fixture
def accounts(connect: Connect) -> dict[str, Any]:
    """Accounts of every kind that can refuse, and a transfer whose id and key are taken."""
    conn = connect(autocommit=True)
    ledger = Ledger(conn)
    made = accounts_that_refuse(conn)
    ledger.create_transfer(made["bank"], made["purse"], 15, id=TAKEN, idempotency_key="used")
    return made


def looped(conn: Session, requests: Sequence[Request]) -> list[TransferOutcome]:
    """Returns what a loop of single calls does, each in a savepoint."""
    outcomes: list[TransferOutcome] = []
    for index, request in enumerate(requests, 1):
        try:
            with conn.transaction():
                (row,) = conn.execute(SINGLE.encode(), request).fetchall()
        except PgledgerError as error:
            outcomes.append(
                TransferOutcome(
                    index, "failed", None, error.sqlstate, type(error).__name__,
                    error.diag.message_primary, None, None, None, None, None,
                    error.diag.message_detail, error.diag.message_hint,
                )
            )  # fmt: skip
        else:
            *values, replayed = row
            status = "replayed" if replayed else "posted"
            answer: list[Any] = [
                index,
                status,
                values[0],
                None,
                None,
                None,
                *values[1:],
                None,
                None,
            ]
            outcomes.append(TransferOutcome(*answer))
    return outcomes


def at_once(conn: Session, requests: Sequence[Request]) -> list[TransferOutcome]:
    columns = [list(column) for column in zip(*requests, strict=True)] or [[] for _ in range(11)]
    return [TransferOutcome(*row) for row in conn.execute(OUTCOMES.encode(), columns).fetchall()]


def comparable(outcomes: Sequence[TransferOutcome], own: set[str]) -> list[TransferOutcome]:
    """Leaves out what differs from call to call: times, and ids that nobody chose."""
    return [
        replace(
            one,
            created_at=None,
            id=one.id if one.id in own else "new" if one.id else None,
            reason=re.sub(r"ahead of .*", "ahead", one.reason) if one.reason else None,
        )
        for one in outcomes
    ]


def books(conn: Session) -> Any:
    return (
        conn.execute(
            "select name, balance, version from pgledger_accounts_v1 order by id"
        ).fetchall(),
        conn.execute(
            # One account is ahead of the clock, which is found each time.
            "select check_name, violations from pgledger_verify()"
        ).fetchall(),
        conn.execute(
            "select from_account_id, to_account_id, amount, from_account_version,"
            " to_account_version, event_at = created_at, metadata from pgledger_transfers_v1"
            " order by from_account_id, from_account_version"
        ).fetchall(),
        conn.execute(
            "select stored.idempotency_key, stored.function_name, stored.request,"
            " made.from_account_version"
            " from pgledger.idempotency_keys as stored"
            " left join pgledger_transfers_v1 as made on made.id = stored.result_id order by 1"
        ).fetchall(),
    )


def compare(conn: Session, requests: Sequence[Request]) -> list[TransferOutcome]:
    own = {request[5] for request in requests}
    with conn.transaction(force_rollback=True):
        expected = comparable(looped(conn, requests), own), books(conn)
    with conn.transaction(force_rollback=True):
        outcomes = at_once(conn, requests)
        assert (comparable(outcomes, own), books(conn)) == expected
        times = [one.created_at for one in outcomes if one.status == "posted"]
        assert times == sorted(times)  # type: ignore[type-var]
        # A second time, all that have an id or a key of their own are repeats or fail again.
        again = at_once(conn, requests)
        for first, second, request in zip(outcomes, again, requests, strict=True):
            if (request[5] or request[10]) and first.status != "failed":
                assert second == replace(first, status="replayed")
    return outcomes


CHOSEN = [ids.generate("pglt") for _ in range(3)]
names = st.sampled_from((*NAMES, "bank", "bank", "purse", "jar", "unknown", "odd", "null"))
usual = st.sampled_from(("bank", "purse", "jar", "till"))
versions = st.sampled_from((None, None, None, None, 0, 1, 2, 3, 4, -1))
ranges = st.sampled_from((None, None, None, None, "[0,)", "(,0]", "[-5,12]", "empty"))
drafts = st.tuples(
    st.one_of(usual, usual, names),
    st.one_of(usual, usual, names),
    st.sampled_from(("1", "2.50", "5", "5", "7", "12", "0.001", "0", "-1", "NaN", "9e29", "1.10")),
    st.sampled_from((None, None, None, None, datetime(2025, 1, 1, tzinfo=UTC),
                     datetime(9999, 1, 1, tzinfo=UTC))),
    st.sampled_from((None, None, None, '{"a": 1}', "[]")),
    st.sampled_from((None, None, None, None, *CHOSEN, TAKEN, "odd")),
    versions, versions, ranges, ranges,
    st.sampled_from((None, None, None, "a", "b", "used", "", "x" * 256)),
)  # fmt: skip
# Some requests are sent again, in the same words.
batches = st.lists(st.one_of(drafts, drafts, st.integers(0, 11)), max_size=12)


def asked(accounts: dict[str, Any], batch: Sequence[tuple[Any, ...] | int]) -> list[Request]:
    requests: list[Request] = []
    for one in batch:
        if not isinstance(one, int):
            requests.append((accounts[one[0]], accounts[one[1]], *one[2:]))
        elif requests:
            requests.append(requests[one % len(requests)])
    return requests


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=batches)
def test_outcomes_are_those_of_a_loop_with_savepoints(accounts, conn, batch):
    compare(conn, asked(accounts, batch))


def plain(accounts: dict[str, str], source: str, target: str, amount: str, **more: Any) -> Request:
    names = (
        "event_at", "metadata", "id", "require_from_version", "require_to_version",
        "require_from_balance", "require_to_balance", "idempotency_key",
    )  # fmt: skip
    return accounts[source], accounts[target], amount, *(more.get(name) for name in names)


def statuses(outcomes: Sequence[TransferOutcome]) -> list[str]:
    return [one.error_name or one.status for one in outcomes]


def test_each_request_goes_on_from_what_those_before_it_did(accounts, conn):
    outcomes = compare(
        conn,
        [
            plain(accounts, "purse", "bank", "10"),
            plain(accounts, "purse", "bank", "10"),
            plain(accounts, "bank", "purse", "5", require_from_version=2),
            plain(accounts, "purse", "bank", "10", require_from_balance="[0,0]"),
            plain(accounts, "purse", "bank", "1", require_to_version=3),
            plain(accounts, "bank", "purse", "1", require_to_version=4),
        ],
    )
    assert statuses(outcomes) == [
        "posted", "InsufficientFunds", "posted", "posted", "VersionMismatch", "posted",
    ]  # fmt: skip
    assert [one.from_account_balance for one in outcomes if one.status == "posted"] == [
        5,
        -10,
        0,
        -1,
    ]
    assert [one.from_account_version for one in outcomes if one.status == "posted"] == [2, 3, 4, 5]
    assert outcomes[1].reason == (
        f"account {accounts['purse']} (purse) does not allow a negative balance: 5 less 10 would"
        " leave -5"
    )


@pytest.mark.parametrize("stranger", range(3))
def test_an_account_that_only_refused_requests_name_is_left_alone(conn, stranger):
    ledger = Ledger(conn)
    made = {name: ledger.create_account(name, "USD", min_balance=-10).id for name in "abc"}
    source, target, other = (name for name in ("abc", "acb", "bca")[stranger])
    outcomes = compare(
        conn,
        [
            plain(made, source, other, "50"),
            plain(made, source, target, "5"),
            plain(made, other, target, "50"),
            plain(made, target, source, "2"),
        ],
    )
    assert [one.status for one in outcomes] == ["failed", "posted", "failed", "posted"]


def test_what_fails_for_its_accounts_is_told_as_a_single_call_tells_it(accounts, conn):
    outcomes = compare(
        conn,
        [
            plain(accounts, "bank", "unknown", "1"),
            plain(accounts, "bank", "elsewhere", "1"),
            plain(accounts, "bank", "euros", "1"),
            plain(accounts, "bank", "frozen", "1"),
            plain(accounts, "frozen", "bank", "1"),
            plain(accounts, "closed", "bank", "1"),
            plain(accounts, "bank", "cents", "0.001"),
            plain(accounts, "bank", "cents", "0.01"),
            plain(accounts, "bank", "ahead", "1"),
            plain(accounts, "odd", "bank", "1"),
            plain(accounts, "bank", "bank", "1"),
        ],
    )
    assert statuses(outcomes) == [
        "AccountNotFound", "AccountNotFound", "CurrencyMismatch", "AccountFrozen", "posted",
        "AccountClosed", "InvalidAmount", "posted", "AccountAheadOfClock", "InvalidId",
        "SameAccount",
    ]  # fmt: skip


def test_a_repeat_within_a_batch_is_one_of_what_became_of_the_first(accounts, conn):
    first, second = ids.generate("pglt"), ids.generate("pglt")
    outcomes = compare(
        conn,
        [
            plain(accounts, "purse", "bank", "20", id=first),
            plain(accounts, "bank", "purse", "5", id=second),
            plain(accounts, "purse", "bank", "20", id=first),
            plain(accounts, "purse", "bank", "20", id=first, require_from_version=1),
            plain(accounts, "bank", "purse", "6", id=second),
            plain(accounts, "bank", "purse", "15", id=TAKEN),
            plain(accounts, "bank", "purse", "15.01", id=TAKEN),
        ],
    )
    assert statuses(outcomes) == [
        "InsufficientFunds", "posted", "posted", "replayed", "IdempotencyConflict", "replayed",
        "IdempotencyConflict",
    ]  # fmt: skip
    assert outcomes[4].detail == "Compared with the first request, amount was 5 and is now 6."
    assert outcomes[3] == replace(outcomes[2], request_index=4, status="replayed")


def test_a_limit_that_an_expired_hold_was_in_the_way_of(accounts, connect):
    conn = connect(autocommit=True)
    conn.execute(
        "select pgledger_create_hold(%s, %s, 15, expires_in => '1 microsecond')",
        [accounts["purse"], accounts["bank"]],
    )
    held = "select held_out from pgledger.accounts where name = 'purse'"
    assert conn.execute(held).fetchone() == (15,)
    request = plain(accounts, "purse", "bank", "10")
    assert statuses(at_once(conn, [request, request])) == ["posted", "InsufficientFunds"]
    assert conn.execute(held).fetchone() == (0,)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("'{}', '{}', '{1}'", errors.InvalidBatch),
        ("'{a}', '{b}', '{1}', require_to_balances => '{}'", errors.InvalidBatch),
        ("null, null, null", errors.InvalidBatch),
        ("'{}', '{}', '{}', app_id => null", errors.NullArgument),
        ("'{}', '{}', '{}', group_id => ''", errors.InvalidScope),
        (f"{MANY('a')}, {MANY('b')}, {MANY('1')}::numeric[]", errors.BatchTooLarge),
    ],
)
def test_only_a_wrong_shape_refuses_the_batch(conn, arguments, error):
    with pytest.raises(error):
        conn.execute(f"select pgledger_create_transfers_outcomes({arguments})".encode())


def test_python_calls_it(accounts, conn):
    ledger = Ledger(conn)
    bank, purse = accounts["bank"], accounts["purse"]
    assert ledger.create_transfers_outcomes([]) == []
    outcomes = ledger.create_transfers_outcomes(
        [
            (bank, purse, 1),
            TransferRequest(purse, bank, 1, require_from_balance=Range(Decimal(99), None)),
            TransferRequest(purse, bank, 2, metadata={"a": 1}),
        ],
        group_id="day-1",
    )
    assert statuses(outcomes) == ["posted", "BalanceConditionFailed", "posted"]
    assert [one.request_index for one in outcomes] == [1, 2, 3]
    made = ledger.get_transfer(outcomes[2].id or "")
    assert (made.group_id, made.metadata, made.created_at) == (
        "day-1", {"a": 1}, outcomes[2].created_at,
    )  # fmt: skip
    assert outcomes[0].created_at is not None
    assert outcomes[2].created_at == outcomes[0].created_at + timedelta(microseconds=2)


def test_what_is_not_an_error_of_the_ledger_is_raised(accounts, connect):
    conn = connect(autocommit=True)
    conn.execute("alter table pgledger.transfers add constraint odd check (amount <> 7)")
    with pytest.raises(psycopg.errors.CheckViolation):
        at_once(
            conn, [plain(accounts, "bank", "purse", "7"), plain(accounts, "bank", "purse", "1")]
        )
    assert Ledger(conn).get_account(accounts["purse"]).balance == 15


def test_arrays_may_be_counted_from_any_number(accounts, conn):
    """What an array is counted from is no part of a batch."""
    bank, purse, own_id = accounts["bank"], accounts["purse"], ids.generate("pglt")
    given = {
        "sources": f"[5:7]={{{bank},{bank},{purse}}}",
        "targets": f"[2:4]={{{purse},{bank},{bank}}}",
        "ids": f"[9:11]={{null,null,{own_id}}}",
        "own_id": own_id,
    }
    statement = """
      select array_agg(coalesce(error_name, status) order by request_index),
        array_agg(id = %(own_id)s::text order by request_index)
      from {}(
        %(sources)s::text::text[], %(targets)s::text::text[], '[-1:1]={{1,1,1}}',
        ids => %(ids)s::text::text[], require_from_versions => '[7:9]={{1,null,2}}',
        require_to_balances => '[3:5]={{"[16,16]",null,"[-15,-15]"}}'
      )
    """
    expected = ["posted", "SameAccount", "posted"], [None, None, True]
    for function in ("pgledger_preview_transfers", "pgledger_create_transfers_outcomes"):
        ((statuses, own),) = conn.execute(statement.format(function).encode(), given).fetchall()
        assert (statuses, [one or None for one in own]) == expected
    with pytest.raises(errors.VersionMismatch, match="request 2 of 2"):
        conn.execute(
            "select pgledger_create_transfers_bulk(array[%s, %s], array[%s, %s], '{1,1}',"
            " require_from_versions => '[5:6]={null,77}')",
            [bank, bank, purse, purse],
        )


# A preview

PREVIEW = OUTCOMES.replace("pgledger_create_transfers_outcomes", "pgledger_preview_transfers")


def previewed(conn: Session, requests: Sequence[Request]) -> list[TransferOutcome]:
    columns = [list(column) for column in zip(*requests, strict=True)] or [[] for _ in range(11)]
    return [TransferOutcome(*row) for row in conn.execute(PREVIEW.encode(), columns).fetchall()]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=batches)
def test_a_preview_says_what_would_happen_and_leaves_nothing(accounts, conn, batch):
    requests = asked(accounts, batch)
    own = {request[5] for request in requests}
    with conn.transaction(force_rollback=True):
        before = books(conn)
        preview = previewed(conn, requests)
        assert books(conn) == before
        outcomes = at_once(conn, requests)
    # What is not there has no time, and no id but one that was chosen.
    new = {other.id for other in outcomes if other.status == "posted"}
    for one, other in zip(preview, outcomes, strict=True):
        there = other.status == "replayed" and other.id not in new
        assert one.created_at == (other.created_at if there else None)
        assert one.id == (other.id if there or other.id in own else None)
    assert comparable([replace(one, id=None) for one in preview], own) == comparable(
        [replace(one, id=None) for one in outcomes], own
    )


def test_a_preview_keeps_no_lock_and_writes_nothing(accounts, connect):
    holding, other = connect(**PATIENCE), connect(autocommit=True)
    rows = """
      select
        (select array_agg(accounts order by id)::text from pgledger.accounts),
        (select count(*) from pgledger.transfers),
        (select array_agg((schemaname, sequencename, last_value) order by 1)::text
         from pg_sequences)
    """
    before = other.execute(rows.encode()).fetchone()
    requests = [
        plain(accounts, "bank", "purse", "5", id=ids.generate("pglt")),
        plain(accounts, "purse", "bank", "100"),
    ]
    assert statuses(previewed(holding, requests)) == ["posted", "InsufficientFunds"]
    # The transaction goes on, and others can have the accounts.
    assert holding.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    other.execute("select from pgledger.accounts for update nowait")
    assert other.execute(rows.encode()).fetchone() == before
    assert holding.execute(rows.encode()).fetchone() == before
    holding.commit()
    assert other.execute(rows.encode()).fetchone() == before
    # The same id is as free as before.
    assert statuses(at_once(other, requests)) == ["posted", "InsufficientFunds"]


def test_a_preview_raises_what_is_not_about_a_request(accounts, connect):
    conn = connect(autocommit=True)
    with pytest.raises(errors.InvalidBatch):
        conn.execute("select pgledger_preview_transfers('{}', '{}', '{1}')")
    conn.execute("alter table pgledger.transfers add constraint odd check (amount <> 7)")
    with pytest.raises(psycopg.errors.CheckViolation):
        previewed(conn, [plain(accounts, "bank", "purse", "7")])


def test_python_previews(accounts, conn):
    ledger = Ledger(conn)
    requests = [
        TransferRequest(accounts["bank"], accounts["purse"], 5, id=TAKEN),
        TransferRequest(accounts["bank"], accounts["purse"], 5, require_to_version=1),
    ]
    assert statuses(ledger.preview_transfers(requests)) == ["IdempotencyConflict", "posted"]
    assert ledger.get_account(accounts["purse"]).balance == 15


# Two sessions


def test_an_id_that_another_session_takes_meanwhile_fails_alone(
    accounts, connect, wait_until_blocked: WaitUntilBlocked
):
    taken = ids.generate("pglt")
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(first).create_transfer(accounts["frozen"], accounts["cents"], 1, id=taken)
    requests = [
        plain(accounts, "bank", "purse", "1"),
        plain(accounts, "bank", "purse", "2", id=taken),
        plain(accounts, "bank", "purse", "4", id=ids.generate("pglt"), require_to_version=2),
    ]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, second, requests)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        outcomes = waiting.result(60)
    assert statuses(outcomes) == ["posted", "IdempotencyConflict", "posted"]
    assert "from_account_id was" in (outcomes[1].detail or "")
    assert Ledger(second).get_account(accounts["purse"]).balance == 20


def test_an_id_that_another_session_takes_back_is_free(
    accounts, connect, wait_until_blocked: WaitUntilBlocked
):
    taken = ids.generate("pglt")
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(first).create_transfer(accounts["frozen"], accounts["cents"], 1, id=taken)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, second, [plain(accounts, "bank", "purse", "2", id=taken)])
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.rollback()
        assert statuses(waiting.result(60)) == ["posted"]


def test_under_a_snapshot_an_id_that_cannot_be_seen_runs_again(accounts, connect):
    taken = ids.generate("pglt")
    other, session = connect(autocommit=True), connect(**PATIENCE)
    session.isolation_level = IsolationLevel.REPEATABLE_READ
    Ledger(session).get_account(accounts["bank"])
    Ledger(other).create_transfer(accounts["frozen"], accounts["cents"], 1, id=taken)
    requests = [plain(accounts, "bank", "purse", "2", id=taken)]
    with pytest.raises(SerializationFailure):
        at_once(session, requests)
    session.rollback()
    assert statuses(at_once(session, requests)) == ["IdempotencyConflict"]


def test_who_waits_sees_what_the_other_left(
    accounts, connect, wait_until_blocked: WaitUntilBlocked
):
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(first).create_transfer(accounts["purse"], accounts["bank"], 10)
    requests = [plain(accounts, "purse", "bank", "10"), plain(accounts, "purse", "bank", "5")]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, second, requests)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert statuses(waiting.result(60)) == ["InsufficientFunds", "posted"]

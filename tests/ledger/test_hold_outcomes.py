"""``pgledger_create_holds_outcomes``: each request by itself, as in a savepoint of its own."""

import re
import time
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

from pgledger import HoldOutcome, HoldRequest, Ledger, PgledgerError, errors, ids
from support.at_once import PATIENCE, Call, all_at_once
from support.database import Connect
from support.refusing import NAMES, accounts_that_refuse
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]

SINGLE = """
  select id, created_at, expires_at, ended_at, posted_amount, status, replayed
  from pgledger_create_hold(
    %s, %s, %s::numeric, %s, null, %s, %s, %s, idempotency_key => %s, group_id => 'day-1'
  )
"""
OUTCOMES = """
  select * from pgledger_create_holds_outcomes(
    %s::text[], %s::text[], %s::text[]::numeric[], %s::text[]::timestamptz[], %s::timestamptz[],
    %s::jsonb[], %s::text[], idempotency_keys => %s::text[], group_id => 'day-1'
  )
"""
TAKEN, EXPIRED, POSTED = (ids.generate("pglh") for _ in range(3))
CHOSEN = [ids.generate("pglh") for _ in range(3)]
LATER = datetime(2999, 1, 1, tzinfo=UTC)
BEFORE = datetime(2025, 1, 1, tzinfo=UTC)

MANY = "array_fill('{}'::text, array[100001])".format

# From, to, amount, expires_at, event_at, metadata, id and idempotency key.
Request = tuple[Any, ...]


@pytest.fixture
def accounts(connect: Connect) -> dict[str, Any]:
    """Accounts of every kind that can refuse, and holds whose ids and keys are taken."""
    conn = connect(autocommit=True)
    ledger = Ledger(conn)
    made = accounts_that_refuse(conn)
    ledger.create_transfer(made["bank"], made["purse"], 30)
    hold: dict[str, Any] = {"group_id": "day-1"}
    ledger.create_hold(made["purse"], made["bank"], 5, id=TAKEN, **hold)
    ledger.create_hold(made["purse"], made["bank"], 5, id=POSTED, idempotency_key="posted", **hold)
    ledger.post_hold(POSTED, amount=2)
    ledger.create_hold(
        made["purse"],
        made["jar"],
        7,
        id=EXPIRED,
        expires_in=timedelta(microseconds=1),
        idempotency_key="expired",
        **hold,
    )
    ledger.create_transfer(made["bank"], made["jar"], 1, idempotency_key="other")
    return made


def looped(conn: Session, requests: Sequence[Request]) -> list[HoldOutcome]:
    """Returns what a loop of single calls does, each in a savepoint."""
    outcomes: list[HoldOutcome] = []
    for index, request in enumerate(requests, 1):
        try:
            with conn.transaction():
                (row,) = conn.execute(SINGLE.encode(), request).fetchall()
        except PgledgerError as error:
            outcomes.append(
                HoldOutcome(
                    index, "failed", None, error.sqlstate, type(error).__name__,
                    error.diag.message_primary, error.diag.message_detail,
                    error.diag.message_hint, None, None, None, None, None,
                )
            )  # fmt: skip
        else:
            hold_id, created_at, expires_at, ended_at, posted_amount, status, replayed = row
            outcomes.append(
                HoldOutcome(
                    index, "replayed" if replayed else "made", hold_id, None, None, None, None,
                    None, created_at, expires_at, ended_at, posted_amount, status,
                )
            )  # fmt: skip
    return outcomes


def at_once(conn: Session, requests: Sequence[Request]) -> list[HoldOutcome]:
    columns = [list(column) for column in zip(*requests, strict=True)] or [[] for _ in range(8)]
    columns[3] = [one and str(one) for one in columns[3]]
    return [HoldOutcome(*row) for row in conn.execute(OUTCOMES.encode(), columns).fetchall()]


def comparable(outcomes: Sequence[HoldOutcome]) -> list[HoldOutcome]:
    """Leaves out what differs from call to call: times, and ids that nobody chose.

    Of those it keeps which requests share one.
    """
    known = {TAKEN, EXPIRED, POSTED, *CHOSEN}
    firsts: dict[str | None, int | None] = {}
    return [
        replace(
            one,
            created_at=None,
            id=one.id
            if one.id in known or one.id is None
            else f"made by {firsts.setdefault(one.id, one.request_index)}",
            reason=re.sub(r"(ahead of|the clock says) .*", "…", one.reason) if one.reason else None,
        )
        for one in outcomes
    ]


def books(conn: Session) -> Any:
    return (
        conn.execute(
            "select name, balance, version, held_out, held_in, available_balance"
            " from pgledger_accounts_v1 order by id"
        ).fetchall(),
        conn.execute(
            # One account is ahead of the clock, which is found each time.
            "select check_name, violations from pgledger_verify()"
        ).fetchall(),
        conn.execute(
            "select from_key, to_key, amount, expires_at, first_expires_at, event_at, metadata,"
            " from_is_first, group_id, status from pgledger.holds order by created_at"
        ).fetchall(),
        conn.execute(
            "select idempotency_key, function_name, request,"
            " (select row(amount, created_at <= idempotency_keys.created_at + interval '1 hour')"
            "  from pgledger.holds where id = result_id)::text"
            " from pgledger.idempotency_keys order by idempotency_key"
        ).fetchall(),
    )


def compare(conn: Session, requests: Sequence[Request]) -> list[HoldOutcome]:
    with conn.transaction(force_rollback=True):
        expected = comparable(looped(conn, requests)), written(conn)
    with conn.transaction(force_rollback=True):
        outcomes = at_once(conn, requests)
        for one, other in zip(comparable(outcomes), expected[0], strict=True):
            assert (one.reason, one) == (other.reason, other)
        assert written(conn) == expected[1]
        times = [one.created_at for one in outcomes if one.status == "made"]
        assert times == sorted(times)  # type: ignore[type-var]
        # A second time, all that can be told again are repeats, or fail again.
        again = at_once(conn, requests)
        for first, second, request in zip(outcomes, again, requests, strict=True):
            if (request[6] or request[7]) and first.status != "failed":
                assert second == replace(first, status="replayed")
    return outcomes


def written(conn: Session) -> Any:
    """Returns the books once all that has expired is written: when it is, nobody promised."""
    conn.execute("select pgledger_expire_holds(1000)")
    return books(conn)


names = st.sampled_from((*NAMES, "bank", "bank", "purse", "jar", "unknown", "odd", "null"))
usual = st.sampled_from(("bank", "purse", "jar"))
drafts = st.tuples(
    st.one_of(usual, usual, names),
    st.one_of(usual, usual, names),
    st.sampled_from(
        ("1", "2.50", "5", "5", "7", "12", "0.001", "0", "-1", "NaN", "9e29", "1.10", None)
    ),
    st.sampled_from((None, None, None, LATER, BEFORE)),
    st.sampled_from((None, None, None, None, BEFORE, datetime(9999, 1, 1, tzinfo=UTC))),
    st.sampled_from((None, None, None, '{"a": 1}', "[]")),
    st.sampled_from((None, None, None, *CHOSEN, TAKEN, EXPIRED, POSTED, "odd")),
    st.sampled_from((None, None, None, "k", "l", "posted", "expired", "other", "")),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.lists(drafts, max_size=12))
def test_outcomes_are_those_of_a_loop_with_savepoints(accounts, conn, requests):
    compare(conn, [(accounts[one[0]], accounts[one[1]], *one[2:]) for one in requests])


few = st.tuples(
    st.sampled_from(("bank", "purse")),
    st.just("jar"),
    st.sampled_from(("1", "12")),
    st.sampled_from((None, LATER)),
    st.none(),
    st.none(),
    st.sampled_from((None, *CHOSEN[:2])),
    st.sampled_from((None, "k", "l")),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.lists(few, max_size=8))
def test_repeats_within_a_batch_are_those_of_a_loop(accounts, conn, requests):
    compare(conn, [(accounts[one[0]], accounts[one[1]], *one[2:]) for one in requests])


def plain(accounts: dict[str, str], source: str, target: str, amount: str, **more: Any) -> Request:
    names = ("expires_at", "event_at", "metadata", "id", "key")
    return accounts[source], accounts[target], amount, *(more.get(name) for name in names)


def statuses(outcomes: Sequence[HoldOutcome]) -> list[str]:
    return [one.error_name or one.status for one in outcomes]


def test_each_request_goes_on_from_what_those_before_it_held(accounts, conn):
    outcomes = compare(
        conn,
        [
            plain(accounts, "purse", "bank", "20"),
            plain(accounts, "purse", "bank", "20"),
            plain(accounts, "purse", "bank", "3", expires_at=LATER),
            plain(accounts, "bank", "jar", "19"),
            plain(accounts, "bank", "jar", "1"),
            # What is only held for the purse cannot leave it.
            plain(accounts, "bank", "purse", "100"),
            plain(accounts, "purse", "bank", "0.01"),
        ],
    )
    assert statuses(outcomes) == [
        "made", "InsufficientFunds", "made", "made", "PositiveBalanceNotAllowed", "made",
        "InsufficientFunds",
    ]  # fmt: skip
    assert outcomes[1].reason == (
        f"account {accounts['purse']} (purse) may not fall below 0: 28 less 20 and 25 held would"
        " leave -17"
    )
    assert (outcomes[2].expires_at, outcomes[2].hold_status) == (LATER, "pending")
    assert (outcomes[2].ended_at, outcomes[2].posted_amount) == (None, 0)


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
            plain(accounts, "bank", "cents", "0.0100000000000000000000"),
            plain(accounts, "bank", "ahead", "1"),
            plain(accounts, "odd", "bank", "1"),
            plain(accounts, "bank", "bank", "1"),
            plain(accounts, "bank", "frozen", "1", expires_at=BEFORE),
            plain(accounts, "bank", "cents", "1", expires_at="infinity"),
            plain(accounts, "bank", "cents", "1", id="odd", key=""),
            plain(accounts, "bank", "cents", "1", key="k" * 256),
        ],
    )
    assert statuses(outcomes) == [
        "AccountNotFound", "AccountNotFound", "CurrencyMismatch", "AccountFrozen", "made",
        "AccountClosed", "InvalidAmount", "made", "AccountAheadOfClock", "InvalidId",
        "SameAccount", "InvalidTime", "InvalidTime", "InvalidId", "InvalidArgument",
    ]  # fmt: skip


def test_a_repeat_within_a_batch_is_one_of_what_became_of_the_first(accounts, conn):
    first, second, third = CHOSEN
    outcomes = compare(
        conn,
        [
            plain(accounts, "purse", "bank", "30", id=first),
            plain(accounts, "purse", "bank", "10", id=second),
            plain(accounts, "purse", "bank", "10", id=first),
            plain(accounts, "purse", "bank", "10", id=first),
            plain(accounts, "purse", "bank", "11", id=second),
            plain(accounts, "purse", "bank", "5", id=TAKEN),
            plain(accounts, "purse", "bank", "5", id=TAKEN, key="k"),
            plain(accounts, "purse", "bank", "5", id=TAKEN, key="k"),
            plain(accounts, "purse", "bank", "6", id=TAKEN),
            plain(accounts, "purse", "bank", "5", id=POSTED),
            # The key names the hold, whatever the id would.
            plain(accounts, "bank", "jar", "1", id=third, key="l"),
            plain(accounts, "bank", "jar", "1", id=third, key="l"),
            plain(accounts, "bank", "jar", "1", id=second, key="l"),
        ],
    )
    assert statuses(outcomes) == [
        "InsufficientFunds", "made", "made", "replayed", "IdempotencyConflict", "replayed",
        "replayed", "replayed", "IdempotencyConflict", "replayed", "made", "replayed",
        "IdempotencyConflict",
    ]  # fmt: skip
    assert outcomes[4].detail == "Compared with the first request, amount was 10 and is now 11."
    assert outcomes[3] == replace(outcomes[2], request_index=4, status="replayed")
    assert (outcomes[9].hold_status, outcomes[9].posted_amount) == ("posted", 2)
    assert outcomes[9].ended_at is not None


def test_a_request_that_failed_keeps_no_key(accounts, conn):
    outcomes = compare(
        conn,
        [
            plain(accounts, "purse", "bank", "100", key="k"),
            plain(accounts, "bank", "frozen", "1", key="k"),
            plain(accounts, "purse", "bank", "4", key="k"),
            plain(accounts, "purse", "bank", "4", key="k"),
            plain(accounts, "purse", "bank", "5", key="k"),
            plain(accounts, "purse", "jar", "1", key="l", metadata='{"a": [1]}'),
            plain(accounts, "purse", "jar", "1", key="l", metadata='{"a": [1.0]}'),
            plain(accounts, "purse", "jar", "1", key="other"),
        ],
    )
    assert statuses(outcomes) == [
        "InsufficientFunds", "AccountFrozen", "made", "replayed", "IdempotencyConflict", "made",
        "replayed", "IdempotencyConflict",
    ]  # fmt: skip
    assert outcomes[3].id == outcomes[2].id


def test_a_key_is_the_same_in_a_batch_and_by_itself(accounts, connect):
    conn = connect(autocommit=True)
    ledger, (bank, purse) = Ledger(conn), (accounts["bank"], accounts["purse"])
    single = ledger.create_hold(bank, purse, 2, idempotency_key="single")
    made, again = ledger.create_holds_outcomes(
        HoldRequest(bank, purse, Decimal(2), idempotency_key=key) for key in ("batch", "single")
    )
    assert (made.status, again.status, again.id) == ("made", "replayed", single.id)
    repeat = ledger.create_hold(bank, purse, 2, idempotency_key="batch")
    assert (repeat.id, repeat.replayed, repeat.created_at) == (made.id, True, made.created_at)
    ledger.extend_hold(single.id, LATER)
    (again,) = ledger.create_holds_outcomes(
        [HoldRequest(bank, purse, Decimal(2), idempotency_key="single")]
    )
    assert (again.status, again.expires_at) == ("replayed", LATER)


def test_what_has_expired_is_not_in_the_way(accounts, connect):
    conn = connect(autocommit=True)
    held = "select held_out from pgledger.accounts where name = 'purse'"
    assert conn.execute(held).fetchone() == (12,)
    before = books(conn)[1]
    request = plain(accounts, "purse", "bank", "23")
    assert statuses(at_once(conn, [request, request])) == ["made", "InsufficientFunds"]
    assert conn.execute(held).fetchone() == (28,)
    assert Ledger(conn).get_hold(EXPIRED).status == "expired"
    # The account that it would have reached was not asked for, so its sum is as it was.
    assert conn.execute("select held_in from pgledger.accounts where name = 'jar'").fetchone() == (
        7,
    )
    assert books(conn)[1] == before


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("'{}', '{}', '{1}'", errors.InvalidBatch),
        ("'{a}', '{b}', '{1}', expires_ats => '{}'", errors.InvalidBatch),
        ("'{a}', '{b}', '{1}', idempotency_keys => '{}'", errors.InvalidBatch),
        ("'{a}', '{b}', '{1}', ids => '{{a}}'", errors.InvalidBatch),
        ("null, null, null", errors.InvalidBatch),
        ("'{}', '{}', '{}', app_id => null", errors.NullArgument),
        ("'{}', '{}', '{}', group_id => ''", errors.InvalidScope),
        (f"{MANY('a')}, {MANY('b')}, {MANY('1')}::numeric[]", errors.BatchTooLarge),
    ],
)
def test_only_a_wrong_shape_refuses_the_batch(conn, arguments, error):
    with pytest.raises(error):
        conn.execute(f"select pgledger_create_holds_outcomes({arguments})".encode())


def test_python_calls_it(accounts, conn):
    ledger = Ledger(conn)
    bank, purse = accounts["bank"], accounts["purse"]
    assert ledger.create_holds_outcomes([]) == []
    outcomes = ledger.create_holds_outcomes(
        [
            HoldRequest(bank, purse, 1),
            HoldRequest(purse, bank, 100),
            HoldRequest(purse, bank, 2, metadata={"a": 1}, event_at=BEFORE, expires_at=LATER),
        ],
        group_id="day-1",
    )
    assert statuses(outcomes) == ["made", "InsufficientFunds", "made"]
    assert [one.request_index for one in outcomes] == [1, 2, 3]
    made = ledger.get_hold(outcomes[2].id or "")
    assert (made.group_id, made.metadata, made.event_at, made.created_at, made.expires_at) == (
        "day-1", {"a": 1}, BEFORE, outcomes[2].created_at, LATER,
    )  # fmt: skip
    assert outcomes[0].created_at is not None
    assert outcomes[2].created_at == outcomes[0].created_at + timedelta(microseconds=2)
    assert ledger.get_account(purse).held_out == 5 + 2
    transfer = ledger.post_hold(made.id)
    assert (transfer.amount, transfer.group_id) == (2, "day-1")


def test_what_is_not_an_error_of_the_ledger_is_raised(accounts, connect):
    conn = connect(autocommit=True)
    conn.execute("alter table pgledger.holds add constraint odd check (amount <> 8)")
    conn.execute("create unique index odd_idx on pgledger.holds (amount) where amount >= 9")
    bank, purse = "bank", "purse"
    with pytest.raises(psycopg.errors.CheckViolation):
        at_once(conn, [plain(accounts, bank, purse, "8"), plain(accounts, bank, purse, "1")])
    with pytest.raises(psycopg.errors.UniqueViolation, match="odd_idx"):
        at_once(
            conn,
            [plain(accounts, bank, purse, "9", key="k")] * 2 + [plain(accounts, bank, purse, "9")],
        )
    assert Ledger(conn).get_account(accounts["purse"]).held_in == 0
    assert statuses(at_once(conn, [plain(accounts, bank, purse, "1", key="k")])) == ["made"]


def test_arrays_may_be_counted_from_any_number(accounts, conn):
    """What an array is counted from is no part of a batch."""
    bank, purse, own_id = accounts["bank"], accounts["purse"], ids.generate("pglh")
    given = {
        "sources": f"[5:7]={{{bank},{bank},{purse}}}",
        "targets": f"[2:4]={{{purse},{bank},{bank}}}",
        "ids": f"[9:11]={{null,null,{own_id}}}",
        "keys": "[3:5]={k,null,l}",
        "own_id": own_id,
    }
    ((statuses, own),) = conn.execute(
        """
        select array_agg(coalesce(error_name, status) order by request_index),
          array_agg(id = %(own_id)s::text order by request_index)
        from pgledger_create_holds_outcomes(
          %(sources)s::text::text[], %(targets)s::text::text[], '[-1:1]={1,1,1}',
          '[4:6]={null,null,2999-01-01}', ids => %(ids)s::text::text[],
          idempotency_keys => %(keys)s::text::text[]
        )
        """,
        given,
    ).fetchall()
    assert (statuses, own) == (["made", "SameAccount", "made"], [False, None, True])
    assert conn.execute(
        "select array_agg(idempotency_key order by idempotency_key),"
        " array_agg(expires_at order by expires_at) from pgledger.idempotency_keys"
        " inner join pgledger.holds on holds.id = result_id where idempotency_key in ('k', 'l')"
    ).fetchone() == (["k", "l"], [LATER, None])


def test_an_account_whose_time_was_accepted_is_used(accounts, conn):
    ledger = Ledger(conn)
    ledger.accept_time(accounts["ahead"], "the clock was wrong")
    outcomes = compare(
        conn,
        [plain(accounts, "bank", "ahead", "1"), plain(accounts, "ahead", "jar", "2", key="k")],
    )
    assert statuses(outcomes) == ["made", "made"]


def test_warnings_of_the_clock_come_once_a_call(accounts, connect):
    conn = connect(autocommit=True)
    conn.execute(
        "update pgledger.accounts set updated_at = clock_timestamp() + interval '1 hour'"
        " where name in ('purse', 'jar')"
    )
    notices: list[str | None] = []
    conn.add_notice_handler(lambda diagnostic: notices.append(diagnostic.message_primary))
    outcomes = at_once(
        conn,
        [
            plain(accounts, "bank", "cents", "1"),
            *[plain(accounts, "bank", "purse", "1")] * 3,
            plain(accounts, "ahead", "purse", "1"),
        ],
    )
    assert statuses(outcomes) == ["made"] * 4 + ["AccountAheadOfClock"]
    assert len(notices) == 1
    assert accounts["purse"] in (notices[0] or "")


def test_it_takes_less_than_a_third_of_the_time_of_a_loop(accounts, connect):
    conn = connect(autocommit=True)
    ledger = Ledger(conn)
    purses = [ledger.create_account("many", "USD", min_balance=Decimal(-9)).id for _ in range(100)]
    requests = [(purses[n % 100], accounts["bank"], "1", *[None] * 5) for n in range(1000)]

    def seconds(way: Any) -> float:
        with conn.transaction(force_rollback=True):
            begun = time.perf_counter()
            outcomes = way(conn, requests)
            taken = time.perf_counter() - begun
        assert statuses(outcomes) == ["made"] * 900 + ["InsufficientFunds"] * 100
        return taken

    assert min(seconds(at_once) for _ in range(3)) < seconds(looped) / 3


# Two sessions


def test_an_id_that_another_session_takes_meanwhile_fails_alone(
    accounts, connect, wait_until_blocked: WaitUntilBlocked
):
    taken = ids.generate("pglh")
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(first).create_hold(accounts["frozen"], accounts["cents"], 1, id=taken)
    requests = [
        plain(accounts, "bank", "purse", "1"),
        plain(accounts, "bank", "purse", "2", id=taken),
        plain(accounts, "bank", "purse", "4", id=ids.generate("pglh")),
    ]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, second, requests)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        outcomes = waiting.result(60)
    assert statuses(outcomes) == ["made", "IdempotencyConflict", "made"]
    assert "from_account_id was" in (outcomes[1].detail or "")
    assert Ledger(second).get_account(accounts["purse"]).held_in == 5


def test_a_key_that_another_session_takes_meanwhile_fails_alone(
    accounts, connect, wait_until_blocked: WaitUntilBlocked
):
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(first).create_hold(accounts["frozen"], accounts["cents"], 1, idempotency_key="k")
    requests = [
        plain(accounts, "bank", "purse", "1", key="l"),
        plain(accounts, "bank", "purse", "2", key="k"),
        plain(accounts, "bank", "purse", "4", key="a"),
    ]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, second, requests)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        outcomes = waiting.result(60)
    assert statuses(outcomes) == ["made", "IdempotencyConflict", "made"]
    assert "amount was 1 and is now 2" in (outcomes[1].detail or "")
    assert Ledger(second).get_account(accounts["purse"]).held_in == 5
    assert statuses(at_once(second, requests)) == ["replayed", "IdempotencyConflict", "replayed"]


@pytest.mark.parametrize("name", ["id", "key"])
def test_what_another_session_takes_back_is_free(
    accounts, connect, wait_until_blocked: WaitUntilBlocked, name
):
    value = {"id": ids.generate("pglh"), "key": "k"}[name]
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    named: dict[str, Any] = {"id": value} if name == "id" else {"idempotency_key": value}
    Ledger(first).create_hold(accounts["frozen"], accounts["cents"], 1, **named)
    with ThreadPoolExecutor(1) as pool:
        request = plain(accounts, "bank", "purse", "2", **{name: value})
        waiting = pool.submit(at_once, second, [request])
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.rollback()
        assert statuses(waiting.result(60)) == ["made"]


@pytest.mark.parametrize("name", ["id", "key"])
def test_under_a_snapshot_what_cannot_be_seen_runs_again(accounts, connect, name):
    value = {"id": ids.generate("pglh"), "key": "k"}[name]
    other, session = connect(autocommit=True), connect(**PATIENCE)
    session.isolation_level = IsolationLevel.REPEATABLE_READ
    Ledger(session).get_account(accounts["bank"])
    named: dict[str, Any] = {"id": value} if name == "id" else {"idempotency_key": value}
    Ledger(other).create_hold(accounts["frozen"], accounts["cents"], 1, **named)
    requests = [plain(accounts, "bank", "purse", "2", **{name: value})]
    with pytest.raises(SerializationFailure):
        at_once(session, requests)
    session.rollback()
    assert statuses(at_once(session, requests)) == ["IdempotencyConflict"]


@pytest.mark.parametrize("way", ["hold", "batch", "transfer"])
def test_who_waits_sees_what_the_other_left(
    accounts, connect, wait_until_blocked: WaitUntilBlocked, way
):
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    purse, bank = accounts["purse"], accounts["bank"]
    if way == "hold":
        Ledger(first).create_hold(purse, bank, 10)
    elif way == "batch":
        at_once(first, [plain(accounts, "purse", "bank", "10")])
    else:
        Ledger(first).create_transfer(purse, bank, 10)
    requests = [plain(accounts, "purse", "bank", "14"), plain(accounts, "purse", "bank", "13")]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, second, requests)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert statuses(waiting.result(60)) == ["InsufficientFunds", "made"]


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_freeze_in_flight_is_waited_for(
    accounts, connect, wait_until_blocked: WaitUntilBlocked, end
):
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(first).freeze_account(accounts["purse"], "out")
    requests = [
        plain(accounts, "purse", "bank", "1"),
        plain(accounts, "bank", "purse", "1"),
        plain(accounts, "bank", "jar", "1"),
    ]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, second, requests)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        getattr(first, end)()
        frozen = "AccountFrozen" if end == "commit" else "made"
        assert statuses(waiting.result(60)) == [frozen, "made", "made"]


def test_a_freeze_waits_for_a_batch_in_flight(
    accounts, connect, wait_until_blocked: WaitUntilBlocked
):
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    requests = [plain(accounts, "purse", "bank", "1"), plain(accounts, "purse", "bank", "100")]
    assert statuses(at_once(first, requests)) == ["made", "InsufficientFunds"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Ledger(second).freeze_account, accounts["purse"], "out")
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert waiting.result(60).held_out == 5 + 1
    assert statuses(at_once(second, requests)) == ["AccountFrozen"] * 2


def test_an_account_that_is_opened_meanwhile_is_not_used(
    accounts, connect, wait_until_blocked: WaitUntilBlocked
):
    """It is there when the batch looks, but the batch has not locked it."""
    own = ids.generate("pgla")
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(first).create_transfer(accounts["bank"], accounts["purse"], 1)
    Ledger(first).create_account("new", "USD", id=own)
    requests = [
        (accounts["bank"], own, "1", *[None] * 5),
        plain(accounts, "bank", "purse", "1"),
    ]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, second, requests)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert statuses(waiting.result(60)) == ["AccountNotFound", "made"]
    assert statuses(at_once(second, requests)) == ["made", "made"]


def batch_of(order: Sequence[Request]) -> Call:
    return lambda session: at_once(session, order)


def test_batches_over_the_same_accounts_in_opposite_orders_never_deadlock(accounts, connect):
    """Accounts, keys and ids are each locked in one order, whatever order the requests have."""
    keys = [f"key-{number}" for number in range(40)]
    owns = [ids.generate("pglh") for _ in keys]
    pairs = ("purse", "jar"), ("jar", "bank"), ("bank", "purse")
    asked = [
        plain(accounts, *pairs[number % 3], "0.5", key=key, id=own)
        for number, (key, own) in enumerate(zip(keys, owns, strict=True))
    ]
    orders = (asked, asked[::-1], asked[20:] + asked[:20], asked[::2])
    answers = all_at_once(connect, [batch_of(order) for order in orders])
    told = [(one.id, one.status) for answer in answers for one in answer]
    assert sorted(status for _, status in told) == ["made"] * 40 + ["replayed"] * 100
    assert {one for one, status in told if status == "made"} == set(owns)


@pytest.mark.parametrize("name", ["id", "key"])
def test_batches_that_share_names_and_no_accounts_never_deadlock(accounts, connect, name):
    ledger = Ledger(connect(autocommit=True))
    names = [ids.generate("pglh") for _ in range(60)]
    orders = (names, names[::-1], names[30:] + names[:30], names[::-1])
    calls = [
        batch_of(
            [
                plain(pair, "one", "other", "1", **{name: value})
                for pair in [{of: ledger.create_account(of, "USD").id for of in ("one", "other")}]
                for value in order
            ]
        )
        for order in orders
    ]
    answers = all_at_once(connect, calls)
    counts = sorted(statuses(answer).count("made") for answer in answers)
    assert counts == [0, 0, 0, 60]
    told = {status for answer in answers for status in statuses(answer)}
    assert told == {"made", "IdempotencyConflict"}

"""Transfers between accounts that are given by name, one and many."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgledger import Ledger, NamedTransferRequest, Transfer, errors, ids
from support.at_once import PATIENCE, all_at_once
from support.database import Connect
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]
Books = dict[str, str]

ISOLATIONS = list(psycopg.IsolationLevel)
LOWEST = f"pgla_{'0' * 26}"
HIGHEST = f"pgla_7{'Z' * 25}"


@pytest.fixture
def books(conn: Session) -> Books:
    """Accounts by name; what was left of the first is the second's reason to exist."""
    ledger = Ledger(conn)
    made = {name: ledger.create_account(name, "USD").id for name in ("world", "cash", "fees")}
    ledger.create_account("cash", "EUR")
    ledger.create_account("cash", "USD", tenant_id="t")
    conn.commit()
    return made


def single(
    conn: Session, requests: Sequence[NamedTransferRequest], **shared: Any
) -> list[Transfer]:
    return [
        Ledger(conn).create_transfer_by_name(
            request.from_name,
            request.to_name,
            request.amount,
            request.currency,
            event_at=request.event_at,
            metadata=request.metadata,
            id=request.id,
            from_tenant_id=request.from_tenant_id,
            to_tenant_id=request.to_tenant_id,
            **shared,
        )
        for request in requests
    ]


def bulk(conn: Session, requests: Sequence[NamedTransferRequest], **shared: Any) -> list[Transfer]:
    return Ledger(conn).create_transfers_by_name(requests, **shared)


WAYS = pytest.mark.parametrize("make", [single, bulk])
Make = Callable[..., list[Transfer]]


def request(
    source: str = "world", target: str = "cash", amount: Any = 5, currency: str = "USD", **more: Any
) -> NamedTransferRequest:
    return NamedTransferRequest(source, target, amount, currency, **more)


def count(conn: Session) -> int:
    row = conn.execute("select count(*) from pgledger.transfers").fetchone()
    assert row is not None
    return int(row[0])


def rename(conn: Session, account_id: str, name: str) -> None:
    Ledger(conn).update_account(account_id, name=name)


def assert_verified(conn: Session) -> None:
    assert not conn.execute("select * from pgledger_verify() where violations > 0").fetchall()


@WAYS
def test_a_transfer_by_name_is_the_transfer_by_id(conn, books: Books, make: Make):
    made = make(
        conn,
        [
            request(amount=Decimal("10.00"), metadata={"a": 1}),
            request("cash", "fees", Decimal("0.30")),
            request(target="cash", to_tenant_id="t", amount=1),
        ],
    )
    ledger = Ledger(conn)
    for transfer in made:
        assert transfer.replayed is False
        assert ledger.get_transfer(transfer.id) == replace(transfer, replayed=None)
    assert [
        (one.from_account_id, one.to_account_id, str(one.to_account_balance)) for one in made[:2]
    ] == [
        (books["world"], books["cash"], "10.00"),
        (books["cash"], books["fees"], "0.30"),
    ]
    assert (made[2].to_tenant_id, made[2].to_account_balance) == ("t", 1)
    assert str(made[1].from_account_balance) == "9.70"
    assert made[0].metadata == {"a": 1}
    assert_verified(conn)


def test_a_batch_shares_its_group_and_holds_several_currencies(conn, books: Books):
    Ledger(conn).create_account("world", "EUR")
    made = bulk(conn, [request(), request(currency="EUR"), request()], group_id="order-7")
    assert [one.currency for one in made] == ["USD", "EUR", "USD"]
    assert {one.group_id for one in made} == {"order-7"}
    assert made[2].to_account_balance == 10
    assert bulk(conn, []) == []


def test_many_requests_of_few_names(conn, books: Books):
    made = bulk(conn, [request()] * 3000 + [request("cash", "fees", 1)] * 3000)
    assert made[-1].to_account_balance == 3000
    assert Ledger(conn).find_account("cash", "USD").balance == 12_000


@WAYS
def test_apps_have_names_of_their_own(conn, books: Books, make: Make):
    with pytest.raises(errors.AccountNotFound), conn.transaction():
        make(conn, [request()], app_id="app")
    for name in ("world", "cash"):
        Ledger(conn).create_account(name, "USD", app_id="app")
    (made,) = make(conn, [request()], app_id="app")
    assert made.app_id == "app"


@WAYS
def test_a_repeat_returns_the_first_result(conn, books: Books, make: Make):
    chosen = ids.generate("pglt")
    (first,) = make(conn, [request(id=chosen, metadata={"a": 1})])
    make(conn, [request(amount=1)])
    (again,) = make(conn, [request(id=chosen, metadata={"a": 1}, amount=Decimal("5.0"))])
    assert (first.replayed, again.replayed) == (False, True)
    assert replace(again, replayed=False) == first
    # By id it is the same request.
    by_id = Ledger(conn).create_transfer(
        books["world"], books["cash"], 5, metadata={"a": 1}, id=chosen
    )
    assert by_id == again
    assert count(conn) == 2
    for other in (
        request(id=chosen),
        request(id=chosen, metadata={"a": 1}, amount=6),
        request(target="fees", id=chosen, metadata={"a": 1}),
    ):
        with pytest.raises(errors.IdempotencyConflict), conn.transaction():
            make(conn, [other])


def test_a_batch_repeats_some_and_makes_others(conn, books: Books):
    chosen = ids.generate("pglt")
    (first,) = bulk(conn, [request(id=chosen)])
    made = bulk(conn, [request(amount=1), request(id=chosen), request(amount=2)])
    assert [one.replayed for one in made] == [False, True, False]
    assert made[1].id == first.id
    assert made[2].to_account_balance == 8


# What is refused, in the order of checks

UNKNOWN = request(target="nobody")


@WAYS
@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (request(source=""), errors.InvalidName, "it is empty"),
        (request(target=" "), errors.InvalidName, "no character of it can be seen"),
        (request(target="x" * 256), errors.InvalidName, "256 characters"),
        (request(currency=""), errors.InvalidCurrency, "it is empty"),
        (request(currency="U S"), errors.InvalidCurrency, "space"),
        (request(from_tenant_id="a b"), errors.InvalidScope, "from_tenant_id"),
        (request(to_tenant_id="a b"), errors.InvalidScope, "to_tenant_id"),
        (request(target="world"), errors.SameAccount, "account 'world' in USD to itself"),
        (request(amount=0), errors.InvalidAmount, "it is zero"),
        (request(amount=-1), errors.InvalidAmount, "it is negative"),
        (request(amount=Decimal("NaN")), errors.InvalidAmount, "not a number"),
        (request(metadata={"a": "x" * 70_000}), errors.InvalidMetadata, "65536"),
        (request(id="pglt_1"), errors.InvalidId, "pglt_1"),
        (UNKNOWN, errors.AccountNotFound, "account 'nobody' in USD does not exist"),
        (request(source="nobody"), errors.AccountNotFound, "account 'nobody' in USD"),
        (request(currency="JPY"), errors.AccountNotFound, "account 'world' in JPY"),
        (request(to_tenant_id="x"), errors.AccountNotFound, "'cash' in USD of tenant 'x'"),
        (request(target="twins"), errors.AccountAmbiguous, "2 have it"),
        (request(source="poor"), errors.InsufficientFunds, "(poor)"),
        # Its own values come before the accounts, and the accounts before limits.
        (request(source="", target="nobody"), errors.InvalidName, "it is empty"),
        (request(target="nobody", amount=0), errors.InvalidAmount, "it is zero"),
        (request(source="poor", target="nobody"), errors.AccountNotFound, "nobody"),
    ],
)
def test_what_is_wrong_is_refused(conn, books: Books, make: Make, wrong, error, says):
    ledger = Ledger(conn)
    for name in ("twins", "twins"):
        ledger.create_account(name, "USD")
    ledger.create_account("poor", "USD", allow_negative_balance=False)
    with pytest.raises(error) as refused, conn.transaction():
        make(conn, [wrong])
    assert says in str(refused.value)
    with pytest.raises(error) as refused, conn.transaction():
        bulk(conn, [request(), wrong, request()])
    assert str(refused.value).startswith("request 2 of 3: ")
    # Each check looks at all requests before the next one begins.
    if error is not errors.InsufficientFunds:
        with pytest.raises(error) as refused, conn.transaction():
            bulk(conn, [request(source="poor"), wrong])
        assert str(refused.value).startswith("request 2 of 2: ")
    if error not in (errors.InsufficientFunds, errors.AccountNotFound, errors.AccountAmbiguous):
        with pytest.raises(error) as refused, conn.transaction():
            bulk(conn, [UNKNOWN, wrong])
        assert str(refused.value).startswith("request 2 of 2: ")
    assert count(conn) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ("null, '{a}', '{1}', '{USD}'", errors.InvalidBatch, "from_names must not be null"),
        ("'{a}', null, '{1}', '{USD}'", errors.InvalidBatch, "to_names must not be null"),
        ("'{a}', '{b}', null, '{USD}'", errors.InvalidBatch, "amounts must not be null"),
        ("'{a}', '{b}', '{1}', null", errors.InvalidBatch, "currencies must not be null"),
        ("'{a}', '{b}', '{1}', '{}'", errors.InvalidBatch, "currencies has 0 elements"),
        ("'{{a}}', '{b}', '{1}', '{USD}'", errors.InvalidBatch, "2 dimensions"),
        (
            "'{a}', '{b}', '{1}', '{USD}', to_tenant_ids => '{a,b}'",
            errors.InvalidBatch,
            "to_tenant_ids has 2 elements",
        ),
        (
            (
                "array_fill('a'::text, array[100001]), array_fill('b'::text, array[100001]),"
                " array_fill(1, array[100001]), array_fill('USD'::text, array[100001])"
            ),
            errors.BatchTooLarge,
            "100001 requests",
        ),
        ("'{a}', '{b}', '{1}', '{USD}', app_id => null", errors.NullArgument, "app_id"),
        ("'{a}', '{b}', '{1}', '{USD}', app_id => 'a b'", errors.InvalidScope, "app_id"),
        ("'{a}', '{b}', '{1}', '{USD}', group_id => ''", errors.InvalidScope, "group_id"),
        ("'{null}', '{b}', '{1}', '{USD}'", errors.InvalidName, "it is null"),
        ("'{a}', '{null}', '{1}', '{USD}'", errors.InvalidName, "it is null"),
        ("'{a}', '{b}', '{1}', '{null}'", errors.InvalidCurrency, "it is null"),
        ("'{a}', '{b}', '{null}', '{USD}'", errors.InvalidAmount, "it is null"),
        (
            "'{a}', '{b}', '{1}', '{USD}', event_ats => '{infinity}'",
            errors.InvalidTime,
            "event_at infinity",
        ),
        (
            "'{a}', '{b}', '{1}', '{USD}', event_ats => '{9000-01-01}'",
            errors.EventAtInFuture,
            "9000",
        ),
    ],
)
def test_a_batch_of_the_wrong_form_is_refused(conn, arguments, error, says):
    with pytest.raises(error) as refused:
        conn.execute(f"select * from pgledger_create_transfers_bulk_by_name({arguments})")
    assert says in str(refused.value)


def test_nulls_in_optional_arrays_are_as_if_left_out(conn, books: Books):
    rows = conn.execute(
        "select replayed, from_tenant_id, to_tenant_id, event_at = created_at"
        " from pgledger_create_transfers_bulk_by_name("
        "array['world','world'], array['cash','cash'], array[1,2], array['USD','USD'],"
        " array[null,null]::timestamptz[], array[null,null]::jsonb[], array[null,null],"
        " array[null,null], array[null,'t'], allow_future_event_at => true)"
    ).fetchall()
    assert rows == [(False, "", "", True), (False, "", "t", True)]


def test_requests_by_name_are_of_their_kind(conn, books: Books):
    wrong: Any
    for wrong in [("a", "b", 1, "USD"), None, "abc"]:
        with pytest.raises(TypeError, match=r"request 2: .* is no request by name"):
            bulk(conn, [request(), wrong])
    with pytest.raises(TypeError, match="request 2: from_name must be a str"):
        bulk(conn, [request(), request(source=books)])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="request 1: amount must be a Decimal"):
        bulk(conn, [request(amount=1.5)])


def test_a_refusal_is_undone_by_a_savepoint(conn, books: Books):
    make_one = request()
    single(conn, [make_one])
    with pytest.raises(errors.AccountNotFound), conn.transaction():
        bulk(conn, [make_one, UNKNOWN])
    (made,) = bulk(conn, [make_one])
    assert made.to_account_version == 2
    assert_verified(conn)


# Renames in between


def moved_while_renamed(
    connect: Connect,
    waiter: WaitUntilBlocked,
    make: Make,
    first: Session,
    end: str = "commit",
) -> Any:
    """Moves to ``cash`` while ``first`` holds it, ends that, and returns what came of it."""
    second = connect(autocommit=True, **PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        moved = pool.submit(make, second, [request()])
        waiter(second.info.backend_pid, by=first.info.backend_pid)
        getattr(first, end)()
        return moved.result()


@WAYS
def test_an_account_renamed_meanwhile_is_not_the_one(
    connect: Connect, wait_until_blocked, books: Books, make: Make
):
    first = connect()
    rename(first, books["cash"], "old cash")
    with pytest.raises(errors.AccountNotFound):
        moved_while_renamed(connect, wait_until_blocked, make, first)
    assert count(first) == 0


@WAYS
def test_a_rename_that_is_given_up_changes_nothing(
    connect: Connect, wait_until_blocked, books: Books, make: Make
):
    first = connect()
    rename(first, books["cash"], "old cash")
    (made,) = moved_while_renamed(connect, wait_until_blocked, make, first, "rollback")
    assert made.to_account_id == books["cash"]


@WAYS
@pytest.mark.parametrize("heir", ["before", "after"])
def test_the_account_that_got_the_name_meanwhile_gets_the_money(
    connect: Connect, wait_until_blocked, books: Books, make: Make, heir
):
    """Its id is below or above those that are locked already."""
    first = connect()
    chosen = LOWEST if heir == "before" else HIGHEST
    Ledger(first).create_account("spare", "USD", id=chosen)
    first.commit()
    rename(first, books["cash"], "old cash")
    rename(first, chosen, "cash")
    (made,) = moved_while_renamed(connect, wait_until_blocked, make, first)
    assert (made.to_account_id, made.to_account_name) == (chosen, "cash")
    assert count(first) == 1
    assert_verified(first)


@WAYS
def test_an_account_that_is_found_out_of_order_is_not_waited_for(
    connect: Connect, wait_until_blocked, books: Books, make: Make
):
    first, third = connect(), connect()
    Ledger(first).create_account("spare", "USD", id=LOWEST)
    first.commit()
    rename(first, books["cash"], "old cash")
    second = connect(autocommit=True, **PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        moved = pool.submit(make, second, [request()])
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        rename(third, LOWEST, "cash")
        third.commit()
        third.execute("select from pgledger.accounts where id = %s for no key update", [LOWEST])
        first.commit()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            moved.result()
    third.commit()
    (made,) = make(second, [request()])
    assert made.to_account_id == LOWEST


@WAYS
@pytest.mark.parametrize("isolation", ISOLATIONS[2:], ids=lambda level: level.name)
def test_an_old_snapshot_is_a_reason_to_try_again(
    connect: Connect, books: Books, make: Make, isolation
):
    old, other = connect(), connect(autocommit=True)
    old.isolation_level = isolation
    old.execute("select count(*) from pgledger.accounts")
    rename(other, books["cash"], "old cash")
    with pytest.raises(psycopg.errors.SerializationFailure):
        make(old, [request()])
    old.rollback()
    with pytest.raises(errors.AccountNotFound):
        make(old, [request()])


@WAYS
def test_opposite_directions_never_deadlock(connect: Connect, books: Books, make: Make):
    def run(source: str, target: str) -> Callable[[Session], int]:
        def work(session: Session) -> int:
            return sum(len(make(session, [request(source, target, 1)])) for _ in range(40))

        return work

    pairs = [("world", "cash"), ("cash", "world"), ("cash", "fees"), ("fees", "world")]
    answers = all_at_once(connect, [run(*pair) for pair in pairs * 2])
    assert answers == [40] * 8
    conn = connect(autocommit=True)
    assert count(conn) == 320
    assert_verified(conn)


@WAYS
def test_sixteen_sessions_with_one_id_have_one_effect(connect: Connect, books: Books, make: Make):
    chosen = ids.generate("pglt")
    answers = all_at_once(connect, [lambda session: make(session, [request(id=chosen)])[0]] * 16)
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 15
    first, *others = [replace(answer, replayed=None) for answer in answers]
    assert others == [first] * 15
    assert count(connect(autocommit=True)) == 1


def test_transfers_while_two_accounts_swap_their_names(connect: Connect, books: Books):
    """Each lands on the account that has the name then: that account's transfers tell the name."""

    def swap(session: Session) -> int:
        session.autocommit = False
        pair = [books["cash"], books["fees"]]
        for turn in range(60):
            session.execute(
                "select from pgledger.accounts where id = any(%s) order by id for no key update",
                [pair],
            )
            for account, name in zip(pair, ("fees", "cash")[:: -1 if turn % 2 else 1], strict=True):
                rename(session, account, name)
            session.commit()
        return 0

    def pay(session: Session) -> int:
        made = 0
        for turn in range(60):
            try:
                (one,) = (single, bulk)[turn % 2](session, [request()])
            except (psycopg.errors.LockNotAvailable, errors.AccountNotFound):
                continue
            assert one.to_account_name == "cash"
            made += 1
        return made

    answers = all_at_once(connect, [swap, *[pay] * 6])
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    conn = connect(autocommit=True)
    assert count(conn) == sum(answers)
    assert sum(answers) > 0
    assert_verified(conn)

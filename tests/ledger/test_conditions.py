"""Transfers that require versions and balances: met, or refused with what was found."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure
from psycopg.types.range import Range

from pgledger import Ledger, NamedTransferRequest, Transfer, TransferRequest, errors, ids
from support.at_once import PATIENCE, all_at_once
from support.database import Connect
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]
Make = Callable[[Session, Sequence[TransferRequest]], Any]

CONDITIONS = (
    "require_from_version",
    "require_to_version",
    "require_from_balance",
    "require_to_balance",
)


def between(lower: str | None, upper: str | None, bounds: str = "[]") -> Range[Decimal]:
    return Range(
        None if lower is None else Decimal(lower), None if upper is None else Decimal(upper), bounds
    )


def conditions_of(request: TransferRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in CONDITIONS}


def named(conn: Session, request: TransferRequest) -> tuple[str, str]:
    ledger = Ledger(conn)
    return (
        ledger.get_account(request.from_account_id).name,
        ledger.get_account(request.to_account_id).name,
    )


def single(conn: Session, requests: Sequence[TransferRequest]) -> list[Transfer]:
    return [
        Ledger(conn).create_transfer(
            one.from_account_id, one.to_account_id, one.amount, id=one.id, **conditions_of(one)
        )
        for one in requests
    ]


def single_by_name(conn: Session, requests: Sequence[TransferRequest]) -> list[Transfer]:
    return [
        Ledger(conn).create_transfer_by_name(
            *named(conn, one), one.amount, "USD", id=one.id, **conditions_of(one)
        )
        for one in requests
    ]


def bulk(conn: Session, requests: Sequence[TransferRequest]) -> list[Transfer]:
    return Ledger(conn).create_transfers(requests)


def bulk_ids(conn: Session, requests: Sequence[TransferRequest]) -> list[str]:
    return Ledger(conn).create_transfers_ids(requests)


def bulk_count(conn: Session, requests: Sequence[TransferRequest]) -> int:
    return Ledger(conn).create_transfers_count(requests)


def bulk_by_name(conn: Session, requests: Sequence[TransferRequest]) -> list[Transfer]:
    return Ledger(conn).create_transfers_by_name(
        [
            NamedTransferRequest(
                *named(conn, one), one.amount, "USD", id=one.id, **conditions_of(one)
            )
            for one in requests
        ]
    )


SINGLES = (single, single_by_name)
BATCHES = (bulk, bulk_ids, bulk_count, bulk_by_name)
each_way = pytest.mark.parametrize("make", [*SINGLES, *BATCHES])
each_batch = pytest.mark.parametrize("make", BATCHES)
either_id = pytest.mark.parametrize("with_id", [False, True], ids=["new id", "own id"])


@dataclass
class Books:
    """A bank at version 2 with -15, and a purse at version 2 with 15."""

    conn: Session
    bank: str
    purse: str

    def request(self, amount: str = "5", **given: Any) -> TransferRequest:
        """Returns a request that pays out of the purse."""
        return TransferRequest(self.purse, self.bank, Decimal(amount), **given)

    def state(self) -> list[tuple[str, int]]:
        ledger = Ledger(self.conn)
        accounts = [ledger.get_account(one) for one in (self.purse, self.bank)]
        return [(f"{account.balance:f}", account.version) for account in accounts]


BEFORE = [("15.0", 2), ("-15.0", 2)]
AFTER = [("10.0", 3), ("-10.0", 3)]


@pytest.fixture
def books(connect: Connect) -> Books:
    conn = connect(autocommit=True)
    ledger = Ledger(conn)
    bank = ledger.create_account("bank", "USD").id
    purse = ledger.create_account("purse", "USD", min_balance=0).id
    for amount in ("5.5", "9.5"):
        ledger.create_transfer(bank, purse, Decimal(amount))
    return Books(conn, bank, purse)


MET = [
    {"require_from_version": 2},
    {"require_to_version": 2},
    {"require_from_balance": between("10", "10")},
    {"require_from_balance": between("10", None, "[)")},
    {"require_from_balance": between(None, None, "()")},
    {"require_to_balance": between("-10", None)},
    {"require_to_balance": between(None, "-9.999", "()")},
    {
        "require_from_version": 2,
        "require_to_version": 2,
        "require_from_balance": between("0", "100"),
        "require_to_balance": between("-100", "0"),
    },
]

FAILED = [
    ({"require_from_version": 1}, errors.VersionMismatch,
     r"{purse} \(purse\) is at version 2, not at 1 as required"),
    ({"require_from_version": 0}, errors.VersionMismatch, r"version 2, not at 0 as required"),
    ({"require_to_version": 3}, errors.VersionMismatch,
     r"{bank} \(bank\) is at version 2, not at 3 as required"),
    ({"require_from_balance": between("10.5", None)}, errors.BalanceConditionFailed,
     r"{purse} \(purse\) would have a balance of 10.0, outside \[10.5,\) as required"),
    ({"require_from_balance": between("10", "15", "(]")}, errors.BalanceConditionFailed,
     r"balance of 10.0, outside \(10,15\]"),
    ({"require_to_balance": between(None, "-10", "()")}, errors.BalanceConditionFailed,
     r"{bank} \(bank\) would have a balance of -10.0, outside \(,-10\) as required"),
    # Versions come before balances, and of each the account that the amount leaves.
    ({"require_from_version": 9, "require_to_version": 9}, errors.VersionMismatch, r"{purse}"),
    ({"require_to_version": 9, "require_from_balance": between("99", None)},
     errors.VersionMismatch, r"{bank}"),
    ({"require_from_balance": between("99", None), "require_to_balance": between("99", None)},
     errors.BalanceConditionFailed, r"{purse}"),
]  # fmt: skip


@each_way
@either_id
@pytest.mark.parametrize("conditions", MET)
def test_what_is_met_goes_through(books, make, with_id, conditions):
    request = books.request(id=ids.generate("pglt") if with_id else None, **conditions)
    make(books.conn, [request])
    assert books.state() == AFTER


@each_way
@either_id
@pytest.mark.parametrize(("conditions", "error", "message"), FAILED)
def test_what_is_not_met_is_refused_with_what_was_found(
    books, make, with_id, conditions, error, message
):
    request = books.request(id=ids.generate("pglt") if with_id else None, **conditions)
    message = message.format(purse=books.purse, bank=books.bank)
    with pytest.raises(error, match=message) as raised:
        make(books.conn, [request])
    assert raised.value.diag.message_primary.startswith("request 1 of 1: ") == (make in BATCHES)
    assert books.state() == BEFORE


@each_way
@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"require_from_version": -1}, "require_from_version -1 is not valid: it is below zero"),
        ({"require_to_version": -(2**63)}, "require_to_version -9223372036854775808 is not valid"),
        ({"require_from_balance": Range(empty=True)}, "require_from_balance empty is not valid"),
        ({"require_to_balance": between("1", "1", "[)")}, "no balance lies in it"),
    ],
)
def test_what_nothing_can_meet_is_refused_before_anything_is_looked_at(
    books, make, conditions, message
):
    request = replace(books.request(), **conditions)
    if make in (single, *BATCHES[:3]):
        request = replace(request, to_account_id="pgla_7ZZZZZZZZZZZZZZZZZZZZZZZZZ")
    with pytest.raises(errors.InvalidArgument, match=message):
        make(books.conn, [request])
    # The amount is looked at before.
    with pytest.raises(errors.InvalidAmount):
        make(books.conn, [replace(request, amount=-1)])


@each_batch
def test_the_lowest_request_that_is_wrong_by_itself_is_named(books, make):
    wrong = [
        books.request(),
        books.request(require_from_version=-1),
        books.request("-1"),
    ]
    with pytest.raises(errors.InvalidArgument, match="request 2 of 3"):
        make(books.conn, wrong)
    with pytest.raises(errors.InvalidAmount, match="request 2 of 3"):
        make(books.conn, [wrong[0], wrong[2], wrong[1]])


@each_batch
@either_id
def test_requests_see_what_the_ones_before_them_did(books, make, with_id):
    requests = [
        books.request("1", require_from_version=2, require_to_version=2),
        books.request("2", require_from_version=3, require_from_balance=between("12", "12")),
        books.request("3"),
        TransferRequest(
            books.bank,
            books.purse,
            1,
            require_from_version=5,
            require_to_version=5,
            require_to_balance=between("10", "10"),
        ),
    ]
    if with_id:
        requests = [replace(one, id=ids.generate("pglt")) for one in requests]
    make(books.conn, requests)
    assert books.state() == [("10.0", 6), ("-10.0", 6)]


@each_batch
@either_id
def test_the_lowest_request_is_refused_and_nothing_happens(books, make, with_id):
    requests = [
        books.request("1"),
        books.request("1", require_from_version=3),
        books.request("1", require_to_version=3),
        books.request("1", require_to_version=3),
    ]
    if with_id:
        requests = [replace(one, id=ids.generate("pglt")) for one in requests]
    with pytest.raises(
        errors.VersionMismatch, match=r"request 3 of 4: account .* is at version 4, not at 3"
    ):
        make(books.conn, requests)
    assert books.state() == BEFORE


@each_batch
def test_conditions_and_limits_are_looked_at_request_by_request(books, make):
    too_much = books.request("15.01")
    failing = books.request("1", require_from_version=9)
    with pytest.raises(errors.InsufficientFunds, match="request 1 of 2"):
        make(books.conn, [too_much, failing])
    with pytest.raises(errors.VersionMismatch, match="request 1 of 2"):
        make(books.conn, [failing, too_much])


@each_way
@either_id
def test_conditions_come_before_limits_and_after_all_else(books, make, with_id):
    request = books.request(
        "100", id=ids.generate("pglt") if with_id else None, require_to_version=1
    )
    with pytest.raises(errors.VersionMismatch):
        make(books.conn, [request])
    Ledger(books.conn).set_currency("USD", 2)
    with pytest.raises(errors.InvalidAmount):
        make(books.conn, [replace(request, amount=Decimal("0.001"))])
    Ledger(books.conn).freeze_account(books.bank, "in")
    with pytest.raises(errors.AccountFrozen):
        make(books.conn, [request])
    assert books.state() == BEFORE


@each_way
def test_a_repeat_gets_its_first_answer_whatever_the_conditions_say_now(books, make):
    request = books.request(
        id=ids.generate("pglt"), require_from_version=2, require_to_balance=between("-10", "-10")
    )
    first = make(books.conn, [request])
    again = make(books.conn, [request])
    other = make(books.conn, [replace(request, require_from_version=77)])
    if make is bulk_count:
        assert (first, again, other) == (1, 0, 0)
    elif make is bulk_ids:
        assert first == again == other
    else:
        assert [replace(one, replayed=True) for one in first] == again == other
    assert books.state() == AFTER


@each_batch
def test_a_batch_of_repeats_and_new_requests_keeps_each_condition_with_its_request(books, make):
    old = [books.request("1", id=ids.generate("pglt"), require_from_version=2)]
    make(books.conn, old)
    new = books.request("1", id=ids.generate("pglt"), require_from_version=3)
    twice = replace(new, id=ids.generate("pglt"), require_from_version=4)
    make(books.conn, [old[0], new, new, twice])
    assert books.state() == [("12.0", 5), ("-12.0", 5)]
    with pytest.raises(errors.VersionMismatch, match="request 3 of 3"):
        make(books.conn, [*old, new, replace(twice, id=ids.generate("pglt"))])
    make(books.conn, [*old, new])
    assert books.state() == [("12.0", 5), ("-12.0", 5)]


def test_nulls_in_arrays_require_nothing_and_arrays_are_of_one_length(books):
    statement = (
        "select count(*) from pgledger_create_transfers_bulk(array[%(purse)s, %(purse)s],"
        " array[%(bank)s, %(bank)s], '{1,1}', ids => %(ids)s, "
    )
    given = {"purse": books.purse, "bank": books.bank}
    for own in (None, [ids.generate("pglt"), None]):
        for name in CONDITIONS:
            books.conn.execute(
                (statement + f"{name}s => '{{null,null}}')").encode(), given | {"ids": own}
            )
            for wrong in ("{null}", "{{null,null}}", "{null,null,null}"):
                with pytest.raises(errors.InvalidBatch, match=f"{name}s has"):
                    books.conn.execute(
                        (statement + f"{name}s => '{wrong}')").encode(), given | {"ids": own}
                    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("require_from_version", "2", "require_from_version must be an int"),
        ("require_to_version", 2.0, "require_to_version must be an int"),
        ("require_from_balance", (1, 2), "require_from_balance must be a psycopg.types.range"),
        ("require_to_balance", Range(1.5, 2.5), "a bound of require_to_balance must be a Decimal"),
    ],
)
def test_python_refuses_other_types(books, name, value, message):
    with pytest.raises(TypeError, match=message):
        single(books.conn, [replace(books.request(), **{name: value})])
    with pytest.raises(TypeError, match=f"request 2: {message}"):
        bulk(books.conn, [books.request(), replace(books.request(), **{name: value})])
    assert books.state() == BEFORE


def test_bounds_may_be_whole_numbers(books):
    request = books.request(require_from_balance=Range(10, 10, "[]"))
    single(books.conn, [request])
    bulk(books.conn, [replace(request, require_from_balance=Range(5, None))])
    assert books.state() == [("5.0", 4), ("-5.0", 4)]


# Two sessions and more


@each_way
def test_who_waits_for_an_account_finds_the_version_that_the_other_left(
    books, connect, wait_until_blocked: WaitUntilBlocked, make
):
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    single(first, [books.request("1")])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(make, second, [books.request("1", require_from_version=2)])
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        with pytest.raises(errors.VersionMismatch, match="is at version 3, not at 2"):
            waiting.result(60)
    assert books.state() == [("14.0", 3), ("-14.0", 3)]


@each_way
def test_who_waits_for_what_is_taken_back_finds_what_it_read(
    books, connect, wait_until_blocked: WaitUntilBlocked, make
):
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    single(first, [books.request("1")])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(make, second, [books.request(require_from_version=2)])
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.rollback()
        waiting.result(60)
    assert books.state() == AFTER


@pytest.mark.parametrize("make", [single, bulk])
def test_of_many_that_read_the_same_version_one_goes_through(books, connect, make):
    request = books.request("1", require_from_version=2)
    found = all_at_once(connect, [lambda session: make(session, [request]) for _ in range(16)])
    refused = [one for one in found if isinstance(one, psycopg.Error)]
    assert [type(one) for one in refused] == [errors.VersionMismatch] * 15
    assert books.state() == [("14.0", 3), ("-14.0", 3)]


@each_way
def test_a_snapshot_that_is_too_old_is_told_to_run_again(books, connect, make):
    session = connect(**PATIENCE)
    session.isolation_level = IsolationLevel.REPEATABLE_READ
    assert Ledger(session).get_account(books.purse).version == 2
    single(books.conn, [books.request("1")])
    with pytest.raises(SerializationFailure):
        make(session, [books.request("1", require_from_version=2)])
    session.rollback()
    with pytest.raises(errors.VersionMismatch):
        make(session, [books.request("1", require_from_version=2)])
    session.rollback()
    make(session, [books.request("1", require_from_version=3)])
    session.commit()
    assert books.state() == [("13.0", 4), ("-13.0", 4)]


@each_way
def test_a_refusal_leaves_what_came_before_it_in_the_transaction(books, connect, make):
    with connect() as session:
        single(session, [books.request("1", require_from_version=2)])
        with pytest.raises(errors.VersionMismatch), session.transaction():
            make(session, [books.request("1", require_from_version=2)])
        make(session, [books.request("1", require_from_version=3)])
    assert books.state() == [("13.0", 4), ("-13.0", 4)]
    assert [check for check in Ledger(books.conn).verify() if not check.ok] == []

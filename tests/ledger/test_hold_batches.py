"""Many holds in one call: made or posted all or none, and as if asked for one after another."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from pgledger import Hold, HoldRequest, Ledger, PostingRequest, Transfer, ids
from pgledger.errors import (
    AccountAheadOfClock,
    AccountClosed,
    AccountFrozen,
    AccountNotFound,
    BatchTooLarge,
    CurrencyMismatch,
    EventAtInFuture,
    HoldAmountExceeded,
    HoldEnded,
    HoldExpired,
    HoldNotFound,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidAmount,
    InvalidBatch,
    InvalidId,
    InvalidMetadata,
    InvalidScope,
    InvalidTime,
    NullArgument,
    PgledgerError,
    PositiveBalanceNotAllowed,
    SameAccount,
)
from support.at_once import PATIENCE, all_at_once
from support.clock import SetClock
from support.database import Connect
from support.properties import scaled
from support.waiting import WaitUntilBlocked

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
UNKNOWN = "pglh_01JTVST7XAES5BXHWZN4KR4VEZ"
NO_ACCOUNT = "pgla_01JTVST7XAES5BXHWZN4KR4VEZ"

Session = psycopg.Connection[Any]


class Books(Ledger):
    """A ledger with a bank, a wallet of 100 that cannot be overdrawn, and a shop with room for 60.

    Two of them are alike, so that what one does can be compared with what the other does.
    """

    def __init__(self, conn: Session) -> None:
        super().__init__(conn)
        self.conn = conn
        self.bank = self.create_account("bank", "USD").id
        self.wallet = self.create_account("wallet", "USD", min_balance=Decimal(0)).id
        self.shop = self.create_account("shop", "USD", max_balance=Decimal(60)).id
        self.create_transfer(self.bank, self.wallet, 100)

    @property
    def accounts(self) -> list[str]:
        return [self.bank, self.wallet, self.shop]

    def request(self, amount: Any = 10, **options: Any) -> HoldRequest:
        return HoldRequest(self.wallet, self.shop, Decimal(amount), **options)

    def held(self, account_id: str) -> tuple[Any, ...]:
        account = self.get_account(account_id)
        return account.balance, account.held_out, account.held_in

    def count(self) -> int:
        row = self.conn.execute("select count(*) from pgledger_holds_view").fetchone()
        assert row is not None
        return row[0]

    def faults(self) -> list[str]:
        return [check.check_name for check in self.verify() if not check.ok]


@pytest.fixture
def ledger(connect: Connect) -> Books:
    return Books(connect(autocommit=True))


# What a batch makes, and what it posts


def test_a_batch_of_holds_is_what_single_holds_would_be(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    own = ids.generate("pglh")
    details: dict[str, Any] = {"event_at": NOW - HOUR, "metadata": {"n": 1}}
    holds = ledger.create_holds(
        [
            ledger.request("1.50"),
            ledger.request(2, expires_at=NOW + HOUR, **details),
            HoldRequest(ledger.bank, ledger.wallet, 7, id=own),
        ],
        group_id="order-7",
    )
    assert [hold.amount for hold in holds] == [Decimal("1.50"), 2, 7]
    assert str(holds[0].amount) == "1.50"
    assert [ledger.get_hold(hold.id) for hold in holds] == holds
    assert holds[1].created_at == NOW + timedelta(microseconds=1)
    single = ledger.create_hold(
        ledger.wallet, ledger.shop, 2, expires_at=NOW + HOUR, group_id="order-7", **details
    )
    assert replace(holds[1], id=single.id, created_at=single.created_at) == single
    assert holds[2].id == own
    assert [hold.replayed for hold in holds] == [False] * 3
    assert ledger.held(ledger.wallet) == (100, Decimal("5.50"), 7)
    assert ledger.held(ledger.shop) == (0, 0, Decimal("5.50"))
    assert ledger.create_holds([]) == []
    assert ledger.faults() == []


def test_a_batch_of_postings_follows_each_hold_through_its_parts(ledger):
    first, second = (
        hold.id for hold in ledger.create_holds([ledger.request(20)] * 2, group_id="g")
    )
    event_at = datetime(2025, 1, 1, tzinfo=UTC)
    transfers = ledger.post_holds(
        [
            PostingRequest(first, amount=Decimal("2.5"), final=False, event_at=event_at),
            PostingRequest(second, amount=3, metadata={"n": 1}),
            PostingRequest(first, amount=5, final=False),
            first,
        ]
    )
    assert [t.amount for t in transfers] == [Decimal("2.5"), 3, 5, Decimal("12.5")]
    assert [t.from_account_balance for t in transfers] == [
        Decimal("97.5"),
        Decimal("94.5"),
        Decimal("89.5"),
        77,
    ]
    assert [t.to_account_balance for t in transfers] == [
        Decimal("2.5"),
        Decimal("5.5"),
        Decimal("10.5"),
        23,
    ]
    assert [t.from_account_version for t in transfers] == [2, 3, 4, 5]
    assert [t.to_account_version for t in transfers] == [1, 2, 3, 4]
    assert [t.origin_id for t in transfers] == [first, second, first, first]
    assert [t.group_id for t in transfers] == ["g"] * 4
    assert (transfers[0].event_at, transfers[1].metadata) == (event_at, {"n": 1})
    assert [ledger.get_transfer(t.id) for t in transfers] == transfers
    found = [ledger.get_hold(hold) for hold in (first, second)]
    assert [(hold.status, hold.posted_amount) for hold in found] == [("posted", 20), ("posted", 3)]
    assert [hold.ended_at for hold in found] == [transfers[3].created_at, transfers[1].created_at]
    assert ledger.held(ledger.wallet) == (77, 0, 0)
    assert ledger.held(ledger.shop) == (23, 0, 0)
    assert ledger.post_holds([]) == []
    assert ledger.faults() == []


def test_parts_that_are_not_the_last_leave_the_rest_held(ledger):
    (hold,) = ledger.create_holds([ledger.request(20)])
    ledger.post_holds([PostingRequest(hold.id, amount=n, final=False) for n in (1, 2, 3)])
    assert ledger.get_hold(hold.id).posted_amount == 6
    assert ledger.held(ledger.wallet) == (94, 14, 0)
    ledger.post_holds([PostingRequest(hold.id, amount=14, final=False)])
    assert ledger.get_hold(hold.id).status == "posted"
    assert ledger.faults() == []


def test_neither_freezes_nor_tightened_limits_are_in_the_way_of_postings(ledger):
    holds = [hold.id for hold in ledger.create_holds([ledger.request(10)] * 3)]
    ledger.freeze_account(ledger.wallet, "both")
    ledger.set_limits(ledger.shop, None, Decimal(1), allow_existing=True)
    assert len(ledger.post_holds(holds)) == 3
    assert ledger.faults() == []


# All or none


@pytest.mark.parametrize(
    ("place", "change", "error"),
    [
        (3, {"from_account_id": None}, NullArgument),
        (2, {"from_account_id": "x"}, InvalidId),
        (3, {"to_account_id": "the same"}, SameAccount),
        (1, {"amount": None}, InvalidAmount),
        (3, {"amount": "1e30"}, InvalidAmount),
        (2, {"expires_at": "infinity"}, InvalidTime),
        (2, {"expires_at": "2020-01-01Z"}, InvalidTime),
        (3, {"event_at": "2999-01-01Z"}, EventAtInFuture),
        (3, {"event_at": "infinity"}, InvalidTime),
        (2, {"metadata": "[]"}, InvalidMetadata),
        (2, {"id": "pglt_01JTVST7XAES5BXHWZN4KR4VEZ"}, InvalidId),
        (3, {"to_account_id": NO_ACCOUNT}, AccountNotFound),
        (2, {"to_account_id": "euros"}, CurrencyMismatch),
        (2, {"to_account_id": "frozen"}, AccountFrozen),
        (2, {"to_account_id": "closed"}, AccountClosed),
        (3, {"to_account_id": "whole", "amount": "1.5"}, InvalidAmount),
        (2, {"to_account_id": "ahead"}, AccountAheadOfClock),
        (3, {"to_account_id": "bank", "amount": "81"}, InsufficientFunds),
        (2, {"amount": "51"}, PositiveBalanceNotAllowed),
    ],
)
def test_one_wrong_request_refuses_all_and_is_named(ledger, place, change, error):
    named = {"the same": ledger.wallet, "bank": ledger.bank}
    for name in ("euros", "frozen", "closed", "whole", "ahead"):
        named[name] = ledger.create_account(name, "EUR" if name == "euros" else "USD").id
    ledger.freeze_account(named["frozen"], "in")
    ledger.close_account(named["closed"])
    for change_of, name in (
        ("amount_scale = 0", "whole"),
        ("updated_at = now() + interval '2 days'", "ahead"),
    ):
        ledger.conn.execute(
            f"update pgledger.accounts set {change_of} where id = %s".encode(), [named[name]]
        )
    requests = [
        {"from_account_id": ledger.wallet, "to_account_id": ledger.shop, "amount": "10"}
        for _ in range(3)
    ]
    requests[place - 1] |= {name: named.get(value, value) for name, value in change.items()}
    types = {"amount": "numeric", "expires_at": "timestamptz", "event_at": "timestamptz"} | {
        "metadata": "jsonb"
    }
    names = sorted({name for request in requests for name in request})
    arguments = ", ".join(
        f"{name}s => %({name})s::text[]::{types.get(name, 'text')}[]" for name in names
    )
    with pytest.raises(error, match=f"request {place} of 3: "):
        ledger.conn.execute(
            f"select pgledger_create_holds_bulk({arguments})".encode(),
            {name: [request.get(name) for request in requests] for name in names},
        )
    assert ledger.count() == 0
    assert ledger.held(ledger.wallet) == (100, 0, 0)


def test_the_lowest_of_several_wrong_requests_is_named(ledger):
    with pytest.raises(InsufficientFunds, match=r"request 4 of 5: .*100 less 30 and 90 held"):
        ledger.create_holds(HoldRequest(ledger.wallet, ledger.bank, Decimal(30)) for _ in range(5))
    with pytest.raises(PositiveBalanceNotAllowed, match=r"request 3 of 4: .*0 plus 25 and 50 held"):
        ledger.create_holds([ledger.request(25)] * 4)
    assert ledger.count() == 0


Posting = dict[str, Any]


@pytest.mark.parametrize(
    ("place", "change", "error"),
    [
        (2, {"hold_id": None}, NullArgument),
        (3, {"hold_id": "x"}, InvalidId),
        (2, {"amount": "0"}, InvalidAmount),
        (2, {"event_at": "2999-01-01Z"}, EventAtInFuture),
        (3, {"metadata": "7"}, InvalidMetadata),
        (3, {"id": UNKNOWN}, InvalidId),
        (3, {"hold_id": UNKNOWN}, HoldNotFound),
        (3, {"hold_id": "the first"}, HoldEnded),
        (2, {"hold_id": "voided"}, HoldEnded),
        (2, {"hold_id": "expired"}, HoldExpired),
        (2, {"amount": "10.01"}, HoldAmountExceeded),
        (2, {"amount": "0.001"}, InvalidAmount),
    ],
)
def test_one_wrong_posting_refuses_all_and_is_named(ledger, place, change, error):
    holds = [hold.id for hold in ledger.create_holds([ledger.request(10)] * 5)]
    named = {"the first": holds[0], "voided": holds[3], "expired": holds[4]}
    ledger.void_hold(holds[3])
    ledger.conn.execute("update pgledger.holds set expires_at = now() where id = %s", [holds[4]])
    ledger.conn.execute(
        "update pgledger.accounts set amount_scale = 2 where id = %s", [ledger.wallet]
    )
    before = ledger.held(ledger.wallet)
    requests: list[Posting] = [{"hold_id": hold} for hold in holds[:3]]
    requests[place - 1] |= {name: named.get(value, value) for name, value in change.items()}
    types = {"amount": "numeric", "event_at": "timestamptz", "metadata": "jsonb"}
    names = sorted({name for request in requests for name in request})
    arguments = ", ".join(
        f"{name}s => %({name})s::text[]::{types.get(name, 'text')}[]" for name in names
    )
    with pytest.raises(error, match=f"request {place} of 3: "):
        ledger.conn.execute(
            f"select pgledger_post_holds_bulk({arguments})".encode(),
            {name: [request.get(name) for request in requests] for name in names},
        )
    assert ledger.held(ledger.wallet) == before
    assert [ledger.get_hold(hold).status for hold in holds[:3]] == ["pending"] * 3


def test_more_in_parts_than_there_is_names_the_part_too_much(ledger):
    (hold,) = ledger.create_holds([ledger.request(10)])
    parts = [PostingRequest(hold.id, amount=4, final=False) for _ in range(4)]
    with pytest.raises(
        HoldAmountExceeded, match=r"request 3 of 4: .* has 2 left of 10, less than 4"
    ):
        ledger.post_holds(parts)
    with pytest.raises(HoldEnded, match="request 2 of 3: "):
        ledger.post_holds([hold.id, *parts[:2]])
    assert ledger.get_hold(hold.id).posted_amount == 0
    assert ledger.faults() == []


@pytest.mark.parametrize(
    ("call", "arguments", "error"),
    [
        ("create", "null, '{}', '{}'", InvalidBatch),
        ("create", "'{a}', '{b,c}', '{1}'", InvalidBatch),
        ("create", "'{a}', '{b}', '{1}', expires_ats => '{}'", InvalidBatch),
        ("create", "'{{a}}', '{{b}}', '{{1}}'", InvalidBatch),
        ("create", "array_fill('a'::text, array[100001]), '{b}', '{1}'", InvalidBatch),
        ("create", "'{}', '{}', '{}', app_id => 'a b'", InvalidScope),
        ("create", "'{}', '{}', '{}', group_id => ''", InvalidScope),
        ("create", "'{}', '{}', '{}', app_id => null", NullArgument),
        ("post", "null", InvalidBatch),
        ("post", "'{a}', amounts => '{1,2}'", InvalidBatch),
        ("post", "'{a}', finals => '{}'", InvalidBatch),
        ("post", "'{{a},{b}}'", InvalidBatch),
        ("post", "array_fill('a'::text, array[100001])", BatchTooLarge),
        ("post", "'{}', app_id => 'a b'", InvalidScope),
        ("post", "'{}', app_id => null", NullArgument),
    ],
)
def test_arrays_that_cannot_be_are_refused(ledger, call, arguments, error):
    with pytest.raises(error):
        ledger.conn.execute(f"select pgledger_{call}_holds_bulk({arguments})".encode())


def test_a_hold_of_another_app_is_not_there(ledger):
    (hold,) = ledger.create_holds([ledger.request()])
    with pytest.raises(HoldNotFound, match="request 1 of 1"):
        ledger.post_holds([hold.id], app_id="other")


@pytest.mark.parametrize("request_", ["text", 7, None, ("a", "b", 1)])
def test_what_is_no_request_is_refused_before_anything_is_sent(ledger, request_):
    with pytest.raises(TypeError, match=r"request 2: .*HoldRequest"):
        ledger.create_holds([ledger.request(), request_])
    if request_ != "text":
        with pytest.raises(TypeError, match=r"request 2: .*PostingRequest"):
            ledger.post_holds([UNKNOWN, request_])
    with pytest.raises(TypeError, match="request 1: amount"):
        ledger.create_holds([HoldRequest(ledger.wallet, ledger.shop, cast("Any", 1.5))])
    with pytest.raises(ValueError, match="request 1: event_at"):
        ledger.post_holds([PostingRequest(UNKNOWN, event_at=datetime(2025, 1, 1))])  # noqa: DTZ001


# Repeats


def test_a_batch_of_holds_can_be_repeated_in_whole_and_in_part(ledger):
    own = [ids.generate("pglh") for _ in range(4)]
    requests = [ledger.request(n + 1, id=each, metadata={"n": n}) for n, each in enumerate(own)]
    first = ledger.create_holds(requests[:2], group_id="g")
    ledger.void_hold(own[0])
    ledger.freeze_account(ledger.wallet, "both")
    again = ledger.create_holds([requests[1], requests[0], requests[1]], group_id="g")
    assert [hold.id for hold in again] == [own[1], own[0], own[1]]
    assert [hold.replayed for hold in again] == [True] * 3
    assert [hold.status for hold in again] == ["pending", "voided", "pending"]
    ledger.unfreeze_account(ledger.wallet)
    mixed = ledger.create_holds(
        [requests[2], requests[1], ledger.request(9), requests[2], requests[3]], group_id="g"
    )
    assert [hold.replayed for hold in mixed] == [False, True, False, True, False]
    assert mixed[1] == first[1]
    assert ledger.count() == 5
    assert ledger.held(ledger.wallet)[1] == 2 + 3 + 4 + 9
    assert ledger.faults() == []


@pytest.mark.parametrize(
    "change",
    [
        {"amount": Decimal(2)},
        {"to_account_id": "bank"},
        {"expires_at": NOW},
        {"event_at": datetime(2025, 1, 1, tzinfo=UTC)},
        {"metadata": {}},
    ],
)
def test_another_hold_with_the_same_id_is_refused_and_named(ledger, change):
    own = ids.generate("pglh")
    request = ledger.request(1, id=own)
    other = replace(
        request, **change | ({"to_account_id": ledger.bank} if "to_account_id" in change else {})
    )
    with pytest.raises(IdempotencyConflict, match="request 3 of 3"):
        ledger.create_holds([ledger.request(2), request, other])
    ledger.create_holds([request])
    with pytest.raises(IdempotencyConflict, match="request 2 of 3") as refused:
        ledger.create_holds([ledger.request(2), other, request])
    assert next(iter(change)) in (refused.value.diag.message_detail or "")
    with pytest.raises(IdempotencyConflict):
        ledger.create_holds([request], group_id="another")
    assert ledger.count() == 1


def test_a_batch_of_postings_can_be_repeated_in_whole_and_in_part(ledger):
    holds = [hold.id for hold in ledger.create_holds([ledger.request(10)] * 3)]
    own = [ids.generate("pglt") for _ in range(4)]
    requests = [
        PostingRequest(holds[0], amount=4, final=False, id=own[0]),
        PostingRequest(holds[0], amount=1, id=own[1]),
        PostingRequest(holds[1], id=own[2]),
    ]
    first = ledger.post_holds(requests)
    again = ledger.post_holds([*requests, PostingRequest(holds[2], id=own[3]), requests[0]])
    assert again[:3] == first
    assert [t.replayed for t in again] == [True, True, True, False, True]
    assert again[4] == first[0]
    (hold,) = ledger.create_holds([ledger.request(10)])
    part = PostingRequest(hold.id, amount=4, final=False, id=ids.generate("pglt"))
    twice = ledger.post_holds([part, part])
    assert [t.replayed for t in twice] == [False, True]
    assert ledger.get_hold(hold.id).posted_amount == 4
    with pytest.raises(IdempotencyConflict, match="request 2 of 2"):
        ledger.post_holds([hold.id, replace(part, amount=3)])
    with pytest.raises(IdempotencyConflict, match="request 2 of 2"):
        ledger.post_holds([hold.id, PostingRequest(hold.id, id=own[0])])
    assert ledger.get_hold(hold.id).status == "pending"
    assert ledger.faults() == []


# Arrays that do not begin at 1


def begun_at(place: int, values: Sequence[object]) -> str:
    """The text of an array whose first element has that place."""
    listed = ",".join("NULL" if value is None else str(value) for value in values)
    return f"[{place}:{place + len(values) - 1}]={{{listed}}}"


def post_begun_elsewhere(ledger: Books, holds: Sequence[str], amounts: Sequence[int], own: Any):
    return ledger.conn.execute(
        "select origin_id, amount, replayed from pgledger_post_holds_bulk("
        " %s::text[], %s::numeric[], %s::boolean[], ids => %s::text[])",
        [
            begun_at(-3, holds),
            begun_at(0, amounts),
            begun_at(2, [False] * len(holds)),
            begun_at(5, own),
        ],
    ).fetchall()


def hold_begun_elsewhere(
    ledger: Books, amounts: Sequence[int], expires: Sequence[object], own: Sequence[object]
) -> list[tuple[Any, ...]]:
    return ledger.conn.execute(
        "select amount, expires_at is not null from pgledger_create_holds_bulk("
        " %s::text[], %s::text[], %s::numeric[], %s::timestamptz[], ids => %s::text[])",
        [
            begun_at(0, [ledger.wallet] * len(amounts)),
            begun_at(-7, [ledger.bank] * len(amounts)),
            begun_at(5, amounts),
            begun_at(2, expires),
            begun_at(3, own),
        ],
    ).fetchall()


def test_where_arrays_begin_says_nothing_about_postings(ledger):
    first, second = (hold.id for hold in ledger.create_holds([ledger.request(20)] * 2))
    own = [ids.generate("pglt") for _ in range(3)]
    posted = [(first, 3, False), (second, 4, False)]
    assert post_begun_elsewhere(ledger, [first, second], [3, 4], own[:2]) == posted
    # A repeat is looked at request by request.
    again = post_begun_elsewhere(ledger, [first, second, second], [3, 4, 5], own)
    assert again == [(first, 3, True), (second, 4, True), (second, 5, False)]
    with pytest.raises(HoldAmountExceeded, match=f"request 2 of 2: hold {second}"):
        post_begun_elsewhere(ledger, [first, second], [1, 12], [None, None])
    with pytest.raises(HoldNotFound, match=f"request 2 of 2: hold {UNKNOWN}"):
        post_begun_elsewhere(ledger, [first, UNKNOWN], [1, 1], [None, None])
    assert ledger.held(ledger.wallet) == (88, 28, 0)
    assert ledger.faults() == []


def test_where_arrays_begin_says_nothing_about_holds(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    own = ids.generate("pglh")
    ledger.create_holds([ledger.request(50, expires_at=NOW + HOUR)])
    set_clock(ledger.conn, NOW + HOUR)
    later = NOW + 2 * HOUR
    # There is room only once the first has made way: then they are made one after another.
    made = hold_begun_elsewhere(ledger, [60, 30], [None, later], [None, None])
    assert made == [(60, False), (30, True)]
    assert hold_begun_elsewhere(ledger, [1, 2], [None, None], [None, own]) == [
        (1, False),
        (2, False),
    ]
    for amounts, expires, error in (
        ([1, 100], [None, None], "request 2 of 2: account"),
        ([1, 1], [None, NOW], "request 2 of 2: expires_at 2030-03-01 12"),
        ([1, 3], [None, None], f"request 2 of 2: id {own}"),
    ):
        chosen = [None, own if "id" in error.split() else None]
        with pytest.raises(PgledgerError, match=error):
            hold_begun_elsewhere(ledger, amounts, expires, chosen)
    assert ledger.held(ledger.wallet) == (100, 93, 0)
    assert ledger.faults() == []


def test_zeros_at_the_end_of_a_part_do_not_stay(ledger):
    (hold,) = ledger.create_holds([ledger.request(10)])
    long = "5." + "0" * 40
    rows = ledger.conn.execute(
        "select amount::text, from_account_balance::text from pgledger_post_holds_bulk("
        "array[%(hold)s, %(hold)s, %(hold)s], array[%(long)s, 2, null]::numeric[],"
        " array[false, false, true])",
        {"hold": hold.id, "long": long},
    ).fetchall()
    assert rows == [("5", "95"), ("2", "93"), ("3", "90")]
    found = ledger.conn.execute(
        "select balance::text, held_out::text, held_in::text from pgledger.accounts"
        " where id = any(%s) order by balance",
        [[ledger.shop, ledger.wallet]],
    ).fetchall()
    assert found == [("10", "0", "0"), ("90", "0", "0")]
    assert ledger.faults() == []


# Expiry, and the clock


def test_what_has_expired_makes_room_for_a_batch(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    (old,) = ledger.create_holds([ledger.request(50, expires_at=NOW + HOUR)])
    set_clock(ledger.conn, NOW + HOUR)
    holds = ledger.create_holds([ledger.request(20)] * 3)
    assert len({hold.id for hold in holds}) == 3
    assert ledger.get_hold(old.id).status == "expired"
    assert ledger.held(ledger.wallet) == (100, 60, 0)
    assert ledger.faults() == []


def test_a_batch_of_postings_expires_at_the_very_time(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    holds = [
        hold.id for hold in ledger.create_holds([ledger.request(5, expires_at=NOW + HOUR)] * 2)
    ]
    set_clock(ledger.conn, NOW + HOUR - timedelta(microseconds=1))
    ledger.post_holds([PostingRequest(hold, amount=1, final=False) for hold in holds])
    set_clock(ledger.conn, NOW + HOUR)
    with pytest.raises(HoldExpired, match="request 1 of 2"):
        ledger.post_holds(holds)
    assert ledger.faults() == []


def test_accounts_ahead_of_the_clock_are_warned_of_and_refused(ledger, set_clock):
    holds = [hold.id for hold in ledger.create_holds([ledger.request(5)] * 4)]
    # Less than a minute is passed over, as after a large batch.
    set_clock(ledger.conn, "clock_timestamp() - interval '30 seconds'")
    notices: list[str] = []
    ledger.conn.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    first, second = ledger.post_holds(holds[:2])
    assert second.created_at == first.created_at + timedelta(microseconds=1)
    assert notices == []
    set_clock(ledger.conn, "clock_timestamp() - interval '2 hours'")
    ledger.post_holds(holds[2:3])
    assert len(notices) == 1
    set_clock(ledger.conn, "clock_timestamp() - interval '2 days'")
    for attempt in (
        lambda: ledger.post_holds(holds[3:]),
        lambda: ledger.create_holds([ledger.request()]),
    ):
        with pytest.raises(AccountAheadOfClock, match="request 1 of 1"):
            attempt()
    set_clock(ledger.conn, None)
    assert ledger.faults() == []


def test_a_batch_is_refused_alike_whatever_its_arrays_are_counted_from(ledger):
    statement = (
        "select pgledger_create_holds_bulk(%(wallets)s::text::text[], %(shops)s::text::text[],"
        " %(amounts)s::text::numeric[], expires_ats => %(times)s::text::timestamptz[])"
    )
    given: dict[str, Any] = {
        "wallets": f"[5:6]={{{ledger.wallet},{ledger.wallet}}}",
        "shops": f"[0:1]={{{ledger.shop},{ledger.shop}}}",
        "amounts": "[2:3]={1,1}",
        "times": "[3:4]={null,2020-01-01}",
    }
    with pytest.raises(InvalidTime, match="request 2 of 2"):
        ledger.conn.execute(statement.encode(), given)
    given |= {"amounts": "[2:3]={1,1000}", "times": None}
    with pytest.raises(InsufficientFunds, match="request 2 of 2"):
        ledger.conn.execute(statement.encode(), given)
    assert ledger.count() == 0


# As single calls


@st.composite
def stories(
    draw: st.DrawFn,
) -> tuple[list[tuple[int, int, str]], list[tuple[int, str | None, bool]]]:
    amounts = st.sampled_from(("1", "2.50", "10", "0.01", "25", "60"))
    side = st.integers(0, 2)
    makings = draw(st.lists(st.tuples(side, side, amounts), min_size=1, max_size=8))
    postings = draw(
        st.lists(
            st.tuples(st.integers(0, 7), st.one_of(st.none(), amounts), st.booleans()),
            min_size=1,
            max_size=8,
        )
    )
    return makings, postings


def outcome(conn: Session, call: Callable[[], Sequence[Any]]) -> list[Any] | str:
    try:
        with conn.transaction():
            return list(call())
    except PgledgerError as error:
        return f"{type(error).__name__} {(error.diag.message_primary or '').partition(' of ')[0]}"


def test_a_batch_comes_to_what_single_calls_come_to(connect: Connect) -> None:
    conn = connect(autocommit=True)

    @settings(max_examples=scaled(60))
    @given(story=stories())
    def both_agree(
        story: tuple[list[tuple[int, int, str]], list[tuple[int, str | None, bool]]],
    ) -> None:
        makings, postings = story
        singles, batch = Books(conn), Books(conn)

        def making(books: Books, place: int) -> HoldRequest:
            source, target, amount = makings[place]
            if source == target:
                target = (source + 1) % 3
            return HoldRequest(books.accounts[source], books.accounts[target], Decimal(amount))

        def single_hold(place: int) -> Hold:
            request = making(singles, place)
            return singles.create_hold(
                request.from_account_id, request.to_account_id, request.amount
            )

        def amounts_of(answers: list[Any] | str) -> Any:
            if isinstance(answers, str):
                return answers.partition(" ")[0]
            return [
                (
                    *(str(n) for n in (a.amount, a.from_account_balance, a.to_account_balance)),
                    a.from_account_version,
                    a.to_account_version,
                )
                if isinstance(a, Transfer)
                else (str(a.amount), a.status)
                for a in answers
            ]

        at_once = outcome(
            conn, lambda: batch.create_holds(making(batch, n) for n in range(len(makings)))
        )
        apart = outcome(conn, lambda: [single_hold(n) for n in range(len(makings))])
        assert amounts_of(at_once) == amounts_of(apart)
        if isinstance(at_once, str) or isinstance(apart, str):
            return

        def posting(holds: list[Any], place: int) -> PostingRequest:
            number, amount, final = postings[place]
            return PostingRequest(
                holds[number % len(holds)].id,
                amount=None if amount is None else Decimal(amount),
                final=final,
            )

        def single_posting(place: int) -> Transfer:
            request = posting(apart, place)
            return singles.post_hold(request.hold_id, amount=request.amount, final=request.final)

        posted = outcome(
            conn, lambda: batch.post_holds(posting(at_once, n) for n in range(len(postings)))
        )
        posted_apart = outcome(conn, lambda: [single_posting(n) for n in range(len(postings))])
        assert amounts_of(posted) == amounts_of(posted_apart)
        for one, other in zip(singles.accounts, batch.accounts, strict=True):
            assert singles.held(one) == batch.held(other)

    both_agree()
    assert Ledger(conn).verify()
    assert [check.check_name for check in Ledger(conn).verify() if not check.ok] == []


# Savepoints, snapshots and other sessions


def test_savepoints_take_batches_back(ledger):
    with ledger.conn.transaction():
        holds = [hold.id for hold in ledger.create_holds([ledger.request(10)] * 2)]
        with ledger.conn.transaction(force_rollback=True):
            ledger.post_holds(holds)
            ledger.create_holds([ledger.request(10)] * 2)
        with pytest.raises(HoldAmountExceeded), ledger.conn.transaction():
            ledger.post_holds([holds[0], PostingRequest(holds[1], amount=11)])
        assert ledger.held(ledger.wallet) == (100, 20, 0)
        ledger.post_holds(holds)
    assert ledger.held(ledger.wallet) == (80, 0, 0)
    assert ledger.faults() == []


@pytest.mark.parametrize(
    "level",
    [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE],
    ids=lambda level: level.name.lower(),
)
def test_a_snapshot_that_is_too_old_ends_in_a_serialization_failure(
    ledger: Books, connect: Connect, level: IsolationLevel
) -> None:
    holds = [hold.id for hold in ledger.create_holds([ledger.request(5)] * 2)]
    old = connect()
    old.isolation_level = level
    for act in (
        lambda: Ledger(old).post_holds(holds),
        lambda: Ledger(old).create_holds([ledger.request()]),
    ):
        old.execute("select count(*) from pgledger_holds_view").fetchone()
        ledger.create_transfer(ledger.bank, ledger.wallet, 1)
        ledger.post_hold(holds[0], amount=1, final=False)
        with pytest.raises(SerializationFailure):
            act()
        old.rollback()
        act()
        old.rollback()
    assert ledger.faults() == []


def test_a_batch_waits_and_sees_what_the_first_did(
    ledger: Books, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    holds = [hold.id for hold in ledger.create_holds([ledger.request(10)] * 2)]
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    Ledger(one).post_hold(holds[1], amount=4, final=False)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Ledger(two).post_holds, holds)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        one.commit()
        assert [t.amount for t in waiting.result(timeout=60)] == [10, 6]
    holds = [hold.id for hold in ledger.create_holds([ledger.request(10)] * 2)]
    Ledger(one).void_hold(holds[1])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Ledger(two).post_holds, holds)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        one.commit()
        assert isinstance(waiting.exception(timeout=60), HoldEnded)
    assert ledger.get_hold(holds[0]).status == "pending"
    Ledger(one).post_holds(holds[:1])
    with ThreadPoolExecutor(1) as pool:
        voiding = pool.submit(Ledger(two).void_hold, holds[0])
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        one.commit()
        assert isinstance(voiding.exception(timeout=60), HoldEnded)
    assert ledger.faults() == []


def test_batches_of_holds_wait_for_one_another_where_an_id_is_taken(
    ledger: Books, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    own = ids.generate("pglh")
    left, right = (ledger.create_account(name, "USD").id for name in ("left", "right"))
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    Ledger(one).create_holds([HoldRequest(left, right, 1, id=own)])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            Ledger(two).create_holds, [ledger.request(1), ledger.request(2, id=own)]
        )
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        one.commit()
        refused = waiting.exception(timeout=60)
    assert isinstance(refused, IdempotencyConflict)
    assert "request 2 of 2" in str(refused)
    assert ledger.count() == 1
    assert ledger.faults() == []


def test_postings_wait_for_one_another_where_an_id_is_taken(
    ledger: Books, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    own = ids.generate("pglt")
    left, right = (ledger.create_account(name, "USD").id for name in ("left", "right"))
    holds = [hold.id for hold in ledger.create_holds([ledger.request(10)] * 2)]
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    Ledger(one).create_transfer(left, right, 1, id=own)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Ledger(two).post_holds, [holds[0], PostingRequest(holds[1], id=own)])
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        one.commit()
        refused = waiting.exception(timeout=60)
    assert isinstance(refused, IdempotencyConflict)
    assert "request 2 of 2" in str(refused)
    assert ledger.held(ledger.wallet) == (100, 20, 0)
    assert ledger.faults() == []


def test_batches_and_single_calls_in_every_direction_come_to_no_deadlock(
    ledger: Books, connect: Connect, set_clock: SetClock
) -> None:
    accounts = [ledger.create_account(f"account {n}", "USD").id for n in range(6)]
    pairs = [(a, b) for a in accounts for b in accounts if a != b]
    holds = [
        hold.id
        for hold in ledger.create_holds([HoldRequest(*pair, Decimal(1)) for pair in pairs] * 4)
    ]

    def run(number: int) -> Callable[[Session], int]:
        mine = holds[number::8]

        def go(session: Session) -> int:
            own = Ledger(session)
            ordered = mine if number % 2 else mine[::-1]
            for start in range(0, len(ordered), 5):
                own.post_holds(ordered[start : start + 5])
                own.create_holds([HoldRequest(*pair, Decimal(2)) for pair in pairs[start:][:7]])
                own.create_transfer(accounts[number % 6], accounts[(number + 1) % 6], 1)
            return len(ordered)

        return go

    posted = all_at_once(connect, [run(number) for number in range(8)])
    assert posted == [len(holds) // 8] * 8
    assert ledger.conn.execute(
        "select count(*) from pgledger_holds_view where status = 'posted'"
    ).fetchone() == (len(holds),)
    assert ledger.faults() == []

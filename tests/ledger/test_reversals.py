"""Reversals: what a transfer moved goes back, once, in whole or in parts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pgledger import Ledger, errors, ids
from pgledger.errors import (
    AccountAheadOfClock,
    AccountClosed,
    AccountFrozen,
    BalanceOutOfRange,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidAmount,
    InvalidArgument,
    InvalidId,
    PositiveBalanceNotAllowed,
    ReversalExceeded,
    TransferNotFound,
    TransferReversed,
)
from support.clock import SetClock
from support.database import Connect

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
UNKNOWN = "pglt_01JTVST7XAES5BXHWZN4KR4VEZ"

Session = psycopg.Connection[Any]


class Books(Ledger):
    """A buyer who has paid a shop 100; neither can be overdrawn."""

    def __init__(self, conn: Session) -> None:
        super().__init__(conn)
        self.conn = conn
        self.bank = self.create_account("bank", "USD").id
        self.buyer = self.create_account("buyer", "USD", min_balance=Decimal(0)).id
        self.shop = self.create_account("shop", "USD", min_balance=Decimal(0)).id
        self.create_transfer(self.bank, self.buyer, 250)
        self.paid = self.create_transfer(self.buyer, self.shop, 100).id

    def both(self) -> tuple[Any, Any]:
        buyer, shop = (self.get_account(account) for account in (self.buyer, self.shop))
        return buyer.balance, shop.balance

    def over_limits(self, transfer_id: str, reason: str = "chargeback", **options: Any) -> Any:
        return self.reverse_transfer_over_limits(transfer_id, reason, **options)

    def allowed(self) -> list[tuple[Any, ...]]:
        return self.conn.execute(
            "select reversal_id, allowed_at, allowed_by, allowed_as, reason"
            " from pgledger.reversals_over_limits order by allowed_at"
        ).fetchall()

    def faults(self) -> list[str]:
        return [check.check_name for check in self.verify() if not check.ok]


@pytest.fixture
def books(connect: Connect) -> Books:
    return Books(connect(autocommit=True))


def both(test: Callable[..., None]) -> Any:
    """Runs a test for the call within limits and for the one over them."""
    return pytest.mark.parametrize("way", ["reverse_transfer", "over_limits"])(test)


@both
def test_a_whole_reversal_is_a_transfer_the_other_way(books: Books, way: str) -> None:
    paid = books.get_transfer(books.paid)
    reversal = getattr(books, way)(books.paid)
    assert (reversal.from_account_id, reversal.to_account_id) == (books.shop, books.buyer)
    assert (reversal.from_account_name, reversal.to_account_name) == ("shop", "buyer")
    assert (reversal.amount, reversal.currency) == (100, "USD")
    assert (reversal.from_account_balance, reversal.to_account_balance) == (0, 250)
    assert (reversal.from_account_version, reversal.to_account_version) == (2, 3)
    assert reversal.origin_id == books.paid
    assert reversal.replayed is False
    assert reversal.created_at == reversal.event_at > paid.created_at
    assert reversal.metadata is reversal.group_id is None
    assert books.get_transfer(reversal.id) == replace(reversal, replayed=None)
    # The first transfer is as it was.
    assert books.get_transfer(books.paid) == paid
    assert books.reversed_amount(books.paid) == 100
    assert books.both() == (250, 0)
    assert books.faults() == []


def test_details_of_a_reversal_are_its_own(books: Books) -> None:
    own, at = ids.generate("pglt"), datetime(2025, 6, 30, tzinfo=UTC)
    reversal = books.reverse_transfer(
        books.paid, amount=Decimal("12.50"), event_at=at, metadata={"ticket": 7}, id=own
    )
    assert reversal.id == own
    assert reversal.event_at == at
    assert reversal.metadata == {"ticket": 7}
    assert reversal.amount == Decimal("12.50")
    with pytest.raises(errors.EventAtInFuture):
        books.reverse_transfer(books.paid, event_at=datetime.now(UTC) + timedelta(days=2))
    books.reverse_transfer(
        books.paid,
        amount=1,
        event_at=datetime.now(UTC) + timedelta(days=2),
        allow_future_event_at=True,
    )
    assert books.faults() == []


@both
def test_parts_add_up_to_the_whole_and_no_further(books: Books, way: str) -> None:
    reverse = getattr(books, way)
    assert books.reversed_amount(books.paid) == 0
    for amount, done in ((30, 30), ("0.01", "30.01"), ("19.99", 50)):
        assert reverse(books.paid, amount=Decimal(amount)).amount == Decimal(amount)
        assert books.reversed_amount(books.paid) == Decimal(done)
    with pytest.raises(ReversalExceeded) as refused:
        reverse(books.paid, amount=Decimal("50.01"))
    assert refused.value.diag.message_primary == (
        f"transfer {books.paid} has 50.00 left of 100 to reverse, less than 50.01"
    )
    assert reverse(books.paid).amount == 50
    for more in (None, Decimal("0.000000000000000001"), 100):
        with pytest.raises(TransferReversed) as gone:
            reverse(books.paid, amount=more)
        assert gone.value.diag.message_primary == (
            f"transfer {books.paid} was reversed already: nothing is left of its 100"
        )
    assert books.reversed_amount(books.paid) == 100
    assert books.both() == (250, 0)
    assert books.faults() == []


def test_the_last_part_may_be_named_or_left_open(books: Books) -> None:
    books.reverse_transfer(books.paid, amount=60)
    assert books.reverse_transfer(books.paid, amount=Decimal("40.000")).amount == 40
    assert books.reversed_amount(books.paid) == 100
    assert books.faults() == []


def test_only_reversals_of_the_transfer_itself_count(books: Books) -> None:
    other = books.create_transfer(books.buyer, books.shop, 100).id
    books.create_transfer(books.shop, books.buyer, 50)
    books.reverse_transfer(other, amount=70)
    assert books.reversed_amount(books.paid) == 0
    assert books.reversed_amount(other) == 70
    assert books.reverse_transfer(books.paid, amount=80).amount == 80


def test_a_reversal_can_be_reversed_and_frees_nothing_of_the_first(books: Books) -> None:
    refund = books.reverse_transfer(books.paid, amount=70)
    back = books.reverse_transfer(refund.id, amount=20)
    assert back.origin_id == refund.id
    assert (back.from_account_id, back.to_account_id) == (books.buyer, books.shop)
    assert books.reversed_amount(refund.id) == 20
    assert books.reversed_amount(books.paid) == 70
    with pytest.raises(ReversalExceeded, match=r"has 50 left of 70 to reverse, less than 51"):
        books.reverse_transfer(refund.id, amount=51)
    with pytest.raises(ReversalExceeded, match=r"has 30 left of 100 to reverse, less than 31"):
        books.reverse_transfer(books.paid, amount=31)
    with pytest.raises(ReversalExceeded, match=r"less than 31\.0+\.\.\.\n"):
        books.reverse_transfer(books.paid, amount=Decimal("31." + "0" * 9000))
    assert books.reverse_transfer(back.id).amount == 20
    assert books.both() == (220, 30)
    assert books.faults() == []


def test_a_posting_of_a_hold_can_be_reversed(books: Books) -> None:
    hold = books.create_hold(books.buyer, books.shop, 90, group_id="order-7")
    posting = books.post_hold(hold.id, amount=60)
    assert posting.origin_id == hold.id
    refund = books.reverse_transfer(posting.id, amount=25)
    assert refund.origin_id == posting.id
    # It stays with its order.
    assert refund.group_id == "order-7"
    after = books.get_hold(hold.id)
    assert after.status == "posted"
    assert after.posted_amount == 60
    with pytest.raises(InvalidId):
        books.reverse_transfer(hold.id)
    assert books.faults() == []


def test_a_reversal_joins_the_group_of_its_transfer(books: Books) -> None:
    rows = books.conn.execute(
        "select id from pgledger_create_transfers_bulk(%s, %s, %s, group_id => 'order-9')",
        [[books.buyer] * 2, [books.shop, books.bank], [10, 20]],
    ).fetchall()
    for (transfer_id,) in rows:
        assert books.reverse_transfer(transfer_id, amount=1).group_id == "order-9"


# What stands in the way


def test_limits_count(books: Books) -> None:
    books.create_transfer(books.shop, books.bank, 80)
    with pytest.raises(InsufficientFunds, match="20 less 100 would leave -80"):
        books.reverse_transfer(books.paid)
    with pytest.raises(InsufficientFunds):
        books.reverse_transfer(books.paid, amount=21)
    assert books.reverse_transfer(books.paid, amount=20).from_account_balance == 0
    books.create_transfer(books.bank, books.shop, 100)
    books.set_limits(books.buyer, Decimal(0), Decimal(200))
    with pytest.raises(PositiveBalanceNotAllowed):
        books.reverse_transfer(books.paid)
    assert books.faults() == []


def test_what_is_held_is_not_given_back_but_what_has_expired_is(
    books: Books, set_clock: SetClock
) -> None:
    set_clock(books.conn, NOW)
    books.create_hold(books.shop, books.bank, 40, expires_at=NOW + timedelta(hours=1))
    with pytest.raises(InsufficientFunds, match="40 held"):
        books.reverse_transfer(books.paid)
    set_clock(books.conn, NOW + timedelta(hours=1))
    assert books.reverse_transfer(books.paid).amount == 100
    assert books.get_account(books.shop).held_out == 0
    assert books.faults() == []


@both
@pytest.mark.parametrize(
    ("account", "direction", "refused"),
    [
        ("shop", "out", True),
        ("shop", "in", False),
        ("shop", "both", True),
        ("buyer", "in", True),
        ("buyer", "out", False),
    ],
)
def test_freezes_count(books: Books, way: str, account: str, direction: str, refused: bool) -> None:
    books.freeze_account(getattr(books, account), direction)  # type: ignore[arg-type]
    if refused:
        with pytest.raises(AccountFrozen):
            getattr(books, way)(books.paid)
        assert books.both() == (150, 100)
    else:
        getattr(books, way)(books.paid)
    assert books.faults() == []


@both
@pytest.mark.parametrize("account", ["shop", "buyer"])
def test_closed_accounts_count(books: Books, way: str, account: str) -> None:
    books.close_account(getattr(books, account), sweep_to=books.bank)
    with pytest.raises(AccountClosed):
        getattr(books, way)(books.paid)
    assert books.reversed_amount(books.paid) == 0
    assert books.faults() == []


@both
def test_decimal_places_count(books: Books, way: str) -> None:
    odd = books.create_transfer(books.buyer, books.shop, Decimal("0.125")).id
    books.create_transfer(books.shop, books.buyer, Decimal("0.125"))
    books.set_currency("USD", 2)
    reverse = getattr(books, way)
    for amount in (None, Decimal("0.015")):
        with pytest.raises(InvalidAmount, match="USD has 2 decimal places"):
            reverse(odd, amount=amount)
    assert reverse(odd, amount=Decimal("0.1200")).amount == Decimal("0.12")
    assert books.faults() == []


@both
def test_a_clock_that_looks_wrong_counts(books: Books, way: str, set_clock: SetClock) -> None:
    set_clock(books.conn, NOW + timedelta(days=3))
    books.create_transfer(books.bank, books.shop, 1)
    set_clock(books.conn, NOW)
    with pytest.raises(AccountAheadOfClock):
        getattr(books, way)(books.paid)
    set_clock(books.conn, NOW + timedelta(days=2, hours=23, minutes=59, seconds=30))
    made = getattr(books, way)(books.paid)
    assert made.created_at == NOW + timedelta(days=3, microseconds=1)


# Over limits


def test_over_limits_nothing_but_limits_is_passed_over(books: Books) -> None:
    books.create_transfer(books.shop, books.bank, 80)
    books.set_limits(books.buyer, Decimal(0), Decimal(150))
    with pytest.raises(InsufficientFunds):
        books.reverse_transfer(books.paid)
    made = books.over_limits(books.paid, "card network, case 4711", amount=60)
    assert (made.from_account_balance, made.to_account_balance) == (-40, 210)
    assert made.origin_id == books.paid
    user = books.conn.info.user
    assert books.allowed() == [(made.id, made.created_at, user, "none", "card network, case 4711")]
    with pytest.raises(ReversalExceeded):
        books.over_limits(books.paid, amount=41)
    # From then on only what improves an account passes.
    with pytest.raises(InsufficientFunds):
        books.create_transfer(books.shop, books.bank, 1)
    books.create_transfer(books.bank, books.shop, 40)
    assert books.reversed_amount(books.paid) == 60
    assert books.faults() == []


def test_over_limits_is_written_down_even_where_no_limit_was_in_the_way(books: Books) -> None:
    made = books.over_limits(books.paid, "agreed")
    assert [row[0] for row in books.allowed()] == [made.id]
    books.create_transfer(books.buyer, books.shop, 100)
    assert books.faults() == []


def test_over_limits_stays_in_the_range_of_balances(books: Books) -> None:
    top, source = (books.create_account(name, "USD").id for name in ("top", "source"))
    moved = books.create_transfer(top, source, Decimal("9e29")).id
    for target in (top, books.bank):
        books.create_transfer(source, target, Decimal("5e29"))
    with pytest.raises(BalanceOutOfRange, match=r"\(source\)"):
        books.over_limits(moved)
    books.create_transfer(books.bank, source, Decimal("5e29"))
    books.create_transfer(books.bank, top, Decimal("5e29"))
    with pytest.raises(BalanceOutOfRange, match=r"\(top\)"):
        books.over_limits(moved)
    assert books.allowed() == []
    assert books.faults() == []


@pytest.mark.parametrize("reason", ["", "\u200b", "r" * 1001])
def test_over_limits_needs_a_reason_that_can_be_read(books: Books, reason: str) -> None:
    with pytest.raises(InvalidArgument, match="reason"):
        books.over_limits(books.paid, reason)
    with pytest.raises(errors.NullArgument, match="reason"):
        books.conn.execute("select pgledger_reverse_transfer_over_limits(%s, null)", [books.paid])
    assert books.over_limits(books.paid, "r" * 1000).amount == 100


def test_over_limits_is_a_right_of_its_own(books: Books, connect: Connect) -> None:
    role = "refunds_desk"
    books.conn.execute(
        sql.SQL(
            "drop role if exists {0}; create role {0} login; grant pgledger_poster to {0}"
        ).format(sql.Identifier(role))
    )
    try:
        session = connect(user=role, autocommit=True)
        desk = Ledger(session)
        desk.reverse_transfer(books.paid, amount=10)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            desk.reverse_transfer_over_limits(books.paid, "chargeback")
        books.conn.execute(
            f"grant execute on function pgledger_reverse_transfer_over_limits to {role}".encode()
        )
        made = desk.reverse_transfer_over_limits(books.paid, "chargeback", amount=5)
        assert books.allowed() == [(made.id, made.created_at, role, "none", "chargeback")]
        assert books.faults() == []
        session.close()
    finally:
        books.conn.execute(f"drop owned by {role}; drop role {role}".encode())


def test_what_was_allowed_over_limits_never_changes(books: Books) -> None:
    books.over_limits(books.paid)
    for statement in (
        "update pgledger.reversals_over_limits set reason = 'other'",
        "delete from pgledger.reversals_over_limits",
        "truncate pgledger.reversals_over_limits",
    ):
        with pytest.raises(errors.ImmutableRecord):
            books.conn.execute(statement.encode())


# Repeats


@both
@pytest.mark.parametrize("amount", [None, 100, Decimal("100.00"), 60])
def test_a_repeat_returns_the_first_result(books: Books, way: str, amount: Any) -> None:
    own = ids.generate("pglt")
    details = {"metadata": {"n": 1.0}, "event_at": NOW - timedelta(days=2000)}

    def reverse() -> Any:
        return getattr(books, way)(books.paid, amount=amount, id=own, **details)

    first = reverse()
    # Whatever has changed since.
    books.freeze_account(books.shop, "both")
    books.set_limits(books.buyer, Decimal(0), Decimal(10), allow_existing=True)
    again = reverse()
    assert (first.replayed, again.replayed) == (False, True)
    assert replace(again, replayed=False) == first
    assert books.reversed_amount(books.paid) == (60 if amount == 60 else 100)
    assert len(books.allowed()) == (way == "over_limits")
    assert books.faults() == []


def test_a_repeat_without_amount_is_one_as_long_as_it_took_the_rest(books: Books) -> None:
    part, rest = ids.generate("pglt"), ids.generate("pglt")
    books.reverse_transfer(books.paid, amount=30, id=part)
    books.reverse_transfer(books.paid, id=rest)
    assert books.reverse_transfer(books.paid, id=rest).replayed is True
    assert books.reverse_transfer(books.paid, amount=70, id=rest).replayed is True
    assert books.reverse_transfer(books.paid, amount=30, id=part).replayed is True
    with pytest.raises(IdempotencyConflict) as refused:
        books.reverse_transfer(books.paid, id=part)
    assert refused.value.diag.message_detail == (
        "Compared with the first request, amount was 30 and is now null."
    )


def test_another_request_with_the_same_id_is_refused(books: Books) -> None:
    own = ids.generate("pglt")
    other = books.create_transfer(books.buyer, books.shop, 40)
    made = books.reverse_transfer(books.paid, amount=10, id=own)

    def detail(call: Callable[[], Any]) -> str:
        with pytest.raises(IdempotencyConflict) as refused:
            call()
        return refused.value.diag.message_detail or ""

    reverse = books.reverse_transfer
    assert "amount was 10 and is now 11" in detail(lambda: reverse(books.paid, amount=11, id=own))
    assert "metadata: not the same" in detail(
        lambda: reverse(books.paid, amount=10, id=own, metadata={"secret": 1})
    )
    assert "event_at was null" in detail(
        lambda: reverse(books.paid, amount=10, id=own, event_at=NOW - timedelta(days=3000))
    )
    assert f'transfer_id was "{books.paid}"' in detail(lambda: reverse(other.id, amount=10, id=own))
    assert 'reason was null and is now "why"' in detail(
        lambda: books.over_limits(books.paid, "why", amount=10, id=own)
    )
    # An ordinary transfer's id, and the id of the transfer itself.
    assert "transfer_id was null" in detail(lambda: reverse(books.paid, amount=40, id=other.id))
    assert "transfer_id was null" in detail(lambda: reverse(books.paid, id=books.paid))
    # And an ordinary transfer with a reversal's.
    assert "origin_id was" in detail(
        lambda: books.create_transfer(books.shop, books.buyer, 10, id=own)
    )
    over = books.over_limits(books.paid, "why", amount=1)
    assert "reason" in detail(lambda: reverse(books.paid, amount=1, id=over.id))
    assert made.id == own
    assert books.faults() == []


def test_another_apps_id_tells_nothing(books: Books) -> None:
    one, other = (books.create_account(n, "USD", app_id="other").id for n in "ab")
    theirs = books.create_transfer(one, other, 5, app_id="other")
    with pytest.raises(IdempotencyConflict) as refused:
        books.reverse_transfer(books.paid, amount=5, id=theirs.id)
    assert refused.value.diag.message_detail is None
    for call in (books.reverse_transfer, books.over_limits, books.reversed_amount):
        with pytest.raises(TransferNotFound, match="in app 'other'"):
            call(books.paid, app_id="other")
        with pytest.raises(TransferNotFound):
            call(UNKNOWN)


# Keys


@both
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("amount", [None, 60])
def test_a_key_names_a_reversal(books: Books, way: str, own: bool, amount: int | None) -> None:
    given: dict[str, Any] = {"amount": amount, "idempotency_key": "refund 7"}
    if own:
        given["id"] = ids.generate("pglt")
    reverse = getattr(books, way)
    first = reverse(books.paid, **given)
    books.freeze_account(books.shop, "both")
    again = reverse(books.paid, **given)
    assert (first.replayed, again.replayed) == (False, True)
    assert replace(again, replayed=False) == first
    assert books.reversed_amount(books.paid) == (amount or 100)
    for change in ({"amount": 59}, {"metadata": {"n": 1}}, {"id": ids.generate("pglt")}):
        with pytest.raises(IdempotencyConflict, match="refund 7"):
            reverse(books.paid, **given | change)
    with pytest.raises(IdempotencyConflict, match="refund 7"):
        books.create_transfer(books.shop, books.bank, 1, idempotency_key="refund 7")
    other = "over_limits" if way == "reverse_transfer" else "reverse_transfer"
    with pytest.raises(IdempotencyConflict, match="refund 7"):
        getattr(books, other)(books.paid, **given)
    assert books.faults() == []


def test_a_key_without_an_amount_stays_that_of_its_first_call(books: Books) -> None:
    """Under a key it is what was asked for that counts, not what it would come to today."""
    books.reverse_transfer(books.paid, amount=30, idempotency_key="part")
    with pytest.raises(IdempotencyConflict):
        books.reverse_transfer(books.paid, idempotency_key="part")
    rest = books.reverse_transfer(books.paid, idempotency_key="rest")
    assert rest.amount == 70
    with pytest.raises(IdempotencyConflict):
        books.reverse_transfer(books.paid, amount=70, idempotency_key="rest")
    assert books.reverse_transfer(books.paid, idempotency_key="rest").id == rest.id
    assert books.faults() == []


def test_a_reversal_that_was_refused_keeps_no_key(books: Books) -> None:
    books.create_transfer(books.shop, books.bank, 80)
    for own in (None, ids.generate("pglt")):
        with pytest.raises(InsufficientFunds):
            books.reverse_transfer(books.paid, id=own, idempotency_key="refund")
    books.create_transfer(books.bank, books.shop, 80)
    assert books.reverse_transfer(books.paid, idempotency_key="refund").replayed is False
    for key in ("", "k" * 256):
        with pytest.raises(InvalidArgument, match="idempotency_key"):
            books.reverse_transfer(books.paid, idempotency_key=key)


def test_an_id_under_a_new_key_is_a_repeat_that_takes_the_key(books: Books) -> None:
    own = ids.generate("pglt")
    first = books.reverse_transfer(books.paid, amount=5, id=own)
    again = books.reverse_transfer(books.paid, amount=5, id=own, idempotency_key="new")
    assert again.replayed is True
    assert again.id == first.id
    with pytest.raises(IdempotencyConflict, match="new"):
        books.reverse_transfer(books.paid, amount=6, idempotency_key="new")
    assert books.faults() == []


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"transfer_id": None}, errors.NullArgument),
        ({"transfer_id": "pgla_01JTVST7XAES5BXHWZN4KR4VEZ"}, InvalidId),
        ({"transfer_id": "x' or 1"}, InvalidId),
        ({"app_id": None}, errors.NullArgument),
        ({"app_id": "a b"}, errors.InvalidScope),
        ({"amount": "0"}, InvalidAmount),
        ({"amount": "-1"}, InvalidAmount),
        ({"amount": "NaN"}, InvalidAmount),
        ({"amount": "Infinity"}, InvalidAmount),
        ({"amount": "1e30"}, InvalidAmount),
        ({"amount": "0.0000000000000000001"}, InvalidAmount),
        ({"event_at": "infinity"}, errors.InvalidTime),
        ({"event_at": "2999-01-01"}, errors.EventAtInFuture),
        ({"metadata": "[]"}, errors.InvalidMetadata),
        ({"id": "pglh_01JTVST7XAES5BXHWZN4KR4VEZ"}, InvalidId),
        # The request's own values come before what it names.
        ({"transfer_id": UNKNOWN, "amount": "0"}, InvalidAmount),
        ({"app_id": "a b", "transfer_id": None}, errors.InvalidScope),
    ],
)
@pytest.mark.parametrize("over", [False, True])
def test_bad_input_is_refused(
    books: Books, over: bool, values: dict[str, Any], error: type[errors.PgledgerError]
) -> None:
    given: dict[str, Any] = {
        "transfer_id": books.paid,
        "amount": None,
        "event_at": None,
        "metadata": None,
        "id": None,
        "app_id": "",
        **values,
    }
    if over:
        given["reason"] = "why"
    types = {"amount": "numeric", "event_at": "timestamptz", "metadata": "jsonb"}
    arguments = ", ".join(f"{name} => %({name})s::{types.get(name, 'text')}" for name in given)
    name = "pgledger_reverse_transfer_over_limits" if over else "pgledger_reverse_transfer"
    with pytest.raises(error):
        books.conn.execute(f"select {name}({arguments})".encode(), given)
    assert books.both() == (150, 100)


def test_an_amount_keeps_the_decimal_places_that_count(books: Books) -> None:
    made = books.reverse_transfer(books.paid, amount=Decimal("2.5000000000000000000000"))
    assert str(made.amount) == "2.5"


# Transactions


def test_what_is_rolled_back_can_be_reversed_again(books: Books) -> None:
    own = ids.generate("pglt")
    with books.conn.transaction():
        try:
            with books.conn.transaction():
                books.over_limits(books.paid, id=own)
                assert books.reversed_amount(books.paid) == 100
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        assert books.reversed_amount(books.paid) == 0
        assert books.allowed() == []
        assert books.reverse_transfer(books.paid, amount=40, id=own).replayed is False
    assert books.both() == (190, 60)
    assert books.faults() == []


def test_views_show_what_a_reversal_reverses(books: Books) -> None:
    refund = books.reverse_transfer(books.paid, amount=30, metadata={"why": "torn"})
    rows = books.conn.execute(
        "select id, amount, metadata from pgledger_transfers_v1 where origin_id = %s",
        [books.paid],
    ).fetchall()
    assert rows == [(refund.id, 30, {"why": "torn"})]
    (row,) = books.conn.execute(
        "select id, pgledger_reversed_amount(id) from pgledger_transfers_v1"
        " where from_account_id = %s",
        [books.buyer],
    ).fetchall()
    assert row == (books.paid, 30)

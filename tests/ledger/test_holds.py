"""Holds: what is kept back, posted in parts, let go of, and expired at its very time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from pgledger import Ledger, TransferRequest, errors, ids
from pgledger.errors import (
    AccountClosed,
    AccountFrozen,
    AccountNotEmpty,
    AccountNotFound,
    BalanceOutOfRange,
    CurrencyMismatch,
    EventAtInFuture,
    HoldAmountExceeded,
    HoldEnded,
    HoldExpired,
    HoldNotFound,
    IdempotencyConflict,
    ImmutableRecord,
    InsufficientFunds,
    InvalidAmount,
    InvalidArgument,
    InvalidId,
    InvalidMetadata,
    InvalidScope,
    InvalidTime,
    LimitAlreadyBroken,
    NullArgument,
    PositiveBalanceNotAllowed,
    SameAccount,
)
from support.database import Connect

# Ahead of when the accounts are opened.
NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
UNKNOWN = "pglh_01JTVST7XAES5BXHWZN4KR4VEZ"


class Books(Ledger):
    """A ledger with a bank, a wallet that cannot be overdrawn, and a shop."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        super().__init__(conn)
        self.conn = conn
        self.bank = self.create_account("bank", "USD").id
        self.wallet = self.create_account("wallet", "USD", min_balance=Decimal(0)).id
        self.shop = self.create_account("shop", "USD").id
        self.create_transfer(self.bank, self.wallet, 100)

    def hold(self, amount: Any = 40, **options: Any) -> str:
        return self.create_hold(self.wallet, self.shop, Decimal(amount), **options).id

    def held(self, account_id: str) -> tuple[Any, ...]:
        account = self.get_account(account_id)
        return account.balance, account.held_out, account.held_in, account.available_balance

    def stored(self, account_id: str) -> tuple[Any, ...] | None:
        return self.conn.execute(
            "select held_out, held_in from pgledger.accounts where id = %s", [account_id]
        ).fetchone()

    def row(self, hold_id: str) -> tuple[Any, ...] | None:
        return self.conn.execute(
            "select status, out_released, in_released from pgledger.holds where id = %s", [hold_id]
        ).fetchone()

    def faults(self) -> list[str]:
        return [check.check_name for check in self.verify() if not check.ok]


@pytest.fixture
def ledger(connect: Connect) -> Books:
    return Books(connect(autocommit=True))


# What a hold counts


def test_a_hold_counts_on_both_sides_and_moves_nothing(ledger):
    hold = ledger.create_hold(ledger.wallet, ledger.shop, Decimal("40.50"), metadata={"a": 1})
    assert (hold.status, hold.amount, hold.posted_amount) == ("pending", Decimal("40.50"), 0)
    assert (hold.expires_at, hold.ended_at, hold.replayed) == (None, None, False)
    assert (hold.from_account_name, hold.to_account_name, hold.currency) == (
        "wallet",
        "shop",
        "USD",
    )
    assert hold.event_at == hold.created_at
    assert ids.is_valid(hold.id, "pglh")
    assert ledger.held(ledger.wallet) == (100, Decimal("40.5"), 0, Decimal("59.5"))
    assert ledger.held(ledger.shop) == (0, 0, Decimal("40.5"), 0)
    found = ledger.get_hold(hold.id)
    assert found == hold
    assert found.replayed is None
    row = ledger.conn.execute("select * from pgledger_holds_view").fetchone()
    assert row == ledger.conn.execute("select * from pgledger_holds_v1").fetchone()
    assert row[:6] == (hold.id, ledger.wallet, ledger.shop, Decimal("40.50"), 0, "pending")
    views = ledger.conn.execute(
        "select held_out, held_in, available_balance from pgledger_accounts_view order by name desc"
    ).fetchall()
    assert views == [
        (Decimal("40.50"), 0, Decimal("59.50")),
        (0, Decimal("40.50"), 0),
        (0, 0, -100),
    ]
    assert ledger.faults() == []


def test_what_is_held_cannot_leave_in_another_way(ledger):
    ledger.hold(40)
    for attempt in (
        lambda: ledger.create_transfer(ledger.wallet, ledger.shop, 61),
        lambda: ledger.create_transfer(ledger.wallet, ledger.shop, 61, id=ids.generate("pglt")),
        lambda: ledger.create_transfers([(ledger.wallet, ledger.shop, 61)]),
        lambda: ledger.hold(61),
    ):
        with pytest.raises(InsufficientFunds, match="100 less 61 and 40 held would leave -1"):
            attempt()
    ledger.hold(60)
    with pytest.raises(InsufficientFunds):
        ledger.hold("0.01")
    assert ledger.faults() == []


def test_what_comes_in_has_its_room_and_is_not_spendable(ledger):
    full = ledger.create_account("full", "USD", min_balance=Decimal(0), max_balance=Decimal(50)).id
    ledger.create_hold(ledger.wallet, full, 40)
    with pytest.raises(PositiveBalanceNotAllowed, match="0 plus 11 and 40 held would leave 51"):
        ledger.create_hold(ledger.wallet, full, 11)
    with pytest.raises(PositiveBalanceNotAllowed):
        ledger.create_transfer(ledger.bank, full, 11)
    with pytest.raises(InsufficientFunds):
        ledger.create_transfer(full, ledger.bank, 1)
    assert ledger.get_account(full).available_balance == 0
    ledger.create_transfer(ledger.bank, full, 10)
    assert ledger.faults() == []


def test_a_hold_that_could_carry_a_balance_out_of_range_is_refused(ledger):
    huge = Decimal("9e29")
    ledger.create_hold(ledger.bank, ledger.shop, huge)
    with pytest.raises(BalanceOutOfRange):
        ledger.create_hold(ledger.bank, ledger.shop, huge)
    assert ledger.stored(ledger.bank) == (huge, 0)


# Posting


def test_a_whole_posting_moves_the_amount_and_names_its_hold(ledger):
    hold = ledger.hold(40, group_id="order-7")
    transfer = ledger.post_hold(hold, metadata={"captured": True})
    assert (transfer.amount, transfer.origin_id, transfer.group_id) == (40, hold, "order-7")
    assert (transfer.from_account_balance, transfer.to_account_balance) == (60, 40)
    assert (transfer.from_account_version, transfer.to_account_version) == (2, 1)
    assert transfer.metadata == {"captured": True}
    assert transfer.replayed is False
    assert ledger.get_transfer(transfer.id) == transfer
    found = ledger.get_hold(hold)
    assert (found.status, found.posted_amount) == ("posted", 40)
    assert found.ended_at == transfer.created_at
    assert ledger.held(ledger.wallet) == (60, 0, 0, 60)
    assert ledger.held(ledger.shop) == (40, 0, 0, 40)
    assert ledger.conn.execute(
        "select id from pgledger_transfers_view where origin_id = %s", [hold]
    ).fetchall() == [(transfer.id,)]
    assert ledger.faults() == []


def test_a_final_part_releases_the_rest(ledger):
    hold = ledger.hold(40)
    assert ledger.post_hold(hold, amount=Decimal("25.5")).amount == Decimal("25.5")
    found = ledger.get_hold(hold)
    assert (found.status, found.posted_amount, found.amount) == ("posted", Decimal("25.5"), 40)
    assert ledger.held(ledger.wallet) == (Decimal("74.5"), 0, 0, Decimal("74.5"))
    with pytest.raises(HoldEnded, match=f"hold {hold} was posted at "):
        ledger.post_hold(hold, amount=1)
    assert ledger.faults() == []


def test_parts_go_up_to_the_whole_and_the_last_one_ends_it(ledger):
    hold = ledger.hold(40)
    ledger.post_hold(hold, amount=10, final=False)
    assert ledger.held(ledger.wallet) == (90, 30, 0, 60)
    assert ledger.held(ledger.shop) == (10, 0, 30, 10)
    with pytest.raises(HoldAmountExceeded, match=f"{hold} has 30 left of 40, less than 31"):
        ledger.post_hold(hold, amount=31)
    found = ledger.get_hold(hold)
    assert (found.status, found.posted_amount, found.ended_at) == ("pending", 10, None)
    ledger.post_hold(hold, amount=25, final=False)
    last = ledger.post_hold(hold, amount=5, final=False)
    assert ledger.get_hold(hold).status == "posted"
    assert ledger.get_hold(hold).ended_at == last.created_at
    with pytest.raises(HoldEnded):
        ledger.void_hold(hold)
    assert ledger.held(ledger.wallet) == (60, 0, 0, 60)
    assert ledger.faults() == []


def test_nothing_given_posts_what_is_left(ledger):
    hold = ledger.hold(40)
    ledger.post_hold(hold, amount=10, final=False)
    assert ledger.post_hold(hold, final=False).amount == 30
    assert ledger.get_hold(hold).status == "posted"


def test_posting_fails_neither_for_a_freeze_nor_for_a_tightened_limit(ledger):
    holds = [ledger.hold(20) for _ in range(3)]
    ledger.freeze_account(ledger.wallet, "both")
    ledger.freeze_account(ledger.shop, "in")
    ledger.set_limits(ledger.wallet, Decimal(90), None, allow_existing=True)
    ledger.set_limits(ledger.shop, None, Decimal(1), allow_existing=True)
    with pytest.raises(AccountFrozen):
        ledger.hold(1)
    ledger.post_hold(holds[0])
    ledger.post_hold(holds[1], amount=5)
    ledger.void_hold(holds[2])
    assert ledger.held(ledger.wallet) == (75, 0, 0, -15)
    assert ledger.faults() == []


def test_voiding_releases_and_can_be_repeated(ledger):
    hold = ledger.hold(40)
    ledger.post_hold(hold, amount=10, final=False)
    voided = ledger.void_hold(hold)
    assert (voided.status, voided.posted_amount, voided.replayed) == ("voided", 10, False)
    assert ledger.held(ledger.wallet) == (90, 0, 0, 90)
    assert ledger.held(ledger.shop) == (10, 0, 0, 10)
    again = ledger.void_hold(hold)
    assert again == voided
    assert again.replayed is True
    with pytest.raises(HoldEnded, match=f"hold {hold} was voided at "):
        ledger.post_hold(hold)
    with pytest.raises(HoldEnded):
        ledger.extend_hold(hold, None)
    assert ledger.faults() == []


# Repeats


def test_making_a_hold_again_returns_it_as_it_stands(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    own = ids.generate("pglh")
    options: dict[str, Any] = {
        "id": own,
        "expires_in": timedelta(days=1),
        "event_at": NOW - HOUR,
        "metadata": {"n": 1},
        "group_id": "g",
    }
    first = ledger.create_hold(ledger.wallet, ledger.shop, Decimal("40.0"), **options)
    assert first.expires_at == NOW + timedelta(days=1)
    ledger.extend_hold(own, NOW + timedelta(days=9))
    ledger.freeze_account(ledger.wallet, "both")
    set_clock(ledger.conn, NOW + timedelta(days=2))
    again = ledger.create_hold(ledger.wallet, ledger.shop, 40, **options)
    assert again.replayed is True
    assert again == ledger.get_hold(own)
    assert again.expires_at == NOW + timedelta(days=9)
    assert ledger.stored(ledger.wallet) == (40, 0)
    for change in (
        {"expires_in": timedelta(days=2)},
        {"expires_in": None},
        {"expires_in": None, "expires_at": NOW},
        {"event_at": None},
        {"metadata": None},
        {"group_id": None},
        {"amount": 41},
        {"to_account_id": ledger.bank},
    ):
        arguments = {"to_account_id": ledger.shop, "amount": 40} | options | change
        with pytest.raises(IdempotencyConflict):
            ledger.create_hold(ledger.wallet, **arguments)
    given_at = options | {"expires_in": None, "expires_at": NOW + timedelta(days=1)}
    assert ledger.create_hold(ledger.wallet, ledger.shop, 40, **given_at).replayed is True
    assert ledger.faults() == []


def test_the_first_answer_comes_even_once_it_has_expired(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    own = ids.generate("pglh")
    ledger.hold(40, id=own, expires_at=NOW + HOUR)
    set_clock(ledger.conn, NOW + HOUR)
    again = ledger.create_hold(ledger.wallet, ledger.shop, 40, id=own, expires_at=NOW + HOUR)
    assert (again.status, again.replayed) == ("expired", True)


def test_posting_again_with_the_same_id_returns_the_first_result(ledger):
    hold = ledger.hold(40)
    part, rest = ids.generate("pglt"), ids.generate("pglt")
    first = ledger.post_hold(hold, amount=10, final=False, id=part, metadata={"n": 1})
    second = ledger.post_hold(hold, id=rest)
    for _ in range(2):
        again = ledger.post_hold(
            hold, amount=Decimal("10.0"), final=False, id=part, metadata={"n": 1}
        )
        assert again == first
        assert again.replayed is True
        assert ledger.post_hold(hold, id=rest) == second
        assert ledger.post_hold(hold, amount=30, id=rest, final=False) == second
    assert ledger.get_hold(hold).posted_amount == 40
    assert ledger.faults() == []


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({"amount": 10, "final": False}, {"amount": 11, "final": False}),
        ({"amount": 10, "final": False}, {"amount": 10}),
        ({"amount": 10, "final": False}, {}),
        ({"amount": 10}, {"amount": 10, "final": False}),
        ({"amount": 10}, {}),
        ({"amount": 10}, {"amount": 10, "metadata": {}}),
        ({"amount": 10}, {"amount": 10, "event_at": datetime(2025, 1, 1, tzinfo=UTC)}),
        ({}, {"amount": 39}),
    ],
)
def test_another_posting_with_the_same_id_is_refused(ledger, first, again):
    hold, own = ledger.hold(40), ids.generate("pglt")
    ledger.post_hold(hold, id=own, **first)
    before = ledger.held(ledger.wallet)
    with pytest.raises(IdempotencyConflict):
        ledger.post_hold(hold, id=own, **again)
    assert ledger.held(ledger.wallet) == before


def test_the_id_of_another_transfer_is_taken(ledger):
    first, second, own = ledger.hold(10), ledger.hold(10), ids.generate("pglt")
    ledger.post_hold(first, id=own)
    with pytest.raises(IdempotencyConflict, match="already taken"):
        ledger.post_hold(second, id=own)
    # A plain transfer of the same values is another request, too.
    with pytest.raises(IdempotencyConflict) as refused:
        ledger.create_transfer(ledger.wallet, ledger.shop, 10, id=own)
    assert "origin_id" in (refused.value.diag.message_detail or "")
    with pytest.raises(IdempotencyConflict):
        ledger.create_transfers([TransferRequest(ledger.wallet, ledger.shop, 10, id=own)])
    assert ledger.get_hold(second).status == "pending"


# Expiry


def test_a_hold_expires_at_its_very_time(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    hold = ledger.hold(40, expires_at=NOW + HOUR)
    set_clock(ledger.conn, NOW + HOUR - MICROSECOND)
    assert ledger.get_hold(hold).status == "pending"
    assert ledger.get_account(ledger.wallet).available_balance == 60
    with pytest.raises(InsufficientFunds):
        ledger.create_transfer(ledger.wallet, ledger.shop, 61)

    set_clock(ledger.conn, NOW + HOUR)
    found = ledger.get_hold(hold)
    assert (found.status, found.ended_at) == ("expired", NOW + HOUR)
    assert ledger.conn.execute("select status, ended_at from pgledger_holds_view").fetchall() == [
        ("expired", NOW + HOUR)
    ]
    assert ledger.held(ledger.wallet) == (100, 0, 0, 100)
    assert (
        ledger.conn.execute(
            "select held_in, held_out from pgledger_accounts_view order by id"
        ).fetchall()
        == [(0, 0)] * 3
    )
    for attempt in (
        lambda: ledger.post_hold(hold),
        lambda: ledger.post_hold(hold, amount=10, id=ids.generate("pglt")),
        lambda: ledger.extend_hold(hold, NOW + 2 * HOUR),
        lambda: ledger.extend_hold(hold, None),
        lambda: ledger.void_hold(hold),
    ):
        with pytest.raises(HoldExpired, match=f"hold {hold} expired at "):
            attempt()
    # Refusals write nothing: the row has it pending still.
    assert ledger.row(hold) == (0, False, False)
    assert ledger.stored(ledger.wallet) == (40, 0)
    assert ledger.faults() == []


def test_one_microsecond_before_it_can_be_posted(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    hold = ledger.hold(40, expires_at=NOW + HOUR)
    set_clock(ledger.conn, NOW + HOUR - MICROSECOND)
    assert ledger.post_hold(hold).amount == 40
    set_clock(ledger.conn, NOW + 2 * HOUR)
    assert ledger.get_hold(hold).status == "posted"
    assert ledger.expire_holds() == 0


@pytest.mark.parametrize("way", ["single", "with id", "bulk", "bulk with ids", "hold", "from"])
def test_who_relies_on_an_expiry_writes_it_on_its_own_side(ledger, set_clock, way):
    set_clock(ledger.conn, NOW)
    hold = ledger.hold(40, expires_at=NOW + HOUR)
    other = ledger.hold(50, expires_at=NOW + 2 * HOUR)
    set_clock(ledger.conn, NOW + HOUR)
    source, target = ledger.wallet, ledger.bank
    if way == "single":
        ledger.create_transfer(source, target, 50)
    elif way == "with id":
        ledger.create_transfer(source, target, 50, id=ids.generate("pglt"))
    elif way == "bulk":
        ledger.create_transfers([(source, target, 30), (source, target, 10), (source, target, 10)])
    elif way == "bulk with ids":
        ledger.create_transfers([TransferRequest(source, target, 50, id=ids.generate("pglt"))])
    elif way == "hold":
        ledger.create_hold(source, target, 50)
    else:
        ledger.conn.execute(
            "select pgledger_create_transfers_from_rows(array[row(%s, %s, 50)]"
            "::pgledger_transfer_request[])",
            [source, target],
        )
    assert ledger.row(hold) == (3, True, False)
    assert ledger.row(other) == (0, False, False)
    assert ledger.stored(ledger.shop) == (0, 90)
    assert ledger.get_account(ledger.shop).held_in == 50
    assert ledger.faults() == []
    with pytest.raises(InsufficientFunds):
        ledger.create_transfer(source, target, 1)


def test_a_clock_that_steps_back_revives_nothing(ledger, set_clock):
    room = ledger.create_account("room", "USD", max_balance=Decimal(40)).id
    set_clock(ledger.conn, NOW)
    hold = ledger.create_hold(ledger.wallet, room, 40, expires_at=NOW + HOUR).id
    set_clock(ledger.conn, NOW + HOUR)
    # The wallet relies on it; the other side is not released.
    ledger.create_transfer(ledger.wallet, ledger.bank, 70)
    set_clock(ledger.conn, NOW)
    assert ledger.get_hold(hold).status == "expired"
    assert ledger.get_account(ledger.wallet).available_balance == 30
    for attempt in (
        ledger.post_hold,
        ledger.void_hold,
        lambda hold_id: ledger.extend_hold(hold_id, None),
    ):
        with pytest.raises(HoldExpired):
            attempt(hold)
    assert ledger.stored(room) == (0, 40)
    assert ledger.get_account(room).held_in == 0
    ledger.create_transfer(ledger.bank, room, 40)
    assert ledger.row(hold) == (3, True, True)
    set_clock(ledger.conn, NOW + HOUR)
    assert ledger.faults() == []


def test_without_anybody_who_relied_on_it_a_clock_that_steps_back_lets_it_go_on(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    hold = ledger.hold(40, expires_at=NOW + HOUR)
    set_clock(ledger.conn, NOW + HOUR)
    assert ledger.get_hold(hold).status == "expired"
    set_clock(ledger.conn, NOW)
    assert ledger.post_hold(hold).amount == 40
    assert ledger.faults() == []


def test_extending_changes_when_it_expires(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    hold = ledger.hold(40, expires_at=NOW + HOUR)
    longer = ledger.extend_hold(hold, NOW + 2 * HOUR)
    assert (longer.expires_at, longer.replayed) == (NOW + 2 * HOUR, False)
    assert ledger.extend_hold(hold, NOW + 2 * HOUR).replayed is True
    set_clock(ledger.conn, NOW + HOUR)
    assert ledger.get_hold(hold).status == "pending"
    for at in (NOW, NOW + HOUR):
        with pytest.raises(InvalidTime, match="not in the future"):
            ledger.extend_hold(hold, at)
    assert ledger.extend_hold(hold, None).expires_at is None
    set_clock(ledger.conn, NOW + 1000 * HOUR)
    assert ledger.post_hold(hold).amount == 40
    assert ledger.faults() == []


def test_expire_holds_tidies_what_is_due_in_its_app(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    due = [ledger.hold(10, expires_at=NOW + HOUR + n * MICROSECOND) for n in range(3)]
    later = ledger.hold(10, expires_at=NOW + 2 * HOUR)
    kept = ledger.hold(10)
    others = [ledger.create_account(name, "USD", app_id="other").id for name in "ab"]
    foreign = ledger.create_hold(*others, 1, app_id="other", expires_at=NOW + HOUR).id
    assert ledger.expire_holds() == 0
    set_clock(ledger.conn, NOW + HOUR + 2 * MICROSECOND)
    assert ledger.expire_holds(max_holds=2) == 2
    assert [ledger.row(hold) for hold in due] == [(3, True, True)] * 2 + [(0, False, False)]
    assert ledger.expire_holds() == 1
    assert ledger.expire_holds() == 0
    assert [ledger.row(hold)[0] for hold in (later, kept, foreign)] == [0, 0, 0]
    assert ledger.stored(ledger.wallet) == (20, 0)
    assert ledger.expire_holds(app_id="other") == 1
    assert ledger.faults() == []


def test_closing_and_limits_rely_on_expiry_too(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    account = ledger.create_account("box", "USD").id
    ledger.create_hold(account, ledger.shop, 40, expires_at=NOW + HOUR)
    with pytest.raises(AccountNotEmpty):
        ledger.close_account(account)
    with pytest.raises(LimitAlreadyBroken):
        ledger.set_limits(account, Decimal(0), None)
    set_clock(ledger.conn, NOW + HOUR)
    ledger.set_limits(account, Decimal(0), None)
    assert ledger.stored(account) == (0, 0)
    ledger.create_hold(ledger.wallet, account, 40, expires_at=NOW + 2 * HOUR)
    set_clock(ledger.conn, NOW + 2 * HOUR)
    assert ledger.close_account(account).status == "closed"
    with pytest.raises(AccountClosed):
        ledger.create_hold(ledger.wallet, account, 1)
    assert ledger.faults() == []


def test_a_sweep_takes_what_has_expired_along(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    hold = ledger.hold(40, expires_at=NOW + HOUR)
    ledger.hold(10)
    set_clock(ledger.conn, NOW + HOUR)
    swept = ledger.sweep(ledger.wallet, ledger.bank)
    assert swept is not None
    assert swept.amount == 90
    assert ledger.row(hold) == (3, True, False)
    assert ledger.faults() == []


def test_a_row_of_the_accounts_is_of_one_moment(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    ledger.hold(40, expires_at=NOW + HOUR)
    # From now on every look at the clock is at another side of the expiry.
    ledger.conn.execute("create sequence public.looks")
    ledger.conn.execute("grant all on sequence public.looks to public")
    set_clock(
        ledger.conn,
        f"timestamptz '{NOW}' + nextval('public.looks') % 2 * interval '{HOUR}'",
    )
    for _ in range(4):
        row = ledger.conn.execute(
            "select balance - held_out, available_balance, held_out from pgledger_accounts_v1"
            " where id = %s",
            [ledger.wallet],
        ).fetchone()
        assert row[0] == row[1]
    ledger.conn.execute("select nextval('public.looks')")
    account = ledger.get_account(ledger.wallet)
    assert account.available_balance == account.balance - account.held_out


def test_a_batch_looks_for_expired_holds_once(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    payers = [ledger.create_account("payer", "USD", min_balance=Decimal(0)).id for _ in range(300)]
    ledger.create_transfers([(ledger.bank, payer, Decimal(10)) for payer in payers])
    for payer in payers:
        ledger.create_hold(payer, ledger.shop, 10, expires_at=NOW + HOUR)
    set_clock(ledger.conn, NOW + HOUR)
    ledger.conn.execute("set track_functions = 'all'")
    with ledger.conn.transaction():
        ledger.create_transfers([(payer, ledger.bank, Decimal(10)) for payer in payers])
        calls = ledger.conn.execute(
            "select calls from pg_stat_xact_user_functions where funcname = 'release_expired'"
        ).fetchone()
    assert calls == (1,)
    assert ledger.stored(payers[-1]) == (0, 0)
    assert ledger.faults() == []


def test_many_expired_holds_of_one_account_are_released_for_one_leg(ledger, set_clock):
    set_clock(ledger.conn, NOW)
    for _ in range(100):
        ledger.hold(1, expires_at=NOW + HOUR)
    ledger.set_limits(ledger.shop, None, Decimal(100))
    set_clock(ledger.conn, NOW + HOUR)
    # The same two accounts hundreds of times, up to both limits and no further.
    ledger.create_transfers([(ledger.wallet, ledger.shop, Decimal("0.5"))] * 200)
    with pytest.raises(InsufficientFunds):
        ledger.create_transfer(ledger.wallet, ledger.bank, Decimal("0.01"))
    with pytest.raises(PositiveBalanceNotAllowed):
        ledger.create_transfers([(ledger.bank, ledger.shop, Decimal("0.01"))])
    assert ledger.stored(ledger.wallet) == ledger.stored(ledger.shop) == (0, 0)
    assert ledger.faults() == []


# Bad input


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"app_id": "a b"}, InvalidScope),
        ({"app_id": None}, NullArgument),
        ({"group_id": ""}, InvalidScope),
        ({"from_account_id": None}, NullArgument),
        ({"from_account_id": "x"}, InvalidId),
        ({"to_account_id": UNKNOWN}, InvalidId),
        ({"to_account_id": "the same"}, SameAccount),
        ({"amount": None}, InvalidAmount),
        ({"amount": Decimal(0)}, InvalidAmount),
        ({"amount": Decimal("1e-19")}, InvalidAmount),
        ({"event_at": datetime(2999, 1, 1, tzinfo=UTC)}, EventAtInFuture),
        ({"metadata": "x" * 70000}, InvalidMetadata),
        ({"id": "pglt_01JTVST7XAES5BXHWZN4KR4VEZ"}, InvalidId),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, InvalidTime),
        ({"expires_at": "infinity"}, InvalidTime),
        ({"expires_in": timedelta(0)}, InvalidArgument),
        ({"expires_in": -HOUR}, InvalidArgument),
        ({"expires_in": timedelta(days=400_000)}, InvalidArgument),
        ({"expires_in": HOUR, "expires_at": datetime(2999, 1, 1, tzinfo=UTC)}, InvalidArgument),
        ({"to_account_id": "pgla_01JTVST7XAES5BXHWZN4KR4VEZ"}, AccountNotFound),
        ({"app_id": "other"}, AccountNotFound),
        ({"to_account_id": "euros"}, CurrencyMismatch),
        ({"amount": Decimal(101)}, InsufficientFunds),
    ],
)
def test_a_hold_that_cannot_be_is_refused(ledger, change, error):
    named = {"the same": ledger.wallet, "euros": ledger.create_account("e", "EUR").id}
    arguments = {
        "from_account_id": ledger.wallet,
        "to_account_id": ledger.shop,
        "amount": Decimal(1),
    } | {
        name: named.get(value, value) if isinstance(value, str) else value
        for name, value in change.items()
    }
    if arguments.get("metadata"):
        arguments["metadata"] = Jsonb({"x": arguments["metadata"]})
    given = ", ".join(f"{name} => %({name})s" for name in arguments)
    with pytest.raises(error):
        ledger.conn.execute(f"select pgledger_create_hold({given})".encode(), arguments)
    assert ledger.stored(ledger.wallet) == (0, 0)
    assert ledger.conn.execute("select count(*) from pgledger_holds_view").fetchone() == (0,)


@pytest.mark.parametrize("function", ["post", "void", "extend", "get"])
@pytest.mark.parametrize(
    ("hold_id", "app_id", "error"),
    [
        (None, "", NullArgument),
        ("pglt_1", "", InvalidId),
        (UNKNOWN, "", HoldNotFound),
        ("made", "other", HoldNotFound),
        ("made", "a b", InvalidScope),
        ("made", None, NullArgument),
    ],
)
def test_a_hold_that_is_not_there_is_refused(ledger, function, hold_id, app_id, error):
    made = ledger.hold(1)
    extra = ", expires_at => null" if function == "extend" else ""
    with pytest.raises(error):
        ledger.conn.execute(
            f"select pgledger_{function}_hold(%s{extra}, app_id => %s)".encode(),
            [made if hold_id == "made" else hold_id, app_id],
        )
    assert ledger.get_hold(made).status == "pending"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("amount => 0", InvalidAmount),
        ("amount => 'NaN'", InvalidAmount),
        ("amount => 5.0000000000000000001", InvalidAmount),
        ("final => null", NullArgument),
        ("event_at => 'infinity'", InvalidTime),
        ("event_at => '2999-01-01Z'", EventAtInFuture),
        ("metadata => '[]'", InvalidMetadata),
        (f"id => '{UNKNOWN}'", InvalidId),
        ("amount => 5.01", HoldAmountExceeded),
    ],
)
def test_a_posting_that_cannot_be_is_refused(ledger, arguments, error):
    hold = ledger.hold(5)
    before = ledger.held(ledger.wallet)
    with pytest.raises(error):
        ledger.conn.execute(f"select pgledger_post_hold(%s, {arguments})".encode(), [hold])
    assert ledger.held(ledger.wallet) == before
    assert ledger.get_hold(hold).status == "pending"


@pytest.mark.parametrize("at", ["infinity", "-infinity", "10000-01-01 00:00+00"])
def test_a_time_that_cannot_be_is_no_expiry(ledger, at):
    hold = ledger.hold(5)
    with pytest.raises(InvalidTime):
        ledger.conn.execute("select pgledger_extend_hold(%s, %s)", [hold, at])


@pytest.mark.parametrize("count", [None, 0, -1, 100_001])
def test_a_number_of_holds_that_cannot_be_is_refused(ledger, count):
    with pytest.raises(InvalidArgument):
        ledger.conn.execute("select pgledger_expire_holds(%s)", [count])


def test_decimal_places_are_those_of_the_accounts(ledger):
    hold = ledger.hold("0.123")
    ledger.conn.execute("update pgledger.accounts set amount_scale = 2")
    with pytest.raises(InvalidAmount, match="2 decimal places"):
        ledger.hold("0.123")
    with pytest.raises(InvalidAmount, match="2 decimal places"):
        ledger.post_hold(hold, amount=Decimal("0.001"))
    # What is held already can be posted.
    assert ledger.post_hold(hold).amount == Decimal("0.123")


def test_an_account_ahead_of_the_clock_refuses_holds(ledger, set_clock):
    hold = ledger.hold(1)
    set_clock(ledger.conn, "clock_timestamp() - interval '2 days'")
    for attempt in (lambda: ledger.hold(1), lambda: ledger.post_hold(hold)):
        with pytest.raises(errors.AccountAheadOfClock):
            attempt()
    set_clock(ledger.conn, "clock_timestamp() - interval '2 hours'")
    ledger.post_hold(hold)
    set_clock(ledger.conn, None)
    assert ledger.faults() == []


# What is written


@pytest.mark.parametrize(
    "statement",
    [
        "delete from pgledger.holds",
        "truncate pgledger.holds",
        *(
            f"update pgledger.holds set {change}"
            for change in (
                "amount = amount + 1",
                "from_key = to_key",
                "from_is_first = not from_is_first",
                "id = lower(id)",
                "metadata = '{}'",
                "group_id = 'x'",
                "created_at = created_at - interval '1 second'",
                "event_at = now()",
                "first_expires_at = now()",
                "posted_amount = -1",
            )
        ),
    ],
)
def test_what_was_asked_for_never_changes(ledger, statement):
    ledger.hold(5)
    with pytest.raises(ImmutableRecord):
        ledger.conn.execute(statement.encode())


@pytest.mark.parametrize(
    "change",
    [
        "status = 0",
        "posted_amount = 9",
        "ended_at = now()",
        "expires_at = now()",
        "out_released = false",
        "in_released = false",
    ],
)
def test_what_has_ended_never_changes(ledger, change):
    ledger.void_hold(ledger.hold(5))
    with pytest.raises(ImmutableRecord):
        ledger.conn.execute(f"update pgledger.holds set {change}".encode())


def test_savepoints_take_holds_back(ledger):
    with ledger.conn.transaction():
        hold = ledger.hold(40)
        ledger.conn.execute("savepoint part")
        ledger.post_hold(hold, amount=10, final=False)
        with pytest.raises(HoldAmountExceeded):
            ledger.post_hold(hold, amount=31)
        ledger.conn.execute("rollback to savepoint part")
        assert ledger.get_hold(hold).posted_amount == 0
        with ledger.conn.transaction(force_rollback=True):
            ledger.void_hold(hold)
        ledger.post_hold(hold, amount=15)
    assert ledger.held(ledger.wallet) == (85, 0, 0, 85)
    with ledger.conn.transaction(force_rollback=True):
        ledger.hold(85)
    assert ledger.stored(ledger.wallet) == (0, 0)
    assert ledger.faults() == []


# Verification


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        (
            "update pgledger.accounts set held_out = held_out + 1 where name = 'wallet'",
            "accounts hold what is left of their unreleased holds",
        ),
        (
            "update pgledger.accounts set held_in = 0 where name = 'shop'",
            "accounts hold what is left of their unreleased holds",
        ),
        (
            "update pgledger.transfers set origin_id = null where origin_id is not null",
            "what was posted of holds are the sums of their transfers",
        ),
        (
            f"update pgledger.transfers set origin_id = '{UNKNOWN}' where origin_id is null",
            "what was posted of holds are the sums of their transfers",
        ),
        (
            "update pgledger.holds set posted_amount = 4.5 where status = 1",
            "what was posted of holds are the sums of their transfers",
        ),
        (
            "update pgledger.holds set id = lower(id) where status = 2",
            "holds join two accounts of one app and currency",
        ),
        (
            "update pgledger.holds set to_key = 77 where status = 2",
            "holds join two accounts of one app and currency",
        ),
        (
            "update pgledger.holds set from_is_first = not from_is_first where status = 2",
            "holds join two accounts of one app and currency",
        ),
        *(
            (
                f"update pgledger.holds set {change}",
                "holds are pending, posted, voided or expired, and each ended once",
            )
            for change in (
                "ended_at = now() where status = 0",
                "expires_at = now() + interval '1 year' where status = 0",
                "ended_at = null where status = 2",
                "ended_at = created_at - interval '1 second' where status = 2",
                "in_released = false, amount = 5 where status = 1",
                "status = 1 where status = 2",
                "status = 3 where status = 2",
                "status = 4 where status = 2",
                "amount = 0 where status = 2",
            )
        ),
    ],
)
def test_what_was_tampered_with_is_found(ledger, statement, check):
    ledger.hold(10)
    ledger.post_hold(ledger.hold(7), amount=5)
    ledger.void_hold(ledger.hold(3))
    assert ledger.faults() == []
    for table in ("accounts", "transfers", "holds"):
        ledger.conn.execute(f"alter table pgledger.{table} disable trigger all".encode())
    ledger.conn.execute(statement.encode())
    for table, triggers in (
        ("accounts", ("accounts_rows_are_never_deleted", "accounts_are_never_deleted")),
        ("transfers", ("transfers_rows_never_change", "transfers_never_change")),
        (
            "holds",
            (
                *("holds_rows_are_never_deleted", "holds_are_never_deleted", "holds_only_end"),
                "holds_keep_what_was_asked",
            ),
        ),
    ):
        for trigger in triggers:
            ledger.conn.execute(
                f"alter table pgledger.{table} enable always trigger {trigger}".encode()
            )
    assert check in ledger.faults()
    # That a hold's end was noted is looked at beside its state.
    noted = "the ends of holds that nothing posted whole are noted"
    others = [fault for fault in ledger.faults() if fault != noted]
    assert len(others) == 1 or "in_released" in statement

"""Limits of accounts as numbers, what is held on them, status and decimal places.

No function sets what is held, the status or the decimal places yet: the tests write them as the
owner does. Every way of making transfers looks at them, and says the same.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from pgledger import Account, Ledger, Transfer, TransferRequest, errors, ids
from pgledger.migrate import migrate
from support.clock import SetClock
from support.database import Connect, NewDatabase
from support.exact import negated
from support.invoices import carry_clock, put_clock
from support.subscriptions import utc
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]
Amount = Decimal | int
Asked = tuple[str, str, Amount]
Make = Callable[[Session, Sequence[Asked]], list[Transfer]]


def single(conn: Session, asked: Sequence[Asked]) -> list[Transfer]:
    return [Ledger(conn).create_transfer(*one) for one in asked]


def single_with_id(conn: Session, asked: Sequence[Asked]) -> list[Transfer]:
    return [Ledger(conn).create_transfer(*one, id=ids.generate("pglt")) for one in asked]


def bulk(conn: Session, asked: Sequence[Asked]) -> list[Transfer]:
    return Ledger(conn).create_transfers([TransferRequest(*one) for one in asked])


def bulk_with_ids(conn: Session, asked: Sequence[Asked]) -> list[Transfer]:
    return Ledger(conn).create_transfers(
        [TransferRequest(*one, id=ids.generate("pglt")) for one in asked]
    )


def rows(conn: Session, asked: Sequence[Asked]) -> list[Transfer]:
    arguments = ", ".join(["(%s, %s, %s)"] * len(asked))
    found = conn.execute(
        f"select * from pgledger_create_transfers({arguments})".encode(),
        [value for one in asked for value in one],
    )
    return [Transfer(*row) for row in found.fetchall()]


each_way = pytest.mark.parametrize("make", [single, single_with_id, bulk, bulk_with_ids, rows])
each_batch = pytest.mark.parametrize("make", [bulk, bulk_with_ids, rows])


@dataclass
class Books:
    """A bank without limits, and what tests open beside it."""

    conn: Session
    bank: str = ""

    def open(self, name: str, balance: Amount = 0, **options: Any) -> str:
        """Opens an account and brings it to a balance."""
        opened = Ledger(self.conn).create_account(name, "USD", **options).id
        if balance > 0:
            single(self.conn, [(self.bank, opened, balance)])
        elif balance < 0:
            single(self.conn, [(opened, self.bank, -balance)])
        return opened

    def note(self, account_id: str, **columns: Any) -> None:
        """Writes columns of an account as the owner."""
        for name, value in columns.items():
            self.conn.execute(
                f"update pgledger.accounts set {name} = %s where id = %s".encode(),
                [value, account_id],
            )

    def account(self, account_id: str) -> Account:
        return Ledger(self.conn).get_account(account_id)

    def refusal(self, make: Make, *asked: Asked, of: type[errors.PgledgerError]) -> str:
        """Returns the message of a call that is refused, without the request's number."""
        with pytest.raises(of) as raised, self.conn.transaction():
            make(self.conn, asked)
        said = raised.value.diag.message_primary or ""
        return said.removeprefix(f"request {len(asked)} of {len(asked)}: ")


@pytest.fixture
def books(connect: Connect) -> Books:
    conn = connect(autocommit=True)
    return Books(conn, Ledger(conn).create_account("bank", "USD").id)


def assert_verified(conn: Session) -> None:
    found = conn.execute("select check_name from pgledger_verify() where violations > 0")
    # A status that a test has written stands in no history, and what it has held in no hold.
    assert set(found.fetchall()) <= {
        ("accounts are as their newest change left them",),
        ("accounts hold what is left of their unreleased holds",),
    }


# What is said


@each_way
def test_an_overdraft_is_a_lower_limit_below_zero(books: Books, make: Make) -> None:
    wallet = books.open("wallet", min_balance=-500)
    make(books.conn, [(wallet, books.bank, 450)])
    assert books.refusal(make, (wallet, books.bank, 100), of=errors.InsufficientFunds) == (
        f"account {wallet} (wallet) may not fall below -500: -450 less 100 would leave -550"
    )
    make(books.conn, [(wallet, books.bank, 50)])
    books.refusal(make, (wallet, books.bank, Decimal("1e-18")), of=errors.InsufficientFunds)
    assert books.account(wallet).balance == -500
    assert books.account(wallet).available_balance == 0
    assert_verified(books.conn)


@each_way
def test_an_upper_limit_is_kept_to_the_last_unit(books: Books, make: Make) -> None:
    card = books.open("card", max_balance=Decimal("99.50"))
    make(books.conn, [(books.bank, card, Decimal("99.50"))])
    said = books.refusal(
        make, (books.bank, card, Decimal("0.01")), of=errors.PositiveBalanceNotAllowed
    )
    assert said == (
        f"account {card} (card) may not rise above 99.5: 99.50 plus 0.01 would leave 99.51"
    )
    make(books.conn, [(card, books.bank, 1)])
    assert_verified(books.conn)


@each_way
def test_limits_of_zero_say_what_flags_say(books: Books, make: Make) -> None:
    for options in ({"allow_negative_balance": False}, {"min_balance": 0}):
        wallet = books.open("wallet", Decimal("2.50"), **options)
        assert books.refusal(make, (wallet, books.bank, 3), of=errors.InsufficientFunds) == (
            f"account {wallet} (wallet) does not allow a negative balance:"
            " 2.50 less 3 would leave -0.50"
        )
    for options in ({"allow_positive_balance": False}, {"max_balance": 0}):
        debt = books.open("debt", Decimal("-2.50"), **options)
        said = books.refusal(make, (books.bank, debt, 3), of=errors.PositiveBalanceNotAllowed)
        assert said == (
            f"account {debt} (debt) does not allow a positive balance:"
            " -2.50 plus 3 would leave 0.50"
        )


@each_way
def test_what_is_held_counts_and_is_named(books: Books, make: Make) -> None:
    ledger = Ledger(books.conn)
    wallet = books.open("wallet", 100, min_balance=0)
    leaving = ledger.create_hold(wallet, books.bank, 30)
    assert books.account(wallet).available_balance == 70
    assert books.refusal(make, (wallet, books.bank, 71), of=errors.InsufficientFunds) == (
        f"account {wallet} (wallet) may not fall below 0: 100 less 71 and 30 held would leave -1"
    )
    make(books.conn, [(wallet, books.bank, 70)])
    assert books.account(wallet).available_balance == 0

    card = books.open("card", 40, max_balance=100)
    coming = ledger.create_hold(books.bank, card, Decimal("50.5"))
    said = books.refusal(make, (books.bank, card, 10), of=errors.PositiveBalanceNotAllowed)
    assert said == (
        f"account {card} (card) may not rise above 100: 40 plus 10 and 50.5 held would leave 100.5"
    )
    make(books.conn, [(books.bank, card, Decimal("9.5"))])
    # What is held to come in cannot be spent, and what is held to go out makes no room.
    ledger.void_hold(leaving.id)
    ledger.create_hold(books.bank, wallet, 1000)
    books.refusal(make, (wallet, books.bank, 31), of=errors.InsufficientFunds)
    ledger.void_hold(coming.id)
    ledger.create_hold(card, books.bank, 1000)
    books.refusal(make, (books.bank, card, 51), of=errors.PositiveBalanceNotAllowed)
    assert_verified(books.conn)


@each_way
def test_an_account_without_limits_may_hold_what_it_has_not(books: Books, make: Make) -> None:
    account = books.open("clearing")
    books.note(account, held_out=Decimal("9e29"), held_in=Decimal("9e29"))
    make(books.conn, [(account, books.bank, Decimal("5e29"))])
    make(books.conn, [(books.bank, account, Decimal("9e29"))])
    # Within the range of balances, but outside of where a quick look suffices.
    make(books.conn, [(books.bank, account, Decimal("5.5e29"))])
    assert books.account(account).balance == Decimal("9.5e29")
    till = books.open("till")
    said = books.refusal(make, (till, account, Decimal("5e28")), of=errors.BalanceOutOfRange)
    assert said.startswith(f"account {account} (clearing) cannot hold a balance of 1000000")


@each_way
def test_beyond_a_limit_only_what_leads_away_from_it_is_refused(books: Books, make: Make) -> None:
    account = books.open("account", -600)
    books.note(account, min_balance=-500)
    said = books.refusal(make, (account, books.bank, 1), of=errors.InsufficientFunds)
    assert said.endswith("may not fall below -500: -600 less 1 would leave -601")
    make(books.conn, [(books.bank, account, 50)])
    books.refusal(make, (account, books.bank, 1), of=errors.InsufficientFunds)
    make(books.conn, [(books.bank, account, 700)])
    books.note(account, min_balance=None, max_balance=100)
    said = books.refusal(make, (books.bank, account, 1), of=errors.PositiveBalanceNotAllowed)
    assert said.endswith("may not rise above 100: 150 plus 1 would leave 151")
    make(books.conn, [(account, books.bank, 20)])
    books.refusal(make, (books.bank, account, 1), of=errors.PositiveBalanceNotAllowed)
    assert books.account(account).balance == 130


@each_batch
def test_a_batch_is_judged_after_every_leg(books: Books, make: Make) -> None:
    wallet = books.open("wallet", min_balance=-10, max_balance=10)
    there, back = (books.bank, wallet, 10), (wallet, books.bank, 10)
    make(books.conn, [there, back, back, there, there, back])
    for asked, error, left in (
        ((there, back, back, back), errors.InsufficientFunds, "-10 less 10 would leave -20"),
        ((back, there, there, there), errors.PositiveBalanceNotAllowed, "10 plus 10 would leave 2"),
    ):
        with pytest.raises(error, match=rf"^request 4 of 6: account {wallet} .*{left}"):
            make(books.conn, [*asked, there, back])
    assert books.account(wallet).version == 6
    assert_verified(books.conn)


# Status


@each_way
@pytest.mark.parametrize(
    ("status", "word", "leaving", "reaching"),
    [
        (0, "open", None, None),
        (1, "frozen_out", errors.AccountFrozen, None),
        (2, "frozen_in", None, errors.AccountFrozen),
        (3, "frozen_both", errors.AccountFrozen, errors.AccountFrozen),
        (4, "closed", errors.AccountClosed, errors.AccountClosed),
    ],
)
def test_a_status_stops_what_it_says(
    books: Books,
    make: Make,
    status: int,
    word: str,
    leaving: type[errors.PgledgerError] | None,
    reaching: type[errors.PgledgerError] | None,
) -> None:
    account = books.open("account", 5)
    books.note(account, status=status)
    assert books.account(account).status == word
    shown = books.conn.execute("select status from pgledger_accounts_v1 where id = %s", [account])
    assert shown.fetchall() == [(word,)]
    for pair, error, direction in (
        ((account, books.bank), leaving, "leave"),
        ((books.bank, account), reaching, "reach"),
    ):
        if error is None:
            make(books.conn, [(*pair, 1)])
        elif error is errors.AccountClosed:
            said = books.refusal(make, (*pair, 1), of=error)
            assert said == f"account {account} (account) is closed"
        else:
            said = books.refusal(make, (*pair, 1), of=error)
            assert said == f"account {account} (account) is frozen: nothing may {direction} it"
    assert_verified(books.conn)


@each_way
def test_the_account_that_an_amount_leaves_is_named_first(books: Books, make: Make) -> None:
    source, target = books.open("source"), books.open("target")
    books.note(target, status=4)
    books.note(source, status=3)
    said = books.refusal(make, (source, target, 1), of=errors.AccountFrozen)
    assert said == f"account {source} (source) is frozen: nothing may leave it"
    books.refusal(make, (target, source, 1), of=errors.AccountClosed)


# Decimal places


@each_way
@pytest.mark.parametrize(
    ("scale", "good", "bad", "places"),
    [
        (2, "0.30", "0.30000000000000004", "2 decimal places"),
        (1, "7.10000", "7.11", "1 decimal place"),
        (0, "7.000", "7.5", "0 decimal places"),
        (18, "0.000000000000000001", None, ""),
        (None, "0.000000000000000001", None, ""),
    ],
)
def test_amounts_have_the_decimal_places_of_the_account(
    books: Books, make: Make, scale: int | None, good: str, bad: str | None, places: str
) -> None:
    account = books.open("account")
    books.note(account, amount_scale=scale)
    assert books.account(account).amount_scale == scale
    for pair in ((account, books.bank), (books.bank, account)):
        (made,) = make(books.conn, [(*pair, Decimal(good))])
        # As it was given, trailing zeros and all.
        assert str(made.amount) == str(Decimal(good))
        if bad is not None:
            with pytest.raises(errors.InvalidAmount) as raised:
                make(books.conn, [(*pair, Decimal(bad))])
            said = raised.value.diag.message_primary or ""
            assert said.endswith(f"amount {bad} is not valid: USD has {places}")
            assert "Round the amount" in (raised.value.diag.message_hint or "")


@each_way
def test_of_two_decimal_places_the_fewer_count(books: Books, make: Make) -> None:
    fine, coarse = books.open("fine"), books.open("coarse")
    books.note(fine, amount_scale=4)
    books.note(coarse, amount_scale=2)
    for pair in ((fine, coarse), (coarse, fine)):
        make(books.conn, [(*pair, Decimal("0.01"))])
        said = books.refusal(make, (*pair, Decimal("0.001")), of=errors.InvalidAmount)
        assert said.endswith("USD has 2 decimal places")
    make(books.conn, [(fine, books.bank, Decimal("0.0001"))])


# Order of checks


@each_way
def test_status_comes_before_decimal_places_and_these_before_limits(
    books: Books, make: Make
) -> None:
    wallet = books.open("wallet", min_balance=0)
    asked = (wallet, books.bank, Decimal("0.001"))
    books.note(wallet, status=1, amount_scale=2)
    books.refusal(make, asked, of=errors.AccountFrozen)
    books.note(wallet, status=2)
    books.refusal(make, asked, of=errors.InvalidAmount)
    books.note(wallet, amount_scale=3)
    books.refusal(make, asked, of=errors.InsufficientFunds)


@each_way
def test_the_clock_comes_before_status(books: Books, set_clock: SetClock, make: Make) -> None:
    now = utc("2030-03-01 12:00")
    carry_clock(books.conn, set_clock, now)
    other = books.open("other")
    put_clock(books.conn, now + timedelta(days=2))
    account = books.open("account", 1)
    put_clock(books.conn, now)
    books.note(account, status=4)
    books.refusal(make, (account, other, 1), of=errors.AccountAheadOfClock)


@each_way
def test_a_currency_comes_before_status(books: Books, make: Make) -> None:
    euros = Ledger(books.conn).create_account("euros", "EUR").id
    books.note(euros, status=4)
    books.refusal(make, (books.bank, euros, 1), of=errors.CurrencyMismatch)


@each_batch
def test_each_check_looks_at_all_requests_of_a_batch(books: Books, make: Make) -> None:
    poor, coarse, frozen = books.open("poor", min_balance=0), books.open("coarse"), books.open("f")
    books.note(coarse, amount_scale=2)
    books.note(frozen, status=2)
    breaks_a_limit = (poor, books.bank, 1)
    has_a_fraction = (books.bank, coarse, Decimal("0.001"))
    reaches_what_is_frozen = (books.bank, frozen, 1)
    good = (books.bank, coarse, 1)
    batches: list[tuple[list[Asked], type[errors.PgledgerError], int]] = [
        ([good, breaks_a_limit, has_a_fraction, reaches_what_is_frozen], errors.AccountFrozen, 4),
        ([good, breaks_a_limit, has_a_fraction, has_a_fraction], errors.InvalidAmount, 3),
        ([good, breaks_a_limit, good, breaks_a_limit], errors.InsufficientFunds, 2),
        ([good, reaches_what_is_frozen, has_a_fraction, good], errors.AccountFrozen, 2),
    ]
    for asked, error, place in batches:
        with pytest.raises(error, match=rf"^request {place} of 4: "):
            make(books.conn, asked)
    assert books.account(coarse).version == 0


@pytest.mark.parametrize("is_bulk", [False, True])
def test_a_repeat_is_answered_whatever_the_accounts_allow_by_now(
    books: Books, is_bulk: bool
) -> None:
    ledger = Ledger(books.conn)
    wallet = books.open("wallet", 10)
    request = TransferRequest(wallet, books.bank, Decimal("10.001"), id=ids.generate("pglt"))

    def ask(asked: TransferRequest) -> Transfer:
        if is_bulk:
            (answer,) = ledger.create_transfers([asked])
            return answer
        return ledger.create_transfer(
            asked.from_account_id, asked.to_account_id, asked.amount, id=asked.id
        )

    first = ask(request)
    books.note(wallet, status=4, amount_scale=2, min_balance=0)
    again = ask(request)
    assert again == first
    assert again.replayed
    with pytest.raises(errors.IdempotencyConflict):
        ask(replace(request, amount=2))
    with pytest.raises(errors.AccountClosed):
        ask(replace(request, id=ids.generate("pglt")))


def test_only_new_requests_of_a_batch_are_judged_and_named_by_their_place(books: Books) -> None:
    ledger = Ledger(books.conn)
    wallet = books.open("wallet", 10, min_balance=0)
    old = TransferRequest(wallet, books.bank, 10, id=ids.generate("pglt"))
    ledger.create_transfers([old])
    new = TransferRequest(books.bank, wallet, 3, id=ids.generate("pglt"))
    late = TransferRequest(wallet, books.bank, 4, id=ids.generate("pglt"))
    with pytest.raises(errors.InsufficientFunds, match=r"^request 4 of 4: .*3 less 4 would leave"):
        ledger.create_transfers([old, new, old, late])
    books.note(wallet, status=1)
    with pytest.raises(errors.AccountFrozen, match=r"^request 3 of 3: "):
        ledger.create_transfers([old, new, late])
    answers = ledger.create_transfers([old, new])
    assert [answer.replayed for answer in answers] == [True, False]


# Opening accounts


@pytest.mark.parametrize(
    ("given", "limits", "flags"),
    [
        ({}, (None, None), (True, True)),
        ({"min_balance": -500}, (-500, None), (True, True)),
        ({"max_balance": "1000.50"}, (None, "1000.5"), (True, True)),
        ({"min_balance": -1, "max_balance": 1}, (-1, 1), (True, True)),
        ({"min_balance": 0}, (0, None), (False, True)),
        ({"max_balance": 0}, (None, 0), (True, False)),
        ({"allow_negative_balance": False}, (0, None), (False, True)),
        ({"allow_positive_balance": False}, (None, 0), (True, False)),
        ({"allow_negative_balance": False, "min_balance": 0}, (0, None), (False, True)),
        ({"allow_negative_balance": False, "max_balance": 9}, (0, 9), (False, True)),
        ({"allow_positive_balance": False, "min_balance": -9}, (-9, 0), (True, False)),
        ({"allow_positive_balance": False, "max_balance": 0}, (None, 0), (True, False)),
        (
            {"min_balance": "-999999999999999999999999999999.999999999999999999"},
            ("-999999999999999999999999999999.999999999999999999", None),
            (True, True),
        ),
        # Zeros at the end do not count.
        ({"max_balance": "1." + "0" * 30}, (None, 1), (True, True)),
    ],
)
def test_flags_and_limits_of_a_new_account(
    books: Books, given: dict[str, Any], limits: Any, flags: Any
) -> None:
    options: dict[str, Any] = {
        name: Decimal(value) if isinstance(value, str) else value for name, value in given.items()
    }
    account = Ledger(books.conn).create_account("account", "USD", **options)
    expected = tuple(None if limit is None else Decimal(limit) for limit in limits)
    assert (account.min_balance, account.max_balance) == expected
    assert (account.allow_negative_balance, account.allow_positive_balance) == flags
    assert account.held_out == account.held_in == 0
    assert account.available_balance == negated(expected[0] or Decimal(0))
    assert (account.status, account.amount_scale) == ("open", None)
    shown = books.conn.execute(
        "select min_balance, max_balance, allow_negative_balance, allow_positive_balance, held_out,"
        " held_in, available_balance, status, amount_scale"
        " from pgledger_accounts_view where id = %s",
        [account.id],
    ).fetchall()
    held = (Decimal(0), Decimal(0))
    assert shown == [(*expected, *flags, *held, account.available_balance, "open", None)]
    assert Ledger(books.conn).get_account(account.id) == account


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("min_balance => 1", "min_balance 1 is not valid: it is above 0, the balance of a new"),
        ("max_balance => -0.5", "max_balance -0.5 is not valid: it is below 0, the balance of a"),
        (
            "allow_negative_balance => false, min_balance => -500",
            "min_balance -500 is not valid: it is below 0, and allow_negative_balance is false",
        ),
        (
            "allow_positive_balance => false, max_balance => 500.00",
            "max_balance 500.00 is not valid: it is above 0, and allow_positive_balance is false",
        ),
        ("min_balance => 5, max_balance => -5", "it is above max_balance, -5"),
        ("min_balance => 'NaN'", "min_balance NaN is not valid: it is not a number"),
        ("max_balance => 'NaN'", "max_balance NaN is not valid: it is not a number"),
        ("min_balance => '-Infinity'", "min_balance -Infinity is not valid: it is not finite"),
        ("max_balance => 'Infinity'", "max_balance Infinity is not valid: it is not finite"),
        ("min_balance => -1e30", "it is not above -1e30"),
        ("max_balance => 1e30", "it is not below 1e30"),
        ("min_balance => -1e40", "min_balance -10000000"),
        ("min_balance => -0.0000000000000000001", "it has 19 decimal places"),
        ("max_balance => 0.0000000000000000001", "it has 19 decimal places"),
    ],
)
def test_limits_that_a_new_account_cannot_have(
    books: Books, given: LiteralString, says: str
) -> None:
    with pytest.raises(errors.InvalidArgument) as raised:
        books.conn.execute(f"select * from pgledger_create_account('x', 'USD', {given})".encode())
    assert says in (raised.value.diag.message_primary or "")


def test_an_account_opened_again_with_other_limits_is_a_conflict(books: Books) -> None:
    ledger = Ledger(books.conn)
    chosen = ids.generate("pgla")
    first = ledger.create_account("wallet", "USD", id=chosen, allow_negative_balance=False)
    # The same limit, however it is said.
    again = ledger.create_account("wallet", "USD", id=chosen, min_balance=Decimal("0.00"))
    assert again == first
    assert again.replayed
    others: list[tuple[dict[str, Any], str]] = [
        ({"min_balance": -500}, "min_balance was 0 and is now -500."),
        ({"min_balance": 0, "max_balance": 7}, "max_balance was null and is now 7."),
        ({}, "min_balance was 0 and is now null."),
    ]
    for options, differs in others:
        with pytest.raises(errors.IdempotencyConflict) as raised:
            ledger.create_account("wallet", "USD", id=chosen, **options)
        assert raised.value.diag.message_detail == f"Compared with the first request, {differs}"


def test_limits_come_before_metadata(books: Books) -> None:
    call = "select * from pgledger_create_account('x', %s, metadata => '[]', min_balance => 1)"
    with pytest.raises(errors.InvalidArgument):
        books.conn.execute(call, ["USD"])
    with pytest.raises(errors.InvalidCurrency):
        books.conn.execute(call, ["US D"])


# Transactions


@each_way
def test_a_refusal_leaves_nothing_behind(books: Books, make: Make) -> None:
    wallet = books.open("wallet", min_balance=-10)
    with books.conn.transaction():
        make(books.conn, [(wallet, books.bank, 4)])
        books.refusal(make, (wallet, books.bank, 7), of=errors.InsufficientFunds)
        make(books.conn, [(wallet, books.bank, 6)])
    assert (books.account(wallet).balance, books.account(wallet).version) == (-10, 2)
    assert_verified(books.conn)


# Two sessions


@dataclass
class Race:
    """Somebody who changes an account and waits, and a transfer that comes meanwhile."""

    holder: Session
    late: Session
    wait: WaitUntilBlocked
    pool: ThreadPoolExecutor

    def lets_late(self, make: Make, asked: Asked) -> "Future[list[Transfer]]":
        future = self.pool.submit(make, self.late, [asked])
        self.wait(self.late.info.backend_pid, by=self.holder.info.backend_pid)
        return future


@pytest.fixture
def race(connect: Connect, wait_until_blocked: WaitUntilBlocked) -> Any:
    options = {"options": "-c statement_timeout=60s"}
    with ThreadPoolExecutor(1) as pool:
        yield Race(
            connect(**options), connect(autocommit=True, **options), wait_until_blocked, pool
        )


CHANGES = {
    "frozen": ("status = 1", errors.AccountFrozen),
    "closed": ("status = 4", errors.AccountClosed),
    "other decimal places": ("amount_scale = 0", errors.InvalidAmount),
    "a tighter limit": ("min_balance = 0", errors.InsufficientFunds),
    "a hold": ("held_out = 10", errors.InsufficientFunds),
}


@each_way
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_a_transfer_sees_the_change_that_it_waited_for(
    books: Books, race: Race, make: Make, change: str, ends: str
) -> None:
    account = books.open("account", min_balance=-10)
    statement, error = CHANGES[change]
    race.holder.execute(
        f"update pgledger.accounts set {statement} where id = %s".encode(), [account]
    )
    future = race.lets_late(make, (account, books.bank, Decimal("0.5")))
    getattr(race.holder, ends)()
    if ends == "commit":
        with pytest.raises(error):
            future.result(timeout=60)
        assert books.account(account).version == 0
    else:
        assert len(future.result(timeout=60)) == 1
        assert books.account(account).balance == Decimal("-0.5")


@each_way
@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_the_last_of_an_overdraft_is_given_once(
    books: Books, race: Race, make: Make, ends: str
) -> None:
    account = books.open("account", -490, min_balance=-500)
    make(race.holder, [(account, books.bank, 6)])
    future = race.lets_late(make, (account, books.bank, 6))
    getattr(race.holder, ends)()
    if ends == "commit":
        with pytest.raises(errors.InsufficientFunds, match=r"-496 less 6 would leave -502"):
            future.result(timeout=60)
    else:
        assert len(future.result(timeout=60)) == 1
    assert books.account(account).balance == -496
    assert_verified(books.conn)


@each_way
def test_a_change_waits_for_the_transfer_that_came_first(
    books: Books, race: Race, make: Make
) -> None:
    account = books.open("account")
    make(race.holder, [(account, books.bank, 1)])
    future = race.pool.submit(
        race.late.execute, "update pgledger.accounts set status = 3 where id = %s", [account]
    )
    race.wait(race.late.info.backend_pid, by=race.holder.info.backend_pid)
    race.holder.commit()
    future.result(timeout=60)
    assert (books.account(account).balance, books.account(account).status) == (-1, "frozen_both")
    books.refusal(make, (account, books.bank, 1), of=errors.AccountFrozen)


@each_way
def test_a_snapshot_from_before_a_change_is_not_relied_on(
    books: Books, race: Race, make: Make
) -> None:
    account = books.open("account")
    race.late.isolation_level = IsolationLevel.REPEATABLE_READ
    race.late.autocommit = False
    race.late.execute("select from pgledger_accounts_v1")
    books.note(account, status=1)
    with pytest.raises(SerializationFailure):
        make(race.late, [(account, books.bank, 1)])
    race.late.rollback()
    with pytest.raises(errors.AccountFrozen):
        make(race.late, [(account, books.bank, 1)])
    race.late.rollback()


# Databases from before


FLAGS = {"any": (True, True), "debit": (False, True), "credit": (True, False), "no": (False, False)}


def test_flags_of_accounts_that_are_there_become_limits(
    database: NewDatabase, tmp_path: Path
) -> None:
    whole = Path(__file__).parents[2] / "sql"
    before = tmp_path / "sql"
    (before / "migrations").mkdir(parents=True)
    for path in (whole / "migrations").glob("*.sql"):
        if path.name < "0012":
            (before / "migrations" / path.name).write_text(path.read_text())
    dsn = database()
    migrate(dsn, sql_dir=before)
    with psycopg.connect(dsn, autocommit=True) as conn:
        for name, flags in FLAGS.items():
            conn.execute(
                "insert into pgledger.accounts (created_at, updated_at, allow_negative_balance,"
                " allow_positive_balance, id, app_id, currency, name, tenant_id)"
                " values (now(), now(), %s, %s, %s, '', 'USD', %s, '')",
                [*flags, ids.generate("pgla"), name],
            )
        # As the view was, with a view of somebody's own on it.
        conn.execute(
            """
            create view pgledger_accounts_v1 as
            select
              id, name, currency, balance, version, allow_negative_balance, allow_positive_balance,
              metadata, created_at, updated_at, app_id, tenant_id
            from pgledger.accounts
            cross join (select) as read_only;
            create view wallets as
            select name, allow_negative_balance, allow_positive_balance from pgledger_accounts_v1
            """
        )
        migrate(dsn)
        assert {
            name: flags for name, *flags in conn.execute("select * from wallets").fetchall()
        } == {name: list(flags) for name, flags in FLAGS.items()}
        for name, min_balance, max_balance in conn.execute(
            "select name, min_balance, max_balance from pgledger_accounts_view"
        ).fetchall():
            expected = tuple(None if flag else 0 for flag in FLAGS[name])
            assert (min_balance, max_balance) == expected
        assert_verified(conn)

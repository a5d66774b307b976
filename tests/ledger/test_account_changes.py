"""Accounts that change: renamed, limited, frozen, closed and reopened, each time on record."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from pgledger import Account, Ledger, PgledgerError, Transfer, TransferRequest, errors, ids
from support.clock import SetClock
from support.database import Connect
from support.invoices import carry_clock, put_clock
from support.subscriptions import utc

Session = psycopg.Connection[Any]
Make = Callable[[Ledger, str, str, Any], list[Transfer]]

NOW = utc("2026-03-01 12:00")
MICROSECOND = timedelta(microseconds=1)
STATUSES = ("open", "frozen_out", "frozen_in", "frozen_both", "closed")


def single(ledger: Ledger, source: str, target: str, amount: Any = 1) -> list[Transfer]:
    return [ledger.create_transfer(source, target, Decimal(amount))]


def single_with_id(ledger: Ledger, source: str, target: str, amount: Any = 1) -> list[Transfer]:
    return [ledger.create_transfer(source, target, Decimal(amount), id=ids.generate("pglt"))]


def bulk(ledger: Ledger, source: str, target: str, amount: Any = 1) -> list[Transfer]:
    return ledger.create_transfers([(source, target, Decimal(amount))])


def bulk_with_ids(ledger: Ledger, source: str, target: str, amount: Any = 1) -> list[Transfer]:
    return ledger.create_transfers(
        [TransferRequest(source, target, Decimal(amount), id=ids.generate("pglt"))]
    )


each_way = pytest.mark.parametrize("make", [single, single_with_id, bulk, bulk_with_ids])


class Books(Ledger):
    """A ledger, and the connection that it calls on."""

    def __init__(self, conn: Session) -> None:
        super().__init__(conn)
        self.conn = conn


@pytest.fixture
def ledger(connect: Connect) -> Books:
    """A ledger whose calls commit by themselves."""
    return Books(connect(autocommit=True))


@pytest.fixture
def bank(ledger: Books) -> str:
    return ledger.create_account("bank", "USD").id


def open_account(ledger: Books, bank: str, balance: int | str = 0, **options: Any) -> str:
    account = ledger.create_account("wallet", "USD", **options).id
    amount = Decimal(balance)
    if amount > 0:
        ledger.create_transfer(bank, account, amount)
    elif amount < 0:
        ledger.create_transfer(account, bank, -amount)
    return account


def history(ledger: Books, account: str, *columns: str) -> list[tuple[Any, ...]]:
    query = (
        f"select {', '.join(columns)} from pgledger_account_changes_view"
        " where account_id = %s order by number"
    )
    return ledger.conn.execute(query.encode(), [account]).fetchall()


def changes(ledger: Books, account: str) -> list[str]:
    return [change for (change,) in history(ledger, account, "change")]


def faults(ledger: Books) -> list[str]:
    checks = ledger.verify()
    return [check.check_name for check in checks if not check.ok]


def tamper(ledger: Books, statement: str) -> None:
    """Does what no function does yet."""
    ledger.conn.execute(statement.encode())


# Names and metadata


def test_what_is_given_is_changed_and_the_rest_stays(ledger, bank):
    account = open_account(ledger, bank, 5, metadata={"ref": 1}, min_balance=-7)
    before = ledger.get_account(account)

    renamed = ledger.update_account(account, name="purse", reason="a better word")
    assert renamed.name == "purse"
    assert renamed.metadata == {"ref": 1}
    assert renamed.replayed is False
    noted = ledger.update_account(account, metadata={})
    assert (noted.name, noted.metadata) == ("purse", {})
    both = ledger.update_account(account, name="wallet", metadata={"ref": 1})

    # What transfers count and tell is none of this.
    assert both == before == ledger.get_account(account)
    assert history(
        ledger, account, "number", "change", "from_name", "to_name", "from_metadata", "to_metadata"
    ) == [
        (1, "update", "wallet", "purse", {"ref": 1}, {"ref": 1}),
        (2, "update", "purse", "purse", {"ref": 1}, {}),
        (3, "update", "purse", "wallet", {}, {"ref": 1}),
    ]
    assert history(ledger, account, "reason")[0] == ("a better word",)
    assert (
        history(ledger, account, "account_version", "from_min_balance", "to_min_balance")
        == [(1, -7, -7)] * 3
    )
    assert faults(ledger) == []


def test_entries_and_transfers_show_the_new_name(ledger, bank):
    account = open_account(ledger, bank, 5)
    ledger.update_account(account, name="purse")
    (entry,) = ledger.account_entries(account)
    assert entry.account_name == "purse"
    assert ledger.get_transfer(entry.transfer_id).to_account_name == "purse"


@pytest.mark.parametrize(
    "change",
    [
        lambda ledger, account: ledger.update_account(account),
        lambda ledger, account: ledger.update_account(account, name="wallet"),
        lambda ledger, account: ledger.update_account(account, metadata={"a": 1.0}),
        lambda ledger, account: ledger.set_limits(account, Decimal("-5.00"), 70),
        lambda ledger, account: ledger.freeze_account(account, "in"),
        lambda ledger, account: ledger.unfreeze_account(account, direction="out"),
        lambda ledger, account: ledger.reopen_account(account),
    ],
)
def test_a_call_that_changes_nothing_writes_nothing(ledger, bank, change):
    account = open_account(ledger, bank, 5, metadata={"a": 1}, min_balance=-5, max_balance=70)
    frozen = ledger.freeze_account(account, "in")
    answer = change(ledger, account)
    assert answer == frozen == ledger.get_account(account)
    assert answer.replayed is True
    assert changes(ledger, account) == ["freeze"]


def test_closing_twice_writes_one_change(ledger, bank):
    account = open_account(ledger, bank)
    assert ledger.close_account(account).replayed is False
    again = ledger.close_account(account, sweep_to=bank)
    assert (again.status, again.replayed) == ("closed", True)
    assert changes(ledger, account) == ["close"]


# The history


def test_history_says_who_and_as_whom(conn):
    # Roles belong to the server, and go with the transaction.
    ledger = Books(conn)
    conn.execute("create role clerk; grant pgledger_poster to clerk")
    account = ledger.create_account("wallet", "USD").id
    ledger.freeze_account(account, "both", reason="a court order")
    conn.execute("set role clerk")
    ledger.unfreeze_account(account)
    conn.execute("reset role; set session authorization clerk")
    ledger.freeze_account(account, "in")
    assert history(ledger, account, "changed_by", "changed_as", "reason") == [
        (conn.info.user, "none", "a court order"),
        (conn.info.user, "clerk", None),
        ("clerk", "none", None),
    ]


def test_history_stands_under_both_names(ledger, bank):
    account = open_account(ledger, bank, 5)
    ledger.set_limits(account, 1, 9, reason="a deposit")
    ledger.freeze_account(account, "out")
    rows = ledger.conn.execute("select * from pgledger_account_changes_v1").fetchall()
    assert len(rows) == 2
    assert rows == ledger.conn.execute("select * from pgledger_account_changes_view").fetchall()
    assert history(
        ledger, account, "from_min_balance", "to_min_balance", "from_max_balance",
        "to_max_balance", "from_status", "to_status", "account_version", "app_id", "tenant_id",
    ) == [
        (None, 1, None, 9, "open", "open", 1, "", ""),
        (1, 1, 9, 9, "open", "frozen_out", 1, "", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "update pgledger.account_changes set reason = 'none'",
        "delete from pgledger.account_changes",
        "truncate pgledger.account_changes",
    ],
)
def test_history_cannot_be_changed(ledger, bank, statement):
    account = open_account(ledger, bank)
    ledger.freeze_account(account, "in")
    for mode in ("origin", "replica"):
        ledger.conn.execute(f"set session_replication_role = {mode}".encode())
        with pytest.raises(errors.ImmutableRecord):
            ledger.conn.execute(statement.encode())
    ledger.conn.execute("set role pgledger_poster")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ledger.conn.execute(statement.encode())
    assert changes(ledger, account) == ["freeze"]


def test_times_ascend_along_the_account_whatever_the_clock_says(connect, set_clock: SetClock):
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, NOW)
    ledger = Books(conn)
    bank = ledger.create_account("bank", "USD").id
    account = open_account(ledger, bank, 5)
    posted_at = ledger.get_account(account).updated_at
    ledger.update_account(account, name="a")
    put_clock(conn, NOW - timedelta(hours=1))
    ledger.update_account(account, name="b")
    put_clock(conn, NOW + timedelta(hours=1))
    ledger.update_account(account, name="c")
    assert [at for (at,) in history(ledger, account, "changed_at")] == [
        posted_at + MICROSECOND,
        posted_at + 2 * MICROSECOND,
        NOW + timedelta(hours=1),
    ]
    # A change says nothing about when money moved.
    assert ledger.get_account(account).updated_at == posted_at
    assert faults(ledger) == []


def test_an_account_far_ahead_of_the_clock_can_be_frozen(connect, set_clock: SetClock):
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, NOW + timedelta(days=3))
    ledger = Books(conn)
    bank = ledger.create_account("bank", "USD").id
    account = open_account(ledger, bank, 5)
    put_clock(conn, NOW)
    assert ledger.freeze_account(account, "both").status == "frozen_both"
    ((changed_at,),) = history(ledger, account, "changed_at")
    assert changed_at == ledger.get_account(account).updated_at + MICROSECOND
    # The time is looked at before the status, and the account's is a wrong one.
    with pytest.raises(errors.AccountAheadOfClock):
        ledger.create_transfer(account, bank, 1)


# Limits


def test_both_limits_are_taken_and_null_means_none(ledger, bank):
    account = open_account(ledger, bank, 5, allow_negative_balance=False)
    limited = ledger.set_limits(account, -500, Decimal("7.50"), reason="an overdraft")
    assert (limited.min_balance, limited.max_balance) == (-500, Decimal("7.5"))
    assert (limited.allow_negative_balance, limited.allow_positive_balance) == (True, True)
    assert limited.available_balance == 505
    freed = ledger.set_limits(account, None, None)
    assert (freed.min_balance, freed.max_balance) == (None, None)
    owing = ledger.set_limits(account, None, 0, allow_existing=True)
    assert (owing.allow_negative_balance, owing.allow_positive_balance) == (True, False)
    assert changes(ledger, account) == ["set_limits"] * 3
    assert faults(ledger) == []


def test_limits_need_not_enclose_zero(ledger, bank):
    account = open_account(ledger, bank, 150)
    ledger.set_limits(account, 100, 200, reason="a deposit that stays")
    assert ledger.get_account(account).allow_negative_balance is False
    ledger.create_transfer(account, bank, 50)
    with pytest.raises(errors.InsufficientFunds, match="may not fall below 100"):
        ledger.create_transfer(account, bank, Decimal("0.01"))
    owed = open_account(ledger, bank, -150)
    ledger.set_limits(owed, -200, -100)
    with pytest.raises(errors.PositiveBalanceNotAllowed, match="may not rise above -100"):
        ledger.create_transfer(bank, owed, 51)
    assert faults(ledger) == []


@pytest.mark.parametrize(
    ("balance", "limits", "beyond"),
    [
        (-10, (-9, None), "min_balance of -9"),
        (-10, (0, 0), "min_balance of 0"),
        (10, (None, Decimal("9.99")), "max_balance of 9.99"),
        (10, (11, 12), "min_balance of 11"),
    ],
)
def test_a_limit_that_is_broken_already_is_refused_unless_it_is_meant(
    ledger, bank, balance, limits, beyond
):
    account = open_account(ledger, bank, balance)
    with pytest.raises(errors.LimitAlreadyBroken, match=beyond):
        ledger.set_limits(account, *limits)
    assert changes(ledger, account) == []
    limited = ledger.set_limits(account, *limits, allow_existing=True)
    assert (limited.min_balance, limited.max_balance) == limits
    assert faults(ledger) == []


@each_way
def test_beyond_a_limit_only_what_brings_it_nearer_passes(ledger, bank, make):
    low = open_account(ledger, bank, -10)
    ledger.set_limits(low, -5, None, allow_existing=True)
    high = open_account(ledger, bank, 10)
    ledger.set_limits(high, None, 5, allow_existing=True)
    for amount in ("0.01", 1, 3):
        with pytest.raises(errors.InsufficientFunds):
            make(ledger, low, bank, amount)
        make(ledger, bank, low, amount)
        with pytest.raises(errors.PositiveBalanceNotAllowed):
            make(ledger, bank, high, amount)
        make(ledger, high, bank, amount)
    assert ledger.get_account(low).balance == Decimal("-5.99")
    assert ledger.get_account(high).balance == Decimal("5.99")
    make(ledger, bank, low, 1)
    make(ledger, high, bank, 1)
    with pytest.raises(errors.InsufficientFunds):
        make(ledger, low, bank, "0.02")
    make(ledger, low, bank, "0.01")
    assert faults(ledger) == []


def test_a_broken_limit_that_stays_or_is_loosened_is_not_looked_at(ledger, bank):
    account = open_account(ledger, bank, -10)
    ledger.set_limits(account, -2, None, allow_existing=True)
    ledger.set_limits(account, -2, 100)
    ledger.set_limits(account, -3, 90)
    with pytest.raises(errors.LimitAlreadyBroken):
        ledger.set_limits(account, Decimal("-2.999"), 90)
    ledger.set_limits(account, None, 80)
    assert changes(ledger, account) == ["set_limits"] * 4


def test_what_holds_keep_back_counts(ledger, bank):
    account = open_account(ledger, bank, 10)
    tamper(ledger, f"update pgledger.accounts set held_out = 4, held_in = 3 where id = '{account}'")
    with pytest.raises(errors.LimitAlreadyBroken, match="its balance is 10, less 4 held"):
        ledger.set_limits(account, 7, None)
    with pytest.raises(errors.LimitAlreadyBroken, match="its balance is 10, plus 3 held"):
        ledger.set_limits(account, 6, 12)
    limited = ledger.set_limits(account, 6, 13)
    assert limited.available_balance == 0


# Freezing


@each_way
@pytest.mark.parametrize(
    ("direction", "status", "may_leave", "may_reach"),
    [
        ("out", "frozen_out", False, True),
        ("in", "frozen_in", True, False),
        ("both", "frozen_both", False, False),
    ],
)
def test_a_freeze_stops_what_it_says(ledger, bank, make, direction, status, may_leave, may_reach):
    account = open_account(ledger, bank, 5)
    assert ledger.freeze_account(account, direction).status == status
    for (source, target), passes, words in (
        ((account, bank), may_leave, "nothing may leave it"),
        ((bank, account), may_reach, "nothing may reach it"),
    ):
        if passes:
            make(ledger, source, target, 1)
        else:
            with pytest.raises(errors.AccountFrozen, match=words):
                make(ledger, source, target, 1)
    assert ledger.unfreeze_account(account).status == "open"
    make(ledger, account, bank, 1)
    make(ledger, bank, account, 1)
    assert faults(ledger) == []


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        (("freeze out", "freeze in"), "frozen_both"),
        (("freeze both", "unfreeze in"), "frozen_out"),
        (("freeze both", "unfreeze out"), "frozen_in"),
        (("freeze in", "unfreeze out"), "frozen_in"),
        (("freeze in", "freeze out", "unfreeze both"), "open"),
        (("freeze out", "unfreeze"), "open"),
    ],
)
def test_freezes_add_up_and_are_taken_away(ledger, bank, steps, status):
    account = open_account(ledger, bank)
    for step in steps:
        verb, *direction = step.split()
        getattr(ledger, f"{verb}_account")(
            account, **({"direction": direction[0]} if direction else {})
        )
    assert ledger.get_account(account).status == status
    assert history(ledger, account, "to_status")[-1] == (status,)


def test_a_repeat_gets_its_first_answer_after_a_freeze_and_a_closing(ledger, bank):
    account = open_account(ledger, bank)
    there, back = ids.generate("pglt"), ids.generate("pglt")
    first = ledger.create_transfer(bank, account, 5, id=there)
    ledger.create_transfer(account, bank, 5, id=back)
    ledger.freeze_account(account, "both")
    assert ledger.create_transfer(bank, account, 5, id=there) == first
    ledger.close_account(account)
    assert ledger.create_transfer(bank, account, 5, id=there) == first
    (again,) = ledger.create_transfers([TransferRequest(account, bank, 5, id=back)])
    assert again.replayed is True


# Closing


@each_way
def test_a_closed_account_takes_and_gives_nothing(ledger, bank, make):
    account = open_account(ledger, bank)
    closed = ledger.close_account(account, reason="no longer needed")
    assert (closed.status, closed.replayed) == ("closed", False)
    for pair in ((account, bank), (bank, account)):
        with pytest.raises(errors.AccountClosed):
            make(ledger, *pair, 1)
    reopened = ledger.reopen_account(account)
    assert (reopened.status, reopened.replayed) == ("open", False)
    make(ledger, bank, account, 1)
    assert changes(ledger, account) == ["close", "reopen"]
    assert faults(ledger) == []


@pytest.mark.parametrize("balance", [5, -5, "0.000000000000000001"])
def test_an_account_with_a_balance_is_closed_only_when_it_is_swept(ledger, bank, balance):
    account = open_account(ledger, bank, balance)
    other = open_account(ledger, bank, 100)
    with pytest.raises(errors.AccountNotEmpty, match="its balance is"):
        ledger.close_account(account)
    assert ledger.get_account(account).status == "open"

    closed = ledger.close_account(account, sweep_to=other)
    assert (closed.balance, closed.version, closed.status) == (0, 2, "closed")
    assert closed == ledger.get_account(account)
    assert ledger.get_account(other).balance == 100 + Decimal(balance)
    # The closing counts the sweep among the entries before it.
    assert history(ledger, account, "change", "account_version") == [("close", 2)]
    ((changed_at,),) = history(ledger, account, "changed_at")
    (entry,) = ledger.account_entries(account, page_size=1)
    assert (entry.account_current_balance, entry.amount) == (0, -Decimal(balance))
    assert entry.created_at == closed.updated_at < changed_at
    assert faults(ledger) == []


def test_a_sweep_of_nothing_makes_no_transfer(ledger, bank):
    account = open_account(ledger, bank)
    assert ledger.close_account(account, sweep_to=bank).version == 0
    assert ledger.get_account(bank).version == 0


@pytest.mark.parametrize(
    ("held", "held_sum"), [("held_out", "4 held to leave it"), ("held_in", "4 to reach it")]
)
def test_an_account_with_a_hold_is_not_closed(ledger, bank, held, held_sum):
    account = open_account(ledger, bank, 5)
    tamper(ledger, f"update pgledger.accounts set {held} = 4 where id = '{account}'")
    for sweep_to in (None, bank):
        with pytest.raises(errors.AccountNotEmpty, match=held_sum):
            ledger.close_account(account, sweep_to=sweep_to)
    assert ledger.get_account(account).balance == 5


def test_a_sweep_keeps_to_limits_and_freezes_of_both(ledger, bank):
    account = open_account(ledger, bank, 5)
    tight = ledger.create_account("tight", "USD", max_balance=4).id
    shut = ledger.create_account("shut", "USD").id
    ledger.close_account(shut)
    cold = ledger.create_account("cold", "USD").id
    ledger.freeze_account(cold, "in")
    for target, error in (
        (tight, errors.PositiveBalanceNotAllowed),
        (shut, errors.AccountClosed),
        (cold, errors.AccountFrozen),
    ):
        with pytest.raises(error) as refused:
            ledger.close_account(account, sweep_to=target)
        # There is one transfer, and nobody asked for a batch.
        assert "request" not in str(refused.value)
    ledger.freeze_account(account, "out")
    with pytest.raises(errors.AccountFrozen, match="nothing may leave it"):
        ledger.close_account(account, sweep_to=bank)
    ledger.unfreeze_account(account)
    ledger.set_limits(account, 1, None)
    with pytest.raises(errors.InsufficientFunds):
        ledger.close_account(account, sweep_to=bank)
    assert ledger.get_account(account).balance == 5


def test_reopening_does_not_lift_a_freeze(ledger, bank):
    account = open_account(ledger, bank)
    ledger.freeze_account(account, "out")
    ledger.close_account(account)
    # Whatever has changed meanwhile.
    ledger.update_account(account, name="closed for good")
    ledger.set_limits(account, 0, None)
    assert ledger.reopen_account(account).status == "frozen_out"
    ledger.unfreeze_account(account)
    ledger.close_account(account)
    assert ledger.reopen_account(account).status == "open"


@pytest.mark.parametrize("verb", ["freeze", "unfreeze"])
def test_a_closed_account_is_not_frozen_or_unfrozen(ledger, bank, verb):
    account = open_account(ledger, bank)
    ledger.freeze_account(account, "out")
    ledger.close_account(account)
    with pytest.raises(errors.AccountClosed) as refused:
        getattr(ledger, f"{verb}_account")(account, direction="in")
    assert "pgledger_reopen_account" in (refused.value.diag.message_hint or "")
    assert changes(ledger, account) == ["freeze", "close"]


# Bad input

UNKNOWN = "pgla_01JTVST7XAES5BXHWZN4KR4VEZ"
CALLS: dict[str, dict[str, Any]] = {
    "pgledger_update_account": {"id": None, "name": "n", "metadata": None},
    "pgledger_set_limits": {"account_id": None, "min_balance": -1, "max_balance": 1},
    "pgledger_freeze_account": {"id": None, "direction": "in"},
    "pgledger_unfreeze_account": {"id": None, "direction": "in"},
    "pgledger_close_account": {"id": None, "sweep_to": None},
    "pgledger_reopen_account": {"id": None},
}
OF_ALL: list[tuple[str, Any, type[PgledgerError]]] = [
    ("id", None, errors.NullArgument),
    ("id", "pgla_1", errors.InvalidId),
    ("id", UNKNOWN, errors.AccountNotFound),
    ("app_id", None, errors.NullArgument),
    ("app_id", "a b", errors.InvalidScope),
    ("app_id", "elsewhere", errors.AccountNotFound),
    ("reason", "", errors.InvalidArgument),
    ("reason", " ", errors.InvalidArgument),
    ("reason", "x" * 1001, errors.InvalidArgument),
]
OF_ONE: list[tuple[str, str, Any, type[PgledgerError]]] = [
    ("pgledger_update_account", "name", "", errors.InvalidName),
    ("pgledger_update_account", "name", "x" * 256, errors.InvalidName),
    ("pgledger_update_account", "name", "\u200b", errors.InvalidName),
    ("pgledger_update_account", "metadata", Jsonb([]), errors.InvalidMetadata),
    ("pgledger_update_account", "metadata", Jsonb({"k": "x" * 65536}), errors.InvalidMetadata),
    ("pgledger_set_limits", "min_balance", 2, errors.InvalidArgument),
    ("pgledger_set_limits", "min_balance", Decimal("NaN"), errors.InvalidArgument),
    ("pgledger_set_limits", "min_balance", Decimal("-1e30"), errors.InvalidArgument),
    ("pgledger_set_limits", "max_balance", Decimal("1e30"), errors.InvalidArgument),
    ("pgledger_set_limits", "max_balance", Decimal("Infinity"), errors.InvalidArgument),
    ("pgledger_set_limits", "max_balance", Decimal("0.1e-18"), errors.InvalidArgument),
    ("pgledger_set_limits", "allow_existing", None, errors.NullArgument),
    ("pgledger_freeze_account", "direction", None, errors.NullArgument),
    ("pgledger_freeze_account", "direction", "OUT", errors.InvalidArgument),
    ("pgledger_unfreeze_account", "direction", None, errors.NullArgument),
    ("pgledger_unfreeze_account", "direction", "", errors.InvalidArgument),
    ("pgledger_close_account", "sweep_to", "pgla_1", errors.InvalidId),
    ("pgledger_close_account", "sweep_to", UNKNOWN, errors.AccountNotFound),
    ("pgledger_close_account", "sweep_to", "the same", errors.SameAccount),
    ("pgledger_close_account", "sweep_to", "other currency", errors.CurrencyMismatch),
    ("pgledger_close_account", "sweep_to", "other app", errors.AccountNotFound),
]


@pytest.mark.parametrize(
    ("function", "argument", "value", "error"),
    [(function, *case) for function in CALLS for case in OF_ALL] + OF_ONE,
)
def test_bad_input_is_refused_by_name_and_changes_nothing(
    ledger, bank, function, argument, value, error
):
    account = open_account(ledger, bank)
    others = {
        "the same": account,
        "other currency": ledger.create_account("euros", "EUR").id,
        "other app": ledger.create_account("elsewhere", "USD", app_id="elsewhere").id,
    }
    given = dict(CALLS[function])
    own = next(iter(given))
    given[own] = account
    given[own if argument == "id" else argument] = (
        others.get(value, value) if isinstance(value, str) else value
    )
    # Texts come without a type, as most drivers send them.
    arguments = ", ".join(f"{name} => %({name})s" for name in given)
    with pytest.raises(error):
        ledger.conn.execute(f"select * from {function}({arguments})".encode(), given)
    assert changes(ledger, account) == []


def test_values_are_checked_before_the_account_is_looked_for(ledger):
    with pytest.raises(errors.InvalidName):
        ledger.update_account(UNKNOWN, name="")
    with pytest.raises(errors.InvalidArgument):
        ledger.set_limits(UNKNOWN, 2, 1)
    with pytest.raises(errors.InvalidArgument):
        ledger.freeze_account(UNKNOWN, "both", reason="")
    with pytest.raises(errors.SameAccount):
        ledger.close_account(UNKNOWN, sweep_to=UNKNOWN)


# Repeating a creation


def test_a_creation_is_repeated_as_it_was_asked_for(ledger, bank):
    account_id = ids.generate("pgla")

    def create(**others: Any) -> Account:
        asked: dict[str, Any] = {"metadata": {"a": 1}, "min_balance": -10} | others
        name = asked.pop("name", "wallet")
        return ledger.create_account(name, "USD", id=account_id, **asked)

    create()
    ledger.update_account(account_id, name="purse", metadata={"a": 2})
    ledger.create_transfer(bank, account_id, 3)
    ledger.set_limits(account_id, -20, 30)
    stands = ledger.freeze_account(account_id, "out")
    assert (stands.name, stands.min_balance, stands.status) == ("purse", -20, "frozen_out")

    again = create()
    assert again == stands
    assert again.replayed is True
    for others in (
        {"name": "purse"},
        {"metadata": {"a": 2}},
        {"min_balance": -20},
        {"max_balance": 30},
    ):
        with pytest.raises(errors.IdempotencyConflict) as refused:
            create(**others)
        if "name" in others:
            assert 'name was "wallet" and is now "purse"' in str(refused.value.diag.message_detail)


# Transactions


def test_a_change_goes_with_its_savepoint(conn):
    ledger = Books(conn)
    account = ledger.create_account("wallet", "USD").id
    ledger.update_account(account, name="purse")
    conn.execute("savepoint before")
    ledger.freeze_account(account, "both")
    ledger.close_account(account)
    conn.execute("rollback to savepoint before")
    assert ledger.get_account(account).status == "open"
    ledger.freeze_account(account, "in")
    assert history(ledger, account, "number", "to_status") == [(1, "open"), (2, "frozen_in")]
    conn.rollback()
    assert conn.execute("select count(*) from pgledger_account_changes_v1").fetchone() == (0,)


def test_an_old_snapshot_is_told_to_try_again(ledger, bank, connect):
    account = open_account(ledger, bank)
    for level in ("repeatable read", "serializable"):
        conn = connect(autocommit=True)
        conn.execute(f"begin isolation level {level}".encode())
        assert Ledger(conn).get_account(account).status == "open"
        ledger.freeze_account(account, "in")
        with pytest.raises(psycopg.errors.SerializationFailure):
            Ledger(conn).freeze_account(account, "out")
        conn.rollback()
        ledger.unfreeze_account(account)


def test_changes_belong_to_an_app(ledger):
    account = ledger.create_account("wallet", "USD", app_id="shop", tenant_id="t1").id
    ledger.freeze_account(account, "in", app_id="shop")
    assert ledger.get_account(account, app_id="shop").status == "frozen_in"
    assert history(ledger, account, "app_id", "tenant_id") == [("shop", "t1")]


def test_a_right_is_execute_on_one_function(conn):
    ledger = Books(conn)
    account = ledger.create_account("wallet", "USD").id
    conn.execute(
        "create role guard; grant pgledger_reader to guard;"
        " grant execute on function pgledger_freeze_account to guard; set role guard"
    )
    assert ledger.freeze_account(account, "both").status == "frozen_both"
    for refused in (
        lambda: ledger.unfreeze_account(account),
        lambda: ledger.update_account(account, name="x"),
        lambda: ledger.set_limits(account, None, None),
        lambda: ledger.close_account(account),
        lambda: ledger.reopen_account(account),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
            refused()

"""Decimal places of a currency: what they refuse, and that no account is left without them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel

from pgledger import Ledger, TransferRequest, errors, ids
from support.at_once import PATIENCE
from support.clock import SetClock
from support.database import Connect
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]

SNAPSHOT_LEVELS = (IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE)
snapshot_levels = pytest.mark.parametrize("level", SNAPSHOT_LEVELS, ids=lambda level: level.name)


def opened(conn: Session, *names: str, currency: str = "USD", **options: Any) -> tuple[str, str]:
    """Opens accounts and returns the ids of the first and the last one."""
    made = [Ledger(conn).create_account(name, currency, **options).id for name in names]
    return made[0], made[-1]


def scales(conn: Session) -> dict[str, int | None]:
    """Returns the decimal places of each account by its name."""
    rows = conn.execute("select name, amount_scale from pgledger_accounts_v1").fetchall()
    return dict(rows)


def shown(conn: Session, app_id: str = "") -> dict[str, int]:
    rows = conn.execute(
        "select code, amount_scale from pgledger_currencies_v1 where app_id = %s", [app_id]
    ).fetchall()
    return dict(rows)


def assert_verified(conn: Session) -> None:
    assert [check for check in Ledger(conn).verify() if not check.ok] == []


# --- what is set ----------------------------------------------------------------------------------


def test_accounts_there_are_and_accounts_to_come_have_the_scale(conn: Session) -> None:
    ledger = Ledger(conn)
    opened(conn, "before", "its neighbour")
    opened(conn, "in euros", currency="EUR")
    opened(conn, "of another app", app_id="shop")
    answer = conn.execute("select * from pgledger_set_currency('USD', 2)").fetchall()
    assert answer == [("", "USD", 2)]
    assert ledger.create_account("after", "USD").amount_scale == 2
    assert scales(conn) == {
        "before": 2,
        "its neighbour": 2,
        "in euros": None,
        "of another app": None,
        "after": 2,
    }
    assert shown(conn) == {"USD": 2}
    assert shown(conn, "shop") == {}
    assert ledger.set_currency("USD", None).amount_scale is None
    assert set(scales(conn).values()) == {None}
    assert shown(conn) == {}
    assert_verified(conn)


def test_the_view_shows_what_the_version_shows(conn: Session) -> None:
    Ledger(conn).set_currency("USD", 2)
    versions = conn.execute("select * from pgledger_currencies_v1").fetchall()
    assert versions == conn.execute("select * from pgledger_currencies_view").fetchall()
    assert versions == [("", "USD", 2)]


def test_what_has_more_decimals_is_refused_and_moves_nothing(conn: Session) -> None:
    ledger = Ledger(conn)
    ledger.set_currency("USD", 2)
    ledger.set_currency("TOKEN", 1)
    one, two = opened(conn, "one", "two")
    tokens = opened(conn, "some", "more", currency="TOKEN")
    conn.commit()
    too_fine = Decimal("0.30000000000000004")
    with pytest.raises(errors.InvalidAmount, match="USD has 2 decimal places") as refusal:
        ledger.create_transfer(one, two, too_fine)
    assert "0.30000000000000004" in str(refusal.value)
    conn.rollback()
    with pytest.raises(errors.InvalidAmount, match=r"request 2 of 2: .*USD has 2 dec"):
        ledger.create_transfers(
            [TransferRequest(one, two, 1), TransferRequest(two, one, Decimal("0.005"))]
        )
    conn.rollback()
    with pytest.raises(errors.InvalidAmount, match="TOKEN has 1 decimal place"):
        ledger.create_transfer(*tokens, Decimal("0.25"), id=ids.generate("pglt"))
    conn.rollback()
    assert {ledger.get_account(account).version for account in (one, two, *tokens)} == {0}
    # What is worth the same has as many.
    ledger.create_transfer(one, two, Decimal("1.230000"))
    ledger.create_transfer(*tokens, Decimal("0.10"))
    assert_verified(conn)


def test_a_repeat_has_its_first_answer_after_the_scale_has_changed(conn: Session) -> None:
    ledger = Ledger(conn)
    one, two = opened(conn, "one", "two")
    own = ids.generate("pglt")
    first = ledger.create_transfer(one, two, Decimal("0.125"), id=own)
    ledger.create_transfer(two, one, Decimal("0.125"))
    ledger.set_currency("USD", 2)
    again = ledger.create_transfer(one, two, Decimal("0.125"), id=own)
    assert again == first
    assert again.replayed
    assert_verified(conn)


def test_a_repeated_account_is_the_same_whatever_its_scale_is_now(conn: Session) -> None:
    ledger = Ledger(conn)
    own = ids.generate("pgla")
    assert ledger.create_account("one", "USD", id=own).amount_scale is None
    ledger.set_currency("USD", 2)
    again = ledger.create_account("one", "USD", id=own)
    assert (again.amount_scale, again.replayed) == (2, True)


@pytest.mark.parametrize(
    ("code", "scale", "app_id", "error", "message"),
    [
        (None, 2, "", errors.InvalidCurrency, "currency NULL is not valid"),
        ("", 2, "", errors.InvalidCurrency, "it is empty"),
        ("U SD", 2, "", errors.InvalidCurrency, "it contains a space"),
        ("X" * 33, 2, "", errors.InvalidCurrency, "it has 33 characters"),
        ("USD", -1, "", errors.InvalidArgument, "scale -1 is not valid: it is not between"),
        ("USD", 19, "", errors.InvalidArgument, "scale 19 is not valid: it is not between"),
        ("USD", 1, "", errors.InvalidArgument, "billing rounds USD to 2 decimal places"),
        ("USD", 2, None, errors.NullArgument, "app_id"),
        ("USD", 2, "a b", errors.InvalidScope, "app_id"),
    ],
)
def test_what_cannot_be_set_is_refused(
    conn: Session, code: Any, scale: Any, app_id: Any, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        conn.execute("select pgledger_set_currency(%s, %s, %s)", (code, scale, app_id))
    conn.rollback()
    assert conn.execute("select count(*) from pgledger.currencies").fetchone() == (0,)


@pytest.mark.parametrize(
    ("app_id", "error"), [(None, errors.NullArgument), ("a b", errors.InvalidScope)]
)
def test_iso_currencies_of_what_cannot_be_an_app_are_refused(
    conn: Session, app_id: Any, error: Any
) -> None:
    with pytest.raises(error):
        conn.execute("select pgledger_use_iso_currencies(%s)", (app_id,))


def test_a_balance_with_more_decimals_refuses_the_scale_and_is_named(conn: Session) -> None:
    ledger = Ledger(conn)
    low, high = sorted(opened(conn, "purse", "bank"))
    accounts = low, high
    ledger.create_transfer(*accounts, Decimal("0.125"))
    conn.commit()
    named = f"amount -0.125 is not valid: it is the balance of account {accounts[0]} "
    with pytest.raises(errors.InvalidAmount, match=f"{named}.*and USD would have 2 decimal places"):
        ledger.set_currency("USD", 2)
    conn.rollback()
    with pytest.raises(errors.InvalidAmount, match=named):
        ledger.use_iso_currencies()
    conn.rollback()
    assert set(scales(conn).values()) == {None}
    # Three suffice, another app is another matter, and what was moved back is in nobody's way.
    assert ledger.set_currency("USD", 3).amount_scale == 3
    assert ledger.set_currency("USD", 2, app_id="shop").amount_scale == 2
    ledger.create_transfer(*accounts[::-1], Decimal("0.125"))
    assert ledger.set_currency("USD", 2).amount_scale == 2
    assert_verified(conn)


def test_a_pending_hold_with_more_decimals_refuses_the_scale_and_is_named(conn: Session) -> None:
    ledger = Ledger(conn)
    accounts = opened(conn, "purse", "bank")
    ledger.create_transfer(*accounts[::-1], Decimal("1.50"))
    hold = ledger.create_hold(*accounts, Decimal("0.125"))
    conn.commit()
    named = (
        f"amount 0.125 is not valid: hold {hold.id} keeps it back on account {accounts[0]} "
        r"\(purse\), whose balance is 1.50, and USD would have 2 decimal places"
    )
    with pytest.raises(errors.InvalidAmount, match=named):
        ledger.set_currency("USD", 2)
    conn.rollback()
    with pytest.raises(errors.InvalidAmount, match=named):
        ledger.use_iso_currencies()
    conn.rollback()
    ledger.post_hold(hold.id, amount=Decimal("0.1"), final=False)
    conn.commit()
    with pytest.raises(errors.InvalidAmount, match=f"amount 0.025 is not valid: hold {hold.id} "):
        ledger.set_currency("USD", 2)
    conn.rollback()
    ledger.void_hold(hold.id)
    assert ledger.set_currency("USD", 2).amount_scale == 2
    # One that fits is in nobody's way, and can be posted.
    other = ledger.create_hold(*accounts, Decimal("0.25"))
    assert ledger.set_currency("USD", 3).amount_scale == 3
    assert ledger.set_currency("USD", 2).amount_scale == 2
    assert ledger.post_hold(other.id).amount == Decimal("0.25")
    assert_verified(conn)


def test_a_hold_that_has_expired_is_in_nobodys_way(conn: Session, set_clock: SetClock) -> None:
    ledger = Ledger(conn)
    now = datetime(2030, 3, 1, tzinfo=UTC)
    set_clock(conn, now)
    accounts = opened(conn, "purse", "bank")
    hold = ledger.create_hold(*accounts, Decimal("0.125"), expires_in=timedelta(hours=1))
    conn.commit()
    with pytest.raises(errors.InvalidAmount, match=hold.id):
        ledger.set_currency("USD", 2)
    conn.rollback()
    set_clock(conn, now + timedelta(hours=1))
    # That it has expired is written, so a clock that steps back revives nothing.
    assert ledger.set_currency("USD", 2).amount_scale == 2
    conn.commit()
    set_clock(conn, now)
    with pytest.raises(errors.HoldExpired):
        ledger.post_hold(hold.id)
    conn.rollback()
    assert ledger.get_account(accounts[0]).held_out == 0
    assert_verified(conn)


def test_iso_currencies_are_set_once(conn: Session) -> None:
    ledger = Ledger(conn)
    opened(conn, "dollars")
    opened(conn, "yen", currency="JPY")
    opened(conn, "dinars", currency="KWD")
    opened(conn, "gold", currency="XAU")
    opened(conn, "points", currency="POINTS")
    ledger.set_currency("EUR", 2)
    known = conn.execute("select code, exponent from ledger_currencies where app_id = '*'")
    expected: dict[str, int] = dict(known.fetchall())
    assert ledger.use_iso_currencies() == len(expected) - 1
    assert shown(conn) == expected
    assert scales(conn) == {"dollars": 2, "yen": 0, "dinars": 3, "gold": None, "points": None}
    conn.commit()

    written = "select max(xmin::text::bigint) from pgledger.currencies"
    before = conn.execute(written.encode()).fetchone()
    assert ledger.use_iso_currencies() == 0
    assert conn.execute(written.encode()).fetchone() == before
    ledger.set_currency("USD", 4)
    assert ledger.use_iso_currencies() == 1
    assert shown(conn)["USD"] == 2
    assert_verified(conn)


def test_a_refused_step_leaves_nothing_behind_in_a_savepoint(conn: Session) -> None:
    ledger = Ledger(conn)
    accounts = opened(conn, "purse", "bank")
    ledger.create_transfer(*accounts, Decimal("0.125"))
    with pytest.raises(errors.InvalidAmount), conn.transaction():
        ledger.use_iso_currencies()
    with conn.transaction(force_rollback=True):
        ledger.set_currency("USD", 3)
        assert set(scales(conn).values()) == {3}
    assert set(scales(conn).values()) == {None}
    assert shown(conn) == {}
    conn.commit()
    assert_verified(conn)


# --- beside billing -------------------------------------------------------------------------------


def test_a_scale_is_no_exponent(conn: Session) -> None:
    """Billing knows a currency by its exponent alone, whatever the ledger has set."""
    ledger = Ledger(conn)
    ledger.set_currency("POINTS", 3, app_id="shop")
    ledger.set_currency("USD", 4, app_id="shop")
    plan = "select ledger_create_plan('shop', 'a', 'A', %s)"
    with pytest.raises(errors.UnknownCurrency), conn.transaction():
        conn.execute(plan, ["POINTS"])
    own = "select code, exponent from ledger_currencies where app_id = 'shop'"
    assert conn.execute(own).fetchall() == []
    price = '[{"description": "work", "quantity": 1, "unit_amount": "0.125"}]'
    ((total,),) = conn.execute(
        "select total from ledger_create_invoice('shop', 't1', 'USD', %s::jsonb)", [price]
    ).fetchall()
    assert total == Decimal("0.13")

    assert conn.execute("select ledger_set_currency('shop', 'POINTS', 3)").fetchone()
    assert conn.execute(own).fetchall() == [("POINTS", 3)]
    assert shown(conn, "shop") == {"POINTS": 3, "USD": 4}
    conn.execute(plan, ["POINTS"])
    with pytest.raises(errors.InUse), conn.transaction():
        conn.execute("select ledger_set_currency('shop', 'POINTS', 2)")


def test_neither_may_make_an_invoice_that_cannot_be_paid(conn: Session) -> None:
    ledger = Ledger(conn)
    conn.execute("select ledger_set_currency('shop', 'POINTS', 3)")
    conn.commit()
    with pytest.raises(errors.InvalidArgument, match="billing rounds POINTS to 3 decimal places"):
        ledger.set_currency("POINTS", 2, app_id="shop")
    conn.rollback()
    ledger.set_currency("POINTS", 4, app_id="shop")
    conn.commit()
    message = "exponent 5 is not valid: amounts of POINTS have at most 4 decimal places"
    with pytest.raises(errors.InvalidArgument, match=message):
        conn.execute("select ledger_set_currency('shop', 'POINTS', 5)")
    conn.rollback()
    assert conn.execute("select ledger_set_currency('shop', 'POINTS', 4)").fetchone()


def test_a_code_that_iso_took_up_later_keeps_the_app_s_exponent(conn: Session) -> None:
    conn.execute("insert into pgledger.currencies (app_id, code, exponent) values ('', 'ZWG', 5)")
    Ledger(conn).use_iso_currencies()
    assert shown(conn)["ZWG"] == 5


# --- two sessions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["account", "scale"])
@pytest.mark.parametrize("known", [False, True], ids=["a new currency", "a known currency"])
@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_an_account_and_a_scale_at_once(
    conn: Session, connect: Connect, wait_until_blocked: WaitUntilBlocked,
    first: str, known: bool, ends: str,
) -> None:  # fmt: skip
    """Whichever comes first, and however it ends, the account has what is set."""
    if known:
        Ledger(conn).set_currency("USD", 3)
        conn.commit()

    def do(session: Session, what: str) -> None:
        if what == "account":
            opened(session, "one")
        else:
            Ledger(session).use_iso_currencies()

    early, late = connect(**PATIENCE), connect(**PATIENCE)
    second = "scale" if first == "account" else "account"
    do(early, first)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(do, late, second)
        wait_until_blocked(late.info.backend_pid, by=early.info.backend_pid)
        getattr(early, ends)()
        waiting.result(timeout=60)
        late.commit()
    set_before = 3 if known else None
    happened = {first, second} if ends == "commit" else {second}
    now = 2 if "scale" in happened else set_before
    assert scales(conn) == ({"one": now} if "account" in happened else {})
    assert_verified(conn)


@snapshot_levels
@pytest.mark.parametrize("known", [False, True], ids=["a new currency", "a known currency"])
def test_an_old_snapshot_opens_no_account_without_the_scale(
    conn: Session, connect: Connect, level: IsolationLevel, known: bool
) -> None:
    if known:
        Ledger(conn).set_currency("USD", 3)
        conn.commit()
    old = connect(**PATIENCE)
    old.isolation_level = level
    old.execute("select 1")
    Ledger(conn).set_currency("USD", 2)
    conn.commit()
    with pytest.raises(psycopg.errors.SerializationFailure):
        opened(old, "one")
    old.rollback()
    opened(old, "one")
    opened(old, "in euros", currency="EUR")
    old.commit()
    assert scales(conn) == {"one": 2, "in euros": None}
    assert shown(conn) == {"USD": 2}
    assert_verified(conn)


@snapshot_levels
def test_an_old_snapshot_opens_accounts_while_nothing_is_set(
    conn: Session, connect: Connect, level: IsolationLevel
) -> None:
    """What it leaves of the currency is nothing that anybody sees."""
    old = connect(**PATIENCE)
    old.isolation_level = level
    opened(old, "one", "two")
    opened(conn, "three")
    conn.commit()
    old.commit()
    assert scales(conn) == {"one": None, "two": None, "three": None}
    assert shown(conn) == {}
    assert conn.execute("select * from ledger_currencies where app_id <> '*'").fetchall() == []
    Ledger(conn).set_currency("USD", 2)
    assert set(scales(conn).values()) == {2}


@snapshot_levels
def test_a_scale_needs_to_see_what_is_new(
    conn: Session, connect: Connect, level: IsolationLevel
) -> None:
    old = connect(**PATIENCE)
    old.isolation_level = level
    message = "transaction_isolation '(repeatable read|serializable)' is not valid"
    with pytest.raises(errors.InvalidArgument, match=message):
        Ledger(old).set_currency("USD", 2)
    old.rollback()
    Ledger(conn).set_currency("USD", 2)
    conn.commit()
    # Nothing is to be done, so nothing can be missed.
    assert Ledger(old).set_currency("USD", 2).amount_scale == 2
    old.rollback()


@pytest.mark.parametrize("amount", ["1.25", "0.125"])
def test_a_scale_waits_for_a_transfer_in_flight(
    conn: Session, connect: Connect, wait_until_blocked: WaitUntilBlocked, amount: str
) -> None:
    accounts = opened(conn, "purse", "bank")
    conn.commit()
    moving, setting = connect(**PATIENCE), connect(**PATIENCE)
    Ledger(moving).create_transfer(*accounts, Decimal(amount))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Ledger(setting).set_currency, "USD", 2)
        wait_until_blocked(setting.info.backend_pid, by=moving.info.backend_pid)
        moving.commit()
        if amount == "0.125":
            with pytest.raises(errors.InvalidAmount, match="it is the balance of account"):
                waiting.result(timeout=60)
            setting.rollback()
        else:
            assert waiting.result(timeout=60).amount_scale == 2
            setting.commit()
    assert set(scales(conn).values()) == {None if amount == "0.125" else 2}
    assert_verified(conn)


@pytest.mark.parametrize("way", ["single", "with an id", "bulk"])
def test_a_transfer_that_waits_for_a_scale_is_held_to_it(
    conn: Session, connect: Connect, wait_until_blocked: WaitUntilBlocked, way: str
) -> None:
    accounts = opened(conn, "purse", "bank")
    conn.commit()
    moving, setting = connect(**PATIENCE), connect(**PATIENCE)
    Ledger(setting).set_currency("USD", 2)
    amount = Decimal("0.125")

    def move() -> object:
        ledger = Ledger(moving)
        if way == "bulk":
            return ledger.create_transfers([TransferRequest(*accounts, amount)])
        own = ids.generate("pglt") if way == "with an id" else None
        return ledger.create_transfer(*accounts, amount, id=own)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(move)
        wait_until_blocked(moving.info.backend_pid, by=setting.info.backend_pid)
        setting.commit()
        with pytest.raises(errors.InvalidAmount, match="USD has 2 decimal places"):
            waiting.result(timeout=60)
    moving.rollback()
    assert_verified(conn)


def test_many_open_move_and_set_at_once(conn: Session, connect: Connect) -> None:
    """Nothing deadlocks, and at the end each account has what its currency has."""
    ledger = Ledger(conn)
    currencies = ("USD", "EUR", "JPY", "POINTS")
    pairs = {code: opened(conn, "a", "b", currency=code) for code in currencies}
    conn.commit()
    workers, steps = 8, 40
    barrier = threading.Barrier(workers)

    def step_of(session: Session, number: int, step: int) -> None:
        mine = Ledger(session)
        code, other = currencies[(number + step) % 4], currencies[step % 4]
        if number == 0:
            mine.set_currency("POINTS", None if step % 2 else 1)
        elif number == 1:
            mine.use_iso_currencies()
            mine.set_currency("JPY", None)
        elif number % 2:
            with session.transaction():
                opened(session, f"{number} {step}", currency=code)
                opened(session, f"{number} {step} too", currency=other)
        else:
            cents = TransferRequest(*pairs[other], Decimal("0.01"))
            mine.create_transfers([TransferRequest(*pairs[code], 1), cents])

    def work(number: int) -> set[str]:
        session = connect(autocommit=True, **PATIENCE)
        refusals: set[str] = set()
        barrier.wait()
        for step in range(steps):
            try:
                step_of(session, number, step)
            except errors.InvalidAmount as error:
                refusals.add(str(error))
        return refusals

    with ThreadPoolExecutor(workers) as pool:
        refusals = set().union(*pool.map(work, range(workers)))
    conn.rollback()
    # Cents came before the scale, or after it.
    assert all("balance of account" in text or "decimal place" in text for text in refusals)
    assert len(scales(conn)) == len({"a", "b"}) + 3 * steps * 2
    assert_verified(conn)
    assert ledger.get_account(pairs["USD"][0]).amount_scale in {None, 2}


# --- what is found --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        (
            "update pgledger.accounts set amount_scale = null where name = 'one'",
            "accounts have the decimal places of their currency",
        ),
        (
            "update pgledger.accounts set amount_scale = 5 where name = 'one'",
            "accounts have the decimal places of their currency",
        ),
        (
            "delete from pgledger.currencies",
            "accounts have the decimal places of their currency",
        ),
        (
            """
            update pgledger.currencies set amount_scale = 2;
            update pgledger.accounts set amount_scale = 2
            """,
            "balances have no more decimal places than their account allows",
        ),
    ],
)
def test_tampering_is_found(conn: Session, statement: str, check: str) -> None:
    ledger = Ledger(conn)
    ledger.set_currency("USD", 4)
    ledger.create_transfer(*opened(conn, "one", "two"), Decimal("0.1234"))
    assert_verified(conn)
    conn.execute(statement.encode())
    assert [found.check_name for found in ledger.verify() if not found.ok] == [check]
    assert [found.check_name for found in ledger.verify(app_id="") if not found.ok] == [check]
    assert [found.check_name for found in ledger.verify(app_id="shop") if not found.ok] == []

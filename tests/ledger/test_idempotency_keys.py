"""Keys by which callers name their requests: one effect for each, and the first answer again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pgledger import Ledger, errors, ids
from pgledger.errors import (
    AccountFrozen,
    AccountNotFound,
    CurrencyMismatch,
    IdempotencyConflict,
    ImmutableRecord,
    InsufficientFunds,
    InvalidArgument,
    InvalidTime,
    NullArgument,
)
from support.at_once import PATIENCE
from support.clock import SetClock
from support.database import Connect
from support.keyed import CALLS, KEY, NOW, SINGLES, Books
from support.waiting import WaitUntilBlocked

DAY = timedelta(days=1)
OWN = "pglt_00000000000000000000000001"


@pytest.fixture
def ledger(connect: Connect) -> Books:
    return Books(connect(autocommit=True))


OTHERWISE: dict[str, tuple[dict[str, Any], str]] = {
    "pgledger_create_transfer": ({"amount": 6}, "amount was 5 and is now 6"),
    "pgledger_create_account": ({"currency": "EUR"}, 'currency was "USD" and is now "EUR"'),
    "pgledger_ensure_account": ({"currency": "EUR"}, 'currency was "USD" and is now "EUR"'),
    "pgledger_create_hold": ({"amount": Decimal("5.1")}, "amount was 5 and is now 5.1"),
    "pgledger_post_hold": ({"amount": None}, "amount was 5 and is now null"),
    "pgledger_create_holds_bulk": ({"metadata": {}}, "metadata: not the same"),
    "pgledger_post_holds_bulk": ({"final": False}, "final was true and is now false"),
    "pgledger_void_hold": ({"other": True}, "hold_id was "),
    "pgledger_extend_hold": (
        {"expires_at": None},
        'expires_at was "2030-03-01T12:00:00Z" and is now null',
    ),
    "pgledger_sweep": ({"keep": 11}, "keep was 10 and is now 11"),
}
calls = pytest.mark.parametrize("function", CALLS)


@calls
def test_a_repeat_changes_nothing_and_gets_the_first_answer(ledger, function):
    first = CALLS[function](ledger, ledger, idempotency_key=KEY)
    assert first.replayed is False
    before = ledger.state()
    again = CALLS[function](ledger, ledger, idempotency_key=KEY)
    assert again == replace(first, replayed=True)
    assert CALLS[function](ledger, ledger, idempotency_key=KEY) == again
    assert ledger.state() == before
    ((app_id, key, recorded, result_id, _),) = ledger.known_keys()
    single = SINGLES.get(function, function)
    assert (app_id, key, recorded, result_id) == ("", KEY, single, first.id)
    assert ledger.faults() == []


@calls
def test_another_request_is_refused_with_what_differs(ledger, function):
    CALLS[function](ledger, ledger, idempotency_key=KEY)
    other, words = OTHERWISE[function]
    with pytest.raises(IdempotencyConflict) as refused:
        CALLS[function](ledger, ledger, idempotency_key=KEY, **other)
    message = "idempotency_key 'evt_1NxÄ ''quoted''' is already taken by a different request"
    if function in SINGLES:
        message = f"request 1 of 1: {message}"
    assert refused.value.diag.message_primary == message
    assert (refused.value.diag.message_detail or "").startswith(
        f"Compared with the first request, {words}"
    )
    assert len(ledger.known_keys()) == 1
    assert ledger.faults() == []


def test_another_function_is_another_request(ledger):
    ledger.create_hold(ledger.wallet, ledger.shop, 5, idempotency_key=KEY)
    before = ledger.state()
    for call, words in (
        (
            CALLS["pgledger_create_transfer"],
            'function was "pgledger_create_hold" and is now "pgledger_create_transfer".',
        ),
        (
            CALLS["pgledger_void_hold"],
            'amount was 5 and is now null; from_account_id was "pgla_',
        ),
    ):
        with pytest.raises(IdempotencyConflict) as refused:
            call(ledger, ledger, idempotency_key=KEY)
        assert words in (refused.value.diag.message_detail or "")
    assert ledger.state() == before


def test_metadata_is_named_and_never_shown(ledger):
    ledger.create_transfer(
        ledger.bank, ledger.shop, 1, metadata={"card": "4242", "n": 1.0}, idempotency_key=KEY
    )
    for metadata in (None, {"card": "4242"}, {"card": "4243", "n": 1}):
        with pytest.raises(IdempotencyConflict) as refused:
            ledger.create_transfer(
                ledger.bank, ledger.shop, 1, metadata=metadata, idempotency_key=KEY
            )
        assert refused.value.diag.message_detail == (
            "Compared with the first request, metadata: not the same."
        )
    again = ledger.create_transfer(
        ledger.bank, ledger.shop, 1, metadata={"n": 1, "card": "4242"}, idempotency_key=KEY
    )
    assert again.replayed is True


def test_apps_know_nothing_of_one_anothers_keys(ledger):
    ledger.create_account("till", "USD", idempotency_key=KEY)
    other = ledger.create_account("other", "EUR", app_id="shop", idempotency_key=KEY)
    assert other.replayed is False
    assert [row[0] for row in ledger.known_keys()] == ["", "shop"]
    with pytest.raises(IdempotencyConflict) as refused:
        ledger.create_account("third", "EUR", app_id="shop", idempotency_key=KEY)
    assert refused.value.diag.message_detail == (
        'Compared with the first request, name was "other" and is now "third".'
    )


def test_values_are_compared_not_words(ledger):
    tokyo = "2025-01-01 09:00:00+09"
    first = ledger.conn.execute(
        "select id from pgledger_create_hold(%s, %s, 5, expires_in => '1 day 1 hour',"
        " event_at => '2025-01-01Z', metadata => '{\"n\": 1.0}', idempotency_key => 'a')",
        [ledger.wallet, ledger.shop],
    ).fetchone()
    ledger.conn.execute("set timezone = 'Asia/Tokyo'; set intervalstyle = 'iso_8601'")
    assert (
        first
        == ledger.conn.execute(
            "select id from pgledger_create_hold(%s, %s, 5.000, expires_in => '25 hours',"
            f" event_at => '{tokyo}', metadata => '{{\"n\": 1}}', idempotency_key => 'a')".encode(),
            [ledger.wallet, ledger.shop],
        ).fetchone()
    )
    with pytest.raises(IdempotencyConflict) as refused:
        ledger.conn.execute(
            "select pgledger_create_hold(%s, %s, 5, expires_in => '1 month',"
            " idempotency_key => 'a')",
            [ledger.wallet, ledger.shop],
        )
    assert refused.value.diag.message_detail == (
        'Compared with the first request, event_at was "2025-01-01T00:00:00Z" and is now null;'
        ' expires_in was "P0MT90000S" and is now "P1MT0S"; metadata: not the same.'
    )
    ledger.create_transfer(ledger.bank, ledger.shop, Decimal("1.50"), idempotency_key="b")
    again = ledger.create_transfer(ledger.bank, ledger.shop, Decimal("1.5000"), idempotency_key="b")
    assert again.replayed is True
    # A flag is the limit that it stands for.
    ledger.create_account("flag", "USD", allow_negative_balance=False, idempotency_key="c")
    assert ledger.create_account(
        "flag", "USD", min_balance=Decimal(0), idempotency_key="c"
    ).replayed


def test_an_id_and_a_key_can_both_be_given(ledger):
    own, other = ids.generate("pglt"), ids.generate("pglt")

    def give(own: str | None, key: str | None) -> Any:
        return ledger.create_transfer(ledger.wallet, ledger.shop, 5, id=own, idempotency_key=key)

    first = give(own, "a")
    assert (first.id, first.replayed) == (own, False)
    assert give(own, "a") == give(own, None) == replace(first, replayed=True)
    # The id says that it was made; the key is new, and remembers that.
    assert give(own, "b") == replace(first, replayed=True)
    assert [row[3] for row in ledger.known_keys()] == [own, own]
    for request in ((None, "a"), (other, "a")):
        with pytest.raises(IdempotencyConflict, match="idempotency_key 'a' is"):
            give(*request)
    with pytest.raises(IdempotencyConflict, match=own):
        ledger.create_transfer(ledger.wallet, ledger.shop, 6, id=own, idempotency_key="c")
    assert ledger.get_account(ledger.shop).balance == 5
    assert ledger.faults() == []


# Repeats come before what has changed since


@pytest.mark.parametrize(
    "function", [name for name in CALLS if name not in ("pgledger_void_hold",)]
)
def test_a_repeat_gets_its_answer_after_a_freeze_and_other_limits(ledger, function, set_clock):
    first = CALLS[function](ledger, ledger, idempotency_key=KEY)
    for account in (ledger.wallet, ledger.shop):
        ledger.freeze_account(account, "both")
    ledger.set_limits(ledger.shop, None, Decimal(0), allow_existing=True)
    ledger.set_currency("USD", 2)
    ledger.update_account(ledger.shop, name="boutique")
    set_clock(ledger.conn, NOW - DAY)
    again = CALLS[function](ledger, ledger, idempotency_key=KEY)
    assert again.replayed is True
    assert again.id == first.id
    if hasattr(again, "to_account_name"):
        assert (first.to_account_name, again.to_account_name) == ("shop", "boutique")
        assert again.amount == first.amount
    assert ledger.faults() == []


def test_a_repeat_gets_its_answer_after_a_closing(ledger):
    first = ledger.create_transfer(ledger.bank, ledger.shop, 5, idempotency_key=KEY)
    ledger.void_hold(ledger.held)
    ledger.close_account(ledger.shop, sweep_to=ledger.bank)
    again = ledger.create_transfer(ledger.bank, ledger.shop, 5, idempotency_key=KEY)
    assert again == replace(first, replayed=True)


def test_a_posting_and_an_end_repeat_after_the_hold_has_ended(ledger):
    ledger.post_hold(ledger.held, amount=2, final=False, idempotency_key="part")
    ledger.extend_hold(ledger.held, NOW, idempotency_key="extend")
    ledger.void_hold(ledger.held, idempotency_key="void")
    assert ledger.post_hold(ledger.held, amount=2, final=False, idempotency_key="part").replayed
    assert ledger.extend_hold(ledger.held, NOW, idempotency_key="extend").status == "voided"
    assert ledger.void_hold(ledger.held, idempotency_key="void").replayed
    with pytest.raises(errors.HoldEnded):
        ledger.post_hold(ledger.held, amount=2, final=False, idempotency_key="another")
    assert ledger.get_account(ledger.wallet).balance == 98
    assert ledger.faults() == []


def test_an_account_of_a_name_stays_that_of_the_key_after_a_rename(ledger):
    first = ledger.ensure_account("a", "USD", idempotency_key=KEY)
    ledger.update_account(first.id, name="b")
    again = ledger.ensure_account("a", "USD", idempotency_key=KEY)
    assert (again.id, again.name, again.replayed) == (first.id, "b", True)
    assert ledger.ensure_account("a", "USD").id != first.id
    assert ledger.faults() == []


def test_that_a_sweep_moved_nothing_is_remembered(ledger):
    empty = ledger.create_account("empty", "USD").id
    assert ledger.sweep(empty, ledger.shop, idempotency_key=KEY) is None
    assert ledger.known_keys()[0][3] is None
    ledger.create_transfer(ledger.bank, empty, 5)
    assert ledger.sweep(empty, ledger.shop, idempotency_key=KEY) is None
    assert ledger.get_account(empty).balance == 5
    swept = ledger.sweep(empty, ledger.shop, idempotency_key="now")
    assert swept is not None
    ledger.create_transfer(ledger.bank, empty, 3)
    assert ledger.sweep(empty, ledger.shop, idempotency_key="now") == replace(swept, replayed=True)
    assert ledger.faults() == []


# The order of checks


def test_accounts_and_currency_come_before_the_key(ledger):
    euro = ledger.create_account("euro", "EUR").id
    ledger.create_transfer(ledger.wallet, ledger.shop, 5, idempotency_key=KEY)
    with pytest.raises(CurrencyMismatch):
        ledger.create_transfer(ledger.wallet, euro, 5, idempotency_key=KEY)
    with pytest.raises(AccountNotFound):
        ledger.create_transfer(ledger.wallet, ids.generate("pgla"), 5, idempotency_key=KEY)
    with pytest.raises(errors.HoldNotFound):
        ledger.void_hold(ids.generate("pglh"), idempotency_key=KEY)
    with pytest.raises(IdempotencyConflict):
        ledger.create_transfer(ledger.wallet, ledger.shop, 500, idempotency_key=KEY)


@calls
@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_1_to_255_characters(ledger, function, key):
    before = ledger.state()
    with pytest.raises(InvalidArgument, match="idempotency_key"):
        CALLS[function](ledger, ledger, idempotency_key=key)
    assert ledger.state() == before


@pytest.mark.parametrize("key", [" ", "x" * 255, "\u200b", "ключ", "a\nb"])
def test_any_text_of_such_a_length_is_a_key(ledger, key):
    first = ledger.create_transfer(ledger.wallet, ledger.shop, 1, idempotency_key=key)
    again = ledger.create_transfer(ledger.wallet, ledger.shop, 1, idempotency_key=key)
    assert again == replace(first, replayed=True)


# What failed keeps no key


def test_a_call_that_failed_keeps_no_key(ledger):
    for attempt in (
        lambda: ledger.create_transfer(ledger.wallet, ledger.shop, 500, idempotency_key=KEY),
        lambda: ledger.create_hold(ledger.wallet, ledger.shop, 500, idempotency_key=KEY),
        lambda: ledger.create_transfer(
            ledger.wallet, ledger.shop, 500, id=ids.generate("pglt"), idempotency_key=KEY
        ),
    ):
        with pytest.raises(InsufficientFunds):
            attempt()
    assert ledger.known_keys() == []
    ledger.freeze_account(ledger.wallet, "out")
    with pytest.raises(AccountFrozen):
        ledger.sweep(ledger.wallet, ledger.shop, idempotency_key=KEY)
    assert ledger.known_keys() == []
    ledger.unfreeze_account(ledger.wallet)
    assert (
        ledger.create_transfer(ledger.wallet, ledger.shop, 6, idempotency_key=KEY).replayed is False
    )


@calls
def test_a_rolled_back_savepoint_frees_the_key(connect, function):
    ledger = Books(connect())
    ledger.conn.commit()
    before = ledger.state()
    ledger.conn.execute("savepoint attempt")
    CALLS[function](ledger, ledger, idempotency_key=KEY)
    ledger.conn.execute("rollback to savepoint attempt")
    assert ledger.state() == before
    assert CALLS[function](ledger, ledger, idempotency_key=KEY).replayed is False
    # In one transaction a repeat sees what came before it.
    assert CALLS[function](ledger, ledger, idempotency_key=KEY).replayed is True
    ledger.conn.rollback()
    assert ledger.state() == before


# The purge


def test_old_keys_are_purged_app_by_app_and_in_parts(ledger, set_clock: SetClock):
    for app_id in ("", "shop"):
        for day in range(5):
            set_clock(ledger.conn, NOW + day * DAY)
            ledger.create_account("a", "USD", app_id=app_id, idempotency_key=f"k{day}")
    set_clock(ledger.conn, NOW + 11 * DAY)
    assert ledger.purge_idempotency_keys(NOW + 4 * DAY, max_keys=3) == 3
    assert ledger.purge_idempotency_keys(NOW + 4 * DAY, max_keys=3) == 1
    assert ledger.purge_idempotency_keys(NOW + 4 * DAY, max_keys=3) == 0
    left = [(app_id, key) for app_id, key, *_ in ledger.known_keys()]
    assert sorted(left) == [("", "k4"), *(("shop", f"k{day}") for day in range(5))]
    # What was forgotten is a new request.
    assert ledger.create_account("a", "USD", idempotency_key="k0").replayed is False
    assert ledger.create_account("a", "USD", idempotency_key="k4").replayed is True
    assert ledger.faults() == []


def test_young_keys_are_purged_only_where_that_is_said(ledger, set_clock: SetClock):
    set_clock(ledger.conn, NOW)
    first = ledger.create_transfer(ledger.bank, ledger.shop, 1, idempotency_key=KEY)
    ledger.purge_idempotency_keys(NOW - 7 * DAY)
    with pytest.raises(InvalidTime, match="it is less than 7 days ago") as refused:
        ledger.purge_idempotency_keys(NOW - 7 * DAY + timedelta(microseconds=1))
    assert "allow_recent => true" in (refused.value.diag.message_hint or "")
    assert ledger.create_transfer(ledger.bank, ledger.shop, 1, idempotency_key=KEY).replayed
    assert ledger.purge_idempotency_keys(NOW + DAY, allow_recent=True) == 1
    again = ledger.create_transfer(ledger.bank, ledger.shop, 1, idempotency_key=KEY)
    assert (again.replayed, again.id == first.id) == (False, False)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"before": None}, NullArgument),
        ({"before": "infinity"}, InvalidTime),
        ({"max_keys": 0}, InvalidArgument),
        ({"max_keys": 1_000_001}, InvalidArgument),
        ({"max_keys": None}, InvalidArgument),
        ({"app_id": None}, NullArgument),
        ({"app_id": "a b"}, errors.InvalidScope),
    ],
)
def test_a_purge_that_makes_no_sense_is_refused(ledger, given, error):
    values = {"before": "2020-01-01Z", "max_keys": 10, "app_id": "", **given}
    with pytest.raises(error):
        ledger.conn.execute(
            "select pgledger_purge_idempotency_keys(%(before)s, max_keys => %(max_keys)s,"
            " app_id => %(app_id)s)",
            values,
        )


def test_two_purges_wait_for_neither_and_take_each_key_once(ledger, connect):
    for number in range(6):
        ledger.create_account("a", "USD", idempotency_key=f"k{number}")
    mine = connect()
    ahead = datetime.now(UTC) + DAY
    assert Ledger(mine).purge_idempotency_keys(ahead, max_keys=4, allow_recent=True) == 4
    assert ledger.purge_idempotency_keys(ahead, max_keys=4, allow_recent=True) == 2
    mine.rollback()
    assert ledger.purge_idempotency_keys(ahead, max_keys=10, allow_recent=True) == 4


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_call_waits_for_a_purge_of_its_key(
    ledger, connect, wait_until_blocked: WaitUntilBlocked, end
):
    ledger.create_transfer(ledger.bank, ledger.shop, 1, idempotency_key=KEY)
    mine, other = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(mine).purge_idempotency_keys(datetime.now(UTC) + DAY, allow_recent=True)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            lambda: Ledger(other).create_transfer(
                ledger.bank, ledger.wallet, 1, idempotency_key=KEY
            )
        )
        wait_until_blocked(other.info.backend_pid, by=mine.info.backend_pid)
        mine.execute(end)
        if end == "commit":
            assert waiting.result().replayed is False
        else:
            with pytest.raises(IdempotencyConflict):
                waiting.result()
    assert len(ledger.known_keys()) == 1
    assert ledger.faults() == []


def test_a_repeat_that_meets_a_purge_takes_effect_anew(
    ledger, connect, wait_until_blocked: WaitUntilBlocked
):
    """The key is there when the repeat looks for it in its index, and gone when it looks again."""
    ledger.create_transfer(ledger.bank, ledger.shop, 1, id=OWN, idempotency_key=KEY)
    mine, other = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(mine).purge_idempotency_keys(datetime.now(UTC) + DAY, allow_recent=True)
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(
            lambda: Ledger(other).create_transfer(
                ledger.bank, ledger.shop, 1, id=OWN, idempotency_key=KEY
            )
        )
        wait_until_blocked(other.info.backend_pid, by=mine.info.backend_pid)
        mine.commit()
    assert again.result().replayed is True
    assert len(ledger.known_keys()) == 1
    assert ledger.faults() == []


def test_keys_never_change(ledger):
    ledger.create_account("a", "USD", idempotency_key=KEY)
    for statement in (
        "update pgledger.idempotency_keys set result_id = null",
        "truncate pgledger.idempotency_keys",
    ):
        with pytest.raises(ImmutableRecord):
            ledger.conn.execute(statement.encode())


# What verify finds


@pytest.mark.parametrize(
    ("function", "change", "check"),
    [
        *(
            (function, "result_id = 'pglt_01JTVST7XAES5BXHWZN4KR4VEZ'", "lead")
            for function in CALLS
        ),
        *((function, "app_id = 'other'", "lead") for function in CALLS),
        *(
            (function, f"request = request || '{changed}'", "asked")
            for function, changed in (
                ("pgledger_create_transfer", '{"amount": 6}'),
                ("pgledger_create_transfer", '{"metadata": {}}'),
                ("pgledger_create_transfer", '{"event_at": "2025-01-01T00:00:00Z"}'),
                ("pgledger_create_transfer", '{"to_account_id": "pgla_1"}'),
                ("pgledger_create_transfer", '{"group_id": "g"}'),
                ("pgledger_create_transfer", '{"id": "pglt_1"}'),
                ("pgledger_create_account", '{"name": "old"}'),
                ("pgledger_create_account", '{"min_balance": 0}'),
                ("pgledger_ensure_account", '{"currency": "EUR"}'),
                ("pgledger_ensure_account", '{"metadata": {}}'),
                ("pgledger_create_hold", '{"amount": 5.5}'),
                ("pgledger_create_hold", '{"expires_at": "2030-01-01T00:00:00Z"}'),
                ("pgledger_post_hold", '{"amount": 5.5}'),
                ("pgledger_post_hold", '{"hold_id": "pglh_1"}'),
                ("pgledger_void_hold", '{"hold_id": "pglh_1"}'),
                ("pgledger_extend_hold", '{"hold_id": "pglh_1"}'),
                ("pgledger_sweep", '{"max_amount": 1}'),
                ("pgledger_sweep", '{"from_account_id": "pgla_1"}'),
            )
        ),
        ("pgledger_extend_hold", "function_name = 'pgledger_void_hold'", "asked"),
        ("pgledger_ensure_account", """request = request || '{"max_balance": 1}'""", "asked"),
        *(
            (function, f"request = {changed}", "asked")
            for function in CALLS
            for changed in ("'3'", "'[]'", "'{}'", """request || '{"other": 1}'""")
        ),
        *(
            (function, f"request = request - '{argument}'", "asked")
            for function, argument in (
                ("pgledger_create_account", "currency"),
                ("pgledger_ensure_account", "tenant_id"),
                ("pgledger_create_transfer", "amount"),
                ("pgledger_create_hold", "to_account_id"),
                ("pgledger_post_hold", "final"),
                ("pgledger_void_hold", "hold_id"),
                ("pgledger_sweep", "keep"),
            )
        ),
        *(
            (function, f"function_name = 'pgledger_{other}'", "asked")
            for function, other in (
                ("pgledger_create_transfer", "create_transfer_by_name"),
                ("pgledger_create_transfer", "sweep"),
                ("pgledger_post_hold", "create_transfer"),
                ("pgledger_post_hold", "reverse_transfer"),
                ("pgledger_create_hold", "extend_hold"),
            )
        ),
    ],
)
def test_tampering_with_a_key_is_found(ledger, function, change, check):
    CALLS[function](ledger, ledger, idempotency_key=KEY)
    ledger.conn.execute("alter table pgledger.idempotency_keys disable trigger all")
    ledger.conn.execute(f"update pgledger.idempotency_keys set {change}".encode())
    ledger.conn.execute(
        "alter table pgledger.idempotency_keys"
        " enable always trigger idempotency_keys_rows_never_change,"
        " enable always trigger idempotency_keys_never_change"
    )
    found = [row for row in ledger.verify() if not row.ok]
    assert [row.example for row in found] == [KEY]
    assert check in found[0].check_name


def test_tampering_with_the_key_of_a_sweep_of_nothing_is_found(ledger):
    assert ledger.sweep(ledger.wallet, ledger.shop, keep=100, idempotency_key=KEY) is None
    assert ledger.faults() == []
    for change, check in (
        ("app_id = 'other'", "lead"),
        ("function_name = 'pgledger_create_transfer'", "lead"),
        ("request = request - 'keep'", "asked"),
    ):
        with ledger.conn.transaction(force_rollback=True):
            ledger.conn.execute("alter table pgledger.idempotency_keys disable trigger all")
            ledger.conn.execute(f"update pgledger.idempotency_keys set {change}".encode())
            assert any(check in name for name in ledger.faults())


def test_a_sweep_repeated_by_its_id_may_have_asked_for_less(ledger):
    made = ledger.sweep(ledger.wallet, ledger.shop, id=OWN)
    again = ledger.sweep(ledger.wallet, ledger.shop, max_amount=1, id=OWN, idempotency_key=KEY)
    assert made is not None
    assert again is not None
    assert (again.id, again.amount, again.replayed) == (OWN, made.amount, True)
    assert ledger.faults() == []

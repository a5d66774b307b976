"""What a refusal says: few lines, hints that fit, and what differs from a first request."""

import pickle
from typing import Any, LiteralString

import psycopg
import pytest

from pgledger import AsyncLedger, Billing, Ledger, PgledgerError, errors
from support.database import Connect

UNKNOWN = "pgla_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


@pytest.fixture
def session(connect: Connect) -> psycopg.Connection[Any]:
    return connect(autocommit=True)


@pytest.fixture
def shop(session):
    return Ledger(session).create_account("shop", "USD").id


@pytest.fixture
def purse(session):
    return Ledger(session).create_account("purse", "USD", allow_negative_balance=False).id


def refused(session, statement: LiteralString, *parameters: Any) -> psycopg.Error:
    with pytest.raises(PgledgerError) as raised:
        session.execute(statement, parameters)
    return raised.value


def one(session, statement: LiteralString, *parameters: Any) -> Any:
    return session.execute(statement, parameters).fetchone()[0]


# Lines

# Each may print that many lines in psql: what is wrong, what differs, what to do, and a line for
# each function on the way. Where it comes from is not in what Python prints.
USUAL = {
    "insufficient funds": (
        "select pgledger_create_transfer('{purse}', '{shop}', 5)",
        5,
        2,
    ),
    "unknown account": (f"select pgledger_create_transfer('{UNKNOWN}', '{{shop}}', 5)", 7, 2),
    "bad amount": ("select pgledger_create_transfer('{shop}', '{purse}', -1)", 6, 2),
    "another request": (
        "select pgledger_create_account('other', 'USD', id => '{shop}')",
        7,
        3,
    ),
    "unknown plan": ("select ledger_get_plan('app', 'plan_7ZZZZZZZZZZZZZZZZZZZZZZZZZ')", 4, 2),
}


@pytest.mark.parametrize(("statement", "in_psql", "in_python"), USUAL.values(), ids=USUAL)
def test_a_refusal_is_a_few_lines(
    psql, session, ledger_dsn, shop, purse, statement, in_psql, in_python
):
    call = statement.format(shop=shop, purse=purse)
    printed = psql(call, f"--dbname={ledger_dsn}", check=False).splitlines()
    assert "SQL statement" not in "\n".join(printed)
    assert len(printed) <= in_psql, printed
    with pytest.raises(PgledgerError) as raised:
        session.execute(call)
    assert len(str(raised.value).splitlines()) == in_python


def test_str_is_message_detail_and_hint(session, shop):
    error = refused(session, "select pgledger_create_account('other', 'USD', id => %s)", shop)
    expected = (
        f"id {shop} is already taken by a different request\n"
        'DETAIL:  Compared with the first request, name was "shop" and is now "other".\n'
        f"HINT:  {error.diag.message_hint}"
    )
    assert str(error) == expected
    assert repr(error) == f"IdempotencyConflict({expected!r})"
    # Where it was raised is there for who asks.
    assert "fail(" in (error.diag.context or "")


def test_str_outlives_pickling(session, shop):
    error = refused(session, "select pgledger_create_account('other', 'USD', id => %s)", shop)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is errors.IdempotencyConflict
    assert (str(copy), repr(copy)) == (str(error), repr(error))
    assert copy.diag.message_detail == error.diag.message_detail


def test_str_of_an_error_that_no_database_raised():
    assert str(errors.InvalidId("x is not an id")) == "x is not an id"
    assert repr(errors.InvalidId("x is not an id")) == "InvalidId('x is not an id')"
    assert str(pickle.loads(pickle.dumps(errors.InvalidId("x")))) == "x"


async def test_str_is_as_short_where_it_is_awaited(aconn):
    with pytest.raises(errors.AccountNotFound) as raised:
        await AsyncLedger(aconn).get_account(UNKNOWN)
    assert len(str(raised.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("kind", "method", "name"),
    [
        (Ledger, "create_account", "Ledger.create_account()"),
        (AsyncLedger, "create_account", "AsyncLedger.create_account()"),
        (Billing, "create_plan", "Billing.create_plan()"),
        (Billing, "start", "Billing.start()"),
    ],
)
def test_a_type_error_names_the_class_that_callers_know(kind, method, name):
    with pytest.raises(TypeError) as raised:
        getattr(kind, method)(None, nonsense=1)
    assert str(raised.value).startswith(name), raised.value


# Hints


@pytest.fixture
def billing(session):
    one(session, "select id from ledger_create_feature('app', 'calls', 'Calls')")
    plan = one(session, "select id from ledger_create_plan('app', 'pro', 'Pro', 'USD')")
    subscription = one(
        session, "select id from ledger_create_subscription('app', 'acme', %s)", plan
    )
    draft = one(
        session,
        "select id from ledger_create_invoice('app', 'acme', 'USD', %s)",
        '[{"description": "Work", "amount": "10"}]',
    )
    owed = one(
        session,
        "select id from ledger_create_invoice('app', 'acme', 'USD', %s)",
        '[{"description": "Work", "amount": "20"}]',
    )
    one(session, "select id from ledger_finalize_invoice('app', 'acme', %s)", owed)
    return {"plan": plan, "subscription": subscription, "draft": draft, "owed": owed}


def test_hints_of_amounts_fit(session, shop, purse, billing):
    negative = "select pgledger_create_transfer(%s, %s, -50)"
    assert "swap the accounts" in str(refused(session, negative, shop, purse))
    zero = str(refused(session, "select pgledger_create_transfer(%s, %s, 0)", shop, purse))
    assert "swap" not in zero
    assert "above 0" in zero
    payment: LiteralString = "select ledger_record_payment('app', 'acme', %s, %s)"
    for amount in (-50, "0.001"):
        said = str(refused(session, payment, billing["owed"], amount))
        assert "swap" not in said
        assert "at most 2 decimal places" in said
        assert "18" not in said


def test_hints_of_states_fit(session, billing):
    payment: LiteralString = "select ledger_record_payment('app', 'acme', %s, 10)"
    said = str(refused(session, payment, billing["draft"]))
    assert "finalize it first with ledger_finalize_invoice" in said
    void: LiteralString = "select ledger_mark_invoice_voided('app', 'acme', %s)"
    assert "ledger_delete_invoice" in str(refused(session, void, billing["draft"]))
    delete: LiteralString = "select ledger_delete_invoice('app', 'acme', %s)"
    assert "ledger_mark_invoice_voided" in str(refused(session, delete, billing["owed"]))
    cancel: LiteralString = (
        "select ledger_cancel_subscription('app', 'acme', %s, at_period_end => false)"
    )
    session.execute(cancel, [billing["subscription"]])
    pause: LiteralString = "select ledger_pause_subscription('app', 'acme', %s)"
    assert "Subscribe again" in str(refused(session, pause, billing["subscription"]))


# Balances


@pytest.mark.parametrize("paid_in", [None, "2", "2.50"])
@pytest.mark.parametrize("amount", ["3", "3.0", "3.000000000000000001"])
@pytest.mark.parametrize("way", ["single", "with an id", "bulk"])
def test_a_refusal_shows_the_balance_as_it_was_written(session, shop, purse, paid_in, amount, way):
    if paid_in is not None:
        one(session, "select pgledger_create_transfer(%s, %s, %s)", shop, purse, paid_in)
    calls: dict[str, LiteralString] = {
        "single": "select pgledger_create_transfer(%s, %s, %s)",
        "with an id": "select pgledger_create_transfer(%s, %s, %s,"
        " id => pgledger_generate_id('pglt'))",
        "bulk": "select pgledger_create_transfers_bulk(array[%s], array[%s], array[%s::numeric])",
    }
    error = refused(session, calls[way], purse, shop, amount)
    assert isinstance(error, errors.InsufficientFunds)
    assert f" {paid_in or 0} less {amount} would leave " in str(error)


# What differs


@pytest.mark.parametrize("way", ["single", "bulk"])
def test_conflict_of_a_transfer_names_what_differs(session, shop, purse, way):
    taken = one(session, "select pgledger_generate_id('pglt')")
    call: LiteralString = (
        "select pgledger_create_transfer(%(f)s, %(t)s, %(a)s, metadata => %(m)s, id => %(id)s)"
        if way == "single"
        else "select pgledger_create_transfers_bulk(array[%(f)s], array[%(t)s],"
        " array[%(a)s]::numeric[], metadatas => array[%(m)s]::jsonb[], ids => array[%(id)s])"
    )
    first = {"f": shop, "t": purse, "a": 10, "m": '{"card": "secret-1"}', "id": taken}
    session.execute(call, first)
    session.execute(call, {**first, "a": "10.00"})
    for changed, detail in (
        ({"a": 12}, "amount was 10 and is now 12."),
        ({"m": '{"card": "secret-2"}'}, "metadata: not the same."),
        (
            {"f": purse, "t": shop},
            (
                f'from_account_id was "{shop}" and is now "{purse}"; '
                f'to_account_id was "{purse}" and is now "{shop}".'
            ),
        ),
    ):
        with pytest.raises(errors.IdempotencyConflict) as raised:
            session.execute(call, {**first, **changed})
        error = raised.value
        assert error.diag.message_detail == f"Compared with the first request, {detail}"
        assert "secret" not in f"{error} {error.diag.context}"


def test_conflict_within_one_batch_names_what_differs(session, shop, purse):
    taken = one(session, "select pgledger_generate_id('pglt')")
    error = refused(
        session,
        "select pgledger_create_transfers_bulk(array[%s, %s], array[%s, %s], '{1,2}',"
        " ids => array[%s, %s])",
        *(shop, shop, purse, purse, taken, taken),
    )
    assert str(error).startswith("request 2 of 2: ")
    assert "amount was 1 and is now 2." in str(error)


def test_conflict_with_another_app_says_nothing_of_it(session, shop, purse):
    ledger = Ledger(session)
    others = [ledger.create_account(name, "USD", app_id="other").id for name in ("a", "b")]
    taken = one(session, "select pgledger_generate_id('pglt')")
    ledger.create_transfer(others[0], others[1], 77, id=taken, app_id="other")
    for statement, parameters in (
        ("select pgledger_create_transfer(%s, %s, 1, id => %s)", (shop, purse, taken)),
        (
            "select pgledger_create_transfers_bulk(array[%s], array[%s], '{1}', ids => array[%s])",
            (shop, purse, taken),
        ),
        ("select pgledger_create_account('a', 'USD', id => %s)", (others[0],)),
    ):
        error = refused(session, statement, *parameters)
        assert type(error) is errors.IdempotencyConflict
        assert error.diag.message_detail is None
        assert "other" not in str(error).replace("another", "")
        assert "77" not in str(error).replace(taken, "").replace(others[0], "")


def test_conflicts_in_billing_name_what_differs(session, billing):
    def conflict(first: LiteralString, again: LiteralString, prefix: str) -> str:
        taken = one(session, "select pgledger_generate_id(%s)", prefix)
        given = {**billing, "id": taken}
        session.execute(first, given)
        with pytest.raises(errors.IdempotencyConflict) as raised:
            session.execute(again, given)
        detail = raised.value.diag.message_detail or ""
        return detail.removeprefix("Compared with the first request, ")

    feature: LiteralString = "select ledger_create_feature('app', 'a', 'A', id => %(id)s)"
    renamed: LiteralString = "select ledger_create_feature('app', 'a', 'B', id => %(id)s)"
    assert conflict(feature, renamed, "feat") == 'name was "A" and is now "B".'

    plan: LiteralString = "select ledger_create_plan('app', 'a', 'A', 'USD', id => %(id)s)"
    euros: LiteralString = "select ledger_create_plan('app', 'a', 'A', 'EUR', id => %(id)s)"
    assert conflict(plan, euros, "plan") == 'currency was "USD" and is now "EUR".'

    coupon: LiteralString = (
        "select ledger_create_coupon('app', 'TEN', percentage => 10, id => %(id)s)"
    )
    twenty: LiteralString = (
        "select ledger_create_coupon('app', 'TEN', percentage => 20, id => %(id)s)"
    )
    assert conflict(coupon, twenty, "cpn") == "percentage was 10 and is now 20."

    subscribe: LiteralString = (
        "select ledger_create_subscription('app', 'two', %(plan)s, quantity => 2, id => %(id)s)"
    )
    three: LiteralString = (
        "select ledger_create_subscription('app', 'two', %(plan)s, quantity => 3, id => %(id)s)"
    )
    assert conflict(subscribe, three, "sub") == "quantity was 2 and is now 3."

    invoice: LiteralString = (
        "select ledger_create_invoice('app', 'acme', 'USD',"
        """ '[{"description": "Work", "amount": "1"}]', id => %(id)s)"""
    )
    more: LiteralString = (
        "select ledger_create_invoice('app', 'acme', 'USD',"
        """ '[{"description": "Work", "amount": "2"}]', id => %(id)s)"""
    )
    assert conflict(invoice, more, "inv") == "lines: not the same."

    pay: LiteralString = "select ledger_record_payment('app', 'acme', %(owed)s, 5, id => %(id)s)"
    pay_more: LiteralString = (
        "select ledger_record_payment('app', 'acme', %(owed)s, 6, id => %(id)s)"
    )
    assert conflict(pay, pay_more, "pay") == "amount was 5 and is now 6."

    redeem: LiteralString = "select ledger_redeem_coupon('app', 'acme', 'TEN', id => %(id)s)"
    on_one: LiteralString = (
        "select ledger_redeem_coupon('app', 'acme', 'TEN', %(subscription)s, id => %(id)s)"
    )
    assert "subscription_id was null and is now" in conflict(redeem, on_one, "red")

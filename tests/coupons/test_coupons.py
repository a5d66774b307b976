"""Coupons: what one can be, who can redeem it, and how often, however many try at once."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from psycopg import IsolationLevel
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from pgledger import errors, ids
from support.at_once import PATIENCE, all_at_once
from support.clock import SetClock
from support.database import Connect
from support.properties import scaled
from support.subscriptions import Row, Session, Tenant, create_plan, utc

ULID = "01JTVST7XAES5BXHWZN4KR4VE"
NOW = utc("2025-01-15 12:00")
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)

COUPON_COLUMNS = [
    "id",
    "app_id",
    "tenant_id",
    "code",
    "name",
    "percentage",
    "amount",
    "currency",
    "duration",
    "duration_invoices",
    "applies_to",
    "minimum_subtotal",
    "valid_from",
    "valid_until",
    "max_redemptions",
    "max_redemptions_per_tenant",
    "redemptions",
    "status",
    "version",
    "metadata",
    "created_at",
    "updated_at",
]
REDEMPTION_COLUMNS = [
    "id",
    "app_id",
    "tenant_id",
    "coupon_id",
    "code",
    "subscription_id",
    "status",
    "uses_left",
    "amount_left",
    "created_at",
]


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    """A session in autocommit, in a database whose clock stands at NOW."""
    conn = connect(autocommit=True, **PATIENCE)
    set_clock(conn, NOW)
    return conn


# Calling


def rows(conn: Session, name: str, /, **arguments: Any) -> list[Row]:
    """Calls ``ledger_<name>``, in an app unless one is given."""
    arguments = {"app_id": "shop", **arguments}
    given = ", ".join(f"{argument} => %({argument})s" for argument in arguments)
    values = {
        argument: Jsonb(value) if isinstance(value, dict) else value
        for argument, value in arguments.items()
    }
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"select * from ledger_{name}({given})".encode(), values).fetchall()


def call(conn: Session, name: str, /, **arguments: Any) -> Row:
    (row,) = rows(conn, name, **arguments)
    return row


def coupon(conn: Session, code: str | None = "SAVE", /, **more: Any) -> Row:
    """Creates a coupon, of ten percent unless it takes off something else."""
    if "amount" not in more:
        more = {"percentage": 10, **more}
    return call(conn, "create_coupon", code=code, **more)


def redeem(
    conn: Session, tenant_id: str | None = "t1", code: str | None = "SAVE", /, **more: Any
) -> Row:
    return call(conn, "redeem_coupon", tenant_id=tenant_id, code=code, **more)


def redemptions(conn: Session, tenant_id: str = "t1", **more: Any) -> list[Row]:
    return rows(conn, "list_coupon_redemptions", tenant_id=tenant_id, **more)


def redeemed(conn: Session, code: str = "SAVE", **more: Any) -> int:
    """Returns how often a coupon says it has been redeemed; there are as many redemptions."""
    found = call(conn, "get_coupon", code=code, **more)
    assert conn.execute(
        "select count(*) from ledger_coupon_redemptions where coupon_id = %s", [found["id"]]
    ).fetchone() == (found["redemptions"],)
    return int(found["redemptions"])


def refused(conn: Session, sqlstate: str, message: str, name: str, /, **arguments: Any) -> None:
    before = everything(conn)
    with pytest.raises(psycopg.Error) as caught, conn.transaction():
        rows(conn, name, **arguments)
    error = caught.value
    assert error.sqlstate == sqlstate, error
    assert error.diag.message_primary is not None
    assert message in error.diag.message_primary
    assert len(error.diag.message_primary) < 400
    assert everything(conn) == before


def outcome(work: Callable[[], Any]) -> Any:
    """Returns what a call returns, or the psycopg error that it ends with."""
    try:
        return work()
    except psycopg.Error as error:
        return error


def everything(conn: Session) -> list[tuple[Any, ...]]:
    """Returns every row that is kept of coupons, and which transaction wrote it."""
    return [
        row
        for table in ("coupons", "coupon_redemptions")
        for row in conn.execute(
            f"select xmin::text, {table}.* from pgledger.{table} order by key".encode()
        ).fetchall()
    ]


# What a coupon can be


def test_a_coupon_is_created(conn):
    made = coupon(conn)
    assert list(made) == COUPON_COLUMNS
    assert ids.is_valid(made["id"], "cpn")
    assert made == {
        **dict.fromkeys(COUPON_COLUMNS),
        "id": made["id"],
        "app_id": "shop",
        "tenant_id": "",
        "code": "SAVE",
        "name": "SAVE",
        "percentage": 10,
        "duration": "once",
        "redemptions": 0,
        "status": "active",
        "version": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }
    assert call(conn, "get_coupon", code="SAVE") == made
    assert call(conn, "get_coupon_by_id", id=made["id"]) == made
    with conn.cursor(row_factory=dict_row) as cursor:
        assert cursor.execute("select * from ledger_coupons").fetchall() == [made]


def test_everything_that_a_coupon_can_say(conn):
    given = {
        "code": "ALL",
        "name": "All of it",
        "amount": Decimal("12.50"),
        "currency": "USD",
        "duration": "repeating",
        "duration_invoices": 3,
        "applies_to": ["base", "api_calls", "Setup of the first machine"],
        "minimum_subtotal": Decimal(100),
        "valid_from": NOW - DAY,
        "valid_until": NOW + DAY,
        "max_redemptions": 2**63 - 1,
        "max_redemptions_per_tenant": 1,
        "metadata": {"campaign": "spring"},
        "tenant_id": "t1",
    }
    made = call(conn, "create_coupon", **given)
    assert {name: made[name] for name in given} == given
    assert call(conn, "get_coupon", code="ALL", tenant_id="t1") == made


@pytest.mark.parametrize(
    "given",
    [
        {"percentage": 100},
        {"percentage": Decimal("33.333333333333333333")},
        {"percentage": Decimal("0.000000000000000001")},
        {"percentage": 20, "currency": "USD"},
        {"percentage": 20, "currency": "USD", "minimum_subtotal": Decimal("0.01")},
        {"amount": 100, "currency": "JPY"},
        {"amount": Decimal("100.000"), "currency": "JPY"},
        {"amount": Decimal("1.234"), "currency": "KWD"},
        {"amount": Decimal(10**30 - 1), "currency": "USD"},
        {"percentage": 1, "duration": "forever"},
        {"amount": 1, "currency": "USD", "duration": "forever"},
        {"percentage": 1, "duration": "repeating", "duration_invoices": 1},
        {"percentage": 1, "duration": "repeating", "duration_invoices": 1000},
        {"percentage": 1, "applies_to": [str(number) for number in range(100)]},
        {"percentage": 1, "valid_until": NOW - DAY},
        {"percentage": 1, "valid_from": NOW, "valid_until": NOW + MICROSECOND},
    ],
)
def test_coupons_that_can_be(conn, given):
    made = call(conn, "create_coupon", code="c", **given)
    assert {name: made[name] for name in given} == given


@pytest.mark.parametrize(
    ("given", "sqlstate", "message"),
    [
        ({"app_id": None}, "LG003", "app_id must not be null"),
        ({"app_id": "*"}, "LG006", "it stands for all apps"),
        ({"tenant_id": None}, "LG003", "tenant_id must not be null"),
        ({"tenant_id": "a b"}, "LG006", "it contains a space"),
        ({"code": None}, "LG003", "code must not be null"),
        ({"code": ""}, "LG101", "code '' is not valid: it is empty"),
        ({"code": "A B"}, "LG101", "it contains a space"),
        ({"code": "A\u200bB"}, "LG101", "another character that cannot be seen"),
        ({"code": "c" * 65}, "LG101", "it has 65 characters, at most 64"),
        ({"code": "c" * 1_000_000}, "LG101", "it has 1000000 characters"),
        ({"name": ""}, "LG101", "name '' is not valid: it is empty"),
        ({"name": "n" * 256}, "LG101", "it has 256 characters"),
        ({"percentage": None}, "LG101", "percentage null is not valid: a coupon takes off a perce"),
        ({"amount": 5, "currency": "USD"}, "LG101", "percentage 10 is not valid: a coupon takes"),
        ({"percentage": 0}, "LG101", "percentage 0 is not valid: it is not above 0 and at most"),
        ({"percentage": -5}, "LG101", "percentage -5 is not valid"),
        ({"percentage": Decimal("100.01")}, "LG101", "percentage 100.01 is not valid"),
        ({"percentage": Decimal("NaN")}, "LG101", "percentage NaN is not valid"),
        ({"percentage": Decimal("Infinity")}, "LG101", "percentage Infinity is not valid"),
        ({"percentage": Decimal("-Infinity")}, "LG101", "percentage -Infinity is not valid"),
        ({"percentage": Decimal("1e131071")}, "LG101", "percentage 1000"),
        ({"percentage": Decimal("1e-16383")}, "LG101", "it has 16383 decimal places"),
        ({"percentage": Decimal("1e-19")}, "LG101", "it has 19 decimal places"),
        ({"currency": ""}, "LG103", "currency '' is not known in app 'shop'"),
        ({"currency": "usd"}, "LG103", "currency 'usd' is not known"),
        ({"currency": "X" * 1000}, "LG103", "currency 'XXX"),
        ({"duration": None}, "LG003", "duration must not be null"),
        ({"duration": "twice"}, "LG101", "it is none of once, repeating, forever"),
        ({"duration": "repeating"}, "LG101", "duration_invoices null is not valid: a coupon that"),
        ({"duration_invoices": 1}, "LG101", "duration_invoices 1 is not valid: only a coupon"),
        (
            {"duration": "forever", "duration_invoices": 1},
            "LG101",
            "duration_invoices 1 is not valid: only a coupon",
        ),
        (
            {"duration": "repeating", "duration_invoices": 0},
            "LG101",
            "duration_invoices 0 is not valid: it is not between 1 and 1000",
        ),
        ({"duration": "repeating", "duration_invoices": 1001}, "LG101", "duration_invoices 1001"),
        ({"applies_to": []}, "LG101", "applies_to of 0 elements is not valid"),
        ({"applies_to": ["a"] * 101}, "LG101", "applies_to of 101 elements is not valid"),
        ({"applies_to": ["a", ""]}, "LG101", "applies_to '' is not valid: it is empty"),
        ({"applies_to": ["a", " \n"]}, "LG101", "no character of it can be seen"),
        ({"applies_to": ["a", None]}, "LG101", "applies_to NULL is not valid: it is null"),
        ({"applies_to": ["a", "b", "a"]}, "LG101", "applies_to 'a' is not valid: it is given tw"),
        ({"applies_to": ["a" * 256]}, "LG101", "it has 256 characters"),
        ({"applies_to": [["a"], ["b"]]}, "LG101", "applies_to of 2 dimensions is not valid"),
        ({"minimum_subtotal": 5}, "LG101", "currency null is not valid: an amount and a minimum"),
        (
            {"minimum_subtotal": 0, "currency": "USD"},
            "LG101",
            "minimum_subtotal 0 is not valid: it is zero",
        ),
        ({"minimum_subtotal": -1, "currency": "USD"}, "LG101", "it is negative"),
        ({"minimum_subtotal": Decimal("NaN"), "currency": "USD"}, "LG101", "it is not a number"),
        ({"minimum_subtotal": Decimal("1e-16383"), "currency": "USD"}, "LG101", "16383 decimal"),
        (
            {"minimum_subtotal": Decimal("1.005"), "currency": "USD"},
            "LG101",
            "minimum_subtotal 1.005 is not valid: it has more decimal places than the 2 of USD",
        ),
        ({"valid_from": "infinity"}, "LG008", "valid_from infinity is not valid: it is not finite"),
        ({"valid_until": "-infinity"}, "LG008", "valid_until -infinity is not valid"),
        ({"valid_from": "0002-01-01 BC"}, "LG008", "it is before the year 1"),
        ({"valid_from": NOW, "valid_until": NOW}, "LG008", "it is not after valid_from 2025-01-15"),
        ({"max_redemptions": 0}, "LG101", "max_redemptions 0 is not valid: it is not above 0"),
        ({"max_redemptions_per_tenant": -1}, "LG101", "max_redemptions_per_tenant -1 is not valid"),
        ({"metadata": Jsonb([])}, "LG007", "type array"),
        ({"id": "cpn_1"}, "LG001", "id 'cpn_1' is not a valid id"),
        ({"id": f"red_{ULID}0"}, "LG001", "it does not begin with cpn_"),
    ],
)
def test_coupons_that_cannot_be(conn, given, sqlstate, message):
    arguments = {"code": "c", "percentage": 10, **given}
    refused(conn, sqlstate, message, "create_coupon", **arguments)


@pytest.mark.parametrize(
    ("amount", "currency", "sqlstate", "message"),
    [
        (0, "USD", "LG010", "amount 0 is not valid: it is zero"),
        (-1, "USD", "LG010", "it is negative"),
        (Decimal("NaN"), "USD", "LG010", "it is not a number"),
        (Decimal("Infinity"), "USD", "LG010", "it is not finite"),
        (Decimal("1e30"), "USD", "LG010", "it is not below 1e30"),
        (Decimal("1e-16383"), "USD", "LG010", "it has 16383 decimal places"),
        (Decimal("1.005"), "USD", "LG010", "it has more decimal places than the 2 of USD"),
        (Decimal("0.5"), "JPY", "LG010", "it has more decimal places than the 0 of JPY"),
        (5, None, "LG101", "currency null is not valid: an amount and a minimum subtotal are in"),
        (5, "XQX", "LG103", "currency 'XQX' is not known in app 'shop'"),
    ],
)
def test_amounts_that_cannot_be(conn, amount, currency, sqlstate, message):
    refused(conn, sqlstate, message, "create_coupon", code="c", amount=amount, currency=currency)


def test_a_currency_of_the_app_s_own(conn):
    call(conn, "set_currency", code="POINTS", exponent=1)
    assert coupon(conn, amount=Decimal("2.5"), currency="POINTS")["amount"] == Decimal("2.5")
    refused(conn, "LG010", "more decimal places than the 1 of POINTS", "create_coupon", code="c",
            amount=Decimal("2.55"), currency="POINTS")  # fmt: skip
    refused(conn, "LG103", "currency 'POINTS' is not known in app 'other'", "create_coupon",
            app_id="other", code="c", amount=1, currency="POINTS")  # fmt: skip


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_an_exponent_waits_for_a_coupon_in_the_currency(conn, connect, wait_until_blocked, ending):
    call(conn, "set_currency", code="POINTS", exponent=2)
    first, second = connect(), connect(autocommit=True, **PATIENCE)
    coupon(first, amount=1, currency="POINTS")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(call, second, "set_currency", code="POINTS", exponent=3)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        getattr(first, ending)()
        outcome(waiting.result)


@pytest.mark.parametrize(
    "code",
    [
        "'; drop table pgledger.coupons; --",
        "a'b",
        'a"b',
        "a\\b",
        "%s%n",
        "{0}",
        "$1",
        "NULL",
        "ПРИВЕТ",
        "\N{PARTY POPPER}",
        "c" * 64,
        "\N{PARTY POPPER}" * 64,
    ],
)
def test_codes_are_taken_as_they_are(conn, code):
    code = code.replace(" ", "\N{MIDDLE DOT}")
    made = coupon(conn, code, max_redemptions=1)
    assert (made["code"], made["name"]) == (code, code)
    assert call(conn, "get_coupon", code=code) == made
    assert redeem(conn, "t1", code)["code"] == code
    quoted = conn.execute("select quote_literal(%s)", [code]).fetchone()[0]
    refused(
        conn, "LG126", f"coupon {quoted} is used up", "redeem_coupon", tenant_id="t2", code=code
    )
    refused(conn, "LG120", f"coupon code {quoted} is already taken in app 'shop'", "create_coupon",
            code=code, percentage=1)  # fmt: skip


def test_codes_that_look_alike_are_different(conn):
    codes = ["save", "SAVE", "Save", "SAVÉ", "SAVE\N{COMBINING ACUTE ACCENT}"]
    made = {code: coupon(conn, code)["id"] for code in codes}
    assert {code: call(conn, "get_coupon", code=code)["id"] for code in codes} == made
    refused(conn, "LG114", "coupon 'sAVE' does not exist", "get_coupon", code="sAVE")


@pytest.mark.parametrize("code", ["", " ", "A B", "c" * 1_000_000, "c' or 1=1", "%", "_", "\x01"])
def test_a_code_that_nobody_can_have_is_not_found(conn, code):
    coupon(conn, "c")
    refused(conn, "LG114", "does not exist in app 'shop'", "get_coupon", code=code)
    refused(conn, "LG114", "in app 'shop' for tenant 't1'", "redeem_coupon", tenant_id="t1",
            code=code)  # fmt: skip


def test_a_code_is_taken_once_for_a_tenant_and_an_app(conn):
    of_app = coupon(conn)
    of_tenant = coupon(conn, tenant_id="t1")
    of_other = coupon(conn, app_id="other")
    for more, where in (
        ({}, "in app 'shop'"),
        ({"tenant_id": "t1"}, "in app 'shop' for tenant 't1'"),
        ({"app_id": "other"}, "in app 'other'"),
    ):
        refused(conn, "LG120", f"coupon code 'SAVE' is already taken {where}", "create_coupon",
                code="SAVE", percentage=1, **more)  # fmt: skip

    def found(**more: Any) -> Row:
        return call(conn, "get_coupon", code="SAVE", **more)

    assert found(tenant_id="t1") == of_tenant
    assert found() == found(tenant_id="t2") == of_app
    assert found(app_id="other", tenant_id="t1") == of_other
    # Which one it is does not change because the narrower was archived.
    call(conn, "archive_coupon", id=of_tenant["id"])
    assert found(tenant_id="t1")["id"] == of_tenant["id"]
    assert redeem(conn, "t2")["coupon_id"] == of_app["id"]
    refused(conn, "LG125", "'SAVE' cannot be redeemed: it is archived", "redeem_coupon",
            tenant_id="t1", code="SAVE")  # fmt: skip
    call(conn, "delete_coupon", id=of_tenant["id"])
    assert redeem(conn, "t1")["coupon_id"] == of_app["id"]


def test_a_coupon_is_found_in_its_app_alone(conn):
    made = coupon(conn)
    for name in ("get_coupon_by_id", "update_coupon", "archive_coupon", "delete_coupon"):
        refused(conn, "LG114", f"coupon {made['id']} does not exist in app 'other'", name,
                app_id="other", id=made["id"])  # fmt: skip
        refused(conn, "LG001", "not a valid id", name, id="a")
        refused(conn, "LG003", "id must not be null", name, id=None)
        refused(conn, "LG003", "app_id must not be null", name, app_id=None, id=made["id"])
        refused(conn, "LG006", "it stands for all apps", name, app_id="*", id=made["id"])
    refused(conn, "LG114", "'SAVE' does not exist in app 'other'", "get_coupon", app_id="other",
            code="SAVE")  # fmt: skip
    refused(conn, "LG003", "code must not be null", "get_coupon", code=None)
    refused(conn, "LG003", "tenant_id must not be null", "get_coupon", code="c", tenant_id=None)


def test_a_coupon_created_again_with_its_id(conn, set_clock):
    request = {
        "code": "SAVE",
        "id": f"cpn_{ULID}0",
        "amount": Decimal("5.00"),
        "currency": "USD",
        "applies_to": ["a", "b"],
        "metadata": {"a": 1},
    }
    made = call(conn, "create_coupon", **request)
    set_clock(conn, NOW + DAY)
    assert call(conn, "create_coupon", **request) == made
    same = {**request, "name": "SAVE", "amount": Decimal(5)}
    assert call(conn, "create_coupon", **same) == made
    unchanging: list[dict[str, Any]] = [
        {"code": "OTHER"}, {"amount": 6}, {"amount": None, "percentage": 5}, {"currency": "EUR"},
        {"duration": "forever"}, {"duration": "repeating", "duration_invoices": 2},
        {"applies_to": None}, {"applies_to": ["b", "a"]}, {"minimum_subtotal": 1},
        {"app_id": "other"}, {"tenant_id": "t1"},
    ]  # fmt: skip
    changing: list[dict[str, Any]] = [
        {"name": "N"}, {"valid_from": NOW}, {"valid_until": NOW}, {"max_redemptions": 1},
        {"max_redemptions_per_tenant": 1}, {"metadata": None},
    ]  # fmt: skip
    for other in unchanging + changing:
        refused(conn, "LG023", made["id"], "create_coupon", **{**request, **other})
    # To be redeemed is no change.
    redeem(conn)
    assert call(conn, "create_coupon", **request) == {**made, "redemptions": 1}
    for other in changing:
        refused(conn, "LG023", made["id"], "create_coupon", **{**request, **other})
    # Somebody has changed it since: the first request is still the one that created it.
    changed = call(conn, "update_coupon", id=made["id"], name="New")
    assert call(conn, "create_coupon", **request) == changed
    for other in unchanging:
        refused(conn, "LG023", made["id"], "create_coupon", **{**request, **other})


def test_a_list_is_the_same_wherever_it_counts_from(conn):
    made = coupon(conn, id=f"cpn_{ULID}0", applies_to=["a", "b"])
    again = conn.execute(
        "select id, array_lower(applies_to, 1) from ledger_create_coupon("
        "'shop', 'SAVE', percentage => 10, id => %s, applies_to => '[5:6]={a,b}')",
        [made["id"]],
    ).fetchone()
    assert again == (made["id"], 1)


# Changing


def test_updating_a_coupon(conn, set_clock):
    made = coupon(conn, valid_until=NOW + DAY)
    set_clock(conn, NOW + timedelta(hours=1))
    later = {"version": 2, "updated_at": NOW + timedelta(hours=1)}
    changes = {
        "name": "New",
        "valid_from": NOW,
        "valid_until": NOW + 2 * DAY,
        "max_redemptions": 10,
        "max_redemptions_per_tenant": 2,
        "metadata": {"a": 1},
    }
    changed = call(conn, "update_coupon", id=made["id"], **changes)
    assert changed == {**made, **changes, **later}
    assert call(conn, "update_coupon", id=made["id"]) == changed
    assert call(conn, "update_coupon", id=made["id"], **changes) == changed
    archived = call(conn, "archive_coupon", id=made["id"])
    assert archived == {**changed, "status": "archived", "version": 3}
    assert call(conn, "archive_coupon", id=made["id"]) == archived
    assert call(conn, "update_coupon", id=made["id"], name="Newer")["version"] == 4


@pytest.mark.parametrize(
    ("given", "sqlstate", "message"),
    [
        ({"name": ""}, "LG101", "name '' is not valid"),
        ({"valid_from": "infinity"}, "LG008", "valid_from infinity"),
        ({"valid_from": NOW + DAY}, "LG008", "it is not after valid_from 2025-01-16 12:00"),
        ({"valid_until": NOW - DAY}, "LG008", "valid_until 2025-01-14 12:00"),
        ({"max_redemptions": 0}, "LG101", "max_redemptions 0"),
        ({"max_redemptions": 1}, "LG122", "coupon 'SAVE' cannot be limited to 1: it has been rede"),
        ({"max_redemptions_per_tenant": 0}, "LG101", "max_redemptions_per_tenant 0"),
        ({"max_redemptions_per_tenant": 1}, "LG122", "cannot be limited to 1 by each tenant: tena"),
        ({"metadata": Jsonb([])}, "LG007", "type array"),
    ],
)
def test_updates_that_cannot_be(conn, given, sqlstate, message):
    made = coupon(conn, valid_from=NOW, valid_until=NOW + DAY)
    redeem(conn)
    redeem(conn)
    refused(conn, sqlstate, message, "update_coupon", id=made["id"], **given)


def test_limits_can_be_as_low_as_what_was_redeemed(conn):
    made = coupon(conn)
    redeem(conn)
    redeem(conn)
    assert call(conn, "update_coupon", id=made["id"], max_redemptions=2)["max_redemptions"] == 2
    refused(conn, "LG126", "redeemed 2 of 2 times", "redeem_coupon", tenant_id="t2", code="SAVE")
    call(conn, "update_coupon", id=made["id"], max_redemptions=9, max_redemptions_per_tenant=2)
    refused(conn, "LG126", "redeemed 2 of 2 times by tenant 't1'", "redeem_coupon", tenant_id="t1",
            code="SAVE")  # fmt: skip
    redeem(conn, "t2")
    assert redeemed(conn) == 3
    refused(conn, "LG122", "cannot be limited to 1 by each tenant: tenant 't1' has redeemed it 2",
            "update_coupon", id=made["id"], max_redemptions_per_tenant=1)  # fmt: skip
    call(conn, "update_coupon", id=made["id"], max_redemptions_per_tenant=5)
    refused(conn, "LG122", "limited to 1 by each tenant", "update_coupon", id=made["id"],
            max_redemptions_per_tenant=1)  # fmt: skip


def test_deleting_a_coupon(conn):
    made = coupon(conn)
    assert call(conn, "delete_coupon", id=made["id"]) == made
    refused(conn, "LG114", made["id"], "delete_coupon", id=made["id"])
    again = coupon(conn)
    redeem(conn)
    refused(conn, "LG122", "coupon 'SAVE' cannot be deleted: it has been redeemed 1 times",
            "delete_coupon", id=again["id"])  # fmt: skip


def test_lists_of_coupons(conn, set_clock):
    of_app = coupon(conn, "a")
    used_up = coupon(conn, "b", max_redemptions=1)
    of_one = coupon(conn, "c", tenant_id="t1")
    of_two = coupon(conn, "d", tenant_id="t2")
    over = coupon(conn, "e", valid_until=NOW)
    to_come = coupon(conn, "f", valid_from=NOW + DAY)
    archived = coupon(conn, "g")
    coupon(conn, "a", app_id="other")
    redeem(conn, "t1", "b")
    call(conn, "archive_coupon", id=archived["id"])

    def codes(**more: Any) -> list[str]:
        found = rows(conn, "list_coupons", **more)
        assert [row["id"] for row in found] == sorted(row["id"] for row in found)
        return sorted(row["code"] for row in found)

    assert codes() == list("abcdefg")
    assert codes(active_only=True) == list("acdf")
    assert codes(tenant_id="") == list("abefg")
    assert codes(tenant_id="t1") == list("abcefg")
    assert codes(active_only=True, tenant_id="t2") == list("adf")
    assert codes(app_id="nobody") == []
    pages = [rows(conn, "list_coupons", page_size=3, page_offset=offset) for offset in (0, 3, 6, 9)]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert [row for page in pages for row in page] == rows(conn, "list_coupons")
    set_clock(conn, NOW - MICROSECOND)
    assert codes(active_only=True) == list("acdef")
    assert {of_app["id"], used_up["id"], of_one["id"], of_two["id"], over["id"], to_come["id"]} == {
        row["id"] for row in rows(conn, "list_coupons") if row["status"] == "active"
    }


@pytest.mark.parametrize(
    ("given", "sqlstate", "message"),
    [
        ({"app_id": None}, "LG003", "app_id"),
        ({"page_size": 0}, "LG014", "page_size 0"),
        ({"page_size": 10001}, "LG014", "page_size 10001"),
        ({"page_size": None}, "LG003", "page_size"),
        ({"page_offset": -1}, "LG014", "page_offset -1"),
        ({"page_offset": None}, "LG003", "page_offset"),
    ],
)
def test_pages_that_cannot_be(conn, given, sqlstate, message):
    refused(conn, sqlstate, message, "list_coupons", **given)
    refused(conn, sqlstate, message, "list_coupon_redemptions", **{"tenant_id": "t1", **given})


def test_lists_need_to_know_what_of(conn):
    refused(conn, "LG003", "active_only must not be null", "list_coupons", active_only=None)
    refused(conn, "LG006", "tenant_id 'a b'", "list_coupons", tenant_id="a b")
    refused(conn, "LG003", "tenant_id", "list_coupon_redemptions", tenant_id=None)
    refused(conn, "LG006", "tenant_id ''", "list_coupon_redemptions", tenant_id="")


# Redeeming


def test_a_coupon_is_redeemed(conn):
    made = coupon(conn)
    redemption = redeem(conn)
    assert list(redemption) == REDEMPTION_COLUMNS
    assert ids.is_valid(redemption["id"], "red")
    assert redemption == {
        "id": redemption["id"],
        "app_id": "shop",
        "tenant_id": "t1",
        "coupon_id": made["id"],
        "code": "SAVE",
        "subscription_id": None,
        "status": "active",
        "uses_left": 1,
        "amount_left": None,
        "created_at": NOW,
    }
    assert redemptions(conn) == [redemption]
    with conn.cursor(row_factory=dict_row) as cursor:
        shown = cursor.execute("select * from ledger_coupon_redemptions").fetchall()
    assert shown == [redemption]
    # The coupon counts it, and is otherwise as it was.
    assert call(conn, "get_coupon", code="SAVE") == {**made, "redemptions": 1}


@pytest.mark.parametrize(
    ("given", "uses_left", "amount_left"),
    [
        ({"percentage": 20}, 1, None),
        ({"amount": 12, "currency": "USD"}, 1, 12),
        ({"percentage": 20, "duration": "repeating", "duration_invoices": 3}, 3, None),
        (
            {"amount": 12, "currency": "USD", "duration": "repeating", "duration_invoices": 3},
            3,
            None,
        ),
        ({"percentage": 20, "duration": "forever"}, None, None),
        ({"amount": 12, "currency": "USD", "duration": "forever"}, None, None),
    ],
)
def test_what_a_redemption_has(conn, given, uses_left, amount_left):
    coupon(conn, **given)
    redemption = redeem(conn)
    assert (redemption["uses_left"], redemption["amount_left"]) == (uses_left, amount_left)
    assert redemption["status"] == "active"


def test_a_redemption_of_which_nothing_is_left_is_used(conn):
    coupon(conn, "a", amount=12, currency="USD")
    coupon(conn, "b", duration="repeating", duration_invoices=2)
    coupon(conn, "c", duration="forever")
    for code in "abc":
        redeem(conn, "t1", code)

    def states() -> dict[str, str]:
        listed = {row["code"]: row["status"] for row in redemptions(conn)}
        shown = conn.execute("select code, status from ledger_coupon_redemptions").fetchall()
        assert dict(shown) == listed
        return listed

    assert states() == dict.fromkeys("abc", "active")
    conn.execute("update pgledger.coupon_redemptions set amount_left = 2 where amount_left = 12")
    conn.execute("update pgledger.coupon_redemptions set uses_left = 1 where uses_left = 2")
    assert states() == dict.fromkeys("abc", "active")
    conn.execute("update pgledger.coupon_redemptions set uses_left = 0 where uses_left = 1")
    assert states() == {"a": "used", "b": "used", "c": "active"}


def test_a_coupon_for_one_subscription(conn):
    coupon(conn, max_redemptions=2)
    subscription = Tenant(conn).create(create_plan(conn))["id"]
    abroad = Tenant(conn, app_id="other").create(create_plan(conn, app_id="other"))["id"]
    redemption = redeem(conn, subscription_id=subscription)
    assert redemption["subscription_id"] == subscription
    assert redemptions(conn) == [redemption]
    for tenant_id, other in (("t2", subscription), ("t1", abroad), ("t1", f"sub_{ULID}0")):
        refused(conn, "LG112", f"subscription {other} does not exist in app 'shop' for tenant",
                "redeem_coupon", tenant_id=tenant_id, code="SAVE",
                subscription_id=other)  # fmt: skip
    refused(conn, "LG001", "subscription_id 'x'", "redeem_coupon", tenant_id="t1", code="SAVE",
            subscription_id="x")  # fmt: skip
    assert redeemed(conn) == 1


@pytest.mark.parametrize(
    ("given", "sqlstate", "message"),
    [
        ({"app_id": None}, "LG003", "app_id"),
        ({"app_id": "*"}, "LG006", "it stands for all apps"),
        ({"app_id": "other"}, "LG114", "'SAVE' does not exist in app 'other' for tenant 't1'"),
        ({"tenant_id": None}, "LG003", "tenant_id"),
        ({"tenant_id": ""}, "LG006", "tenant_id ''"),
        ({"tenant_id": "a\tb"}, "LG006", "it contains a space"),
        ({"code": None}, "LG003", "code must not be null"),
        ({"code": "OURS"}, "LG114", "'OURS' does not exist in app 'shop' for tenant 't1'"),
        ({"code": "OTHER"}, "LG114", "'OTHER' does not exist"),
        ({"id": "red_1"}, "LG001", "id 'red_1' is not a valid id"),
        ({"id": f"cpn_{ULID}0"}, "LG001", "it does not begin with red_"),
    ],
)
def test_redemptions_that_cannot_be(conn, given, sqlstate, message):
    coupon(conn)
    coupon(conn, "OURS", tenant_id="t2")
    coupon(conn, "OTHER", app_id="other")
    arguments = {"tenant_id": "t1", "code": "SAVE", **given}
    refused(conn, sqlstate, message, "redeem_coupon", **arguments)


def test_a_tenants_own_coupon_comes_first(conn):
    of_app = coupon(conn)
    own = coupon(conn, tenant_id="t1", max_redemptions=1)
    assert redeem(conn, "t1")["coupon_id"] == own["id"]
    assert redeem(conn, "t2")["coupon_id"] == of_app["id"]
    # What is used up does not uncover another.
    refused(conn, "LG126", "'SAVE' is used up: it has been redeemed 1 of 1 times", "redeem_coupon",
            tenant_id="t1", code="SAVE")  # fmt: skip


def test_a_coupon_is_redeemed_while_it_is_valid(conn, set_clock):
    coupon(conn, valid_from=NOW, valid_until=NOW + DAY)
    for at, fault in (
        (NOW - MICROSECOND, "it is valid from 2025-01-15 12:00:00+00 on"),
        (NOW, None),
        (NOW + DAY - MICROSECOND, None),
        (NOW + DAY, "it was valid until 2025-01-16 12:00:00+00"),
        (NOW + 1000 * DAY, "it was valid until 2025-01-16 12:00:00+00"),
    ):
        set_clock(conn, at)
        if fault is None:
            assert redeem(conn)["created_at"] == at
        else:
            refused(conn, "LG125", f"coupon 'SAVE' cannot be redeemed: {fault}", "redeem_coupon",
                    tenant_id="t1", code="SAVE")  # fmt: skip
    assert redeemed(conn) == 2


def test_limits(conn):
    coupon(conn, max_redemptions=3, max_redemptions_per_tenant=2)
    redeem(conn, "t1")
    redeem(conn, "t1")
    refused(conn, "LG126", "redeemed 2 of 2 times by tenant 't1'", "redeem_coupon", tenant_id="t1",
            code="SAVE")  # fmt: skip
    redeem(conn, "t2")
    for tenant_id in ("t1", "t2", "t3"):
        refused(conn, "LG126", "coupon 'SAVE' is used up: it has been redeemed 3 of 3 times",
                "redeem_coupon", tenant_id=tenant_id, code="SAVE")  # fmt: skip
    assert redeemed(conn) == 3


def test_limits_within_one_statement(conn):
    coupon(conn, max_redemptions=3)
    many = (
        "select count(distinct redemption.id) from generate_series(1, %s) as number"
        " cross join lateral ledger_redeem_coupon('shop', 't' || number, 'SAVE') as redemption"
    )
    with pytest.raises(errors.CouponExhausted):
        conn.execute(many, [4])
    assert redeemed(conn) == 0
    assert conn.execute(many, [3]).fetchone() == (3,)
    assert redeemed(conn) == 3


def test_limits_of_tenants_are_each_ones_own(conn):
    """Also where another app, or the tenant's own coupon, has the same code."""
    for more in ({}, {"tenant_id": "t1"}, {"app_id": "other"}):
        coupon(conn, max_redemptions_per_tenant=1, **more)
    for tenant_id, app_id in (("t1", "shop"), ("t2", "shop"), ("t1", "other"), ("t2", "other")):
        redeem(conn, tenant_id, app_id=app_id)
        refused(conn, "LG126", f"redeemed 1 of 1 times by tenant '{tenant_id}'", "redeem_coupon",
                tenant_id=tenant_id, code="SAVE", app_id=app_id)  # fmt: skip


def test_a_redemption_sent_again_with_its_id(conn, set_clock):
    made = coupon(conn, max_redemptions=1, max_redemptions_per_tenant=1, valid_until=NOW + DAY)
    coupon(conn, "OTHER")
    subscription = Tenant(conn).create(create_plan(conn))["id"]
    chosen = f"red_{ULID}0"
    first = redeem(conn, id=chosen, subscription_id=subscription)
    assert first["id"] == chosen

    def again(**more: Any) -> Row:
        return redeem(conn, id=chosen, **{"subscription_id": subscription, **more})

    assert again() == first
    set_clock(conn, NOW + 2 * DAY)
    assert again() == first
    call(conn, "archive_coupon", id=made["id"])
    assert again() == first
    # The code is the same, though it names another coupon by now.
    coupon(conn, tenant_id="t1")
    assert again() == first
    conn.execute("update pgledger.coupon_redemptions set uses_left = 0")
    assert again() == {**first, "status": "used", "uses_left": 0}
    for other in (
        {"tenant_id": "t2"},
        {"app_id": "other"},
        {"code": "OTHER"},
        {"code": "NONE"},
        {"code": ""},
        {"subscription_id": None},
        {"subscription_id": f"sub_{ULID}0"},
    ):
        arguments = {"tenant_id": "t1", "code": "SAVE", "subscription_id": subscription, **other}
        refused(conn, "LG023", f"id {chosen} is already taken", "redeem_coupon", id=chosen,
                **arguments)  # fmt: skip
    assert redeemed(conn, "OTHER") == 0
    assert conn.execute("select sum(redemptions) from ledger_coupons").fetchone() == (1,)


def test_lists_of_redemptions(conn):
    coupon(conn)
    coupon(conn, app_id="other")
    mine = [redeem(conn, "t1") for _ in range(5)]
    redeem(conn, "t2")
    redeem(conn, "t1", app_id="other")
    mine.sort(key=lambda row: row["id"])
    assert redemptions(conn) == mine
    assert redemptions(conn, page_size=2, page_offset=3) == mine[3:]
    assert len(redemptions(conn, "t2")) == len(redemptions(conn, "t1", app_id="other")) == 1
    assert redemptions(conn, "t3") == redemptions(conn, "t2", app_id="other") == []


@pytest.mark.parametrize("view", ["ledger_coupons", "ledger_coupon_redemptions"])
def test_nobody_writes_to_the_views(conn, view):
    coupon(conn)
    redeem(conn)
    for change in (f"delete from {view}", f"update {view} set app_id = 'other'"):
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            conn.execute(change.encode())


# Whatever is given

TEXTS = st.text(
    st.characters(exclude_characters="\0", codec="utf-8"), max_size=70
) | st.sampled_from(["SAVE", "t1", "USD", "JPY", "", "once", "repeating", "forever", "base"])
NUMBERS = st.sampled_from(
    [Decimal(text) for text in ("0", "1", "-1", "100", "0.005", "NaN", "Infinity", "1e30", "1e-30")]
) | st.decimals(allow_nan=False, min_value=-1000, max_value=1000)
TIMES = st.sampled_from([NOW - DAY, NOW, NOW + DAY])
LIMITS = st.integers(-2, 5) | st.sampled_from([2**63 - 1, -(2**63)])


@settings(max_examples=scaled(300))
@drawn(
    arguments=st.fixed_dictionaries(
        {"code": st.none() | TEXTS},
        optional={
            "name": st.none() | TEXTS,
            "percentage": st.none() | NUMBERS,
            "amount": st.none() | NUMBERS,
            "currency": st.none() | TEXTS,
            "duration": st.none() | TEXTS,
            "duration_invoices": st.none() | st.integers(-1, 1002),
            "applies_to": st.none() | st.lists(st.none() | TEXTS, max_size=3),
            "minimum_subtotal": st.none() | NUMBERS,
            "valid_from": st.none() | TIMES,
            "valid_until": st.none() | TIMES,
            "max_redemptions": st.none() | LIMITS,
            "max_redemptions_per_tenant": st.none() | LIMITS,
            "tenant_id": st.none() | TEXTS,
        },
    ),
    tenant_id=TEXTS,
)
def test_any_arguments_are_taken_or_refused_by_name(conn, arguments, tenant_id):
    def act() -> None:
        with conn.transaction(force_rollback=True):
            made = call(conn, "create_coupon", **arguments)
            for name, value in arguments.items():
                if value is not None or name != "name":
                    assert made[name] == value
            found = call(conn, "get_coupon", code=made["code"], tenant_id=made["tenant_id"])
            assert found == made
            owner = made["tenant_id"] or tenant_id
            assert redeem(conn, owner, made["code"])["coupon_id"] == made["id"]
            assert redeemed(conn, made["code"], tenant_id=owner) == 1

    error = outcome(act)
    if error is not None:
        assert re.fullmatch("LG(003|006|008|010|101|103|125)", error.sqlstate), error


# At the same time


def kinds(results: Sequence[Any]) -> Counter[type]:
    """Counts the classes of errors, and as dict what went well."""
    return Counter(type(result) for result in results)


def redeem_as(tenant_id: str, session: Session) -> Row:
    return redeem(session, tenant_id)


def test_of_a_hundred_who_redeem_the_last_ten_at_once_ten_succeed(conn, connect):
    coupon(conn, max_redemptions=12)
    redeem(conn, "first")
    redeem(conn, "second")
    results = all_at_once(connect, [partial(redeem_as, f"t{number}") for number in range(100)])
    assert kinds(results) == {dict: 10, errors.CouponExhausted: 90}
    assert redeemed(conn) == 12
    made = [result for result in results if isinstance(result, dict)]
    assert len({row["id"] for row in made}) == len({row["tenant_id"] for row in made}) == 10
    for row in made:
        assert redemptions(conn, row["tenant_id"]) == [row]
    assert {result.diag.message_primary for result in results if not isinstance(result, dict)} == {
        "coupon 'SAVE' is used up: it has been redeemed 12 of 12 times"
    }


@pytest.mark.parametrize("attempt", range(3))
def test_a_tenant_redeems_no_more_often_than_it_may(conn, connect, attempt):
    coupon(conn, max_redemptions_per_tenant=3)
    tenants = [f"t{number % 4}" for number in range(32)]
    results = all_at_once(connect, [partial(redeem_as, tenant) for tenant in tenants])
    assert kinds(results) == {dict: 12, errors.CouponExhausted: 20}
    assert [len(redemptions(conn, f"t{number}")) for number in range(4)] == [3] * 4
    assert redeemed(conn) == 12


@pytest.mark.parametrize("attempt", range(3))
def test_both_limits_hold(conn, connect, attempt):
    coupon(conn, max_redemptions=7, max_redemptions_per_tenant=2)
    tenants = [f"t{number % 4}" for number in range(32)]
    results = all_at_once(connect, [partial(redeem_as, tenant) for tenant in tenants])
    assert kinds(results) == {dict: 7, errors.CouponExhausted: 25}
    assert sorted(len(redemptions(conn, f"t{number}")) for number in range(4)) == [1, 2, 2, 2]
    assert redeemed(conn) == 7


@pytest.mark.parametrize("attempt", range(3))
@pytest.mark.parametrize("limit", [None, 1])
def test_a_redemption_that_is_sent_many_times_at_once_happens_once(conn, connect, attempt, limit):
    coupon(conn, max_redemptions=limit, max_redemptions_per_tenant=limit)
    chosen = ids.generate("red")
    results = all_at_once(connect, [lambda session: redeem(session, id=chosen)] * 12)
    assert kinds(results) == {dict: 12}
    assert all(result == results[0] for result in results)
    assert redemptions(conn) == results[:1]
    assert redeemed(conn) == 1


@pytest.mark.parametrize("attempt", range(3))
def test_of_different_requests_with_one_id_one_is_taken(conn, connect, attempt):
    """Some are for one coupon, whose lock decides; others for others, where the id does."""
    for code in ("a", "b", "c"):
        coupon(conn, code)
    chosen = ids.generate("red")
    requests = [(tenant, code) for tenant in ("t1", "t2") for code in "abc"] * 2
    results = all_at_once(
        connect, [partial(lambda r, s: redeem(s, *r, id=chosen), request) for request in requests]
    )
    assert kinds(results) == {dict: 2, errors.IdempotencyConflict: 10}
    assert sum(redeemed(conn, code) for code in "abc") == 1


def test_a_redemption_waits_for_who_may_take_the_last(conn, connect, wait_until_blocked):
    coupon(conn, max_redemptions=1)
    for ending, expected in (("rollback", dict), ("commit", errors.CouponExhausted)):
        first, second = connect(), connect(**PATIENCE)
        redeem(first, "t1")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(outcome, partial(redeem, second, "t2"))
            wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
            getattr(first, ending)()
            assert type(waiting.result(timeout=60)) is expected
        second.rollback()
    assert redeemed(conn) == 1


@pytest.mark.parametrize("ending", ["rollback", "commit"])
def test_an_id_waits_for_who_may_have_it(conn, connect, wait_until_blocked, ending):
    coupon(conn, "a")
    coupon(conn, "b")
    chosen = ids.generate("red")
    first, second = connect(), connect(autocommit=True, **PATIENCE)
    redeem(first, "t1", "a", id=chosen)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(outcome, partial(redeem, second, "t1", "b", id=chosen))
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        getattr(first, ending)()
        result = waiting.result(timeout=60)
    if ending == "commit":
        assert type(result) is errors.IdempotencyConflict
        assert (redeemed(conn, "a"), redeemed(conn, "b")) == (1, 0)
    else:
        assert result["id"] == chosen
        assert (redeemed(conn, "a"), redeemed(conn, "b")) == (0, 1)


@pytest.mark.parametrize(
    "level",
    [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE],
    ids=lambda level: level.name,
)
@pytest.mark.parametrize("chosen", [None, f"red_{ULID}0"], ids=["no id", "id"])
def test_snapshots_oversell_nothing(conn, connect, wait_until_blocked, level, chosen):
    coupon(conn, max_redemptions=1, max_redemptions_per_tenant=1)
    for in_time in (True, False):
        first, second = connect(), connect(**PATIENCE)
        second.isolation_level = level
        assert redeemed(second) == 0
        redeem(first, id=chosen)
        if not in_time:
            first.commit()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(outcome, partial(redeem, second, id=chosen))
            if in_time:
                wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
                first.rollback()
            result = waiting.result(timeout=60)
        if in_time:
            assert result["tenant_id"] == "t1"
        else:
            assert isinstance(result, psycopg.errors.SerializationFailure)
        second.rollback()
    assert redeemed(conn) == 1


def test_the_time_counts_once_it_is_ones_turn(conn, connect, set_clock, wait_until_blocked):
    conn.execute("create table public.clock (at timestamptz)")
    conn.execute("grant select on public.clock to public")
    conn.execute("insert into public.clock values (%s)", [NOW])
    set_clock(conn, "(select at from public.clock)")
    coupon(conn, valid_until=NOW + DAY)
    first, second = connect(), connect(autocommit=True, **PATIENCE)
    redeem(first)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(outcome, partial(redeem, second))
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        conn.execute("update public.clock set at = %s", [NOW + DAY])
        first.commit()
        assert type(waiting.result(timeout=60)) is errors.CouponNotValid
    assert redeemed(conn) == 1


@pytest.mark.parametrize(
    ("what", "given", "expected"),
    [
        ("archive", {}, errors.CouponNotValid),
        ("delete", {}, errors.CouponNotFound),
        ("update", {"valid_until": NOW}, errors.CouponNotValid),
        ("update", {"max_redemptions": 1}, dict),
    ],
)
def test_who_redeems_sees_the_coupon_as_it_has_become(
    conn, connect, wait_until_blocked, what, given, expected
):
    made = coupon(conn)
    first, second = connect(), connect(autocommit=True, **PATIENCE)
    call(first, f"{what}_coupon", id=made["id"], **given)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(outcome, partial(redeem, second))
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert type(waiting.result(timeout=60)) is expected


def test_a_tenants_own_coupon_that_is_deleted_gives_way_to_the_apps(
    conn, connect, wait_until_blocked
):
    of_app, own = coupon(conn), coupon(conn, tenant_id="t1")
    first, second = connect(), connect(autocommit=True, **PATIENCE)
    call(first, "delete_coupon", id=own["id"])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(redeem, second)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert waiting.result(timeout=60)["coupon_id"] == of_app["id"]


@pytest.mark.parametrize(
    ("what", "given"), [("delete", {}), ("update", {"max_redemptions": 1}), ("archive", {})]
)
def test_a_change_waits_for_who_redeems(conn, connect, wait_until_blocked, what, given):
    made = coupon(conn)
    redeem(conn)
    if what == "delete":
        made = coupon(conn, tenant_id="t1")
    first, second = connect(), connect(autocommit=True, **PATIENCE)
    redeem(first)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            outcome, partial(call, second, f"{what}_coupon", id=made["id"], **given)
        )
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        result = waiting.result(timeout=60)
    if what == "archive":
        assert (result["status"], result["redemptions"]) == ("archived", 2)
    else:
        assert type(result) is errors.InUse


def test_coupons_do_not_wait_for_one_another(conn, connect):
    coupon(conn, "a")
    coupon(conn, "b")
    first = connect()
    redeem(first, "t1", "a")
    redeem(conn, "t1", "b")
    # Nor does who reads one, or redeems anything else for the same subscription.
    assert call(conn, "get_coupon", code="a")["redemptions"] == 0
    first.commit()
    assert call(conn, "get_coupon", code="a")["redemptions"] == 1


@pytest.mark.parametrize("attempt", range(3))
def test_one_of_many_takes_a_code(conn, connect, attempt):
    results = all_at_once(connect, [coupon] * 8)
    assert kinds(results) == {dict: 1, errors.AlreadyExists: 7}
    assert len(rows(conn, "list_coupons")) == 1


@pytest.mark.parametrize("attempt", range(3))
def test_a_coupon_that_is_created_many_times_at_once_is_one(conn, connect, attempt):
    chosen = ids.generate("cpn")
    results = all_at_once(connect, [lambda session: coupon(session, id=chosen)] * 8)
    assert kinds(results) == {dict: 8}
    assert rows(conn, "list_coupons") == results[:1]
    assert all(result == results[0] for result in results)


def test_redeemers_and_changes_at_once_never_deadlock(conn, connect):
    made = {code: coupon(conn, code, max_redemptions=40)["id"] for code in ("a", "b")}
    subscription = Tenant(conn).create(create_plan(conn))["id"]

    def many(worker: int, session: Session) -> list[Any]:
        results: list[Any] = []
        for number in range(25):
            code = "ab"[(number + worker) % 2]
            if worker % 3 == 0 and number % 5 == 0:
                work = partial(call, session, "update_coupon", id=made[code], name=f"n{number}")
            else:
                for_one = subscription if number % 3 == 0 else None
                work = partial(redeem, session, "t1", code, subscription_id=for_one)
            results.append(outcome(work))
        return results

    results = all_at_once(connect, [partial(many, worker) for worker in range(8)])
    seen = kinds([result for worker in results for result in worker])
    assert set(seen) == {dict, errors.CouponExhausted}, seen
    assert redeemed(conn, "a") == redeemed(conn, "b") == 40

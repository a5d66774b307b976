"""One-off invoices, what becomes of invoices once they are final, and payments.

Amounts are looked at as they are written; the clock stands where a test puts it.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from math import trunc
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import IsolationLevel
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from pgledger import errors, ids
from support.at_once import PATIENCE, all_at_once
from support.clock import SetClock
from support.database import Connect
from support.exact import minus, plus, times
from support.properties import scaled
from support.subscriptions import Row, Session, Tenant, call, create_plan, utc

NOW = utc("2025-01-15 12:00")
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)

SALES_TAX: list[Row] = [{"name": "Sales tax", "percentage": "8.25"}]

Clock = Callable[[datetime | str], None]


@pytest.fixture
def conn(connect: Connect) -> Session:
    return connect(autocommit=True, **PATIENCE)


@pytest.fixture
def clock(conn: Session, set_clock: SetClock) -> Clock:
    """Puts the clock to a time; at first it stands at NOW."""

    def put(at: datetime | str) -> None:
        set_clock(conn, utc(at) if isinstance(at, str) else at)

    put(NOW)
    return put


@pytest.fixture
def tenant(conn: Session, clock: Clock) -> Tenant:
    return Tenant(conn)


def line(amount: str | int = "100", description: Any = "Work", **members: Any) -> Row:
    return {"description": description, "amount": str(amount), **members}


def draw(tenant: Tenant, *lines: Row, currency: str = "USD", **options: Any) -> Row:
    """Draws up a one-off invoice of those lines, or of 100.00."""
    return tenant.one(
        "ledger_create_invoice", currency=currency, lines=list(lines) or [line()], **options
    )


def get(tenant: Tenant, invoice: Row) -> Row:
    return tenant.one("ledger_get_invoice", id=invoice["id"])


def finalize(tenant: Tenant, invoice: Row, **options: Any) -> Row:
    return tenant.one("ledger_finalize_invoice", id=invoice["id"], **options)


def pending(tenant: Tenant, *lines: Row, **options: Any) -> Row:
    """Draws up an invoice of those lines, or of 100.00, and makes it final."""
    return finalize(tenant, draw(tenant, *lines, **options))


def pay(tenant: Tenant, invoice: Row, amount: Any, **options: Any) -> Row:
    return tenant.one("ledger_record_payment", invoice_id=invoice["id"], amount=amount, **options)


def mark_paid(tenant: Tenant, invoice: Row, **options: Any) -> Row:
    return tenant.one("ledger_mark_invoice_paid", id=invoice["id"], **options)


def void(tenant: Tenant, invoice: Row, **options: Any) -> Row:
    return tenant.one("ledger_mark_invoice_voided", id=invoice["id"], **options)


def give_up(tenant: Tenant, invoice: Row) -> Row:
    return tenant.one("ledger_mark_invoice_uncollectible", id=invoice["id"])


def delete(tenant: Tenant, invoice: Row) -> Row:
    return tenant.one("ledger_delete_invoice", id=invoice["id"])


def payments(tenant: Tenant, invoice: Row) -> list[Row]:
    return tenant.rows("ledger_list_payments", invoice_id=invoice["id"])


def redeem(tenant: Tenant, code: str, **terms: Any) -> Row:
    """Creates a coupon and redeems it for the tenant."""
    coupon(tenant, code, **terms)
    return tenant.one("ledger_redeem_coupon", code=code)


def coupon(tenant: Tenant, code: str, **terms: Any) -> None:
    names = ", ".join(f"{name} => %({name})s" for name in terms)
    tenant.conn.execute(
        f"select ledger_create_coupon(%(app)s, %(code)s, {names})".encode(),
        {"app": tenant.app_id, "code": code, **terms},
    )


def redemption(tenant: Tenant) -> tuple[str, int | None, Decimal | None]:
    """Returns what is left of the one coupon that a tenant has redeemed."""
    (row,) = tenant.rows("ledger_list_coupon_redemptions")
    return row["status"], row["uses_left"], row["amount_left"]


def advance(conn: Session, **options: Any) -> list[Row]:
    return call(conn, "ledger_advance", app_id="shop", max_span=None, **options)


def kept(conn: Session) -> list[tuple[Any, ...]]:
    """Returns every row that is kept of invoices, and which transaction wrote it."""
    return [
        row
        for table in ("invoices", "invoice_lines", "invoice_payments", "coupon_applications")
        for row in conn.execute(
            f"select xmin::text, {table}::text from pgledger.{table} order by {table}".encode()
        ).fetchall()
    ]


def assert_consistent(conn: Session) -> None:
    """Asserts what holds of any invoice, whatever has happened to it."""
    wrong = conn.execute(
        """
        select invoices.id
        from pgledger.invoices
        cross join lateral (
          select
            coalesce(sum(item.amount), 0) as total,
            coalesce(
              sum(item.amount) filter (where item.kind not in ('discount', 'tax')), 0
            ) as subtotal,
            coalesce(-sum(item.amount) filter (where item.kind = 'discount'), 0) as discount,
            coalesce(sum(item.amount) filter (where item.kind = 'tax'), 0) as tax,
            coalesce(sum(item.discount), 0) as discount_shares,
            coalesce(sum(item.tax), 0) as tax_shares
          from pgledger.invoice_lines as item
          where item.invoice_key = invoices.key
        ) as line
        cross join lateral (
          select coalesce(sum(made.amount), 0) as paid
          from pgledger.invoice_payments as made
          where made.invoice_key = invoices.key
        ) as payment
        where (line.total, line.subtotal, line.discount, line.tax)
          is distinct from (invoices.total, invoices.subtotal, invoices.discount, invoices.tax)
          or (line.discount_shares, line.tax_shares) <> (invoices.discount, invoices.tax)
          or payment.paid <> amount_paid
          or (status = 'paid') <> (paid_at is not null)
          or (status = 'voided') <> (voided_at is not null)
          or (status = 'draft') <> (number is null)
          or status = 'paid' and amount_paid < amount_due
          or status in ('pending', 'past_due', 'uncollectible') and amount_paid >= amount_due
          or unapplied <> case status
            when 'voided' then amount_paid
            else greatest(amount_paid - amount_due, 0) + greatest(-invoices.total, 0) - refund_due
              - (
                select coalesce(sum(given.amount), 0)
                from pgledger.invoice_credits as given
                where given.from_invoice_key = invoices.key
              )
          end and status <> 'draft'
        """
    ).fetchall()
    assert wrong == []
    lost = conn.execute(
        "select * from pgledger.invoice_lines where invoice_key not in"
        " (select key from pgledger.invoices)"
    ).fetchall()
    assert lost == []


# One-off invoices


def shares(item: Row) -> list[Decimal]:
    """Returns a line's amount and its shares of discounts and taxes, in cents."""
    return [times(Decimal(item[name]), 100) for name in ("amount", "discount", "tax")]


def test_worked_example(conn, tenant):
    """Lines 80 and 20, 25 % off the 80, 10 off, tax 8.25 %."""
    redeem(tenant, "quarter", percentage=25, applies_to=["work"])
    redeem(tenant, "ten", amount=10, currency="USD")
    invoice = draw(
        tenant, line(80, "Work", item="work"), line(20, "Parts", item="parts"), tax_rates=SALES_TAX
    )
    sums = ("subtotal", "discount", "tax", "total", "amount_due")
    assert [str(invoice[name]) for name in sums] == ["100.00", "30.00", "5.78", "75.78", "75.78"]
    shown = [(item["kind"], item["description"], *shares(item)) for item in invoice["line_items"]]
    # 10 off what is left of them, 60 and 20; 8.25 % of 52.50 is 4.33125 and of 17.50 is 1.44375.
    assert shown == [
        ("item", "Work", 8000, 2750, 433),
        ("item", "Parts", 2000, 250, 145),
        ("discount", "quarter", -2000, 0, 0),
        ("discount", "ten", -1000, 0, 0),
        ("tax", "Sales tax 8.25 %", 578, 0, 0),
    ]
    final = finalize(tenant, invoice)
    assert [final[name] for name in sums] == [invoice[name] for name in sums]
    assert_consistent(conn)


def test_draft(tenant):
    invoice = draw(tenant, metadata={"order": "7"})
    assert ids.is_valid(invoice["id"], "inv")
    assert {name: invoice[name] for name in invoice if name not in ("id", "line_items")} == {
        "app_id": "shop",
        "tenant_id": "t1",
        "subscription_id": None,
        "kind": "one_off",
        "period_start": None,
        "period_end": None,
        "status": "draft",
        "number": None,
        "currency": "USD",
        "subtotal": 100,
        "discount": 0,
        "tax": 0,
        "total": 100,
        "credits_applied": 0,
        "amount_due": 100,
        "amount_paid": 0,
        "amount_remaining": 100,
        "refund_due": 0,
        "unapplied": 0,
        "tax_rates": [],
        "finalized_at": None,
        "due_at": None,
        "paid_at": None,
        "voided_at": None,
        "void_reason": None,
        "uncollectible_at": None,
        "version": 1,
        "metadata": {"order": "7"},
        "created_at": NOW,
        "updated_at": NOW,
    }
    assert get(tenant, invoice) == invoice


def test_line_keeps_all_that_was_given(tenant):
    (item,) = draw(
        tenant,
        {
            "description": "Hours of\nJanuary",
            "quantity": "2.5",
            "unit_amount": 80,
            "item": "hours",
            "period_start": "2025-01-01T00:00:00+01:00",
            "period_end": "2025-02-01T00:00:00.5Z",
        },
    )["line_items"]
    assert ids.is_valid(item.pop("id"), "li")
    assert item == {
        "kind": "item",
        "description": "Hours of\nJanuary",
        "item": "hours",
        "period_start": "2024-12-31T23:00:00.000000Z",
        "period_end": "2025-02-01T00:00:00.500000Z",
        "quantity": "2.5",
        "unit_amount": "80",
        "amount": "200.00",
        "discount": "0.00",
        "tax": "0.00",
        "basis": None,
    }


ROUNDED: Sequence[tuple[str, Row, str]] = (
    ("USD", {"amount": "10.125"}, "10.13"),
    ("USD", {"amount": "-10.125"}, "-10.13"),
    ("USD", {"amount": 10.125}, "10.13"),
    ("USD", {"amount": "10.124999999999999999"}, "10.12"),
    ("JPY", {"amount": "100.5"}, "101"),
    ("JPY", {"amount": "-100.5"}, "-101"),
    ("KWD", {"amount": "1.0005"}, "1.001"),
    ("USD", {"quantity": "0.001", "unit_amount": "4.999"}, "0.00"),
    ("USD", {"quantity": "3", "unit_amount": "0.015"}, "0.05"),
    ("USD", {"quantity": "3", "unit_amount": "-0.015"}, "-0.05"),
    ("USD", {"quantity": "0", "unit_amount": "1"}, "0.00"),
    ("USD", {"amount": "999999999999999999999999999999"}, "9" * 30 + ".00"),
    ("USD", {"amount": "1", "quantity": None, "item": None, "period_start": None}, "1.00"),
)


def test_amounts_are_rounded_once_half_away_from_zero(tenant):
    for currency, members, amount in ROUNDED:
        invoice = draw(tenant, {"description": "x", **members}, currency=currency)
        assert invoice["line_items"][0]["amount"] == amount
        assert invoice["total"] == Decimal(amount)
        assert invoice["amount_due"] == max(Decimal(amount), 0)


def test_currency_of_the_apps_own(conn, tenant):
    conn.execute("select ledger_set_currency('shop', 'POINTS', 1)")
    assert draw(tenant, line("0.25"), currency="POINTS")["total"] == Decimal("0.3")
    with pytest.raises(errors.UnknownCurrency, match="'POINTS' is not known in app 'other'"):
        draw(Tenant(conn, app_id="other"), currency="POINTS")


def test_credits_lower_the_invoice_and_its_tax(conn, tenant):
    invoice = draw(tenant, line(100), line(-40, "Returned"), tax_rates=SALES_TAX)
    assert (invoice["subtotal"], invoice["tax"], invoice["total"]) == (
        60,
        Decimal("4.95"),
        Decimal("64.95"),
    )
    assert_consistent(conn)


def test_credit_note_is_paid_at_once_and_kept_for_the_tenant(conn, tenant):
    invoice = pending(tenant, line(-40, "Returned"))
    assert (invoice["status"], invoice["amount_due"], invoice["unapplied"]) == ("paid", 0, 40)
    assert invoice["paid_at"] == NOW
    assert_consistent(conn)


def test_tax_of_some_lines(conn, tenant):
    rates = [
        {"name": "Goods", "percentage": 10, "applies_to": ["parts", "else"]},
        {"name": "All", "percentage": "1", "applies_to": None},
    ]
    invoice = draw(tenant, line(80, item="work"), line(20, item="parts"), line(7), tax_rates=rates)
    assert [shares(item)[2] for item in invoice["line_items"]] == [80, 220, 7, 0, 0]
    assert invoice["tax"] == Decimal("3.07")
    assert invoice["tax_rates"] == rates
    assert_consistent(conn)


def test_a_thousand_lines(conn, tenant):
    invoice = draw(tenant, *[line("0.333", str(n)) for n in range(1000)], tax_rates=SALES_TAX)
    assert (invoice["subtotal"], invoice["tax"]) == (330, Decimal("27.23"))
    assert [item["description"] for item in invoice["line_items"][:1000]] == [
        str(n) for n in range(1000)
    ]
    assert_consistent(conn)


# What is wrong with a request

UNSOUND: Mapping[str, tuple[Any, str, str]] = {
    "no array": ({}, "$.lines", "it is of type object, not an array"),
    "null": (None, "$.lines", "it is of type null, not an array"),
    "no line": ([], "$.lines", "it is empty"),
    "too many": ([line()] * 1001, "$.lines", "it has 1001 elements, at most 1000"),
    "a text": ([line(), "x"], "$.lines[1]", '"x" is of type string, not an object'),
    "stranger": ([line(tax="1")], "$.lines[0].tax", "it is not known here"),
    "tax rates": ([line(tax_rates=[])], "$.lines[0].tax_rates", "it is not known here"),
    "no description": ([{"amount": "1"}], "$.lines[0].description", "it is missing"),
    "description": ([line(description=7)], "$.lines[0].description", "7 is of type number"),
    "empty description": ([line(description="")], "$.lines[0].description", "it is empty"),
    "blank description": ([line(description=" ")], "$.lines[0].description", "can be seen"),
    "long description": (
        [line(description="x" * 1001)],
        "$.lines[0].description",
        "it has 1001 characters, at most 1000",
    ),
    "item": ([line(item=["x"])], "$.lines[0].item", "it is of type array, not a string"),
    "empty item": ([line(item="")], "$.lines[0].item", "it is empty"),
    "long item": ([line(item="x" * 256)], "$.lines[0].item", "at most 255"),
    "no amount": ([{"description": "x"}], "$.lines[0]", "it has neither an amount nor"),
    "quantity alone": (
        [{"description": "x", "quantity": 1}],
        "$.lines[0]",
        "it has neither an amount nor",
    ),
    "price alone": (
        [{"description": "x", "unit_amount": 1}],
        "$.lines[0]",
        "it has neither an amount nor",
    ),
    "both": ([line(quantity=1)], "$.lines[0]", "it has both an amount and"),
    "all three": ([line(quantity=1, unit_amount=1)], "$.lines[0]", "it has both an amount and"),
    "amount": ([line("1e3")], "$.lines[0].amount", '"1e3" is not a plain decimal number'),
    "NaN": ([line("NaN")], "$.lines[0].amount", '"NaN" is not a plain decimal number'),
    "boolean": (
        [{"description": "x", "amount": True}],
        "$.lines[0].amount",
        "true is of type boolean",
    ),
    "decimals": ([line("0.0000000000000000001")], "$.lines[0].amount", "19 decimal places"),
    "large": ([line("1" + "0" * 30)], "$.lines[0].amount", "is not below 1e30"),
    "large credit": ([line("-1" + "0" * 30)], "$.lines[0].amount", "is below -9999"),
    "long": ([line("0" * 101)], "$.lines[0].amount", "is written with 101 characters"),
    "negative quantity": (
        [{"description": "x", "quantity": -1, "unit_amount": 1}],
        "$.lines[0].quantity",
        "-1 is below 0",
    ),
    "large price": (
        [{"description": "x", "quantity": 0, "unit_amount": "-1" + "0" * 30}],
        "$.lines[0].unit_amount",
        "is below -9999",
    ),
    "large product": (
        [{"description": "x", "quantity": "1" + "0" * 15, "unit_amount": "-1" + "0" * 15}],
        "$.lines[0]",
        "it comes to an amount that is not below 1e30 in size",
    ),
    "rounded up": ([line("9" * 30 + ".995")], "$.lines[0]", "not below 1e30 in size"),
    "large total": (
        [line("9" * 30), line("1")],
        "$.lines",
        "it comes to a total that is not below 1e30 in size",
    ),
    "large credits": ([line("-" + "9" * 30), line("-1")], "$.lines", "comes to a total"),
    "time": ([line(period_start=7)], "$.lines[0].period_start", "7 is of type number"),
    "order": (
        [line(period_start="2025-01-01T00:00:00Z", period_end="2025-01-01T01:00:00+01:00")],
        "$.lines[0].period_end",
        "is not after period_start",
    ),
}


def unlike(
    expected: Mapping[str, tuple[Any, str, str]], attempt: Callable[[Any], Any]
) -> dict[str, str]:
    """Returns what was said of each value of which something else should have been said."""
    wrong = {}
    for name, (value, path, fault) in expected.items():
        with pytest.raises(errors.InvalidInvoice) as raised:
            pytest.fail(f"{name} is allowed: {attempt(Jsonb(value))}")
        said = raised.value.diag.message_primary or ""
        if (
            not said.startswith(f"the invoice is not valid at {path}: ")
            or fault not in said
            or len(said) > 300
        ):
            wrong[name] = said
    return wrong


def test_unsound_lines_are_named(conn, tenant):
    def attempt(lines: Jsonb) -> Any:
        return tenant.one("ledger_create_invoice", currency="USD", lines=lines)

    assert unlike(UNSOUND, attempt) == {}
    assert kept(conn) == []


UNSOUND_TIMES = (
    "",
    "2025-01-01",
    "2025-01-01T00:00:00",
    "2025-01-01 00:00:00 Europe/Berlin",
    "2025-01-01T00:00:00.1234567Z",
    "2025-01-01T24:00:00Z",
    "2025-01-01T00:60:00Z",
    "2025-01-01T00:00:60Z",
    "2025-01-01T00:00:00+16:00",
    "2025-01-01T00:00:00+1:00",
    "2025-1-01T00:00:00Z",
    "2025-13-01T00:00:00Z",
    "2025-00-01T00:00:00Z",
    "2025-01-00T00:00:00Z",
    "2025-01-32T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2025-04-31T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:00:00-01:00",
    "-0001-01-01T00:00:00Z",
    "2025-01-01T00:00:00Z BC",
    "2025-01-01T00:00:00Z\n",
    "٢٠٢٥-01-01T00:00:00Z",
    "infinity",
    "now",
)


def test_unsound_times_are_refused(tenant):
    expected = {text: (text, "$.lines[0].period_end", "") for text in UNSOUND_TIMES}
    assert unlike(expected, lambda text: draw(tenant, line(period_end=text.obj))) == {}


SOUND_TIMES = (
    ("2025-01-31T10:00:00Z", "2025-01-31T10:00:00.000000Z"),
    ("2025-01-31 10:00:00+00", "2025-01-31T10:00:00.000000Z"),
    ("2025-01-31t10:00z", "2025-01-31T10:00:00.000000Z"),
    ("2024-02-29T23:59:59.999999-0530", "2024-03-01T05:29:59.999999Z"),
    ("2000-02-29T00:00:00+15:59", "2000-02-28T08:01:00.000000Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    (NOW.isoformat(), "2025-01-15T12:00:00.000000Z"),
)


def test_sound_times_mean_the_same_in_every_session(conn, tenant):
    for setting in ("timezone = 'Asia/Kolkata'", "datestyle = 'ISO, DMY'"):
        conn.execute(f"set {setting}".encode())
        for text, shown in SOUND_TIMES:
            (item,) = draw(tenant, line(period_start=text))["line_items"]
            assert item["period_start"] == shown


UNSOUND_RATES: Mapping[str, tuple[Any, str, str]] = {
    "no array": ({}, "$.tax_rates", "it is of type object, not an array"),
    "null": (None, "$.tax_rates", "it is of type null, not an array"),
    "too many": (SALES_TAX * 21, "$.tax_rates", "it has 21 elements, at most 20"),
    "far too many": (SALES_TAX * 1001, "$.tax_rates", "it has 1001 elements"),
    "a number": ([8.25], "$.tax_rates[0]", "8.25 is of type number, not an object"),
    "stranger": ([{**SALES_TAX[0], "rate": 1}], "$.tax_rates[0].rate", "it is not known here"),
    "no name": ([{"percentage": 1}], "$.tax_rates[0].name", "it is missing"),
    "name": ([{"name": 1, "percentage": 1}], "$.tax_rates[0].name", "1 is of type number"),
    "empty name": ([{"name": "", "percentage": 1}], "$.tax_rates[0].name", "it is empty"),
    "long name": ([{"name": "x" * 256, "percentage": 1}], "$.tax_rates[0].name", "at most 255"),
    "no percentage": ([{"name": "x"}], "$.tax_rates[0].percentage", "it is missing"),
    "negative": (
        [*SALES_TAX, {"name": "x", "percentage": "-1"}],
        "$.tax_rates[1].percentage",
        '"-1" is below 0',
    ),
    "above": ([{"name": "x", "percentage": 100.5}], "$.tax_rates[0].percentage", "is above 100"),
    "decimals": (
        [{"name": "x", "percentage": "0.0000000000000000001"}],
        "$.tax_rates[0].percentage",
        "19 decimal places",
    ),
    "items": (
        [{**SALES_TAX[0], "applies_to": "work"}],
        "$.tax_rates[0].applies_to",
        '"work" is of type string, not an array',
    ),
    "no items": (
        [{**SALES_TAX[0], "applies_to": []}],
        "$.tax_rates[0].applies_to",
        "it has 0 elements, 1 to 100 are allowed",
    ),
    "too many items": (
        [{**SALES_TAX[0], "applies_to": ["x"] * 101}],
        "$.tax_rates[0].applies_to",
        "it has 101 elements, 1 to 100 are allowed",
    ),
    "item": (
        [{**SALES_TAX[0], "applies_to": ["x", 7]}],
        "$.tax_rates[0].applies_to[1]",
        "7 is of type number, not a string",
    ),
    "null item": (
        [{**SALES_TAX[0], "applies_to": [None]}],
        "$.tax_rates[0].applies_to[0]",
        "it is of type null, not a string",
    ),
    "long item": (
        [{**SALES_TAX[0], "applies_to": ["x" * 256]}],
        "$.tax_rates[0].applies_to[0]",
        "at most 255",
    ),
}


def test_unsound_tax_rates_are_named(conn, tenant):
    assert unlike(UNSOUND_RATES, lambda rates: draw(tenant, tax_rates=rates)) == {}
    assert kept(conn) == []


def test_bounds_of_tax_rates_are_allowed(tenant):
    rates: list[Row] = [{"name": "n" * 255, "percentage": "100", "applies_to": ["i" * 255] * 100}]
    rates += [{"name": "x y", "percentage": 0}] * 19
    invoice = draw(tenant, line(item="i" * 255), tax_rates=rates)
    assert invoice["total"] == 200


def test_order_of_checks(tenant):
    """Each line leaves out the fault that the line before was refused for."""
    arguments: Row = {
        "app_id": "*",
        "tenant_id": "",
        "currency": None,
        "lines": None,
        "tax_rates": None,
        "metadata": Jsonb([]),
        "id": "nonsense",
    }
    taken = draw(tenant)["id"]
    repairs: list[tuple[type[Exception], str, Row]] = [
        (errors.InvalidScope, "app_id", {"app_id": "shop"}),
        (errors.InvalidScope, "tenant_id", {"tenant_id": "t1"}),
        (errors.NullArgument, "currency", {"currency": "XQX"}),
        (errors.UnknownCurrency, "'XQX' is not known in app 'shop'", {"currency": "USD"}),
        (errors.NullArgument, "lines", {"lines": [line("0.5e1")]}),
        (errors.InvalidInvoice, "amount", {"lines": [line("9" * 30), line()]}),
        (errors.NullArgument, "tax_rates", {"tax_rates": Jsonb({})}),
        (errors.InvalidInvoice, "tax_rates", {"tax_rates": []}),
        (errors.InvalidMetadata, "array", {"metadata": None}),
        (errors.InvalidId, "inv_", {"id": taken}),
        (errors.IdempotencyConflict, taken, {"id": ids.generate("inv")}),
        (errors.InvalidInvoice, "comes to a total", {"lines": [line()]}),
    ]
    for error, says, repair in repairs:
        with pytest.raises(error, match=says):
            call(tenant.conn, "ledger_create_invoice", **arguments)
        arguments |= repair
    (made,) = call(tenant.conn, "ledger_create_invoice", **arguments)
    assert made["id"] == arguments["id"]


# Repeating


def test_repeated_creation_returns_the_invoice_as_it_is_now(conn, tenant, clock):
    request: Row = {
        "id": ids.generate("inv"),
        "tax_rates": SALES_TAX,
        "metadata": {"a": 1.0},
    }
    lines = (
        line("10.00", item="x", period_start="2025-01-01T00:00:00Z"),
        {"description": "b", "quantity": "2", "unit_amount": "3"},
    )
    same = (
        line(10, item="x", period_start="2025-01-01T01:00:00+01:00", period_end=None),
        {"description": "b", "quantity": 2.0, "unit_amount": "3.000"},
    )
    redeem(tenant, "ten", percentage=10)
    first = draw(tenant, *lines, **request)
    clock(NOW + DAY)
    assert draw(tenant, *same, **{**request, "metadata": {"a": 1}}) == first
    paid = mark_paid(tenant, finalize(tenant, first))
    before = kept(conn)
    assert draw(tenant, *same, **request) == paid
    assert kept(conn) == before
    voided = void(tenant, pending(tenant, id=ids.generate("inv")))
    assert draw(tenant, id=voided["id"]) == voided


CHANGES: Sequence[Row] = (
    {"tenant_id": "t2"},
    {"app_id": "other"},
    {"currency": "EUR"},
    {"lines": [line(item="x")]},
    {"lines": [line(item="x"), line(1)]},
    {"lines": [line(1), line(item="x", description="Rework")]},
    {"lines": [line(1), line()]},
    {"lines": [line(1), line(101, item="x")]},
    {"lines": [line(1), {"description": "Work", "quantity": 1, "unit_amount": 100}]},
    {"lines": [line(1), line(item="x", period_start="2025-01-01T00:00:00Z")]},
    {"tax_rates": []},
    {"metadata": None},
    {"metadata": {"a": 2}},
)


def test_other_request_of_an_id_is_refused(conn, tenant):
    chosen = ids.generate("inv")
    request: Row = {
        "app_id": "shop",
        "tenant_id": "t1",
        "currency": "USD",
        "lines": [line(1), line(item="x")],
        "tax_rates": SALES_TAX,
        "metadata": {"a": 1},
        "id": chosen,
    }
    (first,) = call(conn, "ledger_create_invoice", **request)
    for change in CHANGES:
        with pytest.raises(errors.IdempotencyConflict) as raised:
            pytest.fail(f"{change}: {call(conn, 'ledger_create_invoice', **(request | change))}")
        assert chosen in str(raised.value)
        assert "t1" not in str(raised.value)
    assert get(tenant, first) == first


def test_id_of_another_kind_of_invoice_is_taken(conn, tenant):
    plan = create_plan(conn)
    subscription = tenant.create(plan)
    made = tenant.one("ledger_generate_invoice", subscription_id=subscription["id"], kind="start")
    with pytest.raises(errors.IdempotencyConflict):
        draw(tenant, line(10), id=made["id"])


# Getting and listing


def test_invoices_of_others_are_not_found(conn, tenant):
    invoice = pending(tenant)
    before = kept(conn)
    by_id = (
        "ledger_get_invoice",
        "ledger_delete_invoice",
        "ledger_mark_invoice_paid",
        "ledger_mark_invoice_voided",
        "ledger_mark_invoice_uncollectible",
    )
    for stranger in (Tenant(conn, "t2"), Tenant(conn, app_id="other")):
        calls: list[Callable[[], Any]] = [
            partial(stranger.one, name, id=invoice["id"]) for name in by_id
        ]
        calls += [
            partial(pay, stranger, invoice, 1),
            partial(payments, stranger, invoice),
        ]
        for attempt in calls:
            with pytest.raises(errors.InvoiceNotFound) as raised:
                attempt()
            assert f"invoice {invoice['id']} does not exist in app '{stranger.app_id}'" in str(
                raised.value
            )
        assert stranger.rows("ledger_list_invoices") == []
        assert stranger.rows("ledger_list_pending_invoices") == []
    assert kept(conn) == before


@pytest.mark.parametrize(
    "function",
    [
        "ledger_get_invoice",
        "ledger_delete_invoice",
        "ledger_record_payment",
        "ledger_mark_invoice_paid",
        "ledger_mark_invoice_voided",
        "ledger_mark_invoice_uncollectible",
        "ledger_list_payments",
    ],
)
def test_every_call_by_id_checks_its_scope_and_id(conn, clock, function):
    name = "id" if "record" not in function and "list" not in function else "invoice_id"
    rest: Row = {"amount": 1} if "record" in function else {}
    for wrong, error, says in (
        ({"app_id": None}, errors.NullArgument, "app_id"),
        ({"app_id": "*"}, errors.InvalidScope, "app_id"),
        ({"tenant_id": None}, errors.NullArgument, "tenant_id"),
        ({"tenant_id": ""}, errors.InvalidScope, "tenant_id"),
        ({name: None}, errors.NullArgument, name),
        ({name: "sub_1"}, errors.InvalidId, f"{name} 'sub_1'"),
        ({}, errors.InvoiceNotFound, "does not exist in app 'shop' for tenant 't1'"),
    ):
        sound = {"app_id": "shop", "tenant_id": "t1", name: ids.generate("inv"), **rest}
        with pytest.raises(error, match=says):
            call(conn, function, **(sound | wrong))


def test_pages_of_invoices(conn, tenant, clock):
    made = []
    for number in range(5):
        clock(NOW + number * DAY)
        made.append(draw(tenant, line(number)))
    made[0] = void(tenant, finalize(tenant, make_due(tenant, made[0])))
    made[3] = finalize(tenant, made[3])
    draw(Tenant(conn, "t2"))
    draw(Tenant(conn, app_id="other"))
    assert tenant.rows("ledger_list_invoices") == made
    assert tenant.rows("ledger_list_invoices", page_size=2, page_offset=1) == made[1:3]
    assert tenant.rows("ledger_list_invoices", page_offset=5) == []
    assert tenant.rows("ledger_list_invoices", status="voided") == made[:1]
    assert tenant.rows("ledger_list_invoices", status="pending") == made[3:4]
    assert [row["id"] for row in tenant.rows("ledger_list_invoices", status="draft")] == [
        made[n]["id"] for n in (1, 2, 4)
    ]
    assert tenant.rows("ledger_list_invoices", status="past_due") == []


def make_due(tenant: Tenant, invoice: Row) -> Row:
    """Returns another draft instead of one of nothing, which would be paid at once."""
    if invoice["amount_due"] > 0:
        return invoice
    delete(tenant, invoice)
    return draw(tenant, id=invoice["id"])


def test_pending_invoices_by_when_they_are_due(conn, tenant, clock):
    due = {days: finalize(tenant, draw(tenant), due_at=NOW + days * DAY) for days in (9, 3, 20, 5)}
    for move in (mark_paid, void, give_up):
        move(tenant, finalize(tenant, draw(tenant), due_at=NOW + DAY))
    draw(tenant)
    pending(Tenant(conn, "t2"))
    expected = [due[days] for days in (3, 5, 9, 20)]
    assert tenant.rows("ledger_list_pending_invoices") == expected
    assert tenant.rows("ledger_list_pending_invoices", page_size=2, page_offset=1) == expected[1:3]
    clock(NOW + 6 * DAY)
    advance(conn)
    rows = tenant.rows("ledger_list_pending_invoices")
    assert [row["id"] for row in rows] == [row["id"] for row in expected]
    assert [row["status"] for row in rows] == ["past_due", "past_due", "pending", "pending"]


@pytest.mark.parametrize(
    ("function", "options", "error"),
    [
        ("ledger_list_invoices", {"app_id": "*"}, errors.InvalidScope),
        ("ledger_list_invoices", {"tenant_id": ""}, errors.InvalidScope),
        ("ledger_list_invoices", {"status": "open"}, errors.InvalidArgument),
        ("ledger_list_invoices", {"page_size": 0}, errors.InvalidPage),
        ("ledger_list_invoices", {"page_size": None}, errors.NullArgument),
        ("ledger_list_invoices", {"page_offset": -1}, errors.InvalidPage),
        ("ledger_list_pending_invoices", {"app_id": None}, errors.NullArgument),
        ("ledger_list_pending_invoices", {"tenant_id": ""}, errors.InvalidScope),
        ("ledger_list_pending_invoices", {"page_size": 10001}, errors.InvalidPage),
        ("ledger_list_pending_invoices", {"page_offset": None}, errors.NullArgument),
    ],
)
def test_unsound_pages_are_refused(conn, function, options, error):
    with pytest.raises(error):
        call(conn, function, **({"app_id": "shop", "tenant_id": "t1"} | options))


def test_invoice_of_a_period(conn, tenant, clock):
    subscription = tenant.create(create_plan(conn), anchor_at=NOW)["id"]
    end = utc("2025-02-15 12:00")

    def of(at: datetime, **kind: str) -> Any:
        return tenant.rows(
            "ledger_get_invoice_by_period", subscription_id=subscription, at=at, **kind
        )

    assert of(NOW) == []
    clock(end)
    advance(conn, invoices="none")
    made = tenant.one("ledger_generate_invoice", subscription_id=subscription, at=NOW)
    assert (made["kind"], made["period_start"], made["period_end"]) == ("period", NOW, end)
    for at in (NOW, NOW + DAY, end - MICROSECOND):
        assert of(at) == of(at, kind="period") == [made]
    for at in (NOW - MICROSECOND, end):
        assert of(at) == []
    assert of(NOW, kind="interim") == []
    final = finalize(tenant, made)
    assert of(NOW) == [final]
    void(tenant, final)
    assert of(NOW) == []
    again = tenant.one("ledger_generate_invoice", subscription_id=subscription, at=NOW)
    assert again["id"] != made["id"]
    assert of(NOW) == [again]


def test_arguments_of_an_invoice_of_a_period(conn, tenant):
    subscription = tenant.create(create_plan(conn))["id"]
    sound = {
        "app_id": "shop",
        "tenant_id": "t1",
        "subscription_id": subscription,
        "at": NOW,
        "kind": "start",
    }
    cases: list[tuple[Row, type[Exception], str]] = [
        ({"app_id": "*"}, errors.InvalidScope, "app_id"),
        ({"tenant_id": ""}, errors.InvalidScope, "tenant_id"),
        ({"subscription_id": None}, errors.NullArgument, "subscription_id"),
        ({"subscription_id": "x"}, errors.InvalidId, "subscription_id 'x'"),
        ({"at": None}, errors.NullArgument, "at"),
        ({"at": "infinity"}, errors.InvalidTime, "at infinity"),
        ({"kind": None}, errors.NullArgument, "kind"),
        ({"kind": "one_off"}, errors.InvalidArgument, "period, start, change, interim"),
        ({"subscription_id": ids.generate("sub")}, errors.SubscriptionNotFound, "t1"),
        ({"tenant_id": "t2"}, errors.SubscriptionNotFound, "'t2'"),
        ({"app_id": "other"}, errors.SubscriptionNotFound, "'other'"),
    ]
    for wrong, error, says in cases:
        with pytest.raises(error, match=says):
            call(conn, "ledger_get_invoice_by_period", **(sound | wrong))
    assert call(conn, "ledger_get_invoice_by_period", **sound) == []


# States

Move = Callable[[Tenant, Row], Row]


def in_state(tenant: Tenant, clock: Clock, state: str) -> Row:
    """Returns an invoice of 100.00 that is in that state, at NOW."""
    clock(NOW)
    if state == "past_due":
        clock(NOW - 40 * DAY)
        invoice = pending(tenant)
        clock(NOW)
        advance(tenant.conn)
        return get(tenant, invoice)
    moves: dict[str, list[Move]] = {
        "draft": [],
        "pending": [finalize],
        "paid": [finalize, mark_paid],
        "voided": [finalize, void],
        "uncollectible": [finalize, give_up],
    }
    invoice = draw(tenant)
    for move in moves[state]:
        invoice = move(tenant, invoice)
    return invoice


STATES = ("draft", "pending", "past_due", "uncollectible", "paid", "voided")

MOVES: Mapping[str, tuple[Move, str, tuple[str | None, ...]]] = {
    # What each of STATES becomes; None for an error, which says that it cannot become the target.
    "mark paid": (mark_paid, "paid", (None, "paid", "paid", "paid", "paid", None)),
    "pay a part": (
        lambda tenant, invoice: pay(tenant, invoice, "99.99"),
        "paid",
        (None, "pending", "past_due", "uncollectible", "paid", None),
    ),
    "pay all": (
        lambda tenant, invoice: pay(tenant, invoice, 100),
        "paid",
        (None, "paid", "paid", "paid", "paid", None),
    ),
    "pay more": (
        lambda tenant, invoice: pay(tenant, invoice, 101),
        "paid",
        (None, "paid", "paid", "paid", "paid", None),
    ),
    "void": (void, "voided", (None, "voided", "voided", "voided", None, "voided")),
    "give up": (
        give_up,
        "uncollectible",
        (None, "uncollectible", "uncollectible", "uncollectible", None, None),
    ),
    "delete": (delete, "deleted", ("draft", None, None, None, None, None)),
}
UNMOVED = {("mark paid", "paid"), ("void", "voided"), ("give up", "uncollectible")}


@pytest.mark.parametrize("name", MOVES)
def test_moves(conn, tenant, clock, name):
    move, target, results = MOVES[name]
    for state, result in zip(STATES, results, strict=True):
        invoice = in_state(tenant, clock, state)
        assert invoice["status"] == state
        before = kept(conn)
        clock(NOW + DAY)

        if result is None:
            with pytest.raises(errors.InvalidState) as raised:
                move(tenant, invoice)
            assert (
                raised.value.diag.message_primary
                == f"invoice {invoice['id']} is {state} and cannot become {target}"
            )
            assert kept(conn) == before
        elif name == "delete":
            assert move(tenant, invoice) == invoice
            assert kept(conn) == []
        else:
            moved = move(tenant, invoice)
            assert moved["status"] == result
            assert get(tenant, moved) == moved
            if (name, state) in UNMOVED:
                assert moved == invoice
                assert kept(conn) == before
            else:
                assert moved["version"] == invoice["version"] + 1
                assert moved["updated_at"] == NOW + DAY
            assert_consistent(conn)


def test_what_each_move_writes_down(tenant, clock):
    due = NOW + 30 * DAY
    invoice = pending(tenant)
    assert (invoice["finalized_at"], invoice["due_at"]) == (NOW, due)
    clock(NOW + DAY)
    invoice = give_up(tenant, invoice)
    assert invoice["uncollectible_at"] == NOW + DAY
    clock(NOW + 2 * DAY)
    invoice = mark_paid(tenant, invoice)
    assert (invoice["paid_at"], invoice["uncollectible_at"]) == (NOW + 2 * DAY, NOW + DAY)
    assert (invoice["due_at"], invoice["finalized_at"]) == (due, NOW)

    other = void(tenant, pending(tenant), reason="Sent twice, sorry.\nNo. 2 stands.")
    assert (other["voided_at"], other["void_reason"], other["amount_remaining"]) == (
        NOW + 2 * DAY,
        "Sent twice, sorry.\nNo. 2 stands.",
        0,
    )
    clock(NOW + 3 * DAY)
    assert void(tenant, other, reason="Another") == other


def test_reason_for_voiding_is_checked(conn, tenant):
    invoice = pending(tenant)
    before = kept(conn)
    for reason in ("", " ", "x" * 1001):
        with pytest.raises(errors.InvalidArgument, match="reason"):
            void(tenant, invoice, reason=reason)
    assert kept(conn) == before
    assert void(tenant, invoice, reason="x" * 1000)["status"] == "voided"


def test_deleted_draft_leaves_its_id_free(conn, tenant):
    chosen = ids.generate("inv")
    delete(tenant, draw(tenant, id=chosen))
    with pytest.raises(errors.InvoiceNotFound):
        delete(tenant, {"id": chosen})
    assert draw(tenant, line(7), id=chosen)["total"] == 7
    assert finalize(tenant, {"id": chosen})["number"] == 1


def test_payment_terms(conn, tenant):
    assert pending(tenant)["due_at"] == NOW + 30 * DAY
    for days in (0, 14, 3650):
        (answer,) = call(conn, "ledger_set_payment_terms", app_id="shop", days=days)
        assert answer == {"ledger_set_payment_terms": days}
        assert pending(tenant)["due_at"] == NOW + days * DAY
    assert pending(Tenant(conn, app_id="other"))["due_at"] == NOW + 30 * DAY
    # Neither setting of an app touches the other.
    conn.execute("select ledger_set_usage_skew('shop', '2 hours')")
    assert pending(tenant)["due_at"] == NOW + 3650 * DAY
    cases: list[tuple[Any, Any, type[Exception]]] = [
        (None, 1, errors.NullArgument),
        ("*", 1, errors.InvalidScope),
        ("shop", None, errors.NullArgument),
        ("shop", -1, errors.InvalidArgument),
        ("shop", 3651, errors.InvalidArgument),
    ]
    for app_id, days, error in cases:
        with pytest.raises(error):
            call(conn, "ledger_set_payment_terms", app_id=app_id, days=days)


# Payments


def balance(invoice: Row) -> tuple[Any, ...]:
    """Returns status, amount_paid, amount_remaining and unapplied; the amounts in cents."""
    amounts = (invoice[name] * 100 for name in ("amount_paid", "amount_remaining", "unapplied"))
    return (invoice["status"], *amounts)


def test_payments_add_up(conn, tenant, clock):
    invoice = pending(tenant)
    clock(NOW + DAY)
    assert balance(pay(tenant, invoice, 30)) == ("pending", 3000, 7000, 0)
    clock(NOW + 2 * DAY)
    paid = pay(tenant, invoice, "70.00", reference="wire 7")
    assert balance(paid) == ("paid", 10000, 0, 0)
    assert paid["paid_at"] == NOW + 2 * DAY
    first, second = payments(tenant, invoice)
    assert ids.is_valid(first.pop("id"), "pay")
    assert first == {
        "app_id": "shop",
        "tenant_id": "t1",
        "invoice_id": invoice["id"],
        "amount": 30,
        "currency": "USD",
        "reference": None,
        "paid_at": NOW + DAY,
        "created_at": NOW + DAY,
    }
    assert (second["amount"], second["reference"]) == (70, "wire 7")
    assert_consistent(conn)


def test_what_is_paid_too_much_is_kept(conn, tenant):
    invoice = pending(tenant)
    pay(tenant, invoice, "99.99")
    assert balance(pay(tenant, invoice, "5.01")) == ("paid", 10500, 0, 500)
    assert balance(pay(tenant, invoice, "2.50")) == ("paid", 10750, 0, 750)
    assert_consistent(conn)


def test_payment_of_a_credit_note_is_kept_beside_the_credit(conn, tenant):
    invoice = pending(tenant, line(-40))
    assert balance(pay(tenant, invoice, "2.50")) == ("paid", 250, 0, 4250)
    assert_consistent(conn)


def test_marking_as_paid_pays_what_remains(conn, tenant, clock):
    invoice = pending(tenant, tax_rates=SALES_TAX)
    pay(tenant, invoice, 30)
    at = NOW - 3 * DAY
    paid = mark_paid(tenant, invoice, paid_at=at, reference="cash")
    assert balance(paid) == ("paid", 10825, 0, 0)
    assert [
        (row["amount"], row["paid_at"], row["reference"]) for row in payments(tenant, paid)
    ] == [
        (30, NOW, None),
        (Decimal("78.25"), at, "cash"),
    ]
    assert mark_paid(tenant, invoice, reference="again") == paid
    assert len(payments(tenant, paid)) == 2
    assert_consistent(conn)


COVERED = (
    # Days ago and amounts, in the order in which they are written down.
    ([(3, 100)], 3),
    ([(5, 50), (3, 50)], 3),
    ([(3, 50), (5, 50)], 3),
    ([(5, 20), (4, 90), (3, 1)], 4),
    ([(2, 40), (3, 40), (9, 70)], 3),
    ([(2, 50), (2, 50)], 2),
    ([(9, 1), (2, 200), (5, 50)], 2),
)


def test_it_was_paid_when_its_payments_covered_it(conn, tenant):
    """In the order in which they were made; what comes once it is paid changes nothing."""
    for made, covered in COVERED:
        invoice = pending(tenant)
        for days, amount in made:
            invoice = pay(tenant, invoice, amount, paid_at=NOW - days * DAY)
        assert (invoice["status"], invoice["paid_at"]) == ("paid", NOW - covered * DAY)
    assert_consistent(conn)


def test_voiding_leaves_what_was_paid_to_the_tenant(conn, tenant):
    invoice = pending(tenant)
    pay(tenant, invoice, 30)
    pay(tenant, invoice, 20)
    assert balance(void(tenant, invoice)) == ("voided", 5000, 0, 5000)
    assert len(payments(tenant, invoice)) == 2
    assert_consistent(conn)


UNSOUND_AMOUNTS = (
    ("USD", None, "amount null is not valid: it is null"),
    ("USD", "0", "amount 0 is not valid: it is zero"),
    ("USD", "-1", "amount -1 is not valid: it is negative"),
    ("USD", "NaN", "it is not a number"),
    ("USD", "Infinity", "it is not finite"),
    ("USD", "1e30", "it is not below 1e30"),
    ("USD", "1.001", "amount 1.001 is not valid: USD has 2 decimal places"),
    ("USD", "1e-19", "it has 19 decimal places"),
    ("JPY", "0.5", "amount 0.5 is not valid: JPY has 0 decimal places"),
    ("KWD", "0.0005", "amount 0.0005 is not valid: KWD has 3 decimal places"),
    ("POINTS", "0.05", "amount 0.05 is not valid: POINTS has 1 decimal place"),
)


def test_unsound_amounts_are_refused(conn, tenant):
    conn.execute("select ledger_set_currency('shop', 'POINTS', 1)")
    invoices = {code: pending(tenant, currency=code) for code in ("USD", "JPY", "KWD", "POINTS")}
    before = kept(conn)
    for currency, amount, says in UNSOUND_AMOUNTS:
        with pytest.raises(errors.InvalidAmount) as raised:
            pay(tenant, invoices[currency], None if amount is None else Decimal(amount))
        assert (raised.value.diag.message_primary or "").endswith(says)
    assert kept(conn) == before


def test_trailing_zeros_do_not_count(tenant):
    for currency, amount, shown in (
        ("USD", "1.500", "1.50"),
        ("USD", "1", "1.00"),
        ("JPY", "7.00", "7"),
        ("KWD", "0.5", "0.500"),
    ):
        invoice = pay(tenant, pending(tenant, currency=currency), Decimal(amount))
        assert str(invoice["amount_paid"]) == shown


@pytest.mark.parametrize("marking", [False, True])
def test_time_and_reference_of_a_payment_are_checked(conn, tenant, marking):
    attempt = mark_paid if marking else partial(pay, amount=1)
    invoice = pending(tenant)
    before = kept(conn)
    cases: list[tuple[Row, type[Exception], str]] = [
        ({"paid_at": "infinity"}, errors.InvalidTime, "paid_at infinity.*not finite"),
        ({"paid_at": "-infinity"}, errors.InvalidTime, "not finite"),
        ({"paid_at": NOW + MICROSECOND}, errors.InvalidTime, "paid_at 2025.*it is ahead of 2025"),
        ({"paid_at": "0001-01-01 BC"}, errors.InvalidTime, "before the year 1"),
        ({"reference": ""}, errors.InvalidArgument, "reference ''"),
        ({"reference": "x" * 256}, errors.InvalidArgument, "reference.*at most 255"),
    ]
    for wrong, error, says in cases:
        with pytest.raises(error, match=says):
            attempt(tenant, invoice, **wrong)
    assert kept(conn) == before
    sound: Row = {"paid_at": NOW, "reference": "x" * 255}
    assert mark_paid(tenant, invoice, **sound)["paid_at"] == NOW


def test_order_of_checks_of_a_payment(conn, tenant):
    taken = ids.generate("pay")
    pay(tenant, pending(tenant), 1, id=taken)
    draft = draw(tenant)
    arguments: Row = {
        "amount": Decimal(0),
        "paid_at": "infinity",
        "reference": "",
        "id": "nonsense",
    }
    repairs: list[tuple[type[Exception], Row]] = [
        (errors.InvalidAmount, {"amount": 1}),
        (errors.InvalidTime, {"paid_at": None}),
        (errors.InvalidArgument, {"reference": None}),
        (errors.InvalidId, {"id": taken}),
        (errors.IdempotencyConflict, {"id": None}),
        (errors.InvalidState, {}),
    ]
    for error, repair in repairs:
        with pytest.raises(error):
            pay(tenant, draft, **arguments)
        arguments |= repair


def test_repeated_payment_counts_once(conn, tenant, clock):
    invoice = pending(tenant)
    chosen = ids.generate("pay")
    request: Row = {"id": chosen, "reference": "wire"}
    first = pay(tenant, invoice, 30, **request)
    clock(NOW + DAY)
    before = kept(conn)
    assert pay(tenant, invoice, "30.00", **request) == first
    assert pay(tenant, invoice, 30, paid_at=NOW, **request) == first
    assert kept(conn) == before
    (row,) = payments(tenant, invoice)
    assert row["id"] == chosen
    # As it is now, whatever has become of it.
    for state in (give_up, void):
        moved = state(tenant, invoice)
        assert pay(tenant, invoice, 30, **request) == moved
    assert_consistent(conn)


def test_other_payment_of_an_id_is_refused(conn, tenant):
    invoice, other = pending(tenant), pending(tenant)
    stranger = Tenant(conn, "t2")
    strangers = pending(stranger)
    chosen = ids.generate("pay")
    pay(tenant, invoice, 30, id=chosen, reference="wire")
    before = kept(conn)
    attempts: list[tuple[Tenant, Row, Any, Row]] = [
        (tenant, other, 30, {"reference": "wire"}),
        (stranger, strangers, 30, {"reference": "wire"}),
        (tenant, invoice, "30.01", {"reference": "wire"}),
        (tenant, invoice, 30, {"reference": "cash"}),
        (tenant, invoice, 30, {}),
        (tenant, invoice, 30, {"reference": "wire", "paid_at": NOW - DAY}),
    ]
    for payer, paid, amount, options in attempts:
        with pytest.raises(errors.IdempotencyConflict) as raised:
            pay(payer, paid, amount, id=chosen, **options)
        assert raised.value.diag.message_primary == (
            f"id {chosen} is already taken by a different request"
        )
    assert kept(conn) == before


def test_payments_in_the_view(conn, tenant, clock):
    invoice = pending(tenant)
    for amount in (1, 2, 3):
        clock(NOW + amount * DAY)
        pay(tenant, invoice, amount)
    pay(Tenant(conn, "t2"), pending(Tenant(conn, "t2")), 7)
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "select * from ledger_invoice_payments where tenant_id = 't1' order by id"
        ).fetchall()
    assert payments(tenant, invoice) == rows
    assert [row["amount"] for row in rows] == [1, 2, 3]


# Coupons


GIVEN_BACK: Sequence[tuple[Row, Any, Any]] = (
    # Terms of a coupon, and its status and what is left of it before and after an invoice.
    ({"percentage": 20}, ("active", 1, None), ("used", 0, None)),
    (
        {"percentage": 20, "duration": "repeating", "duration_invoices": 3},
        ("active", 3, None),
        ("active", 2, None),
    ),
    ({"percentage": 20, "duration": "forever"}, ("active", None, None), ("active", None, None)),
    (
        {"amount": 12, "currency": "USD", "applies_to": ["x"]},
        ("active", 1, Decimal(12)),
        ("active", 1, Decimal(6)),
    ),
    (
        {"amount": 100, "currency": "USD"},
        ("active", 1, Decimal(100)),
        ("used", 0, Decimal(0)),
    ),
    ({"amount": 7, "currency": "USD"}, ("active", 1, Decimal(7)), ("used", 0, Decimal(0))),
    (
        {"amount": 7, "currency": "USD", "duration": "repeating", "duration_invoices": 2},
        ("active", 2, None),
        ("active", 1, None),
    ),
)


def test_voiding_gives_coupons_back(conn, clock):
    lines = line(), line(6, item="x")
    for number, (terms, before, after) in enumerate(GIVEN_BACK):
        tenant = Tenant(conn, f"t{number}")
        redeem(tenant, f"code{number}", **terms)
        invoice = pending(tenant, *lines, tax_rates=SALES_TAX)
        assert redemption(tenant) == after
        void(tenant, invoice)
        assert redemption(tenant) == before
        # And only once.
        void(tenant, invoice)
        assert redemption(tenant) == before
        # It reduces the next invoice as it did this one.
        assert pending(tenant, *lines)["discount"] == invoice["discount"]
        assert redemption(tenant) == after
    assert_consistent(conn)


# What lines, coupons and taxes come to

EXPONENTS = {"JPY": 0, "USD": 2, "KWD": 3}
ITEMS = ("work", "parts", "base")


@dataclass(frozen=True, slots=True)
class Discount:
    """A coupon as the model knows it."""

    percentage: Decimal | None
    amount: Decimal | None
    applies_to: tuple[str, ...] | None
    minimum_subtotal: Decimal | None
    duration: str

    def is_for(self, item: str | None) -> bool:
        return self.applies_to is None or item in self.applies_to


@dataclass(frozen=True, slots=True)
class Order:
    """What an invoice is asked for."""

    currency: str
    lines: list[Row]
    discounts: list[Discount]
    tax_rates: list[Row]


@dataclass(frozen=True, slots=True)
class Sums:
    """What it comes to, in units of the currency's last decimal place."""

    lines: list[tuple[int, int, int]]
    discounts: list[int]
    taxes: list[int]


def half_away(value: Fraction) -> int:
    whole = int(abs(value) + Fraction(1, 2))
    return whole if value > 0 else -whole


def split(shares: Sequence[Fraction], total: int) -> list[int]:
    """Cuts the fractions off, and gives what is missing to the largest, of equal ones the first.

    They are those of shares of the same sign as what is missing.
    """
    parts = [trunc(share) for share in shares]
    missing = total - sum(parts)
    unit = 1 if missing > 0 else -1
    order = sorted(
        (n for n, share in enumerate(shares) if (share - parts[n]) * unit > 0),
        key=lambda n: (-abs(shares[n] - parts[n]), n),
    )
    assert abs(missing) <= len(order)
    for n in order[: abs(missing)]:
        parts[n] += unit
    return parts


def units(value: Any, exponent: int) -> Fraction:
    return Fraction(str(value)) * int(10**exponent)


def priced(order: Order) -> Sums:
    """Works an order out: lines, coupons of lines, coupons of the invoice, taxes."""
    exponent = EXPONENTS[order.currency]
    items = [row.get("item") for row in order.lines]
    amounts = [
        half_away(
            units(row["amount"], exponent)
            if "amount" in row
            else units(row["unit_amount"], exponent) * Fraction(row["quantity"])
        )
        for row in order.lines
    ]
    off = [0] * len(amounts)
    discounts = []
    for coupon in sorted(order.discounts, key=lambda coupon: coupon.applies_to is None):
        least = coupon.minimum_subtotal
        if least is not None and sum(amounts) < units(least, exponent):
            continue
        left = [
            max(amount - taken, 0) if coupon.is_for(item) else 0
            for amount, taken, item in zip(amounts, off, items, strict=True)
        ]
        total = (
            half_away(sum(left) * Fraction(coupon.percentage) / 100)
            if coupon.percentage is not None
            else min(int(units(coupon.amount, exponent)), sum(left))
        )
        if total > 0:
            discounts.append(total)
            parts = split([Fraction(total * amount, sum(left)) for amount in left], total)
            off = [taken + part for taken, part in zip(off, parts, strict=True)]
    tax = [0] * len(amounts)
    taxes = []
    for rate in order.tax_rates:
        of = rate.get("applies_to")
        shares = [
            (amount - taken) * Fraction(rate["percentage"]) / 100
            if of is None or item in of
            else Fraction(0)
            for amount, taken, item in zip(amounts, off, items, strict=True)
        ]
        taxes.append(half_away(sum(shares, Fraction(0))))
        tax = [before + part for before, part in zip(tax, split(shares, taxes[-1]), strict=True)]
    return Sums(list(zip(amounts, off, tax, strict=True)), discounts, taxes)


def decimals(low: int, high: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low * 10**places, high * 10**places).map(
        lambda number: Decimal(number).scaleb(-places)
    )


@st.composite
def orders(draw: st.DrawFn) -> Order:
    currency = draw(st.sampled_from(sorted(EXPONENTS)))
    exponent = EXPONENTS[currency]
    some_items = st.lists(st.sampled_from(ITEMS), min_size=1, unique=True)
    lines = []
    for number in range(draw(st.integers(1, 7))):
        row: Row = {"description": str(number)}
        if draw(st.booleans()):
            # Few different ones, so that remainders are often equal.
            row["amount"] = str(draw(st.one_of(decimals(-30, 99, 0), decimals(-30, 99, 4))))
        else:
            row["quantity"] = str(draw(decimals(0, 9, 2)))
            row["unit_amount"] = str(draw(decimals(-3, 12, 3)))
        if item := draw(st.sampled_from((*ITEMS, None))):
            row["item"] = item
        lines.append(row)
    discounts = []
    for _ in range(draw(st.integers(0, 3))):
        percentage = draw(st.none() | decimals(0, 100, 2).filter(bool))
        least = decimals(0, 200, exponent).filter(bool)
        discounts.append(
            Discount(
                percentage=percentage,
                amount=None if percentage else draw(decimals(0, 60, exponent).filter(bool)),
                applies_to=draw(st.none() | some_items.map(tuple)),
                minimum_subtotal=draw(st.none() | least),
                duration=draw(st.sampled_from(("once", "forever"))),
            )
        )
    rates: list[Row] = []
    for number in range(draw(st.integers(0, 3))):
        rates.append({"name": f"Tax {number}", "percentage": str(draw(decimals(0, 30, 2)))})
        if draw(st.booleans()):
            rates[-1]["applies_to"] = draw(some_items)
    return Order(currency, lines, discounts, rates)


def shown_sums(invoice: Row) -> Sums:
    """Reads back what an invoice comes to."""
    unit = 10 ** EXPONENTS[invoice["currency"]]

    def of(item: Row, name: str) -> int:
        value = times(Decimal(item[name]), unit)
        assert value == int(value)
        return int(value)

    by_kind: dict[str, list[Row]] = {"item": [], "discount": [], "tax": []}
    for item in invoice["line_items"]:
        by_kind[item["kind"]].append(item)
    return Sums(
        [(of(item, "amount"), of(item, "discount"), of(item, "tax")) for item in by_kind["item"]],
        [-of(item, "amount") for item in by_kind["discount"]],
        [of(item, "amount") for item in by_kind["tax"]],
    )


def assert_sums(invoice: Row, expected: Sums) -> None:
    assert shown_sums(invoice) == expected
    unit = 10 ** EXPONENTS[invoice["currency"]]
    subtotal = sum(amount for amount, _, _ in expected.lines)
    assert times(invoice["subtotal"], unit) == subtotal
    assert times(invoice["discount"], unit) == sum(expected.discounts)
    assert times(invoice["tax"], unit) == sum(expected.taxes)
    net = minus(invoice["subtotal"], invoice["discount"])
    assert invoice["total"] == plus(net, invoice["tax"])
    assert invoice["amount_due"] == max(invoice["total"], 0)


def redemptions(tenant: Tenant) -> list[Row]:
    return tenant.rows("ledger_list_coupon_redemptions")


def left(tenant: Tenant) -> list[tuple[int, Decimal | None]]:
    return [(row["uses_left"], row["amount_left"]) for row in redemptions(tenant)]


def test_invoices_come_to_what_the_model_says(conn, clock):
    """And voiding one gives back just what it has used up."""
    number = 0

    @settings(max_examples=scaled(200))
    @given(orders())
    def check(order: Order) -> None:
        nonlocal number
        number += 1
        tenant = Tenant(conn, f"t{number}")
        for place, terms in enumerate(order.discounts):
            fixed = terms.amount is not None or terms.minimum_subtotal is not None
            redeem(
                tenant,
                f"code{place}",
                tenant_id=tenant.tenant_id,
                percentage=terms.percentage,
                amount=terms.amount,
                currency=order.currency if fixed else None,
                applies_to=None if terms.applies_to is None else list(terms.applies_to),
                minimum_subtotal=terms.minimum_subtotal,
                duration=terms.duration,
            )
        before = redemptions(tenant)
        expected = priced(order)
        invoice = draw(tenant, *order.lines, currency=order.currency, tax_rates=order.tax_rates)
        assert_sums(invoice, expected)
        assert redemptions(tenant) == before
        final = finalize(tenant, invoice)
        assert_sums(final, expected)
        if final["status"] == "pending":
            void(tenant, final)
            assert redemptions(tenant) == before
            assert_sums(
                pending(tenant, *order.lines, currency=order.currency),
                priced(Order(order.currency, order.lines, order.discounts, [])),
            )

    check()
    assert_consistent(conn)


# Many at once


def failures(results: Sequence[Any]) -> list[type[Exception]]:
    return [type(result) for result in results if isinstance(result, psycopg.Error)]


@pytest.mark.parametrize("attempt", range(3))
def test_payments_at_once_add_up(conn, connect, tenant, attempt):
    invoice = pending(tenant)
    results = all_at_once(connect, [lambda session: pay(Tenant(session), invoice, "20.01")] * 8)
    assert failures(results) == []
    assert balance(get(tenant, invoice)) == ("paid", 16008, 0, 6008)
    # Each has seen those before it.
    assert sorted(result["amount_paid"] for result in results) == [
        Decimal("20.01") * n for n in range(1, 9)
    ]
    assert_consistent(conn)


def test_what_remains_is_paid_once(conn, connect, tenant):
    invoice = pending(tenant)
    results = all_at_once(connect, [lambda session: mark_paid(Tenant(session), invoice)] * 8)
    assert failures(results) == []
    assert all(result == results[0] for result in results)
    assert len(payments(tenant, invoice)) == 1
    assert_consistent(conn)


def test_a_payment_that_is_sent_many_times_at_once_counts_once(conn, connect, tenant):
    invoice = pending(tenant)
    chosen = ids.generate("pay")
    results = all_at_once(
        connect, [lambda session: pay(Tenant(session), invoice, 30, id=chosen)] * 8
    )
    assert failures(results) == []
    assert all(result == results[0] for result in results)
    assert len(payments(tenant, invoice)) == 1
    assert_consistent(conn)


def test_a_payment_id_is_for_one_invoice(conn, connect, tenant, wait_until_blocked):
    invoices = [pending(tenant), pending(tenant)]
    chosen = ids.generate("pay")
    first, second = connect(**PATIENCE), connect(**PATIENCE)
    pay(Tenant(first), invoices[0], 30, id=chosen)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(pay, Tenant(second), invoices[1], 30, id=chosen)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        with pytest.raises(errors.IdempotencyConflict):
            waiting.result(timeout=60)
    second.rollback()
    assert get(tenant, invoices[1]) == invoices[1]
    assert_consistent(conn)


RIVALS: Mapping[str, tuple[Move, Move, str]] = {
    "paid and voided": (mark_paid, void, "is paid and cannot become voided"),
    "voided and paid": (void, mark_paid, "is voided and cannot become paid"),
    "voided and paid in part": (
        void,
        lambda tenant, invoice: pay(tenant, invoice, 1),
        "is voided and cannot become paid",
    ),
    "paid and given up": (mark_paid, give_up, "is paid and cannot become uncollectible"),
    "voided and given up": (void, give_up, "is voided and cannot become uncollectible"),
}


@pytest.mark.parametrize("name", RIVALS)
def test_of_two_moves_the_second_meets_what_the_first_has_made(
    conn, connect, tenant, wait_until_blocked, name
):
    move, rival, says = RIVALS[name]
    for ends_well in (True, False):
        invoice = pending(tenant)
        first, second = connect(**PATIENCE), connect(**PATIENCE)
        made = move(Tenant(first), invoice)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(rival, Tenant(second), invoice)
            wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
            if ends_well:
                first.commit()
                with pytest.raises(errors.InvalidState, match=says):
                    waiting.result(timeout=60)
                second.rollback()
                assert get(tenant, invoice) == made
            else:
                first.rollback()
                rivals = waiting.result(timeout=60)
                second.commit()
                assert get(tenant, invoice) == rivals
    assert_consistent(conn)


def test_an_invoice_stays_while_its_subscription_is_being_billed(
    conn, connect, tenant, wait_until_blocked
):
    """What has been billed is read in more than one look."""
    subscription = tenant.create(create_plan(conn))["id"]

    def generate(payer: Tenant) -> Row:
        return payer.one(
            "ledger_generate_invoice", subscription_id=subscription, at=NOW, kind="start"
        )

    for move, result in ((delete, "draft"), (void, "voided")):
        invoice = generate(tenant)
        if result == "voided":
            finalize(tenant, invoice)
        first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
        assert generate(Tenant(first))["id"] == invoice["id"]
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(move, Tenant(second), invoice)
            wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
            first.commit()
            assert waiting.result(timeout=60)["status"] == result
    assert_consistent(conn)


def test_a_draft_is_final_or_deleted(conn, connect, tenant, wait_until_blocked):
    for move, rival, error in (
        (finalize, delete, errors.InvalidState),
        (delete, finalize, errors.InvoiceNotFound),
    ):
        invoice = draw(tenant)
        first, second = connect(**PATIENCE), connect(**PATIENCE)
        move(Tenant(first), invoice)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(rival, Tenant(second), invoice)
            wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
            first.commit()
            with pytest.raises(error):
                waiting.result(timeout=60)
    assert_consistent(conn)


@pytest.mark.parametrize("attempt", range(3))
def test_an_invoice_that_is_drawn_up_many_times_at_once_is_one(conn, connect, tenant, attempt):
    chosen = ids.generate("inv")
    results = all_at_once(
        connect,
        [lambda session: draw(Tenant(session), line(1), id=chosen)] * 4
        + [lambda session: draw(Tenant(session), line(2), id=chosen)] * 4,
    )
    assert failures(results) == [errors.IdempotencyConflict] * 4
    made = [result for result in results if not isinstance(result, psycopg.Error)]
    assert made == tenant.rows("ledger_list_invoices") * 4
    assert_consistent(conn)


@pytest.mark.parametrize("ending", ["commit", "rollback", "delete"])
def test_an_id_waits_for_who_may_have_it(conn, connect, tenant, wait_until_blocked, ending):
    chosen = ids.generate("inv")
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    made = draw(Tenant(first), id=chosen)
    if ending == "delete":
        first.commit()
        delete(Tenant(first), made)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(draw, Tenant(second), id=chosen, tax_rates=SALES_TAX)
        if ending != "delete":
            wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
            getattr(first, ending)()
        if ending == "rollback":
            assert waiting.result(timeout=60)["tax"] == Decimal("8.25")
        else:
            with pytest.raises(errors.IdempotencyConflict):
                waiting.result(timeout=60)
    assert_consistent(conn)


@pytest.mark.parametrize(
    "level",
    [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE],
    ids=lambda level: level.name,
)
def test_snapshots_fail_as_a_whole(conn, connect, tenant, wait_until_blocked, level):
    """Never a unique violation, never a payment on what was there before."""
    invoice = pending(tenant)
    chosen = ids.generate("inv")
    attempts: list[tuple[Callable[[Tenant], Row], Callable[[Tenant], Row]]] = [
        (partial(draw, id=chosen), partial(draw, id=chosen)),
        (lambda payer: pay(payer, invoice, 60), lambda payer: pay(payer, invoice, 60)),
        (lambda payer: pay(payer, invoice, 1), lambda payer: void(payer, invoice)),
    ]
    for winner, loser in attempts:
        first, second = connect(**PATIENCE), connect(**PATIENCE)
        second.isolation_level = level
        Tenant(second).rows("ledger_list_invoices")
        winner(Tenant(first))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(loser, Tenant(second))
            wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
            first.commit()
            with pytest.raises(psycopg.errors.SerializationFailure):
                waiting.result(timeout=60)
    assert balance(get(tenant, invoice)) == ("pending", 6100, 3900, 0)
    assert_consistent(conn)


def test_everything_at_once_never_deadlocks(conn, connect, tenant):
    """Coupons shared by all invoices go back and forth, and end where they began."""
    for number in range(4):
        redeem(tenant, f"code{number}", percentage=10, duration="repeating", duration_invoices=50)
    redeem(tenant, "amount", amount=1000, currency="USD", applies_to=["x"])
    assert sorted(left(tenant)) == [(1, 1000), *[(50, None)] * 4]
    invoices = [draw(tenant, line(), line(3, item="x")) for _ in range(6)]
    moves: list[Move] = [
        finalize,
        finalize,
        lambda payer, invoice: pay(payer, invoice, 5),
        void,
        give_up,
        delete,
        mark_paid,
    ]
    expected = {errors.InvalidState, errors.InvoiceNotFound}

    def work(seed: int, session: Session) -> list[type[Exception]]:
        choice = random.Random(seed)
        raised: list[type[Exception]] = []
        for _ in range(scaled(60)):
            invoice = choice.choice(invoices)
            try:
                choice.choice(moves)(Tenant(session), invoice)
            except psycopg.Error as error:
                raised.append(type(error))
            with session.transaction():
                draw(Tenant(session), line(), line(3, item="x"), id=invoice["id"])
        return raised

    results = all_at_once(connect, [partial(work, seed) for seed in range(6)])
    assert {error for raised in results for error in raised} <= expected
    assert_consistent(conn)
    for invoice in tenant.rows("ledger_list_invoices"):
        if invoice["status"] == "draft":
            delete(tenant, invoice)
        elif invoice["status"] != "paid":
            void(tenant, invoice)
    used = len(tenant.rows("ledger_list_invoices", status="paid"))
    assert sorted(left(tenant)) == [(1, 1000 - 3 * used), *[(50 - used, None)] * 4]
    assert_consistent(conn)


@pytest.mark.parametrize("attempt", range(3))
def test_coupons_for_once_that_come_back_are_used_once(conn, connect, tenant, attempt):
    for number in range(2):
        redeem(tenant, f"once{number}", percentage=10)
    redeem(tenant, "amount", amount=3, currency="USD")

    def work(seed: int, session: Session) -> None:
        choice = random.Random(seed)
        payer = Tenant(session)
        for _ in range(scaled(30)):
            invoice = pending(payer)
            if choice.random() < 0.9:
                void(payer, invoice)

    results = all_at_once(connect, [partial(work, seed) for seed in range(8)])
    assert results == [None] * 8
    used_more_than_once = conn.execute(
        "select redemption_key from pgledger.coupon_applications where returned_at is null"
        " group by redemption_key having count(*) > 1"
    ).fetchall()
    assert used_more_than_once == []
    assert_consistent(conn)

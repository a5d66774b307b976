"""The billing store's Python client: thin, exact, and on the caller's transaction."""

import copy
import dataclasses
import datetime as dt
import pickle
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import ClientCursor, sql
from psycopg.adapt import Dumper, Loader
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row, scalar_row

from pgledger import (
    AsyncBilling,
    Billing,
    Consumption,
    Coupon,
    CouponRedemption,
    Currency,
    Entitlement,
    Feature,
    FeatureUsage,
    Invoice,
    InvoiceLine,
    InvoicePreview,
    Ledger,
    Payment,
    Plan,
    PriceLine,
    Subscription,
    SubscriptionMove,
    UsageAnswer,
    UsageEvent,
    UsageReceipt,
    UsageRecord,
    errors,
    ids,
)
from pgledger.migrate import ADVISORY_LOCK, MigrationError, migrate
from support.clock import SetClock
from support.database import Connect, NewDatabase

UTC = dt.UTC
NAIVE = dt.datetime(2025, 7, 1, 12, 34, 56)  # noqa: DTZ001
DAY = dt.timedelta(days=1)

FEATURES: list[dict[str, Any]] = [
    {"key": "api_calls", "type": "metered", "limit": "1000", "period": "month", "soft_limit": True},
    {"key": "exports", "limit": 10},
    {"key": "sso", "type": "boolean", "limit": "1"},
    {"key": "seats", "type": "seat", "limit": "5"},
]
PRICING: dict[str, Any] = {
    "base": {"amount": "49.00", "interval": "month", "interval_count": 1, "billed": "advance"},
    "prices": [
        {
            "feature": "api_calls",
            "model": "graduated",
            "tiers": [
                {"up_to": "10000", "unit_amount": "0.0010"},
                {"up_to": None, "unit_amount": "0.0005"},
            ],
        }
    ],
}

LINES: list[dict[str, Any]] = [
    {"description": "Seats", "item": "seats", "amount": "80"},
    {"description": "Calls", "item": "api_calls", "quantity": 10, "unit_amount": Decimal("2.00")},
]
TAX_RATES: list[dict[str, Any]] = [{"name": "Sales tax", "percentage": "8.25"}]


def fill_catalogue(conn: psycopg.Connection[Any], app_id: str = "app") -> Plan:
    billing = Billing(conn)
    billing.create_feature(app_id, "api_calls", "API calls")
    billing.create_feature(app_id, "exports", "Exports")
    billing.create_feature(app_id, "sso", "Single sign-on", type="boolean")
    billing.create_feature(app_id, "seats", "Seats", type="seat")
    plan = billing.create_plan(app_id, "pro", "Pro", "USD", features=FEATURES, pricing=PRICING)
    conn.commit()
    return plan


@pytest.fixture
def plan(conn: psycopg.Connection[Any]) -> Plan:
    """A plan with a feature of each kind, committed."""
    return fill_catalogue(conn)


@pytest.fixture
def subscription(conn: psycopg.Connection[Any], plan: Plan) -> Subscription:
    """The tenant ``t`` on that plan, committed."""
    made = Billing(conn).create_subscription("app", "t", plan.id)
    conn.commit()
    return made


@pytest.fixture
def invoice(conn: psycopg.Connection[Any], plan: Plan) -> Invoice:
    """A final one-off invoice of the tenant ``t``, committed."""
    store = Billing(conn)
    draft = store.create_invoice("app", "t", "USD", LINES, tax_rates=TAX_RATES)
    made = store.finalize_invoice("app", "t", draft.id)
    conn.commit()
    return made


@pytest.fixture
def billing(conn: psycopg.Connection[Any]) -> Billing:
    return Billing(conn)


def status(conn: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> TransactionStatus:
    return conn.info.transaction_status


def now() -> dt.datetime:
    return dt.datetime.now(UTC)


# Values come back as they went in


def test_a_plan_comes_back_whole(billing: Billing, plan: Plan):
    chosen = ids.generate(ids.PREFIXES["plan"])
    made = billing.create_plan(
        "app",
        "custom",
        "Käse & <Brot> 'x' \\",
        "EUR",
        features=FEATURES,
        pricing=PRICING,
        description="für t",
        trial_days=14,
        anchor_at_trial_end=False,
        add_on=True,
        metadata={"rate": 0.1, "n": [1, None, True], "\N{SNOWMAN}": {}},
        id=chosen,
        tenant_id="t",
    )
    assert made == Plan(
        id=chosen,
        app_id="app",
        tenant_id="t",
        slug="custom",
        name="Käse & <Brot> 'x' \\",
        description="für t",
        status="active",
        currency="EUR",
        features=FEATURES,
        pricing=PRICING,
        billing_interval="month",
        interval_count=1,
        trial_days=14,
        anchor_at_trial_end=False,
        add_on=True,
        version=1,
        metadata={"rate": 0.1, "n": [1, None, True], "\N{SNOWMAN}": {}},
        created_at=made.created_at,
        updated_at=made.created_at,
        priority=0,
    )
    assert made.created_at.utcoffset() == dt.timedelta(0)
    assert billing.get_plan("app", chosen) == made
    assert billing.get_plan_by_slug("app", "custom", tenant_id="t") == made
    assert billing.list_plans("app") == [plan, made]
    assert billing.list_plans("app", tenant_id="") == [plan]


def test_decimals_in_plans_are_written_digit_by_digit(billing: Billing, plan: Plan):
    changed = billing.update_plan(
        "app",
        plan.id,
        features=({"key": "api_calls", "limit": Decimal("1E+4")},),
        pricing=MappingProxyType(
            {
                "base": {"amount": Decimal("0.10")},
                "prices": (
                    {
                        "feature": "api_calls",
                        "model": "per_unit",
                        "unit_amount": Decimal("0.000000000000000001"),
                        "minimum": 5,
                    },
                ),
            }
        ),
    )
    assert changed.features == [{"key": "api_calls", "limit": "10000"}]
    assert changed.pricing == {
        "base": {"amount": "0.10"},
        "prices": [
            {
                "feature": "api_calls",
                "model": "per_unit",
                "unit_amount": "0.000000000000000001",
                "minimum": 5,
            }
        ],
    }
    assert billing.get_plan("app", plan.id) == changed
    # And what comes out can go in again.
    again = billing.update_plan("app", plan.id, features=changed.features, pricing=changed.pricing)
    assert again == changed


def test_numbers_that_sql_wrote_into_plans_come_back_exact(conn, billing: Billing, plan: Plan):
    conn.execute(
        """
        select ledger_update_plan('app', %s, pricing =>
          '{"base": {"amount": 0.10}, "prices": [{"feature": "api_calls", "model": "per_unit",
            "unit_amount": 12345678901234567890.000000000000000001}]}')
        """,
        [plan.id],
    )
    pricing = billing.get_plan("app", plan.id).pricing
    assert pricing["base"]["amount"] == Decimal("0.10")
    price = pricing["prices"][0]["unit_amount"]
    assert isinstance(price, Decimal)
    assert str(price) == "12345678901234567890.000000000000000001"


@given(st.decimals("0", "1e20", places=18))
def test_any_price_is_exact(conn, amount):
    with conn.transaction(force_rollback=True):
        made = Billing(conn).create_plan(
            "app", "any", "Any", "USD", pricing={"base": {"amount": amount}}
        )
        assert Decimal(made.pricing["base"]["amount"]) == amount


@pytest.mark.parametrize(
    ("features", "pricing", "path"),
    [
        ([{"key": "api_calls", "limit": 10.0}], {}, r"\$\.features\[0\]\.limit"),
        ([], {"base": {"amount": 49.0}}, r"\$\.pricing\.base\.amount"),
        (
            [],
            {"prices": [{"tiers": ({"up_to": None}, {"up_to": 1.5})}]},
            r"\$\.pricing\.prices\[0\]\.tiers\[1\]\.up_to",
        ),
        ([], {"base": {"amount": float("nan")}}, r"\$\.pricing\.base\.amount"),
        ([], {"base": {1: "x"}}, r"\$\.pricing\.base must have texts as keys, not int 1"),
        ([], {"base": {"amount": b"1"}}, r"\$\.pricing\.base\.amount"),
        ([{"key": {"api_calls"}}], {}, r"\$\.features\[0\]\.key"),
        ({"key": "api_calls"}, {}, "features must be a sequence"),
        ("api_calls", {}, "features must be a sequence"),
        ([], [], "pricing must be a mapping"),
        ([], "{}", "pricing must be a mapping"),
    ],
)
def test_plans_that_are_not_exact_are_refused_by_path(conn, features, pricing, path):
    billing = Billing(conn)
    with pytest.raises(TypeError, match=path):
        billing.create_plan("app", "pro", "Pro", "USD", features=features, pricing=pricing)
    with pytest.raises(TypeError, match=path):
        billing.update_plan("app", "plan_x", features=features, pricing=pricing)
    assert status(conn) == TransactionStatus.IDLE


@pytest.mark.parametrize(
    ("rates", "path"),
    [
        ([{"name": "VAT", "percentage": 8.25}], r"\$\.tax_rates\[0\]\.percentage"),
        ([{"name": "VAT", "applies_to": {"base"}}], r"\$\.tax_rates\[0\]\.applies_to"),
        ({"name": "VAT", "percentage": 8}, "tax_rates must be a sequence"),
        ("VAT", "tax_rates must be a sequence"),
    ],
)
def test_tax_rates_that_are_not_exact_are_refused_by_path(conn, rates, path):
    billing = Billing(conn)
    calls: list[Callable[[], object]] = [
        lambda: billing.create_subscription("app", "t", "p", tax_rates=rates),
        lambda: billing.update_subscription("app", "t", "s", tax_rates=rates),
        lambda: billing.generate_invoice("app", "t", "s", tax_rates=rates),
        lambda: billing.preview_invoice("app", "t", "s", tax_rates=rates),
        lambda: billing.create_invoice("app", "t", "USD", [], tax_rates=rates),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=path):
            call()
    assert status(conn) == TransactionStatus.IDLE


@pytest.mark.parametrize(
    ("lines", "kind", "path"),
    [
        ([{"amount": 1}, {"amount": 1.5}], TypeError, r"\$\.lines\[1\]\.amount"),
        ([{"amount": Decimal("NaN")}], ValueError, r"\$\.lines\[0\]\.amount must be a number"),
        ([{"period_start": NAIVE}], ValueError, r"\$\.lines\[0\]\.period_start .*no time zone"),
        ([{"period_end": dt.date(2025, 7, 1)}], TypeError, r"\$\.lines\[0\]\.period_end must be"),
        ({"amount": 1}, TypeError, "lines must be a sequence"),
    ],
)
def test_lines_that_are_not_exact_are_refused_by_path(conn, lines, kind, path):
    with pytest.raises(kind, match=path):
        Billing(conn).create_invoice("app", "t", "USD", lines)
    assert status(conn) == TransactionStatus.IDLE


@pytest.mark.parametrize(
    ("price", "path"),
    [
        ({"model": "per_unit", "unit_amount": 0.1}, r"\$\.price\.unit_amount"),
        ({"tiers": [{"up_to": 1.0}]}, r"\$\.price\.tiers\[0\]\.up_to"),
        ([], "price must be a mapping"),
    ],
)
def test_prices_that_are_not_exact_are_refused_by_path(conn, price, path):
    with pytest.raises(TypeError, match=path):
        Billing(conn).price_usage(price, 1)
    assert status(conn) == TransactionStatus.IDLE


def test_floats_in_plans_are_told_what_to_write_instead(conn):
    with pytest.raises(TypeError, match=r'not float 49\.5: write Decimal\("49\.5"\)'):
        Billing(conn).create_plan("app", "p", "P", "USD", pricing={"base": {"amount": 49.5}})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_decimals_that_are_no_numbers_are_refused_by_path(conn, number):
    with pytest.raises(ValueError, match=r"\$\.pricing\.base\.amount must be a number"):
        Billing(conn).create_plan(
            "app", "p", "P", "USD", pricing={"base": {"amount": Decimal(number)}}
        )
    assert status(conn) == TransactionStatus.IDLE


@pytest.mark.parametrize("number", ["1E+999999999", "1E-999999999"])
def test_absurd_numbers_get_the_named_error(conn, number):
    with pytest.raises(errors.InvalidPlan, match=r"\$\.pricing\.base\.amount"):
        Billing(conn).create_plan(
            "app", "p", "P", "USD", pricing={"base": {"amount": Decimal(number)}}
        )


@pytest.mark.parametrize("number", ["1E+1000", "1E-1000", "NaN", "Infinity"])
def test_absurd_amounts_get_the_named_error(conn, invoice: Invoice, number):
    billing, absurd = Billing(conn), Decimal(number)
    calls: list[tuple[type[errors.PgledgerError], Callable[[], object]]] = [
        (errors.InvalidAmount, lambda: billing.record_payment("app", "t", invoice.id, absurd)),
        (
            errors.InvalidAmount,
            lambda: billing.create_coupon("app", "C", amount=absurd, currency="USD"),
        ),
        (errors.InvalidArgument, lambda: billing.create_coupon("app", "C", percentage=absurd)),
        (
            errors.InvalidQuantity,
            lambda: billing.price_usage({"model": "flat", "flat_amount": 1}, absurd),
        ),
    ]
    if absurd.is_finite():
        line, rate = {"description": "x", "amount": absurd}, {"name": "x", "percentage": absurd}
        calls += [
            (
                errors.InvalidInvoice,
                lambda: billing.create_invoice("app", "t", "USD", [line]),
            ),
            (
                errors.InvalidInvoice,
                lambda: billing.create_invoice("app", "t", "USD", LINES, tax_rates=[rate]),
            ),
        ]
    for kind, call in calls:
        with pytest.raises(kind), conn.transaction():
            call()
    assert billing.list_payments("app", "t", invoice.id) == []


def test_a_feature_comes_back_whole(billing: Billing):
    chosen = ids.generate(ids.PREFIXES["feature"])
    made = billing.create_feature(
        "app",
        "visitors",
        "Visitors",
        aggregation="unique_count",
        unique_key="visitor",
        description="who came",
        metadata={"a": 1.5},
        id=chosen,
        tenant_id="t",
        default_limit=1000,
        default_period="month",
        default_soft_limit=True,
    )
    assert made == Feature(
        id=chosen,
        app_id="app",
        tenant_id="t",
        key="visitors",
        name="Visitors",
        description="who came",
        type="metered",
        aggregation="unique_count",
        unique_key="visitor",
        status="active",
        version=1,
        metadata={"a": 1.5},
        created_at=made.created_at,
        updated_at=made.created_at,
        default_limit=Decimal(1000),
        default_period="month",
        default_soft_limit=True,
    )
    assert billing.get_feature("app", chosen) == made
    assert billing.get_feature_by_key("app", "visitors", tenant_id="t") == made


def test_a_subscription_comes_back_whole(billing: Billing, plan: Plan):
    chosen = ids.generate(ids.PREFIXES["subscription"])
    started_at = now().replace(microsecond=123) - DAY
    made = billing.create_subscription(
        "app",
        "t",
        plan.id,
        started_at=started_at,
        time_zone="Europe/Berlin",
        trial_days=10,
        quantity=Decimal("2.5"),
        metadata={"a": [1.5]},
        id=chosen,
        tax_rates=({"name": "MwSt", "percentage": Decimal("19.0"), "applies_to": ("base",)},),
    )
    trial_end = made.trial_end
    assert trial_end is not None
    # The night that the clocks change is an hour longer or shorter.
    assert abs(trial_end - started_at - 10 * DAY) <= dt.timedelta(hours=1)
    assert made == Subscription(
        id=chosen,
        app_id="app",
        tenant_id="t",
        plan_id=plan.id,
        plan_slug="pro",
        status="trialing",
        quantity=Decimal("2.5"),
        started_at=started_at,
        anchor_at=trial_end,
        time_zone="Europe/Berlin",
        billing_interval="month",
        interval_count=1,
        current_period_start=started_at,
        current_period_end=trial_end,
        trial_end=trial_end,
        cancel_at=None,
        cancel_at_period_end=False,
        canceled_at=None,
        paused_at=None,
        ended_at=None,
        add_on=False,
        unused_time="none",
        tax_rates=[{"name": "MwSt", "percentage": "19.0", "applies_to": ["base"]}],
        version=1,
        metadata={"a": [1.5]},
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert billing.get_subscription("app", "t", chosen) == made
    assert billing.get_active_subscription("app", "t") == made
    assert billing.get_active_subscription("app", "other") is None
    assert billing.list_subscriptions("app", "t", status="trialing") == [made]


def test_tax_rates_that_sql_wrote_come_back_exact(conn, billing: Billing, plan: Plan):
    made = billing.create_subscription("app", "t", plan.id)
    assert made.tax_rates == []
    conn.execute(
        """
        select ledger_update_subscription('app', 't', %s, tax_rates =>
          '[{"name": "VAT", "percentage": 7.700000000000000001}]')
        """,
        [made.id],
    )
    (rate,) = billing.get_subscription("app", "t", made.id).tax_rates
    assert rate == {"name": "VAT", "percentage": Decimal("7.700000000000000001")}
    # And what comes out can go in again.
    again = billing.update_subscription("app", "t", made.id, tax_rates=[rate])
    assert again.tax_rates == [{"name": "VAT", "percentage": "7.700000000000000001"}]


def test_a_price_comes_to_exact_lines(billing: Billing):
    price = {
        "model": "graduated",
        "tiers": (
            {"up_to": Decimal("1E+1"), "unit_amount": Decimal("0.0005"), "flat_amount": 2},
            {"up_to": None, "unit_amount": "0.000000000000000001"},
        ),
        "maximum": 1,
    }
    lines = billing.price_usage(price, Decimal("110.5"), allowance=Decimal("0.5"))
    assert [type(line) for line in lines] == [PriceLine] * 3
    assert [(line.line, line.kind) for line in lines] == [(1, "usage"), (2, "usage"), (3, "cap")]
    assert [(line.quantity, line.unit_amount, line.flat_amount) for line in lines] == [
        (10, Decimal("0.0005"), 2),
        (100, Decimal("0.000000000000000001"), None),
        (None, None, None),
    ]
    assert [line.amount for line in lines] == [
        Decimal("2.005"),
        Decimal("0.0000000000000001"),
        Decimal("-1.0050000000000001"),
    ]
    rounded = billing.price_usage(price, 10, exponent=2)
    assert [line.amount for line in rounded] == [Decimal("2.01"), Decimal("-1.01")]


def test_a_coupon_comes_back_whole(billing: Billing):
    chosen = ids.generate(ids.PREFIXES["coupon"])
    start = now().replace(microsecond=123).astimezone(dt.timezone(dt.timedelta(hours=-7)))
    made = billing.create_coupon(
        "app",
        "WELCOME",
        name="Käse <20>",
        percentage=Decimal("12.3450"),
        currency="EUR",
        duration="repeating",
        duration_invoices=3,
        applies_to=("base", "api_calls"),
        minimum_subtotal=Decimal("99.50"),
        valid_from=start,
        valid_until=start + DAY,
        max_redemptions=2**40,
        max_redemptions_per_tenant=2,
        metadata={"rate": 0.1},
        id=chosen,
        tenant_id="t",
    )
    assert made == Coupon(
        id=chosen,
        app_id="app",
        tenant_id="t",
        code="WELCOME",
        name="Käse <20>",
        percentage=Decimal("12.345"),
        amount=None,
        currency="EUR",
        duration="repeating",
        duration_invoices=3,
        applies_to=("base", "api_calls"),
        minimum_subtotal=Decimal("99.5"),
        valid_from=start,
        valid_until=start + DAY,
        max_redemptions=2**40,
        max_redemptions_per_tenant=2,
        redemptions=0,
        status="active",
        version=1,
        metadata={"rate": 0.1},
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    assert billing.get_coupon("app", "WELCOME", tenant_id="t") == made
    assert billing.get_coupon_by_id("app", chosen) == made
    assert billing.list_coupons("app", active_only=True) == [made]
    assert billing.list_coupons("app", tenant_id="") == []
    plain = billing.create_coupon("app", "TEN", amount=10, currency="USD")
    assert (plain.name, plain.amount, plain.applies_to) == ("TEN", 10, None)


@pytest.mark.parametrize("item", ["NULL", '"', "\\", "{}", "a,b", "%s", "ü", "'"])
def test_items_of_coupons_reach_the_database_as_they_are(billing: Billing, item):
    made = billing.create_coupon("app", "C", percentage=1, applies_to=["base", item])
    assert made.applies_to == ("base", item)


def test_a_redemption_comes_back_whole(billing: Billing, subscription: Subscription):
    coupon = billing.create_coupon("app", "TEN", amount=Decimal("10.50"), currency="USD")
    chosen = ids.generate(ids.PREFIXES["coupon_redemption"])
    made = billing.redeem_coupon("app", "t", "TEN", subscription_id=subscription.id, id=chosen)
    assert made == CouponRedemption(
        id=chosen,
        app_id="app",
        tenant_id="t",
        coupon_id=coupon.id,
        code="TEN",
        subscription_id=subscription.id,
        status="active",
        uses_left=1,
        amount_left=Decimal("10.5"),
        created_at=made.created_at,
    )
    again = billing.redeem_coupon("app", "t", "TEN", subscription_id=subscription.id, id=chosen)
    assert again == made
    billing.create_coupon("app", "EVER", percentage=5, duration="forever")
    ever = billing.redeem_coupon("app", "t", "EVER")
    assert (ever.uses_left, ever.amount_left, ever.subscription_id) == (None, None, None)
    assert billing.list_coupon_redemptions("app", "t") == [made, ever]


def test_an_invoice_comes_back_whole(billing: Billing, plan: Plan):
    billing.create_coupon("app", "SEATS", percentage=25, applies_to=["seats"])
    billing.create_coupon("app", "TEN", amount=10, currency="USD")
    billing.redeem_coupon("app", "t", "SEATS")
    billing.redeem_coupon("app", "t", "TEN")
    chosen = ids.generate(ids.PREFIXES["invoice"])
    start = dt.datetime(2025, 7, 1, 2, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    made = billing.create_invoice(
        "app",
        "t",
        "USD",
        (LINES[0] | {"period_start": start, "period_end": "2025-08-01T00:00:00Z"}, LINES[1]),
        tax_rates=TAX_RATES,
        metadata={"rate": 0.1},
        id=chosen,
    )
    assert made == Invoice(
        id=chosen,
        app_id="app",
        tenant_id="t",
        subscription_id=None,
        kind="one_off",
        period_start=None,
        period_end=None,
        status="draft",
        number=None,
        currency="USD",
        subtotal=Decimal(100),
        discount=Decimal(30),
        tax=Decimal("5.78"),
        total=Decimal("75.78"),
        credits_applied=Decimal(0),
        amount_due=Decimal("75.78"),
        amount_paid=Decimal(0),
        amount_remaining=Decimal("75.78"),
        refund_due=Decimal(0),
        unapplied=Decimal(0),
        line_items=made.line_items,
        tax_rates=TAX_RATES,
        finalized_at=None,
        due_at=None,
        paid_at=None,
        voided_at=None,
        void_reason=None,
        uncollectible_at=None,
        version=1,
        metadata={"rate": 0.1},
        created_at=made.created_at,
        updated_at=made.created_at,
    )
    seats, calls, *others = made.line_items
    assert seats == InvoiceLine(
        id=seats.id,
        kind="item",
        description="Seats",
        item="seats",
        period_start=start,
        period_end=dt.datetime(2025, 8, 1, tzinfo=UTC),
        quantity=None,
        unit_amount=None,
        amount=Decimal(80),
        discount=seats.discount,
        tax=seats.tax,
        basis=None,
    )
    assert ids.is_valid(seats.id or "", ids.PREFIXES["invoice_line"])
    assert seats.period_start is not None
    assert seats.period_start.utcoffset() == dt.timedelta(0)
    assert (calls.quantity, calls.unit_amount, calls.amount) == (10, 2, 20)
    assert (calls.period_start, calls.period_end) == (None, None)
    assert [line.kind for line in others] == ["discount", "discount", "tax"]
    assert [line.amount for line in others] == [-20, -10, Decimal("5.78")]
    assert seats.discount + calls.discount == 30
    assert seats.tax + calls.tax == Decimal("5.78")
    assert sum(line.amount for line in made.line_items) == made.total
    assert billing.get_invoice("app", "t", chosen) == made
    assert billing.list_invoices("app", "t", status="draft") == [made]


def test_what_a_line_was_computed_from_is_exact(billing: Billing, subscription: Subscription):
    billing.record_usage("app", "t", "api_calls", quantity=Decimal("1234.5"))
    preview = billing.preview_invoice("app", "t", subscription.id, tax_rates=TAX_RATES)
    assert type(preview) is InvoicePreview
    assert issubclass(Invoice, InvoicePreview), "what shows a preview shows an invoice, too"
    assert (preview.subscription_id, preview.kind) == (subscription.id, "period")
    assert (preview.id, preview.created_at, preview.updated_at) == (None, None, None)
    overage = next(line for line in preview.line_items if line.kind == "overage")
    assert overage.item == "api_calls"
    assert overage.quantity == Decimal("234.5")
    assert overage.basis is not None
    assert not any(isinstance(value, float) for value in overage.basis.values())
    assert billing.list_invoices("app", "t") == []


def test_payments_come_back_whole(billing: Billing, invoice: Invoice):
    chosen = ids.generate(ids.PREFIXES["payment"])
    paid_at = now().replace(microsecond=789) - DAY
    partly = billing.record_payment(
        "app",
        "t",
        invoice.id,
        Decimal("50.10"),
        paid_at=paid_at,
        reference="überwiesen",
        id=chosen,
    )
    assert (partly.status, partly.amount_paid, partly.amount_remaining) == (
        "pending",
        Decimal("50.1"),
        Decimal("58.15"),
    )
    again = billing.record_payment(
        "app", "t", invoice.id, Decimal("50.1"), paid_at=paid_at, reference="überwiesen", id=chosen
    )
    assert again == partly
    (payment,) = billing.list_payments("app", "t", invoice.id)
    assert payment == Payment(
        id=chosen,
        app_id="app",
        tenant_id="t",
        invoice_id=invoice.id,
        amount=Decimal("50.1"),
        currency="USD",
        reference="überwiesen",
        paid_at=paid_at,
        created_at=payment.created_at,
    )
    paid = billing.mark_invoice_paid("app", "t", invoice.id, reference="cash")
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", invoice.total, 0)
    assert paid.paid_at is not None


@pytest.mark.parametrize(
    "quantity",
    [
        0,
        1,
        10**29,
        Decimal("0.000000000000000001"),
        Decimal("999999999999999999999999999999.999999999999999999"),
        Decimal("1E+2"),
    ],
)
def test_quantities_are_exact(billing: Billing, plan: Plan, quantity):
    billing.record_usage("app", "t", "api_calls", quantity=quantity)
    (event,) = billing.query_usage("app", "t")
    assert event.quantity == quantity
    hour = event.event_at.replace(minute=0, second=0, microsecond=0)
    used = billing.aggregate_usage("app", "t", "api_calls", hour, hour + dt.timedelta(hours=1))
    assert used == quantity


def test_an_event_comes_back_whole(billing: Billing, plan: Plan):
    event_at = now().replace(microsecond=789).astimezone(dt.timezone(dt.timedelta(hours=-7)))
    receipt = billing.record_usage(
        "app",
        "t",
        "api_calls",
        quantity=Decimal("1.50"),
        event_at=event_at,
        idempotency_key='k"1"\\',
        metadata={"path": 'a"b\\c{},', "n": 0.1},
    )
    assert receipt.status == "inserted"
    assert receipt.id is not None
    assert ids.is_valid(receipt.id, ids.PREFIXES["usage_event"])
    (event,) = billing.query_usage("app", "t", feature_key="api_calls")
    assert event == UsageEvent(
        id=receipt.id,
        app_id="app",
        tenant_id="t",
        feature_key="api_calls",
        quantity=Decimal("1.5"),
        event_at=event_at,
        idempotency_key='k"1"\\',
        metadata={"path": 'a"b\\c{},', "n": 0.1},
        created_at=event.created_at,
    )
    assert event.event_at.utcoffset() == dt.timedelta(0)
    again = billing.record_usage(
        "app", "t", "api_calls", quantity=Decimal("1.5"), idempotency_key='k"1"\\'
    )
    assert again == UsageReceipt("duplicate", receipt.id)


def test_a_batch_answers_for_each_event(billing: Billing, plan: Plan):
    answers = billing.ingest_usage(
        "app",
        iter(
            [
                UsageRecord("t", "api_calls", 2, idempotency_key="a"),
                UsageRecord("u", "api_calls", Decimal("0.5"), metadata={"x": "NULL"}),
                UsageRecord("t", "api_calls", 3, idempotency_key="a"),
                UsageRecord("t", "nothing"),
                UsageRecord("t", "api_calls", -1),
                UsageRecord("t", "api_calls", event_at=now() + DAY),
            ]
        ),
    )
    assert [type(answer) for answer in answers] == [UsageAnswer] * 6
    assert [(answer.event_index, answer.status) for answer in answers] == [
        (1, "inserted"),
        (2, "inserted"),
        (3, "rejected"),
        (4, "rejected"),
        (5, "rejected"),
        (6, "rejected"),
    ]
    assert [answer.error for answer in answers[2:]] == [
        errors.IdempotencyConflict.sqlstate,
        errors.FeatureNotFound.sqlstate,
        errors.InvalidQuantity.sqlstate,
        errors.UsageInFuture.sqlstate,
    ]
    assert [answer.id for answer in answers[2:]] == [None] * 4
    assert "'nothing'" in (answers[3].reason or "")
    assert [event.quantity for event in billing.query_usage("app", "t")] == [2]
    assert billing.ingest_usage("app", []) == []


@pytest.mark.parametrize(
    "text", ["NULL", "null", '"', "\\", "{}", "a,b", '","', "\\\\", "'", "%s", " ", "\n", "ü"]
)
def test_odd_texts_reach_the_database_as_they_are(billing: Billing, plan: Plan, text):
    billing.ingest_usage(
        "app", [UsageRecord("t", "api_calls", idempotency_key=text, metadata={text: text})]
    )
    (event,) = billing.query_usage("app", "t")
    assert (event.idempotency_key, event.metadata) == (text, {text: text})


def test_durations_come_back(conn, billing: Billing, plan: Plan):
    for skew in (dt.timedelta(0), DAY, dt.timedelta(days=1, seconds=2, microseconds=3)):
        assert billing.set_usage_skew("app", skew) == skew
    # A day is 24 hours, whatever zone the session is in.
    conn.execute("set local timezone = 'Europe/Berlin'")
    billing.set_usage_skew("app", 200 * DAY)
    stored = conn.execute("select usage_skew::text from pgledger.apps").fetchone()
    assert stored == ("4800:00:00",)
    with pytest.raises(errors.InvalidArgument), conn.transaction():
        billing.set_usage_skew("app", dt.timedelta(microseconds=-1))


def test_entitlements_come_back_exact(billing: Billing, subscription: Subscription):
    billing.record_usage("app", "t", "api_calls", quantity=Decimal("999.5"))
    assert billing.check_entitlement("app", "t", "api_calls", quantity=Decimal("0.5")) == (
        Entitlement(
            allowed=True,
            feature="api_calls",
            used=Decimal("999.5"),
            limit=Decimal(1000),
            remaining=Decimal("0.5"),
            soft_limit=True,
            reason="within_limit",
        )
    )
    over = billing.check_entitlement("app", "t", "api_calls", quantity=1)
    assert (over.allowed, over.reason) == (True, "soft_limit")
    assert billing.remaining_entitlement("app", "t", "api_calls") == Decimal("0.5")
    assert billing.check_entitlement("app", "t", "sso").reason == "enabled"
    assert billing.check_entitlement("app", "nobody", "sso").reason == "no_subscription"


def test_consumption_comes_back_exact(billing: Billing, subscription: Subscription):
    taken = billing.consume_entitlement(
        "app", "t", "exports", quantity=Decimal("9.5"), idempotency_key="k", metadata={"a": 1}
    )
    assert taken == Consumption(
        allowed=True,
        feature="exports",
        used=Decimal("9.5"),
        limit=Decimal(10),
        remaining=Decimal("0.5"),
        soft_limit=False,
        reason="within_limit",
        event_id=taken.event_id,
    )
    assert ids.is_valid(taken.event_id or "", "evt")
    again = billing.consume_entitlement(
        "app", "t", "exports", quantity=Decimal("9.50"), idempotency_key="k"
    )
    assert (again.allowed, again.reason, again.event_id) == (True, "duplicate", taken.event_id)
    with pytest.raises(errors.IdempotencyConflict), billing.conn.transaction():
        billing.consume_entitlement("app", "t", "exports", quantity=9, idempotency_key="k")
    refused = billing.consume_entitlement("app", "t", "exports")
    assert (refused.allowed, refused.reason, refused.event_id) == (False, "limit_exceeded", None)
    (event,) = billing.query_usage("app", "t", feature_key="exports")
    assert (event.id, event.metadata) == (taken.event_id, {"a": 1})


def test_cached_entitlements_are_there_or_none(billing: Billing, subscription: Subscription):
    assert billing.get_cached_entitlement("app", "t", "exports") is None
    made = billing.set_cached_entitlement("app", "t", "exports", ttl=dt.timedelta(minutes=5))
    assert made == billing.check_entitlement("app", "t", "exports")
    assert billing.get_cached_entitlement("app", "t", "exports") == made
    over = billing.get_cached_entitlement("app", "t", "exports", quantity=11)
    assert over is not None
    assert not over.allowed
    billing.invalidate_tenant_entitlements("app", "t")
    assert billing.get_cached_entitlement("app", "t", "exports") is None
    billing.set_cached_entitlement("app", "t", "exports")
    billing.invalidate_feature_entitlements("app", "exports")
    assert billing.get_cached_entitlement("app", "t", "exports") is None


# Every call


def test_every_call_answers(conn, billing: Billing, plan: Plan, set_clock: SetClock):
    feature = billing.get_feature_by_key("app", "sso")
    assert billing.archive_feature("app", feature.id).status == "archived"
    assert billing.update_feature("app", feature.id, name="SSO").version == 3
    spare = billing.create_feature("*", "spare", "Spare")
    assert billing.list_global_features() == [spare]
    assert billing.delete_feature("*", spare.id) == spare
    assert [f.key for f in billing.list_features("app", page_size=2, page_offset=1)] == [
        "exports",
        "sso",
    ]
    assert billing.set_currency("app", "POINTS", 0) == Currency("app", "POINTS", 0)

    unused = billing.create_plan("app", "unused", "Unused", "POINTS")
    assert (unused.features, unused.pricing) == ([], {})
    assert billing.archive_plan("app", unused.id).status == "archived"
    assert [p.slug for p in billing.list_plans("app", status="archived")] == ["unused"]
    assert billing.delete_plan("app", unused.id).id == unused.id
    with pytest.raises(errors.PlanNotFound), conn.transaction():
        billing.get_plan("app", unused.id)

    first = billing.create_subscription("app", "t", plan.id)
    assert billing.update_subscription("app", "t", first.id, quantity=3).quantity == 3
    team = billing.create_plan("app", "team", "Team", "USD", features=[{"key": "seats"}])
    assert billing.change_plan("app", "t", first.id, team.id).plan_slug == "team"
    assert billing.pause_subscription("app", "t", first.id).status == "paused"
    assert billing.resume_subscription("app", "t", first.id).status == "active"
    assert billing.cancel_subscription("app", "t", first.id).cancel_at is not None
    ended = billing.cancel_subscription("app", "t", first.id, at_period_end=False)
    assert ended.status == "canceled"
    assert ended.ended_at is not None
    second = billing.create_subscription("app", "t", plan.id)

    conn.commit()
    set_clock(conn, second.current_period_end + DAY)
    (move,) = billing.advance("app", max_subscriptions=10, invoices="none")
    assert move == SubscriptionMove(
        "t", second.id, "period_started", second.current_period_end, None, None
    )
    assert billing.advance("app", invoices="none") == []
    conn.commit()

    later = second.current_period_end
    billing.record_usage("app", "t", "api_calls", quantity=2, event_at=later)
    billing.record_usage("app", "t", "exports", event_at=later)
    assert billing.aggregate_usage("app", "t", "api_calls", later, later + DAY) == 2
    assert (
        billing.aggregate_usage("app", "t", "api_calls", later, later + DAY, aggregation="count")
        == 1
    )
    keys = (key for key in ("exports", "api_calls"))
    assert billing.aggregate_usage_by_feature("app", "t", keys, later, later + DAY) == [
        FeatureUsage("exports", "sum", Decimal(1)),
        FeatureUsage("api_calls", "sum", Decimal(2)),
    ]
    assert billing.query_usage("app", "t", starts_at=later + DAY) == []
    billing.cancel_subscription("app", "t", second.id, at_period_end=False)
    conn.commit()
    set_clock(conn, later + 10 * DAY)
    # What is still to be invoiced is not purged.
    assert billing.purge_usage("app", later + 5 * DAY) == 0
    assert {move.change for move in billing.advance("app")} == {"invoice_finalized"}
    # The events lie in an hour that a period's start splits: they stay until the period is over.
    assert billing.purge_usage("app", later + 5 * DAY) == 0
    conn.commit()
    set_clock(conn, later + 50 * DAY)
    assert billing.purge_usage("app", later + 40 * DAY, max_events=1) == 1


def test_every_call_about_coupons_answers(conn, billing: Billing, plan: Plan):
    made = billing.create_coupon("app", "TEN", amount=10, currency="USD")
    until = now() + DAY
    changed = billing.update_coupon(
        "app",
        made.id,
        name="Ten off",
        valid_from=until - 2 * DAY,
        valid_until=until,
        max_redemptions=2,
        max_redemptions_per_tenant=1,
        metadata={"a": 1},
    )
    assert (changed.name, changed.valid_until, changed.max_redemptions) == ("Ten off", until, 2)
    assert billing.redeem_coupon("app", "t", "TEN").code == "TEN"
    with pytest.raises(errors.CouponExhausted), conn.transaction():
        billing.redeem_coupon("app", "t", "TEN")
    with pytest.raises(errors.InUse), conn.transaction():
        billing.delete_coupon("app", made.id)
    assert len(billing.list_coupon_redemptions("app", "t", page_size=1)) == 1
    assert billing.list_coupon_redemptions("app", "t", page_offset=1) == []
    assert billing.archive_coupon("app", made.id).status == "archived"
    with pytest.raises(errors.CouponNotValid), conn.transaction():
        billing.redeem_coupon("app", "u", "TEN")
    assert billing.list_coupons("app", active_only=True) == []
    unused = billing.create_coupon("app", "UNUSED", percentage=1)
    assert billing.delete_coupon("app", unused.id) == unused
    with pytest.raises(errors.CouponNotFound), conn.transaction():
        billing.get_coupon_by_id("app", unused.id)
    assert [coupon.code for coupon in billing.list_coupons("app", page_size=1)] == ["TEN"]


def test_every_call_about_invoices_answers(conn, billing: Billing, plan: Plan):
    draft = billing.create_invoice("app", "t", "USD", LINES)
    assert billing.refresh_invoice("app", "t", draft.id).total == draft.total
    draft = billing.get_invoice("app", "t", draft.id)
    assert billing.delete_invoice("app", "t", draft.id) == draft
    with pytest.raises(errors.InvoiceNotFound), conn.transaction():
        billing.get_invoice("app", "t", draft.id)
    with pytest.raises(errors.InvalidInvoice, match=r"\$\.lines"), conn.transaction():
        billing.create_invoice("app", "t", "USD", [{"description": "nothing"}])

    assert billing.set_payment_terms("app", 10) == 10
    first, second, third = (billing.create_invoice("app", "t", "USD", LINES) for _ in range(3))
    first = billing.finalize_invoice("app", "t", first.id)
    assert (first.status, first.number) == ("pending", 1)
    assert first.due_at is not None
    assert first.finalized_at is not None
    assert first.due_at - first.finalized_at == 10 * DAY
    due_at = now() + 3 * DAY
    second = billing.finalize_invoice("app", "t", second.id, due_at=due_at)
    assert (second.due_at, second.number) == (due_at, 2)
    assert billing.list_pending_invoices("app", "t") == [second, first]
    assert billing.list_pending_invoices("app", "t", page_size=1, page_offset=1) == [first]
    assert billing.list_invoices("app", "t", page_size=2) == [first, second]
    with pytest.raises(errors.InvalidState), conn.transaction():
        billing.mark_invoice_paid("app", "t", third.id)
    voided = billing.mark_invoice_voided("app", "t", first.id, reason="a mistake")
    assert (voided.status, voided.void_reason) == ("voided", "a mistake")
    assert billing.mark_invoice_uncollectible("app", "t", second.id).status == "uncollectible"
    late = billing.record_payment("app", "t", second.id, 120)
    assert (late.status, late.unapplied) == ("paid", 20)
    assert [payment.amount for payment in billing.list_payments("app", "t", second.id)] == [120]


def test_every_call_about_a_subscriptions_invoices_answers(
    conn, billing: Billing, subscription: Subscription, set_clock: SetClock
):
    start, end = subscription.current_period_start, subscription.current_period_end
    assert billing.get_invoice_by_period("app", "t", subscription.id, start, kind="start") is None
    fee = billing.generate_invoice(
        "app", "t", subscription.id, at=start, kind="start", tax_rates=TAX_RATES
    )
    assert (fee.status, fee.subtotal, fee.tax) == ("draft", 49, Decimal("4.04"))
    assert (fee.subscription_id, fee.period_start, fee.period_end) == (subscription.id, start, end)
    assert fee.tax_rates == TAX_RATES
    assert billing.get_invoice_by_period("app", "t", subscription.id, start, kind="start") == fee
    conn.commit()

    set_clock(conn, end + DAY)
    moves = billing.advance("app")
    assert SubscriptionMove("t", subscription.id, "period_started", end, None, None) in moves
    made = {move.invoice_id for move in moves if move.change == "invoice_finalized"}
    assert made
    assert made == {invoice.id for invoice in billing.list_invoices("app", "t", status="pending")}
    assert billing.advance("app", invoices="none") == []
    conn.commit()

    set_clock(conn, end + 40 * DAY)
    drafted = billing.advance("app", invoices="draft", max_span=40 * DAY)
    assert "invoice_drafted" in {move.change for move in drafted}
    overdue = [move for move in drafted + billing.advance("app") if "past_due" in move.change]
    assert {move.invoice_id for move in overdue} == made
    conn.commit()
    changed = billing.update_subscription("app", "t", subscription.id, tax_rates=TAX_RATES)
    assert changed.tax_rates == TAX_RATES
    ended = billing.cancel_subscription(
        "app", "t", subscription.id, at_period_end=False, unused_time="refund"
    )
    assert ended.unused_time == "refund"


def test_no_call_commits_or_rolls_back(conn, connect: Connect, subscription: Subscription):
    billing = Billing(conn)
    begun = conn.execute("select pg_current_xact_id()::text").fetchone()
    calls: list[Callable[[], object]] = [
        lambda: billing.ping(),
        lambda: billing.create_plan("app", "other", "Other", "USD"),
        lambda: billing.create_feature("app", "other", "Other"),
        lambda: billing.set_usage_skew("app", DAY),
        lambda: billing.record_usage("app", "t", "exports"),
        lambda: billing.ingest_usage("app", [UsageRecord("t", "exports")]),
        lambda: billing.consume_entitlement("app", "t", "exports"),
        lambda: billing.set_cached_entitlement("app", "t", "exports"),
        lambda: billing.cancel_subscription("app", "t", subscription.id),
        lambda: billing.create_coupon("app", "C", percentage=1),
        lambda: billing.redeem_coupon("app", "t", "C"),
        lambda: billing.generate_invoice("app", "t", subscription.id),
        lambda: billing.preview_invoice("app", "t", subscription.id),
        lambda: billing.create_invoice("app", "t", "USD", LINES),
        lambda: billing.finalize_invoice(
            "app", "t", billing.list_invoices("app", "t", page_offset=1)[0].id
        ),
        lambda: billing.record_payment(
            "app", "t", billing.list_pending_invoices("app", "t")[0].id, 1
        ),
        lambda: billing.set_payment_terms("app", 7),
        lambda: billing.advance("app"),
    ]
    for call in calls:
        call()
        assert status(conn) == TransactionStatus.INTRANS
        assert conn.execute("select pg_current_xact_id()::text").fetchone() == begun
    conn.rollback()
    assert billing.query_usage("app", "t") == []
    assert len(billing.list_plans("app")) == 1
    assert billing.list_coupons("app") == []
    assert billing.list_invoices("app", "t") == []
    assert Billing(connect()).get_subscription("app", "t", subscription.id) == subscription


def test_business_rows_money_and_usage_roll_back_together(conn, subscription: Subscription):
    conn.execute("create table orders (id integer)")
    conn.commit()
    billing, ledger = Billing(conn), Ledger(conn)
    conn.execute("insert into orders values (1)")
    a, b = (ledger.create_account(name, "USD").id for name in "ab")
    ledger.create_transfer(a, b, 1)
    billing.consume_entitlement("app", "t", "exports", quantity=10)
    conn.rollback()
    assert billing.remaining_entitlement("app", "t", "exports") == 10
    assert conn.execute("select count(*) from orders").fetchone() == (0,)
    assert conn.execute("select count(*) from pgledger_accounts_view").fetchone() == (0,)


def test_a_refusal_in_a_savepoint_leaves_the_rest(conn, billing: Billing, plan: Plan):
    billing.record_usage("app", "t", "exports")
    with pytest.raises(errors.FeatureNotFound), conn.transaction():
        billing.record_usage("app", "t", "nothing")
    conn.commit()
    assert len(billing.query_usage("app", "t")) == 1


def test_others_are_not_found(conn, billing: Billing, subscription: Subscription):
    with pytest.raises(errors.SubscriptionNotFound), conn.transaction():
        billing.get_subscription("app", "other", subscription.id)
    with pytest.raises(errors.PlanNotFound), conn.transaction():
        billing.get_plan("other", subscription.plan_id)
    with pytest.raises(errors.ActiveSubscriptionExists), conn.transaction():
        billing.create_subscription("app", "t", subscription.plan_id)
    with pytest.raises(errors.NullArgument), conn.transaction():
        billing.get_plan(None, subscription.plan_id)  # type: ignore[arg-type]


def test_others_invoices_and_coupons_are_not_found(conn, billing: Billing, invoice: Invoice):
    calls: list[Callable[[str], object]] = [
        lambda tenant_id: billing.get_invoice("app", tenant_id, invoice.id),
        lambda tenant_id: billing.finalize_invoice("app", tenant_id, invoice.id),
        lambda tenant_id: billing.record_payment("app", tenant_id, invoice.id, 1),
        lambda tenant_id: billing.mark_invoice_voided("app", tenant_id, invoice.id),
        lambda tenant_id: billing.list_payments("app", tenant_id, invoice.id),
    ]
    for call in calls:
        with pytest.raises(errors.InvoiceNotFound), conn.transaction():
            call("other")
    billing.create_coupon("app", "TEN", percentage=10, tenant_id="t")
    with pytest.raises(errors.CouponNotFound), conn.transaction():
        billing.redeem_coupon("app", "other", "TEN")
    assert billing.get_invoice("app", "t", invoice.id) == invoice


def test_tenant_roles_are_mapped_by_administrators(conn, billing: Billing, plan: Plan):
    conn.execute("create role python_tenant")
    try:
        billing.map_tenant_role("python_tenant", "app", "t")
        assert billing.unmap_tenant_role("python_tenant")
        assert not billing.unmap_tenant_role("python_tenant")
    finally:
        conn.rollback()


# Wrong types are refused before anything is sent


@pytest.mark.parametrize("number", [1.5, 0.0, float("nan"), True, "1", None, b"1", [1]])
def test_only_decimals_and_ints_are_quantities(conn, number):
    billing = Billing(conn)
    calls: list[Callable[[], object]] = [
        lambda: billing.record_usage("app", "t", "k", quantity=number),
        lambda: billing.check_entitlement("app", "t", "k", quantity=number),
        lambda: billing.consume_entitlement("app", "t", "k", quantity=number),
        lambda: billing.get_cached_entitlement("app", "t", "k", quantity=number),
        lambda: billing.create_subscription("app", "t", "p", quantity=number),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="quantity must be a Decimal or an int, not"):
            call()
    if number is not None:
        with pytest.raises(TypeError, match="quantity must be a Decimal or an int, not"):
            billing.update_subscription("app", "t", "s", quantity=number)
    with pytest.raises(TypeError, match="event 2: quantity must be a Decimal or an int, not"):
        billing.ingest_usage("app", [UsageRecord("t", "k"), UsageRecord("t", "k", number)])
    assert status(conn) == TransactionStatus.IDLE


@pytest.mark.parametrize("number", [1.5, 0.0, float("nan"), True, "1", b"1", [1]])
def test_only_decimals_and_ints_are_amounts(conn, number):
    billing = Billing(conn)
    calls: dict[str, Callable[[], object]] = {
        "amount": lambda: billing.record_payment("app", "t", "i", number),
        "percentage": lambda: billing.create_coupon("app", "C", percentage=number),
        "minimum_subtotal": lambda: billing.create_coupon("app", "C", minimum_subtotal=number),
        "quantity": lambda: billing.price_usage({}, number),
        "allowance": lambda: billing.price_usage({}, 1, allowance=number),
    }
    for name, call in calls.items():
        with pytest.raises(TypeError, match=f"^{name} must be a Decimal or an int, not"):
            call()
    with pytest.raises(TypeError, match=r"^amount must be a Decimal or an int, not"):
        billing.create_coupon("app", "C", amount=number)
    assert status(conn) == TransactionStatus.IDLE


@pytest.mark.parametrize(
    ("time", "kind"),
    [(NAIVE, ValueError), (dt.date(2025, 7, 1), TypeError), ("now", TypeError), (0, TypeError)],
)
def test_only_aware_datetimes_are_times(conn, time, kind):
    billing = Billing(conn)
    calls: list[Callable[[], object]] = [
        lambda: billing.record_usage("app", "t", "k", event_at=time),
        lambda: billing.create_subscription("app", "t", "p", started_at=time),
        lambda: billing.create_subscription("app", "t", "p", anchor_at=time),
        lambda: billing.aggregate_usage("app", "t", "k", time, now()),
        lambda: billing.aggregate_usage("app", "t", "k", now(), time),
        lambda: billing.aggregate_usage_by_feature("app", "t", [], now(), time),
        lambda: billing.query_usage("app", "t", starts_at=time),
        lambda: billing.query_usage("app", "t", ends_at=time),
        lambda: billing.purge_usage("app", time),
    ]
    for call in calls:
        with pytest.raises(kind, match=r"^(\w+_at|before) "):
            call()
    calls = [
        lambda: billing.create_coupon("app", "C", valid_from=time),
        lambda: billing.create_coupon("app", "C", valid_until=time),
        lambda: billing.update_coupon("app", "c", valid_from=time),
        lambda: billing.update_coupon("app", "c", valid_until=time),
        lambda: billing.generate_invoice("app", "t", "s", at=time),
        lambda: billing.preview_invoice("app", "t", "s", at=time),
        lambda: billing.get_invoice_by_period("app", "t", "s", time),
        lambda: billing.finalize_invoice("app", "t", "i", due_at=time),
        lambda: billing.record_payment("app", "t", "i", 1, paid_at=time),
        lambda: billing.mark_invoice_paid("app", "t", "i", paid_at=time),
    ]
    for call in calls:
        with pytest.raises(kind, match=r"^(valid_from|valid_until|at|due_at|paid_at) "):
            call()
    with pytest.raises(kind, match=r"^event 1: event_at "):
        billing.ingest_usage("app", [UsageRecord("t", "k", event_at=time)])
    assert status(conn) == TransactionStatus.IDLE


def test_other_wrong_types_are_refused(conn):
    billing = Billing(conn)
    calls: dict[str, Callable[[Any], object]] = {
        "ttl must be a timedelta": lambda wrong: billing.set_cached_entitlement(
            "app", "t", "k", ttl=wrong
        ),
        "skew must be a timedelta": lambda wrong: billing.set_usage_skew("app", wrong),
        "page_size must be an int": lambda wrong: billing.list_plans("app", page_size=wrong),
        "page_offset must be an int": lambda wrong: billing.query_usage(
            "app", "t", page_offset=wrong
        ),
        "max_subscriptions must be an int": lambda wrong: billing.advance(
            "app", max_subscriptions=wrong
        ),
        "exponent must be an int": lambda wrong: billing.set_currency("app", "X", wrong),
        "^exponent must be an int": lambda wrong: billing.price_usage({}, 1, exponent=wrong),
        "days must be an int": lambda wrong: billing.set_payment_terms("app", wrong),
        "duration_invoices must be an int": lambda wrong: billing.create_coupon(
            "app", "C", duration_invoices=wrong
        ),
        "max_redemptions must be an int": lambda wrong: billing.update_coupon(
            "app", "c", max_redemptions=wrong
        ),
        "max_redemptions_per_tenant must be an int": lambda wrong: billing.create_coupon(
            "app", "C", max_redemptions_per_tenant=wrong
        ),
        "active_only must be True or False": lambda wrong: billing.list_coupons(
            "app", active_only=wrong
        ),
        "applies_to must be a list of str": lambda wrong: billing.create_coupon(
            "app", "C", applies_to=wrong
        ),
        "trial_days must be an int": lambda wrong: billing.create_plan(
            "app", "p", "P", "USD", trial_days=wrong
        ),
        "add_on must be True or False": lambda wrong: billing.create_plan(
            "app", "p", "P", "USD", add_on=wrong
        ),
        "at_period_end must be True or False": lambda wrong: billing.cancel_subscription(
            "app", "t", "s", at_period_end=wrong
        ),
        "anchor_at_trial_end must be True or False": lambda wrong: billing.update_plan(
            "app", "p", anchor_at_trial_end=wrong
        ),
        "metadata must be a mapping": lambda wrong: billing.update_subscription(
            "app", "t", "s", metadata=wrong
        ),
        "feature_keys must be a list of str": lambda wrong: billing.aggregate_usage_by_feature(
            "app", "t", wrong, now(), now()
        ),
        "events must be UsageRecords|event 1: must be a UsageRecord": lambda wrong: (
            billing.ingest_usage("app", [wrong])
        ),
    }
    for message, call in calls.items():
        for wrong in (1.5, "text"):
            with pytest.raises(TypeError, match=message):
                call(wrong)
    with pytest.raises(TypeError, match="element 2: feature_keys must be a str, not int 1"):
        billing.aggregate_usage_by_feature("app", "t", ["a", 1], now(), now())  # type: ignore[list-item]
    with pytest.raises(TypeError, match="event 1: feature_key must be a str, not int 1"):
        billing.ingest_usage("app", [UsageRecord("t", 1)])  # type: ignore[arg-type]
    assert status(conn) == TransactionStatus.IDLE


async def test_the_wrong_kind_of_connection_is_refused(conn, aconn):
    with pytest.raises(TypeError, match=r"AsyncBilling needs a psycopg.AsyncConnection, not Conn"):
        AsyncBilling(conn)
    with pytest.raises(TypeError, match=r"Billing needs a psycopg.Connection, not AsyncConnection"):
        Billing(aconn)


# Results are values


def redeemed(billing: Billing) -> CouponRedemption:
    billing.create_coupon("app", "C", percentage=1)
    return billing.redeem_coupon("app", "t", "C")


def paid(billing: Billing) -> Payment:
    draft = billing.create_invoice("app", "t", "USD", LINES)
    billing.finalize_invoice("app", "t", draft.id)
    billing.record_payment("app", "t", draft.id, 1)
    return billing.list_payments("app", "t", draft.id)[0]


RESULTS: list[Callable[[Billing, Subscription], Any]] = [
    lambda billing, subscription: subscription,
    lambda billing, subscription: billing.get_plan("app", subscription.plan_id),
    lambda billing, subscription: billing.get_feature_by_key("app", "sso"),
    lambda billing, subscription: billing.set_currency("app", "POINTS", 0),
    lambda billing, subscription: billing.record_usage("app", "t", "exports"),
    lambda billing, subscription: billing.ingest_usage("app", [UsageRecord("t", "exports")])[0],
    lambda billing, subscription: billing.query_usage("app", "t")[0],
    lambda billing, subscription: billing.check_entitlement("app", "t", "exports"),
    lambda billing, subscription: billing.consume_entitlement("app", "t", "exports"),
    lambda billing, subscription: billing.aggregate_usage_by_feature(
        "app", "t", ["exports"], now() - DAY, now()
    )[0],
    lambda billing, subscription: UsageRecord("t", "exports", metadata={"a": 1}),
    lambda billing, subscription: billing.price_usage({"model": "flat", "flat_amount": 1}, 0)[0],
    lambda billing, subscription: billing.create_coupon(
        "app", "C", percentage=1, applies_to=["a"], metadata={"a": []}
    ),
    lambda billing, subscription: redeemed(billing),
    lambda billing, subscription: billing.create_invoice(
        "app", "t", "USD", LINES, tax_rates=TAX_RATES, metadata={"a": []}
    ),
    lambda billing, subscription: billing.preview_invoice(
        "app", "t", subscription.id, kind="start"
    ),
    lambda billing, subscription: billing.create_invoice("app", "t", "USD", LINES).line_items[0],
    lambda billing, subscription: paid(billing),
]


@pytest.mark.parametrize("make", RESULTS)
def test_results_are_values(billing: Billing, subscription: Subscription, make):
    billing.record_usage("app", "t", "api_calls", metadata={"a": {"b": 1}})
    result = make(billing, subscription)
    name = dataclasses.fields(result)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(result, name, "other")
    assert not hasattr(result, "__dict__")
    assert copy.deepcopy(result) == result
    assert pickle.loads(pickle.dumps(result)) == result
    assert hash(result) == hash(copy.copy(result))
    assert dataclasses.replace(result, **{name: "other"}) != result


# Whatever the connection is like


class Spoiled(Exception):
    """An adapter of the caller's was asked to do the store's work."""


class SpoilingDumper(Dumper):
    def dump(self, obj: Any) -> bytes:
        raise Spoiled(obj)


class SpoilingLoader(Loader):
    def load(self, data: Any) -> Any:
        raise Spoiled(data)


class SpoilingBinaryLoader(SpoilingLoader):
    format = psycopg.pq.Format.BINARY


TYPES = ["text", "numeric", "int4", "int8", "bool", "timestamptz", "interval", "json", "jsonb"]
TEXT_ARRAY_OID = 1009

CONNECTIONS: Mapping[str, dict[str, Any]] = {
    "plain": {},
    "autocommit": {"autocommit": True},
    "dictionaries": {"row_factory": dict_row},
    "client-side binding": {"cursor_factory": ClientCursor},
    "always prepared": {"prepare_threshold": 0},
    "never prepared": {"prepare_threshold": None},
    "a zone far east and German dates": {"options": "-c TimeZone=Pacific/Kiritimati,DateStyle=SQL"},
    "Latin-1": {"client_encoding": "latin1"},
    "SQL intervals": {"options": "-c IntervalStyle=sql_standard -c extra_float_digits=-15"},
    "quirky quotes": {"options": "-c standard_conforming_strings=off"},
}


@pytest.mark.parametrize("options", CONNECTIONS.values(), ids=CONNECTIONS.keys())
@pytest.mark.parametrize("spoiled", [False, True], ids=["", "spoiled"])
def test_any_connection_will_do(connect: Connect, options, spoiled):
    if "options" in options:
        options = {"options": options["options"].replace(",", " -c ")}
    conn = connect(**options)
    if spoiled:
        for kind in (str, int, Decimal, dt.datetime, dt.timedelta, bool, dict, list, tuple):
            conn.adapters.register_dumper(kind, SpoilingDumper)
        for name in TYPES:
            conn.adapters.register_loader(name, SpoilingLoader)
            conn.adapters.register_loader(name, SpoilingBinaryLoader)
        conn.adapters.register_loader(TEXT_ARRAY_OID, SpoilingLoader)
        conn.adapters.register_loader(TEXT_ARRAY_OID, SpoilingBinaryLoader)
    billing = Billing(conn)
    event_at = now().replace(microsecond=789)
    for number in range(6):
        app = f"app{number}"
        billing.create_feature(app, "calls", "Aufrufe für ü", metadata={"ü": 0.1})
        made = billing.create_plan(
            app,
            "pro",
            "Prö",
            "USD",
            features=[{"key": "calls", "limit": Decimal("100.5")}],
            pricing={"base": {"amount": "1.50"}},
            metadata={"ü": 0.1},
        )
        assert billing.get_plan(app, made.id) == made
        assert (made.name, made.metadata, made.features) == (
            "Prö",
            {"ü": 0.1},
            [{"key": "calls", "limit": "100.5"}],
        )
        subscribed = billing.create_subscription(
            app, "t", made.id, started_at=event_at, tax_rates=TAX_RATES
        )
        coupon = billing.create_coupon(app, "Ü", percentage=Decimal("12.5"), applies_to=["ü", "x"])
        assert billing.get_coupon(app, "Ü") == coupon
        assert coupon.applies_to == ("ü", "x")
        billing.redeem_coupon(app, "t", "Ü", subscription_id=subscribed.id)
        fee = billing.generate_invoice(app, "t", subscribed.id, kind="start")
        assert [line.amount for line in fee.line_items] == [Decimal("1.5"), Decimal("0.12")]
        assert fee.line_items[0].period_start == event_at
        item = {"description": "Käse", "amount": Decimal("1.50"), "period_start": event_at}
        once = billing.create_invoice(app, "t", "USD", [item], tax_rates=TAX_RATES)
        assert billing.get_invoice(app, "t", once.id) == once
        assert (once.line_items[0].description, once.line_items[0].period_start) == (
            "Käse",
            event_at,
        )
        billing.finalize_invoice(app, "t", once.id, due_at=event_at + DAY)
        billing.record_payment(app, "t", once.id, Decimal("0.5"), reference="ü", paid_at=event_at)
        (payment,) = billing.list_payments(app, "t", once.id)
        assert (payment.amount, payment.reference) == (Decimal("0.5"), "ü")
        billing.record_usage(app, "t", "calls", quantity=2, event_at=event_at)
        answers = billing.ingest_usage(
            app, [UsageRecord("t", "calls", 3, event_at=event_at, metadata={"ü": "\\"})]
        )
        assert answers[0].status == "inserted"
        assert [event.event_at for event in billing.query_usage(app, "t")] == [event_at] * 2
        assert billing.remaining_entitlement(app, "t", "calls") == Decimal("95.5")
        assert billing.set_usage_skew(app, DAY) == DAY
        billing.set_cached_entitlement(app, "t", "calls", ttl=dt.timedelta(seconds=1.5))
        billing.invalidate_tenant_entitlements(app, "t")
        billing.ping()
        with pytest.raises(errors.FeatureNotFound), conn.transaction():
            billing.record_usage(app, "t", "nothing")


def test_each_call_is_prepared_once_whatever_its_arguments(connect: Connect, plan: Plan):
    conn = connect(prepare_threshold=0, autocommit=True)
    billing = Billing(conn)
    billing.record_usage("app", "t", "exports")
    billing.record_usage("app", "t", "exports", quantity=Decimal("0.5"), event_at=now())
    billing.record_usage("app", "t", "exports", idempotency_key="k", metadata={"a": 1})
    prepared = conn.execute(
        "select count(*) from pg_prepared_statements"
        " where statement like 'select r.%record_usage(%'"
    ).fetchone()
    assert prepared == (1,)


def test_calls_work_in_a_pipeline(conn, billing: Billing, plan: Plan):
    with conn.pipeline():
        billing.record_usage("app", "t", "exports")
        with pytest.raises(errors.FeatureNotFound), conn.transaction():
            billing.record_usage("app", "t", "nothing")
        assert len(billing.query_usage("app", "t")) == 1
    conn.commit()


def test_threads_may_share_a_connection(billing: Billing, plan: Plan):
    def use() -> None:
        billing.record_usage("app", "t", "exports")

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(billing.query_usage("app", "t")) == 20


def test_a_schema_can_be_named_however_odd(conn, connect: Connect, plan: Plan):
    odd = "Löhne \"x\" 100%s % 'y' \\"
    conn.execute(sql.SQL("alter schema public rename to {}").format(sql.Identifier(odd)))
    conn.commit()
    elsewhere = connect(options="-c search_path=pg_catalog")
    billing = Billing(elsewhere, schema=odd)
    billing.ping()
    assert billing.get_plan("app", plan.id) == plan
    with pytest.raises(MigrationError, match="no billing store in the search_path"):
        Billing(elsewhere).ping()
    with pytest.raises(psycopg.errors.UndefinedFunction):
        Billing(elsewhere).get_plan("app", plan.id)


# The store as a whole


def test_start_installs_and_then_does_nothing(database: NewDatabase, connect: Connect):
    conn = connect(dsn=database())
    billing = Billing(conn)
    with pytest.raises(MigrationError, match="no billing store in the search_path"):
        billing.ping()
    assert status(conn) == TransactionStatus.INTRANS
    conn.rollback()
    first = billing.start()
    assert first.installed
    assert status(conn) == TransactionStatus.IDLE
    billing.ping()
    conn.rollback()
    again = billing.start()
    assert (again.installed, again.applied) == (False, ())
    assert not conn.autocommit
    assert not billing.migrate(lock_timeout=1, wait=1).changed


def test_start_installs_into_its_schema(database: NewDatabase, connect: Connect):
    conn = connect(dsn=database(), options="-c search_path=pg_catalog", row_factory=scalar_row)
    billing = Billing(conn, schema="billing")
    assert billing.start().schema == "billing"
    billing.ping()
    assert billing.create_feature("app", "k", "K").key == "k"


def test_start_in_a_transaction_does_what_it_says_where_there_is_nothing_to_do(
    conn, billing: Billing
):
    conn.execute("create table rows_of_the_caller ()")
    assert not billing.start().changed
    assert not billing.migrate().changed
    assert status(conn) == TransactionStatus.INTRANS
    conn.execute("table rows_of_the_caller")
    with pytest.raises(psycopg.errors.DivisionByZero):
        conn.execute("select 1 / 0")
    assert billing.start().schema == "public"
    assert status(conn) == TransactionStatus.INERROR
    conn.rollback()
    with pytest.raises(psycopg.errors.UndefinedTable):
        conn.execute("table rows_of_the_caller")


def test_start_refuses_a_transaction_if_there_is_something_to_do(conn, billing: Billing):
    conn.execute("delete from pgledger.schema_history where kind = 'repeatable'")
    conn.commit()
    conn.execute("select 1")
    for call in (billing.start, billing.migrate, Billing(conn, schema="elsewhere").start):
        with pytest.raises(MigrationError, match="the connection is in a transaction"):
            call()
        assert status(conn) == TransactionStatus.INTRANS
    conn.rollback()
    assert billing.start().applied
    conn.execute("select 1")
    with pytest.raises(MigrationError, match="the connection is in a transaction"):
        Billing(conn, schema="elsewhere").start()
    conn.rollback()
    conn.close()
    with pytest.raises(MigrationError, match="the connection is closed"):
        billing.start()


# What a release after this one leaves: a column, a table and a function more, and another function
# changed.
NEXT_RELEASE = """
    alter table pgledger.features add column colour text not null default 'grey';
    create table pgledger.colours (name text primary key);
    create function ledger_paint(app_id text) returns text return app_id;
    insert into pgledger.schema_history (name, kind, sha256, applied_at, package_version,
      with_roles) values
      ('migrations/9001_create_colours.sql', 'versioned', repeat('0', 64), now(),
       '{version}', true),
      ('repeatable/20_catalogue/ledger_paint.sql', 'repeatable', repeat('0', 64), now(),
       '{version}', true);
    update pgledger.schema_history set sha256 = repeat('1', 64), package_version = '{version}'
    where kind = 'repeatable' and name like '%ledger_get_feature.sql'
"""


def test_start_accepts_the_next_release_and_works(conn, billing: Billing, caplog):
    before = conn.execute("table pgledger.schema_history").fetchall()
    conn.execute(NEXT_RELEASE.format(version="0.2.0"))
    conn.commit()
    with caplog.at_level("INFO", "pgledger"):
        result = billing.start()
    assert (result.changed, result.newer_version, result.schema) == (False, "0.2.0", "public")
    assert "migrated by pgledger 0.2.0" in caplog.text
    billing.ping()
    # In a transaction too.
    assert billing.start().newer_version == "0.2.0"
    feature = billing.create_feature("app", "calls", "Calls", aggregation="sum")
    assert billing.get_feature("app", feature.id) == feature
    conn.commit()
    history = conn.execute("table pgledger.schema_history").fetchall()
    assert len(history) == len(before) + 2
    conn.rollback()
    with pytest.raises(MigrationError, match=r"the database is newer .* pgledger 0\.2\.0"):
        billing.migrate()
    with pytest.raises(MigrationError, match=r"the database is newer .* pgledger 0\.2\.0"):
        migrate(conn)
    assert conn.execute("table pgledger.schema_history").fetchall() == history


def test_start_refuses_what_is_newer_than_promised_and_what_is_wrong(conn, billing: Billing):
    conn.execute(NEXT_RELEASE.format(version="0.3.0"))
    conn.commit()
    with pytest.raises(MigrationError, match=r"the database is newer .* pgledger 0\.3\.0"):
        billing.start()
    conn.execute("update pgledger.schema_history set package_version = '0.2.0'")
    conn.commit()
    assert billing.start().newer_version == "0.2.0"
    conn.execute(
        "update pgledger.schema_history set sha256 = repeat('2', 64) where name ~ '/0001_'"
    )
    conn.commit()
    with pytest.raises(MigrationError, match="newer"):
        billing.start()


def test_an_old_program_that_waits_for_a_new_migration_starts(
    database: NewDatabase, connect: Connect, wait_until
):
    dsn = database()
    migrate(dsn)
    other, conn = connect(dsn=dsn), connect(dsn=dsn)
    other.execute("select pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
    other.execute(NEXT_RELEASE.format(version="0.2.0"))
    # The old program sees a database that is behind, and waits for its turn.
    connect(dsn=dsn, autocommit=True).execute(
        "delete from pgledger.schema_history where name like '%/ledger_list_plans%'"
    )
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(Billing(conn).start()))
    thread.start()
    wait_until(
        "select count(*) > 0 from pg_stat_activity where datname = %s "
        "and application_name = 'pgledger' and query <> ''",
        (conn.info.dbname,),
    )
    other.commit()
    thread.join()
    (result,) = results
    assert (result.changed, result.newer_version) == (False, "0.2.0")


def test_start_is_not_bothered_by_the_session(database: NewDatabase, connect: Connect):
    conn = connect(dsn=database(), autocommit=True)
    conn.execute("create role python_bystander")
    try:
        conn.execute("set role python_bystander")
        conn.execute("set default_transaction_read_only = on")
        assert Billing(conn).start().installed
        assert conn.execute("select current_user").fetchone() == ("python_bystander",)
    finally:
        conn.execute("reset role")
        conn.execute("reset default_transaction_read_only")
        conn.execute("drop role python_bystander")


def test_start_passes_the_password_on(monkeypatch: pytest.MonkeyPatch, conn):
    targets: list[str] = []

    def remember(target: str, **_: object) -> object:
        targets.append(target)
        return migrate(conn)

    monkeypatch.setattr("pgledger._installing.migrate", remember)
    with psycopg.connect(conn.info.dsn, password="it's a \\ secret") as other:
        Billing(other).start()
    (target,) = targets
    parameters = psycopg.conninfo.conninfo_to_dict(target)
    assert parameters["password"] == "it's a \\ secret"
    assert parameters["dbname"] == conn.info.dbname
    assert parameters["host"] == conn.info.host


def test_many_starts_at_once_install_once(database: NewDatabase, connect: Connect):
    dsn = database()
    conns = [connect(dsn=dsn) for _ in range(4)]
    installed: list[bool] = []

    def start(conn: psycopg.Connection[Any]) -> None:
        installed.append(Billing(conn).start().installed)

    threads = [threading.Thread(target=start, args=(conn,)) for conn in conns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(installed) == [False, False, False, True]


def test_a_closed_store_says_so_and_leaves_the_connection(conn, plan: Plan):
    billing = Billing(conn)
    billing.close()
    billing.close()
    calls: list[Callable[[], object]] = [
        lambda: billing.get_plan("app", plan.id),
        lambda: billing.ingest_usage("app", []),
        lambda: billing.ping(),
        lambda: billing.start(),
        lambda: billing.migrate(),
    ]
    for call in calls:
        with pytest.raises(psycopg.InterfaceError, match="this Billing was closed"):
            call()
    assert status(conn) == TransactionStatus.IDLE
    assert Billing(conn).get_plan("app", plan.id) == plan


# The asynchronous twin


async def test_the_asynchronous_store_does_the_same(aconn, ledger_dsn):
    billing = AsyncBilling(aconn)
    assert not (await billing.start()).changed
    await billing.ping()
    await billing.create_feature("app", "exports", "Exports")
    plan = await billing.create_plan(
        "app",
        "pro",
        "Pro",
        "USD",
        features=[{"key": "exports", "limit": 10}],
        pricing={"base": {"amount": Decimal("49.00")}},
    )
    assert plan.pricing == {"base": {"amount": "49.00"}}
    assert await billing.get_active_subscription("app", "t") is None
    subscription = await billing.create_subscription("app", "t", plan.id)
    assert await billing.get_active_subscription("app", "t") == subscription
    answers = await billing.ingest_usage("app", [UsageRecord("t", "exports", 4)])
    assert answers[0].status == "inserted"
    assert (await billing.consume_entitlement("app", "t", "exports", quantity=6)).allowed
    assert await billing.remaining_entitlement("app", "t", "exports") == 0
    assert (await billing.check_entitlement("app", "t", "exports")).reason == "limit_exceeded"
    assert await billing.set_usage_skew("app", DAY) == DAY
    await billing.invalidate_tenant_entitlements("app", "t")
    with pytest.raises(TypeError, match="quantity must be a Decimal or an int"):
        await billing.record_usage("app", "t", "exports", quantity=0.5)  # type: ignore[arg-type]
    assert not (await billing.start()).changed
    await aconn.commit()
    with psycopg.connect(ledger_dsn) as conn:
        assert Billing(conn).get_plan("app", plan.id) == plan
    await billing.close()
    with pytest.raises(psycopg.InterfaceError, match="was closed"):
        await billing.ping()
    assert not aconn.closed


async def test_the_asynchronous_store_bills(aconn, ledger_dsn):
    billing = AsyncBilling(aconn)
    pricing = {"base": {"amount": Decimal("49.00"), "billed": "advance"}}
    plan = await billing.create_plan("app", "pro", "Pro", "USD", pricing=pricing)
    subscription = await billing.create_subscription("app", "t", plan.id, tax_rates=TAX_RATES)
    lines = await billing.price_usage({"model": "per_unit", "unit_amount": Decimal("0.1")}, 15)
    assert [line.amount for line in lines] == [Decimal("1.5")]
    coupon = await billing.create_coupon("app", "HALF", percentage=50, applies_to=["base"])
    assert coupon.applies_to == ("base",)
    assert (await billing.redeem_coupon("app", "t", "HALF")).coupon_id == coupon.id
    preview = await billing.preview_invoice("app", "t", subscription.id, kind="start")
    draft = await billing.generate_invoice("app", "t", subscription.id, kind="start")
    assert (preview.total, draft.total) == (Decimal("26.52"), Decimal("26.52"))
    at = subscription.current_period_start
    found = await billing.get_invoice_by_period("app", "t", subscription.id, at, kind="start")
    assert found == draft
    final = await billing.finalize_invoice("app", "t", draft.id)
    assert await billing.list_pending_invoices("app", "t") == [final]
    paid = await billing.record_payment("app", "t", draft.id, Decimal("26.52"))
    assert paid.status == "paid"
    assert [p.amount for p in await billing.list_payments("app", "t", draft.id)] == [
        Decimal("26.52")
    ]
    with pytest.raises(TypeError, match=r"\$\.lines\[0\]\.amount"):
        await billing.create_invoice("app", "t", "USD", [{"amount": 0.5}])
    assert await billing.set_payment_terms("app", 7) == 7
    await aconn.commit()
    with psycopg.connect(ledger_dsn) as conn:
        assert Billing(conn).get_invoice("app", "t", draft.id) == paid


async def test_the_asynchronous_store_installs(database: NewDatabase):
    async with await psycopg.AsyncConnection.connect(database()) as aconn:
        assert (await AsyncBilling(aconn).start()).installed
        await AsyncBilling(aconn).ping()
        assert not (await AsyncBilling(aconn).start()).changed
        await aconn.rollback()
        await aconn.execute(NEXT_RELEASE.format(version="0.2.0"))
        await aconn.commit()
        assert (await AsyncBilling(aconn).start()).newer_version == "0.2.0"
        with pytest.raises(MigrationError, match="newer than this package"):
            await AsyncBilling(aconn).migrate()

"""What goes into the billing store and comes out: rows of its views, as frozen dataclasses.

The fields are the columns of the view or function in its order. Times are aware and in UTC.
Quantities, limits, usage and amounts are exact decimals. What JSON objects decode to is to be
treated as read-only, as the row that it came from is.

A plan's features and pricing, tax rates and what a line was computed from come back as they were
given, by value: numbers that were given as texts (or as Decimals, which are written as texts) are
texts; numbers that were written as JSON numbers are int or Decimal, never float.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

__all__ = [
    "Consumption",
    "Coupon",
    "CouponRedemption",
    "Currency",
    "Entitlement",
    "Feature",
    "FeatureUsage",
    "Invoice",
    "InvoiceLine",
    "InvoicePreview",
    "Payment",
    "Plan",
    "PriceLine",
    "Subscription",
    "SubscriptionMove",
    "UsageAnswer",
    "UsageEvent",
    "UsageReceipt",
    "UsageRecord",
]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subscription gives and what it costs: a row of ``ledger_plans``.

    Attributes:
        id: Public id, ``plan_`` and a ULID.
        app_id: App that it belongs to.
        tenant_id: Tenant of a custom deal; the empty text for all tenants.
        slug: Name in addresses and code, for example ``pro``.
        name: Name for people.
        description: Text for people, or None.
        status: ``active``, or ``archived``: who has it keeps it, nobody new may take it.
        currency: Currency of every amount in ``pricing``.
        features: Features and their limits, as given.
        pricing: Base fee and prices, as given.
        billing_interval: Unit of the billing period: ``day``, ``week``, ``month`` or ``year``.
        interval_count: Units in a billing period.
        trial_days: Days of trial that a new subscription gets.
        anchor_at_trial_end: Whether periods count from the end of the trial.
        add_on: Whether a tenant may have it beside another active subscription.
        version: Counts changes, from 1.
        metadata: JSON object of the app's own, or None.
        created_at: When it was created.
        updated_at: When it was last changed.
    """

    id: str
    app_id: str
    tenant_id: str
    slug: str
    name: str
    description: str | None
    status: str
    currency: str
    # Lists and dicts cannot be hashed, and the id alone tells rows apart.
    features: Sequence[Mapping[str, Any]] = field(hash=False)
    pricing: Mapping[str, Any] = field(hash=False)
    billing_interval: str
    interval_count: int
    trial_days: int
    anchor_at_trial_end: bool
    add_on: bool
    version: int
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Feature:
    """What plans can contain: a row of ``ledger_features``.

    Attributes:
        id: Public id, ``feat_`` and a ULID.
        app_id: App that it belongs to; ``*`` for all apps.
        tenant_id: Tenant of a custom deal; the empty text for all tenants.
        key: Name in plans and usage events, for example ``api_calls``.
        name: Name for people.
        description: Text for people, or None.
        type: ``boolean`` (on or off), ``metered`` (usage adds up over a period) or ``seat`` (a
            level).
        aggregation: What usage of a metered feature comes to: ``sum``, ``count``, ``max``,
            ``unique_count`` or ``latest``; None for the other types.
        unique_key: Member of an event's metadata whose different values ``unique_count`` counts.
        status: ``active``, or ``archived``: no new plan may contain it.
        version: Counts changes, from 1.
        metadata: JSON object of the app's own, or None.
        created_at: When it was created.
        updated_at: When it was last changed.
    """

    id: str
    app_id: str
    tenant_id: str
    key: str
    name: str
    description: str | None
    type: str
    aggregation: str | None
    unique_key: str | None
    status: str
    version: int
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Currency:
    """How far amounts of a currency are rounded: a row of ``ledger_currencies``.

    Attributes:
        app_id: App that defined it; ``*`` for ISO 4217.
        code: Code, for example ``JPY`` or ``POINTS``.
        exponent: Decimal places.
    """

    app_id: str
    code: str
    exponent: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which plan a tenant has, since when and until when: a row of ``ledger_subscriptions``.

    Attributes:
        id: Public id, ``sub_`` and a ULID.
        app_id: App.
        tenant_id: Tenant who subscribes.
        plan_id: Plan as of now.
        plan_slug: Its slug.
        status: ``trialing``, ``active``, ``paused`` or ``canceled``; the last is final.
        quantity: How many times the plan is taken.
        started_at: When it began.
        anchor_at: Boundary number 0 of its periods: every other is whole intervals from it.
        time_zone: Zone in whose days and months periods are counted.
        billing_interval: ``day``, ``week``, ``month`` or ``year``.
        interval_count: Intervals in a period.
        current_period_start: Start of the current period, inclusive.
        current_period_end: End of the current period, exclusive.
        trial_end: When the trial ends or ended; None without one.
        cancel_at: When it will end, if that is decided.
        canceled_at: When its end was asked for.
        paused_at: Since when it is paused.
        ended_at: When it ended.
        add_on: Whether others may be active beside it.
        unused_time: What becomes of paid time that a cancellation at once leaves unused: ``none``,
            ``credit`` or ``refund``.
        tax_rates: Tax rates of its invoices, as given.
        version: Counts changes, from 1.
        metadata: JSON object of the app's own, or None.
        created_at: When it was created.
        updated_at: When it was last changed.
    """

    id: str
    app_id: str
    tenant_id: str
    plan_id: str
    plan_slug: str
    status: str
    quantity: Decimal
    started_at: datetime
    anchor_at: datetime
    time_zone: str
    billing_interval: str
    interval_count: int
    current_period_start: datetime
    current_period_end: datetime
    trial_end: datetime | None
    cancel_at: datetime | None
    canceled_at: datetime | None
    paused_at: datetime | None
    ended_at: datetime | None
    add_on: bool
    unused_time: str
    tax_rates: Sequence[Mapping[str, Any]] = field(hash=False)
    version: int
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SubscriptionMove:
    """One step that the clock has made due: a row of ``ledger_advance``.

    Attributes:
        tenant_id: Whose subscription or invoice.
        subscription_id: Which subscription; None for a one-off invoice.
        change: ``trial_ended``, ``period_started``, ``canceled``, ``invoice_drafted``,
            ``invoice_finalized`` or ``invoice_past_due``; ``failed`` if it could not be moved or
            invoiced and is tried again in an hour; ``nothing_due`` if very many had only to be
            looked at.
        occurred_at: The boundary at which it took effect; of an invoice, when it was made or due.
        invoice_id: The invoice, if it is about one.
        error: What went wrong, of one that failed.
    """

    tenant_id: str
    subscription_id: str | None
    change: str
    occurred_at: datetime
    invoice_id: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """Usage to be recorded, for :meth:`pgledger.Billing.ingest_usage`.

    Attributes:
        tenant_id: Who used it.
        feature_key: What was used, for example ``api_calls``.
        quantity: How much: a Decimal or an int, 0 or more.
        event_at: When it happened, aware; None means when it is recorded.
        idempotency_key: The tenant's own name of the event: a second event of that name is not
            counted. Without one, each event counts.
        metadata: JSON object to store with it, or None.
    """

    tenant_id: str
    feature_key: str
    quantity: Decimal | int = 1
    event_at: datetime | None = field(default=None, kw_only=True)
    idempotency_key: str | None = field(default=None, kw_only=True)
    metadata: Mapping[str, Any] | None = field(default=None, kw_only=True, hash=False)


@dataclass(frozen=True, slots=True)
class UsageAnswer:
    """What became of one event of a batch: a row of ``ledger_ingest_usage``.

    Attributes:
        event_index: Which of the batch, from 1.
        status: ``inserted``, ``duplicate`` (its key had been counted before) or ``rejected``.
        id: Public id of the event, ``evt_`` and a ULID; of a duplicate that of the first one,
            unless that is purged just now; None if rejected.
        error: SQLSTATE of what is wrong with a rejected one, as :mod:`pgledger.errors` has them.
        reason: The same in words.
    """

    event_index: int
    status: str
    id: str | None
    error: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class UsageReceipt:
    """What became of a single event: a row of ``ledger_record_usage``.

    Attributes:
        status: ``inserted``, or ``duplicate``: its key had been counted before.
        id: Public id of the event, ``evt_`` and a ULID; of a duplicate that of the first one, or
            None if that is purged just now.
    """

    status: str
    id: str | None


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """Usage as it was reported: a row of ``ledger_usage_events``.

    Attributes:
        id: Public id, ``evt_`` and a ULID.
        app_id: App.
        tenant_id: Who used it.
        feature_key: What was used.
        quantity: How much.
        event_at: When it happened; it belongs to the period that this lies in.
        idempotency_key: The tenant's own name of the event, or None.
        metadata: JSON object given with it, or None.
        created_at: When it was recorded.
    """

    id: str
    app_id: str
    tenant_id: str
    feature_key: str
    quantity: Decimal
    event_at: datetime
    idempotency_key: str | None
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FeatureUsage:
    """What usage of a feature comes to: a row of ``ledger_aggregate_usage_by_feature``.

    Attributes:
        feature_key: What was used.
        aggregation: How it was counted.
        value: What it comes to.
    """

    feature_key: str
    aggregation: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Entitlement:
    """Whether a tenant may use a feature: a row of ``ledger_check_entitlement``.

    Attributes:
        allowed: Whether the quantity asked for may be used.
        feature: Key of the feature.
        used: Usage in the limit's period, or seats taken.
        limit: How much there is; -1 for unlimited.
        remaining: How much of it is left; -1 for unlimited.
        soft_limit: Whether usage may go beyond the limit, at a price.
        reason: ``within_limit``, ``unlimited``, ``soft_limit`` (beyond it), ``enabled``,
            ``limit_exceeded``, ``disabled``, ``not_in_plan``, ``no_subscription`` or ``paused``.
    """

    allowed: bool
    feature: str
    used: Decimal
    limit: Decimal
    remaining: Decimal
    soft_limit: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Consumption:
    """An entitlement that was checked and used in one step: ``ledger_consume_entitlement``.

    Attributes:
        allowed: Whether the quantity was recorded as used.
        feature: Key of the feature.
        used: Usage in the limit's period afterwards, or seats taken.
        limit: How much there is; -1 for unlimited.
        remaining: How much of it is left afterwards; -1 for unlimited.
        soft_limit: Whether usage may go beyond the limit, at a price.
        reason: As for :class:`Entitlement`, or ``duplicate``: the key had been counted before.
        event_id: Public id of the usage event, ``evt_`` and a ULID; of a duplicate that of the
            first one; None if nothing was recorded.
    """

    allowed: bool
    feature: str
    used: Decimal
    limit: Decimal
    remaining: Decimal
    soft_limit: bool
    reason: str
    event_id: str | None


@dataclass(frozen=True, slots=True)
class PriceLine:
    """What a price comes to, line by line: a row of ``ledger_price_usage``.

    Attributes:
        line: Which line, from 1.
        kind: ``usage``, ``true_up`` (what is missing to the minimum) or ``cap`` (what is above the
            maximum, below zero).
        description: Text for people.
        quantity: How much is charged for.
        unit_amount: Price of one, where there is one.
        flat_amount: Amount that is due whatever the quantity, where there is one.
        amount: What it comes to.
    """

    line: int
    kind: str
    description: str
    quantity: Decimal | None
    unit_amount: Decimal | None
    flat_amount: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Coupon:
    """A discount that tenants can redeem by a code: a row of ``ledger_coupons``.

    Attributes:
        id: Public id, ``cpn_`` and a ULID.
        app_id: App that it belongs to.
        tenant_id: Tenant of a custom deal; the empty text for all tenants.
        code: What is typed to redeem it, for example ``WELCOME20``.
        name: Name for people; stands on invoices.
        percentage: Percent off, above 0 to 100; None for an amount.
        amount: Amount off; None for a percentage.
        currency: Currency of its amounts; if it has one, it is for invoices in that currency only.
        duration: How many invoices a redemption reduces: ``once``, ``repeating`` or ``forever``.
        duration_invoices: How many, if it is repeating.
        applies_to: Keys of the features whose lines it reduces, ``base`` among them for the base
            fee; None for the whole invoice.
        minimum_subtotal: Sum of an invoice's lines, before discounts, from which on it applies.
        valid_from: From when on it can be redeemed, inclusive.
        valid_until: Until when, exclusive.
        max_redemptions: How often it can be redeemed in all.
        max_redemptions_per_tenant: How often one tenant can redeem it.
        redemptions: How often it has been redeemed.
        status: ``active``, or ``archived``: it can no longer be redeemed.
        version: Counts changes, from 1.
        metadata: JSON object of the app's own, or None.
        created_at: When it was created.
        updated_at: When it was last changed.
    """

    id: str
    app_id: str
    tenant_id: str
    code: str
    name: str
    percentage: Decimal | None
    amount: Decimal | None
    currency: str | None
    duration: str
    duration_invoices: int | None
    applies_to: tuple[str, ...] | None
    minimum_subtotal: Decimal | None
    valid_from: datetime | None
    valid_until: datetime | None
    max_redemptions: int | None
    max_redemptions_per_tenant: int | None
    redemptions: int
    status: str
    version: int
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class CouponRedemption:
    """A coupon that a tenant has: a row of ``ledger_coupon_redemptions``.

    Attributes:
        id: Public id, ``red_`` and a ULID.
        app_id: App.
        tenant_id: Who redeemed it.
        coupon_id: Which coupon.
        code: Its code.
        subscription_id: Subscription whose invoices it reduces; None for all of the tenant's.
        status: ``active``, or ``used``: nothing of it is left.
        uses_left: How many invoices it can still reduce; None for any number.
        amount_left: What is left of an amount off that is for once; None for all others.
        created_at: When it was redeemed.
    """

    id: str
    app_id: str
    tenant_id: str
    coupon_id: str
    code: str
    subscription_id: str | None
    status: str
    uses_left: int | None
    amount_left: Decimal | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line of an invoice: an element of ``line_items`` in ``ledger_invoices``.

    The amounts of all lines of an invoice add up to its total.

    Attributes:
        id: Public id, ``li_`` and a ULID; None as long as the invoice is not written down.
        kind: ``base_fee``, ``proration``, ``usage``, ``overage``, ``seats``, ``true_up``, ``cap``,
            ``late_usage`` or ``item`` for what is charged or credited; ``discount``; ``tax``.
        description: Text for people.
        item: What it is for, as coupons and tax rates name it: the key of a feature, ``base``, or
            what the app called it; None for discounts and taxes.
        period_start: Start of the time it is for, inclusive.
        period_end: End of the time it is for, exclusive.
        quantity: How much is charged for.
        unit_amount: Price of one, where there is one.
        amount: Amount in the invoice's currency; credits and discounts are below zero.
        discount: Share of the invoice's discounts in it.
        tax: Share of the invoice's taxes on it.
        basis: What it was computed from, for example the price and the allowance.
    """

    id: str | None
    kind: str
    description: str
    item: str | None
    period_start: datetime | None
    period_end: datetime | None
    quantity: Decimal | None
    unit_amount: Decimal | None
    amount: Decimal
    discount: Decimal
    tax: Decimal
    basis: Mapping[str, Any] | None = field(hash=False)


@dataclass(frozen=True, slots=True)
class InvoicePreview:
    """An invoice as it would be drawn up, or as it was: a row of ``ledger_preview_invoice``.

    Attributes:
        id: Public id, ``inv_`` and a ULID; None as long as it is not written down.
        app_id: App.
        tenant_id: Who is billed.
        subscription_id: For which subscription; None for a one-off invoice.
        kind: ``period`` (what a period has come to), ``start`` (a base fee at the start of what it
            pays for), ``interim`` (usage within a period) or ``one_off`` (lines that the app gave).
        period_start: Start of the period it is for, inclusive; None for a one-off invoice.
        period_end: End of the period it is for, exclusive.
        status: ``draft``, ``pending``, ``paid``, ``past_due``, ``voided`` or ``uncollectible``;
            ``paid`` and ``voided`` are final.
        number: Number within the app, from 1 without a gap; None for a draft.
        currency: Currency of all amounts.
        subtotal: Sum of the lines before discounts and taxes.
        discount: Sum of what coupons take off.
        tax: Sum of the taxes.
        total: ``subtotal`` less ``discount`` plus ``tax``; below zero where it credits more than it
            charges.
        credits_applied: What a wallet has paid of the total.
        amount_due: ``total`` less ``credits_applied``, at least 0.
        amount_paid: Sum of the payments made on it.
        amount_remaining: What is still to be paid; 0 for one that is voided.
        refund_due: What is to be paid back of a total below zero.
        unapplied: What was paid too much, or credited and not refunded: kept for the tenant.
        line_items: Its lines, in their order.
        tax_rates: Tax rates that it was computed with, as given.
        finalized_at: When it became final.
        due_at: When it is to be paid.
        paid_at: When payments covered it.
        voided_at: When it was voided.
        void_reason: Why it was voided.
        uncollectible_at: When it was given up.
        version: Counts changes, from 1; None as long as it is not written down.
        metadata: JSON object of the app's own, or None.
        created_at: When it was drawn up; None as long as it is not written down.
        updated_at: When it was last changed; None as long as it is not written down.
    """

    id: str | None
    app_id: str
    tenant_id: str
    subscription_id: str | None
    kind: str
    period_start: datetime | None
    period_end: datetime | None
    status: str
    number: int | None
    currency: str
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    total: Decimal
    credits_applied: Decimal
    amount_due: Decimal
    amount_paid: Decimal
    amount_remaining: Decimal
    refund_due: Decimal
    unapplied: Decimal
    line_items: tuple[InvoiceLine, ...]
    tax_rates: Sequence[Mapping[str, Any]] = field(hash=False)
    finalized_at: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    void_reason: str | None
    uncollectible_at: datetime | None
    version: int | None
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Invoice(InvoicePreview):
    """What a tenant is billed: a row of ``ledger_invoices``.

    The attributes are those of :class:`InvoicePreview`, in the same order.

    Attributes:
        id: Public id, ``inv_`` and a ULID.
        version: Counts changes, from 1.
        created_at: When it was drawn up.
        updated_at: When it was last changed.
    """

    id: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment made on an invoice: a row of ``ledger_invoice_payments``.

    Attributes:
        id: Public id, ``pay_`` and a ULID.
        app_id: App.
        tenant_id: Who paid.
        invoice_id: Which invoice.
        amount: Amount in the invoice's currency.
        currency: That currency.
        reference: What the payment is called where it was made, or None.
        paid_at: When it was paid.
        created_at: When it was written down.
    """

    id: str
    app_id: str
    tenant_id: str
    invoice_id: str
    amount: Decimal
    currency: str
    reference: str | None
    paid_at: datetime
    created_at: datetime

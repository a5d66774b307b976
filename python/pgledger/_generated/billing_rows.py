# Written by scripts/build_catalog.py from the comments in sql/: change those.

"""Rows that the billing store's functions return, as frozen dataclasses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pgledger._invoice_lines import InvoiceLine

__all__ = [
    "Consumption",
    "Coupon",
    "CouponRedemption",
    "Currency",
    "Entitlement",
    "Feature",
    "FeatureUsage",
    "Invoice",
    "InvoicePreview",
    "Payment",
    "Plan",
    "PlanVersion",
    "PriceLine",
    "Subscription",
    "SubscriptionMove",
    "UsageAnswer",
    "UsageEvent",
    "UsagePart",
    "UsageReceipt",
]


@dataclass(frozen=True, slots=True)
class Feature:
    """What plans can contain: ``ledger_feature``.

    Attributes:
        id: Public id: ``feat_`` and a ULID.
        app_id: App that it belongs to; * for all apps.
        tenant_id: Tenant of a custom deal; the empty text for all tenants.
        key: Name in plans and usage events, for example ``api_calls``.
        name: Name for people.
        description: Text for people, or None.
        type: What it is. boolean: on or off. metered: usage adds up over a period. seat: a level.
            One of: ``boolean``, ``metered``, ``seat``.
        aggregation: How usage of a metered feature is counted (None for other types); one of:
            ``sum``, ``count``, ``max``, ``unique_count``, ``latest``, or None.
        unique_key: Member of an event's metadata whose different values ``unique_count`` counts, or
            None.
        status: State; no new plan may contain an archived feature; one of: ``active``,
            ``archived``.
        version: Counts changes, from 1.
        metadata: JSON object of the app's own, or None.
        created_at: When it was created.
        updated_at: When it was last changed.
        default_limit: Limit in plans that name none: -1 for unlimited (None for -1, of a boolean
            feature 1), or None.
        default_period: Period of a metered limit in plans that name none (None for billing); one
            of: ``day``, ``week``, ``month``, ``year``, ``billing``, ``lifetime``, or None.
        default_soft_limit: Whether usage may go beyond the limit in plans that do not say so (None
            for False), or None.
    """

    id: str
    app_id: str
    tenant_id: str
    key: str
    name: str
    description: str | None
    type: Literal["boolean", "metered", "seat"]
    aggregation: Literal["sum", "count", "max", "unique_count", "latest"] | None
    unique_key: str | None
    status: Literal["active", "archived"]
    version: int
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime
    updated_at: datetime
    default_limit: Decimal | None
    default_period: Literal["day", "week", "month", "year", "billing", "lifetime"] | None
    default_soft_limit: bool | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subscription gives and what it costs: ``ledger_plan``.

    Attributes:
        id: Public id: ``plan_`` and a ULID.
        app_id: App that it belongs to.
        tenant_id: Tenant of a custom deal; the empty text for all tenants.
        slug: Name in addresses and code, for example pro.
        name: Name for people.
        description: Text for people, or None.
        status: State; subscriptions keep an archived plan, and no new one may take it; one of:
            ``active``, ``archived``.
        currency: Currency of every amount in pricing.
        features: JSON array of features and their limits, as given last.
        pricing: JSON object of base fee and prices, as given: those in force now.
        billing_interval: Unit of the billing period; one of: ``day``, ``week``, ``month``,
            ``year``.
        interval_count: Units in a billing period.
        trial_days: Days of trial that a new subscription gets.
        anchor_at_trial_end: Whether billing periods count from the end of the trial rather than
            from its start.
        add_on: Whether a tenant may have it beside another active subscription.
        version: Counts changes, from 1.
        metadata: JSON object of the app's own, or None.
        created_at: When it was created.
        updated_at: When it was last changed.
        priority: Of several subscriptions with a price for a feature, that of the lowest one bills
            its usage.
    """

    id: str
    app_id: str
    tenant_id: str
    slug: str
    name: str
    description: str | None
    status: Literal["active", "archived"]
    currency: str
    features: Sequence[Mapping[str, Any]] = field(hash=False)
    pricing: Mapping[str, Any] = field(hash=False)
    billing_interval: Literal["day", "week", "month", "year"]
    interval_count: int
    trial_days: int
    anchor_at_trial_end: bool
    add_on: bool
    version: int
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime
    updated_at: datetime
    priority: int


@dataclass(frozen=True, slots=True)
class Currency:
    """To how many decimal places amounts of a currency are rounded: ``ledger_currency``.

    Attributes:
        app_id: App that defined it; * for ISO 4217.
        code: Code, for example JPY or POINTS.
        exponent: Decimal places that amounts are rounded to.
    """

    app_id: str
    code: str
    exponent: int


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """Prices, or allowances, or both, that a plan has from a time on: ``ledger_plan_version``.

    Attributes:
        plan_id: Id of the plan.
        version: Version of the plan that the change made.
        status: Whether it is still to come, or holds for periods that begin now, in part at least;
            one of: ``past``, ``current``, ``planned``.
        effective_at: Since when it holds, for periods that begin from then on; None for ever.
        features: JSON array of features and their limits, as given (None if the change left them
            out), or None.
        pricing: JSON object of base fee and prices, as given (None if the change left them out), or
            None.
        created_at: When it was written.
        priority: Of several subscriptions with a price for a feature, that of the lowest one bills
            its usage (None if the change left it out), or None.
    """

    plan_id: str
    version: int
    status: Literal["past", "current", "planned"]
    effective_at: datetime | None
    features: Sequence[Mapping[str, Any]] | None = field(hash=False)
    pricing: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime
    priority: int | None


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of what usage costs: ``ledger_price_line``.

    Attributes:
        line: Number of the line, from 1.
        kind: What it is for. usage: what was used. ``true_up``: what is missing to the minimum.
            cap: what is above the maximum, taken off again and so below zero. One of: ``usage``,
            ``true_up``, ``cap``.
        description: Text for people.
        quantity: How much is charged for, or None.
        unit_amount: Price of one unit, or None.
        flat_amount: Amount that is due whatever the quantity, or None.
        amount: Amount of the line.
    """

    line: int
    kind: Literal["usage", "true_up", "cap"]
    description: str
    quantity: Decimal | None
    unit_amount: Decimal | None
    flat_amount: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which plan a tenant has, since when and until when: ``ledger_subscription``.

    Attributes:
        id: Public id: ``sub_`` and a ULID.
        app_id: App.
        tenant_id: Tenant who subscribes.
        plan_id: Id of the current plan.
        plan_slug: Slug of the current plan.
        status: State; canceled is final; one of: ``scheduled``, ``trialing``, ``active``,
            ``paused``, ``canceled``.
        quantity: How many times the plan is taken.
        started_at: Start of the first period or trial.
        anchor_at: Boundary 0 of its periods: every other boundary is a whole number of billing
            periods from it.
        time_zone: IANA time zone in which the days and months of its periods are counted.
        billing_interval: Unit of the billing period; one of: ``day``, ``week``, ``month``,
            ``year``.
        interval_count: Units in a billing period.
        current_period_start: Start of the current period, inclusive.
        current_period_end: End of the current period, exclusive.
        trial_end: When the trial ends or ended (None without a trial), or None.
        cancel_at: When it will end, if that is decided, or None.
        cancel_at_period_end: Whether ``cancel_at`` is the end of the period, or of the trial, and
            moves with it.
        canceled_at: When its cancellation was asked for, or None.
        paused_at: Since when it is paused, or None.
        ended_at: When it ended, or None.
        add_on: Whether the plan was an add-on when it was taken: others may be active beside it.
        unused_time: What becomes of time that was paid and is left unused by a cancellation; one
            of: ``none``, ``credit``, ``refund``.
        tax_rates: JSON array of the tax rates of its invoices, as given; an invoice may be given
            others.
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
    status: Literal["scheduled", "trialing", "active", "paused", "canceled"]
    quantity: Decimal
    started_at: datetime
    anchor_at: datetime
    time_zone: str
    billing_interval: Literal["day", "week", "month", "year"]
    interval_count: int
    current_period_start: datetime
    current_period_end: datetime
    trial_end: datetime | None
    cancel_at: datetime | None
    cancel_at_period_end: bool
    canceled_at: datetime | None
    paused_at: datetime | None
    ended_at: datetime | None
    add_on: bool
    unused_time: Literal["none", "credit", "refund"]
    tax_rates: Sequence[Mapping[str, Any]] = field(hash=False)
    version: int
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class UsageAnswer:
    """What became of one event of a batch: ``ledger_usage_answer``.

    Attributes:
        event_index: Which event of the batch this is about, from 1.
        status: What became of it; the key of a duplicate was counted before; one of: ``inserted``,
            ``duplicate``, ``rejected``.
        id: Public id of the event: ``evt_`` and a ULID; for a duplicate the id of the first event,
            unless that one has just been purged (None for a rejected event), or None.
        error: SQLSTATE of what is wrong with a rejected event, or None.
        reason: What is wrong, in words, or None.
    """

    event_index: int
    status: Literal["inserted", "duplicate", "rejected"]
    id: str | None
    error: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class UsageReceipt:
    """What became of a single event: ``ledger_usage_receipt``.

    Attributes:
        status: What became of it; the key of a duplicate was counted before; one of: ``inserted``,
            ``duplicate``.
        id: Public id of the event: ``evt_`` and a ULID; for a duplicate the id of the first event,
            unless that one has just been purged, or None.
    """

    status: Literal["inserted", "duplicate"]
    id: str | None


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """Usage as it was reported: ``ledger_usage_event``.

    Attributes:
        id: Public id: ``evt_`` and a ULID.
        app_id: App.
        tenant_id: Tenant whose usage it is.
        feature_key: Key of the feature that was used.
        quantity: How much was used; for a seat, how many there are.
        event_at: When it happened, as reported. The event counts in the period that this time lies
            in.
        idempotency_key: Key of the event, as given (a second event of the tenant and feature with
            this key is not counted), or None.
        metadata: JSON object given with the event, or None.
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
    """What usage of a feature comes to: ``ledger_feature_usage``.

    Attributes:
        feature_key: Key of the feature that was used.
        aggregation: How it was counted; one of: ``sum``, ``count``, ``max``, ``unique_count``,
            ``latest``.
        value: What the usage comes to.
    """

    feature_key: str
    aggregation: Literal["sum", "count", "max", "unique_count", "latest"]
    value: Decimal


@dataclass(frozen=True, slots=True)
class UsagePart:
    """What usage comes to in a part of a range of time: ``ledger_usage_part``.

    Attributes:
        starts_at: Start of the part, inclusive.
        ends_at: End of the part, exclusive.
        value: What the usage in it comes to.
    """

    starts_at: datetime
    ends_at: datetime
    value: Decimal


@dataclass(frozen=True, slots=True)
class Entitlement:
    """Whether a tenant may use a feature: ``ledger_entitlement``.

    Attributes:
        allowed: Whether the quantity asked for may be used.
        feature: Key of the feature.
        used: Usage in the limit's period, or seats taken.
        limit: Limit; -1 for unlimited.
        remaining: What is left of the limit; -1 for unlimited.
        soft_limit: Whether usage may go beyond the limit, at a price.
        reason: Why it is allowed or not; ``soft_limit`` means beyond the limit, at a price; one of:
            ``within_limit``, ``unlimited``, ``soft_limit``, ``enabled``, ``limit_exceeded``,
            ``disabled``, ``not_in_plan``, ``no_subscription``, ``paused``.
    """

    allowed: bool
    feature: str
    used: Decimal
    limit: Decimal
    remaining: Decimal
    soft_limit: bool
    reason: Literal[
        "within_limit",
        "unlimited",
        "soft_limit",
        "enabled",
        "limit_exceeded",
        "disabled",
        "not_in_plan",
        "no_subscription",
        "paused",
    ]


@dataclass(frozen=True, slots=True)
class Consumption:
    """What became of a check of an entitlement that records the usage in the same step.

    The type ``ledger_consumption``.

    Attributes:
        allowed: Whether the quantity was recorded as used.
        feature: Key of the feature.
        used: Usage in the limit's period afterwards, or seats taken.
        limit: Limit; -1 for unlimited.
        remaining: What is left of the limit afterwards; -1 for unlimited.
        soft_limit: Whether usage may go beyond the limit, at a price.
        reason: Why it is allowed or not; ``soft_limit`` means beyond the limit, at a price;
            duplicate means recorded before; one of: ``within_limit``, ``unlimited``,
            ``soft_limit``, ``enabled``, ``limit_exceeded``, ``disabled``, ``not_in_plan``,
            ``no_subscription``, ``paused``, ``duplicate``.
        event_id: Public id of the usage event: ``evt_`` and a ULID; for a duplicate the id of the
            first event (None if nothing was recorded), or None.
    """

    allowed: bool
    feature: str
    used: Decimal
    limit: Decimal
    remaining: Decimal
    soft_limit: bool
    reason: Literal[
        "within_limit",
        "unlimited",
        "soft_limit",
        "enabled",
        "limit_exceeded",
        "disabled",
        "not_in_plan",
        "no_subscription",
        "paused",
        "duplicate",
    ]
    event_id: str | None


@dataclass(frozen=True, slots=True)
class Coupon:
    """A discount that tenants can redeem: ``ledger_coupon``.

    Attributes:
        id: Public id: ``cpn_`` and a ULID.
        app_id: App that it belongs to.
        tenant_id: Tenant of a custom deal; the empty text for all tenants.
        code: What is typed to redeem it, for example WELCOME20.
        name: Name for people; stands on invoices.
        percentage: Percent off, above 0 and at most 100 (None if it takes off an amount), or None.
        amount: Amount off, in its currency (None if it takes off a percentage), or None.
        currency: Currency of its amounts; if it has one, it reduces only invoices in that currency,
            or None.
        duration: How many invoices a redemption reduces; repeating means ``duration_invoices`` of
            them; one of: ``once``, ``repeating``, ``forever``.
        duration_invoices: How many invoices a redemption reduces if duration is repeating, or None.
        applies_to: Which lines it reduces: keys of features, base for the base fee, items of
            one-off lines (None for the whole invoice), or None.
        minimum_subtotal: Least sum of an invoice's lines, before discounts, for it to apply, or
            None.
        valid_from: First moment at which it can be redeemed (None for any time), or None.
        valid_until: First moment at which it can no longer be redeemed (None for never), or None.
        max_redemptions: How often it can be redeemed in all (None for any number), or None.
        max_redemptions_per_tenant: How often one tenant can redeem it (None for any number), or
            None.
        redemptions: How often it has been redeemed.
        status: State; an archived coupon can no longer be redeemed, and earlier redemptions stay;
            one of: ``active``, ``archived``.
        version: Counts changes, from 1; a redemption is not a change.
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
    duration: Literal["once", "repeating", "forever"]
    duration_invoices: int | None
    applies_to: tuple[str, ...] | None
    minimum_subtotal: Decimal | None
    valid_from: datetime | None
    valid_until: datetime | None
    max_redemptions: int | None
    max_redemptions_per_tenant: int | None
    redemptions: int
    status: Literal["active", "archived"]
    version: int
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class CouponRedemption:
    """A coupon that a tenant has, and what is left of it: ``ledger_coupon_redemption``.

    Attributes:
        id: Public id: ``red_`` and a ULID.
        app_id: App.
        tenant_id: Tenant who redeemed it.
        coupon_id: Id of the coupon.
        code: Code of the coupon.
        subscription_id: Id of the subscription whose invoices it reduces (None for all of the
            tenant's), or None.
        status: State; nothing is left of a used redemption; one of: ``active``, ``used``.
        uses_left: How many invoices it can still reduce (None for any number), or None.
        amount_left: What is left of the amount, if the coupon takes off an amount once, or None.
        created_at: When it was redeemed.
    """

    id: str
    app_id: str
    tenant_id: str
    coupon_id: str
    code: str
    subscription_id: str | None
    status: Literal["active", "used"]
    uses_left: int | None
    amount_left: Decimal | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class InvoicePreview:
    """An invoice as it would be drawn up now, or as it was drawn up: ``ledger_invoice_preview``.

    Attributes:
        id: Public id: ``inv_`` and a ULID (None as long as it is not written down), or None.
        app_id: App.
        tenant_id: Tenant who is billed.
        subscription_id: Id of the subscription (None for a one-off invoice), or None.
        kind: What it is for. period: what a period has come to. start: a base fee that is due at
            the start of the time it pays for. change: what a change of plan or quantity comes to in
            its period. interim: usage within a period. ``one_off``: lines that the app gave. One
            of: ``period``, ``start``, ``change``, ``interim``, ``one_off``.
        period_start: Start of the period it is for, inclusive (None for a one-off invoice), or
            None.
        period_end: End of the period it is for, exclusive (None for a one-off invoice), or None.
        status: State; one of: ``draft``, ``pending``, ``paid``, ``past_due``, ``voided``,
            ``uncollectible``.
        number: Number within the app, from 1 without a gap (None for a draft), or None.
        currency: Currency of all its amounts.
        subtotal: Sum of its lines before discounts and taxes.
        discount: Sum of what coupons take off.
        tax: Sum of its taxes.
        total: What it comes to: subtotal less discount plus tax; below zero where it credits more
            than it charges.
        credits_applied: What credits of other invoices have paid of the total.
        amount_due: What is to be paid: total less ``credits_applied``, at least 0.
        amount_paid: Sum of the payments made on it.
        amount_remaining: What is still to be paid; 0 for a voided invoice.
        refund_due: What is to be paid back: the part of a total below zero that goes back as money.
        unapplied: What was paid too much, or credited beyond what was open and is not refunded:
            kept for the tenant, and not yet used.
        line_items: JSON array of its lines, in their order.
        tax_rates: JSON array of the tax rates it was computed with, as given.
        finalized_at: When it became final, or None.
        due_at: When it is to be paid, or None.
        paid_at: When its payments covered it, or None.
        voided_at: When it was voided, or None.
        void_reason: Why it was voided, as given, or None.
        uncollectible_at: When it was given up as uncollectible, or None.
        version: Counts changes, from 1 (None as long as it is not written down), or None.
        metadata: JSON object of the app's own, or None.
        created_at: When it was drawn up (None as long as it is not written down), or None.
        updated_at: When it was last changed (None as long as it is not written down), or None.
    """

    id: str | None
    app_id: str
    tenant_id: str
    subscription_id: str | None
    kind: Literal["period", "start", "change", "interim", "one_off"]
    period_start: datetime | None
    period_end: datetime | None
    status: Literal["draft", "pending", "paid", "past_due", "voided", "uncollectible"]
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
    line_items: tuple[InvoiceLine, ...] = field(hash=False)
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
class Payment:
    """A payment made on an invoice: ``ledger_payment``.

    Attributes:
        id: Public id: ``pay_`` and a ULID.
        app_id: App.
        tenant_id: Tenant who paid.
        invoice_id: Id of the invoice.
        amount: Amount in the invoice's currency.
        currency: Currency of the amount.
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


@dataclass(frozen=True, slots=True)
class SubscriptionMove:
    """One step that the clock has made due: ``ledger_subscription_move``.

    Attributes:
        tenant_id: Tenant whose subscription or invoice it is.
        subscription_id: Id of the subscription (None for a one-off invoice), or None.
        change: What happened. failed: it could not be moved or invoiced, and is tried again in an
            hour. ``nothing_due``: nothing came of what was looked at, and there is more to look at.
            One of: ``started``, ``trial_ended``, ``period_started``, ``canceled``,
            ``invoice_drafted``, ``invoice_finalized``, ``invoice_past_due``, ``failed``,
            ``nothing_due``.
        occurred_at: The boundary at which it took effect; for an invoice, when it was made or due.
        invoice_id: Id of the invoice, if the step is about one, or None.
        error: What went wrong, if the step failed, or None.
    """

    tenant_id: str
    subscription_id: str | None
    change: Literal[
        "started",
        "trial_ended",
        "period_started",
        "canceled",
        "invoice_drafted",
        "invoice_finalized",
        "invoice_past_due",
        "failed",
        "nothing_due",
    ]
    occurred_at: datetime
    invoice_id: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Invoice(InvoicePreview):
    """An invoice with its lines: ``ledger_invoice``.

    Attributes:
        id: Public id: ``inv_`` and a ULID.
        app_id: App.
        tenant_id: Tenant who is billed.
        subscription_id: Id of the subscription (None for a one-off invoice), or None.
        kind: What it is for. period: what a period has come to. start: a base fee that is due at
            the start of the time it pays for. change: what a change of plan or quantity comes to in
            its period. interim: usage within a period. ``one_off``: lines that the app gave. One
            of: ``period``, ``start``, ``change``, ``interim``, ``one_off``.
        period_start: Start of the period it is for, inclusive (None for a one-off invoice), or
            None.
        period_end: End of the period it is for, exclusive (None for a one-off invoice), or None.
        status: State; one of: ``draft``, ``pending``, ``paid``, ``past_due``, ``voided``,
            ``uncollectible``.
        number: Number within the app, from 1 without a gap (None for a draft), or None.
        currency: Currency of all its amounts.
        subtotal: Sum of its lines before discounts and taxes.
        discount: Sum of what coupons take off.
        tax: Sum of its taxes.
        total: What it comes to: subtotal less discount plus tax; below zero where it credits more
            than it charges.
        credits_applied: What credits of other invoices have paid of the total.
        amount_due: What is to be paid: total less ``credits_applied``, at least 0.
        amount_paid: Sum of the payments made on it.
        amount_remaining: What is still to be paid; 0 for a voided invoice.
        refund_due: What is to be paid back: the part of a total below zero that goes back as money.
        unapplied: What was paid too much, or credited beyond what was open and is not refunded:
            kept for the tenant, and not yet used.
        line_items: JSON array of its lines, in their order.
        tax_rates: JSON array of the tax rates it was computed with, as given.
        finalized_at: When it became final, or None.
        due_at: When it is to be paid, or None.
        paid_at: When its payments covered it, or None.
        voided_at: When it was voided, or None.
        void_reason: Why it was voided, as given, or None.
        uncollectible_at: When it was given up as uncollectible, or None.
        version: Counts changes, from 1.
        metadata: JSON object of the app's own, or None.
        created_at: When it was drawn up.
        updated_at: When it was last changed.
    """

    id: str
    app_id: str
    tenant_id: str
    subscription_id: str | None
    kind: Literal["period", "start", "change", "interim", "one_off"]
    period_start: datetime | None
    period_end: datetime | None
    status: Literal["draft", "pending", "paid", "past_due", "voided", "uncollectible"]
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
    line_items: tuple[InvoiceLine, ...] = field(hash=False)
    tax_rates: Sequence[Mapping[str, Any]] = field(hash=False)
    finalized_at: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    void_reason: str | None
    uncollectible_at: datetime | None
    version: int
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime
    updated_at: datetime

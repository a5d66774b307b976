"""What goes into the billing store and comes out, as frozen dataclasses.

The fields of a row are the columns that the function returns, in their order. Times are aware and
in UTC. Quantities, limits, usage and amounts are exact decimals. Treat
decoded JSON as read-only, like the row that it came from.

A plan's features and pricing, tax rates and the basis of a line come back with the values that were
given. Numbers that were given as texts (or as Decimals, which are written as texts) are texts;
numbers that were given as JSON numbers are int or Decimal, never float.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from pgledger._generated.billing_rows import (
    Consumption,
    Coupon,
    CouponRedemption,
    Currency,
    Entitlement,
    Feature,
    FeatureUsage,
    Invoice,
    InvoicePreview,
    Payment,
    Plan,
    PriceLine,
    Subscription,
    SubscriptionMove,
    UsageAnswer,
    UsageEvent,
    UsageReceipt,
)
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

for _row in (
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
    Payment,
    Plan,
    PriceLine,
    Subscription,
    SubscriptionMove,
    UsageAnswer,
    UsageEvent,
    UsageReceipt,
):
    # Where users find them, and where pickle looks for them.
    _row.__module__ = __name__


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """Usage to be recorded, for :meth:`pgledger.Billing.ingest_usage`.

    Attributes:
        tenant_id: Who used it.
        feature_key: What was used, for example ``api_calls``.
        quantity: How much: a Decimal or an int, 0 or more.
        event_at: When it happened, aware; None means when it is recorded.
        idempotency_key: Key of the event: a second event of the tenant with this key is not
            counted. Without a key, each event counts.
        metadata: JSON object to store with it, or None.
    """

    tenant_id: str
    feature_key: str
    quantity: Decimal | int = 1
    event_at: datetime | None = field(default=None, kw_only=True)
    idempotency_key: str | None = field(default=None, kw_only=True)
    metadata: Mapping[str, Any] | None = field(default=None, kw_only=True, hash=False)

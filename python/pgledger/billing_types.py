"""What goes into the billing store and comes out, as frozen dataclasses.

The fields of a row are the columns that the function returns, in their order. Times are aware and
in UTC. Quantities, limits, usage and amounts are exact decimals. What JSON objects decode to is to
be treated as read-only, as the row that it came from is.

A plan's features and pricing, tax rates and what a line was computed from come back as they were
given, by value: numbers that were given as texts (or as Decimals, which are written as texts) are
texts; numbers that were written as JSON numbers are int or Decimal, never float.
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

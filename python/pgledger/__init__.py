"""Money inside PostgreSQL: a double-entry ledger and a billing store in your own database.

::

    with psycopg.connect() as conn:
        ledger = pgledger.Ledger(conn)
        cash = ledger.create_account("cash", "USD")
        sales = ledger.create_account("sales", "USD")
        ledger.create_transfer(sales.id, cash.id, Decimal("12.34"))

        billing = pgledger.Billing(conn)
        billing.record_usage("shop", "customer-1", "api_calls", quantity=3)
"""

from typing import TYPE_CHECKING

from pgledger._driver import INSTALL_LIBPQ, driver_problem

# Where libpq is missing, what needs no database still works: the command line's help and scripts.
_problem = driver_problem()
if TYPE_CHECKING or _problem is None:
    from pgledger import errors, ids
    from pgledger.batcher import (
        AsyncTransferBatcher,
        BatcherClosed,
        BatcherFull,
        PostedTransfer,
        TransferBatcher,
        TransferUnsettled,
    )
    from pgledger.billing import AsyncBilling, Billing
    from pgledger.billing_types import (
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
        UsageRecord,
    )
    from pgledger.errors import PgledgerError
    from pgledger.ledger import AsyncLedger, Ledger
    from pgledger.meter import (
        AsyncMeter,
        Meter,
        MeterClosed,
        MeterFull,
        MeterUndelivered,
        Rejection,
    )
    from pgledger.transactions import run_transaction, run_transaction_async
    from pgledger.types import (
        Account,
        AccountBalance,
        Change,
        Check,
        CurrencyScale,
        Entry,
        Hold,
        HoldOutcome,
        HoldRequest,
        Movement,
        NamedTransferRequest,
        PathBalance,
        PostingRequest,
        Seal,
        StatementLine,
        Transfer,
        TransferOutcome,
        TransferRequest,
        TrialBalanceLine,
    )
else:

    def __getattr__(name: str) -> object:
        if name in __all__:
            raise ImportError(f"{_problem}. {INSTALL_LIBPQ}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Account",
    "AccountBalance",
    "AsyncBilling",
    "AsyncLedger",
    "AsyncMeter",
    "AsyncTransferBatcher",
    "BatcherClosed",
    "BatcherFull",
    "Billing",
    "Change",
    "Check",
    "Consumption",
    "Coupon",
    "CouponRedemption",
    "Currency",
    "CurrencyScale",
    "Entitlement",
    "Entry",
    "Feature",
    "FeatureUsage",
    "Hold",
    "HoldOutcome",
    "HoldRequest",
    "Invoice",
    "InvoiceLine",
    "InvoicePreview",
    "Ledger",
    "Meter",
    "MeterClosed",
    "MeterFull",
    "MeterUndelivered",
    "Movement",
    "NamedTransferRequest",
    "PathBalance",
    "Payment",
    "PgledgerError",
    "Plan",
    "PostedTransfer",
    "PostingRequest",
    "PriceLine",
    "Rejection",
    "Seal",
    "StatementLine",
    "Subscription",
    "SubscriptionMove",
    "Transfer",
    "TransferBatcher",
    "TransferOutcome",
    "TransferRequest",
    "TransferUnsettled",
    "TrialBalanceLine",
    "UsageAnswer",
    "UsageEvent",
    "UsageReceipt",
    "UsageRecord",
    "errors",
    "ids",
    "run_transaction",
    "run_transaction_async",
]

__version__ = "0.1.0.dev0"

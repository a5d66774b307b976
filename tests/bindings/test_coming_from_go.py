"""The page for those who know the Go library: each method and option of it, and ours beside it."""

import re
from pathlib import Path

from pgledger import AsyncBilling, Billing, Meter

PAGE = Path(__file__).parents[2] / "docs" / "coming-from-go.md"

# The methods of its interface store.Store, in their order.
STORE = [
    "CreatePlan",
    "GetPlan",
    "GetPlanBySlug",
    "ListPlans",
    "UpdatePlan",
    "DeletePlan",
    "ArchivePlan",
    "CreateFeature",
    "GetFeature",
    "GetFeatureByKey",
    "ListFeatures",
    "ListGlobalFeatures",
    "UpdateFeature",
    "DeleteFeature",
    "ArchiveFeature",
    "CreateSubscription",
    "GetSubscription",
    "GetActiveSubscription",
    "ListSubscriptions",
    "UpdateSubscription",
    "CancelSubscription",
    "IngestBatch",
    "Aggregate",
    "AggregateMulti",
    "QueryUsage",
    "PurgeUsage",
    "GetCached",
    "SetCached",
    "Invalidate",
    "InvalidateFeature",
    "CreateInvoice",
    "GetInvoice",
    "ListInvoices",
    "UpdateInvoice",
    "GetInvoiceByPeriod",
    "ListPendingInvoices",
    "MarkInvoicePaid",
    "MarkInvoiceVoided",
    "CreateCoupon",
    "GetCoupon",
    "GetCouponByID",
    "ListCoupons",
    "UpdateCoupon",
    "DeleteCoupon",
    "Migrate",
    "Ping",
    "Close",
]
OPTIONS = ["WithMeterConfig", "WithEntitlementCacheTTL", "WithLogger", "WithPlugin"]


def rows() -> dict[str, str]:
    """Returns what stands beside each name at the beginning of a table's row."""
    text = PAGE.read_text(encoding="utf-8")
    text = text[text.index("## Every method of the store") : text.index("## What the engine adds")]
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE))


def test_every_method_has_a_row_and_no_other() -> None:
    assert len(STORE) == 47
    assert list(rows()) == STORE


def test_every_option_has_a_row() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for option in OPTIONS:
        assert re.search(rf"^\| `ledger\.{option}\([^`]*\)` \| .", text, re.MULTILINE), option


def test_what_stands_beside_it_is_there() -> None:
    for name, beside in rows().items():
        code = re.findall(r"`([a-z]\w+)(?:\(|`)", beside)
        ours = [word for word in code if "_" in word or word in {"migrate", "ping", "close"}]
        arguments = {"app_id", "tenant_id", "active_only"}
        ours = [word for word in ours if word not in arguments]
        assert ours, name
        for word in ours:
            for kind in (Billing, AsyncBilling):
                assert callable(getattr(kind, word, None)), (name, word)
    assert callable(Meter.record)

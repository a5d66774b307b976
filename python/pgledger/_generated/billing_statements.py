# Written by scripts/build_catalog.py from the comments in sql/: change those.

"""A statement for each function of the billing store, and what reads the rows that come back."""

from functools import lru_cache

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
    PlanVersion,
    PriceLine,
    Subscription,
    SubscriptionMove,
    UsageAnswer,
    UsageEvent,
    UsagePart,
    UsageReceipt,
)
from pgledger._invoice_lines import invoice_lines
from pgledger._wire import Calls, optional_tuple, row_factory

FEATURE_ROW = row_factory(Feature)
PLAN_ROW = row_factory(Plan)
CURRENCY_ROW = row_factory(Currency)
PLAN_VERSION_ROW = row_factory(PlanVersion)
PRICE_LINE_ROW = row_factory(PriceLine)
SUBSCRIPTION_ROW = row_factory(Subscription)
USAGE_ANSWER_ROW = row_factory(UsageAnswer)
USAGE_RECEIPT_ROW = row_factory(UsageReceipt)
USAGE_EVENT_ROW = row_factory(UsageEvent)
FEATURE_USAGE_ROW = row_factory(FeatureUsage)
USAGE_PART_ROW = row_factory(UsagePart)
ENTITLEMENT_ROW = row_factory(Entitlement)
CONSUMPTION_ROW = row_factory(Consumption)
COUPON_ROW = row_factory(Coupon, applies_to=optional_tuple)
COUPON_REDEMPTION_ROW = row_factory(CouponRedemption)
INVOICE_ROW = row_factory(Invoice, line_items=invoice_lines)
INVOICE_PREVIEW_ROW = row_factory(InvoicePreview, line_items=invoice_lines)
PAYMENT_ROW = row_factory(Payment)
SUBSCRIPTION_MOVE_ROW = row_factory(SubscriptionMove)

_PLAN_CASTS = {"features": "json", "pricing": "json"}
_PLANVERSION_CASTS = {"features": "json", "pricing": "json"}
_SUBSCRIPTION_CASTS = {"tax_rates": "json"}
_INVOICE_CASTS = {"line_items": "json", "tax_rates": "json"}
_INVOICEPREVIEW_CASTS = {"line_items": "json", "tax_rates": "json"}


class BillingStatements:
    """The text of every call, for one schema of the public surface."""

    def __init__(self, schema: str | None) -> None:
        calls = Calls(schema)
        self._add_catalogue(calls)
        self._add_prices(calls)
        self._add_subscriptions(calls)
        self._add_usage(calls)
        self._add_entitlements(calls)
        self._add_coupons(calls)
        self._add_invoices(calls)
        self._add_payments(calls)
        self._add_advance(calls)
        self._add_tenants(calls)

    def _add_catalogue(self, calls: Calls) -> None:
        self.create_feature = calls.rows(
            Feature,
            "ledger_create_feature",
            app_id="text",
            key="text",
            name="text",
            type="text",
            aggregation="text",
            unique_key="text",
            description="text",
            metadata="jsonb",
            id="text",
            tenant_id="text",
            default_limit="numeric",
            default_period="text",
            default_soft_limit="boolean",
        )
        self.create_plan = calls.rows(
            Plan,
            "ledger_create_plan",
            _PLAN_CASTS,
            app_id="text",
            slug="text",
            name="text",
            currency="text",
            features="jsonb",
            pricing="jsonb",
            description="text",
            trial_days="integer",
            anchor_at_trial_end="boolean",
            add_on="boolean",
            metadata="jsonb",
            id="text",
            tenant_id="text",
            priority="integer",
        )
        self.set_currency = calls.rows(
            Currency, "ledger_set_currency", app_id="text", code="text", exponent="integer"
        )
        self.set_hook = calls.value(
            "ledger_set_hook", app_id="text", function_schema="text", function_name="text"
        )
        self.get_feature = calls.rows(Feature, "ledger_get_feature", app_id="text", id="text")
        self.get_feature_by_key = calls.rows(
            Feature, "ledger_get_feature_by_key", app_id="text", key="text", tenant_id="text"
        )
        self.get_plan = calls.rows(Plan, "ledger_get_plan", _PLAN_CASTS, app_id="text", id="text")
        self.get_plan_by_slug = calls.rows(
            Plan,
            "ledger_get_plan_by_slug",
            _PLAN_CASTS,
            app_id="text",
            slug="text",
            tenant_id="text",
        )
        self.list_features = calls.rows(
            Feature,
            "ledger_list_features",
            app_id="text",
            status="text",
            page_size="integer",
            page_offset="bigint",
            tenant_id="text",
        )
        self.list_global_features = calls.rows(
            Feature,
            "ledger_list_global_features",
            status="text",
            page_size="integer",
            page_offset="bigint",
        )
        self.list_plan_versions = calls.rows(
            PlanVersion,
            "ledger_list_plan_versions",
            _PLANVERSION_CASTS,
            app_id="text",
            id="text",
            page_size="integer",
            page_offset="bigint",
        )
        self.list_plans = calls.rows(
            Plan,
            "ledger_list_plans",
            _PLAN_CASTS,
            app_id="text",
            status="text",
            page_size="integer",
            page_offset="bigint",
            tenant_id="text",
        )
        self.update_feature = calls.rows(
            Feature,
            "ledger_update_feature",
            app_id="text",
            id="text",
            name="text",
            description="text",
            aggregation="text",
            metadata="jsonb",
            default_limit="numeric",
            default_period="text",
            default_soft_limit="boolean",
            status="text",
            clear="text[]",
        )
        self.update_plan = calls.rows(
            Plan,
            "ledger_update_plan",
            _PLAN_CASTS,
            app_id="text",
            id="text",
            name="text",
            features="jsonb",
            pricing="jsonb",
            description="text",
            trial_days="integer",
            anchor_at_trial_end="boolean",
            metadata="jsonb",
            effective_at="timestamptz",
            status="text",
            clear="text[]",
            priority="integer",
        )
        self.archive_feature = calls.rows(
            Feature, "ledger_archive_feature", app_id="text", id="text"
        )
        self.archive_plan = calls.rows(
            Plan, "ledger_archive_plan", _PLAN_CASTS, app_id="text", id="text"
        )
        self.delete_feature = calls.rows(Feature, "ledger_delete_feature", app_id="text", id="text")
        self.delete_plan = calls.rows(
            Plan, "ledger_delete_plan", _PLAN_CASTS, app_id="text", id="text"
        )

    def _add_prices(self, calls: Calls) -> None:
        self.price_usage = calls.rows(
            PriceLine,
            "ledger_price_usage",
            price="jsonb",
            quantity="numeric",
            allowance="numeric",
            exponent="integer",
            event_quantities="jsonb",
        )

    def _add_subscriptions(self, calls: Calls) -> None:
        self.create_subscription = calls.rows(
            Subscription,
            "ledger_create_subscription",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
            plan_id="text",
            started_at="timestamptz",
            anchor_at="timestamptz",
            time_zone="text",
            trial_days="integer",
            quantity="numeric",
            metadata="jsonb",
            id="text",
            tax_rates="jsonb",
        )
        self.set_trial_end = calls.rows(
            Subscription,
            "ledger_set_trial_end",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
            trial_end="timestamptz",
        )
        self.get_active_subscription = calls.rows(
            Subscription,
            "ledger_get_active_subscription",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
        )
        self.get_subscription = calls.rows(
            Subscription,
            "ledger_get_subscription",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
        )
        self.list_app_subscriptions = calls.rows(
            Subscription,
            "ledger_list_app_subscriptions",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            status="text",
            plan_id="text",
            page_size="integer",
            page_offset="bigint",
        )
        self.list_subscriptions = calls.rows(
            Subscription,
            "ledger_list_subscriptions",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
            status="text",
            page_size="integer",
            page_offset="bigint",
        )
        self.update_subscription = calls.rows(
            Subscription,
            "ledger_update_subscription",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
            quantity="numeric",
            metadata="jsonb",
            tax_rates="jsonb",
            invoice="text",
        )
        self.change_plan = calls.rows(
            Subscription,
            "ledger_change_plan",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
            plan_id="text",
            invoice="text",
            trial="text",
            keep_anchor="boolean",
        )
        self.change_time_zone = calls.rows(
            Subscription,
            "ledger_change_time_zone",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
            time_zone="text",
        )
        self.pause_subscription = calls.rows(
            Subscription,
            "ledger_pause_subscription",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
        )
        self.resume_subscription = calls.rows(
            Subscription,
            "ledger_resume_subscription",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
        )
        self.cancel_subscription = calls.rows(
            Subscription,
            "ledger_cancel_subscription",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
            at_period_end="boolean",
            unused_time="text",
            cancel_at="timestamptz",
        )

    def _add_usage(self, calls: Calls) -> None:
        self.set_usage_skew = calls.value("ledger_set_usage_skew", app_id="text", skew="interval")
        self.ingest_usage = calls.rows(
            UsageAnswer,
            "ledger_ingest_usage",
            app_id="text",
            tenant_ids="text[]",
            feature_keys="text[]",
            quantities="numeric[]",
            event_ats="timestamptz[]",
            idempotency_keys="text[]",
            metadatas="jsonb[]",
        )
        self.record_usage = calls.rows(
            UsageReceipt,
            "ledger_record_usage",
            app_id="text",
            tenant_id="text",
            feature_key="text",
            quantity="numeric",
            event_at="timestamptz",
            idempotency_key="text",
            metadata="jsonb",
        )
        self.query_usage = calls.rows(
            UsageEvent,
            "ledger_query_usage",
            app_id="text",
            tenant_id="text",
            starts_at="timestamptz",
            ends_at="timestamptz",
            feature_key="text",
            page_size="integer",
            page_offset="bigint",
        )
        self.aggregate_usage = calls.value(
            "ledger_aggregate_usage",
            app_id="text",
            tenant_id="text",
            feature_key="text",
            starts_at="timestamptz",
            ends_at="timestamptz",
            aggregation="text",
        )
        self.aggregate_usage_by_feature = calls.rows(
            FeatureUsage,
            "ledger_aggregate_usage_by_feature",
            app_id="text",
            tenant_id="text",
            feature_keys="text[]",
            starts_at="timestamptz",
            ends_at="timestamptz",
        )
        self.purge_usage = calls.value(
            "ledger_purge_usage", app_id="text", before="timestamptz", max_events="integer"
        )
        self.correct_usage = calls.rows(
            UsageEvent,
            "ledger_correct_usage",
            app_id="text",
            tenant_id="text",
            id="text",
            event_at="timestamptz",
            quantity="numeric",
            reason="text",
        )
        self.remove_usage = calls.rows(
            UsageEvent,
            "ledger_remove_usage",
            app_id="text",
            tenant_id="text",
            id="text",
            event_at="timestamptz",
            reason="text",
        )
        self.usage_by_time = calls.rows(
            UsagePart,
            "ledger_usage_by_time",
            app_id="text",
            tenant_id="text",
            feature_key="text",
            starts_at="timestamptz",
            ends_at="timestamptz",
            unit="text",
            time_zone="text",
            aggregation="text",
        )

    def _add_entitlements(self, calls: Calls) -> None:
        self.set_cached_entitlement = calls.rows(
            Entitlement,
            "ledger_set_cached_entitlement",
            app_id="text",
            tenant_id="text",
            feature_key="text",
            ttl="interval",
        )
        self.set_entitlement_ttl = calls.value(
            "ledger_set_entitlement_ttl", app_id="text", ttl="interval"
        )
        self.get_cached_entitlement = calls.rows(
            Entitlement,
            "ledger_get_cached_entitlement",
            app_id="text",
            tenant_id="text",
            feature_key="text",
            quantity="numeric",
        )
        self.check_cached_entitlement = calls.rows(
            Entitlement,
            "ledger_check_cached_entitlement",
            app_id="text",
            tenant_id="text",
            feature_key="text",
            quantity="numeric",
        )
        self.check_entitlement = calls.rows(
            Entitlement,
            "ledger_check_entitlement",
            app_id="text",
            tenant_id="text",
            feature_key="text",
            quantity="numeric",
        )
        self.check_entitlements = calls.rows(
            Entitlement,
            "ledger_check_entitlements",
            app_id="text",
            tenant_id="text",
            feature_keys="text[]",
            quantities="numeric[]",
        )
        self.remaining_entitlement = calls.value(
            "ledger_remaining_entitlement", app_id="text", tenant_id="text", feature_key="text"
        )
        self.consume_entitlement = calls.rows(
            Consumption,
            "ledger_consume_entitlement",
            app_id="text",
            tenant_id="text",
            feature_key="text",
            quantity="numeric",
            idempotency_key="text",
            metadata="jsonb",
        )
        self.invalidate_entitlement = calls.value(
            "ledger_invalidate_entitlement", app_id="text", tenant_id="text", feature_key="text"
        )
        self.invalidate_feature_entitlements = calls.value(
            "ledger_invalidate_feature_entitlements", app_id="text", feature_key="text"
        )
        self.invalidate_tenant_entitlements = calls.value(
            "ledger_invalidate_tenant_entitlements", app_id="text", tenant_id="text"
        )

    def _add_coupons(self, calls: Calls) -> None:
        self.create_coupon = calls.rows(
            Coupon,
            "ledger_create_coupon",
            app_id="text",
            code="text",
            name="text",
            percentage="numeric",
            amount="numeric",
            currency="text",
            duration="text",
            duration_invoices="integer",
            applies_to="text[]",
            minimum_subtotal="numeric",
            valid_from="timestamptz",
            valid_until="timestamptz",
            max_redemptions="bigint",
            max_redemptions_per_tenant="bigint",
            metadata="jsonb",
            id="text",
            tenant_id="text",
        )
        self.get_coupon = calls.rows(
            Coupon, "ledger_get_coupon", app_id="text", code="text", tenant_id="text"
        )
        self.get_coupon_by_id = calls.rows(
            Coupon, "ledger_get_coupon_by_id", app_id="text", id="text"
        )
        self.list_coupon_redemptions = calls.rows(
            CouponRedemption,
            "ledger_list_coupon_redemptions",
            app_id="text",
            tenant_id="text",
            page_size="integer",
            page_offset="bigint",
        )
        self.list_coupons = calls.rows(
            Coupon,
            "ledger_list_coupons",
            app_id="text",
            active_only="boolean",
            page_size="integer",
            page_offset="bigint",
            tenant_id="text",
        )
        self.redeem_coupon = calls.rows(
            CouponRedemption,
            "ledger_redeem_coupon",
            app_id="text",
            tenant_id="text",
            code="text",
            subscription_id="text",
            id="text",
        )
        self.update_coupon = calls.rows(
            Coupon,
            "ledger_update_coupon",
            app_id="text",
            id="text",
            name="text",
            valid_from="timestamptz",
            valid_until="timestamptz",
            max_redemptions="bigint",
            max_redemptions_per_tenant="bigint",
            metadata="jsonb",
            status="text",
            clear="text[]",
        )
        self.archive_coupon = calls.rows(Coupon, "ledger_archive_coupon", app_id="text", id="text")
        self.delete_coupon = calls.rows(Coupon, "ledger_delete_coupon", app_id="text", id="text")

    def _add_invoices(self, calls: Calls) -> None:
        self.create_invoice = calls.rows(
            Invoice,
            "ledger_create_invoice",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            currency="text",
            lines="jsonb",
            tax_rates="jsonb",
            metadata="jsonb",
            id="text",
        )
        self.set_payment_terms = calls.value(
            "ledger_set_payment_terms", app_id="text", days="integer"
        )
        self.generate_invoice = calls.rows(
            Invoice,
            "ledger_generate_invoice",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            subscription_id="text",
            at="timestamptz",
            kind="text",
            tax_rates="jsonb",
        )
        self.preview_invoice = calls.rows(
            InvoicePreview,
            "ledger_preview_invoice",
            _INVOICEPREVIEW_CASTS,
            app_id="text",
            tenant_id="text",
            subscription_id="text",
            at="timestamptz",
            kind="text",
            tax_rates="jsonb",
        )
        self.get_invoice = calls.rows(
            Invoice,
            "ledger_get_invoice",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
        )
        self.get_invoice_by_period = calls.rows(
            Invoice,
            "ledger_get_invoice_by_period",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            subscription_id="text",
            at="timestamptz",
            kind="text",
        )
        self.list_app_invoices = calls.rows(
            Invoice,
            "ledger_list_app_invoices",
            _INVOICE_CASTS,
            app_id="text",
            status="text",
            period_from="timestamptz",
            period_until="timestamptz",
            page_size="integer",
            page_offset="bigint",
        )
        self.list_app_pending_invoices = calls.rows(
            Invoice,
            "ledger_list_app_pending_invoices",
            _INVOICE_CASTS,
            app_id="text",
            page_size="integer",
            page_offset="bigint",
        )
        self.list_invoices = calls.rows(
            Invoice,
            "ledger_list_invoices",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            status="text",
            page_size="integer",
            page_offset="bigint",
            newest_first="boolean",
            period_from="timestamptz",
            period_until="timestamptz",
        )
        self.list_pending_invoices = calls.rows(
            Invoice,
            "ledger_list_pending_invoices",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            page_size="integer",
            page_offset="bigint",
        )
        self.update_invoice = calls.rows(
            Invoice,
            "ledger_update_invoice",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
            metadata="jsonb",
            lines="jsonb",
        )
        self.refresh_invoice = calls.rows(
            Invoice,
            "ledger_refresh_invoice",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
        )
        self.finalize_invoice = calls.rows(
            Invoice,
            "ledger_finalize_invoice",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
            due_at="timestamptz",
        )
        self.mark_invoice_uncollectible = calls.rows(
            Invoice,
            "ledger_mark_invoice_uncollectible",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
        )
        self.mark_invoice_voided = calls.rows(
            Invoice,
            "ledger_mark_invoice_voided",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
            reason="text",
        )
        self.delete_invoice = calls.rows(
            Invoice,
            "ledger_delete_invoice",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
        )

    def _add_payments(self, calls: Calls) -> None:
        self.record_payment = calls.rows(
            Invoice,
            "ledger_record_payment",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            invoice_id="text",
            amount="numeric",
            paid_at="timestamptz",
            reference="text",
            id="text",
        )
        self.list_payments = calls.rows(
            Payment, "ledger_list_payments", app_id="text", tenant_id="text", invoice_id="text"
        )
        self.mark_invoice_paid = calls.rows(
            Invoice,
            "ledger_mark_invoice_paid",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            id="text",
            paid_at="timestamptz",
            reference="text",
        )
        self.import_invoice = calls.rows(
            Invoice,
            "ledger_import_invoice",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            currency="text",
            lines="jsonb",
            tax_rates="jsonb",
            metadata="jsonb",
            id="text",
            subscription_id="text",
            at="timestamptz",
            kind="text",
            due_at="timestamptz",
            paid_at="timestamptz",
            reference="text",
        )

    def _add_advance(self, calls: Calls) -> None:
        self.advance = calls.rows(
            SubscriptionMove,
            "ledger_advance",
            app_id="text",
            max_subscriptions="integer",
            invoices="text",
            max_span="interval",
        )

    def _add_tenants(self, calls: Calls) -> None:
        self.map_tenant_role = calls.value(
            "ledger_map_tenant_role", role_name="name", app_id="text", tenant_id="text"
        )
        self.unmap_tenant_role = calls.value("ledger_unmap_tenant_role", role_name="name")


@lru_cache
def statements_for(schema: str | None) -> BillingStatements:
    """Returns the statements for a schema, or for the search_path if it is None."""
    return BillingStatements(schema)

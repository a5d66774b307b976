"""What both billing stores send and how they read what comes: a statement for each function.

Plans, prices, lines and tax rates go as JSON, usage as arrays; lines of invoices come as JSON.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from psycopg import InterfaceError

from pgledger._wire import (
    Calls,
    array_text,
    decimal_text,
    metadata_text,
    optional_array_text,
    row_factory,
    time_text,
)
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


def _optional_decimal(number: str | None) -> Decimal | None:
    return None if number is None else Decimal(number)


def _optional_time(time: str | None) -> datetime | None:
    return None if time is None else datetime.fromisoformat(time)


def _line(line: Mapping[str, Any]) -> InvoiceLine:
    return InvoiceLine(
        id=line["id"],
        kind=line["kind"],
        description=line["description"],
        item=line["item"],
        period_start=_optional_time(line["period_start"]),
        period_end=_optional_time(line["period_end"]),
        quantity=_optional_decimal(line["quantity"]),
        unit_amount=_optional_decimal(line["unit_amount"]),
        amount=Decimal(line["amount"]),
        discount=Decimal(line["discount"]),
        tax=Decimal(line["tax"]),
        basis=line["basis"],
    )


def _lines(lines: Iterable[Mapping[str, Any]] | None) -> tuple[InvoiceLine, ...]:
    # An invoice without lines has null rather than an empty array.
    return tuple(map(_line, lines or ()))


def _optional_tuple(elements: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if elements is None else tuple(elements)


PLAN_ROW = row_factory(Plan)
FEATURE_ROW = row_factory(Feature)
CURRENCY_ROW = row_factory(Currency)
SUBSCRIPTION_ROW = row_factory(Subscription)
SUBSCRIPTION_MOVE_ROW = row_factory(SubscriptionMove)
USAGE_ANSWER_ROW = row_factory(UsageAnswer)
USAGE_RECEIPT_ROW = row_factory(UsageReceipt)
USAGE_EVENT_ROW = row_factory(UsageEvent)
FEATURE_USAGE_ROW = row_factory(FeatureUsage)
ENTITLEMENT_ROW = row_factory(Entitlement)
CONSUMPTION_ROW = row_factory(Consumption)
PRICE_LINE_ROW = row_factory(PriceLine)
COUPON_ROW = row_factory(Coupon, applies_to=_optional_tuple)
COUPON_REDEMPTION_ROW = row_factory(CouponRedemption)
INVOICE_ROW = row_factory(Invoice, line_items=_lines)
INVOICE_PREVIEW_ROW = row_factory(InvoicePreview, line_items=_lines)
PAYMENT_ROW = row_factory(Payment)

# Prices, limits and rates stay exact; metadata is the caller's own.
_PLAN_CASTS = {"features": "json", "pricing": "json"}
_SUBSCRIPTION_CASTS = {"tax_rates": "json"}
_INVOICE_CASTS = {"line_items": "json", "tax_rates": "json"}

IS_THERE = "select pg_catalog.to_regclass(%s::text) is not null"

_PAGE = {"page_size": "integer", "page_offset": "bigint"}
_ONE_FEATURE = {"app_id": "text", "tenant_id": "text", "feature_key": "text"}


class BillingStatements:
    """The text of every call, for one schema of the public surface."""

    def __init__(self, schema: str | None) -> None:
        calls = Calls(schema)
        # By name rather than by a call, so that a missing store is an answer and not an error that
        # would abort the caller's transaction.
        self.is_installed = IS_THERE
        self.store = calls.named("ledger_plans")
        self.map_tenant_role = calls.value(
            "ledger_map_tenant_role", role_name="name", app_id="text", tenant_id="text"
        )
        self.unmap_tenant_role = calls.value("ledger_unmap_tenant_role", role_name="name")
        self._add_catalogue(calls)
        self._add_subscriptions(calls)
        self._add_usage(calls)
        self._add_entitlements(calls)
        self._add_coupons(calls)
        self._add_invoices(calls)

    def _add_catalogue(self, calls: Calls) -> None:
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
        self.list_plans = calls.rows(
            Plan,
            "ledger_list_plans",
            _PLAN_CASTS,
            app_id="text",
            status="text",
            **_PAGE,
            tenant_id="text",
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
        )
        self.archive_plan = calls.rows(
            Plan, "ledger_archive_plan", _PLAN_CASTS, app_id="text", id="text"
        )
        self.delete_plan = calls.rows(
            Plan, "ledger_delete_plan", _PLAN_CASTS, app_id="text", id="text"
        )
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
        )
        self.get_feature = calls.rows(Feature, "ledger_get_feature", app_id="text", id="text")
        self.get_feature_by_key = calls.rows(
            Feature, "ledger_get_feature_by_key", app_id="text", key="text", tenant_id="text"
        )
        self.list_features = calls.rows(
            Feature, "ledger_list_features", app_id="text", status="text", **_PAGE, tenant_id="text"
        )
        self.list_global_features = calls.rows(
            Feature, "ledger_list_global_features", status="text", **_PAGE
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
        )
        self.archive_feature = calls.rows(
            Feature, "ledger_archive_feature", app_id="text", id="text"
        )
        self.delete_feature = calls.rows(Feature, "ledger_delete_feature", app_id="text", id="text")
        self.set_currency = calls.rows(
            Currency, "ledger_set_currency", app_id="text", code="text", exponent="integer"
        )
        self.price_usage = calls.rows(
            PriceLine,
            "ledger_price_usage",
            price="jsonb",
            quantity="numeric",
            allowance="numeric",
            exponent="integer",
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
        one_subscription = {"app_id": "text", "tenant_id": "text", "id": "text"}
        self.get_subscription = calls.rows(
            Subscription, "ledger_get_subscription", _SUBSCRIPTION_CASTS, **one_subscription
        )
        self.get_active_subscription = calls.rows(
            Subscription,
            "ledger_get_active_subscription",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
        )
        self.list_subscriptions = calls.rows(
            Subscription,
            "ledger_list_subscriptions",
            _SUBSCRIPTION_CASTS,
            app_id="text",
            tenant_id="text",
            status="text",
            **_PAGE,
        )
        self.update_subscription = calls.rows(
            Subscription,
            "ledger_update_subscription",
            _SUBSCRIPTION_CASTS,
            **one_subscription,
            quantity="numeric",
            metadata="jsonb",
            tax_rates="jsonb",
        )
        self.change_plan = calls.rows(
            Subscription,
            "ledger_change_plan",
            _SUBSCRIPTION_CASTS,
            **one_subscription,
            plan_id="text",
        )
        self.cancel_subscription = calls.rows(
            Subscription,
            "ledger_cancel_subscription",
            _SUBSCRIPTION_CASTS,
            **one_subscription,
            at_period_end="boolean",
            unused_time="text",
        )
        self.pause_subscription = calls.rows(
            Subscription, "ledger_pause_subscription", _SUBSCRIPTION_CASTS, **one_subscription
        )
        self.resume_subscription = calls.rows(
            Subscription, "ledger_resume_subscription", _SUBSCRIPTION_CASTS, **one_subscription
        )
        self.advance = calls.rows(
            SubscriptionMove,
            "ledger_advance",
            app_id="text",
            max_subscriptions="integer",
            invoices="text",
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
            **_ONE_FEATURE,
            quantity="numeric",
            event_at="timestamptz",
            idempotency_key="text",
            metadata="jsonb",
        )
        self.aggregate_usage = calls.value(
            "ledger_aggregate_usage",
            **_ONE_FEATURE,
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
        self.query_usage = calls.rows(
            UsageEvent,
            "ledger_query_usage",
            app_id="text",
            tenant_id="text",
            starts_at="timestamptz",
            ends_at="timestamptz",
            feature_key="text",
            **_PAGE,
        )
        self.purge_usage = calls.value(
            "ledger_purge_usage", app_id="text", before="timestamptz", max_events="integer"
        )

    def _add_entitlements(self, calls: Calls) -> None:
        self.check_entitlement = calls.rows(
            Entitlement, "ledger_check_entitlement", **_ONE_FEATURE, quantity="numeric"
        )
        self.remaining_entitlement = calls.value("ledger_remaining_entitlement", **_ONE_FEATURE)
        self.consume_entitlement = calls.rows(
            Consumption,
            "ledger_consume_entitlement",
            **_ONE_FEATURE,
            quantity="numeric",
            idempotency_key="text",
            metadata="jsonb",
        )
        self.set_cached_entitlement = calls.rows(
            Entitlement, "ledger_set_cached_entitlement", **_ONE_FEATURE, ttl="interval"
        )
        self.get_cached_entitlement = calls.rows(
            Entitlement, "ledger_get_cached_entitlement", **_ONE_FEATURE, quantity="numeric"
        )
        self.invalidate_tenant_entitlements = calls.value(
            "ledger_invalidate_tenant_entitlements", app_id="text", tenant_id="text"
        )
        self.invalidate_feature_entitlements = calls.value(
            "ledger_invalidate_feature_entitlements", app_id="text", feature_key="text"
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
        one_coupon = {"app_id": "text", "id": "text"}
        self.get_coupon_by_id = calls.rows(Coupon, "ledger_get_coupon_by_id", **one_coupon)
        self.list_coupons = calls.rows(
            Coupon,
            "ledger_list_coupons",
            app_id="text",
            active_only="boolean",
            **_PAGE,
            tenant_id="text",
        )
        self.update_coupon = calls.rows(
            Coupon,
            "ledger_update_coupon",
            **one_coupon,
            name="text",
            valid_from="timestamptz",
            valid_until="timestamptz",
            max_redemptions="bigint",
            max_redemptions_per_tenant="bigint",
            metadata="jsonb",
        )
        self.archive_coupon = calls.rows(Coupon, "ledger_archive_coupon", **one_coupon)
        self.delete_coupon = calls.rows(Coupon, "ledger_delete_coupon", **one_coupon)
        self.redeem_coupon = calls.rows(
            CouponRedemption,
            "ledger_redeem_coupon",
            app_id="text",
            tenant_id="text",
            code="text",
            subscription_id="text",
            id="text",
        )
        self.list_coupon_redemptions = calls.rows(
            CouponRedemption,
            "ledger_list_coupon_redemptions",
            app_id="text",
            tenant_id="text",
            **_PAGE,
        )

    def _add_invoices(self, calls: Calls) -> None:
        to_invoice = {
            "app_id": "text",
            "tenant_id": "text",
            "subscription_id": "text",
            "at": "timestamptz",
            "kind": "text",
        }
        self.generate_invoice = calls.rows(
            Invoice, "ledger_generate_invoice", _INVOICE_CASTS, **to_invoice, tax_rates="jsonb"
        )
        self.preview_invoice = calls.rows(
            InvoicePreview,
            "ledger_preview_invoice",
            _INVOICE_CASTS,
            **to_invoice,
            tax_rates="jsonb",
        )
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
        one_invoice = {"app_id": "text", "tenant_id": "text", "id": "text"}
        self.get_invoice = calls.rows(Invoice, "ledger_get_invoice", _INVOICE_CASTS, **one_invoice)
        self.get_invoice_by_period = calls.rows(
            Invoice, "ledger_get_invoice_by_period", _INVOICE_CASTS, **to_invoice
        )
        self.list_invoices = calls.rows(
            Invoice,
            "ledger_list_invoices",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            status="text",
            **_PAGE,
        )
        self.list_pending_invoices = calls.rows(
            Invoice,
            "ledger_list_pending_invoices",
            _INVOICE_CASTS,
            app_id="text",
            tenant_id="text",
            **_PAGE,
        )
        self.refresh_invoice = calls.rows(
            Invoice, "ledger_refresh_invoice", _INVOICE_CASTS, **one_invoice
        )
        self.finalize_invoice = calls.rows(
            Invoice,
            "ledger_finalize_invoice",
            _INVOICE_CASTS,
            **one_invoice,
            due_at="timestamptz",
        )
        self.delete_invoice = calls.rows(
            Invoice, "ledger_delete_invoice", _INVOICE_CASTS, **one_invoice
        )
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
        self.mark_invoice_paid = calls.rows(
            Invoice,
            "ledger_mark_invoice_paid",
            _INVOICE_CASTS,
            **one_invoice,
            paid_at="timestamptz",
            reference="text",
        )
        self.mark_invoice_voided = calls.rows(
            Invoice, "ledger_mark_invoice_voided", _INVOICE_CASTS, **one_invoice, reason="text"
        )
        self.mark_invoice_uncollectible = calls.rows(
            Invoice, "ledger_mark_invoice_uncollectible", _INVOICE_CASTS, **one_invoice
        )
        self.list_payments = calls.rows(
            Payment, "ledger_list_payments", app_id="text", tenant_id="text", invoice_id="text"
        )
        self.set_payment_terms = calls.value(
            "ledger_set_payment_terms", app_id="text", days="integer"
        )

    def require_open(self) -> None:
        """Does nothing, other than its counterpart below."""


class _ClosedStatements:
    def __getattr__(self, name: str) -> str:
        raise InterfaceError(
            "this Billing was closed: make another one on the same connection, which is still open"
        )


CLOSED = cast("BillingStatements", _ClosedStatements())


@lru_cache
def statements_for(schema: str | None) -> BillingStatements:
    """Returns the statements for a schema, or for the search_path if it is None."""
    return BillingStatements(schema)


def sequence_text(name: str, elements: object) -> str | None:
    """Returns a plan's features, lines or tax rates as jsonb's input, or None for None.

    Decimals are written as texts, digit by digit, as all exact numbers in JSON are here; times
    are written as texts with their zone.

    Args:
        name: What it is: errors name paths from there.
        elements: A sequence of mappings.

    Raises:
        TypeError: It is no sequence, or holds a float or what JSON cannot hold; the message names
            the path.
        ValueError: It holds a Decimal that is not a number, or a time without a zone.
    """
    if elements is None:
        return None
    if not isinstance(elements, Sequence) or isinstance(elements, (str, bytes, bytearray)):
        raise TypeError(f"{name} must be a sequence such as a list, not {type(elements).__name__}")
    return json.dumps(_plain(f"$.{name}", cast("Sequence[object]", elements)))


def mapping_text(name: str, members: object) -> str | None:
    """Returns a plan's pricing or a single price as jsonb's input, or None for None.

    What it holds is written as by :func:`sequence_text`.

    Args:
        name: What it is: errors name paths from there.
        members: A mapping.

    Raises:
        TypeError: It is no mapping, or holds a float or what JSON cannot hold; the message names
            the path.
        ValueError: It holds a Decimal that is not a number, or a time without a zone.
    """
    if members is None:
        return None
    if not isinstance(members, Mapping):
        raise TypeError(f"{name} must be a mapping such as a dict, not {type(members).__name__}")
    return json.dumps(_plain(f"$.{name}", cast("Mapping[object, object]", members)))


# A number with more digits before or after its point is out of range whatever it means, and the
# database says so; written out in full it could be gigabytes.
_LARGEST_EXPONENT = 1000


def _plain(path: str, value: object) -> object:
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{path} must be a number, not {value}")
        if abs(value.adjusted()) > _LARGEST_EXPONENT:
            return str(value)
        return format(value, "f")
    if isinstance(value, datetime):
        return time_text(path, value)
    if isinstance(value, Mapping):
        members: dict[str, object] = {}
        for key, member in cast("Mapping[object, object]", value).items():
            if not isinstance(key, str):
                raise TypeError(f"{path} must have texts as keys, not {type(key).__name__} {key!r}")
            members[key] = _plain(f"{path}.{key}", member)
        return members
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        elements = cast("Sequence[object]", value)
        return [_plain(f"{path}[{place}]", element) for place, element in enumerate(elements)]
    hint = f': write Decimal("{value!r}")' if isinstance(value, float) else ""
    raise TypeError(
        f"{path} must be a Decimal, an int, a str, a bool, a datetime, None, a mapping or a "
        f"sequence, not {type(value).__name__} {value!r}{hint}"
    )


def keys_text(name: str, keys: object) -> str | None:
    """Returns texts as the input of an array, or None for None.

    Raises:
        TypeError: It is a single text, whose letters would each be taken for a key, or holds
            something other than texts.
    """
    if keys is None:
        return None
    if isinstance(keys, (str, bytes)) or not isinstance(keys, Iterable):
        raise TypeError(f"{name} must be a list of str, not {type(keys).__name__} {keys!r}")
    return array_text(name, cast("Iterable[object]", keys), of="element")


def usage_arrays(
    events: Iterable[object],
) -> tuple[str, str, str, str | None, str | None, str | None]:
    """Returns usage records as the six parallel arrays that ``ledger_ingest_usage`` takes.

    An optional array that would hold nothing but nulls is None, as if left out.

    Raises:
        TypeError: One is no UsageRecord, or a value in it is of a wrong type. The message says
            which event, counted from 1.
        ValueError: A value in it is wrong in itself; the message says which, too.
    """
    records: list[UsageRecord] = []
    quantities: list[str] = []
    event_ats: list[str | None] = []
    metadatas: list[str | None] = []
    for number, event in enumerate(events, 1):
        if not isinstance(event, UsageRecord):
            raise TypeError(f"event {number}: must be a UsageRecord, not {type(event).__name__}")
        try:
            quantities.append(decimal_text("quantity", event.quantity))
            event_ats.append(time_text("event_at", event.event_at))
            metadatas.append(metadata_text(event.metadata))
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"event {number}: {error}") from error
        records.append(event)
    return (
        array_text("tenant_id", (record.tenant_id for record in records), of="event"),
        array_text("feature_key", (record.feature_key for record in records), of="event"),
        "{" + ",".join(quantities) + "}",
        optional_array_text("event_at", event_ats, of="event"),
        optional_array_text(
            "idempotency_key", [record.idempotency_key for record in records], of="event"
        ),
        optional_array_text("metadata", metadatas, of="event"),
    )

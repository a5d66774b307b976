"""What both billing stores send: a statement for each function, plans as JSON, usage as arrays."""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import cast

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
    Currency,
    Entitlement,
    Feature,
    FeatureUsage,
    Plan,
    Subscription,
    SubscriptionMove,
    UsageAnswer,
    UsageEvent,
    UsageReceipt,
    UsageRecord,
)

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

# Prices and limits stay exact; metadata is the caller's own.
_PLAN_CASTS = {"features": "json", "pricing": "json"}

IS_THERE = "select pg_catalog.to_regclass(%s::text) is not null"

_PAGE = {"page_size": "integer", "page_offset": "bigint"}


class BillingStatements:
    """The text of every call, for one schema of the public surface."""

    def __init__(self, schema: str | None) -> None:
        calls = Calls(schema)
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
        self.set_usage_skew = calls.value("ledger_set_usage_skew", app_id="text", skew="interval")
        self.create_subscription = calls.rows(
            Subscription,
            "ledger_create_subscription",
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
        )
        one_subscription = {"app_id": "text", "tenant_id": "text", "id": "text"}
        self.get_subscription = calls.rows(
            Subscription, "ledger_get_subscription", **one_subscription
        )
        self.get_active_subscription = calls.rows(
            Subscription, "ledger_get_active_subscription", app_id="text", tenant_id="text"
        )
        self.list_subscriptions = calls.rows(
            Subscription,
            "ledger_list_subscriptions",
            app_id="text",
            tenant_id="text",
            status="text",
            **_PAGE,
        )
        self.update_subscription = calls.rows(
            Subscription,
            "ledger_update_subscription",
            **one_subscription,
            quantity="numeric",
            metadata="jsonb",
        )
        self.change_plan = calls.rows(
            Subscription, "ledger_change_plan", **one_subscription, plan_id="text"
        )
        self.cancel_subscription = calls.rows(
            Subscription,
            "ledger_cancel_subscription",
            **one_subscription,
            at_period_end="boolean",
        )
        self.pause_subscription = calls.rows(
            Subscription, "ledger_pause_subscription", **one_subscription
        )
        self.resume_subscription = calls.rows(
            Subscription, "ledger_resume_subscription", **one_subscription
        )
        self.advance = calls.rows(
            SubscriptionMove, "ledger_advance", app_id="text", max_subscriptions="integer"
        )
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
        one_feature = {"app_id": "text", "tenant_id": "text", "feature_key": "text"}
        self.record_usage = calls.rows(
            UsageReceipt,
            "ledger_record_usage",
            **one_feature,
            quantity="numeric",
            event_at="timestamptz",
            idempotency_key="text",
            metadata="jsonb",
        )
        self.aggregate_usage = calls.value(
            "ledger_aggregate_usage",
            **one_feature,
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
        self.check_entitlement = calls.rows(
            Entitlement, "ledger_check_entitlement", **one_feature, quantity="numeric"
        )
        self.remaining_entitlement = calls.value("ledger_remaining_entitlement", **one_feature)
        self.consume_entitlement = calls.rows(
            Consumption,
            "ledger_consume_entitlement",
            **one_feature,
            quantity="numeric",
            idempotency_key="text",
            metadata="jsonb",
        )
        self.set_cached_entitlement = calls.rows(
            Entitlement, "ledger_set_cached_entitlement", **one_feature, ttl="interval"
        )
        self.get_cached_entitlement = calls.rows(
            Entitlement, "ledger_get_cached_entitlement", **one_feature, quantity="numeric"
        )
        self.invalidate_tenant_entitlements = calls.value(
            "ledger_invalidate_tenant_entitlements", app_id="text", tenant_id="text"
        )
        self.invalidate_feature_entitlements = calls.value(
            "ledger_invalidate_feature_entitlements", app_id="text", feature_key="text"
        )
        self.map_tenant_role = calls.value(
            "ledger_map_tenant_role", role_name="name", app_id="text", tenant_id="text"
        )
        self.unmap_tenant_role = calls.value("ledger_unmap_tenant_role", role_name="name")
        # By name rather than by a call, so that a missing store is an answer and not an error that
        # would abort the caller's transaction.
        self.is_installed = IS_THERE
        self.store = calls.named("ledger_plans")

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


def features_text(features: object) -> str | None:
    """Returns a plan's features as jsonb's input, or None for None.

    Decimals are written as texts, digit by digit, as limits and prices in plans are.

    Raises:
        TypeError: It is no sequence, or holds a float or what JSON cannot hold; the message names
            the path.
        ValueError: It holds a Decimal that is not a number.
    """
    if features is None:
        return None
    if not isinstance(features, Sequence) or isinstance(features, (str, bytes, bytearray)):
        raise TypeError(
            f"features must be a sequence such as a list, not {type(features).__name__}"
        )
    return json.dumps(_plain("$.features", cast("Sequence[object]", features)))


def pricing_text(pricing: object) -> str | None:
    """Returns a plan's pricing as jsonb's input, or None for None.

    Decimals are written as texts, digit by digit, as limits and prices in plans are.

    Raises:
        TypeError: It is no mapping, or holds a float or what JSON cannot hold; the message names
            the path.
        ValueError: It holds a Decimal that is not a number.
    """
    if pricing is None:
        return None
    if not isinstance(pricing, Mapping):
        raise TypeError(f"pricing must be a mapping such as a dict, not {type(pricing).__name__}")
    return json.dumps(_plain("$.pricing", cast("Mapping[object, object]", pricing)))


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
        f"{path} must be a Decimal, an int, a str, a bool, None, a mapping or a sequence, "
        f"not {type(value).__name__} {value!r}{hint}"
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

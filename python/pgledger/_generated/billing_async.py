# Written by scripts/build_catalog.py from the comments in sql/: change those.

"""The calls of the billing store's functions on an asynchronous connection, a method each."""

# ruff: noqa: A002 -- arguments are named as in SQL, where an id is an id

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from pgledger._calling_async import AsyncCaller
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
    UsageEvent,
    UsageReceipt,
)
from pgledger._generated.billing_statements import (
    CONSUMPTION_ROW,
    COUPON_REDEMPTION_ROW,
    COUPON_ROW,
    CURRENCY_ROW,
    ENTITLEMENT_ROW,
    FEATURE_ROW,
    FEATURE_USAGE_ROW,
    INVOICE_PREVIEW_ROW,
    INVOICE_ROW,
    PAYMENT_ROW,
    PLAN_ROW,
    PRICE_LINE_ROW,
    SUBSCRIPTION_MOVE_ROW,
    SUBSCRIPTION_ROW,
    USAGE_EVENT_ROW,
    USAGE_RECEIPT_ROW,
    statements_for,
)
from pgledger._wire import (
    decimal_text,
    flag_text,
    integer_text,
    interval_text,
    metadata_text,
    optional_decimal_text,
    optional_flag_text,
    optional_integer_text,
    time_text,
)
from pgledger._wire_json import keys_text, mapping_text, sequence_text


class AsyncBillingCalls(AsyncCaller):
    """A method for each function of the billing store."""

    __slots__ = ("_statements",)

    def __init__(self, conn: AsyncConnection[Any], *, schema: str | None = None) -> None:
        super().__init__(conn, schema=schema)
        self._statements = statements_for(schema)

    async def create_feature(
        self,
        app_id: str,
        key: str,
        name: str,
        *,
        type: str = "metered",
        aggregation: str | None = None,
        unique_key: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        tenant_id: str = "",
    ) -> Feature:
        """Adds a feature to the catalogue: ``ledger_create_feature``.

        [[was: Creates a feature that plans can contain, and returns it.]]

        Args:
            app_id: App that it belongs to; * for all apps. [[was: * for all apps.]]
            key: Name in plans and usage events, unique in the app (and tenant). [[was: its name in
                plans and usage events, 1 to 128 visible characters.]]
            name: Name for people. [[was: for people, 1 to 255 characters.]]
            type: boolean, metered or seat.
            aggregation: What usage of a metered one comes to: sum (if None), count, max,
                ``unique_count`` or latest. [[was: what usage of a metered one comes to: sum (also
                where None), count, max, ``unique_count`` or latest.]], or None.
            unique_key: Member of an event's metadata whose different values ``unique_count``
                counts. [[was: member of an event's metadata whose different values ``unique_count``
                counts.]], or None.
            description: Text for people. [[was: at most 10000 characters.]], or None.
            metadata: JSON object of the app's own. [[was: JSON object, at most 64 KiB.]], or None.
            id: The feature's id if the caller chooses it. The same call with the same id returns
                that feature as it is now. [[was: ``feat_`` and a ULID of your own choice, to make
                the call repeatable.]], or None.
            tenant_id: The one tenant that it is for; the empty text for all. [[was: tenant of a
                custom deal.]]

        Returns:
            The feature.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: The key, name, type, aggregation or unique key is not valid.
            InvalidMetadata: Metadata is not a JSON object, or has more than 65536 bytes.
            InvalidId: An id is malformed.
            IdempotencyConflict: The id is taken by a different feature.
            AlreadyExists: The key is taken.
            InUse: Usage was recorded under this key, with another type or unique key.
        """
        return await self._fetch_one(
            FEATURE_ROW,
            self._statements.create_feature,
            (
                app_id,
                key,
                name,
                type,
                aggregation,
                unique_key,
                description,
                metadata_text(metadata),
                id,
                tenant_id,
            ),
        )

    async def create_plan(
        self,
        app_id: str,
        slug: str,
        name: str,
        currency: str,
        *,
        features: Sequence[Mapping[str, Any]] = (),
        pricing: Mapping[str, Any] = MappingProxyType({}),
        description: str | None = None,
        trial_days: int = 0,
        anchor_at_trial_end: bool = True,
        add_on: bool = False,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        tenant_id: str = "",
    ) -> Plan:
        """Creates a plan: ``ledger_create_plan``.

        [[was: Creates a plan and returns it.]]

        Args:
            app_id: App that it belongs to.
            slug: Name in addresses and code, unique in the app (and tenant). [[was: its name in
                addresses and code, 1 to 128 visible characters.]]
            name: Name for people. [[was: for people, 1 to 255 characters.]]
            currency: Currency of every amount, of ISO 4217 or the app's own. [[was: code of ISO
                4217, or one that the app has defined.]]
            features: What it gives: a mapping for each feature, for example ``{"key": "api_calls",
                "limit": 10000, "period": "month", "soft_limit": true}``. Limits are Decimal, int or
                str; -1 is unlimited. [[was: JSON array of features and limits.]]
            pricing: What it costs: a base fee and prices, for example ``{"base": {"amount":
                Decimal("49.00"), "interval": "month"}, "prices": []}``. Amounts are Decimal, int or
                str. [[was: JSON object of base fee and prices.]]
            description: Text for people. [[was: at most 10000 characters.]], or None.
            trial_days: Days of trial that a new subscription gets. [[was: 0 to 3650.]]
            anchor_at_trial_end: Whether billing periods count from the end of the trial. [[was:
                whether billing periods count from the end of the trial.]]
            add_on: Whether a tenant may have it beside another active subscription. [[was: whether
                a tenant may have it beside another subscription.]]
            metadata: JSON object of the app's own. [[was: JSON object, at most 64 KiB.]], or None.
            id: The plan's id if the caller chooses it. The same call with the same id returns that
                plan as it is now. [[was: ``plan_`` and a ULID of your own choice, to make the call
                repeatable.]], or None.
            tenant_id: The one tenant that it is for; the empty text for all. [[was: tenant of a
                custom deal.]]

        Returns:
            The plan.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: The slug, the name or the days of trial are not valid.
            InvalidMetadata: Metadata is not a JSON object, or has more than 65536 bytes.
            InvalidId: An id is malformed.
            IdempotencyConflict: The id is taken by a different plan.
            UnknownCurrency: The currency is neither of ISO 4217 nor the app's own.
            InvalidPlan: Features or pricing are not valid; the message names the path.
            FeatureNotFound: A feature is not in the catalogue.
            Archived: A feature is archived.
            AlreadyExists: The slug is taken.
        """
        return await self._fetch_one(
            PLAN_ROW,
            self._statements.create_plan,
            (
                app_id,
                slug,
                name,
                currency,
                sequence_text("features", features),
                mapping_text("pricing", pricing),
                description,
                integer_text("trial_days", trial_days),
                flag_text("anchor_at_trial_end", anchor_at_trial_end),
                flag_text("add_on", add_on),
                metadata_text(metadata),
                id,
                tenant_id,
            ),
        )

    async def set_currency(
        self,
        app_id: str,
        code: str,
        exponent: int,
    ) -> Currency:
        """Defines a currency of the app's own: ``ledger_set_currency``.

        [[was: Defines a currency of the app's own, beside those of ISO 4217, and returns it.]]

        Args:
            app_id: App.
            code: Its code, which is not one of ISO 4217. [[was: 1 to 32 visible characters.]]
            exponent: Decimal places that amounts are rounded to, 0 to 18. [[was: decimal places
                that amounts are rounded to, 0 to 18; fixed as soon as a plan, a coupon or an
                invoice is in the currency.]]

        Returns:
            The currency.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidCurrency: The code cannot be one.
            InvalidArgument: The code is of ISO 4217, or the exponent is out of range.
            InUse: The exponent would change while plans use the currency.
        """
        return await self._fetch_one(
            CURRENCY_ROW,
            self._statements.set_currency,
            (
                app_id,
                code,
                integer_text("exponent", exponent),
            ),
        )

    async def get_feature(
        self,
        app_id: str,
        id: str,
    ) -> Feature:
        """Returns a feature of an app, or a global one: ``ledger_get_feature``.

        [[was: The feature of that id, of the app or of all apps.]]

        Args:
            app_id: App that asks.
            id: The feature's id.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            FeatureNotFound: There is no such feature for this app.
        """
        return await self._fetch_one(
            FEATURE_ROW,
            self._statements.get_feature,
            (
                app_id,
                id,
            ),
        )

    async def get_feature_by_key(
        self,
        app_id: str,
        key: str,
        *,
        tenant_id: str = "",
    ) -> Feature:
        """Returns the feature of a key: ``ledger_get_feature_by_key``.

        [[was: The feature that a key names for a tenant: its own, or else the app's, or else that
        of all apps.]]

        Args:
            app_id: App that asks.
            key: Its key.
            tenant_id: For whom: the tenant's own feature of that key comes before the app's, and
                that before a global one.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            FeatureNotFound: There is none for this app and tenant.
        """
        return await self._fetch_one(
            FEATURE_ROW,
            self._statements.get_feature_by_key,
            (
                app_id,
                key,
                tenant_id,
            ),
        )

    async def get_plan(
        self,
        app_id: str,
        id: str,
    ) -> Plan:
        """Returns a plan: ``ledger_get_plan``.

        [[was: The plan of that id.]]

        Args:
            app_id: App that it belongs to.
            id: The plan's id.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            PlanNotFound: The app has no such plan.
        """
        return await self._fetch_one(
            PLAN_ROW,
            self._statements.get_plan,
            (
                app_id,
                id,
            ),
        )

    async def get_plan_by_slug(
        self,
        app_id: str,
        slug: str,
        *,
        tenant_id: str = "",
    ) -> Plan:
        """Returns the plan of a slug: ``ledger_get_plan_by_slug``.

        [[was: The plan that a slug names for a tenant: its own, or else the whole app's.]]

        Args:
            app_id: App that it belongs to.
            slug: Its slug.
            tenant_id: For whom: the tenant's own plan of that slug comes before the app's.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            PlanNotFound: There is none for this app and tenant.
        """
        return await self._fetch_one(
            PLAN_ROW,
            self._statements.get_plan_by_slug,
            (
                app_id,
                slug,
                tenant_id,
            ),
        )

    async def list_features(
        self,
        app_id: str,
        *,
        status: str | None = None,
        page_size: int = 100,
        page_offset: int = 0,
        tenant_id: str | None = None,
    ) -> list[Feature]:
        """Returns an app's features, the newest last: ``ledger_list_features``.

        [[was: One page of the features of an app, by id.]]

        Args:
            app_id: App that they belong to.
            status: active or archived; None for both. [[was: active, archived, or None for both.]],
                or None.
            page_size: How many at most, 1 to 10,000. [[was: 1 to 10000.]]
            page_offset: How many to leave out before them. [[was: rows to leave out.]]
            tenant_id: None for all of the app; the empty text for those that are for all tenants; a
                tenant's for its own and these. [[was: None for the whole app's and every tenant's,
                empty for the whole app's alone, otherwise that tenant's and the whole app's.]], or
                None.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: There is no such status.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            FEATURE_ROW,
            self._statements.list_features,
            (
                app_id,
                status,
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
                tenant_id,
            ),
        )

    async def list_global_features(
        self,
        *,
        status: str | None = None,
        page_size: int = 100,
        page_offset: int = 0,
    ) -> list[Feature]:
        """Returns the features of all apps, the newest last: ``ledger_list_global_features``.

        [[was: One page of the features that belong to all apps, by id.]]

        Args:
            status: active or archived; None for both. [[was: active, archived, or None for both.]],
                or None.
            page_size: How many at most, 1 to 10,000. [[was: 1 to 10000.]]
            page_offset: How many to leave out before them. [[was: rows to leave out.]]

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidArgument: There is no such status.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            FEATURE_ROW,
            self._statements.list_global_features,
            (
                status,
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
            ),
        )

    async def list_plans(
        self,
        app_id: str,
        *,
        status: str | None = None,
        page_size: int = 100,
        page_offset: int = 0,
        tenant_id: str | None = None,
    ) -> list[Plan]:
        """Returns an app's plans, the newest last: ``ledger_list_plans``.

        [[was: One page of the plans of an app, by id.]]

        Args:
            app_id: App that they belong to.
            status: active or archived; None for both. [[was: active, archived, or None for both.]],
                or None.
            page_size: How many at most, 1 to 10,000. [[was: 1 to 10000.]]
            page_offset: How many to leave out before them. [[was: rows to leave out.]]
            tenant_id: None for all of the app; the empty text for those that are for all tenants; a
                tenant's for its own and these. [[was: None for the whole app's and every tenant's,
                empty for the whole app's alone, otherwise that tenant's and the whole app's.]], or
                None.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: There is no such status.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            PLAN_ROW,
            self._statements.list_plans,
            (
                app_id,
                status,
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
                tenant_id,
            ),
        )

    async def update_feature(
        self,
        app_id: str,
        id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        aggregation: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Feature:
        """Changes a feature: ``ledger_update_feature``.

        What is None stays as it is. Key, type and unique key never change.

        [[was: Changes a feature and returns it; what is None stays as it is.]]

        Args:
            app_id: App that it belongs to; * for a global one. [[was: * for a feature of all apps.
                A changed aggregation counts for plans that are written from then on.]]
            id: The feature's id.
            name: Name for people, or None.
            description: Text for people, or None.
            aggregation: What usage comes to, as for :meth:`create_feature`, or None.
            metadata: JSON object of the app's own, or None.

        Returns:
            The feature; with the same version as before where nothing changed.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            FeatureNotFound: The app has no such feature.
            InvalidArgument: The name or the aggregation is not valid.
            InvalidMetadata: Metadata is not a JSON object, or has more than 65536 bytes.
        """
        return await self._fetch_one(
            FEATURE_ROW,
            self._statements.update_feature,
            (
                app_id,
                id,
                name,
                description,
                aggregation,
                metadata_text(metadata),
            ),
        )

    async def update_plan(
        self,
        app_id: str,
        id: str,
        *,
        name: str | None = None,
        features: Mapping[str, Any] | None = None,
        pricing: Mapping[str, Any] | None = None,
        description: str | None = None,
        trial_days: int | None = None,
        anchor_at_trial_end: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Plan:
        """Changes a plan: ``ledger_update_plan``.

        What is None stays as it is; what is given replaces what there was, as a whole. Currency,
        slug and being an add-on never change.

        [[was: Changes a plan and returns it; what is None stays as it is. The currency, the slug
        and whether it is an add-on never change, nor does the billing interval while subscriptions
        have the plan.]]

        Args:
            app_id: App that it belongs to.
            id: The plan's id.
            name: Name for people, or None.
            features: What it gives, as for :meth:`create_plan`, or None.
            pricing: What it costs, as for :meth:`create_plan`, or None.
            description: Text for people, or None.
            trial_days: Days of trial that a new subscription gets, or None.
            anchor_at_trial_end: Whether billing periods count from the end of the trial, or None.
            metadata: JSON object of the app's own, or None.

        Returns:
            The plan; with the same version as before where nothing changed.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            PlanNotFound: The app has no such plan.
            InvalidArgument: The name or the days of trial are not valid.
            InvalidMetadata: Metadata is not a JSON object, or has more than 65536 bytes.
            InvalidPlan: Features or pricing are not valid; the message names the path.
            FeatureNotFound: A feature is not in the catalogue.
            Archived: A feature that is new to the plan is archived.
            InUse: The billing interval would change while there are subscriptions.
        """
        return await self._fetch_one(
            PLAN_ROW,
            self._statements.update_plan,
            (
                app_id,
                id,
                name,
                mapping_text("features", features),
                mapping_text("pricing", pricing),
                description,
                optional_integer_text("trial_days", trial_days),
                optional_flag_text("anchor_at_trial_end", anchor_at_trial_end),
                metadata_text(metadata),
            ),
        )

    async def archive_feature(
        self,
        app_id: str,
        id: str,
    ) -> Feature:
        """Closes a feature to new plans: ``ledger_archive_feature``.

        [[was: Archives a feature and returns it: plans that contain it keep it, no other plan may
        contain it.]]

        Args:
            app_id: App that it belongs to; * for a global one.
            id: The feature's id.

        Returns:
            The feature; a second time it does not change.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            FeatureNotFound: The app has no such feature.
        """
        return await self._fetch_one(
            FEATURE_ROW,
            self._statements.archive_feature,
            (
                app_id,
                id,
            ),
        )

    async def archive_plan(
        self,
        app_id: str,
        id: str,
    ) -> Plan:
        """Takes a plan off the market; subscriptions keep it: ``ledger_archive_plan``.

        [[was: Archives a plan and returns it: subscriptions that have it keep it, no other may take
        it.]]

        Args:
            app_id: App that it belongs to.
            id: The plan's id.

        Returns:
            The plan; a second time it does not change.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            PlanNotFound: The app has no such plan.
        """
        return await self._fetch_one(
            PLAN_ROW,
            self._statements.archive_plan,
            (
                app_id,
                id,
            ),
        )

    async def delete_feature(
        self,
        app_id: str,
        id: str,
    ) -> Feature:
        """Deletes a feature that was never used: ``ledger_delete_feature``.

        [[was: Deletes a feature that no plan contains and no usage was recorded of, and returns it
        as it was.]]

        Args:
            app_id: App that it belongs to; * for a global one.
            id: The feature's id.

        Returns:
            The feature as it was.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            FeatureNotFound: The app has no such feature.
            InUse: A plan contains it, or usage of it was recorded. Archive it instead.
        """
        return await self._fetch_one(
            FEATURE_ROW,
            self._statements.delete_feature,
            (
                app_id,
                id,
            ),
        )

    async def delete_plan(
        self,
        app_id: str,
        id: str,
    ) -> Plan:
        """Deletes a plan that nobody has or had: ``ledger_delete_plan``.

        [[was: Deletes a plan that no subscription has or has had, and returns it as it was.]]

        Args:
            app_id: App that it belongs to.
            id: The plan's id.

        Returns:
            The plan as it was.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            PlanNotFound: The app has no such plan.
            InUse: A subscription has it, or had it once. Archive it instead.
        """
        return await self._fetch_one(
            PLAN_ROW,
            self._statements.delete_plan,
            (
                app_id,
                id,
            ),
        )

    async def price_usage(
        self,
        price: Mapping[str, Any],
        quantity: Decimal | int,
        *,
        allowance: Decimal | int = 0,
        exponent: int | None = None,
    ) -> list[PriceLine]:
        """Says what a price comes to, whoever pays it: ``ledger_price_usage``.

        [[was: What usage costs by a price: a line for each tier that it reaches (kind usage), then
        one that brings the total up to the minimum (``true_up``) or down to the maximum (cap). line
        counts from 1; amount is quantity * ``unit_amount`` + ``flat_amount``, of packages by their
        number.]]

        Args:
            price: A price as a plan's pricing has it, for example ``{"feature": "api_calls",
                "model": "per_unit", "unit_amount": Decimal("0.001")}``. Numbers are Decimal, int or
                str. [[was: JSON object of a price as in a plan's pricing, with or without its
                feature.]]
            quantity: How much is used, 0 or more. [[was: what was used, from 0.]]
            allowance: How much of it is free. [[was: how much of that is not priced.]]
            exponent: Decimal places that amounts are rounded to, so that the lines add up to the
                rounded total; None for exact amounts. [[was: decimal places that amounts are
                rounded to, half away from zero, so that lines add up to the rounded total; None for
                exact amounts.]], or None.

        Returns:
            A line for each tier that is reached, then what the minimum or maximum adds or takes.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidPlan: Price is not valid; the message names the path.
            InvalidQuantity: The quantity or the allowance is not in range.
            InvalidArgument: The exponent is out of range.
        """
        return await self._fetch_all(
            PRICE_LINE_ROW,
            self._statements.price_usage,
            (
                mapping_text("price", price),
                decimal_text("quantity", quantity),
                decimal_text("allowance", allowance),
                optional_integer_text("exponent", exponent),
            ),
        )

    async def create_subscription(
        self,
        app_id: str,
        tenant_id: str,
        plan_id: str,
        *,
        started_at: datetime | None = None,
        anchor_at: datetime | None = None,
        time_zone: str = "UTC",
        trial_days: int | None = None,
        quantity: Decimal | int = 1,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        tax_rates: Sequence[Mapping[str, Any]] = (),
    ) -> Subscription:
        """Subscribes a tenant to a plan: ``ledger_create_subscription``.

        Args:
            app_id: App.
            tenant_id: Who subscribes.
            plan_id: To which plan: one of the app's, or the tenant's own. [[was: a plan of the
                whole app or of the tenant.]]
            started_at: Since when, not in the future; None for now. Periods that have passed since
                then are written down at once. [[was: now, or a time in the past.]], or None.
            anchor_at: Boundary that periods are counted from; None for the end of the trial where
                the plan says so, and else for ``started_at``. [[was: what periods are counted from;
                the start, or, if the plan says so, the end of the trial; with another, the first
                period is a part of one.]], or None.
            time_zone: Zone of the IANA database in whose days and months periods are counted.
                [[was: UTC or the name of a time zone such as Europe/Berlin, in whose days and
                months periods are counted.]]
            trial_days: Days of trial; None for the plan's, 0 for none. [[was: 0 to 3650, or None
                for the plan's.]], or None.
            quantity: How many times the plan is taken. [[was: how many times the plan is taken,
                above 0.]]
            metadata: JSON object of the app's own. [[was: JSON object, at most 64 KiB.]], or None.
            id: The subscription's id if the caller chooses it. The same call with the same id
                returns it as it is now. [[was: ``sub_`` and a ULID of your own choice, to make the
                call repeatable.]], or None.
            tax_rates: Tax rates of its invoices, unless others are given for one: a mapping for
                each, for example ``{"name": "Sales tax", "percentage": Decimal("8.25"),
                "applies_to": ["base", "api_calls"]}``. Percentages are Decimal, int or str, 0 to
                100. ``applies_to`` names features, and base for base fees; without it a rate is on
                everything. [[was: JSON array of the tax rates of its invoices, such as ``[{"name":
                "VAT", "percentage": "19"}]``.]]

        Returns:
            The subscription.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidTime: ``started_at`` is in the future, or a time is outside the years 1 to 9999.
            InvalidArgument: The time zone or the days of trial are not valid.
            InvalidQuantity: The quantity is not in range.
            InvalidMetadata: Metadata is not a JSON object, or has more than 65536 bytes.
            InvalidInvoice: ``tax_rates`` are not valid; the message names the path.
            IdempotencyConflict: The id is taken by a different subscription.
            PlanNotFound: There is no such plan for this app and tenant.
            Archived: The plan is archived.
            ActiveSubscriptionExists: The tenant has one that is not an add-on, nor is this one.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW,
            self._statements.create_subscription,
            (
                app_id,
                tenant_id,
                plan_id,
                time_text("started_at", started_at),
                time_text("anchor_at", anchor_at),
                time_zone,
                optional_integer_text("trial_days", trial_days),
                decimal_text("quantity", quantity),
                metadata_text(metadata),
                id,
                sequence_text("tax_rates", tax_rates),
            ),
        )

    async def get_active_subscription(
        self,
        app_id: str,
        tenant_id: str,
    ) -> list[Subscription]:
        """Returns what a tenant is subscribed to now: ``ledger_get_active_subscription``.

        [[was: The tenant's trialing or active subscription that is not an add-on, or no row.]]

        Args:
            app_id: App.
            tenant_id: Whose.

        Returns:
            The one that is trialing or active and not an add-on, or None.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
        """
        return await self._fetch_all(
            SUBSCRIPTION_ROW,
            self._statements.get_active_subscription,
            (
                app_id,
                tenant_id,
            ),
        )

    async def get_subscription(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
    ) -> Subscription:
        """Returns a subscription: ``ledger_get_subscription``.

        [[was: The tenant's subscription of that id, as it is written down.]]

        Args:
            app_id: App.
            tenant_id: Whose it is.
            id: The subscription's id.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW,
            self._statements.get_subscription,
            (
                app_id,
                tenant_id,
                id,
            ),
        )

    async def list_subscriptions(
        self,
        app_id: str,
        tenant_id: str,
        *,
        status: str | None = None,
        page_size: int = 100,
        page_offset: int = 0,
    ) -> list[Subscription]:
        """Returns a tenant's subscriptions, the newest last: ``ledger_list_subscriptions``.

        [[was: One page of a tenant's subscriptions, by id, as they are written down.]]

        Args:
            app_id: App.
            tenant_id: Whose.
            status: trialing, active, paused or canceled; None for all. [[was: trialing, active,
                paused, canceled, or None for all.]], or None.
            page_size: How many at most, 1 to 10,000. [[was: 1 to 10000.]]
            page_offset: How many to leave out before them. [[was: rows to leave out.]]

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: There is no such status.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            SUBSCRIPTION_ROW,
            self._statements.list_subscriptions,
            (
                app_id,
                tenant_id,
                status,
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
            ),
        )

    async def update_subscription(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
        *,
        quantity: Decimal | int | None = None,
        metadata: Mapping[str, Any] | None = None,
        tax_rates: Sequence[Mapping[str, Any]] | None = None,
    ) -> Subscription:
        """Changes quantity, metadata or tax rates: ``ledger_update_subscription``.

        What is None stays as it is.

        [[was: Changes quantity, metadata and tax rates of a subscription and returns it; None
        leaves them.]]

        Args:
            app_id: App.
            tenant_id: Whose it is.
            id: The subscription's id.
            quantity: How many times the plan is taken. [[was: above 0; what it changes of the
                current period is prorated on the period's invoice.]], or None.
            metadata: JSON object of the app's own. [[was: JSON object, at most 64 KiB, instead of
                the one before.]], or None.
            tax_rates: Tax rates of its invoices, as for :meth:`create_subscription`. [[was: JSON
                array, instead of the one before, for invoices still to be drawn up.]], or None.

        Returns:
            The subscription; with the same version as before where nothing changed.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidQuantity: The quantity is not in range.
            InvalidMetadata: Metadata is not a JSON object, or has more than 65536 bytes.
            InvalidInvoice: ``tax_rates`` are not valid; the message names the path.
            InvalidState: It is canceled.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW,
            self._statements.update_subscription,
            (
                app_id,
                tenant_id,
                id,
                optional_decimal_text("quantity", quantity),
                metadata_text(metadata),
                sequence_text("tax_rates", tax_rates),
            ),
        )

    async def change_plan(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
        plan_id: str,
    ) -> Subscription:
        """Moves a subscription to another plan, now: ``ledger_change_plan``.

        With the same billing interval the periods stay; with another, a new period starts now. A
        trial that is going on goes on.

        [[was: Moves a subscription to another plan and returns it. With an interval of the same
        length its periods stay; with another they are counted from now, or, during a trial that
        they are counted from the end of, still from there.]]

        Args:
            app_id: App.
            tenant_id: Whose it is.
            id: The subscription's id.
            plan_id: The plan to move to, of the same currency. [[was: a plan of the whole app or of
                the tenant, of the same currency, and an add-on if the present one is.]]

        Returns:
            The subscription.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidState: The subscription is canceled or paused.
            PlanNotFound: There is no such plan for this app and tenant.
            Archived: The plan is archived.
            InvalidArgument: The plan has another currency, or one of both is an add-on.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW,
            self._statements.change_plan,
            (
                app_id,
                tenant_id,
                id,
                plan_id,
            ),
        )

    async def pause_subscription(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
    ) -> Subscription:
        """Stops a subscription until it is resumed: ``ledger_pause_subscription``.

        [[was: Pauses a subscription and returns it: it gives nothing until it is resumed.]]

        Args:
            app_id: App.
            tenant_id: Whose it is.
            id: The subscription's id.

        Returns:
            The subscription; a second time it does not change.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidState: It is canceled.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW,
            self._statements.pause_subscription,
            (
                app_id,
                tenant_id,
                id,
            ),
        )

    async def resume_subscription(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
    ) -> Subscription:
        """Resumes a paused subscription, or keeps one: ``ledger_resume_subscription``.

        A cancellation that is decided and has not come is withdrawn.

        [[was: Lets a subscription go on that is paused, or cancelled and not at its end yet, and
        returns it. Its periods are counted as if it had not been paused.]]

        Args:
            app_id: App.
            tenant_id: Whose it is.
            id: The subscription's id.

        Returns:
            The subscription; in the period that now lies in.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidState: It is canceled.
            ActiveSubscriptionExists: The tenant has taken another one meanwhile.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW,
            self._statements.resume_subscription,
            (
                app_id,
                tenant_id,
                id,
            ),
        )

    async def cancel_subscription(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
        *,
        at_period_end: bool = True,
        unused_time: str = "none",
    ) -> Subscription:
        """Ends a subscription: ``ledger_cancel_subscription``.

        [[was: Cancels a subscription and returns it.]]

        Args:
            app_id: App.
            tenant_id: Whose it is.
            id: The subscription's id.
            at_period_end: At the end of the current period or of the trial, rather than now. [[was:
                True to let the trial or the current period go to its end, which
                :meth:`resume_subscription` can prevent; False to end it at once.]]
            unused_time: What becomes of time that was paid and is not used, if it ends now: none,
                credit (kept for the tenant) or refund. [[was: what becomes of a base fee paid in
                advance for time after the end at once: none (it is kept), credit or refund, on the
                invoice of the last period.]]

        Returns:
            The subscription; a second time it does not change.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidArgument: There is no such ``unused_time``, or not at the period's end.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW,
            self._statements.cancel_subscription,
            (
                app_id,
                tenant_id,
                id,
                flag_text("at_period_end", at_period_end),
                unused_time,
            ),
        )

    async def set_usage_skew(
        self,
        app_id: str,
        skew: timedelta,
    ) -> timedelta:
        """Sets how far ahead of the clock usage may be: ``ledger_set_usage_skew``.

        [[was: Sets how far ahead of the clock usage events of the app may be, and returns it: 1
        hour unless set, 0 to 365 days.]]

        Args:
            app_id: App.
            skew: How far, for machines whose clocks differ; an hour until it is set.

        Returns:
            The same.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: It is negative or too long.
        """
        value: timedelta = await self._fetch_one(
            scalar_row,
            self._statements.set_usage_skew,
            (
                app_id,
                interval_text("skew", skew),
            ),
        )
        return value

    async def record_usage(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
        *,
        quantity: Decimal | int = 1,
        event_at: datetime | None = None,
        idempotency_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> list[UsageReceipt]:
        """Records one event of usage: ``ledger_record_usage``.

        [[was: Records one usage event and says whether it was inserted, with its id, or is a
        duplicate: its idempotency key is taken, the first event of that key counts, and the id is
        its.]]

        Args:
            app_id: App.
            tenant_id: Who used it.
            feature_key: What was used.
            quantity: How much, 0 or more. [[was: 0 or more, below 1e30, at most 18 decimal places;
                for a seat, how many there are now.]]
            event_at: When it happened; None for now. [[was: when it happened, None for now.]], or
                None.
            idempotency_key: The tenant's own name of the event: a second one is not counted, or
                None.
            metadata: JSON object to store with it. [[was: JSON object, at most 64 KiB, or None.]],
                or None.

        Returns:
            Whether it was counted now or had been before, and its id.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            FeatureNotFound: There is no feature of this key for this app and tenant.
            InvalidArgument: The feature is not one that usage is recorded of, or a key or a value
                that it counts by is not valid.
            InvalidQuantity: The quantity is not in range.
            InvalidTime: ``event_at`` is outside the years 1 to 9999.
            UsageInFuture: ``event_at`` is further ahead than the app allows.
            UsagePurged: ``event_at`` is so long ago that events may have been purged.
            InvalidMetadata: Metadata is not a JSON object, or has more than 65536 bytes.
        """
        return await self._fetch_all(
            USAGE_RECEIPT_ROW,
            self._statements.record_usage,
            (
                app_id,
                tenant_id,
                feature_key,
                decimal_text("quantity", quantity),
                time_text("event_at", event_at),
                idempotency_key,
                metadata_text(metadata),
            ),
        )

    async def query_usage(
        self,
        app_id: str,
        tenant_id: str,
        *,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
        feature_key: str | None = None,
        page_size: int = 100,
        page_offset: int = 0,
    ) -> list[UsageEvent]:
        """Returns usage events, the earliest first: ``ledger_query_usage``.

        [[was: A page of a tenant's usage events from ``starts_at``, inclusive, to ``ends_at``,
        exclusive, of one feature or of all, in the order in which they happened.]]

        Args:
            app_id: App.
            tenant_id: Whose.
            starts_at: From when on, inclusive; None for the beginning, or None.
            ends_at: Until when, exclusive; None for the end, or None.
            feature_key: What was used; None for anything, or None.
            page_size: How many at most, 1 to 10,000. [[was: 1 to 10000.]]
            page_offset: How many to leave out before them. [[was: rows to leave out; to go through
                many, ask from the last ``event_at`` on instead.]]

        Returns:
            Events by time, and those of the same time as they were recorded.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            USAGE_EVENT_ROW,
            self._statements.query_usage,
            (
                app_id,
                tenant_id,
                time_text("starts_at", starts_at),
                time_text("ends_at", ends_at),
                feature_key,
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
            ),
        )

    async def aggregate_usage(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
        starts_at: datetime,
        ends_at: datetime,
        *,
        aggregation: str | None = None,
    ) -> Decimal:
        """Returns what usage of a feature comes to: ``ledger_aggregate_usage``.

        [[was: What a tenant's usage of a feature comes to from ``starts_at``, inclusive, to
        ``ends_at``, exclusive; 0 where there is none.]]

        Args:
            app_id: App.
            tenant_id: Who used it.
            feature_key: What was used.
            starts_at: From when on, inclusive.
            ends_at: Until when, exclusive.
            aggregation: How to count; None for the feature's own way. [[was: sum, count, max,
                ``unique_count`` or latest; None for the feature's own. Exact, and as fast however
                many events there are: it reads totals of days and hours, and events only of the
                hours that the range breaks.]], or None.

        Returns:
            Zero where there was no usage.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidTime: A time is outside the years 1 to 9999, or the end before the start.
            InvalidArgument: There is no such aggregation for this feature.
            FeatureNotFound: There is no feature of this key for this app and tenant.
            UsagePurged: A time splits an hour whose events may have been purged.
        """
        value: Decimal = await self._fetch_one(
            scalar_row,
            self._statements.aggregate_usage,
            (
                app_id,
                tenant_id,
                feature_key,
                time_text("starts_at", starts_at),
                time_text("ends_at", ends_at),
                aggregation,
            ),
        )
        return value

    async def aggregate_usage_by_feature(
        self,
        app_id: str,
        tenant_id: str,
        feature_keys: Iterable[str],
        starts_at: datetime,
        ends_at: datetime,
    ) -> list[FeatureUsage]:
        """Returns what usage of each of many features comes to.

        The function behind it is :meth:`aggregate_usage_by_feature`.

        [[was: What a tenant's usage of several features comes to from ``starts_at``, inclusive, to
        ``ends_at``, exclusive: one row a key, in their order, with the aggregation that the feature
        has.]]

        Calls ``ledger_aggregate_usage_by_feature``.

        Args:
            app_id: App.
            tenant_id: Who used them.
            feature_keys: What was used.
            starts_at: From when on, inclusive.
            ends_at: Until when, exclusive.

        Returns:
            One row for each key, in their order.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidBatch: The arrays of a batch are None, not one-dimensional, or of unequal length.
            BatchTooLarge: More than 100,000 keys.
            InvalidTime: A time is outside the years 1 to 9999, or the end before the start.
            FeatureNotFound: There is no feature of one of these keys for this app and tenant.
            UsagePurged: A time splits an hour whose events may have been purged.
        """
        return await self._fetch_all(
            FEATURE_USAGE_ROW,
            self._statements.aggregate_usage_by_feature,
            (
                app_id,
                tenant_id,
                keys_text("feature_keys", feature_keys),
                time_text("starts_at", starts_at),
                time_text("ends_at", ends_at),
            ),
        )

    async def purge_usage(
        self,
        app_id: str,
        before: datetime,
        *,
        max_events: int = 10000,
    ) -> int:
        """Deletes old usage events and keeps what they come to: ``ledger_purge_usage``.

        Call it, each time in a transaction of its own, until it returns 0.

        [[was: Deletes an app's usage events that happened before a time, oldest first within a
        feature, and returns how many: call it, each time in a transaction of its own, until that is
        0. What subscriptions that go on still count in is kept, and so are all totals.]]

        Args:
            app_id: App.
            before: Events from then on are kept; counts to whole UTC hours. [[was: at least an hour
                ago.]]
            max_events: How many to delete at most. [[was: at most so many in this call, 1 to
                1000000. Of the tenants concerned, events of the hours deleted are refused from then
                on (UsagePurged).]]

        Returns:
            How many were deleted.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidTime: Before is outside the years 1 to 9999 or in the future.
            InvalidArgument: ``max_events`` is out of range.
        """
        value: int = await self._fetch_one(
            scalar_row,
            self._statements.purge_usage,
            (
                app_id,
                time_text("before", before),
                integer_text("max_events", max_events),
            ),
        )
        return value

    async def set_cached_entitlement(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
        *,
        ttl: timedelta = timedelta(seconds=30),
    ) -> list[Entitlement]:
        """Checks an entitlement and remembers the answer: ``ledger_set_cached_entitlement``.

        [[was: Works out what a tenant has of a feature, remembers it for
        :meth:`get_cached_entitlement`, and returns what :meth:`check_entitlement` does for a
        quantity of 1.]]

        Args:
            app_id: App.
            tenant_id: Whose.
            feature_key: To what.
            ttl: For how long at most; less where a period, trial or subscription ends before.
                [[was: how long it may be served at most, above 0 and at most a day. It stops being
                served earlier when anything that it was made from changes: plan, subscription,
                usage, an invalidation, the end of a period, a trial or a subscription.]]

        Returns:
            What :meth:`check_entitlement` returns for a quantity of 1.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: Ttl is out of range.
            FeatureNotFound: There is no feature of this key for this app and tenant.
        """
        return await self._fetch_all(
            ENTITLEMENT_ROW,
            self._statements.set_cached_entitlement,
            (
                app_id,
                tenant_id,
                feature_key,
                interval_text("ttl", ttl),
            ),
        )

    async def get_cached_entitlement(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
        *,
        quantity: Decimal | int = 1,
    ) -> list[Entitlement]:
        """Returns an answer that was remembered: ``ledger_get_cached_entitlement``.

        [[was: What :meth:`set_cached_entitlement` remembered, for a quantity of now; no row if
        there is nothing, its time is over, or anything that it was made from has changed since.]]

        Args:
            app_id: App.
            tenant_id: Whose.
            feature_key: To what.
            quantity: How much of it, on top of what was used.

        Returns:
            What :meth:`check_entitlement` would return; None if there is none, or it has expired,
            or what it was made from has changed since.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidQuantity: The quantity is not in range.
        """
        return await self._fetch_all(
            ENTITLEMENT_ROW,
            self._statements.get_cached_entitlement,
            (
                app_id,
                tenant_id,
                feature_key,
                decimal_text("quantity", quantity),
            ),
        )

    async def check_entitlement(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
        *,
        quantity: Decimal | int = 1,
    ) -> list[Entitlement]:
        """Says whether a tenant may use a feature now: ``ledger_check_entitlement``.

        [[was: Whether a tenant may use so much more of a feature now: allowed, feature, used (in
        the limit's period; for a seat, the level), limit (-1: unlimited; of a boolean 1 for on),
        remaining (-1: unlimited), ``soft_limit``, and a reason: ``within_limit``, unlimited,
        ``soft_limit`` (allowed beyond the limit), enabled; or ``limit_exceeded``, disabled,
        ``not_in_plan``, paused, ``no_subscription``.]]

        Args:
            app_id: App.
            tenant_id: Who wants to use it.
            feature_key: What.
            quantity: How much of it, on top of what was used. [[was: how much more, 0 or more.
                Exact, never cached.]]

        Returns:
            Whether it is allowed, and why.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidQuantity: The quantity is not in range.
            FeatureNotFound: There is no feature of this key for this app and tenant.
        """
        return await self._fetch_all(
            ENTITLEMENT_ROW,
            self._statements.check_entitlement,
            (
                app_id,
                tenant_id,
                feature_key,
                decimal_text("quantity", quantity),
            ),
        )

    async def remaining_entitlement(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
    ) -> Decimal:
        """Says how much of a feature a tenant has left: ``ledger_remaining_entitlement``.

        [[was: How much of a feature a tenant has left: -1 if it is unlimited, 0 if the tenant does
        not have it; of a boolean feature 1 for on.]]

        Args:
            app_id: App.
            tenant_id: Who.
            feature_key: Of what.

        Returns:
            How much; -1 for unlimited, 0 for nothing.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            FeatureNotFound: There is no feature of this key for this app and tenant.
        """
        value: Decimal = await self._fetch_one(
            scalar_row,
            self._statements.remaining_entitlement,
            (
                app_id,
                tenant_id,
                feature_key,
            ),
        )
        return value

    async def consume_entitlement(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
        *,
        quantity: Decimal | int = 1,
        idempotency_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> list[Consumption]:
        """Checks and uses a feature in one step: ``ledger_consume_entitlement``.

        Whoever does it at the same time, no more is used than there is.

        [[was: Records usage if the limit allows it, in one step: of any number of concurrent calls
        no more are allowed than the limit has room for; what counts is what usage comes to with it,
        by the feature's aggregation.]]

        Args:
            app_id: App.
            tenant_id: Who uses it.
            feature_key: What.
            quantity: How much. [[was: how much, 0 or more; for a seat, how many more.]]
            idempotency_key: The tenant's own name of the usage event: a second one is not counted.
                [[was: the same call repeated with it is allowed, records nothing and says duplicate
                as its reason. Returns what :meth:`check_entitlement` does, as it is afterwards, and
                ``event_id``, None if nothing was recorded now (or before, under that key).]], or
                None.
            metadata: JSON object to store with the usage event, or None.

        Returns:
            Whether it was allowed and recorded, and what is left. What is not allowed is no error.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidQuantity: The quantity is not in range.
            InvalidArgument: The feature is not one that is used up, or the key or a value that it
                counts by is not valid.
            InvalidMetadata: Metadata is not a JSON object, or has more than 65536 bytes.
            FeatureNotFound: There is no feature of this key for this app and tenant.
            IdempotencyConflict: The key is taken by usage of another feature or quantity.
        """
        return await self._fetch_all(
            CONSUMPTION_ROW,
            self._statements.consume_entitlement,
            (
                app_id,
                tenant_id,
                feature_key,
                decimal_text("quantity", quantity),
                idempotency_key,
                metadata_text(metadata),
            ),
        )

    async def invalidate_feature_entitlements(
        self,
        app_id: str,
        feature_key: str,
    ) -> None:
        """Forgets remembered answers about a feature, for all tenants.

        The function behind it is :meth:`invalidate_feature_entitlements`.

        [[was: Stops serving whatever is cached of a feature, for all tenants of the app. What
        pgledger itself changes does that by itself.]]

        Calls ``ledger_invalidate_feature_entitlements``.

        Args:
            app_id: App.
            feature_key: To what.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            FeatureNotFound: No tenant of this app has a feature of this key.
        """
        await self._fetch_one(
            scalar_row,
            self._statements.invalidate_feature_entitlements,
            (
                app_id,
                feature_key,
            ),
        )

    async def invalidate_tenant_entitlements(
        self,
        app_id: str,
        tenant_id: str,
    ) -> None:
        """Forgets a tenant's remembered answers: ``ledger_invalidate_tenant_entitlements``.

        [[was: Stops serving whatever is cached of a tenant's entitlements. What pgledger itself
        changes does that by itself.]]

        Args:
            app_id: App.
            tenant_id: Whose.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
        """
        await self._fetch_one(
            scalar_row,
            self._statements.invalidate_tenant_entitlements,
            (
                app_id,
                tenant_id,
            ),
        )

    async def create_coupon(
        self,
        app_id: str,
        code: str,
        *,
        name: str | None = None,
        percentage: Decimal | int | None = None,
        amount: Decimal | int | None = None,
        currency: str | None = None,
        duration: str = "once",
        duration_invoices: int | None = None,
        applies_to: Iterable[str] | None = None,
        minimum_subtotal: Decimal | int | None = None,
        valid_from: datetime | None = None,
        valid_until: datetime | None = None,
        max_redemptions: int | None = None,
        max_redemptions_per_tenant: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        tenant_id: str = "",
    ) -> Coupon:
        """Creates a coupon: ``ledger_create_coupon``.

        [[was: Creates a coupon and returns it.]]

        Args:
            app_id: App that it belongs to.
            code: What is typed to redeem it, unique in the app (and tenant). [[was: what is typed
                to redeem it, 1 to 64 visible characters.]]
            name: Name for people; the code if None. [[was: for people, 1 to 255 characters; the
                code if left out.]], or None.
            percentage: Percent off, above 0 to 100. Either this or amount. [[was: percent off,
                above 0 to 100; or amount: amount off, in currency.]], or None.
            amount: Amount off, above 0, or None.
            currency: Currency of amount and ``minimum_subtotal``; the coupon is for invoices in
                that currency only. [[was: code of ISO 4217, or one that the app has defined; with
                one, the coupon is for invoices in it only.]], or None.
            duration: How many invoices a redemption reduces: once, repeating or forever. [[was:
                once, repeating or forever.]]
            duration_invoices: How many, if it is repeating. [[was: how many invoices a repeating
                one reduces, 1 to 1000.]], or None.
            applies_to: Keys of the features whose lines it reduces, base among them for base fees,
                and items of one-off lines; None for the whole invoice. [[was: which lines it
                reduces, 1 to 100 keys of features, base for the base fee, or items of one-off
                lines; None for the whole invoice.]], or None.
            minimum_subtotal: Sum of an invoice's lines, before discounts, from which on it applies.
                [[was: sum of an invoice's lines, before discounts, from which on it applies, in
                currency.]], or None.
            valid_from: From when on it can be redeemed, inclusive. [[was: it can be redeemed from
                the one until just before the other.]], or None.
            valid_until: Until when, exclusive. [[was: it can be redeemed from the one until just
                before the other.]], or None.
            max_redemptions: How often it can be redeemed in all; None for any number of times.
                [[was: how often in all.]], or None.
            max_redemptions_per_tenant: How often one tenant can redeem it. [[was: how often by one
                tenant.]], or None.
            metadata: JSON object of the app's own. [[was: JSON object, at most 64 KiB.]], or None.
            id: The coupon's id if the caller chooses it. The same call with the same id returns
                that coupon as it is now. [[was: ``cpn_`` and a ULID of your own choice, to make the
                call repeatable.]], or None.
            tenant_id: The one tenant that it is for; the empty text for all. [[was: tenant of a
                custom deal.]]

        Returns:
            The coupon.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: The code, the name, the discount, the duration or a limit is not valid.
            InvalidAmount: An amount is not in range.
            InvalidTime: A time is outside the years 1 to 9999, or the end not after the start.
            InvalidMetadata: Metadata is not a JSON object, or has more than 65536 bytes.
            InvalidId: An id is malformed.
            IdempotencyConflict: The id is taken by a different coupon.
            UnknownCurrency: The currency is neither of ISO 4217 nor the app's own.
            AlreadyExists: The code is taken.
        """
        return await self._fetch_one(
            COUPON_ROW,
            self._statements.create_coupon,
            (
                app_id,
                code,
                name,
                optional_decimal_text("percentage", percentage),
                optional_decimal_text("amount", amount),
                currency,
                duration,
                optional_integer_text("duration_invoices", duration_invoices),
                keys_text("applies_to", applies_to),
                optional_decimal_text("minimum_subtotal", minimum_subtotal),
                time_text("valid_from", valid_from),
                time_text("valid_until", valid_until),
                optional_integer_text("max_redemptions", max_redemptions),
                optional_integer_text("max_redemptions_per_tenant", max_redemptions_per_tenant),
                metadata_text(metadata),
                id,
                tenant_id,
            ),
        )

    async def get_coupon(
        self,
        app_id: str,
        code: str,
        *,
        tenant_id: str = "",
    ) -> Coupon:
        """Returns the coupon of a code: ``ledger_get_coupon``.

        [[was: The coupon that a code names for a tenant: its own, or else the whole app's.]]

        Args:
            app_id: App that it belongs to.
            code: Its code.
            tenant_id: For whom: the tenant's own coupon of that code comes before the app's.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            CouponNotFound: There is none for this app and tenant.
        """
        return await self._fetch_one(
            COUPON_ROW,
            self._statements.get_coupon,
            (
                app_id,
                code,
                tenant_id,
            ),
        )

    async def get_coupon_by_id(
        self,
        app_id: str,
        id: str,
    ) -> Coupon:
        """Returns a coupon: ``ledger_get_coupon_by_id``.

        [[was: The coupon of that id.]]

        Args:
            app_id: App that it belongs to.
            id: The coupon's id.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            CouponNotFound: The app has no such coupon.
        """
        return await self._fetch_one(
            COUPON_ROW,
            self._statements.get_coupon_by_id,
            (
                app_id,
                id,
            ),
        )

    async def list_coupon_redemptions(
        self,
        app_id: str,
        tenant_id: str,
        *,
        page_size: int = 100,
        page_offset: int = 0,
    ) -> list[CouponRedemption]:
        """Returns the coupons that a tenant has redeemed: ``ledger_list_coupon_redemptions``.

        [[was: One page of the coupons that a tenant has redeemed, by id of the redemption.]]

        Args:
            app_id: App.
            tenant_id: Who redeemed them.
            page_size: How many at most, 1 to 10,000. [[was: 1 to 10000.]]
            page_offset: How many to leave out before them. [[was: rows to leave out.]]

        Returns:
            Redemptions, the newest last.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            COUPON_REDEMPTION_ROW,
            self._statements.list_coupon_redemptions,
            (
                app_id,
                tenant_id,
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
            ),
        )

    async def list_coupons(
        self,
        app_id: str,
        *,
        active_only: bool = False,
        page_size: int = 100,
        page_offset: int = 0,
        tenant_id: str | None = None,
    ) -> list[Coupon]:
        """Returns an app's coupons, the newest last: ``ledger_list_coupons``.

        [[was: One page of the coupons of an app, by id.]]

        Args:
            app_id: App that they belong to.
            active_only: Only those that are not archived, past their time or used up. [[was: True
                to leave out those that are archived, no longer valid or used up.]]
            page_size: How many at most, 1 to 10,000. [[was: 1 to 10000.]]
            page_offset: How many to leave out before them. [[was: rows to leave out.]]
            tenant_id: None for all of the app; the empty text for those that are for all tenants; a
                tenant's for its own and these. [[was: None for the whole app's and every tenant's,
                empty for the whole app's alone, otherwise that tenant's and the whole app's.]], or
                None.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            COUPON_ROW,
            self._statements.list_coupons,
            (
                app_id,
                flag_text("active_only", active_only),
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
                tenant_id,
            ),
        )

    async def redeem_coupon(
        self,
        app_id: str,
        tenant_id: str,
        code: str,
        *,
        subscription_id: str | None = None,
        id: str | None = None,
    ) -> CouponRedemption:
        """Redeems a coupon for a tenant: ``ledger_redeem_coupon``.

        However many do it at the same time, it is not redeemed more often than it can be.

        Args:
            app_id: App.
            tenant_id: Who redeems it.
            code: Its code: the tenant's own coupon of that code comes before the app's. [[was: of
                the tenant's own coupon, or else of the whole app's.]]
            subscription_id: Subscription whose invoices it is to reduce; None for all of the
                tenant's. [[was: the subscription whose invoices it reduces; None for all of the
                tenant's.]], or None.
            id: The redemption's id if the caller chooses it. The same call with the same id redeems
                once and returns that redemption as it is now. [[was: ``red_`` and a ULID of your
                own choice, to make the call repeatable.]], or None.

        Returns:
            The redemption.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            IdempotencyConflict: The id is taken by a different redemption.
            SubscriptionNotFound: The tenant has no such subscription.
            CouponNotFound: There is no coupon of this code for this app and tenant.
            CouponNotValid: It is archived, not valid yet or not valid any more.
            CouponExhausted: It has been redeemed as often as it can be, in all or by this tenant.
        """
        return await self._fetch_one(
            COUPON_REDEMPTION_ROW,
            self._statements.redeem_coupon,
            (
                app_id,
                tenant_id,
                code,
                subscription_id,
                id,
            ),
        )

    async def update_coupon(
        self,
        app_id: str,
        id: str,
        *,
        name: str | None = None,
        valid_from: datetime | None = None,
        valid_until: datetime | None = None,
        max_redemptions: int | None = None,
        max_redemptions_per_tenant: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Coupon:
        """Changes a coupon: ``ledger_update_coupon``.

        What is None stays as it is. The code and the discount never change.

        [[was: Changes a coupon and returns it; what is None stays as it is. The code and the
        discount never change. ``max_redemptions`` cannot be below what was redeemed already.]]

        Args:
            app_id: App that it belongs to.
            id: The coupon's id.
            name: Name for people, or None.
            valid_from: From when on it can be redeemed, inclusive, or None.
            valid_until: Until when, exclusive, or None.
            max_redemptions: How often it can be redeemed in all, or None.
            max_redemptions_per_tenant: How often one tenant can redeem it, or None.
            metadata: JSON object of the app's own, or None.

        Returns:
            The coupon; with the same version as before where nothing changed.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            CouponNotFound: The app has no such coupon.
            InvalidArgument: The name or a limit is not valid.
            InvalidTime: A time is outside the years 1 to 9999, or the end not after the start.
            InvalidMetadata: Metadata is not a JSON object, or has more than 65536 bytes.
            InUse: It has been redeemed more often than ``max_redemptions``.
        """
        return await self._fetch_one(
            COUPON_ROW,
            self._statements.update_coupon,
            (
                app_id,
                id,
                name,
                time_text("valid_from", valid_from),
                time_text("valid_until", valid_until),
                optional_integer_text("max_redemptions", max_redemptions),
                optional_integer_text("max_redemptions_per_tenant", max_redemptions_per_tenant),
                metadata_text(metadata),
            ),
        )

    async def archive_coupon(
        self,
        app_id: str,
        id: str,
    ) -> Coupon:
        """Closes a coupon; who has redeemed it keeps it: ``ledger_archive_coupon``.

        [[was: Archives a coupon and returns it: who has redeemed it keeps it, nobody can redeem it
        any more.]]

        Args:
            app_id: App that it belongs to.
            id: The coupon's id.

        Returns:
            The coupon; a second time it does not change.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            CouponNotFound: The app has no such coupon.
        """
        return await self._fetch_one(
            COUPON_ROW,
            self._statements.archive_coupon,
            (
                app_id,
                id,
            ),
        )

    async def delete_coupon(
        self,
        app_id: str,
        id: str,
    ) -> Coupon:
        """Deletes a coupon that nobody has redeemed: ``ledger_delete_coupon``.

        [[was: Deletes a coupon that nobody has redeemed, and returns it as it was.]]

        Args:
            app_id: App that it belongs to.
            id: The coupon's id.

        Returns:
            The coupon as it was.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            CouponNotFound: The app has no such coupon.
            InUse: It has been redeemed. Archive it instead.
        """
        return await self._fetch_one(
            COUPON_ROW,
            self._statements.delete_coupon,
            (
                app_id,
                id,
            ),
        )

    async def create_invoice(
        self,
        app_id: str,
        tenant_id: str,
        currency: str,
        lines: Sequence[Mapping[str, Any]],
        *,
        tax_rates: Sequence[Mapping[str, Any]] = (),
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> Invoice:
        """Draws up a one-off invoice, of lines that are given: ``ledger_create_invoice``.

        Args:
            app_id: App.
            tenant_id: Who is billed.
            currency: Currency of every amount, of ISO 4217 or the app's own. [[was: a code of ISO
                4217 or of the app's own.]]
            lines: What is charged or, below zero, credited: a mapping for each of 1 to 1,000 lines
                with description and either amount or quantity and ``unit_amount``, for example
                ``{"description": "Support", "quantity": 3, "unit_amount": Decimal("80.00")}``;
                item, a text that coupons and tax rates can name, ``period_start`` and
                ``period_end`` if wanted. Numbers are Decimal, int or str; times are aware
                datetimes, or texts of ISO 8601 with an offset. [[was: JSON array of 1 to 1000
                objects: description, and either amount or quantity and ``unit_amount``; optionally
                item (what coupons and tax rates can name), ``period_start`` and ``period_end`` (ISO
                8601 with an offset). Amounts are rounded to the currency's exponent; below zero
                they are credits.]]
            tax_rates: Tax rates, as for :meth:`create_subscription`; ``applies_to`` names items.
                [[was: JSON array of at most 20 objects: name, percentage (0 to 100), and optionally
                ``applies_to``, an array of items.]]
            metadata: JSON object of the app's own. [[was: JSON object, at most 64 KiB, or None.]],
                or None.
            id: The invoice's id if the caller chooses it. The same call with the same id returns
                that invoice as it is now. [[was: of your choice (``inv_`` and a ULID), to make the
                call repeatable.]], or None.

        Returns:
            A draft.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            UnknownCurrency: The currency is neither of ISO 4217 nor the app's own.
            InvalidInvoice: Lines or ``tax_rates`` are not valid; the message names the path.
            InvalidMetadata: Metadata is not a JSON object, or has more than 65536 bytes.
            InvalidId: An id is malformed.
            IdempotencyConflict: The id is taken by a different invoice.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.create_invoice,
            (
                app_id,
                tenant_id,
                currency,
                sequence_text("lines", lines),
                sequence_text("tax_rates", tax_rates),
                metadata_text(metadata),
                id,
            ),
        )

    async def set_payment_terms(
        self,
        app_id: str,
        days: int,
    ) -> int:
        """Sets how long tenants have to pay invoices: ``ledger_set_payment_terms``.

        [[was: Sets how many days after it became final an invoice of the app is due, and returns
        it: 30 unless set, 0 to 3650.]]

        Args:
            app_id: App.
            days: Days from when an invoice is final, 0 to 3,650; 30 until it is set.

        Returns:
            The same.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: It is out of range.
        """
        value: int = await self._fetch_one(
            scalar_row,
            self._statements.set_payment_terms,
            (
                app_id,
                integer_text("days", days),
            ),
        )
        return value

    async def generate_invoice(
        self,
        app_id: str,
        tenant_id: str,
        subscription_id: str,
        *,
        at: datetime | None = None,
        kind: str = "period",
        tax_rates: Sequence[Mapping[str, Any]] | None = None,
    ) -> Invoice:
        """Draws up the invoice of a subscription's period: ``ledger_generate_invoice``.

        [[was: Draws up a subscription's invoice for a period as a draft and returns it; if there is
        one, that one as it is.]]

        Args:
            app_id: App.
            tenant_id: Who is billed.
            subscription_id: For which subscription.
            at: A time in the period; None for the current one. [[was: a time in the period, None
                for the current one, whose invoice can be drawn up before its end and becomes final
                after it.]], or None.
            kind: period (what the period has come to, and what the next one costs in advance),
                start (the base fee of a period that is paid in advance and not on the invoice of
                the one before) or interim (usage until now). [[was: period for what a period has
                come to and what the next one costs in advance; start for the base fee of a period
                that is paid in advance and not on the invoice of the one before; interim for usage
                until now.]]
            tax_rates: Tax rates, as for :meth:`create_subscription`; None for the subscription's.
                [[was: JSON array such as ``[{"name": "VAT", "percentage": "19", "applies_to":
                ["base"]}]``, None for the subscription's.]], or None.

        Returns:
            A draft, which for period becomes final after the period's end; what there is already of
            this subscription, period and kind is returned as it is, unless it was voided.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidArgument: There is no such kind, or the subscription has no period at that time.
            InvalidTime: At is outside the years 1 to 9999.
            InvalidInvoice: ``tax_rates`` are not valid; the message names the path.
            UsagePurged: Usage events of the period may have been purged.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.generate_invoice,
            (
                app_id,
                tenant_id,
                subscription_id,
                time_text("at", at),
                kind,
                sequence_text("tax_rates", tax_rates),
            ),
        )

    async def preview_invoice(
        self,
        app_id: str,
        tenant_id: str,
        subscription_id: str,
        *,
        at: datetime | None = None,
        kind: str = "period",
        tax_rates: Mapping[str, Any] | None = None,
    ) -> InvoicePreview:
        """Returns what :meth:`generate_invoice` would, and writes nothing down.

        The function behind it is :meth:`preview_invoice`.

        [[was: What a subscription's invoice for a period comes to as of now: the answer of
        :meth:`generate_invoice`, computed anew if there is a draft, without an id, and nothing
        stays written. Waits for who is changing the subscription only where :meth:`advance` is due
        for it; a read-only transaction is answered as of what :meth:`advance` has written down.
        Arguments as for :meth:`generate_invoice`.]]

        Calls ``ledger_preview_invoice``.

        Args:
            app_id: App.
            tenant_id: Who would be billed.
            subscription_id: For which subscription.
            at: A time in the period; None for the current one, or None.
            kind: period, start or interim, as for :meth:`generate_invoice`.
            tax_rates: Tax rates, as for :meth:`create_subscription`; None for the subscription's,
                or None.

        Returns:
            The draft as of now, computed anew if there is one, and without an id; what is final
            already is returned as it is.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidArgument: There is no such kind, or the subscription has no period at that time.
            InvalidTime: At is outside the years 1 to 9999.
            InvalidInvoice: ``tax_rates`` are not valid; the message names the path.
            UsagePurged: Usage events of the period may have been purged.
        """
        return await self._fetch_one(
            INVOICE_PREVIEW_ROW,
            self._statements.preview_invoice,
            (
                app_id,
                tenant_id,
                subscription_id,
                time_text("at", at),
                kind,
                mapping_text("tax_rates", tax_rates),
            ),
        )

    async def get_invoice(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
    ) -> Invoice:
        """Returns an invoice: ``ledger_get_invoice``.

        [[was: The tenant's invoice of that id.]]

        Args:
            app_id: App.
            tenant_id: Who is billed.
            id: The invoice's id.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.get_invoice,
            (
                app_id,
                tenant_id,
                id,
            ),
        )

    async def get_invoice_by_period(
        self,
        app_id: str,
        tenant_id: str,
        subscription_id: str,
        at: datetime,
        *,
        kind: str = "period",
    ) -> list[Invoice]:
        """Returns the invoice of a subscription's period: ``ledger_get_invoice_by_period``.

        [[was: The invoice of a subscription whose period, start inclusive and end exclusive, has
        that moment in it, unless it is voided; or no row.]]

        Args:
            app_id: App.
            tenant_id: Who is billed.
            subscription_id: For which subscription.
            at: A time in the period.
            kind: period, start or interim.

        Returns:
            The one that is not voided, or None.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidTime: At is outside the years 1 to 9999.
            InvalidArgument: There is no such kind.
            SubscriptionNotFound: The tenant has no such subscription.
        """
        return await self._fetch_all(
            INVOICE_ROW,
            self._statements.get_invoice_by_period,
            (
                app_id,
                tenant_id,
                subscription_id,
                time_text("at", at),
                kind,
            ),
        )

    async def list_invoices(
        self,
        app_id: str,
        tenant_id: str,
        *,
        status: str | None = None,
        page_size: int = 100,
        page_offset: int = 0,
    ) -> list[Invoice]:
        """Returns a tenant's invoices, the newest last: ``ledger_list_invoices``.

        [[was: One page of a tenant's invoices, by id.]]

        Args:
            app_id: App.
            tenant_id: Who is billed.
            status: draft, pending, paid, ``past_due``, voided or uncollectible; None for all.
                [[was: draft, pending, paid, ``past_due``, voided, uncollectible, or None for
                all.]], or None.
            page_size: How many at most, 1 to 10,000. [[was: 1 to 10000.]]
            page_offset: How many to leave out before them. [[was: rows to leave out.]]

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: There is no such status.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            INVOICE_ROW,
            self._statements.list_invoices,
            (
                app_id,
                tenant_id,
                status,
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
            ),
        )

    async def list_pending_invoices(
        self,
        app_id: str,
        tenant_id: str,
        *,
        page_size: int = 100,
        page_offset: int = 0,
    ) -> list[Invoice]:
        """Returns the invoices that a tenant is to pay: ``ledger_list_pending_invoices``.

        [[was: One page of a tenant's invoices that are to be paid, pending and ``past_due`` ones,
        by ``due_at``.]]

        Args:
            app_id: App.
            tenant_id: Who is billed.
            page_size: How many at most, 1 to 10,000. [[was: 1 to 10000.]]
            page_offset: How many to leave out before them. [[was: rows to leave out.]]

        Returns:
            Those that are pending or past due, by when they are due.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            INVOICE_ROW,
            self._statements.list_pending_invoices,
            (
                app_id,
                tenant_id,
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
            ),
        )

    async def refresh_invoice(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
    ) -> Invoice:
        """Computes a draft anew: ``ledger_refresh_invoice``.

        [[was: Computes a draft anew, as of now, and returns it.]]

        Args:
            app_id: App.
            tenant_id: Who is billed.
            id: The invoice's id.

        Returns:
            The invoice; with the same version as before where nothing changed.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidState: It is no draft.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.refresh_invoice,
            (
                app_id,
                tenant_id,
                id,
            ),
        )

    async def finalize_invoice(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
        *,
        due_at: datetime | None = None,
    ) -> Invoice:
        """Makes a draft final, with a number: ``ledger_finalize_invoice``.

        It is computed anew and uses up its coupons; nothing on it changes afterwards but its state
        and its payments. Numbers are taken one transaction after the other, so commit soon.

        [[was: Makes a draft final and returns it: computed anew a last time, with the app's next
        number, pending, or paid if nothing is due.]]

        Args:
            app_id: App.
            tenant_id: Who is billed.
            id: The invoice's id.
            due_at: When it is to be paid; None for the app's payment terms from now on
                (:meth:`set_payment_terms`). [[was: when it is to be paid; None for the app's
                payment terms from now, 30 days unless :meth:`set_payment_terms` says otherwise. The
                invoice of a period becomes final after the period's end. Numbers are taken one
                transaction after the other, so commit soon.]], or None.

        Returns:
            The invoice, pending, or paid where nothing is due; a second time it does not change
            while it is so.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidTime: ``due_at`` is outside the years 1 to 9999.
            InvalidState: It has gone on from there, or the period it is for is not over.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.finalize_invoice,
            (
                app_id,
                tenant_id,
                id,
                time_text("due_at", due_at),
            ),
        )

    async def mark_invoice_uncollectible(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
    ) -> Invoice:
        """Gives up an invoice: ``ledger_mark_invoice_uncollectible``.

        It can still be paid or voided.

        [[was: Gives up a pending or ``past_due`` invoice and returns it; it can still be paid or
        voided. One that is given up already stays as it is.]]

        Args:
            app_id: App.
            tenant_id: Who is billed.
            id: The invoice's id.

        Returns:
            The invoice, uncollectible; a second time it does not change.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidState: The invoice is a draft, paid or voided.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.mark_invoice_uncollectible,
            (
                app_id,
                tenant_id,
                id,
            ),
        )

    async def mark_invoice_voided(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
        *,
        reason: str | None = None,
    ) -> Invoice:
        """Takes an invoice back, as if it had not been: ``ledger_mark_invoice_voided``.

        Coupons that it used up can be used again, and what was paid on it is kept as unapplied.

        [[was: Voids a pending, ``past_due`` or uncollectible invoice and returns it: its coupons
        can be used again, and what was paid on it is added to unapplied. One that is voided already
        stays as it is.]]

        Args:
            app_id: App.
            tenant_id: Who is billed.
            id: The invoice's id.
            reason: Why. [[was: at most 1000 characters, or None.]], or None.

        Returns:
            The invoice, voided; a second time it does not change.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidArgument: The reason is not valid.
            InvalidState: The invoice is a draft or paid.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.mark_invoice_voided,
            (
                app_id,
                tenant_id,
                id,
                reason,
            ),
        )

    async def delete_invoice(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
    ) -> Invoice:
        """Deletes a draft: ``ledger_delete_invoice``.

        [[was: Deletes an invoice that is a draft, and returns it as it was.]]

        Args:
            app_id: App.
            tenant_id: Who is billed.
            id: The invoice's id.

        Returns:
            The draft as it was.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidState: It is no draft. Void it instead.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.delete_invoice,
            (
                app_id,
                tenant_id,
                id,
            ),
        )

    async def record_payment(
        self,
        app_id: str,
        tenant_id: str,
        invoice_id: str,
        amount: Decimal | int,
        *,
        paid_at: datetime | None = None,
        reference: str | None = None,
        id: str | None = None,
    ) -> Invoice:
        """Records a payment on an invoice: ``ledger_record_payment``.

        [[was: Writes a payment down on a pending, ``past_due``, uncollectible or paid invoice and
        returns the invoice, which is paid once payments cover ``amount_due``; what they are beyond
        it is added to unapplied.]]

        Args:
            app_id: App.
            tenant_id: Who paid.
            invoice_id: Which invoice.
            amount: How much, in the invoice's currency, above 0. [[was: above 0, in the invoice's
                currency and with no more decimal places than that has.]]
            paid_at: When, not in the future; None for now. [[was: not in the future; None for
                now.]], or None.
            reference: What the payment is called where it was made. [[was: what the payment is
                called where it was made, at most 255 characters, or None.]], or None.
            id: The payment's id if the caller chooses it. The same call with the same id records
                once and returns the invoice as it is now. [[was: of your choice (``pay_`` and a
                ULID), to make the call repeatable.]], or None.

        Returns:
            The invoice, paid once its payments cover it; what is paid beyond that is kept as
            unapplied.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidAmount: The amount is not in range, or has too many decimal places.
            InvalidTime: ``paid_at`` is in the future or outside the years 1 to 9999.
            InvalidArgument: The reference is not valid.
            IdempotencyConflict: The id is taken by a different payment.
            InvalidState: The invoice is a draft or voided.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.record_payment,
            (
                app_id,
                tenant_id,
                invoice_id,
                decimal_text("amount", amount),
                time_text("paid_at", paid_at),
                reference,
                id,
            ),
        )

    async def list_payments(
        self,
        app_id: str,
        tenant_id: str,
        invoice_id: str,
    ) -> list[Payment]:
        """Returns the payments made on an invoice, the newest last: ``ledger_list_payments``.

        [[was: The payments made on an invoice, in the order in which they were written down.]]

        Args:
            app_id: App.
            tenant_id: Who paid.
            invoice_id: Which invoice.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
        """
        return await self._fetch_all(
            PAYMENT_ROW,
            self._statements.list_payments,
            (
                app_id,
                tenant_id,
                invoice_id,
            ),
        )

    async def mark_invoice_paid(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
        *,
        paid_at: datetime | None = None,
        reference: str | None = None,
    ) -> Invoice:
        """Records a payment of all that is still due: ``ledger_mark_invoice_paid``.

        [[was: Writes down a payment of what remains of a pending, ``past_due`` or uncollectible
        invoice and returns the invoice, now paid; one that is paid already stays as it is.]]

        Args:
            app_id: App.
            tenant_id: Who paid.
            id: The invoice's id.
            paid_at: When, not in the future; None for now. [[was: not in the future; None for
                now.]], or None.
            reference: What the payment is called where it was made. [[was: what the payment is
                called where it was made, at most 255 characters, or None.]], or None.

        Returns:
            The invoice, paid; a second time it does not change.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidTime: ``paid_at`` is in the future or outside the years 1 to 9999.
            InvalidArgument: The reference is not valid.
            InvalidState: The invoice is a draft or voided.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.mark_invoice_paid,
            (
                app_id,
                tenant_id,
                id,
                time_text("paid_at", paid_at),
                reference,
            ),
        )

    async def advance(
        self,
        app_id: str,
        *,
        max_subscriptions: int = 1000,
        invoices: str = "final",
    ) -> list[SubscriptionMove]:
        """Moves what the clock has made due: ``ledger_advance``.

        Ends of trials and periods, cancellations, the invoices that are due with these, and
        invoices that were not paid in time. Any number of workers may call it at once, each in a
        transaction of its own: no two move the same subscription. Call it until it returns an empty
        list.

        [[was: Does what the clock asks for in an app, and returns one row for each thing done,
        those of a subscription in order: ``trial_ended``, ``period_started``, canceled; then
        ``invoice_drafted``, ``invoice_finalized``, ``invoice_past_due``; failed, with the error,
        for a subscription that is tried again in an hour; and ``nothing_due``, for the last one,
        where very many had only to be looked at. Any number of sessions can call it at once; call
        it, each time in a transaction of its own, until it returns no row.]]

        Args:
            app_id: App.
            max_subscriptions: How many to move at most, 1 to 10,000. [[was: how many to take at
                most, 1 to 10000.]]
            invoices: final draws up what is due and makes it final; draft leaves that to
                :meth:`finalize_invoice`; none moves subscriptions only. [[was: final draws up those
                that are due and makes them final; draft leaves them to be looked at and made final
                by :meth:`finalize_invoice`; none moves subscriptions only, and marks nothing as
                past due.]]

        Returns:
            What was done, step by step; empty when nothing is due that nobody else is moving.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: ``max_subscriptions`` is out of range, or there is no such invoices.
        """
        return await self._fetch_all(
            SUBSCRIPTION_MOVE_ROW,
            self._statements.advance,
            (
                app_id,
                integer_text("max_subscriptions", max_subscriptions),
                invoices,
            ),
        )

    async def map_tenant_role(
        self,
        role_name: str,
        app_id: str,
        tenant_id: str,
    ) -> None:
        """Lets a database role read a tenant's rows: ``ledger_map_tenant_role``.

        For administrators only. The role reads through the views ``ledger_tenant_*``.

        [[was: Lets a database role read a tenant's rows through the views ``ledger_tenant_*``; for
        administrators. The role is to be granted ``pgledger_tenant``, too.]]

        Args:
            role_name: The role.
            app_id: App of the tenant.
            tenant_id: The tenant.

        Returns:
            [[?]]

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: There is no such role, or it may be more than a tenant.
            AlreadyExists: The role is mapped to another tenant.
                psycopg.errors.InsufficientPrivilege: The connection's role is no administrator.
        """
        await self._fetch_one(
            scalar_row,
            self._statements.map_tenant_role,
            (
                role_name,
                app_id,
                tenant_id,
            ),
        )

    async def unmap_tenant_role(
        self,
        role_name: str,
    ) -> bool:
        """Takes from a database role what mapping gave it: ``ledger_unmap_tenant_role``.

        For administrators only.

        [[was: Takes a tenant's rows from a database role again; False if it had none; for
        administrators.]]

        Args:
            role_name: The role.

        Returns:
            Whether it was mapped.

        Raises:
            NullArgument: An argument that has to be given is None.
        """
        value: bool = await self._fetch_one(
            scalar_row, self._statements.unmap_tenant_role, (role_name,)
        )
        return value

# Written by scripts/build_catalog.py from the comments in sql/: change those.

"""The calls of the billing store's functions on an asynchronous connection, a method each."""

# ruff: noqa: A002 -- arguments are named as in SQL, where an id is an id

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

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
    PlanVersion,
    PriceLine,
    Subscription,
    SubscriptionMove,
    UsageEvent,
    UsagePart,
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
    PLAN_VERSION_ROW,
    PRICE_LINE_ROW,
    SUBSCRIPTION_MOVE_ROW,
    SUBSCRIPTION_ROW,
    USAGE_EVENT_ROW,
    USAGE_PART_ROW,
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
from pgledger._wire_json import keys_text, mapping_text, numbers_text, sequence_text


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
        type: Literal["boolean", "metered", "seat"] = "metered",
        aggregation: Literal["sum", "count", "max", "unique_count", "latest"] | None = None,
        unique_key: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        tenant_id: str = "",
        default_limit: Decimal | int | None = None,
        default_period: Literal["day", "week", "month", "year", "billing", "lifetime"]
        | None = None,
        default_soft_limit: bool | None = None,
    ) -> Feature:
        """Adds a feature to the catalogue, for an app, one tenant of it, or all apps.

        The narrowest feature of a key counts: a tenant's own before the app's, and the app's before
        that of all apps.

        Calls ``ledger_create_feature``.

        Args:
            app_id: App that it belongs to; * for all apps.
            key: Name in plans and usage events, unique in the app (and tenant): 1 to 128 visible
                characters.
            name: Name for people, 1 to 255 characters.
            type: What it is: boolean is on or off, metered adds usage up over a period, seat is a
                level; one of: ``boolean``, ``metered``, ``seat``.
            aggregation: What usage of a metered feature comes to; None is sum for these, and
                nothing for other types; one of: ``sum``, ``count``, ``max``, ``unique_count``,
                ``latest``, or None.
            unique_key: Of a metered feature, the member of an event's metadata whose different
                values ``unique_count`` counts, 1 to 128 characters, or None.
            description: Text for people, at most 10,000 characters, or None.
            metadata: JSON object of the app's own, at most 64 KiB, or None.
            id: Id that the caller chooses, ``feat_`` and a ULID, so that the call can be repeated:
                it then returns the feature as it is now; None for a new one.
            tenant_id: The one tenant that it is for; the empty text for all tenants, and always for
                a feature of all apps.
            default_limit: Limit in plans that name none: -1 for unlimited, of a boolean feature 1
                for on and 0 for off; None for -1, or of a boolean feature 1.
            default_period: Period of a metered feature's limit in plans that name none; one of:
                ``day``, ``week``, ``month``, ``year``, ``billing``, ``lifetime``; None for billing.
            default_soft_limit: Whether usage may go beyond the limit, in plans that do not say so;
                None for False.

        Returns:
            The feature.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: The key, name, type, aggregation, unique key, description or a default
                is not valid.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidQuantity: The default limit is not in range.
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
                optional_decimal_text("default_limit", default_limit),
                default_period,
                optional_flag_text("default_soft_limit", default_soft_limit),
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
        priority: int = 0,
    ) -> Plan:
        """Creates a plan, for the whole app or for one tenant of it: ``ledger_create_plan``.

        Everything in features and pricing is checked now, so a plan that exists can always be
        invoiced. Numbers in them are JSON numbers, or texts such as "49.00", from 0, below 1e30,
        with at most 18 decimal places.

        Args:
            app_id: App that it belongs to.
            slug: Name in addresses and code, unique in the app (and tenant) among plans that are
                not archived: 1 to 128 visible characters.
            name: Name for people, 1 to 255 characters.
            currency: Currency of every amount: a code of ISO 4217, or one that the app has defined.
            features: JSON array of what it gives: an object for each feature, for example
                ``[{"key": "api_calls", "limit": "10000", "period": "month", "soft_limit": true}]``.
                A limit of -1 is unlimited.
            pricing: JSON object of what it costs, a base fee and prices of features, for example
                ``{"base": {"amount": "49.00", "interval": "month"}, "prices": []}``.
            description: Text for people, at most 10,000 characters, or None.
            trial_days: Days of trial that a new subscription gets, 0 to 3650.
            anchor_at_trial_end: Whether billing periods count from the end of the trial, rather
                than from its start.
            add_on: Whether a tenant may have it beside another active subscription.
            metadata: JSON object of the app's own, at most 64 KiB, or None.
            id: Id that the caller chooses, ``plan_`` and a ULID, so that the call can be repeated:
                it then returns the plan as it is now; None for a new one.
            tenant_id: The one tenant that it is for; the empty text for all tenants.
            priority: Of several subscriptions with a price for a feature, that of the lowest one
                bills its usage, and of these the oldest.

        Returns:
            The plan.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: The slug, name, description or days of trial are not valid.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
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
                integer_text("priority", priority),
            ),
        )

    async def set_currency(
        self,
        app_id: str,
        code: str,
        exponent: int,
    ) -> Currency:
        """Defines a currency of the app's own, beside those of ISO 4217.

        Its exponent can be changed until a plan, a coupon or an invoice is in the currency. A
        second call with the same values changes nothing.

        Calls ``ledger_set_currency``.

        Args:
            app_id: App that defines it.
            code: Code of the currency, not one of ISO 4217: 1 to 32 visible characters.
            exponent: Decimal places that amounts are rounded to, 0 to 18, no more than
                :meth:`pgledger.Ledger.set_currency` has set for the app.

        Returns:
            The currency.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidCurrency: The code cannot be one.
            InvalidArgument: The code is of ISO 4217, or the exponent is out of range or more than
                amounts of the ledger may have.
            InUse: The exponent would change while a plan, a coupon or an invoice is in the
                currency.
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

    async def set_hook(
        self,
        app_id: str,
        function_schema: str | None,
        function_name: str | None,
    ) -> None:
        """Names a function of the application that is told what happens in an app.

        It is called with what happened, ``app_id``, ``tenant_id``, the id of the subscription or
        invoice, and when, in the transaction in which it happens; what it raises undoes that.
        docs/operations.md lists what is told. Only the owner of pgledger may call this function.

        The hook is an ordinary function of (text, text, text, text, timestamptz), is SECURITY
        DEFINER, and runs with the rights of its owner, which is neither a superuser nor the owner
        of pgledger. Nobody can log in as that role, or as the owner of its schema, but who can act
        as the owner of pgledger. It changes no subscription and no invoice.

        Calls ``ledger_set_hook``.

        Args:
            app_id: App.
            function_schema: Schema of the function; None for no hook.
            function_name: Name of the function; None for no hook.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: There is no such function, or it is not as a hook has to be.
        """
        await self._fetch_first(
            scalar_row,
            self._statements.set_hook,
            (
                app_id,
                function_schema,
                function_name,
            ),
        )

    async def get_feature(
        self,
        app_id: str,
        id: str,
    ) -> Feature:
        """Returns a feature of an app, or one of all apps: ``ledger_get_feature``.

        Args:
            app_id: App that asks; * to look among the features of all apps alone.
            id: Id of the feature.

        Returns:
            The feature, whichever tenant's it is.

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
        """Returns the feature that a key names for a tenant: ``ledger_get_feature_by_key``.

        An archived feature is found too.

        Args:
            app_id: App that asks; * to look among the features of all apps alone.
            key: Key of the feature.
            tenant_id: Tenant that it is for: its own feature of that key comes before the app's,
                and that before the one of all apps. The empty text leaves tenants' own ones out.

        Returns:
            The feature.

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
        """Returns a plan of an app: ``ledger_get_plan``.

        Args:
            app_id: App that it belongs to.
            id: Id of the plan.

        Returns:
            The plan, whichever tenant's it is.

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
        """Returns the plan that a slug names for a tenant: ``ledger_get_plan_by_slug``.

        An archived plan is found too, unless another has taken its slug: then that one is.

        Args:
            app_id: App that it belongs to.
            slug: Slug of the plan.
            tenant_id: Tenant that it is for: its own plan of that slug comes before the app's. The
                empty text leaves tenants' own ones out.

        Returns:
            The plan.

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
        status: Literal["active", "archived"] | None = None,
        page_size: int = 100,
        page_offset: int = 0,
        tenant_id: str | None = None,
    ) -> list[Feature]:
        """Returns a page of an app's features, the oldest first: ``ledger_list_features``.

        The order is that of their ids, which for generated ids is that of creation.

        Args:
            app_id: App that they belong to; * for those of all apps.
            status: Which ones; one of: ``active``, ``archived``; None for both.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them, 0 or more.
            tenant_id: Tenant whose own ones are listed, with those for all tenants; the empty text
                for the latter alone; None for every tenant's.

        Returns:
            The features of the page.

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
        status: Literal["active", "archived"] | None = None,
        page_size: int = 100,
        page_offset: int = 0,
    ) -> list[Feature]:
        """Returns a page of the features of all apps, the oldest first.

        The order is that of their ids, which for generated ids is that of creation.

        Calls ``ledger_list_global_features``.

        Args:
            status: Which ones; one of: ``active``, ``archived``; None for both.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them, 0 or more.

        Returns:
            The features of the page.

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

    async def list_plan_versions(
        self,
        app_id: str,
        id: str,
        *,
        page_size: int = 100,
        page_offset: int = 0,
    ) -> list[PlanVersion]:
        """Returns a page of a plan's prices and allowances, in order of their times.

        The first are those that the plan was created with, which hold since ever. Of those for the
        same time, the later written holds. A change of a plan that left features, pricing and
        priority out is not among them.

        Calls ``ledger_list_plan_versions``.

        Args:
            app_id: App that it belongs to.
            id: Id of the plan.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them, 0 or more.

        Returns:
            The versions of the page.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
            PlanNotFound: The app has no such plan.
        """
        return await self._fetch_all(
            PLAN_VERSION_ROW,
            self._statements.list_plan_versions,
            (
                app_id,
                id,
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
            ),
        )

    async def list_plans(
        self,
        app_id: str,
        *,
        status: Literal["active", "archived"] | None = None,
        page_size: int = 100,
        page_offset: int = 0,
        tenant_id: str | None = None,
    ) -> list[Plan]:
        """Returns a page of an app's plans, the oldest first: ``ledger_list_plans``.

        The order is that of their ids, which for generated ids is that of creation.

        Args:
            app_id: App that they belong to.
            status: Which ones; one of: ``active``, ``archived``; None for both.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them, 0 or more.
            tenant_id: Tenant whose own ones are listed, with those for all tenants; the empty text
                for the latter alone; None for every tenant's.

        Returns:
            The plans of the page.

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
        aggregation: Literal["sum", "count", "max", "unique_count", "latest"] | None = None,
        metadata: Mapping[str, Any] | None = None,
        default_limit: Decimal | int | None = None,
        default_period: Literal["day", "week", "month", "year", "billing", "lifetime"]
        | None = None,
        default_soft_limit: bool | None = None,
        status: Literal["active", "archived"] | None = None,
        clear: Iterable[str] | None = None,
    ) -> Feature:
        """Changes a feature: ``ledger_update_feature``.

        What is None stays as it is. Key, type and unique key never change. A plan that names no
        aggregation, limit, period or soft limit keeps those that the feature had when the plan's
        features were written.

        Args:
            app_id: App that it belongs to; * for a feature of all apps.
            id: Id of the feature.
            name: Name for people, 1 to 255 characters, or None.
            description: Text for people, at most 10,000 characters, or None.
            aggregation: What usage of a metered feature comes to, for plans that are written from
                now on; one of: ``sum``, ``count``, ``max``, ``unique_count``, ``latest``, or None.
            metadata: JSON object of the app's own, at most 64 KiB, or None.
            default_limit: Limit in plans that name none and are written from now on: -1 for
                unlimited, of a boolean feature 1 for on and 0 for off, or None.
            default_period: Period of a metered feature's limit in such plans; one of: ``day``,
                ``week``, ``month``, ``year``, ``billing``, ``lifetime``, or None.
            default_soft_limit: Whether usage may go beyond the limit in such plans, or None.
            status: Whether plans can take it; an archived feature becomes active again; one of:
                ``active``, ``archived``, or None.
            clear: Array of the names of what is taken away: description, metadata,
                ``default_limit``, ``default_period``, ``default_soft_limit``; None for nothing.

        Returns:
            The feature; with the same version as before if nothing changed.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            FeatureNotFound: The app has no such feature.
            InvalidArgument: The name, aggregation, description, a default or the status is not
                valid, or clear has another name or one that is given.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidQuantity: The default limit is not in range.
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
                optional_decimal_text("default_limit", default_limit),
                default_period,
                optional_flag_text("default_soft_limit", default_soft_limit),
                status,
                keys_text("clear", clear),
            ),
        )

    async def update_plan(
        self,
        app_id: str,
        id: str,
        *,
        name: str | None = None,
        features: Sequence[Mapping[str, Any]] | None = None,
        pricing: Mapping[str, Any] | None = None,
        description: str | None = None,
        trial_days: int | None = None,
        anchor_at_trial_end: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        effective_at: datetime | None = None,
        status: Literal["active", "archived"] | None = None,
        clear: Iterable[str] | None = None,
        priority: int | None = None,
    ) -> Plan:
        """Changes a plan, for those who have it too: ``ledger_update_plan``.

        What is None stays as it is; what is given replaces what there was, as a whole. Currency,
        slug and whether it is an add-on never change, nor does the billing interval once
        subscriptions have had the plan. To change it for new customers only, create another plan
        and archive this one.

        Prices, allowances (the soft limits of features with a price), how usage is counted for
        them, and the priority hold from ``effective_at`` on: a period of a subscription uses,
        whole, those that hold at its start, or those that hold when the plan is entered, if that is
        later. If ``effective_at`` lies in the past, periods that have begun since then use them
        too, except for what a final invoice has billed: that keeps its price. Whatever was given
        for a later time still begins then. :meth:`list_plan_versions` shows what holds when.

        Limits hold at once, and so does whatever else the plan gives.

        Args:
            app_id: App that it belongs to.
            id: Id of the plan.
            name: Name for people, 1 to 255 characters, or None.
            features: JSON array of what it gives, as for :meth:`create_plan`, or None.
            pricing: JSON object of what it costs, as for :meth:`create_plan`, or None.
            description: Text for people, at most 10,000 characters, or None.
            trial_days: Days of trial that a new subscription gets, 0 to 3650, or None.
            anchor_at_trial_end: Whether billing periods of new subscriptions count from the end of
                the trial, or None.
            metadata: JSON object of the app's own, at most 64 KiB, or None.
            effective_at: Since when features, pricing and priority hold, in the past or in the
                future; None for now.
            status: Whether it can be taken; an archived plan becomes active again unless another
                has taken its slug; one of: ``active``, ``archived``, or None.
            clear: Array of the names of what is taken away: description, metadata; None for
                nothing.
            priority: Of several subscriptions with a price for a feature, that of the lowest one
                bills its usage, or None.

        Returns:
            The plan; with the same version as before if nothing changed.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            PlanNotFound: The app has no such plan.
            InvalidArgument: The name, description, days of trial or status are not valid, clear has
                another name or one that is given, or ``effective_at`` is given without features,
                pricing and priority, or in the future for another interval.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidTime: ``effective_at`` is outside the years 1 to 9999.
            InvalidPlan: Features or pricing are not valid, or do not go together at some time from
                then on; the message names the path.
            FeatureNotFound: A feature is not in the catalogue.
            Archived: A feature that is new to the plan is archived.
            InUse: The billing interval would change, and subscriptions have or have had the plan.
            AlreadyExists: It would become active, and its slug is taken.
        """
        return await self._fetch_one(
            PLAN_ROW,
            self._statements.update_plan,
            (
                app_id,
                id,
                name,
                sequence_text("features", features),
                mapping_text("pricing", pricing),
                description,
                optional_integer_text("trial_days", trial_days),
                optional_flag_text("anchor_at_trial_end", anchor_at_trial_end),
                metadata_text(metadata),
                time_text("effective_at", effective_at),
                status,
                keys_text("clear", clear),
                optional_integer_text("priority", priority),
            ),
        )

    async def archive_feature(
        self,
        app_id: str,
        id: str,
    ) -> Feature:
        """Archives a feature: plans that contain it keep it, no other plan may.

        Calls ``ledger_archive_feature``.

        Args:
            app_id: App that it belongs to; * for a feature of all apps.
            id: Id of the feature.

        Returns:
            The feature; a second call changes nothing.

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
        """Archives a plan: subscriptions that have it keep it, no other may take it.

        Calls ``ledger_archive_plan``.

        Args:
            app_id: App that it belongs to.
            id: Id of the plan.

        Returns:
            The plan; a second call changes nothing.

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
        """Deletes a feature that no plan contains and that was never used.

        Calls ``ledger_delete_feature``.

        Args:
            app_id: App that it belongs to; * for a feature of all apps.
            id: Id of the feature.

        Returns:
            The feature as it was.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            FeatureNotFound: The app has no such feature.
            InUse: A plan contains it, or usage of it was recorded; archive it instead.
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
        """Deletes a plan that no subscription has or has had: ``ledger_delete_plan``.

        Args:
            app_id: App that it belongs to.
            id: Id of the plan.

        Returns:
            The plan as it was.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            PlanNotFound: The app has no such plan.
            InUse: A subscription has it, or had it once; archive it instead.
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
        event_quantities: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[PriceLine]:
        """Says what usage costs by a price, as an invoice would: ``ledger_price_usage``.

        It reads nothing but its arguments, so a price can be tried before any plan has it.

        Args:
            price: JSON object of a price as a plan's pricing has it, with or without its feature,
                for example ``{"model": "per_unit", "unit_amount": "0.001"}``.
            quantity: How much was used, 0 or more.
            allowance: How much of it is free, 0 or more.
            exponent: Decimal places that amounts are rounded to, half away from zero, so that the
                lines add up to the rounded total, 0 to 18; None for exact amounts.
            event_quantities: JSON array of the quantities of the events, in the order of their
                times, for a price that asks something for each event, for example ["10", "80"];
                together they are the quantity; None for any other price.

        Returns:
            A line for each tier that is reached, in order; then what is asked for each event, by
            kind: the fee, what charges are raised by, and what they are cut by; then one with what
            is missing to the minimum, or what is above the maximum, if anything is. The amount of a
            line of usage is quantity * ``unit_amount`` + ``flat_amount``, unless all three are
            None; the quantity of packages is their number.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidPlan: The price, or a quantity of an event, is not valid; the message names the
                path.
            InvalidQuantity: The quantity or the allowance is not in range.
            InvalidArgument: The exponent is out of range, or ``event_quantities`` are missing, for
                another price, or not the quantity.
        """
        return await self._fetch_all(
            PRICE_LINE_ROW,
            self._statements.price_usage,
            (
                mapping_text("price", price),
                decimal_text("quantity", quantity),
                decimal_text("allowance", allowance),
                optional_integer_text("exponent", exponent),
                sequence_text("event_quantities", event_quantities),
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
        """Subscribes a tenant to a plan, from now, from a time in the past or later.

        A tenant has at most one subscription that is trialing or active, and any number of add-ons
        beside it. What has happened since a start in the past, such as the end of the trial and new
        periods, is written down at once.

        One that starts later is scheduled: until then it gives nothing and costs nothing, and can
        be changed or cancelled. It starts by the clock. If the tenant's live one does not end by
        then it is refused; should that still be live when the time comes, :meth:`advance` reports
        it as failed, and the start waits until one of both is cancelled.

        Calls ``ledger_create_subscription``.

        Args:
            app_id: App.
            tenant_id: Tenant who subscribes.
            plan_id: Id of the plan: one for the whole app, or the tenant's own.
            started_at: Start of the first period, at most 10,000 periods ago, or in the future;
                :meth:`advance` moves on what began more than 100 changes ago; None for now.
            anchor_at: Boundary that periods are counted from, which may make the first one shorter;
                None for the end of the trial if the plan says so, and else for the start.
            time_zone: Zone in whose days and months periods are counted: UTC, or a name of the IANA
                database such as Europe/Berlin.
            trial_days: Days of trial, 0 to 3650; None for the plan's.
            quantity: How many times the plan is taken, above 0.
            metadata: JSON object of the app's own, at most 64 KiB, or None.
            id: Id that the caller chooses, ``sub_`` and a ULID, so that the call can be repeated:
                it then returns the subscription as it is now; None for a new one.
            tax_rates: JSON array of the tax rates of its invoices, at most 20, for example
                ``[{"name": "Sales tax", "percentage": "8.25", "applies_to": ["base",
                "api_calls"]}]``. A percentage is from 0 to 100. ``applies_to`` names features, and
                base for base fees; without it a rate is on everything. An invoice may be given
                others.

        Returns:
            The subscription.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidTime: ``started_at`` is too long ago, or a time is outside the years 1 to 9999.
            InvalidArgument: The time zone or the days of trial are not valid.
            InvalidQuantity: The quantity is not in range.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidInvoice: ``tax_rates`` are not valid; the message names the path.
            IdempotencyConflict: The id is taken by a different subscription.
            PlanNotFound: There is no such plan for this app and tenant.
            Archived: The plan is archived.
            ActiveSubscriptionExists: Neither the tenant's subscription nor this one is an add-on,
                and both would be live.
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

    async def set_trial_end(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
        trial_end: datetime | None,
    ) -> Subscription:
        """Makes a trial longer or shorter, or ends it now: ``ledger_set_trial_end``.

        Where periods count from the end of the trial, they count from the new one: the anchor moves
        with it. Where they do not, periods stay as they are. A cancellation that was to take effect
        with the trial's end does so at the new one. Limits for a day, week, month or year move with
        the anchor.

        Args:
            app_id: App.
            tenant_id: Tenant whose it is.
            id: Id of the subscription: one in its trial, paused or not, or scheduled and with a
                trial to come.
            trial_end: When the trial is to end, not in the past; None for now.

        Returns:
            The subscription; with the same version as before if the trial ends at that time
            already.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidTime: ``trial_end`` is in the past, not after a start that is still to come, or
                outside the years 1 to 9999.
            InvalidState: It has no trial that goes on or is to come.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW,
            self._statements.set_trial_end,
            (
                app_id,
                tenant_id,
                id,
                time_text("trial_end", trial_end),
            ),
        )

    async def get_active_subscription(
        self,
        app_id: str,
        tenant_id: str,
    ) -> Subscription | None:
        """Returns what a tenant is subscribed to now, add-ons left out.

        One whose cancellation is due does not count any more, and one whose start is due counts
        already, even if that is not written down yet.

        Calls ``ledger_get_active_subscription``.

        Args:
            app_id: App.
            tenant_id: Tenant whose it is.

        Returns:
            The subscription that is trialing or active and not an add-on, or None.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
        """
        return await self._fetch_first(
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
        """Returns a subscription of a tenant, as it is written down.

        Calls ``ledger_get_subscription``.

        Args:
            app_id: App.
            tenant_id: Tenant whose it is.
            id: Id of the subscription.

        Returns:
            The subscription.

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

    async def list_app_subscriptions(
        self,
        app_id: str,
        *,
        status: Literal["scheduled", "trialing", "active", "paused", "canceled"] | None = None,
        plan_id: str | None = None,
        page_size: int = 100,
        page_offset: int = 0,
    ) -> list[Subscription]:
        """Returns a page of the subscriptions of all tenants of an app, newest first.

        They are as they are written down. The order is that of creation, the last one first,
        whatever their ids.

        Calls ``ledger_list_app_subscriptions``.

        Args:
            app_id: App whose they are.
            status: Which ones; one of: ``scheduled``, ``trialing``, ``active``, ``paused``,
                ``canceled``; None for all.
            plan_id: Only those that have this plan now; None for all plans.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them, 0 or more.

        Returns:
            The subscriptions of the page.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: There is no such status.
            InvalidId: An id is malformed.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
            PlanNotFound: The app has no such plan.
        """
        return await self._fetch_all(
            SUBSCRIPTION_ROW,
            self._statements.list_app_subscriptions,
            (
                app_id,
                status,
                plan_id,
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
            ),
        )

    async def list_subscriptions(
        self,
        app_id: str,
        tenant_id: str,
        *,
        status: Literal["scheduled", "trialing", "active", "paused", "canceled"] | None = None,
        page_size: int = 100,
        page_offset: int = 0,
    ) -> list[Subscription]:
        """Returns a page of a tenant's subscriptions, the oldest first.

        They are as they are written down. The order is that of their ids, which for generated ids
        is that of creation.

        Calls ``ledger_list_subscriptions``.

        Args:
            app_id: App.
            tenant_id: Tenant whose they are.
            status: Which ones; one of: ``scheduled``, ``trialing``, ``active``, ``paused``,
                ``canceled``; None for all.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them, 0 or more.

        Returns:
            The subscriptions of the page.

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
        invoice: Literal["now", "next"] | None = None,
    ) -> Subscription:
        """Changes a subscription's quantity, metadata or tax rates.

        What is None stays as it is; what is given replaces what there was, as a whole.

        Calls ``ledger_update_subscription``.

        Args:
            app_id: App.
            tenant_id: Tenant whose it is.
            id: Id of the subscription.
            quantity: How many times the plan is taken, above 0; the change is prorated, or None.
            metadata: JSON object of the app's own, at most 64 KiB, or None.
            tax_rates: JSON array of the tax rates of invoices still to be drawn up, as for
                :meth:`create_subscription`, or None.
            invoice: When another quantity is invoiced: now makes an invoice of its own due, next
                puts it on the period's. One of: ``now``, ``next``; None for now where the period is
                longer than a month or 31 days, and else for next.

        Returns:
            The subscription; with the same version as before if nothing changed.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidQuantity: The quantity is not in range.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidInvoice: ``tax_rates`` are not valid; the message names the path.
            InvalidArgument: Invoice is none of its values.
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
                invoice,
            ),
        )

    async def change_plan(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
        plan_id: str,
        *,
        invoice: Literal["now", "next"] | None = None,
        trial: Literal["keep", "end", "plan"] = "keep",
        keep_anchor: bool = False,
    ) -> Subscription:
        """Moves a subscription to another plan, now: ``ledger_change_plan``.

        If both plans are billed at the same interval, the current period goes on. If they are not,
        a new period starts now, and periods count from now; except in a trial from whose end
        periods count: it goes on, and they still do. Whenever a trial was to end, it ends then.
        trial and ``keep_anchor`` ask for something else.

        A pause stays. A cancellation at the end of the period is at the end of the period that then
        goes on; one at a given time stays. Limits go on: one for a day, week, month or year is
        counted as before, and one for the billing period begins anew only when the period that it
        was for is over. What has not begun yet begins with the new plan.

        Args:
            app_id: App.
            tenant_id: Tenant whose it is.
            id: Id of the subscription.
            plan_id: Id of the plan to move to: one for the whole app, or the tenant's own, of the
                same currency, and an add-on if the present one is.
            invoice: When the change is invoiced, if the period goes on: now makes an invoice of its
                own due, next puts it on the period's; a period that starts now is invoiced in any
                case. One of: ``now``, ``next``; None for now where the period is longer than a
                month or 31 days, and else for next.
            trial: What becomes of the trial. keep: one that goes on ends when it was to, and none
                begins. end: one that goes on ends now. plan: it is as long as the new plan's,
                counted from the start of the subscription; so one can begin now if the subscription
                is younger than that, and one that is over by then ends now. One of: ``keep``,
                ``end``, ``plan``.
            keep_anchor: Whether periods of another interval are counted from the anchor there is.
                Then the period that starts now is a part of a whole one, up to the next boundary,
                and costs its share; False counts them from now.

        Returns:
            The subscription; if it has the plan already, it does not change, even where it is
            canceled.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidArgument: Invoice or trial is none of its values, the plan has another currency,
                or one of both is an add-on.
            InvalidState: It is canceled, and has another plan.
            PlanNotFound: There is no such plan for this app and tenant.
            Archived: The plan is archived.
            UnknownTimeZone: The server does not know its time zone any more.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW,
            self._statements.change_plan,
            (
                app_id,
                tenant_id,
                id,
                plan_id,
                invoice,
                trial,
                flag_text("keep_anchor", keep_anchor),
            ),
        )

    async def change_time_zone(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
        time_zone: str,
    ) -> Subscription:
        """Counts the periods of a subscription in another time zone.

        The current period stays as it is: its start, its end, and what its days cost. So does the
        day, week, month or year that a limit is for. From there on, periods begin at the same time
        on the clock of the new zone: the anchor keeps its local time. So the next period is up to a
        day longer or shorter, and costs the same. Only an anchor at the end of a trial that goes on
        keeps its instant, as the trial does, and so does one at a start that is still to come.

        A zone whose name the server does not know any more is replaced in all periods, and no
        instant moves. This also mends a subscription that has ended and is still to be invoiced.

        Calls ``ledger_change_time_zone``.

        Args:
            app_id: App.
            tenant_id: Tenant whose it is.
            id: Id of the subscription.
            time_zone: The new zone: UTC, or a name of the IANA database such as Europe/Berlin.

        Returns:
            The subscription; the same call again changes nothing.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidArgument: The time zone is not known.
            InvalidState: It is canceled, and the server knows its zone.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW,
            self._statements.change_time_zone,
            (
                app_id,
                tenant_id,
                id,
                time_zone,
            ),
        )

    async def pause_subscription(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
    ) -> Subscription:
        """Pauses a subscription: it gives nothing until it is resumed.

        No period of it begins meanwhile. The days of its trial go by, and a decided cancellation
        still ends it.

        Calls ``ledger_pause_subscription``.

        Args:
            app_id: App.
            tenant_id: Tenant whose it is.
            id: Id of the subscription.

        Returns:
            The subscription; a second call changes nothing.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidState: It is canceled, or has not begun.
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
        """Resumes a paused subscription, or takes back a cancellation that is not due.

        Its periods are counted as if it had not been paused.

        Calls ``ledger_resume_subscription``.

        Args:
            app_id: App.
            tenant_id: Tenant whose it is.
            id: Id of the subscription.

        Returns:
            The subscription, in the period that now lies in.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidState: It has ended.
            UnknownTimeZone: The server does not know its time zone any more.
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
        unused_time: Literal["none", "credit", "refund"] | None = None,
        cancel_at: datetime | None = None,
    ) -> Subscription:
        """Cancels a subscription, at the end of its period, at once, or at a time.

        Until it has ended, :meth:`resume_subscription` takes the cancellation back, and this call
        can name another end. An end with the period moves if a change of plan or of the trial moves
        that; one at a given time stays. What has not begun, or is paused and past its period, has
        no period to go to the end of: it ends at once.

        Calls ``ledger_cancel_subscription``.

        Args:
            app_id: App.
            tenant_id: Tenant whose it is.
            id: Id of the subscription.
            at_period_end: Whether the current period, or during a trial the trial, goes to its end
                first; False ends the subscription at once.
            unused_time: What becomes of a base fee that was paid in advance for time after the end:
                it is kept, credited or to be refunded, on the invoice of the last period; one of:
                ``none``, ``credit``, ``refund``; None for none, and with ``cancel_at`` for credit.
            cancel_at: When it ends, now or at any later time, in any period; the base fee is due up
                to then. It is what counts, whatever ``at_period_end`` says; None for what that
                says.

        Returns:
            The subscription; the same call again changes nothing.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidArgument: There is no such ``unused_time``, it is none with ``cancel_at``, or it
                is not none although the period goes to its end.
            InvalidTime: ``cancel_at`` is in the past, or outside the years 1 to 9999.
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
                time_text("cancel_at", cancel_at),
            ),
        )

    async def set_usage_skew(
        self,
        app_id: str,
        skew: timedelta,
    ) -> timedelta:
        """Sets how far ahead of the clock an app's usage events may be.

        Clocks of machines differ, so an event may seem to come from the future. One that is further
        ahead is refused (UsageInFuture).

        Calls ``ledger_set_usage_skew``.

        Args:
            app_id: App.
            skew: How far, 0 to 365 days; 1 hour until it is set.

        Returns:
            What was set.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: It is negative, or more than 365 days.
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
    ) -> UsageReceipt:
        """Records one usage event: ``ledger_record_usage``.

        An event whose idempotency key its tenant has used before for this feature is a duplicate
        and not counted again. If it has another quantity than the first one, or another
        ``event_at`` is given, that is an error (IdempotencyConflict).

        Args:
            app_id: App.
            tenant_id: Tenant that used it, 1 to 128 characters.
            feature_key: Key of the feature.
            quantity: How much, 0 or more, below 1e30, at most 18 decimal places; for a seat, how
                many there are now.
            event_at: When it happened, from 1970 on, not further ahead of the clock than
                :meth:`set_usage_skew` allows; None for now.
            idempotency_key: The reporter's own name of the event, 1 to 255 characters, unique for
                the tenant and feature; each event without one counts, or None.
            metadata: JSON object to store with it, at most 64 KiB, or None.

        Returns:
            Whether it was counted now or had been before, and its id.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            FeatureNotFound: There is no feature of this key for this app and tenant.
            InvalidArgument: The feature is on or off, so that its usage is not recorded, or the
                idempotency key is not valid.
            InvalidQuantity: A quantity is not from 0 to below 1e30 with at most 18 decimal places.
            InvalidTime: ``event_at`` is before 1970 or not finite.
            UsageInFuture: ``event_at`` is further ahead than the app allows.
            UsagePurged: ``event_at`` is so long ago that events of that time may have been purged.
            InvalidMetadata: It is not valid, or lacks the member whose values are counted.
            IdempotencyConflict: The key is taken by usage of another quantity or time.
        """
        return await self._fetch_one(
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
        """Returns a page of a tenant's usage events, the earliest first.

        To go through many, ask from the ``event_at`` of the last one on, and leave ``page_offset``
        small: what is left out is read too.

        Calls ``ledger_query_usage``.

        Args:
            app_id: App.
            tenant_id: Tenant that used something.
            starts_at: From when on, inclusive; None for the beginning.
            ends_at: Until when, exclusive; None for the end.
            feature_key: Key of the feature; None for all features.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them.

        Returns:
            Events in the order in which they happened; those of one time as they were recorded.

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
        aggregation: Literal["sum", "count", "max", "unique_count", "latest"] | None = None,
    ) -> Decimal:
        """Returns what a tenant's usage of a feature comes to: ``ledger_aggregate_usage``.

        The answer is exact, and as fast however many events there are: it is read from totals of
        hours and days, and from events only in the hours that the range splits.

        Args:
            app_id: App.
            tenant_id: Tenant that used it.
            feature_key: Key of the feature.
            starts_at: From when on, inclusive.
            ends_at: Until when, exclusive; after ``starts_at``.
            aggregation: How to count; one of: ``sum``, ``count``, ``max``, ``unique_count``,
                ``latest``; None for the feature's own way.

        Returns:
            What it comes to; 0 where there was no usage.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidTime: A time is outside the years 1 to 9999, or the end is not after the start.
            UsagePurged: A time splits an hour whose events may have been purged.
            InvalidArgument: There is no such aggregation, or not for this feature.
            FeatureNotFound: There is no feature of this key for this app and tenant.
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
        """Returns what a tenant's usage of each of several features comes to.

        Each is counted in the feature's own way. :meth:`aggregate_usage` counts one feature in any
        way.

        Calls ``ledger_aggregate_usage_by_feature``.

        Args:
            app_id: App.
            tenant_id: Tenant that used them.
            feature_keys: Keys of the features, at most 100,000.
            starts_at: From when on, inclusive.
            ends_at: Until when, exclusive; after ``starts_at``.

        Returns:
            One row for each key, in their order; 0 where there was no usage.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidBatch: The arrays of a batch are None, not one-dimensional, or of unequal length.
            BatchTooLarge: More than 100,000 keys.
            InvalidTime: A time is outside the years 1 to 9999, or the end is not after the start.
            UsagePurged: A time splits an hour whose events may have been purged.
            FeatureNotFound: There is no feature of one of these keys for this app and tenant.
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

        Events are deleted for whole UTC hours, the oldest of a feature first. Kept are those that
        subscriptions that go on still count in, those that are still to be invoiced, and those that
        late usage is billed by; and so are all totals. Of the tenants concerned, events from before
        that time are refused from then on (UsagePurged), because idempotency keys are forgotten.

        Args:
            app_id: App.
            before: Events of the UTC hours before the one that it lies in are deleted; at least an
                hour ago.
            max_events: How many to delete at most, 1 to 1,000,000.

        Returns:
            How many were deleted.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidTime: Before is outside the years 1 to 9999, or less than an hour ago.
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

    async def correct_usage(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
        event_at: datetime,
        quantity: Decimal | int,
        *,
        reason: str | None = None,
    ) -> UsageEvent:
        """Gives a usage event another quantity: ``ledger_correct_usage``.

        All totals change with it. An invoice that is final stays as it is: the next one has a line
        of late usage for the difference, which is below zero where less was used. To correct
        anything else, remove the event and record another one under another key.

        Nothing changes if the event has that quantity already. The event may be sent again with its
        key and its first or its last quantity, and is a duplicate.

        Args:
            app_id: App.
            tenant_id: Tenant whose usage it is.
            id: Id of the event.
            event_at: When it happened, as :meth:`query_usage` tells it.
            quantity: How much it was, 0 or more, below 1e30, at most 18 decimal places; for a seat,
                how many there were.
            reason: Why, 1 to 1,000 characters, or None.

        Returns:
            The event as it is now.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidQuantity: A quantity is not from 0 to below 1e30 with at most 18 decimal places.
            InvalidArgument: The reason is not valid.
            UsagePurged: ``event_at`` is so long ago that events of that time may have been purged.
            UsageNotFound: The tenant has no such event, or it was removed.
        """
        return await self._fetch_one(
            USAGE_EVENT_ROW,
            self._statements.correct_usage,
            (
                app_id,
                tenant_id,
                id,
                time_text("event_at", event_at),
                decimal_text("quantity", quantity),
                reason,
            ),
        )

    async def remove_usage(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
        event_at: datetime,
        *,
        reason: str | None = None,
    ) -> UsageEvent:
        """Removes a usage event that was wrong: ``ledger_remove_usage``.

        It counts nowhere any more. An invoice that is final stays as it is: the next one has a line
        of late usage that gives back what the event has cost.

        Its idempotency key stays taken, so whoever sends the event again does not bring it back.
        Removing it again changes nothing.

        Args:
            app_id: App.
            tenant_id: Tenant whose usage it was.
            id: Id of the event.
            event_at: When it happened, as :meth:`query_usage` tells it.
            reason: Why, 1 to 1,000 characters, or None.

        Returns:
            The event as it was.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidArgument: The reason is not valid.
            UsagePurged: ``event_at`` is so long ago that events of that time may have been purged.
            UsageNotFound: The tenant has no such event.
        """
        return await self._fetch_one(
            USAGE_EVENT_ROW,
            self._statements.remove_usage,
            (
                app_id,
                tenant_id,
                id,
                time_text("event_at", event_at),
                reason,
            ),
        )

    async def usage_by_time(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
        starts_at: datetime,
        ends_at: datetime,
        *,
        unit: Literal["hour", "day", "month"] = "day",
        time_zone: str | None = None,
        aggregation: Literal["sum", "count", "max", "unique_count", "latest"] | None = None,
    ) -> list[UsagePart]:
        """Returns what a tenant's usage comes to in each hour, day or month.

        The parts begin where hours, days or months begin in the time zone, also where its clocks
        change. The first one and the last one end with the range.

        Calls ``ledger_usage_by_time``.

        Args:
            app_id: App.
            tenant_id: Tenant that used it.
            feature_key: Key of the feature.
            starts_at: From when on, inclusive.
            ends_at: Until when, exclusive; after ``starts_at``.
            unit: How long the parts are; one of: ``hour``, ``day``, ``month``.
            time_zone: Time zone, such as Europe/Berlin; None for that of the tenant's subscription,
                or UTC without one.
            aggregation: How to count; one of: ``sum``, ``count``, ``max``, ``unique_count``,
                ``latest``; None for the feature's own way.

        Returns:
            One row for each part, in order; 0 where there was no usage.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidTime: A time is outside the years 1 to 9999, the end is not after the start, or
                there are more than 10,000 parts.
            UsagePurged: A part begins or ends within an hour whose events may have been purged.
            InvalidArgument: There is no such aggregation, unit or time zone.
            FeatureNotFound: There is no feature of this key for this app and tenant.
        """
        return await self._fetch_all(
            USAGE_PART_ROW,
            self._statements.usage_by_time,
            (
                app_id,
                tenant_id,
                feature_key,
                time_text("starts_at", starts_at),
                time_text("ends_at", ends_at),
                unit,
                time_zone,
                aggregation,
            ),
        )

    async def set_cached_entitlement(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
        *,
        ttl: timedelta | None = None,
    ) -> Entitlement:
        """Checks an entitlement and remembers it for :meth:`get_cached_entitlement`.

        It is served until its time is over, or until something that it was made from changes: the
        plan, the subscription, usage, an invalidation, or the end of the limit's period, of a trial
        or of a subscription.

        Calls ``ledger_set_cached_entitlement``.

        Args:
            app_id: App.
            tenant_id: Tenant whose it is.
            feature_key: Key of the feature.
            ttl: How long it may be served at most, above 0 and at most a day; None for what
                :meth:`set_entitlement_ttl` has set for the app, 30 seconds at first.

        Returns:
            What :meth:`check_entitlement` returns for a quantity of 1.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: Ttl is out of range.
            FeatureNotFound: There is no feature of this key for this app and tenant.
            UnknownTimeZone: The server does not know the time zone of the tenant's subscription any
                more.
        """
        return await self._fetch_one(
            ENTITLEMENT_ROW,
            self._statements.set_cached_entitlement,
            (
                app_id,
                tenant_id,
                feature_key,
                interval_text("ttl", ttl),
            ),
        )

    async def set_entitlement_ttl(
        self,
        app_id: str,
        ttl: timedelta,
    ) -> timedelta:
        """Sets how long an app's remembered entitlements are served at most.

        It is for what is remembered from then on. :meth:`check_cached_entitlement` goes by it, and
        :meth:`set_cached_entitlement` unless it is given another time.

        Calls ``ledger_set_entitlement_ttl``.

        Args:
            app_id: App.
            ttl: How long, above 0 and at most a day; 30 seconds until it is set.

        Returns:
            What was set.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: Ttl is out of range.
        """
        value: timedelta = await self._fetch_one(
            scalar_row,
            self._statements.set_entitlement_ttl,
            (
                app_id,
                interval_text("ttl", ttl),
            ),
        )
        return value

    async def get_cached_entitlement(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
        *,
        quantity: Decimal | int = 1,
    ) -> Entitlement | None:
        """Returns an entitlement that was remembered: ``ledger_get_cached_entitlement``.

        Args:
            app_id: App.
            tenant_id: Tenant whose it is.
            feature_key: Key of the feature.
            quantity: How much more, on top of what was used, 0 or more.

        Returns:
            What :meth:`check_entitlement` would return, if that is remembered, is still in time and
            is made from nothing that has changed since, or None.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidQuantity: The quantity is not in range.
        """
        return await self._fetch_first(
            ENTITLEMENT_ROW,
            self._statements.get_cached_entitlement,
            (
                app_id,
                tenant_id,
                feature_key,
                decimal_text("quantity", quantity),
            ),
        )

    async def check_cached_entitlement(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
        *,
        quantity: Decimal | int = 1,
    ) -> Entitlement:
        """Says whether a tenant may use so much more of a feature, and remembers it.

        The answer is that of :meth:`check_entitlement`: a remembered one is served only while
        nothing that it was made from has changed, and for no longer than
        :meth:`set_entitlement_ttl` says. What is not remembered is worked out, and then remembered.

        It never waits for another transaction. In a read-only transaction, on a standby, and above
        read committed it remembers nothing.

        Calls ``ledger_check_cached_entitlement``.

        Args:
            app_id: App.
            tenant_id: Tenant who wants to use it.
            feature_key: Key of the feature.
            quantity: How much more, on top of what was used, 0 or more.

        Returns:
            Whether it is allowed, what is used and left of the limit, and why.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidQuantity: The quantity is not in range.
            FeatureNotFound: There is no feature of this key for this app and tenant.
        """
        return await self._fetch_one(
            ENTITLEMENT_ROW,
            self._statements.check_cached_entitlement,
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
    ) -> Entitlement:
        """Says whether a tenant may use so much more of a feature now.

        It is exact at the time of the call, never cached. To check and record in one step there is
        :meth:`consume_entitlement`.

        A boolean feature that is on has a limit of 1 and the reason enabled; one that is off has 0
        and disabled. The reason ``soft_limit`` allows what is above the limit; ``limit_exceeded``
        does not. A feature that no plan of the tenant contains is ``not_in_plan``; if the plans are
        paused, paused; without any subscription, ``no_subscription``.

        Calls ``ledger_check_entitlement``.

        Args:
            app_id: App.
            tenant_id: Tenant who wants to use it.
            feature_key: Key of the feature.
            quantity: How much more, on top of what was used, 0 or more.

        Returns:
            Whether it is allowed, what is used and left of the limit, and why.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidQuantity: The quantity is not in range.
            FeatureNotFound: There is no feature of this key for this app and tenant.
            UnknownTimeZone: The server does not know the time zone of the tenant's subscription any
                more.
        """
        return await self._fetch_one(
            ENTITLEMENT_ROW,
            self._statements.check_entitlement,
            (
                app_id,
                tenant_id,
                feature_key,
                decimal_text("quantity", quantity),
            ),
        )

    async def check_entitlements(
        self,
        app_id: str,
        tenant_id: str,
        feature_keys: Iterable[str],
        *,
        quantities: Iterable[Decimal | int] | None = None,
    ) -> list[Entitlement]:
        """Says of several features whether a tenant may use so much more of them now.

        Each answer is that of :meth:`check_entitlement`, and all are of the same moment. Two
        answers for the same feature do not add up.

        Calls ``ledger_check_entitlements``.

        Args:
            app_id: App.
            tenant_id: Tenant who wants to use them.
            feature_keys: Keys of the features, at most 100,000.
            quantities: How much more of each, on top of what was used, 0 or more; as many as there
                are keys; None for 1 of each.

        Returns:
            One row for each key, in their order: whether it is allowed, what is used and left of
            the limit, and why.

        Raises:
            NullArgument: Also for a key or a quantity that is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidBatch: The arrays of a batch are None, not one-dimensional, or of unequal length.
            BatchTooLarge: More than 100,000 keys.
            InvalidQuantity: A quantity is not in range.
            FeatureNotFound: There is no feature of one of these keys for this app and tenant.
        """
        return await self._fetch_all(
            ENTITLEMENT_ROW,
            self._statements.check_entitlements,
            (
                app_id,
                tenant_id,
                keys_text("feature_keys", feature_keys),
                numbers_text("quantities", quantities),
            ),
        )

    async def remaining_entitlement(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
    ) -> Decimal:
        """Says how much of a feature a tenant has left now: ``ledger_remaining_entitlement``.

        Args:
            app_id: App.
            tenant_id: Tenant who wants to use it.
            feature_key: Key of the feature.

        Returns:
            How much; -1 if it is unlimited, 0 if the tenant does not have it; of a boolean feature
            1 if it is on.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            FeatureNotFound: There is no feature of this key for this app and tenant.
            UnknownTimeZone: The server does not know the time zone of the tenant's subscription any
                more.
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
    ) -> Consumption:
        """Checks a limit and records usage in one step, if the limit allows it.

        Of any number of calls at the same time, no more are allowed than the limit has room for.
        What counts against the limit is what usage comes to with this, by the feature's
        aggregation. Calls for one tenant and feature wait for each other until their transactions
        end, so keep those short.

        Calls ``ledger_consume_entitlement``.

        Args:
            app_id: App.
            tenant_id: Tenant who uses it.
            feature_key: Key of the feature.
            quantity: How much, 0 or more; for a seat, how many more.
            idempotency_key: The caller's own name of the usage event, 1 to 255 characters, unique
                for the tenant's usage of the feature: the same call with the same key is allowed,
                records nothing and has the reason duplicate, or None.
            metadata: JSON object to store with the usage event, at most 64 KiB, or None.

        Returns:
            Whether it was allowed and recorded, what is used and left of the limit afterwards, and
            why; what is not allowed is no error. ``event_id`` is None if nothing was recorded, now
            or before under that key.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidQuantity: The quantity is not in range.
            IdempotencyConflict: The key is taken by usage of another quantity.
            FeatureNotFound: There is no feature of this key for this app and tenant.
            InvalidArgument: The feature is not one that is used up, or the key or a value that it
                counts by is not valid.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            UnknownTimeZone: The server does not know the time zone of the tenant's subscription any
                more.
        """
        return await self._fetch_one(
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

    async def invalidate_entitlement(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
    ) -> None:
        """Forgets the remembered entitlement of a tenant to one feature.

        What pgledger itself changes needs no such call: that is seen anyway.

        Calls ``ledger_invalidate_entitlement``.

        Args:
            app_id: App.
            tenant_id: Tenant whose it is.
            feature_key: Key of the feature.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            FeatureNotFound: There is no feature of this key for this app and tenant.
        """
        await self._fetch_first(
            scalar_row,
            self._statements.invalidate_entitlement,
            (
                app_id,
                tenant_id,
                feature_key,
            ),
        )

    async def invalidate_feature_entitlements(
        self,
        app_id: str,
        feature_key: str,
    ) -> None:
        """Forgets the remembered entitlements to a feature, of all tenants.

        What pgledger itself changes needs no such call: that is seen anyway.

        Calls ``ledger_invalidate_feature_entitlements``.

        Args:
            app_id: App.
            feature_key: Key of the feature.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            FeatureNotFound: No tenant of this app has a feature of this key.
        """
        await self._fetch_first(
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
        """Forgets the remembered entitlements of a tenant.

        What pgledger itself changes needs no such call: that is seen anyway.

        Calls ``ledger_invalidate_tenant_entitlements``.

        Args:
            app_id: App.
            tenant_id: Tenant whose they are.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
        """
        await self._fetch_first(
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
        duration: Literal["once", "repeating", "forever"] = "once",
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
        """Creates a coupon, for the whole app or for one tenant: ``ledger_create_coupon``.

        A coupon takes off a percentage or an amount: one of the two is given. What it takes off,
        off which lines and for how long never changes.

        With an id of the caller's choice the call can be repeated: the second call returns the
        coupon as it is now if it asks for the same.

        Args:
            app_id: App that it belongs to.
            code: What is typed to redeem it, unique in the app (and tenant) among those that are
                not archived: 1 to 64 visible characters.
            name: Name for people, which stands on invoices, 1 to 255 characters; None for the code.
            percentage: Percent off, above 0 to 100, at most 18 decimal places; None for an amount.
            amount: Amount off in currency, above 0, below 1e30, with no more decimal places than
                the currency; None for a percentage.
            currency: Currency of amount and ``minimum_subtotal``: a code of ISO 4217, or one that
                the app has defined. With one, the coupon is for invoices in it only; None for
                invoices in any.
            duration: How many invoices a redemption reduces; one of: ``once``, ``repeating``,
                ``forever``.
            duration_invoices: How many invoices a repeating one reduces, 1 to 1000; None for the
                others.
            applies_to: Which lines it reduces: 1 to 100 keys of features, base for the base fee, or
                items of one-off lines; None for the whole invoice.
            minimum_subtotal: Sum of an invoice's lines, before discounts, from which on it applies,
                in currency, above 0; None for any.
            valid_from: From when on it can be redeemed, inclusive; None for any time.
            valid_until: Until when it can be redeemed, exclusive; None for ever.
            max_redemptions: How often it can be redeemed in all, 1 or more; None for any number of
                times.
            max_redemptions_per_tenant: How often one tenant can redeem it, 1 or more; None for any
                number of times.
            metadata: JSON object of the app's own, at most 64 KiB, or None.
            id: Id of the coupon, ``cpn_`` and a ULID, if the caller chooses it; None for a new one.
            tenant_id: The one tenant that it is for; the empty text for all.

        Returns:
            The coupon.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: The code, the name, the discount, the duration or a limit is not valid.
            InvalidAmount: The amount is not in range, or has too many decimal places.
            InvalidTime: A time is outside the years 1 to 9999, or the end is not after the start.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
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
        """Returns the coupon that a code names for a tenant: ``ledger_get_coupon``.

        Archived ones are found too; if another has taken the code since, that one is.

        Args:
            app_id: App that it belongs to.
            code: What is typed to redeem it.
            tenant_id: Tenant whose own coupon of that code comes before the app's; the empty text
                for the app's alone.

        Returns:
            The coupon.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            CouponNotFound: There is none of that code for this app and tenant.
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
        """Returns the coupon of an id, whichever tenant's it is: ``ledger_get_coupon_by_id``.

        Args:
            app_id: App that it belongs to.
            id: Id of the coupon, ``cpn_`` and a ULID.

        Returns:
            The coupon.

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
        """Returns a page of the coupons that a tenant has redeemed, the oldest first.

        Calls ``ledger_list_coupon_redemptions``.

        Args:
            app_id: App.
            tenant_id: Tenant that redeemed them.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them.

        Returns:
            Redemptions, by their ids.

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
        """Returns a page of an app's coupons, the oldest first: ``ledger_list_coupons``.

        Args:
            app_id: App that they belong to.
            active_only: True to leave out those that are archived, past their time or used up.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them.
            tenant_id: Tenant to list those for: its own and those for all tenants; the empty text
                for the latter alone; None for all of the app.

        Returns:
            Coupons, by their ids.

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

        From then on it reduces the tenant's invoices, or those of one subscription, until it is
        used up. However many redeem it at the same time, it is not redeemed more often than it can
        be.

        With an id of the caller's choice the call can be repeated: the second call returns the
        redemption as it is now if it asks for the same.

        Args:
            app_id: App.
            tenant_id: Tenant that redeems it.
            code: Code of the tenant's own coupon, or else of the app's.
            subscription_id: Id of the subscription whose invoices it is to reduce, ``sub_`` and a
                ULID; None for all of the tenant's.
            id: Id of the redemption, ``red_`` and a ULID, if the caller chooses it; None for a new
                one.

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
        status: Literal["active", "archived"] | None = None,
        clear: Iterable[str] | None = None,
    ) -> Coupon:
        """Changes a coupon: ``ledger_update_coupon``.

        What is None stays as it is; clear takes a value away. The code and the discount never
        change. Who has redeemed the coupon keeps it, whatever changes.

        Args:
            app_id: App that it belongs to.
            id: Id of the coupon, ``cpn_`` and a ULID.
            name: Name for people, 1 to 255 characters, or None.
            valid_from: From when on it can be redeemed, inclusive, or None.
            valid_until: Until when it can be redeemed, exclusive, or None.
            max_redemptions: How often it can be redeemed in all; not less often than it has been,
                or None.
            max_redemptions_per_tenant: How often one tenant can redeem it, 1 or more and not less
                often than any tenant has, or None.
            metadata: JSON object of the app's own, at most 64 KiB, or None.
            status: Whether it can be redeemed; an archived coupon becomes active again unless
                another has taken its code; one of: ``active``, ``archived``, or None.
            clear: Array of the names of what is taken away: ``valid_from``, ``valid_until``,
                ``max_redemptions``, ``max_redemptions_per_tenant``, metadata; None for nothing.

        Returns:
            The coupon; with the same version as before where nothing changed.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            CouponNotFound: The app has no such coupon.
            InvalidArgument: The name, a limit or the status is not valid, or clear has another name
                or one that is given.
            InvalidTime: A time is outside the years 1 to 9999, or the end is not after the start.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InUse: It has been redeemed more often than ``max_redemptions``, or by a tenant than
                ``max_redemptions_per_tenant``.
            AlreadyExists: It would become active, and its code is taken.
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
                status,
                keys_text("clear", clear),
            ),
        )

    async def archive_coupon(
        self,
        app_id: str,
        id: str,
    ) -> Coupon:
        """Closes a coupon, so that nobody can redeem it any more: ``ledger_archive_coupon``.

        Who has redeemed it keeps it.

        Args:
            app_id: App that it belongs to.
            id: Id of the coupon, ``cpn_`` and a ULID.

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

        One that somebody has redeemed can be archived: :meth:`archive_coupon`.

        Args:
            app_id: App that it belongs to.
            id: Id of the coupon, ``cpn_`` and a ULID.

        Returns:
            The coupon as it was.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            CouponNotFound: The app has no such coupon.
            InUse: It has been redeemed.
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

        It is a draft, with the discounts of the coupons that the tenant has now. Amounts are
        rounded to the currency's decimal places, half away from zero.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            currency: Currency of every amount: a code of ISO 4217 or of the app's own.
            lines: JSON array of what is charged or, below zero, credited: 1 to 1,000 objects with
                description and either amount or quantity and ``unit_amount``, for example
                ``[{"description": "Support", "quantity": "3", "unit_amount": "80.00"}]``. Each may
                also have item, a text that coupons and tax rates can name, and ``period_start`` and
                ``period_end``, times of ISO 8601 with an offset. Amounts are below 1e30 in size,
                quantities 0 or more.
            tax_rates: JSON array of its tax rates, as for :meth:`create_subscription`;
                ``applies_to`` names items.
            metadata: JSON object of the app's own, at most 64 KiB, or None.
            id: The invoice's id if the caller chooses it: ``inv_`` and a ULID. The same call with
                the same id returns that invoice as it is now; None for a new id.

        Returns:
            A draft.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            UnknownCurrency: The currency is neither of ISO 4217 nor the app's own.
            InvalidInvoice: Lines or ``tax_rates`` are not valid, or the total is not below 1e30 in
                size; the message names the path.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
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

        It is for invoices that become final from now on.

        Args:
            app_id: App whose invoices they are.
            days: Days from when an invoice becomes final, 0 to 3,650. They are 30 until this is
                called.

        Returns:
            The same.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: Days is out of range.
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
        kind: Literal["period", "start", "change", "interim"] = "period",
        tax_rates: Sequence[Mapping[str, Any]] | None = None,
    ) -> Invoice:
        """Draws up the invoice of a subscription's period: ``ledger_generate_invoice``.

        It is a draft. That of the current period can be drawn up before the period ends, and
        becomes final after it. What there is already of this subscription, period and kind is
        returned as it is, unless it was voided. An interim invoice goes on where the last final one
        ended.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            subscription_id: For which subscription.
            at: A time in the period; None for the current period.
            kind: What it is for. period: what the period has come to, and what the next one costs
                in advance. start: the base fee of a period that is paid in advance and is not on
                the invoice of the period before. change: what changes of plan or quantity come to
                in the period; there is one for each change, and it is that of the last. interim:
                usage until now. One of: ``period``, ``start``, ``change``, ``interim``.
            tax_rates: JSON array of its tax rates, as for :meth:`create_subscription`; None for the
                subscription's.

        Returns:
            The draft, or what there is already.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            UnknownTimeZone: The server does not know its time zone any more.
            InvalidArgument: There is no such kind, the subscription has no period at that time,
                kind is start and it was not active in that period, or kind is change and it did not
                change.
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
        kind: Literal["period", "start", "change", "interim"] = "period",
        tax_rates: Sequence[Mapping[str, Any]] | None = None,
    ) -> InvoicePreview:
        """Returns what :meth:`generate_invoice` would, and writes nothing down.

        It waits for a transaction that is changing the subscription only where :meth:`advance` is
        due for it. In a read-only transaction the answer is as of what :meth:`advance` has written
        down.

        Calls ``ledger_preview_invoice``.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who would be billed.
            subscription_id: For which subscription.
            at: A time in the period; None for the current period.
            kind: What it is for, as for :meth:`generate_invoice`. One of: ``period``, ``start``,
                ``change``, ``interim``.
            tax_rates: JSON array of its tax rates, as for :meth:`create_subscription`; None for
                those of the draft, if there is one, and else for the subscription's.

        Returns:
            The draft as of now, without an id, and computed anew if there is one. What is final
            already is returned as it is.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            UnknownTimeZone: The server does not know its time zone any more.
            InvalidArgument: There is no such kind, the subscription has no period at that time,
                kind is start and it was not active in that period, or kind is change and it did not
                change.
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
                sequence_text("tax_rates", tax_rates),
            ),
        )

    async def get_invoice(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
    ) -> Invoice:
        """Returns an invoice: ``ledger_get_invoice``.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            id: Which invoice: ``inv_`` and a ULID.

        Returns:
            The invoice, with its lines.

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
        kind: Literal["period", "start", "change", "interim"] = "period",
    ) -> Invoice | None:
        """Returns the invoice of a subscription's period: ``ledger_get_invoice_by_period``.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            subscription_id: For which subscription.
            at: A time in the period: not before its start, and before its end.
            kind: What the invoice is for, as for :meth:`generate_invoice`; of several for changes
                it is that of the last. One of: ``period``, ``start``, ``change``, ``interim``.

        Returns:
            The invoice that is not voided, or None.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidTime: At is outside the years 1 to 9999.
            InvalidArgument: There is no such kind.
            SubscriptionNotFound: The tenant has no such subscription.
        """
        return await self._fetch_first(
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

    async def list_app_invoices(
        self,
        app_id: str,
        *,
        status: Literal["draft", "pending", "paid", "past_due", "voided", "uncollectible"]
        | None = None,
        period_from: datetime | None = None,
        period_until: datetime | None = None,
        page_size: int = 100,
        page_offset: int = 0,
    ) -> list[Invoice]:
        """Returns the invoices of all tenants of an app, the newest first.

        Calls ``ledger_list_app_invoices``.

        Args:
            app_id: App.
            status: Only invoices in this state; one of: ``draft``, ``pending``, ``paid``,
                ``past_due``, ``voided``, ``uncollectible``; None for all.
            period_from: Only invoices whose period starts then or later; None for all, also for
                those of one-off invoices, which have no period.
            period_until: Only invoices whose period starts before; None for all.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them, 0 or more.

        Returns:
            A page of invoices: drafts, and then those that are final, the last number first.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: There is no such status.
            InvalidTime: A time is outside the years 1 to 9999, or ``period_until`` is not after
                ``period_from``.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            INVOICE_ROW,
            self._statements.list_app_invoices,
            (
                app_id,
                status,
                time_text("period_from", period_from),
                time_text("period_until", period_until),
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
            ),
        )

    async def list_app_pending_invoices(
        self,
        app_id: str,
        *,
        page_size: int = 100,
        page_offset: int = 0,
    ) -> list[Invoice]:
        """Returns the invoices that the tenants of an app are to pay.

        For the newest first, call :meth:`list_app_invoices` with a status.

        Calls ``ledger_list_app_pending_invoices``.

        Args:
            app_id: App.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them, 0 or more.

        Returns:
            A page of invoices of all tenants that are pending or past due, the longest due first.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            INVOICE_ROW,
            self._statements.list_app_pending_invoices,
            (
                app_id,
                integer_text("page_size", page_size),
                integer_text("page_offset", page_offset),
            ),
        )

    async def list_invoices(
        self,
        app_id: str,
        tenant_id: str,
        *,
        status: Literal["draft", "pending", "paid", "past_due", "voided", "uncollectible"]
        | None = None,
        page_size: int = 100,
        page_offset: int = 0,
        newest_first: bool = False,
        period_from: datetime | None = None,
        period_until: datetime | None = None,
    ) -> list[Invoice]:
        """Returns a tenant's invoices, the newest last: ``ledger_list_invoices``.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            status: Only invoices in this state; one of: ``draft``, ``pending``, ``paid``,
                ``past_due``, ``voided``, ``uncollectible``; None for all.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them, 0 or more.
            newest_first: Whether the newest comes first.
            period_from: Only invoices whose period starts then or later; None for all, also for
                those of one-off invoices, which have no period.
            period_until: Only invoices whose period starts before; None for all.

        Returns:
            A page of invoices, by id.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: There is no such status.
            InvalidTime: A time is outside the years 1 to 9999, or ``period_until`` is not after
                ``period_from``.
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
                flag_text("newest_first", newest_first),
                time_text("period_from", period_from),
                time_text("period_until", period_until),
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

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them, 0 or more.

        Returns:
            A page of invoices that are pending or past due, by when they are due.

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

    async def update_invoice(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
        *,
        metadata: Mapping[str, Any] | None = None,
        lines: Sequence[Mapping[str, Any]] | None = None,
    ) -> Invoice:
        """Changes a draft's metadata and the lines that the application gives it.

        What is None stays as it is; what is given replaces what there was, as a whole. A
        subscription's draft keeps the lines that are computed, which come first; lines of the
        application's own stay when it is computed anew, and are gone if it is deleted or voided.

        A draft whose lines or metadata were changed is no longer what the call with its id asked
        for: repeating that call is then an IdempotencyConflict.

        Calls ``ledger_update_invoice``.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            id: Which invoice: ``inv_`` and a ULID.
            metadata: JSON object of the app's own, at most 64 KiB, or None.
            lines: JSON array of what the application charges or, below zero, credits, as for
                :meth:`create_invoice`: 1 to 1,000 objects, for example ``[{"description": "Setup",
                "amount": "80.00"}]``; for a subscription's draft also none, or None.

        Returns:
            The draft; with lines, computed anew.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidState: It is not a draft.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidInvoice: Lines are not valid, or the total is not below 1e30 in size; the message
                names the path.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.update_invoice,
            (
                app_id,
                tenant_id,
                id,
                metadata_text(metadata),
                sequence_text("lines", lines),
            ),
        )

    async def refresh_invoice(
        self,
        app_id: str,
        tenant_id: str,
        id: str,
    ) -> Invoice:
        """Computes a draft anew: ``ledger_refresh_invoice``.

        Usage, changes, coupons and prices count as of now; the tax rates stay. Of a one-off invoice
        only discounts and taxes are computed anew.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            id: Which invoice: ``inv_`` and a ULID.

        Returns:
            The draft, as of now.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidState: It is not a draft.
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
        """Makes a draft final, with the app's next number: ``ledger_finalize_invoice``.

        It is computed anew a last time and uses up its coupons. From then on nothing on it changes
        but its state and its payments. Drafts of the same subscription that it goes on from come
        first.

        Numbers are taken one transaction after the other, so commit soon.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            id: Which invoice: ``inv_`` and a ULID.
            due_at: When it is to be paid; None for the app's payment terms from now on
                (:meth:`set_payment_terms`).

        Returns:
            The invoice, pending, or paid where nothing is due. One that is so already is returned
            as it is.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidState: It is past due, uncollectible, voided, or paid by payments, the period it
                is for is not over, or an earlier draft comes first.
            InvalidTime: ``due_at`` is outside the years 1 to 9999.
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
        """Gives up an invoice that waits for payment: ``ledger_mark_invoice_uncollectible``.

        It can still be paid or voided.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            id: Which invoice: ``inv_`` and a ULID.

        Returns:
            The invoice, uncollectible. One that is so already is returned as it is.

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
        """Takes back an invoice as if it had not been: ``ledger_mark_invoice_voided``.

        It waits for payment, or its total is zero or below. Coupons that it used up can be used
        again, and what was paid on it is kept as unapplied. If it is a credit, that is taken back:
        what it lowered on other invoices is due again, and nothing of it is kept or to be paid
        back. So void it before you pay it back.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            id: Which invoice: ``inv_`` and a ULID.
            reason: Why, 1 to 1,000 characters, or None.

        Returns:
            The invoice, voided. One that is so already is returned as it is.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidArgument: The reason is not valid.
            InvalidState: The invoice is a draft, or it was paid and its total is above zero, or a
                later invoice gives back a part of its base fee or has lowered it.
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
        """Deletes a draft, with its lines: ``ledger_delete_invoice``.

        An invoice that is final stays. :meth:`mark_invoice_voided` takes its effects back.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            id: Which invoice: ``inv_`` and a ULID.

        Returns:
            The draft as it was.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidState: It is not a draft.
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

        The invoice can be pending, ``past_due``, uncollectible or paid. It is paid once its
        payments cover ``amount_due``; what they come to beyond that is added to unapplied.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who paid.
            invoice_id: Which invoice: ``inv_`` and a ULID.
            amount: How much, in the invoice's currency and with no more decimal places than that
                has: above 0 and below 1e30.
            paid_at: When it was paid, not in the future; None for now.
            reference: What the payment is called where it was made, 1 to 255 characters, or None.
            id: The payment's id if the caller chooses it: ``pay_`` and a ULID. The same call with
                the same id records once and returns the invoice as it is now; None for a new id.

        Returns:
            The invoice, paid or with less to pay.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidAmount: The amount is None, out of range, or has too many decimal places.
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

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who paid.
            invoice_id: Which invoice: ``inv_`` and a ULID.

        Returns:
            The payments, in the order in which they were recorded.

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

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who paid.
            id: Which invoice: ``inv_`` and a ULID.
            paid_at: When it was paid, not in the future; None for now.
            reference: What the payment is called where it was made, 1 to 255 characters, or None.

        Returns:
            The invoice, paid. One that is paid already is returned as it is.

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

    async def import_invoice(
        self,
        app_id: str,
        tenant_id: str,
        currency: str,
        lines: Sequence[Mapping[str, Any]],
        *,
        tax_rates: Sequence[Mapping[str, Any]] = (),
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        subscription_id: str | None = None,
        at: datetime | None = None,
        kind: Literal["period", "start"] = "period",
        due_at: datetime | None = None,
        paid_at: datetime | None = None,
        reference: str | None = None,
    ) -> Invoice:
        """Writes down an invoice that was made elsewhere: final, and paid if it is.

        It takes the app's next number; keep the number that it had in metadata. No coupon takes
        anything off it. Taxes are computed from ``tax_rates``, so give them as they were, or give
        taxes as lines.

        With a subscription it takes the place of the invoice of that kind and period, which is then
        not drawn up. But what the period comes to counts as billed only where a line says so, by
        its member kind: ``base_fee`` for the plan's fee, usage for a feature, whose key is its
        item. Such a line bills all of that for good, for what it says. Anything else that the
        period comes to is on the subscription's next invoice. So record the usage, and import the
        invoices of its periods in their order, before you call :meth:`advance`.

        Without a subscription it is a one-off invoice.

        Calls ``ledger_import_invoice``.

        Args:
            app_id: App that the tenant belongs to.
            tenant_id: Who is billed.
            currency: Currency of every amount; that of the subscription's plan.
            lines: JSON array of what was billed, as for :meth:`create_invoice`; with a subscription
                each may have kind, for example ``[{"description": "Plan", "kind": "base_fee",
                "amount": "49"}, {"description": "Calls", "kind": "usage", "item": "calls",
                "amount": "7.20"}]``. kind is item where it is left out. A base fee of another
                period has ``period_start`` in that.
            tax_rates: JSON array of its tax rates, as for :meth:`create_subscription`.
            metadata: JSON object of the app's own, at most 64 KiB, or None.
            id: The invoice's id if the caller chooses it: ``inv_`` and a ULID. The same call with
                the same id returns that invoice as it is now; None for a new id.
            subscription_id: Which subscription it is for; None for none.
            at: A time in the period it is for; None for the current period.
            kind: What it is for, as for :meth:`generate_invoice`, where there is a subscription;
                one of: ``period``, ``start``.
            due_at: When it is to be paid; None for the app's payment terms from now on.
            paid_at: When all of it was paid, not in the future; None for not yet.
            reference: What that payment is called where it was made, 1 to 255 characters, or None.

        Returns:
            The invoice, pending or paid.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SubscriptionNotFound: The tenant has no such subscription.
            UnknownTimeZone: An update of the server has dropped the time zone of a subscription.
            UnknownCurrency: A currency is neither of ISO 4217 nor defined by the app.
            InvalidInvoice: Lines or ``tax_rates`` are not valid, a line bills something that the
                period does not come to, or the total is not below 1e30 in size; the message names
                the path.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidTime: A time is outside the years 1 to 9999, or ``paid_at`` is in the future.
            InvalidArgument: The reference is not valid or there is no ``paid_at``, there is no such
                kind, the currency is not the plan's, the subscription has no period at that time,
                or the period is not over.
            IdempotencyConflict: The id is taken by a different invoice.
            UsagePurged: Usage events of the period may have been purged.
            InvalidState: There is such an invoice already, or an earlier draft comes first.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.import_invoice,
            (
                app_id,
                tenant_id,
                currency,
                sequence_text("lines", lines),
                sequence_text("tax_rates", tax_rates),
                metadata_text(metadata),
                id,
                subscription_id,
                time_text("at", at),
                kind,
                time_text("due_at", due_at),
                time_text("paid_at", paid_at),
                reference,
            ),
        )

    async def advance(
        self,
        app_id: str,
        *,
        max_subscriptions: int = 1000,
        invoices: Literal["none", "draft", "final"] = "final",
        max_span: timedelta | None = timedelta(days=32),
    ) -> list[SubscriptionMove]:
        """Does what the clock has made due in an app: ``ledger_advance``.

        It ends trials and periods, cancels subscriptions whose time has come, draws up the invoices
        that are due with these, and marks invoices that were not paid in time. What has been due
        the longest comes first.

        Any number of workers may call it at once, each in a transaction of its own: no two move the
        same subscription. Call it until it returns no row. Fewer subscriptions than asked for do
        not mean that nothing is left: one that is more than 100 steps behind moves on by 100 in a
        call, and the next call goes on with it, after all others that are due.

        A subscription gives one row for each step, in order: started, ``trial_ended``,
        ``period_started``, canceled. Invoices follow: ``invoice_drafted``, ``invoice_finalized``,
        ``invoice_past_due``. A subscription that could not be moved gives failed, with the error,
        and is tried again in an hour. ``nothing_due`` names the last one that was looked at, where
        nothing came of it and there is more to look at.

        Args:
            app_id: App whose subscriptions and invoices they are.
            max_subscriptions: How many subscriptions to move at most, 1 to 10,000.
            invoices: What becomes of invoices: final draws up those that are due and makes them
                final; draft draws them up and leaves them to :meth:`finalize_invoice`; none moves
                subscriptions only, and marks nothing as past due. One of: ``none``, ``draft``,
                ``final``.
            max_span: How far the clock may be beyond what was seen of the app: beyond the last run,
                or before the first run beyond the newest subscription. So a clock that has jumped
                makes no invoice final. After a longer standstill give a longer span, once; None for
                any.

        Returns:
            What was done, step by step; empty when nothing is due that nobody else is moving.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: ``max_subscriptions`` or ``max_span`` is out of range, or invoices is
                none of its values.
            AdvanceTooFar: The clock is more than ``max_span`` beyond what was seen.
        """
        return await self._fetch_all(
            SUBSCRIPTION_MOVE_ROW,
            self._statements.advance,
            (
                app_id,
                integer_text("max_subscriptions", max_subscriptions),
                invoices,
                interval_text("max_span", max_span),
            ),
        )

    async def map_tenant_role(
        self,
        role_name: str,
        app_id: str,
        tenant_id: str,
    ) -> None:
        """Lets a database role read one tenant's rows: ``ledger_map_tenant_role``.

        The role reads through the views ``ledger_tenant_*``, and needs the role ``pgledger_tenant``
        besides. Only the owner of pgledger may call this function. Unmap a role before dropping it.
        A second call with the same values changes nothing.

        Args:
            role_name: Name of the database role, which has no other rights on what belongs to
                pgledger than those of ``pgledger_tenant``.
            app_id: App of the tenant.
            tenant_id: Tenant whose rows the role sees.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: There is no such role, or it could see more than one tenant's rows, or
                write.
            AlreadyExists: The role is mapped to another tenant.
        """
        await self._fetch_first(
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
        """Takes back what :meth:`map_tenant_role` gave a database role.

        Only the owner of pgledger may call this function. The role need not exist any more.

        Calls ``ledger_unmap_tenant_role``.

        Args:
            role_name: Name of the database role.

        Returns:
            Whether it was mapped.

        Raises:
            NullArgument: An argument that has to be given is None.
        """
        value: bool = await self._fetch_one(
            scalar_row, self._statements.unmap_tenant_role, (role_name,)
        )
        return value

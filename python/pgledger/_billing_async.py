"""The billing store on an asynchronous connection.

The synchronous twin, ``_billing_sync.py``, is generated from this file by scripts/build_sync.py.
"""

# ruff: noqa: A002 -- arguments are named as in SQL, where an id is an id

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from pgledger._billing_statements import (
    CLOSED,
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
    USAGE_ANSWER_ROW,
    USAGE_EVENT_ROW,
    USAGE_RECEIPT_ROW,
    keys_text,
    mapping_text,
    sequence_text,
    statements_for,
    usage_arrays,
)
from pgledger._calling_async import AsyncCaller
from pgledger._installing import install_async
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
from pgledger.billing_types import (
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
    UsageRecord,
)
from pgledger.migrate import DEFAULT_LOCK_TIMEOUT, DEFAULT_WAIT, MigrationError, MigrationResult

__all__ = ["AsyncBilling"]


class AsyncBilling(AsyncCaller):
    """The billing store's functions, called on a connection of the caller's.

    Every method is one call of the SQL function of the same name, ``ledger_`` in front, inside
    whatever transaction the connection is in: it never commits, rolls back or opens a connection.
    The exceptions are about the store as a whole: :meth:`start` and :meth:`migrate` migrate on a
    connection of their own, :meth:`ping` looks whether the store is there, :meth:`close` ends the
    use of this object and leaves the connection open. Like any error from the database, a refusal
    aborts the transaction; to go on after one, make the call inside ``async with
    conn.transaction():``, which is then a savepoint.

    Any connection will do, as for :class:`~pgledger.AsyncLedger`; to record usage from many places
    without waiting for the database, there is :class:`~pgledger.AsyncMeter`.

    Every call says whose data it is about: ``app_id``, and ``tenant_id`` where it is a tenant's.
    What belongs to others is not found.

    Quantities and amounts are :class:`~decimal.Decimal` or int, never float, and so is what plans,
    prices, lines and tax rates hold, where texts will do as well. Times are aware datetimes,
    durations are timedeltas. A value of a wrong type is a TypeError, a naive time a ValueError;
    both are raised before anything is sent, and leave the transaction as it was. What the store
    refuses arrives as one of :mod:`pgledger.errors`. All calls raise InvalidScope and NullArgument
    where an app, a tenant or a required argument is missing or cannot be one.

    Args:
        conn: The connection to call on.
        schema: The schema that pgledger's public functions were migrated into; None finds them
            through the connection's ``search_path``.

    Attributes:
        conn: The connection given.
        schema: The schema given.

    Raises:
        TypeError: ``conn`` is not a psycopg AsyncConnection.
    """

    __slots__ = ("_statements",)

    def __init__(self, conn: AsyncConnection[Any], *, schema: str | None = None) -> None:
        super().__init__(conn, schema=schema)
        self._statements = statements_for(schema)

    async def start(self) -> MigrationResult:
        """Brings the database to this package's version; for the start of every program.

        Safe however often and from however many processes: one does the work, the others wait for
        it, and where there is nothing to do nothing is written. It happens on a connection of its
        own, made with the parameters of this one, as :func:`pgledger.migrate.migrate` does it. The
        role needs the rights to migrate; where the program's role has none, run ``pgledger
        migrate`` when deploying, and :meth:`ping` here.

        Returns:
            What was done.

        Raises:
            MigrationError: The connection is in a transaction, or migrating was refused or failed.
            psycopg.OperationalError: The further connection cannot be made.
        """
        return await self.migrate()

    async def migrate(
        self, *, lock_timeout: float = DEFAULT_LOCK_TIMEOUT, wait: float = DEFAULT_WAIT
    ) -> MigrationResult:
        """Does what :meth:`start` does, with a say in how long it may wait.

        Args:
            lock_timeout: Seconds that one statement may wait for a lock; 0 for any time.
            wait: Seconds to wait for another migration to finish.

        Returns:
            What was done.

        Raises:
            MigrationError: The connection is in a transaction, or migrating was refused or failed.
            psycopg.OperationalError: The further connection cannot be made.
        """
        self._statements.require_open()
        return await install_async(
            self.conn, schema=self.schema, lock_timeout=lock_timeout, wait=wait
        )

    async def ping(self) -> None:
        """Asks the database whether the billing store is there.

        Raises:
            MigrationError: It is not, or not where this connection looks for it.
            psycopg.OperationalError: The database does not answer.
        """
        is_installed: bool = await self._fetch_one(
            scalar_row, self._statements.is_installed, (self._statements.store,)
        )
        if not is_installed:
            place = "search_path" if self.schema is None else f"schema {self.schema}"
            raise MigrationError(
                f"there is no billing store in the {place} of the database {self.conn.info.dbname}",
                "Install it with Billing.start() or pgledger migrate, or name the schema it is in.",
            )

    async def close(self) -> None:
        """Ends the use of this object; the connection is the caller's and stays open.

        Every later call raises ``psycopg.InterfaceError``, but for another :meth:`close`.
        """
        self._statements = CLOSED

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

        Args:
            app_id: App that it belongs to.
            slug: Name in addresses and code, unique in the app (and tenant).
            name: Name for people.
            currency: Currency of every amount, of ISO 4217 or the app's own.
            features: What it gives: a mapping for each feature, for example ``{"key": "api_calls",
                "limit": 10000, "period": "month", "soft_limit": True}``. Limits are Decimal, int or
                str; -1 is unlimited.
            pricing: What it costs: a base fee and prices, for example ``{"base": {"amount":
                Decimal("49.00"), "interval": "month"}, "prices": []}``. Amounts are Decimal, int or
                str.
            description: Text for people.
            trial_days: Days of trial that a new subscription gets.
            anchor_at_trial_end: Whether billing periods count from the end of the trial.
            add_on: Whether a tenant may have it beside another active subscription.
            metadata: JSON object of the app's own.
            id: The plan's id if the caller chooses it (:func:`pgledger.ids.generate`). The same
                call with the same id returns that plan as it is now.
            tenant_id: The one tenant that it is for; the empty text for all.

        Returns:
            The plan.

        Raises:
            InvalidPlan: ``features`` or ``pricing`` are not valid; the message names the path.
            InvalidArgument: The slug, the name or the days of trial are not valid.
            UnknownCurrency: The currency is neither of ISO 4217 nor the app's own.
            FeatureNotFound: A feature is not in the catalogue.
            Archived: A feature is archived.
            AlreadyExists: The slug is taken.
            InvalidMetadata: The metadata is too large.
            InvalidId: The id is malformed or of another kind.
            IdempotencyConflict: The id is taken by a different plan.
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

    async def get_plan(self, app_id: str, id: str) -> Plan:
        """Returns a plan: ``ledger_get_plan``.

        Args:
            app_id: App that it belongs to.
            id: The plan's id.

        Raises:
            InvalidId: The id is malformed or of another kind.
            PlanNotFound: The app has no such plan.
        """
        return await self._fetch_one(PLAN_ROW, self._statements.get_plan, (app_id, id))

    async def get_plan_by_slug(self, app_id: str, slug: str, *, tenant_id: str = "") -> Plan:
        """Returns the plan of a slug: ``ledger_get_plan_by_slug``.

        Args:
            app_id: App that it belongs to.
            slug: Its slug.
            tenant_id: For whom: the tenant's own plan of that slug comes before the app's.

        Raises:
            PlanNotFound: There is none for this app and tenant.
        """
        return await self._fetch_one(
            PLAN_ROW, self._statements.get_plan_by_slug, (app_id, slug, tenant_id)
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

        Args:
            app_id: App that they belong to.
            status: ``active`` or ``archived``; None for both.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them.
            tenant_id: None for all of the app; the empty text for those that are for all tenants;
                a tenant's for its own and these.

        Raises:
            InvalidArgument: There is no such status.
            InvalidPage: ``page_size`` or ``page_offset`` is out of range.
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
    ) -> Plan:
        """Changes a plan: ``ledger_update_plan``.

        What is None stays as it is; what is given replaces what there was, as a whole. Currency,
        slug and being an add-on never change.

        Args:
            app_id: App that it belongs to.
            id: The plan's id.
            name: Name for people.
            features: What it gives, as for :meth:`create_plan`.
            pricing: What it costs, as for :meth:`create_plan`.
            description: Text for people.
            trial_days: Days of trial that a new subscription gets.
            anchor_at_trial_end: Whether billing periods count from the end of the trial.
            metadata: JSON object of the app's own.

        Returns:
            The plan; with the same version as before where nothing changed.

        Raises:
            PlanNotFound: The app has no such plan.
            InvalidPlan: ``features`` or ``pricing`` are not valid; the message names the path.
            InvalidArgument: The name or the days of trial are not valid.
            FeatureNotFound: A feature is not in the catalogue.
            Archived: A feature that is new to the plan is archived.
            InUse: The billing interval would change while there are subscriptions.
            InvalidMetadata: The metadata is too large.
            InvalidId: The id is malformed or of another kind.
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
            ),
        )

    async def archive_plan(self, app_id: str, id: str) -> Plan:
        """Takes a plan off the market; subscriptions keep it: ``ledger_archive_plan``.

        Args:
            app_id: App that it belongs to.
            id: The plan's id.

        Returns:
            The plan; a second time it does not change.

        Raises:
            InvalidId: The id is malformed or of another kind.
            PlanNotFound: The app has no such plan.
        """
        return await self._fetch_one(PLAN_ROW, self._statements.archive_plan, (app_id, id))

    async def delete_plan(self, app_id: str, id: str) -> Plan:
        """Deletes a plan that nobody has or had: ``ledger_delete_plan``.

        Args:
            app_id: App that it belongs to.
            id: The plan's id.

        Returns:
            The plan as it was.

        Raises:
            InvalidId: The id is malformed or of another kind.
            PlanNotFound: The app has no such plan.
            InUse: A subscription has it, or had it once. Archive it instead.
        """
        return await self._fetch_one(PLAN_ROW, self._statements.delete_plan, (app_id, id))

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

        Args:
            app_id: App that it belongs to; ``*`` for all apps.
            key: Name in plans and usage events, unique in the app (and tenant).
            name: Name for people.
            type: ``boolean``, ``metered`` or ``seat``.
            aggregation: What usage of a metered one comes to: ``sum`` (if None), ``count``,
                ``max``, ``unique_count`` or ``latest``.
            unique_key: Member of an event's metadata whose different values ``unique_count``
                counts.
            description: Text for people.
            metadata: JSON object of the app's own.
            id: The feature's id if the caller chooses it (:func:`pgledger.ids.generate`). The same
                call with the same id returns that feature as it is now.
            tenant_id: The one tenant that it is for; the empty text for all.

        Returns:
            The feature.

        Raises:
            InvalidArgument: The key, name, type, aggregation or unique key is not valid.
            AlreadyExists: The key is taken.
            InvalidMetadata: The metadata is too large.
            InvalidId: The id is malformed or of another kind.
            IdempotencyConflict: The id is taken by a different feature.
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

    async def get_feature(self, app_id: str, id: str) -> Feature:
        """Returns a feature of an app, or a global one: ``ledger_get_feature``.

        Args:
            app_id: App that asks.
            id: The feature's id.

        Raises:
            InvalidId: The id is malformed or of another kind.
            FeatureNotFound: There is no such feature for this app.
        """
        return await self._fetch_one(FEATURE_ROW, self._statements.get_feature, (app_id, id))

    async def get_feature_by_key(self, app_id: str, key: str, *, tenant_id: str = "") -> Feature:
        """Returns the feature of a key: ``ledger_get_feature_by_key``.

        Args:
            app_id: App that asks.
            key: Its key.
            tenant_id: For whom: the tenant's own feature of that key comes before the app's, and
                that before a global one.

        Raises:
            FeatureNotFound: There is none for this app and tenant.
        """
        return await self._fetch_one(
            FEATURE_ROW, self._statements.get_feature_by_key, (app_id, key, tenant_id)
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

        Args:
            app_id: App that they belong to.
            status: ``active`` or ``archived``; None for both.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them.
            tenant_id: None for all of the app; the empty text for those that are for all tenants;
                a tenant's for its own and these.

        Raises:
            InvalidArgument: There is no such status.
            InvalidPage: ``page_size`` or ``page_offset`` is out of range.
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
        self, *, status: str | None = None, page_size: int = 100, page_offset: int = 0
    ) -> list[Feature]:
        """Returns the features of all apps, the newest last: ``ledger_list_global_features``.

        Args:
            status: ``active`` or ``archived``; None for both.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them.

        Raises:
            InvalidArgument: There is no such status.
            InvalidPage: ``page_size`` or ``page_offset`` is out of range.
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

        Args:
            app_id: App that it belongs to; ``*`` for a global one.
            id: The feature's id.
            name: Name for people.
            description: Text for people.
            aggregation: What usage comes to, as for :meth:`create_feature`.
            metadata: JSON object of the app's own.

        Returns:
            The feature; with the same version as before where nothing changed.

        Raises:
            InvalidId: The id is malformed or of another kind.
            FeatureNotFound: The app has no such feature.
            InvalidArgument: The name or the aggregation is not valid.
            InvalidMetadata: The metadata is too large.
        """
        return await self._fetch_one(
            FEATURE_ROW,
            self._statements.update_feature,
            (app_id, id, name, description, aggregation, metadata_text(metadata)),
        )

    async def archive_feature(self, app_id: str, id: str) -> Feature:
        """Closes a feature to new plans: ``ledger_archive_feature``.

        Args:
            app_id: App that it belongs to; ``*`` for a global one.
            id: The feature's id.

        Returns:
            The feature; a second time it does not change.

        Raises:
            InvalidId: The id is malformed or of another kind.
            FeatureNotFound: The app has no such feature.
        """
        return await self._fetch_one(FEATURE_ROW, self._statements.archive_feature, (app_id, id))

    async def delete_feature(self, app_id: str, id: str) -> Feature:
        """Deletes a feature that was never used: ``ledger_delete_feature``.

        Args:
            app_id: App that it belongs to; ``*`` for a global one.
            id: The feature's id.

        Returns:
            The feature as it was.

        Raises:
            InvalidId: The id is malformed or of another kind.
            FeatureNotFound: The app has no such feature.
            InUse: A plan contains it, or usage of it was recorded. Archive it instead.
        """
        return await self._fetch_one(FEATURE_ROW, self._statements.delete_feature, (app_id, id))

    async def set_currency(self, app_id: str, code: str, exponent: int) -> Currency:
        """Defines a currency of the app's own: ``ledger_set_currency``.

        Args:
            app_id: App.
            code: Its code, which is not one of ISO 4217.
            exponent: Decimal places that amounts are rounded to, 0 to 18.

        Returns:
            The currency.

        Raises:
            InvalidCurrency: The code cannot be one.
            InvalidArgument: The code is of ISO 4217, or the exponent is out of range.
            InUse: The exponent would change while plans use the currency.
        """
        return await self._fetch_one(
            CURRENCY_ROW,
            self._statements.set_currency,
            (app_id, code, integer_text("exponent", exponent)),
        )

    async def set_usage_skew(self, app_id: str, skew: timedelta) -> timedelta:
        """Sets how far ahead of the clock usage may be: ``ledger_set_usage_skew``.

        Args:
            app_id: App.
            skew: How far, for machines whose clocks differ; an hour until it is set.

        Returns:
            The same.

        Raises:
            InvalidArgument: It is negative or too long.
        """
        known: timedelta = await self._fetch_one(
            scalar_row, self._statements.set_usage_skew, (app_id, interval_text("skew", skew))
        )
        return known

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
            plan_id: To which plan: one of the app's, or the tenant's own.
            started_at: Since when, not in the future; None for now. Periods that have passed since
                then are written down at once.
            anchor_at: Boundary that periods are counted from; None for the end of the trial where
                the plan says so, and else for ``started_at``.
            time_zone: Zone of the IANA database in whose days and months periods are counted.
            trial_days: Days of trial; None for the plan's, 0 for none.
            quantity: How many times the plan is taken.
            metadata: JSON object of the app's own.
            id: The subscription's id if the caller chooses it (:func:`pgledger.ids.generate`). The
                same call with the same id returns it as it is now.
            tax_rates: Tax rates of its invoices, unless others are given for one: a mapping for
                each, for example ``{"name": "Sales tax", "percentage": Decimal("8.25"),
                "applies_to": ["base", "api_calls"]}``. Percentages are Decimal, int or str, 0 to
                100. ``applies_to`` names features, and ``base`` for base fees; without it a rate
                is on everything.

        Returns:
            The subscription.

        Raises:
            PlanNotFound: There is no such plan for this app and tenant.
            Archived: The plan is archived.
            ActiveSubscriptionExists: The tenant has one that is not an add-on, nor is this one.
            InvalidTime: ``started_at`` is in the future, or a time is outside the years 1 to 9999.
            InvalidArgument: The time zone or the days of trial are not valid.
            InvalidQuantity: The quantity is not in range.
            InvalidMetadata: The metadata is too large.
            InvalidInvoice: ``tax_rates`` are not valid; the message names the path.
            InvalidId: An id is malformed or of another kind.
            IdempotencyConflict: The id is taken by a different subscription.
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

    async def get_subscription(self, app_id: str, tenant_id: str, id: str) -> Subscription:
        """Returns a subscription: ``ledger_get_subscription``.

        Args:
            app_id: App.
            tenant_id: Whose it is.
            id: The subscription's id.

        Raises:
            InvalidId: The id is malformed or of another kind.
            SubscriptionNotFound: The tenant has no such subscription.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW, self._statements.get_subscription, (app_id, tenant_id, id)
        )

    async def get_active_subscription(self, app_id: str, tenant_id: str) -> Subscription | None:
        """Returns what a tenant is subscribed to now: ``ledger_get_active_subscription``.

        Args:
            app_id: App.
            tenant_id: Whose.

        Returns:
            The one that is trialing or active and not an add-on, or None.
        """
        return await self._fetch_first(
            SUBSCRIPTION_ROW, self._statements.get_active_subscription, (app_id, tenant_id)
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

        Args:
            app_id: App.
            tenant_id: Whose.
            status: ``trialing``, ``active``, ``paused`` or ``canceled``; None for all.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them.

        Raises:
            InvalidArgument: There is no such status.
            InvalidPage: ``page_size`` or ``page_offset`` is out of range.
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

        Args:
            app_id: App.
            tenant_id: Whose it is.
            id: The subscription's id.
            quantity: How many times the plan is taken.
            metadata: JSON object of the app's own.
            tax_rates: Tax rates of its invoices, as for :meth:`create_subscription`.

        Returns:
            The subscription; with the same version as before where nothing changed.

        Raises:
            InvalidId: The id is malformed or of another kind.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidQuantity: The quantity is not in range.
            InvalidMetadata: The metadata is too large.
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

    async def change_plan(self, app_id: str, tenant_id: str, id: str, plan_id: str) -> Subscription:
        """Moves a subscription to another plan, now: ``ledger_change_plan``.

        With the same billing interval the periods stay; with another, a new period starts now. A
        trial that is going on goes on.

        Args:
            app_id: App.
            tenant_id: Whose it is.
            id: The subscription's id.
            plan_id: The plan to move to, of the same currency.

        Returns:
            The subscription.

        Raises:
            InvalidId: An id is malformed or of another kind.
            SubscriptionNotFound: The tenant has no such subscription.
            PlanNotFound: There is no such plan for this app and tenant.
            Archived: The plan is archived.
            InvalidArgument: The plan has another currency, or one of both is an add-on.
            InvalidState: The subscription is canceled or paused.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW, self._statements.change_plan, (app_id, tenant_id, id, plan_id)
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

        Args:
            app_id: App.
            tenant_id: Whose it is.
            id: The subscription's id.
            at_period_end: At the end of the current period or of the trial, rather than now.
            unused_time: What becomes of time that was paid and is not used, if it ends now:
                ``none``, ``credit`` (kept for the tenant) or ``refund``.

        Returns:
            The subscription; a second time it does not change.

        Raises:
            InvalidId: The id is malformed or of another kind.
            InvalidArgument: There is no such ``unused_time``, or not at the period's end.
            SubscriptionNotFound: The tenant has no such subscription.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW,
            self._statements.cancel_subscription,
            (app_id, tenant_id, id, flag_text("at_period_end", at_period_end), unused_time),
        )

    async def pause_subscription(self, app_id: str, tenant_id: str, id: str) -> Subscription:
        """Stops a subscription until it is resumed: ``ledger_pause_subscription``.

        Args:
            app_id: App.
            tenant_id: Whose it is.
            id: The subscription's id.

        Returns:
            The subscription; a second time it does not change.

        Raises:
            InvalidId: The id is malformed or of another kind.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidState: It is canceled.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW, self._statements.pause_subscription, (app_id, tenant_id, id)
        )

    async def resume_subscription(self, app_id: str, tenant_id: str, id: str) -> Subscription:
        """Resumes a paused subscription, or keeps one: ``ledger_resume_subscription``.

        A cancellation that is decided and has not come is withdrawn.

        Args:
            app_id: App.
            tenant_id: Whose it is.
            id: The subscription's id.

        Returns:
            The subscription; in the period that now lies in.

        Raises:
            InvalidId: The id is malformed or of another kind.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidState: It is canceled.
            ActiveSubscriptionExists: The tenant has taken another one meanwhile.
        """
        return await self._fetch_one(
            SUBSCRIPTION_ROW, self._statements.resume_subscription, (app_id, tenant_id, id)
        )

    async def advance(
        self, app_id: str, *, max_subscriptions: int = 1000, invoices: str = "final"
    ) -> list[SubscriptionMove]:
        """Moves what the clock has made due: ``ledger_advance``.

        Ends of trials and periods, cancellations, the invoices that are due with these, and
        invoices that were not paid in time. Any number of workers may call it at once, each in a
        transaction of its own: no two move the same subscription. Call it until it returns an
        empty list.

        Args:
            app_id: App.
            max_subscriptions: How many to move at most, 1 to 10,000.
            invoices: ``final`` draws up what is due and makes it final; ``draft`` leaves that to
                :meth:`finalize_invoice`; ``none`` moves subscriptions only.

        Returns:
            What was done, step by step; empty when nothing is due that nobody else is moving.

        Raises:
            InvalidArgument: ``max_subscriptions`` is out of range, or there is no such
                ``invoices``.
        """
        return await self._fetch_all(
            SUBSCRIPTION_MOVE_ROW,
            self._statements.advance,
            (app_id, integer_text("max_subscriptions", max_subscriptions), invoices),
        )

    async def ingest_usage(self, app_id: str, events: Iterable[UsageRecord]) -> list[UsageAnswer]:
        """Records up to 100,000 events of usage: ``ledger_ingest_usage``.

        An event that is wrong is rejected alone. An event whose key its tenant has used before is
        not counted again, so a batch with keys may be sent as often as it takes.

        Args:
            app_id: App.
            events: What was used, by any of the app's tenants.

        Returns:
            One answer for each event, in their order; an empty list for none.

        Raises:
            BatchTooLarge: More than 100,000 events.
        """
        return await self._fetch_all(
            USAGE_ANSWER_ROW, self._statements.ingest_usage, (app_id, *usage_arrays(events))
        )

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
        """Records one event of usage: ``ledger_record_usage``.

        Args:
            app_id: App.
            tenant_id: Who used it.
            feature_key: What was used.
            quantity: How much, 0 or more.
            event_at: When it happened; None for now.
            idempotency_key: The tenant's own name of the event: a second one is not counted.
            metadata: JSON object to store with it.

        Returns:
            Whether it was counted now or had been before, and its id.

        Raises:
            FeatureNotFound: There is no feature of this key for this app and tenant.
            InvalidArgument: The feature is not one that usage is recorded of, or a key or a value
                that it counts by is not valid.
            InvalidQuantity: The quantity is not in range.
            InvalidTime: ``event_at`` is outside the years 1 to 9999.
            UsageInFuture: ``event_at`` is further ahead than the app allows.
            UsagePurged: ``event_at`` is so long ago that events may have been purged.
            InvalidMetadata: The metadata is too large.
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

        Args:
            app_id: App.
            tenant_id: Who used it.
            feature_key: What was used.
            starts_at: From when on, inclusive.
            ends_at: Until when, exclusive.
            aggregation: How to count; None for the feature's own way.

        Returns:
            Zero where there was no usage.

        Raises:
            FeatureNotFound: There is no feature of this key for this app and tenant.
            InvalidArgument: There is no such aggregation for this feature.
            InvalidTime: A time is outside the years 1 to 9999, or the end before the start.
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

        The function behind it is ``ledger_aggregate_usage_by_feature``.

        Args:
            app_id: App.
            tenant_id: Who used them.
            feature_keys: What was used.
            starts_at: From when on, inclusive.
            ends_at: Until when, exclusive.

        Returns:
            One row for each key, in their order.

        Raises:
            BatchTooLarge: More than 100,000 keys.
            FeatureNotFound: There is no feature of one of these keys for this app and tenant.
            InvalidTime: A time is outside the years 1 to 9999, or the end before the start.
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

        Args:
            app_id: App.
            tenant_id: Whose.
            starts_at: From when on, inclusive; None for the beginning.
            ends_at: Until when, exclusive; None for the end.
            feature_key: What was used; None for anything.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them.

        Returns:
            Events by time, and those of the same time as they were recorded.

        Raises:
            InvalidPage: ``page_size`` or ``page_offset`` is out of range.
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

    async def purge_usage(self, app_id: str, before: datetime, *, max_events: int = 10000) -> int:
        """Deletes old usage events and keeps what they come to: ``ledger_purge_usage``.

        Call it, each time in a transaction of its own, until it returns 0.

        Args:
            app_id: App.
            before: Events from then on are kept; counts to whole UTC hours.
            max_events: How many to delete at most.

        Returns:
            How many were deleted.

        Raises:
            InvalidTime: ``before`` is outside the years 1 to 9999 or in the future.
            InvalidArgument: ``max_events`` is out of range.
        """
        purged: int = await self._fetch_one(
            scalar_row,
            self._statements.purge_usage,
            (app_id, time_text("before", before), integer_text("max_events", max_events)),
        )
        return purged

    async def check_entitlement(
        self, app_id: str, tenant_id: str, feature_key: str, *, quantity: Decimal | int = 1
    ) -> Entitlement:
        """Says whether a tenant may use a feature now: ``ledger_check_entitlement``.

        Args:
            app_id: App.
            tenant_id: Who wants to use it.
            feature_key: What.
            quantity: How much of it, on top of what was used.

        Returns:
            Whether it is allowed, and why.

        Raises:
            FeatureNotFound: There is no feature of this key for this app and tenant.
            InvalidQuantity: The quantity is not in range.
        """
        return await self._fetch_one(
            ENTITLEMENT_ROW,
            self._statements.check_entitlement,
            (app_id, tenant_id, feature_key, decimal_text("quantity", quantity)),
        )

    async def remaining_entitlement(self, app_id: str, tenant_id: str, feature_key: str) -> Decimal:
        """Says how much of a feature a tenant has left: ``ledger_remaining_entitlement``.

        Args:
            app_id: App.
            tenant_id: Who.
            feature_key: Of what.

        Returns:
            How much; -1 for unlimited, 0 for nothing.

        Raises:
            FeatureNotFound: There is no feature of this key for this app and tenant.
        """
        remaining: Decimal = await self._fetch_one(
            scalar_row, self._statements.remaining_entitlement, (app_id, tenant_id, feature_key)
        )
        return remaining

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
        """Checks and uses a feature in one step: ``ledger_consume_entitlement``.

        Whoever does it at the same time, no more is used than there is.

        Args:
            app_id: App.
            tenant_id: Who uses it.
            feature_key: What.
            quantity: How much.
            idempotency_key: The tenant's own name of the usage event: a second one is not counted.
            metadata: JSON object to store with the usage event.

        Returns:
            Whether it was allowed and recorded, and what is left. What is not allowed is no error.

        Raises:
            FeatureNotFound: There is no feature of this key for this app and tenant.
            InvalidArgument: The feature is not one that is used up, or the key or a value that it
                counts by is not valid.
            InvalidQuantity: The quantity is not in range.
            InvalidMetadata: The metadata is too large.
            IdempotencyConflict: The key is taken by usage of another feature or quantity.
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

    async def set_cached_entitlement(
        self,
        app_id: str,
        tenant_id: str,
        feature_key: str,
        *,
        ttl: timedelta = timedelta(seconds=30),
    ) -> Entitlement:
        """Checks an entitlement and remembers the answer: ``ledger_set_cached_entitlement``.

        Args:
            app_id: App.
            tenant_id: Whose.
            feature_key: To what.
            ttl: For how long at most; less where a period, trial or subscription ends before.

        Returns:
            What :meth:`check_entitlement` returns for a quantity of 1.

        Raises:
            FeatureNotFound: There is no feature of this key for this app and tenant.
            InvalidArgument: ``ttl`` is out of range.
        """
        return await self._fetch_one(
            ENTITLEMENT_ROW,
            self._statements.set_cached_entitlement,
            (app_id, tenant_id, feature_key, interval_text("ttl", ttl)),
        )

    async def get_cached_entitlement(
        self, app_id: str, tenant_id: str, feature_key: str, *, quantity: Decimal | int = 1
    ) -> Entitlement | None:
        """Returns an answer that was remembered: ``ledger_get_cached_entitlement``.

        Args:
            app_id: App.
            tenant_id: Whose.
            feature_key: To what.
            quantity: How much of it, on top of what was used.

        Returns:
            What :meth:`check_entitlement` would return; None if there is none, or it has expired,
            or what it was made from has changed since.

        Raises:
            InvalidQuantity: The quantity is not in range.
        """
        return await self._fetch_first(
            ENTITLEMENT_ROW,
            self._statements.get_cached_entitlement,
            (app_id, tenant_id, feature_key, decimal_text("quantity", quantity)),
        )

    async def invalidate_tenant_entitlements(self, app_id: str, tenant_id: str) -> None:
        """Forgets a tenant's remembered answers: ``ledger_invalidate_tenant_entitlements``.

        Args:
            app_id: App.
            tenant_id: Whose.
        """
        await self._fetch_first(
            scalar_row, self._statements.invalidate_tenant_entitlements, (app_id, tenant_id)
        )

    async def invalidate_feature_entitlements(self, app_id: str, feature_key: str) -> None:
        """Forgets remembered answers about a feature, for all tenants.

        The function behind it is ``ledger_invalidate_feature_entitlements``.

        Args:
            app_id: App.
            feature_key: To what.

        Raises:
            FeatureNotFound: No tenant of this app has a feature of this key.
        """
        await self._fetch_first(
            scalar_row, self._statements.invalidate_feature_entitlements, (app_id, feature_key)
        )

    async def map_tenant_role(self, role_name: str, app_id: str, tenant_id: str) -> None:
        """Lets a database role read a tenant's rows: ``ledger_map_tenant_role``.

        For administrators only. The role reads through the views ``ledger_tenant_*``.

        Args:
            role_name: The role.
            app_id: App of the tenant.
            tenant_id: The tenant.

        Raises:
            InvalidArgument: There is no such role, or it may be more than a tenant.
            AlreadyExists: The role is mapped to another tenant.
            psycopg.errors.InsufficientPrivilege: The connection's role is no administrator.
        """
        await self._fetch_first(
            scalar_row, self._statements.map_tenant_role, (role_name, app_id, tenant_id)
        )

    async def unmap_tenant_role(self, role_name: str) -> bool:
        """Takes from a database role what mapping gave it: ``ledger_unmap_tenant_role``.

        For administrators only.

        Args:
            role_name: The role.

        Returns:
            Whether it was mapped.

        Raises:
            psycopg.errors.InsufficientPrivilege: The connection's role is no administrator.
        """
        unmapped: bool = await self._fetch_one(
            scalar_row, self._statements.unmap_tenant_role, (role_name,)
        )
        return unmapped

    async def price_usage(
        self,
        price: Mapping[str, Any],
        quantity: Decimal | int,
        *,
        allowance: Decimal | int = 0,
        exponent: int | None = None,
    ) -> list[PriceLine]:
        """Says what a price comes to, whoever pays it: ``ledger_price_usage``.

        Args:
            price: A price as a plan's pricing has it, for example ``{"feature": "api_calls",
                "model": "per_unit", "unit_amount": Decimal("0.001")}``. Numbers are Decimal, int
                or str.
            quantity: How much is used, 0 or more.
            allowance: How much of it is free.
            exponent: Decimal places that amounts are rounded to, so that the lines add up to the
                rounded total; None for exact amounts.

        Returns:
            A line for each tier that is reached, then what the minimum or maximum adds or takes.

        Raises:
            InvalidPlan: ``price`` is not valid; the message names the path.
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
        applies_to: Sequence[str] | None = None,
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

        Args:
            app_id: App that it belongs to.
            code: What is typed to redeem it, unique in the app (and tenant).
            name: Name for people; the code if None.
            percentage: Percent off, above 0 to 100. Either this or ``amount``.
            amount: Amount off, above 0.
            currency: Currency of ``amount`` and ``minimum_subtotal``; the coupon is for invoices in
                that currency only.
            duration: How many invoices a redemption reduces: ``once``, ``repeating`` or
                ``forever``.
            duration_invoices: How many, if it is ``repeating``.
            applies_to: Keys of the features whose lines it reduces, ``base`` among them for base
                fees, and items of one-off lines; None for the whole invoice.
            minimum_subtotal: Sum of an invoice's lines, before discounts, from which on it applies.
            valid_from: From when on it can be redeemed, inclusive.
            valid_until: Until when, exclusive.
            max_redemptions: How often it can be redeemed in all; None for any number of times.
            max_redemptions_per_tenant: How often one tenant can redeem it.
            metadata: JSON object of the app's own.
            id: The coupon's id if the caller chooses it (:func:`pgledger.ids.generate`). The same
                call with the same id returns that coupon as it is now.
            tenant_id: The one tenant that it is for; the empty text for all.

        Returns:
            The coupon.

        Raises:
            InvalidArgument: The code, the name, the discount, the duration or a limit is not valid.
            InvalidAmount: An amount is not in range.
            UnknownCurrency: The currency is neither of ISO 4217 nor the app's own.
            InvalidTime: A time is outside the years 1 to 9999, or the end not after the start.
            AlreadyExists: The code is taken.
            InvalidMetadata: The metadata is too large.
            InvalidId: The id is malformed or of another kind.
            IdempotencyConflict: The id is taken by a different coupon.
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

    async def get_coupon(self, app_id: str, code: str, *, tenant_id: str = "") -> Coupon:
        """Returns the coupon of a code: ``ledger_get_coupon``.

        Args:
            app_id: App that it belongs to.
            code: Its code.
            tenant_id: For whom: the tenant's own coupon of that code comes before the app's.

        Raises:
            CouponNotFound: There is none for this app and tenant.
        """
        return await self._fetch_one(
            COUPON_ROW, self._statements.get_coupon, (app_id, code, tenant_id)
        )

    async def get_coupon_by_id(self, app_id: str, id: str) -> Coupon:
        """Returns a coupon: ``ledger_get_coupon_by_id``.

        Args:
            app_id: App that it belongs to.
            id: The coupon's id.

        Raises:
            InvalidId: The id is malformed or of another kind.
            CouponNotFound: The app has no such coupon.
        """
        return await self._fetch_one(COUPON_ROW, self._statements.get_coupon_by_id, (app_id, id))

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

        Args:
            app_id: App that they belong to.
            active_only: Only those that are not archived, past their time or used up.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them.
            tenant_id: None for all of the app; the empty text for those that are for all tenants;
                a tenant's for its own and these.

        Raises:
            InvalidPage: ``page_size`` or ``page_offset`` is out of range.
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

        Args:
            app_id: App that it belongs to.
            id: The coupon's id.
            name: Name for people.
            valid_from: From when on it can be redeemed, inclusive.
            valid_until: Until when, exclusive.
            max_redemptions: How often it can be redeemed in all.
            max_redemptions_per_tenant: How often one tenant can redeem it.
            metadata: JSON object of the app's own.

        Returns:
            The coupon; with the same version as before where nothing changed.

        Raises:
            InvalidId: The id is malformed or of another kind.
            CouponNotFound: The app has no such coupon.
            InvalidArgument: The name or a limit is not valid.
            InvalidTime: A time is outside the years 1 to 9999, or the end not after the start.
            InUse: It has been redeemed more often than ``max_redemptions``.
            InvalidMetadata: The metadata is too large.
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

    async def archive_coupon(self, app_id: str, id: str) -> Coupon:
        """Closes a coupon; who has redeemed it keeps it: ``ledger_archive_coupon``.

        Args:
            app_id: App that it belongs to.
            id: The coupon's id.

        Returns:
            The coupon; a second time it does not change.

        Raises:
            InvalidId: The id is malformed or of another kind.
            CouponNotFound: The app has no such coupon.
        """
        return await self._fetch_one(COUPON_ROW, self._statements.archive_coupon, (app_id, id))

    async def delete_coupon(self, app_id: str, id: str) -> Coupon:
        """Deletes a coupon that nobody has redeemed: ``ledger_delete_coupon``.

        Args:
            app_id: App that it belongs to.
            id: The coupon's id.

        Returns:
            The coupon as it was.

        Raises:
            InvalidId: The id is malformed or of another kind.
            CouponNotFound: The app has no such coupon.
            InUse: It has been redeemed. Archive it instead.
        """
        return await self._fetch_one(COUPON_ROW, self._statements.delete_coupon, (app_id, id))

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
            code: Its code: the tenant's own coupon of that code comes before the app's.
            subscription_id: Subscription whose invoices it is to reduce; None for all of the
                tenant's.
            id: The redemption's id if the caller chooses it (:func:`pgledger.ids.generate`). The
                same call with the same id redeems once and returns that redemption as it is now.

        Returns:
            The redemption.

        Raises:
            CouponNotFound: There is no coupon of this code for this app and tenant.
            CouponNotValid: It is archived, not valid yet or not valid any more.
            CouponExhausted: It has been redeemed as often as it can be, in all or by this tenant.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidId: An id is malformed or of another kind.
            IdempotencyConflict: The id is taken by a different redemption.
        """
        return await self._fetch_one(
            COUPON_REDEMPTION_ROW,
            self._statements.redeem_coupon,
            (app_id, tenant_id, code, subscription_id, id),
        )

    async def list_coupon_redemptions(
        self, app_id: str, tenant_id: str, *, page_size: int = 100, page_offset: int = 0
    ) -> list[CouponRedemption]:
        """Returns the coupons that a tenant has redeemed: ``ledger_list_coupon_redemptions``.

        Args:
            app_id: App.
            tenant_id: Who redeemed them.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them.

        Returns:
            Redemptions, the newest last.

        Raises:
            InvalidPage: ``page_size`` or ``page_offset`` is out of range.
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

        Args:
            app_id: App.
            tenant_id: Who is billed.
            subscription_id: For which subscription.
            at: A time in the period; None for the current one.
            kind: ``period`` (what the period has come to, and what the next one costs in advance),
                ``start`` (the base fee of a period that is paid in advance and not on the invoice
                of the one before) or ``interim`` (usage until now).
            tax_rates: Tax rates, as for :meth:`create_subscription`; None for the subscription's.

        Returns:
            A draft, which for ``period`` becomes final after the period's end; what there is
            already of this subscription, period and kind is returned as it is, unless it was
            voided.

        Raises:
            InvalidId: The id is malformed or of another kind.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidArgument: There is no such kind, or the subscription has no period at that time.
            InvalidTime: ``at`` is outside the years 1 to 9999.
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
        tax_rates: Sequence[Mapping[str, Any]] | None = None,
    ) -> InvoicePreview:
        """Returns what :meth:`generate_invoice` would, and writes nothing down.

        The function behind it is ``ledger_preview_invoice``.

        Args:
            app_id: App.
            tenant_id: Who would be billed.
            subscription_id: For which subscription.
            at: A time in the period; None for the current one.
            kind: ``period``, ``start`` or ``interim``, as for :meth:`generate_invoice`.
            tax_rates: Tax rates, as for :meth:`create_subscription`; None for the subscription's.

        Returns:
            The draft as of now, computed anew if there is one, and without an id; what is final
            already is returned as it is.

        Raises:
            InvalidId: The id is malformed or of another kind.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidArgument: There is no such kind, or the subscription has no period at that time.
            InvalidTime: ``at`` is outside the years 1 to 9999.
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
            currency: Currency of every amount, of ISO 4217 or the app's own.
            lines: What is charged or, below zero, credited: a mapping for each of 1 to 1,000 lines
                with ``description`` and either ``amount`` or ``quantity`` and ``unit_amount``, for
                example ``{"description": "Support", "quantity": 3, "unit_amount":
                Decimal("80.00")}``; ``item``, a text that coupons and tax rates can name,
                ``period_start`` and ``period_end`` if wanted. Numbers are Decimal, int or str;
                times are aware datetimes, or texts of ISO 8601 with an offset.
            tax_rates: Tax rates, as for :meth:`create_subscription`; ``applies_to`` names items.
            metadata: JSON object of the app's own.
            id: The invoice's id if the caller chooses it (:func:`pgledger.ids.generate`). The same
                call with the same id returns that invoice as it is now.

        Returns:
            A draft.

        Raises:
            UnknownCurrency: The currency is neither of ISO 4217 nor the app's own.
            InvalidInvoice: ``lines`` or ``tax_rates`` are not valid; the message names the path.
            InvalidMetadata: The metadata is too large.
            InvalidId: The id is malformed or of another kind.
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

    async def get_invoice(self, app_id: str, tenant_id: str, id: str) -> Invoice:
        """Returns an invoice: ``ledger_get_invoice``.

        Args:
            app_id: App.
            tenant_id: Who is billed.
            id: The invoice's id.

        Raises:
            InvalidId: The id is malformed or of another kind.
            InvoiceNotFound: The tenant has no such invoice.
        """
        return await self._fetch_one(
            INVOICE_ROW, self._statements.get_invoice, (app_id, tenant_id, id)
        )

    async def get_invoice_by_period(
        self,
        app_id: str,
        tenant_id: str,
        subscription_id: str,
        at: datetime,
        *,
        kind: str = "period",
    ) -> Invoice | None:
        """Returns the invoice of a subscription's period: ``ledger_get_invoice_by_period``.

        Args:
            app_id: App.
            tenant_id: Who is billed.
            subscription_id: For which subscription.
            at: A time in the period.
            kind: ``period``, ``start`` or ``interim``.

        Returns:
            The one that is not voided, or None.

        Raises:
            InvalidId: The id is malformed or of another kind.
            SubscriptionNotFound: The tenant has no such subscription.
            InvalidArgument: There is no such kind.
            InvalidTime: ``at`` is outside the years 1 to 9999.
        """
        return await self._fetch_first(
            INVOICE_ROW,
            self._statements.get_invoice_by_period,
            (app_id, tenant_id, subscription_id, time_text("at", at), kind),
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

        Args:
            app_id: App.
            tenant_id: Who is billed.
            status: ``draft``, ``pending``, ``paid``, ``past_due``, ``voided`` or
                ``uncollectible``; None for all.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them.

        Raises:
            InvalidArgument: There is no such status.
            InvalidPage: ``page_size`` or ``page_offset`` is out of range.
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
        self, app_id: str, tenant_id: str, *, page_size: int = 100, page_offset: int = 0
    ) -> list[Invoice]:
        """Returns the invoices that a tenant is to pay: ``ledger_list_pending_invoices``.

        Args:
            app_id: App.
            tenant_id: Who is billed.
            page_size: How many at most, 1 to 10,000.
            page_offset: How many to leave out before them.

        Returns:
            Those that are pending or past due, by when they are due.

        Raises:
            InvalidPage: ``page_size`` or ``page_offset`` is out of range.
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

    async def refresh_invoice(self, app_id: str, tenant_id: str, id: str) -> Invoice:
        """Computes a draft anew: ``ledger_refresh_invoice``.

        Args:
            app_id: App.
            tenant_id: Who is billed.
            id: The invoice's id.

        Returns:
            The invoice; with the same version as before where nothing changed.

        Raises:
            InvalidId: The id is malformed or of another kind.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidState: It is no draft.
        """
        return await self._fetch_one(
            INVOICE_ROW, self._statements.refresh_invoice, (app_id, tenant_id, id)
        )

    async def finalize_invoice(
        self, app_id: str, tenant_id: str, id: str, *, due_at: datetime | None = None
    ) -> Invoice:
        """Makes a draft final, with a number: ``ledger_finalize_invoice``.

        It is computed anew and uses up its coupons; nothing on it changes afterwards but its state
        and its payments. Numbers are taken one transaction after the other, so commit soon.

        Args:
            app_id: App.
            tenant_id: Who is billed.
            id: The invoice's id.
            due_at: When it is to be paid; None for the app's payment terms from now on
                (:meth:`set_payment_terms`).

        Returns:
            The invoice, ``pending``, or ``paid`` where nothing is due; a second time it does not
            change while it is so.

        Raises:
            InvalidId: The id is malformed or of another kind.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidTime: ``due_at`` is outside the years 1 to 9999.
            InvalidState: It has gone on from there, or the period it is for is not over.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.finalize_invoice,
            (app_id, tenant_id, id, time_text("due_at", due_at)),
        )

    async def delete_invoice(self, app_id: str, tenant_id: str, id: str) -> Invoice:
        """Deletes a draft: ``ledger_delete_invoice``.

        Args:
            app_id: App.
            tenant_id: Who is billed.
            id: The invoice's id.

        Returns:
            The draft as it was.

        Raises:
            InvalidId: The id is malformed or of another kind.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidState: It is no draft. Void it instead.
        """
        return await self._fetch_one(
            INVOICE_ROW, self._statements.delete_invoice, (app_id, tenant_id, id)
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

        Args:
            app_id: App.
            tenant_id: Who paid.
            invoice_id: Which invoice.
            amount: How much, in the invoice's currency, above 0.
            paid_at: When, not in the future; None for now.
            reference: What the payment is called where it was made.
            id: The payment's id if the caller chooses it (:func:`pgledger.ids.generate`). The same
                call with the same id records once and returns the invoice as it is now.

        Returns:
            The invoice, ``paid`` once its payments cover it; what is paid beyond that is kept as
            ``unapplied``.

        Raises:
            InvalidId: An id is malformed or of another kind.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidAmount: The amount is not in range, or has too many decimal places.
            InvalidArgument: The reference is not valid.
            InvalidTime: ``paid_at`` is in the future or outside the years 1 to 9999.
            InvalidState: The invoice is a draft or voided.
            IdempotencyConflict: The id is taken by a different payment.
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
            app_id: App.
            tenant_id: Who paid.
            id: The invoice's id.
            paid_at: When, not in the future; None for now.
            reference: What the payment is called where it was made.

        Returns:
            The invoice, ``paid``; a second time it does not change.

        Raises:
            InvalidId: The id is malformed or of another kind.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidArgument: The reference is not valid.
            InvalidTime: ``paid_at`` is in the future or outside the years 1 to 9999.
            InvalidState: The invoice is a draft or voided.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.mark_invoice_paid,
            (app_id, tenant_id, id, time_text("paid_at", paid_at), reference),
        )

    async def mark_invoice_voided(
        self, app_id: str, tenant_id: str, id: str, *, reason: str | None = None
    ) -> Invoice:
        """Takes an invoice back, as if it had not been: ``ledger_mark_invoice_voided``.

        Coupons that it used up can be used again, and what was paid on it is kept as ``unapplied``.

        Args:
            app_id: App.
            tenant_id: Who is billed.
            id: The invoice's id.
            reason: Why.

        Returns:
            The invoice, ``voided``; a second time it does not change.

        Raises:
            InvalidId: The id is malformed or of another kind.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidArgument: The reason is not valid.
            InvalidState: The invoice is a draft or paid.
        """
        return await self._fetch_one(
            INVOICE_ROW,
            self._statements.mark_invoice_voided,
            (app_id, tenant_id, id, reason),
        )

    async def mark_invoice_uncollectible(self, app_id: str, tenant_id: str, id: str) -> Invoice:
        """Gives up an invoice: ``ledger_mark_invoice_uncollectible``.

        It can still be paid or voided.

        Args:
            app_id: App.
            tenant_id: Who is billed.
            id: The invoice's id.

        Returns:
            The invoice, ``uncollectible``; a second time it does not change.

        Raises:
            InvalidId: The id is malformed or of another kind.
            InvoiceNotFound: The tenant has no such invoice.
            InvalidState: The invoice is a draft, paid or voided.
        """
        return await self._fetch_one(
            INVOICE_ROW, self._statements.mark_invoice_uncollectible, (app_id, tenant_id, id)
        )

    async def list_payments(self, app_id: str, tenant_id: str, invoice_id: str) -> list[Payment]:
        """Returns the payments made on an invoice, the newest last: ``ledger_list_payments``.

        Args:
            app_id: App.
            tenant_id: Who paid.
            invoice_id: Which invoice.

        Raises:
            InvalidId: The id is malformed or of another kind.
            InvoiceNotFound: The tenant has no such invoice.
        """
        return await self._fetch_all(
            PAYMENT_ROW, self._statements.list_payments, (app_id, tenant_id, invoice_id)
        )

    async def set_payment_terms(self, app_id: str, days: int) -> int:
        """Sets how long tenants have to pay invoices: ``ledger_set_payment_terms``.

        Args:
            app_id: App.
            days: Days from when an invoice is final, 0 to 3,650; 30 until it is set.

        Returns:
            The same.

        Raises:
            InvalidArgument: It is out of range.
        """
        known: int = await self._fetch_one(
            scalar_row, self._statements.set_payment_terms, (app_id, integer_text("days", days))
        )
        return known

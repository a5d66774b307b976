"""The page that introduced the billing store, line by line: what it names works here by that name.

It is about a Go library, so calls become their Python counterparts. Its sections are those of this
file, in its order.
"""

import inspect
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pytest_postgresql.executors import NoopExecutor

from pgledger import AsyncBilling, AsyncMeter, Billing, Meter, UsageRecord, errors
from pgledger.embedded import EmbeddedServer
from pgledger.migrate import MigrationError
from support.clock import SetClock
from support.database import Connect, NewDatabase

# "The PostgreSQL store creates and manages the following tables"
TABLES = {
    "ledger_plans",
    "ledger_subscriptions",
    "ledger_usage_events",
    "ledger_invoices",
    "ledger_coupons",
    "ledger_entitlement_cache",
}

EACH_TABLE = pytest.mark.parametrize("name", sorted(TABLES))

APP = "maps"
WAIT_SECONDS = 30.0

FEATURES = [
    {"key": "api_calls", "type": "metered", "limit": "100", "period": "month"},
    {"key": "seats", "type": "seat", "limit": "5"},
    {"key": "sso", "type": "boolean", "limit": "1"},
]
PRICING = {
    "base": {"amount": "49.00", "interval": "month", "interval_count": 1, "billed": "advance"},
    "prices": [
        {
            "feature": "api_calls",
            "model": "graduated",
            "tiers": [
                {"up_to": "10", "unit_amount": "10", "flat_amount": "2"},
                {"up_to": None, "unit_amount": "5"},
            ],
            "minimum": None,
            "maximum": None,
        }
    ],
}


@dataclass(frozen=True)
class Store:
    """An app with a plan, and a tenant who has it."""

    conn: psycopg.Connection[Any]
    billing: Billing
    plan_id: str
    subscription_id: str


def open_catalogue(billing: Billing, app_id: str = APP) -> str:
    """Makes three features and a plan of them, and returns its id."""
    billing.create_feature(app_id, "api_calls", "API calls")
    billing.create_feature(app_id, "seats", "Team members", type="seat")
    billing.create_feature(app_id, "sso", "Single sign-on", type="boolean")
    plan = billing.create_plan(
        app_id, "pro", "Pro", "USD", features=FEATURES, pricing=PRICING, metadata={"tier": 2}
    )
    return plan.id


@pytest.fixture
def store(connect: Connect) -> Store:
    conn = connect(autocommit=True)
    billing = Billing(conn)
    plan_id = open_catalogue(billing)
    subscription = billing.create_subscription(APP, "acme", plan_id)
    return Store(conn, billing, plan_id, subscription.id)


class Pool:
    """Lends connections to a meter, and tells when one has come back."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._returned = threading.Condition()
        self.returned = 0

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self._dsn) as conn:
            yield conn
        with self._returned:
            self.returned += 1
            self._returned.notify_all()

    def wait_for(self, returned: int) -> None:
        with self._returned:
            assert self._returned.wait_for(lambda: self.returned >= returned, WAIT_SECONDS)


def counted(billing: Billing, tenant_id: str, *, app_id: str = APP) -> Decimal:
    now = datetime.now(UTC)
    day = timedelta(days=1)
    return billing.aggregate_usage(app_id, tenant_id, "api_calls", now - day, now + day)


def columns_of(conn: psycopg.Connection[Any], name: str) -> dict[str, str]:
    rows = conn.execute(
        """
        select column_name::text, data_type::text
        from information_schema.columns
        where table_schema = 'public' and table_name = %s
        """,
        [name],
    ).fetchall()
    return dict(rows)


def default_of(function: Callable[..., Any], name: str) -> object:
    return inspect.signature(function).parameters[name].default


# Setup


def test_database_url_opens_it(ledger_dsn):
    """``grove.Open(pgdriver.Open(os.Getenv("DATABASE_URL")))``: any form of a DSN, so a URL too."""
    part = conninfo_to_dict(ledger_dsn)
    url = f"postgresql://{part['user']}@/{part['dbname']}?host={part['host']}&port={part['port']}"
    with psycopg.connect(url) as conn:
        Billing(conn).ping()


@pytest.mark.parametrize("meter", [Meter, AsyncMeter])
def test_meter_config_is_100_events_and_5_seconds(meter):
    """``ledger.WithMeterConfig(100, 5*time.Second)``."""
    assert default_of(meter, "batch_size") == 100
    assert default_of(meter, "flush_interval") == timedelta(seconds=5)


def test_meter_sends_a_full_batch_at_once(store, ledger_dsn):
    pool = Pool(ledger_dsn)
    with Meter(pool, APP, batch_size=100, flush_interval=timedelta(hours=1)) as meter:
        for _ in range(99):
            meter.record("acme", "api_calls")
        assert meter.buffered == 99
        assert pool.returned == 0
        meter.record("acme", "api_calls")
        pool.wait_for(1)
        assert counted(store.billing, "acme") == 100


def test_meter_sends_a_part_of_a_batch_after_the_interval(store, ledger_dsn):
    pool = Pool(ledger_dsn)
    with Meter(pool, APP, batch_size=100, flush_interval=timedelta(milliseconds=50)) as meter:
        meter.record("acme", "api_calls", 7)
        pool.wait_for(1)
        assert counted(store.billing, "acme") == 7


def test_entitlement_cache_ttl_is_30_seconds(store, set_clock: SetClock):
    """``ledger.WithEntitlementCacheTTL(30*time.Second)``."""
    now = datetime.now(UTC)
    set_clock(store.conn, now)
    store.billing.set_cached_entitlement(APP, "acme", "api_calls")
    for age, is_served in ((timedelta(seconds=30, microseconds=-1), True), (30, False)):
        later = age if isinstance(age, timedelta) else timedelta(seconds=age)
        set_clock(store.conn, now + later)
        served = store.billing.get_cached_entitlement(APP, "acme", "api_calls")
        assert (served is not None) is is_served, later


def test_entitlement_cache_ttl_as_given(store, set_clock: SetClock):
    now = datetime.now(UTC)
    set_clock(store.conn, now)
    store.billing.set_cached_entitlement(APP, "acme", "api_calls", ttl=timedelta(seconds=2))
    rows = store.conn.execute(
        "select app_id, tenant_id, feature_key, expires_at - created_at"
        " from ledger_entitlement_cache"
    ).fetchall()
    assert rows == [(APP, "acme", "api_calls", timedelta(seconds=2))]


def test_start_migrates_and_stop_sends_what_is_buffered(database: NewDatabase):
    """``engine.Start(ctx)`` and ``defer engine.Stop()``."""
    dsn = database()
    with psycopg.connect(dsn, autocommit=True) as conn:
        billing = Billing(conn)
        done = billing.start()
        assert done.installed
        assert done.changed
        billing.create_feature(APP, "api_calls", "API calls")
        meter = Meter(Pool(dsn), APP)
        meter.record("acme", "api_calls", 3)
        assert meter.close() == []
        assert counted(billing, "acme") == 3


# Migrations


def test_migrations_are_safe_to_run_on_every_startup(store):
    """``engine.Start()`` again, and ``s.Migrate(ctx)`` by hand: nothing is done, nothing lost."""
    before = store.conn.execute("select count(*) from pgledger.schema_history").fetchone()
    for migrate in (store.billing.start, store.billing.migrate, store.billing.start):
        assert not migrate().changed
    assert store.conn.execute("select count(*) from pgledger.schema_history").fetchone() == before
    assert store.billing.get_plan(APP, store.plan_id).slug == "pro"


def test_manual_migration_of_an_empty_database(database: NewDatabase):
    """``s.Migrate(ctx)``."""
    with psycopg.connect(database()) as conn:
        assert Billing(conn).migrate().installed
        Billing(conn).ping()


def test_a_migration_that_fails_says_so(connect, database: NewDatabase):
    """``log.Fatal("migration failed:", err)``: there is an error to show."""
    conn = connect(dsn=database())
    conn.execute("select 1")
    with pytest.raises(MigrationError, match="in a transaction"):
        Billing(conn).migrate()


def test_many_processes_start_at_once(database: NewDatabase):
    dsn = database()

    def start(_: int) -> bool:
        with psycopg.connect(dsn) as conn:
            return Billing(conn).start().installed

    with ThreadPoolExecutor(4) as processes:
        assert sorted(processes.map(start, range(4))) == [False, False, False, True]


# Database schema


def test_tables_have_the_names_of_the_page(conn):
    rows = conn.execute(
        """
        select relname::text
        from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'v'
        """
    ).fetchall()
    assert {name for (name,) in rows} >= TABLES


def test_plans_have_features_pricing_currency_and_billing_cycle(store):
    """Page: "Plans with features (JSONB), pricing, currency, and billing cycle"."""
    assert store.conn.execute(
        "select features, pricing, currency, billing_interval, interval_count, metadata"
        " from ledger_plans"
    ).fetchall() == [(FEATURES, PRICING, "USD", "month", 1, {"tier": 2})]


def test_subscriptions_track_periods_and_trials(connect, set_clock: SetClock):
    """Page: "Customer subscriptions with period tracking and trial support"."""
    conn = connect(autocommit=True)
    start = datetime(2026, 1, 17, 12, tzinfo=UTC)
    set_clock(conn, start)
    billing = Billing(conn)
    plan_id = open_catalogue(billing)
    billing.create_subscription(APP, "acme", plan_id, trial_days=14)
    query = (
        "select status, trial_end, current_period_start, current_period_end"
        " from ledger_subscriptions"
    )
    trial_end = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert conn.execute(query).fetchall() == [("trialing", trial_end, start, trial_end)]
    # The first month counts from the trial's end, and February is too short for it.
    set_clock(conn, datetime(2026, 3, 1, tzinfo=UTC))
    assert [move.change for move in billing.advance(APP, max_span=timedelta(days=60))] == [
        "trial_ended",
        "period_started",
        "period_started",
        "invoice_finalized",
        "invoice_finalized",
    ]
    february = datetime(2026, 2, 28, 12, tzinfo=UTC)
    march = datetime(2026, 3, 31, 12, tzinfo=UTC)
    assert conn.execute(query).fetchall() == [("active", trial_end, february, march)]


def test_usage_is_ingested_in_bulk_and_once(store):
    """Page: "High-throughput usage event ingestion with idempotency"."""
    events = [
        UsageRecord("acme", "api_calls", 2, idempotency_key=f"request-{number}")
        for number in range(5_000)
    ]
    assert {answer.status for answer in store.billing.ingest_usage(APP, events)} == {"inserted"}
    assert {answer.status for answer in store.billing.ingest_usage(APP, events)} == {"duplicate"}
    assert counted(store.billing, "acme") == 10_000
    rows = store.conn.execute("select count(*), sum(quantity) from ledger_usage_events").fetchall()
    assert rows == [(5_000, 10_000)]


def test_invoices_have_line_items_and_track_payments(store):
    """Page: "Invoices with line items (JSONB) and payment tracking"."""
    billing = store.billing
    assert [move.change for move in billing.advance(APP)] == ["invoice_finalized"]
    (invoice,) = billing.list_pending_invoices(APP, "acme")
    query = (
        "select number, status, line_items -> 0 ->> 'kind', line_items -> 0 ->> 'amount',"
        " amount_due, amount_paid, amount_remaining, paid_at is not null"
        " from ledger_invoices"
    )
    line = ("base_fee", "49.00")
    assert store.conn.execute(query).fetchall() == [
        (1, "pending", *line, Decimal(49), Decimal(0), Decimal(49), False)
    ]
    billing.record_payment(APP, "acme", invoice.id, Decimal("20.00"), reference="transfer 1")
    assert store.conn.execute(query).fetchall() == [
        (1, "pending", *line, Decimal(49), Decimal(20), Decimal(29), False)
    ]
    billing.record_payment(APP, "acme", invoice.id, Decimal("29.00"), reference="transfer 2")
    assert store.conn.execute(query).fetchall() == [
        (1, "paid", *line, Decimal(49), Decimal(49), Decimal(0), True)
    ]
    payments = billing.list_payments(APP, "acme", invoice.id)
    assert [(payment.amount, payment.reference) for payment in payments] == [
        (Decimal(20), "transfer 1"),
        (Decimal(29), "transfer 2"),
    ]


def test_coupons_have_redemption_limits(store, ledger_dsn):
    """Page: "Discount coupons with redemption limits"."""
    billing = store.billing
    billing.create_coupon(
        APP, "HALF", percentage=50, max_redemptions=3, max_redemptions_per_tenant=1
    )

    def redeem(number: int) -> bool:
        with psycopg.connect(ledger_dsn) as conn:
            try:
                Billing(conn).redeem_coupon(APP, f"tenant-{number % 6}", "HALF")
            except errors.CouponExhausted:
                return False
            return True

    with ThreadPoolExecutor(6) as processes:
        assert sum(processes.map(redeem, range(12))) == 3
    assert store.conn.execute(
        "select app_id, tenant_id, code, percentage, max_redemptions, redemptions"
        " from ledger_coupons"
    ).fetchall() == [(APP, "", "HALF", Decimal(50), 3, 3)]
    rows = store.conn.execute("select tenant_id from ledger_coupon_redemptions").fetchall()
    assert len(set(rows)) == len(rows) == 3


def test_coupons_reduce_invoices(store):
    store.billing.create_coupon(APP, "HALF", percentage=50)
    store.billing.redeem_coupon(APP, "acme", "HALF")
    store.billing.advance(APP)
    assert store.conn.execute(
        "select subtotal, discount, amount_due from ledger_invoices"
    ).fetchall() == [(Decimal(49), Decimal("24.50"), Decimal("24.50"))]


def test_cached_entitlements_expire(store, set_clock: SetClock):
    """Page: "TTL-based entitlement result caching"."""
    now = datetime.now(UTC)
    set_clock(store.conn, now)
    kept = store.billing.set_cached_entitlement(APP, "acme", "api_calls")
    assert kept == store.billing.check_entitlement(APP, "acme", "api_calls")
    assert store.billing.get_cached_entitlement(APP, "acme", "api_calls") == kept
    set_clock(store.conn, now + timedelta(minutes=1))
    assert store.billing.get_cached_entitlement(APP, "acme", "api_calls") is None


@EACH_TABLE
def test_tables_include_tenant_id_and_app_id(conn, name):
    columns = columns_of(conn, name)
    assert (columns["tenant_id"], columns["app_id"]) == ("text", "text")


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("ledger_plans", "features"),
        ("ledger_plans", "pricing"),
        ("ledger_plans", "metadata"),
        ("ledger_subscriptions", "metadata"),
        ("ledger_usage_events", "metadata"),
        ("ledger_invoices", "line_items"),
        ("ledger_invoices", "metadata"),
        ("ledger_coupons", "metadata"),
    ],
)
def test_jsonb_columns(conn, name, column):
    """Page: "Features, pricing, line items, metadata"."""
    assert columns_of(conn, name)[column] == "jsonb"


# Multi-tenancy

TENANTS = 300


@pytest.fixture(scope="module")
def full(server: EmbeddedServer, ledger_template: NoopExecutor) -> Iterator[Store]:
    """A store of many tenants, analyzed; tests only read it."""
    name = sql.Identifier("store_of_many_tenants")
    template = sql.Identifier(str(ledger_template.template_dbname))
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {} template {}").format(name, template))
        try:
            with psycopg.connect(server.dsn("store_of_many_tenants"), autocommit=True) as conn:
                yield filled(conn)
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(name))


def filled(conn: psycopg.Connection[Any]) -> Store:
    billing = Billing(conn)
    plan_id = open_catalogue(billing)
    with conn.transaction():
        for number in range(TENANTS):
            tenant_id = f"tenant-{number}"
            billing.create_plan(APP, "deal", "A deal", "USD", tenant_id=tenant_id)
            billing.create_coupon(APP, "DEAL", percentage=10, tenant_id=tenant_id)
            billing.create_subscription(APP, tenant_id, plan_id)
    # The base fee of each.
    billing.advance(APP)
    events = [
        UsageRecord(f"tenant-{number % TENANTS}", "api_calls") for number in range(60 * TENANTS)
    ]
    billing.ingest_usage(APP, events)
    with conn.transaction():
        for number in range(TENANTS):
            billing.set_cached_entitlement(APP, f"tenant-{number}", "api_calls")
    conn.execute("vacuum (analyze)")
    return Store(conn, billing, plan_id, "")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


ROWS_OF_ONE = {
    "ledger_plans": 1,
    "ledger_subscriptions": 1,
    "ledger_usage_events": 60,
    "ledger_invoices": 1,
    "ledger_coupons": 1,
    "ledger_entitlement_cache": 1,
}


@EACH_TABLE
def test_composite_indexes_make_queries_of_a_tenant_efficient(full, name):
    """Page: "Composite indexes on (tenant_id, app_id) ensure efficient multi-tenant queries"."""
    query = f"select * from {name} where tenant_id = 'tenant-7' and app_id = '{APP}'"
    assert len(full.conn.execute(query.encode()).fetchall()) == ROWS_OF_ONE[name]
    ((explained,),) = full.conn.execute(
        f"explain (analyze, buffers, format json) {query}".encode()
    ).fetchall()
    plan = explained[0]["Plan"]
    scans = [node for node in nodes(plan) if "Relation Name" in node]
    assert scans
    for scan in scans:
        assert scan["Node Type"] != "Seq Scan", json.dumps(explained, indent=1)
        # What is read is what is shown, and what leads there.
        assert scan.get("Rows Removed by Filter", 0) == 0, json.dumps(explained, indent=1)
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 100


@pytest.mark.parametrize(
    ("table", "leading"),
    [
        ("plans", {"app_id", "tenant_id"}),
        ("subscriptions", {"app_id", "tenant_id"}),
        ("entitlement_cache", {"app_id", "tenant_id"}),
        ("invoices", {"app_id", "tenant_id"}),
        ("coupons", {"app_id", "tenant_id"}),
        ("coupon_redemptions", {"app_id", "tenant_id"}),
        # A tenant of an app has a number, and so has each feature of it.
        ("tenants", {"app_id", "tenant_id"}),
        ("meters", {"app_id", "tenant_id"}),
        ("usage_events", {"meter_key"}),
    ],
)
def test_indexes_lead_with_app_and_tenant(conn, table, leading):
    rows = conn.execute(
        """
        select array_agg(attname::text order by place)
        from pg_index
        cross join unnest(indkey::smallint[]) with ordinality as part (number, place)
        join pg_attribute on attrelid = indrelid and attnum = part.number
        where indrelid = format('pgledger.%%I', %s::text)::regclass
          and part.place <= %s
        group by indexrelid
        """,
        [table, len(leading)],
    ).fetchall()
    assert leading in [set(columns) for (columns,) in rows]


def test_queries_enforce_tenant_isolation(store):
    """Page: "All queries enforce tenant isolation via tenant_id and app_id filtering"."""
    billing = store.billing
    billing.record_usage(APP, "acme", "api_calls", quantity=5, idempotency_key="request-1")
    billing.set_cached_entitlement(APP, "acme", "api_calls")
    open_catalogue(billing, "games")
    for app_id, tenant_id in ((APP, "globex"), ("games", "acme")):
        assert billing.list_subscriptions(app_id, tenant_id) == []
        assert billing.get_active_subscription(app_id, tenant_id) is None
        assert billing.query_usage(app_id, tenant_id) == []
        assert counted(billing, tenant_id, app_id=app_id) == 0
        assert billing.check_entitlement(app_id, tenant_id, "api_calls").used == 0
        assert not billing.check_entitlement(app_id, tenant_id, "api_calls").allowed
        assert not billing.consume_entitlement(app_id, tenant_id, "api_calls").allowed
        assert billing.get_cached_entitlement(app_id, tenant_id, "api_calls") is None
        # The same key is another's.
        receipt = billing.record_usage(app_id, tenant_id, "api_calls", idempotency_key="request-1")
        assert receipt.status == "inserted"
        for call in (
            billing.get_subscription,
            billing.update_subscription,
            billing.cancel_subscription,
            billing.pause_subscription,
            billing.resume_subscription,
        ):
            with pytest.raises(errors.SubscriptionNotFound):
                call(app_id, tenant_id, store.subscription_id)
        with pytest.raises(errors.SubscriptionNotFound):
            billing.change_plan(app_id, tenant_id, store.subscription_id, store.plan_id)
    with pytest.raises(errors.PlanNotFound):
        billing.get_plan("games", store.plan_id)
    with pytest.raises(errors.PlanNotFound):
        billing.create_subscription("games", "acme", store.plan_id)
    assert counted(billing, "acme") == 5
    assert billing.get_subscription(APP, "acme", store.subscription_id).version == 1


def test_invoices_enforce_tenant_isolation(store):
    billing = store.billing
    billing.advance(APP)
    (invoice,) = billing.list_invoices(APP, "acme")
    for app_id, tenant_id in ((APP, "globex"), ("games", "acme")):
        assert billing.list_invoices(app_id, tenant_id) == []
        assert billing.list_pending_invoices(app_id, tenant_id) == []
        for call in (
            billing.get_invoice,
            billing.refresh_invoice,
            billing.finalize_invoice,
            billing.delete_invoice,
            billing.mark_invoice_paid,
            billing.mark_invoice_voided,
            billing.mark_invoice_uncollectible,
            billing.list_payments,
        ):
            with pytest.raises(errors.InvoiceNotFound):
                call(app_id, tenant_id, invoice.id)
        with pytest.raises(errors.InvoiceNotFound):
            billing.record_payment(app_id, tenant_id, invoice.id, 49)
        for call in (billing.generate_invoice, billing.preview_invoice):
            with pytest.raises(errors.SubscriptionNotFound):
                call(app_id, tenant_id, store.subscription_id)
        with pytest.raises(errors.SubscriptionNotFound):
            billing.get_invoice_by_period(
                app_id, tenant_id, store.subscription_id, datetime.now(UTC)
            )
    assert billing.get_invoice(APP, "acme", invoice.id) == invoice


def test_coupons_enforce_tenant_isolation(store):
    billing = store.billing
    mine = billing.create_coupon(APP, "DEAL", percentage=50, tenant_id="acme")
    billing.redeem_coupon(APP, "acme", "DEAL")
    for app_id, tenant_id in ((APP, "globex"), ("games", "acme")):
        assert billing.list_coupons(app_id, tenant_id=tenant_id) == []
        assert billing.list_coupon_redemptions(app_id, tenant_id) == []
        with pytest.raises(errors.CouponNotFound):
            billing.get_coupon(app_id, "DEAL", tenant_id=tenant_id)
        with pytest.raises(errors.CouponNotFound):
            billing.redeem_coupon(app_id, tenant_id, "DEAL")
    for call in (
        billing.get_coupon_by_id,
        billing.update_coupon,
        billing.archive_coupon,
        billing.delete_coupon,
    ):
        with pytest.raises(errors.CouponNotFound):
            call("games", mine.id)
    # Nobody else's invoice is reduced by it.
    with pytest.raises(errors.SubscriptionNotFound):
        billing.redeem_coupon(APP, "globex", "DEAL", subscription_id=store.subscription_id)
    invoice = billing.create_invoice(APP, "globex", "USD", [{"description": "Map", "amount": 80}])
    assert invoice.discount == 0


def test_a_call_without_a_scope_is_refused(store):
    for app_id, tenant_id in (("", "acme"), (APP, ""), ("*", "acme")):
        for call in (store.billing.list_subscriptions, store.billing.list_invoices):
            with pytest.raises(errors.InvalidScope):
                call(app_id, tenant_id)


# Implements store.Store

CALLS = {
    "plans": [
        *("create_plan", "get_plan", "get_plan_by_slug", "list_plans", "update_plan"),
        *("delete_plan", "archive_plan"),
    ],
    "features": [
        *("create_feature", "get_feature", "get_feature_by_key", "list_features"),
        *("list_global_features", "update_feature", "delete_feature", "archive_feature"),
    ],
    "subscriptions": [
        *("create_subscription", "get_subscription", "get_active_subscription"),
        *("list_subscriptions", "update_subscription", "change_plan", "cancel_subscription"),
        *("pause_subscription", "resume_subscription", "advance"),
    ],
    "usage": [
        *("ingest_usage", "aggregate_usage", "aggregate_usage_by_feature", "query_usage"),
        "purge_usage",
    ],
    "entitlements": [
        *("check_entitlement", "remaining_entitlement", "consume_entitlement"),
        *("get_cached_entitlement", "set_cached_entitlement"),
        *("invalidate_tenant_entitlements", "invalidate_feature_entitlements"),
    ],
    "invoices": [
        *("generate_invoice", "preview_invoice", "create_invoice", "get_invoice"),
        *("get_invoice_by_period", "list_invoices", "list_pending_invoices", "refresh_invoice"),
        *("finalize_invoice", "delete_invoice", "record_payment", "mark_invoice_paid"),
        *("mark_invoice_voided", "mark_invoice_uncollectible", "list_payments"),
        "set_payment_terms",
    ],
    "coupons": [
        *("create_coupon", "get_coupon", "get_coupon_by_id", "list_coupons", "update_coupon"),
        *("delete_coupon", "archive_coupon", "redeem_coupon", "list_coupon_redemptions"),
    ],
}


@pytest.mark.parametrize("group", CALLS)
def test_the_whole_store_is_there(conn, group):
    """``var _ store.Store = (*Store)(nil)``: in the database, and in both clients."""
    rows = conn.execute(
        "select proname::text from pg_proc where pronamespace = 'public'::regnamespace"
    ).fetchall()
    functions = {name for (name,) in rows}
    for call in CALLS[group]:
        assert f"ledger_{call}" in functions
        assert callable(getattr(Billing, call))
        assert inspect.iscoroutinefunction(getattr(AsyncBilling, call))


@pytest.mark.parametrize("call", ["start", "migrate", "ping", "close"])
def test_the_engine_is_there(call):
    assert callable(getattr(Billing, call))
    assert callable(getattr(AsyncBilling, call))


# Characteristics


def test_transactions_are_atomic(store, ledger_dsn):
    """Page: "Database-level ACID": all or nothing, with rows of the caller's own."""
    store.conn.execute("create table requests (id text primary key)")

    def serve(conn: psycopg.Connection[Any]) -> None:
        billing = Billing(conn)
        conn.execute("insert into requests values ('request-1')")
        assert billing.consume_entitlement(APP, "acme", "api_calls", quantity=60).allowed
        billing.cancel_subscription(APP, "acme", store.subscription_id)
        billing.advance(APP)

    def state() -> tuple[Any, ...]:
        ((requests,),) = store.conn.execute("select count(*) from requests").fetchall()
        subscription = store.billing.get_subscription(APP, "acme", store.subscription_id)
        numbers = [invoice.number for invoice in store.billing.list_invoices(APP, "acme")]
        used = counted(store.billing, "acme")
        return requests, used, subscription.cancel_at is not None, numbers

    with psycopg.connect(ledger_dsn) as conn:
        serve(conn)
        conn.rollback()
    assert state() == (0, 0, False, [])
    with psycopg.connect(ledger_dsn) as conn:
        serve(conn)
    assert state() == (1, 60, True, [1])


def test_a_batch_is_one_statement(store):
    """Page: "Optimized bulk insert for usage events"."""
    events = [UsageRecord("acme", "api_calls") for _ in range(1_000)]
    with store.conn.transaction():
        before = store.conn.execute("select pg_current_xact_id()").fetchone()
        answers = store.billing.ingest_usage(APP, events)
        assert store.conn.execute("select pg_current_xact_id()").fetchone() == before
    assert [answer.event_index for answer in answers] == list(range(1, 1_001))
    assert len({answer.id for answer in answers}) == 1_000
    assert store.conn.execute(
        "select count(distinct created_at) from ledger_usage_events"
    ).fetchall() == [(1,)]


def test_ping(store, database: NewDatabase):
    """``db.Ping(ctx)``."""
    store.billing.ping()
    with (
        psycopg.connect(database()) as empty,
        pytest.raises(MigrationError, match="no billing store"),
    ):
        Billing(empty).ping()
    store.conn.close()
    with pytest.raises(psycopg.OperationalError):
        store.billing.ping()


def test_close_leaves_the_connection_to_the_caller(store):
    """Page: "Caller-owned -- call db.Close()"."""
    store.billing.close()
    store.billing.close()
    with pytest.raises(psycopg.InterfaceError):
        store.billing.ping()
    assert store.conn.execute("select 1").fetchone() == (1,)
    Billing(store.conn).ping()
    store.conn.close()


# When to use


def test_many_processes_count_an_event_once(store, ledger_dsn):
    """Page: "Multi-process environments with connection pooling"."""
    events = [
        UsageRecord("acme", "api_calls", idempotency_key=f"request-{number}")
        for number in range(500)
    ]

    def send(_: int) -> int:
        with psycopg.connect(ledger_dsn) as conn:
            answers = Billing(conn).ingest_usage(APP, events)
            return sum(answer.status == "inserted" for answer in answers)

    with ThreadPoolExecutor(8) as processes:
        assert sum(processes.map(send, range(8))) == 500
    assert counted(store.billing, "acme") == 500


def test_full_sql_query_power(store):
    """Page: "Full SQL query power": views join, group and filter like any table."""
    for quantity in (5, 7):
        store.billing.record_usage(APP, "acme", "api_calls", quantity=quantity)
    assert store.conn.execute(
        """
        select plans.slug, events.feature_key, sum(events.quantity), count(*)
        from ledger_subscriptions as subscriptions
        join ledger_plans as plans on subscriptions.plan_id = plans.id
        join ledger_usage_events as events
          on events.app_id = subscriptions.app_id
          and events.tenant_id = subscriptions.tenant_id
          and events.event_at >= subscriptions.current_period_start
          and events.event_at < subscriptions.current_period_end
        where plans.features @> '[{"key": "api_calls"}]'
        group by plans.slug, events.feature_key
        """
    ).fetchall() == [("pro", "api_calls", Decimal(12), 2)]
    store.billing.advance(APP)
    assert store.conn.execute(
        """
        select plans.slug, line.kind, sum(line.amount)
        from ledger_invoices as invoices
        join ledger_subscriptions as subscriptions on invoices.subscription_id = subscriptions.id
        join ledger_plans as plans on subscriptions.plan_id = plans.id
        cross join jsonb_to_recordset(invoices.line_items) as line (kind text, amount numeric)
        where invoices.status = 'pending'
        group by plans.slug, line.kind
        """
    ).fetchall() == [("pro", "base_fee", Decimal(49))]

"""Billing's hot calls read what they need and no more, however many tenants and events there are.

Rows and scans are counted; nothing is timed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
import pytest

from support.database import Connect, NewDatabase

TENANTS = 20_000

FILL: LiteralString = """
    with feature as (
      select id from ledger_create_feature('shop', 'calls', 'Calls')
      union all
      select id from ledger_create_feature('shop', 'seats', 'Seats', 'seat')
      union all
      select id from ledger_create_feature('other', 'seats', 'Seats', 'seat')
    ),
    tenant as (
      insert into pgledger.tenants (app_id, tenant_id)
      select app.id, 't' || number
      from feature
      cross join (values ('shop'), ('other')) as app (id)
      cross join generate_series(1, %(tenants)s) as number
      group by app.id, number
      returning key, app_id, tenant_id
    )
    insert into pgledger.meters (tenant_key, app_id, tenant_id, feature_key, type)
    select tenant.key, tenant.app_id, tenant.tenant_id, kind.feature_key, kind.type
    from tenant
    cross join (values ('calls', 'metered'), ('seats', 'seat')) as kind (feature_key, type)
"""


@pytest.fixture(scope="module")
def template_of_busy(module_database: NewDatabase) -> str:
    with psycopg.connect(module_database("template_of_busy"), autocommit=True) as conn:
        conn.execute(FILL, {"tenants": TENANTS})
        conn.execute("analyze")
    return "template_of_busy"


@pytest.fixture
def busy(template_of_busy: str, database: NewDatabase, connect: Connect) -> psycopg.Connection[Any]:
    """Many tenants, each of whom has used both features."""
    return connect(dsn=database(template=template_of_busy), autocommit=True)


@contextmanager
def counted(conn: psycopg.Connection[Any]) -> Iterator[None]:
    """Opens a transaction in which `rows_read` starts at zero.

    What a session has read goes to the server's statistics once a second at most, and until then
    the counts that look like a transaction's have what was read before it, too.
    """
    conn.execute("select pg_stat_force_next_flush()")
    with conn.transaction():
        yield


def rows_read(conn: psycopg.Connection[Any], table: str) -> int:
    """Returns how many rows of a table the transaction has read by scanning it."""
    row = conn.execute(
        "select coalesce(pg_stat_get_xact_tuples_returned(%s::regclass), 0)", [table]
    ).fetchone()
    assert row is not None
    return int(row[0])


CALLS: dict[str, LiteralString] = {
    "a report": "select * from ledger_record_usage('shop', 't77', 'calls')",
    "a seat's level": "select * from ledger_record_usage('shop', 't77', 'seats', 3)",
    "an app without seats of its own": "select * from ledger_record_usage('other', 't77', 'seats')",
    "a batch": """
        select count(*)
        from ledger_ingest_usage(
          'shop',
          array(select 't' || n from generate_series(1, 100) as n),
          array(select 'calls' from generate_series(1, 100) as n),
          array(select n from generate_series(1, 100) as n)
        )
    """,
    "a check": "select * from ledger_check_entitlement('shop', 't77', 'calls')",
    "a page of usage": "select * from ledger_query_usage('shop', 't77')",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_call_reads_the_meters_of_its_own_tenants(busy, call):
    for _ in range(3):
        with counted(busy):
            busy.execute(call)
            for table in ("pgledger.meters", "pgledger.tenants"):
                # A batch of 100 looks each of them up a few times.
                assert rows_read(busy, table) < 1500, table


INGEST_100: LiteralString = """
    select count(*)
    from ledger_ingest_usage(
      'shop',
      array(select 't' || n from generate_series(1, 100) as n),
      array(select 'calls' from generate_series(1, 100) as n),
      array(select n from generate_series(1, 100) as n),
      array(select now() - interval '2 hours' from generate_series(1, 100) as n)
    )
    where status = %s
"""


def tenants_read(conn: psycopg.Connection[Any]) -> int:
    by_id = rows_read(conn, "pgledger.tenants_app_id_tenant_id_key")
    by_key = rows_read(conn, "pgledger.tenants_key_pk")
    return rows_read(conn, "pgledger.tenants") + by_id + by_key


def test_a_batch_reads_tenants_only_if_a_purge_line_may_lie_behind_an_event(busy):
    """The lines are asked for again afterwards, so one of the two looks stays: for old events."""
    busy.execute(INGEST_100, ["inserted"])
    with counted(busy):
        assert busy.execute(INGEST_100, ["inserted"]).fetchone() == (100,)
        unpurged = tenants_read(busy)
    busy.execute(
        """
        update pgledger.tenants
        set purged_before = now() - interval '1 hour'
        where app_id = 'shop' and tenant_id = 't20000'
        """
    )
    with counted(busy):
        assert busy.execute(INGEST_100, ["inserted"]).fetchone() == (100,)
        assert tenants_read(busy) >= unpurged + 100
    busy.execute(
        """
        update pgledger.tenants
        set purged_before = now() - interval '1 hour'
        where app_id = 'shop' and tenant_id in ('t1', 't2', 't3')
        """
    )
    assert busy.execute(INGEST_100, ["rejected"]).fetchone() == (3,)


def test_events_of_the_last_hour_read_no_tenant(busy):
    call = INGEST_100.replace("2 hours", "50 minutes")
    busy.execute(call, ["inserted"])
    with counted(busy):
        assert busy.execute(call, ["inserted"]).fetchone() == (100,)
        assert tenants_read(busy) == 0


def test_a_page_reads_no_more_events_than_it_shows(conn):
    conn.execute("select ledger_create_feature('shop', 'calls', 'Calls')")
    conn.execute(
        """
        select count(*)
        from ledger_ingest_usage(
          'shop',
          array(select 'one' from generate_series(1, 20000) as n),
          array(select 'calls' from generate_series(1, 20000) as n),
          array(select n from generate_series(1, 20000) as n),
          array(select now() - n * interval '1 minute' from generate_series(1, 20000) as n)
        )
        """
    )
    conn.commit()
    conn.autocommit = True
    conn.execute("analyze")
    with counted(conn):
        rows = conn.execute(
            "select * from ledger_query_usage('shop', 'one', page_size => 10, page_offset => 20)"
        ).fetchall()
        assert len(rows) == 10
        assert rows_read(conn, "pgledger.usage_events") + rows_fetched(conn) < 200


def rows_fetched(conn: psycopg.Connection[Any]) -> int:
    row = conn.execute(
        "select coalesce(pg_stat_get_xact_tuples_fetched('pgledger.usage_events'::regclass), 0)"
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("days", [1, 12])
def test_a_total_reads_days_and_hours_instead_of_events(conn, days):
    """However many events there are in the range: the hours that it breaks have none."""
    conn.execute("select ledger_create_feature('shop', 'calls', 'Calls')")
    conn.execute(
        """
        select count(*)
        from ledger_ingest_usage(
          'shop',
          array(select 'one' from generate_series(1, 20000) as n),
          array(select 'calls' from generate_series(1, 20000) as n),
          array(select 1 from generate_series(1, 20000) as n),
          array(select now() - n * interval '1 minute' from generate_series(1, 20000) as n)
        )
        """
    )
    conn.commit()
    conn.autocommit = True
    conn.execute("analyze")
    with counted(conn):
        (total,) = conn.execute(
            """
            select ledger_aggregate_usage(
              'shop', 'one', 'calls', date_trunc('hour', now()) - %s * interval '1 day',
              date_trunc('hour', now())
            )
            """,
            [days],
        ).fetchone()
        assert total == 24 * 60 * days
        assert rows_read(conn, "pgledger.usage_events") + rows_fetched(conn) == 0


SUBSCRIBE: LiteralString = """
    select count(*)
    from ledger_create_plan(
      'shop', 'pro', 'Pro', 'USD', '[{"key": "calls"}]',
      '{"base": {"amount": "9"},
        "prices": [{"feature": "calls", "model": "per_unit", "unit_amount": "1"}]}'
    ) as plan
    cross join generate_series(1, 2000) as number
    cross join lateral ledger_create_subscription('shop', 't' || number, plan.id)
"""

INVOICING: dict[str, LiteralString] = {
    "a preview": """
        select total
        from ledger_subscriptions as subscription
        cross join lateral ledger_preview_invoice('shop', 't77', subscription.id)
        where subscription.id = %(id)s
    """,
    "a draft": "select total from ledger_generate_invoice('shop', 't77', %(id)s)",
    "a list": "select total from ledger_list_invoices('shop', 't77')",
    "what is pending": "select total from ledger_list_pending_invoices('shop', 't77')",
    "an invoice of a period": """
        select total
        from ledger_get_invoice_by_period('shop', 't77', %(id)s, now(), 'start')
    """,
}


@pytest.fixture(scope="module")
def template_of_invoiced(module_database: NewDatabase) -> str:
    with psycopg.connect(module_database("template_of_invoiced"), autocommit=True) as conn:
        conn.execute("select ledger_create_feature('shop', 'calls', 'Calls')")
        conn.execute(SUBSCRIBE)
        while conn.execute(
            "select count(*) from ledger_advance('shop', max_span => null)"
        ).fetchone() != (0,):
            pass
        conn.execute("analyze")
    return "template_of_invoiced"


@pytest.fixture
def invoiced(
    template_of_invoiced: str, database: NewDatabase, connect: Connect
) -> psycopg.Connection[Any]:
    """Many tenants, each with an invoice."""
    return connect(dsn=database(template=template_of_invoiced), autocommit=True)


def test_an_invoice_reads_what_is_its_tenants(invoiced):
    (subscription,) = invoiced.execute(
        "select id from ledger_subscriptions where tenant_id = 't77'"
    ).fetchone()
    for call in INVOICING.values():
        for _ in range(3):
            with counted(invoiced):
                invoiced.execute(call, {"id": subscription})
                for table in (
                    "subscriptions",
                    "subscription_changes",
                    "invoices",
                    "invoice_lines",
                    "coupon_redemptions",
                ):
                    assert rows_read(invoiced, f"pgledger.{table}") < 200, (call, table)


def test_a_worker_with_nothing_to_do_reads_next_to_nothing(invoiced):
    for mode in ("final", "draft", "none"):
        with counted(invoiced):
            assert invoiced.execute(
                "select count(*) from ledger_advance('shop', 10, invoices => %s, max_span => null)",
                [mode],
            ).fetchone() == (0,)
            for table in ("subscriptions", "subscription_changes", "invoices", "invoice_lines"):
                assert rows_read(invoiced, f"pgledger.{table}") < 20, (mode, table)


FULL_HOUR: LiteralString = """
    select count(*)
    from ledger_ingest_usage(
      'shop',
      array(select 'one' from generate_series(0, 35999) as n),
      array(select 'calls' from generate_series(0, 35999) as n),
      array(select 1 from generate_series(0, 35999) as n),
      array(
        select date_trunc('hour', now()) - interval '2 days' + n * interval '100 milliseconds'
        from generate_series(0, 35999) as n
      )
    )
"""


@pytest.mark.parametrize("aggregation", ["sum", "count", "max", "latest"])
def test_a_time_that_splits_a_full_hour_reads_few_of_its_events(conn, aggregation):
    conn.execute("select ledger_create_feature('shop', 'calls', 'Calls')")
    conn.execute(FULL_HOUR)
    conn.commit()
    conn.autocommit = True
    conn.execute("analyze")
    total: LiteralString = """
        select ledger_aggregate_usage(
          'shop', 'one', 'calls',
          date_trunc('hour', now()) - interval '2 days' + interval '17 minutes 3.05 seconds',
          now(), %s
        )
    """
    with counted(conn):
        (value,) = conn.execute(total, [aggregation]).fetchone()
        assert value == (1 if aggregation in ("max", "latest") else 36000 - 10231)
        (most,) = conn.execute("select pgledger.most_undivided_usage()").fetchone()
        assert rows_read(conn, "pgledger.usage_events") + rows_fetched(conn) < most


def test_a_check_keeps_its_plan_while_usage_grows(conn):
    """Next to plans from when tables were small, one plan for all calls looks too dear."""
    conn.execute("select ledger_create_feature('shop', 'calls', 'Calls')")
    conn.execute(
        """
        select count(*)
        from ledger_create_plan('shop', 'pro', 'Pro', 'USD', '[{"key": "calls"}]') as plan
        cross join lateral ledger_create_subscription(
          'shop', 'one', plan.id, started_at => date_trunc('hour', now()) - interval '3 days'
        )
        """
    )
    conn.execute("select ledger_record_usage('shop', 'one', 'calls')")
    check = "select * from ledger_check_entitlement('shop', 'one', 'calls')"
    for _ in range(10):
        conn.execute(check)
    conn.execute(FULL_HOUR)
    conn.execute("analyze")
    conn.execute(check)
    told: list[str] = []
    conn.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    conn.execute("set client_min_messages = log")
    conn.execute("set debug_print_plan = on")
    conn.execute(check)
    # The statement's own, or none if the driver has prepared it.
    assert told.count("plan:") <= 1


# What only a change, a coupon, a credit, late usage or another subscription asks for.
SPECIAL = {
    "base_runs",
    "billed_features",
    "billed_periods",
    "billed_usage",
    "changed_base",
    "finalize_invoice",
    "late_usage",
    "own_lines",
    "redraw_invoice",
    "settle_credit",
    "taken_in_period",
    "unrivalled_stays",
    "use_coupons",
}


def test_an_ordinary_invoice_is_written_once_and_asks_only_for_what_it_needs(conn):
    conn.execute("select ledger_create_feature('shop', 'calls', 'Calls')")
    conn.execute(
        """
        select count(*)
        from ledger_create_plan(
          'shop', 'pro', 'Pro', 'USD', '[{"key": "calls"}]',
          '{"base": {"amount": "9"},
            "prices": [{"feature": "calls", "model": "per_unit", "unit_amount": "1"}]}'
        ) as plan
        cross join generate_series(1, 20) as number
        cross join lateral ledger_create_subscription(
          'shop', 't' || number, plan.id, now() - interval '40 days'
        )
        """
    )
    conn.commit()
    conn.autocommit = True
    conn.execute("set track_functions = 'all'")
    with counted(conn):
        (made,) = conn.execute(
            """
            select count(*) filter (where change = 'invoice_finalized')
            from ledger_advance('shop', max_span => null)
            """
        ).fetchone()
        # The start of the first period, and its end.
        assert made == 40
        inserted, updated = conn.execute(
            """
            select
              pg_stat_get_xact_tuples_inserted('pgledger.invoices'::regclass),
              pg_stat_get_xact_tuples_updated('pgledger.invoices'::regclass)
            """
        ).fetchone()
        # Once more for its number, which comes last.
        assert (inserted, updated) == (made, made)
        called = {
            name for (name,) in conn.execute("select funcname from pg_stat_xact_user_functions")
        }
        assert "draw_invoice" in called
        assert not called & SPECIAL

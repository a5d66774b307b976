"""The mode invoice: the end of a period, in which every subscription gets its invoice."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta

from scripts.performance.advance import SUBSCRIPTIONS_A_CALL, advance_by_workers, explain_advance
from scripts.performance.console import note
from scripts.performance.databases import APP_ID, Control, scalar, settle
from scripts.performance.drivers import new_driver
from scripts.performance.errors import CheckFailed
from scripts.performance.events import Events, Past, UsageBatches, ingest
from scripts.performance.many_lines import measure_many_lines
from scripts.performance.options import Options
from scripts.performance.report import Report, add_percentiles, usage_figures
from scripts.performance.servers import Target
from scripts.performance.tenants import (
    FEATURE,
    PERIOD_DAYS,
    make_features,
    make_priced_plan,
    open_tenants,
    subscribe_until,
)
from scripts.performance.work import Work

# Metered features that the plan has a price for.
PRICED_FEATURES = tuple(f"{FEATURE}_{number}" for number in range(1, 6))
# Long enough to make subscriptions before their period ends.
LEAST_PERIOD_SECONDS = 10.0
SECONDS_A_SUBSCRIPTION = 0.015
# One subscription in so many is invoiced while the server times its functions.
EXPLAINED_SHARE = 10


def measure_invoice(options: Options, target: Target, connection: Control) -> Report:
    """The end of a period: every subscription is moved on and invoiced."""
    tenants = open_tenants(connection, options.tenants)
    make_features(connection, tenants, PRICED_FEATURES)
    tiers = [
        {"up_to": "1000", "unit_amount": "0.05"},
        {"up_to": "10000", "unit_amount": "0.03"},
        {"unit_amount": "0.01"},
    ]
    plan_id = make_priced_plan(
        connection, tenants, "plan", {"model": "graduated", "tiers": tiers}, PRICED_FEATURES
    )
    ends_at = datetime.now(UTC) + timedelta(
        seconds=LEAST_PERIOD_SECONDS + SECONDS_A_SUBSCRIPTION * tenants.count
    )
    note(f"Subscribing {tenants.count} tenants")
    subscribe_until(connection, tenants, plan_id, ends_at)
    begun = advance_by_workers(target, tenants.surface, options.workers)
    if datetime.now(UTC) >= ends_at:
        raise CheckFailed("making the subscriptions took too long; ask for fewer --tenants")

    hours = PERIOD_DAYS * 24 - 1
    calls = math.ceil(options.events / options.batch_size / options.workers)
    past = Past(hours, 0, steps=calls)
    works: dict[str, Work] = {
        "usage": UsageBatches(Events(tenants, options.batch_size, past, features=PRICED_FEATURES))
    }
    with new_driver(options, target, works) as driver:
        events = ingest(driver, "usage", options.events, options.batch_size, options.workers)
    report = Report(figures=usage_figures(options, connection))
    settle(connection, "invoices", "invoice_lines", "subscription_changes")
    note("Waiting for the period's end")
    time.sleep(max(0.0, (ends_at - datetime.now(UTC)).total_seconds()) + 1)

    explained = explain_advance(
        target, connection, tenants.surface, tenants.count // EXPLAINED_SHARE
    )
    note(f"Starting {options.workers} workers")
    before = time.perf_counter()
    done = advance_by_workers(target, tenants.surface, options.workers)
    seconds = time.perf_counter() - before
    present = scalar(
        connection,
        f"""
        select count(*)
        from {tenants.surface}.ledger_invoices
        where app_id = %s and kind = 'period' and starts_with(tenant_id, %s)
          and status <> 'draft'
        """,
        (APP_ID, tenants.prefix),
    )
    if present != tenants.count:
        raise CheckFailed(f"{tenants.count} subscriptions have {present} invoices")
    report.add(f"Events: {events}", events=events)
    report.add(f"Invoices at the start: {begun.invoices}", start_invoices=begun.invoices)
    report.add(f"Invoices: {done.invoices}", invoices=done.invoices)
    report.add(f"Seconds: {seconds:.1f}", seconds=seconds)
    rate = done.invoices / seconds
    report.add(f"Subscriptions/second: {rate:.1f}", subscriptions_per_second=rate)
    add_percentiles(report, done.calls, f"call of {SUBSCRIPTIONS_A_CALL}")
    report.lines += explained.lines
    report.figures.update(explained.figures)
    # Last, so that these invoices are not among those that were counted.
    measure_many_lines(connection, tenants, report)
    return report

"""The mode entitlement: checks when events are many."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass, field

from scripts.performance.console import note
from scripts.performance.databases import APP_ID, Control, buffers_read, scalar
from scripts.performance.drivers import new_driver
from scripts.performance.errors import CheckFailed
from scripts.performance.events import Events, Past, UsageBatches, ingest, settle_usage
from scripts.performance.options import GROWTH_START, Options
from scripts.performance.report import Report, add_percentiles, percentile, usage_figures
from scripts.performance.servers import Target
from scripts.performance.tenants import FEATURE, PERIOD_DAYS, Tenants, open_tenants, subscribe
from scripts.performance.work import Work

CHECKS = 5_000
CHECKS_EXPLAINED = 100
CHECKS_COMPARED = 20


@dataclass(slots=True)
class Checks:
    """Milliseconds of calls that took turns, and the most pages that a check touched."""

    checks: list[float] = field(default_factory=list)
    cached: list[float] = field(default_factory=list)
    round_trips: list[float] = field(default_factory=list)
    buffers: int = 0


def observe_checks(connection: Control, tenants: Tenants, count: int) -> Checks:
    """Times checks of random tenants, cached ones, and statements that do nothing."""
    check, cached = (
        f"select * from {tenants.surface}.ledger_{name}_entitlement('{APP_ID}', %s, '{FEATURE}')"
        for name in ("check", "get_cached")
    )
    connection.execute(
        f"""
        select count(*)
        from unnest(%s::text[]) as tenant (id)
        cross join lateral {tenants.surface}.ledger_set_cached_entitlement(
          '{APP_ID}', tenant.id, '{FEATURE}', interval '1 hour'
        )
        """.encode(),
        (tenants.ids,),
    )
    result = Checks()
    turns = (
        (check, result.checks),
        (cached, result.cached),
        ("select %s::text", result.round_trips),
    )
    # The first time is for plans and for pages that are not in memory.
    for picked in (tenants.ids, random.choices(tenants.ids, k=count)):
        for _, milliseconds in turns:
            milliseconds.clear()
        for tenant_id in picked:
            for statement, milliseconds in turns:
                before = time.perf_counter()
                rows = connection.execute(statement.encode(), (tenant_id,), prepare=True).fetchall()
                milliseconds.append((time.perf_counter() - before) * 1000)
                if not rows:
                    raise CheckFailed(f"no row came back from: {statement}")
    for tenant_id in random.choices(tenants.ids, k=CHECKS_EXPLAINED):
        result.buffers = max(result.buffers, buffers_read(connection, check, (tenant_id,)))
    return result


def require_exact_checks(connection: Control, tenants: Tenants) -> None:
    """Compares what checks say with what a sum of all events says."""
    for tenant_id in random.choices(tenants.ids, k=CHECKS_COMPARED):
        used, counted = (
            scalar(connection, statement, (APP_ID, tenant_id))
            for statement in (
                f"select used from {tenants.surface}.ledger_check_entitlement(%s, %s, '{FEATURE}')",
                """
                select coalesce(sum(usage_events.quantity), 0)
                from pgledger.meters
                inner join pgledger.usage_events on meters.key = usage_events.meter_key
                where meters.app_id = %s and meters.tenant_id = %s
                """,
            )
        )
        if used != counted:
            raise CheckFailed(f"tenant {tenant_id} has used {counted}, but a check says {used}")


def measure_entitlement(options: Options, target: Target, connection: Control) -> Report:
    """A check when there are very many events, over a check when there are few.

    Both times the events are spread over the same weeks, in which the limit's period lies.
    """
    tenants = open_tenants(connection, options.tenants)
    note(f"Subscribing {options.tenants} tenants")
    subscribe(connection, tenants)
    start = min(GROWTH_START, options.events // 10)
    size = min(options.batch_size, start)
    # An hour less than subscriptions are old, for clocks that differ.
    hours = PERIOD_DAYS * 24 - 1
    calls = math.ceil(options.events / size / options.workers)
    works: dict[str, Work] = {
        "small": UsageBatches(Events(tenants, size, Past(hours, 0))),
        "large": UsageBatches(Events(tenants, size, Past(hours, 0, steps=calls))),
    }
    checks = min(CHECKS, options.events)
    report = Report(figures=usage_figures(options, connection))
    report.figures["batch_size"] = size
    results: list[Checks] = []
    present = 0
    with new_driver(options, target, works) as driver:
        for wanted, name in ((start, "small"), (options.events, "large")):
            present += ingest(driver, name, wanted - present, size, options.workers)
            settle_usage(connection)
            require_exact_checks(connection, tenants)
            note(f"Checking {checks} times")
            result = observe_checks(connection, tenants, checks)
            add_checks(report, name, present, result)
            results.append(result)
    small, large = (sorted(result.checks) for result in results)
    for share in (50, 99):
        ratio = percentile(large, share / 100) / percentile(small, share / 100)
        report.add(f"p{share}, large over small: {ratio:.3f}", **{f"p{share}_ratio": ratio})
    return report


def add_checks(report: Report, name: str, events: int, result: Checks) -> None:
    report.add(f"Events, {name}: {events}", **{f"{name}_events": events})
    add_percentiles(report, result.checks, f"{name} check")
    add_percentiles(report, result.cached, f"{name} cached")
    add_percentiles(report, result.round_trips, f"{name} round trip")
    report.add(
        f"{name} check most buffers read: {result.buffers}",
        **{f"{name}_check_buffers_read": result.buffers},
    )

"""Invoices with many lines."""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

from scripts.performance.console import Progress
from scripts.performance.databases import APP_ID, Control, scalar
from scripts.performance.events import settle_usage
from scripts.performance.report import Report, decimals
from scripts.performance.tenants import FEATURE, Tenants, make_features, make_priced_plan

MANY_LINES = 1_000
MANY_LINES_RUNS = 5


def measure_many_lines(connection: Control, tenants: Tenants, report: Report) -> None:
    """Times invoices with many lines: lines of the app's own, and prices of a plan."""
    surface, tenant = tenants.surface, f"{tenants.prefix}many"
    rates = json.dumps([{"name": "VAT", "percentage": "19"}])
    lines = json.dumps(
        [
            {"description": f"line {number}", "quantity": "3", "unit_amount": "1.25"}
            for number in range(MANY_LINES)
        ]
    )
    keys = [f"{FEATURE}_line_{number}" for number in range(MANY_LINES)]
    make_features(connection, tenants, keys)
    plan_id = make_priced_plan(
        connection, tenants, "many", {"model": "per_unit", "unit_amount": "0.05"}, keys
    )
    started = "now() - interval '40 days'"
    subscription = scalar(
        connection,
        f"select id from {surface}.ledger_create_subscription(%s, %s, %s, {started})",
        (APP_ID, tenant, plan_id),
    )
    connection.execute(
        f"""
        select count(*)
        from {surface}.ledger_ingest_usage(
          %s, array_fill(%s::text, array[%s]), %s::text[], array_fill(150::numeric, array[%s]),
          array_fill(now() - interval '30 days', array[%s])
        )
        """.encode(),
        (APP_ID, tenant, MANY_LINES, keys, MANY_LINES, MANY_LINES),
    )
    settle_usage(connection)
    create = f"select id from {surface}.ledger_create_invoice(%s, %s, 'USD', %s, %s)"
    generate = f"select id from {surface}.ledger_generate_invoice(%s, %s, %s, {started}, 'period')"
    finalize = f"select total from {surface}.ledger_finalize_invoice(%s, %s, %s)"
    times: dict[str, list[float]] = {"create": [], "generate": [], "finalize": []}

    def timed(name: str, statement: str, *parameters: object) -> Any:
        before = time.perf_counter()
        value = scalar(connection, statement, (APP_ID, tenant, *parameters))
        times[name].append((time.perf_counter() - before) * 1000)
        return value

    with Progress(MANY_LINES_RUNS, "rounds") as progress:
        for _ in range(MANY_LINES_RUNS):
            invoice = timed("create", create, lines, rates)
            timed("finalize", finalize, invoice)
            invoice = timed("generate", generate, subscription)
            scalar(
                connection,
                f"select id from {surface}.ledger_delete_invoice(%s, %s, %s)",
                (APP_ID, tenant, invoice),
            )
            progress.step(1)
    for name, title in (
        ("create", "one-off invoice, created"),
        ("finalize", "one-off invoice, made final"),
        ("generate", "invoice of metered features, drawn up"),
    ):
        milliseconds = statistics.median(times[name])
        report.add(
            f"{MANY_LINES} lines, {title}: {decimals(milliseconds)} ms",
            **{f"many_lines_{name}_ms": milliseconds},
        )

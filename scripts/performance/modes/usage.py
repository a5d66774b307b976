"""The mode usage: ingestion of events."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from scripts.performance.console import note
from scripts.performance.databases import Control, ledger_sizes
from scripts.performance.drivers import new_driver
from scripts.performance.events import Events, UsageBatches, ingest
from scripts.performance.floor import Floor, floor_schema
from scripts.performance.modes.purge import measure_purge
from scripts.performance.options import Options
from scripts.performance.report import Report, add_floor, add_percentiles, usage_figures
from scripts.performance.servers import Target
from scripts.performance.slices import slice_lengths, take_turns
from scripts.performance.tenants import open_tenants
from scripts.performance.usage_floor import UsageFloor
from scripts.performance.work import Work, total_of


def measure_usage(options: Options, target: Target, connection: Control) -> Report:
    """Ingestion of events in batches, and the bytes that they take."""
    if options.purge:
        return measure_purge(options, target, connection)
    tenants = open_tenants(connection, options.tenants)
    events = Events(tenants, options.batch_size)
    works: dict[str, Work] = {"ledger": UsageBatches(events)}
    before = ledger_sizes(connection)
    with ExitStack() as stack:
        floor: Floor | None = None
        if options.floor:
            stack.enter_context(floor_schema(connection, target.dsn))
            floor = UsageFloor(events)
            floor.create(connection)
            works["floor"] = floor.work
        driver = stack.enter_context(new_driver(options, target, works))
        note(f"Starting {options.workers} workers for {options.duration} seconds")
        result = take_turns(connection, driver, slice_lengths(options.duration), floor)
        ours = total_of(result.measured)
        made = ours.rows
        if made < options.events:
            made += ingest(
                driver, "ledger", options.events - made, options.batch_size, options.workers
            )
    grown = {name: size - before[name] for name, size in ledger_sizes(connection).items()}

    report = Report(figures=usage_figures(options, connection))
    report.add(f"Completed events: {ours.rows}", events=ours.rows)
    report.add(f"Elapsed time in seconds: {ours.seconds:.1f}", seconds=ours.seconds)
    report.add(f"Events/second: {ours.per_second:.1f}", events_per_second=ours.per_second)
    add_percentiles(report, ours.latencies)
    if options.floor:
        add_floor(report, result, "event")
    add_usage_bytes(report, grown, made)
    return report


def add_usage_bytes(report: Report, grown: Mapping[str, int], events: int) -> None:
    """Bytes an event, as they are after ingestion, indexes included; roll-ups apart from it."""
    parts = {name: size / events for name, size in grown.items() if size}
    report.add(f"Events of this run: {events}", events_present=events)
    for title, key, beginnings in (
        ("Bytes/event", "bytes_per_event", ("usage_events",)),
        ("Bytes of roll-ups/event", "rollup_bytes_per_event", ("usage_rollups", "usage_values")),
    ):
        chosen = {name: size for name, size in parts.items() if name.startswith(beginnings)}
        for name, size in sorted(chosen.items(), key=lambda item: -item[1]):
            report.add(f"  {name}: {size:.1f}")
        total = sum(chosen.values())
        report.add(f"{title}: {total:.1f}", **{key: total})
    report.figures["bytes_by_relation"] = parts

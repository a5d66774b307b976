"""The mode usage: ingestion of events."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from scripts.performance.console import note
from scripts.performance.databases import Control, ledger_sizes
from scripts.performance.drivers import new_driver
from scripts.performance.events import Events, UsageBatches, ingest
from scripts.performance.floor import open_floor
from scripts.performance.modes.purge import measure_purge
from scripts.performance.options import Options
from scripts.performance.report import Report, add_percentiles, add_rivals, usage_figures
from scripts.performance.rivals import Rival, open_rivals
from scripts.performance.servers import Target
from scripts.performance.slices import take_turns
from scripts.performance.tenants import open_tenants
from scripts.performance.usage_floor import UsageFloor
from scripts.performance.work import Side


def measure_usage(options: Options, target: Target, connection: Control) -> Report:
    """Ingestion of events in batches, and the bytes that they take."""
    if options.purge:
        return measure_purge(options, target, connection)

    def events_in(database: Control) -> Events:
        return Events(open_tenants(database, options.tenants), options.batch_size)

    events = events_in(connection)
    before = ledger_sizes(connection)

    def floor(stack: ExitStack) -> Rival:
        return open_floor(stack, connection, target.dsn, UsageFloor(events))

    with ExitStack() as stack:
        rivals = stack.enter_context(
            open_rivals(
                options,
                target,
                floor=floor if options.floor else None,
                peer=None,
                ours=lambda other: UsageBatches(events_in(other)),
            )
        )
        sides = {"ledger": Side(target.dsn, UsageBatches(events))}
        sides |= {rival.name: rival.side for rival in rivals}
        driver = stack.enter_context(new_driver(options, target, sides))
        note(f"Starting {options.workers} workers for {options.duration} seconds")
        result = take_turns(connection, driver, options.duration, ["ledger"], rivals)
        ours = result.total("ledger")
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
    add_rivals(report, result, noun="event")
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

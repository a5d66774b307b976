"""The mode usage with --purge: ingestion while old events are being purged."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scripts.performance.console import Progress, note
from scripts.performance.databases import APP_ID, Control
from scripts.performance.events import Events, Past, UsageBatches, ingest, settle_usage
from scripts.performance.options import Options
from scripts.performance.psycopg_driver import PsycopgDriver
from scripts.performance.report import Report, add_percentiles, usage_figures
from scripts.performance.servers import Target
from scripts.performance.slices import Comparison, slice_lengths
from scripts.performance.tenants import open_tenants
from scripts.performance.work import Side, Slice, Task, total_of

# Of events that are purged: when they happened, in hours ago. Only whole UTC hours are purged.
OLD_HOURS = (27, 3)
PURGE_BEFORE = "clock_timestamp() - interval '90 minutes'"
PURGE_EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class Purges:
    """Purging of old events, a bounded number a call; over when there are none."""

    surface: str
    size: int = PURGE_EVENTS

    @property
    def answers(self) -> int:
        return self.size

    @property
    def statement(self) -> str:
        # A row for each event, because rows are what is counted.
        return (
            f"select from generate_series(1, {self.surface}.ledger_purge_usage("
            f"'{APP_ID}', {PURGE_BEFORE}, {self.size}))"
        )

    def parameters(self) -> Iterator[Sequence[object]]:
        return itertools.repeat(())

    def scripts(self) -> list[str]:
        raise NotImplementedError


def measure_purge(options: Options, target: Target, connection: Control) -> Report:
    """Ingestion alone and, in turn with it, while old events are being purged."""
    tenants = open_tenants(connection, options.tenants)
    size = options.batch_size
    calls = math.ceil(options.events / size / options.workers)
    old_events = Events(tenants, size, Past(*OLD_HOURS, steps=calls))
    sides = {
        "alone": Side(target.dsn, UsageBatches(Events(tenants, size))),
        "old": Side(target.dsn, UsageBatches(old_events)),
    }
    purging = {"purge": Side(target.dsn, Purges(tenants.surface))}
    purged = Slice()
    result = Comparison()
    with (
        PsycopgDriver(options.workers, sides) as driver,
        PsycopgDriver(1, purging) as purger,
        Progress(2 * options.duration, "s") as progress,
    ):
        old = ingest(driver, "old", options.events, size, options.workers)
        settle_usage(connection)
        note(f"Starting {options.workers} workers for {options.duration} seconds, twice")
        for length in slice_lengths(options.duration):
            alone = driver.run(Task("alone", seconds=length), progress.tick)
            progress.step(length)
            purger.begin(Task("purge", seconds=length, rest=options.purge_rest))
            disturbed = driver.run(Task("alone", seconds=length), progress.tick)
            part = purger.end(progress.tick)
            progress.step(length)
            purged = total_of([purged, part])
            is_over = purged.rows >= old or not part.rows
            # A slice in which the purging ended would show only a part of what it costs.
            if not (is_over and result.slices):
                result.add("disturbed", disturbed)
                result.add("alone", alone)
            if is_over:
                break
    return purge_report(usage_figures(options, connection), result, old, purged)


def purge_report(figures: dict[str, object], result: Comparison, old: int, purged: Slice) -> Report:
    report = Report(figures=figures)
    disturbed, alone = result.total("disturbed"), result.total("alone")
    ratio, ratios = result.ratio("disturbed", "alone"), result.ratios("disturbed", "alone")
    report.add(f"Old events: {old}", old_events=old)
    report.add(f"Purged events: {purged.rows}", purged_events=purged.rows)
    report.add(f"Seconds of purging: {purged.seconds:.1f}", purge_seconds=purged.seconds)
    add_percentiles(report, purged.latencies, "purge")
    report.add(f"Events/second: {alone.per_second:.1f}", events_per_second=alone.per_second)
    report.add(
        f"Events/second while purging: {disturbed.per_second:.1f}",
        events_per_second_while_purging=disturbed.per_second,
    )
    report.add(
        f"While purging, over alone: {ratio:.3f} (slices: {min(ratios):.3f} to {max(ratios):.3f})",
        purge_ratio=ratio,
        purge_slice_ratios=ratios,
    )
    return report

"""The mode bytes: what a transfer occupies."""

from __future__ import annotations

import math

from scripts.performance.accounts import open_books
from scripts.performance.console import Progress, note
from scripts.performance.databases import Control, ledger_sizes, vacuum_full
from scripts.performance.drivers import new_driver
from scripts.performance.errors import CheckFailed
from scripts.performance.options import Options
from scripts.performance.report import Report, head_figures
from scripts.performance.servers import Target
from scripts.performance.transfers import ledger_work
from scripts.performance.work import Side, Task

# Transfers between two looks at how far it is.
STEP = 10_000


def measure_bytes(options: Options, target: Target, connection: Control) -> Report:
    """Bytes a transfer, indexes included, once nothing is left to tidy up."""
    if options.vacuum is False or not (target.own or options.vacuum):
        raise CheckFailed("--mode bytes needs VACUUM FULL, which locks every table: add --vacuum")
    books = open_books(connection, options.accounts)
    vacuum_full(connection)
    before = ledger_sizes(connection)
    work = ledger_work(options, connection, books)
    with (
        new_driver(options, target, {"ledger": Side(target.dsn, work)}) as driver,
        Progress(options.transfers, "transfers") as progress,
    ):
        note(f"Making {options.transfers} transfers")
        made = 0
        while made < options.transfers:
            each = math.ceil(min(options.transfers - made, STEP) / options.workers)
            step = driver.run(Task("ledger", calls=each * options.workers), progress.tick).rows
            progress.step(step)
            made += step
    vacuum_full(connection)
    grown = {name: size - before[name] for name, size in ledger_sizes(connection).items()}

    report = Report(figures=head_figures(options, connection))
    report.add(f"Completed transfers: {made}", transfers=made)
    parts = {name: size / made for name, size in grown.items() if size}
    for name, size in sorted(parts.items(), key=lambda item: -item[1]):
        report.add(f"  {name}: {size:.1f}")
    total = sum(grown.values()) / made
    report.add(f"Bytes/transfer: {total:.1f}", bytes_per_transfer=total, bytes_by_relation=parts)
    return report

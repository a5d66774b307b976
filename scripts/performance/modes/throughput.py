"""The modes single, batch and bulk: transfers a second, and the bytes that they take."""

from __future__ import annotations

from contextlib import ExitStack

from scripts.performance.accounts import Books, open_books
from scripts.performance.console import note
from scripts.performance.databases import Control, database_size, pretty, vacuum_full
from scripts.performance.drivers import new_driver
from scripts.performance.floor import Floor, floor_schema
from scripts.performance.options import Options
from scripts.performance.report import Report, add_floor, add_percentiles, decimals, head_figures
from scripts.performance.servers import Target
from scripts.performance.slices import Comparison, slice_lengths, take_turns
from scripts.performance.transfer_floors import SinglesFloor, batches_floor
from scripts.performance.transfers import ledger_work
from scripts.performance.work import Work, total_of


def compare(
    options: Options, target: Target, connection: Control, books: Books, *, with_floor: bool
) -> Comparison:
    """Measures the ledger, and its floor if asked, for the duration."""
    ours = ledger_work(options, books)
    lengths = slice_lengths(options.duration)
    with ExitStack() as stack:
        floor: Floor | None = None
        works: dict[str, Work] = {"ledger": ours}
        if with_floor:
            stack.enter_context(floor_schema(connection, target.dsn))
            if options.mode in ("batch", "bulk"):
                floor = batches_floor(connection, options.batch_size)
            else:
                floor = SinglesFloor(options.accounts)
            floor.create(connection)
            works["floor"] = floor.work
        note(f"Starting {options.workers} workers for {options.duration} seconds")
        driver = stack.enter_context(new_driver(options, target, works))
        return take_turns(connection, driver, lengths, floor)


def measure_throughput(options: Options, target: Target, connection: Control) -> Report:
    """The modes single, batch and bulk: the seed's report."""
    books = open_books(connection, options.accounts)
    vacuum = target.own if options.vacuum is None else options.vacuum
    if vacuum:
        vacuum_full(connection)
    before = database_size(connection)
    result = compare(options, target, connection, books, with_floor=options.floor)
    if vacuum:
        vacuum_full(connection)
    after = database_size(connection)

    ours = total_of(result.measured)
    growth = after - before
    report = Report(figures=head_figures(options, connection))
    if options.mode != "single":
        report.figures["batch_size"] = options.batch_size
    report.add(f"Completed transfers: {ours.rows}", transfers=ours.rows)
    report.add(f"Elapsed time in seconds: {ours.seconds:.1f}", seconds=ours.seconds)
    report.add(f"Database size before: {pretty(connection, before)}")
    report.add(f"Database size after: {pretty(connection, after)}")
    report.add(f"Database size growth in bytes: {growth}")
    report.add(
        f"Transfers/second: {ours.per_second:.1f}",
        transfers_per_second=ours.per_second,
    )
    milliseconds = options.workers * 1000 / ours.per_second
    report.add(
        f"Milliseconds/transfer: {decimals(milliseconds)}",
        ms_per_transfer=milliseconds,
    )
    report.add(
        f"Bytes/transfer: {growth // ours.rows}",
        bytes_per_transfer=growth / ours.rows,
    )
    add_percentiles(report, ours.latencies)
    if options.floor:
        add_floor(report, result)
    return report

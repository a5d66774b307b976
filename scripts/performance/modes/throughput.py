"""The modes single, batch and bulk: transfers a second, and the bytes that they take."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from scripts.performance.accounts import Books, open_books
from scripts.performance.console import note
from scripts.performance.databases import Control, database_size, ledger_sizes, pretty, vacuum_full
from scripts.performance.drivers import new_driver
from scripts.performance.floor import open_floor
from scripts.performance.options import Options
from scripts.performance.peer import open_peer
from scripts.performance.report import Report, add_percentiles, add_rivals, decimals, head_figures
from scripts.performance.rivals import Rival, open_rivals, wants_vacuum
from scripts.performance.servers import Target
from scripts.performance.slices import Comparison, take_turns
from scripts.performance.transfer_floors import SinglesFloor, batches_floor
from scripts.performance.transfers import ledger_work
from scripts.performance.work import Side, Work


def ours_by_name(
    options: Options, target: Target, connection: Control, books: Books
) -> dict[str, Side]:
    """The ledger's call with the first of the answers asked for, and others by their answer."""
    names = ("ledger", *options.returning[1:])
    return {
        name: Side(target.dsn, ledger_work(options, connection, books, returning))
        for name, returning in zip(names, options.returning, strict=True)
    }


def compare(
    options: Options, target: Target, connection: Control, books: Books, *, with_floor: bool
) -> Comparison:
    """Measures the ledger, and in turn with it its rivals, for the duration."""
    sides = ours_by_name(options, target, connection, books)
    names = list(sides)

    def floor(stack: ExitStack) -> Rival:
        if options.mode in ("batch", "bulk"):
            least = batches_floor(connection, options.batch_size)
            return open_floor(stack, connection, target.dsn, least)
        return open_floor(stack, connection, target.dsn, SinglesFloor(options.accounts))

    def again(other: Control) -> Work:
        return ledger_work(options, other, open_books(other, options.accounts))

    with open_rivals(
        options,
        target,
        floor=floor if with_floor else None,
        peer=lambda other: open_peer(options, other),
        ours=again,
    ) as rivals:
        sides |= {rival.name: rival.side for rival in rivals}
        turns = f", {len(sides)} kinds in turn" if len(sides) > 1 else ""
        note(f"Starting {options.workers} workers for {options.duration} seconds{turns}")
        with new_driver(options, target, sides) as driver:
            return take_turns(connection, driver, options.duration, names, rivals)


def measure_throughput(options: Options, target: Target, connection: Control) -> Report:
    """Each number of workers with each number of accounts, one after another."""
    if len(options.cases) == 1:
        return measure_case(options, target, connection)
    report = Report()
    runs: list[dict[str, object]] = []
    for place, (workers, accounts) in enumerate(options.cases, start=1):
        note(f"{workers} workers, {accounts} accounts: {place} of {len(options.cases)}")
        case = replace(options, workers=workers, accounts=accounts)
        part = measure_case(case, target, connection)
        report.lines += [f"{workers} workers, {accounts} accounts:"]
        report.lines += [f"  {line}" for line in part.lines]
        runs.append(part.figures)
    report.figures = {"mode": options.mode, "driver": options.driver, "runs": runs}
    return report


def measure_case(options: Options, target: Target, connection: Control) -> Report:
    """The modes single, batch and bulk: the seed's report."""
    books = open_books(connection, options.accounts)
    vacuum = wants_vacuum(options, target)
    if vacuum:
        vacuum_full(connection)
    before, sizes = database_size(connection), ledger_sizes(connection)
    result = compare(options, target, connection, books, with_floor=options.floor)
    if vacuum:
        vacuum_full(connection)
    after = database_size(connection)
    grown = {name: size - sizes[name] for name, size in ledger_sizes(connection).items()}

    ours = result.total("ledger")
    others = options.returning[1:]
    made = ours.rows + sum(result.total(name).rows for name in others)
    growth = after - before
    report = Report(figures=head_figures(options, connection))
    if options.mode != "single":
        report.figures["batch_size"] = options.batch_size
    if options.returning != ("row",):
        report.figures["returning"] = list(options.returning)
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
        f"Bytes/transfer: {growth // made}",
        bytes_per_transfer=growth / made,
    )
    report.figures["bytes_by_relation"] = {
        name: size / made for name, size in grown.items() if size
    }
    add_percentiles(report, ours.latencies)
    add_rivals(report, result, others)
    return report

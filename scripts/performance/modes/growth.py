"""The mode growth: a transfer among many, over a transfer among few."""

from __future__ import annotations

from scripts.performance.accounts import open_books
from scripts.performance.databases import Control, scalar, settle
from scripts.performance.errors import CheckFailed
from scripts.performance.modes.throughput import compare
from scripts.performance.options import GROWTH_START, Options
from scripts.performance.report import Report, head_figures
from scripts.performance.servers import Target
from scripts.performance.transfers import load


def measure_growth(options: Options, target: Target, connection: Control) -> Report:
    """A single transfer among very many, over a single transfer among few.

    Between the two lies the time to load millions of transfers, in which the machine may have
    become faster or slower. So each is measured beside its floor, and the ratio of the ratios is
    what growth itself costs.
    """
    if scalar(connection, "select exists (select from pgledger.transfers)"):
        raise CheckFailed("--mode growth needs a database without transfers: give it a fresh one")
    books = open_books(connection, options.accounts)
    report = Report(figures=head_figures(options, connection))
    start = min(GROWTH_START, options.transfers // 10)
    results = []
    for wanted, name in ((start, "small"), (options.transfers, "large")):
        present = int(scalar(connection, "select count(*) from pgledger.transfers"))
        load(connection, books, wanted - present)
        settle(connection)
        result = compare(options, target, connection, books, with_floor=True)
        ours, ratio = result.total("ledger"), result.ratio("ledger", "floor")
        milliseconds = options.workers * 1000 / ours.per_second
        report.add(
            f"Milliseconds/transfer at {wanted} transfers: {milliseconds:.3f}"
            f" (floor ratio {ratio:.3f})",
            **{
                f"{name}_transfers": wanted,
                f"{name}_ms_per_transfer": milliseconds,
                f"{name}_floor_ratio": ratio,
            },
        )
        results.append((ours.per_second, ratio))
    (small, small_ratio), (large, large_ratio) = results
    report.add(
        f"Time as measured, large over small: {small / large:.3f}",
        growth_ratio_as_measured=small / large,
    )
    report.add(
        f"Time over the floor's, large over small: {small_ratio / large_ratio:.3f}",
        growth_ratio=small_ratio / large_ratio,
    )
    return report

"""The mode history: reading an account that has many entries."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scripts.performance.accounts import Books, open_books
from scripts.performance.console import Progress
from scripts.performance.databases import APP_ID, Control, explained, scalar, settle
from scripts.performance.options import Options
from scripts.performance.report import Report, add_percentiles, head_figures
from scripts.performance.servers import Target
from scripts.performance.transfers import load


@dataclass(slots=True)
class Reads:
    """Calls of one reading function: milliseconds of each, and the most that one had to read.

    As a caller sees it, and in the server alone: without what makes Python's rows of the answer.
    """

    milliseconds: list[float] = field(default_factory=list)
    served: list[float] = field(default_factory=list)
    rows: int = 0
    buffers: int = 0


def observe_reads(connection: Control, statement: str, calls: Sequence[Sequence[object]]) -> Reads:
    """Times all calls as a caller sees them, then repeats each to see what it reads.

    What counts the rows evicts what a call finds in the processor's caches. So the calls that are
    timed follow each other.
    """
    reads = Reads()
    with Progress(2 * len(calls), "calls") as progress:
        for parameters in calls:
            before = time.perf_counter()
            connection.execute(statement.encode(), parameters, prepare=True).fetchall()
            reads.milliseconds.append((time.perf_counter() - before) * 1000)
            progress.step(1)
        for parameters in calls:
            reads.rows = max(reads.rows, rows_read(connection, statement, parameters))
            milliseconds, buffers = explained(connection, statement, parameters)
            reads.served.append(milliseconds)
            reads.buffers = max(reads.buffers, buffers)
            progress.step(1)
    return reads


def rows_read(connection: Control, statement: str, parameters: Sequence[object]) -> int:
    """Rows of transfers, or entries of its indexes, that one call reads.

    The server counts them in the session, so what happens inside functions is in it; EXPLAIN shows
    a function's result only. Within a transaction the count is not taken away to the statistics.
    """
    with connection.transaction():
        before = rows_counted(connection)
        connection.execute(statement.encode(), parameters).fetchall()
        return rows_counted(connection) - before


def rows_counted(connection: Control) -> int:
    count = scalar(
        connection,
        """
        select sum(pg_stat_get_xact_tuples_returned(c.oid))
        from pg_catalog.pg_class as c
        left join pg_catalog.pg_index as i on i.indexrelid = c.oid
        where 'pgledger.transfers'::regclass in (c.oid, i.indrelid)
        """,
    )
    return int(count)


def sample_times(connection: Control, books: Books, entries: int) -> list[datetime]:
    """Times to ask a balance for: of entries, between them, before the first, after the last."""
    page = (
        f"select created_at from {books.surface}.pgledger_account_entries("
        f"%s, page_size => 1, newest_first => false, after_version => %s, app_id => '{APP_ID}')"
    )

    def entry_at(version: int) -> datetime:
        found = scalar(connection, page, (books.ids[0], version - 1))
        assert isinstance(found, datetime)
        return found

    first, last = entry_at(1), entry_at(entries)
    span = last - first
    recorded = [entry_at(random.randint(1, entries)) for _ in range(100)]
    between = [first + span * random.random() for _ in range(100)]
    return [*recorded, *between, first - timedelta(days=1), first, last, last + timedelta(days=1)]


def measure_history(options: Options, target: Target, connection: Control) -> Report:
    """Newest entries and a balance in the past, of an account with a long history."""
    del target
    books = open_books(connection, options.accounts)
    load(connection, books, options.transfers, hot=True)
    settle(connection)

    account = books.ids[0]
    newest = (
        f"select * from {books.surface}.pgledger_account_entries("
        f"%s, page_size => 20, app_id => '{APP_ID}')"
    )
    balance = f"select {books.surface}.pgledger_balance_at(%s, %s, app_id => '{APP_ID}')"
    times = sample_times(connection, books, options.transfers)
    report = Report(figures=head_figures(options, connection))
    report.add(f"Entries of the account: {options.transfers}", transfers=options.transfers)
    add_reads(report, "newest", observe_reads(connection, newest, [(account,)] * len(times)))
    add_reads(
        report, "balance_at", observe_reads(connection, balance, [(account, at) for at in times])
    )
    return report


def add_reads(report: Report, name: str, reads: Reads) -> None:
    add_percentiles(report, reads.milliseconds, name)
    add_percentiles(report, reads.served, f"{name}_in_server")
    report.add(
        f"{name} most rows read: {reads.rows}",
        **{f"{name}_rows_read": reads.rows},
    )
    report.add(
        f"{name} most buffers read: {reads.buffers}",
        **{f"{name}_buffers_read": reads.buffers},
    )

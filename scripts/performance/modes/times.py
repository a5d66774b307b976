"""The mode times: balances, statements and ranges at times in the past, on both axes.

Three accounts get as many entries each: of the first one in a hundred gives an event_at, of the
second none, of the third each. They happened before they were recorded: a fortieth of what a load
takes, on average, as in a year's books of which some came nine days late.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from scripts.performance.accounts import Books, open_books
from scripts.performance.console import Progress
from scripts.performance.databases import APP_ID, Control, scalar, settle
from scripts.performance.modes.history import add_reads, observe_reads
from scripts.performance.options import Options
from scripts.performance.report import Report, head_figures
from scripts.performance.servers import Target

# Of each part: its name, and how many in a hundred give an event_at. A range is looked for among
# the transfers of this part and of those before it.
PARTS = (("one", 1), ("none", 0), ("all", 100))
CALL = 1_000
CALLS = 100
# Entries of a statement, and rows of a range of the whole ledger.
STATEMENT = 1_000
RANGE = 10_000
# How late those that give an event_at are on average, as a part of a whole load.
LATENESS = 1 / 40

LOAD = """
    select {surface}.pgledger_create_transfers_bulk_count(
      array_agg(case when comes then other else %(hot)s end),
      array_agg(case when comes then %(hot)s else other end),
      array_agg(amount),
      event_ats => array_agg(event_at),
      app_id => '{app_id}'
    )
    from (
      select
        random() < 0.5 as comes,
        (%(others)s::text[])[1 + floor(random() * cardinality(%(others)s::text[]))::integer]
          as other,
        (1 + floor(random() * 10000))::numeric / 100 as amount,
        case
          when random() * 100 < %(share)s
            then clock_timestamp() + ln(1 - random()) * %(lateness)s
        end as event_at
      from generate_series(1, %(count)s)
    ) as request
"""

SIZES = """
    select relname, pg_relation_size(oid)
    from pg_catalog.pg_class
    where relnamespace = 'pgledger'::regnamespace
      and relname in (
        'transfers_event_at_created_at_idx',
        'transfers_from_key_event_at_created_at_amount_idx',
        'transfers_to_key_event_at_created_at_amount_idx'
      )
    order by 1
"""


def load_part(connection: Control, books: Books, hot: str, share: int, transfers: int) -> None:
    """Makes transfers between an account and the ones that no part is about."""
    statement = LOAD.format(surface=books.surface, app_id=APP_ID)
    given = {"hot": hot, "others": books.ids[len(PARTS) :], "share": share}
    begun = time.monotonic()
    with Progress(transfers, "transfers") as progress:
        for start in range(0, transfers, CALL):
            count = min(CALL, transfers - start)
            whole = (time.monotonic() - begun) * transfers / max(start, 1)
            call = {"count": count, "lateness": timedelta(seconds=whole * LATENESS)}
            connection.execute(statement.encode(), given | call).fetchall()
            progress.step(count)


def spans(
    connection: Control, hot: str, transfers: int, entries: int
) -> Sequence[tuple[datetime, datetime]]:
    """Spans of time in which the account got about so many entries."""
    page = (
        "select transfers.created_at from pgledger.transfers inner join pgledger.accounts"
        " on accounts.key = transfers.{side}_key where accounts.id = %s and {side}_version = %s"
    )

    def entry_at(version: int) -> datetime:
        statement = " union all ".join(page.format(side=side) for side in ("from", "to"))
        found = scalar(connection, statement, (hot, version) * 2)
        assert isinstance(found, datetime)
        return found

    entries = min(entries, transfers // 2)
    starts = [random.randint(1, transfers - entries) for _ in range(CALLS)]
    return [(entry_at(start), entry_at(start + entries)) for start in starts]


def measure_times(options: Options, target: Target, connection: Control) -> Report:
    """What reading at a time costs, by how many transfers give an event_at."""
    del target
    books = open_books(connection, max(options.accounts, len(PARTS) + 2))
    report = Report(figures=head_figures(options, connection))
    report.add(f"Entries of each account: {options.transfers}", transfers=options.transfers)
    for hot, (name, share) in zip(books.ids, PARTS, strict=False):
        before: dict[str, int] = dict(connection.execute(SIZES.encode()).fetchall())
        load_part(connection, books, str(hot), share, options.transfers)
        settle(connection)
        report.add(f"{share} of 100 transfers give an event_at")
        for index, size in connection.execute(SIZES.encode()).fetchall():
            each = (int(size) - before[index]) / options.transfers
            report.add(f"{name} bytes/transfer of {index}: {each:.2f}", **{f"{name}_{index}": each})
        short = spans(connection, str(hot), options.transfers, STATEMENT)
        measure_account(
            connection, books.surface, [(str(hot), *span) for span in short], name, report
        )
        rows = (
            f"select id, amount, event_at from {books.surface}.pgledger_transfers_view"
            " where event_at >= %s and event_at < %s"
        )
        long = spans(connection, str(hot), options.transfers, RANGE)
        add_reads(report, f"{name}_range", observe_reads(connection, rows, long))
    return report


def measure_account(
    connection: Control,
    surface: str,
    calls: Sequence[tuple[str, datetime, datetime]],
    name: str,
    report: Report,
) -> None:
    for axis in ("recorded", "event"):
        balance = f"select {surface}.pgledger_balance_at(%s, %s, '{axis}', '{APP_ID}')"
        balances = observe_reads(connection, balance, [(hot, start) for hot, start, _ in calls])
        add_reads(report, f"{name}_balance_{axis}", balances)
        statement = f"select * from {surface}.pgledger_statement(%s, %s, %s, '{axis}', '{APP_ID}')"
        statements = observe_reads(connection, statement, calls)
        add_reads(report, f"{name}_statement_{axis}", statements)

"""Moving subscriptions on, and which functions the time goes to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import make_conninfo

from scripts.performance.console import TICK_SECONDS, Progress, note
from scripts.performance.databases import APP_ID, Control, connect
from scripts.performance.report import Report

SUBSCRIPTIONS_A_CALL = 100
FUNCTIONS_SHOWN = 12


@dataclass(slots=True)
class Advanced:
    """What calls of ledger_advance have done: invoices, seconds, and milliseconds a call."""

    invoices: int = 0
    seconds: float = 0.0
    calls: list[float] = field(default_factory=list)


def advance(
    session: Control,
    surface: str,
    most: int | None = None,
    step: Callable[[int], None] | None = None,
) -> Advanced:
    """Calls ledger_advance, each time in a transaction of its own, until nothing is left.

    Args:
        session: In autocommit.
        surface: Where the function is.
        most: Ends when there are so many invoices; None for all that are due.
        step: Is told of each call how many invoices it made.
    """
    done = Advanced()
    statement = (
        "select count(*), count(*) filter (where change = 'invoice_finalized')"
        f" from {surface}.ledger_advance('{APP_ID}', {SUBSCRIPTIONS_A_CALL}, max_span => null)"
    ).encode()
    while most is None or done.invoices < most:
        before = time.perf_counter()
        row = session.execute(statement).fetchone()
        milliseconds = (time.perf_counter() - before) * 1000
        done.calls.append(milliseconds)
        done.seconds += milliseconds / 1000
        if row is None or row[0] == 0:
            break
        done.invoices += row[1]
        if step is not None:
            step(row[1])
    return done


def advance_together(
    sessions: Sequence[Control], surface: str, most: int | None, progress: Progress
) -> Advanced:
    """All sessions at once; ``most`` is of each of them."""
    before = time.perf_counter()
    with ThreadPoolExecutor(len(sessions)) as pool:
        parts = [pool.submit(advance, each, surface, most, progress.step) for each in sessions]
    total = Advanced(seconds=time.perf_counter() - before)
    for part in parts:
        total.invoices += part.result().invoices
        total.calls += part.result().calls
    return total


def functions_called(connection: Control) -> dict[int, tuple[str, int, float]]:
    """What the server has counted of functions: name, calls and their own milliseconds."""
    connection.execute("select pg_stat_clear_snapshot()")
    return {
        int(number): (str(name), int(calls), float(milliseconds))
        for number, name, calls, milliseconds in connection.execute(
            "select funcid, funcname, calls, self_time from pg_stat_user_functions"
        )
    }


def explain_advance(dsn: str, connection: Control, surface: str, most: int) -> Report:
    """Invoices some subscriptions in one session, and says which functions the time goes to."""
    report = Report()
    before = functions_called(connection)
    tracking = make_conninfo(dsn, options="-c track_functions=all")
    try:
        with closing(connect(tracking)) as session, Progress(max(most, 1), "invoices") as progress:
            done = advance(session, surface, most, progress.step)
    except psycopg.OperationalError as refused:
        note(f"Not saying where the time goes: {refused}")
        return report
    own: dict[str, tuple[int, float]] = {}
    # The server counts what a session did some time after it has ended.
    for _ in range(50):
        time.sleep(TICK_SECONDS)
        own = {
            name: (calls - was[1], milliseconds - was[2])
            for number, (name, calls, milliseconds) in functions_called(connection).items()
            if calls > (was := before.get(number, ("", 0, 0.0)))[1]
        }
        if own:
            break
    invoices = max(done.invoices, 1)
    sum_of_all = sum(milliseconds for _, milliseconds in own.values())
    report.add(f"Where the time goes, one session, {done.invoices} invoices:")
    for name, (calls, milliseconds) in sorted(own.items(), key=lambda item: -item[1][1])[
        :FUNCTIONS_SHOWN
    ]:
        report.add(
            f"  {name}: {100 * milliseconds / sum_of_all:.1f} %,"
            f" {1000 * milliseconds / invoices:.0f} us an invoice in {calls / invoices:.1f} calls"
        )
    report.figures["time_share_by_function"] = {
        name: milliseconds / sum_of_all for name, (_, milliseconds) in own.items()
    }
    return report

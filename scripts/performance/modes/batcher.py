"""The mode batcher: many callers on one hot account, alone and through a batcher, in turns."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager
from decimal import Decimal

import psycopg

from pgledger import AsyncLedger, AsyncTransferBatcher, Ledger, TransferBatcher
from scripts.performance.accounts import Books, open_books
from scripts.performance.callers import (
    AsyncCall,
    AsyncConnections,
    AsyncControl,
    Call,
    Connections,
    run_tasks,
    run_threads,
)
from scripts.performance.console import Progress, note
from scripts.performance.databases import APP_ID, Control, connect, settle
from scripts.performance.errors import CheckFailed
from scripts.performance.options import Options
from scripts.performance.report import Report, add_percentiles, head_figures
from scripts.performance.servers import Target
from scripts.performance.slices import Comparison, slice_lengths
from scripts.performance.work import Slice

AMOUNT = Decimal("1.25")
SIDES = ("single", "batcher")
WARM_UP_SECONDS = 0.25

# Runs one of the sides for so many seconds.
Run = Callable[[str, float], Slice]


def route(books: Books) -> Callable[[int], tuple[str, str, Decimal]]:
    """What a caller transfers: from an account of its own, if there are enough, to the hot one."""
    hot, *others = books.ids
    return lambda number: (others[number % len(others)], hot, AMOUNT)


def single(books: Books, connection: Control) -> Call:
    ledger, request = Ledger(connection, schema=books.schema), route(books)
    return lambda number: ledger.create_transfer(*request(number), app_id=APP_ID)


def single_async(books: Books, connection: AsyncControl) -> AsyncCall:
    ledger, request = AsyncLedger(connection, schema=books.schema), route(books)
    return lambda number: ledger.create_transfer(*request(number), app_id=APP_ID)


@contextmanager
def threads(target: Target, books: Books, callers: int) -> Iterator[Run]:
    """Threads, of which each has a connection of its own for single calls."""
    request = route(books)
    with ExitStack() as stack:
        *own, lent = (stack.enter_context(closing(connect(target.dsn))) for _ in range(callers + 1))
        calls = [single(books, connection) for connection in own]
        batcher = stack.enter_context(TransferBatcher(Connections(lent), schema=books.schema))
        sides: dict[str, Call] = {
            "single": lambda number: calls[number](number),
            "batcher": lambda number: batcher.create_transfer(*request(number), app_id=APP_ID),
        }
        yield lambda name, seconds: run_threads(sides[name], callers, seconds)


@contextmanager
def tasks(target: Target, books: Books, callers: int) -> Iterator[Run]:
    """The same with tasks of one event loop."""
    request = route(books)

    async def connected(stack: AsyncExitStack) -> AsyncControl:
        connection = await psycopg.AsyncConnection.connect(
            target.dsn, autocommit=True, application_name="performance_check"
        )
        stack.push_async_callback(connection.close)
        return connection

    async def begin(stack: AsyncExitStack) -> dict[str, AsyncCall]:
        calls = [single_async(books, await connected(stack)) for _ in range(callers)]
        batcher = await stack.enter_async_context(
            AsyncTransferBatcher(AsyncConnections(await connected(stack)), schema=books.schema)
        )
        return {
            "single": lambda number: calls[number](number),
            "batcher": lambda number: batcher.create_transfer(*request(number), app_id=APP_ID),
        }

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            sides = runner.run(begin(stack))
            yield lambda name, seconds: runner.run(run_tasks(sides[name], callers, seconds))
        finally:
            runner.run(stack.aclose())


def take_turns(run: Run, lengths: Sequence[float], progress: Progress) -> Comparison:
    """Lets the sides take turns, after a slice each in which plans are made."""
    result = Comparison()
    for name in SIDES:
        run(name, WARM_UP_SECONDS)
    for length in lengths:
        for name in SIDES:
            result.add(name, run(name, length))
            progress.step(length)
    for name in SIDES:
        if not all(part.rows for part in result.slices[name]):
            raise CheckFailed("nothing was completed: give it a longer --duration")
    return result


def measure_batcher(options: Options, target: Target, connection: Control) -> Report:
    """Rates of many callers, and what a lone one waits, with and without a batcher."""
    books = open_books(connection, max(options.accounts, 2))
    settle(connection, "accounts")
    lengths = slice_lengths(options.duration)
    ways = {"threads": threads, "tasks": tasks}
    note(f"{options.workers} callers, each with transfers to the same account; then one alone")
    many: dict[str, Comparison] = {}
    lone: dict[str, Comparison] = {}
    with Progress(4 * len(SIDES) * options.duration, "s") as progress:
        for way, begin in ways.items():
            with begin(target, books, options.workers) as run:
                many[way] = take_turns(run, lengths, progress)
            with begin(target, books, 1) as run:
                # Short slices, because it is a small difference that is looked for.
                lone[way] = take_turns(run, [0.5] * (2 * options.duration), progress)
    report = Report(figures=head_figures(options, connection))
    for way in ways:
        add_rates(report, way, many[way])
        add_waits(report, way, lone[way])
    return report


def add_rates(report: Report, way: str, result: Comparison) -> None:
    for name in SIDES:
        total = result.total(name)
        rate, key = total.per_second, f"{way}_{name}"
        report.add(
            f"{way.capitalize()}, {name}, transfers/second: {rate:.1f}",
            **{f"{key}_per_second": rate},
        )
        add_percentiles(report, total.latencies, f"{way}, {name},", key=key)
    ratio, ratios = result.ratio("batcher", "single"), result.ratios("batcher", "single")
    report.add(
        f"{way.capitalize()}, batcher over single calls: {ratio:.2f}"
        f" (slices: {min(ratios):.2f} to {max(ratios):.2f})",
        **{f"{way}_batcher_ratio": ratio, f"{way}_batcher_slice_ratios": ratios},
    )


def add_waits(report: Report, way: str, result: Comparison) -> None:
    medians = {name: statistics.median(result.total(name).latencies) for name in SIDES}
    ratio = medians["batcher"] / medians["single"]
    report.add(
        f"{way.capitalize()}, one caller's median call, batcher over single: {ratio:.3f}"
        f" ({medians['batcher']:.3f} and {medians['single']:.3f} milliseconds)",
        **{
            f"{way}_lone_ratio": ratio,
            f"{way}_lone_batcher_ms": medians["batcher"],
            f"{way}_lone_single_ms": medians["single"],
        },
    )

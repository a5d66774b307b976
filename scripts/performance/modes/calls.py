"""The mode calls: what keys, holds and outcomes cost the processor, beside what is plain."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Final

from pgledger.errors import InsufficientFunds
from scripts.performance.accounts import Books, open_books
from scripts.performance.backend_clock import BackendClock
from scripts.performance.console import Progress, note
from scripts.performance.databases import APP_ID, Control, connect, execute, scalar, settle
from scripts.performance.options import Options
from scripts.performance.report import Report, head_figures
from scripts.performance.servers import Target
from scripts.performance.transfers import Singles

Call = Callable[[], object]
Request = tuple[str, str, Decimal]
# Requests of a batch of which one is refused, because those before it used the account up.
STRIDE: Final = 10
# How many calls of a batch stand for one round of single calls.
SHARE: Final = 1000


class Calls:
    """Ways to move money, over one connection."""

    def __init__(self, connection: Control, books: Books, size: int) -> None:
        self._connection = connection
        self._surface = books.surface
        self._requests = Singles(books, "row").parameters()
        purse = str(
            scalar(
                connection,
                f"select id from {self._surface}.pgledger_create_account("
                f"'performance_check purse', 'USD', min_balance => 0, app_id => '{APP_ID}')",
            )
        )
        self._plain = self._batch(books, size)
        self._failing = self._plain[:]
        for place in range(0, size - STRIDE + 1, STRIDE):
            account = books.ids[0]
            self._failing[place] = (account, purse, Decimal(5))
            self._failing[place + 1] = (purse, account, Decimal(5))
            self._failing[place + 2] = (purse, account, Decimal(1))
        self.singles: Mapping[str, Call] = {
            "single": self._single,
            "single, with a key": self._keyed,
            "hold, made and posted": self._hold,
        }
        self.batches: Mapping[str, Call] = {
            "bulk": lambda: self._bulk("pgledger_create_transfers_bulk", self._plain),
            "outcomes": lambda: self._bulk("pgledger_create_transfers_outcomes", self._failing),
            "savepoints": self._savepoints,
        }

    def _batch(self, books: Books, size: int) -> list[Request]:
        requests = Singles(books, "row").parameters()
        return [
            (str(source), str(target), Decimal(str(amount)))
            for source, target, amount in itertools.islice(requests, size)
        ]

    def _fetch(self, call: str, parameters: Sequence[object]) -> list[tuple[object, ...]]:
        statement = f"select * from {self._surface}.{call}"
        return self._connection.execute(statement.encode(), parameters).fetchall()

    def _single(self) -> object:
        return self._fetch(
            f"pgledger_create_transfer(%s, %s, %s, app_id => '{APP_ID}')", next(self._requests)
        )

    def _keyed(self) -> object:
        return self._fetch(
            f"pgledger_create_transfer(%s, %s, %s, app_id => '{APP_ID}', idempotency_key => %s)",
            (*next(self._requests), f"evt_{secrets.token_hex(12)}"),
        )

    def _hold(self) -> object:
        ((hold, *_),) = self._fetch(
            f"pgledger_create_hold(%s, %s, %s, app_id => '{APP_ID}')", next(self._requests)
        )
        return self._fetch(f"pgledger_post_hold(%s, app_id => '{APP_ID}')", (hold,))

    def _bulk(self, function: str, requests: Sequence[Request]) -> object:
        columns = [list(column) for column in zip(*requests, strict=True)]
        return self._fetch(f"{function}(%s, %s, %s, app_id => '{APP_ID}')", columns)

    def _savepoints(self) -> None:
        with self._connection.transaction():
            for request in self._failing:
                with contextlib.suppress(InsufficientFunds), self._connection.transaction():
                    self._fetch(
                        f"pgledger_create_transfer(%s, %s, %s, app_id => '{APP_ID}')", request
                    )


def measure_calls(options: Options, target: Target, connection: Control) -> Report:
    """Processor time of a backend for each way, over that for the plain one, in turns."""
    books = open_books(connection, options.accounts)
    calls = max(options.transfers // options.rounds, 1)
    repeats = max(calls // SHARE, 1)
    with closing(connect(target.dsn)) as caller:
        # As in --mode processor: plans are made once, and the log's flushing is not counted.
        caller.prepare_threshold = 0
        execute(caller, "set synchronous_commit = off")
        ways = Calls(caller, books, options.batch_size)
        clock = BackendClock(caller)
        settle(connection, "accounts")
        plan = [(name, way, calls) for name, way in ways.singles.items()]
        plan += [(name, way, repeats) for name, way in ways.batches.items()]
        note(f"Making {calls} calls of each kind, and {repeats} of batches, {options.rounds} times")
        rounds: list[dict[str, float]] = []
        with Progress(sum(n for _, _, n in plan) * (options.rounds + 1), "calls") as progress:
            for _ in range(options.rounds + 1):
                rounds.append({})
                for name, way, count in plan:
                    before = clock.seconds()
                    for _ in range(count):
                        way()
                    rounds[-1][name] = (clock.seconds() - before) * 1e6 / count
                    progress.step(count)
    # The first round is for plans and for pages that are not in memory.
    figures = head_figures(options, connection)
    figures.update(
        workers=1, driver="psycopg", rounds=options.rounds, batch_size=options.batch_size
    )
    report = Report(figures=figures)
    add_ratios(report, rounds[1:], tuple(ways.singles), "single")
    add_ratios(report, rounds[1:], tuple(ways.batches), "bulk")
    return report


def add_ratios(
    report: Report, rounds: Sequence[dict[str, float]], names: Sequence[str], plain: str
) -> None:
    least = {name: min(each[name] for each in rounds) for name in names}
    for name in names:
        ratios = [each[name] / each[plain] for each in rounds]
        key = name.replace(",", "").replace(" ", "_")
        report.add(
            f"Processor time in microseconds, {name}: {least[name]:,.1f},"
            f" {least[name] / least[plain]:.3f} of {plain}"
            f" (median round: {statistics.median(ratios):.3f})",
            **{f"{key}_processor_us": least[name], f"{key}_ratio": least[name] / least[plain]},
        )

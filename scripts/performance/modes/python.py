"""The mode python: what the package adds to psycopg."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import psycopg

from pgledger import Ledger
from scripts.performance.accounts import Books, open_books
from scripts.performance.console import Progress
from scripts.performance.databases import APP_ID, Control
from scripts.performance.options import Options
from scripts.performance.report import Report, add_percentiles, head_figures
from scripts.performance.servers import Target
from scripts.performance.transfers import Singles

PAIRS_A_TRANSACTION = 500


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement as ``Ledger.create_transfer`` hands it to psycopg."""

    query: Any
    parameters: tuple[object, ...]
    keywords: dict[str, Any]

    def with_values(self, given: Sequence[object], wanted: Sequence[object]) -> list[object]:
        """The parameters of another call: ``wanted`` in the places of what was ``given``."""
        texts = [str(value) for value in given]
        return [
            wanted[texts.index(str(parameter))] if str(parameter) in texts else parameter
            for parameter in self.parameters
        ]


def capture_statement(connection: Control, ledger: Ledger, request: Sequence[Any]) -> Sent:
    """Makes a transfer through the package and takes down the statement."""
    with patch.object(
        psycopg.Cursor, "execute", autospec=True, side_effect=psycopg.Cursor.execute
    ) as execute:
        ledger.create_transfer(*request, app_id=APP_ID)
    connection.commit()
    _, query, parameters = execute.call_args.args
    return Sent(query, tuple(parameters), dict(execute.call_args.kwargs))


@dataclass(slots=True)
class Pairs:
    """Milliseconds of calls through the package and, in turn with them, of bare psycopg's."""

    ledger: list[float] = field(default_factory=list)
    psycopg: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median call's time, package over psycopg."""
        return statistics.median(self.ledger) / statistics.median(self.psycopg)


class PythonRace:
    """Makes the same transfers through the package and through bare psycopg, call by call."""

    def __init__(self, session: Control, books: Books) -> None:
        self._session = session
        self._ledger = Ledger(session, schema=books.schema)
        self._requests: Iterator[Sequence[Any]] = Singles(books, "row").parameters()
        self._example = next(self._requests)
        self._sent = capture_statement(session, self._ledger, self._example)

    def run(self, count: int) -> Pairs:
        """One transaction of so many pairs; each side goes first as often as the other."""
        pairs = Pairs()
        turns = [(self._through_ledger, pairs.ledger), (self._through_psycopg, pairs.psycopg)]
        for _ in range(count):
            for call, milliseconds in turns:
                milliseconds.append(call())
            turns.reverse()
        self._session.commit()
        return pairs

    def _through_ledger(self) -> float:
        request = next(self._requests)
        before = time.perf_counter()
        self._ledger.create_transfer(*request, app_id=APP_ID)
        return (time.perf_counter() - before) * 1000

    def _through_psycopg(self) -> float:
        sent = self._sent
        parameters = sent.with_values(self._example, next(self._requests))
        before = time.perf_counter()
        self._session.execute(sent.query, parameters, **sent.keywords).fetchone()
        return (time.perf_counter() - before) * 1000


def measure_python(options: Options, target: Target, connection: Control) -> Report:
    """What the package adds to psycopg, in the same open transactions."""
    options = replace(options, workers=1, driver="psycopg")
    books = open_books(connection, options.accounts)
    parts: list[Pairs] = []
    with (
        psycopg.connect(target.dsn, application_name="performance_check") as session,
        Progress(options.transfers, "pairs of calls") as progress,
    ):
        race = PythonRace(session, books)
        # Within a transaction no version of a row can be cleared away, so one that never ended
        # would make every call slower, and the package's share smaller.
        for done in range(0, options.transfers, PAIRS_A_TRANSACTION):
            count = min(PAIRS_A_TRANSACTION, options.transfers - done)
            parts.append(race.run(count))
            progress.step(count)

    total = Pairs()
    for part in parts:
        total.ledger.extend(part.ledger)
        total.psycopg.extend(part.psycopg)
    report = Report(figures=head_figures(options, connection))
    report.add(f"Calls of each: {options.transfers}", transfers=2 * options.transfers)
    add_percentiles(report, total.ledger, "ledger")
    add_percentiles(report, total.psycopg, "psycopg")
    sums = sum(total.ledger) / sum(total.psycopg)
    report.add(f"Sum of all calls, ledger over psycopg: {sums:.3f}", python_ratio_of_sums=sums)
    ratios = [part.ratio for part in parts]
    report.add(
        f"Median call, ledger over psycopg: {total.ratio:.3f}"
        f" (by transaction: {min(ratios):.3f} to {max(ratios):.3f})",
        python_ratio=total.ratio,
    )
    return report

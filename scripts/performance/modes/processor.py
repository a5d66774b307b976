"""The mode processor: what a single transfer costs the server's processor."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

from scripts.performance.accounts import open_books
from scripts.performance.backend_clock import BackendClock
from scripts.performance.console import Progress, note
from scripts.performance.databases import Control, connect, execute, settle
from scripts.performance.floor import open_floor
from scripts.performance.options import Options
from scripts.performance.peer import open_peer
from scripts.performance.report import Report, head_figures
from scripts.performance.rivals import open_rivals
from scripts.performance.servers import Target
from scripts.performance.transfer_floors import SinglesFloor
from scripts.performance.transfers import ledger_work
from scripts.performance.work import Side, Work

BARE = "bare statement"


@dataclass(frozen=True, slots=True)
class BareStatement:
    """What any statement costs: the same parameters, a transaction, an answer, and no work."""

    same: Work
    size: int = 1
    answers: int = 1

    @property
    def statement(self) -> str:
        return "select %s::text, %s::text, %s::numeric"

    def parameters(self) -> Iterator[Sequence[object]]:
        return self.same.parameters()

    def scripts(self) -> list[str]:
        raise NotImplementedError


class Caller:
    """One backend, and calls of one kind in it, each in a transaction of its own."""

    def __init__(self, connection: Control, work: Work) -> None:
        # Plans are made once, as in an application that keeps its connections.
        connection.prepare_threshold = 0
        # What a file system does to flush the log would be counted too, and is no code of anybody's
        # here; it can be more than all the rest.
        execute(connection, "set synchronous_commit = off")
        self._connection = connection
        self._statement = work.statement.encode()
        self._parameters = work.parameters()
        self._clock = BackendClock(connection)

    def run(self, calls: int) -> float:
        """Microseconds of processor time that a call took the backend."""
        before = self._clock.seconds()
        for _ in range(calls):
            self._connection.execute(self._statement, next(self._parameters)).fetchall()
        return (self._clock.seconds() - before) * 1e6 / calls


def measure_processor(options: Options, target: Target, connection: Control) -> Report:
    """Processor time of a backend for a transfer, over that for a rival's.

    Other work on the machine makes a call slower by taking the processor away, which is not
    counted, and by taking its caches, which is. So the least of some rounds says the most.
    """
    books = open_books(connection, options.accounts)
    ours = ledger_work(options, connection, books)
    calls = max(options.transfers // options.rounds, 1)
    with ExitStack() as stack:
        rivals = stack.enter_context(
            open_rivals(
                options,
                target,
                floor=lambda outer: open_floor(
                    outer, connection, target.dsn, SinglesFloor(options.accounts)
                ),
                peer=lambda other: open_peer(options, other),
                ours=lambda other: ledger_work(options, other, open_books(other, options.accounts)),
            )
        )
        sides = {
            BARE: Side(target.dsn, BareStatement(ours)),
            "ledger": Side(target.dsn, ours),
            **{rival.name: rival.side for rival in rivals},
        }
        callers = {
            name: Caller(stack.enter_context(closing(connect(side.dsn))), side.work)
            for name, side in sides.items()
        }
        settle(connection, "accounts")
        note(f"Making {calls} calls of each kind {options.rounds} times")
        rounds: list[dict[str, float]] = []
        total = calls * len(callers) * (options.rounds + 1)
        with Progress(total, "calls") as progress:
            for _ in range(options.rounds + 1):
                rounds.append({})
                for name, caller in callers.items():
                    rounds[-1][name] = caller.run(calls)
                    progress.step(calls)
    # The first round is for plans and for pages that are not in memory.
    return processor_report(head_figures(options, connection), rounds[1:], calls)


def processor_report(
    figures: dict[str, object], rounds: Sequence[dict[str, float]], calls: int
) -> Report:
    figures.update(workers=1, driver="psycopg", rounds=len(rounds), calls_per_round=calls)
    report = Report(figures=figures)
    report.add(f"Calls of each: {calls * len(rounds)}")
    least = {name: min(each[name] for each in rounds) for name in rounds[0]}
    middle = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    report.add(
        f"Processor time of a bare statement in microseconds: {least[BARE]:.1f}"
        f" (median round: {middle[BARE]:.1f})",
        bare_processor_us=least[BARE],
    )
    for name in rounds[0]:
        if name != BARE:
            report.add(
                f"Processor time of a transfer in microseconds, {name}:"
                f" {least[name] - least[BARE]:.1f} more than that"
                f" (median round: {middle[name] - middle[BARE]:.1f})",
                **{f"{name}_processor_us": least[name] - least[BARE]},
            )
    for rival in rounds[0]:
        if rival in (BARE, "ledger"):
            continue
        ratio = (least["ledger"] - least[BARE]) / (least[rival] - least[BARE])
        ratios = [(each["ledger"] - each[BARE]) / (each[rival] - each[BARE]) for each in rounds]
        report.add(
            f"Processor time over the {rival}'s: {ratio:.3f}"
            f" (rounds: {min(ratios):.3f} to {max(ratios):.3f})",
            **{f"{rival}_processor_ratio": ratio, f"{rival}_round_ratios": ratios},
        )
    return report

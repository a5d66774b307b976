"""What workers repeat, and what a stretch of it comes to."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from scripts.performance.console import Tick

# Calls that a worker makes ready before it begins; it picks from them at random.
READY_BATCHES = 8


class Work(Protocol):
    """A statement and where its parameters come from, in both drivers' terms.

    Attributes:
        size: Transfers or events a call.
        answers: Rows that come back of a call: one for each of them, or one for all.
    """

    @property
    def size(self) -> int: ...

    @property
    def answers(self) -> int: ...

    @property
    def statement(self) -> str:
        """What psycopg executes; no row comes back when nothing is left to do."""
        ...

    def parameters(self) -> Iterator[Sequence[object]]:
        """Parameters of one call after another."""
        ...

    def scripts(self) -> list[str]:
        """Scripts that pgbench picks from at random."""
        ...


@dataclass(frozen=True, slots=True)
class Side:
    """Work, and the database that does it."""

    dsn: str
    work: Work


@dataclass(slots=True)
class Slice:
    """A stretch of work: rows (transfers or events), seconds, and each call's milliseconds."""

    rows: int = 0
    seconds: float = 0.0
    latencies: array[float] = field(default_factory=lambda: array("d"))

    @property
    def per_second(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0


def total_of(slices: Iterable[Slice]) -> Slice:
    total = Slice()
    for each in slices:
        total.rows += each.rows
        total.seconds += each.seconds
        total.latencies.extend(each.latencies)
    return total


@dataclass(frozen=True, slots=True)
class Task:
    """Which work to do, and for how many seconds or for how many calls by all workers together.

    ``shared`` says that all workers call until no row is left, so that a faster one makes more
    calls; pgbench, which cannot see that, makes as many as ``calls`` says.

    After each call a worker rests ``rest`` times as long as the call took; pgbench never does.
    """

    name: str
    seconds: int | None = None
    calls: int | None = None
    shared: bool = False
    rest: float = 0.0


class Driver(Protocol):
    """Runs named work on several connections at once."""

    def run(self, task: Task, tick: Tick) -> Slice: ...

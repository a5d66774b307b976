"""A measurement in slices, in which the ledger and its floor take turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scripts.performance.console import Progress
from scripts.performance.databases import Control, scalar
from scripts.performance.errors import CheckFailed
from scripts.performance.floor import Floor, Turn
from scripts.performance.work import Driver, Slice, Task, total_of

SLICE_SECONDS = 3
FEWEST_SLICES = 4


def slice_lengths(duration: int) -> list[int]:
    """Divides a duration into whole seconds, so that two kinds of work can take turns."""
    count = min(duration, max(FEWEST_SLICES, duration // SLICE_SECONDS))
    return [duration // count + (number < duration % count) for number in range(count)]


@dataclass(slots=True)
class Comparison:
    """Slices of what is measured and, in turn with them, of what it is compared with.

    That is a floor, or the same work undisturbed.
    """

    measured: list[Slice] = field(default_factory=list)
    baseline: list[Slice] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return total_of(self.measured).per_second / total_of(self.baseline).per_second

    @property
    def ratios(self) -> list[float]:
        pairs = zip(self.measured, self.baseline, strict=True)
        return [measured.per_second / baseline.per_second for measured, baseline in pairs]


def take_turns(
    connection: Control, driver: Driver, lengths: Sequence[int], floor: Floor | None
) -> Comparison:
    """Runs the ledger's slices, each followed by one of the floor.

    So a machine that becomes faster or slower in the meantime does so for both.
    """
    result = Comparison()
    with Progress(sum(lengths) * (2 if floor else 1), "s") as progress:
        for length in lengths:
            since = scalar(connection, "select clock_timestamp()")
            ours = driver.run(Task("ledger", seconds=length), progress.tick)
            progress.step(length)
            result.measured.append(ours)
            if not ours.rows:
                raise CheckFailed("nothing was completed: give it a longer --duration")
            if floor is not None:
                task = floor.task(connection, Turn(since, length, ours))
                result.baseline.append(driver.run(task, progress.tick))
                progress.step(length)
    return result

"""A measurement in slices, in which the ledger and its floor take turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scripts.performance.console import Progress
from scripts.performance.databases import Control, scalar
from scripts.performance.errors import CheckFailed
from scripts.performance.floor import Floor, Turn
from scripts.performance.work import Driver, Order, Slice, total_of

SLICE_SECONDS = 3
FEWEST_SLICES = 4


def slice_lengths(duration: int) -> list[int]:
    """Divides a duration into whole seconds, so that two kinds of work can take turns."""
    count = min(duration, max(FEWEST_SLICES, duration // SLICE_SECONDS))
    return [duration // count + (number < duration % count) for number in range(count)]


@dataclass(slots=True)
class Comparison:
    """Slices of the ledger and, in turn with them, of its floor."""

    ours: list[Slice] = field(default_factory=list)
    floor: list[Slice] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return total_of(self.ours).per_second / total_of(self.floor).per_second

    @property
    def ratios(self) -> list[float]:
        pairs = zip(self.ours, self.floor, strict=True)
        return [ours.per_second / floor.per_second for ours, floor in pairs]


def take_turns(
    connection: Control, driver: Driver, lengths: Sequence[int], floor: Floor | None
) -> Comparison:
    """Runs the ledger's slices, each followed by one of the floor.

    What drifts on the machine in the meantime then strikes both alike.
    """
    result = Comparison()
    with Progress(sum(lengths) * (2 if floor else 1), "s") as progress:
        for length in lengths:
            since = scalar(connection, "select clock_timestamp()")
            ours = driver.run(Order("ledger", seconds=length), progress.tick)
            progress.step(length)
            result.ours.append(ours)
            if not ours.transfers:
                raise CheckFailed("nothing was completed: give it a longer --duration")
            if floor is not None:
                order = floor.order(connection, Turn(since, length, ours))
                result.floor.append(driver.run(order, progress.tick))
                progress.step(length)
    return result

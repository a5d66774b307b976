"""A measurement in slices, in which the ledger and its rivals take turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scripts.performance.console import Progress
from scripts.performance.databases import Control, scalar
from scripts.performance.errors import CheckFailed
from scripts.performance.rivals import Rival, Turn
from scripts.performance.work import Driver, Slice, Task, total_of

SLICE_SECONDS = 3
FEWEST_SLICES = 4


def slice_lengths(duration: int) -> list[int]:
    """Divides a duration into whole seconds, so that several kinds of work can take turns."""
    count = min(duration, max(FEWEST_SLICES, duration // SLICE_SECONDS))
    return [duration // count + (number < duration % count) for number in range(count)]


@dataclass(slots=True)
class Comparison:
    """Slices of several kinds of work that took turns: as many of each, by its name."""

    slices: dict[str, list[Slice]] = field(default_factory=dict)

    def add(self, name: str, part: Slice) -> None:
        self.slices.setdefault(name, []).append(part)

    def total(self, name: str) -> Slice:
        return total_of(self.slices[name])

    def ratio(self, name: str, over: str) -> float:
        return self.total(name).per_second / self.total(over).per_second

    def ratios(self, name: str, over: str) -> list[float]:
        """Ratios slice by slice."""
        pairs = zip(self.slices[name], self.slices[over], strict=True)
        return [part.per_second / other.per_second for part, other in pairs]


def take_turns(
    connection: Control,
    driver: Driver,
    duration: int,
    ours: Sequence[str],
    rivals: Sequence[Rival],
) -> Comparison:
    """Runs a slice of each of ours, then one of each rival, again and again.

    So a machine that becomes faster or slower in the meantime does so for all.
    """
    result = Comparison()
    lengths = slice_lengths(duration)
    with Progress(duration * (len(ours) + len(rivals)), "s") as progress:
        for length in lengths:
            for name in ours:
                since = scalar(connection, "select clock_timestamp()")
                part = driver.run(Task(name, seconds=length), progress.tick)
                progress.step(length)
                result.add(name, part)
                if not part.rows:
                    raise CheckFailed("nothing was completed: give it a longer --duration")
                turn = Turn(since, length, part)
            for rival in rivals:
                result.add(rival.name, driver.run(rival.task(turn), progress.tick))
                progress.step(length)
                if not result.slices[rival.name][-1].rows:
                    raise CheckFailed(
                        f"the {rival.name} completed nothing: give it a longer --duration"
                    )
    return result

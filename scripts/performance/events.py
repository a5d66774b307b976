"""Usage events as work to repeat."""

from __future__ import annotations

import itertools
import math
import random
import struct
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scripts.performance.console import Progress, note
from scripts.performance.databases import APP_ID, Control, settle
from scripts.performance.packed import Packed, packed_array, packed_times, with_new_digits
from scripts.performance.tenants import FEATURE, Tenants
from scripts.performance.work import READY_BATCHES, Driver, Task

LARGEST_QUANTITY = 100
# Ready-made events of a worker, and the most batches that they are divided among.
READY_EVENTS = 80_000
MOST_READY = 1_000
# Events are reported up to so long after they happened: they nearly always lie in two UTC hours.
DELAY_SECONDS = 55 * 60
# Ready-made times are made anew when they are as old as this.
FRESH_SECONDS = 60
HOUR = 3600
# Calls of each worker between two updates of the progress bar.
CALLS_A_STEP = 10


@dataclass(frozen=True, slots=True)
class Past:
    """Hours before now that batches walk through step by step, again and again."""

    since: float
    until: float
    steps: int = 1

    def part(self, number: int) -> tuple[float, float]:
        """Where a step begins and ends, in Unix seconds."""
        length = (self.since - self.until) * HOUR / self.steps
        start = time.time() - self.since * HOUR + number % self.steps * length
        return start, start + length


@dataclass(frozen=True, slots=True)
class Events:
    """Random usage events, many a call, as binary arrays.

    ``past`` says when they happened; without it, just now. Tenants and features have their names,
    or ``numbers`` stand in their place.
    """

    tenants: Tenants
    size: int
    past: Past | None = None
    numbers: bool = False
    features: Sequence[str] = (FEATURE,)

    def stream(self) -> Iterator[Sequence[object]]:
        """Arrays of one call after another; what many calls share is made before the first."""
        count = min(max(READY_EVENTS // self.size, READY_BATCHES), MOST_READY)
        return self._calls([self._ready() for _ in range(count)])

    def _ready(self) -> tuple[list[Packed], bytes]:
        """Arrays of all but times and keys; then keys that new ones are made of."""
        picked = random.choices(range(1, self.tenants.count + 1), k=self.size)
        if self.numbers:
            whose = [packed_array("integer", [struct.pack(">i", number) for number in picked])]
        else:
            ids = [f"{self.tenants.prefix}{number}".encode() for number in picked]
            features = [feature.encode() for feature in random.choices(self.features, k=self.size)]
            whose = [packed_array("text", ids), packed_array("text", features)]
        # One group of four decimal digits, which stand before the point.
        quantities = [
            struct.pack(">4hh", 1, 0, 0, 0, random.randint(1, LARGEST_QUANTITY)) for _ in picked
        ]
        keys = [str(uuid.uuid4()).encode() for _ in picked]
        return [*whose, packed_array("numeric", quantities)], packed_array("text", keys)

    def _calls(self, ready: Sequence[tuple[list[Packed], bytes]]) -> Iterator[Sequence[object]]:
        made: dict[int, tuple[float, Packed]] = {}
        for number in itertools.count():
            place = random.randrange(len(ready))
            now = time.time()
            if self.past is not None:
                times = packed_times(*self.past.part(number), self.size)
            elif place in made and now - made[place][0] < FRESH_SECONDS:
                times = made[place][1]
            else:
                times = packed_times(now - DELAY_SECONDS, now, self.size)
                made[place] = now, times
            arrays, keys = ready[place]
            yield [*arrays, times, with_new_digits(keys)]


@dataclass(frozen=True, slots=True)
class UsageBatches:
    """Batches of events through the public function, whose answers come back."""

    events: Events

    @property
    def size(self) -> int:
        return self.events.size

    @property
    def answers(self) -> int:
        return self.events.size

    @property
    def statement(self) -> str:
        return (
            f"select * from {self.events.tenants.surface}.ledger_ingest_usage('{APP_ID}', "
            "%s::text[], %s::text[], %s::numeric[], %s::timestamptz[], %s::text[]) "
            "where status = 'inserted'"
        )

    def parameters(self) -> Iterator[Sequence[object]]:
        return self.events.stream()

    def scripts(self) -> list[str]:
        raise NotImplementedError


def ingest(driver: Driver, name: str, events: int, size: int, workers: int) -> int:
    """Ingests so many events, rounded up to whole calls, and returns how many."""
    calls = math.ceil(events / size)
    made = 0
    note(f"Ingesting {calls * size} events")
    with Progress(calls, "calls") as progress:
        while calls > 0:
            step = min(calls, workers * CALLS_A_STEP)
            made += driver.run(Task(name, calls=step), progress.tick).rows
            progress.step(step)
            calls -= step
    return made


def settle_usage(connection: Control) -> None:
    settle(
        connection,
        "tenants",
        "meters",
        "usage_events",
        "usage_rollups",
        "subscriptions",
        "plan_features",
    )
